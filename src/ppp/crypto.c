/* Hashes, ciphers and random bytes; see crypto.h. Called by everything that authenticates or encrypts. This is the one room that knows
 * libgcrypt, which is made ready at the first call: without its pool of locked memory (no key here lives longer than a link, and who can
 * read this process's memory has the secrets file, too), and without its own log. */
#include "ppp/crypto.h"

#include <gcrypt.h>
#include <glib.h>
#include <string.h>

#include "log.h"

#define DES_KEY_LEN 8 /* with a parity bit in each byte */
#define DES_BLOCK 8

struct crypto_rc4 {
	gcry_cipher_hd_t handle;
};

static void say_nothing(void *arg, int level, const char *format, va_list args)
{
	(void)arg;
	(void)level;
	(void)format;
	(void)args;
}

static void start(void)
{
	static gsize started;

	if (!g_once_init_enter(&started))
		return;
	if (!gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P)) {
		gcry_set_log_handler(say_nothing, NULL);
		gcry_check_version(NULL);
		gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
		gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	}
	g_once_init_leave(&started, 1);
}

/* Whether ERROR is none. In FIPS mode libgcrypt has no MD4, MD5, DES and RC4: that is said once, not for each try of a peer. */
static bool good(gcry_error_t error, const char *what)
{
	static gsize said;

	if (!error)
		return true;
	if (g_once_init_enter(&said)) {
		log_error("%s is not available: %s", what, gcry_fips_mode_active() ? "FIPS mode" : gcry_strerror(error));
		g_once_init_leave(&said, 1);
	}
	return false;
}

/* OUT may be one of the pieces. */
static bool hash(enum gcry_md_algos algorithm, const struct crypto_bytes *pieces, size_t n, uint8_t *out, size_t out_len)
{
	gcry_md_hd_t md;

	start();
	if (!good(gcry_md_open(&md, algorithm, 0), gcry_md_algo_name(algorithm))) {
		memset(out, 0, out_len);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		gcry_md_write(md, pieces[i].data, pieces[i].len);
	memcpy(out, gcry_md_read(md, algorithm), out_len);
	gcry_md_close(md);
	return true;
}

bool crypto_md4(const struct crypto_bytes *pieces, size_t n, uint8_t out[MD4_LEN])
{
	return hash(GCRY_MD_MD4, pieces, n, out, MD4_LEN);
}

bool crypto_md5(const struct crypto_bytes *pieces, size_t n, uint8_t out[MD5_LEN])
{
	return hash(GCRY_MD_MD5, pieces, n, out, MD5_LEN);
}

bool crypto_sha1(const struct crypto_bytes *pieces, size_t n, uint8_t out[SHA1_LEN])
{
	return hash(GCRY_MD_SHA1, pieces, n, out, SHA1_LEN);
}

/* 56 bits, seven to a byte; the parity bits stay 0, for nobody looks at them. */
static void spread_key(const uint8_t key[7], uint8_t spread[DES_KEY_LEN])
{
	uint64_t bits = 0;

	for (size_t i = 0; i < 7; i++)
		bits = bits << 8 | key[i];
	for (size_t i = 0; i < DES_KEY_LEN; i++)
		spread[i] = (uint8_t)(bits >> (49 - 7 * i) << 1);
	explicit_bzero(&bits, sizeof(bits));
}

/* One password in 65,536 has a hash that ends in two zero bytes, which makes a weak key of MS-CHAP's third: weak keys are allowed. */
static bool set_des_key(gcry_cipher_hd_t handle, const uint8_t key[7])
{
	uint8_t spread[DES_KEY_LEN];

	spread_key(key, spread);
	gcry_cipher_ctl(handle, GCRYCTL_SET_ALLOW_WEAK_KEY, NULL, 1);
	gcry_error_t error = gcry_cipher_setkey(handle, spread, sizeof(spread));
	explicit_bzero(spread, sizeof(spread));
	return gcry_err_code(error) == GPG_ERR_WEAK_KEY || good(error, "DES");
}

bool crypto_des(const uint8_t key[7], const uint8_t clear[8], uint8_t cipher[8])
{
	gcry_cipher_hd_t handle;

	start();
	memset(cipher, 0, DES_BLOCK);
	if (!good(gcry_cipher_open(&handle, GCRY_CIPHER_DES, GCRY_CIPHER_MODE_ECB, 0), "DES"))
		return false;
	bool ok = set_des_key(handle, key) && good(gcry_cipher_encrypt(handle, cipher, DES_BLOCK, clear, DES_BLOCK), "DES");
	gcry_cipher_close(handle);
	return ok;
}

/* A new key in an old state costs no memory: MPPE takes a new one for each packet. */
bool crypto_rc4_key(struct crypto_rc4 **rc4, const uint8_t *key, size_t len)
{
	start();
	if (!*rc4) {
		gcry_cipher_hd_t handle;
		if (!good(gcry_cipher_open(&handle, GCRY_CIPHER_ARCFOUR, GCRY_CIPHER_MODE_STREAM, 0), "RC4"))
			return false;
		*rc4 = g_new0(struct crypto_rc4, 1);
		(*rc4)->handle = handle;
	}
	return good(gcry_cipher_setkey((*rc4)->handle, key, len), "RC4");
}

void crypto_rc4_apply(struct crypto_rc4 *rc4, const uint8_t *in, size_t len, uint8_t *out)
{
	if (len > 0 && gcry_cipher_encrypt(rc4->handle, out, len, in, len))
		memset(out, 0, len); /* only without a key; whatever happens, nothing leaves in the clear */
}

void crypto_rc4_free(struct crypto_rc4 *rc4)
{
	if (!rc4)
		return;
	gcry_cipher_close(rc4->handle); /* wipes the state */
	g_free(rc4);
}

void crypto_random(void *out, size_t len)
{
	start();
	gcry_randomize(out, len, GCRY_STRONG_RANDOM);
}

bool crypto_equal(const void *a, size_t a_len, const void *b, size_t b_len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t differ = 0;

	if (a_len != b_len)
		return false;
	for (size_t i = 0; i < a_len; i++)
		differ |= (uint8_t)(x[i] ^ y[i]);
	return differ == 0;
}
