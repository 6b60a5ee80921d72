/* Packets that say no; see reply.h. The gate calls this when it refuses a packet. RFC 792, 1122, 1812, 4443, 9293. */
#include "net/reply.h"

static const uint8_t REPLY_TTL = 64;

static void write_header(struct writer *w, size_t total, uint8_t protocol, uint32_t src, uint32_t dst)
{
	writer_u16(w, 0x4500);
	writer_u16(w, (uint16_t)total);
	writer_u32(w, 0);
	writer_u8(w, REPLY_TTL);
	writer_u8(w, protocol);
	writer_u16(w, 0);
	writer_u32(w, src);
	writer_u32(w, dst);
}

void reply_write_header6(struct writer *w, const struct reply6 *header, size_t len)
{
	writer_u32(w, UINT32_C(6) << 28);
	writer_u16(w, (uint16_t)len);
	writer_u8(w, header->protocol);
	writer_u8(w, header->hop_limit);
	writer_bytes(w, &header->src, sizeof(header->src));
	writer_bytes(w, &header->dst, sizeof(header->dst));
}

/* An address that one host of a network may have (RFC 6890): no answer goes to any other, nor in the name of one (RFC 1122
 * §3.2.2). */
static bool is_host(uint32_t addr)
{
	return addr >> 24 != 0 && addr >> 24 != IN_LOOPBACKNET && !IN_MULTICAST(addr) && !IN_BADCLASS(addr);
}

/* How much of the sequence space a segment takes. */
static uint32_t segment_length(const struct packet *p)
{
	uint32_t len = (uint32_t)(p->transport_len - p->tcp_header);

	return len + !!(p->tcp_flags & TCP_SYN) + !!(p->tcp_flags & TCP_FIN);
}

static bool is_host6(const struct in6_addr *addr)
{
	return !IN6_IS_ADDR_MULTICAST(addr) && !IN6_IS_ADDR_UNSPECIFIED(addr) && !IN6_IS_ADDR_LOOPBACK(addr);
}

static void write_reset(struct writer *w, const struct reset *r)
{
	writer_u16(w, r->sport);
	writer_u16(w, r->dport);
	writer_u32(w, r->seq);
	writer_u32(w, r->ack);
	writer_u8(w, TCP_HEADER / 4 << 4);
	writer_u8(w, r->flags);
	writer_u16(w, 0);
	writer_u32(w, 0);
}

static size_t reset6(uint8_t *buf, const struct reset *r)
{
	const struct reply6 header = { r->src6, r->dst6, IPPROTO_TCP, REPLY_TTL };
	struct writer w = writer_new(buf, REPLY_MAX);
	struct packet reply;

	reply_write_header6(&w, &header, TCP_HEADER);
	write_reset(&w, r);
	if (!writer_ok(&w) || !packet_parse6(&reply, buf, writer_len(&w)))
		return 0;
	packet_complete_checksum(&reply);
	return reply.len;
}

size_t reply_reset(uint8_t *buf, const struct reset *r)
{
	struct writer w = writer_new(buf, REPLY_MAX);
	struct packet reply;

	if (r->v6)
		return reset6(buf, r);
	write_header(&w, IPV4_HEADER + TCP_HEADER, IPPROTO_TCP, r->src, r->dst);
	write_reset(&w, r);
	packet_complete_header(buf, IPV4_HEADER);
	if (!writer_ok(&w) || !packet_parse(&reply, buf, writer_len(&w)))
		return 0;
	packet_complete_checksum(&reply);
	return reply.len;
}

size_t reply_tcp_reset(uint8_t *buf, const struct packet *p)
{
	struct reset reset = { .src = p->dst, .sport = p->dport, .dst = p->src, .dport = p->sport,
			       .v6 = p->v6, .src6 = p->dst6, .dst6 = p->src6 };
	bool hosts = p->v6 ? is_host6(&p->dst6) && is_host6(&p->src6) : is_host(p->dst) && is_host(p->src);

	if (p->protocol != IPPROTO_TCP || packet_is_fragment(p) || p->tcp_flags & TCP_RST || !hosts)
		return 0;
	bool acked = p->tcp_flags & TCP_ACK;
	reset.seq = acked ? p->ack : 0;
	reset.ack = acked ? 0 : p->seq + segment_length(p);
	reset.flags = acked ? TCP_RST : TCP_RST | TCP_ACK;
	return reply_reset(buf, &reset);
}

size_t reply_icmp_error(uint8_t *buf, const struct packet *p, uint32_t from, uint8_t type, uint8_t code)
{
	size_t room = REPLY_MAX - IPV4_HEADER - ICMP_HEADER;
	size_t quote = p->len < room ? p->len : room;
	struct writer w = writer_new(buf, REPLY_MAX);
	struct packet reply;
	bool told = is_host(p->dst) || p->dst >> 24 == IN_LOOPBACKNET; /* FROM says so, not that address */

	if (packet_is_icmp_error(p) || p->offset > 0 || !told || !is_host(p->src))
		return 0;
	write_header(&w, IPV4_HEADER + ICMP_HEADER + quote, IPPROTO_ICMP, from, p->src);
	writer_u8(&w, type);
	writer_u8(&w, code);
	writer_u16(&w, 0);
	writer_u32(&w, 0);
	writer_bytes(&w, p->data, quote);
	packet_complete_header(buf, IPV4_HEADER);
	if (!writer_ok(&w) || !packet_parse(&reply, buf, writer_len(&w)))
		return 0;
	packet_fix_icmp(&reply);
	return reply.len;
}

size_t reply_end_icmp6(uint8_t *buf, size_t len)
{
	struct packet reply;

	if (!packet_parse6(&reply, buf, len) || reply.protocol != IPPROTO_ICMPV6)
		return 0;
	packet_fix_icmp(&reply);
	return reply.len;
}

size_t reply_icmp6_error(uint8_t *buf, const struct packet *p, const struct in6_addr *from, uint8_t type, uint8_t code, uint32_t number)
{
	const struct reply6 header = { *from, p->src6, IPPROTO_ICMPV6, REPLY_TTL };
	size_t room = REPLY6_MAX - IPV6_HEADER - ICMP_HEADER;
	size_t quote = p->len < room ? p->len : room;
	struct writer w = writer_new(buf, REPLY6_MAX);
	bool may_not = packet_is_icmp_error(p) || (p->protocol == IPPROTO_ICMPV6 && p->icmp_type == ICMP6_REDIRECTION);

	if (may_not || IN6_IS_ADDR_MULTICAST(&p->dst6) || !is_host6(&p->src6))
		return 0;
	reply_write_header6(&w, &header, ICMP_HEADER + quote);
	writer_u8(&w, type);
	writer_u8(&w, code);
	writer_u16(&w, 0);
	writer_u32(&w, number);
	writer_bytes(&w, p->data, quote);
	return writer_ok(&w) ? reply_end_icmp6(buf, writer_len(&w)) : 0;
}
