/* What pylirp.c, which walks over the files, hands to emit.c, which makes words of what was found. Nobody else includes it. */
#ifndef SLIRPPD_COMPAT_PYLIRP_INTERNAL_H
#define SLIRPPD_COMPAT_PYLIRP_INTERNAL_H

#include "compat/pylirp/keys.h"
#include "compat/pylirp/pylirp.h"

/* The value of one row of the table. */
struct found {
	const struct tree_node *node; /* NULL: not given, or null */
	char *key;		      /* as it is written in the file */
};

struct found_service {
	unsigned port;
	char *key;	     /* `services.22` */
	struct found *found; /* one a row; those of `services.*` are in use */
	int file;
	unsigned line;
};

struct findings {
	struct found *found; /* one a row of the table */
	GPtrArray *services; /* of struct found_service */
	bool hosts;	     /* in client mode: what was read was written for the other end */
};

/* Keeps what is wrong with the value, unless something is already. Returns false. */
bool pylirp_fail(struct pylirp *p, int file, unsigned line, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void pylirp_note(struct pylirp *p, int file, unsigned line, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Makes p->words. */
bool pylirp_emit(struct pylirp *p, const struct findings *f);

#endif
