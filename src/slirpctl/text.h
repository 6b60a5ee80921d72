/* Figures and tables for people. */
#ifndef SLIRPCTL_TEXT_H
#define SLIRPCTL_TEXT_H

#include <glib.h>
#include <stdbool.h>

/* 999 -> "999 B", 1234 -> "1.2 kB", 123456789 -> "123 MB"; thousands, not 1024s. Free it. */
char *text_size(double bytes);

/* 12.7 -> "12 s", 3725 -> "1 h 2 min", 90000 -> "1 d 1 h". Free it. */
char *text_duration(double seconds);

/* 1234567 -> "1,234,567" */
char *text_count(double n);

/* TEXT as it may be printed: what moves a terminal's cursor, changes its colours or the direction of writing is spelt out (\x1b,
 * \u202e), and so is what is not UTF-8. Free it. */
char *text_safe(const char *text);

/* How many columns of a terminal TEXT takes. */
unsigned text_width(const char *text);

/* TEXT, or its beginning with an ellipsis, in at most WIDTH columns. Free it. */
char *text_cut(const char *text, unsigned width);

struct text_column {
	const char *title;
	bool right;   /* numbers */
	bool shrinks; /* may be cut where the line is too long */
	unsigned goes; /* before anything is cut, 1 is left out, then 2, …; 0 stays */
};

struct text_table;

/* COLUMNS (constant, and with a last one without a title) must outlive the table. */
struct text_table *text_table_new(const struct text_column *columns);
void text_table_free(struct text_table *table);

/* One row: as many strings as there are columns. They are taken over (g_free()), and made safe. */
void text_table_row(struct text_table *table, ...);

/* Appends the table, no line longer than WIDTH columns (0: as long as it takes). BOLD: the titles, for a terminal. */
void text_table_print(const struct text_table *table, GString *out, unsigned width, bool bold);

#endif
