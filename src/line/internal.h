/* What the files of line/ share: the line itself, the steps in which it is opened and closed, and what each kind of line does its
 * own way. */
#ifndef SLIRPPD_LINE_INTERNAL_H
#define SLIRPPD_LINE_INTERNAL_H

#include "line/line.h"
#include "line/script.h"
#include "line/serial.h"
#include "log.h"

enum line_state { LINE_CLOSED, LINE_OPENING, LINE_OPEN, LINE_CLOSING };

/* A step ends by calling line_next(), line_again(), line_fail() or line_wait(), now or later; that call is the last thing that it
 * does. */
typedef void line_step(struct line *line);

struct line_source;
struct script_words;
struct dial;

struct line {
	const struct line_config *config;
	struct loop *loop;
	const struct line_events *events;
	void *arg;
	uint8_t *buffer;
	unsigned busy; /* callbacks that go on with the line when they return */
	bool dead;     /* freed while busy */

	enum line_state state;
	line_step *const *step; /* the one that is under way */
	line_step *wake;        /* what `timer` is to call */
	struct timer timer;
	enum exit_status failure; /* why it is being closed again; EXIT_OK: because line_close() was called */
	uint64_t deadline;        /* of the step that waits */
	bool wait;                /* as line_open() was told */
	bool waited, no_carrier;  /* it has been said that the device, or its carrier, is not there */
	int refused;              /* errno of an opening that failed, of which has been told; 0 after one that did not */
	unsigned carrier_seen;    /* how many times, one after the other */
	bool was_open, hungup;

	int in, out;             /* -1 when not open */
	int in_flags, out_flags; /* of descriptors that we were given */
	bool given;              /* they are: put their flags back, do not close them */
	bool on_stdin;           /* the terminal on standard input: no lock, DTR untouched */
	char *name;
	char *locked;                     /* the device whose lock we hold */
	struct serial *serial;            /* NULL: no terminal */
	struct script *script;            /* runs on the line */
	const struct script_words *words; /* about it */
	struct script *command;           /* of a pty line */
	struct dial *dial;                /* of a socket line that is not yet connected */
	struct line_source *source;
	struct record *record; /* NULL: none is asked for, or none can be written */
	size_t cut;            /* synchronous: so much of the next packet is written already */
};

struct line_ops {
	line_step *open;                 /* sets in, out and name */
	void (*shut)(struct line *line); /* gives everything back; also when it was never opened */
};

extern const struct line_ops line_tty, line_pty, line_stdio, line_socket;
const struct line_ops *line_ops(const struct line *line);

/* line.c */
void line_attach(struct line *line);
void line_detach(struct line *line);
/* Sets or clears O_NONBLOCK: a script wants a line that blocks. */
void line_set_blocking(const struct line *line, bool blocking);
/* Puts back or closes in and out, and the terminal's settings. */
void line_release(struct line *line);
/* Where a script's complaints go, for script_start(): the log's descriptor, or standard error, unless that is the line itself. */
int line_stderr(const struct line *line);

/* steps.c: how a step ends. */
void line_next(struct line *line);
void line_again(struct line *line);
void line_fail(struct line *line, enum exit_status status);
/* Gives everything back and ends as line_device_failed() does; errno says why. */
void line_lost(struct line *line);
/* Sets the terminal as configured, minding CARRIER or not. */
void line_set_terminal(struct line *line, bool carrier);
/* Calls WAKE in DELAY microseconds. */
void line_wait(struct line *line, uint64_t delay, line_step *wake);
/* Begins again with the first step of opening, after DELAY microseconds. */
void line_restart(struct line *line, uint64_t delay);
/* A pty line's command has ended. */
void line_command_ended(struct line *line);

/* tty.c: the device is not there, or does not let us in (errno): waits for it where that was asked for, else says why and fails. The
 * line must have been released. */
void line_device_failed(struct line *line);

/* refusal.c: what can be done about ERROR, which opening PATH gave: words in parentheses with a space in front, or "" (for g_free). */
char *line_refusal(const char *path, int error);
/* Tells of each process but us that has PATH open, as far as PROC (/proc) shows other people's. */
typedef void line_holder(void *arg, const char *pid);
void line_each_holder(const char *proc, const char *path, line_holder *tell, void *arg);

/* socket.c: cuts HOST:PORT or [HOST]:PORT in two (for g_free); false when it is neither. */
bool line_parse_address(const char *text, char **host, char **port);

#endif
