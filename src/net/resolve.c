/* Names asked of the name server at the peer's side; see resolve.h. socks.c and socks_udp.c call this. RFC 1035.
 *
 * Theory of operation
 *
 * c-ares writes and reads DNS messages, repeats, and turns to TCP where an answer is cut. It is given every setting, so that it reads
 * none from this machine's files, and sockets that lead into the link:
 *  - UDP: one end of a socket pair. What it sends goes to dial_udp_send(); what comes from the name server is written to the other end.
 *  - TCP: a pipe that never is ready, until the dial is through: then the connection takes its place, under the same number.
 * So c-ares waits for real descriptors, which the loop polls.
 *
 * It knows one name server. When the link comes up with another one, it is made anew, and what was asked of the old one comes to nothing.
 * Its answers may come while it is being asked: they are kept, and told by a timer. */
#include "net/resolve.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOOKUPS_MAX 256u
#define ADDRESSES_MAX 8
#define DNS_PORT 53
#define DNS_MESSAGE_MAX 4096
#define TRY_MS 3000
#define TRIES 3

/* One of c-ares' sockets. */
struct channel_socket {
	struct resolver *resolver;
	int fd;    /* c-ares' end */
	int other; /* the other end of the socket pair, or of the pipe; -1: closed */
	bool stream;
	struct dial_udp *udp;
	struct dial *dial; /* under way */
	GSource *source;
};

struct resolver {
	struct loop *loop;
	struct dialer *dialer;
	ares_channel channel; /* NULL until it is needed */
	uint32_t server;      /* its */
	GPtrArray *sockets;   /* of struct channel_socket */
	GPtrArray *lookups;   /* of struct lookup; those that nobody waits for any more are not among them */
	unsigned asked;       /* c-ares has so many questions, cancelled ones too */
	struct timer timeout, answers;
};

struct lookup {
	struct resolver *resolver;
	bool asked, answered, cancelled; /* c-ares has it; it is done with it; nobody waits for it */
	uint32_t addresses[ADDRESSES_MAX];
	unsigned count;
	lookup_fn *fn;
	void *arg;
};

static struct channel_socket *find_socket(const struct resolver *resolver, int fd)
{
	for (guint i = 0; i < resolver->sockets->len; i++) {
		struct channel_socket *socket = g_ptr_array_index(resolver->sockets, i);

		if (socket->fd == fd)
			return socket;
	}
	return NULL;
}

static void arm_timeout(struct resolver *resolver)
{
	struct timeval tv;

	if (resolver->channel && ares_timeout(resolver->channel, NULL, &tv))
		timer_set(&resolver->timeout, (uint64_t)tv.tv_sec * CLOCK_SECOND + (uint64_t)tv.tv_usec);
	else
		timer_stop(&resolver->timeout);
}

static void process(struct resolver *resolver, int readable, int writable)
{
	ares_process_fd(resolver->channel, readable, writable);
	arm_timeout(resolver);
}

static void on_timeout(void *arg)
{
	process(arg, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static gboolean on_ready(gint fd, GIOCondition condition, gpointer user_data)
{
	struct channel_socket *socket = user_data;

	process(socket->resolver, condition & (G_IO_IN | G_IO_HUP | G_IO_ERR) ? fd : ARES_SOCKET_BAD,
		condition & G_IO_OUT ? fd : ARES_SOCKET_BAD);
	return G_SOURCE_CONTINUE; /* whether it is still wanted, c-ares has said */
}

/* c-ares' word on what it waits for. */
static void on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *resolver = arg;
	struct channel_socket *socket = find_socket(resolver, fd);

	if (!socket)
		return;
	loop_unwatch(&socket->source);
	if (!readable && !writable)
		return;
	loop_watch(resolver->loop, &socket->source, fd, (readable ? G_IO_IN : 0) | (writable ? G_IO_OUT : 0) | G_IO_HUP | G_IO_ERR, on_ready,
		   socket);
}

static void close_other(struct channel_socket *socket)
{
	if (socket->other >= 0)
		close(socket->other);
	socket->other = -1;
}

static void on_datagram(void *arg, uint32_t addr, uint16_t port, const uint8_t *data, size_t len)
{
	struct channel_socket *socket = arg;

	if (addr == socket->resolver->server && port == DNS_PORT)
		send(socket->other, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The connection in place of the pipe; without one, the pipe's end. */
static void on_dialled(void *arg, enum gate_outcome outcome, int fd)
{
	struct channel_socket *socket = arg;

	socket->dial = NULL;
	if (outcome == ANSWER_OPEN) {
		dup3(fd, socket->fd, O_CLOEXEC);
		close(fd);
	}
	close_other(socket);
}

static bool open_datagrams(struct channel_socket *socket)
{
	int fds[2];

	socket->udp = dial_udp_new(socket->resolver->dialer, FLOW_DNS, on_datagram, socket);
	if (!socket->udp || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return false;
	socket->fd = fds[0];
	socket->other = fds[1];
	return true;
}

static bool open_stream(struct channel_socket *socket)
{
	int fds[2];

	socket->dial = dial_tcp(socket->resolver->dialer, socket->resolver->server, DNS_PORT, FLOW_DNS, on_dialled, socket);
	if (!socket->dial || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	socket->fd = fds[0];
	socket->other = fds[1];
	return true;
}

static void end_socket(struct channel_socket *socket)
{
	loop_unwatch(&socket->source);
	if (socket->dial)
		dial_cancel(socket->dial);
	if (socket->udp)
		dial_udp_free(socket->udp);
	close_other(socket);
	if (socket->fd >= 0)
		close(socket->fd);
	g_ptr_array_remove_fast(socket->resolver->sockets, socket);
	g_free(socket);
}

static ares_socket_t open_socket(int family, int type, int protocol, void *arg)
{
	struct resolver *resolver = arg;
	struct channel_socket *socket = g_new0(struct channel_socket, 1);

	(void)family;
	(void)protocol;
	*socket = (struct channel_socket){ .resolver = resolver, .fd = -1, .other = -1, .stream = (type & 0xf) == SOCK_STREAM };
	g_ptr_array_add(resolver->sockets, socket);
	if (socket->stream ? open_stream(socket) : open_datagrams(socket))
		return socket->fd;
	end_socket(socket);
	errno = ENETUNREACH;
	return ARES_SOCKET_BAD;
}

static int close_socket(ares_socket_t fd, void *arg)
{
	struct channel_socket *socket = find_socket(arg, fd);

	if (socket)
		end_socket(socket);
	return 0;
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *addr, ares_socklen_t len, void *arg)
{
	const struct channel_socket *socket = find_socket(arg, fd);

	(void)addr;
	(void)len;
	if (socket && !socket->stream)
		return 0;
	errno = EINPROGRESS;
	return -1;
}

static ares_ssize_t receive(ares_socket_t fd, void *buf, size_t len, int flags, struct sockaddr *from, ares_socklen_t *from_len, void *arg)
{
	const struct resolver *resolver = arg;
	struct sockaddr_in server = { .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(resolver->server),
				      .sin_port = htons(DNS_PORT) };

	(void)flags;
	if (from && from_len && *from_len >= sizeof(server)) {
		memcpy(from, &server, sizeof(server));
		*from_len = sizeof(server);
	}
	return read(fd, buf, len);
}

static ares_ssize_t send_datagram(struct channel_socket *socket, const struct iovec *parts, int count)
{
	uint8_t message[DNS_MESSAGE_MAX];
	struct iovec to = { .iov_base = message, .iov_len = 0 };

	for (int i = 0; i < count; i++) {
		if (parts[i].iov_len > sizeof(message) - to.iov_len) {
			errno = EMSGSIZE;
			return -1;
		}
		memcpy(message + to.iov_len, parts[i].iov_base, parts[i].iov_len);
		to.iov_len += parts[i].iov_len;
	}
	/* What cannot go now is repeated, as what is lost on its way. */
	dial_udp_send(socket->udp, socket->resolver->server, DNS_PORT, message, to.iov_len);
	return (ares_ssize_t)to.iov_len;
}

static ares_ssize_t send_parts(ares_socket_t fd, const struct iovec *parts, int count, void *arg)
{
	struct channel_socket *socket = find_socket(arg, fd);

	if (socket && !socket->stream)
		return send_datagram(socket, parts, count);
	if (!socket || socket->dial) {
		errno = socket ? EAGAIN : EBADF;
		return -1;
	}
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count };
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static const struct ares_socket_functions socket_functions = {
	.asocket = open_socket,
	.aclose = close_socket,
	.aconnect = connect_socket,
	.arecvfrom = receive,
	.asendv = send_parts,
};

static void close_channel(struct resolver *resolver)
{
	if (resolver->channel)
		ares_destroy(resolver->channel);
	resolver->channel = NULL;
	timer_stop(&resolver->timeout);
}

/* With every setting given, c-ares looks into no file and no variable. */
static bool open_channel(struct resolver *resolver, uint32_t server)
{
	static char lookups[] = "b";
	struct in_addr addr = { .s_addr = htonl(server) };
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.timeout = TRY_MS,
		.tries = TRIES,
		.ndots = 1,
		.servers = &addr,
		.nservers = 1,
		.lookups = lookups,
		.sock_state_cb = on_state,
		.sock_state_cb_data = resolver,
	};

	if (ares_init_options(&resolver->channel, &options,
			      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
				      ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST | ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
		resolver->channel = NULL;
		return false;
	}
	ares_set_socket_functions(resolver->channel, &socket_functions, resolver);
	resolver->server = server;
	return true;
}

/* The channel to the name server that there is now. False: none. */
static bool have_channel(struct resolver *resolver)
{
	uint32_t server = dial_name_server(resolver->dialer);

	if (resolver->channel && server == resolver->server)
		return true;
	close_channel(resolver);
	return server != 0 && open_channel(resolver, server);
}

static struct lookup *next_answered(const struct resolver *resolver)
{
	for (guint i = 0; i < resolver->lookups->len; i++) {
		struct lookup *lookup = g_ptr_array_index(resolver->lookups, i);

		if (lookup->answered)
			return lookup;
	}
	return NULL;
}

static void tell_answers(void *arg)
{
	struct resolver *resolver = arg;
	struct lookup *lookup;

	while ((lookup = next_answered(resolver)) != NULL) {
		g_ptr_array_remove_fast(resolver->lookups, lookup);
		lookup->fn(lookup->arg, lookup->addresses, lookup->count);
		g_free(lookup);
	}
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
	struct lookup *lookup = arg;
	struct ares_addrttl found[ADDRESSES_MAX];
	int count = ADDRESSES_MAX;

	(void)timeouts;
	lookup->asked = false;
	lookup->resolver->asked--;
	if (lookup->cancelled) {
		g_free(lookup);
		return;
	}
	if (status == ARES_SUCCESS && ares_parse_a_reply(answer, len, NULL, found, &count) == ARES_SUCCESS)
		for (; lookup->count < (unsigned)MAX(count, 0); lookup->count++)
			lookup->addresses[lookup->count] = ntohl(found[lookup->count].ipaddr.s_addr);
	lookup->answered = true;
	timer_set(&lookup->resolver->answers, 0);
}

/* RFC 6761 §6.3: it means oneself, which from here would be the wrong one. */
static bool is_localhost(const char *name)
{
	static const char self[] = "localhost";
	size_t len = strlen(name);

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len < sizeof(self) - 1)
		return false;
	const char *last = name + len - (sizeof(self) - 1);
	return g_ascii_strncasecmp(last, self, sizeof(self) - 1) == 0 && (last == name || last[-1] == '.');
}

struct resolver *resolver_new(struct loop *loop, struct dialer *dialer)
{
	struct resolver *resolver = g_new0(struct resolver, 1);

	ares_library_init(ARES_LIB_INIT_ALL);
	resolver->loop = loop;
	resolver->dialer = dialer;
	resolver->sockets = g_ptr_array_new();
	resolver->lookups = g_ptr_array_new();
	timer_init(&resolver->timeout, loop_clock(loop), on_timeout, resolver);
	timer_init(&resolver->answers, loop_clock(loop), tell_answers, resolver);
	return resolver;
}

void resolver_free(struct resolver *resolver)
{
	while (resolver->lookups->len > 0)
		lookup_cancel(g_ptr_array_index(resolver->lookups, 0));
	close_channel(resolver);
	timer_stop(&resolver->answers);
	g_ptr_array_free(resolver->lookups, TRUE);
	g_ptr_array_free(resolver->sockets, TRUE);
	g_free(resolver);
	ares_library_cleanup();
}

struct lookup *resolver_lookup(struct resolver *resolver, const char *name, lookup_fn *fn, void *arg)
{
	if (resolver->asked >= LOOKUPS_MAX || !have_channel(resolver))
		return NULL;
	struct lookup *lookup = g_new0(struct lookup, 1);
	*lookup = (struct lookup){ .resolver = resolver, .fn = fn, .arg = arg };
	g_ptr_array_add(resolver->lookups, lookup);
	if (is_localhost(name)) {
		lookup->answered = true;
		timer_set(&resolver->answers, 0);
		return lookup;
	}
	lookup->asked = true;
	resolver->asked++;
	ares_query(resolver->channel, name, ns_c_in, ns_t_a, on_answer, lookup);
	arm_timeout(resolver);
	return lookup;
}

/* c-ares keeps what it was asked until it has an answer. */
void lookup_cancel(struct lookup *lookup)
{
	g_ptr_array_remove_fast(lookup->resolver->lookups, lookup);
	lookup->cancelled = true;
	if (!lookup->asked)
		g_free(lookup);
}
