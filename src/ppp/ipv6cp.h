/* The IPv6 Control Protocol: RFC 5072 (interface identifiers). Owned by ppp.c. */
#ifndef SLIRPPD_PPP_IPV6CP_H
#define SLIRPPD_PPP_IPV6CP_H

#include <stdbool.h>
#include <stdint.h>

#include "ppp/cp.h"
#include "ppp/ipcp.h"

struct ipv6cp {
	struct cp cp;
	const struct ipv6cp_config *config;
	const struct ipcp_events *events; /* as IPCP's */
	void *arg;
	uint32_t local_ip, remote_ip;  /* for ipv6cp-use-ipaddr: the configured IPv4 addresses, 0 where there is none */
	const char *remote_number;     /* for ipv6cp-use-remotenumber, or NULL */

	/* Our idea of both identifiers while negotiating, 0 where there is none. They are the same only if they were so configured. */
	uint64_t local, remote;
	uint64_t wanted_local, wanted_remote; /* as configured, or made of an address or a number; 0: chance decides, or the peer */
	bool ask;            /* we name ours: not with ipv6cp-nosend, unless the peer asks for it */
	bool has_remote;     /* the peer named one that was agreed to, */
	uint64_t peer;       /* and this was it */
	bool request_remote; /* a request without one is to be Nak'ed, once */
	bool disputed;       /* the peer insists on an identifier that it cannot have */

	/* Once it is up. */
	uint64_t final_local, final_remote;
};

/* LOCAL_IP, REMOTE_IP, REMOTE_NUMBER: see above; the string must outlive it. */
void ipv6cp_init(struct ipv6cp *ipv6cp, const struct ipv6cp_config *config, uint32_t local_ip, uint32_t remote_ip, const char *remote_number,
		 struct clock *clock, size_t size, const struct cp_host *host, void *host_arg, const struct ipcp_events *events, void *arg);
void ipv6cp_free(struct ipv6cp *ipv6cp);

/* Logs both addresses, as pppd does. */
void ipv6cp_announce(const struct ipv6cp *ipv6cp);

/* The identifier that NUMBER (remotenumber: an Ethernet address, an IPv4 or IPv6 address, or up to 16 digits) stands for; 0: none. */
uint64_t ipv6cp_identifier_of(const char *number);

/* An identifier as pppd writes it everywhere: fe80::0123:4567:89ab:cdef. */
#define IPV6CP_TEXT_MAX 26
const char *ipv6cp_text(char text[IPV6CP_TEXT_MAX], uint64_t identifier);

#define IPV6CP_OPTION_IDENTIFIER 1
#define IPV6CP_OPTION_COMPRESSION 2

/* Parts of the protocol (ipv6cp_options.c). */
extern const struct cp_options ipv6cp_options;
void ipv6cp_reset(struct cp *cp);
void ipv6cp_forget(struct cp *cp);
bool ipv6cp_missing(struct cp *cp, struct writer *better);

#endif
