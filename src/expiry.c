/* The limits of a link that works; see expiry.h (pppd: auth.c's timers, and behaviour of maxoctets). Called by the session. */
#include "expiry.h"

#include <glib.h>

#include "log.h"

struct limits {
	const struct limits_events *events;
	void *arg;
	const struct config *config; /* while they run, else NULL */
	struct timer connect, idle, octets;
};

static void expire(struct limits *l, const char *reason, enum exit_status status)
{
	limits_stop(l);
	l->events->expired(l->arg, reason, status);
}

static void on_connect(void *arg)
{
	log_info("Connect time expired");
	expire(arg, "Connect time expired", EXIT_CONNECT_TIME);
}

static void on_idle(void *arg)
{
	struct limits *l = arg;
	uint64_t limit = l->config->idle * CLOCK_SECOND;
	uint64_t quiet = l->events->quiet(l->arg);

	if (quiet < limit) {
		timer_set(&l->idle, limit - quiet);
		return;
	}
	log_notice("Terminating connection due to lack of activity.");
	expire(l, "Link inactive", EXIT_IDLE_TIMEOUT);
}

static uint64_t used(struct limits *l)
{
	uint64_t in, out;

	l->events->octets(l->arg, &in, &out);
	const uint64_t by_direction[] = {
		[OCTETS_SUM] = in + out, [OCTETS_IN] = in, [OCTETS_OUT] = out, [OCTETS_MAX] = MAX(in, out),
	};
	return by_direction[l->config->mo_direction];
}

static void on_octets(void *arg)
{
	struct limits *l = arg;
	uint64_t now = used(l);

	if (now <= l->config->maxoctets) {
		timer_set(&l->octets, MAX(l->config->mo_timeout, 1) * CLOCK_SECOND);
		return;
	}
	log_notice("Traffic limit reached. Limit: %u Used: %llu", l->config->maxoctets, (unsigned long long)now);
	expire(l, "Traffic limit", EXIT_TRAFFIC_LIMIT);
}

struct limits *limits_new(struct clock *clock, const struct limits_events *events, void *arg)
{
	struct limits *l = g_new0(struct limits, 1);

	l->events = events;
	l->arg = arg;
	timer_init(&l->connect, clock, on_connect, l);
	timer_init(&l->idle, clock, on_idle, l);
	timer_init(&l->octets, clock, on_octets, l);
	return l;
}

void limits_free(struct limits *l)
{
	limits_stop(l);
	g_free(l);
}

/* Idle is not looked at before minconnect is over, and the time until then counts. */
void limits_start(struct limits *l, const struct config *config)
{
	if (l->config)
		return;
	l->config = config;
	if (config->maxconnect)
		timer_set(&l->connect, config->maxconnect * CLOCK_SECOND);
	if (config->idle)
		timer_set(&l->idle, MAX(config->idle, config->minconnect) * CLOCK_SECOND);
	if (config->maxoctets)
		timer_set(&l->octets, MAX(config->mo_timeout, 1) * CLOCK_SECOND);
}

void limits_stop(struct limits *l)
{
	timer_stop(&l->connect);
	timer_stop(&l->idle);
	timer_stop(&l->octets);
	l->config = NULL;
}
