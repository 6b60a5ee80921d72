/* The option table: one row an option. Everything that knows options by name is made from it: the command line, option files, dump,
 * show-options, --help, options_list(). */
#ifndef SLIRPPD_COMPAT_PPPD_TABLE_H
#define SLIRPPD_COMPAT_PPPD_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct options;

enum option_kind {
	OPTION_HEADING, /* no option: what the rows below are about */
	OPTION_FLAG,    /* takes no argument; stores `value` */
	OPTION_COUNT,   /* takes no argument; adds one */
	OPTION_INT,     /* a number of any base that C writes, between `min` and `max` */
	OPTION_HEX,     /* a hexadecimal number; several are ORed */
	OPTION_WORD,    /* any word; `max` characters where that is not 0 */
};

enum option_flags {
	OPT_PRIO = 1 << 0,       /* a source of lower priority does not replace it */
	OPT_SUB = 1 << 1,        /* in one group with the row above: they replace each other */
	OPT_PRIV = 1 << 2,       /* for privileged sources only */
	OPT_STICKY = 1 << 3,     /* from a privileged source, it cannot be overridden from an unprivileged one */
	OPT_LOWER = 1 << 4,      /* an unprivileged source may only lower it (0 is infinite) */
	OPT_LIST = 1 << 5,       /* may be given several times: all count */
	OPT_SECRET = 1 << 6,     /* never shown */
	OPT_HIDDEN = 1 << 7,     /* not shown by dump */
	OPT_LINE = 1 << 8,       /* chooses the line: not in options.TTY */
	OPT_POSITIONAL = 1 << 9, /* no name: any word that `match` takes */
	OPT_COMMON = 1 << 10,    /* shown by --help */
	OPT_NO_EFFECT = 1 << 11, /* accepted with a warning: slirppd has nothing that it could change */
	OPT_REFUSED = 1 << 12,   /* an error: to ignore it would be unsafe or wrong */
	OPT_TUN = 1 << 13,       /* net tun alone: with net slirp accepted with a warning */
};

struct option_row {
	const char *name;
	const char *aliases;     /* separated by blanks, or NULL */
	const char *arg;         /* what the argument is called; NULL: takes none. A positional row's name in messages. */
	enum option_kind kind;
	unsigned flags;          /* enum option_flags */
	size_t offset, size;     /* where it goes in struct config; size 0: nowhere */
	int value;               /* what a FLAG stores */
	int min, max;
	/* Called after the value was stored, with the argument (NULL for none): false when it said what is wrong. */
	bool (*call)(struct options *o, const struct option_row *row, const char *arg);
	/* Whether a positional row takes this word. */
	bool (*match)(struct options *o, const char *word);
	const char *disabled_by; /* the option that forbids this one */
	const char *help;        /* one line; for a heading, its text */
};

extern const struct option_row option_table[];
extern const size_t option_table_size;

/* The row called NAME (or with that alias), or NULL. Positional rows have no name. */
const struct option_row *option_find(const char *name);

/* The name nearest to WORD, where it is near enough to be what was meant, or NULL. */
const char *option_nearest(const char *word);

/* The next of a row's names after the first: *POS begins at NULL; the result is valid in BUF until the next call. */
bool option_next_alias(const struct option_row *row, const char **pos, char *buf, size_t size);

#endif
