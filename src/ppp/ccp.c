/* The Compression Control Protocol (RFC 1962) beyond its options: what runs from when to when, and what pppd says of it. Called by ppp.c
 * and, as a protocol, by cp.c.
 *
 * Theory of operation. Each direction has its own method. The peer may send with ours from the moment that it acknowledges our request
 * (as Linux does), though the other direction is still being talked about: so the receiver runs from then on, and the sender from when
 * the protocol is up. Both stop when it goes down. Where MPPE is required, everything that does not end in two encrypted directions ends
 * the link; that is told by a timer that is due at once, so that it happens when the packet at hand is done with. */
#include "ppp/ccp.h"

#include <glib.h>
#include <string.h>

#include "log.h"
#include "ppp/ccp_internal.h"
#include "ppp/ppp.h"

#define NEGOTIATION_FAILED "MPPE required but peer negotiation failed"

static struct ccp *ccp_of(struct cp *cp)
{
	return (struct ccp *)cp;
}

struct cp *ccp_cp(struct ccp *ccp)
{
	return &ccp->cp;
}

/* Failing. */

static void tell_failure(struct ccp *ccp)
{
	timer_stop(&ccp->failing);
	ccp->events->failed(ccp->arg, ccp->failure, EXIT_NEGOTIATION_FAILED);
}

static void failing_expired(void *arg)
{
	struct ccp *ccp = arg;

	if (ccp->cp.state == STATE_INITIAL || ccp->cp.state == STATE_STARTING)
		return;
	ccp->cp.host->enter(ccp->cp.host_arg);
	tell_failure(ccp);
	ccp->cp.host->leave(ccp->cp.host_arg);
}

static void fail_loudly(struct ccp *ccp, const char *reason)
{
	if (!ccp->failure)
		log_error("%s", reason);
	ccp_fail(ccp, reason);
}

/* Up and down. */

static void acked(struct cp *cp)
{
	struct ccp *ccp = ccp_of(cp);
	struct ccp_choice choice = ccp_first_asked(ccp);

	ccp->trouble = COMP_OK;
	ccp_start(ccp, &ccp->receiver, &choice);
}

static void announce(const struct ccp *ccp)
{
	const struct ccp_choice *in = &ccp->receiver.choice, *out = &ccp->sender.choice;
	char name[CCP_NAME_MAX];

	if (in->type != 0 && in->type == out->type) {
		ccp_method_name(name, in, out);
		log_notice("%s compression enabled", name);
	} else if (in->type != 0 && out->type != 0) {
		log_notice("%s / %s compression enabled", ccp->receiver.name, ccp->sender.name);
	} else if (in->type != 0) {
		log_notice("%s receive compression enabled", ccp->receiver.name);
	} else if (out->type != 0) {
		log_notice("%s transmit compression enabled", ccp->sender.name);
	}
}

static bool encrypts(const struct ccp_way *way)
{
	return way->comp && way->method->encrypts;
}

static void up(struct cp *cp)
{
	struct ccp *ccp = ccp_of(cp);

	ccp_start(ccp, &ccp->sender, &ccp->peer);
	if (ccp_must_encrypt(ccp) && !(encrypts(&ccp->sender) && encrypts(&ccp->receiver))) {
		fail_loudly(ccp, NEGOTIATION_FAILED);
		return;
	}
	announce(ccp);
	if (!ccp->sender.comp && !ccp->receiver.comp)
		return;
	ccp->told_up = true;
	ccp->events->up(ccp->arg);
}

/* Whoever closes it, or takes the line away, knows what for. */
static bool is_unexpected(const struct ccp *ccp)
{
	return ccp->cp.state > STATE_STARTING && ccp->cp.state != STATE_CLOSING;
}

static void down(struct cp *cp)
{
	struct ccp *ccp = ccp_of(cp);

	timer_stop(&ccp->reset);
	ccp_stop(&ccp->sender);
	ccp_stop(&ccp->receiver);
	if (ccp_must_encrypt(ccp) && is_unexpected(ccp))
		fail_loudly(ccp, "MPPE disabled");
	if (!ccp->told_up)
		return;
	ccp->told_up = false;
	ccp->events->down(ccp->arg);
}

static void finished(struct cp *cp)
{
	struct ccp *ccp = ccp_of(cp);

	if (ccp_must_encrypt(ccp) && cp->state == STATE_STOPPED)
		fail_loudly(ccp, NEGOTIATION_FAILED);
	if (ccp->failing.armed)
		tell_failure(ccp);
	ccp->events->finished(ccp->arg);
}

/* What pppd does after certain packets. */

static bool wants_nothing(const struct cp *cp)
{
	return (cp->asked & ~cp->dropped) == 0;
}

static void request_handled(struct ccp *ccp)
{
	const struct cp *cp = &ccp->cp;
	bool rejected = cp->reply_code == CONFIGURE_REJECT;

	if (!ccp->judged)
		return;
	ccp->judged = false;
	ccp->all_rejected = rejected && cp->reply_len == reader_left(&cp->in.data);
	if (rejected && ccp_must_encrypt(ccp) && !ccp->mppe_offered)
		fail_loudly(ccp, NEGOTIATION_FAILED);
}

/* A peer of which everything was rejected may answer an empty request with an empty Reject: it wants no more of this. */
static void reject_handled(struct ccp *ccp)
{
	struct cp *cp = &ccp->cp;

	if (cp_dropped(cp, CCP_OPTION_MPPE))
		fail_loudly(ccp, "MPPE required but peer refused");
	else if (reader_left(&cp->in.data) == 0 && ccp->all_rejected && cp->in.id == cp->request_id && wants_nothing(cp))
		cp_protocol_rejected(cp);
}

static void handled(struct cp *cp, enum automaton_state before)
{
	switch (cp->in.code) {
	case CONFIGURE_REQUEST:
		request_handled(ccp_of(cp));
		break;
	case CONFIGURE_REJECT:
		reject_handled(ccp_of(cp));
		break;
	case TERMINATE_REQUEST:
		if (before == STATE_OPENED)
			log_notice("Compression disabled by peer.");
		break;
	case TERMINATE_ACK:
		if (before == STATE_REQ_SENT && wants_nothing(cp))
			cp_close(cp, "No compression negotiated");
		break;
	default:
		break;
	}
}

static bool extra(struct cp *cp, const struct cp_packet *in)
{
	if (in->code != CCP_RESET_REQUEST && in->code != CCP_RESET_ACK)
		return false;
	if (cp->state != STATE_OPENED)
		return true;
	if (in->code == CCP_RESET_REQUEST)
		ccp_reset_requested(ccp_of(cp));
	else
		ccp_reset_acked(ccp_of(cp));
	return true;
}

static const struct cp_protocol ccp_protocol = {
	.number = PPP_CCP,
	.name = "CCP",
	.options = &ccp_options,
	.reset = ccp_reset,
	.forget = ccp_forget,
	.acked = acked,
	.handled = handled,
	.first_will_do = true,
	.extra = extra,
	.up = up,
	.down = down,
	.finished = finished,
};

/* Where nothing is to be asked for, the peer has to begin. */
static bool is_silent(const struct ccp_config *config)
{
	return !config->mppe_required && config->deflate_receive == 0 && config->bsd_receive == 0;
}

struct ccp *ccp_new(const struct ccp_config *config, struct clock *clock, size_t size, size_t mru, const struct cp_host *host,
		    void *host_arg, const struct ccp_events *events, void *arg)
{
	struct ccp *ccp = g_new0(struct ccp, 1);

	*ccp = (struct ccp){ .config = config, .events = events, .arg = arg, .mru = mru };
	cp_init(&ccp->cp, &ccp_protocol, &config->limits, clock, size, host, host_arg);
	ccp->cp.silent = is_silent(config);
	timer_init(&ccp->failing, clock, failing_expired, ccp);
	timer_init(&ccp->reset, clock, ccp_reset_expired, ccp);
	return ccp;
}

void ccp_free(struct ccp *ccp)
{
	if (!ccp)
		return;
	timer_stop(&ccp->failing);
	timer_stop(&ccp->reset);
	ccp_stop(&ccp->sender);
	ccp_stop(&ccp->receiver);
	cp_halt(&ccp->cp);
	cp_free(&ccp->cp);
	g_free(ccp);
}

void ccp_forget_keys(struct ccp *ccp)
{
	ccp->keys = NULL;
}

bool ccp_must_encrypt(const struct ccp *ccp)
{
	return ccp->config->mppe_required;
}
