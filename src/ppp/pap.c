/* The Password Authentication Protocol (RFC 1334 §2) in both roles; see pap.h. Called by auth.c. Counts, times and what a late or repeated
 * packet gets are pppd's; a failure closes the link, so there is no second try for which it would have to sleep. */
#include "ppp/pap.h"

#include <glib.h>
#include <string.h>

#include "log.h"
#include "ppp/ppp.h"
#include "reader.h"
#include "writer.h"

enum pap_code { AUTHENTICATE_REQUEST = 1, AUTHENTICATE_ACK = 2, AUTHENTICATE_NAK = 3 };

#define PAP_HEADER 4 /* code, identifier, length */
#define PAP_MAX (PAP_HEADER + 1 + AUTH_NAME_MAX + 1 + AUTH_NAME_MAX)

enum state { AT_REST, WAITING, SUCCEEDED, FAILED };

struct pap {
	struct auth_base base;

	enum state us; /* proving ourselves */
	struct timer resend;
	uint8_t id;     /* of our last request; counts on from one session to the next */
	unsigned tries; /* requests sent */
	struct secret password;

	enum state peer; /* proving itself */
	struct timer patience;
};

static void send_packet(struct pap *pap, uint8_t code, uint8_t id, const struct writer *data)
{
	uint8_t packet[PAP_MAX];
	struct writer w = writer_new(packet, sizeof(packet));

	writer_u8(&w, code);
	writer_u8(&w, id);
	writer_u16(&w, (uint16_t)(PAP_HEADER + writer_len(data)));
	writer_bytes(&w, data->start, writer_len(data));
	if (writer_ok(&w))
		pap->base.host->send(pap->base.host_arg, PPP_PAP, packet, writer_len(&w));
	explicit_bzero(packet, sizeof(packet));
}

static void put_field(struct writer *w, const void *bytes, size_t len)
{
	writer_u8(w, (uint8_t)MIN(len, UINT8_MAX));
	writer_bytes(w, bytes, MIN(len, UINT8_MAX));
}

static struct reader get_field(struct reader *r)
{
	return reader_sub(r, reader_u8(r));
}

/* Proving ourselves. */

static void settle_us(struct pap *pap, bool proved)
{
	const struct auth_host *host = pap->base.host;

	timer_stop(&pap->resend);
	secret_wipe(&pap->password);
	pap->us = proved ? SUCCEEDED : FAILED;
	(proved ? host->proved : host->refused)(pap->base.host_arg, PPP_PAP);
}

static void send_request(struct pap *pap)
{
	uint8_t data[PAP_MAX];
	struct writer w = writer_new(data, sizeof(data));
	const char *user = auth_our_user(&pap->base);

	put_field(&w, user, strlen(user));
	put_field(&w, pap->password.bytes, pap->password.len);
	pap->id++;
	pap->tries++;
	timer_set(&pap->resend, MAX(pap->base.config->pap.restart, 1) * CLOCK_SECOND);
	send_packet(pap, AUTHENTICATE_REQUEST, pap->id, &w);
	explicit_bzero(data, sizeof(data));
}

static void resend_due(void *arg)
{
	struct pap *pap = arg;

	pap->base.host->enter(pap->base.host_arg);
	if (pap->tries < pap->base.config->pap.max_requests) {
		send_request(pap);
	} else {
		log_error("No response to PAP authenticate-requests");
		settle_us(pap, false);
	}
	pap->base.host->leave(pap->base.host_arg);
}

void pap_prove(struct pap *pap)
{
	if (!auth_own_secret(&pap->base, SECRET_PAP, pap->base.peer_hint, true, &pap->password))
		log_error("No secret found for PAP login");
	pap->us = WAITING;
	pap->tries = 0;
	send_request(pap);
}

/* The answer to any of the requests counts: on a slow line it may be the first one's that comes after the second was sent. */
static bool answers_us(const struct pap *pap, uint8_t id)
{
	return pap->us == WAITING && (uint8_t)(pap->id - id) < pap->tries;
}

/* An answer without a message is taken, too, as pppd does. */
static void log_message(struct reader data)
{
	struct reader text = get_field(&data);

	if (reader_left(&text) == 0)
		return;
	char *visible = auth_visible(text);
	log_info("Remote message: %s", visible);
	g_free(visible);
}

static void got_ack(struct pap *pap, uint8_t id, struct reader data)
{
	if (!answers_us(pap, id))
		return;
	log_message(data);
	settle_us(pap, true);
}

static void got_nak(struct pap *pap, uint8_t id, struct reader data)
{
	if (!answers_us(pap, id))
		return;
	log_message(data);
	log_error("PAP authentication failed");
	settle_us(pap, false);
}

/* The peer proving itself. */

static void patience_over(void *arg)
{
	struct pap *pap = arg;

	pap->base.host->enter(pap->base.host_arg);
	log_warn("PAP: the peer has not authenticated itself in time");
	pap->peer = FAILED;
	pap->base.host->peer_failed(pap->base.host_arg, PPP_PAP);
	pap->base.host->leave(pap->base.host_arg);
}

void pap_demand(struct pap *pap)
{
	unsigned timeout = pap->base.config->pap.timeout;

	pap->peer = WAITING;
	if (timeout > 0)
		timer_set(&pap->patience, timeout * CLOCK_SECOND);
}

static void reply(struct pap *pap, uint8_t id, const char *message)
{
	uint8_t data[UINT8_MAX];
	struct writer w = writer_new(data, sizeof(data));

	put_field(&w, message, strlen(message));
	send_packet(pap, pap->peer == SUCCEEDED ? AUTHENTICATE_ACK : AUTHENTICATE_NAK, id, &w);
}

/* Secrets are words of a file: no NUL byte can be in one, and where one is compared as a string, none may hide what follows it. */
static bool check(struct pap *pap, const char *user, struct reader password, struct rights *rights)
{
	const struct auth_base *base = &pap->base;
	struct secret secret;
	size_t len = reader_left(&password);
	const uint8_t *bytes = reader_bytes(&password, len);
	bool right = user && secret_set(&secret, bytes, len) && !(len > 0 && memchr(bytes, '\0', len)) &&
		     base->secrets->check_pap(base->secrets_arg, user, &secret, auth_our_name(base), rights);

	secret_wipe(&secret);
	return right;
}

static void log_verdict(const char *user, bool right)
{
	char *quoted = auth_quoted(user);

	if (right)
		log_notice("PAP peer authentication succeeded for %s", quoted);
	else
		log_warn("PAP peer authentication failed for %s", quoted);
	g_free(quoted);
}

static void judge(struct pap *pap, uint8_t id, struct reader name, struct reader password)
{
	const struct auth_host *host = pap->base.host;
	struct rights rights = { 0 };
	size_t len = reader_left(&name);
	struct reader shown = name;
	char *user = auth_clean_name(reader_bytes(&name, len), len);
	bool right = check(pap, user, password, &rights);

	if (!user)
		user = auth_visible(shown);
	timer_stop(&pap->patience);
	pap->peer = right ? SUCCEEDED : FAILED;
	reply(pap, id, right ? "Login ok" : "Login incorrect");
	log_verdict(user, right);
	if (right)
		host->peer_proved(pap->base.host_arg, PPP_PAP, user, &rights);
	else
		host->peer_failed(pap->base.host_arg, PPP_PAP);
	rights_clear(&rights);
	g_free(user);
}

/* What is repeated gets the same answer again (§2.2.1). */
static void got_request(struct pap *pap, uint8_t id, struct reader data)
{
	if (pap->peer == AT_REST)
		return;
	if (pap->peer != WAITING) {
		reply(pap, id, "");
		return;
	}
	struct reader name = get_field(&data);
	struct reader password = get_field(&data);
	if (reader_ok(&data))
		judge(pap, id, name, password);
	else
		log_dbg("PAP: short Authenticate-Request discarded");
}

/* Both. */

void pap_input(struct pap *pap, const uint8_t *packet, size_t len)
{
	static void (*const handlers[])(struct pap *pap, uint8_t id, struct reader data) = {
		[AUTHENTICATE_REQUEST] = got_request,
		[AUTHENTICATE_ACK] = got_ack,
		[AUTHENTICATE_NAK] = got_nak,
	};
	struct reader r = reader_new(packet, len);
	uint8_t code = reader_u8(&r);
	uint8_t id = reader_u8(&r);
	uint16_t length = reader_u16(&r);

	if (!reader_ok(&r) || length < PAP_HEADER || (size_t)length - PAP_HEADER > reader_left(&r)) {
		log_dbg("PAP: malformed packet discarded");
		return;
	}
	if (code < G_N_ELEMENTS(handlers) && handlers[code])
		handlers[code](pap, id, reader_sub(&r, (size_t)length - PAP_HEADER));
}

/* One report is enough to close the link. */
void pap_protocol_rejected(struct pap *pap)
{
	if (pap->us == WAITING) {
		log_error("PAP authentication failed due to protocol-reject");
		settle_us(pap, false);
	} else if (pap->peer == WAITING) {
		log_error("PAP authentication of peer failed (protocol-reject)");
		timer_stop(&pap->patience);
		pap->peer = FAILED;
		pap->base.host->peer_failed(pap->base.host_arg, PPP_PAP);
	}
}

void pap_end(struct pap *pap)
{
	timer_stop(&pap->resend);
	timer_stop(&pap->patience);
	secret_wipe(&pap->password);
	pap->us = pap->peer = AT_REST;
}

struct pap *pap_new(const struct auth_base *base)
{
	struct pap *pap = g_new0(struct pap, 1);

	pap->base = *base;
	timer_init(&pap->resend, base->clock, resend_due, pap);
	timer_init(&pap->patience, base->clock, patience_over, pap);
	return pap;
}

void pap_free(struct pap *pap)
{
	if (!pap)
		return;
	pap_end(pap);
	g_free(pap);
}
