/* doors: access lists, listening addresses, limits, proxies, and reading everything once more. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "compat/pppd/spec.h"
#include "options_rig.h"

struct access_case {
	const char *text;
	uint8_t prefix;
	uint16_t port;
	uint8_t bytes[16];
};

static void access_rules_are_understood(void)
{
	static const struct access_case cases[] = {
		{ "192.0.2.0/24", 120, 0, { [10] = 0xff, 0xff, 192, 0, 2, 0 } },
		{ "192.0.2.7", 128, 0, { [10] = 0xff, 0xff, 192, 0, 2, 7 } },
		{ "192.0.2.7:443", 128, 443, { [10] = 0xff, 0xff, 192, 0, 2, 7 } },
		{ "0.0.0.0/0:65535", 96, 65535, { [10] = 0xff, 0xff } },
		{ "10.128.0.0/9", 105, 0, { [10] = 0xff, 0xff, 10, 128 } },
		{ "::/0", 0, 0, { 0 } },
		{ "2001:db8::/32", 32, 0, { 0x20, 0x01, 0x0d, 0xb8 } },
		{ "[2001:db8::/32]", 32, 0, { 0x20, 0x01, 0x0d, 0xb8 } },
		{ "[2001:db8::1]:80", 128, 80, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
		{ "[2001:db8::/32]:80", 32, 80, { 0x20, 0x01, 0x0d, 0xb8 } },
		{ "[2001:db8::]/32:80", 32, 80, { 0x20, 0x01, 0x0d, 0xb8 } },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct access_rule rule = { .permit = true };
		char *why = NULL;

		CU_ASSERT_TRUE(spec_access("deny-to", cases[i].text, &rule, &why));
		CU_ASSERT_PTR_NULL(why);
		CU_ASSERT_TRUE(rule.permit);
		CU_ASSERT_EQUAL(rule.prefix, cases[i].prefix);
		CU_ASSERT_EQUAL(rule.port, cases[i].port);
		CU_ASSERT_EQUAL(memcmp(rule.addr.s6_addr, cases[i].bytes, 16), 0);
		g_free(why);
	}
}

static void bad_access_rules_say_what_was_meant(void)
{
	static const char *const cases[][3] = {
		{ "deny-to", "10.0.0.1/8",
		  "deny-to 10.0.0.1/8: bits are set beyond /8; is the network 10.0.0.0/8 meant, or the one host 10.0.0.1?" },
		{ "deny-to", "2001:db8::1/32",
		  "deny-to 2001:db8::1/32: bits are set beyond /32; is the network 2001:db8::/32 meant, or the one host 2001:db8::1?" },
		{ "deny-to", "10.0.0.0/33", "deny-to 10.0.0.0/33: a length is a number from 0 to 32" },
		{ "deny-to", "::/129", "deny-to ::/129: a length is a number from 0 to 128" },
		{ "deny-to", "10.0.0.0/", "deny-to 10.0.0.0/: a length is a number from 0 to 32" },
		{ "deny-to", "10.0.0.0/-1", "deny-to 10.0.0.0/-1: a length is a number from 0 to 32" },
		{ "deny-to", "10.0.0.0/8:0", "deny-to 10.0.0.0/8:0: a port is a number from 1 to 65535, not '0'" },
		{ "deny-to", "10.0.0.0/8:", "deny-to 10.0.0.0/8:: a port is a number from 1 to 65535, not ''" },
		{ "deny-to", "example.net", "deny-to must be ADDRESS[/LENGTH][:PORT], not 'example.net'" },
		{ "permit-from", "", "permit-from must be ADDRESS[/LENGTH], not ''" },
		{ "permit-from", "10.0.0.0/8:80",
		  "permit-from 10.0.0.0/8:80: a port belongs to permit-to and deny-to; here it is the peer's own address that counts" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct access_rule rule;
		char *why = NULL;

		CU_ASSERT_FALSE(spec_access(cases[i][0], cases[i][1], &rule, &why));
		CU_ASSERT_STRING_EQUAL(why, cases[i][2]);
		g_free(why);
	}
}

static void listening_addresses_are_understood(void)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} cases[] = {
		{ "1080", "127.0.0.1", 1080 },       { "0.0.0.0:1080", "0.0.0.0", 1080 }, { "*:1", "0.0.0.0", 1 },
		{ "localhost:1", "127.0.0.1", 1 },   { "[::1]:65535", "::1", 65535 },     { "[::]:1", "::", 1 },
		{ "192.0.2.1:9", "192.0.2.1", 9 },
	};
	static const char *const bad[] = { "", ":", "0", "65536", "x", "::1", "::1:80", "example.net:1", "1.2.3:1", "[::1]", "[::1", "1.2.3.4:" };
	struct listen_address listen;
	char *why = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		CU_ASSERT_TRUE(spec_listen("socks", cases[i].text, &listen, &why));
		CU_ASSERT_STRING_EQUAL(listen.host, cases[i].host);
		CU_ASSERT_EQUAL(listen.port, cases[i].port);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		CU_ASSERT_FALSE(spec_listen("socks", bad[i], &listen, &why));
		CU_ASSERT_TRUE(g_str_has_prefix(why, "socks "));
		g_clear_pointer(&why, g_free);
	}
}

static void proxies_are_checked_and_never_told(void)
{
	static const char *const good[] = {
		"socks5://192.0.2.1", "http://proxy.example:3128", "http://proxy.example:3128/", "socks5://me:geheim@[2001:db8::1]:1080",
		"http://me:@proxy.example", "SOCKS5://proxy.example/", "socks5://m%3Ae:s%40cret@[2001:db8::1]:65535", "http://[::1]:8080/",
	};
	static const char *const bad[] = {
		"", "geheim", "ftp://me:geheim@x", "socks5://", "socks5://me:geheim@", "http://x:0", "http://x:65536", "http://x:y",
		"http://me:geheim@x/path", "http://x?geheim", "http://x#geheim", "http://me@x", "http://me:gehe%im@x",
		"socks5h://x", "socks5:x", "socks5://:1080", "http://a%0d%0ab", "socks5://x:-1", "socks5://[2001:db8::1", "http://m%3Ae:geheim@x",
	};
	char *why = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		CU_ASSERT_TRUE(spec_proxy(good[i], &why));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		CU_ASSERT_FALSE(spec_proxy(bad[i], &why));
		CU_ASSERT_TRUE(g_str_has_prefix(why, "proxy"));
		CU_ASSERT_PTR_NULL(strstr(why, "gehe"));
		g_clear_pointer(&why, g_free);
	}
}

/* RFC 1929 §2 */
static void credentials_of_a_proxy_have_255_bytes(void)
{
	char *name = g_strnfill(256, 'x');

	for (int len = 255; len <= 256; len++) {
		char *url = g_strdup_printf("socks5://%.*s:y@proxy.example", len, name);
		char *why = NULL;

		CU_ASSERT_EQUAL(spec_proxy(url, &why), len == 255);
		g_free(why);
		g_free(url);
	}
	g_free(name);
}

static void limits_and_sizes_land(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "notty", "rate-limit", "10/50", "lockout", "5/300", "max-flows", "7", "max-flows-per-service", "3",
		"capture-size", "10M", "capture", "/x", "control", "/y");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_EQUAL(rig.config->net.rate, 10);
	CU_ASSERT_EQUAL(rig.config->net.burst, 50);
	CU_ASSERT_EQUAL(rig.config->net.lockout_refusals, 5);
	CU_ASSERT_EQUAL(rig.config->net.lockout_seconds, 300);
	CU_ASSERT_EQUAL(rig.config->net.max_flows, 7);
	CU_ASSERT_EQUAL(rig.config->net.max_flows_per_service, 3);
	CU_ASSERT_EQUAL(rig.config->capture_size, 10U << 20);
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "notty", "rate-limit", "0", "lockout", "0", "capture-size", "3G");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_EQUAL(rig.config->net.rate, 0);
	CU_ASSERT_EQUAL(rig.config->net.lockout_refusals, 0);
	CU_ASSERT_EQUAL(rig.config->capture_size, 3U << 30);
	rig_clear(&rig);
}

static void bad_limits_and_sizes_are_errors(void)
{
	static char *const cases[][2] = {
		{ "rate-limit", "" }, { "rate-limit", "x" }, { "rate-limit", "1/" }, { "rate-limit", "1/0" }, { "rate-limit", "-1" },
		{ "lockout", "5" }, { "lockout", "5/0" }, { "lockout", "/5" }, { "capture-size", "4G" }, { "capture-size", "1kk" },
		{ "capture-size", "k" }, { "capture-size", "1T" }, { "mode", "server" }, { "socks-user", "me" }, { "socks-password", "x" },
		{ "metrics", "x" }, { "proxy", "x" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rig rig;

		RIG_RUN(&rig, "slirppd", "notty", cases[i][0], cases[i][1]);
		CU_ASSERT_FALSE(rig.go);
		CU_ASSERT_EQUAL(rig.status, EXIT_OPTION_ERROR);
		char *begin = g_strdup_printf("slirppd: %s", cases[i][0]);
		CU_ASSERT_TRUE(g_str_has_prefix(rig.out, begin));
		g_free(begin);
		rig_clear(&rig);
	}
}

static void socks_asks_for_name_servers(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "notty", "socks", "1080", "socks", "[::1]:1080", "socks-user", "me", "socks-password", "geheim", "proxy",
		"http://me:geheim@192.0.2.1");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_TRUE(rig.config->ipcp.usepeerdns);
	CU_ASSERT_EQUAL(rig.config->net.socks->len, 2);
	CU_ASSERT_STRING_EQUAL(rig.argv[9], "??????");
	CU_ASSERT_PTR_NULL(strstr(rig.argv[11], "geheim"));
	rig_dump(&rig);
	CU_ASSERT_PTR_NULL(strstr(rig.log->str, "geheim"));
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "notty", "socks", "1080", "socks", "127.0.0.1:1080");
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: socks 127.0.0.1:1080 is given twice\n");
	rig_clear(&rig);
}

static void at_run_time_no_name_is_looked_up(void)
{
	struct forward forward;
	struct service service;
	char *why = NULL;

	CU_ASSERT_TRUE(spec_forward("localhost:8080:80", &forward, &why));
	CU_ASSERT_TRUE(spec_service("22:localhost:22,max=1", &service, &why));
	CU_ASSERT_FALSE(spec_forward("8080:example.net:80", &forward, &why));
	CU_ASSERT_STRING_EQUAL(why, "forward 8080:example.net:80: unknown host 'example.net'");
	g_free(why);
}

static void everything_is_read_once_more(void)
{
	static const struct memory_file before[] = { { .path = "/etc/slirppd/options", .text = "service 22" }, { 0 } };
	static const struct memory_file after[] = { { .path = "/etc/slirppd/options", .text = "service 23\nservice 24" }, { 0 } };
	struct config *config = config_new();
	struct rig rig;
	char *why = NULL;

	rig_init(&rig, NULL);
	rig.files = before;
	rig_run(&rig, (char *[]){ "slirppd", "notty", "socks", "1080", "socks-user", "me", "socks-password", "geheim", NULL });
	CU_ASSERT_TRUE(rig.go);
	rig.files = after;
	CU_ASSERT_TRUE(options_reread(rig.options, config, &why));
	CU_ASSERT_EQUAL(config->net.services->len, 2);
	CU_ASSERT_STRING_EQUAL(config->net.socks_password, "geheim");
	CU_ASSERT_EQUAL(rig.config->net.services->len, 1);
	config_free(config);
	rig_clear(&rig);
}

static void a_bad_file_is_told_and_not_printed(void)
{
	static const struct memory_file bad[] = { { .path = "/etc/slirppd/options", .text = "debug\nservice ssh" }, { 0 } };
	static const struct memory_file end[] = { { .path = "/etc/slirppd/options", .text = "--version" }, { 0 } };
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "notty");
	const struct memory_file *const files[] = { bad, end };
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		struct config *config = config_new();
		char *why = NULL;

		rig.files = files[i];
		CU_ASSERT_FALSE(options_reread(rig.options, config, &why));
		CU_ASSERT_PTR_NOT_NULL_FATAL(why);
		if (i == 0)
			CU_ASSERT_STRING_EQUAL(why, "In file /etc/slirppd/options: service ssh: a port is a number from 1 to 65535, not a name "
						    "(line 2)");
		g_free(why);
		config_free(config);
	}
	rig_clear(&rig);
}

const struct unit_test unit_tests[] = {
	{ "doors: access rules are understood", access_rules_are_understood },
	{ "doors: bad access rules say what was meant", bad_access_rules_say_what_was_meant },
	{ "doors: listening addresses are understood", listening_addresses_are_understood },
	{ "doors: proxies are checked, and their password never told", proxies_are_checked_and_never_told },
	{ "doors: credentials of a proxy have 255 bytes (RFC 1929 §2)", credentials_of_a_proxy_have_255_bytes },
	{ "doors: limits and sizes land", limits_and_sizes_land },
	{ "doors: bad limits and sizes are errors", bad_limits_and_sizes_are_errors },
	{ "doors: socks asks for name servers", socks_asks_for_name_servers },
	{ "doors: at run time no name is looked up", at_run_time_no_name_is_looked_up },
	{ "doors: everything is read once more", everything_is_read_once_more },
	{ "doors: a bad file is told, and not printed", a_bad_file_is_told_and_not_printed },
	{ 0 },
};
