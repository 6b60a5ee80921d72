/* Synchronous lines: each packet is found, however ptys and sockets join and cut what was written. */
#include "unit.h"

#include <glib.h>
#include <string.h>

#include "clock.h"
#include "ppp/sync.h"

#define LONGEST 1504

/* LCP Configure-Request with a magic number, RFC 1661 §6.4; an IPv4 packet of 24 bytes; one of VJ's, which does not say how long it is. */
static const uint8_t lcp[] = { 0xff, 0x03, 0xc0, 0x21, 1, 1, 0, 10, 5, 6, 1, 2, 3, 4 };
static const uint8_t ip[] = { 0xff, 0x03, 0x00, 0x21, 0x45, 0, 0, 24, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 2, 3, 4 };
static const uint8_t vj[] = { 0xff, 0x03, 0x00, 0x2d, 0x7f, 0, 1, 2, 3 };

/* IPv6 counts its header apart, RFC 8200 §3; here without address and control, and the protocol's number is one byte as PFC makes it. */
static const uint8_t ip6[] = { 0x57, 0x60, 0, 0, 0, 0, 2, 17, 64, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
			       0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 7, 8 };

struct sink {
	GString *seen; /* l, i, v, 6 or ? for each packet */
};

static bool is(const uint8_t *packet, size_t len, const void *expected, size_t expected_len)
{
	return len == expected_len && memcmp(packet, expected, len) == 0;
}

static void keep(void *arg, uint8_t *packet, size_t len)
{
	struct sink *s = arg;

	g_string_append_c(s->seen, is(packet, len, lcp, sizeof(lcp)) ? 'l' : is(packet, len, ip, sizeof(ip)) ? 'i'
								     : is(packet, len, vj, sizeof(vj))	     ? 'v'
								     : is(packet, len, ip6, sizeof(ip6))     ? '6'
													     : '?');
	memset(packet - FRAME_HEADROOM, 0, FRAME_HEADROOM + len);
}

struct rig {
	struct frame_decoder decoder;
	struct sink sink;
	uint64_t now;
};

static void rig_init(struct rig *rig)
{
	frame_decoder_init(&rig->decoder, LONGEST);
	rig->sink.seen = g_string_new(NULL);
	rig->now = CLOCK_SECOND;
}

static void rig_clear(struct rig *rig)
{
	frame_decoder_free(&rig->decoder);
	g_string_free(rig->sink.seen, TRUE);
}

static void read_bytes(struct rig *rig, const void *bytes, size_t len)
{
	uint8_t *exact = g_memdup2(bytes, len);

	sync_decode(&rig->decoder, rig->now, exact, len, keep, &rig->sink);
	g_free(exact);
}

/* The packets that LETTERS name, one after the other. */
static GByteArray *written(const char *letters)
{
	GByteArray *all = g_byte_array_new();

	for (; *letters; letters++) {
		if (*letters == 'l')
			g_byte_array_append(all, lcp, sizeof(lcp));
		else if (*letters == 'i')
			g_byte_array_append(all, ip, sizeof(ip));
		else if (*letters == '6')
			g_byte_array_append(all, ip6, sizeof(ip6));
		else
			g_byte_array_append(all, vj, sizeof(vj));
	}
	return all;
}

static void a_packet_a_read(void)
{
	struct rig rig;

	rig_init(&rig);
	read_bytes(&rig, lcp, sizeof(lcp));
	read_bytes(&rig, vj, sizeof(vj));
	read_bytes(&rig, ip, sizeof(ip));
	CU_ASSERT_STRING_EQUAL(rig.sink.seen->str, "lvi");
	CU_ASSERT_EQUAL(rig.decoder.counters.good, 3);
	rig_clear(&rig);
}

static void joined_packets_are_parted(void)
{
	GByteArray *all = written("li6illv");
	struct rig rig;

	rig_init(&rig);
	read_bytes(&rig, all->data, all->len);
	CU_ASSERT_STRING_EQUAL(rig.sink.seen->str, "li6illv");
	rig_clear(&rig);
	g_byte_array_free(all, TRUE);
}

static void cut_packets_are_put_together(void)
{
	GByteArray *all = written("li6lli");

	for (size_t cut = 1; cut < all->len; cut++) {
		struct rig rig;

		rig_init(&rig);
		for (size_t at = 0; at < all->len; at += cut)
			read_bytes(&rig, all->data + at, MIN(cut, all->len - at));
		CU_ASSERT_STRING_EQUAL(rig.sink.seen->str, "li6lli");
		rig_clear(&rig);
	}
	g_byte_array_free(all, TRUE);
}

static void rfc1661_2_padding_is_left_out(void)
{
	uint8_t padded[sizeof(lcp) + 8] = { 0 };
	struct rig rig;

	rig_init(&rig);
	memcpy(padded, lcp, sizeof(lcp));
	read_bytes(&rig, padded, sizeof(padded));
	read_bytes(&rig, ip, sizeof(ip));
	CU_ASSERT_STRING_EQUAL(rig.sink.seen->str, "li");
	rig_clear(&rig);
}

static void a_rest_is_not_waited_for_for_ever(void)
{
	struct rig rig;

	rig_init(&rig);
	read_bytes(&rig, ip, sizeof(ip) - 1);
	rig.now += 2 * CLOCK_SECOND;
	read_bytes(&rig, lcp, sizeof(lcp));
	CU_ASSERT_STRING_EQUAL(rig.sink.seen->str, "l");
	rig_clear(&rig);
}

static void too_long_and_too_short_are_counted(void)
{
	uint8_t giant[LONGEST + 1] = { 0xff, 0x03, 0x00, 0x2d };
	struct rig rig;

	rig_init(&rig);
	read_bytes(&rig, giant, sizeof(giant));
	CU_ASSERT_EQUAL(rig.decoder.counters.giant, 1);
	read_bytes(&rig, lcp, sizeof(lcp));
	CU_ASSERT_STRING_EQUAL(rig.sink.seen->str, "l");
	rig_clear(&rig);
}

/* line_write() wants each packet behind its length. */
static void what_is_written_has_its_length_before_it(void)
{
	uint8_t *out = g_malloc(frame_encoded_max(sizeof(ip)));

	CU_ASSERT_EQUAL(sync_encode(out, ip, 4, ip + 4, sizeof(ip) - 4), sizeof(ip) + 2);
	CU_ASSERT_EQUAL(out[0] << 8 | out[1], sizeof(ip));
	CU_ASSERT_EQUAL(memcmp(out + 2, ip, sizeof(ip)), 0);
	g_free(out);
}

const struct unit_test unit_tests[] = {
	{ "sync: a packet a read", a_packet_a_read },
	{ "sync: joined packets are parted", joined_packets_are_parted },
	{ "sync: cut packets are put together", cut_packets_are_put_together },
	{ "sync: RFC 1661 2, padding is left out", rfc1661_2_padding_is_left_out },
	{ "sync: a rest is not waited for for ever", a_rest_is_not_waited_for_for_ever },
	{ "sync: too long and too short are counted", too_long_and_too_short_are_counted },
	{ "sync: what is written has its length before it", what_is_written_has_its_length_before_it },
	{ 0 },
};
