/* MPPE: two ends with a line between them that loses packets; the bits and counts of RFC 3078 as Linux has them; hostile packets. */
#include "unit.h"

#include <glib.h>
#include <malloc.h>
#include <string.h>

#include "ppp/comp.h"

#define SIZE 1600

static const uint8_t start_key[MPPE_KEY_MAX] = { 0x8b, 0x7c, 0xdc, 0x14, 0x9b, 0x99, 0x3a, 0x1b,
						 0xa1, 0x18, 0xcb, 0x15, 0x3f, 0x56, 0xdc, 0xcb };

/* The value of the option; how the first packet, "test message" of protocol 21, looks: the keys of RFC 3079 §3.5, whose key stream is at
 * its examples; stateless, from another program that follows RFC 3078 §7.3. */
static const struct {
	uint8_t option[4];
	const char *packet;
} rows[] = {
	{ { 0, 0, 0, 0x20 }, "1000E6D530802D4146C87EC54C9C54DD" },
	{ { 0, 0, 0, 0x80 }, "10004B546F22A95DC8B654AE43BCD702" },
	{ { 0, 0, 0, 0x40 }, "1000F5C084068C71C17C64E94EBAF8A7" },
	{ { 1, 0, 0, 0x20 }, "90009EDCA503E79A60E2522DAE2433ED" },
	{ { 1, 0, 0, 0x80 }, "900068DA873ED60FA7346AF19674DDE1" },
	{ { 1, 0, 0, 0x40 }, "90007058224E931B78D7B615FA441831" },
};

struct pair {
	struct comp *sender, *receiver;
	uint8_t wire[SIZE], out[SIZE];
	size_t wire_len, out_len;
};

static const uint8_t *watched; /* MPPE_KEY_MAX bytes that must not be in memory that is given back */
static unsigned traces;

/* In place of GLib's. */
void(g_free)(gpointer memory)
{
	if (memory && watched && memmem(memory, malloc_usable_size(memory), watched, MPPE_KEY_MAX))
		traces++;
	free(memory);
}

static struct comp *open_end(const uint8_t option[4], bool sending)
{
	struct mppe_keys keys = { .known = true };
	const struct comp_options options = { .value = option, .len = 4, .mru = 1500, .sending = sending, .keys = &keys };

	memcpy(sending ? keys.send : keys.receive, start_key, sizeof(start_key));
	return comp_mppe.open(&options);
}

static struct pair *pair_new(const uint8_t option[4])
{
	struct pair *p = g_new0(struct pair, 1);

	p->sender = open_end(option, true);
	p->receiver = open_end(option, false);
	CU_ASSERT_FATAL(p->sender && p->receiver);
	return p;
}

static void pair_free(struct pair *p)
{
	comp_mppe.close(p->sender);
	comp_mppe.close(p->receiver);
	g_free(p);
}

static void send_packet(struct pair *p, const char *text)
{
	const struct comp_packet packet = { 0x21, (const uint8_t *)text, (const uint8_t *)text + 3, 3, strlen(text) - 3 };

	p->wire_len = comp_mppe.compress(p->sender, &packet, p->wire, sizeof(p->wire));
	CU_ASSERT_EQUAL_FATAL(p->wire_len, strlen(text) + 4);
}

static enum comp_result receive(struct pair *p)
{
	return comp_mppe.decompress(p->receiver, p->wire, p->wire_len, p->out, sizeof(p->out), &p->out_len);
}

/* Whether the packet that is on the wire arrives, and is the one that was sent. */
static bool arrives(struct pair *p, const char *text)
{
	return receive(p) == COMP_OK && p->out_len == strlen(text) + 2 && memcmp(p->out, "\0\x21", 2) == 0 &&
	       memcmp(p->out + 2, text, strlen(text)) == 0;
}

static bool flushed(const struct pair *p)
{
	return p->wire[0] & 0x80;
}

static void first_packets(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct pair *p = pair_new(rows[i].option);
		GString *hex = g_string_new(NULL);
		send_packet(p, "test message");
		for (size_t at = 0; at < p->wire_len; at++)
			g_string_append_printf(hex, "%02X", p->wire[at]);
		CU_ASSERT_STRING_EQUAL(hex->str, rows[i].packet);
		CU_ASSERT(arrives(p, "test message"));
		g_string_free(hex, TRUE);
		pair_free(p);
	}
}

static void counts_wrap(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct pair *p = pair_new(rows[i].option);
		unsigned wrong = 0;
		for (unsigned n = 0; n < 3 * 4096; n++) {
			send_packet(p, "a packet");
			wrong += !arrives(p, "a packet");
			wrong += (p->wire[0] & 0x0f) != (n >> 8 & 0x0f) || p->wire[1] != (n & 0xff);
			wrong += flushed(p) != (rows[i].option[0] == 1 || (n & 0xff) == 0xff);
		}
		CU_ASSERT_EQUAL(wrong, 0);
		pair_free(p);
	}
}

static void stateless_loss(void)
{
	GRand *rand = g_rand_new_with_seed(3078);

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (rows[i].option[0] == 0)
			continue;
		struct pair *p = pair_new(rows[i].option);
		unsigned wrong = 0;
		for (unsigned n = 0; n < 10000; n++) {
			send_packet(p, "a packet");
			wrong += g_rand_int_range(rand, 0, 3) == 0 && !arrives(p, "a packet");
		}
		for (unsigned n = 0; n < 2048; n++)
			send_packet(p, "a packet");
		CU_ASSERT_EQUAL(wrong, 0);
		pair_free(p);
	}
	g_rand_free(rand);
}

/* One in twenty of all things is lost; a request goes out after each error that was not asked for yet, and again when it takes too long. */
static void stateful_loss(void)
{
	GRand *rand = g_rand_new_with_seed(8);
	struct pair *p = pair_new(rows[2].option);
	unsigned waiting = 0, good = 0, garbage = 0;

	for (unsigned n = 0; n < 20000; n++) {
		send_packet(p, "a packet");
		if (g_rand_int_range(rand, 0, 20) == 0)
			continue;
		enum comp_result result = receive(p);
		good += result == COMP_OK && memcmp(p->out, "\0\x21" "a packet", 10) == 0;
		garbage += result == COMP_OK && memcmp(p->out, "\0\x21" "a packet", 10) != 0;
		if (result == COMP_OK || waiting > 3)
			waiting = 0;
		if (result != COMP_ERROR || waiting++ > 0 || g_rand_int_range(rand, 0, 20) == 0)
			continue;
		comp_mppe.reset(p->sender);
		comp_mppe.reset(p->receiver);
	}
	CU_ASSERT_EQUAL(garbage, 0);
	CU_ASSERT(good > 15000);
	pair_free(p);
	g_rand_free(rand);
}

static void stateful_flag_packets_lost(void)
{
	struct pair *p = pair_new(rows[2].option);

	for (unsigned n = 0; n < 1000; n++)
		send_packet(p, "a packet");
	CU_ASSERT_EQUAL(receive(p), COMP_ERROR);
	CU_ASSERT_EQUAL(p->out_len, 0);
	comp_mppe.reset(p->sender);
	comp_mppe.reset(p->sender);
	comp_mppe.reset(p->receiver);
	send_packet(p, "once");
	CU_ASSERT(flushed(p) && arrives(p, "once"));
	send_packet(p, "not again");
	CU_ASSERT(!flushed(p) && arrives(p, "not again"));
	pair_free(p);
}

static void stateful_answer_lost(void)
{
	struct pair *p = pair_new(rows[2].option);

	send_packet(p, "lost");
	send_packet(p, "after it");
	for (unsigned n = 0; n < 5; n++) {
		CU_ASSERT_EQUAL(receive(p), COMP_ERROR);
		comp_mppe.reset(p->sender);
		comp_mppe.reset(p->receiver);
		send_packet(p, "flushed, and lost");
		send_packet(p, "after it");
	}
	CU_ASSERT_EQUAL(receive(p), COMP_ERROR);
	comp_mppe.reset(p->sender);
	comp_mppe.reset(p->receiver);
	send_packet(p, "flushed");
	CU_ASSERT(arrives(p, "flushed"));
	pair_free(p);
}

static void stateless_late_and_twice(void)
{
	struct pair *p = pair_new(rows[5].option);
	uint8_t late[SIZE];

	send_packet(p, "late");
	memcpy(late, p->wire, p->wire_len);
	size_t late_len = p->wire_len;
	send_packet(p, "in time");
	CU_ASSERT(arrives(p, "in time"));
	for (unsigned n = 0; n < 50; n++)
		CU_ASSERT_EQUAL(receive(p), COMP_DROP);
	CU_ASSERT_EQUAL(comp_mppe.decompress(p->receiver, late, late_len, p->out, SIZE, &p->out_len), COMP_DROP);
	send_packet(p, "next");
	CU_ASSERT(arrives(p, "next"));
	pair_free(p);
}

static void protocols(void)
{
	static const struct {
		uint16_t protocol;
		bool encrypted;
	} all[] = { { 0x0000, false }, { 0x001f, false }, { 0x0021, true }, { 0x0057, true }, { 0x00f9, true },
		    { 0x00fb, false }, { 0x00fd, false }, { 0x8021, false }, { 0xc021, false } };
	struct pair *p = pair_new(rows[5].option);

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		const struct comp_packet packet = { all[i].protocol, NULL, (const uint8_t *)"abcd", 0, 4 };
		CU_ASSERT_EQUAL(comp_mppe.compress(p->sender, &packet, p->wire, SIZE), all[i].encrypted ? 8 : COMP_PASS);
		CU_ASSERT_EQUAL(comp_mppe.compress(p->sender, &packet, p->wire, 7), all[i].encrypted ? COMP_REFUSE : COMP_PASS);
	}
	pair_free(p);
}

static void hostile_lengths(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		for (size_t len = 0; len <= 12; len++) {
			struct pair *p = pair_new(rows[i].option);
			send_packet(p, "12345678");
			uint8_t *in = g_memdup2(p->wire, len);
			uint8_t *out = g_malloc(len);
			enum comp_result result = comp_mppe.decompress(p->receiver, in, len, out, len > 1 ? len - 2 : 0, &p->out_len);
			CU_ASSERT(result == COMP_ERROR || result == COMP_DROP);
			CU_ASSERT_EQUAL(p->out_len, 0);
			g_free(in);
			g_free(out);
			pair_free(p);
		}
	}
}

static void too_many_errors(void)
{
	static const uint8_t bogus[] = { 0x00, 0x00, 0x55, 0xaa };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct pair *p = pair_new(rows[i].option);
		for (unsigned n = 1; n <= 16; n++) {
			enum comp_result result =
				comp_mppe.decompress(p->receiver, bogus, sizeof(bogus), p->out, SIZE, &p->out_len);
			CU_ASSERT_EQUAL(result, n == 16 ? COMP_FATAL : rows[i].option[0] ? COMP_DROP : COMP_ERROR);
		}
		pair_free(p);
	}
}

static void good_packets_forgive(void)
{
	static const uint8_t bogus[] = { 0x00, 0x00, 0x55, 0xaa };
	struct pair *p = pair_new(rows[5].option);

	for (unsigned n = 0; n < 200; n++) {
		CU_ASSERT_EQUAL(comp_mppe.decompress(p->receiver, bogus, sizeof(bogus), p->out, SIZE, &p->out_len), COMP_DROP);
		send_packet(p, "good");
		CU_ASSERT(arrives(p, "good"));
	}
	pair_free(p);
}

static void options_without_sense(void)
{
	static const uint8_t bad[][4] = { { 0 }, { 1, 0, 0, 0 }, { 1, 0, 0, 0x60 }, { 1, 0, 0, 0x41 }, { 1, 0, 0, 0x50 }, { 3, 0, 0, 0x40 },
					  { 1, 0, 1, 0x40 } };
	struct mppe_keys keys = { .known = true };
	struct comp_options options = { .value = rows[5].option, .len = 4, .mru = 1500, .keys = &keys };

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		CU_ASSERT_PTR_NULL(open_end(bad[i], true));
	options.len = 3;
	CU_ASSERT_PTR_NULL(comp_mppe.open(&options));
	options.len = 4;
	keys.known = false;
	CU_ASSERT_PTR_NULL(comp_mppe.open(&options));
	options.keys = NULL;
	CU_ASSERT_PTR_NULL(comp_mppe.open(&options));
}

static void keys_are_wiped(void)
{
	struct comp *comp = open_end(rows[5].option, false);
	uint8_t *copy = g_memdup2(start_key, sizeof(start_key));

	CU_ASSERT_PTR_NOT_NULL_FATAL(comp);
	watched = start_key;
	g_free(copy);
	CU_ASSERT_EQUAL(traces, 1); /* it would be seen */
	comp_mppe.close(comp);
	watched = NULL;
	CU_ASSERT_EQUAL(traces, 1);
}

const struct unit_test unit_tests[] = {
	{ "mppe: first packets of each strength and mode (RFC 3078 §3.1, RFC 3079 §3.5)", first_packets },
	{ "mppe: the count wraps, flag packets are flushed (RFC 3078 §3.1)", counts_wrap },
	{ "mppe: stateless, packets lost (RFC 3078 §8.1)", stateless_loss },
	{ "mppe: stateful, everything may be lost (RFC 3078 §8.2)", stateful_loss },
	{ "mppe: stateful, flag packets lost, one new key for two requests (RFC 3078 §8.2)", stateful_flag_packets_lost },
	{ "mppe: stateful, the flushed packet lost again and again", stateful_answer_lost },
	{ "mppe: stateless, packets late and twice", stateless_late_and_twice },
	{ "mppe: protocols that pass as they are (RFC 3078 §3), no room", protocols },
	{ "mppe: short packets, too little room (ppp 1371451)", hostile_lengths },
	{ "mppe: too many errors", too_many_errors },
	{ "mppe: good packets forgive errors", good_packets_forgive },
	{ "mppe: options that make no sense, no keys", options_without_sense },
	{ "mppe: keys are wiped", keys_are_wiped },
	{ 0 },
};
