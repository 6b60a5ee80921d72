/* options: pppd's grammar, every row of the table, priorities, and the texts of errors. */
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "options_rig.h"

static bool is_option(const struct option_row *row)
{
	return row->kind != OPTION_HEADING;
}

static void table_is_sound(void)
{
	GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	char alias[64];

	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];
		bool takes = row->kind == OPTION_INT || row->kind == OPTION_HEX || row->kind == OPTION_WORD;

		CU_ASSERT_PTR_NOT_NULL_FATAL(row->help);
		if (!is_option(row))
			continue;
		CU_ASSERT_TRUE(g_hash_table_add(names, g_strdup(row->name)));
		for (const char *pos = NULL; option_next_alias(row, &pos, alias, sizeof(alias));) {
			CU_ASSERT_TRUE(g_hash_table_add(names, g_strdup(alias)));
			CU_ASSERT_PTR_EQUAL(option_find(alias), row);
		}
		CU_ASSERT_EQUAL(row->arg != NULL, takes);
		CU_ASSERT_TRUE(row->min <= row->max);
		CU_ASSERT_TRUE(row->help[0] && !strpbrk(row->help, "\t\n"));
		CU_ASSERT_TRUE(!(row->flags & OPT_SUB) || (i > 0 && (option_table[i - 1].flags & OPT_PRIO)));
		CU_ASSERT_TRUE(!(row->flags & OPT_POSITIONAL) == !row->match);
		CU_ASSERT_TRUE(!row->disabled_by || option_find(row->disabled_by));
	}
	g_hash_table_destroy(names);
}

/* A good value for rows that are particular. */
static const char *good_word(const struct option_row *row)
{
	static const char *const particular[][2] = {
		{ "service", "22" }, { "forward", "2222:22" }, { "net", "slirp" }, { "file", "/etc/empty" }, { "call", "empty" },
		{ "set", "A=b" }, { "unset", "A" }, { "privgroup", "root" }, { "escape", "11,13" }, { "ms-dns", "192.0.2.1" },
		{ "ms-wins", "192.0.2.1" }, { "endpoint", "magic:1234" }, { "bsdcomp", "15,0" }, { "deflate", "8" },
		{ "socket", "example.net:23" }, { "socks", "1080" }, { "proxy", "http://[2001:db8::1]:3128" }, { "metrics", "9090" },
		{ "permit-to", "192.0.2.0/24:80" }, { "deny-to", "::/0" }, { "permit-from", "192.0.2.1" }, { "deny-from", "0.0.0.0/0" },
		{ "rate-limit", "10/20" }, { "lockout", "5/300" }, { "capture-size", "10M" }, { "mode", "host" },
		{ "+ua", "/etc/login" }, { "allow-ip", "192.0.2.0/24" }, { "max-tls-version", "1.3" }, { "tls-verify-method", "suffix" },
		{ "ipv6", "::1,::2" }, { "DEVICE", "ttyS0" }, { "SPEED", "115200" }, { "LOCAL:REMOTE", "192.0.2.1:" },
		{ "plugin", "minconn.so" }, { "netmask", "0xffffff00" }, { "mo-direction", "in" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(particular); i++) {
		if (strcmp(particular[i][0], row->name) == 0)
			return particular[i][1];
	}
	return "word";
}

static const struct memory_file walk_files[] = {
	{ .path = "/etc/empty", .text = "" },
	{ .path = "/etc/login", .text = "bob\nsecret\n" },
	{ .path = "/etc/ppp/peers/empty", .text = "" },
	{ 0 },
};

static bool take(struct rig *rig, const struct option_row *row, const char *name, const char *value)
{
	bool named = !(row->flags & OPT_POSITIONAL);
	char *text = g_strdup_printf("%s '%s'\n", named ? name : "", row->arg ? value : "");
	const struct source source = { .name = "text", .priority = PRIORITY_COMMAND, .privileged = true };

	if (!row->arg)
		text[strlen(name)] = '\0';
	rig->files = walk_files;
	bool ok = options_read_text(rig->options, &source, text, strlen(text));
	g_free(text);
	return ok;
}

static long stored(const struct rig *rig, const struct option_row *row)
{
	const char *at = (const char *)rig->config + row->offset;
	uint8_t byte;
	uint16_t half;
	int whole;

	memcpy(&byte, at, sizeof(byte));
	memcpy(&half, at, sizeof(half));
	memcpy(&whole, at, sizeof(whole));
	return row->size == 1 ? byte : row->size == 2 ? half : whole;
}

static const char *stored_word(const struct rig *rig, const struct option_row *row)
{
	const char *word;

	memcpy(&word, (const char *)rig->config + row->offset, sizeof(word));
	return word;
}

static void walk_one(const struct option_row *row, const char *name)
{
	struct rig rig;
	char number[32];
	const char *value = good_word(row);

	if (row->kind == OPTION_INT || row->kind == OPTION_HEX) {
		g_snprintf(number, sizeof(number), "%d", row->max == INT_MAX || row->kind == OPTION_HEX ? 17 : row->max);
		value = number;
	}
	rig_init(&rig, NULL);
	CU_ASSERT_TRUE(take(&rig, row, name, value));
	if (row->size > 0) {
		if (row->kind == OPTION_FLAG)
			CU_ASSERT_EQUAL(stored(&rig, row), row->value);
		if (row->kind == OPTION_COUNT)
			CU_ASSERT_EQUAL(stored(&rig, row), 1);
		if (row->kind == OPTION_INT)
			CU_ASSERT_EQUAL(stored(&rig, row), strtol(value, NULL, 0));
		if (row->kind == OPTION_HEX)
			CU_ASSERT_EQUAL(stored(&rig, row), strtol(value, NULL, 16));
		if (row->kind == OPTION_WORD && !(row->flags & OPT_POSITIONAL))
			CU_ASSERT_STRING_EQUAL(stored_word(&rig, row), value);
	}
	CU_ASSERT_EQUAL(rig.options->notes->len, row->flags & OPT_NO_EFFECT || strcmp(value, "8") == 0 ? 1 : 0);
	CU_ASSERT_EQUAL(option_given(rig.options, name), !(row->flags & OPT_POSITIONAL));
	rig_clear(&rig);
}

static void every_row_is_accepted_and_lands(void)
{
	char alias[64];

	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];

		if (!is_option(row) || (row->flags & OPT_REFUSED) || g_str_has_prefix(row->name, "--"))
			continue;
		walk_one(row, row->name);
		for (const char *pos = NULL; option_next_alias(row, &pos, alias, sizeof(alias));)
			walk_one(row, alias);
	}
}

static bool has_opposite(const struct option_row *row)
{
	bool found = false;

	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *other = &option_table[i];

		found = found || (other->size > 0 && other->offset == row->offset && other->value != row->value);
	}
	return found;
}

/* A flag that stores what is there by default anyway is one that takes another flag back. */
static void flags_change_something(void)
{
	struct rig fresh;

	rig_init(&fresh, NULL);
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];

		if (row->kind == OPTION_FLAG && row->size > 0)
			CU_ASSERT_TRUE(stored(&fresh, row) != row->value || has_opposite(row));
	}
	rig_clear(&fresh);
}

static void refused_rows_are_errors(void)
{
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];
		struct rig rig;

		if (!(row->flags & OPT_REFUSED))
			continue;
		RIG_RUN(&rig, "slirppd", "notty", (char *)row->name, row->arg ? "1" : "noccp");
		CU_ASSERT_FALSE(rig.go);
		CU_ASSERT_EQUAL(rig.status, EXIT_OPTION_ERROR);
		CU_ASSERT_PTR_NOT_NULL(strstr(rig.out, "is not in this version of slirppd"));
		rig_clear(&rig);
	}
}

static void try_int(const struct option_row *row, long value, bool good)
{
	char number[32];
	struct rig rig;

	g_snprintf(number, sizeof(number), "%ld", value);
	RIG_RUN(&rig, "slirppd", "notty", (char *)row->name, number);
	CU_ASSERT_EQUAL(rig.go, good);
	if (good && row->size > 0)
		CU_ASSERT_EQUAL(stored(&rig, row), value);
	if (!good)
		CU_ASSERT_PTR_NOT_NULL(strstr(rig.out, " value must be "));
	rig_clear(&rig);
}

static void every_number_has_its_limits(void)
{
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];

		if (row->kind != OPTION_INT || (row->flags & OPT_REFUSED))
			continue;
		try_int(row, row->min, true);
		try_int(row, row->max, true);
		try_int(row, (long)row->min - 1, false);
		try_int(row, (long)row->max + 1, false);
	}
}

/* The last words of a command line, and what is said of them. */
struct error_case {
	const char *words[6];
	const char *says;
};

static void run_error(const struct error_case *c)
{
	struct rig rig;
	char *words[9] = { "slirppd" };

	for (size_t i = 0; i < G_N_ELEMENTS(c->words) && c->words[i]; i++)
		words[i + 1] = (char *)c->words[i];
	rig_init(&rig, NULL);
	rig_run(&rig, words);
	CU_ASSERT_FALSE(rig.go);
	CU_ASSERT_EQUAL(rig.status, EXIT_OPTION_ERROR);
	char *line = g_strdup_printf("slirppd: %s\n", c->says);
	CU_ASSERT_STRING_EQUAL(rig.out, line);
	g_free(line);
	rig_clear(&rig);
}

static void errors_say_what_pppd_says(void)
{
	static const struct error_case cases[] = {
		{ { NULL }, "no device specified and stdin is not a tty" },
		{ { "notty", "mru" }, "too few parameters for option mru" },
		{ { "notty", "mru", "x" }, "invalid numeric parameter 'x' for mru option" },
		{ { "notty", "mru", "" }, "invalid numeric parameter '' for mru option" },
		{ { "notty", "asyncmap", "zz" }, "invalid numeric parameter 'zz' for asyncmap option" },
		{ { "notty", "mru", "127" }, "mru value must be between 128 and 16384" },
		{ { "notty", "lcp-restart", "0" }, "lcp-restart value must be >= 1" },
		{ { "notty", "holdoff", "99999999999999999999" }, "holdoff value must be <= 2147483647" },
		{ { "pty", "x", "notty" }, "pty option is incompatible with notty option" },
		{ { "socket", "a:1", "notty" }, "socket option is incompatible with pty and notty" },
		{ { "socket", "a:1", "pty", "x" }, "socket option is incompatible with pty and notty" },
		{ { "ttyS0", "notty" }, "notty option precludes specifying device name" },
		{ { "pty", "x", "/dev/ttyS0" }, "pty option precludes specifying device name" },
		{ { "socket", "a:1", "ttyS0" }, "socket option precludes specifying device name" },
		{ { "/etc/passwd" }, "/etc/passwd is not a character device" },
		{ { "/closed/tty" }, "Couldn't stat /closed/tty: Permission denied" },
		{ { "/dev/null" }, "/dev/null is no terminal" },
		{ { "null", "persist" }, "/dev/null is no terminal" },
		{ { "/dev/ttyUSB9" }, "unrecognized option '/dev/ttyUSB9' (no such device; with persist it would be waited for)" },
		{ { "/tmp/none" }, "unrecognized option '/tmp/none' (no such device; with persist it would be waited for)" },
		{ { "notty", "127.0.0.1:" }, "bad local IP address 127.0.0.1" },
		{ { "notty", ":224.0.0.1" }, "bad remote IP address 224.0.0.1" },
		{ { "notty", "nobody.example:" }, "unknown host: nobody.example" },
		{ { "notty", "1.2.3:" }, "unknown host: 1.2.3" },
		{ { "notty", "2222:22" },
		  "unknown host: 2222 (in LOCAL:REMOTE, the addresses of the link; did you mean 'forward 2222:22'?)" },
		{ { "notty", "2222:" }, "unknown host: 2222" },
		{ { "notty", "2222:22:22" }, "unknown host: 2222" },
		{ { "notty", "service", "ssh" }, "service ssh: a port is a number from 1 to 65535, not a name" },
		{ { "notty", "forward", "22:ssh" }, "forward 22:ssh: a port is a number from 1 to 65535, not a name" },
		{ { "notty", "forward", "ssh:22" }, "forward ssh:22: a port is a number from 1 to 65535, not a name" },
		{ { "notty", "call", "none" }, "no peers file 'none' in /etc/ppp/peers or /home/me/.config/slirppd/peers" },
		{ { "notty", "10.0.0.1:10.0.0.1" }, "the local and the remote address are the same" },
		{ { "notty", "escape", "11,zz" }, "escape parameter contains invalid hex number 'zz'" },
		{ { "notty", "escape", "5e" }, "can't escape character 0x5e" },
		{ { "notty", "escape", "100" }, "can't escape character 0x100" },
		{ { "notty", "ms-dns", "?" }, "invalid address parameter '?' for ms-dns option" },
		{ { "notty", "set", "A" }, "missing = in name=value: A" },
		{ { "notty", "unset", "A=" }, "unexpected = in name: A=" },
		{ { "notty", "nodefaultroute", "defaultroute" }, "defaultroute option is disabled" },
		{ { "notty", "call", "a/../b" }, "call option value may not contain .. or start with /" },
		{ { "notty", "call", "/a" }, "call option value may not contain .. or start with /" },
		{ { "notty", "call", "" }, "call option value may not contain .. or start with /" },
		{ { "notty", "file", "/none" }, "Can't open options file /none: No such file or directory" },
		{ { "notty", "net", "tap" }, "net must be slirp, tun or auto, not 'tap'" },
		{ { "notty", "ifname", "../../etc/x" }, "invalid ifname '../../etc/x'" },
		{ { "notty", "ifname", "abcdefghijklmnop" }, "ifname value is longer than 15 characters" },
		{ { "notty", "bsdcomp", "16" }, "bsdcomp option values must be 0 or 9 .. 15" },
		{ { "notty", "bsdcomp", "8" }, "bsdcomp option values must be 0 or 9 .. 15" },
		{ { "notty", "deflate", "15,16" }, "deflate option values must be 0 or 9 .. 15" },
		{ { "notty", "deflate", "15,x" }, "invalid parameter '15,x' for deflate option" },
		{ { "notty", "deflate", "-1" }, "invalid parameter '-1' for deflate option" },
		{ { "notty", "ipv6", "fe80::1" }, "Illegal interface identifier (local): fe80::1" },
		{ { "notty", "ipv6", "::1,::" }, "Illegal interface identifier (remote): ::" },
		{ { "notty", "require-mppe", "noccp" }, "require-mppe and noccp contradict each other" },
		{ { "notty", "max-tls-version", "1.4" }, "max-tls-version must be 1.0|1.1|1.2|1.3, not '1.4'" },
		{ { "notty", "tls-verify-method", "x" }, "tls-verify-method must be none|subject|name|suffix, not 'x'" },
		{ { "notty", "allow-ip", "nobody.example" }, "unknown host nobody.example in auth. address list" },
		{ { "notty", "allow-ip", "10.0.0.0/33" }, "invalid address length 33 in auth. address list" },
		{ { "notty", "allow-ip", "10.0.0.0/24x" }, "invalid address length syntax: 24x" },
		{ { "notty", "unit", "255", "allow-ip", "10.0.0.0/24+" }, "interface unit 255 too large for subnet 10.0.0.0/24+" },
		{ { "notty", "+ua", "/none" }, "unable to open user login data file /none: No such file or directory" },
		{ { "socket", "host" }, "socket must be HOST:PORT with a port between 1 and 65535, not 'host'" },
		{ { "socket", "host:0" }, "socket must be HOST:PORT with a port between 1 and 65535, not 'host:0'" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		run_error(&cases[i]);
}

static void unknown_words_get_a_hint(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "notty", "persit");
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: unrecognized option 'persit', did you mean 'persist'?\nTry \"slirppd --help\".\n");
	rig_clear(&rig);
	RIG_RUN(&rig, "pppd", "ttyUSB9");
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: unrecognized option 'ttyUSB9' (no such option or device)\nTry \"pppd --help\".\n");
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "notty", "10.0.0.1");
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: unrecognized option '10.0.0.1' (an address is given as LOCAL:REMOTE, e.g. 10.0.0.1:)\n"
					"Try \"slirppd --help\".\n");
	rig_clear(&rig);
	CU_ASSERT_STRING_EQUAL(option_nearest("--persist"), "persist");
	CU_ASSERT_STRING_EQUAL(option_nearest("ctrscts"), "crtscts");
	CU_ASSERT_STRING_EQUAL(option_nearest("servcie"), "service");
	CU_ASSERT_PTR_NULL(option_nearest(""));
	CU_ASSERT_PTR_NULL(option_nearest("DEVICE"));
}

static void numbers_are_read_as_pppd_reads_them(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "notty", "mru", "0x200", "idle", "10x", "holdoff", "08", "maxfail", "010", "asyncmap", "a0000", "asyncmap",
		"0x1");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_EQUAL(rig.config->lcp.mru, 512);
	CU_ASSERT_EQUAL(rig.config->idle, 10);
	CU_ASSERT_EQUAL(rig.config->holdoff, 0);
	CU_ASSERT_EQUAL(rig.config->maxfail, 8);
	CU_ASSERT_EQUAL(rig.config->lcp.asyncmap, 0xa0001);
	rig_clear(&rig);
}

static void words_without_a_name(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "ttyS0", "0x2580", "192.0.2.1:example.net");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_STRING_EQUAL(rig.config->line.device, "/dev/ttyS0");
	CU_ASSERT_EQUAL(rig.config->line.speed, 9600);
	CU_ASSERT_EQUAL(rig.config->ipcp.local, 0xc0000201);
	CU_ASSERT_EQUAL(rig.config->ipcp.remote, 0xc0000207);
	CU_ASSERT_FALSE(rig.config->ipcp.local_default);
	CU_ASSERT_FALSE(rig.config->nodetach);
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "notty", "0");
	CU_ASSERT_FALSE(rig.go);
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "notty", "9600baud");
	CU_ASSERT_FALSE(rig.go);
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "notty", "192.0.2.1");
	CU_ASSERT_FALSE(rig.go);
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "notty", "pts");
	CU_ASSERT_FALSE(rig.go);
	rig_clear(&rig);
}

static void a_device_that_is_not_there_is_waited_for(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "/dev/ttyUSB9", "115200", "persist");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_STRING_EQUAL(rig.config->line.device, "/dev/ttyUSB9");
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "persist", "/tmp/none");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_STRING_EQUAL(rig.config->line.device, "/tmp/none");
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "/dev/ttyUSB9", "/dev/ttyS0");
	CU_ASSERT_TRUE(rig.go);
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "persist", "/dev/ttyUSB9", "nopersist");
	CU_ASSERT_FALSE(rig.go);
	rig_clear(&rig);
}

static void flags_replace_each_other(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "ttyS0", "xonxoff", "crtscts", "lock", "nolock", "local", "modem", "nodetach", "updetach", "logfile", "/x",
		"nolog", "mru", "600", "default-mru");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_EQUAL(rig.config->line.flow, FLOW_CRTSCTS);
	CU_ASSERT_FALSE(rig.config->line.xonxoff);
	CU_ASSERT_FALSE(rig.config->line.lock);
	CU_ASSERT_TRUE(rig.config->line.modem);
	CU_ASSERT_FALSE(rig.config->nodetach);
	CU_ASSERT_TRUE(rig.config->updetach);
	CU_ASSERT_PTR_NULL(rig.config->logfile);
	CU_ASSERT_EQUAL(rig.config->logfd, -1);
	CU_ASSERT_FALSE(rig.config->lcp.neg_mru);
	rig_dump(&rig);
	CU_ASSERT_PTR_NULL(strstr(rig.log->str, "xonxoff"));
	CU_ASSERT_PTR_NULL(strstr(rig.log->str, "logfile"));
	CU_ASSERT_PTR_NULL(strstr(rig.log->str, "nodetach"));
	CU_ASSERT_PTR_NULL(strstr(rig.log->str, "mru 600"));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.log->str, "nolock\t\t# (from command line)\n"));
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "ttyS0", "crtscts", "xonxoff");
	CU_ASSERT_EQUAL(rig.config->line.flow, FLOW_NONE);
	CU_ASSERT_TRUE(rig.config->line.xonxoff);
	CU_ASSERT_EQUAL(rig.config->lcp.asyncmap, 0xa0000);
	rig_clear(&rig);
}

static void escape_and_name_servers_accumulate(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "notty", "escape", "0,11,ff", "escape", "13", "ms-dns", "192.0.2.1");
	CU_ASSERT_EQUAL(rig.config->lcp.escape[0], 1);
	CU_ASSERT_EQUAL(rig.config->lcp.escape[2], 1 << 1 | 1 << 3);
	CU_ASSERT_EQUAL(rig.config->lcp.escape[31], 0x80);
	CU_ASSERT_EQUAL(rig.config->ipcp.dns[0], 0xc0000201);
	CU_ASSERT_EQUAL(rig.config->ipcp.dns[1], 0xc0000201);
	CU_ASSERT_EQUAL(rig.config->ipcp.own_dns, 0);
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "notty", "ms-dns", "192.0.2.1", "ms-dns", "192.0.2.2", "ms-dns", "192.0.2.3");
	CU_ASSERT_EQUAL(rig.config->ipcp.dns[0], 0xc0000202);
	CU_ASSERT_EQUAL(rig.config->ipcp.dns[1], 0xc0000203);
	rig_clear(&rig);
}

static void a_password_is_wiped_and_never_shown(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "notty", "user", "me", "password", "geheim", "debug", "-d", "debug");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_STRING_EQUAL(rig.argv[5], "??????");
	CU_ASSERT_STRING_EQUAL(rig.argv[3], "me");
	rig_dump(&rig);
	CU_ASSERT_STRING_EQUAL(rig.log->str, "pppd options in effect:\n"
					     "debug debug\t\t# (from command line)\n"
					     "-d\t\t# (from command line)\n"
					     "user me\t\t# (from command line)\n"
					     "password ??????\t\t# (from command line)\n"
					     "notty\t\t# (from command line)\n");
	rig_clear(&rig);
}

static void dump_shows_values_and_sources(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/slirppd/options", .text = "connect 'chat \"AT\\rOK\"' # x\nms-dns 192.0.2.1 ms-dns 192.0.2.2\nrecord /x" },
		{ 0 },
	};
	struct rig rig;

	rig_init(&rig, NULL);
	rig.files = files;
	rig_run(&rig, (char *[]){ "slirppd", "ttyS0", "9600", "10.0.0.1:", ":10.0.0.2", "asyncmap", "0xA0000", "proxyarp", "proxyarp", NULL });
	CU_ASSERT_TRUE(rig.go);
	rig_dump(&rig);
	CU_ASSERT_STRING_EQUAL(rig.log->str, "the proxyarp option has no effect with net slirp: this machine's network stays as it is\n"
					     "pppd options in effect:\n"
					     "/dev/ttyS0\t\t# (from command line)\n"
					     "9600\t\t# (from command line)\n"
					     "connect \"chat \\\"AT\\rOK\\\"\"\t\t# (from /etc/slirppd/options)\n"
					     "record /x\t\t# (from /etc/slirppd/options)\n"
					     "asyncmap a0000\t\t# (from command line)\n"
					     "10.0.0.1:10.0.0.2\t\t# (from command line)\n"
					     "ms-dns 192.0.2.1\t\t# (from /etc/slirppd/options)\n"
					     "ms-dns 192.0.2.2\t\t# (from /etc/slirppd/options)\n"
					     "proxyarp\t\t# (from command line)\n");
	rig_clear(&rig);
}

static void help_and_version_go_where_scripts_look(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "--version", "nonsense");
	CU_ASSERT_FALSE(rig.go);
	CU_ASSERT_EQUAL(rig.status, EXIT_OK);
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd version " PACKAGE_VERSION "\n");
	rig_clear(&rig);
	RIG_RUN(&rig, "/usr/sbin/pppd", "-v");
	CU_ASSERT_STRING_EQUAL(rig.out, "pppd version 2.5.2 (slirppd " PACKAGE_VERSION ")\n");
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "nonsense", "--version");
	CU_ASSERT_EQUAL(rig.status, EXIT_OPTION_ERROR);
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "-h");
	CU_ASSERT_EQUAL(rig.status, EXIT_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.out, "\n  service [udp:]PORT[:HOST:PORT][,max=N][,idle=SECONDS][,name=TEXT]\n"));
	char **lines = g_strsplit(rig.out, "\n", -1);
	for (char **line = lines; *line; line++)
		CU_ASSERT_TRUE(strlen(*line) <= 80);
	g_strfreev(lines);
	rig_clear(&rig);
	rig_init(&rig, "/dev/pts/3");
	rig_run(&rig, (char *[]){ "slirppd", "show-options", NULL });
	CU_ASSERT_FALSE(rig.go);
	CU_ASSERT_EQUAL(rig.status, EXIT_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.out, "\n    lcp-echo-adaptive      "));
	rig_clear(&rig);
}

const struct unit_test unit_tests[] = {
	{ "options: the table is sound", table_is_sound },
	{ "options: every row is accepted and lands where it says", every_row_is_accepted_and_lands },
	{ "options: flags change something", flags_change_something },
	{ "options: refused rows are errors", refused_rows_are_errors },
	{ "options: every number has its limits", every_number_has_its_limits },
	{ "options: errors say what pppd says", errors_say_what_pppd_says },
	{ "options: unknown words get a hint", unknown_words_get_a_hint },
	{ "options: numbers are read as pppd reads them", numbers_are_read_as_pppd_reads_them },
	{ "options: device, speed and addresses have no name", words_without_a_name },
	{ "options: with persist, a device that is not there is waited for", a_device_that_is_not_there_is_waited_for },
	{ "options: of a group, the last one counts", flags_replace_each_other },
	{ "options: escape and ms-dns accumulate", escape_and_name_servers_accumulate },
	{ "options: a password is wiped and never shown", a_password_is_wiped_and_never_shown },
	{ "options: dump shows values and sources", dump_shows_values_and_sources },
	{ "options: help and version go where scripts look", help_and_version_go_where_scripts_look },
	{ 0 },
};
