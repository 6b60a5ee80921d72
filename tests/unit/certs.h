/* Certificates, keys and a CRL for tests of TLS: made in a temporary folder when the first is asked for, gone when the program ends. */
#ifndef SLIRPPD_TEST_CERTS_H
#define SLIRPPD_TEST_CERTS_H

/* Of our CA unless said otherwise; each of bob's is for the same key. */
enum certs_file {
	CERTS_CA,
	CERTS_CA_KEY,
	CERTS_OTHER_CA,   /* which signed WRONG_CA */
	CERTS_SRV,        /* CN srv, for servers alone */
	CERTS_SRV_KEY,
	CERTS_BOB,        /* CN bob, for all uses */
	CERTS_BOB_KEY,
	CERTS_BOB_LOCKED, /* the key, with the passphrase "open sesame" */
	CERTS_OLD,        /* expired */
	CERTS_REVOKED,    /* by CRL */
	CERTS_WRONG_CA,
	CERTS_NUL_NAME,   /* CN bob, a NUL byte, .evil */
	CERTS_FAT,        /* takes several fragments */
	CERTS_CRL,
	CERTS_BOX,        /* BOB and its key in PKCS #12, with the passphrase "boxed" */
	CERTS_FILES
};

/* Its path; what it names lives as long as the program. */
char *certs_path(enum certs_file file);

#endif
