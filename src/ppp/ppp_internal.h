/* What ppp.c (the link and its phases), ppp_networks.c (what follows once LCP is up) and ppp_data.c (frames and packets) share; nobody else includes it. */
#ifndef SLIRPPD_PPP_PPP_INTERNAL_H
#define SLIRPPD_PPP_PPP_INTERNAL_H

#include "ppp/auth.h"
#include "ppp/cbcp.h"
#include "ppp/ccp.h"
#include "ppp/frame.h"
#include "ppp/ipcp.h"
#include "ppp/ipv6cp.h"
#include "ppp/lcp.h"
#include "ppp/line_test.h"
#include "ppp/ppp.h"
#include "ppp/vj.h"

struct ppp {
	const struct config *config;
	struct clock *clock;
	const struct ppp_events *events;
	void *arg;
	struct outbuf *out;

	struct lcp lcp;
	struct auth *auth;
	struct cbcp cbcp;
	struct ipcp ipcp;
	struct ipv6cp ipv6cp;
	struct ccp *ccp;
	struct timer delay; /* connect-delay */

	struct frame_decoder decoder;
	struct frame_map default_map, map; /* for sending */
	bool pcomp, accomp;
	uint16_t mtu;
	uint64_t last_sent; /* 0: nothing yet */
	struct line_test line_test;
	struct vj_sender *vj_sender; /* both: while IPCP is up and agreed on it, else NULL */
	struct vj_receiver *vj_receiver;
	uint64_t bad_frames; /* that the receiver knows of */

	enum ppp_phase phase;
	unsigned depth;
	bool running;
	bool gone;     /* the line is down; what belongs to the link has still to be stopped */
	bool finished; /* LCP is finished; the session has still to be told */
	bool closing;
	bool close_asked; /* from within a callback */
	char close_reason[64];
	enum exit_status close_status;
	enum exit_status status;
	unsigned networks;     /* control protocols of networks that are open: when the last has given up, the link ends */
	bool ip_up, ipv6_up;   /* and the session knows */
	void (*resume)(struct ppp *p); /* what follows the event that is being told ... */
	void (*held)(struct ppp *p);   /* ... and waits for ppp_go_on(), or NULL */
	uint64_t up_since;
	struct ppp_addresses addresses;
	struct ppp_identifiers identifiers;
	struct ppp_counters counters;
	ppp_frame_fn *tap;
	void *tap_arg;
};

/* Nothing is heard or told any more. */
bool ppp_is_silent(const struct ppp *p);

/* ppp.c. Around everything that comes from outside; see its theory of operation. */
void ppp_enter(void *arg);
void ppp_leave(void *arg);
/* Connect-delay is over: it was long enough, or the peer has spoken. */
void ppp_end_delay(struct ppp *p);
/* A packet that belongs to no network that is up: the phase decides whether it may come. */
void ppp_got_control(struct ppp *p, uint16_t protocol, const uint8_t *packet, size_t len);

void ppp_set_phase(struct ppp *p, enum ppp_phase phase);
/* An orderly end, if none is under way. */
void ppp_close_link(struct ppp *p, const char *reason, enum exit_status status);
extern const struct cp_host ppp_cp_host;

/* ppp_networks.c. SIZE: as for cp_init(). */
void ppp_init_networks(struct ppp *p, const struct secrets *secrets, void *secrets_arg, size_t size);
void ppp_free_networks(struct ppp *p);
/* Everything is at rest, with no packet and no event; LCP is down: everything goes down. */
void ppp_halt_networks(struct ppp *p);
void ppp_stop_networks(struct ppp *p);
/* Tells the session that the networks are down that were up. */
void ppp_report_down(struct ppp *p);
/* What was proved holds no longer. */
void ppp_end_auth(struct ppp *p);
/* IPCP, IPV6CP or CCP, where it is enabled; else NULL. */
struct cp *ppp_find_control(struct ppp *p, uint16_t protocol);
/* The server does not speak CBCP, or does not call back. */
void ppp_no_callback(void *arg);

/* ppp_data.c */
void ppp_init_maps(struct ppp *p);
/* A control packet, for struct cp_host and struct auth_events. */
void ppp_send_control(void *arg, uint16_t protocol, const uint8_t *packet, size_t len);
/* IPCP is up, or down again: VJ as it was agreed on. */
void ppp_start_vj(struct ppp *p);
void ppp_stop_vj(struct ppp *p);

/* How many bytes around an MRU a frame has: header, FCS, and pppd's two bytes of grace. */
#define PPP_FRAME_ROOM (4 + 2 + 2)

#endif
