/* net/policy: what is this machine. */
#include "unit.h"

#include <netinet/in.h>

#include "net/policy.h"

#define LOOPBACK UINT32_C(0x7f000001)
#define BY_ROUTE UINT32_C(0xc0586301)

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
	clock_init(&clock, 0);
	struct policy *policy = policy_new(&clock, &own_host(&own)->host);

	for (unsigned twice = 0; twice < 2; twice++)
		for (unsigned i = 0; i < sizeof(destinations) / sizeof(destinations[0]); i++)
			CU_ASSERT_EQUAL(policy_world(policy, destinations[i].addr, true), destinations[i].allowed);
	CU_ASSERT_EQUAL(own.asked, 1);
	policy_free(policy);
}

static void a_new_address_is_noticed(void)
{
	struct clock clock;
	struct own own = { .addr = 1, .route = ROUTE_AWAY };
	clock_init(&clock, 0);
	struct policy *policy = policy_new(&clock, &own_host(&own)->host);

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
	clock_init(&clock, 0);
	struct policy *policy = policy_new(&clock, &own_host(&own)->host);

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
	clock_init(&clock, 0);
	struct policy *policy = policy_new(&clock, &own_host(&own)->host);

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

const struct unit_test unit_tests[] = {
	{ "policy: never this machine, nor a group", never_this_machine },
	{ "policy: a new address of ours is noticed", a_new_address_is_noticed },
	{ "policy: own addresses unknown, nothing allowed", unknown_addresses_allow_nothing },
	{ "policy: ours by a route", ours_by_a_route },
	{ "policy: the kernel is asked", the_kernel_is_asked },
	{ 0 },
};
