/* Van Jacobson's header compression, both ends; see vj.h. Called by ppp_data.c for each IPv4 packet. RFC 1144, with the packet types of
 * RFC 1332 §4; speaks with Linux's slhc.
 *
 * Theory of operation. Both ends keep the last header of each connection in a slot. A header is held in two parts: the few fields that
 * change from packet to packet, and the rest, with zeroes in their places. A packet whose rest is that of its slot goes as a list of
 * differences (§3.2.2); any other TCP packet goes whole, with the slot's number in the place of the IP protocol, and fills the slot anew.
 * SYN, FIN, RST, fragments and whatever is not TCP pass by and touch nothing.
 *
 * After a lost packet the receiver's slot is behind, and each header made from it is wrong by the same amount. TCP's checksum, which
 * always travels as it is, shows that (§4.1). It is verified here, so that nobody has to rely on who takes the packet next; the
 * differences are counted all the same, since with them the slot is right if the sender's packet was what was wrong. TCP's
 * retransmission changes nothing, or goes backwards: so it goes whole, and both ends agree again. A packet without a slot's number
 * means the slot of the packet before: after an error of the line that may be the wrong one, and it is tossed.
 *
 * Two things differ from the RFC's code, and are right with it at the other end: flags that it does not look at (RFC 3168's) are part
 * of the rest, and a packet after an urgent one is not put in a special form, which would leave URG set there. */
#include "ppp/vj.h"

#include <glib.h>
#include <string.h>

#include "net/packet.h"
#include "ppp/ppp.h"
#include "reader.h"
#include "writer.h"

/* The change mask (§3.2.2). */
enum change { NEW_U = 0x01, NEW_W = 0x02, NEW_A = 0x04, NEW_S = 0x08, PUSH = 0x10, NEW_I = 0x20, NEW_C = 0x40 };
#define SPECIAL_I (NEW_S | NEW_W | NEW_U)         /* seq and ack grew by the data of the packet before: echoed typing */
#define SPECIAL_D (NEW_S | NEW_A | NEW_W | NEW_U) /* seq did: data one way */
#define SPECIALS_MASK (NEW_S | NEW_A | NEW_W | NEW_U)

#define DELTAS_MAX 15 /* five of three bytes each */
#define TCP_URG 0x20

/* Places in the IP header, and in TCP's. */
enum { AT_TOTAL = 2, AT_ID = 4, AT_PROTOCOL = 9, AT_IP_CHECKSUM = 10 };
enum { AT_SEQ = 4, AT_ACK = 8, AT_FLAGS = 12, AT_WINDOW = 14, AT_CHECKSUM = 16, AT_URGENT = 18 };

struct header {
	size_t ip, len; /* of the IP header, of both; 0: an empty slot */
	size_t data;    /* bytes behind them */
	uint32_t src, dst;
	uint16_t sport, dport;

	uint16_t id;
	uint32_t seq, ack;
	bool push, urgent;
	uint16_t flags; /* with the header's length, as they are in `rest` */
	uint16_t window, checksum, urgent_pointer;
	uint8_t rest[VJ_HEADER_MAX];
};

struct vj_sender {
	unsigned slots;
	bool compress_id;
	unsigned current;             /* the slot of the last packet; none of them at first */
	uint8_t order[VJ_SLOTS_MAX];  /* slots, the last used first */
	struct header slot[VJ_SLOTS_MAX];
};

struct vj_receiver {
	unsigned slots;
	bool compress_id;
	bool toss; /* it is not known which slot was the last */
	unsigned current;
	struct header slot[VJ_SLOTS_MAX];
};

/* Headers. */

static void patch_u32(struct writer *w, size_t at, uint32_t v)
{
	writer_patch_u16(w, at, (uint16_t)(v >> 16));
	writer_patch_u16(w, at + 2, (uint16_t)v);
}

/* What changes, apart from the flags, is written into the header in W. */
static void patch_header(struct writer *w, const struct header *h, uint16_t total)
{
	writer_patch_u16(w, AT_TOTAL, total);
	writer_patch_u16(w, AT_ID, h->id);
	writer_patch_u16(w, AT_IP_CHECKSUM, 0);
	patch_u32(w, h->ip + AT_SEQ, h->seq);
	patch_u32(w, h->ip + AT_ACK, h->ack);
	writer_patch_u16(w, h->ip + AT_WINDOW, h->window);
	writer_patch_u16(w, h->ip + AT_CHECKSUM, h->checksum);
	writer_patch_u16(w, h->ip + AT_URGENT, h->urgent_pointer);
}

/* The header of a packet that was parsed, in its two parts. */
static void split(struct header *h, const struct packet *p)
{
	struct reader r = reader_new(p->data, p->header + p->tcp_header);
	const struct header zero = { .ip = p->header };

	*h = (struct header){ .ip = p->header, .len = reader_left(&r), .src = p->src, .dst = p->dst, .sport = p->sport, .dport = p->dport,
			      .id = p->id, .seq = p->seq, .ack = p->ack };
	h->data = p->len - h->len;
	h->push = p->tcp_flags & TCP_PSH;
	h->urgent = p->tcp_flags & TCP_URG;
	struct writer w = writer_new(h->rest, sizeof(h->rest));
	writer_bytes(&w, p->data, h->len);
	patch_header(&w, &zero, 0);
	reader_skip(&r, h->ip + AT_FLAGS);
	h->flags = reader_u16(&r) & (uint16_t)~(TCP_PSH | TCP_URG);
	writer_patch_u16(&w, h->ip + AT_FLAGS, h->flags);
	h->window = reader_u16(&r);
	h->checksum = reader_u16(&r);
	h->urgent_pointer = reader_u16(&r);
}

/* The header as it was, with a right checksum of IP; h->len bytes at PLACE. */
static void join(const struct header *h, uint8_t *place)
{
	struct writer w = writer_new(place, h->len);

	writer_bytes(&w, h->rest, h->len);
	patch_header(&w, h, (uint16_t)(h->len + h->data));
	writer_patch_u16(&w, h->ip + AT_FLAGS, (uint16_t)(h->flags | (h->push ? TCP_PSH : 0) | (h->urgent ? TCP_URG : 0)));
	packet_complete_header(place, h->ip);
}

static bool same_connection(const struct header *a, const struct header *b)
{
	return a->len != 0 && a->src == b->src && a->dst == b->dst && a->sport == b->sport && a->dport == b->dport;
}

static bool same_rest(const struct header *a, const struct header *b)
{
	return a->len == b->len && memcmp(a->rest, b->rest, a->len) == 0;
}

/* Sending. */

struct vj_sender *vj_sender_new(unsigned slots, bool compress_id)
{
	g_return_val_if_fail(slots > 0 && slots <= VJ_SLOTS_MAX, NULL);
	struct vj_sender *vj = g_new0(struct vj_sender, 1);

	vj->slots = vj->current = slots;
	vj->compress_id = compress_id;
	for (unsigned i = 0; i < slots; i++)
		vj->order[i] = (uint8_t)i;
	return vj;
}

void vj_sender_free(struct vj_sender *vj)
{
	g_free(vj);
}

/* The slot of H's connection, or else the one that was not used for the longest time; it becomes the last used. */
static uint8_t take_slot(struct vj_sender *vj, const struct header *h)
{
	unsigned at = 0;

	while (at < vj->slots - 1 && !same_connection(&vj->slot[vj->order[at]], h))
		at++;
	uint8_t slot = vj->order[at];
	memmove(&vj->order[1], &vj->order[0], at);
	vj->order[0] = slot;
	return slot;
}

/* Differences (§3.2.2): 1 to 255 are one byte, others a zero and two bytes. */
static void put_delta(struct writer *w, uint16_t delta)
{
	if (delta == 0 || delta > UINT8_MAX) {
		writer_u8(w, 0);
		writer_u16(w, delta);
	} else {
		writer_u8(w, (uint8_t)delta);
	}
}

/* False: it is too large for a difference, or it is one to an older packet. */
static bool put_change(struct writer *w, uint32_t delta, enum change bit, unsigned *changes)
{
	if (delta > UINT16_MAX)
		return false;
	if (delta != 0) {
		put_delta(w, (uint16_t)delta);
		*changes |= bit;
	}
	return true;
}

static bool put_changes(struct writer *w, const struct header *old, const struct header *new, unsigned *changes)
{
	if (new->urgent) {
		put_delta(w, new->urgent_pointer);
		*changes |= NEW_U;
	} else if (new->urgent_pointer != old->urgent_pointer) {
		return false;
	}
	put_change(w, (uint16_t)(new->window - old->window), NEW_W, changes);
	return put_change(w, new->ack - old->ack, NEW_A, changes) && put_change(w, new->seq - old->seq, NEW_S, changes);
}

/* The special form of CHANGES, or 0 where there is none (§3.2.3). */
static unsigned find_special(const struct header *old, const struct header *new, unsigned changes)
{
	bool seq = new->seq - old->seq == old->data;
	bool ack = new->ack - old->ack == old->data;

	if (old->urgent || !seq)
		return 0;
	if (changes == NEW_S)
		return SPECIAL_D;
	return changes == (NEW_S | NEW_A) && ack ? SPECIAL_I : 0;
}

/* The differences go to W, their mask to CHANGES. False: the packet has to go whole. */
static bool encode(struct writer *w, const struct header *old, const struct header *new, unsigned *changes)
{
	struct writer start = *w;

	*changes = 0;
	if (!same_rest(old, new) || !put_changes(w, old, new, changes))
		return false;
	/* Nothing new is a retransmission or a probe, unless it is the first data after an Ack; and two sets of changes look like the
	 * special forms. */
	if ((*changes == 0 && (old->data > 0 || new->data == 0)) || *changes == SPECIAL_I || *changes == SPECIAL_D)
		return false;
	unsigned special = find_special(old, new, *changes);
	if (special) {
		*w = start;
		*changes = special;
	}
	if (new->id != (uint16_t)(old->id + 1)) {
		put_delta(w, (uint16_t)(new->id - old->id));
		*changes |= NEW_I;
	}
	*changes |= new->push ? PUSH : 0;
	return true;
}

static bool send_compressed(const struct vj_sender *vj, uint8_t slot, const struct header *new, struct vj_packet *out)
{
	uint8_t deltas[DELTAS_MAX];
	struct writer d = writer_new(deltas, sizeof(deltas));
	struct writer w = writer_new(out->head, sizeof(out->head));
	bool name = !vj->compress_id || vj->current != slot;
	unsigned changes;

	if (!same_connection(&vj->slot[slot], new) || !encode(&d, &vj->slot[slot], new, &changes))
		return false;
	writer_u8(&w, (uint8_t)(changes | (name ? NEW_C : 0)));
	if (name)
		writer_u8(&w, slot);
	writer_u16(&w, new->checksum);
	writer_bytes(&w, deltas, writer_len(&d));
	out->protocol = PPP_VJC_COMP;
	out->head_len = writer_len(&w);
	out->body = new->len;
	return true;
}

static void send_whole(uint8_t slot, const uint8_t *packet, struct vj_packet *out)
{
	struct writer w = writer_new(out->head, sizeof(out->head));

	writer_bytes(&w, packet, AT_PROTOCOL);
	writer_u8(&w, slot);
	out->protocol = PPP_VJC_UNCOMP;
	out->head_len = out->body = writer_len(&w);
}

/* §3.2.3: of TCP, only what is in the middle of a connection; and nothing that would come out with a better checksum of IP's than it has. */
static bool parse_compressible(struct packet *p, const uint8_t *packet, size_t len)
{
	/* It is read only. */
	return packet_parse(p, (uint8_t *)(uintptr_t)packet, len) && p->len == len && p->protocol == IPPROTO_TCP && !packet_is_fragment(p) &&
	       (p->tcp_flags & (TCP_ACK | TCP_SYN | TCP_FIN | TCP_RST)) == TCP_ACK && packet_header_ok(p);
}

void vj_send(struct vj_sender *vj, const uint8_t *packet, size_t len, struct vj_packet *out)
{
	struct packet p;
	struct header h;

	out->protocol = PPP_IP;
	out->head_len = out->body = 0;
	if (!parse_compressible(&p, packet, len))
		return;
	split(&h, &p);
	uint8_t slot = take_slot(vj, &h);
	if (!send_compressed(vj, slot, &h, out))
		send_whole(slot, packet, out);
	vj->slot[slot] = h;
	vj->current = slot;
}

/* Receiving. */

struct vj_receiver *vj_receiver_new(unsigned slots, bool compress_id)
{
	g_return_val_if_fail(slots > 0 && slots <= VJ_SLOTS_MAX, NULL);
	struct vj_receiver *vj = g_new0(struct vj_receiver, 1);

	vj->slots = slots;
	vj->compress_id = compress_id;
	vj->toss = true;
	return vj;
}

void vj_receiver_free(struct vj_receiver *vj)
{
	g_free(vj);
}

void vj_line_error(struct vj_receiver *vj)
{
	vj->toss = true;
}

static uint8_t *toss(struct vj_receiver *vj)
{
	vj->toss = true;
	return NULL;
}

static void use_slot(struct vj_receiver *vj, unsigned slot)
{
	vj->current = slot;
	vj->toss = false;
}

static bool parse_whole_tcp(struct packet *p, uint8_t *packet, size_t len)
{
	return packet_parse(p, packet, len) && p->protocol == IPPROTO_TCP && !packet_is_fragment(p);
}

static uint8_t *receive_whole(struct vj_receiver *vj, uint8_t *packet, size_t *len)
{
	struct reader r = reader_new(packet, *len);
	struct packet p;

	reader_skip(&r, AT_PROTOCOL);
	unsigned slot = reader_u8(&r);
	if (!reader_ok(&r) || slot >= vj->slots)
		return toss(vj);
	packet[AT_PROTOCOL] = IPPROTO_TCP;
	if (!parse_whole_tcp(&p, packet, *len) || !packet_header_ok(&p))
		return toss(vj);
	split(&vj->slot[slot], &p);
	use_slot(vj, slot);
	*len = p.len;
	return packet_tcp_checksum_ok(&p) ? packet : NULL;
}

static uint16_t get_delta(struct reader *r)
{
	uint8_t delta = reader_u8(r);

	return delta ? delta : reader_u16(r);
}

static void apply_listed(struct header *h, unsigned changes, struct reader *r)
{
	h->urgent = changes & NEW_U;
	if (changes & NEW_U)
		h->urgent_pointer = get_delta(r);
	if (changes & NEW_W)
		h->window = (uint16_t)(h->window + get_delta(r));
	if (changes & NEW_A)
		h->ack += get_delta(r);
	if (changes & NEW_S)
		h->seq += get_delta(r);
}

static void apply(struct header *h, unsigned changes, struct reader *r)
{
	unsigned special = changes & SPECIALS_MASK;

	h->checksum = reader_u16(r);
	h->push = changes & PUSH;
	if (special == SPECIAL_I || special == SPECIAL_D) {
		h->urgent = false;
		h->seq += (uint32_t)h->data;
		h->ack += special == SPECIAL_I ? (uint32_t)h->data : 0;
	} else {
		apply_listed(h, changes, r);
	}
	h->id = (uint16_t)(h->id + (changes & NEW_I ? get_delta(r) : 1));
	h->data = reader_left(r);
}

/* The slot that a compressed packet is for. False: there is none, or it is not known which. */
static bool find_slot(struct vj_receiver *vj, unsigned changes, struct reader *r)
{
	if (!(changes & NEW_C))
		return vj->compress_id && !vj->toss;
	unsigned slot = reader_u8(r);
	if (!reader_ok(r) || slot >= vj->slots || vj->slot[slot].len == 0)
		return false;
	use_slot(vj, slot);
	return true;
}

static uint8_t *receive_compressed(struct vj_receiver *vj, uint8_t *packet, size_t *len)
{
	struct reader r = reader_new(packet, *len);
	unsigned changes = reader_u8(&r);
	struct packet p;

	if (!reader_ok(&r) || !find_slot(vj, changes, &r))
		return toss(vj);
	struct header h = vj->slot[vj->current];
	apply(&h, changes, &r);
	if (!reader_ok(&r) || h.len + h.data > IPV4_PACKET_MAX)
		return toss(vj);
	uint8_t *start = packet + (*len - h.data) - h.len;
	join(&h, start);
	vj->slot[vj->current] = h;
	*len = h.len + h.data;
	return parse_whole_tcp(&p, start, *len) && packet_tcp_checksum_ok(&p) ? start : NULL;
}

uint8_t *vj_receive(struct vj_receiver *vj, uint16_t protocol, uint8_t *packet, size_t *len)
{
	return protocol == PPP_VJC_UNCOMP ? receive_whole(vj, packet, len) : receive_compressed(vj, packet, len);
}
