/* Fuzzes what a SOCKS5 client says: byte 0 chooses whether a password is asked for, and how what comes is cut; then come its messages. The
 * outcome must not depend on the cuts; what is believed is checked. The same bytes are a datagram, too.
 * Coverage: src/net/socks_request.c */
#include <ctype.h>
#include <glib.h>
#include <string.h>

#include "net/socks_request.h"
#include "reader.h"
#include "writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ANSWERS_MAX 256

struct client {
	struct socks_handshake handshake;
	uint8_t answers[ANSWERS_MAX];
	struct writer out;
};

static bool ended(const struct socks_handshake *h)
{
	return h->state == SOCKS_READY || h->state == SOCKS_DENIED || h->state == SOCKS_BROKEN;
}

static void check_address(const struct socks_address *a)
{
	g_assert(a->type == SOCKS_IPV4 || a->type == SOCKS_NAME || a->type == SOCKS_IPV6);
	if (a->type != SOCKS_NAME)
		return;
	g_assert(a->name[0] && memchr(a->name, '\0', sizeof(a->name)));
	for (const char *c = a->name; *c; c++)
		g_assert(isalnum((unsigned char)*c) || strchr("-_.", *c));
}

/* Everything that came, and is not consumed, is given again with what comes next: as socks.c does. */
static void talk(struct client *c, bool password, struct reader r, size_t cut)
{
	GByteArray *in = g_byte_array_new();

	socks_handshake_init(&c->handshake, password ? "user" : NULL, password ? "pass" : NULL);
	c->out = writer_new(c->answers, sizeof(c->answers));
	while (reader_left(&r) > 0 && !ended(&c->handshake)) {
		size_t len = MIN(cut, reader_left(&r));
		g_byte_array_append(in, reader_bytes(&r, len), (guint)len);
		uint8_t *exact = g_memdup2(in->data, in->len);
		size_t used = socks_handshake_feed(&c->handshake, exact, in->len, &c->out);
		g_assert(used <= in->len);
		g_byte_array_remove_range(in, 0, (guint)used);
		g_assert(ended(&c->handshake) || in->len < SOCKS_MESSAGE_MAX);
		g_free(exact);
	}
	g_byte_array_free(in, TRUE);
	if (c->handshake.state == SOCKS_READY)
		check_address(&c->handshake.address);
}

static void datagram(struct reader r)
{
	size_t left = reader_left(&r);
	struct socks_address address;

	if (!socks_read_datagram(&r, &address))
		return;
	check_address(&address);
	g_assert(reader_ok(&r) && reader_left(&r) < left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(data, size);
	uint8_t how = reader_u8(&r);
	struct client whole = { 0 }, pieces = { 0 };

	talk(&whole, how & 1, r, size + 1);
	talk(&pieces, how & 1, r, 1u + (how >> 1) % 16u);
	g_assert(whole.handshake.state == pieces.handshake.state && whole.handshake.command == pieces.handshake.command);
	g_assert(writer_len(&whole.out) == writer_len(&pieces.out));
	g_assert(memcmp(whole.answers, pieces.answers, writer_len(&whole.out)) == 0);
	datagram(r);
	return 0;
}
