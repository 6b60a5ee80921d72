/* One UDP association of a SOCKS5 client (RFC 1928 §7): datagrams between the client's host and the link. socks.c keeps it as long as the
 * TCP connection that asked for it. */
#ifndef SLIRPPD_NET_SOCKS_UDP_H
#define SLIRPPD_NET_SOCKS_UDP_H

#include <stdint.h>
#include <sys/socket.h>

#include "loop.h"
#include "net/dial.h"
#include "net/resolve.h"

struct socks_udp;

/* For the client at the other end of the TCP socket CLIENT. Datagrams are taken from its host alone, and from PORT of it unless that is 0:
 * then from the port that the first one came from. NULL when there is no port for it. */
struct socks_udp *socks_udp_new(struct loop *loop, struct dialer *dialer, struct resolver *resolver, int client, uint16_t port);
void socks_udp_free(struct socks_udp *udp);

/* Where the client is to send its datagrams. */
const struct sockaddr *socks_udp_bound(const struct socks_udp *udp);

#endif
