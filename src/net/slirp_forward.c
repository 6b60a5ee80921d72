/* Local ports that lead to the peer's side (`forward`), bound by libslirp, and changed while it runs. slirp.c calls this; see
 * slirp_backend.h. */
#include "net/slirp_backend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "net/flow.h"

#define BACKLOG 512

/* A socket's address of either family. */
struct place {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;
};

static struct place place_v4(uint32_t addr, uint16_t port)
{
	const struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(addr), .sin_port = htons(port) };

	return (struct place){ .in = in, .len = sizeof(in) };
}

static struct place place_v6(const struct in6_addr *addr, uint16_t port)
{
	const struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = *addr, .sin6_port = htons(port) };

	return (struct place){ .in6 = in6, .len = sizeof(in6) };
}

static bool leads6(const struct forward *f)
{
	return !IN6_IS_ADDR_UNSPECIFIED(&f->host6);
}

/* libslirp wants the same family on both sides: an IPv4 address is bound as ::ffff:a.b.c.d where the other is IPv6. */
static struct place bound_place(const struct forward *f)
{
	const struct in6_addr mapped = flow_address(f->bind);

	if (f->binds6)
		return place_v6(&f->bind6, f->port);
	return leads6(f) ? place_v6(&mapped, f->port) : place_v4(f->bind, f->port);
}

static struct place guest_place(const struct forward *f)
{
	return leads6(f) ? place_v6(&f->host6, f->host_port) : place_v4(f->host ? f->host : GATE_PEER, f->host_port);
}

/* An address as it stands in a spec, with COLON behind it. */
static void print_address(uint32_t v4, const struct in6_addr *v6, const char *colon, char *text, size_t size)
{
	const struct flow_end end = { .addr = v6 ? *v6 : flow_address(v4) };
	struct net_address told;

	flow_describe_end(&end, &told);
	g_snprintf(text, size, v6 ? "[%s]%s" : "%s%s", told.host, colon);
}

/* As the option is written, without what goes without saying. */
static void print_spec(const struct forward *f, char *spec, size_t size)
{
	char bind[INET6_ADDRSTRLEN + 4] = "";
	char host[INET6_ADDRSTRLEN + 4] = "";

	if (f->binds6 || f->bind != INADDR_LOOPBACK)
		print_address(f->bind, f->binds6 ? &f->bind6 : NULL, ":", bind, sizeof(bind));
	if (leads6(f) || f->host != 0)
		print_address(f->host, leads6(f) ? &f->host6 : NULL, ":", host, sizeof(host));
	g_snprintf(spec, size, "%s%s%u:%s%u", f->protocol == CONFIG_UDP ? "udp:" : "", bind, f->port, host, f->host_port);
}

static bool same_bind(const struct forward *a, const struct forward *b)
{
	return a->binds6 == b->binds6 && a->bind == b->bind && IN6_ARE_ADDR_EQUAL(&a->bind6, &b->bind6);
}

static bool same_door(const struct forward *a, const struct forward *b)
{
	return a->protocol == b->protocol && a->port == b->port && same_bind(a, b);
}

static bool same(const struct forward *a, const struct forward *b)
{
	return same_door(a, b) && a->host == b->host && a->host_port == b->host_port && IN6_ARE_ADDR_EQUAL(&a->host6, &b->host6);
}

static bool binds_all(const struct forward *f)
{
	return f->binds6 ? IN6_IS_ADDR_UNSPECIFIED(&f->bind6) : f->bind == 0;
}

/* Whether the two cannot be bound at once. */
static bool clash(const struct forward *a, const struct forward *b)
{
	return a->protocol == b->protocol && a->port == b->port && a->binds6 == b->binds6 && (same_bind(a, b) || binds_all(a) || binds_all(b));
}

typedef bool match_fn(const struct forward *a, const struct forward *b);

static bool is_in(const GArray *forwards, const struct forward *f, match_fn *match)
{
	for (guint i = 0; i < forwards->len; i++)
		if (match(&g_array_index(forwards, struct forward, i), f))
			return true;
	return false;
}

static int flags_of(const struct forward *f)
{
	return (f->protocol == CONFIG_UDP ? SLIRP_HOSTFWD_UDP : 0) | (f->binds6 ? SLIRP_HOSTFWD_V6ONLY : 0);
}

static bool bind_forward(struct slirp_net *s, const struct forward *f)
{
	const struct place here = bound_place(f), there = guest_place(f);

	if (slirp_add_hostxfwd(s->slirp, &here.any, here.len, &there.any, there.len, flags_of(f)) < 0)
		return false;
	g_array_append_val(s->forwards, *f);
	return true;
}

static void unbind_forward(struct slirp_net *s, guint index)
{
	const struct forward *f = &g_array_index(s->forwards, struct forward, index);
	const struct place here = bound_place(f);

	slirp_remove_hostxfwd(s->slirp, &here.any, here.len, flags_of(f));
	g_array_remove_index(s->forwards, index);
}

static char *explain(const struct forward *f, int error)
{
	char spec[160];
	char bind[INET6_ADDRSTRLEN + 4];

	print_spec(f, spec, sizeof(spec));
	print_address(f->bind, f->binds6 ? &f->bind6 : NULL, ":", bind, sizeof(bind));
	return g_strdup_printf("forward %s: cannot listen on %s%u: %s", spec, bind, f->port, g_strerror(error));
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
	struct place here = { .len = sizeof(here.in6) };
	int listens = 0;
	socklen_t len = sizeof(listens);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 || !listens ||
	    getsockname(fd, &here.any, &here.len) < 0)
		return false;
	struct forward f = { .protocol = CONFIG_TCP, .port = ntohs(here.in.sin_port) };
	if (here.any.sa_family == AF_INET)
		f.bind = ntohl(here.in.sin_addr.s_addr);
	else if (IN6_IS_ADDR_V4MAPPED(&here.in6.sin6_addr))
		f.bind = flow_v4(&here.in6.sin6_addr);
	else
		f = (struct forward){ .protocol = CONFIG_TCP, .port = f.port, .binds6 = true, .bind6 = here.in6.sin6_addr };
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
