/* How the program stands to what started it. A shell: going to the background, as pppd does without `nodetach`, where the program that
 * was started ends while another goes on. A service manager: telling it how things are.
 *
 * The fork comes first, before anything is opened; the parent only waits. So a failure that shows at once still reaches whoever
 * started the program, with its exit code, and nothing has to survive a fork in the middle of a link. */
#ifndef SLIRPPD_BACKGROUND_H
#define SLIRPPD_BACKGROUND_H

#include "clock.h"

/* Forks, and returns in the child only, with a descriptor for background_ready(); it has left its terminal and its folder. The
 * parent passes SIGHUP, SIGINT, SIGQUIT and SIGTERM on, and exits: with 0 when the child is ready, else with the child's exit code.
 * Returns -1 with errno when there can be no child. */
int background_fork(void);

/* The child: lets the parent go. Standard input, output and error become /dev/null. */
void background_ready(int fd);

/* What follows speaks sd_notify(3)'s protocol. Without a service manager all of it does nothing.
 *
 * Takes $NOTIFY_SOCKET out of the environment: scripts and other programs that we start are not to speak for us. To be called before
 * the first of them is started. */
void background_notify_open(void);
void background_notify_close(void);

/* Sends STATE, lines of NAME=VALUE, as one message. What cannot be sent at once is lost. */
void background_notify(const char *state);
/* READY=1. */
void background_notify_ready(void);
/* STATUS=TEXT, for `systemctl status`; what is no printable character in TEXT becomes a space. */
void background_notify_status(const char *text);

struct watchdog;

/* From now on the manager hears WATCHDOG=1 twice in each time that it allows between two of them, as long as CLOCK runs; the first at
 * once. Takes $WATCHDOG_USEC and $WATCHDOG_PID out of the environment. NULL where it did not ask us for that. */
struct watchdog *watchdog_new(struct clock *clock);
void watchdog_free(struct watchdog *watchdog);

#endif
