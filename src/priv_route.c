/* Routes and ARP behind the narrow door; see priv.h. Called by net/tun_routes.c. Linux: rtnetlink(7), arp(7). */
#include "priv.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "netlink.h"

struct collection {
	int family;
	uint32_t table;
	GArray *routes;
};

static int on_route(const struct nlmsghdr *message, void *arg)
{
	struct collection *c = arg;
	struct priv_route route;

	if (netlink_parse_default(message, c->family, c->table, &route))
		g_array_append_val(c->routes, route);
	return MNL_CB_OK;
}

GArray *priv_default_routes(int family, uint32_t table)
{
	struct netlink_request request;
	struct collection c = { .family = family, .table = table, .routes = g_array_new(FALSE, FALSE, sizeof(struct priv_route)) };

	netlink_ask(netlink_list(&request, RTM_GETROUTE, (uint8_t)family, 0), on_route, &c);
	return c.routes;
}

int priv_default_route(const struct priv_route *route, bool add)
{
	struct netlink_request request;

	if (netlink_ask(netlink_default(&request, route->index, route, add), NULL, NULL) == 0)
		return 0;
	return errno == (add ? EEXIST : ESRCH) ? 1 : -1;
}

static uint32_t ipv4_of(const struct sockaddr *address)
{
	struct sockaddr_in in = { 0 };

	if (address)
		memcpy(&in, address, sizeof(in));
	return ntohl(in.sin_addr.s_addr);
}

static struct priv_interface describe(const struct ifaddrs *at)
{
	const unsigned asked = IFF_UP | IFF_BROADCAST | IFF_POINTOPOINT | IFF_LOOPBACK | IFF_NOARP;
	struct priv_interface i = {
		.broadcast = (at->ifa_flags & asked) == (IFF_UP | IFF_BROADCAST),
		.address = ipv4_of(at->ifa_addr),
		.mask = ipv4_of(at->ifa_netmask),
	};

	g_strlcpy(i.name, at->ifa_name, sizeof(i.name));
	i.name[strcspn(i.name, ":")] = '\0'; /* eth0:1 is a label of an address */
	i.index = if_nametoindex(i.name);
	return i;
}

GArray *priv_interfaces(void)
{
	GArray *interfaces = g_array_new(FALSE, FALSE, sizeof(struct priv_interface));
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return interfaces;
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET)
			continue;
		struct priv_interface i = describe(at);
		g_array_append_val(interfaces, i);
	}
	freeifaddrs(all);
	return interfaces;
}

struct search {
	unsigned index;
	uint32_t address;
	bool found;
};

static int on_neighbour(const struct nlmsghdr *message, void *arg)
{
	struct search *s = arg;

	s->found |= netlink_is_proxy(message, s->index, s->address);
	return MNL_CB_OK;
}

/* The kernel does not tell whether an entry that we add was there before. */
int priv_proxy_arp(unsigned index, uint32_t address, bool add)
{
	struct netlink_request request;
	struct search search = { .index = index, .address = address };

	netlink_ask(netlink_list(&request, RTM_GETNEIGH, AF_INET, NTF_PROXY), on_neighbour, &search);
	if (search.found == add)
		return 1;
	return netlink_ask(netlink_proxy(&request, index, address, add), NULL, NULL);
}
