/* net/slirp_forward: local ports that come and go while libslirp runs. Real sockets on loopback; the link is down. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "net/net.h"

struct rig {
	struct config *config;
	struct loop *loop;
	struct net *net;
	char *why;
};

static void ignore_packet(void *arg, const uint8_t *bytes, size_t len)
{
	(void)arg;
	(void)bytes;
	(void)len;
}

static void rig_init(struct rig *r)
{
	static const struct net_events events = { .packet = ignore_packet };

	*r = (struct rig){ .config = config_new(), .loop = loop_new() };
	r->net = net_slirp.open(r->config, r->loop, &events, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->net);
}

static void rig_end(struct rig *r)
{
	net_close(r->net);
	loop_free(r->loop);
	config_free(r->config);
	g_free(r->why);
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
}

/* A socket that listens on a free port. */
static int listener(uint16_t *port)
{
	struct sockaddr_in addr = loopback(0);
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&addr, len), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 1), 0);
	getsockname(fd, (struct sockaddr *)&addr, &len);
	*port = ntohs(addr.sin_port);
	return fd;
}

static uint16_t free_port(void)
{
	uint16_t port;

	close(listener(&port));
	return port;
}

/* A connection to the port, or -1. */
static int reach(uint16_t port)
{
	struct sockaddr_in addr = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool is_open(uint16_t port)
{
	int fd = reach(port);

	return fd >= 0 && close(fd) == 0;
}

/* Forwards of these PORTS (0 ends them) to HOST_PORT are wanted from now on, and no others. */
static bool configure(struct rig *r, const uint16_t *ports, uint16_t host_port)
{
	g_array_set_size(r->config->net.forwards, 0);
	for (; *ports != 0; ports++) {
		struct forward f = { .protocol = CONFIG_TCP, .bind = INADDR_LOOPBACK, .port = *ports, .host = 0, .host_port = host_port };

		g_array_append_val(r->config->net.forwards, f);
	}
	g_clear_pointer(&r->why, g_free);
	return net_configure(r->net, &r->config->net, &r->why);
}

static void append_spec(void *arg, const struct net_door *door)
{
	g_string_append_printf(arg, "%s ", door->spec);
}

static bool listed(const struct rig *r, const char *specs)
{
	GString *text = g_string_new(NULL);

	net_doors(r->net, DOOR_FORWARD, append_spec, text);
	bool same = strcmp(text->str, specs) == 0;
	g_string_free(text, TRUE);
	return same;
}

static void what_stays_is_left_alone(void)
{
	struct rig r;
	uint16_t a = free_port(), b = free_port();

	rig_init(&r);
	CU_ASSERT_TRUE(configure(&r, (uint16_t[]){ a, 0 }, 22));
	int waiting = reach(a); /* in the backlog, since the link is down */
	CU_ASSERT_TRUE_FATAL(waiting >= 0);
	CU_ASSERT_TRUE(configure(&r, (uint16_t[]){ b, a, 0 }, 22));
	struct pollfd poll_waiting = { .fd = waiting, .events = POLLIN };
	CU_ASSERT_EQUAL(poll(&poll_waiting, 1, 0), 0);
	CU_ASSERT_TRUE(is_open(b));
	CU_ASSERT_TRUE(configure(&r, (uint16_t[]){ b, 0 }, 22));
	CU_ASSERT_FALSE(is_open(a));
	CU_ASSERT_TRUE(is_open(b));
	close(waiting);
	rig_end(&r);
}

static void another_destination(void)
{
	struct rig r;
	uint16_t port = free_port();

	rig_init(&r);
	CU_ASSERT_TRUE(configure(&r, (uint16_t[]){ port, 0 }, 22));
	CU_ASSERT_TRUE(configure(&r, (uint16_t[]){ port, 0 }, 23));
	char *spec = g_strdup_printf("%u:23 ", port);
	CU_ASSERT_TRUE(listed(&r, spec));
	CU_ASSERT_TRUE(is_open(port));
	g_free(spec);
	rig_end(&r);
}

static void all_or_nothing(void)
{
	struct rig r;
	uint16_t taken, old = free_port(), new = free_port();
	int other = listener(&taken);

	rig_init(&r);
	CU_ASSERT_TRUE(configure(&r, (uint16_t[]){ old, 0 }, 22));
	CU_ASSERT_FALSE(configure(&r, (uint16_t[]){ new, old, taken, 0 }, 23));
	char *where = g_strdup_printf("127.0.0.1:%u", taken), *spec = g_strdup_printf("%u:22 ", old);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r.why);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.why, where));
	CU_ASSERT_TRUE(listed(&r, spec));
	CU_ASSERT_TRUE(is_open(old));
	CU_ASSERT_FALSE(is_open(new));
	close(other);
	CU_ASSERT_TRUE(configure(&r, (uint16_t[]){ taken, new, 0 }, 22));
	CU_ASSERT_FALSE(is_open(old));
	g_free(where);
	g_free(spec);
	rig_end(&r);
}

const struct unit_test unit_tests[] = {
	{ "forwards: what stays is left alone", what_stays_is_left_alone },
	{ "forwards: another destination", another_destination },
	{ "forwards: all or nothing", all_or_nothing },
	{ 0 },
};
