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

/* IPv6. The prefix that the peer is told of (a unique local one, RFC 4193), in which it gives itself addresses, and we have the one with
 * our identifier; and libslirp's own view: a prefix to which nothing is ever sent (RFC 6666). The peer's addresses are the same in both. */
#define GATE6_PREFIX { .s6_addr = { 0xfd, 's', 'l', 'i', 'r', 'p', 0x00, 0x01 } }
#define GATE6_PREFIX_BITS 64
#define GATE6_INNER_PREFIX { .s6_addr = { 0x01 } }
#define GATE6_INNER_HOST { .s6_addr = { 0x01, [15] = 1 } }
#define GATE6_INNER_RESOLVER { .s6_addr = { 0x01, [15] = 2 } }

enum gate_verdict {
	GATE_PASS,  /* give the packet on */
	GATE_DROP,
	GATE_ANSWER, /* drop it, and send the peer what gate_answer() has */
	GATE_OURS    /* for a port of gate_own_port(): P describes it as it came */
};

struct gate;
struct flow_end; /* net/flow.h */

/* CONFIG (of which `net` is copied), CLOCK and HOST must outlive it. */
struct gate *gate_new(const struct config *config, struct clock *clock, uint32_t seed, const struct policy_host *host);
void gate_free(struct gate *gate);

/* No more flows of the peer than MAX, whatever the configuration says: there are not descriptors enough. A quarter of what is allowed is
 * for services alone, so that the world cannot starve them; pings that nobody answered yet, which libslirp keeps for minutes, may take
 * a quarter. */
void gate_limit_flows(struct gate *gate, unsigned max);

/* The link is up with these addresses, or down (NULL): then nothing passes. Other addresses than before end the conversations. */
void gate_set_link(struct gate *gate, const struct net_link *link);

/* The peer is gone for good: all TCP connections are to end at libslirp's side. */
void gate_end_conversations(struct gate *gate);

/* Gives, one by one, the packets that end connections (IPv4 or IPv6): those that timed out, that are not allowed any more, that were dropped or ended
 * above. Call it at the end of each round of the loop until it returns 0; it costs nothing when there are none. It writes to BUF (REPLY_MAX
 * bytes) and returns the length; *TO_PEER: the packet is for the peer as it is, else for libslirp. */
size_t gate_next_reset(struct gate *gate, uint8_t *buf, bool *to_peer);

/* libslirp opened the socket FD because of P, which had passed the gate, or (NULL) for a client of a forward; or it closed FD. */
void gate_socket_opened(struct gate *gate, int fd, const struct packet *p);
void gate_socket_closed(struct gate *gate, int fd);
unsigned gate_sockets(const struct gate *gate);

/* libslirp would keep a connection that has ended for ten seconds, with 256 KiB of buffers: those of which the peer has everything are
 * ended at once. In each round, between these two, gate_socket_drains() tells which sockets still wait to take what the peer sent; the
 * second leaves packets for gate_next_reset(). gate_socket_finished(): FD belongs to a connection that ended in good order. */
void gate_begin_round(struct gate *gate);
void gate_socket_drains(struct gate *gate, int fd);
void gate_end_round(struct gate *gate);
bool gate_socket_finished(const struct gate *gate, int fd);

/* Whether libslirp is to read FD now. It takes all that a socket has, up to 128 KiB, so that hundreds of downloads that begin at once
 * would take as much memory at once: a new connection has to wait a while when many others have more than the line has taken yet. */
bool gate_may_read(const struct gate *gate, int fd);
/* Whether FD is to be read even while the queue to the peer is long: keystrokes and names must not wait for somebody's download. Not so a TCP
 * connection that had a backlog a moment ago, or whose flow is not known. */
bool gate_is_light(const struct gate *gate, int fd);

/* A packet from the peer, anything at all. GATE_PASS: it was rewritten for libslirp and P describes it. */
enum gate_verdict gate_from_peer(struct gate *gate, uint8_t *data, size_t len, struct packet *p);
const uint8_t *gate_answer(const struct gate *gate, size_t *len);

/* The same for an IPv6 packet (its version was looked at). What a router answers, neighbour discovery and pings, comes out as GATE_ANSWER,
 * which lies in DATA or in the gate. */
enum gate_verdict gate6_from_peer(struct gate *gate, uint8_t *data, size_t len, struct packet *p);
/* Whether ADDR is one of our own addresses in the link. */
bool gate6_is_local(const struct gate *gate, const struct in6_addr *addr);
/* A TCP or UDP packet or an ICMPv6 error from libslirp, as gate_to_peer(). */
bool gate6_to_peer(struct gate *gate, uint8_t *data, size_t len, struct packet *p);
/* The router advertisement (RFC 4861 §4.2) for all nodes of the link, written to BUF (REPLY6_MAX bytes). Its length; 0 where IPv6 is down. */
size_t gate6_advertisement(const struct gate *gate, uint8_t *buf);

/* Below: for dialling into the link (net/dial.h) and for proxies (net/proxy.h). */

enum gate_outcome {
	ANSWER_OPEN,        /* SYN and ACK came */
	ANSWER_REFUSED,     /* a reset came */
	ANSWER_UNREACHABLE, /* an ICMP error came */
	ANSWER_NONE         /* the flow ended without either: nobody answered, or the link went down */
};
typedef void gate_answer_fn(void *arg, enum gate_outcome answer);

/* The next TCP connection that libslirp opens to ADDR:PORT (host byte order, as the peer knows them; ADDR 0: the peer itself) for a client
 * of ours is KIND (FLOW_SOCKS, for instance, instead of FLOW_FORWARD), may be opened although no forward leads there, and what becomes of
 * it is told to FN, once, from within gate_from_peer(), another gate_ function or a timer; FN may call gate_unwatch() and no other function
 * of the gate's. Returns a number for gate_unwatch(), which forgets FN (harmless afterwards). One watch for each connection; first come,
 * first served. */
uint64_t gate_watch(struct gate *gate, uint32_t addr, uint16_t port, enum flow_kind kind, gate_answer_fn *fn, void *arg);
/* The same; TO is an address of either family as libslirp knows it. */
uint64_t gate_watch_end(struct gate *gate, const struct flow_end *to, enum flow_kind kind, gate_answer_fn *fn, void *arg);
void gate_unwatch(struct gate *gate, uint64_t watch);

/* A UDP port of our PPP address that belongs to us and not to libslirp: datagrams to it from hosts that it has talked to come out of
 * gate_from_peer() as GATE_OURS with P as it came. Returns the port, 0 when there is none left. */
uint16_t gate_own_port(struct gate *gate, enum flow_kind kind);
void gate_release_port(struct gate *gate, uint16_t port);
/* Writes the datagram from that port to ADDR:PORT into BUF (at least LEN + 28 bytes) and enters it into the flows. Returns the packet's
 * length, ready for the peer, or 0 where it may not go (the link is down, larger than its MTU). */
size_t gate_own_datagram(struct gate *gate, uint16_t port, uint32_t addr, uint16_t dport, const uint8_t *data, size_t len, uint8_t *buf);

/* From now on the peer's TCP connections to the world lead to 127.0.0.1:PORT (0: no more), as FLOW_PROXY. */
void gate_set_proxy(struct gate *gate, uint16_t port);
/* The descriptors of libslirp's sockets for such flows, one a call, with where the peer wants to go; -1 after the last. *POS begins at 0. */
int gate_next_proxied(const struct gate *gate, unsigned *pos, uint32_t *addr, uint16_t *port);

/* A packet from libslirp. True: it was rewritten for the peer and P describes it. */
bool gate_to_peer(struct gate *gate, uint8_t *data, size_t len, struct packet *p);

/* What net.h tells of these (net_counters(), net_flows(), net_drop_flow(), net_doors() with DOOR_SERVICE, and the numbers of the other
 * doors). gate_drop_flow() may leave packets for gate_next_reset(). */
void gate_counters(const struct gate *gate, struct net_counters *counters);
void gate_flows(const struct gate *gate, net_flow_fn *fn, void *arg);
bool gate_drop_flow(struct gate *gate, uint64_t id);
void gate_services(const struct gate *gate, net_door_fn *fn, void *arg);
/* Adds what the flows of this kind and port (a forward's local port is not known here: DPORT of HOST, 0: the peer) had to DOOR. */
void gate_count_forward(const struct gate *gate, const struct forward *forward, struct net_door *door);
/* Those of KIND that belong to no service or forward that is configured. */
void gate_count_kind(const struct gate *gate, enum flow_kind kind, struct net_door *door);

/* Another configuration is in force (services, forwards, access lists, limits; copied). Flows that it does not allow end: packets for
 * gate_next_reset(). */
void gate_configure(struct gate *gate, const struct net_config *config);

#endif
