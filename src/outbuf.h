/* Bytes on their way to the line: a flat buffer of fixed size, filled at its end and drained at its start.
 *
 * ppp/ encodes frames straight into it, the session writes what is there with one system call. A frame that does not fit is
 * refused whole: half a frame never gets in. On synchronous lines each packet lies behind its length (see line_write()), so that the
 * line finds its borders. */
#ifndef SLIRPPD_OUTBUF_H
#define SLIRPPD_OUTBUF_H

#include <stddef.h>
#include <stdint.h>

struct outbuf {
	uint8_t *base;
	size_t size;  /* bytes at base */
	size_t start; /* first byte not yet written to the line */
	size_t end;   /* one past the last */
};

/* Allocates SIZE bytes. Ends the program when there is no memory. */
void outbuf_init(struct outbuf *b, size_t size);
void outbuf_free(struct outbuf *b);

/* Bytes waiting, and where the first of them is. */
size_t outbuf_len(const struct outbuf *b);
const uint8_t *outbuf_data(const struct outbuf *b);

/* A place for at least NEED bytes at the end (moving what waits to the front where that helps), or NULL when they do not fit. */
uint8_t *outbuf_reserve(struct outbuf *b, size_t need);

/* Adds the first LEN of the bytes reserved last. */
void outbuf_commit(struct outbuf *b, size_t len);

/* Takes LEN bytes from the start: they are written. */
void outbuf_consume(struct outbuf *b, size_t len);

/* Throws everything away (a hang-up). */
void outbuf_clear(struct outbuf *b);

#endif
