/* Log lines; see log.h. Called from everywhere; the one global of the program. */
#include "log.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A debug line may hold a whole packet of options. No more than PIPE_BUF: a pipe that poll() calls writable takes as much at once. */
#define LOG_LINE_MAX 4096
_Static_assert(LOG_LINE_MAX <= PIPE_BUF, "a pipe might block");

/* A descriptor that lines go to. */
struct outlet {
	int fd;        /* as it was given, or -1 */
	int own;       /* a terminal: opened anew, never to block; or -1 */
	unsigned lost; /* lines that it did not take */
	bool torn;     /* it took only a part of the last one */
};

static struct {
	const char *ident;
	struct outlet out, error_out;
	bool not_lent;
	int debug;
	log_sink_fn *sink;
	void *sink_arg;
} the_log = { .ident = NULL, .out = { .fd = -1, .own = -1 }, .error_out = { .fd = -1, .own = -1 } };

void log_open(const char *ident)
{
	the_log.ident = ident;
	openlog(ident, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	setlogmask(LOG_UPTO(the_log.debug ? LOG_DEBUG : LOG_INFO));
}

/* poll() tells of a terminal that it takes something, not how much. Whoever shares the descriptor with us must not find it
 * non-blocking; to open a pty's master anew would make another pty. */
static int open_terminal(int fd)
{
	char path[32];
	unsigned number;

	if (fd < 0 || !isatty(fd) || ioctl(fd, TIOCGPTN, &number) == 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static void outlet_set(struct outlet *outlet, int fd)
{
	if (outlet->own >= 0)
		close(outlet->own);
	*outlet = (struct outlet){ .fd = fd, .own = open_terminal(fd) };
}

void log_set_fd(int fd)
{
	outlet_set(&the_log.out, fd);
}

void log_set_error_fd(int fd)
{
	outlet_set(&the_log.error_out, fd);
}

int log_fd(void)
{
	return the_log.out.fd;
}

void log_set_lent(bool lent)
{
	the_log.not_lent = !lent;
}

bool log_lent(void)
{
	return !the_log.not_lent;
}

void log_set_debug(int level)
{
	the_log.debug = level;
	setlogmask(LOG_UPTO(level ? LOG_DEBUG : LOG_INFO));
}

int log_debug(void)
{
	return the_log.debug;
}

void log_toggle_debug(void)
{
	the_log.debug = !the_log.debug;
	setlogmask(LOG_UPTO(the_log.debug ? LOG_DEBUG : LOG_WARNING));
}

void log_set_sink(log_sink_fn *fn, void *arg)
{
	the_log.sink = fn;
	the_log.sink_arg = arg;
}

/* Makes TEXT printable as pppd's %v does (a peer's bytes may be in it), and ends it with a newline. Returns its length without that. */
static size_t printable(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (const char *p = text; *p && n + 6 < size; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '\n' && p[1] == '\0')
			break;
		if (c >= 0x80) {
			out[n++] = 'M';
			out[n++] = '-';
			c &= 0x7f;
		}
		if (c < ' ' || c == 0x7f) {
			if (c != '\t' || *p != '\t') {
				out[n++] = '^';
				c ^= 0x40;
			}
		}
		out[n++] = (char)c;
	}
	out[n] = '\n';
	out[n + 1] = '\0';
	return n;
}

static bool outlet_put(struct outlet *outlet, const char *line, size_t len)
{
	struct pollfd ready = { .fd = outlet->own >= 0 ? outlet->own : outlet->fd, .events = POLLOUT };

	if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
		return false;
	ssize_t n = write(ready.fd, line, len);
	if (n > 0)
		outlet->torn = (size_t)n < len;
	return n == (ssize_t)len;
}

/* A log that takes no more must not stop the link. */
static void outlet_write(struct outlet *outlet, const char *line, size_t len)
{
	char note[64];

	if (outlet->lost > 0) {
		int n = snprintf(note, sizeof(note), "%s%u log lines were lost\n", outlet->torn ? "\n" : "", outlet->lost);

		if (outlet_put(outlet, note, (size_t)n))
			outlet->lost = 0;
	}
	if (outlet->lost > 0 || !outlet_put(outlet, line, len))
		outlet->lost++;
}

static void log_va(int priority, bool to_fd, const char *fmt, va_list ap)
{
	char text[LOG_LINE_MAX];
	char line[LOG_LINE_MAX];

	if (priority == LOG_DEBUG && !the_log.debug)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	size_t len = printable(line, sizeof(line), text);
	struct outlet *outlet = the_log.out.fd < 0 && priority <= LOG_ERR ? &the_log.error_out : &the_log.out;
	if (to_fd && outlet->fd >= 0)
		outlet_write(outlet, line, len + 1);
	line[len] = '\0';
	if (the_log.ident)
		syslog(priority, "%s", line);
	if (the_log.sink)
		the_log.sink(the_log.sink_arg, priority, line);
}

#define LOG_FUNCTION(name, priority) \
	void name(const char *fmt, ...) \
	{ \
		va_list ap; \
		va_start(ap, fmt); \
		log_va(priority, true, fmt, ap); \
		va_end(ap); \
	}

LOG_FUNCTION(log_error, LOG_ERR)
LOG_FUNCTION(log_warn, LOG_WARNING)
LOG_FUNCTION(log_notice, LOG_NOTICE)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_dbg, LOG_DEBUG)

void log_syslog_only(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_va(priority, false, fmt, ap);
	va_end(ap);
}

void log_option_error(const char *fmt, ...)
{
	char text[LOG_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s: %s\n", the_log.ident ? the_log.ident : "slirppd", text);
	log_syslog_only(LOG_ERR, "%s", text);
}
