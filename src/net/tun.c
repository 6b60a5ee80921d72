/* The backend `tun`: packets go to a TUN interface, and the kernel does the rest. The session calls it through net_tun.
 *
 * Theory of operation
 *
 * One system call a packet is what would keep this slow. Where the kernel offers it, a read brings up to 64 KB of TCP as one
 * packet, which is cut here, and segments from the peer are put together before they are written (virtio's header before each
 * packet says what is left to do, linux/virtio_net.h). What was put together is written at the end of the loop's round. */
#include "net/net.h"

#include <errno.h>
#include <glib.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "net/merge.h"
#include "net/segment.h"
#include "net/tun_guard.h"
#include "net/tun_link.h"

#define READS_PER_ROUND 64
#define TCP_CHECKSUM_AT 16

struct tun_net {
	struct net net;
	struct loop *loop;
	const struct net_events *events;
	void *arg;
	struct tun_link *link;
	int fd; /* the link's */
	size_t vnet_header; /* bytes before each packet: sizeof(struct virtio_net_hdr), or 0 */
	struct poller poller;
	struct flusher flusher;
	struct merge *merge;
	struct tun_guard *guard;
	bool up, held;
	uint64_t identifier; /* of the interface's link-local address; 0: IPv6 is down */
	uint16_t mtu;
	uint8_t buffer[sizeof(struct virtio_net_hdr) + IPV4_PACKET_MAX];
};

static void emit(void *arg, const uint8_t *packet, size_t len)
{
	struct tun_net *t = arg;

	if (t->up)
		t->events->packet(t->arg, packet, len);
}

/* The payload that segments of a large packet have: what the kernel says, unless the link takes less. */
static size_t segment_size(const struct tun_net *t, const struct packet *p, size_t gso_size)
{
	size_t headers = p->header + p->tcp_header;
	size_t room = t->mtu > headers ? t->mtu - headers : 1;

	return gso_size == 0 || gso_size > room ? room : gso_size;
}

/* The interface has the link's MTU, and asked for no large ones: it comes as it is to go. */
static void from_kernel6(struct tun_net *t, const struct virtio_net_hdr *h, uint8_t *data, size_t len)
{
	struct packet p;

	if (t->identifier == 0 || !packet_parse6(&p, data, len) || p.len > t->mtu)
		return;
	tun_guard_to_peer(t->guard, &p);
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && (p.protocol == IPPROTO_TCP || p.protocol == IPPROTO_UDP))
		packet_complete_checksum(&p);
	emit(t, p.data, p.len);
}

static void from_kernel(struct tun_net *t, const struct virtio_net_hdr *h, uint8_t *data, size_t len)
{
	struct packet p;

	if (len > 0 && data[0] >> 4 == 6) {
		from_kernel6(t, h, data, len);
		return;
	}
	if (!packet_parse(&p, data, len))
		return;
	tun_guard_to_peer(t->guard, &p);
	bool tcp = p.protocol == IPPROTO_TCP && !packet_is_fragment(&p);
	bool udp = p.protocol == IPPROTO_UDP && !packet_is_fragment(&p);
	if (tcp && (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) == VIRTIO_NET_HDR_GSO_TCPV4) {
		segment_tcp(&p, segment_size(t, &p, h->gso_size), emit, t);
		return;
	}
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && (tcp || udp))
		packet_complete_checksum(&p);
	segment_fragment(&p, t->mtu, emit, t);
}

/* False when there is nothing more to read. */
static bool read_one(struct tun_net *t)
{
	struct virtio_net_hdr h = { 0 };
	ssize_t n = read(t->fd, t->buffer, sizeof(t->buffer));

	if (n < (ssize_t)t->vnet_header || n <= 0)
		return n >= 0 || errno == EINTR;
	memcpy(&h, t->buffer, t->vnet_header);
	from_kernel(t, &h, t->buffer + t->vnet_header, (size_t)n - t->vnet_header);
	return true;
}

static void fill(void *arg, GArray *fds, int *timeout_ms)
{
	struct tun_net *t = arg;
	GPollFD poll = { .fd = t->fd, .events = G_IO_IN };

	(void)timeout_ms;
	if (t->up && !t->held)
		g_array_append_val(fds, poll);
}

static void done(void *arg, const GPollFD *fds, unsigned n, bool failed)
{
	struct tun_net *t = arg;

	if (failed || n == 0 || fds[0].revents == 0)
		return;
	for (unsigned i = 0; i < READS_PER_ROUND && t->up && !t->held; i++)
		if (!read_one(t))
			return;
}

/* Writes a packet that has room for virtio's header before it. What the kernel cannot take now is lost, as on any interface. */
static void to_kernel(struct tun_net *t, uint8_t *data, size_t len, const struct virtio_net_hdr *h)
{
	memcpy(data - t->vnet_header, h, t->vnet_header);
	if (write(t->fd, data - t->vnet_header, len + t->vnet_header) < 0 && errno != EAGAIN)
		log_dbg("%s: write: %m", tun_link_name(t->link));
}

static void write_merged(void *arg, struct packet *p, size_t mss)
{
	struct virtio_net_hdr h = { 0 };

	if (mss > 0) {
		h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		h.gso_size = (uint16_t)mss;
		h.hdr_len = (uint16_t)(p->header + p->tcp_header);
		h.csum_start = (uint16_t)p->header;
		h.csum_offset = TCP_CHECKSUM_AT;
	}
	to_kernel(arg, p->data, p->len, &h);
}

/* The packets that end connections, see tun_guard_next_reset(). */
static void end_connections(struct tun_net *t)
{
	const struct virtio_net_hdr h = { 0 };
	uint8_t buf[sizeof(h) + REPLY_MAX];
	uint8_t *packet = buf + sizeof(h);
	bool to_peer;
	size_t len;

	while ((len = tun_guard_next_reset(t->guard, packet, &to_peer)) > 0) {
		if (to_peer)
			emit(t, packet, len);
		else
			to_kernel(t, packet, len, &h);
	}
}

static void flush(void *arg)
{
	struct tun_net *t = arg;

	merge_flush(t->merge);
	end_connections(t);
}

static void tun_input(struct net *net, uint8_t *packet, size_t len)
{
	struct tun_net *t = (struct tun_net *)net;
	struct virtio_net_hdr h = { 0 };
	const uint8_t *answer;
	size_t answer_len;
	struct packet p;

	if (!t->up || (len > 0 && packet[0] >> 4 == 6 && t->identifier == 0))
		return;
	if (!tun_guard_from_peer(t->guard, packet, len, &p, &answer, &answer_len)) {
		if (answer_len > 0 && answer_len <= t->mtu)
			emit(t, answer, answer_len);
		return;
	}
	if (t->vnet_header > 0 && !p.v6 && merge_add(t->merge, &p))
		return;
	to_kernel(t, p.data, p.len, &h);
}

static struct net *tun_open(const struct config *config, struct loop *loop, const struct net_events *events, void *arg)
{
	struct tun_net *t = g_new0(struct tun_net, 1);

	t->net.ops = &net_tun;
	t->loop = loop;
	t->events = events;
	t->arg = arg;
	t->link = tun_link_open(&config->net);
	if (!t->link) {
		g_free(t);
		return NULL;
	}
	t->fd = tun_link_fd(t->link);
	t->vnet_header = tun_link_has_vnet_header(t->link) ? sizeof(struct virtio_net_hdr) : 0;
	t->guard = tun_guard_new(&config->net, loop_clock(loop), g_random_int());
	t->merge = merge_new(IPV4_PACKET_MAX, write_merged, t);
	t->poller = (struct poller){ .fill = fill, .done = done, .arg = t };
	t->flusher = (struct flusher){ .flush = flush, .arg = t };
	loop_add_poller(loop, &t->poller);
	loop_add_flusher(loop, &t->flusher);
	return &t->net;
}

static void tun_close(struct net *net)
{
	struct tun_net *t = (struct tun_net *)net;

	loop_remove_flusher(t->loop, &t->flusher);
	loop_remove_poller(t->loop, &t->poller);
	merge_free(t->merge);
	tun_guard_free(t->guard);
	tun_link_close(t->link);
	g_free(t);
}

static bool tun_up(struct net *net, const struct net_link *link)
{
	struct tun_net *t = (struct tun_net *)net;

	if (!tun_link_set(t->link, link))
		return false;
	t->identifier = tun_link_identifier(t->link);
	tun_guard_set_local(t->guard, link->local, link->local_id);
	t->mtu = link->mtu;
	t->up = true;
	return true;
}

static void tun_down(struct net *net)
{
	struct tun_net *t = (struct tun_net *)net;

	merge_flush(t->merge);
	t->up = false;
	t->identifier = 0;
	tun_link_down(t->link);
}

static void tun_hold(struct net *net, bool hold)
{
	((struct tun_net *)net)->held = hold;
}

static const char *tun_ifname(const struct net *net)
{
	return tun_link_name(((const struct tun_net *)net)->link);
}

static void tun_counters(const struct net *net, struct net_counters *counters)
{
	tun_guard_counters(((const struct tun_net *)net)->guard, counters);
}

static void tun_flows(const struct net *net, net_flow_fn *fn, void *arg)
{
	tun_guard_flows(((const struct tun_net *)net)->guard, fn, arg);
}

static bool tun_drop_flow(struct net *net, uint64_t id)
{
	return tun_guard_drop_flow(((struct tun_net *)net)->guard, id);
}

static bool tun_configure(struct net *net, const struct net_config *config, char **why)
{
	if (config->services->len > 0 || config->forwards->len > 0) {
		*why = g_strdup("net tun takes no services and no forwards: programs reach the peer directly, and it them");
		return false;
	}
	tun_guard_configure(((struct tun_net *)net)->guard, config);
	tun_link_configure(((struct tun_net *)net)->link, config);
	return true;
}

const struct net_backend_ops net_tun = {
	.name = "tun",
	.open = tun_open,
	.close = tun_close,
	.up = tun_up,
	.down = tun_down,
	.input = tun_input,
	.hold = tun_hold,
	.ifname = tun_ifname,
	.counters = tun_counters,
	.flows = tun_flows,
	.drop_flow = tun_drop_flow,
	.configure = tun_configure,
};
