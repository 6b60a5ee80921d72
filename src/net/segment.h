/* Packets that are too large, cut: IP fragments (RFC 791), and TCP segments from one large one (what network cards call TSO).
 *
 * Both cut in place: each piece's header is written before its share of the payload, over what was sent already. */
#ifndef SLIRPPD_NET_SEGMENT_H
#define SLIRPPD_NET_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/packet.h"

typedef void segment_emit_fn(void *arg, const uint8_t *packet, size_t len);

/* Gives P in pieces of at most MTU bytes to EMIT, in order; whole when it fits. False, and nothing emitted, when it does not fit
 * and may not be fragmented, or MTU is too small for its headers. */
bool segment_fragment(struct packet *p, size_t mtu, segment_emit_fn *emit, void *arg);

/* Gives the TCP packet P (not a fragment) in segments with at most MSS bytes of payload each. Checksums are computed anew: those
 * of P need not be right. MSS must not be 0. */
void segment_tcp(struct packet *p, size_t mss, segment_emit_fn *emit, void *arg);

#endif
