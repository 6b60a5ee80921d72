/* A line that is a terminal: a serial port, a USB adapter or gadget port, a pty that somebody else made, or the terminal on standard
 * input. The first step of opening (steps.c). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "line/internal.h"
#include "priv.h"

/* How often to look whether the device is there. */
#define DEVICE_POLL (250 * CLOCK_MS)
/* A device that has just appeared is not yet its group's, and ModemManager may look at it first. */
#define SETTLE_TIME (5 * CLOCK_SECOND)

static bool is_gone(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ENXIO || error == ENODEV || error == EIO;
}

static bool may_pass(int error)
{
	return error == EACCES || error == EPERM || error == EBUSY;
}

static const char *device_name(const struct line *line)
{
	return line->config->device ? line->config->device : "standard input";
}

static void wait_for_device(struct line *line, int error)
{
	if (!line->waited && error == ENOENT)
		log_info("Waiting for %s", device_name(line));
	else if (!line->waited)
		log_info("Waiting for %s (%s)", device_name(line), g_strerror(error));
	line->waited = true;
	line_restart(line, DEVICE_POLL);
}

void line_device_failed(struct line *line)
{
	int error = errno;
	uint64_t now = loop_clock(line->loop)->now;

	if (is_gone(error))
		line->deadline = now + SETTLE_TIME;
	if (line->wait && (is_gone(error) || (may_pass(error) && line->waited && now < line->deadline))) {
		wait_for_device(line, error);
		return;
	}
	if (error != line->refused) {
		char *refusal = line_refusal(device_name(line), error);

		log_error("Failed to open %s: %s%s", device_name(line), g_strerror(error), refusal);
		g_free(refusal);
	}
	line->refused = error;
	line_fail(line, EXIT_OPEN_FAILED);
}

static void shut_tty(struct line *line)
{
	line_release(line);
	if (line->locked)
		priv_unlock(line->locked);
	g_free(line->locked);
	line->locked = NULL;
	line->on_stdin = false;
}

/* The rest, once the descriptors are there: PATH is the device's own. */
static void take_over(struct line *line, const char *path)
{
	line->serial = serial_new(line->in, path);
	if (!line->serial || (!line->on_stdin && !serial_claim(line->serial)))
		line_lost(line);
	else
		line_set_terminal(line, false);
}

static bool is_stdin(const char *device)
{
	struct stat named, stdin_stat;

	return stat(device, &named) == 0 && fstat(STDIN_FILENO, &stdin_stat) == 0 && S_ISCHR(named.st_mode) &&
	       S_ISCHR(stdin_stat.st_mode) && named.st_rdev == stdin_stat.st_rdev;
}

/* Non-blocking reads would also come to whoever shares the descriptor with us (a shell): open it anew if we may. */
static void open_stdin(struct line *line)
{
	char path[64];

	if (!isatty(STDIN_FILENO) && errno == ENOTTY) {
		log_error("no device specified and stdin is not a tty");
		line_fail(line, EXIT_OPTION_ERROR);
		return;
	}
	if (ttyname_r(STDIN_FILENO, path, sizeof(path)) != 0)
		g_strlcpy(path, "stdin", sizeof(path));
	line->on_stdin = true;
	g_free(line->name);
	line->name = g_strdup(path);
	line->in = line->out = priv_open_device("/proc/self/fd/0");
	if (line->in < 0) {
		line->given = true;
		line->in = line->out = STDIN_FILENO;
		line->in_flags = line->out_flags = fcntl(STDIN_FILENO, F_GETFL);
		line_set_blocking(line, false);
	}
	take_over(line, path);
}

static bool lock_device(struct line *line, const char *path)
{
	if (!line->config->lock)
		return true;
	if (priv_lock(path) < 0)
		return false;
	line->locked = g_strdup(path);
	return true;
}

static void open_device(struct line *line, const char *path)
{
	if (!lock_device(line, path)) {
		line_fail(line, EXIT_LOCK_FAILED);
		return;
	}
	line->in = line->out = priv_open_device(path);
	if (line->in < 0) {
		line_lost(line);
		return;
	}
	g_free(line->name);
	line->name = g_strdup(line->config->device);
	take_over(line, path);
}

static void open_tty(struct line *line)
{
	const char *device = line->config->device;

	if (!device || is_stdin(device)) {
		open_stdin(line);
		return;
	}
	/* Each time anew: /dev/serial/by-id/… leads to another device once the adapter was pulled out and put back. */
	char *path = realpath(device, NULL);
	if (path)
		open_device(line, path);
	else
		line_device_failed(line);
	free(path);
}

const struct line_ops line_tty = { .open = open_tty, .shut = shut_tty };
