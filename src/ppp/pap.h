/* The Password Authentication Protocol (RFC 1334 §2) in both roles. Owned by auth.c. */
#ifndef SLIRPPD_PPP_PAP_H
#define SLIRPPD_PPP_PAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ppp/auth.h"

struct pap;

struct pap *pap_new(const struct auth_base *base);
void pap_free(struct pap *pap);

/* LCP is up: the peer is to prove itself (it speaks first); we are to (we do). Both may be called. */
void pap_demand(struct pap *pap);
void pap_prove(struct pap *pap);
void pap_end(struct pap *pap);

void pap_input(struct pap *pap, const uint8_t *packet, size_t len);
void pap_protocol_rejected(struct pap *pap);

#endif
