/* A YAML file as a tree, from libyaml's events. Hostile files end in an error: depth, the number of nodes and what aliases stand for are
 * bounded; keys are scalars, each once in its mapping. */
#ifndef SLIRPPD_COMPAT_PYLIRP_TREE_H
#define SLIRPPD_COMPAT_PYLIRP_TREE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define TREE_MAX_DEPTH 16
#define TREE_MAX_NODES 10000

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAPPING };

struct tree_node {
	enum tree_kind kind;
	char *text;	  /* of a scalar */
	bool plain;	  /* not quoted */
	GPtrArray *items; /* of struct tree_node: a list's, or a mapping's keys and values in turn */
	unsigned size;	  /* how many nodes this is, itself counted, with all that aliases stand for */
	unsigned line;
	int file; /* given to tree_read() */
};

struct tree_file {
	char *name;
	struct tree_node *root; /* a mapping, or NULL where the file is empty */
	GPtrArray *nodes;	/* all of them */
};

/* Reads TEXT. The number FILE is only handed on. NULL, with one line in *WHY (g_free() it), when it is no good. */
struct tree_file *tree_read(const char *name, int file, const char *text, size_t len, char **why);
void tree_free(struct tree_file *file);

/* A file without anything in it, and a quoted scalar that belongs to a file but is not below its root. */
struct tree_file *tree_new(const char *name);
struct tree_node *tree_add_scalar(struct tree_file *file, const char *text);

/* The value of KEY in a mapping (NULL: of nothing), or NULL. */
const struct tree_node *tree_get(const struct tree_node *mapping, const char *key);

/* Whether it says that there is no value: null, ~, or nothing at all. */
bool tree_is_null(const struct tree_node *node);

#endif
