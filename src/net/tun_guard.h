/* What stands in front of the tun backend: the same flows, access lists and limits as libslirp's gate has, without translation. Packets
 * in, a verdict out; no I/O. */
#ifndef SLIRPPD_NET_TUN_GUARD_H
#define SLIRPPD_NET_TUN_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "config.h"
#include "net/net.h"
#include "net/packet.h"
#include "net/reply.h"

struct tun_guard;

/* NET is copied; CLOCK must outlive it. */
struct tun_guard *tun_guard_new(const struct net_config *net, struct clock *clock, uint32_t seed);
void tun_guard_free(struct tun_guard *guard);

/* Our own address, and our interface identifier (of fe80::/64), in whose name errors are told; 0: none. */
void tun_guard_set_local(struct tun_guard *guard, uint32_t local, uint64_t identifier);

/* True: P, from the peer, may go to the kernel. Else *LEN bytes (perhaps 0) at *ANSWER are for the peer. The peer may be a router: any source
 * but loopback is its own. Only what opens a flow is judged; later fragments, which show no ports, by their addresses alone, and no fragment
 * passes where a rule names a port. */
bool tun_guard_from_peer(struct tun_guard *guard, uint8_t *data, size_t len, struct packet *p, const uint8_t **answer, size_t *answer_len);

/* P goes to the peer: it is counted, and may open a flow, which nobody limits. */
void tun_guard_to_peer(struct tun_guard *guard, const struct packet *p);

/* As net.h has them. A TCP connection that is dropped is reset at both ends: tun_guard_next_reset() as gate_next_reset(). */
void tun_guard_counters(const struct tun_guard *guard, struct net_counters *counters);
void tun_guard_flows(const struct tun_guard *guard, net_flow_fn *fn, void *arg);
bool tun_guard_drop_flow(struct tun_guard *guard, uint64_t id);
void tun_guard_configure(struct tun_guard *guard, const struct net_config *net);
size_t tun_guard_next_reset(struct tun_guard *guard, uint8_t *buf, bool *to_peer);

#endif
