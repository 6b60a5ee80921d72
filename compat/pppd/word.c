/* Cuts option and secrets files into words as pppd does (options.c:getword); see word.h. Called by the reading of files. */
#include "word.h"

#define END (-1)

void words_init(struct words *w, const void *text, size_t len)
{
	*w = (struct words){ .in = reader_new(text, len), .line = 1, .at = 1 };
}

static int peek(const struct words *w)
{
	struct reader ahead = w->in;

	return reader_left(&ahead) > 0 ? reader_u8(&ahead) : END;
}

static int next(struct words *w)
{
	if (reader_left(&w->in) == 0)
		return END;
	int c = reader_u8(&w->in);
	if (c == '\n')
		w->line++;
	return c;
}

/* isspace() of the C locale, which pppd runs in. */
static bool is_space(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void add(struct words *w, GString *word, int c)
{
	if (c == '\0')
		return;
	if (word->len < WORD_MAX)
		g_string_append_c(word, (char)c);
	else
		w->too_long = true;
}

static void skip_comment(struct words *w)
{
	while (peek(w) != '\n' && peek(w) != END)
		next(w);
}

static int digits(struct words *w, int value, unsigned max, unsigned base)
{
	for (unsigned i = 0; i < max; i++) {
		int c = peek(w);

		if (c == END || !g_ascii_isxdigit(c) || g_ascii_xdigit_value((char)c) >= (int)base)
			break;
		value = value * (int)base + g_ascii_xdigit_value((char)next(w));
	}
	return value & 0xff;
}

/* What follows a backslash. */
static void add_escaped(struct words *w, GString *word)
{
	static const struct {
		char letter, meaning;
	} letters[] = {
		{ 'a', '\a' }, { 'b', '\b' }, { 'f', '\f' }, { 'n', '\n' }, { 'r', '\r' }, { 's', ' ' }, { 't', '\t' },
	};
	int c = next(w);

	if (c == END || c == '\n')
		return;
	if (c >= '0' && c <= '7') {
		add(w, word, digits(w, c - '0', 2, 8));
		return;
	}
	if (c == 'x') {
		add(w, word, digits(w, 0, 2, 16));
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(letters); i++) {
		if (c == letters[i].letter)
			c = letters[i].meaning;
	}
	add(w, word, c);
}

static void add_quoted(struct words *w, GString *word, int quote)
{
	for (;;) {
		int c = next(w);

		if (c == END) {
			w->unclosed = true;
			return;
		}
		if (c == quote)
			return;
		if (c == '\\')
			add_escaped(w, word);
		else
			add(w, word, c);
	}
}

/* Passes white space, comments and escaped line ends; false where nothing follows them. */
static bool find_start(struct words *w)
{
	for (;;) {
		int c = peek(w);

		if (c == END)
			return false;
		if (c == '#') {
			skip_comment(w);
		} else if (c == '\\') {
			struct words ahead = *w;

			next(&ahead);
			c = next(&ahead);
			if (c != '\n' && c != END)
				return true;
			*w = ahead;
		} else if (is_space(c)) {
			if (next(w) == '\n')
				w->new_line = true;
		} else {
			return true;
		}
	}
}

bool words_next(struct words *w, GString *word)
{
	g_string_truncate(word, 0);
	w->new_line = w->too_long = w->unclosed = false;
	bool found = find_start(w);
	w->at = w->line;
	if (!found)
		return false;
	for (int c = peek(w); c != END && !is_space(c) && c != '#'; c = peek(w)) {
		next(w);
		if (c == '\\')
			add_escaped(w, word);
		else if (c == '"' || c == '\'')
			add_quoted(w, word, c);
		else
			add(w, word, c);
	}
	return true;
}
