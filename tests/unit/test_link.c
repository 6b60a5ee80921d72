/* Two PPP links on a simulated line, in virtual time: they come up, stay up, agree, and end. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "simline.h"

#define A(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static void finish_configs(struct simline *line)
{
	for (unsigned i = 0; i < 2; i++)
		config_finish(line->end[i].config, true, false);
}

static bool addresses_agree(const struct simline *line)
{
	const struct ppp_addresses *a = &line->end[0].addresses;
	const struct ppp_addresses *b = &line->end[1].addresses;

	return a->local == b->remote && a->remote == b->local && a->local != a->remote && a->local && a->remote;
}

static void two_defaults_in_one_round(void)
{
	struct simline *line = sim_new(1);

	finish_configs(line);
	sim_start(line, 0);
	sim_start(line, 1);
	CU_ASSERT_TRUE(sim_run_up(line, CLOCK_SECOND));
	CU_ASSERT_TRUE(addresses_agree(line));
	CU_ASSERT_TRUE(line->now < CLOCK_SECOND + 100 * CLOCK_MS);
	sim_run(line, CLOCK_SECOND);
	CU_ASSERT_EQUAL(line->end[0].ups + line->end[1].ups, 2);
	CU_ASSERT_EQUAL(line->end[0].downs + line->end[1].downs, 0);
	CU_ASSERT_TRUE(sim_logged(line, 0, "local  IP address 10.0.2.2") != sim_logged(line, 1, "local  IP address 10.0.2.2"));
	sim_free(line);
}

static void the_same_seed_gives_the_same_run(void)
{
	char *logs[2];

	for (unsigned i = 0; i < 2; i++) {
		struct simline *line = sim_new(99);
		log_set_debug(2);
		line->loss = 0.2;
		finish_configs(line);
		sim_start(line, 0);
		sim_start(line, 1);
		sim_run(line, 20 * CLOCK_SECOND);
		logs[i] = g_strdup(line->log->str);
		sim_free(line);
	}
	log_set_debug(0);
	CU_ASSERT_STRING_EQUAL(logs[0], logs[1]);
	CU_ASSERT_TRUE(strlen(logs[0]) > 500);
	g_free(logs[0]);
	g_free(logs[1]);
}

/* RFC 1661 §4.6: counters are there to converge in spite of loss. */
static void converges_under_loss(void)
{
	unsigned up = 0;

	for (unsigned seed = 0; seed < 200; seed++) {
		struct simline *line = sim_new(seed);
		line->loss = 0.2;
		line->duplicate = 0.05;
		finish_configs(line);
		sim_start(line, seed % 2);
		sim_run(line, seed % 7 * CLOCK_SECOND);
		sim_start(line, !(seed % 2));
		bool ok = sim_run_up(line, 120 * CLOCK_SECOND) && addresses_agree(line);
		if (!ok)
			printf("# seed %u: %s", seed, line->log->str);
		up += ok;
		sim_free(line);
	}
	CU_ASSERT_EQUAL(up, 200);
}

static void noise_and_a_slow_line(void)
{
	unsigned up = 0;

	for (unsigned seed = 0; seed < 50; seed++) {
		struct simline *line = sim_new(seed);
		line->noise = 0.002;
		line->rate = 240;
		line->delay = 300 * CLOCK_MS;
		finish_configs(line);
		sim_start(line, 0);
		sim_start(line, 1);
		up += sim_run_up(line, 120 * CLOCK_SECOND) && addresses_agree(line);
		sim_free(line);
	}
	CU_ASSERT_EQUAL(up, 50);
}

/* The matrix of address wishes: who is given what, who starts first, with loss. */
struct wish {
	uint32_t local, remote;
	bool noipdefault, accept; /* ipcp-accept-local and ipcp-accept-remote */
};

static const struct wish wishes[] = {
	{ 0, 0, false, false },
	{ A(10, 0, 2, 2), 0, false, false },
	{ 0, A(10, 0, 2, 2), false, false },
	{ A(10, 0, 2, 15), A(10, 0, 2, 2), false, false },
	{ A(10, 0, 2, 15), 0, false, false },
	{ 0, A(10, 0, 2, 15), false, false },
	{ A(10, 0, 2, 2), A(10, 0, 2, 15), false, false },
	{ A(192, 168, 7, 1), A(192, 168, 7, 2), false, false },
	{ A(192, 168, 7, 1), 0, false, false },
	{ 0, A(192, 168, 7, 2), false, false },
	{ 0, 0, true, false },
	{ 0, A(192, 168, 7, 2), true, false },
	{ A(10, 0, 2, 2), 0, false, true },
	{ A(10, 0, 2, 15), A(10, 0, 2, 2), false, true },
};

/* Two given wishes that exclude each other. */
static bool contradict(const struct wish *a, const struct wish *b)
{
	if (a->accept || b->accept)
		return false;
	return (a->local && b->remote && a->local != b->remote) || (b->local && a->remote && b->local != a->remote) ||
	       (a->local && a->local == b->local) || (a->remote && a->remote == b->remote);
}

static bool honoured(const struct wish *w, const struct ppp_addresses *a)
{
	return w->accept || ((!w->local || w->local == a->local) && (!w->remote || w->remote == a->remote));
}

static void set_wish(struct sim_end *end, const struct wish *w, bool magic)
{
	end->config->ipcp.local = w->local;
	end->config->ipcp.remote = w->remote;
	end->config->ipcp.accept_local = end->config->ipcp.accept_remote = w->accept;
	end->config->lcp.neg_magic = magic;
	end->config->ipv6cp.enabled = false; /* which would keep the link where IPv4 fails */
	config_finish(end->config, !w->noipdefault, false);
}

static bool addresses_settle(unsigned i, unsigned j, unsigned seed, double loss, bool magic)
{
	const struct wish *a = &wishes[i];
	const struct wish *b = &wishes[j];
	struct simline *line = sim_new(seed);
	unsigned first = seed % 3 == 1;

	line->loss = loss;
	set_wish(&line->end[0], a, magic);
	set_wish(&line->end[1], b, magic);
	sim_start(line, first);
	if (seed % 3 != 2)
		sim_run(line, (1 + seed % 5) * CLOCK_SECOND);
	sim_start(line, !first);
	bool up = sim_run_up(line, 200 * CLOCK_SECOND);
	/* Two that insist take a hundred Naks to see that it is of no use, and each that is lost costs a retransmission. */
	sim_run(line, (contradict(a, b) ? 600 : 5) * CLOCK_SECOND);
	bool ok;
	if (contradict(a, b))
		ok = !line->end[0].up || !line->end[1].up ? line->end[0].finished || line->end[1].finished : addresses_agree(line);
	else
		ok = up && line->end[0].up && line->end[1].up && addresses_agree(line) &&
		     honoured(a, &line->end[0].addresses) && honoured(b, &line->end[1].addresses);
	if (!ok)
		printf("# wishes %u and %u, seed %u, loss %g, magic %d:%s", i, j, seed, loss, magic, line->log->str);
	sim_free(line);
	return ok;
}

static void matrix(double loss, bool magic, unsigned seeds)
{
	unsigned bad = 0;

	for (unsigned i = 0; i < G_N_ELEMENTS(wishes); i++) {
		for (unsigned j = 0; j < G_N_ELEMENTS(wishes); j++) {
			for (unsigned seed = 0; seed < seeds && bad < 3; seed++)
				bad += !addresses_settle(i, j, seed, loss, magic);
		}
	}
	CU_ASSERT_EQUAL(bad, 0);
}

static void addresses_settle_without_loss(void)
{
	matrix(0, true, 12);
}

static void addresses_settle_with_loss(void)
{
	matrix(0.1, true, 30);
}

static void addresses_settle_without_magic(void)
{
	matrix(0, false, 12);
	matrix(0.1, false, 12);
}

static void peer_that_goes_away(void)
{
	struct simline *line = sim_new(5);

	line->end[0].config->lcp.echo_interval = 5;
	line->end[0].config->lcp.echo_failure = 3;
	finish_configs(line);
	sim_start(line, 0);
	sim_start(line, 1);
	CU_ASSERT_TRUE(sim_run_up(line, CLOCK_SECOND));
	sim_run(line, 300 * CLOCK_SECOND);
	CU_ASSERT_TRUE(line->end[0].up);
	line->cut = true;
	sim_run(line, 30 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(line->end[0].finished, 1);
	CU_ASSERT_EQUAL(line->end[0].status, EXIT_PEER_DEAD);
	CU_ASSERT_TRUE(sim_logged(line, 0, "No response to 3 echo-requests"));
	line->cut = false;
	sim_start(line, 0);
	CU_ASSERT_TRUE(sim_run_up(line, 10 * CLOCK_SECOND));
	CU_ASSERT_EQUAL(line->end[1].downs, 1);
	CU_ASSERT_EQUAL(line->end[1].ups, 2);
	sim_free(line);
}

static void terminated_at_both_ends(void)
{
	struct simline *line = sim_new(6);

	finish_configs(line);
	sim_start(line, 0);
	sim_start(line, 1);
	CU_ASSERT_TRUE(sim_run_up(line, CLOCK_SECOND));
	ppp_close(line->end[0].ppp, "User request", EXIT_USER_REQUEST);
	sim_run(line, CLOCK_SECOND);
	CU_ASSERT_EQUAL(line->end[0].status, EXIT_USER_REQUEST);
	CU_ASSERT_EQUAL(line->end[0].finished, 1);
	CU_ASSERT_EQUAL(line->end[1].finished, 0);
	CU_ASSERT_TRUE(sim_logged(line, 1, "LCP terminated by peer (User request)"));
	sim_run(line, 3 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(line->end[1].finished, 1);
	CU_ASSERT_EQUAL(line->end[1].status, EXIT_OK);
	sim_free(line);
}

static void packets_of_any_mru(void)
{
	static const uint16_t mrus[] = { 128, 576, 1500, 16384 };
	uint8_t *packet = g_malloc(16385);

	for (unsigned i = 0; i < 16385; i++)
		packet[i] = (uint8_t)(i * 7);
	for (unsigned i = 0; i < 16; i++) {
		struct simline *line = sim_new(i);
		uint16_t a = mrus[i % 4];
		uint16_t b = mrus[i / 4];
		line->end[0].config->lcp.mru = a;
		line->end[1].config->lcp.mru = b;
		finish_configs(line);
		sim_start(line, 0);
		sim_start(line, 1);
		CU_ASSERT_TRUE(sim_run_up(line, CLOCK_SECOND));
		CU_ASSERT_EQUAL(line->end[0].addresses.mtu, MIN(a, b));
		CU_ASSERT_TRUE(ppp_send_ip(line->end[0].ppp, packet, MIN(a, b)));
		CU_ASSERT_FALSE(ppp_send_ip(line->end[0].ppp, packet, MIN(a, b) + 1u));
		sim_run(line, CLOCK_SECOND);
		CU_ASSERT_EQUAL(line->end[1].packets, 1);
		sim_free(line);
	}
	g_free(packet);
}

const struct unit_test unit_tests[] = {
	{ "link: two defaults in one round", two_defaults_in_one_round },
	{ "link: the same seed gives the same run", the_same_seed_gives_the_same_run },
	{ "link: converges under 20% loss (RFC 1661 section 4.6)", converges_under_loss },
	{ "link: noise and a slow line", noise_and_a_slow_line },
	{ "link: addresses settle", addresses_settle_without_loss },
	{ "link: addresses settle under loss", addresses_settle_with_loss },
	{ "link: addresses settle without magic numbers", addresses_settle_without_magic },
	{ "link: a peer that goes away, and comes back", peer_that_goes_away },
	{ "link: terminated at both ends (RFC 1661 section 5.5)", terminated_at_both_ends },
	{ "link: packets of any MRU (RFC 1661 section 6.1)", packets_of_any_mru },
	{ 0 },
};
