/* Words of option and secrets files, as pppd cuts them: quotes, backslashes, comments. */
#ifndef SLIRPPD_COMPAT_PPPD_WORD_H
#define SLIRPPD_COMPAT_PPPD_WORD_H

#include <glib.h>
#include <stdbool.h>

#include "reader.h"

/* Bytes of a word; the rest of a longer one is dropped. */
#define WORD_MAX 1023

struct words {
	struct reader in;
	unsigned line;     /* of the byte that comes next, from 1 */
	unsigned at;       /* line on which the last word began */
	bool new_line;     /* a line end came before the last word (or the last word_next() found the end) */
	bool too_long;     /* the last word was cut */
	bool unclosed;     /* the last word's quote ran to the end of the file */
};

/* Words of LEN bytes at TEXT, which stay the caller's. */
void words_init(struct words *w, const void *text, size_t len);

/* The next word, into WORD (which is emptied first); false at the end. Neither a file's NUL bytes nor \0 end up in a word. */
bool words_next(struct words *w, GString *word);

#endif
