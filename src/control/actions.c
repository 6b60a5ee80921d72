/* The pages that change something: their bodies, and what they have main do. Called by pages.c. */
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <string.h>

#include "control/internal.h"
#include "log.h"

/* What came of REQUEST: WHY it was not done, or a NOTE, or neither; both are released. WHAT: what it was about, "" for nothing. */
static void reply_done(const struct request *request, struct reply *reply, const char *what, char *why, char *note)
{
	log_notice("control: %s %s%s%s by uid %u: %s", request->method, request->path, what[0] ? " " : "", what, (unsigned)request->uid,
		   why ? why : "done");
	if (why) {
		reply_error(reply, MHD_HTTP_BAD_REQUEST, why);
	} else {
		char *valid = note ? g_utf8_make_valid(note, -1) : NULL;

		reply_json(reply, MHD_HTTP_OK, json_pack("{s:b, s:s*}", "ok", 1, "note", valid));
		g_free(valid);
	}
	g_free(why);
	g_free(note);
}

/* The body {"spec": "…"} and nothing else: the text, or NULL with a reply that says what is wrong. */
static char *read_spec(const struct request *request, struct reply *reply)
{
	json_error_t error;
	const char *spec = NULL;
	json_t *body = json_loadb(request->body, request->len, JSON_REJECT_DUPLICATES, &error);

	if (!body) {
		char *text = g_strdup_printf("the body is no JSON object: %s", error.text);

		reply_error(reply, MHD_HTTP_BAD_REQUEST, text);
		g_free(text);
		return NULL;
	}
	if (json_unpack_ex(body, &error, JSON_STRICT, "{s:s}", "spec", &spec) < 0 || !spec[0]) {
		spec = NULL;
		reply_error(reply, MHD_HTTP_BAD_REQUEST, "the body has to be {\"spec\": \"…\"}");
	}
	char *copy = g_strdup(spec);
	json_decref(body);
	return copy;
}

static void change_door(struct control *control, const struct request *request, struct reply *reply,
			char *(*change)(void *arg, bool add, const char *spec))
{
	char *spec = read_spec(request, reply);

	if (!spec)
		return;
	reply_done(request, reply, spec, change(control->arg, strcmp(request->method, "POST") == 0, spec), NULL);
	g_free(spec);
}

void answer_forwards(struct control *control, const struct request *request, struct reply *reply)
{
	change_door(control, request, reply, control->actions->forward);
}

void answer_services(struct control *control, const struct request *request, struct reply *reply)
{
	change_door(control, request, reply, control->actions->service);
}

void answer_flow(struct control *control, const struct request *request, struct reply *reply)
{
	const char *number = request->path + strlen(FLOW_PATH);
	guint64 id = 0;
	char *why = NULL;

	if (!g_ascii_string_to_unsigned(number, 10, 0, G_MAXUINT64, &id, NULL))
		why = g_strdup("a flow has a number");
	else
		why = control->actions->drop_flow(control->arg, id);
	if (why)
		reply_error(reply, MHD_HTTP_NOT_FOUND, why);
	else
		reply_done(request, reply, "", NULL, NULL);
	g_free(why);
}

void answer_hangup(struct control *control, const struct request *request, struct reply *reply)
{
	reply_done(request, reply, "", control->actions->hangup(control->arg), NULL);
}

void answer_redial(struct control *control, const struct request *request, struct reply *reply)
{
	reply_done(request, reply, "", control->actions->redial(control->arg), NULL);
}

void answer_reload(struct control *control, const struct request *request, struct reply *reply)
{
	char *note = NULL;
	char *why = control->actions->reload(control->arg, &note);

	reply_done(request, reply, "", why, note);
}
