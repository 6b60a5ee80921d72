/* Time; see clock.h. A sorted list: a link has a dozen timers, most of them armed at the end. */
#include "clock.h"

#include <stddef.h>

void clock_init(struct clock *clock, uint64_t now)
{
	clock->now = now;
	clock->first = NULL;
	clock->round = 0;
}

uint64_t clock_next(const struct clock *clock)
{
	return clock->first ? clock->first->due : CLOCK_NEVER;
}

void clock_set(struct clock *clock, uint64_t now)
{
	if (now > clock->now)
		clock->now = now;
}

static void fire(struct timer *t)
{
	timer_stop(t);
	t->fn(t->arg);
}

void clock_advance(struct clock *clock, uint64_t now)
{
	while (clock->first && clock->first->due <= now) {
		clock_set(clock, clock->first->due);
		fire(clock->first);
	}
	clock_set(clock, now);
}

void clock_run(struct clock *clock)
{
	/* What is armed from now on is due no earlier than anything that is due already, and stands behind it. */
	clock->round++;
	while (clock->first && clock->first->due <= clock->now && clock->first->round != clock->round)
		fire(clock->first);
}

void timer_init(struct timer *t, struct clock *clock, timer_fn *fn, void *arg)
{
	*t = (struct timer){ .clock = clock, .fn = fn, .arg = arg };
}

void timer_set(struct timer *t, uint64_t delay)
{
	struct timer *prev = NULL;
	struct timer *next;

	timer_stop(t);
	t->round = t->clock->round;
	t->due = t->clock->now + delay < delay ? CLOCK_NEVER - 1 : t->clock->now + delay;
	next = t->clock->first;
	while (next && next->due <= t->due) {
		prev = next;
		next = next->next;
	}
	t->prev = prev;
	t->next = next;
	if (prev)
		prev->next = t;
	else
		t->clock->first = t;
	if (next)
		next->prev = t;
	t->armed = true;
}

void timer_stop(struct timer *t)
{
	if (!t->armed)
		return;
	if (t->prev)
		t->prev->next = t->next;
	else
		t->clock->first = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->next = t->prev = NULL;
	t->armed = false;
}
