/* chat's language: words of a file, parts of an expect word, escapes. What Debian's chat makes of the same is in tests/integration/chat.py. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "compat/chat/script.h"

static const struct chat_names none;

static void check_words(const char *text, const char *expected)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	unsigned line;

	CU_ASSERT_TRUE(chat_script_words(text, words, &line));
	g_ptr_array_add(words, NULL);
	char *joined = g_strjoinv("|", (char **)words->pdata);
	CU_ASSERT_STRING_EQUAL(joined, expected);
	g_free(joined);
	g_ptr_array_free(words, TRUE);
}

static void words_of_a_file(void)
{
	check_words("", "");
	check_words("a b\tc\n  d\n", "a|b|c|d");
	check_words("# a comment\na # none\n #none\n", "a|#|none|#none");
	check_words("'' \"a b\" 'c \\' d'\n", "|a b|c \\' d");
	check_words("a\\ b", "a\\|b");
}

static void a_quote_without_an_end_is_an_error(void)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	unsigned line;

	CU_ASSERT_FALSE(chat_script_words("fine\n'not fine\n", words, &line));
	CU_ASSERT_EQUAL(line, 2);
	g_ptr_array_free(words, TRUE);
}

static void check_parts(const char *word, const char *expected)
{
	char **parts = chat_script_parts(word);
	char *joined = g_strjoinv("|", parts);

	CU_ASSERT_STRING_EQUAL(joined, expected);
	g_free(joined);
	g_strfreev(parts);
}

static void parts_of_an_expect_word(void)
{
	check_parts("", "");
	check_parts("ogin:", "ogin:");
	check_parts("ogin:--ogin:", "ogin:||ogin:");
	check_parts("a-b-c-", "a|b|c");
	check_parts("a\\-b-c", "a\\-b|c");
	check_parts("a\\", "a\\");
}

static void check_expect(const struct chat_names *names, const char *word, const char *expected)
{
	GString *text = chat_script_expect(names, word);

	CU_ASSERT_STRING_EQUAL(text->str, expected);
	g_string_free(text, TRUE);
}

static void what_is_expected(void)
{
	check_expect(&none, "OK\\r\\n\\s\\t\\b\\\\", "OK\r\n \t\b\\");
	check_expect(&none, "^M^J^@^", "\r\n^");
	check_expect(&none, "\\101\\61\\6\\0x", "A1\006x");
	check_expect(&none, "\\c\\d\\T\\N\\", "cdTN");
	check_expect(&none, "a\\-b", "a-b");
}

static void check_send(const struct chat_names *names, const char *word, const char *expected, size_t len)
{
	bool quiet;
	GString *text = chat_script_send(names, word, &quiet);

	CU_ASSERT_EQUAL(text->len, len);
	CU_ASSERT_EQUAL(memcmp(text->str, expected, len), 0);
	CU_ASSERT_EQUAL(quiet, strstr(word, "\\q") != NULL);
	g_string_free(text, TRUE);
}

static void what_is_sent(void)
{
	const struct chat_names numbers = { .telephone = "555", .second = "42" };

	check_send(&none, "ATZ", "ATZ\r", 4);
	check_send(&none, "a\\cb\\c", "acb", 3);
	check_send(&none, "\\d\\p\\K\\c", "\\d\\p\\K", 6);
	check_send(&none, "\\\\\\0\\c", "\\\\\\\0", 4);
	check_send(&none, "x\\q", "x\r", 2);
	check_send(&none, "\\T\\U\\c", "\\T\\U", 4);
	check_send(&numbers, "ATDT\\T,\\U\\c", "ATDT555,42", 10);
}

static void variables_are_asked_for(void)
{
	const struct chat_names names = { .environment = true };

	g_setenv("CHAT_TEST", "value", TRUE);
	check_expect(&names, "<$CHAT_TEST>\\$x", "<value>$x");
	check_expect(&none, "<$CHAT_TEST>", "<$CHAT_TEST>");
	g_unsetenv("CHAT_TEST");
}

static void as_log_lines_show_it(void)
{
	static const char text[] = "a\r\n\x7f\x81\tb\0z";
	char *logged = chat_script_shown(text, sizeof(text) - 1, true), *echoed = chat_script_shown(text, sizeof(text) - 1, false);

	CU_ASSERT_STRING_EQUAL(logged, "a^M^J^?M-^A\tb^@z");
	CU_ASSERT_STRING_EQUAL(echoed, "a^M^J^?M-^A^Ib^@z");
	g_free(logged);
	g_free(echoed);
}

const struct unit_test unit_tests[] = {
	{ "chat: words of a file", words_of_a_file },
	{ "chat: a quote without an end is an error", a_quote_without_an_end_is_an_error },
	{ "chat: parts of an expect word", parts_of_an_expect_word },
	{ "chat: what is expected", what_is_expected },
	{ "chat: what is sent", what_is_sent },
	{ "chat: variables are asked for", variables_are_asked_for },
	{ "chat: as log lines show it", as_log_lines_show_it },
	{ 0 },
};
