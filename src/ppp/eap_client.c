/* EAP's client role (RFC 3748 §2, the "peer" there): we prove who we are, and only ever answer. Called by eap.c.
 *
 * A Success counts only once the method in use says so (§4.2): a server that has proved nothing where it should have, or that asks for nothing,
 * is not believed. Where the method itself says all that there is to say, no Success is waited for: pppd 2.4.9 goes on without one after
 * MSCHAPv2. */
#include <string.h>

#include "log.h"
#include "ppp/eap_internal.h"
#include "ppp/ppp.h"

#define LISTEN 3 /* pppd's number and name of the state in which requests are waited for */

static void wait_for_request(struct eap_talk *talk)
{
	unsigned timeout = talk->base->config->eap.timeout;

	if (timeout > 0)
		timer_set(&talk->timer, timeout * CLOCK_SECOND);
}

static void refused(struct eap_talk *talk)
{
	timer_stop(&talk->timer);
	eap_set_method(talk, NULL);
	talk->state = EAP_FAILED;
	talk->base->host->refused(talk->base->host_arg, PPP_EAP);
}

void eap_client_begin(struct eap_talk *talk)
{
	talk->state = EAP_WAITING;
	wait_for_request(talk);
}

void eap_client_due(void *arg)
{
	struct eap_talk *talk = arg;

	talk->base->host->enter(talk->base->host_arg);
	if (talk->state == EAP_WAITING) {
		log_error("EAP: timeout waiting for Request from peer");
		refused(talk);
	}
	talk->base->host->leave(talk->base->host_arg);
}

/* Requests. */

static void send_response(struct eap_talk *talk, struct writer *w)
{
	if (eap_keep(talk, w))
		eap_send_last(talk);
}

static void take_identity(struct eap_talk *talk, struct reader data)
{
	const char *user = auth_our_user(talk->base);
	uint8_t packet[EAP_PACKET_MAX];
	struct writer w = eap_compose(talk, packet, EAP_RESPONSE, EAP_IDENTITY);

	if (reader_left(&data) > 0) {
		char *quoted = eap_quoted(data);
		log_info("EAP: Identity prompt \"%s\"", quoted);
		g_free(quoted);
	}
	writer_bytes(&w, user, MIN(strlen(user), AUTH_NAME_MAX));
	send_response(talk, &w);
}

static void take_notification(struct eap_talk *talk, struct reader data)
{
	uint8_t packet[EAP_PACKET_MAX];
	struct writer w = eap_compose(talk, packet, EAP_RESPONSE, EAP_NOTIFICATION);

	if (reader_left(&data) > 0) {
		char *quoted = eap_quoted(data);
		log_info("EAP: Notification \"%s\"", quoted);
		g_free(quoted);
	}
	send_response(talk, &w);
}

static void take_nak(struct eap_talk *talk, struct reader data)
{
	(void)talk, (void)data;
	log_warn("EAP: unexpected Nak in Request; ignored");
}

/* §5.3.1: we cannot do TYPE, but maybe another; 0: nothing. */
static void send_nak(struct eap_talk *talk, uint8_t type)
{
	uint8_t packet[EAP_PACKET_MAX];
	struct writer w = eap_compose(talk, packet, EAP_RESPONSE, EAP_NAK);
	uint8_t better = 0;

	for (size_t i = 0; eap_methods[i] && better == 0; i++) {
		if (eap_methods[i]->type != type && eap_methods[i]->can_answer(talk))
			better = (uint8_t)eap_methods[i]->type;
	}
	writer_u8(&w, better);
	eap_set_method(talk, NULL);
	send_response(talk, &w);
}

static void take_method(struct eap_talk *talk, uint8_t type, struct reader data)
{
	const struct eap_method *method = eap_find_method(type);
	uint8_t packet[EAP_PACKET_MAX];

	if (!method) {
		log_info("EAP: unknown authentication type %d; Naking", type);
		send_nak(talk, type);
		return;
	}
	if (talk->method != method)
		eap_set_method(talk, method);
	struct writer w = eap_compose(talk, packet, EAP_RESPONSE, type);
	enum eap_verdict verdict = method->request(talk, data, &w);
	if (verdict != EAP_IGNORE && talk->state == EAP_SUCCEEDED)
		eap_client_begin(talk); /* it has to be proved again */
	if (verdict == EAP_ANSWER || verdict == EAP_PROVED)
		send_response(talk, &w);
	else if (verdict == EAP_CANNOT)
		send_nak(talk, type);
	else if (verdict != EAP_IGNORE)
		refused(talk);
	if (verdict == EAP_PROVED)
		eap_client_success(talk);
}

static void take_request(struct eap_talk *talk, uint8_t type, struct reader data)
{
	static const struct {
		uint8_t type;
		void (*take)(struct eap_talk *talk, struct reader data);
	} types[] = { { EAP_IDENTITY, take_identity }, { EAP_NOTIFICATION, take_notification }, { EAP_NAK, take_nak } };

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		if (types[i].type == type) {
			types[i].take(talk, data);
			return;
		}
	}
	take_method(talk, type, data);
}

/* §4.1: the same request once more, because our answer was lost. */
static bool repeated(const struct eap_talk *talk, uint8_t id, uint8_t type, size_t len)
{
	return talk->last_len > 0 && id == talk->id && type == talk->last_type && len == talk->last_asked;
}

static bool too_many(struct eap_talk *talk)
{
	unsigned max = talk->base->config->eap.max_answers;

	if (max == 0 || ++talk->requests <= max)
		return false;
	log_info("EAP: received too many Request messages");
	refused(talk);
	return true;
}

void eap_client_request(struct eap_talk *talk, uint8_t id, struct reader data)
{
	size_t len = reader_left(&data);

	if ((talk->state != EAP_WAITING && talk->state != EAP_SUCCEEDED) || too_many(talk))
		return;
	if (len == 0) {
		log_error("EAP: empty Request message discarded");
		return;
	}
	uint8_t type = reader_u8(&data);
	if (talk->state == EAP_WAITING)
		wait_for_request(talk);
	if (repeated(talk, id, type, len)) {
		eap_send_last(talk);
		return;
	}
	talk->id = id;
	talk->last_type = type;
	talk->last_asked = len;
	talk->last_len = 0;
	take_request(talk, type, data);
}

void eap_client_success(struct eap_talk *talk)
{
	const struct auth_host *host = talk->base->host;
	struct mppe_keys keys = talk->keys;

	if (talk->state != EAP_WAITING || !talk->right) {
		if (talk->state == EAP_WAITING)
			log_warn("EAP unexpected success message in state Listen (%d)", LISTEN);
		explicit_bzero(&keys, sizeof(keys));
		return;
	}
	timer_stop(&talk->timer);
	eap_set_method(talk, NULL);
	talk->state = EAP_SUCCEEDED;
	talk->requests = 0;
	if (keys.known)
		host->keys(talk->base->host_arg, AUTH_EAP, &keys);
	explicit_bzero(&keys, sizeof(keys));
	host->proved(talk->base->host_arg, PPP_EAP);
}

void eap_client_failure(struct eap_talk *talk)
{
	if (talk->state != EAP_WAITING)
		return;
	log_error("EAP: peer reports authentication failure");
	refused(talk);
}

void eap_client_rejected(struct eap_talk *talk)
{
	if (talk->state != EAP_WAITING)
		return;
	log_error("EAP authentication failed due to Protocol-Reject");
	refused(talk);
}
