/* loop: what comes first in a round. */
#include "unit.h"

#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"

/* Each of the things that a round does writes its letter. */
struct probe {
	struct loop *loop;
	struct timer timer;
	struct poller poller;
	struct flusher flusher;
	int fds[2];
	unsigned rounds, fired;
	char log[64];
};

static void note(struct probe *p, char what)
{
	size_t n = strlen(p->log);

	if (n + 1 < sizeof(p->log))
		p->log[n] = what;
}

static void fill(void *arg, GArray *fds, int *timeout_ms)
{
	(void)arg;
	(void)fds;
	(void)timeout_ms;
}

static void done(void *arg, const GPollFD *fds, unsigned n, bool failed)
{
	(void)fds;
	(void)n;
	(void)failed;
	note(arg, 'p');
}

static gboolean on_input(gint fd, GIOCondition condition, gpointer arg)
{
	char byte;

	(void)condition;
	CU_ASSERT_EQUAL(read(fd, &byte, 1), 1);
	note(arg, 'i');
	return G_SOURCE_CONTINUE;
}

static void on_time(void *arg)
{
	struct probe *p = arg;

	note(p, 't');
	p->fired++;
	timer_set(&p->timer, 0);
}

static void on_flush(void *arg)
{
	struct probe *p = arg;

	note(p, 'f');
	if (++p->rounds == 3)
		loop_quit(p->loop);
}

static void input_then_each_timer_once_then_flushers(void)
{
	struct probe p = { 0 };

	CU_ASSERT_EQUAL_FATAL(pipe(p.fds), 0);
	CU_ASSERT_EQUAL(write(p.fds[1], "x", 1), 1);
	p.loop = loop_new();
	p.poller = (struct poller){ .fill = fill, .done = done, .arg = &p };
	p.flusher = (struct flusher){ .flush = on_flush, .arg = &p };
	loop_add_poller(p.loop, &p.poller);
	loop_add_flusher(p.loop, &p.flusher);
	guint source = g_unix_fd_add(p.fds[0], G_IO_IN, on_input, &p);
	timer_init(&p.timer, loop_clock(p.loop), on_time, &p);
	timer_set(&p.timer, 0);
	loop_run(p.loop);
	CU_ASSERT_STRING_EQUAL(p.log, "tfpitfptf");
	CU_ASSERT_EQUAL(p.fired, 3);
	timer_stop(&p.timer);
	g_source_remove(source);
	loop_remove_flusher(p.loop, &p.flusher);
	loop_remove_poller(p.loop, &p.poller);
	loop_free(p.loop);
	close(p.fds[0]);
	close(p.fds[1]);
}

const struct unit_test unit_tests[] = {
	{ "loop: pollers, input, each timer once, flushers", input_then_each_timer_once_then_flushers },
	{ 0 },
};
