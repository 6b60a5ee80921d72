/* The backend that CONFIG names; see net.h. The session calls this. */
#include "net/net.h"

static const struct net_backend_ops *const backends[] = {
	[NET_SLIRP] = &net_slirp,
	[NET_TUN] = &net_tun,
};

struct net *net_open(const struct config *config, struct loop *loop, const struct net_events *events, void *arg)
{
	return backends[config->net.backend]->open(config, loop, events, arg);
}

void net_close(struct net *net)
{
	if (net)
		net->ops->close(net);
}

bool net_up(struct net *net, const struct net_link *link)
{
	return net->ops->up(net, link);
}

void net_down(struct net *net)
{
	net->ops->down(net);
}

void net_input(struct net *net, uint8_t *packet, size_t len)
{
	net->ops->input(net, packet, len);
}

void net_hold(struct net *net, bool hold)
{
	net->ops->hold(net, hold);
}

const char *net_ifname(const struct net *net)
{
	return net->ops->ifname(net);
}
