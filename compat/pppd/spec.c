/* The arguments of service and forward; see spec.h. Called by the table's rows through doors.c, and by the control socket's requests. */
#include "spec.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "compat/pppd/reading.h"

#define LOOPBACK UINT32_C(0x7f000001)
#define PARTS_MAX 6u
#define SERVICE_FORM "[udp:]PORT[:HOST:PORT][,max=N][,idle=SECONDS][,name=TEXT]"
#define FORWARD_FORM "[udp:][BIND:]PORT:[HOST:]PORT"

/* One reading of a service or forward: the parts between colons, and what is wrong with them. */
struct spec {
	const char *what, *form, *text;
	const struct spec_names *names;
	uint8_t protocol;
	char **parts;
	unsigned count;
	char **why;
};

static bool is_loopback(uint32_t address)
{
	return address >> 24 == 127;
}

bool spec_address(const char *text, const struct spec_names *names, uint32_t *address)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) == 1) {
		*address = ntohl(in.s_addr);
		return true;
	}
	if (strcmp(text, "localhost") == 0) {
		*address = LOOPBACK;
		return true;
	}
	if (!names || text[strspn(text, "0123456789.")] == '\0' || strchr(text, ':'))
		return false;
	return names->resolve(names->arg, text, address);
}

/* Colons within [ ] belong to an IPv6 address. A sixth part is one too many: nothing behind it is looked at. */
static char **split_at_colons(const char *text)
{
	GPtrArray *parts = g_ptr_array_new();
	bool more = true;

	while (more && parts->len < PARTS_MAX) {
		const char *close = text[0] == '[' ? strchr(text, ']') : NULL;
		size_t len = strcspn(close ? close : text, ":") + (close ? (size_t)(close - text) : 0);

		g_ptr_array_add(parts, g_strndup(text, len));
		more = text[len] == ':';
		text += len + 1;
	}
	g_ptr_array_add(parts, NULL);
	return (char **)g_ptr_array_free(parts, FALSE);
}

static void split(struct spec *spec, const char *addresses)
{
	spec->protocol = g_str_has_prefix(addresses, "udp:") ? CONFIG_UDP : CONFIG_TCP;
	if (g_str_has_prefix(addresses, "udp:") || g_str_has_prefix(addresses, "tcp:"))
		addresses += strlen("udp:");
	spec->parts = split_at_colons(addresses);
	spec->count = g_strv_length(spec->parts);
}

static bool fail(const struct spec *spec, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

static bool fail(const struct spec *spec, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	*spec->why = g_strdup_printf("%s %s: %s", spec->what, spec->text, text);
	g_free(text);
	return false;
}

static bool fail_form(const struct spec *spec)
{
	*spec->why = g_strdup_printf("%s must be %s, not '%s'", spec->what, spec->form, spec->text);
	return false;
}

static bool all_digits(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool take_port(const struct spec *spec, const char *text, uint16_t *port)
{
	unsigned long value = all_digits(text) ? strtoul(text, NULL, 10) : 0;

	if (g_ascii_isalpha(text[0]))
		return fail(spec, "a port is a number from 1 to 65535, not a name");
	if (value < 1 || value > 65535)
		return fail(spec, "a port is a number from 1 to 65535, not '%s'", text);
	*port = (uint16_t)value;
	return true;
}

/* [ADDR6], where TEXT is that. *TAKEN: it begins like one. */
static bool take_ipv6(const struct spec *spec, const char *text, struct in6_addr *addr, bool *taken)
{
	size_t len = strlen(text);

	*taken = text[0] == '[';
	if (!*taken)
		return true;
	char *inner = g_strndup(text + 1, len > 2 ? len - 2 : 0);
	bool ok = text[len - 1] == ']' && inet_pton(AF_INET6, inner, addr) == 1;
	g_free(inner);
	return ok || fail(spec, "'%s' is no IPv6 address in [ ]", text);
}

static bool take_host(const struct spec *spec, const char *text, uint32_t *host, struct in6_addr *host6)
{
	bool v6;

	if (!take_ipv6(spec, text, host6, &v6))
		return false;
	if (v6 && (IN6_IS_ADDR_MULTICAST(host6) || IN6_IS_ADDR_UNSPECIFIED(host6) || IN6_IS_ADDR_V4MAPPED(host6)))
		return fail(spec, "%s is no host's address", text);
	if (v6) {
		*host = 0;
		return true;
	}
	if (!spec_address(text, spec->names, host))
		return fail(spec, "unknown host '%s'", text);
	if (*host == 0 || *host >= UINT32_C(0xe0000000))
		return fail(spec, "%s is no host's address", text);
	return true;
}

static bool take_service_host(const struct spec *spec, const char *text, struct service *service)
{
	if (!take_host(spec, text, &service->host, &service->host6))
		return false;
	return !IN6_IS_ADDR_LINKLOCAL(&service->host6) || fail(spec, "%s means nothing without an interface", text);
}

static bool take_service(const struct spec *spec, struct service *service)
{
	service->protocol = spec->protocol;
	service->host = LOOPBACK;
	if (spec->count != 1 && spec->count != 3)
		return fail_form(spec);
	if (!take_port(spec, spec->parts[0], &service->port))
		return false;
	service->host_port = service->port;
	return spec->count == 1 ||
	       (take_service_host(spec, spec->parts[1], service) && take_port(spec, spec->parts[2], &service->host_port));
}

static bool take_name(const struct spec *spec, const char *text, struct service *service)
{
	if (strlen(text) >= sizeof(service->name))
		return fail(spec, "the name is longer than %zu bytes", sizeof(service->name) - 1);
	for (const char *at = text; *at; at++) {
		if (g_ascii_iscntrl(*at))
			return fail(spec, "the name holds control characters");
	}
	g_strlcpy(service->name, text, sizeof(service->name));
	return true;
}

/* One of the suffixes, without its comma. */
static bool take_suffix(const struct spec *spec, const char *suffix, struct service *service)
{
	const char *equals = strchr(suffix, '=');
	unsigned *number = g_str_has_prefix(suffix, "max=")    ? &service->max
			   : g_str_has_prefix(suffix, "idle=") ? &service->idle
							       : NULL;

	if (g_str_has_prefix(suffix, "name="))
		return take_name(spec, suffix + strlen("name="), service);
	if (!number)
		return fail(spec, "'%s' is none of max=N, idle=SECONDS and name=TEXT", suffix);
	if (!spec_pair(equals + 1, '\0', number, NULL))
		return fail(spec, "'%s' holds no number that would do", suffix);
	return true;
}

bool spec_service_named(const char *text, const struct spec_names *names, struct service *service, char **why)
{
	struct spec spec = { .what = "service", .form = SERVICE_FORM, .text = text, .names = names, .why = why };
	char **pieces = g_strsplit(text, ",", -1);

	*service = (struct service){ 0 };
	split(&spec, pieces[0] ? pieces[0] : "");
	bool ok = take_service(&spec, service);
	for (char **suffix = pieces + 1; ok && pieces[0] && *suffix; suffix++)
		ok = take_suffix(&spec, *suffix, service);
	g_strfreev(spec.parts);
	g_strfreev(pieces);
	return ok;
}

bool spec_service(const char *text, struct service *service, char **why)
{
	return spec_service_named(text, NULL, service, why);
}

/* [BIND:]PORT: to the left of where it leads. */
static bool take_bind(const struct spec *spec, const char *text, struct forward *forward)
{
	if (!take_ipv6(spec, text, &forward->bind6, &forward->binds6))
		return false;
	if (forward->binds6 || strcmp(text, "*") == 0) {
		forward->bind = 0;
		return true;
	}
	return spec_address(text, spec->names, &forward->bind) || fail(spec, "unknown address '%s'", text);
}

static bool take_target(const struct spec *spec, const char *text, struct forward *forward)
{
	if (!take_host(spec, text, &forward->host, &forward->host6))
		return false;
	if (is_loopback(forward->host) || IN6_IS_ADDR_LOOPBACK(&forward->host6))
		return fail(spec, "HOST is an address beyond the link; leave it out for the peer itself");
	return true;
}

static bool take_forward(const struct spec *spec, struct forward *forward)
{
	char **part = spec->parts;

	*forward = (struct forward){ .protocol = spec->protocol, .bind = LOOPBACK };
	if (spec->count < 2 || spec->count > 4)
		return fail_form(spec);
	bool has_bind = spec->count == 4 || (spec->count == 3 && !all_digits(part[0]));
	if (has_bind && !take_bind(spec, *part++, forward))
		return false;
	if (!take_port(spec, *part++, &forward->port))
		return false;
	if (part[1] && !take_target(spec, *part++, forward))
		return false;
	if (forward->binds6 && IN6_IS_ADDR_UNSPECIFIED(&forward->host6))
		return fail(spec, "an IPv6 address leads to an IPv6 HOST only: name it, in [ ]");
	return take_port(spec, *part, &forward->host_port);
}

bool spec_forward_named(const char *text, const struct spec_names *names, struct forward *forward, char **why)
{
	struct spec spec = { .what = "forward", .form = FORWARD_FORM, .text = text, .names = names, .why = why };

	split(&spec, text);
	bool ok = take_forward(&spec, forward);
	g_strfreev(spec.parts);
	return ok;
}

bool spec_forward(const char *text, struct forward *forward, char **why)
{
	return spec_forward_named(text, NULL, forward, why);
}

static bool take_number(const char *text, unsigned *number)
{
	unsigned long long value = all_digits(text) ? strtoull(text, NULL, 10) : ULLONG_MAX;

	*number = (unsigned)value;
	return value <= INT_MAX;
}

bool spec_pair(const char *text, char separator, unsigned *first, unsigned *second)
{
	const char *at = separator ? strchr(text, separator) : NULL;
	char *head = at ? g_strndup(text, (size_t)(at - text)) : g_strdup(text);
	bool ok = take_number(head, first) && (!at || take_number(at + 1, second));

	g_free(head);
	return ok;
}

bool spec_size(const char *text, unsigned *bytes)
{
	static const char units[] = "kMG";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
	char *number = g_strndup(text, digits);
	unsigned value = 0;
	bool ok = take_number(number, &value) && (!text[digits] || (unit && !text[digits + 1]));
	uint64_t size = (uint64_t)value << (unit ? 10 * (unit - units + 1) : 0);

	g_free(number);
	*bytes = (unsigned)size;
	return ok && size <= UINT_MAX;
}
