/* Judges what a line said: PPP, a login prompt, a modem, our own frames, noise. Called by probe.c.
 *
 * Frames (RFC 1662) are looked for in everything. What is left when frames of ours that came back are cut out is text if nearly all
 * of it can be printed; which text, a table of words says. What is neither is noise. */
#include "check/heard.h"

#include <string.h>

#include "writer.h"

#define FRAME_MAX 2048
#define LCP 0xc021
#define OPTION_MAGIC 5
#define CODE_OFFSET 4	/* after address, control and protocol */
#define MAGIC_OFFSET 10 /* of the value of an only option in a Configure-Request */
#define TEXT_PERCENT 85

/* The first row that matches decides. LAST: the text must end with it (blanks aside). */
static const struct clue {
	const char *word;
	enum heard_kind kind;
	bool last;
} clues[] = {
	{ "login:", HEARD_LOGIN, false },
	{ "username:", HEARD_LOGIN, false },
	{ "password:", HEARD_LOGIN, false },
	{ "no carrier", HEARD_MODEM, false },
	{ "no dialtone", HEARD_MODEM, false },
	{ "\rring\r", HEARD_MODEM, false },
	{ "\nring\r", HEARD_MODEM, false },
	{ "\nconnect", HEARD_MODEM, false },
	{ "\nok\r", HEARD_MODEM, false },
	{ "\nerror\r", HEARD_MODEM, false },
	{ "command not found", HEARD_SHELL, false },
	{ "$", HEARD_SHELL, true },
	{ "#", HEARD_SHELL, true },
	{ "=>", HEARD_SHELL, true },
	{ ">", HEARD_SHELL, true },
};

/* How a frame of LCP begins, and the same on a line that carries seven bits. */
static const uint8_t starts[][3] = { { 0xff, 0x7d, 0x23 }, { 0xff, 0x03, 0xc0 }, { 0x7f, 0x7d, 0x23 }, { 0x7f, 0x03, 0x40 } };

static void free_bytes(void *bytes)
{
	g_bytes_unref(bytes);
}

void heard_init(struct heard *h, uint32_t magic)
{
	*h = (struct heard){ .magic = magic, .bytes = g_byte_array_new(), .sent = g_ptr_array_new_with_free_func(free_bytes) };
	frame_decoder_init(&h->decoder, FRAME_MAX);
	h->decoder.accm = 0;
}

void heard_clear(struct heard *h)
{
	frame_decoder_free(&h->decoder);
	g_byte_array_unref(h->bytes);
	g_ptr_array_unref(h->sent);
}

size_t heard_send(struct heard *h, enum heard_code code, uint8_t id, uint8_t *out)
{
	uint8_t packet[HEARD_FRAME_MAX];
	struct frame_map map = { .bits = { 0xffffffff } };
	struct writer w = writer_new(packet, sizeof(packet));

	writer_u16(&w, 0xff03);
	writer_u16(&w, LCP);
	writer_u8(&w, (uint8_t)code);
	writer_u8(&w, id);
	writer_u16(&w, code == HEARD_CONFIGURE ? 10 : 4);
	if (code == HEARD_CONFIGURE) {
		writer_u16(&w, OPTION_MAGIC << 8 | 6);
		writer_u32(&w, h->magic);
	}
	size_t len = frame_encode(out, &map, true, packet, writer_len(&w), NULL, 0);
	/* Without the flags: next to each other, two frames may share one. */
	g_ptr_array_add(h->sent, g_bytes_new(out + 1, len - 2));
	return len;
}

/* A Configure-Request with our magic number, which no peer may choose as its own, is ours (RFC 1661 §6.4). */
static bool is_ours(const struct heard *h, const uint8_t *frame, size_t len)
{
	struct writer w;
	uint8_t magic[4];

	if (len < MAGIC_OFFSET + sizeof(magic) || frame[CODE_OFFSET] != HEARD_CONFIGURE)
		return false;
	w = writer_new(magic, sizeof(magic));
	writer_u32(&w, h->magic);
	return memcmp(frame + MAGIC_OFFSET, magic, sizeof(magic)) == 0;
}

static void take_frame(void *arg, uint8_t *frame, size_t len)
{
	struct heard *h = arg;

	if (is_ours(h, frame, len))
		h->echoes++;
	else
		h->frames++;
}

void heard_take(struct heard *h, const uint8_t *bytes, size_t len)
{
	h->total += len;
	g_byte_array_append(h->bytes, bytes, (guint)MIN(len, HEARD_MAX - h->bytes->len));
	frame_decode(&h->decoder, bytes, len, take_frame, h);
}

/* Cuts each piece that is equal to ONE out of BYTES. */
static void cut_out(GByteArray *bytes, GBytes *one)
{
	size_t len;
	const void *data = g_bytes_get_data(one, &len);
	const guint8 *found;

	while (bytes->len >= len && (found = memmem(bytes->data, bytes->len, data, len)))
		g_byte_array_remove_range(bytes, (guint)(found - bytes->data), (guint)len);
}

static bool is_printable(uint8_t c)
{
	return g_ascii_isprint(c) || strchr("\r\n\t\b\a\033", c);
}

/* What is left without our own frames, and flags at both ends. */
static GByteArray *others(const struct heard *h)
{
	GByteArray *left = g_byte_array_new();

	g_byte_array_append(left, h->bytes->data, h->bytes->len);
	for (guint i = 0; i < h->sent->len; i++)
		cut_out(left, g_ptr_array_index(h->sent, i));
	while (left->len > 0 && left->data[0] == FRAME_FLAG)
		g_byte_array_remove_index(left, 0);
	while (left->len > 0 && left->data[left->len - 1] == FRAME_FLAG)
		g_byte_array_set_size(left, left->len - 1);
	return left;
}

static bool is_text(const GByteArray *bytes)
{
	guint printable = 0;

	for (guint i = 0; i < bytes->len; i++)
		printable += bytes->data[i] != 0 && is_printable(bytes->data[i]);
	return printable * 100 >= bytes->len * TEXT_PERCENT;
}

/* In small letters, without NUL. */
static char *as_words(const GByteArray *bytes)
{
	char *words = g_strndup((const char *)bytes->data, bytes->len);
	char *small = g_ascii_strdown(words, -1);

	g_free(words);
	return small;
}

static bool matches(const struct clue *clue, const char *words, const char *trimmed)
{
	return clue->last ? g_str_has_suffix(trimmed, clue->word) : strstr(words, clue->word) != NULL;
}

static enum heard_kind judge_text(const struct heard *h, const GByteArray *left)
{
	enum heard_kind kind = h->echoes > 0 || left->len < h->bytes->len ? HEARD_SHELL : HEARD_TEXT;
	char *words = as_words(left);
	char *trimmed = g_strchomp(g_strdup(words));

	for (size_t i = 0; i < G_N_ELEMENTS(clues); i++)
		if (matches(&clues[i], words, trimmed)) {
			kind = clues[i].kind;
			break;
		}
	g_free(trimmed);
	g_free(words);
	return kind;
}

static bool has_start_of_frame(const GByteArray *bytes)
{
	for (size_t i = 0; i < G_N_ELEMENTS(starts); i++)
		if (memmem(bytes->data, bytes->len, starts[i], sizeof(starts[i])))
			return true;
	return false;
}

static enum heard_kind judge_others(const struct heard *h, const GByteArray *left)
{
	if (left->len == 0)
		return h->bytes->len > 0 ? HEARD_ECHO : HEARD_NOTHING;
	/* First: with its escapes, most of a frame of LCP can be printed. */
	if (has_start_of_frame(left))
		return HEARD_BROKEN;
	return is_text(left) ? judge_text(h, left) : HEARD_NOISE;
}

enum heard_kind heard_judge(const struct heard *h)
{
	if (h->frames > 0)
		return HEARD_PPP;
	GByteArray *left = others(h);
	enum heard_kind kind = judge_others(h, left);

	g_byte_array_unref(left);
	return kind;
}

char *heard_excerpt(const struct heard *h, size_t max)
{
	GByteArray *left = others(h);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < MIN(left->len, max); i++) {
		uint8_t c = left->data[i];

		if (c == '\r' || c == '\n')
			g_string_append(text, c == '\r' ? "\\r" : "\\n");
		else if (g_ascii_isprint(c) && c != '\\' && c != '"')
			g_string_append_c(text, (char)c);
		else
			g_string_append_printf(text, "\\x%02x", c);
	}
	g_byte_array_unref(left);
	return g_string_free(text, FALSE);
}
