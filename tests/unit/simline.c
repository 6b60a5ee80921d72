/* A simulated line; see simline.h. Each end has a clock of its own, so that it is known whose timer fires; both show the same time. */
#include "simline.h"

#include <string.h>

#include "log.h"
#include "ppp/frame.h"

struct chunk {
	uint64_t at;
	size_t len;
	uint8_t bytes[];
};

static void on_ip(void *arg, uint8_t *packet, size_t len)
{
	struct sim_end *end = arg;

	end->packets++;
	if (end->on_ip)
		end->on_ip(end, packet, len);
}

static void on_up(void *arg, const struct ppp_addresses *addresses)
{
	struct sim_end *end = arg;

	end->ups++;
	end->up = true;
	end->addresses = *addresses;
}

static void on_down(void *arg)
{
	struct sim_end *end = arg;

	end->downs++;
	end->up = false;
}

static void on_ipv6_up(void *arg, const struct ppp_identifiers *identifiers)
{
	struct sim_end *end = arg;

	end->identifiers = *identifiers;
}

static void on_ipv6_down(void *arg)
{
	struct sim_end *end = arg;

	end->identifiers = (struct ppp_identifiers){ 0 };
}

static void on_phase(void *arg, enum ppp_phase phase)
{
	(void)arg;
	(void)phase;
}

static void on_finished(void *arg, enum exit_status status)
{
	struct sim_end *end = arg;

	end->finished++;
	end->status = status;
}

static const struct ppp_events events = {
	.ip = on_ip,
	.ip_up = on_up,
	.ip_down = on_down,
	.ipv6_up = on_ipv6_up,
	.ipv6_down = on_ipv6_down,
	.phase = on_phase,
	.finished = on_finished,
};

static void on_log(void *arg, int priority, const char *text)
{
	struct simline *line = arg;

	(void)priority;
	g_string_append_printf(line->log, "%u %s\n", line->logging, text);
}

struct simline *sim_new(unsigned seed)
{
	struct simline *line = g_new0(struct simline, 1);

	line->rand = g_rand_new_with_seed(seed);
	g_random_set_seed(seed);
	line->log = g_string_new("\n");
	line->delay = 10 * CLOCK_MS;
	line->now = CLOCK_SECOND;
	log_set_sink(on_log, line);
	for (unsigned i = 0; i < 2; i++) {
		struct sim_end *end = &line->end[i];
		end->line = line;
		clock_init(&end->clock, line->now);
		end->config = config_new();
		outbuf_init(&end->out, 65536);
		g_queue_init(&end->arriving);
	}
	return line;
}

void sim_free(struct simline *line)
{
	for (unsigned i = 0; i < 2; i++) {
		struct sim_end *end = &line->end[i];
		ppp_free(end->ppp);
		config_free(end->config);
		outbuf_free(&end->out);
		for (struct chunk *c = g_queue_pop_head(&end->arriving); c; c = g_queue_pop_head(&end->arriving))
			g_free(c);
	}
	log_set_sink(NULL, NULL);
	g_rand_free(line->rand);
	g_string_free(line->log, TRUE);
	g_free(line);
}

static void send_chunk(struct simline *line, struct sim_end *to, const uint8_t *bytes, size_t len)
{
	uint64_t start = MAX(line->now, to->busy_until);
	struct chunk *c = g_malloc(sizeof(*c) + len);

	to->busy_until = start + (line->rate ? len * CLOCK_SECOND / line->rate : 0);
	*c = (struct chunk){ .at = to->busy_until + line->delay, .len = len };
	memcpy(c->bytes, bytes, len);
	for (size_t i = 0; i < len && line->noise > 0; i++) {
		if (g_rand_double(line->rand) < line->noise)
			c->bytes[i] ^= (uint8_t)g_rand_int_range(line->rand, 1, 256);
	}
	g_queue_push_tail(&to->arriving, c);
}

static bool chance(struct simline *line, double p)
{
	return p > 0 && g_rand_double(line->rand) < p;
}

/* Takes what END has sent, frame by frame: up to and with its closing flag. */
static void drain(struct simline *line, unsigned i)
{
	struct sim_end *end = &line->end[i];
	size_t len;

	while ((len = outbuf_len(&end->out)) > 0) {
		const uint8_t *bytes = outbuf_data(&end->out);
		size_t n = 1;
		while (n < len && bytes[n] != FRAME_FLAG)
			n++;
		n = MIN(n + 1, len);
		if (!line->cut && !chance(line, line->loss))
			send_chunk(line, &line->end[!i], bytes, n);
		if (!line->cut && chance(line, line->duplicate))
			send_chunk(line, &line->end[!i], bytes, n);
		outbuf_consume(&end->out, n);
	}
}

void sim_start(struct simline *line, unsigned i)
{
	struct sim_end *end = &line->end[i];

	line->logging = i;
	if (!end->ppp)
		end->ppp = ppp_new(end->config, NULL, NULL, &end->clock, &events, end, &end->out);
	ppp_start(end->ppp, 0);
	drain(line, i);
}

static uint64_t next_at(const struct sim_end *end)
{
	const struct chunk *c = g_queue_peek_head((GQueue *)&end->arriving);

	return MIN(clock_next(&end->clock), c ? c->at : CLOCK_NEVER);
}

static void step(struct simline *line, uint64_t now)
{
	line->now = MAX(now, line->now);
	for (unsigned i = 0; i < 2; i++) {
		struct sim_end *end = &line->end[i];
		struct chunk *c;

		line->logging = i;
		clock_advance(&end->clock, line->now);
		while ((c = g_queue_peek_head(&end->arriving)) && c->at <= line->now) {
			g_queue_pop_head(&end->arriving);
			if (end->ppp && !line->cut)
				ppp_input(end->ppp, c->bytes, c->len);
			g_free(c);
		}
		drain(line, i);
	}
}

static bool both_up(const struct simline *line)
{
	return line->end[0].up && line->end[1].up;
}

static void run(struct simline *line, uint64_t limit, bool until_up)
{
	uint64_t end = line->now + limit;

	drain(line, 0);
	drain(line, 1);
	while (!(until_up && both_up(line))) {
		uint64_t next = MIN(next_at(&line->end[0]), next_at(&line->end[1]));
		step(line, MIN(next, end));
		if (next > end)
			return;
	}
}

void sim_run(struct simline *line, uint64_t microseconds)
{
	run(line, microseconds, false);
}

bool sim_run_up(struct simline *line, uint64_t limit)
{
	run(line, limit, true);
	return both_up(line);
}

bool sim_logged(const struct simline *line, unsigned end, const char *text)
{
	char *wanted = g_strdup_printf("\n%u %s\n", end, text);
	bool found = strstr(line->log->str, wanted) != NULL;

	g_free(wanted);
	return found;
}
