/* EAP's server role (RFC 3748 §2): the peer is to prove who it is. Called by eap.c.
 *
 * Identity first, unless remotename says who it is; then TLS for a peer that has no CHAP secret but whom the files for TLS are for, else
 * MD5-Challenge; a Nak may name another method that we can do, each once. A peer that nobody knows is asked for MD5 like all: that it is
 * unknown shows in the end alone. */
#include <string.h>

#include "log.h"
#include "ppp/eap_internal.h"
#include "ppp/ppp.h"

static bool active(const struct eap_talk *talk)
{
	return talk->state == EAP_IDENTIFYING || talk->state == EAP_ASKING;
}

/* Success and Failure are not answered, and so not sent again by themselves (§4.2). */
static void send_verdict(struct eap_talk *talk, enum eap_code code)
{
	uint8_t packet[EAP_PACKET_MAX];
	struct writer w = writer_new(packet, sizeof(packet));

	writer_u8(&w, (uint8_t)code);
	writer_u8(&w, talk->id);
	writer_u16(&w, 0);
	if (eap_keep(talk, &w))
		eap_send_last(talk);
}

static void fail(struct eap_talk *talk)
{
	timer_stop(&talk->timer);
	talk->state = EAP_FAILED;
	send_verdict(talk, EAP_FAILURE);
	eap_set_method(talk, NULL);
	talk->base->host->peer_failed(talk->base->host_arg, PPP_EAP);
}

static void succeed(struct eap_talk *talk)
{
	const struct auth_host *host = talk->base->host;
	struct mppe_keys keys = talk->keys;
	struct rights rights = talk->rights;

	talk->rights = (struct rights){ 0 };
	talk->state = EAP_SUCCEEDED;
	talk->requests = talk->responses = 0;
	if (talk->base->config->eap.interval > 0)
		timer_set(&talk->timer, talk->base->config->eap.interval * CLOCK_SECOND);
	else
		timer_stop(&talk->timer);
	send_verdict(talk, EAP_SUCCESS);
	eap_set_method(talk, NULL);
	if (keys.known)
		host->keys(talk->base->host_arg, AUTH_EAP, &keys);
	explicit_bzero(&keys, sizeof(keys));
	host->peer_proved(talk->base->host_arg, PPP_EAP, talk->name, &rights);
}

/* The last request, for the first time or once more. All of one authentication count together, as pppd does. */
static void send_request(struct eap_talk *talk)
{
	unsigned max = talk->base->config->eap.max_requests;

	if (max > 0 && talk->requests >= max) {
		log_error("%s", talk->responses > 0 ? "EAP: too many Requests sent" : "EAP: no response to Requests");
		fail(talk);
		return;
	}
	talk->requests++;
	timer_set(&talk->timer, MAX(talk->base->config->eap.restart, 1) * CLOCK_SECOND);
	eap_send_last(talk);
}

static void request_identity(struct eap_talk *talk)
{
	static const char text[] = "Name";
	uint8_t packet[EAP_PACKET_MAX];
	struct writer w;

	talk->state = EAP_IDENTIFYING;
	talk->id++;
	w = eap_compose(talk, packet, EAP_REQUEST, EAP_IDENTITY);
	writer_bytes(&w, text, strlen(text));
	if (eap_keep(talk, &w))
		send_request(talk);
}

static unsigned bit_of(const struct eap_method *method)
{
	unsigned i = 0;

	while (eap_methods[i] && eap_methods[i] != method)
		i++;
	return 1u << i;
}

static void begin_method(struct eap_talk *talk, const struct eap_method *method)
{
	uint8_t packet[EAP_PACKET_MAX];
	struct writer w;

	eap_set_method(talk, method);
	talk->tried |= bit_of(method);
	talk->state = EAP_ASKING;
	talk->id++;
	w = eap_compose(talk, packet, EAP_REQUEST, (uint8_t)method->type);
	if (method->begin(talk, &w) && eap_keep(talk, &w))
		send_request(talk);
	else
		fail(talk);
}

static void begin_first_method(struct eap_talk *talk)
{
	bool by_tls = !eap_can_ask_chap(talk) && eap_tls_method.can_ask(talk);

	talk->tried = 0;
	begin_method(talk, by_tls ? &eap_tls_method : &eap_md5_method);
}

void eap_server_begin(struct eap_talk *talk)
{
	if (talk->base->peer_hint) {
		talk->name = g_strdup(talk->base->peer_hint);
		begin_first_method(talk);
	} else {
		request_identity(talk);
	}
}

/* No answer yet; or, long after a success, the time for another proof. */
void eap_server_due(void *arg)
{
	struct eap_talk *talk = arg;

	talk->base->host->enter(talk->base->host_arg);
	if (talk->state == EAP_SUCCEEDED)
		begin_first_method(talk);
	else
		send_request(talk);
	talk->base->host->leave(talk->base->host_arg);
}

/* Responses. */

static void take_identity(struct eap_talk *talk, struct reader data)
{
	size_t len = reader_left(&data);
	char *quoted = eap_quoted(data);

	if (talk->state != EAP_IDENTIFYING) {
		log_dbg("EAP discarding unwanted Identify \"%s\"", quoted);
	} else {
		log_info("EAP: unauthenticated peer name \"%s\"", quoted);
		talk->name = auth_clean_name(reader_bytes(&data, len), len);
		if (talk->name)
			begin_first_method(talk);
		else
			fail(talk);
	}
	g_free(quoted);
}

static void take_notification(struct eap_talk *talk, struct reader data)
{
	(void)talk, (void)data;
	log_dbg("EAP unexpected Notification; response discarded");
}

/* §5.3.1: the types that the peer would rather be asked by. */
static void take_nak(struct eap_talk *talk, struct reader data)
{
	uint8_t type = 0;

	if (talk->state != EAP_ASKING)
		return;
	if (reader_left(&data) == 0)
		log_info("EAP: Nak Response with no suggested protocol");
	while (reader_left(&data) > 0) {
		type = reader_u8(&data);
		const struct eap_method *method = eap_find_method(type);
		if (method && !(talk->tried & bit_of(method)) && method->can_ask(talk)) {
			log_info("EAP: peer proposes %s", method->name);
			begin_method(talk, method);
			return;
		}
	}
	if (type != 0)
		log_dbg("EAP: peer requesting unknown Type %d", type);
	fail(talk);
}

static void take_method(struct eap_talk *talk, uint8_t type, struct reader data)
{
	uint8_t packet[EAP_PACKET_MAX];
	uint8_t id = talk->id;

	if (!talk->method || talk->method->type != type) {
		log_error("EAP: unknown Response type %d; ignored", type);
		return;
	}
	talk->id++;
	struct writer w = eap_compose(talk, packet, EAP_REQUEST, type);
	enum eap_verdict verdict = talk->method->response(talk, data, &w);
	if (verdict == EAP_ANSWER && eap_keep(talk, &w)) {
		send_request(talk);
		return;
	}
	talk->id = id;
	if (verdict == EAP_PROVED)
		succeed(talk);
	else if (verdict != EAP_IGNORE)
		fail(talk);
}

void eap_server_response(struct eap_talk *talk, uint8_t id, struct reader data)
{
	static const struct {
		uint8_t type;
		void (*take)(struct eap_talk *talk, struct reader data);
	} types[] = { { EAP_IDENTITY, take_identity }, { EAP_NOTIFICATION, take_notification }, { EAP_NAK, take_nak } };

	if (talk->state == EAP_SUCCEEDED && id == talk->id)
		eap_send_last(talk); /* it was lost, or else it does no harm */
	if (!active(talk) || id != talk->id) {
		log_dbg("EAP: discarding Response %d; expected ID %d", id, talk->id);
		return;
	}
	if (reader_left(&data) == 0) {
		log_error("EAP: empty Response message discarded");
		return;
	}
	uint8_t type = reader_u8(&data);
	talk->responses++;
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		if (types[i].type == type) {
			types[i].take(talk, data);
			return;
		}
	}
	take_method(talk, type, data);
}

void eap_server_rejected(struct eap_talk *talk)
{
	if (!active(talk))
		return;
	log_error("EAP authentication of peer failed on Protocol-Reject");
	timer_stop(&talk->timer);
	eap_set_method(talk, NULL);
	talk->state = EAP_FAILED;
	talk->base->host->peer_failed(talk->base->host_arg, PPP_EAP);
}
