/* Certificates for tests, made at run time; see certs.h. */
#include "certs.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(s) ((char *)(uintptr_t)(s))
#define DAY (24 * 60 * 60L)

static struct {
	char *dir;
	char *path[CERTS_FILES];
	X509 *ca, *other_ca;
	EVP_PKEY *ca_key, *other_key, *srv_key, *bob_key;
	long serial;
} made;

struct wish {
	const char *name;
	size_t name_len; /* 0: of the string */
	X509 *issuer;    /* NULL: signs itself, and is a CA */
	EVP_PKEY *key, *issuer_key;
	bool expired;
	const char *usage; /* extendedKeyUsage, or NULL */
	unsigned padding;  /* bytes of a comment */
};

static void extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	g_assert(e);
	X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
}

static X509 *make_cert(const struct wish *w)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++made.serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), -2 * DAY);
	X509_gmtime_adj(X509_getm_notAfter(cert), w->expired ? -DAY : DAY);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"tests", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)w->name,
				   (int)(w->name_len ? w->name_len : strlen(w->name)), -1, 0);
	X509_set_issuer_name(cert, w->issuer ? X509_get_subject_name(w->issuer) : name);
	X509_set_pubkey(cert, w->key);
	if (!w->issuer)
		extend(cert, NID_basic_constraints, "critical,CA:TRUE");
	if (w->usage) {
		extend(cert, NID_key_usage, "digitalSignature");
		extend(cert, NID_ext_key_usage, w->usage);
	}
	if (w->padding > 0) {
		char *text = g_strnfill(w->padding, 'x');
		extend(cert, NID_netscape_comment, text);
		g_free(text);
	}
	g_assert(X509_sign(cert, w->issuer_key ? w->issuer_key : w->key, EVP_sha256()) > 0);
	return cert;
}

static FILE *open_file(enum certs_file which, const char *name)
{
	made.path[which] = g_build_filename(made.dir, name, NULL);
	FILE *f = fopen(made.path[which], "w");
	g_assert(f);
	return f;
}

static void write_key(enum certs_file which, const char *name, EVP_PKEY *key, const char *passphrase)
{
	FILE *f = open_file(which, name);

	PEM_write_PrivateKey(f, key, passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL, TEXT(passphrase));
	fclose(f);
}

static void write_cert(enum certs_file which, const char *name, X509 *cert)
{
	FILE *f = open_file(which, name);

	PEM_write_X509(f, cert);
	fclose(f);
}

static void write_new(enum certs_file which, const char *name, const struct wish *w)
{
	X509 *cert = make_cert(w);

	write_cert(which, name, cert);
	if (which == CERTS_BOB) {
		PKCS12 *box = PKCS12_create("boxed", "bob", made.bob_key, cert, NULL, 0, 0, 0, 0, 0);
		FILE *f = open_file(CERTS_BOX, "box.p12");
		i2d_PKCS12_fp(f, box);
		fclose(f);
		PKCS12_free(box);
	}
	X509_free(cert);
}

static void write_crl(long serial)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *revoked = X509_REVOKED_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, -DAY);
	ASN1_TIME *later = X509_gmtime_adj(NULL, DAY);
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	FILE *f = open_file(CERTS_CRL, "crl.pem");

	ASN1_INTEGER_set(number, serial);
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(made.ca));
	X509_CRL_set1_lastUpdate(crl, now);
	X509_CRL_set1_nextUpdate(crl, later);
	X509_REVOKED_set_serialNumber(revoked, number);
	X509_REVOKED_set_revocationDate(revoked, now);
	X509_CRL_add0_revoked(crl, revoked);
	g_assert(X509_CRL_sign(crl, made.ca_key, EVP_sha256()) > 0);
	PEM_write_X509_CRL(f, crl);
	fclose(f);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(now);
	ASN1_TIME_free(later);
	X509_CRL_free(crl);
}

static void make_all(void)
{
	made.dir = g_dir_make_tmp("eap-tls-XXXXXX", NULL);
	made.ca_key = EVP_EC_gen("P-256");
	made.other_key = EVP_EC_gen("P-256");
	made.srv_key = EVP_EC_gen("P-256");
	made.bob_key = EVP_EC_gen("P-256");
	made.ca = make_cert(&(struct wish){ .name = "our CA", .key = made.ca_key });
	made.other_ca = make_cert(&(struct wish){ .name = "other CA", .key = made.other_key });
	write_cert(CERTS_CA, "ca.pem", made.ca);
	write_cert(CERTS_OTHER_CA, "other.pem", made.other_ca);
	write_key(CERTS_CA_KEY, "ca.key", made.ca_key, NULL);
	write_key(CERTS_SRV_KEY, "srv.key", made.srv_key, NULL);
	write_key(CERTS_BOB_KEY, "bob.key", made.bob_key, NULL);
	write_key(CERTS_BOB_LOCKED, "locked.key", made.bob_key, "open sesame");
	struct wish srv = { .name = "srv", .key = made.srv_key, .issuer = made.ca, .issuer_key = made.ca_key, .usage = "serverAuth" };
	struct wish bob = { .name = "bob", .key = made.bob_key, .issuer = made.ca, .issuer_key = made.ca_key };
	write_new(CERTS_SRV, "srv.pem", &srv);
	write_new(CERTS_BOB, "bob.pem", &bob);
	write_new(CERTS_REVOKED, "revoked.pem", &bob);
	write_crl(made.serial);
	bob.expired = true;
	write_new(CERTS_OLD, "old.pem", &bob);
	bob.expired = false;
	bob.padding = 5000;
	write_new(CERTS_FAT, "fat.pem", &bob);
	bob.padding = 0;
	bob.name = "bob\0.evil";
	bob.name_len = 9;
	write_new(CERTS_NUL_NAME, "nul.pem", &bob);
	bob.name_len = 0;
	bob.name = "bob";
	bob.issuer = made.other_ca;
	bob.issuer_key = made.other_key;
	write_new(CERTS_WRONG_CA, "wrong.pem", &bob);
}

static void remove_all(void)
{
	for (size_t i = 0; i < CERTS_FILES; i++) {
		if (made.path[i])
			g_unlink(made.path[i]);
		g_free(made.path[i]);
	}
	g_rmdir(made.dir);
	g_free(made.dir);
	X509_free(made.ca);
	X509_free(made.other_ca);
	EVP_PKEY_free(made.ca_key);
	EVP_PKEY_free(made.other_key);
	EVP_PKEY_free(made.srv_key);
	EVP_PKEY_free(made.bob_key);
}

char *certs_path(enum certs_file file)
{
	if (!made.dir) {
		make_all();
		atexit(remove_all);
	}
	return made.path[file];
}
