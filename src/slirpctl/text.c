/* Figures and tables for people: see text.h. Used by all that slirpctl prints. */
#include "slirpctl/text.h"

#include <math.h>
#include <string.h>

#define GAP 2        /* columns between two of a table's */
#define LEAST 6      /* to which a column is shrunk at most */

char *text_size(double bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	unsigned unit = 0;

	bytes = isfinite(bytes) ? CLAMP(bytes, 0, 1e20) : 0;
	for (; bytes >= 999.5 && unit + 1 < G_N_ELEMENTS(units); unit++)
		bytes /= 1000;
	return g_strdup_printf("%.*f %s", unit && bytes < 99.95 ? 1 : 0, bytes, units[unit]);
}

char *text_duration(double seconds)
{
	static const struct {
		guint64 from, big, small;
		const char *format;
	} ranges[] = {
		{ 86400, 86400, 3600, "%" G_GUINT64_FORMAT " d %" G_GUINT64_FORMAT " h" },
		{ 3600, 3600, 60, "%" G_GUINT64_FORMAT " h %" G_GUINT64_FORMAT " min" },
		{ 60, 60, 1, "%" G_GUINT64_FORMAT " min %" G_GUINT64_FORMAT " s" },
	};
	guint64 s = isfinite(seconds) && seconds > 0 ? (guint64)MIN(seconds, 1e12) : 0;

	for (unsigned i = 0; i < G_N_ELEMENTS(ranges); i++)
		if (s >= ranges[i].from)
			return g_strdup_printf(ranges[i].format, s / ranges[i].big, s % ranges[i].big / ranges[i].small);
	return g_strdup_printf("%" G_GUINT64_FORMAT " s", s);
}

char *text_count(double n)
{
	GString *s = g_string_new(NULL);

	g_string_printf(s, "%.0f", isfinite(n) && n > 0 ? MIN(n, 1e18) : 0);
	for (gssize at = (gssize)s->len - 3; at > 0; at -= 3)
		g_string_insert_c(s, at, ',');
	return g_string_free(s, FALSE);
}

/* Format characters include the overrides of writing direction, and what has no width. */
static bool is_harmless(gunichar c)
{
	return g_unichar_isprint(c) && g_unichar_type(c) != G_UNICODE_FORMAT && c != 0x2028 && c != 0x2029;
}

char *text_safe(const char *text)
{
	GString *s = g_string_new(NULL);

	while (*text) {
		gunichar c = g_utf8_get_char_validated(text, -1);

		if (c == (gunichar)-1 || c == (gunichar)-2) {
			g_string_append_printf(s, "\\x%02x", (unsigned char)*text++);
			continue;
		}
		if (is_harmless(c))
			g_string_append_unichar(s, c);
		else
			g_string_append_printf(s, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
		text = g_utf8_next_char(text);
	}
	return g_string_free(s, FALSE);
}

static unsigned char_width(gunichar c)
{
	return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
}

unsigned text_width(const char *text)
{
	unsigned width = 0;

	for (; *text; text = g_utf8_next_char(text))
		width += char_width(g_utf8_get_char(text));
	return width;
}

char *text_cut(const char *text, unsigned width)
{
	const char *end = text;
	unsigned used = 0;

	if (text_width(text) <= width)
		return g_strdup(text);
	if (width == 0)
		return g_strdup("");
	while (*end && used + char_width(g_utf8_get_char(end)) < width) {
		used += char_width(g_utf8_get_char(end));
		end = g_utf8_next_char(end);
	}
	return g_strdup_printf("%.*s\342\200\246", (int)(end - text), text);
}

struct text_table {
	const struct text_column *columns;
	unsigned n;
	GPtrArray *rows; /* of char **, N strings each */
};

struct text_table *text_table_new(const struct text_column *columns)
{
	struct text_table *table = g_new0(struct text_table, 1);

	table->columns = columns;
	while (columns[table->n].title)
		table->n++;
	table->rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
	return table;
}

void text_table_free(struct text_table *table)
{
	g_ptr_array_unref(table->rows);
	g_free(table);
}

void text_table_row(struct text_table *table, ...)
{
	char **row = g_new0(char *, table->n + 1);
	va_list args;

	va_start(args, table);
	for (unsigned i = 0; i < table->n; i++) {
		g_autofree char *text = va_arg(args, char *);

		row[i] = text_safe(text);
	}
	va_end(args);
	g_ptr_array_add(table->rows, row);
}

static unsigned measure(const struct text_table *table, unsigned *widths)
{
	unsigned total = 0;

	for (unsigned i = 0; i < table->n; i++) {
		widths[i] = text_width(table->columns[i].title);
		for (unsigned r = 0; r < table->rows->len; r++)
			widths[i] = MAX(widths[i], text_width(((char **)table->rows->pdata[r])[i]));
		total += widths[i] + (i ? GAP : 0);
	}
	return total;
}

/* A width of 0 hides a column. The new total is given back. */
static unsigned leave_out(const struct text_table *table, unsigned *widths, unsigned total, unsigned width)
{
	for (unsigned turn = 1; turn <= table->n; turn++)
		for (unsigned i = 0; i < table->n && total > width; i++)
			if (table->columns[i].goes == turn) {
				total -= widths[i] + GAP;
				widths[i] = 0;
			}
	return total;
}

/* Takes a column at a time from whichever is the widest of those that may shrink. */
static void shrink(const struct text_table *table, unsigned *widths, unsigned total, unsigned width)
{
	for (; total > width; total--) {
		unsigned *widest = NULL;

		for (unsigned i = 0; i < table->n; i++)
			if (table->columns[i].shrinks && widths[i] > LEAST && (!widest || widths[i] > *widest))
				widest = &widths[i];
		if (!widest)
			return;
		--*widest;
	}
}

static void print_cell(GString *line, const char *text, unsigned width, bool right, bool last)
{
	g_autofree char *cut = text_cut(text, width);
	int pad = (int)(width - text_width(cut));

	g_string_append_printf(line, "%*s%s", right ? pad : 0, "", cut);
	if (!last)
		g_string_append_printf(line, "%*s", GAP + (right ? 0 : pad), "");
}

static void print_line(const struct text_table *table, GString *out, char *const *cells, const unsigned *widths, unsigned width)
{
	g_autoptr(GString) line = g_string_new(NULL);
	g_autofree char *cut = NULL;

	for (unsigned i = 0; i < table->n; i++)
		if (widths[i])
			print_cell(line, cells ? cells[i] : table->columns[i].title, widths[i], table->columns[i].right,
				   i + 1 == table->n);
	g_strchomp(line->str);
	cut = width ? text_cut(line->str, width) : g_strdup(line->str);
	g_string_append(out, cut);
}

void text_table_print(const struct text_table *table, GString *out, unsigned width, bool bold)
{
	g_autofree unsigned *widths = g_new0(unsigned, table->n);
	unsigned total = measure(table, widths);

	if (width)
		shrink(table, widths, leave_out(table, widths, total, width), width);
	g_string_append(out, bold ? "\033[1m" : "");
	print_line(table, out, NULL, widths, width);
	g_string_append(out, bold ? "\033[0m\n" : "\n");
	for (unsigned r = 0; r < table->rows->len; r++) {
		print_line(table, out, table->rows->pdata[r], widths, width);
		g_string_append_c(out, '\n');
	}
}
