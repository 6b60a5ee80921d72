/* Shell commands; see script.h. Called by steps.c and pty.c. */
#include "line/script.h"

#include <glib-unix.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "line/relay.h"
#include "log.h"
#include "priv.h"

struct script {
	pid_t pid;
	char *command;
	script_fn *fn;
	void *arg;
};

static void on_end(GPid pid, gint status, gpointer user_data)
{
	struct script *script = user_data;
	script_fn *fn = script->fn;
	void *arg = script->arg;

	log_dbg("Script %s finished (pid %d), status = 0x%x", script->command, pid,
		WIFEXITED(status) ? WEXITSTATUS(status) : status);
	g_free(script->command);
	g_free(script);
	if (fn)
		fn(arg, WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static gboolean on_pidfd(gint fd, GIOCondition condition, gpointer user_data)
{
	const struct script *script = user_data;
	int status;

	(void)condition;
	pid_t ended = waitpid(script->pid, &status, WNOHANG);
	if (ended == 0)
		return G_SOURCE_CONTINUE;
	if (ended < 0)
		status = -1; /* somebody else has reaped it: no exit code, so no success */
	close(fd);
	on_end(script->pid, status, user_data);
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
static void watch(struct script *script, GMainContext *context)
{
	int fd = open_pidfd(script->pid);
	GSource *source = fd >= 0 ? g_unix_fd_source_new(fd, G_IO_IN) : g_child_watch_source_new(script->pid);

	if (fd >= 0)
		g_source_set_callback(source, G_SOURCE_FUNC(on_pidfd), script, NULL);
	else
		g_source_set_callback(source, G_SOURCE_FUNC(on_end), script, NULL);
	g_source_attach(source, context);
	g_source_unref(source);
}

struct script *script_start(struct loop *loop, const char *command, int in, int out, int err, script_fn *fn, void *arg)
{
	int relay = err == SCRIPT_TO_LOG ? relay_open(loop) : -1;
	pid_t pid = priv_shell(command, in, out, err == SCRIPT_TO_LOG ? relay : err);

	if (relay >= 0)
		close(relay);
	if (pid < 0)
		return NULL;
	struct script *script = g_new0(struct script, 1);
	*script = (struct script){ .pid = pid, .command = g_strdup(command), .fn = fn, .arg = arg };
	log_dbg("Script %s started (pid %d)", command, pid);
	watch(script, loop_context(loop));
	return script;
}

void script_signal(const struct script *script, int signal)
{
	pid_t group = getpgid(script->pid);

	kill(group == script->pid ? -group : script->pid, signal);
}

void script_notify(struct script *script, script_fn *fn)
{
	script->fn = fn;
}
