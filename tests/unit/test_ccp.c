/* ccp: two of them joined, and one whose peer is the test; against RFC 1962, pppd's rules and Linux's data path. */
#include "unit.h"

#include <glib.h>
#include <string.h>

#include "log.h"
#include "ppp/ccp.h"
#include "ppp/ppp.h"

#define MRU 1500

struct end {
	struct ccp_config config;
	struct ccp *ccp;
	struct end *peer; /* NULL: the test */
	GQueue sent;      /* of hexadecimal text, or, with a peer, of GBytes */
	GString *events;
};

struct pair {
	struct clock clock;
	struct end a, b;
	GString *log;
};

static void host_send(void *arg, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct end *e = arg;

	CU_ASSERT_EQUAL(protocol, PPP_CCP);
	g_queue_push_tail(&e->sent, g_bytes_new(packet, len));
}

static void host_enter(void *arg)
{
	(void)arg;
}

static const struct cp_host host = { .send = host_send, .enter = host_enter, .leave = host_enter };

static void on_up(void *arg)
{
	g_string_append(((struct end *)arg)->events, "up;");
}

static void on_down(void *arg)
{
	g_string_append(((struct end *)arg)->events, "down;");
}

static void on_finished(void *arg)
{
	g_string_append(((struct end *)arg)->events, "finished;");
}

static void on_failed(void *arg, const char *reason, enum exit_status status)
{
	g_string_append_printf(((struct end *)arg)->events, "failed %d %s;", (int)status, reason);
}

static const struct ccp_events events = { on_up, on_down, on_finished, on_failed };

static void keep_line(void *arg, int priority, const char *line)
{
	(void)priority;
	g_string_append_printf(arg, "%s\n", line);
}

static const struct ccp_config defaults = {
	.enabled = true,
	.bsd_receive = 15,
	.bsd_send = 15,
	.deflate_receive = 15,
	.deflate_send = 15,
	.deflate_draft = true,
	.limits = { .restart = 3, .max_configure = 10, .max_terminate = 2, .max_failure = 10 },
};

static const struct mppe_keys keys_a = { .send = { 1, 2, 3 }, .receive = { 4, 5, 6 }, .known = true };
static const struct mppe_keys keys_b = { .send = { 4, 5, 6 }, .receive = { 1, 2, 3 }, .known = true };

static void end_new(struct pair *p, struct end *e)
{
	e->ccp = ccp_new(&e->config, &p->clock, 1500, MRU, &host, e, &events, e);
	e->events = g_string_new(NULL);
}

static struct pair *pair_new(const struct ccp_config *a, const struct ccp_config *b)
{
	struct pair *p = g_new0(struct pair, 1);

	clock_init(&p->clock, CLOCK_SECOND);
	p->a.config = *a;
	p->b.config = *b;
	end_new(p, &p->a);
	end_new(p, &p->b);
	p->log = g_string_new(NULL);
	log_set_sink(keep_line, p->log);
	return p;
}

static void end_free(struct end *e)
{
	ccp_free(e->ccp);
	g_queue_clear_full(&e->sent, (GDestroyNotify)g_bytes_unref);
	g_string_free(e->events, TRUE);
}

static void pair_free(struct pair *p)
{
	log_set_sink(NULL, NULL);
	end_free(&p->a);
	end_free(&p->b);
	g_string_free(p->log, TRUE);
	g_free(p);
}

static bool deliver(struct end *from, struct end *to)
{
	GBytes *bytes = g_queue_pop_head(&from->sent);

	if (!bytes)
		return false;
	gsize len;
	const uint8_t *data = g_bytes_get_data(bytes, &len);
	cp_input(ccp_cp(to->ccp), data, len);
	g_bytes_unref(bytes);
	return true;
}

static void advance(struct pair *p, uint64_t time)
{
	clock_advance(&p->clock, p->clock.now + time);
}

static void settle(struct pair *p)
{
	for (unsigned i = 0; i < 100; i++) {
		bool one = deliver(&p->a, &p->b);
		bool other = deliver(&p->b, &p->a);
		advance(p, 0);
		if (!one && !other)
			return;
	}
	CU_FAIL("they talk without end");
}

static void start(struct end *e)
{
	cp_open(ccp_cp(e->ccp));
	cp_up(ccp_cp(e->ccp));
}

static struct pair *joined(const struct ccp_config *a, const struct ccp_config *b)
{
	struct pair *p = pair_new(a, b);

	start(&p->a);
	start(&p->b);
	settle(p);
	return p;
}

static unsigned logged(const struct pair *p, const char *line)
{
	unsigned n = 0;

	for (const char *at = p->log->str; (at = strstr(at, line)); at++)
		n++;
	return n;
}

static bool same(const char *a, const char *b)
{
	bool equal = g_strcmp0(a, b) == 0;

	if (!equal)
		g_printerr("# got %s, wanted %s\n", a ? a : "nothing", b ? b : "nothing");
	return equal;
}

/* As text without blanks; "" when nothing was sent. */
static bool sent(struct end *e, const char *hex)
{
	GBytes *bytes = g_queue_pop_head(&e->sent);
	GString *got = g_string_new(NULL);
	gsize len = 0;
	const uint8_t *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;

	for (gsize i = 0; i < len; i++)
		g_string_append_printf(got, "%02x", data[i]);
	g_clear_pointer(&bytes, g_bytes_unref);
	char **words = g_strsplit(hex, " ", -1);
	char *wanted = g_strjoinv("", words);
	bool equal = same(got->str, wanted);
	g_strfreev(words);
	g_free(wanted);
	g_string_free(got, TRUE);
	return equal;
}

static void feed(struct end *e, const char *hex)
{
	GByteArray *bytes = g_byte_array_new();

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		uint8_t byte = (uint8_t)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));
		g_byte_array_append(bytes, &byte, 1);
		hex++;
	}
	cp_input(ccp_cp(e->ccp), bytes->data, bytes->len);
	g_byte_array_free(bytes, TRUE);
}

/* Sends a packet from FROM to TO; what comes out is the same. */
static void pass(struct end *from, struct end *to, uint16_t protocol, const uint8_t *bytes, size_t len)
{
	const struct comp_packet packet = { .protocol = protocol, .head = bytes, .head_len = len / 3, .body = bytes + len / 3, .body_len = len - len / 3 };
	const uint8_t *out;
	size_t out_len = ccp_sends(from->ccp) ? ccp_compress(from->ccp, &packet, &out) : COMP_PASS;
	uint16_t got = 0;
	size_t got_len = 0;

	CU_ASSERT_NOT_EQUAL_FATAL(out_len, COMP_REFUSE);
	if (out_len == COMP_PASS) {
		CU_ASSERT_TRUE(!ccp_receives(to->ccp) || ccp_saw(to->ccp, protocol, bytes, len));
		return;
	}
	CU_ASSERT_TRUE(out_len < len + 1 + ccp_overhead(from->ccp));
	uint8_t *copy = g_memdup2(out, out_len);
	uint8_t *back = ccp_decompress(to->ccp, copy, out_len, &got, &got_len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	memset(back - PPP_HEADROOM - 128, 0, PPP_HEADROOM + 128);
	CU_ASSERT_EQUAL(got, protocol);
	CU_ASSERT_TRUE(got_len == len && memcmp(back, bytes, len) == 0);
	g_free(copy);
}

static void pass_some(struct pair *p)
{
	uint8_t text[MRU];

	for (unsigned i = 0; i < 20; i++) {
		for (size_t j = 0; j < sizeof(text); j++)
			text[j] = i % 4 == 3 ? (uint8_t)(j * j * 0x9e3779b1u >> 13) : (uint8_t)"GET / HTTP/1.1 "[(i + j) % 15];
		pass(&p->a, &p->b, i % 2 ? PPP_IP : PPP_IPV6, text, MRU - i * 70);
		pass(&p->b, &p->a, PPP_IP, text, MRU);
	}
}

/* Sizes that A asks for and allows (Deflate, BSD), likewise B, and what they agree on, from A to B and back. */
static const struct combination {
	unsigned a[4], b[4];
	bool a_draft, b_draft;
	const char *a_sends, *b_sends, *line;
} combinations[] = {
	/* {deflate_receive, deflate_send, bsd_receive, bsd_send} */
	{ { 15, 15, 15, 15 }, { 15, 15, 15, 15 }, true, true, "Deflate (15)", "Deflate (15)", "Deflate (15) compression enabled" },
	{ { 15, 15, 15, 15 }, { 15, 12, 15, 15 }, true, true, "Deflate (15)", "Deflate (12)", "Deflate (12/15) compression enabled" },
	{ { 9, 9, 0, 0 }, { 15, 15, 15, 15 }, true, true, "Deflate (9)", "Deflate (9)", "Deflate (9) compression enabled" },
	{ { 8, 8, 0, 0 }, { 15, 15, 15, 15 }, true, true, "Deflate (9)", "Deflate (9)", "Deflate (9) compression enabled" },
	{ { 15, 15, 15, 15 }, { 0, 0, 15, 15 }, true, true, "BSD-Compress (15)", "BSD-Compress (15)", "BSD-Compress (15) compression enabled" },
	{ { 0, 0, 9, 9 }, { 15, 15, 15, 15 }, false, true, "BSD-Compress (9)", "BSD-Compress (9)", "BSD-Compress (9) compression enabled" },
	{ { 0, 0, 12, 15 }, { 15, 15, 15, 10 }, false, true, "BSD-Compress (15)", "BSD-Compress (10)", "BSD-Compress (10/15) compression enabled" },
	{ { 15, 15, 0, 0 }, { 0, 0, 15, 15 }, true, true, NULL, NULL, NULL },
	{ { 0, 0, 0, 0 }, { 15, 15, 15, 15 }, true, true, NULL, NULL, NULL },
	{ { 15, 0, 0, 0 }, { 0, 15, 0, 0 }, true, true, NULL, "Deflate (15)", "Deflate (15) receive compression enabled" },
	{ { 0, 15, 0, 0 }, { 15, 0, 0, 0 }, true, true, "Deflate (15)", NULL, "Deflate (15) transmit compression enabled" },
	{ { 15, 0, 0, 15 }, { 0, 15, 15, 0 }, true, true, "BSD-Compress (15)", "Deflate (15)", "Deflate (15) / BSD-Compress (15) compression enabled" },
	{ { 15, 15, 0, 0 }, { 15, 15, 0, 0 }, true, false, "Deflate (15)", "Deflate (15)", "Deflate (15) compression enabled" },
};

static struct ccp_config sizes(const unsigned v[4], bool draft)
{
	struct ccp_config c = defaults;

	c.deflate_receive = v[0];
	c.deflate_send = v[1];
	c.bsd_receive = v[2];
	c.bsd_send = v[3];
	c.deflate_draft = draft;
	return c;
}

static void every_combination_agrees(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(combinations); i++) {
		const struct combination *row = &combinations[i];
		struct ccp_config a = sizes(row->a, row->a_draft), b = sizes(row->b, row->b_draft);
		struct pair *p = joined(&a, &b);
		CU_ASSERT_TRUE(same(ccp_send_name(p->a.ccp), row->a_sends));
		CU_ASSERT_TRUE(same(ccp_send_name(p->b.ccp), row->b_sends));
		CU_ASSERT_TRUE(same(ccp_receive_name(p->a.ccp), row->b_sends));
		CU_ASSERT_TRUE(!row->line || logged(p, row->line) >= 1);
		CU_ASSERT_TRUE(same(p->a.events->str, row->a_sends || row->b_sends ? "up;" : ""));
		pass_some(p);
		pair_free(p);
	}
}

/* What the peer asks for, with Deflate and BSD-Compress of 12 bits allowed here, and the answer. */
static const struct answer {
	const char *name, *request, *reply;
} answers[] = {
	{ "all three, too large", "0105000f 1a047800 18047800 15032f", "0305000f 1a044800 18044800 15032c" },
	{ "fits", "0105000f 1a044800 18044800 15032c", "0205000f 1a044800 18044800 15032c" },
	{ "smaller", "01050008 1a041800", "02050008 1a041800" },
	{ "window of 8", "01050008 1a040800", "03050008 1a044800" },
	{ "other method", "01050008 1a044700", "03050008 1a044800" },
	{ "other check", "01050008 1a044801", "03050008 1a044800" },
	{ "bsd version 0", "01050007 15030c", "03050007 15032c" },
	{ "bsd version 2", "01050007 15034c", "03050007 15032c" },
	{ "bsd 8 bits", "01050007 150328", "03050007 15032c" },
	{ "predictor 1", "01050006 0102", "04050006 0102" },
	{ "predictor 1 among others", "0105000a 0102 1a044800", "04050006 0102" },
	{ "reject beats nak", "0105000a 1a047800 0102", "04050006 0102" },
	{ "mppe", "0105000a 1206 01000040", "0405000a 1206 01000040" },
	{ "stac", "01050009 1105000103", "04050009 1105000103" },
	{ "nothing", "01050004", "02050004" },
	{ "length 0 (oFono gatchat)", "01050006 1a00", "04050006 1a00" },
	{ "length 1 (CVE-2004-1002)", "01050007 1a0148", "04050007 1a0148" },
	{ "length 255 (oFono gatchat)", "01050008 1aff4800", "04050008 1aff4800" },
	{ "length 3", "01050007 1a0348", "04050007 1a0348" },
	{ "length 5", "01050009 1a05480000", "04050009 1a05480000" },
	{ "bsd length 4", "01050008 15042c00", "04050008 15042c00" },
	{ "duplicates (ppp cc8b00c)", "0105000c 1a044800 1a044800", "0205000c 1a044800 1a044800" },
	{ "a duplicate that does not fit (ppp cc8b00c)", "0105000c 1a044800 1a047800", "0205000c 1a044800 1a047800" },
	{ "one byte", "01050005 1a", "04050005 1a" },
};

static struct pair *alone(const struct ccp_config *config)
{
	struct pair *p = pair_new(config, &defaults);

	start(&p->a);
	return p;
}

static void answers_as_pppd(void)
{
	const unsigned v[4] = { 15, 12, 15, 12 };
	struct ccp_config config = sizes(v, true);

	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		struct pair *p = alone(&config);
		CU_ASSERT_TRUE(sent(&p->a, "0101000f 1a047800 18047800 15032f"));
		feed(&p->a, answers[i].request);
		if (!sent(&p->a, answers[i].reply))
			CU_FAIL_FATAL(answers[i].name);
		pair_free(p);
	}
}

static void our_request_follows_naks_and_rejects(void)
{
	struct pair *p = alone(&defaults);

	CU_ASSERT_TRUE(sent(&p->a, "0101000f 1a047800 18047800 15032f"));
	feed(&p->a, "0301000b 1a044800 15032a");
	CU_ASSERT_TRUE(sent(&p->a, "0102000f 1a044800 18044800 15032a"));
	feed(&p->a, "04020008 1a044800");
	CU_ASSERT_TRUE(sent(&p->a, "0103000b 18044800 15032a"));
	feed(&p->a, "03030008 18044700");
	CU_ASSERT_TRUE(sent(&p->a, "01040007 15032a"));
	feed(&p->a, "03040007 15030a");
	CU_ASSERT_TRUE(sent(&p->a, "01050004"));
	feed(&p->a, "06050004");
	CU_ASSERT_TRUE(sent(&p->a, "0506001d 4e6f20636f6d7072657373696f6e206e65676f746961746564"));
	CU_ASSERT_EQUAL(ccp_cp(p->a.ccp)->state, STATE_CLOSING);
	CU_ASSERT_TRUE(same(ccp_cp(p->a.ccp)->reason, "No compression negotiated"));
	pair_free(p);
}

static void an_ack_of_the_first_option_will_do(void)
{
	struct pair *p = alone(&defaults);

	feed(&p->a, "02010008 1a047800");
	CU_ASSERT_EQUAL(ccp_cp(p->a.ccp)->state, STATE_ACK_RCVD);
	CU_ASSERT_TRUE(ccp_receives(p->a.ccp));
	pair_free(p);
	p = alone(&defaults);
	feed(&p->a, "02010008 18047800");
	feed(&p->a, "02010007 1a0478");
	CU_ASSERT_EQUAL(ccp_cp(p->a.ccp)->state, STATE_REQ_SENT);
	pair_free(p);
}

static void an_empty_reject_ends_it_where_all_was_rejected(void)
{
	struct pair *p = alone(&defaults);

	feed(&p->a, "01050006 0102");
	feed(&p->a, "0401000f 1a047800 18047800 15032f");
	feed(&p->a, "04020004");
	CU_ASSERT_EQUAL(ccp_cp(p->a.ccp)->state, STATE_STOPPED);
	CU_ASSERT_TRUE(same(p->a.events->str, "finished;"));
	pair_free(p);
}

static void silent_where_nothing_is_wanted(void)
{
	const unsigned v[4] = { 0, 15, 0, 15 };
	struct ccp_config config = sizes(v, true);
	struct pair *p = alone(&config);

	CU_ASSERT_TRUE(sent(&p->a, ""));
	advance(p, 100 * CLOCK_SECOND);
	CU_ASSERT_TRUE(sent(&p->a, ""));
	feed(&p->a, "01050008 1a047800");
	CU_ASSERT_TRUE(sent(&p->a, "01010004"));
	CU_ASSERT_TRUE(sent(&p->a, "02050008 1a047800"));
	feed(&p->a, "02010004");
	CU_ASSERT_TRUE(same(ccp_send_name(p->a.ccp), "Deflate (15)"));
	CU_ASSERT_EQUAL(logged(p, "Deflate (15) transmit compression enabled"), 1);
	pair_free(p);
}

static void the_peer_may_end_it(void)
{
	struct pair *p = joined(&defaults, &defaults);

	cp_close(ccp_cp(p->b.ccp), "bye");
	settle(p);
	CU_ASSERT_TRUE(same(p->a.events->str, "up;down;"));
	CU_ASSERT_EQUAL(logged(p, "CCP terminated by peer (bye)\nCompression disabled by peer."), 1);
	CU_ASSERT_FALSE(ccp_sends(p->a.ccp));
	CU_ASSERT_FALSE(ccp_receives(p->a.ccp));
	CU_ASSERT_PTR_NULL(ccp_send_name(p->a.ccp));
	pair_free(p);
}

/* Resets (RFC 1962 §5.3). */

static void lose_one(struct pair *p)
{
	static const uint8_t text[400] = "lost";
	const struct comp_packet packet = { .protocol = PPP_IP, .body = text, .body_len = sizeof(text) };
	const uint8_t *out;

	CU_ASSERT_NOT_EQUAL(ccp_compress(p->b.ccp, &packet, &out), COMP_PASS);
}

static void try_one(struct pair *p)
{
	static const uint8_t text[400] = "comes, and cannot be read";
	const struct comp_packet packet = { .protocol = PPP_IP, .body = text, .body_len = sizeof(text) };
	const uint8_t *out;
	uint16_t protocol;
	size_t len = ccp_compress(p->b.ccp, &packet, &out);

	CU_ASSERT_PTR_NULL(ccp_decompress(p->a.ccp, out, len, &protocol, &len));
}

static void a_lost_packet_is_mended(void)
{
	struct pair *p = joined(&defaults, &defaults);
	uint8_t id = ccp_cp(p->a.ccp)->id;

	pass_some(p);
	lose_one(p);
	try_one(p);
	CU_ASSERT_EQUAL(g_queue_get_length(&p->a.sent), 1);
	try_one(p);
	try_one(p);
	CU_ASSERT_EQUAL(g_queue_get_length(&p->a.sent), 1);
	advance(p, CLOCK_SECOND);
	CU_ASSERT_EQUAL(g_queue_get_length(&p->a.sent), 2);
	advance(p, 10 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(g_queue_get_length(&p->a.sent), 2);
	settle(p);
	CU_ASSERT_EQUAL(ccp_cp(p->a.ccp)->id, (uint8_t)(id + 1));
	pass_some(p);
	CU_ASSERT_TRUE(same(p->a.events->str, "up;"));
	pair_free(p);
}

static void an_answered_request_is_not_repeated(void)
{
	struct pair *p = joined(&defaults, &defaults);

	lose_one(p);
	try_one(p);
	try_one(p);
	settle(p);
	pass_some(p);
	advance(p, 10 * CLOCK_SECOND);
	CU_ASSERT_TRUE(sent(&p->a, ""));
	pair_free(p);
}

static void what_makes_no_sense_ends_compression(void)
{
	static const uint8_t nonsense[] = { 0, 0, 0xff, 0xff, 0xff, 0xff };
	struct pair *p = joined(&defaults, &defaults);
	uint16_t protocol;
	size_t len;

	CU_ASSERT_PTR_NULL(ccp_decompress(p->a.ccp, nonsense, sizeof(nonsense), &protocol, &len));
	CU_ASSERT_EQUAL(logged(p, "Lost compression sync: disabling compression"), 1);
	settle(p);
	CU_ASSERT_EQUAL(logged(p, "Compression disabled by peer."), 1);
	CU_ASSERT_TRUE(same(p->a.events->str, "up;down;finished;"));
	CU_ASSERT_PTR_NULL(ccp_decompress(p->a.ccp, nonsense, sizeof(nonsense), &protocol, &len));
	pair_free(p);
}

/* RFC 1962 §2.1: the packet is no larger than the MRU, whatever comes out. */
static void an_expansion_bomb_is_refused(void)
{
	struct ccp_config config = defaults;
	struct pair *p = joined(&config, &config);
	uint8_t zero[MRU + 1] = { 0 };
	const struct comp_packet packet = { .protocol = PPP_IP, .body = zero, .body_len = sizeof(zero) };
	const uint8_t *out;
	uint16_t protocol;
	size_t len;

	pass(&p->b, &p->a, PPP_IP, zero, MRU);
	pass(&p->b, &p->a, 0x1021, zero, MRU);
	len = ccp_compress(p->b.ccp, &packet, &out);
	CU_ASSERT_PTR_NULL(ccp_decompress(p->a.ccp, out, len, &protocol, &len));
	CU_ASSERT_EQUAL(logged(p, "Lost compression sync: disabling compression"), 1);
	pair_free(p);
}

/* As Linux: the peer may compress from its Ack on. */
static void the_receiver_runs_from_the_ack_on(void)
{
	struct pair *p = pair_new(&defaults, &defaults);

	start(&p->a);
	start(&p->b);
	CU_ASSERT_FALSE(ccp_receives(p->a.ccp));
	while (ccp_cp(p->a.ccp)->state != STATE_OPENED && (deliver(&p->a, &p->b) | deliver(&p->b, &p->a)))
		;
	CU_ASSERT_TRUE(ccp_receives(p->a.ccp));
	settle(p);
	pass_some(p);
	pair_free(p);
}

static void a_new_negotiation_starts_anew(void)
{
	struct pair *p = joined(&defaults, &defaults);

	pass_some(p);
	cp_down(ccp_cp(p->b.ccp));
	cp_up(ccp_cp(p->b.ccp));
	settle(p);
	CU_ASSERT_TRUE(same(p->a.events->str, "up;down;up;"));
	pass_some(p);
	pair_free(p);
}

/* MPPE. */

static struct ccp_config mppe(unsigned strengths, bool stateful)
{
	struct ccp_config c = defaults;

	c.mppe_required = true;
	c.mppe = strengths;
	c.mppe_stateful = stateful;
	return c;
}

static const struct {
	unsigned a, b;
	const char *name;
} strengths[] = {
	{ MPPE_40 | MPPE_128, MPPE_40 | MPPE_128, "MPPE 128-bit stateless" },
	{ MPPE_128, MPPE_40 | MPPE_128, "MPPE 128-bit stateless" },
	{ MPPE_40 | MPPE_128, MPPE_40, "MPPE 40-bit stateless" },
	{ MPPE_40, MPPE_40, "MPPE 40-bit stateless" },
	{ MPPE_40, MPPE_128, NULL },
};

static struct pair *encrypted(const struct ccp_config *a, const struct ccp_config *b)
{
	struct pair *p = pair_new(a, b);

	CU_ASSERT_TRUE(ccp_set_keys(p->a.ccp, &keys_a, AUTH_MSCHAP_V2, false));
	CU_ASSERT_TRUE(ccp_set_keys(p->b.ccp, &keys_b, AUTH_MSCHAP_V2, false));
	start(&p->a);
	start(&p->b);
	settle(p);
	return p;
}

static void mppe_agrees_on_the_stronger(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(strengths); i++) {
		struct ccp_config a = mppe(strengths[i].a, false), b = mppe(strengths[i].b, false);
		struct pair *p = encrypted(&a, &b);
		CU_ASSERT_TRUE(same(ccp_send_name(p->a.ccp), strengths[i].name));
		if (strengths[i].name) {
			CU_ASSERT_EQUAL(logged(p, "compression enabled"), 2);
			ccp_forget_keys(p->a.ccp);
			ccp_forget_keys(p->b.ccp);
			pass_some(p);
		} else {
			CU_ASSERT_TRUE(g_str_has_prefix(p->a.events->str, "failed 10 MPPE required but peer "));
		}
		pair_free(p);
	}
}

static const struct answer mppe_answers[] = {
	{ "both", "0105000a 1206 01000060", "0305000a 1206 01000040" },
	{ "128", "0105000a 1206 01000040", "0205000a 1206 01000040" },
	{ "56 too", "0105000a 1206 010000c0", "0305000a 1206 01000040" },
	{ "56 alone", "0105000a 1206 01000080", "0305000a 1206 01000060" },
	{ "MPPC too", "0105000a 1206 01000041", "0305000a 1206 01000040" },
	{ "unknown bits", "0105000a 1206 03ffff40", "0305000a 1206 01000040" },
	{ "stateful", "0105000a 1206 00000040", "0405000a 1206 00000040" },
	{ "deflate too", "0105000e 1206 01000040 1a047800", "04050008 1a047800" },
	{ "deflate alone", "01050008 1a047800", "04050008 1a047800" },
	{ "length 4", "01050008 12040100", "04050008 12040100" },
};

static void mppe_answers_as_pppd(void)
{
	struct ccp_config config = mppe(MPPE_40 | MPPE_128, false);

	for (size_t i = 0; i < G_N_ELEMENTS(mppe_answers); i++) {
		struct pair *p = pair_new(&config, &config);
		CU_ASSERT_TRUE(ccp_set_keys(p->a.ccp, &keys_a, AUTH_MSCHAP_V2, false));
		start(&p->a);
		CU_ASSERT_TRUE(sent(&p->a, "0101000a 1206 01000060"));
		feed(&p->a, mppe_answers[i].request);
		if (!sent(&p->a, mppe_answers[i].reply))
			CU_FAIL_FATAL(mppe_answers[i].name);
		advance(p, 0);
		bool fails = g_str_has_prefix(mppe_answers[i].reply, "04") && i != 7;
		CU_ASSERT_TRUE(same(p->a.events->str, fails ? "failed 10 MPPE required but peer negotiation failed;" : ""));
		pair_free(p);
	}
}

/* What the peer says to our request with both strengths, and what comes of it. */
static const struct {
	bool stateful;
	const char *reply, *next, *failure;
} mppe_replies[] = {
	{ false, "0301000a 1206 01000040", "0102000a 1206 01000040", "" },
	{ false, "0301000a 1206 01000020", "0102000a 1206 01000020", "" },
	{ true, "0301000a 1206 00000040", "0102000a 1206 00000040", "" },
	{ false, "0301000a 1206 00000040", NULL, "failed 10 MPPE required but peer negotiation failed;" },
	{ false, "0301000a 1206 01000080", NULL, "failed 10 MPPE required but peer negotiation failed;" },
	{ false, "0301000a 1206 01000000", NULL, "failed 10 MPPE required but peer negotiation failed;" },
	{ false, "0401000a 1206 01000060", NULL, "failed 10 MPPE required but peer refused;" },
};

static void mppe_follows_naks(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(mppe_replies); i++) {
		struct ccp_config config = mppe(MPPE_40 | MPPE_128, mppe_replies[i].stateful);
		struct pair *p = pair_new(&config, &config);
		CU_ASSERT_TRUE(ccp_set_keys(p->a.ccp, &keys_a, AUTH_MSCHAP_V2, false));
		start(&p->a);
		CU_ASSERT_TRUE(sent(&p->a, "0101000a 1206 01000060"));
		feed(&p->a, mppe_replies[i].reply);
		advance(p, 0);
		if (mppe_replies[i].next)
			CU_ASSERT_TRUE(sent(&p->a, mppe_replies[i].next));
		CU_ASSERT_TRUE(same(p->a.events->str, mppe_replies[i].failure));
		pair_free(p);
	}
}

static const struct {
	unsigned strengths, method;
	bool keys, twice;
	const char *line;
} obstacles[] = {
	{ MPPE_128, AUTH_MSCHAP_V2, true, true, "MPPE required, but auth done in both directions." },
	{ MPPE_128, AUTH_PAP, true, false, "MPPE required, but MS-CHAP[v2] nor EAP-TLS auth are performed." },
	{ MPPE_128, AUTH_CHAP_MD5, true, false, "MPPE required, but MS-CHAP[v2] nor EAP-TLS auth are performed." },
	{ MPPE_128, 0, true, false, "MPPE required, but MS-CHAP[v2] nor EAP-TLS auth are performed." },
	{ MPPE_128, AUTH_MSCHAP_V2, false, false, "MPPE required, but keys are not available.  Possible plugin problem?" },
	{ MPPE_40, AUTH_MSCHAP, true, false, "MPPE required, but both 40-bit and 128-bit disabled." },
	{ MPPE_40 | MPPE_128, AUTH_MSCHAP, true, false, NULL },
	{ MPPE_40, AUTH_EAP, true, false, NULL },
};

static void mppe_needs_keys(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(obstacles); i++) {
		struct ccp_config config = mppe(obstacles[i].strengths, false);
		struct pair *p = pair_new(&config, &config);
		bool ok = ccp_set_keys(p->a.ccp, obstacles[i].keys ? &keys_a : NULL, obstacles[i].method, obstacles[i].twice);
		CU_ASSERT_EQUAL(ok, obstacles[i].line == NULL);
		CU_ASSERT_TRUE(same(p->a.events->str, ok ? "" : "failed 10 MPPE required but not available;"));
		CU_ASSERT_TRUE(ok || logged(p, obstacles[i].line) == 1);
		CU_ASSERT_EQUAL(logged(p, "Disabling 40-bit MPPE; MS-CHAP LM not supported"), obstacles[i].method == AUTH_MSCHAP);
		pair_free(p);
	}
}

static void nothing_passes_in_the_clear(void)
{
	static const uint8_t bytes[20] = { 0 };
	const struct comp_packet ip = { .protocol = PPP_IP, .body = bytes, .body_len = sizeof(bytes) };
	const struct comp_packet chap = { .protocol = PPP_CHAP, .body = bytes, .body_len = sizeof(bytes) };
	const struct comp_packet ipcp = { .protocol = PPP_IPCP, .body = bytes, .body_len = sizeof(bytes) };
	struct ccp_config config = mppe(MPPE_128, false);
	struct pair *p = pair_new(&config, &config);
	const uint8_t *out;
	size_t len;
	uint16_t protocol;

	CU_ASSERT_TRUE(ccp_sends(p->a.ccp) && ccp_receives(p->a.ccp));
	CU_ASSERT_EQUAL(ccp_overhead(p->a.ccp), 4);
	CU_ASSERT_EQUAL(ccp_compress(p->a.ccp, &ip, &out), COMP_REFUSE);
	CU_ASSERT_EQUAL(ccp_compress(p->a.ccp, &ipcp, &out), COMP_REFUSE);
	CU_ASSERT_EQUAL(ccp_compress(p->a.ccp, &chap, &out), COMP_PASS);
	CU_ASSERT_FALSE(ccp_saw(p->a.ccp, PPP_IP, bytes, sizeof(bytes)));
	CU_ASSERT_TRUE(ccp_saw(p->a.ccp, PPP_LCP, bytes, sizeof(bytes)));
	CU_ASSERT_PTR_NULL(ccp_decompress(p->a.ccp, bytes, sizeof(bytes), &protocol, &len));
	pair_free(p);

	p = encrypted(&config, &config);
	CU_ASSERT_EQUAL(ccp_compress(p->a.ccp, &ipcp, &out), COMP_PASS);
	CU_ASSERT_FALSE(ccp_saw(p->a.ccp, PPP_IP, bytes, sizeof(bytes)));
	CU_ASSERT_TRUE(ccp_saw(p->a.ccp, PPP_IPCP, bytes, sizeof(bytes)));
	cp_close(ccp_cp(p->b.ccp), "bye");
	settle(p);
	CU_ASSERT_TRUE(same(p->a.events->str, "up;down;failed 10 MPPE disabled;"));
	CU_ASSERT_TRUE(same(p->b.events->str, "up;down;finished;"));
	CU_ASSERT_EQUAL(ccp_compress(p->a.ccp, &ip, &out), COMP_REFUSE);
	pair_free(p);
}

/* A peer that agrees on nothing does not get a link in the clear. */
static void mppe_and_an_empty_request(void)
{
	struct ccp_config config = mppe(MPPE_128, false);
	struct pair *p = pair_new(&config, &config);

	CU_ASSERT_TRUE(ccp_set_keys(p->a.ccp, &keys_a, AUTH_MSCHAP_V2, false));
	start(&p->a);
	feed(&p->a, "01050004");
	feed(&p->a, "0201000a 1206 01000040");
	advance(p, 0);
	CU_ASSERT_TRUE(same(p->a.events->str, "failed 10 MPPE required but peer negotiation failed;"));
	pair_free(p);

	p = pair_new(&config, &config);
	CU_ASSERT_TRUE(ccp_set_keys(p->a.ccp, &keys_a, AUTH_MSCHAP_V2, false));
	start(&p->a);
	cp_protocol_rejected(ccp_cp(p->a.ccp));
	CU_ASSERT_TRUE(same(p->a.events->str, "failed 10 MPPE required but peer negotiation failed;finished;"));
	pair_free(p);
}

static void printed_as_pppd(void)
{
	static const struct {
		const char *bytes, *text;
	} lines[] = {
		{ "\x1a\x04\x78\x00", "deflate 15" },       { "\x18\x04\x47\x01", "deflate(old#) 12 method 7 check 1" },
		{ "\x15\x03\x2f\x00", "bsd v1 15" },        { "\x01\x02\x00\x00", "predictor 1" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		struct reader r = reader_new(lines[i].bytes, (size_t)lines[i].bytes[1]);
		uint8_t type = reader_u8(&r);
		reader_skip(&r, 1);
		GString *text = g_string_new(NULL);
		for (unsigned j = 0; j < ccp_options.n; j++) {
			if (ccp_options.rows[j].p.type != type)
				continue;
			g_string_append(text, ccp_options.rows[j].p.name);
			ccp_options.rows[j].p.print(text, &r);
		}
		CU_ASSERT_TRUE(same(text->str, lines[i].text));
		g_string_free(text, TRUE);
	}
}

/* Bytes of no sense, in every state, change nothing but what they may. */
static void noise_does_no_harm(void)
{
	GRand *rand = g_rand_new_with_seed(4);
	uint8_t bytes[64];

	for (unsigned round = 0; round < 2000; round++) {
		struct pair *p = round % 2 ? joined(&defaults, &defaults) : alone(&defaults);
		for (unsigned i = 0; i < 10; i++) {
			size_t len = (size_t)g_rand_int_range(rand, 4, sizeof(bytes));
			for (size_t j = 0; j < len; j++)
				bytes[j] = (uint8_t)g_rand_int_range(rand, 0, g_rand_int_range(rand, 1, 257));
			bytes[0] = (uint8_t)g_rand_int_range(rand, 0, 17);
			bytes[2] = 0;
			bytes[3] = (uint8_t)len;
			cp_input(ccp_cp(p->a.ccp), bytes, len);
		}
		advance(p, 100 * CLOCK_SECOND);
		pair_free(p);
	}
	g_rand_free(rand);
}

const struct unit_test unit_tests[] = {
	{ "every combination of sizes agrees (RFC 1962 section 4)", every_combination_agrees },
	{ "requests are answered as pppd does; option lengths 0, 1, 255, duplicates (oFono gatchat, ppp cc8b00c)", answers_as_pppd },
	{ "our request follows Naks and Rejects, and ends with nothing to ask for", our_request_follows_naks_and_rejects },
	{ "an Ack of the first option will do", an_ack_of_the_first_option_will_do },
	{ "an empty Reject ends it where all was rejected", an_empty_reject_ends_it_where_all_was_rejected },
	{ "silent where nothing is wanted", silent_where_nothing_is_wanted },
	{ "the peer may end it", the_peer_may_end_it },
	{ "a lost packet is mended, one Reset-Request a second (RFC 1962 section 5.3)", a_lost_packet_is_mended },
	{ "an answered Reset-Request is not repeated", an_answered_request_is_not_repeated },
	{ "what makes no sense ends compression, not the link", what_makes_no_sense_ends_compression },
	{ "an expansion bomb is refused", an_expansion_bomb_is_refused },
	{ "the receiver runs from the Ack on", the_receiver_runs_from_the_ack_on },
	{ "a new negotiation starts anew", a_new_negotiation_starts_anew },
	{ "MPPE agrees on the stronger (RFC 3078 section 2)", mppe_agrees_on_the_stronger },
	{ "MPPE requests are answered as pppd does", mppe_answers_as_pppd },
	{ "MPPE follows Naks, or fails", mppe_follows_naks },
	{ "MPPE needs keys of one direction", mppe_needs_keys },
	{ "nothing passes in the clear", nothing_passes_in_the_clear },
	{ "MPPE: an empty request, a Protocol-Reject", mppe_and_an_empty_request },
	{ "options are printed as pppd does", printed_as_pppd },
	{ "noise does no harm", noise_does_no_harm },
	{ 0 },
};
