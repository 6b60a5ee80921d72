/* What a TLS handshake needs from files: CA, CRLs, our certificate and our key, in PEM or in one PKCS #12 file. Called by tls.c. Each file that
 * will not do is one line in the log that names it and says why. */
#include "ppp/tls_internal.h"

#include <errno.h>
#include <glib.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "log.h"

const char *tls_reason(void)
{
	unsigned long e = ERR_peek_error();
	const char *text = e ? (ERR_SYSTEM_ERROR(e) ? g_strerror(ERR_GET_REASON(e)) : ERR_reason_error_string(e)) : NULL;

	ERR_clear_error();
	return text ? text : "unknown error";
}

static bool complain(const char *what, const char *file)
{
	log_error("EAP-TLS: %s %s: %s", what, file, tls_reason());
	return false;
}

bool tls_config_complete(const struct tls_config *config)
{
	return (config->ca || config->capath) && (config->pkcs12 || (config->cert && config->key));
}

static bool load_ca(SSL_CTX *ctx, const struct tls_setup *setup, const char *ca)
{
	const char *path = setup->config->capath;

	if (!ca && !path) {
		log_error("EAP-TLS: CA certificate file or path missing");
		return false;
	}
	if (ca && !SSL_CTX_load_verify_file(ctx, ca))
		return complain("Cannot load verify locations", ca);
	if (path && !SSL_CTX_load_verify_dir(ctx, path))
		return complain("Cannot load verify locations", path);
	if (ca && setup->server)
		SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(ca));
	return true;
}

static bool load_crl_file(X509_STORE *store, const char *file)
{
	BIO *bio = BIO_new_file(file, "r");

	if (!bio)
		return complain("Cannot open CRL file", file);
	X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (!crl)
		return complain("Cannot read CRL file", file);
	bool added = X509_STORE_add_crl(store, crl) == 1;
	X509_CRL_free(crl);
	return added || complain("Cannot add CRL to certificate store:", file);
}

static bool load_crls(SSL_CTX *ctx, const struct tls_config *config)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	X509_LOOKUP *lookup;

	if (!config->crl && !config->crl_dir)
		return true;
	if (config->crl && !load_crl_file(store, config->crl))
		return false;
	if (config->crl_dir) {
		lookup = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
		if (!lookup || !X509_LOOKUP_add_dir(lookup, config->crl_dir, X509_FILETYPE_PEM))
			return complain("Store lookup for CRL failed:", config->crl_dir);
	}
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
	return true;
}

/* For OpenSSL: never asks at a terminal. */
static int give_passphrase(char *buf, int size, int writing, void *arg)
{
	const char *passphrase = arg;
	size_t len = passphrase ? strlen(passphrase) : 0;

	(void)writing;
	if (size < 0 || len > (size_t)size)
		return -1;
	if (passphrase)
		memcpy(buf, passphrase, len);
	return passphrase ? (int)len : -1;
}

static bool load_pem(SSL_CTX *ctx, const char *cert, const char *key, const char *passphrase)
{
	if (!cert || !key) {
		log_error("EAP-TLS: %s missing", cert ? "Private key" : "Certificate");
		return false;
	}
	SSL_CTX_set_default_passwd_cb(ctx, give_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, (void *)(uintptr_t)passphrase);
	bool loaded = SSL_CTX_use_certificate_chain_file(ctx, cert) == 1 || complain("Cannot use public certificate", cert);
	loaded = loaded && (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1 || complain("Cannot use private key", key));
	loaded = loaded && (SSL_CTX_check_private_key(ctx) == 1 || complain("Private key fails security check:", key));
	SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
	return loaded;
}

static bool load_pkcs12(SSL_CTX *ctx, const char *file, const char *passphrase)
{
	BIO *bio = BIO_new_file(file, "r");
	PKCS12 *box = bio ? d2i_PKCS12_bio(bio, NULL) : NULL;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	STACK_OF(X509) *chain = NULL;
	bool loaded = box && PKCS12_parse(box, passphrase ? passphrase : "", &key, &cert, &chain) == 1 && cert && key &&
		      SSL_CTX_use_cert_and_key(ctx, cert, key, chain, 1) == 1;

	if (!loaded)
		complain("Cannot use PKCS#12 file", file);
	EVP_PKEY_free(key);
	X509_free(cert);
	sk_X509_pop_free(chain, X509_free);
	PKCS12_free(box);
	BIO_free(bio);
	return loaded;
}

static const char *first(const char *given, const char *named)
{
	return given ? given : named;
}

bool tls_load(SSL_CTX *ctx, const struct tls_setup *setup)
{
	static const struct tls_files none;
	const struct tls_config *config = setup->config;
	const struct tls_files *files = setup->files ? setup->files : &none;

	ERR_clear_error();
	if (!load_ca(ctx, setup, first(config->ca, config->capath ? NULL : files->ca)) || !load_crls(ctx, config))
		return false;
	if (config->pkcs12)
		return load_pkcs12(ctx, config->pkcs12, setup->passphrase);
	return load_pem(ctx, first(config->cert, files->own_cert), first(config->key, files->own_key), setup->passphrase);
}
