/* Bytes between two connected sockets; see pump.h. Called by socks.c and proxy.c.
 *
 * Theory of operation. The two sockets are in an epoll set of the pump's own, and the loop watches that one descriptor: what is wanted
 * of a socket may change with every byte, and GLib would wake the loop for each change. A way (from one socket to the other) reads into
 * a buffer on the stack and writes that at once; only what the other side does not take is kept, and nothing more is read until it is
 * gone. So an idle pump has no buffer, and a slow reader stops its sender. A socket of which nothing is wanted stays in the set
 * edge-triggered: a reset is told, once, and a hung-up socket cannot make the loop spin. */
#include "net/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* The most that is read at once, and that is kept for a side that does not read. */
#define PUMP_BUFFER 65536

enum { SIDE_A, SIDE_B, SIDES };

/* From side N to the other one. */
struct way {
	uint8_t *held; /* what the other side has not taken yet: LEN bytes from AT on; NULL when there is none */
	size_t at, len;
	uint64_t count; /* bytes that the other side took */
	bool ended;     /* there is nothing more to read */
};

struct pump {
	int fds[SIDES];
	uint32_t wanted[SIDES]; /* epoll's events */
	struct way ways[SIDES];
	int epoll;
	GSource *source;
	struct timer failure; /* when there could be no epoll set */
	pump_done_fn *done;
	void *arg;
};

unsigned pump_limit(unsigned most)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	return (unsigned)CLAMP(limit.rlim_cur / 8, 1, most);
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* Closed with data unread or with a linger time of zero, TCP says RST. */
void pump_close_resets(int fd)
{
	static const struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void reset(struct pump *pump)
{
	for (int side = 0; side < SIDES; side++)
		pump_close_resets(pump->fds[side]);
}

static void destroy(struct pump *pump)
{
	timer_stop(&pump->failure);
	loop_unwatch(&pump->source);
	if (pump->epoll >= 0)
		close(pump->epoll);
	for (int side = 0; side < SIDES; side++) {
		close(pump->fds[side]);
		g_free(pump->ways[side].held);
	}
	g_free(pump);
}

static void finish(struct pump *pump)
{
	pump_done_fn *done = pump->done;
	void *arg = pump->arg;
	uint64_t a_to_b = pump->ways[SIDE_A].count;
	uint64_t b_to_a = pump->ways[SIDE_B].count;

	destroy(pump);
	done(arg, a_to_b, b_to_a);
}

static void fail(void *arg)
{
	reset(arg);
	finish(arg);
}

static void hold(struct way *way, const uint8_t *bytes, size_t len)
{
	way->held = g_memdup2(bytes, len);
	way->at = 0;
	way->len = len;
}

/* How many of the bytes the socket took, or -1 with errno. */
static ssize_t put(struct way *way, int to, const uint8_t *bytes, size_t len)
{
	ssize_t n = send(to, bytes, len, MSG_NOSIGNAL);

	if (n < 0 && would_block())
		n = 0;
	if (n > 0)
		way->count += (uint64_t)n;
	return n;
}

static bool push_held(struct way *way, int to)
{
	ssize_t n = put(way, to, way->held + way->at, way->len);

	if (n < 0)
		return false;
	way->at += (size_t)n;
	way->len -= (size_t)n;
	if (way->len == 0) {
		g_free(way->held);
		way->held = NULL;
	}
	return true;
}

static bool pull(struct way *way, int from, int to)
{
	uint8_t bytes[PUMP_BUFFER];
	ssize_t n = read(from, bytes, sizeof(bytes));

	if (n < 0)
		return would_block();
	way->ended = n == 0;
	ssize_t taken = n > 0 ? put(way, to, bytes, (size_t)n) : 0;
	if (taken >= 0 && taken < n)
		hold(way, bytes + taken, (size_t)(n - taken));
	return taken >= 0;
}

/* One read a turn: who sends a lot does not hold up the others. */
static bool move(struct pump *pump, int side)
{
	struct way *way = &pump->ways[side];
	int from = pump->fds[side];
	int to = pump->fds[!side];

	if (way->held && !push_held(way, to))
		return false;
	if (way->held || way->ended)
		return true;
	return pull(way, from, to);
}

/* A way that holds something does not read, so one that has ended holds nothing. */
static void pass_end(struct pump *pump, int side)
{
	if (pump->ways[side].ended)
		shutdown(pump->fds[!side], SHUT_WR);
}

static bool is_over(const struct pump *pump)
{
	return pump->ways[SIDE_A].ended && pump->ways[SIDE_B].ended;
}

static uint32_t wanted(const struct pump *pump, int side)
{
	const struct way *out = &pump->ways[side];
	const struct way *in = &pump->ways[!side];
	uint32_t events = (!out->held && !out->ended ? EPOLLIN : 0) | (in->held ? EPOLLOUT : 0);

	return events ? events : (uint32_t)EPOLLET;
}

static void want(struct pump *pump, int side, int operation)
{
	struct epoll_event event = { .events = wanted(pump, side), .data.u32 = (uint32_t)side };

	if (operation == EPOLL_CTL_MOD && event.events == pump->wanted[side])
		return;
	pump->wanted[side] = event.events;
	epoll_ctl(pump->epoll, operation, pump->fds[side], &event);
}

static bool is_reset(const struct epoll_event *event, int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return (event->events & EPOLLERR) && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0;
}

/* Which ways may move, as a set of bits; false when a socket has failed. */
static bool look(const struct pump *pump, unsigned *ways)
{
	struct epoll_event events[SIDES];
	int n = epoll_wait(pump->epoll, events, SIDES, 0);

	*ways = 0;
	for (int i = 0; i < n; i++) {
		unsigned side = events[i].data.u32;

		if (is_reset(&events[i], pump->fds[side]))
			return false;
		if (events[i].events & (EPOLLIN | EPOLLHUP))
			*ways |= 1U << side;
		if (events[i].events & EPOLLOUT)
			*ways |= 1U << !side;
	}
	return true;
}

static gboolean on_ready(gint fd, GIOCondition condition, gpointer arg)
{
	struct pump *pump = arg;
	unsigned ways;
	bool well = look(pump, &ways);

	(void)fd;
	(void)condition;
	for (int side = 0; side < SIDES && well; side++) {
		if (!(ways & 1U << side))
			continue;
		well = move(pump, side);
		pass_end(pump, side);
	}
	if (!well) {
		fail(pump);
	} else if (is_over(pump)) {
		finish(pump);
	} else {
		want(pump, SIDE_A, EPOLL_CTL_MOD);
		want(pump, SIDE_B, EPOLL_CTL_MOD);
	}
	return G_SOURCE_CONTINUE;
}

static void watch(struct pump *pump, struct loop *loop)
{
	want(pump, SIDE_A, EPOLL_CTL_ADD);
	want(pump, SIDE_B, EPOLL_CTL_ADD);
	loop_watch(loop, &pump->source, pump->epoll, G_IO_IN, on_ready, pump);
}

/* Somebody may be typing. */
static void prepare(int fd)
{
	int on = 1;

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

struct pump *pump_new(struct loop *loop, int a, int b, const uint8_t *first, size_t len, pump_done_fn *done, void *arg)
{
	struct pump *pump = g_new0(struct pump, 1);

	*pump = (struct pump){ .fds = { a, b }, .epoll = epoll_create1(EPOLL_CLOEXEC), .done = done, .arg = arg };
	timer_init(&pump->failure, loop_clock(loop), fail, pump);
	prepare(a);
	prepare(b);
	if (len > 0)
		hold(&pump->ways[SIDE_A], first, len);
	if (pump->epoll >= 0)
		watch(pump, loop);
	else
		timer_set(&pump->failure, 0);
	return pump;
}

void pump_free(struct pump *pump)
{
	reset(pump);
	destroy(pump);
}
