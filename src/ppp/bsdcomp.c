/* PPP BSD-Compress (RFC 1977), version 1: LZW with codes of 9 to 15 bits, as Linux has it. Negotiated and called by ccp.c.
 *
 * Theory of operation. Both ends build the same dictionary: every code but a packet's last one, with the byte that follows it, makes
 * a new entry while there is room. Codes are as wide as the largest entry needs, and run over from one packet to the next. What is
 * coded is the low byte of the protocol number and the packet; only protocols 0x21 to 0xf9 are. A packet that would not become smaller
 * goes as it is, and the receiver compresses it, too (saw), for the dictionary's sake alone. Once the dictionary is full and no longer
 * any good, which both ends find out from the same counts of bytes, it is cleared; the sender says so with a code behind the packet's
 * last, and where the packet went as it was, the receiver knows by itself. A sequence number counts both kinds of packets.
 *
 * The RFC's hash table need not be the same at both ends: it finds an entry where there is one, as any other does. */
#include <glib.h>
#include <string.h>

#include "ppp/comp.h"
#include "reader.h"
#include "writer.h"

#define TYPE 21
#define BSD_VERSION 1
#define BITS_MIN 9
#define BITS_MAX 15

#define CLEAR 256 /* the code; the first entry is the next */
#define NONE 0    /* in the hash table */

#define SEQUENCE_LEN 2

/* RFC 1977 §2.2's ratio check: every so many bytes, in 256ths. */
#define CHECK_GAP 10000
#define RATIO_BITS 8
#define RATIO_MAX (INT32_MAX >> RATIO_BITS)

/* A string is that of another code, and a byte. */
struct entry {
	uint16_t prefix;
	uint16_t len;
	uint8_t suffix;
};

struct comp {
	unsigned bits_max, code_max; /* as agreed on */
	unsigned bits, last;         /* how wide codes are now; the last entry */
	uint16_t sequence;
	uint32_t in, out, ratio, checkpoint; /* bytes since the last clear, about: before and after compression */
	struct entry *entries; /* by code */
	uint16_t *hash;        /* codes, or NONE; twice as many as there are entries, and so never full */
	unsigned hash_mask;
};

static unsigned widest(unsigned bits)
{
	return (1u << bits) - 1;
}

static void clear(struct comp *c)
{
	c->bits = BITS_MIN;
	c->last = CLEAR;
	c->in = c->out = c->ratio = 0;
	c->checkpoint = CHECK_GAP;
	memset(c->hash, 0, (c->hash_mask + 1) * sizeof(c->hash[0]));
}

static void comp_reset(struct comp *c)
{
	c->sequence = 0;
	clear(c);
}

static struct comp *comp_open(const struct comp_options *options)
{
	struct reader r = reader_new(options->value, options->len);
	uint8_t value = reader_u8(&r);
	unsigned bits = value & 0x1f;

	if (!reader_ok(&r) || value >> 5 != BSD_VERSION || bits < BITS_MIN || bits > BITS_MAX)
		return NULL;
	struct comp *c = g_new0(struct comp, 1);
	c->bits_max = bits;
	c->code_max = widest(bits);
	c->hash_mask = widest(bits + 1);
	c->entries = g_new0(struct entry, c->code_max + 1);
	c->hash = g_new(uint16_t, c->hash_mask + 1);
	for (unsigned i = 0; i < CLEAR; i++)
		c->entries[i] = (struct entry){ .len = 1, .suffix = (uint8_t)i };
	comp_reset(c);
	return c;
}

static void comp_close(struct comp *c)
{
	g_free(c->entries);
	g_free(c->hash);
	g_free(c);
}

static bool is_compressible(uint16_t protocol)
{
	return protocol >= 0x21 && protocol <= 0xf9;
}

/* Where the string of PREFIX and SUFFIX is in the hash table, or where it belongs. */
static uint16_t *find(const struct comp *c, unsigned prefix, uint8_t suffix)
{
	unsigned at = (prefix << 8 | suffix) * 0x9e3779b1u >> 12;

	for (;; at++) {
		uint16_t *slot = &c->hash[at & c->hash_mask];
		if (*slot == NONE || (c->entries[*slot].prefix == prefix && c->entries[*slot].suffix == suffix))
			return slot;
	}
}

/* Makes an entry while there is room. SLOT is where find() would look for it. */
static void add(struct comp *c, uint16_t *slot, unsigned prefix, uint8_t suffix)
{
	if (c->last >= c->code_max)
		return;
	*slot = (uint16_t)++c->last;
	c->entries[c->last] = (struct entry){ (uint16_t)prefix, (uint16_t)(c->entries[prefix].len + 1), suffix };
}

static void widen(struct comp *c)
{
	if (c->last >= widest(c->bits) && c->bits < c->bits_max)
		c->bits++;
}

/* True: the dictionary was cleared, since it is full, and compresses worse than at the last check or makes things larger. */
static bool check_ratio(struct comp *c)
{
	if (c->in < c->checkpoint)
		return false;
	if (c->in >= RATIO_MAX || c->out >= RATIO_MAX) {
		c->in -= c->in >> 2;
		c->out -= c->out >> 2;
	}
	c->checkpoint = c->in + CHECK_GAP;
	if (c->last < c->code_max)
		return false;
	uint32_t ratio = (c->in << RATIO_BITS) / MAX(c->out, 1);
	if (ratio < c->ratio || ratio < 1 << RATIO_BITS) {
		clear(c);
		return true;
	}
	c->ratio = ratio;
	return false;
}

/* Codes on their way out, the highest bit first. Bytes that find no room are counted all the same. */
struct coder {
	uint8_t *out;
	size_t len, size;
	uint32_t pending; /* its lowest N bits are not yet out */
	unsigned n;
};

static void put_byte(struct coder *e, uint32_t byte)
{
	if (e->len < e->size)
		e->out[e->len] = (uint8_t)byte;
	e->len++;
}

static void put_code(struct coder *e, unsigned code, unsigned bits)
{
	e->pending = e->pending << bits | code;
	e->n += bits;
	while (e->n >= 8) {
		e->n -= 8;
		put_byte(e, e->pending >> e->n);
	}
}

/* The last byte is filled up with ones. */
static void put_rest(struct coder *e)
{
	if (e->n > 0)
		put_byte(e, e->pending << (8 - e->n) | widest(8 - e->n));
}

/* Codes LEN bytes that follow those for which CODE stands, and returns what stands for the last ones. */
static unsigned code_bytes(struct comp *c, struct coder *e, unsigned code, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint16_t *slot = find(c, code, bytes[i]);
		if (*slot != NONE) {
			code = *slot;
			continue;
		}
		put_code(e, code, c->bits);
		widen(c);
		add(c, slot, code, bytes[i]);
		code = bytes[i];
	}
	return code;
}

static void code_packet(struct comp *c, struct coder *e, const struct comp_packet *packet)
{
	unsigned code = code_bytes(c, e, packet->protocol, packet->head, packet->head_len);

	code = code_bytes(c, e, code, packet->body, packet->body_len);
	unsigned bits = c->bits;
	put_code(e, code, bits);
	widen(c);
	c->in += (uint32_t)(1 + packet->head_len + packet->body_len);
	c->out += (uint32_t)(e->len + (e->n > 0));
	if (check_ratio(c))
		put_code(e, CLEAR, bits);
	put_rest(e);
	c->sequence++;
}

static size_t comp_compress(struct comp *c, const struct comp_packet *packet, uint8_t *out, size_t size)
{
	struct writer w = writer_new(out, size);
	size_t len = packet->head_len + packet->body_len;

	if (!is_compressible(packet->protocol))
		return COMP_PASS;
	writer_u16(&w, c->sequence);
	struct coder e = { .out = out + SEQUENCE_LEN, .size = writer_room(&w) };
	code_packet(c, &e, packet);
	return SEQUENCE_LEN + e.len < len ? SEQUENCE_LEN + e.len : COMP_PASS;
}

static void comp_saw(struct comp *c, uint16_t protocol, const uint8_t *bytes, size_t len)
{
	const struct comp_packet packet = { .protocol = protocol, .body = bytes, .body_len = len };
	struct coder nowhere = { .size = 0 };

	if (is_compressible(protocol))
		code_packet(c, &nowhere, &packet);
}

/* Bytes of a packet that become codes. */
struct decoder {
	struct reader in;
	uint32_t pending; /* its lowest N bits are not yet taken */
	unsigned n;
	unsigned before; /* the code before, CLEAR: none */
	uint8_t *out;
	size_t len, size;
};

/* The next code, or -1: there are too few bits left. */
static int next_code(struct decoder *d, unsigned bits)
{
	while (d->n < bits && reader_left(&d->in) > 0) {
		d->pending = d->pending << 8 | reader_u8(&d->in);
		d->n += 8;
	}
	if (d->n < bits)
		return -1;
	d->n -= bits;
	return (int)(d->pending >> d->n & widest(bits));
}

/* Writes what CODE stands for, from its end; returns its first byte. The room was checked. */
static uint8_t expand(const struct comp *c, struct decoder *d, unsigned code)
{
	uint8_t *first = d->out + d->len;
	size_t len = c->entries[code].len;

	d->len += len;
	for (; code > CLEAR; code = c->entries[code].prefix)
		first[--len] = c->entries[code].suffix;
	return first[0] = (uint8_t)code;
}

/* An entry's string ends with its own first byte where the sender uses it at once: then it is not yet known here. */
static bool take_code(struct comp *c, struct decoder *d, unsigned code)
{
	bool unknown = code > c->last;

	if (code > c->last + 1 || code > c->code_max || (unknown && d->before == CLEAR))
		return false;
	unsigned known = unknown ? d->before : code;
	if (c->entries[known].len + (size_t)unknown > d->size - d->len)
		return false;
	uint8_t first = expand(c, d, known);
	if (unknown)
		d->out[d->len++] = first;
	if (d->before != CLEAR) {
		add(c, find(c, d->before, first), d->before, first);
		widen(c);
	}
	d->before = code;
	return true;
}

/* Takes all codes. False: they make no sense. */
static bool take_codes(struct comp *c, struct decoder *d)
{
	for (;;) {
		int code = next_code(d, c->bits);
		if (code == CLEAR) {
			clear(c);
			return reader_left(&d->in) == 0;
		}
		if (code < 0) {
			c->in += (uint32_t)d->len;
			check_ratio(c);
			return true;
		}
		if (!take_code(c, d, (unsigned)code))
			return false;
	}
}

static enum comp_result comp_decompress(struct comp *c, const uint8_t *in, size_t len, uint8_t *out, size_t size, size_t *out_len)
{
	struct decoder d = { .in = reader_new(in, len), .before = CLEAR, .out = out, .size = size };
	uint16_t sequence = reader_u16(&d.in);

	if (reader_left(&d.in) == 0 || sequence != c->sequence)
		return COMP_ERROR;
	c->sequence++;
	c->out += (uint32_t)reader_left(&d.in);
	if (!take_codes(c, &d))
		return COMP_FATAL;
	*out_len = d.len;
	return COMP_OK;
}

const struct comp_method comp_bsd = {
	.type = TYPE,
	.open = comp_open,
	.close = comp_close,
	.compress = comp_compress,
	.decompress = comp_decompress,
	.saw = comp_saw,
	.reset = comp_reset,
};
