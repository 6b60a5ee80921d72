/* The little of HTTP/1.1 (RFC 9112) that slirpctl needs: one request, one answer, over a Unix socket or TCP. */
#ifndef SLIRPCTL_HTTP_H
#define SLIRPCTL_HTTP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define HTTP_MAX_HEAD (32 * 1024)
#define HTTP_MAX_BODY (16 * 1024 * 1024)

enum http_progress { HTTP_MORE, HTTP_DONE, HTTP_BAD };

struct http_answer; /* one that is being read */

struct http_answer *http_answer_new(void);
void http_answer_free(struct http_answer *answer);

/* The next LEN bytes that came; LEN is 0 when the other end closed. Bytes after the answer's end are ignored. */
enum http_progress http_answer_feed(struct http_answer *answer, const char *data, size_t len);

/* Once it is HTTP_DONE: the status code, and the body, which ends with a NUL that is not counted in *LEN and belongs to ANSWER. */
unsigned http_answer_status(const struct http_answer *answer);
const char *http_answer_body(const struct http_answer *answer, size_t *len);

/* Where slirppd listens: one of the two is given. */
struct http_server {
	const char *path; /* of a Unix socket */
	const char *url;  /* http://HOST[:PORT][/PREFIX] */
};

enum http_failure {
	HTTP_FINE,
	HTTP_NO_CONNECTION, /* errno's meaning is in the text */
	HTTP_NO_ANSWER      /* connected, but what came was no answer, or none came within ten seconds */
};

/* Sends METHOD and TARGET ("state", without the slash before it) with BODY (JSON, or NULL), and waits for the answer, which is the
 * caller's then. Otherwise *ANSWER is NULL, and *WHY (g_free() it) says why in a few words. */
enum http_failure http_ask(const struct http_server *server, const char *method, const char *target, const char *body,
			   struct http_answer **answer, char **why);

#endif
