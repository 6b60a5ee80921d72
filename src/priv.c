/* What needs privilege, the file system or another program; see priv.h. Called by line/ and main. */
#include "priv.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "line/lock.h"
#include "log.h"

#define LOCK_FOLDER "/var/lock"
#define RUN_FOLDER "/run"
/* What a child that could not begin ends with, as pppd's. */
#define EXIT_NOT_STARTED 99

int priv_open_device(const char *path)
{
	return open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int priv_lock(const char *device)
{
	switch (lock_take(LOCK_FOLDER, device, getpid())) {
	case LOCK_TAKEN:
		return 0;
	case LOCK_HELD:
		return -1;
	case LOCK_IMPOSSIBLE:
		break;
	}
	char *path = lock_path(LOCK_FOLDER, device);
	log_warn("Can't create lock file %s: %m; going on without", path);
	g_free(path);
	return 0;
}

void priv_unlock(const char *device)
{
	lock_release(LOCK_FOLDER, device, getpid());
}

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

pid_t priv_shell(const char *command, int in, int out, int err)
{
	bool own_group = !in_foreground();
	pid_t pid = fork();

	if (pid == 0) {
		if (own_group)
			setpgid(0, 0);
		default_signals();
		default_descriptor_limit();
		if (take_descriptors(in, out, err)) {
			close_others();
			execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		}
		_exit(EXIT_NOT_STARTED);
	}
	/* Here as well: whichever of the two runs first. */
	if (pid > 0 && own_group)
		setpgid(pid, pid);
	return pid;
}

int priv_open_log(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0644);
}

/* NULL: there is no place for pid files. */
static char *pid_path(const char *name)
{
	const char *run = geteuid() == 0 ? RUN_FOLDER : g_getenv("XDG_RUNTIME_DIR");

	return run && *run && !strchr(name, '/') ? g_strdup_printf("%s/%s.pid", run, name) : NULL;
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0)
		return false;
	bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	return close(fd) == 0 && written;
}

void priv_write_pid(const char *name, const char *line2)
{
	char *path = pid_path(name);

	if (!path)
		return;
	char *text = g_strdup_printf("%d\n%s%s", (int)getpid(), line2 ? line2 : "", line2 ? "\n" : "");
	bool written = write_file(path, text);
	if (!written && geteuid() == 0)
		log_error("Failed to create pid file %s: %m", path);
	else if (!written)
		log_dbg("Failed to create pid file %s: %m", path);
	g_free(text);
	g_free(path);
}

void priv_remove_pid(const char *name)
{
	char *path = pid_path(name);

	if (path)
		g_unlink(path);
	g_free(path);
}

static bool lives(const char *path)
{
	char *text;

	if (!path || !g_file_get_contents(path, &text, NULL, NULL))
		return false;
	long pid = strtol(text, NULL, 10);
	g_free(text);
	return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

int priv_free_unit(void)
{
	for (int unit = 0;; unit++) {
		char name[IF_NAMESIZE];

		g_snprintf(name, sizeof(name), "ppp%d", unit);
		char *path = pid_path(name);
		bool taken = lives(path) || if_nametoindex(name) != 0;
		g_free(path);
		if (!taken)
			return unit;
	}
}
