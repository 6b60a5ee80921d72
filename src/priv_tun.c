/* The TUN interface and its addresses behind the narrow door; see priv.h. Called by net/tun_link.c. Linux: networking/tuntap.rst,
 * rtnetlink(7). */
#include "priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netlink.h"

static int close_failed(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
	return -1;
}

/* One that was made beforehand is attached to as it was made: with several queues or with one. */
static int attach(int fd, struct ifreq *ifr)
{
	static const short kinds[] = { IFF_VNET_HDR, 0, IFF_VNET_HDR | IFF_MULTI_QUEUE, IFF_MULTI_QUEUE };

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		ifr->ifr_flags = (short)(IFF_TUN | IFF_NO_PI | kinds[i]);
		if (ioctl(fd, TUNSETIFF, ifr) == 0)
			return 0;
		if (errno != EINVAL)
			return -1;
	}
	return -1;
}

/* What is new looks like pppd's: of the link type ppp, to which the kernel gives no IPv6 address of its own; and it keeps its routes when
 * its address is changed. A kernel that cannot do it does without. */
static void dress(int fd, const char *ifname)
{
	struct netlink_request request;

	ioctl(fd, TUNSETLINK, ARPHRD_PPP);
	netlink_ask(netlink_promote(&request, if_nametoindex(ifname)), NULL, NULL);
}

int priv_tun_open(const char *name, char *ifname, bool *vnet_hdr, bool *made)
{
	struct ifreq ifr = { 0 };

	errno = ENAMETOOLONG;
	if (g_strlcpy(ifr.ifr_name, name, sizeof(ifr.ifr_name)) >= sizeof(ifr.ifr_name))
		return -1;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	*made = if_nametoindex(name) == 0;
	if (attach(fd, &ifr) < 0)
		return close_failed(fd);
	g_strlcpy(ifname, ifr.ifr_name, sizeof(ifr.ifr_name));
	if (*made)
		dress(fd, ifname);
	*vnet_hdr = (ifr.ifr_flags & IFF_VNET_HDR) != 0;
	if (*vnet_hdr) /* large TCP packets uncut, and checksums left to us */
		ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4);
	return fd;
}

void priv_tun_close(int fd)
{
	ioctl(fd, TUNSETOFFLOAD, 0);
	close(fd);
}

static int on_link(const struct nlmsghdr *message, void *arg)
{
	netlink_parse_link(message, arg);
	return MNL_CB_OK;
}

int priv_link_get(unsigned index, struct priv_link *link)
{
	struct netlink_request request;

	*link = (struct priv_link){ 0 };
	return netlink_ask(netlink_get_link(&request, index), on_link, link);
}

int priv_link_set_mtu(unsigned index, unsigned mtu)
{
	struct netlink_request request;
	struct priv_link link;

	if (priv_link_get(index, &link) == 0 && link.mtu == mtu)
		return 1;
	struct nlmsghdr *m = netlink_link(&request, index, 0, 0);
	mnl_attr_put_u32(m, IFLA_MTU, mtu);
	return netlink_ask(m, NULL, NULL);
}

int priv_link_set_up(unsigned index, bool up)
{
	struct netlink_request request;
	struct priv_link link;

	if (priv_link_get(index, &link) == 0 && link.up == up)
		return 1;
	return netlink_ask(netlink_link(&request, index, up ? IFF_UP : 0, IFF_UP), NULL, NULL);
}

int priv_link_enslave(unsigned index, const char *vrf, uint32_t *table)
{
	struct netlink_request request;
	struct priv_link link;
	unsigned master = if_nametoindex(vrf);

	if (master == 0 || priv_link_get(master, &link) < 0)
		return -1;
	*table = link.vrf_table;
	errno = EINVAL;
	if (link.vrf_table == 0)
		return -1;
	struct nlmsghdr *m = netlink_link(&request, index, 0, 0);
	mnl_attr_put_u32(m, IFLA_MASTER, master);
	return netlink_ask(m, NULL, NULL);
}

struct search {
	unsigned index;
	const struct netlink_address *address;
	bool found;
};

static int on_address(const struct nlmsghdr *message, void *arg)
{
	struct search *s = arg;

	s->found |= netlink_is_address(message, s->index, s->address);
	return MNL_CB_OK;
}

static bool has_address(unsigned index, const struct netlink_address *address)
{
	struct netlink_request request;
	struct search search = { .index = index, .address = address };

	return netlink_ask(netlink_list(&request, RTM_GETADDR, address->family, 0), on_address, &search) == 0 && search.found;
}

/* An administrator may have set the address for us: then no right is needed. */
static int change_address(unsigned index, const struct netlink_address *address, bool add)
{
	struct netlink_request request;

	if (netlink_ask(netlink_address(&request, index, address, add), NULL, NULL) == 0)
		return 0;
	int error = errno;
	bool done = add ? error == EEXIST || (error == EPERM && has_address(index, address)) : error == EADDRNOTAVAIL;
	errno = error;
	return done ? 1 : -1;
}

int priv_address(unsigned index, uint32_t local, uint32_t remote, bool add)
{
	const struct netlink_address address = netlink_ipv4(local, remote);

	return change_address(index, &address, add);
}

int priv_address6(unsigned index, uint64_t local, uint64_t remote, bool add)
{
	const struct netlink_address address = netlink_link_local(local, remote);

	return change_address(index, &address, add);
}
