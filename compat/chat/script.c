/* The language of chat(8); see script.h. Called by chat.c. */
#include "compat/chat/script.h"

#include <string.h>

#define CONTROL_MASK 0x1f
#define BLANKS " \t"

/* Words of a file. */

/* Ends the word that begins at *AT, and steps behind it. False: its quote has no end. (A backslash keeps a quote in a quoted word, but no blank
 * in another.) */
static bool take_word(char **at, GPtrArray *words)
{
	char quote = **at == '"' || **at == '\'' ? *(*at)++ : '\0';
	char *start = *at, *end = start;

	while (*end && (quote ? *end != quote : !strchr(BLANKS, *end)))
		end += quote && *end == '\\' && end[1] ? 2 : 1;
	if (quote && *end != quote)
		return false;
	g_ptr_array_add(words, g_strndup(start, (gsize)(end - start)));
	*at = *end ? end + 1 : end;
	return true;
}

static bool take_line(char *line, GPtrArray *words)
{
	if (line[0] == '#')
		return true;
	for (line += strspn(line, BLANKS); *line; line += strspn(line, BLANKS))
		if (!take_word(&line, words))
			return false;
	return true;
}

bool chat_script_words(const char *text, GPtrArray *words, unsigned *line)
{
	char **lines = g_strsplit(text, "\n", -1);
	bool ok = true;

	for (*line = 1; ok && lines[*line - 1]; (*line)++)
		ok = take_line(lines[*line - 1], words);
	(*line)--;
	g_strfreev(lines);
	return ok;
}

char **chat_script_parts(const char *word)
{
	GPtrArray *parts = g_ptr_array_new();
	const char *start = word;

	for (const char *at = word; *at; at++) {
		if (*at == '\\' && at[1]) {
			at++;
		} else if (*at == '-') {
			g_ptr_array_add(parts, g_strndup(start, (gsize)(at - start)));
			start = at + 1;
		}
	}
	if (*start || parts->len == 0)
		g_ptr_array_add(parts, g_strdup(start));
	g_ptr_array_add(parts, NULL);
	return (char **)g_ptr_array_free(parts, FALSE);
}

/* Escapes. */

struct cleaning {
	const struct chat_names *names;
	const char *at;
	GString *out;
	bool sending, add_return, quiet;
};

/* A byte that is to stay what it is: a backslash in a send string stands for what follows. */
static void put_byte(struct cleaning *c, char byte)
{
	if (c->sending && (byte == '\\' || byte == '\0'))
		g_string_append_c(c->out, '\\');
	g_string_append_c(c->out, byte);
}

static void put_control(struct cleaning *c)
{
	if (*c->at == '\0') {
		g_string_append_c(c->out, '^');
		return;
	}
	char byte = *c->at++ & CONTROL_MASK;
	if (byte != '\0')
		g_string_append_c(c->out, byte);
}

static void put_variable(struct cleaning *c)
{
	size_t len = 0;

	while (g_ascii_isalnum(c->at[len]) || c->at[len] == '_')
		len++;
	char *name = g_strndup(c->at, len);
	const char *value = g_getenv(name);
	g_string_append(c->out, value ? value : "");
	g_free(name);
	c->at += len;
}

static bool is_octal(char byte)
{
	return byte >= '0' && byte <= '7';
}

/* Up to three digits, the first of which is FIRST. */
static void put_octal(struct cleaning *c, char first)
{
	unsigned value = (unsigned)(first - '0');

	for (unsigned i = 0; i < 2 && is_octal(*c->at); i++)
		value = value << 3 | (unsigned)(*c->at++ - '0');
	if ((value & 0xff) != 0 || c->sending)
		put_byte(c, (char)value);
}

static void put_name(struct cleaning *c, char letter, const char *name)
{
	if (c->sending && name)
		g_string_append(c->out, name);
	else if (c->sending)
		g_string_append_printf(c->out, "\\%c", letter);
	else
		g_string_append_c(c->out, letter);
}

/* The letters that stand for one byte, and those that mean something to who sends. */
static char plain_escape(char letter)
{
	static const char letters[] = "bnrst", bytes[] = "\b\n\r \t";
	const char *found = letter ? strchr(letters, letter) : NULL;

	return found ? bytes[found - letters] : '\0';
}

static void put_escape(struct cleaning *c)
{
	char letter = *c->at ? *c->at++ : '\0';

	if (letter == '\0' && !c->sending)
		return;
	if (plain_escape(letter))
		g_string_append_c(c->out, plain_escape(letter));
	else if (is_octal(letter))
		put_octal(c, letter);
	else if (letter == 'c' && c->sending && *c->at == '\0')
		c->add_return = false;
	else if (letter == 'q')
		c->quiet = true;
	else if (letter == 'T' || letter == 'U')
		put_name(c, letter, letter == 'T' ? c->names->telephone : c->names->second);
	else if (letter == 'N' && c->sending)
		put_byte(c, '\0');
	else if (c->sending && !(letter == 'c' || (letter == '$' && c->names->environment)))
		g_string_append_printf(c->out, "\\%c", letter ? letter : '\\');
	else
		g_string_append_c(c->out, letter);
}

static void clean(struct cleaning *c)
{
	while (*c->at) {
		char byte = *c->at++;

		if (byte == '^')
			put_control(c);
		else if (byte == '$' && c->names->environment)
			put_variable(c);
		else if (byte == '\\')
			put_escape(c);
		else
			g_string_append_c(c->out, byte);
	}
}

GString *chat_script_expect(const struct chat_names *names, const char *word)
{
	struct cleaning c = { .names = names, .at = word, .out = g_string_new(NULL) };

	clean(&c);
	return c.out;
}

GString *chat_script_send(const struct chat_names *names, const char *word, bool *quiet)
{
	struct cleaning c = { .names = names, .at = word, .out = g_string_new(NULL), .sending = true, .add_return = true };

	clean(&c);
	if (c.add_return)
		g_string_append_c(c.out, '\r');
	*quiet = c.quiet;
	return c.out;
}

char *chat_script_shown(const char *text, size_t len, bool tabs)
{
	GString *shown = g_string_new(NULL);

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte & 0x80)
			g_string_append(shown, "M-");
		byte &= 0x7f;
		if ((byte < ' ' && !(byte == '\t' && tabs)) || byte == 0x7f)
			g_string_append_printf(shown, "^%c", byte ^ 0x40);
		else
			g_string_append_c(shown, (char)byte);
	}
	return g_string_free(shown, FALSE);
}
