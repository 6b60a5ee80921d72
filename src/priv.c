/* What needs privilege, the file system or another program; see priv.h. Called by line/ and main. */
#include "priv.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "line/lock.h"
#include "log.h"

#define LOCK_FOLDER "/var/lock"
#define RUN_FOLDER "/run"
/* Between two tries another process may take or leave a pid file. */
#define PID_FILE_TRIES 10

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

int priv_open_log(const char *path, mode_t mode)
{
	const int flags = O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = open(path, O_WRONLY | flags, mode);

	/* A FIFO that nobody reads yet. */
	if (fd < 0 && errno == ENXIO)
		fd = open(path, O_RDWR | flags, mode);
	/* Only to get in; our children have it as their standard error. */
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_APPEND);
	return fd;
}

/* A file that is longer belongs to something else. */
static bool fits(int fd, size_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	errno = EINVAL;
	return S_ISREG(st.st_mode) && st.st_size <= (off_t)size && ftruncate(fd, (off_t)size) == 0;
}

int priv_open_rtt(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0 || fits(fd, size))
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int move_aside(const char *path)
{
	char *old = g_strdup_printf("%s.1", path);
	int result = rename(path, old);
	int error = errno;

	g_free(old);
	errno = error;
	return result;
}

int priv_open_capture(const char *path, bool rotate)
{
	const int flags = O_CREAT | O_TRUNC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;

	if (rotate && move_aside(path) < 0 && errno != ENOENT)
		return -1;
	int fd = open(path, O_WRONLY | flags, 0600);
	/* A FIFO that nobody reads yet. */
	if (fd < 0 && errno == ENXIO)
		fd = open(path, O_RDWR | flags, 0600);
	return fd;
}

/* NULL: there is no place for pid files. */
static char *pid_path(const char *name)
{
	const char *run = geteuid() == 0 ? RUN_FOLDER : g_getenv("XDG_RUNTIME_DIR");

	return run && *run && !strchr(name, '/') ? g_strdup_printf("%s/%s.pid", run, name) : NULL;
}

/* The pid in a pid file, or 0. */
static long pid_in(int fd)
{
	char text[16];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[MAX(n, 0)] = '\0';
	return strtol(text, NULL, 10);
}

static bool is_another(long pid)
{
	return pid > 0 && pid != getpid() && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static bool put_text(int fd, const char *text)
{
	return pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text) && ftruncate(fd, (off_t)strlen(text)) == 0;
}

enum claim { CLAIM_MADE, CLAIM_TAKEN, CLAIM_IMPOSSIBLE, CLAIM_AGAIN };

/* A file that is there: what a dead process left is written over, not removed, by the one of us that locks it. Only its owner removes
 * a file, so of two that take one over at the same time neither removes what the other has just made. */
static enum claim take_over(int fd, const char *text)
{
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return CLAIM_TAKEN;
	if (is_another(pid_in(fd)))
		return CLAIM_TAKEN;
	if (fstat(fd, &st) < 0 || st.st_nlink == 0)
		return CLAIM_AGAIN; /* its owner removed it while we looked */
	return put_text(fd, text) ? CLAIM_MADE : CLAIM_IMPOSSIBLE;
}

static enum claim claim_existing(const char *path, const char *text)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? CLAIM_AGAIN : CLAIM_IMPOSSIBLE;
	enum claim claim = take_over(fd, text);
	close(fd);
	return claim;
}

/* Makes PATH from the finished file NEW: its name and its text appear at once, nobody finds it empty. */
static enum claim claim_with(const char *path, const char *new, const char *text)
{
	enum claim claim = CLAIM_AGAIN;

	for (int i = 0; i < PID_FILE_TRIES && claim == CLAIM_AGAIN; i++) {
		if (link(new, path) == 0)
			claim = CLAIM_MADE;
		else
			claim = errno == EEXIST ? claim_existing(path, text) : CLAIM_IMPOSSIBLE;
	}
	return claim;
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0)
		return false;
	bool written = put_text(fd, text);
	return close(fd) == 0 && written;
}

static enum claim claim_pid_file(const char *path, const char *line2)
{
	char *new = g_strdup_printf("%s.%d", path, (int)getpid());
	char *text = g_strdup_printf("%d\n%s%s", (int)getpid(), line2 ? line2 : "", line2 ? "\n" : "");
	enum claim claim = write_file(new, text) ? claim_with(path, new, text) : CLAIM_IMPOSSIBLE;
	int error = errno;

	g_unlink(new);
	g_free(text);
	g_free(new);
	errno = error;
	return claim;
}

static void warn_of_other(const char *name, const char *path)
{
	int unit;

	if (sscanf(name, "ppp%d", &unit) == 1 && unit >= 0)
		log_warn("Couldn't allocate PPP unit %d as it is already in use", unit);
	else
		log_warn("The pid file %s is another process's", path);
}

void priv_write_pid(const char *name, const char *line2)
{
	char *path = pid_path(name);

	if (!path)
		return;
	enum claim claim = claim_pid_file(path, line2);
	if (claim == CLAIM_TAKEN)
		warn_of_other(name, path);
	else if (claim == CLAIM_IMPOSSIBLE && geteuid() == 0)
		log_error("Failed to create pid file %s: %m", path);
	else if (claim == CLAIM_IMPOSSIBLE)
		log_dbg("Failed to create pid file %s: %m", path);
	g_free(path);
}

void priv_remove_pid(const char *name)
{
	char *path = pid_path(name);
	int fd = path ? open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC) : -1;

	if (fd >= 0 && pid_in(fd) == getpid())
		g_unlink(path);
	if (fd >= 0)
		close(fd);
	g_free(path);
}

int priv_free_unit(void)
{
	for (int unit = 0;; unit++) {
		char name[IF_NAMESIZE];

		g_snprintf(name, sizeof(name), "ppp%d", unit);
		char *path = pid_path(name);
		bool taken = if_nametoindex(name) != 0 || (path && claim_pid_file(path, NULL) == CLAIM_TAKEN);
		g_free(path);
		if (!taken)
			return unit;
	}
}
