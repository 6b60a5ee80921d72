/* control: who may ask for what, bodies, what is remembered; in memory and in virtual time. */
#include "unit.h"

#include <glib.h>
#include <jansson.h>
#include <string.h>

#include "clock.h"
#include "control/history.h"
#include "control/internal.h"
#include "control/pages.h"

static struct request request_for(const char *method, const char *path)
{
	return (struct request){ .method = method, .path = path, .host = "localhost", .content_type = "application/json", .trusted = true };
}

/* The status that the head alone gets, 0 where its page is to be asked; ALLOW as with 405. */
static unsigned judge(const struct request *request, char allow[32])
{
	struct request copy = *request;
	struct reply reply = { .status = 0 };
	bool good = pages_judge(&copy, &reply);

	CU_ASSERT_EQUAL(good, reply.status == 0);
	if (!good) {
		json_t *body = json_loadb(reply.body, reply.len, 0, NULL);

		CU_ASSERT_PTR_NOT_NULL(json_string_value(json_object_get(body, "error")));
		json_decref(body);
	}
	if (allow)
		g_strlcpy(allow, reply.allow, 32);
	reply_clear(&reply);
	return reply.status;
}

static const struct {
	const char *method, *path;
	bool change;
} rows[] = {
	{ "GET", "/", false },          { "GET", "/state", false },       { "GET", "/metrics", false },     { "GET", "/health", false },
	{ "HEAD", "/state", false },    { "POST", "/forwards", true },    { "DELETE", "/forwards", true },  { "POST", "/services", true },
	{ "DELETE", "/services", true }, { "DELETE", "/flows/17", true }, { "POST", "/hangup", true },      { "POST", "/redial", true },
	{ "POST", "/reload", true },
};

static void every_page_is_found(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct request request = request_for(rows[i].method, rows[i].path);

		CU_ASSERT_EQUAL(judge(&request, NULL), 0);
		request.trusted = false;
		CU_ASSERT_EQUAL(judge(&request, NULL), rows[i].change ? 403 : 0);
		request.trusted = true;
		request.stranger = true;
		CU_ASSERT_EQUAL(judge(&request, NULL), 403);
	}
}

static void a_change_has_to_say_that_it_is_json(void)
{
	static const struct {
		const char *type;
		unsigned status;
	} types[] = {
		{ NULL, 415 },
		{ "text/plain", 415 },
		{ "application/x-www-form-urlencoded", 415 },
		{ "application/jsonp", 415 },
		{ "application/json", 0 },
		{ "Application/JSON; charset=utf-8", 0 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		for (size_t row = 0; row < G_N_ELEMENTS(rows); row++) {
			struct request request = request_for(rows[row].method, rows[row].path);

			request.content_type = types[i].type;
			CU_ASSERT_EQUAL(judge(&request, NULL), rows[row].change ? types[i].status : 0);
		}
	}
}

static void other_pages_and_methods(void)
{
	static const char *const none[] = { "/state/", "/State", "//", "/flows", "/metrics2", "/../state", "", "*" };
	char allow[32];

	for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
		struct request request = request_for("GET", none[i]);

		CU_ASSERT_EQUAL(judge(&request, NULL), 404);
	}
	struct request request = request_for("OPTIONS", "/forwards");
	CU_ASSERT_EQUAL(judge(&request, allow), 405);
	CU_ASSERT_STRING_EQUAL(allow, "POST, DELETE");
	request = request_for("POST", "/state");
	CU_ASSERT_EQUAL(judge(&request, allow), 405);
	CU_ASSERT_STRING_EQUAL(allow, "GET, HEAD");
	request = request_for("get", "/state");
	CU_ASSERT_EQUAL(judge(&request, NULL), 405);
}

static void a_foreign_name_gets_nothing(void)
{
	static const struct {
		const char *host;
		bool own;
	} hosts[] = {
		{ NULL, true },           { "localhost", true },         { "LocalHost:8080", true },  { "127.0.0.1", true },
		{ "192.168.1.7:9", true }, { "[::1]", true },            { "[fe80::1]:80", true },    { "evil.example", false },
		{ "127.0.0.1.evil.example", false }, { "localhost.evil.example", false }, { "", false }, { ":80", false },
		{ "[evil]:80", false },   { "evil:127.0.0.1", false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
		struct request request = request_for("GET", "/state");

		request.host = hosts[i].host;
		CU_ASSERT_EQUAL(judge(&request, NULL), 0);
		request.trusted = false;
		CU_ASSERT_EQUAL(judge(&request, NULL), hosts[i].own ? 0 : 403);
		request.path = "/metrics";
		CU_ASSERT_EQUAL(judge(&request, NULL), 0);
	}
}

/* What was done, as text. */
static char *act(GString *done, const char *what)
{
	g_string_append_printf(done, "%s;", what);
	return strstr(what, "bad") ? g_strdup("it is \xff" "bad") : NULL;
}

static char *act_spec(GString *done, const char *kind, bool add, const char *spec)
{
	char *what = g_strdup_printf("%s %s %s", add ? "add" : "remove", kind, spec);
	char *why = act(done, what);

	g_free(what);
	return why;
}

static char *forward(void *arg, bool add, const char *spec)
{
	return act_spec(arg, "forward", add, spec);
}

static char *service(void *arg, bool add, const char *spec)
{
	return act_spec(arg, "service", add, spec);
}

static char *drop_flow(void *arg, uint64_t id)
{
	g_string_append_printf(arg, "drop %" G_GUINT64_FORMAT ";", id);
	return id == 17 ? NULL : g_strdup("there is none");
}

static char *hangup(void *arg)
{
	return act(arg, "hangup");
}

static char *redial(void *arg)
{
	return act(arg, "redial");
}

static char *reload(void *arg, char **notes)
{
	*notes = g_strdup("later");
	return act(arg, "reload");
}

static const struct control_actions actions = {
	.forward = forward, .service = service, .drop_flow = drop_flow, .hangup = hangup, .redial = redial, .reload = reload,
};

/* Asks for a page that changes something: the status, what was done in DONE, and the reply's body. */
static unsigned ask(const char *method, const char *path, const char *body, GString *done, json_t **answer)
{
	struct control control = { .actions = &actions, .arg = done };
	struct request request = request_for(method, path);
	struct reply reply = { .status = 0 };

	g_string_truncate(done, 0);
	request.len = strlen(body);
	memcpy(request.body, body, request.len);
	CU_ASSERT_TRUE(pages_judge(&request, &reply));
	pages_answer(&control, &request, &reply);
	*answer = json_loadb(reply.body, reply.len, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL(*answer);
	reply_clear(&reply);
	return reply.status;
}

static void changes_are_made(void)
{
	static const struct {
		const char *method, *path, *body;
		unsigned status;
		const char *done;
	} changes[] = {
		{ "POST",   "/forwards", "{\"spec\": \"8080:80\"}", 200, "add forward 8080:80;" },
		{ "DELETE", "/forwards", "{\"spec\": \"8080:80\"}", 200, "remove forward 8080:80;" },
		{ "POST",   "/services", "{\"spec\": \"22\"}",      200, "add service 22;" },
		{ "DELETE", "/services", "{\"spec\": \"22\"}",      200, "remove service 22;" },
		{ "POST",   "/services", "{\"spec\": \"bad\"}",     400, "add service bad;" },
		{ "DELETE", "/flows/17", "",                        200, "drop 17;" },
		{ "DELETE", "/flows/18446744073709551615", "",      404, "drop 18446744073709551615;" },
		{ "DELETE", "/flows/18446744073709551616", "",      404, "" },
		{ "DELETE", "/flows/", "",                          404, "" },
		{ "DELETE", "/flows/-1", "",                        404, "" },
		{ "DELETE", "/flows/17/", "",                       404, "" },
		{ "DELETE", "/flows/0x11", "",                      404, "" },
		{ "POST",   "/hangup", "",                          200, "hangup;" },
		{ "POST",   "/redial", "{}",                        200, "redial;" },
		{ "POST",   "/reload", "",                          200, "reload;" },
	};
	GString *done = g_string_new(NULL);
	json_t *answer;

	for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
		CU_ASSERT_EQUAL(ask(changes[i].method, changes[i].path, changes[i].body, done, &answer), changes[i].status);
		CU_ASSERT_STRING_EQUAL(done->str, changes[i].done);
		CU_ASSERT_EQUAL(json_is_true(json_object_get(answer, "ok")), changes[i].status == 200);
		CU_ASSERT_EQUAL(json_is_string(json_object_get(answer, "error")), changes[i].status != 200);
		CU_ASSERT_EQUAL(json_is_string(json_object_get(answer, "note")), strcmp(done->str, "reload;") == 0);
		json_decref(answer);
	}
	g_string_free(done, TRUE);
}

static void a_body_is_read_strictly(void)
{
	static const char *const bodies[] = {
		"", "{", "[]", "null", "\"22\"", "{}", "{\"spec\": 22}", "{\"spec\": null}", "{\"spec\": \"\"}", "{\"spec\": [\"22\"]}",
		"{\"spec\": \"22\", \"more\": 1}", "{\"spec\": \"22\", \"spec\": \"23\"}", "{\"spec\": \"22\"} ;", "{\"Spec\": \"22\"}",
		"{\"spec\": \"2\\u00002\"}", "{\"spec\": \"\xff\"}", "{\"spec\": \"\xc0\xaf\"}", "{\"spec\": \"\\ud800\"}",
	};
	GString *done = g_string_new(NULL);
	json_t *answer;

	for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
		CU_ASSERT_EQUAL(ask("POST", "/services", bodies[i], done, &answer), 400);
		CU_ASSERT_STRING_EQUAL(done->str, "");
		CU_ASSERT_PTR_NOT_NULL(json_string_value(json_object_get(answer, "error")));
		json_decref(answer);
	}
	char *deep = g_strnfill(BODY_MAX - 1, '[');
	CU_ASSERT_EQUAL(ask("POST", "/services", deep, done, &answer), 400);
	json_decref(answer);
	g_free(deep);
	g_string_free(done, TRUE);
}

static void the_page_allows_its_own_script_alone(void)
{
	char *policy = pages_policy();

	CU_ASSERT_PTR_NOT_NULL(strstr(policy, "default-src 'none'"));
	CU_ASSERT_PTR_NOT_NULL(strstr(policy, "frame-ancestors 'self'"));
	CU_ASSERT_PTR_NOT_NULL(strstr(policy, "; script-src 'sha256-"));
	CU_ASSERT_PTR_NULL(strstr(policy, "unsafe"));
	g_free(policy);
	/* Whatever is not in that one element would not run: there is none. */
	CU_ASSERT_PTR_NULL(strstr(strstr(control_page, "<script") + 1, "<script"));
	CU_ASSERT_PTR_NULL(strstr(strstr(control_page, "<style") + 1, "<style"));
	CU_ASSERT_PTR_NULL(strstr(control_page, " onclick="));
	CU_ASSERT_PTR_NULL(strstr(control_page, " style="));
	static const char *const outside[] = { " src=", "href=\"http", "@import", "url(" };
	for (size_t i = 0; i < G_N_ELEMENTS(outside); i++)
		CU_ASSERT_PTR_NULL(strstr(control_page, outside[i]));
}

static void a_ring_keeps_the_last(void)
{
	struct ring ring;
	char *longer = g_strnfill(3 * RING_TEXT_MAX, 'x');

	ring_init(&ring, 3);
	CU_ASSERT_EQUAL(ring.count, 0);
	for (int i = 0; i < 8; i++) {
		char text[2] = { (char)('a' + i), '\0' };

		ring_add(&ring, (uint64_t)i, i, text);
		CU_ASSERT_EQUAL(ring.count, MIN((unsigned)i + 1, 3u));
	}
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(ring_get(&ring, i)->at, 5 + i);
		CU_ASSERT_EQUAL(ring_get(&ring, i)->text[0], (char)('f' + i));
	}
	ring_add(&ring, 9, 9, longer);
	CU_ASSERT_EQUAL(strlen(ring_get(&ring, 2)->text), RING_TEXT_MAX - 1);
	ring_clear(&ring);
	g_free(longer);
}

/* The bytes in of all that is remembered, oldest first: "100 0 250". */
static char *rates_text(const struct rates *rates)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < rates->count; i++)
		g_string_append_printf(text, "%s%" G_GUINT64_FORMAT, i ? " " : "", rates_get(rates, i)->in);
	return g_string_free(text, FALSE);
}

static void expect_rates(const struct rates *rates, const char *text)
{
	char *is = rates_text(rates);

	CU_ASSERT_STRING_EQUAL(is, text);
	g_free(is);
}

static void rates_of_whole_seconds(void)
{
	const uint64_t start = 7 * CLOCK_SECOND + 5;
	struct rates rates;

	rates_init(&rates, start);
	rates_sample(&rates, start + CLOCK_SECOND - 1, 50, 0);
	expect_rates(&rates, "");
	rates_sample(&rates, start + CLOCK_SECOND, 100, 1);
	rates_sample(&rates, start + CLOCK_SECOND + 1, 300, 1);
	expect_rates(&rates, "100");
	CU_ASSERT_EQUAL(rates.until, start + CLOCK_SECOND);
	/* The timer was late: what came belongs to all the seconds, and none of it is lost. */
	rates_sample(&rates, start + 4 * CLOCK_SECOND + 999, 400, 1);
	expect_rates(&rates, "100 100 100 100");
	rates_sample(&rates, start + 6 * CLOCK_SECOND, 405, 1);
	expect_rates(&rates, "100 100 100 100 2 3");
	CU_ASSERT_EQUAL(rates_get(&rates, 0)->out, 1);
	CU_ASSERT_EQUAL(rates_get(&rates, 5)->out, 0);
	/* Never a number that is no rate. */
	rates_sample(&rates, start + 7 * CLOCK_SECOND, 0, 0);
	CU_ASSERT_EQUAL(rates_get(&rates, 6)->in, 0);
}

static void a_pause_is_no_traffic(void)
{
	struct rates rates;

	rates_init(&rates, 0);
	rates_sample(&rates, CLOCK_SECOND, 100, 0);
	/* The link goes down a third of a second after 50 more bytes, and comes up again much later. */
	rates_pause(&rates, CLOCK_SECOND + CLOCK_SECOND / 3, 150, 0);
	expect_rates(&rates, "100 50");
	rates_sample(&rates, CLOCK_SECOND + CLOCK_SECOND / 2, 150, 0);
	expect_rates(&rates, "100 50");
	rates_sample(&rates, 5 * CLOCK_SECOND, 150, 0);
	rates_sample(&rates, 6 * CLOCK_SECOND, 170, 0);
	expect_rates(&rates, "100 50 0 0 0 20");
}

static void rates_are_bounded(void)
{
	struct rates rates;

	rates_init(&rates, 0);
	for (uint64_t i = 1; i <= 1000; i++)
		rates_sample(&rates, i * CLOCK_SECOND, i * i, 0);
	CU_ASSERT_EQUAL(rates.count, RATES_MAX);
	CU_ASSERT_EQUAL(rates_get(&rates, RATES_MAX - 1)->in, 1000 * 1000 - 999 * 999);
	CU_ASSERT_EQUAL(rates_get(&rates, 0)->in, 701 * 701 - 700 * 700);
	/* A year of sleep. */
	const uint64_t year = 365 * 86400 * CLOCK_SECOND;
	rates_sample(&rates, year, 1000 * 1000, 0);
	CU_ASSERT_EQUAL(rates.count, RATES_MAX);
	CU_ASSERT_EQUAL(rates.until, year);
	CU_ASSERT_EQUAL(rates_get(&rates, 0)->in, 0);
}

const struct unit_test unit_tests[] = {
	{ "every page is found, and changes are for the control socket", every_page_is_found },
	{ "a change has to say that it is JSON", a_change_has_to_say_that_it_is_json },
	{ "other pages and methods", other_pages_and_methods },
	{ "a foreign name in Host gets nothing", a_foreign_name_gets_nothing },
	{ "changes are made", changes_are_made },
	{ "a body is read strictly", a_body_is_read_strictly },
	{ "the page allows its own script alone", the_page_allows_its_own_script_alone },
	{ "a ring keeps the last", a_ring_keeps_the_last },
	{ "rates of whole seconds", rates_of_whole_seconds },
	{ "a pause is no traffic", a_pause_is_no_traffic },
	{ "rates are bounded", rates_are_bounded },
	{ 0 },
};
