/* The file of `lcp-rtt-file`: the last 1022 echo round trips, in a ring that other programs map and read while it is written. Its format
 * is pppd's (2.5): 2048 words of 32 bits, big-endian: a magic number, 1 while the link is up, where in the ring the newest entry is (in words),
 * the interval of echoes in seconds, and the ring, of two words each: Unix time, and replies lost (8 bits) with microseconds (24 bits). */
#ifndef SLIRPPD_RTT_H
#define SLIRPPD_RTT_H

#include <stdint.h>

struct rtt;

/* Makes or opens PATH; a ring that is there goes on. NULL, with one line logged, where that fails. */
struct rtt *rtt_open(const char *path, unsigned interval);
/* The link is down. */
void rtt_close(struct rtt *rtt);
/* An echo came back after MICROSECONDS, LOST before it did not; UNIX_TIME is now. */
void rtt_add(struct rtt *rtt, uint32_t unix_time, uint64_t microseconds, unsigned lost);

#endif
