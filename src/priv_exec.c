/* Starting other programs: shell commands and hook scripts, and what belongs to the latter. See priv.h. */
#include "priv.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

/* What a child that could not begin ends with, as pppd's. */
#define EXIT_NOT_STARTED 99
#define RESOLVER_FILE "resolv.conf"

/* A program that we start from the terminal where we are in the foreground must be in the foreground there, too: ssh asks for a
 * password, chat sets the terminal. */
static bool in_foreground(void)
{
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (tty < 0)
		return false;
	bool foreground = tcgetpgrp(tty) == getpgrp();
	close(tty);
	return foreground;
}

/* Between fork and exec only calls that are safe after a fork of a program with threads. */

static int above_standard(int fd)
{
	return fd >= 0 ? fcntl(fd, F_DUPFD, STDERR_FILENO + 1) : open("/dev/null", O_RDWR);
}

static bool take_descriptors(int in, int out, int err)
{
	/* First away from 0, 1 and 2: one of them may be what another is to become. */
	in = above_standard(in);
	out = above_standard(out);
	err = above_standard(err);
	return dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0;
}

static void close_others(void)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == 0)
		return;
#endif
	for (long fd = sysconf(_SC_OPEN_MAX); fd > STDERR_FILENO; fd--)
		close((int)fd);
}

static void default_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Programs that use select(), or close every descriptor that they might have, want the limit that most systems start with. */
static void default_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > FD_SETSIZE) {
		limit.rlim_cur = FD_SETSIZE;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* In the child: what any program may expect. False where its descriptors cannot be had. */
static bool prepare(int in, int out, int err)
{
	default_signals();
	default_descriptor_limit();
	if (!take_descriptors(in, out, err))
		return false;
	close_others();
	return true;
}

pid_t priv_shell(const char *command, char *const environment[], int in, int out, int err)
{
	char *const argv[] = { "sh", "-c", (char *)command, NULL };
	bool own_group = !in_foreground();
	pid_t pid = fork();

	if (pid == 0) {
		if (own_group)
			setpgid(0, 0);
		if (prepare(in, out, err))
			execve("/bin/sh", argv, environment);
		_exit(EXIT_NOT_STARTED);
	}
	/* Here as well: whichever of the two runs first. */
	if (pid > 0 && own_group)
		setpgid(pid, pid);
	return pid;
}

/* Hook scripts. */

/* Why a script is not to be run, or NULL. */
static const char *objection(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "Can't use %s: not a regular file";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "Can't safely use %s because it is not owned by root";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "Can't safely use %s because it is group or other writable";
	if (!(st->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		return "Can't use %s: not executable";
	return NULL;
}

/* Whoever could put another file in its place may write in its folder, and is trusted by that; it is executed by its name, since a script
 * run by a descriptor would not know its own. 1: it may be run, 0: there is none, -1: it may not (logged). */
static int may_run(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		log_warn("Can't access %s: %m", path);
		return -1;
	}
	const char *why = objection(&st);
	if (why)
		log_error(why, path);
	return why ? -1 : 1;
}

pid_t priv_hook(const char *path, char *const argv[], char *const environment[])
{
	int may = may_run(path);

	if (may <= 0)
		return may;
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		umask(077);
		if (chdir("/") == 0 && prepare(-1, -1, -1))
			execve(path, argv, environment);
		_exit(EXIT_NOT_STARTED);
	}
	if (pid < 0)
		log_error("Can't run %s: %m", path);
	return pid;
}

char *priv_user_folder(void)
{
	if (geteuid() == 0)
		return NULL;
	const char *config_home = secure_getenv("XDG_CONFIG_HOME");
	if (config_home && config_home[0] == '/')
		return g_build_filename(config_home, PACKAGE_NAME, NULL);
	const char *home = secure_getenv("HOME");
	const struct passwd *pw = home ? NULL : getpwuid(getuid());
	if (pw)
		home = pw->pw_dir;
	return home && home[0] == '/' ? g_build_filename(home, ".config", PACKAGE_NAME, NULL) : NULL;
}

/* Name servers. */

static int write_resolver(const char *path, const char *dns1, const char *dns2)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!file)
		return -1;
	fprintf(file, "nameserver %s\n", dns1);
	if (dns2)
		fprintf(file, "nameserver %s\n", dns2);
	return fclose(file) == 0 ? 0 : -1;
}

int priv_write_resolver(const char *system_folder, const char *dns1, const char *dns2)
{
	char *folder = geteuid() == 0 ? g_strdup(system_folder) : priv_user_folder();

	if (!folder || access(folder, F_OK) != 0) {
		g_free(folder);
		return 0;
	}
	char *path = g_build_filename(folder, RESOLVER_FILE, NULL);
	int result = write_resolver(path, dns1, dns2);
	if (result < 0)
		log_error("Failed to create %s: %m", path);
	g_free(path);
	g_free(folder);
	return result;
}
