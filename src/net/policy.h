/* Where the peer may go: which ports of this machine (services), which addresses of the world. Knows no packets. */
#ifndef SLIRPPD_NET_POLICY_H
#define SLIRPPD_NET_POLICY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "config.h"

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
 * answered neither question, nothing of the world is allowed. CONFIG, CLOCK and HOST must outlive it. */
struct policy *policy_new(const struct net_config *config, struct clock *clock, const struct policy_host *host);
void policy_free(struct policy *policy);

/* Where PORT of our PPP address leads. False: nowhere. */
bool policy_service(const struct policy *policy, uint8_t protocol, uint16_t port, uint32_t *host, uint16_t *host_port);

/* Whether the peer may send to ADDR: not when restricted, never to this machine or to a group of hosts. OPENING: the packet may
 * open a conversation, so that what is known of our own addresses must be fresh. */
bool policy_world(struct policy *policy, uint32_t addr, bool opening);

/* True when a forward leads to this port of HOST (0: the peer). */
bool policy_is_forward(const struct policy *policy, uint8_t protocol, uint32_t host, uint16_t port);

/* The real machine: the addresses of its interfaces, and the kernel's routing table. Without netlink there are the former alone. */
struct policy_host *policy_host_new(void);
void policy_host_free(struct policy_host *host);

#endif
