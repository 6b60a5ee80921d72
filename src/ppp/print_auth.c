/* Debug lines of PAP, CHAP, EAP and CBCP as pppd prints them (2.4.9, whose EAP lines are the same as later ones). Called by print.c. */
#include "ppp/chap.h"
#include "ppp/eap.h"
#include "ppp/print_internal.h"

#define EAP_REST_MAX 8 /* more bytes that are not understood are not shown */

static void print_message(GString *out, const struct body *body, struct reader *data)
{
	(void)body;
	g_string_append_c(out, ' ');
	print_string(out, data);
}

/* A string after its length. False, and nothing printed or taken, when it is not all there. */
static bool counted(struct reader *data, struct reader *text)
{
	struct reader r = *data;
	size_t length = reader_u8(&r);

	*text = reader_sub(&r, length);
	if (!reader_ok(&r))
		return false;
	*data = r;
	return true;
}

static void print_pap_request(GString *out, const struct body *body, struct reader *data)
{
	struct reader r = *data;
	struct reader user, password;

	if (!counted(&r, &user) || !counted(&r, &password))
		return;
	*data = r;
	g_string_append(out, " user=");
	print_string(out, &user);
	g_string_append(out, " password=");
	if (body->show_password)
		print_string(out, &password);
	else
		g_string_append(out, "<hidden>");
}

static void print_pap_reply(GString *out, const struct body *body, struct reader *data)
{
	struct reader text;

	(void)body;
	if (!counted(data, &text))
		return;
	g_string_append_c(out, ' ');
	print_string(out, &text);
}

static void print_chap_value(GString *out, const struct body *body, struct reader *data)
{
	struct reader value;

	(void)body;
	if (!counted(data, &value))
		return;
	g_string_append(out, " <");
	while (reader_left(&value) > 0)
		g_string_append_printf(out, "%.2x", reader_u8(&value));
	g_string_append(out, ">, name = ");
	print_string(out, data);
}

/* EAP (RFC 3748). */

static const char *eap_type_name(uint8_t type)
{
	static const char *const names[] = {
		NULL, "Identity", "Notification", "Nak", "MD5-Challenge", "OTP", "Generic-Token", NULL, NULL, "RSA", "DSS", "KEA",
		"KEA-Validate", "TLS", "Defender", "Windows 2000", "Arcot", "Cisco", "Nokia", "SRP", NULL, "TTLS", "RAS", "AKA", "3COM",
		"PEAP", "MSCHAPv2",
	};

	return type < G_N_ELEMENTS(names) ? names[type] : NULL;
}

/* WORD and the rest as a string, or what stands for nothing. */
static void print_rest(GString *out, struct reader *data, const char *word, const char *nothing)
{
	if (reader_left(data) == 0) {
		g_string_append(out, nothing);
		return;
	}
	g_string_append(out, word);
	print_string(out, data);
	g_string_append_c(out, '>');
}

static void print_eap_message(GString *out, struct reader *data)
{
	print_rest(out, data, " <Message ", " <No message>");
}

static void print_eap_name(GString *out, struct reader *data)
{
	print_rest(out, data, " <Name ", "");
}

static void print_eap_md5(GString *out, struct reader *data)
{
	struct reader value;

	if (!counted(data, &value)) {
		g_string_append(out, reader_left(data) ? " <truncated>" : " <missing length>");
		return;
	}
	g_string_append(out, " <Value");
	print_bytes(out, &value);
	g_string_append_c(out, '>');
	print_rest(out, data, " <Name ", " <No name>");
}

static void print_eap_nak(GString *out, struct reader *data)
{
	if (reader_left(data) == 0) {
		g_string_append(out, " <missing hint>");
		return;
	}
	uint8_t type = reader_u8(data);
	g_string_append_printf(out, " <Suggested-type %02x", type);
	if (eap_type_name(type))
		g_string_append_printf(out, " (%s)", eap_type_name(type));
	g_string_append_c(out, '>');
}

/* RFC 5216 §3: the flags L, M and S. */
static void print_eap_tls(GString *out, struct reader *data)
{
	bool flags_there = reader_left(data) > 0;
	uint8_t flags = reader_u8(data);

	if (!flags_there)
		return;
	if (flags == 0 && reader_left(data) == 0)
		g_string_append(out, " Ack");
	else
		g_string_append_printf(out, " %c%c%s", flags & 0x80 ? 'L' : '-', flags & 0x40 ? 'M' : '-', flags & 0x20 ? "S" : "- ");
}

static void print_mschapv2_value(GString *out, struct reader *data, const char *word)
{
	struct reader value;

	if (!counted(data, &value))
		return;
	g_string_append_printf(out, " %s <", word);
	while (reader_left(&value) > 0)
		g_string_append_printf(out, "%.2x", reader_u8(&value));
	g_string_append_c(out, '>');
	print_rest(out, data, ", <Name ", ", <No name>");
}

/* EAP-MSCHAPv2's packets have CHAP's codes in a header of their own. The client answers success and failure with the code alone. */
static void print_eap_mschapv2(GString *out, struct reader *data)
{
	static const char *const words[] = { NULL, "Challenge", "Response", "Success", "Failure" };
	struct reader r = *data;
	uint8_t code = reader_u8(&r);
	const char *word = code < G_N_ELEMENTS(words) ? words[code] : NULL;
	bool alone = reader_ok(&r) && reader_left(&r) == 0;

	reader_skip(&r, alone ? 0 : 3);
	if (!word || !reader_ok(&r))
		return;
	*data = r;
	if (code == 1 || code == 2)
		print_mschapv2_value(out, data, word);
	else
		g_string_append_printf(out, " %s", word);
	if (code > 2 && reader_left(data) > 0) {
		struct reader message = *data; /* pppd takes it for not understood all the same */
		print_eap_message(out, &message);
	}
}

static const struct {
	uint8_t type;
	void (*request)(GString *out, struct reader *data);
	void (*response)(GString *out, struct reader *data);
} eap_types[] = {
	{ EAP_IDENTITY, print_eap_message, print_eap_name },
	{ EAP_NOTIFICATION, print_eap_message, NULL },
	{ EAP_NAK, NULL, print_eap_nak },
	{ EAP_MD5, print_eap_md5, print_eap_md5 },
	{ EAP_TLS, print_eap_tls, print_eap_tls },
	{ EAP_MSCHAPV2, print_eap_mschapv2, print_eap_mschapv2 },
};

static void print_eap(GString *out, struct reader *data, bool request)
{
	if (reader_left(data) == 0) {
		g_string_append(out, " <missing type>");
		return;
	}
	uint8_t type = reader_u8(data);
	if (eap_type_name(type))
		g_string_append_printf(out, " %s", eap_type_name(type));
	else
		g_string_append_printf(out, " type=0x%x", type);
	for (size_t i = 0; i < G_N_ELEMENTS(eap_types); i++) {
		if (eap_types[i].type == type && (request ? eap_types[i].request : eap_types[i].response))
			(request ? eap_types[i].request : eap_types[i].response)(out, data);
	}
	if (reader_left(data) > EAP_REST_MAX) {
		g_string_append(out, "...");
		reader_skip(data, reader_left(data));
	}
}

static void print_eap_request(GString *out, const struct body *body, struct reader *data)
{
	(void)body;
	print_eap(out, data, true);
}

static void print_eap_response(GString *out, const struct body *body, struct reader *data)
{
	(void)body;
	print_eap(out, data, false);
}

/* CBCP: type, length, and for some a delay and a number after its address type. */

static void print_callback_option(GString *out, uint8_t type, struct reader *value)
{
	static const char *const names[] = { NULL, "NoCallback", "UserDefined", "AdminDefined", "List" };

	g_string_append(out, " <");
	if (type < G_N_ELEMENTS(names) && names[type])
		g_string_append_printf(out, " %s", names[type]);
	if (reader_left(value) > 0)
		g_string_append_printf(out, " delay = %d", reader_u8(value));
	if (reader_left(value) > 0) {
		reader_skip(value, 1);
		if (reader_left(value) > 0)
			g_string_append(out, " number = ");
		for (uint8_t c; reader_left(value) > 0 && (c = reader_u8(value)) != 0;) {
			struct reader one = reader_new(&c, 1);
			print_visible(out, &one);
		}
	}
	g_string_append_c(out, '>');
}

static void print_callback_options(GString *out, const struct body *body, struct reader *data)
{
	(void)body;
	for (;;) {
		struct reader r = *data;
		uint8_t type = reader_u8(&r);
		uint8_t length = reader_u8(&r);

		if (!reader_ok(&r) || length < 2 || length > reader_left(data))
			return;
		struct reader value = reader_sub(&r, (size_t)length - 2);
		*data = r;
		print_callback_option(out, type, &value);
	}
}

/* The codes. */

const struct code print_pap_codes[AUTH_CODES] = {
	[1] = { "AuthReq", print_pap_request },
	[2] = { "AuthAck", print_pap_reply },
	[3] = { "AuthNak", print_pap_reply },
};

const struct code print_chap_codes[AUTH_CODES] = {
	[1] = { "Challenge", print_chap_value },
	[2] = { "Response", print_chap_value },
	[3] = { "Success", print_message },
	[4] = { "Failure", print_message },
};

const struct code print_eap_codes[AUTH_CODES] = {
	[EAP_REQUEST] = { "Request", print_eap_request },
	[EAP_RESPONSE] = { "Response", print_eap_response },
	[EAP_SUCCESS] = { "Success", NULL },
	[EAP_FAILURE] = { "Failure", NULL },
};

const struct code print_cbcp_codes[AUTH_CODES] = {
	[1] = { "Request", print_callback_options },
	[2] = { "Response", print_callback_options },
	[3] = { "Ack", print_callback_options },
};
