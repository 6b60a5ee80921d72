/* vj: packets that are lost, damaged or hostile. What comes out has right checksums, as code says that shares nothing with it (packets.h). */
#include "unit.h"

#include <glib.h>
#include <string.h>

#include "vj_rig.h"

/* Errors */

static void a_line_error_tosses(void)
{
	struct vj_pair *p = vj_pair_new(16, true);
	struct spec a = vj_conversation(1), b = vj_conversation(2);

	CU_ASSERT_TRUE(vj_pair_passes(p, &a, PPP_VJC_UNCOMP));
	CU_ASSERT_TRUE(vj_pair_passes(p, &b, PPP_VJC_UNCOMP));
	vj_line_error(p->receiver);
	vj_next(&b, 1, 0);
	CU_ASSERT_EQUAL(vj_pair_compress(p, &b), PPP_VJC_COMP);
	CU_ASSERT_FALSE(vj_pair_arrive(p));
	/* A slot that is named ends it; the other one is behind until it comes whole. */
	vj_next(&a, 1, 0);
	CU_ASSERT_TRUE(vj_pair_passes(p, &a, PPP_VJC_COMP));
	vj_next(&b, 1, 0);
	CU_ASSERT_EQUAL(vj_pair_compress(p, &b), PPP_VJC_COMP);
	CU_ASSERT_FALSE(vj_pair_arrive(p));
	b.seq -= 1;
	b.id++;
	CU_ASSERT_TRUE(vj_pair_passes(p, &b, PPP_VJC_UNCOMP));
	vj_next(&b, 1, 0);
	CU_ASSERT_TRUE(vj_pair_passes(p, &b, PPP_VJC_COMP));
	vj_pair_free(p);
}

static void a_lost_packet_is_noticed(void)
{
	struct vj_pair *p = vj_pair_new(16, true);
	struct spec s = vj_conversation(1);

	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	vj_next(&s, 1, 0);
	vj_pair_compress(p, &s); /* and it is lost */
	vj_next(&s, 1, 0);
	CU_ASSERT_EQUAL(vj_pair_compress(p, &s), PPP_VJC_COMP);
	CU_ASSERT_FALSE(vj_pair_arrive(p));
	s.id++;
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	vj_pair_free(p);
}

/* A sender whose TCP checksum was wrong to begin with costs that packet alone. */
static void a_wrong_checksum_costs_one_packet(void)
{
	struct vj_pair *p = vj_pair_new(16, true);
	struct spec s = vj_conversation(1);

	for (int round = 0; round < 2; round++) {
		p->len = build(p->packet, &s);
		p->packet[AT_CHECK] ^= 0x55;
		CU_ASSERT_EQUAL(vj_pair_compress(p, NULL), round == 0 ? PPP_VJC_UNCOMP : PPP_VJC_COMP);
		CU_ASSERT_FALSE(vj_pair_arrive(p));
		vj_next(&s, 1, 0);
		CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_COMP));
		vj_next(&s, 1, 0);
	}
	vj_pair_free(p);
}

/* Packets that were sent, to look for what comes out: without what a wrong identification changes (§4.1: no checksum of TCP's covers it). */
static char *essence(const uint8_t *packet, size_t len)
{
	uint8_t *copy = g_memdup2(packet, len);

	memset(copy + 4, 0, 2);
	memset(copy + 10, 0, 2);
	char *text = g_base64_encode(copy, len);
	g_free(copy);
	return text;
}

struct flow {
	struct spec s;
	bool lost; /* TCP has to send the last packet again */
};

/* A flow goes on as TCP would: new data or Acks, or the lost packet once more. */
static void go_on(struct flow *f, GRand *rand)
{
	if (f->lost && g_rand_int_range(rand, 0, 4) == 0) {
		f->lost = false;
		f->s.id++;
		return;
	}
	vj_next(&f->s, (uint32_t)f->s.payload, (uint32_t)(g_rand_boolean(rand) ? 0 : g_rand_int_range(rand, 0, 2000)));
	f->s.payload = (size_t)g_rand_int_range(rand, 0, 3) * (size_t)g_rand_int_range(rand, 0, 500);
	f->s.flags = g_rand_boolean(rand) ? ACK : ACK | PSH;
}

struct lossy {
	struct vj_pair *p;
	GRand *rand;
	GHashTable *sent;
	unsigned came, dropped, wrong;
};

static void carry(struct lossy *l, struct flow *f)
{
	int fate = g_rand_int_range(l->rand, 0, 100);

	if (fate < 3) { /* lost; the line tells only sometimes */
		f->lost = true;
		if (fate < 2)
			vj_line_error(l->p->receiver);
		return;
	}
	if (fate < 5 && l->p->out.protocol != PPP_IP) /* changed, and the frame's check did not see it */
		l->p->out.head[g_rand_int_range(l->rand, 0, (gint32)l->p->out.head_len)] ^= (uint8_t)(1 << g_rand_int_range(l->rand, 0, 8));
	if (l->p->out.protocol != PPP_IP && !vj_pair_arrive(l->p)) {
		l->dropped++;
		f->lost = true;
		return;
	}
	l->came++;
	if (l->p->out.protocol == PPP_IP)
		return;
	CU_ASSERT_TRUE(checksums_right(l->p->got, l->p->got_len));
	char *text = essence(l->p->got, l->p->got_len);
	l->wrong += !g_hash_table_contains(l->sent, text);
	g_free(text);
}

static void over_a_lossy_line(void)
{
	for (unsigned slots = 2; slots <= VJ_SLOTS_MAX; slots += 7) {
		struct lossy l = { vj_pair_new(slots, true), g_rand_new_with_seed(slots),
				   g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), 0, 0, 0 };
		struct flow flows[8] = { 0 };
		for (unsigned i = 0; i < G_N_ELEMENTS(flows); i++)
			flows[i].s = vj_conversation((uint16_t)(3000 + i));
		for (unsigned i = 0; i < 8000; i++) {
			struct flow *f = &flows[g_rand_int_range(l.rand, 0, G_N_ELEMENTS(flows))];
			go_on(f, l.rand);
			vj_pair_compress(l.p, &f->s);
			g_hash_table_add(l.sent, essence(l.p->packet, l.p->len));
			carry(&l, f);
		}
		CU_ASSERT_EQUAL(l.wrong, 0);
		CU_ASSERT_TRUE(l.came > 5500);
		CU_ASSERT_TRUE(l.dropped > 100);
		g_hash_table_unref(l.sent);
		g_rand_free(l.rand);
		vj_pair_free(l.p);
	}
}

/* Hostile packets */

static void slots_that_are_not_there(void)
{
	struct vj_pair *p = vj_pair_new(4, true);
	struct spec s = vj_conversation(1);

	CU_ASSERT_FALSE(vj_pair_receive(p, PPP_VJC_COMP, "\x0f\x12\x34", 3, NULL, 0));
	CU_ASSERT_FALSE(vj_pair_receive(p, PPP_VJC_COMP, "\x4f\x00\x12\x34", 4, NULL, 0));
	CU_ASSERT_EQUAL(vj_pair_compress(p, &s), PPP_VJC_UNCOMP);
	for (unsigned slot = 4; slot < 256; slot++) {
		p->out.head[9] = (uint8_t)slot;
		CU_ASSERT_FALSE(vj_pair_arrive(p));
	}
	p->out.head[9] = 3;
	CU_ASSERT_TRUE(vj_pair_arrive(p));
	CU_ASSERT_FALSE(vj_pair_receive(p, PPP_VJC_COMP, "\x4f\x04\x12\x34", 4, NULL, 0));
	CU_ASSERT_FALSE(vj_pair_receive(p, PPP_VJC_COMP, "\x4f\xff\x12\x34", 4, NULL, 0));
	CU_ASSERT_FALSE(vj_pair_receive(p, PPP_VJC_COMP, "\x4f\x02\x12\x34", 4, NULL, 0));
	vj_pair_free(p);
}

/* A number that may not be left out, where that was not agreed. */
static void a_number_left_out_is_tossed(void)
{
	struct vj_pair *p = vj_pair_new(4, true);
	struct spec s = vj_conversation(1);

	vj_receiver_free(p->receiver);
	p->receiver = vj_receiver_new(4, false);
	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	vj_next(&s, 1, 0);
	CU_ASSERT_EQUAL(vj_pair_compress(p, &s), PPP_VJC_COMP);
	CU_ASSERT_FALSE(vj_pair_arrive(p));
	vj_pair_free(p);
}

/* Every packet cut short, at each byte; the slots are as they were where it could be told. */
static void truncated(void)
{
	static const char all[] = "\x77\x00\x12\x34\x00\x01\x01\x00\x01\x01\x00\x01\x01\x00\x01\x01\x00";
	struct vj_pair *p = vj_pair_new(4, true);
	struct spec s = vj_conversation(1);

	CU_ASSERT_EQUAL(vj_pair_compress(p, &s), PPP_VJC_UNCOMP);
	p->out.head[9] = 0;
	for (size_t len = 0; len < p->len; len++)
		CU_ASSERT_FALSE(vj_pair_receive(p, PPP_VJC_UNCOMP, p->out.head, MIN(len, 10), p->packet + 10, len > 10 ? len - 10 : 0));
	CU_ASSERT_TRUE(vj_pair_arrive(p));
	for (size_t len = 0; len < sizeof(all); len++)
		CU_ASSERT_FALSE(vj_pair_receive(p, PPP_VJC_COMP, all, len, NULL, 0));
	for (unsigned mask = 0; mask < 256; mask++)
		for (size_t len = 1; len < 6; len++) {
			uint8_t bytes[6] = { (uint8_t)mask };
			vj_pair_receive(p, PPP_VJC_COMP, bytes, len, NULL, 0);
		}
	vj_pair_free(p);
}

/* CVE-2020-29129: header lengths that lie, in a packet that is to fill a slot. */
static void header_lengths_that_lie(void)
{
	struct vj_pair *p = vj_pair_new(4, true);
	struct spec s = vj_conversation(1);

	s.payload = 60;
	for (unsigned v = 0; v < 256; v++) {
		p->len = build(p->packet, &s);
		p->packet[0] = (uint8_t)v;
		vj_pair_fix(p);
		p->packet[9] = 1;
		bool came = vj_pair_receive(p, PPP_VJC_UNCOMP, p->packet, p->len, NULL, 0);
		CU_ASSERT_FALSE(came && (v < 0x45 || v > 0x4f));
		CU_ASSERT_TRUE(came || v != 0x45);
		p->len = build(p->packet, &s);
		p->packet[32] = (uint8_t)v;
		vj_pair_fix(p);
		p->packet[9] = 1;
		CU_ASSERT_EQUAL(vj_pair_receive(p, PPP_VJC_UNCOMP, p->packet, p->len, NULL, 0), v >> 4 >= 5);
	}
	s.fragment = 0x2000;
	s.payload = 8;
	p->len = build(p->packet, &s);
	p->packet[9] = 1;
	CU_ASSERT_FALSE(vj_pair_receive(p, PPP_VJC_UNCOMP, p->packet, p->len, NULL, 0));
	vj_pair_free(p);
}

static void a_packet_larger_than_ip_allows(void)
{
	struct vj_pair *p = vj_pair_new(4, true);
	struct spec s = vj_conversation(1);

	CU_ASSERT_TRUE(vj_pair_passes(p, &s, PPP_VJC_UNCOMP));
	size_t len = 3 + 65496;
	uint8_t *room = g_malloc0(VJ_HEADROOM + len);
	room[VJ_HEADROOM] = 0x0f;
	CU_ASSERT_PTR_NULL(vj_receive(p->receiver, PPP_VJC_COMP, room + VJ_HEADROOM, &len));
	g_free(room);
	vj_pair_free(p);
}

const struct unit_test unit_tests[] = {
	{ "vj: a line error tosses what names no slot (RFC 1144 section 4.1)", a_line_error_tosses },
	{ "vj: a lost packet is noticed, a retransmission mends it (RFC 1144 section 4.1)", a_lost_packet_is_noticed },
	{ "vj: a wrong checksum costs one packet", a_wrong_checksum_costs_one_packet },
	{ "vj: over a lossy line (RFC 1144 section 4)", over_a_lossy_line },
	{ "vj: slots that are not there", slots_that_are_not_there },
	{ "vj: a number left out that may not be (RFC 1332 section 4)", a_number_left_out_is_tossed },
	{ "vj: truncated packets", truncated },
	{ "vj: header lengths that lie (CVE-2020-29129)", header_lengths_that_lie },
	{ "vj: a packet larger than IP allows", a_packet_larger_than_ip_allows },
	{ 0 },
};
