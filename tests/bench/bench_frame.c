/* Framing alone: one figure a line, `NAME VALUE UNIT`; MB/s are 10^6 bytes of packets a second of one core's time, the median of
 * RUNS runs. After each run all that it made is compared, byte by byte, with what went in. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ppp/fcs.h"
#include "ppp/frame.h"

#define RUNS 7
#define RUN_SECONDS 0.05
#define BATCH_BYTES 48000 /* packets encoded one after the other, decoded in one go */
#define LARGE 1500
#define SMALL 64
#define HEAD_LEN 4

static const uint8_t head[HEAD_LEN] = { 0xff, 0x03, 0x00, 0x21 };

struct batch {
	const char *content;
	size_t size; /* of a packet */
	size_t count;
	struct frame_map map;
	uint8_t data[BATCH_BYTES];
	uint8_t line[2 * BATCH_BYTES + 16 * BATCH_BYTES / SMALL];
	size_t line_len;
	struct frame_decoder decoder;
	size_t decoded;
	bool wrong;
};

typedef void pass_fn(struct batch *b);

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void fill(struct batch *b)
{
	static const char words[] = "It speaks PPP itself, and gives the peer a network through libslirp.\r\n";
	uint32_t state = 1;

	for (size_t i = 0; i < BATCH_BYTES; i++) {
		switch (b->content[0]) {
		case 'z':
			b->data[i] = 0;
			break;
		case 't':
			b->data[i] = (uint8_t)words[i % (sizeof(words) - 1)];
			break;
		default:
			b->data[i] = (uint8_t)next_random(&state);
		}
	}
}

static void encode_all(struct batch *b)
{
	b->line_len = 0;
	for (size_t i = 0; i < b->count; i++) {
		b->line_len += frame_encode(b->line + b->line_len, &b->map, false, head, HEAD_LEN, b->data + i * b->size, b->size);
	}
}

static void count_frame(void *arg, uint8_t *frame, size_t len)
{
	struct batch *b = arg;

	(void)frame;
	b->wrong |= len != b->size + HEAD_LEN;
	b->decoded++;
}

static void decode_all(struct batch *b)
{
	b->decoded = 0;
	frame_decode(&b->decoder, b->line, b->line_len, count_frame, b);
	b->wrong |= b->decoded != b->count;
}

static void sum_all(struct batch *b)
{
	b->decoded = 0;
	for (size_t i = 0; i < b->count; i++)
		b->decoded += fcs_update(FCS_INIT, b->data + i * b->size, b->size);
}

static void compare_frame(void *arg, uint8_t *frame, size_t len)
{
	struct batch *b = arg;

	b->wrong |= len != b->size + HEAD_LEN || b->decoded >= b->count || memcmp(frame, head, HEAD_LEN) != 0 ||
		    memcmp(frame + HEAD_LEN, b->data + b->decoded * b->size, b->size) != 0;
	b->decoded++;
}

static void check_frames(struct batch *b)
{
	b->decoded = 0;
	frame_decode(&b->decoder, b->line, b->line_len, compare_frame, b);
	b->wrong |= b->decoded != b->count;
}

static void check_sums(struct batch *b)
{
	size_t sum = 0;

	for (size_t i = 0; i < b->count; i++) {
		unsigned int fcs = FCS_INIT;
		for (size_t bit = 0; bit < 8 * b->size; bit++) {
			fcs ^= b->data[i * b->size + bit / 8] >> bit % 8 & 1;
			fcs = fcs >> 1 ^ (fcs & 1 ? 0x8408 : 0);
		}
		sum += fcs;
	}
	b->wrong |= sum != b->decoded;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double run(struct batch *b, pass_fn *pass)
{
	double start = seconds();
	double now = start;
	double bytes = 0;

	while (now - start < RUN_SECONDS) {
		for (int i = 0; i < 8; i++)
			pass(b);
		bytes += 8.0 * (double)(b->count * b->size);
		now = seconds();
	}
	return bytes / (now - start) / 1e6;
}

static int compare_figures(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(struct batch *b, const char *name, pass_fn *pass, pass_fn *check)
{
	double figures[RUNS];

	for (int i = 0; i < RUNS; i++) {
		figures[i] = run(b, pass);
		check(b);
	}
	qsort(figures, RUNS, sizeof(figures[0]), compare_figures);
	printf("%s %.0f MB/s\n", name, figures[RUNS / 2]);
}

static void measure_frames(struct batch *b, const char *content, size_t size, uint32_t accm)
{
	char name[64];

	b->content = content;
	b->size = size;
	b->count = BATCH_BYTES / size;
	b->map = (struct frame_map){ { accm } };
	fill(b);
	frame_decoder_init(&b->decoder, size + HEAD_LEN + 2);
	b->decoder.accm = accm;
	encode_all(b);
	g_snprintf(name, sizeof(name), "frame_encode_%s_%zu_accm_%x", content, size, accm);
	measure(b, name, encode_all, check_frames);
	g_snprintf(name, sizeof(name), "frame_decode_%s_%zu_accm_%x", content, size, accm);
	measure(b, name, decode_all, check_frames);
	b->wrong |= b->decoder.counters.fcs + b->decoder.counters.runt + b->decoder.counters.giant > 0;
	frame_decoder_free(&b->decoder);
}

static void measure_fcs(struct batch *b, size_t size)
{
	char name[64];

	b->content = "random";
	b->size = size;
	b->count = BATCH_BYTES / size;
	fill(b);
	g_snprintf(name, sizeof(name), "fcs_%zu", size);
	measure(b, name, sum_all, check_sums);
}

int main(void)
{
	static const char *const contents[] = { "zeros", "text", "random" };
	static const size_t sizes[] = { LARGE, SMALL };
	static const uint32_t accms[] = { 0, 0xffffffff };
	struct batch *b = g_new0(struct batch, 1);

	for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++) {
		measure_fcs(b, sizes[s]);
		for (size_t a = 0; a < G_N_ELEMENTS(accms); a++) {
			for (size_t c = 0; c < G_N_ELEMENTS(contents); c++)
				measure_frames(b, contents[c], sizes[s], accms[a]);
		}
	}
	bool wrong = b->wrong;
	g_free(b);
	if (wrong)
		fprintf(stderr, "bench_frame: the bytes were wrong\n");
	return wrong;
}
