/* Packets for the tests of net/: built and verified by code that shares nothing with what is tested. */
#ifndef SLIRPPD_TEST_PACKETS_H
#define SLIRPPD_TEST_PACKETS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 1071 §4.1, byte by byte. */
uint16_t plain_checksum(uint32_t start, const uint8_t *data, size_t len);

/* Every checksum in the packet: IP's, and TCP's, UDP's (0 is right, too) or ICMP's where it is no fragment. */
bool checksums_right(const uint8_t *packet, size_t len);

struct spec {
	uint8_t protocol;
	uint32_t src, dst;
	uint16_t sport, dport;
	uint8_t flags; /* TCP's */
	uint32_t seq, ack;
	const uint8_t *options; /* TCP's */
	size_t options_len;
	size_t payload; /* bytes, a pattern that depends on `seq` */
	uint8_t type, code; /* ICMP's */
	bool no_checksum;   /* UDP's 0 */
	uint16_t fragment;  /* the IP header's flags and offset, as they are */
	uint16_t id;
};

/* Writes the packet to BUF (large enough) with right checksums; returns its length. */
size_t build(uint8_t *buf, const struct spec *spec);

/* Fields of a packet with a plain IP header. */
uint32_t packet_u32(const uint8_t *packet, size_t at);
uint16_t packet_u16(const uint8_t *packet, size_t at);

#endif
