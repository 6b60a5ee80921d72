/* Connections from here into the link, for servers of ours that are told at run time where to go (net/socks.h).
 *
 * TCP is libslirp's: it is given a private socket to listen on, which leads to the destination, and we connect to that. UDP goes past
 * libslirp: a datagram is a packet, and a port of ours in the gate. Addresses in host byte order. */
#ifndef SLIRPPD_NET_DIAL_H
#define SLIRPPD_NET_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/gate.h"

struct dialer; /* the backend's: slirp_dialer.c makes it */
struct dial;

/* What became of a dial: ANSWER_OPEN with a connected, non-blocking stream socket FD, which is the callee's; else -1. Called once, from
 * the loop, never from within dial_tcp(); the dial is gone then. */
typedef void dial_fn(void *arg, enum gate_outcome outcome, int fd);

/* NULL when it cannot be begun: the link is down, ADDR is not the address of a host, or too many dials or connections are under way. Given
 * up after a minute (ANSWER_NONE). */
struct dial *dial_tcp(struct dialer *dialer, uint32_t addr, uint16_t port, enum flow_kind kind, dial_fn *fn, void *arg);
/* The same for any address, an IPv4 one as ::ffff:a.b.c.d; where that is no host that the link leads to, or IPv6 is down: NULL. */
struct dial *dial_tcp6(struct dialer *dialer, const struct in6_addr *addr, uint16_t port, enum flow_kind kind, dial_fn *fn, void *arg);
void dial_cancel(struct dial *dial);

struct dial_udp;
/* DATA came from ADDR:PORT; valid until it returns. */
typedef void dial_datagram_fn(void *arg, uint32_t addr, uint16_t port, const uint8_t *data, size_t len);

/* A UDP port of ours in the link; NULL when there is none. Goes on when the link goes down and comes up again. */
struct dial_udp *dial_udp_new(struct dialer *dialer, enum flow_kind kind, dial_datagram_fn *fn, void *arg);
void dial_udp_free(struct dial_udp *udp);
/* False: it may not go (the link is down, too large). */
bool dial_udp_send(struct dial_udp *udp, uint32_t addr, uint16_t port, const uint8_t *data, size_t len);

/* Whether the link carries IPv6 now. */
bool dial_has_v6(const struct dialer *dialer);

/* The name server at the peer's side: what IPCP learnt, else what the peer would offer (its own address); 0: the link is down. */
uint32_t dial_name_server(const struct dialer *dialer);

#endif
