/* Fuzzes the backend with the real libslirp behind it, in a network namespace of its own, which has nothing but its loopback interface: no
 * packet leaves this machine, and where there is no such namespace nothing is run. Byte 0 chooses the configuration; then each byte is a
 * step: an IPv4 or IPv6 packet of the peer (addresses, lengths and checksums made right before), time, the link going down or coming up, or a
 * round of the loop. What comes back must be well formed, and only while the link is up.
 * Coverage: src/net/slirp.c src/net/slirp6.c src/net/slirp_poll.c */
#include <glib.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "net/net.h"
#include "net/packet.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOCAL UINT32_C(0x0a000202)
#define REMOTE UINT32_C(0x0a00020f)
#define DNS UINT32_C(0x0a000203)
#define STEPS_MAX 60
#define PACKET_MAX 1500

enum { HOST_LOOPBACK = 1, RESTRICT = 2, SMALL_MTU = 4, NO_V6 = 8 };

struct fuzz {
	struct config *config;
	struct loop *loop;
	struct net *net;
	struct net_link link;
	bool up;
};

static bool alone;

/* Before there are threads, which would forbid a user namespace. */
__attribute__((constructor)) static void leave_the_world(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
		fputs("# no network namespace here: nothing is run\n", stderr);
		return;
	}
	alone = true;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0)
		fputs("# no loopback interface\n", stderr);
	if (fd >= 0)
		close(fd);
}

static void on_packet(void *arg, const uint8_t *bytes, size_t len)
{
	struct fuzz *f = arg;
	uint8_t *copy = g_memdup2(bytes, len);
	struct packet p;

	g_assert(f->up && len <= f->link.mtu);
	g_assert(copy[0] >> 4 == 6 ? packet_parse6(&p, copy, len) : packet_parse(&p, copy, len) && packet_header_ok(&p));
	g_free(copy);
}

static void give(struct fuzz *f, const uint8_t *packet, size_t len)
{
	uint8_t *exact = g_malloc(NET_HEADROOM + len);

	if (len > 0)
		memcpy(exact + NET_HEADROOM, packet, len);
	net_input(f->net, exact + NET_HEADROOM, len);
	g_free(exact);
}

/* The first byte chooses protocol and address, what follows is the packet's own, from the header of the protocol on. */
static void step_v4(struct fuzz *f, struct reader body)
{
	static const uint8_t protocols[] = { 6, 17, 1, 6 };
	static const uint32_t addresses[] = { LOCAL, DNS, UINT32_C(0xc6336401), UINT32_C(0x7f000001) };
	uint8_t choice = reader_u8(&body);
	size_t len = reader_left(&body);
	uint8_t packet[IPV4_HEADER + PACKET_MAX] = { 0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, protocols[choice % 4] };
	uint32_t src = htonl(REMOTE);
	uint32_t dst = htonl(addresses[choice / 4 % 4]);
	struct packet p;

	memcpy(packet + 12, &src, 4);
	memcpy(packet + 16, &dst, 4);
	if (len > 0)
		memcpy(packet + IPV4_HEADER, reader_bytes(&body, len), len);
	len += IPV4_HEADER;
	packet[2] = (uint8_t)(len >> 8);
	packet[3] = (uint8_t)len;
	packet_complete_header(packet, IPV4_HEADER);
	if (packet_parse(&p, packet, len) && p.protocol != IPPROTO_ICMP)
		packet_complete_checksum(&p);
	else if (packet_parse(&p, packet, len))
		packet_fix_icmp(&p);
	give(f, packet, len);
}

static void step_v6(struct fuzz *f, struct reader body)
{
	static const uint8_t protocols[] = { 6, 17, 58, 58 };
	static const uint8_t addresses[4][16] = {
		{ 0xfe, 0x80, [15] = 1 }, { 0xff, 2, [15] = 2 }, { 0x20, 1, 0x0d, 0xb8, [15] = 1 }, { 0xff, 2, [15] = 1 },
	};
	uint8_t choice = reader_u8(&body);
	size_t len = reader_left(&body);
	uint8_t packet[IPV6_HEADER + PACKET_MAX] = { 0x60, 0, 0, 0, (uint8_t)(len >> 8), (uint8_t)len, protocols[choice % 4], 255, 0xfe, 0x80, [23] = 2 };
	struct packet p;

	memcpy(packet + 24, addresses[choice / 4 % 4], 16);
	if (len > 0)
		memcpy(packet + IPV6_HEADER, reader_bytes(&body, len), len);
	len += IPV6_HEADER;
	if (packet_parse6(&p, packet, len) && p.protocol == IPPROTO_ICMPV6)
		packet_fix_icmp(&p);
	else if (packet_parse6(&p, packet, len))
		packet_complete_checksum(&p);
	give(f, packet, len);
}

static gboolean quit(void *loop)
{
	loop_quit(loop);
	return G_SOURCE_REMOVE;
}

/* One round, without waiting. */
static void step_round(struct fuzz *f, struct reader body)
{
	GSource *idle = g_idle_source_new();

	(void)body;
	g_source_set_callback(idle, quit, f->loop, NULL);
	g_source_attach(idle, loop_context(f->loop));
	loop_run(f->loop);
	g_source_unref(idle);
}

static void step_link(struct fuzz *f, struct reader body)
{
	uint8_t how = reader_u8(&body);

	if (how & 1)
		net_hold(f->net, how & 2);
	else if (f->up)
		net_down(f->net);
	if (!(how & 1))
		f->up = !f->up && net_up(f->net, &f->link);
}

static void step_raw(struct fuzz *f, struct reader body)
{
	size_t len = reader_left(&body);

	give(f, reader_bytes(&body, len), len);
}

static void (*const steps[])(struct fuzz *f, struct reader body) = { step_v4, step_v6, step_round, step_raw, step_link };

static bool open_fuzz(struct fuzz *f, uint8_t how)
{
	static const struct net_events events = { .packet = on_packet };
	const struct service service = { .protocol = CONFIG_TCP, .port = 0x4141, .host = INADDR_LOOPBACK, .host_port = 22 };

	f->config = config_new();
	f->config->net.host_loopback = how & HOST_LOOPBACK;
	f->config->net.restrict_peer = how & RESTRICT;
	g_array_append_val(f->config->net.services, service);
	f->link = (struct net_link){ .local = LOCAL, .remote = REMOTE, .dns = DNS, .mtu = how & SMALL_MTU ? 296 : 1500 };
	if (!(how & NO_V6)) {
		f->link.local_id = 1;
		f->link.remote_id = 2;
	}
	f->loop = loop_new();
	f->net = net_slirp.open(f->config, f->loop, &events, f);
	f->up = true;
	return f->net && net_up(f->net, &f->link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(data, size);
	struct fuzz f = { 0 };

	if (!alone)
		return 0;
	log_set_fd(-1);
	g_random_set_seed(1);
	g_assert(open_fuzz(&f, reader_u8(&r)));
	for (unsigned i = 0; i < STEPS_MAX && reader_left(&r) > 0; i++) {
		uint8_t what = reader_u8(&r);
		size_t wanted = reader_u16(&r) % PACKET_MAX;
		steps[what % G_N_ELEMENTS(steps)](&f, reader_sub(&r, MIN(wanted, reader_left(&r))));
	}
	net_close(f.net);
	loop_free(f.loop);
	config_free(f.config);
	return 0;
}
