/* lcp: negotiation, as bytes, against RFC 1661 and pppd's rules. The peer is the test. */
#include "unit.h"

#include <string.h>

#include "rig.h"

#define REQUEST "c021 01010014 020600000000 0506???????? 0702 0802"

static void first_request(void)
{
	static const uint8_t begins[] = { 0x7e, 0xff, 0x7d, 0x23, 0xc0, 0x21, 0x7d, 0x21, 0x7d, 0x21, 0x7d, 0x20, 0x7d, 0x34,
					  0x7d, 0x22, 0x7d, 0x26, 0x7d, 0x20, 0x7d, 0x20, 0x7d, 0x20, 0x7d, 0x20, 0x7d, 0x25 };
	struct rig *rig = rig_new();

	rig_start(rig);
	CU_ASSERT_TRUE(rig_sent(rig, REQUEST));
	CU_ASSERT_TRUE(rig->raw->len > sizeof(begins));
	CU_ASSERT_EQUAL(memcmp(rig->raw->data, begins, sizeof(begins)), 0);
	CU_ASSERT_EQUAL(rig->raw->data[rig->raw->len - 1], 0x7e);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;");
	rig_free(rig);
}

static void first_request_by_options(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.mru = 1492;
	rig->config->lcp.neg_magic = false;
	rig->config->lcp.asyncmap = 0xa0000;
	rig_start(rig);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 01010012 010405d4 0206000a0000 0702 0802"));
	rig_free(rig);

	rig = rig_new();
	rig->config->lcp.neg_mru = rig->config->lcp.neg_asyncmap = rig->config->lcp.neg_magic = false;
	rig->config->lcp.neg_pcomp = rig->config->lcp.neg_accomp = false;
	rig_start(rig);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 01010004"));
	rig_free(rig);

	rig = rig_new();
	rig->config->lcp.asyncmap = 0xffffffff;
	rig_start(rig);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 0101000e 0506???????? 0702 0802"));
	rig_free(rig);
}

/* max-configure requests in all, 3 s apart, the same each time; then it is over. */
static void gives_up_after_max_configure(void)
{
	struct rig *rig = rig_new();
	char first[64];

	rig_start(rig);
	g_strlcpy(first, rig_next(rig), sizeof(first));
	for (int i = 1; i < 10; i++) {
		rig_advance(rig, 3 * CLOCK_SECOND - 1);
		CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
		rig_advance(rig, 1);
		CU_ASSERT_STRING_EQUAL(rig_next(rig), first);
	}
	CU_ASSERT_EQUAL(rig_logged(rig, "LCP: timeout sending Config-Requests"), 0);
	rig_advance(rig, 3 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	CU_ASSERT_EQUAL(rig_logged(rig, "LCP: timeout sending Config-Requests"), 1);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 0;finished 10;");
	rig_advance(rig, 100 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 0;finished 10;");
	rig_free(rig);
}

static void passive_waits_in_stopped(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.passive = true;
	rig_start(rig);
	rig_advance(rig, 1000 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;");
	rig_skip(rig);
	rig_feed(rig, "c021 01070004");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 01020014 020600000000 0506???????? 0702 0802"));
	CU_ASSERT_TRUE(rig_sent(rig, "c021 02070004"));
	rig_advance(rig, 1000 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;");
	ppp_close(rig->ppp, "User request", EXIT_USER_REQUEST);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 9;phase 0;finished 5;");
	rig_free(rig);
}

static void silent_says_nothing_first(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.silent = true;
	rig_start(rig);
	rig_advance(rig, 1000 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	rig_feed(rig, "c021 01070004");
	CU_ASSERT_TRUE(rig_sent(rig, REQUEST));
	CU_ASSERT_TRUE(rig_sent(rig, "c021 02070004"));
	rig_free(rig);

	rig = rig_new();
	rig->config->lcp.silent = true;
	rig_start(rig);
	ppp_close(rig->ppp, "User request", EXIT_USER_REQUEST);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 9;phase 0;finished 5;");
	rig_free(rig);
}

/* pppd's table of answers: what a peer's options get. */
static const struct answer {
	const char *request, *reply;
} answers[] = {
	{ "c021 01050004", "c021 02050004" },
	{ "c021 01050008 010405dc", "c021 02050008 010405dc" },
	{ "c021 01050008 0104007f", "c021 03050008 01040080" },
	{ "c021 01050008 01040080", "c021 02050008 01040080" },
	{ "c021 01050008 01044000", "c021 02050008 01044000" },
	{ "c021 01050008 0104ffff", "c021 02050008 0104ffff" },
	{ "c021 0105000a 0206000a0000", "c021 0205000a 0206000a0000" },
	{ "c021 01050008 0304c023", "c021 04050008 0304c023" },
	{ "c021 01050009 0305c22305", "c021 04050009 0305c22305" },
	{ "c021 0105000c 0408c02500000064", "c021 0405000c 0408c02500000064" },
	{ "c021 0105000a 050612345678", "c021 0205000a 050612345678" },
	{ "c021 0105000a 050600000000", "c021 0305000a 0506????????" },
	{ "c021 01050008 0702 0802", "c021 02050008 0702 0802" },
	{ "c021 01050007 0d0306", "c021 04050007 0d0306" },
	{ "c021 0105000e 110405dc 1202 1304 0300", "c021 0405000a 110405dc 1202" },
	{ "c021 0105000d 1309 03001122334455", "c021 0205000d 1309 03001122334455" },
	{ "c021 01050007 130301", "c021 02050007 130301" },
	{ "c021 0105001c 1318 01 00112233445566778899aabbccddeeff0011223344", "c021 0405001c 1318 01 00112233445566778899aabbccddeeff0011223344" },
	{ "c021 01050006 6302", "c021 04050006 6302" },
	/* Reject beats Nak, in the order received. */
	{ "c021 0105000f 01040001 6303aa 0702 6402", "c021 04050009 6303aa 6402" },
	{ "c021 0105000e 01040001 050600000000", "c021 0305000e 01040080 0506????????" },
	/* A wrong length is Rejected. */
	{ "c021 01050007 010305", "c021 04050007 010305" },
	{ "c021 01050009 0105000000", "c021 04050009 0105000000" },
	{ "c021 01050007 070301", "c021 04050007 070301" },
	/* Duplicates are ignored, an Ack repeats them. */
	{ "c021 0105000c 010405dc 01040001", "c021 0205000c 010405dc 01040001" },
	{ "c021 0105000c 01040001 010405dc", "c021 03050008 01040080" },
	/* Malformed: Rejected to the end of the packet. */
	{ "c021 0105000a 0100 0702 0802", "c021 0405000a 0100 0702 0802" },
	{ "c021 01050008 0701 0802", "c021 04050008 0701 0802" },
	{ "c021 01050008 07ff 0802", "c021 04050008 07ff 0802" },
	{ "c021 01050005 07", "c021 04050005 07" },
	/* Padding behind the length is no option (section 5). */
	{ "c021 01050006 0702 ffffffff", "c021 02050006 0702" },
	/* Too short for its length, or a length too short: silently discarded. */
	{ "c021 01050008 0702", "" },
	{ "c021 01050003 0702", "" },
	{ "c021 0105", "" },
};

static void answers_as_pppd(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		struct rig *rig = rig_new();
		rig_start(rig);
		rig_skip(rig);
		rig_feed(rig, answers[i].request);
		CU_ASSERT_TRUE(rig_sent(rig, answers[i].reply));
		rig_free(rig);
	}
}

static void refuses_what_is_off(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.neg_mru = rig->config->lcp.neg_asyncmap = rig->config->lcp.neg_magic = false;
	rig->config->lcp.neg_pcomp = rig->config->lcp.neg_accomp = false;
	rig->config->lcp.no_endpoint = true;
	rig_start(rig);
	rig_skip(rig);
	rig_feed(rig, "c021 0103001b 010405dc 020600000000 050611111111 0702 0802 130301");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 0403001b 010405dc 020600000000 050611111111 0702 0802 130301"));
	rig_free(rig);
}

static void duplicates_and_auth_are_logged(void)
{
	struct rig *rig = rig_new();

	rig_start(rig);
	rig_feed(rig, "c021 0105000c 0702 0702 0304c023");
	CU_ASSERT_EQUAL(rig_logged(rig, "LCP: ignoring duplicate configuration option(s)"), 1);
	CU_ASSERT_EQUAL(rig_logged(rig, "No auth is possible"), 1);
	rig_free(rig);
}

static void naks_turn_into_rejects(void)
{
	struct rig *rig = rig_new();

	rig_start(rig);
	rig_skip(rig);
	for (int i = 0; i < 5; i++) {
		rig_feed(rig, "c021 0105000e 01040001 050600000000");
		CU_ASSERT_TRUE(rig_sent(rig, "c021 0305000e 01040080 0506????????"));
	}
	rig_feed(rig, "c021 0105000e 01040001 050600000000");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 04050008 01040001"));
	rig_feed(rig, "c021 0105000a 050600000000");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 0305000a 0506????????"));
	rig_feed(rig, "c021 01060004");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 02060004"));
	rig_feed(rig, "c021 01070008 01040001");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 03070008 01040080"));
	rig_free(rig);
}

static void escape_is_wanted_in_the_peers_map(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.escape[0x11 / 8] |= 1 << 0x11 % 8;
	rig->config->lcp.escape[0xff / 8] |= 1 << 0xff % 8;
	rig_start(rig);
	CU_ASSERT_EQUAL(rig->raw->data[1], 0x7d);
	CU_ASSERT_EQUAL(rig->raw->data[2], 0xff ^ 0x20);
	rig_skip(rig);
	rig_feed(rig, "c021 0105000a 020600000001");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 0305000a 020600020001"));
	rig_free(rig);
}

/* What a Nak or a Reject of our request changes: `answer`, then the next request. */
static const struct reaction {
	const char *answer, *request;
} reactions[] = {
	/* An MRU that we did not ask for. */
	{ "c021 03010008 01040400", "c021 01020018 01040400 020600000000 0506???????? 0702 0802" },
	{ "c021 03010008 01040800", "c021 01020014 020600000000 0506???????? 0702 0802" },
	/* ORed. */
	{ "c021 0301000a 0206000a0001", "c021 01020014 0206000a0001 0506???????? 0702 0802" },
	{ "c021 0301000a 0206ffffffff", "c021 0102000e 0506???????? 0702 0802" },
	/* pcomp and accomp: as if Rejected. */
	{ "c021 03010008 0702 0802", "c021 01020010 020600000000 0506????????" },
	{ "c021 04010006 0702", "c021 01020012 020600000000 0506???????? 0802" },
	{ "c021 0401000a 020600000000", "c021 0102000e 0506???????? 0702 0802" },
	/* Options of no interest are passed over. */
	{ "c021 0301000a 0304c023 6302", "c021 01020014 020600000000 0506???????? 0702 0802" },
	/* Bad ones change nothing: twice, out of order, with another value, never asked for, malformed, empty. */
	{ "c021 03010008 0702 0702", "" },
	{ "c021 03010008 0802 0702", "" },
	{ "c021 0301000c 01040400 01040400", "" },
	{ "c021 03010007 070300", "" },
	{ "c021 03010006 0700", "" },
	{ "c021 03010006 0705", "" },
	{ "c021 03010004", "" },
	{ "c021 04010004", "" },
	{ "c021 0401000a 020600000001", "" },
	{ "c021 04010008 0802 0702", "" },
	{ "c021 04010008 01040400", "" },
	{ "c021 02010004", "" },
	{ "c021 02010014 020600000000 050600000000 0702 0802", "" },
	/* Another identifier is silently discarded (sections 5.2 to 5.4). */
	{ "c021 03020006 0702", "" },
	{ "c021 04000006 0702", "" },
};

static void reacts_as_pppd(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(reactions); i++) {
		struct rig *rig = rig_new();
		rig_start(rig);
		rig_skip(rig);
		rig_feed(rig, reactions[i].answer);
		CU_ASSERT_TRUE(rig_sent(rig, reactions[i].request));
		bool silently = reactions[i].answer[8] != '1' || reactions[i].request[0];
		CU_ASSERT_EQUAL(rig_logged(rig, "Received bad configure-"), !silently);
		rig_free(rig);
	}
}

static void a_nakked_asyncmap_is_added_to_ours(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.asyncmap = 0xa0000;
	rig_start(rig);
	rig_skip(rig);
	rig_feed(rig, "c021 0301000a 020600000001");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 01020014 0206000a0001 0506???????? 0702 0802"));
	rig_free(rig);
}

static void a_rejected_magic_is_dropped(void)
{
	struct rig *rig = rig_new();
	char reject[64];

	rig_start(rig);
	g_snprintf(reject, sizeof(reject), "c021 0401000a %.12s", rig_next(rig) + 24);
	rig_feed(rig, reject);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 0102000e 020600000000 0702 0802"));
	rig_free(rig);
}

static void only_the_first_answer_counts(void)
{
	struct rig *rig = rig_new();

	rig_start(rig);
	rig_answer(rig, PPP_LCP, 2);
	rig_feed(rig, "c021 03010006 0702");
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	rig_feed(rig, "c021 01010004");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 02010004"));
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 7;");
	rig_free(rig);
}

/* After max-failure Naks of ours, an option is given up. */
static void naks_received_are_counted(void)
{
	struct rig *rig = rig_new();
	char nak[64];

	rig->config->lcp.mru = 1400;
	rig_start(rig);
	for (unsigned id = 1; id < 5; id++) {
		rig_skip(rig);
		g_snprintf(nak, sizeof(nak), "c021 03%.2x0008 0104%.4x", id, 1000 + id);
		rig_feed(rig, nak);
	}
	CU_ASSERT_TRUE(rig_sent(rig, "c021 01050018 010403ec 020600000000 0506???????? 0702 0802"));
	rig_feed(rig, "c021 03050008 01040300");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 01060014 020600000000 0506???????? 0702 0802"));
	rig_free(rig);
}

/* Section 6.4: everything that we send comes back. */
static void loopback_is_detected(void)
{
	struct rig *rig = rig_new();

	rig_start(rig);
	for (int i = 0; i < 100 && rig->ppp && !strstr(rig->events->str, "finished"); i++) {
		guint len = rig->raw->len;
		uint8_t *raw = g_memdup2(rig->raw->data, len);
		g_byte_array_set_size(rig->raw, 0);
		if (len == 0)
			rig_advance(rig, 3 * CLOCK_SECOND);
		else
			rig_feed_raw(rig, raw, len);
		g_free(raw);
	}
	CU_ASSERT_EQUAL(rig_logged(rig, "Serial line is looped back."), 1);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 9;phase 0;finished 17;");
	rig_free(rig);
}

static void ten_magic_naks_in_a_row(void)
{
	struct rig *rig = rig_new();
	char nak[64];

	rig_start(rig);
	for (unsigned id = 1; id <= 19; id++) {
		bool magic = id != 10;
		rig_skip(rig);
		g_snprintf(nak, sizeof(nak), magic ? "c021 03%.2x000a 050612345678" : "c021 03%.2x000a 020600000000", id);
		CU_ASSERT_EQUAL(rig_logged(rig, "Serial line is looped back."), 0);
		rig_feed(rig, nak);
	}
	CU_ASSERT_EQUAL(rig_logged(rig, "Serial line is looped back."), 0);
	rig_skip(rig);
	rig_feed(rig, "c021 0314000a 050612345678");
	CU_ASSERT_EQUAL(rig_logged(rig, "Serial line is looped back."), 1);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05150015 4c6f6f706261636b206465746563746564"));
	rig_free(rig);
}

static void our_magic_from_the_peer_is_nakked(void)
{
	struct rig *rig = rig_new();
	char magic[16], request[64], reply[80];

	rig_start(rig);
	g_snprintf(magic, sizeof(magic), "%.8s", rig_next(rig) + 28);
	g_snprintf(request, sizeof(request), "c021 0105000a 0506%s", magic);
	rig_feed(rig, request);
	g_strlcpy(reply, rig_next(rig), sizeof(reply));
	CU_ASSERT_TRUE(g_str_has_prefix(reply, "c0210305000a0506"));
	CU_ASSERT_STRING_NOT_EQUAL(reply + 16, magic);
	rig_free(rig);
}

const struct unit_test unit_tests[] = {
	{ "lcp: the first request is pppd's to the byte", first_request },
	{ "lcp: the first request by options", first_request_by_options },
	{ "lcp: max-configure requests, then the end (RFC 1661 section 4.6)", gives_up_after_max_configure },
	{ "lcp: passive waits in Stopped", passive_waits_in_stopped },
	{ "lcp: silent says nothing first", silent_says_nothing_first },
	{ "lcp: answers to the peer's options (RFC 1661 sections 5.1 to 5.4, 6)", answers_as_pppd },
	{ "lcp: refuses what is off", refuses_what_is_off },
	{ "lcp: duplicates and authentication are logged", duplicates_and_auth_are_logged },
	{ "lcp: Naks turn into Rejects after max-failure (RFC 1661 section 4.6)", naks_turn_into_rejects },
	{ "lcp: escape is wanted in the peer's map", escape_is_wanted_in_the_peers_map },
	{ "lcp: what Nak and Reject change (RFC 1661 sections 5.3, 5.4)", reacts_as_pppd },
	{ "lcp: a Nak'ed asyncmap is added to ours", a_nakked_asyncmap_is_added_to_ours },
	{ "lcp: a Rejected magic number is dropped", a_rejected_magic_is_dropped },
	{ "lcp: only the first answer to a request counts", only_the_first_answer_counts },
	{ "lcp: Naks received are counted", naks_received_are_counted },
	{ "lcp: a looped line is detected (RFC 1661 section 6.4)", loopback_is_detected },
	{ "lcp: ten magic number Naks in a row, not nine", ten_magic_naks_in_a_row },
	{ "lcp: our magic number from the peer is Nak'ed (RFC 1661 section 6.4)", our_magic_from_the_peer_is_nakked },
	{ 0 },
};
