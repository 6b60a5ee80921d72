/* Bytes out: a cursor over a buffer of fixed size that cannot be overrun.
 *
 * A put that does not fit writes nothing and marks the writer as failed for good: so a packet may be built whole, and
 * writer_ok() asked once at its end. */
#ifndef SLIRPPD_WRITER_H
#define SLIRPPD_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer {
	uint8_t *start;
	uint8_t *at;  /* where the next byte goes */
	uint8_t *end; /* one past the last byte that may be written */
	bool failed;
};

/* A writer over SIZE bytes at BUF, which stay the caller's. */
struct writer writer_new(void *buf, size_t size);

bool writer_ok(const struct writer *w);

/* How many bytes were written so far. */
size_t writer_len(const struct writer *w);

/* How many more bytes fit; 0 once failed. */
size_t writer_room(const struct writer *w);

/* Big-endian (network order) numbers. */
void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v);
void writer_u32(struct writer *w, uint32_t v);

/* Copies LEN bytes. */
void writer_bytes(struct writer *w, const void *data, size_t len);

/* Passes over LEN bytes that are filled in later and returns where they are, or NULL when they do not fit. */
uint8_t *writer_reserve(struct writer *w, size_t len);

/* Overwrites the two bytes at offset AT (already written) with V. */
void writer_patch_u16(struct writer *w, size_t at, uint16_t v);

#endif
