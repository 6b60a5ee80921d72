/* Going to the background, and speaking to the service manager (sd_notify(3)); see background.h. Called by main. */
#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "status.h"

/* Longer than any manager waits, and far from an overflow. */
#define WATCHDOG_MAX (UINT64_C(1000) * 24 * 3600 * CLOCK_SECOND)

static volatile pid_t child;
/* To the service manager, or -1: like the log, one for the process. */
static int manager = -1;

static void pass_on(int sig)
{
	kill(child, sig);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = pass_on };

	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int child_status(void)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FATAL_ERROR;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

static _Noreturn void wait_for_child(int fd)
{
	char byte;
	ssize_t n;

	catch_signals();
	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	_exit(n == 1 ? EXIT_OK : child_status());
}

int background_fork(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	child = fork();
	if (child < 0)
		return -1;
	if (child > 0) {
		close(fds[1]);
		wait_for_child(fds[0]);
	}
	close(fds[0]);
	/* Out of the terminal's reach: its signals come through the parent, once. */
	setsid();
	/* Now, and not when we are ready: a script finds the same folder each time that it runs. */
	if (chdir("/") < 0)
		log_warn("Can't change to /: %m");
	return fds[1];
}

void background_ready(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		for (int i = 0; i <= 2; i++)
			dup2(null, i);
		if (null > 2)
			close(null);
	}
	while (write(fd, "", 1) < 0 && errno == EINTR)
		;
	close(fd);
}

/* The address in NAME, a path or "@" and an abstract name; its length, or 0 where it is none. */
static socklen_t notify_address(struct sockaddr_un *addr, const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (len < 2 || len >= sizeof(addr->sun_path) || (name[0] != '/' && name[0] != '@'))
		return 0;
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(addr->sun_path, name, len);
	if (name[0] == '@')
		addr->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

void background_notify_open(void)
{
	struct sockaddr_un addr;
	socklen_t len = notify_address(&addr, getenv("NOTIFY_SOCKET"));

	unsetenv("NOTIFY_SOCKET");
	if (len == 0)
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, len) < 0) {
		log_warn("Can't reach the service manager: %m");
		close(fd);
		fd = -1;
	}
	manager = fd;
}

void background_notify_close(void)
{
	if (manager >= 0)
		close(manager);
	manager = -1;
}

void background_notify(const char *state)
{
	if (manager >= 0)
		send(manager, state, strlen(state), MSG_NOSIGNAL);
}

void background_notify_ready(void)
{
	background_notify("READY=1");
}

void background_notify_status(const char *text)
{
	char *state = g_strconcat("STATUS=", text, NULL);

	for (char *c = state; *c; c++) {
		if (g_ascii_iscntrl(*c))
			*c = ' ';
	}
	background_notify(state);
	g_free(state);
}

struct watchdog {
	struct timer timer;
	uint64_t interval;
};

static void feed(void *arg)
{
	struct watchdog *w = arg;

	background_notify("WATCHDOG=1");
	timer_set(&w->timer, w->interval);
}

/* The microseconds in which the manager wants to hear of us; 0: it does not. */
static uint64_t watchdog_limit(void)
{
	const char *text = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	guint64 limit = 0;

	if (pid && g_ascii_strtoull(pid, NULL, 10) != (guint64)getpid())
		return 0;
	return text && g_ascii_string_to_unsigned(text, 10, 2, WATCHDOG_MAX, &limit, NULL) ? limit : 0;
}

struct watchdog *watchdog_new(struct clock *clock)
{
	uint64_t limit = watchdog_limit();

	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (limit == 0 || manager < 0)
		return NULL;
	struct watchdog *w = g_new0(struct watchdog, 1);
	w->interval = limit / 2;
	timer_init(&w->timer, clock, feed, w);
	feed(w);
	return w;
}

void watchdog_free(struct watchdog *w)
{
	if (!w)
		return;
	timer_stop(&w->timer);
	g_free(w);
}
