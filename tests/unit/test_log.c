/* log and status: what a line looks like, and who gets it. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "status.h"

struct seen {
	int count, priority;
	char line[8192];
};

static void note(void *arg, int priority, const char *line)
{
	struct seen *seen = arg;

	seen->count++;
	seen->priority = priority;
	strncpy(seen->line, line, sizeof(seen->line) - 1);
}

static void a_peers_control_characters_are_shown(void)
{
	struct seen seen = { 0 };

	log_set_sink(note, &seen);
	log_info("a\033[31mb\x01\x7f\x85z\tend\n");
	CU_ASSERT_STRING_EQUAL(seen.line, "a^[[31mb^A^?M-^Ez\tend");
	log_info("two\nlines");
	CU_ASSERT_STRING_EQUAL(seen.line, "two^Jlines");
	log_set_sink(NULL, NULL);
}

static void a_long_line_is_cut(void)
{
	struct seen seen = { 0 };
	char text[8000];

	memset(text, '\x80', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_set_sink(note, &seen);
	log_warn("%s", text);
	CU_ASSERT_EQUAL(seen.priority, LOG_WARNING);
	CU_ASSERT_TRUE(strlen(seen.line) > 1000 && strlen(seen.line) < 4096);
	log_set_sink(NULL, NULL);
}

static void debug_lines_only_with_debug(void)
{
	struct seen seen = { 0 };

	log_set_sink(note, &seen);
	log_set_debug(0);
	log_dbg("hidden");
	CU_ASSERT_EQUAL(seen.count, 0);
	log_toggle_debug();
	log_dbg("shown");
	CU_ASSERT_EQUAL(seen.count, 1);
	log_toggle_debug();
	log_dbg("hidden");
	CU_ASSERT_EQUAL(seen.count, 1);
	log_set_sink(NULL, NULL);
}

static void lines_go_to_the_descriptor_as_they_are(void)
{
	int fds[2];
	char text[64] = "";

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	log_set_fd(fds[1]);
	errno = EACCES;
	log_error("Failed to open %s: %m", "/dev/ttyS9");
	log_syslog_only(LOG_INFO, "Exit.");
	log_set_fd(-1);
	CU_ASSERT_TRUE(read(fds[0], text, sizeof(text) - 1) > 0);
	CU_ASSERT_STRING_EQUAL(text, "Failed to open /dev/ttyS9: Permission denied\n");
	close(fds[0]);
	close(fds[1]);
}

static void every_exit_code_has_a_text(void)
{
	for (int code = EXIT_OK; code <= EXIT_CNID_AUTH_FAILED; code++)
		CU_ASSERT_STRING_NOT_EQUAL(exit_status_text((enum exit_status)code), "unknown");
	CU_ASSERT_STRING_EQUAL(exit_status_text((enum exit_status)22), "unknown");
	CU_ASSERT_STRING_EQUAL(exit_status_text((enum exit_status)-1), "unknown");
	CU_ASSERT_EQUAL(EXIT_PEER_DEAD, 15);
	CU_ASSERT_EQUAL(EXIT_LOOPBACK, 17);
}

const struct unit_test unit_tests[] = {
	{ "log: a peer's control characters are shown, not sent to the terminal", a_peers_control_characters_are_shown },
	{ "log: a long line is cut", a_long_line_is_cut },
	{ "log: debug lines only with debug", debug_lines_only_with_debug },
	{ "log: lines go to the descriptor as they are", lines_go_to_the_descriptor_as_they_are },
	{ "status: every exit code of pppd has a text", every_exit_code_has_a_text },
	{ 0 },
};
