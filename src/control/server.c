/* HTTP on a listening socket: libmicrohttpd without threads, in our loop. Called by control.c; asks pages.c what to answer.
 *
 * Theory of operation. We accept connections ourselves, so that a place is taken or refused at once and a lack of descriptors can be
 * waited out, and hand them to a libmicrohttpd that has no listening socket. It polls them with an epoll descriptor, which is all that
 * the loop watches; a timer wakes it when it says that it has more to do. It limits the size of a request's head, we that of the body.
 * Time is limited here, too: libmicrohttpd knows idle connections only, and one byte now and then would keep a place for ever. So each
 * connection has a timer that starts anew with each head, each request and each answer; when it fires the socket is shut down, which
 * libmicrohttpd sees and cleans up after. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/internal.h"
#include "control/mhd.h"
#include "log.h"

/* Of one socket, at once. */
#define CONNECTIONS_MAX 32
/* For the head of a request and what libmicrohttpd needs beside it. */
#define CONNECTION_MEMORY ((size_t)16 * 1024)
#define PATIENCE (30 * CLOCK_SECOND)
/* What is read beyond BODY_MAX, to be able to say that it is too much. */
#define UNREAD_MAX ((size_t)64 * 1024)
/* Accepted in one round of the loop; the line comes first. */
#define ACCEPT_MAX 16
/* Without descriptors. */
#define ACCEPT_PAUSE CLOCK_SECOND

struct server {
	struct control *control;
	struct mhd mhd;
	struct MHD_Daemon *daemon;
	int fd;
	GSource *listen, *events;
	struct timer wake, pause;
	bool trusted;
};

struct client {
	int fd; /* libmicrohttpd's */
	struct timer limit;
	bool stranger;
	uid_t uid;
};

/* A request and what it gets. */
struct exchange {
	struct request request;
	struct reply reply;
	size_t unread; /* bytes of the body that did not fit */
};

static const struct {
	const char *name, *value;
} headers[] = {
	{ "Cache-Control", "no-store" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Referrer-Policy", "no-referrer" },
	{ "X-Content-Type-Options", "nosniff" },
};

/* Arms the timer by which libmicrohttpd wants to be called again, whatever comes. */
static void set_wake(struct server *server)
{
	MHD_UNSIGNED_LONG_LONG ms;

	timer_stop(&server->wake);
	if (server->mhd.get_timeout(server->daemon, &ms) == MHD_YES)
		timer_set(&server->wake, ms * CLOCK_MS);
}

static void run(void *arg)
{
	struct server *server = arg;

	server->mhd.run(server->daemon);
	set_wake(server);
}

static gboolean on_events(gint fd, GIOCondition condition, gpointer arg)
{
	(void)fd;
	(void)condition;
	run(arg);
	return G_SOURCE_CONTINUE;
}

static void send_reply(struct server *server, struct MHD_Connection *connection, struct reply *reply)
{
	struct MHD_Response *response;

	if (reply->page)
		response = server->mhd.create_response_from_buffer(reply->len, (void *)(uintptr_t)reply->page, MHD_RESPMEM_PERSISTENT);
	else
		response = server->mhd.create_response_from_buffer(reply->len, g_steal_pointer(&reply->body), MHD_RESPMEM_MUST_FREE);
	server->mhd.add_response_header(response, "Content-Type", reply->type);
	server->mhd.add_response_header(response, "Content-Security-Policy", server->control->policy);
	for (size_t i = 0; i < G_N_ELEMENTS(headers); i++)
		server->mhd.add_response_header(response, headers[i].name, headers[i].value);
	if (reply->allow[0])
		server->mhd.add_response_header(response, "Allow", reply->allow);
	server->mhd.queue_response(connection, reply->status, response);
	server->mhd.destroy_response(response);
}

static struct client *client_of(const struct server *server, struct MHD_Connection *connection)
{
	return server->mhd.get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static const char *header(const struct server *server, struct MHD_Connection *connection, const char *name)
{
	return server->mhd.lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* The head is there. What is wrong with it is said when the body is there, too: who still writes would not read it. */
static struct exchange *begin(struct server *server, struct MHD_Connection *connection, const char *method, const char *path)
{
	struct client *client = client_of(server, connection);
	struct exchange *exchange = g_new0(struct exchange, 1);
	struct request *request = &exchange->request;

	request->method = method;
	request->path = path;
	request->host = header(server, connection, "Host");
	request->content_type = header(server, connection, "Content-Type");
	request->trusted = server->trusted;
	request->stranger = client->stranger;
	request->uid = client->uid;
	pages_judge(request, &exchange->reply);
	timer_set(&client->limit, PATIENCE);
	return exchange;
}

/* A part of the body. False: this is more than anybody means. */
static bool take_body(struct exchange *exchange, const char *data, size_t len)
{
	struct request *request = &exchange->request;
	size_t n = MIN(len, sizeof(request->body) - request->len);

	memcpy(request->body + request->len, data, n);
	request->len += n;
	exchange->unread += len - n;
	return exchange->unread <= UNREAD_MAX;
}

static void finish(struct server *server, struct MHD_Connection *connection, struct exchange *exchange)
{
	struct reply *reply = &exchange->reply;

	if (!reply->status && exchange->unread > 0)
		reply_error(reply, MHD_HTTP_CONTENT_TOO_LARGE, "the body is longer than 4096 bytes");
	if (!reply->status)
		pages_answer(server->control, &exchange->request, reply);
	timer_set(&client_of(server, connection)->limit, PATIENCE);
	send_reply(server, connection, reply);
}

/* libmicrohttpd calls this once with the head, then with each part of the body, and once more at the end. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
				  const char *data, size_t *len, void **context)
{
	struct exchange *exchange = *context;

	(void)version;
	if (!exchange) {
		*context = begin(arg, connection, method, path);
	} else if (*len > 0) {
		if (!take_body(exchange, data, *len))
			return MHD_NO;
		*len = 0;
	} else {
		finish(arg, connection, exchange);
	}
	return MHD_YES;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode how)
{
	(void)how;
	if (*context)
		reply_clear(&((struct exchange *)*context)->reply);
	g_clear_pointer(context, g_free);
	timer_set(&client_of(arg, connection)->limit, PATIENCE);
}

static void on_limit(void *arg)
{
	const struct client *client = arg;

	shutdown(client->fd, SHUT_RDWR);
}

/* Who is at the other end of a Unix socket: root, and the user that we are, may ask. */
static void look_at_peer(struct client *client)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	client->stranger = getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || (peer.uid != 0 && peer.uid != geteuid());
	client->uid = client->stranger ? (uid_t)-1 : peer.uid;
}

static struct client *client_new(struct server *server, struct MHD_Connection *connection)
{
	struct client *client = g_new0(struct client, 1);

	client->fd = server->mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	if (server->trusted)
		look_at_peer(client);
	timer_init(&client->limit, loop_clock(server->control->loop), on_limit, client);
	timer_set(&client->limit, PATIENCE);
	return client;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = client_new(arg, connection);
	} else {
		struct client *client = *context;

		timer_stop(&client->limit);
		g_free(client);
		*context = NULL;
	}
}

static gboolean on_listen(gint fd, GIOCondition condition, gpointer arg)
{
	struct server *server = arg;

	(void)condition;
	for (int i = 0; i < ACCEPT_MAX; i++) {
		struct sockaddr_storage address;
		socklen_t len = sizeof(address);
		int client = accept4(fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		/* One that has no place is closed by this. */
		if (client >= 0)
			server->mhd.add_connection(server->daemon, client, (struct sockaddr *)&address, len);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			timer_set(&server->pause, ACCEPT_PAUSE);
		if (client < 0)
			break;
	}
	set_wake(server);
	if (!server->pause.armed)
		return G_SOURCE_CONTINUE;
	loop_unwatch(&server->listen);
	return G_SOURCE_REMOVE;
}

static void go_on(void *arg)
{
	struct server *server = arg;

	loop_watch(server->control->loop, &server->listen, server->fd, G_IO_IN, on_listen, server);
}

static bool start_daemon(struct server *server)
{
	server->daemon = server->mhd.start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_request, server,
						  MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
						  MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_STRICT_FOR_CLIENT, 1,
						  MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
						  MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
	if (!server->daemon)
		log_error("Couldn't start the control interface: %m");
	return server->daemon != NULL;
}

struct server *server_new(struct control *control, int fd, bool trusted)
{
	struct server *server = g_new0(struct server, 1);

	*server = (struct server){ .control = control, .fd = fd, .trusted = trusted };
	timer_init(&server->wake, loop_clock(control->loop), run, server);
	timer_init(&server->pause, loop_clock(control->loop), go_on, server);
	if (!mhd_load(&server->mhd) || !start_daemon(server)) {
		server_free(server);
		return NULL;
	}
	int epoll = server->mhd.get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	loop_watch(control->loop, &server->events, epoll, G_IO_IN, on_events, server);
	go_on(server);
	return server;
}

void server_free(struct server *server)
{
	timer_stop(&server->wake);
	timer_stop(&server->pause);
	loop_unwatch(&server->listen);
	loop_unwatch(&server->events);
	if (server->daemon)
		server->mhd.stop_daemon(server->daemon);
	close(server->fd);
	g_free(server);
}
