/* The gate's other direction: packets from libslirp get the names that the peer knows; see gate.h and gate.c. RFC 3022, RFC 5508.
 *
 * A packet from libslirp belongs to a flow, opens one (a client of a forward, or of ours), or comes from the world. */
#include "net/gate_internal.h"

/* libslirp shows the client of a UDP forward as its own address at first, and as 127.0.0.1 once the peer has answered. Only to the
 * latter does it send. */
static bool inner_name(const struct packet *p, struct flow_name *name)
{
	if (!flow_name_of(p, false, name))
		return false;
	if (p->protocol == IPPROTO_UDP && p->src == GATE_HOST)
		name->far.addr = flow_address(INADDR_LOOPBACK);
	return true;
}

/* Whether nobody else uses this port of our address towards that end of the peer's. */
static bool is_free(struct gate *gate, const struct flow_name *outer)
{
	struct flow *old = flow_find(gate->flows, FLOW_OUTER, outer);

	if (outer->far.port == 0 || (outer->protocol == IPPROTO_UDP && gate_is_own_port(gate, outer->far.port)))
		return false;
	if (old && old->state == FLOW_CLOSED) {
		flow_remove(gate->flows, old);
		return true;
	}
	return !old;
}

/* The flow of a client, which P opens. It keeps its port unless another client of that port talks to the same place. */
static struct flow *open_client(struct gate *gate, const struct packet *p, const struct flow_name *inner)
{
	struct door *door = gate_find_forward(gate, p->protocol, p->dst, p->dport);
	uint32_t peer = gate_canonical_peer(gate, p->dst);
	const struct flow_end to = flow_end_v4(peer, p->dport);
	struct watch *watch = p->protocol == IPPROTO_TCP ? gate_find_watch(gate, &to) : NULL;
	enum flow_kind kind = watch ? gate_watch_kind(watch) : FLOW_FORWARD;
	struct flow_opening how = { .inner = *inner, .kind = kind, .group = door && !watch ? &door->group : &gate->kinds[kind] };

	how.outer = (struct flow_name){ to, flow_end_v4(GATE_HOST, p->sport), p->protocol };
	unsigned tries = 0;
	while (tries < PORT_TRIES && !is_free(gate, &how.outer)) {
		how.outer.far.port = gate_next_port(how.outer.far.port);
		tries++;
	}
	struct flow *f = tries < PORT_TRIES ? flow_add(gate->flows, &how) : NULL;
	if (watch)
		gate_set_watch(f, watch);
	return f;
}

/* libslirp's listeners are for forwards and for dials, and a stranger may have found the latter; its UDP sockets bring what anybody
 * sends. */
static bool opens_client(const struct gate *gate, const struct packet *p)
{
	if (p->protocol != IPPROTO_UDP && !packet_opens_tcp(p))
		return false;
	const struct flow_end to = flow_end_v4(gate_canonical_peer(gate, p->dst), p->dport);
	return gate_find_forward(gate, p->protocol, p->dst, p->dport) || (p->protocol == IPPROTO_TCP && gate_find_watch(gate, &to));
}

static struct flow *find_flow(struct gate *gate, const struct packet *p)
{
	struct flow_name inner;

	if (!inner_name(p, &inner))
		return NULL;
	struct flow *f = flow_find(gate->flows, FLOW_INNER, &inner);
	if (f && f->state == FLOW_CLOSED && packet_opens_tcp(p)) {
		flow_remove(gate->flows, f);
		f = NULL;
	}
	return f || !gate->up || !opens_client(gate, p) ? f : open_client(gate, p, &inner);
}

/* Only the world's packets, and what libslirp says itself, need no flow. Whoever the peer may not talk to does not talk to the peer. */
static bool from_nowhere(const struct gate *gate, const struct packet *p)
{
	if (p->protocol == IPPROTO_ICMP)
		return gate_is_inner(p->src) || !gate->net.restrict_peer;
	if (gate->net.restrict_peer || gate_is_inner(p->src) || p->dst != GATE_PEER)
		return false;
	if (p->protocol != IPPROTO_UDP)
		return true;
	return gate_is_udp_world(gate, p->dport) && guard_permits(gate->guard, gate->link.remote, p->dport, p->src, p->sport);
}

static bool map_flow(struct gate *gate, struct packet *p)
{
	struct flow *f = find_flow(gate, p);

	if (!f)
		return from_nowhere(gate, p);
	if (f->resets)
		return false;
	const struct flow_name *outer = &f->name[FLOW_OUTER];
	flow_touch(gate->flows, f, p, false);
	if (p->protocol == IPPROTO_TCP)
		gate_note_backlog(gate, f, p);
	packet_set_source(p, gate_real_address(gate, flow_v4(&outer->far.addr)), outer->far.port);
	packet_set_destination(p, gate_real_address(gate, flow_v4(&outer->peer.addr)), outer->peer.port);
	return true;
}

/* What P quotes, as the peer sent it. */
static void map_quoted(struct gate *gate, struct packet *quoted, const struct flow *f)
{
	const struct flow_name *outer = f ? &f->name[FLOW_OUTER] : NULL;
	uint32_t src = outer ? flow_v4(&outer->peer.addr) : quoted->src, dst = outer ? flow_v4(&outer->far.addr) : quoted->dst;

	packet_set_source(quoted, gate_real_address(gate, src), outer ? outer->peer.port : quoted->sport);
	packet_set_destination(quoted, gate_real_address(gate, dst), outer ? outer->far.port : quoted->dport);
}

/* An ICMP error: the packet that it quotes went from the peer to an inner address. Who sent it may be that address too. */
static bool map_error(struct gate *gate, struct packet *p)
{
	struct packet quoted;
	struct flow_name inner;

	if (!packet_quoted(p, &quoted))
		return !gate->net.restrict_peer;
	uint32_t about = quoted.dst;
	struct flow *f = flow_name_of(&quoted, true, &inner) ? flow_find(gate->flows, FLOW_INNER, &inner) : NULL;
	map_quoted(gate, &quoted, f);
	packet_fix_icmp(p);
	packet_set_source(p, p->src == about ? quoted.dst : gate_real_address(gate, p->src), 0);
	if (f && f->state == FLOW_OPENING)
		flow_close(gate->flows, f);
	return f || !gate->net.restrict_peer || p->src == gate->link.local;
}

static void remember_fragment(struct gate *gate, const struct packet *p, uint32_t src, uint32_t dst)
{
	gate->fragments[gate->next_fragment++ % FIRST_FRAGMENTS] =
		(struct first_fragment){ .id = p->id, .protocol = p->protocol, .src = src, .dst = dst, .outer = p->src };
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
	uint32_t src = p->src, dst = p->dst;

	if (p->offset > 0)
		return map_later_fragment(gate, p);
	bool known = packet_is_icmp_error(p) ? map_error(gate, p) : map_flow(gate, p);
	packet_set_source(p, gate_real_address(gate, p->src), p->sport);
	if (known && p->more_fragments)
		remember_fragment(gate, p, src, dst);
	return known;
}

bool gate_to_peer(struct gate *gate, uint8_t *data, size_t len, struct packet *p)
{
	if (!packet_parse(p, data, len) || !map(gate, p) || !gate->up || gate->link.remote == 0)
		return false;
	if (p->src >> 24 == IN_LOOPBACKNET || gate_is_inner(p->src) || p->src == 0)
		return false;
	if (p->dst == GATE_PEER)
		packet_set_destination(p, gate->link.remote, p->dport);
	packet_clamp_mss(p, gate_mss_for(gate->config->lcp.mru));
	return true;
}
