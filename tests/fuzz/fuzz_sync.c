/* Fuzzes the decoder of synchronous lines: bytes 0 and 1 are the longest packet; then come reads, each behind its length (two bytes, of which
 * the highest bit says that it comes late). Every packet lies within what was read, and is as long as its reads allow.
 * Coverage: src/ppp/sync.c */
#include <glib.h>
#include <string.h>

#include "clock.h"
#include "ppp/sync.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LATE 0x8000

struct sink {
	size_t max, total;
};

static void take_packet(void *arg, uint8_t *packet, size_t len)
{
	struct sink *s = arg;

	g_assert(len >= 2 && len <= s->max);
	s->total += len;
	memset(packet - FRAME_HEADROOM, 0x7e, FRAME_HEADROOM + len);
}

/* What is encoded is the packet behind its length. */
static void encode_again(const uint8_t *packet, size_t len)
{
	size_t head = MIN(len, 4);
	uint8_t *out = g_malloc(frame_encoded_max(len));

	g_assert(sync_encode(out, packet, head, packet + head, len - head) == len + 2);
	g_assert(out[0] == len >> 8 && out[1] == (len & 0xff) && (len == 0 || memcmp(out + 2, packet, len) == 0));
	g_free(out);
}

static size_t read_once(struct frame_decoder *d, uint64_t *now, struct reader *r, struct sink *s)
{
	uint16_t word = reader_u16(r);
	size_t len = MIN(word & ~(unsigned)LATE, reader_left(r));
	uint8_t *bytes = g_memdup2(reader_bytes(r, len), len);

	*now += word & LATE ? 2 * CLOCK_SECOND : 1;
	sync_decode(d, *now, bytes, len, take_packet, s);
	encode_again(bytes, len);
	g_free(bytes);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(data, size);
	struct sink s = { .max = 64 + reader_u16(&r) % 2048u };
	struct frame_decoder d;
	uint64_t now = CLOCK_SECOND;
	size_t given = 0;

	frame_decoder_init(&d, s.max);
	while (reader_left(&r) > 0)
		given += read_once(&d, &now, &r, &s);
	g_assert(s.total <= given);
	frame_decoder_free(&d);
	return 0;
}
