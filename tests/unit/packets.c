/* Packets for the tests of net/; see packets.h. */
#include "packets.h"

#include <string.h>

uint32_t packet_u32(const uint8_t *packet, size_t at)
{
	return (uint32_t)packet[at] << 24 | (uint32_t)packet[at + 1] << 16 | (uint32_t)packet[at + 2] << 8 | packet[at + 3];
}

uint16_t packet_u16(const uint8_t *packet, size_t at)
{
	return (uint16_t)(packet[at] << 8 | packet[at + 1]);
}

static void store(uint8_t *at, uint32_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
}

uint16_t plain_checksum(uint32_t start, const uint8_t *data, size_t len)
{
	uint32_t sum = start;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint32_t pseudo(const uint8_t *packet, size_t len)
{
	uint32_t sum = packet[9] + (uint32_t)len;

	for (unsigned i = 12; i < 20; i += 2)
		sum += packet_u16(packet, i);
	return sum;
}

bool checksums_right(const uint8_t *packet, size_t len)
{
	size_t header = (packet[0] & 0xfu) * 4u;

	if (plain_checksum(0, packet, header) != 0)
		return false;
	if (packet_u16(packet, 6) & 0x3fff)
		return true;
	if (packet[9] == IPPROTO_ICMP)
		return plain_checksum(0, packet + header, len - header) == 0;
	if (packet[9] == IPPROTO_UDP && packet_u16(packet, header + 6) == 0)
		return true;
	return plain_checksum(pseudo(packet, len - header), packet + header, len - header) == 0;
}

static size_t build_tcp(uint8_t *t, const struct spec *s)
{
	size_t header = 20 + s->options_len;

	store(t, s->sport, 2);
	store(t + 2, s->dport, 2);
	store(t + 4, s->seq, 4);
	store(t + 8, s->ack, 4);
	t[12] = (uint8_t)(header / 4 << 4);
	t[13] = s->flags;
	store(t + 14, 0xfaf0, 2);
	if (s->options_len > 0)
		memcpy(t + 20, s->options, s->options_len);
	return header;
}

static size_t build_transport(uint8_t *t, const struct spec *s)
{
	switch (s->protocol) {
	case IPPROTO_TCP:
		return build_tcp(t, s);
	case IPPROTO_UDP:
		store(t, s->sport, 2);
		store(t + 2, s->dport, 2);
		store(t + 4, (uint32_t)(8 + s->payload), 2);
		return 8;
	case IPPROTO_ICMP:
		t[0] = s->type;
		t[1] = s->code;
		return 8;
	default:
		return 0;
	}
}

static void add_checksum(uint8_t *packet, size_t len, const struct spec *s)
{
	size_t at = s->protocol == IPPROTO_TCP ? 16 : s->protocol == IPPROTO_UDP ? 6 : 2;
	uint32_t start = s->protocol == IPPROTO_ICMP ? 0 : pseudo(packet, len - 20);
	uint16_t sum = plain_checksum(start, packet + 20, len - 20);

	if (s->no_checksum || (s->protocol != IPPROTO_TCP && s->protocol != IPPROTO_UDP && s->protocol != IPPROTO_ICMP))
		return;
	store(packet + 20 + at, s->protocol == IPPROTO_UDP && sum == 0 ? 0xffff : sum, 2);
}

size_t build(uint8_t *buf, const struct spec *s)
{
	memset(buf, 0, 80);
	buf[0] = 0x45;
	store(buf + 4, s->id, 2);
	store(buf + 6, s->fragment, 2);
	buf[8] = 64;
	buf[9] = s->protocol;
	store(buf + 12, s->src, 4);
	store(buf + 16, s->dst, 4);
	size_t len = 20 + build_transport(buf + 20, s);
	for (size_t i = 0; i < s->payload; i++)
		buf[len + i] = (uint8_t)((s->seq + i) * 7 + ((s->seq + i) >> 8));
	len += s->payload;
	store(buf + 2, (uint32_t)len, 2);
	add_checksum(buf, len, s);
	store(buf + 10, plain_checksum(0, buf, 20), 2);
	return len;
}
