/* pump: bytes between two sockets, their ends and their failures. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/pump.h"

/* The test has the outer ends, the pump the inner ones. */
struct rig {
	struct loop *loop;
	struct flusher flusher;
	struct pump *pump;
	int a, b; /* ours */
	unsigned rounds, finished;
	uint64_t a_to_b, b_to_a;
};

static void on_done(void *arg, uint64_t a_to_b, uint64_t b_to_a)
{
	struct rig *rig = arg;

	rig->finished++;
	rig->a_to_b = a_to_b;
	rig->b_to_a = b_to_a;
	rig->pump = NULL;
}

static gboolean on_idle(gpointer arg)
{
	loop_quit(arg);
	return G_SOURCE_REMOVE;
}

static void on_round(void *arg)
{
	((struct rig *)arg)->rounds++;
}

/* Until nothing is ready any more; an idle source runs when no other has anything to do. */
static void settle(struct rig *rig)
{
	rig->rounds = 0;
	g_idle_add(on_idle, rig->loop);
	loop_run(rig->loop);
}

static void begin(struct rig *rig, const int inner[2], const char *first)
{
	rig->loop = loop_new();
	rig->flusher = (struct flusher){ .flush = on_round, .arg = rig };
	loop_add_flusher(rig->loop, &rig->flusher);
	rig->pump = pump_new(rig->loop, inner[0], inner[1], (const uint8_t *)first, strlen(first), on_done, rig);
	settle(rig);
}

static void unix_rig(struct rig *rig, const char *first)
{
	int a[2], b[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
	*rig = (struct rig){ .a = a[0], .b = b[0] };
	fcntl(rig->a, F_SETFL, O_NONBLOCK);
	fcntl(rig->b, F_SETFL, O_NONBLOCK);
	begin(rig, (int[]){ a[1], b[1] }, first);
}

static void tcp_pair(int fds[2])
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	CU_ASSERT_EQUAL_FATAL(bind(listener, (struct sockaddr *)&addr, len), 0);
	CU_ASSERT_EQUAL_FATAL(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&addr, &len);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL_FATAL(connect(fds[0], (struct sockaddr *)&addr, len), 0);
	fds[1] = accept(listener, NULL, NULL);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	close(listener);
}

static void tcp_rig(struct rig *rig)
{
	int a[2], b[2];

	tcp_pair(a);
	tcp_pair(b);
	*rig = (struct rig){ .a = a[0], .b = b[0] };
	begin(rig, (int[]){ a[1], b[1] }, "");
}

static void end(struct rig *rig)
{
	if (rig->pump)
		pump_free(rig->pump);
	loop_remove_flusher(rig->loop, &rig->flusher);
	loop_free(rig->loop);
	close(rig->a);
	close(rig->b);
}

static void reset(int fd)
{
	static const struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* What is there to be read, as text. */
static const char *text(int fd)
{
	static char buffer[256];
	ssize_t n = read(fd, buffer, sizeof(buffer) - 1);

	buffer[MAX(n, 0)] = '\0';
	return n < 0 ? g_strerror(errno) : buffer;
}

static void say(struct rig *rig, int fd, const char *what)
{
	CU_ASSERT_EQUAL(write(fd, what, strlen(what)), (ssize_t)strlen(what));
	settle(rig);
}

static void both_ways(void)
{
	struct rig rig;

	unix_rig(&rig, "");
	say(&rig, rig.a, "question");
	CU_ASSERT_STRING_EQUAL(text(rig.b), "question");
	say(&rig, rig.b, "answer");
	CU_ASSERT_STRING_EQUAL(text(rig.a), "answer");
	CU_ASSERT_EQUAL(rig.finished, 0);
	end(&rig);
}

static void the_first_bytes_go_before_all_others(void)
{
	struct rig rig;

	unix_rig(&rig, "first, ");
	say(&rig, rig.a, "second");
	CU_ASSERT_STRING_EQUAL(text(rig.b), "first, second");
	end(&rig);
}

static void half_closed_stays_open_the_other_way(void)
{
	struct rig rig;

	unix_rig(&rig, "");
	say(&rig, rig.a, "all");
	shutdown(rig.a, SHUT_WR);
	settle(&rig);
	CU_ASSERT_STRING_EQUAL(text(rig.b), "all");
	CU_ASSERT_STRING_EQUAL(text(rig.b), "");
	say(&rig, rig.b, "still here");
	CU_ASSERT_STRING_EQUAL(text(rig.a), "still here");
	CU_ASSERT_EQUAL(rig.finished, 0);
	shutdown(rig.b, SHUT_WR);
	settle(&rig);
	CU_ASSERT_STRING_EQUAL(text(rig.a), "");
	CU_ASSERT_EQUAL(rig.finished, 1);
	CU_ASSERT_EQUAL(rig.a_to_b, 3);
	CU_ASSERT_EQUAL(rig.b_to_a, 10);
	end(&rig);
}

/* Writes until no more is taken, however often the pump runs. */
static size_t stuff(struct rig *rig, int fd)
{
	static uint8_t block[8192];
	size_t sum = 0;
	unsigned refused = 0;

	while (refused < 3) {
		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = (uint8_t)((sum + i) % 251);
		ssize_t n = write(fd, block, sizeof(block));

		if (n < 0) {
			refused++;
			settle(rig);
		} else {
			sum += (size_t)n;
		}
	}
	return sum;
}

/* Reads what was stuffed; true when it is all that, in order. */
static bool drain(struct rig *rig, int fd, size_t size)
{
	uint8_t block[7000];
	size_t sum = 0;

	for (unsigned nothing = 0; nothing < 3 && sum < size;) {
		ssize_t n = read(fd, block, sizeof(block));

		if (n <= 0) {
			nothing++;
			settle(rig);
		}
		for (ssize_t i = 0; i < n; i++, sum++)
			if (block[i] != sum % 251)
				return false;
	}
	return sum == size;
}

static void a_slow_reader_stops_its_sender_and_loses_nothing(void)
{
	struct rig rig;

	unix_rig(&rig, "");
	size_t size = stuff(&rig, rig.a);

	CU_ASSERT(size > 65536 && size < 2000000);
	say(&rig, rig.b, "the other way is free");
	CU_ASSERT_STRING_EQUAL(text(rig.a), "the other way is free");
	CU_ASSERT(drain(&rig, rig.b, size));
	close(rig.a);
	rig.a = -1;
	shutdown(rig.b, SHUT_WR);
	settle(&rig);
	CU_ASSERT_EQUAL(rig.a_to_b, size);
	end(&rig);
}

static void the_end_waits_for_what_is_held(void)
{
	struct rig rig;

	unix_rig(&rig, "");
	size_t size = stuff(&rig, rig.a);

	shutdown(rig.a, SHUT_WR);
	shutdown(rig.b, SHUT_WR);
	settle(&rig);
	CU_ASSERT_EQUAL(rig.finished, 0);
	CU_ASSERT(drain(&rig, rig.b, size));
	settle(&rig);
	CU_ASSERT_STRING_EQUAL(text(rig.b), "");
	CU_ASSERT_EQUAL(rig.finished, 1);
	end(&rig);
}

static void a_reset_is_passed_on(void)
{
	struct rig rig;

	tcp_rig(&rig);
	reset(rig.a);
	settle(&rig);
	CU_ASSERT_EQUAL(rig.finished, 1);
	CU_ASSERT_STRING_EQUAL(text(rig.b), g_strerror(ECONNRESET));
	rig.a = -1;
	end(&rig);
}

static void a_reset_behind_a_slow_reader_is_passed_on(void)
{
	struct rig rig;

	tcp_rig(&rig);
	stuff(&rig, rig.a);
	reset(rig.a);
	settle(&rig);
	CU_ASSERT_EQUAL(rig.finished, 1);
	rig.a = -1;
	end(&rig);
}

static void a_reset_after_the_end_is_passed_on(void)
{
	struct rig rig;

	tcp_rig(&rig);
	shutdown(rig.a, SHUT_WR);
	settle(&rig);
	CU_ASSERT_STRING_EQUAL(text(rig.b), "");
	reset(rig.a);
	settle(&rig);
	CU_ASSERT_EQUAL(rig.finished, 1);
	rig.a = -1;
	end(&rig);
}

static void writing_to_a_closed_socket_resets_the_writer(void)
{
	struct rig rig;

	unix_rig(&rig, "");
	close(rig.b);
	settle(&rig);
	CU_ASSERT_STRING_EQUAL(text(rig.a), "");
	CU_ASSERT_EQUAL(rig.finished, 0);
	say(&rig, rig.a, "anybody there?");
	CU_ASSERT_EQUAL(rig.finished, 1);
	rig.b = -1;
	end(&rig);
}

/* Whether the loop would go round without end: nothing may be ready when nothing happens. */
static bool is_quiet(struct rig *rig)
{
	settle(rig);
	settle(rig);
	return rig->rounds <= 2;
}

static void nothing_that_is_not_wanted_keeps_the_loop_awake(void)
{
	struct rig rig;

	unix_rig(&rig, "");
	CU_ASSERT(is_quiet(&rig));
	stuff(&rig, rig.a);
	CU_ASSERT(is_quiet(&rig));
	close(rig.a);
	rig.a = -1;
	CU_ASSERT(is_quiet(&rig));
	end(&rig);
	tcp_rig(&rig);
	shutdown(rig.a, SHUT_WR);
	shutdown(rig.a, SHUT_RD);
	CU_ASSERT(is_quiet(&rig));
	CU_ASSERT_EQUAL(rig.finished, 0);
	end(&rig);
}

static void freed_in_the_middle_resets_both(void)
{
	struct rig rig;

	tcp_rig(&rig);
	say(&rig, rig.a, "half a");
	pump_free(rig.pump);
	rig.pump = NULL;
	settle(&rig);
	CU_ASSERT_STRING_EQUAL(text(rig.a), g_strerror(ECONNRESET));
	CU_ASSERT_EQUAL(rig.finished, 0);
	end(&rig);
}

static void without_an_epoll_set_it_fails_in_the_loop(void)
{
	struct rig rig = { .loop = loop_new() };
	int a[2], b[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
	GArray *fillers = g_array_new(FALSE, FALSE, sizeof(int));
	for (int fd; (fd = dup(a[0])) >= 0;)
		g_array_append_val(fillers, fd);
	rig.pump = pump_new(rig.loop, a[1], b[1], NULL, 0, on_done, &rig);
	for (guint i = 0; i < fillers->len; i++)
		close(g_array_index(fillers, int, i));
	g_array_free(fillers, TRUE);
	CU_ASSERT_EQUAL(rig.finished, 0);
	settle(&rig);
	CU_ASSERT_EQUAL(rig.finished, 1);
	loop_free(rig.loop);
	close(a[0]);
	close(b[0]);
}

const struct unit_test unit_tests[] = {
	{ "pump: both ways", both_ways },
	{ "pump: the first bytes go before all others", the_first_bytes_go_before_all_others },
	{ "pump: half-closed stays open the other way", half_closed_stays_open_the_other_way },
	{ "pump: a slow reader stops its sender, and loses nothing", a_slow_reader_stops_its_sender_and_loses_nothing },
	{ "pump: the end waits for what is held", the_end_waits_for_what_is_held },
	{ "pump: a reset is passed on", a_reset_is_passed_on },
	{ "pump: a reset behind a slow reader is passed on", a_reset_behind_a_slow_reader_is_passed_on },
	{ "pump: a reset after the end is passed on", a_reset_after_the_end_is_passed_on },
	{ "pump: writing to a closed socket resets the writer", writing_to_a_closed_socket_resets_the_writer },
	{ "pump: nothing that is not wanted keeps the loop awake", nothing_that_is_not_wanted_keeps_the_loop_awake },
	{ "pump: freed in the middle, it resets both", freed_in_the_middle_resets_both },
	{ "pump: without an epoll set it fails in the loop", without_an_epoll_set_it_fails_in_the_loop },
	{ 0 },
};
