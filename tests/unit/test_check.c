/* check: what bytes from a line mean, and what is said of the files around a port, under a root folder of the test's own. */
#include "unit.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "check/heard.h"
#include "check/internal.h"

#define MAGIC 0x12345678

/* The judgement on LEN bytes at TEXT, given in pieces of PIECE. */
static enum heard_kind judge_pieces(const void *text, size_t len, size_t piece)
{
	struct heard h;

	heard_init(&h, MAGIC);
	for (size_t at = 0; at < len; at += piece)
		heard_take(&h, (const uint8_t *)text + at, MIN(piece, len - at));
	enum heard_kind kind = heard_judge(&h);
	heard_clear(&h);
	return kind;
}

static void expect(const char *text, enum heard_kind kind)
{
	CU_ASSERT_EQUAL(judge_pieces(text, strlen(text), 4096), kind);
	CU_ASSERT_EQUAL(judge_pieces(text, strlen(text), 1), kind);
}

static void nothing(void)
{
	expect("", HEARD_NOTHING);
}

static void login_prompts(void)
{
	expect("\r\nDebian GNU/Linux 12 pikvm ttyGS0\r\n\r\npikvm login: ", HEARD_LOGIN);
	expect("\r\nPassword: ", HEARD_LOGIN);
	expect("User Access Verification\r\n\r\nUsername: ", HEARD_LOGIN);
	expect("\r\nLogin incorrect\r\nbox Login: ", HEARD_LOGIN);
}

static void modems(void)
{
	expect("\r\nOK\r\n", HEARD_MODEM);
	expect("AT\r\r\nOK\r\n", HEARD_MODEM);
	expect("\r\nRING\r\n", HEARD_MODEM);
	expect("\r\nNO CARRIER\r\n", HEARD_MODEM);
	expect("\r\nCONNECT 9600\r\n", HEARD_MODEM);
	expect("\r\nERROR\r\n", HEARD_MODEM);
}

static void shells(void)
{
	expect("\033[01;32mroot@box\033[00m:~# ", HEARD_SHELL);
	expect("user@box:~$ ", HEARD_SHELL);
	expect("Router>", HEARD_SHELL);
	expect("U-Boot 2023.01\r\n=> ", HEARD_SHELL);
	expect("-bash: xyz: command not found\r\n", HEARD_SHELL);
}

static void other_text(void)
{
	expect("[    0.000000] Linux version 6.1.0\r\n[    0.000000] Command line: quiet\r\n", HEARD_TEXT);
	expect("$GPGGA,123519,4807.038,N,01131.000,E,1,08\r\n", HEARD_TEXT);
	expect("connected to nothing, ok, no error\r\n", HEARD_TEXT);
}

static void noise(void)
{
	static const uint8_t zeros[] = { 0, 0, 0x80, 0, 0x80, 0, 0xff, 0, 0xf8, 0 };
	uint8_t many[HEARD_MAX * 3];

	CU_ASSERT_EQUAL(judge_pieces(zeros, sizeof(zeros), 3), HEARD_NOISE);
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = (uint8_t)(0x80 | i * 37);
	CU_ASSERT_EQUAL(judge_pieces(many, sizeof(many), 1000), HEARD_NOISE);
	static const uint8_t flags[] = { 0x7e, 0x80, 0xfe, 0x7e, 0x81, 0xc0, 0x7e, 0x00 };
	CU_ASSERT_EQUAL(judge_pieces(flags, sizeof(flags), 8), HEARD_NOISE);
}

/* Every byte value, one after the other, in any amount. */
static void anything_gets_a_judgement(void)
{
	uint8_t bytes[256];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	for (size_t len = 0; len <= sizeof(bytes); len++)
		CU_ASSERT_TRUE(judge_pieces(bytes, len, 7) < HEARD_KINDS);
}

static size_t frame_of(uint32_t magic, uint8_t *out)
{
	struct heard h;

	heard_init(&h, magic);
	size_t len = heard_send(&h, HEARD_CONFIGURE, 1, out);
	heard_clear(&h);
	return len;
}

static void a_request_of_lcp_is_ppp(void)
{
	uint8_t frame[HEARD_FRAME_MAX];
	size_t len = frame_of(MAGIC + 1, frame);

	for (size_t piece = 1; piece <= len; piece++)
		CU_ASSERT_EQUAL(judge_pieces(frame, len, piece), HEARD_PPP);
}

static void ppp_after_text_is_ppp(void)
{
	uint8_t bytes[128] = "login: ";
	size_t len = 7 + frame_of(MAGIC + 1, bytes + 7);

	CU_ASSERT_EQUAL(judge_pieces(bytes, len, len), HEARD_PPP);
}

static void damaged_ppp_is_told_from_noise(void)
{
	uint8_t frame[HEARD_FRAME_MAX];
	size_t len = frame_of(MAGIC + 1, frame);

	frame[len - 4] ^= 1;
	CU_ASSERT_EQUAL(judge_pieces(frame, len, len), HEARD_BROKEN);
	for (size_t i = 0; i < len; i++)
		frame[i] &= 0x7f;
	frame[len / 2] = 0x01;
	frame[len / 2 + 1] = 0x02;
	frame[len / 2 + 2] = 0x03;
	frame[len / 2 + 3] = 0x04;
	frame[len / 2 + 4] = 0x05;
	CU_ASSERT_EQUAL(judge_pieces(frame, len, len), HEARD_BROKEN);
}

/* What we sent comes back, with BEFORE and AFTER around it. */
static enum heard_kind echo_between(const char *before, const char *after)
{
	uint8_t frame[HEARD_FRAME_MAX];
	struct heard h;

	heard_init(&h, MAGIC);
	for (uint8_t id = 1; id <= 2; id++) {
		size_t len = heard_send(&h, HEARD_CONFIGURE, id, frame);
		heard_take(&h, (const uint8_t *)before, strlen(before));
		heard_take(&h, frame, len);
	}
	heard_take(&h, (const uint8_t *)after, strlen(after));
	enum heard_kind kind = heard_judge(&h);
	heard_clear(&h);
	return kind;
}

/* RFC 1661 §6.4: our own magic number in a request of the peer's means a loop. */
static void our_own_frames_are_an_echo(void)
{
	CU_ASSERT_EQUAL(echo_between("", ""), HEARD_ECHO);
	CU_ASSERT_EQUAL(echo_between("", "\r\nbox login: "), HEARD_LOGIN);
	CU_ASSERT_EQUAL(echo_between("", "\r\n?\r\n"), HEARD_SHELL);
	CU_ASSERT_EQUAL(echo_between("\r\n", "\r\n# "), HEARD_SHELL);
}

static void an_excerpt_steers_no_terminal(void)
{
	static const char text[] = "\033[2Ja\"\\b\r\n\x9b";
	struct heard h;

	heard_init(&h, MAGIC);
	heard_take(&h, (const uint8_t *)text, strlen(text));
	char *excerpt = heard_excerpt(&h, 60);
	CU_ASSERT_STRING_EQUAL(excerpt, "\\x1b[2Ja\\x22\\x5cb\\r\\n\\x9b");
	g_free(excerpt);
	excerpt = heard_excerpt(&h, 2);
	CU_ASSERT_STRING_EQUAL(excerpt, "\\x1b[");
	g_free(excerpt);
	heard_clear(&h);
}

/* A machine of the test's own: a root folder, and a check whose words can be read. */
struct machine {
	struct check check;
	char *root, *text;
	size_t len;
};

static void machine_new(struct machine *m, const char *device)
{
	*m = (struct machine){ .root = g_dir_make_tmp("check-XXXXXX", NULL) };
	m->check = (struct check){ .root = m->root, .device = g_strdup(device), .kind = SERIAL_GADGET };
	m->check.out = open_memstream(&m->text, &m->len);
	check_fact(&m->check, FACT_DEVICE, g_strdup(device));
}

static void add_file(struct machine *m, const char *path, const char *text)
{
	char *full = g_strconcat(m->root, path, NULL);
	char *folder = g_path_get_dirname(full);

	g_mkdir_with_parents(folder, 0755);
	CU_ASSERT_TRUE(g_file_set_contents(full, text, -1, NULL));
	g_free(folder);
	g_free(full);
}

static void add_link(struct machine *m, const char *path, const char *target)
{
	char *full = g_strconcat(m->root, path, NULL);
	char *folder = g_path_get_dirname(full);

	g_mkdir_with_parents(folder, 0755);
	CU_ASSERT_EQUAL(symlink(target, full), 0);
	g_free(folder);
	g_free(full);
}

static void remove_tree(const char *path)
{
	GDir *dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
	const char *entry;

	while (dir && (entry = g_dir_read_name(dir))) {
		char *child = g_build_filename(path, entry, NULL);

		remove_tree(child);
		g_free(child);
	}
	if (dir)
		g_dir_close(dir);
	g_remove(path);
}

/* Ends the machine: it said WORDS, and its exit code is STATUS. */
static void machine_said(struct machine *m, const char *words, enum exit_status status)
{
	fclose(m->check.out);
	CU_ASSERT_PTR_NOT_NULL(strstr(m->text, words));
	CU_ASSERT_EQUAL(m->check.status, status);
	for (size_t i = 0; i < FACTS; i++)
		check_fact(&m->check, (enum fact)i, NULL);
	g_free(m->check.device);
	g_free(m->check.real);
	remove_tree(m->root);
	g_free(m->root);
	free(m->text);
}

static void expect_controller(const char *driver, const char *state, const char *words, enum exit_status status)
{
	struct machine m;

	machine_new(&m, "/dev/ttyGS0");
	if (driver)
		add_file(&m, "/sys/class/udc/fe980000.usb/function", driver);
	if (state)
		add_file(&m, "/sys/class/udc/fe980000.usb/state", state);
	CU_ASSERT_TRUE(check_gadget(&m.check));
	machine_said(&m, words, status);
}

static void states_of_a_gadget(void)
{
	expect_controller(NULL, NULL, "No USB controller", EXIT_FATAL_ERROR);
	expect_controller("\n", "not attached\n", "not bound", EXIT_FATAL_ERROR);
	expect_controller("configfs-gadget.kvmd\n", "not attached\n", "No computer is at the other end", EXIT_HANGUP);
	expect_controller("configfs-gadget.kvmd\n", "suspended\n", "has not set the USB device up (fe980000.usb: suspended)",
			  EXIT_HANGUP);
	expect_controller("configfs-gadget.kvmd\n", "configured\n", "", EXIT_OK);
}

static void a_missing_gadget_port(void)
{
	struct machine m;

	machine_new(&m, "/dev/ttyGS77");
	CU_ASSERT_FALSE(check_place(&m.check));
	machine_said(&m, "modprobe g_serial", EXIT_OPEN_FAILED);
	machine_new(&m, "/dev/ttyGS77");
	add_file(&m, "/etc/kvmd/override.yaml", "");
	CU_ASSERT_FALSE(check_place(&m.check));
	machine_said(&m, "override.yaml", EXIT_OPEN_FAILED);
}

static void a_missing_adapter_names_those_that_are_there(void)
{
	struct machine m;

	machine_new(&m, "/dev/ttyUSB77");
	add_file(&m, "/dev/serial/by-id/usb-FTDI_FT232R-if00-port0", "");
	CU_ASSERT_FALSE(check_place(&m.check));
	machine_said(&m, "likely one first: /dev/serial/by-id/usb-FTDI_FT232R-if00-port0.", EXIT_OPEN_FAILED);
}

static void expect_holder(const char *name, const char *words)
{
	struct machine m;

	machine_new(&m, "/dev/ttyGS0");
	add_file(&m, "/proc/999999/comm", name);
	add_link(&m, "/proc/999999/fd/0", "/dev/null");
	add_link(&m, "/proc/999999/fd/3", "/dev/ttyGS0");
	add_link(&m, "/proc/999998/fd/3", "/dev/ttyGS00");
	m.check.real = g_strdup("/dev/ttyGS0");
	CU_ASSERT_FALSE(check_holders(&m.check));
	fflush(m.check.out);
	CU_ASSERT_PTR_NULL(strstr(m.text, "999998"));
	machine_said(&m, words, EXIT_LOCK_FAILED);
}

static void holders_of_a_port(void)
{
	expect_holder("agetty\n", "disable --now getty@ttyGS0");
	expect_holder("ModemManager\n", "ID_MM_DEVICE_IGNORE");
	expect_holder("pppd\n", "pppd (pid 999999, user ");
	expect_holder("picocom\n", "leave that program");
	expect_holder("strange\n", "sudo kill 999999");
	expect_holder("e\033[2Jvil\n", "e?[2Jvil");
}

static void expect_lock(const char *text, bool alive, const char *words, enum exit_status status)
{
	struct machine m;

	machine_new(&m, "/dev/ttyGS0");
	add_file(&m, "/var/lock/LCK..ttyGS0", text);
	if (alive)
		add_file(&m, "/proc/999999/comm", "minicom\n");
	m.check.real = g_strdup("/dev/ttyGS0");
	CU_ASSERT_EQUAL(check_lock(&m.check), status == EXIT_OK);
	machine_said(&m, words, status);
}

static void lock_files(void)
{
	expect_lock("    999999\n", true, "Process 999999 has locked", EXIT_LOCK_FAILED);
	expect_lock("    999999\n", false, "which is gone", EXIT_OK);
	expect_lock("what?\n", false, "Process unknown has locked", EXIT_LOCK_FAILED);
	expect_lock("", false, "Process unknown has locked", EXIT_LOCK_FAILED);
}

/* Each sentence can be said, without and with what it speaks of, and says more than its weight. */
static void every_finding_has_a_sentence(void)
{
	for (unsigned i = 0; i < FINDINGS; i++) {
		struct machine m;

		machine_new(&m, "/dev/ttyGS0");
		check_tell(&m.check, (enum finding)i);
		fflush(m.check.out);
		CU_ASSERT_TRUE(m.len > 30);
		CU_ASSERT_EQUAL(m.check.status != EXIT_OK, g_str_has_prefix(m.text, "wrong: "));
		machine_said(&m, ": ", m.check.status);
	}
}

const struct unit_test unit_tests[] = {
	{ "nothing", nothing },
	{ "login prompts", login_prompts },
	{ "modems", modems },
	{ "shells", shells },
	{ "other text", other_text },
	{ "noise", noise },
	{ "anything gets a judgement", anything_gets_a_judgement },
	{ "a request of LCP is PPP", a_request_of_lcp_is_ppp },
	{ "PPP after text is PPP", ppp_after_text_is_ppp },
	{ "damaged PPP is told from noise", damaged_ppp_is_told_from_noise },
	{ "our own frames are an echo (RFC 1661 section 6.4)", our_own_frames_are_an_echo },
	{ "an excerpt steers no terminal", an_excerpt_steers_no_terminal },
	{ "states of a gadget", states_of_a_gadget },
	{ "a missing gadget port", a_missing_gadget_port },
	{ "a missing adapter names those that are there", a_missing_adapter_names_those_that_are_there },
	{ "holders of a port", holders_of_a_port },
	{ "lock files", lock_files },
	{ "every finding has a sentence", every_finding_has_a_sentence },
	{ 0 },
};
