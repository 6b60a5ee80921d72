/* The language of chat(8): words of a script file, and what escapes in them mean. Pure: no input, no output. */
#ifndef SLIRPPD_COMPAT_CHAT_SCRIPT_H
#define SLIRPPD_COMPAT_CHAT_SCRIPT_H

#include <glib.h>
#include <stdbool.h>

/* What a string can stand for that is not in it. */
struct chat_names {
	const char *telephone, *second; /* \T and \U; NULL: letters like others */
	bool environment;               /* $NAME is a variable */
};

/* Adds the words of TEXT (a script file's) to WORDS, of char *. Blanks separate them, quotes and backslashes keep blanks in them; a line whose
 * first character is # is a comment. False: a quote in line *LINE has no end. */
bool chat_script_words(const char *text, GPtrArray *words, unsigned *line);

/* The parts of an expect word: EXPECT-SEND-EXPECT..., split where a - has no backslash before it. One part at least; NULL after the last. */
char **chat_script_parts(const char *word);

/* What WORD, an expect string (or one of ABORT, REPORT and the like), waits for. */
GString *chat_script_expect(const struct chat_names *names, const char *word);

/* What WORD, a send string, sends: its bytes, but \d, \p and \K as such, and each other byte behind a backslash as that byte. A return is added
 * unless it ends with \c. *QUIET: it is not to be logged (\q). */
GString *chat_script_send(const struct chat_names *names, const char *word, bool *quiet);

/* TEXT as it is shown: ^M, M-^A; a tab as such with TABS, as in log lines, and as ^I without. */
char *chat_script_shown(const char *text, size_t len, bool tabs);

#endif
