/* A run of slirpctl: where it asks, how it prints. */
#ifndef SLIRPCTL_ASK_H
#define SLIRPCTL_ASK_H

#include <jansson.h>
#include <stdbool.h>

#include "slirpctl/http.h"
#include "slirpctl/show.h"

enum exit_code { CTL_OK, CTL_REFUSED, CTL_USAGE, CTL_NO_CONNECTION };

struct ctl {
	struct http_server server;
	bool json; /* print what came, as it came */
	struct look look;
};

/* Says one line on standard error: "slirpctl: …", made safe for a terminal. */
void ctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Asks for TARGET. CTL_OK: *ANSWER is the caller's, whatever its status. Otherwise why has been said. */
enum exit_code ctl_ask(const struct ctl *ctl, const char *method, const char *target, const char *body, struct http_answer **answer);

/* What an answer that is not 200 says is wrong, on standard error: CTL_REFUSED. */
enum exit_code ctl_refused(const struct http_answer *answer);

/* The state, to be ended with json_decref(); the rest as ctl_ask(). */
enum exit_code ctl_state(const struct ctl *ctl, json_t **state);

/* Prints to standard output at once. */
void ctl_print(const char *text);

/* Draws the state again and again, every SECONDS, until SIGINT or SIGTERM (watch.c). */
enum exit_code ctl_watch(struct ctl *ctl, unsigned seconds);

/* Prints the last LIMIT lines of the log, and goes on with what is logged from now on (watch.c). */
enum exit_code ctl_follow_log(const struct ctl *ctl, size_t limit);

#endif
