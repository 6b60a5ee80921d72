/* Why a device cannot be opened, and what can be done about it, in a few words. Called by tty.c when it gives up. */
#include <errno.h>
#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "line/internal.h"

static char *user_name(uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	return pw ? g_strdup(pw->pw_name) : g_strdup_printf("%u", (unsigned)uid);
}

static char *group_name(gid_t gid)
{
	const struct group *gr = getgrgid(gid);

	return gr ? g_strdup(gr->gr_name) : g_strdup_printf("%u", (unsigned)gid);
}

static bool in_group(gid_t gid)
{
	gid_t groups[256];
	int n = getgroups(G_N_ELEMENTS(groups), groups);

	for (int i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return gid == getegid();
}

static char *not_permitted(const char *path)
{
	struct stat st;

	if (geteuid() == 0 || stat(path, &st) < 0 || in_group(st.st_gid))
		return g_strdup("");
	char *owner = user_name(st.st_uid);
	char *user = user_name(geteuid());
	char *group = group_name(st.st_gid);
	char *words;
	if ((st.st_mode & 0060) == 0060 && st.st_gid != 0)
		words = g_strdup_printf(" (it belongs to group %s: run \"sudo usermod -aG %s %s\" and log in again)", group, group,
					user);
	else
		words = g_strdup_printf(" (it belongs to user %s, and its mode %04o lets no group in)", owner,
					(unsigned)st.st_mode & 07777);
	g_free(group);
	g_free(user);
	g_free(owner);
	return words;
}

/* Whether a descriptor listed in FOLDER (/proc/PID/fd) is open on PATH. */
static bool has_open(const char *folder, const char *path)
{
	GDir *dir = g_dir_open(folder, 0, NULL);
	const char *entry;
	bool found = false;

	while (dir && !found && (entry = g_dir_read_name(dir))) {
		char *link = g_build_filename(folder, entry, NULL);
		char *target = g_file_read_link(link, NULL);

		found = g_strcmp0(target, path) == 0;
		g_free(target);
		g_free(link);
	}
	if (dir)
		g_dir_close(dir);
	return found;
}

void line_each_holder(const char *proc, const char *path, line_holder *tell, void *arg)
{
	GDir *dir = g_dir_open(proc, 0, NULL);
	const char *pid;

	while (dir && (pid = g_dir_read_name(dir))) {
		char *folder = g_build_filename(proc, pid, "fd", NULL);

		if (g_ascii_isdigit(pid[0]) && strtol(pid, NULL, 10) != getpid() && has_open(folder, path))
			tell(arg, pid);
		g_free(folder);
	}
	if (dir)
		g_dir_close(dir);
}

static char *process_name(const char *pid)
{
	char *file = g_build_filename("/proc", pid, "comm", NULL);
	char *name = NULL;

	if (g_file_get_contents(file, &name, NULL, NULL))
		g_strchomp(name);
	g_free(file);
	return name;
}

static void add_user(void *arg, const char *pid)
{
	GString *users = arg;
	char *name = process_name(pid);

	g_string_append_printf(users, "%s%s, pid %s", users->len ? "; " : "", name ? name : "?", pid);
	g_free(name);
}

static char *in_use(const char *path)
{
	GString *users = g_string_new(NULL);

	line_each_holder("/proc", path, add_user, users);
	char *words = g_strdup_printf(" (in use by %s)", users->len ? users->str : "another program");
	g_string_free(users, TRUE);
	return words;
}

char *line_refusal(const char *path, int error)
{
	char *real = realpath(path, NULL);
	char *words;

	if (error == EACCES)
		words = not_permitted(path);
	else if (error == EBUSY)
		words = in_use(real ? real : path);
	else
		words = g_strdup(error == ENOTTY ? " (it is no terminal)" : "");
	free(real);
	return words;
}
