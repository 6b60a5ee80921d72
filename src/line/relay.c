/* What a command says on its standard error, for the log; see relay.h. Called by script.c. */
#include "line/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* A longer line is logged in pieces. */
#define RELAY_LINE_MAX 512

struct relay {
	int fd;
	size_t len;
	char text[RELAY_LINE_MAX];
};

static void say(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == '\r')
		len--;
	if (len > 0)
		log_info("%.*s", (int)len, text);
}

static void say_lines(struct relay *relay)
{
	size_t done = 0;
	const char *end;

	while ((end = memchr(relay->text + done, '\n', relay->len - done)) != NULL) {
		size_t len = (size_t)(end - relay->text) - done;

		say(relay->text + done, len);
		done += len + 1;
	}
	if (done == 0 && relay->len == sizeof(relay->text)) {
		say(relay->text, relay->len);
		done = relay->len;
	}
	relay->len -= done;
	memmove(relay->text, relay->text + done, relay->len);
}

/* One read a wake-up: a command that says a lot does not hold up the link. */
static gboolean on_text(gint fd, GIOCondition condition, gpointer arg)
{
	struct relay *relay = arg;
	ssize_t n = read(fd, relay->text + relay->len, sizeof(relay->text) - relay->len);

	(void)condition;
	if (n > 0) {
		relay->len += (size_t)n;
		say_lines(relay);
		return G_SOURCE_CONTINUE;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	say(relay->text, relay->len);
	return G_SOURCE_REMOVE;
}

static void drop(gpointer arg)
{
	struct relay *relay = arg;

	close(relay->fd);
	g_free(relay);
}

int relay_open(struct loop *loop)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	struct relay *relay = g_new0(struct relay, 1);
	relay->fd = fds[0];
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	GSource *source = g_unix_fd_source_new(fds[0], G_IO_IN);
	g_source_set_callback(source, G_SOURCE_FUNC(on_text), relay, drop);
	g_source_attach(source, loop_context(loop));
	g_source_unref(source);
	return fds[1];
}
