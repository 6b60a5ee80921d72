/* Bytes in; see reader.h. Everything that parses bytes from outside calls this. */
#include "reader.h"

struct reader reader_new(const void *data, size_t len)
{
	const uint8_t *at = data;

	return (struct reader){ .at = at, .end = at ? at + len : at, .failed = !at && len > 0 };
}

bool reader_ok(const struct reader *r)
{
	return !r->failed;
}

size_t reader_left(const struct reader *r)
{
	return r->failed ? 0 : (size_t)(r->end - r->at);
}

const uint8_t *reader_bytes(struct reader *r, size_t len)
{
	if (reader_left(r) < len || r->failed) {
		r->failed = true;
		return NULL;
	}
	const uint8_t *bytes = r->at;
	if (len > 0) /* AT may be NULL: C does not allow to add even nothing to that */
		r->at += len;
	return bytes;
}

void reader_skip(struct reader *r, size_t len)
{
	(void)reader_bytes(r, len);
}

uint8_t reader_u8(struct reader *r)
{
	const uint8_t *b = reader_bytes(r, 1);

	return b ? b[0] : 0;
}

uint16_t reader_u16(struct reader *r)
{
	const uint8_t *b = reader_bytes(r, 2);

	return b ? (uint16_t)(b[0] << 8 | b[1]) : 0;
}

uint32_t reader_u32(struct reader *r)
{
	const uint8_t *b = reader_bytes(r, 4);

	return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

struct reader reader_sub(struct reader *r, size_t len)
{
	const uint8_t *b = reader_bytes(r, len);

	return (struct reader){ .at = b, .end = b ? b + len : b, .failed = r->failed };
}
