/* The backend `slirp` and IPv6: frames of libslirp's IPv6, and the router advertisements that the peer gets. slirp.c calls this; see
 * slirp_backend.h. RFC 4861 §6.2, RFC 8200 §4.5.
 *
 * Theory of operation
 *
 * libslirp has a router of its own inside, whose advertisements nobody sees: the gate is the peer's router, and knows the link's addresses.
 * So libslirp's one timer, for these, never runs out. It asks for the Ethernet address of whoever it has a packet for (a neighbour
 * solicitation), and is told the peer's made-up one; the packet waits as it does for ARP (slirp.c).
 *
 * It sends a datagram that it got from a socket whole, however long. Where the link cannot take it, it is cut here, at its source. */
#include "net/slirp_backend.h"

#include <string.h>

#include "reader.h"

/* RFC 4861 §10 and §6.2.1 */
#define INITIAL_ADVERTISEMENTS 3u
#define INITIAL_INTERVAL 16
#define MIN_INTERVAL 200
#define MAX_INTERVAL 600

#define ND_HOP_LIMIT 255
#define SOLICITATION (IPV6_HEADER + 24)
#define SOLICITED_OVERRIDE UINT32_C(0x60000000)
#define FRAGMENT_HEADER 8
#define NEXT_FRAGMENT 44
#define LENGTH_AT 4

void slirp6_configure(SlirpConfig *config)
{
	config->in6_enabled = true;
	config->vprefix_addr6 = (struct in6_addr)GATE6_INNER_PREFIX;
	config->vprefix_len = GATE6_PREFIX_BITS;
	config->vhost6 = (struct in6_addr)GATE6_INNER_HOST;
	config->vnameserver6 = (struct in6_addr)GATE6_INNER_RESOLVER;
	/* It refuses IPv6 packets that are longer. */
	config->if_mtu = MAX(config->if_mtu, MAX(config->if_mru, IPV6_MTU_MIN));
}

void *slirp6_timer_new(SlirpTimerCb cb, void *cb_opaque, void *opaque)
{
	(void)cb;
	(void)cb_opaque;
	return opaque; /* not NULL, and never used */
}

void slirp6_timer_free(void *timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

void slirp6_timer_mod(void *timer, int64_t expire_time, void *opaque)
{
	(void)timer;
	(void)expire_time;
	(void)opaque;
}

static void advertise(void *arg)
{
	struct slirp_net *s = arg;
	uint8_t buf[REPLY6_MAX];
	size_t len = gate6_advertisement(s->gate, buf);
	bool initial = s->advertised < INITIAL_ADVERTISEMENTS;

	if (len == 0)
		return;
	s->advertised++;
	slirp_answer_peer(s, buf, len);
	timer_set(&s->advertise, (initial ? INITIAL_INTERVAL : (uint64_t)g_random_int_range(MIN_INTERVAL, MAX_INTERVAL)) * CLOCK_SECOND);
}

void slirp6_init(struct slirp_net *s)
{
	timer_init(&s->advertise, loop_clock(s->loop), advertise, s);
}

void slirp6_link(struct slirp_net *s, bool up)
{
	timer_stop(&s->advertise);
	s->advertised = 0;
	if (up && s->link.local_id != 0)
		timer_set(&s->advertise, 0);
}

/* A neighbour advertisement for libslirp: ADDR is the peer's (RFC 4861 §4.4). */
static void give_advertisement(struct slirp_net *s, const struct in6_addr *addr)
{
	const struct reply6 header = { *addr, GATE6_INNER_HOST, IPPROTO_ICMPV6, ND_HOP_LIMIT };
	uint8_t frame[ETHERNET_HEADER + SOLICITATION];
	struct writer w = writer_new(frame, sizeof(frame));

	slirp_write_ethernet(&w, ETHERTYPE_IPV6);
	reply_write_header6(&w, &header, SOLICITATION - IPV6_HEADER);
	writer_u8(&w, ICMP6_NEIGHBOUR_ADVERTISEMENT);
	writer_u8(&w, 0);
	writer_u16(&w, 0);
	writer_u32(&w, SOLICITED_OVERRIDE);
	writer_bytes(&w, addr, sizeof(*addr));
	if (reply_end_icmp6(frame + ETHERNET_HEADER, SOLICITATION) > 0)
		slirp_input(s->slirp, frame, (int)sizeof(frame));
	s->kick = true;
}

void slirp6_know_address(struct slirp_net *s, const struct in6_addr *addr)
{
	give_advertisement(s, addr);
}

static void answer_solicitation(struct slirp_net *s, const struct packet *p)
{
	struct reader r = reader_new(p->data + p->header, p->transport_len);
	struct in6_addr target;

	reader_skip(&r, 8);
	const uint8_t *bytes = reader_bytes(&r, sizeof(target));
	if (!bytes)
		return;
	memcpy(&target, bytes, sizeof(target));
	give_advertisement(s, &target);
}

/* Writes the headers of a fragment before its share of the datagram, over what was sent already (RFC 8200 §4.5). */
static void write_fragment(uint8_t *at, const uint8_t header[IPV6_HEADER], size_t share, uint16_t offset_and_more, uint32_t id)
{
	struct writer w = writer_new(at, IPV6_HEADER + FRAGMENT_HEADER);

	writer_bytes(&w, header, LENGTH_AT);
	writer_u16(&w, (uint16_t)(FRAGMENT_HEADER + share));
	writer_u8(&w, NEXT_FRAGMENT);
	writer_bytes(&w, header + LENGTH_AT + 3, IPV6_HEADER - LENGTH_AT - 3);
	writer_u8(&w, IPPROTO_UDP);
	writer_u8(&w, 0);
	writer_u16(&w, offset_and_more);
	writer_u32(&w, id);
}

/* P begins FRAGMENT_HEADER bytes behind the beginning of its buffer. */
static void send_fragments(struct slirp_net *s, const struct packet *p)
{
	const size_t headers = IPV6_HEADER + FRAGMENT_HEADER;
	size_t room = (s->link.mtu - headers) & ~(size_t)7;
	uint8_t header[IPV6_HEADER];
	uint32_t id = g_random_int();

	memcpy(header, p->data, sizeof(header));
	for (size_t at = 0; at < p->transport_len; at += room) {
		size_t share = MIN(room, p->transport_len - at);
		uint8_t *piece = p->data + IPV6_HEADER + at - headers;

		write_fragment(piece, header, share, (uint16_t)(at | (at + share < p->transport_len)), id);
		slirp_to_peer(s, piece, headers + share);
	}
}

void slirp6_packet_out(struct slirp_net *s, const uint8_t *packet, size_t len)
{
	uint8_t *copy = s->buffer + FRAGMENT_HEADER;
	struct packet p;

	if (len > sizeof(s->buffer) - FRAGMENT_HEADER || !packet_parse6(&p, memcpy(copy, packet, len), len))
		return;
	if (p.protocol == IPPROTO_ICMPV6 && p.icmp_type == ICMP6_NEIGHBOUR_SOLICITATION) {
		answer_solicitation(s, &p);
		return;
	}
	if (!gate6_to_peer(s->gate, copy, len, &p) || slirp_answers_reset(s, &p))
		return;
	if (p.len <= s->link.mtu)
		slirp_to_peer(s, p.data, p.len);
	else if (p.protocol == IPPROTO_UDP && s->link.mtu >= IPV6_MTU_MIN)
		send_fragments(s, &p);
}
