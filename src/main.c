/* From the arguments to a running loop: the only file that knows all rooms. */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "background.h"
#include "capture.h"
#include "check/check.h"
#include "compat/pppd/options.h"
#include "compat/pppd/secrets.h"
#include "config.h"
#include "control/control.h"
#include "log.h"
#include "loop.h"
#include "ppp/ipv6cp.h"
#include "priv.h"
#include "requests.h"
#include "session.h"
#include "status.h"

/* How long whoever started the program waits for the line to open or to fail, before it goes to the background all the same (a device
 * that is waited for, a carrier, a long connect script). */
#define DETACH_DELAY CLOCK_SECOND
/* pppd's exit code after a signal that only ends a program. */
#define EXIT_FATAL_SIGNAL 127

struct program {
	struct config *config;
	struct options *options;
	struct loop *loop;
	struct secrets_files *secrets;
	struct config *peer_config; /* for a peer whose secrets line has options, or NULL */
	struct session *session;
	struct capture *capture;
	struct requests *requests;
	struct control *control;
	struct watchdog *watchdog;
	struct timer detach;
	int background; /* for background_ready(); -1: in the foreground for good, or already detached */
	int status;     /* enum exit_status, or EXIT_FATAL_SIGNAL */
};

/* A descriptor 0, 1 or 2 that is closed would be taken by the first file that is opened. */
static void open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

/* Each conversation takes a descriptor, for ten seconds longer than it lasts (libslirp's TIME-WAIT): 1024 are soon used up. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static const char *user_name(void)
{
	const char *login = getlogin();
	const struct passwd *pw;

	if (login)
		return login;
	pw = getpwuid(getuid());
	return pw ? pw->pw_name : "(unknown)";
}

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Standard error may be the line as well (inetd, sshd without a terminal). */
static bool stderr_is_free(void)
{
	return !same_file(STDERR_FILENO, STDIN_FILENO) && !same_file(STDERR_FILENO, STDOUT_FILENO);
}

/* Where log lines go without a log file (pppd: tty.c's rules): with notty, descriptors 0 and 1 are the line, unless none is opened. */
static int log_descriptor(const struct config *config)
{
	int fd = config->logfd;

	if (config->dryrun)
		return fd;
	if (config->line.kind == LINE_NOTTY && fd <= 1)
		return -1;
	if (config->line.kind == LINE_TTY && !config->line.device && fd >= 0 && isatty(fd))
		return -1;
	return fd;
}

static bool open_log(const struct config *config)
{
	int fd = config->logfile ? priv_open_log(config->logfile, 0644) : -1;
	const char *why = config->logfile && fd < 0 ? g_strerror(errno) : NULL;

	log_set_debug(config->debug);
	if (why && !config->logfile_optional) {
		log_option_error("Can't open log file %s: %s", config->logfile, why);
		return false;
	}
	if (fd < 0)
		fd = log_descriptor(config);
	log_set_fd(fd);
	if (fd < 0 && config->logfd >= 0 && stderr_is_free())
		log_set_error_fd(STDERR_FILENO);
	if (why)
		log_warn("Can't open log file %s: %s; going on without it", config->logfile, why);
	return true;
}

/* Whether the log goes on to where it goes now when the program detaches. */
static bool keeps_log(const struct config *config)
{
	return config->nodetach || config->logfile || config->logfd_given;
}

static void detach(void *arg)
{
	struct program *p = arg;

	timer_stop(&p->detach);
	if (p->background < 0)
		return;
	if (!keeps_log(p->config))
		log_set_fd(-1);
	log_set_error_fd(-1);
	background_ready(p->background);
	p->background = -1;
}

static void on_line_open(void *arg)
{
	struct program *p = arg;

	if (!p->config->updetach)
		detach(p);
}

static void on_up(void *arg)
{
	struct program *p = arg;

	detach(p);
	if (p->config->up_sdnotify)
		background_notify_ready();
}

static void on_done(void *arg, enum exit_status status)
{
	struct program *p = arg;

	p->status = status;
	loop_quit(p->loop);
}

static char *describe(const struct program *p, enum session_state state)
{
	struct session_report report;
	char local[PRINT_ADDRESS_MAX], remote[PRINT_ADDRESS_MAX];
	char local6[IPV6CP_TEXT_MAX], remote6[IPV6CP_TEXT_MAX];

	session_report(p->session, &report);
	if (state != SESSION_UP)
		return g_strdup_printf("%s: %s", session_state_name(state), report.line);
	if (!report.ppp.ip_up)
		return g_strdup_printf("up: %s <-> %s on %s", ipv6cp_text(local6, report.ppp.identifiers.local),
				       ipv6cp_text(remote6, report.ppp.identifiers.remote), report.line);
	return g_strdup_printf("up: %s <-> %s on %s", print_ip(local, report.ppp.addresses.local),
			       print_ip(remote, report.ppp.addresses.remote), report.line);
}

/* Told to everyone who watches: the service manager, a capture, the status page. */
static void on_state(void *arg, enum session_state state)
{
	struct program *p = arg;

	if (!p->session)
		return;
	secrets_files_set_config(p->secrets, session_config(p->session)); /* a reload's holds from the next try on */
	char *text = describe(p, state);
	background_notify_status(text);
	if (p->capture)
		capture_comment(p->capture, text);
	if (p->control)
		control_state(p->control, state);
	g_free(text);
}

static const struct config *on_peer_config(void *arg, const char *peer, char **options)
{
	struct program *p = arg;
	char *why = NULL;

	config_free(p->peer_config);
	p->peer_config = config_new();
	if (secrets_apply_options(p->options, (const char *const *)options, p->peer_config, &why))
		return p->peer_config;
	log_error("In the secrets file's line for %s: %s", peer, why);
	g_free(why);
	g_clear_pointer(&p->peer_config, config_free);
	return NULL;
}

static const struct session_events session_events = {
	.state = on_state,
	.line_open = on_line_open,
	.up = on_up,
	.peer_config = on_peer_config,
	.done = on_done,
};

static void take_signal(struct program *p, int sig)
{
	switch (sig) {
	case SIGHUP:
	case SIGINT:
	case SIGTERM:
		session_signal(p->session, sig);
		break;
	case SIGUSR1:
		log_toggle_debug();
		break;
	case SIGUSR2:
		session_reopen_ccp(p->session);
		break;
	default:
		log_error("Fatal signal %d", sig);
		p->status = EXIT_FATAL_SIGNAL;
		loop_quit(p->loop);
	}
}

static gboolean on_signal(gint fd, GIOCondition condition, gpointer arg)
{
	struct program *p = arg;
	struct signalfd_siginfo info;

	(void)condition;
	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return G_SOURCE_CONTINUE;
	take_signal(p, (int)info.ssi_signo);
	return G_SOURCE_CONTINUE;
}

/* Signals are read from a descriptor, in the loop; priv_shell() gives its children a clean mask. Of those that end a program, the ones
 * that come from without are among them: the line is to be put back as it was. */
static int catch_signals(struct program *p)
{
	static const int caught[] = { SIGHUP,  SIGINT,  SIGTERM,   SIGUSR1, SIGUSR2, SIGQUIT,
				      SIGALRM, SIGPROF, SIGVTALRM, SIGXCPU, SIGXFSZ, SIGPOLL };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < G_N_ELEMENTS(caught); i++)
		sigaddset(&set, caught[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd >= 0)
		g_unix_fd_add(fd, G_IO_IN, on_signal, p);
	return fd;
}

static bool open_capture(struct program *p)
{
	const struct config *config = p->config;
	struct session_report report;

	if (!config->capture)
		return true;
	session_report(p->session, &report);
	p->capture = capture_open(config->capture, config->capture_size, report.name, report.line);
	session_set_capture(p->session, p->capture);
	return p->capture != NULL;
}

static bool open_control(struct program *p)
{
	bool failed;

	p->requests = requests_new(p->config, p->options, p->session);
	p->control = control_new(p->config, p->loop, p->session, &requests_actions, p->requests, &failed);
	control_set_capture(p->control, p->capture);
	return !failed;
}

/* The N of pppN counts in secrets files (addresses with a +). */
static void tell_unit(struct program *p)
{
	struct session_report report;

	session_report(p->session, &report);
	if (g_str_has_prefix(report.name, "ppp"))
		secrets_files_set_unit(p->secrets, (unsigned)strtoul(report.name + strlen("ppp"), NULL, 10));
}

/* The session, and what watches it. */
static bool open_session(struct program *p)
{
	p->secrets = secrets_files_new(p->config);
	p->session = session_new(p->config, &secrets_of_files, p->secrets, p->loop, &session_events, p);
	if (!p->session)
		return false;
	tell_unit(p);
	return open_capture(p) && open_control(p);
}

static void close_session(struct program *p)
{
	control_free(p->control);
	p->control = NULL;
	if (p->session)
		session_free(p->session);
	p->session = NULL;
	secrets_files_free(p->secrets);
	config_free(p->peer_config);
	requests_free(p->requests);
	if (p->capture)
		capture_close(p->capture);
}

static int run(struct program *p)
{
	raise_descriptor_limit();
	p->loop = loop_new();
	int signals = catch_signals(p);
	timer_init(&p->detach, loop_clock(p->loop), detach, p);
	background_notify_open();
	p->watchdog = watchdog_new(loop_clock(p->loop));
	if (open_session(p)) {
		if (!p->config->up_sdnotify)
			background_notify_ready();
		if (p->background >= 0 && !p->config->updetach)
			timer_set(&p->detach, DETACH_DELAY);
		session_start(p->session);
		loop_run(p->loop);
	} else {
		p->status = EXIT_FATAL_ERROR;
	}
	background_notify("STOPPING=1");
	close_session(p);
	watchdog_free(p->watchdog);
	background_notify_close();
	timer_stop(&p->detach);
	loop_free(p->loop);
	close(signals);
	log_syslog_only(LOG_INFO, "Exit.");
	return p->status;
}

/* Everything between the options and the loop. */
static int start(struct program *p, const char *name)
{
	const struct config *config = p->config;

	log_syslog_only(LOG_NOTICE, "%s %s started by %s, uid %u", name, PACKAGE_VERSION, user_name(), (unsigned)getuid());
	p->background = -1;
	log_set_lent(keeps_log(config));
	if (!config->nodetach) {
		p->background = background_fork();
		if (p->background < 0) {
			log_error("Couldn't detach (fork failed: %m)");
			return EXIT_FATAL_ERROR;
		}
	}
	return run(p);
}

int main(int argc, char *argv[])
{
	struct program program = { .background = -1 };
	enum exit_status status;
	int code;

	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return check_main(argc, argv);
	/* Who ignores it hands that on, and no script would have an exit code. */
	signal(SIGCHLD, SIG_DFL);
	open_standard_fds();
	umask(umask(0777) | 022);
	char *name = g_path_get_basename(argc > 0 ? argv[0] : PACKAGE_NAME);
	log_open(name);
	if (getauxval(AT_SECURE) && (geteuid() != getuid() || getegid() != getgid())) {
		log_option_error("must not be setuid or setgid: it needs no privilege (chmod u-s,g-s it)");
		return EXIT_NOT_ROOT;
	}
	program.config = config_new();
	program.options = options_new(program.config, ttyname(STDIN_FILENO));
	if (!options_read(program.options, argc, argv, &status)) {
		code = (int)status;
	} else {
		code = EXIT_OPTION_ERROR;
		if (open_log(program.config)) {
			options_report(program.options);
			if (program.config->dump || program.config->dryrun)
				options_dump(program.options);
			code = program.config->dryrun ? EXIT_OK : start(&program, name);
		}
	}
	options_free(program.options);
	config_free(program.config);
	g_free(name);
	return code;
}
