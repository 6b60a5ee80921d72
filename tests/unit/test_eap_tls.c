/* eap and tls: EAP-TLS between both roles, with certificates made at run time; all that may be wrong with one; fragments, also hostile. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "certs.h"
#include "eap_rig.h"

#define TEXT(s) ((char *)(uintptr_t)(s))
#define EVENTS(end, text) CU_ASSERT_STRING_EQUAL((end).events->str, text)
#define SENT(end, pattern) CU_ASSERT_TRUE(eap_rig_sent(&(end), pattern))
#define LOGGED(rig, text) CU_ASSERT_TRUE(eap_rig_logged(rig, text))

/* bob knows no secret, but has a certificate, and so has srv. */
static struct eap_rig *tls_rig(enum certs_file cert)
{
	struct eap_rig *rig = eap_rig_new();

	rig->secrets[0].client = NULL;
	rig->server_files = (struct tls_files){ certs_path(CERTS_SRV), certs_path(CERTS_CA), certs_path(CERTS_SRV_KEY) };
	rig->client_files = (struct tls_files){ certs_path(cert), certs_path(CERTS_CA), certs_path(CERTS_BOB_KEY) };
	return rig;
}

static void run(struct eap_rig *rig)
{
	eap_rig_start(rig);
	eap_rig_run(rig, 100 * CLOCK_SECOND);
}

static void check_success(struct eap_rig *rig)
{
	EVENTS(rig->client, "keys;proved;");
	EVENTS(rig->server, "keys;peer bob;");
	CU_ASSERT_EQUAL(memcmp(rig->client.keys.send, rig->server.keys.receive, MPPE_KEY_MAX), 0);
	CU_ASSERT_EQUAL(memcmp(rig->client.keys.receive, rig->server.keys.send, MPPE_KEY_MAX), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(rig->client.keys.receive, rig->client.keys.send, MPPE_KEY_MAX), 0);
	CU_ASSERT_TRUE(rig->client.longest <= 1034 && rig->server.longest <= 1034);
	if (!g_str_has_suffix(rig->client.events->str, "proved;"))
		printf("# log:\n%s", rig->log->str);
}

static void check_failure(struct eap_rig *rig, const char *why)
{
	EVENTS(rig->server, "peer failed;");
	EVENTS(rig->client, "refused;");
	CU_ASSERT_NOT_EQUAL(strstr(rig->log->str, why), NULL);
	if (!strstr(rig->log->str, why))
		printf("# log:\n%s", rig->log->str);
	eap_rig_free(rig);
}

/* Both versions */

static void each_version(void)
{
	for (unsigned version = 12; version <= 13; version++) {
		struct eap_rig *rig = tls_rig(CERTS_BOB);
		rig->server.config.tls.max_version = rig->client.config.tls.max_version = version;
		run(rig);
		check_success(rig);
		eap_rig_free(rig);
	}
}

static void the_lower_of_two_versions(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);

	rig->server.config.tls.max_version = 13;
	run(rig);
	check_success(rig);
	eap_rig_free(rig);
}

/* TLS 1.0 only, with one that wants 1.2 at least. */
static void too_old_a_version(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);

	rig->client.config.tls.max_version = 10;
	run(rig);
	check_failure(rig, "EAP-TLS: TLS failed: unsupported protocol");
}

static void old_versions_where_asked(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);

	rig->client.config.tls.max_version = 11;
	rig->server.config.tls.max_version = 11;
	run(rig);
	check_success(rig);
	eap_rig_free(rig);
}

/* Fragments, RFC 5216 section 2.1.5: in both directions, and each packet lost once. */
static void fragments(void)
{
	struct eap_rig *rig = tls_rig(CERTS_FAT);

	run(rig);
	check_success(rig);
	CU_ASSERT_EQUAL(rig->client.longest, 1034);
	CU_ASSERT_TRUE(rig->client.sent >= 9);
	eap_rig_free(rig);
}

static void any_one_packet_lost(void)
{
	for (unsigned version = 12; version <= 13; version++) {
		unsigned all = 3;
		for (unsigned lose = 1; lose < all; lose++) {
			struct eap_rig *rig = tls_rig(CERTS_FAT);
			rig->server.config.tls.max_version = rig->client.config.tls.max_version = version;
			rig->lose = lose;
			run(rig);
			check_success(rig);
			all = rig->carried - 2; /* the loss took two more; the last cannot be asked for again */
			eap_rig_free(rig);
		}
	}
}

static void many_packets_lost_and_repeated(void)
{
	for (guint32 seed = 1; seed <= 30; seed++) {
		struct eap_rig *rig = tls_rig(CERTS_FAT);
		g_rand_set_seed(rig->rand, seed);
		rig->server.config.eap.max_requests = rig->client.config.eap.max_answers = 1000;
		rig->loss = 0.1;
		rig->duplicate = 0.3;
		run(rig);
		EVENTS(rig->server, "keys;peer bob;");
		eap_rig_free(rig);
	}
}

/* Certificates that will not do. */

static void bad_certificates(void)
{
	static const struct {
		enum certs_file cert;
		const char *why;
	} rows[] = {
		{ CERTS_OLD, "Certificate verification error: certificate has expired (/O=tests/CN=bob)" },
		{ CERTS_WRONG_CA, "Certificate verification error: unable to get local issuer certificate" },
		{ CERTS_REVOKED, "Certificate verification error: certificate revoked" },
	};

	for (unsigned version = 12; version <= 13; version++) {
		for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
			struct eap_rig *rig = tls_rig(rows[i].cert);
			rig->server.config.tls.max_version = rig->client.config.tls.max_version = version;
			rig->server.config.tls.crl = certs_path(CERTS_CRL);
			run(rig);
			check_failure(rig, rows[i].why);
		}
	}
}

static void a_crl_revokes_only_whom_it_names(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);

	rig->server.config.tls.crl = certs_path(CERTS_CRL);
	run(rig);
	check_success(rig);
	eap_rig_free(rig);
}

static void a_server_of_another_ca(void)
{
	for (unsigned version = 12; version <= 13; version++) {
		struct eap_rig *rig = tls_rig(CERTS_BOB);
		rig->client_files.ca = certs_path(CERTS_OTHER_CA);
		rig->server.config.tls.max_version = rig->client.config.tls.max_version = version;
		run(rig);
		check_failure(rig, "Certificate verification error: self-signed certificate in certificate chain (/O=tests/CN=our CA)");
	}
}

/* tls-verify-method */

static void names(void)
{
	static const struct {
		enum tls_verify how;
		const char *remote_name;
		bool fits;
	} rows[] = {
		{ TLS_VERIFY_NONE, "whoever", true },
		{ TLS_VERIFY_NAME, "srv", true },
		{ TLS_VERIFY_NAME, "rv", false },
		{ TLS_VERIFY_NAME, "srv2", false },
		{ TLS_VERIFY_NAME, "", false },
		{ TLS_VERIFY_NAME, NULL, false },
		{ TLS_VERIFY_SUFFIX, "rv", true },
		{ TLS_VERIFY_SUFFIX, "srv", true },
		{ TLS_VERIFY_SUFFIX, "", false },
		{ TLS_VERIFY_SUFFIX, "xsrv", false },
		{ TLS_VERIFY_SUBJECT, "CN=srv,O=tests", true },
		{ TLS_VERIFY_SUBJECT, "/O=tests/CN=srv", true },
		{ TLS_VERIFY_SUBJECT, "srv", false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct eap_rig *rig = tls_rig(CERTS_BOB);
		rig->client.config.tls.verify = rows[i].how;
		rig->client.config.remote_name = TEXT(rows[i].remote_name);
		run(rig);
		if (rows[i].fits) {
			check_success(rig);
			eap_rig_free(rig);
		} else {
			check_failure(rig, "Certificate verification error: ");
		}
	}
}

/* The CN is "bob", a NUL byte, ".evil": neither bob nor somebody.evil. */
static void row_7896bc0_a_nul_byte_does_not_cut_the_compare(void)
{
	static const char *const wanted[] = { "bob", ".evil", "evil" };

	for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
		struct eap_rig *rig = tls_rig(CERTS_NUL_NAME);
		rig->server.config.tls.verify = i ? TLS_VERIFY_SUFFIX : TLS_VERIFY_NAME;
		rig->server.config.remote_name = TEXT(wanted[i]);
		run(rig);
		check_failure(rig, "Certificate verification error: CN (bob^@.evil) != peer_name");
	}
}

/* A server compares with the name that the peer says it has. */
static void another_name_than_the_certificates(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);

	rig->server.config.tls.verify = TLS_VERIFY_NAME;
	rig->client.config.user = TEXT("alice");
	run(rig);
	check_failure(rig, "Certificate verification error: CN (bob) != peer_name (alice)");
}

static void key_usage(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);

	rig->client.config.tls.verify_key_usage = true;
	run(rig);
	check_success(rig);
	eap_rig_free(rig);
	rig = tls_rig(CERTS_BOB);
	rig->server.config.tls.verify_key_usage = true;
	run(rig);
	check_failure(rig, "Certificate verification error: the certificate is not for TLS clients");
}

/* Files */

static void files_that_will_not_do(void)
{
	struct {
		enum certs_file cert, ca, key;
		const char *what;
	} rows[] = {
		{ CERTS_BOB, CERTS_CA, CERTS_SRV_KEY, "EAP-TLS: Cannot use private key %s: key values mismatch" },
		{ CERTS_CA_KEY, CERTS_CA, CERTS_BOB_KEY, "EAP-TLS: Cannot use public certificate %s: no start line" },
		{ CERTS_BOB, CERTS_CA_KEY, CERTS_BOB_KEY, "EAP-TLS: Cannot load verify locations %s: " },
		{ CERTS_BOB, CERTS_CA, CERTS_BOB_LOCKED, "EAP-TLS: Cannot use private key %s: " },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct eap_rig *rig = tls_rig(CERTS_BOB);
		rig->client_files = (struct tls_files){ certs_path(rows[i].cert), certs_path(rows[i].ca), certs_path(rows[i].key) };
		const char *named = rows[i].key != CERTS_BOB_KEY ? rig->client_files.own_key : i == 1 ? rig->client_files.own_cert : rig->client_files.ca;
		char *line = g_strdup_printf(rows[i].what, named);
		run(rig);
		check_failure(rig, line);
		g_free(line);
	}
}

static void files_that_are_missing(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);

	rig->client_files.own_cert = TEXT("/nowhere/cert.pem");
	run(rig);
	check_failure(rig, "EAP-TLS: Cannot use public certificate /nowhere/cert.pem: No such file or directory");
	rig = tls_rig(CERTS_BOB);
	rig->client.config.tls.crl = TEXT("/nowhere/crl.pem");
	run(rig);
	check_failure(rig, "EAP-TLS: Cannot open CRL file /nowhere/crl.pem: No such file or directory");
	rig = tls_rig(CERTS_BOB);
	rig->client_files.own_key = NULL;
	run(rig);
	check_failure(rig, "EAP-TLS: Private key missing");
}

static void a_locked_key_and_its_passphrase(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);

	rig->client_files.own_key = certs_path(CERTS_BOB_LOCKED);
	rig->client.config.password = TEXT("open sesame");
	run(rig);
	check_success(rig);
	eap_rig_free(rig);
}

static void files_that_options_name(void)
{
	for (int boxed = 0; boxed < 2; boxed++) {
		struct eap_rig *rig = tls_rig(CERTS_BOB);
		struct tls_config *tls = &rig->client.config.tls;
		rig->client_files = (struct tls_files){ 0 };
		tls->ca = certs_path(CERTS_CA);
		tls->cert = boxed ? NULL : certs_path(CERTS_BOB);
		tls->key = boxed ? NULL : certs_path(CERTS_BOB_KEY);
		tls->pkcs12 = boxed ? certs_path(CERTS_BOX) : NULL;
		rig->client.config.password = boxed ? TEXT("boxed") : NULL;
		run(rig);
		check_success(rig);
		eap_rig_free(rig);
	}
}

/* Choosing */

static void a_peer_with_a_secret_is_asked_for_it(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);

	rig->secrets[0] = (struct eap_secret){ "bob", "srv", "secret" };
	run(rig);
	EVENTS(rig->server, "peer bob;");
	EVENTS(rig->client, "proved;");
	eap_rig_free(rig);
}

/* Nak, RFC 3748 section 5.3.1: from MD5 to TLS, from TLS to MSCHAPv2. */
static void naks_that_name_tls(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);

	rig->secrets[0] = (struct eap_secret){ "bob", "srv", "secret" };
	eap_rig_start_server(rig);
	eap_rig_feed(&rig->server, "0201.... 01 626f62");
	SENT(rig->server, "0102????04*");
	eap_rig_feed(&rig->server, "0202.... 03 0d");
	SENT(rig->server, "01030006 0d 20");
	eap_rig_feed(&rig->server, "0203.... 03 1a");
	SENT(rig->server, "0104????1a01*");
	eap_rig_free(rig);
}

static void what_is_possible(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);

	eap_rig_start(rig);
	CU_ASSERT_TRUE(eap_can_demand(rig->server.eap));
	CU_ASSERT_TRUE(eap_can_prove(rig->client.eap));
	rig->server_files.own_cert = rig->client_files.own_cert = NULL;
	CU_ASSERT_FALSE(eap_can_demand(rig->server.eap));
	CU_ASSERT_FALSE(eap_can_prove(rig->client.eap));
	eap_rig_free(rig);
}

/* Hostile packets */

static void row_cve_2018_11574_fragment_lengths(void)
{
	static const struct {
		const char *packets[3];
		const char *why;
	} rows[] = {
		{ { "0203.... 0d 80" }, "EAP-TLS: received no or invalid data" },
		{ { "0203.... 0d 80 000000" }, "EAP-TLS: received no or invalid data" },
		{ { "0203.... 0d 80 ffffffff 1603" }, "EAP-TLS: TLS message length > 65536" },
		{ { "0203.... 0d c0 00010001 1603" }, "EAP-TLS: TLS message length > 65536" },
		{ { "0203.... 0d 80 00000001 1603" }, "EAP-TLS: received data > TLS message length" },
		{ { "0203.... 0d 80 00000003 1603" }, "EAP-TLS: received data != TLS message length" },
		{ { "0203.... 0d c0 00000004 1603", "0204.... 0d 00 010203" }, "EAP-TLS: received data > TLS message length" },
		{ { "0203.... 0d c0 00000004 1603", "0204.... 0d 00 01" }, "EAP-TLS: received data != TLS message length" },
		{ { "0203.... 0d c0 00000004 1603", "0204.... 0d 80 00000005 0102" }, "EAP-TLS: non-first LI packet" },
		{ { "0203.... 0d 40 1603", "0204.... 0d 80 00000004 0102" }, "EAP-TLS: non-first LI packet" },
		{ { "0203.... 0d 00 474554202f20485454502f312e300d0a" }, "EAP-TLS: TLS failed: " },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct eap_rig *rig = tls_rig(CERTS_BOB);
		eap_rig_start_server(rig);
		eap_rig_feed(&rig->server, "0201.... 01 626f62");
		eap_rig_feed(&rig->server, "0202.... 03 0d"); /* it is asked already: a Nak of TLS is the end */
		EVENTS(rig->server, "peer failed;");
		eap_rig_start_server(rig);
		eap_rig_feed(&rig->server, "0203.... 01 626f62");
		SENT(rig->server, "01040006 0d 20");
		for (size_t p = 0; p < 3 && rows[i].packets[p]; p++) {
			char *packet = g_strdup(rows[i].packets[p]);
			packet[3] = (char)('4' + p);
			eap_rig_feed(&rig->server, packet);
			g_free(packet);
		}
		LOGGED(rig, rows[i].why);
		eap_rig_feed(&rig->server, "0205.... 0d 00"); /* an alert is acknowledged before the end */
		EVENTS(rig->server, "peer failed;peer failed;");
		eap_rig_free(rig);
	}
}

/* 65 parts of 1,024 bytes that never end: no more than 64 KiB are kept. */
static void a_message_without_end(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);
	GString *packet = g_string_new("0200.... 0d 40");

	for (unsigned i = 0; i < 1024; i++)
		g_string_append(packet, "aa");
	rig->client.config.eap.max_answers = 0;
	eap_rig_start_client(rig);
	eap_rig_feed(&rig->client, "0101.... 0d 20");
	SENT(rig->client, "0201????0d80*");
	packet->str[1] = '1';
	for (unsigned i = 2; i < 80 && rig->client.events->len == 0; i++) {
		char id[3];
		g_snprintf(id, sizeof(id), "%.2x", i);
		memcpy(packet->str + 2, id, 2);
		eap_rig_feed(&rig->client, packet->str);
	}
	CU_ASSERT_EQUAL(rig->client.sent, 65);
	EVENTS(rig->client, "refused;");
	LOGGED(rig, "EAP-TLS: received data > TLS message length");
	g_string_free(packet, TRUE);
	eap_rig_free(rig);
}

static void a_success_before_the_end_is_not_believed(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);

	eap_rig_start_client(rig);
	eap_rig_feed(&rig->client, "0101.... 0d 20");
	eap_rig_feed(&rig->client, "03010004");
	eap_rig_feed(&rig->client, "0102.... 0d 00");
	eap_rig_feed(&rig->client, "03020004");
	EVENTS(rig->client, "");
	eap_rig_feed(&rig->client, "0103.... 0d");
	EVENTS(rig->client, "");
	eap_rig_free(rig);
}

/* Data before any Start; a Start in the middle begins anew. */
static void starts(void)
{
	struct eap_rig *rig = tls_rig(CERTS_BOB);

	eap_rig_start_client(rig);
	eap_rig_feed(&rig->client, "0101.... 0d 20");
	eap_rig_feed(&rig->client, "0102.... 0d 20");
	SENT(rig->client, "0202????0d80*");
	eap_rig_free(rig);
	rig = tls_rig(CERTS_BOB);
	eap_rig_start_client(rig);
	eap_rig_feed(&rig->client, "0101.... 0d 00 1603");
	EVENTS(rig->client, "refused;");
	eap_rig_free(rig);
}

const struct unit_test unit_tests[] = {
	{ "TLS 1.2 and 1.3, RFC 5216 2.1.1, RFC 9190 2.1.1", each_version },
	{ "the lower of two versions", the_lower_of_two_versions },
	{ "too old a version", too_old_a_version },
	{ "old versions where asked for", old_versions_where_asked },
	{ "fragments, RFC 5216 2.1.5", fragments },
	{ "any one packet is lost", any_one_packet_lost },
	{ "many packets are lost and repeated", many_packets_lost_and_repeated },
	{ "an expired, a foreign, a revoked certificate", bad_certificates },
	{ "a CRL revokes only whom it names", a_crl_revokes_only_whom_it_names },
	{ "a server of another CA", a_server_of_another_ca },
	{ "tls-verify-method", names },
	{ "7896bc0: a NUL byte does not cut the compare", row_7896bc0_a_nul_byte_does_not_cut_the_compare },
	{ "another name than the certificate's", another_name_than_the_certificates },
	{ "tls-verify-key-usage", key_usage },
	{ "files that will not do", files_that_will_not_do },
	{ "files that are missing", files_that_are_missing },
	{ "a locked key and its passphrase", a_locked_key_and_its_passphrase },
	{ "files that options name", files_that_options_name },
	{ "a peer with a secret is asked for it", a_peer_with_a_secret_is_asked_for_it },
	{ "Naks that name TLS, RFC 3748 5.3.1", naks_that_name_tls },
	{ "what is possible", what_is_possible },
	{ "CVE-2018-11574: fragment lengths", row_cve_2018_11574_fragment_lengths },
	{ "a message without end", a_message_without_end },
	{ "a Success before the end is not believed, RFC 3748 4.2", a_success_before_the_end_is_not_believed },
	{ "Starts", starts },
	{ 0 },
};
