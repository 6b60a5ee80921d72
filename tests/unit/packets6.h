/* IPv6 packets for the tests of net/: built and verified by code that shares nothing with what is tested. */
#ifndef SLIRPPD_TEST_PACKETS6_H
#define SLIRPPD_TEST_PACKETS6_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spec6 {
	const char *src, *dst; /* as inet_pton() reads them */
	uint8_t protocol;
	uint16_t sport, dport;
	uint8_t flags; /* TCP's */
	uint32_t seq, ack;
	uint16_t mss;       /* TCP's option, if not 0 */
	uint8_t type, code; /* ICMPv6's */
	uint8_t hop_limit;  /* 64 if 0 */
	const void *body;   /* after the transport's header (ICMPv6: after its first 4 bytes) */
	size_t len;
	bool options; /* a hop-by-hop header with a router alert before it */
};

/* Writes the packet to BUF (large enough) with right checksums; returns its length. */
size_t build6(uint8_t *buf, const struct spec6 *spec);

/* Length and transport checksum of a packet without extension headers. */
bool right6(const uint8_t *packet, size_t len);

/* Whether the packet goes between these, which inet_pton() reads. */
bool goes6(const uint8_t *packet, const char *src, const char *dst);

struct in6_addr addr6(const char *text);

#endif
