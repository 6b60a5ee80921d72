/* Reading options: which sources, in which order, and which file may be read from which (pppd: main.c, options.c). Called by main at
 * the start and once more, for options.TTY, when the device is known. */
#include "options.h"

#include <errno.h>
#include <string.h>

#include "compat/pppd/reading.h"
#include "compat/pppd/word.h"
#include "log.h"

/* A file that includes itself ends here. */
#define MAX_DEPTH 32

#define SYSTEM_PEERS "/etc/ppp/peers"

static void state_clear(struct option_state *state)
{
	if (state->given)
		g_ptr_array_free(state->given, TRUE);
}

struct options *options_new(struct config *config, const char *stdin_tty)
{
	struct options *o = g_new0(struct options, 1);

	o->config = config;
	o->stdin_tty = g_strdup(stdin_tty);
	o->state = g_new0(struct option_state, option_table_size);
	o->notes = g_ptr_array_new_with_free_func(g_free);
	o->yaml = g_array_new(FALSE, TRUE, sizeof(struct yaml_source));
	o->folder = g_get_current_dir();
	o->status = EXIT_OPTION_ERROR;
	world_init(&o->world);
	return o;
}

/* Passwords are among them. */
static void free_words(char **words)
{
	for (char **word = words; word && *word; word++)
		explicit_bzero(*word, strlen(*word));
	g_strfreev(words);
}

void options_free(struct options *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < option_table_size; i++)
		state_clear(&o->state[i]);
	g_free(o->state);
	g_ptr_array_free(o->notes, TRUE);
	g_free(o->shown);
	for (guint i = 0; i < o->yaml->len; i++)
		g_free(g_array_index(o->yaml, struct yaml_source, i).path);
	g_array_free(o->yaml, TRUE);
	free_words(o->words);
	g_free(o->folder);
	g_free(o->domain);
	if (o->piped)
		explicit_bzero(o->piped, strlen(o->piped));
	g_free(o->piped);
	g_free(o->why);
	g_free(o->missing_device);
	g_free(o->missing_message);
	g_free(o->stdin_tty);
	world_clear(&o->world);
	g_free(o);
}

void option_forget(GString *text)
{
	explicit_bzero(text->str, text->allocated_len);
	g_string_free(text, TRUE);
}

static bool too_few(struct options *o, const char *name)
{
	return option_fail(o, o->source->file ? "too few parameters for option '%s'" : "too few parameters for option %s", name);
}

/* One use of an option: NAME, and the word after it where it takes one (NULL: there is none). */
static bool read_option(struct options *o, const struct option_row *row, const char *name, const char *next)
{
	if (row->flags & OPT_POSITIONAL)
		return option_apply(o, row, name, name);
	if (row->arg && !next)
		return too_few(o, name);
	return option_apply(o, row, name, row->arg ? next : NULL);
}

static bool takes_next(const struct option_row *row)
{
	return row->arg && !(row->flags & OPT_POSITIONAL);
}

bool options_read_args(struct options *o, int argc, char *argv[])
{
	const struct source source = {
		.name = "command line",
		.priority = PRIORITY_COMMAND,
		.privileged = o->world.privileged,
	};
	bool ok = true;

	o->source = &source;
	for (int i = 1; ok && !o->stop && i < argc; i++) {
		const char *name = argv[i];
		const struct option_row *row = option_for_word(o, name);

		if (row && takes_next(row))
			i++;
		ok = row && read_option(o, row, name, i < argc ? argv[i] : NULL);
		if (row && (row->flags & OPT_SECRET) && i < argc)
			memset(argv[i], '?', strlen(argv[i])); /* ps shows it to everyone */
	}
	o->source = NULL;
	return ok;
}

static bool next_word(struct options *o, struct source *source, struct words *w, GString *word)
{
	if (!words_next(w, word))
		return false;
	source->line = w->at;
	if (w->too_long)
		option_note(o, "warning: word in file %s too long (%.20s...)", source->name, word->str);
	if (w->unclosed)
		option_note(o, "warning: quoted word runs to end of file (%.20s...)", word->str);
	return true;
}

static bool read_words(struct options *o, struct source *source, struct words *w)
{
	GString *name = g_string_new(NULL), *arg = g_string_sized_new(WORD_MAX + 1); /* no copy is left behind where it grew */
	bool ok = true;

	while (ok && !o->stop && next_word(o, source, w, name)) {
		unsigned line = source->line;
		const struct option_row *row = option_for_word(o, name->str);
		bool found = row && takes_next(row) && next_word(o, source, w, arg);

		source->line = line; /* that of the option, even where its argument stands on another */
		ok = row && read_option(o, row, name->str, found ? arg->str : NULL);
	}
	g_string_free(name, TRUE);
	option_forget(arg);
	return ok;
}

bool options_read_text(struct options *o, const struct source *source, const char *text, size_t len)
{
	const struct source *before = o->source;
	struct source here = *source;
	struct words w;

	here.file = true;
	here.line = 1;
	o->source = &here;
	bool ok = !memchr(text, '\0', len) || option_fail(o, "it holds NUL bytes, so it is no options file");
	if (ok) {
		words_init(&w, text, len);
		ok = read_words(o, &here, &w);
	}
	o->source = before;
	return ok;
}

/* What loading PATH gave: its options, or why not. */
static bool take_file(struct options *o, const struct source *source, int error, const GString *text, bool mandatory)
{
	if (error == 0)
		return options_read_text(o, source, text->str, text->len);
	if (mandatory)
		return option_fail(o, "%s", text->str);
	if (error != ENOENT && error != ENOTDIR)
		option_note(o, "Warning: %c%s", g_ascii_tolower(text->str[0]), text->str + 1);
	return true;
}

int option_load(const struct options *o, const char *path, bool privileged, GString *text)
{
	char *place = o->again && !g_path_is_absolute(path) ? g_build_filename(o->folder, path, NULL) : g_strdup(path);
	bool once = o->again && g_file_test(place, G_FILE_TEST_EXISTS) && !g_file_test(place, G_FILE_TEST_IS_REGULAR);
	int error = once ? EPERM : o->world.load(o->world.arg, place, privileged && !o->world.privileged, text);

	if (once) /* a FIFO would be waited for, and the link with it */
		g_string_printf(text, "Can't read %s again: not a regular file", path);
	g_free(place);
	return error;
}

bool options_read_file(struct options *o, const struct source *source, bool mandatory)
{
	GString *text = g_string_new(NULL);
	int error = option_load(o, source->name, source->privileged, text);
	bool ok = take_file(o, source, error, text, mandatory);

	option_forget(text);
	return ok;
}

static struct source inner_source(const struct options *o, const char *path, bool privileged)
{
	return (struct source){
		.name = path,
		.priority = o->source->priority,
		.privileged = privileged,
		.for_tty = o->source->for_tty,
		.depth = o->source->depth + 1,
	};
}

static bool too_deep(struct options *o, const char *path)
{
	if (o->source->depth < MAX_DEPTH)
		return false;
	option_fail(o, "options files are nested more than %d deep: does %s include itself?", MAX_DEPTH, path);
	return true;
}

OPTION_CALL(call_file)
{
	const struct source inner = inner_source(o, arg, o->source->privileged);

	(void)row;
	return !too_deep(o, arg) && options_read_file(o, &inner, true);
}

static bool leaves_folder(const char *name)
{
	char **parts = g_strsplit(name, "/", -1);
	bool found = g_strv_contains((const char *const *)parts, "..");

	g_strfreev(parts);
	return found || name[0] == '/' || name[0] == '\0';
}

static bool missing(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES;
}

static const char *why_missing(int error)
{
	return error == EACCES ? " (permission denied)" : "";
}

/* From the user's own FOLDER; SYSTEM_ERROR is why the system's did not do. */
static bool read_own_peer(struct options *o, const char *name, const char *folder, int system_error)
{
	char *path = g_strdup_printf("%s/%s", folder, name);
	const struct source source = inner_source(o, path, o->world.privileged);
	GString *text = g_string_new(NULL);
	int error = option_load(o, path, source.privileged, text);
	bool ok;

	if (missing(error))
		ok = option_fail(o, "no peers file '%s' in " SYSTEM_PEERS "%s or %s%s", name, why_missing(system_error), folder,
				 why_missing(error));
	else
		ok = take_file(o, &source, error, text, true);
	option_forget(text);
	g_free(path);
	return ok;
}

/* The system's peers folder, or, where the file is not there or not for us to read, the user's own (NULL: none). */
static bool read_peer(struct options *o, const char *name, const char *own_folder)
{
	char *path = g_strdup_printf(SYSTEM_PEERS "/%s", name);
	const struct source source = inner_source(o, path, true);
	GString *text = g_string_new(NULL);
	int error = option_load(o, path, true, text);
	bool own = own_folder && missing(error);
	bool ok = own ? read_own_peer(o, name, own_folder, error) : take_file(o, &source, error, text, true);

	option_forget(text);
	g_free(path);
	return ok;
}

OPTION_CALL(call_peer)
{
	const struct world *world = &o->world;
	char *own_folder = NULL;

	(void)row;
	g_free(o->config->call_file);
	o->config->call_file = g_strdup(arg);
	if (leaves_folder(arg))
		return option_fail(o, "call option value may not contain .. or start with /");
	if (too_deep(o, arg))
		return false;
	if (world->config_home && (!world->root || !o->as_pppd))
		own_folder = g_strdup_printf("%s/slirppd/peers", world->config_home);
	bool ok = read_peer(o, arg, own_folder);
	g_free(own_folder);
	return ok;
}

static bool read_system_file(struct options *o)
{
	const struct source source = {
		.name = o->as_pppd ? "/etc/ppp/options" : "/etc/slirppd/options",
		.priority = PRIORITY_FILE,
		.privileged = true,
	};

	return options_read_file(o, &source, false);
}

static bool read_user_file(struct options *o)
{
	const char *folder = o->as_pppd ? o->world.home : o->world.config_home;

	if (!folder)
		return true;
	char *path = g_strdup_printf("%s%s", folder, o->as_pppd ? "/.ppprc" : "/slirppd/options");
	const struct source source = { .name = path, .priority = PRIORITY_FILE, .privileged = o->world.privileged };
	bool ok = options_read_file(o, &source, false);
	g_free(path);
	return ok;
}

/* options.ttyS0 and the like: the name after /dev/, with dots for slashes (pppd: options_for_tty()). */
static bool read_tty_file(struct options *o)
{
	const char *device = o->config->line.device ? o->config->line.device : o->stdin_tty;

	if (!device || option_given(o, "pty") || option_given(o, "notty") || option_given(o, "socket"))
		return true;
	const char *dev = strstr(device, "/dev/");
	char *name = g_strdelimit(g_strdup(dev ? dev + strlen("/dev/") : device), "/", '.');
	char *path = g_strdup_printf("%s/options.%s", o->as_pppd ? "/etc/ppp" : "/etc/slirppd", name);
	const struct source source = { .name = path, .priority = PRIORITY_FILE, .privileged = true, .for_tty = true };
	bool ok = strcmp(name, "tty") == 0 || options_read_file(o, &source, false);
	g_free(path);
	g_free(name);
	return ok;
}

/* The options of a secrets file's line, if that is why we read. */
static bool read_late(struct options *o)
{
	const struct source source = {
		.name = "secrets file",
		.priority = PRIORITY_SECRETS,
		.privileged = true,
		.secrets = true,
	};
	bool ok = true;

	o->source = &source;
	for (const char *const *word = o->late; ok && word && *word; word++) {
		const char *name = *word;
		const struct option_row *row = option_for_word(o, name);
		const char *next = row && takes_next(row) ? word[1] : NULL;

		ok = row && read_option(o, row, name, next);
		word += next != NULL;
	}
	o->source = NULL;
	return ok;
}

/* Until --help or the like has said all. */
static bool read_sources(struct options *o, int argc, char *argv[])
{
	return read_system_file(o) && (o->stop || read_user_file(o)) && (o->stop || options_read_args(o, argc, argv)) &&
	       (o->stop || options_read_yaml(o)) && (o->stop || read_tty_file(o)) && read_late(o);
}

static bool read_all(struct options *o, int argc, char *argv[])
{
	if (!read_sources(o, argc, argv))
		return false;
	if (o->show_options && !o->stop) {
		show_options(o->as_pppd ? stderr : stdout);
		o->stop = true;
	}
	return o->stop || check_options(o);
}

static bool read_as(struct options *o, int argc, char *argv[])
{
	const char *name = argc > 0 ? argv[0] : "slirppd";
	char *base = g_path_get_basename(name);

	o->config->program = g_strdup(name);
	o->as_pppd = strcmp(base, "pppd") == 0 || strcmp(base, "-pppd") == 0;
	g_free(base);
	o->config->folder = o->as_pppd ? "/etc/ppp" : "/etc/slirppd";
	return read_all(o, argc, argv);
}

static void say_why(const struct options *o)
{
	char **lines = g_strsplit(o->why, "\n", -1);

	for (char **line = lines; *line; line++)
		log_option_error("%s", *line);
	g_strfreev(lines);
}

bool options_read(struct options *o, int argc, char *argv[], enum exit_status *status)
{
	o->words = g_new0(char *, argc + 1);
	for (int i = 0; i < argc; i++)
		o->words[i] = g_strdup(argv[i]);
	bool ok = read_as(o, argc, argv);
	if (!ok)
		say_why(o);
	if (!ok && o->suggest_help)
		fprintf(stderr, "Try \"%s --help\".\n", o->as_pppd ? "pppd" : "slirppd");
	*status = ok ? EXIT_OK : o->status;
	return ok && !o->stop;
}

static struct options *begin_again(const struct options *first, struct config *config)
{
	struct options *o = options_new(config, first->stdin_tty);

	world_clear(&o->world);
	o->world = world_copy(&first->world);
	g_free(o->folder);
	o->folder = g_strdup(first->folder);
	o->piped = g_strdup(first->piped);
	o->again = true;
	return o;
}

bool secrets_apply_options(const struct options *first, const char *const *late, struct config *config, char **why)
{
	struct options *o = begin_again(first, config);
	char **words = g_strdupv(first->words);

	o->late = late;
	bool ok = read_as(o, (int)g_strv_length(words), words);
	if (ok && !late)
		options_report(o);
	else if (!ok)
		*why = g_strdelimit(g_steal_pointer(&o->why), "\n", ' ');
	free_words(words);
	options_free(o);
	return ok;
}

bool options_reread(const struct options *first, struct config *config, char **why)
{
	return secrets_apply_options(first, NULL, config, why);
}

void options_report(const struct options *o)
{
	for (guint i = 0; i < o->notes->len; i++)
		log_warn("%s", (const char *)g_ptr_array_index(o->notes, i));
}
