/* Listens to the line, and offers PPP on it: the last step of check.c. Everything is put back before it returns.
 *
 * Three Configure-Requests are sent, a second apart. Whoever speaks PPP answers one of them; a login prompt, a shell or a modem
 * says what it is. Where only noise comes and a speed means something, the usual speeds are tried. A peer that was heard gets a
 * Terminate-Request, so that it does not wait for us. A signal ends the listening early (a signalfd, no handler). */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "check/internal.h"
#include "line/internal.h"
#include "priv.h"

#define SEND_EVERY G_USEC_PER_SEC
#define SPEED_TIME (G_USEC_PER_SEC * 7 / 10)
#define QUIET (G_USEC_PER_SEC / 4) /* so long after PPP was heard, all is heard */
#define EXCERPT 60

static const unsigned usual_speeds[] = { 115200, 57600, 38400, 19200, 9600, 230400, 460800, 921600 };

struct probe {
	struct check *check;
	int fd, signals;
	struct serial *serial;
	struct heard heard;
	uint8_t id;
	bool blocked; /* nothing of what was last sent was taken */
	bool gone, stopped;
};

static void send_packet(struct probe *p, enum heard_code code)
{
	uint8_t frame[HEARD_FRAME_MAX];
	size_t len = heard_send(&p->heard, code, ++p->id, frame);

	p->blocked = write(p->fd, frame, len) < 0 && errno == EAGAIN;
}

static void take_bytes(struct probe *p)
{
	uint8_t bytes[4096];
	ssize_t n = read(p->fd, bytes, sizeof(bytes));

	if (n > 0)
		heard_take(&p->heard, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		p->gone = true;
}

/* One that is not read ends the program once it is let through again. */
static bool read_signal(const struct probe *p)
{
	struct signalfd_siginfo info;

	return read(p->signals, &info, sizeof(info)) == sizeof(info);
}

/* Waits until UNTIL at most for bytes, and takes them. */
static void wait_bytes(struct probe *p, gint64 until)
{
	struct pollfd fds[] = { { .fd = p->fd, .events = POLLIN }, { .fd = p->signals, .events = POLLIN } };
	gint64 left = until - g_get_monotonic_time();

	if (left <= 0 || poll(fds, G_N_ELEMENTS(fds), (int)(left / 1000) + 1) <= 0)
		return;
	p->stopped = fds[1].revents && read_signal(p);
	if (fds[0].revents)
		take_bytes(p);
}

/* Listens for TIME microseconds, or until PPP was heard and then nothing more for a while. */
static void listen_for(struct probe *p, gint64 time)
{
	gint64 end = g_get_monotonic_time() + time;
	gint64 send_at = 0;
	gint64 now;

	while ((now = g_get_monotonic_time()) < end && !p->gone && !p->stopped) {
		uint64_t before = p->heard.total;

		if (now >= send_at) {
			send_packet(p, HEARD_CONFIGURE);
			send_at = now + SEND_EVERY;
		}
		wait_bytes(p, p->heard.frames ? now + QUIET : MIN(end, send_at));
		if (p->heard.frames && p->heard.total == before)
			return;
	}
}

static bool set_speed(struct probe *p, unsigned speed)
{
	const struct line_config config = { .kind = LINE_TTY, .speed = speed, .flow = FLOW_NONE, .stop_bits = 1 };
	char *why;
	bool set = serial_set(p->serial, &config, false, &why);

	if (!set)
		check_fact(p->check, FACT_WHAT, why ? why : g_strdup(g_strerror(errno)));
	return set;
}

/* The modem lines that a UART has: a cable with all wires brings at least one of these. */
static void look_at_signals(struct probe *p)
{
	int lines;

	if (!serial_has_modem(p->serial) || ioctl(p->fd, TIOCMGET, &lines) < 0)
		return;
	if (!(lines & (TIOCM_CAR | TIOCM_CTS | TIOCM_DSR)))
		check_tell(p->check, FINDING_NO_SIGNALS);
	else if (!(lines & TIOCM_CTS))
		check_tell(p->check, FINDING_NO_CTS);
}

static void forget(struct probe *p)
{
	uint32_t magic = p->heard.magic;

	heard_clear(&p->heard);
	heard_init(&p->heard, magic);
	tcflush(p->fd, TCIFLUSH);
}

/* The usual speed at which PPP comes, 0 if it comes at none. */
static unsigned find_speed(struct probe *p)
{
	for (size_t i = 0; i < G_N_ELEMENTS(usual_speeds) && !p->stopped && !p->gone; i++) {
		if (!set_speed(p, usual_speeds[i]))
			continue;
		forget(p);
		listen_for(p, SPEED_TIME);
		if (p->heard.frames)
			return usual_speeds[i];
	}
	return 0;
}

static char *list_speeds(void)
{
	GString *list = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(usual_speeds); i++)
		g_string_append_printf(list, "%s%u", i ? ", " : "", usual_speeds[i]);
	return g_string_free(list, FALSE);
}

/* With a pty or a gadget port a speed means nothing, unless one was named: there may be a UART behind it. */
static bool speed_matters(const struct check *c)
{
	return c->kind == SERIAL_UART || c->kind == SERIAL_ACM || c->speed != 0;
}

static void tell_noise(struct probe *p, enum finding finding)
{
	struct check *c = p->check;

	check_fact(c, FACT_WHAT, heard_excerpt(&p->heard, EXCERPT));
	if (!speed_matters(c)) {
		check_tell(c, finding == FINDING_NOISE ? FINDING_NOISE_NO_SPEED : finding);
		return;
	}
	unsigned speed = find_speed(p);
	check_fact(c, FACT_SPEED, speed ? g_strdup_printf("%u", speed) : list_speeds());
	if (p->stopped)
		check_tell(c, FINDING_STOPPED);
	else
		check_tell(c, speed ? FINDING_OTHER_SPEED : finding);
}

static void tell_ppp(struct probe *p)
{
	struct check *c = p->check;
	const struct frame_counters *n = &p->heard.decoder.counters;
	unsigned damaged = (unsigned)(n->fcs + n->runt + n->giant + n->abort);

	check_fact(c, FACT_WHAT, g_strdup_printf("%u of %u", damaged, damaged + p->heard.frames));
	if (damaged > 1) /* the first may have begun before we listened */
		check_tell(c, FINDING_SOME_DAMAGED);
	check_fact(c, FACT_WHAT, g_strdup_printf("%u good frame%s, %u damaged", p->heard.frames, p->heard.frames == 1 ? "" : "s", damaged));
	check_fact(c, FACT_SPEED, c->speed ? g_strdup_printf(" %u", c->speed) : NULL);
	check_tell(c, FINDING_FINE);
}

/* A port that is not read at the other end still has what was sent. */
static void tell_silence(struct probe *p)
{
	struct check *c = p->check;
	int unsent = 0;

	check_fact(c, FACT_SECONDS, g_strdup_printf("%g", c->seconds));
	if (!p->blocked && ioctl(p->fd, TIOCOUTQ, &unsent) < 0)
		unsent = 0;
	check_tell(c, p->blocked || unsent > 0 ? FINDING_NOT_READ : FINDING_SILENCE);
}

static void tell_heard(struct probe *p)
{
	enum finding finding = finding_of(heard_judge(&p->heard));

	if (finding == FINDING_FINE) {
		tell_ppp(p);
	} else if (p->stopped) {
		check_tell(p->check, FINDING_STOPPED);
	} else if (finding == FINDING_SILENCE) {
		if (p->gone)
			check_tell(p->check, FINDING_GONE);
		else
			tell_silence(p);
	} else if (finding == FINDING_NOISE || finding == FINDING_BROKEN_FRAMES) {
		tell_noise(p, finding);
	} else {
		check_fact(p->check, FACT_WHAT, heard_excerpt(&p->heard, EXCERPT));
		check_tell(p->check, finding);
	}
}

static void probe_line(struct probe *p)
{
	struct check *c = p->check;

	if (!set_speed(p, c->speed)) {
		check_tell(c, FINDING_BAD_SPEED);
		return;
	}
	look_at_signals(p);
	tcflush(p->fd, TCIFLUSH);
	listen_for(p, (gint64)(c->seconds * G_USEC_PER_SEC));
	tell_heard(p);
	if (p->heard.frames)
		send_packet(p, HEARD_TERMINATE);
}

static int take_signals(sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, before);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void probe(struct check *c, int fd, struct serial *serial)
{
	sigset_t before;
	struct probe p = { .check = c, .fd = fd, .serial = serial, .signals = take_signals(&before) };

	heard_init(&p.heard, g_random_int() | 1);
	probe_line(&p);
	heard_clear(&p.heard);
	/* What was sent to nobody is thrown away; a Terminate-Request to a peer is let go. */
	serial_restore(serial, c->status != EXIT_OK);
	close(p.signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void tell_unopened(struct check *c, int error)
{
	check_fact(c, FACT_WHAT, g_strdup(g_strerror(error)));
	if (error == EBUSY)
		check_tell(c, FINDING_CLAIMED);
	else if (error == ENOTTY)
		check_tell(c, FINDING_NO_TERMINAL);
	else
		check_tell(c, FINDING_OPEN_FAILED);
}

bool check_line(struct check *c)
{
	int fd = priv_open_device(c->real);

	if (fd < 0) {
		tell_unopened(c, errno);
		return false;
	}
	struct serial *serial = serial_new(fd, c->real);
	if (serial && serial_claim(serial))
		probe(c, fd, serial);
	else
		tell_unopened(c, errno);
	serial_free(serial);
	serial_close(fd);
	return true;
}
