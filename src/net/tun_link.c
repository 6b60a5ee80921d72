/* The tun backend's interface: name, addresses, MTU; see tun_link.h. Called by tun.c; the kernel is behind priv.h, routes are in
 * tun_routes.c.
 *
 * New addresses are added before old ones are removed: the kernel forgets every route through an interface that has none for a moment. */
#include "net/tun_link.h"

#include <errno.h>
#include <glib.h>
#include <net/if.h>
#include <string.h>

#include "log.h"
#include "net/tun_routes.h"
#include "priv.h"

/* Of pppN, when we may make none and look for one that was made for us. */
#define UNITS_MAX 256

struct ends {
	uint32_t local, remote;
};
struct ends6 {
	uint64_t local, remote;
};

struct tun_link {
	int fd;
	char name[IFNAMSIZ];
	unsigned index;
	bool vnet_header, made;
	struct priv_link before; /* as it was found, where we did not make it */
	bool up;
	struct ends ends;   /* IPv4, as it is now; zeroes: down */
	struct ends6 ends6; /* likewise IPv6 */
	bool own, own6;     /* we gave the interface that address */
	struct tun_routes *routes;
};

static bool try_name(struct tun_link *l, const char *name)
{
	l->fd = priv_tun_open(name, l->name, &l->vnet_header, &l->made);
	return l->fd >= 0;
}

static bool try_unit(struct tun_link *l, int unit)
{
	char name[IFNAMSIZ];

	g_snprintf(name, sizeof(name), "ppp%d", unit);
	if (try_name(l, name))
		return true;
	if (if_nametoindex(name) != 0)
		log_warn("Couldn't allocate PPP unit %d as it is already in use", unit);
	return false;
}

/* Whether one of the pppN that are there was made for us. */
static bool find_ours(struct tun_link *l)
{
	for (int unit = 0; unit < UNITS_MAX; unit++) {
		char name[IFNAMSIZ];

		g_snprintf(name, sizeof(name), "ppp%d", unit);
		if (if_nametoindex(name) != 0 && try_name(l, name))
			return true;
	}
	errno = EPERM;
	return false;
}

static bool is_forbidden(int error)
{
	return error == EPERM || error == EACCES;
}

static bool open_device(struct tun_link *l, const struct net_config *config)
{
	if (config->ifname)
		return try_name(l, config->ifname);
	if (config->unit >= 0 && try_unit(l, config->unit))
		return true;
	return try_name(l, "ppp%d") || (config->unit < 0 && is_forbidden(errno) && find_ours(l));
}

static void log_no_device(const struct net_config *config)
{
	int error = errno;
	const char *name = config->ifname ? config->ifname : "pppN";

	if (is_forbidden(error))
		log_error("Couldn't create interface %s: %s (it takes CAP_NET_ADMIN, or one that root made with: "
			  "ip tuntap add dev %s mode tun user %s; net slirp needs nothing)",
			  name, g_strerror(error), config->ifname ? name : "ppp0", g_get_user_name());
	else
		log_error("Couldn't create interface %s: %s", name, g_strerror(error));
}

static bool set_up_routes(struct tun_link *l, const struct net_config *config)
{
	uint32_t table = PRIV_TABLE_MAIN;

	if (config->vrf && priv_link_enslave(l->index, config->vrf, &table) < 0) {
		log_error("Couldn't put interface %s into VRF %s: %m", l->name, config->vrf);
		return false;
	}
	l->routes = tun_routes_new(config, l->index, l->name, table);
	return true;
}

struct tun_link *tun_link_open(const struct net_config *config)
{
	struct tun_link *l = g_new0(struct tun_link, 1);

	if (!open_device(l, config)) {
		log_no_device(config);
		g_free(l);
		return NULL;
	}
	l->index = if_nametoindex(l->name);
	priv_link_get(l->index, &l->before);
	if (config->netmask != 0 && config->netmask != UINT32_MAX)
		log_info("netmask has no effect: an interface between two points has 255.255.255.255, as pppd gives it on Linux");
	if (set_up_routes(l, config))
		return l;
	priv_tun_close(l->fd);
	g_free(l);
	return NULL;
}

static void set_ends(struct tun_link *l, struct ends ends, bool own)
{
	const struct ends old = l->ends;
	bool had = l->own;

	l->ends = ends;
	l->own = own;
	if (had && priv_address(l->index, old.local, old.remote, false) < 0)
		log_dbg("%s: old address: %m", l->name);
}

static bool change_ends(struct tun_link *l, struct ends ends)
{
	if (ends.local == l->ends.local && ends.remote == l->ends.remote)
		return true;
	int result = ends.local != 0 ? priv_address(l->index, ends.local, ends.remote, true) : 1;
	if (result >= 0)
		set_ends(l, ends, result == 0);
	return result >= 0;
}

/* A kernel that knows no peer's address in IPv6 takes ours alone. */
static int add_address6(struct tun_link *l, struct ends6 *ends)
{
	int result = priv_address6(l->index, ends->local, ends->remote, true);

	if (result >= 0 || is_forbidden(errno))
		return result;
	ends->remote = 0;
	return priv_address6(l->index, ends->local, 0, true);
}

static void set_ends6(struct tun_link *l, struct ends6 ends, bool own)
{
	const struct ends6 old = l->ends6;
	bool had = l->own6;

	l->ends6 = ends;
	l->own6 = own;
	if (had && priv_address6(l->index, old.local, old.remote, false) < 0)
		log_dbg("%s: old IPv6 address: %m", l->name);
}

/* A machine without IPv6 has no such address: the link does without, too. */
static void change_ends6(struct tun_link *l, struct ends6 ends)
{
	if (ends.local == l->ends6.local && (ends.remote == l->ends6.remote || l->ends6.remote == 0))
		return;
	int result = ends.local != 0 ? add_address6(l, &ends) : 1;
	if (result < 0)
		log_warn("%s: no link-local IPv6 address: %m", l->name);
	set_ends6(l, result < 0 ? (struct ends6){ 0 } : ends, result == 0);
}

/* Smaller than the link's is good enough where it is not ours to change. */
static bool set_mtu(const struct tun_link *l, unsigned mtu)
{
	struct priv_link now;

	if (priv_link_set_mtu(l->index, mtu) >= 0)
		return true;
	int error = errno;
	bool fits = is_forbidden(error) && priv_link_get(l->index, &now) == 0 && now.mtu < mtu;
	errno = error;
	return fits;
}

static char *dotted(uint32_t address)
{
	return g_strdup_printf("%u.%u.%u.%u", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff, address & 0xff);
}

/* What an administrator would have to do in our place. */
static void log_not_configured(const struct tun_link *l, const struct net_link *link, int error)
{
	if (!is_forbidden(error)) {
		log_error("Couldn't configure interface %s: %s", l->name, g_strerror(error));
		return;
	}
	char *local = dotted(link->local), *remote = dotted(link->remote);
	GString *command = g_string_new(NULL);
	g_string_printf(command, "ip link set %s mtu %u up", l->name, link->mtu);
	if (link->local != 0)
		g_string_append_printf(command, " && ip address add %s peer %s dev %s", local, remote, l->name);
	log_error("Couldn't configure interface %s: it takes CAP_NET_ADMIN, or this beforehand, as root: %s", l->name, command->str);
	g_string_free(command, TRUE);
	g_free(remote);
	g_free(local);
}

bool tun_link_set(struct tun_link *l, const struct net_link *link)
{
	const struct ends ends = { link->local, link->remote };
	const struct ends6 ends6 = { link->local_id, link->remote_id };

	if (!set_mtu(l, link->mtu) || !change_ends(l, ends) || priv_link_set_up(l->index, true) < 0) {
		log_not_configured(l, link, errno);
		return false;
	}
	l->up = true;
	change_ends6(l, ends6);
	tun_routes_set(l->routes, link->local != 0, link->remote, l->ends6.local != 0);
	return true;
}

void tun_link_down(struct tun_link *l)
{
	if (!l->up)
		return;
	l->up = false;
	tun_routes_set(l->routes, false, 0, false);
	set_ends6(l, (struct ends6){ 0 }, false);
	set_ends(l, (struct ends){ 0 }, false);
	if ((l->made || !l->before.up) && priv_link_set_up(l->index, false) < 0)
		log_dbg("%s: down: %m", l->name);
}

void tun_link_close(struct tun_link *l)
{
	tun_link_down(l);
	if (!l->made && priv_link_set_mtu(l->index, l->before.mtu) < 0)
		log_dbg("%s: old MTU: %m", l->name);
	tun_routes_free(l->routes);
	priv_tun_close(l->fd);
	g_free(l);
}

const char *tun_link_name(const struct tun_link *l)
{
	return l->name;
}

int tun_link_fd(const struct tun_link *l)
{
	return l->fd;
}

bool tun_link_has_vnet_header(const struct tun_link *l)
{
	return l->vnet_header;
}

uint64_t tun_link_identifier(const struct tun_link *l)
{
	return l->ends6.local;
}

void tun_link_configure(struct tun_link *l, const struct net_config *config)
{
	tun_routes_configure(l->routes, config);
}
