/* The line: the byte stream to the peer, whatever it is made of. Knows nothing of PPP.
 *
 * Opening takes as long as it takes (a lock, a device that is not there yet, init and connect scripts, a carrier): it is
 * asynchronous, and line_close() may come at any time. Nothing here ever blocks. Events come from the loop, never from within a
 * call; line_close() and line_free() may be called from within any of them. */
#ifndef SLIRPPD_LINE_LINE_H
#define SLIRPPD_LINE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config.h"
#include "loop.h"
#include "status.h"

struct line_events {
	/* Open, scripts done: the peer may be spoken to. */
	void (*ready)(void *arg);
	/* It could not be opened (or a script failed); why has been logged, STATUS is pppd's code for it. The line is closed again. */
	void (*failed)(void *arg, enum exit_status status);
	/* LEN bytes came. They are valid, and the callee's to change, until it returns. */
	void (*data)(void *arg, uint8_t *bytes, size_t len);
	/* It can take more bytes (asked for by line_want_write()). */
	void (*writable)(void *arg);
	/* The other end hung up, or the device is gone. line_close() is still to be called. */
	void (*hangup)(void *arg);
	/* line_close() is done: disconnect script run, settings restored, lock removed. */
	void (*closed)(void *arg);
};

struct line;

/* A closed line. CONFIG, LOOP and EVENTS stay the caller's and must outlive it. */
struct line *line_new(const struct line_config *config, struct loop *loop, const struct line_events *events, void *arg);
/* Also ends, at once, whatever is still open. */
void line_free(struct line *line);

/* Starts opening. WAIT: a device that is not there, or goes away while being opened, is waited for (persist) and no error. */
void line_open(struct line *line, bool wait);

/* Closes: disconnect script (not after a hang-up), settings back, descriptors closed, lock removed; then events->closed. */
void line_close(struct line *line);

/* Writes what it can of LEN bytes and returns how many, 0 when it can take none now; never blocks. After an error events->hangup
 * follows from the loop. On synchronous lines, LEN bytes are whole packets, each behind its length (two bytes, big-endian). */
size_t line_write(struct line *line, const uint8_t *bytes, size_t len);
void line_want_write(struct line *line, bool want);

/* Bytes that the system still holds (TIOCOUTQ), 0 where it cannot tell. */
size_t line_unsent(const struct line *line);

/* Bytes a second that this line is known to carry (a real serial port's rate with its start and stop bits), or is to carry at most
 * (datarate); 0: unknown, as for ptys, gadget ports and sockets. */
unsigned line_rate(const struct line *line);

/* What hook scripts are told: the terminal's path as it was resolved (NULL where the line is none that was opened by name), and bits a
 * second. */
const char *line_device(const struct line *line);
unsigned line_speed(const struct line *line);

/* What `Connect: ppp0 <--> NAME` prints: the device, the name of the pty, or the socket. */
const char *line_name(const struct line *line);

/* Hands SIGNAL to the init, connect, welcome or disconnect script that runs on the line, as pppd does with HUP, INT and TERM. False
 * when none runs (the pty command does not count: it is ended by line_close()). */
bool line_signal(struct line *line, int signal);

/* True when FD (the log's) is the line itself. */
bool line_is_fd(const struct line *line, int fd);

#endif
