/* Options that make slirppd stand in for pppd: demand, filters, hooks, plugins, what belongs to an interface. */
#include "unit.h"

#include <string.h>

#include "options_rig.h"

static bool noted(const struct rig *rig, const char *text)
{
	for (guint i = 0; i < rig->options->notes->len; i++)
		if (strstr(g_ptr_array_index(rig->options->notes, i), text))
			return true;
	return false;
}

static void variables_change_in_their_order(void)
{
	static const char *const expected[] = { "A=1", "B", "A=2" };
	struct rig rig;

	RIG_RUN(&rig, "pppd", "notty", "set", "A=1", "unset", "B", "set", "A=2");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_EQUAL(rig.config->script_env->len, G_N_ELEMENTS(expected));
	for (guint i = 0; i < rig.config->script_env->len; i++)
		CU_ASSERT_STRING_EQUAL(g_ptr_array_index(rig.config->script_env, i), expected[i]);
	char **environment = config_environment(g_strsplit("B=0 C=3", " ", -1), rig.config->script_env);
	CU_ASSERT_STRING_EQUAL(g_environ_getenv(environment, "A"), "2");
	CU_ASSERT_PTR_NULL(g_environ_getenv(environment, "B"));
	g_strfreev(environment);
	rig_clear(&rig);
}

static void hooks_have_paths_of_their_own(void)
{
	struct rig rig;

	RIG_RUN(&rig, "pppd", "notty", "ip-up-script", "/a", "ipv6-down-script", "/b", "net-init-script", "/c");
	CU_ASSERT_STRING_EQUAL(rig.config->hooks[HOOK_IP_UP], "/a");
	CU_ASSERT_STRING_EQUAL(rig.config->hooks[HOOK_IPV6_DOWN], "/b");
	CU_ASSERT_STRING_EQUAL(rig.config->hooks[HOOK_NET_INIT], "/c");
	CU_ASSERT_PTR_NULL(rig.config->hooks[HOOK_IP_DOWN]);
	rig_clear(&rig);
}

static void the_peer_that_was_called_is_known(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/ppp/peers/outer", .text = "call inner\n" }, { .path = "/etc/ppp/peers/inner", .text = "ipparam p\n" }, { 0 }
	};
	struct rig rig;

	rig_init(&rig, NULL);
	rig.files = files;
	rig_run(&rig, (char *[]){ "pppd", "notty", "call", "outer", NULL });
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_STRING_EQUAL(rig.config->call_file, "inner");
	CU_ASSERT_STRING_EQUAL(rig.config->ipparam, "p");
	rig_clear(&rig);
}

/* The last words of a command line, and the error that they are; NULL: none. */
struct verdict {
	const char *words[6];
	const char *says;
};

static void judge(const char *program, const struct verdict *v)
{
	char *words[8] = { (char *)program };
	struct rig rig;

	for (size_t i = 0; i < G_N_ELEMENTS(v->words) && v->words[i]; i++)
		words[i + 1] = (char *)v->words[i];
	rig_init(&rig, NULL);
	rig_run(&rig, words);
	CU_ASSERT_EQUAL(rig.go, v->says == NULL);
	if (v->says) {
		CU_ASSERT_EQUAL(rig.status, EXIT_OPTION_ERROR);
		CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(rig.out, v->says));
	}
	rig_clear(&rig);
}

static void pppds_rules_on_lines(void)
{
	static const struct verdict verdicts[] = {
		{ { "demand", "notty" }, "demand-dialling is incompatible with notty" },
		{ { "demand", "/dev/ttyS0" }, "connect script is required for demand-dialling" },
		{ { "demand", "/dev/ttyS0", "connect", "true" }, NULL },
		{ { "demand", "pty", "true" }, NULL },
		{ { "sync", "/dev/ttyS0" }, "sync is for pty, notty, socket" },
		{ { "sync", "/dev/pts/3" }, NULL },
		{ { "sync", "notty" }, NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(verdicts); i++)
		judge("pppd", &verdicts[i]);
}

static void plugins_are_built_in_or_an_error(void)
{
	static const struct verdict verdicts[] = {
		{ { "notty", "plugin", "minconn.so", "minconnect", "5" }, NULL },
		{ { "notty", "plugin", "/usr/lib/pppd/2.5.0/passwordfd.so" }, NULL },
		{ { "notty", "plugin", "rp-pppoe.so" }, "Couldn't load plugin rp-pppoe.so: for PPPoE use pty" },
		{ { "notty", "plugin", "/lib/mine.so" }, "Couldn't load plugin /lib/mine.so" },
		{ { "nic-eth0" }, "PPPoE: use pty" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(verdicts); i++)
		judge("pppd", &verdicts[i]);
}

static void passwords_from_elsewhere(void)
{
	struct rig rig;

	RIG_RUN(&rig, "pppd", "notty", "plugin", "passwordfd.so", "passwordfd", "4");
	CU_ASSERT_STRING_EQUAL(rig.config->auth.password, "piped");
	rig_clear(&rig);
	RIG_RUN(&rig, "pppd", "notty", "passwordfd", "5");
	CU_ASSERT_FALSE(rig.go);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.out, "Can't read the password from descriptor 5"));
	rig_clear(&rig);
	RIG_RUN(&rig, "pppd", "notty", "promptprog", "/bin/ask", "user", "bob", "remotename", "isp");
	CU_ASSERT_STRING_EQUAL(rig.config->auth.password, "bob:isp");
	rig_clear(&rig);
	RIG_RUN(&rig, "pppd", "notty", "promptprog", "/bin/ask", "password", "given");
	CU_ASSERT_STRING_EQUAL(rig.config->auth.password, "given");
	rig_clear(&rig);
	RIG_RUN(&rig, "pppd", "notty", "promptprog", "/bin/none");
	CU_ASSERT_FALSE(rig.go);
	rig_clear(&rig);
}

static void filters_are_tried_at_once(void)
{
	static const struct verdict verdicts[] = {
		{ { "notty", "pass-filter", "tcp and not port 25" }, NULL },
		{ { "notty", "pass-filter", "wrong" }, "error in pass-filter expression: syntax error" },
		{ { "notty", "active-filter", "wrong" }, "error in active-filter expression: syntax error" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(verdicts); i++)
		judge("pppd", &verdicts[i]);
}

static void masks_as_pppd_reads_them(void)
{
	static const struct {
		const char *text;
		uint32_t mask; /* 0: an error */
	} cases[] = {
		{ "255.255.255.0", UINT32_C(0xffffff00) }, { "0xffffff00", UINT32_C(0xffffff00) }, { "0xff.0377.255.128", UINT32_C(0xffffff80) },
		{ "255.255.256.0", 0 }, { "255.255.255", 0 }, { "255.255.255.0x", 0 }, { "word", 0 }, { "0x1ffffffff", 0 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rig rig;

		RIG_RUN(&rig, "pppd", "notty", "netmask", (char *)cases[i].text);
		CU_ASSERT_EQUAL(rig.go, cases[i].mask != 0);
		CU_ASSERT_EQUAL(rig.config->net.netmask, cases[i].mask);
		rig_clear(&rig);
	}
	judge("pppd", &(struct verdict){ { "notty", "netmask", "255.255.255.0", "netmask", "255.255.0.0" }, "invalid netmask value '255.255.0.0'" });
}

static void what_needs_an_interface_is_noted_without_one(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "notty", "defaultroute", "proxyarp", "netmask", "255.0.0.0", "defaultroute-metric", "5");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_EQUAL(rig.options->notes->len, 2);
	CU_ASSERT_TRUE(noted(&rig, "the defaultroute option has no effect with net slirp"));
	CU_ASSERT_TRUE(noted(&rig, "the proxyarp option has no effect with net slirp"));
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "pty", "true", "demand");
	CU_ASSERT_TRUE(noted(&rig, "the line is opened at once"));
	CU_ASSERT_TRUE(rig.config->persist);
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "notty", "net", "tun", "defaultroute", "nodefaultroute");
	CU_ASSERT_EQUAL(rig.options->notes->len, 0);
	CU_ASSERT_FALSE(rig.config->net.defaultroute);
	rig_clear(&rig);
	judge("pppd", &(struct verdict){ { "notty", "nodefaultroute", "defaultroute" }, "defaultroute option is disabled" });
}

static void addresses_of_an_interface_are_pppds(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "notty", "net", "tun");
	CU_ASSERT_EQUAL(rig.config->ipcp.local, 0); /* box has no address */
	CU_ASSERT_EQUAL(rig.config->ipcp.remote, 0);
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "notty", "net", "tun", "192.0.2.1:");
	CU_ASSERT_EQUAL(rig.config->ipcp.local, UINT32_C(0xc0000201));
	CU_ASSERT_EQUAL(rig.config->ipcp.remote, 0);
	rig_clear(&rig);
}

static void traffic_limits(void)
{
	struct rig rig;

	RIG_RUN(&rig, "pppd", "notty", "mo", "1000", "mo-direction", "max", "mo-timeout", "5");
	CU_ASSERT_EQUAL(rig.config->maxoctets, 1000);
	CU_ASSERT_EQUAL(rig.config->mo_direction, OCTETS_MAX);
	CU_ASSERT_EQUAL(rig.config->mo_timeout, 5);
	rig_clear(&rig);
	RIG_RUN(&rig, "pppd", "notty", "mo-direction", "in", "mo-direction", "both");
	CU_ASSERT_EQUAL(rig.config->mo_direction, OCTETS_SUM);
	rig_clear(&rig);
}

const struct unit_test unit_tests[] = {
	{ "pppd options: variables change in their order", variables_change_in_their_order },
	{ "pppd options: hooks have paths of their own", hooks_have_paths_of_their_own },
	{ "pppd options: the peer that was called is known", the_peer_that_was_called_is_known },
	{ "pppd options: pppd's rules on lines", pppds_rules_on_lines },
	{ "pppd options: plugins are built in, or an error", plugins_are_built_in_or_an_error },
	{ "pppd options: passwords from elsewhere", passwords_from_elsewhere },
	{ "pppd options: filters are tried at once", filters_are_tried_at_once },
	{ "pppd options: masks as pppd reads them", masks_as_pppd_reads_them },
	{ "pppd options: what needs an interface is noted without one", what_needs_an_interface_is_noted_without_one },
	{ "pppd options: addresses of an interface are pppd's", addresses_of_an_interface_are_pppds },
	{ "pppd options: traffic limits", traffic_limits },
	{ 0 },
};
