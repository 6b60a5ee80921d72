/* What the control socket may ask for; see requests.h. The words are those of the options `forward` and `service`; what is in force at
 * the backend is one struct net_config, which is replaced as a whole or not at all. */
#include "requests.h"

#include "compat/pppd/spec.h"
#include "log.h"

struct requests {
	const struct options *options;
	struct session *session;
	struct net_config net;  /* in force */
	/* Configurations that were read later; that of the start stays in use by the backend. */
	struct config *taken;   /* the session reads it */
	struct config *waiting; /* for the line to be opened anew */
};

struct requests *requests_new(const struct config *config, const struct options *options, struct session *session)
{
	struct requests *r = g_new0(struct requests, 1);

	r->options = options;
	r->session = session;
	net_config_copy(&r->net, &config->net);
	return r;
}

void requests_free(struct requests *r)
{
	if (!r)
		return;
	net_config_clear(&r->net);
	config_free(r->taken);
	config_free(r->waiting);
	g_free(r);
}

/* Takes WANTED over, or ends it. */
static char *change(struct requests *r, struct net_config *wanted)
{
	char *why = NULL;

	if (!net_configure(session_net(r->session), wanted, &why)) {
		net_config_clear(wanted);
		return why;
	}
	net_config_clear(&r->net);
	r->net = *wanted;
	return NULL;
}

static bool same_door(const struct forward *a, const struct forward *b)
{
	return a->protocol == b->protocol && a->port == b->port && a->bind == b->bind && a->binds6 == b->binds6 &&
	       IN6_ARE_ADDR_EQUAL(&a->bind6, &b->bind6);
}

static bool same_forward(const struct forward *a, const struct forward *b)
{
	return same_door(a, b) && a->host == b->host && a->host_port == b->host_port && IN6_ARE_ADDR_EQUAL(&a->host6, &b->host6);
}

static int find_forward(const GArray *forwards, const struct forward *wanted, bool (*same)(const struct forward *, const struct forward *))
{
	for (guint i = 0; i < forwards->len; i++)
		if (same(&g_array_index(forwards, struct forward, i), wanted))
			return (int)i;
	return -1;
}

static char *forward(void *arg, bool add, const char *spec)
{
	struct requests *r = arg;
	struct net_config wanted;
	struct forward f;
	char *why = NULL;

	if (!spec_forward(spec, &f, &why))
		return why;
	int at = find_forward(r->net.forwards, &f, add ? same_door : same_forward);
	if (add && at >= 0)
		return g_strdup_printf("port %u is forwarded already", f.port);
	if (!add && at < 0)
		return g_strdup_printf("there is no forward %s", spec);
	net_config_copy(&wanted, &r->net);
	if (add)
		g_array_append_val(wanted.forwards, f);
	else
		g_array_remove_index(wanted.forwards, (guint)at);
	return change(r, &wanted);
}

static int find_service(const GArray *services, const struct service *wanted)
{
	for (guint i = 0; i < services->len; i++) {
		const struct service *s = &g_array_index(services, struct service, i);

		if (s->protocol == wanted->protocol && s->port == wanted->port)
			return (int)i;
	}
	return -1;
}

static char *service(void *arg, bool add, const char *spec)
{
	struct requests *r = arg;
	struct net_config wanted;
	struct service s;
	char *why = NULL;

	if (!spec_service(spec, &s, &why))
		return why;
	int at = find_service(r->net.services, &s);
	if (add && at >= 0)
		return g_strdup_printf("port %u has a service already", s.port);
	if (!add && at < 0)
		return g_strdup_printf("there is no service %s", spec);
	net_config_copy(&wanted, &r->net);
	if (add)
		g_array_append_val(wanted.services, s);
	else
		g_array_remove_index(wanted.services, (guint)at);
	return change(r, &wanted);
}

static char *drop_flow(void *arg, uint64_t id)
{
	struct requests *r = arg;

	if (net_drop_flow(session_net(r->session), id))
		return NULL;
	return g_strdup_printf("there is no flow %llu", (unsigned long long)id);
}

static char *hangup(void *arg)
{
	session_hangup(((struct requests *)arg)->session);
	return NULL;
}

static char *redial(void *arg)
{
	session_redial(((struct requests *)arg)->session);
	return NULL;
}

/* The session holds CONFIG now, and one of the earlier ones no more. */
static void keep(struct requests *r, struct config *config)
{
	if (r->waiting && session_config(r->session) == r->waiting) {
		config_free(r->taken);
		r->taken = r->waiting;
	} else {
		config_free(r->waiting);
	}
	r->waiting = config;
	net_config_clear(&r->net);
	net_config_copy(&r->net, &config->net);
}

static char *reload(void *arg, char **notes)
{
	struct requests *r = arg;
	struct config *config = config_new();
	char *why = NULL;

	if (!options_reread(r->options, config, &why) || !session_configure(r->session, config, &why)) {
		config_free(config);
		return why;
	}
	keep(r, config);
	log_set_debug(config->debug);
	*notes = g_strdup("services, forwards, access lists, limits and debug hold now; other options of line, link and session from the next "
			  "connection on (slirpctl redial); net, socks, proxy, control, metrics, capture and log files from the next start on");
	return NULL;
}

const struct control_actions requests_actions = {
	.forward = forward,
	.service = service,
	.drop_flow = drop_flow,
	.hangup = hangup,
	.redial = redial,
	.reload = reload,
};
