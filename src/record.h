/* The file of `record`: all bytes that go over the line, with their times, as pppdump reads them. Written by the line.
 *
 * The format (pppd: tty.c): 07 and the time of day (u32) begin it; 01 or 02, a length (u16) and bytes were sent or received; 03 and 04 are the
 * end of our side, and of the line's; 06 (u8) or 05 (u32) before any of them are tenths of a second since the one before. Big-endian. */
#ifndef SLIRPPD_RECORD_H
#define SLIRPPD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

struct record;

/* Appends to PATH, which is made where it is not there, and begins with the time of day. NULL, and one line logged, where that cannot be: pppd
 * goes on without, too. CLOCK must outlive it. */
struct record *record_open(const char *path, const struct clock *clock);
/* Ends it: a side that has not ended has now. R may be NULL, here and below. */
void record_close(struct record *r);

/* LEN bytes were written to the line, or came from it. An error ends the recording, with one line logged. */
void record_sent(struct record *r, const uint8_t *bytes, size_t len);
void record_received(struct record *r, const uint8_t *bytes, size_t len);
/* The line's side has ended. */
void record_hangup(struct record *r);

#endif
