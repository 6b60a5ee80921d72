/* Hook scripts: /etc/ppp/ip-up and its kin (in config->folder), with pppd's arguments, environment, order and waiting rules (pppd(8), SCRIPTS). Owned by the
 * session, which tells it what is known (variables) and what has happened (hooks).
 *
 * Each is executed without a shell, in a session of its own, in /, with umask 077, nothing on its descriptors 0 to 2, and with the variables
 * below for all its environment. One that is not there is silent; one that may be written by others than its owner (root, or ourselves) is
 * refused. Nothing here blocks: a script that hangs stops nothing but itself. */
#ifndef SLIRPPD_HOOKS_H
#define SLIRPPD_HOOKS_H

#include <stdbool.h>

#include "config.h"
#include "loop.h"

struct hooks;

typedef void hooks_fn(void *arg);

/* CONFIG names the scripts and the variables set by hand (set, unset); it and LOOP must outlive it. ORIG_UID, PPPLOGNAME, PPPD_PID, LINKNAME,
 * CALL_FILE, REMOTENUMBER and VRF are set here, as far as they are known. */
struct hooks *hooks_new(const struct config *config, struct loop *loop);
/* Scripts that still run are left running. */
void hooks_free(struct hooks *h);

/* Another configuration holds from now on (a reload). */
void hooks_set_config(struct hooks *h, const struct config *config);

/* Sets the variable NAME, or (VALUE NULL) takes it away. The arguments of scripts are taken from the same variables: IFNAME, DEVICE, SPEED,
 * IPLOCAL, IPREMOTE, LLLOCAL, LLREMOTE, PEERNAME. */
void hooks_set(struct hooks *h, const char *name, const char *value);

/* Runs HOOK, and calls DONE when it has ended, or after ten seconds (that it still runs is said then). False: there is nothing to wait for,
 * and DONE will not be called. One wait at a time; hooks_cancel() forgets it. */
bool hooks_wait(struct hooks *h, enum hook hook, hooks_fn *done, void *arg);
void hooks_cancel(struct hooks *h);

/* Runs HOOK, and does not wait. Of a pair (up and down) one runs at a time; of what happens meanwhile only the last counts: the other one
 * follows when the first has ended, if it then is the truth. A down without an up before it does not run. */
void hooks_run(struct hooks *h, enum hook hook);

/* The end: calls DONE when no script runs any more; those that still run after child-timeout get SIGTERM first (pppd: "sending SIGTERM to
 * process"), and DONE is called then. hooks_hurry(): SIGTERM now (a second signal). False: nothing runs, DONE will not be called. */
bool hooks_finish(struct hooks *h, hooks_fn *done, void *arg);
void hooks_hurry(struct hooks *h);

#endif
