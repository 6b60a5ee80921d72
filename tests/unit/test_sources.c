/* options: where they come from, who wins, and what files may hold. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "options_rig.h"

static void rig_with(struct rig *rig, const struct memory_file *files, const char *tty, char *words[])
{
	rig_init(rig, tty);
	rig->files = files;
	rig_run(rig, words);
}

#define WITH(rig, files, tty, ...) rig_with(rig, files, tty, (char *[]){ __VA_ARGS__, NULL })

static void each_name_has_files_of_its_own(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/ppp/options", .text = "mru 1001 idle 1 holdoff 1" },
		{ .path = "/home/me/.ppprc", .text = "idle 2 holdoff 2" },
		{ .path = "/etc/ppp/options.ttyS0", .text = "idle 3 maxfail 3" },
		{ .path = "/etc/slirppd/options", .text = "mru 1011 idle 11 holdoff 11" },
		{ .path = "/home/me/.config/slirppd/options", .text = "idle 12 holdoff 12" },
		{ .path = "/etc/slirppd/options.ttyS0", .text = "idle 13 maxfail 13" },
		{ 0 },
	};
	struct rig rig;

	WITH(&rig, files, NULL, "/usr/sbin/pppd", "ttyS0", "holdoff", "4");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_EQUAL(rig.config->lcp.mru, 1001);
	CU_ASSERT_EQUAL(rig.config->holdoff, 4);
	CU_ASSERT_EQUAL(rig.config->idle, 3);
	CU_ASSERT_EQUAL(rig.config->maxfail, 3);
	rig_clear(&rig);
	WITH(&rig, files, NULL, "slirppd", "ttyS0", "holdoff", "4");
	CU_ASSERT_EQUAL(rig.config->lcp.mru, 1011);
	CU_ASSERT_EQUAL(rig.config->holdoff, 4);
	CU_ASSERT_EQUAL(rig.config->idle, 13);
	CU_ASSERT_EQUAL(rig.config->maxfail, 13);
	rig_clear(&rig);
}

static void the_command_line_beats_files(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/slirppd/options", .text = "idle 1 connect early lock noccp" },
		{ .path = "/etc/slirppd/options.ttyS0", .text = "idle 2 connect late nolock maxconnect 5 10.0.0.9:10.0.0.8" },
		{ .path = "/etc/ppp/peers/isp", .text = "idle 9 maxconnect 9" },
		{ 0 },
	};
	struct rig rig;

	WITH(&rig, files, NULL, "slirppd", "ttyS0", "idle", "7", "connect", "mine", "lock", "10.0.0.1:");
	CU_ASSERT_EQUAL(rig.config->ipcp.local, 0x0a000001);
	CU_ASSERT_EQUAL(rig.config->ipcp.remote, 0x0a000008);
	CU_ASSERT_EQUAL(rig.config->idle, 7);
	CU_ASSERT_STRING_EQUAL(rig.config->line.connect, "mine");
	CU_ASSERT_TRUE(rig.config->line.lock);
	CU_ASSERT_EQUAL(rig.config->maxconnect, 5);
	rig_clear(&rig);
	WITH(&rig, files, NULL, "slirppd", "ttyS0", "idle", "7", "call", "isp");
	CU_ASSERT_EQUAL(rig.config->idle, 9);
	CU_ASSERT_EQUAL(rig.config->maxconnect, 9);
	rig_clear(&rig);
	WITH(&rig, files, NULL, "slirppd", "ttyS0", "call", "isp", "idle", "7");
	CU_ASSERT_EQUAL(rig.config->idle, 7);
	rig_clear(&rig);
}

static void the_device_may_come_from_a_file(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/slirppd/options", .text = "/dev/ttyUSB9 115200 10.1.0.1:10.1.0.2" },
		{ .path = "/etc/slirppd/options.ttyUSB9", .text = "persist" },
		{ .path = "/etc/slirppd/options.pts.3", .text = "idle 3" },
		{ .path = "/etc/slirppd/options.tty", .text = "nonsense" },
		{ 0 },
	};
	struct rig rig;

	WITH(&rig, files, NULL, "slirppd", ":10.1.0.9");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_STRING_EQUAL(rig.config->line.device, "/dev/ttyUSB9");
	CU_ASSERT_EQUAL(rig.config->ipcp.local, 0x0a010001);
	CU_ASSERT_EQUAL(rig.config->ipcp.remote, 0x0a010009);
	rig_clear(&rig);
	WITH(&rig, files + 1, "/dev/pts/3", "slirppd");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_PTR_NULL(rig.config->line.device);
	CU_ASSERT_EQUAL(rig.config->idle, 3);
	CU_ASSERT_TRUE(rig.config->nodetach);
	rig_clear(&rig);
	WITH(&rig, files + 1, "/dev/pts/3", "slirppd", "pts/3");
	CU_ASSERT_PTR_NULL(rig.config->line.device);
	rig_clear(&rig);
	WITH(&rig, files + 1, NULL, "slirppd", "/dev/tty");
	CU_ASSERT_TRUE(rig.go);
	rig_clear(&rig);
	WITH(&rig, files + 1, "/dev/pts/3", "slirppd", "notty");
	CU_ASSERT_EQUAL(rig.config->idle, 0);
	rig_clear(&rig);
}

static void options_tty_may_not_choose_the_line(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/slirppd/options.ttyS0", .text = "\n/dev/ttyGS0" },
		{ .path = "/etc/slirppd/options.ttyGS0", .text = "pty x" },
		{ 0 },
	};
	struct rig rig;

	WITH(&rig, files, NULL, "slirppd", "ttyS0");
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: In file /etc/slirppd/options.ttyS0: the device name may not be changed in "
					"/etc/slirppd/options.ttyS0 (line 2)\n");
	rig_clear(&rig);
	WITH(&rig, files, NULL, "slirppd", "ttyGS0");
	CU_ASSERT_FALSE(rig.go);
	rig_clear(&rig);
}

static void errors_name_file_and_line(void)
{
	static const struct memory_file files[] = {
		{ .path = "/a", .text = "noccp # fine\n\n'f'oo bar" },
		{ .path = "/b", .text = "noccp\nmru\n\n 5\n" },
		{ .path = "/c", .text = "noccp\nmru" },
		{ .path = "/d", .text = "noccp file\n/a" },
		{ .path = "/e", .text = "\n\n\n/dev/ttyUSB9\n" },
		{ .path = "/f", .text = "persits" },
		{ .path = "/g", .error = EISDIR },
		{ .path = "/h", .text = "file /h" },
		{ 0 },
	};
	static const char *const says[] = {
		"In file /a: unrecognized option 'foo' (no such option or device) (line 3)",
		"In file /b: mru value must be between 128 and 16384 (line 2)",
		"In file /c: too few parameters for option 'mru' (line 2)",
		"In file /a: unrecognized option 'foo' (no such option or device) (line 3)",
		"In file /e: unrecognized option '/dev/ttyUSB9' (no such device; with persist it would be waited for) (line 4)",
		"In file /f: unrecognized option 'persits', did you mean 'persist'? (line 1)",
		"Can't open options file /g: Is a directory",
		"In file /h: options files are nested more than 32 deep: does /h include itself? (line 1)",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(says); i++) {
		struct rig rig;
		char *want = g_strdup_printf("slirppd: %s\n", says[i]);

		rig_init(&rig, "/dev/pts/3");
		rig.files = files;
		rig_run(&rig, (char *[]){ "slirppd", "file", (char *)files[i].path, NULL });
		CU_ASSERT_FALSE(rig.go);
		CU_ASSERT_EQUAL(rig.status, EXIT_OPTION_ERROR);
		CU_ASSERT_STRING_EQUAL(rig.out, want);
		g_free(want);
		rig_clear(&rig);
	}
}

static void call_looks_in_two_folders(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/ppp/peers/both", .text = "idle 1" },
		{ .path = "/home/me/.config/slirppd/peers/both", .text = "idle 2" },
		{ .path = "/home/me/.config/slirppd/peers/sub/mine", .text = "idle 3" },
		{ .path = "/etc/ppp/peers/closed", .error = EACCES },
		{ .path = "/home/me/.config/slirppd/peers/closed", .text = "idle 4" },
		{ .path = "/etc/ppp/peers/shut", .error = EACCES },
		{ .path = "/home/me/.config/slirppd/peers/own", .error = EACCES },
		{ .path = "/home/me/.config/slirppd/peers/folder", .error = EISDIR },
		{ 0 },
	};
	static const struct {
		char *name;
		unsigned idle;
	} cases[] = { { "both", 1 }, { "sub/mine", 3 }, { "closed", 4 } };
	struct rig rig;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		WITH(&rig, files, NULL, "slirppd", "notty", "call", cases[i].name);
		CU_ASSERT_TRUE(rig.go);
		CU_ASSERT_EQUAL(rig.config->idle, cases[i].idle);
		rig_clear(&rig);
	}
	WITH(&rig, files, NULL, "slirppd", "notty", "call", "shut");
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: no peers file 'shut' in /etc/ppp/peers (permission denied) or "
					"/home/me/.config/slirppd/peers\n");
	rig_clear(&rig);
	WITH(&rig, files, NULL, "slirppd", "notty", "call", "own");
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: no peers file 'own' in /etc/ppp/peers or /home/me/.config/slirppd/peers "
					"(permission denied)\n");
	rig_clear(&rig);
	WITH(&rig, files, NULL, "slirppd", "notty", "call", "folder");
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: Can't open options file /home/me/.config/slirppd/peers/folder: Is a directory\n");
	rig_clear(&rig);
	rig_init(&rig, NULL);
	rig.files = files;
	rig.options->world.root = true;
	rig_run(&rig, (char *[]){ "pppd", "notty", "call", "sub/mine", NULL });
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: Can't open options file /etc/ppp/peers/sub/mine: No such file or directory\n");
	rig_clear(&rig);
}

static void more_rights_than_the_caller(struct rig *rig, const struct memory_file *files, char *words[])
{
	rig_init(rig, NULL);
	rig->files = files;
	rig->options->world.privileged = false;
	rig_run(rig, words);
}

/* A file capability makes the program more than its caller: then pppd's rules hold. */
static void privileged_options_need_a_privileged_source(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/slirppd/options", .text = "\nconnect theirs maxconnect 60\n" },
		{ .path = "/etc/ppp/peers/isp", .text = "ifname isp0" },
		{ .path = "/home/me/mine", .text = "ifname isp0" },
		{ 0 },
	};
	struct rig rig;

	more_rights_than_the_caller(&rig, files, (char *[]){ "slirppd", "ttyS0", "ifname", "x", NULL });
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: using the ifname option requires root privilege\n");
	rig_clear(&rig);
	more_rights_than_the_caller(&rig, files, (char *[]){ "slirppd", "ttyS0", "file", "/home/me/mine", NULL });
	CU_ASSERT_FALSE(rig.go);
	rig_clear(&rig);
	more_rights_than_the_caller(&rig, files, (char *[]){ "slirppd", "ttyS0", "call", "isp", NULL });
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_STRING_EQUAL(rig.config->net.ifname, "isp0");
	rig_clear(&rig);
	more_rights_than_the_caller(&rig, files, (char *[]){ "slirppd", "ttyS0", "connect", "mine", NULL });
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: connect option set in /etc/slirppd/options cannot be overridden\n");
	rig_clear(&rig);
	more_rights_than_the_caller(&rig, files, (char *[]){ "slirppd", "ttyS0", "maxconnect", "0", NULL });
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: maxconnect value cannot be increased\n");
	rig_clear(&rig);
	more_rights_than_the_caller(&rig, files, (char *[]){ "slirppd", "ttyS0", "maxconnect", "59", NULL });
	CU_ASSERT_TRUE(rig.go);
	rig_clear(&rig);
}

static void auth_of_a_file_gives_way_to_noauth(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/ppp/options",
		  .text = "asyncmap 0\nauth\ncrtscts\nlock\nhide-password\nmodem\nlcp-echo-interval 30\nlcp-echo-failure 4\nnoipx\n" },
		{ 0 },
	};
	struct rig rig;

	WITH(&rig, files, NULL, "pppd", "notty");
	CU_ASSERT_EQUAL(rig.status, EXIT_FATAL_ERROR);
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: The remote system is required to authenticate itself\n"
					"slirppd: but I couldn't find any suitable secret (password) for it to use to do so.\n");
	rig_clear(&rig);
	WITH(&rig, files, NULL, "pppd", "notty", "noauth");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_FALSE(rig.config->line.lock);
	CU_ASSERT_FALSE(rig.config->line.modem);
	CU_ASSERT_EQUAL(rig.config->lcp.echo_interval, 30);
	rig_clear(&rig);
	WITH(&rig, files, NULL, "slirppd", "notty");
	CU_ASSERT_TRUE(rig.go);
	rig_clear(&rig);
}

static void what_cannot_be_read_is_a_warning_or_nothing(void)
{
	static const struct memory_file files[] = {
		{ .path = "/etc/slirppd/options", .error = EACCES },
		{ .path = "/home/me/.config/slirppd/options", .error = ENOTDIR },
		{ 0 },
	};
	struct rig rig;

	WITH(&rig, files, NULL, "slirppd", "notty");
	CU_ASSERT_TRUE(rig.go);
	rig_dump(&rig);
	CU_ASSERT_TRUE(g_str_has_prefix(rig.log->str, "Warning: can't open options file /etc/slirppd/options: Permission denied\n"));
	rig_clear(&rig);
}

static void odd_files_are_survived(void)
{
	struct rig rig;
	const struct source source = { .name = "/odd", .priority = PRIORITY_FILE, .privileged = true };
	char *text = g_strdup_printf("connect '%0*d' noccp 'unclosed", 70000, 0);

	rig_init(&rig, NULL);
	CU_ASSERT_FALSE(options_read_text(rig.options, &source, text, strlen(text)));
	CU_ASSERT_EQUAL(strlen(rig.config->line.connect), 1023);
	CU_ASSERT_EQUAL(rig.options->notes->len, 2);
	CU_ASSERT_FALSE(options_read_text(rig.options, &source, "noccp\0noccp", 11));
	CU_ASSERT_TRUE(options_read_text(rig.options, &source, "", 0));
	CU_ASSERT_TRUE(options_read_text(rig.options, &source, "user \"\"", 7));
	rig_clear(&rig);
	g_free(text);
}

static const char *random_word(GRand *rand)
{
	static const char *const others[] = {
		"''", "\"", "\\", "#", "\n", "0", "-1", "1:2:3:4", "udp:53", "22:22", "10.0.0.1:10.0.0.2", "example.net", "/dev/ttyUSB9", ":",
	};
	size_t n = (size_t)g_rand_int_range(rand, 0, (gint32)(option_table_size + G_N_ELEMENTS(others)));

	return n < option_table_size ? option_table[n].name : others[n - option_table_size];
}

/* Any file ends in a config or an error, and a config that was taken can be finished and dumped. */
static void random_words_never_crash(void)
{
	GRand *rand = g_rand_new_with_seed(1661);
	GString *text = g_string_new(NULL);

	for (int round = 0; round < 3000; round++) {
		struct rig rig;

		g_string_truncate(text, 0);
		for (int words = g_rand_int_range(rand, 0, 12); words > 0; words--)
			g_string_append_printf(text, "%s%s", random_word(rand), g_rand_boolean(rand) ? " " : "\n");
		for (int bytes = g_rand_int_range(rand, 0, 3); bytes > 0 && text->len > 0; bytes--)
			text->str[g_rand_int_range(rand, 0, (gint32)text->len)] = (char)g_rand_int_range(rand, 1, 256);
		const struct memory_file files[] = { { .path = "/random", .text = text->str }, { 0 } };
		WITH(&rig, files, NULL, "slirppd", "notty", "file", "/random");
		CU_ASSERT_TRUE(rig.go || rig.status == EXIT_OPTION_ERROR || rig.status == EXIT_FATAL_ERROR || rig.status == EXIT_CNID_AUTH_FAILED ||
			       rig.out[0] != '\0');
		if (rig.go)
			rig_dump(&rig);
		rig_clear(&rig);
	}
	g_string_free(text, TRUE);
	g_rand_free(rand);
}

const struct unit_test unit_tests[] = {
	{ "sources: slirppd and pppd have files of their own", each_name_has_files_of_its_own },
	{ "sources: the command line beats files", the_command_line_beats_files },
	{ "sources: the device may come from a file", the_device_may_come_from_a_file },
	{ "sources: options.TTY may not choose the line", options_tty_may_not_choose_the_line },
	{ "sources: errors name file and line", errors_name_file_and_line },
	{ "sources: call looks in two folders", call_looks_in_two_folders },
	{ "sources: privileged options need a privileged source", privileged_options_need_a_privileged_source },
	{ "sources: auth of a file gives way to noauth", auth_of_a_file_gives_way_to_noauth },
	{ "sources: what cannot be read is a warning or nothing", what_cannot_be_read_is_a_warning_or_nothing },
	{ "sources: odd files are survived", odd_files_are_survived },
	{ "sources: random words never crash", random_words_never_crash },
	{ 0 },
};
