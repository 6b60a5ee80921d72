/* One terminal; see serial.h. Called by tty.c, pty.c and stdio.c.
 *
 * libserialport sets the speed of what it can open: real UARTs and USB adapters. It cannot open gadget ports (they have no modem
 * lines to read) and does not know ptys. For these, for whatever else it refuses, and for all other settings, the kernel is asked
 * directly. */
#include "line/serial.h"

#include <asm/termbits.h>
#include <errno.h>
#include <glib.h>
#include <libserialport.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

#include "line/speed.h"

#ifndef TCGETS2 /* where the one call always knew every speed (PowerPC) */
#define termios2 termios
#define TCGETS2 TCGETS
#define TCSETS2 TCSETS
#endif

/* Numbers of the Unix98 pty slaves. */
#define PTY_MAJOR_FIRST 136
#define PTY_MAJOR_LAST 143

struct serial {
	int fd;
	char *path;
	enum serial_kind kind;
	bool modem;              /* it has modem lines */
	bool claimed, exclusive; /* by flock(); by TIOCEXCL */
	struct termios2 before;
};

enum serial_kind serial_kind(const char *path, dev_t device)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (major(device) >= PTY_MAJOR_FIRST && major(device) <= PTY_MAJOR_LAST)
		return SERIAL_PTY;
	if (g_str_has_prefix(name, "ttyGS"))
		return SERIAL_GADGET;
	if (g_str_has_prefix(name, "ttyACM"))
		return SERIAL_ACM;
	return SERIAL_UART;
}

/* The older call, of which the newer one is a longer form, is all that some sandboxes know. */
static bool get_settings(int fd, struct termios2 *t)
{
	memset(t, 0, sizeof(*t));
	return ioctl(fd, TCGETS2, t) == 0 || ioctl(fd, TCGETS, t) == 0;
}

static bool put_settings(int fd, const struct termios2 *t)
{
	return ioctl(fd, TCSETS2, t) == 0 || ioctl(fd, TCSETS, t) == 0;
}

struct serial *serial_new(int fd, const char *path)
{
	struct termios2 before;
	struct stat st;
	int lines;

	if (!get_settings(fd, &before))
		return NULL;
	struct serial *serial = g_new0(struct serial, 1);
	serial->fd = fd;
	serial->path = g_strdup(path);
	serial->kind = path && fstat(fd, &st) == 0 ? serial_kind(path, st.st_rdev) : SERIAL_PTY;
	serial->modem = ioctl(fd, TIOCMGET, &lines) == 0;
	serial->before = before;
	return serial;
}

void serial_free(struct serial *serial)
{
	if (!serial)
		return;
	g_free(serial->path);
	g_free(serial);
}

static bool library_sets_speed(const char *path, unsigned speed)
{
	struct sp_port *port;
	bool set;

	if (speed > G_MAXINT || sp_get_port_by_name(path, &port) != SP_OK)
		return false;
	set = sp_open(port, SP_MODE_READ_WRITE) == SP_OK;
	if (set) {
		set = sp_set_baudrate(port, (int)speed) == SP_OK;
		sp_close(port);
	}
	sp_free_port(port);
	return set;
}

static unsigned speed_set_in(const struct termios2 *t)
{
	return t->c_ospeed ? t->c_ospeed : speed_of_code(t->c_cflag & CBAUD);
}

static void put_speed(struct termios2 *t, unsigned speed)
{
	unsigned code = speed_code(speed);

	t->c_cflag &= ~((tcflag_t)CBAUD | (tcflag_t)CBAUD << IBSHIFT);
	t->c_cflag |= code ? code : BOTHER;
	t->c_ispeed = t->c_ospeed = speed;
}

static void put_flow(struct termios2 *t, const struct line_config *config)
{
	if (config->flow == FLOW_CRTSCTS)
		t->c_cflag |= CRTSCTS;
	else if (config->flow == FLOW_NONE)
		t->c_cflag &= ~(tcflag_t)CRTSCTS;
	if (config->xonxoff)
		t->c_iflag |= IXON | IXOFF;
}

static void put_raw(struct termios2 *t, const struct line_config *config)
{
	t->c_iflag = IGNBRK | IGNPAR;
	t->c_oflag = 0;
	t->c_lflag = 0;
	t->c_cflag &= ~(tcflag_t)(CSIZE | CSTOPB | PARENB | CLOCAL | HUPCL);
	t->c_cflag |= CS8 | CREAD;
	if (config->stop_bits >= 2)
		t->c_cflag |= CSTOPB;
	t->c_cc[VMIN] = 1;
	t->c_cc[VTIME] = 0;
}

/* After the fact: the driver has written down what it could do. */
static char *wrong_speed(const struct serial *serial, unsigned asked)
{
	struct termios2 t;

	if (serial->kind != SERIAL_UART || !serial->modem || !get_settings(serial->fd, &t))
		return NULL;
	unsigned got = speed_set_in(&t);
	if (got == 0)
		return g_strdup_printf("Baud rate for %s is 0; need explicit baud rate", serial->path);
	return asked && !speed_matches(asked, got) ? g_strdup_printf("speed %u not supported", asked) : NULL;
}

/* What flock() does for those who ask for it, TIOCEXCL does for all but root. Not before the library has opened the port for itself, and
 * not on a pty, which would stay exclusive for as long as its master lives if we were killed. */
static void make_exclusive(struct serial *serial)
{
	if (serial->claimed && serial->kind != SERIAL_PTY)
		serial->exclusive = ioctl(serial->fd, TIOCEXCL) == 0;
}

static void end_claim(struct serial *serial)
{
	if (serial->exclusive)
		ioctl(serial->fd, TIOCNXCL);
	if (serial->claimed)
		flock(serial->fd, LOCK_UN);
	serial->claimed = serial->exclusive = false;
}

bool serial_set(struct serial *serial, const struct line_config *config, bool carrier, char **why)
{
	struct termios2 t;
	unsigned speed = config->speed;
	bool has_speed = serial->kind == SERIAL_UART || serial->kind == SERIAL_ACM;

	*why = NULL;
	bool by_library = speed && has_speed && !serial->exclusive && library_sets_speed(serial->path, speed);
	if (!get_settings(serial->fd, &t))
		return false;
	if (speed && !by_library)
		put_speed(&t, speed);
	put_raw(&t, config);
	put_flow(&t, config);
	bool modem = config->modem && serial->modem;
	if (modem)
		t.c_cflag |= HUPCL;
	if (!modem || !carrier)
		t.c_cflag |= CLOCAL;
	if (!put_settings(serial->fd, &t))
		return false;
	make_exclusive(serial);
	*why = wrong_speed(serial, speed);
	return *why == NULL;
}

void serial_restore(struct serial *serial, bool discard)
{
	ioctl(serial->fd, TCFLSH, discard ? TCIOFLUSH : TCIFLUSH);
	put_settings(serial->fd, &serial->before);
	end_claim(serial);
}

static void ignore(int sig)
{
	(void)sig;
}

/* The drivers' waits end with a signal, and what is left is thrown away then: so a timer sends one, again and again until all is over.
 * The flush is the last thing before: a gadget port that is closed while it holds its host back never takes another byte from it
 * (seen with Linux 6.1). */
void serial_close(int fd)
{
	const struct itimerval soon = { .it_value = { .tv_usec = 20000 }, .it_interval = { .tv_usec = 20000 } };
	const struct itimerval never = { .it_value = { 0 } };
	struct sigaction action = { .sa_handler = ignore };
	struct sigaction old_action;
	sigset_t alarms, old_mask;

	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	sigaction(SIGALRM, &action, &old_action);
	pthread_sigmask(SIG_UNBLOCK, &alarms, &old_mask);
	setitimer(ITIMER_REAL, &soon, NULL);
	ioctl(fd, TCFLSH, TCIFLUSH);
	close(fd);
	setitimer(ITIMER_REAL, &never, NULL);
	pthread_sigmask(SIG_SETMASK, &old_mask, NULL);
	sigaction(SIGALRM, &old_action, NULL);
}

bool serial_has_modem(const struct serial *serial)
{
	return serial->modem;
}

bool serial_is_acm(const struct serial *serial)
{
	return serial->kind == SERIAL_ACM;
}

bool serial_carrier(const struct serial *serial)
{
	int lines = 0;

	errno = 0;
	return ioctl(serial->fd, TIOCMGET, &lines) == 0 && (lines & TIOCM_CAR);
}

bool serial_set_dtr(const struct serial *serial, bool on)
{
	int lines = TIOCM_DTR;

	return ioctl(serial->fd, on ? TIOCMBIS : TIOCMBIC, &lines) == 0;
}

bool serial_claim(struct serial *serial)
{
	if (flock(serial->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		errno = EBUSY;
		return false;
	}
	serial->claimed = true;
	return true;
}

unsigned serial_rate(const struct serial *serial)
{
	struct termios2 t;

	if (serial->kind != SERIAL_UART || !serial->modem || !get_settings(serial->fd, &t))
		return 0;
	unsigned bits = 1 + 8 + (t.c_cflag & CSTOPB ? 2 : 1);
	return speed_set_in(&t) / bits;
}

unsigned serial_speed(const struct serial *serial)
{
	struct termios2 t;

	return get_settings(serial->fd, &t) ? speed_set_in(&t) : 0;
}
