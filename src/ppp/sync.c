/* Packets on synchronous lines; see sync.h. Called by ppp_data.c.
 *
 * Theory of operation. A pty joins what was written in several pieces, and gives at most 4 kB of it at once; TCP cuts as it likes. Neither
 * loses a byte, so where packets say how long they are (control protocols, IP) their borders can be found again: one that ends before the
 * read does is followed by another, or by padding (RFC 1661 §2), and one that goes on behind it is kept until the rest has come. Those that
 * do not say it (VJ, compressed or encrypted ones) are as long as the read, as with pppd. Borders are found by length alone, never by
 * looking for what a packet begins with: a packet's contents are a stranger's, who could make one up in them.
 *
 * A packet whose rest never comes (its writer died) would swallow those after it: on a quiet line, a whole negotiation. So it is given up
 * when nothing came for a second. */
#include "ppp/sync.h"

#include <glib.h>
#include <string.h>

#include "clock.h"
#include "ppp/ppp.h"
#include "reader.h"
#include "writer.h"

#define ADDRESS 0xff /* RFC 1662 §3.1 */
#define CONTROL 0x03
#define PACKET_MIN 2
#define HEAD_MAX 10 /* address to the end of IPv6's length field */
#define HOLD_LIMIT CLOCK_SECOND

/* Where a protocol's packets say how long they are. */
struct kind {
	uint16_t protocol;
	uint8_t version; /* in the upper half of the first byte; 0: none there */
	uint8_t field;   /* the offset of the length, two bytes; 0: there is none */
	uint8_t more;    /* that it does not count */
	uint8_t min;
};

static const struct kind kinds[] = {
	{ PPP_IP,         4, 2, 0,  20 },
	{ PPP_VJC_UNCOMP, 4, 2, 0,  20 },
	{ PPP_IPV6,       6, 4, 40, 40 },
	{ PPP_VJC_COMP,   0, 0, 0,  0 },
	{ PPP_COMP,       0, 0, 0,  0 },
	{ PPP_LQR,        0, 0, 0,  0 },
	{ PPP_IPCP,       0, 2, 0,  4 },
	{ PPP_IPV6CP,     0, 2, 0,  4 },
	{ PPP_CCP,        0, 2, 0,  4 },
	{ PPP_ECP,        0, 2, 0,  4 },
	{ PPP_LCP,        0, 2, 0,  4 },
	{ PPP_PAP,        0, 2, 0,  4 },
	{ PPP_CBCP,       0, 2, 0,  4 },
	{ PPP_CHAP,       0, 2, 0,  4 },
	{ PPP_EAP,        0, 2, 0,  4 },
};

enum span {
	SPAN_FOREIGN, /* no packet that we know */
	SPAN_OPEN,    /* one that does not say how long it is */
	SPAN_SHORT,   /* too little is there to tell */
	SPAN_KNOWN
};

static const struct kind *find_kind(uint16_t protocol)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (kinds[i].protocol == protocol)
			return &kinds[i];
	return NULL;
}

/* Whether a protocol's first byte may be FIRST: more than that is not there yet. */
static bool may_begin(uint8_t first)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (kinds[i].protocol >> 8 == first)
			return true;
	return false;
}

/* The protocol of what R stands before, compressed or not, behind address and control where they are. */
static enum span read_protocol(struct reader *r, const struct kind **kind)
{
	struct reader before = *r;
	uint8_t first = reader_u8(r);

	if (first == ADDRESS && (reader_left(r) == 0 || *r->at == CONTROL)) {
		reader_skip(r, 1);
		first = reader_u8(r);
		if (!reader_ok(r))
			return SPAN_SHORT;
	} else if (!reader_ok(&before)) {
		return SPAN_SHORT;
	}
	uint16_t protocol = first;
	if (!(first & 1)) {
		protocol = (uint16_t)(first << 8 | reader_u8(r));
		if (!reader_ok(r))
			return may_begin(first) ? SPAN_SHORT : SPAN_FOREIGN;
	}
	*kind = find_kind(protocol);
	return *kind ? SPAN_KNOWN : SPAN_FOREIGN;
}

/* How much of a packet is before its end, if it begins with the LEN bytes at BYTES. */
static enum span measure(const uint8_t *bytes, size_t len, size_t *whole)
{
	struct reader r = reader_new(bytes, len);
	const struct kind *kind = NULL;
	enum span span = read_protocol(&r, &kind);

	if (span != SPAN_KNOWN)
		return span;
	if (kind->field == 0)
		return SPAN_OPEN;
	size_t head = len - reader_left(&r);
	uint8_t version = reader_u8(&r) >> 4;
	reader_skip(&r, kind->field - 1u);
	size_t said = reader_u16(&r) + kind->more;
	if (!reader_ok(&r))
		return SPAN_SHORT;
	*whole = head + said;
	return said < kind->min || (kind->version && version != kind->version) ? SPAN_OPEN : SPAN_KNOWN;
}

static enum span measure_next(const struct frame_decoder *d, const uint8_t *bytes, size_t len, size_t *whole)
{
	uint8_t head[HEAD_MAX];
	size_t held = MIN(d->len, HEAD_MAX);
	size_t added = MIN(len, HEAD_MAX - held);

	memcpy(head, d->buf + FRAME_HEADROOM, held);
	memcpy(head + held, bytes, added);
	return measure(head, held + added, whole);
}

/* The decoder is ready for the next packet before FN is called, so that FN may reset it. */
static void end_packet(struct frame_decoder *d, frame_fn *fn, void *arg)
{
	size_t len = d->len;

	d->len = 0;
	if (len < PACKET_MIN) {
		d->counters.runt++;
		return;
	}
	d->counters.good++;
	fn(arg, d->buf + FRAME_HEADROOM, len);
}

/* Adds to the packet that is WHOLE bytes long, and returns how many it took. */
static size_t add(struct frame_decoder *d, const uint8_t *bytes, size_t len, size_t whole)
{
	size_t n = MIN(len, whole - d->len);

	memcpy(d->buf + FRAME_HEADROOM + d->len, bytes, n);
	d->len += n;
	return n;
}

/* What was kept turned out to be no packet's beginning, or came to nothing. */
static bool drop_held(struct frame_decoder *d)
{
	bool held = d->len > 0;

	d->len = 0;
	return held;
}

void sync_decode(struct frame_decoder *d, uint64_t now, const uint8_t *bytes, size_t len, frame_fn *fn, void *arg)
{
	bool begins = true; /* at the read's first byte */

	if (now - d->since > HOLD_LIMIT)
		drop_held(d);
	d->since = now;
	while (len > 0) {
		size_t whole = 0;
		enum span span = measure_next(d, bytes, len, &whole);

		if (span == SPAN_FOREIGN && drop_held(d))
			continue;
		if (span == SPAN_FOREIGN && !begins)
			return; /* padding */
		if (span != SPAN_KNOWN)
			whole = d->len + len;
		if (whole > d->max) {
			d->counters.giant++;
			d->len = 0;
			return;
		}
		size_t n = add(d, bytes, len, whole);
		bytes += n;
		len -= n;
		begins = false;
		if (span != SPAN_SHORT && d->len == whole)
			end_packet(d, fn, arg);
	}
}

size_t sync_encode(uint8_t *out, const uint8_t *head, size_t head_len, const uint8_t *info, size_t info_len)
{
	struct writer w = writer_new(out, frame_encoded_max(head_len + info_len));

	writer_u16(&w, (uint16_t)(head_len + info_len));
	writer_bytes(&w, head, head_len);
	writer_bytes(&w, info, info_len);
	return writer_len(&w);
}
