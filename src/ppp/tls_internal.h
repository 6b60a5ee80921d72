/* What tls.c (a handshake), tls_files.c (what it needs from files) and tls_peer.c (whether the peer's certificate will do) share. */
#ifndef SLIRPPD_PPP_TLS_INTERNAL_H
#define SLIRPPD_PPP_TLS_INTERNAL_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "ppp/tls.h"

/* Fills in CTX with the CA, the CRLs, our certificate and key. False: something will not do, and has been logged. */
bool tls_load(SSL_CTX *ctx, const struct tls_setup *setup);

/* Why OpenSSL's last call failed; the queue of its errors is empty afterwards. Valid until the next call of OpenSSL. */
const char *tls_reason(void);

/* Whether CERT, which a CA of ours has signed, is of whom we want to talk to. Logs why not. */
bool tls_peer_fits(X509 *cert, const struct tls_setup *setup);

#endif
