/* Who may open a flow: access lists, rate-limit, lock-out; and how a refusal is answered, logged and counted. In front of both backends.
 *
 * What is served where, and how many flows there may be, is its owner's business. */
#ifndef SLIRPPD_NET_GUARD_H
#define SLIRPPD_NET_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "config.h"
#include "net/net.h"
#include "net/packet.h"

struct guard;

/* CONFIG and CLOCK must outlive it. CONFIG may be changed; guard_reconfigured() then fills the bucket of rate-limit anew. */
struct guard *guard_new(const struct net_config *config, struct clock *clock);
void guard_free(struct guard *guard);
void guard_reconfigured(struct guard *guard);

/* What the access lists say of a flow of the peer's from SRC:SPORT to DST:DPORT, as the peer sees it; port 0: none. IPv4 addresses in host
 * byte order. */
bool guard_permits(const struct guard *guard, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport);
bool guard_permits6(const struct guard *guard, const struct in6_addr *src, uint16_t sport, const struct in6_addr *dst, uint16_t dport);
/* True when a packet without ports cannot be judged. */
bool guard_needs_ports(const struct guard *guard);

/* In whose name ICMPv6 errors are told. */
void guard_set_local6(struct guard *guard, const struct in6_addr *local);

/* Whether the peer's new flows are locked out now. */
bool guard_locked(const struct guard *guard);

/* One more flow is opened. False: too many of late. */
bool guard_take(struct guard *guard);

/* P, as the peer sent it, is refused: counted, logged at a bounded rate, and remembered against the peer unless it is locked out already.
 * The answer is written to BUF (REPLY_MAX bytes; REPLY6_MAX where P is an IPv6 packet), in the name of FROM where it is an ICMP error. Returns its length; 0: none is due, or
 * enough were sent of late. */
size_t guard_refuse(struct guard *guard, const struct packet *p, enum net_refusal why, uint32_t from, uint8_t *buf);

/* As guard_refuse() for what is nobody's fault: counted as WHY, never logged nor remembered. */
size_t guard_refuse_quietly(struct guard *guard, const struct packet *p, enum net_refusal why, uint32_t from, uint8_t *buf);

/* Only the answer to a TCP segment that belongs to no connection: a reset, at the same bounded rate. */
size_t guard_answer_stray(struct guard *guard, const struct packet *p, uint32_t from, uint8_t *buf);

/* Adds what the guard knows: refusals, and whether the peer is locked out. */
void guard_count(const struct guard *guard, struct net_counters *counters);

#endif
