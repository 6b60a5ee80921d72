/* Flows, access lists and limits in front of the tun backend; see tun_guard.h. tun.c calls it for every packet.
 *
 * The kernel keeps the connections, so an entry that is lost costs nothing but its numbers: TCP in the middle of a connection passes
 * without one. The peer may be a router with many hosts behind it, as pppd's peers often are: max-flows binds only where it was set to
 * something else than the default, and the table forgets what was silent longest. */
#include "net/tun_guard.h"

#include <glib.h>
#include <string.h>

#include "net/flow.h"
#include "net/guard.h"

struct tun_guard {
	struct net_config net;
	struct guard *guard;
	struct flow_table *flows;
	struct flow_group group;
	struct net_counters counters;
	uint32_t local;
	uint8_t answer[REPLY6_MAX];
};

struct tun_guard *tun_guard_new(const struct net_config *net, struct clock *clock, uint32_t seed)
{
	struct tun_guard *t = g_new0(struct tun_guard, 1);
	const struct flow_table_options options = { .recycles = true };

	net_config_copy(&t->net, net);
	t->guard = guard_new(&t->net, clock);
	t->flows = flow_table_new(clock, seed, &options);
	flow_group_init(t->flows, &t->group, 0);
	return t;
}

void tun_guard_free(struct tun_guard *t)
{
	if (!t)
		return;
	guard_free(t->guard);
	flow_table_free(t->flows);
	net_config_clear(&t->net);
	g_free(t);
}

void tun_guard_set_local(struct tun_guard *t, uint32_t local, uint64_t identifier)
{
	struct in6_addr local6 = { .s6_addr = { 0xfe, 0x80 } };

	for (unsigned i = 0; i < 8; i++)
		local6.s6_addr[15 - i] = (uint8_t)(identifier >> 8 * i);
	guard_set_local6(t->guard, &local6);
	t->local = local;
}

static bool has_room(const struct tun_guard *t)
{
	const struct flow_counts *n = flow_counts(t->flows);

	return t->net.max_flows == 0 || t->net.max_flows == CONFIG_MAX_FLOWS || n->by_peer[FLOW_WORLD] < t->net.max_flows;
}

static bool permits(const struct tun_guard *t, const struct packet *p)
{
	if (p->v6)
		return guard_permits6(t->guard, &p->src6, p->sport, &p->dst6, p->dport);
	return guard_permits(t->guard, p->src, p->sport, p->dst, p->dport);
}

static bool may_pass(struct tun_guard *t, const struct packet *p, enum net_refusal *why)
{
	*why = REFUSED_LOCKOUT;
	if (guard_locked(t->guard))
		return false;
	*why = REFUSED_ACCESS;
	if (!permits(t, p))
		return false;
	*why = REFUSED_MAX_FLOWS;
	if (!has_room(t))
		return false;
	*why = REFUSED_RATE;
	return guard_take(t->guard);
}

static bool drop(uint64_t *counter)
{
	++*counter;
	return false;
}

static bool refuse(struct tun_guard *t, const struct packet *p, enum net_refusal why, size_t *len)
{
	*len = guard_refuse(t->guard, p, why, t->local, t->answer);
	return false;
}

static struct flow *open_flow(struct tun_guard *t, const struct flow_name *name, bool by_peer)
{
	const struct flow_opening how = { .outer = *name, .inner = *name, .kind = FLOW_WORLD, .group = &t->group, .by_peer = by_peer };

	return flow_add(t->flows, &how);
}

static bool opens(const struct packet *p)
{
	return p->protocol == IPPROTO_TCP ? packet_opens_tcp(p) : p->protocol == IPPROTO_UDP || p->icmp_type == ICMP_ECHO_REQUEST;
}

static struct flow *find_flow(struct tun_guard *t, const struct packet *p, const struct flow_name *name)
{
	struct flow *f = flow_find(t->flows, FLOW_OUTER, name);

	if (!f || f->state != FLOW_CLOSED || !packet_opens_tcp(p))
		return f;
	flow_remove(t->flows, f);
	return NULL;
}

static bool flow_packet(struct tun_guard *t, const struct packet *p, const struct flow_name *name, size_t *len)
{
	struct flow *f = find_flow(t, p, name);
	enum net_refusal why;

	if (!f && opens(p)) {
		if (!may_pass(t, p, &why))
			return refuse(t, p, why, len);
		f = open_flow(t, name, true);
	}
	if (f && f->resets)
		return drop(&t->counters.ignored);
	if (f)
		flow_touch(t->flows, f, p, true);
	return true;
}

/* Neither TCP, UDP nor ping: it has no flow, and is judged each time. ICMP's other messages belong to flows of all kinds. */
static bool other_packet(struct tun_guard *t, const struct packet *p, size_t *len)
{
	bool permitted = p->protocol == (p->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) || permits(t, p);

	if (permitted)
		return true;
	return p->offset == 0 ? refuse(t, p, REFUSED_ACCESS, len) : drop(&t->counters.fragments);
}

/* Whether its ports are not to be seen: behind RFC 8200's extension headers nothing is read. */
static bool hides_ports(const struct packet *p)
{
	static const uint8_t extensions[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_AH, IPPROTO_DSTOPTS, IPPROTO_MH, 139, 140, 253, 254 };

	if (packet_is_fragment(p))
		return true;
	return p->v6 && memchr(extensions, p->protocol, sizeof(extensions)) != NULL;
}

bool tun_guard_from_peer(struct tun_guard *t, uint8_t *data, size_t len, struct packet *p, const uint8_t **answer, size_t *answer_len)
{
	struct flow_name name;

	*answer = t->answer;
	*answer_len = 0;
	if (!(len > 0 && data[0] >> 4 == 6 ? packet_parse6(p, data, len) : packet_parse(p, data, len)))
		return drop(&t->counters.malformed);
	if (p->v6 ? IN6_IS_ADDR_LOOPBACK(&p->src6) || IN6_IS_ADDR_V4MAPPED(&p->src6) : p->src >> 24 == IN_LOOPBACKNET)
		return drop(&t->counters.spoofed);
	if (hides_ports(p) && guard_needs_ports(t->guard))
		return drop(&t->counters.fragments);
	return flow_name_of(p, true, &name) ? flow_packet(t, p, &name, answer_len) : other_packet(t, p, answer_len);
}

void tun_guard_to_peer(struct tun_guard *t, const struct packet *p)
{
	struct flow_name name;

	if (!flow_name_of(p, false, &name))
		return;
	struct flow *f = find_flow(t, p, &name);
	if (!f && opens(p))
		f = open_flow(t, &name, false);
	if (f)
		flow_touch(t->flows, f, p, false);
}

void tun_guard_counters(const struct tun_guard *t, struct net_counters *counters)
{
	*counters = t->counters;
	counters->flows = flow_counts(t->flows)->all;
	counters->flows_opened = flow_counts(t->flows)->opened;
	guard_count(t->guard, counters);
}

void tun_guard_flows(const struct tun_guard *t, net_flow_fn *fn, void *arg)
{
	for (const struct flow *f = flow_next(t->flows, NULL); f; f = flow_next(t->flows, f)) {
		struct net_flow told;

		flow_describe(t->flows, f, &told);
		fn(arg, &told);
	}
}

bool tun_guard_drop_flow(struct tun_guard *t, uint64_t id)
{
	struct flow *f = flow_next(t->flows, NULL);

	while (f && f->id != id)
		f = flow_next(t->flows, f);
	if (!f)
		return false;
	flow_end(t->flows, f, RESET_FAR | RESET_PEER);
	return true;
}

static bool is_allowed(const struct tun_guard *t, const struct flow *f)
{
	const struct flow_end *peer = &f->name[FLOW_OUTER].peer, *far = &f->name[FLOW_OUTER].far;
	bool icmp = f->name[FLOW_OUTER].protocol == IPPROTO_ICMP;

	return !f->by_peer || guard_permits6(t->guard, &peer->addr, icmp ? 0 : peer->port, &far->addr, far->port);
}

void tun_guard_configure(struct tun_guard *t, const struct net_config *net)
{
	struct net_config old = t->net;

	net_config_copy(&t->net, net);
	net_config_clear(&old);
	guard_reconfigured(t->guard);
	for (struct flow *f = flow_next(t->flows, NULL); f; f = flow_next(t->flows, f))
		if (!is_allowed(t, f))
			flow_end(t->flows, f, RESET_FAR | RESET_PEER);
}

size_t tun_guard_next_reset(struct tun_guard *t, uint8_t *buf, bool *to_peer)
{
	unsigned which;
	const struct flow *f = flow_next_ending(t->flows, &which);

	if (!f)
		return 0;
	*to_peer = which == RESET_PEER;
	const struct reset reset = flow_reset(f, *to_peer ? SIDE_PEER : SIDE_FAR);
	return reply_reset(buf, &reset);
}
