/* net/access, net/guard: who may open a flow, and what is said to those who may not. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "net/access.h"
#include "net/guard.h"
#include "net/reply.h"
#include "packets.h"

#define PEER UINT32_C(0x0a00020f)
#define LOCAL UINT32_C(0x0a000202)

/* A list as letters: `+` permits, `-` denies; 10.0.0.0/8, 10.1.0.0/16 port 80, 2001:db8::/33, all. */
static GArray *list(const char *text)
{
	static const struct {
		char name;
		const char *addr;
		uint8_t prefix;
		uint16_t port;
	} places[] = {
		{ 'n', "::ffff:10.0.0.0", 104, 0 },
		{ 'p', "::ffff:10.1.0.0", 112, 80 },
		{ 's', "2001:db8::", 33, 0 },
		{ 'h', "2001:db8::7", 128, 443 },
		{ 'a', "::", 0, 0 },
		{ '4', "::ffff:0.0.0.0", 96, 0 },
	};
	GArray *rules = g_array_new(FALSE, TRUE, sizeof(struct access_rule));

	for (; *text; text += 2)
		for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
			struct access_rule rule = { .permit = *text == '+', .prefix = places[i].prefix, .port = places[i].port };

			inet_pton(AF_INET6, places[i].addr, &rule.addr);
			if (places[i].name == text[1])
				g_array_append_val(rules, rule);
		}
	return rules;
}

static const struct {
	const char *rules, *addr;
	uint16_t port;
	bool allowed;
} judgements[] = {
	{ "", "::ffff:10.1.2.3", 80, true },
	{ "-n", "::ffff:10.1.2.3", 80, false },
	{ "-n", "::ffff:11.1.2.3", 80, true },
	{ "-n", "::a:102:3", 80, true },
	{ "+n", "::ffff:10.255.255.255", 80, true },
	{ "+n", "::ffff:11.0.0.0", 80, false },
	{ "+n", "::ffff:9.255.255.255", 80, false },
	{ "+p-n", "::ffff:10.1.2.3", 80, true },
	{ "+p-n", "::ffff:10.1.2.3", 81, false },
	{ "+p-n", "::ffff:10.2.2.3", 80, false },
	{ "+p-n", "::ffff:8.8.8.8", 80, true },
	{ "-n+p", "::ffff:10.1.2.3", 80, false },
	{ "-n+p", "::ffff:8.8.8.8", 80, false },
	{ "-p", "::ffff:10.1.2.3", 0, true },
	{ "+p", "::ffff:10.1.2.3", 0, false },
	{ "-s", "2001:db8:7fff:ffff::1", 1, false },
	{ "-s", "2001:db8:8000::1", 1, true },
	{ "+s", "2001:db8::", 0, true },
	{ "+s", "2001:db9::", 0, false },
	{ "+h", "2001:db8::7", 443, true },
	{ "+h", "2001:db8::6", 443, false },
	{ "+h", "2001:db8::7", 444, false },
	{ "-a", "::ffff:1.2.3.4", 9, false },
	{ "-a", "2001:db8::1", 9, false },
	{ "-4", "::ffff:1.2.3.4", 9, false },
	{ "-4", "2001:db8::1", 9, true },
	{ "+s-a", "::ffff:1.2.3.4", 9, false },
};

static void the_first_match_decides(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(judgements); i++) {
		GArray *rules = list(judgements[i].rules);
		struct in6_addr addr;

		CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET6, judgements[i].addr, &addr), 1);
		CU_ASSERT_EQUAL(access_allows(rules, &addr, judgements[i].port), judgements[i].allowed);
		CU_ASSERT_EQUAL(access_has_ports(rules), strpbrk(judgements[i].rules, "ph") != NULL);
		g_array_free(rules, TRUE);
	}
	CU_ASSERT_TRUE(access_allows(NULL, &in6addr_any, 0));
}

struct rig {
	struct config *config;
	struct clock clock;
	struct guard *guard;
	uint8_t buf[200], answer[REPLY_MAX];
	char lines[64][160];
	unsigned count;
};

static void keep_line(void *arg, int priority, const char *line)
{
	struct rig *r = arg;

	CU_ASSERT_EQUAL(priority, LOG_NOTICE);
	g_strlcpy(r->lines[r->count++ % 64], line, sizeof(r->lines[0]));
}

static void rig_init(struct rig *r)
{
	*r = (struct rig){ .config = config_new() };
	clock_init(&r->clock, 1000 * CLOCK_SECOND);
	r->guard = guard_new(&r->config->net, &r->clock);
	log_set_sink(keep_line, r);
}

static void rig_end(struct rig *r)
{
	log_set_sink(NULL, NULL);
	guard_free(r->guard);
	CU_ASSERT_PTR_NULL(r->clock.first);
	config_free(r->config);
}

static size_t refuse(struct rig *r, uint8_t protocol, enum net_refusal why)
{
	const struct spec s = { .protocol = protocol, .src = PEER, .sport = 40000, .dst = LOCAL, .dport = 81, .flags = TCP_SYN, .type = 8 };
	struct packet p;

	CU_ASSERT_TRUE_FATAL(packet_parse(&p, r->buf, build(r->buf, &s)));
	return guard_refuse(r->guard, &p, why, LOCAL, r->answer);
}

static void pass_time(struct rig *r, uint64_t seconds)
{
	clock_advance(&r->clock, r->clock.now + seconds * CLOCK_SECOND);
}

/* What fail2ban would be given, with its <HOST>. */
#define FAIL2BAN "^refused: [a-z]+( [0-9]+)? from ([0-9.]+|[0-9a-f:]+)( port [0-9]+)? to [0-9a-f.:]+( port [0-9]+)? \\(([a-z-]+)\\)$"

static const struct {
	uint8_t protocol;
	enum net_refusal why;
	const char *line;
	uint8_t answer, code;
} refusals[] = {
	{ IPPROTO_TCP, REFUSED_NO_SERVICE, "refused: tcp from 10.0.2.15 port 40000 to 10.0.2.2 port 81 (no-service)", IPPROTO_TCP, 0 },
	{ IPPROTO_TCP, REFUSED_RATE, "refused: tcp from 10.0.2.15 port 40000 to 10.0.2.2 port 81 (rate-limit)", IPPROTO_TCP, 0 },
	{ IPPROTO_UDP, REFUSED_NO_SERVICE, "refused: udp from 10.0.2.15 port 40000 to 10.0.2.2 port 81 (no-service)", IPPROTO_ICMP, 3 },
	{ IPPROTO_UDP, REFUSED_ACCESS, "refused: udp from 10.0.2.15 port 40000 to 10.0.2.2 port 81 (access-list)", IPPROTO_ICMP, 13 },
	{ IPPROTO_ICMP, REFUSED_MAX_FLOWS, "refused: icmp from 10.0.2.15 to 10.0.2.2 (max-flows)", IPPROTO_ICMP, 13 },
	{ 47, REFUSED_PROTOCOL, "refused: protocol 47 from 10.0.2.15 to 10.0.2.2 (protocol)", IPPROTO_ICMP, 2 },
};

static void a_line_for_fail2ban(void)
{
	regmatch_t match[3];
	regex_t regex;
	struct rig r;

	CU_ASSERT_EQUAL_FATAL(regcomp(&regex, FAIL2BAN, REG_EXTENDED), 0);
	rig_init(&r);
	for (unsigned i = 0; i < G_N_ELEMENTS(refusals); i++) {
		size_t len = refuse(&r, refusals[i].protocol, refusals[i].why);

		CU_ASSERT_TRUE(len > 0 && checksums_right(r.answer, len));
		CU_ASSERT_EQUAL(r.answer[9], refusals[i].answer);
		if (refusals[i].answer == IPPROTO_ICMP)
			CU_ASSERT_EQUAL(r.answer[21], refusals[i].code);
		CU_ASSERT_EQUAL_FATAL(r.count, i + 1);
		CU_ASSERT_STRING_EQUAL(r.lines[i], refusals[i].line);
		CU_ASSERT_EQUAL(regexec(&regex, r.lines[i], 3, match, 0), 0);
		CU_ASSERT_EQUAL(strncmp(r.lines[i] + match[2].rm_so, "10.0.2.15", (size_t)(match[2].rm_eo - match[2].rm_so)), 0);
	}
	rig_end(&r);
	regfree(&regex);
}

static void lines_are_bounded(void)
{
	struct rig r;
	struct net_counters counters = { 0 };

	rig_init(&r);
	for (unsigned i = 0; i < 1000; i++)
		refuse(&r, IPPROTO_TCP, REFUSED_NO_SERVICE);
	CU_ASSERT_EQUAL(r.count, 20);
	pass_time(&r, 10);
	CU_ASSERT_EQUAL(r.count, 21);
	CU_ASSERT_STRING_EQUAL(r.lines[20], "980 more refusals were not logged");
	for (unsigned second = 0; second < 100; second++) {
		for (unsigned i = 0; i < 10; i++)
			refuse(&r, IPPROTO_TCP, REFUSED_NO_SERVICE);
		pass_time(&r, 1);
	}
	CU_ASSERT_TRUE(r.count >= 21 + 500 && r.count <= 21 + 530);
	guard_count(r.guard, &counters);
	CU_ASSERT_EQUAL(counters.refused[REFUSED_NO_SERVICE], 2000);
	rig_end(&r);
}

static void a_bounded_rate(void)
{
	struct rig r;
	unsigned taken = 0;

	rig_init(&r);
	r.config->net.rate = 10;
	r.config->net.burst = 30;
	guard_reconfigured(r.guard);
	for (unsigned i = 0; i < 100; i++)
		taken += guard_take(r.guard);
	CU_ASSERT_EQUAL(taken, 30);
	for (unsigned ms = 0; ms < 10000; ms += 7) {
		clock_advance(&r.clock, r.clock.now + 7 * CLOCK_MS);
		taken += guard_take(r.guard);
	}
	CU_ASSERT_TRUE(taken >= 129 && taken <= 131);
	pass_time(&r, 1000000);
	for (taken = 0; guard_take(r.guard);)
		taken++;
	CU_ASSERT_EQUAL(taken, 30);
	r.config->net.rate = 0;
	CU_ASSERT_TRUE(guard_take(r.guard));
	rig_end(&r);
}

static void locked_out(void)
{
	struct rig r;
	struct net_counters counters = { 0 };

	rig_init(&r);
	for (unsigned i = 0; i < 15; i++)
		refuse(&r, IPPROTO_TCP, REFUSED_NO_SERVICE);
	CU_ASSERT_FALSE(guard_locked(r.guard));
	pass_time(&r, 60);
	r.config->net.lockout_refusals = 5;
	r.config->net.lockout_seconds = 90;
	/* four a minute, for ever */
	for (unsigned i = 0; i < 40; i++) {
		refuse(&r, IPPROTO_TCP, i % 2 ? REFUSED_RATE : REFUSED_ACCESS);
		CU_ASSERT_FALSE(guard_locked(r.guard));
		pass_time(&r, 16);
	}
	pass_time(&r, 60);
	for (unsigned i = 0; i < 15; i++)
		refuse(&r, IPPROTO_UDP, REFUSED_NO_SERVICE);
	CU_ASSERT_FALSE(guard_locked(r.guard));
	unsigned before = r.count;
	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT_FALSE(guard_locked(r.guard));
		refuse(&r, IPPROTO_TCP, REFUSED_NO_SERVICE);
		pass_time(&r, i < 4 ? 10 : 0);
	}
	CU_ASSERT_TRUE(guard_locked(r.guard));
	CU_ASSERT_EQUAL(r.count, before + 6);
	CU_ASSERT_STRING_EQUAL(r.lines[(r.count - 1) % 64], "locked out: 10.0.2.15 for 90 s after 5 refusals");
	guard_count(r.guard, &counters);
	CU_ASSERT_TRUE(counters.locked_out);
	/* who knocks in the meantime does not make it longer */
	for (unsigned i = 0; i < 89; i++) {
		refuse(&r, IPPROTO_TCP, REFUSED_LOCKOUT);
		pass_time(&r, 1);
	}
	CU_ASSERT_TRUE(guard_locked(r.guard));
	pass_time(&r, 1);
	CU_ASSERT_FALSE(guard_locked(r.guard));
	CU_ASSERT_STRING_EQUAL(r.lines[(r.count - 1) % 64], "no longer locked out: 10.0.2.15");
	refuse(&r, IPPROTO_TCP, REFUSED_NO_SERVICE);
	CU_ASSERT_FALSE(guard_locked(r.guard));
	rig_end(&r);
}

const struct unit_test unit_tests[] = {
	{ "access: the first match decides, IPv4 and IPv6", the_first_match_decides },
	{ "guard: a line for fail2ban, and an answer, RFC 1812 s.5.2.7.1", a_line_for_fail2ban },
	{ "guard: lines are bounded", lines_are_bounded },
	{ "guard: a bounded rate", a_bounded_rate },
	{ "guard: locked out after so many refusals a minute", locked_out },
	{ 0 },
};
