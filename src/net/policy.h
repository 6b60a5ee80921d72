/* What is this machine and what is the world: the kernel is asked. Knows no packets. */
#ifndef SLIRPPD_NET_POLICY_H
#define SLIRPPD_NET_POLICY_H

#include <glib.h>
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

/* The real machine: the addresses of its interfaces, and the kernel's routing table. Without netlink there are the former alone. */
struct policy_host *policy_host_new(void);
void policy_host_free(struct policy_host *host);

#endif
