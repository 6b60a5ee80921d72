/* A program that we started: who wants to hear of its end. */
#ifndef SLIRPPD_CHILD_H
#define SLIRPPD_CHILD_H

#include <sys/types.h>

#include "loop.h"

struct child;

/* STATUS as waitpid() gives it; -1: somebody else has reaped it. The child is gone when this returns. */
typedef void child_fn(void *arg, int status);

/* Calls FN from the loop when the process PID, which we started, has ended, and reaps it. */
struct child *child_watch(struct loop *loop, pid_t pid, child_fn *fn, void *arg);
/* Nobody wants to hear of it any more: it is only reaped. */
void child_forget(struct child *child);
pid_t child_pid(const struct child *child);

#endif
