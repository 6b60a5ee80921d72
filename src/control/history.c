/* Rings of what was, for the status page; see history.h. Called by control.c, read by state.c. */
#include "control/history.h"

#include <glib.h>

#include "clock.h"

void ring_init(struct ring *ring, unsigned max)
{
	*ring = (struct ring){ .entries = g_new0(struct ring_entry, max), .max = max };
}

void ring_clear(struct ring *ring)
{
	for (unsigned i = 0; i < ring->count; i++)
		g_free(ring->entries[i].text);
	g_free(ring->entries);
	*ring = (struct ring){ .entries = NULL };
}

void ring_add(struct ring *ring, uint64_t at, int kind, const char *text)
{
	struct ring_entry *entry = &ring->entries[ring->next];

	g_free(entry->text);
	*entry = (struct ring_entry){ .at = at, .kind = kind, .text = g_strndup(text, RING_TEXT_MAX - 1) };
	ring->next = (ring->next + 1) % ring->max;
	ring->count = MIN(ring->count + 1, ring->max);
}

const struct ring_entry *ring_get(const struct ring *ring, unsigned i)
{
	return &ring->entries[(ring->next + ring->max - ring->count + i) % ring->max];
}

void rates_init(struct rates *rates, uint64_t now)
{
	*rates = (struct rates){ .until = now };
}

static void add_second(struct rates *rates, uint64_t in, uint64_t out)
{
	rates->seconds[rates->next] = (struct rates_second){ in, out };
	rates->next = (rates->next + 1) % RATES_MAX;
	rates->count = MIN(rates->count + 1, RATES_MAX);
}

void rates_sample(struct rates *rates, uint64_t now, uint64_t in, uint64_t out)
{
	uint64_t seconds = now > rates->until ? (now - rates->until) / CLOCK_SECOND : 0;

	if (seconds == 0)
		return;
	uint64_t more_in = in - MIN(in, rates->at.in), more_out = out - MIN(out, rates->at.out);
	for (uint64_t i = MIN(seconds, RATES_MAX); i > 1; i--)
		add_second(rates, more_in / seconds, more_out / seconds);
	/* What the division left over. */
	add_second(rates, more_in / seconds + more_in % seconds, more_out / seconds + more_out % seconds);
	rates->until += seconds * CLOCK_SECOND;
	rates->at = (struct rates_second){ in, out };
}

void rates_pause(struct rates *rates, uint64_t now, uint64_t in, uint64_t out)
{
	rates_sample(rates, now, in, out);
	if (now > rates->until)
		rates_sample(rates, rates->until + CLOCK_SECOND, in, out);
}

const struct rates_second *rates_get(const struct rates *rates, unsigned i)
{
	return &rates->seconds[(rates->next + RATES_MAX - rates->count + i) % RATES_MAX];
}
