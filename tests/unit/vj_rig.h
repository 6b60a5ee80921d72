/* Both ends of header compression, for the tests of vj: what is sent, what of it is on the wire, what comes out. */
#ifndef SLIRPPD_TEST_VJ_RIG_H
#define SLIRPPD_TEST_VJ_RIG_H

#include <glib.h>

#include "packets.h"
#include "ppp/ppp.h"
#include "ppp/vj.h"

#define PACKET_MAX 4096
#define ACK 0x10
#define PSH 0x08
#define URG 0x20
#define AT_WINDOW 34 /* in a packet with a plain IP header */
#define AT_CHECK 36
#define AT_URGENT 38

struct vj_pair {
	struct vj_sender *sender;
	struct vj_receiver *receiver;
	uint8_t packet[PACKET_MAX]; /* what was sent last */
	size_t len;
	struct vj_packet out;
	GString *wire;              /* its head as hexadecimal text */
	uint8_t room[VJ_HEADROOM + PACKET_MAX];
	uint8_t *got;               /* what came out, or NULL */
	size_t got_len;
};

struct vj_pair *vj_pair_new(unsigned slots, bool compress_id);
void vj_pair_free(struct vj_pair *p);

/* A packet of PROTOCOL comes to the receiver: HEAD, then BODY, in memory of its own size. Whether one came out. */
bool vj_pair_receive(struct vj_pair *p, uint16_t protocol, const void *head, size_t head_len, const uint8_t *body, size_t body_len);
/* The packet that was compressed last does. */
bool vj_pair_arrive(struct vj_pair *p);

/* Compresses the packet of SPEC (NULL: p->packet); returns the protocol it goes as, with what is put before its body in p->wire. */
uint16_t vj_pair_compress(struct vj_pair *p, const struct spec *spec);

/* It goes as PROTOCOL and comes out as it was; compressed as HEAD: the mask, an id, the checksum (written ....), the differences. */
bool vj_pair_passes(struct vj_pair *p, const struct spec *spec, uint16_t protocol);
bool vj_pair_goes_as(struct vj_pair *p, const struct spec *spec, const char *head);

/* A packet of one byte in the middle of a connection from PORT, and the next of it. */
struct spec vj_conversation(uint16_t port);
void vj_next(struct spec *spec, uint32_t seq, uint32_t ack);

/* p->packet was written into: its checksums are made right. */
void vj_pair_fix(struct vj_pair *p);
void vj_pair_set16(struct vj_pair *p, size_t at, uint16_t v);

#endif
