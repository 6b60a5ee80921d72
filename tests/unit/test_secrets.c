/* secrets: the grammar of pppd's secrets files, which line is the best, who may use a file, and what a line allows (behaviour.md §7.1). */
#include "unit.h"

#include <crypt.h>
#include <errno.h>
#include <string.h>

#include "compat/pppd/address_rule.h"
#include "compat/pppd/secrets.h"
#include "compat/pppd/secrets_scan.h"
#include "log.h"
#include "options_rig.h"

struct bench {
	struct rig rig;
	struct secrets_files *files;
};

static void append_line(void *arg, int priority, const char *line)
{
	(void)priority;
	g_string_append_printf(arg, "%s\n", line);
}

static void bench_init(struct bench *b, const struct memory_file *files)
{
	rig_init(&b->rig, NULL);
	b->rig.files = files;
	b->files = secrets_files_new_in(b->rig.config, &b->rig.options->world);
	log_set_sink(append_line, b->rig.log);
}

static void bench_clear(struct bench *b)
{
	log_set_sink(NULL, NULL);
	secrets_files_free(b->files);
	rig_clear(&b->rig);
}

/* The secret for this pair, "" for none (a test of empty ones looks closer). */
static const char *secret_for(struct bench *b, enum secret_kind kind, const char *client, const char *server)
{
	static struct secret secret;

	secret_wipe(&secret);
	return secrets_of_files.find(b->files, kind, client, server, false, &secret, NULL) ? (const char *)secret.bytes : "";
}

static bool pap_accepts(struct bench *b, const char *user, const char *password)
{
	struct secret secret;

	CU_ASSERT_TRUE(secret_set(&secret, password, strlen(password)));
	return secrets_of_files.check_pap(b->files, user, &secret, "us", NULL);
}

static void the_best_line_wins(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/ppp/chap-secrets",
		  .text = "# client server secret\n"
			  "*     *    any\n"
			  "*     us   server\n"
			  "bob   *    client\n"
			  "bob   us   both\n"
			  "bob   us   second\n"
			  "al    *    al1\n"
			  "'al'  \"*\"  al2\n"
			  "short us\n"
			  "*\n" },
		{ 0 },
	};
	struct bench b;

	bench_init(&b, files);
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "bob", "us"), "both");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "bob", "them"), "client");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "eve", "us"), "server");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "eve", "them"), "any");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "BOB", "them"), "any");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "bob", NULL), "both");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "al", "them"), "al1");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "short", "us"), "server");
	CU_ASSERT_STRING_EQUAL(b.rig.log->str, "");
	bench_clear(&b);
}

static void words_are_quoted_as_in_options_files(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/ppp/chap-secrets",
		  .text = "\"a b\" * 'it''s' # c\n"
			  "a\\#b * \"\\x41\\102\\s\"\n"
			  "DOM\\\\bob * two\\\nlines * -- idle 5\n"
			  "nl * \"one\ntwo\"\n" },
		{ 0 },
	};
	struct bench b;

	bench_init(&b, files);
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "a b", "x"), "its");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "a#b", "x"), "AB ");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "DOM\\bob", "x"), "twolines");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "nl", "x"), "one\ntwo");
	bench_clear(&b);
}

static void a_secret_may_stand_in_a_file_of_its_own(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/ppp/chap-secrets", .text = "a * @/s\nb * @/none\nb * plain\nc us @/empty\nc * next\nd * @/writable\n" },
		{ .path = "/s", .text = "# mine\nindirect more\n" },
		{ .path = "/empty", .text = "# nothing\n" },
		{ .path = "/writable", .text = "x", .mode = 0100622 },
		{ 0 },
	};
	struct bench b;

	bench_init(&b, files);
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "a", "us"), "indirect");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "b", "us"), "plain");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "c", "us"), "next");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "d", "us"), "");
	CU_ASSERT_STRING_EQUAL(b.rig.log->str, "can't open indirect secret file /none\n"
					       "no secret in indirect secret file /empty\n"
					       "Can't safely use /writable because it is group or other writable\n"
					       "can't open indirect secret file /writable\n");
	bench_clear(&b);
}

static void permissions_are_judged_as_pppd_does(void)
{
	static const struct {
		mode_t mode;
		uid_t uid;
		bool used;
		const char *says;
	} cases[] = {
		{ 0100600, 0, true, "" },
		{ 0100600, 1000, true, "" },
		{ 0100400, 1000, true, "" },
		{ 0100640, 0, true, "Warning - secret file /etc/ppp/chap-secrets has world and/or group access\n" },
		{ 0100604, 0, true, "Warning - secret file /etc/ppp/chap-secrets has world and/or group access\n" },
		{ 0100620, 0, false, "Can't safely use /etc/ppp/chap-secrets because it is group or other writable\n" },
		{ 0100602, 1000, false, "Can't safely use /etc/ppp/chap-secrets because it is group or other writable\n" },
		{ 0100600, 1001, false, "Can't safely use /etc/ppp/chap-secrets because it is not owned by root or by us\n" },
		{ 0010600, 0, false, "Can't use /etc/ppp/chap-secrets: not a regular file\n" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct memory_file files[] = {
			{ .path = "/etc/ppp/chap-secrets", .text = "* * x", .mode = cases[i].mode, .uid = cases[i].uid },
			{ 0 },
		};
		struct bench b;

		bench_init(&b, files);
		CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "a", "b"), cases[i].used ? "x" : "");
		secret_for(&b, SECRET_CHAP, "a", "b"); /* said once */
		CU_ASSERT_STRING_EQUAL(b.rig.log->str, cases[i].says);
		bench_clear(&b);
	}
}

static void files_that_cannot_be_read_are_said(void)
{
	static const struct memory_file files[] = { { .path = "/etc/ppp/chap-secrets", .error = EACCES }, { 0 } };
	struct secret secret;
	struct bench b;

	bench_init(&b, files);
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "a", "b"), "");
	CU_ASSERT_FALSE(secrets_of_files.find(b.files, SECRET_CHAP, "a", "b", true, &secret, NULL));
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_PAP, "a", "b"), "");
	CU_ASSERT_FALSE(pap_accepts(&b, "bob", "x"));
	CU_ASSERT_STRING_EQUAL(b.rig.log->str, "Can't open chap secret file /etc/ppp/chap-secrets: Permission denied\n"
					       "Can't open PAP password file /etc/ppp/pap-secrets: No such file or directory\n"
					       "no PAP secret found for bob\n");
	bench_clear(&b);
}

static const struct memory_file two_places[] = {
	{ .path = "/home/me/.config/slirppd/chap-secrets", .text = "bob us mine", .uid = 1000 },
	{ .path = "/etc/ppp/chap-secrets", .text = "bob us theirs\neve * eves" },
	{ .path = "/other", .text = "bob * other" },
	{ 0 },
};

static void a_users_own_files_come_first(void)
{
	struct bench b;

	bench_init(&b, two_places);
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "bob", "us"), "mine");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "bob", "them"), "");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "eve", "us"), "eves");
	b.rig.config->auth.chap_secrets = g_strdup("/other");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "bob", "us"), "other");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "eve", "us"), "");
	bench_clear(&b);
}

/* Otherwise whoever may run the program would decide whom it lets in. */
static void more_rights_than_the_caller_look_at_the_systems_alone(void)
{
	for (int root = 0; root < 2; root++) {
		struct bench b;

		bench_init(&b, two_places);
		secrets_files_free(b.files);
		b.rig.options->world.root = root;
		b.rig.options->world.privileged = root;
		b.files = secrets_files_new_in(b.rig.config, &b.rig.options->world);
		CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "bob", "us"), "theirs");
		bench_clear(&b);
	}
}

/* CVE-2014-3158: huge words. NULs, unclosed quotes, secrets that do not fit. */
static void cve_2014_3158_huge_words(void)
{
	char *huge = g_strnfill(1 << 18, 'x');
	char *text = g_strdup_printf("bob * %s\nal * %.256s\nok * %.255s\n%s * x\n' unclosed", huge, huge, huge, huge);
	const struct memory_file files[] = {
		{ .path = "/etc/ppp/chap-secrets", .text = text },
		{ .path = "/etc/ppp/pap-secrets", .text = "a * b\0c", .len = 7 },
		{ 0 },
	};
	struct bench b;

	bench_init(&b, files);
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "bob", "us"), "");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "al", "us"), "");
	CU_ASSERT_EQUAL(strlen(secret_for(&b, SECRET_CHAP, "ok", "us")), AUTH_NAME_MAX);
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_PAP, "a", "us"), "");
	CU_ASSERT_PTR_NOT_NULL(strstr(b.rig.log->str, "Secret for bob on us is too long\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(b.rig.log->str, "Secret for al on us is too long\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(b.rig.log->str, "Can't use /etc/ppp/pap-secrets: it holds NUL bytes\n"));
	CU_ASSERT_PTR_NULL(strstr(b.rig.log->str, "xx")); /* never a piece of a secret */
	bench_clear(&b);
	g_free(text);
	g_free(huge);
}

/* CVE-2026-55706: lengths first; an empty name and password match nothing that is not empty. */
static void cve_2026_55706_pap_compares_whole_passwords(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/ppp/pap-secrets", .text = "bob us secret *\nfree us \"\" *\nsys us @login *\n" },
		{ 0 },
	};
	struct secret nul;
	struct bench b;

	bench_init(&b, files);
	CU_ASSERT_TRUE(pap_accepts(&b, "bob", "secret"));
	CU_ASSERT_FALSE(pap_accepts(&b, "bob", ""));
	CU_ASSERT_FALSE(pap_accepts(&b, "bob", "secre"));
	CU_ASSERT_FALSE(pap_accepts(&b, "bob", "secretx"));
	CU_ASSERT_FALSE(pap_accepts(&b, "", ""));
	CU_ASSERT_TRUE(secret_set(&nul, "secret\0x", 8));
	CU_ASSERT_FALSE(secrets_of_files.check_pap(b.files, "bob", &nul, "us", NULL));
	CU_ASSERT_TRUE(pap_accepts(&b, "free", "whatever"));
	CU_ASSERT_FALSE(pap_accepts(&b, "sys", "@login"));
	CU_ASSERT_STRING_EQUAL(b.rig.log->str, "no PAP secret found for \n"
					       "the PAP secret for sys is @login, but slirppd is not built with PAM\n");
	bench_clear(&b);
}

static void pap_secrets_may_be_hashes(void)
{
	struct crypt_data *data = g_new0(struct crypt_data, 1);
	const char *hash = crypt_r("secret", "$6$saltsalt$", data);
	char *text = g_strdup_printf("bob us '%s' *\nplain us secret *\nbad us *0 *\n", hash);
	const struct memory_file files[] = { { .path = "/etc/ppp/pap-secrets", .text = text }, { 0 } };
	struct secret nul;
	struct bench b;

	bench_init(&b, files);
	CU_ASSERT_TRUE(pap_accepts(&b, "bob", "secret"));
	CU_ASSERT_FALSE(pap_accepts(&b, "bob", "Secret"));
	CU_ASSERT_TRUE(secret_set(&nul, "secret\0", 7));
	CU_ASSERT_FALSE(secrets_of_files.check_pap(b.files, "bob", &nul, "us", NULL));
	CU_ASSERT_TRUE(pap_accepts(&b, "plain", "secret"));
	CU_ASSERT_TRUE(pap_accepts(&b, "bob", hash)); /* as pppd: the clear text is tried first */
	b.rig.config->auth.papcrypt = true;
	CU_ASSERT_TRUE(pap_accepts(&b, "bob", "secret"));
	CU_ASSERT_FALSE(pap_accepts(&b, "bob", hash));
	CU_ASSERT_FALSE(pap_accepts(&b, "plain", "secret"));
	CU_ASSERT_FALSE(pap_accepts(&b, "bad", "*0"));
	CU_ASSERT_FALSE(pap_accepts(&b, "bad", "x"));
	bench_clear(&b);
	g_free(text);
	g_free(data);
}

static void nobody_is_welcome_where_the_file_says_so(void)
{
	static const struct {
		const char *text;
		bool welcome;
	} cases[] = {
		{ "\"\" * \"\" *\n", true }, { "\"\" us \"\" *\n", true }, { "* * \"\" *\n", false },
		{ "\"\" * x *\n", false },   { "\"\" them \"\" *\n", false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct memory_file files[] = { { .path = "/etc/ppp/pap-secrets", .text = cases[i].text }, { 0 } };
		struct rights rights = { 0 };
		struct bench b;

		bench_init(&b, files);
		CU_ASSERT_EQUAL(secrets_of_files.pap_null_login(b.files, "us", &rights), cases[i].welcome);
		CU_ASSERT_EQUAL(rights.addresses != NULL, cases[i].welcome);
		rights_clear(&rights);
		bench_clear(&b);
	}
}

/* The rules of an address column: +ADDRESS/MASK or -ADDRESS/MASK each, in hexadecimal. */
static char *rules_of(const GArray *rules)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; rules && i < rules->len; i++) {
		const struct address_rule *rule = &g_array_index(rules, struct address_rule, i);

		g_string_append_printf(text, "%c%08x/%08x ", rule->permit ? '+' : '-', rule->address, rule->mask);
	}
	return g_string_free(text, FALSE);
}

static void the_address_column_is_understood(void)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "-", "" },
		{ "*", "+00000000/00000000 " },
		{ "10.0.0.1", "+0a000001/ffffffff " },
		{ "10.0.0.1 !10.0.0.2 10.0.0.0/24", "+0a000001/ffffffff -0a000002/ffffffff +0a000000/ffffff00 " },
		{ "10.0.0.9/24", "+0a000000/ffffff00 " },
		{ "10.0.0.0/24+", "+0a000004/ffffffff " },
		{ "10.0.0.0/30+ 10.0.0.1", "+0a000001/ffffffff " },
		{ "example.net", "+c0000207/ffffffff " },
		{ "testnet", "+c6336400/ffffff00 " },
		{ "nobody.example 10.0.0.1", "+0a000001/ffffffff " },
		{ "!nobody.example 10.0.0.1", "" },
		{ "10.0.0.1 - *", "+0a000001/ffffffff " },
		{ "* !10.0.0.1", "+00000000/00000000 " },
		{ "10.0.0.1/0 10.0.0.1/33 10.0.0.1/x /8 !", "" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		char *text = g_strdup_printf("bob * x %s -- idle 5\n", cases[i][0]);
		const struct memory_file files[] = { { .path = "/etc/ppp/chap-secrets", .text = text }, { 0 } };
		struct rights rights = { 0 };
		struct bench b;

		bench_init(&b, files);
		secrets_files_set_unit(b.files, 3);
		CU_ASSERT_TRUE(secrets_of_files.find(b.files, SECRET_CHAP, "bob", "us", false, NULL, &rights));
		char *rules = rules_of(rights.addresses);
		CU_ASSERT_STRING_EQUAL(rules, cases[i][1]);
		CU_ASSERT_EQUAL(rights_let_an_address(&rights), strchr(cases[i][1], '+') != NULL);
		CU_ASSERT_EQUAL_FATAL(g_strv_length(rights.options), 2);
		CU_ASSERT_STRING_EQUAL(rights.options[1], "5");
		g_free(rules);
		rights_clear(&rights);
		bench_clear(&b);
		g_free(text);
	}
}

/* A reload may name other files. */
static void another_configuration(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/ppp/chap-secrets", .text = "bob us first\n" },
		{ .path = "/new/chap", .text = "bob us second\n" },
		{ 0 },
	};
	struct config *config = config_new();
	struct bench b;

	bench_init(&b, files);
	config->auth.chap_secrets = g_strdup("/new/chap");
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "bob", "us"), "first");
	secrets_files_set_config(b.files, config);
	CU_ASSERT_STRING_EQUAL(secret_for(&b, SECRET_CHAP, "bob", "us"), "second");
	bench_clear(&b);
	config_free(config);
}

/* allow-ip is appended, unless the line ends its own list. */
static void allow_ip_is_for_everybody(void)
{
	static const struct memory_file files[] = { { .path = "/etc/ppp/chap-secrets", .text = "a * x 10.0.0.1\nb * x -\nc * x\n" }, { 0 } };
	static const char *const cases[][2] = {
		{ "a", "+0a000001/ffffffff +0a000007/ffffffff " }, { "b", "" }, { "c", "+0a000007/ffffffff " },
	};
	const struct address_rule rule = { .permit = true, .address = 0x0a000007, .mask = UINT32_MAX };

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rights rights = { 0 };
		struct bench b;

		bench_init(&b, files);
		g_array_append_val(b.rig.config->auth.allow_ip, rule);
		CU_ASSERT_TRUE(secrets_of_files.find(b.files, SECRET_CHAP, cases[i][0], "us", false, NULL, &rights));
		char *rules = rules_of(rights.addresses);
		CU_ASSERT_STRING_EQUAL(rules, cases[i][1]);
		CU_ASSERT_PTR_NULL(rights.options);
		g_free(rules);
		rights_clear(&rights);
		bench_clear(&b);
	}
}

static void eaptls_files_name_certificates(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/ppp/eaptls-client", .text = "me them /my.crt - /ca.crt /my.key\npinned * /a /their.crt /ca /k\nfew * /a -\n" },
		{ .path = "/etc/ppp/eaptls-server", .text = "peer me - /srv.crt - /srv.key 10.0.0.0/24 -- mtu 500\n" },
		{ 0 },
	};
	struct tls_files found = { 0 };
	struct rights rights = { 0 };
	struct bench b;

	bench_init(&b, files);
	CU_ASSERT_TRUE(secrets_of_files.find_tls(b.files, false, "them", "me", &found, NULL));
	CU_ASSERT_STRING_EQUAL(found.own_cert, "/my.crt");
	CU_ASSERT_STRING_EQUAL(found.ca, "/ca.crt");
	CU_ASSERT_STRING_EQUAL(found.own_key, "/my.key");
	tls_files_clear(&found);
	CU_ASSERT_FALSE(secrets_of_files.find_tls(b.files, false, "others", "me", &found, NULL));
	CU_ASSERT_FALSE(secrets_of_files.find_tls(b.files, false, NULL, "few", &found, NULL));
	CU_ASSERT_STRING_EQUAL(b.rig.log->str, "");
	CU_ASSERT_FALSE(secrets_of_files.find_tls(b.files, false, NULL, "pinned", &found, NULL));
	CU_ASSERT_TRUE(secrets_of_files.find_tls(b.files, true, "peer", "me", &found, &rights));
	CU_ASSERT_STRING_EQUAL(found.own_cert, "/srv.crt");
	CU_ASSERT_PTR_NULL(found.ca);
	CU_ASSERT_EQUAL(rights.addresses->len, 1);
	CU_ASSERT_STRING_EQUAL(rights.options[0], "mtu");
	tls_files_clear(&found);
	rights_clear(&rights);
	bench_clear(&b);
}

static void random_files_never_crash(void)
{
	static const char alphabet[] = "a*@/-!#\"'\\ \n\t+0.1x";
	GRand *rand = g_rand_new_with_seed(1334);

	for (int round = 0; round < 5000; round++) {
		char text[256];
		gint32 len = g_rand_int_range(rand, 0, sizeof(text) - 1);

		for (gint32 i = 0; i < len; i++)
			text[i] = alphabet[g_rand_int_range(rand, 0, sizeof(alphabet) - 1)];
		text[len] = '\0';
		const struct memory_file files[] = { { .path = "/etc/ppp/chap-secrets", .text = text }, { 0 } };
		struct rights rights = { 0 };
		struct secret secret;
		struct bench b;

		bench_init(&b, files);
		if (secrets_of_files.find(b.files, SECRET_CHAP, "a", "x", true, &secret, &rights))
			CU_ASSERT_TRUE(secret.len <= AUTH_NAME_MAX && rights.addresses);
		rights_clear(&rights);
		bench_clear(&b);
	}
	g_rand_free(rand);
}

const struct unit_test unit_tests[] = {
	{ "secrets: the best line wins", the_best_line_wins },
	{ "secrets: words are quoted as in options files", words_are_quoted_as_in_options_files },
	{ "secrets: a secret may stand in a file of its own", a_secret_may_stand_in_a_file_of_its_own },
	{ "secrets: permissions are judged as pppd does", permissions_are_judged_as_pppd_does },
	{ "secrets: files that cannot be read are said", files_that_cannot_be_read_are_said },
	{ "secrets: a user's own files come first", a_users_own_files_come_first },
	{ "secrets: with more rights than the caller, the system's alone", more_rights_than_the_caller_look_at_the_systems_alone },
	{ "secrets: CVE-2014-3158, huge words", cve_2014_3158_huge_words },
	{ "secrets: CVE-2026-55706, PAP compares whole passwords", cve_2026_55706_pap_compares_whole_passwords },
	{ "secrets: pap-secrets may hold hashes", pap_secrets_may_be_hashes },
	{ "secrets: nobody is welcome where the file says so", nobody_is_welcome_where_the_file_says_so },
	{ "secrets: the address column is understood", the_address_column_is_understood },
	{ "secrets: another configuration", another_configuration },
	{ "secrets: allow-ip is for everybody", allow_ip_is_for_everybody },
	{ "secrets: eaptls files name certificates", eaptls_files_name_certificates },
	{ "secrets: random files never crash", random_files_never_crash },
	{ 0 },
};
