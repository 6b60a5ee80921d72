/* Conversations whose far end the peer knows under another address than libslirp does: services, forwards, and DNS.
 *
 * Each has two names for that end: the outer one, which the peer sees (our PPP address or the resolver's, and a port), and the
 * inner one, which libslirp sees. The table is bounded. Of those that may make room, the one that was silent longest does: libslirp
 * would keep the socket of a TCP connection that was thrown out, and nobody could reach it. Nothing is allocated after nat_new(). */
#ifndef SLIRPPD_NET_NAT_H
#define SLIRPPD_NET_NAT_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

/* Who opened it: the peer, or a client of a forward. */
enum nat_opener { NAT_BY_PEER, NAT_BY_CLIENT };

/* Which of our addresses the peer talks to. */
enum nat_side { NAT_LOCAL, NAT_RESOLVER };

/* The end of the conversation that is the peer's, or a host's behind it; address as libslirp sees it. */
struct nat_peer {
	uint8_t protocol;
	uint16_t port;
	uint32_t addr;
};

struct nat_outer {
	enum nat_side side;
	uint16_t port;
};

struct nat_inner {
	uint32_t addr;
	uint16_t port;
};

/* Read these; they are changed by nat_ functions alone. */
struct nat_entry {
	struct nat_peer peer;
	struct nat_outer outer;
	struct nat_inner inner;
	enum nat_opener opener;
	uint64_t used;     /* when a packet passed last */
	uint8_t finished;  /* which sides sent a FIN; both after a RST */
	uint16_t chain[2]; /* the next with the same hash of its outer and of its inner name */
	uint16_t newer, older;
};

#define NAT_SIZE 4096
#define NAT_UDP_IDLE (300 * CLOCK_SECOND)    /* longer than libslirp keeps a UDP socket */
#define NAT_CLOSED_IDLE (240 * CLOCK_SECOND) /* RFC 5382 REQ-5: a closed TCP conversation */
#define NAT_CLIENT_IDLE (124 * 60 * CLOCK_SECOND) /* RFC 5382 REQ-5: any other, before it makes room */

struct nat;

/* SEED makes the hash unpredictable for the peer. CLOCK must outlive the table. */
struct nat *nat_new(struct clock *clock, uint32_t seed);
void nat_free(struct nat *nat);

/* The conversation with this name, or NULL. Valid until the next call to nat_add() or a nat_find function. */
struct nat_entry *nat_find_outer(struct nat *nat, const struct nat_peer *peer, const struct nat_outer *outer);
struct nat_entry *nat_find_inner(struct nat *nat, const struct nat_peer *peer, const struct nat_inner *inner);

/* Adds a conversation. Others with the same inner or outer name end: this one is newer. NULL: the table is full, and none may make
 * room, which finished ones, the peer's UDP, and the forwards' that were silent for NAT_CLIENT_IDLE may. */
struct nat_entry *nat_add(struct nat *nat, const struct nat_peer *peer, const struct nat_outer *outer, const struct nat_inner *inner,
			  enum nat_opener opener);

/* A packet of this conversation passes, with these TCP flags (0 for UDP). */
void nat_touch(struct nat *nat, struct nat_entry *entry, uint8_t tcp_flags, bool from_peer);

void nat_remove(struct nat *nat, struct nat_entry *entry);
unsigned nat_count(const struct nat *nat);

#endif
