/* chat's messages, its end, and its line; see chat.h. Called by chat.c. */
#include "compat/chat/chat.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REPORT_SECONDS 10 /* for the rest of a report's line, however slowly it comes */
#define TYPING_MS 10 /* between two characters: modems of old lose what comes faster */

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	caught = sig;
}

/* Messages. */

void say(const struct chat *c, int level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	if (!c->no_syslog)
		syslog(level, "%s", text);
	if (c->to_stderr)
		fprintf(stderr, "%s\n", text);
	g_free(text);
}

void say_text(const struct chat *c, const char *what, const char *text)
{
	char *shown = chat_script_shown(text, strlen(text), true);

	if (c->verbose)
		say(c, LOG_INFO, "%s (%s)", what, shown);
	g_free(shown);
}

void echo_byte(struct chat *c, int byte)
{
	if (byte == '\r' || (byte < 0 && !c->unfinished_echo))
		return;
	c->unfinished_echo = byte >= 0 && byte != '\n';
	char *shown = c->unfinished_echo ? chat_script_shown(&(char){ (char)byte }, 1, false) : g_strdup("\n");
	fputs(shown, stderr);
	fflush(stderr);
	g_free(shown);
}

/* The end. */

void end_report(struct chat *c)
{
	fprintf(c->report_file, "chat:  %s\n", c->report->str);
	fflush(c->report_file);
	g_string_free(c->report, TRUE);
	c->report = NULL;
}

void end(struct chat *c, int code)
{
	int64_t last = g_get_monotonic_time() + REPORT_SECONDS * G_USEC_PER_SEC;

	c->ending = true;
	echo_byte(c, -1);
	while (c->report) {
		int byte = read_byte(c, MIN(last, g_get_monotonic_time() + G_USEC_PER_SEC));

		if (byte < 0 || g_ascii_iscntrl((char)byte) || c->report->len >= INPUT_MAX)
			end_report(c);
		else
			g_string_append_c(c->report, (char)byte);
	}
	if (c->report_path && c->verbose)
		fprintf(c->report_file, "Closing \"%s\".\n", c->report_path);
	if (c->is_tty)
		tcsetattr(STDIN_FILENO, TCSANOW, &c->before);
	exit(code);
}

void fail(struct chat *c, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	say(c, LOG_ERR, "%s", text);
	g_free(text);
	end(c, code);
}

void heed_signals(struct chat *c)
{
	static const struct {
		int number;
		const char *name;
	} names[] = { { SIGHUP, "SIGHUP" }, { SIGINT, "SIGINT" }, { SIGTERM, "SIGTERM" } };
	int sig = caught;

	for (size_t i = 0; sig && !c->ending && i < G_N_ELEMENTS(names); i++)
		if (names[i].number == sig)
			fail(c, EXIT_IO, "%s", names[i].name);
}

void catch_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction action = { .sa_handler = on_signal };

	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		sigaction(signals[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

void heed_hangup(bool heeded)
{
	signal(SIGHUP, heeded ? on_signal : SIG_IGN);
}

/* The line. */

void set_terminal(struct chat *c)
{
	struct termios t;

	c->is_tty = tcgetattr(STDIN_FILENO, &c->before) == 0;
	if (!c->is_tty)
		return; /* a socket or a pipe will do */
	t = c->before;
	t.c_iflag |= IGNBRK | ISTRIP | IGNPAR;
	t.c_iflag &= (tcflag_t) ~(BRKINT | INPCK | PARMRK | INLCR | IGNCR | ICRNL);
	t.c_oflag = 0;
	t.c_lflag = 0;
	t.c_cc[VERASE] = t.c_cc[VKILL] = 0;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &t) < 0)
		fail(c, EXIT_IO, "Can't set terminal parameters: %m");
}

static int milliseconds_left(int64_t until)
{
	int64_t left = until - g_get_monotonic_time();

	return left <= 0 ? 0 : (int)MIN(left / 1000 + 1, G_MAXINT);
}

int64_t deadline(const struct chat *c)
{
	return c->timeout > 0 ? g_get_monotonic_time() + (int64_t)c->timeout * G_USEC_PER_SEC : G_MAXINT64;
}

/* poll(2), which no signal can come too early for: what was kept before it ends it as well. */
static int wait_line(struct chat *c, struct pollfd *p, int64_t until)
{
	int left = milliseconds_left(until), n = -1;
	struct timespec time = { .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000L };
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	errno = EINTR;
	if (!caught || c->ending)
		n = ppoll(p, 1, &time, &before);
	int error = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	heed_signals(c);
	errno = error;
	return n;
}

int read_byte(struct chat *c, int64_t until)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned char byte;

	for (;;) {
		int ready = wait_line(c, &p, until);
		if (ready > 0) {
			ssize_t n = read(STDIN_FILENO, &byte, 1);

			if (n == 1)
				return byte & 0x7f;
			if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
				say(c, LOG_WARNING, "warning: read() on stdin returned %d", (int)n);
				return -1;
			}
		} else if (ready == 0) {
			if (c->verbose)
				say(c, LOG_INFO, "alarm");
			return -1;
		}
	}
}

void rest(struct chat *c, unsigned ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		heed_signals(c);
}

bool write_byte(struct chat *c, char byte, int64_t until)
{
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

	rest(c, TYPING_MS);
	for (;;) {
		int ready = wait_line(c, &p, until); /* the line may block: what has no room waits here */
		if (ready > 0 && write(STDOUT_FILENO, &byte, 1) == 1)
			return true;
		if (ready != 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		int error = errno;
		if (c->verbose && ready == 0)
			say(c, LOG_INFO, "alarm");
		errno = error;
		if (c->verbose)
			say(c, LOG_INFO, ready == 0 ? " -- write timed out" : " -- write failed: %m");
		return false;
	}
}
