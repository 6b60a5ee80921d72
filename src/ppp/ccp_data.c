/* Packets through CCP's methods, and what becomes of those that cannot be decompressed (RFC 1962 §5.1 to §5.3). Called by ppp.c, and by
 * ccp.c for Reset-Requests and -Acks.
 *
 * As pppd and Linux: after an error nothing is decompressed until the Reset-Ack; one Reset-Request is out at a time, and repeated after a
 * second if more packets were lost. An error that a reset does not mend closes CCP. */
#include <glib.h>
#include <string.h>

#include "log.h"
#include "ppp/ccp_internal.h"
#include "ppp/ppp.h"
#include "ppp/vj.h"

#define RESET_TIMEOUT CLOCK_SECOND
#define HEADROOM (PPP_HEADROOM + VJ_HEADROOM)
#define PROTOCOL_LEN 2
#define GROWTH 16 /* comp.h: more room than the packet has */

#define NETWORK_FIRST 0x0021 /* RFC 3078 §4: what is encrypted, from this */
#define NETWORK_LAST 0x00fa  /* to this */
#define LINK_FIRST 0xc000    /* LCP and authentication */

static const struct comp_method *const methods[] = { &comp_deflate, &comp_deflate_draft, &comp_bsd, &comp_mppe };

static const struct comp_method *find_method(uint8_t type)
{
	for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
		if (methods[i]->type == type)
			return methods[i];
	}
	return NULL;
}

void ccp_stop(struct ccp_way *way)
{
	if (way->comp)
		way->method->close(way->comp);
	g_free(way->buffer);
	*way = (struct ccp_way){ 0 };
}

void ccp_start(struct ccp *ccp, struct ccp_way *way, const struct ccp_choice *choice)
{
	const struct comp_options options = {
		.value = choice->value,
		.len = choice->len,
		.mru = ccp->mru,
		.sending = way == &ccp->sender,
		.keys = ccp->keys,
	};

	ccp_stop(way);
	way->method = find_method(choice->type);
	way->comp = way->method ? way->method->open(&options) : NULL;
	if (!way->comp)
		return;
	way->choice = *choice;
	ccp_method_name(way->name, choice, choice);
	if (!options.sending) {
		way->size = PROTOCOL_LEN + ccp->mru + 1; /* one more, so that a packet that is too large shows */
		way->buffer = g_malloc(HEADROOM + way->size);
	}
}

/* What may leave or come in the clear where MPPE is required: Linux encrypts nothing but the network's packets. */
static bool may_be_clear(const struct ccp *ccp, uint16_t protocol)
{
	if (ccp->cp.state == STATE_OPENED)
		return protocol < NETWORK_FIRST || protocol > NETWORK_LAST;
	return protocol >= LINK_FIRST || protocol == PPP_CCP;
}

unsigned ccp_overhead(const struct ccp *ccp)
{
	return ccp_must_encrypt(ccp) ? 4 : 0;
}

static const char *name_of(const struct ccp *ccp, const struct ccp_way *way)
{
	return way->comp && ccp->cp.state == STATE_OPENED ? way->name : NULL;
}

const char *ccp_send_name(const struct ccp *ccp)
{
	return name_of(ccp, &ccp->sender);
}

const char *ccp_receive_name(const struct ccp *ccp)
{
	return name_of(ccp, &ccp->receiver);
}

/* Sending. */

static bool is_sending(const struct ccp *ccp)
{
	return ccp->sender.comp && ccp->cp.state == STATE_OPENED;
}

bool ccp_sends(const struct ccp *ccp)
{
	return is_sending(ccp) || ccp_must_encrypt(ccp);
}

/* Packets are no larger than the peer's MRU: it does not grow without end. */
static void make_room(struct ccp_way *way, const struct comp_packet *packet)
{
	size_t size = PROTOCOL_LEN + packet->head_len + packet->body_len + GROWTH;

	if (size <= way->size)
		return;
	way->buffer = g_realloc(way->buffer, size);
	way->size = size;
}

size_t ccp_compress(struct ccp *ccp, const struct comp_packet *packet, const uint8_t **out)
{
	struct ccp_way *way = &ccp->sender;
	bool clear = !ccp_must_encrypt(ccp) || may_be_clear(ccp, packet->protocol);
	size_t len = COMP_PASS;

	if (is_sending(ccp) && packet->protocol != PPP_LCP && packet->protocol != PPP_CCP) {
		make_room(way, packet);
		len = way->method->compress(way->comp, packet, way->buffer, way->size);
	}
	*out = way->buffer;
	return len == COMP_PASS && !clear ? COMP_REFUSE : len;
}

void ccp_reset_requested(struct ccp *ccp)
{
	struct cp *cp = &ccp->cp;

	if (ccp->sender.comp)
		ccp->sender.method->reset(ccp->sender.comp);
	cp_send(cp, CCP_RESET_ACK, cp->in.id, NULL, 0);
}

/* Receiving. */

static bool is_receiving(const struct ccp *ccp)
{
	return ccp->receiver.comp && ccp->cp.state >= STATE_REQ_SENT;
}

bool ccp_receives(const struct ccp *ccp)
{
	return is_receiving(ccp) || ccp_must_encrypt(ccp);
}

static void send_reset_request(struct ccp *ccp)
{
	cp_send(&ccp->cp, CCP_RESET_REQUEST, ccp->reset_id, NULL, 0);
	timer_set(&ccp->reset, RESET_TIMEOUT);
	ccp->repeat = false;
}

void ccp_reset_expired(void *arg)
{
	struct ccp *ccp = arg;

	if (!ccp->repeat || ccp->cp.state != STATE_OPENED)
		return;
	ccp->cp.host->enter(ccp->cp.host_arg);
	send_reset_request(ccp);
	ccp->cp.host->leave(ccp->cp.host_arg);
}

/* Whatever was asked, the peer has reset its sender. */
void ccp_reset_acked(struct ccp *ccp)
{
	if (ccp->reset.armed && ccp->cp.in.id == ccp->reset_id) {
		timer_stop(&ccp->reset);
		ccp->repeat = false;
	}
	if (!ccp->receiver.comp || ccp->trouble == COMP_FATAL)
		return;
	ccp->receiver.method->reset(ccp->receiver.comp);
	ccp->trouble = COMP_OK;
}

static void ask_for_reset(struct ccp *ccp)
{
	if (ccp->reset.armed) {
		ccp->repeat = true;
		return;
	}
	ccp->reset_id = cp_next_id(&ccp->cp);
	send_reset_request(ccp);
}

static void give_up(struct ccp *ccp)
{
	log_error("Lost compression sync: disabling compression");
	cp_close(&ccp->cp, "Lost compression sync");
	if (!ccp_must_encrypt(ccp))
		return;
	log_error("Too many MPPE errors, closing LCP");
	ccp_fail(ccp, "Too many MPPE errors");
}

/* A compressed packet is lost. Until the protocol is up that cannot be helped. */
static void lost(struct ccp *ccp)
{
	if (ccp->cp.state != STATE_OPENED)
		return;
	if (ccp->trouble == COMP_FATAL)
		give_up(ccp);
	else
		ask_for_reset(ccp);
}

/* What was in a packet begins with its protocol number. Linux takes one byte for that whatever was negotiated, and so does this. */
static enum comp_result split(const struct ccp *ccp, size_t total, uint16_t *protocol, size_t *len)
{
	struct reader r = reader_new(ccp->receiver.buffer + HEADROOM, total);

	*protocol = reader_u8(&r);
	if (!(*protocol & 1))
		*protocol = (uint16_t)(*protocol << 8 | reader_u8(&r));
	*len = reader_left(&r);
	if (!reader_ok(&r))
		return COMP_ERROR;
	if (*len > ccp->mru)
		return COMP_FATAL;
	return *protocol & 1 && *protocol != PPP_COMP ? COMP_OK : COMP_DROP;
}

/* MPPE says in each packet whether it can be read without those before it (RFC 3078 §4.4), and needs no Reset-Ack. */
static bool is_blocked(const struct ccp *ccp)
{
	return ccp->trouble == COMP_FATAL || (ccp->trouble == COMP_ERROR && !ccp->receiver.method->encrypts);
}

uint8_t *ccp_decompress(struct ccp *ccp, const uint8_t *in, size_t len, uint16_t *protocol, size_t *out_len)
{
	struct ccp_way *way = &ccp->receiver;
	size_t total = 0;

	if (!is_receiving(ccp))
		return NULL;
	if (is_blocked(ccp)) {
		lost(ccp);
		return NULL;
	}
	enum comp_result result = way->method->decompress(way->comp, in, len, way->buffer + HEADROOM, way->size, &total);
	if (result == COMP_OK)
		result = split(ccp, total, protocol, out_len);
	if (result == COMP_DROP)
		return NULL;
	ccp->trouble = result;
	if (result == COMP_OK)
		return way->buffer + HEADROOM + (total - *out_len);
	lost(ccp);
	return NULL;
}

bool ccp_saw(struct ccp *ccp, uint16_t protocol, const uint8_t *packet, size_t len)
{
	const struct ccp_way *way = &ccp->receiver;

	if (ccp_must_encrypt(ccp) && !may_be_clear(ccp, protocol))
		return false;
	if (is_receiving(ccp) && ccp->trouble == COMP_OK && way->method->saw)
		way->method->saw(way->comp, protocol, packet, len);
	return true;
}
