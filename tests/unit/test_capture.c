/* capture: the files, read back strictly (draft-ietf-opsawg-pcapng). */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"
#include "log.h"
#include "reader.h"

#define PACKETS_MAX 100000

struct packet_seen {
	uint64_t time, dropped;
	uint32_t flags, captured, original;
	const uint8_t *data;
	char comment[64];
};

/* What a file says. */
struct seen {
	gchar *bytes;
	unsigned sections, interfaces, statistics, count;
	char name[64], description[64], program[64], last_comment[64];
	uint8_t resolution;
	uint64_t received, dropped;
	struct packet_seen *packets;
	bool right; /* and not a byte too many or too few */
};

static uint64_t get_u64(struct reader *r)
{
	uint64_t high = reader_u32(r);

	return high << 32 | reader_u32(r);
}

struct option {
	uint16_t code, len;
	struct reader value;
};

/* The next option; false at opt_endofopt, which must be the last. */
static bool next_option(struct reader *r, struct option *option)
{
	option->code = reader_u16(r);
	option->len = reader_u16(r);
	if (option->code == 0)
		return false;
	option->value = reader_sub(r, option->len);
	for (unsigned i = option->len; i % 4 != 0; i++)
		if (reader_u8(r) != 0)
			r->failed = true;
	return reader_ok(r);
}

static void get_text(struct option *option, char text[64])
{
	const uint8_t *bytes = reader_bytes(&option->value, option->len);

	g_strlcpy(text, "", 64);
	if (bytes)
		memcpy(text, bytes, MIN(option->len, 63u)), text[MIN(option->len, 63u)] = '\0';
}

static void read_section(struct seen *seen, struct reader *r)
{
	struct option option;

	seen->right &= reader_u32(r) == 0x1a2b3c4d && reader_u16(r) == 1 && reader_u16(r) == 0 && get_u64(r) == UINT64_MAX;
	while (next_option(r, &option))
		if (option.code == 4)
			get_text(&option, seen->program);
	seen->sections++;
}

static void read_interface(struct seen *seen, struct reader *r)
{
	struct option option;

	seen->right &= reader_u16(r) == 204 && reader_u16(r) == 0 && reader_u32(r) == 0;
	while (next_option(r, &option)) {
		if (option.code == 2)
			get_text(&option, seen->name);
		else if (option.code == 3)
			get_text(&option, seen->description);
		else if (option.code == 9)
			seen->resolution = reader_u8(&option.value);
	}
	seen->interfaces++;
}

static void read_packet(struct seen *seen, struct reader *r)
{
	struct packet_seen *packet = &seen->packets[MIN(seen->count, PACKETS_MAX - 1u)];
	struct option option;

	seen->right &= reader_u32(r) == 0 && seen->interfaces == 1;
	*packet = (struct packet_seen){ .time = get_u64(r) };
	packet->captured = reader_u32(r);
	packet->original = reader_u32(r);
	packet->data = reader_bytes(r, packet->captured);
	reader_skip(r, (4 - packet->captured % 4) % 4);
	while (next_option(r, &option)) {
		if (option.code == 1)
			get_text(&option, packet->comment);
		else if (option.code == 2)
			packet->flags = reader_u32(&option.value);
		else if (option.code == 4)
			packet->dropped = get_u64(&option.value);
	}
	seen->count++;
}

static void read_statistics(struct seen *seen, struct reader *r)
{
	struct option option;

	seen->right &= reader_u32(r) == 0 && get_u64(r) > 0;
	while (next_option(r, &option)) {
		if (option.code == 1)
			get_text(&option, seen->last_comment);
		else if (option.code == 4)
			seen->received = get_u64(&option.value);
		else if (option.code == 5)
			seen->dropped = get_u64(&option.value);
	}
	seen->statistics++;
}

static void read_block(struct seen *seen, struct reader *r)
{
	uint32_t type = reader_u32(r);
	uint32_t len = reader_u32(r);
	struct reader body = reader_sub(r, len >= 12 ? len - 12 : 0);

	seen->right &= len % 4 == 0 && reader_u32(r) == len;
	if (type == 0x0a0d0d0a)
		read_section(seen, &body);
	else if (type == 1)
		read_interface(seen, &body);
	else if (type == 6)
		read_packet(seen, &body);
	else if (type == 5)
		read_statistics(seen, &body);
	else
		seen->right = false;
	seen->right &= reader_ok(&body) && reader_left(&body) == 0;
}

static struct seen read_bytes(gchar *bytes, gsize len)
{
	struct seen seen = { .bytes = bytes, .right = true, .packets = g_new0(struct packet_seen, PACKETS_MAX) };
	struct reader r = reader_new(bytes, len);

	while (seen.right && reader_left(&r) > 0)
		read_block(&seen, &r);
	seen.right &= reader_ok(&r) && seen.sections == 1 && seen.interfaces == 1 && seen.statistics == 1;
	return seen;
}

static struct seen read_file(const char *path)
{
	gchar *bytes = NULL;
	gsize len = 0;

	CU_ASSERT_TRUE(g_file_get_contents(path, &bytes, &len, NULL));
	return read_bytes(bytes, len);
}

static void seen_clear(struct seen *seen)
{
	g_free(seen->bytes);
	g_free(seen->packets);
}

/* A folder with a file for the capture, and another for what it becomes. */
struct place {
	char *folder, *path, *old;
	unsigned lines;
	char line[256];
};

static void on_line(void *arg, int priority, const char *line)
{
	struct place *place = arg;

	(void)priority;
	place->lines++;
	g_strlcpy(place->line, line, sizeof(place->line));
}

static void place_init(struct place *place)
{
	*place = (struct place){ .folder = g_dir_make_tmp("capture-XXXXXX", NULL) };
	place->path = g_build_filename(place->folder, "link.pcapng", NULL);
	place->old = g_strconcat(place->path, ".1", NULL);
	log_set_sink(on_line, place);
}

static void place_clear(struct place *place)
{
	log_set_sink(NULL, NULL);
	g_unlink(place->path);
	g_unlink(place->old);
	g_rmdir(place->folder);
	g_free(place->folder);
	g_free(place->path);
	g_free(place->old);
}

static struct capture *begin(const struct place *place, uint64_t max_bytes)
{
	struct capture *capture = capture_open(place->path, max_bytes, "ppp0", "/dev/ttyGS0");

	CU_ASSERT_PTR_NOT_NULL_FATAL(capture);
	return capture;
}

static const uint8_t echo_request[] = { 9, 1, 0, 8, 1, 2, 3, 4 };

static void frames_with_direction_and_protocol(void)
{
	struct place place;
	struct stat st;
	uint64_t before = (uint64_t)g_get_real_time();

	place_init(&place);
	struct capture *capture = begin(&place, 0);
	capture_frame(capture, false, 0xc021, echo_request, sizeof(echo_request));
	capture_frame(capture, true, 0x0021, echo_request, 5);
	capture_frame(capture, true, 0x0021, NULL, 0);
	capture_close(capture);
	CU_ASSERT_EQUAL(stat(place.path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	struct seen seen = read_file(place.path);
	CU_ASSERT_TRUE(seen.right);
	CU_ASSERT_STRING_EQUAL(seen.name, "ppp0");
	CU_ASSERT_STRING_EQUAL(seen.description, "/dev/ttyGS0");
	CU_ASSERT_STRING_EQUAL(seen.program, PACKAGE_NAME " " PACKAGE_VERSION);
	CU_ASSERT_EQUAL(seen.resolution, 6);
	CU_ASSERT_EQUAL_FATAL(seen.count, 3);
	CU_ASSERT_EQUAL(seen.received, 3);
	CU_ASSERT_EQUAL(seen.dropped, 0);
	CU_ASSERT_EQUAL(seen.packets[0].captured, 13);
	CU_ASSERT_EQUAL(seen.packets[0].original, 13);
	CU_ASSERT_EQUAL(seen.packets[0].flags, 1);
	CU_ASSERT_EQUAL(memcmp(seen.packets[0].data, "\x00\xff\x03\xc0\x21\x09\x01\x00\x08\x01\x02\x03\x04", 13), 0);
	CU_ASSERT_EQUAL(seen.packets[1].flags, 2);
	CU_ASSERT_EQUAL(memcmp(seen.packets[1].data, "\x01\xff\x03\x00\x21\x09\x01\x00\x08\x01", 10), 0);
	CU_ASSERT_EQUAL(seen.packets[2].captured, 5);
	CU_ASSERT(seen.packets[0].time >= before - 1000 && seen.packets[2].time <= (uint64_t)g_get_real_time() + 1000);
	CU_ASSERT(seen.packets[0].time <= seen.packets[1].time && seen.packets[1].time <= seen.packets[2].time);
	CU_ASSERT_EQUAL(place.lines, 0);
	seen_clear(&seen);
	place_clear(&place);
}

static void a_huge_frame_is_cut(void)
{
	struct place place;
	uint8_t *payload = g_malloc0(70000);

	place_init(&place);
	struct capture *capture = begin(&place, 0);
	capture_frame(capture, false, 0x0021, payload, 70000);
	capture_close(capture);
	struct seen seen = read_file(place.path);
	CU_ASSERT_TRUE(seen.right);
	CU_ASSERT_EQUAL_FATAL(seen.count, 1);
	CU_ASSERT_EQUAL(seen.packets[0].captured, 65540);
	CU_ASSERT_EQUAL(seen.packets[0].original, 70005);
	seen_clear(&seen);
	place_clear(&place);
	g_free(payload);
}

static void comments_are_on_the_next_frame(void)
{
	struct place place;

	place_init(&place);
	struct capture *capture = begin(&place, 0);
	capture_comment(capture, "line opened");
	capture_comment(capture, "again");
	capture_frame(capture, false, 0xc021, echo_request, sizeof(echo_request));
	capture_frame(capture, false, 0xc021, echo_request, sizeof(echo_request));
	capture_comment(capture, "bad \xff byte");
	capture_frame(capture, false, 0xc021, echo_request, sizeof(echo_request));
	for (unsigned i = 0; i < 10000; i++)
		capture_comment(capture, "over and over");
	capture_frame(capture, false, 0xc021, echo_request, sizeof(echo_request));
	capture_comment(capture, "link down");
	capture_close(capture);
	struct seen seen = read_file(place.path);
	CU_ASSERT_TRUE(seen.right);
	CU_ASSERT_EQUAL_FATAL(seen.count, 4);
	CU_ASSERT_STRING_EQUAL(seen.packets[0].comment, "line opened\nagain");
	CU_ASSERT_STRING_EQUAL(seen.packets[1].comment, "");
	CU_ASSERT_STRING_EQUAL(seen.packets[2].comment, "bad \xef\xbf\xbd byte");
	CU_ASSERT_STRING_EQUAL(seen.last_comment, "link down");
	seen_clear(&seen);
	place_clear(&place);
}

/* Each frame's payload is its number. */
static void put_numbered(struct capture *capture, uint32_t number, size_t len)
{
	uint8_t payload[1500] = { 0 };
	uint32_t big_endian = GUINT32_TO_BE(number);

	memcpy(payload, &big_endian, sizeof(big_endian));
	capture_frame(capture, true, 0x0021, payload, len);
}

static uint32_t number_of(const struct packet_seen *packet)
{
	struct reader r = reader_new(packet->data, packet->captured);

	reader_skip(&r, 5);
	return reader_u32(&r);
}

static void fill_two_files(int max)
{
	struct place place;
	struct stat st;
	uint32_t count = 1000;

	place_init(&place);
	struct capture *capture = begin(&place, (uint64_t)max);
	for (uint32_t i = 0; i < count; i++)
		put_numbered(capture, i, 100 + i % 50);
	capture_close(capture);
	CU_ASSERT(stat(place.path, &st) == 0 && st.st_size <= max);
	CU_ASSERT(stat(place.old, &st) == 0 && st.st_size <= max && st.st_size > max - 500);
	struct seen new = read_file(place.path);
	struct seen old = read_file(place.old);
	CU_ASSERT_TRUE(new.right);
	CU_ASSERT_TRUE(old.right);
	CU_ASSERT_FATAL(new.count > 0 && old.count > 0);
	CU_ASSERT_EQUAL(number_of(&new.packets[new.count - 1]), count - 1);
	CU_ASSERT_EQUAL(number_of(&new.packets[0]), number_of(&old.packets[old.count - 1]) + 1);
	CU_ASSERT_EQUAL(number_of(&old.packets[0]) + old.count + new.count, count);
	CU_ASSERT_EQUAL(new.dropped, 0);
	seen_clear(&new);
	seen_clear(&old);
	place_clear(&place);
}

static void a_file_that_would_grow_too_large_becomes_the_old_one(void)
{
	for (int max = 20000; max < 20200; max += 20)
		fill_two_files(max);
}

static void a_limit_below_one_frame_still_makes_whole_files(void)
{
	struct place place;

	place_init(&place);
	struct capture *capture = begin(&place, 1);
	for (uint32_t i = 0; i < 5; i++)
		put_numbered(capture, i, 100);
	capture_close(capture);
	struct seen new = read_file(place.path);
	CU_ASSERT_TRUE(new.right);
	CU_ASSERT_EQUAL_FATAL(new.count, 1);
	CU_ASSERT_EQUAL(number_of(&new.packets[0]), 4);
	seen_clear(&new);
	place_clear(&place);
}

static void a_fifo_that_nobody_reads_stops_nothing(void)
{
	struct place place;

	place_init(&place);
	CU_ASSERT_EQUAL_FATAL(mkfifo(place.path, 0600), 0);
	struct capture *capture = begin(&place, 1000000);
	int64_t start = g_get_monotonic_time();
	for (uint32_t i = 0; i < 10000; i++)
		put_numbered(capture, i, 1500);
	CU_ASSERT(g_get_monotonic_time() - start < G_TIME_SPAN_SECOND);
	CU_ASSERT(capture_lost(capture) > 5000 && capture_lost(capture) < 10000);
	start = g_get_monotonic_time();
	capture_close(capture);
	CU_ASSERT(g_get_monotonic_time() - start < 3 * G_TIME_SPAN_SECOND / 2);
	CU_ASSERT_EQUAL(place.lines, 1);
	place_clear(&place);
}

static gpointer read_fifo(gpointer arg)
{
	int fd = GPOINTER_TO_INT(arg);
	GByteArray *bytes = g_byte_array_new();
	guint8 part[65536];
	ssize_t n;

	fcntl(fd, F_SETFL, 0);
	while ((n = read(fd, part, sizeof(part))) > 0)
		g_byte_array_append(bytes, part, (guint)n);
	close(fd);
	return bytes;
}

static void what_is_missing_is_counted_where_it_is_missing(void)
{
	struct place place;
	uint32_t count = 0;

	place_init(&place);
	CU_ASSERT_EQUAL_FATAL(mkfifo(place.path, 0600), 0);
	int fd = open(place.path, O_RDONLY | O_NONBLOCK);
	struct capture *capture = begin(&place, 0);
	while (capture_lost(capture) < 10)
		put_numbered(capture, count++, 1500);
	GThread *thread = g_thread_new("reader", read_fifo, GINT_TO_POINTER(fd));
	/* Until there is room again. */
	for (uint64_t lost = 0; lost != capture_lost(capture); g_usleep(1000)) {
		lost = capture_lost(capture);
		put_numbered(capture, count++, 1500);
	}
	for (unsigned i = 0; i < 3; i++)
		put_numbered(capture, count++, 1500);
	uint64_t lost = capture_lost(capture);
	capture_close(capture);
	GByteArray *bytes = g_thread_join(thread);
	gsize len = bytes->len;
	struct seen seen = read_bytes((gchar *)g_byte_array_free(bytes, FALSE), len);
	CU_ASSERT_TRUE(seen.right);
	CU_ASSERT_EQUAL(seen.received, count);
	CU_ASSERT_EQUAL(seen.dropped, lost);
	CU_ASSERT_EQUAL(seen.count + lost, count);
	uint32_t next = 0;
	for (unsigned i = 0; i < seen.count; i++) {
		next += (uint32_t)seen.packets[i].dropped;
		CU_ASSERT_EQUAL(number_of(&seen.packets[i]), next);
		next++;
	}
	CU_ASSERT_EQUAL(next, count);
	seen_clear(&seen);
	place_clear(&place);
}

/* A disk that is full, as far as this process can tell. */
static void limit_files(rlim_t max)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = MIN(max, limit.rlim_max);
	setrlimit(RLIMIT_FSIZE, &limit);
}

static uint32_t put_until(struct capture *capture, const struct place *place, unsigned lines)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < 5000 && place->lines < lines; i++, g_usleep(1000))
		put_numbered(capture, count++, 1500);
	return count;
}

static void a_full_disk_leaves_whole_blocks_and_is_tried_again(void)
{
	struct place place;

	place_init(&place);
	struct capture *capture = begin(&place, 0);
	limit_files(100000);
	uint32_t count = put_until(capture, &place, 1);
	limit_files(RLIM_INFINITY);
	char *expected = g_strdup_printf("capture: %s: %s; will go on when it can", place.path, g_strerror(EFBIG));
	CU_ASSERT_STRING_EQUAL(place.line, expected);
	put_numbered(capture, count++, 1500);
	uint64_t lost = capture_lost(capture);
	CU_ASSERT(lost > 0);
	capture_close(capture);
	struct seen seen = read_file(place.path);
	CU_ASSERT_TRUE(seen.right);
	CU_ASSERT_EQUAL(seen.dropped + seen.count, count);
	CU_ASSERT_EQUAL(number_of(&seen.packets[seen.count - 1]), count - 1);
	uint64_t dropped = 0;
	for (unsigned i = 0; i < seen.count; i++)
		dropped += seen.packets[i].dropped;
	CU_ASSERT_EQUAL(dropped, lost);
	seen_clear(&seen);
	place_clear(&place);
	g_free(expected);
}

static void a_failing_disk_is_told_once(void)
{
	struct place place;

	place_init(&place);
	struct capture *capture = capture_open("/dev/full", 0, "ppp0", NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(capture);
	put_until(capture, &place, 1);
	CU_ASSERT_STRING_EQUAL(place.line, "capture: /dev/full: No space left on device; will go on when it can");
	for (unsigned i = 0; i < 200; i++, g_usleep(1000))
		put_numbered(capture, i, 100);
	CU_ASSERT_EQUAL(place.lines, 1);
	capture_close(capture);
	place_clear(&place);
}

static void what_cannot_be_opened_is_said(void)
{
	struct place place;

	place_init(&place);
	CU_ASSERT_PTR_NULL(capture_open(place.folder, 0, "ppp0", NULL));
	CU_ASSERT_EQUAL(place.lines, 1);
	CU_ASSERT_EQUAL_FATAL(symlink("/dev/null", place.path), 0);
	CU_ASSERT_PTR_NULL(capture_open(place.path, 0, "ppp0", NULL));
	CU_ASSERT_EQUAL(place.lines, 2);
	place_clear(&place);
}

const struct unit_test unit_tests[] = {
	{ "capture: frames with direction and protocol (LINKTYPE_PPP_WITH_DIR)", frames_with_direction_and_protocol },
	{ "capture: a huge frame is cut", a_huge_frame_is_cut },
	{ "capture: comments are on the next frame", comments_are_on_the_next_frame },
	{ "capture: a file that would grow too large becomes the old one", a_file_that_would_grow_too_large_becomes_the_old_one },
	{ "capture: a limit below one frame still makes whole files", a_limit_below_one_frame_still_makes_whole_files },
	{ "capture: a FIFO that nobody reads stops nothing", a_fifo_that_nobody_reads_stops_nothing },
	{ "capture: what is missing is counted where it is missing", what_is_missing_is_counted_where_it_is_missing },
	{ "capture: a full disk leaves whole blocks, and is tried again", a_full_disk_leaves_whole_blocks_and_is_tried_again },
	{ "capture: a failing disk is told once", a_failing_disk_is_told_once },
	{ "capture: what cannot be opened is said", what_cannot_be_opened_is_said },
	{ 0 },
};
