/* Where the peer may go; see policy.h. The gate asks it about packets that belong to no known conversation. */
#include "net/policy.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#define CACHE_SIZE 64u
#define REFRESH CLOCK_SECOND

/* Addresses that no peer may reach through us, whatever else is allowed (RFC 6890, RFC 1112). */
static const struct {
	uint32_t addr, mask;
} never[] = {
	{ 0x00000000, 0xff000000 }, /* this host on this network */
	{ 0x7f000000, 0xff000000 }, /* loopback */
	{ 0xe0000000, 0xf0000000 }, /* multicast */
	{ 0xf0000000, 0xf0000000 }, /* reserved (the gate's inner addresses are from here), and broadcast */
};

struct policy {
	const struct net_config *config;
	struct clock *clock;
	policy_addresses_fn *addresses;
	void *arg;
	GArray *own;                  /* our own addresses, as they were at FRESH_UNTIL - REFRESH */
	bool known;                   /* OWN was filled at least once */
	uint64_t fresh_until;
	uint32_t allowed[CACHE_SIZE]; /* addresses found allowed with this OWN; 0: none */
};

struct policy *policy_new(const struct net_config *config, struct clock *clock, policy_addresses_fn *addresses, void *arg)
{
	struct policy *policy = g_new0(struct policy, 1);

	policy->config = config;
	policy->clock = clock;
	policy->addresses = addresses;
	policy->arg = arg;
	policy->own = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	return policy;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	g_array_free(policy->own, TRUE);
	g_free(policy);
}

bool policy_service(const struct policy *policy, uint8_t protocol, uint16_t port, uint32_t *host, uint16_t *host_port)
{
	const GArray *services = policy->config->services;

	for (unsigned i = 0; services && i < services->len; i++) {
		const struct service *s = &g_array_index(services, struct service, i);

		if (s->protocol == protocol && s->port == port) {
			*host = s->host;
			*host_port = s->host_port;
			return true;
		}
	}
	*host = INADDR_LOOPBACK;
	*host_port = port;
	return policy->config->host_loopback;
}

bool policy_is_forward(const struct policy *policy, uint8_t protocol, uint32_t host, uint16_t port)
{
	const GArray *forwards = policy->config->forwards;

	for (unsigned i = 0; forwards && i < forwards->len; i++) {
		const struct forward *f = &g_array_index(forwards, struct forward, i);

		if (f->protocol == protocol && f->host_port == port && f->host == host)
			return true;
	}
	return false;
}

static void refresh(struct policy *policy)
{
	GArray *own = g_array_new(FALSE, FALSE, sizeof(uint32_t));

	policy->fresh_until = policy->clock->now + REFRESH;
	if (policy->addresses(policy->arg, own)) {
		g_array_free(policy->own, TRUE);
		policy->own = own;
		policy->known = true;
		memset(policy->allowed, 0, sizeof(policy->allowed));
	} else {
		g_array_free(own, TRUE);
	}
}

static bool is_never(uint32_t addr)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(never); i++)
		if ((addr & never[i].mask) == never[i].addr)
			return true;
	return false;
}

static bool is_own(const struct policy *policy, uint32_t addr)
{
	for (unsigned i = 0; i < policy->own->len; i++)
		if (g_array_index(policy->own, uint32_t, i) == addr)
			return true;
	return false;
}

bool policy_world(struct policy *policy, uint32_t addr, bool opening)
{
	uint32_t *slot = &policy->allowed[(addr * UINT32_C(0x9e3779b1) >> 16) % CACHE_SIZE];

	if (policy->config->restrict_peer || is_never(addr))
		return false;
	if (policy->fresh_until == 0 || (opening && policy->clock->now >= policy->fresh_until))
		refresh(policy);
	if (*slot == addr)
		return true;
	if (!policy->known || is_own(policy, addr))
		return false;
	*slot = addr;
	return true;
}

bool policy_own_addresses(void *arg, GArray *addresses)
{
	struct ifaddrs *list;

	(void)arg;
	if (getifaddrs(&list) < 0)
		return false;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		struct sockaddr_in sin;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
			continue;
		memcpy(&sin, i->ifa_addr, sizeof(sin));
		uint32_t addr = ntohl(sin.sin_addr.s_addr);
		g_array_append_val(addresses, addr);
	}
	freeifaddrs(list);
	return true;
}
