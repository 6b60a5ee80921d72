/* What ends a link that works: maxconnect, idle (after minconnect), maxoctets. Owned by the session; in virtual time. */
#ifndef SLIRPPD_EXPIRY_H
#define SLIRPPD_EXPIRY_H

#include <stdint.h>

#include "clock.h"
#include "config.h"
#include "status.h"

struct limits;

struct limits_events {
	/* It is time: REASON for the Terminate-Request, STATUS pppd's exit code (EXIT_IDLE_TIMEOUT, EXIT_CONNECT_TIME, EXIT_TRAFFIC_LIMIT); what pppd
	 * says has been logged. */
	void (*expired)(void *arg, const char *reason, enum exit_status status);
	/* Bytes of IP packets since IPv4 came up. */
	void (*octets)(void *arg, uint64_t *in, uint64_t *out);
	/* Microseconds since the last packet that counts. */
	uint64_t (*quiet)(void *arg);
};

struct limits *limits_new(struct clock *clock, const struct limits_events *events, void *arg);
void limits_free(struct limits *l);

/* The first network is up: CONFIG's limits run from now on. Started already: nothing changes. */
void limits_start(struct limits *l, const struct config *config);
void limits_stop(struct limits *l);

#endif
