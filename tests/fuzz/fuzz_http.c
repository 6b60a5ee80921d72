/* Fuzzes slirpctl's reading of an HTTP answer: byte 0 says how what comes is cut, bit 7 that the connection then ends. However it is cut, the
 * same must come of it.
 * Coverage: src/slirpctl/http_answer.c */
#include <glib.h>
#include <string.h>

#include "reader.h"
#include "slirpctl/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum http_progress feed(struct http_answer *answer, struct reader r, size_t cut, bool closes)
{
	enum http_progress progress = HTTP_MORE;

	while (progress == HTTP_MORE && reader_left(&r) > 0) {
		size_t len = MIN(cut, reader_left(&r));
		char *exact = g_memdup2(reader_bytes(&r, len), len);
		progress = http_answer_feed(answer, exact, len);
		g_free(exact);
	}
	return progress == HTTP_MORE && closes ? http_answer_feed(answer, "", 0) : progress;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(data, size);
	uint8_t how = reader_u8(&r);
	struct http_answer *whole = http_answer_new();
	struct http_answer *pieces = http_answer_new();
	size_t whole_len, pieces_len;

	enum http_progress a = feed(whole, r, size + 1, how & 0x80);
	enum http_progress b = feed(pieces, r, 1u + (how & 15u), how & 0x80);
	g_assert(a == b);
	const char *whole_body = http_answer_body(whole, &whole_len);
	const char *pieces_body = http_answer_body(pieces, &pieces_len);
	g_assert(a != HTTP_DONE || (http_answer_status(whole) >= 200 && http_answer_status(whole) == http_answer_status(pieces)));
	g_assert(a != HTTP_DONE || (whole_len == pieces_len && memcmp(whole_body, pieces_body, whole_len) == 0));
	g_assert(whole_len <= HTTP_MAX_BODY && whole_len < size + 1 && whole_body[whole_len] == '\0');
	http_answer_free(whole);
	http_answer_free(pieces);
	return 0;
}
