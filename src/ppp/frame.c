/* Bytes <-> frames: flags, control escapes and the check sequence of RFC 1662 §4. ppp/ gives it what the line brought, and has
 * it write frames into the buffer of the line.
 *
 * Theory of operation. Nearly all bytes of a frame go through as they are. Both ways therefore copy eight bytes after the other
 * while testing all eight at once for candidates, and look closer only where there is one. Candidates are flag and escape, and
 * with any ACCM but 0 all control characters: one that this ACCM leaves alone is found out when it is looked at. Only where an
 * `escape` option names other bytes is each byte looked at when sending. The check sequence is summed over a whole frame, before
 * it is escaped or after it is unescaped. */
#include "ppp/frame.h"

#include <glib.h>
#include <string.h>

#include "ppp/fcs.h"

#define FRAME_MIN 4       /* the shortest frame, its FCS included (RFC 1662 §4.3) */
#define FCS_LEN 2         /* bytes */
#define TRANSPARENCY 0x20 /* what an escaped byte is exclusive-or'd with (§4.2) */
#define CONTROLS 0x20     /* bytes below are control characters */
#define WORD sizeof(uint64_t)

/* The word of the map that flag and escape are in, and their bits. */
#define SPECIAL_WORD (FRAME_FLAG / 32)
#define SPECIAL_BITS (1u << FRAME_FLAG % 32 | 1u << FRAME_ESCAPE % 32)

static inline uint64_t in_each_byte(uint8_t b)
{
	return b * UINT64_C(0x0101010101010101);
}

/* The top bit of each byte of WORD that is below LIMIT (up to 0x80). Bytes above the lowest such may be marked wrongly. */
static inline uint64_t bytes_below(uint64_t word, uint8_t limit)
{
	return (word - in_each_byte(limit)) & ~word & in_each_byte(0x80);
}

/* Copies eight bytes and returns marks in those that are flag, escape or below LIMIT: 0 is none, the lowest mark is right. */
static inline uint64_t copy_word(uint8_t *to, const uint8_t *from, uint8_t limit)
{
	uint64_t word;

	memcpy(&word, from, WORD);
	memcpy(to, &word, WORD);
	word = GUINT64_FROM_LE(word);
	return bytes_below(word ^ in_each_byte(FRAME_FLAG), 1) | bytes_below(word ^ in_each_byte(FRAME_ESCAPE), 1) |
	       bytes_below(word, limit);
}

static inline bool is_special(uint8_t c)
{
	return c == FRAME_FLAG || c == FRAME_ESCAPE;
}

/* Copies bytes up to the first that is flag, escape or below LIMIT, and returns how many. LEN bytes of TO may be written. */
static inline size_t copy_run(uint8_t *to, const uint8_t *from, size_t len, uint8_t limit)
{
	size_t n = 0;

	for (; len - n >= WORD; n += WORD) {
		uint64_t found = copy_word(to + n, from + n, limit);
		if (found)
			return n + (size_t)__builtin_ctzll(found) / 8;
	}
	for (; n < len && !is_special(from[n]) && from[n] >= limit; n++)
		to[n] = from[n];
	return n;
}

void frame_decoder_init(struct frame_decoder *d, size_t max)
{
	*d = (struct frame_decoder){ .buf = g_malloc(FRAME_HEADROOM + max), .max = max };
	frame_decoder_reset(d);
}

void frame_decoder_free(struct frame_decoder *d)
{
	g_free(d->buf);
	*d = (struct frame_decoder){ 0 };
}

void frame_decoder_reset(struct frame_decoder *d)
{
	d->len = 0;
	d->accm = 0xffffffff;
	d->escaped = false;
	d->skipping = false;
	d->since = 0;
	d->counters = (struct frame_counters){ 0 };
}

/* At a flag. The decoder is ready for the next frame before FN is called, so that FN may reset it. */
static void end_frame(struct frame_decoder *d, frame_fn *fn, void *arg)
{
	uint8_t *frame = d->buf + FRAME_HEADROOM;
	size_t len = d->len;
	bool aborted = d->escaped;
	bool skipped = d->skipping;

	d->len = 0;
	d->escaped = false;
	d->skipping = false;
	if (skipped || (len == 0 && !aborted))
		return;
	if (aborted) {
		d->counters.abort++;
	} else if (len < FRAME_MIN) {
		d->counters.runt++;
	} else if (fcs_update(FCS_INIT, frame, len) != FCS_GOOD) {
		d->counters.fcs++;
	} else {
		d->counters.good++;
		fn(arg, frame, len - FCS_LEN);
	}
}

static void put_byte(struct frame_decoder *d, uint8_t c)
{
	if (d->len < d->max) {
		d->buf[FRAME_HEADROOM + d->len++] = c;
		return;
	}
	d->counters.giant++;
	d->skipping = true;
}

/* A byte that a run does not go over. A control character of the ACCM is removed wherever it stands, between an escape and its
 * byte, too: RFC 1662 §4.2 checks each octet for that first, no sender with this ACCM puts one there, and the line may. */
static void take_byte(struct frame_decoder *d, uint8_t c, frame_fn *fn, void *arg)
{
	if (c == FRAME_FLAG) {
		end_frame(d, fn, arg);
	} else if (c < CONTROLS && d->accm >> c & 1) {
		return;
	} else if (d->escaped) {
		d->escaped = false;
		put_byte(d, c ^ TRANSPARENCY);
	} else if (c == FRAME_ESCAPE) {
		d->escaped = true;
	} else {
		put_byte(d, c);
	}
}

/* Takes runs and what is escaped between them, up to a byte that take_byte must look at, and returns where that is. */
static const uint8_t *take_runs(struct frame_decoder *d, const uint8_t *bytes, const uint8_t *end)
{
	uint8_t *frame = d->buf + FRAME_HEADROOM;
	uint8_t *to = frame + d->len;
	uint8_t *to_end = frame + d->max;
	uint8_t limit = d->accm ? CONTROLS : 0;
	bool more;

	do {
		size_t n = copy_run(to, bytes, (size_t)MIN(end - bytes, to_end - to), limit);
		to += n;
		bytes += n;
		more = false;
		while (end - bytes >= 2 && bytes[0] == FRAME_ESCAPE && bytes[1] != FRAME_FLAG && bytes[1] >= limit && to < to_end) {
			*to++ = bytes[1] ^ TRANSPARENCY;
			bytes += 2;
			more = true;
		}
	} while (more);
	d->len = (size_t)(to - frame);
	return bytes;
}

void frame_decode(struct frame_decoder *d, const uint8_t *bytes, size_t len, frame_fn *fn, void *arg)
{
	const uint8_t *end = bytes + len;

	while (bytes < end) {
		if (d->skipping)
			bytes = memchr(bytes, FRAME_FLAG, (size_t)(end - bytes));
		else if (!d->escaped)
			bytes = take_runs(d, bytes, end);
		if (!bytes || bytes == end)
			return;
		take_byte(d, *bytes++, fn, arg);
	}
}

size_t frame_encoded_max(size_t len)
{
	return 2 * (len + FCS_LEN) + 2;
}

static bool only_controls(const struct frame_map *map)
{
	uint32_t others = 0;

	for (size_t i = 1; i < G_N_ELEMENTS(map->bits); i++)
		others |= map->bits[i] & ~(i == SPECIAL_WORD ? SPECIAL_BITS : 0);
	return others == 0;
}

static inline bool needs_escape(const struct frame_map *map, uint8_t c)
{
	return is_special(c) || (map->bits[c / 32] >> c % 32 & 1);
}

/* RUNS: the map allows to copy runs, as it names control characters alone. */
static uint8_t *escape(uint8_t *out, const struct frame_map *map, bool runs, const uint8_t *from, size_t len)
{
	uint8_t limit = map->bits[0] ? CONTROLS : 0;

	while (len > 0) {
		size_t n = runs ? copy_run(out, from, len, limit) : 0;
		out += n;
		from += n;
		len -= n;
		for (; len > 0 && needs_escape(map, *from); len--) {
			*out++ = FRAME_ESCAPE;
			*out++ = *from++ ^ TRANSPARENCY;
		}
		if (len > 0) {
			*out++ = *from++;
			len--;
		}
	}
	return out;
}

size_t frame_encode(uint8_t *out, const struct frame_map *map, bool leading_flag, const uint8_t *head, size_t head_len,
		    const uint8_t *info, size_t info_len)
{
	bool runs = only_controls(map);
	uint16_t fcs = fcs_update(fcs_update(FCS_INIT, head, head_len), info, info_len);
	const uint8_t fcs_bytes[FCS_LEN] = { (uint8_t)~fcs, (uint8_t)(~fcs >> 8) };
	uint8_t *at = out;

	if (leading_flag)
		*at++ = FRAME_FLAG;
	at = escape(at, map, runs, head, head_len);
	at = escape(at, map, runs, info, info_len);
	at = escape(at, map, runs, fcs_bytes, FCS_LEN);
	*at++ = FRAME_FLAG;
	return (size_t)(at - out);
}
