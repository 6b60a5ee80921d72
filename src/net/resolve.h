/* Names, asked of the name server at the peer's side, through the link (c-ares). This machine's resolver, its files and its names play no
 * part: `localhost` is nobody here. IPv4 addresses alone. */
#ifndef SLIRPPD_NET_RESOLVE_H
#define SLIRPPD_NET_RESOLVE_H

#include <stdint.h>

#include "loop.h"
#include "net/dial.h"

struct resolver;
struct lookup;

/* The name's addresses (host byte order), COUNT of them: 0 where it has none, or nobody answered. Called once, from the loop, never from
 * within resolver_lookup(). */
typedef void lookup_fn(void *arg, const uint32_t *addresses, unsigned count);

/* LOOP and DIALER must outlive it. */
struct resolver *resolver_new(struct loop *loop, struct dialer *dialer);
/* Lookups end without their functions being called. */
void resolver_free(struct resolver *resolver);

/* NULL: the link is down, or too many are under way. */
struct lookup *resolver_lookup(struct resolver *resolver, const char *name, lookup_fn *fn, void *arg);
void lookup_cancel(struct lookup *lookup);

#endif
