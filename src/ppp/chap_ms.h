/* The computations of MS-CHAP (RFC 2433), MS-CHAPv2 (RFC 2759) and of MPPE's first keys (RFC 3079). No state, no packets.
 *
 * Passwords are UTF-8 and become UTF-16LE as Windows has it; where they are not, each byte is one character (as pppd does). */
#ifndef SLIRPPD_PPP_CHAP_MS_H
#define SLIRPPD_PPP_CHAP_MS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ppp/crypto.h"
#include "ppp/secrets.h"

#define MSCHAP_CHALLENGE 8
#define MSCHAP2_CHALLENGE 16
#define MSCHAP_RESPONSE 49     /* LM response (24), NT response (24), use-NT flag */
#define MSCHAP_NT_RESPONSE 24
#define MSCHAP2_RESPONSE 49    /* peer challenge (16), reserved (8), NT response (24), flags */
#define MSCHAP2_AUTHENTICATOR 42 /* "S=" and 40 hexadecimal digits, upper case */
#define MPPE_KEY_MAX 16

/* Start keys of both directions, as long as 128-bit MPPE takes them; 40-bit takes what it needs of them (RFC 3079 §2.1, §3.1: 40-bit session
 * keys of MS-CHAPv1 come from the LM hash, which is not built). */
struct mppe_keys {
	uint8_t send[MPPE_KEY_MAX], receive[MPPE_KEY_MAX];
	bool known;
};

/* The NT half of the response to CHALLENGE. */
bool mschap_nt_response(const uint8_t challenge[MSCHAP_CHALLENGE], const struct secret *password, uint8_t response[MSCHAP_NT_RESPONSE]);

/* RFC 2759 §8.1; USER without its domain (chap_ms_user()). */
bool mschap2_nt_response(const uint8_t auth_challenge[MSCHAP2_CHALLENGE], const uint8_t peer_challenge[MSCHAP2_CHALLENGE], const char *user,
			 const struct secret *password, uint8_t response[MSCHAP_NT_RESPONSE]);

/* §8.7: the authenticator's proof, with a NUL byte behind. */
bool mschap2_authenticator(const struct secret *password, const uint8_t nt_response[MSCHAP_NT_RESPONSE],
			   const uint8_t peer_challenge[MSCHAP2_CHALLENGE], const uint8_t auth_challenge[MSCHAP2_CHALLENGE], const char *user,
			   char out[MSCHAP2_AUTHENTICATOR + 1]);

/* DOMAIN\USER without the domain: what is hashed (RFC 2759 §4). */
const char *chap_ms_user(const char *name);

/* RFC 3079 §2.2: of MS-CHAP; §3.2, §3.3: of MS-CHAPv2, for the end that is SERVER (authenticator) or not. */
bool mppe_keys_v1(const uint8_t challenge[MSCHAP_CHALLENGE], const struct secret *password, struct mppe_keys *keys);
bool mppe_keys_v2(const struct secret *password, const uint8_t nt_response[MSCHAP_NT_RESPONSE], bool server, struct mppe_keys *keys);

/* The step that start keys and session keys of MPPE are made with (§3.4, GetAsymmetricStartKey(), and GetNewKeyFromSHA()): SHA1 of KEY and
 * MIDDLE, with the SHApads of RFC 3079 between and behind. */
bool mppe_derive(const uint8_t *key, size_t key_len, const void *middle, size_t middle_len, uint8_t out[SHA1_LEN]);

#endif
