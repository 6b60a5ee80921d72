/* The way of frames and packets through the link: framing (RFC 1662), header compression (VJ) and packet compression (CCP's methods) on the
 * way out, the same backwards on the way in (as Linux's ppp_generic does it). Called by ppp.c and the session.
 *
 * The way of an IP packet is short: from the peer it goes to the session where the decoder put it; to the peer it is encoded straight into
 * the outbuf. VJ writes a new header before the rest of a packet, in either direction, and copies none of that; only what CCP's methods make
 * of a packet lies elsewhere. */
#include "ppp/ppp_internal.h"

#include <glib.h>
#include <string.h>

#include "log.h"
#include "ppp/sync.h"

#define ADDRESS 0xff /* RFC 1662 §3.1 */
#define CONTROL 0x03
#define HEADER_MAX 4 /* address, control, two bytes of protocol */
#define ASYNCMAP_ALL UINT32_C(0xffffffff)
#define IDLE_FLAG CLOCK_SECOND /* after this long a frame begins with a flag of its own */
#define GROWTH 16    /* by which a packet may grow on its way: MPPE's header and both protocol numbers */
#define IP_VERSION_6 6

G_STATIC_ASSERT(PPP_HEADROOM + VJ_HEADROOM <= FRAME_HEADROOM);

/* Debug lines. */

static bool is_echo(uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct reader r = reader_new(packet, len);
	uint8_t code = reader_u8(&r);

	return protocol == PPP_LCP && (code == ECHO_REQUEST || code == ECHO_REPLY);
}

/* As pppd, echoes are worth a line only while the link comes up, or with more than one `debug`. */
static void log_packet(const struct ppp *p, const char *direction, uint16_t protocol, const uint8_t *packet, size_t len)
{
	if (log_debug() < 1 || (log_debug() < 2 && (p->ip_up || p->ipv6_up) && is_echo(protocol, packet, len)))
		return;
	GString *text = g_string_new(NULL);
	print_packet(text, protocol, packet, len, p->config->show_password);
	log_dbg("%s %s", direction, text->str);
	g_string_free(text, TRUE);
}

/* Sending. */

void ppp_init_maps(struct ppp *p)
{
	const struct lcp_config *config = &p->config->lcp;
	struct frame_map *map = &p->default_map;

	for (size_t i = 0; i < G_N_ELEMENTS(config->escape); i++)
		map->bits[i / 4] |= (uint32_t)config->escape[i] << i % 4 * 8;
	map->bits[0] = ASYNCMAP_ALL;
	map->bits[FRAME_FLAG / 32] |= 1u << FRAME_FLAG % 32 | 1u << FRAME_ESCAPE % 32;
}

static void put_header(struct writer *w, uint16_t protocol, bool pcomp, bool accomp)
{
	if (!accomp) {
		writer_u8(w, ADDRESS);
		writer_u8(w, CONTROL);
	}
	if (pcomp && protocol <= UINT8_MAX)
		writer_u8(w, (uint8_t)protocol);
	else
		writer_u16(w, protocol);
}

static void tap(const struct ppp *p, bool sent, uint16_t protocol, const uint8_t *packet, size_t len)
{
	if (p->tap)
		p->tap(p->tap_arg, sent, protocol, packet, len);
}

static size_t encode(struct ppp *p, bool plain, uint8_t *at, const uint8_t *head, size_t head_len, const struct comp_packet *out)
{
	bool flag = plain || p->last_sent == 0 || p->clock->now - p->last_sent > IDLE_FLAG;

	if (p->config->line.sync)
		return sync_encode(at, head, head_len, out->body, out->body_len);
	return frame_encode(at, plain ? &p->default_map : &p->map, flag, head, head_len, out->body, out->body_len);
}

/* PLAIN: as before anything was negotiated; for LCP alone, whose protocol number no compression makes shorter. */
static bool send_frame(struct ppp *p, bool plain, const struct comp_packet *out)
{
	uint8_t head[HEADER_MAX + VJ_HEADER_MAX];
	struct writer w = writer_new(head, sizeof(head));
	uint8_t *at = outbuf_reserve(p->out, frame_encoded_max(HEADER_MAX + out->head_len + out->body_len));

	put_header(&w, out->protocol, p->pcomp, p->accomp && !plain);
	writer_bytes(&w, out->head, out->head_len);
	if (!at || !writer_ok(&w)) {
		p->counters.out_dropped++;
		return false;
	}
	outbuf_commit(p->out, encode(p, plain, at, head, writer_len(&w), out));
	p->last_sent = MAX(p->clock->now, 1);
	p->counters.frames_out++;
	return true;
}

void ppp_send_control(void *arg, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct ppp *p = arg;
	struct reader r = reader_new(packet, len);
	uint8_t code = reader_u8(&r);
	const struct comp_packet out = { .protocol = protocol, .body = packet, .body_len = len };

	if (ppp_is_silent(p))
		return;
	log_packet(p, "sent", protocol, packet, len);
	tap(p, true, protocol, packet, len);
	send_frame(p, protocol == PPP_LCP && code >= CONFIGURE_REQUEST && code <= CODE_REJECT, &out);
}

static void compress_header(struct ppp *p, struct vj_packet *vj, struct comp_packet *out)
{
	vj_send(p->vj_sender, out->body, out->body_len, vj);
	out->protocol = vj->protocol;
	out->head = vj->head;
	out->head_len = vj->head_len;
	out->body += vj->body;
	out->body_len -= vj->body;
}

/* False: the packet must not be sent. */
static bool compress(struct ppp *p, struct comp_packet *out)
{
	const uint8_t *bytes;
	size_t len = ccp_compress(p->ccp, out, &bytes);

	if (len == COMP_REFUSE)
		return false;
	if (len != COMP_PASS)
		*out = (struct comp_packet){ .protocol = PPP_COMP, .body = bytes, .body_len = len };
	return true;
}

/* What the compressors have seen must leave: there has to be room before they are asked. */
static bool send_data(struct ppp *p, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct comp_packet out = { .protocol = protocol, .body = packet, .body_len = len };
	struct vj_packet vj;

	if (!outbuf_reserve(p->out, frame_encoded_max(HEADER_MAX + GROWTH + len))) {
		p->counters.out_dropped++;
		return false;
	}
	if (p->vj_sender && protocol == PPP_IP)
		compress_header(p, &vj, &out);
	if (ccp_sends(p->ccp) && !compress(p, &out))
		return false;
	return send_frame(p, false, &out);
}

bool ppp_send_ip(struct ppp *p, const uint8_t *packet, size_t len)
{
	bool six = len > 0 && packet[0] >> 4 == IP_VERSION_6;
	bool up = six ? p->ipv6_up : p->ip_up;
	uint16_t protocol = six ? PPP_IPV6 : PPP_IP;

	if (!up || len == 0 || len > p->mtu || !send_data(p, protocol, packet, len))
		return false;
	tap(p, true, protocol, packet, len);
	p->counters.packets_out++;
	p->counters.bytes_out += len;
	return true;
}

size_t ppp_encoded_max(size_t len)
{
	return frame_encoded_max(len + HEADER_MAX + GROWTH);
}

/* Header compression. */

void ppp_start_vj(struct ppp *p)
{
	const struct ipcp_vj *ours = &p->ipcp.vj_receive, *theirs = &p->ipcp.vj_send;

	if (theirs->slots > 0)
		p->vj_sender = vj_sender_new(theirs->slots, theirs->compress_id);
	if (ours->slots > 0)
		p->vj_receiver = vj_receiver_new(ours->slots, ours->compress_id);
	p->bad_frames = 0;
}

void ppp_stop_vj(struct ppp *p)
{
	g_clear_pointer(&p->vj_sender, vj_sender_free);
	g_clear_pointer(&p->vj_receiver, vj_receiver_free);
}

/* Receiving. */

static void count_frames(struct ppp *p)
{
	const struct frame_counters *c = &p->decoder.counters;

	p->counters.frames_in = c->good;
	p->counters.errors_fcs = c->fcs;
	p->counters.errors_runt = c->runt;
	p->counters.errors_giant = c->giant;
	p->counters.errors_abort = c->abort;
}

/* RFC 1144 §4.1: after a lost frame the next packets of the same connection may not be what they seem. */
static void tell_vj_of_errors(struct ppp *p)
{
	const struct frame_counters *c = &p->decoder.counters;
	uint64_t bad = c->fcs + c->runt + c->giant + c->abort;

	if (bad != p->bad_frames)
		vj_line_error(p->vj_receiver);
	p->bad_frames = bad;
}

static void got_ip(struct ppp *p, uint16_t protocol, uint8_t *packet, size_t len)
{
	tap(p, false, protocol, packet, len);
	p->counters.packets_in++;
	p->counters.bytes_in += len;
	p->events->ip(p->arg, packet, len);
}

static void got_vj(struct ppp *p, uint16_t protocol, uint8_t *packet, size_t len)
{
	tell_vj_of_errors(p);
	uint8_t *ip = vj_receive(p->vj_receiver, protocol, packet, &len);
	if (ip)
		got_ip(p, PPP_IP, ip, len);
}

/* A packet of a network protocol, as it came or as it was decompressed. False: it is none. */
static bool got_data(struct ppp *p, uint16_t protocol, uint8_t *packet, size_t len)
{
	if ((protocol == PPP_IP && p->ip_up) || (protocol == PPP_IPV6 && p->ipv6_up))
		got_ip(p, protocol, packet, len);
	else if ((protocol == PPP_VJC_COMP || protocol == PPP_VJC_UNCOMP) && p->vj_receiver)
		got_vj(p, protocol, packet, len);
	else
		return false;
	return true;
}

static void got_control(struct ppp *p, uint16_t protocol, const uint8_t *packet, size_t len)
{
	tap(p, false, protocol, packet, len);
	log_packet(p, "rcvd", protocol, packet, len);
	ppp_got_control(p, protocol, packet, len);
}

static bool is_data(uint16_t protocol)
{
	return protocol < 0x4000;
}

/* Control packets do not come compressed, as Linux's never do: one that closed CCP would take its own bytes away. */
static void got_compressed(struct ppp *p, const uint8_t *bytes, size_t len)
{
	uint16_t protocol;
	uint8_t *packet = ccp_decompress(p->ccp, bytes, len, &protocol, &len);

	if (!packet) {
		if (p->vj_receiver)
			vj_line_error(p->vj_receiver);
	} else if (!is_data(protocol)) {
		log_dbg("discarding compressed packet of proto 0x%x", protocol);
	} else if (!got_data(p, protocol, packet, len)) {
		got_control(p, protocol, packet, len);
	}
}

/* Nothing but control packets may come in the clear where encryption is required. */
static bool may_pass(struct ppp *p, uint16_t protocol, const uint8_t *packet, size_t len)
{
	return !is_data(protocol) || !ccp_receives(p->ccp) || ccp_saw(p->ccp, protocol, packet, len);
}

static void got_packet(struct ppp *p, uint16_t protocol, uint8_t *packet, size_t len)
{
	if (protocol == PPP_COMP && ccp_receives(p->ccp))
		got_compressed(p, packet, len);
	else if (may_pass(p, protocol, packet, len) && !got_data(p, protocol, packet, len))
		got_control(p, protocol, packet, len);
}

/* Address and control bytes may be there or not, the protocol may be one byte or two, whatever was negotiated (RFC 1662 §3.2). */
static void got_frame(void *arg, uint8_t *frame, size_t len)
{
	struct ppp *p = arg;
	struct reader r = reader_new(frame, len);

	if (reader_u8(&r) != ADDRESS || reader_u8(&r) != CONTROL)
		r = reader_new(frame, len);
	uint16_t protocol = reader_u8(&r);
	if (!(protocol & 1))
		protocol = (uint16_t)(protocol << 8 | reader_u8(&r));
	size_t left = reader_left(&r);
	if (!reader_ok(&r) || !(protocol & 1) || ppp_is_silent(p) || p->finished)
		return;
	uint8_t *packet = frame + (len - left);
	if (p->delay.armed)
		ppp_end_delay(p);
	got_packet(p, protocol, packet, left);
}

void ppp_input(struct ppp *p, const uint8_t *bytes, size_t len)
{
	if (ppp_is_silent(p))
		return;
	ppp_enter(p);
	if (p->config->line.sync) {
		sync_decode(&p->decoder, p->clock->now, bytes, len, got_frame, p);
	} else {
		line_test_bytes(&p->line_test, bytes, len);
		frame_decode(&p->decoder, bytes, len, got_frame, p);
	}
	count_frames(p);
	ppp_leave(p);
}
