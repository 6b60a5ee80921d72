/* Log lines that people and programs grep for, as pppd writes them: to syslog, and as plain text (no time, no prefix, one
 * line each) to a descriptor, which is standard output until the program detaches, or to the file that `logfile` named.
 * The log is the one global of the program. */
#ifndef SLIRPPD_LOG_H
#define SLIRPPD_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <syslog.h>

/* Opens syslog as IDENT. Until this is called nothing goes to syslog (tests). */
void log_open(const char *ident);

/* Where the text lines go; -1 for nowhere. The descriptor stays the caller's. One that takes nothing for a while (a pipe that nobody
 * reads, a terminal after ^S) is not waited for: lines are lost then, and how many is said once it takes lines again. */
void log_set_fd(int fd);
int log_fd(void);

/* Where errors go while the descriptor above is -1; -1, as at first, for nowhere. */
void log_set_error_fd(int fd);

/* Whether our children may have that descriptor as their standard error, as they may at first. If not (the program is to let go of it,
 * and who waits for its end must not wait for them), what they say there is to be logged. */
void log_set_lent(bool lent);
bool log_lent(void);

/* How often `debug` was given: debug lines are printed from 1 on. Also moves the syslog mask: DEBUG with debug, INFO without. */
void log_set_debug(int level);
int log_debug(void);

/* SIGUSR1's effect on syslog as pppd has it: debug on shows everything, off shows WARNING and worse. */
void log_toggle_debug(void);

/* Every line also goes to FN, for tests and for the status page; NULL for none. */
typedef void log_sink_fn(void *arg, int priority, const char *line);
void log_set_sink(log_sink_fn *fn, void *arg);

/* One line each, printf's format (no trailing newline needed), at syslog's priorities. A %m is errno's text. Control characters in
 * the finished line are written as pppd's %v would: ^X and M-x. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_dbg(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* To syslog alone, never to the descriptor (`started by`, `Exit.`). */
void log_syslog_only(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* An option error: "PROGRAM: text" on standard error, and syslog. */
void log_option_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
