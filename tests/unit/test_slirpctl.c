/* slirpctl: figures, tables and layouts for people; nothing hostile reaches a terminal. */
#include "unit.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#include "slirpctl/show.h"
#include "slirpctl/text.h"

static void is(char *got, const char *wanted)
{
	CU_ASSERT_STRING_EQUAL(got, wanted);
	g_free(got);
}

static void sizes(void)
{
	is(text_size(0), "0 B");
	is(text_size(999), "999 B");
	is(text_size(1000), "1.0 kB");
	is(text_size(1234), "1.2 kB");
	is(text_size(99949), "99.9 kB");
	is(text_size(99950), "100 kB");
	is(text_size(999499), "999 kB");
	is(text_size(999500), "1.0 MB");
	is(text_size(18446744073709551615.0), "18447 PB");
	is(text_size(-1), "0 B");
	is(text_size(NAN), "0 B");
}

static void durations(void)
{
	is(text_duration(0.9), "0 s");
	is(text_duration(59.9), "59 s");
	is(text_duration(60), "1 min 0 s");
	is(text_duration(3599), "59 min 59 s");
	is(text_duration(3725), "1 h 2 min");
	is(text_duration(90000), "1 d 1 h");
	is(text_duration(-5), "0 s");
	is(text_duration(INFINITY), "0 s");
}

static void counts(void)
{
	is(text_count(0), "0");
	is(text_count(999), "999");
	is(text_count(1000), "1,000");
	is(text_count(1234567), "1,234,567");
}

static void terminals_are_safe(void)
{
	is(text_safe("plain \303\251\342\202\254"), "plain \303\251\342\202\254");
	is(text_safe("\033[2J\r\n\t\177"), "\\x1b[2J\\x0d\\x0a\\x09\\x7f");
	is(text_safe("\302\23331m"), "\\x9b31m");
	is(text_safe("a\342\200\256b"), "a\\u202eb");
	is(text_safe("\377\303"), "\\xff\\xc3");
}

static void cuts_by_columns(void)
{
	is(text_cut("abcdef", 6), "abcdef");
	is(text_cut("abcdef", 5), "abcd\342\200\246");
	is(text_cut("abcdef", 1), "\342\200\246");
	is(text_cut("abcdef", 0), "");
	is(text_cut("\346\274\242\345\255\227", 3), "\346\274\242\342\200\246"); /* two wide letters */
	CU_ASSERT_EQUAL(text_width("\346\274\242\345\255\227"), 4);
}

static const struct text_column columns[] = {
	{ .title = "NAME", .shrinks = true }, { .title = "N", .right = true }, { 0 }
};

static char *table_of(const char *name, const char *number, unsigned width)
{
	struct text_table *table = text_table_new(columns);
	GString *out = g_string_new(NULL);

	text_table_row(table, g_strdup(name), g_strdup(number));
	text_table_row(table, g_strdup("x"), g_strdup("1"));
	text_table_print(table, out, width, false);
	text_table_free(table);
	return g_string_free(out, FALSE);
}

static void tables_align(void)
{
	is(table_of("abcdefgh", "1000", 0), "NAME         N\nabcdefgh  1000\nx            1\n");
	is(table_of("abcdefgh", "1000", 13), "NAME        N\nabcdef\342\200\246  1000\nx           1\n");
	is(table_of("a\nb", "2", 0), "NAME    N\na\\x0ab  2\nx       1\n");
}

static void columns_go_before_others_are_cut(void)
{
	static const struct text_column three[] = { { .title = "A", .shrinks = true }, { .title = "B", .goes = 2 }, { .title = "C", .goes = 1 }, { 0 } };
	static const struct {
		unsigned width;
		const char *text;
	} rows[] = {
		{ 30, "A         B   C\naaaaaaaa  bb  ccc\n" },
		{ 16, "A         B\naaaaaaaa  bb\n" },
		{ 11, "A\naaaaaaaa\n" },
		{ 7, "A\naaaaaa\342\200\246\n" },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct text_table *table = text_table_new(three);
		GString *out = g_string_new(NULL);

		text_table_row(table, g_strdup("aaaaaaaa"), g_strdup("bb"), g_strdup("ccc"));
		text_table_print(table, out, rows[i].width, false);
		text_table_free(table);
		is(g_string_free(out, FALSE), rows[i].text);
	}
}

static void tables_never_exceed_the_width(void)
{
	for (unsigned width = 1; width < 40; width++) {
		g_autofree char *text = table_of("a name that is rather long", "123456", width);
		g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

		for (char **line = lines; *line; line++)
			CU_ASSERT_TRUE(text_width(*line) <= width);
	}
}

static char *shown(show_fn *show, const char *json)
{
	json_t *state = json_loads(json, 0, NULL);
	GString *out = g_string_new(NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	show(out, state, &(struct look){ 0 });
	json_decref(state);
	return g_string_free(out, FALSE);
}

static void has(char *text, const char *part)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(text, part));
	g_free(text);
}

static void shows_what_is_told(void)
{
	has(shown(show_status, "{\"link\":{\"state\":\"waiting\",\"since\":61,\"retry_in\":7.5},\"interface\":\"ppp0\"}"),
	    "waiting  ppp0  for 1 min 1 s, next try in 7 s\n");
	has(shown(show_status, "{\"refused\":{\"no-service\":3,\"lockout\":0}}"), "Refused     no-service 3\n");
	has(shown(show_flows, "{\"flows\":[{\"id\":9007199254740993,\"kind\":\"world\",\"bytes_in\":1500}],\"flows_total\":5}"),
	    "(1 of 5: those that moved last)\n");
	has(shown(show_flows, "{\"flows\":[{\"id\":9007199254740993}]}"), "9007199254740993  ");
	has(shown(show_forwards, "{\"forwards\":[{\"spec\":\"2222:22\"}],\"socks\":[{\"spec\":\"127.0.0.1:1080\"}]}"), "socks 127.0.0.1:1080");
}

static void anything_may_come(void)
{
	static const char *const states[] = {
		"{}", "{\"link\":[],\"traffic\":3,\"history\":{},\"rates\":null,\"flows\":\"x\",\"services\":[1,null,[]],\"log\":[{}]}",
		"{\"link\":{\"state\":7,\"since\":-1e300,\"peer_dns\":\"\"},\"flows\":[[],{\"id\":-1,\"age\":1e300}],\"history\":[{\"time\":1e300}]}",
	};
	static show_fn *const shows[] = { show_status, show_flows, show_services, show_forwards, show_history };

	for (unsigned s = 0; s < G_N_ELEMENTS(states); s++)
		for (unsigned i = 0; i < G_N_ELEMENTS(shows); i++)
			g_free(shown(shows[i], states[s]));
}

static void nothing_hostile_is_shown(void)
{
	static const char json[] = "{\"interface\":\"\\u001b]0;x\\u0007\",\"link\":{\"state\":\"\\u001b[H\",\"local\":\"\\u009b2J\"},"
				   "\"refused\":{\"\\u001bc\":1},\"history\":[{\"text\":\"a\\u001b\\nb\",\"state\":\"\\r\"}],"
				   "\"services\":[{\"spec\":\"\\u001b\",\"name\":\"\\u0008\"}],\"flows\":[{\"peer\":\"\\u001b\",\"kind\":\"\\u001b\"}]}";
	static show_fn *const shows[] = { show_status, show_flows, show_services, show_forwards, show_history };

	for (unsigned i = 0; i < G_N_ELEMENTS(shows); i++) {
		g_autofree char *text = shown(shows[i], json);

		for (const char *p = text; *p; p++)
			CU_ASSERT_TRUE(*p == '\n' || (unsigned char)*p >= ' ');
		CU_ASSERT_PTR_NULL(strstr(text, "\302\233"));
	}
}

const struct unit_test unit_tests[] = {
	{ "slirpctl: sizes", sizes },
	{ "slirpctl: durations", durations },
	{ "slirpctl: counts", counts },
	{ "slirpctl: what could steer a terminal is spelt out", terminals_are_safe },
	{ "slirpctl: text is cut by the columns it takes", cuts_by_columns },
	{ "slirpctl: tables are aligned and cut", tables_align },
	{ "slirpctl: columns are left out before others are cut", columns_go_before_others_are_cut },
	{ "slirpctl: no line of a table is longer than the terminal is wide", tables_never_exceed_the_width },
	{ "slirpctl: what slirppd tells is shown", shows_what_is_told },
	{ "slirpctl: parts that are missing or of a wrong type do no harm", anything_may_come },
	{ "slirpctl: nothing hostile is shown", nothing_hostile_is_shown },
	{ 0 },
};
