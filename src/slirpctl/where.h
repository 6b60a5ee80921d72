/* Which control socket is meant. */
#ifndef SLIRPCTL_WHERE_H
#define SLIRPCTL_WHERE_H

/* $SLIRPPD_CONTROL, or else the only socket there is in /run/slirppd and $XDG_RUNTIME_DIR/slirppd. NULL when there is none or more
 * than one: *WHY says so, and what to do, in one line. Free both. */
char *where_socket(char **why);

/* Why PATH could not be connected to, and what to do about it, in one line; REASON is the system's own word. Free it. */
char *where_trouble(const char *path, const char *reason);

#endif
