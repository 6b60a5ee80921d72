/* libslirp's sockets, by descriptor; see gate.h. slirp.c tells of each that is opened or closed.
 *
 * A TCP connection has a socket of its own, which ends with it. A ping has one until the answer comes. The peer's UDP has one for each of
 * its ports, whatever the destinations: all flows of that port end with it. It takes datagrams from anybody: what comes from the world to
 * a port that has not itself talked to the world is not let through. */
#include "net/gate_internal.h"

#define BACKLOGS_MAX 64u
#define GREETING 2u               /* packets before any data: SYN, ACK */
#define PATIENCE (2 * CLOCK_SECOND)
#define HEAVY CLOCK_SECOND        /* a connection is heavy so long after its last backlog */

enum { PREVIOUS, NEXT };

struct socket {
	bool open;
	bool world;      /* UDP: talks to the world */
	uint8_t protocol; /* 0: a client's */
	uint16_t port;   /* the peer's, UDP */
	uint16_t flow;   /* TCP: the flow; UDP: the first of them */
	struct in6_addr peer; /* UDP: whose port */
	uint64_t id;     /* TCP: the flow's */
	unsigned drains; /* the round in which it last waited to take what the peer sent */
};

/* A connection that has ended but for libslirp's TIME-WAIT. */
struct finishing {
	uint64_t id;
	uint16_t flow;
};

void gate_init_sockets(struct gate *gate)
{
	gate->sockets = g_array_new(FALSE, TRUE, sizeof(struct socket));
	gate->finishing = g_array_new(FALSE, FALSE, sizeof(struct finishing));
}

void gate_free_sockets(struct gate *gate)
{
	g_array_free(gate->sockets, TRUE);
	g_array_free(gate->finishing, TRUE);
}

unsigned gate_sockets(const struct gate *gate)
{
	return gate->socket_count;
}

static struct socket *socket_at(const struct gate *gate, int fd)
{
	return fd >= 0 && (guint)fd < gate->sockets->len ? &g_array_index(gate->sockets, struct socket, fd) : NULL;
}

static struct socket *udp_socket(const struct gate *gate, uint16_t port)
{
	return socket_at(gate, gate->udp_sockets[port] - 1);
}

bool gate_has_udp_socket(const struct gate *gate, uint16_t port)
{
	return udp_socket(gate, port) != NULL;
}

bool gate_udp_port_taken(const struct gate *gate, const struct flow_end *peer)
{
	const struct socket *s = udp_socket(gate, peer->port);

	return s && !IN6_ARE_ADDR_EQUAL(&s->peer, &peer->addr);
}

void gate_set_udp_world(struct gate *gate, uint16_t port, bool on)
{
	struct socket *s = udp_socket(gate, port);

	if (s)
		s->world = on;
}

bool gate_is_udp_world(const struct gate *gate, uint16_t port)
{
	const struct socket *s = udp_socket(gate, port);

	return s && s->world;
}

void gate_join_socket(struct gate *gate, struct flow *f)
{
	int fd = gate->udp_sockets[f->name[FLOW_INNER].peer.port] - 1;
	struct socket *s = socket_at(gate, fd);

	if (!s || f->fd >= 0)
		return;
	flow_set_fd(gate->flows, f, fd);
	f->mates[PREVIOUS] = 0;
	f->mates[NEXT] = s->flow;
	if (s->flow != 0)
		flow_at(gate->flows, s->flow)->mates[PREVIOUS] = flow_index(gate->flows, f);
	s->flow = flow_index(gate->flows, f);
	s->world |= f->kind == FLOW_WORLD;
}

void gate_leave_socket(struct gate *gate, struct flow *f)
{
	struct socket *s = socket_at(gate, f->fd);
	struct flow *previous = flow_at(gate->flows, f->mates[PREVIOUS]), *next = flow_at(gate->flows, f->mates[NEXT]);

	if (!s)
		return;
	*(previous ? &previous->mates[NEXT] : &s->flow) = f->mates[NEXT];
	if (next)
		next->mates[PREVIOUS] = f->mates[PREVIOUS];
	flow_set_fd(gate->flows, f, -1);
}

static void name_socket(struct gate *gate, int fd, const struct packet *p)
{
	struct socket *s = socket_at(gate, fd);
	struct flow_name name;
	struct flow *f = flow_name_of(p, true, &name) ? flow_find(gate->flows, FLOW_INNER, &name) : NULL;

	s->protocol = p->protocol;
	gate->ping_sockets += p->protocol == IPPROTO_ICMP;
	if (p->protocol == IPPROTO_UDP) {
		s->port = p->sport;
		s->peer = p->v6 ? p->src6 : flow_address(p->src);
		gate->udp_sockets[s->port] = fd + 1;
		if (f)
			gate_join_socket(gate, f);
	} else if (p->protocol == IPPROTO_TCP && f) {
		s->flow = flow_index(gate->flows, f);
		s->id = f->id;
		flow_set_fd(gate->flows, f, fd);
	}
}

void gate_socket_opened(struct gate *gate, int fd, const struct packet *p)
{
	if (fd < 0)
		return;
	gate_socket_closed(gate, fd);
	if ((guint)fd >= gate->sockets->len)
		g_array_set_size(gate->sockets, (guint)fd + 1);
	*socket_at(gate, fd) = (struct socket){ .open = true };
	gate->socket_count++;
	if (p)
		name_socket(gate, fd, p);
}

/* A packet that passed just now may be what the next socket of this port is opened for: its flow goes on. */
static void end_udp(struct gate *gate, struct socket *s)
{
	struct flow *f;

	while ((f = flow_at(gate->flows, s->flow)) != NULL) {
		gate_leave_socket(gate, f);
		if (f->used < gate->clock->now)
			flow_remove(gate->flows, f);
	}
	gate->udp_sockets[s->port] = 0;
}

static void end_tcp(struct gate *gate, const struct socket *s)
{
	struct flow *f = flow_at(gate->flows, s->flow);

	if (!f || f->id != s->id)
		return;
	flow_set_fd(gate->flows, f, -1);
	if (f->state != FLOW_CLOSED)
		flow_close(gate->flows, f);
}

void gate_socket_closed(struct gate *gate, int fd)
{
	struct socket *s = socket_at(gate, fd);

	if (!s || !s->open)
		return;
	gate->socket_count--;
	gate->ping_sockets -= s->protocol == IPPROTO_ICMP;
	if (s->protocol == IPPROTO_UDP)
		end_udp(gate, s);
	else if (s->protocol == IPPROTO_TCP)
		end_tcp(gate, s);
	*s = (struct socket){ .open = false };
}

void gate_note_finished(struct gate *gate, struct flow *f)
{
	struct finishing entry = { .id = f->id, .flow = flow_index(gate->flows, f) };

	if (f->finishing || f->fd < 0 || !flow_is_finished(f))
		return;
	f->finishing = true;
	g_array_append_val(gate->finishing, entry);
}

/* The TCP connection that FD belongs to, where it is one of the peer's, or NULL. */
static const struct flow *tcp_flow(const struct gate *gate, int fd)
{
	const struct socket *s = socket_at(gate, fd);
	const struct flow *f = s && s->protocol == IPPROTO_TCP ? flow_at(gate->flows, s->flow) : NULL;

	return f && f->id == s->id ? f : NULL;
}

bool gate_socket_finished(const struct gate *gate, int fd)
{
	const struct flow *f = tcp_flow(gate, fd);

	return f && f->finishing;
}

static void set_backlog(struct gate *gate, struct flow *f, bool backlog)
{
	gate->backlogs += (unsigned)backlog - (unsigned)f->backlog;
	if (backlog || f->backlog)
		f->backlog_at = gate->clock->now;
	f->backlog = backlog;
}

/* The segment that empties libslirp's buffer has PSH (RFC 9293 §3.9.1.2). */
void gate_note_backlog(struct gate *gate, struct flow *f, const struct packet *p)
{
	if (f->fd >= 0 && p->transport_len > p->tcp_header)
		set_backlog(gate, f, !(p->tcp_flags & (TCP_PSH | TCP_FIN | TCP_RST)));
}

void gate_end_backlog(struct gate *gate, struct flow *f)
{
	set_backlog(gate, f, false);
}

bool gate_may_read(const struct gate *gate, int fd)
{
	const struct flow *f = gate->backlogs > BACKLOGS_MAX ? tcp_flow(gate, fd) : NULL;

	return !f || f->packets_out > GREETING || gate->clock->now - f->opened > PATIENCE;
}

bool gate_is_light(const struct gate *gate, int fd)
{
	const struct socket *s = socket_at(gate, fd);
	const struct flow *f = tcp_flow(gate, fd);

	if (s && s->protocol == IPPROTO_UDP)
		return true;
	return f && !f->backlog && (f->backlog_at == 0 || gate->clock->now - f->backlog_at > HEAVY);
}

void gate_begin_round(struct gate *gate)
{
	gate->round++;
}

void gate_socket_drains(struct gate *gate, int fd)
{
	struct socket *s = socket_at(gate, fd);

	if (s)
		s->drains = gate->round;
}

/* Whether nothing more is to be done for it. */
static bool end_finishing(struct gate *gate, const struct finishing *entry)
{
	struct flow *f = flow_at(gate->flows, entry->flow);
	const struct socket *s = f && f->id == entry->id ? socket_at(gate, f->fd) : NULL;

	if (!s)
		return true;
	if (s->drains == gate->round)
		return false;
	flow_end(gate->flows, f, RESET_SLIRP);
	return true;
}

void gate_end_round(struct gate *gate)
{
	for (guint i = gate->finishing->len; i-- > 0;)
		if (end_finishing(gate, &g_array_index(gate->finishing, struct finishing, i)))
			g_array_remove_index_fast(gate->finishing, i);
}

int gate_next_proxied(const struct gate *gate, unsigned *pos, uint32_t *addr, uint16_t *port)
{
	while (*pos < gate->sockets->len) {
		int fd = (int)(*pos)++;
		const struct flow *f = tcp_flow(gate, fd);

		if (!f || f->kind != FLOW_PROXY)
			continue;
		*addr = flow_v4(&f->name[FLOW_OUTER].far.addr);
		*port = f->name[FLOW_OUTER].far.port;
		return fd;
	}
	return -1;
}
