/* Fuzzes a PPP link. Byte 0 says what state to start in (fresh, LCP opened, IPCP opened, CCP opened, too), bytes 0 to 3 how it is configured;
 * then come steps, each a byte that says what, a byte of length, and as many bytes: a frame made of them (with a good FCS), an answer to what
 * was sent, bytes as they are, a packet to send, or time. What is sent must be good frames, and events must come in an order that makes sense.
 * Coverage: src/ppp/ppp.c src/ppp/ppp_data.c src/ppp/ppp_networks.c src/ppp/cp.c src/ppp/cp_options.c src/ppp/automaton.c src/ppp/lcp.c
 * Coverage: src/ppp/lcp_options.c src/ppp/lcp_auth.c src/ppp/line_test.c src/ppp/ipcp.c src/ppp/ipcp_options.c src/ppp/ipcp_address.c
 * Coverage: src/ppp/ipv6cp.c src/ppp/ipv6cp_options.c src/ppp/ccp.c src/ppp/ccp_data.c src/ppp/ccp_options.c src/ppp/ccp_mppe.c
 * Coverage: src/ppp/cbcp.c */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <gcrypt.h>
#include <glib.h>

#include "clock.h"
#include "config.h"
#include "log.h"
#include "outbuf.h"
#include "ppp/frame.h"
#include "ppp/ppp.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IP_MTU_MIN 68 /* RFC 791 §3.2; MPPE takes something of the least MRU, which is 128 */

/* Byte 0; its lowest two bits are the start. */
enum { PASSIVE = 4, ECHO = 8, SMALL_MRU = 16, ESCAPE = 32, PEER_DNS = 64, ACCEPT_REMOTE = 128 };
/* Byte 1: compression and IPv6. */
enum { BSD = 1, DEFLATE = 2, MPPE = 4, MPPE_REQUIRED = 8, MPPE_STATEFUL = 16, NO_VJ = 32, IPV6_GIVEN = 64, NO_CCP = 128 };
/* Byte 2: methods of authentication that we demand (enum auth_method), then who knows what. */
enum { LACKS_SECRETS = 32, REFUSES_ALL = 64, MAY_DO_WITHOUT = 128 };
/* Byte 3: rare options. */
enum { CALLBACK = 1, NO_ENDPOINT = 2, SILENT = 4, NO_OPTIONS = 8, ADDRESSES_FIXED = 16, NO_ADDRESSES = 32, RECEIVE_ALL = 64, TAKES_ALL = 128 };

/* What negotiates, as steps number it. */
enum { LCP, IPCP, IPV6CP, CCP, CONTROLS };
static const uint16_t controls[CONTROLS] = { PPP_LCP, PPP_IPCP, PPP_IPV6CP, PPP_CCP };

struct fuzz {
	struct clock clock;
	struct config *config;
	struct outbuf out;
	struct ppp *ppp;
	struct frame_decoder decoder;
	GByteArray *requests[CONTROLS]; /* our last Configure-Requests, with their protocol */
	GByteArray *last;               /* our last packet of authentication, likewise */
	uint8_t auth;
	bool up, up6, over;
};

/* The same challenges each time: a finding can be run again. */
void gcry_randomize(void *buffer, size_t length, enum gcry_random_level level)
{
	uint8_t *bytes = buffer;

	(void)level;
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)g_random_int();
}

/* Everybody's secret is the same. */

static void allow(struct rights *rights)
{
	const struct address_rule any = { .permit = true };

	if (!rights)
		return;
	rights_clear(rights);
	rights->addresses = g_array_new(FALSE, FALSE, sizeof(any));
	g_array_append_val(rights->addresses, any);
}

static bool find(void *arg, enum secret_kind kind, const char *client, const char *server, bool quiet, struct secret *secret,
		 struct rights *rights)
{
	const struct fuzz *f = arg;

	(void)kind, (void)client, (void)server, (void)quiet;
	if (f->auth & LACKS_SECRETS)
		return false;
	if (secret)
		secret_set(secret, "sesame", 6);
	allow(rights);
	return true;
}

static bool check_pap(void *arg, const char *user, const struct secret *password, const char *server, struct rights *rights)
{
	return password->len == 6 && memcmp(password->bytes, "sesame", 6) == 0 && find(arg, SECRET_PAP, user, server, true, NULL, rights);
}

static bool null_login(void *arg, const char *server, struct rights *rights)
{
	const struct fuzz *f = arg;

	(void)server;
	if (f->auth & MAY_DO_WITHOUT)
		allow(rights);
	return f->auth & MAY_DO_WITHOUT;
}

static bool no_tls(void *arg, bool server, const char *peer, const char *ours, struct tls_files *files, struct rights *rights)
{
	(void)arg, (void)server, (void)peer, (void)ours, (void)files, (void)rights;
	return false;
}

static const struct secrets secrets = { find, check_pap, null_login, no_tls };

static void on_ip(void *arg, uint8_t *packet, size_t len)
{
	(void)arg;
	memset(packet - PPP_HEADROOM, 1, PPP_HEADROOM + len);
}

static void on_ip_up(void *arg, const struct ppp_addresses *a)
{
	struct fuzz *f = arg;

	g_assert(!f->up && !f->over);
	g_assert(a->local != a->remote && a->local != 0);
	g_assert(a->mtu >= IP_MTU_MIN);
	f->up = true;
}

static void on_ip_down(void *arg)
{
	struct fuzz *f = arg;

	g_assert(f->up && !f->over);
	f->up = false;
}

static void on_ipv6_up(void *arg, const struct ppp_identifiers *identifiers)
{
	struct fuzz *f = arg;

	g_assert(!f->up6 && !f->over && identifiers->local != identifiers->remote);
	f->up6 = true;
}

static void on_ipv6_down(void *arg)
{
	struct fuzz *f = arg;

	g_assert(f->up6 && !f->over);
	f->up6 = false;
}

static void on_phase(void *arg, enum ppp_phase phase)
{
	(void)arg;
	(void)phase;
}

static void on_finished(void *arg, enum exit_status status)
{
	struct fuzz *f = arg;

	(void)status;
	g_assert(!f->up && !f->up6 && !f->over);
	f->over = true;
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

static void feed_frame(struct fuzz *f, const uint8_t *bytes, size_t len)
{
	static const struct frame_map map = { { 0xffffffff } };
	uint8_t frame[2 * 260 + 2];

	ppp_input(f->ppp, frame, frame_encode(frame, &map, true, bytes, len, NULL, 0));
}

/* Kept, for answers to it. */
static void keep(struct fuzz *f, uint16_t protocol, uint8_t code, struct reader packet)
{
	GByteArray *to = protocol < 0x8000 ? NULL : f->last;
	size_t len = reader_left(&packet);

	for (unsigned i = 0; i < CONTROLS; i++) {
		if (controls[i] == protocol)
			to = code == 1 ? f->requests[i] : NULL;
	}
	if (!to)
		return;
	g_byte_array_set_size(to, 0);
	g_byte_array_append(to, reader_bytes(&packet, len), (guint)len);
}

static void on_frame(void *arg, uint8_t *frame, size_t len)
{
	struct reader r = reader_new(frame, len);

	if (reader_u16(&r) != 0xff03)
		r = reader_new(frame, len);
	struct reader packet = r;
	uint16_t protocol = reader_u16(&r);
	keep(arg, protocol, reader_u8(&r), packet);
}

/* What the link has sent must be good frames. */
static void drain(struct fuzz *f)
{
	uint64_t bad = f->decoder.counters.fcs + f->decoder.counters.runt + f->decoder.counters.abort + f->decoder.counters.giant;

	frame_decode(&f->decoder, outbuf_data(&f->out), outbuf_len(&f->out), on_frame, f);
	outbuf_clear(&f->out);
	g_assert(bad == f->decoder.counters.fcs + f->decoder.counters.runt + f->decoder.counters.abort + f->decoder.counters.giant);
}

/* To what we have sent: its protocol and identifier, this code and these bytes. */
static void answer(struct fuzz *f, const GByteArray *to, uint8_t code, const uint8_t *bytes, size_t len)
{
	uint8_t packet[260];

	if (to->len < 4)
		return;
	len = MIN(len, 250);
	memcpy(packet, to->data, 4);
	packet[2] = code;
	packet[4] = 0;
	packet[5] = (uint8_t)(len + 4);
	memcpy(packet + 6, bytes, len);
	feed_frame(f, packet, 6 + len);
}

static void acknowledge(struct fuzz *f, const GByteArray *request)
{
	if (request->len >= 6)
		answer(f, request, 2, request->data + 6, request->len - 6);
}

/* Acknowledges our request, and asks for this itself. */
static void open_protocol(struct fuzz *f, unsigned control, const char *request, size_t len)
{
	drain(f);
	acknowledge(f, f->requests[control]);
	feed_frame(f, (const uint8_t *)request, len);
	drain(f);
}

static void configure_ccp(struct ccp_config *ccp, uint8_t how)
{
	ccp->enabled = !(how & NO_CCP);
	ccp->bsd_receive = ccp->bsd_send = how & BSD ? 12 : 0;
	ccp->deflate_receive = ccp->deflate_send = how & DEFLATE ? 15 : 0;
	ccp->mppe = how & MPPE ? MPPE_40 | MPPE_128 : 0;
	ccp->mppe_required = how & MPPE && how & MPPE_REQUIRED;
	ccp->mppe_stateful = how & MPPE_STATEFUL;
}

static void configure_auth(struct auth_config *auth, uint8_t how)
{
	auth->require = how & (AUTH_PAP | AUTH_CHAPS | AUTH_EAP);
	auth->required = auth->require || how & MAY_DO_WITHOUT;
	auth->refuse = how & REFUSES_ALL ? AUTH_PAP | AUTH_CHAPS | AUTH_EAP : 0;
	g_free(auth->name);
	auth->name = g_strdup("we");
}

static void configure_rare(struct config *config, uint8_t how)
{
	config->lcp.callback = how & CALLBACK ? g_strdup("0305550") : NULL;
	config->lcp.no_endpoint = how & NO_ENDPOINT;
	config->lcp.silent = how & SILENT;
	if (how & NO_OPTIONS)
		config->lcp.neg_mru = config->lcp.neg_asyncmap = config->lcp.neg_magic = config->lcp.neg_pcomp = config->lcp.neg_accomp = false;
	config->ipcp.local_default = config->ipcp.remote_default = !(how & ADDRESSES_FIXED);
	config->ipcp.no_address = config->ipcp.no_addresses = how & NO_ADDRESSES;
	config->ipv6cp.noremote = config->ipv6cp.nosend = how & NO_ADDRESSES;
	config->lcp.receive_all = how & RECEIVE_ALL;
	if (how & TAKES_ALL)
		config->ipcp.accept_local = config->ipv6cp.accept_local = config->ipv6cp.accept_remote = config->ipcp.usepeerwins = true;
}

static void configure(struct fuzz *f, uint8_t how, uint8_t network)
{
	struct lcp_config *lcp = &f->config->lcp;

	lcp->passive = how & PASSIVE;
	lcp->echo_interval = how & ECHO ? 1 : 0;
	lcp->echo_failure = 3;
	lcp->echo_adaptive = network & 1;
	lcp->mru = how & SMALL_MRU ? 128 : 1500;
	lcp->escape[1] = how & ESCAPE ? 0xff : 0;
	f->config->ipcp.usepeerdns = how & PEER_DNS;
	f->config->ipcp.accept_remote = how & ACCEPT_REMOTE;
	f->config->ipcp.vj = !(network & NO_VJ);
	f->config->ipv6cp.local = network & IPV6_GIVEN ? 1 : 0;
	f->config->ipv6cp.remote = network & IPV6_GIVEN ? 2 : 0;
	config_finish(f->config, !(how & PEER_DNS), false);
}

/* As far as the peer's part goes without knowing what the input will be. */
static void begin(struct fuzz *f, uint8_t how, uint8_t network)
{
	f->over = false;
	ppp_start(f->ppp, 0);
	if ((how & 3) >= 1)
		open_protocol(f, LCP, "\xc0\x21\x01\x01\x00\x08\x07\x02\x08\x02", 10);
	if ((how & 3) == 3 && network & BSD)
		open_protocol(f, CCP, "\x80\xfd\x01\x01\x00\x07\x15\x03\x2c", 9);
	else if ((how & 3) == 3)
		open_protocol(f, CCP, "\x80\xfd\x01\x01\x00\x08\x1a\x04\x78\x00", 10);
	if ((how & 3) >= 2)
		open_protocol(f, IPCP, "\x80\x21\x01\x01\x00\x10\x03\x06\x0a\x09\x09\x09\x02\x06\x00\x2d\x0f\x01", 18);
}

/* Steps. */

static void step_time(struct fuzz *f, unsigned choice, const uint8_t *bytes, size_t len)
{
	(void)bytes, (void)len;
	clock_advance(&f->clock, f->clock.now + choice * CLOCK_SECOND / 2);
}

static void step_input(struct fuzz *f, unsigned choice, const uint8_t *bytes, size_t len)
{
	(void)choice;
	ppp_input(f->ppp, bytes, len);
}

static void step_frame(struct fuzz *f, unsigned choice, const uint8_t *bytes, size_t len)
{
	(void)choice;
	feed_frame(f, bytes, len);
}

static void step_send(struct fuzz *f, unsigned choice, const uint8_t *bytes, size_t len)
{
	(void)choice;
	ppp_send_ip(f->ppp, bytes, len);
}

/* Acknowledged as it is, or Ack, Nak or Reject with options of the input's own. */
static void step_answer(struct fuzz *f, unsigned choice, const uint8_t *bytes, size_t len)
{
	const GByteArray *request = f->requests[choice / 4 % CONTROLS];

	if (choice % 4 == 3)
		acknowledge(f, request);
	else
		answer(f, request, (uint8_t)(2 + choice % 4), bytes, len);
}

static void step_answer_auth(struct fuzz *f, unsigned choice, const uint8_t *bytes, size_t len)
{
	answer(f, f->last, (uint8_t)(1 + choice), bytes, len);
}

static void step_life(struct fuzz *f, unsigned choice, const uint8_t *bytes, size_t len)
{
	(void)bytes, (void)len;
	if (choice == 1)
		ppp_close(f->ppp, "fuzz", EXIT_USER_REQUEST);
	else if (choice == 2)
		ppp_line_down(f->ppp);
	else if (choice == 3)
		ppp_reopen_ccp(f->ppp);
	else if (choice == 4 && f->over)
		begin(f, 0, 0);
}

static void (*const steps[])(struct fuzz *f, unsigned choice, const uint8_t *bytes, size_t len) = {
	step_input, step_time, step_send, step_answer, step_life, step_frame, step_frame, step_answer_auth,
};

static void open_fuzz(struct fuzz *f, struct reader *r)
{
	uint8_t how = reader_u8(r);
	uint8_t network = reader_u8(r);

	f->auth = reader_u8(r);
	clock_init(&f->clock, CLOCK_SECOND);
	outbuf_init(&f->out, 16384);
	frame_decoder_init(&f->decoder, 4096);
	f->decoder.accm = 0;
	for (unsigned i = 0; i < CONTROLS; i++)
		f->requests[i] = g_byte_array_new();
	f->last = g_byte_array_new();
	configure_auth(&f->config->auth, f->auth);
	configure_rare(f->config, reader_u8(r));
	configure(f, how, network);
	configure_ccp(&f->config->ccp, network);
	f->ppp = ppp_new(f->config, &secrets, f, &f->clock, &events, f, &f->out);
	begin(f, how, network);
	drain(f);
}

static void close_fuzz(struct fuzz *f)
{
	ppp_free(f->ppp);
	for (unsigned i = 0; i < CONTROLS; i++)
		g_byte_array_free(f->requests[i], TRUE);
	g_byte_array_free(f->last, TRUE);
	frame_decoder_free(&f->decoder);
	outbuf_free(&f->out);
	config_free(f->config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { .config = config_new() };
	struct reader r = reader_new(data, size);

	log_set_debug(2);
	g_random_set_seed(1);
	open_fuzz(&f, &r);
	while (reader_left(&r) > 0) {
		uint8_t what = reader_u8(&r);
		size_t wanted = reader_u8(&r);
		size_t len = MIN(wanted, reader_left(&r));
		const uint8_t *bytes = reader_bytes(&r, len);
		if (!bytes)
			continue;
		steps[what & 7](&f, what >> 3, bytes, len);
		drain(&f);
	}
	close_fuzz(&f);
	return 0;
}
