/* An IPv4 packet (RFC 791) or an IPv6 packet (RFC 8200): a checked view of its headers, and the changes that the two backends make to it.
 *
 * packet_parse() looks at every length once; what it accepts can be read and rewritten without further checks. Checksums of
 * received packets are not verified here: whoever takes the packet in the end does. Numbers are in host byte order. */
#ifndef SLIRPPD_NET_PACKET_H
#define SLIRPPD_NET_PACKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPV4_HEADER 20
#define IPV4_HEADER_MAX 60
#define IPV6_HEADER 40
#define IPV6_MTU_MIN 1280 /* RFC 8200 §5 */
#define TCP_HEADER 20
#define TCP_HEADER_MAX 60
#define UDP_HEADER 8
#define ICMP_HEADER 8
#define IPV4_PACKET_MAX 65535

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_CWR = 0x80
};

/* RFC 792, RFC 1812 §5.2.7 */
enum icmp_type {
	ICMP_ECHO_ANSWER = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_QUENCH = 4,
	ICMP_REDIRECTION = 5,
	ICMP_ECHO_REQUEST = 8,
	ICMP_EXCEEDED = 11,
	ICMP_PARAMETER = 12
};
/* RFC 4443, RFC 4861, RFC 2710, RFC 3810; below 128 are errors */
enum icmp6_type {
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_PARAMETER = 4,
	ICMP6_ECHO_ASK = 128,
	ICMP6_ECHO_ANSWER = 129,
	ICMP6_MLD_FIRST = 130,
	ICMP6_MLD_LAST = 132,
	ICMP6_ROUTER_SOLICITATION = 133,
	ICMP6_ROUTER_ADVERTISEMENT = 134,
	ICMP6_NEIGHBOUR_SOLICITATION = 135,
	ICMP6_NEIGHBOUR_ADVERTISEMENT = 136,
	ICMP6_REDIRECTION = 137,
	ICMP6_MLD2_REPORT = 143
};
enum icmp6_unreachable { UNREACHABLE6_PROHIBITED = 1, UNREACHABLE6_PORT = 4 };

enum icmp_unreachable { UNREACHABLE_PROTOCOL = 2, UNREACHABLE_PORT = 3, UNREACHABLE_PROHIBITED = 13 };

struct packet {
	uint8_t *data;
	size_t len;    /* the packet's total length; what came behind it (padding) is not part of it */
	size_t header; /* length of the IP header */
	uint8_t protocol;
	uint16_t id;
	uint32_t src, dst;
	bool dont_fragment, more_fragments;
	unsigned offset; /* of this fragment in its datagram, bytes */

	/* The transport header, complete unless this is a later fragment (offset > 0). */
	size_t transport_len;  /* bytes behind the IP header */
	uint16_t sport, dport; /* TCP and UDP, else 0 */
	uint8_t tcp_flags;
	uint32_t seq, ack; /* TCP's */
	size_t tcp_header;
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id; /* of an echo; other types have something else there */

	bool v6;                    /* an IPv6 packet: what follows stands for SRC and DST, which are 0 */
	struct in6_addr src6, dst6;
	uint8_t hop_limit;
	bool extended;              /* hop-by-hop options stand before the transport header, and HEADER counts them */
};

/* A view of LEN bytes at DATA, which stay the caller's. False for anything but a well-formed IPv4 packet: every header there in
 * full (RFC 1858 for first fragments), every length within the one around it, no fragment reaching beyond 65535. */
bool packet_parse(struct packet *p, uint8_t *data, size_t len);

/* The same for IPv6 alone. Of the headers that may stand before the transport's it knows hop-by-hop options before ICMPv6 (what MLD has),
 * and RFC 8200's fragment header, of which it looks at nothing: packet_is_fragment() is true then. Behind any other, or an unknown one,
 * nothing is read; PROTOCOL is that header's number. UDP without a checksum, or with a length of its own, is malformed. */
bool packet_parse6(struct packet *p, uint8_t *data, size_t len);

/* Whether a packet of LEN bytes, of either family, is somebody's traffic: IPv6's housekeeping (multicast within the link, neighbour and router
 * discovery; RFC 4861, RFC 4291 §2.7) is not, nor are, as in pppd, later fragments of IPv4 and the end of a connection (a TCP FIN without data). */
bool packet_is_traffic(const uint8_t *packet, size_t len);

bool packet_is_fragment(const struct packet *p);
bool packet_is_icmp_error(const struct packet *p);

/* True for a TCP packet that opens a connection: SYN without ACK. */
bool packet_opens_tcp(const struct packet *p);

/* Rewrite one end of the packet and keep all checksums right (RFC 1624). The port matters only where the packet shows one. */
void packet_set_source(struct packet *p, uint32_t addr, uint16_t port);
void packet_set_destination(struct packet *p, uint32_t addr, uint16_t port);

void packet_set_source6(struct packet *p, const struct in6_addr *addr, uint16_t port);
void packet_set_destination6(struct packet *p, const struct in6_addr *addr, uint16_t port);

/* Lowers the maximum segment size that a TCP SYN names (RFC 9293 §3.7.1) to MSS; other packets stay as they are. */
void packet_clamp_mss(struct packet *p, uint16_t mss);

/* The packet that an ICMP error quotes (RFC 792): its IP header and 8 bytes or more of what followed. QUOTED may be given to the
 * packet_set functions; packet_fix_icmp() then makes the outer checksum right. */
bool packet_quoted(const struct packet *p, struct packet *quoted);
bool packet_quoted6(const struct packet *p, struct packet *quoted);
void packet_fix_icmp(struct packet *p);

/* True when the checksum of a whole TCP packet is right. */
bool packet_tcp_checksum_ok(const struct packet *p);

/* True when the checksum of a whole ICMPv6 packet is right. */
bool packet_icmp6_checksum_ok(const struct packet *p);

/* Puts the right TCP or UDP checksum into a whole packet (not a fragment). */
void packet_complete_checksum(struct packet *p);

/* Puts the sum over the pseudo header alone into a TCP packet: whoever gets it completes it (a network card, the kernel). */
void packet_partial_checksum(struct packet *p);

/* True when the IP header's checksum is right. */
bool packet_header_ok(const struct packet *p);

/* The IP header's checksum after its fields were written directly. */
void packet_complete_header(uint8_t *data, size_t header);

#endif
