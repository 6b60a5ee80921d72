/* Packets that say no: a TCP reset, an ICMP error. */
#ifndef SLIRPPD_NET_REPLY_H
#define SLIRPPD_NET_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "net/packet.h"

/* Room that any reply needs: what RFC 1812 §4.3.2.3 allows an ICMP error to be. */
#define REPLY_MAX 576

/* The segment that refuses the TCP segment P (RFC 9293 §3.10.7.1), written to BUF (REPLY_MAX bytes). Returns its length, or 0 when
 * P may not be answered so. */
size_t reply_tcp_reset(uint8_t *buf, const struct packet *p);

/* The reset of a connection, in the name of SRC. FLAGS: TCP_RST, and TCP_ACK where ACK means something. */
struct reset {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
};

/* Writes it to BUF (REPLY_MAX bytes). Returns its length. */
size_t reply_reset(uint8_t *buf, const struct reset *reset);

/* The ICMP error of TYPE and CODE about P, sent by FROM. 0 when P must not be answered (RFC 1122 §3.2.2). Neither answers what was sent to
 * an address that no host has; but about a loopback address FROM may tell. */
size_t reply_icmp_error(uint8_t *buf, const struct packet *p, uint32_t from, uint8_t type, uint8_t code);

#endif
