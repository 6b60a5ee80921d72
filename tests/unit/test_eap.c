/* eap: both roles joined, with loss; each alone, byte by byte and with hostile packets. Identity, Notification, Nak, MD5, MSCHAPv2. */
#include "unit.h"

#include <string.h>

#include "eap_rig.h"
#include "ppp/chap_ms.h"
#include "ppp/crypto.h"

#define TEXT(s) ((char *)(uintptr_t)(s))
#define EVENTS(end, text) CU_ASSERT_STRING_EQUAL((end).events->str, text)
#define SENT(end, pattern) CU_ASSERT_TRUE(eap_rig_sent(&(end), pattern))
#define LOGGED(rig, text) CU_ASSERT_TRUE(eap_rig_logged(rig, text))

/* A client that does not know its secret for MD5: it naks, and proposes MSCHAPv2. */
static void only_mschapv2(uint8_t *packet, size_t len)
{
	static const uint8_t nak[] = { 2, 0, 0, 6, 3, 26 };

	if (len < 22 || packet[0] != 2 || packet[4] != EAP_MD5)
		return;
	uint8_t id = packet[1];
	memcpy(packet, nak, sizeof(nak));
	packet[1] = id;
}

static void md5_rfc3748_5_4(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start(rig);
	eap_rig_run(rig, 0);
	EVENTS(rig->client, "proved;");
	EVENTS(rig->server, "peer bob;");
	LOGGED(rig, "EAP: Identity prompt \"Name\"");
	LOGGED(rig, "EAP: unauthenticated peer name \"bob\"");
	eap_rig_run(rig, 3600 * CLOCK_SECOND);
	EVENTS(rig->client, "proved;");
	eap_rig_free(rig);
}

static void wrong_md5_secret(void)
{
	struct eap_rig *rig = eap_rig_new();

	rig->client.config.password = TEXT("secreT");
	eap_rig_start(rig);
	eap_rig_run(rig, 0);
	EVENTS(rig->client, "refused;");
	EVENTS(rig->server, "peer failed;");
	LOGGED(rig, "EAP: peer reports authentication failure");
	LOGGED(rig, "EAP: MD5-Challenge failure for peer bob");
	eap_rig_free(rig);
}

static void mschapv2_gives_both_ends_the_keys(void)
{
	struct eap_rig *rig = eap_rig_new();

	rig->meddle = only_mschapv2;
	eap_rig_start(rig);
	eap_rig_run(rig, 0);
	EVENTS(rig->client, "keys;proved;");
	EVENTS(rig->server, "keys;peer bob;");
	CU_ASSERT_EQUAL(memcmp(rig->client.keys.send, rig->server.keys.receive, MPPE_KEY_MAX), 0);
	CU_ASSERT_EQUAL(memcmp(rig->client.keys.receive, rig->server.keys.send, MPPE_KEY_MAX), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(rig->client.keys.receive, rig->client.keys.send, MPPE_KEY_MAX), 0);
	LOGGED(rig, "EAP: peer proposes MSCHAPv2");
	LOGGED(rig, "EAP: MSCHAPv2 success for peer bob");
	LOGGED(rig, "EAP: MSCHAPv2 success confirmed");
	eap_rig_free(rig);
}

static void wrong_mschapv2_secret(void)
{
	struct eap_rig *rig = eap_rig_new();

	rig->meddle = only_mschapv2;
	rig->client.config.password = TEXT("wrong");
	eap_rig_start(rig);
	eap_rig_run(rig, 0);
	EVENTS(rig->client, "refused;");
	EVENTS(rig->server, "peer failed;");
	LOGGED(rig, "EAP: MSCHAPv2 failure for peer bob");
	LOGGED(rig, "EAP: MSCHAPv2 failure confirmed");
	LOGGED(rig, "MS-CHAP authentication failed: ");
	eap_rig_free(rig);
}

/* RFC 3748 section 4.3: each packet but the last, which nobody can ask for again, may be lost. */
static void any_one_packet_lost(void)
{
	for (int mschap = 0; mschap < 2; mschap++) {
		for (unsigned lose = 1; lose <= (mschap ? 8 : 4); lose++) {
			struct eap_rig *rig = eap_rig_new();
			rig->meddle = mschap ? only_mschapv2 : NULL;
			rig->lose = lose;
			eap_rig_start(rig);
			eap_rig_run(rig, 10 * CLOCK_SECOND);
			EVENTS(rig->client, mschap ? "keys;proved;" : "proved;");
			EVENTS(rig->server, mschap ? "keys;peer bob;" : "peer bob;");
			eap_rig_free(rig);
		}
	}
}

static void row_36733a8_many_lost_and_repeated_packets(void)
{
	unsigned proved = 0;

	for (guint32 seed = 1; seed <= 200; seed++) {
		struct eap_rig *rig = eap_rig_new();
		g_rand_set_seed(rig->rand, seed);
		rig->meddle = seed % 2 ? only_mschapv2 : NULL;
		rig->loss = 0.2;
		rig->duplicate = 0.3;
		eap_rig_start(rig);
		eap_rig_run(rig, 3600 * CLOCK_SECOND);
		CU_ASSERT_EQUAL(strstr(rig->server.events->str, "failed"), NULL);
		proved += g_str_has_suffix(rig->client.events->str, "proved;") ? 1 : 0;
		CU_ASSERT_NOT_EQUAL(rig->client.events->len, 0);
		eap_rig_free(rig);
	}
	CU_ASSERT_TRUE(proved > 140);
}

/* Server: bytes */

static void identity_request_as_pppd_sends_it(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start_server(rig);
	SENT(rig->server, "01010009 01 4e616d65");
	eap_rig_feed(&rig->server, "0201.... 01 626f62");
	SENT(rig->server, "0102001904 10 ???????????????????????????????? 737276");
	eap_rig_feed(&rig->server, "0202.... 03 1a");
	SENT(rig->server, "0103001d1a 01 03 0018 10 ???????????????????????????????? 737276");
	eap_rig_free(rig);
}

static void remotename_skips_identity(void)
{
	struct eap_rig *rig = eap_rig_new();

	rig->server.config.remote_name = TEXT("bob");
	eap_rig_start_server(rig);
	SENT(rig->server, "0101001904 10 *");
	eap_rig_free(rig);
}

static void nobody_answers(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start_server(rig);
	eap_rig_run(rig, 89 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(rig->server.sent, 30);
	SENT(rig->server, "01010009 01 4e616d65");
	EVENTS(rig->server, "");
	eap_rig_run(rig, 2 * CLOCK_SECOND);
	EVENTS(rig->server, "peer failed;");
	SENT(rig->server, "04010004");
	LOGGED(rig, "EAP: no response to Requests");
	eap_rig_free(rig);
}

static void too_many_requests(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start_server(rig);
	eap_rig_feed(&rig->server, "0201.... 01 626f62");
	eap_rig_run(rig, 600 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(rig->server.sent, 31);
	EVENTS(rig->server, "peer failed;");
	LOGGED(rig, "EAP: too many Requests sent");
	eap_rig_free(rig);
}

static void interval_asks_again(void)
{
	struct eap_rig *rig = eap_rig_new();

	rig->server.config.eap.interval = 60;
	eap_rig_start(rig);
	eap_rig_run(rig, 130 * CLOCK_SECOND);
	EVENTS(rig->server, "peer bob;peer bob;peer bob;");
	EVENTS(rig->client, "proved;proved;proved;");
	rig->client.config.password = TEXT("another");
	eap_rig_run(rig, 60 * CLOCK_SECOND);
	EVENTS(rig->server, "peer bob;peer bob;peer bob;peer failed;");
	EVENTS(rig->client, "proved;proved;proved;refused;");
	eap_rig_free(rig);
}

/* RFC 3748 section 7.15: an end that is asked its own challenge would prove the other's case. */
static void our_own_challenge_is_not_answered(void)
{
	struct eap_rig *rig = eap_rig_new();
	struct eap_end *us = &rig->server;

	us->config.remote_name = TEXT("bob");
	us->config.user = TEXT("bob");
	eap_rig_start_server(rig);
	eap_prove(us->eap);
	SENT(*us, "0101001904 10 *");
	char *reflected = g_strdup_printf("0101.... 04 10 %.32s 78", us->last->str + 12);
	unsigned before = us->sent;
	eap_rig_feed(us, reflected);
	CU_ASSERT_EQUAL(us->sent, before);
	LOGGED(rig, "EAP: the peer asks us our own challenge; not answered");
	g_free(reflected);
	eap_rig_free(rig);
}

/* A peer naks each of our methods in turn: each comes once, then it is over. */
static void naks_come_to_an_end(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start_server(rig);
	eap_rig_feed(&rig->server, "0201.... 01 626f62");
	eap_rig_feed(&rig->server, "0202.... 03 131a");
	SENT(rig->server, "0103????1a01*");
	eap_rig_feed(&rig->server, "0203.... 03 04");
	SENT(rig->server, "04030004");
	EVENTS(rig->server, "peer failed;");
	eap_rig_free(rig);
}

static void nak_of_nothing(void)
{
	static const char *const naks[] = { "0202.... 03", "0202.... 03 00", "0202.... 03 13", "0202.... 03 0d" };

	for (size_t i = 0; i < G_N_ELEMENTS(naks); i++) {
		struct eap_rig *rig = eap_rig_new();
		eap_rig_start_server(rig);
		eap_rig_feed(&rig->server, "0201.... 01 626f62");
		eap_rig_feed(&rig->server, naks[i]);
		SENT(rig->server, "04020004");
		EVENTS(rig->server, "peer failed;");
		eap_rig_free(rig);
	}
}

static void an_unknown_peer_is_asked_like_all(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start_server(rig);
	eap_rig_feed(&rig->server, "0201.... 01 657665");
	SENT(rig->server, "01020019 04 10*");
	eap_rig_feed(&rig->server, "0202.... 04 10 00000000000000000000000000000000 657665");
	EVENTS(rig->server, "peer failed;");
	LOGGED(rig, "EAP: no MD5 secret for auth of eve");
	eap_rig_free(rig);
}

/* Who identifies as one and proves to be another is the other. */
static void the_proven_name_counts(void)
{
	struct eap_rig *rig = eap_rig_new();

	rig->secrets[1] = (struct eap_secret){ "alice", "*", "hers" };
	eap_rig_start_server(rig);
	eap_rig_feed(&rig->server, "0201.... 01 616c696365");
	eap_rig_start_client(rig);
	eap_rig_run(rig, 0);
	eap_rig_feed(&rig->client, rig->server.last->str);
	eap_rig_run(rig, 0);
	EVENTS(rig->server, "peer bob;");
	eap_rig_free(rig);
}

static void names_with_a_nul_byte_are_nobodys(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start_server(rig);
	eap_rig_feed(&rig->server, "0201.... 01 626f6200");
	EVENTS(rig->server, "peer failed;");
	eap_rig_free(rig);
}

/* bugs.md */

/* The response's value says more than there is, or leaves a name of any length. */
static void row_cve_2020_8597_long_names(void)
{
	for (size_t len = 0; len <= 1400; len += 7) {
		struct eap_rig *rig = eap_rig_new();
		GString *hex = g_string_new("0202.... 04 10 00112233445566778899aabbccddeeff");
		eap_rig_start_server(rig);
		eap_rig_feed(&rig->server, "0201.... 01 626f62");
		for (size_t i = 0; i < len; i++)
			g_string_append(hex, "41");
		eap_rig_feed(&rig->server, hex->str);
		EVENTS(rig->server, "peer failed;");
		g_string_free(hex, TRUE);
		eap_rig_free(rig);
	}
}

static void row_cve_2020_8597_long_names_of_servers(void)
{
	static const char *const heads[] = {
		"0105.... 04 10 00112233445566778899aabbccddeeff",
		"0105.... 1a 01 05 0580 10 00112233445566778899aabbccddeeff",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
		struct eap_rig *rig = eap_rig_new();
		GString *hex = g_string_new(heads[i]);
		eap_rig_start_client(rig);
		for (unsigned n = 0; n < 0x580 - 21; n++)
			g_string_append(hex, "41");
		eap_rig_feed(&rig->client, hex->str);
		SENT(rig->client, i ? "0205003e 1a 02 05 0039 31 *" : "02050019 04 10 *");
		g_string_free(hex, TRUE);
		eap_rig_free(rig);
	}
}

static void row_1371451_fields_beyond_the_packet(void)
{
	static const char *const packets[] = {
		"", "01", "0105", "010500", "01050003", "01050005", "0105ffff01", "01050004", "0105.... 04", "0105.... 04 00", "0105.... 04 11 00",
		"0105.... 04 ff 00112233445566778899aabbccddeeff", "0105.... 1a", "0105.... 1a 01", "0105.... 1a 01 05", "0105.... 1a 01 05 00",
		"0105.... 1a 01 05 0000", "0105.... 1a 01 05 0003", "0105.... 1a 01 05 0004", "0105.... 1a 01 05 0005 10",
		"0105.... 1a 01 05 ffff 10 00112233445566778899aabbccddeeff", "0105.... 1a 01 05 0015 11 00112233445566778899aabbccddeeff",
		"0105.... 1a 01 05 0014 10 00112233445566778899aabbccddeeff", "0105.... 1a 03 05 0004", "0105.... 1a 07 05 0004", "0105.... 03 04",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(packets); i++) {
		struct eap_rig *rig = eap_rig_new();
		eap_rig_start_client(rig);
		eap_rig_feed(&rig->client, packets[i]);
		CU_ASSERT_EQUAL(rig->client.sent, 0);
		EVENTS(rig->client, "");
		eap_rig_free(rig);
	}
}

static void row_1371451_short_responses(void)
{
	static const char *const packets[] = {
		"0203.... 1a", "0203.... 1a 02", "0203.... 1a 02 03 00", "0203.... 1a 02 03 0000", "0203.... 1a 02 03 0005 31", "0203.... 1a 03",
		"0203.... 1a 02 03 0009 04 00000000", "0203.... 1a 02 03 ffff 31 00000000", "0203.... 1a 04",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(packets); i++) {
		struct eap_rig *rig = eap_rig_new();
		eap_rig_start_server(rig);
		eap_rig_feed(&rig->server, "0201.... 01 626f62");
		eap_rig_feed(&rig->server, "0202.... 03 1a");
		eap_rig_feed(&rig->server, packets[i]);
		EVENTS(rig->server, "peer failed;");
		eap_rig_free(rig);
	}
}

/* The longest of all that we put into a packet ourselves: names. */
static void row_cve_2026_75883_our_longest_packets(void)
{
	struct eap_rig *rig = eap_rig_new();
	char *name = g_strnfill(600, 'n');

	rig->client.config.user = name;
	rig->client.config.password = TEXT("secret");
	rig->server.config.name = name;
	eap_rig_start(rig);
	eap_rig_run(rig, 0);
	EVENTS(rig->server, "peer failed;");
	CU_ASSERT_EQUAL(rig->client.longest, 4 + 1 + 1 + 16 + AUTH_NAME_MAX);
	eap_rig_free(rig);
	g_free(name);
}

/* Nothing was asked of either: nothing is answered. */
static void row_cve_2020_8597_roles_at_rest_say_nothing(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start(rig);
	rig->cut = true;
	eap_end(rig->server.eap);
	eap_end(rig->client.eap);
	rig->server.sent = rig->client.sent = 0;
	eap_rig_feed(&rig->client, "0105.... 01");
	eap_rig_feed(&rig->client, "0105.... 04 10 00112233445566778899aabbccddeeff");
	eap_rig_feed(&rig->client, "03050004");
	eap_rig_feed(&rig->client, "04050004");
	eap_rig_feed(&rig->server, "0201.... 01 626f62");
	eap_rig_run(rig, 1000 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(rig->server.sent + rig->client.sent, 0);
	EVENTS(rig->client, "");
	EVENTS(rig->server, "");
	eap_rig_free(rig);
}

/* Client */

static void md5_response_rfc1994_4_1(void)
{
	static const uint8_t asked[] = { 7, 's', 'e', 'c', 'r', 'e', 't', 0xaa, 0xbb };
	const struct crypto_bytes piece = { asked, sizeof(asked) };
	struct eap_rig *rig = eap_rig_new();
	GString *right = g_string_new("02070019 04 10 ");
	uint8_t md5[MD5_LEN];

	crypto_md5(&piece, 1, md5);
	for (size_t i = 0; i < sizeof(md5); i++)
		g_string_append_printf(right, "%.2x", md5[i]);
	g_string_append(right, "626f62");
	eap_rig_start_client(rig);
	eap_rig_feed(&rig->client, "0107.... 04 02 aabb 737276");
	SENT(rig->client, right->str);
	g_string_free(right, TRUE);
	eap_rig_free(rig);
}

static void identity_and_notification_rfc3748_5_1_5_2(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start_client(rig);
	eap_rig_feed(&rig->client, "0109.... 01");
	SENT(rig->client, "02090008 01 626f62");
	eap_rig_feed(&rig->client, "010a.... 02 68692022796f7522");
	SENT(rig->client, "020a0005 02");
	LOGGED(rig, "EAP: Notification \"hi \\\"you\\\"\"");
	eap_rig_free(rig);
}

static void unknown_types_are_nakked_rfc3748_5_3_1(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start_client(rig);
	eap_rig_feed(&rig->client, "0109.... 13 0102");
	SENT(rig->client, "02090006 03 1a");
	LOGGED(rig, "EAP: unknown authentication type 19; Naking");
	rig->secrets[0].client = NULL;
	eap_rig_feed(&rig->client, "010a.... 15 0102");
	SENT(rig->client, "020a0006 03 00");
	eap_rig_feed(&rig->client, "010b.... 04 02 aabb 737276");
	SENT(rig->client, "020b0006 03 00");
	LOGGED(rig, "EAP: no MD5 secret for auth to srv");
	eap_rig_feed(&rig->client, "010c.... 1a 01 0c 0015 10 00112233445566778899aabbccddeeff");
	SENT(rig->client, "020c0006 03 00");
	eap_rig_feed(&rig->client, "010d.... 0d 20");
	SENT(rig->client, "020d0006 03 00");
	EVENTS(rig->client, "");
	eap_rig_free(rig);
}

/* RFC 3748 section 4.2 */
static void a_success_out_of_the_blue_is_not_believed(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start_client(rig);
	eap_rig_feed(&rig->client, "03010004");
	eap_rig_feed(&rig->client, "0101.... 01");
	eap_rig_feed(&rig->client, "03010004");
	eap_rig_feed(&rig->client, "0102.... 1a 01 02 0015 10 00112233445566778899aabbccddeeff");
	eap_rig_feed(&rig->client, "03020004");
	EVENTS(rig->client, "");
	LOGGED(rig, "EAP unexpected success message in state Listen (3)");
	eap_rig_free(rig);
}

static void a_server_without_proof_is_refused(void)
{
	static const char *const proofs[] = {
		"0103.... 1a 03 02 0004", "0103.... 1a 03 02 0008 533d3132",
		"0103.... 1a 03 02 002e 533d30303030303030303030303030303030303030303030303030303030303030303030303030303030",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(proofs); i++) {
		struct eap_rig *rig = eap_rig_new();
		eap_rig_start_client(rig);
		eap_rig_feed(&rig->client, "0102.... 1a 01 02 0015 10 00112233445566778899aabbccddeeff");
		eap_rig_feed(&rig->client, proofs[i]);
		EVENTS(rig->client, "refused;");
		LOGGED(rig, "MS-CHAPv2 ");
		eap_rig_free(rig);
	}
}

/* E=648: the password has expired; it is not changed, the failure is answered. */
static void a_password_change_is_refused(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start_client(rig);
	eap_rig_feed(&rig->client, "0102.... 1a 01 02 0015 10 00112233445566778899aabbccddeeff");
	eap_rig_feed(&rig->client, "0103.... 1a 04 02 0015 453d36343820523d3020433d3020563d33");
	SENT(rig->client, "02030006 1a 04");
	LOGGED(rig, "MS-CHAP authentication failed: E=648 Password expired");
	eap_rig_feed(&rig->client, "03030004");
	EVENTS(rig->client, "");
	eap_rig_feed(&rig->client, "04030004");
	EVENTS(rig->client, "refused;");
	eap_rig_free(rig);
}

static void no_request_comes(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start_client(rig);
	eap_rig_run(rig, 19 * CLOCK_SECOND);
	eap_rig_feed(&rig->client, "0109.... 01");
	eap_rig_run(rig, 19 * CLOCK_SECOND);
	EVENTS(rig->client, "");
	eap_rig_run(rig, 2 * CLOCK_SECOND);
	EVENTS(rig->client, "refused;");
	LOGGED(rig, "EAP: timeout waiting for Request from peer");
	eap_rig_free(rig);
}

static void requests_without_end(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start_client(rig);
	for (unsigned i = 0; i < 20; i++)
		eap_rig_feed(&rig->client, "0109.... 01");
	CU_ASSERT_EQUAL(rig->client.sent, 20);
	eap_rig_feed(&rig->client, "0109.... 01");
	CU_ASSERT_EQUAL(rig->client.sent, 20);
	EVENTS(rig->client, "refused;");
	LOGGED(rig, "EAP: received too many Request messages");
	eap_rig_free(rig);
}

static void protocol_reject(void)
{
	struct eap_rig *rig = eap_rig_new();

	rig->cut = true;
	eap_rig_start(rig);
	eap_protocol_rejected(rig->client.eap);
	eap_protocol_rejected(rig->client.eap);
	eap_protocol_rejected(rig->server.eap);
	EVENTS(rig->client, "refused;");
	EVENTS(rig->server, "peer failed;");
	LOGGED(rig, "EAP authentication failed due to Protocol-Reject");
	LOGGED(rig, "EAP authentication of peer failed on Protocol-Reject");
	eap_rig_free(rig);
}

static void what_is_possible(void)
{
	struct eap_rig *rig = eap_rig_new();

	eap_rig_start(rig);
	CU_ASSERT_TRUE(eap_can_demand(rig->server.eap));
	CU_ASSERT_TRUE(eap_can_prove(rig->client.eap));
	rig->secrets[0].client = NULL;
	CU_ASSERT_FALSE(eap_can_demand(rig->server.eap));
	CU_ASSERT_FALSE(eap_can_prove(rig->client.eap));
	rig->client.config.password = TEXT("");
	CU_ASSERT_TRUE(eap_can_prove(rig->client.eap));
	eap_rig_free(rig);
}

const struct unit_test unit_tests[] = {
	{ "MD5-Challenge, RFC 3748 5.4", md5_rfc3748_5_4 },
	{ "a wrong secret for MD5", wrong_md5_secret },
	{ "MSCHAPv2 gives both ends the keys", mschapv2_gives_both_ends_the_keys },
	{ "a wrong secret for MSCHAPv2", wrong_mschapv2_secret },
	{ "any one packet is lost, RFC 3748 4.3", any_one_packet_lost },
	{ "36733a8: many packets are lost and repeated", row_36733a8_many_lost_and_repeated_packets },
	{ "requests as pppd sends them", identity_request_as_pppd_sends_it },
	{ "remotename skips Identity", remotename_skips_identity },
	{ "nobody answers", nobody_answers },
	{ "too many requests", too_many_requests },
	{ "eap-interval asks again", interval_asks_again },
	{ "our own challenge is not answered, RFC 3748 7.15", our_own_challenge_is_not_answered },
	{ "Naks come to an end", naks_come_to_an_end },
	{ "a Nak of nothing that we can do, RFC 3748 5.3.1", nak_of_nothing },
	{ "an unknown peer is asked like all", an_unknown_peer_is_asked_like_all },
	{ "the proven name counts", the_proven_name_counts },
	{ "names with a NUL byte are nobody's", names_with_a_nul_byte_are_nobodys },
	{ "CVE-2020-8597: long names", row_cve_2020_8597_long_names },
	{ "CVE-2020-8597: long names of servers", row_cve_2020_8597_long_names_of_servers },
	{ "CVE-2020-8597: roles at rest say nothing", row_cve_2020_8597_roles_at_rest_say_nothing },
	{ "1371451: fields beyond the packet", row_1371451_fields_beyond_the_packet },
	{ "1371451: short responses", row_1371451_short_responses },
	{ "CVE-2026-75883: our longest packets", row_cve_2026_75883_our_longest_packets },
	{ "MD5 response, RFC 1994 4.1", md5_response_rfc1994_4_1 },
	{ "Identity and Notification, RFC 3748 5.1, 5.2", identity_and_notification_rfc3748_5_1_5_2 },
	{ "unknown types are nakked, RFC 3748 5.3.1", unknown_types_are_nakked_rfc3748_5_3_1 },
	{ "a Success out of the blue is not believed, RFC 3748 4.2", a_success_out_of_the_blue_is_not_believed },
	{ "MSCHAPv2: a server without proof is refused", a_server_without_proof_is_refused },
	{ "MSCHAPv2: a password change is refused", a_password_change_is_refused },
	{ "no request comes: eap-timeout", no_request_comes },
	{ "requests without end: eap-max-rreq", requests_without_end },
	{ "Protocol-Reject", protocol_reject },
	{ "what is possible", what_is_possible },
	{ 0 },
};
