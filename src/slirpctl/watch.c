/* The commands that stay: `watch` draws the state in place, `log -f` prints what is logged anew. See ask.h. */
#include "slirpctl/ask.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l" /* the other screen, no cursor */
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define REST_OF_LINE "\033[K"
#define REST_OF_SCREEN "\033[J"

struct watch {
	struct ctl *ctl;
	GMainLoop *loop;
	bool in_place; /* a terminal that can do it */
	enum exit_code code;
};

static unsigned terminal_height(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row ? size.ws_row : 24;
}

/* Over what was there before: without clearing first, nothing flickers. */
static void draw_in_place(const GString *screen)
{
	g_auto(GStrv) lines = g_strsplit(screen->str, "\n", -1);
	g_autofree char *text = g_strjoinv(REST_OF_LINE "\r\n", lines);
	g_autofree char *all = g_strconcat(HOME, text, REST_OF_SCREEN, NULL);

	ctl_print(all);
}

static gboolean draw(gpointer arg)
{
	struct watch *w = arg;
	json_t *state;
	g_autoptr(GString) screen = g_string_new(NULL);

	w->code = ctl_state(w->ctl, &state);
	if (w->code != CTL_OK) {
		g_main_loop_quit(w->loop);
		return G_SOURCE_REMOVE;
	}
	w->ctl->look = look_of_stdout();
	show_screen(screen, state, &w->ctl->look, w->in_place ? terminal_height() : 0);
	json_decref(state);
	if (w->in_place) {
		g_string_truncate(screen, screen->len - 1);
		draw_in_place(screen);
	} else {
		g_string_append_c(screen, '\n');
		ctl_print(screen->str);
	}
	return G_SOURCE_CONTINUE;
}

static gboolean resized(gpointer arg)
{
	draw(arg);
	return G_SOURCE_CONTINUE;
}

static gboolean stop(gpointer arg)
{
	struct watch *w = arg;

	g_main_loop_quit(w->loop);
	return G_SOURCE_CONTINUE;
}

static gboolean first(gpointer arg)
{
	draw(arg);
	return G_SOURCE_REMOVE;
}

static bool can_draw_in_place(void)
{
	const char *term = g_getenv("TERM");

	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb");
}

enum exit_code ctl_watch(struct ctl *ctl, unsigned seconds)
{
	struct watch w = { .ctl = ctl, .in_place = can_draw_in_place() };
	json_t *state;
	enum exit_code code = ctl_state(ctl, &state); /* what is wrong from the start is said on the ordinary screen */

	if (code != CTL_OK)
		return code;
	json_decref(state);
	w.loop = g_main_loop_new(NULL, FALSE);
	if (w.in_place)
		ctl_print(ENTER);
	g_unix_signal_add(SIGINT, stop, &w);
	g_unix_signal_add(SIGTERM, stop, &w);
	g_unix_signal_add(SIGHUP, stop, &w);
	g_unix_signal_add(SIGWINCH, resized, &w);
	g_timeout_add_seconds(seconds, draw, &w);
	g_idle_add(first, &w);
	g_main_loop_run(w.loop);
	g_main_loop_unref(w.loop);
	if (w.in_place)
		ctl_print(LEAVE);
	if (w.code != CTL_OK && w.in_place)
		ctl_complain("slirppd does not answer any more");
	return w.code;
}

/* How many lines of LOG were there already: up to the last that equals NEWEST. */
static size_t known_lines(const json_t *log, const json_t *newest)
{
	size_t i = json_array_size(log);

	while (newest && i > 0 && !json_equal(json_array_get(log, i - 1), newest))
		i--;
	return newest ? i : 0;
}

/* An entry a line. */
static void log_as_json(GString *out, const json_t *log, size_t skip, size_t limit)
{
	size_t len = json_array_size(log);

	for (size_t i = MAX(skip, len > limit ? len - limit : 0); i < len; i++) {
		char *line = json_dumps(json_array_get(log, i), JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

		g_string_append_printf(out, "%s\n", line);
		free(line);
	}
}

enum exit_code ctl_follow_log(const struct ctl *ctl, size_t limit)
{
	json_t *newest = NULL;
	enum exit_code code;

	for (;; g_usleep(G_USEC_PER_SEC)) {
		g_autoptr(GString) out = g_string_new(NULL);
		json_t *state, *log;

		code = ctl_state(ctl, &state);
		if (code != CTL_OK)
			break;
		log = json_object_get(state, "log");
		if (ctl->json)
			log_as_json(out, log, known_lines(log, newest), limit);
		else
			show_log(out, state, &ctl->look, known_lines(log, newest), limit);
		limit = G_MAXSIZE;
		ctl_print(out->str);
		if (json_array_size(log) > 0) {
			json_decref(newest);
			newest = json_incref(json_array_get(log, json_array_size(log) - 1));
		}
		json_decref(state);
	}
	json_decref(newest);
	return code;
}
