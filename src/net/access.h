/* Access lists: permit-from, deny-from, permit-to, deny-to. Knows no packets. */
#ifndef SLIRPPD_NET_ACCESS_H
#define SLIRPPD_NET_ACCESS_H

#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"

/* What RULES (of struct access_rule; NULL is an empty list) say of ADDR, an IPv4 address as ::ffff:a.b.c.d, and PORT (0: none, as for
 * ICMP: rules with a port do not match it). The first rule that matches decides; where none does, true unless the last is a permit. */
bool access_allows(const GArray *rules, const struct in6_addr *addr, uint16_t port);

/* True when a rule names a port. */
bool access_has_ports(const GArray *rules);

#endif
