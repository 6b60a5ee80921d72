/* The peer's connections through a proxy (RFC 1928, RFC 1929; RFC 9110 §9.3.6 CONNECT); see proxy.h. Called by slirp.c.
 *
 * Theory of operation. A client is a connection that libslirp made to us. It has an asynchronous call of GIO's under way (first the
 * connection to the proxy, then the proxy's own dialogue), and afterwards a pump. Only the latter can be ended at once: a call is
 * cancelled, and its callback, which always comes, finds the client dropped and frees it. GIO is given the proxy's address as a plain
 * one to connect to and is never asked which proxy leads there: so neither the environment nor a desktop's settings have a say. */
#include "net/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "net/pump.h"

#define CLIENTS_MAX 1024
#define BACKLOG 512
#define CONNECT_LIMIT (30 * CLOCK_SECOND)
#define WARN_INTERVAL (10 * CLOCK_SECOND)
/* After there was no descriptor left. */
#define ACCEPT_PAUSE CLOCK_SECOND
/* RFC 1929 §2. */
#define CREDENTIAL_MAX 255

struct scheme {
	const char *name, *protocol; /* in the URL, GIO's */
	int port;
	bool colon; /* a user's name may have one (RFC 7617 §2: not with Basic) */
};

static const struct scheme schemes[] = {
	{ "socks5", "socks5", 1080, true },
	{ "socks5h", "socks5", 1080, true },
	{ "http", "http", 80, false },
};

/* A URL in its parts. */
struct upstream {
	const struct scheme *scheme;
	char *host, *user, *password; /* the latter two: NULL when not given */
	uint16_t port;
};

struct client {
	struct proxy *proxy; /* NULL: dropped */
	GList link;          /* in proxy->clients */
	int fd;
	uint32_t addr;
	uint16_t port;
	struct timer limit;
	bool late;
	GCancellable *cancellable; /* of the call that is under way; NULL: there is a pump */
	GSocketConnection *connection;
	struct pump *pump;
};

struct proxy {
	struct loop *loop;
	struct upstream upstream;
	proxy_destination_fn *destination;
	void *arg;
	int fd;
	uint16_t port;
	GSource *source; /* NULL while accepting is paused */
	struct timer pause;
	GSocketClient *dialler;
	GSocketConnectable *server;
	GQueue clients; /* of struct client */
	uint64_t next_warning; /* the clock's */
	unsigned unsaid;       /* failures since the last warning */
};

/* The URL. */

static void upstream_clear(struct upstream *upstream)
{
	g_free(upstream->host);
	g_free(upstream->user);
	g_free(upstream->password);
}

static const struct scheme *find_scheme(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++)
		if (g_ascii_strcasecmp(name, schemes[i].name) == 0)
			return &schemes[i];
	return NULL;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

static bool too_long(const char *credential)
{
	return credential && strlen(credential) > CREDENTIAL_MAX;
}

/* NULL, or what is wrong with it. */
static const char *judge(const struct upstream *upstream, int port, const char *rest)
{
	if (!upstream->scheme)
		return "it begins neither with socks5:// nor with http://";
	if (!upstream->host || !*upstream->host || !is_printable(upstream->host))
		return "there is no host in it";
	if (port == 0 || port > G_MAXUINT16)
		return "the port must be between 1 and 65535";
	if (*rest)
		return "nothing may follow the host and the port";
	if (too_long(upstream->user) || too_long(upstream->password))
		return "user and password may have 255 bytes each";
	if (upstream->user && !upstream->scheme->colon && strchr(upstream->user, ':'))
		return "with http:// there can be no colon in the user's name";
	return NULL;
}

/* UPSTREAM is to be cleared whatever comes back. */
static const char *parse(const char *url, struct upstream *upstream)
{
	char *scheme = NULL, *path = NULL, *query = NULL, *fragment = NULL;
	int port;

	*upstream = (struct upstream){ 0 };
	if (!g_uri_split_with_user(url, G_URI_FLAGS_HAS_PASSWORD, &scheme, &upstream->user, &upstream->password, NULL,
				   &upstream->host, &port, &path, &query, &fragment, NULL))
		return "it is no URL such as socks5://HOST:PORT";
	upstream->scheme = scheme ? find_scheme(scheme) : NULL;
	if (port < 0 && upstream->scheme)
		port = upstream->scheme->port;
	const char *rest = query || fragment ? "?" : g_strcmp0(path, "/") == 0 ? "" : path;
	const char *why = judge(upstream, port, rest);
	upstream->port = why ? 0 : (uint16_t)port;
	g_free(scheme);
	g_free(path);
	g_free(query);
	g_free(fragment);
	return why;
}

const char *proxy_check(const char *url)
{
	struct upstream upstream;
	const char *why = parse(url, &upstream);

	upstream_clear(&upstream);
	return why;
}

/* A client. */

static void close_with_reset(int fd)
{
	static const struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* Out of the proxy's sight; its memory goes when no call is under way any more. */
static void detach(struct client *client)
{
	timer_stop(&client->limit);
	g_queue_unlink(&client->proxy->clients, &client->link);
	client->proxy = NULL;
}

static void free_client(struct client *client)
{
	g_clear_object(&client->cancellable);
	g_clear_object(&client->connection);
	if (client->fd >= 0)
		close_with_reset(client->fd);
	g_free(client);
}

static void drop(struct client *client)
{
	bool waits = client->cancellable != NULL;

	detach(client);
	if (client->pump)
		pump_free(client->pump);
	if (!waits) {
		free_client(client);
		return;
	}
	close_with_reset(client->fd);
	client->fd = -1;
	g_cancellable_cancel(client->cancellable);
}

static void warn(struct proxy *proxy, const struct client *client, const char *why)
{
	const struct upstream *upstream = &proxy->upstream;
	struct in_addr addr = { .s_addr = htonl(client->addr) };
	uint64_t now = loop_clock(proxy->loop)->now;

	proxy->unsaid++;
	if (now < proxy->next_warning)
		return;
	log_warn("Couldn't connect to %s:%u through proxy %s:%u: %s (%u since last said)", inet_ntoa(addr), client->port, upstream->host,
		 upstream->port, why, proxy->unsaid);
	proxy->unsaid = 0;
	proxy->next_warning = now + WARN_INTERVAL;
}

static void fail(struct client *client, const char *why)
{
	warn(client->proxy, client, client->late ? "it takes too long" : why);
	detach(client);
	free_client(client);
}

/* The end of a call of GIO's. True: RESULT is there, and the client wants it. Otherwise the client is gone. */
static bool take(struct client *client, const void *result, GError *error)
{
	char *why = error ? g_strdup(error->message) : NULL;
	bool wanted = client->proxy && result;

	g_clear_error(&error);
	if (!client->proxy)
		free_client(client);
	else if (!result)
		fail(client, why ? why : "it failed");
	g_free(why);
	return wanted;
}

static void on_pump_done(void *arg, uint64_t a_to_b, uint64_t b_to_a)
{
	struct client *client = arg;

	(void)a_to_b;
	(void)b_to_a;
	detach(client);
	free_client(client);
}

/* The descriptor is GIO's until the connection goes; a copy of it stays. */
static void begin_pump(struct client *client)
{
	GSocket *socket = g_socket_connection_get_socket(client->connection);
	int copy = fcntl(g_socket_get_fd(socket), F_DUPFD_CLOEXEC, 0);

	if (copy < 0) {
		fail(client, g_strerror(errno));
		return;
	}
	timer_stop(&client->limit);
	g_clear_object(&client->cancellable);
	g_clear_object(&client->connection);
	int fd = client->fd;
	client->fd = -1;
	client->pump = pump_new(client->proxy->loop, fd, copy, NULL, 0, on_pump_done, client);
}

static void on_granted(GObject *source, GAsyncResult *result, gpointer arg)
{
	GError *error = NULL;
	GIOStream *stream = g_proxy_connect_finish(G_PROXY(source), result, &error);

	if (take(arg, stream, error))
		begin_pump(arg);
	g_clear_object(&stream);
}

static GProxyAddress *address_of(const struct client *client)
{
	const struct upstream *upstream = &client->proxy->upstream;
	struct in_addr destination = { .s_addr = htonl(client->addr) };
	GSocketAddress *remote = g_socket_connection_get_remote_address(client->connection, NULL);

	if (!remote)
		return NULL;
	GSocketAddress *address = g_proxy_address_new(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(remote)), upstream->port,
						      upstream->scheme->protocol, inet_ntoa(destination), client->port,
						      upstream->user, upstream->password);
	g_object_unref(remote);
	return G_PROXY_ADDRESS(address);
}

static void ask(struct client *client)
{
	GProxyAddress *address = address_of(client);
	GProxy *proxy = g_proxy_get_default_for_protocol(client->proxy->upstream.scheme->protocol);

	if (address && proxy)
		g_proxy_connect_async(proxy, G_IO_STREAM(client->connection), address, client->cancellable, on_granted, client);
	else
		fail(client, address ? "GIO has no such proxy" : "it is gone");
	g_clear_object(&address);
	g_clear_object(&proxy);
}

static void on_connected(GObject *source, GAsyncResult *result, gpointer arg)
{
	struct client *client = arg;
	GError *error = NULL;

	client->connection = g_socket_client_connect_finish(G_SOCKET_CLIENT(source), result, &error);
	if (take(client, client->connection, error))
		ask(client);
}

static void on_late(void *arg)
{
	struct client *client = arg;

	client->late = true;
	g_cancellable_cancel(client->cancellable);
}

static void new_client(struct proxy *proxy, int fd, uint32_t addr, uint16_t port)
{
	struct client *client = g_new0(struct client, 1);

	*client = (struct client){ .proxy = proxy, .fd = fd, .addr = addr, .port = port, .cancellable = g_cancellable_new() };
	client->link.data = client;
	g_queue_push_tail_link(&proxy->clients, &client->link);
	timer_init(&client->limit, loop_clock(proxy->loop), on_late, client);
	if (proxy->clients.length > CLIENTS_MAX) {
		fail(client, "too many at once");
		return;
	}
	timer_set(&client->limit, CONNECT_LIMIT);
	g_socket_client_connect_async(proxy->dialler, proxy->server, client->cancellable, on_connected, client);
}

/* The listening socket. */

static void admit(struct proxy *proxy, int fd, const struct sockaddr_in *from)
{
	uint32_t addr;
	uint16_t port;

	if (proxy->destination(proxy->arg, ntohs(from->sin_port), &addr, &port))
		new_client(proxy, fd, addr, port);
	else
		close_with_reset(fd);
}

static void stop_listening(struct proxy *proxy)
{
	if (!proxy->source)
		return;
	g_source_destroy(proxy->source);
	g_source_unref(proxy->source);
	proxy->source = NULL;
}

static gboolean on_connection(gint fd, GIOCondition condition, gpointer arg)
{
	struct proxy *proxy = arg;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int connection = accept4(fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)condition;
	if (connection >= 0) {
		admit(proxy, connection, &from);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		stop_listening(proxy);
		timer_set(&proxy->pause, ACCEPT_PAUSE);
	}
	return G_SOURCE_CONTINUE;
}

static void start_listening(void *arg)
{
	struct proxy *proxy = arg;

	proxy->source = g_unix_fd_source_new(proxy->fd, G_IO_IN);
	g_source_set_callback(proxy->source, G_SOURCE_FUNC(on_connection), proxy, NULL);
	g_source_attach(proxy->source, loop_context(proxy->loop));
}

static bool bind_socket(struct proxy *proxy)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);

	proxy->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (proxy->fd < 0 || bind(proxy->fd, (struct sockaddr *)&addr, len) < 0 || listen(proxy->fd, BACKLOG) < 0 ||
	    getsockname(proxy->fd, (struct sockaddr *)&addr, &len) < 0)
		return false;
	proxy->port = ntohs(addr.sin_port);
	return true;
}

static void set_dialler(struct proxy *proxy)
{
	proxy->dialler = g_socket_client_new();
	g_socket_client_set_enable_proxy(proxy->dialler, FALSE);
	proxy->server = g_network_address_new(proxy->upstream.host, proxy->upstream.port);
}

struct proxy *proxy_new(struct loop *loop, const char *url, proxy_destination_fn *destination, void *arg)
{
	struct proxy *proxy = g_new0(struct proxy, 1);

	*proxy = (struct proxy){ .loop = loop, .destination = destination, .arg = arg, .fd = -1 };
	timer_init(&proxy->pause, loop_clock(loop), start_listening, proxy);
	const char *why = parse(url, &proxy->upstream);
	if (why)
		log_error("proxy: %s", why);
	else if (!bind_socket(proxy))
		log_error("proxy: can't listen on 127.0.0.1: %m");
	else {
		set_dialler(proxy);
		start_listening(proxy);
		return proxy;
	}
	proxy_free(proxy);
	return NULL;
}

void proxy_free(struct proxy *proxy)
{
	GList *link;

	while ((link = proxy->clients.head))
		drop(link->data);
	stop_listening(proxy);
	timer_stop(&proxy->pause);
	if (proxy->fd >= 0)
		close(proxy->fd);
	g_clear_object(&proxy->dialler);
	g_clear_object(&proxy->server);
	upstream_clear(&proxy->upstream);
	g_free(proxy);
}

uint16_t proxy_port(const struct proxy *proxy)
{
	return proxy->port;
}
