/* slirpctl: HTTP answers, whole, in pieces, cut short and hostile (RFC 9112). */
#include "unit.h"

#include <glib.h>
#include <string.h>

#include "slirpctl/http.h"

#define OK "HTTP/1.1 200 OK\r\n"

/* Feeds TEXT in pieces of STEP bytes; then the end of the connection, where CLOSED and it was not done before. */
static enum http_progress feed(struct http_answer *answer, const char *text, size_t step, bool closed)
{
	size_t len = strlen(text);
	enum http_progress progress = HTTP_MORE;

	for (size_t at = 0; at < len && progress == HTTP_MORE; at += step)
		progress = http_answer_feed(answer, text + at, MIN(step, len - at));
	return progress == HTTP_MORE && closed ? http_answer_feed(answer, "", 0) : progress;
}

static void gives(const char *text, unsigned status, const char *body)
{
	size_t len, steps[] = { 1, 2, 7, 10000 };

	for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
		struct http_answer *answer = http_answer_new();

		CU_ASSERT_EQUAL(feed(answer, text, steps[i], true), HTTP_DONE);
		CU_ASSERT_EQUAL(http_answer_status(answer), status);
		CU_ASSERT_STRING_EQUAL(http_answer_body(answer, &len), body);
		CU_ASSERT_EQUAL(len, strlen(body));
		http_answer_free(answer);
	}
}

static void is_bad(const char *text)
{
	size_t steps[] = { 1, 10000 };

	for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
		struct http_answer *answer = http_answer_new();

		CU_ASSERT_EQUAL(feed(answer, text, steps[i], true), HTTP_BAD);
		http_answer_free(answer);
	}
}

static void content_length(void)
{
	gives(OK "Content-Length: 5\r\n\r\nhello", 200, "hello");
	gives(OK "content-length:5\r\nX: y\r\n\r\nhello and more", 200, "hello");
	gives("HTTP/1.0 404\r\nContent-Length: 0\r\n\r\n", 404, "");
	gives("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, "ok");
}

static void chunked(void)
{
	gives(OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n, the rest\r\n0\r\n\r\n", 200, "hello, the rest");
	gives(OK "Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nTrailer: x\r\n\r\n", 200, "a");
}

static void until_closed(void)
{
	struct http_answer *answer = http_answer_new();

	gives(OK "\r\nall of it", 200, "all of it");
	CU_ASSERT_EQUAL(feed(answer, OK "\r\nhalf", 3, false), HTTP_MORE);
	http_answer_free(answer);
}

static void interim_and_empty(void)
{
	gives("HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\nx", 200, "x");
	gives("HTTP/1.1 204 No Content\r\n\r\n", 204, "");
}

static void truncated(void)
{
	static const char whole[] = OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

	for (size_t len = 0; len < strlen(whole) - 1; len++) {
		g_autofree char *part = g_strndup(whole, len);

		is_bad(part);
	}
	is_bad(OK "Content-Length: 6\r\n\r\nhello");
}

static void hostile(void)
{
	static const char *const answers[] = {
		"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1 2000\r\n\r\n", "HTTP/1.1 999 X\r\n\r\n", "\r\n\r\n", OK "no colon\r\n\r\n",
		OK "Content-Length: -1\r\n\r\n", OK "Content-Length: +1\r\n\r\nx", OK "Content-Length: 1 1\r\n\r\nx",
		OK "Content-Length:\r\n\r\n", OK "Content-Length: 18446744073709551616\r\n\r\n", OK "Content-Length: 999999999999\r\n\r\n",
		OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		OK "Transfer-Encoding: gzip, chunked\r\n\r\n", OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
		OK "Transfer-Encoding: chunked\r\n\r\n-1\r\n", OK "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
		OK "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(answers); i++)
		is_bad(answers[i]);
}

/* Feeds PIECE for as long as it is taken, and gives back how many bytes that were. */
static size_t endless(const char *start, const char *piece)
{
	struct http_answer *answer = http_answer_new();
	enum http_progress progress = http_answer_feed(answer, start, strlen(start));
	size_t fed = 0;

	for (; progress == HTTP_MORE && fed < 4 * (size_t)HTTP_MAX_BODY; fed += strlen(piece))
		progress = http_answer_feed(answer, piece, strlen(piece));
	CU_ASSERT_EQUAL(progress, HTTP_BAD);
	http_answer_free(answer);
	return fed;
}

static void bounded(void)
{
	g_autofree char *many = g_strnfill(4096, 'x');
	g_autofree char *chunk = g_strconcat("1000\r\n", many, "\r\n", NULL);

	CU_ASSERT_TRUE(endless("HTTP/1.1 200 ", many) <= HTTP_MAX_HEAD + 4096);
	CU_ASSERT_TRUE(endless(OK "X: ", many) <= HTTP_MAX_HEAD + 4096);
	CU_ASSERT_TRUE(endless(OK "\r\n", many) <= HTTP_MAX_BODY + 4096);
	CU_ASSERT_TRUE(endless(OK "Transfer-Encoding: chunked\r\n\r\n", chunk) <= HTTP_MAX_BODY + HTTP_MAX_BODY / 256);
	CU_ASSERT_TRUE(endless(OK "Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", many) <= HTTP_MAX_HEAD + 4096);
}

const struct unit_test unit_tests[] = {
	{ "slirpctl: a body by its length (RFC 9112 6.2)", content_length },
	{ "slirpctl: a body in chunks (RFC 9112 7.1)", chunked },
	{ "slirpctl: a body until the end (RFC 9112 6.3)", until_closed },
	{ "slirpctl: interim answers and those without a body", interim_and_empty },
	{ "slirpctl: an answer that is cut short is none", truncated },
	{ "slirpctl: what is no answer is refused (RFC 9112 6.3)", hostile },
	{ "slirpctl: endless answers end", bounded },
	{ 0 },
};
