/* The command `pyslirp`: PyLiRP's arguments, and slirppd does the work. Its arguments become those of slirppd, which is looked for beside
 * this program, then in PATH; where this program has something to watch (--testfor, --exit-on-peer-disconnect, --validate-config) it waits
 * for slirppd's end, otherwise it becomes slirppd. */
#include <errno.h>
#include <getopt.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "compat/pylirp/pylirp.h"
#include "status.h"

#define EXIT_USAGE 2
#define EXIT_NO_PROGRAM 127
#define LONGEST (10 * 365 * 24 * 3600)

struct arguments {
	const char *config, *environment, *mode, *baudrate, *socks_host, *socks_port, *device;
	unsigned testfor; /* seconds; 0: for ever */
	bool debug, daemon, validate, test_serial, exit_on_disconnect;
};

enum {
	OPTION_SOCKS_HOST = 256,
	OPTION_SOCKS_PORT,
	OPTION_DAEMON,
	OPTION_VALIDATE,
	OPTION_TEST,
	OPTION_TESTFOR,
	OPTION_DISCONNECT,
	OPTION_VERSION
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "environment", required_argument, NULL, 'e' },
	{ "mode", required_argument, NULL, 'm' },
	{ "baudrate", required_argument, NULL, 'b' },
	{ "debug", no_argument, NULL, 'd' },
	{ "verbose", no_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ "socks-host", required_argument, NULL, OPTION_SOCKS_HOST },
	{ "socks-port", required_argument, NULL, OPTION_SOCKS_PORT },
	{ "daemon", no_argument, NULL, OPTION_DAEMON },
	{ "validate-config", no_argument, NULL, OPTION_VALIDATE },
	{ "test-serial", no_argument, NULL, OPTION_TEST },
	{ "testfor", required_argument, NULL, OPTION_TESTFOR },
	{ "exit-on-peer-disconnect", no_argument, NULL, OPTION_DISCONNECT },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ 0 },
};

static const char usage[] = "Usage: pyslirp [OPTION]... [SERIAL_PORT]\n"
			    "PyLiRP's command line; slirppd does the work.\n"
			    "\n"
			    "  -c, --config FILE            the configuration; otherwise config.yaml or\n"
			    "                               pyslirp.yaml here, then /etc/pyslirp/config.yaml\n"
			    "  -e, --environment NAME       what FILE.NAME.yaml says overrides FILE.yaml\n"
			    "  -m, --mode host|client       offer services, or reach those of a host\n"
			    "  -b, --baudrate N             speed of the serial port\n"
			    "      --socks-host HOST        the peer's TCP leaves through this SOCKS5 proxy\n"
			    "      --socks-port PORT        the proxy's port (1080)\n"
			    "  -d, -v, --debug, --verbose   log every control packet\n"
			    "      --daemon                 go to the background\n"
			    "      --validate-config        check the configuration, and end: 0 good, 1 bad\n"
			    "      --test-serial            check the serial port, and end\n"
			    "      --testfor SECONDS        end after so long, with 0\n"
			    "      --exit-on-peer-disconnect\n"
			    "                               end when the peer has gone, with 0\n"
			    "  -h, --help                   print this\n"
			    "      --version                print the version\n"
			    "\n"
			    "A serial port given here is used in place of the configuration's.\n";

static void fail(const char *fmt, ...) G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN;

static void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("pyslirp: ", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\nTry \"pyslirp --help\".\n", stderr);
	exit(EXIT_USAGE);
}

static unsigned parse_seconds(const char *text)
{
	char *end;
	long seconds = strtol(text, &end, 10);

	if (end == text || *end || seconds < 1 || seconds > LONGEST)
		fail("--testfor takes a number of seconds, not '%s'", text);
	return (unsigned)seconds;
}

static void print_and_exit(const char *text)
{
	fputs(text, stdout);
	exit(EXIT_SUCCESS);
}

/* Arguments that are kept as they are. */
static const char **place_of(struct arguments *a, int option)
{
	switch (option) {
	case 'c':
		return &a->config;
	case 'e':
		return &a->environment;
	case 'm':
		return &a->mode;
	case 'b':
		return &a->baudrate;
	case OPTION_SOCKS_HOST:
		return &a->socks_host;
	case OPTION_SOCKS_PORT:
		return &a->socks_port;
	default:
		return NULL;
	}
}

static void take_flag(struct arguments *a, int option)
{
	a->debug |= option == 'd' || option == 'v';
	a->daemon |= option == OPTION_DAEMON;
	a->validate |= option == OPTION_VALIDATE;
	a->test_serial |= option == OPTION_TEST;
	a->exit_on_disconnect |= option == OPTION_DISCONNECT;
	if (option == OPTION_TESTFOR)
		a->testfor = parse_seconds(optarg);
	if (option == 'h')
		print_and_exit(usage);
	if (option == OPTION_VERSION)
		print_and_exit("pyslirp (slirppd " PACKAGE_VERSION ")\n");
}

static void parse(struct arguments *a, int argc, char *argv[])
{
	int option;

	while ((option = getopt_long(argc, argv, "c:e:m:b:dvh", long_options, NULL)) != -1) {
		const char **place = place_of(a, option);

		if (option == '?')
			exit(EXIT_USAGE);
		if (place)
			*place = optarg;
		else
			take_flag(a, option);
	}
	if (optind < argc)
		a->device = argv[optind++];
	if (optind < argc)
		fail("one serial port is enough: what is '%s'?", argv[optind]);
	if (a->mode && strcmp(a->mode, "host") != 0 && strcmp(a->mode, "client") != 0)
		fail("--mode is host or client, not '%s'", a->mode);
	if (a->daemon && (a->testfor || a->exit_on_disconnect))
		fail("--daemon does not go with --testfor and --exit-on-peer-disconnect");
}

/* PyLiRP's places, the first of them that there is; NULL: none. */
static char *find_config(void)
{
	char *places[] = {
		g_strdup("config.yaml"),
		g_strdup("pyslirp.yaml"),
		g_strdup("/etc/pyslirp/config.yaml"),
		g_strdup("/usr/local/etc/pyslirp/config.yaml"),
		g_build_filename(g_get_user_config_dir(), "pyslirp", "config.yaml", NULL),
	};
	char *found = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		if (!found && g_file_test(places[i], G_FILE_TEST_IS_REGULAR))
			found = g_strdup(places[i]);
		g_free(places[i]);
	}
	return found;
}

/* dir/config.yaml with production is dir/config.production.yaml; NULL where that is not there, as with PyLiRP. */
static char *environment_file(const char *config, const char *environment)
{
	const char *slash = strrchr(config, '/'), *dot = strrchr(config, '.');
	size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - config) : strlen(config);
	char *path = g_strdup_printf("%.*s.%s.yaml", (int)stem, config, environment);

	if (g_file_test(path, G_FILE_TEST_EXISTS))
		return path;
	fprintf(stderr, "pyslirp: there is no %s\n", path);
	g_free(path);
	return NULL;
}

static void add(GPtrArray *words, const char *word)
{
	g_ptr_array_add(words, g_strdup(word));
}

static void add_pair(GPtrArray *words, const char *name, const char *value)
{
	if (!value)
		return;
	add(words, name);
	add(words, value);
}

static GPtrArray *words_new(const char *program)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

	add(words, program);
	return words;
}

/* Without a configuration PyLiRP offers nothing on the port. */
static void add_config(GPtrArray *words, const struct arguments *a)
{
	char *found = a->config ? g_strdup(a->config) : find_config();
	char *more = found && a->environment ? environment_file(found, a->environment) : NULL;

	if (!found && (!a->device || a->validate))
		fail("either a serial port or a configuration must be given (there is no config.yaml here)");
	add_pair(words, "config", found);
	add_pair(words, "config", more);
	if (found)
		add_pair(words, "mode", a->mode);
	else
		add(words, "restrict");
	g_free(found);
	g_free(more);
}

static void add_proxy(GPtrArray *words, const struct arguments *a)
{
	if (!a->socks_host)
		return;
	char *url = g_strdup_printf("socks5://%s:%s", a->socks_host, a->socks_port ? a->socks_port : "1080");

	add_pair(words, "proxy", url);
	g_free(url);
}

/* What slirppd is to be given. A validation needs no serial port, and prints to where it is seen. With --exit-on-peer-disconnect an end
 * waits for the other without a limit. */
static GPtrArray *slirppd_words(const struct arguments *a)
{
	GPtrArray *words = words_new("slirppd");

	if (!a->daemon)
		add(words, "nodetach");
	add_config(words, a);
	if (a->device)
		add(words, a->device);
	if (a->baudrate)
		add(words, a->baudrate);
	add_proxy(words, a);
	if (a->debug)
		add(words, "debug");
	if (a->validate) {
		add(words, "dryrun");
		add(words, "persist");
		add_pair(words, "logfd", "1");
	} else if (a->exit_on_disconnect) {
		add(words, "nopersist");
		add(words, "passive");
	}
	return words;
}

/* Becomes slirppd; comes back where that fails. */
static int become(GPtrArray *words)
{
	char *self = g_file_read_link("/proc/self/exe", NULL), *folder = self ? g_path_get_dirname(self) : NULL;
	char *beside = folder ? g_build_filename(folder, "slirppd", NULL) : NULL;

	g_ptr_array_add(words, NULL);
	if (beside)
		execv(beside, (char **)words->pdata);
	execvp("slirppd", (char **)words->pdata);
	fprintf(stderr, "pyslirp: slirppd cannot be run: %s\n", strerror(errno));
	g_free(beside);
	g_free(folder);
	g_free(self);
	return EXIT_NO_PROGRAM;
}

/* Signals that are waited for; those that would end this program go on to slirppd. */
static void watched_signals(sigset_t *set)
{
	static const int signals[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1 };

	sigemptyset(set);
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		sigaddset(set, signals[i]);
}

static pid_t start(GPtrArray *words, const sigset_t *set)
{
	pid_t parent = getpid();

	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, set, NULL);
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigprocmask(SIG_UNBLOCK, set, NULL);
	_exit(getppid() == parent ? become(words) : EXIT_FAILURE);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Waits for the child's end, at most LIMIT seconds (0: for ever), after which it is ended: *EXPIRED. */
static int wait_for_end(pid_t pid, const sigset_t *set, unsigned limit, bool *expired)
{
	double end = now() + limit;
	int status;

	*expired = false;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		double left = MAX(end - now(), 0);
		struct timespec timeout = { .tv_sec = (time_t)left, .tv_nsec = (long)((left - (double)(time_t)left) * 1e9) };
		int sig = limit && !*expired ? sigtimedwait(set, NULL, &timeout) : sigwaitinfo(set, NULL);

		if (sig > 0 && sig != SIGCHLD)
			kill(pid, sig);
		if (sig > 0 || errno != EAGAIN)
			continue;
		*expired = true;
		kill(pid, SIGTERM);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static int run_watched(const struct arguments *a, GPtrArray *words)
{
	sigset_t set;
	bool expired;

	watched_signals(&set);
	pid_t pid = start(words, &set);
	if (pid < 0) {
		perror("pyslirp: fork");
		return EXIT_FAILURE;
	}
	int code = wait_for_end(pid, &set, a->testfor, &expired);
	if (a->validate) {
		printf("The configuration is %s.\n", code == EXIT_OK ? "valid" : "not valid");
		return code == EXIT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	if (expired || (a->exit_on_disconnect && (code == EXIT_HANGUP || code == EXIT_PEER_DEAD)))
		return EXIT_SUCCESS;
	return code;
}

static const char *variable(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

/* The serial port of the configuration, or NULL where it has none. */
static char *configured_device(const struct arguments *a)
{
	char *path = a->config ? g_strdup(a->config) : find_config(), *text = NULL, *device = NULL;
	struct pylirp *p = pylirp_new(a->mode && strcmp(a->mode, "client") == 0 ? PYLIRP_CLIENT : PYLIRP_ANY);
	gsize len = 0;

	if (path && g_file_get_contents(path, &text, &len, NULL) && pylirp_add(p, path, text, len) &&
	    pylirp_finish(p, variable, NULL)) {
		for (guint i = 0; i < p->words->len; i++) {
			const struct pylirp_word *word = g_ptr_array_index(p->words, i);

			if (strcmp(word->name, "DEVICE") == 0 && !device)
				device = g_strdup(word->arg);
		}
	}
	if (p->why)
		fprintf(stderr, "pyslirp: %s\n", p->why);
	pylirp_free(p);
	g_free(path);
	g_free(text);
	return device;
}

static GPtrArray *check_words(const struct arguments *a)
{
	char *device = a->device ? g_strdup(a->device) : configured_device(a);
	GPtrArray *words = words_new("slirppd");

	if (!device)
		fail("--test-serial needs a serial port: pyslirp --test-serial /dev/ttyUSB0");
	add(words, "check");
	add(words, device);
	g_free(device);
	return words;
}

int main(int argc, char *argv[])
{
	struct arguments a = { 0 };

	parse(&a, argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	GPtrArray *words = a.test_serial ? check_words(&a) : slirppd_words(&a);
	bool watch = !a.test_serial && (a.validate || a.testfor || a.exit_on_disconnect);
	int code = watch ? run_watched(&a, words) : become(words);
	g_ptr_array_free(words, TRUE);
	return code;
}
