/* The TUN interface behind the narrow door; see priv.h. Called by net/tun.c. Linux: networking/tuntap.rst, netdevice(7). */
#include "priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool set_name(struct ifreq *ifr, const char *name)
{
	*ifr = (struct ifreq){ 0 };
	if (strlen(name) >= sizeof(ifr->ifr_name)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(ifr->ifr_name, name, strlen(name) + 1);
	return true;
}

static int close_failed(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
	return -1;
}

/* Large TCP packets uncut, and checksums left to us. */
static bool take_offload(int fd)
{
	return ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) == 0;
}

int priv_tun_open(const char *name, char *ifname, bool *vnet_hdr)
{
	struct ifreq ifr;

	if (!set_name(&ifr, name))
		return -1;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ifr.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	*vnet_hdr = ioctl(fd, TUNSETIFF, &ifr) == 0;
	if (!*vnet_hdr) {
		ifr.ifr_flags = IFF_TUN | IFF_NO_PI;
		if (ioctl(fd, TUNSETIFF, &ifr) < 0)
			return close_failed(fd);
	} else {
		take_offload(fd);
	}
	memcpy(ifname, ifr.ifr_name, sizeof(ifr.ifr_name));
	return fd;
}

static int set_address(int fd, const char *ifname, unsigned long request, uint32_t addr)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(addr) };
	struct ifreq ifr;

	if (!set_name(&ifr, ifname))
		return -1;
	memcpy(&ifr.ifr_addr, &sin, sizeof(sin));
	return ioctl(fd, request, &ifr);
}

static int set_mtu(int fd, const char *ifname, unsigned mtu)
{
	struct ifreq ifr;

	if (!set_name(&ifr, ifname))
		return -1;
	ifr.ifr_mtu = (int)mtu;
	return ioctl(fd, SIOCSIFMTU, &ifr);
}

static int set_up(int fd, const char *ifname, bool up)
{
	struct ifreq ifr;

	if (!set_name(&ifr, ifname) || ioctl(fd, SIOCGIFFLAGS, &ifr) < 0)
		return -1;
	ifr.ifr_flags = (short)(up ? ifr.ifr_flags | IFF_UP : ifr.ifr_flags & ~IFF_UP);
	return ioctl(fd, SIOCSIFFLAGS, &ifr);
}

static int configure(int fd, const char *ifname, uint32_t local, uint32_t remote, unsigned mtu)
{
	if (local != 0 && (set_address(fd, ifname, SIOCSIFADDR, local) < 0 || set_address(fd, ifname, SIOCSIFDSTADDR, remote) < 0 ||
			   set_address(fd, ifname, SIOCSIFNETMASK, UINT32_MAX) < 0))
		return -1;
	if (local == 0)
		set_address(fd, ifname, SIOCSIFADDR, 0);
	if (set_mtu(fd, ifname, mtu) < 0)
		return -1;
	return set_up(fd, ifname, true);
}

int priv_tun_up(const char *ifname, uint32_t local, uint32_t remote, unsigned mtu)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (configure(fd, ifname, local, remote, mtu) < 0)
		return close_failed(fd);
	close(fd);
	return 0;
}

int priv_tun_down(const char *ifname)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (set_up(fd, ifname, false) < 0)
		return close_failed(fd);
	close(fd);
	return 0;
}

/* What netdevice(7) calls in6_ifreq; the kernel's header for it cannot stand beside libc's. */
struct address6 {
	struct in6_addr addr;
	uint32_t prefix;
	int index;
};

static int change_address6(int fd, const char *ifname, uint64_t identifier, bool add)
{
	struct address6 request = { .addr.s6_addr = { 0xfe, 0x80 }, .prefix = 64 };
	struct ifreq ifr;

	if (!set_name(&ifr, ifname) || ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
		return -1;
	request.index = ifr.ifr_ifindex;
	for (unsigned i = 0; i < 8; i++)
		request.addr.s6_addr[15 - i] = (uint8_t)(identifier >> 8 * i);
	return ioctl(fd, add ? SIOCSIFADDR : SIOCDIFADDR, &request);
}

int priv_tun_address6(const char *ifname, uint64_t identifier, bool add)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (change_address6(fd, ifname, identifier, add) < 0 && errno != EEXIST)
		return close_failed(fd);
	close(fd);
	return 0;
}
