/* UUCP lock files; see lock.h. Called by priv.c. */
#include "line/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* Between two tries another process may take or leave the lock; one that does so for ever is not waited for. */
#define LOCK_TRIES 10

char *lock_path(const char *folder, const char *device)
{
	const char *dev = strstr(device, "dev/");
	char *name = g_strdelimit(g_strdup(dev ? dev + strlen("dev/") : device), "/", '_');
	char *path = g_strdup_printf("%s/LCK..%s", folder, name);

	g_free(name);
	return path;
}

long lock_holder(const char *path)
{
	char text[16];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -1;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0) {
		errno = EINVAL;
		return -1;
	}
	text[n] = '\0';
	return MAX(strtol(text, NULL, 10), 0);
}

static bool alive(long pid)
{
	return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static bool create(const char *path, pid_t pid)
{
	char text[16];
	int len = g_snprintf(text, sizeof(text), "%10d\n", (int)pid);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return false;
	bool written = write(fd, text, (size_t)len) == len;
	close(fd);
	if (!written)
		g_unlink(path);
	return written;
}

enum verdict { LOCK_OURS, LOCK_THEIRS, LOCK_GONE };

/* Whose the existing lock is; one that nobody holds is removed. */
static enum verdict judge(const char *path, const char *device, pid_t pid)
{
	long held_by = lock_holder(path);

	if (held_by == pid)
		return LOCK_OURS;
	if (held_by < 0 && errno == ENOENT)
		return LOCK_GONE;
	if (held_by < 0) {
		log_error("Can't read pid from lock file %s", path);
		return LOCK_THEIRS;
	}
	if (alive(held_by)) {
		log_notice("Device %s is locked by pid %ld", device, held_by);
		return LOCK_THEIRS;
	}
	if (g_unlink(path) < 0) {
		log_warn("Couldn't remove stale lock on %s", device);
		return LOCK_THEIRS;
	}
	log_notice("Removed stale lock on %s (pid %ld)", device, held_by);
	return LOCK_GONE;
}

static enum lock_result take(const char *path, const char *device, pid_t pid)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (create(path, pid))
			return LOCK_TAKEN;
		if (errno != EEXIST)
			return LOCK_IMPOSSIBLE;
		enum verdict verdict = judge(path, device, pid);
		if (verdict != LOCK_GONE)
			return verdict == LOCK_OURS ? LOCK_TAKEN : LOCK_HELD;
	}
	errno = EEXIST;
	return LOCK_IMPOSSIBLE;
}

enum lock_result lock_take(const char *folder, const char *device, pid_t pid)
{
	char *path = lock_path(folder, device);
	enum lock_result result = take(path, device, pid);
	int error = errno;

	g_free(path);
	errno = error;
	return result;
}

void lock_release(const char *folder, const char *device, pid_t pid)
{
	char *path = lock_path(folder, device);

	if (lock_holder(path) == pid)
		g_unlink(path);
	g_free(path);
}
