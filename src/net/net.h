/* The backend: where the peer's packets go. Knows nothing of PPP. Two of them: libslirp, and a TUN interface. */
#ifndef SLIRPPD_NET_NET_H
#define SLIRPPD_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "loop.h"

/* The link as it was agreed upon; addresses in host byte order. */
struct net_link {
	uint32_t local, remote;
	uint32_t dns; /* where the peer finds the host's resolver (own_dns), or 0 */
	uint16_t mtu; /* largest packet towards the peer */
};

struct net_events {
	/* A packet for the peer: LEN bytes, at most the link's mtu, valid until the call returns. */
	void (*packet)(void *arg, const uint8_t *packet, size_t len);
};

/* How many bytes before a packet given to net_input() may be overwritten. */
#define NET_HEADROOM 32

struct net;

/* What a backend is: one constant of these each in slirp.c and tun.c. */
struct net_backend_ops {
	const char *name; /* "slirp", "tun" */
	struct net *(*open)(const struct config *config, struct loop *loop, const struct net_events *events, void *arg);
	void (*close)(struct net *net);
	bool (*up)(struct net *net, const struct net_link *link);
	void (*down)(struct net *net);
	void (*input)(struct net *net, uint8_t *packet, size_t len);
	void (*hold)(struct net *net, bool hold);
	const char *(*ifname)(const struct net *net);
};

/* Every backend's struct begins with this. */
struct net {
	const struct net_backend_ops *ops;
};

extern const struct net_backend_ops net_slirp, net_tun;

/* Opens the backend that CONFIG names: binds the forwards, or makes the interface (down). NULL when that fails; why has been
 * logged in one line. CONFIG, LOOP and EVENTS must outlive it. */
struct net *net_open(const struct config *config, struct loop *loop, const struct net_events *events, void *arg);
void net_close(struct net *net);

/* The link is up with these addresses; conversations of an earlier session with the same addresses go on. False (and one line
 * logged) when the backend cannot serve them. */
bool net_up(struct net *net, const struct net_link *link);
/* The link is down: nothing more comes through events->packet; new conversations wait. */
void net_down(struct net *net);

/* A packet from the peer, anything at all: it is checked here. NET_HEADROOM bytes before it may be overwritten, and so may it. */
void net_input(struct net *net, uint8_t *packet, size_t len);

/* The name of the interface, or NULL for a backend that has none. */
const char *net_ifname(const struct net *net);

/* HOLD: the queue towards the peer is long; take no more from the world than must be. */
void net_hold(struct net *net, bool hold);

#endif
