/* Framing: what is sent is as RFC 1662 has it, what is received is what was sent or nothing, however the line cuts and spoils it. */
#include "unit.h"

#include <glib.h>
#include <string.h>

#include "ppp/fcs.h"
#include "ppp/frame.h"

#define LONGEST 1506
#define ROOM 40000

/* What a decoder gave: the frames, one after the other, each with its length before it. */
struct sink {
	uint8_t bytes[2 * ROOM];
	size_t len;
	size_t count;
	bool scribble; /* over each frame and the room before it, once it is kept */
};

struct line {
	uint8_t bytes[ROOM];
	size_t len;
};

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void fill(uint32_t *state, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)next_random(state);
}

static void keep_frame(void *arg, uint8_t *frame, size_t len)
{
	struct sink *s = arg;

	g_assert(s->len + 2 + len <= sizeof(s->bytes));
	s->bytes[s->len++] = (uint8_t)(len >> 8);
	s->bytes[s->len++] = (uint8_t)len;
	memcpy(s->bytes + s->len, frame, len);
	s->len += len;
	s->count++;
	if (s->scribble)
		memset(frame - FRAME_HEADROOM, 0x7e, FRAME_HEADROOM + len);
}

static void add_bytes(struct line *line, const void *bytes, size_t len)
{
	g_assert(line->len + len <= sizeof(line->bytes));
	memcpy(line->bytes + line->len, bytes, len);
	line->len += len;
}

static void add_frame(struct line *line, const struct frame_map *map, bool leading_flag, const void *frame, size_t len)
{
	g_assert(line->len + frame_encoded_max(len) <= sizeof(line->bytes));
	line->len += frame_encode(line->bytes + line->len, map, leading_flag, frame, len, NULL, 0);
}

static const struct frame_map no_controls = { { 0 } };
static const struct frame_map all_controls = { { 0xffffffff } };

/* A decoder as a test wants it. */
static struct frame_decoder decoder(size_t max, uint32_t accm)
{
	struct frame_decoder d;

	frame_decoder_init(&d, max);
	d.accm = accm;
	return d;
}

/* Decodes one text and leaves the counters in D; true when it gave the one frame WANT. */
static bool gives(struct frame_decoder *d, const void *bytes, size_t len, const char *want)
{
	struct sink *s = g_new0(struct sink, 1);

	frame_decode(d, bytes, len, keep_frame, s);
	bool right = s->count == 1 && s->len == 2 + strlen(want) && memcmp(s->bytes + 2, want, strlen(want)) == 0;
	g_free(s);
	return right;
}

static bool counted(const struct frame_decoder *d, struct frame_counters want)
{
	return memcmp(&d->counters, &want, sizeof(want)) == 0;
}

static bool same(const struct sink *a, const struct sink *b)
{
	return a->count == b->count && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* The obvious encoder: every byte by itself. */
static size_t encode_plainly(uint8_t *out, const struct frame_map *map, const uint8_t *frame, size_t len)
{
	uint16_t fcs = (uint16_t)~fcs_update(FCS_INIT, frame, len);
	size_t n = 0;

	for (size_t i = 0; i < len + 2; i++) {
		uint8_t c = i < len ? frame[i] : (uint8_t)(i == len ? fcs : fcs >> 8);
		if (c == 0x7d || c == 0x7e || (map->bits[c / 32] >> c % 32 & 1)) {
			out[n++] = 0x7d;
			c ^= 0x20;
		}
		out[n++] = c;
	}
	out[n++] = 0x7e;
	return n;
}

/* A map of control characters, or with some of what an `escape` option may name. */
static struct frame_map random_map(uint32_t *state)
{
	struct frame_map map = { { 0 } };
	static const uint32_t accms[] = { 0, 0xffffffff, 0x000a0000 };
	uint32_t kind = next_random(state) % 5;

	map.bits[0] = kind < G_N_ELEMENTS(accms) ? accms[kind] : next_random(state);
	if (kind == 4) {
		for (int i = 0; i < 10; i++) {
			uint8_t c = (uint8_t)next_random(state);
			if ((c < 0x20 || c > 0x3f) && c != 0x5e)
				map.bits[c / 32] |= 1u << c % 32;
		}
	}
	return map;
}

static void escapes_as_the_rfc_shows(void)
{
	static const uint8_t frame[] = { 0x7e, 0x7d, 0x03, 0x11, 0x13, 0x91, 0x93, 0x1f, 0x20, 0x7f };
	static const uint8_t want[] = { 0x7e, 0x7d, 0x5e, 0x7d, 0x5d, 0x7d, 0x23, 0x7d, 0x31,
					0x7d, 0x33, 0x91, 0x93, 0x7d, 0x3f, 0x20, 0x7f };
	uint8_t out[64];

	g_assert(frame_encoded_max(sizeof(frame)) <= sizeof(out));
	(void)frame_encode(out, &all_controls, true, frame, sizeof(frame), NULL, 0);
	CU_ASSERT_EQUAL(memcmp(out, want, sizeof(want)), 0);
}

static void whole_frame_as_pppd_sends_it(void)
{
	static const uint8_t head[] = { 0xff, 0x03, 0xc0, 0x21 };
	static const uint8_t request[] = { 0x01, 0x01, 0x00, 0x14, 0x02, 0x06, 0x00, 0x00, 0x00, 0x00,
					   0x05, 0x06, 0x12, 0x34, 0xab, 0xcd, 0x07, 0x02, 0x08, 0x02 };
	static const uint8_t want[] = { 0x7e, 0xff, 0x7d, 0x23, 0xc0, 0x21, 0x7d, 0x21, 0x7d, 0x21, 0x7d, 0x20,
					0x7d, 0x34, 0x7d, 0x22, 0x7d, 0x26, 0x7d, 0x20, 0x7d, 0x20, 0x7d, 0x20,
					0x7d, 0x20, 0x7d, 0x25, 0x7d, 0x26, 0x7d, 0x32, 0x34, 0xab, 0xcd, 0x7d,
					0x27, 0x7d, 0x22, 0x7d, 0x28, 0x7d, 0x22, 0xe0, 0x62, 0x7e };
	uint8_t out[128];

	size_t len = frame_encode(out, &all_controls, true, head, sizeof(head), request, sizeof(request));
	CU_ASSERT_EQUAL(len, sizeof(want));
	CU_ASSERT_EQUAL(memcmp(out, want, sizeof(want)), 0);
	len = frame_encode(out, &all_controls, false, head, sizeof(head), request, sizeof(request));
	CU_ASSERT_EQUAL(len, sizeof(want) - 1);
	CU_ASSERT_EQUAL(memcmp(out, want + 1, sizeof(want) - 1), 0);
}

static void encodes_as_byte_by_byte(void)
{
	uint32_t state = 1662;
	uint8_t frame[200];
	uint8_t out[512];
	uint8_t want[512];
	unsigned int wrong = 0;

	for (int round = 0; round < 20000; round++) {
		struct frame_map map = random_map(&state);
		size_t len = next_random(&state) % sizeof(frame);
		size_t head_len = next_random(&state) % (MIN(len, 4) + 1);
		fill(&state, frame, len);
		if (round % 4 == 0)
			memset(frame + len / 2, 0x7e, len / 4);
		memset(out, 0xaa, sizeof(out));
		size_t n = frame_encode(out, &map, false, frame, head_len, frame + head_len, len - head_len);
		wrong += n != encode_plainly(want, &map, frame, len) || memcmp(out, want, n) != 0;
		wrong += n > frame_encoded_max(len) || out[frame_encoded_max(len)] != 0xaa;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void encoded_max_is_reached(void)
{
	struct frame_map all;
	uint8_t frame[1500];
	uint8_t out[3100];
	uint32_t state = 1;

	memset(&all, 0xff, sizeof(all));
	fill(&state, frame, sizeof(frame));
	for (size_t len = 0; len <= sizeof(frame); len += 100)
		CU_ASSERT_EQUAL(frame_encode(out, &all, true, frame, len, NULL, 0), frame_encoded_max(len));
	memset(frame, 0, sizeof(frame));
	bool reached = false;
	for (unsigned int i = 0; i < 0x400; i++) {
		frame[0] = i & 0x1f;
		frame[1] = (uint8_t)(i >> 5);
		reached |= frame_encode(out, &all_controls, true, frame, 100, NULL, 0) == frame_encoded_max(100);
	}
	CU_ASSERT_TRUE(reached);
}

static void fcs_is_escaped_too(void)
{
	struct frame_decoder d = decoder(LONGEST, 0);
	bool seen_flag = false;
	bool seen_escape = false;

	for (unsigned int i = 0; i < 0x10000; i++) {
		const char text[] = { 'F', (char)('a' + i % 26), (char)('a' + i / 26 % 26), (char)('a' + i / 676 % 26), 0 };
		struct line line = { .len = 0 };
		add_frame(&line, &no_controls, true, text, 4);
		if (line.len == 8)
			continue;
		seen_flag |= line.bytes[6] == 0x5e || line.bytes[7] == 0x5e;
		seen_escape |= line.bytes[6] == 0x5d || line.bytes[7] == 0x5d;
		if (!gives(&d, line.bytes, line.len, text))
			CU_FAIL("a frame whose FCS was escaped");
	}
	CU_ASSERT_TRUE(seen_flag);
	CU_ASSERT_TRUE(seen_escape);
	frame_decoder_free(&d);
}

/* Decodes LINE cut into pieces of up to PIECE bytes, each in memory of its own size. */
static void decode_in_pieces(struct frame_decoder *d, const struct line *line, size_t piece, uint32_t *state, struct sink *s)
{
	for (size_t at = 0; at < line->len;) {
		size_t n = 1 + next_random(state) % piece;
		n = MIN(n, line->len - at);
		uint8_t *bytes = g_memdup2(line->bytes + at, n);
		frame_decode(d, bytes, n, keep_frame, s);
		g_free(bytes);
		at += n;
	}
}

static void round_trip_cut_anywhere(void)
{
	static const size_t pieces[] = { 1, 3, 17, 64, 4096, ROOM };
	struct sink *sent = g_new0(struct sink, 1);
	struct sink *got = g_new(struct sink, 1);
	struct line *line = g_new(struct line, 1);
	uint32_t state = 4711;

	for (int round = 0; round < 300; round++) {
		struct frame_map map = random_map(&state);
		uint8_t frame[LONGEST];
		size_t longest = round % 3 ? 60 : LONGEST - 2;
		size_t count = 1 + next_random(&state) % 10;

		sent->len = sent->count = line->len = 0;
		for (size_t i = 0; i < count; i++) {
			size_t len = 2 + next_random(&state) % (longest - 1);
			fill(&state, frame, len);
			add_frame(line, &map, i == 0 || next_random(&state) % 4 == 0, frame, len);
			keep_frame(sent, frame, len);
		}
		for (size_t p = 0; p < G_N_ELEMENTS(pieces); p++) {
			struct frame_decoder d = decoder(LONGEST, map.bits[0]);
			got->len = got->count = 0;
			got->scribble = round & 1;
			decode_in_pieces(&d, line, pieces[p], &state, got);
			CU_ASSERT_TRUE(same(sent, got));
			CU_ASSERT_TRUE(counted(&d, (struct frame_counters){ .good = count }));
			frame_decoder_free(&d);
		}
	}
	g_free(line);
	g_free(got);
	g_free(sent);
}

static void garbage_is_the_same_however_cut(void)
{
	static const uint8_t often[] = { 0x7d, 0x7e, 0x11, 0x00, 0x5e, 0x20 };
	static const size_t pieces[] = { 1, 9, 100 };
	struct line *line = g_new(struct line, 1);
	struct sink *whole = g_new0(struct sink, 1);
	struct sink *got = g_new0(struct sink, 1);
	uint32_t state = 99;
	uint64_t good = 0;

	for (uint32_t round = 0; round < 200; round++) {
		struct frame_map map = random_map(&state);
		size_t max = round % 10 == 9 ? 0 : next_random(&state) % 70;
		struct frame_decoder once = decoder(max, map.bits[0]);

		line->len = 2000;
		fill(&state, line->bytes, line->len);
		for (size_t i = 0; i < line->len; i += 1 + next_random(&state) % (2 + round % 40))
			line->bytes[i] = often[next_random(&state) % sizeof(often)];
		add_frame(line, &map, true, "here it is again", 16);
		whole->len = whole->count = 0;
		frame_decode(&once, line->bytes, line->len, keep_frame, whole);
		good += once.counters.good;
		CU_ASSERT_EQUAL(once.counters.good >= 1, max >= 18);
		for (size_t p = 0; p < G_N_ELEMENTS(pieces); p++) {
			struct frame_decoder d = decoder(max, map.bits[0]);
			got->len = got->count = 0;
			decode_in_pieces(&d, line, pieces[p], &state, got);
			CU_ASSERT_TRUE(same(whole, got));
			CU_ASSERT_TRUE(counted(&d, once.counters));
			frame_decoder_free(&d);
		}
		frame_decoder_free(&once);
	}
	CU_ASSERT_TRUE(good > 100);
	g_free(got);
	g_free(whole);
	g_free(line);
}

static void escape_then_flag_aborts(void)
{
	struct frame_decoder d = decoder(LONGEST, 0);
	struct line line = { .len = 0 };

	add_frame(&line, &no_controls, true, "good", 4);
	line.len--;
	add_bytes(&line, "\x7d\x7e\x7d\x7e", 4);
	add_frame(&line, &no_controls, false, "next", 4);
	CU_ASSERT_TRUE(gives(&d, line.bytes, line.len, "next"));
	CU_ASSERT_TRUE(counted(&d, (struct frame_counters){ .good = 1, .abort = 2 }));
	frame_decoder_free(&d);
}

static void runts_are_counted_empty_frames_not(void)
{
	struct frame_decoder d = decoder(LONGEST, 0);
	struct line line = { .len = 0 };

	add_bytes(&line, "\x7e\x7e\x61\x7e\x61\x62\x7e\x7e\x7e", 9);
	add_frame(&line, &no_controls, false, "x", 1);
	add_frame(&line, &no_controls, false, "", 0);
	add_frame(&line, &no_controls, false, "ok", 2);
	CU_ASSERT_TRUE(gives(&d, line.bytes, line.len, "ok"));
	CU_ASSERT_TRUE(counted(&d, (struct frame_counters){ .good = 1, .runt = 4 }));
	frame_decoder_free(&d);
}

static void frame_of_the_most_bytes_passes(void)
{
	struct frame_decoder d = decoder(10, 0);
	struct line line = { .len = 0 };

	add_frame(&line, &no_controls, true, "8 bytes!", 8);
	CU_ASSERT_TRUE(gives(&d, line.bytes, line.len, "8 bytes!"));
	line.len = 0;
	add_frame(&line, &no_controls, false, "\x7d\x7e\x7d\x7e\x7d\x7e\x7d\x7e", 8);
	CU_ASSERT_TRUE(gives(&d, line.bytes, line.len, "\x7d\x7e\x7d\x7e\x7d\x7e\x7d\x7e"));
	CU_ASSERT_TRUE(counted(&d, (struct frame_counters){ .good = 2 }));
	frame_decoder_free(&d);
}

static void giants_are_skipped_and_counted_once(void)
{
	static const uint8_t huge[3000] = { 1, 2, 3 };
	struct frame_decoder d = decoder(10, 0);
	struct line line = { .len = 0 };

	add_frame(&line, &no_controls, true, "9 bytes!!", 9);
	add_frame(&line, &all_controls, false, huge, sizeof(huge));
	add_frame(&line, &no_controls, false, "\x7e\x7e\x7e\x7e\x7e\x7e\x7e\x7e\x7e", 9);
	add_bytes(&line, "giant, then abort\x7d\x7e", 19);
	add_frame(&line, &no_controls, false, "8 bytes!", 8);
	CU_ASSERT_TRUE(gives(&d, line.bytes, line.len, "8 bytes!"));
	CU_ASSERT_TRUE(counted(&d, (struct frame_counters){ .good = 1, .giant = 4 }));
	frame_decoder_free(&d);
}

static void what_comes_before_the_first_flag(void)
{
	struct frame_decoder d = decoder(LONGEST, 0xffffffff);
	struct line line = { .len = 0 };

	add_bytes(&line, "\r\nCONNECT 115200\r\n", 18);
	add_frame(&line, &all_controls, true, "data", 4);
	CU_ASSERT_TRUE(gives(&d, line.bytes, line.len, "data"));
	CU_ASSERT_TRUE(counted(&d, (struct frame_counters){ .good = 1, .fcs = 1 }));
	frame_decoder_reset(&d);
	CU_ASSERT_TRUE(gives(&d, line.bytes + 19, line.len - 19, "data"));
	CU_ASSERT_TRUE(counted(&d, (struct frame_counters){ .good = 1 }));
	frame_decoder_free(&d);
}

/* Puts C after each byte of a frame that has escapes. */
static bool survives(uint8_t c, uint32_t accm)
{
	struct frame_decoder d = decoder(LONGEST, accm);
	struct line line = { .len = 0 };
	struct line spoiled = { .len = 0 };

	add_frame(&line, &all_controls, true, "a\x11z~~}\x01", 7);
	for (size_t i = 0; i < line.len; i++) {
		add_bytes(&spoiled, line.bytes + i, 1);
		add_bytes(&spoiled, &c, 1);
	}
	bool right = gives(&d, spoiled.bytes, spoiled.len, "a\x11z~~}\x01");
	frame_decoder_free(&d);
	return right;
}

static void inserted_controls_are_removed(void)
{
	for (uint8_t c = 0; c < 0x20; c++) {
		CU_ASSERT_TRUE(survives(c, 0xffffffff));
		CU_ASSERT_TRUE(survives(c, 1u << c));
		CU_ASSERT_FALSE(survives(c, ~(1u << c)));
	}
	CU_ASSERT_FALSE(survives(0x20, 0xffffffff));
}

static void any_byte_may_be_escaped(void)
{
	struct frame_decoder d = decoder(LONGEST, 0);
	uint8_t frame[256];
	struct line line = { .len = 0 };
	struct sink *s = g_new0(struct sink, 1);

	for (unsigned int c = 0; c < 256; c++)
		frame[c] = (uint8_t)c;
	frame[0x5e] = 0; /* the one that would look like an abort */
	uint16_t fcs = (uint16_t)~fcs_update(FCS_INIT, frame, sizeof(frame));
	for (unsigned int i = 0; i < 258; i++) {
		uint8_t c = i < 256 ? frame[i] : (uint8_t)(i == 256 ? fcs : fcs >> 8);
		add_bytes(&line, (const uint8_t[]){ 0x7d, c ^ 0x20 }, 2);
	}
	add_bytes(&line, "\x7e", 1);
	frame_decode(&d, line.bytes, line.len, keep_frame, s);
	CU_ASSERT_EQUAL(s->count, 1);
	CU_ASSERT_EQUAL(memcmp(s->bytes + 2, frame, sizeof(frame)), 0);
	g_free(s);
	frame_decoder_free(&d);
}

static void every_single_bit_error_is_seen(void)
{
	uint8_t frame[40];
	struct line line = { .len = 0 };
	struct sink *s = g_new0(struct sink, 1);
	uint32_t state = 7;

	fill(&state, frame, sizeof(frame));
	frame[10] = 0x7e;
	frame[20] = 0x7d;
	add_frame(&line, &no_controls, true, frame, sizeof(frame));
	for (size_t bit = 8; bit < 8 * (line.len - 1); bit++) {
		struct frame_decoder d = decoder(LONGEST, 0);
		line.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		frame_decode(&d, line.bytes, line.len, keep_frame, s);
		line.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CU_ASSERT_EQUAL(d.counters.good, 0);
		CU_ASSERT_TRUE(d.counters.fcs + d.counters.abort + d.counters.runt >= 1);
		frame_decoder_free(&d);
	}
	CU_ASSERT_EQUAL(s->count, 0);
	g_free(s);
}

/* Frame NUMBER of the noisy line: all of it follows from the number. */
static size_t numbered_frame(uint8_t *frame, uint32_t number)
{
	uint32_t state = number * 2 + 1;
	size_t len = 8 + next_random(&state) % 100;

	fill(&state, frame, len);
	memcpy(frame, &number, sizeof(number));
	return len;
}

struct noise {
	uint32_t next; /* the lowest number that may come */
	unsigned int wrong;
	unsigned int right;
};

static void check_numbered(void *arg, uint8_t *frame, size_t len)
{
	struct noise *n = arg;
	uint8_t want[128];
	uint32_t number = UINT32_MAX;

	if (len >= sizeof(number))
		memcpy(&number, frame, sizeof(number));
	if (number < n->next || len != numbered_frame(want, number) || memcmp(frame, want, len) != 0) {
		n->wrong++;
		return;
	}
	n->next = number + 1;
	n->right++;
}

static void bursts_of_noise_pass_no_wrong_frame(void)
{
	struct frame_decoder d = decoder(LONGEST, 0);
	struct noise n = { 0 };
	struct line *line = g_new(struct line, 1);
	uint32_t state = 31;
	uint32_t spoilt = 0;

	for (uint32_t number = 0; number < 5000; number++) {
		uint8_t frame[128];
		line->len = 0;
		add_frame(line, &no_controls, false, frame, numbered_frame(frame, number));
		if (next_random(&state) % 4 == 0) {
			size_t at = next_random(&state) % line->len;
			size_t len = 1 + next_random(&state) % 20;
			fill(&state, line->bytes + at, MIN(len, line->len - at));
			spoilt++;
		}
		frame_decode(&d, line->bytes, line->len, check_numbered, &n);
	}
	CU_ASSERT_EQUAL(n.wrong, 0);
	CU_ASSERT_TRUE(n.right >= 5000 - 2 * spoilt);
	CU_ASSERT_EQUAL(d.counters.good, n.right);
	CU_ASSERT_TRUE(d.counters.fcs > 1000);
	g_free(line);
	frame_decoder_free(&d);
}

static void reset_in_callback(void *arg, uint8_t *frame, size_t len)
{
	(void)frame;
	(void)len;
	frame_decoder_reset(arg);
}

static void reset_forgets_half_a_frame(void)
{
	struct frame_decoder d = decoder(10, 0);
	struct line line = { .len = 0 };

	add_frame(&line, &no_controls, false, "right", 5);
	CU_ASSERT_FALSE(gives(&d, "half\x7d", 5, ""));
	frame_decoder_reset(&d);
	CU_ASSERT_TRUE(gives(&d, line.bytes, line.len, "right"));
	CU_ASSERT_FALSE(gives(&d, "far too long for it", 19, ""));
	frame_decoder_reset(&d);
	CU_ASSERT_TRUE(gives(&d, line.bytes, line.len, "right"));
	add_bytes(&line, "ha", 2);
	frame_decode(&d, line.bytes, line.len, reset_in_callback, &d);
	CU_ASSERT_TRUE(counted(&d, (struct frame_counters){ 0 }));
	CU_ASSERT_EQUAL(d.len, 2);
	frame_decoder_free(&d);
}

static void accept_all(void *arg, uint8_t *frame, size_t len)
{
	struct frame_decoder *d = arg;

	(void)frame;
	(void)len;
	d->accm = 0;
}

static void accm_holds_from_the_next_frame(void)
{
	struct frame_decoder d;
	struct line line = { .len = 0 };

	frame_decoder_init(&d, LONGEST);
	CU_ASSERT_EQUAL(d.accm, 0xffffffff);
	add_frame(&line, &all_controls, true, "\x01\x02\x03", 3);
	add_frame(&line, &no_controls, false, "\x01\x02\x03", 3);
	frame_decode(&d, line.bytes, line.len, accept_all, &d);
	CU_ASSERT_TRUE(counted(&d, (struct frame_counters){ .good = 2 }));
	frame_decoder_free(&d);
}

const struct unit_test unit_tests[] = {
	{ "encode: escapes (RFC 1662 4.2)", escapes_as_the_rfc_shows },
	{ "encode: a whole frame, with and without a leading flag", whole_frame_as_pppd_sends_it },
	{ "encode: as byte by byte, for any map", encodes_as_byte_by_byte },
	{ "encode: frame_encoded_max is reached", encoded_max_is_reached },
	{ "encode: the FCS is escaped, too (RFC 1662 4.2)", fcs_is_escaped_too },
	{ "both: round trip, cut anywhere", round_trip_cut_anywhere },
	{ "decode: garbage is the same however cut, then a good frame", garbage_is_the_same_however_cut },
	{ "decode: escape and flag abort (RFC 1662 4.2)", escape_then_flag_aborts },
	{ "decode: runts are counted, empty frames not (RFC 1662 4.3, 4.4.1)", runts_are_counted_empty_frames_not },
	{ "decode: a frame of the most bytes passes", frame_of_the_most_bytes_passes },
	{ "decode: giants are skipped and counted once", giants_are_skipped_and_counted_once },
	{ "decode: what comes before the first flag", what_comes_before_the_first_flag },
	{ "decode: inserted controls are removed (RFC 1662 4.2)", inserted_controls_are_removed },
	{ "decode: any byte may be escaped (RFC 1662 4.2)", any_byte_may_be_escaped },
	{ "decode: every single bit error is seen", every_single_bit_error_is_seen },
	{ "decode: bursts of noise pass no wrong frame", bursts_of_noise_pass_no_wrong_frame },
	{ "decode: reset forgets half a frame", reset_forgets_half_a_frame },
	{ "decode: an ACCM set by the callee holds from the next frame", accm_holds_from_the_next_frame },
	{ 0 },
};
