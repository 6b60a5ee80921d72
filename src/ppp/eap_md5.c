/* EAP's MD5-Challenge (RFC 3748 §5.4): CHAP with MD5 in EAP's packets; and the secrets that it and MSCHAPv2 ask for. Called by eap_server.c and
 * eap_client.c through its row. */
#include <string.h>

#include "log.h"
#include "ppp/crypto.h"
#include "ppp/eap_internal.h"

/* Names and secrets. */

char *eap_raw_name(struct reader name)
{
	size_t len = reader_left(&name);
	const uint8_t *bytes = reader_bytes(&name, len);

	if (len > AUTH_NAME_MAX || (len > 0 && memchr(bytes, '\0', len)))
		return NULL;
	return g_strndup((const char *)bytes, len);
}

char *eap_quoted(struct reader text)
{
	char *visible = auth_visible(text);
	char *quoted = auth_quoted(visible);

	g_free(visible);
	return quoted;
}

bool eap_can_ask_chap(const struct eap_talk *talk)
{
	const struct auth_base *base = talk->base;

	return base->secrets->find(base->secrets_arg, SECRET_CHAP, talk->name, auth_our_name(base), true, NULL, NULL);
}

bool eap_can_answer_chap(const struct eap_talk *talk)
{
	struct secret secret;
	bool found = auth_own_secret(talk->base, SECRET_CHAP, talk->base->peer_hint, true, &secret);

	secret_wipe(&secret);
	return found;
}

/* chapms-strip-domain: DOMAIN\USER is USER in the files. */
static char *name_of_peer(const struct auth_base *base, struct reader name)
{
	size_t len = reader_left(&name);
	char *clean = auth_clean_name(reader_bytes(&name, len), len);
	const char *domain_end = clean && base->config->strip_domain ? strrchr(clean, '\\') : NULL;

	if (domain_end)
		memmove(clean, domain_end + 1, strlen(domain_end + 1) + 1);
	return clean;
}

bool eap_peer_secret(struct eap_talk *talk, struct reader name, struct secret *secret)
{
	const struct auth_base *base = talk->base;

	*secret = (struct secret){ 0 };
	if (!base->peer_hint && reader_left(&name) > 0) {
		char *clean = name_of_peer(base, name);
		if (!clean)
			return false;
		g_free(talk->name);
		talk->name = clean;
	}
	rights_clear(&talk->rights);
	return base->secrets->find(base->secrets_arg, SECRET_CHAP, talk->name, auth_our_name(base), true, secret, &talk->rights);
}

bool eap_own_secret(const struct eap_talk *talk, struct reader name, const char *what, struct secret *secret)
{
	size_t len = reader_left(&name);
	char *clean = auth_clean_name(reader_bytes(&name, len), len);
	const char *server = talk->base->peer_hint ? talk->base->peer_hint : clean;
	bool found = auth_own_secret(talk->base, SECRET_CHAP, server, true, secret);

	if (!found) {
		char *quoted = auth_quoted(server ? server : "");
		log_error("EAP: no %s secret for auth to %s", what, quoted);
		g_free(quoted);
	}
	g_free(clean);
	return found;
}

bool eap_is_reflected(const struct eap_talk *talk, struct reader challenge)
{
	size_t len = reader_left(&challenge);
	bool ours = talk->base->host->is_ours(talk->base->host_arg, reader_bytes(&challenge, len), len);

	if (ours)
		log_warn("EAP: the peer asks us our own challenge; not answered");
	return ours;
}

/* The method. */

static const struct chap_digest *digest(void)
{
	return chap_digest_find(AUTH_CHAP_MD5);
}

static bool begin(struct eap_talk *talk, struct writer *request)
{
	const char *name = auth_our_name(talk->base);

	talk->challenge_len = digest()->challenge_min;
	crypto_random(talk->challenge, talk->challenge_len);
	writer_u8(request, (uint8_t)talk->challenge_len);
	writer_bytes(request, talk->challenge, talk->challenge_len);
	writer_bytes(request, name, MIN(strlen(name), AUTH_NAME_MAX));
	return true;
}

/* A value after its length, of MIN bytes at least; the name is what remains in DATA. */
static bool take_value(struct reader *data, const char *what, size_t min, struct reader *value)
{
	if (reader_left(data) == 0) {
		log_error("EAP: received %s with no data", what);
		return false;
	}
	uint8_t len = reader_u8(data);
	*value = reader_sub(data, len);
	if (reader_ok(data) && len >= min)
		return true;
	log_error("EAP: %s with bad length %d", what, len);
	return false;
}

/* The identifier that is hashed is the request's, one before that of the next that is already in TALK. */
static bool is_right(struct eap_talk *talk, struct reader value, const struct secret *secret)
{
	const struct chap_question q = {
		.id = (uint8_t)(talk->id - 1),
		.challenge = talk->challenge,
		.len = talk->challenge_len,
		.name = talk->name,
		.secret = secret,
	};

	return digest()->verify(&q, value, &talk->outcome);
}

static void log_failure(const char *name, bool known)
{
	char *quoted = auth_quoted(name);

	if (known)
		log_warn("EAP: MD5-Challenge failure for peer %s", quoted);
	else
		log_error("EAP: no MD5 secret for auth of %s", quoted);
	g_free(quoted);
}

static enum eap_verdict response(struct eap_talk *talk, struct reader data, struct writer *request)
{
	struct reader value;
	struct secret secret;

	(void)request;
	if (!take_value(&data, "MD5-Response", MD5_LEN, &value))
		return EAP_WRONG;
	bool known = eap_peer_secret(talk, data, &secret);
	bool right = known && is_right(talk, value, &secret);
	if (!right)
		log_failure(talk->name, known);
	secret_wipe(&secret);
	return right ? EAP_PROVED : EAP_WRONG;
}

static enum eap_verdict request(struct eap_talk *talk, struct reader data, struct writer *response)
{
	const char *user = auth_our_user(talk->base);
	uint8_t answer[MD5_LEN];
	struct secret secret;
	struct reader value;

	if (!take_value(&data, "MD5-Challenge", 1, &value) || eap_is_reflected(talk, value))
		return EAP_IGNORE;
	if (!eap_own_secret(talk, data, "MD5", &secret))
		return EAP_CANNOT;
	size_t len = reader_left(&value);
	const struct chap_question q = { .id = talk->id, .challenge = reader_bytes(&value, len), .len = len, .name = user, .secret = &secret };
	talk->right = digest()->respond(&q, answer, &talk->outcome);
	secret_wipe(&secret);
	writer_u8(response, sizeof(answer));
	writer_bytes(response, answer, sizeof(answer));
	writer_bytes(response, user, MIN(strlen(user), AUTH_NAME_MAX));
	return talk->right ? EAP_ANSWER : EAP_CANNOT;
}

const struct eap_method eap_md5_method = {
	.type = EAP_MD5,
	.name = "MD5-Challenge",
	.can_ask = eap_can_ask_chap,
	.can_answer = eap_can_answer_chap,
	.begin = begin,
	.response = response,
	.request = request,
};
