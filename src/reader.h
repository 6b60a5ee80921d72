/* Bytes in: a checked cursor over bytes from outside (the wire, a file, a socket).
 *
 * Every getter looks first whether the bytes are there. When they are not, it returns zero (or an empty range), and the
 * reader is marked as failed for good: so a parser may read a whole structure and ask reader_ok() once at its end. */
#ifndef SLIRPPD_READER_H
#define SLIRPPD_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
	const uint8_t *at;  /* the next byte */
	const uint8_t *end; /* one past the last byte */
	bool failed;        /* something was asked for that is not there */
};

/* A reader over LEN bytes at DATA, which stay the caller's and must outlive it. */
struct reader reader_new(const void *data, size_t len);

/* True while every read so far found its bytes. */
bool reader_ok(const struct reader *r);

/* How many bytes are left; 0 once failed. */
size_t reader_left(const struct reader *r);

/* Big-endian (network order) numbers. */
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);

/* The next LEN bytes where they lie, or NULL (and failed) where there are fewer. */
const uint8_t *reader_bytes(struct reader *r, size_t len);

/* Skips LEN bytes. */
void reader_skip(struct reader *r, size_t len);

/* A reader over the next LEN bytes alone, which R then has passed; a failed one where there are fewer. */
struct reader reader_sub(struct reader *r, size_t len);

#endif
