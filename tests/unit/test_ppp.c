/* ppp: phases, events, and what is sent and received how. The peer is the test. */
#include "unit.h"

#include <string.h>

#include "log.h"
#include "rig.h"


/* N frames, all the same, at once. */
static void feed_frames(struct rig *rig, unsigned n, const char *head, size_t head_len, const char *info, size_t len)
{
	static const struct frame_map map = { { 0 } };
	uint8_t frames[512];
	size_t end = 0;

	while (n-- > 0)
		end += frame_encode(frames + end, &map, true, (const uint8_t *)head, head_len, (const uint8_t *)info, len);
	rig_feed_raw(rig, frames, end);
}

static void whole_life(void)
{
	struct rig *rig = rig_new();

	rig_open_ipcp(rig);
	CU_ASSERT_EQUAL(ppp_phase(rig->ppp), PHASE_RUNNING);
	CU_ASSERT_EQUAL(clock_next(&rig->clock), CLOCK_NEVER);
	struct ppp_report report;
	ppp_get_report(rig->ppp, &report);
	CU_ASSERT(report.open && report.ip_up);
	CU_ASSERT_EQUAL(report.up_since, rig->clock.now);
	CU_ASSERT_EQUAL(report.addresses.local, CONFIG_DEFAULT_LOCAL);
	ppp_close(rig->ppp, "User request", EXIT_USER_REQUEST);
	rig_feed(rig, "c021 06020004");
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 7;up 10.0.2.2 10.9.9.9;phase 8;phase 9;down;phase 0;finished 5;");
	CU_ASSERT_EQUAL(rig_logged(rig, "local  IP address 10.0.2.2"), 1);
	CU_ASSERT_EQUAL(rig_logged(rig, "remote IP address 10.9.9.9"), 1);
	CU_ASSERT_EQUAL(clock_next(&rig->clock), CLOCK_NEVER);
	rig_free(rig);
}

static void nothing_fires_after_the_line_is_down(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.echo_interval = 1;
	rig_open_ipcp(rig);
	g_string_truncate(rig->events, 0);
	ppp_line_down(rig->ppp);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 0;down;");
	CU_ASSERT_EQUAL(clock_next(&rig->clock), CLOCK_NEVER);
	rig_skip(rig);
	rig_feed(rig, "c021 01010004");
	ppp_close(rig->ppp, "", EXIT_USER_REQUEST);
	ppp_line_down(rig->ppp);
	CU_ASSERT_FALSE(ppp_send_ip(rig->ppp, (const uint8_t *)"x", 1));
	rig_advance(rig, 100 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 0;down;");
	rig_start(rig);
	rig_answer(rig, PPP_LCP, 2);
	rig_feed(rig, "c021 01010004");
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 0;down;phase 4;phase 7;");
	rig_free(rig);
}

/* The session may close or drop the line from within any event. */

static void close_within(struct rig *rig, const char *event)
{
	(void)event;
	ppp_close(rig->ppp, "within", EXIT_USER_REQUEST);
}

static void drop_within_up(struct rig *rig, const char *event)
{
	if (g_str_has_prefix(event, "up"))
		ppp_line_down(rig->ppp);
}

static void drop_within_down(struct rig *rig, const char *event)
{
	if (g_str_has_prefix(event, "down"))
		ppp_line_down(rig->ppp);
}

static void close_within_up(struct rig *rig, const char *event)
{
	if (g_str_has_prefix(event, "up"))
		ppp_close(rig->ppp, "within", EXIT_FATAL_ERROR);
}

static void drop_within_ip(struct rig *rig, const char *event)
{
	if (g_str_has_prefix(event, "ip"))
		ppp_line_down(rig->ppp);
}

static void start_within_finished(struct rig *rig, const char *event)
{
	if (g_str_has_prefix(event, "finished") && rig->started_again++ == 0)
		ppp_start(rig->ppp, 0);
}

static void hold_within_up(struct rig *rig, const char *event)
{
	if (g_str_has_prefix(event, "up"))
		ppp_hold(rig->ppp);
}

/* A script that has to end first: the addresses are announced when it has, and not at all where IPCP did not last so long. */
static void the_announcement_may_be_held(void)
{
	struct rig *rig = rig_new();

	rig->on_event = hold_within_up;
	rig_open_ipcp(rig);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 7;up 10.0.2.2 10.9.9.9;");
	CU_ASSERT_EQUAL(rig_logged(rig, "local  IP address 10.0.2.2"), 0);
	ppp_go_on(rig->ppp);
	ppp_go_on(rig->ppp);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 7;up 10.0.2.2 10.9.9.9;phase 8;");
	CU_ASSERT_EQUAL(rig_logged(rig, "local  IP address 10.0.2.2"), 1);
	rig_free(rig);

	rig = rig_new();
	rig->on_event = hold_within_up;
	rig_open_ipcp(rig);
	ppp_line_down(rig->ppp);
	ppp_go_on(rig->ppp);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 7;up 10.0.2.2 10.9.9.9;phase 0;down;");
	CU_ASSERT_EQUAL(rig_logged(rig, "local  IP address 10.0.2.2"), 0);
	rig_free(rig);
}

static void events_may_be_answered_from_within(void)
{
	struct rig *rig = rig_new();

	rig->on_event = close_within;
	rig_start(rig);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 9;");
	rig_advance(rig, 6 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 9;phase 0;finished 5;");
	rig_free(rig);

	rig = rig_new();
	rig->on_event = drop_within_up;
	rig_open_ipcp(rig);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 7;up 10.0.2.2 10.9.9.9;phase 0;down;");
	CU_ASSERT_EQUAL(clock_next(&rig->clock), CLOCK_NEVER);
	rig_free(rig);

	rig = rig_new();
	rig->on_event = close_within_up;
	rig_open_lcp(rig);
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 0101000a 03060a090909");
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 7;up 10.0.2.2 10.9.9.9;phase 9;down;");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0201000a 03060a090909"));
	CU_ASSERT_TRUE(rig_sent(rig, "c021 0502000a 77697468696e"));
	rig_feed(rig, "c021 06020004");
	CU_ASSERT_TRUE(g_str_has_suffix(rig->events->str, "phase 0;finished 1;"));
	rig_free(rig);

	rig = rig_new();
	rig_open_ipcp(rig);
	rig->on_event = drop_within_down;
	rig_feed(rig, "c021 01050004");
	CU_ASSERT_TRUE(g_str_has_suffix(rig->events->str, "phase 4;down;phase 0;"));
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	CU_ASSERT_EQUAL(clock_next(&rig->clock), CLOCK_NEVER);
	rig_free(rig);

	rig = rig_new();
	rig_open_ipcp(rig);
	g_string_truncate(rig->events, 0);
	rig->on_event = drop_within_ip;
	feed_frames(rig, 2, "\x21", 1, "a", 1);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "ip 1;phase 0;down;");
	CU_ASSERT_EQUAL(ppp_counters(rig->ppp)->frames_in, 6);
	rig_free(rig);

	rig = rig_new();
	rig->on_event = start_within_finished;
	rig_start(rig);
	rig_advance(rig, 30 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 0;finished 10;phase 4;");
	rig_free(rig);
}

static void nothing_is_heard_after_the_end(void)
{
	static const struct frame_map map = { { 0xffffffff } };
	static const uint8_t terminate_ack[] = { 0xff, 0x03, 0xc0, 0x21, 6, 2, 0, 4 };
	static const uint8_t configure_request[] = { 0xff, 0x03, 0xc0, 0x21, 1, 9, 0, 4 };
	struct rig *rig = rig_new();
	uint8_t both[100];

	rig_open_ipcp(rig);
	ppp_close(rig->ppp, "", EXIT_USER_REQUEST);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05020004"));
	size_t len = frame_encode(both, &map, true, terminate_ack, sizeof(terminate_ack), NULL, 0);
	len += frame_encode(both + len, &map, true, configure_request, sizeof(configure_request), NULL, 0);
	rig_feed_raw(rig, both, len);
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	CU_ASSERT_TRUE(g_str_has_suffix(rig->events->str, "finished 5;"));
	rig_free(rig);
}

static void close_before_anything(void)
{
	struct rig *rig = rig_new();

	rig_start(rig);
	rig_skip(rig);
	ppp_close(rig->ppp, "User request", EXIT_USER_REQUEST);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05020010 557365722072657175657374"));
	rig_advance(rig, 6 * CLOCK_SECOND);
	CU_ASSERT_TRUE(g_str_has_suffix(rig->events->str, "finished 5;"));
	rig_free(rig);
}

static void connect_delay(void)
{
	struct rig *rig = rig_new();

	rig_start(rig);
	ppp_line_down(rig->ppp);
	rig_skip(rig);
	ppp_start(rig->ppp, 1000);
	rig_advance(rig, CLOCK_SECOND - 1);
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	rig_advance(rig, 1);
	CU_ASSERT_TRUE(g_str_has_prefix(rig_next(rig), "c02101"));

	ppp_line_down(rig->ppp);
	ppp_start(rig->ppp, 1000);
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	rig_feed(rig, "c021 01010004");
	CU_ASSERT_TRUE(g_str_has_prefix(rig_next(rig), "c02101"));
	CU_ASSERT_TRUE(rig_sent(rig, "c021 02010004"));

	ppp_line_down(rig->ppp);
	g_string_truncate(rig->events, 0);
	ppp_start(rig->ppp, 1000);
	ppp_close(rig->ppp, "", EXIT_USER_REQUEST);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 9;phase 0;finished 5;");
	rig_free(rig);
}

static void nothing_but_lcp_before_open(void)
{
	struct rig *rig = rig_new();

	log_set_debug(1);
	rig_start(rig);
	rig_skip(rig);
	rig_feed(rig, "8021 0101000a 030600000000");
	rig_feed(rig, "8057 01010004");
	rig_feed(rig, "0021 45");
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	CU_ASSERT_EQUAL(rig_logged(rig, "Discarded non-LCP packet when LCP not open"), 3);
	rig_free(rig);
}

/* RFC 1661 §5.7 */
static void unknown_protocols_are_rejected(void)
{
	struct rig *rig = rig_new();

	log_set_debug(1);
	rig_open_lcp(rig);
	rig_skip(rig);
	rig_feed(rig, "8057 0101000e 010a0000000000000001");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 08020014 8057 0101000e 010a0000000000000001"));
	rig_feed(rig, "8053 0101000a 0262 6f 0178");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 0803000f 8053 0101000a 0262 6f 0178"));
	rig_feed(rig, "1235 01");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 08040007 1235 01"));
	CU_ASSERT_EQUAL(rig_logged(rig, "Unsupported protocol 'IPv6 Control Protocol' (0x8057) received"), 1);
	CU_ASSERT_EQUAL(rig_logged(rig, "Unsupported protocol 0x1235 received"), 1);
	rig_free(rig);
}

/* CVE-2020-8597: pppd's EAP could be reached although it had not been agreed on. */
static void authentication_that_was_not_negotiated_is_dropped(void)
{
	static const char *const packets[] = {
		"c023 0101000a 0262 6f 0178", "c223 01010008 03010203", "c223 02010008 03010203", "c223 03010004",
		"c227 01010005 01", "c227 01010016 04 10 00000000000000000000000000000000", "c227 03010004",
	};
	struct rig *rig = rig_new();

	rig_open_lcp(rig);
	rig_skip(rig);
	for (size_t i = 0; i < G_N_ELEMENTS(packets); i++) {
		rig_feed(rig, packets[i]);
		CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	}
	rig_free(rig);
}

static void protocol_reject_of_ipcp(void)
{
	struct rig *rig = rig_new();

	rig_open_lcp(rig);
	rig_skip(rig);
	rig_feed(rig, "c021 08090006 80fd");
	CU_ASSERT_EQUAL(rig_logged(rig, "Protocol-Reject for unsupported protocol 'Compression Control Protocol' (0x80fd)"), 1);
	rig_feed(rig, "c021 08090005 80");
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	rig_feed(rig, "c021 08090006 8021");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05020020 4e6f206e6574776f726b2070726f746f636f6c732072756e6e696e67"));
	rig_feed(rig, "c021 06020004");
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 7;phase 9;phase 0;finished 10;");
	rig_free(rig);
}

static void protocol_reject_of_lcp(void)
{
	struct rig *rig = rig_new();

	rig_open_ipcp(rig);
	rig_feed(rig, "c021 08090006 c021");
	CU_ASSERT_EQUAL(rig_logged(rig, "Received Protocol-Reject for LCP!"), 1);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05020004"));
	rig_advance(rig, 6 * CLOCK_SECOND);
	CU_ASSERT_TRUE(g_str_has_suffix(rig->events->str, "finished 0;"));
	rig_free(rig);
}

static void headers_of_all_forms_are_taken(void)
{
	struct rig *rig = rig_new();

	rig_open_ipcp(rig);
	g_string_truncate(rig->events, 0);
	feed_frames(rig, 1, "\xff\x03\x00\x21", 4, "abc", 3);
	feed_frames(rig, 1, "\xff\x03\x21", 3, "abcd", 4);
	feed_frames(rig, 1, "\x00\x21", 2, "abcde", 5);
	feed_frames(rig, 1, "\x21", 1, "abcdef", 6);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "ip 3;ip 4;ip 5;ip 6;");
	/* No protocol: both bytes even, or none. */
	feed_frames(rig, 1, "\x00\x20", 2, "abc", 3);
	feed_frames(rig, 1, "\xff\x03", 2, "", 0);
	feed_frames(rig, 1, "\xff\x03\x80", 3, "", 0);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "ip 3;ip 4;ip 5;ip 6;");
	CU_ASSERT_EQUAL(ppp_counters(rig->ppp)->packets_in, 4);
	CU_ASSERT_EQUAL(ppp_counters(rig->ppp)->bytes_in, 18);
	rig_free(rig);
}

/* What is sent next begins with BYTES. */
static bool raw_begins(struct rig *rig, const char *bytes, size_t len)
{
	return rig->raw->len >= len && memcmp(rig->raw->data, bytes, len) == 0;
}

/* pppd's transmit rules: compression and map as negotiated, a leading flag after a second of quiet. */
static void frames_are_sent_as_negotiated(void)
{
	struct rig *rig = rig_new();

	rig_start(rig);
	rig_answer(rig, PPP_LCP, 2);
	rig_feed(rig, "c021 0105000e 020600000001 0702 0802");
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 0101000a 03060a090909");
	rig_skip(rig);
	g_byte_array_set_size(rig->raw, 0);
	CU_ASSERT_TRUE(ppp_send_ip(rig->ppp, (const uint8_t *)"\x00\x01\x7e", 3));
	CU_ASSERT_TRUE(rig_sent(rig, "0021 00017e"));
	CU_ASSERT_TRUE(raw_begins(rig, "\x21\x7d\x20\x01\x7d\x5e", 6));
	g_byte_array_set_size(rig->raw, 0);
	rig_advance(rig, CLOCK_SECOND + 1);
	CU_ASSERT_TRUE(ppp_send_ip(rig->ppp, (const uint8_t *)"\x00\x01\x7e", 3));
	CU_ASSERT_TRUE(rig_sent(rig, "0021 00017e"));
	CU_ASSERT_TRUE(raw_begins(rig, "\x7e\x21\x7d\x20\x01\x7d\x5e", 7));
	CU_ASSERT_EQUAL(ppp_counters(rig->ppp)->packets_out, 2);
	CU_ASSERT_EQUAL(ppp_counters(rig->ppp)->bytes_out, 6);

	/* LCP's codes 1 to 7 as before anything was negotiated, others not. */
	g_byte_array_set_size(rig->raw, 0);
	rig_feed(rig, "c021 09070008 00000000");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 0a070008 ????????"));
	CU_ASSERT_TRUE(raw_begins(rig, "\xc0\x21\x0a\x07\x7d\x20\x08", 7));
	g_byte_array_set_size(rig->raw, 0);
	rig_feed(rig, "c021 0e070004");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 07020008 0e070004"));
	CU_ASSERT_TRUE(raw_begins(rig, "\x7e\xff\x7d\x23\xc0\x21\x7d\x27\x7d\x22\x7d\x20\x7d\x28\x7d\x2e", 16));
	g_byte_array_set_size(rig->raw, 0);
	ppp_close(rig->ppp, "x", EXIT_OK);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05030005 78"));
	CU_ASSERT_TRUE(raw_begins(rig, "\x7e\xff\x7d\x23\xc0\x21\x7d\x25\x7d\x23\x7d\x20\x7d\x25x", 15));
	rig_free(rig);
}

static void too_large_or_no_room(void)
{
	struct rig *rig = rig_new();
	uint8_t packet[2000] = { 0x45 };

	rig_open_ipcp(rig);
	CU_ASSERT_FALSE(ppp_send_ip(rig->ppp, packet, 1501));
	CU_ASSERT_EQUAL(ppp_counters(rig->ppp)->out_dropped, 0);
	unsigned n = 0;
	while (n < 1000 && ppp_send_ip(rig->ppp, packet, 1500))
		n++;
	CU_ASSERT_TRUE(n > 10 && n < 1000);
	CU_ASSERT_EQUAL(ppp_counters(rig->ppp)->out_dropped, 1);
	CU_ASSERT_EQUAL(ppp_counters(rig->ppp)->packets_out, n);
	CU_ASSERT_TRUE(ppp_encoded_max(1500) >= 2 * 1506 + 2);
	rig_free(rig);
}

/* Before LCP is open, control characters that nobody escaped are the line's own (RFC 1662 §7.1). */
static void receive_accm(void)
{
	static const uint8_t request[] = { 0x7e, 0x11, 0xff, 0x7d, 0x23, 0xc0, 0x21, 0x7d, 0x21, 0x13, 0x7d, 0x21,
					   0x7d, 0x20, 0x7d, 0x24, 0xd1, 0xb5, 0x0d, 0x7e };
	struct rig *rig = rig_new();

	rig_start(rig);
	rig_skip(rig);
	rig_feed_raw(rig, request, sizeof(request));
	CU_ASSERT_TRUE(rig_sent(rig, "c021 02010004"));
	rig_free(rig);

	/* Once open, as agreed upon; and no longer when LCP begins anew. */
	rig = rig_new();
	rig_open_ipcp(rig);
	rig_feed_raw(rig, request, sizeof(request));
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	rig_feed(rig, "c021 01020004");
	rig_skip(rig);
	rig_feed_raw(rig, request, sizeof(request));
	CU_ASSERT_TRUE(rig_sent(rig, "c021 02010004"));
	rig_free(rig);

	rig = rig_new();
	rig->config->lcp.receive_all = true;
	rig_start(rig);
	rig_skip(rig);
	rig_feed_raw(rig, request, sizeof(request));
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	CU_ASSERT_EQUAL(ppp_counters(rig->ppp)->errors_fcs, 1);
	rig_free(rig);
}

static void eight_bit_test(void)
{
	static const struct {
		const char *bytes, *problem;
	} rows[] = {
		{ "abc", "Problem: all had bit 7 set to 0" },
		{ "\xe1\xe2\xe3", "Problem: all had bit 7 set to 1" },
		{ "ab\xe3", "Problem: all had odd parity" },
		{ "c\xe1\xe2", "Problem: all had even parity" },
		{ "abc\xe3", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rig *rig = rig_new();
		rig_start(rig);
		rig_feed_raw(rig, (const uint8_t *)rows[i].bytes, strlen(rows[i].bytes));
		CU_ASSERT_EQUAL(rig_logged(rig, "Receive serial link is not 8-bit clean:"), 0);
		ppp_line_down(rig->ppp);
		CU_ASSERT_EQUAL(rig_logged(rig, "Receive serial link is not 8-bit clean:"), rows[i].problem != NULL);
		CU_ASSERT_EQUAL(rig_logged(rig, rows[i].problem ? rows[i].problem : "Problem"), rows[i].problem != NULL);
		rig_free(rig);
	}
}

static char *without_blanks(const char *text)
{
	GString *s = g_string_new(NULL);

	for (; *text; text++) {
		if (*text != ' ')
			g_string_append_c(s, *text);
	}
	return g_string_free(s, FALSE);
}

/* Every packet of every kind, cut at every length, in every state: nothing but survival is asked (sanitizers look on). */
static void truncated_packets(void)
{
	static const char *const packets[] = {
		"c021 01050028 010405dc 020600000000 0304c023 0408c02500000064 050611111111 0702 0802",
		"c021 02010014 020600000000 050611111111 0702 0802", "c021 03010008 01040400", "c021 04010006 0702",
		"c021 05010008 61626364", "c021 06010008 61626364", "c021 0701000a 0909000611111111", "c021 0801000a 802101010004",
		"c021 0901000c 1111111122222222", "c021 0a01000c 1111111122222222", "c021 0b010008 11111111",
		"c021 0c010008 11111111", "c021 0d01000c 1111111100000001", "c021 0e010004",
		"8021 01050024 010a0a0000010a000002 0206002d0f01 03060a000001 810600000000 830600000000", "8021 0201000a 03060a000202",
		"8021 0301000a 03060a000203", "8021 0401000a 03060a000202", "8021 05010008 61626364", "8021 0701000a 0909000611111111",
		"8057 0101000e 010a0000000000000001", "80fd 0101000a 1a047800 1206", "c023 0101000a 0362 6f62 0178",
		"c223 0101000c 0401020304 616263", "c227 01010009 0161626364", "c029 01010004", "0021 45000014", "c025 0101",
	};

	for (unsigned state = 0; state < 3; state++) {
		for (size_t i = 0; i < G_N_ELEMENTS(packets); i++) {
			char *digits = without_blanks(packets[i]);
			for (size_t cut = 6; cut <= strlen(digits); cut += 2) {
				char *text = g_strndup(digits, cut);
				struct rig *rig = rig_new();
				log_set_debug(2);
				(state == 0 ? rig_start : state == 1 ? rig_open_lcp : rig_open_ipcp)(rig);
				rig_feed(rig, text);
				rig_advance(rig, CLOCK_SECOND);
				rig_feed(rig, text);
				CU_ASSERT_TRUE(rig->events->len > 0);
				rig_free(rig);
				g_free(text);
			}
			g_free(digits);
		}
	}
}

const struct unit_test unit_tests[] = {
	{ "ppp: a whole life", whole_life },
	{ "ppp: nothing fires after the line is down", nothing_fires_after_the_line_is_down },
	{ "ppp: the announcement may be held", the_announcement_may_be_held },
	{ "ppp: events may be answered from within", events_may_be_answered_from_within },
	{ "ppp: nothing is heard after the end", nothing_is_heard_after_the_end },
	{ "ppp: close before anything", close_before_anything },
	{ "ppp: connect-delay", connect_delay },
	{ "ppp: nothing but LCP before it is open (RFC 1661 section 3.4)", nothing_but_lcp_before_open },
	{ "ppp: unknown protocols are Rejected (RFC 1661 section 5.7)", unknown_protocols_are_rejected },
	{ "ppp: authentication that was not negotiated is dropped (CVE-2020-8597)", authentication_that_was_not_negotiated_is_dropped },
	{ "ppp: a Protocol-Reject of IPCP ends the link", protocol_reject_of_ipcp },
	{ "ppp: a Protocol-Reject of LCP ends the link (RFC 1661 section 4.3)", protocol_reject_of_lcp },
	{ "ppp: headers of all forms are taken (RFC 1662 section 3.2)", headers_of_all_forms_are_taken },
	{ "ppp: frames are sent as negotiated (RFC 1661 section 6.5, RFC 1662 section 7)", frames_are_sent_as_negotiated },
	{ "ppp: too large, or no room", too_large_or_no_room },
	{ "ppp: control characters of the line (RFC 1662 section 7.1)", receive_accm },
	{ "ppp: the 8-bit test", eight_bit_test },
	{ "ppp: truncated packets of every kind in every state", truncated_packets },
	{ 0 },
};
