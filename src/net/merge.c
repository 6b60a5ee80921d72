/* TCP segments put together; see merge.h. Both backends call this for what the peer sends. RFC 9293; what may be merged is what the
 * kernel merges, so that cutting the result again gives the segments that came. */
#include "net/merge.h"

#include <glib.h>
#include <string.h>

#include "reader.h"
#include "writer.h"

#define FLOWS 4u

struct held {
	uint8_t *buffer; /* MERGE_HEADROOM, then the packet */
	struct packet p; /* len 0: nothing held */
	size_t mss;      /* payload of the first segment */
	unsigned segments;
	uint32_t next_seq;
};

struct merge {
	merge_emit_fn *emit;
	void *arg;
	size_t max;
	struct held held[FLOWS];
	unsigned next; /* whose turn it is to make room */
};

struct merge *merge_new(size_t max, merge_emit_fn *emit, void *arg)
{
	struct merge *m = g_new0(struct merge, 1);

	m->max = max;
	m->emit = emit;
	m->arg = arg;
	return m;
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < FLOWS; i++)
		g_free(m->held[i].buffer);
	g_free(m);
}

static size_t payload_len(const struct packet *p)
{
	return p->transport_len - p->tcp_header;
}

static uint32_t sequence(const struct packet *p)
{
	struct reader r = reader_new(p->data + p->header + 4, 4);

	return reader_u32(&r);
}

static void give_out(struct merge *m, struct held *h)
{
	struct packet *p = &h->p;

	if (p->len == 0)
		return;
	if (h->segments > 1) {
		struct writer w = writer_new(p->data + 2, 2);

		writer_u16(&w, (uint16_t)p->len);
		packet_complete_header(p->data, p->header);
		packet_partial_checksum(p);
	}
	m->emit(m->arg, p, h->segments > 1 ? h->mss : 0);
	p->len = 0;
}

void merge_flush(struct merge *m)
{
	for (unsigned i = 0; i < FLOWS; i++)
		give_out(m, &m->held[i]);
}

static struct held *find(struct merge *m, const struct packet *p)
{
	for (unsigned i = 0; i < FLOWS; i++) {
		const struct packet *h = &m->held[i].p;

		if (h->len > 0 && h->src == p->src && h->dst == p->dst && h->sport == p->sport && h->dport == p->dport)
			return &m->held[i];
	}
	return NULL;
}

/* A plain data segment that is what its checksums say. */
static bool mergeable(const struct packet *p)
{
	return !packet_is_fragment(p) && p->header == IPV4_HEADER && payload_len(p) > 0 &&
	       (p->tcp_flags & ~TCP_PSH) == TCP_ACK && packet_header_ok(p) && packet_tcp_checksum_ok(p);
}

/* Everything but lengths, identification, checksums, the sequence number and PSH must be equal. */
static bool same_headers(const struct packet *a, const struct packet *b)
{
	const uint8_t *ta = a->data + a->header;
	const uint8_t *tb = b->data + b->header;

	return a->data[1] == b->data[1] && memcmp(a->data + 6, b->data + 6, 3) == 0 && a->tcp_header == b->tcp_header &&
	       memcmp(ta + 8, tb + 8, 5) == 0 && memcmp(ta + 14, tb + 14, 2) == 0 &&
	       memcmp(ta + TCP_HEADER, tb + TCP_HEADER, a->tcp_header - TCP_HEADER) == 0;
}

static bool continues(const struct merge *m, const struct held *h, const struct packet *p)
{
	return sequence(p) == h->next_seq && payload_len(p) <= h->mss && h->p.len + payload_len(p) <= m->max &&
	       same_headers(&h->p, p);
}

static void append(struct held *h, const struct packet *p)
{
	size_t len = payload_len(p);

	memcpy(h->p.data + h->p.len, p->data + p->header + p->tcp_header, len);
	h->p.len += len;
	h->p.transport_len += len;
	h->p.tcp_flags |= p->tcp_flags;
	h->p.data[h->p.header + 13] = h->p.tcp_flags;
	h->next_seq += (uint32_t)len;
	h->segments++;
}

static void begin(struct merge *m, const struct packet *p)
{
	struct held *h = &m->held[m->next++ % FLOWS];

	give_out(m, h);
	if (!h->buffer)
		h->buffer = g_malloc(MERGE_HEADROOM + m->max);
	h->p = *p;
	h->p.data = h->buffer + MERGE_HEADROOM;
	memcpy(h->p.data, p->data, p->len);
	h->mss = payload_len(p);
	h->segments = 1;
	h->next_seq = sequence(p) + (uint32_t)h->mss;
}

bool merge_add(struct merge *m, const struct packet *p)
{
	if (p->protocol != IPPROTO_TCP)
		return false;
	struct held *h = find(m, p);
	bool last = p->tcp_flags & TCP_PSH || p->len > m->max;
	if (!mergeable(p) || (!h && last)) {
		if (h)
			give_out(m, h);
		return false;
	}
	if (h && continues(m, h, p)) {
		append(h, p);
		if (last || payload_len(p) < h->mss)
			give_out(m, h);
		return true;
	}
	if (h)
		give_out(m, h);
	if (last)
		return false;
	begin(m, p);
	return true;
}
