/* A line that is a TCP connection to HOST:PORT. The first step of opening (steps.c).
 *
 * Theory of operation. An address in figures needs nobody's help; a name is looked up in a thread of its own, since the C library
 * cannot do it without waiting. The thread owns a `lookup` and knows nothing else; the loop takes it over when the thread is done,
 * and throws it away if the line does not want it any more. The addresses found are tried one after the other, all within one time
 * limit. */
#include <errno.h>
#include <glib-unix.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "line/internal.h"

#define DIAL_LIMIT (30 * CLOCK_SECOND)

struct lookup {
	char *host, *port;
	GMainContext *context;
	struct addrinfo *found;
	const char *why;   /* there is none */
	struct dial *dial; /* for the loop's thread only; NULL: not wanted any more */
};

struct dial {
	struct line *line;
	struct lookup *lookup;       /* in the thread's hands */
	struct addrinfo *found;      /* to be freed */
	const struct addrinfo *next; /* to be tried */
	int fd;
	GSource *source;
	char *why; /* what was wrong with the last one */
};

bool line_parse_address(const char *text, char **host, char **port)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';

	if (len == 0 || colon[1] == '\0')
		return false;
	if (!bracketed && (text[0] == '[' || memchr(text, ':', len)))
		return false;
	*host = bracketed ? g_strndup(text + 1, len - 2) : g_strndup(text, len);
	*port = g_strdup(colon + 1);
	return true;
}

/* NULL, or why not. */
static const char *look_up(const char *host, const char *port, int flags, struct addrinfo **found)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags };
	int error = getaddrinfo(host, port, &hints, found);

	if (error == 0)
		return NULL;
	return error == EAI_SYSTEM ? g_strerror(errno) : gai_strerror(error);
}

static void drop_attempt(struct dial *dial)
{
	loop_unwatch(&dial->source);
	if (dial->fd >= 0)
		close(dial->fd);
	dial->fd = -1;
}

static void drop_dial(struct line *line)
{
	struct dial *dial = line->dial;

	if (!dial)
		return;
	line->dial = NULL;
	if (dial->lookup)
		dial->lookup->dial = NULL;
	drop_attempt(dial);
	if (dial->found)
		freeaddrinfo(dial->found);
	g_free(dial->why);
	g_free(dial);
}

static void give_up(struct dial *dial, const char *why)
{
	struct line *line = dial->line;

	log_error("Couldn't connect to %s: %s", line->config->socket, why);
	timer_stop(&line->timer);
	drop_dial(line);
	line_fail(line, EXIT_PTYCMD_FAILED);
}

static void connected(struct dial *dial)
{
	struct line *line = dial->line;
	int on = 1;

	timer_stop(&line->timer);
	setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	line->in = line->out = dial->fd;
	dial->fd = -1;
	drop_dial(line);
	line_next(line);
}

static void try_next(struct dial *dial);

static void attempt_failed(struct dial *dial, int error)
{
	g_free(dial->why);
	dial->why = g_strdup(g_strerror(error));
	drop_attempt(dial);
	try_next(dial);
}

static gboolean on_answer(gint fd, GIOCondition condition, gpointer user_data)
{
	struct dial *dial = user_data;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)condition;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error)
		attempt_failed(dial, error);
	else
		connected(dial);
	return G_SOURCE_REMOVE;
}

static void try_next(struct dial *dial)
{
	const struct addrinfo *address = dial->next;

	if (!address) {
		give_up(dial, dial->why ? dial->why : "it has no address");
		return;
	}
	dial->next = address->ai_next;
	dial->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (dial->fd >= 0 && (connect(dial->fd, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS))
		loop_watch(dial->line->loop, &dial->source, dial->fd, G_IO_OUT, on_answer, dial);
	else
		attempt_failed(dial, errno);
}

static void resolved(struct dial *dial, struct addrinfo *found)
{
	dial->found = found;
	dial->next = found;
	try_next(dial);
}

/* The loop's thread again. */
static gboolean lookup_done(gpointer user_data)
{
	struct lookup *lookup = user_data;
	struct dial *dial = lookup->dial;

	if (dial)
		dial->lookup = NULL;
	if (dial && lookup->why)
		give_up(dial, lookup->why);
	else if (dial)
		resolved(dial, lookup->found);
	else if (!lookup->why)
		freeaddrinfo(lookup->found);
	g_main_context_unref(lookup->context);
	g_free(lookup->host);
	g_free(lookup->port);
	g_free(lookup);
	return G_SOURCE_REMOVE;
}

static gpointer lookup_thread(gpointer user_data)
{
	struct lookup *lookup = user_data;
	GSource *source = g_idle_source_new();

	lookup->why = look_up(lookup->host, lookup->port, 0, &lookup->found);
	g_source_set_priority(source, G_PRIORITY_DEFAULT);
	g_source_set_callback(source, lookup_done, lookup, NULL);
	g_source_attach(source, lookup->context);
	g_source_unref(source);
	return NULL;
}

static void start_lookup(struct dial *dial, const char *host, const char *port)
{
	struct lookup *lookup = g_new0(struct lookup, 1);

	*lookup = (struct lookup){
		.host = g_strdup(host),
		.port = g_strdup(port),
		.context = g_main_context_ref(loop_context(dial->line->loop)),
		.dial = dial,
	};
	dial->lookup = lookup;
	g_thread_unref(g_thread_new("lookup", lookup_thread, lookup));
}

static void timed_out(struct line *line)
{
	give_up(line->dial, g_strerror(ETIMEDOUT));
}

static void dial_host(struct line *line, const char *host, const char *port)
{
	struct addrinfo *found;

	line->dial = g_new0(struct dial, 1);
	line->dial->line = line;
	line->dial->fd = -1;
	line_wait(line, DIAL_LIMIT, timed_out);
	if (look_up(host, port, AI_NUMERICHOST, &found))
		start_lookup(line->dial, host, port);
	else
		resolved(line->dial, found);
}

static void open_socket(struct line *line)
{
	char *host, *port;

	g_free(line->name);
	line->name = g_strdup(line->config->socket);
	if (!line_parse_address(line->config->socket, &host, &port)) {
		log_error("%s is not HOST:PORT", line->config->socket);
		line_fail(line, EXIT_PTYCMD_FAILED);
		return;
	}
	dial_host(line, host, port);
	g_free(host);
	g_free(port);
}

static void shut_socket(struct line *line)
{
	drop_dial(line);
	line_release(line);
}

const struct line_ops line_socket = { .open = open_socket, .shut = shut_socket };
