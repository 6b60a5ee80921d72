/* The link's data path with CCP up: what comes in a compressed frame, and what of that is heeded. */
#include "unit.h"

#include <string.h>
#include <zlib.h>

#include "ppp/ppp.h"
#include "rig.h"
#include "writer.h"

#define PACKET_MAX 256

/* The peer's Deflate (RFC 1979), on packets of any protocol. */
struct sender {
	z_stream zip;
	uint16_t number;
};

/* LCP, Deflate from the peer, and IPCP are up. */
static struct rig *begin(struct sender *sender)
{
	struct rig *rig = rig_new();

	rig->config->ccp.enabled = true;
	rig_open_lcp(rig);
	rig_answer(rig, PPP_CCP, 2);
	rig_feed(rig, "80fd 01010004");
	rig_feed(rig, "8021 0101000a 03060a090909");
	rig_feed(rig, "8021 0201000a 03060a000202");
	rig_skip(rig);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig->events->str, "up 10.0.2.2 10.9.9.9;"));
	*sender = (struct sender){ 0 };
	CU_ASSERT_EQUAL(deflateInit2(&sender->zip, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	return rig;
}

static void end(struct rig *rig, struct sender *sender)
{
	deflateEnd(&sender->zip);
	rig_free(rig);
}

/* PLAIN is what is compressed: a protocol number and a packet. */
static void send_deflated(struct rig *rig, struct sender *sender, const void *plain, size_t len)
{
	uint8_t packet[PACKET_MAX];
	struct writer w = writer_new(packet, sizeof(packet));
	z_stream *zip = &sender->zip;

	writer_u16(&w, sender->number++);
	zip->next_in = (Bytef *)(uintptr_t)plain;
	zip->avail_in = (uInt)len;
	zip->next_out = packet + writer_len(&w);
	zip->avail_out = (uInt)writer_room(&w);
	CU_ASSERT_EQUAL(deflate(zip, Z_SYNC_FLUSH), Z_OK);
	rig_feed_packet(rig, PPP_COMP, packet, sizeof(packet) - zip->avail_out - 4);
}

static void a_packet_of_the_network_passes(void)
{
	struct sender sender;
	struct rig *rig = begin(&sender);
	static const uint8_t plain[21] = { 0x21, 0x45 };

	send_deflated(rig, &sender, plain, sizeof(plain));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig->events->str, "ip 20;"));
	end(rig, &sender);
}

/* One that closed CCP would take the buffer away that it is read from. */
static void control_packets_do_not_come_compressed(void)
{
	static const struct {
		const char *bytes;
		size_t len;
	} packets[] = {
		{ "\xc0\x21\x05\x02\x00\x08" "text", 10 },   { "\xc0\x21\x01\x02\x00\x04", 6 },
		{ "\x80\xfd\x05\x02\x00\x08" "text", 10 },   { "\x80\xfd\x01\x02\x00\x04", 6 },
		{ "\x80\x21\x05\x02\x00\x04", 6 },           { "\xc0\x21\x09\x02\x00\x08\x00\x00\x00\x00", 10 },
		{ "\xc0\x21\x08\x02\x00\x06\x80\xfd", 8 },
	};
	struct sender sender;
	struct rig *rig = begin(&sender);
	size_t events = rig->events->len;

	for (size_t i = 0; i < G_N_ELEMENTS(packets); i++) {
		send_deflated(rig, &sender, packets[i].bytes, packets[i].len);
		CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	}
	CU_ASSERT_EQUAL(rig->events->len, events);
	end(rig, &sender);
}

/* RFC 1661 §5.7 holds for what was compressed, too. */
static void an_unknown_network_is_rejected(void)
{
	struct sender sender;
	struct rig *rig = begin(&sender);

	send_deflated(rig, &sender, "\x00\x2b\x01\x02", 4);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 08??0008 002b 0102"));
	end(rig, &sender);
}

static void a_lost_frame_asks_for_a_reset(void)
{
	static const uint8_t plain[21] = { 0x21, 0x45 };
	struct sender sender;
	struct rig *rig = begin(&sender);

	sender.number++;
	send_deflated(rig, &sender, plain, sizeof(plain));
	CU_ASSERT_TRUE(rig_sent(rig, "80fd 0e??0004"));
	CU_ASSERT_PTR_NULL(strstr(rig->events->str, "ip 20;"));
	end(rig, &sender);
}

const struct unit_test unit_tests[] = {
	{ "compressed: a packet of the network passes (RFC 1979)", a_packet_of_the_network_passes },
	{ "compressed: control packets do not come compressed", control_packets_do_not_come_compressed },
	{ "compressed: an unknown network is rejected", an_unknown_network_is_rejected },
	{ "compressed: a lost frame asks for a reset (RFC 1962 section 5.1)", a_lost_frame_asks_for_a_reset },
	{ 0 },
};
