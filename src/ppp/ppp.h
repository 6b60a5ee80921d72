/* The PPP link: bytes from the line in, packets and events out; packets in, bytes for the line out.
 *
 * Knows no I/O: it reads what it is given, writes into an outbuf, and waits on a clock. It decides which protocol may pass in
 * which phase (RFC 1661 §3.2, §3.5) and owns the framing, LCP and the network control protocols. */
#ifndef SLIRPPD_PPP_PPP_H
#define SLIRPPD_PPP_PPP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "config.h"
#include "outbuf.h"
#include "ppp/secrets.h"
#include "status.h"

/* Protocol numbers (RFC 1661 §2, assigned numbers). */
enum ppp_protocol {
	PPP_IP = 0x0021,
	PPP_VJC_COMP = 0x002d,
	PPP_VJC_UNCOMP = 0x002f,
	PPP_IPV6 = 0x0057,
	PPP_COMP = 0x00fd,
	PPP_IPCP = 0x8021,
	PPP_IPV6CP = 0x8057,
	PPP_CCP = 0x80fd,
	PPP_ECP = 0x8053,
	PPP_LCP = 0xc021,
	PPP_PAP = 0xc023,
	PPP_LQR = 0xc025,
	PPP_CBCP = 0xc029,
	PPP_CHAP = 0xc223,
	PPP_EAP = 0xc227
};

/* The phases with pppd's numbers, which appear in its messages. */
enum ppp_phase {
	PHASE_DEAD = 0,
	PHASE_INITIALIZE = 1,
	PHASE_SERIALCONN = 2,
	PHASE_DORMANT = 3,
	PHASE_ESTABLISH = 4,
	PHASE_AUTHENTICATE = 5,
	PHASE_CALLBACK = 6,
	PHASE_NETWORK = 7,
	PHASE_RUNNING = 8,
	PHASE_TERMINATE = 9,
	PHASE_DISCONNECT = 10,
	PHASE_HOLDOFF = 11
};

/* What IPCP agreed upon; addresses in host byte order, 0 where there is none. */
struct ppp_addresses {
	uint32_t local, remote;
	uint32_t peer_dns[2];  /* servers that the peer named (usepeerdns, or volunteered) */
	uint32_t peer_wins[2]; /* likewise (usepeerwins) */
	uint16_t mtu;          /* the largest IP packet that may be sent */
};

/* What IPV6CP agreed upon: interface identifiers of fe80::/64. */
struct ppp_identifiers {
	uint64_t local, remote;
	uint16_t mtu;
};

struct ppp_counters {
	uint64_t packets_in, bytes_in;   /* IP packets from the peer, without PPP's header */
	uint64_t packets_out, bytes_out; /* to the peer */
	uint64_t frames_in, frames_out, errors_fcs, errors_runt, errors_giant, errors_abort;
	uint64_t out_dropped;            /* frames that found no room in the outbuf */
};

/* What one side of the link was granted (RFC 1661 §6, RFC 1662 §7). */
struct ppp_side {
	uint16_t mru;
	uint32_t asyncmap;
	uint32_t magic; /* 0: none */
	bool pcomp, accomp;
};

struct ppp_report {
	enum ppp_phase phase;
	bool open;                   /* LCP: the next two hold */
	struct ppp_side ours, peers; /* what the peer may send, what we may */
	bool ip_up, ipv6_up;
	struct ppp_addresses addresses;
	struct ppp_identifiers identifiers;
	const char *peer;            /* the name that the peer has proved, or NULL */
	const char *sends, *receives; /* compression, as pppd names it ("Deflate (15)"), or NULL */
	uint64_t up_since;           /* the clock's microseconds when IPCP last came up; 0: not since ppp_start() */
	struct ppp_counters counters;
};

/* A packet that went over the line, as it was before it was compressed and framed. */
typedef void ppp_frame_fn(void *arg, bool sent, uint16_t protocol, const uint8_t *payload, size_t len);

/* How many bytes before an IP packet handed to events->ip may be overwritten (for an Ethernet or a virtio header). */
#define PPP_HEADROOM 32

struct ppp_events {
	/* An IPv4 or IPv6 packet from the peer, LEN bytes, checked for nothing yet. It is the callee's to change; PPP_HEADROOM bytes before it
	 * may be overwritten. Valid until the call returns. */
	void (*ip)(void *arg, uint8_t *packet, size_t len);
	/* The networks are about to begin: PEER is who the other end has proved to be (NULL: nothing had to be proved), OPTIONS are the words
	 * behind `--` of its secrets line (NULL: none). ppp_set_ipcp() and ppp_hold() may be called. NULL: nobody wants to know. */
	void (*authenticated)(void *arg, const char *peer, char **options);
	/* IPCP is up (the addresses are logged after this, unless it closes the link; announced() and phase RUNNING follow), IPCP is down again.
	 * ppp_hold() may be called in ip_up(). */
	void (*ip_up)(void *arg, const struct ppp_addresses *addresses);
	void (*ip_down)(void *arg);
	/* The same of IPV6CP. */
	void (*ipv6_up)(void *arg, const struct ppp_identifiers *identifiers);
	void (*ipv6_down)(void *arg);
	/* What IPCP (or, SIX, IPV6CP) agreed upon has been logged. NULL: nobody wants to know. */
	void (*announced)(void *arg, bool six);
	/* An Echo-Reply came, MICROSECONDS after its request; LOST requests before that were not answered. NULL: nobody wants to know. */
	void (*echo)(void *arg, uint64_t microseconds, unsigned lost);
	/* The phase changed. */
	void (*phase)(void *arg, enum ppp_phase phase);
	/* LCP is finished with the line: it may be hung up. STATUS says why, pppd's way: EXIT_OK after a normal end by the peer once
	 * the link was up, EXIT_NEGOTIATION_FAILED before, else what ppp_close() was told or what happened (loopback, echo). */
	void (*finished)(void *arg, enum exit_status status);
};

struct ppp;

/* A link at rest. All that is given stays the caller's and must outlive it. SECRETS: where secrets come from (NULL: there are none). */
struct ppp *ppp_new(const struct config *config, const struct secrets *secrets, void *secrets_arg, struct clock *clock,
		    const struct ppp_events *events, void *arg, struct outbuf *out);
void ppp_free(struct ppp *ppp);

/* CCP negotiates anew, or for the first time (pppd: SIGUSR2). Harmless where the link is not up. */
void ppp_reopen_ccp(struct ppp *ppp);

/* From now on IPCP goes by CONFIG (which must outlive the link, or the next call). Within events->authenticated(). */
void ppp_set_ipcp(struct ppp *ppp, const struct ipcp_config *config);

/* What follows the event that is being told (authenticated: the networks; ip_up: the announcement) waits until ppp_go_on(), or until it has come
 * to nothing: the link, or IPCP, is down. */
void ppp_hold(struct ppp *ppp);
void ppp_go_on(struct ppp *ppp);

/* The line is there: starts LCP (phase ESTABLISH) from scratch. DELAY_MS: stay silent that long, or until the first frame comes
 * (connect-delay). UNIT_NAME (`ppp0`) is for messages. May be called again after events->finished or ppp_line_down(). */
void ppp_start(struct ppp *ppp, unsigned delay_ms);

/* Asks for an orderly end: Terminate-Request with REASON as its text; events->finished follows with STATUS. At once where nothing
 * was established. */
void ppp_close(struct ppp *ppp, const char *reason, enum exit_status status);

/* The line is gone: everything goes down at once; events->ip_down if it was up, no events->finished. */
void ppp_line_down(struct ppp *ppp);

/* LEN bytes as they came from the line. */
void ppp_input(struct ppp *ppp, const uint8_t *bytes, size_t len);

/* Encodes an IPv4 or IPv6 packet into the outbuf. False when its control protocol is not up, the packet is larger than the MTU, or there is
 * no room. */
bool ppp_send_ip(struct ppp *ppp, const uint8_t *packet, size_t len);

/* The most bytes that one packet of LEN bytes can take on the line. */
size_t ppp_encoded_max(size_t len);

/* FN sees every packet that comes and is understood, and every one that is sent; NULL: nobody does. */
void ppp_set_tap(struct ppp *ppp, ppp_frame_fn *fn, void *arg);

void ppp_get_report(const struct ppp *ppp, struct ppp_report *report);

enum ppp_phase ppp_phase(const struct ppp *ppp);
const struct ppp_counters *ppp_counters(const struct ppp *ppp);

#endif
