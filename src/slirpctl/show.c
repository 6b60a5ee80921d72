/* Lays out what slirppd tells: see show.h. Every string that comes from there passes text_safe(), in tables or by itself. */
#include "slirpctl/show.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "slirpctl/text.h"

#define DEFAULT_WIDTH 80
#define MOST 1e20 /* to which figures are taken seriously */

struct look look_of_stdout(void)
{
	const char *no_colour = g_getenv("NO_COLOR"), *term = g_getenv("TERM");
	struct winsize size = { 0 };

	if (!isatty(STDOUT_FILENO))
		return (struct look){ 0 };
	return (struct look){
		.width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : DEFAULT_WIDTH,
		.colour = !(no_colour && *no_colour) && term && strcmp(term, "dumb"),
	};
}

/* A member, or NULL when FROM is no object or has none. */
static const json_t *get(const json_t *from, const char *key)
{
	return json_object_get(from, key);
}

static double number(const json_t *from, const char *key)
{
	return CLAMP(json_number_value(get(from, key)), -MOST, MOST);
}

static const char *string_or(const json_t *value, const char *otherwise)
{
	return json_string_length(value) ? json_string_value(value) : otherwise;
}

static const char *string(const json_t *from, const char *key)
{
	return string_or(get(from, key), "-");
}

static char *size_of(const json_t *from, const char *key)
{
	return text_size(number(from, key));
}

static char *count_of(const json_t *from, const char *key)
{
	return text_count(number(from, key));
}

static char *copy_of(const json_t *from, const char *key)
{
	return g_strdup(string_or(get(from, key), ""));
}

static char *clock_of(double time, const char *format)
{
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(time > 0 && time < 1e11 ? (gint64)time : 0);
	g_autoptr(GDateTime) local = g_date_time_to_local(utc);

	return g_date_time_format(local, format);
}

/* LABEL and what belongs to it, on a line that is cut to the terminal. */
static void fact(GString *out, const struct look *look, const char *label, const char *format, ...) G_GNUC_PRINTF(4, 5);

static void fact(GString *out, const struct look *look, const char *label, const char *format, ...)
{
	g_autofree char *text = NULL, *safe = NULL, *line = NULL, *cut = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	safe = text_safe(text);
	line = g_strdup_printf("%-11s %s", label, safe);
	cut = look->width ? text_cut(line, look->width) : g_strdup(line);
	g_string_append_printf(out, "%s\n", cut);
}

static const char *colour_of_state(const char *state)
{
	return !strcmp(state, "up") ? "\033[1;32m" : !strcmp(state, "idle") ? "\033[1;31m" : "\033[1;33m";
}

static void headline(GString *out, const json_t *state, const struct look *look)
{
	const json_t *link = get(state, "link");
	const char *is = string(link, "state");
	g_autofree char *since = text_duration(number(link, "since")), *retry = text_duration(number(link, "retry_in"));
	g_autofree char *safe = text_safe(is);
	g_autofree char *text = g_strdup_printf("%s  for %s%s%s", string(state, "interface"), since,
						json_is_number(get(link, "retry_in")) ? ", next try in " : "",
						json_is_number(get(link, "retry_in")) ? retry : "");
	g_autofree char *rest = text_safe(text);

	g_string_append_printf(out, "%s%s%s  %s\n", look->colour ? colour_of_state(is) : "", safe, look->colour ? "\033[0m" : "", rest);
}

static void why_down(GString *out, const json_t *state, const struct look *look)
{
	const json_t *history = get(state, "history");
	const json_t *newest = get(json_array_get(history, json_array_size(history) - 1), "text");
	const char *last = string_or(newest, string_or(get(get(state, "link"), "status_text"), ""));

	if (*last && strcmp(string(get(state, "link"), "state"), "up") != 0)
		fact(out, look, "Last", "%s", last);
}

static void compression(GString *out, const json_t *methods, const struct look *look)
{
	const char *sends = string_or(get(methods, "sends"), "none"), *receives = string_or(get(methods, "receives"), "none");

	if (json_is_string(get(methods, "sends")) || json_is_string(get(methods, "receives")))
		fact(out, look, "Compressed", "%s to the peer, %s from it", sends, receives);
}

static void addresses(GString *out, const json_t *state, const struct look *look)
{
	const json_t *link = get(state, "link"), *line = get(state, "line");
	g_autofree char *rate = size_of(line, "rate");
	bool known = number(line, "rate") > 0;

	fact(out, look, "Line", "%s (%s%s%s%s)", string(line, "name"), string(line, "kind"), known ? ", " : "", known ? rate : "",
	     known ? "/s" : "");
	if (json_is_string(get(link, "peer")))
		fact(out, look, "Peer", "%s", string(link, "peer"));
	compression(out, get(link, "compression"), look);
	if (json_is_string(get(link, "local6")))
		fact(out, look, "IPv6", "%s here, %s at the peer", string(link, "local6"), string(link, "remote6"));
	if (!json_is_string(get(link, "local")))
		return;
	fact(out, look, "Addresses", "%s here, %s at the peer, MTU %.0f", string(link, "local"), string(link, "remote"), number(link, "mtu"));
	fact(out, look, "Names", "%s for the peer, %s from the peer", string(link, "dns"), string_or(json_array_get(get(link, "peer_dns"), 0), "-"));
}

static double rate_now(const json_t *state, const char *direction)
{
	const json_t *rates = get(get(state, "rates"), direction);

	return json_number_value(json_array_get(rates, json_array_size(rates) - 1));
}

static void traffic(GString *out, const json_t *state, const struct look *look)
{
	static const struct {
		const char *label, *bytes, *packets, *rate;
	} ways[] = {
		{ "In", "bytes_in", "packets_in", "in" },
		{ "Out", "bytes_out", "packets_out", "out" },
	};
	const json_t *all = get(state, "traffic"), *queue = get(all, "queue");

	for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++) {
		g_autofree char *bytes = size_of(all, ways[i].bytes), *packets = count_of(all, ways[i].packets);
		g_autofree char *rate = text_size(rate_now(state, ways[i].rate));

		fact(out, look, ways[i].label, "%8s/s, %8s in %s packets", rate, bytes, packets);
	}
	if (number(queue, "packets") > 0 || number(queue, "dropped") > 0) {
		g_autofree char *bytes = size_of(queue, "bytes"), *dropped = count_of(queue, "dropped");

		fact(out, look, "Queue", "%s, %s packets dropped", bytes, dropped);
	}
}

/* The members of OBJECT that are not 0: "no-service 14, rate-limit 2". */
static void counters(GString *out, const json_t *object, const struct look *look, const char *label)
{
	g_autoptr(GString) text = g_string_new(NULL);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		if (json_number_value(value) > 0)
			g_string_append_printf(text, "%s%s %.0f", text->len ? ", " : "", key, json_number_value(value));
	}
	if (text->len)
		fact(out, look, label, "%s", text->str);
}

static unsigned total(const json_t *doors)
{
	double sum = 0;

	for (size_t i = 0; i < json_array_size(doors); i++)
		sum += number(json_array_get(doors, i), "flows");
	return sum > 0 && sum < 1e9 ? (unsigned)sum : 0;
}

void show_status(GString *out, const json_t *state, const struct look *look)
{
	g_autofree char *uptime = text_duration(number(state, "uptime")), *flows = count_of(state, "flows_total");

	headline(out, state, look);
	why_down(out, state, look);
	addresses(out, state, look);
	traffic(out, state, look);
	fact(out, look, "Flows", "%s; services %zu (%u open), forwards %zu (%u open), SOCKS %zu (%u open)", flows,
	     json_array_size(get(state, "services")), total(get(state, "services")), json_array_size(get(state, "forwards")),
	     total(get(state, "forwards")), json_array_size(get(state, "socks")), total(get(state, "socks")));
	counters(out, get(get(state, "traffic"), "errors"), look, "Bad frames");
	counters(out, get(state, "refused"), look, "Refused");
	counters(out, get(state, "dropped"), look, "Dropped");
	if (json_is_true(get(state, "locked_out")))
		fact(out, look, "Locked out", "the peer was refused too often, and opens nothing new for a while");
	fact(out, look, "Program", "%s %s, process %.0f, running for %s", string(state, "program"), string(state, "version"),
	     number(state, "pid"), uptime);
}

static const struct text_column flow_columns[] = {
	{ .title = "ID", .right = true },
	{ .title = "KIND" },
	{ .title = "PROTO" },
	{ .title = "PEER", .shrinks = true },
	{ .title = "WITH", .shrinks = true },
	{ .title = "REALLY", .shrinks = true, .goes = 1 },
	{ .title = "STATE", .goes = 3 },
	{ .title = "IN", .right = true },
	{ .title = "OUT", .right = true },
	{ .title = "AGE", .right = true, .goes = 2 },
	{ .title = "IDLE", .right = true },
	{ 0 },
};

static void flows_up_to(GString *out, const json_t *state, const struct look *look, size_t limit)
{
	const json_t *flows = get(state, "flows");
	struct text_table *table = text_table_new(flow_columns);

	for (size_t i = 0; i < MIN(limit, json_array_size(flows)); i++) {
		const json_t *f = json_array_get(flows, i);

		text_table_row(table, g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(get(f, "id"))), copy_of(f, "kind"),
			       copy_of(f, "protocol"), copy_of(f, "peer"), copy_of(f, "far"), copy_of(f, "real"), copy_of(f, "state"), size_of(f, "bytes_in"), size_of(f, "bytes_out"),
			       text_duration(number(f, "age")), text_duration(number(f, "idle")));
	}
	text_table_print(table, out, look->width, look->colour);
	text_table_free(table);
}

void show_flows(GString *out, const json_t *state, const struct look *look)
{
	size_t shown = json_array_size(get(state, "flows"));

	flows_up_to(out, state, look, shown);
	if (number(state, "flows_total") > (double)shown)
		g_string_append_printf(out, "(%zu of %.0f: those that moved last)\n", shown, number(state, "flows_total"));
}

static const struct text_column door_columns[] = {
	{ .title = "SPEC", .shrinks = true },
	{ .title = "NAME", .shrinks = true },
	{ .title = "OPEN", .right = true },
	{ .title = "IN ALL", .right = true },
	{ .title = "REFUSED", .right = true },
	{ .title = "IN", .right = true },
	{ .title = "OUT", .right = true },
	{ 0 },
};

static void add_doors(struct text_table *table, const json_t *doors, const char *before)
{
	for (size_t i = 0; i < json_array_size(doors); i++) {
		const json_t *d = json_array_get(doors, i);

		text_table_row(table, g_strconcat(before, string(d, "spec"), NULL), copy_of(d, "name"), count_of(d, "flows"),
			       count_of(d, "opened"), count_of(d, "refused"), size_of(d, "bytes_in"), size_of(d, "bytes_out"));
	}
}

void show_services(GString *out, const json_t *state, const struct look *look)
{
	struct text_table *table = text_table_new(door_columns);

	add_doors(table, get(state, "services"), "");
	text_table_print(table, out, look->width, look->colour);
	text_table_free(table);
}

void show_forwards(GString *out, const json_t *state, const struct look *look)
{
	struct text_table *table = text_table_new(door_columns);

	add_doors(table, get(state, "forwards"), "");
	add_doors(table, get(state, "socks"), "socks ");
	text_table_print(table, out, look->width, look->colour);
	text_table_free(table);
}

void show_history(GString *out, const json_t *state, const struct look *look)
{
	static const struct text_column columns[] = { { .title = "TIME" }, { .title = "STATE" }, { .title = "", .shrinks = true }, { 0 } };
	const json_t *history = get(state, "history");
	struct text_table *table = text_table_new(columns);

	for (size_t i = 0; i < json_array_size(history); i++) {
		const json_t *h = json_array_get(history, i);

		text_table_row(table, clock_of(number(h, "time"), "%F %T"), copy_of(h, "state"), copy_of(h, "text"));
	}
	text_table_print(table, out, look->width, look->colour);
	text_table_free(table);
}

static const char *colour_of_level(const char *level)
{
	return !strcmp(level, "err") || !strcmp(level, "error") ? "\033[31m" : g_str_has_prefix(level, "warn") ? "\033[33m" :
	       !strcmp(level, "debug")				 ? "\033[2m"  : "";
}

void show_log(GString *out, const json_t *state, const struct look *look, size_t skip, size_t limit)
{
	const json_t *log = get(state, "log");
	size_t len = json_array_size(log), first = MAX(skip, len > limit ? len - limit : 0);

	for (size_t i = first; i < len; i++) {
		const json_t *l = json_array_get(log, i);
		g_autofree char *time = clock_of(number(l, "time"), "%F %T"), *text = text_safe(string_or(get(l, "text"), ""));
		const char *colour = look->colour ? colour_of_level(string(l, "level")) : "";

		g_string_append_printf(out, "%s  %s%s%s\n", time, colour, text, *colour ? "\033[0m" : "");
	}
}

void show_word(const char *word)
{
	g_autofree char *safe = text_safe(word ? word : "-");

	printf("%s\n", safe);
}

void show_screen(GString *out, const json_t *state, const struct look *look, unsigned height)
{
	unsigned lines = 2; /* the empty one and the titles */

	show_status(out, state, look);
	for (const char *p = out->str; *p; p++)
		lines += *p == '\n';
	if (height && lines > height)
		return;
	g_string_append_c(out, '\n');
	flows_up_to(out, state, look, height ? height - lines : G_MAXSIZE);
}
