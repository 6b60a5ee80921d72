/* One HTTP/1.1 request to slirppd and its answer: see http.h. Used by every command of slirpctl; it waits, for ten seconds at most. */
#include "slirpctl/http.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE (10 * G_USEC_PER_SEC)

/* No call on FD waits for longer than USEC. */
static void set_patience(int fd, gint64 usec)
{
	struct timeval patience = { .tv_sec = usec / G_USEC_PER_SEC, .tv_usec = usec % G_USEC_PER_SEC };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static int connect_to(int family, const struct sockaddr *address, socklen_t len, char **why)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		set_patience(fd, PATIENCE);
		if (connect(fd, address, len) == 0)
			return fd;
	}
	g_free(*why);
	*why = g_strdup(g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int connect_path(const char *path, char **why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path)) {
		*why = g_strdup("its path is too long for a socket");
		return -1;
	}
	return connect_to(AF_UNIX, (const struct sockaddr *)&address, sizeof(address), why);
}

static int connect_host(const char *host, const char *port, char **why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	int error = getaddrinfo(host, port, &hints, &list), fd = -1;

	if (error) {
		*why = g_strdup(gai_strerror(error));
		return -1;
	}
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = connect_to(a->ai_family, a->ai_addr, a->ai_addrlen, why);
	freeaddrinfo(list);
	return fd;
}

struct place {
	char *host, *port, *prefix; /* prefix: with a slash at both ends */
};

static bool split_url(const char *url, struct place *place)
{
	g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);

	if (!uri || strcmp(g_uri_get_scheme(uri), "http") || !g_uri_get_host(uri) || !*g_uri_get_host(uri))
		return false;
	place->host = g_strdup(g_uri_get_host(uri));
	place->port = g_strdup_printf("%d", g_uri_get_port(uri) > 0 ? g_uri_get_port(uri) : 80);
	place->prefix = g_str_has_suffix(g_uri_get_path(uri), "/") ? g_strdup(g_uri_get_path(uri)) :
								      g_strconcat(g_uri_get_path(uri), "/", NULL);
	return true;
}

static void place_clear(struct place *place)
{
	g_free(place->host);
	g_free(place->port);
	g_free(place->prefix);
}

static bool send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static char *request_text(const struct place *place, const char *method, const char *target, const char *body)
{
	const char *colon = strchr(place->host, ':') ? "[" : "", *close = *colon ? "]" : "";
	GString *s = g_string_new(NULL);

	g_string_printf(s, "%s %s%s HTTP/1.1\r\nHost: %s%s%s:%s\r\nConnection: close\r\n", method, place->prefix, target, colon,
			place->host, close, place->port);
	if (strcmp(method, "GET")) /* even without a body: slirppd takes changes from no form of a web page */
		g_string_append_printf(s, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body ? strlen(body) : 0);
	g_string_append_printf(s, "\r\n%s", body ? body : "");
	return g_string_free(s, FALSE);
}

/* What comes until END: a byte now and then does not make it longer. */
static ssize_t receive_until(int fd, char *buffer, size_t len, gint64 end)
{
	gint64 left = end - g_get_monotonic_time();

	if (left <= 0) {
		errno = EAGAIN;
		return -1;
	}
	set_patience(fd, left);
	return recv(fd, buffer, len, 0);
}

/* NULL when no whole answer came. */
static struct http_answer *receive(int fd, char **why)
{
	struct http_answer *answer = http_answer_new();
	enum http_progress progress = HTTP_MORE;
	gint64 end = g_get_monotonic_time() + PATIENCE;
	char buffer[16384];

	while (progress == HTTP_MORE) {
		ssize_t n = receive_until(fd, buffer, sizeof(buffer), end);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			*why = g_strdup(errno == EAGAIN ? "no answer within ten seconds" : g_strerror(errno));
			break;
		}
		progress = http_answer_feed(answer, buffer, (size_t)n);
	}
	if (progress == HTTP_DONE)
		return answer;
	if (progress == HTTP_BAD)
		*why = g_strdup("what came is no answer in HTTP");
	http_answer_free(answer);
	return NULL;
}

static enum http_failure converse(int fd, const char *request, struct http_answer **answer, char **why)
{
	/* A server that refuses early may close before it has read all: its answer counts. */
	bool sent = send_all(fd, request, strlen(request));

	*answer = receive(fd, why);
	if (!*answer && !sent && !*why)
		*why = g_strdup("the connection broke");
	return *answer ? HTTP_FINE : HTTP_NO_ANSWER;
}

enum http_failure http_ask(const struct http_server *server, const char *method, const char *target, const char *body,
			   struct http_answer **answer, char **why)
{
	struct place place = { 0 };
	enum http_failure failure = HTTP_NO_CONNECTION;
	int fd = -1;

	*answer = NULL;
	*why = NULL;
	if (!server->url) {
		place = (struct place){ g_strdup("localhost"), g_strdup("80"), g_strdup("/") };
		fd = connect_path(server->path, why);
	} else if (split_url(server->url, &place)) {
		fd = connect_host(place.host, place.port, why);
	} else {
		*why = g_strdup("this is no http://HOST:PORT/");
	}
	if (fd >= 0) {
		g_autofree char *request = request_text(&place, method, target, body);

		g_clear_pointer(why, g_free);
		failure = converse(fd, request, answer, why);
		close(fd);
	}
	place_clear(&place);
	return failure;
}
