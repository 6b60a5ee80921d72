/* Words that say what leads where and who may: the arguments of service, forward, permit-…, deny-…, socks, metrics, proxy and the like.
 * Pure functions: the option table's rows use them while options are read, the control socket while the program runs.
 *
 * Each returns true, or false with one line that says what is wrong in *WHY (g_free() it). */
#ifndef SLIRPPD_COMPAT_PPPD_SPEC_H
#define SLIRPPD_COMPAT_PPPD_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

/* How host names are looked up. That takes time, so it is for the start; without it only addresses and `localhost` are known. */
struct spec_names {
	bool (*resolve)(void *arg, const char *name, uint32_t *address);
	void *arg;
};

/* [udp:]PORT[:HOST:PORT][,max=N][,idle=SECONDS][,name=TEXT]; HOST may be an IPv6 address in [ ]. */
bool spec_service(const char *text, struct service *service, char **why);
bool spec_service_named(const char *text, const struct spec_names *names, struct service *service, char **why);

/* [udp:][BIND:]PORT:[HOST:]PORT; HOST may be an IPv6 address in [ ], and then BIND may be one, too. */
bool spec_forward(const char *text, struct forward *forward, char **why);
bool spec_forward_named(const char *text, const struct spec_names *names, struct forward *forward, char **why);

/* An address, dotted or by name (NAMES may be NULL). */
bool spec_address(const char *text, const struct spec_names *names, uint32_t *address);

/* CIDR[:PORT], [CIDR6][:PORT] or CIDR6: WHAT is the option's name; rule->permit is left alone. */
bool spec_access(const char *what, const char *text, struct access_rule *rule, char **why);

/* [ADDR:]PORT, [[ADDR6]:]PORT; 127.0.0.1 unless given, `*` for all addresses. */
bool spec_listen(const char *what, const char *text, struct listen_address *listen, char **why);

/* N[SEPARATOR M], both numbers up to INT_MAX; *SECOND is left alone where it is not given. */
bool spec_pair(const char *text, char separator, unsigned *first, unsigned *second);

/* N[k|M|G], in bytes, less than 4 GiB. */
bool spec_size(const char *text, unsigned *bytes);

/* Whether URL is socks5://[USER:PASSWORD@]HOST[:PORT] or http://… alike: an IPv6 address in brackets, what has a meaning in URLs written as
 * %XX. The backend relies on it. *WHY never holds the password. */
bool spec_proxy(const char *url, char **why);

#endif
