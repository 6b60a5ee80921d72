/* SOCKS5's messages, read and written; see socks_request.h. socks.c and socks_udp.c call this. RFC 1928, RFC 1929. */
#include "net/socks_request.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

#define SOCKS_VERSION 5
#define PASSWORD_VERSION 1

enum method { METHOD_NONE = 0, METHOD_PASSWORD = 2, METHOD_UNACCEPTABLE = 0xff };

/* What became of an attempt to read one message. */
enum outcome { INCOMPLETE, TAKEN };

void socks_handshake_init(struct socks_handshake *h, const char *user, const char *password)
{
	*h = (struct socks_handshake){ .user = user, .password = password ? password : "" };
}

/* Takes the same time wherever the two differ; how long the right one is may be learnt. */
static bool same_secret(const uint8_t *given, size_t len, const char *right)
{
	size_t right_len = strlen(right);
	uint8_t difference = len != right_len;

	for (size_t i = 0; i < len; i++)
		difference |= (uint8_t)(given[i] ^ (uint8_t)(right_len > 0 ? right[i % right_len] : 1));
	return difference == 0;
}

static enum outcome read_greeting(struct socks_handshake *h, struct reader *r, struct writer *out)
{
	uint8_t version = reader_u8(r);

	if (reader_ok(r) && version != SOCKS_VERSION) {
		h->state = SOCKS_BROKEN; /* RFC 1928 has no answer for another version */
		return TAKEN;
	}
	size_t count = reader_u8(r);
	const uint8_t *methods = reader_bytes(r, count);
	if (!methods)
		return INCOMPLETE;
	uint8_t wanted = h->user ? METHOD_PASSWORD : METHOD_NONE;
	bool offered = count > 0 && memchr(methods, wanted, count) != NULL;
	h->state = !offered ? SOCKS_BROKEN : h->user ? SOCKS_PASSWORD : SOCKS_REQUEST;
	writer_u8(out, SOCKS_VERSION);
	writer_u8(out, offered ? wanted : METHOD_UNACCEPTABLE);
	return TAKEN;
}

static enum outcome read_password(struct socks_handshake *h, struct reader *r, struct writer *out)
{
	uint8_t version = reader_u8(r);
	size_t user_len = reader_u8(r);
	const uint8_t *user = reader_bytes(r, user_len);
	size_t password_len = reader_u8(r);
	const uint8_t *password = reader_bytes(r, password_len);

	if (!reader_ok(r))
		return INCOMPLETE;
	bool user_right = same_secret(user, user_len, h->user);
	bool password_right = same_secret(password, password_len, h->password);
	bool right = user_right && password_right && version == PASSWORD_VERSION;
	h->state = right ? SOCKS_REQUEST : SOCKS_DENIED;
	writer_u8(out, PASSWORD_VERSION);
	writer_u8(out, right ? 0 : 1);
	return TAKEN;
}

/* A name that can be asked for. What a host's name may consist of (RFC 1123 §2.1), and the underscore, which some use. */
static bool take_name(struct socks_address *address, const uint8_t *name, size_t len)
{
	struct in_addr in;

	for (size_t i = 0; i < len; i++)
		if (!g_ascii_isalnum(name[i]) && !memchr("-_.:", name[i], 4))
			return false;
	memcpy(address->name, name, len);
	address->name[len] = '\0';
	if (inet_pton(AF_INET, address->name, &in) == 1) {
		address->type = SOCKS_IPV4;
		address->addr = ntohl(in.s_addr);
	} else if (memchr(name, ':', len)) {
		address->type = SOCKS_IPV6;
		return inet_pton(AF_INET6, address->name, &address->addr6) == 1;
	}
	return len > 0;
}

/* An address and a port (RFC 1928 §5). False: malformed, or not there in full, which reader_ok() tells apart. */
static bool read_address(struct reader *r, struct socks_address *address)
{
	bool good = true;

	*address = (struct socks_address){ .type = reader_u8(r) };
	if (address->type == SOCKS_IPV4) {
		address->addr = reader_u32(r);
	} else if (address->type == SOCKS_IPV6) {
		const uint8_t *bytes = reader_bytes(r, sizeof(address->addr6));

		if (bytes)
			memcpy(&address->addr6, bytes, sizeof(address->addr6));
	} else if (address->type == SOCKS_NAME) {
		size_t len = reader_u8(r);
		const uint8_t *name = reader_bytes(r, len);

		good = name && take_name(address, name, len);
	} else {
		return false;
	}
	address->port = reader_u16(r);
	return reader_ok(r) && good;
}

static enum outcome refuse(struct socks_handshake *h, struct writer *out, enum socks_reply reply)
{
	h->state = SOCKS_BROKEN;
	socks_write_reply(out, reply, NULL);
	return TAKEN;
}

static bool is_known(enum socks_address_type type)
{
	return type == SOCKS_IPV4 || type == SOCKS_NAME || type == SOCKS_IPV6;
}

static enum outcome read_request(struct socks_handshake *h, struct reader *r, struct writer *out)
{
	uint8_t version = reader_u8(r);

	h->command = reader_u8(r);
	reader_skip(r, 1);
	if (reader_ok(r) && version != SOCKS_VERSION)
		return refuse(h, out, SOCKS_FAILURE);
	bool good = read_address(r, &h->address);
	if (!reader_ok(r))
		return INCOMPLETE;
	if (!is_known(h->address.type))
		return refuse(h, out, SOCKS_BAD_ADDRESS_TYPE);
	if (h->command != SOCKS_CONNECT && h->command != SOCKS_UDP_ASSOCIATE)
		return refuse(h, out, SOCKS_BAD_COMMAND);
	if (!good)
		return refuse(h, out, SOCKS_HOST_UNREACHABLE);
	h->state = SOCKS_READY;
	return TAKEN;
}

typedef enum outcome read_fn(struct socks_handshake *h, struct reader *r, struct writer *out);

/* By state; the others wait for nothing. */
static read_fn *const readers[] = {
	[SOCKS_GREETING] = read_greeting,
	[SOCKS_PASSWORD] = read_password,
	[SOCKS_REQUEST] = read_request,
	[SOCKS_READY] = NULL,
	[SOCKS_DENIED] = NULL,
	[SOCKS_BROKEN] = NULL,
};

size_t socks_handshake_feed(struct socks_handshake *h, const uint8_t *data, size_t len, struct writer *out)
{
	struct reader r = reader_new(data, len);
	size_t used = 0;

	while (readers[h->state] && readers[h->state](h, &r, out) == TAKEN)
		used = len - reader_left(&r);
	return used;
}

void socks_write_reply(struct writer *w, enum socks_reply reply, const struct sockaddr *bound)
{
	writer_u8(w, SOCKS_VERSION);
	writer_u8(w, (uint8_t)reply);
	writer_u8(w, 0);
	if (bound && bound->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)bound;

		writer_u8(w, SOCKS_IPV6);
		writer_bytes(w, &in6->sin6_addr, sizeof(in6->sin6_addr));
		writer_u16(w, ntohs(in6->sin6_port));
		return;
	}
	const struct sockaddr_in *in = (const struct sockaddr_in *)bound;
	writer_u8(w, SOCKS_IPV4);
	writer_u32(w, in ? ntohl(in->sin_addr.s_addr) : 0);
	writer_u16(w, in ? ntohs(in->sin_port) : 0);
}

bool socks_read_datagram(struct reader *r, struct socks_address *address)
{
	reader_skip(r, 2);
	uint8_t fragment = reader_u8(r);

	return read_address(r, address) && fragment == 0;
}

void socks_write_datagram(struct writer *w, uint32_t addr, uint16_t port)
{
	writer_u16(w, 0);
	writer_u8(w, 0);
	writer_u8(w, SOCKS_IPV4);
	writer_u32(w, addr);
	writer_u16(w, port);
}
