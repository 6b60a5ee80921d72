/* Reads an HTTP/1.1 answer as its bytes come (RFC 9112 §§4 to 7): a head, then a body by Content-Length, in chunks, or until the end.
 * What comes may be anything at all; head and body are bounded. Used by http.c. */
#include "slirpctl/http.h"

#include <string.h>

enum part { HEAD, LENGTH, UNTIL_CLOSED, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, DONE, BAD };

struct http_answer {
	enum part part;
	unsigned status;
	size_t left;   /* bytes of the body, or of its chunk, that are still to come */
	GString *in;   /* what came, and was not yet used from AT on */
	size_t at;
	GString *body;
};

struct http_answer *http_answer_new(void)
{
	struct http_answer *a = g_new0(struct http_answer, 1);

	a->in = g_string_new(NULL);
	a->body = g_string_new(NULL);
	return a;
}

void http_answer_free(struct http_answer *a)
{
	if (!a)
		return;
	g_string_free(a->in, TRUE);
	g_string_free(a->body, TRUE);
	g_free(a);
}

/* The next line without its end (a CR before the LF is not demanded), or NULL when it is not there yet. */
static char *next_line(struct http_answer *a)
{
	const char *from = a->in->str + a->at;
	const char *end = memchr(from, '\n', a->in->len - a->at);

	if (!end) {
		if (a->in->len - a->at > HTTP_MAX_HEAD)
			a->part = BAD;
		return NULL;
	}
	a->at += (size_t)(end - from) + 1;
	return g_strchomp(g_strndup(from, (gsize)(end - from)));
}

/* A number and nothing else, no sign, no more than MAX. */
static bool read_number(const char *text, unsigned base, guint64 max, size_t *number)
{
	guint64 value;

	if (!g_ascii_string_to_unsigned(text, base, 0, max, &value, NULL))
		return false;
	*number = (size_t)value;
	return true;
}

static bool status_line(struct http_answer *a, const char *line)
{
	size_t status;
	g_autofree char *digits = NULL;

	if (strlen(line) < 12 || !g_str_has_prefix(line, "HTTP/1.") || !g_ascii_isdigit(line[7]) || line[8] != ' ' ||
	    (line[12] != ' ' && line[12] != '\0'))
		return false;
	digits = g_strndup(line + 9, 3);
	if (!read_number(digits, 10, 599, &status) || status < 100)
		return false;
	a->status = (unsigned)status;
	return true;
}

/* Two lengths, or a length beside chunks, is how requests are smuggled: refused (RFC 9112 §6.3). */
static bool header(struct http_answer *a, char *line)
{
	char *colon = strchr(line, ':');
	const char *value = colon ? g_strstrip(colon + 1) : NULL;

	if (!colon)
		return false;
	*colon = '\0';
	if (!g_ascii_strcasecmp(line, "Content-Length")) {
		if (a->part != UNTIL_CLOSED || !read_number(value, 10, HTTP_MAX_BODY, &a->left))
			return false;
		a->part = LENGTH;
	} else if (!g_ascii_strcasecmp(line, "Transfer-Encoding")) {
		if (a->part != UNTIL_CLOSED || g_ascii_strcasecmp(value, "chunked"))
			return false;
		a->part = CHUNK_SIZE;
	}
	return true;
}

/* After an empty line: an interim answer (100 Continue) is followed by the real one, 204 and 304 have no body. */
static void head_is_over(struct http_answer *a)
{
	if (a->status < 200) {
		a->status = 0;
		a->part = HEAD;
	} else if (a->status == 204 || a->status == 304) {
		a->part = DONE;
	}
}

/* The whole head at once, when it is there. */
static bool read_head(struct http_answer *a)
{
	const char *from = a->in->str + a->at;
	size_t len = a->in->len - a->at;
	bool whole = g_strstr_len(from, (gssize)len, "\r\n\r\n") || g_strstr_len(from, (gssize)len, "\n\n");

	if (!whole) {
		if (len > HTTP_MAX_HEAD)
			a->part = BAD;
		return false;
	}
	a->part = UNTIL_CLOSED;
	for (bool first = true;; first = false) {
		g_autofree char *line = next_line(a);

		if (!line || (!*line && first) || (*line && !(first ? status_line(a, line) : header(a, line)))) {
			a->part = BAD;
			return false;
		}
		if (!*line)
			break;
	}
	head_is_over(a);
	return true;
}

static bool take(struct http_answer *a, size_t max, enum part then)
{
	size_t len = MIN(max, a->in->len - a->at);

	if (len > HTTP_MAX_BODY - a->body->len) {
		a->part = BAD;
		return false;
	}
	g_string_append_len(a->body, a->in->str + a->at, (gssize)len);
	a->at += len;
	if (len == max)
		a->part = then;
	return len == max;
}

static bool read_length(struct http_answer *a)
{
	size_t before = a->body->len;
	bool all = take(a, a->left, DONE);

	a->left -= a->body->len - before;
	return all;
}

static bool read_until_closed(struct http_answer *a)
{
	take(a, a->in->len - a->at, UNTIL_CLOSED);
	return false;
}

static bool read_chunk_size(struct http_answer *a)
{
	g_autofree char *line = next_line(a);

	if (!line)
		return false;
	line[strcspn(line, "; \t")] = '\0'; /* chunk extensions mean nothing here */
	if (!read_number(line, 16, HTTP_MAX_BODY, &a->left))
		a->part = BAD;
	else
		a->part = a->left ? CHUNK_DATA : TRAILER;
	return a->part != BAD;
}

static bool read_chunk_data(struct http_answer *a)
{
	size_t before = a->body->len;
	bool all = take(a, a->left, CHUNK_END);

	a->left -= a->body->len - before;
	return all;
}

static bool read_chunk_end(struct http_answer *a)
{
	g_autofree char *line = next_line(a);

	if (line)
		a->part = *line ? BAD : CHUNK_SIZE;
	return line && a->part != BAD;
}

static bool read_trailer(struct http_answer *a)
{
	g_autofree char *line = next_line(a);

	if (line && !*line)
		a->part = DONE;
	return line != NULL;
}

/* Each uses what it can of a->in, and says whether the next one may go on with the rest. */
static bool (*const readers[])(struct http_answer *a) = {
	[HEAD] = read_head,
	[LENGTH] = read_length,
	[UNTIL_CLOSED] = read_until_closed,
	[CHUNK_SIZE] = read_chunk_size,
	[CHUNK_DATA] = read_chunk_data,
	[CHUNK_END] = read_chunk_end,
	[TRAILER] = read_trailer,
};

enum http_progress http_answer_feed(struct http_answer *a, const char *data, size_t len)
{
	g_string_append_len(a->in, data, (gssize)len);
	while (a->part < DONE && readers[a->part](a))
		continue;
	g_string_erase(a->in, 0, (gssize)a->at);
	a->at = 0;
	if (len == 0 && a->part == UNTIL_CLOSED)
		a->part = DONE;
	else if (len == 0 && a->part != DONE)
		a->part = BAD;
	return a->part == DONE ? HTTP_DONE : a->part == BAD ? HTTP_BAD : HTTP_MORE;
}

unsigned http_answer_status(const struct http_answer *a)
{
	return a->status;
}

const char *http_answer_body(const struct http_answer *a, size_t *len)
{
	*len = a->body->len;
	return a->body->str;
}
