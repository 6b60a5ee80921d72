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

const char *net_refusal_name(enum net_refusal refusal)
{
	static const char *const names[REFUSALS] = {
		[REFUSED_NO_SERVICE] = "no-service",
		[REFUSED_FORBIDDEN] = "forbidden",
		[REFUSED_ACCESS] = "access-list",
		[REFUSED_RATE] = "rate-limit",
		[REFUSED_MAX_FLOWS] = "max-flows",
		[REFUSED_MAX_SERVICE] = "max-flows-per-service",
		[REFUSED_LOCKOUT] = "lockout",
		[REFUSED_PROTOCOL] = "protocol",
	};

	return names[refusal];
}

const char *net_flow_kind_name(enum flow_kind kind)
{
	static const char *const names[FLOW_KINDS] = {
		[FLOW_WORLD] = "world", [FLOW_SERVICE] = "service", [FLOW_FORWARD] = "forward", [FLOW_SOCKS] = "socks",
		[FLOW_PROXY] = "proxy", [FLOW_DNS] = "dns",         [FLOW_US] = "us",
	};

	return names[kind];
}

void net_counters(const struct net *net, struct net_counters *counters)
{
	*counters = (struct net_counters){ 0 };
	if (net->ops->counters)
		net->ops->counters(net, counters);
}

void net_flows(const struct net *net, net_flow_fn *fn, void *arg)
{
	if (net->ops->flows)
		net->ops->flows(net, fn, arg);
}

void net_doors(const struct net *net, enum net_door_kind kind, net_door_fn *fn, void *arg)
{
	if (net->ops->doors)
		net->ops->doors(net, kind, fn, arg);
}

bool net_drop_flow(struct net *net, uint64_t id)
{
	return net->ops->drop_flow && net->ops->drop_flow(net, id);
}

bool net_configure(struct net *net, const struct net_config *config, char **why)
{
	if (net->ops->configure)
		return net->ops->configure(net, config, why);
	*why = g_strdup_printf("%s takes no services, forwards or limits", net->ops->name);
	return false;
}
