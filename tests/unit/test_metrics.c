/* What is told of one moment: /state as JSON, /metrics in Prometheus' text format, which is read back strictly. */
#include "unit.h"

#include <glib.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "control/snapshot.h"

#define NOW (1000 * CLOCK_SECOND)
#define TIME (UINT64_C(1790000000) * CLOCK_SECOND + 250000)

struct moment {
	struct config *config;
	struct ring states, log;
	struct rates rates;
	struct snapshot snapshot;
};

static void add_door(struct moment *m, enum net_door_kind kind, const char *spec, const char *name)
{
	struct net_door door = { .flows = 2, .opened = 5, .refused = 1, .bytes_in = 11, .bytes_out = 12 };

	g_strlcpy(door.spec, spec, sizeof(door.spec));
	g_strlcpy(door.name, name, sizeof(door.name));
	g_array_append_val(m->snapshot.doors[kind], door);
}

static void add_flow(struct moment *m)
{
	struct net_flow flow = {
		.id = UINT64_C(1) << 40, .kind = FLOW_SERVICE, .protocol = IPPROTO_TCP, .state = "open", .peer = { "10.0.2.15", 40000 },
		.far = { "2001:db8::1", 22 }, .real = { "", 0 }, .bytes_in = 1, .age = 12 * CLOCK_SECOND, .idle = CLOCK_SECOND / 4,
	};

	g_array_append_val(m->snapshot.flows, flow);
	m->snapshot.flows_total = 4711;
}

/* A link that is up, with one of everything. */
static struct moment *moment_new(void)
{
	struct moment *m = g_new0(struct moment, 1);

	m->config = config_new();
	m->config->ipcp.own_dns = CONFIG_DEFAULT_DNS;
	ring_init(&m->states, 10);
	ring_init(&m->log, 10);
	rates_init(&m->rates, NOW - 3 * CLOCK_SECOND);
	m->snapshot = (struct snapshot){
		.config = m->config, .states = &m->states, .log = &m->log, .rates = &m->rates, .now = NOW, .time = TIME,
		.started = NOW - 500 * CLOCK_SECOND, .up = true, .trusted = true,
		.report = {
			.state = SESSION_UP, .since = 5 * CLOCK_SECOND / 2, .name = "ppp0", .line = "/dev/ttyGS0", .rate = 11520,
			.attempts = 3, .queue_packets = 4, .queue_bytes = 6000, .queue_dropped = 8,
			.ppp = { .open = true, .ip_up = true, .ours = { 1500, 0xa0000, 0x1a2b3c4d, true, true }, .peers = { .mru = 296 },
				 .addresses = { .local = CONFIG_DEFAULT_LOCAL, .remote = CONFIG_DEFAULT_REMOTE, .peer_dns = { 0, 0x08080404 }, .mtu = 1400 },
				 .counters = { 1, UINT64_MAX / 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 } },
		},
		.net = { .flows = 6, .flows_opened = 60, .malformed = 61, .refused[REFUSED_RATE] = 12 },
		.flows = g_array_new(FALSE, FALSE, sizeof(struct net_flow)),
	};
	for (unsigned kind = 0; kind < DOOR_KINDS; kind++)
		m->snapshot.doors[kind] = g_array_new(FALSE, FALSE, sizeof(struct net_door));
	return m;
}

static void moment_free(struct moment *m)
{
	snapshot_clear(&m->snapshot);
	ring_clear(&m->states);
	ring_clear(&m->log);
	config_free(m->config);
	g_free(m);
}

/* The state as it is read by others. */
static json_t *state_of(const struct moment *m)
{
	json_t *state = state_json(&m->snapshot);
	char *text = json_dumps(state, JSON_REAL_PRECISION(16));
	json_t *read = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(read);
	free(text);
	json_decref(state);
	return read;
}

/* PATH is as "link.negotiated.ours.mru" or "flows.0.id"; a value as JSON prints it. */
static void expect(const json_t *state, const char *path, const char *value)
{
	char **words = g_strsplit(path, ".", -1);
	const json_t *at = state;

	for (char **word = words; *word && at; word++)
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(*word)) : json_object_get(at, *word);
	char *is = at ? json_dumps(at, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(16)) : NULL;
	CU_ASSERT_PTR_NOT_NULL(is);
	if (is && strcmp(is, value) != 0)
		printf("# %s is %s, not %s\n", path, is, value);
	CU_ASSERT_TRUE(is && strcmp(is, value) == 0);
	free(is);
	g_strfreev(words);
}

static void state_of_a_link_that_is_up(void)
{
	static const char *const values[][2] = {
		{ "program", "\"slirppd\"" }, { "time", "1790000000.25" }, { "uptime", "500.0" }, { "control", "true" },
		{ "interface", "\"ppp0\"" },
		{ "line", "{\"name\":\"/dev/ttyGS0\",\"kind\":\"tty\",\"rate\":11520}" },
		{ "link.state", "\"up\"" }, { "link.since", "2.5" }, { "link.retry_in", "null" }, { "link.attempts", "3" },
		{ "link.local", "\"10.0.2.2\"" }, { "link.remote", "\"10.0.2.15\"" }, { "link.dns", "\"10.0.2.3\"" },
		{ "link.peer_dns", "[\"8.8.4.4\"]" }, { "link.mtu", "1400" },
		{ "link.negotiated.ours",
		  "{\"mru\":1500,\"asyncmap\":\"0x000a0000\",\"magic\":\"0x1a2b3c4d\",\"pcomp\":true,\"accomp\":true}" },
		{ "link.negotiated.peers.mru", "296" }, { "link.negotiated.peers.magic", "null" },
		{ "traffic.packets_in", "1" }, { "traffic.bytes_in", "9223372036854775807" }, { "traffic.packets_out", "3" },
		{ "traffic.bytes_out", "4" }, { "traffic.frames_in", "5" }, { "traffic.frames_out", "6" },
		{ "traffic.errors", "{\"fcs\":7,\"runt\":8,\"giant\":9,\"abort\":10,\"dropped\":11}" },
		{ "traffic.queue", "{\"packets\":4,\"bytes\":6000,\"dropped\":8}" },
		{ "refused.rate-limit", "12" }, { "refused.no-service", "0" }, { "dropped.malformed", "61" }, { "locked_out", "false" },
		{ "flows.0.id", "1099511627776" }, { "flows.0.kind", "\"service\"" }, { "flows.0.protocol", "\"tcp\"" },
		{ "flows.0.peer", "\"10.0.2.15:40000\"" }, { "flows.0.far", "\"[2001:db8::1]:22\"" }, { "flows.0.real", "null" },
		{ "flows.0.age", "12.0" }, { "flows.0.idle", "0.25" }, { "flows_total", "4711" },
		{ "services", "[{\"spec\":\"22\",\"name\":\"SSH\",\"flows\":2,\"opened\":5,\"refused\":1,\"bytes_in\":11,\"bytes_out\":12}]" },
		{ "forwards", "[]" }, { "socks.0.spec", "\"127.0.0.1:1080\"" },
	};
	struct moment *m = moment_new();

	add_door(m, DOOR_SERVICE, "22", "SSH");
	add_door(m, DOOR_SOCKS, "127.0.0.1:1080", "");
	add_flow(m);
	json_t *state = state_of(m);
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
		expect(state, values[i][0], values[i][1]);
	CU_ASSERT_EQUAL(json_object_size(json_object_get(state, "refused")), REFUSALS);
	json_decref(state);
	moment_free(m);
}

static void state_of_a_link_that_is_down(void)
{
	struct moment *m = moment_new();
	struct session_report *report = &m->snapshot.report;

	report->state = SESSION_WAITING;
	report->retry_in = 3 * CLOCK_SECOND / 2;
	report->ppp.open = report->ppp.ip_up = false;
	m->snapshot.trusted = false;
	json_t *state = state_of(m);
	static const char *const values[][2] = {
		{ "link.state", "\"waiting\"" }, { "link.retry_in", "1.5" }, { "link.local", "null" }, { "link.remote", "null" },
		{ "link.peer_dns", "[]" }, { "link.mtu", "null" }, { "link.negotiated", "null" }, { "control", "false" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
		expect(state, values[i][0], values[i][1]);
	json_decref(state);
	moment_free(m);
}

static void history_log_and_rates_have_their_times(void)
{
	struct moment *m = moment_new();

	ring_add(&m->states, NOW - 10 * CLOCK_SECOND, SESSION_OPENING, "/dev/ttyGS0");
	ring_add(&m->log, NOW, 4, "name \xff\xfe of a peer");
	rates_sample(&m->rates, NOW - CLOCK_SECOND, 20, 40);
	json_t *state = state_of(m);
	expect(state, "history", "[{\"time\":1789999990.25,\"state\":\"opening\",\"text\":\"/dev/ttyGS0\"}]");
	expect(state, "log.0.time", "1790000000.25");
	expect(state, "log.0.level", "\"warning\"");
	expect(state, "rates", "{\"interval\":1,\"time\":1789999999.25,\"in\":[10,10],\"out\":[20,20]}");
	json_decref(state);
	moment_free(m);
}

static void strange_bytes_are_no_broken_json(void)
{
	struct moment *m = moment_new();

	m->snapshot.report.line = "/dev/\xc3(\x80";
	add_door(m, DOOR_SERVICE, "22", "\xff\"\\\n\x01");
	json_t *state = state_of(m);
	CU_ASSERT_PTR_NOT_NULL(json_string_value(json_object_get(json_object_get(state, "line"), "name")));
	CU_ASSERT_PTR_NOT_NULL(json_string_value(json_object_get(json_array_get(json_object_get(state, "services"), 0), "name")));
	json_decref(state);
	moment_free(m);
}

/* A strict reader of the text format: NAME and labels of every sample lead to its value; NULL when something is wrong with TEXT. */

static bool is_name(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!(g_ascii_isalpha(s[i]) || s[i] == '_' || s[i] == ':' || (i > 0 && g_ascii_isdigit(s[i]))))
			return false;
	return len > 0;
}

/* The end of a {…} that begins at S, or NULL. */
static const char *end_of_labels(const char *s)
{
	do {
		const char *name = ++s;

		s += strcspn(s, "=");
		if (!is_name(name, (size_t)(s - name)) || s[0] != '=' || s[1] != '"')
			return NULL;
		for (s += 2; *s && *s != '"'; s++)
			if (*s == '\\' && !strchr("\\\"n", *++s))
				return NULL;
		if (*s++ != '"')
			return NULL;
	} while (*s == ',');
	return *s == '}' ? s + 1 : NULL;
}

static bool read_sample(GHashTable *samples, const char *line, const char *family)
{
	const char *end = line + strcspn(line, "{ ");
	char *rest;

	if (strlen(family) != (size_t)(end - line) || strncmp(line, family, strlen(family)) != 0)
		return false;
	if (*end == '{')
		end = end_of_labels(end);
	if (!end || *end != ' ' || end[1] == ' ')
		return false;
	g_ascii_strtod(end + 1, &rest);
	/* The same sample twice is wrong, too. */
	return *rest == '\0' && rest != end + 1 && g_hash_table_insert(samples, g_strndup(line, (gsize)(end - line)), g_strdup(end + 1));
}

/* "# HELP name text" or "# TYPE name kind": the name (g_free() it), or NULL. */
static char *read_head(const char *line, const char *kind)
{
	if (!g_str_has_prefix(line, kind))
		return NULL;
	line += strlen(kind);
	size_t len = strcspn(line, " ");
	return is_name(line, len) && line[len] == ' ' && line[len + 1] ? g_strndup(line, len) : NULL;
}

static GHashTable *read_metrics(const char *text)
{
	GHashTable *samples = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	GHashTable *families = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	char **lines = g_strsplit(text, "\n", -1);
	const char *family = "";
	bool good = g_utf8_validate(text, -1, NULL) && g_str_has_suffix(text, "\n");

	for (char **line = lines; good && line[0][0]; line++) {
		char *name = read_head(*line, "# HELP ");
		char *typed = name && line[1] ? read_head(line[1], "# TYPE ") : NULL;

		if (name) {
			/* A family is told of once, and its type comes with it. */
			good = typed && strcmp(name, typed) == 0 && g_hash_table_add(families, name);
			good = good && (g_str_has_suffix(*++line, " counter") == g_str_has_suffix(typed, "_total"));
			family = name;
		} else {
			good = read_sample(samples, *line, family);
		}
		if (!good)
			printf("# wrong: %s\n", *line);
		g_free(typed);
	}
	g_strfreev(lines);
	g_hash_table_destroy(families);
	if (!good)
		g_clear_pointer(&samples, g_hash_table_destroy);
	return samples;
}

static GHashTable *metrics_of(const struct moment *m)
{
	char *text = metrics_text(&m->snapshot);
	GHashTable *samples = read_metrics(text);

	g_free(text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(samples);
	return samples;
}

static void expect_sample(GHashTable *samples, const char *name, const char *value)
{
	const char *is = g_hash_table_lookup(samples, name);

	if (g_strcmp0(is, value) != 0)
		printf("# %s is %s, not %s\n", name, is ? is : "missing", value);
	CU_ASSERT_TRUE(g_strcmp0(is, value) == 0);
}

static void metrics_of_a_link_that_is_up(void)
{
	static const char *const values[][2] = {
		{ "slirppd_up", "1" }, { "slirppd_state{state=\"up\"}", "1" }, { "slirppd_state{state=\"idle\"}", "0" },
		{ "slirppd_start_time_seconds", "1789999500.250" }, { "slirppd_attempts_total", "3" },
		{ "slirppd_bytes_total{direction=\"in\"}", "9223372036854775807" }, { "slirppd_bytes_total{direction=\"out\"}", "4" },
		{ "slirppd_packets_total{direction=\"in\"}", "1" }, { "slirppd_packets_total{direction=\"out\"}", "3" },
		{ "slirppd_frames_total{direction=\"in\"}", "5" }, { "slirppd_frames_total{direction=\"out\"}", "6" },
		{ "slirppd_frame_errors_total{error=\"fcs\"}", "7" }, { "slirppd_frame_errors_total{error=\"runt\"}", "8" },
		{ "slirppd_frame_errors_total{error=\"giant\"}", "9" }, { "slirppd_frame_errors_total{error=\"abort\"}", "10" },
		{ "slirppd_frame_errors_total{error=\"dropped\"}", "11" }, { "slirppd_queue_packets", "4" },
		{ "slirppd_queue_bytes", "6000" }, { "slirppd_queue_dropped_total", "8" }, { "slirppd_flows", "6" },
		{ "slirppd_flows_total", "60" }, { "slirppd_refused_total{reason=\"rate-limit\"}", "12" },
		{ "slirppd_refused_total{reason=\"lockout\"}", "0" }, { "slirppd_dropped_total{reason=\"malformed\"}", "61" },
		{ "slirppd_dropped_total{reason=\"spoofed\"}", "0" }, { "slirppd_locked_out", "0" },
		{ "slirppd_service_flows{service=\"22\",name=\"SSH\"}", "2" },
		{ "slirppd_service_flows_total{service=\"22\",name=\"SSH\"}", "5" },
		{ "slirppd_service_refused_total{service=\"22\",name=\"SSH\"}", "1" },
		{ "slirppd_service_bytes_total{service=\"22\",name=\"SSH\",direction=\"in\"}", "11" },
		{ "slirppd_service_bytes_total{service=\"22\",name=\"SSH\",direction=\"out\"}", "12" },
		{ "slirppd_forward_flows{forward=\"2222:22\",name=\"\"}", "2" },
		{ "slirppd_socks_flows{socks=\"127.0.0.1:1080\",name=\"\"}", "2" },
	};
	struct moment *m = moment_new();

	add_door(m, DOOR_SERVICE, "22", "SSH");
	add_door(m, DOOR_SERVICE, "80", "");
	add_door(m, DOOR_FORWARD, "2222:22", "");
	add_door(m, DOOR_SOCKS, "127.0.0.1:1080", "");
	GHashTable *samples = metrics_of(m);
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
		expect_sample(samples, values[i][0], values[i][1]);
	CU_ASSERT_FALSE(g_hash_table_contains(samples, "slirppd_capture_lost_total"));
	g_hash_table_destroy(samples);
	moment_free(m);
}

static void metrics_while_capturing(void)
{
	struct moment *m = moment_new();

	m->snapshot.capturing = true;
	m->snapshot.capture_lost = 7;
	GHashTable *samples = metrics_of(m);
	expect_sample(samples, "slirppd_capture_lost_total", "7");
	g_hash_table_destroy(samples);
	moment_free(m);
}

static void labels_are_escaped(void)
{
	struct moment *m = moment_new();

	add_door(m, DOOR_SERVICE, "22", "a\\b\"c\nd\xff" "e");
	GHashTable *samples = metrics_of(m);
	expect_sample(samples, "slirppd_service_flows{service=\"22\",name=\"a\\\\b\\\"c\\nd\xef\xbf\xbd" "e\"}", "2");
	g_hash_table_destroy(samples);
	moment_free(m);
}

const struct unit_test unit_tests[] = {
	{ "the state of a link that is up", state_of_a_link_that_is_up },
	{ "the state of a link that is down", state_of_a_link_that_is_down },
	{ "history, log and rates have their times", history_log_and_rates_have_their_times },
	{ "strange bytes are no broken JSON", strange_bytes_are_no_broken_json },
	{ "metrics of a link that is up", metrics_of_a_link_that_is_up },
	{ "metrics while capturing", metrics_while_capturing },
	{ "labels are escaped", labels_are_escaped },
	{ 0 },
};
