/* Consecutive TCP segments of one flow, put together into large ones (what the kernel calls GRO): one write() to a TUN interface,
 * or one segment for libslirp to take, send on and acknowledge, in place of forty. */
#ifndef SLIRPPD_NET_MERGE_H
#define SLIRPPD_NET_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/packet.h"

/* How many bytes before a packet given to merge_emit_fn may be overwritten. */
#define MERGE_HEADROOM 16

/* P is what was put together. MSS: the size of the segments that it was (all but the last), and its TCP checksum covers the pseudo
 * header alone; 0: it is one packet as it came. */
typedef void merge_emit_fn(void *arg, struct packet *p, size_t mss);

struct merge;

/* What is put together has at most MAX bytes (up to IPV4_PACKET_MAX). */
struct merge *merge_new(size_t max, merge_emit_fn *emit, void *arg);
void merge_free(struct merge *m);

/* True: P was copied and comes out with others later. False: it is nothing to merge and the caller's; what is held of its flow was
 * given out before, so that no flow is reordered. */
bool merge_add(struct merge *m, const struct packet *p);

/* Gives out all that is held. */
void merge_flush(struct merge *m);

#endif
