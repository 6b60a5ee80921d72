/* Captures for Wireshark (draft-ietf-opsawg-pcapng); see capture.h. Called by session for every frame, and by main.
 *
 * Theory of operation. There are two buffers. The link's thread puts finished blocks into one of them; the writer's thread takes it away
 * whole, leaves the other, empty one in its place, and writes. The lock is held for a copy or for the exchange, never during a system
 * call. When the buffer is full, frames are counted instead, and the next one that finds room says how many (epb_dropcount). So do the
 * frames of a buffer that could not be written, on a full disk: the file is cut back to its last whole block, and the next buffer is
 * tried again. Each file ends with the sums (an Interface Statistics Block) and can be read alone.
 *
 * A thread that hangs in the kernel cannot be ended: capture_close() leaves it, and whichever of the two goes last frees everything. */
#include "capture.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "pcapng.h"
#include "priv.h"

/* Of each of the two buffers. */
#define BUFFER_SIZE (2U << 20)
/* What comes within this time is written at once. */
#define GATHER (50 * G_TIME_SPAN_MILLISECOND)
#define CLOSE_LIMIT G_TIME_SPAN_SECOND
#define POLL_MS 100
/* A disk that is full at every other moment is no reason to fill the log. */
#define TELL_INTERVAL (10 * G_TIME_SPAN_SECOND)
#define HEADER_MAX 2048

struct buffer {
	uint8_t *bytes;
	size_t len;
};

struct capture {
	GMutex lock;
	GCond filled, ended;
	int refs; /* atomic: one the link's, one the writer's */

	/* Under the lock. */
	struct buffer filling, spare;
	char *comment; /* for the next frame, or NULL */
	struct pcapng_totals totals;
	uint64_t unsaid; /* lost since the last frame in the file */
	int error;       /* errno of the last thing that failed; 0: all is well */
	bool closing, abandoned, over;

	/* Set once. */
	char *path;
	int64_t epoch; /* wall clock less monotonic clock, when it began */

	/* The link's alone. */
	int told;          /* the error that was logged */
	int64_t next_told; /* not before */

	/* The writer's alone. */
	int fd;
	bool regular;
	uint64_t size, max_bytes;
	uint8_t header[HEADER_MAX];
	size_t header_len;
};

static uint64_t timestamp(const struct capture *capture)
{
	return (uint64_t)(capture->epoch + g_get_monotonic_time());
}

/* The writer's thread. */

static bool is_abandoned(struct capture *capture)
{
	g_mutex_lock(&capture->lock);
	bool abandoned = capture->abandoned;
	g_mutex_unlock(&capture->lock);
	return abandoned;
}

/* A FIFO that nobody reads. False when it has been waited for long enough. */
static bool wait_writable(struct capture *capture)
{
	struct pollfd ready = { .fd = capture->fd, .events = POLLOUT };

	while (!is_abandoned(capture)) {
		int n = poll(&ready, 1, POLL_MS);

		if (n > 0 || (n < 0 && errno != EINTR))
			return true;
	}
	errno = ECANCELED;
	return false;
}

static bool write_bytes(struct capture *capture, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(capture->fd, bytes, len);

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			if (!wait_writable(capture))
				return false;
		} else if (n == 0 || errno != EINTR) {
			return false;
		}
	}
	return true;
}

static void set_error(struct capture *capture, int error)
{
	g_mutex_lock(&capture->lock);
	capture->error = error;
	g_mutex_unlock(&capture->lock);
}

/* Whole blocks, or nothing: what a full disk took of them is cut off again. */
static bool write_blocks(struct capture *capture, const uint8_t *bytes, size_t len)
{
	if (write_bytes(capture, bytes, len)) {
		capture->size += len;
		set_error(capture, 0);
		return true;
	}
	set_error(capture, errno);
	if (capture->regular && ftruncate(capture->fd, (off_t)capture->size) == 0)
		lseek(capture->fd, (off_t)capture->size, SEEK_SET);
	return false;
}

/* With the frames goes what they would have told of others. */
static void count_lost(struct capture *capture, const uint8_t *bytes, size_t len)
{
	uint64_t frames = 0, told_of = 0;
	size_t block;

	for (size_t at = 0; at < len; at += block) {
		frames += pcapng_block(bytes + at, &block) == PCAPNG_PACKET;
		told_of += pcapng_dropped(bytes + at);
	}
	g_mutex_lock(&capture->lock);
	capture->totals.lost += frames;
	capture->unsaid += frames + told_of;
	g_mutex_unlock(&capture->lock);
}

/* The end of a file. What was remarked last, with no frame after it, is said there. */
static void write_end(struct capture *capture, bool with_comment)
{
	uint8_t bytes[PCAPNG_OVERHEAD + 3 * PCAPNG_COMMENT_MAX];
	struct writer w = writer_new(bytes, sizeof(bytes));

	g_mutex_lock(&capture->lock);
	pcapng_statistics(&w, timestamp(capture), capture->totals, with_comment ? capture->comment : NULL);
	g_mutex_unlock(&capture->lock);
	write_blocks(capture, bytes, writer_len(&w));
}

static bool open_file(struct capture *capture, bool rotate)
{
	struct stat st;
	int fd = priv_open_capture(capture->path, rotate);

	if (fd < 0)
		return false;
	capture->fd = fd;
	capture->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	capture->size = 0;
	return true;
}

/* Whether another LEN bytes would be too much for this file, which is still to have its end. */
static bool exceeds(const struct capture *capture, size_t len)
{
	return capture->regular && capture->max_bytes > 0 && capture->size + len + PCAPNG_OVERHEAD > capture->max_bytes;
}

static void end_file(struct capture *capture)
{
	write_end(capture, false);
	close(capture->fd);
	capture->fd = -1;
	capture->size = 0;
}

/* There is a file with a header and room for LEN bytes. What has failed is tried again the next time. */
static bool ready_file(struct capture *capture, size_t len)
{
	if (capture->size > capture->header_len && exceeds(capture, len))
		end_file(capture);
	if (capture->fd < 0 && !open_file(capture, true)) {
		set_error(capture, errno);
		return false;
	}
	return capture->size > 0 || write_blocks(capture, capture->header, capture->header_len);
}

/* How much of the blocks goes into this file: at least one block. */
static size_t that_fits(const struct capture *capture, const uint8_t *bytes, size_t len)
{
	size_t fits, block;

	pcapng_block(bytes, &fits);
	while (fits < len) {
		pcapng_block(bytes + fits, &block);
		if (exceeds(capture, fits + block))
			break;
		fits += block;
	}
	return fits;
}

static void write_buffer(struct capture *capture, const struct buffer *buffer)
{
	size_t block, part;

	for (size_t at = 0; at < buffer->len; at += part) {
		const uint8_t *bytes = buffer->bytes + at;

		pcapng_block(bytes, &block);
		bool ready = ready_file(capture, block);
		part = that_fits(capture, bytes, buffer->len - at);
		if (!ready || !write_blocks(capture, bytes, part))
			count_lost(capture, bytes, part);
	}
}

/* Waits for something to write, and a little longer for more. False: there is nothing, and there will be nothing. */
static bool take_buffer(struct capture *capture, struct buffer *taken)
{
	g_mutex_lock(&capture->lock);
	while (capture->filling.len == 0 && !capture->closing)
		g_cond_wait(&capture->filled, &capture->lock);
	int64_t until = g_get_monotonic_time() + GATHER;
	while (capture->filling.len < BUFFER_SIZE / 2 && !capture->closing)
		if (!g_cond_wait_until(&capture->filled, &capture->lock, until))
			break;
	*taken = capture->filling;
	capture->filling = capture->spare;
	capture->spare = (struct buffer){ NULL, 0 };
	g_mutex_unlock(&capture->lock);
	return taken->len > 0;
}

static void give_back(struct capture *capture, const struct buffer *taken)
{
	g_mutex_lock(&capture->lock);
	capture->spare = (struct buffer){ taken->bytes, 0 };
	g_mutex_unlock(&capture->lock);
}

static void unref(struct capture *capture)
{
	if (!g_atomic_int_dec_and_test(&capture->refs))
		return;
	if (capture->fd >= 0)
		close(capture->fd);
	g_mutex_clear(&capture->lock);
	g_cond_clear(&capture->filled);
	g_cond_clear(&capture->ended);
	g_free(capture->filling.bytes);
	g_free(capture->spare.bytes);
	g_free(capture->comment);
	g_free(capture->path);
	g_free(capture);
}

static gpointer writer_thread(gpointer arg)
{
	struct capture *capture = arg;
	struct buffer taken;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	/* The first file's header is there before any frame: whoever opens it sees what it is. */
	write_blocks(capture, capture->header, capture->header_len);
	while (take_buffer(capture, &taken)) {
		write_buffer(capture, &taken);
		give_back(capture, &taken);
	}
	give_back(capture, &taken);
	if (capture->size > 0)
		write_end(capture, true);
	g_mutex_lock(&capture->lock);
	capture->over = true;
	g_cond_signal(&capture->ended);
	g_mutex_unlock(&capture->lock);
	unref(capture);
	return NULL;
}

/* The link's thread. */

static void put_header(struct capture *capture, const char *interface, const char *line)
{
	struct writer w = writer_new(capture->header, sizeof(capture->header));

	pcapng_section(&w, PACKAGE_NAME " " PACKAGE_VERSION);
	pcapng_interface(&w, interface, line);
	capture->header_len = writer_len(&w);
}

static bool start_thread(struct capture *capture)
{
	GThread *thread = g_thread_try_new("capture", writer_thread, capture, NULL);

	if (thread)
		g_thread_unref(thread);
	return thread != NULL;
}

struct capture *capture_open(const char *path, uint64_t max_bytes, const char *interface, const char *line)
{
	struct capture *capture = g_new0(struct capture, 1);

	*capture = (struct capture){ .path = g_strdup(path), .max_bytes = max_bytes, .fd = -1, .refs = 1 };
	g_mutex_init(&capture->lock);
	g_cond_init(&capture->filled);
	g_cond_init(&capture->ended);
	capture->epoch = g_get_real_time() - g_get_monotonic_time();
	put_header(capture, interface, line);
	if (open_file(capture, false)) {
		capture->filling.bytes = g_malloc(BUFFER_SIZE);
		capture->spare.bytes = g_malloc(BUFFER_SIZE);
		capture->refs = 2;
		if (start_thread(capture))
			return capture;
		capture->refs = 1;
		errno = EAGAIN;
	}
	log_error("Can't capture to %s: %m", path);
	unref(capture);
	return NULL;
}

/* The error is the writer's, which may not log. */
static void tell(struct capture *capture, int error, uint64_t lost)
{
	if (error == capture->told || g_get_monotonic_time() < capture->next_told)
		return;
	capture->told = error;
	capture->next_told = g_get_monotonic_time() + TELL_INTERVAL;
	if (error)
		log_warn("capture: %s: %s; will go on when it can", capture->path, g_strerror(error));
	else
		log_notice("capture: %s goes on; %" G_GUINT64_FORMAT " frames are missing in it so far", capture->path, lost);
}

/* Under the lock. */
static void add_frame(struct capture *capture, const struct pcapng_frame *frame)
{
	struct buffer *buffer = &capture->filling;
	size_t len = buffer->len;
	struct writer w = writer_new(buffer->bytes + len, BUFFER_SIZE - len);

	capture->totals.seen++;
	pcapng_packet(&w, timestamp(capture), frame, capture->unsaid, capture->comment);
	if (!writer_ok(&w)) {
		capture->totals.lost++;
		capture->unsaid++;
		return;
	}
	buffer->len += writer_len(&w);
	capture->unsaid = 0;
	g_clear_pointer(&capture->comment, g_free);
	if (len == 0 || (len < BUFFER_SIZE / 2 && buffer->len >= BUFFER_SIZE / 2))
		g_cond_signal(&capture->filled);
}

void capture_frame(struct capture *capture, bool sent, uint16_t protocol, const uint8_t *payload, size_t len)
{
	const struct pcapng_frame frame = { .sent = sent, .protocol = protocol, .payload = payload, .len = len };

	g_mutex_lock(&capture->lock);
	add_frame(capture, &frame);
	int error = capture->error;
	uint64_t lost = capture->totals.lost;
	g_mutex_unlock(&capture->lock);
	tell(capture, error, lost);
}

void capture_comment(struct capture *capture, const char *text)
{
	g_mutex_lock(&capture->lock);
	char *before = capture->comment;
	if (!before || strlen(before) < PCAPNG_COMMENT_MAX) {
		capture->comment = g_strdup_printf("%s%s%.*s", before ? before : "", before ? "\n" : "", PCAPNG_COMMENT_MAX, text);
		g_free(before);
	}
	g_mutex_unlock(&capture->lock);
}

uint64_t capture_lost(const struct capture *capture)
{
	GMutex *lock = (GMutex *)&capture->lock;

	g_mutex_lock(lock);
	uint64_t lost = capture->totals.lost;
	g_mutex_unlock(lock);
	return lost;
}

void capture_close(struct capture *capture)
{
	int64_t until = g_get_monotonic_time() + CLOSE_LIMIT;

	g_mutex_lock(&capture->lock);
	capture->closing = true;
	g_cond_signal(&capture->filled);
	while (!capture->over && g_cond_wait_until(&capture->ended, &capture->lock, until))
		;
	capture->abandoned = !capture->over;
	bool abandoned = capture->abandoned;
	uint64_t lost = capture->totals.lost;
	int error = capture->error;
	g_mutex_unlock(&capture->lock);
	if (abandoned)
		log_warn("capture: %s takes no more; its end is missing", capture->path);
	else if (lost > 0)
		log_notice("capture: %" G_GUINT64_FORMAT " frames are missing in %s%s%s", lost, capture->path, error ? ": " : "",
			   error ? g_strerror(error) : "");
	unref(capture);
}
