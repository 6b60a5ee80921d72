/* What follows once LCP is up: authentication's end, callback, CCP, and the networks (IPCP, IPV6CP). Part of ppp.c's room: its theory of
 * operation holds here. */
#include "ppp/ppp_internal.h"

#include <glib.h>

/* The control protocols of networks, and CCP. */

#define CONTROLS 3

/* In the order in which pppd opens them. */
static unsigned list_controls(struct ppp *p, struct cp *list[CONTROLS])
{
	unsigned n = 0;

	if (p->config->ccp.enabled)
		list[n++] = ccp_cp(p->ccp);
	if (p->config->ipcp.enabled)
		list[n++] = &p->ipcp.cp;
	if (p->config->ipv6cp.enabled)
		list[n++] = &p->ipv6cp.cp;
	return n;
}

struct cp *ppp_find_control(struct ppp *p, uint16_t protocol)
{
	struct cp *list[CONTROLS];
	unsigned n = list_controls(p, list);

	for (unsigned i = 0; i < n; i++)
		if (list[i]->protocol->number == protocol)
			return list[i];
	return NULL;
}

static void report_ip_down(struct ppp *p)
{
	if (!p->ip_up)
		return;
	p->ip_up = false;
	p->held = NULL;
	ppp_stop_vj(p);
	p->events->ip_down(p->arg);
}

static void report_ipv6_down(struct ppp *p)
{
	if (!p->ipv6_up)
		return;
	p->ipv6_up = false;
	p->events->ipv6_down(p->arg);
}

/* In this order IPv4's end, with its statistics, comes last. */
void ppp_report_down(struct ppp *p)
{
	report_ipv6_down(p);
	report_ip_down(p);
}

/* What was proved holds no longer. */
void ppp_end_auth(struct ppp *p)
{
	ipcp_set_rights(&p->ipcp, NULL, NULL);
	ccp_forget_keys(p->ccp);
	auth_end(p->auth);
	cbcp_end(&p->cbcp);
	p->networks = 0;
	p->held = NULL;
}

void ppp_hold(struct ppp *p)
{
	p->held = p->resume;
}

void ppp_go_on(struct ppp *p)
{
	void (*held)(struct ppp *p) = p->held;

	p->held = NULL;
	if (!held || ppp_is_silent(p))
		return;
	ppp_enter(p);
	held(p);
	ppp_leave(p);
}

/* Networks. */

/* The address column is about IPv4; but who may have no address at all has no business on IPv6, either. */
static bool may_open_ipv6(const struct ppp *p)
{
	const struct rights *rights = auth_rights(p->auth);

	return p->config->ipv6cp.enabled && (!rights || rights_let_an_address(rights));
}

static void open_networks(struct ppp *p)
{
	bool six = may_open_ipv6(p);

	p->networks = (unsigned)p->config->ipcp.enabled + six;
	if (p->networks == 0)
		ppp_close_link(p, "No network protocols running", p->status);
	if (p->config->ipcp.enabled)
		cp_open(&p->ipcp.cp);
	if (six)
		cp_open(&p->ipv6cp.cp);
}

static bool open_ccp(struct ppp *p)
{
	unsigned method;
	bool twice;
	const struct mppe_keys *keys = auth_mppe_keys(p->auth, &method, &twice);

	if (!ccp_set_keys(p->ccp, keys, method, twice))
		return false;
	cp_open(ccp_cp(p->ccp));
	return true;
}

static void tell_authenticated(struct ppp *p)
{
	const struct rights *rights = auth_rights(p->auth);

	p->held = NULL;
	if (p->events->authenticated)
		p->events->authenticated(p->arg, auth_peer(p->auth), rights ? rights->options : NULL);
	ipcp_set_rights(&p->ipcp, rights, p->config->auth.allow_ip);
}

/* Where MPPE is required, the networks wait until it is there. */
static void begin_networks(struct ppp *p)
{
	struct cp *list[CONTROLS];
	unsigned n = list_controls(p, list);

	if (p->close_asked)
		return;
	for (unsigned i = 0; i < n; i++)
		cp_up(list[i]);
	if (p->config->ccp.enabled && !open_ccp(p))
		return;
	if (!p->config->ccp.enabled || !ccp_must_encrypt(p->ccp))
		open_networks(p);
}

static void start_networks(struct ppp *p)
{
	ppp_set_phase(p, PHASE_NETWORK);
	p->resume = begin_networks;
	tell_authenticated(p);
	if (!ppp_is_silent(p) && !p->held)
		begin_networks(p);
}

static bool ipcp_is_pending(const struct ppp *p)
{
	return p->ipcp.cp.state >= STATE_REQ_SENT && p->ipcp.cp.state < STATE_OPENED;
}

/* As pppd, the link runs as soon as one network is up; but IPv6, which is there at once, waits for what IPv4 comes to: whoever waits for the
 * link most often means that. */
static void judge_phase(struct ppp *p)
{
	bool six = p->ipv6_up && (p->phase == PHASE_RUNNING || !ipcp_is_pending(p));

	if (p->phase == PHASE_NETWORK || p->phase == PHASE_RUNNING)
		ppp_set_phase(p, p->ip_up || six ? PHASE_RUNNING : PHASE_NETWORK);
}

static void network_finished(struct ppp *p)
{
	judge_phase(p);
	if (p->networks > 0 && --p->networks == 0 && p->lcp.cp.state == STATE_OPENED)
		ppp_close_link(p, "No network protocols running", p->status);
}

/* What authentication and callback tell. */

static void auth_done(void *arg)
{
	struct ppp *p = arg;

	if (!p->lcp.callback) {
		start_networks(p);
		return;
	}
	ppp_set_phase(p, PHASE_CALLBACK);
	cbcp_begin(&p->cbcp);
}

static void auth_failed(void *arg, const char *reason, enum exit_status status)
{
	ppp_close_link(arg, reason, status);
}

static const struct auth_events auth_events = {
	.send = ppp_send_control,
	.enter = ppp_enter,
	.leave = ppp_leave,
	.done = auth_done,
	.failed = auth_failed,
};

void ppp_no_callback(void *arg)
{
	struct ppp *p = arg;

	cbcp_end(&p->cbcp);
	start_networks(p);
}

static void call_back(void *arg)
{
	ppp_close_link(arg, "Call me back, please", EXIT_CALLBACK);
}

static const struct cbcp_events cbcp_events = { .send = ppp_send_control, .go_on = ppp_no_callback, .call_back = call_back };

/* What IPCP and IPV6CP tell. */

static void start_counting(struct ppp *p)
{
	p->counters.packets_in = p->counters.bytes_in = 0;
	p->counters.packets_out = p->counters.bytes_out = 0;
	p->up_since = MAX(p->clock->now, 1);
}

static uint16_t mtu(const struct ppp *p)
{
	return (uint16_t)(p->mtu - ccp_overhead(p->ccp));
}

static void tell_announced(struct ppp *p, bool six)
{
	judge_phase(p);
	if (p->events->announced && !ppp_is_silent(p))
		p->events->announced(p->arg, six);
}

static void announce_ip(struct ppp *p)
{
	if (p->close_asked)
		return;
	ipcp_announce(&p->ipcp);
	tell_announced(p, false);
}

static void ipcp_up(void *arg)
{
	struct ppp *p = arg;

	if (ppp_is_silent(p))
		return;
	p->addresses = (struct ppp_addresses){
		.local = p->ipcp.final_local,
		.remote = p->ipcp.final_remote,
		.peer_dns = { ipcp_peer_dns(&p->ipcp, 0), ipcp_peer_dns(&p->ipcp, 1) },
		.peer_wins = { ipcp_peer_wins(&p->ipcp, 0), ipcp_peer_wins(&p->ipcp, 1) },
		.mtu = mtu(p),
	};
	start_counting(p);
	ppp_start_vj(p);
	p->status = EXIT_OK;
	p->ip_up = true;
	p->resume = announce_ip;
	p->events->ip_up(p->arg, &p->addresses);
	if (!ppp_is_silent(p) && !p->held)
		announce_ip(p);
}

static void ipcp_down(void *arg)
{
	struct ppp *p = arg;

	report_ip_down(p);
	judge_phase(p);
}

static void ipcp_finished(void *arg)
{
	network_finished(arg);
}

static const struct ipcp_events ipcp_events = { .up = ipcp_up, .down = ipcp_down, .finished = ipcp_finished };

static void ipv6cp_up(void *arg)
{
	struct ppp *p = arg;

	if (ppp_is_silent(p))
		return;
	p->identifiers = (struct ppp_identifiers){ .local = p->ipv6cp.final_local, .remote = p->ipv6cp.final_remote, .mtu = mtu(p) };
	if (!p->ip_up)
		start_counting(p);
	p->status = EXIT_OK;
	p->ipv6_up = true;
	p->events->ipv6_up(p->arg, &p->identifiers);
	if (ppp_is_silent(p) || p->close_asked)
		return;
	ipv6cp_announce(&p->ipv6cp);
	tell_announced(p, true);
}

static void ipv6cp_down(void *arg)
{
	struct ppp *p = arg;

	report_ipv6_down(p);
	judge_phase(p);
}

static const struct ipcp_events ipv6cp_events = { .up = ipv6cp_up, .down = ipv6cp_down, .finished = ipcp_finished };

/* What CCP tells. */

static void ccp_is_up(void *arg)
{
	struct ppp *p = arg;

	if (ccp_must_encrypt(p->ccp) && p->networks == 0)
		open_networks(p);
}

/* Data goes on as it is; where it must not, CCP says so with failed(). */
static void ccp_is_down(void *arg)
{
	(void)arg;
}

static void ccp_failed(void *arg, const char *reason, enum exit_status status)
{
	ppp_close_link(arg, reason, status);
}

static const struct ccp_events ccp_events = { .up = ccp_is_up, .down = ccp_is_down, .finished = ccp_is_down, .failed = ccp_failed };

void ppp_reopen_ccp(struct ppp *p)
{
	struct cp *ccp = ccp_cp(p->ccp);

	if (ppp_is_silent(p) || !p->config->ccp.enabled || p->phase < PHASE_NETWORK || p->phase > PHASE_RUNNING)
		return;
	ppp_enter(p);
	ccp->silent = false;
	if (ccp->state == STATE_OPENED || ccp->state == STATE_STOPPED) {
		cp_down(ccp);
		cp_up(ccp);
	} else {
		cp_open(ccp);
	}
	ppp_leave(p);
}

/* The beginning and the end. */

void ppp_init_networks(struct ppp *p, const struct secrets *secrets, void *secrets_arg, size_t size)
{
	const struct config *config = p->config;
	unsigned unit = config->net.unit > 0 ? (unsigned)config->net.unit : 0;

	p->auth = auth_new(&config->auth, secrets ? secrets : &secrets_none, secrets_arg, p->clock, &auth_events, p);
	p->lcp.auth = p->auth;
	cbcp_init(&p->cbcp, config->lcp.callback, &cbcp_events, p);
	p->ccp = ccp_new(&config->ccp, p->clock, size, size, &ppp_cp_host, p, &ccp_events, p);
	ipcp_init(&p->ipcp, &config->ipcp, unit, p->clock, size, &ppp_cp_host, p, &ipcp_events, p);
	ipv6cp_init(&p->ipv6cp, &config->ipv6cp, config->ipcp.local, config->ipcp.remote, config->auth.remote_number, p->clock, size,
		    &ppp_cp_host, p, &ipv6cp_events, p);
}

void ppp_halt_networks(struct ppp *p)
{
	cp_halt(&p->ipcp.cp);
	cp_halt(&p->ipv6cp.cp);
	cp_halt(ccp_cp(p->ccp));
	ppp_end_auth(p);
}

void ppp_free_networks(struct ppp *p)
{
	ppp_stop_vj(p);
	auth_free(p->auth);
	ipcp_free(&p->ipcp);
	ipv6cp_free(&p->ipv6cp);
	ccp_free(p->ccp);
}

/* LCP is down. */
void ppp_stop_networks(struct ppp *p)
{
	struct cp *list[CONTROLS];
	unsigned n = list_controls(p, list);

	ppp_end_auth(p);
	for (unsigned i = 0; i < n; i++) {
		cp_down(list[i]);
		cp_close(list[i], "LCP down");
	}
}
