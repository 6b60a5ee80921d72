/* Fuzzes the decompressors of Deflate and BSD-Compress: byte 0 chooses the method and the size, byte 1 the largest packet; then come packets,
 * each with a length byte and a kind: compressed, uncompressed, a reset. What is made of the uncompressed ones must come out again.
 * Coverage: src/ppp/deflate.c src/ppp/bsdcomp.c */
#include <glib.h>
#include <string.h>

#include "ppp/comp.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct line {
	const struct comp_method *method;
	struct comp *sender, *receiver, *victim; /* the last is given what nobody has sent */
	uint16_t sequence;
	size_t max;
};

static void give(struct line *l, const uint8_t *bytes, size_t len)
{
	uint8_t *in = g_malloc(len + 2);
	uint8_t *out = g_malloc(l->max);
	size_t out_len = 0;

	in[0] = (uint8_t)(l->sequence >> 8);
	in[1] = (uint8_t)l->sequence;
	memcpy(in + 2, bytes, len);
	enum comp_result result = l->method->decompress(l->victim, in, len + 2, out, l->max, &out_len);
	g_assert(result != COMP_OK || out_len <= l->max);
	if (result == COMP_OK) {
		l->sequence++;
	} else {
		l->method->reset(l->victim);
		l->sequence = 0;
	}
	g_free(in);
	g_free(out);
}

static void pass(struct line *l, const uint8_t *bytes, size_t len)
{
	const struct comp_packet packet = { .protocol = 0x21, .head = bytes, .head_len = len / 2, .body = bytes + len / 2, .body_len = len - len / 2 };
	uint8_t *coded = g_malloc(len + 16);
	uint8_t *out = g_malloc(len + 2);
	size_t out_len;
	size_t sent = l->method->compress(l->sender, &packet, coded, len + 16);

	if (sent == COMP_PASS) {
		l->method->saw(l->receiver, 0x21, bytes, len);
	} else {
		g_assert(sent < len);
		g_assert(l->method->decompress(l->receiver, coded, sent, out, len + 2, &out_len) == COMP_OK);
		g_assert(out_len == len + 1 && out[0] == 0x21 && memcmp(out + 1, bytes, len) == 0);
	}
	l->method->saw(l->victim, 0x21, bytes, len);
	l->sequence++;
	g_free(coded);
	g_free(out);
}

static void reset(struct line *l)
{
	l->method->reset(l->sender);
	l->method->reset(l->receiver);
	l->method->reset(l->victim);
	l->sequence = 0;
}

static void run(struct line *l, struct reader *r)
{
	while (reader_left(r) >= 2) {
		uint8_t kind = reader_u8(r);
		size_t wanted = reader_u8(r);
		size_t len = MIN(wanted, reader_left(r));
		const uint8_t *bytes = reader_bytes(r, len);
		if (kind == 0)
			reset(l);
		else if (kind & 1)
			give(l, bytes, len);
		else
			pass(l, bytes, len);
	}
}

static struct comp *open_one(const struct line *l, unsigned bits, bool sending)
{
	const uint8_t deflate[] = { (uint8_t)((bits - 8) << 4 | 8), 0 };
	const uint8_t bsd[] = { (uint8_t)(0x20 | bits) };
	bool is_bsd = l->method == &comp_bsd;
	const struct comp_options options = { .value = is_bsd ? bsd : deflate, .len = is_bsd ? 1 : 2, .mru = l->max, .sending = sending };

	return l->method->open(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(data, size);
	uint8_t choice = reader_u8(&r);
	struct line l = { .method = choice & 1 ? &comp_bsd : &comp_deflate, .max = 1u + 8u * reader_u8(&r) };
	unsigned bits = 9 + (choice >> 1) % 7u;

	l.sender = open_one(&l, bits, true);
	l.receiver = open_one(&l, bits, false);
	l.victim = open_one(&l, bits, false);
	run(&l, &r);
	l.method->close(l.sender);
	l.method->close(l.receiver);
	l.method->close(l.victim);
	return 0;
}
