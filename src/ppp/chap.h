/* The Challenge Handshake Authentication Protocol (RFC 1994) in both roles, with MD5, MS-CHAP (RFC 2433) and MS-CHAPv2 (RFC 2759): what
 * differs is a row of a table each. Owned by auth.c. */
#ifndef SLIRPPD_PPP_CHAP_H
#define SLIRPPD_PPP_CHAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ppp/auth.h"

/* The algorithm's number in LCP's option (RFC 1994 §3). */
enum chap_algorithm { CHAP_MD5 = 0x05, CHAP_MS = 0x80, CHAP_MS_V2 = 0x81 };

struct chap;

struct chap *chap_new(const struct auth_base *base);
void chap_free(struct chap *chap);

/* LCP is up: the peer is to prove itself by METHOD, one of AUTH_CHAPS; we are to. Both may be called. */
void chap_demand(struct chap *chap, enum auth_method method);
void chap_prove(struct chap *chap, enum auth_method method);
void chap_end(struct chap *chap);

/* Whether CHALLENGE is the last one that the peer was asked. */
bool chap_has_asked(const struct chap *chap, const uint8_t *challenge, size_t len);

void chap_input(struct chap *chap, const uint8_t *packet, size_t len);
void chap_protocol_rejected(struct chap *chap);

#endif
