/* The words of SOCKS5 (RFC 1928, RFC 1929), in memory: what a client says before its connection is made, the replies, and the header of
 * each UDP datagram. No I/O here. */
#ifndef SLIRPPD_NET_SOCKS_REQUEST_H
#define SLIRPPD_NET_SOCKS_REQUEST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader.h"
#include "writer.h"

#define SOCKS_NAME_MAX 255
#define SOCKS_REPLY_MAX 22          /* any reply with an address */
#define SOCKS_MESSAGE_MAX 513       /* the largest that a client sends: RFC 1929's */
#define SOCKS_DATAGRAM_HEADER 10    /* with an IPv4 address */

enum socks_command { SOCKS_CONNECT = 1, SOCKS_BIND = 2, SOCKS_UDP_ASSOCIATE = 3 };
enum socks_address_type { SOCKS_IPV4 = 1, SOCKS_NAME = 3, SOCKS_IPV6 = 4 };

/* RFC 1928 §6 */
enum socks_reply {
	SOCKS_SUCCEEDED,
	SOCKS_FAILURE,
	SOCKS_NOT_ALLOWED,
	SOCKS_NET_UNREACHABLE,
	SOCKS_HOST_UNREACHABLE,
	SOCKS_REFUSED,
	SOCKS_TTL_EXPIRED,
	SOCKS_BAD_COMMAND,
	SOCKS_BAD_ADDRESS_TYPE
};

struct socks_address {
	enum socks_address_type type; /* a name that is a written address counts as that address */
	uint32_t addr;                /* SOCKS_IPV4, host byte order */
	struct in6_addr addr6;        /* SOCKS_IPV6 */
	char name[SOCKS_NAME_MAX + 1]; /* SOCKS_NAME: letters, digits, `-`, `_` and dots alone */
	uint16_t port;
};

enum socks_state {
	SOCKS_GREETING, /* waits for the methods that the client offers (RFC 1928 §3) */
	SOCKS_PASSWORD, /* for user and password (RFC 1929 §2) */
	SOCKS_REQUEST,  /* for the request (RFC 1928 §4) */
	SOCKS_READY,    /* the request is there: COMMAND and ADDRESS; what follows is not for us */
	SOCKS_DENIED,   /* wrong user or password: to be closed once the answer is sent */
	SOCKS_BROKEN    /* no SOCKS5, or nothing that we can do: likewise */
};

struct socks_handshake {
	const char *user, *password; /* NULL: nobody is asked; a password that is NULL is empty */
	enum socks_state state;
	enum socks_command command;
	struct socks_address address;
};

/* USER and PASSWORD must outlive it. */
void socks_handshake_init(struct socks_handshake *h, const char *user, const char *password);

/* Takes what there is of the next messages: LEN bytes that came so far and were not consumed. Returns how many of them are done with;
 * call it again with the rest and what came behind it. A message is at most SOCKS_MESSAGE_MAX bytes long. Writes what the client is to be
 * told to OUT, which has room for SOCKS_REPLY_MAX bytes. */
size_t socks_handshake_feed(struct socks_handshake *h, const uint8_t *data, size_t len, struct writer *out);

/* The reply to a request (RFC 1928 §6), with the address that we use for it; BOUND is a sockaddr_in or a sockaddr_in6, or NULL. */
void socks_write_reply(struct writer *w, enum socks_reply reply, const struct sockaddr *bound);

/* The header of a datagram from the client (RFC 1928 §7); R is then at its data. False for one that is to be dropped: malformed, or a
 * fragment. */
bool socks_read_datagram(struct reader *r, struct socks_address *address);
/* The header of a datagram from ADDR:PORT to the client. */
void socks_write_datagram(struct writer *w, uint32_t addr, uint16_t port);

#endif
