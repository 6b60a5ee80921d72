/* Fuzzes the debug lines: byte 0 says whether passwords are shown, two more are the protocol, or choose one that is known; the rest is the
 * packet. Whatever it is, the line is plain text, no longer than its bytes account for, and a proper request for PAP shows no password.
 * Coverage: src/ppp/print.c src/ppp/print_auth.c */
#include <glib.h>
#include <string.h>

#include "ppp/ppp.h"
#include "ppp/print.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SHOW = 1, AS_IT_IS = 2 };

/* The longest that one byte may become ("M-^?", "\377", an option's name), and what stands around all of them. */
#define TEXT_PER_BYTE 40
#define TEXT_AROUND 200

static const uint16_t known[] = { PPP_LCP, PPP_PAP, PPP_CHAP, PPP_EAP, PPP_CBCP, PPP_IPCP, PPP_IPV6CP, PPP_CCP, PPP_ECP, PPP_LQR, PPP_COMP };

static void check_line(const char *line, size_t bytes, bool in_brackets)
{
	size_t len = strlen(line);

	g_assert(!in_brackets || (line[0] == '[' && strchr(line, ']')));
	g_assert(len <= TEXT_AROUND + TEXT_PER_BYTE * bytes);
	for (size_t i = 0; i < len; i++)
		g_assert(line[i] >= ' ' && line[i] < 0x7f);
}

/* Where the password of a proper PAP request is, or NULL. */
static const uint8_t *find_password(struct reader r, size_t *len)
{
	size_t whole = reader_left(&r);
	uint8_t code = reader_u8(&r);

	reader_skip(&r, 1);
	size_t inner = reader_u16(&r);
	if (code != 1 || inner < 4 || inner > whole)
		return NULL;
	r = reader_sub(&r, inner - 4);
	reader_skip(&r, reader_u8(&r));
	*len = reader_u8(&r);
	return reader_bytes(&r, *len);
}

/* With another of the same length the line must look the same. */
static void check_hidden(const uint8_t *packet, size_t len, const char *line)
{
	size_t password_len;
	const uint8_t *password = find_password(reader_new(packet, len), &password_len);

	if (!password)
		return;
	uint8_t *other = g_memdup2(packet, len);
	memset(other + (password - packet), 0xa5, password_len);
	GString *again = g_string_new(NULL);
	print_packet(again, PPP_PAP, other, len, false);
	g_assert(strcmp(again->str, line) == 0);
	g_string_free(again, TRUE);
	g_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(data, size);
	uint8_t how = reader_u8(&r);
	uint16_t number = reader_u16(&r);
	uint16_t protocol = how & AS_IT_IS ? number : known[number % G_N_ELEMENTS(known)];
	size_t len = reader_left(&r);
	uint8_t *packet = g_memdup2(reader_bytes(&r, len), len);
	GString *line = g_string_new(NULL);

	print_packet(line, protocol, packet, len, how & SHOW);
	check_line(line->str, len, !(how & AS_IT_IS) && protocol != PPP_COMP);
	if (!(how & SHOW) && protocol == PPP_PAP)
		check_hidden(packet, len, line->str);
	print_protocol_name(number);
	g_string_free(line, TRUE);
	g_free(packet);
	return 0;
}
