/* Words that open and watch doors: service, forward, socks, proxy, access lists, limits, metrics. Called from the table's rows; what the
 * words mean is in spec.c and spec_address.c. */
#include <string.h>

#include "compat/pppd/reading.h"

struct spec_names option_names(struct options *o)
{
	return (struct spec_names){ .resolve = o->world.resolve, .arg = o->world.arg };
}

/* WHY becomes the reading's error. */
static bool fail_with(struct options *o, char *why)
{
	option_fail(o, "%s", why);
	g_free(why);
	return false;
}

/* WHAT is there already. A PyLiRP configuration is read last: what was said elsewhere stands against it. */
static bool given_twice(struct options *o, const char *what, const char *name)
{
	if (!o->source->key)
		return option_fail(o, "%s %s is given twice", what, name);
	char *note = option_message(o, "%s %s is given already, and this one is left out", what, name);
	option_note(o, "%s", note);
	g_free(note);
	o->left_out = true;
	return true;
}

static bool port_given_twice(struct options *o, const char *what, uint8_t protocol, unsigned port)
{
	char name[16];

	g_snprintf(name, sizeof(name), "%s%u", protocol == CONFIG_UDP ? "udp:" : "", port);
	return given_twice(o, what, name);
}

OPTION_CALL(call_service)
{
	const struct spec_names names = option_names(o);
	GArray *services = o->config->net.services;
	struct service service;
	char *why = NULL;

	(void)row;
	if (!spec_service_named(arg, &names, &service, &why))
		return fail_with(o, why);
	for (guint i = 0; i < services->len; i++) {
		const struct service *other = &g_array_index(services, struct service, i);

		if (other->protocol == service.protocol && other->port == service.port)
			return port_given_twice(o, "service", service.protocol, service.port);
	}
	g_array_append_val(services, service);
	return true;
}

static bool same_port(const struct forward *a, const struct forward *b)
{
	bool same6 = IN6_ARE_ADDR_EQUAL(&a->bind6, &b->bind6) || IN6_IS_ADDR_UNSPECIFIED(&a->bind6) || IN6_IS_ADDR_UNSPECIFIED(&b->bind6);
	bool same4 = a->bind == b->bind || a->bind == 0 || b->bind == 0;

	return a->protocol == b->protocol && a->port == b->port && a->binds6 == b->binds6 && (a->binds6 ? same6 : same4);
}

OPTION_CALL(call_forward)
{
	const struct spec_names names = option_names(o);
	GArray *forwards = o->config->net.forwards;
	struct forward forward;
	char *why = NULL;

	(void)row;
	if (!spec_forward_named(arg, &names, &forward, &why))
		return fail_with(o, why);
	for (guint i = 0; i < forwards->len; i++) {
		if (same_port(&g_array_index(forwards, struct forward, i), &forward))
			return port_given_twice(o, "forward", forward.protocol, forward.port);
	}
	g_array_append_val(forwards, forward);
	return true;
}

OPTION_CALL(call_access)
{
	struct net_config *net = &o->config->net;
	struct access_rule rule = { .permit = g_str_has_prefix(row->name, "permit-") };
	char *why = NULL;

	if (!spec_access(row->name, arg, &rule, &why))
		return fail_with(o, why);
	g_array_append_val(g_str_has_suffix(row->name, "-from") ? net->from : net->to, rule);
	return true;
}

static bool add_listener(struct options *o, const struct option_row *row, const char *arg, GArray *listeners)
{
	struct listen_address address;
	char *why = NULL;

	if (!spec_listen(row->name, arg, &address, &why))
		return fail_with(o, why);
	address.optional = o->source->key != NULL;
	for (guint i = 0; i < listeners->len; i++) {
		const struct listen_address *other = &g_array_index(listeners, struct listen_address, i);

		if (other->port == address.port && strcmp(other->host, address.host) == 0)
			return given_twice(o, row->name, arg);
	}
	g_array_append_val(listeners, address);
	return true;
}

/* Names are the peer's side's to resolve, so its name servers are asked for. */
OPTION_CALL(call_socks)
{
	o->config->ipcp.usepeerdns = true;
	return add_listener(o, row, arg, o->config->net.socks);
}

OPTION_CALL(call_metrics)
{
	return add_listener(o, row, arg, o->config->metrics);
}

OPTION_CALL(call_proxy)
{
	char *why = NULL;

	(void)row;
	return spec_proxy(arg, &why) || fail_with(o, why);
}

/* Without a burst it is that of two seconds, as with the defaults. */
OPTION_CALL(call_rate_limit)
{
	struct net_config *net = &o->config->net;
	unsigned rate, burst = 0;

	if (!spec_pair(arg, '/', &rate, &burst) || (strchr(arg, '/') && burst < 1))
		return option_fail(o, "%s must be N or N/BURST, not '%s'", row->name, arg);
	net->rate = rate;
	net->burst = burst > 0 ? burst : rate * 2;
	return true;
}

OPTION_CALL(call_lockout)
{
	struct net_config *net = &o->config->net;
	unsigned refusals, seconds = 0;

	if (!spec_pair(arg, '/', &refusals, &seconds) || (refusals > 0 && seconds < 1))
		return option_fail(o, "%s must be N/SECONDS, or 0 for never, not '%s'", row->name, arg);
	net->lockout_refusals = refusals;
	net->lockout_seconds = seconds;
	return true;
}

OPTION_CALL(call_capture_size)
{
	if (!spec_size(arg, &o->config->capture_size))
		return option_fail(o, "%s must be a number of bytes below 4G, with k, M or G behind it or not, not '%s'", row->name,
				   arg);
	return true;
}
