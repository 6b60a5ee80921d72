/* Log lines; see log.h. Called from everywhere; the one global of the program. */
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A debug line may hold a whole packet of options. */
#define LOG_LINE_MAX 4096

static struct {
	const char *ident;
	int fd, error_fd;
	int debug;
	log_sink_fn *sink;
	void *sink_arg;
} the_log = { .ident = NULL, .fd = -1, .error_fd = -1 };

void log_open(const char *ident)
{
	the_log.ident = ident;
	openlog(ident, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	setlogmask(LOG_UPTO(the_log.debug ? LOG_DEBUG : LOG_INFO));
}

void log_set_fd(int fd)
{
	the_log.fd = fd;
}

void log_set_error_fd(int fd)
{
	the_log.error_fd = fd;
}

int log_fd(void)
{
	return the_log.fd;
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

static void write_fd(int fd, const char *line, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, line, len);

		if (n <= 0)
			return; /* a log that takes no more must not stop the link */
		line += n;
		len -= (size_t)n;
	}
}

static void log_va(int priority, bool to_fd, const char *fmt, va_list ap)
{
	char text[LOG_LINE_MAX];
	char line[LOG_LINE_MAX];

	if (priority == LOG_DEBUG && !the_log.debug)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	size_t len = printable(line, sizeof(line), text);
	int fd = the_log.fd < 0 && priority <= LOG_ERR ? the_log.error_fd : the_log.fd;
	if (to_fd && fd >= 0)
		write_fd(fd, line, len + 1);
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
