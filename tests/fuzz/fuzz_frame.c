/* Fuzzes the decoder: bytes 0 to 3 are the ACCM, byte 4 the longest frame, byte 5 how the line cuts; the rest comes from the line.
 * However it is cut, it must give the same frames and counters, and what a frame encodes to must decode to that frame.
 * Coverage: src/ppp/frame.c src/ppp/fcs.c */
#include <glib.h>
#include <string.h>

#include "ppp/frame.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sink {
	GByteArray *frames;
	uint32_t accm;
	size_t max;
};

static void check_frame(void *arg, uint8_t *frame, size_t len)
{
	g_assert(len == GPOINTER_TO_SIZE(arg) && len >= 2);
	memset(frame - FRAME_HEADROOM, 0, FRAME_HEADROOM + len);
}

static void encode_again(const struct sink *s, const uint8_t *frame, size_t len)
{
	const struct frame_map map = { { s->accm } };
	uint8_t *line = g_malloc(frame_encoded_max(len));
	size_t line_len = frame_encode(line, &map, true, frame, MIN(len, 4), frame + MIN(len, 4), len - MIN(len, 4));
	struct frame_decoder d;

	g_assert(line_len <= frame_encoded_max(len));
	frame_decoder_init(&d, s->max);
	d.accm = s->accm;
	frame_decode(&d, line, line_len, check_frame, GSIZE_TO_POINTER(len));
	g_assert(d.counters.good == 1);
	frame_decoder_free(&d);
	g_free(line);
}

static void keep_frame(void *arg, uint8_t *frame, size_t len)
{
	struct sink *s = arg;
	uint16_t len_of_frame = (uint16_t)len;

	g_assert(len >= 2 && len + 2 <= s->max);
	g_byte_array_append(s->frames, (const uint8_t *)&len_of_frame, sizeof(len_of_frame));
	g_byte_array_append(s->frames, frame, (guint)len);
	encode_again(s, frame, len);
	memset(frame - FRAME_HEADROOM, 0x7e, FRAME_HEADROOM + len);
}

/* Decodes in pieces of CUT bytes, each in memory of its own size, and returns the counters. */
static struct frame_counters decode(struct sink *s, struct reader r, size_t cut)
{
	struct frame_decoder d;

	frame_decoder_init(&d, s->max);
	d.accm = s->accm;
	while (reader_left(&r) > 0) {
		size_t len = MIN(cut, reader_left(&r));
		uint8_t *bytes = g_memdup2(reader_bytes(&r, len), len);
		frame_decode(&d, bytes, len, keep_frame, s);
		g_free(bytes);
	}
	struct frame_counters counters = d.counters;
	frame_decoder_free(&d);
	return counters;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(data, size);
	struct sink whole = { .frames = g_byte_array_new() };
	struct sink cut = { .frames = g_byte_array_new() };

	whole.accm = cut.accm = reader_u32(&r);
	whole.max = cut.max = reader_u8(&r);
	size_t piece = 1 + reader_u8(&r) % 32u;
	struct frame_counters a = decode(&whole, r, size + 1);
	struct frame_counters b = decode(&cut, r, piece);
	g_assert(memcmp(&a, &b, sizeof(a)) == 0);
	g_assert(whole.frames->len == cut.frames->len);
	g_assert(whole.frames->len == 0 || memcmp(whole.frames->data, cut.frames->data, cut.frames->len) == 0);
	g_byte_array_free(whole.frames, TRUE);
	g_byte_array_free(cut.frames, TRUE);
	return 0;
}
