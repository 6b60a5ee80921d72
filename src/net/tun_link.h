/* The tun backend's interface as such: its name, its addresses, MTU and routes. Packets are tun.c's, which calls this.
 *
 * An interface that we make is gone with us, however we end. One that an administrator made beforehand, for us or for our user, stays, as
 * we found it; without CAP_NET_ADMIN it must have been given its addresses and MTU, too, and been taken up: what is missing is said as the
 * command that would do it. */
#ifndef SLIRPPD_NET_TUN_LINK_H
#define SLIRPPD_NET_TUN_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "net/net.h"

struct tun_link;

/* Makes or finds the interface that CONFIG names, or the first free pppN; where that is taken, the next (and says so, as pppd does), but
 * never another than ifname. NULL: it cannot be had, and why has been logged. */
struct tun_link *tun_link_open(const struct net_config *config);
/* Takes down what is up, and closes the descriptor. */
void tun_link_close(struct tun_link *l);

const char *tun_link_name(const struct tun_link *l);
/* Packets, each after a virtio_net_hdr where there is one. */
int tun_link_fd(const struct tun_link *l);
bool tun_link_has_vnet_header(const struct tun_link *l);

/* The interface is up, with LINK's addresses in place of earlier ones; routes through it stay. False (and one line logged) when it cannot be
 * so. IPv6 that cannot be had is logged, and left out: tun_link_identifier() tells. */
bool tun_link_set(struct tun_link *l, const struct net_link *link);
void tun_link_down(struct tun_link *l);
/* Of our link-local address; 0 while there is none. */
uint64_t tun_link_identifier(const struct tun_link *l);

/* Routes as CONFIG says from the next time on that the interface comes up. */
void tun_link_configure(struct tun_link *l, const struct net_config *config);

#endif
