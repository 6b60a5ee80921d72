/* ipv6cp: identifiers against RFC 5072 and pppd's rules, alone with the test as its peer, and two ends joined. */
#include "unit.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "ppp/ipv6cp.h"
#include "ppp/ppp.h"

struct end {
	struct end *other;   /* NULL: the peer is the test */
	struct ipv6cp_config config;
	struct clock *clock;
	struct ipv6cp cp;
	GQueue sent;         /* of GBytes */
	unsigned ups, downs, finished;
};

struct rig {
	struct clock clock;
	struct end end[2];
	GString *log;
};

static void on_send(void *arg, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct end *end = arg;

	CU_ASSERT_EQUAL(protocol, PPP_IPV6CP);
	g_queue_push_tail(&end->sent, g_bytes_new(packet, len));
}

static void nothing(void *arg)
{
	(void)arg;
}

static void on_up(void *arg)
{
	struct end *end = arg;

	end->ups++;
	ipv6cp_announce(&end->cp);
}

static void on_down(void *arg)
{
	((struct end *)arg)->downs++;
}

static void on_finished(void *arg)
{
	((struct end *)arg)->finished++;
}

static const struct cp_host host = { .send = on_send, .enter = nothing, .leave = nothing };
static const struct ipcp_events events = { .up = on_up, .down = on_down, .finished = on_finished };

static void on_log(void *arg, int priority, const char *line)
{
	(void)priority;
	g_string_append_printf(((struct rig *)arg)->log, "%s\n", line);
}

static struct rig *rig_new(uint64_t local, uint64_t remote)
{
	struct rig *rig = g_new0(struct rig, 1);

	clock_init(&rig->clock, 0);
	rig->log = g_string_new(NULL);
	log_set_sink(on_log, rig);
	for (unsigned i = 0; i < 2; i++) {
		rig->end[i].config = (struct ipv6cp_config){ .enabled = true, .limits = { 3, 10, 2, 5 } };
		g_queue_init(&rig->end[i].sent);
	}
	rig->end[0].config.local = local;
	rig->end[0].config.remote = remote;
	return rig;
}

static void start(struct rig *rig, unsigned i, uint32_t local_ip, uint32_t remote_ip, const char *number)
{
	struct end *end = &rig->end[i];

	ipv6cp_init(&end->cp, &end->config, local_ip, remote_ip, number, &rig->clock, 1500, &host, end, &events, end);
	cp_up(&end->cp.cp);
	cp_open(&end->cp.cp);
}

static struct rig *started(uint64_t local, uint64_t remote)
{
	struct rig *rig = rig_new(local, remote);

	start(rig, 0, 0, 0, NULL);
	return rig;
}

static void rig_free(struct rig *rig)
{
	for (unsigned i = 0; i < 2; i++) {
		if (rig->end[i].cp.cp.protocol)
			ipv6cp_free(&rig->end[i].cp);
		g_queue_clear_full(&rig->end[i].sent, (GDestroyNotify)g_bytes_unref);
	}
	log_set_sink(NULL, NULL);
	g_string_free(rig->log, TRUE);
	g_free(rig);
}

static bool logged(const struct rig *rig, const char *line)
{
	return strstr(rig->log->str, line) != NULL;
}

/* The next packet sent, as hexadecimal text; "" when there is none. */
static const char *next_sent(struct rig *rig)
{
	static char text[4096];
	GBytes *packet = g_queue_pop_head(&rig->end[0].sent);
	gsize len;

	text[0] = '\0';
	if (!packet)
		return text;
	const uint8_t *bytes = g_bytes_get_data(packet, &len);
	for (gsize i = 0; i < len; i++)
		g_snprintf(text + 2 * i, 3, "%.2x", bytes[i]);
	g_bytes_unref(packet);
	return text;
}

static bool sent(struct rig *rig, const char *pattern)
{
	const char *got = next_sent(rig);
	bool same = strlen(got) == strlen(pattern);

	for (size_t i = 0; same && pattern[i]; i++)
		same = pattern[i] == '?' || pattern[i] == got[i];
	if (!same)
		printf("# sent %s instead of %s\n", got, pattern);
	return same;
}

/* In memory of its own size. */
static void feed(struct rig *rig, const char *hex)
{
	size_t len = strlen(hex) / 2;
	uint8_t *bytes = g_malloc(len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));
	cp_input(&rig->end[0].cp.cp, bytes, len);
	g_free(bytes);
}

/* The test Acks our last request. */
static void ack(struct rig *rig)
{
	char text[256];

	g_strlcpy(text, next_sent(rig), sizeof(text));
	text[1] = '2';
	feed(rig, text);
}

#define OURS "0000000000000001"
#define HIS "0000000000000002"
#define OTHER "0000000000000003"
#define ZERO "0000000000000000"
#define ANY "????????????????"

static void first_requests(void)
{
	struct rig *rig = started(0x1122334455667788, 0);

	CU_ASSERT_TRUE(sent(rig, "0101000e010a1122334455667788"));
	rig_free(rig);
	for (int round = 0; round < 50; round++) {
		rig = started(0, 0);
		uint64_t id = rig->end[0].cp.local;
		CU_ASSERT_TRUE(id != 0 && (id >> 56 & 3) == 0);
		CU_ASSERT_TRUE(sent(rig, "0101000e010a" ANY));
		rig_free(rig);
	}
	rig = rig_new(0, 0);
	rig->end[0].config.nosend = true;
	start(rig, 0, 0, 0, NULL);
	CU_ASSERT_TRUE(sent(rig, "01010004"));
	rig_free(rig);
}

/* What the peer asks for, and what it is told, where we are 1. */
static const struct answer {
	uint64_t remote;
	bool accept;
	const char *request, *reply;
} answers[] = {
	{ 0, false, "0105000e010a" HIS, "0205000e010a" HIS },
	{ 0, false, "0105000e010a" ZERO, "0305000e010a" ANY },
	{ 0, false, "0105000e010a" OURS, "0305000e010a" ANY },
	{ 0, false, "01050004", "0305000e010a" ZERO },
	{ 2, false, "0105000e010a" HIS, "0205000e010a" HIS },
	{ 2, false, "0105000e010a" OTHER, "0305000e010a" HIS },
	{ 2, false, "0105000e010a" ZERO, "0305000e010a" HIS },
	{ 2, false, "0105000e010a" OURS, "0305000e010a" HIS },
	{ 2, false, "01050004", "0305000e010a" HIS },
	{ 2, true, "0105000e010a" OTHER, "0205000e010a" OTHER },
	{ 2, true, "0105000e010a" ZERO, "0305000e010a" HIS },
	{ 2, true, "0105000e010a" OURS, "0305000e010a" HIS },
	/* Compression, unknown options, wrong and impossible lengths (oFono: option lengths 0 and 1). */
	{ 0, false, "010500080204004f", "040500080204004f" },
	{ 0, false, "01050012010a" HIS "0204004f", "040500080204004f" },
	{ 0, false, "010500069902", "040500069902" },
	{ 0, false, "0105000801040000", "0405000801040000" },
	{ 0, false, "0105000d010900000000000002", "0405000d010900000000000002" },
	{ 0, false, "0105000e0100" HIS, "0405000e0100" HIS },
	{ 0, false, "0105000e0101" HIS, "0405000e0101" HIS },
	{ 0, false, "0105000e01ff" HIS, "0405000e01ff" HIS },
	{ 0, false, "0105000501", "0405000501" },
	/* Duplicates (ppp cc8b00c): the first counts. */
	{ 0, false, "01050018010a" HIS "010a" OTHER, "02050018010a" HIS "010a" OTHER },
	{ 0, false, "01050018010a" ZERO "010a" OTHER, "0305000e010a" ANY },
};

static void answers_as_pppd(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		struct rig *rig = rig_new(1, answers[i].remote);
		rig->end[0].config.accept_remote = answers[i].accept;
		start(rig, 0, 0, 0, NULL);
		next_sent(rig);
		feed(rig, answers[i].request);
		bool ok = sent(rig, answers[i].reply);
		CU_ASSERT_TRUE(ok);
		if (!ok)
			printf("# row %zu\n", i);
		rig_free(rig);
	}
}

static void a_nak_offers_what_can_be_had(void)
{
	struct rig *rig = started(1, 0);
	char reply[64];

	ack(rig);
	feed(rig, "0105000e010a" OURS);
	g_strlcpy(reply, next_sent(rig), sizeof(reply));
	CU_ASSERT_STRING_NOT_EQUAL(reply + 12, OURS);
	CU_ASSERT_STRING_NOT_EQUAL(reply + 12, ZERO);
	reply[1] = '1';
	reply[3] = '6';
	feed(rig, reply);
	CU_ASSERT_EQUAL(rig->end[0].ups, 1);
	CU_ASSERT_TRUE(logged(rig, "local  LL address fe80::0000:0000:0000:0001\nremote LL address fe80::"));
	rig_free(rig);
}

static void naks_of_ours(void)
{
	struct rig *rig = started(0, 0);

	next_sent(rig);
	feed(rig, "0301000e010a" OTHER);
	CU_ASSERT_TRUE(sent(rig, "0102000e010a" OTHER));
	feed(rig, "0302000e010a" ZERO);
	CU_ASSERT_TRUE(sent(rig, "0103000e010a" ANY));
	CU_ASSERT_TRUE(rig->end[0].cp.local != 0 && rig->end[0].cp.local != 3);
	feed(rig, "0105000e010a" HIS);
	next_sent(rig);
	feed(rig, "0303000e010a" HIS);
	CU_ASSERT_TRUE(sent(rig, "0104000e010a" ANY));
	CU_ASSERT_TRUE(rig->end[0].cp.local != 2);
	rig_free(rig);

	/* One that was given is insisted on, unless ipv6cp-accept-local. */
	rig = started(1, 0);
	next_sent(rig);
	feed(rig, "0301000e010a" OTHER);
	CU_ASSERT_TRUE(sent(rig, "0102000e010a" OURS));
	rig_free(rig);
	rig = rig_new(1, 0);
	rig->end[0].config.accept_local = true;
	start(rig, 0, 0, 0, NULL);
	next_sent(rig);
	feed(rig, "0301000e010a" OTHER);
	CU_ASSERT_TRUE(sent(rig, "0102000e010a" OTHER));
	rig_free(rig);
}

static void nosend_gives_way_to_a_nak(void)
{
	struct rig *rig = rig_new(0, 0);

	rig->end[0].config.nosend = true;
	start(rig, 0, 0, 0, NULL);
	next_sent(rig);
	feed(rig, "0301000e010a" OTHER);
	CU_ASSERT_TRUE(sent(rig, "0102000e010a" OTHER));
	rig_free(rig);
}

static void a_rejected_option_is_dropped(void)
{
	struct rig *rig = started(1, 0);

	next_sent(rig);
	feed(rig, "0401000e010a" OURS);
	CU_ASSERT_TRUE(sent(rig, "01020004"));
	feed(rig, "02020004");
	feed(rig, "0105000e010a" HIS);
	CU_ASSERT_EQUAL(rig->end[0].ups, 1);
	CU_ASSERT_EQUAL(rig->end[0].cp.final_local, 1);
	CU_ASSERT_EQUAL(rig->end[0].cp.final_remote, 2);
	rig_free(rig);
}

/* It closes with REASON, which is logged, too. */
static void closes_with(struct rig *rig, const char *reason)
{
	GString *hex = g_string_new(NULL);

	for (const char *p = reason; *p; p++)
		g_string_append_printf(hex, "%.2x", (unsigned)*p);
	const char *packet = next_sent(rig);
	while (*packet && !g_str_has_prefix(packet, "05"))
		packet = next_sent(rig);
	CU_ASSERT_PTR_NOT_NULL(strstr(packet, hex->str));
	CU_ASSERT_TRUE(logged(rig, reason));
	CU_ASSERT_EQUAL(rig->end[0].ups, 0);
	clock_advance(&rig->clock, rig->clock.now + 10 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(rig->end[0].finished, 1);
	g_string_free(hex, TRUE);
	rig_free(rig);
}

static void ends_without_identifiers(void)
{
	struct rig *rig = started(1, 0);

	ack(rig);
	feed(rig, "01050004");
	feed(rig, "01060004");
	closes_with(rig, "Could not determine remote LL address");

	rig = started(1, 1);
	ack(rig);
	feed(rig, "01050004");
	feed(rig, "01060004");
	closes_with(rig, "local and remote LL addresses are equal");

	rig = rig_new(1, 2);
	rig->end[0].config.limits.max_failure = 3;
	start(rig, 0, 0, 0, NULL);
	ack(rig);
	for (unsigned id = 5; id < 9; id++) {
		char request[64];
		g_snprintf(request, sizeof(request), "01%.2x000e010a" OTHER, id);
		feed(rig, request);
		CU_ASSERT_TRUE(g_str_has_prefix(next_sent(rig), id < 8 ? "03" : "04"));
	}
	feed(rig, "01090004");
	closes_with(rig, "Peer refused to agree to his interface identifier");
}

static void the_peer_may_have_none(void)
{
	struct rig *rig = rig_new(1, 0);

	rig->end[0].config.noremote = true;
	start(rig, 0, 0, 0, NULL);
	ack(rig);
	feed(rig, "01050004");
	CU_ASSERT_TRUE(sent(rig, "02050004"));
	CU_ASSERT_EQUAL(rig->end[0].ups, 1);
	CU_ASSERT_EQUAL(rig->end[0].cp.final_remote, 0);
	rig_free(rig);
}

static void identifiers_of_addresses(void)
{
	struct rig *rig = rig_new(0, 0);

	rig->end[0].config.use_ipaddr = true;
	start(rig, 0, 0x0a000001, 0x0a000002, NULL);
	CU_ASSERT_TRUE(sent(rig, "0101000e010a000000000a000001"));
	feed(rig, "0105000e010a" OTHER);
	CU_ASSERT_TRUE(sent(rig, "0305000e010a000000000a000002"));
	rig_free(rig);

	/* What was given goes before. */
	rig = rig_new(1, 2);
	rig->end[0].config.use_ipaddr = rig->end[0].config.use_remotenumber = true;
	start(rig, 0, 0x0a000001, 0x0a000002, "1234");
	CU_ASSERT_EQUAL(rig->end[0].cp.local, 1);
	CU_ASSERT_EQUAL(rig->end[0].cp.remote, 2);
	rig_free(rig);

	rig = rig_new(1, 0);
	rig->end[0].config.use_remotenumber = true;
	start(rig, 0, 0, 0, "1234");
	CU_ASSERT_EQUAL(rig->end[0].cp.remote, 0x1234);
	rig_free(rig);
}

static const struct {
	const char *text;
	uint64_t identifier;
} numbers[] = {
	{ "00:11:22:33:44:55", 0x021122fffe334455 },
	{ "fe:dc:ba:98:76:54", 0xfcdcbafffe987654 },
	{ "10.1.2.3", 0x0a010203 },
	{ "fe80::1:2:3:4", 0x0001000200030004 },
	{ "2001:db8::5", 5 },
	{ "0123456789", 0x0123456789 },
	{ "1234567890123456", 0x1234567890123456 },
	{ "12345678901234567", 0 },
	{ "00:11:22:33:44", 0 },
	{ "00:11:22:33:44:55:", 0 },
	{ "00:11:22:33:44:55 ", 0 },
	{ "+49 89 1234", 0 },
	{ "-1", 0 },
	{ "", 0 },
};

static void identifiers_of_numbers(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		CU_ASSERT_EQUAL(ipv6cp_identifier_of(numbers[i].text), numbers[i].identifier);
	}
}

static void text_of_an_identifier(void)
{
	char text[IPV6CP_TEXT_MAX];

	CU_ASSERT_STRING_EQUAL(ipv6cp_text(text, 1), "fe80::0000:0000:0000:0001");
	CU_ASSERT_STRING_EQUAL(ipv6cp_text(text, 0x0123456789abcdef), "fe80::0123:4567:89ab:cdef");
}

/* Two ends */

static void deliver(struct rig *rig, unsigned from, double loss, GRand *rand)
{
	GBytes *packet = g_queue_pop_head(&rig->end[from].sent);
	gsize len;

	if (!packet)
		return;
	const uint8_t *bytes = g_bytes_get_data(packet, &len);
	if (g_rand_double(rand) >= loss)
		cp_input(&rig->end[!from].cp.cp, bytes, len);
	g_bytes_unref(packet);
}

static bool join(struct rig *rig, double loss, unsigned seed)
{
	GRand *rand = g_rand_new_with_seed(seed);
	struct end *a = &rig->end[0], *b = &rig->end[1];

	start(rig, 0, 0, 0, NULL);
	start(rig, 1, 0, 0, NULL);
	for (int second = 0; second < 300 && !(a->cp.cp.state == STATE_OPENED && b->cp.cp.state == STATE_OPENED); second++) {
		while (a->sent.length + b->sent.length > 0)
			deliver(rig, a->sent.length == 0 || (b->sent.length > 0 && g_rand_boolean(rand)), loss, rand);
		clock_advance(&rig->clock, rig->clock.now + CLOCK_SECOND);
	}
	g_rand_free(rand);
	return a->cp.cp.state == STATE_OPENED && b->cp.cp.state == STATE_OPENED;
}

static bool both_agree(const struct rig *rig)
{
	const struct ipv6cp *a = &rig->end[0].cp, *b = &rig->end[1].cp;

	return a->final_local == b->final_remote && a->final_remote == b->final_local && a->final_local != a->final_remote;
}

static void two_ends(void)
{
	for (unsigned seed = 0; seed < 100; seed++) {
		struct rig *rig = rig_new(0, 0);
		CU_ASSERT_TRUE(join(rig, 0.0, seed));
		CU_ASSERT_TRUE(both_agree(rig));
		rig_free(rig);
	}
}

/* Both want the same: of two that need not have it, both move; of one that does, the other. */
static void two_ends_with_one_identifier(void)
{
	for (unsigned seed = 0; seed < 100; seed++) {
		struct rig *rig = rig_new(5, 0);
		rig->end[1].config.local = 5;
		rig->end[1].config.accept_local = true;
		rig->end[0].config.accept_local = seed & 1;
		CU_ASSERT_TRUE(join(rig, 0.0, seed));
		CU_ASSERT_TRUE(both_agree(rig));
		CU_ASSERT_TRUE((seed & 1) || rig->end[0].cp.final_local == 5);
		rig_free(rig);
	}
}

static void two_ends_over_a_lossy_line(void)
{
	for (unsigned seed = 0; seed < 100; seed++) {
		struct rig *rig = rig_new(0, seed & 1 ? 7 : 0);
		rig->end[0].config.limits.max_configure = rig->end[1].config.limits.max_configure = 100;
		CU_ASSERT_TRUE(join(rig, 0.2, seed));
		CU_ASSERT_TRUE(both_agree(rig));
		CU_ASSERT_TRUE(!(seed & 1) || rig->end[1].cp.final_local == 7);
		rig_free(rig);
	}
}

static void one_that_names_none(void)
{
	struct rig *rig = rig_new(1, 0);

	rig->end[1].config.nosend = true;
	CU_ASSERT_TRUE(join(rig, 0.0, 1));
	CU_ASSERT_TRUE(both_agree(rig));
	rig_free(rig);
}

const struct unit_test unit_tests[] = {
	{ "ipv6cp: first requests (RFC 5072 section 4.1)", first_requests },
	{ "ipv6cp: answers to the peer's options (RFC 5072 section 4; duplicates: ppp cc8b00c; lengths: oFono)", answers_as_pppd },
	{ "ipv6cp: a Nak offers what can be had (RFC 5072 section 4.1)", a_nak_offers_what_can_be_had },
	{ "ipv6cp: Naks of ours, ipv6cp-accept-local", naks_of_ours },
	{ "ipv6cp: ipv6cp-nosend gives way to a Nak", nosend_gives_way_to_a_nak },
	{ "ipv6cp: a Rejected option is dropped", a_rejected_option_is_dropped },
	{ "ipv6cp: ends without identifiers, as pppd says", ends_without_identifiers },
	{ "ipv6cp: ipv6cp-noremote", the_peer_may_have_none },
	{ "ipv6cp: ipv6cp-use-ipaddr, ipv6cp-use-remotenumber", identifiers_of_addresses },
	{ "ipv6cp: identifiers of numbers (RFC 5072 section 4.1)", identifiers_of_numbers },
	{ "ipv6cp: an identifier as text", text_of_an_identifier },
	{ "ipv6cp: two ends", two_ends },
	{ "ipv6cp: two ends with one identifier (RFC 5072 section 4.1)", two_ends_with_one_identifier },
	{ "ipv6cp: two ends over a lossy line", two_ends_over_a_lossy_line },
	{ "ipv6cp: an end that names none", one_that_names_none },
	{ 0 },
};
