/* net/nat, net/policy: conversations with two names, and where the peer may go. */
#include "unit.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "net/nat.h"
#include "net/packet.h"
#include "net/policy.h"

#define PEER UINT32_C(0xf0000005)
#define LOOPBACK UINT32_C(0x7f000001)
#define BY_ROUTE UINT32_C(0xc0586301)

static struct nat_peer peer_of(uint8_t protocol, uint16_t port)
{
	return (struct nat_peer){ .protocol = protocol, .port = port, .addr = PEER };
}

static struct nat_outer outer_of(uint16_t port)
{
	return (struct nat_outer){ .side = NAT_LOCAL, .port = port };
}

static struct nat_inner inner_of(uint16_t port)
{
	return (struct nat_inner){ .addr = LOOPBACK, .port = port };
}

static void found_by_both_names(void)
{
	struct clock clock;
	clock_init(&clock, 0);
	struct nat *nat = nat_new(&clock, 1);
	struct nat_peer peer = peer_of(IPPROTO_TCP, 40000);
	struct nat_peer other = peer_of(IPPROTO_UDP, 40000);
	struct nat_outer outer = outer_of(2222), resolver = { .side = NAT_RESOLVER, .port = 2222 };
	struct nat_inner inner = inner_of(22);

	struct nat_entry *e = nat_add(nat, &peer, &outer, &inner, NAT_BY_PEER);
	CU_ASSERT_PTR_EQUAL(nat_find_outer(nat, &peer, &outer), e);
	CU_ASSERT_PTR_EQUAL(nat_find_inner(nat, &peer, &inner), e);
	CU_ASSERT_PTR_NULL(nat_find_outer(nat, &other, &outer));
	CU_ASSERT_PTR_NULL(nat_find_inner(nat, &other, &inner));
	CU_ASSERT_PTR_NULL(nat_find_outer(nat, &peer, &resolver));
	nat_remove(nat, e);
	CU_ASSERT_PTR_NULL(nat_find_outer(nat, &peer, &outer));
	CU_ASSERT_PTR_NULL(nat_find_inner(nat, &peer, &inner));
	CU_ASSERT_EQUAL(nat_count(nat), 0);
	nat_free(nat);
}

/* Two services that lead to the same place, from the same port of the peer: the newer one is meant. */
static void the_newer_one_counts(void)
{
	struct clock clock;
	clock_init(&clock, 0);
	struct nat *nat = nat_new(&clock, 1);
	struct nat_peer peer = peer_of(IPPROTO_TCP, 40000);
	struct nat_outer a = outer_of(22), b = outer_of(2222);
	struct nat_inner inner = inner_of(22);

	nat_add(nat, &peer, &a, &inner, NAT_BY_PEER);
	struct nat_entry *e = nat_add(nat, &peer, &b, &inner, NAT_BY_PEER);
	CU_ASSERT_PTR_EQUAL(nat_find_inner(nat, &peer, &inner), e);
	CU_ASSERT_PTR_NULL(nat_find_outer(nat, &peer, &a));
	CU_ASSERT_EQUAL(nat_count(nat), 1);
	nat_free(nat);
}

static struct nat_entry *add(struct nat *nat, uint8_t protocol, unsigned port, enum nat_opener opener)
{
	struct nat_peer peer = peer_of(protocol, (uint16_t)port);
	struct nat_outer outer = outer_of(22);
	struct nat_inner inner = inner_of(22);

	return nat_add(nat, &peer, &outer, &inner, opener);
}

static struct nat_entry *get(struct nat *nat, uint8_t protocol, unsigned port)
{
	struct nat_peer peer = peer_of(protocol, (uint16_t)port);
	struct nat_outer outer = outer_of(22);

	return nat_find_outer(nat, &peer, &outer);
}

static void the_table_is_bounded(void)
{
	struct clock clock;
	clock_init(&clock, 0);
	struct nat *nat = nat_new(&clock, 1);

	for (unsigned port = 0; port < 3 * NAT_SIZE; port++) {
		clock_advance(&clock, clock.now + 1000);
		CU_ASSERT_PTR_NOT_NULL(add(nat, IPPROTO_UDP, port, NAT_BY_PEER));
		struct nat_entry *kept = get(nat, IPPROTO_UDP, 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(kept);
		nat_touch(nat, kept, 0, true);
	}
	CU_ASSERT_EQUAL(nat_count(nat), NAT_SIZE);
	CU_ASSERT_PTR_NULL(get(nat, IPPROTO_UDP, 1));
	CU_ASSERT_PTR_NOT_NULL(get(nat, IPPROTO_UDP, 3 * NAT_SIZE - 1));
	nat_free(nat);
}

/* libslirp would keep its socket, and nobody could reach it. */
static void the_living_do_not_make_room(void)
{
	struct clock clock;
	clock_init(&clock, 0);
	struct nat *nat = nat_new(&clock, 1);

	CU_ASSERT_PTR_NOT_NULL(add(nat, IPPROTO_UDP, 0, NAT_BY_CLIENT));
	CU_ASSERT_PTR_NOT_NULL(add(nat, IPPROTO_TCP, 1, NAT_BY_CLIENT));
	for (unsigned port = 2; port < NAT_SIZE; port++)
		CU_ASSERT_PTR_NOT_NULL(add(nat, IPPROTO_TCP, port, NAT_BY_PEER));
	CU_ASSERT_PTR_NULL(add(nat, IPPROTO_TCP, NAT_SIZE, NAT_BY_PEER));
	CU_ASSERT_PTR_NULL(add(nat, IPPROTO_UDP, NAT_SIZE, NAT_BY_PEER));
	CU_ASSERT_EQUAL(nat_count(nat), NAT_SIZE);
	nat_touch(nat, get(nat, IPPROTO_TCP, 7), TCP_FIN, true);
	CU_ASSERT_PTR_NULL(add(nat, IPPROTO_TCP, NAT_SIZE, NAT_BY_PEER));
	nat_touch(nat, get(nat, IPPROTO_TCP, 7), TCP_FIN, false);
	CU_ASSERT_PTR_NOT_NULL(add(nat, IPPROTO_UDP, NAT_SIZE, NAT_BY_PEER));
	CU_ASSERT_PTR_NULL(get(nat, IPPROTO_TCP, 7));
	CU_ASSERT_PTR_NOT_NULL(add(nat, IPPROTO_TCP, NAT_SIZE, NAT_BY_PEER));
	CU_ASSERT_PTR_NULL(get(nat, IPPROTO_UDP, NAT_SIZE));
	for (unsigned port = 2; port < NAT_SIZE; port++)
		CU_ASSERT_EQUAL(get(nat, IPPROTO_TCP, port) != NULL, port != 7);
	clock_advance(&clock, NAT_CLIENT_IDLE);
	nat_touch(nat, get(nat, IPPROTO_TCP, 1), TCP_ACK, true);
	CU_ASSERT_PTR_NOT_NULL(add(nat, IPPROTO_TCP, 7, NAT_BY_PEER));
	CU_ASSERT_PTR_NULL(add(nat, IPPROTO_TCP, NAT_SIZE + 1, NAT_BY_PEER));
	CU_ASSERT_PTR_NOT_NULL(get(nat, IPPROTO_TCP, 1));
	nat_free(nat);
}

static void what_is_over_is_forgotten(void)
{
	struct clock clock;
	clock_init(&clock, 0);
	struct nat *nat = nat_new(&clock, 1);
	struct nat_peer udp = peer_of(IPPROTO_UDP, 1), tcp = peer_of(IPPROTO_TCP, 1);
	struct nat_outer outer = outer_of(22);
	struct nat_inner inner = inner_of(22);

	nat_add(nat, &udp, &outer, &inner, NAT_BY_PEER);
	struct nat_entry *t = nat_add(nat, &tcp, &outer, &inner, NAT_BY_PEER);
	clock_advance(&clock, NAT_UDP_IDLE - 1);
	CU_ASSERT_PTR_NOT_NULL(nat_find_inner(nat, &udp, &inner));
	clock_advance(&clock, NAT_UDP_IDLE);
	CU_ASSERT_PTR_NULL(nat_find_inner(nat, &udp, &inner));
	CU_ASSERT_PTR_NOT_NULL(nat_find_inner(nat, &tcp, &inner));
	nat_touch(nat, t, TCP_FIN | TCP_ACK, true);
	clock_advance(&clock, clock.now + 1000 * CLOCK_SECOND);
	CU_ASSERT_PTR_NOT_NULL(nat_find_inner(nat, &tcp, &inner));
	nat_touch(nat, t, TCP_FIN | TCP_ACK, false);
	clock_advance(&clock, clock.now + NAT_CLOSED_IDLE - 1);
	CU_ASSERT_PTR_NOT_NULL(nat_find_inner(nat, &tcp, &inner));
	clock_advance(&clock, clock.now + 1);
	CU_ASSERT_PTR_NULL(nat_find_inner(nat, &tcp, &inner));
	nat_free(nat);
}

/* Against a table that is searched from end to end. */
static void agrees_with_a_plain_table(void)
{
	struct clock clock;
	clock_init(&clock, 0);
	struct nat *nat = nat_new(&clock, 99);
	struct {
		bool used;
		uint16_t outer;
	} model[16][16] = { 0 };

	srand(7);
	for (unsigned round = 0; round < 50000; round++) {
		uint16_t p = (uint16_t)(rand() % 16), o = (uint16_t)(rand() % 16), i = (uint16_t)(rand() % 16);
		struct nat_peer peer = peer_of(IPPROTO_TCP, p);
		struct nat_outer outer = outer_of(o);
		struct nat_inner inner = inner_of(i);
		struct nat_entry *e = nat_find_inner(nat, &peer, &inner);

		CU_ASSERT_EQUAL(e != NULL, model[p][i].used);
		if (e)
			CU_ASSERT_EQUAL(e->outer.port, model[p][i].outer);
		if (e && rand() % 2) {
			nat_remove(nat, e);
			model[p][i].used = false;
			continue;
		}
		for (unsigned n = 0; n < 16; n++)
			if (model[p][n].outer == o)
				model[p][n].used = false;
		nat_add(nat, &peer, &outer, &inner, NAT_BY_PEER);
		model[p][i].used = true;
		model[p][i].outer = o;
	}
	nat_free(nat);
}

struct own {
	struct policy_host host;
	uint32_t addr;
	unsigned asked, routes;
	bool fails;
	enum policy_route route; /* of the address 192.88.99.1; the others are away, or unknown, too */
};

static bool own_addresses(void *arg, GArray *addresses)
{
	struct own *own = arg;

	own->asked++;
	g_array_append_val(addresses, own->addr);
	return !own->fails;
}

static enum policy_route route(void *arg, uint32_t addr)
{
	struct own *own = arg;

	own->routes++;
	return addr == BY_ROUTE || own->route == ROUTE_UNKNOWN ? own->route : ROUTE_AWAY;
}

static struct own *own_host(struct own *own)
{
	own->host = (struct policy_host){ .addresses = own_addresses, .route = route, .arg = own };
	return own;
}

static const struct {
	uint32_t addr;
	bool allowed;
} destinations[] = {
	{ 0x01010101, true },  { 0x0a000001, true },  { 0xc0a80101, true },  { 0xc0a80102, false }, /* ours */
	{ 0x00000000, false }, { 0x00010203, false }, { 0x7f000001, false }, { 0x7fffffff, false },
	{ 0xe0000001, false }, { 0xefffffff, false }, { 0xf0000001, false }, { 0xffffffff, false },
};

static void never_this_machine(void)
{
	struct clock clock;
	struct own own = { .addr = 0xc0a80102, .route = ROUTE_AWAY };
	struct net_config config = { 0 };
	clock_init(&clock, 0);
	struct policy *policy = policy_new(&config, &clock, &own_host(&own)->host);

	for (unsigned twice = 0; twice < 2; twice++)
		for (unsigned i = 0; i < sizeof(destinations) / sizeof(destinations[0]); i++)
			CU_ASSERT_EQUAL(policy_world(policy, destinations[i].addr, true), destinations[i].allowed);
	CU_ASSERT_EQUAL(own.asked, 1);
	config.restrict_peer = true;
	CU_ASSERT_FALSE(policy_world(policy, 0x01010101, true));
	policy_free(policy);
}

static void a_new_address_is_noticed(void)
{
	struct clock clock;
	struct own own = { .addr = 1, .route = ROUTE_AWAY };
	struct net_config config = { 0 };
	clock_init(&clock, 0);
	struct policy *policy = policy_new(&config, &clock, &own_host(&own)->host);

	CU_ASSERT_TRUE(policy_world(policy, 0x0a000001, true));
	own.addr = 0x0a000001;
	CU_ASSERT_TRUE(policy_world(policy, 0x0a000001, true));
	clock_advance(&clock, CLOCK_SECOND);
	CU_ASSERT_TRUE(policy_world(policy, 0x0a000001, false));
	CU_ASSERT_EQUAL(own.asked, 1);
	CU_ASSERT_FALSE(policy_world(policy, 0x0a000001, true));
	CU_ASSERT_EQUAL(own.asked, 2);
	policy_free(policy);
}

static void unknown_addresses_allow_nothing(void)
{
	struct clock clock;
	struct own own = { .addr = 5, .fails = true, .route = ROUTE_UNKNOWN };
	struct net_config config = { 0 };
	clock_init(&clock, 0);
	struct policy *policy = policy_new(&config, &clock, &own_host(&own)->host);

	CU_ASSERT_FALSE(policy_world(policy, 0x0a000001, true));
	own.fails = false;
	clock_advance(&clock, CLOCK_SECOND);
	CU_ASSERT_TRUE(policy_world(policy, 0x0a000001, true));
	own.fails = true;
	clock_advance(&clock, 2 * CLOCK_SECOND);
	CU_ASSERT_TRUE(policy_world(policy, 0x0a000001, true));
	policy_free(policy);
}

/* Prefixes that are ours by a route, of which no interface knows (AnyIP). */
static void ours_by_a_route(void)
{
	struct clock clock;
	struct own own = { .addr = 0x0a000005, .route = ROUTE_HERE };
	struct net_config config = { 0 };
	clock_init(&clock, 0);
	struct policy *policy = policy_new(&config, &clock, &own_host(&own)->host);

	CU_ASSERT_FALSE(policy_world(policy, BY_ROUTE, true));
	CU_ASSERT_TRUE(policy_world(policy, BY_ROUTE + 1, true));
	CU_ASSERT_TRUE(policy_world(policy, BY_ROUTE + 1, true));
	CU_ASSERT_EQUAL(own.routes, 2);
	own.route = ROUTE_AWAY;
	CU_ASSERT_TRUE(policy_world(policy, BY_ROUTE, true));
	own.route = ROUTE_HERE;
	clock_advance(&clock, CLOCK_SECOND);
	CU_ASSERT_FALSE(policy_world(policy, BY_ROUTE, true));
	own.route = ROUTE_UNKNOWN;
	CU_ASSERT_TRUE(policy_world(policy, BY_ROUTE, true));
	CU_ASSERT_FALSE(policy_world(policy, 0x0a000005, true));
	policy_free(policy);
}

/* The kernel's own answers: what holds on any machine. */
static void the_kernel_is_asked(void)
{
	struct policy_host *host = policy_host_new();
	GArray *addresses = g_array_new(FALSE, FALSE, sizeof(uint32_t));

	CU_ASSERT_TRUE(host->addresses(host->arg, addresses));
	for (unsigned i = 0; i < 100; i++) {
		enum policy_route loopback = host->route(host->arg, LOOPBACK + i);

		CU_ASSERT_TRUE(loopback == ROUTE_HERE || loopback == ROUTE_UNKNOWN);
		CU_ASSERT_NOT_EQUAL(host->route(host->arg, 0x08080808), ROUTE_HERE);
	}
	for (guint i = 0; i < addresses->len; i++)
		CU_ASSERT_NOT_EQUAL(host->route(host->arg, g_array_index(addresses, uint32_t, i)), ROUTE_AWAY);
	g_array_free(addresses, TRUE);
	policy_host_free(host);
}

static void services_are_looked_up(void)
{
	struct clock clock;
	struct own own = { 0 };
	struct net_config config = { .services = g_array_new(FALSE, FALSE, sizeof(struct service)) };
	struct service s = { .protocol = CONFIG_TCP, .port = 80, .host = 0x0a000001, .host_port = 8080 };
	uint32_t host;
	uint16_t port;
	clock_init(&clock, 0);
	struct policy *policy = policy_new(&config, &clock, &own_host(&own)->host);

	g_array_append_val(config.services, s);
	CU_ASSERT_TRUE(policy_service(policy, CONFIG_TCP, 80, &host, &port));
	CU_ASSERT_EQUAL(host, 0x0a000001);
	CU_ASSERT_EQUAL(port, 8080);
	CU_ASSERT_FALSE(policy_service(policy, CONFIG_UDP, 80, &host, &port));
	CU_ASSERT_FALSE(policy_service(policy, CONFIG_TCP, 81, &host, &port));
	config.host_loopback = true;
	CU_ASSERT_TRUE(policy_service(policy, CONFIG_UDP, 80, &host, &port));
	CU_ASSERT_EQUAL(host, INADDR_LOOPBACK);
	CU_ASSERT_EQUAL(port, 80);
	policy_free(policy);
	g_array_free(config.services, TRUE);
}

const struct unit_test unit_tests[] = {
	{ "nat: a conversation is found by both names", found_by_both_names },
	{ "nat: of two with one name the newer counts", the_newer_one_counts },
	{ "nat: bounded, the silent one makes room", the_table_is_bounded },
	{ "nat: living connections and forwards do not make room", the_living_do_not_make_room },
	{ "nat: what is over is forgotten", what_is_over_is_forgotten },
	{ "nat: agrees with a plain table", agrees_with_a_plain_table },
	{ "policy: never this machine, nor a group", never_this_machine },
	{ "policy: a new address of ours is noticed", a_new_address_is_noticed },
	{ "policy: own addresses unknown, nothing allowed", unknown_addresses_allow_nothing },
	{ "policy: ours by a route", ours_by_a_route },
	{ "policy: the kernel is asked", the_kernel_is_asked },
	{ "policy: services", services_are_looked_up },
	{ 0 },
};
