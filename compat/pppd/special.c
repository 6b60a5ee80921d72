/* What options of LCP, logging and the like do beyond storing a value. Called from the table's rows. */
#include <grp.h>
#include <stdlib.h>
#include <string.h>

#include "compat/pppd/reading.h"

OPTION_CALL(call_lcp_all)
{
	struct lcp_config *lcp = &o->config->lcp;

	(void)row;
	(void)arg;
	lcp->neg_mru = lcp->neg_asyncmap = lcp->neg_magic = lcp->neg_pcomp = lcp->neg_accomp = false;
	return true;
}

OPTION_CALL(call_mru)
{
	(void)row;
	(void)arg;
	o->config->lcp.neg_mru = true;
	return true;
}

OPTION_CALL(call_asyncmap)
{
	(void)row;
	(void)arg;
	o->config->lcp.neg_asyncmap = true;
	return true;
}

/* `escape 11,13`: hexadecimal; 5e is what an escaped 7e looks like on the line. */
OPTION_CALL(call_escape)
{
	const char *at = arg;

	(void)row;
	while (*at) {
		char *end;
		unsigned long byte = strtoul(at, &end, 16);

		if (end == at)
			return option_fail(o, "escape parameter contains invalid hex number '%s'", at);
		if (byte > 0xff || byte == 0x5e)
			return option_fail(o, "can't escape character 0x%lx", byte);
		o->config->lcp.escape[byte / 8] |= (uint8_t)(1U << byte % 8);
		at = end + strspn(end, ", ");
	}
	return true;
}

/* XON and XOFF are the line's then: the peer must escape its own. */
OPTION_CALL(call_xonxoff)
{
	(void)row;
	(void)arg;
	o->config->line.xonxoff = true;
	o->config->lcp.asyncmap |= 0xa0000;
	return true;
}

OPTION_CALL(call_no_xonxoff)
{
	(void)row;
	(void)arg;
	o->config->line.xonxoff = false;
	return true;
}

OPTION_CALL(call_updetach)
{
	(void)row;
	(void)arg;
	o->config->nodetach = false;
	return true;
}

OPTION_CALL(call_sdnotify)
{
	(void)row;
	(void)arg;
	o->config->nodetach = true;
	return true;
}

OPTION_CALL(call_logfd)
{
	(void)row;
	(void)arg;
	o->config->logfd_given = true;
	g_clear_pointer(&o->config->logfile, g_free);
	return true;
}

OPTION_CALL(call_nolog)
{
	o->config->logfd = -1;
	return call_logfd(o, row, arg);
}

/* Names that become part of a file's: pppN.pid. */
OPTION_CALL(call_label)
{
	if (arg[0] == '\0' || strpbrk(arg, "/ \t\n"))
		return option_fail(o, "invalid %s '%s'", row->name, arg);
	return true;
}

static bool add_variable(struct options *o, const char *change)
{
	g_ptr_array_add(o->config->script_env, g_strdup(change));
	return true;
}

OPTION_CALL(call_set)
{
	(void)row;
	if (!strchr(arg, '='))
		return option_fail(o, "missing = in name=value: %s", arg);
	if (arg[0] == '=')
		return option_fail(o, "missing variable name: %s", arg);
	return add_variable(o, arg);
}

OPTION_CALL(call_unset)
{
	(void)row;
	if (strchr(arg, '='))
		return option_fail(o, "unexpected = in name: %s", arg);
	if (arg[0] == '\0')
		return option_fail(o, "missing variable name for unset");
	return add_variable(o, arg);
}

OPTION_CALL(call_demand)
{
	(void)row;
	(void)arg;
	o->config->persist = true;
	return true;
}

/* Any other word is the sum, with pppd too. */
OPTION_CALL(call_mo_direction)
{
	static const char *const words[] = { [OCTETS_SUM] = "sum", [OCTETS_IN] = "in", [OCTETS_OUT] = "out", [OCTETS_MAX] = "max" };

	(void)row;
	o->config->mo_direction = OCTETS_SUM;
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strcmp(words[i], arg) == 0)
			o->config->mo_direction = (enum octets_direction)i;
	return true;
}

OPTION_CALL(call_privgroup)
{
	(void)row;
	return getgrnam(arg) || option_fail(o, "group %s is unknown", arg);
}

/* RFC 1990 §5.1.3's classes, by pppd's names or by number. */
OPTION_CALL(call_endpoint)
{
	static const char *const classes[] = { "null", "local", "IP", "MAC", "magic", "phone" };
	size_t len = strcspn(arg, ":");
	bool known = false;

	(void)row;
	for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
		known = known || (strlen(classes[i]) == len && g_ascii_strncasecmp(arg, classes[i], len) == 0);
	if ((!known && (len == 0 || strspn(arg, "0123456789") != len)) || (arg[len] != ':' && g_ascii_strcasecmp(arg, "null") != 0))
		return option_fail(o, "Can't parse '%s' as an endpoint discriminator", arg);
	return true;
}
