/* MS-CHAP's responses and MPPE's keys: the examples of RFC 2433, RFC 2759 §9 and RFC 3079. */
#include "unit.h"

#include <glib.h>
#include <string.h>

#include "ppp/chap_ms.h"

static const uint8_t v1_challenge[] = { 0x10, 0x2d, 0xb5, 0xdf, 0x08, 0x5d, 0x30, 0x41 };
static const uint8_t auth_challenge[] = { 0x5b, 0x5d, 0x7c, 0x7d, 0x7b, 0x3f, 0x2f, 0x3e, 0x3c, 0x2c, 0x60, 0x21, 0x32, 0x26, 0x26, 0x28 };
static const uint8_t peer_challenge[] = { 0x21, 0x40, 0x23, 0x24, 0x25, 0x5e, 0x26, 0x2a, 0x28, 0x29, 0x5f, 0x2b, 0x3a, 0x33, 0x7c, 0x7e };
static const uint8_t nt_response[] = { 0x82, 0x30, 0x9e, 0xcd, 0x8d, 0x70, 0x8b, 0x5e, 0xa0, 0x8f, 0xaa, 0x39,
				       0x81, 0xcd, 0x83, 0x54, 0x42, 0x33, 0x11, 0x4a, 0x3d, 0x85, 0xd6, 0xdf };

static struct secret secret_of(const char *text)
{
	struct secret s;

	secret_set(&s, text, strlen(text));
	return s;
}

static bool is_hex(const uint8_t *bytes, size_t len, const char *hex)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < len; i++)
		g_string_append_printf(text, "%02X", bytes[i]);
	bool same = strcmp(text->str, hex) == 0;
	if (!same)
		g_print("# %s, not %s\n", text->str, hex);
	g_string_free(text, TRUE);
	return same;
}

static void response_v1(void)
{
	struct secret password = secret_of("MyPw");
	uint8_t out[MSCHAP_NT_RESPONSE];

	CU_ASSERT(mschap_nt_response(v1_challenge, &password, out));
	CU_ASSERT(is_hex(out, sizeof(out), "4E9D3C8F9CFD385D5BF4D3246791956CA4C351AB409A3D61"));
}

static void response_v2(void)
{
	struct secret password = secret_of("clientPass");
	uint8_t out[MSCHAP_NT_RESPONSE];

	CU_ASSERT(mschap2_nt_response(auth_challenge, peer_challenge, "User", &password, out));
	CU_ASSERT_EQUAL(memcmp(out, nt_response, sizeof(out)), 0);
	CU_ASSERT(mschap2_nt_response(auth_challenge, peer_challenge, chap_ms_user("BIGCO\\User"), &password, out));
	CU_ASSERT_EQUAL(memcmp(out, nt_response, sizeof(out)), 0);
}

static void authenticator(void)
{
	struct secret password = secret_of("clientPass");
	char out[MSCHAP2_AUTHENTICATOR + 1];

	CU_ASSERT(mschap2_authenticator(&password, nt_response, peer_challenge, auth_challenge, "User", out));
	CU_ASSERT_STRING_EQUAL(out, "S=407A5589115FD0D6209F510FE9C04566932CDA56");
}

static void keys_v1(void)
{
	struct secret password = secret_of("clientPass");
	struct mppe_keys keys;
	uint8_t session[SHA1_LEN];

	CU_ASSERT(mppe_keys_v1(v1_challenge, &password, &keys) && keys.known);
	CU_ASSERT(is_hex(keys.send, sizeof(keys.send), "A8947850CFC0ACC1D1789FB62DDCDDB0"));
	CU_ASSERT_EQUAL(memcmp(keys.send, keys.receive, sizeof(keys.send)), 0);
	CU_ASSERT(mppe_derive(keys.send, MPPE_KEY_MAX, keys.send, MPPE_KEY_MAX, session));
	CU_ASSERT(is_hex(session, MPPE_KEY_MAX, "59D159BC09F76F1DA2A86A28FFEC0B1E"));
}

static void keys_v2(void)
{
	struct secret password = secret_of("clientPass");
	struct mppe_keys server, client;

	CU_ASSERT(mppe_keys_v2(&password, nt_response, true, &server) && server.known);
	CU_ASSERT(mppe_keys_v2(&password, nt_response, false, &client) && client.known);
	CU_ASSERT(is_hex(server.send, sizeof(server.send), "8B7CDC149B993A1BA118CB153F56DCCB"));
	CU_ASSERT_EQUAL(memcmp(server.send, client.receive, MPPE_KEY_MAX), 0);
	CU_ASSERT_EQUAL(memcmp(server.receive, client.send, MPPE_KEY_MAX), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(server.receive, server.send, MPPE_KEY_MAX), 0);
}

/* With the first bytes fixed here; mppe.c does so by itself (test_mppe.c). */
static void session_keys(void)
{
	static const struct {
		size_t len;
		size_t fixed;
		const char *session;
		const char *cipher;
	} rows[] = {
		{ 8, 3, "D1269EC49FA62E3E", "929137917E5803D668D75898" },
		{ 8, 1, "D15C00C49FA62E3E", "3F106833FA448DA842BC57B8" }, /* the RFC's last byte, 58, is an error of print */
		{ 16, 0, "405CB2247A7956E6E211007AE27B22D4", "81848317DF68846272FB5ABE" },
	};
	struct secret password = secret_of("clientPass");
	struct mppe_keys keys;
	uint8_t out[12];

	CU_ASSERT(mppe_keys_v2(&password, nt_response, true, &keys));
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct crypto_rc4 *rc4 = NULL;
		uint8_t digest[SHA1_LEN];
		CU_ASSERT(mppe_derive(keys.send, rows[i].len, keys.send, rows[i].len, digest));
		memcpy(digest, "\xd1\x26\x9e", rows[i].fixed);
		CU_ASSERT(is_hex(digest, rows[i].len, rows[i].session));
		CU_ASSERT_FATAL(crypto_rc4_key(&rc4, digest, rows[i].len));
		crypto_rc4_apply(rc4, (const uint8_t *)"test message", sizeof(out), out);
		CU_ASSERT(is_hex(out, sizeof(out), rows[i].cipher));
		crypto_rc4_free(rc4);
	}
}

static void passwords_of_all_kinds(void)
{
	static const char *const texts[] = { "", "p\xc3\xa4ss", "p\xe4ss", "\xf0\x9f\x94\x91", "\xff\xfe" };
	uint8_t out[G_N_ELEMENTS(texts)][MSCHAP_NT_RESPONSE];
	uint8_t longest[AUTH_NAME_MAX];
	struct secret password;

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		password = secret_of(texts[i]);
		CU_ASSERT(mschap_nt_response(v1_challenge, &password, out[i]));
	}
	/* UTF-8, and the same character as a byte of Latin 1. */
	CU_ASSERT_EQUAL(memcmp(out[1], out[2], sizeof(out[1])), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(out[0], out[3], sizeof(out[0])), 0);
	memset(longest, 0xff, sizeof(longest));
	CU_ASSERT_FATAL(secret_set(&password, longest, sizeof(longest)));
	CU_ASSERT(mschap_nt_response(v1_challenge, &password, out[0]));
}

static void nul_does_not_end_a_password(void)
{
	struct secret a, b;
	uint8_t of_a[MSCHAP_NT_RESPONSE], of_b[MSCHAP_NT_RESPONSE];

	secret_set(&a, "abc\0x", 5);
	secret_set(&b, "abc", 3);
	CU_ASSERT(mschap_nt_response(v1_challenge, &a, of_a) && mschap_nt_response(v1_challenge, &b, of_b));
	CU_ASSERT_NOT_EQUAL(memcmp(of_a, of_b, sizeof(of_a)), 0);
}

const struct unit_test unit_tests[] = {
	{ "mschap: response (RFC 2433 appendix B)", response_v1 },
	{ "mschap2: response, with and without a domain (RFC 2759 §9.2, §4)", response_v2 },
	{ "mschap2: the authenticator's proof (RFC 2759 §9.2)", authenticator },
	{ "mppe: start key of MS-CHAP (RFC 3079 §2.5.3)", keys_v1 },
	{ "mppe: start keys of both ends of MS-CHAPv2 (RFC 3079 §3.5.3)", keys_v2 },
	{ "mppe: session keys and messages of 40, 56 and 128 bits (RFC 3079 §3.5)", session_keys },
	{ "mschap: passwords of all kinds and lengths", passwords_of_all_kinds },
	{ "mschap: a NUL byte does not end a password (ppp 7896bc0)", nul_does_not_end_a_password },
	{ 0 },
};
