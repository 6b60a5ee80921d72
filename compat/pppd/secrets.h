/* pppd's secrets files: /etc/ppp/pap-secrets, chap-secrets, eaptls-client and eaptls-server, or what pap-secrets and chap-secrets name
 * instead; before them, while we are an ordinary user with no more rights than that, those of the same names in $XDG_CONFIG_HOME/slirppd.
 * A file counts if it is root's or ours and nobody else can write it. Each question reads them anew. */
#ifndef SLIRPPD_COMPAT_PPPD_SECRETS_H
#define SLIRPPD_COMPAT_PPPD_SECRETS_H

#include <stdbool.h>

#include "config.h"
#include "ppp/secrets.h"

struct secrets_files;
struct world;

/* CONFIG must outlive it. */
struct secrets_files *secrets_files_new(const struct config *config);
/* In another world (tests; the reading of options). */
struct secrets_files *secrets_files_new_in(const struct config *config, const struct world *world);
void secrets_files_free(struct secrets_files *files);

/* Another configuration holds from now on. */
void secrets_files_set_config(struct secrets_files *files, const struct config *config);

/* The N of pppN, for addresses with a +; until then `unit`, or 0. */
void secrets_files_set_unit(struct secrets_files *files, unsigned unit);

enum secrets_file { SECRETS_PAP, SECRETS_CHAP, SECRETS_TLS_CLIENT, SECRETS_TLS_SERVER };

/* Whether there is a line for CLIENT (NULL: for anybody) and SERVER that lets it use some address; where only the address is missing,
 * *LACKS_IP is set. Says nothing but what is wrong with the files themselves. */
bool secrets_files_have(struct secrets_files *files, enum secrets_file which, const char *client, const char *server, bool *lacks_ip);

/* ppp/ asks through this; its argument is a struct secrets_files. It says itself why a file cannot be read or used (once for each file),
 * and of PAP's peers why they were refused; that there is no secret for CHAP or EAP is said by whoever asked. */
extern const struct secrets secrets_of_files;

#endif
