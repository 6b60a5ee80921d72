/* The gate between the peer and libslirp: which packets pass, and under which addresses each side sees the other.
 *
 * libslirp has one set of addresses for the life of the process, so that conversations outlive a renegotiation; the link has those
 * that were agreed upon. No I/O here: packets in, packets out, in memory. */
#ifndef SLIRPPD_NET_GATE_H
#define SLIRPPD_NET_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "config.h"
#include "net/net.h"
#include "net/policy.h"
#include "net/reply.h"

/* libslirp's view of the link: from a block that is never used on a network (RFC 1112 §4), so that no address of the world is
 * taken away from the peer. The peer's is outside GATE_NETWORK/GATE_NETMASK, whose last address libslirp takes for its own. */
#define GATE_NETWORK UINT32_C(0xf0000000)
#define GATE_NETMASK UINT32_C(0xfffffffc)
#define GATE_HOST UINT32_C(0xf0000001)     /* our address */
#define GATE_RESOLVER UINT32_C(0xf0000002) /* the DNS server */
#define GATE_PEER UINT32_C(0xf0000005)

struct gate_counters {
	uint64_t malformed;  /* from the peer, no proper IPv4 packet */
	uint64_t spoofed;    /* from the peer, with another's address */
	uint64_t fragments;  /* from the peer: none is taken */
	uint64_t refused;    /* from the peer, not allowed */
	uint64_t crowded;    /* those of them that were one conversation too many */
	uint64_t ignored;    /* from the peer, nothing that we answer to (ICMP errors, other protocols) */
	uint64_t unmapped;   /* from libslirp, with an address that the peer must not see */
};

enum gate_verdict {
	GATE_PASS,  /* give the packet on */
	GATE_DROP,
	GATE_ANSWER /* drop it, and send the peer what gate_answer() has */
};

/* How many conversations the peer may have opened at once. A quarter of these is for services alone, so that the world cannot
 * starve them; pings that nobody answered yet, which libslirp keeps for minutes, may take a quarter. */
#define GATE_FLOWS 1024

struct gate;

/* CONFIG, CLOCK and HOST must outlive it. */
struct gate *gate_new(const struct config *config, struct clock *clock, uint32_t seed, const struct policy_host *host);
void gate_free(struct gate *gate);

/* Fewer than GATE_FLOWS, where there are not descriptors enough. */
void gate_limit_flows(struct gate *gate, unsigned max);

/* The link is up with these addresses, or down (NULL): then nothing passes. Other addresses than before end the conversations. */
void gate_set_link(struct gate *gate, const struct net_link *link);

/* The peer is gone for good: the TCP connections that it opened are to end. gate_next_reset() gives, one by one, the packets that
 * tell libslirp so; it writes to BUF (REPLY_MAX bytes) and returns the length, 0 when there are no more. */
void gate_end_conversations(struct gate *gate);
size_t gate_next_reset(struct gate *gate, uint8_t *buf);

/* libslirp opened the socket FD because of P, which had passed the gate, or (NULL) for a client of a forward; or it closed FD. */
void gate_socket_opened(struct gate *gate, int fd, const struct packet *p);
void gate_socket_closed(struct gate *gate, int fd);
unsigned gate_sockets(const struct gate *gate);

/* A packet from the peer, anything at all. GATE_PASS: it was rewritten for libslirp and P describes it. */
enum gate_verdict gate_from_peer(struct gate *gate, uint8_t *data, size_t len, struct packet *p);
const uint8_t *gate_answer(const struct gate *gate, size_t *len);

/* A packet from libslirp. True: it was rewritten for the peer and P describes it. */
bool gate_to_peer(struct gate *gate, uint8_t *data, size_t len, struct packet *p);

const struct gate_counters *gate_counters(const struct gate *gate);

#endif
