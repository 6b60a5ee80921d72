/* IPV6CP's Configure options (RFC 5072 §4) as a table: the interface identifier; compression is refused. Used by cp.c. Verdicts are pppd's,
 * but an identifier of the peer's that is not the one given for it is refused each time, not once, as IPCP does with addresses. */
#include <glib.h>

#include "ppp/ipv6cp.h"

#define IDENTIFIER_LENGTH 8
#define UNIVERSAL (UINT64_C(1) << 57) /* the u bit: a chosen identifier is not known to be unique in the world (§4.1) */
#define GROUP (UINT64_C(1) << 56)

static struct ipv6cp *ipv6cp_of(struct cp *cp)
{
	return (struct ipv6cp *)cp;
}

static uint64_t read_identifier(struct reader *value)
{
	uint64_t high = reader_u32(value);

	return high << 32 | reader_u32(value);
}

static void write_identifier(struct writer *value, uint64_t identifier)
{
	writer_u32(value, (uint32_t)(identifier >> 32));
	writer_u32(value, (uint32_t)identifier);
}

/* An identifier by chance that is none of these. */
static uint64_t choose(uint64_t a, uint64_t b)
{
	uint64_t identifier = 0;

	while (identifier == 0 || identifier == a || identifier == b)
		identifier = ((uint64_t)g_random_int() << 32 | g_random_int()) & ~(UNIVERSAL | GROUP);
	return identifier;
}

static bool local_is_firm(const struct ipv6cp *ipv6cp)
{
	return ipv6cp->wanted_local != 0 && !ipv6cp->config->accept_local;
}

static bool remote_is_firm(const struct ipv6cp *ipv6cp)
{
	return ipv6cp->wanted_remote != 0 && !ipv6cp->config->accept_remote;
}

void ipv6cp_reset(struct cp *cp)
{
	struct ipv6cp *ipv6cp = ipv6cp_of(cp);
	const struct ipv6cp_config *config = ipv6cp->config;

	ipv6cp->remote = ipv6cp->wanted_remote;
	ipv6cp->local = ipv6cp->wanted_local ? ipv6cp->wanted_local : choose(ipv6cp->remote, 0);
	ipv6cp->ask = !config->nosend;
	ipv6cp->request_remote = !config->nosend && !config->noremote;
	ipv6cp->disputed = false;
	ipv6cp_forget(cp);
}

void ipv6cp_forget(struct cp *cp)
{
	ipv6cp_of(cp)->has_remote = false;
	ipv6cp_of(cp)->peer = 0;
}

/* A peer that names no identifier is Nak'ed with one, once, or told to name one by zero. */
bool ipv6cp_missing(struct cp *cp, struct writer *better)
{
	struct ipv6cp *ipv6cp = ipv6cp_of(cp);

	if (ipv6cp->has_remote || !ipv6cp->request_remote)
		return false;
	ipv6cp->request_remote = false;
	writer_u8(better, IPV6CP_OPTION_IDENTIFIER);
	writer_u8(better, CP_OPTION_HEADER + IDENTIFIER_LENGTH);
	write_identifier(better, ipv6cp->remote);
	return true;
}

static bool ask_identifier(struct cp *cp, struct writer *value)
{
	write_identifier(value, ipv6cp_of(cp)->local);
	return ipv6cp_of(cp)->ask;
}

static enum cp_verdict agree(struct ipv6cp *ipv6cp, uint64_t identifier)
{
	ipv6cp->remote = ipv6cp->peer = identifier;
	ipv6cp->disputed = false;
	return CP_ACK;
}

static enum cp_verdict refuse(struct ipv6cp *ipv6cp, bool disputed, struct writer *better)
{
	if (ipv6cp->remote == 0 || (ipv6cp->remote == ipv6cp->local && !remote_is_firm(ipv6cp)))
		ipv6cp->remote = choose(ipv6cp->local, 0);
	ipv6cp->disputed = disputed;
	write_identifier(better, ipv6cp->remote);
	return CP_NAK;
}

/* Zero, and ours, are not to be had (§4.1). */
static enum cp_verdict judge_identifier(struct cp *cp, struct reader *value, struct writer *better)
{
	struct ipv6cp *ipv6cp = ipv6cp_of(cp);
	uint64_t identifier = read_identifier(value);

	ipv6cp->has_remote = true;
	if (remote_is_firm(ipv6cp) && identifier != ipv6cp->remote)
		return refuse(ipv6cp, identifier != 0, better);
	if (identifier == 0 || identifier == ipv6cp->local)
		return refuse(ipv6cp, identifier != 0, better);
	return agree(ipv6cp, identifier);
}

/* A Nak with zero, or with the peer's own, asks us to choose anew. One of what we did not ask for is complied with, as pppd does. */
static void nak_identifier(struct cp *cp, struct reader *value, bool asked)
{
	struct ipv6cp *ipv6cp = ipv6cp_of(cp);
	uint64_t identifier = read_identifier(value);

	(void)asked;
	ipv6cp->ask = true;
	if (local_is_firm(ipv6cp))
		return;
	if (identifier == 0 || identifier == ipv6cp->remote)
		identifier = choose(ipv6cp->remote, ipv6cp->local);
	ipv6cp->local = identifier;
}

/* A Nak that wants compression is heard and not followed. */
static void nak_compression(struct cp *cp, struct reader *value, bool asked)
{
	(void)cp;
	(void)value;
	(void)asked;
}

static void print_identifier(GString *out, struct reader *value)
{
	char text[IPV6CP_TEXT_MAX];

	g_string_append_printf(out, " %s", ipv6cp_text(text, read_identifier(value)));
}

static void print_protocol(GString *out, struct reader *value)
{
	g_string_append_printf(out, " 0x%x", reader_u16(value));
}

/* clang-format off */
static const struct cp_option rows[] = {
	{ { IPV6CP_OPTION_IDENTIFIER,  10, 10,  "addr",     print_identifier }, ask_identifier, judge_identifier, nak_identifier,  false },
	{ { IPV6CP_OPTION_COMPRESSION, 4,  255, "compress", print_protocol   }, NULL,           NULL,             nak_compression, false },
};
/* clang-format on */

const struct cp_options ipv6cp_options = { rows, G_N_ELEMENTS(rows) };
