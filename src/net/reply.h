/* Packets that say no: a TCP reset, an ICMP or ICMPv6 error. */
#ifndef SLIRPPD_NET_REPLY_H
#define SLIRPPD_NET_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "net/packet.h"
#include "writer.h"

/* Room that any reply needs: what RFC 1812 §4.3.2.3 allows an ICMP error to be. */
#define REPLY_MAX 576
#define REPLY6_MAX IPV6_MTU_MIN /* any of these where the packet was an IPv6 one (RFC 4443 §2.4) */

/* The segment that refuses the TCP segment P (RFC 9293 §3.10.7.1), written to BUF (REPLY_MAX bytes). Returns its length, or 0 when
 * P may not be answered so. */
size_t reply_tcp_reset(uint8_t *buf, const struct packet *p);

/* The reset of a connection, in the name of SRC. FLAGS: TCP_RST, and TCP_ACK where ACK means something. */
struct reset {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	bool v6; /* then these, not SRC and DST */
	struct in6_addr src6, dst6;
};

/* Writes it to BUF (REPLY_MAX bytes). Returns its length. */
size_t reply_reset(uint8_t *buf, const struct reset *reset);

/* The ICMP error of TYPE and CODE about P, sent by FROM. 0 when P must not be answered (RFC 1122 §3.2.2). Neither answers what was sent to
 * an address that no host has; but about a loopback address FROM may tell. */
size_t reply_icmp_error(uint8_t *buf, const struct packet *p, uint32_t from, uint8_t type, uint8_t code);

/* The ICMPv6 error of TYPE and CODE about P, an IPv6 packet, sent by FROM; NUMBER is its MTU or pointer. 0 when P must not be answered
 * (RFC 4443 §2.4). BUF has REPLY6_MAX bytes. */
size_t reply_icmp6_error(uint8_t *buf, const struct packet *p, const struct in6_addr *from, uint8_t type, uint8_t code, uint32_t number);

/* The header of an IPv6 packet (RFC 8200 §3) with LEN bytes of PROTOCOL behind it. */
struct reply6 {
	struct in6_addr src, dst;
	uint8_t protocol, hop_limit;
};
void reply_write_header6(struct writer *w, const struct reply6 *header, size_t len);
/* Ends an ICMPv6 packet of LEN bytes at BUF: its checksum. Returns LEN; 0 where it is none. */
size_t reply_end_icmp6(uint8_t *buf, size_t len);

#endif
