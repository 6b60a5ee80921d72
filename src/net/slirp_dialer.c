/* Connections from here into the link through libslirp; see dial.h. socks.c and resolve.c dial, slirp.c tells what libslirp did.
 *
 * Theory of operation
 *
 * libslirp opens a connection into the link when somebody connects to a port that it listens on. So for each dial it is given such a port,
 * at an address within 127.0.0.0/8 that nobody else uses, and we connect to that. Once it has accepted us the port is closed again. A
 * stranger who finds it in between is recognized by his address, and gets nowhere: the gate lets a connection pass only where one is
 * watched for, and that is said right before libslirp opens ours. It does so in the same breath: gate_watch() and the SYN cannot be
 * taken apart, if only libslirp need not ask for the destination's Ethernet address first.
 *
 * Our end has a port of its own on 127.0.0.1 (bound, not left to connect()), since libslirp tells connections apart by that alone.
 *
 * What became of a dial is learnt in the midst of a packet, and told at the end of the round. */
#include "net/slirp_backend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/checksum.h"
#include "net/flow.h"
#include "reader.h"

#define DIALS_MAX 1024u
#define DIAL_TIMEOUT (60 * CLOCK_SECOND)
#define LISTEN_TRIES 16
#define FIRST_PORT 1024
#define IP_AND_UDP (IPV4_HEADER + UDP_HEADER)

struct dial {
	struct dialer *dialer;
	struct flow_end to; /* as libslirp knows it */
	enum flow_kind kind;
	struct sockaddr_in listener, client; /* libslirp's port for us, and our end */
	bool listening, accepted, over;
	enum gate_outcome outcome; /* once it is over */
	uint64_t watch; /* 0: none */
	int fd;
	struct timer timeout;
	dial_fn *fn;
	void *arg;
};

struct dial_udp {
	struct dialer *dialer;
	uint16_t port;
	dial_datagram_fn *fn;
	void *arg;
};

struct dialer {
	struct slirp_net *s;
	GPtrArray *dials; /* of struct dial */
	GPtrArray *udp;   /* of struct dial_udp */
	bool work;        /* for dialer_flush() */
	uint8_t packet[IPV4_PACKET_MAX];
};

struct dialer *dialer_new(struct slirp_net *s)
{
	struct dialer *dialer = g_new0(struct dialer, 1);

	dialer->s = s;
	dialer->dials = g_ptr_array_new();
	dialer->udp = g_ptr_array_new();
	return dialer;
}

void dialer_free(struct dialer *dialer)
{
	while (dialer->dials->len > 0)
		dial_cancel(g_ptr_array_index(dialer->dials, 0));
	while (dialer->udp->len > 0)
		dial_udp_free(g_ptr_array_index(dialer->udp, 0));
	g_ptr_array_free(dialer->dials, TRUE);
	g_ptr_array_free(dialer->udp, TRUE);
	g_free(dialer);
}

bool dial_has_v6(const struct dialer *dialer)
{
	return dialer->s->up && dialer->s->link.local_id != 0;
}

uint32_t dial_name_server(const struct dialer *dialer)
{
	const struct slirp_net *s = dialer->s;

	if (!s->up)
		return 0;
	return s->link.peer_dns ? s->link.peer_dns : s->link.remote;
}

/* No host has any other address (RFC 1122 §3.2.1.3); and libslirp's own are not to be talked to. */
static bool is_host(uint32_t addr)
{
	unsigned first = addr >> 24;

	return first != 0 && first != IN_LOOPBACKNET && first < 224;
}

static bool is_v6(const struct dial *dial)
{
	return !IN6_IS_ADDR_V4MAPPED(&dial->to.addr);
}

static struct sockaddr_in6 address6(const struct in6_addr *addr, in_port_t port)
{
	return (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = *addr, .sin6_port = port };
}

/* libslirp's listener, which is an IPv6 socket where the destination is (at the same IPv4 address). */
static struct sockaddr_in6 listener6(const struct dial *dial)
{
	const struct in6_addr mapped = flow_address(ntohl(dial->listener.sin_addr.s_addr));

	return address6(&mapped, dial->listener.sin_port);
}

static void stop_listening(struct dial *dial)
{
	const struct sockaddr_in6 mapped = listener6(dial);
	bool v6 = is_v6(dial);
	const struct sockaddr *listener = v6 ? (const struct sockaddr *)&mapped : (const struct sockaddr *)&dial->listener;

	if (dial->listening)
		slirp_remove_hostxfwd(dial->dialer->s->slirp, listener, v6 ? sizeof(mapped) : sizeof(dial->listener), 0);
	dial->listening = false;
}

/* Takes it out of everything but the caller's hands. */
static void detach(struct dial *dial)
{
	stop_listening(dial);
	timer_stop(&dial->timeout);
	if (dial->watch)
		gate_unwatch(dial->dialer->s->gate, dial->watch);
	dial->watch = 0;
	g_ptr_array_remove_fast(dial->dialer->dials, dial);
}

void dial_cancel(struct dial *dial)
{
	detach(dial);
	if (dial->fd >= 0)
		close(dial->fd);
	g_free(dial);
}

static void is_over(struct dial *dial, enum gate_outcome outcome)
{
	if (dial->over)
		return;
	dial->over = true;
	dial->outcome = outcome;
	dial->dialer->work = true;
}

static void on_answer(void *arg, enum gate_outcome outcome)
{
	struct dial *dial = arg;

	dial->watch = 0;
	is_over(dial, outcome);
}

static void on_timeout(void *arg)
{
	is_over(arg, ANSWER_NONE);
}

static struct sockaddr_in random_loopback(void)
{
	uint32_t addr = (uint32_t)IN_LOOPBACKNET << 24 | (g_random_int() & 0x7ffffe) | 1;
	uint16_t port = (uint16_t)g_random_int_range(FIRST_PORT, UINT16_MAX + 1);

	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(addr), .sin_port = htons(port) };
}

static bool listen_v6(const struct dial *dial)
{
	const struct sockaddr_in6 here = listener6(dial), there = address6(&dial->to.addr, htons(dial->to.port));

	return slirp_add_hostxfwd(dial->dialer->s->slirp, (const struct sockaddr *)&here, sizeof(here), (const struct sockaddr *)&there,
				  sizeof(there), 0) == 0;
}

static bool listen_v4(const struct dial *dial)
{
	const struct sockaddr_in there = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(flow_v4(&dial->to.addr)),
					   .sin_port = htons(dial->to.port) };

	return slirp_add_hostxfwd(dial->dialer->s->slirp, (const struct sockaddr *)&dial->listener, sizeof(dial->listener),
				  (const struct sockaddr *)&there, sizeof(there), 0) == 0;
}

static bool start_listening(struct dial *dial)
{
	for (int tries = 0; tries < LISTEN_TRIES && !dial->listening; tries++) {
		dial->listener = random_loopback();
		dial->listening = is_v6(dial) ? listen_v6(dial) : listen_v4(dial);
		if (!dial->listening && errno != EADDRINUSE)
			break;
	}
	return dial->listening;
}

static bool start_connecting(struct dial *dial)
{
	static const int on = 1;
	socklen_t len = sizeof(dial->client);

	dial->client = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	dial->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (dial->fd < 0 || bind(dial->fd, (struct sockaddr *)&dial->client, len) < 0 ||
	    getsockname(dial->fd, (struct sockaddr *)&dial->client, &len) < 0)
		return false;
	setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return connect(dial->fd, (struct sockaddr *)&dial->listener, sizeof(dial->listener)) == 0 || errno == EINPROGRESS;
}

/* Whether a host may have it that is beyond a link which carries its family. */
static bool is_beyond(const struct slirp_net *s, const struct in6_addr *addr)
{
	if (IN6_IS_ADDR_V4MAPPED(addr))
		return s->link.remote != 0 && is_host(flow_v4(addr));
	return s->link.local_id != 0 && !IN6_IS_ADDR_MULTICAST(addr) && addr->s6_addr[0] != 0 && !gate6_is_local(s->gate, addr);
}

struct dial *dial_tcp(struct dialer *dialer, uint32_t addr, uint16_t port, enum flow_kind kind, dial_fn *fn, void *arg)
{
	const struct in6_addr mapped = flow_address(addr);

	return dial_tcp6(dialer, &mapped, port, kind, fn, arg);
}

struct dial *dial_tcp6(struct dialer *dialer, const struct in6_addr *addr, uint16_t port, enum flow_kind kind, dial_fn *fn, void *arg)
{
	struct slirp_net *s = dialer->s;

	if (!s->up || dialer->dials->len >= DIALS_MAX || !slirp_has_room(s) || !is_beyond(s, addr) || port == 0)
		return NULL;
	struct dial *dial = g_new0(struct dial, 1);
	*dial = (struct dial){ .dialer = dialer, .to = { *addr, port }, .kind = kind, .fd = -1, .fn = fn, .arg = arg };
	if (flow_v4(addr) == s->link.remote && !is_v6(dial))
		dial->to.addr = flow_address(GATE_PEER);
	timer_init(&dial->timeout, loop_clock(s->loop), on_timeout, dial);
	g_ptr_array_add(dialer->dials, dial);
	if (!start_listening(dial) || !start_connecting(dial)) {
		dial_cancel(dial);
		return NULL;
	}
	timer_set(&dial->timeout, DIAL_TIMEOUT);
	return dial;
}

static bool same_address(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
	return a->sin_addr.s_addr == b->sin_addr.s_addr && a->sin_port == b->sin_port;
}

static struct dial *find_listener(const struct dialer *dialer, const struct sockaddr_in *listener)
{
	for (guint i = 0; i < dialer->dials->len; i++) {
		struct dial *dial = g_ptr_array_index(dialer->dials, i);

		if (dial->listening && same_address(&dial->listener, listener))
			return dial;
	}
	return NULL;
}

/* A socket's own or its other end's address, which is an IPv4 one. */
static bool socket_end(int fd, int (*get)(int, struct sockaddr *, socklen_t *), struct sockaddr_in *end)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} addr = { .in6 = { 0 } };
	socklen_t len = sizeof(addr);

	if (get(fd, &addr.any, &len) < 0)
		return false;
	*end = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = addr.in.sin_port, .sin_addr = addr.in.sin_addr };
	if (addr.any.sa_family == AF_INET6)
		end->sin_addr.s_addr = htonl(flow_v4(&addr.in6.sin6_addr));
	return true;
}

static uint64_t watch(struct dial *dial)
{
	struct slirp_net *s = dial->dialer->s;

	if (is_v6(dial))
		slirp6_know_address(s, &dial->to.addr);
	else
		slirp_know_address(s, flow_v4(&dial->to.addr));
	return gate_watch_end(s->gate, &dial->to, dial->kind, on_answer, dial);
}

void dialer_accepted(struct dialer *dialer, int fd)
{
	struct sockaddr_in here, there;

	if (dialer->dials->len == 0 || !socket_end(fd, getsockname, &here) || !socket_end(fd, getpeername, &there))
		return;
	struct dial *dial = find_listener(dialer, &here);
	if (!dial)
		return;
	if (dial->accepted || !same_address(&dial->client, &there)) {
		shutdown(fd, SHUT_RDWR);
		return;
	}
	dial->accepted = true;
	dialer->work = true;
	dial->watch = watch(dial);
}

void dialer_link_down(struct dialer *dialer)
{
	for (guint i = 0; i < dialer->dials->len; i++)
		is_over(g_ptr_array_index(dialer->dials, i), ANSWER_NONE);
}

static void deliver(struct dial *dial)
{
	detach(dial);
	if (dial->outcome != ANSWER_OPEN) {
		close(dial->fd);
		dial->fd = -1;
	}
	dial->fn(dial->arg, dial->outcome, dial->fd);
	g_free(dial);
}

static struct dial *next_over(const struct dialer *dialer)
{
	for (guint i = 0; i < dialer->dials->len; i++) {
		struct dial *dial = g_ptr_array_index(dialer->dials, i);

		if (dial->over)
			return dial;
	}
	return NULL;
}

void dialer_flush(struct dialer *dialer)
{
	struct dial *dial;

	if (!dialer->work)
		return;
	dialer->work = false;
	for (guint i = 0; i < dialer->dials->len; i++) {
		dial = g_ptr_array_index(dialer->dials, i);
		if (dial->accepted)
			stop_listening(dial);
	}
	while ((dial = next_over(dialer)) != NULL)
		deliver(dial);
}

struct dial_udp *dial_udp_new(struct dialer *dialer, enum flow_kind kind, dial_datagram_fn *fn, void *arg)
{
	uint16_t port = gate_own_port(dialer->s->gate, kind);

	if (port == 0)
		return NULL;
	struct dial_udp *udp = g_new0(struct dial_udp, 1);
	*udp = (struct dial_udp){ .dialer = dialer, .port = port, .fn = fn, .arg = arg };
	g_ptr_array_add(dialer->udp, udp);
	return udp;
}

void dial_udp_free(struct dial_udp *udp)
{
	gate_release_port(udp->dialer->s->gate, udp->port);
	g_ptr_array_remove_fast(udp->dialer->udp, udp);
	g_free(udp);
}

bool dial_udp_send(struct dial_udp *udp, uint32_t addr, uint16_t port, const uint8_t *data, size_t len)
{
	struct dialer *dialer = udp->dialer;

	if (!is_host(addr) || port == 0 || len > sizeof(dialer->packet) - IP_AND_UDP)
		return false;
	size_t size = gate_own_datagram(dialer->s->gate, udp->port, addr, port, data, len, dialer->packet);
	if (size > 0)
		slirp_to_peer(dialer->s, dialer->packet, size);
	return size > 0;
}

/* The datagram's content (RFC 768), where its length and checksums are right; NULL where not. A checksum of zero is none. */
static const uint8_t *datagram_content(const struct packet *p, size_t *len)
{
	const uint8_t *datagram = p->data + p->header;
	struct reader r = reader_new(datagram, p->transport_len);

	reader_skip(&r, 4);
	uint16_t total = reader_u16(&r);
	uint16_t check = reader_u16(&r);
	if (!reader_ok(&r) || total < UDP_HEADER || !packet_header_ok(p))
		return NULL;
	*len = total - UDP_HEADER;
	const uint8_t *content = reader_bytes(&r, *len);
	uint64_t sum = checksum_add_u16(checksum_add(0, p->data + IPV4_HEADER - 8, 8), IPPROTO_UDP);
	sum = checksum_add_u16(sum, total);
	return content && (check == 0 || checksum_finish(checksum_add(sum, datagram, total)) == 0) ? content : NULL;
}

void dialer_datagram(struct dialer *dialer, const struct packet *p)
{
	size_t len;
	const uint8_t *data = datagram_content(p, &len);

	for (guint i = 0; data && i < dialer->udp->len; i++) {
		const struct dial_udp *udp = g_ptr_array_index(dialer->udp, i);

		if (udp->port != p->dport)
			continue;
		udp->fn(udp->arg, p->src, p->sport, data, len);
		return;
	}
}
