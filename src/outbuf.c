/* Bytes on their way to the line; see outbuf.h. */
#include "outbuf.h"

#include <glib.h>
#include <string.h>

void outbuf_init(struct outbuf *b, size_t size)
{
	*b = (struct outbuf){ .base = g_malloc(size), .size = size };
}

void outbuf_free(struct outbuf *b)
{
	g_free(b->base);
	*b = (struct outbuf){ 0 };
}

size_t outbuf_len(const struct outbuf *b)
{
	return b->end - b->start;
}

const uint8_t *outbuf_data(const struct outbuf *b)
{
	return b->base + b->start;
}

uint8_t *outbuf_reserve(struct outbuf *b, size_t need)
{
	if (need > b->size - outbuf_len(b))
		return NULL;
	if (need > b->size - b->end) {
		memmove(b->base, b->base + b->start, outbuf_len(b));
		b->end -= b->start;
		b->start = 0;
	}
	return b->base + b->end;
}

void outbuf_commit(struct outbuf *b, size_t len)
{
	b->end += len;
}

void outbuf_consume(struct outbuf *b, size_t len)
{
	b->start += len;
	if (b->start >= b->end)
		b->start = b->end = 0;
}

void outbuf_clear(struct outbuf *b)
{
	b->start = b->end = 0;
}
