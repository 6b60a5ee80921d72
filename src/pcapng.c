/* Blocks of a pcapng file; see pcapng.h. Called by capture.c. */
#include "pcapng.h"

#include <glib.h>
#include <string.h>
#include <sys/utsname.h>

#include "reader.h"

#define FRAME_MAX 65535
#define TEXT_MAX 256

/* §4: block types. */
enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_STATISTICS = 5 };
/* §3.5 and each block's own: option codes. */
enum {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	SHB_OS = 3,
	SHB_USERAPPL = 4,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	IF_TSRESOL = 9,
	EPB_FLAGS = 2,
	EPB_DROPCOUNT = 4,
	ISB_IFRECV = 4,
	ISB_IFDROP = 5
};
enum { INBOUND = 1, OUTBOUND = 2 }; /* epb_flags */

#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define LENGTH_UNKNOWN 0xffffffff
#define LINKTYPE_PPP_WITH_DIR 204
#define MICROSECONDS 6
#define PPP_ADDRESS_CONTROL 0xff03
/* Direction, address and control, protocol. */
#define FRAME_HEAD 5

static void put_u64(struct writer *w, uint64_t v)
{
	writer_u32(w, (uint32_t)(v >> 32));
	writer_u32(w, (uint32_t)v);
}

/* To a multiple of 32 bits, counted from the block's start; every block begins at one. */
static void pad(struct writer *w)
{
	while (writer_ok(w) && writer_len(w) % 4 != 0)
		writer_u8(w, 0);
}

static void put_option(struct writer *w, uint16_t code, const void *value, size_t len)
{
	writer_u16(w, code);
	writer_u16(w, (uint16_t)len);
	writer_bytes(w, value, len);
	pad(w);
}

static void put_text(struct writer *w, uint16_t code, const char *text, size_t max)
{
	if (!text || !*text)
		return;
	char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, max));
	put_option(w, code, valid, strlen(valid));
	g_free(valid);
}

static void put_count(struct writer *w, uint16_t code, uint64_t count)
{
	writer_u16(w, code);
	writer_u16(w, sizeof(count));
	put_u64(w, count);
}

/* Returns where the block's length is to go. */
static uint8_t *begin_block(struct writer *w, uint32_t type)
{
	writer_u32(w, type);
	return writer_reserve(w, 4);
}

/* The options are at their end. The length is there twice (§3.1). */
static void end_block(struct writer *w, uint8_t *length_at, size_t start)
{
	put_option(w, OPTION_END, NULL, 0);
	uint32_t length = (uint32_t)(writer_len(w) + 4 - start);
	writer_u32(w, length);
	if (!writer_ok(w))
		return;
	struct writer patch = writer_new(length_at, 4);
	writer_u32(&patch, length);
}

/* §4.1 */
void pcapng_section(struct writer *w, const char *program)
{
	struct utsname name;
	size_t start = writer_len(w);
	uint8_t *length_at = begin_block(w, BLOCK_SECTION);

	writer_u32(w, BYTE_ORDER_MAGIC);
	writer_u16(w, 1);
	writer_u16(w, 0);
	writer_u32(w, LENGTH_UNKNOWN);
	writer_u32(w, LENGTH_UNKNOWN);
	if (uname(&name) == 0) {
		char *os = g_strdup_printf("%s %s", name.sysname, name.release);
		put_text(w, SHB_OS, os, TEXT_MAX);
		g_free(os);
	}
	put_text(w, SHB_USERAPPL, program, TEXT_MAX);
	end_block(w, length_at, start);
}

/* §4.2 */
void pcapng_interface(struct writer *w, const char *interface, const char *line)
{
	static const uint8_t resolution = MICROSECONDS;
	size_t start = writer_len(w);
	uint8_t *length_at = begin_block(w, BLOCK_INTERFACE);

	writer_u16(w, LINKTYPE_PPP_WITH_DIR);
	writer_u16(w, 0);
	writer_u32(w, 0); /* no limit on a frame's length */
	put_text(w, IF_NAME, interface, TEXT_MAX);
	put_text(w, IF_DESCRIPTION, line, TEXT_MAX);
	put_option(w, IF_TSRESOL, &resolution, 1);
	end_block(w, length_at, start);
}

/* §4.6 */
void pcapng_statistics(struct writer *w, uint64_t now, struct pcapng_totals totals, const char *comment)
{
	size_t start = writer_len(w);
	uint8_t *length_at = begin_block(w, BLOCK_STATISTICS);

	writer_u32(w, 0);
	put_u64(w, now);
	put_count(w, ISB_IFRECV, totals.seen);
	put_count(w, ISB_IFDROP, totals.lost);
	put_text(w, OPTION_COMMENT, comment, PCAPNG_COMMENT_MAX);
	end_block(w, length_at, start);
}

/* §4.3 */
void pcapng_packet(struct writer *w, uint64_t now, const struct pcapng_frame *frame, uint64_t dropped, const char *comment)
{
	size_t start = writer_len(w);
	uint8_t *length_at = begin_block(w, PCAPNG_PACKET);
	size_t captured = MIN(frame->len, FRAME_MAX);

	writer_u32(w, 0);
	put_u64(w, now);
	writer_u32(w, (uint32_t)(FRAME_HEAD + captured));
	writer_u32(w, (uint32_t)(FRAME_HEAD + frame->len));
	writer_u8(w, frame->sent);
	writer_u16(w, PPP_ADDRESS_CONTROL);
	writer_u16(w, frame->protocol);
	writer_bytes(w, frame->payload, captured);
	pad(w);
	writer_u16(w, EPB_FLAGS);
	writer_u16(w, 4);
	writer_u32(w, frame->sent ? OUTBOUND : INBOUND);
	if (dropped > 0)
		put_count(w, EPB_DROPCOUNT, dropped);
	put_text(w, OPTION_COMMENT, comment, PCAPNG_COMMENT_MAX);
	end_block(w, length_at, start);
}

uint32_t pcapng_block(const uint8_t *bytes, size_t *len)
{
	struct reader r = reader_new(bytes, 8);
	uint32_t type = reader_u32(&r);

	*len = reader_u32(&r);
	return type;
}

uint64_t pcapng_dropped(const uint8_t *bytes)
{
	size_t len;

	if (pcapng_block(bytes, &len) != PCAPNG_PACKET)
		return 0;
	struct reader r = reader_new(bytes, len);
	reader_skip(&r, 20); /* block type and length, interface, time */
	uint32_t captured = reader_u32(&r);
	reader_skip(&r, 4 + captured + (4 - captured % 4) % 4);
	reader_skip(&r, 8); /* epb_flags comes first */
	bool said = reader_u16(&r) == EPB_DROPCOUNT;
	reader_skip(&r, 2);
	uint64_t high = reader_u32(&r);
	uint64_t count = high << 32 | reader_u32(&r);
	return said && reader_ok(&r) ? count : 0;
}
