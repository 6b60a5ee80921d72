/* The grammar of secrets files: lines of CLIENT SERVER SECRET [ADDRESS...] [-- OPTION...], and which of them is the best for a pair of
 * names. */
#ifndef SLIRPPD_COMPAT_PPPD_SECRETS_SCAN_H
#define SLIRPPD_COMPAT_PPPD_SECRETS_SCAN_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct secrets_query {
	const char *client, *server; /* NULL: whatever the line says */
	unsigned columns;            /* words that a line has after these two at least: 1, or eaptls files' 4 */
	/* Called for a secret `@/PATH` of a line that is the best so far: the secret that PATH holds (wiped and freed by the scan), or NULL: the
	 * line does not count. NULL: such secrets stay as they are written. */
	char *(*indirect)(void *arg, const char *path);
	void *arg;
};

struct secrets_line {
	char **words;    /* all after CLIENT and SERVER: QUERY's columns at least; NULL: no line matches */
	bool own_client; /* CLIENT was no wildcard */
};

/* The best line of LEN bytes at TEXT; of several, the first. False where there is none. PATH is for messages, which never show what is in
 * the file. End LINE with secrets_line_clear() in any case. */
bool secrets_scan(const struct secrets_query *query, const char *path, const void *text, size_t len, struct secrets_line *line);

/* Nothing of it stays in memory. */
void secrets_line_clear(struct secrets_line *line);

#endif
