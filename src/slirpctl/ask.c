/* Asks slirppd and explains what went wrong: see ask.h. Used by every command. */
#include "slirpctl/ask.h"

#include <stdarg.h>
#include <stdio.h>

#include "slirpctl/text.h"
#include "slirpctl/where.h"

void ctl_complain(const char *format, ...)
{
	g_autofree char *text = NULL, *safe = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	safe = text_safe(text);
	fprintf(stderr, "slirpctl: %s\n", safe);
}

void ctl_print(const char *text)
{
	fputs(text, stdout);
	fflush(stdout);
}

enum exit_code ctl_ask(const struct ctl *ctl, const char *method, const char *target, const char *body, struct http_answer **answer)
{
	g_autofree char *why = NULL, *trouble = NULL;
	enum http_failure failure = http_ask(&ctl->server, method, target, body, answer, &why);

	if (failure == HTTP_FINE)
		return CTL_OK;
	if (failure == HTTP_NO_CONNECTION && !ctl->server.url)
		trouble = where_trouble(ctl->server.path, why);
	else
		trouble = g_strdup_printf("%s: %s", ctl->server.url ? ctl->server.url : ctl->server.path, why);
	ctl_complain("%s", trouble);
	return CTL_NO_CONNECTION;
}

static json_t *parse(const struct http_answer *answer)
{
	size_t len;
	const char *body = http_answer_body(answer, &len);

	return json_loadb(body, len, 0, NULL);
}

enum exit_code ctl_refused(const struct http_answer *answer)
{
	json_t *told = parse(answer);
	const char *error = json_string_value(json_object_get(told, "error"));

	if (error)
		ctl_complain("%s", error);
	else
		ctl_complain("refused, with the HTTP status %u", http_answer_status(answer));
	json_decref(told);
	return CTL_REFUSED;
}

enum exit_code ctl_state(const struct ctl *ctl, json_t **state)
{
	struct http_answer *answer;
	enum exit_code code = ctl_ask(ctl, "GET", "state", NULL, &answer);

	*state = NULL;
	if (code != CTL_OK)
		return code;
	if (http_answer_status(answer) != 200) {
		code = ctl_refused(answer);
	} else {
		*state = parse(answer);
		if (!json_is_object(*state)) {
			g_clear_pointer(state, json_decref);
			ctl_complain("what answers there is not slirppd: no state in JSON came");
			code = CTL_REFUSED;
		}
	}
	http_answer_free(answer);
	return code;
}
