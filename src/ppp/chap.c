/* The Challenge Handshake Authentication Protocol (RFC 1994) in both roles; see chap.h. Called by auth.c; the digests are in chap_digest.c.
 *
 * Theory of operation. The two roles know nothing of each other, but that a challenge of our own (or EAP's) which comes back is not answered:
 * that would be our answer to give away. As the one who proves, each new challenge gets a response, and a repeated one the very same: only
 * then does MS-CHAPv2's proof fit whichever of them the peer has heard. Only a verdict on the last response counts, and only the first.
 * As the one who demands, a challenge is sent until it is answered; the verdict is repeated when the response is; and after an interval
 * all begins again with another challenge, while what was proved stays proved until a response is wrong. */
#include "ppp/chap.h"

#include <glib.h>
#include <string.h>

#include "log.h"
#include "ppp/chap_digest.h"
#include "ppp/crypto.h"
#include "ppp/ppp.h"
#include "reader.h"
#include "writer.h"

enum chap_code { CHALLENGE = 1, RESPONSE = 2, SUCCESS = 3, FAILURE = 4 };

#define CHAP_HEADER 4 /* code, identifier, length */
#define CHAP_MAX (CHAP_HEADER + 1 + UINT8_MAX + AUTH_NAME_MAX)

/* Proving ourselves. */
struct prover {
	const struct chap_digest *digest; /* NULL: nothing to prove */
	struct timer patience;
	bool done;     /* there was a verdict */
	bool answered; /* the following hold */
	uint8_t id;
	uint8_t challenge[UINT8_MAX];
	size_t challenge_len;
	uint8_t response[CHAP_RESPONSE_MAX];
	struct chap_outcome outcome;
};

/* The peer proving itself. */
struct verifier {
	const struct chap_digest *digest; /* NULL: nothing is demanded */
	struct timer timer;               /* until the challenge is sent again, or another one */
	bool asking;                      /* the challenge is not answered yet */
	bool done, failed;                /* there was a verdict; the last one */
	uint8_t id;
	uint8_t challenge[CHAP_CHALLENGE_MAX];
	size_t challenge_len;
	unsigned tries;
	char message[CHAP_MESSAGE_MAX]; /* of the last verdict */
};

struct chap {
	struct auth_base base;
	struct prover us;
	struct verifier peer;
};

static void send_packet(struct chap *chap, uint8_t code, uint8_t id, const struct writer *data)
{
	uint8_t packet[CHAP_MAX];
	struct writer w = writer_new(packet, sizeof(packet));

	writer_u8(&w, code);
	writer_u8(&w, id);
	writer_u16(&w, (uint16_t)(CHAP_HEADER + writer_len(data)));
	writer_bytes(&w, data->start, writer_len(data));
	if (writer_ok(&w) && writer_ok(data))
		chap->base.host->send(chap->base.host_arg, PPP_CHAP, packet, writer_len(&w));
}

/* A Challenge or a Response (§4.1): a value, and who speaks. */
static void send_value(struct chap *chap, uint8_t code, uint8_t id, const uint8_t *value, size_t len, const char *name)
{
	uint8_t data[CHAP_MAX];
	struct writer w = writer_new(data, sizeof(data));

	writer_u8(&w, (uint8_t)len);
	writer_bytes(&w, value, len);
	writer_bytes(&w, name, MIN(strlen(name), AUTH_NAME_MAX));
	send_packet(chap, code, id, &w);
}

/* Proving ourselves. */

static void settle_us(struct chap *chap, bool proved)
{
	const struct auth_host *host = chap->base.host;
	struct prover *us = &chap->us;

	timer_stop(&us->patience);
	us->done = true;
	if (proved && us->outcome.keys.known)
		host->keys(chap->base.host_arg, us->digest->method, &us->outcome.keys);
	explicit_bzero(&us->outcome, sizeof(us->outcome));
	(proved ? host->proved : host->refused)(chap->base.host_arg, PPP_CHAP);
}

static void patience_over(void *arg)
{
	struct chap *chap = arg;

	chap->base.host->enter(chap->base.host_arg);
	log_error("CHAP authentication timed out");
	settle_us(chap, false);
	chap->base.host->leave(chap->base.host_arg);
}

void chap_prove(struct chap *chap, enum auth_method method)
{
	chap->us.digest = chap_digest_find(method);
	timer_set(&chap->us.patience, MAX(chap->base.config->chap.timeout, 1) * CLOCK_SECOND);
}

/* The secret for SERVER, or an empty one: the peer will say no, and the log says why. */
static void find_own_secret(const struct auth_base *base, const char *server, struct secret *secret)
{
	if (auth_own_secret(base, SECRET_CHAP, server, false, secret))
		return;
	secret_wipe(secret);
	char *quoted = auth_quoted(server);
	log_warn("No CHAP secret found for authenticating us to %s", quoted);
	g_free(quoted);
}

/* Who asks, for the look into the secrets: `remotename` goes before what the peer calls itself; a name that is none is no name. */
static char *challenger(const struct auth_base *base, struct reader name)
{
	size_t len = reader_left(&name);

	if (base->peer_hint)
		return g_strdup(base->peer_hint);
	char *clean = auth_clean_name(reader_bytes(&name, len), len);
	return clean ? clean : g_strdup("");
}

static void compute_response(struct chap *chap, struct reader name)
{
	struct prover *us = &chap->us;
	struct secret secret;
	struct chap_question q = {
		.id = us->id,
		.challenge = us->challenge,
		.len = us->challenge_len,
		.name = auth_our_user(&chap->base),
		.secret = &secret,
	};
	char *server = challenger(&chap->base, name);

	find_own_secret(&chap->base, server, &secret);
	explicit_bzero(&us->outcome, sizeof(us->outcome));
	if (!us->digest->respond(&q, us->response, &us->outcome)) {
		memset(us->response, 0, sizeof(us->response));
		explicit_bzero(&us->outcome, sizeof(us->outcome));
	}
	secret_wipe(&secret);
	g_free(server);
}

static bool is_long_enough(const struct chap_digest *digest, size_t len)
{
	return digest->exact ? len == digest->challenge_max : len > 0;
}

bool chap_has_asked(const struct chap *chap, const uint8_t *challenge, size_t len)
{
	return chap->peer.digest && crypto_equal(challenge, len, chap->peer.challenge, chap->peer.challenge_len);
}

static bool is_repeated(const struct prover *us, uint8_t id, const uint8_t *challenge, size_t len)
{
	return us->answered && us->id == id && crypto_equal(challenge, len, us->challenge, us->challenge_len);
}

static void got_challenge(struct chap *chap, uint8_t id, struct reader data)
{
	struct prover *us = &chap->us;
	size_t len = reader_u8(&data);
	const uint8_t *challenge = reader_bytes(&data, len);

	if (!us->digest)
		return;
	if (!challenge || !is_long_enough(us->digest, len) || chap->base.host->is_ours(chap->base.host_arg, challenge, len)) {
		log_dbg("CHAP: Challenge discarded: short, or our own");
		return;
	}
	if (!is_repeated(us, id, challenge, len)) {
		us->answered = true;
		us->id = id;
		memcpy(us->challenge, challenge, len);
		us->challenge_len = len;
		compute_response(chap, data);
	}
	send_value(chap, RESPONSE, id, us->response, us->digest->response_len, auth_our_user(&chap->base));
}

static bool counts(const struct prover *us, uint8_t id)
{
	return us->digest && !us->done && us->answered && us->id == id;
}

static void fail_us(struct chap *chap)
{
	log_error("CHAP authentication failed");
	settle_us(chap, false);
}

static void got_success(struct chap *chap, uint8_t id, struct reader text)
{
	struct prover *us = &chap->us;

	if (!counts(us, id))
		return;
	if (us->digest->succeeded(text, &us->outcome))
		settle_us(chap, true);
	else
		fail_us(chap);
}

static void got_failure(struct chap *chap, uint8_t id, struct reader text)
{
	if (!counts(&chap->us, id))
		return;
	chap->us.digest->failed(text);
	fail_us(chap);
}

/* The peer proving itself. */

static void send_challenge(struct chap *chap)
{
	struct verifier *peer = &chap->peer;

	peer->tries++;
	timer_set(&peer->timer, MAX(chap->base.config->chap.restart, 1) * CLOCK_SECOND);
	send_value(chap, CHALLENGE, peer->id, peer->challenge, peer->challenge_len, auth_our_name(&chap->base));
}

/* §2.3: unpredictable, and another one each time. */
static void new_challenge(struct chap *chap)
{
	struct verifier *peer = &chap->peer;
	uint8_t spread;

	crypto_random(&spread, sizeof(spread));
	peer->challenge_len = peer->digest->challenge_min + spread % (peer->digest->challenge_max - peer->digest->challenge_min + 1);
	crypto_random(peer->challenge, peer->challenge_len);
	peer->id++;
	peer->tries = 0;
	peer->asking = true;
	send_challenge(chap);
}

static void give_up_on_peer(struct chap *chap, const char *why)
{
	struct verifier *peer = &chap->peer;

	log_warn("CHAP authentication of peer failed (%s)", why);
	timer_stop(&peer->timer);
	peer->asking = false;
	peer->done = peer->failed = true;
	peer->message[0] = '\0';
	chap->base.host->peer_failed(chap->base.host_arg, PPP_CHAP);
}

static void challenge_due(void *arg)
{
	struct chap *chap = arg;

	chap->base.host->enter(chap->base.host_arg);
	if (!chap->peer.asking)
		new_challenge(chap);
	else if (chap->peer.tries < chap->base.config->chap.max_challenges)
		send_challenge(chap);
	else
		give_up_on_peer(chap, "no response to Challenges");
	chap->base.host->leave(chap->base.host_arg);
}

void chap_demand(struct chap *chap, enum auth_method method)
{
	chap->peer.digest = chap_digest_find(method);
	crypto_random(&chap->peer.id, sizeof(chap->peer.id));
	new_challenge(chap);
}

static void send_verdict(struct chap *chap)
{
	struct verifier *peer = &chap->peer;
	struct writer w = writer_new(peer->message, sizeof(peer->message));

	writer_reserve(&w, strlen(peer->message));
	send_packet(chap, peer->failed ? FAILURE : SUCCESS, peer->id, &w);
}

/* The name to look up: `remotename` whatever the peer says, else that; NULL where it is none. */
static char *claimed_name(const struct auth_base *base, struct reader name)
{
	size_t len = reader_left(&name);

	if (base->peer_hint)
		return g_strdup(base->peer_hint);
	char *clean = auth_clean_name(reader_bytes(&name, len), len);
	const char *domain_end = clean && base->config->strip_domain ? strrchr(clean, '\\') : NULL;
	if (domain_end)
		memmove(clean, domain_end + 1, strlen(domain_end + 1) + 1);
	return clean;
}

static bool find_secret(const struct auth_base *base, const char *name, struct secret *secret, struct rights *rights)
{
	if (base->secrets->find(base->secrets_arg, SECRET_CHAP, name, auth_our_name(base), false, secret, rights))
		return true;
	secret_wipe(secret);
	char *quoted = auth_quoted(name);
	log_error("No CHAP secret found for authenticating %s", quoted);
	g_free(quoted);
	return false;
}

/* Leaves the text of the verdict in peer->message. An unknown name gets the same as a wrong secret. */
static bool verify(struct chap *chap, const char *name, struct reader value, struct rights *rights, struct chap_outcome *outcome)
{
	struct verifier *peer = &chap->peer;
	struct secret secret;
	struct chap_question q = { peer->id, peer->challenge, peer->challenge_len, name, &secret };
	bool right = name && find_secret(&chap->base, name, &secret, rights) && reader_left(&value) == peer->digest->response_len &&
		     peer->digest->verify(&q, value, outcome);

	secret_wipe(&secret);
	if (right)
		peer->digest->success(peer->message, value, outcome);
	else
		peer->digest->failure(peer->message, &q);
	return right;
}

static void log_failure(const char *name)
{
	char *quoted = auth_quoted(name ? name : "");

	log_warn("Peer %s failed CHAP authentication", quoted);
	g_free(quoted);
}

/* Of the first right response alone come keys. */
static void accept_peer(struct chap *chap, const char *name, struct rights *rights, const struct chap_outcome *outcome, bool first)
{
	const struct auth_host *host = chap->base.host;

	if (first && outcome->keys.known)
		host->keys(chap->base.host_arg, chap->peer.digest->method, &outcome->keys);
	host->peer_proved(chap->base.host_arg, PPP_CHAP, name, rights);
}

static void judge(struct chap *chap, const char *name, struct reader value)
{
	struct verifier *peer = &chap->peer;
	unsigned interval = chap->base.config->chap.interval;
	struct rights rights = { 0 };
	struct chap_outcome outcome = { 0 };
	bool first = !peer->done;

	timer_stop(&peer->timer);
	peer->failed = !verify(chap, name, value, &rights, &outcome) || peer->failed;
	peer->asking = false;
	peer->done = true;
	if (peer->failed)
		log_failure(name);
	else if (interval > 0)
		timer_set(&peer->timer, interval * CLOCK_SECOND);
	send_verdict(chap);
	if (peer->failed)
		chap->base.host->peer_failed(chap->base.host_arg, PPP_CHAP);
	else
		accept_peer(chap, name, &rights, &outcome, first);
	rights_clear(&rights);
	explicit_bzero(&outcome, sizeof(outcome));
}

static void got_response(struct chap *chap, uint8_t id, struct reader data)
{
	struct verifier *peer = &chap->peer;
	struct reader value = reader_sub(&data, reader_u8(&data));

	if (!peer->digest || peer->id != id || !reader_ok(&data))
		return;
	if (peer->asking) {
		char *name = claimed_name(&chap->base, data);
		judge(chap, name, value);
		g_free(name);
	} else if (peer->done) {
		send_verdict(chap);
	}
}

/* Both. */

void chap_input(struct chap *chap, const uint8_t *packet, size_t len)
{
	static void (*const handlers[])(struct chap *chap, uint8_t id, struct reader data) = {
		[CHALLENGE] = got_challenge,
		[RESPONSE] = got_response,
		[SUCCESS] = got_success,
		[FAILURE] = got_failure,
	};
	struct reader r = reader_new(packet, len);
	uint8_t code = reader_u8(&r);
	uint8_t id = reader_u8(&r);
	uint16_t length = reader_u16(&r);

	if (!reader_ok(&r) || length < CHAP_HEADER || (size_t)length - CHAP_HEADER > reader_left(&r)) {
		log_dbg("CHAP: malformed packet discarded");
		return;
	}
	if (code < G_N_ELEMENTS(handlers) && handlers[code])
		handlers[code](chap, id, reader_sub(&r, (size_t)length - CHAP_HEADER));
}

/* One report is enough to close the link. */
void chap_protocol_rejected(struct chap *chap)
{
	if (chap->us.digest && !chap->us.done) {
		log_error("CHAP authentication failed due to protocol-reject");
		settle_us(chap, false);
	} else if (chap->peer.digest) {
		give_up_on_peer(chap, "protocol-reject");
	}
}

static void rest(struct chap *chap)
{
	struct clock *clock = chap->base.clock;

	explicit_bzero(&chap->us, sizeof(chap->us));
	explicit_bzero(&chap->peer, sizeof(chap->peer));
	timer_init(&chap->us.patience, clock, patience_over, chap);
	timer_init(&chap->peer.timer, clock, challenge_due, chap);
}

void chap_end(struct chap *chap)
{
	timer_stop(&chap->us.patience);
	timer_stop(&chap->peer.timer);
	rest(chap);
}

struct chap *chap_new(const struct auth_base *base)
{
	struct chap *chap = g_new0(struct chap, 1);

	chap->base = *base;
	rest(chap);
	return chap;
}

void chap_free(struct chap *chap)
{
	if (!chap)
		return;
	chap_end(chap);
	g_free(chap);
}
