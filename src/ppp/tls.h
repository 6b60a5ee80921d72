/* One TLS handshake with certificates on both sides, as EAP-TLS wants it (RFC 5216, RFC 9190): bytes in, bytes out, from OpenSSL. No I/O but
 * reading the files that it is told to use. Used by eap_tls.c. */
#ifndef SLIRPPD_PPP_TLS_H
#define SLIRPPD_PPP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "ppp/chap_ms.h"
#include "ppp/secrets.h"
#include "writer.h"

struct tls;

struct tls_setup {
	bool server;
	const struct tls_config *config;
	const struct tls_files *files; /* what the eaptls files name, for what CONFIG does not; or NULL */
	const char *passphrase;        /* of the private key; NULL: none */
	const char *peer;              /* the name that the peer's certificate is compared with; NULL: none is known */
};

enum tls_progress { TLS_HANDSHAKE, TLS_DONE, TLS_FAILED };

/* Whether CONFIG names all of a CA, a certificate and a key. */
bool tls_config_complete(const struct tls_config *config);

/* Loads the files. NULL: one of them will not do; which and why has been logged. SETUP and what it points to must outlive the call, CONFIG
 * and PEER the session. */
struct tls *tls_new(const struct tls_setup *setup);
void tls_free(struct tls *tls);

/* LEN bytes from the peer (0: only begin). What has to be sent is then waiting, an alert after a failure, too; why it failed has been logged,
 * once. In TLS 1.3 a server that is done says so with a byte of data (RFC 9190 §2.1.1). */
enum tls_progress tls_input(struct tls *tls, const uint8_t *data, size_t len);

/* Bytes that are waiting to be sent; moves as many of them as fit into W. */
size_t tls_waiting(const struct tls *tls);
void tls_take(struct tls *tls, struct writer *w, size_t len);

/* The keys for MPPE (RFC 5216 §2.3, RFC 9190 §2.3), once done. */
bool tls_keys(const struct tls *tls, struct mppe_keys *keys);

#endif
