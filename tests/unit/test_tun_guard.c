/* net/tun_guard: access lists and limits before the kernel. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "net/flow.h"
#include "net/tun_guard.h"
#include "packets.h"
#include "packets6.h"

#define LOCAL UINT32_C(0x0a000202)
#define PEER UINT32_C(0x0a00020f)
#define BEHIND UINT32_C(0xc0a80909)
#define WORLD UINT32_C(0x08080808)

struct rig {
	struct config *config;
	struct clock clock;
	struct tun_guard *guard;
	uint8_t buf[2000];
	struct packet p;
	const uint8_t *answer;
	size_t answer_len;
};

static void rig_init(struct rig *r)
{
	*r = (struct rig){ .config = config_new() };
	clock_init(&r->clock, 5 * CLOCK_SECOND);
	r->guard = tun_guard_new(&r->config->net, &r->clock, 3);
	tun_guard_set_local(r->guard, LOCAL, 0);
}

static void rig_end(struct rig *r)
{
	tun_guard_free(r->guard);
	config_free(r->config);
}

static void deny_to(struct rig *r, const char *addr, uint16_t port)
{
	struct access_rule rule = { .prefix = 128, .port = port };

	inet_pton(AF_INET6, addr, &rule.addr);
	g_array_append_val(r->config->net.to, rule);
	tun_guard_configure(r->guard, &r->config->net);
}

static bool from_peer(struct rig *r, const struct spec *s)
{
	return tun_guard_from_peer(r->guard, r->buf, build(r->buf, s), &r->p, &r->answer, &r->answer_len);
}

static bool sent(struct rig *r, uint8_t protocol, uint32_t src, uint16_t sport, uint16_t dport, uint8_t flags)
{
	const struct spec s = { .protocol = protocol, .src = src, .sport = sport, .dst = WORLD, .dport = dport, .flags = flags, .type = 8,
				.seq = 5000, .ack = 7000 };

	return from_peer(r, &s);
}

static void to_peer(struct rig *r, uint8_t protocol, uint16_t sport, uint32_t dst, uint16_t dport, uint8_t flags)
{
	const struct spec s = { .protocol = protocol, .src = WORLD, .sport = sport, .dst = dst, .dport = dport, .flags = flags, .ack = 9000 };
	struct packet p;

	CU_ASSERT_TRUE_FATAL(packet_parse(&p, r->buf, build(r->buf, &s)));
	tun_guard_to_peer(r->guard, &p);
}

static struct net_counters counters_of(const struct rig *r)
{
	struct net_counters counters;

	tun_guard_counters(r->guard, &counters);
	return counters;
}

static void a_router_passes(void)
{
	struct rig r;

	rig_init(&r);
	CU_ASSERT_TRUE(sent(&r, IPPROTO_TCP, BEHIND, 1, 80, TCP_SYN));
	CU_ASSERT_TRUE(sent(&r, IPPROTO_TCP, BEHIND, 2, 80, TCP_ACK)); /* in the middle of something */
	CU_ASSERT_TRUE(sent(&r, IPPROTO_UDP, PEER, 3, 53, 0));
	CU_ASSERT_TRUE(sent(&r, 47, PEER, 0, 0, 0));
	CU_ASSERT_EQUAL(counters_of(&r).flows, 2);
	CU_ASSERT_FALSE(sent(&r, IPPROTO_UDP, UINT32_C(0x7f000001), 3, 53, 0));
	CU_ASSERT_EQUAL(counters_of(&r).spoofed, 1);
	/* max-flows is the default: the table forgets instead */
	for (unsigned i = 0; i < 3 * FLOW_TABLE_SIZE; i++) {
		clock_advance(&r.clock, r.clock.now + CLOCK_SECOND / 1000);
		CU_ASSERT_TRUE(sent(&r, IPPROTO_UDP, BEHIND + i / 65536, (uint16_t)i, 53, 0));
	}
	CU_ASSERT_EQUAL(counters_of(&r).flows, FLOW_TABLE_SIZE);
	rig_end(&r);
}

static void lists_judge_what_opens(void)
{
	struct rig r;
	bool peers;

	rig_init(&r);
	to_peer(&r, IPPROTO_UDP, 500, PEER, 4500, 0);
	CU_ASSERT_TRUE(sent(&r, IPPROTO_TCP, PEER, 1, 80, TCP_SYN));
	deny_to(&r, "::ffff:8.8.8.8", 0);
	CU_ASSERT_EQUAL(counters_of(&r).flows, 1);
	/* an answer to the world opens nothing */
	CU_ASSERT_TRUE(sent(&r, IPPROTO_UDP, PEER, 4500, 500, 0));
	CU_ASSERT_FALSE(sent(&r, IPPROTO_UDP, PEER, 4500, 501, 0));
	CU_ASSERT_EQUAL(r.answer_len, 20 + 8 + 28);
	CU_ASSERT_EQUAL(r.answer[21], 13);
	CU_ASSERT_EQUAL(packet_u32(r.answer, 12), LOCAL);
	/* one that was allowed is reset first */
	CU_ASSERT_FALSE(sent(&r, IPPROTO_TCP, PEER, 1, 80, TCP_SYN));
	CU_ASSERT_EQUAL(r.answer_len, 0);
	CU_ASSERT_EQUAL(tun_guard_next_reset(r.guard, r.buf, &peers), 40);
	CU_ASSERT_EQUAL(tun_guard_next_reset(r.guard, r.buf, &peers), 0);
	CU_ASSERT_FALSE(sent(&r, IPPROTO_TCP, PEER, 1, 80, TCP_SYN));
	CU_ASSERT_EQUAL(r.answer[33], TCP_RST | TCP_ACK);
	CU_ASSERT_FALSE(sent(&r, 47, PEER, 0, 0, 0));
	CU_ASSERT_FALSE(sent(&r, IPPROTO_ICMP, PEER, 0, 0, 0));
	CU_ASSERT_EQUAL(counters_of(&r).refused[REFUSED_ACCESS], 4);
	rig_end(&r);
}

static void fragments(void)
{
	struct rig r;
	const struct spec first = { .protocol = IPPROTO_UDP, .src = PEER, .dst = WORLD, .sport = 1, .dport = 2, .payload = 8, .fragment = 0x2000 };
	struct spec later = { .protocol = IPPROTO_UDP, .src = PEER, .dst = WORLD, .payload = 8, .fragment = 2 };

	rig_init(&r);
	CU_ASSERT_TRUE(from_peer(&r, &first));
	CU_ASSERT_TRUE(from_peer(&r, &later));
	deny_to(&r, "::ffff:9.9.9.9", 0);
	CU_ASSERT_TRUE(from_peer(&r, &first));
	CU_ASSERT_TRUE(from_peer(&r, &later));
	later.dst = UINT32_C(0x09090909);
	CU_ASSERT_FALSE(from_peer(&r, &later));
	later.dst = WORLD;
	deny_to(&r, "::ffff:9.9.9.9", 80);
	CU_ASSERT_FALSE(from_peer(&r, &first));
	CU_ASSERT_FALSE(from_peer(&r, &later));
	CU_ASSERT_EQUAL(counters_of(&r).fragments, 3);
	rig_end(&r);
}

static void limits(void)
{
	struct rig r;

	rig_init(&r);
	r.config->net.max_flows = 3;
	tun_guard_configure(r.guard, &r.config->net);
	to_peer(&r, IPPROTO_TCP, 1, PEER, 22, TCP_SYN); /* not the peer's doing */
	for (uint16_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(sent(&r, IPPROTO_TCP, PEER, i, 80, TCP_SYN), i < 3);
	CU_ASSERT_EQUAL(counters_of(&r).refused[REFUSED_MAX_FLOWS], 2);
	CU_ASSERT_TRUE(sent(&r, IPPROTO_TCP, PEER, 2, 80, TCP_SYN));
	clock_advance(&r.clock, r.clock.now + FLOW_OPENING_IDLE);
	r.config->net.rate = r.config->net.burst = 1;
	r.config->net.lockout_refusals = 2;
	r.config->net.lockout_seconds = 10;
	tun_guard_configure(r.guard, &r.config->net);
	for (uint16_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(sent(&r, IPPROTO_TCP, PEER, i, 81, TCP_SYN), i < 1);
	CU_ASSERT_EQUAL(counters_of(&r).refused[REFUSED_RATE], 2);
	CU_ASSERT_EQUAL(counters_of(&r).refused[REFUSED_LOCKOUT], 2);
	CU_ASSERT_TRUE(counters_of(&r).locked_out);
	rig_end(&r);
}

static void keep_flow(void *arg, const struct net_flow *flow)
{
	*(struct net_flow *)arg = *flow;
}

/* RFC 9293 §3.10.7.4: each side's reset has the number that it waits for. */
static void a_dropped_flow(void)
{
	struct rig r;
	struct net_flow flow;
	bool peers;

	rig_init(&r);
	CU_ASSERT_TRUE(sent(&r, IPPROTO_TCP, PEER, 1, 80, TCP_SYN));
	to_peer(&r, IPPROTO_TCP, 80, PEER, 1, TCP_SYN | TCP_ACK);
	CU_ASSERT_TRUE(sent(&r, IPPROTO_TCP, PEER, 1, 80, TCP_ACK));
	tun_guard_flows(r.guard, keep_flow, &flow);
	CU_ASSERT_STRING_EQUAL(flow.state, "open");
	CU_ASSERT_EQUAL(flow.packets_in, 2);
	CU_ASSERT_STRING_EQUAL(flow.real.host, "8.8.8.8");
	CU_ASSERT_TRUE(tun_guard_drop_flow(r.guard, flow.id));
	CU_ASSERT_EQUAL(tun_guard_next_reset(r.guard, r.buf, &peers), 40);
	CU_ASSERT_TRUE(peers);
	CU_ASSERT_EQUAL(packet_u32(r.buf, 12), WORLD);
	CU_ASSERT_EQUAL(packet_u32(r.buf, 24), 7000);
	CU_ASSERT_EQUAL(tun_guard_next_reset(r.guard, r.buf, &peers), 40);
	CU_ASSERT_FALSE(peers);
	CU_ASSERT_EQUAL(packet_u32(r.buf, 12), PEER);
	CU_ASSERT_EQUAL(packet_u32(r.buf, 24), 9000);
	CU_ASSERT_EQUAL(tun_guard_next_reset(r.guard, r.buf, &peers), 0);
	CU_ASSERT_FALSE(tun_guard_drop_flow(r.guard, flow.id));
	rig_end(&r);
}

/* A rule with a port is not to be got round by a header that hides it (RFC 8200 §4.1). */
static void ipv6_is_judged_too(void)
{
	struct spec6 s = { "2001:db8::1", "2001:db8::2", IPPROTO_TCP, 40000, 443, TCP_SYN, .body = "0123", .len = 4 };
	struct rig r;

	rig_init(&r);
	CU_ASSERT_TRUE(tun_guard_from_peer(r.guard, r.buf, build6(r.buf, &s), &r.p, &r.answer, &r.answer_len));
	deny_to(&r, "2001:db8::2", 443);
	s.sport++;
	CU_ASSERT_FALSE(tun_guard_from_peer(r.guard, r.buf, build6(r.buf, &s), &r.p, &r.answer, &r.answer_len));
	CU_ASSERT_TRUE(right6(r.answer, r.answer_len));
	s.options = true;
	CU_ASSERT_FALSE(tun_guard_from_peer(r.guard, r.buf, build6(r.buf, &s), &r.p, &r.answer, &r.answer_len));
	s = (struct spec6){ "fe80::2", "ff02::16", IPPROTO_ICMPV6, .type = 143, .body = "0123", .len = 4, .options = true };
	CU_ASSERT_TRUE(tun_guard_from_peer(r.guard, r.buf, build6(r.buf, &s), &r.p, &r.answer, &r.answer_len));
	rig_end(&r);
}

const struct unit_test unit_tests[] = {
	{ "tun guard: IPv6 is judged, too", ipv6_is_judged_too },
	{ "tun guard: a router's packets pass", a_router_passes },
	{ "tun guard: lists judge what opens", lists_judge_what_opens },
	{ "tun guard: fragments, RFC 1858", fragments },
	{ "tun guard: limits bind where they were set", limits },
	{ "tun guard: a dropped flow, RFC 9293 s.3.10.7.4", a_dropped_flow },
	{ 0 },
};
