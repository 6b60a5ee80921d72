/* What slirppd tells (/state, doc/control.md), laid out for people. */
#ifndef SLIRPCTL_SHOW_H
#define SLIRPCTL_SHOW_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct look {
	unsigned width; /* of the terminal; 0: unlimited */
	bool colour;
};

/* How standard output is to be written to: a terminal's width, and colours where one is there and NO_COLOR is not set. */
struct look look_of_stdout(void);

/* Each appends lines to OUT. Parts of STATE that are missing, or of a wrong type, are shown as if they were not known. */
typedef void show_fn(GString *out, const json_t *state, const struct look *look);
show_fn show_status, show_flows, show_services, show_forwards, show_history;

/* The last LIMIT lines of the log after the first SKIP of them; all in one, a line each. */
void show_log(GString *out, const json_t *state, const struct look *look, size_t skip, size_t limit);

/* A word that came from slirppd (NULL: not known), on a line of its own on standard output. */
void show_word(const char *word);

/* The single screen of `watch`: status, then as many flows as fit into HEIGHT lines (0: all). */
void show_screen(GString *out, const json_t *state, const struct look *look, unsigned height);

#endif
