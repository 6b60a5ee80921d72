/* The file of echo round trips; see rtt.h. Called by the session. Each word is written at once: a reader sees the old or the new one. */
#include "rtt.h"

#include <errno.h>
#include <glib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"
#include "priv.h"

#define WORDS 2048
#define SIZE (WORDS * sizeof(uint32_t))
#define HEADER 4
#define ENTRIES ((WORDS - HEADER) / 2)
#define MAGIC UINT32_C(0x19450425)
#define MICROSECONDS_MAX 0xffffff
#define LOST_MAX 0xff

enum { WORD_MAGIC, WORD_UP, WORD_NEWEST, WORD_INTERVAL };

struct rtt {
	volatile uint32_t *words;
};

static void put(struct rtt *rtt, unsigned at, uint32_t value)
{
	rtt->words[at] = GUINT32_TO_BE(value);
}

static uint32_t get(const struct rtt *rtt, unsigned at)
{
	return GUINT32_FROM_BE(rtt->words[at]);
}

static void *map(const char *path)
{
	int fd = priv_open_rtt(path, SIZE);
	void *words = fd < 0 ? MAP_FAILED : mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (words == MAP_FAILED)
		log_error("Can't open the RTT log file %s: %s", path, g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return words == MAP_FAILED ? NULL : words;
}

struct rtt *rtt_open(const char *path, unsigned interval)
{
	struct rtt *rtt;
	void *words = map(path);

	if (!words)
		return NULL;
	rtt = g_new(struct rtt, 1);
	rtt->words = words;
	if (get(rtt, WORD_MAGIC) != MAGIC || get(rtt, WORD_NEWEST) >= 2 * ENTRIES)
		put(rtt, WORD_NEWEST, 2 * (ENTRIES - 1));
	put(rtt, WORD_MAGIC, MAGIC);
	put(rtt, WORD_INTERVAL, interval);
	put(rtt, WORD_UP, 1);
	return rtt;
}

void rtt_close(struct rtt *rtt)
{
	if (!rtt)
		return;
	put(rtt, WORD_UP, 0);
	munmap((void *)rtt->words, SIZE);
	g_free(rtt);
}

void rtt_add(struct rtt *rtt, uint32_t unix_time, uint64_t microseconds, unsigned lost)
{
	uint32_t newest = get(rtt, WORD_NEWEST);
	uint32_t next = newest >= 2 * (ENTRIES - 1) ? 0 : (newest & ~1u) + 2;

	put(rtt, HEADER + next, unix_time);
	put(rtt, HEADER + next + 1, MIN(lost, LOST_MAX) << 24 | (uint32_t)MIN(microseconds, MICROSECONDS_MAX));
	put(rtt, WORD_NEWEST, next);
}
