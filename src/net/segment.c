/* Packets cut into smaller ones; see segment.h. tun calls this for what it reads, slirp for what is larger than the link's MTU. */
#include "net/segment.h"

#include <string.h>

#include "reader.h"
#include "writer.h"

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_COPIED = 0x80 };

/* Writes length, identification and fragment field (bytes 2 to 7) of an IP header, and its checksum. */
static void set_header(uint8_t *data, size_t header, size_t total, uint16_t id, uint16_t fragment)
{
	struct writer w = writer_new(data + 2, 6);

	writer_u16(&w, (uint16_t)total);
	writer_u16(&w, id);
	writer_u16(&w, fragment);
	packet_complete_header(data, header);
}

/* The header of fragments after the first: only options whose copied flag is set are in it (RFC 791 §3.1). Returns its length. */
static size_t later_header(uint8_t *buf, const struct packet *p)
{
	struct reader r = reader_new(p->data, p->header);
	struct writer w = writer_new(buf, IPV4_HEADER_MAX);

	writer_bytes(&w, reader_bytes(&r, IPV4_HEADER), IPV4_HEADER);
	while (reader_left(&r) > 0) {
		const uint8_t *option = r.at;
		uint8_t kind = reader_u8(&r);

		if (kind == OPTION_END)
			break;
		if (kind == OPTION_NOP)
			continue;
		uint8_t len = reader_u8(&r);
		if (len < 2 || !reader_bytes(&r, len - 2u))
			break;
		if (kind & OPTION_COPIED)
			writer_bytes(&w, option, len);
	}
	while (writer_len(&w) % 4 != 0)
		writer_u8(&w, OPTION_END);
	buf[0] = (uint8_t)(0x40 | writer_len(&w) / 4);
	return writer_len(&w);
}

bool segment_fragment(struct packet *p, size_t mtu, segment_emit_fn *emit, void *arg)
{
	uint8_t later[IPV4_HEADER_MAX];
	uint16_t more = p->more_fragments ? 0x2000 : 0;

	if (p->len <= mtu) {
		emit(arg, p->data, p->len);
		return true;
	}
	if (p->dont_fragment || mtu < p->header + 8)
		return false;
	size_t later_len = later_header(later, p);
	size_t share = (mtu - p->header) & ~(size_t)7;
	set_header(p->data, p->header, p->header + share, p->id, (uint16_t)(0x2000 | p->offset / 8));
	emit(arg, p->data, p->header + share);
	for (size_t at = share; at < p->transport_len; at += share) {
		size_t left = p->transport_len - at;
		uint8_t *piece = p->data + p->header + at - later_len;

		share = (mtu - later_len) & ~(size_t)7;
		bool last = left <= share;
		if (last)
			share = left;
		memcpy(piece, later, later_len);
		set_header(piece, later_len, later_len + share, p->id, (uint16_t)((last ? more : 0x2000) | (p->offset + at) / 8));
		emit(arg, piece, later_len + share);
	}
	return true;
}

/* What differs between the segments of one cut. */
static void set_tcp(uint8_t *tcp, uint32_t seq, uint8_t flags)
{
	struct writer w = writer_new(tcp + 4, 4);

	writer_u32(&w, seq);
	tcp[13] = flags;
}

static uint32_t tcp_seq(const struct packet *p)
{
	struct reader r = reader_new(p->data + p->header + 4, 4);

	return reader_u32(&r);
}

void segment_tcp(struct packet *p, size_t mss, segment_emit_fn *emit, void *arg)
{
	uint8_t headers[IPV4_HEADER_MAX + TCP_HEADER_MAX];
	size_t headers_len = p->header + p->tcp_header;
	size_t payload = p->len - headers_len;
	uint32_t seq = tcp_seq(p);
	uint16_t fragment = p->dont_fragment ? 0x4000 : 0;
	size_t at = 0;

	memcpy(headers, p->data, headers_len);
	for (unsigned n = 0; n == 0 || at < payload; n++) {
		size_t share = payload - at < mss ? payload - at : mss;
		struct packet piece = *p;
		uint8_t flags = p->tcp_flags;

		if (at + share < payload)
			flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
		if (n > 0)
			flags &= (uint8_t)~TCP_CWR;
		piece.data = p->data + at;
		piece.len = headers_len + share;
		piece.transport_len = p->tcp_header + share;
		memcpy(piece.data, headers, headers_len);
		set_header(piece.data, p->header, piece.len, (uint16_t)(p->id + n), fragment);
		set_tcp(piece.data + p->header, seq + (uint32_t)at, flags);
		packet_complete_checksum(&piece);
		emit(arg, piece.data, piece.len);
		at += share;
	}
}
