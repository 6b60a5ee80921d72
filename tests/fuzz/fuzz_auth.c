/* Fuzzes authentication, PAP and CHAP of all kinds, between two of ours: bytes 0 and 1 say which method each demands of the other, bytes 2 and
 * 3 what they know; then each byte is a step: a packet of the input's own for one of them, one of the other's that is carried, changed or
 * lost, an answer with the identifier that is waited for, or time. A method that was not negotiated is dropped, and whoever does not know the
 * secret is not believed. EAP has a target of its own.
 * Coverage: src/ppp/auth.c src/ppp/pap.c src/ppp/chap.c src/ppp/chap_digest.c src/ppp/chap_ms.c src/ppp/secrets.c */
#include <gcrypt.h>
#include <glib.h>
#include <string.h>

#include "log.h"
#include "ppp/auth.h"
#include "ppp/crypto.h"
#include "ppp/ppp.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 300
#define PACKET_MAX 1500
#define CARRIED_MAX 64 /* packets in a row, should two ends never come to rest */

enum { LACKS_SECRET = 1, OTHER_SECRET = 2, HAS_PASSWORD = 4, HINT = 8, INTERVAL = 16, TIMES_OUT = 32, ANY_PEER = 64, EMPTY = 128 };

struct end {
	struct end *other;
	struct auth_config config;
	struct auth *auth;
	GByteArray *last; /* what it sent last, protocol first */
	bool waits;       /* and the other has not had it */
	uint8_t knows;
	unsigned done, failed;
};

/* The same challenges each time: a finding can be run again. */
void gcry_randomize(void *buffer, size_t length, enum gcry_random_level level)
{
	uint8_t *bytes = buffer;

	(void)level;
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)g_random_int();
}

/* What one of them knows. */

static void allow(struct rights *rights)
{
	const struct address_rule any = { .permit = true };

	if (!rights)
		return;
	rights_clear(rights);
	rights->addresses = g_array_new(FALSE, FALSE, sizeof(any));
	g_array_append_val(rights->addresses, any);
}

static const char *known_secret(const struct end *end)
{
	return end->knows & OTHER_SECRET ? "simsalabim" : end->knows & EMPTY ? "" : "sesame";
}

static bool find(void *arg, enum secret_kind kind, const char *client, const char *server, bool quiet, struct secret *secret,
		 struct rights *rights)
{
	const struct end *end = arg;
	const char *text = known_secret(end);

	(void)kind, (void)server, (void)quiet;
	if (end->knows & LACKS_SECRET || (client && !(end->knows & ANY_PEER) && strcmp(client, "a") != 0 && strcmp(client, "b") != 0))
		return false;
	if (secret)
		secret_set(secret, text, strlen(text));
	allow(rights);
	return true;
}

static bool check_pap(void *arg, const char *user, const struct secret *password, const char *server, struct rights *rights)
{
	struct secret right;

	return find(arg, SECRET_PAP, user, server, true, &right, rights) &&
	       crypto_equal(right.bytes, right.len, password->bytes, password->len);
}

static bool null_login(void *arg, const char *server, struct rights *rights)
{
	const struct end *end = arg;

	(void)server;
	if (end->knows & ANY_PEER)
		allow(rights);
	return end->knows & ANY_PEER;
}

static bool no_tls(void *arg, bool server, const char *peer, const char *ours, struct tls_files *files, struct rights *rights)
{
	(void)arg, (void)server, (void)peer, (void)ours, (void)files, (void)rights;
	return false;
}

static const struct secrets secrets = { find, check_pap, null_login, no_tls };

/* What they tell. */

static void on_send(void *arg, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct end *end = arg;
	const uint8_t head[] = { (uint8_t)(protocol >> 8), (uint8_t)protocol };

	g_assert(len >= 4 && len <= PACKET_MAX && packet[2] << 8 == (int)(len & 0xff00) && packet[3] == (len & 0xff));
	g_byte_array_set_size(end->last, 0);
	g_byte_array_append(end->last, head, sizeof(head));
	g_byte_array_append(end->last, packet, (guint)len);
	end->waits = true;
}

static void on_timer(void *arg)
{
	(void)arg;
}

static void on_done(void *arg)
{
	((struct end *)arg)->done++;
}

static void on_failed(void *arg, const char *reason, enum exit_status status)
{
	g_assert(reason && status != EXIT_OK);
	((struct end *)arg)->failed++;
}

static const struct auth_events events = { on_send, on_timer, on_timer, on_done, on_failed };

/* Steps. */

/* In memory of its own size. After a failure the link is closed, as ppp.c does it. */
static void give(struct end *to, const uint8_t *bytes, size_t len)
{
	struct reader r = reader_new(bytes, len);
	uint16_t protocol = reader_u16(&r);
	uint8_t *copy = g_memdup2(bytes + 2, len - 2);

	auth_input(to->auth, protocol, copy, len - 2);
	g_free(copy);
	if (to->failed)
		auth_end(to->auth);
}

static void carry(struct end *ends)
{
	for (unsigned i = 0; i < CARRIED_MAX && (ends[0].waits || ends[1].waits); i++) {
		struct end *from = &ends[!ends[0].waits];
		GByteArray *packet = g_byte_array_new();
		g_byte_array_append(packet, from->last->data, from->last->len);
		from->waits = false;
		give(from->other, packet->data, packet->len);
		g_byte_array_free(packet, TRUE);
	}
}

/* A packet of one of the protocols; IDENTIFIED: with the identifier of the last that TO has sent, and a length that is right. */
static void step_packet(struct end *to, struct reader *r, bool identified)
{
	static const uint16_t protocols[] = { PPP_PAP, PPP_CHAP, PPP_EAP, PPP_LCP };
	uint8_t what = reader_u8(r);
	uint8_t code = reader_u8(r);
	uint8_t id = reader_u8(r);
	size_t wanted = reader_u16(r) % PACKET_MAX;
	size_t len = MIN(wanted, reader_left(r));
	const uint8_t *bytes = reader_bytes(r, len);
	uint8_t packet[6 + PACKET_MAX] = { (uint8_t)(protocols[what % 4] >> 8), (uint8_t)protocols[what % 4], code, id, what, what };

	if (!bytes)
		return;
	if (identified) {
		packet[3] = to->last->len > 3 ? to->last->data[3] : id;
		packet[4] = (uint8_t)((len + 4) >> 8);
		packet[5] = (uint8_t)(len + 4);
	}
	memcpy(packet + 6, bytes, len);
	give(to, packet, identified ? len + 6 : MIN(len + 6, 2u + what));
}

static void step_changed(struct end *from, struct reader *r)
{
	uint16_t at = reader_u16(r);
	uint8_t change = reader_u8(r);

	if (from->last->len > 2)
		from->last->data[2 + at % (from->last->len - 2)] ^= change;
	if (from->last->len > 0)
		from->waits = true;
}

static void step(struct end *ends, struct clock *clock, struct reader *r)
{
	static const uint16_t protocols[] = { PPP_PAP, PPP_CHAP, PPP_EAP };
	uint8_t what = reader_u8(r);
	struct end *end = &ends[what & 1];

	switch ((what >> 1) % 8) {
	case 0:
	case 1:
		step_packet(end, r, what & 2);
		break;
	case 2:
		step_changed(end, r);
		break;
	case 3:
		end->waits = false;
		break;
	case 4:
		clock_advance(clock, clock->now + reader_u8(r) * CLOCK_SECOND);
		break;
	case 5:
		auth_protocol_rejected(end->auth, protocols[reader_u8(r) % 3]);
		break;
	default:
		carry(ends);
	}
}

/* Life. */

static void open_end(struct end *end, struct clock *clock, const char *name, uint8_t knows)
{
	end->knows = knows;
	end->last = g_byte_array_new();
	end->config = (struct auth_config){ .name = (char *)(uintptr_t)name, .require = 0 };
	end->config.pap.restart = end->config.chap.restart = 3;
	end->config.pap.max_requests = end->config.chap.max_challenges = 10;
	end->config.pap.timeout = 30;
	end->config.chap.interval = knows & INTERVAL ? 60 : 0;
	end->config.chap.timeout = knows & TIMES_OUT ? 60 : 0;
	end->config.password = knows & HAS_PASSWORD ? (char *)(uintptr_t)"sesame" : NULL;
	end->config.remote_name = knows & HINT ? (char *)(uintptr_t)(*name == 'a' ? "b" : "a") : NULL;
	end->auth = auth_new(&end->config, &secrets, end, clock, &events, end);
	auth_prepare(end->auth);
}

/* The secret by which it would prove itself: an empty one where it knows none, as pppd does it. */
static const char *own_secret(const struct end *end)
{
	if (end->config.password)
		return end->config.password;
	return end->knows & LACKS_SECRET ? "" : known_secret(end);
}

/* PAP's password may come from the input itself; a right answer to a challenge can only come from who knows the secret (not even from END
 * itself, should it have to prove something, too, and be asked what it has asked). */
static void check(const struct end *end, unsigned theirs)
{
	const char *peer = auth_peer(end->auth);

	g_assert(end->done <= 1);
	if (!peer)
		return;
	g_assert(theirs != 0 && !(end->knows & LACKS_SECRET) && auth_rights(end->auth));
	g_assert(!(theirs & AUTH_CHAPS) || strcmp(known_secret(end), own_secret(end->other)) == 0);
}

/* None, or one of the four; EAP where all else is used up. */
static unsigned method(uint8_t choice)
{
	static const unsigned methods[] = { 0, AUTH_PAP, AUTH_CHAP_MD5, AUTH_MSCHAP, AUTH_MSCHAP_V2, AUTH_EAP };

	return methods[choice % G_N_ELEMENTS(methods)];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(data, size);
	unsigned demanded[] = { method(reader_u8(&r)), method(reader_u8(&r)) };
	struct end ends[2] = { { .other = &ends[1] }, { .other = &ends[0] } };
	struct clock clock;

	log_set_sink(NULL, NULL);
	g_random_set_seed(1);
	clock_init(&clock, 1);
	for (unsigned i = 0; i < 2; i++)
		open_end(&ends[i], &clock, i ? "b" : "a", reader_u8(&r));
	for (unsigned i = 0; i < 2; i++)
		auth_begin(ends[i].auth, demanded[i], demanded[!i]);
	for (unsigned i = 0; i < STEPS_MAX && reader_left(&r) > 0; i++)
		step(ends, &clock, &r);
	for (unsigned i = 0; i < 2; i++) {
		check(&ends[i], demanded[i]);
		auth_end(ends[i].auth);
	}
	g_assert(clock_next(&clock) == CLOCK_NEVER);
	for (unsigned i = 0; i < 2; i++) {
		auth_free(ends[i].auth);
		g_byte_array_free(ends[i].last, TRUE);
	}
	return 0;
}
