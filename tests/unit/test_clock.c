/* clock: timers in virtual time. */
#include "unit.h"

#include <string.h>

#include "clock.h"

struct probe {
	struct timer timer;
	struct clock *clock;
	char *log;
	char name;
	uint64_t again, fired_at;
	struct timer *stops;
};

static void fire(void *arg)
{
	struct probe *p = arg;

	strncat(p->log, &p->name, 1);
	p->fired_at = p->clock->now;
	if (p->again)
		timer_set(&p->timer, p->again);
	if (p->stops)
		timer_stop(p->stops);
}

static void probe_init(struct probe *p, struct clock *clock, char *log, char name)
{
	*p = (struct probe){ .clock = clock, .log = log, .name = name };
	timer_init(&p->timer, clock, fire, p);
}

static void fires_in_order(void)
{
	struct clock clock;
	struct probe a, b, c;
	char log[16] = "";

	clock_init(&clock, 100);
	probe_init(&a, &clock, log, 'a');
	probe_init(&b, &clock, log, 'b');
	probe_init(&c, &clock, log, 'c');
	CU_ASSERT_EQUAL(clock_next(&clock), CLOCK_NEVER);
	timer_set(&a.timer, 30);
	timer_set(&b.timer, 10);
	timer_set(&c.timer, 30);
	CU_ASSERT_EQUAL(clock_next(&clock), 110);
	clock_advance(&clock, 129);
	CU_ASSERT_STRING_EQUAL(log, "b");
	CU_ASSERT_EQUAL(b.fired_at, 110);
	clock_advance(&clock, 500);
	CU_ASSERT_STRING_EQUAL(log, "bac");
	CU_ASSERT_EQUAL(c.fired_at, 130);
	CU_ASSERT_EQUAL(clock.now, 500);
	clock_advance(&clock, 400);
	CU_ASSERT_EQUAL(clock.now, 500);
}

static void rearms_and_stops_from_within(void)
{
	struct clock clock;
	struct probe a, b;
	char log[16] = "";

	clock_init(&clock, 0);
	probe_init(&a, &clock, log, 'a');
	probe_init(&b, &clock, log, 'b');
	a.again = 10;
	timer_set(&a.timer, 10);
	timer_set(&b.timer, 25);
	b.stops = &a.timer;
	clock_advance(&clock, 1000);
	CU_ASSERT_STRING_EQUAL(log, "aab");
	CU_ASSERT_FALSE(a.timer.armed);
	timer_stop(&a.timer);
	CU_ASSERT_EQUAL(clock_next(&clock), CLOCK_NEVER);
}

static void a_set_timer_moves(void)
{
	struct clock clock;
	struct probe a, b;
	char log[16] = "";

	clock_init(&clock, 0);
	probe_init(&a, &clock, log, 'a');
	probe_init(&b, &clock, log, 'b');
	timer_set(&a.timer, 10);
	timer_set(&b.timer, 20);
	timer_set(&a.timer, 30);
	clock_advance(&clock, 40);
	CU_ASSERT_STRING_EQUAL(log, "ba");
	timer_set(&a.timer, CLOCK_NEVER);
	CU_ASSERT_TRUE(clock_next(&clock) < CLOCK_NEVER);
	timer_stop(&a.timer);
}

static void a_late_clock_fires_each_once(void)
{
	struct clock clock;
	struct probe a, b, c;
	char log[16] = "";

	clock_init(&clock, 0);
	probe_init(&a, &clock, log, 'a');
	probe_init(&b, &clock, log, 'b');
	probe_init(&c, &clock, log, 'c');
	a.again = 10;
	b.again = 1;
	timer_set(&a.timer, 10);
	timer_set(&b.timer, 5);
	timer_set(&c.timer, 1001);
	clock_set(&clock, 1000);
	CU_ASSERT_STRING_EQUAL(log, "");
	clock_run(&clock);
	CU_ASSERT_STRING_EQUAL(log, "ba");
	CU_ASSERT_EQUAL(b.fired_at, 1000);
	CU_ASSERT_EQUAL(clock_next(&clock), 1001);
	clock_set(&clock, 999);
	CU_ASSERT_EQUAL(clock.now, 1000);
	clock_set(&clock, 1001);
	clock_run(&clock);
	CU_ASSERT_STRING_EQUAL(log, "bacb");
}

static void rearm_at_once(void *arg)
{
	struct probe *p = arg;

	p->fired_at++;
	timer_set(&p->timer, 0);
}

static void a_timer_that_is_due_at_once_waits_for_the_next_round(void)
{
	struct clock clock;
	struct probe a = { 0 };

	clock_init(&clock, 0);
	timer_init(&a.timer, &clock, rearm_at_once, &a);
	timer_set(&a.timer, 0);
	clock_run(&clock);
	CU_ASSERT_EQUAL(a.fired_at, 1);
	clock_run(&clock);
	CU_ASSERT_EQUAL(a.fired_at, 2);
	timer_stop(&a.timer);
}

const struct unit_test unit_tests[] = {
	{ "clock: timers fire in order, at their time", fires_in_order },
	{ "clock: a timer may re-arm itself and stop another", rearms_and_stops_from_within },
	{ "clock: setting an armed timer moves it", a_set_timer_moves },
	{ "clock: a clock that is late fires each timer once", a_late_clock_fires_each_once },
	{ "clock: a timer that is due at once waits for the next round", a_timer_that_is_due_at_once_waits_for_the_next_round },
	{ 0 },
};
