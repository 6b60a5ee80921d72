/* rtnetlink messages and their exchange with the kernel; see netlink.h. Called by priv_tun.c and priv_route.c. Linux: rtnetlink(7). */
#include "netlink.h"

#include <errno.h>
#include <glib.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#define SEQUENCE 1
/* The kernel puts as much into one answer as there is room for, up to this. */
#define ANSWER_MAX 32768
#define INTERFACE_ID 8 /* bytes, RFC 4291 §2.5.1 */
#define LINK_LOCAL_PREFIX 64
/* The last attribute that is read, of links, addresses, routes, neighbours, and of what is nested in links. */
#define ATTRIBUTE_MAX 64

static size_t address_len(int family)
{
	return family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
}

static void put_ipv4(uint8_t *to, uint32_t address)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(address >> (24 - 8 * i));
}

struct netlink_address netlink_ipv4(uint32_t local, uint32_t remote)
{
	struct netlink_address a = { .family = AF_INET };

	put_ipv4(a.local, local);
	put_ipv4(a.remote, remote != 0 ? remote : local);
	return a;
}

static void put_link_local(uint8_t *to, uint64_t identifier)
{
	to[0] = 0xfe;
	to[1] = 0x80;
	for (unsigned i = 0; i < INTERFACE_ID; i++)
		to[15 - i] = (uint8_t)(identifier >> 8 * i);
}

struct netlink_address netlink_link_local(uint64_t local, uint64_t remote)
{
	struct netlink_address a = { .family = AF_INET6 };

	put_link_local(a.local, local);
	put_link_local(a.remote, remote != 0 ? remote : local);
	return a;
}

static struct nlmsghdr *begin(struct netlink_request *r, uint16_t type, unsigned flags)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(r->bytes);

	m->nlmsg_type = type;
	m->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	m->nlmsg_seq = SEQUENCE;
	return m;
}

struct nlmsghdr *netlink_link(struct netlink_request *r, unsigned index, unsigned flags, unsigned change)
{
	struct nlmsghdr *m = begin(r, RTM_SETLINK, NLM_F_ACK);
	struct ifinfomsg *i = mnl_nlmsg_put_extra_header(m, sizeof(*i));

	i->ifi_family = AF_UNSPEC;
	i->ifi_index = (int)index;
	i->ifi_flags = flags;
	i->ifi_change = change;
	return m;
}

struct nlmsghdr *netlink_promote(struct netlink_request *r, unsigned index)
{
	struct nlmsghdr *m = netlink_link(r, index, 0, 0);
	struct nlattr *families = mnl_attr_nest_start(m, IFLA_AF_SPEC);
	struct nlattr *family = mnl_attr_nest_start(m, AF_INET);
	struct nlattr *settings = mnl_attr_nest_start(m, IFLA_INET_CONF);

	mnl_attr_put_u32(m, IPV4_DEVCONF_PROMOTE_SECONDARIES, 1);
	mnl_attr_nest_end(m, settings);
	mnl_attr_nest_end(m, family);
	mnl_attr_nest_end(m, families);
	return m;
}

struct nlmsghdr *netlink_address(struct netlink_request *r, unsigned index, const struct netlink_address *address, bool add)
{
	struct nlmsghdr *m = begin(r, add ? RTM_NEWADDR : RTM_DELADDR, NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
	struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(m, sizeof(*a));
	size_t len = address_len(address->family);
	bool alone = memcmp(address->local, address->remote, len) == 0;

	a->ifa_family = address->family;
	a->ifa_index = index;
	a->ifa_prefixlen = (uint8_t)(address->family == AF_INET6 && alone ? LINK_LOCAL_PREFIX : 8 * len);
	a->ifa_scope = address->family == AF_INET6 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	mnl_attr_put(m, IFA_LOCAL, len, address->local);
	mnl_attr_put(m, IFA_ADDRESS, len, address->remote);
	return m;
}

struct nlmsghdr *netlink_default(struct netlink_request *r, unsigned index, const struct priv_route *route, bool add)
{
	struct nlmsghdr *m = begin(r, add ? RTM_NEWROUTE : RTM_DELROUTE, NLM_F_ACK | (add ? NLM_F_CREATE : 0));
	struct rtmsg *t = mnl_nlmsg_put_extra_header(m, sizeof(*t));

	t->rtm_family = (uint8_t)route->family;
	t->rtm_protocol = RTPROT_BOOT;
	t->rtm_type = RTN_UNICAST;
	t->rtm_scope = route->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	mnl_attr_put_u32(m, RTA_TABLE, route->table);
	mnl_attr_put_u32(m, RTA_OIF, index);
	if (route->metric != 0)
		mnl_attr_put_u32(m, RTA_PRIORITY, route->metric);
	return m;
}

struct nlmsghdr *netlink_proxy(struct netlink_request *r, unsigned index, uint32_t address, bool add)
{
	struct nlmsghdr *m = begin(r, add ? RTM_NEWNEIGH : RTM_DELNEIGH, NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
	struct ndmsg *n = mnl_nlmsg_put_extra_header(m, sizeof(*n));

	n->ndm_family = AF_INET;
	n->ndm_ifindex = (int)index;
	n->ndm_flags = NTF_PROXY;
	n->ndm_state = NUD_PERMANENT;
	mnl_attr_put_u32(m, NDA_DST, htonl(address));
	return m;
}

struct nlmsghdr *netlink_list(struct netlink_request *r, uint16_t type, uint8_t family, uint8_t flags)
{
	struct nlmsghdr *m = begin(r, type, NLM_F_DUMP);

	/* The family stands first in each kind's header, and the kernel reads no more of it, but for a neighbour's flags. */
	struct ndmsg *n = mnl_nlmsg_put_extra_header(m, sizeof(*n));
	n->ndm_family = family;
	n->ndm_flags = flags;
	return m;
}

struct nlmsghdr *netlink_get_link(struct netlink_request *r, unsigned index)
{
	struct nlmsghdr *m = begin(r, RTM_GETLINK, NLM_F_ACK);
	struct ifinfomsg *i = mnl_nlmsg_put_extra_header(m, sizeof(*i));

	i->ifi_index = (int)index;
	return m;
}

/* Attributes by their number; of one that comes twice the last counts. */
struct attributes {
	const struct nlattr *at[ATTRIBUTE_MAX];
};

static int keep(const struct nlattr *attribute, void *arg)
{
	struct attributes *a = arg;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type < ATTRIBUTE_MAX)
		a->at[type] = attribute;
	return MNL_CB_OK;
}

/* The header that every message of TYPE has, SIZE bytes; its attributes into A. NULL: it is of another type, or too short. */
static const void *take(const struct nlmsghdr *m, uint16_t type, size_t size, struct attributes *a)
{
	*a = (struct attributes){ 0 };
	if (m->nlmsg_type != type || mnl_nlmsg_get_payload_len(m) < size)
		return NULL;
	mnl_attr_parse(m, (unsigned)size, keep, a);
	return mnl_nlmsg_get_payload(m);
}

/* The attribute's LEN bytes, or NULL where it has not so many. */
static const uint8_t *bytes_of(const struct attributes *a, unsigned type, size_t len)
{
	const struct nlattr *attribute = a->at[type];

	return attribute && mnl_attr_get_payload_len(attribute) >= len ? mnl_attr_get_payload(attribute) : NULL;
}

static uint32_t number_of(const struct attributes *a, unsigned type, uint32_t otherwise)
{
	const uint8_t *bytes = bytes_of(a, type, sizeof(otherwise));

	if (bytes)
		memcpy(&otherwise, bytes, sizeof(otherwise));
	return otherwise;
}

static struct attributes nested(const struct nlattr *attribute)
{
	struct attributes a = { 0 };

	if (attribute)
		mnl_attr_parse_nested(attribute, keep, &a);
	return a;
}

/* The table of a VRF's routes, or 0 for an interface of another kind. */
static uint32_t vrf_table(const struct attributes *link)
{
	static const char kind[] = "vrf";
	struct attributes info = nested(link->at[IFLA_LINKINFO]);
	const uint8_t *is = bytes_of(&info, IFLA_INFO_KIND, strlen(kind));

	if (!is || memcmp(is, kind, strlen(kind)) != 0)
		return 0;
	struct attributes data = nested(info.at[IFLA_INFO_DATA]);
	return number_of(&data, IFLA_VRF_TABLE, 0);
}

bool netlink_parse_link(const struct nlmsghdr *message, struct priv_link *link)
{
	struct attributes a;
	const struct ifinfomsg *i = take(message, RTM_NEWLINK, sizeof(*i), &a);

	if (!i)
		return false;
	*link = (struct priv_link){
		.up = (i->ifi_flags & IFF_UP) != 0,
		.mtu = number_of(&a, IFLA_MTU, 0),
		.vrf_table = vrf_table(&a),
	};
	return true;
}

/* Of a route over several interfaces, the first. */
static void parse_hops(const struct nlattr *attribute, size_t len, struct priv_route *route)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attribute);
	struct attributes a = { 0 };

	if (mnl_attr_get_payload_len(attribute) < sizeof(*hop) || hop->rtnh_len < sizeof(*hop) ||
	    hop->rtnh_len > mnl_attr_get_payload_len(attribute))
		return;
	route->index = (unsigned)hop->rtnh_ifindex;
	mnl_attr_parse_payload(hop + 1, hop->rtnh_len - sizeof(*hop), keep, &a);
	const uint8_t *gateway = bytes_of(&a, RTA_GATEWAY, len);
	if (gateway)
		memcpy(route->gateway, gateway, len);
}

bool netlink_parse_default(const struct nlmsghdr *message, int family, uint32_t table, struct priv_route *route)
{
	struct attributes a;
	const struct rtmsg *t = take(message, RTM_NEWROUTE, sizeof(*t), &a);
	size_t len = address_len(family);

	if (!t || t->rtm_family != family || t->rtm_dst_len != 0 || t->rtm_type != RTN_UNICAST || t->rtm_flags & RTM_F_CLONED)
		return false;
	*route = (struct priv_route){
		.family = family,
		.table = number_of(&a, RTA_TABLE, t->rtm_table),
		.metric = number_of(&a, RTA_PRIORITY, 0),
		.index = number_of(&a, RTA_OIF, 0),
	};
	const uint8_t *gateway = bytes_of(&a, RTA_GATEWAY, len);
	if (gateway)
		memcpy(route->gateway, gateway, len);
	if (a.at[RTA_MULTIPATH])
		parse_hops(a.at[RTA_MULTIPATH], len, route);
	return route->table == table;
}

bool netlink_is_address(const struct nlmsghdr *message, unsigned index, const struct netlink_address *address)
{
	struct attributes a;
	const struct ifaddrmsg *i = take(message, RTM_NEWADDR, sizeof(*i), &a);
	size_t len = address_len(address->family);

	if (!i || i->ifa_family != address->family || i->ifa_index != index)
		return false;
	/* IPv6 has IFA_LOCAL only where there is a peer's address, too. */
	const uint8_t *local = bytes_of(&a, a.at[IFA_LOCAL] ? IFA_LOCAL : IFA_ADDRESS, len);
	return local && memcmp(local, address->local, len) == 0;
}

bool netlink_is_proxy(const struct nlmsghdr *message, unsigned index, uint32_t address)
{
	struct attributes a;
	const struct ndmsg *n = take(message, RTM_NEWNEIGH, sizeof(*n), &a);

	return n && n->ndm_family == AF_INET && n->ndm_ifindex == (int)index && n->ndm_flags & NTF_PROXY && a.at[NDA_DST] &&
	       number_of(&a, NDA_DST, 0) == htonl(address);
}

static int exchange(struct mnl_socket *nl, const struct nlmsghdr *message, mnl_cb_t fn, void *arg)
{
	const size_t max = ANSWER_MAX;
	uint8_t *answer = g_malloc(max);
	int more = mnl_socket_sendto(nl, message, message->nlmsg_len) >= 0 ? MNL_CB_OK : MNL_CB_ERROR;

	while (more == MNL_CB_OK) {
		ssize_t n = mnl_socket_recvfrom(nl, answer, max);

		more = n < 0 ? MNL_CB_ERROR : mnl_cb_run(answer, (size_t)n, SEQUENCE, mnl_socket_get_portid(nl), fn, arg);
	}
	int error = errno;
	g_free(answer);
	errno = error;
	return more;
}

int netlink_ask(struct nlmsghdr *message, mnl_cb_t fn, void *arg)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int result = -1;

	if (!nl)
		return -1;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0)
		result = exchange(nl, message, fn, arg);
	int error = errno;
	mnl_socket_close(nl);
	errno = error;
	return result;
}
