/* print: packets as pppd shows them, and nothing read past their end. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "rig.h"
#include "ppp/print.h"

static char *print(const char *hex, bool show_password)
{
	GString *out = g_string_new(NULL);
	uint8_t bytes[512];
	size_t n = 0;

	for (const char *p = hex; *p; p += 2) {
		unsigned v;
		while (*p == ' ')
			p++;
		if (sscanf(p, "%2x", &v) != 1)
			break;
		bytes[n++] = (uint8_t)v;
	}
	/* On the heap to its exact size, so that a sanitizer sees a read behind it. */
	uint8_t *packet = g_memdup2(bytes + 2, n - 2);
	print_packet(out, (uint16_t)(bytes[0] << 8 | bytes[1]), packet, n - 2, show_password);
	g_free(packet);
	return g_string_free(out, FALSE);
}

static const struct row {
	const char *packet, *text;
} rows[] = {
	{ "c021 01010014 020600000000 05061a2b3c4d 0702 0802", "[LCP ConfReq id=0x1 <asyncmap 0x0> <magic 0x1a2b3c4d> <pcomp> <accomp>]" },
	{ "c021 03010008 010405d4", "[LCP ConfNak id=0x1 <mru 1492>]" },
	{ "c021 01010008 0304c023", "[LCP ConfReq id=0x1 <auth pap>]" },
	{ "c021 01010009 0305c22305", "[LCP ConfReq id=0x1 <auth chap MD5>]" },
	{ "c021 01010009 0305c22380", "[LCP ConfReq id=0x1 <auth chap MS>]" },
	{ "c021 01010009 0305c22381", "[LCP ConfReq id=0x1 <auth chap MS-v2>]" },
	{ "c021 01010008 0304c227", "[LCP ConfReq id=0x1 <auth eap>]" },
	{ "c021 01010008 03041234", "[LCP ConfReq id=0x1 <auth 0x1234>]" },
	{ "c021 0101000c 0408c02500000064", "[LCP ConfReq id=0x1 <quality lqr 00 00 00 64>]" },
	{ "c021 04010007 0d0306", "[LCP ConfRej id=0x1 <callback CBCP>]" },
	{ "c021 0101000a 110405dc 1202", "[LCP ConfReq id=0x1 <mrru 1500> <ssnhf>]" },
	{ "c021 0101000d 1309 03001122334455", "[LCP ConfReq id=0x1 <endpoint [MAC:00:11:22:33:44:55]>]" },
	{ "c021 0101000d 1307 020a000001 1202", "[LCP ConfReq id=0x1 <endpoint [IP:10.0.0.1]> <ssnhf>]" },
	{ "c021 01010009 0105ff00aa", "[LCP ConfReq id=0x1 < 01 05 ff 00 aa>]" },
	{ "c021 01010008 0b0405f4", "[LCP ConfReq id=0x1 < 0b 04 05 f4>]" },
	{ "c021 01010008 01000702", "[LCP ConfReq id=0x1 01 00 07 02]" },
	{ "c021 05020010 557365722072657175657374", "[LCP TermReq id=0x2 \"User request\"]" },
	{ "c021 06020004", "[LCP TermAck id=0x2]" },
	{ "c021 05020009 225c0a01ff", "[LCP TermReq id=0x2 \"\\\"\\\\\\n\\001\\377\"]" },
	{ "c021 09000008 1a2b3c4d", "[LCP EchoReq id=0x0 magic=0x1a2b3c4d]" },
	{ "c021 0a00000a 1a2b3c4d 0102", "[LCP EchoRep id=0x0 magic=0x1a2b3c4d 01 02]" },
	{ "c021 0b000008 00000000", "[LCP DiscReq id=0x0 magic=0x0]" },
	{ "c021 0c030012 00000000 4d53524153 56352e3130", "[LCP Ident id=0x3 magic=0x0 \"MSRASV5.10\"]" },
	{ "c021 0d040010 00000000 0000003c 74657874", "[LCP TimeRem id=0x4 magic=0x0 seconds=60 \"text\"]" },
	{ "c021 0805000a 80570101 0004", "[LCP ProtRej id=0x5 80 57 01 01 00 04]" },
	{ "c021 07060008 0e010004", "[LCP CodeRej id=0x6 0e 01 00 04]" },
	{ "c021 0e010004", "[LCP code=0xe id=0x1]" },
	{ "c021 01010006 0702 aabb", "[LCP ConfReq id=0x1 <pcomp>] aa bb" },
	{ "c021 010100ff", "[LCP] 01 01 00 ff" },
	{ "c021 01", "[LCP] 01" },
	{ "c023 0101000d 03626f62 0473657372", "[PAP AuthReq id=0x1 user=\"bob\" password=<hidden>]" },
	{ "c023 0201000d 084c6f67696e206f6b", "[PAP AuthAck id=0x1 \"Login ok\"]" },
	{ "c023 03010006 0961", "[PAP AuthNak id=0x1 09 61]" },
	{ "c223 015c000f 040123abcd 736572766572", "[CHAP Challenge id=0x5c <0123abcd>, name = \"server\"]" },
	{ "c223 025c0008 020123 62", "[CHAP Response id=0x5c <0123>, name = \"b\"]" },
	{ "c223 035c0012 416363657373206772616e746564", "[CHAP Success id=0x5c \"Access granted\"]" },
	{ "c223 045c0004", "[CHAP Failure id=0x5c \"\"]" },
	{ "8021 01010016 0206002d0f01 030600000000 810600000000", "[IPCP ConfReq id=0x1 <compress VJ 0f 01> <addr 0.0.0.0> <ms-dns1 0.0.0.0>]" },
	{ "8021 01010016 830608080404 820601020304 840601020304", "[IPCP ConfReq id=0x1 <ms-dns2 8.8.4.4> <ms-wins 1.2.3.4> <ms-wins 1.2.3.4>]" },
	{ "8021 04010012 010a0101010102020202 02040037", "[IPCP ConfRej id=0x1 <addrs 1.1.1.1 2.2.2.2> <compress old-VJ>]" },
	{ "8057 0101000e 010a123400000000abcd", "[IPV6CP ConfReq id=0x1 <addr fe80::1234:0000:0000:abcd>]" },
	{ "80fd 0101000f 1a047800 18047800 15032f", "[CCP ConfReq id=0x1 <deflate 15> <deflate(old#) 15> <bsd v1 15>]" },
	{ "80fd 0101000a 120601000040", "[CCP ConfReq id=0x1 <mppe +H -M +S -L -D -C>]" },
	{ "80fd 01010006 0102", "[CCP ConfReq id=0x1 <predictor 1>]" },
	{ "80fd 0e020004", "[CCP ResetReq id=0x2]" },
	{ "80fd 0502000b 6e6f7468696e67", "[CCP TermReq id=0x2\"nothing\"]" },
	{ "c029 01010006 0102", "[CBCP Request id=0x1 < NoCallback>]" },
	{ "c029 02010010 0102 020a0501313233343500", "[CBCP Response id=0x1 < NoCallback> < UserDefined delay = 5 number = 12345>]" },
	{ "c029 03010007 030305", "[CBCP Ack id=0x1 < AdminDefined delay = 5>]" },
	{ "c029 0101000a 04020100 0503", "[CBCP Request id=0x1 < List> 01 00 05 03]" },
	{ "c227 01120005 01", "[EAP Request id=0x12 Identity <No message>]" },
	{ "c227 01120009 01 4e616d65", "[EAP Request id=0x12 Identity <Message \"Name\">]" },
	{ "c227 02120008 01 626f62", "[EAP Response id=0x12 Identity <Name \"bob\">]" },
	{ "c227 0113000b 04 020102 737276", "[EAP Request id=0x13 MD5-Challenge <Value 01 02> <Name \"srv\">]" },
	{ "c227 02130008 04 020102", "[EAP Response id=0x13 MD5-Challenge <Value 01 02> <No name>]" },
	{ "c227 02130007 04 0901", "[EAP Response id=0x13 MD5-Challenge <truncated> 09 01]" },
	{ "c227 02130006 03 1a", "[EAP Response id=0x13 Nak <Suggested-type 1a (MSCHAPv2)>]" },
	{ "c227 0114000f 1a 0114000a 020102 737276", "[EAP Request id=0x14 MSCHAPv2 Challenge <0102>, <Name \"srv\">]" },
	{ "c227 01140006 0d 20", "[EAP Request id=0x14 TLS --S]" },
	{ "c227 0114000f 0d c0 00000400 1603010000", "[EAP Request id=0x14 TLS LM- ...]" },
	{ "c227 01140010 1a 0314000b 533d30206d3d31", "[EAP Request id=0x14 MSCHAPv2 Success <Message \"S=0 m=1\"> 53 3d 30 20 6d 3d 31]" },
	{ "c227 01140012 1a 0414000d 453d36393120523d31", "[EAP Request id=0x14 MSCHAPv2 Failure <Message \"E=691 R=1\">...]" },
	{ "c227 02140006 1a 03", "[EAP Response id=0x14 MSCHAPv2 Success]" },
	{ "c227 02140006 0d 00", "[EAP Response id=0x14 TLS Ack]" },
	{ "c227 0114000c 1b 00000400 160301", "[EAP Request id=0x14 type=0x1b 00 00 04 00 16 03 01]" },
	{ "c227 03150004", "[EAP Success id=0x15]" },
	{ "0021 45000054 00000000 40", "[IP data] 45 00 00 54 00 00 00 00 ..." },
	{ "0057 60", "[IPV6 data] 60" },
	{ "1235 0101", "[proto=0x1235] 01 01" },
	{ "1235 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
	  "[proto=0x1235] 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f ..." },
};

static void as_pppd(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *text = print(rows[i].packet, false);
		if (strcmp(text, rows[i].text) != 0)
			printf("# %s\n# %s\n", text, rows[i].text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].text);
		g_free(text);
	}
}

static void password_where_it_is_wanted(void)
{
	char *text = print("c023 0101000d 03626f62 0473657372", true);

	CU_ASSERT_STRING_EQUAL(text, "[PAP AuthReq id=0x1 user=\"bob\" password=\"sesr\"]");
	g_free(text);
}

/* Every packet cut at every length, each with its length field as it was and corrected. */
static void truncated(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		GString *digits = g_string_new(NULL);
		for (const char *p = rows[i].packet; *p; p++)
			if (*p != ' ')
				g_string_append_c(digits, *p);
		for (gsize cut = 4; cut < digits->len; cut += 2) {
			char *text = g_strndup(digits->str, cut);
			g_free(print(text, true));
			if (cut >= 12) {
				char length[5];
				g_snprintf(length, sizeof(length), "%.4zx", cut / 2 - 2);
				memcpy(text + 8, length, 4);
			}
			char *line = print(text, true);
			CU_ASSERT_EQUAL(line[0], '[');
			g_free(line);
			g_free(text);
		}
		g_string_free(digits, TRUE);
	}
}

static void debug_lines_of_a_link(void)
{
	struct rig *rig = rig_new();

	log_set_debug(1);
	rig->config->lcp.neg_magic = false;
	rig->config->lcp.echo_interval = 1;
	rig_open_ipcp(rig);
	CU_ASSERT_EQUAL(rig_logged(rig, "sent [LCP ConfReq id=0x1 <asyncmap 0x0> <pcomp> <accomp>]\n"), 1);
	CU_ASSERT_EQUAL(rig_logged(rig, "rcvd [LCP ConfAck id=0x1 <asyncmap 0x0> <pcomp> <accomp>]\n"), 1);
	CU_ASSERT_EQUAL(rig_logged(rig, "rcvd [LCP ConfReq id=0x1]\n"), 1);
	CU_ASSERT_EQUAL(rig_logged(rig, "sent [LCP ConfAck id=0x1]\n"), 1);
	CU_ASSERT_EQUAL(rig_logged(rig, "sent [IPCP ConfReq id=0x1 <addr 10.0.2.2>]\n"), 1);
	CU_ASSERT_EQUAL(rig_logged(rig, "rcvd [IPCP ConfReq id=0x1 <addr 10.9.9.9>]\n"), 1);
	/* The first echo goes out before the link is up, the others are shown with two `debug` alone. */
	CU_ASSERT_EQUAL(rig_logged(rig, "sent [LCP EchoReq id=0x0 magic=0x0]\n"), 1);
	rig_advance(rig, CLOCK_SECOND);
	rig_feed(rig, "c021 0a010008 00000001");
	CU_ASSERT_EQUAL(rig_logged(rig, "sent [LCP EchoReq id=0x1"), 0);
	CU_ASSERT_EQUAL(rig_logged(rig, "rcvd [LCP EchoRep"), 0);
	log_set_debug(2);
	rig_advance(rig, CLOCK_SECOND);
	CU_ASSERT_EQUAL(rig_logged(rig, "sent [LCP EchoReq id=0x2 magic=0x0]\n"), 1);
	rig_feed(rig, "c021 0905000600");
	rig_free(rig);
}

static void nothing_without_debug(void)
{
	struct rig *rig = rig_new();

	rig_open_ipcp(rig);
	CU_ASSERT_EQUAL(rig_logged(rig, "sent"), 0);
	CU_ASSERT_EQUAL(rig_logged(rig, "rcvd"), 0);
	rig_free(rig);
}

const struct unit_test unit_tests[] = {
	{ "print: packets as pppd shows them", as_pppd },
	{ "print: a password where it is wanted", password_where_it_is_wanted },
	{ "print: truncated packets", truncated },
	{ "print: the debug lines of a link", debug_lines_of_a_link },
	{ "print: nothing without debug", nothing_without_debug },
	{ 0 },
};
