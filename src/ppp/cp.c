/* One control protocol: packets (RFC 1661 §5), restart timer and counters (§4.6) around the automaton. ppp.c gives it
 * packets, events and a way to send; lcp.c and ipcp.c are protocols.
 *
 * Theory of operation. Whatever happens becomes an event of the automaton, which sets the next state and names actions; each
 * action is a function here. What an action needs from the packet that caused it is in cp->in and, for the answer to a
 * Configure-Request, cp->reply. Where pppd and the RFC differ in what a peer can see, this does as pppd: a request that is
 * repeated keeps its identifier, only the first answer to a request counts, and a silent or passive protocol waits in
 * Stopped. */
#include "ppp/cp.h"

#include <glib.h>
#include <string.h>

#include "log.h"

static void event(struct cp *cp, enum automaton_event what);

static bool negotiating(const struct cp *cp)
{
	return cp->state == STATE_REQ_SENT || cp->state == STATE_ACK_RCVD || cp->state == STATE_ACK_SENT;
}

/* States in which the Restart timer runs (§4.2). */
static bool timed(const struct cp *cp)
{
	return negotiating(cp) || cp->state == STATE_CLOSING || cp->state == STATE_STOPPING;
}

uint8_t cp_next_id(struct cp *cp)
{
	return ++cp->id;
}

size_t cp_room(const struct cp *cp)
{
	return MIN(cp->peer_mru, cp->size);
}

void cp_send(struct cp *cp, uint8_t code, uint8_t id, const void *data, size_t len)
{
	struct writer w = writer_new(cp->packet, cp->size);

	len = MIN(len, cp_room(cp) - CP_HEADER);
	writer_u8(&w, code);
	writer_u8(&w, id);
	writer_u16(&w, (uint16_t)(len + CP_HEADER));
	writer_bytes(&w, data, len);
	cp->host->send(cp->host_arg, cp->protocol->number, cp->packet, writer_len(&w));
}

static void start_timer(struct cp *cp)
{
	timer_set(&cp->restart, MAX(cp->limits->restart, 1) * CLOCK_SECOND);
}

static void reset(struct cp *cp)
{
	cp->naks_sent = cp->naks_received = 0;
	cp->dropped = 0;
	cp->renew = false;
	cp->reason[0] = '\0';
	cp->protocol->reset(cp);
}

static void restart_expired(void *arg)
{
	struct cp *cp = arg;

	cp->host->enter(cp->host_arg);
	if (cp->restart_counter > 0) {
		cp->fresh = !negotiating(cp);
		event(cp, EVENT_TO_PLUS);
	} else {
		if (negotiating(cp))
			log_warn("%s: timeout sending Config-Requests", cp->protocol->name);
		cp->waiting = negotiating(cp) && cp->passive;
		event(cp, EVENT_TO_MINUS);
	}
	cp->host->leave(cp->host_arg);
}

/* The actions of §4.4. */

static void this_layer_down(struct cp *cp)
{
	cp->protocol->down(cp);
}

static void zero_restart_count(struct cp *cp)
{
	cp->restart_counter = 0;
	start_timer(cp);
}

static void send_configure_request(struct cp *cp)
{
	if (cp->fresh) {
		cp_options_ask(cp);
		cp->request_id = cp_next_id(cp);
	}
	cp->fresh = true;
	cp->answered = false;
	if (cp->restart_counter > 0)
		cp->restart_counter--;
	start_timer(cp);
	cp_send(cp, CONFIGURE_REQUEST, cp->request_id, cp->request, cp->request_len);
}

static void send_reply(struct cp *cp)
{
	cp_send(cp, cp->reply_code, cp->in.id, cp->reply, cp->reply_len);
}

static void send_terminate_request(struct cp *cp)
{
	if (cp->restart_counter > 0)
		cp->restart_counter--;
	start_timer(cp);
	cp_send(cp, TERMINATE_REQUEST, cp_next_id(cp), cp->reason, strlen(cp->reason));
}

static void send_terminate_ack(struct cp *cp)
{
	cp_send(cp, TERMINATE_ACK, cp->in.id, NULL, 0);
}

static void send_code_reject(struct cp *cp)
{
	struct reader whole = cp->in.whole;
	size_t len = reader_left(&whole);

	cp_send(cp, CODE_REJECT, cp_next_id(cp), reader_bytes(&whole, len), len);
}

static void send_echo_reply(struct cp *cp)
{
	if (cp->protocol->echo_reply)
		cp->protocol->echo_reply(cp);
}

static void this_layer_up(struct cp *cp)
{
	cp->naks_sent = cp->naks_received = 0;
	cp->protocol->up(cp);
}

static void this_layer_finished(struct cp *cp)
{
	if (!cp->waiting)
		cp->protocol->finished(cp);
}

static const struct {
	enum automaton_action action;
	void (*run)(struct cp *cp);
} actions[] = {
	{ ACTION_TLD, this_layer_down },
	{ ACTION_ZRC, zero_restart_count },
	{ ACTION_SCR, send_configure_request },
	{ ACTION_SCA, send_reply },
	{ ACTION_SCN, send_reply },
	{ ACTION_STR, send_terminate_request },
	{ ACTION_STA, send_terminate_ack },
	{ ACTION_SCJ, send_code_reject },
	{ ACTION_SER, send_echo_reply },
	{ ACTION_TLU, this_layer_up },
	{ ACTION_TLF, this_layer_finished },
};

static void act(void *arg, enum automaton_action one)
{
	struct cp *cp = arg;

	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
		if (actions[i].action == one)
			actions[i].run(cp);
	}
}

/* irc: the count is that of the packets which the same cell, or the state that it leads to, sends. */
static void initialize_restart_count(struct cp *cp, unsigned bits)
{
	if (bits & ACTION_IRC)
		cp->restart_counter = bits & ACTION_STR ? cp->limits->max_terminate : cp->limits->max_configure;
}

static void event(struct cp *cp, enum automaton_event what)
{
	struct automaton_cell cell = automaton_look(cp->state, what);
	bool judged = what == EVENT_RCR_PLUS || what == EVENT_RCR_MINUS;

	if (!cell.legal) {
		log_dbg("%s: event %d cannot happen in state %s", cp->protocol->name, (int)what, automaton_state_name(cp->state));
		return;
	}
	if ((cell.actions & ACTION_SCR) && !negotiating(cp) && !judged)
		reset(cp);
	initialize_restart_count(cp, cell.actions);
	cp->state = cell.next;
	if (!timed(cp))
		timer_stop(&cp->restart);
	automaton_act(cell, act, cp);
}

void cp_init(struct cp *cp, const struct cp_protocol *protocol, const struct cp_limits *limits, struct clock *clock, size_t size,
	     const struct cp_host *host, void *host_arg)
{
	cp->protocol = protocol;
	cp->limits = limits;
	cp->host = host;
	cp->host_arg = host_arg;
	cp->size = size;
	cp->reply = g_malloc(size);
	cp->packet = g_malloc(size);
	cp->state = STATE_INITIAL;
	cp->peer_mru = CONFIG_DEFAULT_MRU;
	cp->fresh = true;
	timer_init(&cp->restart, clock, restart_expired, cp);
}

void cp_free(struct cp *cp)
{
	timer_stop(&cp->restart);
	g_free(cp->reply);
	g_free(cp->packet);
}

void cp_halt(struct cp *cp)
{
	timer_stop(&cp->restart);
	cp->state = STATE_INITIAL;
	cp->waiting = false;
	cp->fresh = true;
}

/* Silent: where the table would begin to send requests, wait in Stopped for the peer to. */
static bool stay_silent(struct cp *cp, enum automaton_state from)
{
	if (!cp->silent || cp->state != from)
		return false;
	cp->state = STATE_STOPPED;
	cp->waiting = true;
	return true;
}

void cp_open(struct cp *cp)
{
	if (!stay_silent(cp, STATE_CLOSED))
		event(cp, EVENT_OPEN);
}

void cp_up(struct cp *cp)
{
	if (!stay_silent(cp, STATE_STARTING))
		event(cp, EVENT_UP);
}

void cp_down(struct cp *cp)
{
	cp->waiting = false;
	if (cp->state != STATE_INITIAL && cp->state != STATE_STARTING)
		event(cp, EVENT_DOWN);
}

void cp_close(struct cp *cp, const char *reason)
{
	bool waited = cp->waiting && cp->state == STATE_STOPPED;

	cp->waiting = false;
	g_strlcpy(cp->reason, reason, sizeof(cp->reason));
	event(cp, EVENT_CLOSE);
	if (waited)
		cp->protocol->finished(cp);
}

void cp_echo_requested(struct cp *cp)
{
	event(cp, EVENT_RXR);
}

void cp_protocol_rejected(struct cp *cp)
{
	if (cp->state != STATE_INITIAL && cp->state != STATE_STARTING)
		event(cp, EVENT_RXJ_MINUS);
}

/* What a packet of each code does. */

static void got_configure_request(struct cp *cp)
{
	bool answer = negotiating(cp) || cp->state == STATE_STOPPED || cp->state == STATE_OPENED;

	if (!answer) {
		event(cp, EVENT_RCR_PLUS);
		return;
	}
	if (reader_left(&cp->in.whole) > cp_room(cp)) {
		log_dbg("%s: Configure-Request larger than its answer may be discarded", cp->protocol->name);
		return;
	}
	if (!negotiating(cp))
		reset(cp);
	cp->waiting = false;
	cp_options_judge(cp, cp->in.data);
	if (cp->renew && negotiating(cp))
		event(cp, EVENT_RCN);
	cp->renew = false;
	event(cp, cp->reply_code == CONFIGURE_ACK ? EVENT_RCR_PLUS : EVENT_RCR_MINUS);
}

static void print_bad(const struct cp *cp, const char *what)
{
	GString *text = g_string_new(NULL);
	struct reader whole = cp->in.whole;
	size_t len = reader_left(&whole);

	print_packet(text, cp->protocol->number, reader_bytes(&whole, len), len, false);
	log_error("Received bad configure-%s: %s", what, text->str);
	g_string_free(text, TRUE);
}

/* §5.2 to §5.4: an answer that is not to the last request, or a second one, is silently discarded. */
static bool answers(const struct cp *cp)
{
	return cp->in.id == cp->request_id && !cp->answered;
}

static void got_configure_ack(struct cp *cp)
{
	if (!answers(cp))
		return;
	if (!cp_options_acked(cp, cp->in.data)) {
		print_bad(cp, "ack");
		return;
	}
	cp->answered = true;
	cp->naks_received = 0;
	if (cp->protocol->acked)
		cp->protocol->acked(cp);
	event(cp, EVENT_RCA);
}

static void got_configure_nak(struct cp *cp)
{
	if (!answers(cp))
		return;
	cp->naks_received++;
	if (!cp_options_nakked(cp, cp->in.data)) {
		print_bad(cp, "nak");
		return;
	}
	cp->answered = true;
	if (cp->protocol->nakked)
		cp->protocol->nakked(cp);
	event(cp, EVENT_RCN);
}

static void got_configure_reject(struct cp *cp)
{
	if (!answers(cp))
		return;
	cp->naks_received = 0;
	if (!cp_options_rejected(cp, cp->in.data)) {
		print_bad(cp, "rej");
		return;
	}
	cp->answered = true;
	if (cp->protocol->rejected)
		cp->protocol->rejected(cp);
	event(cp, EVENT_RCN);
}

static void got_terminate_request(struct cp *cp)
{
	struct reader text = cp->in.data;

	if (cp->state == STATE_OPENED && reader_left(&text) > 0) {
		GString *s = g_string_new(NULL);
		print_visible(s, &text);
		log_info("%s terminated by peer (%s)", cp->protocol->name, s->str);
		g_string_free(s, TRUE);
	} else if (cp->state == STATE_OPENED) {
		log_info("%s terminated by peer", cp->protocol->name);
	}
	event(cp, EVENT_RTR);
}

static void got_terminate_ack(struct cp *cp)
{
	event(cp, EVENT_RTA);
}

/* §5.6: without one of the codes that every implementation knows, there is no going on. */
static void got_code_reject(struct cp *cp)
{
	struct reader data = cp->in.data;
	uint8_t code = reader_u8(&data);
	uint8_t id = reader_u8(&data);

	if (reader_left(&data) < CP_HEADER - 2)
		return;
	log_warn("%s: Rcvd Code-Reject for code %d, id %d", cp->protocol->name, code, id);
	if (code >= CONFIGURE_REQUEST && code <= CODE_REJECT) {
		event(cp, EVENT_RXJ_MINUS);
		return;
	}
	if (cp->protocol->code_rejected)
		cp->protocol->code_rejected(cp, code);
	event(cp, EVENT_RXJ_PLUS);
}

static void got_other(struct cp *cp)
{
	if (!cp->protocol->extra || !cp->protocol->extra(cp, &cp->in))
		event(cp, EVENT_RUC);
}

static void (*const handlers[])(struct cp *cp) = {
	[CONFIGURE_REQUEST] = got_configure_request,
	[CONFIGURE_ACK] = got_configure_ack,
	[CONFIGURE_NAK] = got_configure_nak,
	[CONFIGURE_REJECT] = got_configure_reject,
	[TERMINATE_REQUEST] = got_terminate_request,
	[TERMINATE_ACK] = got_terminate_ack,
	[CODE_REJECT] = got_code_reject,
};

static void handle(struct cp *cp)
{
	enum automaton_state before = cp->state;
	uint8_t code = cp->in.code;

	if (code < G_N_ELEMENTS(handlers) && handlers[code])
		handlers[code](cp);
	else
		got_other(cp);
	if (cp->protocol->handled)
		cp->protocol->handled(cp, before);
}

void cp_input(struct cp *cp, const uint8_t *packet, size_t len)
{
	struct reader r = reader_new(packet, len);
	struct cp_packet in = { .code = reader_u8(&r), .id = reader_u8(&r) };
	uint16_t length = reader_u16(&r);

	if (!reader_ok(&r) || length < CP_HEADER || length - CP_HEADER > (int)reader_left(&r)) {
		log_dbg("%s: malformed packet discarded", cp->protocol->name);
		return;
	}
	if (cp->state == STATE_INITIAL || cp->state == STATE_STARTING) {
		log_dbg("%s: packet discarded in state %s", cp->protocol->name, automaton_state_name(cp->state));
		return;
	}
	in.data = reader_sub(&r, (size_t)length - CP_HEADER);
	in.whole = reader_new(packet, length);
	cp->in = in;
	handle(cp);
}
