/* slirpctl: looks at a running slirppd and changes what it does, over its control socket (doc/control.md). The commands are a table;
 * each asks for one page, and prints it for people or, with --json, as it came. */
#include <glib.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slirpctl/ask.h"
#include "slirpctl/where.h"

/* A row of the table of commands. */
struct command {
	const char *name, *args, *help;
	int least, most; /* words after the name */
	enum exit_code (*run)(struct ctl *ctl, const struct command *command, char **args);
	show_fn *show;     /* run_show() */
	const char *parts; /* run_show(): what of the state --json prints, NULL for all; run_post(), run_spec(): the page */
	const char *done;  /* run_post(): what was done */
};

static void print_json(const json_t *value)
{
	g_autofree char *text = NULL;
	char *dumped = json_dumps(value ? value : json_null(), JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	text = g_strconcat(dumped, "\n", NULL);
	free(dumped);
	ctl_print(text);
}

static enum exit_code run_show(struct ctl *ctl, const struct command *command, char **args)
{
	g_autoptr(GString) out = g_string_new(NULL);
	json_t *state;
	enum exit_code code = ctl_state(ctl, &state);

	(void)args;
	if (code != CTL_OK)
		return code;
	if (ctl->json) {
		print_json(command->parts ? json_object_get(state, command->parts) : state);
	} else {
		command->show(out, state, &ctl->look);
		ctl_print(out->str);
	}
	json_decref(state);
	return CTL_OK;
}

static json_t *json_of(const struct http_answer *answer)
{
	size_t len;
	const char *body = http_answer_body(answer, &len);

	return json_loadb(body, len, 0, NULL);
}

/* What was changed answers {"ok": true}, perhaps with a note. */
static void show_change(const struct ctl *ctl, const struct http_answer *answer, const char *done)
{
	json_t *told = json_of(answer);
	const char *note = json_string_value(json_object_get(told, "note"));

	if (ctl->json)
		print_json(told);
	else
		printf("%s\n", done);
	if (note && !ctl->json)
		ctl_complain("%s", note);
	json_decref(told);
}

static enum exit_code change(const struct ctl *ctl, const char *method, const char *target, const char *body, const char *done)
{
	struct http_answer *answer;
	enum exit_code code = ctl_ask(ctl, method, target, body, &answer);

	if (code != CTL_OK)
		return code;
	if (http_answer_status(answer) == 200)
		show_change(ctl, answer, done);
	else
		code = ctl_refused(answer);
	http_answer_free(answer);
	return code;
}

static enum exit_code run_post(struct ctl *ctl, const struct command *command, char **args)
{
	(void)args;
	return change(ctl, "POST", command->parts, NULL, command->done);
}

static enum exit_code run_drop(struct ctl *ctl, const struct command *command, char **args)
{
	g_autofree char *target = NULL;
	guint64 id;

	if (!g_ascii_string_to_unsigned(args[0], 10, 0, G_MAXUINT64, &id, NULL)) {
		ctl_complain("'%s' is no number of a flow: 'slirpctl flows' shows them", args[0]);
		return CTL_USAGE;
	}
	target = g_strdup_printf("flows/%" G_GUINT64_FORMAT, id);
	return change(ctl, "DELETE", target, NULL, command->done);
}

static enum exit_code run_spec(struct ctl *ctl, const struct command *command, char **args)
{
	bool add = !strcmp(args[0], "add");
	json_t *body;
	char *text;
	enum exit_code code;

	if (!add && strcmp(args[0], "remove")) {
		ctl_complain("'%s %s': add or remove it?", command->name, args[0]);
		return CTL_USAGE;
	}
	body = json_pack("{s:s}", "spec", args[1]);
	if (!body) {
		ctl_complain("'%s' is not UTF-8", args[1]);
		return CTL_USAGE;
	}
	text = json_dumps(body, 0);
	code = change(ctl, add ? "POST" : "DELETE", command->parts, text, add ? "added" : "removed");
	free(text);
	json_decref(body);
	return code;
}

/* The last COUNT elements of LIST. */
static void print_last(json_t *list, size_t count)
{
	while (json_array_size(list) > count)
		json_array_remove(list, 0);
	print_json(list);
}

static enum exit_code run_log(struct ctl *ctl, const struct command *command, char **args)
{
	guint64 lines = 200;
	bool follow = false;
	g_autoptr(GString) out = g_string_new(NULL);
	json_t *state;
	enum exit_code code;

	for (; *args; args++) {
		if (!strcmp(*args, "-f")) {
			follow = true;
		} else if (strcmp(*args, "-n") || !args[1] || !g_ascii_string_to_unsigned(*++args, 10, 0, 100000, &lines, NULL)) {
			ctl_complain("usage: slirpctl log %s", command->args);
			return CTL_USAGE;
		}
	}
	if (follow)
		return ctl_follow_log(ctl, (size_t)lines);
	code = ctl_state(ctl, &state);
	if (code == CTL_OK && ctl->json)
		print_last(json_object_get(state, command->parts), (size_t)lines);
	else if (code == CTL_OK)
		show_log(out, state, &ctl->look, 0, (size_t)lines);
	json_decref(state);
	ctl_print(out->str);
	return code;
}

/* Prints a page as it is. */
static enum exit_code run_metrics(struct ctl *ctl, const struct command *command, char **args)
{
	struct http_answer *answer;
	enum exit_code code = ctl_ask(ctl, "GET", command->parts, NULL, &answer);
	size_t len;

	(void)args;
	if (code != CTL_OK)
		return code;
	if (http_answer_status(answer) == 200)
		ctl_print(http_answer_body(answer, &len));
	else
		code = ctl_refused(answer);
	http_answer_free(answer);
	return code;
}

/* 503 is an answer here, not an error. */
static enum exit_code run_health(struct ctl *ctl, const struct command *command, char **args)
{
	struct http_answer *answer;
	enum exit_code code = ctl_ask(ctl, "GET", command->parts, NULL, &answer);
	json_t *told;

	(void)args;
	if (code != CTL_OK)
		return code;
	told = json_of(answer);
	code = http_answer_status(answer) == 200 ? CTL_OK : CTL_REFUSED;
	if (code != CTL_OK && http_answer_status(answer) != 503)
		ctl_refused(answer);
	else if (ctl->json)
		print_json(told);
	else
		show_word(json_string_value(json_object_get(told, "state")));
	json_decref(told);
	http_answer_free(answer);
	return code;
}

static enum exit_code run_watch(struct ctl *ctl, const struct command *command, char **args)
{
	guint64 seconds = 1;

	if (args[0] && !g_ascii_string_to_unsigned(args[0], 10, 1, 3600, &seconds, NULL)) {
		ctl_complain("usage: slirpctl watch %s: 1 to 3600", command->args);
		return CTL_USAGE;
	}
	return ctl_watch(ctl, (unsigned)seconds);
}

static const struct command commands[] = {
	{ "status", "", "how the link is", 0, 0, run_show, show_status, NULL, NULL },
	{ "flows", "", "what passes through it", 0, 0, run_show, show_flows, "flows", NULL },
	{ "services", "", "what the peer reaches here", 0, 0, run_show, show_services, "services", NULL },
	{ "forwards", "", "what is reached at the peer; SOCKS servers, too", 0, 0, run_show, show_forwards, "forwards", NULL },
	{ "log", "[-n LINES] [-f]", "the last lines of the log; -f goes on with new ones", 0, 3, run_log, NULL, "log", NULL },
	{ "history", "", "when the link was in which state, and why", 0, 0, run_show, show_history, "history", NULL },
	{ "metrics", "", "counters, as Prometheus reads them", 0, 0, run_metrics, NULL, "metrics", NULL },
	{ "health", "", "the state in one word; exit code 0 while the link is up, else 1", 0, 0, run_health, NULL, "health", NULL },
	{ "watch", "[SECONDS]", "status and flows, drawn again every second", 0, 1, run_watch, NULL, NULL, NULL },
	{ "forward", "add|remove SPEC", "a local port that leads to the peer, such as 8080:80", 2, 2, run_spec, NULL, "forwards", NULL },
	{ "service", "add|remove SPEC", "a port here that the peer may reach, such as 22", 2, 2, run_spec, NULL, "services", NULL },
	{ "drop", "ID", "ends a flow", 1, 1, run_drop, NULL, NULL, "ended" },
	{ "hangup", "", "ends the link, until redial", 0, 0, run_post, NULL, "hangup", "hung up" },
	{ "redial", "", "ends the link, or the waiting, and tries anew", 0, 0, run_post, NULL, "redial", "redialling" },
	{ "reload", "", "reads the configuration again", 0, 0, run_post, NULL, "reload", "read again" },
};

static void print_help(void)
{
	printf("usage: slirpctl [-s SOCKET | --url URL] [--json] COMMAND\n\n");
	for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
		g_autofree char *words = g_strconcat(commands[i].name, *commands[i].args ? " " : "", commands[i].args, NULL);

		printf("  %-24s  %s\n", words, commands[i].help);
	}
	printf("\n  -s, --socket SOCKET       the control socket; without it $SLIRPPD_CONTROL, or the only one in /run/slirppd\n"
	       "                            and $XDG_RUNTIME_DIR/slirppd\n"
	       "  --url URL                 slirppd's 'metrics' port instead, such as http://127.0.0.1:9100/: for looking only\n"
	       "  --json                    print JSON as slirppd tells it\n"
	       "  -h, --help; -V, --version\n\n"
	       "Exit code: 0 done, 1 refused, 2 wrong usage, 3 no connection.\n");
}

static const struct command *find_command(const char *name)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* --json may stand after the command, too; it is taken out of WORDS. */
static bool take_json(char **words)
{
	bool found = false;
	char **to = words;

	for (; *words; words++) {
		if (!strcmp(*words, "--json")) {
			found = true;
			g_free(*words);
		} else {
			*to++ = *words;
		}
	}
	*to = NULL;
	return found;
}

/* A socket that was not named is looked for once the command is known to be right. */
static enum exit_code run(struct ctl *ctl, char **words)
{
	const struct command *command = find_command(words[0]);
	int n = (int)g_strv_length(words) - 1;
	g_autofree char *path = NULL, *why = NULL;

	if (!command) {
		ctl_complain("there is no command '%s': 'slirpctl help' shows them", words[0]);
		return CTL_USAGE;
	}
	if (n < command->least || n > command->most) {
		ctl_complain("usage: slirpctl %s %s", command->name, command->args);
		return CTL_USAGE;
	}
	if (!ctl->server.path && !ctl->server.url) {
		ctl->server.path = path = where_socket(&why);
		if (!path) {
			ctl_complain("%s", why);
			return CTL_NO_CONNECTION;
		}
	}
	ctl->look = look_of_stdout();
	return command->run(ctl, command, words + 1);
}

struct options {
	char *path, *url, **words;
	gboolean json, help, version;
};

static void options_clear(struct options *o)
{
	g_free(o->path);
	g_free(o->url);
	g_strfreev(o->words);
}

static bool read_options(struct options *o, int argc, char **argv)
{
	const GOptionEntry entries[] = {
		{ "socket", 's', 0, G_OPTION_ARG_FILENAME, &o->path, NULL, NULL },
		{ "url", 0, 0, G_OPTION_ARG_STRING, &o->url, NULL, NULL },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &o->json, NULL, NULL },
		{ "help", 'h', 0, G_OPTION_ARG_NONE, &o->help, NULL, NULL },
		{ "version", 'V', 0, G_OPTION_ARG_NONE, &o->version, NULL, NULL },
		{ G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->words, NULL, NULL },
		{ 0 },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_strict_posix(context, TRUE);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		ctl_complain("%s: 'slirpctl --help' shows what there is", error->message);
		return false;
	}
	return true;
}

static enum exit_code start(struct options *o)
{
	bool json = o->words && take_json(o->words);

	if (o->version) {
		printf("slirpctl %s\n", PACKAGE_VERSION);
		return CTL_OK;
	}
	if (o->help || (o->words && !g_strcmp0(o->words[0], "help"))) {
		print_help();
		return CTL_OK;
	}
	if (!o->words || !o->words[0]) {
		ctl_complain("no command: 'slirpctl help' shows them");
		return CTL_USAGE;
	}
	if (o->path && o->url) {
		ctl_complain("a socket and a URL: one of the two");
		return CTL_USAGE;
	}
	return run(&(struct ctl){ .server = { o->path, o->url }, .json = json || o->json }, o->words);
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	enum exit_code code = CTL_USAGE;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	if (read_options(&options, argc, argv))
		code = start(&options);
	options_clear(&options);
	return (int)code;
}
