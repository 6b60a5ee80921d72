/* Shell commands; see script.h. Called by steps.c and pty.c. */
#include "line/script.h"

#include <glib.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "config.h"
#include "line/relay.h"
#include "log.h"
#include "priv.h"

struct script {
	pid_t pid;
	char *command;
	script_fn *fn;
	void *arg;
};

static void on_end(void *arg, int status)
{
	struct script *script = arg;
	script_fn *fn = script->fn;
	void *fn_arg = script->arg;

	log_dbg("Script %s finished (pid %d), status = 0x%x", script->command, script->pid,
		WIFEXITED(status) ? WEXITSTATUS(status) : status);
	g_free(script->command);
	g_free(script);
	if (fn)
		fn(fn_arg, WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

struct script *script_start(struct loop *loop, const char *command, const GPtrArray *env, int in, int out, int err, script_fn *fn, void *arg)
{
	int relay = err == SCRIPT_TO_LOG ? relay_open(loop) : -1;
	char **environment = config_environment(g_get_environ(), env);
	pid_t pid = priv_shell(command, environment, in, out, err == SCRIPT_TO_LOG ? relay : err);

	g_strfreev(environment);
	if (relay >= 0)
		close(relay);
	if (pid < 0)
		return NULL;
	struct script *script = g_new0(struct script, 1);
	*script = (struct script){ .pid = pid, .command = g_strdup(command), .fn = fn, .arg = arg };
	log_dbg("Script %s started (pid %d)", command, pid);
	child_watch(loop, pid, on_end, script);
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
