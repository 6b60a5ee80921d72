/* What ends a link that works: time, silence, traffic; pppd's reasons and exit codes. */
#include "unit.h"

#include <string.h>

#include "expiry.h"
#include "log.h"

struct rig {
	struct clock clock;
	struct config *config;
	struct limits *limits;
	uint64_t in, out;
	uint64_t last; /* when a packet that counts passed */
	unsigned ended;
	char reason[40];
	enum exit_status status;
};

static void on_expired(void *arg, const char *reason, enum exit_status status)
{
	struct rig *rig = arg;

	rig->ended++;
	g_strlcpy(rig->reason, reason, sizeof(rig->reason));
	rig->status = status;
}

static void count(void *arg, uint64_t *in, uint64_t *out)
{
	const struct rig *rig = arg;

	*in = rig->in;
	*out = rig->out;
}

static uint64_t quiet_for(void *arg)
{
	const struct rig *rig = arg;

	return rig->clock.now - rig->last;
}

static const struct limits_events events = { .expired = on_expired, .octets = count, .quiet = quiet_for };

static void rig_init(struct rig *rig)
{
	*rig = (struct rig){ .config = config_new() };
	clock_init(&rig->clock, CLOCK_SECOND);
	rig->last = rig->clock.now;
	rig->limits = limits_new(&rig->clock, &events, rig);
	log_set_fd(-1);
}

static void rig_clear(struct rig *rig)
{
	limits_free(rig->limits);
	config_free(rig->config);
}

/* SECONDS later. */
static void pass(struct rig *rig, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		rig->clock.now += CLOCK_SECOND;
		clock_run(&rig->clock);
	}
}

static void no_limit_is_none(void)
{
	struct rig rig;

	rig_init(&rig);
	limits_start(rig.limits, rig.config);
	pass(&rig, 100000);
	CU_ASSERT_EQUAL(rig.ended, 0);
	rig_clear(&rig);
}

static void the_time_is_over(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config->maxconnect = 60;
	limits_start(rig.limits, rig.config);
	pass(&rig, 59);
	limits_start(rig.limits, rig.config); /* a second network: nothing begins anew */
	CU_ASSERT_EQUAL(rig.ended, 0);
	pass(&rig, 1);
	CU_ASSERT_EQUAL(rig.ended, 1);
	CU_ASSERT_EQUAL(rig.status, EXIT_CONNECT_TIME);
	CU_ASSERT_STRING_EQUAL(rig.reason, "Connect time expired");
	pass(&rig, 1000);
	CU_ASSERT_EQUAL(rig.ended, 1);
	rig_clear(&rig);
}

static void silence_since_the_last_packet(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config->idle = 10;
	limits_start(rig.limits, rig.config);
	pass(&rig, 7);
	rig.last = rig.clock.now;
	pass(&rig, 9);
	CU_ASSERT_EQUAL(rig.ended, 0);
	pass(&rig, 1);
	CU_ASSERT_EQUAL(rig.ended, 1);
	CU_ASSERT_EQUAL(rig.status, EXIT_IDLE_TIMEOUT);
	CU_ASSERT_STRING_EQUAL(rig.reason, "Link inactive");
	rig_clear(&rig);
}

static void silence_counts_only_after_minconnect(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config->idle = 10;
	rig.config->minconnect = 30;
	limits_start(rig.limits, rig.config);
	pass(&rig, 29);
	CU_ASSERT_EQUAL(rig.ended, 0);
	pass(&rig, 1);
	CU_ASSERT_EQUAL(rig.ended, 1);
	rig_clear(&rig);
}

static void traffic_in_each_direction(void)
{
	static const struct {
		enum octets_direction direction;
		uint64_t in, out;
		bool over;
	} cases[] = {
		{ OCTETS_SUM, 60, 41, true }, { OCTETS_SUM, 60, 40, false }, { OCTETS_IN, 101, 0, true },   { OCTETS_IN, 100, 500, false },
		{ OCTETS_OUT, 0, 101, true }, { OCTETS_OUT, 500, 100, false }, { OCTETS_MAX, 99, 101, true }, { OCTETS_MAX, 100, 100, false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rig rig;

		rig_init(&rig);
		rig.config->maxoctets = 100;
		rig.config->mo_direction = cases[i].direction;
		rig.config->mo_timeout = 5;
		limits_start(rig.limits, rig.config);
		rig.in = cases[i].in;
		rig.out = cases[i].out;
		pass(&rig, 4);
		CU_ASSERT_EQUAL(rig.ended, 0);
		pass(&rig, 1);
		CU_ASSERT_EQUAL(rig.ended, cases[i].over);
		CU_ASSERT_TRUE(!cases[i].over || (rig.status == EXIT_TRAFFIC_LIMIT && strcmp(rig.reason, "Traffic limit") == 0));
		rig_clear(&rig);
	}
}

static void a_link_that_went_down_has_no_limits(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config->maxconnect = rig.config->idle = 10;
	rig.config->maxoctets = 1;
	limits_start(rig.limits, rig.config);
	limits_stop(rig.limits);
	rig.in = 100;
	pass(&rig, 100);
	CU_ASSERT_EQUAL(rig.ended, 0);
	rig_clear(&rig);
}

const struct unit_test unit_tests[] = {
	{ "expiry: no limit is none", no_limit_is_none },
	{ "expiry: the time is over", the_time_is_over },
	{ "expiry: silence since the last packet", silence_since_the_last_packet },
	{ "expiry: silence counts only after minconnect", silence_counts_only_after_minconnect },
	{ "expiry: traffic in each direction", traffic_in_each_direction },
	{ "expiry: a link that went down has no limits", a_link_that_went_down_has_no_limits },
	{ 0 },
};
