/* rtnetlink(7): the messages that give interfaces addresses and routes, built and read (pure: tests look at them), and the exchange with
 * the kernel. libmnl does the attributes. Only priv_tun.c and priv_route.c include it. */
#ifndef SLIRPPD_NETLINK_H
#define SLIRPPD_NETLINK_H

#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "priv.h"

/* A request in the making; all that is built here fits. */
struct netlink_request {
	_Alignas(struct nlmsghdr) uint8_t bytes[512];
};

/* An address with the peer's at the other end; in the order of the wire, 4 or 16 bytes of each. */
struct netlink_address {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t local[16], remote[16];
};

/* 10.0.0.1 peer 10.0.0.2 (host byte order; REMOTE 0: no peer is known); fe80::LOCAL peer fe80::REMOTE (REMOTE 0: fe80::LOCAL/64). */
struct netlink_address netlink_ipv4(uint32_t local, uint32_t remote);
struct netlink_address netlink_link_local(uint64_t local, uint64_t remote);

/* A change of interface INDEX; attributes may be put to the message that is returned. CHANGE: which of FLAGS (IFF_…) hold. */
struct nlmsghdr *netlink_link(struct netlink_request *r, unsigned index, unsigned flags, unsigned change);
/* Interface INDEX keeps its further addresses when the first one goes. */
struct nlmsghdr *netlink_promote(struct netlink_request *r, unsigned index);
struct nlmsghdr *netlink_address(struct netlink_request *r, unsigned index, const struct netlink_address *address, bool add);
/* A default route through interface INDEX; before others with the same METRIC (0: the kernel's own). */
struct nlmsghdr *netlink_default(struct netlink_request *r, unsigned index, const struct priv_route *route, bool add);
/* This machine answers ARP for ADDRESS (host byte order) on interface INDEX. */
struct nlmsghdr *netlink_proxy(struct netlink_request *r, unsigned index, uint32_t address, bool add);
/* Asks for all of a kind: TYPE is RTM_GETADDR, RTM_GETROUTE or RTM_GETNEIGH; FLAGS (NTF_…) are a neighbour's. */
struct nlmsghdr *netlink_list(struct netlink_request *r, uint16_t type, uint8_t family, uint8_t flags);
/* Asks for interface INDEX. */
struct nlmsghdr *netlink_get_link(struct netlink_request *r, unsigned index);

/* False: MESSAGE is something else, or malformed. */
bool netlink_parse_link(const struct nlmsghdr *message, struct priv_link *link);
/* True: MESSAGE is a default route of FAMILY in TABLE that packets can take. */
bool netlink_parse_default(const struct nlmsghdr *message, int family, uint32_t table, struct priv_route *route);
/* True: MESSAGE says that interface INDEX has ADDRESS as its own, whatever is at the other end. */
bool netlink_is_address(const struct nlmsghdr *message, unsigned index, const struct netlink_address *address);
bool netlink_is_proxy(const struct nlmsghdr *message, unsigned index, uint32_t address);

/* Sends MESSAGE, and waits for the answer, which the kernel has at once: FN (or NULL) is called for each message of it, as mnl_cb_run()
 * has it. 0, or -1 with errno. */
int netlink_ask(struct nlmsghdr *message, mnl_cb_t fn, void *arg);

#endif
