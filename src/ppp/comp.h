/* A method of compression (or encryption: MPPE) of packets, in one direction of the link. ccp.c negotiates it and owns it; the methods
 * are constants: comp_deflate, comp_deflate_draft, comp_bsd, comp_mppe.
 *
 * What is compressed is a packet with its protocol number in front: one byte where that is enough (RFC 1962 §2.1), else two; MPPE always has
 * two (as Linux). What comes out goes over the line as a packet of protocol 0x00fd. */
#ifndef SLIRPPD_PPP_COMP_H
#define SLIRPPD_PPP_COMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ppp/chap_ms.h"

/* A packet to be compressed: PROTOCOL, then HEAD and BODY one after the other (VJ writes a header of its own before a packet's rest). */
struct comp_packet {
	uint16_t protocol;
	const uint8_t *head, *body;
	size_t head_len, body_len;
};

enum comp_result {
	COMP_OK,
	COMP_ERROR, /* out of step: a Reset-Request must follow, and nothing is decompressed until it is answered */
	COMP_DROP,  /* this packet is lost, nothing else is to be done */
	COMP_FATAL  /* the method cannot go on */
};

#define COMP_PASS 0           /* comp_method.compress: send the packet as it is */
#define COMP_REFUSE SIZE_MAX  /* do not send it at all */

struct comp_options {
	const uint8_t *value; /* of the Configure option as it was agreed on, without type and length */
	size_t len;
	size_t mru;           /* the largest packet, without protocol number, that comes out of decompress() */
	bool sending;         /* it is to compress, else to decompress */
	const struct mppe_keys *keys; /* MPPE's; else NULL */
};

struct comp;

struct comp_method {
	uint8_t type; /* of the Configure option */
	bool encrypts; /* MPPE: nothing may pass without */
	/* NULL: the options make no sense, or there is no memory. */
	struct comp *(*open)(const struct comp_options *options);
	void (*close)(struct comp *comp); /* wipes what is secret */
	/* Compresses PACKET to OUT (SIZE bytes, at least 16 more than the packet has). The length; COMP_PASS where it would not become smaller (the
	 * method's state is then as the receiver's will be who sees the packet uncompressed); or COMP_REFUSE. */
	size_t (*compress)(struct comp *comp, const struct comp_packet *packet, uint8_t *out, size_t size);
	/* Decompresses LEN bytes at IN to OUT (SIZE bytes): protocol number and packet, *OUT_LEN bytes. */
	enum comp_result (*decompress)(struct comp *comp, const uint8_t *in, size_t len, uint8_t *out, size_t size, size_t *out_len);
	/* A packet came uncompressed: the decompressor takes note of it. NULL: nothing to note. */
	void (*saw)(struct comp *comp, uint16_t protocol, const uint8_t *packet, size_t len);
	/* The sender: a Reset-Request came; its Reset-Ack leaves after this. The receiver: the Reset-Ack came. */
	void (*reset)(struct comp *comp);
};

extern const struct comp_method comp_deflate, comp_deflate_draft, comp_bsd, comp_mppe;

#endif
