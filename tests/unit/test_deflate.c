/* deflate: against captures of Python's zlib, against inflate() on the stream as a whole, over a bad line, with hostile input. */
#include "unit.h"

#include <glib.h>
#include <string.h>
#include <zlib.h>

#include "comp_rig.h"

#define W15 "\x78\0"

static const uint8_t ramp[] = { 7, 20, 33, 46, 59, 72, 85, 98, 111, 124, 137, 150, 163, 176, 189, 202, 215, 228, 241 };

#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

/* zlib.compressobj(6, DEFLATED, -15) on 21, then the packet; the last four bytes after Z_SYNC_FLUSH are left out. NULL: it did not become
 * smaller, and went as it was. */
static const struct {
	const uint8_t *packet;
	size_t packet_len;
	const uint8_t *coded;
	size_t coded_len;
} captures[] = {
	{ BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaa"), BYTES("\x00\x00\x52\x4c\xc4\x03\x00\x00") },
	{ BYTES("the rain in Spain stays mainly in the plain, the rain in Spain"),
	  BYTES("\x00\x01\x52\x2c\xc9\x48\x55\x28\x4a\xcc\xcc\x53\x00\xa2\xe0\x02\x10\xa3\xb8\x24\xb1\xb2\x58\x21\x17\xc8\xcc\xa9\x04\x89\x82\x54"
		"\x14\xe4\x00\xb9\x3a\x0a\x18\x8a\x01\x00") },
	{ ramp, sizeof(ramp), NULL, 0 },
	{ BYTES("the rain in Spain stays mainly\x07\x14!.;HUbo|\x89\x96\xa3\xb0\xbd\xca\xd7\xe4\xf1"), BYTES("\x00\x03\x22\x60\x24\x16\x1d\x00\x00") },
};

static void reads_captures(void)
{
	struct comp *c = rig_open(&comp_deflate, W15, 2, false);
	uint8_t out[RIG_MRU];
	size_t len;

	for (size_t i = 0; i < G_N_ELEMENTS(captures); i++) {
		if (!captures[i].coded) {
			comp_deflate.saw(c, 0x21, captures[i].packet, captures[i].packet_len);
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(comp_deflate.decompress(c, captures[i].coded, captures[i].coded_len, out, sizeof(out), &len), COMP_OK);
		CU_ASSERT_EQUAL_FATAL(len, captures[i].packet_len + 1);
		CU_ASSERT_EQUAL(out[0], 0x21);
		CU_ASSERT_EQUAL(memcmp(out + 1, captures[i].packet, captures[i].packet_len), 0);
	}
	comp_deflate.close(c);
}

/* What is sent, with the bytes put back that are left out, is one deflate stream; after packets that went as they were it cannot be. */
static void writes_one_stream(void)
{
	static const uint8_t tail[] = { 0, 0, 0xff, 0xff };
	struct comp *c = rig_open(&comp_deflate, W15, 2, true);
	struct packets packets = { 1 };
	uint8_t packet[RIG_MRU], out[RIG_MRU + 16], back[RIG_MRU + 2];
	z_stream strm = { 0 };

	CU_ASSERT_EQUAL_FATAL(inflateInit2(&strm, -15), Z_OK);
	for (unsigned i = 0; i < 400; i += i % 5 == 3 ? 2 : 1) {
		size_t n = packets_make(&packets, i, packet);
		const struct comp_packet one = { .protocol = 0x57, .body = packet, .body_len = n };
		size_t len = comp_deflate.compress(c, &one, out, n + 16);
		CU_ASSERT_TRUE_FATAL(len != COMP_PASS && len < n);
		memcpy(out + len, tail, sizeof(tail));
		strm.next_in = out + 2;
		strm.avail_in = (uInt)(len - 2 + sizeof(tail));
		strm.next_out = back;
		strm.avail_out = sizeof(back);
		CU_ASSERT_EQUAL(inflate(&strm, Z_SYNC_FLUSH), Z_OK);
		CU_ASSERT_EQUAL(sizeof(back) - strm.avail_out, n + 1);
		CU_ASSERT_TRUE(back[0] == 0x57 && memcmp(back + 1, packet, n) == 0);
	}
	inflateEnd(&strm);
	comp_deflate.close(c);
}

static void options(void)
{
	static const struct {
		const char *value;
		size_t len;
		bool good;
	} rows[] = { { "\x78\0", 2, true }, { "\x18\0", 2, true }, { "\x08\0", 2, false }, { "\x88\0", 2, false }, { "\x77\0", 2, false },
		     { "\x78\1", 2, false }, { "\x78", 1, false }, { "", 0, false } };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		for (unsigned sending = 0; sending < 2; sending++) {
			struct comp *c = rig_open(&comp_deflate_draft, rows[i].value, rows[i].len, sending);
			CU_ASSERT_EQUAL(c != NULL, rows[i].good);
			if (c)
				comp_deflate_draft.close(c);
		}
	}
}

static void a_clean_line_loses_nothing(void)
{
	CU_ASSERT_EQUAL(rig_lossy(&comp_deflate, W15, 2, 1000, 0), 1000);
	CU_ASSERT_EQUAL(rig_lossy(&comp_deflate, "\x18\0", 2, 1000, 0), 1000);
}

static void a_bad_line_gives_right_packets(void)
{
	CU_ASSERT_TRUE(rig_lossy(&comp_deflate, W15, 2, 5000, 10) > 4700);
	CU_ASSERT_TRUE(rig_lossy(&comp_deflate, "\x18\0", 2, 1000, 200) > 200);
}

/* Sequence numbers are 16 bits wide. */
static void sequence_numbers_wrap(void)
{
	struct comp *a = rig_open(&comp_deflate, "\x18\0", 2, true), *b = rig_open(&comp_deflate, "\x18\0", 2, false);
	uint8_t packet[40] = { 0 }, out[64], back[64];
	const struct comp_packet one = { .protocol = 0x21, .body = packet, .body_len = sizeof(packet) };
	size_t len = 0;

	for (unsigned i = 0; i < 66000; i++) {
		packet[0] = (uint8_t)i;
		size_t sent = comp_deflate.compress(a, &one, out, sizeof(out));
		CU_ASSERT_EQUAL_FATAL(comp_deflate.decompress(b, out, sent, back, sizeof(back), &len), COMP_OK);
	}
	CU_ASSERT_EQUAL(len, sizeof(packet) + 1);
	comp_deflate.close(a);
	comp_deflate.close(b);
}

static enum comp_result give(const char *bytes, size_t len, size_t size)
{
	struct comp *c = rig_open(&comp_deflate, W15, 2, false);
	uint8_t *out = g_malloc(size);
	size_t out_len;
	enum comp_result result = comp_deflate.decompress(c, (const uint8_t *)bytes, len, out, size, &out_len);

	g_free(out);
	comp_deflate.close(c);
	return result;
}

static void hostile_packets(void)
{
	CU_ASSERT_EQUAL(give("", 0, 100), COMP_ERROR);
	CU_ASSERT_EQUAL(give("\0\0", 2, 100), COMP_ERROR);
	CU_ASSERT_EQUAL(give("\0\1\x52\x4c\xc4\3\0\0", 8, 100), COMP_ERROR);      /* out of sequence */
	CU_ASSERT_EQUAL(give("\0\0\x52\x4c\xc4\3\0\0", 8, 30), COMP_OK);
	CU_ASSERT_EQUAL(give("\0\0\x52\x4c\xc4\3\0\0", 8, 29), COMP_FATAL);       /* 29 bytes come out, and one has to be left over */
	CU_ASSERT_EQUAL(give("\0\0\x52\x4c\xc4", 5, 100), COMP_FATAL);            /* cut short */
	CU_ASSERT_EQUAL(give("\0\0\0\x8\0\xf7\xff\x21", 8, 100), COMP_FATAL);  /* likewise, within the bytes of a stored block */
	CU_ASSERT_EQUAL(give("\0\0\xff\xff\xff", 5, 100), COMP_FATAL);            /* no such block */
	CU_ASSERT_EQUAL(give("\0\0\x53\x4c\xc4\3\0\0", 8, 100), COMP_FATAL);      /* the last block */
	CU_ASSERT_EQUAL(give("\0\0\x02\x13\0\0", 6, 100), COMP_FATAL);            /* a distance into nowhere */
	rig_hostile(&comp_deflate, W15, 2, 300);
}

const struct unit_test unit_tests[] = {
	{ "captures of Python's zlib are read (RFC 1979 section 2.2)", reads_captures },
	{ "what is sent is one deflate stream (RFC 1979 section 2.2)", writes_one_stream },
	{ "options (RFC 1979 section 2.1)", options },
	{ "a clean line loses nothing", a_clean_line_loses_nothing },
	{ "a line that loses 1 % gives right packets", a_bad_line_gives_right_packets },
	{ "sequence numbers wrap", sequence_numbers_wrap },
	{ "hostile packets and expansion bombs", hostile_packets },
	{ 0 },
};
