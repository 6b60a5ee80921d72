/* Hook scripts: which runs when, with what arguments and which environment; see hooks.h. Called by the session.
 *
 * Theory of operation. What is known is kept as a list of variables: the scripts' environment, and the source of their arguments. The
 * scripts that go in pairs (up and down) are like pppd's: `wanted` is how things are, `state` what the last script of the pair was told,
 * and whenever none of the two runs and they differ, the other one is started. */
#include "hooks.h"

#include <glib.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "log.h"
#include "priv.h"

/* Who waits for a script does not wait for ever: a link that hangs is no link. */
#define WAIT_SECONDS 10
#define ARGUMENTS_MAX 8

/* A hook: the file's name, and the variables that are its arguments. */
struct hook_row {
	const char *name;
	const char *arguments[ARGUMENTS_MAX];
};

#define LINE "DEVICE", "SPEED"

static const struct hook_row rows[HOOKS] = {
	[HOOK_NET_INIT] = { "net-init", { "IFNAME", LINE, "IPPARAM" } },
	[HOOK_NET_PRE_UP] = { "net-pre-up", { "IFNAME", LINE, "IPPARAM" } },
	[HOOK_NET_DOWN] = { "net-down", { "IFNAME", LINE, "IPPARAM" } },
	[HOOK_AUTH_UP] = { "auth-up", { "IFNAME", "PEERNAME", "LOGIN", LINE, "IPPARAM" } },
	[HOOK_AUTH_DOWN] = { "auth-down", { "IFNAME", "PEERNAME", "LOGIN", LINE, "IPPARAM" } },
	[HOOK_IP_PRE_UP] = { "ip-pre-up", { "IFNAME", LINE, "IPLOCAL", "IPREMOTE", "IPPARAM" } },
	[HOOK_IP_UP] = { "ip-up", { "IFNAME", LINE, "IPLOCAL", "IPREMOTE", "IPPARAM" } },
	[HOOK_IP_DOWN] = { "ip-down", { "IFNAME", LINE, "IPLOCAL", "IPREMOTE", "IPPARAM" } },
	[HOOK_IPV6_UP] = { "ipv6-up", { "IFNAME", LINE, "LLLOCAL", "LLREMOTE", "IPPARAM" } },
	[HOOK_IPV6_DOWN] = { "ipv6-down", { "IFNAME", LINE, "LLLOCAL", "LLREMOTE", "IPPARAM" } },
};

/* What an argument is when nobody has set its variable. */
static const struct {
	const char *name, *value;
} otherwise[] = { { "IPREMOTE", "0.0.0.0" } };

static const struct {
	enum hook up, down;
} pairs[] = {
	{ HOOK_AUTH_UP, HOOK_AUTH_DOWN },
	{ HOOK_IP_UP, HOOK_IP_DOWN },
	{ HOOK_IPV6_UP, HOOK_IPV6_DOWN },
};

struct pair_state {
	bool wanted, state;
	bool runs; /* one of the two */
	char **variables; /* as they were when `wanted` last changed: the script may have to wait, and the link may be gone by then */
};

/* A script that runs. */
struct run {
	struct hooks *hooks;
	struct child *child;
	char *path;
	int pair; /* -1: of none */
};

struct hooks {
	const struct config *config;
	struct loop *loop;
	char **variables; /* NAME=VALUE */
	struct pair_state pairs[G_N_ELEMENTS(pairs)];
	GPtrArray *runs;  /* of struct run */

	struct run *awaited;
	hooks_fn *awaited_fn;
	void *awaited_arg;
	struct timer patience;

	bool finishing;
	hooks_fn *finish_fn;
	void *finish_arg;
	struct timer finish;
};

/* Variables and arguments. */

void hooks_set(struct hooks *h, const char *name, const char *value)
{
	h->variables = value ? g_environ_setenv(h->variables, name, value, TRUE) : g_environ_unsetenv(h->variables, name);
}

static char *login_name(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw ? g_strdup(pw->pw_name) : g_strdup_printf("%u", (unsigned)getuid());
}

static char *argument(char **variables, const char *name)
{
	const char *value = g_environ_getenv(variables, name);

	if (strcmp(name, "LOGIN") == 0)
		return login_name();
	for (size_t i = 0; !value && i < G_N_ELEMENTS(otherwise); i++)
		if (strcmp(name, otherwise[i].name) == 0)
			value = otherwise[i].value;
	return g_strdup(value ? value : "");
}

/* ipparam is not there, and not empty, where none was given. */
static char **arguments(const struct hooks *h, const struct hook_row *row, const char *path, char **variables)
{
	GPtrArray *list = g_ptr_array_new();

	g_ptr_array_add(list, g_strdup(path));
	for (size_t i = 0; i < ARGUMENTS_MAX && row->arguments[i]; i++) {
		bool is_param = strcmp(row->arguments[i], "IPPARAM") == 0;

		if (!is_param)
			g_ptr_array_add(list, argument(variables, row->arguments[i]));
		else if (h->config->ipparam)
			g_ptr_array_add(list, g_strdup(h->config->ipparam));
	}
	g_ptr_array_add(list, NULL);
	return (char **)g_ptr_array_free(list, FALSE);
}

static char **environment_of(const struct hooks *h, char **variables)
{
	char pid[16];

	g_snprintf(pid, sizeof(pid), "%d", (int)getpid());
	char **environment = g_environ_setenv(g_strdupv(variables), "PPPD_PID", pid, TRUE);
	return config_environment(environment, h->config->script_env);
}

/* Without root, a user's own scripts come first. */
static char *script_path(const struct hooks *h, enum hook hook)
{
	if (h->config->hooks[hook])
		return g_strdup(h->config->hooks[hook]);
	char *folder = priv_user_folder();
	char *path = folder ? g_build_filename(folder, rows[hook].name, NULL) : NULL;
	g_free(folder);
	if (path && access(path, F_OK) == 0)
		return path;
	g_free(path);
	return g_build_filename(h->config->folder, rows[hook].name, NULL);
}

/* Running. */

static void settle_pair(struct hooks *h, int pair);
static void tell_waiter(struct hooks *h);

static void end_finish(struct hooks *h)
{
	hooks_fn *fn = h->finish_fn;

	timer_stop(&h->finish);
	h->finishing = false;
	fn(h->finish_arg);
}

static void log_end(const struct run *run, int status)
{
	int pid = (int)child_pid(run->child);

	if (WIFSIGNALED(status))
		log_warn("Child process %s (pid %d) terminated with signal %d", run->path, pid, WTERMSIG(status));
	log_dbg("Script %s finished (pid %d), status = 0x%x", run->path, pid, WIFEXITED(status) ? WEXITSTATUS(status) : status);
}

static void run_free(struct run *run)
{
	g_free(run->path);
	g_free(run);
}

static void on_end(void *arg, int status)
{
	struct run *run = arg;
	struct hooks *h = run->hooks;
	int pair = run->pair;
	bool awaited = h->awaited == run;

	log_end(run, status);
	g_ptr_array_remove_fast(h->runs, run);
	run_free(run);
	if (pair >= 0) {
		h->pairs[pair].runs = false;
		settle_pair(h, pair);
	}
	if (awaited)
		tell_waiter(h);
	else if (h->finishing && h->runs->len == 0)
		end_finish(h);
}

/* NULL: there is nothing to run, or it cannot be run, which has been said. */
static struct run *start(struct hooks *h, enum hook hook, int pair)
{
	char **variables = pair >= 0 ? h->pairs[pair].variables : h->variables;
	char *path = script_path(h, hook);
	char **argv = arguments(h, &rows[hook], path, variables);
	char **environment = environment_of(h, variables);
	pid_t pid = priv_hook(path, argv, environment);

	g_strfreev(argv);
	g_strfreev(environment);
	if (pid <= 0) {
		g_free(path);
		return NULL;
	}
	log_dbg("Script %s started (pid %d)", path, (int)pid);
	struct run *run = g_new0(struct run, 1);
	*run = (struct run){ .hooks = h, .path = path, .pair = pair };
	run->child = child_watch(h->loop, pid, on_end, run);
	g_ptr_array_add(h->runs, run);
	return run;
}

static void settle_pair(struct hooks *h, int pair)
{
	struct pair_state *state = &h->pairs[pair];

	while (!state->runs && state->state != state->wanted) {
		state->state = state->wanted;
		state->runs = start(h, state->state ? pairs[pair].up : pairs[pair].down, pair) != NULL;
	}
}

void hooks_run(struct hooks *h, enum hook hook)
{
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		if (hook != pairs[i].up && hook != pairs[i].down)
			continue;
		h->pairs[i].wanted = hook == pairs[i].up;
		g_strfreev(h->pairs[i].variables);
		h->pairs[i].variables = g_strdupv(h->variables);
		settle_pair(h, (int)i);
		return;
	}
	start(h, hook, -1);
}

/* Waiting. */

static void tell_waiter(struct hooks *h)
{
	hooks_fn *fn = h->awaited_fn;

	hooks_cancel(h);
	fn(h->awaited_arg);
}

static void on_impatience(void *arg)
{
	struct hooks *h = arg;

	log_warn("Script %s (pid %d) has run for %d seconds; going on without waiting for it", h->awaited->path,
		 (int)child_pid(h->awaited->child), WAIT_SECONDS);
	tell_waiter(h);
}

bool hooks_wait(struct hooks *h, enum hook hook, hooks_fn *done, void *arg)
{
	hooks_cancel(h);
	h->awaited = start(h, hook, -1);
	if (!h->awaited)
		return false;
	h->awaited_fn = done;
	h->awaited_arg = arg;
	timer_set(&h->patience, WAIT_SECONDS * CLOCK_SECOND);
	return true;
}

void hooks_cancel(struct hooks *h)
{
	h->awaited = NULL;
	timer_stop(&h->patience);
}

/* The end. */

static void terminate_all(void *arg)
{
	struct hooks *h = arg;

	for (guint i = 0; i < h->runs->len; i++) {
		const struct run *run = g_ptr_array_index(h->runs, i);
		pid_t pid = child_pid(run->child);

		log_dbg("sending SIGTERM to process %d", (int)pid);
		kill(pid, SIGTERM);
	}
	end_finish(h);
}

bool hooks_finish(struct hooks *h, hooks_fn *done, void *arg)
{
	hooks_cancel(h);
	if (h->runs->len == 0)
		return false;
	log_dbg("Waiting for %u child processes...", h->runs->len);
	for (guint i = 0; i < h->runs->len; i++) {
		const struct run *run = g_ptr_array_index(h->runs, i);

		log_dbg("  script %s, pid %d", run->path, (int)child_pid(run->child));
	}
	h->finishing = true;
	h->finish_fn = done;
	h->finish_arg = arg;
	if (h->config->child_timeout > 0)
		timer_set(&h->finish, h->config->child_timeout * CLOCK_SECOND);
	return true;
}

void hooks_hurry(struct hooks *h)
{
	if (h->finishing)
		terminate_all(h);
}

/* Beginning and end of it all. */

static const char *user_name(void)
{
	const char *login = getlogin();
	const struct passwd *pw;

	if (login)
		return login;
	pw = getpwuid(getuid());
	return pw ? pw->pw_name : "(unknown)";
}

void hooks_set_config(struct hooks *h, const struct config *config)
{
	h->config = config;
	hooks_set(h, "LINKNAME", config->linkname);
	hooks_set(h, "CALL_FILE", config->call_file);
	hooks_set(h, "REMOTENUMBER", config->auth.remote_number);
	hooks_set(h, "VRF", config->net.vrf);
}

struct hooks *hooks_new(const struct config *config, struct loop *loop)
{
	struct hooks *h = g_new0(struct hooks, 1);
	char uid[16];

	h->loop = loop;
	h->variables = g_new0(char *, 1);
	h->runs = g_ptr_array_new();
	timer_init(&h->patience, loop_clock(loop), on_impatience, h);
	timer_init(&h->finish, loop_clock(loop), terminate_all, h);
	g_snprintf(uid, sizeof(uid), "%u", (unsigned)getuid());
	hooks_set(h, "ORIG_UID", uid);
	hooks_set(h, "PPPLOGNAME", user_name());
	hooks_set_config(h, config);
	return h;
}

void hooks_free(struct hooks *h)
{
	timer_stop(&h->patience);
	timer_stop(&h->finish);
	for (guint i = 0; i < h->runs->len; i++) {
		struct run *run = g_ptr_array_index(h->runs, i);

		child_forget(run->child);
		run_free(run);
	}
	g_ptr_array_free(h->runs, TRUE);
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++)
		g_strfreev(h->pairs[i].variables);
	g_strfreev(h->variables);
	g_free(h);
}
