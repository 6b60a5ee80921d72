/* The words of SOCKS5: RFC 1928, RFC 1929. */
#include "unit.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

#include "net/socks_request.h"

#define GREETING "\5\1\0"
#define NAMED "\5\1\0\3\13example.com\0\120"

struct rig {
	struct socks_handshake h;
	uint8_t buf[SOCKS_REPLY_MAX];
	struct writer out;
	size_t used;
};

static void init(struct rig *w, const char *user, const char *password)
{
	socks_handshake_init(&w->h, user, password);
	w->out = writer_new(w->buf, sizeof(w->buf));
}

/* Gives it all at once. */
static void feed(struct rig *w, const void *data, size_t len)
{
	w->used = socks_handshake_feed(&w->h, data, len, &w->out);
}

#define FEED(w, text) feed(w, text, sizeof(text) - 1)

static void said(const struct rig *w, const void *data, size_t len)
{
	CU_ASSERT_TRUE_FATAL(writer_ok(&w->out));
	CU_ASSERT_EQUAL_FATAL(writer_len(&w->out), len);
	CU_ASSERT_EQUAL(memcmp(w->buf, data, len), 0);
}

#define SAID(w, text) said(w, text, sizeof(text) - 1)

/* What is to be said to these bytes, where nobody is asked for a password, and the state after them. */
static void answers(const void *data, size_t len, const void *answer, size_t answer_len, enum socks_state state)
{
	struct rig w;

	init(&w, NULL, NULL);
	feed(&w, data, len);
	CU_ASSERT_EQUAL(w.h.state, state);
	said(&w, answer, answer_len);
}

#define ANSWERS(text, answer, state) answers(text, sizeof(text) - 1, answer, sizeof(answer) - 1, state)

static void rfc1928_3_methods(void)
{
	ANSWERS("\5\1\0", "\5\0", SOCKS_REQUEST);
	ANSWERS("\5\3\1\2\0", "\5\0", SOCKS_REQUEST);
	ANSWERS("\5\1\2", "\5\xff", SOCKS_BROKEN);
	ANSWERS("\5\0", "\5\xff", SOCKS_BROKEN);
	ANSWERS("\5\2\0", "", SOCKS_GREETING);
	ANSWERS("\5", "", SOCKS_GREETING);
	ANSWERS("\4\1\0\120\1\2\3\4\0", "", SOCKS_BROKEN);
	ANSWERS("GET / HTTP/1.0\r\n\r\n", "", SOCKS_BROKEN);
}

static void rfc1928_3_as_many_methods_as_there_can_be(void)
{
	uint8_t greeting[2 + 255] = { 5, 255 };
	struct rig w;

	memset(greeting + 2, 0x80, 254);
	init(&w, NULL, NULL);
	feed(&w, greeting, sizeof(greeting));
	CU_ASSERT_EQUAL(w.h.state, SOCKS_REQUEST); /* the last one is 0 */
	CU_ASSERT_EQUAL(w.used, sizeof(greeting));
}

static void rfc1929_password(void)
{
	static const struct {
		const char *message;
		size_t len;
		bool right;
	} rows[] = {
		{ "\1\4anna\6secret", 13, true },  { "\1\4anna\5secre", 12, false }, { "\1\4anna\7secrets", 14, false },
		{ "\1\4anna\6Secret", 13, false }, { "\1\3ann\6secret", 12, false }, { "\1\0\0", 3, false },
		{ "\1\4anna\0", 7, false },        { "\2\4anna\6secret", 13, false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rig w;

		init(&w, "anna", "secret");
		FEED(&w, "\5\2\0\2");
		CU_ASSERT_EQUAL(w.h.state, SOCKS_PASSWORD);
		feed(&w, rows[i].message, rows[i].len);
		CU_ASSERT_EQUAL(w.used, rows[i].len);
		CU_ASSERT_EQUAL(w.h.state, rows[i].right ? SOCKS_REQUEST : SOCKS_DENIED);
		said(&w, rows[i].right ? "\5\2\1\0" : "\5\2\1\1", 4);
	}
}

static void a_user_without_a_password(void)
{
	struct rig w;

	init(&w, "anna", NULL);
	FEED(&w, "\5\1\2\1\4anna\0");
	CU_ASSERT_EQUAL(w.h.state, SOCKS_REQUEST);
	init(&w, "anna", NULL);
	FEED(&w, "\5\1\2\1\4anna\1x");
	CU_ASSERT_EQUAL(w.h.state, SOCKS_DENIED);
}

static void the_password_is_asked_for_where_one_is_set(void)
{
	struct rig w;

	init(&w, "anna", "secret");
	FEED(&w, GREETING);
	SAID(&w, "\5\xff");
	CU_ASSERT_EQUAL(w.h.state, SOCKS_BROKEN);
	init(&w, "anna", "secret");
	FEED(&w, "\5\1\2" NAMED);
	CU_ASSERT_NOT_EQUAL(w.h.state, SOCKS_READY);
}

static void rfc1928_4_request(void)
{
	struct rig w;

	init(&w, NULL, NULL);
	FEED(&w, GREETING "\5\1\0\1\300\0\2\1\37\220");
	CU_ASSERT_EQUAL_FATAL(w.h.state, SOCKS_READY);
	CU_ASSERT_EQUAL(w.h.command, SOCKS_CONNECT);
	CU_ASSERT_EQUAL(w.h.address.type, SOCKS_IPV4);
	CU_ASSERT_EQUAL(w.h.address.addr, 0xc0000201);
	CU_ASSERT_EQUAL(w.h.address.port, 8080);
	SAID(&w, "\5\0");
}

static void rfc1928_4_request_by_name(void)
{
	struct rig w;

	init(&w, NULL, NULL);
	FEED(&w, GREETING NAMED);
	CU_ASSERT_EQUAL_FATAL(w.h.state, SOCKS_READY);
	CU_ASSERT_EQUAL(w.h.address.type, SOCKS_NAME);
	CU_ASSERT_STRING_EQUAL(w.h.address.name, "example.com");
	CU_ASSERT_EQUAL(w.h.address.port, 80);
}

static void a_written_address_is_no_name(void)
{
	struct rig w;

	init(&w, NULL, NULL);
	FEED(&w, GREETING "\5\1\0\3\011192.0.2.1\0\120");
	CU_ASSERT_EQUAL(w.h.state, SOCKS_READY);
	CU_ASSERT_EQUAL(w.h.address.type, SOCKS_IPV4);
	CU_ASSERT_EQUAL(w.h.address.addr, 0xc0000201);
	init(&w, NULL, NULL);
	FEED(&w, GREETING "\5\1\0\3\3::1\0\120");
	CU_ASSERT_EQUAL(w.h.address.type, SOCKS_IPV6);
}

static void rfc1928_4_ipv6_and_associate(void)
{
	struct rig w;

	init(&w, NULL, NULL);
	FEED(&w, GREETING "\5\3\0\4aaaabbbbccccdddd\0\7");
	CU_ASSERT_EQUAL_FATAL(w.h.state, SOCKS_READY);
	CU_ASSERT_EQUAL(w.h.command, SOCKS_UDP_ASSOCIATE);
	CU_ASSERT_EQUAL(w.h.address.type, SOCKS_IPV6);
	CU_ASSERT_EQUAL(w.h.address.port, 7);
}

#define REFUSED_WITH(code) "\5\0\5" code "\0\1\0\0\0\0\0\0"

static void rfc1928_6_what_is_refused(void)
{
	ANSWERS(GREETING "\5\2\0\1\1\2\3\4\0\7", REFUSED_WITH("\7"), SOCKS_BROKEN);
	ANSWERS(GREETING "\5\0\0\1\1\2\3\4\0\7", REFUSED_WITH("\7"), SOCKS_BROKEN);
	ANSWERS(GREETING "\5\1\0\2", REFUSED_WITH("\10"), SOCKS_BROKEN);
	ANSWERS(GREETING "\5\1\0\0", REFUSED_WITH("\10"), SOCKS_BROKEN);
	ANSWERS(GREETING "\4\1\0", REFUSED_WITH("\1"), SOCKS_BROKEN);
	ANSWERS(GREETING "\5\1\0\3\0\0\7", REFUSED_WITH("\4"), SOCKS_BROKEN);
	ANSWERS(GREETING "\5\1\0\3\3a b\0\7", REFUSED_WITH("\4"), SOCKS_BROKEN);
	ANSWERS(GREETING "\5\1\0\3\3a\0b\0\7", REFUSED_WITH("\4"), SOCKS_BROKEN);
	ANSWERS(GREETING "\5\1\0\3\3a\377b\0\7", REFUSED_WITH("\4"), SOCKS_BROKEN);
}

/* However it is cut, the same is understood, and nothing too early. */
static void cut_at_every_byte(void)
{
	static const char whole[] = "\5\2\0\2\1\4anna\6secret" NAMED "early";
	static const size_t early = 5;
	size_t len = sizeof(whole) - 1;

	for (size_t cut = 0; cut <= len; cut++) {
		struct rig w;

		init(&w, "anna", "secret");
		feed(&w, whole, cut);
		CU_ASSERT_TRUE(w.used <= cut);
		CU_ASSERT_EQUAL(w.h.state == SOCKS_READY, cut >= len - early);
		size_t used = w.used;
		feed(&w, whole + used, len - used);
		CU_ASSERT_EQUAL(w.h.state, SOCKS_READY);
		CU_ASSERT_EQUAL(used + w.used, len - early);
		SAID(&w, "\5\2\1\0");
	}
}

static void byte_by_byte(void)
{
	static const char whole[] = GREETING NAMED;
	uint8_t held[SOCKS_MESSAGE_MAX];
	size_t len = 0;
	struct rig w;

	init(&w, NULL, NULL);
	for (size_t i = 0; i < sizeof(whole) - 1; i++) {
		CU_ASSERT_NOT_EQUAL(w.h.state, SOCKS_READY);
		held[len++] = (uint8_t)whole[i];
		feed(&w, held, len);
		len -= w.used;
		if (w.used > 0)
			memmove(held, held + w.used, len);
	}
	CU_ASSERT_EQUAL(w.h.state, SOCKS_READY);
	CU_ASSERT_EQUAL(len, 0);
}

/* Whatever comes: a full buffer of it leads on or is refused, so that a client cannot be waited for in vain. */
static void garbage_is_never_waited_for(void)
{
	GRand *random = g_rand_new_with_seed(1);

	for (unsigned n = 0; n < 20000; n++) {
		uint8_t junk[2 * SOCKS_MESSAGE_MAX];
		struct rig w;

		for (size_t i = 0; i < sizeof(junk); i++)
			junk[i] = (uint8_t)g_rand_int(random);
		memcpy(junk, n % 2 ? "\5\1\0\5\1\0" : "\5\1\2\1", n % 2 ? 6 : 4);
		init(&w, n % 2 ? NULL : "anna", "secret");
		feed(&w, junk, SOCKS_MESSAGE_MAX);
		if (w.h.state < SOCKS_READY)
			feed(&w, junk + w.used, SOCKS_MESSAGE_MAX);
		CU_ASSERT_TRUE(writer_ok(&w.out));
		CU_ASSERT_TRUE(w.h.state >= SOCKS_READY);
	}
	g_rand_free(random);
}

static void rfc1928_6_reply(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(1080), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(1080), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct rig w;

	init(&w, NULL, NULL);
	socks_write_reply(&w.out, SOCKS_SUCCEEDED, (struct sockaddr *)&in);
	SAID(&w, "\5\0\0\1\177\0\0\1\4\70");
	init(&w, NULL, NULL);
	socks_write_reply(&w.out, SOCKS_SUCCEEDED, (struct sockaddr *)&in6);
	SAID(&w, "\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\4\70");
	init(&w, NULL, NULL);
	socks_write_reply(&w.out, SOCKS_TTL_EXPIRED, NULL);
	SAID(&w, "\5\6\0\1\0\0\0\0\0\0");
}

static bool read_datagram(const void *data, size_t len, struct socks_address *address, size_t *left)
{
	struct reader r = reader_new(data, len);
	bool good = socks_read_datagram(&r, address);

	*left = reader_left(&r);
	return good;
}

static void rfc1928_7_datagram(void)
{
	static const char datagram[] = "\0\0\0\1\300\0\2\1\0\65data";
	struct socks_address address;
	size_t left;

	CU_ASSERT_TRUE(read_datagram(datagram, sizeof(datagram) - 1, &address, &left));
	CU_ASSERT_EQUAL(address.addr, 0xc0000201);
	CU_ASSERT_EQUAL(address.port, 53);
	CU_ASSERT_EQUAL(left, 4);
	for (size_t len = 0; len < SOCKS_DATAGRAM_HEADER; len++)
		CU_ASSERT_FALSE(read_datagram(datagram, len, &address, &left));
	CU_ASSERT_TRUE(read_datagram(datagram, SOCKS_DATAGRAM_HEADER, &address, &left));
	CU_ASSERT_EQUAL(left, 0);
}

static void rfc1928_7_fragments_are_dropped(void)
{
	struct socks_address address;
	size_t left;

	CU_ASSERT_FALSE(read_datagram("\0\0\1\1\300\0\2\1\0\65data", 14, &address, &left));
	CU_ASSERT_FALSE(read_datagram("\0\0\200\1\300\0\2\1\0\65data", 14, &address, &left));
	CU_ASSERT_FALSE(read_datagram("\0\0\0\2\300\0\2\1\0\65data", 14, &address, &left));
}

static void rfc1928_7_datagram_to_the_client(void)
{
	struct rig w;

	init(&w, NULL, NULL);
	socks_write_datagram(&w.out, 0xc0000201, 53);
	SAID(&w, "\0\0\0\1\300\0\2\1\0\65");
	CU_ASSERT_EQUAL(writer_len(&w.out), SOCKS_DATAGRAM_HEADER);
}

const struct unit_test unit_tests[] = {
	{ "RFC 1928 §3: methods", rfc1928_3_methods },
	{ "RFC 1928 §3: 255 methods", rfc1928_3_as_many_methods_as_there_can_be },
	{ "RFC 1929 §2: user and password", rfc1929_password },
	{ "a user without a password", a_user_without_a_password },
	{ "the password is asked for where one is set", the_password_is_asked_for_where_one_is_set },
	{ "RFC 1928 §4: request", rfc1928_4_request },
	{ "RFC 1928 §4: request by name", rfc1928_4_request_by_name },
	{ "a written address is no name", a_written_address_is_no_name },
	{ "RFC 1928 §4: IPv6, UDP ASSOCIATE", rfc1928_4_ipv6_and_associate },
	{ "RFC 1928 §6: what is refused", rfc1928_6_what_is_refused },
	{ "cut at every byte", cut_at_every_byte },
	{ "byte by byte", byte_by_byte },
	{ "garbage is never waited for", garbage_is_never_waited_for },
	{ "RFC 1928 §6: replies", rfc1928_6_reply },
	{ "RFC 1928 §7: datagrams from the client", rfc1928_7_datagram },
	{ "RFC 1928 §7: fragments are dropped", rfc1928_7_fragments_are_dropped },
	{ "RFC 1928 §7: datagrams to the client", rfc1928_7_datagram_to_the_client },
	{ 0 },
};
