/* What print.c and print_auth.c share; nobody else includes it. */
#ifndef SLIRPPD_PPP_PRINT_INTERNAL_H
#define SLIRPPD_PPP_PRINT_INTERNAL_H

#include "ppp/print.h"

typedef const struct print_option *find_fn(uint8_t type);

struct body {
	find_fn *find_option;
	bool show_password;
};

/* The body of a packet: what is left in DATA is printed as bytes. */
typedef void body_fn(GString *out, const struct body *body, struct reader *data);

/* A code of a protocol; those without a name are unknown, those without a body are bytes. */
struct code {
	const char *name;
	body_fn *body;
};

/* All of R, or MAX bytes of it and dots, each with a blank before it. */
void print_bytes(GString *out, struct reader *value);
void print_some(GString *out, struct reader *rest, size_t max);

/* print_auth.c: by code, from 0 to AUTH_CODES. */
#define AUTH_CODES 5
extern const struct code print_pap_codes[AUTH_CODES], print_chap_codes[AUTH_CODES], print_eap_codes[AUTH_CODES], print_cbcp_codes[AUTH_CODES];

#endif
