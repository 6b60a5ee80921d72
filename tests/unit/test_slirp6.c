/* IPv6 through libslirp: a peer in memory, sockets of this machine on loopback. What needs ::1 is skipped aloud where there is none. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "net/net.h"
#include "net/packet.h"
#include "packets.h"
#include "packets6.h"

#define US_ID 1
#define PEER_ID 2
#define US "fe80::1"
#define PEER "fe80::2"
#define US_GLOBAL "fd73:6c69:7270:1::1"
#define PEER_GLOBAL "fd73:6c69:7270:1::2"
#define ALL_NODES "ff02::1"
#define PATIENCE (2 * CLOCK_SECOND) /* for what must come; nothing waits for it in vain but where it says so */
#define PORT 40000

struct rig {
	struct config *config;
	struct loop *loop;
	struct net *net;
	struct timer patience;
	uint8_t wanted;  /* protocol of the packet that is waited for */
	uint8_t type;    /* ICMPv6's */
	uint8_t in[NET_HEADROOM + 2048];
	uint8_t out[4][2048]; /* the last packets for the peer that were wanted */
	size_t out_len[4];
	unsigned count;
};

static void on_packet(void *arg, const uint8_t *bytes, size_t len)
{
	struct rig *r = arg;
	bool fragment = bytes[6] == 44;

	if (len > sizeof(r->out[0]) || bytes[0] >> 4 != 6 || bytes[6] != r->wanted || (bytes[6] == IPPROTO_ICMPV6 && bytes[40] != r->type))
		return;
	if (!fragment)
		CU_ASSERT_TRUE(right6(bytes, len));
	memcpy(r->out[r->count % 4], bytes, len);
	r->out_len[r->count++ % 4] = len;
	loop_quit(r->loop);
}

static void give_up(void *arg)
{
	loop_quit(((struct rig *)arg)->loop);
}

static void begin(struct rig *r)
{
	*r = (struct rig){ .config = config_new(), .loop = loop_new() };
	timer_init(&r->patience, loop_clock(r->loop), give_up, r);
}

static void up(struct rig *r)
{
	static const struct net_events events = { .packet = on_packet };
	const struct net_link link = { .local_id = US_ID, .remote_id = PEER_ID, .mtu = 1500 };

	r->net = net_slirp.open(r->config, r->loop, &events, r);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->net);
	CU_ASSERT_TRUE(net_up(r->net, &link));
}

static void end(struct rig *r)
{
	timer_stop(&r->patience);
	net_close(r->net);
	loop_free(r->loop);
	config_free(r->config);
}

/* Runs until a packet of this kind comes; NULL: none does. */
static const uint8_t *await(struct rig *r, uint8_t protocol, uint8_t type)
{
	unsigned before = r->count;

	r->wanted = protocol;
	r->type = type;
	timer_set(&r->patience, PATIENCE);
	loop_run(r->loop);
	timer_stop(&r->patience);
	return r->count > before ? r->out[before % 4] : NULL;
}

static void give(struct rig *r, const struct spec6 *s)
{
	size_t len = build6(r->in + NET_HEADROOM, s);

	net_input(r->net, r->in + NET_HEADROOM, len);
}

/* Gives the packet; what comes back at once or later. */
static const uint8_t *ask(struct rig *r, const struct spec6 *s, uint8_t protocol, uint8_t type)
{
	unsigned before = r->count;

	r->wanted = protocol;
	r->type = type;
	give(r, s);
	return r->count > before ? r->out[before % 4] : await(r, protocol, type);
}

static int bound_socket(int type, uint16_t *port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&addr, len), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	*port = ntohs(addr.sin_port);
	if (type == SOCK_STREAM)
		listen(fd, 4);
	return fd;
}

static void add_service(struct rig *r, uint8_t protocol, uint16_t port, uint16_t host_port)
{
	const struct service s = { .protocol = protocol, .port = port, .host = INADDR_LOOPBACK, .host_port = host_port };

	g_array_append_val(r->config->net.services, s);
}

static void a_router_advertises_rfc4861_6_2_4(void)
{
	static const uint8_t zero[4];
	struct rig r;

	begin(&r);
	up(&r);
	const uint8_t *ra = await(&r, IPPROTO_ICMPV6, ICMP6_ROUTER_ADVERTISEMENT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ra);
	CU_ASSERT_TRUE(goes6(ra, US, ALL_NODES));
	CU_ASSERT_EQUAL(ra[7], 255);
	ra = ask(&r, &(struct spec6){ PEER, "ff02::2", IPPROTO_ICMPV6, .type = 133, .hop_limit = 255, .body = zero, .len = 4 }, IPPROTO_ICMPV6,
		 ICMP6_ROUTER_ADVERTISEMENT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ra);
	CU_ASSERT_TRUE(goes6(ra, US, PEER));
	end(&r);
}

static void pings_to_us_are_answered_rfc4443_4_2(void)
{
	static const char *const ours[] = { US, US_GLOBAL }, *const theirs[] = { PEER, PEER_GLOBAL };
	uint8_t body[1400];
	struct rig r;

	begin(&r);
	up(&r);
	memset(body, 'x', sizeof(body));
	for (unsigned i = 0; i < 2; i++) {
		const struct spec6 ping = { theirs[i], ours[i], IPPROTO_ICMPV6, .type = 128, .body = body, .len = sizeof(body) };
		const uint8_t *pong = ask(&r, &ping, IPPROTO_ICMPV6, ICMP6_ECHO_ANSWER);

		CU_ASSERT_PTR_NOT_NULL_FATAL(pong);
		CU_ASSERT_TRUE(goes6(pong, ours[i], theirs[i]));
		CU_ASSERT_EQUAL(memcmp(pong + 44, body, sizeof(body)), 0);
	}
	end(&r);
}

/* From SYN to FIN, and data both ways. */
static void talk_tcp(struct rig *r, int listener, const char *from, const char *to)
{
	struct spec6 s = { from, to, IPPROTO_TCP, PORT, 22, TCP_SYN, .seq = 1000, .mss = 1440 };
	const uint8_t *p = ask(r, &s, IPPROTO_TCP, 0);
	char text[16] = "";

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(goes6(p, to, from));
	CU_ASSERT_EQUAL_FATAL(p[53], TCP_SYN | TCP_ACK);
	CU_ASSERT_EQUAL(packet_u16(p, 40), 22);
	CU_ASSERT_EQUAL(packet_u16(p, 42), PORT);
	uint32_t ack = packet_u32(p, 44) + 1;
	int fd = accept(listener, NULL, NULL);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	s = (struct spec6){ from, to, IPPROTO_TCP, PORT, 22, TCP_ACK | TCP_PSH, 1001, ack, .body = "hello", .len = 5 };
	p = ask(r, &s, IPPROTO_TCP, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(recv(fd, text, sizeof(text), MSG_DONTWAIT), 5);
	CU_ASSERT_STRING_EQUAL(text, "hello");
	CU_ASSERT_EQUAL(send(fd, "world", 5, 0), 5);
	while (p && packet_u16(p, 4) == 20)
		p = await(r, IPPROTO_TCP, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(memcmp(p + 60, "world", 5), 0);
	s = (struct spec6){ from, to, IPPROTO_TCP, PORT, 22, TCP_RST, 1006, .ack = ack };
	give(r, &s);
	close(fd);
}

static void a_service_on_ipv4_is_reached_by_ipv6(void)
{
	struct rig r;
	uint16_t port;
	int listener = bound_socket(SOCK_STREAM, &port);

	begin(&r);
	add_service(&r, CONFIG_TCP, 22, port);
	up(&r);
	talk_tcp(&r, listener, PEER, US);
	talk_tcp(&r, listener, PEER_GLOBAL, US_GLOBAL);
	talk_tcp(&r, listener, PEER_GLOBAL, US);
	close(listener);
	end(&r);
}

/* A datagram to service 7 and its answer, LEN bytes. */
static void talk_udp(struct rig *r, int fd, const char *from, const char *to, size_t len)
{
	uint8_t body[1400] = { 7 };
	const struct spec6 s = { from, to, IPPROTO_UDP, PORT, 7, .body = body, .len = len };
	struct sockaddr_in client;
	socklen_t client_len = sizeof(client);
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	give(r, &s);
	CU_ASSERT_EQUAL_FATAL(poll(&ready, 1, 2000), 1);
	CU_ASSERT_EQUAL(recvfrom(fd, body, sizeof(body), 0, (struct sockaddr *)&client, &client_len), (ssize_t)len);
	sendto(fd, body, len, 0, (struct sockaddr *)&client, client_len);
	const uint8_t *p = await(r, IPPROTO_UDP, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(goes6(p, to, from));
	CU_ASSERT_EQUAL(packet_u16(p, 40), 7);
	CU_ASSERT_EQUAL(packet_u16(p, 42), PORT);
	CU_ASSERT_EQUAL(packet_u16(p, 44), len + 8);
}

/* libslirp has a socket for each of them, the gate one for each port. */
static void one_port_of_two_addresses(void)
{
	struct rig r;
	uint16_t port;
	int fd = bound_socket(SOCK_DGRAM, &port);

	begin(&r);
	add_service(&r, CONFIG_UDP, 7, port);
	up(&r);
	for (unsigned i = 0; i < 2; i++) {
		talk_udp(&r, fd, PEER, US, 5);
		talk_udp(&r, fd, PEER_GLOBAL, US_GLOBAL, 1400);
		talk_udp(&r, fd, PEER_GLOBAL, US, 100);
	}
	close(fd);
	end(&r);
}

static void a_long_datagram_is_cut_rfc8200_4_5(void)
{
	uint8_t body[3000];
	struct sockaddr_in client;
	socklen_t client_len = sizeof(client);
	struct rig r;
	uint16_t port;
	int fd = bound_socket(SOCK_DGRAM, &port);

	begin(&r);
	add_service(&r, CONFIG_UDP, 7, port);
	up(&r);
	give(&r, &(struct spec6){ PEER, US, IPPROTO_UDP, PORT, 7, .body = "?", .len = 1 });
	recvfrom(fd, body, sizeof(body), 0, (struct sockaddr *)&client, &client_len);
	memset(body, 'y', sizeof(body));
	sendto(fd, body, sizeof(body), 0, (struct sockaddr *)&client, client_len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(await(&r, 44, 0));
	CU_ASSERT_EQUAL_FATAL(r.count, 3);
	size_t at = 0;
	for (unsigned i = 0; i < 3; i++) {
		const uint8_t *p = r.out[i];
		size_t share = r.out_len[i] - 48;

		CU_ASSERT_TRUE(r.out_len[i] <= 1500 && packet_u16(p, 4) == share + 8 && goes6(p, US, PEER));
		CU_ASSERT_EQUAL(p[40], IPPROTO_UDP);
		CU_ASSERT_EQUAL(packet_u16(p, 42), at | (i < 2));
		CU_ASSERT_EQUAL(packet_u32(p, 44), packet_u32(r.out[0], 44));
		CU_ASSERT_EQUAL(p[48 + 8], 'y');
		at += share;
	}
	CU_ASSERT_EQUAL(at, sizeof(body) + 8);
	close(fd);
	end(&r);
}

/* A client connects; the peer is told so, and answers. */
static void talk_forward(struct rig *r, int client, const char *us, const char *peer)
{
	const uint8_t *p = await(r, IPPROTO_TCP, 0);
	char text[16] = "";

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(goes6(p, us, peer));
	CU_ASSERT_EQUAL(p[53], TCP_SYN);
	CU_ASSERT_EQUAL(packet_u16(p, 42), 22);
	struct spec6 s = { peer, us, IPPROTO_TCP, 22, packet_u16(p, 40), TCP_SYN | TCP_ACK, 500, .ack = packet_u32(p, 44) + 1 };
	CU_ASSERT_PTR_NOT_NULL_FATAL(ask(r, &s, IPPROTO_TCP, 0));
	s = (struct spec6){ peer, us, IPPROTO_TCP, 22, s.dport, TCP_ACK | TCP_PSH, 501, s.ack, .body = "hello", .len = 5 };
	CU_ASSERT_PTR_NOT_NULL_FATAL(ask(r, &s, IPPROTO_TCP, 0));
	CU_ASSERT_EQUAL(recv(client, text, sizeof(text), 0), 5);
	CU_ASSERT_STRING_EQUAL(text, "hello");
	give(r, &(struct spec6){ peer, us, IPPROTO_TCP, 22, s.dport, TCP_RST, 506, .ack = s.ack });
}

static void add_forward(struct rig *r, const char *bind, uint16_t port, const char *host)
{
	struct forward f = { .protocol = CONFIG_TCP, .bind = bind ? 0 : INADDR_LOOPBACK, .port = port, .host_port = 22, .host6 = addr6(host) };

	f.binds6 = bind != NULL;
	f.bind6 = addr6(bind ? bind : "::");
	g_array_append_val(r->config->net.forwards, f);
}

static void append_spec(void *arg, const struct net_door *door)
{
	g_string_append_printf(arg, "%s %u;", door->spec, door->flows);
}

static void a_forward_from_ipv4_to_ipv6(void)
{
	struct rig r;
	uint16_t port;
	GString *doors = g_string_new(NULL);

	close(bound_socket(SOCK_STREAM, &port));
	begin(&r);
	add_forward(&r, NULL, port, PEER);
	up(&r);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
	int client = socket(AF_INET, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
	talk_forward(&r, client, US, PEER);
	net_doors(r.net, DOOR_FORWARD, append_spec, doors);
	char *want = g_strdup_printf("%u:[%s]:22 0;", port, PEER);
	CU_ASSERT_STRING_EQUAL(doors->str, want);
	g_free(want);
	g_string_free(doors, TRUE);
	close(client);
	end(&r);
}

/* A socket on a free port of ::1, or -1 where there is no such address. */
static int listen6(uint16_t *port)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, len) == 0 && listen(fd, 4) == 0 && getsockname(fd, (struct sockaddr *)&addr, &len) == 0) {
		*port = ntohs(addr.sin6_port);
		return fd;
	}
	if (fd >= 0)
		close(fd);
	printf("# skipped: no ::1 here\n");
	return -1;
}

static void a_forward_and_a_service_on_ipv6_loopback(void)
{
	struct rig r;
	uint16_t port, free_port;
	int listener = listen6(&port), other = listen6(&free_port);

	if (listener < 0 || other < 0)
		return;
	close(other);
	begin(&r);
	add_service(&r, CONFIG_TCP, 22, port);
	g_array_index(r.config->net.services, struct service, 0).host6 = in6addr_loopback;
	add_forward(&r, "::1", free_port, PEER_GLOBAL);
	up(&r);
	talk_tcp(&r, listener, PEER, US);
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback, .sin6_port = htons(free_port) };
	int client = socket(AF_INET6, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
	talk_forward(&r, client, US_GLOBAL, PEER_GLOBAL);
	close(client);
	close(listener);
	end(&r);
}

/* RFC 1928 §4: a client asks for the peer by its IPv6 address. */
static void socks_dials_ipv6(void)
{
	struct listen_address at = { .host = "127.0.0.1" };
	uint8_t request[3 + 4 + 16 + 2] = { 5, 1, 0, 5, 1, 0, 4 }, answer[2 + 10];
	const struct in6_addr peer = addr6(PEER_GLOBAL);
	struct rig r;

	close(bound_socket(SOCK_STREAM, &at.port));
	memcpy(request + 7, &peer, 16);
	request[24] = 22;
	begin(&r);
	g_array_append_val(r.config->net.socks, at);
	up(&r);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(at.port) };
	int client = socket(AF_INET, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
	CU_ASSERT_EQUAL(send(client, request, sizeof(request), 0), (ssize_t)sizeof(request));
	const uint8_t *p = await(&r, IPPROTO_TCP, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(goes6(p, US_GLOBAL, PEER_GLOBAL));
	const struct spec6 s = { PEER_GLOBAL, US_GLOBAL, IPPROTO_TCP, 22, packet_u16(p, 40), TCP_SYN | TCP_ACK, 500, .ack = packet_u32(p, 44) + 1 };
	CU_ASSERT_PTR_NOT_NULL_FATAL(ask(&r, &s, IPPROTO_TCP, 0));
	await(&r, IPPROTO_HOPOPTS, 0); /* nothing comes: the dialler has time to tell */
	CU_ASSERT_EQUAL_FATAL(recv(client, answer, sizeof(answer), MSG_DONTWAIT), (ssize_t)sizeof(answer));
	CU_ASSERT_EQUAL(answer[3], 0);
	close(client);
	end(&r);
}

static void ipv4_goes_while_ipv6_stays(void)
{
	const struct net_link both = { .local = 0x0a000202, .remote = 0x0a00020f, .local_id = US_ID, .remote_id = PEER_ID, .mtu = 1500 };
	const struct net_link six = { .local_id = US_ID, .remote_id = PEER_ID, .mtu = 1500 };
	static const uint8_t zero[4];
	const struct spec6 ping = { PEER, US, IPPROTO_ICMPV6, .type = 128, .body = zero, .len = 4 };
	struct rig r;

	begin(&r);
	up(&r);
	CU_ASSERT_TRUE(net_up(r.net, &both));
	CU_ASSERT_PTR_NOT_NULL(ask(&r, &ping, IPPROTO_ICMPV6, ICMP6_ECHO_ANSWER));
	CU_ASSERT_TRUE(net_up(r.net, &six));
	CU_ASSERT_PTR_NOT_NULL(ask(&r, &ping, IPPROTO_ICMPV6, ICMP6_ECHO_ANSWER));
	end(&r);
}

const struct unit_test unit_tests[] = {
	{ "slirp6: a router advertises (RFC 4861 6.2.4)", a_router_advertises_rfc4861_6_2_4 },
	{ "slirp6: pings to us are answered (RFC 4443 4.2)", pings_to_us_are_answered_rfc4443_4_2 },
	{ "slirp6: a service on IPv4 is reached by IPv6", a_service_on_ipv4_is_reached_by_ipv6 },
	{ "slirp6: one port of two addresses", one_port_of_two_addresses },
	{ "slirp6: a long datagram is cut (RFC 8200 4.5)", a_long_datagram_is_cut_rfc8200_4_5 },
	{ "slirp6: a forward from IPv4 to IPv6", a_forward_from_ipv4_to_ipv6 },
	{ "slirp6: a forward and a service on IPv6 loopback", a_forward_and_a_service_on_ipv6_loopback },
	{ "slirp6: SOCKS dials IPv6 (RFC 1928 4)", socks_dials_ipv6 },
	{ "slirp6: IPv4 goes while IPv6 stays", ipv4_goes_while_ipv6_stays },
	{ 0 },
};
