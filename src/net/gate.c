/* The gate between the peer and libslirp; see gate.h. slirp.c calls it for every packet. RFC 3022, RFC 1858.
 *
 * Theory of operation
 *
 * A packet from the peer goes either to one of our addresses on the link (the PPP address, the resolver's) or to the world.
 *  - To ours: it belongs to a conversation in the table, or it opens one with a service, or it is refused. Its destination becomes
 *    the conversation's inner address: where the service is, or the client of a forward.
 *  - To the world: policy decides by address. Only the peer's own address is translated.
 * A packet from libslirp comes from a conversation in the table (its inner source becomes the outer one), opens one (a forward's
 * client), or comes from the world. So services and forwards are one mechanism, seen from two sides.
 *
 * No fragment of the peer's passes: it has no ports to judge, and libslirp 4.7 writes beyond its memory when it has a last fragment
 * without the first.
 *
 * What the peer may open is counted in libslirp's sockets, which `flows` has by descriptor. A socket was opened by the packet that
 * libslirp was given at that moment. Only where the limit is reached is it searched for whether a packet opens anything: a SYN that
 * is repeated must not be refused. libslirp's UDP sockets take datagrams from anybody: what comes to a port of the peer that has not
 * itself talked to the world is not let through. */
#include "net/gate.h"

#include <arpa/inet.h>

#include "log.h"
#include "net/nat.h"
#include "net/packet.h"

#define ANSWER_RATE 50u /* refusals answered a second, and at once */
#define ANSWER_BURST 100u
#define FIRST_FRAGMENTS 4u
#define PORT_TRIES 64u
#define EPHEMERAL 49152u /* RFC 6335 §6 */
#define CROWDED_LOG (60 * CLOCK_SECOND)

enum flow_kind { NO_FLOW, CLIENT_FLOW /* a forward's */, SERVICE_FLOW, WORLD_FLOW, FLOW_KINDS };

/* One of libslirp's sockets; where it leads is known unless it is a client's. */
struct flow {
	uint8_t kind, protocol;
	uint16_t sport, dport;
	uint32_t dst;
};

/* The source that a fragmented datagram from libslirp has for the peer: its later fragments show no ports. */
struct first_fragment {
	uint16_t id;
	uint8_t protocol;
	uint32_t src, dst;
	uint32_t outer;
};

struct gate {
	const struct config *config;
	struct clock *clock;
	struct policy *policy;
	struct nat *nat;
	struct net_link link;
	bool up;
	struct gate_counters counters;
	unsigned tokens;      /* answers that may be given now */
	uint64_t tokens_from; /* since when no token was added */
	struct first_fragment fragments[FIRST_FRAGMENTS];
	unsigned next_fragment;
	GArray *flows; /* struct flow, by descriptor */
	unsigned count[FLOW_KINDS], pings, flows_max;
	uint8_t udp_world[UINT16_MAX / 8 + 1]; /* ports of the peer that talk to the world, a bit each */
	uint64_t crowded_logged;
	bool ending;
	unsigned ended; /* two RSTs a descriptor */
	uint8_t answer[REPLY_MAX];
	size_t answer_len;
};

struct gate *gate_new(const struct config *config, struct clock *clock, uint32_t seed, const struct policy_host *host)
{
	struct gate *gate = g_new0(struct gate, 1);

	gate->config = config;
	gate->clock = clock;
	gate->policy = policy_new(&config->net, clock, host);
	gate->nat = nat_new(clock, seed);
	gate->tokens = ANSWER_BURST;
	gate->tokens_from = clock->now;
	gate->flows = g_array_new(FALSE, TRUE, sizeof(struct flow));
	gate->flows_max = GATE_FLOWS;
	return gate;
}

void gate_free(struct gate *gate)
{
	if (!gate)
		return;
	nat_free(gate->nat);
	policy_free(gate->policy);
	g_array_free(gate->flows, TRUE);
	g_free(gate);
}

void gate_set_link(struct gate *gate, const struct net_link *link)
{
	gate->up = link != NULL;
	if (!link)
		return;
	if (gate->link.remote != 0 && (gate->link.remote != link->remote || gate->link.local != link->local))
		gate_end_conversations(gate);
	gate->link = *link;
}

void gate_limit_flows(struct gate *gate, unsigned max)
{
	gate->flows_max = MIN(max, GATE_FLOWS);
}

unsigned gate_sockets(const struct gate *gate)
{
	return gate->count[CLIENT_FLOW] + gate->count[SERVICE_FLOW] + gate->count[WORLD_FLOW];
}

static void set_udp_world(struct gate *gate, uint16_t port, bool on)
{
	uint8_t bit = (uint8_t)(1u << port % 8);

	if (on)
		gate->udp_world[port / 8] |= bit;
	else
		gate->udp_world[port / 8] &= (uint8_t)~bit;
}

static bool is_udp_world(const struct gate *gate, uint16_t port)
{
	return gate->udp_world[port / 8] >> port % 8 & 1;
}

static struct flow *flow_at(const struct gate *gate, int fd)
{
	return fd >= 0 && (guint)fd < gate->flows->len ? &g_array_index(gate->flows, struct flow, fd) : NULL;
}

static void count_flow(struct gate *gate, const struct flow *f, bool opened)
{
	unsigned *pings = f->protocol == IPPROTO_ICMP ? &gate->pings : NULL;

	gate->count[f->kind] += opened ? 1u : -1u;
	if (pings)
		*pings += opened ? 1u : -1u;
}

/* The conversation with a service that a flow of the peer's is, or NULL. */
static struct nat_entry *service_of(struct gate *gate, uint8_t protocol, uint16_t sport, uint32_t dst, uint16_t dport)
{
	struct nat_peer peer = { .protocol = protocol, .port = sport, .addr = GATE_PEER };
	struct nat_inner inner = { .addr = dst, .port = dport };

	return nat_find_inner(gate->nat, &peer, &inner);
}

void gate_socket_opened(struct gate *gate, int fd, const struct packet *p)
{
	if (fd < 0)
		return;
	gate_socket_closed(gate, fd);
	if ((guint)fd >= gate->flows->len)
		g_array_set_size(gate->flows, (guint)fd + 1);
	struct flow *f = flow_at(gate, fd);
	*f = (struct flow){ .kind = CLIENT_FLOW };
	if (p) {
		*f = (struct flow){ WORLD_FLOW, p->protocol, p->sport, p->dport, p->dst };
		if (service_of(gate, f->protocol, f->sport, f->dst, f->dport))
			f->kind = SERVICE_FLOW;
	}
	count_flow(gate, f, true);
	/* An older socket of that port may have been closed since the packet passed. */
	if (f->kind == WORLD_FLOW && f->protocol == IPPROTO_UDP)
		set_udp_world(gate, f->sport, true);
}

/* A TCP connection whose socket is closed is over, whether or not both sides were seen to say so. */
static void end_service(struct gate *gate, const struct flow *f)
{
	struct nat_entry *entry = service_of(gate, f->protocol, f->sport, f->dst, f->dport);

	if (entry)
		nat_touch(gate->nat, entry, TCP_RST, true);
}

void gate_socket_closed(struct gate *gate, int fd)
{
	struct flow *f = flow_at(gate, fd);

	if (!f || f->kind == NO_FLOW)
		return;
	count_flow(gate, f, false);
	if (f->protocol == IPPROTO_UDP)
		set_udp_world(gate, f->sport, false);
	else if (f->protocol == IPPROTO_TCP && f->kind == SERVICE_FLOW)
		end_service(gate, f);
	*f = (struct flow){ .kind = NO_FLOW };
}

void gate_end_conversations(struct gate *gate)
{
	gate->ending = true;
	gate->ended = 0;
}

/* libslirp heeds a RST from before what it has received (as from within the window), which one of two that are half the sequence
 * space apart is. */
size_t gate_next_reset(struct gate *gate, uint8_t *buf)
{
	for (; gate->ending && gate->ended / 2 < gate->flows->len; gate->ended++) {
		const struct flow *f = flow_at(gate, (int)(gate->ended / 2));

		if (f->protocol == IPPROTO_TCP && f->kind != NO_FLOW)
			return reply_reset(buf, GATE_PEER, f->sport, f->dst, f->dport, gate->ended++ % 2 ? UINT32_C(1) << 31 : 0);
	}
	gate->ending = false;
	return 0;
}

const uint8_t *gate_answer(const struct gate *gate, size_t *len)
{
	*len = gate->answer_len;
	return gate->answer;
}

const struct gate_counters *gate_counters(const struct gate *gate)
{
	return &gate->counters;
}

static bool take_token(struct gate *gate)
{
	uint64_t added = (gate->clock->now - gate->tokens_from) * ANSWER_RATE / CLOCK_SECOND;

	if (added > 0) {
		gate->tokens = added < ANSWER_BURST - gate->tokens ? gate->tokens + (unsigned)added : ANSWER_BURST;
		gate->tokens_from = gate->clock->now;
	}
	if (gate->tokens == 0)
		return false;
	gate->tokens--;
	return true;
}

static void log_refusal(const struct packet *p)
{
	struct in_addr dst = { .s_addr = htonl(p->dst) };
	char text[INET_ADDRSTRLEN];

	log_dbg("refused: protocol %u to %s port %u", p->protocol, inet_ntop(AF_INET, &dst, text, sizeof(text)), p->dport);
}

/* Refuses P, at a bounded rate: TCP is reset in the name of its destination, where that may be; else CODE (of destination
 * unreachable) is told. */
static enum gate_verdict refuse(struct gate *gate, const struct packet *p, uint8_t code)
{
	gate->counters.refused++;
	if (!take_token(gate))
		return GATE_DROP;
	log_refusal(p);
	gate->answer_len = reply_tcp_reset(gate->answer, p);
	if (gate->answer_len == 0 && !(p->tcp_flags & TCP_RST))
		gate->answer_len = reply_icmp_error(gate->answer, p, gate->link.local, ICMP_UNREACHABLE, code);
	return gate->answer_len > 0 ? GATE_ANSWER : GATE_DROP;
}

static enum gate_verdict drop(uint64_t *counter)
{
	++*counter;
	return GATE_DROP;
}

static bool is_inner(uint32_t addr)
{
	return (addr & GATE_NETMASK) == GATE_NETWORK || addr == GATE_PEER;
}

/* The largest TCP segment that fits into packets of MTU bytes, if those are of any use. */
static uint16_t mss_for(uint16_t mtu)
{
	return (uint16_t)(MAX(mtu, CONFIG_MIN_MRU) - IPV4_HEADER - TCP_HEADER);
}

static bool to_resolver(const struct gate *gate, const struct packet *p)
{
	if (p->dst != gate->link.dns || gate->config->net.restrict_peer)
		return false;
	return p->dst != gate->link.local || p->dport == 53;
}

/* Whether libslirp has a socket for P already. */
static bool has_flow(const struct gate *gate, const struct packet *p, const struct nat_inner *inner)
{
	for (guint i = 0; i < gate->flows->len; i++) {
		const struct flow *f = &g_array_index(gate->flows, struct flow, i);

		if (f->kind == NO_FLOW || f->protocol != p->protocol || f->sport != p->sport)
			continue;
		if (p->protocol == IPPROTO_UDP || (p->protocol == IPPROTO_TCP && f->dst == inner->addr && f->dport == inner->port))
			return true;
	}
	return false;
}

/* A forward's own socket is there, and answers its clients. */
static bool from_forward(const struct gate *gate, const struct packet *p)
{
	return policy_is_forward(gate->policy, p->protocol, 0, p->sport) ||
	       policy_is_forward(gate->policy, p->protocol, p->src, p->sport);
}

/* Whether P opens no conversation, or may open one, which leads to INNER. */
static bool has_room(const struct gate *gate, const struct packet *p, const struct nat_inner *inner, enum flow_kind kind)
{
	unsigned opened = gate->count[SERVICE_FLOW] + gate->count[WORLD_FLOW];
	unsigned quarter = gate->flows_max / 4;

	if (p->protocol == IPPROTO_TCP && !packet_opens_tcp(p))
		return true;
	if (p->protocol == IPPROTO_ICMP && gate->pings >= quarter)
		return false;
	if (opened < gate->flows_max && (kind == SERVICE_FLOW || gate->count[WORLD_FLOW] < gate->flows_max - quarter))
		return true;
	return has_flow(gate, p, inner) || (p->protocol == IPPROTO_UDP && from_forward(gate, p));
}

static enum gate_verdict crowded(struct gate *gate, const struct packet *p)
{
	struct in_addr dst = { .s_addr = htonl(p->dst) };
	char text[INET_ADDRSTRLEN];

	if (gate->crowded_logged == 0 || gate->clock->now - gate->crowded_logged >= CROWDED_LOG) {
		log_notice("too many conversations: refused protocol %u to %s port %u", p->protocol,
			   inet_ntop(AF_INET, &dst, text, sizeof(text)), p->dport);
		gate->crowded_logged = gate->clock->now;
	}
	gate->counters.crowded++;
	return refuse(gate, p, UNREACHABLE_PROHIBITED);
}

/* Where the service (or the resolver) is that P may open a conversation with. False: nothing is served there. */
static bool find_service(const struct gate *gate, const struct packet *p, struct nat_inner *inner)
{
	*inner = (struct nat_inner){ .addr = GATE_RESOLVER, .port = 53 };
	if (p->src != gate->link.remote || (p->protocol == IPPROTO_TCP && !packet_opens_tcp(p)))
		return false;
	if (to_resolver(gate, p))
		return p->dport == 53;
	return p->dst == gate->link.local && policy_service(gate->policy, p->protocol, p->dport, &inner->addr, &inner->port);
}

static enum gate_verdict ping_to_us(struct gate *gate, struct packet *p)
{
	if (p->src != gate->link.remote)
		return drop(&gate->counters.spoofed);
	if (p->icmp_type != ICMP_ECHO_REQUEST)
		return drop(&gate->counters.ignored);
	packet_set_destination(p, to_resolver(gate, p) ? GATE_RESOLVER : GATE_HOST, 0);
	packet_set_source(p, GATE_PEER, 0);
	return GATE_PASS;
}

/* The conversation that P, to one of our addresses, belongs to. A forward may lead to the peer's address or to a host behind it,
 * under that name; all else that the peer says comes from GATE_PEER. */
static struct nat_entry *find_conversation(struct gate *gate, const struct packet *p, const struct nat_outer *outer)
{
	struct nat_peer peer = { .protocol = p->protocol, .port = p->sport, .addr = GATE_PEER };
	struct nat_peer forward = { .protocol = p->protocol, .port = p->sport, .addr = p->src };
	struct nat_entry *entry = NULL;

	if (p->src == gate->link.remote)
		entry = nat_find_outer(gate->nat, &peer, outer);
	return entry ? entry : nat_find_outer(gate->nat, &forward, outer);
}

static struct nat_entry *open_service(struct gate *gate, const struct packet *p, const struct nat_outer *outer,
				      const struct nat_inner *inner)
{
	struct nat_peer peer = { .protocol = p->protocol, .port = p->sport, .addr = GATE_PEER };

	return nat_add(gate->nat, &peer, outer, inner, NAT_BY_PEER);
}

static enum gate_verdict conversation_with_us(struct gate *gate, struct packet *p)
{
	struct nat_outer outer = { .side = to_resolver(gate, p) ? NAT_RESOLVER : NAT_LOCAL, .port = p->dport };
	struct nat_entry *entry = find_conversation(gate, p, &outer);
	struct nat_inner inner;

	if (!entry && p->src != gate->link.remote)
		return drop(&gate->counters.spoofed);
	if (entry)
		inner = entry->inner;
	else if (!find_service(gate, p, &inner))
		return refuse(gate, p, UNREACHABLE_PORT);
	if (!has_room(gate, p, &inner, SERVICE_FLOW))
		return crowded(gate, p);
	if (!entry)
		entry = open_service(gate, p, &outer, &inner);
	if (!entry)
		return crowded(gate, p);
	nat_touch(gate->nat, entry, p->tcp_flags, true);
	packet_set_destination(p, entry->inner.addr, entry->inner.port);
	packet_set_source(p, entry->peer.addr, p->sport);
	packet_clamp_mss(p, mss_for(gate->link.mtu));
	return GATE_PASS;
}

static enum gate_verdict to_us(struct gate *gate, struct packet *p)
{
	if (p->protocol == IPPROTO_ICMP)
		return ping_to_us(gate, p);
	if (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP)
		return conversation_with_us(gate, p);
	return p->src == gate->link.remote ? refuse(gate, p, UNREACHABLE_PROTOCOL) : drop(&gate->counters.spoofed);
}

/* A direct connection from a port that talked to the same host through a service is not that conversation. */
static void forget_service(struct gate *gate, const struct packet *p)
{
	struct nat_entry *entry = service_of(gate, p->protocol, p->sport, p->dst, p->dport);

	if (entry)
		nat_remove(gate->nat, entry);
}

static enum gate_verdict to_world(struct gate *gate, struct packet *p)
{
	bool opening = p->protocol != IPPROTO_TCP || packet_opens_tcp(p);
	struct nat_inner inner = { .addr = p->dst, .port = p->dport };

	if (p->src != gate->link.remote)
		return drop(&gate->counters.spoofed);
	if (p->dst == gate->link.remote || !policy_world(gate->policy, p->dst, opening))
		return refuse(gate, p, UNREACHABLE_PROHIBITED);
	if (p->protocol == IPPROTO_ICMP && p->icmp_type != ICMP_ECHO_REQUEST)
		return drop(&gate->counters.ignored);
	if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP && p->protocol != IPPROTO_ICMP)
		return refuse(gate, p, UNREACHABLE_PROTOCOL);
	if (!has_room(gate, p, &inner, WORLD_FLOW))
		return crowded(gate, p);
	if (packet_opens_tcp(p))
		forget_service(gate, p);
	if (p->protocol == IPPROTO_UDP)
		set_udp_world(gate, p->sport, true);
	packet_set_source(p, GATE_PEER, p->sport);
	packet_clamp_mss(p, mss_for(gate->link.mtu));
	return GATE_PASS;
}

enum gate_verdict gate_from_peer(struct gate *gate, uint8_t *data, size_t len, struct packet *p)
{
	if (!gate->up)
		return GATE_DROP;
	if (!packet_parse(p, data, len))
		return drop(&gate->counters.malformed);
	if (is_inner(p->src))
		return drop(&gate->counters.spoofed);
	if (packet_is_fragment(p))
		return drop(&gate->counters.fragments);
	if (p->dst == gate->link.local || (gate->link.dns != 0 && p->dst == gate->link.dns))
		return to_us(gate, p);
	return to_world(gate, p);
}

/* libslirp shows the client of a UDP forward as its own address at first, and as 127.0.0.1 once the peer has answered. Only to the
 * latter does it send. */
static uint32_t inner_source(const struct packet *p)
{
	return p->protocol == IPPROTO_UDP && p->src == GATE_HOST ? INADDR_LOOPBACK : p->src;
}

/* The conversation of a forward's client, which P opens. It keeps its port unless another client of that port talks to the same
 * place. */
static struct nat_entry *open_forward(struct gate *gate, const struct nat_peer *peer, const struct nat_inner *inner)
{
	struct nat_outer outer = { .side = NAT_LOCAL, .port = inner->port };

	for (unsigned tries = 0; tries < PORT_TRIES; tries++) {
		if (outer.port != 0 && !nat_find_outer(gate->nat, peer, &outer))
			return nat_add(gate->nat, peer, &outer, inner, NAT_BY_CLIENT);
		outer.port = (uint16_t)(EPHEMERAL + (outer.port * 31u + 17u) % (UINT16_MAX - EPHEMERAL));
	}
	return NULL;
}

static bool opens_forward(const struct gate *gate, const struct packet *p)
{
	if (p->protocol == IPPROTO_TCP)
		return packet_opens_tcp(p);
	return policy_is_forward(gate->policy, p->protocol, p->dst == GATE_PEER ? 0 : p->dst, p->dport);
}

static uint32_t outer_addr(const struct gate *gate, const struct nat_entry *entry)
{
	return entry->outer.side == NAT_RESOLVER ? gate->link.dns : gate->link.local;
}

/* One of libslirp's own addresses as the peer knows it; any other stays what it is. */
static uint32_t unmap(const struct gate *gate, uint32_t inner)
{
	if (inner == GATE_HOST)
		return gate->link.local;
	return inner == GATE_RESOLVER ? gate->link.dns : inner;
}

/* Only the world's packets need no conversation in the table. */
static bool from_world(const struct gate *gate, const struct packet *p)
{
	if (gate->config->net.restrict_peer || is_inner(p->src) || p->dst != GATE_PEER)
		return false;
	return p->protocol == IPPROTO_TCP || is_udp_world(gate, p->dport);
}

static bool map_source(struct gate *gate, struct packet *p)
{
	struct nat_peer peer = { .protocol = p->protocol, .port = p->dport, .addr = p->dst };
	struct nat_inner inner = { .addr = inner_source(p), .port = p->sport };
	struct nat_entry *entry = nat_find_inner(gate->nat, &peer, &inner);

	if (!entry && opens_forward(gate, p))
		entry = open_forward(gate, &peer, &inner);
	if (!entry)
		return from_world(gate, p);
	nat_touch(gate->nat, entry, p->tcp_flags, false);
	packet_set_source(p, outer_addr(gate, entry), entry->outer.port);
	return true;
}

/* An ICMP error: the packet that it quotes went from the peer to an inner address. Who sent it may be that address too. */
static bool map_error(struct gate *gate, struct packet *p)
{
	struct packet quoted;

	if (!packet_quoted(p, &quoted))
		return !gate->config->net.restrict_peer;
	struct nat_peer peer = { .protocol = quoted.protocol, .port = quoted.sport, .addr = quoted.src };
	struct nat_inner inner = { .addr = quoted.dst, .port = quoted.dport };
	struct nat_entry *entry = nat_find_inner(gate->nat, &peer, &inner);
	uint32_t dst = entry ? outer_addr(gate, entry) : unmap(gate, quoted.dst);
	if (p->src == quoted.dst)
		packet_set_source(p, dst, 0);
	packet_set_destination(&quoted, dst, entry ? entry->outer.port : quoted.dport);
	if (quoted.src == GATE_PEER)
		packet_set_source(&quoted, gate->link.remote, quoted.sport);
	packet_fix_icmp(p);
	packet_set_source(p, unmap(gate, p->src), 0);
	return entry || !gate->config->net.restrict_peer || p->src == gate->link.local;
}

static void remember_fragment(struct gate *gate, const struct packet *p, uint32_t inner)
{
	gate->fragments[gate->next_fragment++ % FIRST_FRAGMENTS] =
		(struct first_fragment){ .id = p->id, .protocol = p->protocol, .src = inner, .dst = p->dst, .outer = p->src };
}

static bool map_later_fragment(const struct gate *gate, struct packet *p)
{
	for (unsigned i = 0; i < FIRST_FRAGMENTS; i++) {
		const struct first_fragment *f = &gate->fragments[i];

		if (f->id == p->id && f->protocol == p->protocol && f->src == p->src && f->dst == p->dst) {
			packet_set_source(p, f->outer, 0);
			return true;
		}
	}
	return false;
}

/* Gives P the addresses that the peer knows. False: it is not for the peer. */
static bool map(struct gate *gate, struct packet *p)
{
	uint32_t inner = p->src;
	bool known = is_inner(inner) || !gate->config->net.restrict_peer;

	if (p->offset > 0)
		return map_later_fragment(gate, p);
	if (packet_is_icmp_error(p))
		known = map_error(gate, p);
	else if (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP)
		known = map_source(gate, p);
	packet_set_source(p, unmap(gate, p->src), p->sport);
	if (known && p->more_fragments)
		remember_fragment(gate, p, inner);
	return known;
}

bool gate_to_peer(struct gate *gate, uint8_t *data, size_t len, struct packet *p)
{
	if (!gate->up)
		return false;
	if (!packet_parse(p, data, len) || !map(gate, p) || p->src >> 24 == IN_LOOPBACKNET || is_inner(p->src) || p->src == 0) {
		gate->counters.unmapped++;
		return false;
	}
	if (p->dst == GATE_PEER)
		packet_set_destination(p, gate->link.remote, p->dport);
	packet_clamp_mss(p, mss_for(gate->config->lcp.mru));
	return true;
}
