/* Packets waiting for the line; see queue.h. The session puts what the backend gives and takes what the line can carry. RFC 8290
 * §4 without its timers.
 *
 * Theory of operation
 *
 * A flow has a bucket while it has packets, found by hash among WAYS neighbours so that two flows rarely share one. Buckets with
 * packets are on one of two lists: `fresh`, those that had nothing waiting when their first packet came, and `old`. The first of
 * `fresh`, else of `old`, may send until its deficit is used up; then it goes to the end of `old` with a new quantum. A bucket that
 * empties while fresh passes once through `old`, or it could come back as fresh at once and starve the others.
 *
 * Pacing is a time: when the line will have carried all that it was given. A packet is given ahead of that time when it ends within
 * AHEAD_NS: small ones early, so that nothing of ours waits in the kernel behind a large one. */
#include "net/queue.h"

#include <glib.h>
#include <string.h>

#include "net/packet.h"
#include "reader.h"

#define BUCKETS 64u
#define WAYS 8u
#define NONE UINT32_MAX
#define NS_PER_US UINT64_C(1000)
#define NS_PER_SECOND UINT64_C(1000000000)
#define AHEAD_NS (20 * 1000 * NS_PER_US)
#define EARLY_NS (2 * 1000 * NS_PER_US) /* a large packet may begin this early, or the line would stand still between two */
#define QUANTUM_MIN 256u
#define QUANTUM_DIVISOR 50u              /* a quantum is 20 ms of the line at most: a flow in `old` is back soon */
#define LONG_DIVISOR 4                   /* congested above rate / 4 bytes: 250 ms */
#define LONG_PACKETS 4                   /* but not that few */
#define LONG_QUEUE 192u                  /* congested above so many packets, whatever the rate */
#define KEPT 256u                        /* an empty queue keeps the memory of so many packets */

struct slot {
	uint8_t *data; /* MTU bytes, once needed */
	uint32_t len;
	uint32_t next;
};

enum state { IDLE, FRESH, OLD };

struct bucket {
	uint32_t flow; /* hash of the flow that it belongs to */
	uint32_t head, tail;
	uint32_t bytes, packets;
	int32_t deficit;
	enum state state;
	uint32_t next; /* on its list */
};

struct list {
	uint32_t first, last;
};

struct queue {
	struct clock *clock;
	size_t mtu;
	unsigned limit, touched; /* slots; slots that ever held a packet */
	uint32_t unused;         /* the slot freed last */
	struct slot *slots;
	struct bucket buckets[BUCKETS];
	struct list fresh, old;
	unsigned packets;
	size_t bytes;
	uint64_t dropped;
	uint32_t seed;
	unsigned rate;
	uint64_t carried_at; /* ns: when the line has carried all that was taken */
	bool congested;
};

struct queue *queue_new(struct clock *clock, size_t mtu, unsigned limit)
{
	struct queue *q = g_new0(struct queue, 1);

	q->clock = clock;
	q->mtu = mtu;
	q->limit = MAX(limit, 1);
	q->slots = g_new0(struct slot, q->limit);
	q->seed = g_random_int();
	queue_clear(q);
	return q;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	for (unsigned i = 0; i < q->touched; i++)
		g_free(q->slots[i].data);
	g_free(q->slots);
	g_free(q);
}

void queue_set_rate(struct queue *q, unsigned rate)
{
	q->rate = rate;
}

/* Every slot is unused. */
static void chain_slots(struct queue *q)
{
	for (unsigned i = 0; i < q->touched; i++)
		q->slots[i].next = i + 1 < q->touched ? i + 1 : NONE;
	q->unused = q->touched > 0 ? 0 : NONE;
}

void queue_clear(struct queue *q)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		q->buckets[i] = (struct bucket){ .head = NONE, .tail = NONE, .next = NONE };
	chain_slots(q);
	q->fresh = q->old = (struct list){ NONE, NONE };
	q->packets = 0;
	q->bytes = 0;
	q->congested = false;
	q->carried_at = 0;
}

unsigned queue_packets(const struct queue *q)
{
	return q->packets;
}

size_t queue_bytes(const struct queue *q)
{
	return q->bytes;
}

uint64_t queue_dropped(const struct queue *q)
{
	return q->dropped;
}

static void list_append(struct queue *q, struct list *list, uint32_t b)
{
	q->buckets[b].next = NONE;
	if (list->first == NONE)
		list->first = b;
	else
		q->buckets[list->last].next = b;
	list->last = b;
}

static uint32_t list_shift(struct queue *q, struct list *list)
{
	uint32_t b = list->first;

	list->first = q->buckets[b].next;
	if (list->first == NONE)
		list->last = NONE;
	return b;
}

static uint32_t mix(uint32_t hash, uint32_t value)
{
	hash = (hash ^ value) * UINT32_C(0x9e3779b1);
	return hash ^ hash >> 15;
}

/* Fragments show no ports, so a datagram's are all counted without them. What is no IPv4 packet is one flow. */
static uint32_t flow_of(const struct queue *q, const uint8_t *packet, size_t len)
{
	struct reader r = reader_new(packet, len);
	uint8_t version = reader_u8(&r);

	reader_skip(&r, 5);
	bool fragment = reader_u16(&r) & 0x3fff;
	reader_skip(&r, 1);
	uint8_t protocol = reader_u8(&r);
	reader_skip(&r, 2);
	uint32_t hash = mix(q->seed, reader_u32(&r));
	hash = mix(hash, reader_u32(&r) ^ (uint32_t)protocol << 24);
	if (!reader_ok(&r) || version >> 4 != 4)
		return q->seed;
	if (fragment || (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP))
		return hash;
	reader_skip(&r, (version & 0xf) * 4u > IPV4_HEADER ? (version & 0xf) * 4u - IPV4_HEADER : 0);
	return mix(hash, reader_u32(&r));
}

/* The bucket of FLOW: its own, else an idle one of the neighbours, else one that it shares. */
static uint32_t bucket_for(struct queue *q, uint32_t flow)
{
	uint32_t base = flow % BUCKETS / WAYS * WAYS;
	uint32_t found = flow % BUCKETS;

	for (uint32_t b = base; b < base + WAYS; b++) {
		if (q->buckets[b].state != IDLE && q->buckets[b].flow == flow)
			return b;
		if (q->buckets[b].state == IDLE)
			found = b;
	}
	if (q->buckets[found].state == IDLE)
		q->buckets[found].flow = flow;
	return found;
}

/* Takes the first packet out of a bucket. */
static void remove_head(struct queue *q, struct bucket *b)
{
	uint32_t s = b->head;
	struct slot *slot = &q->slots[s];

	b->head = slot->next;
	if (b->head == NONE)
		b->tail = NONE;
	b->bytes -= slot->len;
	b->packets--;
	q->bytes -= slot->len;
	q->packets--;
	slot->next = q->unused;
	q->unused = s;
}

static void drop_from_longest(struct queue *q)
{
	struct bucket *longest = &q->buckets[0];

	for (unsigned i = 1; i < BUCKETS; i++)
		if (q->buckets[i].bytes > longest->bytes)
			longest = &q->buckets[i];
	remove_head(q, longest);
	q->dropped++;
}

static uint32_t take_slot(struct queue *q)
{
	if (q->packets == q->limit)
		drop_from_longest(q);
	uint32_t s = q->unused;
	if (s == NONE) {
		s = q->touched++;
		q->slots[s].data = g_malloc(q->mtu);
	} else {
		q->unused = q->slots[s].next;
	}
	return s;
}

/* After a burst. Nothing waits. */
static void give_memory_back(struct queue *q)
{
	while (q->touched > KEPT)
		g_free(g_steal_pointer(&q->slots[--q->touched].data));
	chain_slots(q);
}

static int32_t quantum(const struct queue *q)
{
	if (q->rate == 0)
		return (int32_t)q->mtu;
	return (int32_t)MIN(MAX(q->rate / QUANTUM_DIVISOR, QUANTUM_MIN), q->mtu);
}

bool queue_put(struct queue *q, const uint8_t *packet, size_t len)
{
	if (len == 0 || len > q->mtu)
		return false;
	uint32_t s = take_slot(q);
	struct slot *slot = &q->slots[s];
	memcpy(slot->data, packet, len);
	slot->len = (uint32_t)len;
	slot->next = NONE;

	uint32_t n = bucket_for(q, flow_of(q, packet, len));
	struct bucket *b = &q->buckets[n];
	if (b->tail == NONE)
		b->head = s;
	else
		q->slots[b->tail].next = s;
	b->tail = s;
	b->bytes += slot->len;
	b->packets++;
	q->bytes += len;
	q->packets++;
	if (b->state == IDLE) {
		b->state = FRESH;
		b->deficit = quantum(q);
		list_append(q, &q->fresh, n);
	}
	return true;
}

/* Settles whose turn it is. NULL when nothing waits. */
static struct bucket *turn(struct queue *q)
{
	for (;;) {
		struct list *list = q->fresh.first != NONE ? &q->fresh : &q->old;

		if (list->first == NONE)
			return NULL;
		struct bucket *b = &q->buckets[list->first];
		if (b->head != NONE && b->deficit > 0)
			return b;
		uint32_t n = list_shift(q, list);
		if (b->head == NONE && (b->state == OLD || q->old.first == NONE)) {
			b->state = IDLE;
			continue;
		}
		if (b->deficit <= 0)
			b->deficit += quantum(q);
		b->state = OLD;
		list_append(q, &q->old, n);
	}
}

/* When the line may be given LEN bytes more (ns). */
static uint64_t may_go_at(const struct queue *q, size_t len)
{
	uint64_t takes = len * NS_PER_SECOND / q->rate;
	uint64_t early = takes + EARLY_NS < AHEAD_NS ? AHEAD_NS - takes : EARLY_NS;

	return q->carried_at > early ? q->carried_at - early : 0;
}

const uint8_t *queue_peek(struct queue *q, size_t *len)
{
	const struct bucket *b = turn(q);

	if (!b)
		return NULL;
	*len = q->slots[b->head].len;
	if (q->rate > 0 && may_go_at(q, *len) > q->clock->now * NS_PER_US)
		return NULL;
	return q->slots[b->head].data;
}

uint64_t queue_ready_at(struct queue *q)
{
	const struct bucket *b = turn(q);

	if (!b)
		return CLOCK_NEVER;
	if (q->rate == 0)
		return q->clock->now;
	return (may_go_at(q, q->slots[b->head].len) + NS_PER_US - 1) / NS_PER_US;
}

void queue_take(struct queue *q, size_t line_bytes)
{
	struct bucket *b = turn(q);
	uint64_t now = q->clock->now * NS_PER_US;

	if (!b)
		return;
	b->deficit -= (int32_t)q->slots[b->head].len;
	remove_head(q, b);
	if (q->packets == 0 && q->touched > KEPT)
		give_memory_back(q);
	if (q->rate > 0)
		q->carried_at = MAX(q->carried_at, now) + line_bytes * NS_PER_SECOND / q->rate;
}

static bool is_long(const struct queue *q, unsigned divisor)
{
	if (q->packets > MIN(LONG_QUEUE, q->limit / 4 * 3) / divisor)
		return true;
	return q->rate > 0 && q->packets > LONG_PACKETS / divisor && q->bytes > q->rate / LONG_DIVISOR / divisor;
}

bool queue_congested(struct queue *q)
{
	q->congested = is_long(q, q->congested ? 2 : 1);
	return q->congested;
}
