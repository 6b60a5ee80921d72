/* log and status: what a line looks like, and who gets it. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
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

/* A full pipe whose writing end blocks. */
static void make_full_pipe(int fds[2])
{
	static const char rubbish[4096];

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	CU_ASSERT_EQUAL(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	while (write(fds[1], rubbish, sizeof(rubbish)) > 0)
		;
	CU_ASSERT_EQUAL(fcntl(fds[1], F_SETFL, 0), 0);
}

static void drain(int fd)
{
	static char rubbish[1 << 20];

	CU_ASSERT_TRUE(read(fd, rubbish, sizeof(rubbish)) > 0);
}

static void a_full_pipe_is_not_waited_for(void)
{
	int fds[2];
	char text[128] = "";

	make_full_pipe(fds);
	log_set_fd(fds[1]);
	log_info("lost");
	log_info("lost, too");
	CU_ASSERT_EQUAL(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
	drain(fds[0]);
	log_info("seen");
	log_info("seen again");
	log_set_fd(-1);
	CU_ASSERT_TRUE(read(fds[0], text, sizeof(text) - 1) > 0);
	CU_ASSERT_STRING_EQUAL(text, "2 log lines were lost\nseen\nseen again\n");
	close(fds[0]);
	close(fds[1]);
}

static void open_terminal(int fds[2])
{
	struct termios t;

	fds[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	CU_ASSERT_FATAL(fds[0] >= 0 && grantpt(fds[0]) == 0 && unlockpt(fds[0]) == 0);
	fds[1] = open(ptsname(fds[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(tcgetattr(fds[1], &t), 0);
	cfmakeraw(&t);
	CU_ASSERT_EQUAL(tcsetattr(fds[1], TCSANOW, &t), 0);
}

/* A terminal gives what was written in pieces of its own choice. */
static void read_until(int fd, char *text, size_t size, const char *end)
{
	size_t len = 0;
	ssize_t n;

	while (!strstr(text, end) && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
}

static void a_terminal_that_is_stopped_or_full_is_not_waited_for(void)
{
	int fds[2];
	char text[64] = "";
	char line[1001];

	open_terminal(fds);
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	log_set_fd(fds[1]);
	CU_ASSERT_EQUAL(tcflow(fds[1], TCOOFF), 0);
	log_info("lost");
	CU_ASSERT_EQUAL(tcflow(fds[1], TCOON), 0);
	log_info("seen");
	read_until(fds[0], text, sizeof(text), "seen\n");
	CU_ASSERT_STRING_EQUAL(text, "1 log lines were lost\nseen\n");
	for (int i = 0; i < 100; i++)
		log_info("%s", line);
	CU_ASSERT_EQUAL(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
	CU_ASSERT_EQUAL(log_fd(), fds[1]);
	log_set_fd(-1);
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
	{ "log: a full pipe is not waited for, and what was lost is said", a_full_pipe_is_not_waited_for },
	{ "log: a terminal that is stopped or full is not waited for", a_terminal_that_is_stopped_or_full_is_not_waited_for },
	{ "status: every exit code of pppd has a text", every_exit_code_has_a_text },
	{ 0 },
};
