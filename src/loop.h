/* The loop: one GLib main context, one clock, one poll() a round.
 *
 * Sources of GLib's own kind (g_unix_fd_add, g_child_watch_add, …) attach to loop_context(). What GLib cannot do well is done
 * here: a `poller` gives a fresh set of descriptors before every poll (libslirp works so), and a `flusher` runs once at the end of
 * every round, so that all that one wake-up brought is written with one system call.
 *
 * The order within a round: poll, pollers, GLib's sources, timers (each once, see clock_run()), flushers. */
#ifndef SLIRPPD_LOOP_H
#define SLIRPPD_LOOP_H

#include <glib-unix.h>
#include <stdbool.h>

#include "clock.h"

struct loop;

/* Takes the calling thread's default main context. NULL never: ends the program when there is no memory. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* The clock that this loop moves; timers on it fire from loop_run(). */
struct clock *loop_clock(struct loop *loop);
GMainContext *loop_context(struct loop *loop);

/* Runs until loop_quit(). */
void loop_run(struct loop *loop);
void loop_quit(struct loop *loop);

/* From now on FN(FD, condition, ARG) is called in the loop when one of EVENTS is there, until it returns G_SOURCE_REMOVE or *SOURCE is
 * unwatched. *SOURCE is NULL, or what it watched before, which ends; the caller unwatches it in any case, before FD is closed. */
void loop_watch(struct loop *loop, GSource **source, int fd, GIOCondition events, GUnixFDSourceFunc fn, void *arg);
/* Harmless when *SOURCE is NULL, which it is afterwards. */
void loop_unwatch(GSource **source);

/* A set of descriptors that is made anew each round. */
struct poller {
	/* Appends what it wants polled to FDS, and lowers *TIMEOUT_MS (-1 is for ever) to when it wants to be woken. */
	void (*fill)(void *arg, GArray *fds /* of GPollFD */, int *timeout_ms);
	/* The same N descriptors after the poll, with revents; called every round. FAILED when poll() itself failed. */
	void (*done)(void *arg, const GPollFD *fds, unsigned n, bool failed);
	void *arg;
};

/* Both stay the caller's memory and must be removed before it goes. May be called from within callbacks. */
void loop_add_poller(struct loop *loop, struct poller *poller);
void loop_remove_poller(struct loop *loop, struct poller *poller);

/* Runs at the end of every round, after all events and timers. */
struct flusher {
	void (*flush)(void *arg);
	void *arg;
};

void loop_add_flusher(struct loop *loop, struct flusher *flusher);
void loop_remove_flusher(struct loop *loop, struct flusher *flusher);

#endif
