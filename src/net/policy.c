/* What is this machine and what is the world; see policy.h. The gate asks it about whatever opens a flow to the world. */
#include "net/policy.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
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

/* RFC 6890, RFC 4291: IPv4 in IPv6's clothes is among the first, libslirp's own view (gate6.c) is the second. */
static const struct {
	struct in6_addr addr;
	uint8_t prefix;
} never6[] = {
	{ IN6ADDR_ANY_INIT, 16 },                                      /* ::, ::1, ::ffff:0:0/96, IPv4-compatible */
	{ { .s6_addr = { 0x01 } }, 64 },                               /* discard-only (RFC 6666) */
	{ { .s6_addr = { 0x20, 0x02, 0x7f } }, 24 },                   /* 6to4 of loopback (RFC 3056 §9) */
	{ { .s6_addr = { 0xfe, 0x80 } }, 9 },                          /* link-local and site-local */
	{ { .s6_addr = { 0xff } }, 8 },                                /* multicast */
};

/* Where the IPv6 Internet is (RFC 4291 §2.4): a host in it. */
static const struct in6_addr somewhere = { .s6_addr = { 0x20, 0x01, 0x05, 0x03, [15] = 1 } };

struct policy {
	struct clock *clock;
	const struct policy_host *host;
	GArray *own;                  /* our own addresses, as they were at FRESH_UNTIL - REFRESH */
	bool known;                   /* OWN was filled at least once */
	uint64_t fresh_until;
	uint32_t allowed[CACHE_SIZE]; /* addresses found allowed since then; 0: none */

	/* The same for IPv6. */
	GArray *own6;
	bool known6;
	uint64_t fresh_until6;
	struct in6_addr allowed6[CACHE_SIZE];
};

struct policy *policy_new(struct clock *clock, const struct policy_host *host)
{
	struct policy *policy = g_new0(struct policy, 1);

	policy->clock = clock;
	policy->host = host;
	policy->own = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	policy->own6 = g_array_new(FALSE, FALSE, sizeof(struct in6_addr));
	return policy;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	g_array_free(policy->own, TRUE);
	g_array_free(policy->own6, TRUE);
	g_free(policy);
}

/* Fills *OWN anew, if ASK can. */
static bool ask_addresses(const struct policy *policy, bool (*ask)(void *arg, GArray *addresses), GArray **own)
{
	GArray *now = g_array_new(FALSE, FALSE, g_array_get_element_size(*own));
	bool told = ask && ask(policy->host->arg, now);

	g_array_free(told ? *own : now, TRUE);
	if (told)
		*own = now;
	return told;
}

static void refresh(struct policy *policy)
{
	policy->fresh_until = policy->clock->now + REFRESH;
	memset(policy->allowed, 0, sizeof(policy->allowed));
	policy->known |= ask_addresses(policy, policy->host->addresses, &policy->own);
}

static void refresh6(struct policy *policy)
{
	policy->fresh_until6 = policy->clock->now + REFRESH;
	memset(policy->allowed6, 0, sizeof(policy->allowed6));
	policy->known6 |= ask_addresses(policy, policy->host->addresses6, &policy->own6);
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

static bool has_prefix(const struct in6_addr *addr, const struct in6_addr *net, unsigned prefix)
{
	unsigned whole = prefix / 8, rest = prefix % 8;

	if (memcmp(addr, net, whole) != 0)
		return false;
	return rest == 0 || (addr->s6_addr[whole] ^ net->s6_addr[whole]) >> (8 - rest) == 0;
}

static bool is_never6(const struct in6_addr *addr)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(never6); i++)
		if (has_prefix(addr, &never6[i].addr, never6[i].prefix))
			return true;
	return false;
}

static enum policy_route route6(const struct policy *policy, const struct in6_addr *addr)
{
	return policy->host->route6 ? policy->host->route6(policy->host->arg, addr) : ROUTE_UNKNOWN;
}

static bool is_here6(const struct policy *policy, const struct in6_addr *addr)
{
	enum policy_route route = route6(policy, addr);

	for (unsigned i = 0; i < policy->own6->len; i++)
		if (IN6_ARE_ADDR_EQUAL(&g_array_index(policy->own6, struct in6_addr, i), addr))
			return true;
	return route == ROUTE_HERE || (route == ROUTE_UNKNOWN && !policy->known6);
}

static unsigned slot_of(const struct in6_addr *addr)
{
	uint32_t words[4];

	memcpy(words, addr, sizeof(words));
	return ((words[0] ^ words[1] ^ words[2] ^ words[3]) * UINT32_C(0x9e3779b1) >> 16) % CACHE_SIZE;
}

bool policy_world6(struct policy *policy, const struct in6_addr *addr, bool opening)
{
	struct in6_addr *slot = &policy->allowed6[slot_of(addr)];

	if (is_never6(addr))
		return false;
	if (policy->fresh_until6 == 0 || (opening && policy->clock->now >= policy->fresh_until6))
		refresh6(policy);
	if (IN6_ARE_ADDR_EQUAL(slot, addr))
		return true;
	if (is_here6(policy, addr))
		return false;
	*slot = *addr;
	return true;
}

bool policy_has_world6(const struct policy *policy)
{
	return route6(policy, &somewhere) == ROUTE_AWAY;
}

bool policy_resolver(const struct policy *policy, struct in6_addr *addr)
{
	return policy->host->resolver && policy->host->resolver(policy->host->arg, addr);
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

static bool own_addresses6(void *arg, GArray *addresses)
{
	struct ifaddrs *list;

	(void)arg;
	if (getifaddrs(&list) < 0)
		return false;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		struct sockaddr_in6 sin6;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET6)
			continue;
		memcpy(&sin6, i->ifa_addr, sizeof(sin6));
		g_array_append_val(addresses, sin6.sin6_addr);
	}
	freeifaddrs(list);
	return true;
}

/* ADDR: LEN bytes, of FAMILY. */
static bool ask_route(struct kernel *k, uint8_t family, const void *addr, size_t len)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
		struct rtattr attribute;
		uint8_t addr[sizeof(struct in6_addr)];
	} request = {
		.header = { .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = ++k->seq },
		.route = { .rtm_family = family, .rtm_dst_len = (uint8_t)(len * 8) },
		.attribute = { .rta_len = (unsigned short)RTA_LENGTH(len), .rta_type = RTA_DST },
	};
	size_t total = sizeof(request) - sizeof(request.addr) + len;

	memcpy(request.addr, addr, len);
	request.header.nlmsg_len = (uint32_t)total;
	return send(k->netlink, &request, total, MSG_DONTWAIT) == (ssize_t)total;
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
	case RTN_UNREACHABLE:
	case RTN_BLACKHOLE:
	case RTN_PROHIBIT:
		return ROUTE_UNKNOWN;
	default:
		return ROUTE_AWAY;
	}
}

/* The kernel answers within send(): recv() need not wait. An answer to an earlier question is passed over. */
static enum policy_route await_route(const struct kernel *k)
{
	union {
		struct nlmsghdr header;
		uint8_t bytes[4096];
	} answer;
	ssize_t len;

	while ((len = recv(k->netlink, &answer, sizeof(answer), MSG_DONTWAIT)) >= (ssize_t)sizeof(answer.header))
		if (answer.header.nlmsg_seq == k->seq)
			return route_of(&answer.header, (size_t)len);
	return ROUTE_UNKNOWN;
}

static enum policy_route ask_kernel(void *arg, uint32_t addr)
{
	uint32_t network_order = htonl(addr);

	if (((struct kernel *)arg)->netlink < 0 || !ask_route(arg, AF_INET, &network_order, sizeof(network_order)))
		return ROUTE_UNKNOWN;
	return await_route(arg);
}

static enum policy_route ask_kernel6(void *arg, const struct in6_addr *addr)
{
	if (((struct kernel *)arg)->netlink < 0 || !ask_route(arg, AF_INET6, addr, sizeof(*addr)))
		return ROUTE_UNKNOWN;
	return await_route(arg);
}

/* The address of a line of resolv.conf(5), which begins with `nameserver`. One with an interface behind a `%` will not do. */
static bool name_server(const char *line, struct in6_addr *addr)
{
	char text[INET6_ADDRSTRLEN + 1];
	struct in_addr v4;

	if (sscanf(line, "nameserver%*[ \t]%46s", text) != 1)
		return false;
	if (inet_pton(AF_INET, text, &v4) != 1)
		return inet_pton(AF_INET6, text, addr) == 1 && !IN6_IS_ADDR_LINKLOCAL(addr);
	*addr = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	memcpy(&addr->s6_addr[12], &v4, sizeof(v4));
	return true;
}

static bool ask_resolv_conf(void *arg, struct in6_addr *addr)
{
	FILE *file = fopen("/etc/resolv.conf", "re");
	char line[512];
	bool found = false;

	(void)arg;
	while (file && !found && fgets(line, sizeof(line), file))
		found = name_server(line, addr);
	if (file)
		fclose(file);
	return found;
}

struct policy_host *policy_host_new(void)
{
	struct kernel *k = g_new0(struct kernel, 1);

	k->host = (struct policy_host){ .addresses = own_addresses, .route = ask_kernel, .addresses6 = own_addresses6, .route6 = ask_kernel6,
					.resolver = ask_resolv_conf, .arg = k };
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
