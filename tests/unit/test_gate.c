/* net/gate: who may reach what, and under which names. */
#include "unit.h"

#include <netinet/in.h>
#include <string.h>

#include "gate_rig.h"

struct judged {
	struct spec spec;
	enum gate_verdict open, restricted, loopback; /* as configured, with `restrict`, with `host-loopback` */
};

#define FROM(proto, to, to_port) .protocol = (proto), .src = REMOTE, .sport = 40000, .dst = (to), .dport = (to_port)
#define TCP_SYN_TO(to, to_port) { FROM(IPPROTO_TCP, to, to_port), .flags = TCP_SYN }
#define TCP_ACK_TO(to, to_port) { FROM(IPPROTO_TCP, to, to_port), .flags = TCP_ACK }
#define UDP_TO(to, to_port) { FROM(IPPROTO_UDP, to, to_port), .payload = 20 }
#define PING_TO(to) { .protocol = IPPROTO_ICMP, .src = REMOTE, .dst = (to), .type = 8, .payload = 20 }

static const struct judged judgements[] = {
	{ TCP_SYN_TO(LOCAL, 22), GATE_PASS, GATE_PASS, GATE_PASS },
	{ TCP_SYN_TO(LOCAL, 23), GATE_ANSWER, GATE_ANSWER, GATE_PASS },
	{ TCP_ACK_TO(LOCAL, 8080), GATE_ANSWER, GATE_ANSWER, GATE_ANSWER },
	{ TCP_SYN_TO(LOCAL, 2222), GATE_ANSWER, GATE_ANSWER, GATE_PASS },
	{ UDP_TO(LOCAL, 7), GATE_PASS, GATE_PASS, GATE_PASS },
	{ UDP_TO(LOCAL, 22), GATE_ANSWER, GATE_ANSWER, GATE_PASS },
	{ PING_TO(LOCAL), GATE_PASS, GATE_PASS, GATE_PASS },
	{ UDP_TO(DNS, 53), GATE_PASS, GATE_ANSWER, GATE_PASS },
	{ TCP_SYN_TO(DNS, 53), GATE_PASS, GATE_ANSWER, GATE_PASS },
	{ TCP_SYN_TO(DNS, 22), GATE_ANSWER, GATE_ANSWER, GATE_ANSWER },
	{ TCP_SYN_TO(WORLD, 80), GATE_PASS, GATE_ANSWER, GATE_PASS },
	{ UDP_TO(WORLD, 53), GATE_PASS, GATE_ANSWER, GATE_PASS },
	{ PING_TO(WORLD), GATE_PASS, GATE_ANSWER, GATE_PASS },
	{ TCP_SYN_TO(OURS, 22), GATE_ANSWER, GATE_ANSWER, GATE_ANSWER },
	{ TCP_ACK_TO(OURS, 22), GATE_ANSWER, GATE_ANSWER, GATE_ANSWER },
	{ TCP_SYN_TO(LOCAL_BY_ROUTE, 22), GATE_ANSWER, GATE_ANSWER, GATE_ANSWER },
	{ TCP_SYN_TO(LOOPBACK, 22), GATE_ANSWER, GATE_ANSWER, GATE_ANSWER },
	{ UDP_TO(LOOPBACK, 7), GATE_ANSWER, GATE_ANSWER, GATE_ANSWER },
	{ UDP_TO(0, 7), GATE_DROP, GATE_DROP, GATE_DROP },
	{ UDP_TO(0xffffffff, 67), GATE_DROP, GATE_DROP, GATE_DROP },
	{ UDP_TO(0xe0000001, 5353), GATE_DROP, GATE_DROP, GATE_DROP },
	{ TCP_SYN_TO(GATE_HOST, 22), GATE_DROP, GATE_DROP, GATE_DROP },
	{ UDP_TO(GATE_RESOLVER, 53), GATE_DROP, GATE_DROP, GATE_DROP },
	{ TCP_SYN_TO(REMOTE, 22), GATE_ANSWER, GATE_ANSWER, GATE_ANSWER },
	{ { .protocol = 47, .src = REMOTE, .dst = WORLD }, GATE_ANSWER, GATE_ANSWER, GATE_ANSWER },
	{ { .protocol = 47, .src = REMOTE, .dst = LOCAL }, GATE_ANSWER, GATE_ANSWER, GATE_ANSWER },
	{ { .protocol = 47, .src = BEHIND, .dst = LOCAL }, GATE_DROP, GATE_DROP, GATE_DROP },
	{ { .protocol = IPPROTO_ICMP, .src = REMOTE, .dst = WORLD, .type = 3, .payload = 28 }, GATE_DROP, GATE_DROP, GATE_DROP },
	{ { .protocol = IPPROTO_ICMP, .src = REMOTE, .dst = LOCAL, .type = 13, .payload = 12 }, GATE_DROP, GATE_DROP, GATE_DROP },
	{ { .protocol = IPPROTO_UDP, .src = BEHIND, .dst = WORLD, .payload = 4 }, GATE_DROP, GATE_DROP, GATE_DROP },
	{ { .protocol = IPPROTO_UDP, .src = BEHIND, .dst = LOCAL, .dport = 7, .payload = 4 }, GATE_DROP, GATE_DROP, GATE_DROP },
	{ { .protocol = IPPROTO_UDP, .src = GATE_PEER, .dst = LOCAL, .dport = 7, .payload = 4 }, GATE_DROP, GATE_DROP, GATE_DROP },
	{ { .protocol = IPPROTO_UDP, .src = REMOTE, .dst = LOCAL, .dport = 7, .payload = 8, .fragment = 0x2000 },
	  GATE_DROP, GATE_DROP, GATE_DROP },
	{ { .protocol = IPPROTO_UDP, .src = REMOTE, .dst = LOCAL, .payload = 8, .fragment = 5 }, GATE_DROP, GATE_DROP, GATE_DROP },
	{ { .protocol = IPPROTO_UDP, .src = REMOTE, .dst = WORLD, .dport = 9, .payload = 8, .fragment = 0x2000 },
	  GATE_DROP, GATE_DROP, GATE_DROP },
	{ { .protocol = IPPROTO_UDP, .src = REMOTE, .dst = WORLD, .payload = 8, .fragment = 5 }, GATE_DROP, GATE_DROP, GATE_DROP },
	{ { .protocol = IPPROTO_UDP, .src = REMOTE, .dst = OURS, .payload = 8, .fragment = 5 }, GATE_DROP, GATE_DROP, GATE_DROP },
};

static void judged_as_the_table_says(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(judgements); i++) {
		const struct judged *j = &judgements[i];
		const enum gate_verdict wants[] = { j->open, j->restricted, j->loopback };

		for (unsigned mode = 0; mode < 3; mode++) {
			struct gate_rig w;
			size_t len;

			gate_rig_init(&w);
			w.config->net.restrict_peer = mode == 1;
			w.config->net.host_loopback = mode == 2;
			gate_rig_configure(&w);
			enum gate_verdict verdict = gate_rig_from_peer(&w, &j->spec);
			if (verdict != wants[mode])
				printf("# row %u mode %u: %d\n", i, mode, verdict);
			CU_ASSERT_EQUAL(verdict, wants[mode]);
			if (verdict == GATE_ANSWER) {
				const uint8_t *answer = gate_answer(w.gate, &len);

				CU_ASSERT_TRUE(checksums_right(answer, len));
				CU_ASSERT_EQUAL(packet_u32(answer, 16), REMOTE);
				bool reset = j->spec.protocol == IPPROTO_TCP && j->spec.dst != LOOPBACK;
				CU_ASSERT_EQUAL(answer[9], reset ? IPPROTO_TCP : IPPROTO_ICMP);
				CU_ASSERT_EQUAL(packet_u32(answer, 12), reset ? j->spec.dst : LOCAL);
			}
			gate_rig_end(&w);
		}
	}
}

static void a_service_there_and_back(void)
{
	struct gate_rig w;
	struct spec s = gate_rig_syn(LOCAL, 8080);
	struct spec reply = gate_rig_packet(IPPROTO_TCP, 0x0a010101, 80, GATE_PEER, 40000, TCP_SYN | TCP_ACK);

	gate_rig_init(&w);
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &reply) && packet_u32(w.buf, 12) == LOCAL);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &s), GATE_PASS);
	gate_rig_is(&w, GATE_PEER, 40000, 0x0a010101, 80);
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &reply));
	gate_rig_is(&w, LOCAL, 8080, REMOTE, 40000);
	/* another port of the peer is another conversation, with the host itself */
	reply.dport = 40001;
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &reply));
	gate_rig_is(&w, 0x0a010101, 80, REMOTE, 40001);
	/* and so is a direct connection from the first one, which libslirp must not take for that one */
	s = gate_rig_syn(0x0a010101, 80);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &s), GATE_PASS);
	uint16_t inside = packet_u16(w.buf, 20);
	CU_ASSERT_NOT_EQUAL(inside, 40000);
	reply.dport = inside;
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &reply));
	gate_rig_is(&w, 0x0a010101, 80, REMOTE, 40000);
	reply.dport = 40000;
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &reply));
	gate_rig_is(&w, LOCAL, 8080, REMOTE, 40000);
	gate_rig_end(&w);
}

static void an_unknown_loopback_source_is_not_shown(void)
{
	struct gate_rig w;
	struct spec s = gate_rig_packet(IPPROTO_TCP, LOOPBACK, 22, GATE_PEER, 40000, TCP_ACK);

	gate_rig_init(&w);
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &s));
	s.protocol = IPPROTO_UDP;
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &s));
	gate_rig_end(&w);
}

static void dns_there_and_back(void)
{
	struct gate_rig w;
	struct spec query = gate_rig_packet(IPPROTO_UDP, REMOTE, 5000, DNS, 53, 0);
	struct spec answer = gate_rig_packet(IPPROTO_UDP, GATE_RESOLVER, 53, GATE_PEER, 5000, 0);

	gate_rig_init(&w);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &query), GATE_PASS);
	gate_rig_is(&w, GATE_PEER, 5000, GATE_RESOLVER, 53);
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &answer));
	gate_rig_is(&w, DNS, 53, REMOTE, 5000);
	gate_rig_end(&w);
}

static void forward_tcp(struct gate_rig *w, uint32_t inner_dst, uint32_t outer_dst)
{
	struct spec out = gate_rig_packet(IPPROTO_TCP, GATE_HOST, 33000, inner_dst, 22, TCP_SYN);
	struct spec back = gate_rig_packet(IPPROTO_TCP, outer_dst, 22, LOCAL, 33000, TCP_SYN | TCP_ACK);

	CU_ASSERT_EQUAL(gate_rig_from_peer(w, &back), outer_dst == REMOTE ? GATE_ANSWER : GATE_DROP);
	CU_ASSERT_TRUE(gate_rig_to_peer(w, &out));
	gate_rig_is(w, LOCAL, 33000, outer_dst, 22);
	CU_ASSERT_EQUAL(gate_rig_from_peer(w, &back), GATE_PASS);
	gate_rig_is(w, inner_dst, 22, GATE_HOST, 33000);
	/* nobody may speak under libslirp's name for the peer */
	back.src = GATE_PEER;
	CU_ASSERT_EQUAL(gate_rig_from_peer(w, &back), GATE_DROP);
	back.src = outer_dst;
	/* a client of the same port on another machine is shown under another one */
	out.src = 0xc0000299;
	CU_ASSERT_TRUE(gate_rig_to_peer(w, &out));
	uint16_t port = packet_u16(w->buf, 20);
	CU_ASSERT_NOT_EQUAL(port, 33000);
	CU_ASSERT_EQUAL(packet_u32(w->buf, 12), LOCAL);
	back.dport = port;
	CU_ASSERT_EQUAL(gate_rig_from_peer(w, &back), GATE_PASS);
	gate_rig_is(w, inner_dst, 22, 0xc0000299, 33000);
}

static void a_forward_there_and_back(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	w.config->net.restrict_peer = true;
	gate_rig_configure(&w);
	forward_tcp(&w, GATE_PEER, REMOTE);
	gate_rig_end(&w);
	gate_rig_init(&w);
	forward_tcp(&w, BEHIND, BEHIND);
	gate_rig_end(&w);
}

/* A forward to the peer's own address by number: libslirp knows it under that. */
static void a_forward_to_the_peer_by_address(void)
{
	struct gate_rig w;
	struct spec out = gate_rig_packet(IPPROTO_TCP, GATE_HOST, 33000, REMOTE, 22, TCP_SYN);
	struct spec back = gate_rig_packet(IPPROTO_TCP, REMOTE, 22, LOCAL, 33000, TCP_SYN | TCP_ACK);
	const struct forward forward = { .protocol = CONFIG_TCP, .bind = LOOPBACK, .port = 2224, .host = REMOTE, .host_port = 22 };

	gate_rig_init(&w);
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &out));
	g_array_append_val(w.config->net.forwards, forward);
	gate_rig_configure(&w);
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &out));
	gate_rig_is(&w, LOCAL, 33000, REMOTE, 22);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &back), GATE_PASS);
	gate_rig_is(&w, REMOTE, 22, GATE_HOST, 33000);
	gate_rig_end(&w);
}

/* libslirp shows the client of a UDP forward under two addresses, and sends to one of them only. */
static void a_udp_forward(void)
{
	struct gate_rig w;
	struct spec out = gate_rig_packet(IPPROTO_UDP, GATE_HOST, 33000, GATE_PEER, 5300, 0);
	struct spec back = gate_rig_packet(IPPROTO_UDP, REMOTE, 5300, LOCAL, 33000, 0);

	gate_rig_init(&w);
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &out));
	gate_rig_is(&w, LOCAL, 33000, REMOTE, 5300);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &back), GATE_PASS);
	gate_rig_is(&w, GATE_PEER, 5300, LOOPBACK, 33000);
	out.src = LOOPBACK;
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &out));
	gate_rig_is(&w, LOCAL, 33000, REMOTE, 5300);
	gate_rig_end(&w);
}

static void an_error_about_a_service(void)
{
	struct gate_rig w;
	uint8_t quoted[200];
	struct spec s = gate_rig_packet(IPPROTO_UDP, REMOTE, 40000, LOCAL, 7, 0);
	struct spec error = { .protocol = IPPROTO_ICMP, .src = LOOPBACK, .dst = GATE_PEER, .type = 3, .code = 3, .payload = 48 };

	gate_rig_init(&w);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &s), GATE_PASS);
	memcpy(quoted, w.buf, 48);
	size_t len = build(w.buf, &error);
	memcpy(w.buf + 28, quoted, 48);
	CU_ASSERT_TRUE(gate_to_peer(w.gate, w.buf, len, &w.p));
	CU_ASSERT_TRUE(checksums_right(w.buf, len));
	CU_ASSERT_TRUE(checksums_right(w.buf + 28, 48));
	gate_rig_is(&w, LOCAL, 0, REMOTE, 0);
	CU_ASSERT_EQUAL(packet_u32(w.buf, 28 + 12), REMOTE);
	CU_ASSERT_EQUAL(packet_u32(w.buf, 28 + 16), LOCAL);
	CU_ASSERT_EQUAL(packet_u16(w.buf, 28 + 22), 7);
	gate_rig_end(&w);
}

/* A datagram that libslirp fragments: the later ones follow the first one's new address. */
static void fragments_follow_the_first(void)
{
	struct gate_rig w;
	struct spec s = gate_rig_packet(IPPROTO_UDP, REMOTE, 40000, LOCAL, 7, 0);
	struct spec first = gate_rig_packet(IPPROTO_UDP, LOOPBACK, 7007, GATE_PEER, 40000, 0);
	struct spec later = first;

	first.payload = 24;
	first.fragment = 0x2000;
	first.id = later.id = 4242;
	later.fragment = 4;
	gate_rig_init(&w);
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &later));
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &s), GATE_PASS);
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &first));
	gate_rig_is(&w, LOCAL, 7, REMOTE, 40000);
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &later));
	CU_ASSERT_EQUAL(packet_u32(w.buf, 12), LOCAL);
	CU_ASSERT_EQUAL(packet_u32(w.buf, 16), REMOTE);
	later.id++;
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &later));
	gate_rig_end(&w);
}

static void mss_both_ways(void)
{
	const uint8_t option[] = { 2, 4, 0x05, 0xb4 };
	struct gate_rig w;
	struct spec s = gate_rig_syn(WORLD, 80);
	struct spec back = gate_rig_packet(IPPROTO_TCP, WORLD, 80, GATE_PEER, 40000, TCP_SYN | TCP_ACK);

	s.options = back.options = option;
	s.options_len = back.options_len = 4;
	gate_rig_init(&w);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &s), GATE_PASS);
	CU_ASSERT_EQUAL(packet_u16(w.buf, 42), 960);
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &back));
	CU_ASSERT_EQUAL(packet_u16(w.buf, 42), 860);
	gate_rig_end(&w);
}

static void refusals_are_bounded(void)
{
	struct gate_rig w;
	struct spec s = gate_rig_syn(LOCAL, 23);
	unsigned answers = 0;

	gate_rig_init(&w);
	for (unsigned i = 0; i < 1000; i++)
		answers += gate_rig_from_peer(&w, &s) == GATE_ANSWER;
	CU_ASSERT_EQUAL(answers, 100);
	for (unsigned i = 0; i < 1000; i++) {
		clock_advance(&w.clock, w.clock.now + 2 * CLOCK_MS);
		answers += gate_rig_from_peer(&w, &s) == GATE_ANSWER;
	}
	CU_ASSERT_TRUE(answers >= 195 && answers <= 201);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).refused[REFUSED_NO_SERVICE], 2000);
	gate_rig_end(&w);
}

/* The link comes back with the same addresses; then with others, which are another peer's. */
static void conversations_outlive_the_link(void)
{
	const struct net_link same = { .local = LOCAL, .remote = REMOTE, .dns = DNS, .mtu = 1000 };
	const struct net_link other = { .local = 0x0a000202, .remote = 0x0a00020f, .mtu = 1500 };
	struct gate_rig w;
	struct spec s = gate_rig_syn(LOCAL, 22);
	struct spec reply = gate_rig_packet(IPPROTO_TCP, LOOPBACK, 22, GATE_PEER, 40000, TCP_ACK);
	unsigned to_peer;

	gate_rig_init(&w);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &s), GATE_PASS);
	gate_set_link(w.gate, NULL);
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &reply));
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &s), GATE_DROP);
	gate_set_link(w.gate, &same);
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &reply));
	gate_rig_is(&w, LOCAL, 22, REMOTE, 40000);
	gate_set_link(w.gate, NULL);
	gate_set_link(w.gate, &other);
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &reply));
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &s), GATE_DROP);
	CU_ASSERT_EQUAL(gate_rig_resets(&w, &to_peer), 2);
	CU_ASSERT_EQUAL(to_peer, 0);
	gate_rig_end(&w);
}

const struct unit_test unit_tests[] = {
	{ "gate: judged as the table says", judged_as_the_table_says },
	{ "gate: a service, there and back", a_service_there_and_back },
	{ "gate: an unknown loopback source is not shown", an_unknown_loopback_source_is_not_shown },
	{ "gate: DNS, there and back", dns_there_and_back },
	{ "gate: a forward, there and back, also when restricted", a_forward_there_and_back },
	{ "gate: a forward to the peer by its address", a_forward_to_the_peer_by_address },
	{ "gate: a UDP forward", a_udp_forward },
	{ "gate: an ICMP error about a service, RFC 5508 s.4.2", an_error_about_a_service },
	{ "gate: fragments follow the first", fragments_follow_the_first },
	{ "gate: MSS both ways", mss_both_ways },
	{ "gate: refusals are answered at a bounded rate", refusals_are_bounded },
	{ "gate: conversations outlive the link", conversations_outlive_the_link },
	{ 0 },
};
