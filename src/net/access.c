/* Access lists; see access.h. The guard asks about whatever opens a flow. */
#include "net/access.h"

#include <string.h>

#define ADDRESS_BITS 128u

static bool matches_prefix(const struct access_rule *rule, const struct in6_addr *addr)
{
	unsigned prefix = MIN(rule->prefix, ADDRESS_BITS), whole = prefix / 8, rest = prefix % 8;

	if (memcmp(&rule->addr, addr, whole) != 0)
		return false;
	return rest == 0 || (rule->addr.s6_addr[whole] ^ addr->s6_addr[whole]) >> (8 - rest) == 0;
}

bool access_allows(const GArray *rules, const struct in6_addr *addr, uint16_t port)
{
	bool last_permits = false;

	for (guint i = 0; rules && i < rules->len; i++) {
		const struct access_rule *rule = &g_array_index(rules, struct access_rule, i);

		if ((rule->port == 0 || rule->port == port) && matches_prefix(rule, addr))
			return rule->permit;
		last_permits = rule->permit;
	}
	return !last_permits;
}

bool access_has_ports(const GArray *rules)
{
	for (guint i = 0; rules && i < rules->len; i++)
		if (g_array_index(rules, struct access_rule, i).port != 0)
			return true;
	return false;
}
