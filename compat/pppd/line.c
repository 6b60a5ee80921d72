/* Words that choose the line: a device, a speed, host and port. Called from the table's rows; the rules are pppd's (tty.c). */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "compat/pppd/reading.h"

static char *device_path(const char *word)
{
	return word[0] == '/' ? g_strdup(word) : g_strconcat("/dev/", word, NULL);
}

/* A character device, or what only looking closer could tell (pppd claims what stat() finds or cannot judge); also a path that is
 * something else, which pppd calls unrecognized, and one that may come yet: call_device() decides. */
bool match_device(struct options *o, const char *word)
{
	char *path = device_path(word);
	int error = o->world.device(o->world.arg, path);
	bool claimed = error == 0;

	if (error == ENODEV)
		claimed = word[0] == '/';
	else if (error == ENOENT)
		claimed = g_str_has_prefix(word, "/");
	else if (error != 0)
		claimed = true;
	g_free(path);
	return claimed;
}

static bool device_missing(struct options *o, const char *word)
{
	g_free(o->missing_device);
	g_free(o->missing_message);
	o->missing_device = g_strdup(word);
	o->missing_message =
		option_message(o, "unrecognized option '%s' (no such device; with persist it would be waited for)", word);
	return true;
}

OPTION_CALL(call_device)
{
	char *path = device_path(arg);
	int error = o->world.device(o->world.arg, path);

	(void)row;
	g_free(o->config->line.device);
	o->config->line.device = path;
	o->shown = option_word(path);
	if (error == ENODEV)
		return option_fail(o, "%s is not a character device", path);
	if (error == ENOTTY)
		return option_fail(o, "%s is no terminal", path);
	if (error == ENOENT)
		return device_missing(o, arg);
	return error == 0 || option_fail(o, "Couldn't stat %s: %s", path, g_strerror(error));
}

static bool parse_speed(const char *word, unsigned *speed)
{
	char *end;
	long value = strtol(word, &end, 0);

	*speed = (unsigned)value;
	return end != word && *end == '\0' && value > 0 && value <= INT_MAX;
}

bool match_speed(struct options *o, const char *word)
{
	unsigned speed;

	(void)o;
	return parse_speed(word, &speed);
}

OPTION_CALL(call_speed)
{
	(void)row;
	if (!parse_speed(arg, &o->config->line.speed))
		return option_fail(o, "a speed is a number of bits a second, not '%s'", arg);
	o->shown = g_strdup_printf("%u", o->config->line.speed);
	return true;
}

OPTION_CALL(call_socket)
{
	const char *colon = strrchr(arg, ':');
	char *end = NULL;
	unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;

	(void)row;
	if (!colon || colon == arg || !g_ascii_isdigit(colon[1]) || *end || port < 1 || port > 65535)
		return option_fail(o, "socket must be HOST:PORT with a port between 1 and 65535, not '%s'", arg);
	return true;
}
