/* A simulated line: two PPP links joined in virtual time, with delay, a rate, loss, noise and duplication; nothing overtakes.
 * The same seed gives the same run, magic numbers included. */
#ifndef SLIRPPD_TEST_SIMLINE_H
#define SLIRPPD_TEST_SIMLINE_H

#include <glib.h>

#include "clock.h"
#include "config.h"
#include "outbuf.h"
#include "ppp/ppp.h"

struct simline;

struct sim_end {
	struct simline *line;
	struct clock clock;
	struct config *config; /* change it before sim_start() */
	struct outbuf out;
	struct ppp *ppp;
	GQueue arriving;       /* of struct chunk, in order of time */
	uint64_t busy_until;   /* the line in this direction carries what was sent before */

	unsigned ups, downs, finished, packets;
	bool up;
	enum exit_status status;
	struct ppp_addresses addresses;
	struct ppp_identifiers identifiers; /* 0 while IPv6 is down */
	void (*on_ip)(struct sim_end *end, const uint8_t *packet, size_t len);
};

struct simline {
	struct sim_end end[2];
	uint64_t now;
	GRand *rand;
	GString *log; /* both ends' lines, each after its end's number */
	unsigned logging;

	uint64_t delay;    /* microseconds one way; default 10 ms */
	unsigned rate;     /* bytes a second; 0: unlimited */
	double loss;       /* chance of a frame to vanish */
	double duplicate;  /* chance of a frame to come twice */
	double noise;      /* chance of a byte to change */
	bool cut;          /* nothing gets through */
};

struct simline *sim_new(unsigned seed);
void sim_free(struct simline *line);

/* Starts one end. */
void sim_start(struct simline *line, unsigned end);

/* Lets time pass. */
void sim_run(struct simline *line, uint64_t microseconds);

/* Lets time pass until both are up, at most LIMIT. Whether they are. */
bool sim_run_up(struct simline *line, uint64_t limit);

/* True when that line was logged by that end. */
bool sim_logged(const struct simline *line, unsigned end, const char *text);

#endif
