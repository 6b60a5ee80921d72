/* A test rig; see rig.h. */
#include "rig.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "ppp/print.h"

static void note(struct rig *rig, const char *event)
{
	g_string_append(rig->events, event);
	if (rig->on_event)
		rig->on_event(rig, event);
}

static void on_ip(void *arg, uint8_t *packet, size_t len)
{
	char *text = g_strdup_printf("ip %zu;", len);

	for (int i = 1; i <= PPP_HEADROOM; i++)
		packet[-i] = 0xaa;
	memset(packet, 0xbb, len);
	note(arg, text);
	g_free(text);
}

static void on_up(void *arg, const struct ppp_addresses *a)
{
	struct rig *rig = arg;
	char local[PRINT_ADDRESS_MAX], remote[PRINT_ADDRESS_MAX];
	char *text = g_strdup_printf("up %s %s;", print_ip(local, a->local), print_ip(remote, a->remote));

	rig->addresses = *a;
	note(rig, text);
	g_free(text);
}

static void on_down(void *arg)
{
	note(arg, "down;");
}

static void on_ipv6_up(void *arg, const struct ppp_identifiers *identifiers)
{
	char *text = g_strdup_printf("up6 %" G_GINT64_MODIFIER "x %" G_GINT64_MODIFIER "x;", identifiers->local, identifiers->remote);

	note(arg, text);
	g_free(text);
}

static void on_ipv6_down(void *arg)
{
	note(arg, "down6;");
}

static void on_phase(void *arg, enum ppp_phase phase)
{
	char text[16];

	g_snprintf(text, sizeof(text), "phase %d;", (int)phase);
	note(arg, text);
}

static void on_finished(void *arg, enum exit_status status)
{
	char text[16];

	g_snprintf(text, sizeof(text), "finished %d;", (int)status);
	note(arg, text);
}

static const struct ppp_events events = {
	.ip = on_ip,
	.ip_up = on_up,
	.ip_down = on_down,
	.ipv6_up = on_ipv6_up,
	.ipv6_down = on_ipv6_down,
	.phase = on_phase,
	.finished = on_finished,
};

static void on_log(void *arg, int priority, const char *line)
{
	struct rig *rig = arg;

	(void)priority;
	g_string_append_printf(rig->log, "%s\n", line);
}

struct rig *rig_new(void)
{
	struct rig *rig = g_new0(struct rig, 1);

	clock_init(&rig->clock, 5 * CLOCK_SECOND);
	rig->config = config_new();
	rig->config->ccp.enabled = rig->config->ipv6cp.enabled = rig->config->ipcp.vj = false;
	config_finish(rig->config, true, false);
	outbuf_init(&rig->out, 65536);
	frame_decoder_init(&rig->decoder, 20000);
	rig->decoder.accm = 0;
	g_queue_init(&rig->sent);
	rig->raw = g_byte_array_new();
	rig->events = g_string_new(NULL);
	rig->log = g_string_new(NULL);
	log_set_sink(on_log, rig);
	log_set_debug(0);
	return rig;
}

void rig_free(struct rig *rig)
{
	ppp_free(rig->ppp);
	log_set_sink(NULL, NULL);
	log_set_debug(0);
	config_free(rig->config);
	outbuf_free(&rig->out);
	frame_decoder_free(&rig->decoder);
	rig_skip(rig);
	g_byte_array_free(rig->raw, TRUE);
	g_string_free(rig->events, TRUE);
	g_string_free(rig->log, TRUE);
	g_free(rig);
}

static void on_frame(void *arg, uint8_t *frame, size_t len)
{
	struct rig *rig = arg;
	GString *hex = g_string_new(NULL);
	size_t at = len >= 2 && frame[0] == 0xff && frame[1] == 0x03 ? 2 : 0;

	if (at < len && (frame[at] & 1))
		g_string_append(hex, "00");
	for (; at < len; at++)
		g_string_append_printf(hex, "%.2x", frame[at]);
	g_queue_push_tail(&rig->sent, g_string_free(hex, FALSE));
}

static void collect(struct rig *rig)
{
	size_t len = outbuf_len(&rig->out);

	g_byte_array_append(rig->raw, outbuf_data(&rig->out), (guint)len);
	frame_decode(&rig->decoder, outbuf_data(&rig->out), len, on_frame, rig);
	outbuf_consume(&rig->out, len);
}

void rig_start(struct rig *rig)
{
	if (!rig->ppp)
		rig->ppp = ppp_new(rig->config, NULL, NULL, &rig->clock, &events, rig, &rig->out);
	ppp_start(rig->ppp, 0);
	collect(rig);
}

void rig_feed_raw(struct rig *rig, const uint8_t *bytes, size_t len)
{
	ppp_input(rig->ppp, bytes, len);
	collect(rig);
}

void rig_feed_packet(struct rig *rig, uint16_t protocol, const uint8_t *packet, size_t len)
{
	static const struct frame_map map = { { 0xffffffff } };
	const uint8_t head[] = { 0xff, 0x03, (uint8_t)(protocol >> 8), (uint8_t)protocol };
	uint8_t *frame = g_malloc(frame_encoded_max(len + sizeof(head)));

	rig_feed_raw(rig, frame, frame_encode(frame, &map, true, head, sizeof(head), packet, len));
	g_free(frame);
}

static GByteArray *from_hex(const char *hex)
{
	GByteArray *bytes = g_byte_array_new();

	for (const char *p = hex; *p;) {
		unsigned v = 0;
		if (isspace((unsigned char)*p)) {
			p++;
			continue;
		}
		if (sscanf(p, "%2x", &v) != 1)
			g_error("bad hexadecimal text %s", hex);
		g_byte_array_append(bytes, &(uint8_t){ (uint8_t)v }, 1);
		p += 2;
	}
	return bytes;
}

void rig_feed(struct rig *rig, const char *hex)
{
	GByteArray *bytes = from_hex(hex);

	rig_feed_packet(rig, (uint16_t)(bytes->data[0] << 8 | bytes->data[1]), bytes->data + 2, bytes->len - 2);
	g_byte_array_free(bytes, TRUE);
}

void rig_advance(struct rig *rig, uint64_t microseconds)
{
	clock_advance(&rig->clock, rig->clock.now + microseconds);
	collect(rig);
}

const char *rig_next(struct rig *rig)
{
	static char text[65536];
	char *next;

	collect(rig);
	next = g_queue_pop_head(&rig->sent);
	g_strlcpy(text, next ? next : "", sizeof(text));
	g_free(next);
	return text;
}

bool rig_sent(struct rig *rig, const char *pattern)
{
	const char *got = rig_next(rig);
	const char *g = got;

	for (const char *p = pattern; *p; p++) {
		if (*p == ' ')
			continue;
		if (!*g || (*p != '?' && *p != *g)) {
			printf("# sent %s instead of %s\n", got, pattern);
			return false;
		}
		g++;
	}
	if (*g)
		printf("# sent %s instead of %s\n", got, pattern);
	return *g == '\0';
}

void rig_skip(struct rig *rig)
{
	for (char *p = g_queue_pop_head(&rig->sent); p; p = g_queue_pop_head(&rig->sent))
		g_free(p);
}

unsigned rig_logged(struct rig *rig, const char *text)
{
	unsigned n = 0;

	for (const char *p = rig->log->str; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		n += g_str_has_prefix(p, text) ? 1 : 0;
	}
	return n;
}

void rig_answer(struct rig *rig, uint16_t protocol, uint8_t code)
{
	char prefix[8];
	GByteArray *request = NULL;

	g_snprintf(prefix, sizeof(prefix), "%.4x01", protocol);
	for (GList *l = rig->sent.tail; l && !request; l = l->prev) {
		if (g_str_has_prefix(l->data, prefix))
			request = from_hex(l->data);
	}
	rig_skip(rig);
	if (!request)
		g_error("no Configure-Request was sent");
	request->data[2] = code;
	rig_feed_packet(rig, protocol, request->data + 2, request->len - 2);
	g_byte_array_free(request, TRUE);
}

void rig_open_lcp(struct rig *rig)
{
	rig_start(rig);
	rig_answer(rig, PPP_LCP, 2);
	rig_feed(rig, "c021 01010004");
}

void rig_open_ipcp(struct rig *rig)
{
	rig_open_lcp(rig);
	rig_answer(rig, PPP_IPCP, 2);
	rig_feed(rig, "8021 0101000a 03060a090909");
	rig_skip(rig);
}
