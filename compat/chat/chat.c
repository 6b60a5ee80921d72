/* chat(8): talks to a modem, or to whatever is at the other end of standard input and output, before PPP does: waits for strings, and sends
 * others. A program of its own, mostly run by `connect`.
 *
 * Theory of operation. A script is a list of words that are expected and sent in turn; some of the expected ones are commands that take the
 * next word. Everything waits in read_byte(), write_byte() and rest(), which the time-out and signals end; a signal's number is kept, and acted upon there. */
#include "compat/chat/chat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT 45 /* seconds */
#define STRINGS_MAX 50     /* of ABORT, and of REPORT */
#define STRING_MAX 50      /* bytes of one of them, its end included */
#define LOG_WIDTH 80
#define FILE_MAX 1024      /* bytes of @FILE */

/* Sending. */

static bool send_text(struct chat *c, const GString *text)
{
	int64_t until = deadline(c);

	for (size_t i = 0; i < text->len; i++) {
		char byte = text->str[i];
		bool escaped = byte == '\\' && i + 1 < text->len;

		if (escaped)
			byte = text->str[++i];
		if (escaped && byte == 'd')
			rest(c, 1000);
		else if (escaped && byte == 'p')
			rest(c, 10);
		else if (escaped && byte == 'K')
			tcsendbreak(STDIN_FILENO, 0);
		else if (!write_byte(c, byte, until))
			return false;
	}
	return true;
}

static void send_word(struct chat *c, const char *word)
{
	bool quiet;
	GString *text = chat_script_send(&c->names, word, &quiet);

	if (quiet && c->verbose)
		say(c, LOG_INFO, "send (?????\?)");
	else
		say_text(c, "send", text->str);
	bool sent = send_text(c, text);
	explicit_bzero(text->str, text->len);
	g_string_free(text, TRUE);
	if (!sent)
		fail(c, EXIT_SCRIPT, "Failed");
}

/* @FILE: what is in it, without the end of its last line. */
static void send_file(struct chat *c, const char *path)
{
	char text[FILE_MAX];
	FILE *file = fopen(path, "r");

	if (!file) {
		int error = errno;

		heed_signals(c); /* that ended the wait for who writes to a FIFO */
		errno = error;
		fail(c, EXIT_SCRIPT, "%s -- open failed: %m", path);
	}
	size_t len = fread(text, 1, sizeof(text) - 1, file);
	heed_signals(c);
	if (ferror(file))
		fail(c, EXIT_SCRIPT, "%s -- read error", path);
	fclose(file);
	if (len > 0 && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	send_word(c, text);
	explicit_bzero(text, sizeof(text));
}

/* Commands, which take a word. */

static void free_string(void *string)
{
	g_string_free(string, TRUE);
}

static void add_string(struct chat *c, GPtrArray *list, const char *word, const char *command, const char *told)
{
	if (list->len >= STRINGS_MAX)
		fail(c, EXIT_IO, "Too many %s strings", command);
	GString *text = chat_script_expect(&c->names, word);
	if (text->len >= STRING_MAX || text->len > strlen(word))
		fail(c, EXIT_SCRIPT, "Illegal or too-long %s string ('%s')", command, word);
	g_ptr_array_add(list, text);
	say_text(c, told, word);
}

static void clear_string(struct chat *c, GPtrArray *list, const char *word, const char *command, const char *told)
{
	GString *text = chat_script_expect(&c->names, word);

	if (text->len >= STRING_MAX || text->len > strlen(word))
		fail(c, EXIT_SCRIPT, "Illegal or too-long %s string ('%s')", command, word);
	for (guint i = list->len; i > 0; i--) {
		if (!g_string_equal(g_ptr_array_index(list, i - 1), text))
			continue;
		g_ptr_array_remove_index(list, i - 1);
		say_text(c, told, word);
	}
	g_string_free(text, TRUE);
}

static void do_abort(struct chat *c, const char *word)
{
	add_string(c, c->aborts, word, "ABORT", "abort on");
}

static void do_clear_abort(struct chat *c, const char *word)
{
	clear_string(c, c->aborts, word, "CLR_ABORT", "clear abort on");
}

static void do_report(struct chat *c, const char *word)
{
	add_string(c, c->reports, word, "REPORT", "report");
}

static void do_clear_report(struct chat *c, const char *word)
{
	clear_string(c, c->reports, word, "CLR_REPORT", "clear report");
}

static void do_timeout(struct chat *c, const char *word)
{
	c->timeout = atoi(word);
	if (c->timeout <= 0)
		c->timeout = DEFAULT_TIMEOUT;
	if (c->verbose)
		say(c, LOG_INFO, "timeout set to %d seconds", c->timeout);
}

static void do_echo(struct chat *c, const char *word)
{
	c->echo = strcmp(word, "ON") == 0;
}

static void do_hangup(struct chat *c, const char *word)
{
	(void)c;
	heed_hangup(strcmp(word, "OFF") != 0);
}

static void do_say(struct chat *c, const char *word)
{
	bool quiet;
	GString *text = chat_script_send(&c->names, word, &quiet);

	fputs(text->str, stderr);
	fflush(stderr);
	g_string_free(text, TRUE);
}

static const struct command {
	const char *name;
	void (*run)(struct chat *c, const char *word);
} commands[] = {
	{ "ABORT", do_abort },     { "CLR_ABORT", do_clear_abort }, { "REPORT", do_report }, { "CLR_REPORT", do_clear_report },
	{ "TIMEOUT", do_timeout }, { "ECHO", do_echo },		    { "HANGUP", do_hangup }, { "SAY", do_say },
};

static const struct command *find_command(const char *word)
{
	for (size_t i = 0; word && i < G_N_ELEMENTS(commands); i++)
		if (strcmp(commands[i].name, word) == 0)
			return &commands[i];
	return NULL;
}

static void take_send(struct chat *c, const char *word)
{
	const struct command *command = find_command(c->command);
	const char *path = word + 1 + (word[0] ? strspn(word + 1, " \t") : 0);

	c->command = NULL;
	if (command)
		command->run(c, word);
	else if (word[0] == '@' && *path)
		send_file(c, path);
	else
		send_word(c, strcmp(word, "EOT") == 0 ? "^D\\c" : strcmp(word, "BREAK") == 0 ? "\\K\\c" : word);
}

/* Expecting. */

struct input {
	GString *text;
	size_t logged; /* bytes of it that are in the log */
};

static bool ends_with(const GString *text, const GString *end)
{
	return text->len >= end->len && memcmp(text->str + text->len - end->len, end->str, end->len) == 0;
}

static void log_input(struct chat *c, struct input *in)
{
	char *shown = chat_script_shown(in->text->str + in->logged, in->text->len - in->logged, true);

	if (c->verbose)
		say(c, LOG_INFO, "%s", shown);
	g_free(shown);
	in->logged = in->text->len;
}

/* -V: likewise, but the end of its last line is left open. */
static void show_byte(char byte)
{
	char *shown = byte == '\n' ? g_strdup("\n") : chat_script_shown(&byte, 1, false);

	fputs(shown, stderr);
	g_free(shown);
}

static void take_input(struct chat *c, struct input *in, char byte)
{
	if (c->echo)
		echo_byte(c, byte);
	if (byte == '\n')
		log_input(c, in);
	if (c->show && byte != '\r')
		show_byte(byte);
	g_string_append_c(in->text, byte);
	if (byte == '\n')
		in->logged = in->text->len;
	else if (in->text->len - in->logged >= LOG_WIDTH)
		log_input(c, in);
	if (in->text->len > INPUT_MAX) {
		size_t cut = in->text->len - INPUT_MAX / 2;

		g_string_erase(in->text, 0, (gssize)cut);
		in->logged -= MIN(in->logged, cut);
	}
}

static void gather_report(struct chat *c, const struct input *in, char byte)
{
	if (c->report) {
		if (g_ascii_iscntrl(byte))
			end_report(c);
		else if (c->report->len < INPUT_MAX)
			g_string_append_c(c->report, byte);
		return;
	}
	for (guint i = 0; !c->report && i < c->reports->len; i++) {
		GString *string = g_ptr_array_index(c->reports, i);
		time_t now = time(NULL);
		char stamp[20];

		if (!ends_with(in->text, string))
			continue;
		strftime(stamp, sizeof(stamp), "%b %d %H:%M:%S ", localtime(&now));
		c->report = g_string_new(stamp);
		g_string_append(c->report, string->str);
		g_ptr_array_remove_index(c->reports, i);
	}
}

static bool is_aborted(struct chat *c, struct input *in)
{
	for (guint i = 0; i < c->aborts->len; i++) {
		const GString *string = g_ptr_array_index(c->aborts, i);

		if (!ends_with(in->text, string))
			continue;
		if (in->text->len > in->logged)
			log_input(c, in);
		if (c->verbose)
			say(c, LOG_INFO, " -- failed");
		c->code = EXIT_ABORT + (int)i;
		g_free(c->reason);
		c->reason = g_strdup(string->str);
		return true;
	}
	return false;
}

/* Until WANTED has come. False: c->code says why it has not. */
static bool wait_for(struct chat *c, const GString *wanted, struct input *in)
{
	int64_t until = deadline(c);
	int byte;

	while ((byte = read_byte(c, until)) >= 0) {
		take_input(c, in, (char)byte);
		gather_report(c, in, (char)byte);
		if (ends_with(in->text, wanted)) {
			if (in->text->len > in->logged)
				log_input(c, in);
			if (c->verbose)
				say(c, LOG_INFO, " -- got it\n");
			return true;
		}
		if (is_aborted(c, in))
			return false;
	}
	c->code = EXIT_TIMEOUT;
	return false;
}

static bool expect(struct chat *c, const char *word)
{
	GString *wanted = chat_script_expect(&c->names, word);
	struct input in = { .text = g_string_new(NULL) };
	bool got = wanted->len == 0;

	say_text(c, "expect", wanted->str);
	if (wanted->len > INPUT_MAX)
		fail(c, EXIT_SCRIPT, "expect string is too long");
	if (got && c->verbose)
		say(c, LOG_INFO, "got it");
	else if (!got)
		got = wait_for(c, wanted, &in);
	g_string_free(in.text, TRUE);
	g_string_free(wanted, TRUE);
	return got;
}

/* EXPECT-SEND-EXPECT: what is sent when the first has not come in time, and so on. */
static void take_expect(struct chat *c, const char *word)
{
	char **parts = chat_script_parts(word);
	bool got = false, over = false;

	if (find_command(word))
		c->command = word;
	got = c->command || word[0] == '\0';
	for (size_t i = 0; !got && !over && parts[i]; i++) {
		if (i % 2 == 1) {
			take_send(c, parts[i]);
			got = !parts[i + 1]; /* nothing more is expected */
		} else {
			got = expect(c, parts[i]);
			over = !got && c->code != EXIT_TIMEOUT;
		}
	}
	g_strfreev(parts);
	if (got)
		return;
	if (c->code >= EXIT_ABORT)
		fail(c, c->code, "Failed (%s)", c->reason);
	fail(c, c->code, "Failed");
}

/* The beginning. */

static GPtrArray *read_script(struct chat *c, const char *path)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	GError *error = NULL;
	char *text;
	unsigned line;

	if (!g_file_get_contents(path, &text, NULL, &error))
		fail(c, EXIT_SCRIPT, "%s -- open failed: %s", path, g_strerror(errno));
	if (!chat_script_words(text, words, &line))
		fail(c, EXIT_SCRIPT, "unterminated quote (line %u)", line);
	explicit_bzero(text, strlen(text));
	g_free(text);
	return words;
}

static void G_GNUC_NORETURN usage(const char *program)
{
	fprintf(stderr, "Usage: %s [-e] [-E] [-s] [-S] [-v] [-V] [-t timeout] [-r report-file]\n"
			"     [-T phone-number] [-U phone-number2] {-f chat-file | chat-script}\n", program);
	exit(EXIT_SCRIPT);
}

static void open_report(struct chat *c, const char *path)
{
	FILE *file = fopen(path, "a");

	if (!file)
		return;
	c->report_file = file;
	c->report_path = path;
	if (c->verbose)
		fprintf(file, "Opening \"%s\"...\n", path);
}

/* The script's file, or NULL: the words that are left are it. */
static const char *read_options(struct chat *c, int argc, char *argv[])
{
	const char *script = NULL;
	int option;

	opterr = 0;
	while ((option = getopt(argc, argv, "+eEf:r:t:T:U:vVsS")) != -1) {
		switch (option) {
		case 'e': c->echo = true; break;
		case 'E': c->names.environment = true; break;
		case 'f': script = optarg; break;
		case 'r': open_report(c, optarg); break;
		case 't': c->timeout = atoi(optarg); break;
		case 'T': c->names.telephone = optarg; break;
		case 'U': c->names.second = optarg; break;
		case 'v': c->verbose = true; break;
		case 'V': c->show = true; break;
		case 's': c->to_stderr = true; break;
		case 'S': c->no_syslog = true; break;
		default: usage(argv[0]);
		}
	}
	if (script && optind < argc)
		usage(argv[0]);
	return script;
}

int main(int argc, char *argv[])
{
	struct chat c = { .timeout = DEFAULT_TIMEOUT, .report_file = stderr };

	c.aborts = g_ptr_array_new_with_free_func(free_string);
	c.reports = g_ptr_array_new_with_free_func(free_string);
	const char *script = read_options(&c, argc, argv);
	openlog("chat", LOG_PID | LOG_NDELAY, LOG_LOCAL2);
	setlogmask(LOG_UPTO(c.verbose ? LOG_INFO : LOG_WARNING));
	catch_signals();
	set_terminal(&c);
	GPtrArray *words = script ? read_script(&c, script) : g_ptr_array_new();
	for (int i = optind; !script && i < argc; i++)
		g_ptr_array_add(words, argv[i]);
	for (guint i = 0; i < words->len; i++) {
		if (i % 2 == 0)
			take_expect(&c, g_ptr_array_index(words, i));
		else
			take_send(&c, g_ptr_array_index(words, i));
	}
	end(&c, EXIT_DONE);
}
