/* libslirp's sockets in the loop: what is polled for, and what of it libslirp is told. slirp.c gives these two to the loop; see
 * slirp_backend.h.
 *
 * Theory of operation
 *
 * libslirp reads a socket when, and only when, get_revents() says so. Held, sockets are polled for writing alone; while the link is
 * down, listeners are not polled, so that connections wait in their backlog.
 *
 * It would be woken twice a second while it has a listener. Its timers serve TCP conversations and sockets that expire (no datagram
 * waits in it for fragments: the gate lets none pass): without any socket but the forwards' own there is nothing to wake up for. */
#include "net/slirp_backend.h"

#define STALE CLOCK_SECOND /* how old libslirp's own reading of the clock may be when it is given a packet */

#if SLIRP_CHECK_VERSION(4, 9, 0)
#define pollfds_fill slirp_pollfds_fill_socket
#else
#define pollfds_fill slirp_pollfds_fill
#endif

static gushort poll_events(int slirp_events)
{
	int events = 0;

	events |= slirp_events & SLIRP_POLL_IN ? G_IO_IN : 0;
	events |= slirp_events & SLIRP_POLL_OUT ? G_IO_OUT : 0;
	events |= slirp_events & SLIRP_POLL_PRI ? G_IO_PRI : 0;
	return (gushort)events;
}

static int slirp_revents(gushort revents)
{
	int events = 0;

	events |= revents & G_IO_IN ? SLIRP_POLL_IN : 0;
	events |= revents & G_IO_OUT ? SLIRP_POLL_OUT : 0;
	events |= revents & G_IO_PRI ? SLIRP_POLL_PRI : 0;
	events |= revents & G_IO_ERR ? SLIRP_POLL_ERR : 0;
	events |= revents & G_IO_HUP ? SLIRP_POLL_HUP : 0;
	return events;
}

bool slirp_has_room(const struct slirp_net *s)
{
	return gate_sockets(s->gate) < s->conversations_max;
}

static bool may_read(const struct slirp_net *s, int fd)
{
	return gate_may_read(s->gate, fd) && (!s->held || gate_is_light(s->gate, fd));
}

/* What of EVENTS is wanted now. A socket of which nothing is wanted must not be polled at all: hang-ups are always reported. */
static int wanted(const struct slirp_net *s, int fd, int events)
{
	if (slirp_is_listener(s, fd))
		return s->up && slirp_has_room(s) ? events : 0;
	return may_read(s, fd) ? events : events & SLIRP_POLL_OUT;
}

static int add_poll(int fd, int events, void *opaque)
{
	struct slirp_net *s = opaque;
	int place = -1;

	if (events & SLIRP_POLL_OUT)
		gate_socket_drains(s->gate, fd);
	events = wanted(s, fd, events);
	if (events) {
		GPollFD poll = { .fd = fd, .events = poll_events(events) };

		place = (int)(s->fds->len - s->first);
		g_array_append_val(s->fds, poll);
	}
	g_array_append_val(s->places, place);
	return (int)s->places->len - 1;
}

static int get_revents(int index, void *opaque)
{
	struct slirp_net *s = opaque;

	if (index < 0 || (guint)index >= s->places->len)
		return 0;
	int place = g_array_index(s->places, int, index);
	if (place < 0)
		return 0;
	int events = slirp_revents(s->ready[place].revents);
	/* Held since the set was made: what was asked for then is not wanted any more. */
	int fd = s->ready[place].fd;
	bool reads = slirp_is_listener(s, fd) || may_read(s, fd);
	return reads ? events : events & (SLIRP_POLL_OUT | SLIRP_POLL_ERR);
}

void slirp_fill(void *arg, GArray *fds, int *timeout_ms)
{
	struct slirp_net *s = arg;
	uint32_t timeout = *timeout_ms < 0 ? UINT32_MAX : (uint32_t)*timeout_ms;

	s->fds = fds;
	s->first = fds->len;
	g_array_set_size(s->places, 0);
	gate_begin_round(s->gate);
	pollfds_fill(s->slirp, &timeout, add_poll, s);
	gate_end_round(s->gate);
	s->fds = NULL;
	if (s->kick)
		*timeout_ms = 0;
	else if (gate_sockets(s->gate) > 0)
		*timeout_ms = (int)MIN(timeout, (uint32_t)G_MAXINT);
}

void slirp_list_descriptors(struct slirp_net *s, GArray *fds)
{
	int timeout_ms = -1;
	bool up = s->up;

	s->up = true; /* listeners, too */
	slirp_fill(s, fds, &timeout_ms);
	s->up = up;
}

void slirp_done(void *arg, const GPollFD *fds, unsigned n, bool failed)
{
	struct slirp_net *s = arg;

	(void)n;
	s->kick = false;
	s->ready = fds;
	s->polled_at = loop_clock(s->loop)->now;
	slirp_pollfds_poll(s->slirp, failed, get_revents, s);
	s->ready = NULL;
}

/* libslirp reads the clock in slirp_pollfds_poll() alone. A socket that it opens with an old reading would expire at once. */
void slirp_freshen_clock(struct slirp_net *s)
{
	uint64_t now = loop_clock(s->loop)->now;

	if (now - s->polled_at < STALE)
		return;
	s->polled_at = now;
	slirp_pollfds_poll(s->slirp, 1, get_revents, s);
}
