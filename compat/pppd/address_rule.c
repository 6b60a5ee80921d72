/* One word of an address column becomes a rule (pppd: auth.c, set_allowed_addrs()). Called by secrets.c and from allow-ip's row. */
#include "compat/pppd/address_rule.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "compat/pppd/reading.h"

#define ALL_ONES UINT32_MAX

/* The /N+ of a rule. */
struct width {
	bool given, plus;
	unsigned bits;
};

bool address_rule_ends(const struct address_rule *rule)
{
	return rule->mask == 0;
}

/* TEXT: what follows the slash, NULL where there is none. */
static bool parse_width(const char *text, struct width *width, char **why)
{
	char *end;

	*width = (struct width){ .given = text != NULL, .bits = 32 };
	if (!text)
		return true;
	long bits = strtol(text, &end, 10);
	if (bits < 1 || bits > 32) {
		*why = g_strdup_printf("invalid address length %s in auth. address list", text);
		return false;
	}
	width->bits = (unsigned)bits;
	width->plus = *end == '+';
	if (end[width->plus] == '\0')
		return true;
	*why = g_strdup_printf("invalid address length syntax: %s", text);
	return false;
}

/* What a network's address was taken to mean before it came with a mask. */
static unsigned class_bits(uint32_t address)
{
	if (address < UINT32_C(0x80000000))
		return 8;
	return address < UINT32_C(0xc0000000) ? 16 : 24;
}

static bool find_address(const struct world *world, const char *name, struct width *width, uint32_t *address)
{
	struct in_addr in;

	if (inet_pton(AF_INET, name, &in) == 1) {
		*address = ntohl(in.s_addr);
		return true;
	}
	if (name[0] == '\0')
		return false;
	if (world->resolve(world->arg, name, address))
		return true;
	if (!world->network(world->arg, name, address))
		return false;
	if (!width->given)
		width->bits = class_bits(*address);
	return true;
}

/* The address that belongs to our unit. */
static bool add_unit(const char *text, unsigned unit, struct address_rule *rule, char **why)
{
	if (unit >= ~rule->mask || unit + 1 >= ~rule->mask) {
		*why = g_strdup_printf("interface unit %u too large for subnet %s", unit, text);
		return false;
	}
	rule->address = (rule->address & rule->mask) + unit + 1;
	rule->mask = ALL_ONES;
	return true;
}

static bool parse_address(const char *text, unsigned unit, const struct world *world, struct address_rule *rule, char **why)
{
	const char *slash = strchr(text, '/');
	char *name = slash ? g_strndup(text, (gsize)(slash - text)) : g_strdup(text);
	struct width width;
	bool ok = parse_width(slash ? slash + 1 : NULL, &width, why);

	if (ok && !find_address(world, name, &width, &rule->address)) {
		*why = g_strdup_printf("unknown host %s in auth. address list", text);
		ok = false;
	}
	g_free(name);
	if (!ok)
		return false;
	rule->mask = ALL_ONES << (32 - width.bits);
	if (width.plus)
		return add_unit(text, unit, rule, why);
	rule->address &= rule->mask;
	return true;
}

bool address_rule_parse(const char *text, unsigned unit, const struct world *world, struct address_rule *rule, char **why)
{
	*rule = (struct address_rule){ .permit = text[0] != '!' };
	if (strcmp(text, "*") == 0)
		return true;
	if (strcmp(text, "-") == 0) {
		rule->permit = false;
		return true;
	}
	return parse_address(text + !rule->permit, unit, world, rule, why);
}
