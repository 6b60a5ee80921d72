/* A test rig: two ends of a link that authenticate each other, in virtual time, joined by a pipe that may lose packets. With LCP, which
 * negotiates the methods, or without; or one end alone, whose peer is the test. */
#ifndef SLIRPPD_TEST_AUTH_RIG_H
#define SLIRPPD_TEST_AUTH_RIG_H

#include <glib.h>

#include "clock.h"
#include "config.h"
#include "ppp/auth.h"
#include "ppp/lcp.h"

/* A line of a secrets file; "*" stands for any name. */
struct auth_line {
	enum secret_kind kind;
	const char *client, *server, *secret;
	bool no_address;
};

struct auth_rig;

struct auth_rig_end {
	struct auth_rig *rig;
	struct config *config; /* change it before auth_rig_start() */
	const struct auth_line *lines; /* ends with a row without a client */
	struct auth *auth;
	struct lcp lcp;
	GQueue arriving; /* of GBytes: protocol, packet */
	GQueue sent;     /* of hexadecimal text, protocol first; while the rig is not joined */
	GString *log, *events; /* "done;", "failed 11 Authentication failed;" */
	unsigned done, failed;
	enum exit_status status;
};

struct auth_rig {
	struct clock clock;
	struct auth_rig_end end[2];
	bool joined; /* what one sends arrives at the other */
	double loss;
	GRand *rand;
	unsigned at; /* whose turn it is: whose log lines come */
};

/* End 0 is "server" and end 1 "client", with the secret "sesame" for everything. */
struct auth_rig *auth_rig_new(unsigned seed);
void auth_rig_free(struct auth_rig *rig);

/* Makes what belongs to the configs; prepares. */
void auth_rig_start(struct auth_rig *rig);
/* Joined, with LCP. */
void auth_rig_negotiate(struct auth_rig *rig);
/* Joined, without: the client uses METHOD towards the server. */
void auth_rig_prove(struct auth_rig *rig, unsigned method);

void auth_rig_run(struct auth_rig *rig, uint64_t microseconds);

/* For one end: a packet comes; what it has sent next is PATTERN (blanks are ignored, `?` is any digit); the same as text. */
void auth_rig_feed(struct auth_rig_end *end, const char *hex);
bool auth_rig_sent(struct auth_rig_end *end, const char *pattern);
const char *auth_rig_next(struct auth_rig_end *end);

/* How many lines of its log begin with TEXT. */
unsigned auth_rig_logged(const struct auth_rig_end *end, const char *text);

#endif
