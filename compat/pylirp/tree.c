/* libyaml's events become a tree; see tree.h. Called by pylirp.c for each file.
 *
 * An alias is a second pointer to the node that its anchor named, so a file cannot be unfolded into more memory than it has lines; whoever
 * walks the tree is bounded by `size`, which counts what aliases stand for, and is limited here. */
#include "compat/pylirp/tree.h"

#include <string.h>
#include <yaml.h>

struct reading {
	struct tree_file *file;
	int number;
	const char *text;
	size_t len;
	yaml_parser_t parser;
	yaml_event_t event;
	GHashTable *anchors; /* names to nodes that are complete */
	char **why;
};

static bool fail(struct reading *r, unsigned line, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

static bool fail(struct reading *r, unsigned line, const char *fmt, ...)
{
	va_list ap;

	if (*r->why)
		return false;
	va_start(ap, fmt);
	char *text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	*r->why = g_strdup_printf("In file %s: %s (line %u)", r->file->name, text, line);
	g_free(text);
	return false;
}

/* Where line number LINE begins, and how far its indentation goes. */
static size_t indentation(const struct reading *r, unsigned line, const char **start)
{
	const char *end = r->text + r->len, *at = r->text;

	while (line-- > 1) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline)
			break;
		at = newline + 1;
	}
	*start = at;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return (size_t)(at - *start);
}

static unsigned line_of(const struct reading *r, size_t offset)
{
	unsigned line = 1;

	for (size_t i = 0; i < MIN(offset, r->len); i++)
		line += r->text[i] == '\n';
	return line;
}

/* In place of libyaml's words where the reason is a usual one. */
static bool fail_syntax(struct reading *r)
{
	const yaml_parser_t *parser = &r->parser;
	unsigned line = (unsigned)parser->problem_mark.line + 1;
	const char *start;

	if (parser->error == YAML_READER_ERROR)
		return fail(r, line_of(r, parser->problem_offset), "%s: the file must be text in UTF-8", parser->problem);
	size_t indent = indentation(r, line, &start);
	if (memchr(start, '\t', indent))
		return fail(r, line, "this line is indented with a tab; YAML takes blanks alone");
	return fail(r, line, "%s", parser->problem ? parser->problem : "this is no YAML");
}

static bool next(struct reading *r)
{
	yaml_event_delete(&r->event);
	memset(&r->event, 0, sizeof(r->event));
	return yaml_parser_parse(&r->parser, &r->event) || fail_syntax(r);
}

static unsigned line_here(const struct reading *r)
{
	return (unsigned)r->event.start_mark.line + 1;
}

static struct tree_node *node_new(struct reading *r, enum tree_kind kind)
{
	struct tree_node *node = g_new0(struct tree_node, 1);

	node->kind = kind;
	node->line = line_here(r);
	node->file = r->number;
	node->size = 1;
	g_ptr_array_add(r->file->nodes, node);
	return node;
}

static void node_free(void *p)
{
	struct tree_node *node = p;

	if (node->text)
		explicit_bzero(node->text, strlen(node->text));
	if (node->items)
		g_ptr_array_free(node->items, TRUE);
	g_free(node->text);
	g_free(node);
}

static struct tree_node *read_node(struct reading *r, unsigned depth);

static bool add_item(struct reading *r, struct tree_node *parent, unsigned depth)
{
	struct tree_node *item = read_node(r, depth + 1);

	if (!item)
		return false;
	parent->size += item->size;
	g_ptr_array_add(parent->items, item);
	return parent->size <= TREE_MAX_NODES || fail(r, parent->line, "there are more than %d values in it", TREE_MAX_NODES);
}

/* A key is what came last into a mapping. */
static bool check_key(struct reading *r, const struct tree_node *mapping, GHashTable *seen)
{
	const struct tree_node *key = g_ptr_array_index(mapping->items, mapping->items->len - 1);

	if (key->kind != TREE_SCALAR)
		return fail(r, key->line, "a key must be a word or a number");
	if (key->plain && strcmp(key->text, "<<") == 0)
		return fail(r, key->line, "merging with << is not supported");
	const struct tree_node *before = g_hash_table_lookup(seen, key->text);
	if (before)
		return fail(r, key->line, "the key '%s' is there twice, first in line %u", key->text, before->line);
	g_hash_table_insert(seen, key->text, (void *)key);
	return true;
}

static struct tree_node *read_mapping(struct reading *r, unsigned depth)
{
	struct tree_node *mapping = node_new(r, TREE_MAPPING);
	GHashTable *seen = g_hash_table_new(g_str_hash, g_str_equal);
	bool ok = true;

	mapping->items = g_ptr_array_new();
	while ((ok = ok && next(r)) && r->event.type != YAML_MAPPING_END_EVENT)
		ok = add_item(r, mapping, depth) && check_key(r, mapping, seen) && next(r) && add_item(r, mapping, depth);
	g_hash_table_destroy(seen);
	return ok ? mapping : NULL;
}

static struct tree_node *read_list(struct reading *r, unsigned depth)
{
	struct tree_node *list = node_new(r, TREE_LIST);
	bool ok = true;

	list->items = g_ptr_array_new();
	while ((ok = ok && next(r)) && r->event.type != YAML_SEQUENCE_END_EVENT)
		ok = add_item(r, list, depth);
	return ok ? list : NULL;
}

static struct tree_node *read_scalar(struct reading *r)
{
	struct tree_node *scalar = node_new(r, TREE_SCALAR);

	scalar->plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	scalar->text = g_strdup((const char *)r->event.data.scalar.value);
	if (strlen(scalar->text) == r->event.data.scalar.length)
		return scalar;
	fail(r, scalar->line, "there is a NUL byte in it");
	return NULL;
}

static struct tree_node *read_alias(struct reading *r)
{
	const char *name = (const char *)r->event.data.alias.anchor;
	struct tree_node *node = g_hash_table_lookup(r->anchors, name);

	if (!node)
		fail(r, line_here(r), "nothing complete is called &%s", name);
	return node;
}

/* The name that an anchor gives to what begins here, or NULL. */
static char *anchor_here(const struct reading *r)
{
	const yaml_char_t *name = NULL;

	if (r->event.type == YAML_SCALAR_EVENT)
		name = r->event.data.scalar.anchor;
	else if (r->event.type == YAML_SEQUENCE_START_EVENT)
		name = r->event.data.sequence_start.anchor;
	else if (r->event.type == YAML_MAPPING_START_EVENT)
		name = r->event.data.mapping_start.anchor;
	return g_strdup((const char *)name);
}

/* What the event at hand begins. */
static struct tree_node *read_node(struct reading *r, unsigned depth)
{
	struct tree_node *node = NULL;
	char *anchor = anchor_here(r);

	if (depth > TREE_MAX_DEPTH)
		fail(r, line_here(r), "this is nested more than %d deep", TREE_MAX_DEPTH);
	else if (r->event.type == YAML_SCALAR_EVENT)
		node = read_scalar(r);
	else if (r->event.type == YAML_SEQUENCE_START_EVENT)
		node = read_list(r, depth);
	else if (r->event.type == YAML_MAPPING_START_EVENT)
		node = read_mapping(r, depth);
	else if (r->event.type == YAML_ALIAS_EVENT)
		node = read_alias(r);
	if (node && anchor)
		g_hash_table_replace(r->anchors, g_steal_pointer(&anchor), node);
	g_free(anchor);
	return node;
}

/* The only document of the file. */
static bool read_document(struct reading *r)
{
	if (!next(r) || !next(r)) /* the stream begins, then its document */
		return false;
	if (r->event.type == YAML_STREAM_END_EVENT)
		return true;
	if (!next(r))
		return false;
	struct tree_node *root = read_node(r, 0);
	if (!root || !next(r) || !next(r))
		return false;
	if (r->event.type != YAML_STREAM_END_EVENT)
		return fail(r, line_here(r), "a second document begins here; a configuration is one");
	if (root->kind != TREE_MAPPING && !tree_is_null(root))
		return fail(r, root->line, "a configuration is made of keys with values (serial:, services:, ...)");
	r->file->root = root->kind == TREE_MAPPING ? root : NULL;
	return true;
}

struct tree_file *tree_new(const char *name)
{
	struct tree_file *file = g_new0(struct tree_file, 1);

	file->name = g_strdup(name);
	file->nodes = g_ptr_array_new_with_free_func(node_free);
	return file;
}

struct tree_node *tree_add_scalar(struct tree_file *file, const char *text)
{
	struct tree_node *node = g_new0(struct tree_node, 1);

	node->text = g_strdup(text);
	node->size = 1;
	g_ptr_array_add(file->nodes, node);
	return node;
}

struct tree_file *tree_read(const char *name, int file, const char *text, size_t len, char **why)
{
	struct reading r = { .number = file, .text = text, .len = len, .why = why };

	*why = NULL;
	r.file = tree_new(name);
	r.anchors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	yaml_parser_initialize(&r.parser);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	bool ok = read_document(&r);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	g_hash_table_destroy(r.anchors);
	if (!ok)
		g_clear_pointer(&r.file, tree_free);
	return r.file;
}

void tree_free(struct tree_file *file)
{
	if (!file)
		return;
	g_ptr_array_free(file->nodes, TRUE);
	g_free(file->name);
	g_free(file);
}

const struct tree_node *tree_get(const struct tree_node *mapping, const char *key)
{
	for (guint i = 0; mapping && mapping->kind == TREE_MAPPING && i < mapping->items->len; i += 2) {
		const struct tree_node *name = g_ptr_array_index(mapping->items, i);

		if (strcmp(name->text, key) == 0)
			return g_ptr_array_index(mapping->items, i + 1);
	}
	return NULL;
}

bool tree_is_null(const struct tree_node *node)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };
	bool found = false;

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		found = found || (node->kind == TREE_SCALAR && node->plain && strcmp(node->text, words[i]) == 0);
	return found;
}
