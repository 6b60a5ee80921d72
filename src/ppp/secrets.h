/* Where secrets come from: what ppp/ asks whoever keeps them (the secrets files of pppd: compat/pppd/secrets.c; a test's table).
 *
 * Names are strings; a name of a peer that has a NUL byte in it never gets here. Secrets are bytes, wiped by whoever asked. */
#ifndef SLIRPPD_PPP_SECRETS_H
#define SLIRPPD_PPP_SECRETS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

struct secret {
	size_t len;
	uint8_t bytes[AUTH_NAME_MAX + 1]; /* one more than its length may be, for a NUL byte that is always there */
};

/* Nothing of it stays in memory. */
void secret_wipe(struct secret *secret);
/* From LEN bytes; false (and SECRET empty) where they are too many. */
bool secret_set(struct secret *secret, const void *bytes, size_t len);

/* CHAP secrets serve MD5, MS-CHAP, MS-CHAPv2 and the EAP types MD5-Challenge and MSCHAPv2. */
enum secret_kind { SECRET_PAP, SECRET_CHAP };

/* What a peer that has proved who it is may do, from the line that it was found by. */
struct rights {
	GArray *addresses; /* of struct address_rule: the address column, in order; none: no address may be used */
	char **options;    /* the words after `--`, or NULL */
};

void rights_clear(struct rights *rights);
/* Whether there is an address that may be used. */
bool rights_let_an_address(const struct rights *rights);

/* What EAP-TLS needs, as the eaptls files name it; g_free()d by tls_files_clear(). NULL: the file says `-`, or nothing. */
struct tls_files {
	char *own_cert, *ca, *own_key;
};

void tls_files_clear(struct tls_files *files);

struct secrets {
	/* The best line of the KIND's file for CLIENT's proof to SERVER (NULL: whoever it is). SECRET (NULL: only whether there is one) and RIGHTS
	 * (NULL, or cleared by the caller later) are filled in. False: there is none; where QUIET is false, why has been logged as pppd does. */
	bool (*find)(void *arg, enum secret_kind kind, const char *client, const char *server, bool quiet, struct secret *secret,
		     struct rights *rights);
	/* Whether the peer USER gave the right PASSWORD for PAP to us, SERVER (also hashes, and whatever else pap-secrets may name). */
	bool (*check_pap)(void *arg, const char *user, const struct secret *password, const char *server, struct rights *rights);
	/* Whether a peer with an empty name and an empty password is welcome (pppd's null_login). RIGHTS may be NULL. */
	bool (*pap_null_login)(void *arg, const char *server, struct rights *rights);
	/* The files for EAP-TLS with PEER (NULL: whoever it is), from eaptls-server where we are the one who demands it, else eaptls-client. */
	bool (*find_tls)(void *arg, bool server, const char *peer, const char *ours, struct tls_files *files, struct rights *rights);
};

/* There are none. */
extern const struct secrets secrets_none;

#endif
