/* Hashes and ciphers: against the values of the RFCs and of the standards. */
#include "unit.h"

#include <string.h>

#include "ppp/crypto.h"

static void hashes(void)
{
	static const uint8_t md4[] = { 0xa4, 0x48, 0x01, 0x7a, 0xaf, 0x21, 0xd8, 0x52, 0x5f, 0xc1, 0x0a, 0xe8, 0x7a, 0xa6, 0x72, 0x9d };
	static const uint8_t md5[] = { 0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f, 0x72 };
	static const uint8_t sha1[] = { 0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
					0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d };
	const struct crypto_bytes abc[] = { { "a", 1 }, { NULL, 0 }, { "bc", 2 } };
	uint8_t out[SHA1_LEN];

	CU_ASSERT(crypto_md4(abc, 3, out) && memcmp(out, md4, sizeof(md4)) == 0);
	CU_ASSERT(crypto_md5(abc, 3, out) && memcmp(out, md5, sizeof(md5)) == 0);
	CU_ASSERT(crypto_sha1(abc, 3, out) && memcmp(out, sha1, sizeof(sha1)) == 0);
}

static void des(void)
{
	static const struct {
		uint8_t key[7], clear[8], cipher[8];
	} rows[] = {
		/* 133457799BBCDFF1 without its parity bits: 0001001 0011010 0101011 ... */
		{ { 0x12, 0x69, 0x5b, 0xc9, 0xb7, 0xb7, 0xf8 }, { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef },
		  { 0x85, 0xe8, 0x13, 0x54, 0x0f, 0x0a, 0xb4, 0x05 } },
		{ { 0 }, { 0 }, { 0x8c, 0xa6, 0x4d, 0xe9, 0xc1, 0xb1, 0x23, 0xa7 } }, /* a weak key */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t out[8];
		CU_ASSERT(crypto_des(rows[i].key, rows[i].clear, out));
		CU_ASSERT_EQUAL(memcmp(out, rows[i].cipher, sizeof(out)), 0);
	}
}

static void rc4(void)
{
	static const uint8_t cipher[] = { 0xbb, 0xf3, 0x16, 0xe8, 0xd9, 0x40, 0xaf, 0x0a, 0xd3 };
	const uint8_t *clear = (const uint8_t *)"Plaintext";
	struct crypto_rc4 *state = NULL;
	uint8_t out[9];

	CU_ASSERT_FATAL(crypto_rc4_key(&state, (const uint8_t *)"KeyKeyKey", 9));
	CU_ASSERT_FATAL(crypto_rc4_key(&state, (const uint8_t *)"KeyKey", 6));
	crypto_rc4_apply(state, clear, 4, out);
	crypto_rc4_apply(state, NULL, 0, NULL);
	crypto_rc4_apply(state, clear + 4, 5, out + 4);
	CU_ASSERT_EQUAL(memcmp(out, cipher, sizeof(out)), 0);
	crypto_rc4_free(state);
	crypto_rc4_free(NULL);
}

static void equal(void)
{
	CU_ASSERT(crypto_equal("", 0, "", 0));
	CU_ASSERT(crypto_equal(NULL, 0, "", 0));
	CU_ASSERT(crypto_equal("abc", 3, "abc", 3));
	CU_ASSERT_FALSE(crypto_equal("abc", 3, "abd", 3));
	CU_ASSERT_FALSE(crypto_equal("xbc", 3, "abc", 3));
	CU_ASSERT_FALSE(crypto_equal("abc", 3, "", 0));
	CU_ASSERT_FALSE(crypto_equal("", 0, "abc", 3));
	CU_ASSERT_FALSE(crypto_equal("abc", 3, "abcd", 4));
}

static void random_bytes_differ(void)
{
	uint8_t a[16], b[16];

	crypto_random(a, sizeof(a));
	crypto_random(b, sizeof(b));
	CU_ASSERT_NOT_EQUAL(memcmp(a, b, sizeof(a)), 0);
}

const struct unit_test unit_tests[] = {
	{ "crypto: hashes of pieces (RFC 1320, RFC 1321, FIPS 180)", hashes },
	{ "crypto: DES, weak keys too (RFC 2759 §8.6)", des },
	{ "crypto: RC4 goes on from piece to piece, and takes a new key", rc4 },
	{ "crypto: equal lengths first (CVE-2026-55706)", equal },
	{ "crypto: random bytes differ", random_bytes_differ },
	{ 0 },
};
