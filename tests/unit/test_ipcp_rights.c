/* ipcp: what the peer is granted: header compression (RFC 1332 section 4), and addresses by right (pppd's secrets files, allow-ip). IPCP
 * alone, with the test as its peer. */
#include "unit.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "ppp/ipcp.h"
#include "ppp/ppp.h"

#define A(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

struct rig {
	struct clock clock;
	struct ipcp_config config;
	struct rights rights;
	struct ipcp ipcp;
	GQueue sent; /* of hexadecimal text */
	GString *log;
	unsigned ups;
};

static void on_send(void *arg, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct rig *rig = arg;
	GString *hex = g_string_new(NULL);

	CU_ASSERT_EQUAL(protocol, PPP_IPCP);
	for (size_t i = 0; i < len; i++)
		g_string_append_printf(hex, "%.2x", packet[i]);
	g_queue_push_tail(&rig->sent, g_string_free(hex, FALSE));
}

static void nothing(void *arg)
{
	(void)arg;
}

static void on_up(void *arg)
{
	((struct rig *)arg)->ups++;
}

static const struct cp_host host = { .send = on_send, .enter = nothing, .leave = nothing };
static const struct ipcp_events events = { .up = on_up, .down = nothing, .finished = nothing };

static void on_log(void *arg, int priority, const char *line)
{
	(void)priority;
	g_string_append_printf(((struct rig *)arg)->log, "%s\n", line);
}

/* We are 10.0.0.1, and have no idea of the peer's address. */
static struct rig *rig_new(void)
{
	struct rig *rig = g_new0(struct rig, 1);

	clock_init(&rig->clock, 0);
	rig->config = (struct ipcp_config){ .enabled = true, .local = A(10, 0, 0, 1), .vj = true, .vj_cid = true, .vj_max_slots = 16,
					    .limits = { 3, 10, 2, 100 } };
	rig->rights.addresses = g_array_new(FALSE, FALSE, sizeof(struct address_rule));
	rig->log = g_string_new(NULL);
	g_queue_init(&rig->sent);
	log_set_sink(on_log, rig);
	ipcp_init(&rig->ipcp, &rig->config, 0, &rig->clock, 1500, &host, rig, &events, rig);
	return rig;
}

static void start(struct rig *rig)
{
	cp_up(&rig->ipcp.cp);
	cp_open(&rig->ipcp.cp);
}

static struct rig *started(void)
{
	struct rig *rig = rig_new();

	start(rig);
	return rig;
}

static void rig_free(struct rig *rig)
{
	ipcp_free(&rig->ipcp);
	rights_clear(&rig->rights);
	g_queue_clear_full(&rig->sent, g_free);
	log_set_sink(NULL, NULL);
	g_string_free(rig->log, TRUE);
	g_free(rig);
}

/* The next packet sent is PATTERN (blanks do not count). */
static bool sent(struct rig *rig, const char *pattern)
{
	char *got = g_queue_pop_head(&rig->sent);
	char **words = g_strsplit(pattern, " ", -1);
	char *want = g_strjoinv("", words);
	bool same = g_strcmp0(got, want) == 0;

	if (!same)
		printf("# sent %s instead of %s\n", got, want);
	g_strfreev(words);
	g_free(want);
	g_free(got);
	return same;
}

static void feed(struct rig *rig, const char *hex)
{
	uint8_t bytes[256];
	size_t digits = 0;

	for (const char *p = hex; *p; p++) {
		if (*p == ' ')
			continue;
		uint8_t digit = (uint8_t)g_ascii_xdigit_value(*p);
		bytes[digits / 2] = (uint8_t)(digits % 2 ? bytes[digits / 2] << 4 | digit : digit);
		digits++;
	}
	cp_input(&rig->ipcp.cp, bytes, digits / 2);
}

/* The test Acks our last request, and asks for OPTIONS (of LENGTH with the header) itself. */
static void agree(struct rig *rig, const char *request)
{
	char *ours = g_queue_pop_tail(&rig->sent);

	ours[1] = '2';
	feed(rig, ours);
	g_free(ours);
	feed(rig, request);
}

/* Compression */

static void first_requests(void)
{
	struct rig *rig = started();

	CU_ASSERT_TRUE(sent(rig, "01010010 0206002d0f01 03060a000001"));
	rig_free(rig);
	rig = rig_new();
	rig->config.vj_cid = false;
	rig->config.vj_max_slots = 4;
	start(rig);
	CU_ASSERT_TRUE(sent(rig, "01010010 0206002d0300 03060a000001"));
	rig_free(rig);
	rig = rig_new();
	rig->config.vj = false;
	start(rig);
	CU_ASSERT_TRUE(sent(rig, "0101000a 03060a000001"));
	rig_free(rig);
}

/* With SLOTS, and numbers compressed or not, the peer asks, is told, and we may send it that. */
static const struct {
	unsigned slots;
	bool cid;
	const char *request, *reply;
	unsigned send_slots;
	bool send_cid;
} judged[] = {
	{ 16, true, "01050010 0206002d0f01 03060a000002", "02050010 0206002d0f01 03060a000002", 16, true },
	{ 16, true, "01050010 0206002d0300 03060a000002", "02050010 0206002d0300 03060a000002", 4, false },
	{ 16, true, "01050010 0206002d0001 03060a000002", "02050010 0206002d0001 03060a000002", 1, true },
	{ 16, true, "0105000e 0204002d 03060a000002", "0205000e 0204002d 03060a000002", 16, true },
	{ 16, true, "0105000e 02040037 03060a000002", "0205000e 02040037 03060a000002", 16, true },
	{ 16, true, "0105000a 03060a000002", "0205000a 03060a000002", 0, false },
	{ 4, true, "01050010 0206002d0f01 03060a000002", "0305000a 0206002d0301", 4, true },
	{ 16, false, "01050010 0206002d0f01 03060a000002", "0305000a 0206002d0f00", 16, false },
	{ 4, false, "01050010 0206002dff01 03060a000002", "0305000a 0206002d0300", 4, false },
	/* RFC 1332's length with RFC 1172's number, other protocols, other lengths. */
	{ 16, true, "01050010 020600370f01 03060a000002", "0405000a 020600370f01", 0, false },
	{ 16, true, "01050010 020600610f01 03060a000002", "0405000a 020600610f01", 0, false },
	{ 16, true, "0105000e 02040061 03060a000002", "04050008 02040061", 0, false },
	{ 16, true, "0105000f 0205002d0f 03060a000002", "04050009 0205002d0f", 0, false },
	{ 16, true, "01050011 0207002d0f0100 03060a000002", "0405000b 0207002d0f0100", 0, false },
	{ 16, true, "0105000d 020300 03060a000002", "04050007 020300", 0, false },
	/* Duplicates (ppp cc8b00c): the first counts. */
	{ 16, true, "01050016 0206002d0301 0206002d0f01 03060a000002", "02050016 0206002d0301 0206002d0f01 03060a000002", 4, true },
};

static void requests_are_judged_as_by_pppd(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(judged); i++) {
		struct rig *rig = rig_new();
		rig->config.vj_max_slots = judged[i].slots;
		rig->config.vj_cid = judged[i].cid;
		start(rig);
		agree(rig, judged[i].request);
		bool ok = sent(rig, judged[i].reply) && rig->ipcp.vj_send.slots == judged[i].send_slots &&
			  rig->ipcp.vj_send.compress_id == judged[i].send_cid;
		CU_ASSERT_TRUE(ok);
		if (!ok)
			printf("# row %zu\n", i);
		rig_free(rig);
	}
}

/* Answers to our request, what we ask for then, and what we receive in the end. */
static const struct {
	const char *answer, *again;
	unsigned slots;
	bool cid;
} answered[] = {
	{ "0301000a 0206002d0300", "01020010 0206002d0300 03060a000001", 4, false },
	{ "0301000a 0206002d0f00", "01020010 0206002d0f00 03060a000001", 16, false },
	{ "0301000a 0206002dff01", "01020010 0206002d0f01 03060a000001", 16, true },
	{ "03010008 02040037", "0102000e 02040037 03060a000001", 16, true },
	{ "03010008 0204002d", "0102000e 0204002d 03060a000001", 16, true },
	{ "03010008 02040061", "0102000a 03060a000001", 0, false },
	{ "0301000a 020600610f01", "0102000a 03060a000001", 0, false },
	{ "0301000b 0207002d0f0100", "0102000a 03060a000001", 0, false },
	{ "0401000a 0206002d0f01", "0102000a 03060a000001", 0, false },
};

static void answers_to_ours(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answered); i++) {
		struct rig *rig = started();
		g_free(g_queue_pop_head(&rig->sent));
		feed(rig, answered[i].answer);
		char *ours = g_strdup(g_queue_peek_tail(&rig->sent));
		bool ok = sent(rig, answered[i].again);
		g_queue_push_tail(&rig->sent, ours);
		agree(rig, "0105000a 03060a000002");
		ok = ok && rig->ups == 1 && rig->ipcp.vj_receive.slots == answered[i].slots;
		CU_ASSERT_TRUE(ok && (answered[i].slots == 0 || rig->ipcp.vj_receive.compress_id == answered[i].cid));
		CU_ASSERT_EQUAL(rig->ipcp.vj_send.slots, 0);
		if (!ok)
			printf("# row %zu\n", i);
		rig_free(rig);
	}
}

/* Where we do not compress, a Nak that wants it is not followed. */
static void a_nak_of_what_we_did_not_ask_for(void)
{
	struct rig *rig = rig_new();

	rig->config.vj = false;
	start(rig);
	g_free(g_queue_pop_head(&rig->sent));
	feed(rig, "0301000a 0206002d0f01");
	CU_ASSERT_TRUE(sent(rig, "0102000a 03060a000001"));
	feed(rig, "0105000a 0206002d0f01");
	CU_ASSERT_TRUE(sent(rig, "0405000a 0206002d0f01"));
	rig_free(rig);
}

/* Rights */

static void permit(struct rig *rig, bool yes, uint32_t address, unsigned bits)
{
	uint32_t mask = bits ? UINT32_MAX << (32 - bits) : 0;
	const struct address_rule rule = { yes, address & mask, mask };

	g_array_append_val(rig->rights.addresses, rule);
}

/* The peer asks for ADDRESS: it comes up, or is refused, as pppd says. */
static void judge(struct rig *rig, uint32_t address, bool allowed)
{
	char request[64], message[96];

	start(rig);
	g_snprintf(request, sizeof(request), "0105000a 0306%.8x", address);
	agree(rig, request);
	g_snprintf(message, sizeof(message), "Peer is not authorized to use remote address %u.%u.%u.%u\n", address >> 24, address >> 16 & 255,
		   address >> 8 & 255, address & 255);
	CU_ASSERT_EQUAL(rig->ups, allowed);
	CU_ASSERT_EQUAL(strstr(rig->log->str, message) != NULL, !allowed);
	const char *last = g_queue_peek_tail(&rig->sent);
	bool closed = g_str_has_prefix(last, "0502") && strstr(last, "556e617574686f72697a65642072656d6f7465204950");
	CU_ASSERT_EQUAL(closed, !allowed);
	rig_free(rig);
}

static struct rig *with_rules(void)
{
	struct rig *rig = rig_new();

	permit(rig, false, A(10, 1, 0, 9), 32);
	permit(rig, true, A(10, 1, 0, 0), 24);
	permit(rig, true, A(10, 2, 0, 7), 32);
	ipcp_set_rights(&rig->ipcp, &rig->rights, NULL);
	return rig;
}

static void the_first_rule_decides(void)
{
	judge(with_rules(), A(10, 1, 0, 8), true);
	judge(with_rules(), A(10, 1, 0, 9), false);
	judge(with_rules(), A(10, 2, 0, 7), true);
	judge(with_rules(), A(10, 2, 0, 8), false);
}

static void no_addresses_no_right(void)
{
	struct rig *rig = rig_new();

	ipcp_set_rights(&rig->ipcp, &rig->rights, NULL);
	judge(rig, A(10, 1, 0, 8), false);
	rig = rig_new();
	rights_clear(&rig->rights);
	ipcp_set_rights(&rig->ipcp, &rig->rights, NULL);
	judge(rig, A(10, 1, 0, 8), false);
	/* Rights go before allow-ip. */
	rig = rig_new();
	permit(rig, true, 0, 0);
	ipcp_set_rights(&rig->ipcp, &(struct rights){ .addresses = NULL }, rig->rights.addresses);
	judge(rig, A(10, 1, 0, 8), false);
}

static void a_peer_that_proved_nothing(void)
{
	struct rig *rig = rig_new();

	ipcp_set_rights(&rig->ipcp, NULL, rig->rights.addresses);
	judge(rig, A(10, 1, 0, 8), true);
	rig = rig_new();
	ipcp_set_rights(&rig->ipcp, NULL, NULL);
	judge(rig, A(10, 1, 0, 8), true);
	rig = rig_new();
	permit(rig, true, A(10, 3, 0, 0), 16);
	ipcp_set_rights(&rig->ipcp, NULL, rig->rights.addresses);
	judge(rig, A(10, 1, 0, 8), false);
}

static void addresses_that_nobody_has(void)
{
	static const uint32_t bad[] = { A(127, 0, 0, 1), A(224, 0, 0, 1), A(239, 1, 2, 3), A(240, 0, 0, 1), A(255, 255, 255, 255) };

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct rig *rig = rig_new();
		permit(rig, true, 0, 0);
		ipcp_set_rights(&rig->ipcp, &rig->rights, NULL);
		judge(rig, bad[i], false);
	}
}

/* The peer asks for REQUEST; what it is told. */
static void told(struct rig *rig, const char *request, const char *reply)
{
	ipcp_set_rights(&rig->ipcp, &rig->rights, NULL);
	start(rig);
	g_free(g_queue_pop_head(&rig->sent));
	feed(rig, request);
	CU_ASSERT_TRUE(sent(rig, reply));
	rig_free(rig);
}

static struct rig *with_one(void)
{
	struct rig *rig = rig_new();

	permit(rig, true, A(10, 2, 0, 7), 32);
	return rig;
}

static struct rig *with_two(void)
{
	struct rig *rig = with_one();

	permit(rig, true, A(10, 3, 0, 0), 16);
	return rig;
}

static void a_single_address_is_offered(void)
{
	told(with_one(), "0105000a 030600000000", "0305000a 03060a020007");
	told(with_one(), "0105000a 03060a030001", "0305000a 03060a020007");
	told(with_one(), "0105000a 03060a020007", "0205000a 03060a020007");
	told(with_one(), "01050004", "0305000a 03060a020007");
	told(with_two(), "0105000a 030600000000", "0305000a 03060a020007");
	told(with_two(), "0105000a 03060a030001", "0205000a 03060a030001");
}

static void a_given_address_and_the_rules(void)
{
	struct rig *rig = with_two();

	/* Permitted: it stands. Forbidden: the single one is offered instead. The program's own default always gives way. */
	rig->config.remote = A(10, 3, 0, 9);
	told(rig, "0105000a 030600000000", "0305000a 03060a030009");
	rig = with_two();
	rig->config.remote = A(10, 9, 0, 9);
	told(rig, "0105000a 030600000000", "0305000a 03060a020007");
	rig = with_two();
	rig->config.remote = A(10, 3, 0, 9);
	rig->config.remote_default = true;
	told(rig, "0105000a 030600000000", "0305000a 03060a020007");
	/* A default that is forbidden is not offered. */
	rig = rig_new();
	permit(rig, true, A(10, 3, 0, 0), 16);
	rig->config.remote = A(10, 0, 2, 15);
	rig->config.remote_default = true;
	told(rig, "0105000a 030600000000", "0405000a 030600000000");
}

/* The one address that the peer may have is our own: where ours is firm there is none for it, else we move. */
static void the_only_right_is_to_our_address(void)
{
	struct rig *rig = rig_new();

	permit(rig, true, A(10, 0, 0, 1), 32);
	told(rig, "0105000a 030600000000", "0405000a 030600000000");
	rig = rig_new();
	permit(rig, true, A(10, 0, 2, 2), 32);
	rig->config.local = A(10, 0, 2, 2);
	rig->config.remote = A(10, 0, 2, 15);
	rig->config.local_default = rig->config.remote_default = true;
	ipcp_set_rights(&rig->ipcp, &rig->rights, NULL);
	start(rig);
	CU_ASSERT_TRUE(sent(rig, "01010010 0206002d0f01 03060a00020f"));
	feed(rig, "0105000a 03060a000202");
	CU_ASSERT_TRUE(sent(rig, "0205000a 03060a000202"));
	rig_free(rig);
}

const struct unit_test unit_tests[] = {
	{ "ipcp: <compress VJ 0f 01> is asked for (RFC 1332 section 4)", first_requests },
	{ "ipcp: requests for compression are judged as by pppd (RFC 1332 section 4; duplicates: ppp cc8b00c)", requests_are_judged_as_by_pppd },
	{ "ipcp: answers to our request for compression", answers_to_ours },
	{ "ipcp: a Nak that wants compression with novj", a_nak_of_what_we_did_not_ask_for },
	{ "ipcp: the first address rule decides", the_first_rule_decides },
	{ "ipcp: no addresses, no right", no_addresses_no_right },
	{ "ipcp: a peer that proved nothing, allow-ip", a_peer_that_proved_nothing },
	{ "ipcp: addresses that nobody has", addresses_that_nobody_has },
	{ "ipcp: a single address is offered", a_single_address_is_offered },
	{ "ipcp: a given address and the rules", a_given_address_and_the_rules },
	{ "ipcp: the only right is to our own address", the_only_right_is_to_our_address },
	{ 0 },
};
