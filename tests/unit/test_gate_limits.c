/* net/gate: how much the peer may open, and what nobody may. */
#include "unit.h"

#include <netinet/in.h>
#include <string.h>

#include "gate_rig.h"
#include "log.h"
#include "net/net.h"

/* As libslirp does when it is given the packet that passed last. */
static void opened(struct gate_rig *w, int fd)
{
	gate_socket_opened(w->gate, fd, &w->p);
}

static enum gate_verdict open_from(struct gate_rig *w, uint8_t protocol, uint32_t dst, uint16_t dport, uint16_t sport, int fd)
{
	struct spec s = gate_rig_packet(protocol, REMOTE, sport, dst, dport, TCP_SYN);
	enum gate_verdict verdict = gate_rig_from_peer(w, &s);

	if (verdict == GATE_PASS && fd >= 0)
		opened(w, fd);
	return verdict;
}

static void a_bounded_number_of_conversations(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	gate_limit_flows(w.gate, 8);
	for (int fd = 0; fd < 5; fd++)
		CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, WORLD, 80, (uint16_t)(1000 + fd), fd), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_UDP, WORLD, 80, 2000, 5), GATE_PASS);
	/* the world's share is used up */
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, WORLD, 80, 1005, -1), GATE_ANSWER);
	CU_ASSERT_EQUAL(gate_answer(w.gate, &w.len)[9], IPPROTO_TCP);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_UDP, WORLD, 80, 2001, -1), GATE_ANSWER);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_ICMP, WORLD, 0, 0, -1), GATE_ANSWER);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).refused[REFUSED_MAX_FLOWS], 3);
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
	gate_rig_end(&w);
}

/* libslirp keeps a socket for each ping until the answer comes. */
static void a_bounded_number_of_pings(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	gate_limit_flows(w.gate, 40);
	for (int fd = 0; fd < 10; fd++)
		CU_ASSERT_EQUAL(open_from(&w, IPPROTO_ICMP, WORLD, 0, 0, fd), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_ICMP, WORLD, 0, 0, -1), GATE_ANSWER);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_ICMP, LOCAL, 0, 0, -1), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, WORLD, 80, 1, -1), GATE_PASS);
	gate_socket_closed(w.gate, 3);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_ICMP, WORLD, 0, 0, 3), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_ICMP, WORLD, 0, 0, -1), GATE_ANSWER);
	gate_rig_end(&w);
}

/* libslirp's UDP sockets take what anybody sends to them. */
static void strangers_are_not_let_in(void)
{
	struct gate_rig w;
	struct spec stranger = gate_rig_packet(IPPROTO_UDP, WORLD + 1, 999, GATE_PEER, 40000, 0);
	struct spec friend = gate_rig_packet(IPPROTO_UDP, LOOPBACK, 7007, GATE_PEER, 40000, 0);
	struct spec reset = gate_rig_packet(IPPROTO_TCP, WORLD, 80, GATE_PEER, 40000, TCP_RST);
	struct spec echo = { .protocol = IPPROTO_ICMP, .src = GATE_HOST, .dst = GATE_PEER, .payload = 8 };

	gate_rig_init(&w);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_UDP, LOCAL, 7, 40000, 9), GATE_PASS);
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &friend));
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &stranger));
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &reset));
	/* a port that itself talks to the world hears it, but for those whom the peer may not talk to */
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_UDP, WORLD, 53, 40000, -1), GATE_PASS);
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &stranger));
	struct access_rule deny = { .permit = false, .prefix = 128, .addr = { .s6_addr = { [10] = 0xff, 0xff, 8, 8, 8, 9 } } };
	g_array_append_val(w.config->net.to, deny);
	gate_rig_configure(&w);
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &stranger));
	gate_socket_closed(w.gate, 9);
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &stranger));
	w.config->net.restrict_peer = true;
	gate_rig_configure(&w);
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &reset));
	CU_ASSERT_TRUE(gate_rig_to_peer(&w, &echo));
	gate_rig_is(&w, LOCAL, 0, REMOTE, 0);
	echo.src = WORLD;
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &echo));
	echo.type = 3;
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &echo));
	friend.fragment = 7;
	friend.src = WORLD;
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &friend));
	gate_rig_end(&w);
}

static unsigned resets(struct gate_rig *w, uint32_t dst, uint16_t dport)
{
	uint8_t buf[REPLY_MAX];
	unsigned n = 0;
	size_t len;
	bool to_peer;

	while ((len = gate_next_reset(w->gate, buf, &to_peer)) > 0) {
		CU_ASSERT_FALSE(to_peer);
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

/* A reset that libslirp does not heed leaves its socket: that counts on, whatever the peer then does with the port. */
static void a_socket_that_stays_is_counted(void)
{
	struct gate_rig w;
	unsigned to_peer;

	gate_rig_init(&w);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, LOCAL, 22, 40000, 9), GATE_PASS);
	struct spec reset = gate_rig_packet(IPPROTO_TCP, REMOTE, 40000, LOCAL, 22, TCP_RST);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &reset), GATE_PASS);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).flows, 1);
	/* the port anew: first of all libslirp's socket is to go */
	struct spec syn = gate_rig_packet(IPPROTO_TCP, REMOTE, 40000, LOCAL, 22, TCP_SYN);
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &syn), GATE_DROP);
	CU_ASSERT_EQUAL(gate_rig_resets(&w, &to_peer), 2);
	CU_ASSERT_EQUAL(to_peer, 0);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).flows, 1);
	gate_socket_closed(w.gate, 9);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).flows, 0);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, LOCAL, 22, 40000, 9), GATE_PASS);
	/* nothing more comes: in time, it is ended, too */
	CU_ASSERT_EQUAL(gate_rig_from_peer(&w, &reset), GATE_PASS);
	clock_advance(&w.clock, w.clock.now + 241 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).flows, 1);
	CU_ASSERT_EQUAL(gate_rig_resets(&w, &to_peer), 2);
	gate_socket_closed(w.gate, 9);
	CU_ASSERT_EQUAL(gate_rig_counters(&w).flows, 0);
	gate_rig_end(&w);
}

/* libslirp's port for a dial, found by somebody else. */
static void a_stranger_opens_no_connection(void)
{
	struct gate_rig w;
	struct spec syn = gate_rig_packet(IPPROTO_TCP, GATE_HOST, 33000, GATE_PEER, 99, TCP_SYN);

	gate_rig_init(&w);
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &syn));
	gate_watch(w.gate, 0, 98, FLOW_SOCKS, NULL, NULL);
	CU_ASSERT_FALSE(gate_rig_to_peer(&w, &syn));
	CU_ASSERT_EQUAL(gate_rig_counters(&w).flows, 0);
	gate_rig_end(&w);
}

static void a_departed_peer_leaves_nothing(void)
{
	struct net_link link = { .local = LOCAL, .remote = REMOTE, .dns = DNS, .mtu = 1500 };
	struct gate_rig w;

	gate_rig_init(&w);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, LOCAL, 8080, 40000, 12), GATE_PASS);
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_UDP, WORLD, 9, 40000, 13), GATE_PASS);
	gate_socket_opened(w.gate, 14, NULL);
	gate_set_link(w.gate, NULL);
	gate_set_link(w.gate, &link);
	CU_ASSERT_EQUAL(resets(&w, 0, 0), 0);
	gate_end_conversations(w.gate);
	CU_ASSERT_EQUAL(resets(&w, 0x0a010101, 80), 2);
	gate_socket_closed(w.gate, 12);
	gate_end_conversations(w.gate);
	CU_ASSERT_EQUAL(resets(&w, 0, 0), 0);
	/* another address is another peer */
	CU_ASSERT_EQUAL(open_from(&w, IPPROTO_TCP, LOCAL, 8080, 40000, 12), GATE_PASS);
	gate_set_link(w.gate, NULL);
	link.remote++;
	gate_set_link(w.gate, &link);
	CU_ASSERT_EQUAL(resets(&w, 0x0a010101, 80), 2);
	gate_rig_end(&w);
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
	struct config *config = config_new();
	struct loop *loop = loop_new();
	struct net *net = net_slirp.open(config, loop, &events, NULL);
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
	config_free(config);
}

const struct unit_test unit_tests[] = {
	{ "gate: a bounded number of conversations, a share for services", a_bounded_number_of_conversations },
	{ "gate: a bounded number of pings", a_bounded_number_of_pings },
	{ "gate: strangers are not let in", strangers_are_not_let_in },
	{ "gate: a socket that stays is counted", a_socket_that_stays_is_counted },
	{ "gate: a stranger opens no connection", a_stranger_opens_no_connection },
	{ "gate: a departed peer leaves nothing", a_departed_peer_leaves_nothing },
	{ "slirp: no fragment reaches libslirp", no_fragment_reaches_libslirp },
	{ 0 },
};
