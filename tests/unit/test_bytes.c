/* reader, writer, outbuf: no byte outside its bounds, and failure that sticks. */
#include "unit.h"

#include <string.h>

#include "outbuf.h"
#include "reader.h"
#include "writer.h"

static void reader_reads_network_order(void)
{
	const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	struct reader r = reader_new(bytes, sizeof(bytes));

	CU_ASSERT_EQUAL(reader_u8(&r), 1);
	CU_ASSERT_EQUAL(reader_u16(&r), 0x0203);
	CU_ASSERT_EQUAL(reader_u32(&r), 0x04050607);
	CU_ASSERT_EQUAL(reader_left(&r), 2);
	CU_ASSERT_TRUE(reader_ok(&r));
}

static void reader_failure_sticks(void)
{
	const uint8_t bytes[] = { 1, 2, 3 };
	struct reader r = reader_new(bytes, sizeof(bytes));

	CU_ASSERT_EQUAL(reader_u32(&r), 0);
	CU_ASSERT_FALSE(reader_ok(&r));
	CU_ASSERT_EQUAL(reader_left(&r), 0);
	CU_ASSERT_EQUAL(reader_u8(&r), 0);
	CU_ASSERT_PTR_NULL(reader_bytes(&r, 0));
}

static void reader_sub_is_bounded(void)
{
	const uint8_t bytes[] = { 1, 2, 3, 4 };
	struct reader r = reader_new(bytes, sizeof(bytes));
	struct reader sub = reader_sub(&r, 2);

	CU_ASSERT_EQUAL(reader_u16(&sub), 0x0102);
	CU_ASSERT_EQUAL(reader_u8(&sub), 0);
	CU_ASSERT_FALSE(reader_ok(&sub));
	CU_ASSERT_EQUAL(reader_u16(&r), 0x0304);
	CU_ASSERT_TRUE(reader_ok(&r));
	sub = reader_sub(&r, 1);
	CU_ASSERT_FALSE(reader_ok(&sub));
	CU_ASSERT_FALSE(reader_ok(&r));
}

static void reader_of_nothing(void)
{
	struct reader r = reader_new(NULL, 0);

	CU_ASSERT_TRUE(reader_ok(&r));
	CU_ASSERT_EQUAL(reader_left(&r), 0);
	(void)reader_u8(&r);
	CU_ASSERT_FALSE(reader_ok(&r));
	r = reader_new(NULL, 4);
	CU_ASSERT_FALSE(reader_ok(&r));
}

static void writer_writes_network_order(void)
{
	uint8_t buf[8];
	const uint8_t want[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct writer w = writer_new(buf, sizeof(buf));

	writer_u8(&w, 1);
	writer_u16(&w, 0xffff);
	writer_u32(&w, 0x04050607);
	writer_bytes(&w, "\x08", 1);
	writer_patch_u16(&w, 1, 0x0203);
	CU_ASSERT_TRUE(writer_ok(&w));
	CU_ASSERT_EQUAL(writer_len(&w), 8);
	CU_ASSERT_EQUAL(memcmp(buf, want, 8), 0);
}

static void writer_cannot_overrun(void)
{
	uint8_t buf[8] = { 0 };
	struct writer w = writer_new(buf, 4);

	writer_u8(&w, 0xaa);
	writer_u32(&w, 0xffffffff);
	CU_ASSERT_FALSE(writer_ok(&w));
	CU_ASSERT_EQUAL(writer_len(&w), 1);
	writer_u8(&w, 0xff);
	CU_ASSERT_EQUAL(buf[1], 0);
	CU_ASSERT_EQUAL(buf[4], 0);
	w = writer_new(buf, 4);
	writer_u8(&w, 1);
	writer_patch_u16(&w, 0, 1);
	CU_ASSERT_FALSE(writer_ok(&w));
}

static void outbuf_moves_to_make_room(void)
{
	struct outbuf b;

	outbuf_init(&b, 10);
	memcpy(outbuf_reserve(&b, 8), "abcdefgh", 8);
	outbuf_commit(&b, 8);
	CU_ASSERT_PTR_NULL(outbuf_reserve(&b, 3));
	outbuf_consume(&b, 5);
	uint8_t *at = outbuf_reserve(&b, 7);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	memcpy(at, "ijklmno", 7);
	outbuf_commit(&b, 7);
	CU_ASSERT_EQUAL(outbuf_len(&b), 10);
	CU_ASSERT_EQUAL(memcmp(outbuf_data(&b), "fghijklmno", 10), 0);
	outbuf_consume(&b, 10);
	CU_ASSERT_EQUAL(outbuf_len(&b), 0);
	CU_ASSERT_PTR_NOT_NULL(outbuf_reserve(&b, 10));
	outbuf_free(&b);
}

const struct unit_test unit_tests[] = {
	{ "reader: numbers in network order", reader_reads_network_order },
	{ "reader: a failure sticks", reader_failure_sticks },
	{ "reader: a sub-reader is bounded", reader_sub_is_bounded },
	{ "reader: over nothing", reader_of_nothing },
	{ "writer: numbers in network order", writer_writes_network_order },
	{ "writer: cannot overrun", writer_cannot_overrun },
	{ "outbuf: moves what waits to make room", outbuf_moves_to_make_room },
	{ 0 },
};
