/* `socks`: a SOCKS5 server whose connections leave through the link (RFC 1928; RFC 1929 where a user is set). CONNECT and UDP ASSOCIATE;
 * names are resolved at the peer's side. */
#ifndef SLIRPPD_NET_SOCKS_H
#define SLIRPPD_NET_SOCKS_H

#include <stdint.h>

#include "config.h"
#include "loop.h"
#include "net/dial.h"

struct socks;

/* Listens on every address of CONFIG->socks. NULL, with one line logged, when one cannot be had. CONFIG must outlive it. */
struct socks *socks_new(const struct net_config *config, struct loop *loop, struct dialer *dialer);
void socks_free(struct socks *socks);

/* Connections now, and refused so far. */
unsigned socks_count(const struct socks *socks);
uint64_t socks_refused(const struct socks *socks);

#endif
