/* Blocks of a pcapng file (draft-ietf-opsawg-pcapng) with one interface, a PPP link: bytes only, no file.
 *
 * Each call puts one finished block into a writer, which says whether there was room. Numbers are big-endian, which a section's first
 * block tells; times are microseconds since 1970. Texts are cut, and made UTF-8 where they are not. */
#ifndef SLIRPPD_PCAPNG_H
#define SLIRPPD_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "writer.h"

#define PCAPNG_PACKET 6 /* the type of a frame's block */
#define PCAPNG_COMMENT_MAX 1024

/* The most that a block has beside a frame and a comment. */
#define PCAPNG_OVERHEAD 80

struct pcapng_totals {
	uint64_t seen, lost; /* frames; SEEN counts the lost ones, too */
};

struct pcapng_frame {
	bool sent;
	uint16_t protocol;
	const uint8_t *payload;
	size_t len;
};

/* The beginning of a file, and the link in it. LINE may be NULL. */
void pcapng_section(struct writer *w, const char *program);
void pcapng_interface(struct writer *w, const char *interface, const char *line);

/* A frame, DROPPED others that were lost before it, and a remark (NULL: none). A frame of more than 65535 bytes is cut. */
void pcapng_packet(struct writer *w, uint64_t now, const struct pcapng_frame *frame, uint64_t dropped, const char *comment);

/* The sums so far. */
void pcapng_statistics(struct writer *w, uint64_t now, struct pcapng_totals totals, const char *comment);

/* The type of the block that was put at BYTES, and its length. */
uint32_t pcapng_block(const uint8_t *bytes, size_t *len);

/* How many lost frames the block tells of; 0 where it is no frame's. */
uint64_t pcapng_dropped(const uint8_t *bytes);

#endif
