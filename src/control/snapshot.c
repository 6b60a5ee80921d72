/* Asks the session and its net for everything that is told on a page; see snapshot.h. */
#include "control/snapshot.h"

static void add_door(void *arg, const struct net_door *door)
{
	g_array_append_vals(arg, door, 1);
}

static void add_flow(void *arg, const struct net_flow *flow)
{
	g_array_append_vals(arg, flow, 1);
}

static gint by_idle(gconstpointer a, gconstpointer b)
{
	const struct net_flow *one = a, *other = b;

	if (one->idle != other->idle)
		return one->idle < other->idle ? -1 : 1;
	return one->id > other->id ? -1 : one->id < other->id;
}

static void take_flows(struct snapshot *snapshot, const struct net *net)
{
	snapshot->flows = g_array_new(FALSE, FALSE, sizeof(struct net_flow));
	net_flows(net, add_flow, snapshot->flows);
	snapshot->flows_total = snapshot->flows->len;
	g_array_sort(snapshot->flows, by_idle);
	if (snapshot->flows->len > SNAPSHOT_FLOWS)
		g_array_set_size(snapshot->flows, SNAPSHOT_FLOWS);
}

void snapshot_take(struct snapshot *snapshot, const struct session *session)
{
	const struct net *net = session_net(session);

	snapshot->config = session_config(session);
	session_report(session, &snapshot->report);
	snapshot->up = snapshot->report.state == SESSION_UP;
	net_counters(net, &snapshot->net);
	for (unsigned kind = 0; kind < DOOR_KINDS; kind++) {
		snapshot->doors[kind] = g_array_new(FALSE, FALSE, sizeof(struct net_door));
		net_doors(net, (enum net_door_kind)kind, add_door, snapshot->doors[kind]);
	}
	take_flows(snapshot, net);
}

void snapshot_clear(struct snapshot *snapshot)
{
	for (unsigned kind = 0; kind < DOOR_KINDS; kind++)
		g_array_free(snapshot->doors[kind], TRUE);
	g_array_free(snapshot->flows, TRUE);
}

uint64_t snapshot_time(const struct snapshot *snapshot, uint64_t at)
{
	return at <= snapshot->now ? snapshot->time - MIN(snapshot->now - at, snapshot->time) : snapshot->time + (at - snapshot->now);
}
