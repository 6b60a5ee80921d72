/* net/gate6: what of IPv6 passes between the peer and libslirp, in memory. */
#include "unit.h"

#include <netinet/in.h>
#include <string.h>

#include "net/flow.h"
#include "net/gate.h"
#include "packets.h"
#include "packets6.h"

#define US "fe80::1"
#define PEER "fe80::2"
#define US_GLOBAL "fd73:6c69:7270:1::1"
#define PEER_GLOBAL "fd73:6c69:7270:1:1234:5678:9abc:def0"
#define WORLD "2001:db8::80"
#define OURS "2001:db8::1"
#define OURS_BY_ROUTE "2001:db8:1::7"
#define MAPPED "::ffff:127.0.0.1"
#define RESOLVER "::ffff:192.0.2.53"
#define UNSPECIFIED "::"
#define PORT 40000

struct rig {
	struct config *config;
	struct clock clock;
	struct gate *gate;
	uint8_t buf[2000];
	size_t len;
	struct packet p;
};

static bool has_resolver, has_world;

static bool addresses(void *arg, GArray *list)
{
	(void)arg;
	(void)list;
	return true;
}

static enum policy_route route(void *arg, uint32_t addr)
{
	(void)arg;
	(void)addr;
	return ROUTE_AWAY;
}

static bool addresses6(void *arg, GArray *list)
{
	struct in6_addr ours = addr6(OURS);

	(void)arg;
	g_array_append_val(list, ours);
	return true;
}

static enum policy_route route6(void *arg, const struct in6_addr *addr)
{
	const struct in6_addr ours = addr6(OURS_BY_ROUTE);

	(void)arg;
	if (IN6_ARE_ADDR_EQUAL(addr, &ours))
		return ROUTE_HERE;
	return has_world ? ROUTE_AWAY : ROUTE_UNKNOWN;
}

static bool resolver(void *arg, struct in6_addr *addr)
{
	(void)arg;
	*addr = addr6(RESOLVER);
	return has_resolver;
}

static const struct policy_host host = { .addresses = addresses, .route = route, .addresses6 = addresses6, .route6 = route6, .resolver = resolver };

static void link_up(struct rig *w, uint64_t peer_id)
{
	const struct net_link link = { .local_id = 1, .remote_id = peer_id, .mtu = 1300 };

	gate_set_link(w->gate, &link);
}

static void begin(struct rig *w)
{
	static const struct service services[] = {
		{ .protocol = CONFIG_TCP, .port = 22, .host = INADDR_LOOPBACK, .host_port = 2222 },
		{ .protocol = CONFIG_TCP, .port = 80, .host_port = 8080, .host6 = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8, [15] = 9 } } },
		{ .protocol = CONFIG_UDP, .port = 7, .host = INADDR_LOOPBACK, .host_port = 7007 },
	};

	has_resolver = has_world = true;
	*w = (struct rig){ .config = config_new() };
	w->config->lcp.mru = 1400;
	g_array_append_vals(w->config->net.services, services, G_N_ELEMENTS(services));
	clock_init(&w->clock, 77 * CLOCK_SECOND);
	w->gate = gate_new(w->config, &w->clock, 5, &host);
	link_up(w, 2);
}

static void end(struct rig *w)
{
	gate_free(w->gate);
	config_free(w->config);
}

static struct net_counters counters(const struct rig *w)
{
	struct net_counters c;

	gate_counters(w->gate, &c);
	return c;
}

/* What passes has right checksums. */
static enum gate_verdict from_peer(struct rig *w, const struct spec6 *s)
{
	w->len = build6(w->buf, s);
	enum gate_verdict verdict = gate6_from_peer(w->gate, w->buf, w->len, &w->p);
	if (verdict == GATE_PASS)
		CU_ASSERT_TRUE(right6(w->buf, w->len));
	return verdict;
}

static bool to_peer(struct rig *w, const struct spec6 *s)
{
	w->len = build6(w->buf, s);
	bool passed = gate6_to_peer(w->gate, w->buf, w->len, &w->p);
	if (passed)
		CU_ASSERT_TRUE(right6(w->buf, w->len));
	return passed;
}

static const uint8_t *answered(const struct rig *w)
{
	size_t len;
	const uint8_t *answer = gate_answer(w->gate, &len);

	CU_ASSERT_TRUE(right6(answer, len));
	CU_ASSERT_TRUE(len <= IPV6_MTU_MIN);
	return answer;
}

static struct spec6 syn(const char *from, const char *to, uint16_t port)
{
	return (struct spec6){ from, to, IPPROTO_TCP, PORT, port, TCP_SYN, 1000, .mss = 9000 };
}

static void services_are_reached_at_both_addresses(void)
{
	static const struct {
		const char *from, *to;
		uint16_t port;
		const char *place;
		uint16_t place_port;
	} cases[] = {
		{ PEER, US, 22, MAPPED, 2222 }, { PEER_GLOBAL, US_GLOBAL, 22, MAPPED, 2222 }, { PEER_GLOBAL, US, 80, "2001:db8::9", 8080 },
	};
	struct rig w;

	begin(&w);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct spec6 s = syn(cases[i].from, cases[i].to, cases[i].port);

		CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
		CU_ASSERT_TRUE(goes6(w.buf, cases[i].from, cases[i].place));
		CU_ASSERT_EQUAL(packet_u16(w.buf, 42), cases[i].place_port);
		CU_ASSERT_EQUAL(packet_u16(w.buf, 62), 1300 - 60);
		CU_ASSERT_TRUE(to_peer(&w, &(struct spec6){ cases[i].place, cases[i].from, IPPROTO_TCP, cases[i].place_port, PORT,
							    TCP_SYN | TCP_ACK, .ack = 1001, .mss = 9000 }));
		CU_ASSERT_TRUE(goes6(w.buf, cases[i].to, cases[i].from));
		CU_ASSERT_EQUAL(packet_u16(w.buf, 40), cases[i].port);
		CU_ASSERT_EQUAL(packet_u16(w.buf, 62), 1400 - 60);
	}
	CU_ASSERT_EQUAL(counters(&w).flows, 3);
	end(&w);
}

static void this_machine_is_no_destination(void)
{
	static const struct {
		const char *to;
		bool passes;
	} cases[] = {
		{ WORLD, true }, { OURS, false }, { OURS_BY_ROUTE, false }, { "::1", false }, { MAPPED, false }, { "::127.0.0.1", false },
		{ "fe80::77", false }, { "fec0::1", false }, { "100::1", false }, { "ff02::1", false }, { "fd73:6c69:7270:1::77", false },
		{ "fd73:6c69:7270:2::1", false }, { "2002:7f00:1::1", false }, { "fd00::1", true }, { "64:ff9b::808:808", true }, { UNSPECIFIED, false },
	};
	struct rig w;

	begin(&w);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct spec6 s = syn(PEER_GLOBAL, cases[i].to, 443);

		CU_ASSERT_EQUAL(from_peer(&w, &s) == GATE_PASS, cases[i].passes);
	}
	end(&w);
}

static void nobody_elses_source(void)
{
	static const char *const sources[] = { US, US_GLOBAL, "fe80::3", "2001:db8::5", "::1", UNSPECIFIED, "fd73:6c69:7270:1::", MAPPED };
	struct rig w;

	begin(&w);
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
		const struct spec6 s = syn(sources[i], US, 22);

		CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_DROP);
		CU_ASSERT_EQUAL(counters(&w).spoofed, i + 1);
	}
	end(&w);
}

/* RFC 9293 §3.10.7.1, RFC 4443 §3.1 and §3.4 */
static void refusals_are_told(void)
{
	static const uint8_t zero[4];
	struct rig w;

	begin(&w);
	struct spec6 s = syn(PEER, US, 23);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_ANSWER);
	CU_ASSERT_EQUAL(answered(&w)[53], TCP_RST | TCP_ACK);
	s = (struct spec6){ PEER, US, IPPROTO_UDP, PORT, 9, .body = zero, .len = 4 };
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_ANSWER);
	CU_ASSERT_TRUE(answered(&w)[40] == ICMP6_UNREACHABLE && answered(&w)[41] == UNREACHABLE6_PORT);
	CU_ASSERT_TRUE(goes6(answered(&w), US, PEER));
	s = (struct spec6){ PEER_GLOBAL, WORLD, 132, .body = zero, .len = 4 };
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_ANSWER);
	CU_ASSERT_TRUE(answered(&w)[40] == ICMP6_PARAMETER && answered(&w)[41] == 1 && packet_u32(answered(&w), 44) == 6);
	s = (struct spec6){ PEER_GLOBAL, WORLD, IPPROTO_ICMPV6, .type = ICMP6_ECHO_ASK, .body = zero, .len = 4 };
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_ANSWER);
	CU_ASSERT_TRUE(answered(&w)[40] == ICMP6_UNREACHABLE && answered(&w)[41] == UNREACHABLE6_PROHIBITED);
	CU_ASSERT_EQUAL(counters(&w).refused[REFUSED_NO_SERVICE], 2);
	CU_ASSERT_EQUAL(counters(&w).refused[REFUSED_PROTOCOL], 1);
	CU_ASSERT_EQUAL(counters(&w).refused[REFUSED_FORBIDDEN], 1);
	end(&w);
}

static void access_lists_hold(void)
{
	struct access_rule deny = { .addr = addr6("2001:db8::"), .prefix = 64, .port = 443 };
	struct spec6 s = syn(PEER_GLOBAL, WORLD, 443);
	struct rig w;

	begin(&w);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	g_array_append_val(w.config->net.to, deny);
	gate_configure(w.gate, &w.config->net);
	bool inward;
	uint8_t reset[REPLY_MAX];
	CU_ASSERT_TRUE(gate_next_reset(w.gate, reset, &inward) > 0);
	CU_ASSERT_TRUE(goes6(reset, WORLD, PEER_GLOBAL) || goes6(reset, PEER_GLOBAL, WORLD));
	CU_ASSERT_TRUE(right6(reset, 60));
	s.sport++;
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_ANSWER);
	CU_ASSERT_EQUAL(counters(&w).refused[REFUSED_ACCESS], 1);
	s = syn(PEER_GLOBAL, WORLD, 80);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	end(&w);
}

static void restrict_and_limits_hold(void)
{
	struct rig w;

	begin(&w);
	w.config->net.restrict_peer = true;
	w.config->net.rate = w.config->net.burst = 1;
	gate_configure(w.gate, &w.config->net);
	struct spec6 s = syn(PEER_GLOBAL, WORLD, 80);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_ANSWER);
	s = (struct spec6){ PEER, US, IPPROTO_UDP, PORT, 53, .body = "x", .len = 1 };
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_ANSWER);
	s = syn(PEER, US, 22);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	s.sport++;
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_ANSWER);
	CU_ASSERT_EQUAL(counters(&w).refused[REFUSED_RATE], 1);
	end(&w);
}

static void dns_goes_to_the_hosts_resolver(void)
{
	struct spec6 s = { PEER_GLOBAL, US_GLOBAL, IPPROTO_UDP, PORT, 53, .body = "?", .len = 1 };
	struct rig w;

	begin(&w);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	CU_ASSERT_TRUE(goes6(w.buf, PEER_GLOBAL, RESOLVER));
	CU_ASSERT_TRUE(to_peer(&w, &(struct spec6){ RESOLVER, PEER_GLOBAL, IPPROTO_UDP, 53, PORT, .body = "!", .len = 1 }));
	CU_ASSERT_TRUE(goes6(w.buf, US_GLOBAL, PEER_GLOBAL));
	has_resolver = false;
	s.sport++;
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_ANSWER);
	end(&w);
}

/* Whether the advertisement has the option. */
static bool has_option(const uint8_t *ra, uint8_t option)
{
	size_t end = 40u + packet_u16(ra, 4);

	for (size_t at = 56; at < end && ra[at + 1] > 0; at += ra[at + 1] * 8u)
		if (ra[at] == option)
			return true;
	return false;
}

/* RFC 4861 §4.2, RFC 8106 §5.1 */
static void advertisements_say_what_there_is(void)
{
	uint8_t ra[REPLY6_MAX];
	struct rig w;

	begin(&w);
	CU_ASSERT_TRUE(right6(ra, gate6_advertisement(w.gate, ra)));
	CU_ASSERT_TRUE(goes6(ra, US, "ff02::1") && ra[7] == 255 && ra[40] == 134);
	CU_ASSERT_EQUAL(packet_u16(ra, 46), 1800);
	CU_ASSERT_TRUE(has_option(ra, 3) && has_option(ra, 5) && has_option(ra, 25) && !has_option(ra, 1));
	has_world = has_resolver = false;
	CU_ASSERT_TRUE(right6(ra, gate6_advertisement(w.gate, ra)));
	CU_ASSERT_EQUAL(packet_u16(ra, 46), 0);
	CU_ASSERT_TRUE(has_option(ra, 3) && !has_option(ra, 25));
	gate_set_link(w.gate, NULL);
	CU_ASSERT_EQUAL(gate6_advertisement(w.gate, ra), 0);
	end(&w);
}

/* RFC 4861 §7.2, RFC 4862 §5.4.3 */
static void neighbours_are_told_of_ours(void)
{
	struct { uint8_t reserved[4]; struct in6_addr target; } body = { .target = addr6(US) };
	struct spec6 s = { PEER, US, IPPROTO_ICMPV6, .type = 135, .hop_limit = 255, .body = &body, .len = sizeof(body) };
	struct rig w;

	begin(&w);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_ANSWER);
	CU_ASSERT_TRUE(goes6(answered(&w), US, PEER));
	CU_ASSERT_EQUAL(answered(&w)[44], 0xe0);
	s.src = UNSPECIFIED;
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_ANSWER);
	CU_ASSERT_TRUE(goes6(answered(&w), US, "ff02::1"));
	CU_ASSERT_EQUAL(answered(&w)[44], 0xa0);
	body.target = addr6(PEER_GLOBAL);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_DROP);
	body.target = addr6(US);
	s.hop_limit = 254;
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_DROP);
	s.hop_limit = 255;
	s.len = 10;
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_DROP);
	CU_ASSERT_EQUAL(counters(&w).malformed, 1);
	end(&w);
}

/* RFC 3810: no host is to blame for it. Fragments and other headers never reach libslirp. */
static void what_stands_before_the_transport(void)
{
	static const uint8_t body[24];
	struct spec6 s = { PEER, "ff02::16", IPPROTO_ICMPV6, .type = 143, .hop_limit = 1, .body = body, .len = 4, .options = true };
	struct rig w;

	begin(&w);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_DROP);
	CU_ASSERT_EQUAL(counters(&w).ignored, 0);
	s = (struct spec6){ PEER, US, 44, .body = body, .len = sizeof(body) };
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_DROP);
	CU_ASSERT_EQUAL(counters(&w).fragments, 1);
	s = syn(PEER, US, 22);
	s.options = true;
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_ANSWER);
	CU_ASSERT_EQUAL(counters(&w).refused[REFUSED_PROTOCOL], 1);
	end(&w);
}

/* CVE-2020-10756, CVE-2021-3592 to 3595: lengths that lie, by which libslirp would read beyond the packet. */
static void cve_2020_10756_and_2021_3592_lengths(void)
{
	static const uint8_t body[64];
	static const uint8_t protocols[] = { IPPROTO_ICMPV6, IPPROTO_UDP, IPPROTO_TCP };
	struct rig w;
	struct packet p;

	begin(&w);
	size_t packets = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(protocols); i++) {
		const struct spec6 s = { PEER, US, protocols[i], PORT, 7, .type = 128, .body = body, .len = sizeof(body) };
		size_t len = build6(w.buf, &s);

		for (size_t cut = 0; cut < len; cut++)
			CU_ASSERT_EQUAL(gate6_from_peer(w.gate, w.buf, cut, &p), GATE_DROP);
		w.buf[5]++;
		CU_ASSERT_EQUAL(gate6_from_peer(w.gate, w.buf, len, &p), GATE_DROP);
		packets += len + 1;
		CU_ASSERT_EQUAL(counters(&w).malformed, packets);
	}
	const struct spec6 udp = { PEER, US, IPPROTO_UDP, PORT, 7, .body = body, .len = 8 };
	for (unsigned wrong = 0; wrong < 64; wrong++) {
		build6(w.buf, &udp);
		w.buf[45] = (uint8_t)wrong;
		CU_ASSERT_EQUAL(gate6_from_peer(w.gate, w.buf, 56, &p) == GATE_PASS, wrong == 16);
	}
	end(&w);
}

static void errors_come_under_the_peers_names(void)
{
	uint8_t quoted[200] = { 0 };
	struct spec6 s = syn(PEER, US, 22);
	struct rig w;

	begin(&w);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	memcpy(quoted + 4, w.buf, w.len);
	s = (struct spec6){ "fe80::9999", PEER, IPPROTO_ICMPV6, .type = ICMP6_UNREACHABLE, .body = quoted, .len = 4 + w.len };
	CU_ASSERT_TRUE(to_peer(&w, &s));
	CU_ASSERT_TRUE(goes6(w.buf, US, PEER));
	CU_ASSERT_TRUE(goes6(w.buf + 48, PEER, US));
	CU_ASSERT_EQUAL(packet_u16(w.buf, 48 + 42), 22);
	memset(quoted + 4, 0, 100);
	CU_ASSERT_FALSE(to_peer(&w, &s));
	end(&w);
}

static void nobody_sends_unasked(void)
{
	struct rig w;

	begin(&w);
	CU_ASSERT_FALSE(to_peer(&w, &(struct spec6){ WORLD, PEER_GLOBAL, IPPROTO_UDP, 53, PORT, .body = "!", .len = 1 }));
	CU_ASSERT_FALSE(to_peer(&w, &(struct spec6){ WORLD, PEER_GLOBAL, IPPROTO_TCP, 80, PORT, TCP_SYN, .body = NULL }));
	end(&w);
}

static void another_peer_ends_conversations(void)
{
	struct spec6 s = syn(PEER, US, 22);
	uint8_t reset[REPLY_MAX];
	bool to_peer_side;
	struct rig w;

	begin(&w);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	link_up(&w, 2);
	CU_ASSERT_EQUAL(gate_next_reset(w.gate, reset, &to_peer_side), 0);
	link_up(&w, 3);
	CU_ASSERT_EQUAL(gate_next_reset(w.gate, reset, &to_peer_side), 60);
	CU_ASSERT_TRUE(goes6(reset, PEER, MAPPED));
	end(&w);
}

static void a_proxy_is_not_passed_by(void)
{
	struct spec6 s = syn(PEER_GLOBAL, WORLD, 80);
	struct rig w;

	begin(&w);
	gate_set_proxy(w.gate, 3128);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_ANSWER);
	CU_ASSERT_EQUAL(counters(&w).refused[REFUSED_FORBIDDEN], 1);
	end(&w);
}

static void describe(void *arg, const struct net_flow *f)
{
	g_string_append_printf(arg, "%s %s %s %u;", f->peer.host, f->far.host, f->real.host, f->real.port);
}

/* The gate knows libslirp's UDP sockets by the peer's port alone. */
static void one_udp_port_one_address_inside(void)
{
	struct spec6 s = { PEER, US, IPPROTO_UDP, PORT, 7, .body = "?", .len = 1 };
	struct rig w;

	begin(&w);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	CU_ASSERT_EQUAL(packet_u16(w.buf, 40), PORT);
	gate_socket_opened(w.gate, 9, &w.p);
	s.src = PEER_GLOBAL;
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	uint16_t inside = packet_u16(w.buf, 40);
	CU_ASSERT_NOT_EQUAL(inside, PORT);
	CU_ASSERT_TRUE(to_peer(&w, &(struct spec6){ MAPPED, PEER_GLOBAL, IPPROTO_UDP, 7007, inside, .body = "!", .len = 1 }));
	CU_ASSERT_EQUAL(packet_u16(w.buf, 42), PORT);
	gate_socket_closed(w.gate, 9);
	end(&w);
}

static void flows_are_told(void)
{
	struct spec6 s = syn(PEER, US, 22);
	GString *text = g_string_new(NULL);
	struct rig w;

	begin(&w);
	from_peer(&w, &s);
	gate_flows(w.gate, describe, text);
	CU_ASSERT_STRING_EQUAL(text->str, "fe80::2 fe80::1 127.0.0.1 2222;");
	g_string_free(text, TRUE);
	end(&w);
}

const struct unit_test unit_tests[] = {
	{ "gate6: services are reached at both addresses", services_are_reached_at_both_addresses },
	{ "gate6: this machine is no destination", this_machine_is_no_destination },
	{ "gate6: nobody else's source", nobody_elses_source },
	{ "gate6: refusals are told (RFC 4443 3.1, 3.4)", refusals_are_told },
	{ "gate6: access lists hold", access_lists_hold },
	{ "gate6: restrict and limits hold", restrict_and_limits_hold },
	{ "gate6: DNS goes to the host's resolver", dns_goes_to_the_hosts_resolver },
	{ "gate6: advertisements say what there is (RFC 4861 4.2, RFC 8106 5.1)", advertisements_say_what_there_is },
	{ "gate6: neighbours are told of our addresses (RFC 4861 7.2, RFC 4862 5.4.3)", neighbours_are_told_of_ours },
	{ "gate6: what stands before the transport (RFC 8200 4, RFC 3810)", what_stands_before_the_transport },
	{ "gate6: CVE-2020-10756, CVE-2021-3592 to 3595: lengths", cve_2020_10756_and_2021_3592_lengths },
	{ "gate6: errors come under the peer's names (RFC 4443 3.1)", errors_come_under_the_peers_names },
	{ "gate6: nobody sends unasked", nobody_sends_unasked },
	{ "gate6: another peer ends conversations", another_peer_ends_conversations },
	{ "gate6: a proxy is not passed by", a_proxy_is_not_passed_by },
	{ "gate6: one UDP port, one address inside", one_udp_port_one_address_inside },
	{ "gate6: flows are told", flows_are_told },
	{ 0 },
};
