/* What a router says to the host at the other end of a link: advertisements, neighbour discovery, pings; see gate.h. gate6.c calls this.
 * RFC 4861, RFC 4862, RFC 4443 §4, RFC 8106.
 *
 * There are no link-layer addresses on PPP (RFC 5072): no message has an option for one. */
#include "net/gate_internal.h"

#include <string.h>

#include "reader.h"

#define HOP_LIMIT 64
#define ND_HOP_LIMIT 255 /* RFC 4861 §6.1: it came from no further than the link */
#define ROUTER_LIFETIME 1800
#define VALID_LIFETIME 86400u
#define PREFERRED_LIFETIME 14400u
#define RESOLVER_LIFETIME 1800u /* RFC 8106 §5.1: three times the longest interval */
#define TARGET_AT 8
#define ADDRESS 16

enum option { OPTION_PREFIX = 3, OPTION_MTU = 5, OPTION_RDNSS = 25 };
enum { ON_LINK = 0x80, AUTONOMOUS = 0x40 };                         /* RFC 4861 §4.6.2 */
enum { FROM_ROUTER = 0x80, SOLICITED = 0x40, OVERRIDE = 0x20 };     /* RFC 4861 §4.4 */

static const struct in6_addr all_nodes = { .s6_addr = { 0xff, 0x02, [15] = 1 } };
static const struct in6_addr prefix = GATE6_PREFIX;

/* RFC 4861 §4.6.2 */
static void write_prefix(struct writer *w)
{
	writer_u8(w, OPTION_PREFIX);
	writer_u8(w, 4);
	writer_u8(w, GATE6_PREFIX_BITS);
	writer_u8(w, ON_LINK | AUTONOMOUS);
	writer_u32(w, VALID_LIFETIME);
	writer_u32(w, PREFERRED_LIFETIME);
	writer_u32(w, 0);
	writer_bytes(w, &prefix, sizeof(prefix));
}

/* RFC 4861 §4.6.4 */
static void write_mtu(struct writer *w, uint16_t mtu)
{
	writer_u8(w, OPTION_MTU);
	writer_u8(w, 1);
	writer_u16(w, 0);
	writer_u32(w, mtu);
}

/* RFC 8106 §5.1 */
static void write_resolver(struct writer *w, const struct in6_addr *addr)
{
	writer_u8(w, OPTION_RDNSS);
	writer_u8(w, 3);
	writer_u16(w, 0);
	writer_u32(w, RESOLVER_LIFETIME);
	writer_bytes(w, addr, sizeof(*addr));
}

/* Where this machine has no way to the IPv6 Internet, hosts are not to try it by us: no router, but an address all the same. */
static bool is_router(const struct gate *gate)
{
	return !gate->net.restrict_peer && policy_has_world6(gate->policy);
}

static void write_advertisement(const struct gate *gate, struct writer *w)
{
	writer_u8(w, ICMP6_ROUTER_ADVERTISEMENT);
	writer_u8(w, 0);
	writer_u16(w, 0);
	writer_u8(w, HOP_LIMIT);
	writer_u8(w, 0);
	writer_u16(w, is_router(gate) ? ROUTER_LIFETIME : 0);
	writer_u32(w, 0);
	writer_u32(w, 0);
	write_prefix(w);
	if (gate->link.mtu >= IPV6_MTU_MIN)
		write_mtu(w, gate->link.mtu);
	if (gate6_has_resolver(gate))
		write_resolver(w, &gate->local6[SCOPE_PREFIX]);
}

/* One ICMPv6 message from our link-local address, as neighbour discovery wants it: its header is written last, when its length is known. */
static size_t complete(const struct gate *gate, uint8_t *buf, const struct in6_addr *to, size_t len)
{
	const struct reply6 header = { gate->local6[SCOPE_LINK], *to, IPPROTO_ICMPV6, ND_HOP_LIMIT };
	struct writer w = writer_new(buf, IPV6_HEADER);

	reply_write_header6(&w, &header, len);
	return reply_end_icmp6(buf, IPV6_HEADER + len);
}

static size_t advertise(const struct gate *gate, uint8_t *buf, const struct in6_addr *to)
{
	struct writer w = writer_new(buf + IPV6_HEADER, REPLY6_MAX - IPV6_HEADER);

	write_advertisement(gate, &w);
	return writer_ok(&w) ? complete(gate, buf, to, writer_len(&w)) : 0;
}

size_t gate6_advertisement(const struct gate *gate, uint8_t *buf)
{
	return gate6_is_up(gate) ? advertise(gate, buf, &all_nodes) : 0;
}

/* Whoever has no address yet is told as everybody is. */
static const struct in6_addr *answer_to(const struct packet *p)
{
	return IN6_IS_ADDR_UNSPECIFIED(&p->src6) ? &all_nodes : &p->src6;
}

static enum gate_verdict ignore(struct gate *gate, struct packet *p)
{
	(void)p;
	gate->counters.ignored++;
	return GATE_DROP;
}

/* RFC 2710, RFC 3810: reports of who listens to which group. Hosts send them unasked. */
static enum gate_verdict pass_over(struct gate *gate, struct packet *p)
{
	(void)gate;
	(void)p;
	return GATE_DROP;
}

/* RFC 4861 §6.2.6 */
static enum gate_verdict router_solicitation(struct gate *gate, struct packet *p)
{
	return gate_give_answer(gate, gate->answer_buffer, advertise(gate, gate->answer_buffer, answer_to(p)));
}

/* RFC 4861 §7.2.4; without a source it is the test whether an address is in use (RFC 4862 §5.4.3): ours are. */
static enum gate_verdict neighbour_solicitation(struct gate *gate, struct packet *p)
{
	struct writer w = writer_new(gate->answer_buffer + IPV6_HEADER, REPLY6_MAX - IPV6_HEADER);
	struct reader r = reader_new(p->data + p->header, p->transport_len);
	struct in6_addr target;

	reader_skip(&r, TARGET_AT);
	const uint8_t *bytes = reader_bytes(&r, ADDRESS);
	if (!bytes)
		return gate_drop(&gate->counters.malformed);
	memcpy(&target, bytes, ADDRESS);
	if (!gate6_is_local(gate, &target))
		return GATE_DROP;
	writer_u8(&w, ICMP6_NEIGHBOUR_ADVERTISEMENT);
	writer_u8(&w, 0);
	writer_u16(&w, 0);
	writer_u8(&w, FROM_ROUTER | OVERRIDE | (IN6_IS_ADDR_UNSPECIFIED(&p->src6) ? 0 : SOLICITED));
	writer_u8(&w, 0);
	writer_u16(&w, 0);
	writer_bytes(&w, &target, ADDRESS);
	return gate_give_answer(gate, gate->answer_buffer, complete(gate, gate->answer_buffer, answer_to(p), writer_len(&w)));
}

/* RFC 4443 §4.2, in place: what was sent to all nodes is answered by our link-local address. */
static enum gate_verdict echo(struct gate *gate, struct packet *p)
{
	struct in6_addr from = gate6_is_local(gate, &p->dst6) ? p->dst6 : *gate6_local_for(gate, &p->src6);
	const struct reply6 header = { from, p->src6, IPPROTO_ICMPV6, HOP_LIMIT };
	struct writer w = writer_new(p->data, IPV6_HEADER + 1);

	if (!gate6_is_local(gate, &p->dst6) && !IN6_ARE_ADDR_EQUAL(&p->dst6, &all_nodes))
		return gate_drop(&gate->counters.ignored);
	reply_write_header6(&w, &header, p->transport_len);
	writer_u8(&w, ICMP6_ECHO_ANSWER);
	return gate_give_answer(gate, p->data, reply_end_icmp6(p->data, p->len));
}

/* What hosts send to routers. ND: RFC 4861's conditions on hop limit and code hold; FROM_ANYBODY: even without a source address. */
static const struct {
	uint8_t first, last;
	bool nd, from_anybody;
	enum gate_verdict (*handle)(struct gate *gate, struct packet *p);
} messages[] = {
	{ ICMP6_ECHO_ASK, ICMP6_ECHO_ASK, false, false, echo },
	{ ICMP6_MLD_FIRST, ICMP6_MLD_LAST, false, true, pass_over },
	{ ICMP6_MLD2_REPORT, ICMP6_MLD2_REPORT, false, true, pass_over },
	{ ICMP6_ROUTER_SOLICITATION, ICMP6_ROUTER_SOLICITATION, true, true, router_solicitation },
	{ ICMP6_NEIGHBOUR_SOLICITATION, ICMP6_NEIGHBOUR_SOLICITATION, true, true, neighbour_solicitation },
	{ ICMP6_NEIGHBOUR_ADVERTISEMENT, ICMP6_NEIGHBOUR_ADVERTISEMENT, true, false, pass_over },
	{ 0, UINT8_MAX, false, true, ignore },
};

enum gate_verdict gate6_answer_icmp(struct gate *gate, struct packet *p)
{
	unsigned i = 0;

	while (p->icmp_type < messages[i].first || p->icmp_type > messages[i].last)
		i++;
	bool nobody = messages[i].from_anybody && IN6_IS_ADDR_UNSPECIFIED(&p->src6);
	if (!nobody && !gate6_is_peer(gate, &p->src6))
		return gate_drop(&gate->counters.spoofed);
	bool hostile = messages[i].nd && (p->hop_limit != ND_HOP_LIMIT || p->icmp_code != 0);
	if (hostile || (p->extended && messages[i].handle != pass_over))
		return gate_drop(&gate->counters.ignored);
	if (!packet_icmp6_checksum_ok(p))
		return gate_drop(&gate->counters.malformed);
	return messages[i].handle(gate, p);
}
