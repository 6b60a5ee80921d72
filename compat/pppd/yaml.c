/* `config FILE.yaml` and `mode`: a PyLiRP configuration becomes option words (compat/pylirp), which go through the table here as those of
 * an options file do. Called once the command line is read: `mode` may follow `config`, and the command line wins anyway. */
#include <string.h>

#include "compat/pppd/reading.h"
#include "compat/pylirp/pylirp.h"

OPTION_CALL(call_config)
{
	const struct yaml_source source = { .path = g_strdup(arg), .privileged = o->source->privileged };

	(void)row;
	g_array_append_val(o->yaml, source);
	return true;
}

OPTION_CALL(call_mode)
{
	(void)row;
	o->mode = strcmp(arg, "host") == 0 ? PYLIRP_HOST : strcmp(arg, "client") == 0 ? PYLIRP_CLIENT : PYLIRP_ANY;
	return o->mode != PYLIRP_ANY || option_fail(o, "mode must be host or client, not '%s'", arg);
}

static const struct option_row *row_called(const char *name)
{
	for (size_t i = 0; i < option_table_size; i++) {
		if (strcmp(option_table[i].name, name) == 0)
			return &option_table[i];
	}
	return NULL;
}

/* Whether the command line or an options file has decided otherwise, where the table's priorities do not see it: the line is another
 * one; the world is to be reached. */
static bool is_moot(const struct options *o, const char *name)
{
	if (strcmp(name, "DEVICE") == 0)
		return option_given(o, "pty") || option_given(o, "notty") || option_given(o, "socket");
	if (strcmp(name, "restrict") == 0)
		return o->config->net.proxy || o->config->net.host_loopback;
	return false;
}

static bool apply_word(struct options *o, const struct pylirp_word *word)
{
	const struct yaml_source *from = word->file >= 0 ? &g_array_index(o->yaml, struct yaml_source, (guint)word->file) : NULL;
	const struct source source = {
		.name = from ? from->path : word->key,
		.file = from != NULL,
		.line = word->line,
		.key = word->key,
		.priority = PRIORITY_FILE,
		.privileged = from ? from->privileged : o->world.privileged,
	};
	const struct option_row *row = row_called(word->name);

	if (is_moot(o, word->name))
		return true;
	o->source = &source;
	bool ok = option_apply(o, row, row->flags & OPT_POSITIONAL ? word->arg : row->name, word->arg);
	o->source = NULL;
	return ok;
}

static bool apply_words(struct options *o, const struct pylirp *p)
{
	bool ok = true, logfile = o->config->logfile != NULL || o->config->logfd_given;

	for (guint i = 0; i < p->notes->len; i++)
		option_note(o, "%s", (const char *)g_ptr_array_index(p->notes, i));
	for (guint i = 0; ok && i < p->words->len; i++)
		ok = apply_word(o, g_ptr_array_index(p->words, i));
	o->config->logfile_optional = !logfile && o->config->logfile;
	return ok;
}

static bool add_file(struct options *o, struct pylirp *p, const struct yaml_source *source)
{
	GString *text = g_string_new(NULL);
	int error = option_load(o, source->path, source->privileged, text);
	bool ok = error == 0 ? pylirp_add(p, source->path, text->str, text->len) : option_fail(o, "%s", text->str);

	option_forget(text);
	return ok;
}

bool options_read_yaml(struct options *o)
{
	if (o->yaml->len == 0)
		return true;
	struct pylirp *p = pylirp_new((enum pylirp_mode)o->mode);
	bool ok = true;

	for (guint i = 0; ok && i < o->yaml->len; i++)
		ok = add_file(o, p, &g_array_index(o->yaml, struct yaml_source, i));
	ok = ok && pylirp_finish(p, o->world.variable, o->world.arg);
	if (!ok && p->why)
		option_fail(o, "%s", p->why);
	ok = ok && apply_words(o, p);
	pylirp_free(p);
	return ok;
}
