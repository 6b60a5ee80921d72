/* The Internet Protocol Control Protocol: RFC 1332 (addresses), RFC 1877 (name servers). */
#ifndef SLIRPPD_PPP_IPCP_H
#define SLIRPPD_PPP_IPCP_H

#include <stdbool.h>
#include <stdint.h>

#include "ppp/cp.h"
#include "ppp/secrets.h"

struct ipcp_events {
	void (*up)(void *arg);
	void (*down)(void *arg);
	void (*finished)(void *arg);
};

/* What the peer asked for in its last Configure-Request, as far as it was agreed to. */
struct ipcp_peer {
	bool has_address; /* it named one, */
	uint32_t address; /* and this was agreed to, or 0 */
	bool old_addresses; /* it used the IP-Addresses option */
};

/* Van Jacobson's compression in one direction (RFC 1332 §4); no slots: not at all. */
struct ipcp_vj {
	unsigned slots;   /* connections that the receiver remembers */
	bool compress_id; /* their number may be left out */
};

/* A name server as the peer named it; in the order of the options' types: DNS, WINS, second DNS, second WINS. */
struct ipcp_server {
	bool want; /* we ask for it */
	uint32_t address;
};

#define IPCP_SERVERS 4

struct ipcp {
	struct cp cp;
	const struct ipcp_config *config;
	const struct ipcp_events *events;
	void *arg;
	unsigned unit; /* N of pppN: an unknown remote address is made from it */

	uint32_t magic, peer_magic; /* LCP's; 0 where there is none */

	/* Our idea of both addresses while negotiating, 0 where there is none. They never are the same. */
	uint32_t local, remote;
	uint32_t learnt_local;  /* what an earlier attempt was given where none is configured */
	uint32_t nakked;        /* the last of the peer's addresses that was Nak'ed for being ours, */
	uint8_t nakked_id;      /* and that request's identifier */
	uint32_t offered;       /* to a peer that asked for any; 0: none */
	bool request_address;   /* a request without an address is to be Nak'ed */
	bool disputed;          /* the peer insists on an address that it cannot have */
	struct ipcp_server servers[IPCP_SERVERS];
	struct ipcp_peer peer;

	/* What we ask the peer to send, and what it takes from us: the agreed ones once it is up (no slots of the first: it refused). */
	struct ipcp_vj vj_receive, vj_send;
	uint16_t vj_protocol; /* 0: as RFC 1332 has it; else the number to ask for in the form before it, without slots */

	/* What the peer's address may be (ipcp_set_rights()). */
	const GArray *rules; /* of struct address_rule; NULL: none is left if `restricted` */
	bool restricted;
	bool suggested;      /* the address that it is offered comes from the rules, */
	bool insisted;       /* which name no other */

	/* Once it is up. */
	uint32_t final_local, final_remote;
};

void ipcp_init(struct ipcp *ipcp, const struct ipcp_config *config, unsigned unit, struct clock *clock, size_t size,
	       const struct cp_host *host, void *host_arg, const struct ipcp_events *events, void *arg);
void ipcp_free(struct ipcp *ipcp);

/* Before it is opened: what the peer has proved gives it RIGHTS to addresses; where it has proved nothing (NULL), ALLOW_IP (of struct
 * address_rule; NULL or empty: any address) says what it may use. Both must live until the next call. */
void ipcp_set_rights(struct ipcp *ipcp, const struct rights *rights, const GArray *allow_ip);

/* Logs the addresses, as pppd does once the interface has them. */
void ipcp_announce(const struct ipcp *ipcp);

/* The servers that the peer named, 0 where there is none; once it is up. */
uint32_t ipcp_peer_dns(const struct ipcp *ipcp, unsigned i);
uint32_t ipcp_peer_wins(const struct ipcp *ipcp, unsigned i);

#define IPCP_OPTION_ADDRESSES 1
#define IPCP_OPTION_COMPRESSION 2
#define IPCP_OPTION_ADDRESS 3
#define IPCP_OPTION_DNS1 129
#define IPCP_OPTION_WINS1 130
#define IPCP_OPTION_DNS2 131
#define IPCP_OPTION_WINS2 132

/* Parts of the protocol (ipcp_options.c). */
extern const struct cp_options ipcp_options;
void ipcp_reset(struct cp *cp);
void ipcp_forget(struct cp *cp);
bool ipcp_missing(struct cp *cp, struct writer *better);

/* Whose address gives way (ipcp_address.c). Theory of operation there. */

/* Both ideas as a negotiation begins. */
void ipcp_reset_addresses(struct ipcp *ipcp);
/* Whether the peer may use ADDRESS. */
bool ipcp_permits(const struct ipcp *ipcp, uint32_t address);

/* Nothing but a Nak or a Reject comes of the peer's asking for another address, or of its wanting us to have another. */
bool ipcp_remote_is_firm(const struct ipcp *ipcp);
bool ipcp_local_is_firm(const struct ipcp *ipcp);
/* The peer asks for ADDRESS as its own. CP_NAK: it should ask for ipcp->remote. */
enum cp_verdict ipcp_peer_asks(struct ipcp *ipcp, uint32_t address);
/* The peer wants us to have ADDRESS. */
void ipcp_peer_assigns(struct ipcp *ipcp, uint32_t address);

#endif
