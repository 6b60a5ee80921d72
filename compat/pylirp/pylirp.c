/* Walks over PyLiRP's configurations: which part of a file is to be read, which keys are known, whether their values will do; see
 * pylirp.h. Called by compat/pppd/yaml.c, and by the command pyslirp. */
#include "compat/pylirp/pylirp.h"

#include <string.h>

#include "compat/pylirp/internal.h"

#define SERVICES "services"

struct pylirp *pylirp_new(enum pylirp_mode mode)
{
	struct pylirp *p = g_new0(struct pylirp, 1);

	p->mode = mode;
	p->words = g_ptr_array_new();
	p->notes = g_ptr_array_new_with_free_func(g_free);
	p->files = g_ptr_array_new();
	return p;
}

static void word_free(struct pylirp_word *word)
{
	if (word->arg)
		explicit_bzero(word->arg, strlen(word->arg));
	g_free(word->arg);
	g_free(word->key);
	g_free(word);
}

void pylirp_free(struct pylirp *p)
{
	if (!p)
		return;
	for (guint i = 0; i < p->words->len; i++)
		word_free(g_ptr_array_index(p->words, i));
	for (guint i = 0; i < p->files->len; i++)
		tree_free(g_ptr_array_index(p->files, i));
	g_ptr_array_free(p->words, TRUE);
	g_ptr_array_free(p->notes, TRUE);
	g_ptr_array_free(p->files, TRUE);
	g_free(p->why);
	g_free(p);
}

/* "In file FILE: KEY: TEXT (line LINE)", as errors in options files are. */
static char *message(const struct pylirp *p, int file, unsigned line, const char *key, const char *fmt, va_list ap)
	G_GNUC_PRINTF(5, 0);

static char *message(const struct pylirp *p, int file, unsigned line, const char *key, const char *fmt, va_list ap)
{
	char *text = g_strdup_vprintf(fmt, ap), *whole;

	if (file < 0) {
		whole = g_strdup_printf("%s: %s", key, text);
	} else {
		const struct tree_file *where = g_ptr_array_index(p->files, (guint)file);

		whole = g_strdup_printf("In file %s: %s: %s (line %u)", where->name, key, text, line);
	}
	g_free(text);
	return whole;
}

bool pylirp_fail(struct pylirp *p, int file, unsigned line, const char *key, const char *fmt, ...)
{
	va_list ap;

	if (p->why)
		return false;
	va_start(ap, fmt);
	p->why = message(p, file, line, key, fmt, ap);
	va_end(ap);
	return false;
}

void pylirp_note(struct pylirp *p, int file, unsigned line, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	g_ptr_array_add(p->notes, message(p, file, line, key, fmt, ap));
	va_end(ap);
}

bool pylirp_add(struct pylirp *p, const char *name, const char *text, size_t len)
{
	struct tree_file *file = tree_read(name, (int)p->files->len, text, len, &p->why);

	if (file)
		g_ptr_array_add(p->files, file);
	return file != NULL;
}

static void found_free(struct found *found)
{
	for (size_t i = 0; i < key_table_size; i++)
		g_free(found[i].key);
	g_free(found);
}

static void service_free(void *arg)
{
	struct found_service *service = arg;

	found_free(service->found);
	g_free(service->key);
	g_free(service);
}

static bool take_value(struct pylirp *p, struct found *found, const struct key_row *row, const struct tree_node *node,
		       const char *key)
{
	struct found *place = &found[row - key_table];
	bool given = !tree_is_null(node), usual = row->usual && node->kind == TREE_SCALAR && strcmp(node->text, row->usual) == 0;
	char *expected = given ? key_expected(row, node) : NULL;

	if (expected) {
		const char *got = node->kind == TREE_SCALAR && !strstr(row->path, "password") ? node->text : NULL;

		pylirp_fail(p, node->file, node->line, key, "expected %s%s%.40s%s", expected, got ? ", not '" : "", got ? got : "",
			    got ? "'" : "");
		g_free(expected);
		return false;
	}
	if (row->reason && given && !usual)
		pylirp_note(p, node->file, node->line, key, "this has no effect here: %s", row->reason);
	g_free(place->key);
	place->key = g_strdup(key);
	place->node = given ? node : NULL;
	return true;
}

static bool walk(struct pylirp *p, struct found *found, const struct tree_node *section, const char *pattern, const char *shown);

static bool walk_key(struct pylirp *p, struct found *found, const struct tree_node *name, const struct tree_node *value,
		     const char *pattern, const char *shown)
{
	char *path = g_strconcat(pattern, pattern[0] ? "." : "", name->text, NULL);
	char *key = g_strconcat(shown, shown[0] ? "." : "", name->text, NULL);
	const struct key_row *row = key_find(path);
	bool ok = true;

	if (key_is_section(path) && (value->kind == TREE_MAPPING || !row))
		ok = walk(p, found, value, path, key);
	else if (row)
		ok = take_value(p, found, row, value, key);
	else
		pylirp_note(p, name->file, name->line, key, "this key is unknown");
	g_free(path);
	g_free(key);
	return ok;
}

static bool walk(struct pylirp *p, struct found *found, const struct tree_node *section, const char *pattern, const char *shown)
{
	bool ok = true;

	if (tree_is_null(section))
		return true;
	if (section->kind != TREE_MAPPING)
		return pylirp_fail(p, section->file, section->line, shown, "expected keys with values below it");
	for (guint i = 0; ok && i < section->items->len; i += 2)
		ok = walk_key(p, found, g_ptr_array_index(section->items, i), g_ptr_array_index(section->items, i + 1), pattern,
			      shown);
	return ok;
}

static struct found_service *service_at(struct findings *f, unsigned port)
{
	for (guint i = 0; i < f->services->len; i++) {
		struct found_service *service = g_ptr_array_index(f->services, i);

		if (service->port == port)
			return service;
	}
	struct found_service *service = g_new0(struct found_service, 1);
	service->port = port;
	service->found = g_new0(struct found, key_table_size);
	g_ptr_array_add(f->services, service);
	return service;
}

static bool walk_service(struct pylirp *p, struct findings *f, const struct tree_node *name, const struct tree_node *value,
			 const char *shown)
{
	char *key = g_strdup_printf("%s.%s", shown, name->text);
	unsigned port = key_port(name);

	if (port == 0) {
		pylirp_fail(p, name->file, name->line, key,
			    "expected a port, which is a number from 1 to 65535, as the name of a service");
		g_free(key);
		return false;
	}
	struct found_service *service = service_at(f, port);
	g_free(service->key);
	service->key = key;
	service->file = name->file;
	service->line = name->line;
	return walk(p, service->found, value, SERVICES ".*", key);
}

static bool walk_services(struct pylirp *p, struct findings *f, const struct tree_node *services, const char *shown)
{
	bool ok = true;

	if (tree_is_null(services))
		return true;
	if (services->kind != TREE_MAPPING)
		return pylirp_fail(p, services->file, services->line, shown, "expected ports with settings below each");
	for (guint i = 0; ok && i < services->items->len; i += 2)
		ok = walk_service(p, f, g_ptr_array_index(services->items, i), g_ptr_array_index(services->items, i + 1), shown);
	return ok;
}

/* A whole configuration: a flat file, or what is below `host:`, `client:` or `common:`, the name of which is SHOWN. */
static bool walk_configuration(struct pylirp *p, struct findings *f, const struct tree_node *top, const char *shown)
{
	bool ok = true;

	if (tree_is_null(top))
		return true;
	if (top->kind != TREE_MAPPING)
		return pylirp_fail(p, top->file, top->line, shown, "expected keys with values below it");
	for (guint i = 0; ok && i < top->items->len; i += 2) {
		const struct tree_node *name = g_ptr_array_index(top->items, i), *value = g_ptr_array_index(top->items, i + 1);
		char *key = g_strconcat(shown, shown[0] ? "." : "", name->text, NULL);

		if (strcmp(name->text, SERVICES) == 0)
			ok = walk_services(p, f, value, key);
		else
			ok = walk_key(p, f->found, name, value, "", shown);
		g_free(key);
	}
	return ok;
}

/* Where a file has parts for both ends, the rest of it belongs to neither. */
static void note_outside(struct pylirp *p, const struct tree_node *root)
{
	static const char *const parts[] = { "host", "client", "common", "mode", NULL };

	for (guint i = 0; i < root->items->len; i += 2) {
		const struct tree_node *name = g_ptr_array_index(root->items, i);

		if (!g_strv_contains(parts, name->text))
			pylirp_note(p, name->file, name->line, name->text,
				    "this has no effect here: it is neither in host, client nor common");
	}
}

static bool walk_parts(struct pylirp *p, struct findings *f, const struct tree_node *root)
{
	const struct tree_node *host = tree_get(root, "host"), *client = tree_get(root, "client"),
			       *common = tree_get(root, "common");
	bool as_client = p->mode == PYLIRP_CLIENT && client;

	note_outside(p, root);
	if (p->mode == PYLIRP_HOST && !host)
		return pylirp_fail(p, root->file, root->line, "mode", "it is host, and there is no host: in this file");
	if (as_client)
		f->hosts = false;
	if (common && !walk_configuration(p, f, common, "common"))
		return false;
	return walk_configuration(p, f, as_client ? client : host, as_client ? "client" : "host");
}

static bool walk_file(struct pylirp *p, struct findings *f, const struct tree_file *file)
{
	if (!file->root)
		return true;
	if (tree_get(file->root, "host") || tree_get(file->root, "client"))
		return walk_parts(p, f, file->root);
	if (tree_get(file->root, "port_forwards"))
		f->hosts = false;
	return walk_configuration(p, f, file->root, "");
}

/* What a file says of its mode, by `mode`, by `ppp.mode`, or by having a part for one end alone. */
static enum pylirp_mode mode_of(const struct tree_node *root)
{
	const struct tree_node *mode = tree_get(root, "mode"), *ppp_mode = tree_get(tree_get(root, "ppp"), "mode");

	if (!mode || mode->kind != TREE_SCALAR)
		mode = ppp_mode && ppp_mode->kind == TREE_SCALAR ? ppp_mode : NULL;
	if (mode)
		return g_ascii_strcasecmp(mode->text, "client") == 0 ? PYLIRP_CLIENT : PYLIRP_HOST;
	if (tree_get(root, "client") && !tree_get(root, "host"))
		return PYLIRP_CLIENT;
	return PYLIRP_ANY;
}

static void choose_mode(struct pylirp *p)
{
	for (guint i = 0; p->mode == PYLIRP_ANY && i < p->files->len; i++) {
		const struct tree_file *file = g_ptr_array_index(p->files, i);

		p->mode = mode_of(file->root);
	}
	if (p->mode == PYLIRP_ANY)
		p->mode = PYLIRP_HOST;
}

static bool take_variables(struct pylirp *p, struct findings *f, struct tree_file *environment,
			   const char *(*variable)(void *arg, const char *name), void *arg)
{
	bool ok = true;

	for (size_t i = 0; ok && i < key_variables_size; i++) {
		const char *value = variable(arg, key_variables[i].name);

		if (!value || value[0] == '\0')
			continue;
		char *key = g_strdup_printf("environment variable %s", key_variables[i].name);
		struct tree_node *node = tree_add_scalar(environment, value);
		node->file = -1;
		ok = take_value(p, f->found, key_find(key_variables[i].path), node, key);
		g_free(key);
	}
	return ok;
}

bool pylirp_finish(struct pylirp *p, const char *(*variable)(void *arg, const char *name), void *arg)
{
	struct findings f = {
		.found = g_new0(struct found, key_table_size),
		.services = g_ptr_array_new_with_free_func(service_free),
	};
	struct tree_file *environment = tree_new("environment");
	bool ok = true;

	choose_mode(p);
	f.hosts = p->mode == PYLIRP_CLIENT;
	for (guint i = 0; ok && i < p->files->len; i++)
		ok = walk_file(p, &f, g_ptr_array_index(p->files, i));
	ok = ok && take_variables(p, &f, environment, variable, arg) && pylirp_emit(p, &f);
	g_ptr_array_free(f.services, TRUE);
	found_free(f.found);
	tree_free(environment);
	return ok;
}
