/* The PPP link: who gets which protocol in which phase (RFC 1661 §3; pppd's rules on what is sent when). Called by the session; owns LCP and
 * what hangs on it. What follows once LCP is up is in ppp_networks.c, how frames and packets move in ppp_data.c.
 *
 * Theory of operation. A callback to the session may call ppp_close() or ppp_line_down() while an automaton is in the middle
 * of its actions. So every way in (bytes, timers, calls) counts how deep it is nested: what the session asks for from within
 * is noted, its consequences for the session come at once, and the rest is done when the outermost call is about to return.
 * Nothing is reported after the line is down or LCP has finished: `running` is false then.
 *
 * LCP up begins authentication, that done callback where it was agreed on, that done the networks: CCP first, as pppd does, then IPCP and
 * IPV6CP, which wait for CCP where MPPE is required. */
#include "ppp/ppp_internal.h"

#include <glib.h>

#include "log.h"

#define ASYNCMAP_ALL UINT32_C(0xffffffff)

/* Events. */

bool ppp_is_silent(const struct ppp *p)
{
	return !p->running || p->gone;
}

void ppp_set_phase(struct ppp *p, enum ppp_phase phase)
{
	if (p->phase == phase || ppp_is_silent(p))
		return;
	p->phase = phase;
	p->events->phase(p->arg, phase);
}

/* Everything is at rest, with no packet and no event. */
static void halt(struct ppp *p)
{
	timer_stop(&p->delay);
	ppp_halt_networks(p);
	lcp_halt(&p->lcp);
	p->running = p->gone = p->finished = p->closing = p->close_asked = false;
	line_test_report(&p->line_test);
}

static void finish(struct ppp *p)
{
	ppp_report_down(p);
	halt(p);
	p->phase = PHASE_DEAD;
	p->events->phase(p->arg, PHASE_DEAD);
	p->events->finished(p->arg, p->status);
}

void ppp_close_link(struct ppp *p, const char *reason, enum exit_status status)
{
	if (p->closing)
		return;
	p->closing = true;
	p->status = status;
	ppp_set_phase(p, PHASE_TERMINATE);
	cp_close(&p->lcp.cp, reason);
}

void ppp_enter(void *arg)
{
	struct ppp *p = arg;

	p->depth++;
}

/* Does what had to wait until no automaton is in the middle of its actions. */
void ppp_leave(void *arg)
{
	struct ppp *p = arg;

	if (p->depth == 1 && p->close_asked && !ppp_is_silent(p)) {
		p->close_asked = false;
		ppp_close_link(p, p->close_reason, p->close_status);
	}
	if (--p->depth > 0)
		return;
	if (p->gone)
		halt(p);
	else if (p->finished)
		finish(p);
}

const struct cp_host ppp_cp_host = { .send = ppp_send_control, .enter = ppp_enter, .leave = ppp_leave };

/* What LCP tells. */

static void set_peer_mru(struct ppp *p, uint16_t mru)
{
	p->lcp.cp.peer_mru = p->ipcp.cp.peer_mru = p->ipv6cp.cp.peer_mru = ccp_cp(p->ccp)->peer_mru = mru;
}

static void use_defaults(struct ppp *p)
{
	p->map = p->default_map;
	p->pcomp = p->accomp = false;
	p->decoder.accm = p->config->lcp.receive_all ? 0 : ASYNCMAP_ALL;
	set_peer_mru(p, CONFIG_DEFAULT_MRU);
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
	set_peer_mru(p, lcp->peer.mru);
	line_test_end(&p->line_test);
}

static void lcp_up(void *arg)
{
	struct ppp *p = arg;

	p->ipcp.magic = lcp_magic(&p->lcp);
	p->ipcp.peer_magic = p->lcp.peer.magic;
	if (p->lcp.theirs || p->lcp.ours)
		ppp_set_phase(p, PHASE_AUTHENTICATE);
	auth_begin(p->auth, p->lcp.theirs, p->lcp.ours);
}

static void lcp_down(void *arg)
{
	struct ppp *p = arg;

	ppp_set_phase(p, p->closing || p->lcp.cp.state == STATE_STOPPING ? PHASE_TERMINATE : PHASE_ESTABLISH);
	ppp_stop_networks(p);
	use_defaults(p);
}

static void lcp_finished(void *arg)
{
	struct ppp *p = arg;

	p->finished = true;
}

static void lcp_failed(void *arg, const char *reason, enum exit_status status)
{
	ppp_close_link(arg, reason, status);
}

static void reject_known(struct ppp *p, uint16_t protocol)
{
	struct cp *control = ppp_find_control(p, protocol);

	if (control)
		cp_protocol_rejected(control);
	else if (protocol == PPP_CBCP)
		ppp_no_callback(p);
	else
		auth_protocol_rejected(p->auth, protocol);
}

static bool is_known(struct ppp *p, uint16_t protocol)
{
	return ppp_find_control(p, protocol) || auth_protocol_name(protocol) || (protocol == PPP_CBCP && p->cbcp.up);
}

static void lcp_protocol_rejected(void *arg, uint16_t protocol)
{
	struct ppp *p = arg;
	const char *name = print_protocol_name(protocol);

	if (is_known(p, protocol)) {
		log_dbg("Protocol-Reject for '%s' (0x%x) received", name, protocol);
		reject_known(p, protocol);
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

static void lcp_echoed(void *arg, uint64_t microseconds, unsigned lost)
{
	struct ppp *p = arg;

	if (p->events->echo)
		p->events->echo(p->arg, microseconds, lost);
}

static const struct lcp_events lcp_events = {
	.apply = lcp_apply,
	.up = lcp_up,
	.down = lcp_down,
	.finished = lcp_finished,
	.failed = lcp_failed,
	.protocol_rejected = lcp_protocol_rejected,
	.packets_in = lcp_packets_in,
	.echoed = lcp_echoed,
};

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

/* A network's packet that comes while its control protocol is not up, or what CCP has given up: Linux drops it without a word. */
static bool is_late(const struct ppp *p, uint16_t protocol)
{
	switch (protocol) {
	case PPP_IP:
	case PPP_VJC_COMP:
	case PPP_VJC_UNCOMP:
		return p->config->ipcp.enabled;
	case PPP_IPV6:
		return p->config->ipv6cp.enabled;
	case PPP_COMP:
		return p->config->ccp.enabled;
	default:
		return false;
	}
}

/* The link is open, and the phase allows it. */
static void got_allowed(struct ppp *p, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct cp *control = ppp_find_control(p, protocol);

	if (control)
		cp_input(control, packet, len);
	else if (auth_protocol_name(protocol))
		auth_input(p->auth, protocol, packet, len);
	else if (protocol == PPP_CBCP && p->cbcp.up)
		cbcp_input(&p->cbcp, packet, len);
	else if (!is_late(p, protocol))
		refuse_protocol(p, protocol, packet, len);
}

void ppp_got_control(struct ppp *p, uint16_t protocol, const uint8_t *packet, size_t len)
{
	if (protocol == PPP_LCP)
		cp_input(&p->lcp.cp, packet, len);
	else if (p->lcp.cp.state != STATE_OPENED)
		log_dbg("Discarded non-LCP packet when LCP not open");
	else if (p->phase <= PHASE_AUTHENTICATE && !is_early(protocol))
		log_dbg("discarding proto 0x%x in phase %d", protocol, (int)p->phase);
	else
		got_allowed(p, protocol, packet, len);
}

/* Connect-delay is over: it was long enough, or the peer has spoken. */
void ppp_end_delay(struct ppp *p)
{
	timer_stop(&p->delay);
	cp_up(&p->lcp.cp);
}

/* The life of a link. */

static void delay_over(void *arg)
{
	struct ppp *p = arg;

	ppp_enter(p);
	ppp_end_delay(p);
	ppp_leave(p);
}

struct ppp *ppp_new(const struct config *config, const struct secrets *secrets, void *secrets_arg, struct clock *clock,
		    const struct ppp_events *events, void *arg, struct outbuf *out)
{
	struct ppp *p = g_new0(struct ppp, 1);
	size_t size = MAX(config->lcp.mru, CONFIG_DEFAULT_MRU);

	*p = (struct ppp){ .config = config, .clock = clock, .events = events, .arg = arg, .out = out };
	frame_decoder_init(&p->decoder, size + PPP_FRAME_ROOM);
	ppp_init_maps(p);
	lcp_init(&p->lcp, &config->lcp, clock, &ppp_cp_host, p, &lcp_events, p);
	ppp_init_networks(p, secrets, secrets_arg, size);
	timer_init(&p->delay, clock, delay_over, p);
	return p;
}

void ppp_free(struct ppp *p)
{
	if (!p)
		return;
	timer_stop(&p->delay);
	ppp_free_networks(p);
	lcp_free(&p->lcp);
	frame_decoder_free(&p->decoder);
	g_free(p);
}

void ppp_set_ipcp(struct ppp *p, const struct ipcp_config *config)
{
	p->ipcp.config = config;
}

void ppp_start(struct ppp *p, unsigned delay_ms)
{
	g_return_if_fail(!p->running);
	ppp_enter(p);
	p->running = true;
	p->status = EXIT_NEGOTIATION_FAILED;
	p->counters = (struct ppp_counters){ 0 };
	p->up_since = 0;
	p->last_sent = 0;
	frame_decoder_reset(&p->decoder);
	line_test_begin(&p->line_test);
	use_defaults(p);
	ppp_set_phase(p, PHASE_ESTABLISH);
	cp_open(&p->lcp.cp);
	if (delay_ms > 0)
		timer_set(&p->delay, delay_ms * CLOCK_MS);
	else
		cp_up(&p->lcp.cp);
	ppp_leave(p);
}

void ppp_close(struct ppp *p, const char *reason, enum exit_status status)
{
	if (ppp_is_silent(p))
		return;
	ppp_enter(p);
	if (!p->close_asked) {
		p->close_asked = true;
		p->close_status = status;
		g_strlcpy(p->close_reason, reason, sizeof(p->close_reason));
	}
	ppp_leave(p);
}

void ppp_line_down(struct ppp *p)
{
	if (ppp_is_silent(p))
		return;
	ppp_enter(p);
	ppp_set_phase(p, PHASE_DEAD);
	ppp_report_down(p);
	p->gone = true;
	ppp_leave(p);
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
		.ipv6_up = p->ipv6_up,
		.peer = auth_peer(p->auth),
		.sends = ccp_send_name(p->ccp),
		.receives = ccp_receive_name(p->ccp),
		.up_since = p->up_since,
		.counters = p->counters,
	};
	if (p->ip_up)
		report->addresses = p->addresses;
	if (p->ipv6_up)
		report->identifiers = p->identifiers;
}
