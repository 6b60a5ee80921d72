/* The gate's services and forwards, what they had, and what is told of flows; see gate.h. slirp.c calls this when the configuration
 * changes and when somebody asks. */
#include "net/gate_internal.h"

static bool same_service(const struct service *a, const struct service *b)
{
	return a->protocol == b->protocol && a->port == b->port && a->host == b->host && a->host_port == b->host_port &&
	       IN6_ARE_ADDR_EQUAL(&a->host6, &b->host6);
}

static struct door *find_door(const GPtrArray *doors, const struct service *s)
{
	for (guint i = 0; i < doors->len; i++) {
		struct door *door = g_ptr_array_index(doors, i);

		if (same_service(&door->service, s))
			return door;
	}
	return NULL;
}

static void list_door(struct gate *gate, GPtrArray *doors, const struct service *s)
{
	struct door *door = find_door(doors, s);

	if (!door) {
		door = g_new0(struct door, 1);
		flow_group_init(gate->flows, &door->group, s->idle * CLOCK_SECOND);
		g_ptr_array_add(doors, door);
	}
	flow_group_set_idle(gate->flows, &door->group, s->idle * CLOCK_SECOND);
	door->service = *s;
	door->listed = true;
}

static void remove_unlisted(struct gate *gate, GPtrArray *doors, enum flow_kind kind)
{
	for (guint i = doors->len; i-- > 0;) {
		struct door *door = g_ptr_array_index(doors, i);

		if (!door->listed) {
			flow_group_end(gate->flows, &door->group, &gate->kinds[kind]);
			g_ptr_array_remove_index(doors, i);
		} else {
			door->listed = false;
		}
	}
}

/* A forward as the service that it is at the other side. */
static struct service as_service(const struct forward *f)
{
	return (struct service){ .protocol = f->protocol, .host = f->host, .host_port = f->host_port, .host6 = f->host6 };
}

static void list_doors(struct gate *gate)
{
	for (guint i = 0; i < gate->net.services->len; i++)
		list_door(gate, gate->services, &g_array_index(gate->net.services, struct service, i));
	for (guint i = 0; i < gate->net.forwards->len; i++) {
		struct service s = as_service(&g_array_index(gate->net.forwards, struct forward, i));

		list_door(gate, gate->forwards, &s);
	}
	remove_unlisted(gate, gate->services, FLOW_SERVICE);
	remove_unlisted(gate, gate->forwards, FLOW_FORWARD);
}

void gate_init_doors(struct gate *gate)
{
	for (unsigned i = 0; i < FLOW_KINDS; i++)
		flow_group_init(gate->flows, &gate->kinds[i], 0);
	gate->services = g_ptr_array_new_with_free_func(g_free);
	gate->forwards = g_ptr_array_new_with_free_func(g_free);
	list_doors(gate);
}

void gate_free_doors(struct gate *gate)
{
	g_ptr_array_free(gate->services, TRUE);
	g_ptr_array_free(gate->forwards, TRUE);
}

struct door *gate_find_service(const struct gate *gate, uint8_t protocol, uint16_t port)
{
	for (guint i = 0; i < gate->services->len; i++) {
		struct door *door = g_ptr_array_index(gate->services, i);

		if (door->service.protocol == protocol && door->service.port == port)
			return door;
	}
	return NULL;
}

struct door *gate_find_forward(const struct gate *gate, uint8_t protocol, uint32_t host, uint16_t port)
{
	const struct service s = { .protocol = protocol, .host = host == GATE_PEER ? 0 : host, .host_port = port };

	return find_door(gate->forwards, &s);
}

struct door *gate_find_forward6(const struct gate *gate, uint8_t protocol, const struct flow_end *to)
{
	const struct service s = { .protocol = protocol, .host_port = to->port, .host6 = to->addr };

	return find_door(gate->forwards, &s);
}

struct flow_end gate_service_place(const struct service *s)
{
	if (IN6_IS_ADDR_UNSPECIFIED(&s->host6))
		return flow_end_v4(s->host, s->host_port);
	return (struct flow_end){ .addr = s->host6, .port = s->host_port };
}

unsigned gate_service_max(const struct gate *gate, const struct flow_group *group)
{
	unsigned max = gate->net.max_flows_per_service;

	for (guint i = 0; i < gate->services->len; i++) {
		const struct door *door = g_ptr_array_index(gate->services, i);

		if (&door->group == group && door->service.max != 0)
			max = door->service.max;
	}
	return max != 0 ? max : FLOW_TABLE_SIZE;
}

static bool permits(const struct gate *gate, const struct flow *f)
{
	const struct flow_name *name = &f->name[FLOW_OUTER];

	if (flow_is_v6(f))
		return guard_permits6(gate->guard, &name->peer.addr, name->peer.port, &name->far.addr, name->far.port);
	return guard_permits(gate->guard, gate->link.remote, name->protocol == IPPROTO_ICMP ? 0 : name->peer.port,
			     gate_real_address(gate, flow_v4(&name->far.addr)), name->far.port);
}

static bool peers_flow_allowed(struct gate *gate, const struct flow *f)
{
	const struct flow_name *name = &f->name[FLOW_OUTER];
	struct flow_opening how = { .outer = *name };
	enum net_refusal why;
	const struct flow_end *now = &how.inner.far, *then = &f->name[FLOW_INNER].far;

	if (!gate_find_place(gate, &how, &why) || how.kind != f->kind)
		return false;
	return now->port == then->port && IN6_ARE_ADDR_EQUAL(&now->addr, &then->addr) && permits(gate, f);
}

static bool is_allowed(struct gate *gate, const struct flow *f)
{
	const struct flow_end *inner = &f->name[FLOW_INNER].peer;

	if (f->by_peer)
		return peers_flow_allowed(gate, f);
	if (f->kind == FLOW_FORWARD && flow_is_v6(f))
		return gate_find_forward6(gate, f->name[FLOW_INNER].protocol, inner) != NULL;
	return f->kind != FLOW_FORWARD || gate_find_forward(gate, f->name[FLOW_INNER].protocol, flow_v4(&inner->addr), inner->port);
}

void gate_configure(struct gate *gate, const struct net_config *config)
{
	struct net_config old = gate->net;

	net_config_copy(&gate->net, config);
	net_config_clear(&old);
	list_doors(gate);
	guard_reconfigured(gate->guard);
	for (struct flow *f = flow_next(gate->flows, NULL); f; f = flow_next(gate->flows, f))
		if (!is_allowed(gate, f))
			flow_end(gate->flows, f, RESET_SLIRP | RESET_PEER);
}

void gate_set_proxy(struct gate *gate, uint16_t port)
{
	gate->proxy_port = port;
}

bool gate_drop_flow(struct gate *gate, uint64_t id)
{
	struct flow *f = flow_next(gate->flows, NULL);

	while (f && f->id != id)
		f = flow_next(gate->flows, f);
	if (!f)
		return false;
	if (f->kind == FLOW_WORLD && f->name[FLOW_INNER].protocol == IPPROTO_UDP)
		gate_set_udp_world(gate, f->name[FLOW_INNER].peer.port, false);
	flow_end(gate->flows, f, RESET_SLIRP | RESET_PEER);
	return true;
}

void gate_counters(const struct gate *gate, struct net_counters *counters)
{
	*counters = gate->counters;
	counters->flows = flow_counts(gate->flows)->all;
	counters->flows_opened = flow_counts(gate->flows)->opened;
	guard_count(gate->guard, counters);
}

/* The end of a flow under its true address. */
static void tell_end(const struct gate *gate, const struct flow_end *end, struct net_address *told)
{
	const struct flow_end real = flow_end_v4(gate_real_address(gate, flow_v4(&end->addr)), end->port);

	flow_describe_end(flow_v4(&end->addr) == 0 ? end : &real, told);
}

void gate_flows(const struct gate *gate, net_flow_fn *fn, void *arg)
{
	for (const struct flow *f = flow_next(gate->flows, NULL); f; f = flow_next(gate->flows, f)) {
		struct net_flow told;
		struct flow_end real = f->name[FLOW_INNER].far;

		flow_describe(gate->flows, f, &told);
		tell_end(gate, &f->name[FLOW_OUTER].peer, &told.peer);
		tell_end(gate, &f->name[FLOW_OUTER].far, &told.far);
		/* So libslirp shows clients on this machine. */
		if (!f->by_peer && !f->ours && flow_v4(&real.addr) == GATE_HOST)
			real.addr = flow_address(INADDR_LOOPBACK);
		tell_end(gate, &real, &told.real);
		fn(arg, &told);
	}
}

static void add_group(const struct flow_group *group, struct net_door *door)
{
	door->flows += group->flows;
	door->opened += group->opened;
	door->refused += group->refused;
	door->bytes_in += group->bytes_in;
	door->bytes_out += group->bytes_out;
}

/* As the option is written, without the name. */
static void write_spec(const struct service *s, char *spec, size_t size)
{
	struct net_address host;
	struct flow_end place = gate_service_place(s);
	bool v6 = flow_v4(&place.addr) == 0;
	GString *text = g_string_new(s->protocol == CONFIG_UDP ? "udp:" : "");

	flow_describe_end(&place, &host);
	g_string_append_printf(text, "%u", s->port);
	if (v6 || s->host != INADDR_LOOPBACK || s->host_port != s->port)
		g_string_append_printf(text, v6 ? ":[%s]:%u" : ":%s:%u", host.host, host.port);
	if (s->max != 0)
		g_string_append_printf(text, ",max=%u", s->max);
	if (s->idle != 0)
		g_string_append_printf(text, ",idle=%u", s->idle);
	g_strlcpy(spec, text->str, size);
	g_string_free(text, TRUE);
}

void gate_services(const struct gate *gate, net_door_fn *fn, void *arg)
{
	for (guint i = 0; i < gate->services->len; i++) {
		const struct door *door = g_ptr_array_index(gate->services, i);
		struct net_door told = { .flows = 0 };

		write_spec(&door->service, told.spec, sizeof(told.spec));
		g_strlcpy(told.name, door->service.name, sizeof(told.name));
		add_group(&door->group, &told);
		fn(arg, &told);
	}
}

void gate_count_forward(const struct gate *gate, const struct forward *forward, struct net_door *door)
{
	const struct service s = as_service(forward);
	const struct door *found = find_door(gate->forwards, &s);

	if (found)
		add_group(&found->group, door);
}

void gate_count_kind(const struct gate *gate, enum flow_kind kind, struct net_door *door)
{
	add_group(&gate->kinds[kind], door);
}
