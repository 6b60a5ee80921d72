/* net/gate: what is decided between two rounds of libslirp: which connections are over, and which sockets it may read. */
#include "unit.h"

#include <netinet/in.h>

#include "gate_rig.h"

#define SERVER 0x0a010101 /* where the rig's service 8080 leads */
#define PORT 40000
#define FD 7
#define OUR_SEQ 7000u
#define PEER_SEQ 5000u

/* A segment of the connection from PORT of the peer to the service, with LEN bytes. */
static void segment(struct gate_rig *w, bool from_peer, uint16_t port, uint8_t flags, uint32_t seq, uint32_t ack, size_t len)
{
	struct spec s = gate_rig_packet(IPPROTO_TCP, from_peer ? REMOTE : SERVER, from_peer ? port : 80, from_peer ? LOCAL : GATE_PEER,
					from_peer ? 8080 : port, flags);

	s.seq = seq;
	s.ack = ack;
	s.payload = len;
	CU_ASSERT_TRUE(from_peer ? gate_rig_from_peer(w, &s) == GATE_PASS : gate_rig_to_peer(w, &s));
}

static void open_connection(struct gate_rig *w, uint16_t port, int fd)
{
	segment(w, true, port, TCP_SYN, PEER_SEQ - 1, 0, 0);
	gate_socket_opened(w->gate, fd, &w->p);
	segment(w, false, port, TCP_SYN | TCP_ACK, OUR_SEQ - 1, PEER_SEQ, 0);
	segment(w, true, port, TCP_ACK, PEER_SEQ, OUR_SEQ, 0);
}

/* How many resets libslirp gets after a round in which the socket waits to take what the peer sent, or does not. */
static unsigned resets_after_round(struct gate_rig *w, bool drains)
{
	unsigned to_peer;

	gate_begin_round(w->gate);
	if (drains)
		gate_socket_drains(w->gate, FD);
	gate_end_round(w->gate);
	unsigned resets = gate_rig_resets(w, &to_peer);
	CU_ASSERT_EQUAL(to_peer, 0);
	return resets;
}

static void time_wait_is_ended_at_once(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	open_connection(&w, PORT, FD);
	segment(&w, false, PORT, TCP_FIN | TCP_ACK, OUR_SEQ, PEER_SEQ, 100);
	segment(&w, true, PORT, TCP_ACK, PEER_SEQ, OUR_SEQ + 101, 0);
	CU_ASSERT_EQUAL(resets_after_round(&w, false), 0);
	segment(&w, true, PORT, TCP_FIN | TCP_ACK, PEER_SEQ, OUR_SEQ + 101, 0);
	CU_ASSERT_TRUE(gate_socket_finished(w.gate, FD));
	CU_ASSERT_NOT_EQUAL(resets_after_round(&w, false), 0);
	gate_socket_closed(w.gate, FD);
	CU_ASSERT_EQUAL(resets_after_round(&w, false), 0);
	CU_ASSERT_EQUAL(gate_sockets(w.gate), 0);
	gate_rig_end(&w);
}

static void not_before_the_peer_has_everything(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	open_connection(&w, PORT, FD);
	segment(&w, true, PORT, TCP_FIN | TCP_ACK, PEER_SEQ, OUR_SEQ, 0);
	segment(&w, false, PORT, TCP_ACK, OUR_SEQ, PEER_SEQ + 1, 500);
	segment(&w, false, PORT, TCP_FIN | TCP_ACK, OUR_SEQ + 500, PEER_SEQ + 1, 500);
	CU_ASSERT_EQUAL(resets_after_round(&w, false), 0);
	segment(&w, true, PORT, TCP_ACK, PEER_SEQ + 1, OUR_SEQ + 1000, 0);
	CU_ASSERT_FALSE(gate_socket_finished(w.gate, FD));
	CU_ASSERT_EQUAL(resets_after_round(&w, false), 0);
	segment(&w, true, PORT, TCP_ACK, PEER_SEQ + 1, OUR_SEQ + 1001, 0);
	CU_ASSERT_NOT_EQUAL(resets_after_round(&w, false), 0);
	gate_rig_end(&w);
}

static void not_before_the_socket_took_everything(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	open_connection(&w, PORT, FD);
	segment(&w, false, PORT, TCP_FIN | TCP_ACK, OUR_SEQ, PEER_SEQ, 0);
	segment(&w, true, PORT, TCP_FIN | TCP_ACK, PEER_SEQ, OUR_SEQ + 1, 1000);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(resets_after_round(&w, true), 0);
	CU_ASSERT_NOT_EQUAL(resets_after_round(&w, false), 0);
	gate_rig_end(&w);
}

/* As many connections as may have a backlog, and one more; then a new one, which has to wait. */
static void make_backlogs(struct gate_rig *w)
{
	for (uint16_t i = 0; i < 65; i++) {
		open_connection(w, (uint16_t)(PORT + i), FD + i);
		segment(w, false, (uint16_t)(PORT + i), TCP_ACK, OUR_SEQ, PEER_SEQ, 1000);
	}
	open_connection(w, 30000, 5);
	CU_ASSERT_FALSE(gate_may_read(w->gate, 5));
}

static void new_ones_wait_while_many_have_a_backlog(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	make_backlogs(&w);
	CU_ASSERT_TRUE(gate_may_read(w.gate, 4)); /* none of the peer's */
	segment(&w, false, PORT, TCP_ACK, OUR_SEQ + 1000, PEER_SEQ, 1000);
	CU_ASSERT_TRUE(gate_may_read(w.gate, FD)); /* it talks already */
	segment(&w, false, PORT, TCP_ACK | TCP_PSH, OUR_SEQ + 2000, PEER_SEQ, 1000);
	CU_ASSERT_TRUE(gate_may_read(w.gate, 5));
	gate_rig_end(&w);
}

static void but_not_for_long(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	make_backlogs(&w);
	clock_advance(&w.clock, w.clock.now + 3 * CLOCK_SECOND);
	CU_ASSERT_TRUE(gate_may_read(w.gate, 5));
	gate_rig_end(&w);
}

static void a_reset_ends_a_backlog(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	make_backlogs(&w);
	segment(&w, true, PORT, TCP_RST, PEER_SEQ, 0, 0);
	CU_ASSERT_TRUE(gate_may_read(w.gate, 5));
	gate_rig_end(&w);
}

/* While the queue to the peer is long, a keystroke's socket is read all the same, a download's is not. */
static void keystrokes_do_not_wait_for_a_download(void)
{
	struct gate_rig w;

	gate_rig_init(&w);
	open_connection(&w, PORT, FD);
	open_connection(&w, PORT + 1, FD + 1);
	CU_ASSERT_TRUE(gate_is_light(w.gate, FD) && gate_is_light(w.gate, FD + 1));
	CU_ASSERT_FALSE(gate_is_light(w.gate, 4)); /* whose flow is not known */
	segment(&w, false, PORT, TCP_ACK, OUR_SEQ, PEER_SEQ, 1000);
	segment(&w, false, PORT + 1, TCP_ACK | TCP_PSH, OUR_SEQ, PEER_SEQ, 1);
	CU_ASSERT_FALSE(gate_is_light(w.gate, FD));
	CU_ASSERT_TRUE(gate_is_light(w.gate, FD + 1));
	segment(&w, false, PORT, TCP_ACK | TCP_PSH, OUR_SEQ + 1000, PEER_SEQ, 1000);
	CU_ASSERT_FALSE(gate_is_light(w.gate, FD)); /* it is about to read more */
	clock_advance(&w.clock, w.clock.now + 2 * CLOCK_SECOND);
	CU_ASSERT_TRUE(gate_is_light(w.gate, FD));
	gate_rig_end(&w);
}

const struct unit_test unit_tests[] = {
	{ "gate: TIME-WAIT is ended at once, RFC 9293 s.3.3.2", time_wait_is_ended_at_once },
	{ "gate: not before the peer has everything", not_before_the_peer_has_everything },
	{ "gate: not before the socket took everything", not_before_the_socket_took_everything },
	{ "gate: new ones wait while many have a backlog", new_ones_wait_while_many_have_a_backlog },
	{ "gate: but not for long", but_not_for_long },
	{ "gate: a reset ends a backlog", a_reset_ends_a_backlog },
	{ "gate: keystrokes do not wait for a download", keystrokes_do_not_wait_for_a_download },
	{ 0 },
};
