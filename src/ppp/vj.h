/* Van Jacobson's compression of TCP/IP headers (RFC 1144; its numbers in PPP: RFC 1332 §4). One struct for each direction.
 *
 * A packet is never copied: what is compressed is a new header and a place in the old packet, and what is decompressed is written before
 * the rest where it lies. */
#ifndef SLIRPPD_PPP_VJ_H
#define SLIRPPD_PPP_VJ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VJ_SLOTS_MAX 16
#define VJ_HEADER_MAX 120 /* of IP and TCP, with all options */
#define VJ_HEADROOM 128   /* bytes before a packet given to vj_receive() that may be overwritten */

struct vj_sender;
struct vj_receiver;

/* SLOTS: connections that are remembered, 1 to VJ_SLOTS_MAX. COMPRESS_ID: the connection number may be left out of a packet of the same
 * connection as the last. */
struct vj_sender *vj_sender_new(unsigned slots, bool compress_id);
void vj_sender_free(struct vj_sender *vj);

/* How a packet goes over the line: as PROTOCOL, HEAD_LEN bytes of HEAD, then what begins at BODY of the packet. */
struct vj_packet {
	uint16_t protocol; /* PPP_IP (HEAD_LEN and BODY are 0), PPP_VJC_COMP or PPP_VJC_UNCOMP */
	uint8_t head[VJ_HEADER_MAX + 8];
	size_t head_len, body;
};

/* PACKET: anything, LEN bytes, unchanged; only TCP over IPv4 is compressed. What was asked for has to be sent: the other end is to see it. */
void vj_send(struct vj_sender *vj, const uint8_t *packet, size_t len, struct vj_packet *out);

struct vj_receiver *vj_receiver_new(unsigned slots, bool compress_id);
void vj_receiver_free(struct vj_receiver *vj);

/* A packet of PROTOCOL (PPP_VJC_COMP or PPP_VJC_UNCOMP), *LEN bytes at PACKET. Returns where the IPv4 packet begins (at most VJ_HEADROOM
 * before PACKET) with its length in *LEN; NULL: it is dropped, since it cannot be told (RFC 1144 §4: TOSS) or its checksums are wrong. */
uint8_t *vj_receive(struct vj_receiver *vj, uint16_t protocol, uint8_t *packet, size_t *len);

/* A frame was lost or damaged: compressed packets without a connection number are dropped until one names it (§4.1). */
void vj_line_error(struct vj_receiver *vj);

#endif
