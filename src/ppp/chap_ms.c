/* What MS-CHAP (RFC 2433), MS-CHAPv2 (RFC 2759) and MPPE's keys (RFC 3079) compute; see chap_ms.h. Called by chap.c, eap.c and mppe.c. Each
 * step has the name that the RFCs give to it; whatever a password can be found from is wiped on the way out. */
#include "ppp/chap_ms.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "ppp/crypto.h"
#include "writer.h"

#define DES_KEY_LEN 7
#define DES_BLOCK 8
#define HASH_LEN MD4_LEN

static const uint8_t shs_pad1[40];
static const uint8_t shs_pad2[40] = { [0 ... 39] = 0xf2 };

static void write_unit(struct writer *w, gunichar unit)
{
	writer_u8(w, (uint8_t)unit);
	writer_u8(w, (uint8_t)(unit >> 8));
}

/* Not text: each byte is a character, as pppd has it. */
static void write_bytes_wide(struct writer *w, const struct secret *password)
{
	for (size_t i = 0; i < password->len; i++)
		write_unit(w, password->bytes[i]);
}

static void write_text_wide(struct writer *w, const struct secret *password)
{
	const char *end = (const char *)password->bytes + password->len;

	for (const char *at = (const char *)password->bytes; at < end; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		if (c > 0xffff) {
			write_unit(w, 0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		write_unit(w, c);
	}
}

/* RFC 2759 §8.3, NtPasswordHash(). No character takes more bytes in UTF-16 than twice those that it has in UTF-8. */
static bool password_hash(const struct secret *password, uint8_t out[HASH_LEN])
{
	uint8_t wide[2 * AUTH_NAME_MAX];
	struct writer w = writer_new(wide, sizeof(wide));

	if (g_utf8_validate_len((const char *)password->bytes, password->len, NULL))
		write_text_wide(&w, password);
	else
		write_bytes_wide(&w, password);
	bool ok = writer_ok(&w) && crypto_md4(&(struct crypto_bytes){ wide, writer_len(&w) }, 1, out);
	explicit_bzero(wide, sizeof(wide));
	return ok;
}

/* §8.4, HashNtPasswordHash(), of the password itself. */
static bool password_hash_hash(const struct secret *password, uint8_t out[HASH_LEN])
{
	uint8_t once[HASH_LEN];
	bool ok = password_hash(password, once) && crypto_md4(&(struct crypto_bytes){ once, sizeof(once) }, 1, out);

	explicit_bzero(once, sizeof(once));
	return ok;
}

/* RFC 2433 §A.5, RFC 2759 §8.5, ChallengeResponse(): three DES keys of the hash and five zero bytes. */
bool mschap_nt_response(const uint8_t challenge[MSCHAP_CHALLENGE], const struct secret *password, uint8_t response[MSCHAP_NT_RESPONSE])
{
	uint8_t keys[3 * DES_KEY_LEN] = { 0 };
	bool ok = password_hash(password, keys);

	for (size_t i = 0; ok && i < 3; i++)
		ok = crypto_des(&keys[i * DES_KEY_LEN], challenge, &response[i * DES_BLOCK]);
	explicit_bzero(keys, sizeof(keys));
	return ok;
}

/* RFC 2759 §8.2, ChallengeHash(). */
static bool challenge_hash(const uint8_t auth_challenge[MSCHAP2_CHALLENGE], const uint8_t peer_challenge[MSCHAP2_CHALLENGE],
			   const char *user, uint8_t out[MSCHAP_CHALLENGE])
{
	const struct crypto_bytes pieces[] = {
		{ peer_challenge, MSCHAP2_CHALLENGE },
		{ auth_challenge, MSCHAP2_CHALLENGE },
		{ user, strlen(user) },
	};
	uint8_t digest[SHA1_LEN];
	bool ok = crypto_sha1(pieces, G_N_ELEMENTS(pieces), digest);

	memcpy(out, digest, MSCHAP_CHALLENGE);
	return ok;
}

bool mschap2_nt_response(const uint8_t auth_challenge[MSCHAP2_CHALLENGE], const uint8_t peer_challenge[MSCHAP2_CHALLENGE], const char *user,
			 const struct secret *password, uint8_t response[MSCHAP_NT_RESPONSE])
{
	uint8_t challenge[MSCHAP_CHALLENGE];

	return challenge_hash(auth_challenge, peer_challenge, user, challenge) && mschap_nt_response(challenge, password, response);
}

/* The first half of §8.7: SHA1 of the hash of the hash, the response, and the first magic. */
static bool response_digest(const struct secret *password, const uint8_t nt_response[MSCHAP_NT_RESPONSE], const char *magic,
			    uint8_t digest[SHA1_LEN])
{
	uint8_t twice[HASH_LEN];
	const struct crypto_bytes pieces[] = {
		{ twice, sizeof(twice) },
		{ nt_response, MSCHAP_NT_RESPONSE },
		{ magic, strlen(magic) },
	};
	bool ok = password_hash_hash(password, twice) && crypto_sha1(pieces, G_N_ELEMENTS(pieces), digest);

	explicit_bzero(twice, sizeof(twice));
	return ok;
}

bool mschap2_authenticator(const struct secret *password, const uint8_t nt_response[MSCHAP_NT_RESPONSE],
			   const uint8_t peer_challenge[MSCHAP2_CHALLENGE], const uint8_t auth_challenge[MSCHAP2_CHALLENGE], const char *user,
			   char out[MSCHAP2_AUTHENTICATOR + 1])
{
	static const char magic[] = "Pad to make it do more than one iteration";
	uint8_t challenge[MSCHAP_CHALLENGE];
	uint8_t digest[SHA1_LEN];
	const struct crypto_bytes pieces[] = {
		{ digest, sizeof(digest) },
		{ challenge, sizeof(challenge) },
		{ magic, strlen(magic) },
	};

	out[0] = 0;
	if (!challenge_hash(auth_challenge, peer_challenge, user, challenge) ||
	    !response_digest(password, nt_response, "Magic server to client signing constant", digest) ||
	    !crypto_sha1(pieces, G_N_ELEMENTS(pieces), digest))
		return false;
	snprintf(out, MSCHAP2_AUTHENTICATOR + 1, "S=");
	for (size_t i = 0; i < SHA1_LEN; i++)
		snprintf(&out[2 + 2 * i], 3, "%02X", digest[i]);
	return true;
}

const char *chap_ms_user(const char *name)
{
	const char *backslash = strrchr(name, '\\');

	return backslash ? backslash + 1 : name;
}

bool mppe_derive(const uint8_t *key, size_t key_len, const void *middle, size_t middle_len, uint8_t out[SHA1_LEN])
{
	const struct crypto_bytes pieces[] = {
		{ key, key_len },
		{ shs_pad1, sizeof(shs_pad1) },
		{ middle, middle_len },
		{ shs_pad2, sizeof(shs_pad2) },
	};

	return crypto_sha1(pieces, G_N_ELEMENTS(pieces), out);
}

/* RFC 3079 §2.4, GetStartKey(): one key for both directions. */
bool mppe_keys_v1(const uint8_t challenge[MSCHAP_CHALLENGE], const struct secret *password, struct mppe_keys *keys)
{
	uint8_t twice[HASH_LEN];
	uint8_t digest[SHA1_LEN];
	const struct crypto_bytes pieces[] = {
		{ twice, sizeof(twice) },
		{ twice, sizeof(twice) },
		{ challenge, MSCHAP_CHALLENGE },
	};

	keys->known = password_hash_hash(password, twice) && crypto_sha1(pieces, G_N_ELEMENTS(pieces), digest);
	if (keys->known) {
		memcpy(keys->send, digest, MPPE_KEY_MAX);
		memcpy(keys->receive, digest, MPPE_KEY_MAX);
	}
	explicit_bzero(twice, sizeof(twice));
	explicit_bzero(digest, sizeof(digest));
	return keys->known;
}

/* RFC 3079 §3.4, GetAsymmetricStartKey(), of the direction whose magic this is. */
static bool start_key(const uint8_t master[SHA1_LEN], const char *magic, uint8_t out[MPPE_KEY_MAX])
{
	uint8_t digest[SHA1_LEN];
	bool ok = mppe_derive(master, MPPE_KEY_MAX, magic, strlen(magic), digest);

	if (ok)
		memcpy(out, digest, MPPE_KEY_MAX);
	explicit_bzero(digest, sizeof(digest));
	return ok;
}

bool mppe_keys_v2(const struct secret *password, const uint8_t nt_response[MSCHAP_NT_RESPONSE], bool server, struct mppe_keys *keys)
{
	static const char to_server[] = "On the client side, this is the send key; on the server side, it is the receive key.";
	static const char to_client[] = "On the client side, this is the receive key; on the server side, it is the send key.";
	uint8_t master[SHA1_LEN];

	keys->known = response_digest(password, nt_response, "This is the MPPE Master Key", master) &&
		      start_key(master, server ? to_client : to_server, keys->send) &&
		      start_key(master, server ? to_server : to_client, keys->receive);
	explicit_bzero(master, sizeof(master));
	return keys->known;
}
