/* The page /metrics: a snapshot in Prometheus' text format 0.0.4. One row of a table a sample; rows of one family stand together, as
 * the format demands. Called by pages.c. */
#include <string.h>

#include "clock.h"
#include "control/snapshot.h"

enum value_kind { VALUE_BOOL, VALUE_UNSIGNED, VALUE_SIZE, VALUE_U64 };

/* A sample: its family, labels (or NULL) and where its value is. */
struct metric {
	const char *name, *type, *help, *labels;
	enum value_kind kind;
	size_t offset;
};

#define COUNTER "counter"
#define GAUGE "gauge"
#define AT(kind, member) VALUE_##kind, offsetof(struct snapshot, member)
#define TRAFFIC(member) AT(U64, report.ppp.counters.member)
#define DOOR(kind, member) VALUE_##kind, offsetof(struct net_door, member)

static const struct metric metrics[] = {
	{ "up",                  GAUGE,   "Whether the link is up.",                      NULL,                   AT(BOOL, up) },
	{ "attempts_total",      COUNTER, "Lines opened, or tried to.",                   NULL,                   AT(UNSIGNED, report.attempts) },
	{ "bytes_total",         COUNTER, "Bytes of IP packets; in is from the peer.",    "direction=\"in\"",     TRAFFIC(bytes_in) },
	{ "bytes_total",         COUNTER, NULL,                                           "direction=\"out\"",    TRAFFIC(bytes_out) },
	{ "packets_total",       COUNTER, "IP packets; in is from the peer.",             "direction=\"in\"",     TRAFFIC(packets_in) },
	{ "packets_total",       COUNTER, NULL,                                           "direction=\"out\"",    TRAFFIC(packets_out) },
	{ "frames_total",        COUNTER, "Frames of any protocol.",                      "direction=\"in\"",     TRAFFIC(frames_in) },
	{ "frames_total",        COUNTER, NULL,                                           "direction=\"out\"",    TRAFFIC(frames_out) },
	{ "frame_errors_total",  COUNTER, "Frames that were lost, by what was wrong.",    "error=\"fcs\"",        TRAFFIC(errors_fcs) },
	{ "frame_errors_total",  COUNTER, NULL,                                           "error=\"runt\"",       TRAFFIC(errors_runt) },
	{ "frame_errors_total",  COUNTER, NULL,                                           "error=\"giant\"",      TRAFFIC(errors_giant) },
	{ "frame_errors_total",  COUNTER, NULL,                                           "error=\"abort\"",      TRAFFIC(errors_abort) },
	{ "frame_errors_total",  COUNTER, NULL,                                           "error=\"dropped\"",    TRAFFIC(out_dropped) },
	{ "queue_packets",       GAUGE,   "Packets that wait for the line.",              NULL,                   AT(UNSIGNED, report.queue_packets) },
	{ "queue_bytes",         GAUGE,   "Bytes that wait for the line.",                NULL,                   AT(SIZE, report.queue_bytes) },
	{ "queue_dropped_total", COUNTER, "Packets that found no room to wait.",          NULL,                   AT(U64, report.queue_dropped) },
	{ "flows",               GAUGE,   "Conversations through the link now.",          NULL,                   AT(UNSIGNED, net.flows) },
	{ "flows_total",         COUNTER, "Conversations so far.",                        NULL,                   AT(U64, net.flows_opened) },
	{ "locked_out",          GAUGE,   "Whether the peer is locked out.",              NULL,                   AT(BOOL, net.locked_out) },
	{ "dropped_total",       COUNTER, "Packets of the peer's that were thrown away.", "reason=\"malformed\"", AT(U64, net.malformed) },
	{ "dropped_total",       COUNTER, NULL,                                           "reason=\"spoofed\"",   AT(U64, net.spoofed) },
	{ "dropped_total",       COUNTER, NULL,                                           "reason=\"fragments\"", AT(U64, net.fragments) },
	{ "dropped_total",       COUNTER, NULL,                                           "reason=\"ignored\"",   AT(U64, net.ignored) },
};

/* Of each service, forward and SOCKS server. */
static const struct metric door_metrics[] = {
	{ "flows",         GAUGE,   "Conversations now.",                        NULL,                  DOOR(UNSIGNED, flows) },
	{ "flows_total",   COUNTER, "Conversations so far.",                     NULL,                  DOOR(U64, opened) },
	{ "refused_total", COUNTER, "Conversations that were refused.",          NULL,                  DOOR(U64, refused) },
	{ "bytes_total",   COUNTER, "Bytes of IP packets; in is from the peer.", "direction=\"in\"",  DOOR(U64, bytes_in) },
	{ "bytes_total",   COUNTER, NULL,                                        "direction=\"out\"", DOOR(U64, bytes_out) },
};

static const char *const door_names[DOOR_KINDS] = { [DOOR_SERVICE] = "service", [DOOR_FORWARD] = "forward", [DOOR_SOCKS] = "socks" };

static uint64_t value_of(const struct metric *m, const void *base)
{
	const char *at = (const char *)base + m->offset;

	switch (m->kind) {
	case VALUE_BOOL:
		return *(const bool *)at;
	case VALUE_UNSIGNED:
		return *(const unsigned *)(const void *)at;
	case VALUE_SIZE:
		return *(const size_t *)(const void *)at;
	default:
		return *(const uint64_t *)(const void *)at;
	}
}

/* PREFIX is "" or a word with its underscore. */
static void print_head(GString *out, const char *prefix, const char *name, const char *type, const char *help)
{
	g_string_append_printf(out, "# HELP slirppd_%s%s %s\n# TYPE slirppd_%s%s %s\n", prefix, name, help, prefix, name, type);
}

static void print_sample(GString *out, const char *name, const char *label, const char *label_value, uint64_t value)
{
	g_string_append_printf(out, "slirppd_%s{%s=\"%s\"} %" G_GUINT64_FORMAT "\n", name, label, label_value, value);
}

static void print_metrics(GString *out, const struct snapshot *s)
{
	for (size_t i = 0; i < G_N_ELEMENTS(metrics); i++) {
		const struct metric *m = &metrics[i];

		if (m->help)
			print_head(out, "", m->name, m->type, m->help);
		g_string_append_printf(out, m->labels ? "slirppd_%s{%s}" : "slirppd_%s%s", m->name, m->labels ? m->labels : "");
		g_string_append_printf(out, " %" G_GUINT64_FORMAT "\n", value_of(m, s));
	}
}

static void print_states(GString *out, const struct snapshot *s)
{
	print_head(out, "", "state", GAUGE, "What the session is doing: 1 for the state that it is in.");
	for (unsigned i = 0; i < SESSION_STATES; i++)
		print_sample(out, "state", "state", session_state_name((enum session_state)i), s->report.state == (enum session_state)i);
}

static void print_refused(GString *out, const struct snapshot *s)
{
	print_head(out, "", "refused_total", COUNTER, "What was refused to the peer, by why.");
	for (unsigned i = 0; i < REFUSALS; i++)
		print_sample(out, "refused_total", "reason", net_refusal_name((enum net_refusal)i), s->net.refused[i]);
}

static void print_start(GString *out, const struct snapshot *s)
{
	char buf[G_ASCII_DTOSTR_BUF_SIZE];
	double start = (double)snapshot_time(s, s->started) / CLOCK_SECOND;

	print_head(out, "", "start_time_seconds", GAUGE, "When the program was started, in seconds since 1970.");
	g_string_append_printf(out, "slirppd_start_time_seconds %s\n", g_ascii_formatd(buf, sizeof(buf), "%.3f", start));
}

/* A label's value: UTF-8 with \\, \" and \n. */
static void print_label(GString *out, const char *name, const char *value)
{
	char *valid = g_utf8_make_valid(value, -1);

	g_string_append_printf(out, "%s=\"", name);
	for (const char *p = valid; *p; p++) {
		if (*p == '\\' || *p == '"')
			g_string_append_c(out, '\\');
		g_string_append(out, *p == '\n' ? "\\n" : (const char[]){ *p, '\0' });
	}
	g_string_append_c(out, '"');
	g_free(valid);
}

static void print_door(GString *out, const char *kind, const struct metric *m, const struct net_door *door)
{
	g_string_append_printf(out, "slirppd_%s_%s{", kind, m->name);
	print_label(out, kind, door->spec);
	g_string_append_c(out, ',');
	print_label(out, "name", door->name);
	g_string_append_printf(out, "%s%s} %" G_GUINT64_FORMAT "\n", m->labels ? "," : "", m->labels ? m->labels : "", value_of(m, door));
}

static void print_doors(GString *out, const char *kind, const GArray *doors)
{
	char *prefix = g_strconcat(kind, "_", NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(door_metrics) && doors->len > 0; i++) {
		if (door_metrics[i].help)
			print_head(out, prefix, door_metrics[i].name, door_metrics[i].type, door_metrics[i].help);
		for (guint d = 0; d < doors->len; d++)
			print_door(out, kind, &door_metrics[i], &g_array_index(doors, struct net_door, d));
	}
	g_free(prefix);
}

char *metrics_text(const struct snapshot *s)
{
	GString *out = g_string_sized_new(4096);

	print_metrics(out, s);
	print_states(out, s);
	print_refused(out, s);
	print_start(out, s);
	for (unsigned kind = 0; kind < DOOR_KINDS; kind++)
		print_doors(out, door_names[kind], s->doors[kind]);
	if (s->capturing) {
		print_head(out, "", "capture_lost_total", COUNTER, "Frames that are missing in the capture.");
		g_string_append_printf(out, "slirppd_capture_lost_total %" G_GUINT64_FORMAT "\n", s->capture_lost);
	}
	return g_string_free(out, FALSE);
}
