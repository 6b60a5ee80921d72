/* What needs privilege, the file system or another program, behind one narrow door: it is to become a process boundary. Everything
 * here returns at once. */
#ifndef SLIRPPD_PRIV_H
#define SLIRPPD_PRIV_H

#include <glib.h>
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
 * ask there for a password), with ENVIRONMENT (ending with NULL). Returns its pid, or -1 with errno. The caller reaps it (g_child_watch_add). */
pid_t priv_shell(const char *command, char *const environment[], int in, int out, int err);

/* Executes the hook script PATH (checked first: a regular file that its owner, root or we, alone may write) with ARGV and ENVIRONMENT
 * (both end with NULL), as hooks.h says. Returns its pid, 0 where there is none, or -1 where it cannot be run (logged). The caller reaps it. */
pid_t priv_hook(const char *path, char *const argv[], char *const environment[]);

/* Where an ordinary user's own scripts and the like lie ($XDG_CONFIG_HOME/slirppd, else ~/.config/slirppd), for g_free(); NULL for root. */
char *priv_user_folder(void);

/* Writes the name servers that the peer named, a line each, to resolv.conf in FOLDER; without root in the user's own folder; nothing where
 * that is not there. DNS2 may be NULL. 0, or -1 (logged). */
int priv_write_resolver(const char *folder, const char *dns1, const char *dns2);

/* Appends to (or makes, with that mode) a log file, or writes to a FIFO whether it is read or not; the descriptor, or -1 with errno. */
int priv_open_log(const char *path, mode_t mode);

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

/* Makes the TUN interface NAME ("ppp%d" lets the kernel choose), or attaches to one that is there and that nobody has open (then any user
 * may for whom it was made), and writes its name to IFNAME (16 bytes). Returns a non-blocking descriptor whose reads and writes carry a
 * virtio_net_hdr when *VNET_HDR is set on return, or -1 with errno. *MADE: it is new, goes with the descriptor, and looks like pppd's. */
int priv_tun_open(const char *name, char *ifname, bool *vnet_hdr, bool *made);
/* Closes the descriptor, and leaves an interface that stays as it was found. */
void priv_tun_close(int fd);

/* Interfaces by their index, and their addresses. All but the first take CAP_NET_ADMIN; each returns 0, 1 where all was so before and
 * nothing had to be done (which takes no right), or -1 with errno. */
struct priv_link {
	unsigned mtu;
	bool up;
	uint32_t vrf_table; /* of the routes in it, where it is a VRF; else 0 */
};
int priv_link_get(unsigned index, struct priv_link *link);
int priv_link_set_mtu(unsigned index, unsigned mtu);
int priv_link_set_up(unsigned index, bool up);
/* The interface becomes part of VRF (an interface, too), whose routes are in table *TABLE. */
int priv_link_enslave(unsigned index, const char *vrf, uint32_t *table);
/* An interface's addresses: LOCAL (host byte order), and REMOTE (0: not known) at the other end; or fe80:: and an interface identifier, of
 * which REMOTE may be 0. Other addresses, and routes through the interface, stay. */
int priv_address(unsigned index, uint32_t local, uint32_t remote, bool add);
int priv_address6(unsigned index, uint64_t local, uint64_t remote, bool add);

/* Routes and ARP (priv_route.c). */
struct priv_route {
	int family;          /* AF_INET, AF_INET6 */
	uint32_t table, metric;
	unsigned index;      /* of the interface; where there are several, of the first */
	uint8_t gateway[16]; /* in the order of the wire; zeroes: none */
};
#define PRIV_TABLE_MAIN 254
/* All default routes of FAMILY in TABLE, in no order, as a new array of struct priv_route; empty when they cannot be read. */
GArray *priv_default_routes(int family, uint32_t table);
/* Adds a default route through the interface ROUTE->index, without a gateway: before others with the same metric, which stay. Or removes it. */
int priv_default_route(const struct priv_route *route, bool add);

struct priv_interface {
	char name[16];
	unsigned index;
	bool broadcast;         /* up, and a network like Ethernet */
	uint32_t address, mask; /* host byte order */
};
/* Every IPv4 address of this machine, as a new array of struct priv_interface. */
GArray *priv_interfaces(void);
/* On the network at interface INDEX this machine answers ARP for ADDRESS, or no more. */
int priv_proxy_arp(unsigned index, uint32_t address, bool add);

/* Makes the Unix socket PATH, which only its owner may connect to, and listens on it. What a dead process left there is replaced, a
 * living one's socket and a file that is no socket are left alone. Returns a non-blocking descriptor, and in MADE what to remove at
 * the end; or -1 with *WHY (g_free() it). */
int priv_listen_unix(const char *path, struct stat *made, char **why);
/* Removes it, if it still is the one that was made. */
void priv_remove_unix(const char *path, const struct stat *made);

#endif
