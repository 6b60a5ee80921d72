/* Fuzzes a PPP link. The input: a byte that says what state to start in (fresh, LCP opened, IPCP opened) and how it is configured,
 * then steps, each a byte that says what, a byte of length, and as many bytes: a frame made of them (with a good FCS), bytes as
 * they are, a packet to send, or time. Built with clang -fsanitize=fuzzer,address,undefined. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "clock.h"
#include "config.h"
#include "log.h"
#include "outbuf.h"
#include "ppp/frame.h"
#include "ppp/ppp.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
	struct clock clock;
	struct config *config;
	struct outbuf out;
	struct ppp *ppp;
	struct frame_decoder decoder;
	GByteArray *request; /* our last Configure-Request, with its protocol */
	bool up, over;
};

static void on_ip(void *arg, uint8_t *packet, size_t len)
{
	(void)arg;
	memset(packet - PPP_HEADROOM, 1, PPP_HEADROOM + len);
}

static void on_ip_up(void *arg, const struct ppp_addresses *a)
{
	struct fuzz *f = arg;

	if (f->up || f->over || a->local == a->remote || a->local == 0 || a->mtu < CONFIG_MIN_MRU)
		g_error("bad ip_up");
	f->up = true;
}

static void on_ip_down(void *arg)
{
	struct fuzz *f = arg;

	if (!f->up || f->over)
		g_error("bad ip_down");
	f->up = false;
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
	if (f->up || f->over)
		g_error("bad finished");
	f->over = true;
}

static const struct ppp_events events = {
	.ip = on_ip,
	.ip_up = on_ip_up,
	.ip_down = on_ip_down,
	.phase = on_phase,
	.finished = on_finished,
};

static void feed_frame(struct fuzz *f, const uint8_t *bytes, size_t len)
{
	static const struct frame_map map = { { 0xffffffff } };
	uint8_t frame[2 * 260 + 2];

	ppp_input(f->ppp, frame, frame_encode(frame, &map, true, bytes, len, NULL, 0));
}

static void on_frame(void *arg, uint8_t *frame, size_t len)
{
	struct fuzz *f = arg;
	struct reader r = reader_new(frame, len);

	if (reader_u16(&r) != 0xff03)
		r = reader_new(frame, len);
	struct reader packet = r;
	uint16_t protocol = reader_u16(&r);
	if ((protocol == PPP_LCP || protocol == PPP_IPCP) && reader_u8(&r) == 1) {
		size_t left = reader_left(&packet);
		g_byte_array_set_size(f->request, 0);
		g_byte_array_append(f->request, reader_bytes(&packet, left), (guint)left);
	}
}

/* What the link has sent must be good frames. */
static void drain(struct fuzz *f)
{
	uint64_t bad = f->decoder.counters.fcs + f->decoder.counters.runt + f->decoder.counters.abort + f->decoder.counters.giant;

	frame_decode(&f->decoder, outbuf_data(&f->out), outbuf_len(&f->out), on_frame, f);
	outbuf_clear(&f->out);
	if (bad != f->decoder.counters.fcs + f->decoder.counters.runt + f->decoder.counters.abort + f->decoder.counters.giant)
		g_error("bad frame sent");
}

/* Acks our last request, and asks for nothing (ADDRESS: for an address). */
static void open_protocol(struct fuzz *f, const char *request, size_t len)
{
	drain(f);
	if (f->request->len < 4)
		return;
	f->request->data[2] = 2;
	feed_frame(f, f->request->data, f->request->len);
	feed_frame(f, (const uint8_t *)request, len);
	drain(f);
}

static void configure(struct fuzz *f, uint8_t how)
{
	struct lcp_config *lcp = &f->config->lcp;

	lcp->passive = how & 4;
	lcp->echo_interval = how & 8 ? 1 : 0;
	lcp->echo_failure = 3;
	lcp->mru = how & 16 ? 128 : 1500;
	lcp->escape[1] = how & 32 ? 0xff : 0;
	f->config->ipcp.usepeerdns = how & 64;
	f->config->ipcp.accept_remote = how & 128;
	config_finish(f->config, how & 64, false);
}

static void begin(struct fuzz *f, uint8_t how)
{
	f->over = false;
	ppp_start(f->ppp, 0);
	if ((how & 3) >= 1)
		open_protocol(f, "\xc0\x21\x01\x01\x00\x08\x07\x02\x08\x02", 10);
	if ((how & 3) >= 2)
		open_protocol(f, "\x80\x21\x01\x01\x00\x0a\x03\x06\x0a\x09\x09\x09", 12);
}

static void step(struct fuzz *f, uint8_t what, const uint8_t *bytes, size_t len)
{
	uint8_t answer[260];

	switch (what & 7) {
	case 0:
		ppp_input(f->ppp, bytes, len);
		break;
	case 1:
		clock_advance(&f->clock, f->clock.now + (what >> 3) * CLOCK_SECOND / 2);
		break;
	case 2:
		ppp_send_ip(f->ppp, bytes, len);
		break;
	case 3:
		/* An answer to our request: its protocol and identifier, this code and these options. */
		if (f->request->len < 4)
			break;
		memcpy(answer, f->request->data, 4);
		answer[2] = (uint8_t)(2 + (what >> 3) % 3);
		answer[4] = 0;
		answer[5] = (uint8_t)(MIN(len, 250) + 4);
		memcpy(answer + 6, bytes, MIN(len, 250));
		feed_frame(f, answer, 6 + MIN(len, 250));
		break;
	case 4:
		if (what >> 3 == 1)
			ppp_close(f->ppp, "fuzz", EXIT_USER_REQUEST);
		else if (what >> 3 == 2)
			ppp_line_down(f->ppp);
		break;
	default:
		feed_frame(f, bytes, len);
	}
	drain(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { .config = config_new() };
	struct reader r = reader_new(data, size);
	uint8_t how = reader_u8(&r);

	log_set_debug(2);
	g_random_set_seed(1);
	clock_init(&f.clock, CLOCK_SECOND);
	outbuf_init(&f.out, 16384);
	frame_decoder_init(&f.decoder, 4096);
	f.decoder.accm = 0;
	f.request = g_byte_array_new();
	configure(&f, how);
	f.ppp = ppp_new(f.config, &f.clock, &events, &f, &f.out);
	begin(&f, how);
	while (reader_left(&r) > 0) {
		uint8_t what = reader_u8(&r);
		size_t len = MIN(reader_u8(&r), reader_left(&r));
		const uint8_t *bytes = reader_bytes(&r, len);
		if (bytes)
			step(&f, what, bytes, len);
	}
	ppp_free(f.ppp);
	g_byte_array_free(f.request, TRUE);
	frame_decoder_free(&f.decoder);
	outbuf_free(&f.out);
	config_free(f.config);
	return 0;
}
