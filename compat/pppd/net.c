/* Words that are addresses: LOCAL:REMOTE, ms-dns, net. Called from the table's rows. Names are looked up here, once, at the start. */
#include <stdlib.h>
#include <string.h>

#include "compat/pppd/reading.h"
#include "compat/pppd/spec.h"

bool option_bad_address(uint32_t address)
{
	return address >> 24 == 127 || address >= UINT32_C(0xe0000000);
}

static bool find_address(struct options *o, const char *text, uint32_t *address)
{
	const struct spec_names names = option_names(o);

	return spec_address(text, &names, address);
}

static bool all_digits(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static void append_address(GString *text, uint32_t address)
{
	if (address)
		g_string_append_printf(text, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff, address & 0xff);
}

bool match_addresses(struct options *o, const char *word)
{
	(void)o;
	return strchr(word, ':') != NULL;
}

/* One half of LOCAL:REMOTE. Each has a priority of its own; 0.0.0.0 is as good as nothing. */
static bool take_address(struct options *o, const char *half, const char *which, uint32_t *place, int *priority)
{
	uint32_t address;

	if (half[0] == '\0')
		return true;
	if (!find_address(o, half, &address))
		return option_fail(o, "unknown host: %s", half);
	if (option_bad_address(address))
		return option_fail(o, "bad %s IP address %s", which, half);
	if (address && o->source->priority >= *priority) {
		*place = address;
		*priority = o->source->priority;
	}
	return true;
}

static bool take_addresses(struct options *o, const char *arg, char *const halves[])
{
	struct ipcp_config *ipcp = &o->config->ipcp;

	if (all_digits(halves[0]) && all_digits(halves[1]))
		return option_fail(o, "unknown host: %s (in LOCAL:REMOTE, the addresses of the link; did you mean 'forward %s'?)",
				   halves[0], arg);
	return take_address(o, halves[0], "local", &ipcp->local, &o->local_priority) &&
	       take_address(o, halves[1], "remote", &ipcp->remote, &o->remote_priority);
}

OPTION_CALL(call_addresses)
{
	const struct ipcp_config *ipcp = &o->config->ipcp;
	char **halves = g_strsplit(arg, ":", 2);
	bool ok = take_addresses(o, arg, halves);

	(void)row;
	g_strfreev(halves);
	GString *shown = g_string_new(NULL);
	append_address(shown, ipcp->local);
	g_string_append_c(shown, ':');
	append_address(shown, ipcp->remote);
	o->shown = g_string_free(shown, FALSE);
	return ok;
}

/* The first one is told as both servers; later ones move up (pppd keeps the last two). */
OPTION_CALL(call_name_server)
{
	struct ipcp_config *ipcp = &o->config->ipcp;
	uint32_t *servers = strcmp(row->name, "ms-dns") == 0 ? ipcp->dns : ipcp->wins;
	uint32_t address;

	if (!find_address(o, arg, &address))
		return option_fail(o, "invalid address parameter '%s' for %s option", arg, row->name);
	servers[0] = servers[0] ? servers[1] : address;
	servers[1] = address;
	return true;
}

/* 255.255.255.0, or a number such as 0xffffff00; as pppd reads numbers, of any base. */
static bool parse_mask(const char *at, uint32_t *mask)
{
	*mask = 0;
	for (int shift = 24;; shift -= 8) {
		char *end;
		unsigned long part = strtoul(at, &end, 0);

		if (end == at || (part > 255 && (shift < 24 || part > UINT32_MAX)))
			return false;
		if (part > 255) {
			*mask = (uint32_t)part;
			return *end == '\0';
		}
		*mask |= (uint32_t)part << shift;
		if (shift == 0)
			return *end == '\0';
		if (*end != '.')
			return false;
		at = end + 1;
	}
}

/* A later one may only add to it. */
OPTION_CALL(call_netmask)
{
	struct net_config *net = &o->config->net;
	uint32_t mask;

	(void)row;
	if (!parse_mask(arg, &mask) || (net->netmask & ~mask) != 0)
		return option_fail(o, "invalid netmask value '%s'", arg);
	net->netmask = mask;
	return true;
}

OPTION_CALL(call_net)
{
	static const char *const words[] = { [CHOICE_SLIRP] = "slirp", [CHOICE_TUN] = "tun", [CHOICE_AUTO] = "auto" };

	(void)row;
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (words[i] && strcmp(words[i], arg) == 0) {
			o->net = (int)i;
			return true;
		}
	}
	return option_fail(o, "net must be slirp, tun or auto, not '%s'", arg);
}
