/* net/checksum, net/packet, net/reply: parsing what is hostile, rewriting what is not. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "net/checksum.h"
#include "net/packet.h"
#include "net/reply.h"
#include "packets.h"

#define PEER UINT32_C(0x0a00020f)
#define HOST UINT32_C(0x0a000202)
#define FAR UINT32_C(0xc0a8fe01)

static const struct spec tcp = { .protocol = IPPROTO_TCP, .src = PEER, .dst = FAR, .sport = 1234, .dport = 80, .flags = TCP_ACK,
				 .seq = 0xfffffff0, .ack = 77, .payload = 101 };
static const struct spec udp = { .protocol = IPPROTO_UDP, .src = PEER, .dst = FAR, .sport = 1234, .dport = 53, .payload = 30 };
static const struct spec icmp = { .protocol = IPPROTO_ICMP, .src = PEER, .dst = FAR, .type = 8, .payload = 56 };

static void checksum_agrees(void)
{
	uint8_t data[257];

	srand(1);
	for (unsigned round = 0; round < 2000; round++) {
		size_t len = (size_t)rand() % sizeof(data);
		size_t cut = len > 1 ? (size_t)rand() % len & ~(size_t)1 : 0;

		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)(rand() % 8 ? rand() : 0xff);
		uint64_t sum = checksum_add(checksum_add(0, data, cut), data + cut, len - cut);
		CU_ASSERT_EQUAL(checksum_finish(sum), plain_checksum(0, data, len));
	}
}

/* RFC 1624 §4: the example where equation 2 of RFC 1141 is wrong. */
static void checksum_update(void)
{
	CU_ASSERT_EQUAL(checksum_replace16(0xdd2f, 0x5555, 0x3285), 0x0000);
	uint8_t data[20];
	srand(2);
	for (unsigned round = 0; round < 5000; round++) {
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (uint8_t)(rand() % 4 ? rand() : 0xff * (rand() % 2));
		data[0] |= 1;
		uint16_t check = plain_checksum(0, data, sizeof(data));
		uint32_t old = packet_u32(data, 8);
		uint32_t new = (uint32_t)rand() * (uint32_t)(rand() % 3);
		for (unsigned i = 0; i < 4; i++)
			data[8 + i] = (uint8_t)(new >> (24 - 8 * i));
		CU_ASSERT_EQUAL(checksum_replace32(check, old, new), plain_checksum(0, data, sizeof(data)));
	}
}

/* The update, computed without wrapping around before the end. */
static uint16_t plain_replace(uint16_t check, uint16_t old, uint16_t new)
{
	uint32_t sum = (0xffffu - check) + (0xffffu - old) + new;

	while (sum > 0xffff)
		sum -= 0xffff;
	return (uint16_t)(0xffff - sum);
}

static void checksum_update_carries(void)
{
	const uint16_t fields[] = { 0, 1, 0x1234, 0x7fff, 0x8000, 0xfffe, 0xffff };

	for (uint32_t check = 0; check < 65536; check++)
		for (unsigned i = 0; i < 49; i++)
			if (checksum_replace16((uint16_t)check, fields[i / 7], fields[i % 7]) !=
			    plain_replace((uint16_t)check, fields[i / 7], fields[i % 7]))
				CU_FAIL("carry lost");
}

static void parses(void)
{
	uint8_t buf[2000];
	struct packet p;
	size_t len = build(buf, &tcp);

	CU_ASSERT_TRUE(packet_parse(&p, buf, len + 46));
	CU_ASSERT_EQUAL(p.len, len);
	CU_ASSERT_EQUAL(p.src, PEER);
	CU_ASSERT_EQUAL(p.dst, FAR);
	CU_ASSERT_EQUAL(p.sport, 1234);
	CU_ASSERT_EQUAL(p.dport, 80);
	CU_ASSERT_EQUAL(p.tcp_header, 20);
	CU_ASSERT_EQUAL(p.transport_len, 121);
	CU_ASSERT_FALSE(packet_is_fragment(&p));
	CU_ASSERT_TRUE(packet_header_ok(&p));
	CU_ASSERT_TRUE(packet_tcp_checksum_ok(&p));
	buf[60]++;
	CU_ASSERT_FALSE(packet_tcp_checksum_ok(&p));
}

/* Cut at every length, in memory of exactly that size, so that a sanitizer sees every byte too many. */
static void truncated_at_every_length(void)
{
	const struct spec *const specs[] = { &tcp, &udp, &icmp };

	for (unsigned s = 0; s < 3; s++) {
		uint8_t buf[2000];
		size_t len = build(buf, specs[s]);

		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *exact = malloc(cut + 1);
			struct packet p;

			memcpy(exact + 1, buf, cut);
			CU_ASSERT_FALSE(packet_parse(&p, exact + 1, cut));
			free(exact);
		}
	}
}

struct lie {
	size_t at;
	uint8_t value;
	const struct spec *spec;
};

static const struct lie lies[] = {
	{ 0, 0x44, &tcp },  /* header shorter than 20 */
	{ 0, 0x65, &tcp },  /* version 6 */
	{ 0, 0x4f, &udp },  /* a header of 60 in a packet of 58 */
	{ 2, 0xff, &tcp },  /* longer than what came */
	{ 3, 19, &udp },    /* total length shorter than the header */
	{ 32, 0x40, &tcp }, /* TCP header of 16 */
	{ 25, 7, &udp },    /* UDP length shorter than its header */
	{ 24, 0xff, &udp }, /* UDP length beyond the packet */
	{ 6, 0x3f, &udp },  /* a fragment whose length is no multiple of 8 */
	{ 7, 1, &tcp },     /* TCP, fragment offset 8 (RFC 1858) */
};

static void lies_are_refused(void)
{
	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		uint8_t buf[2000];
		struct packet p;
		size_t len = build(buf, lies[i].spec);

		buf[lies[i].at] = lies[i].value;
		CU_ASSERT_FALSE(packet_parse(&p, buf, len));
	}
}

static void fragments_end_within_65535(void)
{
	uint8_t buf[2000];
	struct packet p;
	struct spec s = { .protocol = IPPROTO_UDP, .src = PEER, .dst = FAR, .payload = 8, .fragment = 8189 };
	size_t len = build(buf, &s);

	CU_ASSERT_FALSE(packet_parse(&p, buf, len));
	s.fragment = 8185;
	len = build(buf, &s);
	CU_ASSERT_TRUE(packet_parse(&p, buf, len));
	CU_ASSERT_EQUAL(p.offset, 65480);
	CU_ASSERT_FALSE(packet_parse(&p, buf, len - 1));
	CU_ASSERT_EQUAL(p.sport, 0);
}

static void rewriting_keeps_checksums(void)
{
	const struct spec *const specs[] = { &tcp, &udp, &icmp };

	srand(3);
	for (unsigned round = 0; round < 3000; round++) {
		uint8_t buf[2000];
		struct packet p;
		struct spec s = *specs[round % 3];

		s.payload = (size_t)rand() % 64;
		s.seq = (uint32_t)rand();
		s.no_checksum = round % 2 && s.protocol == IPPROTO_UDP;
		size_t len = build(buf, &s);
		CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, len));
		uint32_t addr = (uint32_t)rand() * 2u;
		packet_set_source(&p, addr, (uint16_t)rand());
		packet_set_destination(&p, ~addr, (uint16_t)rand());
		CU_ASSERT_EQUAL(packet_u32(buf, 12), addr);
		CU_ASSERT_EQUAL(packet_u32(buf, 16), ~addr);
		CU_ASSERT_TRUE(checksums_right(buf, len));
		if (s.no_checksum)
			CU_ASSERT_EQUAL(packet_u16(buf, 26), 0);
		if (s.protocol == IPPROTO_UDP && !s.no_checksum)
			CU_ASSERT_NOT_EQUAL(packet_u16(buf, 26), 0);
	}
}

/* The UDP checksum of a packet may become 0: then it must be written as ffff (RFC 768). */
static void udp_checksum_is_never_zero(void)
{
	uint8_t buf[2000];
	unsigned ones = 0;

	for (uint32_t port = 0; port < 65536; port++) {
		struct packet p;
		size_t len = build(buf, &udp);

		CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, len));
		packet_set_source(&p, PEER, (uint16_t)port);
		ones += packet_u16(buf, 26) == 0xffff;
		CU_ASSERT_NOT_EQUAL(packet_u16(buf, 26), 0);
	}
	CU_ASSERT_TRUE(ones > 0);
}

static void later_fragments_have_no_ports(void)
{
	uint8_t buf[2000];
	struct spec s = udp;
	struct packet p;

	s.fragment = 100;
	size_t len = build(buf, &s);
	CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, len));
	uint8_t before[40];
	memcpy(before, buf + 20, sizeof(before));
	packet_set_source(&p, 1, 4321);
	packet_set_destination(&p, 2, 4321);
	CU_ASSERT_EQUAL(memcmp(before, buf + 20, sizeof(before)), 0);
	CU_ASSERT_TRUE(checksums_right(buf, len));
}

static void mss_is_only_lowered(void)
{
	const uint8_t even[] = { 2, 4, 0x05, 0xb4, 1, 3, 3, 7 };
	const uint8_t odd[] = { 1, 2, 4, 0x05, 0xb4, 1, 0, 0 };
	const uint8_t broken[] = { 3, 0, 2, 4, 0x05, 0xb4, 0, 0 };
	const uint8_t after_end[] = { 0, 0, 2, 4, 0x05, 0xb4, 0, 0 };
	const uint8_t overlong[] = { 1, 1, 1, 1, 2, 5, 0x05, 0xb4 };
	const struct {
		const uint8_t *options;
		size_t at;
		uint16_t mss, want;
	} rows[] = {
		{ even, 42, 536, 536 }, { odd, 43, 536, 536 }, { even, 42, 1460, 1460 }, { even, 42, 9000, 1460 },
		{ odd, 43, 0x1234, 1460 }, { broken, 44, 536, 1460 }, { after_end, 44, 536, 1460 }, { overlong, 46, 536, 1460 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[2000];
		struct spec s = tcp;
		struct packet p;

		s.flags = TCP_SYN;
		s.options = rows[i].options;
		s.options_len = 8;
		size_t len = build(buf, &s);
		CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, len));
		packet_clamp_mss(&p, rows[i].mss);
		CU_ASSERT_EQUAL(packet_u16(buf, rows[i].at), rows[i].want);
		CU_ASSERT_TRUE(checksums_right(buf, len));
	}
}

static void mss_only_in_a_syn(void)
{
	const uint8_t options[] = { 2, 4, 0x05, 0xb4 };
	uint8_t buf[2000];
	struct spec s = tcp;
	struct packet p;

	s.options = options;
	s.options_len = 4;
	CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, build(buf, &s)));
	packet_clamp_mss(&p, 100);
	CU_ASSERT_EQUAL(packet_u16(buf, 42), 1460);
}

/* RFC 9293 §3.10.7.1: the reset takes its sequence number from the ACK where there is one. */
static void reset_of_an_ack(void)
{
	uint8_t buf[2000];
	uint8_t reply[REPLY_MAX];
	struct packet p;

	CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, build(buf, &tcp)));
	size_t len = reply_tcp_reset(reply, &p);
	CU_ASSERT_EQUAL_FATAL(len, 40);
	CU_ASSERT_TRUE(checksums_right(reply, len));
	CU_ASSERT_EQUAL(packet_u32(reply, 12), FAR);
	CU_ASSERT_EQUAL(packet_u32(reply, 16), PEER);
	CU_ASSERT_EQUAL(packet_u16(reply, 20), 80);
	CU_ASSERT_EQUAL(packet_u16(reply, 22), 1234);
	CU_ASSERT_EQUAL(packet_u32(reply, 24), 77);
	CU_ASSERT_EQUAL(reply[33], TCP_RST);
}

static void reset_of_a_syn(void)
{
	uint8_t buf[2000];
	uint8_t reply[REPLY_MAX];
	struct spec s = tcp;
	struct packet p;

	s.flags = TCP_SYN;
	CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, build(buf, &s)));
	CU_ASSERT_EQUAL_FATAL(reply_tcp_reset(reply, &p), 40);
	CU_ASSERT_TRUE(checksums_right(reply, 40));
	CU_ASSERT_EQUAL(packet_u32(reply, 24), 0);
	CU_ASSERT_EQUAL(packet_u32(reply, 28), (uint32_t)(0xfffffff0 + 101 + 1));
	CU_ASSERT_EQUAL(reply[33], TCP_RST | TCP_ACK);
	s.flags = TCP_RST | TCP_ACK;
	CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, build(buf, &s)));
	CU_ASSERT_EQUAL(reply_tcp_reset(reply, &p), 0);
}

static void error_quotes_the_packet(void)
{
	uint8_t buf[2000];
	uint8_t reply[REPLY_MAX];
	struct spec s = udp;
	struct packet p, answer, quoted;

	s.payload = 1000;
	CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, build(buf, &s)));
	size_t len = reply_icmp_error(reply, &p, HOST, ICMP_UNREACHABLE, UNREACHABLE_PORT);
	CU_ASSERT_EQUAL_FATAL(len, REPLY_MAX);
	CU_ASSERT_TRUE(checksums_right(reply, len));
	CU_ASSERT_EQUAL(memcmp(reply + 28, buf, len - 28), 0);
	CU_ASSERT_TRUE_FATAL(packet_parse(&answer, reply, len));
	CU_ASSERT_EQUAL(answer.src, HOST);
	CU_ASSERT_EQUAL(answer.dst, PEER);
	CU_ASSERT_TRUE_FATAL(packet_quoted(&answer, &quoted));
	CU_ASSERT_EQUAL(quoted.dport, 53);
	packet_set_destination(&quoted, HOST, 5353);
	packet_set_source(&quoted, FAR, 1234);
	packet_fix_icmp(&answer);
	CU_ASSERT_TRUE(checksums_right(reply, len));
	CU_ASSERT_EQUAL(plain_checksum(0, reply + 28, 20), 0);
	CU_ASSERT_EQUAL(packet_u16(reply, 28 + 22), 5353);
}

/* RFC 1122 §3.2.2: what must not be answered with an error. */
static void no_error_about(void)
{
	uint8_t buf[2000];
	uint8_t reply[REPLY_MAX];
	struct packet p;
	struct spec rows[] = { icmp, udp, udp, udp, udp, udp };

	rows[0].type = ICMP_UNREACHABLE;
	rows[1].fragment = 10;
	rows[2].dst = UINT32_C(0xe0000001);
	rows[3].dst = UINT32_MAX;
	rows[4].src = UINT32_C(0x7f000001);
	rows[5].src = 0;
	for (unsigned i = 0; i < 6; i++) {
		CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, build(buf, &rows[i])));
		CU_ASSERT_EQUAL(reply_icmp_error(reply, &p, HOST, ICMP_UNREACHABLE, UNREACHABLE_PORT), 0);
	}
}

static void quote_cut_at_every_length(void)
{
	uint8_t buf[2000];
	uint8_t reply[REPLY_MAX];
	struct packet p;

	CU_ASSERT_TRUE_FATAL(packet_parse(&p, buf, build(buf, &tcp)));
	size_t len = reply_icmp_error(reply, &p, HOST, ICMP_EXCEEDED, 0);
	for (size_t cut = 28; cut <= len; cut++) {
		uint8_t *exact = malloc(cut);
		struct packet error, quoted;

		memcpy(exact, reply, cut);
		exact[2] = (uint8_t)(cut >> 8);
		exact[3] = (uint8_t)cut;
		CU_ASSERT_TRUE_FATAL(packet_parse(&error, exact, cut));
		CU_ASSERT_EQUAL(packet_quoted(&error, &quoted), cut >= 56);
		if (cut >= 56) {
			packet_set_destination(&quoted, HOST, 81);
			packet_fix_icmp(&error);
			CU_ASSERT_EQUAL(plain_checksum(0, exact + 28, 20), 0);
		}
		free(exact);
	}
}

/* pppd (demand.c): neither wakes a line. */
static void fragments_and_ends_are_no_traffic(void)
{
	uint8_t packet[41] = { 0x45, [9] = IPPROTO_TCP, [32] = 0x50, [33] = 0x11 };

	CU_ASSERT_FALSE(packet_is_traffic(packet, 40));
	CU_ASSERT_TRUE(packet_is_traffic(packet, 41));
	CU_ASSERT_TRUE(packet_is_traffic(packet, 33)); /* cut */
	packet[33] = 0x10;
	CU_ASSERT_TRUE(packet_is_traffic(packet, 40));
	packet[33] = 0x11;
	packet[7] = 1;
	CU_ASSERT_FALSE(packet_is_traffic(packet, 41));
	packet[9] = IPPROTO_UDP;
	CU_ASSERT_FALSE(packet_is_traffic(packet, 41));
	packet[7] = 0;
	CU_ASSERT_TRUE(packet_is_traffic(packet, 41));
}

/* What keeps a link from being idle. */
static void housekeeping_is_no_traffic(void)
{
	uint8_t six[48] = { 0x60, 0, 0, 0, 0, 8, IPPROTO_ICMPV6, 255 };
	uint8_t four[20] = { 0x45 };

	six[24] = 0x20;
	six[40] = 128;
	CU_ASSERT_TRUE(packet_is_traffic(four, sizeof(four)));
	CU_ASSERT_TRUE(packet_is_traffic(six, sizeof(six)));
	six[40] = 134; /* RFC 4861 §4.2: a router advertisement */
	CU_ASSERT_FALSE(packet_is_traffic(six, sizeof(six)));
	CU_ASSERT_TRUE(packet_is_traffic(six, 40));
	CU_ASSERT_TRUE(packet_is_traffic(six, 0));
	six[6] = IPPROTO_UDP;
	CU_ASSERT_TRUE(packet_is_traffic(six, sizeof(six)));
	six[24] = 0xff;
	six[25] = 0x02; /* RFC 4291 §2.7: within the link */
	CU_ASSERT_FALSE(packet_is_traffic(six, sizeof(six)));
}

const struct unit_test unit_tests[] = {
	{ "checksum: fast sum equals RFC 1071's", checksum_agrees },
	{ "checksum: update, RFC 1624 s.4", checksum_update },
	{ "checksum: no carry of an update is lost", checksum_update_carries },
	{ "packet: headers", parses },
	{ "packet: truncated at every length", truncated_at_every_length },
	{ "packet: lengths that lie", lies_are_refused },
	{ "packet: fragments end within 65535, RFC 791", fragments_end_within_65535 },
	{ "packet: rewriting keeps all checksums right", rewriting_keeps_checksums },
	{ "packet: UDP checksum 0 is written ffff, RFC 768", udp_checksum_is_never_zero },
	{ "packet: later fragments have no ports", later_fragments_have_no_ports },
	{ "packet: MSS is lowered, never raised", mss_is_only_lowered },
	{ "packet: MSS is in a SYN only", mss_only_in_a_syn },
	{ "reply: reset of a segment with ACK, RFC 9293 s.3.10.7.1", reset_of_an_ack },
	{ "reply: reset of a SYN, RFC 9293 s.3.10.7.1", reset_of_a_syn },
	{ "reply: an ICMP error quotes the packet", error_quotes_the_packet },
	{ "reply: no error about these, RFC 1122 s.3.2.2", no_error_about },
	{ "packet: a quote cut at every length", quote_cut_at_every_length },
	{ "packet: fragments and ends are no traffic, RFC 4861", fragments_and_ends_are_no_traffic },
	{ "packet: housekeeping is no traffic, RFC 4861", housekeeping_is_no_traffic },
	{ 0 },
};
