/* What leads to the peer beside its own address: default routes and proxy ARP, there only while IPv4 or IPv6 is up. Called by tun_link.c.
 *
 * Nothing that was there before is taken away, so that nothing has to be put back, whatever our end is: with replacedefaultroute, too, the
 * old default route stays, and ours stands before it. When the interface goes, the kernel removes what leads through it; an entry for
 * proxy ARP alone would survive a SIGKILL. */
#ifndef SLIRPPD_NET_TUN_ROUTES_H
#define SLIRPPD_NET_TUN_ROUTES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "priv.h"

struct tun_routes;

/* For interface INDEX, called IFNAME, whose routes are in TABLE. WANTED is copied. */
struct tun_routes *tun_routes_new(const struct net_config *wanted, unsigned index, const char *ifname, uint32_t table);
/* Removes what was added. */
void tun_routes_free(struct tun_routes *r);

/* Another configuration holds from the next time on that IPv4 or IPv6 comes up. */
void tun_routes_configure(struct tun_routes *r, const struct net_config *wanted);

/* What is up now, and the peer's address (0: not known). Adds what is wanted and removes what is not, with pppd's messages; what fails is
 * said, and stops nothing. */
void tun_routes_set(struct tun_routes *r, bool ipv4, uint32_t remote, bool ipv6);

/* Of ROUTES (of struct priv_route) the one that forbids a default route through interface INDEX: with METRIC (-1: none is given) another
 * interface has one; the kernel's favourite where there are several. NULL: none. */
const struct priv_route *tun_routes_obstacle(const GArray *routes, unsigned index, int metric);

/* Of INTERFACES (of struct priv_interface) the one on whose network ADDRESS is, the smallest such network; or NULL. */
const struct priv_interface *tun_routes_network(const GArray *interfaces, uint32_t address);

#endif
