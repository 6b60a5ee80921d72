/* Bytes from one connected descriptor to another and back, for connections that we ourselves make on behalf of somebody (socks, proxy).
 *
 * Each direction has a buffer of bounded size; a side that does not read stops the other. Half-closed connections stay half open
 * (shutdown()), errors and resets close both: the other side sees a reset, too. */
#ifndef SLIRPPD_NET_PUMP_H
#define SLIRPPD_NET_PUMP_H

#include <stddef.h>
#include <stdint.h>

#include "loop.h"

struct pump;

/* How many pumps one server may have, up to MOST: each takes up to four descriptors, with its sockets and libslirp's, and half of all are
 * for others. */
unsigned pump_limit(unsigned most);

/* Called when both directions are at their end, or one failed; the pump has closed both descriptors and is gone after this. */
typedef void pump_done_fn(void *arg, uint64_t a_to_b, uint64_t b_to_a);

/* Takes A and B (stream sockets, connected; they become non-blocking) and begins. FIRST: LEN bytes that were read from A already. */
struct pump *pump_new(struct loop *loop, int a, int b, const uint8_t *first, size_t len, pump_done_fn *done, void *arg);
/* Ends it at once (resets both sides), without DONE being called. */
void pump_free(struct pump *pump);

/* When FD, a TCP socket, is closed, whoever is at its other end is to see a reset. */
void pump_close_resets(int fd);

#endif
