/* The loop; see loop.h.
 *
 * Theory of operation. A round is: ask GLib what it wants (prepare, query), let every poller append its descriptors, poll() all of
 * them at once, move the clock, give the pollers their results, let GLib dispatch its sources, fire the timers that are due, and run the
 * flushers. Timers come after all input: after a pause (SIGSTOP, a machine that slept) everything is overdue, and the answers for which
 * a timer waits have long been there. GLib's own g_main_loop_run() would do the same but for two things: descriptors that change with every round would have
 * to be added and removed one by one, each with a wake-up of the loop, and there is no "end of the round". */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

struct loop {
	GMainContext *context;
	struct clock clock;
	GArray *fds;       /* GPollFD: GLib's first, then each poller's */
	GPtrArray *pollers, *flushers;
	bool quit;
};

static uint64_t monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * CLOCK_SECOND + (uint64_t)t.tv_nsec / 1000;
}

struct loop *loop_new(void)
{
	struct loop *loop = g_new0(struct loop, 1);

	loop->context = g_main_context_ref(g_main_context_default());
	loop->fds = g_array_sized_new(FALSE, FALSE, sizeof(GPollFD), 64);
	loop->pollers = g_ptr_array_new();
	loop->flushers = g_ptr_array_new();
	clock_init(&loop->clock, monotonic());
	return loop;
}

void loop_free(struct loop *loop)
{
	g_ptr_array_free(loop->flushers, TRUE);
	g_ptr_array_free(loop->pollers, TRUE);
	g_array_free(loop->fds, TRUE);
	g_main_context_unref(loop->context);
	g_free(loop);
}

struct clock *loop_clock(struct loop *loop)
{
	return &loop->clock;
}

GMainContext *loop_context(struct loop *loop)
{
	return loop->context;
}

void loop_quit(struct loop *loop)
{
	loop->quit = true;
	g_main_context_wakeup(loop->context);
}

/* How long poll() may sleep, in milliseconds rounded up, given what others want. */
static int timeout_for(const struct loop *loop, int timeout_ms)
{
	uint64_t next = clock_next(&loop->clock);

	if (next == CLOCK_NEVER)
		return timeout_ms;
	uint64_t now = monotonic();
	uint64_t wait = next > now ? (next - now + CLOCK_MS - 1) / CLOCK_MS : 0;
	if (wait > G_MAXINT)
		wait = G_MAXINT;
	return timeout_ms < 0 || wait < (uint64_t)timeout_ms ? (int)wait : timeout_ms;
}

/* GLib's part of the descriptors; returns how many. */
static unsigned query_glib(struct loop *loop, int priority, int *timeout_ms)
{
	int room = (int)MAX(loop->fds->len, 16u);
	int n;

	for (;;) {
		g_array_set_size(loop->fds, (guint)room);
		n = g_main_context_query(loop->context, priority, timeout_ms, &g_array_index(loop->fds, GPollFD, 0), room);
		if (n <= room)
			break;
		room = n;
	}
	g_array_set_size(loop->fds, (guint)n);
	return (unsigned)n;
}

static void run_flushers(struct loop *loop)
{
	for (guint i = 0; i < loop->flushers->len; i++) {
		struct flusher *f = g_ptr_array_index(loop->flushers, i);

		f->flush(f->arg);
	}
}

/* Fills in where each poller's descriptors begin; BEGINS has one more element than there are pollers. */
static void fill_pollers(struct loop *loop, guint *begins, int *timeout_ms)
{
	guint n = loop->pollers->len;

	for (guint i = 0; i < n; i++) {
		struct poller *p = g_ptr_array_index(loop->pollers, i);

		begins[i] = loop->fds->len;
		p->fill(p->arg, loop->fds, timeout_ms);
	}
	begins[n] = loop->fds->len;
}

static void finish_pollers(struct loop *loop, const guint *begins, struct poller *const *pollers, guint n, bool failed)
{
	for (guint i = 0; i < n; i++) {
		struct poller *p = pollers[i];

		/* One that was removed by an earlier one's callback must not be called. */
		if (g_ptr_array_find(loop->pollers, p, NULL))
			p->done(p->arg, &g_array_index(loop->fds, GPollFD, begins[i]), begins[i + 1] - begins[i], failed);
	}
}

#define POLLERS_MAX 8

static void loop_round(struct loop *loop)
{
	guint begins[POLLERS_MAX + 1];
	struct poller *pollers[POLLERS_MAX];
	guint n = loop->pollers->len;
	int priority;
	int timeout_ms;

	g_main_context_prepare(loop->context, &priority);
	unsigned glib_fds = query_glib(loop, priority, &timeout_ms);
	for (guint i = 0; i < n; i++)
		pollers[i] = g_ptr_array_index(loop->pollers, i);
	fill_pollers(loop, begins, &timeout_ms);

	int ready = poll((struct pollfd *)(void *)loop->fds->data, loop->fds->len, timeout_for(loop, timeout_ms));
	bool failed = ready < 0 && errno != EINTR;
	if (ready < 0)
		for (guint i = 0; i < loop->fds->len; i++)
			g_array_index(loop->fds, GPollFD, i).revents = 0;

	clock_set(&loop->clock, monotonic());
	finish_pollers(loop, begins, pollers, n, failed);
	if (g_main_context_check(loop->context, priority, &g_array_index(loop->fds, GPollFD, 0), (int)glib_fds))
		g_main_context_dispatch(loop->context);
	clock_run(&loop->clock);
	run_flushers(loop);
}

void loop_run(struct loop *loop)
{
	/* What happened before the loop ran (a signal, a frame already encoded) wants its end of a round, too. */
	G_STATIC_ASSERT(sizeof(GPollFD) == sizeof(struct pollfd));
	if (!g_main_context_acquire(loop->context))
		g_error("the main context belongs to another thread");
	clock_set(&loop->clock, monotonic());
	clock_run(&loop->clock);
	run_flushers(loop);
	while (!loop->quit)
		loop_round(loop);
	loop->quit = false;
	g_main_context_release(loop->context);
}

void loop_add_poller(struct loop *loop, struct poller *poller)
{
	g_assert(loop->pollers->len < POLLERS_MAX);
	g_ptr_array_add(loop->pollers, poller);
}

void loop_remove_poller(struct loop *loop, struct poller *poller)
{
	g_ptr_array_remove(loop->pollers, poller);
}

void loop_add_flusher(struct loop *loop, struct flusher *flusher)
{
	g_ptr_array_add(loop->flushers, flusher);
}

void loop_remove_flusher(struct loop *loop, struct flusher *flusher)
{
	g_ptr_array_remove(loop->flushers, flusher);
}

void loop_watch(struct loop *loop, GSource **source, int fd, GIOCondition events, GUnixFDSourceFunc fn, void *arg)
{
	loop_unwatch(source);
	*source = g_unix_fd_source_new(fd, events);
	g_source_set_callback(*source, G_SOURCE_FUNC(fn), arg, NULL);
	g_source_attach(*source, loop_context(loop));
}

void loop_unwatch(GSource **source)
{
	if (!*source)
		return;
	g_source_destroy(*source);
	g_source_unref(*source);
	*source = NULL;
}
