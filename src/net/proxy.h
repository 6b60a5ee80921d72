/* `proxy`: the peer's TCP connections to the world leave through a SOCKS5 or HTTP CONNECT proxy.
 *
 * libslirp connects to a port of ours on 127.0.0.1 instead of the destination; here each such connection is matched with where it was to
 * go, and made to the proxy. Connections that do not come from libslirp are closed at once. Up to 1024 at a time (and pump_limit()); one
 * that the proxy does not grant within 30 seconds is reset, as is one that fails, with a line in the log every ten seconds at most. */
#ifndef SLIRPPD_NET_PROXY_H
#define SLIRPPD_NET_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

struct proxy;

/* Where the connection that came from 127.0.0.1:CLIENT_PORT wants to go; false: none of ours. ADDR in host byte order. */
typedef bool proxy_destination_fn(void *arg, uint16_t client_port, uint32_t *addr, uint16_t *port);

/* Listens. URL is socks5://[USER:PASSWORD@]HOST[:PORT] or http://…, as the option `proxy` allows it; PORT is 1080 or 80 unless given. NULL,
 * with one line logged, when that fails. Never logs the password of URL. */
struct proxy *proxy_new(struct loop *loop, const char *url, proxy_destination_fn *destination, void *arg);
void proxy_free(struct proxy *proxy);
uint16_t proxy_port(const struct proxy *proxy);

#endif
