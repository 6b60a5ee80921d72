/* The Extensible Authentication Protocol (RFC 3748, over PPP: §3.1): packets as they come, and the two roles that they are for; see eap.h.
 * Called by auth.c. Formats, counts, times and texts are pppd's.
 *
 * Theory of operation. Each role is a struct eap_talk with one method at a time. A packet's header is read here; Requests, Success and Failure
 * go to eap_client.c, Responses to eap_server.c. What they send is kept, so that a repeated request (§4.1) or a lost one costs no second
 * computation. A method sees only the data after the type, writes the data of what is to be sent, and says what it thinks (enum eap_verdict);
 * auth.c is told from the roles alone, last, because it may end everything on the spot. */
#include "ppp/eap.h"

#include <string.h>

#include "log.h"
#include "ppp/crypto.h"
#include "ppp/eap_internal.h"
#include "ppp/ppp.h"

struct eap {
	struct auth_base base;
	struct eap_talk server, client;
};

const struct eap_method *const eap_methods[] = { &eap_tls_method, &eap_mschapv2_method, &eap_md5_method, NULL };

const struct eap_method *eap_find_method(uint8_t type)
{
	for (size_t i = 0; eap_methods[i]; i++) {
		if (eap_methods[i]->type == type)
			return eap_methods[i];
	}
	return NULL;
}

struct writer eap_compose(const struct eap_talk *talk, uint8_t packet[EAP_PACKET_MAX], enum eap_code code, uint8_t type)
{
	struct writer w = writer_new(packet, EAP_PACKET_MAX);

	writer_u8(&w, (uint8_t)code);
	writer_u8(&w, talk->id);
	writer_u16(&w, 0);
	writer_u8(&w, type);
	return w;
}

bool eap_keep(struct eap_talk *talk, struct writer *w)
{
	g_return_val_if_fail(writer_ok(w), false);
	writer_patch_u16(w, 2, (uint16_t)writer_len(w));
	talk->last_len = writer_len(w);
	memcpy(talk->last, w->start, talk->last_len);
	return true;
}

void eap_send_last(struct eap_talk *talk)
{
	if (talk->last_len > 0)
		talk->base->host->send(talk->base->host_arg, PPP_EAP, talk->last, talk->last_len);
}

void eap_set_method(struct eap_talk *talk, const struct eap_method *method)
{
	eap_tls_end(&talk->tls);
	explicit_bzero(&talk->outcome, sizeof(talk->outcome));
	explicit_bzero(&talk->keys, sizeof(talk->keys));
	rights_clear(&talk->rights);
	talk->answered = talk->right = false;
	talk->method = method;
}

void eap_talk_end(struct eap_talk *talk)
{
	timer_stop(&talk->timer);
	eap_set_method(talk, NULL);
	g_clear_pointer(&talk->name, g_free);
	explicit_bzero(talk->last, sizeof(talk->last));
	talk->last_len = talk->challenge_len = 0;
	talk->requests = talk->responses = talk->tried = 0;
	talk->state = EAP_AT_REST;
}

struct eap *eap_new(const struct auth_base *base)
{
	struct eap *eap = g_new0(struct eap, 1);

	eap->base = *base;
	eap->server.base = eap->client.base = &eap->base;
	timer_init(&eap->server.timer, base->clock, eap_server_due, &eap->server);
	timer_init(&eap->client.timer, base->clock, eap_client_due, &eap->client);
	return eap;
}

void eap_free(struct eap *eap)
{
	if (!eap)
		return;
	eap_end(eap);
	g_free(eap);
}

static bool knows_peers_files(const struct auth_base *base)
{
	struct tls_files files = { 0 };
	struct rights rights = { 0 };
	bool useful = eap_tls_find(base, true, base->peer_hint, &files, &rights) && rights_let_an_address(&rights);

	tls_files_clear(&files);
	rights_clear(&rights);
	return useful;
}

bool eap_can_demand(const struct eap *eap)
{
	return auth_knows_peers(&eap->base, SECRET_CHAP) || knows_peers_files(&eap->base);
}

bool eap_can_prove(const struct eap *eap)
{
	for (size_t i = 0; eap_methods[i]; i++) {
		if (eap_methods[i]->can_answer(&eap->client))
			return true;
	}
	return false;
}

void eap_demand(struct eap *eap)
{
	eap_talk_end(&eap->server);
	eap_server_begin(&eap->server);
}

void eap_prove(struct eap *eap)
{
	eap_talk_end(&eap->client);
	eap_client_begin(&eap->client);
}

bool eap_has_asked(const struct eap *eap, const uint8_t *challenge, size_t len)
{
	return len > 0 && crypto_equal(challenge, len, eap->server.challenge, eap->server.challenge_len);
}

void eap_end(struct eap *eap)
{
	eap_talk_end(&eap->server);
	eap_talk_end(&eap->client);
}

void eap_input(struct eap *eap, const uint8_t *packet, size_t len)
{
	struct reader r = reader_new(packet, len);
	uint8_t code = reader_u8(&r);
	uint8_t id = reader_u8(&r);
	uint16_t length = reader_u16(&r);

	if (!reader_ok(&r)) {
		log_error("EAP: packet too short: %zu < %d", len, EAP_HEADER);
		return;
	}
	if (length < EAP_HEADER || length > len) {
		log_error("EAP: packet has illegal length field %u (%d..%zu)", length, EAP_HEADER, len);
		return;
	}
	struct reader data = reader_sub(&r, (size_t)length - EAP_HEADER);
	if (code == EAP_REQUEST)
		eap_client_request(&eap->client, id, data);
	else if (code == EAP_RESPONSE)
		eap_server_response(&eap->server, id, data);
	else if (code == EAP_SUCCESS)
		eap_client_success(&eap->client);
	else if (code == EAP_FAILURE)
		eap_client_failure(&eap->client);
	else
		log_warn("EAP: unknown code %d received", code);
}

void eap_protocol_rejected(struct eap *eap)
{
	eap_client_rejected(&eap->client);
	eap_server_rejected(&eap->server);
}
