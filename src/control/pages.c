/* The table of pages, who may ask for which, and those that only tell; see pages.h. Called by server.c. */
#include "control/pages.h"

#include <microhttpd.h>
#include <string.h>

#include "control/internal.h"

typedef void answer_fn(struct control *control, const struct request *request, struct reply *reply);

struct page {
	const char *method, *path;
	bool prefix;   /* more follows the path */
	bool change;   /* for the control socket alone */
	bool any_host; /* says nothing that a stranger's page could use */
	answer_fn *answer;
};

void reply_json(struct reply *reply, unsigned status, json_t *json)
{
	reply->status = status;
	reply->type = "application/json";
	/* A time of today with its microseconds has 16 digits. */
	reply->body = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(16));
	reply->len = strlen(reply->body);
	json_decref(json);
}

void reply_error(struct reply *reply, unsigned status, const char *text)
{
	char *valid = g_utf8_make_valid(text, -1);

	reply_json(reply, status, json_pack("{s:s}", "error", valid));
	g_free(valid);
}

void reply_clear(struct reply *reply)
{
	free(reply->body);
	reply->body = NULL;
}

static void answer_status(struct control *control, const struct request *request, struct reply *reply)
{
	(void)control;
	(void)request;
	reply->status = MHD_HTTP_OK;
	reply->type = "text/html; charset=utf-8";
	reply->page = control_page;
	reply->len = strlen(control_page);
}

static void answer_state(struct control *control, const struct request *request, struct reply *reply)
{
	struct snapshot snapshot;

	control_snapshot(control, request->trusted, &snapshot);
	reply_json(reply, MHD_HTTP_OK, state_json(&snapshot));
	snapshot_clear(&snapshot);
}

static void answer_metrics(struct control *control, const struct request *request, struct reply *reply)
{
	struct snapshot snapshot;

	control_snapshot(control, request->trusted, &snapshot);
	reply->status = MHD_HTTP_OK;
	reply->type = "text/plain; version=0.0.4; charset=utf-8";
	reply->body = metrics_text(&snapshot);
	reply->len = strlen(reply->body);
	snapshot_clear(&snapshot);
}

static void answer_health(struct control *control, const struct request *request, struct reply *reply)
{
	struct session_report report;

	(void)request;
	session_report(control->session, &report);
	reply_json(reply, report.state == SESSION_UP ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
		   json_pack("{s:s}", "state", session_state_name(report.state)));
}

#define PREFIX true
#define CHANGE true
#define ANY_HOST true

static const struct page pages[] = {
	{ "GET",    "/",         !PREFIX, !CHANGE, !ANY_HOST, answer_status   },
	{ "GET",    "/state",    !PREFIX, !CHANGE, !ANY_HOST, answer_state    },
	{ "GET",    "/metrics",  !PREFIX, !CHANGE, ANY_HOST,  answer_metrics  },
	{ "GET",    "/health",   !PREFIX, !CHANGE, ANY_HOST,  answer_health   },
	{ "POST",   "/forwards", !PREFIX, CHANGE,  !ANY_HOST, answer_forwards },
	{ "DELETE", "/forwards", !PREFIX, CHANGE,  !ANY_HOST, answer_forwards },
	{ "POST",   "/services", !PREFIX, CHANGE,  !ANY_HOST, answer_services },
	{ "DELETE", "/services", !PREFIX, CHANGE,  !ANY_HOST, answer_services },
	{ "DELETE", FLOW_PATH,   PREFIX,  CHANGE,  !ANY_HOST, answer_flow     },
	{ "POST",   "/hangup",   !PREFIX, CHANGE,  !ANY_HOST, answer_hangup   },
	{ "POST",   "/redial",   !PREFIX, CHANGE,  !ANY_HOST, answer_redial   },
	{ "POST",   "/reload",   !PREFIX, CHANGE,  !ANY_HOST, answer_reload   },
};

static bool is_at(const struct page *page, const char *path)
{
	return page->prefix ? g_str_has_prefix(path, page->path) : strcmp(path, page->path) == 0;
}

/* A HEAD is a GET whose body is not sent. */
static bool is_for(const struct page *page, const char *method)
{
	return strcmp(page->method, strcmp(method, "HEAD") == 0 ? "GET" : method) == 0;
}

/* NULL: REPLY says that there is none, or which methods there are. */
static const struct page *find_page(const struct request *request, struct reply *reply)
{
	for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
		const struct page *page = &pages[i];

		if (!is_at(page, request->path))
			continue;
		if (is_for(page, request->method))
			return page;
		g_strlcat(reply->allow, reply->allow[0] ? ", " : "", sizeof(reply->allow));
		g_strlcat(reply->allow, strcmp(page->method, "GET") == 0 ? "GET, HEAD" : page->method, sizeof(reply->allow));
	}
	if (reply->allow[0])
		reply_error(reply, MHD_HTTP_METHOD_NOT_ALLOWED, "this page has no such method");
	else
		reply_error(reply, MHD_HTTP_NOT_FOUND, "there is no such page");
	return NULL;
}

/* An address in figures, or localhost: no name of a foreign site that leads here. A browser sends its page's requests under that. */
static bool is_own_name(const char *host)
{
	if (!host)
		return true;
	bool bracketed = host[0] == '[';
	size_t len = strcspn(host + bracketed, bracketed ? "]" : ":");
	char *name = g_strndup(host + bracketed, len);
	bool own = g_ascii_strcasecmp(name, "localhost") == 0 || g_hostname_is_ip_address(name);
	g_free(name);
	return own;
}

static bool is_json(const char *content_type)
{
	static const char json[] = "application/json";

	return content_type && g_ascii_strncasecmp(content_type, json, strlen(json)) == 0 && strchr("; \t", content_type[strlen(json)]);
}

bool pages_judge(struct request *request, struct reply *reply)
{
	if (request->stranger) {
		reply_error(reply, MHD_HTTP_FORBIDDEN, "this socket answers root and the user that runs slirppd");
		return false;
	}
	request->page = find_page(request, reply);
	if (!request->page)
		return false;
	if (!request->trusted && request->page->change)
		reply_error(reply, MHD_HTTP_FORBIDDEN, "changes are made through the control socket");
	else if (!request->trusted && !request->page->any_host && !is_own_name(request->host))
		reply_error(reply, MHD_HTTP_FORBIDDEN, "Host has to be an address in figures, or localhost");
	else if (request->page->change && !is_json(request->content_type))
		reply_error(reply, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "Content-Type has to be application/json");
	return reply->status == 0;
}

void pages_answer(struct control *control, const struct request *request, struct reply *reply)
{
	request->page->answer(control, request, reply);
}

/* Adds to POLICY the hash of what is between OPEN and CLOSE in the page. */
static void allow_element(GString *policy, const char *directive, const char *open, const char *close)
{
	const char *from = strstr(control_page, open);
	const char *to = from ? strstr(from, close) : NULL;
	guint8 digest[32];
	gsize len = sizeof(digest);

	if (!to)
		return;
	from += strlen(open);
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_checksum_update(sum, (const guchar *)from, to - from);
	g_checksum_get_digest(sum, digest, &len);
	char *base64 = g_base64_encode(digest, len);
	g_string_append_printf(policy, "; %s 'sha256-%s'", directive, base64);
	g_free(base64);
	g_checksum_free(sum);
}

char *pages_policy(void)
{
	GString *policy = g_string_new("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
				       "connect-src 'self'; img-src data:");

	allow_element(policy, "script-src", "<script>", "</script>");
	allow_element(policy, "style-src", "<style>", "</style>");
	return g_string_free(policy, FALSE);
}
