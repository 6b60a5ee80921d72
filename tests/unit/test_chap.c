/* chap: both roles, against RFC 1994, RFC 2433, RFC 2759 and pppd's counts and words. The peer is the test, or the other end of the rig. */
#include "unit.h"

#include <string.h>

#include "auth_rig.h"
#include "ppp/crypto.h"

#define REFUSED "failed 19 Failed to authenticate ourselves to peer;"

static struct auth_rig *proving(unsigned method)
{
	struct auth_rig *rig = auth_rig_new(1);

	auth_rig_start(rig);
	rig->at = 1;
	auth_begin(rig->end[1].auth, 0, method);
	return rig;
}

static struct auth_rig *demanding(unsigned method)
{
	struct auth_rig *rig = auth_rig_new(1);

	auth_rig_start(rig);
	rig->at = 0;
	auth_begin(rig->end[0].auth, method, 0);
	return rig;
}

static const char *md5_response(uint8_t id, const char *secret, const uint8_t *challenge, size_t len)
{
	const struct crypto_bytes pieces[] = { { &id, 1 }, { secret, strlen(secret) }, { challenge, len } };
	static char hex[2 * MD5_LEN + 1];
	uint8_t digest[MD5_LEN];

	CU_ASSERT_TRUE(crypto_md5(pieces, G_N_ELEMENTS(pieces), digest));
	for (size_t i = 0; i < MD5_LEN; i++)
		g_snprintf(hex + 2 * i, 3, "%.2x", digest[i]);
	return hex;
}

static void expect_md5(struct auth_rig_end *us, uint8_t id, const char *secret, const char *challenge)
{
	char *pattern = g_strdup_printf("c223 02%.2x 001b 10 %s 636c69656e74", id,
					md5_response(id, secret, (const uint8_t *)challenge, strlen(challenge)));

	CU_ASSERT_TRUE(auth_rig_sent(us, pattern));
	g_free(pattern);
}

static void md5_client(void)
{
	struct auth_rig *rig = proving(AUTH_CHAP_MD5);
	struct auth_rig_end *us = &rig->end[1];

	auth_rig_feed(us, "c223 0107000f 04 61626364 736572766572");
	expect_md5(us, 7, "sesame", "abcd");
	auth_rig_feed(us, "c223 0307 0006 6f6b");
	CU_ASSERT_EQUAL(auth_rig_logged(us, "CHAP authentication succeeded: ok"), 1);
	CU_ASSERT_EQUAL(auth_rig_logged(us, "CHAP authentication succeeded"), 2);
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;");
	/* A rechallenge is answered, its verdicts are not ours to judge. */
	auth_rig_feed(us, "c223 0108000f 04 65666768 736572766572");
	expect_md5(us, 8, "sesame", "efgh");
	auth_rig_feed(us, "c223 0308 0004");
	auth_rig_feed(us, "c223 0408 0004");
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;");
	auth_rig_run(rig, 1000 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;");
	auth_rig_free(rig);
}

static void md5_failure(void)
{
	static const struct {
		const char *packet, *line;
	} rows[] = {
		{ "c223 0407 0006 6e6f", "CHAP authentication failed: no" },
		{ "c223 0407 0004", "CHAP authentication failed" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct auth_rig *rig = proving(AUTH_CHAP_MD5);
		struct auth_rig_end *us = &rig->end[1];
		auth_rig_feed(us, "c223 0107000f 04 61626364 736572766572");
		auth_rig_feed(us, rows[i].packet);
		CU_ASSERT_TRUE(auth_rig_logged(us, rows[i].line) >= 1);
		CU_ASSERT_EQUAL(auth_rig_logged(us, "CHAP authentication failed"), 2);
		CU_ASSERT_STRING_EQUAL(us->events->str, REFUSED);
		auth_rig_free(rig);
	}
}

static void old_identifiers(void)
{
	struct auth_rig *rig = proving(AUTH_CHAP_MD5);
	struct auth_rig_end *us = &rig->end[1];

	auth_rig_feed(us, "c223 0300 0004");
	auth_rig_feed(us, "c223 0400 0004");
	auth_rig_feed(us, "c223 0107000f 04 61626364 736572766572");
	auth_rig_feed(us, "c223 0306 0004");
	auth_rig_feed(us, "c223 0408 0004");
	CU_ASSERT_STRING_EQUAL(us->events->str, "");
	auth_rig_feed(us, "c223 0307 0004");
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;");
	auth_rig_free(rig);
}

static void client_times_out(void)
{
	struct auth_rig *rig = proving(AUTH_CHAP_MD5);

	auth_rig_run(rig, 60 * CLOCK_SECOND - 1);
	CU_ASSERT_STRING_EQUAL(rig->end[1].events->str, "");
	auth_rig_run(rig, 1);
	CU_ASSERT_EQUAL(auth_rig_logged(&rig->end[1], "CHAP authentication timed out"), 1);
	CU_ASSERT_STRING_EQUAL(rig->end[1].events->str, REFUSED);
	auth_rig_free(rig);
}

static void no_secret_is_an_empty_one(void)
{
	struct auth_rig *rig = proving(AUTH_CHAP_MD5);
	struct auth_rig_end *us = &rig->end[1];

	auth_rig_feed(us, "c223 0107000e 04 61626364 6f74686572");
	expect_md5(us, 7, "", "abcd");
	CU_ASSERT_EQUAL(auth_rig_logged(us, "No CHAP secret found for authenticating us to other"), 1);
	/* A NUL byte does not end a name: this is none. */
	auth_rig_feed(us, "c223 01080010 04 61626364 736572766572 00");
	expect_md5(us, 8, "", "abcd");
	auth_rig_free(rig);
}

static void bad_challenges(void)
{
	static const struct {
		unsigned method;
		const char *packet;
	} rows[] = {
		{ AUTH_CHAP_MD5, "c223 0107 0004" },
		{ AUTH_CHAP_MD5, "c223 0107 0005 00" },
		{ AUTH_CHAP_MD5, "c223 0107 0006 00 61" },
		{ AUTH_CHAP_MD5, "c223 0107 0008 04 616263" },
		{ AUTH_CHAP_MD5, "c223 0107 0009 ff 61626364" },
		{ AUTH_CHAP_MD5, "c223 0107 0003" },
		{ AUTH_CHAP_MD5, "c223 0107" },
		{ AUTH_CHAP_MD5, "c223 0507 0009 04 61626364" },
		{ AUTH_MSCHAP, "c223 0107 000c 07 61626364656667" },
		{ AUTH_MSCHAP, "c223 0107 000e 09 616263646566676869" },
		{ AUTH_MSCHAP_V2, "c223 0107 000d 08 6162636465666768" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct auth_rig *rig = proving(rows[i].method);
		auth_rig_feed(&rig->end[1], rows[i].packet);
		CU_ASSERT_STRING_EQUAL(auth_rig_next(&rig->end[1]), "");
		auth_rig_free(rig);
	}
}

/* CVE-2020-8597 was a name of the peer's in too small a place; ours are as long as a packet lets them be. */
static void long_names(void)
{
	struct auth_rig *rig = auth_rig_new(1);
	struct auth_rig_end *us = &rig->end[1];
	GString *packet = g_string_new("c223 010705d0 ff");

	for (int i = 0; i < 0x5d0 - 5; i++)
		g_string_append(packet, "41");
	g_free(us->config->auth.user);
	us->config->auth.user = g_strnfill(255, 'u');
	us->config->auth.password = g_strnfill(255, 'p');
	auth_rig_start(rig);
	auth_begin(us->auth, 0, AUTH_CHAP_MD5);
	auth_rig_feed(us, packet->str);
	CU_ASSERT_EQUAL(strlen(auth_rig_next(us)), 2 * (2 + 4 + 1 + 16 + 255));
	g_string_free(packet, TRUE);
	auth_rig_free(rig);
}

static void challenge_of(const char *sent, uint8_t *id, GByteArray *challenge)
{
	GByteArray *all = g_byte_array_new();

	for (; sent[0] && sent[1]; sent += 2) {
		uint8_t byte = (uint8_t)(g_ascii_xdigit_value(sent[0]) << 4 | g_ascii_xdigit_value(sent[1]));
		g_byte_array_append(all, &byte, 1);
	}
	g_byte_array_set_size(challenge, 0);
	CU_ASSERT_TRUE_FATAL(all->len > 7);
	CU_ASSERT_EQUAL(all->data[2], 1);
	*id = all->data[3];
	g_byte_array_append(challenge, all->data + 7, all->data[6]);
	g_byte_array_unref(all);
}

static void answer_md5(struct auth_rig_end *us, const char *secret, uint8_t id, const GByteArray *challenge, const char *name_hex)
{
	char *packet = g_strdup_printf("c223 02%.2x %.4x 10 %s %s", id, (unsigned)(4 + 1 + 16 + strlen(name_hex) / 2),
				       md5_response(id, secret, challenge->data, challenge->len), name_hex);

	auth_rig_feed(us, packet);
	g_free(packet);
}

#define CLIENT "636c69656e74"

static void md5_server(void)
{
	struct auth_rig *rig = demanding(AUTH_CHAP_MD5);
	struct auth_rig_end *us = &rig->end[0];
	GByteArray *challenge = g_byte_array_new();
	char first[200];
	uint8_t id;

	g_strlcpy(first, auth_rig_next(us), sizeof(first));
	auth_rig_run(rig, 3 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(auth_rig_next(us), first);
	CU_ASSERT_TRUE(g_str_has_suffix(first, "736572766572"));
	challenge_of(first, &id, challenge);
	CU_ASSERT_TRUE(challenge->len >= 16 && challenge->len <= 23);
	answer_md5(us, "sesame", (uint8_t)(id - 1), challenge, CLIENT);
	CU_ASSERT_STRING_EQUAL(auth_rig_next(us), "");
	answer_md5(us, "sesame", id, challenge, CLIENT);
	CU_ASSERT_TRUE(auth_rig_sent(us, "c223 03?? 0012 4163636573732067 72616e746564"));
	CU_ASSERT_EQUAL(auth_rig_logged(us, "Peer client authenticated with CHAP"), 1);
	/* Responses after success are answered again, whatever they say. */
	answer_md5(us, "wrong", id, challenge, CLIENT);
	CU_ASSERT_TRUE(auth_rig_sent(us, "c223 03?? 0012 4163636573732067 72616e746564"));
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;");
	auth_rig_run(rig, 1000 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(auth_rig_next(us), "");
	g_byte_array_unref(challenge);
	auth_rig_free(rig);
}

static void server_refuses(void)
{
	static const struct {
		const char *secret, *name, *line;
	} rows[] = {
		{ "wrong", CLIENT, "Peer client failed CHAP authentication" },
		{ "", CLIENT, "Peer client failed CHAP authentication" },
		{ "sesame", "", "Peer  failed CHAP authentication" },
		{ "sesame", CLIENT "00", "Peer  failed CHAP authentication" },
		{ "sesame", CLIENT "0041", "Peer  failed CHAP authentication" },
		{ "sesame", "6f74686572", "No CHAP secret found for authenticating other" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct auth_rig *rig = demanding(AUTH_CHAP_MD5);
		struct auth_rig_end *us = &rig->end[0];
		GByteArray *challenge = g_byte_array_new();
		uint8_t id;
		challenge_of(auth_rig_next(us), &id, challenge);
		answer_md5(us, rows[i].secret, id, challenge, rows[i].name);
		CU_ASSERT_TRUE(auth_rig_sent(us, "c223 04?? 0011 4163636573732064 656e696564"));
		CU_ASSERT_EQUAL(auth_rig_logged(us, rows[i].line), 1);
		CU_ASSERT_STRING_EQUAL(us->events->str, "failed 11 Authentication failed;");
		g_byte_array_unref(challenge);
		auth_rig_free(rig);
	}
}

static void short_responses(void)
{
	static const char *const tails[] = { "0004", "0005 10", "0006 10 41", "0005 ff", "0003" };
	struct auth_rig *rig = demanding(AUTH_CHAP_MD5);
	GByteArray *challenge = g_byte_array_new();
	uint8_t id;

	challenge_of(auth_rig_next(&rig->end[0]), &id, challenge);
	for (size_t i = 0; i < G_N_ELEMENTS(tails); i++) {
		char *packet = g_strdup_printf("c223 02%.2x %s", id, tails[i]);
		auth_rig_feed(&rig->end[0], packet);
		g_free(packet);
	}
	CU_ASSERT_STRING_EQUAL(auth_rig_next(&rig->end[0]), "");
	CU_ASSERT_STRING_EQUAL(rig->end[0].events->str, "");
	g_byte_array_unref(challenge);
	auth_rig_free(rig);
}

/* A digest of another length, none at all included, is a wrong one. */
static void digests_of_a_wrong_length(void)
{
	static const unsigned methods[] = { AUTH_CHAP_MD5, AUTH_MSCHAP, AUTH_MSCHAP_V2 };
	static const char *const tails[] = { "0005 00", "0006 01 00", "0025 20 0000000000000000000000000000000000000000000000000000000000000000" };

	for (size_t i = 0; i < G_N_ELEMENTS(methods) * G_N_ELEMENTS(tails); i++) {
		struct auth_rig *rig = auth_rig_new(1);
		struct auth_rig_end *us = &rig->end[0];
		GByteArray *challenge = g_byte_array_new();
		uint8_t id;
		us->config->auth.remote_name = g_strdup("client");
		auth_rig_start(rig);
		auth_begin(us->auth, methods[i / G_N_ELEMENTS(tails)], 0);
		challenge_of(auth_rig_next(us), &id, challenge);
		char *packet = g_strdup_printf("c223 02%.2x %s", id, tails[i % G_N_ELEMENTS(tails)]);
		auth_rig_feed(us, packet);
		CU_ASSERT_STRING_EQUAL(us->events->str, "failed 11 Authentication failed;");
		g_free(packet);
		g_byte_array_unref(challenge);
		auth_rig_free(rig);
	}
}

static void server_gives_up(void)
{
	struct auth_rig *rig = demanding(AUTH_MSCHAP_V2);

	for (int i = 0; i < 10; i++) {
		CU_ASSERT_STRING_NOT_EQUAL(auth_rig_next(&rig->end[0]), "");
		auth_rig_run(rig, 3 * CLOCK_SECOND);
	}
	CU_ASSERT_STRING_EQUAL(auth_rig_next(&rig->end[0]), "");
	CU_ASSERT_STRING_EQUAL(rig->end[0].events->str, "failed 11 Authentication failed;");
	CU_ASSERT_EQUAL(auth_rig_logged(&rig->end[0], "CHAP authentication of peer failed (no response to Challenges)"), 1);
	auth_rig_free(rig);
}

static void rechallenges(void)
{
	struct auth_rig *rig = auth_rig_new(1);
	struct auth_rig_end *us = &rig->end[0];
	GByteArray *challenge = g_byte_array_new();
	GByteArray *before = g_byte_array_new();
	uint8_t id;

	us->config->auth.chap.interval = 60;
	auth_rig_start(rig);
	rig->at = 0;
	auth_begin(us->auth, AUTH_CHAP_MD5, 0);
	for (int i = 0; i < 3; i++) {
		challenge_of(auth_rig_next(us), &id, challenge);
		CU_ASSERT_FALSE(crypto_equal(before->data, before->len, challenge->data, challenge->len));
		g_byte_array_set_size(before, 0);
		g_byte_array_append(before, challenge->data, challenge->len);
		answer_md5(us, "sesame", id, challenge, CLIENT);
		CU_ASSERT_TRUE(auth_rig_sent(us, "c223 03?? 0012 4163636573732067 72616e746564"));
		auth_rig_run(rig, 60 * CLOCK_SECOND);
	}
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;");
	challenge_of(auth_rig_next(us), &id, challenge);
	answer_md5(us, "wrong", id, challenge, CLIENT);
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;failed 11 Authentication failed;");
	g_byte_array_unref(challenge);
	g_byte_array_unref(before);
	auth_rig_free(rig);
}

/* The rights of the one that came first are in use: they are not for whoever else knows a secret. */
static void rechallenge_of_another_peer(void)
{
	static const struct auth_line lines[] = {
		{ SECRET_CHAP, "client", "server", "sesame", false },
		{ SECRET_CHAP, "other", "server", "sesame", false },
		{ 0 },
	};
	struct auth_rig *rig = auth_rig_new(1);
	struct auth_rig_end *us = &rig->end[0];
	GByteArray *challenge = g_byte_array_new();
	uint8_t id;

	us->lines = lines;
	us->config->auth.chap.interval = 60;
	auth_rig_start(rig);
	rig->at = 0;
	auth_begin(us->auth, AUTH_CHAP_MD5, 0);
	challenge_of(auth_rig_next(us), &id, challenge);
	answer_md5(us, "sesame", id, challenge, CLIENT);
	CU_ASSERT_STRING_NOT_EQUAL(auth_rig_next(us), "");
	const GArray *before = auth_rights(us->auth)->addresses;
	auth_rig_run(rig, 60 * CLOCK_SECOND);
	challenge_of(auth_rig_next(us), &id, challenge);
	answer_md5(us, "sesame", id, challenge, CLIENT);
	CU_ASSERT_STRING_NOT_EQUAL(auth_rig_next(us), "");
	CU_ASSERT_PTR_EQUAL(auth_rights(us->auth)->addresses, before);
	auth_rig_run(rig, 60 * CLOCK_SECOND);
	challenge_of(auth_rig_next(us), &id, challenge);
	answer_md5(us, "sesame", id, challenge, "6f74686572");
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;failed 11 Authentication failed;");
	CU_ASSERT_EQUAL(auth_rig_logged(us, "The peer has become other: terminating link"), 1);
	g_byte_array_unref(challenge);
	auth_rig_free(rig);
}

/* RFC 2759 section 9.2 and RFC 2433 A.4 have the digests; here it is what goes around them. */
static void ms_exchanges(void)
{
	static const struct {
		unsigned method;
		const char *challenge;
	} rows[] = {
		{ AUTH_MSCHAP, "c223 0109 0013 08 102db5df085d3041 736572766572" },
		{ AUTH_MSCHAP_V2, "c223 0109 001b 10 5b5d7c7d7b3f2f3e3c2c602132262628 736572766572" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct auth_rig *rig = proving(rows[i].method);
		struct auth_rig_end *us = &rig->end[1];
		char first[200];
		auth_rig_feed(us, rows[i].challenge);
		g_strlcpy(first, auth_rig_next(us), sizeof(first));
		CU_ASSERT_EQUAL(strlen(first), 2 * (2 + 4 + 1 + 49 + 6));
		/* 36733a8: a challenge that comes again gets the same response, or the proof that follows would not fit. */
		auth_rig_feed(us, rows[i].challenge);
		CU_ASSERT_STRING_EQUAL(auth_rig_next(us), first);
		auth_rig_free(rig);
	}
}

static void ms2_bad_successes(void)
{
	static const struct {
		const char *packet, *line;
	} rows[] = {
		{ "c223 0309 0004", "MS-CHAPv2 Success packet is badly formed." },
		{ "c223 0309 0006 533d", "MS-CHAPv2 Success packet is badly formed." },
		{ "c223 0309 002e 01533d 303030303030303030303030303030303030303030303030303030303030303030303030303030",
		  "MS-CHAPv2 Success packet is badly formed." },
		{ "c223 0309 002e 533d 30303030303030303030303030303030303030303030303030303030303030303030303030303030",
		  "MS-CHAPv2 mutual authentication failed." },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct auth_rig *rig = proving(AUTH_MSCHAP_V2);
		struct auth_rig_end *us = &rig->end[1];
		auth_rig_feed(us, "c223 0109 001b 10 5b5d7c7d7b3f2f3e3c2c602132262628 736572766572");
		auth_rig_feed(us, rows[i].packet);
		CU_ASSERT_EQUAL(auth_rig_logged(us, rows[i].line), 1);
		CU_ASSERT_EQUAL(auth_rig_logged(us, "CHAP authentication failed"), 1);
		CU_ASSERT_STRING_EQUAL(us->events->str, REFUSED);
		auth_rig_free(rig);
	}
}

static void ms_errors(void)
{
	static const struct {
		const char *text, *line;
	} rows[] = {
		{ "E=691 R=1 C=00 V=3 M=Go away", "MS-CHAP authentication failed: Go away" },
		{ "E=646 R=0 V=3", "MS-CHAP authentication failed: E=646 Restricted logon hours" },
		{ "E=647 R=0", "MS-CHAP authentication failed: E=647 Account disabled" },
		{ "E=648 R=0", "MS-CHAP authentication failed: E=648 Password expired" },
		{ "E=649", "MS-CHAP authentication failed: E=649 No dialin permission" },
		{ "E=691", "MS-CHAP authentication failed: E=691 Authentication failure" },
		{ "E=709", "MS-CHAP authentication failed: E=709 Error changing password" },
		{ "E=1", "MS-CHAP authentication failed: Unknown authentication failure" },
		{ "E=", "MS-CHAP authentication failed: Unknown authentication failure" },
		{ "bad luck", "MS-CHAP authentication failed: bad luck" },
		{ "", "MS-CHAP authentication failed: " },
	};

	for (size_t i = 0; i < 2 * G_N_ELEMENTS(rows); i++) {
		bool v2 = i % 2;
		struct auth_rig *rig = proving(v2 ? AUTH_MSCHAP_V2 : AUTH_MSCHAP);
		GString *packet = g_string_new(NULL);
		const char *text = rows[i / 2].text;
		g_string_printf(packet, "c223 0409 %.4x", (unsigned)strlen(text) + 4);
		for (const char *c = text; *c; c++)
			g_string_append_printf(packet, "%.2x", *c);
		auth_rig_feed(&rig->end[1], v2 ? "c223 0109 0015 10 5b5d7c7d7b3f2f3e3c2c602132262628" : "c223 0109 000d 08 102db5df085d3041");
		auth_rig_feed(&rig->end[1], packet->str);
		CU_ASSERT_EQUAL(auth_rig_logged(&rig->end[1], rows[i / 2].line), 1);
		CU_ASSERT_STRING_EQUAL(rig->end[1].events->str, REFUSED);
		g_string_free(packet, TRUE);
		auth_rig_free(rig);
	}
}

/* What the one who demands says to a wrong response (RFC 2433 section 7, RFC 2759 section 6). */
static void ms_refusals(void)
{
	static const struct {
		unsigned method;
		const char *begin, *end;
		size_t len; /* of the challenge */
	} rows[] = {
		{ AUTH_MSCHAP, "E=691 R=1 C=", " V=0", 8 },
		{ AUTH_MSCHAP_V2, "E=691 R=1 C=", " V=0 M=Access denied", 16 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct auth_rig *rig = demanding(rows[i].method);
		GByteArray *challenge = g_byte_array_new();
		GString *expected = g_string_new(rows[i].begin);
		uint8_t id;
		challenge_of(auth_rig_next(&rig->end[0]), &id, challenge);
		CU_ASSERT_EQUAL(challenge->len, rows[i].len);
		for (guint k = 0; k < challenge->len; k++)
			g_string_append_printf(expected, "%.2x", challenge->data[k]);
		g_string_append(expected, rows[i].end);
		GString *pattern = g_string_new(NULL);
		g_string_printf(pattern, "c223 04%.2x %.4x", id, (unsigned)expected->len + 4);
		for (gsize k = 0; k < expected->len; k++)
			g_string_append_printf(pattern, "%.2x", expected->str[k]);
		char *response = g_strdup_printf("c223 02%.2x 003c 31 %096d 01 " CLIENT, id, 0);
		auth_rig_feed(&rig->end[0], response);
		CU_ASSERT_TRUE(auth_rig_sent(&rig->end[0], pattern->str));
		g_free(response);
		g_string_free(pattern, TRUE);
		g_string_free(expected, TRUE);
		g_byte_array_unref(challenge);
		auth_rig_free(rig);
	}
}

static void lanman_is_refused(void)
{
	struct auth_rig *rig = demanding(AUTH_MSCHAP);
	GByteArray *challenge = g_byte_array_new();
	uint8_t id;

	challenge_of(auth_rig_next(&rig->end[0]), &id, challenge);
	char *response = g_strdup_printf("c223 02%.2x 003c 31 %096d 00 " CLIENT, id, 0);
	auth_rig_feed(&rig->end[0], response);
	CU_ASSERT_EQUAL(auth_rig_logged(&rig->end[0], "Peer request for LANMAN auth not supported"), 1);
	CU_ASSERT_STRING_EQUAL(rig->end[0].events->str, "failed 11 Authentication failed;");
	g_free(response);
	g_byte_array_unref(challenge);
	auth_rig_free(rig);
}

/* RFC 1994 section 7.2 fears the same secret both ways: what we ask is not answered by ourselves. */
static void our_own_challenge_comes_back(void)
{
	struct auth_rig *rig = auth_rig_new(1);
	struct auth_rig_end *us = &rig->end[0];
	char challenge[200];

	auth_rig_start(rig);
	auth_begin(us->auth, AUTH_CHAP_MD5, AUTH_CHAP_MD5);
	g_strlcpy(challenge, auth_rig_next(us), sizeof(challenge));
	auth_rig_feed(us, challenge);
	CU_ASSERT_STRING_EQUAL(auth_rig_next(us), "");
	auth_rig_free(rig);
}

static void domains_are_stripped(void)
{
	for (int strip = 0; strip < 2; strip++) {
		struct auth_rig *rig = auth_rig_new(1);
		struct auth_rig_end *us = &rig->end[0];
		GByteArray *challenge = g_byte_array_new();
		uint8_t id;
		us->config->auth.strip_domain = strip;
		auth_rig_start(rig);
		auth_begin(us->auth, AUTH_CHAP_MD5, 0);
		challenge_of(auth_rig_next(us), &id, challenge);
		answer_md5(us, "sesame", id, challenge, "444f4d5c" CLIENT);
		CU_ASSERT_STRING_EQUAL(us->events->str, strip ? "done;" : "failed 11 Authentication failed;");
		g_byte_array_unref(challenge);
		auth_rig_free(rig);
	}
}

static void protocol_rejected(void)
{
	struct auth_rig *rig = proving(AUTH_CHAP_MD5);

	auth_protocol_rejected(rig->end[1].auth, PPP_CHAP);
	CU_ASSERT_EQUAL(auth_rig_logged(&rig->end[1], "CHAP authentication failed due to protocol-reject"), 1);
	CU_ASSERT_STRING_EQUAL(rig->end[1].events->str, REFUSED);
	auth_rig_free(rig);
	rig = demanding(AUTH_CHAP_MD5);
	auth_protocol_rejected(rig->end[0].auth, PPP_CHAP);
	CU_ASSERT_STRING_EQUAL(rig->end[0].events->str, "failed 11 Authentication failed;");
	auth_rig_free(rig);
}

const struct unit_test unit_tests[] = {
	{ "chap: MD5, proving (RFC 1994 section 4)", md5_client },
	{ "chap: a Failure ends it", md5_failure },
	{ "chap: verdicts with old identifiers", old_identifiers },
	{ "chap: no challenge for chap-timeout", client_times_out },
	{ "chap: without a secret it is an empty one", no_secret_is_an_empty_one },
	{ "chap: challenges short, empty and of a wrong length are discarded", bad_challenges },
	{ "chap: CVE-2020-8597: names as long as a packet", long_names },
	{ "chap: MD5, demanding; repeated Responses are answered again (RFC 1994 section 4.1)", md5_server },
	{ "chap: wrong secrets and names, NUL bytes in them", server_refuses },
	{ "chap: short Responses are discarded", short_responses },
	{ "chap: digests of a wrong length are wrong", digests_of_a_wrong_length },
	{ "chap: ten challenges, then the end", server_gives_up },
	{ "chap: a rechallenge that another peer answers", rechallenge_of_another_peer },
	{ "chap: chap-interval, each time another challenge (RFC 1994 section 2)", rechallenges },
	{ "chap: MS-CHAP, MS-CHAPv2: 36733a8: a repeated challenge gets the same Response", ms_exchanges },
	{ "chap: MS-CHAPv2 Success badly formed or not proved (RFC 2759 section 5)", ms2_bad_successes },
	{ "chap: MS-CHAP's errors (RFC 2433 section 7, RFC 2759 section 6)", ms_errors },
	{ "chap: MS-CHAP's refusals (RFC 2433 section 7, RFC 2759 section 6)", ms_refusals },
	{ "chap: a LAN Manager response is refused", lanman_is_refused },
	{ "chap: our own challenge is not answered (RFC 1994 section 7.2)", our_own_challenge_comes_back },
	{ "chap: chapms-strip-domain", domains_are_stripped },
	{ "chap: a Protocol-Reject ends it", protocol_rejected },
	{ 0 },
};
