/* The table of flows; see flow.h. Both backends call it for every packet. RFC 5382, RFC 4787, RFC 5508.
 *
 * Theory of operation
 *
 * Entries are numbered from 1; 0 is none, so that fresh memory from the system is an empty table. An entry is in two hash chains (one a
 * name) and in one queue: those of one queue have the same time-out, so its oldest is the first to expire, and a packet costs a lookup
 * and a move to the queue's end. One timer is set for the earliest that may expire; packets do not move it. It finds what was used since
 * still alive, and is set anew; without flows it is at rest.
 *
 * The hash is the vector multiply-shift of Dietzfelbinger with secret multipliers: the peer, who chooses names, cannot choose chains. */
#include "net/flow.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

#define BUCKET_BITS 13
#define NAME_WORDS 10

enum queue_name { OF_OPENING, OF_OPEN, OF_LINGERING, OF_CLOSED, OF_UDP, OF_UDP_CLIENTS, OF_ICMP, OF_ENDING, QUEUES };
enum { FINISHED_PEER = 1, FINISHED_FAR = 2, FINISHED_BOTH = 3 };

static const struct {
	uint64_t idle;
	bool makes_room; /* its oldest may be thrown out when the table is full */
} kinds_of_queue[QUEUES] = {
	[OF_OPENING] = { FLOW_OPENING_IDLE, false },
	[OF_OPEN] = { FLOW_OPEN_IDLE, false },
	[OF_LINGERING] = { FLOW_CLOSED_IDLE, false }, /* closed, with a descriptor: without the flow, nobody would count it */
	[OF_CLOSED] = { FLOW_CLOSED_IDLE, true },
	[OF_UDP] = { FLOW_UDP_IDLE, true },
	[OF_UDP_CLIENTS] = { FLOW_UDP_IDLE, false },
	[OF_ICMP] = { FLOW_ICMP_IDLE, true },
	[OF_ENDING] = { 0, false },
};

/* In this order. */
static const enum queue_name room_makers[] = { OF_CLOSED, OF_ICMP, OF_UDP, OF_OPENING, OF_UDP_CLIENTS, OF_OPEN };

struct flow_table {
	struct clock *clock;
	struct flow_table_options options;
	struct timer timer;
	uint64_t multipliers[NAME_WORDS];
	uint64_t last_id;
	struct flow_counts counts;
	unsigned touched; /* entries that ever were in use */
	uint16_t unused;
	struct flow_queue queues[QUEUES];
	struct flow_queue *first_queue;
	uint16_t buckets[2][1u << BUCKET_BITS];
	struct flow entries[FLOW_TABLE_SIZE + 1];
};

static void expire(void *arg);

/* SplitMix64: multipliers from a seed. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void add_queue(struct flow_table *t, struct flow_queue *q, uint64_t idle)
{
	*q = (struct flow_queue){ .idle = idle, .next = t->first_queue };
	t->first_queue = q;
}

struct flow_table *flow_table_new(struct clock *clock, uint32_t seed, const struct flow_table_options *options)
{
	struct flow_table *t = g_malloc0(sizeof(*t));
	uint64_t state = seed;

	t->clock = clock;
	t->options = *options;
	timer_init(&t->timer, clock, expire, t);
	for (unsigned i = 0; i < NAME_WORDS; i++)
		t->multipliers[i] = next_random(&state);
	for (unsigned i = 0; i < QUEUES; i++)
		add_queue(t, &t->queues[i], i == OF_OPEN && options->resets ? 0 : kinds_of_queue[i].idle);
	return t;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	timer_stop(&t->timer);
	g_free(t);
}

struct in6_addr flow_address(uint32_t v4)
{
	struct in6_addr addr = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
	uint32_t network_order = htonl(v4);

	memcpy(&addr.s6_addr[12], &network_order, sizeof(network_order));
	return addr;
}

uint32_t flow_v4(const struct in6_addr *addr)
{
	uint32_t network_order;

	memcpy(&network_order, &addr->s6_addr[12], sizeof(network_order));
	return IN6_IS_ADDR_V4MAPPED(addr) ? ntohl(network_order) : 0;
}

struct flow_end flow_end_v4(uint32_t addr, uint16_t port)
{
	return (struct flow_end){ .addr = flow_address(addr), .port = port };
}

bool flow_is_v6(const struct flow *f)
{
	return !IN6_IS_ADDR_V4MAPPED(&f->name[FLOW_OUTER].peer.addr);
}

static struct flow_end end_of(const struct packet *p, bool from)
{
	uint16_t port = from ? p->sport : p->dport;

	if (p->v6)
		return (struct flow_end){ .addr = from ? p->src6 : p->dst6, .port = port };
	return flow_end_v4(from ? p->src : p->dst, port);
}

static bool is_echo(const struct packet *p)
{
	return p->icmp_type == ICMP_ECHO_REQUEST || p->icmp_type == ICMP_ECHO_ANSWER;
}

bool flow_name_of(const struct packet *p, bool from_peer, struct flow_name *name)
{
	struct flow_end src = end_of(p, true), dst = end_of(p, false);

	if (p->offset > 0)
		return false;
	if (p->protocol == IPPROTO_ICMP && !p->v6 && is_echo(p))
		*(from_peer ? &src.port : &dst.port) = p->icmp_id;
	else if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP)
		return false;
	*name = (struct flow_name){ from_peer ? src : dst, from_peer ? dst : src, p->protocol };
	return true;
}

static bool same_end(const struct flow_end *a, const struct flow_end *b)
{
	return a->port == b->port && memcmp(&a->addr, &b->addr, sizeof(a->addr)) == 0;
}

static bool same_name(const struct flow_name *a, const struct flow_name *b)
{
	return same_end(&a->peer, &b->peer) && same_end(&a->far, &b->far) && a->protocol == b->protocol;
}

static uint16_t *bucket(struct flow_table *t, enum flow_by by, const struct flow_name *name)
{
	uint32_t words[NAME_WORDS] = { [8] = (uint32_t)name->peer.port << 16 | name->far.port, [9] = name->protocol };
	uint64_t sum = 0;

	memcpy(&words[0], &name->peer.addr, 16);
	memcpy(&words[4], &name->far.addr, 16);
	for (unsigned i = 0; i < NAME_WORDS; i++)
		sum += t->multipliers[i] * words[i];
	return &t->buckets[by][sum >> (64 - BUCKET_BITS)];
}

uint16_t flow_index(const struct flow_table *t, const struct flow *f)
{
	return (uint16_t)(f - t->entries);
}

struct flow *flow_at(const struct flow_table *t, uint16_t index)
{
	return index == 0 ? NULL : (struct flow *)&t->entries[index];
}

struct flow *flow_find(struct flow_table *t, enum flow_by by, const struct flow_name *name)
{
	uint16_t i = *bucket(t, by, name);

	while (i != 0 && !same_name(&t->entries[i].name[by], name))
		i = t->entries[i].chain[by];
	return flow_at(t, i);
}

static void chain_add(struct flow_table *t, enum flow_by by, struct flow *f)
{
	uint16_t *head = bucket(t, by, &f->name[by]);

	f->chain[by] = *head;
	*head = flow_index(t, f);
}

static void chain_remove(struct flow_table *t, enum flow_by by, const struct flow *f)
{
	uint16_t *link = bucket(t, by, &f->name[by]);

	while (*link != flow_index(t, f))
		link = &t->entries[*link].chain[by];
	*link = f->chain[by];
}

static void queue_remove(struct flow_table *t, const struct flow *f)
{
	*(f->newer == 0 ? &f->queue->newest : &t->entries[f->newer].older) = f->older;
	*(f->older == 0 ? &f->queue->oldest : &t->entries[f->older].newer) = f->newer;
	f->queue->length--;
}

static void queue_append(struct flow_table *t, struct flow_queue *q, struct flow *f)
{
	f->queue = q;
	f->newer = 0;
	f->older = q->newest;
	*(q->newest == 0 ? &q->oldest : &t->entries[q->newest].newer) = flow_index(t, f);
	q->newest = flow_index(t, f);
	q->length++;
}

static struct flow_queue *queue_for(struct flow_table *t, const struct flow *f)
{
	struct flow_queue *own = f->group->queue.idle > 0 ? &f->group->queue : NULL;

	if (f->resets)
		return &t->queues[OF_ENDING];
	if (f->state == FLOW_CLOSED)
		return &t->queues[f->fd >= 0 ? OF_LINGERING : OF_CLOSED];
	if (f->state == FLOW_OPENING)
		return &t->queues[OF_OPENING];
	if (own)
		return own;
	switch (f->name[FLOW_OUTER].protocol) {
	case IPPROTO_TCP:
		return &t->queues[OF_OPEN];
	case IPPROTO_UDP:
		return &t->queues[f->by_peer ? OF_UDP : OF_UDP_CLIENTS];
	default:
		return &t->queues[OF_ICMP];
	}
}

static void wake_for(struct flow_table *t, const struct flow_queue *q)
{
	if (q->idle > 0 && (!t->timer.armed || t->timer.due > t->clock->now + q->idle))
		timer_set(&t->timer, q->idle);
}

/* F was used now, and is perhaps something else than before. */
static void requeue(struct flow_table *t, struct flow *f)
{
	struct flow_queue *q = queue_for(t, f);
	bool moved = q != f->queue;

	f->used = t->clock->now;
	if (!moved && f->newer == 0)
		return;
	queue_remove(t, f);
	queue_append(t, q, f);
	if (moved)
		wake_for(t, q);
}

static bool is_ping(const struct flow *f)
{
	return f->by_peer && f->name[FLOW_OUTER].protocol == IPPROTO_ICMP && f->kind == FLOW_WORLD;
}

static void count(struct flow_table *t, const struct flow *f, unsigned by)
{
	t->counts.all += by;
	f->group->flows += by;
	if (f->by_peer)
		t->counts.by_peer[f->kind] += by;
	if (is_ping(f))
		t->counts.pings += by;
}

static bool counts(const struct flow *f)
{
	return !f->ended || f->fd >= 0;
}

static void tell_end(struct flow_table *t, struct flow *f)
{
	if (f->ended)
		return;
	f->ended = true;
	if (!counts(f))
		count(t, f, -1u);
	if (t->options.ended)
		t->options.ended(t->options.arg, f);
}

void flow_set_fd(struct flow_table *t, struct flow *f, int fd)
{
	bool counted = counts(f);

	f->fd = fd;
	if (counts(f) != counted)
		count(t, f, counted ? -1u : 1u);
	if (f->state == FLOW_CLOSED)
		requeue(t, f);
}

void flow_remove(struct flow_table *t, struct flow *f)
{
	tell_end(t, f);
	flow_set_fd(t, f, -1);
	chain_remove(t, FLOW_OUTER, f);
	chain_remove(t, FLOW_INNER, f);
	queue_remove(t, f);
	f->id = 0;
	f->chain[0] = t->unused;
	t->unused = flow_index(t, f);
}

void flow_close(struct flow_table *t, struct flow *f)
{
	f->state = FLOW_CLOSED;
	f->resets = 0;
	requeue(t, f);
	tell_end(t, f);
	if (t->queues[OF_CLOSED].length > FLOW_CLOSED_MAX)
		flow_remove(t, flow_at(t, t->queues[OF_CLOSED].oldest));
}

void flow_end(struct flow_table *t, struct flow *f, unsigned resets)
{
	if (f->name[FLOW_OUTER].protocol != IPPROTO_TCP || f->ours) {
		flow_remove(t, f);
		return;
	}
	if (f->number_is[SIDE_PEER] == NUMBER_UNKNOWN)
		resets &= ~(unsigned)RESET_PEER;
	if (f->number_is[SIDE_FAR] == NUMBER_UNKNOWN)
		resets &= ~(unsigned)RESET_FAR;
	f->resets = (uint8_t)resets;
	if (resets == 0) {
		flow_close(t, f);
		return;
	}
	requeue(t, f);
	tell_end(t, f);
}

struct flow *flow_next_ending(struct flow_table *t, unsigned *reset)
{
	struct flow *f = flow_at(t, t->queues[OF_ENDING].oldest);

	if (!f)
		return NULL;
	*reset = f->resets & -(unsigned)f->resets;
	f->resets &= (uint8_t)~*reset;
	if (f->resets == 0)
		flow_close(t, f);
	return f;
}

struct reset flow_reset(const struct flow *f, enum flow_side side)
{
	const struct flow_end *peer = &f->name[FLOW_OUTER].peer, *far = &f->name[FLOW_OUTER].far;
	const struct flow_end *src = side == SIDE_PEER ? far : peer, *dst = side == SIDE_PEER ? peer : far;
	struct reset reset = { .src = flow_v4(&src->addr), .sport = src->port, .dst = flow_v4(&dst->addr), .dport = dst->port,
			       .v6 = flow_is_v6(f), .src6 = src->addr, .dst6 = dst->addr };
	bool acknowledges = f->number_is[side] == NUMBER_ACKNOWLEDGES;

	reset.flags = acknowledges ? TCP_RST | TCP_ACK : TCP_RST;
	*(acknowledges ? &reset.ack : &reset.seq) = f->number[side];
	return reset;
}

/* A closed one that still has a descriptor was closed by a segment that libslirp did not heed, or waits for a slow host. */
static void time_out(struct flow_table *t, struct flow *f)
{
	if (f->fd >= 0 && flow_is_finished(f))
		requeue(t, f);
	else if (t->options.resets && (f->state != FLOW_CLOSED || f->fd >= 0))
		flow_end(t, f, t->options.resets);
	else
		flow_remove(t, f);
}

static void expire(void *arg)
{
	struct flow_table *t = arg;
	uint64_t next = CLOCK_NEVER;

	for (struct flow_queue *q = t->first_queue; q; q = q->next) {
		struct flow *f;

		while (q->idle > 0 && (f = flow_at(t, q->oldest)) != NULL && t->clock->now - f->used >= q->idle)
			time_out(t, f);
		if (q->idle > 0 && q->oldest != 0)
			next = MIN(next, flow_at(t, q->oldest)->used + q->idle);
	}
	if (next != CLOCK_NEVER)
		timer_set(&t->timer, next - t->clock->now);
}

/* A client's connection may have ended without our seeing it; what is ours begins anew with its next datagram. */
static bool may_go(const struct flow_table *t, enum queue_name name, const struct flow *f)
{
	if (kinds_of_queue[name].makes_room || t->options.recycles || f->ours)
		return true;
	return name == OF_OPEN && !f->by_peer && t->clock->now - f->used >= FLOW_OPEN_IDLE;
}

static bool make_room(struct flow_table *t)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(room_makers); i++) {
		struct flow *f = flow_at(t, t->queues[room_makers[i]].oldest);

		if (f && may_go(t, room_makers[i], f)) {
			flow_remove(t, f);
			return true;
		}
	}
	return false;
}

void flow_recycle_udp(struct flow_table *t)
{
	struct flow *f = flow_at(t, t->queues[OF_UDP].oldest);

	if (f)
		flow_remove(t, f);
}

static struct flow *take_unused(struct flow_table *t)
{
	if (t->unused == 0 && t->touched < FLOW_TABLE_SIZE)
		return &t->entries[++t->touched];
	if (t->unused == 0 && !make_room(t))
		return NULL;
	struct flow *f = &t->entries[t->unused];
	t->unused = f->chain[0];
	return f;
}

struct flow *flow_add(struct flow_table *t, const struct flow_opening *how)
{
	struct flow *f = take_unused(t);
	bool tcp = how->outer.protocol == IPPROTO_TCP;

	if (!f)
		return NULL;
	*f = (struct flow){ .id = ++t->last_id, .opened = t->clock->now, .used = t->clock->now, .name = { how->outer, how->inner },
			    .group = how->group, .kind = (uint8_t)how->kind, .state = tcp ? FLOW_OPENING : FLOW_OPEN,
			    .by_peer = how->by_peer, .fd = -1 };
	chain_add(t, FLOW_OUTER, f);
	chain_add(t, FLOW_INNER, f);
	queue_append(t, queue_for(t, f), f);
	wake_for(t, f->queue);
	count(t, f, 1);
	t->counts.opened++;
	f->group->opened++;
	return f;
}

static void count_packet(struct flow *f, size_t len, bool from_peer)
{
	*(from_peer ? &f->packets_in : &f->packets_out) += 1;
	*(from_peer ? &f->bytes_in : &f->bytes_out) += len;
	*(from_peer ? &f->group->bytes_in : &f->group->bytes_out) += len;
}

/* What the sender of P would have a reset carry (RFC 9293 §3.10.7.3, §3.10.7.4). */
static void note_number(struct flow *f, const struct packet *p, enum flow_side side)
{
	bool opens = packet_opens_tcp(p);

	if (!opens && !(p->tcp_flags & TCP_ACK))
		return;
	f->number[side] = opens ? p->seq + 1 : p->ack;
	f->number_is[side] = opens ? NUMBER_ACKNOWLEDGES : NUMBER_IS_SEQUENCE;
}

static void follow_end(struct flow *f, const struct packet *p, bool from_peer)
{
	if (p->tcp_flags & TCP_FIN)
		f->finished |= from_peer ? FINISHED_PEER : FINISHED_FAR;
	if (p->tcp_flags & TCP_FIN && !from_peer)
		f->far_end = p->seq + (uint32_t)(p->transport_len - p->tcp_header) + 1;
	if (from_peer && f->finished & FINISHED_FAR && p->tcp_flags & TCP_ACK && (int32_t)(p->ack - f->far_end) >= 0)
		f->far_acked = true;
}

bool flow_is_finished(const struct flow *f)
{
	return f->finished == FINISHED_BOTH && f->far_acked;
}

static void follow_tcp(struct flow_table *t, struct flow *f, const struct packet *p, bool from_peer)
{
	const uint8_t answer = TCP_SYN | TCP_ACK;

	note_number(f, p, from_peer ? SIDE_PEER : SIDE_FAR);
	if (f->state == FLOW_OPENING && (p->tcp_flags & answer) == answer && from_peer != f->by_peer)
		f->state = FLOW_OPEN;
	if (f->finished)
		f->state = FLOW_CLOSING;
	if (p->tcp_flags & TCP_RST || f->finished == FINISHED_BOTH)
		flow_close(t, f);
}

void flow_touch(struct flow_table *t, struct flow *f, const struct packet *p, bool from_peer)
{
	count_packet(f, p->len, from_peer);
	if (f->resets)
		return;
	if (p->protocol == IPPROTO_TCP)
		follow_end(f, p, from_peer);
	if (p->protocol == IPPROTO_TCP && f->state != FLOW_CLOSED)
		follow_tcp(t, f, p, from_peer);
	requeue(t, f);
}

struct flow *flow_next(const struct flow_table *t, const struct flow *previous)
{
	for (unsigned i = previous ? flow_index(t, previous) + 1u : 1; i <= t->touched; i++)
		if (t->entries[i].id != 0 && !t->entries[i].ended)
			return flow_at(t, (uint16_t)i);
	return NULL;
}

const struct flow_counts *flow_counts(const struct flow_table *t)
{
	return &t->counts;
}

void flow_group_init(struct flow_table *t, struct flow_group *group, uint64_t idle)
{
	*group = (struct flow_group){ 0 };
	add_queue(t, &group->queue, idle);
}

void flow_group_set_idle(struct flow_table *t, struct flow_group *group, uint64_t idle)
{
	if (group->queue.idle == idle)
		return;
	group->queue.idle = idle;
	for (struct flow *f = flow_next(t, NULL); f; f = flow_next(t, f)) {
		if (f->group != group)
			continue;
		requeue(t, f);
		wake_for(t, f->queue);
	}
}

static void bequeath(struct flow_table *t, struct flow *f, struct flow_group *heir)
{
	if (counts(f)) {
		f->group->flows--;
		heir->flows++;
	}
	bool moves = f->queue == &f->group->queue;
	f->group = heir;
	if (!moves)
		return;
	requeue(t, f);
	wake_for(t, f->queue);
}

void flow_group_end(struct flow_table *t, struct flow_group *group, struct flow_group *heir)
{
	struct flow_queue **link = &t->first_queue;

	for (unsigned i = 1; i <= t->touched; i++)
		if (t->entries[i].id != 0 && t->entries[i].group == group)
			bequeath(t, &t->entries[i], heir);
	while (*link != &group->queue)
		link = &(*link)->next;
	*link = group->queue.next;
}

void flow_describe_end(const struct flow_end *end, struct net_address *told)
{
	bool v4 = IN6_IS_ADDR_V4MAPPED(&end->addr);

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &end->addr.s6_addr[12] : &end->addr.s6_addr[0], told->host, sizeof(told->host));
	told->port = end->port;
}

void flow_describe(const struct flow_table *t, const struct flow *f, struct net_flow *told)
{
	static const char *const states[] = {
		[FLOW_OPENING] = "opening", [FLOW_OPEN] = "open", [FLOW_CLOSING] = "closing", [FLOW_CLOSED] = "closed",
	};

	*told = (struct net_flow){
		.id = f->id, .kind = f->kind, .protocol = f->name[FLOW_OUTER].protocol,
		.bytes_in = f->bytes_in, .bytes_out = f->bytes_out, .packets_in = f->packets_in, .packets_out = f->packets_out,
		.age = t->clock->now - f->opened, .idle = t->clock->now - f->used,
	};
	told->state = told->protocol == IPPROTO_TCP ? states[f->state] : "";
	flow_describe_end(&f->name[FLOW_OUTER].peer, &told->peer);
	flow_describe_end(&f->name[FLOW_OUTER].far, &told->far);
	flow_describe_end(&f->name[FLOW_INNER].far, &told->real);
}
