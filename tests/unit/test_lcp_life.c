/* lcp: what comes after the negotiation: rejects, the end, a new beginning, echoes; as bytes. The peer is the test. */
#include "unit.h"

#include <string.h>

#include "rig.h"

/* Code-Reject, section 5.6 */

static void unknown_codes_are_rejected(void)
{
	struct rig *rig = rig_new();

	rig_start(rig);
	rig_skip(rig);
	rig_feed(rig, "c021 0e770006 abcd");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 0702000a 0e770006abcd"));
	rig_feed(rig, "c021 00780004 abcd");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 07030008 00780004"));
	rig_free(rig);
}

static void code_reject_of_a_needed_code_is_the_end(void)
{
	struct rig *rig;

	for (unsigned code = 1; code <= 7; code++) {
		char reject[64];
		g_snprintf(reject, sizeof(reject), "c021 0709000c %.2x01000800000000", code);
		rig = rig_new();
		rig_start(rig);
		rig_feed(rig, reject);
		CU_ASSERT_EQUAL(rig_logged(rig, "LCP: Rcvd Code-Reject for code"), 1);
		CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 0;finished 10;");
		rig_free(rig);
	}
	rig = rig_new();
	rig_open_ipcp(rig);
	rig_feed(rig, "c021 0709000c 0201000800000000");
	CU_ASSERT_NOT_EQUAL(strstr(rig->events->str, "down;"), NULL);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05020004"));
	rig_free(rig);
}

static void code_reject_of_an_echo_ends_echoes(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.echo_interval = 1;
	rig->config->lcp.echo_failure = 2;
	rig_open_ipcp(rig);
	rig_feed(rig, "c021 0709000c 0900000800000000");
	rig_advance(rig, 1000 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	CU_ASSERT_EQUAL(strstr(rig->events->str, "finished"), NULL);
	rig_free(rig);
}

/* Terminate, sections 3.7 and 5.5 */

static void terminated_by_the_peer(void)
{
	struct rig *rig = rig_new();

	rig_open_ipcp(rig);
	g_string_truncate(rig->events, 0);
	rig_feed(rig, "c021 05330009 6279650a00");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 06330004"));
	CU_ASSERT_EQUAL(rig_logged(rig, "LCP terminated by peer (bye^J^@)"), 1);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 9;down;");
	rig_feed(rig, "c021 05340004");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 06340004"));
	rig_feed(rig, "c021 01010004");
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	rig_advance(rig, 3 * CLOCK_SECOND - 1);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 9;down;");
	rig_advance(rig, 1);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 9;down;phase 0;finished 0;");
	rig_free(rig);
}

static void terminated_by_us(void)
{
	struct rig *rig = rig_new();

	rig_open_ipcp(rig);
	g_string_truncate(rig->events, 0);
	ppp_close(rig->ppp, "User request", EXIT_USER_REQUEST);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 9;down;");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05020010 557365722072657175657374"));
	rig_feed(rig, "c021 06020004");
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 9;down;phase 0;finished 5;");
	rig_free(rig);
}

/* max-terminate is 2, with an identifier each. */
static void terminate_request_without_an_answer(void)
{
	struct rig *rig = rig_new();

	rig_open_ipcp(rig);
	ppp_close(rig->ppp, "", EXIT_USER_REQUEST);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05020004"));
	rig_advance(rig, 3 * CLOCK_SECOND);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05030004"));
	CU_ASSERT_EQUAL(strstr(rig->events->str, "finished"), NULL);
	rig_advance(rig, 3 * CLOCK_SECOND);
	CU_ASSERT_NOT_EQUAL(strstr(rig->events->str, "finished 5;"), NULL);
	CU_ASSERT_EQUAL(rig_logged(rig, "LCP: timeout"), 0);
	rig_free(rig);
}

/* Section 4.3: a Configure-Request in Opened: this layer down, then a new negotiation. */
static void renegotiation(void)
{
	struct rig *rig = rig_new();

	rig_open_ipcp(rig);
	g_string_truncate(rig->events, 0);
	rig_feed(rig, "c021 01050008 01040400");
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;down;");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 01020014 020600000000 0506???????? 0702 0802"));
	CU_ASSERT_TRUE(rig_sent(rig, "c021 02050008 01040400"));
	rig_feed(rig, "c021 04020014 020600000000 050611111111 0702 0802");
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	rig_feed(rig, "c021 04020006 0702");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 01030012 020600000000 0506???????? 0802"));
	rig_free(rig);

	rig = rig_new();
	rig_open_ipcp(rig);
	rig_feed(rig, "c021 01050008 01040400");
	rig_answer(rig, PPP_LCP, 2);
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 0108000a 03060a090909");
	CU_ASSERT_EQUAL(rig->addresses.mtu, 1024);
	rig_free(rig);
}

/* Echoes, section 5.8 */

static void echo_requests_are_answered_when_open(void)
{
	struct rig *rig = rig_new();

	rig_start(rig);
	rig_skip(rig);
	rig_feed(rig, "c021 0907000a 11111111 abcd");
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	rig_free(rig);
	rig = rig_new();
	rig_open_ipcp(rig);
	rig_feed(rig, "c021 0907000a 11111111 abcd");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 0a07000a ???????? abcd"));
	rig_feed(rig, "c021 09080007 111111");
	rig_feed(rig, "c021 0b090008 11111111");
	rig_feed(rig, "c021 0c0a0008 11111111");
	rig_feed(rig, "c021 0d0b000c 11111111 00000010");
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	rig_free(rig);
}

static void echo_failure(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.echo_interval = 30;
	rig->config->lcp.echo_failure = 4;
	rig_open_lcp(rig);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 02010004"));
	CU_ASSERT_TRUE(rig_sent(rig, "c021 09000008 ????????"));
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 0101000a 03060a090909");
	rig_skip(rig);
	for (unsigned id = 1; id < 4; id++) {
		char want[32];
		rig_advance(rig, 30 * CLOCK_SECOND);
		g_snprintf(want, sizeof(want), "c021 09%.2x0008 ????????", id);
		CU_ASSERT_TRUE(rig_sent(rig, want));
	}
	CU_ASSERT_EQUAL(rig_logged(rig, "No response"), 0);
	rig_advance(rig, 30 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(rig_logged(rig, "No response to 4 echo-requests"), 1);
	CU_ASSERT_EQUAL(rig_logged(rig, "Serial link appears to be disconnected."), 1);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05020017 50656572206e6f7420726573706f6e64696e67"));
	rig_advance(rig, 6 * CLOCK_SECOND);
	CU_ASSERT_NOT_EQUAL(strstr(rig->events->str, "finished 15;"), NULL);
	rig_free(rig);
}

static void no_echo_while_down(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.echo_interval = 1;
	rig_open_ipcp(rig);
	rig_feed(rig, "c021 01050004");
	rig_skip(rig);
	rig_advance(rig, 2 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	rig_free(rig);
}

static void any_echo_reply_clears_the_count(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.echo_interval = 1;
	rig->config->lcp.echo_failure = 2;
	rig_open_ipcp(rig);
	for (int i = 0; i < 20; i++) {
		rig_feed(rig, "c021 0aee0008 22222222");
		rig_advance(rig, CLOCK_SECOND);
	}
	CU_ASSERT_EQUAL(strstr(rig->events->str, "finished"), NULL);
	rig_free(rig);
}

static void our_own_echo_reply_counts_for_nothing(void)
{
	struct rig *rig = rig_new();
	char reply[64];

	rig->config->lcp.echo_interval = 1;
	rig->config->lcp.echo_failure = 2;
	rig_open_ipcp(rig);
	rig_advance(rig, CLOCK_SECOND);
	g_snprintf(reply, sizeof(reply), "c021 0a010008 %.8s", rig_next(rig) + 12);
	rig_feed(rig, reply);
	CU_ASSERT_EQUAL(rig_logged(rig, "appear to have received our own echo-reply!"), 1);
	rig_advance(rig, CLOCK_SECOND);
	CU_ASSERT_EQUAL(rig_logged(rig, "No response to 2 echo-requests"), 1);
	rig_free(rig);
}

static void adaptive_echoes(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.echo_interval = 1;
	rig->config->lcp.echo_failure = 2;
	rig->config->lcp.echo_adaptive = true;
	rig_open_ipcp(rig);
	rig_feed(rig, "0021 45000014");
	rig_advance(rig, CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	rig_advance(rig, CLOCK_SECOND);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 09010008 ????????"));
	rig_free(rig);
}

static void mtu_is_the_least_of_three(void)
{
	static const struct {
		uint16_t mru, mtu;
		const char *request;
		uint16_t want;
	} rows[] = {
		{ 1500, 0, "c021 01050004", 1500 },          { 1500, 0, "c021 01050008 01040400", 1024 },
		{ 1500, 0, "c021 01050008 01044000", 1500 }, { 16384, 0, "c021 01050008 01044000", 16384 },
		{ 16384, 0, "c021 01050004", 1500 },         { 1500, 1000, "c021 01050004", 1000 },
		{ 576, 0, "c021 01050004", 576 },            { 1500, 0, "c021 01050008 01040080", 128 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rig *rig = rig_new();
		rig->config->lcp.mru = rows[i].mru;
		rig->config->lcp.mtu = rows[i].mtu;
		rig_start(rig);
		rig_answer(rig, PPP_LCP, 2);
		rig_feed(rig, rows[i].request);
		rig_answer(rig, PPP_IPCP, 2);
		rig_feed(rig, "8021 0101000a 03060a090909");
		CU_ASSERT_EQUAL(rig->addresses.mtu, rows[i].want);
		rig_free(rig);
	}
}

/* Nothing that we send is larger than the peer's MRU, however large what came was. */
static void replies_fit_the_peers_mru(void)
{
	struct rig *rig = rig_new();
	uint8_t big[1400] = { 9, 1, 1400 >> 8, 1400 & 0xff };

	rig->config->lcp.mru = 1500;
	rig_start(rig);
	rig_answer(rig, PPP_LCP, 2);
	rig_feed(rig, "c021 01050008 01040080");
	rig_skip(rig);
	rig_feed_packet(rig, PPP_LCP, big, sizeof(big));
	CU_ASSERT_EQUAL(strlen(rig_next(rig)), 2 * (128 + 2));
	big[0] = 99;
	rig_feed_packet(rig, PPP_LCP, big, sizeof(big));
	CU_ASSERT_EQUAL(strlen(rig_next(rig)), 2 * (128 + 2));
	rig_feed_packet(rig, PPP_CCP, big, sizeof(big));
	CU_ASSERT_EQUAL(strlen(rig_next(rig)), 2 * (128 + 2));
	rig_free(rig);
}

const struct unit_test unit_tests[] = {
	{ "lcp: unknown codes are Rejected (RFC 1661 section 5.6)", unknown_codes_are_rejected },
	{ "lcp: a Code-Reject of a needed code is the end (RFC 1661 section 4.3)", code_reject_of_a_needed_code_is_the_end },
	{ "lcp: a Code-Reject of an echo ends the echoes", code_reject_of_an_echo_ends_echoes },
	{ "lcp: terminated by the peer (RFC 1661 section 5.5)", terminated_by_the_peer },
	{ "lcp: terminated by us (RFC 1661 section 5.5)", terminated_by_us },
	{ "lcp: a Terminate-Request without an answer", terminate_request_without_an_answer },
	{ "lcp: a Configure-Request in Opened (RFC 1661 section 4.3)", renegotiation },
	{ "lcp: Echo-Requests are answered when open (RFC 1661 section 5.8)", echo_requests_are_answered_when_open },
	{ "lcp: echo failure", echo_failure },
	{ "lcp: no echo while it is down", no_echo_while_down },
	{ "lcp: any Echo-Reply clears the count", any_echo_reply_clears_the_count },
	{ "lcp: our own Echo-Reply counts for nothing", our_own_echo_reply_counts_for_nothing },
	{ "lcp: adaptive echoes", adaptive_echoes },
	{ "lcp: the MTU is the least of three", mtu_is_the_least_of_three },
	{ "lcp: replies fit the peer's MRU", replies_fit_the_peers_mru },
	{ 0 },
};
