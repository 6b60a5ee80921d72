/* The control socket and the status pages: HTTP with JSON, over a Unix socket for those who may change things, over TCP for those who
 * may look. Pages and their JSON are described in doc/control.md.
 *
 * Reads what session.h and net.h tell; what it may do is in `struct control_actions`, which main fills in. */
#ifndef SLIRPPD_CONTROL_CONTROL_H
#define SLIRPPD_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "loop.h"
#include "session.h"

/* Each returns NULL when it was done, else why not, in one line (g_free() it). */
struct control_actions {
	char *(*forward)(void *arg, bool add, const char *spec);
	char *(*service)(void *arg, bool add, const char *spec);
	char *(*drop_flow)(void *arg, uint64_t id);
	char *(*hangup)(void *arg);
	char *(*redial)(void *arg);
	char *(*reload)(void *arg, char **notes /* what takes effect later, or NULL */);
};

struct control;

/* Opens the socket and the ports that CONFIG names (none: NULL, and no error: *FAILED is false). Where one cannot be opened, why has
 * been logged, *FAILED is true and NULL is returned. Lines of the log are kept from now on (log_set_sink()). LOOP, SESSION
 * and ACTIONS must outlive it. The others take NULL for none. */
struct control *control_new(const struct config *config, struct loop *loop, struct session *session, const struct control_actions *actions,
			    void *arg, bool *failed);
void control_free(struct control *control);

/* The session's state changed (its history is kept here). */
void control_state(struct control *control, enum session_state state);

/* How much CAPTURE lost is among the metrics from now on; NULL: there is none. */
void control_set_capture(struct control *control, const struct capture *capture);

#endif
