/* A shell command that runs beside us: a script on the line, or the command of a pty line. */
#ifndef SLIRPPD_LINE_SCRIPT_H
#define SLIRPPD_LINE_SCRIPT_H

#include <glib.h>
#include <stdbool.h>

#include "loop.h"

struct script;

/* OK: it ended by itself with status 0. Called from the loop; the script is gone then. */
typedef void script_fn(void *arg, bool ok);

/* As ERR: what the command says there is logged, line by line. */
#define SCRIPT_TO_LOG (-2)

/* Starts COMMAND on IN and OUT, its standard error on ERR (each -1: /dev/null), in our environment with the
 * changes ENV (as config_environment() takes them). NULL with errno when it cannot be started. */
struct script *script_start(struct loop *loop, const char *command, const GPtrArray *env, int in, int out, int err, script_fn *fn, void *arg);

/* Sends SIGNAL to it, and to what it has started where it leads a process group. */
void script_signal(const struct script *script, int signal);

/* Another wants to hear of its end; or nobody (NULL): then it is only reaped. */
void script_notify(struct script *script, script_fn *fn);

#endif
