/* UDP ASSOCIATE; see socks_udp.h. socks.c calls this. RFC 1928 §6 and §7. */
#include "net/socks_udp.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net/packet.h"
#include "net/socks_request.h"

#define DATAGRAMS_AT_ONCE 32
#define NAMED_MAX 16u /* datagrams that wait for a name's address */
#define NAME_KEPT (60 * CLOCK_SECOND)

/* A datagram whose destination is being looked up. */
struct named {
	struct socks_udp *udp;
	struct lookup *lookup;
	uint16_t port;
	char name[SOCKS_NAME_MAX + 1];
	size_t len;
	uint8_t data[];
};

struct socks_udp {
	struct loop *loop;
	struct resolver *resolver;
	struct dial_udp *dial;
	int fd;
	GSource *source;
	struct sockaddr_storage bound, client;
	uint16_t client_port; /* 0: not known yet */
	GPtrArray *waiting;   /* of struct named */
	char name[SOCKS_NAME_MAX + 1]; /* the last one that was looked up */
	uint32_t name_addr;
	uint64_t name_until;
	uint8_t buffer[IPV4_PACKET_MAX];
};

/* The port stands at the same place in both families' addresses. */
static in_port_t *port_of(struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return &((struct sockaddr_in6 *)address)->sin6_port;
	return &((struct sockaddr_in *)address)->sin_port;
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET6)
		return IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr);
	return ((const struct sockaddr_in *)a)->sin_addr.s_addr == ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

/* Whether a datagram from there is the client's. */
static bool from_client(struct socks_udp *udp, struct sockaddr_storage *from)
{
	uint16_t port = ntohs(*port_of(from));

	if (!same_host(&udp->client, from) || (udp->client_port != 0 && udp->client_port != port))
		return false;
	udp->client_port = port;
	*port_of(&udp->client) = htons(port);
	return true;
}

static void on_datagram(void *arg, uint32_t addr, uint16_t port, const uint8_t *data, size_t len)
{
	struct socks_udp *udp = arg;
	uint8_t header[SOCKS_DATAGRAM_HEADER];
	struct writer w = writer_new(header, sizeof(header));
	struct iovec parts[] = { { header, sizeof(header) }, { (void *)(uintptr_t)data, len } };
	struct msghdr message = { .msg_name = &udp->client, .msg_namelen = sizeof(udp->client), .msg_iov = parts, .msg_iovlen = 2 };

	if (udp->client_port == 0)
		return;
	socks_write_datagram(&w, addr, port);
	sendmsg(udp->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void free_named(struct named *named)
{
	if (named->lookup)
		lookup_cancel(named->lookup);
	g_free(named);
}

static void on_name(void *arg, const uint32_t *addresses, unsigned count)
{
	struct named *named = arg;
	struct socks_udp *udp = named->udp;

	named->lookup = NULL;
	if (count > 0) {
		memcpy(udp->name, named->name, sizeof(udp->name));
		udp->name_addr = addresses[0];
		udp->name_until = loop_clock(udp->loop)->now + NAME_KEPT;
		dial_udp_send(udp->dial, addresses[0], named->port, named->data, named->len);
	}
	g_ptr_array_remove_fast(udp->waiting, named);
	free_named(named);
}

static void send_to_name(struct socks_udp *udp, const struct socks_address *to, const uint8_t *data, size_t len)
{
	if (strcmp(udp->name, to->name) == 0 && loop_clock(udp->loop)->now < udp->name_until) {
		dial_udp_send(udp->dial, udp->name_addr, to->port, data, len);
		return;
	}
	if (udp->waiting->len >= NAMED_MAX)
		return;
	struct named *named = g_malloc0(sizeof(*named) + len);
	*named = (struct named){ .udp = udp, .port = to->port, .len = len };
	memcpy(named->name, to->name, sizeof(named->name));
	memcpy(named->data, data, len);
	named->lookup = resolver_lookup(udp->resolver, named->name, on_name, named);
	if (named->lookup)
		g_ptr_array_add(udp->waiting, named);
	else
		free_named(named);
}

static void from_client_to_link(struct socks_udp *udp, size_t len)
{
	struct reader r = reader_new(udp->buffer, len);
	struct socks_address to;

	if (!socks_read_datagram(&r, &to))
		return;
	len = reader_left(&r);
	const uint8_t *data = reader_bytes(&r, len);
	if (to.type == SOCKS_IPV4)
		dial_udp_send(udp->dial, to.addr, to.port, data, len);
	else if (to.type == SOCKS_NAME)
		send_to_name(udp, &to, data, len);
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer user_data)
{
	struct socks_udp *udp = user_data;

	(void)condition;
	for (int i = 0; i < DATAGRAMS_AT_ONCE; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(fd, udp->buffer, sizeof(udp->buffer), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

		if (len < 0)
			break;
		if (from_client(udp, &from))
			from_client_to_link(udp, (size_t)len);
	}
	return G_SOURCE_CONTINUE;
}

static bool open_socket(struct socks_udp *udp, int client)
{
	socklen_t bound_len = sizeof(udp->bound);
	socklen_t client_len = sizeof(udp->client);

	if (getsockname(client, (struct sockaddr *)&udp->bound, &bound_len) < 0 ||
	    getpeername(client, (struct sockaddr *)&udp->client, &client_len) < 0)
		return false;
	*port_of(&udp->bound) = 0;
	udp->fd = socket(udp->bound.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return udp->fd >= 0 && bind(udp->fd, (struct sockaddr *)&udp->bound, bound_len) == 0 &&
	       getsockname(udp->fd, (struct sockaddr *)&udp->bound, &bound_len) == 0;
}

struct socks_udp *socks_udp_new(struct loop *loop, struct dialer *dialer, struct resolver *resolver, int client, uint16_t port)
{
	struct socks_udp *udp = g_new0(struct socks_udp, 1);

	udp->loop = loop;
	udp->resolver = resolver;
	udp->fd = -1;
	udp->client_port = port;
	udp->waiting = g_ptr_array_new();
	udp->dial = dial_udp_new(dialer, FLOW_SOCKS, on_datagram, udp);
	if (!udp->dial || !open_socket(udp, client)) {
		socks_udp_free(udp);
		return NULL;
	}
	*port_of(&udp->client) = htons(port);
	loop_watch(loop, &udp->source, udp->fd, G_IO_IN, on_readable, udp);
	return udp;
}

void socks_udp_free(struct socks_udp *udp)
{
	for (guint i = 0; i < udp->waiting->len; i++)
		free_named(g_ptr_array_index(udp->waiting, i));
	g_ptr_array_free(udp->waiting, TRUE);
	loop_unwatch(&udp->source);
	if (udp->dial)
		dial_udp_free(udp->dial);
	if (udp->fd >= 0)
		close(udp->fd);
	g_free(udp);
}

const struct sockaddr *socks_udp_bound(const struct socks_udp *udp)
{
	return (const struct sockaddr *)&udp->bound;
}
