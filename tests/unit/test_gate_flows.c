/* net/gate: flows as they are limited, told of, ended; what we ourselves open. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "gate_rig.h"

static enum gate_verdict send_from(struct gate_rig *w, uint8_t protocol, uint16_t sport, uint32_t dst, uint16_t dport, uint8_t flags)
{
	struct spec s = gate_rig_packet(protocol, REMOTE, sport, dst, dport, flags);

	s.seq = 5000;
	s.ack = 7000;
	return gate_rig_from_peer(w, &s);
}

static bool reply(struct gate_rig *w, uint8_t protocol, uint32_t src, uint16_t sport, uint16_t dport, uint8_t flags)
{
	struct spec s = gate_rig_packet(protocol, src, sport, GATE_PEER, dport, flags);

	return gate_rig_to_peer(w, &s);
}

struct listing {
	struct net_flow flows[16];
	struct net_door doors[16];
	unsigned count;
};

static void list_flow(void *arg, const struct net_flow *flow)
{
	struct listing *l = arg;

	l->flows[l->count++ % 16] = *flow;
}

static void list_door(void *arg, const struct net_door *door)
{
	struct listing *l = arg;

	l->doors[l->count++ % 16] = *door;
}

static struct listing flows_of(const struct gate_rig *w)
{
	struct listing l = { .count = 0 };

	gate_flows(w->gate, list_flow, &l);
	return l;
}

static struct listing services_of(const struct gate_rig *w)
{
	struct listing l = { .count = 0 };

	gate_services(w->gate, list_door, &l);
	return l;
}

static void is_at(const struct net_address *a, const char *host, uint16_t port)
{
	CU_ASSERT_STRING_EQUAL(a->host, host);
	CU_ASSERT_EQUAL(a->port, port);
}

static void told_of(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 40000, LOCAL, 8080, TCP_SYN), GATE_PASS);
	clock_advance(&w.clock, w.clock.now + 3 * CLOCK_SECOND);
	CU_ASSERT_TRUE(reply(&w, IPPROTO_TCP, 0x0a010101, 80, 40000, TCP_SYN | TCP_ACK));
	clock_advance(&w.clock, w.clock.now + CLOCK_SECOND);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_UDP, 5000, DNS, 53, 0), GATE_PASS);
	CU_ASSERT_TRUE(reply(&w, IPPROTO_TCP, GATE_HOST, 33000, 22, TCP_SYN));
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_ICMP, 0, LOCAL, 0, 0), GATE_PASS);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 40001, LOCAL, 23, TCP_SYN), GATE_ANSWER);
	struct listing l = flows_of(&w);
	const struct net_flow *f = l.flows;
	CU_ASSERT_EQUAL_FATAL(l.count, 4);
	CU_ASSERT_EQUAL(f[0].kind, FLOW_SERVICE);
	CU_ASSERT_STRING_EQUAL(f[0].state, "open");
	is_at(&f[0].peer, "192.168.7.2", 40000);
	is_at(&f[0].far, "192.168.7.1", 8080);
	is_at(&f[0].real, "10.1.1.1", 80);
	CU_ASSERT_EQUAL(f[0].bytes_in, 40);
	CU_ASSERT_EQUAL(f[0].packets_out, 1);
	CU_ASSERT_EQUAL(f[0].age, 4 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(f[0].idle, CLOCK_SECOND);
	CU_ASSERT_EQUAL(f[1].kind, FLOW_DNS);
	is_at(&f[1].far, "192.168.7.3", 53);
	CU_ASSERT_EQUAL(f[2].kind, FLOW_FORWARD);
	CU_ASSERT_STRING_EQUAL(f[2].state, "opening");
	is_at(&f[2].peer, "192.168.7.2", 22);
	is_at(&f[2].far, "192.168.7.1", 33000);
	is_at(&f[2].real, "127.0.0.1", 33000);
	CU_ASSERT_EQUAL(f[3].kind, FLOW_US);
	struct net_counters counters = gate_rig_counters(&w);
	CU_ASSERT_EQUAL(counters.flows, 4);
	CU_ASSERT_EQUAL(counters.flows_opened, 4);
	CU_ASSERT_EQUAL(counters.refused[REFUSED_NO_SERVICE], 1);
	l = services_of(&w);
	CU_ASSERT_EQUAL_FATAL(l.count, 3);
	CU_ASSERT_STRING_EQUAL(l.doors[0].spec, "22");
	CU_ASSERT_STRING_EQUAL(l.doors[0].name, "SSH");
	CU_ASSERT_STRING_EQUAL(l.doors[1].spec, "8080:10.1.1.1:80");
	CU_ASSERT_STRING_EQUAL(l.doors[2].spec, "udp:7:127.0.0.1:7007");
	CU_ASSERT_EQUAL(l.doors[1].flows, 1);
	CU_ASSERT_EQUAL(l.doors[1].bytes_in, 40);
	struct net_door door = { .flows = 0 };
	gate_count_forward(w.gate, &g_array_index(w.config->net.forwards, struct forward, 0), &door);
	CU_ASSERT_EQUAL(door.flows, 1);
	CU_ASSERT_EQUAL(door.bytes_out, 40);
	gate_rig_end(&w);
}

static void limits_of_a_service(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	w.config->net.max_flows_per_service = 4;
	g_array_index(w.config->net.services, struct service, 0).max = 2;
	gate_rig_configure(&w);
	for (uint16_t i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, i, LOCAL, 22, TCP_SYN), i < 2 ? GATE_PASS : GATE_ANSWER);
		CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, i, LOCAL, 8080, TCP_SYN), i < 4 ? GATE_PASS : GATE_ANSWER);
	}
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 22, TCP_SYN), GATE_PASS);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).refused[REFUSED_MAX_SERVICE], 14);
	CU_ASSERT_EQUAL(services_of(&w).doors[0].refused, 8);
	CU_ASSERT_STRING_EQUAL(services_of(&w).doors[0].spec, "22,max=2");
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 0, LOCAL, 22, TCP_RST), GATE_PASS);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 11, LOCAL, 22, TCP_SYN), GATE_PASS);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 12, LOCAL, 22, TCP_SYN), GATE_ANSWER);
	gate_rig_end(&w);
}

static void a_rate_of_new_flows(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	w.config->net.rate = 2;
	w.config->net.burst = 3;
	gate_rig_configure(&w);
	for (unsigned repeated = 0; repeated < 5; repeated++)
		CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, WORLD, 80, TCP_SYN), GATE_PASS);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_UDP, 1, WORLD, 80, 0), GATE_PASS);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 2, LOCAL, 22, TCP_SYN), GATE_PASS);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 3, LOCAL, 22, TCP_SYN), GATE_ANSWER);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, WORLD, 80, TCP_ACK), GATE_PASS);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).refused[REFUSED_RATE], 1);
	clock_advance(&w.clock, w.clock.now + CLOCK_SECOND / 2);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 3, LOCAL, 22, TCP_SYN), GATE_PASS);
	gate_rig_end(&w);
}

static void a_lockout_spares_what_runs(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	w.config->net.lockout_refusals = 3;
	w.config->net.lockout_seconds = 20;
	gate_rig_configure(&w);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 22, TCP_SYN), GATE_PASS);
	/* neither broadcasts nor segments of a connection long gone are anybody's fault */
	for (unsigned i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL(send_from(&w, IPPROTO_UDP, 137, 0xffffffff, 137, 0), GATE_DROP);
		CU_ASSERT_EQUAL(send_from(&w, IPPROTO_UDP, 5353, 0xe00000fb, 5353, 0), GATE_DROP);
		CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 9, LOCAL, 22, TCP_ACK), GATE_ANSWER);
	}
	CU_ASSERT_FALSE(gate_rig_counters(&w).locked_out);
	for (uint16_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 2, LOCAL, (uint16_t)(100 + i), TCP_SYN), GATE_ANSWER);
	CU_ASSERT_TRUE(gate_rig_counters(&w).locked_out);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 2, LOCAL, 22, TCP_SYN), GATE_ANSWER);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_UDP, 2, WORLD, 22, 0), GATE_ANSWER);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).refused[REFUSED_LOCKOUT], 2);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 22, TCP_ACK), GATE_PASS);
	CU_ASSERT_TRUE(reply(&w, IPPROTO_TCP, LOOPBACK, 22, 1, TCP_SYN | TCP_ACK));
	CU_ASSERT_TRUE(reply(&w, IPPROTO_TCP, GATE_HOST, 33000, 22, TCP_SYN));
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 22, LOCAL, 33000, TCP_SYN | TCP_ACK), GATE_PASS);
	clock_advance(&w.clock, w.clock.now + 20 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 2, LOCAL, 22, TCP_SYN), GATE_PASS);
	gate_rig_end(&w);
}

static void add_rule(GArray *rules, bool permit, const char *addr, uint8_t prefix, uint16_t port)
{
	struct access_rule rule = { .permit = permit, .prefix = prefix, .port = port };

	inet_pton(AF_INET6, addr, &rule.addr);
	g_array_append_val(rules, rule);
}

/* Destinations are those that the peer sees: a service's is our own address. */
static void access_lists(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 22, TCP_SYN), GATE_PASS);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 8080, TCP_SYN), GATE_PASS);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_UDP, 1, WORLD, 53, 0), GATE_PASS);
	CU_ASSERT_TRUE(reply(&w, IPPROTO_TCP, GATE_HOST, 33000, 22, TCP_SYN));
	add_rule(w.config->net.to, true, "::ffff:192.168.7.1", 128, 22);
	gate_rig_configure(&w);
	/* what is not allowed any more has ended; a forward's client is not the peer's doing */
	struct listing l = flows_of(&w);
	CU_ASSERT_EQUAL(l.count, 2);
	CU_ASSERT_EQUAL(l.flows[1].kind, FLOW_FORWARD);
	unsigned to_peer;
	CU_ASSERT_EQUAL(gate_rig_resets(&w, &to_peer), 2);
	CU_ASSERT_EQUAL(to_peer, 1);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 2, LOCAL, 22, TCP_SYN), GATE_PASS);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 2, LOCAL, 8080, TCP_SYN), GATE_ANSWER);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 2, WORLD, 22, TCP_SYN), GATE_ANSWER);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_ICMP, 0, LOCAL, 0, 0), GATE_ANSWER);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).refused[REFUSED_ACCESS], 3);
	g_array_set_size(w.config->net.to, 0);
	add_rule(w.config->net.from, false, "::ffff:192.168.7.0", 120, 0);
	gate_rig_configure(&w);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 3, LOCAL, 22, TCP_SYN), GATE_ANSWER);
	CU_ASSERT_EQUAL(flows_of(&w).count, 1);
	gate_rig_end(&w);
}

static void a_service_goes_and_comes(void)
{
	struct gate_rig w;
	struct service ssh;

	gate_rig_init(&w);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 22, TCP_SYN), GATE_PASS);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 8080, TCP_SYN), GATE_PASS);
	CU_ASSERT_TRUE(reply(&w, IPPROTO_TCP, GATE_HOST, 33000, 22, TCP_SYN));
	ssh = g_array_index(w.config->net.services, struct service, 0);
	g_array_remove_index(w.config->net.services, 0);
	g_array_remove_index(w.config->net.forwards, 0);
	gate_rig_configure(&w);
	CU_ASSERT_EQUAL(flows_of(&w).count, 1);
	CU_ASSERT_EQUAL(services_of(&w).count, 2);
	CU_ASSERT_EQUAL(services_of(&w).doors[0].opened, 1);
	unsigned to_peer;
	CU_ASSERT_EQUAL(gate_rig_resets(&w, &to_peer), 4);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 22, TCP_SYN), GATE_ANSWER);
	g_array_append_val(w.config->net.services, ssh);
	gate_rig_configure(&w);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 22, TCP_SYN), GATE_PASS);
	CU_ASSERT_EQUAL(flows_of(&w).count, 2);
	gate_rig_end(&w);
}

/* RFC 9293 §3.10.7.4: the peer's reset has the number that it waits for. */
static void a_dropped_flow(void)
{
	struct gate_rig w;
	unsigned n = 0, peers = 0;
	bool to_peer;

	gate_rig_init(&w);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 8080, TCP_SYN), GATE_PASS);
	gate_socket_opened(w.gate, 6, &w.p);
	CU_ASSERT_TRUE(reply(&w, IPPROTO_TCP, 0x0a010101, 80, 1, TCP_SYN | TCP_ACK));
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 8080, TCP_ACK), GATE_PASS);
	CU_ASSERT_FALSE(gate_drop_flow(w.gate, 4711));
	uint64_t id = flows_of(&w).flows[0].id;
	CU_ASSERT_TRUE(gate_drop_flow(w.gate, id));
	CU_ASSERT_FALSE(gate_drop_flow(w.gate, id));
	while ((w.len = gate_next_reset(w.gate, w.buf, &to_peer)) > 0) {
		n++;
		CU_ASSERT_EQUAL(w.buf[33], TCP_RST);
		if (!to_peer) {
			gate_socket_closed(w.gate, 6); /* as libslirp does then */
			continue;
		}
		peers++;
		gate_rig_is(&w, LOCAL, 8080, REMOTE, 1);
		CU_ASSERT_EQUAL(packet_u32(w.buf, 24), 7000);
	}
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_EQUAL(peers, 1);
	CU_ASSERT_EQUAL(flows_of(&w).count, 0);
	/* UDP: its socket hears the world no more until the peer speaks */
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_UDP, 5, WORLD, 53, 0), GATE_PASS);
	gate_socket_opened(w.gate, 7, &w.p);
	CU_ASSERT_TRUE(gate_drop_flow(w.gate, flows_of(&w).flows[0].id));
	CU_ASSERT_FALSE(reply(&w, IPPROTO_UDP, WORLD, 53, 5, 0));
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_UDP, 5, WORLD, 53, 0), GATE_PASS);
	CU_ASSERT_TRUE(reply(&w, IPPROTO_UDP, WORLD, 53, 5, 0));
	CU_ASSERT_TRUE(reply(&w, IPPROTO_UDP, WORLD + 1, 54, 5, 0));
	gate_rig_end(&w);
}

static void an_idle_service_is_ended(void)
{
	struct gate_rig w;
	unsigned to_peer;

	gate_rig_init(&w);
	g_array_index(w.config->net.services, struct service, 0).idle = 30;
	gate_rig_configure(&w);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 22, TCP_SYN), GATE_PASS);
	gate_socket_opened(w.gate, 9, &w.p);
	CU_ASSERT_TRUE(reply(&w, IPPROTO_TCP, LOOPBACK, 22, 1, TCP_SYN | TCP_ACK));
	clock_advance(&w.clock, w.clock.now + 29 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 22, TCP_ACK), GATE_PASS);
	clock_advance(&w.clock, w.clock.now + 29 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(gate_rig_resets(&w, &to_peer), 0);
	clock_advance(&w.clock, w.clock.now + CLOCK_SECOND);
	CU_ASSERT_EQUAL(gate_rig_resets(&w, &to_peer), 2);
	CU_ASSERT_EQUAL(to_peer, 1);
	gate_socket_closed(w.gate, 9);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).flows, 0);
	gate_rig_end(&w);
}

/* A flood of SYNs fills its own share, and nothing else; it is forgotten after a minute. */
static void a_flood(void)
{
	struct gate_rig w;
	unsigned passed = 0, to_peer;

	gate_rig_init(&w);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 22, TCP_SYN), GATE_PASS);
	CU_ASSERT_TRUE(reply(&w, IPPROTO_TCP, LOOPBACK, 22, 1, TCP_SYN | TCP_ACK));
	for (unsigned i = 0; i < 200000; i++) {
		if (i % 5 == 0)
			clock_advance(&w.clock, w.clock.now + 100);
		passed += send_from(&w, IPPROTO_TCP, (uint16_t)i, WORLD + i / 65536, 80, TCP_SYN) == GATE_PASS;
		if (i % 1000 == 0)
			CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 1, LOCAL, 22, TCP_ACK), GATE_PASS);
	}
	CU_ASSERT_EQUAL(passed, CONFIG_MAX_FLOWS - CONFIG_MAX_FLOWS / 4);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 2, LOCAL, 22, TCP_SYN), GATE_PASS);
	clock_advance(&w.clock, w.clock.now + 61 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(gate_rig_resets(&w, &to_peer), 2 * (passed + 1));
	CU_ASSERT_EQUAL(to_peer, passed + 1);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).flows, 1);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 2, WORLD, 80, TCP_SYN), GATE_PASS);
	gate_rig_end(&w);
}

/* Flows that share libslirp's socket of a port end with it. */
static void udp_flows_end_with_their_socket(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	for (uint16_t i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL(send_from(&w, IPPROTO_UDP, 5, WORLD, i, 0), GATE_PASS);
		if (i == 0)
			gate_socket_opened(w.gate, 7, &w.p);
	}
	CU_ASSERT_EQUAL(gate_rig_counters(&w).flows, 10);
	clock_advance(&w.clock, w.clock.now + CLOCK_SECOND);
	/* libslirp makes a new one for this packet, and only then is the old one gone */
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_UDP, 5, WORLD, 3, 0), GATE_PASS);
	gate_socket_closed(w.gate, 7);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).flows, 1);
	gate_socket_opened(w.gate, 8, &w.p);
	CU_ASSERT_TRUE(reply(&w, IPPROTO_UDP, WORLD, 3, 5, 0));
	clock_advance(&w.clock, w.clock.now + CLOCK_SECOND);
	gate_socket_closed(w.gate, 8);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).flows, 0);
	CU_ASSERT_FALSE(reply(&w, IPPROTO_UDP, WORLD, 3, 5, 0));
	gate_rig_end(&w);
}

static void to_two_hosts_by_a_proxy(void)
{
	struct gate_rig w;
	unsigned pos = 0;
	uint32_t addr;
	uint16_t port;

	gate_rig_init(&w);
	gate_set_proxy(w.gate, 9050);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 40000, WORLD, 80, TCP_SYN), GATE_PASS);
	gate_rig_is(&w, GATE_PEER, 40000, LOOPBACK, 9050);
	gate_socket_opened(w.gate, 11, &w.p);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 40000, WORLD + 1, 443, TCP_SYN), GATE_PASS);
	uint16_t other = packet_u16(w.buf, 20);
	CU_ASSERT_NOT_EQUAL(other, 40000);
	gate_rig_is(&w, GATE_PEER, other, LOOPBACK, 9050);
	gate_socket_opened(w.gate, 12, &w.p);
	CU_ASSERT_TRUE(reply(&w, IPPROTO_TCP, LOOPBACK, 9050, 40000, TCP_SYN | TCP_ACK));
	gate_rig_is(&w, WORLD, 80, REMOTE, 40000);
	CU_ASSERT_TRUE(reply(&w, IPPROTO_TCP, LOOPBACK, 9050, other, TCP_SYN | TCP_ACK));
	gate_rig_is(&w, WORLD + 1, 443, REMOTE, 40000);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 40000, WORLD + 1, 443, TCP_ACK), GATE_PASS);
	gate_rig_is(&w, GATE_PEER, other, LOOPBACK, 9050);
	CU_ASSERT_EQUAL(flows_of(&w).flows[0].kind, FLOW_PROXY);
	CU_ASSERT_EQUAL(gate_next_proxied(w.gate, &pos, &addr, &port), 11);
	CU_ASSERT_TRUE(addr == WORLD && port == 80);
	CU_ASSERT_EQUAL(gate_next_proxied(w.gate, &pos, &addr, &port), 12);
	CU_ASSERT_TRUE(addr == WORLD + 1 && port == 443);
	CU_ASSERT_EQUAL(gate_next_proxied(w.gate, &pos, &addr, &port), -1);
	/* policy comes first, and UDP stays what it is */
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 40000, OURS, 80, TCP_SYN), GATE_ANSWER);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_UDP, 40000, WORLD, 80, 0), GATE_PASS);
	gate_rig_is(&w, GATE_PEER, 40000, WORLD, 80);
	gate_rig_end(&w);
}

struct answers {
	unsigned count;
	enum gate_outcome last;
};

static void keep_answer(void *arg, enum gate_outcome outcome)
{
	struct answers *a = arg;

	a->count++;
	a->last = outcome;
}

static bool dialled(struct gate_rig *w, uint16_t port)
{
	return reply(w, IPPROTO_TCP, GATE_HOST, port, 99, TCP_SYN);
}

static void connections_of_ours(void)
{
	struct gate_rig w;
	struct answers a = { 0 };
	unsigned to_peer;

	gate_rig_init(&w);
	gate_watch(w.gate, 0, 99, FLOW_SOCKS, keep_answer, &a);
	CU_ASSERT_TRUE(dialled(&w, 1));
	CU_ASSERT_EQUAL(flows_of(&w).flows[0].kind, FLOW_SOCKS);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 99, LOCAL, 1, TCP_SYN | TCP_ACK), GATE_PASS);
	CU_ASSERT_TRUE(a.count == 1 && a.last == ANSWER_OPEN);
	gate_watch(w.gate, REMOTE, 99, FLOW_SOCKS, keep_answer, &a);
	CU_ASSERT_TRUE(dialled(&w, 2));
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 99, LOCAL, 2, TCP_RST | TCP_ACK), GATE_PASS);
	CU_ASSERT_TRUE(a.count == 2 && a.last == ANSWER_REFUSED);
	/* forgotten before and after the SYN */
	gate_unwatch(w.gate, gate_watch(w.gate, 0, 99, FLOW_SOCKS, keep_answer, &a));
	uint64_t id = gate_watch(w.gate, 0, 99, FLOW_SOCKS, keep_answer, &a);
	CU_ASSERT_TRUE(dialled(&w, 3));
	gate_unwatch(w.gate, id);
	gate_unwatch(w.gate, id);
	CU_ASSERT_EQUAL(send_from(&w, IPPROTO_TCP, 99, LOCAL, 3, TCP_SYN | TCP_ACK), GATE_PASS);
	CU_ASSERT_EQUAL(a.count, 2);
	/* nobody answers; then the link goes down */
	gate_watch(w.gate, 0, 99, FLOW_SOCKS, keep_answer, &a);
	CU_ASSERT_TRUE(dialled(&w, 4));
	clock_advance(&w.clock, w.clock.now + 61 * CLOCK_SECOND);
	CU_ASSERT_TRUE(a.count == 3 && a.last == ANSWER_NONE);
	CU_ASSERT_EQUAL(gate_rig_resets(&w, &to_peer), 2);
	gate_watch(w.gate, 0, 99, FLOW_SOCKS, keep_answer, &a);
	gate_watch(w.gate, BEHIND, 99, FLOW_SOCKS, keep_answer, &a);
	CU_ASSERT_TRUE(dialled(&w, 5));
	gate_set_link(w.gate, NULL);
	CU_ASSERT_TRUE(a.count == 5 && a.last == ANSWER_NONE);
	gate_rig_end(&w);
}

/* RFC 1122 §4.2.3.9: an ICMP error ends the attempt. */
static void an_unreachable_destination(void)
{
	struct gate_rig w;
	struct answers a = { 0 };
	struct spec error = { .protocol = IPPROTO_ICMP, .src = 0xc0a80963, .dst = LOCAL, .type = 3, .code = 1, .payload = 40 };
	uint8_t quoted[40];
	unsigned to_peer;

	gate_rig_init(&w);
	gate_watch(w.gate, BEHIND, 99, FLOW_SOCKS, keep_answer, &a);
	struct spec syn = gate_rig_packet(IPPROTO_TCP, GATE_HOST, 1, BEHIND, 99, TCP_SYN);
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &syn));
	memcpy(quoted, w.buf, 40);
	w.len = build(w.buf, &error);
	CU_ASSERT_EQUAL(gate_from_peer(w.gate, w.buf, w.len, &w.p), GATE_DROP);
	CU_ASSERT_EQUAL(a.count, 0);
	w.len = build(w.buf, &error);
	memcpy(w.buf + 28, quoted, 40);
	CU_ASSERT_EQUAL(gate_from_peer(w.gate, w.buf, w.len, &w.p), GATE_DROP);
	CU_ASSERT_TRUE(a.count == 1 && a.last == ANSWER_UNREACHABLE);
	CU_ASSERT_EQUAL(gate_rig_resets(&w, &to_peer), 2);
	gate_rig_end(&w);
}

static void a_port_of_ours(void)
{
	struct gate_rig w;
	struct spec answer;

	gate_rig_init(&w);
	uint16_t port = gate_own_port(w.gate, FLOW_SOCKS);
	CU_ASSERT_NOT_EQUAL(port, 0);
	CU_ASSERT_NOT_EQUAL(gate_own_port(w.gate, FLOW_SOCKS), port);
	answer = gate_rig_packet(IPPROTO_UDP, BEHIND, 53, LOCAL, port, 0);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &answer), GATE_DROP);
	w.len = gate_own_datagram(w.gate, port, BEHIND, 53, (const uint8_t *)"query", 5, w.buf);
	CU_ASSERT_EQUAL_FATAL(w.len, 33);
	CU_ASSERT_TRUE(checksums_right(w.buf, w.len));
	gate_rig_is(&w, LOCAL, port, BEHIND, 53);
	CU_ASSERT_EQUAL(memcmp(w.buf + 28, "query", 5), 0);
	CU_ASSERT_EQUAL(flows_of(&w).flows[0].kind, FLOW_SOCKS);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &answer), GATE_OURS);
	gate_rig_is(&w, BEHIND, 53, LOCAL, port);
	answer.sport = 1053; /* the same host, another port */
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &answer), GATE_OURS);
	answer.src++;
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &answer), GATE_DROP);
	answer.src = REMOTE;
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &answer), GATE_ANSWER);
	CU_ASSERT_EQUAL(gate_own_datagram(w.gate, port, 0, 1053, (const uint8_t *)"x", 1, w.buf), 29);
	CU_ASSERT_EQUAL(packet_u32(w.buf, 16), REMOTE);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &answer), GATE_OURS);
	CU_ASSERT_EQUAL(gate_own_datagram(w.gate, port, BEHIND, 53, w.buf, 1000, w.buf), 0);
	CU_ASSERT_EQUAL(gate_own_datagram(w.gate, port, GATE_PEER, 53, w.buf, 1, w.buf), 0);
	gate_release_port(w.gate, port);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &answer), GATE_ANSWER);
	CU_ASSERT_EQUAL(gate_own_datagram(w.gate, port, BEHIND, 53, w.buf, 1, w.buf), 0);
	CU_ASSERT_EQUAL(flows_of(&w).count, 0);
	gate_rig_end(&w);
}

const struct unit_test unit_tests[] = {
	{ "gate: told of flows, services, forwards", told_of },
	{ "gate: limits of a service", limits_of_a_service },
	{ "gate: a rate of new flows", a_rate_of_new_flows },
	{ "gate: a lockout spares what runs", a_lockout_spares_what_runs },
	{ "gate: access lists", access_lists },
	{ "gate: a service goes and comes", a_service_goes_and_comes },
	{ "gate: a dropped flow, RFC 9293 s.3.10.7.4", a_dropped_flow },
	{ "gate: an idle service is ended", an_idle_service_is_ended },
	{ "gate: a flood of SYNs", a_flood },
	{ "gate: UDP flows end with their socket", udp_flows_end_with_their_socket },
	{ "gate: to two hosts by a proxy", to_two_hosts_by_a_proxy },
	{ "gate: connections of ours, and what becomes of them", connections_of_ours },
	{ "gate: an unreachable destination, RFC 1122 s.4.2.3.9", an_unreachable_destination },
	{ "gate: a UDP port of ours", a_port_of_ours },
	{ 0 },
};
