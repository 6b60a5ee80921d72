/* options of authentication, compression and IPv6: what they leave in the config, defaults that follow from the host, and pppd's checks of
 * what is demanded against what there is (auth.c, auth_check_options()). */
#include "unit.h"

#include <glib/gstdio.h>
#include <string.h>

#include "options_rig.h"

static void rig_with(struct rig *rig, const struct memory_file *files, char *words[])
{
	rig_init(rig, NULL);
	rig->files = files;
	rig_run(rig, words);
}

#define WITH(rig, files, ...) rig_with(rig, files, (char *[]){ __VA_ARGS__, NULL })

static const struct memory_file chap_alone[] = { { .path = "/etc/ppp/chap-secrets", .text = "bob box secret *\nal box x -\n" }, { 0 } };

static void defaults_are_pppds(void)
{
	struct config *config = config_new();
	const struct auth_config *auth = &config->auth;

	CU_ASSERT_FALSE(auth->required);
	CU_ASSERT_EQUAL(auth->require | auth->refuse, 0);
	CU_ASSERT_TRUE(auth->pap.restart == 3 && auth->pap.max_requests == 10 && auth->pap.timeout == 30);
	CU_ASSERT_TRUE(auth->chap.restart == 3 && auth->chap.max_challenges == 10 && auth->chap.interval == 0 && auth->chap.timeout == 60);
	CU_ASSERT_TRUE(auth->eap.restart == 3 && auth->eap.max_requests == 30 && auth->eap.interval == 0);
	CU_ASSERT_TRUE(auth->eap.timeout == 20 && auth->eap.max_answers == 20);
	CU_ASSERT_EQUAL(auth->tls.max_version, 12);
	CU_ASSERT_TRUE(config->ccp.enabled && config->ccp.deflate_draft && !config->ccp.mppe && !config->ccp.mppe_required);
	CU_ASSERT_TRUE(config->ccp.deflate_receive == 15 && config->ccp.deflate_send == 15);
	CU_ASSERT_TRUE(config->ccp.bsd_receive == 15 && config->ccp.bsd_send == 15);
	CU_ASSERT_TRUE(config->ipv6cp.enabled);
	CU_ASSERT_EQUAL(config->ipv6cp.limits.max_failure, 5);
	CU_ASSERT_EQUAL(config->ccp.limits.restart, 3);
	config_free(config);
}

static void require_and_refuse_accumulate(void)
{
	struct rig rig;

	WITH(&rig, chap_alone, "slirppd", "notty", "+chap", "require-eap", "-pap", "refuse-mschap");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_TRUE(rig.config->auth.required);
	CU_ASSERT_EQUAL(rig.config->auth.require, AUTH_CHAP_MD5 | AUTH_EAP);
	CU_ASSERT_EQUAL(rig.config->auth.refuse, AUTH_PAP | AUTH_MSCHAP);
	rig_clear(&rig);
	WITH(&rig, chap_alone, "slirppd", "notty", "require-mschap-v2", "noauth");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_FALSE(rig.config->auth.required);
	CU_ASSERT_EQUAL(rig.config->auth.require, 0);
	rig_clear(&rig);
	WITH(&rig, chap_alone, "slirppd", "notty", "noauth", "auth");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_TRUE(rig.config->auth.required);
	rig_clear(&rig);
}

static void names_follow_from_the_host(void)
{
	static const struct {
		char *words[6];
		const char *name, *user;
	} cases[] = {
		{ { "noauth" }, "box", "box" },
		{ { "domain", "example" }, "box.example", "box.example" },
		{ { "domain", ".example", "user", "me" }, "box.example", "me" },
		{ { "name", "isp" }, "isp", "isp" },
		{ { "name", "isp", "usehostname", "user", "" }, "box", "" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		char *words[9] = { "slirppd", "notty" };
		struct rig rig;

		memcpy(words + 2, cases[i].words, sizeof(cases[i].words));
		rig_with(&rig, NULL, words);
		CU_ASSERT_TRUE(rig.go);
		CU_ASSERT_STRING_EQUAL(rig.config->auth.name, cases[i].name);
		CU_ASSERT_STRING_EQUAL(rig.config->auth.user, cases[i].user);
		rig_clear(&rig);
	}
}

static void both_lines_of_ua_count(void)
{
	static const struct memory_file files[] = {
		{ .path = "/login", .text = "bob\nge heim\n" }, { .path = "/short", .text = "bob\n" }, { .path = "/empty", .text = "" },
		{ .path = "/none", .text = "bob\n\n" }, { 0 },
	};
	struct rig rig;

	WITH(&rig, files, "slirppd", "notty", "+ua", "/login");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_STRING_EQUAL(rig.config->auth.user, "bob");
	CU_ASSERT_STRING_EQUAL(rig.config->auth.password, "ge heim");
	rig_dump(&rig);
	CU_ASSERT_PTR_NULL(strstr(rig.log->str, "heim"));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.log->str, "+ua /login\t\t# (from command line)\nuser bob\t\t"));
	rig_clear(&rig);
	WITH(&rig, files, "slirppd", "notty", "+ua", "/none");
	CU_ASSERT_STRING_EQUAL(rig.config->auth.password, "");
	rig_clear(&rig);
	for (size_t i = 1; i < 3; i++) {
		char *want = g_strdup_printf("slirppd: unable to read user login data file %s\n", files[i].path);

		WITH(&rig, files, "slirppd", "notty", "+ua", (char *)files[i].path);
		CU_ASSERT_STRING_EQUAL(rig.out, want);
		rig_clear(&rig);
		g_free(want);
	}
}

static void auth_needs_a_secret(void)
{
	static const struct {
		char *words[6];
		const char *says; /* NULL: it goes on */
	} cases[] = {
		{ { "auth" }, NULL },
		{ { "require-chap" }, NULL },
		{ { "require-eap" }, NULL },
		{ { "require-mschap-v2", "remotename", "bob" }, NULL },
		{ { "require-pap" }, "The remote system is required to authenticate itself" },
		{ { "auth", "name", "other" }, "The remote system is required to authenticate itself" },
		{ { "auth", "remotename", "eve" }, "The remote system (eve) is required to authenticate itself" },
		{ { "auth", "remotename", "al" }, "The remote system (al) is required to authenticate itself" },
		{ { "require-pap", "allow-ip", "10.0.0.1" }, NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		char *words[9] = { "slirppd", "notty" };
		struct rig rig;

		memcpy(words + 2, cases[i].words, sizeof(cases[i].words));
		rig_with(&rig, chap_alone, words);
		CU_ASSERT_EQUAL(rig.go, !cases[i].says);
		char *want = g_strdup_printf("slirppd: %s\nslirppd: but I couldn't find any suitable secret (password) for it to use to do so.\n%s",
					     cases[i].says ? cases[i].says : "",
					     i == 7 ? "slirppd: (None of the available passwords would let it use an IP address.)\n" : "");
		CU_ASSERT_STRING_EQUAL(rig.out, cases[i].says ? want : "");
		CU_ASSERT_EQUAL(rig.status, cases[i].says ? EXIT_FATAL_ERROR : EXIT_OK);
		g_free(want);
		rig_clear(&rig);
	}
}

static bool asks_by_default(char *program, bool privileged, char *net, char *noauth)
{
	struct rig rig;

	rig_init(&rig, NULL);
	rig.files = (const struct memory_file[]){ { .path = "/etc/ppp/options", .text = noauth }, { 0 } };
	rig.options->world.privileged = privileged;
	rig_run(&rig, (char *[]){ program, "notty", "net", net, NULL });
	bool asks = strstr(rig.out, "By default the remote system is required to authenticate itself\n") != NULL;
	CU_ASSERT_EQUAL(rig.go, !asks);
	rig_clear(&rig);
	return asks;
}

static void pppds_rule_for_callers_with_less_rights(void)
{
	CU_ASSERT_FALSE(asks_by_default("slirppd", true, "slirp", ""));
	CU_ASSERT_FALSE(asks_by_default("slirppd", false, "slirp", ""));
	CU_ASSERT_TRUE(asks_by_default("slirppd", false, "tun", ""));
	CU_ASSERT_TRUE(asks_by_default("pppd", false, "slirp", ""));
	CU_ASSERT_FALSE(asks_by_default("pppd", true, "slirp", ""));
	CU_ASSERT_FALSE(asks_by_default("pppd", false, "slirp", "noauth"));
}

static void callers_are_judged_by_their_number(void)
{
	static const struct {
		char *number;
		int status;
	} cases[] = {
		{ "0305550", EXIT_OK }, { "abc1", EXIT_OK }, { "ABc", EXIT_OK },
		{ "0305551", EXIT_CNID_AUTH_FAILED }, { "", EXIT_CNID_AUTH_FAILED },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rig rig;

		WITH(&rig, NULL, "slirppd", "notty", "allow-number", "0305550", "allow-number", "Abc*", "remotenumber", cases[i].number);
		CU_ASSERT_EQUAL((int)rig.status, cases[i].status);
		rig_clear(&rig);
	}
	struct rig rig;
	WITH(&rig, NULL, "slirppd", "notty", "allow-number", "1", "remotenumber", "12");
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: calling number 12 is not authorized\n");
	rig_clear(&rig);
}

static void compression_and_encryption(void)
{
	struct rig rig;

	WITH(&rig, NULL, "slirppd", "notty", "deflate", "12,8", "bsdcomp", "0,9", "nodeflatedraft", "+mppe", "nomppe-40", "mppe-stateful");
	CU_ASSERT_TRUE(rig.go);
	const struct ccp_config *ccp = &rig.config->ccp;
	CU_ASSERT_TRUE(ccp->deflate_receive == 12 && ccp->deflate_send == 9 && !ccp->deflate_draft);
	CU_ASSERT_TRUE(ccp->bsd_receive == 0 && ccp->bsd_send == 9);
	CU_ASSERT_TRUE(ccp->mppe == MPPE_128 && ccp->mppe_required && ccp->mppe_stateful);
	rig_dump(&rig);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.log->str, "deflate option value of 8 changed to 9 to avoid zlib bug\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.log->str, "\ndeflate 12,9\t\t#"));
	rig_clear(&rig);
	WITH(&rig, NULL, "slirppd", "notty", "deflate", "12", "-deflate", "nobsdcomp", "require-mppe-128", "nomppe", "noccp");
	CU_ASSERT_TRUE(rig.go);
	ccp = &rig.config->ccp;
	CU_ASSERT_EQUAL(ccp->deflate_receive | ccp->deflate_send | ccp->bsd_receive | ccp->bsd_send | ccp->mppe, 0);
	CU_ASSERT_FALSE(ccp->mppe_required || ccp->enabled);
	rig_clear(&rig);
}

static void identifiers_are_read_as_addresses(void)
{
	static const struct memory_file files[] = { { .path = "/etc/slirppd/options", .text = "ipv6 ::5,::6" }, { 0 } };
	struct rig rig;

	WITH(&rig, files, "slirppd", "notty", "ipv6", "::1:2:3:4", "ipv6cp-accept-remote");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_EQUAL(rig.config->ipv6cp.local, UINT64_C(0x0001000200030004));
	CU_ASSERT_EQUAL(rig.config->ipv6cp.remote, 6);
	CU_ASSERT_TRUE(rig.config->ipv6cp.accept_remote);
	rig_clear(&rig);
	WITH(&rig, files, "slirppd", "notty", "noipv6", "ipv6", ",::1");
	CU_ASSERT_TRUE(rig.config->ipv6cp.enabled);
	CU_ASSERT_EQUAL(rig.config->ipv6cp.remote, 1);
	rig_clear(&rig);
	WITH(&rig, files, "slirppd", "notty", "noipv6");
	CU_ASSERT_FALSE(rig.config->ipv6cp.enabled);
	rig_clear(&rig);
}

static void rfc5072_4_1_an_identifier_from_an_ethernet_address(void)
{
	struct rig rig;

	WITH(&rig, NULL, "slirppd", "notty", "ipv6cp-use-persistent");
	CU_ASSERT_EQUAL(rig.config->ipv6cp.local, UINT64_C(0x00005efffe102030));
	rig_clear(&rig);
	WITH(&rig, NULL, "slirppd", "notty", "ipv6cp-use-persistent", "ipv6", "::1");
	CU_ASSERT_EQUAL(rig.config->ipv6cp.local, 1);
	rig_clear(&rig);
	rig_init(&rig, NULL);
	rig.no_ethernet = true;
	rig_run(&rig, (char *[]){ "slirppd", "notty", "ipv6cp-use-persistent", NULL });
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_EQUAL(rig.config->ipv6cp.local, 0);
	rig_clear(&rig);
}

/* What a secrets file's line adds, with all else as it was. */
static void late_words(const struct rig *rig, const char *const words[], struct config *config, const char *error)
{
	char *why = NULL;
	bool ok = secrets_apply_options(rig->options, words, config, &why);

	CU_ASSERT_EQUAL(ok, !error);
	if (error)
		CU_ASSERT_STRING_EQUAL(why, error);
	g_free(why);
}

static void options_of_a_secrets_line_win(void)
{
	static const struct memory_file files[] = { { .path = "/etc/slirppd/options", .text = "maxconnect 30 ms-dns 10.9.9.9" }, { 0 } };
	struct config *config = config_new();
	struct rig rig;

	rig_init(&rig, NULL);
	rig.files = files;
	rig.options->world.privileged = false;
	rig_run(&rig, (char *[]){ "slirppd", "notty", "idle", "5", "10.0.0.1:10.0.0.2", "password", "x", NULL });
	CU_ASSERT_TRUE(rig.go);
	late_words(&rig, (const char *const[]){ "maxconnect", "60", "idle", "0", ":10.0.0.7", "noccp", NULL }, config, NULL);
	CU_ASSERT_EQUAL(config->maxconnect, 60);
	CU_ASSERT_EQUAL(config->idle, 0);
	CU_ASSERT_EQUAL(config->ipcp.local, 0x0a000001);
	CU_ASSERT_EQUAL(config->ipcp.remote, 0x0a000007);
	CU_ASSERT_EQUAL(config->ipcp.dns[0], 0x0a090909);
	CU_ASSERT_STRING_EQUAL(config->auth.password, "x");
	CU_ASSERT_FALSE(config->ccp.enabled);
	config_free(config);
	rig_clear(&rig);
}

static void bad_options_of_a_secrets_line_are_errors(void)
{
	static const struct {
		const char *words[3];
		const char *error;
	} cases[] = {
		{ { "idle" }, "In secrets file: too few parameters for option idle" },
		{ { "nonsense" }, "In secrets file: unrecognized option 'nonsense' (no such option or device)" },
		{ { "pty", "x" }, "In secrets file: pty option cannot be changed after initialization" },
		{ { "/dev/ttyS0" }, "In secrets file: device name cannot be changed after initialization" },
		{ { "--help" }, "In secrets file: --help is for the start of the program only" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct config *config = config_new();
		struct rig rig;

		RIG_RUN(&rig, "slirppd", "notty");
		late_words(&rig, cases[i].words, config, cases[i].error);
		config_free(config);
		rig_clear(&rig);
	}
}

/* A program in the background reads them again, in another folder. */
static void relative_paths_stay_where_they_were(void)
{
	char *here = g_get_current_dir();
	char *path = g_build_filename(here, "mine", NULL);
	const struct memory_file files[] = { { .path = path, .text = "bob box secret *\n" }, { 0 } };
	const char *const late[] = { "maxconnect", "60", NULL };
	struct config *config = config_new();
	struct rig rig;

	WITH(&rig, files, "slirppd", "notty", "auth", "chap-secrets", "mine", "ca", "certs/ca");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_STRING_EQUAL(rig.config->auth.chap_secrets, path);
	CU_ASSERT_EQUAL_FATAL(g_chdir("/"), 0);
	late_words(&rig, late, config, NULL);
	CU_ASSERT_EQUAL(g_chdir(here), 0);
	CU_ASSERT_EQUAL(config->maxconnect, 60);
	CU_ASSERT_STRING_EQUAL(config->auth.chap_secrets, path);
	CU_ASSERT_STRING_EQUAL(config->auth.tls.ca, rig.config->auth.tls.ca);
	config_free(config);
	rig_clear(&rig);
	g_free(path);
	g_free(here);
}

const struct unit_test unit_tests[] = {
	{ "auth options: defaults are pppd's", defaults_are_pppds },
	{ "auth options: require- and refuse- accumulate", require_and_refuse_accumulate },
	{ "auth options: names follow from the host's", names_follow_from_the_host },
	{ "auth options: both lines of +ua count", both_lines_of_ua_count },
	{ "auth options: auth needs a secret", auth_needs_a_secret },
	{ "auth options: pppd's rule for callers with less rights", pppds_rule_for_callers_with_less_rights },
	{ "auth options: callers are judged by their number", callers_are_judged_by_their_number },
	{ "auth options: compression and encryption", compression_and_encryption },
	{ "auth options: identifiers are read as addresses", identifiers_are_read_as_addresses },
	{ "auth options: RFC 5072 4.1, an identifier from an Ethernet address", rfc5072_4_1_an_identifier_from_an_ethernet_address },
	{ "auth options: those of a secrets line win", options_of_a_secrets_line_win },
	{ "auth options: relative paths stay where they were", relative_paths_stay_where_they_were },
	{ "auth options: bad ones of a secrets line are errors", bad_options_of_a_secrets_line_are_errors },
	{ 0 },
};
