/* See vj_rig.h. */
#include "vj_rig.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

struct vj_pair *vj_pair_new(unsigned slots, bool compress_id)
{
	struct vj_pair *p = g_new0(struct vj_pair, 1);

	p->sender = vj_sender_new(slots, compress_id);
	p->receiver = vj_receiver_new(slots, compress_id);
	p->wire = g_string_new(NULL);
	return p;
}

void vj_pair_free(struct vj_pair *p)
{
	vj_sender_free(p->sender);
	vj_receiver_free(p->receiver);
	g_string_free(p->wire, TRUE);
	g_free(p);
}

/* LEN bytes come to the receiver as PROTOCOL, in memory of their own size. */
bool vj_pair_receive(struct vj_pair *p, uint16_t protocol, const void *head, size_t head_len, const uint8_t *body, size_t body_len)
{
	size_t len = head_len + body_len;
	uint8_t *room = g_malloc(VJ_HEADROOM + len);
	uint8_t *at = room + VJ_HEADROOM;

	if (head_len > 0)
		memcpy(at, head, head_len);
	if (body_len > 0)
		memcpy(at + head_len, body, body_len);
	uint8_t *got = vj_receive(p->receiver, protocol, at, &len);
	p->got = NULL;
	if (got) {
		CU_ASSERT_TRUE(got >= room && got + len == at + head_len + body_len);
		p->got = memcpy(p->room, got, len);
		p->got_len = len;
	}
	g_free(room);
	return got != NULL;
}

bool vj_pair_arrive(struct vj_pair *p)
{
	return vj_pair_receive(p, p->out.protocol, p->out.head, p->out.head_len, p->packet + p->out.body, p->len - p->out.body);
}

/* Compresses the packet; returns the protocol it goes as, with what is put before the body in p->wire. */
uint16_t vj_pair_compress(struct vj_pair *p, const struct spec *s)
{
	if (s)
		p->len = build(p->packet, s);
	vj_send(p->sender, p->packet, p->len, &p->out);
	g_string_truncate(p->wire, 0);
	for (size_t i = 0; i < p->out.head_len; i++)
		g_string_append_printf(p->wire, "%.2x", p->out.head[i]);
	return p->out.protocol;
}

static bool came_as_it_was(const struct vj_pair *p)
{
	return p->got && p->got_len == p->len && memcmp(p->got, p->packet, p->len) == 0;
}

/* It goes as PROTOCOL and comes out as it was. */
bool vj_pair_passes(struct vj_pair *p, const struct spec *s, uint16_t protocol)
{
	if (vj_pair_compress(p, s) != protocol) {
		printf("# as %.4x: %s\n", p->out.protocol, p->wire->str);
		return false;
	}
	return protocol == PPP_IP ? p->out.head_len == 0 && p->out.body == 0 : vj_pair_arrive(p) && came_as_it_was(p);
}

/* It goes compressed as HEAD: the mask, an id, the checksum (written ....), the differences. */
bool vj_pair_goes_as(struct vj_pair *p, const struct spec *s, const char *head)
{
	bool ok = vj_pair_passes(p, s, PPP_VJC_COMP) && strlen(head) == p->wire->len;

	for (size_t i = 0; ok && head[i]; i++)
		ok = head[i] == '.' || head[i] == p->wire->str[i];
	if (!ok)
		printf("# sent %s instead of %s\n", p->wire->str, head);
	return ok;
}

struct spec vj_conversation(uint16_t port)
{
	return (struct spec){ .protocol = IPPROTO_TCP, .src = 0x0a000202, .dst = 0x0a00020f, .sport = port, .dport = 23, .flags = ACK,
			      .seq = 1000, .ack = 5000, .id = 7, .payload = 1 };
}

void vj_next(struct spec *s, uint32_t seq, uint32_t ack)
{
	s->seq += seq;
	s->ack += ack;
	s->id++;
}

/* Fields that packets.h has no word for are written into a packet, and its TCP checksum is made right. */
void vj_pair_fix(struct vj_pair *p)
{
	size_t header = (p->packet[0] & 0xfu) * 4u;
	size_t tcp = p->len - header;
	uint32_t start = IPPROTO_TCP + (uint32_t)tcp;

	for (size_t i = 12; i < 20; i += 2)
		start += packet_u16(p->packet, i);
	p->packet[header + 16] = p->packet[header + 17] = 0;
	uint16_t sum = plain_checksum(start, p->packet + header, tcp);
	p->packet[header + 16] = (uint8_t)(sum >> 8);
	p->packet[header + 17] = (uint8_t)sum;
	p->packet[10] = p->packet[11] = 0;
	sum = plain_checksum(0, p->packet, header);
	p->packet[10] = (uint8_t)(sum >> 8);
	p->packet[11] = (uint8_t)sum;
}

void vj_pair_set16(struct vj_pair *p, size_t at, uint16_t v)
{
	p->packet[at] = (uint8_t)(v >> 8);
	p->packet[at + 1] = (uint8_t)v;
	vj_pair_fix(p);
}
