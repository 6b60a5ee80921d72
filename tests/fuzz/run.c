/* Runs a fuzz target without a fuzzer, as `make check` does: on the files that are named, or on inputs of a generator of its own, the
 * same ones each time, and on those of its corpus ($FUZZ_CORPUS/TARGET), whole and cut. Reports TAP. */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUTS 3000
#define INPUT_MAX 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_files(int count, char *names[])
{
	for (int i = 0; i < count; i++) {
		char *data;
		gsize size;

		if (!g_file_get_contents(names[i], &data, &size, NULL)) {
			printf("Bail out! %s cannot be read\n", names[i]);
			return EXIT_FAILURE;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)data, size);
		g_free(data);
	}
	return EXIT_SUCCESS;
}

/* The input as it is, and as a line or a disk may have left it. */
static void run_cut(const uint8_t *data, gsize size)
{
	LLVMFuzzerTestOneInput(data, size);
	for (unsigned quarter = 1; quarter < 4; quarter++) {
		/* On the heap to its exact size, so that a checker sees a read behind it. */
		size_t len = size * quarter / 4;
		uint8_t *part = g_malloc(MAX(len, 1));
		memcpy(part, data, len);
		LLVMFuzzerTestOneInput(part, len);
		g_free(part);
	}
}

static unsigned run_corpus(const char *program)
{
	char *base = g_path_get_basename(program);
	const char *name = g_str_has_prefix(base, "fuzz_") ? base + strlen("fuzz_") : base;
	char *folder = g_build_filename(g_getenv("FUZZ_CORPUS") ? g_getenv("FUZZ_CORPUS") : ".", name, NULL);
	GDir *dir = g_dir_open(folder, 0, NULL);
	unsigned n = 0;

	for (const char *entry; dir && (entry = g_dir_read_name(dir)); n++) {
		char *path = g_build_filename(folder, entry, NULL);
		char *data;
		gsize size;

		if (g_file_get_contents(path, &data, &size, NULL)) {
			run_cut((const uint8_t *)data, size);
			g_free(data);
		}
		g_free(path);
	}
	if (dir)
		g_dir_close(dir);
	g_free(folder);
	g_free(base);
	return n;
}

/* Bytes of all kinds, with runs and with those that framing and grammars care for. */
static size_t make_input(GRand *rand, uint8_t *data)
{
	static const uint8_t special[] = { 0, 1, 0x7d, 0x7e, 0xff, '"', '\\', '\n', ' ', '#', ':' };
	size_t size = (size_t)g_rand_int_range(rand, 0, INPUT_MAX);
	gint32 mix = g_rand_int_range(rand, 0, 4);

	for (size_t i = 0; i < size; i++) {
		if (g_rand_int_range(rand, 0, 4) < mix)
			data[i] = special[g_rand_int_range(rand, 0, G_N_ELEMENTS(special))];
		else
			data[i] = (uint8_t)g_rand_int_range(rand, 0, 256);
	}
	return size;
}

int main(int argc, char *argv[])
{
	GRand *rand = g_rand_new_with_seed(1);
	uint8_t data[INPUT_MAX];

	if (argc > 1)
		return run_files(argc - 1, argv + 1);
	for (unsigned i = 0; i < INPUTS; i++)
		LLVMFuzzerTestOneInput(data, make_input(rand, data));
	g_rand_free(rand);
	printf("ok 1 - %d inputs\n", INPUTS);
	printf("ok 2 - %u files of the corpus\n1..2\n", run_corpus(argv[0]));
	return EXIT_SUCCESS;
}
