/* net/flow: the table that every packet passes. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "net/flow.h"

#define PEER UINT32_C(0xf0000005)
#define HOST UINT32_C(0xf0000001)
#define LOOPBACK UINT32_C(0x7f000001)

struct rig {
	struct clock clock;
	struct flow_table *table;
	struct flow_group group;
	unsigned ended;
};

static void count_end(void *arg, struct flow *f)
{
	struct rig *r = arg;

	(void)f;
	r->ended++;
}

static void rig_init(struct rig *r, unsigned resets, bool recycles)
{
	const struct flow_table_options options = { .resets = resets, .recycles = recycles, .ended = count_end, .arg = r };

	*r = (struct rig){ .ended = 0 };
	clock_init(&r->clock, 5 * CLOCK_SECOND);
	r->table = flow_table_new(&r->clock, 7, &options);
	flow_group_init(r->table, &r->group, 0);
}

static void rig_end(struct rig *r)
{
	flow_table_free(r->table);
	CU_ASSERT_PTR_NULL(r->clock.first);
}

static struct flow_name name_of(uint8_t protocol, uint16_t port, uint32_t far, uint16_t far_port)
{
	return (struct flow_name){ flow_end_v4(PEER, port), flow_end_v4(far, far_port), protocol };
}

static struct flow *add(struct rig *r, uint8_t protocol, unsigned port, bool by_peer)
{
	struct flow_opening how = { .kind = by_peer ? FLOW_SERVICE : FLOW_FORWARD, .group = &r->group, .by_peer = by_peer };

	how.outer = name_of(protocol, (uint16_t)port, HOST, 22);
	how.inner = name_of(protocol, (uint16_t)port, LOOPBACK, 2222);
	return flow_add(r->table, &how);
}

static struct flow *get(struct rig *r, uint8_t protocol, unsigned port)
{
	struct flow_name name = name_of(protocol, (uint16_t)port, HOST, 22);

	return flow_find(r->table, FLOW_OUTER, &name);
}

static void touch(struct rig *r, struct flow *f, uint8_t flags, bool from_peer)
{
	const struct packet p = { .len = 100, .protocol = f->name[FLOW_OUTER].protocol, .tcp_flags = flags, .seq = 1000, .ack = 77 };

	flow_touch(r->table, f, &p, from_peer);
}

static void open_tcp(struct rig *r, struct flow *f)
{
	touch(r, f, TCP_SYN, f->by_peer);
	touch(r, f, TCP_SYN | TCP_ACK, !f->by_peer);
}

static void pass_time(struct rig *r, uint64_t time)
{
	clock_advance(&r->clock, r->clock.now + time);
}

static void found_by_both_names(void)
{
	struct rig r;
	struct flow_name inner = name_of(IPPROTO_TCP, 40000, LOOPBACK, 2222), outer = name_of(IPPROTO_TCP, 40000, HOST, 22);

	rig_init(&r, 0, false);
	struct flow *f = add(&r, IPPROTO_TCP, 40000, true);
	CU_ASSERT_PTR_EQUAL(flow_find(r.table, FLOW_OUTER, &outer), f);
	CU_ASSERT_PTR_EQUAL(flow_find(r.table, FLOW_INNER, &inner), f);
	CU_ASSERT_PTR_NULL(flow_find(r.table, FLOW_INNER, &outer));
	CU_ASSERT_PTR_NULL(flow_find(r.table, FLOW_OUTER, &inner));
	CU_ASSERT_PTR_NULL(get(&r, IPPROTO_UDP, 40000));
	CU_ASSERT_EQUAL(flow_counts(r.table)->all, 1);
	CU_ASSERT_EQUAL(flow_counts(r.table)->by_peer[FLOW_SERVICE], 1);
	uint64_t id = f->id;
	flow_remove(r.table, f);
	CU_ASSERT_PTR_NULL(flow_find(r.table, FLOW_OUTER, &outer));
	CU_ASSERT_PTR_NULL(flow_find(r.table, FLOW_INNER, &inner));
	CU_ASSERT_EQUAL(flow_counts(r.table)->all, 0);
	CU_ASSERT_EQUAL(r.group.flows, 0);
	CU_ASSERT_TRUE(add(&r, IPPROTO_TCP, 40000, true)->id > id);
	rig_end(&r);
}

static struct flow_name name6(const char *peer, uint16_t port, const char *far)
{
	struct flow_name name = { .peer.port = port, .far.port = 443, .protocol = IPPROTO_TCP };

	inet_pton(AF_INET6, peer, &name.peer.addr);
	inet_pton(AF_INET6, far, &name.far.addr);
	return name;
}

/* Every bit of an address counts. */
static void ipv6_names(void)
{
	struct rig r;
	struct net_flow told;
	struct flow_opening how = { .group = &r.group, .by_peer = true };

	rig_init(&r, 0, false);
	how.outer = how.inner = name6("fe80::2", 40000, "2001:db8::1");
	CU_ASSERT_PTR_NOT_NULL(flow_add(r.table, &how));
	for (unsigned bit = 0; bit < 128; bit++) {
		struct flow_name near = how.outer, far = how.outer;

		near.peer.addr.s6_addr[bit / 8] ^= (uint8_t)(1u << bit % 8);
		far.far.addr.s6_addr[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CU_ASSERT_PTR_NULL(flow_find(r.table, FLOW_OUTER, &near));
		CU_ASSERT_PTR_NULL(flow_find(r.table, FLOW_INNER, &far));
	}
	struct flow *f = flow_find(r.table, FLOW_INNER, &how.inner);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	flow_describe(r.table, f, &told);
	CU_ASSERT_STRING_EQUAL(told.peer.host, "fe80::2");
	CU_ASSERT_STRING_EQUAL(told.far.host, "2001:db8::1");
	CU_ASSERT_EQUAL(told.far.port, 443);
	how.outer = how.inner = name_of(IPPROTO_TCP, 1, LOOPBACK, 2);
	flow_describe(r.table, flow_add(r.table, &how), &told);
	CU_ASSERT_STRING_EQUAL(told.far.host, "127.0.0.1");
	CU_ASSERT_EQUAL(flow_v4(&in6addr_loopback), 0);
	rig_end(&r);
}

static void the_table_is_bounded(void)
{
	struct rig r;

	rig_init(&r, RESET_SLIRP, false);
	for (unsigned port = 0; port < 3 * FLOW_TABLE_SIZE; port++) {
		pass_time(&r, 10);
		CU_ASSERT_PTR_NOT_NULL(add(&r, IPPROTO_UDP, port, true));
		touch(&r, get(&r, IPPROTO_UDP, 0), 0, true);
	}
	CU_ASSERT_EQUAL(flow_counts(r.table)->all, FLOW_TABLE_SIZE);
	CU_ASSERT_PTR_NULL(get(&r, IPPROTO_UDP, 1));
	CU_ASSERT_PTR_NOT_NULL(get(&r, IPPROTO_UDP, 3 * FLOW_TABLE_SIZE - 1));
	rig_end(&r);
}

/* libslirp would keep its socket, and nobody could reach it. */
static void the_living_do_not_make_room(void)
{
	struct rig r;

	rig_init(&r, RESET_SLIRP, false);
	open_tcp(&r, add(&r, IPPROTO_TCP, 1, false));
	for (unsigned port = 2; port <= FLOW_TABLE_SIZE; port++) {
		struct flow *f = add(&r, IPPROTO_TCP, port, true);

		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		open_tcp(&r, f);
	}
	CU_ASSERT_PTR_NULL(add(&r, IPPROTO_TCP, FLOW_TABLE_SIZE + 1, true));
	CU_ASSERT_PTR_NULL(add(&r, IPPROTO_UDP, FLOW_TABLE_SIZE + 1, true));
	touch(&r, get(&r, IPPROTO_TCP, 7), TCP_FIN, true);
	CU_ASSERT_PTR_NULL(add(&r, IPPROTO_TCP, FLOW_TABLE_SIZE + 1, true));
	touch(&r, get(&r, IPPROTO_TCP, 7), TCP_FIN, false);
	CU_ASSERT_PTR_NOT_NULL(add(&r, IPPROTO_UDP, FLOW_TABLE_SIZE + 1, false));
	CU_ASSERT_PTR_NULL(get(&r, IPPROTO_TCP, 7));
	CU_ASSERT_PTR_NULL(add(&r, IPPROTO_TCP, FLOW_TABLE_SIZE + 2, true));
	for (unsigned port = 2; port < FLOW_TABLE_SIZE; port++)
		CU_ASSERT_EQUAL(get(&r, IPPROTO_TCP, port) != NULL, port != 7);
	/* a client that was silent for hours may be gone (and UDP is forgotten by then) */
	unsigned more = FLOW_TABLE_SIZE + 3;
	pass_time(&r, FLOW_OPEN_IDLE);
	CU_ASSERT_PTR_NOT_NULL(add(&r, IPPROTO_TCP, more, true));
	CU_ASSERT_PTR_NOT_NULL(get(&r, IPPROTO_TCP, 1));
	CU_ASSERT_PTR_NOT_NULL(add(&r, IPPROTO_TCP, more + 1, true));
	CU_ASSERT_PTR_NULL(get(&r, IPPROTO_TCP, 1));
	CU_ASSERT_PTR_NULL(add(&r, IPPROTO_TCP, more + 2, true));
	rig_end(&r);
}

/* Datagrams of a client of ours to everywhere must not keep the peer out. */
static void what_is_ours_makes_room(void)
{
	struct rig r;

	rig_init(&r, RESET_SLIRP, false);
	for (unsigned port = 1; port <= FLOW_TABLE_SIZE; port++)
		add(&r, IPPROTO_UDP, port, false)->ours = port == 1;
	CU_ASSERT_PTR_NOT_NULL(add(&r, IPPROTO_TCP, 1, true));
	CU_ASSERT_PTR_NULL(get(&r, IPPROTO_UDP, 1));
	CU_ASSERT_PTR_NULL(add(&r, IPPROTO_TCP, 2, true));
	rig_end(&r);
}

static void recycled_where_nothing_hangs_on_them(void)
{
	struct rig r;

	rig_init(&r, 0, true);
	for (unsigned port = 0; port < 2 * FLOW_TABLE_SIZE; port++) {
		pass_time(&r, 1);
		struct flow *f = add(&r, IPPROTO_TCP, port, port % 2 == 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		open_tcp(&r, f);
	}
	CU_ASSERT_EQUAL(flow_counts(r.table)->all, FLOW_TABLE_SIZE);
	CU_ASSERT_PTR_NULL(get(&r, IPPROTO_TCP, FLOW_TABLE_SIZE - 1));
	CU_ASSERT_PTR_NOT_NULL(get(&r, IPPROTO_TCP, FLOW_TABLE_SIZE));
	rig_end(&r);
}

static const struct {
	uint8_t protocol;
	bool open;
	uint64_t idle;
} time_outs[] = {
	{ IPPROTO_UDP, false, FLOW_UDP_IDLE },
	{ IPPROTO_ICMP, false, FLOW_ICMP_IDLE },
	{ IPPROTO_TCP, false, FLOW_OPENING_IDLE },
	{ IPPROTO_TCP, true, FLOW_OPEN_IDLE },
};

/* And the clock is at rest when there is nothing to wait for. */
static void what_is_silent_is_forgotten(void)
{
	for (unsigned i = 0; i < sizeof(time_outs) / sizeof(time_outs[0]); i++) {
		struct rig r;

		rig_init(&r, 0, false);
		struct flow *f = add(&r, time_outs[i].protocol, 1, true);
		if (time_outs[i].open)
			open_tcp(&r, f);
		pass_time(&r, time_outs[i].idle - 1);
		CU_ASSERT_PTR_NOT_NULL(get(&r, time_outs[i].protocol, 1));
		touch(&r, f, 0, true);
		pass_time(&r, time_outs[i].idle - 1);
		CU_ASSERT_EQUAL(r.ended, 0);
		pass_time(&r, 1);
		CU_ASSERT_PTR_NULL(get(&r, time_outs[i].protocol, 1));
		CU_ASSERT_EQUAL(r.ended, 1);
		pass_time(&r, 1);
		CU_ASSERT_EQUAL(clock_next(&r.clock), CLOCK_NEVER);
		rig_end(&r);
	}
}

static void a_closed_connection(void)
{
	struct rig r;

	rig_init(&r, RESET_SLIRP, false);
	struct flow *f = add(&r, IPPROTO_TCP, 1, true);
	CU_ASSERT_EQUAL(f->state, FLOW_OPENING);
	open_tcp(&r, f);
	CU_ASSERT_EQUAL(f->state, FLOW_OPEN);
	flow_set_fd(r.table, f, 9);
	touch(&r, f, TCP_FIN | TCP_ACK, true);
	CU_ASSERT_EQUAL(f->state, FLOW_CLOSING);
	pass_time(&r, 1000 * CLOCK_SECOND);
	CU_ASSERT_PTR_NOT_NULL(get(&r, IPPROTO_TCP, 1));
	touch(&r, f, TCP_FIN | TCP_ACK, false);
	CU_ASSERT_EQUAL(f->state, FLOW_CLOSED);
	CU_ASSERT_EQUAL(r.ended, 1);
	CU_ASSERT_PTR_NULL(flow_next(r.table, NULL));
	/* it counts as long as it has a descriptor */
	CU_ASSERT_EQUAL(flow_counts(r.table)->all, 1);
	flow_set_fd(r.table, f, -1);
	CU_ASSERT_EQUAL(flow_counts(r.table)->all, 0);
	CU_ASSERT_EQUAL(r.group.flows, 0);
	CU_ASSERT_EQUAL(r.group.opened, 1);
	CU_ASSERT_EQUAL(r.group.bytes_in, 200);
	CU_ASSERT_EQUAL(r.group.bytes_out, 200);
	pass_time(&r, FLOW_CLOSED_IDLE - 1);
	CU_ASSERT_PTR_NOT_NULL(get(&r, IPPROTO_TCP, 1));
	pass_time(&r, 1);
	CU_ASSERT_PTR_NULL(get(&r, IPPROTO_TCP, 1));
	CU_ASSERT_EQUAL(r.ended, 1);
	rig_end(&r);
}

/* RFC 9293 §3.10.7.3: in SYN-SENT a reset must acknowledge; §3.10.7.4: else have the next sequence number. */
static void resets_carry_what_is_awaited(void)
{
	struct rig r;
	unsigned which;

	rig_init(&r, RESET_SLIRP | RESET_PEER, false);
	struct flow *f = add(&r, IPPROTO_TCP, 1, true);
	touch(&r, f, TCP_SYN, true);
	struct reset reset = flow_reset(f, SIDE_PEER);
	CU_ASSERT_EQUAL(reset.flags, TCP_RST | TCP_ACK);
	CU_ASSERT_EQUAL(reset.ack, 1001);
	CU_ASSERT_EQUAL(reset.src, HOST);
	CU_ASSERT_EQUAL(reset.dport, 1);
	touch(&r, f, TCP_SYN | TCP_ACK, false);
	touch(&r, f, TCP_ACK, true);
	reset = flow_reset(f, SIDE_PEER);
	CU_ASSERT_EQUAL(reset.flags, TCP_RST);
	CU_ASSERT_EQUAL(reset.seq, 77);
	flow_end(r.table, f, RESET_SLIRP | RESET_PEER);
	CU_ASSERT_EQUAL(r.ended, 1);
	unsigned seen = 0;
	while (flow_next_ending(r.table, &which))
		seen = seen << 4 | which;
	CU_ASSERT_EQUAL(seen, RESET_PEER << 8 | RESET_SLIRP_LOW << 4 | RESET_SLIRP_HIGH);
	CU_ASSERT_EQUAL(f->state, FLOW_CLOSED);
	/* a peer that never said anything waits for nothing */
	f = add(&r, IPPROTO_TCP, 2, false);
	flow_end(r.table, f, RESET_PEER);
	CU_ASSERT_PTR_NULL(flow_next_ending(r.table, &which));
	CU_ASSERT_EQUAL(f->state, FLOW_CLOSED);
	rig_end(&r);
}

static void a_group_with_a_time_of_its_own(void)
{
	struct rig r;
	struct flow_group heir;
	unsigned which;

	rig_init(&r, RESET_SLIRP | RESET_PEER, false);
	flow_group_init(r.table, &heir, 0);
	struct flow *f = add(&r, IPPROTO_TCP, 1, true);
	open_tcp(&r, f);
	pass_time(&r, 1000 * CLOCK_SECOND);
	flow_group_set_idle(r.table, &r.group, 5 * CLOCK_SECOND);
	struct flow *udp = add(&r, IPPROTO_UDP, 2, true);
	pass_time(&r, 5 * CLOCK_SECOND - 1);
	touch(&r, udp, 0, false);
	CU_ASSERT_EQUAL(r.ended, 0);
	pass_time(&r, 1);
	CU_ASSERT_EQUAL(r.ended, 1);
	CU_ASSERT_PTR_EQUAL(flow_next_ending(r.table, &which), f);
	flow_group_end(r.table, &r.group, &heir);
	CU_ASSERT_EQUAL(heir.flows, 1);
	CU_ASSERT_EQUAL(r.group.flows, 0);
	pass_time(&r, FLOW_UDP_IDLE - 1);
	CU_ASSERT_EQUAL(r.ended, 1);
	pass_time(&r, 1);
	CU_ASSERT_EQUAL(r.ended, 2);
	CU_ASSERT_EQUAL(heir.flows, 0);
	rig_end(&r);
}

/* Against a table that is searched from end to end. */
static void agrees_with_a_plain_table(void)
{
	struct rig r;
	uint64_t model[16][16][16] = { 0 };
	unsigned count = 0;

	rig_init(&r, 0, false);
	srand(7);
	for (unsigned round = 0; round < 50000; round++) {
		unsigned p = (unsigned)rand() % 16, o = (unsigned)rand() % 16, i = (unsigned)rand() % 16;
		struct flow_name outer = name_of(IPPROTO_UDP, (uint16_t)p, HOST + o, 22);
		struct flow_name inner = name_of(IPPROTO_UDP, (uint16_t)p, LOOPBACK, (uint16_t)i);
		struct flow *by_outer = flow_find(r.table, FLOW_OUTER, &outer), *by_inner = flow_find(r.table, FLOW_INNER, &inner);
		uint64_t outer_id = 0, inner_id = 0;

		for (unsigned n = 0; n < 16; n++) {
			outer_id = model[p][o][n] ? model[p][o][n] : outer_id;
			inner_id = model[p][n][i] ? model[p][n][i] : inner_id;
		}
		CU_ASSERT_EQUAL(by_outer ? by_outer->id : 0, outer_id);
		CU_ASSERT_EQUAL(by_inner ? by_inner->id : 0, inner_id);
		CU_ASSERT_EQUAL(flow_counts(r.table)->all, count);
		if (by_outer && by_outer == by_inner) {
			flow_remove(r.table, by_outer);
			model[p][o][i] = 0;
			count--;
		} else if (!by_outer && !by_inner) {
			const struct flow_opening how = { outer, inner, FLOW_WORLD, &r.group, true };

			model[p][o][i] = flow_add(r.table, &how)->id;
			count++;
		}
	}
	rig_end(&r);
}

const struct unit_test unit_tests[] = {
	{ "flow: found by both names", found_by_both_names },
	{ "flow: IPv6 names", ipv6_names },
	{ "flow: bounded, the silent one makes room", the_table_is_bounded },
	{ "flow: living connections and clients do not make room", the_living_do_not_make_room },
	{ "flow: what is ours makes room", what_is_ours_makes_room },
	{ "flow: recycled where nothing hangs on them", recycled_where_nothing_hangs_on_them },
	{ "flow: what is silent is forgotten, RFC 5382 REQ-5, RFC 4787 REQ-5, RFC 5508 REQ-2", what_is_silent_is_forgotten },
	{ "flow: a closed connection, RFC 5382 REQ-5", a_closed_connection },
	{ "flow: resets carry what is awaited, RFC 9293 s.3.10.7", resets_carry_what_is_awaited },
	{ "flow: a group with a time of its own", a_group_with_a_time_of_its_own },
	{ "flow: agrees with a plain table", agrees_with_a_plain_table },
	{ 0 },
};
