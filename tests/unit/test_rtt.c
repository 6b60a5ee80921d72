/* rtt: the file of echo round trips, in the format that pppd's readers expect. */
#include "unit.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "reader.h"
#include "rtt.h"

#define SIZE 8192
#define ENTRIES 1022

static char *new_path(void)
{
	char *path = g_strdup_printf("%s/rtt-XXXXXX", g_get_tmp_dir());
	int fd = g_mkstemp(path);

	close(fd);
	return path;
}

/* Word N of the file; ~0 where its length is not right. */
static uint32_t word(const char *path, unsigned n)
{
	char *text = NULL;
	gsize len = 0;
	uint32_t value = UINT32_MAX;

	if (g_file_get_contents(path, &text, &len, NULL) && len == SIZE) {
		struct reader r = reader_new(text, len);
		reader_skip(&r, n * 4);
		value = reader_u32(&r);
	}
	g_free(text);
	return value;
}

static void what_readers_expect(void)
{
	char *path = new_path();
	struct rtt *rtt = rtt_open(path, 5);

	CU_ASSERT_PTR_NOT_NULL_FATAL(rtt);
	CU_ASSERT_EQUAL(word(path, 0), 0x19450425);
	CU_ASSERT_EQUAL(word(path, 1), 1);
	CU_ASSERT_EQUAL(word(path, 3), 5);
	rtt_add(rtt, 1700000000, 12345, 0);
	CU_ASSERT_EQUAL(word(path, 2), 0);
	CU_ASSERT_EQUAL(word(path, 4), 1700000000);
	CU_ASSERT_EQUAL(word(path, 5), 12345);
	rtt_add(rtt, 1700000005, UINT64_C(1) << 40, 300);
	CU_ASSERT_EQUAL(word(path, 2), 2);
	CU_ASSERT_EQUAL(word(path, 7), 0xffffffff);
	rtt_close(rtt);
	CU_ASSERT_EQUAL(word(path, 1), 0);
	g_unlink(path);
	g_free(path);
}

static void goes_round_and_goes_on(void)
{
	char *path = new_path();
	struct rtt *rtt = rtt_open(path, 1);

	for (unsigned i = 0; i < ENTRIES; i++)
		rtt_add(rtt, i, i, 0);
	CU_ASSERT_EQUAL(word(path, 2), 2 * (ENTRIES - 1));
	rtt_add(rtt, 7777, 1, 2);
	CU_ASSERT_EQUAL(word(path, 2), 0);
	CU_ASSERT_EQUAL(word(path, 4), 7777);
	CU_ASSERT_EQUAL(word(path, 6), 1);
	rtt_close(rtt);
	rtt = rtt_open(path, 1);
	rtt_add(rtt, 8888, 1, 0);
	CU_ASSERT_EQUAL(word(path, 2), 2);
	CU_ASSERT_EQUAL(word(path, 4), 7777);
	CU_ASSERT_EQUAL(word(path, 6), 8888);
	rtt_close(rtt);
	g_unlink(path);
	g_free(path);
}

/* Whoever may write to the file may write anything. */
static void survives_a_strange_index(void)
{
	static const uint8_t strange[16] = { 0x19, 0x45, 0x04, 0x25, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfd };
	char *path = new_path();

	g_file_set_contents(path, (const char *)strange, sizeof(strange), NULL);
	struct rtt *rtt = rtt_open(path, 1);
	rtt_add(rtt, 1, 1, 0);
	CU_ASSERT_EQUAL(word(path, 2), 0);
	int fd = open(path, O_WRONLY);
	CU_ASSERT_EQUAL(pwrite(fd, "\xff\xff\xff\xfd", 4, 8), 4);
	close(fd);
	rtt_add(rtt, 2, 2, 0);
	CU_ASSERT_EQUAL(word(path, 2), 0);
	rtt_close(rtt);
	g_unlink(path);
	g_free(path);
}

static void no_file_of_another_kind(void)
{
	char *path = new_path();
	char *other = g_strdup_printf("%s.other", path);
	char *large = g_malloc0(SIZE + 1);

	log_set_sink(NULL, NULL);
	g_file_set_contents(path, large, SIZE + 1, NULL);
	CU_ASSERT_PTR_NULL(rtt_open(path, 1));
	CU_ASSERT_EQUAL(symlink(path, other), 0);
	CU_ASSERT_PTR_NULL(rtt_open(other, 1));
	CU_ASSERT_PTR_NULL(rtt_open("/nowhere/at/all", 1));
	g_unlink(path);
	g_unlink(other);
	g_free(large);
	g_free(other);
	g_free(path);
}

const struct unit_test unit_tests[] = {
	{ "rtt: what pppd's readers expect", what_readers_expect },
	{ "rtt: goes round, and goes on after a restart", goes_round_and_goes_on },
	{ "rtt: survives a strange index", survives_a_strange_index },
	{ "rtt: no file of another kind is touched", no_file_of_another_kind },
	{ 0 },
};
