/* `socks`: see socks.h. slirp.c opens this. RFC 1928, RFC 1929; the protocol's words are in socks_request.c.
 *
 * Theory of operation. A client is read from until its request is there; then a name is looked up at the peer's side, its addresses are
 * dialled one after the other, and the two sockets are given to a pump. Each step has a limit: how many clients there may be, how long
 * one may take to say what it wants, how long to reach it. What a client said too early goes to the pump. Whoever gives a wrong password
 * waits for the answer. */
#include "net/socks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "net/flow.h"
#include "net/pump.h"
#include "net/resolve.h"
#include "net/socks_request.h"
#include "net/socks_udp.h"

#define CLIENTS_MAX 512u
#define BACKLOG 512
#define ACCEPTS_AT_ONCE 64
#define ADDRESSES_MAX 8u
#define REQUEST_TIMEOUT (30 * CLOCK_SECOND)
#define CONNECT_TIMEOUT (90 * CLOCK_SECOND)
#define DENIED_DELAY CLOCK_SECOND
#define ACCEPT_PAUSE (100 * CLOCK_MS)

struct listener {
	struct socks *socks;
	int fd;
	GSource *source;
	struct timer pause; /* there was no descriptor for a client */
};

struct socks {
	const struct net_config *config;
	struct loop *loop;
	struct dialer *dialer;
	struct resolver *resolver;
	GPtrArray *listeners; /* of struct listener */
	GPtrArray *clients;   /* of struct client */
	unsigned clients_max;
	uint64_t refused;
};

struct client {
	struct socks *socks;
	int fd; /* -1: the pump has it */
	GSource *source;
	struct timer deadline;
	struct socks_handshake handshake;
	uint8_t in[SOCKS_MESSAGE_MAX], out[SOCKS_REPLY_MAX]; /* read and not understood yet; to be sent at the end */
	size_t in_len, out_len;
	struct in6_addr addresses[ADDRESSES_MAX]; /* to be tried, IPv4's as ::ffff:a.b.c.d: from NEXT on */
	unsigned addresses_count, next;
	struct lookup *lookup;
	struct dial *dial;
	struct pump *pump;
	struct socks_udp *udp;
};

/* Closed with data unread, TCP says RST, which may overtake the last thing that was said. */
static void close_gently(int fd)
{
	char unread[4096];

	for (int i = 0; i < 16 && recv(fd, unread, sizeof(unread), MSG_DONTWAIT) > 0; i++)
		;
	close(fd);
}

static void end_client(struct client *c)
{
	loop_unwatch(&c->source);
	timer_stop(&c->deadline);
	if (c->lookup)
		lookup_cancel(c->lookup);
	if (c->dial)
		dial_cancel(c->dial);
	if (c->pump)
		pump_free(c->pump);
	if (c->udp)
		socks_udp_free(c->udp);
	if (c->fd >= 0)
		close_gently(c->fd);
	g_ptr_array_remove_fast(c->socks->clients, c);
	g_free(c);
}

/* Its receive side is small, and nothing was said to it before: what does not go at once never will. */
static bool say(const struct client *c, const uint8_t *data, size_t len)
{
	return len == 0 || send(c->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

static bool reply(const struct client *c, enum socks_reply code, const struct sockaddr *bound)
{
	uint8_t message[SOCKS_REPLY_MAX];
	struct writer w = writer_new(message, sizeof(message));

	socks_write_reply(&w, code, bound);
	return say(c, message, writer_len(&w));
}

static void refuse(struct client *c, enum socks_reply code)
{
	c->socks->refused++;
	reply(c, code, NULL);
	end_client(c);
}

static void on_deadline(void *arg)
{
	struct client *c = arg;

	if (c->handshake.state == SOCKS_READY) {
		refuse(c, SOCKS_TTL_EXPIRED);
		return;
	}
	c->socks->refused++;
	say(c, c->out, c->out_len);
	end_client(c);
}

static void on_pumped(void *arg, uint64_t a_to_b, uint64_t b_to_a)
{
	struct client *c = arg;

	(void)a_to_b;
	(void)b_to_a;
	c->pump = NULL;
	end_client(c);
}

static bool link_is_up(const struct client *c)
{
	return dial_name_server(c->socks->dialer) != 0 || dial_has_v6(c->socks->dialer);
}

static enum socks_reply reply_for(const struct client *c, enum gate_outcome outcome)
{
	static const enum socks_reply replies[] = {
		[ANSWER_OPEN] = SOCKS_SUCCEEDED,
		[ANSWER_REFUSED] = SOCKS_REFUSED,
		[ANSWER_UNREACHABLE] = SOCKS_HOST_UNREACHABLE,
		[ANSWER_NONE] = SOCKS_TTL_EXPIRED,
	};

	return link_is_up(c) ? replies[outcome] : SOCKS_NET_UNREACHABLE;
}

static void dial_next(struct client *c);

static void on_dialled(void *arg, enum gate_outcome outcome, int fd)
{
	struct client *c = arg;
	int client_fd = c->fd;

	c->dial = NULL;
	if (outcome != ANSWER_OPEN && c->next < c->addresses_count) {
		dial_next(c);
		return;
	}
	if (outcome != ANSWER_OPEN) {
		refuse(c, reply_for(c, outcome));
		return;
	}
	loop_unwatch(&c->source);
	timer_stop(&c->deadline);
	if (!reply(c, SOCKS_SUCCEEDED, NULL)) {
		close(fd);
		end_client(c);
		return;
	}
	c->fd = -1;
	c->pump = pump_new(c->socks->loop, client_fd, fd, c->in, c->in_len, on_pumped, c);
}

static void dial_next(struct client *c)
{
	while (!c->dial && c->next < c->addresses_count)
		c->dial = dial_tcp6(c->socks->dialer, &c->addresses[c->next++], c->handshake.address.port, FLOW_SOCKS, on_dialled, c);
	if (!c->dial)
		refuse(c, link_is_up(c) ? SOCKS_FAILURE : SOCKS_NET_UNREACHABLE);
}

static void on_name(void *arg, const uint32_t *addresses, unsigned count)
{
	struct client *c = arg;

	c->lookup = NULL;
	if (count == 0) {
		refuse(c, SOCKS_HOST_UNREACHABLE);
		return;
	}
	c->addresses_count = MIN(count, ADDRESSES_MAX);
	for (unsigned i = 0; i < c->addresses_count; i++)
		c->addresses[i] = flow_address(addresses[i]);
	dial_next(c);
}

/* A client that is reset while it waits is let go. */
static gboolean on_hangup(gint fd, GIOCondition condition, gpointer user_data)
{
	(void)fd;
	(void)condition;
	end_client(user_data);
	return G_SOURCE_REMOVE;
}

static void start_connect(struct client *c)
{
	const struct socks_address *to = &c->handshake.address;

	timer_set(&c->deadline, CONNECT_TIMEOUT);
	loop_watch(c->socks->loop, &c->source, c->fd, G_IO_HUP | G_IO_ERR, on_hangup, c);
	if (to->type != SOCKS_NAME) {
		c->addresses[0] = to->type == SOCKS_IPV4 ? flow_address(to->addr) : to->addr6;
		c->addresses_count = 1;
		dial_next(c);
		return;
	}
	c->lookup = resolver_lookup(c->socks->resolver, to->name, on_name, c);
	if (!c->lookup)
		refuse(c, link_is_up(c) ? SOCKS_FAILURE : SOCKS_NET_UNREACHABLE);
}

/* The association lasts as long as this connection (RFC 1928 §7), on which there is nothing more to say. */
static gboolean on_association(gint fd, GIOCondition condition, gpointer user_data)
{
	char ignored[1024];
	ssize_t len = recv(fd, ignored, sizeof(ignored), MSG_DONTWAIT);

	(void)condition;
	if (len > 0 || (len < 0 && (errno == EAGAIN || errno == EINTR)))
		return G_SOURCE_CONTINUE;
	end_client(user_data);
	return G_SOURCE_REMOVE;
}

static void start_association(struct client *c)
{
	struct socks *socks = c->socks;

	c->udp = socks_udp_new(socks->loop, socks->dialer, socks->resolver, c->fd, c->handshake.address.port);
	if (!c->udp) {
		refuse(c, SOCKS_FAILURE);
		return;
	}
	timer_stop(&c->deadline);
	loop_watch(socks->loop, &c->source, c->fd, G_IO_IN, on_association, c);
	reply(c, SOCKS_SUCCEEDED, socks_udp_bound(c->udp));
}

static void start_request(struct client *c)
{
	if (c->handshake.command == SOCKS_UDP_ASSOCIATE)
		start_association(c);
	else if (c->handshake.address.type == SOCKS_IPV6 && !dial_has_v6(c->socks->dialer))
		refuse(c, SOCKS_BAD_ADDRESS_TYPE); /* the link has no IPv6 */
	else
		start_connect(c);
}

static void log_denied(int fd)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	char host[NI_MAXHOST] = "?";

	if (getpeername(fd, (struct sockaddr *)&from, &len) == 0)
		getnameinfo((struct sockaddr *)&from, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST);
	log_notice("socks: wrong user or password from %s", host);
}

static void denied(struct client *c)
{
	log_denied(c->fd);
	loop_unwatch(&c->source);
	timer_set(&c->deadline, DENIED_DELAY);
}

/* Goes on after the handshake took what there was of it; C may be gone then. */
static void advance(struct client *c)
{
	enum socks_state state = c->handshake.state;

	if (state == SOCKS_DENIED) {
		denied(c);
		return;
	}
	bool said = say(c, c->out, c->out_len);
	c->out_len = 0;
	if (state == SOCKS_BROKEN)
		c->socks->refused++;
	if (state == SOCKS_BROKEN || !said)
		end_client(c);
	else if (state == SOCKS_READY)
		start_request(c);
}

static gboolean on_client(gint fd, GIOCondition condition, gpointer user_data)
{
	struct client *c = user_data;
	struct writer out = writer_new(c->out, sizeof(c->out));
	ssize_t len = recv(fd, c->in + c->in_len, sizeof(c->in) - c->in_len, MSG_DONTWAIT);

	(void)condition;
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (len <= 0) {
		end_client(c);
		return G_SOURCE_REMOVE;
	}
	c->in_len += (size_t)len;
	size_t used = socks_handshake_feed(&c->handshake, c->in, c->in_len, &out);
	c->out_len = writer_len(&out);
	c->in_len -= used;
	memmove(c->in, c->in + used, c->in_len);
	advance(c);
	return G_SOURCE_CONTINUE; /* a source that was ended does not go on */
}

static void add_client(struct socks *socks, int fd)
{
	static const int on = 1;
	struct client *c = g_new0(struct client, 1);

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->socks = socks;
	c->fd = fd;
	socks_handshake_init(&c->handshake, socks->config->socks_user, socks->config->socks_password);
	timer_init(&c->deadline, loop_clock(socks->loop), on_deadline, c);
	timer_set(&c->deadline, REQUEST_TIMEOUT);
	g_ptr_array_add(socks->clients, c);
	loop_watch(socks->loop, &c->source, fd, G_IO_IN, on_client, c);
}

static gboolean on_listener(gint fd, GIOCondition condition, gpointer user_data);

static void on_pause_over(void *arg)
{
	struct listener *listener = arg;

	loop_watch(listener->socks->loop, &listener->source, listener->fd, G_IO_IN, on_listener, listener);
}

/* A listener without a descriptor for those who wait would be ready for ever. */
static void pause_listener(struct listener *listener)
{
	loop_unwatch(&listener->source);
	timer_set(&listener->pause, ACCEPT_PAUSE);
}

static gboolean on_listener(gint fd, GIOCondition condition, gpointer user_data)
{
	struct listener *listener = user_data;
	struct socks *socks = listener->socks;

	(void)condition;
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (client >= 0 && socks->clients->len < socks->clients_max) {
			add_client(socks, client);
		} else if (client >= 0) {
			socks->refused++;
			close(client);
		} else {
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
				pause_listener(listener);
			break;
		}
	}
	return G_SOURCE_CONTINUE;
}

static int open_listener(const struct listen_address *address)
{
	static const int on = 1;
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(address->port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(address->port) };
	bool ipv6 = inet_pton(AF_INET, address->host, &in.sin_addr) != 1;

	if (ipv6 && inet_pton(AF_INET6, address->host, &in6.sin6_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ipv6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, ipv6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in, ipv6 ? sizeof(in6) : sizeof(in)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static bool add_listener(struct socks *socks, const struct listen_address *address)
{
	int fd = open_listener(address);

	if (fd < 0) {
		log_error("socks %s:%u: cannot listen there: %m", address->host, address->port);
		return false;
	}
	struct listener *listener = g_new0(struct listener, 1);
	listener->socks = socks;
	listener->fd = fd;
	timer_init(&listener->pause, loop_clock(socks->loop), on_pause_over, listener);
	g_ptr_array_add(socks->listeners, listener);
	loop_watch(socks->loop, &listener->source, fd, G_IO_IN, on_listener, listener);
	return true;
}

static void free_listener(void *arg)
{
	struct listener *listener = arg;

	loop_unwatch(&listener->source);
	timer_stop(&listener->pause);
	close(listener->fd);
	g_free(listener);
}

struct socks *socks_new(const struct net_config *config, struct loop *loop, struct dialer *dialer)
{
	struct socks *socks = g_new0(struct socks, 1);

	socks->config = config;
	socks->loop = loop;
	socks->dialer = dialer;
	socks->resolver = resolver_new(loop, dialer);
	socks->listeners = g_ptr_array_new_with_free_func(free_listener);
	socks->clients = g_ptr_array_new();
	socks->clients_max = pump_limit(CLIENTS_MAX);
	for (guint i = 0; i < config->socks->len; i++) {
		if (add_listener(socks, &g_array_index(config->socks, struct listen_address, i)))
			continue;
		socks_free(socks);
		return NULL;
	}
	return socks;
}

void socks_free(struct socks *socks)
{
	g_ptr_array_free(socks->listeners, TRUE);
	while (socks->clients->len > 0)
		end_client(g_ptr_array_index(socks->clients, 0));
	g_ptr_array_free(socks->clients, TRUE);
	resolver_free(socks->resolver);
	g_free(socks);
}

unsigned socks_count(const struct socks *socks)
{
	return socks->clients->len;
}

uint64_t socks_refused(const struct socks *socks)
{
	return socks->refused;
}
