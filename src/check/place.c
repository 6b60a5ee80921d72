/* Whether there is a port at all, and whether the caller may use it: the first steps of check.c. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <grp.h>
#include <libserialport.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "check/internal.h"
#include "line/internal.h"

#define BY_ID "/dev/serial/by-id"
#define GROUPS_MAX 256
#define MEMORY_MAJOR 1 /* /dev/null and its like, which everybody has open */
#define MISC_MAJOR 10  /* /dev/net/tun, /dev/watchdog */
#define PTMX makedev(5, 2)

/* Any of these is there on a PiKVM. */
static const char *const pikvm_files[] = { "/etc/kvmd", "/usr/lib/kvmd", "/usr/share/kvmd" };

static bool is_there(const struct check *c, const char *path)
{
	char *full = check_path(c, path);
	bool there = access(full, F_OK) == 0;

	g_free(full);
	return there;
}

static bool is_pikvm(const struct check *c)
{
	for (size_t i = 0; i < G_N_ELEMENTS(pikvm_files); i++)
		if (is_there(c, pikvm_files[i]))
			return true;
	return false;
}

/* A name that udev gave stays the same whatever else is plugged in: these come first. */
static void add_named_ports(const struct check *c, GPtrArray *ports)
{
	char *folder = check_path(c, BY_ID);
	GDir *dir = g_dir_open(folder, 0, NULL);
	const char *entry;

	while (dir && (entry = g_dir_read_name(dir)))
		g_ptr_array_add(ports, g_build_filename(BY_ID, entry, NULL));
	if (dir)
		g_dir_close(dir);
	g_free(folder);
}

static void add_listed_ports(GPtrArray *ports)
{
	struct sp_port **list;

	if (sp_list_ports(&list) != SP_OK)
		return;
	for (size_t i = 0; list[i]; i++) {
		const char *about = sp_get_port_description(list[i]);

		g_ptr_array_add(ports, about ? g_strdup_printf("%s (%s)", sp_get_port_name(list[i]), about)
					     : g_strdup(sp_get_port_name(list[i])));
	}
	sp_free_port_list(list);
}

/* The first is the likely one. */
static void tell_ports(struct check *c)
{
	GPtrArray *ports = g_ptr_array_new_with_free_func(g_free);

	add_named_ports(c, ports);
	if (*c->root == '\0')
		add_listed_ports(ports);
	bool any = ports->len > 0;
	g_ptr_array_add(ports, NULL);
	check_fact(c, FACT_WHAT, g_strjoinv(", ", (char **)ports->pdata));
	check_tell(c, any ? FINDING_PORTS : FINDING_NO_PORTS);
	g_ptr_array_unref(ports);
}

static void tell_missing(struct check *c)
{
	static const char *const adapters[] = { "/dev/ttyUSB", "/dev/ttyACM", "/dev/serial/" };

	if (g_str_has_prefix(c->device, "/dev/ttyGS")) {
		check_tell(c, is_pikvm(c) ? FINDING_GADGET_PIKVM : FINDING_GADGET_MISSING);
		return;
	}
	enum finding finding = FINDING_MISSING;
	for (size_t i = 0; i < G_N_ELEMENTS(adapters); i++)
		if (g_str_has_prefix(c->device, adapters[i]))
			finding = FINDING_ADAPTER_MISSING;
	check_tell(c, finding);
	tell_ports(c);
}

static bool tell_unresolved(struct check *c, int error)
{
	char *target = g_file_read_link(c->device, NULL);

	if (target) {
		check_fact(c, FACT_WHAT, target);
		check_tell(c, FINDING_DANGLING);
		tell_ports(c);
	} else if (error == ENOENT || error == ENOTDIR) {
		tell_missing(c);
	} else {
		check_fact(c, FACT_WHAT, g_strdup(g_strerror(error)));
		check_tell(c, FINDING_OPEN_FAILED);
	}
	return false;
}

static bool is_other_device(dev_t number)
{
	return major(number) == MEMORY_MAJOR || major(number) == MISC_MAJOR || number == PTMX;
}

/* Of what is no character device. One may be told to delete a file only where no file belongs. */
static enum finding finding_of_file(const struct check *c, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return FINDING_FOLDER;
	return S_ISREG(st->st_mode) && g_str_has_prefix(c->real, "/dev/") ? FINDING_STRAY_FILE : FINDING_NO_DEVICE;
}

bool check_place(struct check *c)
{
	struct stat st;

	c->real = realpath(c->device, NULL);
	if (!c->real || stat(c->real, &st) < 0)
		return tell_unresolved(c, errno);
	if (S_ISCHR(st.st_mode) && is_other_device(st.st_rdev)) {
		check_tell(c, FINDING_NO_TERMINAL);
		return false;
	}
	if (S_ISCHR(st.st_mode)) {
		c->kind = serial_kind(c->real, st.st_rdev);
		return true;
	}
	check_tell(c, finding_of_file(c, &st));
	return false;
}

static bool among(gid_t gid, const gid_t *groups, int n)
{
	for (int i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

/* The group database has the user in the group; the session, which began before, has not. */
static bool in_group_since(const struct passwd *pw, gid_t gid)
{
	gid_t now[GROUPS_MAX], later[GROUPS_MAX];
	int n_later = GROUPS_MAX;
	int n_now = getgroups(GROUPS_MAX, now);

	if (!pw || getgrouplist(pw->pw_name, pw->pw_gid, later, &n_later) < 0)
		return false;
	return among(gid, later, n_later) && gid != getegid() && !among(gid, now, n_now);
}

bool check_permission(struct check *c)
{
	struct stat st;

	if (faccessat(AT_FDCWD, c->real, R_OK | W_OK, AT_EACCESS) == 0 || errno != EACCES || stat(c->real, &st) < 0)
		return true;
	const struct passwd *pw = getpwuid(geteuid());
	if ((st.st_mode & 0060) == 0060 && in_group_since(pw, st.st_gid)) {
		const struct group *gr = getgrgid(st.st_gid);

		check_fact(c, FACT_USER, g_strdup(pw->pw_name));
		check_fact(c, FACT_GROUP, gr ? g_strdup(gr->gr_name) : g_strdup_printf("%u", (unsigned)st.st_gid));
		check_tell(c, FINDING_NEW_GROUP);
		return false;
	}
	check_fact(c, FACT_WHAT, line_refusal(c->real, EACCES));
	check_tell(c, FINDING_FORBIDDEN);
	return false;
}
