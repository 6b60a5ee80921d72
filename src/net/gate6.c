/* The gate for IPv6: which packets pass, and under which names; see gate.h and gate.c. slirp6.c calls it for every packet. RFC 8200, RFC 4443.
 *
 * Theory of operation
 *
 * The peer has a link-local address, from IPV6CP's identifier, and those that it gives itself in GATE6_PREFIX; we have one of each, with our
 * identifier. They are the same inside and outside: a link with other identifiers is another host's, or will have other conversations.
 *
 * libslirp opens IPv6 sockets for IPv6, and such a socket reaches an IPv4 host as ::ffff:a.b.c.d. So a service leads wherever it is told to:
 * only the far end of the inner name is another. The same is true of the resolver, which is this machine's, of either family, at port 53
 * of both our addresses. Clients of forwards and dials on 127.0.0.1 come as ::ffff:127.0.0.1.
 *
 * libslirp 4.7 reads neither extension headers nor fragments, and stops the program at a ping to the world: none of these pass. It has one
 * UDP socket for each address and port of the peer, gate_sockets.c one for each port: where two addresses have the same port, one of them
 * gets another inside. Nobody whom it has not talked to sends to the peer by UDP. */
#include "net/gate_internal.h"

#include <string.h>

#include "writer.h"

#define TCP_FLAGS 13 /* where they stand in the header (RFC 9293 §3.1) */

static const struct in6_addr prefix = GATE6_PREFIX;
static const struct in6_addr inner_host = GATE6_INNER_HOST;

bool gate6_is_up(const struct gate *gate)
{
	return gate->up && !IN6_IS_ADDR_UNSPECIFIED(&gate->local6[SCOPE_LINK]);
}

static bool in_prefix(const struct in6_addr *addr)
{
	return memcmp(addr, &prefix, GATE6_PREFIX_BITS / 8) == 0;
}

bool gate6_is_local(const struct gate *gate, const struct in6_addr *addr)
{
	return IN6_ARE_ADDR_EQUAL(addr, &gate->local6[SCOPE_LINK]) || IN6_ARE_ADDR_EQUAL(addr, &gate->local6[SCOPE_PREFIX]);
}

/* The prefix itself is any router's address (RFC 4291 §2.6.1). */
bool gate6_is_peer(const struct gate *gate, const struct in6_addr *addr)
{
	if (IN6_ARE_ADDR_EQUAL(addr, &gate->peer6))
		return true;
	return in_prefix(addr) && !gate6_is_local(gate, addr) && !IN6_ARE_ADDR_EQUAL(addr, &prefix);
}

const struct in6_addr *gate6_local_for(const struct gate *gate, const struct in6_addr *peer)
{
	return &gate->local6[IN6_IS_ADDR_LINKLOCAL(peer) ? SCOPE_LINK : SCOPE_PREFIX];
}

static struct in6_addr with_identifier(struct in6_addr addr, uint64_t identifier)
{
	for (unsigned i = 0; i < 8; i++)
		addr.s6_addr[15 - i] = (uint8_t)(identifier >> 8 * i);
	return addr;
}

void gate6_set_link(struct gate *gate, const struct net_link *link)
{
	static const struct in6_addr link_local = { .s6_addr = { 0xfe, 0x80 } };

	gate->local6[SCOPE_LINK] = gate->local6[SCOPE_PREFIX] = in6addr_any;
	if (!link || link->local_id == 0)
		return;
	if (gate->local_id_before != 0 && (gate->local_id_before != link->local_id || gate->peer_id_before != link->remote_id))
		gate_end_family(gate, true);
	gate->local_id_before = link->local_id;
	gate->peer_id_before = link->remote_id;
	gate->local6[SCOPE_LINK] = with_identifier(link_local, link->local_id);
	gate->local6[SCOPE_PREFIX] = with_identifier(prefix, link->local_id);
	gate->peer6 = with_identifier(link_local, link->remote_id);
	guard_set_local6(gate->guard, &gate->local6[SCOPE_LINK]);
}

bool gate6_is_world(struct gate *gate, const struct in6_addr *addr)
{
	return memcmp(addr, &prefix, 6) != 0 && policy_world6(gate->policy, addr, true);
}

bool gate6_has_resolver(const struct gate *gate)
{
	struct in6_addr addr;

	return gate_find_service(gate, IPPROTO_UDP, 53) || (!gate->net.restrict_peer && policy_resolver(gate->policy, &addr));
}

/* Past a proxy that is to see all, nothing goes to the world. */
static bool find_world(struct gate *gate, struct flow_opening *how, enum net_refusal *why)
{
	bool proxied = gate->proxy_port != 0 && how->outer.protocol == IPPROTO_TCP;

	*why = REFUSED_FORBIDDEN;
	if (gate->net.restrict_peer || proxied || !gate6_is_world(gate, &how->outer.far.addr))
		return false;
	how->kind = FLOW_WORLD;
	how->group = &gate->kinds[FLOW_WORLD];
	return true;
}

static bool find_resolver(const struct gate *gate, struct flow_opening *how)
{
	if (how->outer.far.port != 53 || gate->net.restrict_peer || !policy_resolver(gate->policy, &how->inner.far.addr))
		return false;
	how->kind = FLOW_DNS;
	return true;
}

bool gate6_find_place(struct gate *gate, struct flow_opening *how, enum net_refusal *why)
{
	const struct flow_end *far = &how->outer.far;
	struct door *door = gate_find_service(gate, how->outer.protocol, far->port);

	if (!gate6_is_local(gate, &far->addr))
		return find_world(gate, how, why);
	*why = REFUSED_NO_SERVICE;
	how->kind = FLOW_SERVICE;
	if (door)
		how->inner.far = gate_service_place(&door->service);
	else if (!find_resolver(gate, how) && !gate->net.host_loopback)
		return false;
	else if (how->kind == FLOW_SERVICE)
		how->inner.far = flow_end_v4(INADDR_LOOPBACK, far->port);
	how->group = door ? &door->group : &gate->kinds[how->kind];
	return true;
}

/* The peer, or a router behind it, says that a connection that we open cannot be. */
static void heed_error(struct gate *gate, const struct packet *p)
{
	struct packet quoted;
	struct flow_name name;

	if (p->icmp_type != ICMP6_UNREACHABLE || !packet_quoted6(p, &quoted) || !gate6_is_local(gate, &quoted.src6) ||
	    !flow_name_of(&quoted, false, &name))
		return;
	struct flow *f = flow_find(gate->flows, FLOW_OUTER, &name);
	if (!f || f->by_peer || f->state != FLOW_OPENING)
		return;
	gate_tell_watch(f, ANSWER_UNREACHABLE);
	flow_end(gate->flows, f, RESET_SLIRP);
}

static bool is_to_world(const struct gate *gate, const struct packet *p)
{
	return !gate6_is_local(gate, &p->dst6) && !IN6_IS_ADDR_MULTICAST(&p->dst6);
}

/* A ping to the world is the one message that is refused; what is not meant for a router is nobody's fault. */
static enum gate_verdict icmp_packet(struct gate *gate, struct packet *p)
{
	if (packet_is_icmp_error(p)) {
		heed_error(gate, p);
		return gate_drop(&gate->counters.ignored);
	}
	if (p->icmp_type == ICMP6_ECHO_ASK && is_to_world(gate, p))
		return gate6_is_peer(gate, &p->src6) ? gate_refuse(gate, p, REFUSED_FORBIDDEN) : gate_drop(&gate->counters.spoofed);
	return gate6_answer_icmp(gate, p);
}

enum gate_verdict gate6_from_peer(struct gate *gate, uint8_t *data, size_t len, struct packet *p)
{
	struct flow_name outer;

	if (!gate6_is_up(gate))
		return GATE_DROP;
	if (!packet_parse6(p, data, len))
		return gate_drop(&gate->counters.malformed);
	if (packet_is_fragment(p))
		return gate_drop(&gate->counters.fragments);
	if (p->protocol == IPPROTO_ICMPV6)
		return icmp_packet(gate, p);
	if (IN6_IS_ADDR_MULTICAST(&p->dst6)) {
		guard_refuse_quietly(gate->guard, p, REFUSED_FORBIDDEN, 0, gate->answer_buffer);
		return GATE_DROP;
	}
	if (flow_name_of(p, true, &outer))
		return gate_flow_packet(gate, p, &outer);
	return gate6_is_peer(gate, &p->src6) ? gate_refuse(gate, p, REFUSED_PROTOCOL) : gate_drop(&gate->counters.spoofed);
}

/* libslirp's name for a client on ::1; by UDP it can only be answered under its own. */
static bool inner_name(const struct packet *p, struct flow_name *name)
{
	if (!flow_name_of(p, false, name))
		return false;
	if (p->protocol == IPPROTO_UDP && IN6_ARE_ADDR_EQUAL(&p->src6, &inner_host))
		name->far.addr = in6addr_loopback;
	return true;
}

/* Gives HOW's client a port of our address that nobody else uses towards that end of the peer's. */
static bool find_port(struct gate *gate, struct flow_opening *how)
{
	for (unsigned tries = 0; tries < PORT_TRIES; tries++) {
		struct flow *old = flow_find(gate->flows, FLOW_OUTER, &how->outer);

		if (old && old->state == FLOW_CLOSED) {
			flow_remove(gate->flows, old);
			old = NULL;
		}
		if (!old && how->outer.far.port != 0)
			return true;
		how->outer.far.port = gate_next_port(how->outer.far.port);
	}
	return false;
}

/* The flow of a client, which P opens. */
static struct flow *open_client(struct gate *gate, const struct packet *p, const struct flow_name *inner)
{
	bool tcp = p->protocol == IPPROTO_TCP;
	struct watch *watch = tcp ? gate_find_watch(gate, &inner->peer) : NULL;
	struct door *door = watch ? NULL : gate_find_forward6(gate, p->protocol, &inner->peer);
	enum flow_kind kind = watch ? gate_watch_kind(watch) : FLOW_FORWARD;
	struct flow_opening how = { .outer = *inner, .inner = *inner, .kind = kind, .group = door ? &door->group : &gate->kinds[kind] };

	if (!watch && !door)
		return NULL;
	how.outer.far.addr = *gate6_local_for(gate, &inner->peer.addr);
	struct flow *f = find_port(gate, &how) ? flow_add(gate->flows, &how) : NULL;
	if (watch)
		gate_set_watch(f, watch);
	return f;
}

static struct flow *find_flow(struct gate *gate, const struct packet *p)
{
	struct flow_name inner;

	if (!inner_name(p, &inner))
		return NULL;
	struct flow *f = flow_find(gate->flows, FLOW_INNER, &inner);
	bool opens = p->protocol == IPPROTO_UDP || packet_opens_tcp(p);
	if (f && f->state == FLOW_CLOSED && packet_opens_tcp(p)) {
		flow_remove(gate->flows, f);
		f = NULL;
	}
	return f || !opens ? f : open_client(gate, p, &inner);
}

/* Where a socket cannot be made or connected at once (this machine has no route for IPv6), libslirp 4.7 ends a connection that it has never
 * accepted: the peer would wait for nothing. */
static bool is_end_before_beginning(const struct flow *f, const struct packet *p)
{
	return p->protocol == IPPROTO_TCP && f->by_peer && f->state == FLOW_OPENING && !(p->tcp_flags & (TCP_SYN | TCP_RST));
}

static void make_reset(struct packet *p)
{
	struct writer w = writer_new(p->data + p->header + TCP_FLAGS, 1);

	p->tcp_flags = TCP_RST | TCP_ACK;
	writer_u8(&w, p->tcp_flags);
	packet_complete_checksum(p);
}

static bool map_flow(struct gate *gate, struct packet *p)
{
	struct flow *f = find_flow(gate, p);

	if (!f || f->resets)
		return false;
	const struct flow_name *outer = &f->name[FLOW_OUTER];
	if (is_end_before_beginning(f, p))
		make_reset(p);
	flow_touch(gate->flows, f, p, false);
	if (p->protocol == IPPROTO_TCP)
		gate_note_backlog(gate, f, p);
	packet_set_source6(p, &outer->far.addr, outer->far.port);
	packet_set_destination6(p, &outer->peer.addr, outer->peer.port);
	return true;
}

/* It says that what the peer sent cannot be delivered: in our name, whoever said so. */
static bool map_error(struct gate *gate, struct packet *p)
{
	struct packet quoted;
	struct flow_name inner;

	if (!packet_quoted6(p, &quoted) || !flow_name_of(&quoted, true, &inner))
		return false;
	struct flow *f = flow_find(gate->flows, FLOW_INNER, &inner);
	if (!f)
		return false;
	const struct flow_name *outer = &f->name[FLOW_OUTER];
	packet_set_source6(&quoted, &outer->peer.addr, outer->peer.port);
	packet_set_destination6(&quoted, &outer->far.addr, outer->far.port);
	packet_set_source6(p, gate6_local_for(gate, &outer->peer.addr), 0);
	packet_set_destination6(p, &outer->peer.addr, 0);
	packet_fix_icmp(p);
	if (f->state == FLOW_OPENING)
		flow_close(gate->flows, f);
	return true;
}

bool gate6_to_peer(struct gate *gate, uint8_t *data, size_t len, struct packet *p)
{
	if (!gate6_is_up(gate) || !packet_parse6(p, data, len) || packet_is_fragment(p))
		return false;
	if (!(packet_is_icmp_error(p) ? map_error(gate, p) : map_flow(gate, p)))
		return false;
	packet_clamp_mss(p, gate_mss_for(gate->config->lcp.mru) - (IPV6_HEADER - IPV4_HEADER));
	return true;
}
