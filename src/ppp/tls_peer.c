/* Whether the peer's certificate, signed by a CA of ours, is of whom we want to talk to: its name (tls-verify-method) and what it may be used
 * for (tls-verify-key-usage). Called by tls.c for each handshake. Names are compared with their lengths: one with a NUL byte inside is
 * another name. */
#include "ppp/tls_internal.h"

#include <glib.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "log.h"
#include "ppp/auth.h"
#include "reader.h"

/* The subject's common name, the last one where there are more, into *NAME (OPENSSL_free it). Its length, or -1. */
static int common_name(X509 *cert, unsigned char **name)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = -1;
	int last = -1;

	while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		last = at;
	if (last < 0)
		return -1;
	return ASN1_STRING_to_UTF8(name, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
}

static bool same(const unsigned char *text, size_t len, const char *wanted)
{
	return len == strlen(wanted) && memcmp(text, wanted, len) == 0;
}

static bool name_fits(X509 *cert, const char *wanted, bool suffix)
{
	unsigned char *name = NULL;
	int len = common_name(cert, &name);
	size_t skip = suffix && len > 0 && (size_t)len > strlen(wanted) ? (size_t)len - strlen(wanted) : 0;
	bool fits = len > 0 && *wanted && !memchr(name, '\0', (size_t)len) && same(name + skip, (size_t)len - skip, wanted);

	if (!fits) {
		char *visible = auth_visible(reader_new(name, len > 0 ? (size_t)len : 0));
		log_error("Certificate verification error: CN (%s) != peer_name (%s)", visible, wanted);
		g_free(visible);
	}
	OPENSSL_free(name);
	return fits;
}

/* As `openssl x509 -subject` shows it, in one of two ways: RFC 2253's, or with slashes. */
static bool subject_is(X509 *cert, unsigned long flags, const char *wanted)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;

	if (!bio)
		return false;
	X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, flags);
	long len = BIO_get_mem_data(bio, &text);
	bool fits = len > 0 && same((const unsigned char *)text, (size_t)len, wanted);
	BIO_free(bio);
	return fits;
}

static bool subject_fits(X509 *cert, const char *wanted)
{
	char *slashes = X509_NAME_oneline(X509_get_subject_name(cert), NULL, 0);
	bool fits = subject_is(cert, XN_FLAG_RFC2253, wanted) || g_strcmp0(slashes, wanted) == 0;

	if (!fits)
		log_error("Certificate verification error: subject (%s) != peer_name (%s)", slashes, wanted);
	OPENSSL_free(slashes);
	return fits;
}

/* An extension that is not there allows everything to OpenSSL, and nothing to tls-verify-key-usage. */
static bool usage_fits(X509 *cert, bool of_client)
{
	uint32_t wanted = of_client ? XKU_SSL_CLIENT : XKU_SSL_SERVER;
	uint32_t flags = X509_get_extension_flags(cert);
	bool fits = (flags & EXFLAG_KUSAGE) && (X509_get_key_usage(cert) & KU_DIGITAL_SIGNATURE) && (flags & EXFLAG_XKUSAGE) &&
		    (X509_get_extended_key_usage(cert) & wanted);

	if (!fits)
		log_error("Certificate verification error: the certificate is not for TLS %s", of_client ? "clients" : "servers");
	return fits;
}

bool tls_peer_fits(X509 *cert, const struct tls_setup *setup)
{
	enum tls_verify how = setup->config->verify;

	if (setup->config->verify_key_usage && !usage_fits(cert, setup->server))
		return false;
	if (how == TLS_VERIFY_NONE)
		return true;
	if (!setup->peer) {
		log_error("Certificate verification error: there is no remotename to compare the certificate's name with");
		return false;
	}
	return how == TLS_VERIFY_SUBJECT ? subject_fits(cert, setup->peer) : name_fits(cert, setup->peer, how == TLS_VERIFY_SUFFIX);
}
