/* words: option files are cut into words as pppd cuts them. */
#include "unit.h"

#include <string.h>

#include "compat/pppd/word.h"

/* The words of TEXT, each followed by a bar. */
static char *words_of(const char *text, struct words *w)
{
	GString *word = g_string_new(NULL), *all = g_string_new(NULL);

	words_init(w, text, strlen(text));
	while (words_next(w, word))
		g_string_append_printf(all, "%s|", word->str);
	g_string_free(word, TRUE);
	return g_string_free(all, FALSE);
}

static void words_are_cut_as_pppd_cuts_them(void)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ " \t\r\n\v\f", "" },
		{ "a b\nc", "a|b|c|" },
		{ "a#b c\nd", "a|d|" },
		{ "# all of it", "" },
		{ "a\\#b", "a#b|" },
		{ "'a b'c\"d e\"", "a bcd e|" },
		{ "\"it's\" 'say \"x\"'", "it's|say \"x\"|" },
		{ "\"a#b\nc\" d", "a#b\nc|d|" },
		{ "\"\" ''", "||" },
		{ "a\\ b \\\"c", "a b|\"c|" },
		{ "\\a\\b\\f\\n\\r\\t\\s", "\a\b\f\n\r\t |" },
		{ "\\101\\1012\\7\\x41\\x4g \\x41z", "AA2\aA\x04g|Az|" },
		{ "'\\x41\\n' \"\\\"\"", "A\n|\"|" },
		{ "a\\\nb \\\n c", "ab|c|" },
		{ "a\\", "a|" },
		{ "\\", "" },
		{ "$HOME", "$HOME|" },
		{ "\\qb\\'", "qb'|" },
		{ "a\\0b", "ab|" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct words w;
		char *got = words_of(cases[i][0], &w);

		CU_ASSERT_STRING_EQUAL(got, cases[i][1]);
		g_free(got);
	}
}

static void words_know_their_line(void)
{
	struct words w;
	GString *word = g_string_new(NULL);
	const char *text = "a\n\n# x\nb 'c\nd' e\nf";
	static const unsigned lines[] = { 1, 4, 4, 5, 6 };
	static const bool new_line[] = { false, true, false, false, true };

	words_init(&w, text, strlen(text));
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		CU_ASSERT_TRUE(words_next(&w, word));
		CU_ASSERT_EQUAL(w.at, lines[i]);
		CU_ASSERT_EQUAL(w.new_line, new_line[i]);
	}
	CU_ASSERT_FALSE(words_next(&w, word));
	g_string_free(word, TRUE);
}

static void words_have_a_limit(void)
{
	char *text = g_strnfill(100000, 'x');
	struct words w;
	GString *word = g_string_new(NULL);

	words_init(&w, text, 1023);
	CU_ASSERT_TRUE(words_next(&w, word));
	CU_ASSERT_EQUAL(word->len, 1023);
	CU_ASSERT_FALSE(w.too_long);
	words_init(&w, text, 100000);
	CU_ASSERT_TRUE(words_next(&w, word));
	CU_ASSERT_EQUAL(word->len, WORD_MAX);
	CU_ASSERT_TRUE(w.too_long);
	words_init(&w, "'a b", 4);
	CU_ASSERT_TRUE(words_next(&w, word));
	CU_ASSERT_TRUE(w.unclosed);
	CU_ASSERT_STRING_EQUAL(word->str, "a b");
	g_string_free(word, TRUE);
	g_free(text);
}

const struct unit_test unit_tests[] = {
	{ "words: of a file, as pppd cuts them", words_are_cut_as_pppd_cuts_them },
	{ "words: know their line", words_know_their_line },
	{ "words: have a limit", words_have_a_limit },
	{ 0 },
};
