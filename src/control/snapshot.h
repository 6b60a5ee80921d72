/* All that is told on a page, taken at one moment: what it looks like is state.c's and metrics.c's matter, who knows it is snapshot.c's. */
#ifndef SLIRPPD_CONTROL_SNAPSHOT_H
#define SLIRPPD_CONTROL_SNAPSHOT_H

#include <glib.h>
#include <jansson.h>

#include "capture.h"
#include "config.h"
#include "control/history.h"
#include "net/net.h"
#include "session.h"

/* Of as many flows is told, those that moved last. */
#define SNAPSHOT_FLOWS 1000

#define DOOR_KINDS (DOOR_SOCKS + 1)

struct snapshot {
	const struct config *config;
	const struct ring *states, *log;
	const struct rates *rates;
	struct session_report report;
	struct net_counters net;
	GArray *doors[DOOR_KINDS]; /* of struct net_door, by enum net_door_kind */
	GArray *flows;             /* of struct net_flow; the one that moved last comes first */
	unsigned flows_total;
	uint64_t now, time;        /* the same moment by the clock, and in microseconds since 1970 */
	uint64_t started;          /* by the clock */
	uint64_t capture_lost;
	bool capturing;
	bool up;
	bool trusted;              /* whoever is told may change things */
};

/* Fills in `report` and what follows from SESSION and its net; the rest is the caller's. End it with snapshot_clear(). */
void snapshot_take(struct snapshot *snapshot, const struct session *session);
void snapshot_clear(struct snapshot *snapshot);

/* Microseconds since 1970 of what happened when the clock showed AT. What is kept is kept by the clock: the wall clock of a machine without
 * a battery is set long after its start. */
uint64_t snapshot_time(const struct snapshot *snapshot, uint64_t at);

/* The page /state (doc/control.md). */
json_t *state_json(const struct snapshot *snapshot);

/* The page /metrics, in Prometheus' text format 0.0.4. */
char *metrics_text(const struct snapshot *snapshot);

#endif
