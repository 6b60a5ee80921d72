/* One TLS handshake in memory, with certificates on both sides; see tls.h. Called by eap_tls.c, which carries the bytes in EAP packets.
 *
 * OpenSSL reads from one memory BIO and writes to another; it never sees a descriptor. Sessions are not resumed: each authentication shows
 * certificates. */
#include "ppp/tls.h"

#include <glib.h>
#include <openssl/err.h>
#include <string.h>

#include "log.h"
#include "ppp/tls_internal.h"

#define MSK_LEN 64 /* of which MPPE takes the first half for one direction, the second for the other */
#define VERIFY_DEPTH 5

struct tls {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out; /* belong to SSL */
	struct tls_setup setup;
	bool said_why;
	bool committed; /* TLS 1.3: the byte that says that all is well has been sent */
	enum tls_progress progress;
};

static int version_of(unsigned version)
{
	static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION };

	return versions[CLAMP(version, 10, 13) - 10];
}

/* OpenSSL's judgement of a certificate of the peer's chain, the peer's own last. */
static int verified(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *tls = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);

	if (!ok) {
		char *subject = cert ? X509_NAME_oneline(X509_get_subject_name(cert), NULL, 0) : NULL;
		const char *why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
		log_error("Certificate verification error: %s (%s)", why, subject ? subject : "no certificate");
		OPENSSL_free(subject);
	} else if (X509_STORE_CTX_get_error_depth(store) == 0 && !tls_peer_fits(cert, &tls->setup)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
		ok = 0;
	}
	tls->said_why |= !ok;
	return ok;
}

static SSL_CTX *make_ctx(const struct tls_setup *setup)
{
	SSL_CTX *ctx = SSL_CTX_new(setup->server ? TLS_server_method() : TLS_client_method());
	int max = version_of(setup->config->max_version);

	if (!ctx) {
		log_error("EAP-TLS: Cannot initialize SSL CTX context: %s", tls_reason());
		return NULL;
	}
	SSL_CTX_set_min_proto_version(ctx, MIN(max, TLS1_2_VERSION));
	SSL_CTX_set_max_proto_version(ctx, max);
	if (max < TLS1_2_VERSION) /* their hashes are below the default level */
		SSL_CTX_set_cipher_list(ctx, "DEFAULT:@SECLEVEL=0");
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, verified);
	SSL_CTX_set_verify_depth(ctx, VERIFY_DEPTH);
	if (!tls_load(ctx, setup))
		g_clear_pointer(&ctx, SSL_CTX_free);
	return ctx;
}

static bool make_ssl(struct tls *tls)
{
	BIO *in = BIO_new(BIO_s_mem());
	BIO *out = BIO_new(BIO_s_mem());
	SSL *ssl = SSL_new(tls->ctx);

	if (!in || !out || !ssl) {
		BIO_free(in);
		BIO_free(out);
		SSL_free(ssl);
		log_error("EAP-TLS: %s", tls_reason());
		return false;
	}
	SSL_set_bio(ssl, in, out);
	SSL_set_app_data(ssl, tls);
	if (tls->setup.server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	tls->ssl = ssl;
	tls->in = in;
	tls->out = out;
	return true;
}

struct tls *tls_new(const struct tls_setup *setup)
{
	struct tls *tls = g_new0(struct tls, 1);

	tls->setup = *setup;
	tls->ctx = make_ctx(setup);
	tls->setup.files = NULL;
	tls->setup.passphrase = NULL;
	if (!tls->ctx || !make_ssl(tls))
		g_clear_pointer(&tls, tls_free);
	return tls;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	SSL_CTX_free(tls->ctx);
	g_free(tls);
}

static enum tls_progress failed(struct tls *tls)
{
	const char *why = tls_reason();

	if (!tls->said_why)
		log_error("EAP-TLS: TLS failed: %s", why);
	tls->said_why = true;
	return TLS_FAILED;
}

static void commit(struct tls *tls)
{
	static const uint8_t well = 0;

	if (tls->setup.server && !tls->committed && SSL_version(tls->ssl) == TLS1_3_VERSION)
		tls->committed = SSL_write(tls->ssl, &well, sizeof(well)) == sizeof(well);
}

/* What comes after the handshake: the other's byte, tickets that nobody will use, or an alert. */
static enum tls_progress read_rest(struct tls *tls)
{
	uint8_t rest[64];
	int n;

	while ((n = SSL_read(tls->ssl, rest, sizeof(rest))) > 0)
		continue;
	explicit_bzero(rest, sizeof(rest));
	int why = SSL_get_error(tls->ssl, n);
	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_ZERO_RETURN)
		return failed(tls);
	ERR_clear_error();
	return TLS_DONE;
}

static enum tls_progress handshake(struct tls *tls)
{
	int n = SSL_do_handshake(tls->ssl);

	if (n == 1) {
		commit(tls);
		return read_rest(tls);
	}
	if (SSL_get_error(tls->ssl, n) != SSL_ERROR_WANT_READ)
		return failed(tls);
	ERR_clear_error();
	return TLS_HANDSHAKE;
}

enum tls_progress tls_input(struct tls *tls, const uint8_t *data, size_t len)
{
	ERR_clear_error();
	if (tls->progress == TLS_FAILED)
		return TLS_FAILED;
	if (len > INT_MAX || (len > 0 && BIO_write(tls->in, data, (int)len) != (int)len))
		tls->progress = failed(tls);
	else
		tls->progress = tls->progress == TLS_DONE ? read_rest(tls) : handshake(tls);
	return tls->progress;
}

size_t tls_waiting(const struct tls *tls)
{
	return BIO_ctrl_pending(tls->out);
}

void tls_take(struct tls *tls, struct writer *w, size_t len)
{
	uint8_t *place = writer_reserve(w, len);

	if (place && len > 0 && BIO_read(tls->out, place, (int)len) != (int)len)
		w->failed = true;
}

bool tls_keys(const struct tls *tls, struct mppe_keys *keys)
{
	static const char old_label[] = "client EAP encryption";
	static const char new_label[] = "EXPORTER_EAP_TLS_Key_Material";
	static const uint8_t type = 13; /* the exporter's context since TLS 1.3 */
	bool new = SSL_version(tls->ssl) == TLS1_3_VERSION;
	const char *label = new ? new_label : old_label;
	uint8_t msk[MSK_LEN];

	keys->known = tls->progress == TLS_DONE &&
		      SSL_export_keying_material(tls->ssl, msk, sizeof(msk), label, strlen(label), &type, new ? 1 : 0, new) == 1;
	if (keys->known) {
		bool server = tls->setup.server;
		memcpy(server ? keys->receive : keys->send, msk, MPPE_KEY_MAX);
		memcpy(server ? keys->send : keys->receive, msk + MSK_LEN / 2, MPPE_KEY_MAX);
	} else {
		log_error("EAP-TLS: Failed generating keying material");
	}
	explicit_bzero(msk, sizeof(msk));
	return keys->known;
}
