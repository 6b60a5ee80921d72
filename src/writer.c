/* Bytes out; see writer.h. Everything that builds bytes for the outside calls this. */
#include "writer.h"

#include <string.h>

struct writer writer_new(void *buf, size_t size)
{
	uint8_t *at = buf;

	return (struct writer){ .start = at, .at = at, .end = at + size, .failed = false };
}

bool writer_ok(const struct writer *w)
{
	return !w->failed;
}

size_t writer_len(const struct writer *w)
{
	return (size_t)(w->at - w->start);
}

size_t writer_room(const struct writer *w)
{
	return w->failed ? 0 : (size_t)(w->end - w->at);
}

uint8_t *writer_reserve(struct writer *w, size_t len)
{
	if (w->failed || writer_room(w) < len) {
		w->failed = true;
		return NULL;
	}
	uint8_t *place = w->at;
	w->at += len;
	return place;
}

void writer_bytes(struct writer *w, const void *data, size_t len)
{
	uint8_t *place = writer_reserve(w, len);

	if (place && len > 0)
		memcpy(place, data, len);
}

void writer_u8(struct writer *w, uint8_t v)
{
	writer_bytes(w, &v, 1);
}

void writer_u16(struct writer *w, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	writer_bytes(w, b, sizeof(b));
}

void writer_u32(struct writer *w, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	writer_bytes(w, b, sizeof(b));
}

void writer_patch_u16(struct writer *w, size_t at, uint16_t v)
{
	if (w->failed || writer_len(w) < 2 || at > writer_len(w) - 2) {
		w->failed = true;
		return;
	}
	w->start[at] = (uint8_t)(v >> 8);
	w->start[at + 1] = (uint8_t)v;
}
