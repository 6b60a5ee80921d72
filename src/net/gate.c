/* The gate between the peer and libslirp, from the peer's side; see gate.h. slirp.c calls it for every packet. RFC 3022, RFC 1858.
 *
 * Theory of operation
 *
 * A packet belongs to a flow that is in the table, or it opens one, or it is refused. Flows are known under two names (flow.h): the outer
 * one, which the peer uses, with libslirp's own three addresses in place of the link's, and the inner one, which libslirp uses. What
 * reaches a service has the service's place for the far end of its inner name; what goes to the world has the same two names. So services,
 * forwards, DNS, the world and proxies are one mechanism. Inner names are unique: where the peer talks to one place in two ways (through
 * a service and directly, through a proxy to two hosts), the second flow gets another port of the peer's inside.
 *
 * Only the opening of a flow is judged: is there such a place (gate_find_place()), may the peer go there (guard.h), is there room. Packets
 * of a flow cost a lookup.
 *
 * No fragment of the peer's passes: it has no ports to judge, and libslirp 4.7 writes beyond its memory when it has a last fragment
 * without the first.
 *
 * IPv6 goes the same way, under its own addresses (gate6.c), in the same table.
 *
 * gate_out.c is the other direction; gate_sockets.c knows libslirp's sockets, gate_doors.c the configured services and forwards, gate_own.c
 * what we ourselves send, gate_ends.c ends conversations. */
#include "net/gate.h"

#include "net/gate_internal.h"

bool gate_is_inner(uint32_t addr)
{
	return (addr & GATE_NETMASK) == GATE_NETWORK || addr == GATE_PEER;
}

uint32_t gate_real_address(const struct gate *gate, uint32_t canonical)
{
	switch (canonical) {
	case GATE_HOST:
		return gate->link.local;
	case GATE_RESOLVER:
		return gate->link.dns;
	case GATE_PEER:
		return gate->link.remote;
	default:
		return canonical;
	}
}

uint32_t gate_canonical_peer(const struct gate *gate, uint32_t addr)
{
	return addr == gate->link.remote || addr == 0 ? GATE_PEER : addr;
}

uint16_t gate_next_port(uint16_t port)
{
	return (uint16_t)(EPHEMERAL + (port * 31u + 17u) % (UINT16_MAX - EPHEMERAL));
}

uint16_t gate_mss_for(uint16_t mtu)
{
	return (uint16_t)(MAX(mtu, CONFIG_MIN_MRU) - IPV4_HEADER - TCP_HEADER);
}

static void flow_ended(void *arg, struct flow *f)
{
	gate_tell_watch(f, ANSWER_NONE);
	gate_end_backlog(arg, f);
	if (f->name[FLOW_OUTER].protocol == IPPROTO_UDP)
		gate_leave_socket(arg, f);
}

struct gate *gate_new(const struct config *config, struct clock *clock, uint32_t seed, const struct policy_host *host)
{
	struct gate *gate = g_new0(struct gate, 1);
	const struct flow_table_options options = { .resets = RESET_SLIRP | RESET_PEER, .ended = flow_ended, .arg = gate };

	gate->config = config;
	gate->clock = clock;
	net_config_copy(&gate->net, &config->net);
	gate->policy = policy_new(clock, host);
	gate->guard = guard_new(&gate->net, clock);
	gate->flows = flow_table_new(clock, seed, &options);
	gate->flows_max = FLOW_TABLE_SIZE;
	gate_init_sockets(gate);
	gate_init_doors(gate);
	gate_init_own(gate);
	return gate;
}

void gate_free(struct gate *gate)
{
	if (!gate)
		return;
	gate_free_own(gate);
	gate_free_doors(gate);
	gate_free_sockets(gate);
	flow_table_free(gate->flows);
	guard_free(gate->guard);
	policy_free(gate->policy);
	net_config_clear(&gate->net);
	g_free(gate);
}

void gate_set_link(struct gate *gate, const struct net_link *link)
{
	gate->up = link != NULL;
	if (!link) {
		gate_end_watches(gate);
		gate6_set_link(gate, NULL);
		return;
	}
	/* IPv4 is down while IPv6 is up: what it had may come back. */
	if (gate->peer_before != 0 && link->remote != 0 && (gate->peer_before != link->remote || gate->local_before != link->local))
		gate_end_family(gate, false);
	if (link->remote != 0) {
		gate->peer_before = link->remote;
		gate->local_before = link->local;
	}
	gate->link = *link;
	gate6_set_link(gate, link);
}

void gate_limit_flows(struct gate *gate, unsigned max)
{
	gate->flows_max = MIN(max, FLOW_TABLE_SIZE);
}

const uint8_t *gate_answer(const struct gate *gate, size_t *len)
{
	*len = gate->answer_len;
	return gate->answer;
}

enum gate_verdict gate_drop(uint64_t *counter)
{
	++*counter;
	return GATE_DROP;
}

enum gate_verdict gate_give_answer(struct gate *gate, const uint8_t *answer, size_t len)
{
	gate->answer = answer;
	gate->answer_len = len;
	return len > 0 ? GATE_ANSWER : GATE_DROP;
}

static enum gate_verdict answer(struct gate *gate, size_t len)
{
	return gate_give_answer(gate, gate->answer_buffer, len);
}

enum gate_verdict gate_refuse(struct gate *gate, const struct packet *p, enum net_refusal why)
{
	return answer(gate, guard_refuse(gate->guard, p, why, gate->link.local, gate->answer_buffer));
}

/* Nothing that a host has to be blamed for: broadcasts are what hosts send at all times. */
static bool is_to_many(const struct packet *p)
{
	return IN_MULTICAST(p->dst) || p->dst == INADDR_BROADCAST;
}

static bool is_resolver(const struct gate *gate, const struct packet *p)
{
	return gate->link.dns != 0 && p->dst == gate->link.dns && (p->dst != gate->link.local || p->dport == 53);
}

static uint32_t canonical_far(const struct gate *gate, const struct packet *p)
{
	if (is_resolver(gate, p))
		return GATE_RESOLVER;
	return p->dst == gate->link.local ? GATE_HOST : p->dst;
}

/* The outer name of P, which comes from the peer. */
static bool outer_name(const struct gate *gate, const struct packet *p, struct flow_name *name)
{
	if (!flow_name_of(p, true, name))
		return false;
	name->peer.addr = flow_address(gate_canonical_peer(gate, p->src));
	name->far.addr = flow_address(canonical_far(gate, p));
	return true;
}

static bool find_world(struct gate *gate, struct flow_opening *how, enum net_refusal *why)
{
	uint32_t addr = flow_v4(&how->outer.far.addr);

	*why = REFUSED_FORBIDDEN;
	if (gate->net.restrict_peer || addr == gate->link.remote || !policy_world(gate->policy, addr, true))
		return false;
	how->kind = FLOW_WORLD;
	if (gate->proxy_port != 0 && how->outer.protocol == IPPROTO_TCP) {
		how->kind = FLOW_PROXY;
		how->inner.far = flow_end_v4(INADDR_LOOPBACK, gate->proxy_port);
	}
	how->group = &gate->kinds[how->kind];
	return true;
}

static bool find_service(struct gate *gate, struct flow_opening *how, enum net_refusal *why)
{
	const struct flow_end *far = &how->outer.far;
	struct door *door = gate_find_service(gate, how->outer.protocol, far->port);

	*why = REFUSED_NO_SERVICE;
	if (!door && !gate->net.host_loopback)
		return false;
	how->kind = FLOW_SERVICE;
	how->group = door ? &door->group : &gate->kinds[FLOW_SERVICE];
	how->inner.far = door ? gate_service_place(&door->service) : flow_end_v4(INADDR_LOOPBACK, far->port);
	return flow_v4(&how->inner.far.addr) != 0; /* libslirp cannot lead IPv4 to an IPv6 host */
}

bool gate_find_place(struct gate *gate, struct flow_opening *how, enum net_refusal *why)
{
	uint32_t far = flow_v4(&how->outer.far.addr);

	how->inner = how->outer;
	if (far == 0)
		return gate6_find_place(gate, how, why);
	if (far != GATE_HOST && far != GATE_RESOLVER)
		return find_world(gate, how, why);
	if (how->outer.protocol == IPPROTO_ICMP) {
		how->kind = FLOW_US;
		how->group = &gate->kinds[FLOW_US];
		return true;
	}
	if (far == GATE_HOST || (gate->net.restrict_peer && gate->link.dns == gate->link.local))
		return find_service(gate, how, why);
	how->kind = FLOW_DNS;
	how->group = &gate->kinds[FLOW_DNS];
	*why = REFUSED_NO_SERVICE;
	return how->outer.far.port == 53 && !gate->net.restrict_peer;
}

static unsigned max_flows(const struct gate *gate)
{
	return gate->net.max_flows ? MIN(gate->net.max_flows, gate->flows_max) : gate->flows_max;
}

/* libslirp opens a socket for each ping, not only for the first of a flow. */
static bool has_room_for_ping(const struct gate *gate)
{
	return MAX(gate->ping_sockets, flow_counts(gate->flows)->pings) < max_flows(gate) / 4;
}

/* Whether there is room for what HOW opens. A UDP flow whose socket is there already may push out another. */
static bool has_room(struct gate *gate, const struct flow_opening *how, enum net_refusal *why)
{
	const struct flow_counts *n = flow_counts(gate->flows);
	unsigned max = max_flows(gate);
	unsigned more_pings = gate->ping_sockets - MIN(gate->ping_sockets, n->pings);
	unsigned worldly = n->by_peer[FLOW_WORLD] + n->by_peer[FLOW_PROXY] + n->by_peer[FLOW_DNS] + more_pings;
	bool service = how->kind == FLOW_SERVICE;

	*why = service ? REFUSED_MAX_SERVICE : REFUSED_MAX_FLOWS;
	if (service && how->group->flows >= gate_service_max(gate, how->group))
		return false;
	*why = REFUSED_MAX_FLOWS;
	if (how->kind == FLOW_US)
		return true;
	if (how->outer.protocol == IPPROTO_ICMP && !has_room_for_ping(gate))
		return false;
	if (worldly + n->by_peer[FLOW_SERVICE] < max && (service || worldly < max - max / 4))
		return true;
	if (how->outer.protocol != IPPROTO_UDP || !gate_has_udp_socket(gate, how->outer.peer.port))
		return false;
	flow_recycle_udp(gate->flows);
	return true;
}

bool gate_make_unique(struct gate *gate, struct flow_opening *how)
{
	for (unsigned tries = 0; tries < PORT_TRIES; tries++) {
		struct flow *old = flow_find(gate->flows, FLOW_INNER, &how->inner);

		if (old && old->state == FLOW_CLOSED && old->fd < 0)
			flow_remove(gate->flows, old);
		bool taken = how->inner.protocol == IPPROTO_UDP && gate_udp_port_taken(gate, &how->inner.peer);
		if ((!old || old->id == 0) && !taken)
			return true;
		how->inner.peer.port = gate_next_port(how->inner.peer.port);
	}
	return false;
}

static bool permits(const struct gate *gate, const struct packet *p)
{
	if (p->v6)
		return guard_permits6(gate->guard, &p->src6, p->sport, &p->dst6, p->dport);
	return guard_permits(gate->guard, p->src, p->sport, p->dst, p->dport);
}

static bool may_open(struct gate *gate, const struct packet *p, struct flow_opening *how, enum net_refusal *why)
{
	*why = REFUSED_LOCKOUT;
	if (guard_locked(gate->guard) || !gate_find_place(gate, how, why))
		return false;
	*why = REFUSED_ACCESS;
	if (!permits(gate, p) || !has_room(gate, how, why))
		return false;
	*why = REFUSED_RATE;
	return guard_take(gate->guard);
}

static enum gate_verdict pass6(const struct gate *gate, struct packet *p, const struct flow_name *inner)
{
	packet_set_destination6(p, &inner->far.addr, inner->far.port);
	packet_set_source6(p, &inner->peer.addr, inner->peer.port);
	packet_clamp_mss(p, gate_mss_for(gate->link.mtu) - (IPV6_HEADER - IPV4_HEADER));
	return GATE_PASS;
}

/* P passes: it gets the names that libslirp knows. */
static enum gate_verdict pass(const struct gate *gate, struct packet *p, const struct flow_name *inner)
{
	if (p->v6)
		return pass6(gate, p, inner);
	packet_set_destination(p, flow_v4(&inner->far.addr), inner->far.port);
	packet_set_source(p, flow_v4(&inner->peer.addr), inner->peer.port);
	packet_clamp_mss(p, gate_mss_for(gate->link.mtu));
	return GATE_PASS;
}

static enum gate_verdict open_flow(struct gate *gate, struct packet *p, const struct flow_name *outer)
{
	struct flow_opening how = { .outer = *outer, .by_peer = true };
	enum net_refusal why;

	if (!may_open(gate, p, &how, &why)) {
		if (how.group)
			how.group->refused++;
		return gate_refuse(gate, p, why);
	}
	struct flow *f = gate_make_unique(gate, &how) ? flow_add(gate->flows, &how) : NULL;
	if (!f)
		return how.kind == FLOW_US ? pass(gate, p, &how.inner) : gate_refuse(gate, p, REFUSED_MAX_FLOWS);
	flow_touch(gate->flows, f, p, true);
	if (outer->protocol == IPPROTO_UDP)
		gate_join_socket(gate, f);
	return pass(gate, p, &how.inner);
}

/* A TCP segment of no connection, or an answer to no ping. */
static enum gate_verdict stray(struct gate *gate, const struct packet *p)
{
	gate->counters.ignored++;
	return answer(gate, p->protocol == IPPROTO_TCP ? guard_answer_stray(gate->guard, p, gate->link.local, gate->answer_buffer) : 0);
}

/* What P means to whoever waits for an answer of the peer's. */
static void tell_answer(struct flow *f, const struct packet *p)
{
	if (f->watch && p->tcp_flags & TCP_RST)
		gate_tell_watch(f, ANSWER_REFUSED);
	else if (f->watch && (p->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		gate_tell_watch(f, ANSWER_OPEN);
}

static bool is_world(struct gate *gate, const struct packet *p)
{
	return p->v6 ? gate6_is_world(gate, &p->dst6) : policy_world(gate->policy, p->dst, true);
}

static enum gate_verdict continue_flow(struct gate *gate, struct packet *p, struct flow *f)
{
	if (f->resets || (f->finishing && packet_opens_tcp(p)))
		return gate_drop(&gate->counters.ignored);
	/* An address of the world may have become ours. */
	if (f->kind == FLOW_WORLD && p->protocol != IPPROTO_TCP && !is_world(gate, p)) {
		flow_remove(gate->flows, f);
		return gate_refuse(gate, p, REFUSED_FORBIDDEN);
	}
	if (f->kind == FLOW_WORLD && p->protocol == IPPROTO_ICMP && !has_room_for_ping(gate))
		return gate_refuse(gate, p, REFUSED_MAX_FLOWS);
	tell_answer(f, p);
	flow_touch(gate->flows, f, p, true);
	if (f->ours)
		return GATE_OURS;
	if (p->protocol == IPPROTO_TCP)
		gate_note_finished(gate, f);
	if (f->kind == FLOW_WORLD && p->protocol == IPPROTO_UDP)
		gate_set_udp_world(gate, f->name[FLOW_INNER].peer.port, true);
	return pass(gate, p, &f->name[FLOW_INNER]);
}

/* The flow that P belongs to. A closed one does not hinder a new one of its name for longer than it takes to rid libslirp of it: if its
 * socket stayed behind, the peer could have more of them than are counted. */
static struct flow *find_flow(struct gate *gate, const struct packet *p, const struct flow_name *outer)
{
	struct flow *f = flow_find(gate->flows, FLOW_OUTER, outer);
	bool anew = f && f->state == FLOW_CLOSED && packet_opens_tcp(p);

	if (anew && f->fd < 0) {
		flow_remove(gate->flows, f);
		return NULL;
	}
	if (anew && !f->finishing)
		flow_end(gate->flows, f, RESET_SLIRP);
	return f || p->protocol != IPPROTO_UDP ? f : gate_find_own(gate, outer);
}

static bool from_peer_itself(const struct gate *gate, const struct packet *p)
{
	return p->v6 ? gate6_is_peer(gate, &p->src6) : p->src == gate->link.remote;
}

enum gate_verdict gate_flow_packet(struct gate *gate, struct packet *p, const struct flow_name *outer)
{
	struct flow *f = find_flow(gate, p, outer);

	if (f)
		return continue_flow(gate, p, f);
	if (!from_peer_itself(gate, p))
		return gate_drop(&gate->counters.spoofed);
	if (p->protocol == IPPROTO_TCP ? !packet_opens_tcp(p) : p->protocol == IPPROTO_ICMP && p->icmp_type != ICMP_ECHO_REQUEST)
		return stray(gate, p);
	return open_flow(gate, p, outer);
}

/* The peer, or a router behind it, says that a connection that we open cannot be. */
static void heed_error(struct gate *gate, const struct packet *p)
{
	struct packet quoted;
	struct flow_name name;

	if (p->icmp_type != ICMP_UNREACHABLE || !packet_quoted(p, &quoted) || quoted.src != gate->link.local ||
	    !flow_name_of(&quoted, false, &name))
		return;
	name.far.addr = flow_address(GATE_HOST);
	name.peer.addr = flow_address(gate_canonical_peer(gate, quoted.dst));
	struct flow *f = flow_find(gate->flows, FLOW_OUTER, &name);
	if (!f || f->by_peer || f->state != FLOW_OPENING)
		return;
	gate_tell_watch(f, ANSWER_UNREACHABLE);
	flow_end(gate->flows, f, RESET_SLIRP);
}

static enum gate_verdict other_packet(struct gate *gate, struct packet *p)
{
	if (packet_is_icmp_error(p))
		heed_error(gate, p);
	if (p->src != gate->link.remote)
		return gate_drop(&gate->counters.spoofed);
	if (p->protocol == IPPROTO_ICMP)
		return gate_drop(&gate->counters.ignored);
	return gate_refuse(gate, p, REFUSED_PROTOCOL);
}

enum gate_verdict gate_from_peer(struct gate *gate, uint8_t *data, size_t len, struct packet *p)
{
	struct flow_name outer;

	if (!gate->up || gate->link.remote == 0)
		return GATE_DROP;
	if (!packet_parse(p, data, len))
		return gate_drop(&gate->counters.malformed);
	if (gate_is_inner(p->src))
		return gate_drop(&gate->counters.spoofed);
	if (packet_is_fragment(p))
		return gate_drop(&gate->counters.fragments);
	if (gate_is_inner(p->dst) || is_to_many(p))
		return answer(gate, guard_refuse_quietly(gate->guard, p, REFUSED_FORBIDDEN, gate->link.local, gate->answer_buffer));
	return outer_name(gate, p, &outer) ? gate_flow_packet(gate, p, &outer) : other_packet(gate, p);
}
