/* Who has the port: processes that have it open, as far as /proc shows them, and UUCP lock files. Steps of check.c. */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/internal.h"
#include "line/internal.h"
#include "line/lock.h"

/* What to say of a program that has the port; names as /proc cuts them, after 15 characters. */
static const struct program {
	const char *name;
	enum finding finding;
} programs[] = {
	{ "agetty", FINDING_GETTY },
	{ "getty", FINDING_GETTY },
	{ "mgetty", FINDING_GETTY },
	{ "login", FINDING_GETTY },
	{ "ModemManager", FINDING_MODEM_MANAGER },
	{ "pppd", FINDING_PPP_PROGRAM },
	{ "slirppd", FINDING_PPP_PROGRAM },
	{ "screen", FINDING_TERMINAL_PROGRAM },
	{ "SCREEN", FINDING_TERMINAL_PROGRAM },
	{ "minicom", FINDING_TERMINAL_PROGRAM },
	{ "picocom", FINDING_TERMINAL_PROGRAM },
	{ "putty", FINDING_TERMINAL_PROGRAM },
	{ "tio", FINDING_TERMINAL_PROGRAM },
	{ "cu", FINDING_TERMINAL_PROGRAM },
};

static enum finding finding_of_program(const char *name)
{
	for (size_t i = 0; name && i < G_N_ELEMENTS(programs); i++)
		if (strcmp(programs[i].name, name) == 0)
			return programs[i].finding;
	return FINDING_HELD;
}

/* Whose a process is. */
static char *owner_of(const char *folder)
{
	struct stat st;

	if (stat(folder, &st) < 0)
		return g_strdup("?");
	const struct passwd *pw = getpwuid(st.st_uid);
	return pw ? g_strdup(pw->pw_name) : g_strdup_printf("%u", (unsigned)st.st_uid);
}

static void tell_holder(struct check *c, const char *pid)
{
	char *comm = g_strdup_printf("/proc/%s/comm", pid);
	char *fds = g_strdup_printf("/proc/%s/fd", pid);
	char *name = check_line_of(c, comm);
	char *folder = check_path(c, fds);
	char *owner = owner_of(folder);

	check_fact(c, FACT_WHAT, g_strdup_printf("%s (pid %s, user %s)", name ? name : "a program", pid, owner));
	check_fact(c, FACT_PID, g_strdup(pid));
	check_fact(c, FACT_PORT, g_path_get_basename(c->real));
	check_tell(c, finding_of_program(name));
	g_free(owner);
	g_free(folder);
	g_free(name);
	g_free(fds);
	g_free(comm);
}

struct holders {
	struct check *check;
	bool any;
};

static void on_holder(void *arg, const char *pid)
{
	struct holders *holders = arg;

	tell_holder(holders->check, pid);
	holders->any = true;
}

/* Goes no further when there is one: the next step would take its bytes away. */
bool check_holders(struct check *c)
{
	struct holders holders = { .check = c };
	char *proc = check_path(c, "/proc");

	line_each_holder(proc, c->real, on_holder, &holders);
	g_free(proc);
	return !holders.any;
}

static bool process_is_there(const struct check *c, long pid)
{
	char *path = g_strdup_printf("/proc/%ld/comm", pid);
	char *line = check_line_of(c, path);

	g_free(path);
	g_free(line);
	return line != NULL;
}

/* A lock file that cannot be understood counts as held, as pppd has it. */
bool check_lock(struct check *c)
{
	char *folder = check_path(c, "/var/lock");
	char *path = lock_path(folder, c->real);
	long pid = lock_holder(path);
	bool held = false;

	if (pid >= 0 || errno != ENOENT) {
		held = pid <= 0 || process_is_there(c, pid);
		check_fact(c, FACT_WHAT, g_strdup(path + strlen(c->root)));
		check_fact(c, FACT_PID, pid > 0 ? g_strdup_printf("%ld", pid) : g_strdup("unknown"));
		check_tell(c, held ? FINDING_LOCKED : FINDING_STALE_LOCK);
	}
	g_free(path);
	g_free(folder);
	return !held;
}
