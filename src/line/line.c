/* The line; see line.h. What all kinds have in common once they are open: one source in the loop, one buffer, one read and one write
 * a wake-up. The session calls it. */
#include "line/line.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "line/internal.h"
#include "reader.h"
#include "record.h"

#define LINE_BUFFER 65536
/* A tty gives some 4 kB a read, however much it has: where one gave that much, more is likely there. */
#define LINE_MORE 2048

struct line_source {
	GSource base;
	struct line *line;
	GPollFD in, out;
	GPollFD *writer; /* `in` where both are one */
};

const struct line_ops *line_ops(const struct line *line)
{
	static const struct line_ops *const ops[] = {
		[LINE_TTY] = &line_tty,
		[LINE_NOTTY] = &line_stdio,
		[LINE_PTY] = &line_pty,
		[LINE_SOCKET] = &line_socket,
	};

	return ops[line->config->kind];
}

static void on_timer(void *arg)
{
	struct line *line = arg;

	line->wake(line);
}

struct line *line_new(const struct line_config *config, struct loop *loop, const struct line_events *events, void *arg)
{
	struct line *line = g_new0(struct line, 1);

	line->config = config;
	line->loop = loop;
	line->events = events;
	line->arg = arg;
	line->buffer = g_malloc(LINE_BUFFER);
	line->in = line->out = -1;
	timer_init(&line->timer, loop_clock(loop), on_timer, line);
	return line;
}

static void drop(struct line *line)
{
	g_free(line->buffer);
	g_free(line);
}

static void end_script(struct script **script)
{
	if (*script) {
		script_signal(*script, SIGTERM);
		script_notify(*script, NULL);
	}
	*script = NULL;
}

void line_free(struct line *line)
{
	if (!line)
		return;
	timer_stop(&line->timer);
	end_script(&line->script);
	line_detach(line);
	line_ops(line)->shut(line);
	end_script(&line->command);
	g_free(line->name);
	line->dead = true;
	if (!line->busy)
		drop(line);
}

static void hang_up(struct line *line)
{
	record_hangup(line->record);
	line_detach(line);
	line->hungup = true;
	line->events->hangup(line->arg);
}

/* Reads what is there, up to the buffer's size; of synchronous lines a packet, which is one read. *ENDED: there will be no more. */
static size_t gather(struct line *line, bool *ended)
{
	size_t more = line->serial && !line->config->sync ? LINE_MORE : LINE_BUFFER;
	size_t len = 0;
	ssize_t n;

	do {
		n = read(line->in, line->buffer + len, LINE_BUFFER - len);
		if (n > 0)
			len += (size_t)n;
	} while (n >= (ssize_t)more && len < LINE_BUFFER);
	*ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	return len;
}

static void take_input(struct line *line, unsigned revents)
{
	bool ended;
	size_t len = gather(line, &ended);

	/* poll() would report these again and again. */
	if (len == 0 && revents & (G_IO_HUP | G_IO_ERR | G_IO_NVAL))
		ended = true;
	record_received(line->record, line->buffer, len);
	if (len > 0)
		line->events->data(line->arg, line->buffer, len);
	if (ended && !line->dead && line->source)
		hang_up(line);
}

static void give_output(struct line *line, const struct line_source *source, unsigned revents)
{
	if (revents & source->writer->events & G_IO_OUT)
		line->events->writable(line->arg);
	if (source->writer != &source->in && revents & (G_IO_HUP | G_IO_ERR | G_IO_NVAL) && !line->dead && line->source)
		hang_up(line);
}

static gboolean source_check(GSource *base)
{
	const struct line_source *source = (const struct line_source *)base;

	return source->in.revents != 0 || source->out.revents != 0;
}

static gboolean source_dispatch(GSource *base, GSourceFunc callback, gpointer user_data)
{
	const struct line_source *source = (const struct line_source *)base;
	struct line *line = source->line;
	unsigned in = source->in.revents;
	unsigned out = source->writer->revents;

	(void)callback;
	(void)user_data;
	line->busy++;
	if (in & ~(unsigned)G_IO_OUT)
		take_input(line, in);
	if (!line->dead && line->source == source)
		give_output(line, source, out);
	line->busy--;
	if (line->dead && !line->busy)
		drop(line);
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .check = source_check, .dispatch = source_dispatch };

void line_attach(struct line *line)
{
	GSource *base = g_source_new(&source_funcs, sizeof(struct line_source));
	struct line_source *source = (struct line_source *)base;

	source->line = line;
	source->in = (GPollFD){ .fd = line->in, .events = G_IO_IN };
	source->out = (GPollFD){ .fd = line->out };
	source->writer = line->in == line->out ? &source->in : &source->out;
	g_source_add_poll(base, &source->in);
	if (source->writer == &source->out)
		g_source_add_poll(base, &source->out);
	/* Nothing here runs the loop from within; GLib would else take our descriptors out and in again around every dispatch, with a
	 * wake-up of the loop for each. */
	g_source_set_can_recurse(base, TRUE);
	g_source_attach(base, loop_context(line->loop));
	line->source = source;
	line->cut = 0;
	if (line->config->record)
		line->record = record_open(line->config->record, loop_clock(line->loop));
}

void line_detach(struct line *line)
{
	if (!line->source)
		return;
	g_source_destroy(&line->source->base);
	g_source_unref(&line->source->base);
	line->source = NULL;
	g_clear_pointer(&line->record, record_close);
}

static void on_broken(struct line *line)
{
	if (line->source)
		hang_up(line);
}

/* One system call: how much it took. */
static size_t write_some(struct line *line, const uint8_t *bytes, size_t len)
{
	ssize_t n = write(line->out, bytes, len);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		line_wait(line, 0, on_broken);
	if (n <= 0)
		return 0;
	record_sent(line->record, bytes, (size_t)n);
	return (size_t)n;
}

/* A packet each; what a line takes of one without the rest goes on where it ended. */
static size_t write_packets(struct line *line, const uint8_t *bytes, size_t len)
{
	struct reader r = reader_new(bytes, len);
	size_t written = 0;

	while (reader_left(&r) > 0) {
		size_t size = reader_u16(&r);
		const uint8_t *packet = reader_bytes(&r, size);

		if (!packet)
			break;
		line->cut += write_some(line, packet + line->cut, size - line->cut);
		if (line->cut < size)
			break;
		line->cut = 0;
		written = len - reader_left(&r);
	}
	return written;
}

size_t line_write(struct line *line, const uint8_t *bytes, size_t len)
{
	if (!line->source || len == 0)
		return 0;
	return line->config->sync ? write_packets(line, bytes, len) : write_some(line, bytes, len);
}

void line_want_write(struct line *line, bool want)
{
	if (!line->source)
		return;
	if (want)
		line->source->writer->events |= G_IO_OUT;
	else
		line->source->writer->events &= (gushort)~G_IO_OUT;
}

size_t line_unsent(const struct line *line)
{
	int unsent = 0;

	if (line->out < 0 || ioctl(line->out, TIOCOUTQ, &unsent) < 0 || unsent < 0)
		return 0;
	return (size_t)unsent;
}

/* That of a pty that nobody has set. */
#define PTY_SPEED 38400

unsigned line_rate(const struct line *line)
{
	const struct line_config *config = line->config;
	unsigned rate = line->serial ? serial_rate(line->serial) : 0;
	unsigned limit = config->kind != LINE_TTY || config->record ? config->datarate : 0;

	return limit > 0 && (rate == 0 || limit < rate) ? limit : rate;
}

const char *line_name(const struct line *line)
{
	return line->name ? line->name : "";
}

const char *line_device(const struct line *line)
{
	return line->config->kind == LINE_TTY ? line->name : NULL;
}

unsigned line_speed(const struct line *line)
{
	if (line->config->speed > 0)
		return line->config->speed;
	return line->serial ? serial_speed(line->serial) : PTY_SPEED;
}

bool line_signal(struct line *line, int signal)
{
	if (line->command && line->state == LINE_CLOSING)
		script_signal(line->command, signal);
	if (!line->script)
		return false;
	script_signal(line->script, signal);
	return true;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	if (S_ISCHR(a->st_mode) && S_ISCHR(b->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool line_is_fd(const struct line *line, int fd)
{
	struct stat ours, theirs;

	if (fd < 0 || fstat(fd, &theirs) < 0)
		return false;
	if (line->config->kind == LINE_NOTTY && fd <= STDOUT_FILENO)
		return true;
	if (line->in < 0 && line->config->kind == LINE_TTY) {
		const char *device = line->config->device;

		return (device ? stat(device, &ours) : fstat(STDIN_FILENO, &ours)) == 0 && same_file(&ours, &theirs);
	}
	return (line->in >= 0 && fstat(line->in, &ours) == 0 && same_file(&ours, &theirs)) ||
	       (line->out >= 0 && fstat(line->out, &ours) == 0 && same_file(&ours, &theirs));
}

int line_stderr(const struct line *line)
{
	if (!log_lent())
		return SCRIPT_TO_LOG;
	if (log_fd() >= 0)
		return log_fd();
	return line_is_fd(line, STDERR_FILENO) ? -1 : STDERR_FILENO;
}

static void set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

void line_set_blocking(const struct line *line, bool blocking)
{
	set_blocking(line->in, blocking);
	if (line->out != line->in)
		set_blocking(line->out, blocking);
}

static void give_back(const struct line *line)
{
	if (line->given) {
		fcntl(line->in, F_SETFL, line->in_flags);
		fcntl(line->out, F_SETFL, line->out_flags);
	} else {
		serial_close(line->in);
	}
}

void line_release(struct line *line)
{
	if (line->serial)
		serial_restore(line->serial, line_unsent(line) > 0);
	serial_free(line->serial);
	line->serial = NULL;
	if (line->in >= 0)
		give_back(line);
	line->in = line->out = -1;
	line->given = false;
}
