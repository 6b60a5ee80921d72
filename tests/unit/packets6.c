/* IPv6 packets for the tests of net/; see packets6.h. RFC 8200, RFC 4443. */
#include "packets6.h"

#include <arpa/inet.h>
#include <string.h>

#include "packets.h"

#define HEADER 40

static void store(uint8_t *at, uint32_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
}

struct in6_addr addr6(const char *text)
{
	struct in6_addr addr = IN6ADDR_ANY_INIT;

	inet_pton(AF_INET6, text, &addr);
	return addr;
}

bool goes6(const uint8_t *packet, const char *src, const char *dst)
{
	const struct in6_addr from = addr6(src), to = addr6(dst);

	return memcmp(packet + 8, &from, 16) == 0 && memcmp(packet + 24, &to, 16) == 0;
}

static uint32_t pseudo(const uint8_t *packet, size_t len, uint8_t protocol)
{
	uint32_t sum = protocol + (uint32_t)len;

	for (unsigned i = 8; i < HEADER; i += 2)
		sum += packet_u16(packet, i);
	return sum;
}

bool right6(const uint8_t *packet, size_t len)
{
	if (len < HEADER || packet[0] >> 4 != 6 || packet_u16(packet, 4) != len - HEADER)
		return false;
	return plain_checksum(pseudo(packet, len - HEADER, packet[6]), packet + HEADER, len - HEADER) == 0;
}

static size_t build_tcp(uint8_t *t, const struct spec6 *s)
{
	size_t header = s->mss ? 24 : 20;

	store(t, s->sport, 2);
	store(t + 2, s->dport, 2);
	store(t + 4, s->seq, 4);
	store(t + 8, s->ack, 4);
	t[12] = (uint8_t)(header / 4 << 4);
	t[13] = s->flags;
	store(t + 14, 0xfaf0, 2);
	store(t + 20, s->mss ? 0x02040000u | s->mss : 0, 4);
	return header;
}

static size_t build_transport(uint8_t *t, const struct spec6 *s)
{
	switch (s->protocol) {
	case IPPROTO_TCP:
		return build_tcp(t, s);
	case IPPROTO_UDP:
		store(t, s->sport, 2);
		store(t + 2, s->dport, 2);
		store(t + 4, (uint32_t)(8 + s->len), 2);
		return 8;
	case IPPROTO_ICMPV6:
		t[0] = s->type;
		t[1] = s->code;
		return 4;
	default:
		return 0;
	}
}

static void add_checksum(uint8_t *buf, uint8_t *t, size_t len, const struct spec6 *s)
{
	size_t at = s->protocol == IPPROTO_TCP ? 16 : s->protocol == IPPROTO_UDP ? 6 : 2;

	if (s->protocol != IPPROTO_TCP && s->protocol != IPPROTO_UDP && s->protocol != IPPROTO_ICMPV6)
		return;
	uint16_t sum = plain_checksum(pseudo(buf, len, s->protocol), t, len);
	store(t + at, s->protocol == IPPROTO_UDP && sum == 0 ? 0xffff : sum, 2);
}

size_t build6(uint8_t *buf, const struct spec6 *s)
{
	static const uint8_t router_alert[] = { 0, 0, 5, 2, 0, 0, 1, 0 };
	const struct in6_addr src = addr6(s->src), dst = addr6(s->dst);
	size_t options = s->options ? sizeof(router_alert) : 0;
	uint8_t *t = buf + HEADER + options;

	memset(buf, 0, 96);
	buf[0] = 0x60;
	buf[6] = s->options ? 0 : s->protocol;
	buf[7] = s->hop_limit ? s->hop_limit : 64;
	memcpy(buf + 8, &src, 16);
	memcpy(buf + 24, &dst, 16);
	if (options) {
		memcpy(buf + HEADER, router_alert, options);
		buf[HEADER] = s->protocol;
	}
	size_t len = build_transport(t, s);
	if (s->len > 0)
		memcpy(t + len, s->body, s->len);
	len += s->len;
	store(buf + 4, (uint32_t)(options + len), 2);
	add_checksum(buf, t, len, s);
	return HEADER + options + len;
}
