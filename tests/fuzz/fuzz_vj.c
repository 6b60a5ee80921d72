/* Fuzzes both ends of header compression. Byte 0: slots and whether numbers are compressed; then come pieces, each a byte that says what
 * it is, one with its length, and its bytes: a packet from the line, an error of the line, or a packet to be sent. What comes out of a
 * receiver has right checksums and lies within its bounds; what was sent comes out of the other end as it was, or, where its own checksum
 * is wrong, not at all.
 * Coverage: src/ppp/vj.c */
#include <glib.h>
#include <netinet/in.h>
#include <string.h>

#include "net/packet.h"
#include "ppp/ppp.h"
#include "ppp/vj.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct ends {
	struct vj_sender *sender;
	struct vj_receiver *receiver; /* of the sender's packets */
	struct vj_receiver *victim;   /* of packets from the line */
};

/* The packet is HEAD and BODY, in memory of its own size. Returns what came out, to be freed, or NULL. */
static uint8_t *receive(struct vj_receiver *vj, uint16_t protocol, const struct vj_packet *head, struct reader body, size_t *len)
{
	size_t body_len = reader_left(&body);
	uint8_t *room = g_malloc(VJ_HEADROOM + head->head_len + body_len);
	uint8_t *at = room + VJ_HEADROOM;
	struct packet p;

	memcpy(at, head->head, head->head_len);
	if (body_len > 0)
		memcpy(at + head->head_len, reader_bytes(&body, body_len), body_len);
	*len = head->head_len + body_len;
	uint8_t *got = vj_receive(vj, protocol, at, len);
	g_assert(!got || (got >= room && got + *len <= at + head->head_len + body_len));
	g_assert(!got || (packet_parse(&p, got, *len) && packet_header_ok(&p) && packet_tcp_checksum_ok(&p)));
	got = got ? g_memdup2(got, *len) : NULL;
	g_free(room);
	return got;
}

static void from_line(struct ends *e, uint16_t protocol, struct reader bytes)
{
	const struct vj_packet none = { .head_len = 0 };
	size_t len;

	g_free(receive(e->victim, protocol, &none, bytes, &len));
}

static void send_packet(struct ends *e, uint8_t *packet, size_t len)
{
	struct vj_packet out;
	struct packet p;
	size_t got_len;

	vj_send(e->sender, packet, len, &out);
	if (out.protocol == PPP_IP)
		return;
	g_assert(packet_parse(&p, packet, len) && out.body <= len && out.head_len <= out.body);
	uint8_t *got = receive(e->receiver, out.protocol, &out, reader_new(packet + out.body, len - out.body), &got_len);
	bool right = packet_header_ok(&p) && packet_tcp_checksum_ok(&p);
	g_assert(!got || (got_len == len && memcmp(got, packet, len) == 0));
	g_assert(got || !right);
	g_free(got);
}

/* As it is, or made into a packet whose checksums are right: then its first bytes are fields that change. */
static void to_line(struct ends *e, struct reader bytes, bool repair)
{
	static const uint8_t start[] = { 0x45, 0, 0, 40, 0, 0, 0, 0, 64, IPPROTO_TCP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 23, 0,
					 0,    0, 0, 0,  0, 0, 0, 0, 0,  0x50,        0x10 };
	size_t len = reader_left(&bytes);
	uint8_t packet[40 + UINT8_MAX] = { 0 };
	struct packet p;

	if (len > 0)
		memcpy(packet + (repair ? 20 : 0), reader_bytes(&bytes, len), len);
	if (repair) {
		len += 40;
		memcpy(packet, start, 24);
		packet[3] = (uint8_t)len;
		packet[2] = (uint8_t)(len >> 8);
		packet[4] = packet[24];
		packet[23] &= 3;
		packet[32] = start[32];
		packet[33] = (uint8_t)((packet[33] & 0xe8) | start[33]);
		packet_complete_header(packet, 20);
		if (packet_parse(&p, packet, len))
			packet_complete_checksum(&p);
	}
	send_packet(e, packet, len);
}

static void piece(struct ends *e, unsigned kind, struct reader bytes)
{
	switch (kind % 5) {
	case 0:
		from_line(e, PPP_VJC_COMP, bytes);
		break;
	case 1:
		from_line(e, PPP_VJC_UNCOMP, bytes);
		break;
	case 2:
		vj_line_error(e->victim);
		break;
	default:
		to_line(e, bytes, kind % 5 == 4);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(data, size);
	uint8_t options = reader_u8(&r);
	unsigned slots = 1 + (options & 15u);
	bool compress_id = options & 16;
	struct ends e = { vj_sender_new(slots, compress_id), vj_receiver_new(slots, compress_id), vj_receiver_new(slots, compress_id) };

	while (reader_left(&r) > 1) {
		unsigned kind = reader_u8(&r);
		size_t len = reader_u8(&r);
		piece(&e, kind, reader_sub(&r, MIN(len, reader_left(&r))));
	}
	vj_sender_free(e.sender);
	vj_receiver_free(e.receiver);
	vj_receiver_free(e.victim);
	return 0;
}
