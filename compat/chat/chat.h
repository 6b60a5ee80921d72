/* What chat(8)'s files share: the state of a conversation, its messages and its line. */
#ifndef SLIRPPD_COMPAT_CHAT_CHAT_H
#define SLIRPPD_COMPAT_CHAT_CHAT_H

#include <stdio.h>
#include <syslog.h>
#include <termios.h>

#include "compat/chat/script.h"

#define INPUT_MAX 1024 /* bytes of what came that are looked at */

enum exit_code { EXIT_DONE, EXIT_SCRIPT, EXIT_IO, EXIT_TIMEOUT, EXIT_ABORT };

struct chat {
	struct chat_names names;
	bool verbose, show, to_stderr, no_syslog, echo;
	int timeout;             /* seconds; 0 or less, which only -t can ask for: none */
	const char *command;     /* that takes the next word; or NULL */
	GPtrArray *aborts;       /* of GString */
	GPtrArray *reports;
	GString *report;         /* being gathered until its line ends; or NULL */
	FILE *report_file;
	const char *report_path; /* NULL: standard error */
	struct termios before;
	bool is_tty, ending, unfinished_echo;
	int code;                /* why the last expectation was not met */
	char *reason;            /* the abort string that was seen */
};

/* A line for syslog and, with -s, standard error. */
void say(const struct chat *c, int level, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
/* `WHAT (TEXT)`, where it is asked for. */
void say_text(const struct chat *c, const char *what, const char *text);
/* One byte of input to standard error, as ECHO asks. -1: nothing more comes. */
void echo_byte(struct chat *c, int byte);
/* The end of the line of a report: it is written. */
void end_report(struct chat *c);

/* Puts the terminal back, lets a report's line end, and ends the program; FAIL with a message. */
void end(struct chat *c, int code) G_GNUC_NORETURN;
void fail(struct chat *c, int code, const char *fmt, ...) G_GNUC_PRINTF(3, 4) G_GNUC_NORETURN;

/* Signals that end the program are kept, and heeded by what waits below, or here. */
void catch_signals(void);
void heed_signals(struct chat *c);
/* HANGUP OFF, and ON. */
void heed_hangup(bool heeded);

/* Makes a terminal on standard input raw; a socket or a pipe will do as well. */
void set_terminal(struct chat *c);
/* When the time-out that begins now will be over. */
int64_t deadline(const struct chat *c);
/* The next byte, of which seven bits count, before the time UNTIL (g_get_monotonic_time()); -1: the time is over, or the line is. */
int read_byte(struct chat *c, int64_t until);
/* False: it cannot be written, or not in time, which has been said. */
bool write_byte(struct chat *c, char byte, int64_t until);
void rest(struct chat *c, unsigned ms);

#endif
