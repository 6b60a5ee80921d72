/* pppd's words: the option table, its grammar, and what is printed from it (show-options, --help, dump). Turns a command line and
 * option files into a struct config. Knows config.h and nothing behind it. */
#ifndef SLIRPPD_COMPAT_PPPD_OPTIONS_H
#define SLIRPPD_COMPAT_PPPD_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "config.h"
#include "status.h"

struct options;

/* A reading about to begin. CONFIG must outlive it. STDIN_TTY: the name of the terminal on standard input, or NULL. */
struct options *options_new(struct config *config, const char *stdin_tty);
void options_free(struct options *o);

/* Reads everything in pppd's order (the system's options file, ~/.ppprc or its own counterpart, the command line, options.TTY) and
 * finishes the config. Returns true when the program is to go on. Otherwise *STATUS is the code to exit with and all that is to be
 * said has been said (errors, --help, --version, show-options). */
bool options_read(struct options *o, int argc, char *argv[], enum exit_status *status);

/* Reads everything that FIRST has read once more, from the same command line and from the files as they are now, into CONFIG, which is
 * new. Says through log_warn() what options_report() would. False, with one line in *WHY (g_free() it), when something is wrong: CONFIG
 * is good for nothing then. */
bool options_reread(const struct options *first, struct config *config, char **why);

/* Likewise, and then WORDS (ending with NULL): the options of a secrets file's line, after `--`, which count as privileged and win over all
 * others, but cannot choose another line. */
bool secrets_apply_options(const struct options *first, const char *const *words, struct config *config, char **why);

/* What reading had to say that is no error, through log_warn(): options that have no effect in this version, files that could not be
 * read. Kept until now, because only the options tell where the log goes. */
void options_report(const struct options *o);

/* dump and dryrun: `pppd options in effect:` and a line per option in effect, through log_info(). */
void options_dump(const struct options *o);

/* The table, one line an option, for documents and shell completion: NAME[,ALIAS...]<TAB>ARGUMENT<TAB>HELP, in the table's order. */
void options_list(FILE *out);

#endif
