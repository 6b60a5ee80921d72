/* Microsoft Point-to-Point Encryption (RFC 3078) with the keys of RFC 3079: RC4, 40, 56 or 128 bits. A method of ccp.c; see comp.h.
 *
 * Theory of operation. A packet goes as two bytes (four bits, and the coherency count modulo 4096), and the protocol number and the data
 * encrypted. Each end computes the next session key from the last one and the start key, so both must do that equally often:
 *
 * - Stateless: once before each packet. The count tells the receiver how many were lost on the way; nothing is ever asked for.
 * - Stateful: where the count ends in ff, and after a Reset-Request; such a packet has the bit A ("flushed"). Between these, RC4 goes on from
 *   packet to packet, so that after a loss nothing can be read until a flushed packet comes: the receiver discards and asks for one. Of the
 *   flushed packets that it missed, it knows those whose count ends in ff by the count, and the one that answered a Reset-Request by this: a
 *   packet after the Reset-Ack that is not flushed. (The latter Linux misses, and never gets into step again.)
 *
 * As in Linux (where it is not the letter of RFC 3078): the first packet has the count 0 and is not flushed in stateful mode, and a flushed
 * packet has a new key. There is no check of what comes out, so a packet of the wrong bits or with a protocol number that no one encrypts is
 * held against the peer: Linux's points, halved by each good packet, until the link has to go. */
#include "ppp/comp.h"

#include <glib.h>
#include <string.h>

#include "ppp/crypto.h"
#include "reader.h"
#include "writer.h"

#define MPPE_TYPE 18
#define MPPE_STATELESS 0x01000000u /* bits of the option, RFC 3078 §3 */
#define MPPE_HEADER 2
#define MPPE_FLUSHED 0x8000
#define MPPE_ENCRYPTED 0x1000
#define COUNTS 0x1000
#define FLAG_MASK 0xffu /* a packet whose count has all of these is a flag packet */
#define PROTOCOL_FIRST 0x0021
#define PROTOCOL_LAST 0x00fa
#define PROTOCOL_LEN 2

#define POINTS_BOGUS 100
#define POINTS_LATE 1
#define POINTS_MAX 1600

struct strength {
	uint32_t bit; /* in the option */
	size_t key_len;
	uint8_t fixed[3]; /* what the session key's first bytes are, RFC 3078 §7.3 */
	size_t fixed_len;
};

static const struct strength strengths[] = {
	{ 0x20, 8, { 0xd1, 0x26, 0x9e }, 3 }, /* L: 40 bits */
	{ 0x80, 8, { 0xd1 }, 1 },             /* M: 56 */
	{ 0x40, 16, { 0 }, 0 },               /* S: 128 */
};

struct comp {
	const struct strength *strength;
	uint8_t start_key[MPPE_KEY_MAX], session_key[MPPE_KEY_MAX];
	struct crypto_rc4 *rc4;
	bool sending, stateful;
	unsigned count;    /* of the last packet that went or came; while discarding, of the first that was lost */
	bool flush;        /* sending: the next packet has to be flushed */
	bool discarding;   /* receiving, stateful: until a flushed packet comes */
	bool acknowledged; /* ... which is the next one that was sent */
	unsigned points;   /* against the peer */
};

static unsigned next(unsigned count)
{
	return (count + 1) % COUNTS;
}

static bool is_flag(unsigned count)
{
	return (count & FLAG_MASK) == FLAG_MASK;
}

/* Takes KEY as the session key, weakened to the strength agreed on. */
static bool set_key(struct comp *comp, const uint8_t *key)
{
	const struct strength *s = comp->strength;

	memcpy(comp->session_key, key, s->key_len);
	memcpy(comp->session_key, s->fixed, s->fixed_len);
	return crypto_rc4_key(&comp->rc4, comp->session_key, s->key_len);
}

/* RFC 3079, GetNewKeyFromSHA(). The very first session key is that of a session key that is the start key. */
static bool new_digest(const struct comp *comp, uint8_t digest[SHA1_LEN])
{
	return mppe_derive(comp->start_key, comp->strength->key_len, comp->session_key, comp->strength->key_len, digest);
}

static bool first_key(struct comp *comp)
{
	uint8_t digest[SHA1_LEN];

	memcpy(comp->session_key, comp->start_key, sizeof(comp->session_key));
	bool ok = new_digest(comp, digest) && set_key(comp, digest);
	explicit_bzero(digest, sizeof(digest));
	return ok;
}

/* RFC 3078 §7.3: the digest, encrypted with itself. */
static bool rekey(struct comp *comp)
{
	uint8_t digest[SHA1_LEN];
	uint8_t key[MPPE_KEY_MAX];
	bool ok = new_digest(comp, digest) && crypto_rc4_key(&comp->rc4, digest, comp->strength->key_len);

	if (ok) {
		crypto_rc4_apply(comp->rc4, digest, comp->strength->key_len, key);
		ok = set_key(comp, key);
	}
	explicit_bzero(digest, sizeof(digest));
	explicit_bzero(key, sizeof(key));
	return ok;
}

static void mppe_close(struct comp *comp)
{
	crypto_rc4_free(comp->rc4);
	explicit_bzero(comp, sizeof(*comp));
	g_free(comp);
}

/* One strength, and nothing that is not built (MPPC) or not known. */
static const struct strength *find_strength(uint32_t bits)
{
	for (size_t i = 0; i < G_N_ELEMENTS(strengths); i++) {
		if (bits == strengths[i].bit)
			return &strengths[i];
	}
	return NULL;
}

static struct comp *mppe_open(const struct comp_options *options)
{
	struct reader r = reader_new(options->value, options->len);
	uint32_t bits = reader_u32(&r);
	const struct strength *strength = find_strength(bits & ~MPPE_STATELESS);

	if (!reader_ok(&r) || reader_left(&r) > 0 || !strength || !options->keys || !options->keys->known)
		return NULL;
	struct comp *comp = g_new0(struct comp, 1);
	comp->strength = strength;
	comp->sending = options->sending;
	comp->stateful = !(bits & MPPE_STATELESS);
	comp->count = COUNTS - 1;
	memcpy(comp->start_key, options->sending ? options->keys->send : options->keys->receive, MPPE_KEY_MAX);
	if (first_key(comp))
		return comp;
	mppe_close(comp);
	return NULL;
}

static void encrypt(struct comp *comp, struct writer *w, const uint8_t *data, size_t len)
{
	uint8_t *place = writer_reserve(w, len);

	if (place)
		crypto_rc4_apply(comp->rc4, data, len, place);
}

/* The bits and the count of the next packet, and the key for it. */
static bool begin_packet(struct comp *comp, uint16_t *header)
{
	comp->count = next(comp->count);
	bool flushed = !comp->stateful || comp->flush || is_flag(comp->count);
	comp->flush = false;
	*header = (uint16_t)(MPPE_ENCRYPTED | (flushed ? MPPE_FLUSHED : 0) | comp->count);
	return !flushed || rekey(comp);
}

static size_t mppe_compress(struct comp *comp, const struct comp_packet *packet, uint8_t *out, size_t size)
{
	const uint8_t protocol[PROTOCOL_LEN] = { (uint8_t)(packet->protocol >> 8), (uint8_t)packet->protocol };
	struct writer w = writer_new(out, size);
	uint16_t header;

	if (packet->protocol < PROTOCOL_FIRST || packet->protocol > PROTOCOL_LAST)
		return COMP_PASS;
	if (size < MPPE_HEADER + PROTOCOL_LEN || size - MPPE_HEADER - PROTOCOL_LEN < packet->head_len + packet->body_len)
		return COMP_REFUSE;
	if (!begin_packet(comp, &header))
		return COMP_REFUSE;
	writer_u16(&w, header);
	encrypt(comp, &w, protocol, sizeof(protocol));
	encrypt(comp, &w, packet->head, packet->head_len);
	encrypt(comp, &w, packet->body, packet->body_len);
	return writer_ok(&w) ? writer_len(&w) : COMP_REFUSE;
}

/* A packet cannot be read. Stateless, the next one can; else a flushed one has to come first. */
static enum comp_result lost(struct comp *comp)
{
	if (!comp->stateful)
		return COMP_DROP;
	if (!comp->discarding)
		comp->count = next(comp->count);
	comp->discarding = true;
	return COMP_ERROR;
}

static enum comp_result blame(struct comp *comp, unsigned points)
{
	comp->points += points;
	return comp->points < POINTS_MAX ? lost(comp) : COMP_FATAL;
}

/* RFC 3078 §8.1. What is more than half of all counts ahead is late (or a copy); Linux has this limit, too. */
static enum comp_result follow_stateless(struct comp *comp, unsigned count)
{
	unsigned ahead = (count - comp->count) % COUNTS;

	if (ahead == 0 || ahead > COUNTS / 2)
		return blame(comp, POINTS_LATE);
	for (; comp->count != count; comp->count = next(comp->count)) {
		if (!rekey(comp))
			return COMP_FATAL;
	}
	return COMP_OK;
}

/* Discarding, and the packet of this COUNT is flushed: the keys of flag packets that were lost since. */
static bool catch_up(struct comp *comp, unsigned count)
{
	bool ok = true;

	for (; ok && ((comp->count ^ count) & ~FLAG_MASK); comp->count = (comp->count + FLAG_MASK + 1) % COUNTS)
		ok = rekey(comp);
	comp->discarding = false;
	comp->acknowledged = false;
	return ok;
}

/* Discarding, and the packet is not flushed: if it comes after the Reset-Ack, then the one that was flushed has been lost, and its key with
 * it. Asks again. */
static enum comp_result go_on_discarding(struct comp *comp)
{
	bool ok = !comp->acknowledged || rekey(comp);

	comp->acknowledged = false;
	return ok ? COMP_ERROR : COMP_FATAL;
}

/* §8.2. */
static enum comp_result follow_stateful(struct comp *comp, unsigned count, bool flushed)
{
	if (comp->discarding && !flushed)
		return go_on_discarding(comp);
	if (!comp->discarding && count != next(comp->count))
		return lost(comp);
	if (comp->discarding && !catch_up(comp, count))
		return COMP_FATAL;
	comp->count = count;
	return !flushed || rekey(comp) ? COMP_OK : COMP_FATAL;
}

/* What LEFT holds, decrypted. The peer may have left out the protocol number's first byte; here it always has two. */
static enum comp_result decrypt(struct comp *comp, struct reader *left, struct writer *w)
{
	uint8_t protocol = 0;

	crypto_rc4_apply(comp->rc4, reader_bytes(left, 1), 1, &protocol);
	if (protocol == 0 && reader_left(left) > 0)
		crypto_rc4_apply(comp->rc4, reader_bytes(left, 1), 1, &protocol);
	if (!(protocol & 1) || protocol < PROTOCOL_FIRST || protocol > PROTOCOL_LAST)
		return blame(comp, POINTS_BOGUS);
	size_t len = reader_left(left);
	writer_u16(w, protocol);
	encrypt(comp, w, reader_bytes(left, len), len);
	comp->points /= 2;
	return COMP_OK;
}

static bool bits_make_sense(const struct comp *comp, uint16_t header)
{
	bool must_be_flushed = !comp->stateful || is_flag(header);

	return header & MPPE_ENCRYPTED && (header & MPPE_FLUSHED || !must_be_flushed);
}

static enum comp_result mppe_decompress(struct comp *comp, const uint8_t *in, size_t len, uint8_t *out, size_t size, size_t *out_len)
{
	struct reader r = reader_new(in, len);
	struct writer w = writer_new(out, size);
	uint16_t header = reader_u16(&r);
	unsigned count = header % COUNTS;

	*out_len = 0;
	/* One more byte than there is, in case that the protocol number grows. */
	if (reader_left(&r) == 0 || reader_left(&r) >= size)
		return lost(comp);
	if (!bits_make_sense(comp, header))
		return blame(comp, POINTS_BOGUS);
	enum comp_result result =
		comp->stateful ? follow_stateful(comp, count, header & MPPE_FLUSHED) : follow_stateless(comp, count);
	if (result == COMP_OK)
		result = decrypt(comp, &r, &w);
	if (result == COMP_OK)
		*out_len = writer_len(&w);
	return result;
}

/* However many Reset-Requests come before the next packet, that has one new key; the peer cannot know how many there were. */
static void mppe_reset(struct comp *comp)
{
	if (comp->sending)
		comp->flush = true;
	else
		comp->acknowledged = comp->discarding;
}

const struct comp_method comp_mppe = {
	.type = MPPE_TYPE,
	.encrypts = true,
	.open = mppe_open,
	.close = mppe_close,
	.compress = mppe_compress,
	.decompress = mppe_decompress,
	.reset = mppe_reset,
};
