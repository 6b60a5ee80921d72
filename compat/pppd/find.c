/* Rows of the option table by name, and the name that was probably meant. Called for every word of a command line or file. */
#include "table.h"

#include <glib.h>
#include <string.h>

#define NAME_LEN 64

bool option_next_alias(const struct option_row *row, const char **pos, char *buf, size_t size)
{
	const char *at = *pos ? *pos : row->aliases;

	if (!at || !*at)
		return false;
	size_t len = strcspn(at, " ");
	g_strlcpy(buf, at, MIN(len + 1, size));
	*pos = at + len + (at[len] == ' ');
	return true;
}

static bool is_option(const struct option_row *row)
{
	return row->kind != OPTION_HEADING && !(row->flags & OPT_POSITIONAL);
}

static bool has_name(const struct option_row *row, const char *name)
{
	char alias[NAME_LEN];

	if (strcmp(row->name, name) == 0)
		return true;
	for (const char *pos = NULL; option_next_alias(row, &pos, alias, sizeof(alias));) {
		if (strcmp(alias, name) == 0)
			return true;
	}
	return false;
}

const struct option_row *option_find(const char *name)
{
	for (size_t i = 0; i < option_table_size; i++) {
		if (is_option(&option_table[i]) && has_name(&option_table[i], name))
			return &option_table[i];
	}
	return NULL;
}

/* Damerau's distance: letters to change, add, leave out, or swap with their neighbour. Both words are shorter than NAME_LEN. */
static unsigned distance(const char *a, const char *b)
{
	unsigned cost[NAME_LEN + 1][NAME_LEN + 1];
	size_t rows = strlen(a), columns = strlen(b);

	for (size_t i = 0; i <= rows; i++)
		cost[i][0] = (unsigned)i;
	for (size_t j = 0; j <= columns; j++)
		cost[0][j] = (unsigned)j;
	for (size_t i = 1; i <= rows; i++) {
		for (size_t j = 1; j <= columns; j++) {
			unsigned best = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = MIN(best, MIN(cost[i - 1][j], cost[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = MIN(best, cost[i - 2][j - 2] + 1);
			cost[i][j] = best;
		}
	}
	return cost[rows][columns];
}

const char *option_nearest(const char *word)
{
	const char *nearest = NULL;

	word += strspn(word, "-");
	size_t len = strlen(word);
	if (len < 3 || len >= NAME_LEN)
		return NULL;
	unsigned best = len < 5 ? 2 : 3; /* what is as far as this was not meant */
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];
		const char *bare = row->name + strspn(row->name, "-");

		if (!is_option(row) || (row->flags & OPT_REFUSED))
			continue;
		unsigned d = distance(word, bare);
		if (d < best) {
			best = d;
			nearest = row->name;
		}
	}
	return nearest;
}
