/* vj: header compression against RFC 1144's forms, byte for byte. Checksums are verified by code that shares nothing with it (packets.h). */
#include "unit.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "vj_rig.h"

/* RFC 1144 §3.2.3, §3.2.4: the common packets take three to five bytes. */

static void echoed_typing(void)
{
	struct vj_pair *p = vj_pair_new(16, true);
	struct spec s = vj_conversation(1025);

	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	CU_ASSERT_EQUAL(p->out.head[9], p->out.head[p->out.head_len - 1]);
	vj_next(&s, 1, 1);
	s.flags |= PSH;
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "1b...."));
	CU_ASSERT_EQUAL(p->out.head[1] << 8 | p->out.head[2], packet_u16(p->packet, AT_CHECK));
	CU_ASSERT_EQUAL(p->out.body, 40);
	vj_next(&s, 1, 1);
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "1b...."));
	vj_next(&s, 1, 2);
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "1c....0201"));
	vj_pair_free(p);
}

static void data_one_way(void)
{
	struct vj_pair *p = vj_pair_new(16, true);
	struct spec s = vj_conversation(1025);

	s.payload = 512;
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	vj_next(&s, 512, 0);
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "0f...."));
	s.payload = 100;
	vj_next(&s, 512, 0);
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "0f...."));
	vj_next(&s, 100, 0);
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "0f...."));
	vj_pair_free(p);
}

static void acknowledgements(void)
{
	struct vj_pair *p = vj_pair_new(16, true);
	struct spec s = vj_conversation(1025);

	s.payload = 0;
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	vj_next(&s, 0, 512);
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "04....000200"));
	vj_next(&s, 0, 255);
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "04....ff"));
	/* The first data after an Ack changes nothing. */
	s.payload = 3;
	vj_next(&s, 0, 0);
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "00...."));
	vj_pair_free(p);
}

/* A packet before, of one byte of data, window 1000 and identification 7, and one that differs as the row says. */
static const struct change {
	uint32_t seq, ack;
	uint16_t window, id, urgent;
	bool urg, psh;
	const char *head; /* NULL: it goes whole */
} changes[] = {
	{ 0, 0, 1000, 8, 0, false, false, NULL },
	{ 1, 0, 1000, 8, 0, false, false, "0f...." },
	{ 1, 0, 1000, 9, 0, false, false, "2f....02" },
	{ 1, 0, 1000, 7, 0, false, false, "2f....000000" },
	{ 1, 0, 1000, 6, 0, false, false, "2f....00ffff" },
	{ 2, 0, 1000, 8, 0, false, false, "08....02" },
	{ 2, 0, 1000, 8, 0, false, true, "18....02" },
	{ 255, 0, 1000, 8, 0, false, false, "08....ff" },
	{ 256, 0, 1000, 8, 0, false, false, "08....000100" },
	{ 65535, 0, 1000, 8, 0, false, false, "08....00ffff" },
	{ 65536, 0, 1000, 8, 0, false, false, NULL },
	{ UINT32_MAX, 0, 1000, 8, 0, false, false, NULL },
	{ 0, 65536, 1000, 8, 0, false, false, NULL },
	{ 0, 300, 1000, 8, 0, false, false, "04....00012c" },
	{ 1, 1, 1000, 8, 0, false, false, "0b...." },
	{ 2, 2, 1000, 8, 0, false, false, "0c....0202" },
	{ 0, 0, 1001, 8, 0, false, false, "02....01" },
	{ 0, 0, 999, 8, 0, false, false, "02....00ffff" },
	{ 1, 0, 1003, 8, 0, false, false, "0a....0301" },
	{ 1, 1, 1003, 8, 0, false, false, "0e....030101" },
	{ 0, 0, 1000, 8, 5, true, false, "01....05" },
	{ 0, 0, 1000, 8, 0, true, false, "01....000000" },
	{ 0, 0, 1000, 8, 5, false, false, NULL },
	{ 0, 0, 1009, 8, 5, true, false, "03....0509" },
	{ 0, 3, 1000, 8, 5, true, false, "05....0503" },
	{ 0, 3, 1009, 8, 5, true, false, "07....050903" },
	{ 1, 0, 1000, 8, 5, true, false, "09....0501" },
	{ 1, 1, 1000, 8, 5, true, false, "0d....050101" },
	/* These would look like the special forms (§3.2.3). */
	{ 1, 0, 1009, 8, 5, true, false, NULL },
	{ 1, 1, 1009, 8, 5, true, false, NULL },
};

static bool change_goes(const struct change *c)
{
	struct vj_pair *p = vj_pair_new(16, true);
	struct spec s = vj_conversation(1025);

	build(p->packet, &s);
	p->len = 41;
	vj_pair_set16(p, AT_WINDOW, 1000);
	bool ok = vj_pair_passes(p, NULL, PPP_VJC_UNCOMP);
	s.seq += c->seq;
	s.ack += c->ack;
	s.id = c->id;
	s.flags = (uint8_t)(ACK | (c->urg ? URG : 0) | (c->psh ? PSH : 0));
	build(p->packet, &s);
	vj_pair_set16(p, AT_WINDOW, c->window);
	vj_pair_set16(p, AT_URGENT, c->urgent);
	ok = ok && (c->head ? vj_pair_goes_as(p, NULL, c->head) : vj_pair_passes(p, NULL, PPP_VJC_UNCOMP));
	vj_pair_free(p);
	return ok;
}

static void every_change(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
		bool ok = change_goes(&changes[i]);
		CU_ASSERT_TRUE(ok);
		if (!ok)
			printf("# row %zu\n", i);
	}
}

static void numbers_wrap_around(void)
{
	struct vj_pair *p = vj_pair_new(16, true);
	struct spec s = vj_conversation(1025);

	s.seq = s.ack = UINT32_MAX;
	s.id = UINT16_MAX;
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	vj_next(&s, 1, 1);
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "0b...."));
	CU_ASSERT_EQUAL(s.seq, 0);
	vj_next(&s, 700, 3);
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "0c....030002bc"));
	vj_pair_free(p);
}

/* The receiver of Linux keeps URG as it was in the special forms. */
static void no_special_form_after_urgent_data(void)
{
	struct vj_pair *p = vj_pair_new(16, true);
	struct spec s = vj_conversation(1025);

	s.flags = ACK | URG;
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	s.flags = ACK;
	vj_next(&s, 1, 0);
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "08....01"));
	vj_next(&s, 1, 0);
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "0f...."));
	vj_pair_free(p);
}

/* What does not change often: it goes whole, and the next packet is compressed again. */
static void other_changes_go_whole(void)
{
	static const struct {
		size_t at;
		uint8_t value;
	} fields[] = { { 1, 0x10 }, { 6, 0x40 }, { 6, 0x80 }, { 8, 63 }, { 33, ACK | 0x40 }, { 33, ACK | 0x80 }, { 32, 0x51 } };

	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		struct vj_pair *p = vj_pair_new(16, true);
		struct spec s = vj_conversation(1025);
		CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
		for (int round = 0; round < 2; round++) {
			vj_next(&s, 1, 0);
			p->len = build(p->packet, &s);
			p->packet[fields[i].at] = fields[i].value;
			vj_pair_fix(p);
			CU_ASSERT_TRUE(vj_pair_passes(p, NULL, round == 0 ? PPP_VJC_UNCOMP : PPP_VJC_COMP));
		}
		vj_pair_free(p);
	}
}

static void options_change(void)
{
	static const uint8_t stamp[] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
	static const uint8_t later[] = { 1, 1, 8, 10, 0, 0, 0, 2, 0, 0, 0, 2 };
	struct vj_pair *p = vj_pair_new(16, true);
	struct spec s = vj_conversation(1025);

	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	s.options = stamp;
	s.options_len = sizeof(stamp);
	vj_next(&s, 1, 0);
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	vj_next(&s, 1, 0);
	CU_ASSERT_TRUE(vj_pair_goes_as(p, &s, "0f...."));
	CU_ASSERT_EQUAL(p->out.body, 52);
	s.options = later;
	vj_next(&s, 1, 0);
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	s.options_len = 0;
	vj_next(&s, 1, 0);
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	vj_pair_free(p);
}

/* The largest headers there are: 60 bytes of IP, 60 of TCP. */
static void all_options(void)
{
	struct vj_pair *p = vj_pair_new(16, true);

	for (uint8_t round = 0; round < 3; round++) {
		memset(p->packet, 1, sizeof(p->packet));
		p->len = 125;
		const uint8_t ip[] = { 0x4f, 0, 0, 125, 0, round, 0, 0, 64, IPPROTO_TCP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 };
		const uint8_t tcp[] = { 0, 9, 0, 7, 0, 0, 1, (uint8_t)(5 * round), 0, 0, 0, 0, 0xf0, ACK, 9, 9, 0, 0, 0, 0 };
		memcpy(p->packet, ip, sizeof(ip));
		memcpy(p->packet + 60, tcp, sizeof(tcp));
		vj_pair_fix(p);
		CU_ASSERT_TRUE(vj_pair_passes(p, NULL, round == 0 ? PPP_VJC_UNCOMP : PPP_VJC_COMP));
	}
	CU_ASSERT_EQUAL(p->out.body, 120);
	vj_pair_free(p);
}

static void what_passes_plain(void)
{
	static const uint8_t flags[] = { 0, 0x02, 0x12, 0x11, 0x14, 0x04 };
	struct vj_pair *p = vj_pair_new(16, true);
	struct spec s = vj_conversation(1025);

	for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
		s.flags = flags[i];
		CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_IP));
	}
	s = vj_conversation(1025);
	s.payload = 8;
	s.fragment = 0x2000;
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_IP));
	s.fragment = 0x0010;
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_IP));
	s.fragment = 0;
	s.protocol = IPPROTO_UDP;
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_IP));
	s.protocol = IPPROTO_ICMP;
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_IP));
	/* They touched no slot. */
	s = vj_conversation(1025);
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	/* Runts, padding and IPv6 (CVE-2020-29130: lengths first). */
	p->len = build(p->packet, &s);
	for (size_t len = p->len - 1; len > 0; len--) {
		p->len = len;
		CU_ASSERT_EQUAL(vj_pair_compress(p, NULL), PPP_IP);
	}
	p->len = build(p->packet, &s) + 1;
	CU_ASSERT_EQUAL(vj_pair_compress(p, NULL), PPP_IP);
	p->packet[0] = 0x60;
	CU_ASSERT_EQUAL(vj_pair_compress(p, NULL), PPP_IP);
	vj_pair_free(p);
}

/* Slots */

static void connections(unsigned slots, bool compress_id)
{
	struct vj_pair *p = vj_pair_new(slots, compress_id);
	struct spec s[VJ_SLOTS_MAX + 1];

	for (unsigned i = 0; i <= slots; i++)
		s[i] = vj_conversation((uint16_t)(2000 + i));
	for (unsigned i = 0; i < slots; i++)
		CU_ASSERT_TRUE(vj_pair_passes(p, &s[i], PPP_VJC_UNCOMP));
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < slots; i++) {
			vj_next(&s[i], 1, 0);
			CU_ASSERT_TRUE(vj_pair_passes(p, &s[i], PPP_VJC_COMP));
			CU_ASSERT_EQUAL(p->out.head_len, slots == 1 && compress_id ? 3 : 4);
			vj_next(&s[i], 1, 0);
			CU_ASSERT_TRUE(vj_pair_passes(p, &s[i], PPP_VJC_COMP));
			CU_ASSERT_EQUAL(p->out.head_len, compress_id ? 3 : 4);
		}
	}
	/* One more takes the place of the one that was not used for the longest time. */
	CU_ASSERT_TRUE(vj_pair_passes(p, &s[slots], PPP_VJC_UNCOMP));
	for (unsigned i = 1; i < slots; i++) {
		vj_next(&s[i], 1, 0);
		CU_ASSERT_TRUE(vj_pair_passes(p, &s[i], PPP_VJC_COMP));
	}
	vj_next(&s[0], 1, 0);
	CU_ASSERT_TRUE(vj_pair_passes(p, &s[0], PPP_VJC_UNCOMP));
	vj_pair_free(p);
}

static void slots_are_kept(void)
{
	for (unsigned slots = 1; slots <= VJ_SLOTS_MAX; slots++) {
		connections(slots, true);
		connections(slots, false);
	}
}

const struct unit_test unit_tests[] = {
	{ "vj: echoed typing takes three bytes (RFC 1144 section 3.2.3)", echoed_typing },
	{ "vj: data one way takes three bytes (RFC 1144 section 3.2.3)", data_one_way },
	{ "vj: acknowledgements, and data after one (RFC 1144 section 3.2.4)", acknowledgements },
	{ "vj: every change of the mask (RFC 1144 section 3.2.2)", every_change },
	{ "vj: numbers wrap around", numbers_wrap_around },
	{ "vj: no special form after urgent data (slhc keeps URG)", no_special_form_after_urgent_data },
	{ "vj: other changes go whole (RFC 1144 section 3.2.3; RFC 3168's flags, too)", other_changes_go_whole },
	{ "vj: options change (RFC 1144 section 3.2.3)", options_change },
	{ "vj: headers of 120 bytes", all_options },
	{ "vj: SYN, FIN, RST, fragments and others pass plain (RFC 1144 section 3.2.3)", what_passes_plain },
	{ "vj: 1 to 16 slots, numbers compressed or not (RFC 1144 section 3.2.3)", slots_are_kept },
	{ 0 },
};
