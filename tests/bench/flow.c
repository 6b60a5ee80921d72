/* The bytes of the benchmarks: `bench` starts this program at both ends of whatever is measured. A server on the host's loopback,
 * clients wherever they are started (a network namespace, mostly), one figure printed by each client: how much, in how long.
 *
 * Theory of operation. A stream is blocks of 64 KiB cut from one pseudo-random pattern, whose length is prime, so that a piece
 * lost, doubled or moved does not fit again. The last byte of each block says whether another one follows: a stream that ends
 * early is an error, and nobody needs to close a connection in order to end it. The receiver compares every byte, and it is the
 * receiver's clock that counts, from its first byte to its last. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PERIOD 1048573U
#define BLOCK 65536U
#define BLOCK_MORE 'M'
#define BLOCK_END 'E'
#define READ_SIZE (256U * 1024)
#define REQUEST_SIZE 64U
#define ANSWER_SIZE 256U
#define ANSWER_SHIFT 4099U
#define WORKERS 8U
/* A run that has not ended so many seconds after its time is given up (SIGALRM). */
#define GRACE 20U
/* A simulated cable carries about a millisecond's worth at once; when it is woken later than this it has lost the time. */
#define WIRE_PIECE_MAX 64U
#define WIRE_LATE UINT64_C(50000000)

enum { COMMAND_UP = 'U', COMMAND_DOWN = 'D', COMMAND_REQUESTS = 'R' };

/* What a client sends first. Both ends are this program on one machine: no byte order to mind. */
struct hello {
	uint32_t command;
	uint32_t milliseconds;
};

struct amount {
	uint64_t count;
	uint64_t nanoseconds;
};

struct target {
	struct sockaddr_in address;
	uint32_t milliseconds;
};

static uint8_t pattern[PERIOD + BLOCK];

static void fail(const char *what)
{
	fprintf(stderr, "flow: %s\n", what);
	exit(1);
}

static void fail_errno(const char *what)
{
	fprintf(stderr, "flow: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static uint64_t after_ms(uint32_t milliseconds)
{
	return now() + milliseconds * UINT64_C(1000000);
}

/* xorshift64*: each byte value comes up, the flag and escape bytes of PPP among them as often as any other. */
static void pattern_fill(void)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = 0; i < PERIOD; i++) {
		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		pattern[i] = (uint8_t)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 56);
	}
	memcpy(pattern + PERIOD, pattern, BLOCK);
}

/* The file that FLOW_CONTENT names in the place of noise, for as often as it fits: both ends have to have it. */
static void pattern_load(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size = file != NULL ? fread(pattern, 1, PERIOD, file) : 0;

	if (size == 0)
		fail_errno(path);
	fclose(file);
	for (size_t i = size; i < PERIOD; i++)
		pattern[i] = pattern[i - size];
	memcpy(pattern + PERIOD, pattern, BLOCK);
}

/* At most BLOCK bytes from there are in one piece. */
static const uint8_t *pattern_at(uint64_t position)
{
	return pattern + position % PERIOD;
}

static bool write_all(int fd, const void *data, size_t size)
{
	const uint8_t *next = data;

	while (size > 0) {
		ssize_t n = write(fd, next, size);
		if (n <= 0)
			return false;
		next += n;
		size -= (size_t)n;
	}
	return true;
}

static bool read_all(int fd, void *data, size_t size)
{
	uint8_t *next = data;

	while (size > 0) {
		ssize_t n = read(fd, next, size);
		if (n <= 0)
			return false;
		next += n;
		size -= (size_t)n;
	}
	return true;
}

/* Sends for so long, in writes of PIECE bytes, and always whole blocks. */
static void stream_send(int fd, uint32_t milliseconds, size_t piece)
{
	static uint8_t block[BLOCK];
	uint64_t end = after_ms(milliseconds);
	bool more = true;

	for (uint64_t position = 0; more; position += BLOCK) {
		more = now() < end;
		memcpy(block, pattern_at(position), BLOCK - 1);
		block[BLOCK - 1] = more ? BLOCK_MORE : BLOCK_END;
		for (size_t done = 0; done < BLOCK; done += piece) {
			size_t size = BLOCK - done < piece ? BLOCK - done : piece;
			if (!write_all(fd, block + done, size))
				fail_errno("the stream cannot be sent");
		}
	}
}

/* Compares what came at POSITION; true when the stream ends with it. */
static bool stream_check(uint64_t position, const uint8_t *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		size_t offset = (size_t)((position + done) % BLOCK);
		size_t part = BLOCK - 1 - offset;
		if (part > size - done)
			part = size - done;
		if (memcmp(data + done, pattern_at(position + done), part) != 0)
			fail("the stream has a wrong byte");
		done += part;
		if (done == size)
			break;
		uint8_t mark = data[done++];
		if (mark == BLOCK_END && done == size)
			return true;
		if (mark != BLOCK_MORE)
			fail("the stream has a wrong mark");
	}
	return false;
}

static struct amount stream_receive(int fd)
{
	static uint8_t buffer[READ_SIZE];
	uint64_t total = 0, start = 0;
	bool end = false;

	while (!end) {
		ssize_t n = read(fd, buffer, sizeof(buffer));
		if (n <= 0)
			fail("the stream broke off");
		if (total == 0)
			start = now();
		end = stream_check(total, buffer, (size_t)n);
		total += (uint64_t)n;
	}
	return (struct amount){ total, now() - start };
}

static const uint8_t *answer_at(uint64_t number)
{
	return pattern_at(number * REQUEST_SIZE + ANSWER_SHIFT);
}

static bool request(int fd, uint64_t number)
{
	uint8_t answer[ANSWER_SIZE];

	if (!write_all(fd, pattern_at(number * REQUEST_SIZE), REQUEST_SIZE) || !read_all(fd, answer, sizeof(answer)))
		return false;
	if (memcmp(answer, answer_at(number), sizeof(answer)) != 0)
		fail("an answer has a wrong byte");
	return true;
}

static void requests_serve(int fd)
{
	uint8_t asked[REQUEST_SIZE];

	for (uint64_t number = 0; read_all(fd, asked, sizeof(asked)); number++) {
		if (memcmp(asked, pattern_at(number * REQUEST_SIZE), sizeof(asked)) != 0)
			fail("a request has a wrong byte");
		if (!write_all(fd, answer_at(number), ANSWER_SIZE))
			return;
	}
}

static void no_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void serve_one(int fd)
{
	struct hello hello;

	if (!read_all(fd, &hello, sizeof(hello)))
		return;
	no_delay(fd);
	alarm(hello.milliseconds / 1000 + GRACE);
	if (hello.command == COMMAND_DOWN) {
		stream_send(fd, hello.milliseconds, BLOCK);
	} else if (hello.command == COMMAND_UP) {
		struct amount amount = stream_receive(fd);
		write_all(fd, &amount, sizeof(amount));
	} else if (hello.command == COMMAND_REQUESTS) {
		requests_serve(fd);
	} else {
		fail("an unknown command");
	}
}

static pid_t start_worker(int listener)
{
	pid_t pid = fork();

	if (pid < 0)
		fail_errno("fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			exit(1);
		serve_one(fd);
		alarm(0);
		close(fd);
	}
}

static int listen_loopback(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 128) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) != 0)
		fail_errno("listen");
	printf("%u\n", (unsigned)ntohs(address.sin_port));
	fflush(stdout);
	return listener;
}

/* Serves on a free port of 127.0.0.1, whose number it prints, until standard input ends: so it never outlives `bench`. The
 * workers are there before the connections, whose rate would be fork's otherwise; one that has failed is replaced. */
static int command_serve(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	int listener = listen_loopback();
	pid_t workers[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++)
		workers[i] = start_worker(listener);
	while (poll(&input, 1, 500) == 0) {
		for (unsigned i = 0; i < WORKERS; i++) {
			if (waitpid(workers[i], NULL, WNOHANG) > 0)
				workers[i] = start_worker(listener);
		}
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		kill(workers[i], SIGTERM);
		waitpid(workers[i], NULL, 0);
	}
	return 0;
}

/* The connection with the hello sent, or -1. */
static int try_connect(const struct target *target, uint32_t command, const struct timeval *patience)
{
	struct hello hello = { .command = command, .milliseconds = target->milliseconds };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	no_delay(fd);
	if (patience != NULL) {
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, patience, sizeof(*patience));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, patience, sizeof(*patience));
	}
	if (connect(fd, (const struct sockaddr *)&target->address, sizeof(target->address)) == 0 &&
	    write_all(fd, &hello, sizeof(hello)))
		return fd;
	int reason = errno;
	close(fd);
	errno = reason;
	return -1;
}

static int must_connect(const struct target *target, uint32_t command)
{
	int fd = try_connect(target, command, NULL);

	if (fd < 0)
		fail_errno("connect");
	return fd;
}

static void print_amount(struct amount amount)
{
	printf("%llu %.6f\n", (unsigned long long)amount.count, (double)amount.nanoseconds / 1e9);
}

static int command_up(const struct target *target)
{
	int fd = must_connect(target, COMMAND_UP);
	struct amount amount;

	stream_send(fd, target->milliseconds, BLOCK);
	if (!read_all(fd, &amount, sizeof(amount)))
		fail("the server did not say how much came");
	print_amount(amount);
	return 0;
}

static int command_down(const struct target *target)
{
	print_amount(stream_receive(must_connect(target, COMMAND_DOWN)));
	return 0;
}

/* One after the other, on one connection. */
static int command_requests(const struct target *target)
{
	int fd = must_connect(target, COMMAND_REQUESTS);
	uint64_t start = now(), end = after_ms(target->milliseconds), number = 0;

	while (now() < end) {
		if (!request(fd, number++))
			fail("a request was not answered");
	}
	print_amount((struct amount){ number, now() - start });
	return 0;
}

/* One after the other, each on a connection of its own. */
static int command_connects(const struct target *target)
{
	uint64_t start = now(), end = after_ms(target->milliseconds), number = 0;

	for (; now() < end; number++) {
		int fd = must_connect(target, COMMAND_REQUESTS);
		if (!request(fd, 0))
			fail("a request on a new connection was not answered");
		close(fd);
	}
	print_amount((struct amount){ number, now() - start });
	return 0;
}

/* Prints the time (CLOCK_MONOTONIC, nanoseconds) of the first request answered. Patience with one try grows from 5 to 200 ms: a
 * first SYN may be lost, and the kernel would repeat it only after a second. */
static int command_wait(const struct target *target)
{
	uint64_t end = after_ms(target->milliseconds);
	struct timeval patience = { .tv_usec = 5000 };

	while (now() < end) {
		int fd = try_connect(target, COMMAND_REQUESTS, &patience);
		if (fd >= 0 && request(fd, 0)) {
			printf("%llu\n", (unsigned long long)now());
			return 0;
		}
		if (fd >= 0 || errno == EINPROGRESS)
			patience.tv_usec += patience.tv_usec < 200000 ? patience.tv_usec / 4 : 0;
		if (fd >= 0)
			close(fd);
		else
			usleep(200);
	}
	fail("nobody answered");
	return 1;
}

static void raw_ends(bool pty, int ends[2])
{
	struct termios termios;

	if (!pty) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
			fail_errno("socketpair");
		return;
	}
	if (openpty(&ends[0], &ends[1], NULL, NULL, NULL) != 0 || tcgetattr(ends[1], &termios) != 0)
		fail_errno("openpty");
	cfmakeraw(&termios);
	tcsetattr(ends[1], TCSANOW, &termios);
}

/* What the line itself carries from one process to another: `flow raw pty|pair WRITE-SIZE SECONDS`. */
static int command_raw(bool pty, size_t piece, uint32_t milliseconds)
{
	int ends[2];

	if (piece == 0)
		fail("a write needs a size");
	raw_ends(pty, ends);
	pid_t pid = fork();
	if (pid == 0) {
		stream_send(ends[0], milliseconds, piece);
		exit(0);
	}
	print_amount(stream_receive(ends[1]));
	waitpid(pid, NULL, 0);
	return 0;
}

/* One direction of a wire: what is on it now arrives at WHEN. */
struct way {
	int from, to;
	uint8_t piece[WIRE_PIECE_MAX];
	size_t len;
	uint64_t when;
};

/* What has been carried arrives; the next piece is taken. A late wake-up costs the line none of its rate, but an idle line saves none up. */
static void way_carry(struct way *way, unsigned rate, size_t most)
{
	while (way->len > 0 && way->when <= now()) {
		uint64_t late = now() - way->when;
		if (!write_all(way->to, way->piece, way->len))
			fail_errno("the wire");
		ssize_t n = read(way->from, way->piece, most);
		way->len = n > 0 ? (size_t)n : 0;
		way->when += way->len * UINT64_C(1000000000) / rate + (late > WIRE_LATE ? late : 0);
	}
	if (way->len == 0) {
		ssize_t n = read(way->from, way->piece, most);
		way->len = n > 0 ? (size_t)n : 0;
		way->when = now() + way->len * UINT64_C(1000000000) / rate;
	}
}

/* How long nothing will happen, where nothing more is written at an end. */
static struct timespec wire_rest(const struct way *ways)
{
	uint64_t rest = UINT64_C(1000000000), time = now();

	for (unsigned i = 0; i < 2; i++) {
		uint64_t left = ways[i].when > time ? ways[i].when - time : 0;
		if (ways[i].len > 0 && left < rest)
			rest = left;
	}
	return (struct timespec){ .tv_sec = (time_t)(rest / 1000000000), .tv_nsec = (long)(rest % 1000000000) };
}

/* A serial cable between two ptys, whose names it prints: RATE bytes a second each way, until standard input ends. What is written waits
 * in the pty, some kB as in a serial port's driver. The slaves stay open here, so that an end may be closed and opened again. */
static int command_wire(unsigned rate)
{
	struct way ways[2] = { { .from = -1 }, { .from = -1 } };
	struct pollfd fds[3] = { { .fd = STDIN_FILENO, .events = POLLIN } };
	size_t most = rate / 1000 > WIRE_PIECE_MAX ? WIRE_PIECE_MAX : rate / 1000 + 1;

	for (unsigned i = 0; i < 2; i++) {
		int ends[2];
		raw_ends(true, ends);
		printf("%s\n", ttyname(ends[1]));
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		ways[i].from = ways[1 - i].to = ends[0];
	}
	fflush(stdout);
	prctl(PR_SET_TIMERSLACK, 1UL);
	do {
		for (unsigned i = 0; i < 2; i++) {
			way_carry(&ways[i], rate, most);
			/* While a piece is on its way, more to read is no news. */
			fds[1 + i] = (struct pollfd){ .fd = ways[i].len > 0 ? -1 : ways[i].from, .events = POLLIN };
		}
		struct timespec rest = wire_rest(ways);
		if (ppoll(fds, 3, &rest, NULL) < 0)
			fail_errno("poll");
	} while (fds[0].revents == 0);
	return 0;
}

/* Keeps the namespace that it was started in, until standard input ends. */
static int command_hold(void)
{
	char byte;

	printf("ready\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	return 0;
}

static uint32_t parse_seconds(const char *text)
{
	double seconds = strtod(text, NULL);

	if (!(seconds > 0 && seconds < 3600))
		fail("seconds must be a number above 0 and below 3600");
	return (uint32_t)(seconds * 1000);
}

static int run_client(char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct target *target);
	} clients[] = {
		{ "up", command_up },
		{ "down", command_down },
		{ "requests", command_requests },
		{ "connects", command_connects },
		{ "wait", command_wait },
	};
	struct target target = { .address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3])) } };

	if (inet_pton(AF_INET, argv[2], &target.address.sin_addr) != 1)
		fail("not an IPv4 address");
	target.milliseconds = parse_seconds(argv[4]);
	alarm(target.milliseconds / 1000 + GRACE);
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		if (strcmp(argv[1], clients[i].name) == 0)
			return clients[i].run(&target);
	}
	fail("an unknown command");
	return 1;
}

int main(int argc, char **argv)
{
	const char *content = getenv("FLOW_CONTENT");

	if (content != NULL)
		pattern_load(content);
	else
		pattern_fill();
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		return command_serve();
	if (argc == 2 && strcmp(argv[1], "hold") == 0)
		return command_hold();
	if (argc == 3 && strcmp(argv[1], "wire") == 0 && atoi(argv[2]) > 0)
		return command_wire((unsigned)atoi(argv[2]));
	if (argc == 5 && strcmp(argv[1], "raw") == 0) {
		uint32_t milliseconds = parse_seconds(argv[4]);
		alarm(milliseconds / 1000 + GRACE);
		return command_raw(strcmp(argv[2], "pty") == 0, (size_t)atoi(argv[3]), milliseconds);
	}
	if (argc == 5)
		return run_client(argv);
	fprintf(stderr, "usage: flow serve | hold | raw pty|pair WRITE-SIZE SECONDS | wire BYTES-PER-SECOND\n"
			"       flow up|down|requests|connects|wait ADDRESS PORT SECONDS\n");
	return 2;
}
