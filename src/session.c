/* A session and its successors: opening the line, PPP, the end, and the next try (RFC 1661 §3.2; pppd's timers, messages and exit
 * codes). Called by main; ties line, ppp, queue and backend together. What is told of networks is in session_networks.c, how packets move in
 * transfer.c. */
#include "session_internal.h"

#include <signal.h>
#include <time.h>

#include "log.h"
#include "priv.h"

/* The least time between two tries where the last one came to nothing: a program that ends at once, a port that hangs up at once,
 * must not be tried a thousand times a second. It doubles while the line cannot be opened at all. */
#define RETRY_MIN (CLOCK_SECOND / 2)
#define RETRY_DOUBLINGS 4

static void set_state(struct session *s, enum session_state state)
{
	if (s->state == state)
		return;
	s->state = state;
	s->state_since = loop_clock(s->loop)->now;
	s->events->state(s->arg, state);
}

static void set_stage(struct session *s, enum stage stage)
{
	static const enum session_state states[] = {
		[STAGE_REST] = SESSION_IDLE,	    [STAGE_DORMANT] = SESSION_WAITING, [STAGE_OPENING] = SESSION_OPENING,
		[STAGE_LINK] = SESSION_NEGOTIATING, [STAGE_CLOSING] = SESSION_CLOSING, [STAGE_HOLDOFF] = SESSION_WAITING,
	};

	s->stage = stage;
	set_state(s, states[stage]);
}

/* A script that failed of the signal says more than the signal does (pppd: main.c). */
static bool ended_by_script(const struct session *s)
{
	return s->status == EXIT_CONNECT_FAILED || s->status == EXIT_INIT_FAILED;
}

/* How long to wait before the next try. */
static uint64_t delay_before_next(const struct session *s)
{
	uint64_t delay = s->need_holdoff ? s->config->holdoff * CLOCK_SECOND : 0;
	uint64_t least = s->was_up ? 0 : RETRY_MIN << MIN(s->failures, RETRY_DOUBLINGS);

	return s->redial ? 0 : MAX(delay, least);
}

static bool is_last(const struct session *s)
{
	const struct config *config = s->config;

	if (s->quit)
		return true;
	return !s->redial && (!config->persist || (config->maxfail > 0 && s->unsuccess >= config->maxfail));
}

static void on_hooks_ended(void *arg)
{
	struct session *s = arg;

	s->events->done(s->arg, s->status);
}

/* The last word: when no script runs any more, or as child-timeout has it. */
static void finish(struct session *s)
{
	set_stage(s, STAGE_REST);
	if (!hooks_finish(s->hooks, on_hooks_ended, s))
		s->events->done(s->arg, s->status);
}

void session_give_up(struct session *s, enum exit_status status)
{
	s->status = status;
	finish(s);
}

void session_sleep(struct session *s)
{
	set_stage(s, STAGE_DORMANT);
}

static void over(struct session *s)
{
	session_demand_discard(s);
	if (s->quit && !ended_by_script(s) && s->status != EXIT_CALLBACK)
		s->status = EXIT_USER_REQUEST;
	if (s->parked && !s->quit) {
		set_stage(s, STAGE_REST);
	} else if (is_last(s)) {
		finish(s);
	} else {
		set_stage(s, STAGE_HOLDOFF);
		timer_set(&s->holdoff, delay_before_next(s));
		s->redial = false;
	}
}

/* PPP is over, one way or another. */
static void end_link(struct session *s)
{
	log_notice("Connection terminated.");
	limits_stop(s->limits);
	hooks_cancel(s->hooks);
	if (s->named)
		hooks_run(s->hooks, HOOK_NET_DOWN);
	s->named = s->naming = false;
	session_tell_line(s, false);
	transfer_flush(s->transfer); /* the last Terminate-Ack */
	transfer_stop(s->transfer);
	set_stage(s, STAGE_CLOSING);
	line_close(s->line);
}

static unsigned connect_delay(const struct line_config *line)
{
	return line->connect || line->kind == LINE_PTY || line->kind == LINE_SOCKET ? line->connect_delay_ms : 0;
}

/* The scripts went on although they were told to end: nothing else does. */
static void close_unused(struct session *s)
{
	s->status = EXIT_USER_REQUEST;
	set_stage(s, STAGE_CLOSING);
	line_close(s->line);
}

static void start_ppp(struct session *s)
{
	log_notice("Connect: %s <--> %s", s->name, line_name(s->line));
	transfer_start(s->transfer);
	session_add_frames(&s->past, ppp_counters(s->ppp));
	ppp_start(s->ppp, connect_delay(&s->config->line));
}

static void on_named(void *arg)
{
	struct session *s = arg;

	s->naming = false;
	start_ppp(s);
}

static void on_ready(void *arg)
{
	struct session *s = arg;

	s->failures = 0;
	if (s->close_asked) {
		close_unused(s);
		return;
	}
	set_stage(s, STAGE_LINK);
	s->status = EXIT_NEGOTIATION_FAILED;
	if (line_is_fd(s->line, log_fd()))
		log_set_fd(-1);
	log_info("Using interface %s", s->name);
	session_tell_line(s, true);
	s->named = true;
	s->naming = hooks_wait(s->hooks, HOOK_NET_INIT, on_named, s);
	if (!s->naming)
		start_ppp(s);
	s->events->line_open(s->arg);
}

static void on_failed(void *arg, enum exit_status status)
{
	struct session *s = arg;

	s->status = status;
	s->failures++;
	over(s);
}

static void on_hangup(void *arg)
{
	struct session *s = arg;

	if (s->stage != STAGE_LINK)
		return;
	log_notice("Modem hangup");
	s->status = EXIT_HANGUP;
	s->need_holdoff = false;
	ppp_line_down(s->ppp);
	end_link(s);
}

static void on_closed(void *arg)
{
	struct session *s = arg;

	over(s);
}

static void on_data(void *arg, uint8_t *bytes, size_t len)
{
	struct session *s = arg;

	if (s->stage == STAGE_LINK && !s->naming)
		ppp_input(s->ppp, bytes, len);
}

static void on_writable(void *arg)
{
	struct session *s = arg;

	transfer_writable(s->transfer);
}

static const struct line_events line_events = {
	.ready = on_ready,
	.failed = on_failed,
	.data = on_data,
	.writable = on_writable,
	.hangup = on_hangup,
	.closed = on_closed,
};

static void on_echo(void *arg, uint64_t microseconds, unsigned lost)
{
	struct session *s = arg;
	const struct lcp_config *lcp = &s->config->lcp;

	if (!lcp->rtt_file)
		return;
	if (!s->rtt && !s->rtt_failed)
		s->rtt = rtt_open(lcp->rtt_file, lcp->echo_interval);
	s->rtt_failed = !s->rtt;
	if (s->rtt)
		rtt_add(s->rtt, (uint32_t)time(NULL), microseconds, lost);
}

static void on_phase(void *arg, enum ppp_phase phase)
{
	struct session *s = arg;

	if (phase <= PHASE_ESTABLISH || phase >= PHASE_TERMINATE) {
		g_clear_pointer(&s->rtt, rtt_close);
		session_unauthenticated(s);
	}
	if (s->stage == STAGE_LINK && (phase == PHASE_ESTABLISH || phase == PHASE_NETWORK))
		set_state(s, SESSION_NEGOTIATING);
	else if (s->stage == STAGE_LINK && phase == PHASE_TERMINATE)
		set_state(s, SESSION_CLOSING);
	if (phase == PHASE_RUNNING) {
		set_state(s, SESSION_UP);
		s->events->up(s->arg);
	}
}

/* Who is called back has to hang up, and wait for the call. */
static void on_finished(void *arg, enum exit_status status)
{
	struct session *s = arg;

	if (status == EXIT_CALLBACK)
		s->quit = true;
	s->status = status;
	end_link(s);
}

static const struct ppp_events ppp_events = {
	.ip = session_ip,
	.ip_up = session_ip_up,
	.ip_down = session_ip_down,
	.ipv6_up = session_ipv6_up,
	.ipv6_down = session_ipv6_down,
	.announced = session_announced,
	.authenticated = session_authenticated,
	.echo = on_echo,
	.phase = on_phase,
	.finished = on_finished,
};

/* The line and the link, at rest, as the configuration has them. */
static void make_link(struct session *s)
{
	s->line = line_new(&s->config->line, s->loop, &line_events, s);
	s->transfer = transfer_new(s->loop, s->line, s->net);
	s->ppp = ppp_new(s->config, s->secrets, s->secrets_arg, loop_clock(s->loop), &ppp_events, s, transfer_outbuf(s->transfer));
	transfer_set_ppp(s->transfer, s->ppp);
	session_set_capture(s, s->capture);
}

static void free_link(struct session *s)
{
	line_free(s->line);
	ppp_free(s->ppp);
	transfer_free(s->transfer);
}

/* A filter that is wrong is none of those that hold: the last that were right do. */
static void take_filters(struct session *s)
{
	char *why = NULL;

	if (session_set_filters(s, &why))
		return;
	log_error("%s; the filters stay as they were", why);
	g_free(why);
}

/* Another configuration waits for the line to be opened anew. */
static void take_config(struct session *s)
{
	uint64_t dropped;

	if (!s->next)
		return;
	s->config = s->next;
	s->next = NULL;
	hooks_set_config(s->hooks, s->config);
	take_filters(s);
	session_demand_configure(s);
	session_add_frames(&s->past, ppp_counters(s->ppp));
	transfer_queued(s->transfer, &(unsigned){ 0 }, &(size_t){ 0 }, &dropped);
	s->past_dropped += dropped;
	free_link(s);
	make_link(s);
}

void session_attempt(struct session *s)
{
	take_config(s);
	s->attempts++;
	set_stage(s, STAGE_OPENING);
	s->status = EXIT_CONNECT_FAILED;
	s->need_holdoff = true;
	s->rtt_failed = false;
	s->was_up = s->had_ip = s->close_asked = false;
	s->peer_config = NULL;
	s->unsuccess++;
	line_open(s->line, s->config->persist);
}

static void on_holdoff_over(void *arg)
{
	struct session *s = arg;

	if (s->demand)
		session_sleep(s);
	else
		session_attempt(s);
}

/* The peer has had its Terminate-Request, and whoever sends a second signal does not want to wait for the answer. */
static void abandon_link(struct session *s)
{
	s->status = EXIT_USER_REQUEST;
	ppp_line_down(s->ppp);
	end_link(s);
}

/* Nothing is open: the next try, or the end. */
static void end_rest(struct session *s)
{
	s->status = EXIT_USER_REQUEST;
	if (s->quit) {
		over(s);
		return;
	}
	s->parked = s->redial = false;
	session_attempt(s);
}

static void close_by_signal(struct session *s, int sig, bool again)
{
	switch (s->stage) {
	case STAGE_OPENING:
		/* A script that runs gets the signal, and dies of it or not (pppd exits 8 or goes on then); else nobody is asked. */
		s->close_asked = true;
		if (again || !line_signal(s->line, sig))
			close_unused(s);
		return;
	case STAGE_LINK:
		if (again || s->naming)
			abandon_link(s);
		else
			ppp_close(s->ppp, "User request", EXIT_USER_REQUEST);
		return;
	case STAGE_CLOSING:
		line_signal(s->line, sig);
		return;
	case STAGE_HOLDOFF:
		timer_stop(&s->holdoff);
		end_rest(s);
		return;
	case STAGE_DORMANT:
		if (s->quit)
			end_rest(s);
		return;
	case STAGE_REST:
		if (s->parked)
			end_rest(s);
		else
			hooks_hurry(s->hooks);
		return;
	}
}

void session_signal(struct session *s, int sig)
{
	bool again = s->quit;

	if (sig == SIGHUP) {
		log_info("Hangup (SIGHUP)");
	} else {
		log_info("Terminating on signal %d", sig);
		s->quit = true;
	}
	s->need_holdoff = false;
	close_by_signal(s, sig, again);
}

void session_reopen_ccp(struct session *s)
{
	if (s->stage == STAGE_LINK)
		ppp_reopen_ccp(s->ppp);
}

void session_hangup(struct session *s)
{
	log_info("Hanging up on request");
	s->redial = false;
	s->need_holdoff = false;
	if (!s->config->persist) {
		s->quit = true;
		close_by_signal(s, SIGTERM, false);
		return;
	}
	s->parked = true;
	if (s->stage == STAGE_HOLDOFF || s->stage == STAGE_DORMANT) {
		timer_stop(&s->holdoff);
		set_stage(s, STAGE_REST);
	} else if (s->stage != STAGE_REST) {
		close_by_signal(s, SIGHUP, false);
	}
}

void session_redial(struct session *s)
{
	log_info("Dialling again on request");
	s->parked = false;
	s->need_holdoff = false;
	s->redial = true;
	if (s->stage <= STAGE_DORMANT || s->stage == STAGE_HOLDOFF) {
		timer_stop(&s->holdoff);
		end_rest(s);
	} else if (s->stage != STAGE_CLOSING) {
		close_by_signal(s, SIGHUP, false);
	}
}

bool session_configure(struct session *s, const struct config *config, char **why)
{
	if (!net_configure(s->net, &config->net, why))
		return false;
	s->next = config;
	return true;
}

/* pppN, the name that messages, the pid file and hooks use: the interface's own where there is one. */
static void choose_name(struct session *s)
{
	const struct net_config *config = &s->config->net;
	const char *ifname = net_ifname(s->net);

	if (!ifname)
		ifname = config->ifname;
	if (ifname)
		g_strlcpy(s->name, ifname, sizeof(s->name));
	else
		g_snprintf(s->name, sizeof(s->name), "ppp%d", config->unit >= 0 ? config->unit : priv_free_unit());
}

static void write_pid_files(struct session *s)
{
	priv_write_pid(s->name, NULL);
	if (!s->config->linkname)
		return;
	s->link_name = g_strdup_printf("ppp-%s", s->config->linkname);
	priv_write_pid(s->link_name, s->name);
}

struct session *session_new(const struct config *config, const struct secrets *secrets, void *secrets_arg, struct loop *loop,
			    const struct session_events *events, void *arg)
{
	struct session *s = g_new0(struct session, 1);

	s->config = config;
	s->secrets = secrets;
	s->secrets_arg = secrets_arg;
	s->loop = loop;
	s->events = events;
	s->arg = arg;
	s->status = EXIT_OK;
	char *why = NULL;
	if (!session_open_networks(s, &why)) {
		log_error("%s", why);
		g_free(why);
	} else {
		s->net = net_open(config, loop, &session_net_events, s);
	}
	if (!s->net) {
		session_free_networks(s);
		g_free(s);
		return NULL;
	}
	choose_name(s);
	make_link(s); /* after the backend: what that gives out at the end of a round is then written in the same one */
	timer_init(&s->holdoff, loop_clock(loop), on_holdoff_over, s);
	write_pid_files(s);
	return s;
}

void session_free(struct session *s)
{
	timer_stop(&s->holdoff);
	free_link(s);
	session_free_networks(s);
	g_clear_pointer(&s->rtt, rtt_close);
	net_close(s->net);
	priv_remove_pid(s->name);
	if (s->link_name)
		priv_remove_pid(s->link_name);
	g_free(s->link_name);
	g_free(s);
}

void session_start(struct session *s)
{
	if (!session_demand_start(s))
		session_attempt(s);
}
