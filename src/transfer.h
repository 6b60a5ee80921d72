/* The way of the packets of one session: from the backend through the queue and PPP's framing to the line, batched, paced, and held
 * back where the line is slow. Nothing on it allocates; one wake-up of the loop ends in one write. */
#ifndef SLIRPPD_TRANSFER_H
#define SLIRPPD_TRANSFER_H

#include <stddef.h>
#include <stdint.h>

#include "line/line.h"
#include "loop.h"
#include "net/net.h"
#include "outbuf.h"
#include "ppp/ppp.h"

struct transfer;

/* All that it is given stays the caller's and must outlive it. PPP is set right after, since it is made with the outbuf. */
struct transfer *transfer_new(struct loop *loop, struct line *line, struct net *net);
void transfer_set_ppp(struct transfer *t, struct ppp *ppp);
void transfer_free(struct transfer *t);

/* Where PPP puts its frames. */
struct outbuf *transfer_outbuf(struct transfer *t);

/* The line is open, or about to be closed: bytes go out between the two. */
void transfer_start(struct transfer *t);
void transfer_stop(struct transfer *t);

/* IP packets of up to MTU bytes pass between these two. */
void transfer_ip_up(struct transfer *t, uint16_t mtu);
void transfer_ip_down(struct transfer *t);

/* A packet for the peer. */
void transfer_packet(struct transfer *t, const uint8_t *packet, size_t len);

/* The line can take more. */
void transfer_writable(struct transfer *t);

/* Writes what waits, as far as the line takes it; done by itself at the end of every round of the loop. */
void transfer_flush(struct transfer *t);

/* A packet passed that counts for `idle`. */
void transfer_active(struct transfer *t);

/* What waits for the line, and how much never got there since the beginning. */
void transfer_queued(const struct transfer *t, unsigned *packets, size_t *bytes, uint64_t *dropped);

/* Microseconds since the last of those. */
uint64_t transfer_idle(const struct transfer *t);

#endif
