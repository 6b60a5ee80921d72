/* Where the peer may go: which ports of this machine (services), which addresses of the world. Knows no packets. */
#ifndef SLIRPPD_NET_POLICY_H
#define SLIRPPD_NET_POLICY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "config.h"

/* Appends this machine's own IPv4 addresses (uint32_t, host byte order) to ADDRESSES. False when they cannot be had. */
typedef bool policy_addresses_fn(void *arg, GArray *addresses);

struct policy;

/* ADDRESSES is asked at most once a second; while it never answered, nothing of the world is allowed. CONFIG and CLOCK must
 * outlive it. */
struct policy *policy_new(const struct net_config *config, struct clock *clock, policy_addresses_fn *addresses, void *arg);
void policy_free(struct policy *policy);

/* Where PORT of our PPP address leads. False: nowhere. */
bool policy_service(const struct policy *policy, uint8_t protocol, uint16_t port, uint32_t *host, uint16_t *host_port);

/* Whether the peer may send to ADDR: not when restricted, never to this machine or to a group of hosts. OPENING: the packet may
 * open a conversation, so that what is known of our own addresses must be fresh. */
bool policy_world(struct policy *policy, uint32_t addr, bool opening);

/* True when a forward leads to this port of HOST (0: the peer). */
bool policy_is_forward(const struct policy *policy, uint8_t protocol, uint32_t host, uint16_t port);

/* The policy_addresses_fn of a real machine: the addresses of its interfaces. */
bool policy_own_addresses(void *arg, GArray *addresses);

#endif
