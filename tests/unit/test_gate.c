/* net/gate: who may reach what, and under which names. */
#include "unit.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "net/gate.h"
#include "net/net.h"
#include "packets.h"

#define LOCAL UINT32_C(0xc0a80701)
#define REMOTE UINT32_C(0xc0a80702)
#define DNS UINT32_C(0xc0a80703)
#define WORLD UINT32_C(0x08080808)
#define OURS UINT32_C(0xc0000202)
#define LOOPBACK UINT32_C(0x7f000001)
#define LOCAL_BY_ROUTE UINT32_C(0xc6336417)
#define BEHIND UINT32_C(0xc0a80909)

static const struct service services[] = {
	{ CONFIG_TCP, 22, LOOPBACK, 22 },
	{ CONFIG_TCP, 8080, 0x0a010101, 80 },
	{ CONFIG_UDP, 7, LOOPBACK, 7007 },
};

static const struct forward forwards[] = {
	{ CONFIG_TCP, LOOPBACK, 2222, 0, 22 },
	{ CONFIG_UDP, LOOPBACK, 5353, 0, 5300 },
	{ CONFIG_TCP, LOOPBACK, 2223, BEHIND, 22 },
};

struct world {
	struct config config;
	struct clock clock;
	struct gate *gate;
	uint8_t buf[2000];
	size_t len;
	struct packet p;
};

static bool own_addresses(void *arg, GArray *addresses)
{
	uint32_t ours = OURS;

	(void)arg;
	g_array_append_val(addresses, ours);
	return true;
}

static enum policy_route route(void *arg, uint32_t addr)
{
	(void)arg;
	return addr == LOCAL_BY_ROUTE ? ROUTE_HERE : ROUTE_AWAY;
}

static const struct policy_host host = { .addresses = own_addresses, .route = route };

static void world_init(struct world *w)
{
	const struct net_link link = { .local = LOCAL, .remote = REMOTE, .dns = DNS, .mtu = 1000 };

	*w = (struct world){ .config.lcp.mru = 900 };
	w->config.net.services = g_array_new(FALSE, FALSE, sizeof(struct service));
	w->config.net.forwards = g_array_new(FALSE, FALSE, sizeof(struct forward));
	g_array_append_vals(w->config.net.services, services, G_N_ELEMENTS(services));
	g_array_append_vals(w->config.net.forwards, forwards, G_N_ELEMENTS(forwards));
	clock_init(&w->clock, 77 * CLOCK_SECOND);
	w->gate = gate_new(&w->config, &w->clock, 5, &host);
	gate_set_link(w->gate, &link);
}

static void world_end(struct world *w)
{
	gate_free(w->gate);
	g_array_free(w->config.net.services, TRUE);
	g_array_free(w->config.net.forwards, TRUE);
}

static enum gate_verdict from_peer(struct world *w, const struct spec *s)
{
	w->len = build(w->buf, s);
	enum gate_verdict verdict = gate_from_peer(w->gate, w->buf, w->len, &w->p);
	if (verdict == GATE_PASS)
		CU_ASSERT_TRUE(checksums_right(w->buf, w->p.len));
	return verdict;
}

static bool to_peer(struct world *w, const struct spec *s)
{
	w->len = build(w->buf, s);
	bool passed = gate_to_peer(w->gate, w->buf, w->len, &w->p);
	if (passed)
		CU_ASSERT_TRUE(checksums_right(w->buf, w->p.len));
	return passed;
}

static struct spec packet(uint8_t protocol, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport, uint8_t flags)
{
	return (struct spec){ .protocol = protocol, .src = src, .sport = sport, .dst = dst, .dport = dport, .flags = flags,
			      .type = 8, .payload = protocol == IPPROTO_TCP ? 0 : 20 };
}

static struct spec syn(uint32_t dst, uint16_t port)
{
	return packet(IPPROTO_TCP, REMOTE, 40000, dst, port, TCP_SYN);
}

static void is(const struct world *w, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	CU_ASSERT_EQUAL(packet_u32(w->buf, 12), src);
	CU_ASSERT_EQUAL(packet_u32(w->buf, 16), dst);
	if (w->buf[9] == IPPROTO_ICMP)
		return;
	CU_ASSERT_EQUAL(packet_u16(w->buf, 20), sport);
	CU_ASSERT_EQUAL(packet_u16(w->buf, 22), dport);
}

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
			struct world w;
			size_t len;

			world_init(&w);
			w.config.net.restrict_peer = mode == 1;
			w.config.net.host_loopback = mode == 2;
			enum gate_verdict verdict = from_peer(&w, &j->spec);
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
			world_end(&w);
		}
	}
}

static void a_service_there_and_back(void)
{
	struct world w;
	struct spec s = syn(LOCAL, 8080);
	struct spec reply = packet(IPPROTO_TCP, 0x0a010101, 80, GATE_PEER, 40000, TCP_SYN | TCP_ACK);

	world_init(&w);
	CU_ASSERT_FALSE(to_peer(&w, &reply) && packet_u32(w.buf, 12) == LOCAL);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	is(&w, GATE_PEER, 40000, 0x0a010101, 80);
	CU_ASSERT_TRUE(to_peer(&w, &reply));
	is(&w, LOCAL, 8080, REMOTE, 40000);
	/* another port of the peer is another conversation, with the host itself */
	reply.dport = 40001;
	CU_ASSERT_TRUE(to_peer(&w, &reply));
	is(&w, 0x0a010101, 80, REMOTE, 40001);
	/* and so is a direct connection from the first one */
	s = syn(0x0a010101, 80);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	reply.dport = 40000;
	CU_ASSERT_TRUE(to_peer(&w, &reply));
	is(&w, 0x0a010101, 80, REMOTE, 40000);
	world_end(&w);
}

static void an_unknown_loopback_source_is_not_shown(void)
{
	struct world w;
	struct spec s = packet(IPPROTO_TCP, LOOPBACK, 22, GATE_PEER, 40000, TCP_ACK);

	world_init(&w);
	CU_ASSERT_FALSE(to_peer(&w, &s));
	s.protocol = IPPROTO_UDP;
	CU_ASSERT_FALSE(to_peer(&w, &s));
	CU_ASSERT_EQUAL(gate_counters(w.gate)->unmapped, 2);
	world_end(&w);
}

static void dns_there_and_back(void)
{
	struct world w;
	struct spec query = packet(IPPROTO_UDP, REMOTE, 5000, DNS, 53, 0);
	struct spec answer = packet(IPPROTO_UDP, GATE_RESOLVER, 53, GATE_PEER, 5000, 0);

	world_init(&w);
	CU_ASSERT_EQUAL(from_peer(&w, &query), GATE_PASS);
	is(&w, GATE_PEER, 5000, GATE_RESOLVER, 53);
	CU_ASSERT_TRUE(to_peer(&w, &answer));
	is(&w, DNS, 53, REMOTE, 5000);
	world_end(&w);
}

static void forward_tcp(struct world *w, uint32_t inner_dst, uint32_t outer_dst)
{
	struct spec out = packet(IPPROTO_TCP, GATE_HOST, 33000, inner_dst, 22, TCP_SYN);
	struct spec back = packet(IPPROTO_TCP, outer_dst, 22, LOCAL, 33000, TCP_SYN | TCP_ACK);

	CU_ASSERT_EQUAL(from_peer(w, &back), outer_dst == REMOTE ? GATE_ANSWER : GATE_DROP);
	CU_ASSERT_TRUE(to_peer(w, &out));
	is(w, LOCAL, 33000, outer_dst, 22);
	CU_ASSERT_EQUAL(from_peer(w, &back), GATE_PASS);
	is(w, inner_dst, 22, GATE_HOST, 33000);
	/* nobody may speak under libslirp's name for the peer */
	back.src = GATE_PEER;
	CU_ASSERT_EQUAL(from_peer(w, &back), GATE_DROP);
	back.src = outer_dst;
	/* a client of the same port on another machine is shown under another one */
	out.src = 0xc0000299;
	CU_ASSERT_TRUE(to_peer(w, &out));
	uint16_t port = packet_u16(w->buf, 20);
	CU_ASSERT_NOT_EQUAL(port, 33000);
	CU_ASSERT_EQUAL(packet_u32(w->buf, 12), LOCAL);
	back.dport = port;
	CU_ASSERT_EQUAL(from_peer(w, &back), GATE_PASS);
	is(w, inner_dst, 22, 0xc0000299, 33000);
}

static void a_forward_there_and_back(void)
{
	struct world w;

	world_init(&w);
	w.config.net.restrict_peer = true;
	forward_tcp(&w, GATE_PEER, REMOTE);
	world_end(&w);
	world_init(&w);
	forward_tcp(&w, BEHIND, BEHIND);
	world_end(&w);
}

/* A forward to the peer's own address by number: libslirp knows it under that. */
static void a_forward_to_the_peer_by_address(void)
{
	struct world w;
	struct spec out = packet(IPPROTO_TCP, GATE_HOST, 33000, REMOTE, 22, TCP_SYN);
	struct spec back = packet(IPPROTO_TCP, REMOTE, 22, LOCAL, 33000, TCP_SYN | TCP_ACK);

	world_init(&w);
	CU_ASSERT_TRUE(to_peer(&w, &out));
	is(&w, LOCAL, 33000, REMOTE, 22);
	CU_ASSERT_EQUAL(from_peer(&w, &back), GATE_PASS);
	is(&w, REMOTE, 22, GATE_HOST, 33000);
	world_end(&w);
}

/* libslirp shows the client of a UDP forward under two addresses, and sends to one of them only. */
static void a_udp_forward(void)
{
	struct world w;
	struct spec out = packet(IPPROTO_UDP, GATE_HOST, 33000, GATE_PEER, 5300, 0);
	struct spec back = packet(IPPROTO_UDP, REMOTE, 5300, LOCAL, 33000, 0);

	world_init(&w);
	CU_ASSERT_TRUE(to_peer(&w, &out));
	is(&w, LOCAL, 33000, REMOTE, 5300);
	CU_ASSERT_EQUAL(from_peer(&w, &back), GATE_PASS);
	is(&w, GATE_PEER, 5300, LOOPBACK, 33000);
	out.src = LOOPBACK;
	CU_ASSERT_TRUE(to_peer(&w, &out));
	is(&w, LOCAL, 33000, REMOTE, 5300);
	world_end(&w);
}

static void an_error_about_a_service(void)
{
	struct world w;
	uint8_t quoted[200];
	struct spec s = packet(IPPROTO_UDP, REMOTE, 40000, LOCAL, 7, 0);
	struct spec error = { .protocol = IPPROTO_ICMP, .src = LOOPBACK, .dst = GATE_PEER, .type = 3, .code = 3, .payload = 48 };

	world_init(&w);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	memcpy(quoted, w.buf, 48);
	size_t len = build(w.buf, &error);
	memcpy(w.buf + 28, quoted, 48);
	CU_ASSERT_TRUE(gate_to_peer(w.gate, w.buf, len, &w.p));
	CU_ASSERT_TRUE(checksums_right(w.buf, len));
	CU_ASSERT_TRUE(checksums_right(w.buf + 28, 48));
	is(&w, LOCAL, 0, REMOTE, 0);
	CU_ASSERT_EQUAL(packet_u32(w.buf, 28 + 12), REMOTE);
	CU_ASSERT_EQUAL(packet_u32(w.buf, 28 + 16), LOCAL);
	CU_ASSERT_EQUAL(packet_u16(w.buf, 28 + 22), 7);
	world_end(&w);
}

/* A datagram that libslirp fragments: the later ones follow the first one's new address. */
static void fragments_follow_the_first(void)
{
	struct world w;
	struct spec s = packet(IPPROTO_UDP, REMOTE, 40000, LOCAL, 7, 0);
	struct spec first = packet(IPPROTO_UDP, LOOPBACK, 7007, GATE_PEER, 40000, 0);
	struct spec later = first;

	first.payload = 24;
	first.fragment = 0x2000;
	first.id = later.id = 4242;
	later.fragment = 4;
	world_init(&w);
	CU_ASSERT_FALSE(to_peer(&w, &later));
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	CU_ASSERT_TRUE(to_peer(&w, &first));
	is(&w, LOCAL, 7, REMOTE, 40000);
	CU_ASSERT_TRUE(to_peer(&w, &later));
	CU_ASSERT_EQUAL(packet_u32(w.buf, 12), LOCAL);
	CU_ASSERT_EQUAL(packet_u32(w.buf, 16), REMOTE);
	later.id++;
	CU_ASSERT_FALSE(to_peer(&w, &later));
	world_end(&w);
}

static void mss_both_ways(void)
{
	const uint8_t option[] = { 2, 4, 0x05, 0xb4 };
	struct world w;
	struct spec s = syn(WORLD, 80);
	struct spec back = packet(IPPROTO_TCP, WORLD, 80, GATE_PEER, 40000, TCP_SYN | TCP_ACK);

	s.options = back.options = option;
	s.options_len = back.options_len = 4;
	world_init(&w);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	CU_ASSERT_EQUAL(packet_u16(w.buf, 42), 960);
	CU_ASSERT_TRUE(to_peer(&w, &back));
	CU_ASSERT_EQUAL(packet_u16(w.buf, 42), 860);
	world_end(&w);
}

static void refusals_are_bounded(void)
{
	struct world w;
	struct spec s = syn(LOCAL, 23);
	unsigned answers = 0;

	world_init(&w);
	for (unsigned i = 0; i < 1000; i++)
		answers += from_peer(&w, &s) == GATE_ANSWER;
	CU_ASSERT_EQUAL(answers, 100);
	for (unsigned i = 0; i < 1000; i++) {
		clock_advance(&w.clock, w.clock.now + 2 * CLOCK_MS);
		answers += from_peer(&w, &s) == GATE_ANSWER;
	}
	CU_ASSERT_TRUE(answers >= 195 && answers <= 201);
	CU_ASSERT_EQUAL(gate_counters(w.gate)->refused, 2000);
	world_end(&w);
}

/* The link comes back with other addresses, and with the same: libslirp's do not change. */
static void conversations_outlive_the_link(void)
{
	const struct net_link other = { .local = 0x0a000202, .remote = 0x0a00020f, .mtu = 1500 };
	struct world w;
	struct spec s = syn(LOCAL, 22);
	struct spec reply = packet(IPPROTO_TCP, LOOPBACK, 22, GATE_PEER, 40000, TCP_ACK);

	world_init(&w);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_PASS);
	gate_set_link(w.gate, NULL);
	CU_ASSERT_FALSE(to_peer(&w, &reply));
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_DROP);
	gate_set_link(w.gate, &other);
	CU_ASSERT_TRUE(to_peer(&w, &reply));
	is(&w, 0x0a000202, 22, 0x0a00020f, 40000);
	CU_ASSERT_EQUAL(from_peer(&w, &s), GATE_DROP);
	world_end(&w);
}

/* As libslirp does when it is given the packet that passed last. */
static void opened(struct world *w, int fd)
{
	gate_socket_opened(w->gate, fd, &w->p);
}

static enum gate_verdict open_from(struct world *w, uint8_t protocol, uint32_t dst, uint16_t dport, uint16_t sport, int fd)
{
	struct spec s = packet(protocol, REMOTE, sport, dst, dport, TCP_SYN);
	enum gate_verdict verdict = from_peer(w, &s);

	if (verdict == GATE_PASS && fd >= 0)
		opened(w, fd);
	return verdict;
}

static void count_line(void *arg, int priority, const char *line)
{
	unsigned *lines = arg;

	*lines += priority == LOG_NOTICE && strncmp(line, "too many conversations: refused ", 32) == 0;
}

static void a_bounded_number_of_conversations(void)
{
	struct world w;
	unsigned lines = 0;

	world_init(&w);
	log_set_sink(count_line, &lines);
	gate_limit_flows(w.gate, 8);
	for (int fd = 0; fd < 5; fd++)
		CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, WORLD, 80, (uint16_t)(1000 + fd), fd), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_UDP, WORLD, 80, 2000, 5), GATE_PASS);
	/* the world's share is used up */
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, WORLD, 80, 1005, -1), GATE_ANSWER);
	CU_ASSERT_EQUAL(gate_answer(w.gate, &w.len)[9], IPPROTO_TCP);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_UDP, WORLD, 80, 2001, -1), GATE_ANSWER);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_ICMP, WORLD, 0, 0, -1), GATE_ANSWER);
	CU_ASSERT_EQUAL(lines, 1);
	CU_ASSERT_EQUAL(gate_counters(w.gate)->crowded, 3);
	/* what is open goes on, also when its SYN is repeated */
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, WORLD, 80, 1004, -1), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, WORLD, 81, 1004, -1), GATE_ANSWER);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_UDP, WORLD + 1, 81, 2000, -1), GATE_PASS);
	/* services have their own share, and then what the world leaves */
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, LOCAL, 22, 3000, 6), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_UDP, LOCAL, 7, 3000, 7), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, LOCAL, 22, 3001, -1), GATE_ANSWER);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_UDP, LOCAL, 7, 3000, -1), GATE_PASS);
	gate_socket_closed(w.gate, 2);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, LOCAL, 22, 3001, 2), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, WORLD, 80, 1002, -1), GATE_ANSWER);
	/* a forward's clients are not the peer's doing */
	gate_socket_opened(w.gate, 90, NULL);
	CU_ASSERT_EQUAL(gate_sockets(w.gate), 9);
	for (int fd = 0; fd < 100; fd++)
		gate_socket_closed(w.gate, fd);
	CU_ASSERT_EQUAL(gate_sockets(w.gate), 0);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, WORLD, 80, 1005, -1), GATE_PASS);
	CU_ASSERT_EQUAL(lines, 1);
	log_set_sink(NULL, NULL);
	world_end(&w);
}

/* libslirp keeps a socket for each ping until the answer comes. */
static void a_bounded_number_of_pings(void)
{
	struct world w;

	world_init(&w);
	gate_limit_flows(w.gate, 40);
	for (int fd = 0; fd < 10; fd++)
		CU_ASSERT_EQUAL(open_from(&w, IPPROTO_ICMP, WORLD, 0, 0, fd), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_ICMP, WORLD, 0, 0, -1), GATE_ANSWER);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_ICMP, LOCAL, 0, 0, -1), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, WORLD, 80, 1, -1), GATE_PASS);
	gate_socket_closed(w.gate, 3);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_ICMP, WORLD, 0, 0, 3), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_ICMP, WORLD, 0, 0, -1), GATE_ANSWER);
	world_end(&w);
}

/* libslirp's UDP sockets take what anybody sends to them. */
static void strangers_are_not_let_in(void)
{
	struct world w;
	struct spec stranger = packet(IPPROTO_UDP, WORLD + 1, 999, GATE_PEER, 40000, 0);
	struct spec friend = packet(IPPROTO_UDP, LOOPBACK, 7007, GATE_PEER, 40000, 0);
	struct spec reset = packet(IPPROTO_TCP, WORLD, 80, GATE_PEER, 40000, TCP_RST);
	struct spec echo = { .protocol = IPPROTO_ICMP, .src = GATE_HOST, .dst = GATE_PEER, .payload = 8 };

	world_init(&w);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_UDP, LOCAL, 7, 40000, 9), GATE_PASS);
	CU_ASSERT_TRUE(to_peer(&w, &friend));
	CU_ASSERT_FALSE(to_peer(&w, &stranger));
	CU_ASSERT_EQUAL(gate_counters(w.gate)->unmapped, 1);
	CU_ASSERT_TRUE(to_peer(&w, &reset));
	/* a port that itself talks to the world hears it */
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_UDP, WORLD, 53, 40000, -1), GATE_PASS);
	CU_ASSERT_TRUE(to_peer(&w, &stranger));
	gate_socket_closed(w.gate, 9);
	CU_ASSERT_FALSE(to_peer(&w, &stranger));
	w.config.net.restrict_peer = true;
	CU_ASSERT_FALSE(to_peer(&w, &reset));
	CU_ASSERT_TRUE(to_peer(&w, &echo));
	is(&w, LOCAL, 0, REMOTE, 0);
	echo.src = WORLD;
	CU_ASSERT_FALSE(to_peer(&w, &echo));
	echo.type = 3;
	CU_ASSERT_FALSE(to_peer(&w, &echo));
	friend.fragment = 7;
	friend.src = WORLD;
	CU_ASSERT_FALSE(to_peer(&w, &friend));
	world_end(&w);
}

static unsigned resets(struct world *w, uint32_t dst, uint16_t dport)
{
	uint8_t buf[REPLY_MAX];
	unsigned n = 0;
	size_t len;

	while ((len = gate_next_reset(w->gate, buf)) > 0) {
		CU_ASSERT_TRUE(checksums_right(buf, len));
		CU_ASSERT_EQUAL(packet_u32(buf, 12), GATE_PEER);
		CU_ASSERT_EQUAL(packet_u32(buf, 16), dst);
		CU_ASSERT_EQUAL(packet_u16(buf, 20), 40000);
		CU_ASSERT_EQUAL(packet_u16(buf, 22), dport);
		CU_ASSERT_EQUAL(packet_u32(buf, 24), n % 2 ? UINT32_C(1) << 31 : 0);
		CU_ASSERT_EQUAL(buf[33], TCP_RST);
		n++;
	}
	return n;
}

static void a_departed_peer_leaves_nothing(void)
{
	struct net_link link = { .local = LOCAL, .remote = REMOTE, .dns = DNS, .mtu = 1500 };
	struct world w;

	world_init(&w);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, LOCAL, 8080, 40000, 12), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_UDP, WORLD, 9, 40000, 13), GATE_PASS);
	gate_socket_opened(w.gate, 14, NULL);
	gate_set_link(w.gate, NULL);
	gate_set_link(w.gate, &link);
	CU_ASSERT_EQUAL(resets(&w, 0, 0), 0);
	gate_end_conversations(w.gate);
	CU_ASSERT_EQUAL(resets(&w, 0x0a010101, 80), 2);
	gate_set_link(w.gate, NULL);
	link.remote++;
	gate_set_link(w.gate, &link);
	CU_ASSERT_EQUAL(resets(&w, 0x0a010101, 80), 2);
	gate_socket_closed(w.gate, 12);
	gate_end_conversations(w.gate);
	CU_ASSERT_EQUAL(resets(&w, 0, 0), 0);
	world_end(&w);
}

static void ignore_packet(void *arg, const uint8_t *bytes, size_t len)
{
	(void)arg;
	(void)bytes;
	(void)len;
}

/* libslirp 4.7 writes beyond its memory when it is given a last fragment alone. */
static void no_fragment_reaches_libslirp(void)
{
	const struct net_link link = { .local = LOCAL, .remote = REMOTE, .mtu = 1500 };
	const struct net_events events = { .packet = ignore_packet };
	struct config config = { .lcp = { .mru = 1500, .mtu = 1500 } };
	struct loop *loop = loop_new();
	struct net *net = net_slirp.open(&config, loop, &events, NULL);
	uint8_t buf[NET_HEADROOM + 2000];

	CU_ASSERT_PTR_NOT_NULL_FATAL(net);
	CU_ASSERT_TRUE(net_up(net, &link));
	for (uint16_t i = 0; i < 200; i++) {
		struct spec s = { .protocol = IPPROTO_UDP, .src = REMOTE, .dst = WORLD, .payload = 800, .id = i,
				  .fragment = (uint16_t)(100 + i) };

		net_input(net, buf + NET_HEADROOM, build(buf + NET_HEADROOM, &s));
	}
	net_down(net);
	net_close(net);
	loop_free(loop);
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
	{ "gate: a bounded number of conversations, a share for services", a_bounded_number_of_conversations },
	{ "gate: a bounded number of pings", a_bounded_number_of_pings },
	{ "gate: strangers are not let in", strangers_are_not_let_in },
	{ "gate: a departed peer leaves nothing", a_departed_peer_leaves_nothing },
	{ "slirp: no fragment reaches libslirp", no_fragment_reaches_libslirp },
	{ 0 },
};
