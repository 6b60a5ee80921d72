/* The methods of CCP alone: one figure a line, `NAME VALUE UNIT`; MB/s are 10^6 bytes of packets of SIZE bytes a second of one core's time,
 * the median of RUNS runs; `ratio` is what went in over what came out, packets that went as they were included. All that is decompressed is
 * compared with what went in. usage: bench_comp TEXT-FILE [quick] */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ppp/comp.h"

#define RUNS 5
#define RUN_SECONDS 0.06
#define QUICK_SECONDS 0.01
#define SIZE 1500
#define ROOM (SIZE + 16)
#define PACKETS 32
#define PROTOCOL 0x0021
#define OUT_MAX (2 * ROOM) /* zlib must have some left, or there might be more */

struct source {
	const char *name;
	uint8_t *bytes;
	gsize len, at;
};

struct ends {
	const struct comp_method *method;
	struct comp *sender, *receiver;
	struct source *source;
	const uint8_t *packets[PACKETS];
	uint8_t made[PACKETS][ROOM];
	size_t lens[PACKETS];
	double in, out; /* bytes */
	bool wrong;
};

static const struct row {
	const char *name;
	const struct comp_method *method;
	uint8_t value[4]; /* of the option: RFC 1979 §4, RFC 1977 §3, RFC 3078 §2 */
	size_t len;
} rows[] = {
	{ "deflate9", &comp_deflate, { 0x18, 0 }, 2 },
	{ "deflate12", &comp_deflate, { 0x48, 0 }, 2 },
	{ "deflate15", &comp_deflate, { 0x78, 0 }, 2 },
	{ "bsd12", &comp_bsd, { 0x2c }, 1 },
	{ "bsd15", &comp_bsd, { 0x2f }, 1 },
	{ "mppe128", &comp_mppe, { 1, 0, 0, 0x40 }, 4 },
	{ "mppe128_stateful", &comp_mppe, { 0, 0, 0, 0x40 }, 4 },
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const uint8_t *next_packet(struct source *source)
{
	if (source->at + SIZE > source->len)
		source->at = 0;
	const uint8_t *packet = source->bytes + source->at;
	source->at += SIZE;
	return packet;
}

static void compress_all(struct ends *e)
{
	for (unsigned i = 0; i < PACKETS; i++) {
		const struct comp_packet packet = { .protocol = PROTOCOL, .body = e->packets[i], .body_len = SIZE };

		e->lens[i] = e->method->compress(e->sender, &packet, e->made[i], ROOM);
		e->wrong |= e->lens[i] == COMP_REFUSE;
	}
}

/* The first bytes that come out are the protocol number: one, or MPPE's two. */
static void decompress_all(struct ends *e)
{
	uint8_t out[OUT_MAX];
	size_t len;

	for (unsigned i = 0; i < PACKETS; i++) {
		if (e->lens[i] == COMP_PASS) {
			e->method->saw(e->receiver, PROTOCOL, e->packets[i], SIZE);
			continue;
		}
		bool ok = e->method->decompress(e->receiver, e->made[i], e->lens[i], out, sizeof(out), &len) == COMP_OK && len >= SIZE;
		e->wrong |= !ok || memcmp(out + len - SIZE, e->packets[i], SIZE) != 0;
	}
}

/* One batch; what each half took is added. */
static void pass(struct ends *e, double took[2])
{
	for (unsigned i = 0; i < PACKETS; i++)
		e->packets[i] = next_packet(e->source);
	double start = seconds();
	compress_all(e);
	double middle = seconds();
	decompress_all(e);
	took[1] += seconds() - middle;
	took[0] += middle - start;
	for (unsigned i = 0; i < PACKETS; i++)
		e->out += (double)(e->lens[i] == COMP_PASS ? SIZE : e->lens[i]);
	e->in += PACKETS * SIZE;
}

static int compare_figures(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_median(const struct row *row, const char *what, const char *content, double *figures)
{
	qsort(figures, RUNS, sizeof(figures[0]), compare_figures);
	printf("comp_%s_%s_%s %.4g MB/s\n", row->name, what, content, figures[RUNS / 2]);
}

static struct comp *open_end(const struct row *row, bool sending)
{
	static const struct mppe_keys keys = { .send = "0123456789abcdef", .receive = "0123456789abcdef", .known = true };
	const struct comp_options options = { .value = row->value, .len = row->len, .mru = SIZE, .sending = sending, .keys = &keys };

	return row->method->open(&options);
}

static bool measure(const struct row *row, struct source *source, double limit)
{
	struct ends e = { .method = row->method, .sender = open_end(row, true), .receiver = open_end(row, false), .source = source };
	double figures[2][RUNS];

	if (!e.sender || !e.receiver)
		return false;
	source->at = 0;
	for (unsigned run = 0; run < RUNS; run++) {
		double took[2] = { 0, 0 }, before = e.in;
		while (took[0] + took[1] < limit)
			pass(&e, took);
		for (unsigned half = 0; half < 2; half++)
			figures[half][run] = (e.in - before) / took[half] / 1e6;
	}
	print_median(row, "send", source->name, figures[0]);
	print_median(row, "receive", source->name, figures[1]);
	if (!row->method->encrypts)
		printf("comp_%s_ratio_%s %.3g ratio\n", row->name, source->name, e.in / e.out);
	row->method->close(e.sender);
	row->method->close(e.receiver);
	return !e.wrong;
}

static void fill_noise(struct source *source)
{
	uint64_t state = 1;

	for (size_t i = 0; i < source->len; i++) {
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		source->bytes[i] = (uint8_t)(state >> 56);
	}
}

int main(int argc, char **argv)
{
	struct source sources[] = { { .name = "text" }, { .name = "noise", .bytes = g_malloc(SIZE * 200), .len = SIZE * 200 } };
	double limit = argc > 2 ? QUICK_SECONDS : RUN_SECONDS;
	bool ok = true;

	if (argc < 2 || !g_file_get_contents(argv[1], (char **)&sources[0].bytes, &sources[0].len, NULL) || sources[0].len < SIZE) {
		fprintf(stderr, "usage: bench_comp TEXT-FILE [quick]\n");
		return 2;
	}
	fill_noise(&sources[1]);
	for (size_t s = 0; s < G_N_ELEMENTS(sources); s++) {
		for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
			ok &= measure(&rows[i], &sources[s], limit);
		g_free(sources[s].bytes);
	}
	if (!ok)
		fprintf(stderr, "bench_comp: the bytes were wrong\n");
	return !ok;
}
