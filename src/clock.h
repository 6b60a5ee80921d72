/* Time: what everything that waits is given.
 *
 * A clock is a reading in microseconds and a list of armed timers. Who owns it makes it move: the loop sets it from
 * CLOCK_MONOTONIC, a test moves it as it likes and runs years in a second. Nothing in ppp/ or net/queue reads any other
 * clock. */
#ifndef SLIRPPD_CLOCK_H
#define SLIRPPD_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_SECOND UINT64_C(1000000)
#define CLOCK_MS UINT64_C(1000)
#define CLOCK_NEVER UINT64_MAX

struct timer;

struct clock {
	uint64_t now;        /* microseconds since some start; never goes back */
	struct timer *first; /* armed timers, the earliest due first */
	unsigned round;      /* how often clock_run() was called */
};

typedef void timer_fn(void *arg);

/* A timer is part of the struct that uses it: arming one allocates nothing. */
struct timer {
	struct clock *clock;
	timer_fn *fn;
	void *arg;
	uint64_t due;
	unsigned round; /* the clock's, when it was armed */
	bool armed;
	struct timer *next, *prev;
};

/* Starts a clock that shows NOW. */
void clock_init(struct clock *clock, uint64_t now);

/* When the earliest timer is due, in the clock's own microseconds, or CLOCK_NEVER. */
uint64_t clock_next(const struct clock *clock);

/* Moves the clock to NOW and runs every timer that is due on the way, in order of its time (in order of arming where equal);
 * while one runs, the clock shows the time that it was due. A timer may arm, re-arm or stop any timer. A NOW in the past moves
 * nothing. */
void clock_advance(struct clock *clock, uint64_t now);

/* The same for a clock that others see, in two halves with whatever happened in the meantime between them. A process may be stopped for
 * a while, and a peer must not be given up for not having answered what it was never asked. So the first moves the clock to NOW, no
 * more; the second runs every timer that is due by then, in the same order, but each once, however often it would have been due: one
 * that is armed while it runs waits for the next call. */
void clock_set(struct clock *clock, uint64_t now);
void clock_run(struct clock *clock);

/* Prepares T; it must be at rest (zeroed memory, or stopped). */
void timer_init(struct timer *t, struct clock *clock, timer_fn *fn, void *arg);

/* Arms T to fire once, DELAY microseconds from now; an armed timer is moved. */
void timer_set(struct timer *t, uint64_t delay);

/* Disarms T; harmless when it is not armed. Must be called before T's memory goes away. */
void timer_stop(struct timer *t);

#endif
