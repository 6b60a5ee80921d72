/* Fuzzes EAP in both roles: the first byte says which of them begin and what they know; then each byte is a step: a packet of the input's own
 * for one of them, a packet of the other's that is carried, changed or lost, or time. What is said to a role at rest must never be answered,
 * nothing may grow, and nobody may be believed that does not know the secret.
 * Coverage: src/ppp/eap.c src/ppp/eap_client.c src/ppp/eap_server.c src/ppp/eap_md5.c src/ppp/eap_mschapv2.c src/ppp/eap_tls.c
 * Coverage: src/ppp/tls.c src/ppp/tls_peer.c */
#include <gcrypt.h>
#include <glib.h>
#include <string.h>

#include "log.h"
#include "reader.h"
#include "tests/unit/certs.h"
#include "tests/unit/eap_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PACKET_MAX 1500
#define STEPS_MAX 200

enum { HAS_SECRET = 1, HAS_FILES = 2, HAS_HINT = 4, TLS_13 = 8, WRONG_SECRET = 16, INTERVAL = 32, PREFERS_MSCHAPV2 = 64, VERIFIES = 128 };

/* The same challenges each time: a finding can be run again, but for TLS. */
void gcry_randomize(void *buffer, size_t length, enum gcry_random_level level)
{
	uint8_t *bytes = buffer;

	(void)level;
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)g_random_int();
}

/* A client's Response of MD5 becomes a Nak that proposes MSCHAPv2. */
static void prefer_mschapv2(uint8_t *packet, size_t len)
{
	static const uint8_t nak[] = { 0, 6, 3, 26 };

	if (len >= 2 + sizeof(nak) && packet[0] == 2 && packet[4] == EAP_MD5)
		memcpy(packet + 2, nak, sizeof(nak));
}

/* In memory of its own size. */
static void give(struct eap_end *to, const uint8_t *packet, size_t len)
{
	uint8_t *copy = g_memdup2(packet, len);

	if (to->eap)
		eap_input(to->eap, copy, len);
	g_free(copy);
}

static void step_packet(struct eap_end *to, struct reader *r)
{
	size_t wanted = reader_u16(r) % PACKET_MAX;
	size_t len = MIN(wanted, reader_left(r));

	give(to, reader_bytes(r, len), len);
}

/* One byte of what an end sent last is changed, and the other gets it. */
static void step_changed(const struct eap_end *from, struct eap_end *to, struct reader *r)
{
	size_t len = from->last->len / 2;
	uint16_t at = reader_u16(r);
	uint8_t change = reader_u8(r);
	uint8_t *packet = g_malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		packet[i] = (uint8_t)(g_ascii_xdigit_value(from->last->str[2 * i]) << 4 | g_ascii_xdigit_value(from->last->str[2 * i + 1]));
	if (len > 0) {
		packet[at % len] ^= change;
		give(to, packet, len);
	}
	g_free(packet);
}

static void step(struct eap_rig *rig, struct reader *r)
{
	uint8_t what = reader_u8(r);

	rig->cut = what & 0x80;
	switch (what % 6) {
	case 0:
		step_packet(&rig->server, r);
		break;
	case 1:
		step_packet(&rig->client, r);
		break;
	case 2:
		step_changed(&rig->server, &rig->client, r);
		break;
	case 3:
		step_changed(&rig->client, &rig->server, r);
		break;
	case 4:
		eap_rig_run(rig, 0);
		break;
	default:
		eap_rig_run(rig, reader_u8(r) * CLOCK_SECOND);
		break;
	}
}

static void verify(struct tls_config *tls)
{
	tls->verify = TLS_VERIFY_SUFFIX;
	tls->verify_key_usage = true;
	tls->crl = certs_path(CERTS_CRL);
}

static struct eap_rig *make_rig(uint8_t how)
{
	struct eap_rig *rig = eap_rig_new();

	log_set_sink(NULL, NULL);
	if (!(how & HAS_SECRET))
		rig->secrets[0].client = NULL;
	if (how & HAS_FILES) {
		rig->server_files = (struct tls_files){ certs_path(CERTS_SRV), certs_path(CERTS_CA), certs_path(CERTS_SRV_KEY) };
		rig->client_files = (struct tls_files){ certs_path(CERTS_BOB), certs_path(CERTS_CA), certs_path(CERTS_BOB_KEY) };
	}
	if (how & HAS_HINT)
		rig->server.config.remote_name = rig->client.config.remote_name = (char *)(uintptr_t)"bob";
	if (how & TLS_13)
		rig->server.config.tls.max_version = rig->client.config.tls.max_version = 13;
	if (how & WRONG_SECRET)
		rig->client.config.password = (char *)(uintptr_t)"wrong";
	if (how & INTERVAL)
		rig->server.config.eap.interval = 60;
	if (how & PREFERS_MSCHAPV2)
		rig->meddle = prefer_mschapv2;
	if (how & VERIFIES)
		verify(&rig->client.config.tls);
	return rig;
}

static void check(const struct eap_rig *rig, uint8_t how)
{
	bool believed = strstr(rig->server.events->str, "peer bob;") != NULL;

	g_assert(rig->server.longest <= 1034 && rig->client.longest <= 1034);
	g_assert(!(believed && (how & WRONG_SECRET) && !(how & HAS_FILES)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(data, size);
	uint8_t how = reader_u8(&r);
	uint8_t who = reader_u8(&r);

	g_random_set_seed(1);
	struct eap_rig *rig = make_rig(how);
	if (who & 1)
		eap_rig_start_client(rig);
	if (who & 2)
		eap_rig_start_server(rig);
	for (unsigned i = 0; i < STEPS_MAX && reader_left(&r) > 0; i++)
		step(rig, &r);
	check(rig, how);
	if (rig->server.eap)
		eap_end(rig->server.eap);
	unsigned sent = rig->server.sent;
	if (rig->server.eap)
		give(&rig->server, data, size);
	g_assert(rig->server.sent == sent);
	eap_rig_free(rig);
	return 0;
}
