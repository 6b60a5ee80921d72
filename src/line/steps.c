/* How a line is opened and closed, step by step; see line.h. Each step may take its time, none of them blocks.
 *
 * Theory of operation. line_open() and line_close() only choose a table of steps; the loop then runs them one after the other. A step
 * that is done calls line_next(); one that has to wait sets the timer, or starts a script whose end calls it. line_fail() changes over
 * to the steps of closing, at whose end events->failed is called in place of events->closed. The order is pppd's: dial with DTR up
 * after a second of hanging up and with carrier ignored, then mind the carrier, then welcome. */
#include <errno.h>
#include <signal.h>

#include "line/internal.h"

#define DTR_LOW CLOCK_SECOND
#define CARRIER_POLL (100 * CLOCK_MS)
#define DRAIN_POLL (10 * CLOCK_MS)
#define DRAIN_LIMIT CLOCK_SECOND
#define GRACE (2 * CLOCK_SECOND) /* for a script or a command to end before it is told more plainly */

/* What to say of a script that ran on the line. One without a STATUS only warns. */
struct script_words {
	const char *done, *failed;
	enum exit_status status;
};

static const struct script_words init_words = { "Serial port initialized.", "Initializer script failed", EXIT_INIT_FAILED };
static const struct script_words connect_words = { "Serial connection established.", "Connect script failed", EXIT_CONNECT_FAILED };
static const struct script_words welcome_words = { NULL, "Welcome script failed", EXIT_OK };
static const struct script_words disconnect_words = { "Serial link disconnected.", "disconnect script failed", EXIT_OK };

static bool given(const char *command)
{
	return command && *command;
}

static bool uses_modem(const struct line *line)
{
	return line->config->modem && line->serial && serial_has_modem(line->serial);
}

static void script_ended(void *arg, bool ok)
{
	struct line *line = arg;
	const struct script_words *words = line->words;

	line->script = NULL;
	if (line->in >= 0)
		line_set_blocking(line, false);
	if (ok) {
		if (words->done)
			log_info("%s", words->done);
		line_next(line);
	} else if (words->status) {
		log_error("%s", words->failed);
		line_fail(line, words->status);
	} else {
		log_warn("%s", words->failed);
		line_next(line);
	}
}

static void run_script(struct line *line, const char *command, const struct script_words *words)
{
	if (!given(command)) {
		line_next(line);
		return;
	}
	line->words = words;
	line_set_blocking(line, true);
	line->script = script_start(line->loop, command, line->config->script_env, line->in, line->out, line_stderr(line), script_ended, line);
	if (!line->script) {
		log_error("Failed to start a script: %m");
		script_ended(line, false);
	}
}

static void open_line(struct line *line)
{
	line_ops(line)->open(line);
}

static bool dials(const struct line *line)
{
	return (given(line->config->init) || given(line->config->connect)) && uses_modem(line) && !line->on_stdin;
}

static void lower_dtr(struct line *line)
{
	if (dials(line) && serial_set_dtr(line->serial, false))
		line_wait(line, DTR_LOW, line_next);
	else
		line_next(line);
}

static void raise_dtr(struct line *line)
{
	if (dials(line))
		serial_set_dtr(line->serial, true);
	line_next(line);
}

static void run_init(struct line *line)
{
	run_script(line, line->config->init, &init_words);
}

static void run_connect(struct line *line)
{
	run_script(line, line->config->connect, &connect_words);
}

void line_lost(struct line *line)
{
	int error = errno;

	line_ops(line)->shut(line);
	errno = error;
	line_device_failed(line);
}

/* Carrier is still ignored: nothing hangs up while it comes and goes. What a USB modem says of it first may be old news, so there it
 * has to be seen twice. */
static void await_carrier(struct line *line)
{
	unsigned wanted = line->serial && serial_is_acm(line->serial) ? 2 : 1;

	if (line->config->connect || !uses_modem(line)) {
		line_next(line);
		return;
	}
	bool carrier = serial_carrier(line->serial);
	line->carrier_seen = carrier ? line->carrier_seen + 1 : 0;
	if (line->carrier_seen >= wanted) {
		line_next(line);
	} else if (!carrier && errno) {
		line_lost(line);
	} else {
		if (!carrier && !line->no_carrier)
			log_info("Waiting for carrier on %s (option local does without)", line->name);
		line->no_carrier |= !carrier;
		line_wait(line, CARRIER_POLL, line_again);
	}
}

void line_set_terminal(struct line *line, bool carrier)
{
	char *why;

	if (serial_set(line->serial, line->config, carrier, &why)) {
		line_next(line);
	} else if (why) {
		log_error("%s", why);
		g_free(why);
		line_fail(line, EXIT_FATAL_ERROR);
	} else {
		line_lost(line);
	}
}

/* The scripts may have changed the settings. */
static void mind_carrier(struct line *line)
{
	if (line->serial && line->config->kind == LINE_TTY)
		line_set_terminal(line, true);
	else
		line_next(line);
}

static void run_welcome(struct line *line)
{
	run_script(line, line->config->welcome, &welcome_words);
}

static void opened(struct line *line)
{
	line->state = LINE_OPEN;
	line->refused = 0;
	line->was_open = true;
	line_attach(line);
	line->events->ready(line->arg);
}

static line_step *const opening[] = {
	open_line, lower_dtr, raise_dtr, run_init, run_connect, await_carrier, mind_carrier, run_welcome, opened,
};

static void abandon_script(struct line *line)
{
	script_notify(line->script, NULL);
	line->script = NULL;
	line_next(line);
}

static void kill_script(struct line *line)
{
	script_signal(line->script, SIGKILL);
	line_wait(line, GRACE, abandon_script);
}

static void script_was_ended(void *arg, bool ok)
{
	struct line *line = arg;

	(void)ok;
	line->script = NULL;
	timer_stop(&line->timer);
	line_next(line);
}

/* A script that still runs when the line is closed is one of opening. */
static void end_script(struct line *line)
{
	if (!line->script) {
		line_next(line);
		return;
	}
	script_notify(line->script, script_was_ended);
	script_signal(line->script, SIGTERM);
	line_wait(line, GRACE, kill_script);
}

static void run_disconnect(struct line *line)
{
	bool connected = line->was_open && !line->hungup;

	line->deadline = 0;
	run_script(line, connected ? line->config->disconnect : NULL, &disconnect_words);
}

/* What was written last (a Terminate-Ack) gets a moment to leave; a line that is held up does not hold us up. */
static void drain(struct line *line)
{
	uint64_t now = loop_clock(line->loop)->now;

	if (line->deadline == 0)
		line->deadline = now + DRAIN_LIMIT;
	if (line->serial && !line->hungup && now < line->deadline && line_unsent(line) > 0)
		line_wait(line, DRAIN_POLL, line_again);
	else
		line_next(line);
}

static void hang_up_modem(struct line *line)
{
	if (uses_modem(line) && !line->on_stdin && serial_set_dtr(line->serial, false))
		line_wait(line, DTR_LOW, line_next);
	else
		line_next(line);
}

static void shut_line(struct line *line)
{
	line_ops(line)->shut(line);
	line_next(line);
}

static void kill_command(struct line *line)
{
	script_signal(line->command, SIGKILL);
	script_notify(line->command, NULL);
	line->command = NULL;
	line_next(line);
}

static void end_command_now(struct line *line)
{
	script_signal(line->command, SIGTERM);
	line_wait(line, GRACE, kill_command);
}

/* The pty's command sees the end of its input, and should end of that. */
static void end_command(struct line *line)
{
	if (line->command)
		line_wait(line, GRACE, end_command_now);
	else
		line_next(line);
}

static void closed(struct line *line)
{
	enum exit_status failure = line->failure;

	line->state = LINE_CLOSED;
	if (failure)
		line->events->failed(line->arg, failure);
	else
		line->events->closed(line->arg);
}

static line_step *const closing[] = {
	end_script, run_disconnect, drain, hang_up_modem, shut_line, end_command, closed,
};

void line_next(struct line *line)
{
	line->step++;
	(*line->step)(line);
}

void line_again(struct line *line)
{
	(*line->step)(line);
}

void line_wait(struct line *line, uint64_t delay, line_step *wake)
{
	line->wake = wake;
	timer_set(&line->timer, delay);
}

static void begin(struct line *line, enum line_state state, line_step *const *steps, enum exit_status failure)
{
	line->state = state;
	line->step = steps;
	line->failure = failure;
	line_wait(line, 0, line_again);
}

void line_fail(struct line *line, enum exit_status status)
{
	begin(line, LINE_CLOSING, closing, status);
}

void line_command_ended(struct line *line)
{
	line->command = NULL;
	if (line->state == LINE_CLOSING && *line->step == end_command) {
		timer_stop(&line->timer);
		line_next(line);
	}
}

void line_restart(struct line *line, uint64_t delay)
{
	line->step = opening;
	line_wait(line, delay, line_again);
}

void line_open(struct line *line, bool wait)
{
	g_return_if_fail(line->state == LINE_CLOSED);
	line->wait = wait;
	line->carrier_seen = 0;
	line->waited = line->no_carrier = line->was_open = line->hungup = false;
	begin(line, LINE_OPENING, opening, EXIT_OK);
}

void line_close(struct line *line)
{
	line_detach(line);
	if (line->state == LINE_CLOSING)
		line->failure = EXIT_OK;
	else
		begin(line, LINE_CLOSING, closing, EXIT_OK);
}
