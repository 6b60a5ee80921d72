/* The control interface: its sockets, what it remembers, and all that is told at one moment; see control.h. Called by main. */
#include "control/control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/internal.h"
#include "log.h"
#include "priv.h"
#include "status.h"

#define STATES_MAX 100
#define LOG_MAX 200
#define BACKLOG 64

static void on_log(void *arg, int priority, const char *line)
{
	struct control *control = arg;

	ring_add(&control->log, loop_clock(control->loop)->now, priority, line);
}

/* Brings the rates up to date: RATES_SAMPLE or RATES_PAUSE. */
static void count(struct control *control, void (*how)(struct rates *rates, uint64_t now, uint64_t in, uint64_t out))
{
	struct session_report report;

	session_report(control->session, &report);
	how(&control->rates, loop_clock(control->loop)->now, report.ppp.counters.bytes_in, report.ppp.counters.bytes_out);
}

static void on_second(void *arg)
{
	struct control *control = arg;
	uint64_t now = loop_clock(control->loop)->now;

	count(control, rates_sample);
	timer_set(&control->second, MAX(control->rates.until + CLOCK_SECOND, now + 1) - now);
}

/* The two clocks are read one after the other: what happened once is to have the same time whenever it is told, unless the time is set. */
static uint64_t wall_time(struct control *control, uint64_t now)
{
	int64_t epoch = g_get_real_time() - (int64_t)now;

	if (ABS(epoch - control->epoch) > (int64_t)CLOCK_SECOND)
		control->epoch = epoch;
	return now + (uint64_t)control->epoch;
}

void control_snapshot(struct control *control, bool trusted, struct snapshot *snapshot)
{
	count(control, rates_sample);
	*snapshot = (struct snapshot){
		.states = &control->states,
		.log = &control->log,
		.rates = &control->rates,
		.now = loop_clock(control->loop)->now,
		.time = wall_time(control, loop_clock(control->loop)->now),
		.started = control->started,
		.capturing = control->capture != NULL,
		.capture_lost = control->capture ? capture_lost(control->capture) : 0,
		.trusted = trusted,
	};
	snapshot_take(snapshot, control->session);
}

/* What a person would want to know of this change; g_free() it. */
static char *describe(const struct session_report *report)
{
	const struct ppp_addresses *a = &report->ppp.addresses;
	struct in_addr local = { htonl(a->local) }, remote = { htonl(a->remote) };
	char ours[INET_ADDRSTRLEN], peers[INET_ADDRSTRLEN];

	switch (report->state) {
	case SESSION_UP:
		return g_strdup_printf("%s <-> %s", inet_ntop(AF_INET, &local, ours, sizeof(ours)),
				       inet_ntop(AF_INET, &remote, peers, sizeof(peers)));
	case SESSION_WAITING:
		if (report->retry_in == CLOCK_NEVER)
			return g_strdup("until there is traffic");
		return g_strdup_printf("%s; next try in %u s", exit_status_text(report->status),
				       (unsigned)((report->retry_in + CLOCK_SECOND - 1) / CLOCK_SECOND));
	case SESSION_IDLE:
		return g_strdup(exit_status_text(report->status));
	default:
		return g_strdup(report->line);
	}
}

void control_state(struct control *control, enum session_state state)
{
	struct session_report report;

	if (!control)
		return;
	session_report(control->session, &report);
	report.state = state;
	char *text = describe(&report);
	ring_add(&control->states, loop_clock(control->loop)->now, (int)state, text);
	g_free(text);
	if (state == SESSION_UP && !control->second.armed) {
		on_second(control);
	} else if (state != SESSION_UP && control->second.armed) {
		count(control, rates_pause);
		timer_stop(&control->second);
	}
}

void control_set_capture(struct control *control, const struct capture *capture)
{
	if (control)
		control->capture = capture;
}

static bool serve(struct control *control, int fd, bool trusted)
{
	struct server *server = server_new(control, fd, trusted);

	if (server)
		g_ptr_array_add(control->servers, server);
	return server != NULL;
}

static bool serve_socket(struct control *control, const char *path)
{
	char *why = NULL;
	int fd = priv_listen_unix(path, &control->made, &why);

	if (fd < 0) {
		log_error("Couldn't open the control socket %s: %s", path, why);
		g_free(why);
		return false;
	}
	control->path = g_strdup(path);
	return serve(control, fd, true);
}

/* A socket that listens, or -1 with errno. */
static int listen_tcp(GSocketAddress *address)
{
	struct sockaddr_storage native;
	gssize len = g_socket_address_get_native_size(address);
	int on = 1;

	g_socket_address_to_native(address, &native, sizeof(native), NULL);
	int fd = socket(native.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&native, (socklen_t)len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static bool serve_port(struct control *control, const struct listen_address *at)
{
	GSocketAddress *address = g_inet_socket_address_new_from_string(at->host, at->port);
	int fd;

	errno = EINVAL;
	fd = address ? listen_tcp(address) : -1;
	if (fd < 0 && at->optional)
		log_warn("Couldn't listen on %s port %u for metrics: %m; going on without it", at->host, at->port);
	else if (fd < 0)
		log_error("Couldn't listen on %s port %u for metrics: %m", at->host, at->port);
	g_clear_object(&address);
	return fd < 0 ? at->optional : serve(control, fd, false);
}

static bool serve_all(struct control *control, const struct config *config)
{
	if (config->control && !serve_socket(control, config->control))
		return false;
	for (guint i = 0; i < config->metrics->len; i++)
		if (!serve_port(control, &g_array_index(config->metrics, struct listen_address, i)))
			return false;
	return true;
}

struct control *control_new(const struct config *config, struct loop *loop, struct session *session, const struct control_actions *actions,
			    void *arg, bool *failed)
{
	*failed = false;
	if (!config->control && config->metrics->len == 0)
		return NULL;
	struct control *control = g_new0(struct control, 1);
	*control = (struct control){
		.loop = loop,
		.session = session,
		.actions = actions,
		.arg = arg,
		.started = loop_clock(loop)->now,
		.servers = g_ptr_array_new_with_free_func((GDestroyNotify)server_free),
		.policy = pages_policy(),
	};
	ring_init(&control->states, STATES_MAX);
	ring_init(&control->log, LOG_MAX);
	rates_init(&control->rates, control->started);
	timer_init(&control->second, loop_clock(loop), on_second, control);
	log_set_sink(on_log, control);
	if (!serve_all(control, config)) {
		*failed = true;
		control_free(control);
		return NULL;
	}
	return control;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	log_set_sink(NULL, NULL);
	timer_stop(&control->second);
	g_ptr_array_free(control->servers, TRUE);
	if (control->path)
		priv_remove_unix(control->path, &control->made);
	g_free(control->path);
	g_free(control->policy);
	ring_clear(&control->states);
	ring_clear(&control->log);
	g_free(control);
}
