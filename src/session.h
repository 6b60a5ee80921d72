/* A session: everything from opening the line to closing it; with `persist`, one after the other (RFC 1661 §3.2, pppd's phases,
 * timers and messages). Ties line, ppp, queue and backend together. */
#ifndef SLIRPPD_SESSION_H
#define SLIRPPD_SESSION_H

#include "config.h"
#include "loop.h"
#include "status.h"

struct session;

struct session_events {
	/* The line was opened for the first time, or again: PPP begins. */
	void (*line_open)(void *arg);
	/* The first network protocol came up (updetach, sd_notify). */
	void (*up)(void *arg);
	/* All is over; STATUS is the program's exit code. */
	void (*done)(void *arg, enum exit_status status);
};

/* Opens the backend (forwards are bound now). NULL, with one line logged, when that fails. */
struct session *session_new(const struct config *config, struct loop *loop, const struct session_events *events, void *arg);
void session_free(struct session *s);

/* Opens the line and goes on from there. */
void session_start(struct session *s);

/* SIGHUP, SIGINT, SIGTERM, as pppd takes them. */
void session_signal(struct session *s, int signal);

#endif
