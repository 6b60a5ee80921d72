/* What is remembered for the status page: the last lines of the log, the last states, and how fast bytes went. Virtual time: whoever
 * calls says when it is. */
#ifndef SLIRPPD_CONTROL_HISTORY_H
#define SLIRPPD_CONTROL_HISTORY_H

#include <stdint.h>

/* The longest text that is kept, with its end. */
#define RING_TEXT_MAX 1024

struct ring_entry {
	uint64_t at; /* the clock's microseconds */
	int kind;    /* a state, a priority */
	char *text;
};

/* The last MAX entries that were added. */
struct ring {
	struct ring_entry *entries;
	unsigned max, count, next;
};

void ring_init(struct ring *ring, unsigned max);
void ring_clear(struct ring *ring);

/* TEXT is copied, as far as RING_TEXT_MAX. */
void ring_add(struct ring *ring, uint64_t at, int kind, const char *text);

/* The entry number I of ring->count, the oldest first. */
const struct ring_entry *ring_get(const struct ring *ring, unsigned i);

/* Seconds that are remembered. */
#define RATES_MAX 300

struct rates_second {
	uint64_t in, out;
};

/* Bytes of each second of the past. */
struct rates {
	struct rates_second seconds[RATES_MAX];
	unsigned count, next;
	uint64_t until;         /* the clock's microseconds when the last of them ended */
	struct rates_second at; /* the counters then */
};

/* Counting begins NOW, with counters at zero. */
void rates_init(struct rates *rates, uint64_t now);

/* The counters are IN and OUT NOW. What came since the last call is spread evenly over the seconds that have passed; nothing happens
 * before one has. Counters only grow. */
void rates_sample(struct rates *rates, uint64_t now, uint64_t in, uint64_t out);

/* As rates_sample(), and the second that has begun counts as a whole one: there will be no call for a while, and what came in it must
 * not be spread over that. */
void rates_pause(struct rates *rates, uint64_t now, uint64_t in, uint64_t out);

/* Number I of rates->count, the oldest first. */
const struct rates_second *rates_get(const struct rates *rates, unsigned i);

#endif
