/* What the control socket may ask for: changes to services and forwards, and the configuration read anew. Made by main. */
#ifndef SLIRPPD_REQUESTS_H
#define SLIRPPD_REQUESTS_H

#include "compat/pppd/options.h"
#include "config.h"
#include "control/control.h"
#include "session.h"

struct requests;

/* CONFIG is what OPTIONS read and SESSION was made with; all must outlive it, and it the session. */
struct requests *requests_new(const struct config *config, const struct options *options, struct session *session);
void requests_free(struct requests *requests);

/* Their `arg` is a struct requests. */
extern const struct control_actions requests_actions;

#endif
