/* What was found in PyLiRP's configurations becomes option words; see internal.h. First come the things that PyLiRP does without being
 * told, then the rows that are one option each, then those that make an option together. */
#include <string.h>

#include "compat/pylirp/internal.h"

#define NAME_BYTES 31
#define METRICS_PORT 9090
#define HEALTH_PORT 9091

struct emission {
	struct pylirp *p;
	const struct findings *f;
};

static void add(struct pylirp *p, const char *name, char *arg, const char *key, int file, unsigned line)
{
	struct pylirp_word *word = g_new0(struct pylirp_word, 1);

	*word = (struct pylirp_word){ .name = name, .arg = arg, .key = g_strdup(key), .file = file, .line = line };
	g_ptr_array_add(p->words, word);
}

/* ARG becomes the word's. */
static void add_from(struct pylirp *p, const char *name, char *arg, const struct found *from)
{
	add(p, name, arg, from->key, from->node->file, from->node->line);
}

static void add_own(struct pylirp *p, const char *name, const char *arg)
{
	add(p, name, g_strdup(arg), NULL, 0, 1);
}

static const struct found *look(const struct found *found, const char *path)
{
	const struct key_row *row = key_find(path);

	return &found[row - key_table];
}

/* The value of the first of two paths that is given, or NULL. */
static const struct found *either(const struct findings *f, const char *path, const char *other)
{
	const struct found *found = look(f->found, path);

	if (!found->node && other)
		found = look(f->found, other);
	return found->node ? found : NULL;
}

static const struct found *given(const struct findings *f, const char *path)
{
	return either(f, path, NULL);
}

static bool is_on(const struct found *found, bool otherwise)
{
	return found ? key_bool(found->node) : otherwise;
}

static const char *text_of(const struct found *found, const char *otherwise)
{
	return found ? found->node->text : otherwise;
}

static unsigned number_of(const struct found *found, unsigned otherwise)
{
	return found ? key_number(found->node) : otherwise;
}

static bool proxy_is_on(const struct findings *f)
{
	return is_on(given(f, "proxy.enabled"), false);
}

/* The peer reaches services and nothing else, unless a proxy shows that it is to reach more. A host waits for its peer, however long; a
 * client asks again and again, and takes the addresses that the host gives. Carrier is not looked at, so echoes must tell. */
static void emit_habits(const struct emission *e)
{
	if (!proxy_is_on(e->f))
		add_own(e->p, "restrict", NULL);
	if (e->p->mode == PYLIRP_HOST) {
		add_own(e->p, "passive", NULL);
	} else {
		add_own(e->p, "ipcp-accept-local", NULL);
		add_own(e->p, "ipcp-accept-remote", NULL);
	}
	add_own(e->p, "local", NULL);
	add_own(e->p, "persist", NULL);
	add_own(e->p, "maxfail", "0");
	add_own(e->p, "lcp-echo-interval", "30");
	add_own(e->p, "lcp-echo-failure", "3");
}

/* The names in OPTIONS live as long as the table. */
static void emit_options(struct pylirp *p, const char *options, const char *arg, const struct found *from)
{
	char **names = g_strsplit(options, " ", -1);

	for (char **name = names; *name; name++)
		add_from(p, g_intern_string(*name), g_strdup(arg), from);
	g_strfreev(names);
}

static void emit_row(struct pylirp *p, const struct key_row *row, const struct found *found)
{
	char *choice = row->type == KEY_CHOICE ? key_choice(row, found->node->text) : NULL;
	char number[16];

	if (choice && choice[0])
		emit_options(p, choice, NULL, found);
	g_free(choice);
	if (row->type == KEY_BOOL) {
		const char *options = key_bool(found->node) ? row->option : row->otherwise;

		if (options)
			emit_options(p, options, NULL, found);
		return;
	}
	if (!row->option)
		return;
	g_snprintf(number, sizeof(number), "%u", key_number(found->node));
	emit_options(p, row->option, row->type == KEY_TEXT ? found->node->text : number, found);
}

static void emit_rows(const struct emission *e)
{
	for (size_t i = 0; i < key_table_size; i++) {
		if (e->f->found[i].node)
			emit_row(e->p, &key_table[i], &e->f->found[i]);
	}
}

static void emit_addresses(const struct emission *e)
{
	const struct found *local = either(e->f, "network.local_ip", "ppp.local_ip");
	const struct found *remote = either(e->f, "network.remote_ip", "ppp.remote_ip");
	const struct found *left = e->f->hosts ? remote : local, *right = e->f->hosts ? local : remote;

	if (left)
		add_from(e->p, "LOCAL:REMOTE", g_strdup_printf("%s:", left->node->text), left);
	if (right)
		add_from(e->p, "LOCAL:REMOTE", g_strdup_printf(":%s", right->node->text), right);
}

static bool is_allowed(const struct findings *f, unsigned port)
{
	const struct found *allowed = given(f, "security.allowed_ports");
	bool found = !allowed;

	for (guint i = 0; allowed && i < allowed->node->items->len; i++)
		found = found || key_port(g_ptr_array_index(allowed->node->items, i)) == port;
	return found;
}

/* What a name may hold in `service ...,name=TEXT`. */
static char *clean_name(const char *text)
{
	char *name = g_strndup(text, NAME_BYTES);
	const char *end;

	if (!g_utf8_validate(name, -1, &end))
		name[end - name] = '\0';
	for (char *at = name; *at; at++) {
		if (*at == ',' || g_ascii_iscntrl(*at))
			*at = ' ';
	}
	return name;
}

static void append_number(GString *spec, const char *what, const struct found *found)
{
	if (found->node)
		g_string_append_printf(spec, ",%s=%u", what, key_number(found->node));
}

static void emit_service(struct pylirp *p, const struct found_service *s)
{
	const struct found *host = look(s->found, "services.*.host"), *port = look(s->found, "services.*.port");
	const struct found *name = look(s->found, "services.*.name");
	GString *spec = g_string_new(NULL);

	g_string_append_printf(spec, "%u:%s:%u", s->port, host->node ? host->node->text : "127.0.0.1",
			       port->node ? key_number(port->node) : s->port);
	append_number(spec, "max", look(s->found, "services.*.max_connections"));
	append_number(spec, "idle", look(s->found, "services.*.connection_timeout"));
	if (name->node) {
		char *clean = clean_name(name->node->text);

		g_string_append_printf(spec, ",name=%s", clean);
		g_free(clean);
	}
	add(p, "service", g_string_free(spec, FALSE), s->key, s->file, s->line);
}

/* The local port that leads to a port of the host: the well-known document's 2222 and 8080, ports that anybody may open as they are, and
 * 8000 more for all others. */
static unsigned client_port(unsigned port)
{
	if (port == 22)
		return 2222;
	if (port == 80)
		return 8080;
	return port >= 1024 ? port : port + 8000;
}

static void emit_client_forward(struct pylirp *p, const struct found_service *s, GHashTable *taken)
{
	unsigned local = client_port(s->port);

	while (g_hash_table_contains(taken, GUINT_TO_POINTER(local)))
		local = local < 65535 ? local + 1 : 1024;
	g_hash_table_add(taken, GUINT_TO_POINTER(local));
	add(p, "forward", g_strdup_printf("%u:%u", local, s->port), s->key, s->file, s->line);
}

static void emit_services(const struct emission *e)
{
	GHashTable *taken = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < e->f->services->len; i++) {
		const struct found_service *s = g_ptr_array_index(e->f->services, i);
		const struct found *enabled = look(s->found, "services.*.enabled");

		if (enabled->node && !key_bool(enabled->node))
			continue;
		if (!is_allowed(e->f, s->port))
			pylirp_note(e->p, s->file, s->line, s->key, "not opened: security.allowed_ports does not hold %u", s->port);
		else if (e->f->hosts)
			emit_client_forward(e->p, s, taken);
		else
			emit_service(e->p, s);
	}
	g_hash_table_destroy(taken);
}

static bool emit_port_forwards(const struct emission *e)
{
	const struct found *forwards = given(e->f, "port_forwards");

	if (!forwards)
		return true;
	if (e->p->mode == PYLIRP_HOST) {
		pylirp_note(e->p, forwards->node->file, forwards->node->line, forwards->key,
			    "this has no effect here: it is for mode client");
		return true;
	}
	for (guint i = 0; i < forwards->node->items->len; i += 2) {
		const struct tree_node *local = g_ptr_array_index(forwards->node->items, i);
		const struct tree_node *remote = g_ptr_array_index(forwards->node->items, i + 1);
		char *key = g_strdup_printf("%s.%s", forwards->key, local->text);

		add(e->p, "forward", g_strdup_printf("%u:%u", key_port(local), key_port(remote)), key, local->file, local->line);
		g_free(key);
	}
	return true;
}

static void emit_socks(const struct emission *e)
{
	const struct found *enabled = given(e->f, "socks.enabled"), *host = given(e->f, "socks.host"),
			   *port = given(e->f, "socks.port");

	if (!is_on(enabled, port != NULL) || (!port && !enabled))
		return;
	add_from(e->p, "socks", g_strdup_printf("%s:%u", text_of(host, "127.0.0.1"), number_of(port, 1080)), port ? port : enabled);
}

/* `user:password@`, or nothing. */
static char *credentials(const struct findings *f)
{
	const struct found *user = given(f, "proxy.username"), *password = given(f, "proxy.password");

	if (!user)
		return g_strdup("");
	char *name = g_uri_escape_string(user->node->text, NULL, FALSE),
	     *word = g_uri_escape_string(text_of(password, ""), NULL, FALSE);
	char *both = g_strdup_printf("%s:%s@", name, word);

	explicit_bzero(word, strlen(word));
	g_free(name);
	g_free(word);
	return both;
}

static bool emit_proxy(const struct emission *e)
{
	const struct found *enabled = given(e->f, "proxy.enabled"), *type = given(e->f, "proxy.type");

	if (!proxy_is_on(e->f))
		return true;
	if (!type || g_ascii_strcasecmp(type->node->text, "none") == 0)
		return pylirp_fail(e->p, enabled->node->file, enabled->node->line, enabled->key,
				   "proxy.type must be socks5 or http then");
	char *who = credentials(e->f), *scheme = g_ascii_strdown(type->node->text, -1);
	add_from(e->p, "proxy",
		 g_strdup_printf("%s://%s%s:%u", scheme, who, text_of(given(e->f, "proxy.host"), "127.0.0.1"),
				 number_of(given(e->f, "proxy.port"), 1080)),
		 enabled);
	explicit_bzero(who, strlen(who));
	g_free(who);
	g_free(scheme);
	return true;
}

static void emit_each(const struct emission *e, const char *path, const char *option)
{
	const struct found *list = given(e->f, path);

	for (guint i = 0; list && i < list->node->items->len; i++) {
		const struct tree_node *item = g_ptr_array_index(list->node->items, i);

		add(e->p, option, g_strdup(item->text), list->key, item->file, item->line);
	}
}

static void emit_access(const struct emission *e)
{
	emit_each(e, "security.blocked_ips", "deny-from");
	emit_each(e, "security.access_control.block_ips", "deny-from");
	emit_each(e, "security.access_control.allow_ips", "permit-from");
}

static void emit_rate(const struct emission *e)
{
	const struct found *enabled = either(e->f, "security.rate_limiting.enabled", "security.rate_limit.enabled");
	const struct found *rate =
		either(e->f, "security.rate_limiting.connections_per_second", "security.rate_limit.requests_per_second");
	const struct found *burst = either(e->f, "security.rate_limiting.burst_size", "security.rate_limit.burst_size");

	if (!is_on(enabled, true))
		add_from(e->p, "rate-limit", g_strdup("0"), enabled);
	else if (rate && number_of(burst, 0) > 0)
		add_from(e->p, "rate-limit", g_strdup_printf("%u/%u", number_of(rate, 0), number_of(burst, 0)), rate);
	else if (rate)
		add_from(e->p, "rate-limit", g_strdup_printf("%u", number_of(rate, 0)), rate);
}

static void emit_lockout(const struct emission *e)
{
	const struct found *enabled = given(e->f, "security.brute_force_protection.enabled");
	const struct found *attempts = given(e->f, "security.brute_force_protection.max_attempts");
	const struct found *seconds = given(e->f, "security.brute_force_protection.lockout_duration");
	const struct found *from = attempts ? attempts : enabled;

	if (from && is_on(enabled, true))
		add_from(e->p, "lockout", g_strdup_printf("%u/%u", number_of(attempts, 5), number_of(seconds, 300)), from);
}

static void emit_log(const struct emission *e)
{
	const struct found *path = either(e->f, "logging.file.path", "logging.file");

	if (path && is_on(given(e->f, "logging.file.enabled"), true))
		add_from(e->p, "logfile", g_strdup(path->node->text), path);
}

/* Adds `metrics PORT` where it is wanted, and gives the port; 0: none. */
static unsigned emit_page(const struct emission *e, const struct found *enabled, const struct found *port, unsigned usual,
			  unsigned other)
{
	const struct found *from = port ? port : enabled;
	unsigned number = number_of(port, usual);

	if (!from || !is_on(enabled, true) || number == other)
		return 0;
	add_from(e->p, "metrics", g_strdup_printf("%u", number), from);
	return number;
}

static void emit_metrics(const struct emission *e)
{
	unsigned first = emit_page(e, either(e->f, "monitoring.enable_metrics", "monitoring.metrics.enabled"),
				   either(e->f, "monitoring.metrics_port", "monitoring.metrics.port"), METRICS_PORT, 0);

	emit_page(e, either(e->f, "monitoring.health_check.enabled", "monitoring.health.enabled"),
		  either(e->f, "monitoring.health_check.port", "monitoring.health.port"), HEALTH_PORT, first);
}

static void emit_capture(const struct emission *e)
{
	const struct found *enabled = given(e->f, "monitoring.packet_capture.enabled");
	const struct found *size = given(e->f, "monitoring.packet_capture.max_file_size");
	const struct found *file = either(e->f, "monitoring.packet_capture.pcap_file", "monitoring.packet_capture.output_file");

	if (!is_on(enabled, false))
		return;
	add_from(e->p, "capture", g_strdup(text_of(file, "/var/log/pyslirp/pyslirp.pcap")), file ? file : enabled);
	if (size && is_on(given(e->f, "monitoring.packet_capture.rotate_files"), true))
		add_from(e->p, "capture-size", g_strdup_printf("%u", number_of(size, 0)), size);
}

bool pylirp_emit(struct pylirp *p, const struct findings *f)
{
	const struct emission e = { .p = p, .f = f };

	emit_habits(&e);
	emit_rows(&e);
	emit_addresses(&e);
	emit_services(&e);
	emit_socks(&e);
	emit_access(&e);
	emit_rate(&e);
	emit_lockout(&e);
	emit_log(&e);
	emit_metrics(&e);
	emit_capture(&e);
	return emit_port_forwards(&e) && emit_proxy(&e);
}
