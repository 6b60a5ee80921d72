/* proxy: the dialogues with both kinds of proxy, over loopback. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "net/proxy.h"

#define PATIENCE (20 * CLOCK_SECOND)

/* What the proxy of a test expects, and what it answers. LEN 0: a request that ends with an empty line and contains TEXT. */
struct step {
	const char *text;
	size_t len;
	const char *reply;
	size_t reply_len;
};

#define BYTES(text) text, sizeof(text) - 1
#define REQUEST(text) text, 0
#define STEPS_MAX 4

struct dialogue {
	const char *name, *credentials;
	struct step steps[STEPS_MAX];
	const char *heard; /* what the client hears before it has said anything; NULL: it is reset */
	const char *logged; /* what is in the warning then */
};

struct upstream {
	int fd;
	const struct step *steps;
	bool right;
};

static bool expect(int fd, const struct step *step)
{
	char heard[1024] = { 0 };
	size_t len = 0;

	while (step->len ? len < step->len : !g_str_has_suffix(heard, "\r\n\r\n")) {
		if (len == sizeof(heard) - 1 || read(fd, heard + len, 1) != 1)
			return false;
		len++;
	}
	return step->len ? memcmp(heard, step->text, len) == 0 : strstr(heard, step->text) != NULL;
}

/* The proxy: one connection, the dialogue, and then an echo. */
static gpointer serve(gpointer arg)
{
	struct upstream *upstream = arg;
	char bytes[256];
	ssize_t n;
	int fd = accept(upstream->fd, NULL, NULL);

	upstream->right = true;
	for (const struct step *step = upstream->steps; step->text && upstream->right; step++) {
		upstream->right = expect(fd, step);
		upstream->right &= write(fd, step->reply, step->reply_len) == (ssize_t)step->reply_len;
	}
	while (upstream->right && (n = read(fd, bytes, sizeof(bytes))) > 0)
		upstream->right = write(fd, bytes, (size_t)n) == n;
	close(fd);
	return NULL;
}

static uint16_t listen_somewhere(int *fd)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL_FATAL(bind(*fd, (struct sockaddr *)&addr, len), 0);
	CU_ASSERT_EQUAL_FATAL(listen(*fd, 5), 0);
	getsockname(*fd, (struct sockaddr *)&addr, &len);
	return ntohs(addr.sin_port);
}

struct rig {
	struct loop *loop;
	struct timer limit;
	struct proxy *proxy;
	int client;
	bool ours, late;
	unsigned lines;
	char line[512];
};

static bool destination(void *arg, uint16_t client_port, uint32_t *addr, uint16_t *port)
{
	const struct rig *rig = arg;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);

	getsockname(rig->client, (struct sockaddr *)&from, &len);
	CU_ASSERT_EQUAL(client_port, ntohs(from.sin_port));
	*addr = 0xc6336407;
	*port = 80;
	return rig->ours;
}

static void on_line(void *arg, int priority, const char *line)
{
	struct rig *rig = arg;

	(void)priority;
	rig->lines++;
	g_strlcpy(rig->line, line, sizeof(rig->line));
}

static void on_late(void *arg)
{
	struct rig *rig = arg;

	rig->late = true;
	loop_quit(rig->loop);
}

static void rig_init(struct rig *rig, const char *url, bool ours)
{
	*rig = (struct rig){ .loop = loop_new(), .ours = ours };
	log_set_sink(on_line, rig);
	timer_init(&rig->limit, loop_clock(rig->loop), on_late, rig);
	rig->proxy = proxy_new(rig->loop, url, destination, rig);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rig->proxy);
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons(proxy_port(rig->proxy)) };
	rig->client = socket(AF_INET, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL_FATAL(connect(rig->client, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

static void rig_clear(struct rig *rig)
{
	CU_ASSERT_FALSE(rig->late);
	CU_ASSERT_PTR_NULL(strstr(rig->line, "secret"));
	close(rig->client);
	if (rig->proxy)
		proxy_free(rig->proxy);
	timer_stop(&rig->limit);
	log_set_sink(NULL, NULL);
	loop_free(rig->loop);
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer arg)
{
	(void)fd;
	(void)condition;
	loop_quit(arg);
	return G_SOURCE_REMOVE;
}

/* What the client hears next, or the error. */
static const char *hear(struct rig *rig)
{
	static char text[256];

	timer_set(&rig->limit, PATIENCE);
	g_unix_fd_add(rig->client, G_IO_IN, on_readable, rig->loop);
	loop_run(rig->loop);
	ssize_t n = read(rig->client, text, sizeof(text) - 1);
	text[MAX(n, 0)] = '\0';
	return n < 0 ? g_strerror(errno) : text;
}

#define CONNECT_4 "\x05\x01\x00\x01\xc6\x33\x64\x07\x00\x50"
#define GRANTED_4 "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"

static const struct dialogue dialogues[] = {
	{ "socks5", "", { { BYTES("\x05\x01\x00"), BYTES("\x05\x00") }, { BYTES(CONNECT_4), BYTES(GRANTED_4) } }, "", NULL },
	{ "socks5", "", { { BYTES("\x05\x01\x00"), BYTES("\x05\x00") }, { BYTES(CONNECT_4), BYTES(GRANTED_4 "SSH-2.0\r\n") } },
	  "SSH-2.0\r\n", NULL },
	{ "socks5", "me:secret@",
	  { { BYTES("\x05\x02\x00\x02"), BYTES("\x05\x02") },
	    { BYTES("\x01\x02me\x06secret"), BYTES("\x01\x00") },
	    { BYTES(CONNECT_4), BYTES(GRANTED_4) } },
	  "", NULL },
	{ "socks5", "me:secret@",
	  { { BYTES("\x05\x02\x00\x02"), BYTES("\x05\x02") }, { BYTES("\x01\x02me\x06secret"), BYTES("\x01\x01") } }, NULL, "authentication" },
	{ "socks5", "", { { BYTES("\x05\x01\x00"), BYTES("\x05\xff") } }, NULL, "" },
	{ "socks5", "", { { BYTES("\x05\x01\x00"), BYTES("\x05\x00") }, { BYTES(CONNECT_4), BYTES("\x05\x05\x00\x01\0\0\0\0\0\0") } },
	  NULL, "refused" },
	{ "http", "", { { REQUEST("CONNECT 198.51.100.7:80 HTTP/1.0\r\n"), BYTES("HTTP/1.1 200 Fine\r\nVia: me\r\n\r\n") } }, "", NULL },
	{ "http", "", { { REQUEST("CONNECT 198.51.100.7:80 HTTP/1.0\r\n"), BYTES("HTTP/1.1 200 Fine\r\n\r\nSSH-2.0\r\n") } },
	  "SSH-2.0\r\n", NULL },
	{ "http", "me:secret@",
	  { { REQUEST("Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"), BYTES("HTTP/1.1 200 Fine\r\n\r\n") } }, "", NULL },
	{ "http", "me:secret@", { { REQUEST("bWU6c2VjcmV0\r\n"), BYTES("HTTP/1.1 407 No\r\n\r\n") } }, NULL, "authentication failed" },
	{ "http", "", { { REQUEST("CONNECT "), BYTES("HTTP/1.1 407 No\r\n\r\n") } }, NULL, "wants authentication" },
	{ "http", "", { { REQUEST("CONNECT "), BYTES("HTTP/1.1 403 No\r\n\r\n") } }, NULL, "it answers 403" },
	{ "http", "", { { REQUEST("CONNECT "), BYTES("nonsense\r\n\r\n") } }, NULL, "no HTTP" },
	{ "http", "", { { REQUEST("CONNECT "), BYTES("HTTP/1.1 2000 Fine\r\n\r\n") } }, NULL, "no HTTP" },
	{ "http", "", { { REQUEST("CONNECT "), BYTES("HTTP/2 200 Fine\r\n\r\n") } }, NULL, "no HTTP" },
};

static void hold_dialogue(const struct dialogue *d)
{
	struct upstream upstream = { .steps = d->steps };
	struct rig rig;
	char *url = g_strdup_printf("%s://%s127.0.0.1:%u", d->name, d->credentials, listen_somewhere(&upstream.fd));
	GThread *thread = g_thread_new("proxy", serve, &upstream);

	rig_init(&rig, url, true);
	if (d->heard && *d->heard)
		CU_ASSERT_STRING_EQUAL(hear(&rig), d->heard);
	if (d->heard) {
		CU_ASSERT_EQUAL(write(rig.client, "hello", 5), 5);
		CU_ASSERT_STRING_EQUAL(hear(&rig), "hello");
		shutdown(rig.client, SHUT_WR);
		CU_ASSERT_STRING_EQUAL(hear(&rig), "");
	} else {
		CU_ASSERT_STRING_EQUAL(hear(&rig), g_strerror(ECONNRESET));
		CU_ASSERT_EQUAL(rig.lines, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(rig.line, d->logged));
	}
	g_thread_join(thread);
	CU_ASSERT_TRUE(upstream.right);
	rig_clear(&rig);
	close(upstream.fd);
	g_free(url);
}

static void both_kinds_of_proxy(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(dialogues); i++)
		hold_dialogue(&dialogues[i]);
}

static void a_proxy_that_is_not_there(void)
{
	struct rig rig;
	int fd;
	char *url = g_strdup_printf("http://me:secret@127.0.0.1:%u", listen_somewhere(&fd));

	close(fd);
	rig_init(&rig, url, true);
	CU_ASSERT_STRING_EQUAL(hear(&rig), g_strerror(ECONNRESET));
	CU_ASSERT_EQUAL(rig.lines, 1);
	rig_clear(&rig);
	g_free(url);
}

static void a_stranger_is_cut_off(void)
{
	struct rig rig;

	rig_init(&rig, "socks5://127.0.0.1:1", false);
	CU_ASSERT_STRING_EQUAL(hear(&rig), g_strerror(ECONNRESET));
	CU_ASSERT_EQUAL(rig.lines, 0);
	rig_clear(&rig);
}

static void on_time(void *arg)
{
	loop_quit(arg);
}

/* A proxy that says nothing: everything that is under way goes, and the callbacks that come later find nobody. */
static void freed_in_the_middle(void)
{
	static const char *const names[] = { "socks5", "http" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		struct rig rig;
		struct timer soon;
		int fd;
		char *url = g_strdup_printf("%s://127.0.0.1:%u", names[i], listen_somewhere(&fd));

		rig_init(&rig, url, true);
		g_unix_fd_add(fd, G_IO_IN, on_readable, rig.loop);
		loop_run(rig.loop);
		proxy_free(rig.proxy);
		rig.proxy = NULL;
		CU_ASSERT_STRING_EQUAL(hear(&rig), g_strerror(ECONNRESET));
		timer_init(&soon, loop_clock(rig.loop), on_time, rig.loop);
		timer_set(&soon, 50 * CLOCK_MS);
		loop_run(rig.loop);
		rig_clear(&rig);
		close(fd);
		g_free(url);
	}
}

/* What there is of the answer is in many pieces, and more than anybody wants. */
static gpointer never_end(gpointer arg)
{
	char line[] = "X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
	int fd = accept(*(int *)arg, NULL, NULL);

	while (send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL) > 0)
		;
	close(fd);
	return NULL;
}

static void an_answer_without_end(void)
{
	struct rig rig;
	int fd;
	char *url = g_strdup_printf("http://127.0.0.1:%u", listen_somewhere(&fd));
	GThread *thread = g_thread_new("proxy", never_end, &fd);

	rig_init(&rig, url, true);
	CU_ASSERT_STRING_EQUAL(hear(&rig), g_strerror(ECONNRESET));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.line, "too long"));
	g_thread_join(thread);
	rig_clear(&rig);
	close(fd);
	g_free(url);
}

#define SILENT 40

/* Reads the requests of so many connections and one more; only that to port 81 gets an answer. */
static gpointer answer_one(gpointer arg)
{
	int fds[SILENT + 1];
	const struct step step = { REQUEST(":81 "), BYTES("HTTP/1.0 200 Fine\r\n\r\nhello") };

	for (int i = 0; i <= SILENT; i++)
		fds[i] = accept(*(int *)arg, NULL, NULL);
	for (int i = 0; i <= SILENT; i++)
		if (expect(fds[i], &step))
			CU_ASSERT_EQUAL(write(fds[i], step.reply, step.reply_len), (ssize_t)step.reply_len);
	for (int i = 0; i <= SILENT; i++)
		close(fds[i]);
	return NULL;
}

/* The last of them goes to port 81. */
static bool count_destinations(void *arg, uint16_t client_port, uint32_t *addr, uint16_t *port)
{
	unsigned *count = arg;

	(void)client_port;
	*addr = 0xc6336407;
	*port = (*count)++ < SILENT ? 80 : 81;
	return true;
}

static void the_silent_are_in_nobodys_way(void)
{
	struct rig rig;
	unsigned count = 0;
	int fd, others[SILENT];
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char *url = g_strdup_printf("http://127.0.0.1:%u", listen_somewhere(&fd));

	rig = (struct rig){ .loop = loop_new() };
	listen(fd, 2 * SILENT);
	timer_init(&rig.limit, loop_clock(rig.loop), on_late, &rig);
	rig.proxy = proxy_new(rig.loop, url, count_destinations, &count);
	addr.sin_port = htons(proxy_port(rig.proxy));
	for (int i = 0; i <= SILENT; i++) {
		int s = socket(AF_INET, SOCK_STREAM, 0);

		CU_ASSERT_EQUAL(connect(s, (struct sockaddr *)&addr, sizeof(addr)), 0);
		*(i < SILENT ? &others[i] : &rig.client) = s;
	}
	GThread *thread = g_thread_new("proxy", answer_one, &fd);
	CU_ASSERT_STRING_EQUAL(hear(&rig), "hello");
	g_thread_join(thread);
	for (int i = 0; i < SILENT; i++)
		close(others[i]);
	rig_clear(&rig);
	close(fd);
	g_free(url);
}

const struct unit_test unit_tests[] = {
	{ "proxy: SOCKS5 and HTTP CONNECT (RFC 1928, RFC 1929)", both_kinds_of_proxy },
	{ "proxy: one that is not there", a_proxy_that_is_not_there },
	{ "proxy: a stranger is cut off", a_stranger_is_cut_off },
	{ "proxy: freed in the middle", freed_in_the_middle },
	{ "proxy: an answer without end", an_answer_without_end },
	{ "proxy: forty that are silent are in nobody's way", the_silent_are_in_nobodys_way },
	{ 0 },
};
