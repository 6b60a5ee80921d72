/* See comp_rig.h. */
#include "comp_rig.h"

#include <CUnit/CUnit.h>
#include <glib.h>
#include <string.h>

#define OUT_MAX (RIG_MRU + 32)

static uint32_t next(struct packets *p)
{
	p->x = p->x * 1103515245u + 12345u;
	return p->x >> 16;
}

size_t packets_make(struct packets *p, unsigned i, uint8_t bytes[RIG_MRU])
{
	static const char *const words[] = { "alpha ", "beta ", "gamma ", "delta\r\n", "epsilon ", "HTTP/1.1 ", "200 OK ", "<p>" };
	size_t len = 100 + next(p) % 1400;

	for (size_t at = 0; at < len;) {
		if (i % 5 == 4) {
			bytes[at++] = (uint8_t)next(p);
			continue;
		}
		const char *word = words[next(p) % G_N_ELEMENTS(words)];
		size_t n = MIN(strlen(word), len - at);
		memcpy(bytes + at, word, n);
		at += n;
	}
	return len;
}

struct comp *rig_open(const struct comp_method *method, const void *value, size_t len, bool sending)
{
	const struct comp_options options = { .value = value, .len = len, .mru = RIG_MRU, .sending = sending };

	return method->open(&options);
}

/* What comes out of memory of just the size that was promised. */
static enum comp_result decompress(const struct comp_method *method, struct comp *comp, const uint8_t *in, size_t len, uint8_t *back, size_t *back_len)
{
	uint8_t *copy = g_memdup2(in, len);
	uint8_t *out = g_malloc(RIG_MRU + 3);
	enum comp_result result = method->decompress(comp, copy, len, out, RIG_MRU + 3, back_len);

	if (result == COMP_OK) {
		CU_ASSERT_TRUE_FATAL(*back_len <= RIG_MRU + 3);
		memcpy(back, out, *back_len);
	}
	g_free(copy);
	g_free(out);
	return result;
}

static void is_right(uint16_t protocol, const uint8_t *packet, size_t len, const uint8_t *back, size_t back_len)
{
	size_t header = protocol > 0xff ? 2 : 1;

	CU_ASSERT_EQUAL_FATAL(back_len, len + header);
	CU_ASSERT_EQUAL(back[header - 1], (uint8_t)protocol);
	CU_ASSERT_TRUE(header == 1 || back[0] == protocol >> 8);
	CU_ASSERT_EQUAL(memcmp(back + header, packet, len), 0);
}

unsigned rig_lossy(const struct comp_method *method, const void *value, size_t len, unsigned count, unsigned loss)
{
	static const uint16_t protocols[] = { 0x21, 0x21, 0x57, 0x2d, 0x21, 0xfb, 0x21, 0x1021, 0x21, 0xc021, 0x8021, 0x21 };
	struct comp *a = rig_open(method, value, len, true), *b = rig_open(method, value, len, false);
	struct packets packets = { 7 }, line = { 9 };
	uint8_t packet[RIG_MRU], out[OUT_MAX], back[OUT_MAX];
	bool broken = false;
	unsigned came = 0;

	for (unsigned i = 0; i < count; i++) {
		size_t n = packets_make(&packets, i, packet);
		size_t cut = n * (i % 3) / 2;
		const struct comp_packet one = { protocols[i % G_N_ELEMENTS(protocols)], packet, packet + cut, cut, n - cut };
		size_t sent = method->compress(a, &one, out, n + 16), back_len;
		CU_ASSERT_TRUE(sent == COMP_PASS || sent < n);
		if (next(&line) % 1000 < loss)
			continue;
		if (broken) { /* so long did the Reset-Request take */
			method->reset(a);
			method->reset(b);
			broken = false;
		} else if (sent == COMP_PASS) {
			method->saw(b, one.protocol, packet, n);
			came++;
		} else if (decompress(method, b, out, sent, back, &back_len) == COMP_OK) {
			is_right(one.protocol, packet, n, back, back_len);
			came++;
		} else {
			broken = true;
		}
	}
	method->close(a);
	method->close(b);
	return came;
}

void rig_hostile(const struct comp_method *method, const void *value, size_t len, unsigned rounds)
{
	struct packets packets = { 3 };
	uint8_t packet[RIG_MRU], out[OUT_MAX], back[OUT_MAX];
	size_t back_len;

	for (unsigned i = 0; i < rounds; i++) {
		struct comp *a = rig_open(method, value, len, true), *b = rig_open(method, value, len, false);
		for (unsigned j = 0; j < 8; j++) {
			size_t n = packets_make(&packets, j, packet);
			const struct comp_packet one = { .protocol = 0x21, .body = packet, .body_len = n };
			size_t sent = method->compress(a, &one, out, n + 16);
			if (sent == COMP_PASS) {
				method->saw(b, 0x21, packet, next(&packets) % (n + 1));
				continue;
			}
			if (j > 4)
				out[2 + next(&packets) % (sent - 2)] ^= (uint8_t)(1 << next(&packets) % 8);
			if (j > 6)
				sent = next(&packets) % (sent + 1);
			decompress(method, b, out, sent, back, &back_len);
		}
		method->reset(b);
		for (unsigned j = 0; j < 8; j++) {
			size_t n = packets_make(&packets, 4, packet);
			packet[0] = 0;
			packet[1] = (uint8_t)j;
			decompress(method, b, packet, next(&packets) % (n + 1), back, &back_len);
		}
		method->close(a);
		method->close(b);
	}
}
