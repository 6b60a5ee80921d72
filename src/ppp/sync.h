/* Synchronous lines (option `sync`): one PPP packet (RFC 1661 §2) a read and a write, without flags, escapes or check sequence; the line
 * itself is to keep them apart. Ptys and TCP do so only when there is little to carry, so what comes is taken apart here. */
#ifndef SLIRPPD_PPP_SYNC_H
#define SLIRPPD_PPP_SYNC_H

#include <stddef.h>
#include <stdint.h>

#include "ppp/frame.h"

/* Takes what one read brought, LEN bytes at NOW (microseconds), and calls FN for every packet in it, which has no check sequence behind it;
 * otherwise as frame_decode(). A packet that is cut goes on with the next read, unless that comes more than a second later. Counted as bad
 * are those of one byte and those longer than D has room for. Of D's fields, only these are used: buf, max, len, since, counters. */
void sync_decode(struct frame_decoder *d, uint64_t now, const uint8_t *bytes, size_t len, frame_fn *fn, void *arg);

/* Writes HEAD (address, control, protocol) and INFO into OUT as line_write() wants them on such a line, behind their length, and returns
 * how many bytes that took. frame_encoded_max() is room enough. */
size_t sync_encode(uint8_t *out, const uint8_t *head, size_t head_len, const uint8_t *info, size_t info_len);

#endif
