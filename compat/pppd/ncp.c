/* What options of IPV6CP and CCP do beyond storing a value (pppd: ipv6cp.c, ccp.c). Called from the table's rows. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "compat/pppd/reading.h"

/* ::1:2:3:4 with nothing but zeros before the last 64 bits, which are the identifier and not all zero. */
static bool parse_identifier(const char *text, uint64_t *id)
{
	struct in6_addr address;
	uint64_t halves[2] = { 0, 0 };

	if (inet_pton(AF_INET6, text, &address) != 1)
		return false;
	for (size_t i = 0; i < 16; i++)
		halves[i / 8] = halves[i / 8] << 8 | address.s6_addr[i];
	*id = halves[1];
	return halves[0] == 0 && halves[1] != 0;
}

/* One half of LOCAL,REMOTE. Each has a priority of its own. */
static bool take_identifier(struct options *o, const char *half, const char *which, uint64_t *place, int *priority)
{
	uint64_t id;

	if (half[0] == '\0')
		return true;
	if (!parse_identifier(half, &id))
		return option_fail(o, "Illegal interface identifier (%s): %s", which, half);
	if (o->source->priority >= *priority) {
		*place = id;
		*priority = o->source->priority;
	}
	return true;
}

/* Who gives identifiers wants IPv6. */
OPTION_CALL(call_identifiers)
{
	struct ipv6cp_config *ipv6cp = &o->config->ipv6cp;
	char **halves = g_strsplit(arg, ",", 2);
	bool ok = take_identifier(o, halves[0] ? halves[0] : "", "local", &ipv6cp->local, &o->local_id_priority) &&
		  (!halves[0] || !halves[1] ||
		   take_identifier(o, halves[1], "remote", &ipv6cp->remote, &o->remote_id_priority));

	(void)row;
	g_strfreev(halves);
	ok = ok && option_apply(o, option_find("+ipv6"), "+ipv6", NULL);
	g_clear_pointer(&o->shown, g_free);
	return ok;
}

/* RFC 1977 §3 and RFC 1979 §3: windows of 2^9 to 2^15. */
#define CODE_MIN 9
#define CODE_MAX 15

static bool parse_code(const char **at, unsigned *bits)
{
	char *end;
	unsigned long value = strtoul(*at, &end, 0);
	bool ok = end != *at && value <= UINT32_MAX;

	*bits = (unsigned)value;
	*at = end;
	return ok;
}

/* R[,T] */
static bool parse_codes(const char *at, unsigned *receive, unsigned *send)
{
	if (!parse_code(&at, receive))
		return false;
	*send = *receive;
	if (*at == ',') {
		at++;
		if (!parse_code(&at, send))
			return false;
	}
	return *at == '\0';
}

/* zlib never did what a window of 2^8 asks for. */
static void avoid_eight(struct options *o, unsigned *receive, unsigned *send)
{
	if (*receive == CODE_MIN - 1 || *send == CODE_MIN - 1)
		option_note(o, "deflate option value of %d changed to %d to avoid zlib bug", CODE_MIN - 1, CODE_MIN);
	if (*receive == CODE_MIN - 1)
		*receive = CODE_MIN;
	if (*send == CODE_MIN - 1)
		*send = CODE_MIN;
}

static bool is_code(unsigned bits)
{
	return bits == 0 || (bits >= CODE_MIN && bits <= CODE_MAX);
}

static void set_codes(struct options *o, bool deflate, unsigned receive, unsigned send)
{
	struct ccp_config *ccp = &o->config->ccp;

	*(deflate ? &ccp->deflate_receive : &ccp->bsd_receive) = receive;
	*(deflate ? &ccp->deflate_send : &ccp->bsd_send) = send;
}

OPTION_CALL(call_code_sizes)
{
	bool deflate = strcmp(row->name, "deflate") == 0;
	unsigned receive, send;

	if (!parse_codes(arg, &receive, &send))
		return option_fail(o, "invalid parameter '%s' for %s option", arg, row->name);
	if (deflate)
		avoid_eight(o, &receive, &send);
	if (!is_code(receive) || !is_code(send))
		return option_fail(o, "%s option values must be 0 or %d .. %d", row->name, CODE_MIN, CODE_MAX);
	set_codes(o, deflate, receive, send);
	o->shown = receive == send ? g_strdup_printf("%u", receive) : g_strdup_printf("%u,%u", receive, send);
	return true;
}

OPTION_CALL(call_no_code)
{
	(void)arg;
	set_codes(o, strcmp(row->name, "nodeflate") == 0, 0, 0);
	return true;
}

static bool set_mppe(struct options *o, unsigned mppe)
{
	o->config->ccp.mppe = mppe;
	o->config->ccp.mppe_required = mppe != 0;
	return true;
}

OPTION_CALL(call_mppe)
{
	(void)arg;
	return set_mppe(o, o->config->ccp.mppe | (unsigned)row->value);
}

/* Who forbids every strength no longer requires any. */
OPTION_CALL(call_no_mppe)
{
	(void)arg;
	return set_mppe(o, o->config->ccp.mppe & ~(unsigned)row->value);
}
