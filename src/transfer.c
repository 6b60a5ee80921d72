/* The way of the packets; see transfer.h. Called by session.
 *
 * Theory of operation. A packet from the backend is encoded straight into the outbuf while the line keeps up (nothing queued, no
 * known rate to keep to, the outbuf short): the common case of a fast line costs no copy but the encoding. Otherwise it is copied
 * into the queue, which is fair and decides who goes next; and while the queue is long the backend is held. The outbuf itself is
 * first in, first out: what waits in it waits behind everything, so it is kept as short as the line lets it. At the end of each
 * round of the loop the outbuf is topped up from the queue and written, until the line takes no more; then the line says when it
 * does.
 */
#include "transfer.h"

#include <glib.h>

#include "net/queue.h"

#define OUT_SIZE (128 * 1024)
#define OUT_BATCH_MIN (4 * 1024) /* encode up to so much, then write: more where the line took more at once */
#define OUT_BATCH_MAX (48 * 1024)

#define QUEUE_LIMIT 2048 /* packets: libslirp may have so much under way; it is held much earlier */

struct transfer {
	struct loop *loop;
	struct line *line;
	struct net *net;
	struct ppp *ppp;
	struct queue *queue; /* NULL while IP is down */
	struct outbuf out;
	size_t batch; /* how much `out` may hold before more is encoded */
	struct flusher flusher;
	struct timer pace; /* when the line's rate lets the next packet go */
	unsigned rate;
	bool started, blocked, held;
	uint64_t dropped; /* by queues that are gone */
	uint64_t active_at;
};

static void flush_now(void *arg)
{
	transfer_flush(arg);
}

struct transfer *transfer_new(struct loop *loop, struct line *line, struct net *net)
{
	struct transfer *t = g_new0(struct transfer, 1);

	t->loop = loop;
	t->line = line;
	t->net = net;
	outbuf_init(&t->out, OUT_SIZE);
	t->flusher = (struct flusher){ .flush = flush_now, .arg = t };
	loop_add_flusher(loop, &t->flusher);
	timer_init(&t->pace, loop_clock(loop), flush_now, t);
	return t;
}

void transfer_set_ppp(struct transfer *t, struct ppp *ppp)
{
	t->ppp = ppp;
}

void transfer_free(struct transfer *t)
{
	timer_stop(&t->pace);
	loop_remove_flusher(t->loop, &t->flusher);
	outbuf_free(&t->out);
	if (t->queue)
		queue_free(t->queue);
	g_free(t);
}

struct outbuf *transfer_outbuf(struct transfer *t)
{
	return &t->out;
}

void transfer_start(struct transfer *t)
{
	t->started = true;
	t->blocked = false;
	t->batch = OUT_BATCH_MIN;
	outbuf_clear(&t->out);
	t->rate = line_rate(t->line);
}

void transfer_stop(struct transfer *t)
{
	t->started = false;
	timer_stop(&t->pace);
	outbuf_clear(&t->out);
}

static void hold(struct transfer *t, bool held)
{
	if (t->held != held)
		net_hold(t->net, held);
	t->held = held;
}

void transfer_ip_up(struct transfer *t, uint16_t mtu)
{
	t->queue = queue_new(loop_clock(t->loop), mtu, QUEUE_LIMIT);
	queue_set_rate(t->queue, t->rate);
	transfer_active(t);
}

void transfer_ip_down(struct transfer *t)
{
	timer_stop(&t->pace);
	t->dropped += queue_dropped(t->queue);
	queue_free(t->queue);
	t->queue = NULL;
	hold(t, false);
}

void transfer_packet(struct transfer *t, const uint8_t *packet, size_t len)
{
	if (!t->queue)
		return;
	if (t->rate == 0 && !t->blocked && queue_packets(t->queue) == 0 && outbuf_len(&t->out) < t->batch) {
		ppp_send_ip(t->ppp, packet, len);
		return;
	}
	queue_put(t->queue, packet, len);
	if (queue_congested(t->queue))
		hold(t, true);
}

/* Encodes from the queue until the outbuf holds a batch. */
static void top_up(struct transfer *t)
{
	const uint8_t *packet;
	size_t len;

	while (t->queue && outbuf_len(&t->out) < t->batch && (packet = queue_peek(t->queue, &len))) {
		size_t before = outbuf_len(&t->out);

		ppp_send_ip(t->ppp, packet, len);
		queue_take(t->queue, outbuf_len(&t->out) - before);
	}
}

static void write_out(struct transfer *t)
{
	size_t written = line_write(t->line, outbuf_data(&t->out), outbuf_len(&t->out));

	outbuf_consume(&t->out, written);
	bool blocked = outbuf_len(&t->out) > 0;
	if (blocked)
		t->batch = CLAMP(written, OUT_BATCH_MIN, OUT_BATCH_MAX);
	else if (written >= t->batch)
		t->batch = MIN(2 * t->batch, OUT_BATCH_MAX);
	if (blocked != t->blocked)
		line_want_write(t->line, blocked);
	t->blocked = blocked;
}

static void arm_pacing(struct transfer *t)
{
	uint64_t at = t->queue && t->rate ? queue_ready_at(t->queue) : CLOCK_NEVER;
	uint64_t now = loop_clock(t->loop)->now;

	if (at != CLOCK_NEVER && at > now)
		timer_set(&t->pace, at - now);
}

void transfer_flush(struct transfer *t)
{
	if (!t->started || t->blocked)
		return;
	top_up(t);
	while (outbuf_len(&t->out) > 0 && !t->blocked) {
		write_out(t);
		top_up(t);
	}
	arm_pacing(t);
	if (t->held && t->queue && !queue_congested(t->queue))
		hold(t, false);
}

void transfer_writable(struct transfer *t)
{
	t->blocked = false;
	line_want_write(t->line, false);
	transfer_flush(t);
}

void transfer_active(struct transfer *t)
{
	t->active_at = loop_clock(t->loop)->now;
}

uint64_t transfer_idle(const struct transfer *t)
{
	return loop_clock(t->loop)->now - t->active_at;
}

void transfer_queued(const struct transfer *t, unsigned *packets, size_t *bytes, uint64_t *dropped)
{
	*packets = t->queue ? queue_packets(t->queue) : 0;
	*bytes = outbuf_len(&t->out) + (t->queue ? queue_bytes(t->queue) : 0);
	*dropped = t->dropped + (t->queue ? queue_dropped(t->queue) : 0);
}
