/* net/queue: in virtual time, with a line of a known rate. */
#include "unit.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "net/queue.h"
#include "packets.h"

#define MTU 1500
#define SERIAL 11520 /* bytes a second at 115200 bit/s */

struct line {
	struct clock clock;
	struct queue *q;
	uint64_t carried;
};

static void line_init(struct line *l, unsigned limit, unsigned rate)
{
	*l = (struct line){ 0 };
	clock_init(&l->clock, 5 * CLOCK_SECOND);
	l->q = queue_new(&l->clock, MTU, limit);
	queue_set_rate(l->q, rate);
}

/* A packet of LEN bytes of flow PORT, numbered SERIAL_NO in its last four bytes. */
static void put(struct queue *q, uint16_t port, size_t len, uint32_t number)
{
	uint8_t buf[MTU + 100];
	struct spec s = { .protocol = IPPROTO_UDP, .src = 1, .dst = 2, .sport = port, .dport = 9, .payload = len - 28 };

	build(buf, &s);
	for (unsigned i = 0; i < 4; i++)
		buf[len - 4 + i] = (uint8_t)(number >> (24 - 8 * i));
	CU_ASSERT_TRUE(queue_put(q, buf, len));
}

/* Takes the packet whose turn it is: its flow, or -1. */
static int take(struct queue *q, size_t *len, uint32_t *number)
{
	size_t n;
	const uint8_t *packet = queue_peek(q, &n);

	if (!packet)
		return -1;
	int port = packet_u16(packet, 20);
	if (len)
		*len = n;
	if (number)
		*number = packet_u32(packet, n - 4);
	queue_take(q, n);
	return port;
}

static void empty(void)
{
	struct line l;
	size_t len;

	line_init(&l, 10, 0);
	CU_ASSERT_PTR_NULL(queue_peek(l.q, &len));
	CU_ASSERT_EQUAL(queue_ready_at(l.q), CLOCK_NEVER);
	CU_ASSERT_FALSE(queue_congested(l.q));
	uint8_t large[MTU + 1] = { 0x45 };
	CU_ASSERT_FALSE(queue_put(l.q, large, sizeof(large)));
	CU_ASSERT_EQUAL(queue_packets(l.q), 0);
	queue_free(l.q);
}

static void order_within_flows(void)
{
	struct line l;
	uint32_t sent[40] = { 0 }, seen[40] = { 0 };

	line_init(&l, 1000, 0);
	srand(5);
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t number;

		if (rand() % 2 && queue_packets(l.q) < 900) {
			unsigned flow = (unsigned)rand() % 40;
			put(l.q, (uint16_t)flow, 40 + (size_t)rand() % 1400, sent[flow]++);
		} else {
			int flow = take(l.q, NULL, &number);
			if (flow >= 0)
				CU_ASSERT_EQUAL(number, seen[flow]++);
		}
	}
	CU_ASSERT_EQUAL(queue_dropped(l.q), 0);
	queue_free(l.q);
}

/* Two flows that always have packets waiting, small ones and large ones, get the same number of bytes. */
static void fair_in_bytes(void)
{
	struct line l;
	size_t got[2] = { 0 };

	line_init(&l, 200, 0);
	for (unsigned i = 0; i < 50; i++) {
		put(l.q, 0, 300, 0);
		put(l.q, 1, 1500, 0);
	}
	for (unsigned i = 0; i < 3000; i++) {
		size_t len = 0;
		int flow = take(l.q, &len, NULL);

		CU_ASSERT_TRUE_FATAL(flow >= 0);
		got[flow] += len;
		put(l.q, (uint16_t)flow, len, 0);
	}
	double share = (double)got[0] / (double)(got[0] + got[1]);
	CU_ASSERT_TRUE(share > 0.48 && share < 0.52);
	queue_free(l.q);
}

/* Full: the longest flow loses its oldest packet, the others lose nothing. */
static void the_longest_flow_loses(void)
{
	struct line l;
	uint32_t number;

	line_init(&l, 20, 0);
	put(l.q, 7, 100, 0);
	for (uint32_t i = 0; i < 50; i++)
		put(l.q, 8, 1000, i);
	CU_ASSERT_EQUAL(queue_packets(l.q), 20);
	CU_ASSERT_EQUAL(queue_dropped(l.q), 31);
	CU_ASSERT_EQUAL(queue_bytes(l.q), 100 + 19 * 1000);
	unsigned small = 0;
	uint32_t expect = 31;
	for (int flow; (flow = take(l.q, NULL, &number)) >= 0;) {
		if (flow == 7)
			small++;
		else
			CU_ASSERT_EQUAL(number, expect++);
	}
	CU_ASSERT_EQUAL(small, 1);
	CU_ASSERT_EQUAL(expect, 50);
	CU_ASSERT_EQUAL(queue_bytes(l.q), 0);
	queue_free(l.q);
}

static void every_limit_and_many_flows(void)
{
	for (unsigned limit = 1; limit < 70; limit += 3) {
		struct line l;

		line_init(&l, limit, 0);
		srand(limit);
		for (unsigned i = 0; i < 3000; i++) {
			if (rand() % 3)
				put(l.q, (uint16_t)(rand() % 300), 40 + (size_t)rand() % 1000, 0);
			else
				take(l.q, NULL, NULL);
			CU_ASSERT_TRUE(queue_packets(l.q) <= limit);
		}
		while (take(l.q, NULL, NULL) >= 0)
			;
		CU_ASSERT_EQUAL(queue_packets(l.q), 0);
		CU_ASSERT_EQUAL(queue_bytes(l.q), 0);
		queue_free(l.q);
	}
}

/* A flow that had nothing waiting goes first, but not for ever. */
static void new_flows_go_first_once(void)
{
	struct line l;

	line_init(&l, 100, 0);
	for (unsigned i = 0; i < 20; i++)
		put(l.q, 1, 1500, i);
	CU_ASSERT_EQUAL(take(l.q, NULL, NULL), 1);
	CU_ASSERT_EQUAL(take(l.q, NULL, NULL), 1);
	put(l.q, 2, 60, 0);
	CU_ASSERT_EQUAL(take(l.q, NULL, NULL), 2);
	/* one that sends as fast as it is served gets no more than its share */
	unsigned bulk = 0;
	for (unsigned i = 0; i < 60; i++) {
		put(l.q, 3, 1500, 0);
		bulk += take(l.q, NULL, NULL) == 1;
	}
	CU_ASSERT_TRUE(bulk >= 15);
	queue_free(l.q);
}

/* Keeps a bulk flow waiting for a minute and types a key every 100 ms; the longest and the mean wait of a key, until the line
 * begins to carry it, in milliseconds. */
static void type_under_bulk(size_t bulk_len, double *longest, double *mean)
{
	struct line l;
	uint64_t pressed = 0, sum = 0, worst = 0, line_free = 0;
	unsigned keys = 0;
	bool waiting = false;

	line_init(&l, 300, SERIAL);
	uint64_t start = l.clock.now;
	for (uint64_t t = 0; t < 60 * CLOCK_SECOND; t += CLOCK_MS) {
		l.clock.now = start + t;
		while (!queue_congested(l.q))
			put(l.q, 1, bulk_len, 0);
		if (t % (100 * CLOCK_MS) == 37 * CLOCK_MS && !waiting) {
			put(l.q, 2, 60, 0);
			pressed = l.clock.now;
			waiting = true;
		}
		size_t len;
		for (int flow; (flow = take(l.q, &len, NULL)) >= 0;) {
			uint64_t begins = MAX(line_free, l.clock.now);

			line_free = begins + len * CLOCK_SECOND / SERIAL;
			if (flow != 2)
				continue;
			waiting = false;
			keys++;
			sum += begins - pressed;
			worst = MAX(worst, begins - pressed);
		}
	}
	CU_ASSERT_TRUE(keys > 200);
	*longest = (double)worst / 1000;
	*mean = (double)sum / keys / 1000;
	queue_free(l.q);
}

static void keystroke_under_bulk(void)
{
	double longest, mean;

	type_under_bulk(1500, &longest, &mean);
	CU_ASSERT_TRUE(mean < 100);
	CU_ASSERT_TRUE(longest < 1500 * 1000.0 / SERIAL + 20);
	type_under_bulk(576, &longest, &mean);
	CU_ASSERT_TRUE(mean < 50);
	CU_ASSERT_TRUE(longest < 75);
}

/* Over a minute the line gets what it can carry: no more (beyond what may be ahead), hardly less. */
static void pacing_is_accurate(void)
{
	const unsigned rates[] = { 120, 960, SERIAL, 92160, 1000000, 100000000 };

	for (unsigned r = 0; r < 6; r++) {
		struct line l;
		uint64_t given = 0;
		uint64_t worst_ahead = 0;

		line_init(&l, 400, rates[r]);
		uint64_t start = l.clock.now;
		uint64_t end = start + 20 * CLOCK_SECOND;
		while (l.clock.now < end) {
			while (queue_packets(l.q) < 300)
				put(l.q, (uint16_t)(queue_packets(l.q) % 3), 100 + queue_packets(l.q) * 4, 0);
			size_t len;
			while (take(l.q, &len, NULL) >= 0)
				given += len;
			uint64_t carried = (l.clock.now - start) * rates[r] / CLOCK_SECOND;
			if (given > carried)
				worst_ahead = MAX(worst_ahead, given - carried);
			uint64_t at = queue_ready_at(l.q);
			CU_ASSERT_TRUE_FATAL(queue_packets(l.q) == 0 || at > l.clock.now);
			l.clock.now = queue_packets(l.q) == 0 ? l.clock.now + 1 : at;
		}
		CU_ASSERT_TRUE(worst_ahead <= MAX(1500u + rates[r] / 500, rates[r] / 50 + 1));
		CU_ASSERT_TRUE(given + 1500 >= 20 * (uint64_t)rates[r] * 98 / 100);
		queue_free(l.q);
	}
}

static void ready_at_is_exact(void)
{
	struct line l;
	size_t len;

	line_init(&l, 10, 1000);
	for (unsigned i = 0; i < 3; i++)
		put(l.q, 1, 500, i);
	CU_ASSERT_EQUAL(take(l.q, NULL, NULL), 1);
	uint64_t at = queue_ready_at(l.q);
	CU_ASSERT_TRUE(at > l.clock.now);
	l.clock.now = at - 1;
	CU_ASSERT_PTR_NULL(queue_peek(l.q, &len));
	l.clock.now = at;
	CU_ASSERT_PTR_NOT_NULL(queue_peek(l.q, &len));
	queue_set_rate(l.q, 0);
	CU_ASSERT_TRUE(queue_ready_at(l.q) <= l.clock.now);
	queue_free(l.q);
}

static void congestion_has_hysteresis(void)
{
	struct line l;

	line_init(&l, 100, 0);
	for (unsigned i = 0; i < 75; i++)
		put(l.q, 1, 100, 0);
	CU_ASSERT_FALSE(queue_congested(l.q));
	put(l.q, 1, 100, 0);
	CU_ASSERT_TRUE(queue_congested(l.q));
	while (queue_packets(l.q) > 38)
		take(l.q, NULL, NULL);
	CU_ASSERT_TRUE(queue_congested(l.q));
	while (queue_packets(l.q) > 37)
		take(l.q, NULL, NULL);
	CU_ASSERT_FALSE(queue_congested(l.q));
	queue_free(l.q);
}

static void congestion_knows_the_rate(void)
{
	struct line l;

	line_init(&l, 300, SERIAL);
	for (unsigned i = 0; i < 4; i++)
		put(l.q, 1, 1500, 0);
	CU_ASSERT_FALSE(queue_congested(l.q));
	put(l.q, 1, 1500, 0);
	CU_ASSERT_TRUE(queue_congested(l.q));
	queue_clear(l.q);
	CU_ASSERT_FALSE(queue_congested(l.q));
	CU_ASSERT_EQUAL(queue_packets(l.q), 0);
	put(l.q, 1, 1500, 0);
	CU_ASSERT_EQUAL(take(l.q, NULL, NULL), 1);
	queue_free(l.q);
}

/* What is no IPv4 packet, or cut short, must not confuse the flows' hash. */
static void anything_may_be_put(void)
{
	struct line l;

	line_init(&l, 50, 0);
	srand(6);
	for (unsigned i = 0; i < 5000; i++) {
		size_t len = 1 + (size_t)rand() % 80;
		uint8_t *exact = malloc(len);

		for (size_t n = 0; n < len; n++)
			exact[n] = (uint8_t)rand();
		if (rand() % 3)
			exact[0] = (uint8_t)(0x45 + rand() % 11);
		CU_ASSERT_TRUE(queue_put(l.q, exact, len));
		free(exact);
		size_t out;
		if (rand() % 2 && queue_peek(l.q, &out))
			queue_take(l.q, out);
	}
	queue_free(l.q);
}

static void a_burst_and_another(void)
{
	struct clock clock;
	uint8_t packet[1500] = { 0x45 };
	size_t len;

	clock_init(&clock, 1);
	struct queue *q = queue_new(&clock, sizeof(packet), 2048);
	for (int burst = 0; burst < 3; burst++) {
		for (unsigned i = 0; i < 2000; i++)
			CU_ASSERT_TRUE(queue_put(q, packet, sizeof(packet) - i % 100));
		CU_ASSERT_TRUE(queue_congested(q));
		while (queue_peek(q, &len))
			queue_take(q, len);
		CU_ASSERT_EQUAL(queue_packets(q) + queue_bytes(q), 0);
		CU_ASSERT_FALSE(queue_congested(q));
	}
	CU_ASSERT_EQUAL(queue_dropped(q), 0);
	queue_free(q);
}

const struct unit_test unit_tests[] = {
	{ "queue: a burst, and another: memory goes and comes", a_burst_and_another },
	{ "queue: empty, and too large a packet", empty },
	{ "queue: order within flows", order_within_flows },
	{ "queue: fair in bytes", fair_in_bytes },
	{ "queue: full, the longest flow loses its oldest, RFC 8290 s.4.1", the_longest_flow_loses },
	{ "queue: any limit, many flows", every_limit_and_many_flows },
	{ "queue: new flows first, once, RFC 8290 s.4.2", new_flows_go_first_once },
	{ "queue: a keystroke under bulk at 115200", keystroke_under_bulk },
	{ "queue: pacing is accurate", pacing_is_accurate },
	{ "queue: ready_at is exact", ready_at_is_exact },
	{ "queue: congestion has hysteresis", congestion_has_hysteresis },
	{ "queue: congestion knows the rate", congestion_knows_the_rate },
	{ "queue: anything may be put", anything_may_be_put },
	{ 0 },
};
