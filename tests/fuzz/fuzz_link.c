/* Fuzzes two links of ours that talk to each other: byte 0 says which compression they use, bytes 1 and 2 what each demands of the other,
 * byte 3 rare things; then each byte is a step: what is under way is carried, changed, lost or doubled, a packet is sent, a frame of the
 * input's own arrives, or time passes. So authentication, keys and dictionaries are real. What arrives was sent, unless somebody meddled.
 * Coverage: src/ppp/ppp_data.c src/ppp/ppp_networks.c src/ppp/ccp.c src/ppp/ccp_data.c src/ppp/ccp_mppe.c src/ppp/mppe.c src/ppp/auth.c
 * Coverage: src/ppp/chap.c src/ppp/eap_mschapv2.c src/ppp/eap_md5.c src/ppp/lcp_auth.c */
#include <gcrypt.h>
#include <glib.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "outbuf.h"
#include "ppp/crypto.h"
#include "ppp/frame.h"
#include "ppp/ppp.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 200
#define ROUNDS_MAX 60
#define FRAME_MAX 4096

/* Byte 0. */
enum { BSD = 1, DEFLATE = 2, MPPE = 4, MPPE_REQUIRED = 8, MPPE_STATEFUL = 16, NO_VJ = 32, NO_IPV6 = 64, NO_CCP = 128 };
/* Bytes 1 and 2: methods (enum auth_method), and this. */
enum { WRONG_SECRET = 32 };
/* Byte 3. */
enum { SMALL_MRU = 1, ECHO = 2, RECHALLENGE = 4, ESCAPE = 8, FIXED = 16 };

struct link;

struct end {
	struct link *link;
	struct config *config;
	struct outbuf out;
	struct ppp *ppp;
	GQueue sent; /* of GBytes: packets that the other has not had */
	const char *secret;
	bool up, up6, over;
};

struct link {
	struct clock clock;
	struct end ends[2];
	bool meddled; /* packets may be lost, or come twice */
};

static struct end *other(struct end *end)
{
	return &end->link->ends[end == &end->link->ends[0]];
}

/* The same challenges each time: a finding can be run again. */
void gcry_randomize(void *buffer, size_t length, enum gcry_random_level level)
{
	uint8_t *bytes = buffer;

	(void)level;
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)g_random_int();
}

static bool find(void *arg, enum secret_kind kind, const char *client, const char *server, bool quiet, struct secret *secret,
		 struct rights *rights)
{
	const struct end *end = arg;
	const struct address_rule any = { .permit = true };

	(void)kind, (void)client, (void)server, (void)quiet;
	if (secret)
		secret_set(secret, end->secret, strlen(end->secret));
	if (rights) {
		rights_clear(rights);
		rights->addresses = g_array_new(FALSE, FALSE, sizeof(any));
		g_array_append_val(rights->addresses, any);
	}
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
	(void)arg, (void)server, (void)rights;
	return false;
}

static bool no_tls(void *arg, bool server, const char *peer, const char *ours, struct tls_files *files, struct rights *rights)
{
	(void)arg, (void)server, (void)peer, (void)ours, (void)files, (void)rights;
	return false;
}

static const struct secrets secrets = { find, check_pap, null_login, no_tls };

/* Events. */

static bool is_packet(GBytes *bytes, const uint8_t *packet, size_t len)
{
	gsize size;
	const void *data = g_bytes_get_data(bytes, &size);

	return size == len && memcmp(data, packet, len) == 0;
}

/* In order; those before it are lost. */
static void on_ip(void *arg, uint8_t *packet, size_t len)
{
	struct end *end = arg;
	GBytes *bytes;
	bool known = false;

	while (!end->link->meddled && !known && (bytes = g_queue_pop_head(&other(end)->sent))) {
		known = is_packet(bytes, packet, len);
		g_bytes_unref(bytes);
	}
	g_assert(known || end->link->meddled);
	memset(packet - PPP_HEADROOM, 1, PPP_HEADROOM + len);
}

static void on_ip_up(void *arg, const struct ppp_addresses *a)
{
	struct end *end = arg;

	g_assert(!end->up && !end->over && a->local != a->remote && a->local != 0);
	end->up = true;
}

static void on_ip_down(void *arg)
{
	struct end *end = arg;

	g_assert(end->up && !end->over);
	end->up = false;
}

static void on_ipv6_up(void *arg, const struct ppp_identifiers *identifiers)
{
	struct end *end = arg;

	g_assert(!end->up6 && !end->over && identifiers->local != identifiers->remote);
	end->up6 = true;
}

static void on_ipv6_down(void *arg)
{
	struct end *end = arg;

	g_assert(end->up6 && !end->over);
	end->up6 = false;
}

static void on_phase(void *arg, enum ppp_phase phase)
{
	(void)arg, (void)phase;
}

static void on_finished(void *arg, enum exit_status status)
{
	struct end *end = arg;

	(void)status;
	g_assert(!end->up && !end->up6 && !end->over);
	end->over = true;
}

static const struct ppp_events events = {
	.ip = on_ip,
	.ip_up = on_ip_up,
	.ip_down = on_ip_down,
	.ipv6_up = on_ipv6_up,
	.ipv6_down = on_ipv6_down,
	.phase = on_phase,
	.finished = on_finished,
};

/* Steps. */

/* What FROM has sent arrives, in memory of its own size. */
static bool carry_once(struct end *from)
{
	size_t len = outbuf_len(&from->out);
	uint8_t *bytes = g_memdup2(outbuf_data(&from->out), len);

	outbuf_clear(&from->out);
	if (len > 0)
		ppp_input(other(from)->ppp, bytes, len);
	g_free(bytes);
	return len > 0;
}

static void carry(struct link *l)
{
	bool more = true;

	for (unsigned i = 0; more && i < ROUNDS_MAX; i++) {
		more = carry_once(&l->ends[0]);
		more = carry_once(&l->ends[1]) || more;
	}
}

struct change {
	struct end *to;
	uint16_t at;
	uint8_t bits;
};

/* The check sequence is right again. */
static void arrive_changed(void *arg, uint8_t *frame, size_t len)
{
	static const struct frame_map map = { { 0xffffffff } };
	const struct change *c = arg;
	uint8_t *line = g_malloc(frame_encoded_max(len));

	frame[c->at % len] ^= c->bits;
	ppp_input(c->to->ppp, line, frame_encode(line, &map, true, frame, len, NULL, 0));
	g_free(line);
}

static void step_change(struct end *from, struct reader *r)
{
	struct change change = { .to = other(from), .at = reader_u16(r), .bits = reader_u8(r) };
	size_t len = outbuf_len(&from->out);
	uint8_t *bytes = g_memdup2(outbuf_data(&from->out), len);
	struct frame_decoder d;

	if (len == 0)
		return;
	outbuf_clear(&from->out);
	from->link->meddled = true;
	frame_decoder_init(&d, FRAME_MAX);
	d.accm = 0;
	frame_decode(&d, bytes, len, arrive_changed, &change);
	frame_decoder_free(&d);
	g_free(bytes);
}

static void step_lose(struct end *from, struct reader *r)
{
	(void)r;
	outbuf_clear(&from->out);
	from->link->meddled = true;
}

static void step_double(struct end *from, struct reader *r)
{
	size_t len = outbuf_len(&from->out);
	uint8_t *bytes = g_memdup2(outbuf_data(&from->out), len);

	(void)r;
	from->link->meddled = true;
	carry_once(from);
	if (len > 0)
		ppp_input(other(from)->ppp, bytes, len);
	g_free(bytes);
}

static void step_packet(struct end *from, struct reader *r)
{
	size_t wanted = reader_u8(r);
	unsigned times = 1 + wanted % 4;
	struct reader some = reader_sub(r, MIN(wanted, reader_left(r)));
	size_t len = reader_left(&some);
	GByteArray *packet = g_byte_array_new();
	const uint8_t *bytes = reader_bytes(&some, len);

	for (unsigned i = 0; bytes && i < times; i++)
		g_byte_array_append(packet, bytes, (guint)len);
	if (packet->len > 0 && ppp_send_ip(from->ppp, packet->data, packet->len))
		g_queue_push_tail(&from->sent, g_bytes_new(packet->data, packet->len));
	g_byte_array_free(packet, TRUE);
}

static void step_inject(struct end *to, struct reader *r)
{
	static const struct frame_map map = { { 0xffffffff } };
	size_t wanted = reader_u8(r);
	size_t len = MIN(wanted, reader_left(r));
	uint8_t line[2 * UINT8_MAX + 16];

	to->link->meddled = true;
	ppp_input(to->ppp, line, frame_encode(line, &map, true, reader_bytes(r, len), len, NULL, 0));
}

static void step_time(struct end *end, struct reader *r)
{
	clock_advance(&end->link->clock, end->link->clock.now + reader_u8(r) * CLOCK_SECOND / 2);
}

static void step_life(struct end *end, struct reader *r)
{
	uint8_t what = reader_u8(r);

	end->link->meddled = true;
	if (what % 4 == 0) {
		ppp_close(end->ppp, "fuzz", EXIT_USER_REQUEST);
	} else if (what % 4 == 1) {
		ppp_line_down(end->ppp);
	} else if (what % 4 == 2) {
		ppp_reopen_ccp(end->ppp);
	} else if (end->over) {
		end->over = false;
		ppp_start(end->ppp, 0);
	}
}

static void step_carry(struct end *end, struct reader *r)
{
	(void)r;
	carry(end->link);
}

static void (*const steps[])(struct end *end, struct reader *r) = {
	step_carry, step_change, step_lose, step_double, step_packet, step_inject, step_time, step_life,
};

/* Life. */

static void configure(struct config *config, uint8_t network, uint8_t demands, uint8_t rare)
{
	struct ccp_config *ccp = &config->ccp;

	ccp->enabled = !(network & NO_CCP);
	ccp->bsd_receive = ccp->bsd_send = network & BSD ? 12 : 0;
	ccp->deflate_receive = ccp->deflate_send = network & DEFLATE ? 15 : 0;
	ccp->mppe = network & MPPE ? MPPE_40 | MPPE_128 : 0;
	ccp->mppe_required = network & MPPE && network & MPPE_REQUIRED;
	ccp->mppe_stateful = network & MPPE_STATEFUL;
	config->ipcp.vj = !(network & NO_VJ);
	config->ipv6cp.enabled = !(network & NO_IPV6);
	config->auth.require = demands & (AUTH_PAP | AUTH_CHAPS | AUTH_EAP);
	config->auth.required = config->auth.require;
	config->auth.chap.interval = config->auth.eap.interval = rare & RECHALLENGE ? 20 : 0;
	config->lcp.mru = rare & SMALL_MRU ? 296 : 1500;
	config->lcp.echo_interval = rare & ECHO ? 5 : 0;
	config->lcp.echo_failure = 3;
	config->lcp.escape[1] = rare & ESCAPE ? 0xff : 0;
	config->ipcp.local_default = config->ipcp.remote_default = !(rare & FIXED);
	config_finish(config, true, false);
}

static void open_link(struct link *l, struct reader *r)
{
	uint8_t network = reader_u8(r);
	const uint8_t demands[] = { reader_u8(r), reader_u8(r) };
	uint8_t rare = reader_u8(r);

	clock_init(&l->clock, CLOCK_SECOND);
	for (unsigned i = 0; i < 2; i++) {
		struct end *end = &l->ends[i];
		end->link = l;
		end->config = config_new();
		end->secret = demands[i] & WRONG_SECRET ? "simsalabim" : "sesame";
		g_free(end->config->auth.name);
		end->config->auth.name = g_strdup(i ? "b" : "a");
		configure(end->config, network, demands[i], rare);
		outbuf_init(&end->out, 16384);
		g_queue_init(&end->sent);
		end->ppp = ppp_new(end->config, &secrets, end, &l->clock, &events, end, &end->out);
		ppp_start(end->ppp, 0);
	}
}

static void close_link(struct link *l)
{
	for (unsigned i = 0; i < 2; i++) {
		struct end *end = &l->ends[i];
		ppp_free(end->ppp);
		outbuf_free(&end->out);
		config_free(end->config);
		g_queue_clear_full(&end->sent, (GDestroyNotify)g_bytes_unref);
	}
	g_assert(clock_next(&l->clock) == CLOCK_NEVER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(data, size);
	struct link l = { 0 };

	log_set_debug(2);
	g_random_set_seed(1);
	open_link(&l, &r);
	for (unsigned i = 0; i < STEPS_MAX && reader_left(&r) > 0; i++) {
		uint8_t what = reader_u8(&r);
		steps[(what >> 1) % G_N_ELEMENTS(steps)](&l.ends[what & 1], &r);
	}
	close_link(&l);
	return 0;
}
