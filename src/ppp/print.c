/* Debug lines that show packets as pppd prints them. Called by ppp.c with every control packet, sent or received, and by
 * cp.c.
 *
 * A protocol is a row of `protocols`, its codes are rows of a table of their own (those of authentication are in print_auth.c), its
 * Configure options are those that it negotiates (lcp_options.c, ipcp_options.c, …). */
#include "ppp/print_internal.h"

#include "ppp/ccp.h"
#include "ppp/ipcp.h"
#include "ppp/ipv6cp.h"
#include "ppp/lcp.h"
#include "ppp/ppp.h"

#define REST_MAX 32 /* bytes shown of what is not understood */
#define DATA_MAX 8  /* and of a network protocol's packet */

/* Values. */

const char *print_ip(char text[PRINT_ADDRESS_MAX], uint32_t address)
{
	g_snprintf(text, PRINT_ADDRESS_MAX, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff,
		   address & 0xff);
	return text;
}

void print_u16(GString *out, struct reader *value)
{
	g_string_append_printf(out, " %u", reader_u16(value));
}

void print_hex(GString *out, struct reader *value)
{
	g_string_append_printf(out, " 0x%x", reader_u32(value));
}

void print_address(GString *out, struct reader *value)
{
	char text[PRINT_ADDRESS_MAX];

	g_string_append_printf(out, " %s", print_ip(text, reader_u32(value)));
}

void print_addresses(GString *out, struct reader *value)
{
	print_address(out, value);
	print_address(out, value);
}

void print_bytes(GString *out, struct reader *value)
{
	while (reader_left(value) > 0)
		g_string_append_printf(out, " %.2x", reader_u8(value));
}

void print_some(GString *out, struct reader *rest, size_t max)
{
	struct reader some = reader_sub(rest, MIN(reader_left(rest), max));

	print_bytes(out, &some);
	if (reader_left(rest) > 0)
		g_string_append(out, " ...");
}

static void print_char(GString *out, uint8_t c)
{
	static const char escapes[] = "\nn\rr\tt\"\"\\\\";

	for (const char *e = escapes; *e; e += 2) {
		if ((uint8_t)e[0] == c) {
			g_string_append_printf(out, "\\%c", e[1]);
			return;
		}
	}
	if (c >= ' ' && c < 0x7f)
		g_string_append_c(out, (char)c);
	else
		g_string_append_printf(out, "\\%.3o", c);
}

void print_string(GString *out, struct reader *text)
{
	g_string_append_c(out, '"');
	while (reader_left(text) > 0)
		print_char(out, reader_u8(text));
	g_string_append_c(out, '"');
}

void print_visible(GString *out, struct reader *text)
{
	while (reader_left(text) > 0) {
		uint8_t c = reader_u8(text);
		if (c & 0x80)
			g_string_append(out, "M-");
		c &= 0x7f;
		if (c < ' ' || c == 0x7f)
			g_string_append_printf(out, "^%c", c ^ 0x40);
		else
			g_string_append_c(out, (char)c);
	}
}

static const struct print_option *find_negotiated(const struct cp_options *options, uint8_t type)
{
	for (unsigned i = 0; i < options->n; i++) {
		if (options->rows[i].p.type == type)
			return &options->rows[i].p;
	}
	return NULL;
}

static const struct print_option *find_lcp(uint8_t type)
{
	return find_negotiated(&lcp_options, type);
}

static const struct print_option *find_ipcp(uint8_t type)
{
	return find_negotiated(&ipcp_options, type);
}

static const struct print_option *find_ipv6cp(uint8_t type)
{
	return find_negotiated(&ipv6cp_options, type);
}

static const struct print_option *find_ccp(uint8_t type)
{
	return find_negotiated(&ccp_options, type);
}

/* Bodies of packets: what is left in DATA is printed as bytes. */

static void print_option(GString *out, const struct body *body, struct reader option)
{
	struct reader value = option;
	size_t len = reader_left(&option);
	const struct print_option *row = body->find_option ? body->find_option(reader_u8(&value)) : NULL;

	g_string_append(out, " <");
	if (!row || len < row->min || len > row->max) {
		print_bytes(out, &option);
	} else {
		g_string_append(out, row->name);
		reader_skip(&value, 1);
		if (row->print)
			row->print(out, &value);
		print_bytes(out, &value);
	}
	g_string_append_c(out, '>');
}

static void print_options(GString *out, const struct body *body, struct reader *data)
{
	for (;;) {
		struct reader r = *data;
		reader_skip(&r, 1);
		uint8_t length = reader_u8(&r);
		if (!reader_ok(&r) || length < CP_OPTION_HEADER || length > reader_left(data))
			return;
		print_option(out, body, reader_sub(data, length));
	}
}

static void print_text(GString *out, const struct body *body, struct reader *data)
{
	(void)body;
	if (reader_left(data) == 0)
		return;
	g_string_append_c(out, ' ');
	print_string(out, data);
}

/* pppd's CCP forgets the blank. */
static void print_text_close(GString *out, const struct body *body, struct reader *data)
{
	(void)body;
	if (reader_left(data) > 0)
		print_string(out, data);
}

static bool print_magic(GString *out, struct reader *data)
{
	if (reader_left(data) < 4)
		return false;
	g_string_append_printf(out, " magic=0x%x", reader_u32(data));
	return true;
}

static void print_echo(GString *out, const struct body *body, struct reader *data)
{
	(void)body;
	print_magic(out, data);
}

static void print_ident(GString *out, const struct body *body, struct reader *data)
{
	if (print_magic(out, data))
		print_text(out, body, data);
}

static void print_time_remaining(GString *out, const struct body *body, struct reader *data)
{
	if (reader_left(data) < 8)
		return;
	print_magic(out, data);
	g_string_append_printf(out, " seconds=%u", reader_u32(data));
	print_text(out, body, data);
}

/* Codes, by number. */

#define CONFIGURE_CODES(text) \
	[CONFIGURE_REQUEST] = { "ConfReq", print_options }, \
	[CONFIGURE_ACK] = { "ConfAck", print_options }, \
	[CONFIGURE_NAK] = { "ConfNak", print_options }, \
	[CONFIGURE_REJECT] = { "ConfRej", print_options }, \
	[TERMINATE_REQUEST] = { "TermReq", text }, \
	[TERMINATE_ACK] = { "TermAck", text }, \
	[CODE_REJECT] = { "CodeRej", NULL }

static const struct code lcp_codes[] = {
	CONFIGURE_CODES(print_text),
	[PROTOCOL_REJECT] = { "ProtRej", NULL },
	[ECHO_REQUEST] = { "EchoReq", print_echo },
	[ECHO_REPLY] = { "EchoRep", print_echo },
	[DISCARD_REQUEST] = { "DiscReq", print_echo },
	[IDENTIFICATION] = { "Ident", print_ident },
	[TIME_REMAINING] = { "TimeRem", print_time_remaining },
};

static const struct code ncp_codes[] = { CONFIGURE_CODES(print_text) };

static const struct code ccp_codes[] = {
	CONFIGURE_CODES(print_text_close),
	[14] = { "ResetReq", NULL },
	[15] = { "ResetAck", NULL },
};

#define CODES(table) table, G_N_ELEMENTS(table)

static const struct protocol {
	uint16_t number;
	const char *name;
	const struct code *codes;
	size_t n_codes;
	find_fn *find_option;
} protocols[] = {
	{ PPP_LCP, "LCP", CODES(lcp_codes), find_lcp },
	{ PPP_PAP, "PAP", CODES(print_pap_codes), NULL },
	{ PPP_CHAP, "CHAP", CODES(print_chap_codes), NULL },
	{ PPP_CBCP, "CBCP", CODES(print_cbcp_codes), NULL },
	{ PPP_IPCP, "IPCP", CODES(ncp_codes), find_ipcp },
	{ PPP_IPV6CP, "IPV6CP", CODES(ncp_codes), find_ipv6cp },
	{ PPP_CCP, "CCP", CODES(ccp_codes), find_ccp },
	{ PPP_ECP, "ECP", CODES(ccp_codes), NULL },
	{ PPP_EAP, "EAP", CODES(print_eap_codes), NULL },
};

static const struct {
	uint16_t number;
	const char *name;
} data_protocols[] = {
	{ PPP_IP, "IP" },
	{ PPP_IPV6, "IPV6" },
	{ PPP_COMP, "Compressed" },
	{ 0x0053, "Encrypted" },
};

/* The packet inside its header's length; what is behind that stays in R. False when there is none. */
static bool print_code(GString *out, const struct protocol *protocol, bool show_password, struct reader *r)
{
	struct reader in = *r;
	uint8_t code = reader_u8(&in);
	uint8_t id = reader_u8(&in);
	uint16_t length = reader_u16(&in);
	const struct body body = { protocol->find_option, show_password };
	const struct code *row = code < protocol->n_codes && protocol->codes[code].name ? &protocol->codes[code] : NULL;

	if (!reader_ok(&in) || length < CP_HEADER || length > reader_left(r))
		return false;
	in = reader_sub(r, length);
	reader_skip(&in, CP_HEADER);
	if (row)
		g_string_append_printf(out, " %s id=0x%x", row->name, id);
	else
		g_string_append_printf(out, " code=0x%x id=0x%x", code, id);
	if (row && row->body)
		row->body(out, &body, &in);
	print_some(out, &in, REST_MAX);
	return true;
}

static bool print_data(GString *out, uint16_t protocol, struct reader *r)
{
	for (size_t i = 0; i < G_N_ELEMENTS(data_protocols); i++) {
		if (data_protocols[i].number == protocol) {
			g_string_append_printf(out, "[%s data]", data_protocols[i].name);
			print_some(out, r, DATA_MAX);
			return true;
		}
	}
	return false;
}

void print_packet(GString *out, uint16_t protocol, const uint8_t *packet, size_t len, bool show_password)
{
	struct reader r = reader_new(packet, len);
	size_t i = 0;

	while (i < G_N_ELEMENTS(protocols) && protocols[i].number != protocol)
		i++;
	if (i < G_N_ELEMENTS(protocols)) {
		g_string_append_printf(out, "[%s", protocols[i].name);
		print_code(out, &protocols[i], show_password, &r);
		g_string_append_c(out, ']');
	} else if (print_data(out, protocol, &r)) {
		return;
	} else {
		g_string_append_printf(out, "[proto=0x%x]", protocol);
	}
	print_some(out, &r, REST_MAX);
}

const char *print_protocol_name(uint16_t protocol)
{
	static const struct {
		uint16_t number;
		const char *name;
	} names[] = {
		{ 0x0021, "IP" },
		{ 0x0029, "Appletalk" },
		{ 0x002b, "Novell IPX" },
		{ 0x002d, "VJ compressed TCP/IP" },
		{ 0x002f, "VJ uncompressed TCP/IP" },
		{ 0x0031, "Bridging PDU" },
		{ 0x003d, "Multi-Link" },
		{ 0x003f, "NETBIOS Framing" },
		{ 0x0053, "Encryption" },
		{ 0x0057, "IPv6" },
		{ 0x00fd, "1st choice compression" },
		{ 0x8021, "Internet Protocol Control Protocol" },
		{ 0x8029, "Appletalk Control Protocol" },
		{ 0x802b, "Novell IPX Control Protocol" },
		{ 0x8031, "Bridging NCP" },
		{ 0x803f, "NetBIOS Framing Control Protocol" },
		{ 0x8053, "Encryption Control Protocol" },
		{ 0x8057, "IPv6 Control Protocol" },
		{ 0x80fd, "Compression Control Protocol" },
		{ 0x8281, "MPLS Control Protocol" },
		{ 0xc021, "Link Control Protocol" },
		{ 0xc023, "Password Authentication Protocol" },
		{ 0xc025, "Link Quality Report" },
		{ 0xc029, "CallBack Control Protocol" },
		{ 0xc02b, "Bandwidth Allocation Control Protocol" },
		{ 0xc02d, "Bandwidth Allocation Protocol" },
		{ 0xc223, "Challenge Handshake Authentication Protocol" },
		{ 0xc227, "Extensible Authentication Protocol" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (names[i].number == protocol)
			return names[i].name;
	}
	return NULL;
}
