/* Local ports that lead to the peer's side (`forward`), bound by libslirp, and changed while it runs. slirp.c calls this; see
 * slirp_backend.h. */
#include "net/slirp_backend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG 512

static struct sockaddr_in socket_address(uint32_t addr, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(addr), .sin_port = htons(port) };
}

static void print_address(uint32_t addr, char text[INET_ADDRSTRLEN])
{
	struct in_addr in = { .s_addr = htonl(addr) };

	inet_ntop(AF_INET, &in, text, INET_ADDRSTRLEN);
}

/* As the option is written, without what goes without saying. */
static void print_spec(const struct forward *f, char *spec, size_t size)
{
	char bind[INET_ADDRSTRLEN + 1] = "";
	char host[INET_ADDRSTRLEN + 1] = "";

	if (f->bind != INADDR_LOOPBACK) {
		print_address(f->bind, bind);
		strcat(bind, ":");
	}
	if (f->host != 0) {
		print_address(f->host, host);
		strcat(host, ":");
	}
	g_snprintf(spec, size, "%s%s%u:%s%u", f->protocol == CONFIG_UDP ? "udp:" : "", bind, f->port, host, f->host_port);
}

static bool same_door(const struct forward *a, const struct forward *b)
{
	return a->protocol == b->protocol && a->bind == b->bind && a->port == b->port;
}

static bool same(const struct forward *a, const struct forward *b)
{
	return same_door(a, b) && a->host == b->host && a->host_port == b->host_port;
}

/* Whether the two cannot be bound at once. */
static bool clash(const struct forward *a, const struct forward *b)
{
	return a->protocol == b->protocol && a->port == b->port && (a->bind == b->bind || a->bind == 0 || b->bind == 0);
}

typedef bool match_fn(const struct forward *a, const struct forward *b);

static bool is_in(const GArray *forwards, const struct forward *f, match_fn *match)
{
	for (guint i = 0; i < forwards->len; i++)
		if (match(&g_array_index(forwards, struct forward, i), f))
			return true;
	return false;
}

static int udp_flag(const struct forward *f)
{
	return f->protocol == CONFIG_UDP ? SLIRP_HOSTFWD_UDP : 0;
}

static bool bind_forward(struct slirp_net *s, const struct forward *f)
{
	struct sockaddr_in here = socket_address(f->bind, f->port);
	struct sockaddr_in there = socket_address(f->host ? f->host : GATE_PEER, f->host_port);

	if (slirp_add_hostxfwd(s->slirp, (struct sockaddr *)&here, sizeof(here), (struct sockaddr *)&there, sizeof(there),
			       udp_flag(f)) < 0)
		return false;
	g_array_append_val(s->forwards, *f);
	return true;
}

static void unbind_forward(struct slirp_net *s, guint index)
{
	const struct forward *f = &g_array_index(s->forwards, struct forward, index);
	struct sockaddr_in here = socket_address(f->bind, f->port);

	slirp_remove_hostxfwd(s->slirp, (struct sockaddr *)&here, sizeof(here), udp_flag(f));
	g_array_remove_index(s->forwards, index);
}

static char *explain(const struct forward *f, int error)
{
	char spec[128];
	char bind[INET_ADDRSTRLEN];

	print_spec(f, spec, sizeof(spec));
	print_address(f->bind, bind);
	return g_strdup_printf("forward %s: cannot listen on %s:%u: %s", spec, bind, f->port, g_strerror(error));
}

/* Unbinds what is not in WANTED; where IN_THE_WAY is not NULL, only what clashes with one of those. */
static void unbind_others(struct slirp_net *s, const GArray *wanted, const GArray *in_the_way)
{
	for (guint i = s->forwards->len; i-- > 0;) {
		const struct forward *f = &g_array_index(s->forwards, struct forward, i);

		if (!is_in(wanted, f, same) && (!in_the_way || is_in(in_the_way, f, clash)))
			unbind_forward(s, i);
	}
}

/* Binds those of WANTED that are not bound yet. */
static bool bind_missing(struct slirp_net *s, const GArray *wanted, char **why)
{
	for (guint i = 0; i < wanted->len; i++) {
		const struct forward *f = &g_array_index(wanted, struct forward, i);

		if (is_in(s->forwards, f, same) || bind_forward(s, f))
			continue;
		*why = explain(f, errno);
		return false;
	}
	return true;
}

/* Whether FD is the listener of a forward, not a connection, and not one of the dialer's. */
static bool listens_for_forward(const struct slirp_net *s, int fd)
{
	struct sockaddr_in here = { 0 };
	socklen_t here_len = sizeof(here);
	int listens = 0;
	socklen_t len = sizeof(listens);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 || !listens ||
	    getsockname(fd, (struct sockaddr *)&here, &here_len) < 0)
		return false;
	struct forward f = { .protocol = CONFIG_TCP, .bind = ntohl(here.sin_addr.s_addr), .port = ntohs(here.sin_port) };
	return is_in(s->forwards, &f, same_door);
}

/* libslirp gives its listeners a backlog of 1, with which a burst of connections stalls; listening once more on the same descriptor is how
 * to raise it. */
static void learn_listeners(struct slirp_net *s)
{
	GArray *fds = g_array_new(FALSE, FALSE, sizeof(GPollFD));

	slirp_list_descriptors(s, fds);
	g_array_set_size(s->listeners, 0);
	for (guint i = 0; i < fds->len; i++) {
		int fd = g_array_index(fds, GPollFD, i).fd;

		if (!listens_for_forward(s, fd))
			continue;
		listen(fd, BACKLOG);
		g_array_append_val(s->listeners, fd);
	}
	g_array_free(fds, TRUE);
}

bool slirp_set_forwards(struct slirp_net *s, const GArray *forwards, char **why)
{
	GArray *before = g_array_copy(s->forwards);

	unbind_others(s, forwards, forwards);
	bool ok = bind_missing(s, forwards, why);
	if (ok) {
		unbind_others(s, forwards, NULL);
	} else {
		char *again = NULL;

		unbind_others(s, before, NULL);
		bind_missing(s, before, &again);
		g_free(again);
	}
	learn_listeners(s);
	g_array_free(before, TRUE);
	return ok;
}

bool slirp_is_listener(const struct slirp_net *s, int fd)
{
	for (guint i = 0; i < s->listeners->len; i++)
		if (g_array_index(s->listeners, int, i) == fd)
			return true;
	return false;
}

void slirp_forward_doors(const struct slirp_net *s, net_door_fn *fn, void *arg)
{
	for (guint i = 0; i < s->forwards->len; i++) {
		const struct forward *f = &g_array_index(s->forwards, struct forward, i);
		struct net_door door = { .flows = 0 };

		print_spec(f, door.spec, sizeof(door.spec));
		gate_count_forward(s->gate, f, &door);
		fn(arg, &door);
	}
}
