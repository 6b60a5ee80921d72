/* One option takes effect: privilege, priority, limits, then its place in the config. Called by the reading of the command line and of
 * files for each option; what an option does beyond storing a value is in special.c, line.c, net.c and doors.c. */
#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "compat/pppd/reading.h"

static char *message_va(const struct options *o, const char *fmt, va_list ap) G_GNUC_PRINTF(2, 0);

static char *message_va(const struct options *o, const char *fmt, va_list ap)
{
	const struct source *source = o->source;
	const char *key = source ? source->key : NULL;
	char *text = g_strdup_vprintf(fmt, ap);
	GString *whole = g_string_new(NULL);

	if (source && (source->file || source->secrets))
		g_string_append_printf(whole, "In %s%s: ", source->file ? "file " : "", source->name);
	g_string_append_printf(whole, "%s%s%s", key ? key : "", key ? ": " : "", text);
	if (source && source->file)
		g_string_append_printf(whole, " (line %u)", source->line);
	g_free(text);
	return g_string_free(whole, FALSE);
}

char *option_message(const struct options *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = message_va(o, fmt, ap);
	va_end(ap);
	return text;
}

bool option_fail(struct options *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = message_va(o, fmt, ap);
	va_end(ap);
	if (o->why)
		g_free(text);
	else
		o->why = text;
	return false;
}

void option_note(struct options *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	g_ptr_array_add(o->notes, g_strdup_vprintf(fmt, ap));
	va_end(ap);
}

static struct option_state *state_of(const struct options *o, const struct option_row *row)
{
	size_t i = (size_t)(row - option_table);

	while (option_table[i].flags & OPT_SUB)
		i--;
	return &o->state[i];
}

const char *option_source(const struct options *o, const char *name)
{
	const struct option_row *row = option_find(name);
	const struct option_state *state = row ? state_of(o, row) : NULL;

	for (guint i = 0; state && state->given && i < state->given->len; i++) {
		const struct given *given = g_ptr_array_index(state->given, i);

		if (given->row == row)
			return given->source;
	}
	return NULL;
}

bool option_given(const struct options *o, const char *name)
{
	return option_source(o, name) != NULL;
}

static const char *title(const struct option_row *row, const char *name)
{
	return row->flags & OPT_POSITIONAL ? row->arg : name;
}

static const char *last_source(const struct option_state *state)
{
	const struct given *last;

	if (!state->given || state->given->len == 0)
		return "an earlier source";
	last = g_ptr_array_index(state->given, state->given->len - 1);
	return last->source;
}

static const struct option_row *positional(struct options *o, const char *word)
{
	for (size_t i = 0; i < option_table_size; i++) {
		if (option_table[i].match && option_table[i].match(o, word))
			return &option_table[i];
	}
	return NULL;
}

static char *hint_for(const char *word)
{
	const char *nearest = option_nearest(word);
	struct in_addr address;

	if (inet_pton(AF_INET, word, &address) == 1)
		return g_strdup_printf(" (an address is given as LOCAL:REMOTE, e.g. %s:)", word);
	if (nearest)
		return g_strdup_printf(", did you mean '%s'?", nearest);
	return g_strdup(" (no such option or device)");
}

const struct option_row *option_for_word(struct options *o, const char *word)
{
	const struct option_row *row = option_find(word);

	if (!row)
		row = positional(o, word);
	if (row)
		return row;
	char *hint = hint_for(word);
	option_fail(o, "unrecognized option '%s'%s", word, hint);
	g_free(hint);
	o->suggest_help = !o->source->file;
	return NULL;
}

/* Whether the value replaces the one there: sets *TAKE, and is false where that is an error (pppd: options.c, process_option). */
static bool compare_priority(struct options *o, const struct option_row *row, const char *name, bool *take)
{
	struct option_state *state = state_of(o, row);
	int priority = o->source->priority;

	*take = true;
	if (!(row->flags & OPT_PRIO))
		return true;
	if ((row->flags & OPT_STICKY) && o->source->privileged)
		priority += PRIORITY_ROOT;
	if (priority < state->priority) {
		*take = false;
		if (priority < PRIORITY_ROOT && state->priority >= PRIORITY_ROOT)
			return option_fail(o, "%s%s set in %s cannot be overridden", title(row, name),
					   row->flags & OPT_POSITIONAL ? "" : " option", last_source(state));
		return true;
	}
	if (priority > PRIORITY_ROOT && state->priority == PRIORITY_COMMAND)
		option_note(o, "%s%s from %s overrides command line", title(row, name),
			    row->flags & OPT_POSITIONAL ? "" : " option", o->source->name);
	state->priority = priority;
	return true;
}

static bool check_allowed(struct options *o, const struct option_row *row, const char *name)
{
	if (row->flags & OPT_REFUSED)
		return option_fail(o, "%s (%s) is not in this version of slirppd", name, row->help);
	if ((row->flags & OPT_PRIV) && !o->source->privileged)
		return option_fail(o, "using the %s option requires root privilege", title(row, name));
	if ((row->flags & OPT_LINE) && o->source->for_tty)
		return option_fail(o, "the %s%s may not be changed in %s", title(row, name),
				   row->flags & OPT_POSITIONAL ? "" : " option", o->source->name);
	if ((row->flags & OPT_LINE) && o->source->secrets)
		return option_fail(o, "%s%s cannot be changed after initialization", title(row, name),
				   row->flags & OPT_POSITIONAL ? "" : " option");
	if (row->disabled_by && option_given(o, row->disabled_by))
		return option_fail(o, "%s option is disabled", name);
	return true;
}

static void store(struct options *o, const struct option_row *row, int value)
{
	char *place = (char *)o->config + row->offset;
	uint8_t byte = (uint8_t)value;
	uint16_t half = (uint16_t)value;

	switch (row->size) {
	case sizeof(byte):
		memcpy(place, &byte, sizeof(byte));
		break;
	case sizeof(half):
		memcpy(place, &half, sizeof(half));
		break;
	case sizeof(value):
		memcpy(place, &value, sizeof(value));
		break;
	default:
		break;
	}
}

static int stored_int(const struct options *o, const struct option_row *row)
{
	int value = 0;

	if (row->size == sizeof(value))
		memcpy(&value, (const char *)o->config + row->offset, sizeof(value));
	return value;
}

static bool fail_limits(struct options *o, const struct option_row *row, const char *name)
{
	if (row->max == INT_MAX)
		return option_fail(o, "%s value must be >= %d", name, row->min);
	return option_fail(o, "%s value must be between %d and %d", name, row->min, row->max);
}

static bool take_int(struct options *o, const struct option_row *row, const char *name, const char *arg)
{
	char *end;
	long value = strtol(arg, &end, 0);

	if (end == arg)
		return option_fail(o, "invalid numeric parameter '%s' for %s option", arg, name);
	if (value > INT_MAX)
		return option_fail(o, "%s value must be <= %d", name, row->max);
	if (value < row->min || value > row->max)
		return fail_limits(o, row, name);
	int old = stored_int(o, row);
	if ((row->flags & OPT_LOWER) && !o->source->privileged && old != 0 && (value == 0 || value > old))
		return option_fail(o, "%s value cannot be increased", name);
	store(o, row, (int)value);
	o->shown = g_strdup_printf("%d", (int)value);
	return true;
}

static bool take_hex(struct options *o, const struct option_row *row, const char *name, const char *arg)
{
	char *end;
	unsigned long value = strtoul(arg, &end, 16);

	if (end == arg)
		return option_fail(o, "invalid numeric parameter '%s' for %s option", arg, name);
	if (value > UINT32_MAX)
		return option_fail(o, "%s value must be <= %x", name, UINT32_MAX);
	value |= (unsigned)stored_int(o, row);
	store(o, row, (int)value);
	o->shown = g_strdup_printf("%lx", value);
	return true;
}

static bool take_word(struct options *o, const struct option_row *row, const char *name, const char *arg)
{
	char *place = (char *)o->config + row->offset;

	if (row->max > 0 && strlen(arg) > (size_t)row->max)
		return option_fail(o, "%s value is longer than %d characters", title(row, name), row->max);
	if (row->size == sizeof(char *)) {
		char *copy = g_strdup(arg), *old;

		memcpy(&old, place, sizeof(old));
		if (old && (row->flags & OPT_SECRET))
			explicit_bzero(old, strlen(old));
		g_free(old);
		memcpy(place, &copy, sizeof(copy));
	}
	return true;
}

static bool take_value(struct options *o, const struct option_row *row, const char *name, const char *arg)
{
	switch (row->kind) {
	case OPTION_FLAG:
		store(o, row, row->value);
		return true;
	case OPTION_COUNT:
		store(o, row, stored_int(o, row) + 1);
		return true;
	case OPTION_INT:
		return take_int(o, row, name, arg);
	case OPTION_HEX:
		return take_hex(o, row, name, arg);
	case OPTION_WORD:
		return take_word(o, row, name, arg);
	default:
		return false;
	}
}

static void given_free(void *p)
{
	struct given *given = p;

	g_free(given->name);
	g_free(given->value);
	g_free(given->source);
	g_free(given);
}

char *option_word(const char *arg)
{
	char *escaped = g_strescape(arg, NULL);

	if (escaped[0] && !strpbrk(escaped, " '#"))
		return escaped;
	char *quoted = g_strconcat("\"", escaped, "\"", NULL);
	g_free(escaped);
	return quoted;
}

static void remember(struct options *o, const struct option_row *row, const char *name, const char *arg)
{
	struct option_state *state = state_of(o, row);
	struct given *given = g_new0(struct given, 1);

	if (!state->given)
		state->given = g_ptr_array_new_with_free_func(given_free);
	else if (!(row->flags & OPT_LIST) && row->kind != OPTION_COUNT)
		g_ptr_array_set_size(state->given, 0);
	given->row = row;
	given->name = g_strdup(name);
	given->source = g_strdup(o->source->name);
	if (row->flags & OPT_SECRET)
		given->value = g_strdup("??????");
	else if (o->shown)
		given->value = g_strdup(o->shown);
	else if (arg)
		given->value = option_word(arg);
	g_ptr_array_add(state->given, given);
}

static void note_no_effect(struct options *o, const char *name)
{
	char *from = o->source->file ? g_strdup_printf(" (from %s)", o->source->name) : g_strdup("");

	option_note(o, "the %s option has no effect with slirppd%s", name, from);
	g_free(from);
}

bool option_apply(struct options *o, const struct option_row *row, const char *name, const char *arg)
{
	struct option_state *own = &o->state[row - option_table];
	bool take;

	if (!check_allowed(o, row, name) || !compare_priority(o, row, name, &take))
		return false;
	if (!take)
		return true;
	g_clear_pointer(&o->shown, g_free);
	o->left_out = false;
	if (!take_value(o, row, name, arg) || (row->call && !row->call(o, row, arg)))
		return false;
	if (o->left_out)
		return true;
	if ((row->flags & OPT_NO_EFFECT) && !own->warned) {
		own->warned = true;
		note_no_effect(o, name);
	}
	remember(o, row, name, arg);
	return true;
}
