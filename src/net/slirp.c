/* The backend `slirp`: NAT in userspace by libslirp, from 4.6.1 on. The session calls it through net_slirp.
 *
 * Theory of operation
 *
 * There is one Slirp for the life of the process, with addresses of its own; gate.c translates, and decides what passes. libslirp
 * speaks Ethernet: a header is written into the room before each packet, and its ARP requests are answered with the peer's made-up
 * address. That happens within slirp_input() or slirp_pollfds_poll(): an ARP answer only fills a table, so it may be given at once,
 * but the packet that waited for it leaves with the next slirp_pollfds_poll(): `kick` asks for one.
 *
 * Segments of one TCP flow that came in one round of the loop are put together: each segment that libslirp is given costs a send()
 * and an acknowledgement. They are given at the end of the round; the session's own flusher was added later, and runs later.
 *
 * libslirp reads a socket when, and only when, get_revents() says so. Held, sockets are polled for writing alone; while the link is
 * down, listeners are not polled, so that connections wait in their backlog.
 *
 * It would be woken twice a second while it has a listener. Its timers serve TCP conversations and sockets that expire (no datagram
 * waits in it for fragments: the gate lets none pass): without any socket but the forwards' own there is nothing to wake up for.
 *
 * A peer that stays away does not come back for its connections: they are ended after a while. When there are none at all any more,
 * what they took is given back to the system. */
#include "net/net.h"

#include <libslirp.h>

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "log.h"
#include "net/gate.h"
#include "net/merge.h"
#include "net/segment.h"
#include "writer.h"

#define ETHERNET_HEADER 14
#define ETHERNET_ADDR 6
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ARP_PACKET 28
#define MMAP_THRESHOLD (64 * 1024)
#define BACKLOG 512
#define MERGED_MAX (32 * 1024) /* less than MMAP_THRESHOLD with libslirp's headers */
#define DESCRIPTORS_KEPT 64 /* for everything else */
#define STALE CLOCK_SECOND /* how old libslirp's own reading of the clock may be when it is given a packet */
#define DEPARTED (120 * CLOCK_SECOND)
#define TRIM_AFTER (5 * CLOCK_SECOND)

#if SLIRP_CHECK_VERSION(4, 7, 0)
#define CONFIG_VERSION 4
#else
#define CONFIG_VERSION 3
#endif

#if SLIRP_CHECK_VERSION(4, 9, 0)
#define pollfds_fill slirp_pollfds_fill_socket
#else
#define pollfds_fill slirp_pollfds_fill
#endif

struct slirp_net {
	struct net net;
	const struct config *config;
	struct loop *loop;
	const struct net_events *events;
	void *arg;
	Slirp *slirp;
	struct gate *gate;
	struct poller poller;
	struct flusher flusher;
	struct merge *merge;
	uint16_t mtu; /* the link's */
	bool up, held, kick;
	uint64_t polled_at; /* when libslirp read the clock last */
	GArray *listeners; /* descriptors of the TCP forwards */
	unsigned conversations_max;
	struct timer departed, trim;
	struct policy_host *host;
	const struct packet *input; /* what libslirp is given right now */

	/* The set of one round: libslirp's index N is at FDS[PLACES[N]], or nowhere (-1). */
	GArray *fds;    /* of GPollFD, the loop's; ours begin at FIRST */
	guint first;
	GArray *places; /* of int */
	const GPollFD *ready;

	uint8_t buffer[IPV4_PACKET_MAX];
};

static const uint8_t peer_ethernet[ETHERNET_ADDR] = { 0x52, 0x54, 0x00, 0x50, 0x50, 0x50 };
static const uint8_t our_ethernet[ETHERNET_ADDR] = { 0x52, 0x55, 0xf0, 0x00, 0x00, 0x01 };

static void emit(void *arg, const uint8_t *packet, size_t len)
{
	struct slirp_net *s = arg;

	s->events->packet(s->arg, packet, len);
}

static void write_ethernet(struct writer *w, uint16_t type)
{
	writer_bytes(w, our_ethernet, ETHERNET_ADDR);
	writer_bytes(w, peer_ethernet, ETHERNET_ADDR);
	writer_u16(w, type);
}

/* Tells libslirp that ADDR (network order, as it stands in its request) is the peer's. */
static void answer_arp(struct slirp_net *s, const uint8_t addr[4])
{
	uint8_t frame[ETHERNET_HEADER + ARP_PACKET];
	struct writer w = writer_new(frame, sizeof(frame));

	write_ethernet(&w, ETHERTYPE_ARP);
	writer_u16(&w, 1);
	writer_u16(&w, ETHERTYPE_IPV4);
	writer_u16(&w, ETHERNET_ADDR << 8 | 4);
	writer_u16(&w, 2);
	writer_bytes(&w, peer_ethernet, ETHERNET_ADDR);
	writer_bytes(&w, addr, 4);
	writer_bytes(&w, our_ethernet, ETHERNET_ADDR);
	writer_u32(&w, GATE_HOST);
	slirp_input(s->slirp, frame, (int)sizeof(frame));
	s->kick = true;
}

static void arp_request(struct slirp_net *s, const uint8_t *arp, size_t len)
{
	static const unsigned TARGET = 24;

	if (len >= ARP_PACKET)
		answer_arp(s, arp + TARGET);
}

static void packet_out(struct slirp_net *s, const uint8_t *packet, size_t len)
{
	struct packet p;

	if (len > sizeof(s->buffer))
		return;
	memcpy(s->buffer, packet, len);
	if (gate_to_peer(s->gate, s->buffer, len, &p))
		segment_fragment(&p, s->mtu, emit, s);
}

static ssize_t send_packet(const void *frame, size_t len, void *opaque)
{
	struct slirp_net *s = opaque;
	const uint8_t *bytes = frame;

	if (len < ETHERNET_HEADER)
		return (ssize_t)len;
	unsigned type = (unsigned)bytes[12] << 8 | bytes[13];
	if (type == ETHERTYPE_ARP)
		arp_request(s, bytes + ETHERNET_HEADER, len - ETHERNET_HEADER);
	else if (type == ETHERTYPE_IPV4)
		packet_out(s, bytes + ETHERNET_HEADER, len - ETHERNET_HEADER);
	return (ssize_t)len;
}

static void guest_error(const char *msg, void *opaque)
{
	(void)opaque;
	log_dbg("libslirp: %s", msg);
}

static int64_t clock_get_ns(void *opaque)
{
	struct slirp_net *s = opaque;

	return (int64_t)(loop_clock(s->loop)->now * 1000);
}

static void register_poll_fd(int fd, void *opaque)
{
	struct slirp_net *s = opaque;

	gate_socket_opened(s->gate, fd, s->input);
}

static void unregister_poll_fd(int fd, void *opaque)
{
	struct slirp_net *s = opaque;

	gate_socket_closed(s->gate, fd);
	if (gate_sockets(s->gate) == 0)
		timer_set(&s->trim, TRIM_AFTER);
}

static void notify(void *opaque)
{
	(void)opaque; /* the next round of the loop asks for a fresh set anyway */
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = clock_get_ns,
	.register_poll_fd = register_poll_fd,
	.unregister_poll_fd = unregister_poll_fd,
	.notify = notify,
};

static bool is_listener(const struct slirp_net *s, int fd)
{
	for (guint i = 0; i < s->listeners->len; i++)
		if (g_array_index(s->listeners, int, i) == fd)
			return true;
	return false;
}

static gushort poll_events(int slirp_events)
{
	int events = 0;

	events |= slirp_events & SLIRP_POLL_IN ? G_IO_IN : 0;
	events |= slirp_events & SLIRP_POLL_OUT ? G_IO_OUT : 0;
	events |= slirp_events & SLIRP_POLL_PRI ? G_IO_PRI : 0;
	return (gushort)events;
}

static int slirp_revents(gushort revents)
{
	int events = 0;

	events |= revents & G_IO_IN ? SLIRP_POLL_IN : 0;
	events |= revents & G_IO_OUT ? SLIRP_POLL_OUT : 0;
	events |= revents & G_IO_PRI ? SLIRP_POLL_PRI : 0;
	events |= revents & G_IO_ERR ? SLIRP_POLL_ERR : 0;
	events |= revents & G_IO_HUP ? SLIRP_POLL_HUP : 0;
	return events;
}

/* What of EVENTS is wanted now. A socket of which nothing is wanted must not be polled at all: hang-ups are always reported. */
static int wanted(const struct slirp_net *s, int fd, int events)
{
	if (is_listener(s, fd))
		return s->up && gate_sockets(s->gate) < s->conversations_max ? events : 0;
	return s->held ? events & SLIRP_POLL_OUT : events;
}

static int add_poll(int fd, int events, void *opaque)
{
	struct slirp_net *s = opaque;
	int place = -1;

	events = wanted(s, fd, events);
	if (events) {
		GPollFD poll = { .fd = fd, .events = poll_events(events) };

		place = (int)(s->fds->len - s->first);
		g_array_append_val(s->fds, poll);
	}
	g_array_append_val(s->places, place);
	return (int)s->places->len - 1;
}

static int get_revents(int index, void *opaque)
{
	struct slirp_net *s = opaque;

	if (index < 0 || (guint)index >= s->places->len)
		return 0;
	int place = g_array_index(s->places, int, index);
	if (place < 0)
		return 0;
	int events = slirp_revents(s->ready[place].revents);
	/* Held since the set was made: what was asked for then is not wanted any more. */
	return s->held && !is_listener(s, s->ready[place].fd) ? events & (SLIRP_POLL_OUT | SLIRP_POLL_ERR) : events;
}

static void fill(void *arg, GArray *fds, int *timeout_ms)
{
	struct slirp_net *s = arg;
	uint32_t timeout = *timeout_ms < 0 ? UINT32_MAX : (uint32_t)*timeout_ms;

	s->fds = fds;
	s->first = fds->len;
	g_array_set_size(s->places, 0);
	pollfds_fill(s->slirp, &timeout, add_poll, s);
	s->fds = NULL;
	if (s->kick)
		*timeout_ms = 0;
	else if (gate_sockets(s->gate) > 0)
		*timeout_ms = (int)MIN(timeout, (uint32_t)G_MAXINT);
}

static void done(void *arg, const GPollFD *fds, unsigned n, bool failed)
{
	struct slirp_net *s = arg;

	(void)n;
	s->kick = false;
	s->ready = fds;
	s->polled_at = loop_clock(s->loop)->now;
	slirp_pollfds_poll(s->slirp, failed, get_revents, s);
	s->ready = NULL;
}

/* libslirp reads the clock in slirp_pollfds_poll() alone. A socket that it opens with an old reading would expire at once. */
static void freshen_clock(struct slirp_net *s)
{
	uint64_t now = loop_clock(s->loop)->now;

	if (now - s->polled_at < STALE)
		return;
	s->polled_at = now;
	slirp_pollfds_poll(s->slirp, 1, get_revents, s);
}

/* A packet that the gate let pass, or several put together, with room for a header before it. */
static void packet_in(void *arg, struct packet *p, size_t mss)
{
	struct slirp_net *s = arg;
	uint8_t *frame = p->data - ETHERNET_HEADER;
	struct writer w = writer_new(frame, ETHERNET_HEADER);

	if (mss > 0)
		packet_complete_checksum(p);
	write_ethernet(&w, ETHERTYPE_IPV4);
	freshen_clock(s);
	s->input = p;
	slirp_input(s->slirp, frame, (int)(p->len + ETHERNET_HEADER));
	s->input = NULL;
}

static void end_conversations(struct slirp_net *s)
{
	uint8_t buf[ETHERNET_HEADER + REPLY_MAX];
	struct packet p;
	size_t len;

	while ((len = gate_next_reset(s->gate, buf + ETHERNET_HEADER)) > 0)
		if (packet_parse(&p, buf + ETHERNET_HEADER, len))
			packet_in(s, &p, 0);
}

static void peer_departed(void *arg)
{
	struct slirp_net *s = arg;

	gate_end_conversations(s->gate);
	end_conversations(s);
}

/* Many small segments out of order leave many small pieces of memory, free but kept. */
static void trim_memory(void *arg)
{
	struct slirp_net *s = arg;

	(void)s;
#ifdef __GLIBC__
	if (gate_sockets(s->gate) == 0)
		malloc_trim(0);
#endif
}

static void flush(void *arg)
{
	struct slirp_net *s = arg;

	merge_flush(s->merge);
}

static Slirp *make_slirp(struct slirp_net *s)
{
	SlirpConfig config = {
		.version = CONFIG_VERSION,
		.in_enabled = true,
		.vnetwork.s_addr = htonl(GATE_NETWORK),
		.vnetmask.s_addr = htonl(GATE_NETMASK),
		.vhost.s_addr = htonl(GATE_HOST),
		.vnameserver.s_addr = htonl(GATE_RESOLVER),
		.vdhcp_start.s_addr = htonl(GATE_PEER),
		.if_mtu = s->config->lcp.mtu ? s->config->lcp.mtu : CONFIG_DEFAULT_MRU,
		.if_mru = s->config->lcp.mru,
		.disable_host_loopback = true,
	};

#if SLIRP_CHECK_VERSION(4, 7, 0)
	config.disable_dhcp = true;
#endif
	return slirp_new(&config, &callbacks, s);
}

static struct sockaddr_in socket_address(uint32_t addr, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(addr), .sin_port = htons(port) };
}

static bool add_forward(struct slirp_net *s, const struct forward *f)
{
	struct sockaddr_in here = socket_address(f->bind, f->port);
	struct sockaddr_in there = socket_address(f->host ? f->host : GATE_PEER, f->host_port);
	bool udp = f->protocol == CONFIG_UDP;
	char bind[INET_ADDRSTRLEN];

	if (slirp_add_hostxfwd(s->slirp, (struct sockaddr *)&here, sizeof(here), (struct sockaddr *)&there, sizeof(there),
			       udp ? SLIRP_HOSTFWD_UDP : 0) == 0)
		return true;
	int error = errno;
	log_error("forward %s%u:%u: cannot listen on %s:%u: %s", udp ? "udp:" : "", f->port, f->host_port,
		  inet_ntop(AF_INET, &here.sin_addr, bind, sizeof(bind)), f->port, g_strerror(error));
	return false;
}

/* Right after the forwards were made, libslirp has no sockets but theirs. It gives its listeners a backlog of 1, with which a burst
 * of connections stalls; listening once more on the same descriptor is how to raise it. */
static void learn_listeners(struct slirp_net *s)
{
	GArray *fds = g_array_new(FALSE, FALSE, sizeof(GPollFD));
	int timeout_ms = -1;

	fill(s, fds, &timeout_ms);
	for (guint i = 0; i < fds->len; i++) {
		int fd = g_array_index(fds, GPollFD, i).fd;
		int listens = 0;
		socklen_t len = sizeof(listens);

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 || !listens)
			continue;
		listen(fd, BACKLOG);
		g_array_append_val(s->listeners, fd);
	}
	g_array_free(fds, TRUE);
}

static bool open_forwards(struct slirp_net *s)
{
	const GArray *forwards = s->config->net.forwards;

	for (guint i = 0; forwards && i < forwards->len; i++)
		if (!add_forward(s, &g_array_index(forwards, struct forward, i)))
			return false;
	learn_listeners(s);
	return true;
}

static void slirp_close(struct net *net)
{
	struct slirp_net *s = (struct slirp_net *)net;

	loop_remove_flusher(s->loop, &s->flusher);
	loop_remove_poller(s->loop, &s->poller);
	merge_free(s->merge);
	slirp_cleanup(s->slirp);
	timer_stop(&s->departed);
	timer_stop(&s->trim);
	gate_free(s->gate);
	policy_host_free(s->host);
	g_array_free(s->listeners, TRUE);
	g_array_free(s->places, TRUE);
	g_free(s);
}

/* libslirp takes 128 KiB for each direction of a connection. With glibc's moving threshold the first ones freed would raise it,
 * and the memory of later ones would stay with the process for good. */
static void fix_malloc(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
#endif
}

/* Without a descriptor left, accept() fails and the listener stays readable for ever: connections wait in the backlog instead. */
static unsigned descriptors_for_conversations(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < 2 * DESCRIPTORS_KEPT)
		return DESCRIPTORS_KEPT;
	return (unsigned)MIN(limit.rlim_cur - DESCRIPTORS_KEPT, G_MAXINT);
}

static struct net *slirp_open(const struct config *config, struct loop *loop, const struct net_events *events, void *arg)
{
	struct slirp_net *s = g_new0(struct slirp_net, 1);

	fix_malloc();
	s->net.ops = &net_slirp;
	s->config = config;
	s->loop = loop;
	s->events = events;
	s->arg = arg;
	s->conversations_max = descriptors_for_conversations();
	s->listeners = g_array_new(FALSE, FALSE, sizeof(int));
	s->places = g_array_new(FALSE, FALSE, sizeof(int));
	s->host = policy_host_new();
	s->gate = gate_new(config, loop_clock(loop), g_random_int(), s->host);
	gate_limit_flows(s->gate, s->conversations_max - s->conversations_max / 4);
	timer_init(&s->departed, loop_clock(loop), peer_departed, s);
	timer_init(&s->trim, loop_clock(loop), trim_memory, s);
	s->slirp = make_slirp(s);
	s->poller = (struct poller){ .fill = fill, .done = done, .arg = s };
	s->flusher = (struct flusher){ .flush = flush, .arg = s };
	s->merge = merge_new(MERGED_MAX, packet_in, s);
	loop_add_poller(loop, &s->poller);
	loop_add_flusher(loop, &s->flusher);
	if (!open_forwards(s)) {
		slirp_close(&s->net);
		return NULL;
	}
	return &s->net;
}

static bool slirp_up(struct net *net, const struct net_link *link)
{
	struct slirp_net *s = (struct slirp_net *)net;

	s->mtu = link->mtu;
	s->up = true;
	timer_stop(&s->departed);
	gate_set_link(s->gate, link);
	end_conversations(s);
	return true;
}

static void slirp_down(struct net *net)
{
	struct slirp_net *s = (struct slirp_net *)net;

	s->up = false;
	gate_set_link(s->gate, NULL);
	timer_set(&s->departed, DEPARTED);
}

static void slirp_packet(struct net *net, uint8_t *packet, size_t len)
{
	struct slirp_net *s = (struct slirp_net *)net;
	struct packet p;
	enum gate_verdict verdict = gate_from_peer(s->gate, packet, len, &p);

	if (verdict == GATE_ANSWER) {
		const uint8_t *answer = gate_answer(s->gate, &len);

		if (len <= s->mtu)
			emit(s, answer, len);
	}
	if (verdict == GATE_PASS && !merge_add(s->merge, &p))
		packet_in(s, &p, 0);
}

static void slirp_hold(struct net *net, bool hold)
{
	((struct slirp_net *)net)->held = hold;
}

static const char *slirp_ifname(const struct net *net)
{
	(void)net;
	return NULL;
}

const struct net_backend_ops net_slirp = {
	.name = "slirp",
	.open = slirp_open,
	.close = slirp_close,
	.up = slirp_up,
	.down = slirp_down,
	.input = slirp_packet,
	.hold = slirp_hold,
	.ifname = slirp_ifname,
};
