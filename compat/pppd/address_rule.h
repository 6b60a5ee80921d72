/* Addresses that a peer may use, as the address column of secrets files and allow-ip name them. */
#ifndef SLIRPPD_COMPAT_PPPD_ADDRESS_RULE_H
#define SLIRPPD_COMPAT_PPPD_ADDRESS_RULE_H

#include <stdbool.h>

#include "config.h"

struct world;

/* `*` (all), `-` (none), or [!]A[/N[+]]: A is an address, or the name of a host or a network, which WORLD looks up (that may take time);
 * with +, it is address UNIT + 1 of its network. False, with one line in *WHY (g_free it): it is none of these. */
bool address_rule_parse(const char *text, unsigned unit, const struct world *world, struct address_rule *rule, char **why);

/* Nothing that comes after this rule is ever looked at. */
bool address_rule_ends(const struct address_rule *rule);

#endif
