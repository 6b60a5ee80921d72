/* The keys of PyLiRP's configuration: one row a key path. From it come what is accepted and what is said of the rest; how rows that are more
 * than one option become words is in emit.c. */
#ifndef SLIRPPD_COMPAT_PYLIRP_KEYS_H
#define SLIRPPD_COMPAT_PYLIRP_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "compat/pylirp/tree.h"

enum key_type {
	KEY_ANY, /* only where the key means nothing here */
	KEY_BOOL,
	KEY_NUMBER,  /* whole, not negative */
	KEY_SECONDS, /* a fraction is rounded up */
	KEY_PORT,
	KEY_SIZE, /* 10485760, 10MB */
	KEY_TEXT,
	KEY_CHOICE,  /* one of `choices` */
	KEY_PORTS,   /* a list of ports */
	KEY_TEXTS,   /* a list of words */
	KEY_FORWARDS /* a mapping of local to remote ports */
};

struct key_row {
	const char *path; /* `services.*.port`; a section's stands for all that is below it */
	enum key_type type;
	const char *option;    /* options, separated by blanks, that take the value; a KEY_BOOL's are given where it is true */
	const char *otherwise; /* given where a KEY_BOOL is false */
	const char *choices;   /* WORD=OPTION|WORD=|... */
	const char *reason;    /* why it means nothing here */
	const char *usual;     /* the value of which that need not be said */
};

extern const struct key_row key_table[];
extern const size_t key_table_size;

/* The row of a path, or NULL. */
const struct key_row *key_find(const char *path);
/* Whether there are rows below PATH. */
bool key_is_section(const char *path);

/* NULL where NODE is a value for ROW, else what is expected (g_free() it). */
char *key_expected(const struct key_row *row, const struct tree_node *node);

/* What a value says, once it is known to be one. */
bool key_bool(const struct tree_node *node);
unsigned key_number(const struct tree_node *node); /* KEY_NUMBER, KEY_SECONDS, KEY_PORT, KEY_SIZE */
/* The option that a KEY_CHOICE stands for; "" for none (g_free() it). */
char *key_choice(const struct key_row *row, const char *word);

/* The number that is a port, or 0. */
unsigned key_port(const struct tree_node *node);

/* PyLiRP's variables of the environment, and the keys that they override. */
struct key_variable {
	const char *name, *path;
};

extern const struct key_variable key_variables[];
extern const size_t key_variables_size;

#endif
