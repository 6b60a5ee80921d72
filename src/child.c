/* Waiting for programs that we started; see child.h. Called by line/script.c and hooks.c. */
#include "child.h"

#include <glib-unix.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
	pid_t pid;
	child_fn *fn;
	void *arg;
};

static void tell_end(const struct child *child, int status)
{
	if (child->fn)
		child->fn(child->arg, status);
}

static void on_end(GPid pid, gint status, gpointer arg)
{
	(void)pid;
	tell_end(arg, status);
}

static gboolean on_pidfd(gint fd, GIOCondition condition, gpointer arg)
{
	const struct child *child = arg;
	int status;

	(void)condition;
	pid_t ended = waitpid(child->pid, &status, WNOHANG);
	if (ended == 0)
		return G_SOURCE_CONTINUE;
	close(fd);
	tell_end(child, ended < 0 ? -1 : status);
	return G_SOURCE_REMOVE;
}

static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
	return (int)syscall(SYS_pidfd_open, pid, 0);
#else
	(void)pid;
	return -1;
#endif
}

/* A descriptor that tells of its end needs neither the signal nor the thread that GLib's child watch brings along; kernels before 5.3
 * have none. */
struct child *child_watch(struct loop *loop, pid_t pid, child_fn *fn, void *arg)
{
	struct child *child = g_new0(struct child, 1);
	int fd = open_pidfd(pid);
	GSource *source = fd >= 0 ? g_unix_fd_source_new(fd, G_IO_IN) : g_child_watch_source_new(pid);

	*child = (struct child){ .pid = pid, .fn = fn, .arg = arg };
	g_source_set_callback(source, fd >= 0 ? G_SOURCE_FUNC(on_pidfd) : G_SOURCE_FUNC(on_end), child, g_free);
	g_source_attach(source, loop_context(loop));
	g_source_unref(source);
	return child;
}

void child_forget(struct child *child)
{
	child->fn = NULL;
}

pid_t child_pid(const struct child *child)
{
	return child->pid;
}
