/* Finds the control socket that is meant, and explains why one cannot be used: see where.h. */
#include "slirpctl/where.h"

#include <glib.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

static void add_sockets(GPtrArray *found, const char *folder)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		struct stat st;

		if (g_str_has_suffix(name, ".sock") && stat(path, &st) == 0 && S_ISSOCK(st.st_mode))
			g_ptr_array_add(found, g_steal_pointer(&path));
	}
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

char *where_socket(char **why)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
	const char *given = g_getenv("SLIRPPD_CONTROL"), *runtime = g_getenv("XDG_RUNTIME_DIR");
	g_autofree char *own = runtime && *runtime ? g_build_filename(runtime, "slirppd", NULL) : NULL, *all = NULL;

	if (given && *given)
		return g_strdup(given);
	add_sockets(found, "/run/slirppd");
	if (own && g_strcmp0(own, "/run/slirppd"))
		add_sockets(found, own);
	if (found->len == 1)
		return g_strdup(found->pdata[0]);
	if (found->len == 0) {
		*why = g_strdup_printf("no control socket in /run/slirppd%s%s: start slirppd with 'control PATH', and name it here with -s PATH",
				       own ? " or " : "", own ? own : "");
		return NULL;
	}
	g_ptr_array_sort(found, by_name);
	g_ptr_array_add(found, NULL);
	all = g_strjoinv(", ", (char **)found->pdata);
	*why = g_strdup_printf("there is more than one control socket: say which with -s (%s)", all);
	return NULL;
}

static char *name_of_user(uid_t uid)
{
	const struct passwd *user = getpwuid(uid);

	return user ? g_strdup(user->pw_name) : g_strdup_printf("number %u", (unsigned)uid);
}

char *where_trouble(const char *path, const char *reason)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return g_strdup_printf("no control socket %s (%s): start slirppd with 'control %s'", path, reason, path);
	if (!S_ISSOCK(st.st_mode))
		return g_strdup_printf("%s is no socket: name the path that slirppd was given as 'control'", path);
	if (access(path, W_OK) < 0) {
		g_autofree char *owner = name_of_user(st.st_uid);

		return g_strdup_printf("%s: permission denied: it belongs to the user %s; be that user, or root", path, owner);
	}
	return g_strdup_printf("%s: %s: nobody listens there any more; start slirppd again", path, reason);
}
