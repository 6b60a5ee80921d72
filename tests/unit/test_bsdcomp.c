/* bsdcomp: against captures and digests of an independent model (Python, RFC 1977), over a bad line, with hostile input. */
#include "unit.h"

#include <glib.h>
#include <string.h>

#include "comp_rig.h"

#define V12 "\x2c"
#define V15 "\x2f"

#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

/* The model's, with codes of up to 12 bits. */
static const struct {
	const char *packet;
	const uint8_t *coded;
	size_t coded_len;
} captures[] = {
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", BYTES("\x00\x00\x10\x98\x60\x50\x38\x24\x16\x0d\x07") },
	{ "the rain in Spain stays mainly in the plain, the rain in Spain",
	  BYTES("\x00\x01\x10\x9d\x0d\x06\x51\x01\xc8\xc2\x69\x37\x08\x21\xe2\x02\x99\xc2\x1d\x10\x39\x9d\x0c\x27\x93\x98\x80\xdb\x16\x36\x1e\x62"
		"\x31\x08\x4c\x2c\xe0\x6c\x8b\x0b\x04\x12\x48\x64\x5a\x45\x13\x8a\xc3\xff") },
	{ "the rain in Spain stays mainly", BYTES("\x00\x02\x84\x42\xa5\x91\x28\x94\x52\x5b\x18\x8d\x47\x23\xd0\xf9\x07") },
};

static void writes_and_reads_captures(void)
{
	struct comp *a = rig_open(&comp_bsd, V12, 1, true), *b = rig_open(&comp_bsd, V12, 1, false);
	uint8_t out[RIG_MRU];
	size_t len;

	for (size_t i = 0; i < G_N_ELEMENTS(captures); i++) {
		size_t n = strlen(captures[i].packet);
		const struct comp_packet one = { .protocol = 0x21, .body = (const uint8_t *)captures[i].packet, .body_len = n };
		CU_ASSERT_EQUAL(comp_bsd.compress(a, &one, out, n + 16), captures[i].coded_len);
		CU_ASSERT_EQUAL(memcmp(out, captures[i].coded, captures[i].coded_len), 0);
		CU_ASSERT_EQUAL(comp_bsd.decompress(b, captures[i].coded, captures[i].coded_len, out, sizeof(out), &len), COMP_OK);
		CU_ASSERT_TRUE(len == n + 1 && out[0] == 0x21 && memcmp(out + 1, captures[i].packet, n) == 0);
	}
	comp_bsd.close(a);
	comp_bsd.close(b);
}

/* FNV-1a of all that the model sends of 600 packets, how many it sends as they are, and how often it clears its dictionary. */
static const struct {
	unsigned bits;
	uint32_t digest;
	unsigned passed, clears;
} digests[] = {
	{ 9, 0x2bfac78au, 139, 16 }, { 10, 0x6309e99fu, 128, 15 }, { 11, 0xa2b5e03du, 120, 13 }, { 12, 0x7203b8f7u, 120, 11 },
	{ 13, 0x4606ad9au, 120, 8 },  { 14, 0x41d26b15u, 120, 5 },  { 15, 0x8b147f22u, 120, 2 },
};

static uint32_t digest(uint32_t h, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * 16777619u;
	return h;
}

/* Widths, a full dictionary, clears in and between packets: all of them show in the digest. */
static void writes_what_the_model_writes(void)
{
	uint8_t packet[RIG_MRU], out[RIG_MRU + 16];

	for (size_t i = 0; i < G_N_ELEMENTS(digests); i++) {
		uint8_t value = (uint8_t)(0x20 | digests[i].bits);
		struct comp *c = rig_open(&comp_bsd, &value, 1, true);
		struct packets packets = { 1 };
		uint32_t h = 2166136261u;
		unsigned passed = 0;
		for (unsigned j = 0; j < 600; j++) {
			size_t n = packets_make(&packets, j, packet);
			const struct comp_packet one = { 0x21, packet, packet + j % 40, j % 40, n - j % 40 };
			size_t len = comp_bsd.compress(c, &one, out, n + 16);
			passed += len == COMP_PASS;
			h = len == COMP_PASS ? digest(h, packet, n) : digest(h, out, len);
		}
		CU_ASSERT_EQUAL(h, digests[i].digest);
		CU_ASSERT_EQUAL(passed, digests[i].passed);
		comp_bsd.close(c);
	}
}

static void options(void)
{
	for (unsigned value = 0; value < 256; value++) {
		uint8_t byte = (uint8_t)value;
		struct comp *c = rig_open(&comp_bsd, &byte, 1, true);
		CU_ASSERT_EQUAL(c != NULL, value >= 0x29 && value <= 0x2f);
		if (c)
			comp_bsd.close(c);
	}
	CU_ASSERT_PTR_NULL(rig_open(&comp_bsd, "", 0, false));
}

static void a_clean_line_loses_nothing(void)
{
	for (uint8_t value = 0x29; value <= 0x2f; value++)
		CU_ASSERT_EQUAL(rig_lossy(&comp_bsd, &value, 1, 2000, 0), 2000);
}

static void a_bad_line_gives_right_packets(void)
{
	CU_ASSERT_TRUE(rig_lossy(&comp_bsd, V15, 1, 5000, 10) > 4700);
	CU_ASSERT_TRUE(rig_lossy(&comp_bsd, V12, 1, 5000, 10) > 4700);
	CU_ASSERT_TRUE(rig_lossy(&comp_bsd, "\x29", 1, 1000, 200) > 200);
}

/* The counts are aged after 8 MB (RFC 1977 section 2.2): both ends stay in step. */
static void counts_are_aged(void)
{
	struct comp *a = rig_open(&comp_bsd, V12, 1, true), *b = rig_open(&comp_bsd, V12, 1, false);
	uint8_t packet[RIG_MRU], out[RIG_MRU + 16], back[RIG_MRU + 3];
	const struct comp_packet one = { .protocol = 0x21, .body = packet, .body_len = sizeof(packet) };
	size_t len = 0;

	memset(packet, 'x', sizeof(packet));
	for (unsigned i = 0; i < 12000; i++) {
		size_t sent = comp_bsd.compress(a, &one, out, sizeof(out));
		CU_ASSERT_EQUAL_FATAL(comp_bsd.decompress(b, out, sent, back, sizeof(back), &len), COMP_OK);
	}
	CU_ASSERT_EQUAL(len, sizeof(packet) + 1);
	comp_bsd.close(a);
	comp_bsd.close(b);
}

static enum comp_result give(const char *bytes, size_t len, size_t size)
{
	struct comp *c = rig_open(&comp_bsd, V12, 1, false);
	uint8_t *out = g_malloc(size);
	size_t out_len;
	enum comp_result result = comp_bsd.decompress(c, (const uint8_t *)bytes, len, out, size, &out_len);

	g_free(out);
	comp_bsd.close(c);
	return result;
}

static void hostile_packets(void)
{
	CU_ASSERT_EQUAL(give("", 0, 100), COMP_ERROR);
	CU_ASSERT_EQUAL(give("\0\0", 2, 100), COMP_ERROR);
	CU_ASSERT_EQUAL(give("\0\1\x10\xff", 4, 100), COMP_ERROR);          /* out of sequence */
	CU_ASSERT_EQUAL(give("\0\0\x10\x98\x60\x50\x38\x24\x16\x0d\x07", 11, 29), COMP_OK);
	CU_ASSERT_EQUAL(give("\0\0\x10\x98\x60\x50\x38\x24\x16\x0d\x07", 11, 28), COMP_FATAL); /* too large */
	CU_ASSERT_EQUAL(give("\0\0\x80\x80", 4, 100), COMP_FATAL);          /* first code: an entry that is not there */
	CU_ASSERT_EQUAL(give("\0\0\x10\xc0\xff", 5, 100), COMP_FATAL);      /* second code: past the next entry */
	CU_ASSERT_EQUAL(give("\0\0\x80\x10\x80", 5, 100), COMP_FATAL);      /* CLEAR is not the last */
	rig_hostile(&comp_bsd, V12, 1, 300);
	rig_hostile(&comp_bsd, V15, 1, 20);
}

const struct unit_test unit_tests[] = {
	{ "captures of a model are written and read (RFC 1977 section 2.2)", writes_and_reads_captures },
	{ "each code size writes what the model writes (RFC 1977 section 2.2)", writes_what_the_model_writes },
	{ "options (RFC 1977 section 2.1)", options },
	{ "a clean line loses nothing", a_clean_line_loses_nothing },
	{ "a line that loses 1 % gives right packets", a_bad_line_gives_right_packets },
	{ "counts are aged alike", counts_are_aged },
	{ "hostile packets, entries that are not there, expansion bombs", hostile_packets },
	{ 0 },
};
