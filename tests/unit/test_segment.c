/* net/segment, net/merge: packets cut, and put together again. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "net/merge.h"
#include "net/segment.h"
#include "packets.h"

#define PEER UINT32_C(0x0a00020f)
#define FAR UINT32_C(0xc0a8fe01)
#define BIG 66000
#define PIECES 128

struct pieces {
	unsigned n;
	size_t len[PIECES];
	uint8_t *data[PIECES];
	size_t mss[PIECES];
};

static void keep(void *arg, const uint8_t *packet, size_t len)
{
	struct pieces *p = arg;

	CU_ASSERT_TRUE_FATAL(p->n < PIECES);
	p->data[p->n] = malloc(len);
	memcpy(p->data[p->n], packet, len);
	p->len[p->n++] = len;
}

static void keep_merged(void *arg, struct packet *packet, size_t mss)
{
	struct pieces *p = arg;

	p->mss[p->n] = mss;
	keep(p, packet->data, packet->len);
}

static void forget(struct pieces *p)
{
	while (p->n > 0)
		free(p->data[--p->n]);
}

/* Puts fragments together by their offsets; returns the payload's length, 0 when they leave a hole. */
static size_t reassemble(const struct pieces *p, uint8_t *payload)
{
	size_t at = 0;

	for (unsigned i = 0; i < p->n; i++) {
		size_t header = (p->data[i][0] & 0xfu) * 4u;
		unsigned field = packet_u16(p->data[i], 6);

		if ((field & 0x1fff) * 8u != at || !(field & 0x2000) != (i + 1 == p->n))
			return 0;
		memcpy(payload + at, p->data[i] + header, p->len[i] - header);
		at += p->len[i] - header;
	}
	return at;
}

static void fragments_reassemble(void)
{
	static uint8_t buf[BIG], payload[BIG], whole[BIG];
	const size_t mtus[] = { 68, 128, 576, 1499, 1500 };

	for (unsigned m = 0; m < 5; m++) {
		struct spec s = { .protocol = IPPROTO_UDP, .src = PEER, .dst = FAR, .payload = 3977, .id = 99 };
		size_t len = build(buf, &s);
		struct pieces pieces = { 0 };
		struct packet p;

		memcpy(whole, buf, len);
		CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, len));
		CU_ASSERT_TRUE_FATAL(segment_fragment(&p, mtus[m], keep, &pieces));
		for (unsigned i = 0; i < pieces.n; i++) {
			CU_ASSERT_TRUE(pieces.len[i] <= mtus[m]);
			CU_ASSERT_EQUAL(packet_u16(pieces.data[i], 2), pieces.len[i]);
			CU_ASSERT_EQUAL(packet_u16(pieces.data[i], 4), 99);
			CU_ASSERT_TRUE(checksums_right(pieces.data[i], pieces.len[i]));
		}
		CU_ASSERT_EQUAL(reassemble(&pieces, payload), len - 20);
		CU_ASSERT_EQUAL(memcmp(payload, whole + 20, len - 20), 0);
		forget(&pieces);
	}
}

/* RFC 791 §3.1: record route (7) is in the first fragment only, security (130) in every one. */
static void options_are_copied(void)
{
	const uint8_t options[] = { 7, 3, 4, 1, 130, 4, 0xaa, 0xbb, 0, 0, 0, 0 };
	uint8_t buf[200] = { 0 };
	struct spec s = { .protocol = 200, .src = PEER, .dst = FAR, .payload = 160 };
	uint8_t plain[300];
	struct pieces pieces = { 0 };
	struct packet p;

	build(plain, &s);
	memcpy(buf, plain, 20);
	memcpy(buf + 20, options, 12);
	memcpy(buf + 32, plain + 20, 160);
	buf[0] = 0x48;
	buf[3] = 192;
	packet_complete_header(buf, 32);
	CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, 192));
	CU_ASSERT_TRUE_FATAL(segment_fragment(&p, 100, keep, &pieces));
	CU_ASSERT_EQUAL_FATAL(pieces.n, 3);
	CU_ASSERT_EQUAL(pieces.data[0][0], 0x48);
	CU_ASSERT_EQUAL(pieces.data[1][0], 0x46);
	CU_ASSERT_EQUAL(memcmp(pieces.data[1] + 20, options + 4, 4), 0);
	uint8_t payload[200];
	CU_ASSERT_EQUAL(reassemble(&pieces, payload), 160);
	CU_ASSERT_EQUAL(memcmp(payload, plain + 20, 160), 0);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_TRUE(checksums_right(pieces.data[i], pieces.len[i]));
	forget(&pieces);
}

static void fragment_of_a_fragment(void)
{
	uint8_t buf[2000];
	struct spec s = { .protocol = IPPROTO_UDP, .src = PEER, .dst = FAR, .payload = 72, .fragment = 0x2000 | 10 };
	struct pieces pieces = { 0 };
	struct packet p;

	CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, build(buf, &s)));
	CU_ASSERT_TRUE_FATAL(segment_fragment(&p, 68, keep, &pieces));
	CU_ASSERT_EQUAL_FATAL(pieces.n, 2);
	CU_ASSERT_EQUAL(packet_u16(pieces.data[0], 6), 0x2000 | 10);
	CU_ASSERT_EQUAL(packet_u16(pieces.data[1], 6), 0x2000 | 16);
	forget(&pieces);
}

static void dont_fragment(void)
{
	uint8_t buf[2000];
	struct spec s = { .protocol = IPPROTO_UDP, .src = PEER, .dst = FAR, .payload = 500, .fragment = 0x4000 };
	struct pieces pieces = { 0 };
	struct packet p;

	CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, build(buf, &s)));
	CU_ASSERT_FALSE(segment_fragment(&p, 500, keep, &pieces));
	CU_ASSERT_EQUAL(pieces.n, 0);
	CU_ASSERT_TRUE(segment_fragment(&p, 528, keep, &pieces));
	CU_ASSERT_EQUAL(pieces.n, 1);
	forget(&pieces);
}

static const uint8_t timestamps[] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };

static struct spec large(size_t payload, uint8_t flags)
{
	return (struct spec){ .protocol = IPPROTO_TCP, .src = PEER, .dst = FAR, .sport = 5000, .dport = 80, .seq = 0xffffff00, .ack = 7,
			      .options = timestamps, .options_len = 12, .payload = payload, .flags = flags, .id = 0xfffe,
			      .fragment = 0x4000 };
}

static void check_segment(const struct pieces *p, unsigned i, size_t mss, const uint8_t *payload, uint8_t flags)
{
	const uint8_t *seg = p->data[i];
	bool last = i + 1 == p->n;
	uint8_t want = (uint8_t)(flags & ~(last ? 0 : TCP_FIN | TCP_PSH) & ~(i == 0 ? 0 : TCP_CWR));

	CU_ASSERT_TRUE(checksums_right(seg, p->len[i]));
	CU_ASSERT_EQUAL(packet_u16(seg, 2), p->len[i]);
	CU_ASSERT_EQUAL(packet_u16(seg, 4), (uint16_t)(0xfffe + i));
	CU_ASSERT_EQUAL(packet_u16(seg, 6), 0x4000);
	CU_ASSERT_EQUAL(packet_u32(seg, 24), (uint32_t)(0xffffff00 + i * mss));
	CU_ASSERT_EQUAL(packet_u32(seg, 28), 7);
	CU_ASSERT_EQUAL(seg[33], want);
	CU_ASSERT_EQUAL(memcmp(seg + 40, timestamps, 12), 0);
	CU_ASSERT_TRUE(last || p->len[i] == 52 + mss);
	CU_ASSERT_EQUAL(memcmp(seg + 52, payload + i * mss, p->len[i] - 52), 0);
}

static void tcp_is_cut(void)
{
	static uint8_t buf[BIG], whole[BIG];
	const size_t sizes[] = { 0, 1, 1447, 1448, 1449, 2896, 64000 };
	uint8_t flags = TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR;

	for (unsigned n = 0; n < 7; n++) {
		struct spec s = large(sizes[n], flags);
		size_t len = build(buf, &s);
		struct pieces pieces = { 0 };
		struct packet p;

		memcpy(whole, buf, len);
		buf[36] ^= 0x55;
		CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, len));
		segment_tcp(&p, 1448, keep, &pieces);
		CU_ASSERT_EQUAL(pieces.n, sizes[n] == 0 ? 1 : (sizes[n] + 1447) / 1448);
		for (unsigned i = 0; i < pieces.n; i++)
			check_segment(&pieces, i, 1448, whole + 52, flags);
		forget(&pieces);
	}
}

static void add(struct merge *m, struct pieces *out, const uint8_t *data, size_t len)
{
	uint8_t copy[2000];
	struct packet p;

	memcpy(copy, data, len);
	CU_ASSERT_TRUE_FATAL(packet_parse(&p, copy, len));
	if (!merge_add(m, &p)) {
		out->mss[out->n] = 0;
		keep(out, copy, len);
	}
}

/* What the kernel does with what was merged: complete the checksum and cut it. */
static void cut_again(const struct pieces *merged, struct pieces *again)
{
	for (unsigned i = 0; i < merged->n; i++) {
		struct packet p;

		CU_ASSERT_TRUE_FATAL(packet_parse(&p, merged->data[i], merged->len[i]));
		if (merged->mss[i] == 0) {
			keep(again, merged->data[i], merged->len[i]);
			continue;
		}
		CU_ASSERT_TRUE(packet_header_ok(&p));
		/* the sum over the pseudo header is there: adding the rest must give what is computed from nothing */
		uint16_t field = packet_u16(p.data, 36);
		uint16_t sum = plain_checksum(0, p.data + 20, p.len - 20);
		packet_complete_checksum(&p);
		CU_ASSERT_EQUAL(packet_u16(p.data, 36), sum);
		CU_ASSERT_NOT_EQUAL(field, sum);
		segment_tcp(&p, merged->mss[i], keep, again);
	}
}

static void merging_is_cutting_backwards(void)
{
	static uint8_t buf[BIG];
	struct spec s = large(64000, TCP_ACK | TCP_PSH);
	struct pieces cut = { 0 }, merged = { 0 }, again = { 0 };
	struct merge *m = merge_new(IPV4_PACKET_MAX, keep_merged, &merged);
	struct packet p;

	CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, build(buf, &s)));
	segment_tcp(&p, 1448, keep, &cut);
	for (unsigned i = 0; i < cut.n; i++)
		add(m, &merged, cut.data[i], cut.len[i]);
	merge_flush(m);
	CU_ASSERT_EQUAL(merged.n, 1);
	CU_ASSERT_EQUAL(merged.mss[0], 1448);
	cut_again(&merged, &again);
	CU_ASSERT_EQUAL_FATAL(again.n, cut.n);
	for (unsigned i = 0; i < cut.n; i++) {
		/* identifications are counted from the first one's */
		CU_ASSERT_EQUAL(again.len[i], cut.len[i]);
		CU_ASSERT_EQUAL(memcmp(again.data[i], cut.data[i], cut.len[i]), 0);
	}
	forget(&cut);
	forget(&merged);
	forget(&again);
	merge_free(m);
}

struct no_merge {
	const char *what;
	size_t at; /* byte of the second segment that is changed */
	uint8_t change;
	bool fix; /* its checksums are made right again */
};

static const struct no_merge differences[] = {
	{ "sequence", 27, 1, true }, { "ack", 31, 1, true },    { "window", 34, 1, true }, { "timestamp", 51, 1, true },
	{ "tos", 1, 4, true },       { "ttl", 8, 1, true },     { "FIN", 33, 1, true },    { "URG", 33, 0x20, true },
	{ "df", 6, 0x40, true },     { "data", 60, 1, false },  { "checksum", 36, 1, false },
};

static void what_differs_is_not_merged(void)
{
	for (unsigned i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
		uint8_t buf[4000];
		struct spec s = large(2896, TCP_ACK);
		struct pieces cut = { 0 }, out = { 0 };
		struct merge *m = merge_new(IPV4_PACKET_MAX, keep_merged, &out);
		struct packet p;

		CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, build(buf, &s)));
		segment_tcp(&p, 1448, keep, &cut);
		cut.data[1][differences[i].at] ^= differences[i].change;
		CU_ASSERT_TRUE_FATAL(packet_parse(&p, cut.data[1], cut.len[1]));
		if (differences[i].fix) {
			packet_complete_header(cut.data[1], 20);
			packet_complete_checksum(&p);
		}
		add(m, &out, cut.data[0], cut.len[0]);
		add(m, &out, cut.data[1], cut.len[1]);
		merge_flush(m);
		CU_ASSERT_EQUAL_FATAL(out.n, 2);
		for (unsigned n = 0; n < 2; n++) {
			CU_ASSERT_EQUAL(out.mss[n], 0);
			CU_ASSERT_EQUAL(memcmp(out.data[n], cut.data[n], cut.len[n]), 0);
		}
		forget(&cut);
		forget(&out);
		merge_free(m);
	}
}

/* Only the last of those put together may be shorter than the first, and none longer. */
static void lengths_must_fit(void)
{
	const size_t lengths[] = { 200, 100, 200, 200, 300 };
	const size_t want[] = { 300, 400, 300 };
	struct pieces out = { 0 };
	struct merge *m = merge_new(IPV4_PACKET_MAX, keep_merged, &out);
	uint8_t buf[1000];
	uint32_t seq = 1;

	for (unsigned i = 0; i < 5; i++) {
		struct spec s = { .protocol = IPPROTO_TCP, .src = PEER, .dst = FAR, .sport = 1, .dport = 2, .seq = seq, .flags = TCP_ACK,
				  .payload = lengths[i] };

		add(m, &out, buf, build(buf, &s));
		seq += (uint32_t)lengths[i];
	}
	merge_flush(m);
	CU_ASSERT_EQUAL_FATAL(out.n, 3);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(out.len[i], 40 + want[i]);
	forget(&out);
	merge_free(m);
}

static void never_more_than_max(void)
{
	static uint8_t buf[BIG];
	struct spec s = large(60000, TCP_ACK);
	struct pieces cut = { 0 }, out = { 0 };
	struct merge *m = merge_new(20000, keep_merged, &out);
	struct packet p;
	size_t total = 0;

	CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, build(buf, &s)));
	segment_tcp(&p, 1448, keep, &cut);
	for (unsigned i = 0; i < cut.n; i++)
		add(m, &out, cut.data[i], cut.len[i]);
	merge_flush(m);
	for (unsigned i = 0; i < out.n; i++) {
		CU_ASSERT_TRUE(out.len[i] <= 20000);
		total += out.len[i] - 52;
	}
	CU_ASSERT_EQUAL(total, 60000);
	CU_ASSERT_EQUAL(out.n, 4);
	forget(&cut);
	forget(&out);
	merge_free(m);
}

/* Segments of many flows, some short, some lost, in random turns: each flow comes out as it went in. */
static void flows_keep_their_order(void)
{
	struct pieces out = { 0 };
	struct merge *m = merge_new(IPV4_PACKET_MAX, keep_merged, &out);
	uint32_t sent[6] = { 0 }, seen[6] = { 0 };

	srand(4);
	for (unsigned round = 0; round < 3000; round++) {
		uint8_t buf[2000];
		unsigned flow = (unsigned)rand() % 6;
		struct spec s = { .protocol = IPPROTO_TCP, .src = PEER, .dst = FAR, .sport = (uint16_t)flow, .dport = 80,
				  .seq = sent[flow], .flags = rand() % 10 ? TCP_ACK : TCP_ACK | TCP_PSH,
				  .payload = rand() % 5 ? 100 : (size_t)rand() % 200 };

		sent[flow] += (uint32_t)s.payload;
		add(m, &out, buf, build(buf, &s));
		if (rand() % 20 == 0)
			merge_flush(m);
		for (unsigned i = 0; i < out.n; i++) {
			unsigned f = packet_u16(out.data[i], 20);

			CU_ASSERT_EQUAL(packet_u32(out.data[i], 24), seen[f]);
			for (size_t b = 40; b < out.len[i]; b++, seen[f]++)
				CU_ASSERT_EQUAL(out.data[i][b], (uint8_t)(seen[f] * 7 + (seen[f] >> 8)));
		}
		forget(&out);
	}
	merge_flush(m);
	forget(&out);
	merge_free(m);
}

const struct unit_test unit_tests[] = {
	{ "fragment: reassembles to what it was, RFC 791 s.3.2", fragments_reassemble },
	{ "fragment: options with the copied flag, RFC 791 s.3.1", options_are_copied },
	{ "fragment: of a fragment", fragment_of_a_fragment },
	{ "fragment: not with DF", dont_fragment },
	{ "segment: TCP is cut, RFC 9293", tcp_is_cut },
	{ "merge: is cutting backwards", merging_is_cutting_backwards },
	{ "merge: not what differs in more than its data", what_differs_is_not_merged },
	{ "merge: lengths must fit", lengths_must_fit },
	{ "merge: never more than the maximum", never_more_than_max },
	{ "merge: flows keep their order and their bytes", flows_keep_their_order },
	{ 0 },
};
