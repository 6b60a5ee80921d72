/* PPP Deflate (RFC 1979): packets as one raw deflate stream, as Linux has it. Negotiated and called by ccp.c.
 *
 * Theory of operation. Both ends keep the same history: every packet of a protocol up to 0x3fff adds its protocol number (one byte
 * where that is enough) and its bytes. The sender ends each packet with an empty stored block (zlib's Z_SYNC_FLUSH), whose last four
 * bytes, always the same, are left out and put back by the receiver. A packet that would not become smaller goes as it is: the
 * sender's history has it already, and the receiver amends its own (saw). A sequence number counts both kinds, so that a lost packet
 * is noticed at the next compressed one. A reset begins a new stream. */
#include <glib.h>
#include <zlib.h>

#include "ppp/comp.h"
#include "reader.h"
#include "writer.h"

#define TYPE 26
#define TYPE_DRAFT 24 /* in drafts of the RFC, and so in old peers */
#define CHECK_SEQUENCE 0
#define WINDOW_MIN 9
#define WINDOW_MAX 15

/* Measured on packets of 1460 bytes, MB/s and ratio of C text, of HTML: level 1 40 and 2.26, 54 and 4.28; level 3 20 and 2.41, 54 and 4.61;
 * level 6 16 and 2.60, 31 and 5.87; level 9 13 and 2.60, 24 and 5.91. Even 16 MB/s are more than lines that are worth compressing for carry.
 * Less memory (256 KiB now) is slower still, since the tables for matches shrink with it. */
#define LEVEL 6
#define MEMORY_LEVEL 8

#define SEQUENCE_LEN 2

static const uint8_t tail[] = { 0x00, 0x00, 0xff, 0xff };

struct comp {
	z_stream strm;
	uint16_t sequence; /* of the next packet */
	bool sending;
};

static struct comp *comp_open(const struct comp_options *options)
{
	struct reader r = reader_new(options->value, options->len);
	uint8_t method = reader_u8(&r);
	uint8_t check = reader_u8(&r);
	int window = (method >> 4) + 8;

	if (!reader_ok(&r) || (method & 0xf) != Z_DEFLATED || check != CHECK_SEQUENCE || window < WINDOW_MIN || window > WINDOW_MAX)
		return NULL;
	struct comp *c = g_new0(struct comp, 1);
	c->sending = options->sending;
	int result = c->sending ? deflateInit2(&c->strm, LEVEL, Z_DEFLATED, -window, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) :
				  inflateInit2(&c->strm, -window);
	if (result == Z_OK)
		return c;
	g_free(c);
	return NULL;
}

static void comp_close(struct comp *c)
{
	if (c->sending)
		deflateEnd(&c->strm);
	else
		inflateEnd(&c->strm);
	g_free(c);
}

static void comp_reset(struct comp *c)
{
	c->sequence = 0;
	if (c->sending)
		deflateReset(&c->strm);
	else
		inflateReset(&c->strm);
}

/* Linux never compresses others, and does not count them. */
static bool is_compressible(uint16_t protocol)
{
	return protocol <= 0x3fff && protocol != 0xfd && protocol != 0xfb;
}

static size_t put_protocol(uint8_t bytes[2], uint16_t protocol)
{
	struct writer w = writer_new(bytes, 2);

	if (protocol > 0xff)
		writer_u8(&w, (uint8_t)(protocol >> 8));
	writer_u8(&w, (uint8_t)protocol);
	return writer_len(&w);
}

static void feed(struct comp *c, const uint8_t *bytes, size_t len, int flush)
{
	c->strm.next_in = (z_const Bytef *)bytes;
	c->strm.avail_in = (uInt)len;
	deflate(&c->strm, flush);
}

/* There was too little room: what else comes out is of no use, but it has to come out before the next packet. */
static void drain(struct comp *c)
{
	uint8_t scrap[256];

	do {
		c->strm.next_out = scrap;
		c->strm.avail_out = sizeof(scrap);
		deflate(&c->strm, Z_SYNC_FLUSH);
	} while (c->strm.avail_out == 0);
}

static size_t comp_compress(struct comp *c, const struct comp_packet *packet, uint8_t *out, size_t size)
{
	struct writer w = writer_new(out, size);
	size_t len = packet->head_len + packet->body_len;
	size_t room = len + sizeof(tail); /* more than this is not worth having */
	uint8_t protocol[2];

	if (!is_compressible(packet->protocol))
		return COMP_PASS;
	writer_u16(&w, c->sequence++);
	uint8_t *place = writer_reserve(&w, room);
	g_return_val_if_fail(place, COMP_REFUSE);
	c->strm.next_out = place;
	c->strm.avail_out = (uInt)room;
	feed(c, protocol, put_protocol(protocol, packet->protocol), Z_NO_FLUSH);
	if (packet->head_len > 0)
		feed(c, packet->head, packet->head_len, Z_NO_FLUSH);
	feed(c, packet->body, packet->body_len, Z_SYNC_FLUSH);
	if (c->strm.avail_out == 0) {
		drain(c);
		return COMP_PASS;
	}
	size_t made = SEQUENCE_LEN + room - c->strm.avail_out - sizeof(tail);
	return made < len ? made : COMP_PASS;
}

/* False: this is no deflate stream, it has ended, or there was not enough room for what comes out of it. */
static bool inflate_piece(struct comp *c, const uint8_t *bytes, size_t len)
{
	c->strm.next_in = (z_const Bytef *)bytes;
	c->strm.avail_in = (uInt)len;
	return inflate(&c->strm, Z_SYNC_FLUSH) == Z_OK && c->strm.avail_in == 0 && c->strm.avail_out > 0;
}

/* zlib.h on data_type: no bit of the last byte is unused, it was not the last block, and another one may begin. */
static bool is_between_blocks(const struct comp *c)
{
	return c->strm.data_type == 128;
}

static enum comp_result comp_decompress(struct comp *c, const uint8_t *in, size_t len, uint8_t *out, size_t size, size_t *out_len)
{
	struct reader r = reader_new(in, len);
	uint16_t sequence = reader_u16(&r);
	size_t left = reader_left(&r);

	if (left == 0 || sequence != c->sequence)
		return COMP_ERROR;
	c->sequence++;
	c->strm.next_out = out;
	c->strm.avail_out = (uInt)size;
	if (!inflate_piece(c, reader_bytes(&r, left), left) || !inflate_piece(c, tail, sizeof(tail)) || !is_between_blocks(c))
		return COMP_FATAL;
	*out_len = size - c->strm.avail_out;
	return COMP_OK;
}

/* On a raw stream the dictionary "will amend what's there" (zlib.h): just this is wanted. */
static void comp_saw(struct comp *c, uint16_t protocol, const uint8_t *packet, size_t len)
{
	uint8_t bytes[2];

	if (!is_compressible(protocol))
		return;
	c->sequence++;
	inflateSetDictionary(&c->strm, bytes, (uInt)put_protocol(bytes, protocol));
	inflateSetDictionary(&c->strm, packet, (uInt)len);
}

#define METHOD(number) \
	{ \
		.type = (number), \
		.open = comp_open, \
		.close = comp_close, \
		.compress = comp_compress, \
		.decompress = comp_decompress, \
		.saw = comp_saw, \
		.reset = comp_reset, \
	}

const struct comp_method comp_deflate = METHOD(TYPE);
const struct comp_method comp_deflate_draft = METHOD(TYPE_DRAFT);
