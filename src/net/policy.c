/* What is this machine and what is the world; see policy.h. The gate asks it about whatever opens a flow to the world. */
#include "net/policy.h"

#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
	struct clock *clock;
	const struct policy_host *host;
	GArray *own;                  /* our own addresses, as they were at FRESH_UNTIL - REFRESH */
	bool known;                   /* OWN was filled at least once */
	uint64_t fresh_until;
	uint32_t allowed[CACHE_SIZE]; /* addresses found allowed since then; 0: none */
};

struct policy *policy_new(struct clock *clock, const struct policy_host *host)
{
	struct policy *policy = g_new0(struct policy, 1);

	policy->clock = clock;
	policy->host = host;
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

static void refresh(struct policy *policy)
{
	GArray *own = g_array_new(FALSE, FALSE, sizeof(uint32_t));

	policy->fresh_until = policy->clock->now + REFRESH;
	memset(policy->allowed, 0, sizeof(policy->allowed));
	if (policy->host->addresses(policy->host->arg, own)) {
		g_array_free(policy->own, TRUE);
		policy->own = own;
		policy->known = true;
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

/* What is not known for sure to be elsewhere is here. */
static bool is_here(const struct policy *policy, uint32_t addr)
{
	enum policy_route route = policy->host->route(policy->host->arg, addr);

	return route == ROUTE_HERE || (route == ROUTE_UNKNOWN && !policy->known) || is_own(policy, addr);
}

bool policy_world(struct policy *policy, uint32_t addr, bool opening)
{
	uint32_t *slot = &policy->allowed[(addr * UINT32_C(0x9e3779b1) >> 16) % CACHE_SIZE];

	if (is_never(addr))
		return false;
	if (policy->fresh_until == 0 || (opening && policy->clock->now >= policy->fresh_until))
		refresh(policy);
	if (*slot == addr)
		return true;
	if (is_here(policy, addr))
		return false;
	*slot = addr;
	return true;
}

struct kernel {
	struct policy_host host;
	int netlink; /* or -1 */
	uint32_t seq;
};

static bool own_addresses(void *arg, GArray *addresses)
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

static bool ask_route(struct kernel *k, uint32_t addr)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
		struct rtattr attribute;
		uint32_t addr;
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = ++k->seq },
		.route = { .rtm_family = AF_INET, .rtm_dst_len = 32 },
		.attribute = { .rta_len = RTA_LENGTH(sizeof(addr)), .rta_type = RTA_DST },
		.addr = htonl(addr),
	};

	return send(k->netlink, &request, sizeof(request), MSG_DONTWAIT) == (ssize_t)sizeof(request);
}

static enum policy_route route_of(const struct nlmsghdr *header, size_t len)
{
	struct rtmsg route;

	if (header->nlmsg_type != RTM_NEWROUTE || len < sizeof(*header) + sizeof(route))
		return ROUTE_UNKNOWN;
	memcpy(&route, NLMSG_DATA(header), sizeof(route));
	switch (route.rtm_type) {
	case RTN_LOCAL:
	case RTN_BROADCAST:
	case RTN_ANYCAST:
	case RTN_MULTICAST:
		return ROUTE_HERE;
	default:
		return ROUTE_AWAY;
	}
}

/* The kernel answers within send(): recv() need not wait. An answer to an earlier question is passed over. */
static enum policy_route ask_kernel(void *arg, uint32_t addr)
{
	struct kernel *k = arg;
	union {
		struct nlmsghdr header;
		uint8_t bytes[4096];
	} answer;
	ssize_t len;

	if (k->netlink < 0 || !ask_route(k, addr))
		return ROUTE_UNKNOWN;
	while ((len = recv(k->netlink, &answer, sizeof(answer), MSG_DONTWAIT)) >= (ssize_t)sizeof(answer.header))
		if (answer.header.nlmsg_seq == k->seq)
			return route_of(&answer.header, (size_t)len);
	return ROUTE_UNKNOWN;
}

struct policy_host *policy_host_new(void)
{
	struct kernel *k = g_new0(struct kernel, 1);

	k->host = (struct policy_host){ .addresses = own_addresses, .route = ask_kernel, .arg = k };
	k->netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	return &k->host;
}

void policy_host_free(struct policy_host *host)
{
	struct kernel *k = (struct kernel *)host;

	if (!k)
		return;
	if (k->netlink >= 0)
		close(k->netlink);
	g_free(k);
}
