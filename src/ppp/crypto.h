/* Hashes, ciphers and random bytes, from libgcrypt: no code of our own computes any. Everything else in ppp/ comes here for them. */
#ifndef SLIRPPD_PPP_CRYPTO_H
#define SLIRPPD_PPP_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MD4_LEN 16
#define MD5_LEN 16
#define SHA1_LEN 20

struct crypto_bytes {
	const void *data;
	size_t len;
};

/* The hash of N pieces one after the other. These work in FIPS mode, too, or say so once and return false: the method that needs them then
 * fails as if the secret were wrong. */
bool crypto_md4(const struct crypto_bytes *pieces, size_t n, uint8_t out[MD4_LEN]);
bool crypto_md5(const struct crypto_bytes *pieces, size_t n, uint8_t out[MD5_LEN]);
bool crypto_sha1(const struct crypto_bytes *pieces, size_t n, uint8_t out[SHA1_LEN]);

/* DES in ECB mode of one block; KEY has 7 bytes without parity (RFC 2759 §8.6). */
bool crypto_des(const uint8_t key[7], const uint8_t clear[8], uint8_t cipher[8]);

/* RC4. The state is in *RC4 (NULL before), which crypto_rc4_free() ends and wipes. */
struct crypto_rc4;
bool crypto_rc4_key(struct crypto_rc4 **rc4, const uint8_t *key, size_t len);
void crypto_rc4_apply(struct crypto_rc4 *rc4, const uint8_t *in, size_t len, uint8_t *out);
void crypto_rc4_free(struct crypto_rc4 *rc4);

/* LEN unpredictable bytes. */
void crypto_random(void *out, size_t len);

/* Whether both are the same: lengths first, then in a time that does not depend on where they differ. */
bool crypto_equal(const void *a, size_t a_len, const void *b, size_t b_len);

#endif
