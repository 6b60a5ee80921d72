/* A session: everything from opening the line to closing it; with `persist`, one after the other (RFC 1661 §3.2, pppd's phases,
 * timers and messages). Ties line, ppp, queue and backend together. */
#ifndef SLIRPPD_SESSION_H
#define SLIRPPD_SESSION_H

#include "capture.h"
#include "config.h"
#include "loop.h"
#include "net/net.h"
#include "ppp/ppp.h"
#include "status.h"

struct session;

/* What a person would say that the session is doing. */
enum session_state {
	SESSION_IDLE,        /* not started, over, or hung up by session_hangup() */
	SESSION_OPENING,     /* the line: scripts, a device that is waited for */
	SESSION_NEGOTIATING, /* PPP is spoken, no addresses yet */
	SESSION_UP,
	SESSION_CLOSING,
	SESSION_WAITING,     /* for the next try: holdoff, or until there is traffic (demand) */
	SESSION_STATES
};

/* "idle", "opening", … */
const char *session_state_name(enum session_state state);

struct session_report {
	enum session_state state;
	uint64_t since;     /* microseconds since the state changed last */
	uint64_t retry_in;  /* SESSION_WAITING: microseconds until the next try; CLOCK_NEVER: until there is traffic */
	const char *name;   /* ppp0 */
	const char *line;   /* as `Connect: ppp0 <--> LINE` prints it, or what was asked for */
	unsigned rate;      /* the line's, bytes a second, where it is known */
	unsigned attempts;  /* lines opened, or tried to, since the start */
	enum exit_status status; /* how the last try ended, or what it would end with now */
	struct ppp_report ppp;
	unsigned queue_packets;
	size_t queue_bytes;
	uint64_t queue_dropped;
};

struct session_events {
	/* The state changed. */
	void (*state)(void *arg, enum session_state state);
	/* The line was opened for the first time, or again: PPP begins. */
	void (*line_open)(void *arg);
	/* The first network protocol came up (updetach, sd_notify). */
	void (*up)(void *arg);
	/* The peer has proved that it is PEER, and its secrets line names these OPTIONS: the configuration that holds for it (limits and IPCP's
	 * part of it are used), which must outlive the session or the next call; NULL: none, the usual one holds. May be NULL. */
	const struct config *(*peer_config)(void *arg, const char *peer, char **options);
	/* All is over; STATUS is the program's exit code. */
	void (*done)(void *arg, enum exit_status status);
};

/* Opens the backend (forwards are bound now). NULL, with one line logged, when that fails. SECRETS as for ppp_new(). */
struct session *session_new(const struct config *config, const struct secrets *secrets, void *secrets_arg, struct loop *loop,
			    const struct session_events *events, void *arg);
void session_free(struct session *s);

/* Opens the line and goes on from there. */
void session_start(struct session *s);

/* SIGHUP, SIGINT, SIGTERM, as pppd takes them. */
void session_signal(struct session *s, int signal);

/* SIGUSR2: compression is negotiated anew. */
void session_reopen_ccp(struct session *s);

/* Ends the link, and stays down until session_redial(); without persist that is the end (EXIT_USER_REQUEST). */
void session_hangup(struct session *s);
/* Ends the link, if it is up, and tries anew at once; cuts any waiting short. */
void session_redial(struct session *s);

/* What CONFIG says about services, forwards, access and limits holds at once (net_configure()); all else when the line is opened next.
 * CONFIG is copied for the former; for the latter it must live until the session took it or was given another: session_config() tells
 * which one it reads. False, with *WHY (g_free() it), when nothing was changed. */
bool session_configure(struct session *s, const struct config *config, char **why);
const struct config *session_config(const struct session *s);

/* Pointers in REPORT are valid until the session changes its state. */
void session_report(const struct session *s, struct session_report *report);
struct net *session_net(const struct session *s);

/* All frames go to CAPTURE, too, until it is set to NULL. */
void session_set_capture(struct session *s, struct capture *capture);

#endif
