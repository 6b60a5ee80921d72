/* A line that is a pty with a command at its other end: the command has the master as standard input and output, the line is the
 * slave, as with pppd. The first step of opening (steps.c). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "line/internal.h"
#include "priv.h"

static void command_ended(void *arg, bool ok)
{
	(void)ok;
	line_command_ended(arg);
}

/* Makes the pair; the master, or -1 with errno. */
static int make_pair(struct line *line)
{
	char name[64];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0)
		return -1;
	if (grantpt(master) == 0 && unlockpt(master) == 0 && ptsname_r(master, name, sizeof(name)) == 0)
		line->in = line->out = priv_open_device(name);
	if (line->in < 0) {
		close(master);
		return -1;
	}
	g_free(line->name);
	line->name = g_strdup(name);
	return master;
}

static bool make_raw(struct line *line)
{
	char *why;

	line->serial = serial_new(line->in, NULL);
	return line->serial && serial_set(line->serial, line->config, false, &why);
}

static void open_pty(struct line *line)
{
	int master = make_pair(line);

	if (master < 0 || !make_raw(line)) {
		log_error("Couldn't allocate pseudo-tty: %m");
		if (master >= 0)
			close(master);
		line_fail(line, EXIT_FATAL_ERROR);
		return;
	}
	line->command = script_start(line->loop, line->config->pty, line->config->script_env, master, master, line_stderr(line), command_ended, line);
	close(master);
	if (!line->command) {
		log_error("Failed to start the pty command: %m");
		line_fail(line, EXIT_PTYCMD_FAILED);
		return;
	}
	line_next(line);
}

const struct line_ops line_pty = { .open = open_pty, .shut = line_release };
