/* What a session tells of itself: to the control socket, and to a capture. */
#include "session_internal.h"

#include "net/net.h"
#include "ppp/ppp.h"

const char *session_state_name(enum session_state state)
{
	static const char *const names[SESSION_STATES] = {
		[SESSION_IDLE] = "idle",       [SESSION_OPENING] = "opening", [SESSION_NEGOTIATING] = "negotiating",
		[SESSION_UP] = "up",           [SESSION_CLOSING] = "closing", [SESSION_WAITING] = "waiting",
	};

	return names[state];
}

void session_add_traffic(struct ppp_counters *sum, const struct ppp_counters *c)
{
	sum->packets_in += c->packets_in;
	sum->bytes_in += c->bytes_in;
	sum->packets_out += c->packets_out;
	sum->bytes_out += c->bytes_out;
}

void session_add_frames(struct ppp_counters *sum, const struct ppp_counters *c)
{
	sum->frames_in += c->frames_in;
	sum->frames_out += c->frames_out;
	sum->errors_fcs += c->errors_fcs;
	sum->errors_runt += c->errors_runt;
	sum->errors_giant += c->errors_giant;
	sum->errors_abort += c->errors_abort;
	sum->out_dropped += c->out_dropped;
}

const struct config *session_config(const struct session *s)
{
	return s->config;
}

struct net *session_net(const struct session *s)
{
	return s->net;
}

static void on_frame(void *arg, bool sent, uint16_t protocol, const uint8_t *payload, size_t len)
{
	struct session *s = arg;

	capture_frame(s->capture, sent, protocol, payload, len);
}

void session_set_capture(struct session *s, struct capture *capture)
{
	s->capture = capture;
	ppp_set_tap(s->ppp, capture ? on_frame : NULL, s);
}

/* What was asked for, until the line has told its name. */
static const char *name_of_line(const struct session *s)
{
	const struct line_config *line = &s->config->line;
	const char *const asked[] = { [LINE_TTY] = line->device, [LINE_PTY] = line->pty, [LINE_SOCKET] = line->socket, [LINE_NOTTY] = NULL };
	const char *name = line_name(s->line);

	if (name[0] == '\0' && asked[line->kind])
		return asked[line->kind];
	return name;
}

void session_report(const struct session *s, struct session_report *report)
{
	uint64_t now = loop_clock(s->loop)->now;

	*report = (struct session_report){
		.state = s->state,
		.since = now - s->state_since,
		.retry_in = s->holdoff.armed ? s->holdoff.due - MIN(now, s->holdoff.due) : CLOCK_NEVER,
		.name = s->name,
		.line = name_of_line(s),
		.rate = line_rate(s->line),
		.attempts = s->attempts,
		.status = s->status,
	};
	ppp_get_report(s->ppp, &report->ppp);
	struct ppp_counters sum = s->past;
	session_add_frames(&sum, &report->ppp.counters);
	if (report->ppp.ip_up)
		session_add_traffic(&sum, &report->ppp.counters);
	report->ppp.counters = sum;
	transfer_queued(s->transfer, &report->queue_packets, &report->queue_bytes, &report->queue_dropped);
	report->queue_dropped += s->past_dropped;
}
