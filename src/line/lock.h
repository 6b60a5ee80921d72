/* UUCP lock files, as pppd, minicom and others write them: LCK..NAME, with the pid of who holds the device in ten columns. */
#ifndef SLIRPPD_LINE_LOCK_H
#define SLIRPPD_LINE_LOCK_H

#include <sys/types.h>

enum lock_result { LOCK_TAKEN, LOCK_HELD, LOCK_IMPOSSIBLE };

/* The path (for g_free) of DEVICE's lock file in FOLDER. */
char *lock_path(const char *folder, const char *device);

/* The pid in the lock file at PATH, 0 when what it says is none; -1 with errno when there is nothing to be read. */
long lock_holder(const char *path);

/* Takes DEVICE's lock for PID; a lock of a process that no longer lives is removed. LOCK_HELD: another process has it, or the file
 * cannot be read (logged, as pppd does). LOCK_IMPOSSIBLE: no such file can be made here (errno). */
enum lock_result lock_take(const char *folder, const char *device, pid_t pid);

/* Removes the lock if it is PID's. */
void lock_release(const char *folder, const char *device, pid_t pid);

#endif
