/* Going to the background, as pppd does without `nodetach`: the program that was started ends while another goes on.
 *
 * The fork comes first, before anything is opened; the parent only waits. So a failure that shows at once still reaches whoever
 * started the program, with its exit code, and nothing has to survive a fork in the middle of a link. */
#ifndef SLIRPPD_BACKGROUND_H
#define SLIRPPD_BACKGROUND_H

/* Forks, and returns in the child only, with a descriptor for background_ready(); it has left its terminal and its folder. The
 * parent passes SIGHUP, SIGINT, SIGQUIT and SIGTERM on, and exits: with 0 when the child is ready, else with the child's exit code.
 * Returns -1 with errno when there can be no child. */
int background_fork(void);

/* The child: lets the parent go. Standard input, output and error become /dev/null. */
void background_ready(int fd);

/* Tells the service manager at $NOTIFY_SOCKET, if there is one, READY=1 (sd_notify(3)). */
void background_notify_ready(void);

#endif
