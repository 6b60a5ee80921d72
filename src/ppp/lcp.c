/* The Link Control Protocol beyond its options: echoes, Protocol-Reject, and what is ignored (RFC 1661 §5.7 to §5.9). Called
 * by ppp.c and, as a protocol, by cp.c. */
#include "ppp/lcp.h"

#include <glib.h>

#include "log.h"
#include "ppp/ppp.h"

#define MAGIC_LEN 4
#define ASYNCMAP_ALL UINT32_C(0xffffffff)

static struct lcp *lcp_of(struct cp *cp)
{
	return (struct lcp *)cp;
}

uint32_t lcp_magic(const struct lcp *lcp)
{
	return cp_asked(&lcp->cp, LCP_OPTION_MAGIC) ? lcp->magic : 0;
}

uint16_t lcp_mtu(const struct lcp *lcp)
{
	const struct lcp_config *config = lcp->config;
	uint16_t mru = config->neg_mru ? MAX(config->mru, lcp->mru) : CONFIG_DEFAULT_MRU;
	uint16_t mtu = MIN(lcp->peer.mru, mru);

	return config->mtu ? MIN(mtu, config->mtu) : mtu;
}

uint32_t lcp_receive_asyncmap(const struct lcp *lcp)
{
	return cp_asked(&lcp->cp, LCP_OPTION_ASYNCMAP) ? lcp->asyncmap : ASYNCMAP_ALL;
}

struct ppp_side lcp_ours(const struct lcp *lcp)
{
	return (struct ppp_side){
		.mru = cp_asked(&lcp->cp, LCP_OPTION_MRU) ? lcp->mru : CONFIG_DEFAULT_MRU,
		.asyncmap = lcp_receive_asyncmap(lcp),
		.magic = lcp_magic(lcp),
		.pcomp = cp_asked(&lcp->cp, LCP_OPTION_PCOMP),
		.accomp = cp_asked(&lcp->cp, LCP_OPTION_ACCOMP),
	};
}

void lcp_reject_protocol(struct lcp *lcp, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct cp *cp = &lcp->cp;
	struct writer w = writer_new(cp->reply, cp_room(cp) - CP_HEADER);

	writer_u16(&w, protocol);
	writer_bytes(&w, packet, MIN(len, writer_room(&w)));
	cp_send(cp, PROTOCOL_REJECT, cp_next_id(cp), cp->reply, writer_len(&w));
}

/* Echoes. */

static void link_failure(struct lcp *lcp)
{
	log_info("No response to %u echo-requests", lcp->echo_missing);
	log_notice("Serial link appears to be disconnected.");
	lcp->echo_missing = 0;
	lcp->events->failed(lcp->arg, "Peer not responding", EXIT_PEER_DEAD);
}

static void send_echo_request(struct lcp *lcp)
{
	uint8_t data[MAGIC_LEN];
	struct writer w = writer_new(data, sizeof(data));

	writer_u32(&w, lcp_magic(lcp));
	cp_send(&lcp->cp, ECHO_REQUEST, lcp->echo_id++, data, writer_len(&w));
	lcp->echo_missing++;
	lcp->echo_sent = lcp->echo.clock->now;
}

/* lcp-echo-adaptive: who sends packets is alive, and is not asked. */
static bool heard_of_peer(struct lcp *lcp)
{
	uint64_t packets = lcp->events->packets_in(lcp->arg);
	bool heard = packets != lcp->echo_packets_in;

	lcp->echo_packets_in = packets;
	return lcp->config->echo_adaptive && heard;
}

static void echo_tick(struct lcp *lcp)
{
	const struct lcp_config *config = lcp->config;

	if (heard_of_peer(lcp))
		lcp->echo_missing = 0;
	else if (config->echo_failure > 0 && lcp->echo_missing >= config->echo_failure)
		link_failure(lcp);
	else
		send_echo_request(lcp);
	if (lcp->cp.state == STATE_OPENED)
		timer_set(&lcp->echo, config->echo_interval * CLOCK_SECOND);
}

static void echo_due(void *arg)
{
	struct lcp *lcp = arg;

	lcp->cp.host->enter(lcp->cp.host_arg);
	echo_tick(lcp);
	lcp->cp.host->leave(lcp->cp.host_arg);
}

static void start_echo(struct lcp *lcp)
{
	lcp->echo_id = 0;
	lcp->echo_missing = 0;
	lcp->echo_packets_in = lcp->events->packets_in(lcp->arg);
	if (lcp->config->echo_interval > 0)
		echo_tick(lcp);
}

static void echo_reply(struct cp *cp)
{
	struct reader data = cp->in.data;
	struct writer w = writer_new(cp->reply, cp_room(cp) - CP_HEADER);

	writer_u32(&w, lcp_magic(lcp_of(cp)));
	reader_skip(&data, MAGIC_LEN);
	size_t len = MIN(reader_left(&data), writer_room(&w));
	writer_bytes(&w, reader_bytes(&data, len), len);
	cp_send(cp, ECHO_REPLY, cp->in.id, cp->reply, writer_len(&w));
}

/* The codes beyond those of every control protocol. */

static void got_echo_request(struct lcp *lcp, struct reader data)
{
	if (reader_left(&data) >= MAGIC_LEN)
		cp_echo_requested(&lcp->cp);
}

static void got_echo_reply(struct lcp *lcp, struct reader data)
{
	uint32_t magic = reader_u32(&data);

	if (!reader_ok(&data) || lcp->cp.state != STATE_OPENED)
		return;
	if (magic != 0 && magic == lcp_magic(lcp)) {
		log_warn("appear to have received our own echo-reply!");
		return;
	}
	if (lcp->echo_missing > 0 && lcp->cp.in.id == (uint8_t)(lcp->echo_id - 1))
		lcp->events->echoed(lcp->arg, lcp->echo.clock->now - lcp->echo_sent, lcp->echo_missing - 1);
	lcp->echo_missing = 0;
}

static void got_protocol_reject(struct lcp *lcp, struct reader data)
{
	uint16_t protocol = reader_u16(&data);

	if (!reader_ok(&data) || lcp->cp.state != STATE_OPENED)
		return;
	if (protocol != PPP_LCP) {
		lcp->events->protocol_rejected(lcp->arg, protocol);
		return;
	}
	log_error("Received Protocol-Reject for LCP!");
	cp_protocol_rejected(&lcp->cp);
}

/* Discard-Request, Identification, Time-Remaining. */
static void ignore(struct lcp *lcp, struct reader data)
{
	(void)lcp;
	(void)data;
}

static bool extra(struct cp *cp, const struct cp_packet *in)
{
	static void (*const handlers[])(struct lcp *lcp, struct reader data) = {
		[PROTOCOL_REJECT] = got_protocol_reject,
		[ECHO_REQUEST] = got_echo_request,
		[ECHO_REPLY] = got_echo_reply,
		[DISCARD_REQUEST] = ignore,
		[IDENTIFICATION] = ignore,
		[TIME_REMAINING] = ignore,
	};

	if (in->code >= G_N_ELEMENTS(handlers) || !handlers[in->code])
		return false;
	handlers[in->code](lcp_of(cp), in->data);
	return true;
}

/* A peer that knows no echoes is not dead for that. */
static void code_rejected(struct cp *cp, uint8_t code)
{
	if (code == ECHO_REQUEST)
		timer_stop(&lcp_of(cp)->echo);
}

static void up(struct cp *cp)
{
	struct lcp *lcp = lcp_of(cp);

	lcp->theirs = lcp_theirs(lcp);
	lcp->callback = cp_asked(cp, LCP_OPTION_CALLBACK);
	lcp->events->apply(lcp->arg);
	start_echo(lcp);
	lcp->events->up(lcp->arg);
}

static void down(struct cp *cp)
{
	struct lcp *lcp = lcp_of(cp);

	timer_stop(&lcp->echo);
	lcp->events->down(lcp->arg);
}

static void finished(struct cp *cp)
{
	lcp_of(cp)->events->finished(lcp_of(cp)->arg);
}

static const struct cp_protocol lcp_protocol = {
	.number = PPP_LCP,
	.name = "LCP",
	.options = &lcp_options,
	.reset = lcp_reset,
	.forget = lcp_forget,
	.nakked = lcp_nakked,
	.rejected = lcp_rejected,
	.extra = extra,
	.echo_reply = echo_reply,
	.code_rejected = code_rejected,
	.up = up,
	.down = down,
	.finished = finished,
};

void lcp_init(struct lcp *lcp, const struct lcp_config *config, struct clock *clock, const struct cp_host *host, void *host_arg,
	      const struct lcp_events *events, void *arg)
{
	size_t size = MAX(config->mru, CONFIG_DEFAULT_MRU);

	*lcp = (struct lcp){ .config = config, .events = events, .arg = arg };
	cp_init(&lcp->cp, &lcp_protocol, &config->limits, clock, size, host, host_arg);
	lcp->cp.passive = config->passive;
	lcp->cp.silent = config->silent;
	timer_init(&lcp->echo, clock, echo_due, lcp);
}

void lcp_halt(struct lcp *lcp)
{
	timer_stop(&lcp->echo);
	cp_halt(&lcp->cp);
}

void lcp_free(struct lcp *lcp)
{
	lcp_halt(lcp);
	cp_free(&lcp->cp);
}
