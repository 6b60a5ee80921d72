/* pylirp: PyLiRP's configurations. Files of all its shapes are in tests/data/pylirp ($SLIRPPD_TEST_DATA/pylirp). */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "compat/pylirp/internal.h"
#include "options_rig.h"

/* A run with `config FILE mode MODE`, the text being that of FILE. MODE may be NULL. */
static void run_text(struct rig *rig, const char *text, const char *mode)
{
	const struct memory_file files[] = { { .path = "x.yaml", .text = text }, { 0 } };

	rig_init(rig, NULL);
	rig->files = files;
	rig_run(rig, (char *[]){ "slirppd", "config", "x.yaml", mode ? "mode" : NULL, (char *)mode, NULL });
	rig->files = NULL;
	rig_dump(rig);
}

static char *load(const char *name)
{
	const char *folder = getenv("SLIRPPD_TEST_DATA");
	char *path = g_build_filename(folder ? folder : "tests/data", "pylirp", name, NULL), *text = NULL;

	CU_ASSERT_TRUE_FATAL(g_file_get_contents(path, &text, NULL, NULL));
	g_free(path);
	return text;
}

static void run_file(struct rig *rig, const char *name, const char *mode)
{
	char *text = load(name);

	run_text(rig, text, mode);
	if (!rig->go)
		g_printerr("%s", rig->out);
	CU_ASSERT_TRUE_FATAL(rig->go);
	g_free(text);
}

/* Whether dump or report has this line (its beginning). */
static bool says(const struct rig *rig, const char *line)
{
	char *with_end = g_strdup_printf("\n%s", line);
	bool found = strstr(rig->log->str, with_end) || g_str_has_prefix(rig->log->str, line);

	if (!found)
		g_printerr("not said: %s\n%s\n", line, rig->log->str);
	g_free(with_end);
	return found;
}

static void check_lines(const struct rig *rig, const char *const lines[])
{
	for (size_t i = 0; lines[i]; i++)
		CU_ASSERT_TRUE(says(rig, lines[i]));
}

static void a_flat_file_as_host(void)
{
	static const char *const lines[] = {
		"/dev/ttyS0\t\t# (from x.yaml)", "57600\t", "xonxoff\t", "192.0.2.1:192.0.2.2\t", "mtu 1400\t", "mru 1400\t", "lcp-echo-interval 20\t",
		"lcp-echo-failure 5\t", "lcp-max-configure 12\t", "ipcp-restart 2\t", "noaccomp\t", "nopcomp\t",
		"service 22:127.0.0.1:2022,max=4,idle=600,name=Shell\t", "service 80:127.0.0.1:8088,max=30,idle=45,name=Pages\t", "restrict\t",
		"passive\t", "rate-limit 15/25\t", "max-flows 120\t", "max-flows-per-service 40\t", "logfile /var/log/own.log\t", "metrics 9190\t",
		"metrics 9191\t", "capture /tmp/own.pcapng\t", "capture-size 20971520\t", "persist\t", "holdoff 4\t", "maxfail 7\t", "local\t",
		"In file x.yaml: services.7000: not opened: security.allowed_ports does not hold 7000 (line ",
		"In file x.yaml: tcp: this has no effect here: TCP is that of the two ends' own systems, and of libslirp (line ",
		NULL,
	};
	struct rig rig;

	run_file(&rig, "flat.yaml", "host");
	check_lines(&rig, lines);
	CU_ASSERT_PTR_NULL(strstr(rig.log->str, "3306"));
	CU_ASSERT_PTR_NULL(strstr(rig.log->str, "unknown"));
	CU_ASSERT_TRUE(rig.config->logfile_optional);
	CU_ASSERT_EQUAL(rig.config->net.services->len, 2);
	rig_clear(&rig);
}

static void a_flat_file_as_client(void)
{
	static const char *const lines[] = {
		"192.0.2.2:192.0.2.1\t", "forward 2222:22\t", "forward 8080:80\t", "ipcp-accept-local\t", "restrict\t", NULL,
	};
	struct rig rig;

	run_file(&rig, "flat.yaml", "client");
	check_lines(&rig, lines);
	CU_ASSERT_EQUAL(rig.config->net.services->len, 0);
	CU_ASSERT_PTR_NULL(strstr(rig.log->str, "passive"));
	rig_clear(&rig);
}

static void the_pikvms_spellings(void)
{
	static const char *const lines[] = {
		"/dev/ttyGS0\t", "198.51.100.1:198.51.100.2\t", "mtu 1480\t", "lcp-echo-failure 6\t", "rate-limit 60/90\t", "max-flows 70\t",
		"lockout 4/120\t", "metrics 9290\t", "metrics 9291\t", "logfile /var/log/own.log\t",
		"service \"443:127.0.0.1:443,name=Web  with a comma\"\t", "maxfail 0\t", NULL,
	};
	struct rig rig;

	run_file(&rig, "pikvm.yaml", NULL);
	check_lines(&rig, lines);
	CU_ASSERT_PTR_NULL(strstr(rig.log->str, "capture /"));
	CU_ASSERT_PTR_NULL(strstr(rig.log->str, "unknown"));
	rig_clear(&rig);
	run_file(&rig, "pikvm.yaml", "client");
	CU_ASSERT_TRUE(says(&rig, "forward 8443:443\t"));
	rig_clear(&rig);
}

static void a_simple_file(void)
{
	static const char *const host[] = { "service 7777:127.0.0.1:7777,max=3,name=Echo\t", "rate-limit 0\t", "debug\t", "metrics 9390\t", NULL };
	struct rig rig;

	run_file(&rig, "simple.yaml", NULL);
	check_lines(&rig, host);
	rig_clear(&rig);
	run_file(&rig, "simple.yaml", "client");
	CU_ASSERT_TRUE(says(&rig, "forward 7777:7777\t"));
	rig_clear(&rig);
}

static void a_unified_file_for_both_ends(void)
{
	static const char *const host[] = { "/dev/ttyS0\t", "192.0.2.1:192.0.2.2\t", "service 22:127.0.0.1:22,name=Shell\t", "mru 1400\t",
					    "lcp-echo-interval 25\t", "debug\t", "metrics 9490\t", NULL };
	static const char *const client[] = { "/dev/ttyGS0\t", "192.0.2.2:192.0.2.1\t", "forward 2022:22\t", "forward 8088:80\t",
					      "socks 127.0.0.1:1180\t", "mru 1400\t", "debug\t", NULL };
	struct rig rig;

	run_file(&rig, "unified.yaml", NULL);
	check_lines(&rig, host);
	CU_ASSERT_EQUAL(rig.config->net.forwards->len, 0);
	rig_clear(&rig);
	run_file(&rig, "unified.yaml", "client");
	check_lines(&rig, client);
	CU_ASSERT_EQUAL(rig.config->net.services->len, 0);
	CU_ASSERT_TRUE(rig.config->ipcp.usepeerdns);
	rig_clear(&rig);
}

static void the_command_line_wins(void)
{
	static const struct memory_file files[] = {
		{ .path = "x.yaml", .text = "serial: {port: /dev/ttyS0, baudrate: 9600}\nnetwork: {mtu: 1400, local_ip: 192.0.2.1}\n" }, { 0 },
	};
	static const struct memory_file variables[] = {
		{ .path = "PYSLIRP_SERIAL_BAUDRATE", .text = "19200" }, { .path = "PYSLIRP_LOCAL_IP", .text = "192.0.2.9" }, { 0 },
	};
	struct rig rig;

	rig_init(&rig, NULL);
	rig.files = files;
	rig.variables = variables;
	rig_run(&rig, (char *[]){ "slirppd", "mtu", "1300", "nopersist", "notty", "config", "x.yaml", "proxy", "http://192.0.2.1", NULL });
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_EQUAL(rig.config->lcp.mtu, 1300);
	CU_ASSERT_FALSE(rig.config->persist);
	CU_ASSERT_PTR_NULL(rig.config->line.device);
	CU_ASSERT_FALSE(rig.config->net.restrict_peer);
	CU_ASSERT_EQUAL(rig.config->line.speed, 19200);
	CU_ASSERT_EQUAL(rig.config->ipcp.local, 0xc0000209);
	rig_dump(&rig);
	CU_ASSERT_TRUE(says(&rig, "19200\t\t# (from environment variable PYSLIRP_SERIAL_BAUDRATE)"));
	rig_clear(&rig);
}

static void a_later_file_overrides(void)
{
	static const struct memory_file files[] = {
		{ .path = "a.yaml", .text = "serial: {port: /dev/ttyS0}\nservices: {22: {max_connections: 3}, 80: }\n" },
		{ .path = "b.yaml", .text = "serial: {port: /dev/ttyGS0}\nservices: {22: {name: x}, 80: {enabled: false}}\n" },
		{ 0 },
	};
	struct rig rig;

	rig_init(&rig, NULL);
	rig.files = files;
	rig_run(&rig, (char *[]){ "slirppd", "config", "a.yaml", "config", "b.yaml", NULL });
	CU_ASSERT_TRUE(rig.go);
	rig_dump(&rig);
	CU_ASSERT_TRUE(says(&rig, "/dev/ttyGS0\t\t# (from b.yaml)"));
	CU_ASSERT_TRUE(says(&rig, "service 22:127.0.0.1:22,max=3,name=x\t"));
	CU_ASSERT_EQUAL(rig.config->net.services->len, 1);
	rig_clear(&rig);
}

struct wrong_case {
	const char *text, *says;
};

static void wrong_values_say_where_and_what(void)
{
	static const struct wrong_case cases[] = {
		{ "serial: {baudrate: fast}", "serial.baudrate: expected a whole number, not 'fast' (line 1)" },
		{ "serial:\n  baudrate: 0", "serial.baudrate: a speed is a number of bits a second, not '0' (line 2)" },
		{ "serial:\n  flow_control: soft\n", "serial.flow_control: expected one of none, hardware, software, not 'soft' (line 2)" },
		{ "serial: 7", "serial: expected keys with values below it (line 1)" },
		{ "network:\n\n  mtu: 1\n", "network.mtu: mtu value must be between 128 and 16384 (line 3)" },
		{ "network: {local_ip: 300.0.0.1}", "network.local_ip: unknown host: 300.0.0.1 (line 1)" },
		{ "services: {ssh: }", "services.ssh: expected a port, which is a number from 1 to 65535, as the name of a service (line 1)" },
		{ "services: {022: }", "services.022: expected a port, which is a number from 1 to 65535, as the name of a service (line 1)" },
		{ "services:\n 22:\n  port: 0", "services.22.port: expected a port, which is a number from 1 to 65535, not '0' (line 3)" },
		{ "services:\n 22:\n  enabled: 2", "services.22.enabled: expected true or false, not '2' (line 3)" },
		{ "services: {22: {host: nobody.example}}",
		  "services.22: service 22:nobody.example:22: unknown host 'nobody.example' (line 1)" },
		{ "security: {allowed_ports: [22, x]}",
		  "security.allowed_ports: expected a list of ports, each a number from 1 to 65535 (line 1)" },
		{ "security:\n  blocked_ips:\n  - 192.0.2.1/8\n",
		  "security.blocked_ips: deny-from 192.0.2.1/8: bits are set beyond /8; is the network 192.0.0.0/8 meant, or the one host "
		  "192.0.2.1? (line 3)" },
		{ "proxy: {enabled: true}", "proxy.enabled: proxy.type must be socks5 or http then (line 1)" },
		{ "proxy: {password: [geheim]}", "proxy.password: expected a word (line 1)" },
		{ "logging: {level: LOUD}", "logging.level: expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL, not 'LOUD' (line 1)" },
		{ "a: 3\nmode: x", "mode: expected one of host, client, not 'x' (line 2)" },
		{ "client:\n  serial: ", "mode: it is host, and there is no host: in this file (line 1)" },
		{ "a: 1\na: 2", "the key 'a' is there twice, first in line 1 (line 2)" },
		{ "a: 1\n---\nb: 2", "a second document begins here; a configuration is one (line 2)" },
		{ "serial:\n\tport: x", "this line is indented with a tab; YAML takes blanks alone (line 2)" },
		{ "a: 1\nb: \xff", "invalid leading UTF-8 octet: the file must be text in UTF-8 (line 2)" },
		{ "- a\n- b", "a configuration is made of keys with values (serial:, services:, ...) (line 1)" },
		{ "<<: {a: 1}", "merging with << is not supported (line 1)" },
		{ "[a]: 1", "a key must be a word or a number (line 1)" },
		{ "a: *b", "nothing complete is called &b (line 1)" },
		{ "a: &b [*b]", "nothing complete is called &b (line 1)" },
		{ "a: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "this is nested more than 16 deep (line 1)" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		char *line = g_strdup_printf("slirppd: In file x.yaml: %s\n", cases[i].says);
		struct rig rig;

		run_text(&rig, cases[i].text, "host");
		CU_ASSERT_FALSE(rig.go);
		if (strcmp(rig.out, line) != 0)
			g_printerr("wanted %sgot    %s", line, rig.out);
		CU_ASSERT_STRING_EQUAL(rig.out, line);
		g_free(line);
		rig_clear(&rig);
	}
}

static void unknown_keys_are_told(void)
{
	struct rig rig;

	run_text(&rig, "serial: {port: /dev/ttyS0}\nservices:\n  22: {colour: red}\nsecurity:\n  rate_limitng: 1\n", NULL);
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_TRUE(says(&rig, "In file x.yaml: services.22.colour: this key is unknown (line 3)"));
	CU_ASSERT_TRUE(says(&rig, "In file x.yaml: security.rate_limitng: this key is unknown (line 5)"));
	rig_clear(&rig);
}

static void aliases_cannot_grow(void)
{
	GString *text = g_string_new("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	struct rig rig;

	for (int i = 1; i < 9; i++)
		g_string_append_printf(text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1,
				       i - 1, i - 1, i - 1, i - 1);
	run_text(&rig, text->str, NULL);
	CU_ASSERT_FALSE(rig.go);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.out, "there are more than 10000 values in it"));
	rig_clear(&rig);
	g_string_free(text, TRUE);
}

static const char *good_value(const struct key_row *row)
{
	static const char *const values[] = {
		[KEY_ANY] = "7",    [KEY_BOOL] = "off",   [KEY_NUMBER] = "600",        [KEY_SECONDS] = "2.5",
		[KEY_PORT] = "443", [KEY_SIZE] = "10MB",  [KEY_TEXT] = "\"192.0.2.7\"", [KEY_PORTS] = "[22, 80]",
		[KEY_TEXTS] = "[192.0.2.7]", [KEY_FORWARDS] = "{2222: 22}",
	};

	if (strcmp(row->path, "serial.port") == 0)
		return "/dev/ttyS0";
	return values[row->type];
}

/* {a: {b: VALUE}} for a.b */
static char *text_for(const char *path, const char *value)
{
	char **parts = g_strsplit(path, ".", -1);
	GString *text = g_string_new(NULL);
	guint count = g_strv_length(parts);

	for (guint i = 0; i < count; i++)
		g_string_append_printf(text, "{%s: ", strcmp(parts[i], "*") == 0 ? "22" : parts[i]);
	g_string_append(text, value);
	for (guint i = 0; i < count; i++)
		g_string_append_c(text, '}');
	g_strfreev(parts);
	return g_string_free(text, FALSE);
}

static const char *no_variable(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

static bool reads(const struct key_row *row, const char *value, guint *notes)
{
	struct pylirp *p = pylirp_new(PYLIRP_CLIENT);
	char *text = text_for(row->path, value);
	bool ok = pylirp_add(p, "x", text, strlen(text));

	CU_ASSERT_TRUE(ok);
	*notes = 0;
	const struct key_row *found = key_find(row->path);
	CU_ASSERT_PTR_EQUAL(found, row);
	ok = pylirp_finish(p, no_variable, NULL);
	*notes = p->notes->len;
	g_free(text);
	pylirp_free(p);
	return ok;
}

static void every_row_takes_its_value_and_no_other(void)
{
	for (size_t i = 0; i < key_table_size; i++) {
		const struct key_row *row = &key_table[i];
		char *choice = row->choices ? g_strndup(row->choices, strcspn(row->choices, "=")) : NULL;
		guint notes;

		CU_ASSERT_TRUE(reads(row, choice ? choice : good_value(row), &notes));
		CU_ASSERT_EQUAL(notes, row->reason ? 1 : 0);
		CU_ASSERT_TRUE(reads(row, "null", &notes));
		CU_ASSERT_EQUAL(notes, 0);
		if (row->usual) {
			CU_ASSERT_TRUE(reads(row, row->usual, &notes));
			CU_ASSERT_EQUAL(notes, 0);
		}
		if (row->type != KEY_ANY)
			CU_ASSERT_FALSE(reads(row, row->type == KEY_FORWARDS ? "7" : "{x: [y]}", &notes) && notes == 0);
		if (row->type != KEY_ANY && row->type != KEY_TEXT)
			CU_ASSERT_FALSE(reads(row, "nonsense", &notes));
		g_free(choice);
	}
}

static void every_word_is_an_option(void)
{
	for (size_t i = 0; i < key_table_size; i++) {
		const char *const lists[] = { key_table[i].option, key_table[i].otherwise };

		CU_ASSERT_TRUE(!key_table[i].reason || (!lists[0] && !lists[1] && key_table[i].type == KEY_ANY));
		for (size_t j = 0; j < G_N_ELEMENTS(lists); j++) {
			char **names = g_strsplit(lists[j] ? lists[j] : "", " ", -1);

			for (char **name = names; *name; name++)
				CU_ASSERT_TRUE(option_find(*name) || g_ascii_isupper((*name)[0]));
			g_strfreev(names);
		}
	}
	for (size_t i = 0; i < key_variables_size; i++)
		CU_ASSERT_PTR_NOT_NULL(key_find(key_variables[i].path));
}

static void a_proxy_gets_its_words_escaped(void)
{
	struct rig rig;

	run_text(&rig,
		 "serial: {port: /dev/ttyS0}\nproxy: {enabled: yes, type: http, host: 192.0.2.1, port: 3128, username: \"m e\", password: \"a@b:/\"}",
		 NULL);
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_STRING_EQUAL(rig.config->net.proxy, "http://m%20e:a%40b%3A%2F@192.0.2.1:3128");
	CU_ASSERT_FALSE(rig.config->net.restrict_peer);
	CU_ASSERT_PTR_NULL(strstr(rig.log->str, "a%40b"));
	rig_clear(&rig);
}

const struct unit_test unit_tests[] = {
	{ "pylirp: a flat file as host", a_flat_file_as_host },
	{ "pylirp: a flat file as client: services become forwards", a_flat_file_as_client },
	{ "pylirp: the PiKVM's spellings", the_pikvms_spellings },
	{ "pylirp: a simple file", a_simple_file },
	{ "pylirp: a unified file, for both ends", a_unified_file_for_both_ends },
	{ "pylirp: the command line wins, then the environment", the_command_line_wins },
	{ "pylirp: a later file overrides key by key", a_later_file_overrides },
	{ "pylirp: wrong values say where and what", wrong_values_say_where_and_what },
	{ "pylirp: unknown keys are told", unknown_keys_are_told },
	{ "pylirp: aliases cannot grow", aliases_cannot_grow },
	{ "pylirp: every row takes its value and no other", every_row_takes_its_value_and_no_other },
	{ "pylirp: every word is an option", every_word_is_an_option },
	{ "pylirp: a proxy gets its words escaped", a_proxy_gets_its_words_escaped },
	{ 0 },
};
