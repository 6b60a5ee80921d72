/* Words that are addresses and ports: LOCAL:REMOTE, ms-dns, net, service, forward. Called from the table's rows. Names are looked up
 * here, once, at the start. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "compat/pppd/reading.h"

#define LOOPBACK UINT32_C(0x7f000001)

static bool is_loopback(uint32_t address)
{
	return address >> 24 == 127;
}

/* Loopback, multicast and class E never belong to one end of a link. */
static bool is_bad(uint32_t address)
{
	return is_loopback(address) || address >= UINT32_C(0xe0000000);
}

bool option_address(struct options *o, const char *text, uint32_t *address)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) == 1) {
		*address = ntohl(in.s_addr);
		return true;
	}
	if (text[strspn(text, "0123456789.")] == '\0' || strchr(text, ':'))
		return false;
	return o->world.resolve(o->world.arg, text, address);
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
	if (!option_address(o, half, &address))
		return option_fail(o, "unknown host: %s", half);
	if (is_bad(address))
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

	if (!option_address(o, arg, &address))
		return option_fail(o, "invalid address parameter '%s' for %s option", arg, row->name);
	servers[0] = servers[0] ? servers[1] : address;
	servers[1] = address;
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

/* The parts of a service or forward, between colons. */
struct spec {
	const struct option_row *row;
	const char *text;
	uint8_t protocol;
	char **parts;
	unsigned count;
};

static void spec_split(struct spec *spec, const struct option_row *row, const char *text)
{
	*spec = (struct spec){ .row = row, .text = text, .protocol = CONFIG_TCP };
	if (g_str_has_prefix(text, "udp:"))
		spec->protocol = CONFIG_UDP;
	if (g_str_has_prefix(text, "udp:") || g_str_has_prefix(text, "tcp:"))
		text += 4;
	spec->parts = g_strsplit(text, ":", 5);
	spec->count = g_strv_length(spec->parts);
}

static bool spec_fail(struct options *o, const struct spec *spec)
{
	return option_fail(o, "%s must be %s, not '%s'", spec->row->name, spec->row->arg, spec->text);
}

static bool spec_port(struct options *o, const struct spec *spec, const char *text, uint16_t *port)
{
	unsigned long value = all_digits(text) ? strtoul(text, NULL, 10) : 0;

	if (g_ascii_isalpha(text[0]))
		return option_fail(o, "%s %s: a port is a number from 1 to 65535, not a name", spec->row->name, spec->text);
	if (value < 1 || value > 65535)
		return option_fail(o, "%s %s: a port is a number from 1 to 65535, not '%s'", spec->row->name, spec->text, text);
	*port = (uint16_t)value;
	return true;
}

static bool spec_host(struct options *o, const struct spec *spec, const char *text, uint32_t *host)
{
	if (!option_address(o, text, host))
		return option_fail(o, "%s %s: unknown host '%s'", spec->row->name, spec->text, text);
	if (*host == 0 || (is_bad(*host) && !is_loopback(*host)))
		return option_fail(o, "%s %s: %s is no host's address", spec->row->name, spec->text, text);
	return true;
}

static bool parse_service(struct options *o, const struct spec *spec, struct service *service)
{
	*service = (struct service){ .protocol = spec->protocol, .host = LOOPBACK };
	if (spec->count != 1 && spec->count != 3)
		return spec_fail(o, spec);
	if (!spec_port(o, spec, spec->parts[0], &service->port))
		return false;
	service->host_port = service->port;
	return spec->count == 1 || (spec_host(o, spec, spec->parts[1], &service->host) &&
				    spec_port(o, spec, spec->parts[2], &service->host_port));
}

static const char *protocol_prefix(uint8_t protocol)
{
	return protocol == CONFIG_UDP ? "udp:" : "";
}

OPTION_CALL(call_service)
{
	GArray *services = o->config->net.services;
	struct service service;
	struct spec spec;

	spec_split(&spec, row, arg);
	bool ok = parse_service(o, &spec, &service);
	g_strfreev(spec.parts);
	for (guint i = 0; ok && i < services->len; i++) {
		const struct service *other = &g_array_index(services, struct service, i);

		if (other->protocol == service.protocol && other->port == service.port)
			ok = option_fail(o, "service %s%u is given twice", protocol_prefix(service.protocol), service.port);
	}
	if (ok)
		g_array_append_val(services, service);
	return ok;
}

/* [BIND:]PORT: to the left of where it leads. */
static bool parse_bind(struct options *o, const struct spec *spec, const char *text, uint32_t *address)
{
	if (strcmp(text, "*") == 0) {
		*address = 0;
		return true;
	}
	if (!option_address(o, text, address))
		return option_fail(o, "%s %s: unknown address '%s'", spec->row->name, spec->text, text);
	return true;
}

static bool parse_target(struct options *o, const struct spec *spec, const char *text, uint32_t *host)
{
	if (!spec_host(o, spec, text, host))
		return false;
	if (is_loopback(*host))
		return option_fail(o, "%s %s: HOST is an address beyond the link; leave it out for the peer itself", spec->row->name,
				   spec->text);
	return true;
}

static bool parse_forward(struct options *o, const struct spec *spec, struct forward *forward)
{
	char **part = spec->parts;

	*forward = (struct forward){ .protocol = spec->protocol, .bind = LOOPBACK };
	if (spec->count < 2 || spec->count > 4)
		return spec_fail(o, spec);
	bool has_bind = spec->count == 4 || (spec->count == 3 && !all_digits(part[0]));
	if (has_bind && !parse_bind(o, spec, *part++, &forward->bind))
		return false;
	if (!spec_port(o, spec, *part++, &forward->port))
		return false;
	if (part[1] && !parse_target(o, spec, *part++, &forward->host))
		return false;
	return spec_port(o, spec, *part, &forward->host_port);
}

static bool same_port(const struct forward *a, const struct forward *b)
{
	return a->protocol == b->protocol && a->port == b->port && (a->bind == b->bind || a->bind == 0 || b->bind == 0);
}

OPTION_CALL(call_forward)
{
	GArray *forwards = o->config->net.forwards;
	struct forward forward;
	struct spec spec;

	spec_split(&spec, row, arg);
	bool ok = parse_forward(o, &spec, &forward);
	g_strfreev(spec.parts);
	for (guint i = 0; ok && i < forwards->len; i++) {
		if (same_port(&g_array_index(forwards, struct forward, i), &forward))
			ok = option_fail(o, "forward %s%u is given twice", protocol_prefix(forward.protocol), forward.port);
	}
	if (ok)
		g_array_append_val(forwards, forward);
	return ok;
}
