/* RFC 1662: bytes <-> frames, on octet-synchronous or asynchronous lines with HDLC-like framing.
 *
 * Nothing is allocated per frame. Both ways work on runs of bytes that need no escape, not on single ones. */
#ifndef SLIRPPD_PPP_FRAME_H
#define SLIRPPD_PPP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_FLAG 0x7e
#define FRAME_ESCAPE 0x7d

struct frame_counters {
	uint64_t good, fcs, runt, giant, abort;
};

/* Which bytes are escaped when sending: bit B % 32 of word B / 32. 0x7d and 0x7e are escaped, set or not. Fast where no others but
 * control characters (word 0, the ACCM) are set. 0x20 to 0x3f and 0x5e cannot be escaped: they would become control characters
 * and a flag. The options refuse them, as pppd's do. */
struct frame_map {
	uint32_t bits[8];
};

/* A frame, checked and unescaped: from the first byte after the flag (address and control bytes where they were sent) to before
 * the FCS; LEN >= 2. The callee may change it, and FRAME_HEADROOM bytes before it. Valid until it returns. The callee may set the
 * decoder's accm or reset it, but not free it. */
typedef void frame_fn(void *arg, uint8_t *frame, size_t len);

#define FRAME_HEADROOM 160

struct frame_decoder {
	uint8_t *buf;        /* headroom, then the frame being received */
	size_t max;          /* the most bytes of a frame, FCS included */
	size_t len;          /* how many of them are here */
	uint32_t accm;       /* control characters that are dropped when unescaped (RFC 1662 §7.1); may be set at any time */
	bool escaped;        /* the last byte was an escape */
	bool skipping;       /* until the next flag: the frame was too long */
	uint64_t since;      /* when the last bytes came; on synchronous lines alone (sync.h) */
	struct frame_counters counters;
};

/* A decoder for frames of up to MAX bytes between the flags (unescaped, FCS included). Ends the program when there is no memory. */
void frame_decoder_init(struct frame_decoder *d, size_t max);
void frame_decoder_free(struct frame_decoder *d);
/* Forgets a half frame and the counters, and sets accm to its default, all ones (a new session). */
void frame_decoder_reset(struct frame_decoder *d);

/* Takes LEN bytes from the line, in whatever pieces they come, and calls FN for every good frame. Bad ones are counted: under four
 * bytes (§4.3; empty ones, back-to-back flags, are not even counted), too long, aborted (0x7d 0x7e), wrong FCS. Bytes before the
 * first flag ever are taken as a frame, as pppd does: their FCS will be wrong. */
void frame_decode(struct frame_decoder *d, const uint8_t *bytes, size_t len, frame_fn *fn, void *arg);

/* The most bytes a frame of LEN bytes (address to end of information) can take: every one escaped, two flags, FCS. */
size_t frame_encoded_max(size_t len);

/* Encodes HEAD (address, control, protocol: HEAD_LEN bytes) and INFO into OUT, which has room for frame_encoded_max(), and returns
 * how many bytes that took. LEADING_FLAG: begin with a flag; the closing one is always there. */
size_t frame_encode(uint8_t *out, const struct frame_map *map, bool leading_flag, const uint8_t *head, size_t head_len,
		    const uint8_t *info, size_t info_len);

#endif
