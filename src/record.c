/* The file of `record`; see record.h. Called by line/line.c. */
#include "record.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "priv.h"
#include "writer.h"

#define PIECE_MAX 1504 /* bytes of one record, as pppd's reads give them */
#define TENTH (CLOCK_SECOND / 10)
#define HEAD_MAX 8 /* a time and a record's head */

enum tag { TAG_SENT = 1, TAG_RECEIVED, TAG_END_SENT, TAG_END_RECEIVED, TAG_TENTHS_LONG, TAG_TENTHS, TAG_START };

struct record {
	const struct clock *clock;
	FILE *file; /* NULL after an error */
	uint64_t at; /* of the last record, in whole tenths */
	bool ended;  /* the line's side */
};

static void put(struct record *r, const uint8_t *head, size_t head_len, const uint8_t *bytes, size_t len)
{
	fwrite(head, 1, head_len, r->file);
	if (len > 0)
		fwrite(bytes, 1, len, r->file);
	if (fflush(r->file) == 0 && !ferror(r->file))
		return;
	log_error("Error writing record file: %m");
	fclose(r->file);
	r->file = NULL;
}

static void write_time(struct record *r, struct writer *w)
{
	uint64_t tenths = (r->clock->now - r->at) / TENTH;

	r->at += tenths * TENTH;
	if (tenths > UINT8_MAX) {
		writer_u8(w, TAG_TENTHS_LONG);
		writer_u32(w, (uint32_t)MIN(tenths, UINT32_MAX));
	} else if (tenths > 0) {
		writer_u8(w, TAG_TENTHS);
		writer_u8(w, (uint8_t)tenths);
	}
}

static void add(struct record *r, enum tag tag, const uint8_t *bytes, size_t len)
{
	uint8_t buf[HEAD_MAX];
	struct writer w = writer_new(buf, sizeof(buf));

	if (!r->file)
		return;
	write_time(r, &w);
	writer_u8(&w, (uint8_t)tag);
	if (tag == TAG_SENT || tag == TAG_RECEIVED)
		writer_u16(&w, (uint16_t)len);
	put(r, buf, writer_len(&w), bytes, len);
}

static void add_pieces(struct record *r, enum tag tag, const uint8_t *bytes, size_t len)
{
	for (size_t piece; r && len > 0; bytes += piece, len -= piece) {
		piece = MIN(len, PIECE_MAX);
		add(r, tag, bytes, piece);
	}
}

void record_sent(struct record *r, const uint8_t *bytes, size_t len)
{
	add_pieces(r, TAG_SENT, bytes, len);
}

void record_received(struct record *r, const uint8_t *bytes, size_t len)
{
	add_pieces(r, TAG_RECEIVED, bytes, len);
}

void record_hangup(struct record *r)
{
	if (!r || r->ended)
		return;
	r->ended = true;
	add(r, TAG_END_RECEIVED, NULL, 0);
}

/* Tenths count from the whole second that the start is told in. */
static void begin(struct record *r)
{
	uint8_t buf[HEAD_MAX];
	struct writer w = writer_new(buf, sizeof(buf));
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t fraction = (uint64_t)now.tv_nsec / 1000;
	r->at = r->clock->now > fraction ? r->clock->now - fraction : r->clock->now;
	writer_u8(&w, TAG_START);
	writer_u32(&w, (uint32_t)now.tv_sec);
	put(r, buf, writer_len(&w), NULL, 0);
}

struct record *record_open(const char *path, const struct clock *clock)
{
	int fd = priv_open_log(path, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "a") : NULL;

	if (!file) {
		log_error("Couldn't create record file %s: %m", path);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct record *r = g_new0(struct record, 1);
	r->clock = clock;
	r->file = file;
	begin(r);
	return r;
}

void record_close(struct record *r)
{
	if (!r)
		return;
	add(r, TAG_END_SENT, NULL, 0);
	record_hangup(r);
	if (r->file)
		fclose(r->file);
	g_free(r);
}
