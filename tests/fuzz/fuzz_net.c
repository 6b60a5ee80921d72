/* Fuzzes what packets, of IPv4 and IPv6, pass through in net/: the gate both ways, merging, cutting, and the guard before a TUN. Byte 0 chooses
 * the configuration; then come packets: a byte with the direction (its highest bit) and what is made right before (the rest), two with the
 * length, the bytes. Whatever comes, the addresses of one side never reach the other, and what passes is well formed.
 * Coverage: src/net/gate.c src/net/gate6.c src/net/gate6_nd.c src/net/gate_doors.c src/net/gate_ends.c src/net/gate_out.c
 * Coverage: src/net/gate_own.c src/net/gate_sockets.c src/net/packet.c src/net/flow.c src/net/policy.c src/net/merge.c src/net/segment.c
 * Coverage: src/net/reply.c src/net/checksum.c src/net/guard.c src/net/tun_guard.c */
#include <glib.h>
#include <string.h>

#include "log.h"
#include "net/gate.h"
#include "net/merge.h"
#include "net/queue.h"
#include "net/segment.h"
#include "net/tun_guard.h"
#include "reader.h"

#define LOCAL UINT32_C(0x0a000202)
#define REMOTE UINT32_C(0x0a00020f)
#define DNS UINT32_C(0x0a000203)
#define HEADROOM 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONFIG_RESTRICT = 1, CONFIG_LOOPBACK = 2, CONFIG_SMALL_MTU = 4, CONFIG_PROXY = 8, CONFIG_LIMITS = 16, CONFIG_LISTS = 32 };
enum { FROM_LIBSLIRP = 0x80, FIX_LENGTH = 1, FIX_ADDRESSES = 2, FIX_CHECKSUMS = 4, WAIT = 8, SOCKETS = 16, CHANGE = 32 };
#define DESCRIPTORS 16

struct state {
	struct config *config;
	struct clock clock;
	struct gate *gate;
	struct tun_guard *tun;
	int fd;
	unsigned watches, answers;
	uint16_t own;
	struct merge *merge;
	struct queue *queue;
	uint16_t mtu;
};

static bool own_addresses(void *arg, GArray *addresses)
{
	uint32_t ours = UINT32_C(0xc0000202);

	(void)arg;
	g_array_append_val(addresses, ours);
	return true;
}

static enum policy_route route(void *arg, uint32_t addr)
{
	(void)arg;
	return addr == UINT32_C(0xc6336417) ? ROUTE_HERE : ROUTE_AWAY;
}

static enum policy_route route6(void *arg, const struct in6_addr *addr)
{
	(void)arg;
	return addr->s6_addr[15] == 0x77 ? ROUTE_HERE : ROUTE_AWAY;
}

static bool resolver(void *arg, struct in6_addr *addr)
{
	(void)arg;
	*addr = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff, [12] = 9, [15] = 9 } };
	return true;
}

static const struct policy_host host = { .addresses = own_addresses, .route = route, .route6 = route6, .resolver = resolver };

static const struct in6_addr local6 = { .s6_addr = { 0xfe, 0x80, [15] = 1 } }, remote6 = { .s6_addr = { 0xfe, 0x80, [15] = 2 } };

static void queue_piece(void *arg, const uint8_t *packet, size_t len)
{
	struct state *s = arg;

	g_assert(len <= s->mtu);
	queue_put(s->queue, packet, len);
}

static void check_merged(void *arg, struct packet *p, size_t mss)
{
	struct packet again;

	(void)arg;
	memset(p->data - HEADROOM, 0, HEADROOM);
	g_assert(packet_parse(&again, p->data, p->len) && again.len == p->len);
	if (mss == 0)
		return;
	packet_complete_checksum(p);
	g_assert(packet_header_ok(p) && packet_tcp_checksum_ok(p));
}

static bool is_version6(const uint8_t *bytes, size_t len)
{
	return len > 0 && bytes[0] >> 4 == 6;
}

/* What passes has no header that libslirp does not read, and goes nowhere within it. */
static void from_peer6(struct state *s, uint8_t *bytes, size_t len, bool sockets)
{
	struct packet p, again;
	size_t answer_len;
	const uint8_t *answer;

	switch (gate6_from_peer(s->gate, bytes, len, &p)) {
	case GATE_PASS:
		g_assert(packet_parse6(&again, p.data, len) && IN6_ARE_ADDR_EQUAL(&again.src6, &p.src6) && IN6_ARE_ADDR_EQUAL(&again.dst6, &p.dst6));
		g_assert(!p.extended && (p.protocol == IPPROTO_TCP || p.protocol == IPPROTO_UDP) && p.header == IPV6_HEADER);
		g_assert(p.dst6.s6_addr[0] != 0xff && p.dst6.s6_addr[0] != 0x01 && !IN6_IS_ADDR_LINKLOCAL(&p.dst6) && !IN6_IS_ADDR_LOOPBACK(&p.dst6));
		if (sockets)
			gate_socket_opened(s->gate, s->fd++ % DESCRIPTORS, &p);
		break;
	case GATE_ANSWER:
		answer = gate_answer(s->gate, &answer_len);
		g_assert(packet_parse6(&again, (uint8_t *)(uintptr_t)answer, answer_len) && again.len == answer_len);
		break;
	case GATE_OURS:
		g_assert_not_reached();
	case GATE_DROP:
		break;
	}
}

static void from_peer(struct state *s, uint8_t *bytes, size_t len, bool sockets)
{
	struct packet p, again;
	size_t answer_len;

	if (is_version6(bytes, len)) {
		from_peer6(s, bytes, len, sockets);
		return;
	}
	switch (gate_from_peer(s->gate, bytes, len, &p)) {
	case GATE_PASS:
		g_assert(packet_parse(&again, p.data, len) && again.len == p.len && again.src == p.src && again.dst == p.dst);
		g_assert(p.src != REMOTE && p.dst != LOCAL && p.dst != DNS && p.dst >> 24 != 0 && p.dst >> 28 != 14);
		if (sockets)
			gate_socket_opened(s->gate, s->fd++ % DESCRIPTORS, &p);
		if (!merge_add(s->merge, &p))
			check_merged(s, &p, 0);
		break;
	case GATE_OURS:
		g_assert(p.dst == LOCAL && p.dport == s->own);
		break;
	case GATE_ANSWER:
		g_assert(packet_parse(&again, (uint8_t *)gate_answer(s->gate, &answer_len), REPLY_MAX));
		g_assert(packet_header_ok(&again));
		break;
	case GATE_DROP:
		break;
	}
}

static void from_libslirp6(struct state *s, uint8_t *bytes, size_t len)
{
	struct packet p;

	if (packet_parse6(&p, bytes, len))
		tun_guard_to_peer(s->tun, &p);
	if (gate6_to_peer(s->gate, bytes, len, &p))
		g_assert(p.src6.s6_addr[0] != 0x01 && !IN6_IS_ADDR_V4MAPPED(&p.src6) && !IN6_IS_ADDR_LOOPBACK(&p.src6));
}

static void from_libslirp(struct state *s, uint8_t *bytes, size_t len)
{
	struct packet p;

	if (is_version6(bytes, len)) {
		from_libslirp6(s, bytes, len);
		return;
	}
	if (packet_parse(&p, bytes, len))
		tun_guard_to_peer(s->tun, &p);
	if (!gate_to_peer(s->gate, bytes, len, &p))
		return;
	g_assert(p.src >> 24 != 127 && (p.src & GATE_NETMASK) != GATE_NETWORK && p.src != GATE_PEER && p.dst != GATE_PEER);
	if (p.protocol == IPPROTO_TCP && !packet_is_fragment(&p) && p.len > s->mtu)
		segment_tcp(&p, s->mtu - p.header - p.tcp_header, queue_piece, s);
	else
		segment_fragment(&p, s->mtu, queue_piece, s);
}

/* Random bytes would hardly ever get past the first checks. */
static void make_right6(uint8_t *bytes, size_t len, uint8_t what)
{
	struct packet p;

	if (what & FIX_LENGTH) {
		bytes[0] = 0x60;
		bytes[4] = (uint8_t)((len - IPV6_HEADER) >> 8);
		bytes[5] = (uint8_t)(len - IPV6_HEADER);
		if (bytes[6] % 4 < 3)
			bytes[6] = (const uint8_t[]){ IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6 }[bytes[6] % 4];
	}
	if (what & FIX_ADDRESSES) {
		memcpy(bytes + 8, what & FROM_LIBSLIRP ? &local6 : &remote6, 16);
		memcpy(bytes + 24, what & FROM_LIBSLIRP ? &remote6 : &local6, 16);
	}
	if (!(what & FIX_CHECKSUMS) || !packet_parse6(&p, bytes, len))
		return;
	if (p.protocol == IPPROTO_ICMPV6)
		packet_fix_icmp(&p);
	else if (p.protocol == IPPROTO_TCP || p.protocol == IPPROTO_UDP)
		packet_complete_checksum(&p);
}

static void make_right(uint8_t *bytes, size_t len, uint8_t what)
{
	const uint32_t src = htonl(what & FROM_LIBSLIRP ? GATE_HOST : REMOTE);
	const uint32_t dst = htonl(what & FROM_LIBSLIRP ? GATE_PEER : LOCAL);
	struct packet p;

	if (len >= IPV6_HEADER && bytes[0] & 0x20) {
		make_right6(bytes, len, what);
		return;
	}
	if (len < IPV4_HEADER)
		return;
	if (what & FIX_LENGTH) {
		bytes[0] = (uint8_t)(0x45 + (bytes[0] & 0x10) / 16);
		bytes[2] = (uint8_t)(len >> 8);
		bytes[3] = (uint8_t)len;
	}
	if (what & FIX_ADDRESSES) {
		memcpy(bytes + 12, &src, 4);
		memcpy(bytes + 16, &dst, 4);
	}
	if (!(what & FIX_CHECKSUMS) || !packet_parse(&p, bytes, len))
		return;
	packet_complete_header(bytes, p.header);
	if (p.protocol == IPPROTO_TCP && !packet_is_fragment(&p))
		packet_complete_checksum(&p);
}

static void answered(void *arg, enum gate_outcome outcome)
{
	struct state *s = arg;

	(void)outcome;
	s->answers++;
}

static void count_flow(void *arg, const struct net_flow *flow)
{
	g_assert(flow->id != 0 && flow->kind < FLOW_KINDS && flow->peer.host[0] && flow->far.host[0]);
	++*(unsigned *)arg;
}

/* Whatever happened, the numbers agree, and what ends connections is well formed. */
static void check_gate(struct state *s)
{
	struct net_counters counters;
	uint8_t buf[REPLY_MAX];
	struct packet p;
	unsigned flows = 0;
	bool to_peer;
	size_t len;

	while ((len = gate_next_reset(s->gate, buf, &to_peer)) > 0) {
		if (is_version6(buf, len))
			g_assert(packet_parse6(&p, buf, len) && packet_tcp_checksum_ok(&p));
		else
			g_assert(packet_parse(&p, buf, len) && packet_header_ok(&p) && packet_tcp_checksum_ok(&p));
	}
	gate_counters(s->gate, &counters);
	gate_flows(s->gate, count_flow, &flows);
	g_assert(flows <= counters.flows && counters.flows <= flows + DESCRIPTORS && s->answers <= s->watches);
}

static void change(struct state *s)
{
	uint8_t buf[IPV4_HEADER + UDP_HEADER + 4];

	s->config->net.restrict_peer = !s->config->net.restrict_peer;
	gate_configure(s->gate, &s->config->net);
	tun_guard_configure(s->tun, &s->config->net);
	gate_socket_closed(s->gate, s->fd % DESCRIPTORS);
	gate_watch(s->gate, 0, 0x4242, FLOW_SOCKS, answered, s);
	s->watches++;
	gate_own_datagram(s->gate, s->own, 0, 0x4343, buf, 4, buf);
	gate_drop_flow(s->gate, s->watches);
}

static void through_guard(struct state *s, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = g_memdup2(bytes, len);
	const uint8_t *answer;
	size_t answer_len;
	struct packet p, again;
	bool passed = tun_guard_from_peer(s->tun, copy, len, &p, &answer, &answer_len);

	g_assert(!passed || answer_len == 0);
	if (is_version6(bytes, len))
		g_assert(answer_len == 0 || packet_parse6(&again, (uint8_t *)(uintptr_t)answer, answer_len));
	else
		g_assert(answer_len == 0 || (packet_parse(&again, (uint8_t *)answer, answer_len) && packet_header_ok(&again)));
	g_free(copy);
}

static void one_packet(struct state *s, struct reader *r)
{
	uint8_t what = reader_u8(r);
	size_t wanted = reader_u16(r) % 4096u;
	size_t len = MIN(wanted, reader_left(r));
	const uint8_t *bytes = reader_bytes(r, len);
	size_t out;

	if (!bytes)
		return;
	uint8_t *exact = g_malloc(HEADROOM + len);
	memcpy(exact + HEADROOM, bytes, len);
	make_right(exact + HEADROOM, len, what);
	if (!(what & FROM_LIBSLIRP) && len > 0)
		through_guard(s, exact + HEADROOM, len);
	if (what & FROM_LIBSLIRP)
		from_libslirp(s, exact + HEADROOM, len);
	else
		from_peer(s, exact + HEADROOM, len, what & SOCKETS);
	g_free(exact);
	if (what & WAIT) {
		clock_advance(&s->clock, s->clock.now + 100 * CLOCK_SECOND);
		merge_flush(s->merge);
	}
	if (what & CHANGE)
		change(s);
	check_gate(s);
	if (queue_peek(s->queue, &out))
		queue_take(s->queue, out);
}

static void add_rules(struct net_config *net, uint8_t config)
{
	const struct service service = { .protocol = CONFIG_TCP, .port = 0x4141, .host = INADDR_LOOPBACK, .host_port = 22, .idle = 30 };
	const struct forward forward = { .protocol = CONFIG_UDP, .bind = INADDR_LOOPBACK, .port = 53, .host = 0, .host_port = 0x4242 };
	const struct access_rule rule = { .prefix = 97, .port = config & 64 ? 0 : 0x4141 };

	g_array_append_val(net->services, service);
	g_array_append_val(net->forwards, forward);
	if (config & CONFIG_LISTS)
		g_array_append_val(net->to, rule);
	if (!(config & CONFIG_LIMITS))
		return;
	net->max_flows = net->rate = net->burst = 8;
	net->lockout_refusals = 20;
	net->lockout_seconds = 50;
}

static void open_state(struct state *s, uint8_t config)
{
	const struct net_link link = { .local = LOCAL, .remote = REMOTE, .dns = DNS, .mtu = s->mtu, .local_id = 1, .remote_id = 2 };

	clock_init(&s->clock, 1);
	s->config = config_new();
	s->config->net.restrict_peer = config & CONFIG_RESTRICT;
	s->config->net.host_loopback = config & CONFIG_LOOPBACK;
	add_rules(&s->config->net, config);
	s->gate = gate_new(s->config, &s->clock, 1, &host);
	s->tun = tun_guard_new(&s->config->net, &s->clock, 1);
	s->merge = merge_new(9000, check_merged, s);
	s->queue = queue_new(&s->clock, s->mtu, 16);
	gate_set_link(s->gate, &link);
	gate_set_proxy(s->gate, config & CONFIG_PROXY ? 9050 : 0);
	s->own = gate_own_port(s->gate, FLOW_SOCKS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(data, size);
	uint8_t config = reader_u8(&r);
	struct state s = { .mtu = config & CONFIG_SMALL_MTU ? 296 : 1500 };

	log_set_fd(-1);
	g_random_set_seed(1);
	open_state(&s, config);
	while (reader_left(&r) > 0)
		one_packet(&s, &r);
	gate_set_link(s.gate, NULL);
	g_assert(s.answers == s.watches);
	merge_free(s.merge);
	queue_free(s.queue);
	tun_guard_free(s.tun);
	gate_free(s.gate);
	config_free(s.config);
	return 0;
}
