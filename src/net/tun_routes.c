/* Default routes and proxy ARP for the tun backend; see tun_routes.h. Called by tun_link.c; the kernel is behind priv.h. The messages, and
 * what forbids a route, are pppd 2.4.9's with Debian's replacedefaultroute. */
#include "net/tun_routes.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include "log.h"

/* A default route of ours. */
struct own_route {
	bool added;
	struct priv_route route;
	bool replaces; /* OLD was the one that packets took */
	struct priv_route old;
};

struct tun_routes {
	struct net_config wanted;
	unsigned index;
	char ifname[IFNAMSIZ];
	uint32_t table;
	bool ipv4, ipv6;
	uint32_t remote;
	struct own_route default4, default6;
	unsigned arp_index; /* where there is an entry for the peer that we made, or 0 */
};

const struct priv_route *tun_routes_obstacle(const GArray *routes, unsigned index, int metric)
{
	const struct priv_route *found = NULL;

	for (guint i = 0; i < routes->len; i++) {
		const struct priv_route *route = &g_array_index(routes, struct priv_route, i);

		if (route->index == index || (metric >= 0 && route->metric != (uint32_t)metric))
			continue;
		if (!found || route->metric < found->metric)
			found = route;
	}
	return found;
}

const struct priv_interface *tun_routes_network(const GArray *interfaces, uint32_t address)
{
	const struct priv_interface *found = NULL;

	for (guint n = 0; n < interfaces->len; n++) {
		const struct priv_interface *i = &g_array_index(interfaces, struct priv_interface, n);

		if (i->broadcast && ((i->address ^ address) & i->mask) == 0 && (!found || i->mask > found->mask))
			found = i;
	}
	return found;
}

static void say(void (*log)(const char *fmt, ...), const char *what, const struct priv_route *route)
{
	char name[IFNAMSIZ] = "?", gateway[INET6_ADDRSTRLEN] = "?";

	if_indextoname(route->index, name);
	inet_ntop(route->family, route->gateway, gateway, sizeof(gateway));
	log("%s default route to %s [%s]", what, name, gateway);
}

static bool has_gateway(const struct priv_route *route)
{
	static const uint8_t none[sizeof(route->gateway)];

	return memcmp(route->gateway, none, sizeof(none)) != 0;
}

static void refuse(const struct priv_route *old)
{
	char name[IFNAMSIZ] = "?";

	if (old->family == AF_INET) {
		say(log_error, "not replacing", old);
	} else if (has_gateway(old)) {
		log_error("not replacing existing default route via gateway");
	} else {
		if_indextoname(old->index, name);
		log_error("not replacing existing default route through %s", name);
	}
}

/* Whether there may be a default route of ours beside those that are there. */
static bool make_way(struct tun_routes *r, struct own_route *own, int metric)
{
	GArray *routes = priv_default_routes(own->route.family, r->table);
	const struct priv_route *old = tun_routes_obstacle(routes, r->index, metric);

	own->replaces = old && own->route.family == AF_INET && r->wanted.replacedefaultroute;
	if (own->replaces)
		own->old = *old;
	bool allowed = !old || own->replaces;
	if (!allowed)
		refuse(old);
	g_array_free(routes, TRUE);
	return allowed;
}

static void add_default(struct tun_routes *r, struct own_route *own, int family, int metric)
{
	own->route = (struct priv_route){ .family = family, .table = r->table, .index = r->index, .metric = (uint32_t)MAX(metric, 0) };
	if (own->added || !make_way(r, own, metric))
		return;
	int result = priv_default_route(&own->route, true);
	own->added = result == 0;
	if (result < 0)
		log_error("Couldn't add default route through %s: %m", r->ifname);
	else if (own->replaces)
		say(log_notice, "replacing old", &own->old);
}

static void remove_default(struct own_route *own)
{
	if (!own->added)
		return;
	priv_default_route(&own->route, false);
	if (own->replaces)
		say(log_notice, "restoring old", &own->old);
	own->added = false;
}

static void add_proxy_arp(struct tun_routes *r)
{
	GArray *interfaces = priv_interfaces();
	const struct priv_interface *i = tun_routes_network(interfaces, r->remote);
	int result = -1;

	if (!i) {
		log_error("Cannot determine ethernet address for proxy ARP");
	} else {
		log_info("found interface %s for proxy arp", i->name);
		result = priv_proxy_arp(i->index, r->remote, true);
		if (result < 0)
			log_error("Couldn't add proxy ARP entry on %s: %m", i->name);
	}
	r->arp_index = result == 0 ? i->index : 0;
	g_array_free(interfaces, TRUE);
}

static void remove_proxy_arp(struct tun_routes *r)
{
	if (r->arp_index != 0 && priv_proxy_arp(r->arp_index, r->remote, false) < 0)
		log_dbg("proxy ARP entry on interface %u: %m", r->arp_index);
	r->arp_index = 0;
}

/* A default route names no address, and stays when addresses change. */
static void set_ipv4(struct tun_routes *r, bool up, uint32_t remote)
{
	if (up == r->ipv4 && remote == r->remote)
		return;
	remove_proxy_arp(r);
	r->ipv4 = up;
	r->remote = remote;
	if (!up) {
		remove_default(&r->default4);
		return;
	}
	if (r->wanted.defaultroute)
		add_default(r, &r->default4, AF_INET, r->wanted.metric);
	if (r->wanted.proxyarp)
		add_proxy_arp(r);
}

static void set_ipv6(struct tun_routes *r, bool up)
{
	if (up == r->ipv6)
		return;
	r->ipv6 = up;
	if (!up)
		remove_default(&r->default6);
	else if (r->wanted.defaultroute6)
		add_default(r, &r->default6, AF_INET6, r->wanted.metric6);
}

void tun_routes_set(struct tun_routes *r, bool ipv4, uint32_t remote, bool ipv6)
{
	set_ipv4(r, ipv4, remote);
	set_ipv6(r, ipv6);
}

struct tun_routes *tun_routes_new(const struct net_config *wanted, unsigned index, const char *ifname, uint32_t table)
{
	struct tun_routes *r = g_new0(struct tun_routes, 1);

	net_config_copy(&r->wanted, wanted);
	r->index = index;
	g_strlcpy(r->ifname, ifname, sizeof(r->ifname));
	r->table = table;
	return r;
}

void tun_routes_configure(struct tun_routes *r, const struct net_config *wanted)
{
	struct net_config old = r->wanted;

	net_config_copy(&r->wanted, wanted);
	net_config_clear(&old);
}

void tun_routes_free(struct tun_routes *r)
{
	tun_routes_set(r, false, 0, false);
	net_config_clear(&r->wanted);
	g_free(r);
}
