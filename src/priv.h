/* What needs privilege, the file system or another program, behind one narrow door: it is to become a process boundary. Everything
 * here returns at once. */
#ifndef SLIRPPD_PRIV_H
#define SLIRPPD_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Opens a device for reading and writing: O_NONBLOCK, O_NOCTTY, O_CLOEXEC. Returns the descriptor, or -1 with errno. */
int priv_open_device(const char *path);

/* Takes the UUCP lock of DEVICE (/var/lock/LCK..NAME, pppd's format and messages): 0, or -1 where another process holds it (logged).
 * Where no lock can be made (no right to write there, a read-only disk) that is said, and does not count. */
int priv_lock(const char *device);
void priv_unlock(const char *device);

/* Starts `/bin/sh -c COMMAND` with IN and OUT as standard input and output and ERR as standard error (each -1: /dev/null), signals at
 * their defaults, no other descriptor open; in a process group of its own unless we are in the foreground of a terminal (ssh wants to
 * ask there for a password). Returns its pid, or -1 with errno. The caller reaps it (g_child_watch_add). */
pid_t priv_shell(const char *command, int in, int out, int err);

/* Appends to (or makes, mode 0644) a log file, or writes to a FIFO whether it is read or not; the descriptor, or -1 with errno. */
int priv_open_log(const char *path);

/* Opens or makes (mode 0644) the file of echo round trips, SIZE bytes long, for reading and writing; the descriptor, or -1 with errno. */
int priv_open_rtt(const char *path, size_t size);

/* Makes (mode 0600) or empties a file for a capture; a symbolic link is refused, since a capture holds what was said in secret. ROTATE:
 * what is there becomes PATH.1 first. A FIFO is opened whether it is read or not. The descriptor, non-blocking, or -1 with errno. May be
 * called from any thread. */
int priv_open_capture(const char *path, bool rotate);

/* Writes the pid file of NAME (`ppp0` gives RUN/ppp0.pid, `ppp-LINK` its link's) and removes it if it is ours. One that another living
 * process has is left alone. That, or a failure, is logged and stops nothing. Without root, RUN is $XDG_RUNTIME_DIR, or nothing is
 * written. LINE2: a second line, or NULL. */
void priv_write_pid(const char *name, const char *line2);
void priv_remove_pid(const char *name);

/* The lowest N for which there is neither a pid file pppN.pid of another living process nor an interface pppN. The pid file is written
 * at once, so that no two get the same. */
int priv_free_unit(void);

/* Makes (or attaches to) the TUN interface NAME ("ppp%d" lets the kernel choose), and writes its name to IFNAME (16 bytes). Returns a
 * non-blocking descriptor whose reads and writes carry a virtio_net_hdr when *VNET_HDR is set on return, or -1 with errno. */
int priv_tun_open(const char *name, char *ifname, bool *vnet_hdr);

/* Gives the interface its point-to-point addresses (host byte order) and MTU and takes it up; or takes it down. 0, or -1 with errno. */
int priv_tun_up(const char *ifname, uint32_t local, uint32_t remote, unsigned mtu);
int priv_tun_down(const char *ifname);
/* Gives the interface the address fe80::IDENTIFIER/64, or (not ADD) takes it away. */
int priv_tun_address6(const char *ifname, uint64_t identifier, bool add);

/* Makes the Unix socket PATH, which only its owner may connect to, and listens on it. What a dead process left there is replaced, a
 * living one's socket and a file that is no socket are left alone. Returns a non-blocking descriptor, and in MADE what to remove at
 * the end; or -1 with *WHY (g_free() it). */
int priv_listen_unix(const char *path, struct stat *made, char **why);
/* Removes it, if it still is the one that was made. */
void priv_remove_unix(const char *path, const struct stat *made);

#endif
