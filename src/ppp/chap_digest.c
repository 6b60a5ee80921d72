/* The algorithms of CHAP (RFC 1994 §4.1, RFC 2433, RFC 2759) as a table: what is computed, and what either end says of the other's
 * result. Texts are pppd's. Called by chap.c. */
#include "ppp/chap_digest.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "ppp/auth.h"
#include "ppp/crypto.h"
#include "writer.h"

#define HEX_MAX (2 * MSCHAP2_CHALLENGE + 1)

static void say(char message[CHAP_MESSAGE_MAX], const char *text)
{
	g_strlcpy(message, text, CHAP_MESSAGE_MAX);
}

/* EVENT, and the peer's words where it has any. */
static bool log_words(const char *event, struct reader text)
{
	char *visible = auth_visible(text);

	log_info("%s%s%s", event, *visible ? ": " : "", visible);
	g_free(visible);
	return true;
}

static bool plainly_succeeded(struct reader text, const struct chap_outcome *outcome)
{
	(void)outcome;
	return log_words("CHAP authentication succeeded", text);
}

static void access_granted(char message[CHAP_MESSAGE_MAX], struct reader response, const struct chap_outcome *outcome)
{
	(void)response;
	(void)outcome;
	say(message, "Access granted");
}

/* MD5. */

static bool md5_respond(const struct chap_question *q, uint8_t *response, struct chap_outcome *outcome)
{
	const struct crypto_bytes pieces[] = { { &q->id, 1 }, { q->secret->bytes, q->secret->len }, { q->challenge, q->len } };

	(void)outcome;
	return crypto_md5(pieces, G_N_ELEMENTS(pieces), response);
}

static bool md5_verify(const struct chap_question *q, struct reader response, struct chap_outcome *outcome)
{
	uint8_t right[MD5_LEN];
	size_t len = reader_left(&response);
	bool same = md5_respond(q, right, outcome) && crypto_equal(reader_bytes(&response, len), len, right, sizeof(right));

	explicit_bzero(right, sizeof(right));
	return same;
}

static void md5_failure(char message[CHAP_MESSAGE_MAX], const struct chap_question *q)
{
	(void)q;
	say(message, "Access denied");
}

static void md5_failed(struct reader text)
{
	log_words("CHAP authentication failed", text);
}

/* What MS-CHAP and MS-CHAPv2 have in common. */

static const struct {
	int code;
	const char *text;
} ms_errors[] = {
	{ 646, "E=646 Restricted logon hours" },  { 647, "E=647 Account disabled" },       { 648, "E=648 Password expired" },
	{ 649, "E=649 No dialin permission" },    { 691, "E=691 Authentication failure" }, { 709, "E=709 Error changing password" },
};

static const char *ms_error_text(int code)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ms_errors); i++) {
		if (ms_errors[i].code == code)
			return ms_errors[i].text;
	}
	return "Unknown authentication failure";
}

/* Of "E=691 R=1 C=… V=3 M=text" (RFC 2433 §7, RFC 2759 §6) the text, or the error's name where there is none; of anything else all. What
 * the peer says of another try or of a new password (R=1, E=648) is left alone: there is no new password to give. */
static void ms_failed(struct reader text)
{
	char *visible = auth_visible(text);
	const char *what = visible;

	if (g_str_has_prefix(visible, "E=")) {
		const char *message = strstr(visible, " M=");
		what = message ? message + strlen(" M=") : ms_error_text(atoi(visible + strlen("E=")));
	}
	log_error("MS-CHAP authentication failed: %s", what);
	g_free(visible);
}

static void ms_refusal(char message[CHAP_MESSAGE_MAX], const struct chap_question *q, const char *more)
{
	char hex[HEX_MAX] = "";

	for (size_t i = 0; i < q->len && 2 * i + 2 < sizeof(hex); i++)
		g_snprintf(hex + 2 * i, 3, "%.2x", q->challenge[i]);
	g_snprintf(message, CHAP_MESSAGE_MAX, "E=691 R=1 C=%s V=0%s", hex, more);
}

/* MS-CHAP: 24 bytes of the LAN Manager's response, which is not built, 24 of Windows NT's, and which of them is to be believed. */

#define LM_LEN 24

static bool ms_respond(const struct chap_question *q, uint8_t *response, struct chap_outcome *outcome)
{
	struct writer w = writer_new(response, MSCHAP_RESPONSE);
	uint8_t nt[MSCHAP_NT_RESPONSE];

	if (!mschap_nt_response(q->challenge, q->secret, nt))
		return false;
	memset(writer_reserve(&w, LM_LEN), 0, LM_LEN);
	writer_bytes(&w, nt, sizeof(nt));
	writer_u8(&w, 1);
	mppe_keys_v1(q->challenge, q->secret, &outcome->keys);
	return true;
}

static bool ms_verify(const struct chap_question *q, struct reader response, struct chap_outcome *outcome)
{
	uint8_t right[MSCHAP_NT_RESPONSE];

	reader_skip(&response, LM_LEN);
	const uint8_t *nt = reader_bytes(&response, MSCHAP_NT_RESPONSE);
	bool use_nt = reader_u8(&response) != 0;
	if (!reader_ok(&response))
		return false;
	if (!use_nt) {
		log_notice("Peer request for LANMAN auth not supported");
		return false;
	}
	bool same = mschap_nt_response(q->challenge, q->secret, right) && crypto_equal(nt, MSCHAP_NT_RESPONSE, right, sizeof(right));
	if (same)
		mppe_keys_v1(q->challenge, q->secret, &outcome->keys);
	explicit_bzero(right, sizeof(right));
	return same;
}

static void ms_failure(char message[CHAP_MESSAGE_MAX], const struct chap_question *q)
{
	ms_refusal(message, q, "");
}

/* MS-CHAPv2: a challenge of the peer's own, 8 bytes of nothing, the response, flags. */

#define RESERVED_LEN 8

static bool ms2_outcome(const struct chap_question *q, const uint8_t *peer_challenge, const uint8_t *nt, bool server,
			struct chap_outcome *outcome)
{
	return mschap2_authenticator(q->secret, nt, peer_challenge, q->challenge, chap_ms_user(q->name), outcome->proof) &&
	       mppe_keys_v2(q->secret, nt, server, &outcome->keys);
}

static bool ms2_respond(const struct chap_question *q, uint8_t *response, struct chap_outcome *outcome)
{
	struct writer w = writer_new(response, MSCHAP2_RESPONSE);
	uint8_t own[MSCHAP2_CHALLENGE], nt[MSCHAP_NT_RESPONSE];

	crypto_random(own, sizeof(own));
	if (!mschap2_nt_response(q->challenge, own, chap_ms_user(q->name), q->secret, nt))
		return false;
	writer_bytes(&w, own, sizeof(own));
	memset(writer_reserve(&w, RESERVED_LEN), 0, RESERVED_LEN);
	writer_bytes(&w, nt, sizeof(nt));
	writer_u8(&w, 0);
	return ms2_outcome(q, own, nt, false, outcome);
}

static bool ms2_verify(const struct chap_question *q, struct reader response, struct chap_outcome *outcome)
{
	uint8_t right[MSCHAP_NT_RESPONSE];
	const uint8_t *theirs = reader_bytes(&response, MSCHAP2_CHALLENGE);

	reader_skip(&response, RESERVED_LEN);
	const uint8_t *nt = reader_bytes(&response, MSCHAP_NT_RESPONSE);
	if (!reader_ok(&response))
		return false;
	bool same = mschap2_nt_response(q->challenge, theirs, chap_ms_user(q->name), q->secret, right) &&
		    crypto_equal(nt, MSCHAP_NT_RESPONSE, right, sizeof(right)) && ms2_outcome(q, theirs, right, true, outcome);
	explicit_bzero(right, sizeof(right));
	return same;
}

/* A peer that has set a flag is an old Windows, which takes the proof alone (pppd). */
static void ms2_success(char message[CHAP_MESSAGE_MAX], struct reader response, const struct chap_outcome *outcome)
{
	reader_skip(&response, MSCHAP2_RESPONSE - 1);
	g_snprintf(message, CHAP_MESSAGE_MAX, "%s%s", outcome->proof, reader_u8(&response) ? "" : " M=Access granted");
}

static void ms2_failure(char message[CHAP_MESSAGE_MAX], const struct chap_question *q)
{
	ms_refusal(message, q, " M=Access denied");
}

/* Nothing, or a message: with a blank before it as §5 has it, or without. */
static bool ms2_ends_well(struct reader rest)
{
	size_t len = reader_left(&rest);
	const char *text = len > 0 ? (const char *)reader_bytes(&rest, len) : "";

	return len == 0 || (len >= 3 && memcmp(text, " M=", 3) == 0) || (len >= 2 && memcmp(text, "M=", 2) == 0);
}

/* §5, and §8.8: the peer has to prove that it knows the secret, too. */
static bool ms2_succeeded(struct reader text, const struct chap_outcome *outcome)
{
	const uint8_t *proof = reader_bytes(&text, MSCHAP2_AUTHENTICATOR);

	if (!proof || memcmp(proof, "S=", 2) != 0) {
		log_error("MS-CHAPv2 Success packet is badly formed.");
		return false;
	}
	if (!crypto_equal(proof, MSCHAP2_AUTHENTICATOR, outcome->proof, strlen(outcome->proof))) {
		log_error("MS-CHAPv2 mutual authentication failed.");
		return false;
	}
	if (!ms2_ends_well(text)) {
		log_error("MS-CHAPv2 Success packet is badly formed.");
		return false;
	}
	return true;
}

/* clang-format off */
static const struct chap_digest rows[] = {
	{
		.method = AUTH_CHAP_MD5, .challenge_min = 16, .challenge_max = CHAP_CHALLENGE_MAX, .response_len = MD5_LEN,
		.respond = md5_respond, .verify = md5_verify, .success = access_granted, .failure = md5_failure,
		.succeeded = plainly_succeeded, .failed = md5_failed,
	},
	{
		.method = AUTH_MSCHAP, .challenge_min = MSCHAP_CHALLENGE, .challenge_max = MSCHAP_CHALLENGE, .exact = true,
		.response_len = MSCHAP_RESPONSE,
		.respond = ms_respond, .verify = ms_verify, .success = access_granted, .failure = ms_failure,
		.succeeded = plainly_succeeded, .failed = ms_failed,
	},
	{
		.method = AUTH_MSCHAP_V2, .challenge_min = MSCHAP2_CHALLENGE, .challenge_max = MSCHAP2_CHALLENGE, .exact = true,
		.response_len = MSCHAP2_RESPONSE,
		.respond = ms2_respond, .verify = ms2_verify, .success = ms2_success, .failure = ms2_failure,
		.succeeded = ms2_succeeded, .failed = ms_failed,
	},
};
/* clang-format on */

const struct chap_digest *chap_digest_find(enum auth_method method)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (rows[i].method == method)
			return &rows[i];
	}
	return NULL;
}
