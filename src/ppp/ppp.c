/* The PPP link: framing, and who gets which protocol in which phase (RFC 1661 §3; pppd's rules on what is sent how). Called
 * by the session; owns LCP and the network control protocols.
 *
 * Theory of operation. A callback to the session may call ppp_close() or ppp_line_down() while an automaton is in the middle
 * of its actions. So every way in (bytes, timers, calls) counts how deep it is nested: what the session asks for from within
 * is noted, its consequences for the session come at once, and the rest is done when the outermost call is about to return.
 * Nothing is reported after the line is down or LCP has finished: `running` is false then.
 *
 * The way of an IP packet is short: from the peer it goes to the session where the decoder put it; to the peer it is encoded
 * straight into the outbuf. */
#include "ppp/ppp.h"

#include <glib.h>

#include "log.h"
#include "ppp/frame.h"
#include "ppp/ipcp.h"
#include "ppp/lcp.h"
#include "ppp/line_test.h"

#define ADDRESS 0xff /* RFC 1662 §3.1 */
#define CONTROL 0x03
#define HEADER_MAX 4 /* address, control, two bytes of protocol */
#define FRAME_ROOM (HEADER_MAX + 2 + 2) /* around an MRU: header, FCS, and pppd's two bytes of grace */
#define ASYNCMAP_ALL UINT32_C(0xffffffff)
#define IDLE_FLAG CLOCK_SECOND /* after this long a frame begins with a flag of its own */

G_STATIC_ASSERT(PPP_HEADROOM <= FRAME_HEADROOM);

struct ppp {
	const struct config *config;
	struct clock *clock;
	const struct ppp_events *events;
	void *arg;
	struct outbuf *out;

	struct lcp lcp;
	struct ipcp ipcp;
	struct timer delay; /* connect-delay */

	struct frame_decoder decoder;
	struct frame_map default_map, map; /* for sending */
	bool pcomp, accomp;
	uint16_t mtu;
	uint64_t last_sent; /* 0: nothing yet */
	struct line_test line_test;

	enum ppp_phase phase;
	unsigned depth;
	bool running;
	bool gone;     /* the line is down; what belongs to the link has still to be stopped */
	bool finished; /* LCP is finished; the session has still to be told */
	bool closing;
	bool close_asked; /* from within a callback */
	char close_reason[64];
	enum exit_status close_status;
	enum exit_status status;
	bool ip_up; /* and the session knows */
	uint64_t up_since;
	struct ppp_addresses addresses;
	struct ppp_counters counters;
	ppp_frame_fn *tap;
	void *tap_arg;
};

/* Events. */

static bool silent(const struct ppp *p)
{
	return !p->running || p->gone;
}

static void set_phase(struct ppp *p, enum ppp_phase phase)
{
	if (p->phase == phase || silent(p))
		return;
	p->phase = phase;
	p->events->phase(p->arg, phase);
}

static void report_ip_down(struct ppp *p)
{
	if (!p->ip_up)
		return;
	p->ip_up = false;
	p->events->ip_down(p->arg);
}

/* Everything is at rest, with no packet and no event. */
static void halt(struct ppp *p)
{
	timer_stop(&p->delay);
	cp_halt(&p->ipcp.cp);
	lcp_halt(&p->lcp);
	p->running = p->gone = p->finished = p->closing = p->close_asked = false;
	line_test_report(&p->line_test);
}

static void finish(struct ppp *p)
{
	report_ip_down(p);
	halt(p);
	p->phase = PHASE_DEAD;
	p->events->phase(p->arg, PHASE_DEAD);
	p->events->finished(p->arg, p->status);
}

static void close_link(struct ppp *p, const char *reason, enum exit_status status)
{
	if (p->closing)
		return;
	p->closing = true;
	p->status = status;
	set_phase(p, PHASE_TERMINATE);
	cp_close(&p->lcp.cp, reason);
}

static void enter(void *arg)
{
	struct ppp *p = arg;

	p->depth++;
}

/* Does what had to wait until no automaton is in the middle of its actions. */
static void leave(void *arg)
{
	struct ppp *p = arg;

	if (p->depth == 1 && p->close_asked && !silent(p)) {
		p->close_asked = false;
		close_link(p, p->close_reason, p->close_status);
	}
	if (--p->depth > 0)
		return;
	if (p->gone)
		halt(p);
	else if (p->finished)
		finish(p);
}

/* Sending. */

static size_t put_header(uint8_t *head, uint16_t protocol, bool pcomp, bool accomp)
{
	struct writer w = writer_new(head, HEADER_MAX);

	if (!accomp) {
		writer_u8(&w, ADDRESS);
		writer_u8(&w, CONTROL);
	}
	if (pcomp && protocol <= UINT8_MAX)
		writer_u8(&w, (uint8_t)protocol);
	else
		writer_u16(&w, protocol);
	return writer_len(&w);
}

/* PLAIN: as before anything was negotiated; for LCP alone, whose protocol number no compression makes shorter. */
static bool send_frame(struct ppp *p, uint16_t protocol, bool plain, const uint8_t *info, size_t len)
{
	uint8_t head[HEADER_MAX];
	size_t head_len = put_header(head, protocol, p->pcomp, p->accomp && !plain);
	uint8_t *at = outbuf_reserve(p->out, frame_encoded_max(head_len + len));
	bool flag = plain || p->last_sent == 0 || p->clock->now - p->last_sent > IDLE_FLAG;

	if (!at) {
		p->counters.out_dropped++;
		return false;
	}
	if (p->tap)
		p->tap(p->tap_arg, true, protocol, info, len);
	outbuf_commit(p->out, frame_encode(at, plain ? &p->default_map : &p->map, flag, head, head_len, info, len));
	p->last_sent = MAX(p->clock->now, 1);
	p->counters.frames_out++;
	return true;
}

static bool is_echo(uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct reader r = reader_new(packet, len);
	uint8_t code = reader_u8(&r);

	return protocol == PPP_LCP && (code == ECHO_REQUEST || code == ECHO_REPLY);
}

/* As pppd, echoes are worth a line only while the link comes up, or with more than one `debug`. */
static void log_packet(const struct ppp *p, const char *direction, uint16_t protocol, const uint8_t *packet, size_t len)
{
	if (log_debug() < 1 || (log_debug() < 2 && p->ip_up && is_echo(protocol, packet, len)))
		return;
	GString *text = g_string_new(NULL);
	print_packet(text, protocol, packet, len, p->config->show_password);
	log_dbg("%s %s", direction, text->str);
	g_string_free(text, TRUE);
}

static void send_control(void *arg, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct ppp *p = arg;
	struct reader r = reader_new(packet, len);
	uint8_t code = reader_u8(&r);

	if (silent(p))
		return;
	log_packet(p, "sent", protocol, packet, len);
	send_frame(p, protocol, protocol == PPP_LCP && code >= CONFIGURE_REQUEST && code <= CODE_REJECT, packet, len);
}

bool ppp_send_ip(struct ppp *p, const uint8_t *packet, size_t len)
{
	if (!p->ip_up || len == 0 || len > p->mtu || !send_frame(p, PPP_IP, false, packet, len))
		return false;
	p->counters.packets_out++;
	p->counters.bytes_out += len;
	return true;
}

size_t ppp_encoded_max(size_t len)
{
	return frame_encoded_max(len + HEADER_MAX);
}

static const struct cp_host cp_host = { .send = send_control, .enter = enter, .leave = leave };

/* What LCP tells. */

static void use_defaults(struct ppp *p)
{
	p->map = p->default_map;
	p->pcomp = p->accomp = false;
	p->decoder.accm = p->config->lcp.receive_all ? 0 : ASYNCMAP_ALL;
	p->lcp.cp.peer_mru = p->ipcp.cp.peer_mru = CONFIG_DEFAULT_MRU;
}

static void lcp_apply(void *arg)
{
	struct ppp *p = arg;
	const struct lcp *lcp = &p->lcp;

	p->map.bits[0] = lcp->peer.asyncmap | lcp_escaped(&p->config->lcp);
	p->pcomp = lcp->peer.pcomp;
	p->accomp = lcp->peer.accomp;
	p->mtu = lcp_mtu(lcp);
	p->decoder.accm = p->config->lcp.receive_all ? 0 : lcp_receive_asyncmap(lcp);
	p->lcp.cp.peer_mru = p->ipcp.cp.peer_mru = lcp->peer.mru;
	line_test_end(&p->line_test);
}

static void lcp_up(void *arg)
{
	struct ppp *p = arg;

	p->ipcp.magic = lcp_magic(&p->lcp);
	p->ipcp.peer_magic = p->lcp.peer.magic;
	set_phase(p, PHASE_NETWORK);
	if (p->config->ipcp.enabled) {
		cp_up(&p->ipcp.cp);
		cp_open(&p->ipcp.cp);
	} else {
		close_link(p, "No network protocols running", p->status);
	}
}

static void lcp_down(void *arg)
{
	struct ppp *p = arg;

	set_phase(p, p->closing || p->lcp.cp.state == STATE_STOPPING ? PHASE_TERMINATE : PHASE_ESTABLISH);
	if (p->config->ipcp.enabled) {
		cp_down(&p->ipcp.cp);
		cp_close(&p->ipcp.cp, "LCP down");
	}
	use_defaults(p);
}

static void lcp_finished(void *arg)
{
	struct ppp *p = arg;

	p->finished = true;
}

static void lcp_failed(void *arg, const char *reason, enum exit_status status)
{
	close_link(arg, reason, status);
}

static void lcp_protocol_rejected(void *arg, uint16_t protocol)
{
	struct ppp *p = arg;
	const char *name = print_protocol_name(protocol);

	if (protocol == PPP_IPCP && p->config->ipcp.enabled) {
		log_dbg("Protocol-Reject for '%s' (0x%x) received", name, protocol);
		cp_protocol_rejected(&p->ipcp.cp);
	} else if (name) {
		log_warn("Protocol-Reject for unsupported protocol '%s' (0x%x)", name, protocol);
	} else {
		log_warn("Protocol-Reject for unsupported protocol 0x%x", protocol);
	}
}

static uint64_t lcp_packets_in(void *arg)
{
	const struct ppp *p = arg;

	return p->counters.packets_in;
}

static const struct lcp_events lcp_events = {
	.apply = lcp_apply,
	.up = lcp_up,
	.down = lcp_down,
	.finished = lcp_finished,
	.failed = lcp_failed,
	.protocol_rejected = lcp_protocol_rejected,
	.packets_in = lcp_packets_in,
};

/* What IPCP tells. */

static void start_counting(struct ppp *p)
{
	p->counters.packets_in = p->counters.bytes_in = 0;
	p->counters.packets_out = p->counters.bytes_out = 0;
	p->up_since = MAX(p->clock->now, 1);
}

static void ipcp_up(void *arg)
{
	struct ppp *p = arg;

	if (silent(p))
		return;
	p->addresses = (struct ppp_addresses){
		.local = p->ipcp.final_local,
		.remote = p->ipcp.final_remote,
		.peer_dns = { ipcp_peer_dns(&p->ipcp, 0), ipcp_peer_dns(&p->ipcp, 1) },
		.mtu = p->mtu,
	};
	start_counting(p);
	p->status = EXIT_OK;
	p->ip_up = true;
	p->events->ip_up(p->arg, &p->addresses);
	if (silent(p) || p->close_asked)
		return;
	ipcp_announce(&p->ipcp);
	set_phase(p, PHASE_RUNNING);
}

static void ipcp_down(void *arg)
{
	struct ppp *p = arg;

	report_ip_down(p);
	if (p->phase == PHASE_RUNNING)
		set_phase(p, PHASE_NETWORK);
}

static void ipcp_finished(void *arg)
{
	struct ppp *p = arg;

	if (p->lcp.cp.state == STATE_OPENED)
		close_link(p, "No network protocols running", p->status);
}

static const struct ipcp_events ipcp_events = { .up = ipcp_up, .down = ipcp_down, .finished = ipcp_finished };

/* Receiving. */

static void refuse_protocol(struct ppp *p, uint16_t protocol, const uint8_t *packet, size_t len)
{
	const char *name = print_protocol_name(protocol);

	if (name)
		log_dbg("Unsupported protocol '%s' (0x%x) received", name, protocol);
	else
		log_dbg("Unsupported protocol 0x%x received", protocol);
	lcp_reject_protocol(&p->lcp, protocol, packet, len);
}

/* Protocols that may come before the network phase (§3.4, §3.5). */
static bool is_early(uint16_t protocol)
{
	return protocol == PPP_LCP || protocol == PPP_LQR || protocol == PPP_PAP || protocol == PPP_CHAP || protocol == PPP_EAP;
}

static void got_ip(struct ppp *p, uint8_t *packet, size_t len)
{
	p->counters.packets_in++;
	p->counters.bytes_in += len;
	p->events->ip(p->arg, packet, len);
}

static void got_other(struct ppp *p, uint16_t protocol, const uint8_t *packet, size_t len)
{
	log_packet(p, "rcvd", protocol, packet, len);
	if (protocol == PPP_LCP)
		cp_input(&p->lcp.cp, packet, len);
	else if (p->lcp.cp.state != STATE_OPENED)
		log_dbg("Discarded non-LCP packet when LCP not open");
	else if (p->phase < PHASE_NETWORK && !is_early(protocol))
		log_dbg("discarding proto 0x%x in phase %d", protocol, (int)p->phase);
	else if (protocol == PPP_IPCP && p->config->ipcp.enabled)
		cp_input(&p->ipcp.cp, packet, len);
	else if (protocol != PPP_IP || !p->config->ipcp.enabled)
		refuse_protocol(p, protocol, packet, len);
}

/* Connect-delay is over: it was long enough, or the peer has spoken. */
static void end_delay(struct ppp *p)
{
	timer_stop(&p->delay);
	cp_up(&p->lcp.cp);
}

/* Address and control bytes may be there or not, the protocol may be one byte or two, whatever was negotiated (RFC 1662 §3.2). */
static void got_frame(void *arg, uint8_t *frame, size_t len)
{
	struct ppp *p = arg;
	struct reader r = reader_new(frame, len);

	if (reader_u8(&r) != ADDRESS || reader_u8(&r) != CONTROL)
		r = reader_new(frame, len);
	uint16_t protocol = reader_u8(&r);
	if (!(protocol & 1))
		protocol = (uint16_t)(protocol << 8 | reader_u8(&r));
	size_t left = reader_left(&r);
	if (!reader_ok(&r) || !(protocol & 1) || silent(p) || p->finished)
		return;
	uint8_t *packet = frame + (len - left);
	if (p->tap)
		p->tap(p->tap_arg, false, protocol, packet, left);
	if (p->delay.armed)
		end_delay(p);
	if (protocol == PPP_IP && p->ip_up)
		got_ip(p, packet, left);
	else
		got_other(p, protocol, packet, left);
}

static void count_frames(struct ppp *p)
{
	const struct frame_counters *c = &p->decoder.counters;

	p->counters.frames_in = c->good;
	p->counters.errors_fcs = c->fcs;
	p->counters.errors_runt = c->runt;
	p->counters.errors_giant = c->giant;
	p->counters.errors_abort = c->abort;
}

void ppp_input(struct ppp *p, const uint8_t *bytes, size_t len)
{
	if (silent(p))
		return;
	enter(p);
	line_test_bytes(&p->line_test, bytes, len);
	frame_decode(&p->decoder, bytes, len, got_frame, p);
	count_frames(p);
	leave(p);
}

/* The life of a link. */

static void delay_over(void *arg)
{
	struct ppp *p = arg;

	enter(p);
	end_delay(p);
	leave(p);
}

static void init_map(struct frame_map *map, const struct lcp_config *config)
{
	for (size_t i = 0; i < G_N_ELEMENTS(config->escape); i++)
		map->bits[i / 4] |= (uint32_t)config->escape[i] << i % 4 * 8;
	map->bits[0] = ASYNCMAP_ALL;
	map->bits[FRAME_FLAG / 32] |= 1u << FRAME_FLAG % 32 | 1u << FRAME_ESCAPE % 32;
}

struct ppp *ppp_new(const struct config *config, struct clock *clock, const struct ppp_events *events, void *arg,
		    struct outbuf *out)
{
	struct ppp *p = g_new0(struct ppp, 1);
	size_t size = MAX(config->lcp.mru, CONFIG_DEFAULT_MRU);
	unsigned unit = config->net.unit > 0 ? (unsigned)config->net.unit : 0;

	p->config = config;
	p->clock = clock;
	p->events = events;
	p->arg = arg;
	p->out = out;
	frame_decoder_init(&p->decoder, size + FRAME_ROOM);
	init_map(&p->default_map, &config->lcp);
	lcp_init(&p->lcp, &config->lcp, clock, &cp_host, p, &lcp_events, p);
	ipcp_init(&p->ipcp, &config->ipcp, unit, clock, size, &cp_host, p, &ipcp_events, p);
	timer_init(&p->delay, clock, delay_over, p);
	return p;
}

void ppp_free(struct ppp *p)
{
	if (!p)
		return;
	timer_stop(&p->delay);
	lcp_free(&p->lcp);
	ipcp_free(&p->ipcp);
	frame_decoder_free(&p->decoder);
	g_free(p);
}

void ppp_start(struct ppp *p, unsigned delay_ms)
{
	g_return_if_fail(!p->running);
	enter(p);
	p->running = true;
	p->status = EXIT_NEGOTIATION_FAILED;
	p->counters = (struct ppp_counters){ 0 };
	p->up_since = 0;
	p->last_sent = 0;
	frame_decoder_reset(&p->decoder);
	line_test_begin(&p->line_test);
	use_defaults(p);
	set_phase(p, PHASE_ESTABLISH);
	cp_open(&p->lcp.cp);
	if (delay_ms > 0)
		timer_set(&p->delay, delay_ms * CLOCK_MS);
	else
		cp_up(&p->lcp.cp);
	leave(p);
}

void ppp_close(struct ppp *p, const char *reason, enum exit_status status)
{
	if (silent(p))
		return;
	enter(p);
	if (!p->close_asked) {
		p->close_asked = true;
		p->close_status = status;
		g_strlcpy(p->close_reason, reason, sizeof(p->close_reason));
	}
	leave(p);
}

void ppp_line_down(struct ppp *p)
{
	if (silent(p))
		return;
	enter(p);
	report_ip_down(p);
	set_phase(p, PHASE_DEAD);
	p->gone = true;
	leave(p);
}

enum ppp_phase ppp_phase(const struct ppp *p)
{
	return p->phase;
}

const struct ppp_counters *ppp_counters(const struct ppp *p)
{
	return &p->counters;
}

void ppp_set_tap(struct ppp *p, ppp_frame_fn *fn, void *arg)
{
	p->tap = fn;
	p->tap_arg = arg;
}

void ppp_get_report(const struct ppp *p, struct ppp_report *report)
{
	*report = (struct ppp_report){
		.phase = p->phase,
		.open = p->lcp.cp.state == STATE_OPENED,
		.ours = lcp_ours(&p->lcp),
		.peers = p->lcp.peer,
		.ip_up = p->ip_up,
		.up_since = p->up_since,
		.counters = p->counters,
	};
	if (p->ip_up)
		report->addresses = p->addresses;
}
