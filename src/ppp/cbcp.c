/* CBCP as a client; see cbcp.h. Called by ppp.c. A server's request lists what it offers, our response takes the first of: a number that
 * we name, a number that it knows, no callback. */
#include "ppp/cbcp.h"

#include <string.h>

#include "log.h"
#include "ppp/cp.h"
#include "ppp/ppp.h"
#include "reader.h"
#include "writer.h"

enum cbcp_code { CBCP_REQUEST = 1, CBCP_RESPONSE = 2, CBCP_ACK = 3 };
enum cbcp_type { CBCP_NONE = 1, CBCP_USER = 2, CBCP_ADMIN = 3, CBCP_LIST = 4 };

#define ADDRESS_PSTN 1
#define DELAY 5 /* seconds */
#define NUMBER_MAX 200
#define PACKET_MAX 255

void cbcp_init(struct cbcp *cbcp, const char *number, const struct cbcp_events *events, void *arg)
{
	*cbcp = (struct cbcp){ .number = number, .events = events, .arg = arg };
}

void cbcp_begin(struct cbcp *cbcp)
{
	cbcp->up = true;
}

void cbcp_end(struct cbcp *cbcp)
{
	cbcp->up = false;
}

/* The offers, a bit for each type. */
static unsigned offers(struct reader *options)
{
	unsigned offered = 0;

	while (reader_left(options) >= CP_OPTION_HEADER) {
		uint8_t type = reader_u8(options);
		uint8_t length = reader_u8(options);

		if (length < CP_OPTION_HEADER)
			break;
		reader_skip(options, length - CP_OPTION_HEADER);
		if (reader_ok(options) && type <= CBCP_LIST)
			offered |= 1u << type;
	}
	return offered;
}

static void put_user(struct writer *w, const char *number)
{
	size_t len = MIN(strlen(number), NUMBER_MAX);

	writer_u8(w, CBCP_USER);
	writer_u8(w, (uint8_t)(CP_OPTION_HEADER + 2 + len + 1));
	writer_u8(w, DELAY);
	writer_u8(w, ADDRESS_PSTN);
	writer_bytes(w, number, len);
	writer_u8(w, 0);
}

static void put_plain(struct writer *w, enum cbcp_type type, uint8_t delay)
{
	writer_u8(w, (uint8_t)type);
	writer_u8(w, CP_OPTION_HEADER + 1);
	writer_u8(w, delay);
}

static void respond(struct cbcp *cbcp, uint8_t id, enum cbcp_type type)
{
	uint8_t packet[PACKET_MAX];
	struct writer w = writer_new(packet, sizeof(packet));

	writer_u8(&w, CBCP_RESPONSE);
	writer_u8(&w, id);
	writer_u16(&w, 0);
	if (type == CBCP_USER)
		put_user(&w, cbcp->number);
	else
		put_plain(&w, type, type == CBCP_ADMIN ? DELAY : 0);
	writer_patch_u16(&w, 2, (uint16_t)writer_len(&w));
	cbcp->events->send(cbcp->arg, PPP_CBCP, packet, writer_len(&w));
}

static void got_request(struct cbcp *cbcp, uint8_t id, struct reader options)
{
	unsigned offered = offers(&options);

	if (offered & 1u << CBCP_USER) {
		respond(cbcp, id, CBCP_USER);
	} else if (offered & 1u << CBCP_ADMIN) {
		respond(cbcp, id, CBCP_ADMIN);
	} else if (offered & 1u << CBCP_NONE) {
		respond(cbcp, id, CBCP_NONE);
		cbcp->events->go_on(cbcp->arg);
	} else {
		log_warn("CBCP: the server offers no kind of callback that is known here");
	}
}

static void got_ack(struct cbcp *cbcp, struct reader options)
{
	uint8_t type = reader_u8(&options);

	if (reader_ok(&options) && type == CBCP_NONE)
		cbcp->events->go_on(cbcp->arg);
	else
		cbcp->events->call_back(cbcp->arg);
}

void cbcp_input(struct cbcp *cbcp, const uint8_t *packet, size_t len)
{
	struct reader r = reader_new(packet, len);
	uint8_t code = reader_u8(&r);
	uint8_t id = reader_u8(&r);
	uint16_t length = reader_u16(&r);

	if (!reader_ok(&r) || length < CP_HEADER || !cbcp->up) {
		log_dbg("CBCP: packet discarded");
		return;
	}
	struct reader options = reader_sub(&r, (size_t)length - CP_HEADER);
	if (!reader_ok(&options))
		log_dbg("CBCP: malformed packet discarded");
	else if (code == CBCP_REQUEST)
		got_request(cbcp, id, options);
	else if (code == CBCP_ACK)
		got_ack(cbcp, options);
}
