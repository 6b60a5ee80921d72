/* IPv4 and IPv6 packets; see packet.h. Called by both backends for every packet. RFC 791, 792, 768, 8200, 4443, 9293, 1858, 1624. */
#include "net/packet.h"

#include <string.h>

#include "net/checksum.h"
#include "reader.h"

enum { HEADER_CHECKSUM = 10, HEADER_SOURCE = 12, HEADER_DESTINATION = 16 };
enum { HEADER6_SOURCE = 8, HEADER6_DESTINATION = 24 };
enum { TCP_CHECKSUM = 16, UDP_CHECKSUM = 6, ICMP_CHECKSUM = 2 };
enum { NEXT_HOP_BY_HOP = 0, NEXT_FRAGMENT = 44 };
enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_MSS_LEN = 4 };

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
	put16(at, (uint16_t)(v >> 16));
	put16(at + 2, (uint16_t)v);
}

static bool parse_tcp(struct packet *p, struct reader *r)
{
	p->sport = reader_u16(r);
	p->dport = reader_u16(r);
	p->seq = reader_u32(r);
	p->ack = reader_u32(r);
	p->tcp_header = (size_t)(reader_u8(r) >> 4) * 4;
	p->tcp_flags = reader_u8(r);
	reader_skip(r, 6);
	return reader_ok(r) && p->tcp_header >= TCP_HEADER && p->tcp_header <= p->transport_len;
}

static bool parse_udp(struct packet *p, struct reader *r)
{
	p->sport = reader_u16(r);
	p->dport = reader_u16(r);
	uint16_t len = reader_u16(r);
	reader_skip(r, 2);
	if (!reader_ok(r) || len < UDP_HEADER)
		return false;
	return p->more_fragments || len <= p->transport_len;
}

static bool parse_icmp(struct packet *p, struct reader *r)
{
	p->icmp_type = reader_u8(r);
	p->icmp_code = reader_u8(r);
	reader_skip(r, 2);
	p->icmp_id = reader_u16(r);
	reader_skip(r, 2);
	return reader_ok(r);
}

static bool parse_transport(struct packet *p, struct reader *r)
{
	switch (p->protocol) {
	case IPPROTO_TCP:
		return parse_tcp(p, r);
	case IPPROTO_UDP:
		return parse_udp(p, r);
	case IPPROTO_ICMP:
		return p->v6 || parse_icmp(p, r);
	case IPPROTO_ICMPV6:
		return !p->v6 || parse_icmp(p, r);
	default:
		return true;
	}
}

/* The IP header, up to its options. R is then at the transport's first byte, and ends where the bytes end. */
static bool parse_header(struct packet *p, struct reader *r)
{
	uint8_t version = reader_u8(r);

	p->header = (size_t)(version & 0xf) * 4;
	reader_skip(r, 1);
	p->len = reader_u16(r);
	p->id = reader_u16(r);
	uint16_t fragment = reader_u16(r);
	p->dont_fragment = fragment & 0x4000;
	p->more_fragments = fragment & 0x2000;
	p->offset = (fragment & 0x1fffu) * 8;
	reader_skip(r, 1);
	p->protocol = reader_u8(r);
	reader_skip(r, 2);
	p->src = reader_u32(r);
	p->dst = reader_u32(r);
	if (version >> 4 != 4 || p->header < IPV4_HEADER || p->len < p->header)
		return false;
	reader_skip(r, p->header - IPV4_HEADER);
	return reader_ok(r);
}

/* A fragment must end on a multiple of 8 unless it is the last, and within the largest datagram (RFC 791 §3.2). TCP's second
 * fragment must not begin within the header (RFC 1858 §3.2.2). */
static bool fragment_ok(const struct packet *p)
{
	if (p->offset + p->transport_len > IPV4_PACKET_MAX - p->header)
		return false;
	if (p->more_fragments && (p->transport_len % 8 != 0 || p->transport_len == 0))
		return false;
	return p->protocol != IPPROTO_TCP || p->offset != 8;
}

bool packet_parse(struct packet *p, uint8_t *data, size_t len)
{
	struct reader r = reader_new(data, len);

	*p = (struct packet){ .data = data };
	if (!parse_header(p, &r) || p->len > len)
		return false;
	p->transport_len = p->len - p->header;
	if (!fragment_ok(p))
		return false;
	if (p->offset > 0)
		return true;
	struct reader transport = reader_sub(&r, p->transport_len);
	return parse_transport(p, &transport);
}

/* The fixed header; R is then at what follows, and ends where the bytes end. */
static bool parse_header6(struct packet *p, struct reader *r)
{
	uint32_t first = reader_u32(r);

	p->v6 = true;
	p->header = IPV6_HEADER;
	p->len = IPV6_HEADER + (size_t)reader_u16(r);
	p->protocol = reader_u8(r);
	p->hop_limit = reader_u8(r);
	const uint8_t *addresses = reader_bytes(r, 2 * sizeof(p->src6));
	if (first >> 28 != 6 || !addresses)
		return false;
	memcpy(&p->src6, addresses, sizeof(p->src6));
	memcpy(&p->dst6, addresses + sizeof(p->src6), sizeof(p->dst6));
	return true;
}

/* MLD's messages have a router alert before them (RFC 2710 §3). */
static bool pass_options(struct packet *p, struct reader *r)
{
	struct reader ahead = *r;
	uint8_t next = reader_u8(&ahead);
	size_t options = ((size_t)reader_u8(&ahead) + 1) * 8;

	if (!reader_ok(&ahead) || options > p->transport_len)
		return false;
	if (next != IPPROTO_ICMPV6)
		return true;
	reader_skip(r, options);
	p->extended = true;
	p->protocol = next;
	p->header += options;
	p->transport_len -= options;
	return true;
}

static bool has_udp_whole(const struct packet *p)
{
	const uint8_t *udp = p->data + p->header;

	return get16(udp + 4) == p->transport_len && get16(udp + UDP_CHECKSUM) != 0;
}

bool packet_parse6(struct packet *p, uint8_t *data, size_t len)
{
	struct reader r = reader_new(data, len);

	*p = (struct packet){ .data = data };
	if (!parse_header6(p, &r) || p->len > len)
		return false;
	p->transport_len = p->len - IPV6_HEADER;
	p->more_fragments = p->protocol == NEXT_FRAGMENT;
	if (p->protocol == NEXT_HOP_BY_HOP && !pass_options(p, &r))
		return false;
	struct reader transport = reader_sub(&r, p->transport_len);
	return parse_transport(p, &transport) && (p->protocol != IPPROTO_UDP || has_udp_whole(p));
}

bool packet_is_fragment(const struct packet *p)
{
	return p->more_fragments || p->offset > 0;
}

/* Of a header of 4 * WORDS bytes, whose first byte R is behind. */
static bool is_traffic4(struct reader r, size_t words, size_t len)
{
	reader_skip(&r, 5);
	uint16_t offset = reader_u16(&r) & 0x1fffu;
	reader_skip(&r, 1);
	bool tcp = reader_u8(&r) == IPPROTO_TCP;
	if (offset > 0 || !tcp || words < 5)
		return offset == 0;
	reader_skip(&r, 4 * words - 10 + 12);
	size_t tcp_words = reader_u8(&r) >> 4;
	bool fin = reader_u8(&r) & TCP_FIN;
	return !reader_ok(&r) || !fin || len > 4 * words + 4 * tcp_words;
}

bool packet_is_traffic(const uint8_t *packet, size_t len)
{
	struct reader r = reader_new(packet, len);
	uint8_t first = reader_u8(&r);

	if (first >> 4 == 4)
		return is_traffic4(r, first & 15, len);
	if (first >> 4 != 6)
		return true;
	reader_skip(&r, 5);
	uint8_t next = reader_u8(&r);
	reader_skip(&r, 17);
	uint16_t far = reader_u16(&r);
	reader_skip(&r, 14);
	uint8_t type = reader_u8(&r);
	bool discovers = next == IPPROTO_ICMPV6 && type >= ICMP6_ROUTER_SOLICITATION && type <= ICMP6_REDIRECTION;
	return !reader_ok(&r) || (far != 0xff02 && !discovers);
}

bool packet_is_icmp_error(const struct packet *p)
{
	if (p->v6)
		return p->protocol == IPPROTO_ICMPV6 && p->icmp_type < ICMP6_ECHO_ASK;
	if (p->protocol != IPPROTO_ICMP || p->offset > 0)
		return false;
	return p->icmp_type == ICMP_UNREACHABLE || p->icmp_type == ICMP_QUENCH || p->icmp_type == ICMP_REDIRECTION ||
	       p->icmp_type == ICMP_EXCEEDED || p->icmp_type == ICMP_PARAMETER;
}

bool packet_opens_tcp(const struct packet *p)
{
	return p->protocol == IPPROTO_TCP && p->offset == 0 && (p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

/* Where the packet has its transport checksum, or NULL: none there, or UDP's 0 that says so (RFC 768). */
static uint8_t *transport_checksum(const struct packet *p)
{
	size_t at;

	if (p->offset > 0)
		return NULL;
	if (p->protocol == IPPROTO_TCP)
		at = TCP_CHECKSUM;
	else if (p->protocol == IPPROTO_UDP)
		at = UDP_CHECKSUM;
	else if (p->v6 && p->protocol == IPPROTO_ICMPV6)
		at = ICMP_CHECKSUM;
	else
		return NULL;
	if (at + 2 > p->transport_len)
		return NULL;
	uint8_t *field = p->data + p->header + at;
	return p->protocol == IPPROTO_UDP && get16(field) == 0 ? NULL : field;
}

static void put_transport_checksum(const struct packet *p, uint8_t *field, uint16_t check)
{
	put16(field, p->protocol == IPPROTO_UDP && check == 0 ? 0xffff : check);
}

static bool has_ports(const struct packet *p)
{
	return p->offset == 0 && (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP);
}

static void rewrite_addr(struct packet *p, size_t at, uint32_t old, uint32_t new)
{
	uint8_t *header_check = p->data + HEADER_CHECKSUM;
	uint8_t *check = transport_checksum(p);

	put32(p->data + at, new);
	put16(header_check, checksum_replace32(get16(header_check), old, new));
	if (check)
		put_transport_checksum(p, check, checksum_replace32(get16(check), old, new));
}

static void rewrite_port(struct packet *p, size_t at, uint16_t old, uint16_t new)
{
	uint8_t *check = transport_checksum(p);

	put16(p->data + p->header + at, new);
	if (check)
		put_transport_checksum(p, check, checksum_replace16(get16(check), old, new));
}

void packet_set_source(struct packet *p, uint32_t addr, uint16_t port)
{
	if (addr != p->src)
		rewrite_addr(p, HEADER_SOURCE, p->src, addr);
	p->src = addr;
	if (!has_ports(p) || port == p->sport)
		return;
	rewrite_port(p, 0, p->sport, port);
	p->sport = port;
}

void packet_set_destination(struct packet *p, uint32_t addr, uint16_t port)
{
	if (addr != p->dst)
		rewrite_addr(p, HEADER_DESTINATION, p->dst, addr);
	p->dst = addr;
	if (!has_ports(p) || port == p->dport)
		return;
	rewrite_port(p, 2, p->dport, port);
	p->dport = port;
}

static void rewrite_addr6(struct packet *p, size_t at, const struct in6_addr *old, const struct in6_addr *new)
{
	uint8_t *field = transport_checksum(p);
	uint16_t check = field ? get16(field) : 0;

	for (size_t i = 0; i < sizeof(*new); i += 2)
		check = checksum_replace16(check, get16(&old->s6_addr[i]), get16(&new->s6_addr[i]));
	memcpy(p->data + at, new, sizeof(*new));
	if (field)
		put_transport_checksum(p, field, check);
}

void packet_set_source6(struct packet *p, const struct in6_addr *addr, uint16_t port)
{
	if (!IN6_ARE_ADDR_EQUAL(addr, &p->src6))
		rewrite_addr6(p, HEADER6_SOURCE, &p->src6, addr);
	p->src6 = *addr;
	if (!has_ports(p) || port == p->sport)
		return;
	rewrite_port(p, 0, p->sport, port);
	p->sport = port;
}

void packet_set_destination6(struct packet *p, const struct in6_addr *addr, uint16_t port)
{
	if (!IN6_ARE_ADDR_EQUAL(addr, &p->dst6))
		rewrite_addr6(p, HEADER6_DESTINATION, &p->dst6, addr);
	p->dst6 = *addr;
	if (!has_ports(p) || port == p->dport)
		return;
	rewrite_port(p, 2, p->dport, port);
	p->dport = port;
}

/* An option may begin at an odd byte: then its value is spread over two words of the sum, each byte in the other's place. */
static uint16_t in_sum_order(uint16_t value, size_t at)
{
	if (at % 2 == 0)
		return value;
	return (uint16_t)(value << 8 | value >> 8);
}

static void lower_mss(struct packet *p, size_t at, uint16_t mss)
{
	uint8_t *field = p->data + p->header + at;
	uint8_t *check = p->data + p->header + TCP_CHECKSUM;
	uint16_t old = get16(field);

	if (old <= mss)
		return;
	put16(field, mss);
	put16(check, checksum_replace16(get16(check), in_sum_order(old, at), in_sum_order(mss, at)));
}

void packet_clamp_mss(struct packet *p, uint16_t mss)
{
	if (p->protocol != IPPROTO_TCP || p->offset > 0 || !(p->tcp_flags & TCP_SYN))
		return;
	struct reader r = reader_new(p->data + p->header + TCP_HEADER, p->tcp_header - TCP_HEADER);
	while (reader_left(&r) > 0) {
		uint8_t kind = reader_u8(&r);

		if (kind == OPTION_END)
			return;
		if (kind == OPTION_NOP)
			continue;
		uint8_t len = reader_u8(&r);
		size_t at = p->tcp_header - reader_left(&r);
		if (!reader_ok(&r) || len < 2 || reader_left(&r) < len - 2u)
			return;
		if (kind == OPTION_MSS && len == OPTION_MSS_LEN)
			lower_mss(p, at, mss);
		reader_skip(&r, len - 2u);
	}
}

bool packet_quoted(const struct packet *p, struct packet *quoted)
{
	if (!packet_is_icmp_error(p) || p->more_fragments || p->transport_len < ICMP_HEADER + IPV4_HEADER + 8)
		return false;
	uint8_t *data = p->data + p->header + ICMP_HEADER;
	size_t len = p->transport_len - ICMP_HEADER;
	struct reader r = reader_new(data, len);

	*quoted = (struct packet){ .data = data };
	if (!parse_header(quoted, &r) || reader_left(&r) < 8)
		return false;
	quoted->transport_len = reader_left(&r);
	quoted->len = len;
	if (quoted->offset == 0 && (quoted->protocol == IPPROTO_TCP || quoted->protocol == IPPROTO_UDP)) {
		quoted->sport = reader_u16(&r);
		quoted->dport = reader_u16(&r);
	}
	return true;
}

bool packet_quoted6(const struct packet *p, struct packet *quoted)
{
	if (!packet_is_icmp_error(p) || p->transport_len < ICMP_HEADER + IPV6_HEADER + 8)
		return false;
	uint8_t *data = p->data + p->header + ICMP_HEADER;
	size_t len = p->transport_len - ICMP_HEADER;
	struct reader r = reader_new(data, len);

	*quoted = (struct packet){ .data = data };
	if (!parse_header6(quoted, &r))
		return false;
	quoted->transport_len = reader_left(&r);
	quoted->len = len;
	if (quoted->protocol == IPPROTO_TCP || quoted->protocol == IPPROTO_UDP) {
		quoted->sport = reader_u16(&r);
		quoted->dport = reader_u16(&r);
	}
	return true;
}

/* RFC 9293 §3.1, RFC 8200 §8.1 */
static uint64_t pseudo_header_sum(const struct packet *p)
{
	uint64_t sum = p->v6 ? checksum_add(0, p->data + HEADER6_SOURCE, 32) : checksum_add(0, p->data + HEADER_SOURCE, 8);

	sum = checksum_add_u16(sum, p->protocol);
	return checksum_add_u16(sum, (uint16_t)p->transport_len);
}

static uint64_t transport_sum(const struct packet *p)
{
	return checksum_add(pseudo_header_sum(p), p->data + p->header, p->transport_len);
}

void packet_fix_icmp(struct packet *p)
{
	uint8_t *check = p->data + p->header + ICMP_CHECKSUM;

	put16(check, 0);
	put16(check, checksum_finish(p->v6 ? transport_sum(p) : checksum_add(0, p->data + p->header, p->transport_len)));
}

bool packet_icmp6_checksum_ok(const struct packet *p)
{
	return checksum_finish(transport_sum(p)) == 0;
}

bool packet_tcp_checksum_ok(const struct packet *p)
{
	return checksum_finish(transport_sum(p)) == 0;
}

void packet_complete_checksum(struct packet *p)
{
	uint8_t *check = p->data + p->header + (p->protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);

	put16(check, 0);
	put_transport_checksum(p, check, checksum_finish(transport_sum(p)));
}

void packet_partial_checksum(struct packet *p)
{
	put16(p->data + p->header + TCP_CHECKSUM, (uint16_t)~checksum_finish(pseudo_header_sum(p)));
}

bool packet_header_ok(const struct packet *p)
{
	return checksum_finish(checksum_add(0, p->data, p->header)) == 0;
}

void packet_complete_header(uint8_t *data, size_t header)
{
	put16(data + HEADER_CHECKSUM, 0);
	put16(data + HEADER_CHECKSUM, checksum_finish(checksum_add(0, data, header)));
}
