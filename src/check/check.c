/* `slirppd check DEVICE [SPEED] [seconds N] [root FOLDER]`: goes from "is it there" to "what does it say", step by step, and
 * tells what is wrong. Called by main(). */
#include "check/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check/internal.h"

#define USAGE "usage: slirppd check DEVICE [SPEED] [seconds N] [root FOLDER]"
#define SECONDS 3.0
#define SECONDS_MAX 3600.0

/* Until one says that the next makes no sense. */
static check_step *const steps[] = { check_place, check_permission, check_gadget, check_holders, check_lock, check_line };

char *check_path(const struct check *c, const char *path)
{
	return g_strconcat(c->root, path, NULL);
}

char *check_line_of(const struct check *c, const char *path)
{
	char *full = check_path(c, path);
	char *text = NULL;

	if (g_file_get_contents(full, &text, NULL, NULL))
		text[strcspn(text, "\n")] = '\0';
	g_free(full);
	return text;
}

static bool parse_speed(const char *word, unsigned *speed)
{
	guint64 value;

	if (!g_ascii_string_to_unsigned(word, 10, 1, G_MAXINT, &value, NULL))
		return false;
	*speed = (unsigned)value;
	return true;
}

static bool parse_seconds(const char *word, double *seconds)
{
	char *end;

	*seconds = g_ascii_strtod(word, &end);
	return end != word && *end == '\0' && *seconds >= 0 && *seconds <= SECONDS_MAX;
}

/* As pppd has it, a device without a slash in front is one in /dev. */
static char *device_path(const char *word)
{
	return *word == '/' ? g_strdup(word) : g_strconcat("/dev/", word, NULL);
}

/* Takes the words after "check"; false when they are not as they should be. */
static bool parse(struct check *c, int argc, char *argv[])
{
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "seconds") == 0 && i + 1 < argc) {
			if (!parse_seconds(argv[++i], &c->seconds))
				return false;
		} else if (strcmp(argv[i], "root") == 0 && i + 1 < argc) {
			c->root = argv[++i];
		} else if (!c->device && argv[i][0] != '-') {
			c->device = device_path(argv[i]);
		} else if (!c->device || c->speed || !parse_speed(argv[i], &c->speed)) {
			return false;
		}
	}
	return c->device != NULL;
}

static void run(struct check *c)
{
	check_fact(c, FACT_DEVICE, g_strdup(c->device));
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
		if (!steps[i](c))
			break;
	for (size_t i = 0; i < FACTS; i++)
		check_fact(c, (enum fact)i, NULL);
}

int check_main(int argc, char *argv[])
{
	struct check c = { .root = "", .seconds = SECONDS, .out = stdout };

	if (parse(&c, argc, argv)) {
		run(&c);
	} else {
		fprintf(stderr, "%s\n", USAGE);
		c.status = EXIT_OPTION_ERROR;
	}
	fflush(stdout);
	g_free(c.device);
	free(c.real);
	return (int)c.status;
}
