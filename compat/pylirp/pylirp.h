/* PyLiRP's YAML configurations, turned into words of the option table. Knows neither the table nor struct config.
 *
 * A file is flat, or has `host:` and `client:` with what both share in `common:`; `mode` tells which of them is read. Files that are added
 * later override earlier ones key by key (PyLiRP's --environment), and PyLiRP's environment variables override all. */
#ifndef SLIRPPD_COMPAT_PYLIRP_PYLIRP_H
#define SLIRPPD_COMPAT_PYLIRP_PYLIRP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum pylirp_mode {
	PYLIRP_ANY, /* as the files say; else host, as with PyLiRP */
	PYLIRP_HOST,
	PYLIRP_CLIENT,
};

/* One option, as on a command line. */
struct pylirp_word {
	const char *name; /* a row's of the option table, DEVICE, SPEED and LOCAL:REMOTE among them */
	char *arg;	  /* NULL: takes none */
	char *key;	  /* where it comes from: `services.22`, a variable of the environment; NULL: what PyLiRP does anyway */
	int file;	  /* the number of the file in the order of pylirp_add(), from 0; -1: the environment */
	unsigned line;
};

struct pylirp {
	enum pylirp_mode mode; /* after pylirp_finish(): the one that was used */
	GPtrArray *words;      /* of struct pylirp_word, in the order in which they are to be given */
	GPtrArray *notes;      /* of char *: keys that are unknown or mean nothing here, with file and line */
	char *why;	       /* what is wrong, with file, line and key; NULL: nothing */
	GPtrArray *files;      /* of struct tree_file */
};

struct pylirp *pylirp_new(enum pylirp_mode mode);
void pylirp_free(struct pylirp *p);

/* Reads the text of a file called NAME. False: p->why says what is wrong. */
bool pylirp_add(struct pylirp *p, const char *name, const char *text, size_t len);

/* Turns what was added into p->words. VARIABLE gives a variable of the environment, or NULL. False: p->why says what is wrong. */
bool pylirp_finish(struct pylirp *p, const char *(*variable)(void *arg, const char *name), void *arg);

#endif
