/* The peer's connections through a proxy (RFC 1928, RFC 1929; RFC 9110 §9.3.6 CONNECT); see proxy.h. Called by slirp.c.
 *
 * Theory of operation. A client is a connection that libslirp made to us. It has an asynchronous call of GIO's under way (the connection
 * to the proxy, then SOCKS5's dialogue), or waits for the answer to a CONNECT, and has a pump afterwards. All but the first can be ended at
 * once: a call is cancelled, and its callback, which always comes, finds the client dropped and frees it. GIO is given the proxy's address
 * as a plain one to connect to and is never asked which proxy leads there: so neither the environment nor a desktop's settings have a say.
 *
 * CONNECT is our own: GIO's waits for the answer in one of ten threads, and ten proxies that are silent would hold up all others. */
#include "net/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "net/pump.h"

#define CLIENTS_MAX 1024u
#define BACKLOG 512
#define CONNECT_LIMIT (30 * CLOCK_SECOND)
#define WARN_INTERVAL (10 * CLOCK_SECOND)
/* After there was no descriptor left. */
#define ACCEPT_PAUSE CLOCK_SECOND
/* Of the answer to a CONNECT, in bytes. */
#define HEAD_MAX 8192

struct client;
typedef void ask_fn(struct client *client);
static ask_fn ask_socks5, ask_http;

static const struct scheme {
	const char *name;
	int port;
	ask_fn *ask;
} schemes[] = {
	{ "socks5", 1080, ask_socks5 },
	{ "http", 80, ask_http },
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
	GSource *hangup; /* FD is watched until there is a pump */
	GCancellable *cancellable; /* of the call that is under way, or NULL */
	GSocketConnection *connection;
	int upstream; /* the connection to the proxy, -1 while it is GIO's or the pump's */
	GSource *answer;
	char *head; /* of HEAD_MAX bytes */
	size_t head_len;
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
	unsigned clients_max;
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

/* What URLs there may be, whoever read the configuration has judged. UPSTREAM is to be cleared whatever comes back. */
static bool parse(const char *url, struct upstream *upstream)
{
	char *scheme = NULL;
	int port = -1;

	*upstream = (struct upstream){ 0 };
	g_uri_split_with_user(url, G_URI_FLAGS_HAS_PASSWORD, &scheme, &upstream->user, &upstream->password, NULL, &upstream->host, &port,
			      NULL, NULL, NULL, NULL);
	upstream->scheme = scheme ? find_scheme(scheme) : NULL;
	if (port < 0 && upstream->scheme)
		port = upstream->scheme->port;
	upstream->port = (uint16_t)CLAMP(port, 0, G_MAXUINT16);
	g_free(scheme);
	return upstream->scheme && upstream->host && *upstream->host && upstream->port > 0;
}

/* A client. */

static void close_with_reset(int fd)
{
	pump_close_resets(fd);
	close(fd);
}

/* Out of the proxy's sight; its memory goes when no call is under way any more. */
static void detach(struct client *client)
{
	timer_stop(&client->limit);
	loop_unwatch(&client->hangup);
	loop_unwatch(&client->answer);
	g_queue_unlink(&client->proxy->clients, &client->link);
	client->proxy = NULL;
}

static void free_client(struct client *client)
{
	g_clear_object(&client->cancellable);
	g_clear_object(&client->connection);
	if (client->fd >= 0)
		close_with_reset(client->fd);
	if (client->upstream >= 0)
		close(client->upstream);
	g_free(client->head);
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
	log_warn("Couldn't connect to %s:%u through proxy %s:%u: %s", inet_ntoa(addr), client->port, upstream->host, upstream->port, why);
	if (proxy->unsaid > 1)
		log_warn("%u connections through the proxy have failed since that was last said", proxy->unsaid);
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

/* What the proxy said after its own words is LEN bytes at FIRST. */
static void begin_pump(struct client *client, const char *first, size_t len)
{
	int fd = client->fd, upstream = client->upstream;

	timer_stop(&client->limit);
	loop_unwatch(&client->hangup);
	loop_unwatch(&client->answer);
	client->fd = client->upstream = -1;
	client->pump = pump_new(client->proxy->loop, upstream, fd, (const uint8_t *)first, len, on_pump_done, client);
	g_clear_pointer(&client->head, g_free);
}

/* The descriptor is GIO's until the connection goes; a copy of it stays. */
static bool take_descriptor(struct client *client)
{
	GSocket *socket = g_socket_connection_get_socket(client->connection);

	client->upstream = fcntl(g_socket_get_fd(socket), F_DUPFD_CLOEXEC, 0);
	if (client->upstream < 0) {
		fail(client, g_strerror(errno));
		return false;
	}
	g_clear_object(&client->cancellable);
	g_clear_object(&client->connection);
	return true;
}

static void on_granted(GObject *source, GAsyncResult *result, gpointer arg)
{
	GError *error = NULL;
	GIOStream *stream = g_proxy_connect_finish(G_PROXY(source), result, &error);

	if (take(arg, stream, error) && take_descriptor(arg))
		begin_pump(arg, NULL, 0);
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
						      upstream->scheme->name, inet_ntoa(destination), client->port,
						      upstream->user, upstream->password);
	g_object_unref(remote);
	return G_PROXY_ADDRESS(address);
}

static void ask_socks5(struct client *client)
{
	GProxyAddress *address = address_of(client);
	GProxy *proxy = g_proxy_get_default_for_protocol(client->proxy->upstream.scheme->name);

	if (address && proxy)
		g_proxy_connect_async(proxy, G_IO_STREAM(client->connection), address, client->cancellable, on_granted, client);
	else
		fail(client, address ? "GIO has no such proxy" : "it is gone");
	g_clear_object(&address);
	g_clear_object(&proxy);
}

/* RFC 9110 §9.3.6, in the words of HTTP/1.0, to which there are no interim answers; RFC 7617. */
static char *connect_request(const struct client *client)
{
	const struct upstream *upstream = &client->proxy->upstream;
	const struct in_addr addr = { .s_addr = htonl(client->addr) };
	char *place = g_strdup_printf("%s:%u", inet_ntoa(addr), client->port);
	GString *request = g_string_new(NULL);

	g_string_printf(request, "CONNECT %s HTTP/1.0\r\nHost: %s\r\n", place, place);
	if (upstream->user) {
		char *credentials = g_strdup_printf("%s:%s", upstream->user, upstream->password ? upstream->password : "");
		char *encoded = g_base64_encode((const guchar *)credentials, strlen(credentials));

		g_string_append_printf(request, "Proxy-Authorization: Basic %s\r\n", encoded);
		g_free(encoded);
		g_free(credentials);
	}
	g_string_append(request, "\r\n");
	g_free(place);
	return g_string_free(request, FALSE);
}

/* The status (RFC 9112 §4) at the beginning of HEAD, which ends with a zero; 0: this is no HTTP. */
static unsigned status_of(const char *head)
{
	unsigned status = 0;

	if (!g_str_has_prefix(head, "HTTP/1.") || !g_ascii_isdigit(head[7]) || head[8] != ' ')
		return 0;
	for (head += 9; g_ascii_isdigit(*head) && status < 100; head++)
		status = status * 10 + (unsigned)(*head - '0');
	return status >= 100 && !g_ascii_isdigit(*head) ? status : 0;
}

/* The head ends where REST begins. */
static void judge_answer(struct client *client, const char *rest)
{
	unsigned status = status_of(client->head);
	char *why = NULL;

	if (status / 100 == 2) {
		begin_pump(client, rest, client->head_len - (size_t)(rest - client->head));
		return;
	}
	if (status == 407)
		why = g_strdup(client->proxy->upstream.user ? "authentication failed" : "it wants authentication");
	else if (status)
		why = g_strdup_printf("it answers %u", status);
	fail(client, why ? why : "it speaks no HTTP");
	g_free(why);
}

static gboolean on_answer(gint fd, GIOCondition condition, gpointer arg)
{
	static const char end[] = "\r\n\r\n";
	struct client *client = arg;
	size_t room = HEAD_MAX - 1 - client->head_len;
	ssize_t n = recv(fd, client->head + client->head_len, room, MSG_DONTWAIT);

	(void)condition;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (n <= 0) {
		fail(client, n < 0 ? g_strerror(errno) : "it closed the connection");
		return G_SOURCE_CONTINUE;
	}
	client->head_len += (size_t)n;
	client->head[client->head_len] = '\0';
	const char *found = memmem(client->head, client->head_len, end, strlen(end));
	if (found)
		judge_answer(client, found + strlen(end));
	else if ((size_t)n == room)
		fail(client, "its answer is too long");
	return G_SOURCE_CONTINUE; /* a source that was ended does not go on */
}

/* A fresh socket takes a request at once. */
static void ask_http(struct client *client)
{
	if (!take_descriptor(client))
		return;
	char *request = connect_request(client);
	size_t len = strlen(request);
	bool sent = send(client->upstream, request, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;

	g_free(request);
	if (!sent) {
		fail(client, "it takes no request");
		return;
	}
	client->head = g_malloc(HEAD_MAX);
	loop_watch(client->proxy->loop, &client->answer, client->upstream, G_IO_IN, on_answer, client);
}

static void on_connected(GObject *source, GAsyncResult *result, gpointer arg)
{
	struct client *client = arg;
	GError *error = NULL;

	client->connection = g_socket_client_connect_finish(G_SOCKET_CLIENT(source), result, &error);
	if (take(client, client->connection, error))
		client->proxy->upstream.scheme->ask(client);
}

static void on_late(void *arg)
{
	struct client *client = arg;

	client->late = true;
	if (client->cancellable)
		g_cancellable_cancel(client->cancellable);
	else
		fail(client, NULL);
}

/* The peer waits no longer. */
static gboolean on_hangup(gint fd, GIOCondition condition, gpointer arg)
{
	(void)fd;
	(void)condition;
	drop(arg);
	return G_SOURCE_CONTINUE;
}

static void new_client(struct proxy *proxy, int fd, uint32_t addr, uint16_t port)
{
	struct client *client = g_new0(struct client, 1);

	*client = (struct client){
		.proxy = proxy, .fd = fd, .addr = addr, .port = port, .upstream = -1, .cancellable = g_cancellable_new(),
	};
	client->link.data = client;
	g_queue_push_tail_link(&proxy->clients, &client->link);
	timer_init(&client->limit, loop_clock(proxy->loop), on_late, client);
	if (proxy->clients.length > proxy->clients_max) {
		fail(client, "too many at once");
		return;
	}
	timer_set(&client->limit, CONNECT_LIMIT);
	loop_watch(proxy->loop, &client->hangup, fd, G_IO_HUP | G_IO_ERR, on_hangup, client);
	g_socket_client_connect_async(proxy->dialler, proxy->server, client->cancellable, on_connected, client);
}

/* The listening socket. */

static void admit(struct proxy *proxy, int fd, const struct sockaddr_in *from)
{
	uint32_t addr;
	uint16_t port;

	/* A stranger may have the same port at another address. */
	bool libslirp = from->sin_addr.s_addr == htonl(INADDR_LOOPBACK);

	if (libslirp && proxy->destination(proxy->arg, ntohs(from->sin_port), &addr, &port))
		new_client(proxy, fd, addr, port);
	else
		close_with_reset(fd);
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
		loop_unwatch(&proxy->source);
		timer_set(&proxy->pause, ACCEPT_PAUSE);
	}
	return G_SOURCE_CONTINUE;
}

static void start_listening(void *arg)
{
	struct proxy *proxy = arg;

	loop_watch(proxy->loop, &proxy->source, proxy->fd, G_IO_IN, on_connection, proxy);
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
	proxy->clients_max = pump_limit(CLIENTS_MAX);
	timer_init(&proxy->pause, loop_clock(loop), start_listening, proxy);
	if (!parse(url, &proxy->upstream))
		log_error("proxy: it is no URL such as socks5://HOST:PORT");
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
	loop_unwatch(&proxy->source);
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
