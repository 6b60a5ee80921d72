/* The Extensible Authentication Protocol (RFC 3748) in both roles: Identity, Notification, Nak, MD5-Challenge (RFC 1994's), MSCHAPv2
 * (draft-kamath-pppext-eap-mschapv2, as Windows and pppd speak it) and TLS (RFC 5216). Owned by auth.c. */
#ifndef SLIRPPD_PPP_EAP_H
#define SLIRPPD_PPP_EAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ppp/auth.h"

enum eap_code { EAP_REQUEST = 1, EAP_RESPONSE = 2, EAP_SUCCESS = 3, EAP_FAILURE = 4 };
enum eap_type { EAP_IDENTITY = 1, EAP_NOTIFICATION = 2, EAP_NAK = 3, EAP_MD5 = 4, EAP_TLS = 13, EAP_MSCHAPV2 = 26 };

struct eap;

struct eap *eap_new(const struct auth_base *base);
void eap_free(struct eap *eap);

/* Whether there is what it takes to be a server, a client (secrets, or files for TLS). */
bool eap_can_demand(const struct eap *eap);
bool eap_can_prove(const struct eap *eap);

/* LCP is up: the peer is to prove itself to us; we are to prove ourselves, and wait for requests. Both may be called. */
void eap_demand(struct eap *eap);
void eap_prove(struct eap *eap);
/* LCP is down: at rest, secrets and keys wiped. */
void eap_end(struct eap *eap);

/* Whether CHALLENGE is the last one that the peer was asked. */
bool eap_has_asked(const struct eap *eap, const uint8_t *challenge, size_t len);

void eap_input(struct eap *eap, const uint8_t *packet, size_t len);
void eap_protocol_rejected(struct eap *eap);

#endif
