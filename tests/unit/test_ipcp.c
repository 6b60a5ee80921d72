/* ipcp: requests and answers as bytes, against RFC 1332, RFC 1877 and pppd's rules. The peer is the test. */
#include "unit.h"

#include <string.h>

#include "rig.h"

#define A(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

/* Addresses as somebody would have given them; 0: not given, and no default either. */
static void give(struct rig *rig, uint32_t local, uint32_t remote)
{
	struct ipcp_config *c = &rig->config->ipcp;

	c->local = local;
	c->remote = remote;
	c->local_default = c->remote_default = false;
	c->own_dns = 0;
}

static struct rig *opened(uint32_t local, uint32_t remote)
{
	struct rig *rig = rig_new();

	give(rig, local, remote);
	rig_open_lcp(rig);
	rig_next(rig);
	return rig;
}

static void first_requests(void)
{
	struct rig *rig = opened(A(10, 0, 0, 1), 0);

	CU_ASSERT_TRUE(rig_sent(rig, "8021 0101000a 03060a000001"));
	rig_free(rig);
	rig = opened(0, 0);
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0101000a 030600000000"));
	rig_free(rig);

	rig = rig_new();
	rig->config->ipcp.usepeerdns = true;
	rig->config->ipcp.usepeerwins = true;
	rig_open_lcp(rig);
	rig_next(rig);
	CU_ASSERT_TRUE(rig_sent(rig, "8021 01010022 03060a000202 810600000000 830600000000 820600000000 840600000000"));
	rig_free(rig);

	rig = rig_new();
	rig->config->ipcp.nosendip = true;
	rig_open_lcp(rig);
	rig_next(rig);
	CU_ASSERT_TRUE(rig_sent(rig, "8021 01010004"));
	rig_free(rig);

	rig = rig_new();
	rig->config->ipcp.no_address = true;
	rig_open_lcp(rig);
	rig_next(rig);
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0101000e 010a0a0002020a00020f"));
	rig_free(rig);
}

static void no_ip_ends_the_link(void)
{
	struct rig *rig = rig_new();

	rig->config->ipcp.enabled = false;
	rig_open_lcp(rig);
	rig_next(rig);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05020020 4e6f206e6574776f726b2070726f746f636f6c732072756e6e696e67"));
	rig_feed(rig, "c021 06020004");
	CU_ASSERT_STRING_EQUAL(rig->events->str, "phase 4;phase 7;phase 9;phase 0;finished 10;");
	rig_free(rig);
}

/* What the peer asks for with 10.0.0.1:REMOTE here, and what it is told. */
static const struct answer {
	bool remote;
	const char *request, *reply;
} answers[] = {
	{ true, "8021 0105000a 03060a000002", "8021 0205000a 03060a000002" },
	{ true, "8021 0105000a 030600000000", "8021 0305000a 03060a000002" },
	{ true, "8021 0105000a 03060a000003", "8021 0305000a 03060a000002" },
	{ true, "8021 0105000a 03060a000001", "8021 0305000a 03060a000002" },
	{ true, "8021 01050004", "8021 0305000a 03060a000002" },
	{ false, "8021 0105000a 03060a000003", "8021 0205000a 03060a000003" },
	{ false, "8021 0105000a 030600000000", "8021 0405000a 030600000000" },
	{ false, "8021 0105000a 03060a000001", "8021 0405000a 03060a000001" },
	{ false, "8021 01050004", "8021 0305000a 030600000000" },
	/* The obsolete form: his address, then ours. */
	{ true, "8021 0105000e 010a0a0000020a000001", "8021 0205000e 010a0a0000020a000001" },
	{ true, "8021 0105000e 010a0000000000000000", "8021 0305000e 010a0a0000020a000001" },
	{ true, "8021 0105000e 010a0a0000020a000007", "8021 0305000e 010a0a0000020a000001" },
	{ true, "8021 01050014 010a0a0000020a000001 03060a000002", "8021 02050014 010a0a0000020a000001 03060a000002" },
	{ false, "8021 0105000e 010a0000000000000000", "8021 0405000e 010a0000000000000000" },
	/* Compression is Rejected, and Reject beats Nak. */
	{ true, "8021 0105000a 0206002d0f01", "8021 0405000a 0206002d0f01" },
	{ true, "8021 01050010 0206002d0f01 030600000000", "8021 0405000a 0206002d0f01" },
	{ true, "8021 01050008 0204002d", "8021 04050008 0204002d" },
	/* No servers here. */
	{ true, "8021 01050016 03060a000002 810600000000 820600000000", "8021 04050010 810600000000 820600000000" },
	/* Unknown, wrong length, malformed. */
	{ true, "8021 01050006 9002", "8021 04050006 9002" },
	{ true, "8021 01050009 03050a0000", "8021 04050009 03050a0000" },
	{ true, "8021 01050008 0300 0a00", "8021 04050008 0300 0a00" },
	{ true, "8021 01050010 03060a000002 030600000000", "8021 02050010 03060a000002 030600000000" },
};

static void answers_as_pppd(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		struct rig *rig = opened(A(10, 0, 0, 1), answers[i].remote ? A(10, 0, 0, 2) : 0);
		rig_skip(rig);
		rig_feed(rig, answers[i].request);
		CU_ASSERT_TRUE(rig_sent(rig, answers[i].reply));
		rig_free(rig);
	}
}

static void a_missing_address_is_nakked_once(void)
{
	struct rig *rig = opened(A(10, 0, 0, 1), A(10, 0, 0, 2));

	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 01050004");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0305000a 03060a000002"));
	rig_feed(rig, "8021 01060004");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 02060004"));
	CU_ASSERT_NOT_EQUAL(strstr(rig->events->str, "up 10.0.0.1 10.0.0.2;"), NULL);
	rig_free(rig);

	rig = rig_new();
	give(rig, A(10, 0, 0, 1), 0);
	rig->config->ipcp.noremoteip = true;
	rig_open_lcp(rig);
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 01050004");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 02050004"));
	CU_ASSERT_NOT_EQUAL(strstr(rig->events->str, "up 10.0.0.1 0.0.0.0;"), NULL);
	CU_ASSERT_EQUAL(rig_logged(rig, "remote IP address"), 0);
	rig_free(rig);
}

static void accept_options(void)
{
	struct rig *rig = rig_new();

	give(rig, A(10, 0, 0, 1), A(10, 0, 0, 2));
	rig->config->ipcp.accept_local = rig->config->ipcp.accept_remote = true;
	rig_open_lcp(rig);
	rig_skip(rig);
	rig_feed(rig, "8021 0301000a 03060a000011");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0102000a 03060a000011"));
	rig_feed(rig, "8021 0105000a 03060a000012");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0205000a 03060a000012"));
	rig_feed(rig, "8021 0105000a 030600000000");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0305000a 03060a000012"));
	rig_free(rig);
}

static void a_given_local_address_is_insisted_on(void)
{
	struct rig *rig = opened(A(10, 0, 0, 1), A(10, 0, 0, 2));
	char nak[64];

	rig->config->ipcp.limits.max_failure = 5;
	for (unsigned id = 1; id < 5; id++) {
		char want[64];
		rig_skip(rig);
		g_snprintf(nak, sizeof(nak), "8021 03%.2x000a 03060a000011", id);
		rig_feed(rig, nak);
		g_snprintf(want, sizeof(want), "8021 01%.2x000a 03060a000001", id + 1);
		CU_ASSERT_TRUE(rig_sent(rig, want));
	}
	rig_feed(rig, "8021 0305000a 03060a000011");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 01060004"));
	rig_feed(rig, "8021 02060004");
	rig_feed(rig, "8021 0107000a 03060a000002");
	CU_ASSERT_EQUAL(rig_logged(rig, "Peer refused to agree to our IP address"), 1);
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0207000a 03060a000002"));
	CU_ASSERT_TRUE(g_str_has_prefix(rig_next(rig), "80210507"));
	rig_free(rig);
}

/* IPCP gives up, and LCP with it: nothing else is left. */
static void ends_with(const char *message, const char *reason, struct rig *rig)
{
	CU_ASSERT_EQUAL(rig_logged(rig, message), 1);
	GString *hex = g_string_new(NULL);
	for (const char *p = reason; *p; p++)
		g_string_append_printf(hex, "%.2x", (unsigned char)*p);
	const char *sent = rig_next(rig);
	while (*sent && !g_str_has_prefix(sent, "802105"))
		sent = rig_next(rig);
	CU_ASSERT_PTR_NOT_NULL(strstr(sent, hex->str));
	g_string_free(hex, TRUE);
	rig_advance(rig, 6 * CLOCK_SECOND);
	CU_ASSERT_PTR_NULL(strstr(rig->events->str, "up "));
	rig_advance(rig, 6 * CLOCK_SECOND);
	CU_ASSERT_TRUE(g_str_has_suffix(rig->events->str, "finished 10;"));
	rig_free(rig);
}

static void ends_without_addresses(void)
{
	struct rig *rig = opened(A(10, 0, 0, 1), A(10, 0, 0, 2));

	rig_answer(rig, PPP_IPCP, 4);
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 0105000a 03060a000002");
	ends_with("Peer refused to agree to our IP address", "Refused our IP address", rig);

	rig = opened(0, A(10, 0, 0, 2));
	rig_answer(rig, PPP_IPCP, 4);
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 0105000a 03060a000002");
	ends_with("Could not determine local IP address", "Could not determine local IP address", rig);

	rig = opened(A(10, 0, 0, 1), A(10, 0, 0, 2));
	rig->config->ipcp.limits.max_failure = 3;
	rig_answer(rig, PPP_IPCP, 2);
	for (unsigned id = 5; id < 9; id++) {
		char request[64];
		g_snprintf(request, sizeof(request), "8021 01%.2x000a 03060a000003", id);
		rig_feed(rig, request);
	}
	rig_feed(rig, "8021 01090004");
	ends_with("Peer refused to agree to his IP address", "Refused his IP address", rig);

	rig = opened(A(10, 0, 0, 1), 0);
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 0105000a 03067f000001");
	ends_with("Peer is not authorized to use remote address 127.0.0.1", "Unauthorized remote IP address", rig);
}

static void an_unknown_remote_address_has_a_default(void)
{
	struct rig *rig = rig_new();

	give(rig, A(10, 0, 0, 1), 0);
	rig->config->net.unit = 3;
	rig_open_lcp(rig);
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 0105000a 030600000000");
	rig_feed(rig, "8021 01060004");
	CU_ASSERT_EQUAL(rig_logged(rig, "Could not determine remote IP address: defaulting to 10.64.64.67"), 1);
	CU_ASSERT_NOT_EQUAL(strstr(rig->events->str, "up 10.0.0.1 10.64.64.67;"), NULL);
	rig_free(rig);
}

static void a_refused_default_address_is_used(void)
{
	struct rig *rig = rig_new();

	rig_open_lcp(rig);
	rig_answer(rig, PPP_IPCP, 4);
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 0105000a 03060a090909");
	CU_ASSERT_NOT_EQUAL(strstr(rig->events->str, "up 10.0.2.2 10.9.9.9;"), NULL);
	rig_free(rig);
}

static void a_learnt_address_is_asked_for_again(void)
{
	struct rig *rig = opened(0, 0);

	rig_skip(rig);
	rig_feed(rig, "8021 0301000a 0306c0a80007");
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 0105000a 0306c0a80001");
	CU_ASSERT_NOT_EQUAL(strstr(rig->events->str, "up 192.168.0.7 192.168.0.1;"), NULL);
	CU_ASSERT_EQUAL(rig_logged(rig, "local  IP address 192.168.0.7"), 1);
	CU_ASSERT_EQUAL(rig_logged(rig, "remote IP address 192.168.0.1"), 1);
	ppp_line_down(rig->ppp);
	rig_skip(rig);
	rig_start(rig);
	rig_answer(rig, PPP_LCP, 2);
	rig_feed(rig, "c021 01010004");
	rig_next(rig);
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0103000a 0306c0a80007"));
	rig_free(rig);
}

/* Name servers, RFC 1877 */

static void servers_are_told(void)
{
	struct rig *rig = rig_new();

	give(rig, A(10, 0, 0, 1), 0);
	rig->config->ipcp.dns[0] = A(8, 8, 8, 8);
	rig->config->ipcp.dns[1] = A(8, 8, 4, 4);
	rig->config->ipcp.wins[0] = rig->config->ipcp.wins[1] = A(10, 0, 0, 5);
	rig_open_lcp(rig);
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 01050022 03060a000002 810600000000 830600000000 820600000000 840600000000");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0305001c 810608080808 830608080404 82060a000005 84060a000005"));
	rig_feed(rig, "8021 01060016 03060a000002 810608080808 84060a000005");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 02060016 03060a000002 810608080808 84060a000005"));
	rig_free(rig);
}

static void our_resolver_is_told_where_no_server_is_given(void)
{
	struct rig *rig = rig_new();

	rig_open_lcp(rig);
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 01050010 03060a090909 810600000000");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0305000a 81060a000203"));
	rig_feed(rig, "8021 01060010 03060a090909 81060a000203");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 02060010 03060a090909 81060a000203"));
	rig_free(rig);

	rig = rig_new();
	rig_open_lcp(rig);
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 01050010 03060a000203 810600000000");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0405000a 810600000000"));
	rig_free(rig);
}

static void servers_are_learnt(void)
{
	struct rig *rig = rig_new();

	rig->config->ipcp.usepeerdns = true;
	rig_open_lcp(rig);
	rig_skip(rig);
	rig_feed(rig, "8021 03010010 810608080808 830608080404");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 01020016 03060a000202 810608080808 830608080404"));
	rig_feed(rig, "8021 0402000a 830608080404");
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 0105000a 03060a090909");
	CU_ASSERT_EQUAL(rig->addresses.peer_dns[0], A(8, 8, 8, 8));
	CU_ASSERT_EQUAL(rig->addresses.peer_dns[1], 0);
	CU_ASSERT_EQUAL(rig_logged(rig, "primary   DNS address 8.8.8.8"), 1);
	CU_ASSERT_EQUAL(rig_logged(rig, "secondary DNS address"), 0);
	rig_free(rig);
}

static void a_volunteered_server_is_taken(void)
{
	struct rig *rig = rig_new();

	rig_open_lcp(rig);
	rig_skip(rig);
	rig_feed(rig, "8021 0301000a 830608080404");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 01020010 03060a000202 830608080404"));
	rig_feed(rig, "8021 02020010 03060a000202 830608080404");
	rig_feed(rig, "8021 0105000a 03060a090909");
	CU_ASSERT_EQUAL(rig->addresses.peer_dns[1], A(8, 8, 4, 4));
	CU_ASSERT_EQUAL(rig_logged(rig, "secondary DNS address 8.8.4.4"), 1);
	rig_free(rig);
}

/* Peers and the default address */

/* A pppd with an address of its own accepts any of ours, and insists: it had Ack'ed our request already. */
static void an_insisting_peer_gets_our_default(void)
{
	for (int round = 0; round < 50; round++) {
		struct rig *rig = rig_new();
		unsigned id = 5;
		rig_open_lcp(rig);
		rig_answer(rig, PPP_IPCP, 2);
		for (const char *sent = ""; !g_str_has_prefix(sent, "8021010") && id < 7; id++) {
			char request[64];
			g_snprintf(request, sizeof(request), "8021 01%.2x000a 03060a000202", id);
			rig_feed(rig, request);
			sent = rig_next(rig);
			bool nakked = g_str_has_prefix(sent, "802103") && g_str_has_suffix(sent, "03060a00020f");
			CU_ASSERT_TRUE(nakked || strcmp(sent, "80210102000a03060a00020f") == 0);
		}
		CU_ASSERT_TRUE(strncmp(rig_next(rig), "802102", 6) == 0);
		CU_ASSERT_PTR_NULL(strstr(rig->events->str, "up "));
		rig_feed(rig, "8021 0202000a 03060a00020f");
		CU_ASSERT_PTR_NOT_NULL(strstr(rig->events->str, "up 10.0.2.15 10.0.2.2;"));
		rig_free(rig);
	}
}

static void a_repeated_request_is_no_insisting(void)
{
	unsigned naks = 0;

	for (int round = 0; round < 200; round++) {
		struct rig *rig = rig_new();
		rig_open_lcp(rig);
		rig_answer(rig, PPP_IPCP, 2);
		rig_feed(rig, "8021 0105000a 03060a000202");
		rig_feed(rig, "8021 0105000a 03060a000202");
		naks += g_str_has_prefix(rig_next(rig), "802103") && g_str_has_prefix(rig_next(rig), "802103") ? 1 : 0;
		rig_free(rig);
	}
	CU_ASSERT_TRUE(naks > 20);
}

static void a_nak_with_the_peers_own_address_is_not_followed(void)
{
	struct rig *rig = rig_new();

	rig_open_lcp(rig);
	rig_skip(rig);
	rig_feed(rig, "8021 0105000a 03060a090909");
	rig_skip(rig);
	rig_feed(rig, "8021 0301000a 03060a090909");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0102000a 03060a000202"));
	rig_free(rig);
}

static void terminated_ipcp_ends_the_link(void)
{
	struct rig *rig = rig_new();

	rig_open_ipcp(rig);
	g_string_truncate(rig->events, 0);
	rig_feed(rig, "8021 05070004");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 06070004"));
	CU_ASSERT_EQUAL(rig_logged(rig, "IPCP terminated by peer"), 1);
	CU_ASSERT_STRING_EQUAL(rig->events->str, "down;phase 7;");
	rig_advance(rig, 3 * CLOCK_SECOND);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05020020 4e6f206e6574776f726b2070726f746f636f6c732072756e6e696e67"));
	rig_feed(rig, "c021 06020004");
	CU_ASSERT_STRING_EQUAL(rig->events->str, "down;phase 7;phase 9;phase 0;finished 0;");
	rig_free(rig);
}

static void renegotiation_of_ipcp_alone(void)
{
	struct rig *rig = rig_new();

	rig_open_ipcp(rig);
	g_string_truncate(rig->events, 0);
	rig_feed(rig, "8021 0133000a 03060a090908");
	CU_ASSERT_STRING_EQUAL(rig->events->str, "down;phase 7;");
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0102000a 03060a000202"));
	CU_ASSERT_TRUE(rig_sent(rig, "8021 0233000a 03060a090908"));
	rig_feed(rig, "8021 0202000a 03060a000202");
	CU_ASSERT_STRING_EQUAL(rig->events->str, "down;phase 7;up 10.0.2.2 10.9.9.8;phase 8;");
	rig_free(rig);
}

/* SLiRP asks for 0.0.0.0 and, in the same breath, wants us to have what it is then told to take. */
static void what_the_peer_has_from_us_is_no_wish(void)
{
	for (guint32 seed = 0; seed < 20; seed++) {
		struct rig *rig = rig_new();

		g_random_set_seed(seed);
		config_finish(rig->config, true, false);
		rig_open_lcp(rig);
		rig_skip(rig);
		rig_feed(rig, "8021 0101000a 0306 00000000");
		CU_ASSERT_TRUE(rig_sent(rig, "8021 0301000a 0306 0a00020f"));
		rig_feed(rig, "8021 0301000a 0306 0a00020f");
		CU_ASSERT_TRUE(rig_sent(rig, "8021 0102000a 0306 0a00020f"));
		rig_feed(rig, "8021 0102000a 0306 0a00020f");
		CU_ASSERT_TRUE(rig_sent(rig, "8021 0302000a 0306 0a000202"));
		rig_free(rig);
	}
}

const struct unit_test unit_tests[] = {
	{ "ipcp: first requests", first_requests },
	{ "ipcp: noip ends the link", no_ip_ends_the_link },
	{ "ipcp: answers to the peer's options (RFC 1332 section 3)", answers_as_pppd },
	{ "ipcp: a missing address is Nak'ed once (RFC 1332 section 3.3)", a_missing_address_is_nakked_once },
	{ "ipcp: ipcp-accept-local, ipcp-accept-remote", accept_options },
	{ "ipcp: a given local address is insisted on", a_given_local_address_is_insisted_on },
	{ "ipcp: ends without addresses", ends_without_addresses },
	{ "ipcp: an unknown remote address has a default", an_unknown_remote_address_has_a_default },
	{ "ipcp: a refused default address is used", a_refused_default_address_is_used },
	{ "ipcp: a learnt address is asked for again", a_learnt_address_is_asked_for_again },
	{ "ipcp: servers are told (RFC 1877)", servers_are_told },
	{ "ipcp: our resolver is told where no server is given", our_resolver_is_told_where_no_server_is_given },
	{ "ipcp: servers are learnt (RFC 1877)", servers_are_learnt },
	{ "ipcp: a volunteered server is taken", a_volunteered_server_is_taken },
	{ "ipcp: an insisting peer gets our default address", an_insisting_peer_gets_our_default },
	{ "ipcp: a repeated request is no insisting", a_repeated_request_is_no_insisting },
	{ "ipcp: a Nak with the peer's own address is not followed", a_nak_with_the_peers_own_address_is_not_followed },
	{ "ipcp: terminated by the peer, it ends the link", terminated_ipcp_ends_the_link },
	{ "ipcp: a Configure-Request in Opened (RFC 1661 section 4.3)", renegotiation_of_ipcp_alone },
	{ "ipcp: what the peer has from us is no wish of its own", what_the_peer_has_from_us_is_no_wish },
	{ 0 },
};
