/* Conversations with two names; see nat.h. The gate calls this for packets to and from our own addresses. */
#include "net/nat.h"

#include <glib.h>
#include <netinet/in.h>
#include <string.h>

#include "net/packet.h"

#define NONE UINT16_MAX
#define BUCKETS 1024u

enum chain { BY_OUTER, BY_INNER };
enum { FINISHED_PEER = 1, FINISHED_WORLD = 2, FINISHED_BOTH = 3 };

struct nat {
	struct clock *clock;
	uint32_t seed;
	unsigned count, touched; /* entries in use; entries that ever were */
	uint16_t newest, oldest, unused;
	uint16_t buckets[2][BUCKETS];
	struct nat_entry entries[NAT_SIZE];
};

struct nat *nat_new(struct clock *clock, uint32_t seed)
{
	/* Pages of the table that are never used are never touched: it costs what it holds. */
	struct nat *nat = g_malloc0(sizeof(*nat));

	nat->clock = clock;
	nat->seed = seed;
	nat->newest = nat->oldest = nat->unused = NONE;
	memset(nat->buckets, 0xff, sizeof(nat->buckets));
	return nat;
}

void nat_free(struct nat *nat)
{
	g_free(nat);
}

unsigned nat_count(const struct nat *nat)
{
	return nat->count;
}

static uint32_t mix(uint32_t hash, uint32_t value)
{
	hash = (hash ^ value) * UINT32_C(0x9e3779b1);
	return hash ^ hash >> 15;
}

/* Both names hash alike: the peer's end, then address (or side) and port of the other. */
static unsigned hash(const struct nat *nat, const struct nat_peer *peer, uint32_t addr, uint16_t port)
{
	uint32_t h = mix(nat->seed, peer->addr);

	h = mix(h, (uint32_t)peer->port << 16 | port);
	h = mix(h, addr ^ (uint32_t)peer->protocol << 24);
	return h % BUCKETS;
}

static uint16_t *bucket(struct nat *nat, enum chain by, const struct nat_entry *e)
{
	uint32_t addr = by == BY_OUTER ? (uint32_t)e->outer.side : e->inner.addr;
	uint16_t port = by == BY_OUTER ? e->outer.port : e->inner.port;

	return &nat->buckets[by][hash(nat, &e->peer, addr, port)];
}

static uint16_t index_of(const struct nat *nat, const struct nat_entry *e)
{
	return (uint16_t)(e - nat->entries);
}

static void chain_add(struct nat *nat, enum chain by, struct nat_entry *e)
{
	uint16_t *head = bucket(nat, by, e);

	e->chain[by] = *head;
	*head = index_of(nat, e);
}

static void chain_remove(struct nat *nat, enum chain by, const struct nat_entry *e)
{
	uint16_t *link = bucket(nat, by, e);

	while (*link != index_of(nat, e))
		link = &nat->entries[*link].chain[by];
	*link = e->chain[by];
}

static void age_remove(struct nat *nat, const struct nat_entry *e)
{
	*(e->newer == NONE ? &nat->newest : &nat->entries[e->newer].older) = e->older;
	*(e->older == NONE ? &nat->oldest : &nat->entries[e->older].newer) = e->newer;
}

static void age_add(struct nat *nat, struct nat_entry *e)
{
	e->newer = NONE;
	e->older = nat->newest;
	*(nat->newest == NONE ? &nat->oldest : &nat->entries[nat->newest].newer) = index_of(nat, e);
	nat->newest = index_of(nat, e);
}

void nat_remove(struct nat *nat, struct nat_entry *e)
{
	chain_remove(nat, BY_OUTER, e);
	chain_remove(nat, BY_INNER, e);
	age_remove(nat, e);
	e->chain[0] = nat->unused;
	nat->unused = index_of(nat, e);
	nat->count--;
}

static bool is_over(const struct nat *nat, const struct nat_entry *e)
{
	uint64_t idle = nat->clock->now - e->used;

	if (e->peer.protocol != IPPROTO_TCP)
		return idle >= NAT_UDP_IDLE;
	return e->finished == FINISHED_BOTH && idle >= NAT_CLOSED_IDLE;
}

static struct nat_entry *unless_over(struct nat *nat, struct nat_entry *e)
{
	if (!is_over(nat, e))
		return e;
	nat_remove(nat, e);
	return NULL;
}

static bool same_peer(const struct nat_peer *a, const struct nat_peer *b)
{
	return a->addr == b->addr && a->port == b->port && a->protocol == b->protocol;
}

struct nat_entry *nat_find_outer(struct nat *nat, const struct nat_peer *peer, const struct nat_outer *outer)
{
	uint16_t i = nat->buckets[BY_OUTER][hash(nat, peer, (uint32_t)outer->side, outer->port)];

	for (; i != NONE; i = nat->entries[i].chain[BY_OUTER]) {
		struct nat_entry *e = &nat->entries[i];

		if (e->outer.port == outer->port && e->outer.side == outer->side && same_peer(&e->peer, peer))
			return unless_over(nat, e);
	}
	return NULL;
}

struct nat_entry *nat_find_inner(struct nat *nat, const struct nat_peer *peer, const struct nat_inner *inner)
{
	uint16_t i = nat->buckets[BY_INNER][hash(nat, peer, inner->addr, inner->port)];

	for (; i != NONE; i = nat->entries[i].chain[BY_INNER]) {
		struct nat_entry *e = &nat->entries[i];

		if (e->inner.port == inner->port && e->inner.addr == inner->addr && same_peer(&e->peer, peer))
			return unless_over(nat, e);
	}
	return NULL;
}

static bool may_make_room(const struct nat *nat, const struct nat_entry *e)
{
	if (is_over(nat, e) || (e->peer.protocol == IPPROTO_TCP && e->finished == FINISHED_BOTH))
		return true;
	if (e->opener == NAT_BY_CLIENT)
		return nat->clock->now - e->used >= NAT_CLIENT_IDLE;
	return e->peer.protocol != IPPROTO_TCP;
}

static void make_room(struct nat *nat)
{
	for (uint16_t i = nat->oldest; i != NONE; i = nat->entries[i].newer)
		if (may_make_room(nat, &nat->entries[i])) {
			nat_remove(nat, &nat->entries[i]);
			return;
		}
}

static struct nat_entry *take_unused(struct nat *nat)
{
	if (nat->unused == NONE && nat->touched == NAT_SIZE)
		make_room(nat);
	if (nat->unused == NONE && nat->touched == NAT_SIZE)
		return NULL;
	nat->count++;
	if (nat->unused == NONE)
		return &nat->entries[nat->touched++];
	struct nat_entry *e = &nat->entries[nat->unused];
	nat->unused = e->chain[0];
	return e;
}

struct nat_entry *nat_add(struct nat *nat, const struct nat_peer *peer, const struct nat_outer *outer, const struct nat_inner *inner,
			  enum nat_opener opener)
{
	struct nat_entry *old = nat_find_outer(nat, peer, outer);

	if (old)
		nat_remove(nat, old);
	old = nat_find_inner(nat, peer, inner);
	if (old)
		nat_remove(nat, old);
	struct nat_entry *e = take_unused(nat);
	if (!e)
		return NULL;
	*e = (struct nat_entry){ .peer = *peer, .outer = *outer, .inner = *inner, .opener = opener, .used = nat->clock->now };
	chain_add(nat, BY_OUTER, e);
	chain_add(nat, BY_INNER, e);
	age_add(nat, e);
	return e;
}

void nat_touch(struct nat *nat, struct nat_entry *e, uint8_t tcp_flags, bool from_peer)
{
	if (tcp_flags & TCP_SYN)
		e->finished = 0;
	if (tcp_flags & TCP_FIN)
		e->finished |= from_peer ? FINISHED_PEER : FINISHED_WORLD;
	if (tcp_flags & TCP_RST)
		e->finished = FINISHED_BOTH;
	e->used = nat->clock->now;
	if (nat->newest == index_of(nat, e))
		return;
	age_remove(nat, e);
	age_add(nat, e);
}
