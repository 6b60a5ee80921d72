/* What is this machine and what is the world: the kernel is asked. Knows no packets. */
#ifndef SLIRPPD_NET_POLICY_H
#define SLIRPPD_NET_POLICY_H

#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

/* Where the routing table leads. */
enum policy_route {
	ROUTE_UNKNOWN, /* it cannot be asked */
	ROUTE_HERE,    /* to this machine, or to a group of hosts */
	ROUTE_AWAY     /* to another */
};

/* What must be known of this machine. */
struct policy_host {
	/* Appends its own IPv4 addresses (uint32_t, host byte order) to ADDRESSES. False when they cannot be had. */
	bool (*addresses)(void *arg, GArray *addresses);
	/* A machine may own more addresses than its interfaces show: whole prefixes by a route. */
	enum policy_route (*route)(void *arg, uint32_t addr);
	/* The same of IPv6 (struct in6_addr). */
	bool (*addresses6)(void *arg, GArray *addresses);
	enum policy_route (*route6)(void *arg, const struct in6_addr *addr);
	/* The host's resolver, an IPv4 address as ::ffff:a.b.c.d. False: there is none. */
	bool (*resolver)(void *arg, struct in6_addr *addr);
	void *arg;
};

struct policy;

/* HOST is asked about an address once a second at most, or about every few packets where there are very many addresses. While it
 * answered neither question, nothing of the world is allowed. CLOCK and HOST must outlive it. */
struct policy *policy_new(struct clock *clock, const struct policy_host *host);
void policy_free(struct policy *policy);

/* Whether the peer may send to ADDR: never to this machine or to a group of hosts. OPENING: the packet may
 * open a conversation, so that what is known of our own addresses must be fresh. */
bool policy_world(struct policy *policy, uint32_t addr, bool opening);

/* The same for an IPv6 address, and never to an IPv4 host by one. */
bool policy_world6(struct policy *policy, const struct in6_addr *addr, bool opening);

/* Whether this machine itself has a way to hosts of the IPv6 Internet. */
bool policy_has_world6(const struct policy *policy);

/* The resolver that this machine asks, an IPv4 one as ::ffff:a.b.c.d: the first that can be reached without naming an interface. */
bool policy_resolver(const struct policy *policy, struct in6_addr *addr);

/* The real machine: the addresses of its interfaces, and the kernel's routing table. Without netlink there are the former alone. */
struct policy_host *policy_host_new(void);
void policy_host_free(struct policy_host *host);

#endif
