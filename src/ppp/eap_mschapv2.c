/* EAP's MSCHAPv2 (draft-kamath-pppext-eap-mschapv2, RFC 2759): the packets of MS-CHAPv2 in EAP's, where Success and Failure are requests that are
 * answered. Called by eap_server.c and eap_client.c through its row. A change of the password is not built: it is answered like any failure. */
#include <string.h>

#include "log.h"
#include "ppp/crypto.h"
#include "ppp/eap_internal.h"

enum opcode { CHALLENGE = 1, RESPONSE = 2, SUCCESS = 3, FAILURE = 4 };

#define HEADER 4 /* opcode, identifier, length */

static const struct chap_digest *digest(void)
{
	return chap_digest_find(AUTH_MSCHAP_V2);
}

/* A value and a name after the header, as in CHAP. */
static void put_value(struct writer *w, enum opcode opcode, uint8_t id, const uint8_t *value, size_t len, const char *name)
{
	size_t name_len = MIN(strlen(name), AUTH_NAME_MAX);

	writer_u8(w, (uint8_t)opcode);
	writer_u8(w, id);
	writer_u16(w, (uint16_t)(HEADER + 1 + len + name_len));
	writer_u8(w, (uint8_t)len);
	writer_bytes(w, value, len);
	writer_bytes(w, name, name_len);
}

/* Its value, which has to have LEN bytes; the name is what remains in BODY. */
static bool take_value(struct reader *body, size_t len, struct reader *value)
{
	uint8_t value_len = reader_u8(body);

	*value = reader_sub(body, value_len);
	if (reader_ok(body) && value_len == len)
		return true;
	log_error("EAP: received invalid MSCHAPv2 packet, invalid value-length: %d", value_len);
	return false;
}

/* What the identifier and the length in DATA, past the opcode, say that there is. */
static bool take_body(struct reader *data, uint8_t *id, struct reader *body)
{
	if (reader_left(data) < HEADER - 1) {
		log_error("EAP: received invalid MSCHAPv2 packet, too short");
		return false;
	}
	*id = reader_u8(data);
	uint16_t length = reader_u16(data);
	if (length < HEADER || (size_t)(length - HEADER) > reader_left(data)) {
		log_error("EAP: received invalid MSCHAPv2 packet, invalid length");
		return false;
	}
	*body = reader_sub(data, (size_t)length - HEADER);
	return true;
}

/* Server. */

static bool begin(struct eap_talk *talk, struct writer *request)
{
	talk->challenge_len = MSCHAP2_CHALLENGE;
	crypto_random(talk->challenge, talk->challenge_len);
	put_value(request, CHALLENGE, talk->id, talk->challenge, talk->challenge_len, auth_our_name(talk->base));
	return true;
}

static void put_message(struct writer *w, enum opcode opcode, uint8_t id, const char *message)
{
	writer_u8(w, (uint8_t)opcode);
	writer_u8(w, id);
	writer_u16(w, (uint16_t)(HEADER + strlen(message)));
	writer_bytes(w, message, strlen(message));
}

static void say_verdict(struct eap_talk *talk, uint8_t id, struct reader value, const struct chap_question *q, struct writer *request)
{
	char message[CHAP_MESSAGE_MAX];
	char *quoted = auth_quoted(talk->name);

	if (talk->right) {
		log_info("EAP: MSCHAPv2 success for peer %s", quoted);
		digest()->success(message, value, &talk->outcome);
	} else {
		log_warn("EAP: MSCHAPv2 failure for peer %s", quoted);
		digest()->failure(message, q);
	}
	g_free(quoted);
	put_message(request, talk->right ? SUCCESS : FAILURE, id, message);
}

static enum eap_verdict judge(struct eap_talk *talk, struct reader data, struct writer *request)
{
	struct reader body, value;
	struct secret secret;
	uint8_t id;

	if (!take_body(&data, &id, &body) || !take_value(&body, MSCHAP2_RESPONSE, &value))
		return EAP_WRONG;
	char *name = eap_raw_name(body); /* what was hashed, whatever the files call it */
	bool known = eap_peer_secret(talk, body, &secret);
	const struct chap_question q = {
		.id = id, .challenge = talk->challenge, .len = talk->challenge_len, .name = name ? name : "", .secret = &secret,
	};
	talk->right = known && name && digest()->verify(&q, value, &talk->outcome);
	talk->answered = true;
	talk->keys = talk->right ? talk->outcome.keys : (struct mppe_keys){ 0 };
	say_verdict(talk, id, value, &q, request);
	secret_wipe(&secret);
	g_free(name);
	return EAP_ANSWER;
}

/* After the verdict there is only one answer that leads to a success: that the peer believes us, too. */
static enum eap_verdict response(struct eap_talk *talk, struct reader data, struct writer *request)
{
	if (reader_left(&data) == 0) {
		log_error("EAP: received MSCHAPv2 with no data");
		return EAP_WRONG;
	}
	uint8_t opcode = reader_u8(&data);
	if (opcode == RESPONSE && !talk->answered)
		return judge(talk, data, request);
	if (!talk->answered) {
		log_error("EAP: Unhandled MSCHAPv2 opcode %d", opcode);
		return EAP_WRONG;
	}
	if (opcode == SUCCESS && talk->right) {
		log_info("EAP: MSCHAPv2 success confirmed");
		return EAP_PROVED;
	}
	if (opcode == FAILURE)
		log_info("EAP: MSCHAPv2 failure confirmed");
	else
		log_error("EAP: unexpected MSCHAPv2-Response");
	return EAP_WRONG;
}

/* Client. */

static enum eap_verdict answer_challenge(struct eap_talk *talk, uint8_t id, struct reader body, struct writer *response)
{
	const char *user = auth_our_user(talk->base);
	uint8_t answer[MSCHAP2_RESPONSE];
	struct reader value;
	struct secret secret;

	if (!take_value(&body, MSCHAP2_CHALLENGE, &value) || eap_is_reflected(talk, value))
		return EAP_IGNORE;
	if (!eap_own_secret(talk, body, "CHAP", &secret))
		return EAP_CANNOT;
	const struct chap_question q = {
		.id = id, .challenge = reader_bytes(&value, MSCHAP2_CHALLENGE), .len = MSCHAP2_CHALLENGE, .name = user, .secret = &secret,
	};
	talk->right = false;
	talk->answered = digest()->respond(&q, answer, &talk->outcome);
	secret_wipe(&secret);
	if (!talk->answered)
		return EAP_CANNOT;
	put_value(response, RESPONSE, id, answer, sizeof(answer), user);
	return EAP_ANSWER;
}

/* The server's proof (§2.3 there): without it no Success is believed. */
static enum eap_verdict answer_success(struct eap_talk *talk, uint8_t id, struct reader body, struct writer *response)
{
	(void)id;
	if (!talk->answered)
		return EAP_IGNORE;
	if (!digest()->succeeded(body, &talk->outcome))
		return EAP_WRONG;
	talk->right = true;
	talk->keys = talk->outcome.keys;
	writer_u8(response, SUCCESS);
	return EAP_PROVED;
}

/* That it was wrong, whoever might try again (R=1) or change the password (E=648): the server's Failure follows. */
static enum eap_verdict answer_failure(struct eap_talk *talk, uint8_t id, struct reader body, struct writer *response)
{
	(void)id;
	talk->right = talk->answered = false;
	digest()->failed(body);
	writer_u8(response, FAILURE);
	return EAP_ANSWER;
}

static enum eap_verdict request(struct eap_talk *talk, struct reader data, struct writer *response)
{
	static const struct {
		enum opcode opcode;
		enum eap_verdict (*answer)(struct eap_talk *talk, uint8_t id, struct reader body, struct writer *response);
	} answers[] = { { CHALLENGE, answer_challenge }, { SUCCESS, answer_success }, { FAILURE, answer_failure } };
	uint8_t opcode = reader_u8(&data);
	struct reader body;
	uint8_t id;

	if (!take_body(&data, &id, &body))
		return EAP_IGNORE;
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		if (answers[i].opcode == opcode)
			return answers[i].answer(talk, id, body, response);
	}
	log_error("EAP: received invalid MSCHAPv2 packet, invalid or unsupported opcode: %d", opcode);
	return EAP_IGNORE;
}

const struct eap_method eap_mschapv2_method = {
	.type = EAP_MSCHAPV2,
	.name = "MSCHAPv2",
	.can_ask = eap_can_ask_chap,
	.can_answer = eap_can_answer_chap,
	.begin = begin,
	.response = response,
	.request = request,
};
