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
 * libslirp sends on each connection as much as the peer says that it takes, and many connections at once would flood the queue in front of
 * the line; what is lost there, libslirp repeats a second later. So the windows that it sees are no more, all together, than the queue
 * holds. (They are not scaled: it does not know that option.)
 *
 * A peer that stays away does not come back for its connections: they are ended after a while. When most of them are gone, what they took
 * is given back to the system. */
#include "net/slirp_backend.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "log.h"
#include "net/checksum.h"
#include "net/pump.h"
#include "net/segment.h"
#include "reader.h"
#include "writer.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ARP_PACKET 28
#define TCP_WINDOW 14 /* where it stands in the header, before the checksum */
#define MMAP_THRESHOLD (64 * 1024)
#define HEAP_PAD (16 * 1024)
#define MERGED_MAX (32 * 1024) /* less than MMAP_THRESHOLD with libslirp's headers */
#define DESCRIPTORS_KEPT 64 /* for everything else */
#define WINDOWS_MAX (2800u * 1024) /* of all connections together, or a second of the line; session's queue has room for it */
#define WINDOW_MIN 2920u          /* of each: two segments */
#define DEPARTED (120 * CLOCK_SECOND)
#define TRIM_AFTER (5 * CLOCK_SECOND)

#if SLIRP_CHECK_VERSION(4, 7, 0)
#define CONFIG_VERSION 4
#else
#define CONFIG_VERSION 3
#endif

static const uint8_t peer_ethernet[ETHERNET_ADDR] = { 0x52, 0x54, 0x00, 0x50, 0x50, 0x50 };
static const uint8_t our_ethernet[ETHERNET_ADDR] = { 0x52, 0x55, 0xf0, 0x00, 0x00, 0x01 };

static void emit(void *arg, const uint8_t *packet, size_t len)
{
	struct slirp_net *s = arg;

	s->events->packet(s->arg, packet, len);
}

void slirp_to_peer(struct slirp_net *s, const uint8_t *packet, size_t len)
{
	emit(s, packet, len);
}

void slirp_write_ethernet(struct writer *w, uint16_t type)
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

	slirp_write_ethernet(&w, ETHERTYPE_ARP);
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

void slirp_know_address(struct slirp_net *s, uint32_t addr)
{
	uint8_t bytes[4];
	struct writer w = writer_new(bytes, sizeof(bytes));

	writer_u32(&w, addr);
	answer_arp(s, bytes);
}

static void arp_request(struct slirp_net *s, const uint8_t *arp, size_t len)
{
	static const unsigned TARGET = 24;

	if (len >= ARP_PACKET)
		answer_arp(s, arp + TARGET);
}

/* libslirp 4.7 answers a reset of a connection that it no longer knows with another, and two of them never come to an end
 * (RFC 9293 §3.10.7.1). */
bool slirp_answers_reset(const struct slirp_net *s, const struct packet *p)
{
	return s->input && s->input->tcp_flags & TCP_RST && p->protocol == IPPROTO_TCP && p->tcp_flags & TCP_RST;
}

static void packet_out(struct slirp_net *s, const uint8_t *packet, size_t len)
{
	struct packet p;

	if (len > sizeof(s->buffer))
		return;
	memcpy(s->buffer, packet, len);
	if (gate_to_peer(s->gate, s->buffer, len, &p) && !slirp_answers_reset(s, &p))
		segment_fragment(&p, s->link.mtu, emit, s);
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
	else if (type == ETHERTYPE_IPV6)
		slirp6_packet_out(s, bytes + ETHERNET_HEADER, len - ETHERNET_HEADER);
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
	s->peak = MAX(s->peak, gate_sockets(s->gate));
	if (!s->input)
		dialer_accepted(s->dialer, fd);
}

static void unregister_poll_fd(int fd, void *opaque)
{
	struct slirp_net *s = opaque;

	if (s->resetting && !gate_socket_finished(s->gate, fd))
		pump_close_resets(fd);
	gate_socket_closed(s->gate, fd);
	if (gate_sockets(s->gate) <= s->peak / 2 && !s->trim.armed)
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
	.timer_new = slirp6_timer_new,
	.timer_free = slirp6_timer_free,
	.timer_mod = slirp6_timer_mod,
	.register_poll_fd = register_poll_fd,
	.unregister_poll_fd = unregister_poll_fd,
	.notify = notify,
};

/* A packet that the gate let pass, or several put together, with room for a header before it. */
static void packet_in(void *arg, struct packet *p, size_t mss)
{
	struct slirp_net *s = arg;
	uint8_t *frame = p->data - ETHERNET_HEADER;
	struct writer w = writer_new(frame, ETHERNET_HEADER);

	if (mss > 0)
		packet_complete_checksum(p);
	slirp_write_ethernet(&w, p->v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
	slirp_freshen_clock(s);
	s->input = p;
	slirp_input(s->slirp, frame, (int)(p->len + ETHERNET_HEADER));
	s->input = NULL;
}

void slirp_answer_peer(struct slirp_net *s, const uint8_t *packet, size_t len)
{
	if (s->up && len <= s->link.mtu)
		emit(s, packet, len);
}

static void end_conversations(struct slirp_net *s)
{
	uint8_t buf[ETHERNET_HEADER + REPLY_MAX];
	struct packet p;
	bool to_peer;
	size_t len;

	s->resetting = true;
	while ((len = gate_next_reset(s->gate, buf + ETHERNET_HEADER, &to_peer)) > 0) {
		if (to_peer)
			slirp_answer_peer(s, buf + ETHERNET_HEADER, len);
		else if (packet_parse(&p, buf + ETHERNET_HEADER, len) || packet_parse6(&p, buf + ETHERNET_HEADER, len))
			packet_in(s, &p, 0);
	}
	s->resetting = false;
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

	s->peak = gate_sockets(s->gate);
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

static void flush(void *arg)
{
	struct slirp_net *s = arg;

	merge_flush(s->merge);
	end_conversations(s);
	dialer_flush(s->dialer);
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
	slirp6_configure(&config);
	return slirp_new(&config, &callbacks, s);
}

static bool proxied_destination(void *arg, uint16_t client_port, uint32_t *addr, uint16_t *port)
{
	const struct slirp_net *s = arg;
	unsigned pos = 0;
	int fd;

	while ((fd = gate_next_proxied(s->gate, &pos, addr, port)) >= 0) {
		struct sockaddr_in here;
		socklen_t len = sizeof(here);

		if (getsockname(fd, (struct sockaddr *)&here, &len) == 0 && ntohs(here.sin_port) == client_port)
			return true;
	}
	return false;
}

static bool open_proxy(struct slirp_net *s)
{
	const char *url = s->config->net.proxy;

	if (!url)
		return true;
	s->proxy = proxy_new(s->loop, url, proxied_destination, s);
	if (!s->proxy)
		return false;
	gate_set_proxy(s->gate, proxy_port(s->proxy));
	return true;
}

static bool open_socks(struct slirp_net *s)
{
	if (s->config->net.socks->len == 0)
		return true;
	s->socks = socks_new(&s->config->net, s->loop, s->dialer);
	return s->socks != NULL;
}

static bool open_forwards(struct slirp_net *s)
{
	char *why = NULL;

	if (slirp_set_forwards(s, s->config->net.forwards, &why))
		return true;
	log_error("%s", why);
	g_free(why);
	return false;
}

static void slirp_close(struct net *net)
{
	struct slirp_net *s = (struct slirp_net *)net;

	if (s->socks)
		socks_free(s->socks);
	if (s->proxy)
		proxy_free(s->proxy);
	dialer_free(s->dialer);
	loop_remove_flusher(s->loop, &s->flusher);
	loop_remove_poller(s->loop, &s->poller);
	merge_free(s->merge);
	slirp_cleanup(s->slirp);
	timer_stop(&s->departed);
	timer_stop(&s->trim);
	timer_stop(&s->advertise);
	gate_free(s->gate);
	policy_host_free(s->host);
	g_array_free(s->forwards, TRUE);
	g_array_free(s->listeners, TRUE);
	g_array_free(s->places, TRUE);
	g_free(s);
}

/* libslirp takes 128 KiB for each direction of a connection, and a little more once it knows the segments' size. With glibc's moving
 * threshold the first ones freed would raise it, and the memory of later ones would stay with the process for good. Where the heap has
 * room for the first piece at its end it is there, and all of it is copied, and so touched, when it grows: no such room is kept. Huge
 * pages would be there as a whole, too. */
static void fix_malloc(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
	mallopt(M_TRIM_THRESHOLD, MMAP_THRESHOLD);
	mallopt(M_TOP_PAD, HEAP_PAD);
#endif
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

/* Without a descriptor left, accept() fails and the listener stays readable for ever: connections wait in the backlog instead. */
static unsigned descriptors_for_conversations(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return DESCRIPTORS_KEPT;
	if (limit.rlim_cur < 2 * DESCRIPTORS_KEPT)
		return (unsigned)limit.rlim_cur / 2;
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
	s->forwards = g_array_new(FALSE, FALSE, sizeof(struct forward));
	s->listeners = g_array_new(FALSE, FALSE, sizeof(int));
	s->places = g_array_new(FALSE, FALSE, sizeof(int));
	s->host = policy_host_new();
	s->gate = gate_new(config, loop_clock(loop), g_random_int(), s->host);
	gate_limit_flows(s->gate, s->conversations_max - s->conversations_max / 4);
	timer_init(&s->departed, loop_clock(loop), peer_departed, s);
	timer_init(&s->trim, loop_clock(loop), trim_memory, s);
	slirp6_init(s);
	s->slirp = make_slirp(s);
	s->poller = (struct poller){ .fill = slirp_fill, .done = slirp_done, .arg = s };
	s->flusher = (struct flusher){ .flush = flush, .arg = s };
	s->merge = merge_new(MERGED_MAX, packet_in, s);
	loop_add_poller(loop, &s->poller);
	loop_add_flusher(loop, &s->flusher);
	s->dialer = dialer_new(s);
	if (!open_forwards(s) || !open_socks(s) || !open_proxy(s)) {
		slirp_close(&s->net);
		return NULL;
	}
	return &s->net;
}

static bool slirp_up(struct net *net, const struct net_link *link)
{
	struct slirp_net *s = (struct slirp_net *)net;

	s->link = *link;
	s->up = true;
	timer_stop(&s->departed);
	gate_set_link(s->gate, link);
	end_conversations(s);
	slirp6_link(s, true);
	return true;
}

static void slirp_down(struct net *net)
{
	struct slirp_net *s = (struct slirp_net *)net;

	s->up = false;
	slirp6_link(s, false);
	gate_set_link(s->gate, NULL);
	dialer_link_down(s->dialer);
	timer_set(&s->departed, DEPARTED);
}

/* Lowers the window that the TCP packet P offers (RFC 9293 §3.1) to its share of what may be under way. */
static void share_window(const struct slirp_net *s, struct packet *p)
{
	unsigned all = s->link.rate > 0 ? MIN(s->link.rate, WINDOWS_MAX) : WINDOWS_MAX;
	unsigned share = MAX(all / MAX(gate_sockets(s->gate), 1), WINDOW_MIN);
	struct reader r = reader_new(p->data + p->header + TCP_WINDOW, TCP_HEADER - TCP_WINDOW);
	uint16_t window = reader_u16(&r);
	uint16_t check = reader_u16(&r);

	if (window <= share)
		return;
	struct writer w = writer_new(p->data + p->header + TCP_WINDOW, TCP_HEADER - TCP_WINDOW);
	writer_u16(&w, (uint16_t)share);
	writer_u16(&w, checksum_replace16(check, window, (uint16_t)share));
}

static void slirp_packet(struct net *net, uint8_t *packet, size_t len)
{
	struct slirp_net *s = (struct slirp_net *)net;
	struct packet p;
	bool v6 = len > 0 && packet[0] >> 4 == 6;
	enum gate_verdict verdict = v6 ? gate6_from_peer(s->gate, packet, len, &p) : gate_from_peer(s->gate, packet, len, &p);

	if (verdict == GATE_ANSWER) {
		const uint8_t *answer = gate_answer(s->gate, &len);

		slirp_answer_peer(s, answer, len);
	}
	if (verdict == GATE_OURS)
		dialer_datagram(s->dialer, &p);
	if (verdict == GATE_PASS && p.protocol == IPPROTO_TCP)
		share_window(s, &p);
	if (verdict == GATE_PASS && (v6 || !merge_add(s->merge, &p)))
		packet_in(s, &p, 0);
}

static void slirp_hold(struct net *net, bool hold)
{
	((struct slirp_net *)net)->held = hold;
}

static void slirp_counters(const struct net *net, struct net_counters *counters)
{
	gate_counters(((const struct slirp_net *)net)->gate, counters);
}

static void slirp_flows(const struct net *net, net_flow_fn *fn, void *arg)
{
	gate_flows(((const struct slirp_net *)net)->gate, fn, arg);
}

static bool slirp_drop_flow(struct net *net, uint64_t id)
{
	struct slirp_net *s = (struct slirp_net *)net;
	bool found = gate_drop_flow(s->gate, id);

	end_conversations(s);
	return found;
}

/* What passes through one server's ports cannot be told apart: the first shows it all. */
static void socks_doors(const struct slirp_net *s, net_door_fn *fn, void *arg)
{
	const GArray *addresses = s->config->net.socks;

	for (guint i = 0; s->socks && i < addresses->len; i++) {
		const struct listen_address *address = &g_array_index(addresses, struct listen_address, i);
		bool ipv6 = strchr(address->host, ':') != NULL;
		struct net_door door = { .refused = i == 0 ? socks_refused(s->socks) : 0 };

		g_snprintf(door.spec, sizeof(door.spec), ipv6 ? "[%s]:%u" : "%s:%u", address->host, address->port);
		if (i == 0)
			gate_count_kind(s->gate, FLOW_SOCKS, &door);
		fn(arg, &door);
	}
}

static void slirp_doors(const struct net *net, enum net_door_kind kind, net_door_fn *fn, void *arg)
{
	const struct slirp_net *s = (const struct slirp_net *)net;

	if (kind == DOOR_SERVICE)
		gate_services(s->gate, fn, arg);
	else if (kind == DOOR_FORWARD)
		slirp_forward_doors(s, fn, arg);
	else
		socks_doors(s, fn, arg);
}

static bool slirp_configure(struct net *net, const struct net_config *config, char **why)
{
	struct slirp_net *s = (struct slirp_net *)net;

	if (!slirp_set_forwards(s, config->forwards, why))
		return false;
	gate_configure(s->gate, config);
	end_conversations(s);
	return true;
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
	.counters = slirp_counters,
	.flows = slirp_flows,
	.drop_flow = slirp_drop_flow,
	.doors = slirp_doors,
	.configure = slirp_configure,
};
