/* line: what can be known of it without a device: speeds, kinds of ports, lock files, addresses, and how opening fails. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "line/internal.h"
#include "line/lock.h"
#include "line/script.h"
#include "line/speed.h"

static void every_named_speed_has_a_code(void)
{
	static const unsigned speeds[] = { 50,     300,    1200,   9600,   19200,   38400,   57600,   115200,
					   230400, 460800, 500000, 921600, 1000000, 1500000, 3000000, 4000000 };

	for (size_t i = 0; i < G_N_ELEMENTS(speeds); i++) {
		CU_ASSERT_NOT_EQUAL(speed_code(speeds[i]), 0);
		CU_ASSERT_EQUAL(speed_of_code(speed_code(speeds[i])), speeds[i]);
	}
	CU_ASSERT_EQUAL(speed_code(9600), 015);
	CU_ASSERT_EQUAL(speed_code(115200), 010002);
}

static void other_speeds_have_none(void)
{
	CU_ASSERT_EQUAL(speed_code(0), 0);
	CU_ASSERT_EQUAL(speed_code(250000), 0);
	CU_ASSERT_EQUAL(speed_code(115201), 0);
	CU_ASSERT_EQUAL(speed_of_code(0), 0);
	CU_ASSERT_EQUAL(speed_of_code(010000), 0); /* BOTHER */
}

static void a_divider_may_be_a_little_off(void)
{
	CU_ASSERT_TRUE(speed_matches(115200, 115200));
	CU_ASSERT_TRUE(speed_matches(57600, 57692));
	CU_ASSERT_TRUE(speed_matches(1000, 970));
	CU_ASSERT_FALSE(speed_matches(1000, 969));
	CU_ASSERT_TRUE(speed_matches(1000, 1030));
	CU_ASSERT_FALSE(speed_matches(1000, 1031));
	CU_ASSERT_FALSE(speed_matches(250000, 115200));
	CU_ASSERT_TRUE(speed_matches(4000000000u, 4000000000u));
	CU_ASSERT_FALSE(speed_matches(4000000000u, 1));
}

static void kinds_of_ports(void)
{
	CU_ASSERT_EQUAL(serial_kind("/dev/ttyS0", makedev(4, 64)), SERIAL_UART);
	CU_ASSERT_EQUAL(serial_kind("/dev/ttyUSB3", makedev(188, 3)), SERIAL_UART);
	CU_ASSERT_EQUAL(serial_kind("/dev/ttyACM0", makedev(166, 0)), SERIAL_ACM);
	CU_ASSERT_EQUAL(serial_kind("/dev/ttyGS0", makedev(246, 0)), SERIAL_GADGET);
	CU_ASSERT_EQUAL(serial_kind("/dev/pts/7", makedev(136, 7)), SERIAL_PTY);
	CU_ASSERT_EQUAL(serial_kind("/dev/pts/300", makedev(143, 0)), SERIAL_PTY);
	CU_ASSERT_EQUAL(serial_kind("ttyGS1", makedev(246, 1)), SERIAL_GADGET);
}

static void expect_address(const char *text, const char *host, const char *port)
{
	char *got_host = NULL;
	char *got_port = NULL;

	CU_ASSERT_TRUE(line_parse_address(text, &got_host, &got_port));
	CU_ASSERT_EQUAL(g_strcmp0(got_host, host), 0);
	CU_ASSERT_EQUAL(g_strcmp0(got_port, port), 0);
	g_free(got_host);
	g_free(got_port);
}

static void socket_addresses(void)
{
	static const char *const wrong[] = { "", ":", "host", "host:", ":23", "::1:23", "[::1]23", "[::1]", "[]:23", "a:b:c" };
	char *host, *port;

	expect_address("10.0.0.1:2323", "10.0.0.1", "2323");
	expect_address("modem.example:telnet", "modem.example", "telnet");
	expect_address("[fe80::1%eth0]:23", "fe80::1%eth0", "23");
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		CU_ASSERT_FALSE(line_parse_address(wrong[i], &host, &port));
}

/* A folder of locks, and one device's lock in it. */
struct locks {
	char *folder;
	char *path;
};

#define DEVICE "/dev/pts/3"

static void locks_make(struct locks *l)
{
	l->folder = g_dir_make_tmp("slirppd-XXXXXX", NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l->folder);
	l->path = lock_path(l->folder, DEVICE);
}

static void locks_remove(struct locks *l)
{
	g_unlink(l->path);
	g_rmdir(l->folder);
	g_free(l->path);
	g_free(l->folder);
}

/* Makes the lock file, takes the lock, and gives the answer. */
static enum lock_result take_where_there_is(struct locks *l, const char *text)
{
	CU_ASSERT_TRUE(g_file_set_contents(l->path, text, -1, NULL));
	return lock_take(l->folder, DEVICE, getpid());
}

static bool lock_says(const struct locks *l, const char *expected)
{
	char *text = NULL;
	bool same = g_file_get_contents(l->path, &text, NULL, NULL) && strcmp(text, expected) == 0;

	g_free(text);
	return same;
}

static void lock_names(void)
{
	static const char *const names[][2] = {
		{ "/dev/ttyS0", "/l/LCK..ttyS0" },
		{ "/dev/pts/3", "/l/LCK..pts_3" },
		{ "/dev/serial/by-id/usb-x", "/l/LCK..serial_by-id_usb-x" },
		{ "ttyS1", "/l/LCK..ttyS1" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		char *path = lock_path("/l", names[i][0]);

		CU_ASSERT_STRING_EQUAL(path, names[i][1]);
		g_free(path);
	}
}

static void lock_is_ten_columns_and_goes(void)
{
	struct locks l;
	struct stat st;

	locks_make(&l);
	mode_t mask = umask(022);
	CU_ASSERT_EQUAL(lock_take(l.folder, DEVICE, 4711), LOCK_TAKEN);
	umask(mask);
	CU_ASSERT_TRUE(lock_says(&l, "      4711\n"));
	CU_ASSERT_EQUAL(stat(l.path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0644);
	lock_release(l.folder, DEVICE, 4712);
	CU_ASSERT_EQUAL(g_access(l.path, F_OK), 0);
	lock_release(l.folder, DEVICE, 4711);
	CU_ASSERT_NOT_EQUAL(g_access(l.path, F_OK), 0);
	locks_remove(&l);
}

static void lock_of_the_living_is_held(void)
{
	struct locks l;
	char text[16];

	locks_make(&l);
	g_snprintf(text, sizeof(text), "%10d\n", (int)getppid());
	CU_ASSERT_EQUAL(take_where_there_is(&l, text), LOCK_HELD);
	CU_ASSERT_TRUE(lock_says(&l, text));
	g_snprintf(text, sizeof(text), "%10d\n", (int)getpid());
	CU_ASSERT_EQUAL(take_where_there_is(&l, text), LOCK_TAKEN);
	locks_remove(&l);
}

static pid_t dead_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

static void lock_of_the_dead_is_replaced(void)
{
	struct locks l;
	char dead[16], ours[16];

	locks_make(&l);
	g_snprintf(dead, sizeof(dead), "%10d\n", (int)dead_process());
	g_snprintf(ours, sizeof(ours), "%10d\n", (int)getpid());
	CU_ASSERT_EQUAL(take_where_there_is(&l, dead), LOCK_TAKEN);
	CU_ASSERT_TRUE(lock_says(&l, ours));
	CU_ASSERT_EQUAL(take_where_there_is(&l, "         0\n"), LOCK_TAKEN);
	CU_ASSERT_TRUE(lock_says(&l, ours));
	CU_ASSERT_EQUAL(take_where_there_is(&l, "rubbish"), LOCK_TAKEN);
	CU_ASSERT_EQUAL(take_where_there_is(&l, "-1\n"), LOCK_TAKEN);
	CU_ASSERT_TRUE(lock_says(&l, ours));
	locks_remove(&l);
}

static void lock_that_cannot_be_read_is_held(void)
{
	struct locks l;

	locks_make(&l);
	CU_ASSERT_EQUAL(take_where_there_is(&l, ""), LOCK_HELD);
	g_unlink(l.path);
	CU_ASSERT_EQUAL(symlink("/nowhere", l.path), 0);
	CU_ASSERT_EQUAL(lock_take(l.folder, DEVICE, getpid()), LOCK_HELD);
	locks_remove(&l);
}

static void no_place_for_locks(void)
{
	CU_ASSERT_EQUAL(lock_take("/nonexistent", DEVICE, getpid()), LOCK_IMPOSSIBLE);
	CU_ASSERT_EQUAL(errno, ENOENT);
}

/* A line in a loop that stops with its first event. */
struct probe {
	struct line_config config;
	struct loop *loop;
	struct line *line;
	char events[8];
	enum exit_status status;
	char bytes[16];
};

static void note(struct probe *p, char event)
{
	size_t n = strlen(p->events);

	CU_ASSERT_FATAL(n + 1 < sizeof(p->events));
	p->events[n] = event;
	loop_quit(p->loop);
}

static void on_ready(void *arg)
{
	note(arg, 'r');
}

static void on_failed(void *arg, enum exit_status status)
{
	struct probe *p = arg;

	p->status = status;
	note(p, 'f');
}

static void on_data(void *arg, uint8_t *bytes, size_t len)
{
	struct probe *p = arg;

	CU_ASSERT_FATAL(len < sizeof(p->bytes));
	memcpy(p->bytes, bytes, len);
	note(p, 'd');
}

static void on_writable(void *arg)
{
	note(arg, 'w');
}

static void on_hangup(void *arg)
{
	note(arg, 'h');
}

static void on_closed(void *arg)
{
	note(arg, 'c');
}

static const struct line_events probe_events = { on_ready, on_failed, on_data, on_writable, on_hangup, on_closed };

static void probe_start(struct probe *p, enum line_kind kind)
{
	*p = (struct probe){ .config = { .kind = kind, .modem = true } };
	p->loop = loop_new();
	p->line = line_new(&p->config, p->loop, &probe_events, p);
}

static void probe_end(struct probe *p)
{
	line_free(p->line);
	loop_free(p->loop);
}

static void open_fails_with(struct probe *p, enum exit_status status)
{
	line_open(p->line, false);
	CU_ASSERT_STRING_EQUAL(p->events, "");
	loop_run(p->loop);
	CU_ASSERT_STRING_EQUAL(p->events, "f");
	CU_ASSERT_EQUAL(p->status, status);
	probe_end(p);
}

static void no_device(void)
{
	struct probe p;

	probe_start(&p, LINE_TTY);
	p.config.device = (char *)"/nonexistent/ttyS0";
	open_fails_with(&p, EXIT_OPEN_FAILED);
}

static void no_terminal(void)
{
	struct probe p;

	probe_start(&p, LINE_TTY);
	p.config.device = (char *)"/dev/zero";
	open_fails_with(&p, EXIT_OPEN_FAILED);
}

static void no_address(void)
{
	struct probe p;

	probe_start(&p, LINE_SOCKET);
	p.config.socket = (char *)"nowhere";
	open_fails_with(&p, EXIT_PTYCMD_FAILED);
}

static void close_needs_no_open(void)
{
	struct probe p;

	probe_start(&p, LINE_TTY);
	line_close(p.line);
	loop_run(p.loop);
	CU_ASSERT_STRING_EQUAL(p.events, "c");
	CU_ASSERT_EQUAL(line_write(p.line, (const uint8_t *)"x", 1), 0);
	CU_ASSERT_EQUAL(line_unsent(p.line), 0);
	CU_ASSERT_EQUAL(line_rate(p.line), 0);
	CU_ASSERT_FALSE(line_signal(p.line, SIGTERM));
	probe_end(&p);
}

static void freed_while_it_waits(void)
{
	struct probe p;

	probe_start(&p, LINE_TTY);
	p.config.device = (char *)"/nonexistent/ttyS0";
	line_open(p.line, true);
	probe_end(&p);
	CU_ASSERT_STRING_EQUAL(p.events, "");
}

/* A pty whose master is ours. */
static int open_master(struct probe *p)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	CU_ASSERT_FATAL(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	p->config.device = ptsname(master);
	return master;
}

static void bytes_both_ways_and_hangup(void)
{
	struct probe p;
	char bytes[8] = "";

	probe_start(&p, LINE_TTY);
	int master = open_master(&p);
	line_open(p.line, false);
	loop_run(p.loop);
	CU_ASSERT_STRING_EQUAL(line_name(p.line), p.config.device);
	CU_ASSERT_EQUAL(write(master, "\n\r\003", 3), 3);
	loop_run(p.loop);
	CU_ASSERT_STRING_EQUAL(p.bytes, "\n\r\003");
	CU_ASSERT_EQUAL(line_write(p.line, (const uint8_t *)"\n\177", 2), 2);
	CU_ASSERT_EQUAL(read(master, bytes, sizeof(bytes)), 2);
	CU_ASSERT_STRING_EQUAL(bytes, "\n\177");
	line_want_write(p.line, true);
	loop_run(p.loop);
	line_want_write(p.line, false);
	close(master);
	loop_run(p.loop);
	CU_ASSERT_STRING_EQUAL(p.events, "rdwh");
	line_close(p.line);
	loop_run(p.loop);
	CU_ASSERT_STRING_EQUAL(p.events, "rdwhc");
	probe_end(&p);
}

static void a_claimed_device_is_busy(void)
{
	struct probe first, second;

	probe_start(&first, LINE_TTY);
	int master = open_master(&first);
	line_open(first.line, false);
	loop_run(first.loop);
	CU_ASSERT_STRING_EQUAL(first.events, "r");
	probe_start(&second, LINE_TTY);
	second.config.device = first.config.device;
	open_fails_with(&second, EXIT_OPEN_FAILED);
	probe_end(&first);
	close(master);
}

static void a_full_line_takes_part(void)
{
	static const uint8_t bytes[1 << 20];
	struct probe p;

	probe_start(&p, LINE_TTY);
	int master = open_master(&p);
	line_open(p.line, false);
	loop_run(p.loop);
	size_t taken = line_write(p.line, bytes, sizeof(bytes));
	CU_ASSERT_TRUE(taken > 0 && taken < sizeof(bytes));
	while (line_write(p.line, bytes, sizeof(bytes)) > 0)
		;
	CU_ASSERT_STRING_EQUAL(p.events, "r");
	close(master);
	CU_ASSERT_EQUAL(line_write(p.line, bytes, sizeof(bytes)), 0);
	loop_run(p.loop);
	CU_ASSERT_STRING_EQUAL(p.events, "rh");
	CU_ASSERT_EQUAL(line_write(p.line, bytes, sizeof(bytes)), 0);
	probe_end(&p);
}

struct run {
	struct loop *loop;
	bool ended, ok;
	unsigned count;
	char said[256];
};

static void on_script_end(void *arg, bool ok)
{
	struct run *run = arg;

	run->ended = true;
	run->ok = ok;
	loop_quit(run->loop);
}

static void on_log_line(void *arg, int priority, const char *line)
{
	struct run *run = arg;

	(void)priority;
	if (g_str_has_prefix(line, "Script "))
		return;
	run->count++;
	g_strlcat(run->said, line, sizeof(run->said));
	g_strlcat(run->said, "|", sizeof(run->said));
}

static void run_script(struct run *run, const char *command, int err)
{
	*run = (struct run){ .loop = loop_new() };
	log_set_sink(on_log_line, run);
	CU_ASSERT_PTR_NOT_NULL_FATAL(script_start(run->loop, command, NULL, -1, -1, err, on_script_end, run));
	loop_run(run->loop);
	log_set_sink(NULL, NULL);
	CU_ASSERT_TRUE(run->ended);
	loop_free(run->loop);
}

static void what_a_script_says_is_logged(void)
{
	struct run run;

	run_script(&run, "echo one >&2; printf 'two\\r\\n\\nthree' >&2", SCRIPT_TO_LOG);
	CU_ASSERT_TRUE(run.ok);
	/* The end of its output may be seen in a later round than its own. */
	CU_ASSERT_TRUE(g_str_has_prefix(run.said, "one|two|"));
	run_script(&run, "head -c 2000 /dev/zero | tr '\\0' x >&2; sleep .05; exit 3", SCRIPT_TO_LOG);
	CU_ASSERT_FALSE(run.ok);
	CU_ASSERT_TRUE(run.count >= 3);
	run_script(&run, "echo nobody hears this >&2", -1);
	CU_ASSERT_STRING_EQUAL(run.said, "");
}

/* GLib's child watch, which stands in where there is no pidfd (old kernels, valgrind), reports success of what it could not reap. */
static bool has_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void a_script_that_another_reaps_has_failed(void)
{
	struct run run;

	if (!has_pidfd())
		return;
	void (*before)(int) = signal(SIGCHLD, SIG_IGN);

	run_script(&run, "exit 0", -1);
	CU_ASSERT_FALSE(run.ok);
	signal(SIGCHLD, before);
}

static void children_get_the_log_unless_it_is_not_lent(void)
{
	struct probe p;

	probe_start(&p, LINE_PTY);
	log_set_fd(STDERR_FILENO);
	CU_ASSERT_EQUAL(line_stderr(p.line), STDERR_FILENO);
	log_set_lent(false);
	CU_ASSERT_EQUAL(line_stderr(p.line), SCRIPT_TO_LOG);
	log_set_lent(true);
	log_set_fd(-1);
	probe_end(&p);
}

const struct unit_test unit_tests[] = {
	{ "line: every named speed has a code", every_named_speed_has_a_code },
	{ "line: other speeds have none", other_speeds_have_none },
	{ "line: a UART's divider may be 3 % off", a_divider_may_be_a_little_off },
	{ "line: kinds of ports", kinds_of_ports },
	{ "line: addresses of sockets", socket_addresses },
	{ "line: names of lock files", lock_names },
	{ "line: a lock holds the pid in ten columns, and only its owner removes it", lock_is_ten_columns_and_goes },
	{ "line: a living process's lock is respected, one's own is kept", lock_of_the_living_is_held },
	{ "line: a dead process's lock is replaced", lock_of_the_dead_is_replaced },
	{ "line: a lock that cannot be read is respected", lock_that_cannot_be_read_is_held },
	{ "line: no place for lock files", no_place_for_locks },
	{ "line: a device that is not there", no_device },
	{ "line: a device that is no terminal", no_terminal },
	{ "line: a socket that is no address", no_address },
	{ "line: closing what was never opened", close_needs_no_open },
	{ "line: freed while it waits for its device", freed_while_it_waits },
	{ "line: a pty carries bytes unchanged both ways, then hangs up", bytes_both_ways_and_hangup },
	{ "line: a device in use is busy", a_claimed_device_is_busy },
	{ "line: a full line takes part, a broken one nothing and hangs up", a_full_line_takes_part },
	{ "line: what a script says is logged line by line", what_a_script_says_is_logged },
	{ "line: a script that somebody else reaps has failed", a_script_that_another_reaps_has_failed },
	{ "line: children get the log's descriptor unless it is not lent", children_get_the_log_unless_it_is_not_lent },
	{ 0 },
};
