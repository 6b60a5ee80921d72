/* The gate between the peer and libslirp; see gate.h. slirp.c calls it for every packet. RFC 3022, RFC 1858.
 *
 * Theory of operation
 *
 * A packet from the peer goes either to one of our addresses on the link (the PPP address, the resolver's) or to the world.
 *  - To ours: it belongs to a conversation in the table, or it opens one with a service, or it is refused. Its destination becomes
 *    the conversation's inner address: where the service is, or the client of a forward.
 *  - To the world: policy decides by address. Nothing is remembered; only the peer's own address is translated.
 * A packet from libslirp comes from a conversation in the table (its inner source becomes the outer one), opens one (a forward's
 * client), or comes from the world. So services and forwards are one mechanism, seen from two sides. */
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
	uint8_t answer[REPLY_MAX];
	size_t answer_len;
};

struct gate *gate_new(const struct config *config, struct clock *clock, uint32_t seed, policy_addresses_fn *addresses, void *arg)
{
	struct gate *gate = g_new0(struct gate, 1);

	gate->config = config;
	gate->clock = clock;
	gate->policy = policy_new(&config->net, clock, addresses, arg);
	gate->nat = nat_new(clock, seed);
	gate->tokens = ANSWER_BURST;
	gate->tokens_from = clock->now;
	return gate;
}

void gate_free(struct gate *gate)
{
	if (!gate)
		return;
	nat_free(gate->nat);
	policy_free(gate->policy);
	g_free(gate);
}

void gate_set_link(struct gate *gate, const struct net_link *link)
{
	gate->up = link != NULL;
	if (link)
		gate->link = *link;
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

/* Refuses P: TCP is reset, all else is told CODE (of destination unreachable), at a bounded rate. */
static enum gate_verdict refuse(struct gate *gate, const struct packet *p, uint8_t code)
{
	gate->counters.refused++;
	if (!take_token(gate))
		return GATE_DROP;
	log_refusal(p);
	if (p->protocol == IPPROTO_TCP)
		gate->answer_len = reply_tcp_reset(gate->answer, p);
	else
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

/* The conversation with a service (or the resolver) that P opens, or NULL when nothing is served there. */
static struct nat_entry *open_service(struct gate *gate, const struct packet *p, const struct nat_peer *peer,
				      const struct nat_outer *outer)
{
	struct nat_inner inner = { .addr = GATE_RESOLVER, .port = 53 };

	if (p->src != gate->link.remote || (p->protocol == IPPROTO_TCP && !packet_opens_tcp(p)))
		return NULL;
	if (outer->side == NAT_RESOLVER && outer->port != 53)
		return NULL;
	if (outer->side == NAT_LOCAL && (p->dst != gate->link.local ||
					 !policy_service(gate->policy, p->protocol, p->dport, &inner.addr, &inner.port)))
		return NULL;
	return nat_add(gate->nat, peer, outer, &inner);
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

/* The conversation that P, to one of our addresses, belongs to or opens. A forward may lead to the peer's address or to a host
 * behind it, under that name; all else that the peer says comes from GATE_PEER. */
static struct nat_entry *find_or_open(struct gate *gate, const struct packet *p)
{
	struct nat_peer peer = { .protocol = p->protocol, .port = p->sport, .addr = GATE_PEER };
	struct nat_peer forward = { .protocol = p->protocol, .port = p->sport, .addr = p->src };
	struct nat_outer outer = { .side = to_resolver(gate, p) ? NAT_RESOLVER : NAT_LOCAL, .port = p->dport };
	struct nat_entry *entry = NULL;

	if (p->src == gate->link.remote)
		entry = nat_find_outer(gate->nat, &peer, &outer);
	if (!entry)
		entry = nat_find_outer(gate->nat, &forward, &outer);
	return entry ? entry : open_service(gate, p, &peer, &outer);
}

static enum gate_verdict to_us(struct gate *gate, struct packet *p)
{
	if (packet_is_fragment(p))
		return drop(&gate->counters.fragments);
	if (p->protocol == IPPROTO_ICMP)
		return ping_to_us(gate, p);
	if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP)
		return refuse(gate, p, UNREACHABLE_PROTOCOL);
	struct nat_entry *entry = find_or_open(gate, p);
	if (!entry && p->src != gate->link.remote)
		return drop(&gate->counters.spoofed);
	if (!entry)
		return refuse(gate, p, UNREACHABLE_PORT);
	nat_touch(gate->nat, entry, p->tcp_flags, true);
	packet_set_destination(p, entry->inner.addr, entry->inner.port);
	packet_set_source(p, entry->peer.addr, p->sport);
	packet_clamp_mss(p, mss_for(gate->link.mtu));
	return GATE_PASS;
}

/* A direct connection from a port that talked to the same host through a service is not that conversation. */
static void forget_service(struct gate *gate, const struct packet *p)
{
	struct nat_peer peer = { .protocol = p->protocol, .port = p->sport, .addr = GATE_PEER };
	struct nat_inner inner = { .addr = p->dst, .port = p->dport };
	struct nat_entry *entry = nat_find_inner(gate->nat, &peer, &inner);

	if (entry)
		nat_remove(gate->nat, entry);
}

static enum gate_verdict to_world(struct gate *gate, struct packet *p)
{
	bool opening = p->protocol != IPPROTO_TCP || packet_opens_tcp(p);

	if (p->src != gate->link.remote)
		return drop(&gate->counters.spoofed);
	/* libslirp 4.7 writes beyond its memory when it has a last fragment without the first. */
	if (packet_is_fragment(p))
		return drop(&gate->counters.fragments);
	if (p->dst == gate->link.remote || !policy_world(gate->policy, p->dst, opening))
		return refuse(gate, p, UNREACHABLE_PROHIBITED);
	if (p->protocol == IPPROTO_ICMP && p->offset == 0 && p->icmp_type != ICMP_ECHO_REQUEST)
		return drop(&gate->counters.ignored);
	if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP && p->protocol != IPPROTO_ICMP)
		return refuse(gate, p, UNREACHABLE_PROTOCOL);
	if (packet_opens_tcp(p))
		forget_service(gate, p);
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
			return nat_add(gate->nat, peer, &outer, inner);
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

static void map_source(struct gate *gate, struct packet *p)
{
	struct nat_peer peer = { .protocol = p->protocol, .port = p->dport, .addr = p->dst };
	struct nat_inner inner = { .addr = inner_source(p), .port = p->sport };
	struct nat_entry *entry = nat_find_inner(gate->nat, &peer, &inner);

	if (!entry && opens_forward(gate, p))
		entry = open_forward(gate, &peer, &inner);
	if (!entry)
		return;
	nat_touch(gate->nat, entry, p->tcp_flags, false);
	packet_set_source(p, outer_addr(gate, entry), entry->outer.port);
}

/* An ICMP error: the packet that it quotes went from the peer to an inner address. Who sent it may be that address too. */
static void map_error(struct gate *gate, struct packet *p)
{
	struct packet quoted;

	if (!packet_quoted(p, &quoted))
		return;
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
}

static void remember_fragment(struct gate *gate, const struct packet *p, uint32_t inner)
{
	gate->fragments[gate->next_fragment++ % FIRST_FRAGMENTS] =
		(struct first_fragment){ .id = p->id, .protocol = p->protocol, .src = inner, .dst = p->dst, .outer = p->src };
}

static void map_later_fragment(const struct gate *gate, struct packet *p)
{
	for (unsigned i = 0; i < FIRST_FRAGMENTS; i++) {
		const struct first_fragment *f = &gate->fragments[i];

		if (f->id == p->id && f->protocol == p->protocol && f->src == p->src && f->dst == p->dst) {
			packet_set_source(p, f->outer, 0);
			return;
		}
	}
}

static void map(struct gate *gate, struct packet *p)
{
	uint32_t inner = p->src;

	if (p->offset > 0) {
		map_later_fragment(gate, p);
		return;
	}
	if (packet_is_icmp_error(p))
		map_error(gate, p);
	else if (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP)
		map_source(gate, p);
	packet_set_source(p, unmap(gate, p->src), p->sport);
	if (p->more_fragments)
		remember_fragment(gate, p, inner);
}

bool gate_to_peer(struct gate *gate, uint8_t *data, size_t len, struct packet *p)
{
	if (!gate->up)
		return false;
	if (!packet_parse(p, data, len)) {
		gate->counters.unmapped++;
		return false;
	}
	map(gate, p);
	if (p->src >> 24 == IN_LOOPBACKNET || is_inner(p->src) || p->src == 0) {
		gate->counters.unmapped++;
		return false;
	}
	if (p->dst == GATE_PEER)
		packet_set_destination(p, gate->link.remote, p->dport);
	packet_clamp_mss(p, mss_for(gate->config->lcp.mru));
	return true;
}
