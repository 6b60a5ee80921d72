/* What we ourselves send into the link: TCP connections whose answer somebody waits for, and UDP ports of our own; see gate.h.
 * slirp_dialer.c calls this. */
#include "net/gate_internal.h"
#include "writer.h"

#define TTL 64

struct watch {
	struct gate *gate;
	uint64_t id;
	struct flow_end to; /* canonical */
	enum flow_kind kind;
	gate_answer_fn *fn;
	void *arg;
	struct flow *flow; /* NULL: the connection is still to come */
};

void gate_init_own(struct gate *gate)
{
	g_queue_init(&gate->watches);
	gate->watches_by_id = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	gate->own_ports = g_hash_table_new(NULL, NULL);
}

void gate_free_own(struct gate *gate)
{
	g_queue_clear(&gate->watches);
	g_hash_table_destroy(gate->watches_by_id);
	g_hash_table_destroy(gate->own_ports);
}

uint64_t gate_watch(struct gate *gate, uint32_t addr, uint16_t port, enum flow_kind kind, gate_answer_fn *fn, void *arg)
{
	const struct flow_end to = flow_end_v4(gate_canonical_peer(gate, addr), port);

	return gate_watch_end(gate, &to, kind, fn, arg);
}

uint64_t gate_watch_end(struct gate *gate, const struct flow_end *to, enum flow_kind kind, gate_answer_fn *fn, void *arg)
{
	struct watch *w = g_new(struct watch, 1);

	*w = (struct watch){ gate, ++gate->last_watch, *to, kind, fn, arg, NULL };
	g_queue_push_tail(&gate->watches, w);
	g_hash_table_insert(gate->watches_by_id, &w->id, w);
	return w->id;
}

static void forget(struct watch *w)
{
	if (w->flow)
		w->flow->watch = NULL;
	else
		g_queue_remove(&w->gate->watches, w);
	g_hash_table_remove(w->gate->watches_by_id, &w->id);
}

void gate_unwatch(struct gate *gate, uint64_t watch)
{
	struct watch *w = g_hash_table_lookup(gate->watches_by_id, &watch);

	if (w)
		forget(w);
}

static void tell(struct watch *w, enum gate_outcome outcome)
{
	gate_answer_fn *fn = w->fn;
	void *arg = w->arg;

	forget(w);
	fn(arg, outcome);
}

struct watch *gate_find_watch(const struct gate *gate, const struct flow_end *to)
{
	for (const GList *i = gate->watches.head; i; i = i->next) {
		struct watch *w = i->data;

		if (w->to.port == to->port && IN6_ARE_ADDR_EQUAL(&w->to.addr, &to->addr))
			return w;
	}
	return NULL;
}

enum flow_kind gate_watch_kind(const struct watch *watch)
{
	return watch->kind;
}

void gate_set_watch(struct flow *f, struct watch *watch)
{
	if (!f) {
		tell(watch, ANSWER_NONE);
		return;
	}
	g_queue_remove(&watch->gate->watches, watch);
	watch->flow = f;
	f->watch = watch;
}

void gate_tell_watch(struct flow *f, enum gate_outcome outcome)
{
	if (f->watch)
		tell(f->watch, outcome);
}

void gate_end_watches(struct gate *gate)
{
	GHashTableIter i;
	void *watch;

	for (g_hash_table_iter_init(&i, gate->watches_by_id); g_hash_table_iter_next(&i, NULL, &watch);
	     g_hash_table_iter_init(&i, gate->watches_by_id))
		tell(watch, ANSWER_NONE);
}

bool gate_is_own_port(const struct gate *gate, uint16_t port)
{
	return g_hash_table_contains(gate->own_ports, GUINT_TO_POINTER(port));
}

uint16_t gate_own_port(struct gate *gate, enum flow_kind kind)
{
	uint16_t port = (uint16_t)g_random_int_range(EPHEMERAL, UINT16_MAX);

	for (unsigned tries = 0; tries < PORT_TRIES; tries++) {
		if (!gate_is_own_port(gate, port) && !gate_find_service(gate, IPPROTO_UDP, port)) {
			g_hash_table_insert(gate->own_ports, GUINT_TO_POINTER(port), GUINT_TO_POINTER(kind));
			return port;
		}
		port = gate_next_port(port);
	}
	return 0;
}

void gate_release_port(struct gate *gate, uint16_t port)
{
	if (!g_hash_table_remove(gate->own_ports, GUINT_TO_POINTER(port)))
		return;
	for (struct flow *f = flow_next(gate->flows, NULL); f; f = flow_next(gate->flows, f))
		if (f->ours && f->name[FLOW_OUTER].far.port == port)
			flow_remove(gate->flows, f);
}

/* The inner name, which a flow of ours does not need, leaves the other's port open: hosts answer from other ports, too. */
static struct flow_name any_port(const struct flow_name *outer)
{
	struct flow_name name = *outer;

	name.peer.port = 0;
	return name;
}

struct flow *gate_find_own(struct gate *gate, const struct flow_name *outer)
{
	struct flow_name name = any_port(outer);

	if (flow_v4(&outer->far.addr) != GATE_HOST || !gate_is_own_port(gate, outer->far.port))
		return NULL;
	struct flow *f = flow_find(gate->flows, FLOW_INNER, &name);
	return f && f->ours ? f : NULL;
}

static struct flow *own_flow(struct gate *gate, const struct flow_name *outer)
{
	void *kind = g_hash_table_lookup(gate->own_ports, GUINT_TO_POINTER(outer->far.port));
	struct flow_opening how = { .outer = *outer, .inner = any_port(outer), .kind = GPOINTER_TO_UINT(kind) };
	struct flow *f = flow_find(gate->flows, FLOW_OUTER, outer);

	if (f)
		return f->ours ? f : NULL;
	how.group = &gate->kinds[how.kind];
	f = flow_add(gate->flows, &how);
	if (f)
		f->ours = true;
	return f;
}

static bool write_datagram(struct packet *p, uint8_t *buf, size_t total, const struct flow_end ends[2], const uint8_t *data, size_t len)
{
	struct writer w = writer_new(buf, total);

	writer_u16(&w, 0x4500);
	writer_u16(&w, (uint16_t)total);
	writer_u32(&w, 0);
	writer_u8(&w, TTL);
	writer_u8(&w, IPPROTO_UDP);
	writer_u16(&w, 0);
	writer_u32(&w, flow_v4(&ends[0].addr));
	writer_u32(&w, flow_v4(&ends[1].addr));
	writer_u16(&w, ends[0].port);
	writer_u16(&w, ends[1].port);
	writer_u16(&w, (uint16_t)(len + UDP_HEADER));
	writer_u16(&w, 0);
	writer_bytes(&w, data, len);
	if (!writer_ok(&w) || !packet_parse(p, buf, total))
		return false;
	packet_complete_header(buf, IPV4_HEADER);
	packet_complete_checksum(p);
	return true;
}

size_t gate_own_datagram(struct gate *gate, uint16_t port, uint32_t addr, uint16_t dport, const uint8_t *data, size_t len, uint8_t *buf)
{
	uint32_t canonical = gate_canonical_peer(gate, addr);
	const struct flow_name outer = { flow_end_v4(canonical, dport), flow_end_v4(GATE_HOST, port), IPPROTO_UDP };
	const struct flow_end ends[] = { flow_end_v4(gate->link.local, port), flow_end_v4(gate_real_address(gate, canonical), dport) };
	size_t total = IPV4_HEADER + UDP_HEADER + len;
	struct packet p;

	if (!gate->up || total > gate->link.mtu || gate_is_inner(addr) || addr == gate->link.local || !gate_is_own_port(gate, port))
		return 0;
	struct flow *f = own_flow(gate, &outer);
	if (!f || !write_datagram(&p, buf, total, ends, data, len))
		return 0;
	flow_touch(gate->flows, f, &p, false);
	return total;
}
