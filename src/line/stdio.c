/* A line that is standard input and output (`notty`): pipes, sockets, terminals, the same or different ones. They stay open when the
 * line is closed, and get their flags and settings back. The first step of opening (steps.c). */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "line/internal.h"

static bool take_descriptors(struct line *line)
{
	line->in_flags = fcntl(STDIN_FILENO, F_GETFL);
	line->out_flags = fcntl(STDOUT_FILENO, F_GETFL);
	if (line->in_flags < 0 || line->out_flags < 0)
		return false;
	line->in = STDIN_FILENO;
	line->out = STDOUT_FILENO;
	line->given = true;
	line_set_blocking(line, false);
	return true;
}

static void open_stdio(struct line *line)
{
	char *why;

	if (!take_descriptors(line)) {
		log_error("Standard input or output is closed: %m");
		line_fail(line, EXIT_OPEN_FAILED);
		return;
	}
	g_free(line->name);
	line->name = g_strdup("stdin/stdout");
	line->serial = serial_new(STDIN_FILENO, NULL);
	if (line->serial && !serial_set(line->serial, line->config, false, &why))
		log_warn("Failed to make the terminal on standard input raw: %m");
	line_next(line);
}

const struct line_ops line_stdio = { .open = open_stdio, .shut = line_release };
