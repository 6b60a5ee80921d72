/* Finds the best line of a secrets file (pppd: auth.c, scan_authfile()). Called by secrets.c with what it has read. */
#include "compat/pppd/secrets_scan.h"

#include <string.h>

#include "compat/pppd/word.h"
#include "log.h"

/* pppd's weights: a line for this client is better than one for this server. */
#define NO_MATCH (-1)
#define OWN_SERVER 1
#define OWN_CLIENT 2

struct lines {
	const char *path;
	struct words words;
	GString *word; /* the first word of the next line, if `pending` */
	bool pending;
};

static void free_word(void *word)
{
	if (word)
		explicit_bzero(word, strlen(word));
	g_free(word);
}

static void free_words(char **words)
{
	for (char **word = words; word && *word; word++)
		free_word(*word);
	g_free(words);
}

void secrets_line_clear(struct secrets_line *line)
{
	free_words(line->words);
	*line = (struct secrets_line){ 0 };
}

/* pppd shows the beginning of such a word, which may be a secret. */
static void next_word(struct lines *l)
{
	l->pending = words_next(&l->words, l->word);
	if (l->pending && l->words.too_long)
		log_warn("warning: word in file %s too long (line %u)", l->path, l->words.at);
	if (l->pending && l->words.unclosed)
		log_warn("warning: quoted word runs to end of file %s (from line %u)", l->path, l->words.at);
}

/* The words of the next line, ending with NULL; NULL at the end of the file. */
static char **next_line(struct lines *l)
{
	if (!l->pending)
		return NULL;
	GPtrArray *words = g_ptr_array_new();
	do {
		g_ptr_array_add(words, g_strdup(l->word->str));
		next_word(l);
	} while (l->pending && !l->words.new_line);
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(words, FALSE);
}

/* Adds WEIGHT where WORD is this very name. False: it is another one. */
static bool match_name(const char *word, const char *name, int weight, int *score)
{
	if (strcmp(word, "*") == 0)
		return true;
	*score += weight;
	return !name || strcmp(word, name) == 0;
}

static int judge_line(const struct secrets_query *query, char *const words[])
{
	int score = 0;

	if (g_strv_length((char **)words) < 2 + query->columns)
		return NO_MATCH;
	if (!match_name(words[0], query->client, OWN_CLIENT, &score) || !match_name(words[1], query->server, OWN_SERVER, &score))
		return NO_MATCH;
	return score;
}

/* Puts what an indirect secret leads to in its place; false where that is nothing. */
static bool follow_secret(const struct secrets_query *query, char **secret)
{
	if (!query->indirect || !g_str_has_prefix(*secret, "@/"))
		return true;
	char *found = query->indirect(query->arg, *secret + 1);
	if (!found)
		return false;
	free_word(*secret);
	*secret = found;
	return true;
}

/* WORDS become LINE's. */
static void keep_line(struct secrets_line *line, char **words, int score)
{
	secrets_line_clear(line);
	free_word(words[0]);
	free_word(words[1]);
	memmove(words, words + 2, (g_strv_length(words + 2) + 1) * sizeof(*words));
	line->words = words;
	line->own_client = score & OWN_CLIENT;
}

bool secrets_scan(const struct secrets_query *query, const char *path, const void *text, size_t len, struct secrets_line *line)
{
	struct lines l = { .path = path, .word = g_string_sized_new(WORD_MAX + 1) };
	int best = NO_MATCH;

	*line = (struct secrets_line){ 0 };
	words_init(&l.words, text, len);
	next_word(&l);
	for (char **words = next_line(&l); words; words = next_line(&l)) {
		int score = judge_line(query, words);

		if (score > best && follow_secret(query, &words[2])) {
			best = score;
			keep_line(line, words, score);
		} else {
			free_words(words);
		}
	}
	explicit_bzero(l.word->str, l.word->allocated_len);
	g_string_free(l.word, TRUE);
	return best != NO_MATCH;
}
