/* The flows that pass: who talks to whom, how much, since when. Both backends look every packet up here.
 *
 * A flow has two names: the outer one, as the peer sees it, and the inner one, as libslirp does. Where nothing is translated they are
 * equal. Addresses are IPv6's, IPv4's as ::ffff:a.b.c.d; an ICMP echo has its identifier for the port of the peer's end. Knows no
 * policy, and of packets only what it counts. The table is bounded; nothing is allocated after flow_table_new(), and memory of entries
 * that were never used is never touched. */
#ifndef SLIRPPD_NET_FLOW_H
#define SLIRPPD_NET_FLOW_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "net/net.h"
#include "net/packet.h"
#include "net/reply.h"

#define FLOW_TABLE_SIZE 16383
#define FLOW_CLOSED_MAX 1024 /* that are remembered */

#define FLOW_OPENING_IDLE (60 * CLOCK_SECOND) /* libslirp itself gives an unanswered SYN up after 75 s */
#define FLOW_OPEN_IDLE (124 * 60 * CLOCK_SECOND) /* RFC 5382 REQ-5 */
#define FLOW_CLOSED_IDLE (240 * CLOCK_SECOND)    /* RFC 5382 REQ-5 */
#define FLOW_UDP_IDLE (300 * CLOCK_SECOND)       /* RFC 4787 REQ-5; longer than libslirp keeps a UDP socket */
#define FLOW_ICMP_IDLE (60 * CLOCK_SECOND)       /* RFC 5508 REQ-2 */

enum flow_by { FLOW_OUTER, FLOW_INNER };
enum flow_state { FLOW_OPENING, FLOW_OPEN, FLOW_CLOSING, FLOW_CLOSED };

/* Packets that end a TCP connection, each at one end: flow_end(). For libslirp's end there are two, of which it heeds one (gate.c); true
 * hosts want the very number that they wait for. Sent in this order: with libslirp's socket the flow is closed, and sends no more. */
enum flow_reset { RESET_PEER = 1, RESET_FAR = 2, RESET_SLIRP_LOW = 4, RESET_SLIRP_HIGH = 8 };
#define RESET_SLIRP (RESET_SLIRP_LOW | RESET_SLIRP_HIGH)

enum flow_side { SIDE_PEER, SIDE_FAR };

enum flow_number { NUMBER_UNKNOWN, NUMBER_ACKNOWLEDGES, NUMBER_IS_SEQUENCE };

struct flow_end {
	struct in6_addr addr;
	uint16_t port;
};

struct flow_name {
	struct flow_end peer, far; /* the end at the peer's side, and the other */
	uint8_t protocol;
};

/* Flows in the order of their last packet, all with the same time-out. */
struct flow_queue {
	uint64_t idle; /* 0: none */
	uint16_t oldest, newest, length;
	struct flow_queue *next; /* of the table's queues */
};

/* What flows have in common: a service, for instance. Read the counters; `refused` is the owner's. */
struct flow_group {
	struct flow_queue queue; /* of those that have a time-out of the group's own */
	unsigned flows;          /* now */
	uint64_t opened, refused, bytes_in, bytes_out;
};

/* Read these; except FD's neighbours below, they are changed by flow_ functions alone. */
struct flow {
	uint64_t id; /* never used twice */
	uint64_t opened, used;
	uint64_t bytes_in, bytes_out, packets_in, packets_out; /* from the peer, to the peer */
	struct flow_name name[2];                              /* by enum flow_by */
	struct flow_group *group;
	struct flow_queue *queue;
	uint32_t number[2];   /* what a reset must carry, by enum flow_side */
	uint8_t number_is[2]; /* enum flow_number */
	uint8_t kind, state;
	uint8_t finished; /* which sides sent a FIN */
	uint32_t far_end; /* the number after the far side's FIN ... */
	bool far_acked;   /* ... and the peer has all until there */
	uint8_t resets;   /* enum flow_reset: to be sent */
	bool by_peer;     /* the peer opened it */
	bool ended;       /* it was told so */
	uint16_t chain[2], newer, older;

	/* The owner's. */
	int fd;               /* libslirp's descriptor, -1 where there is none or it is not known: flow_set_fd() */
	uint16_t mates[2];    /* gate_sockets.c: the others of the same UDP socket */
	bool backlog;         /* gate_sockets.c: libslirp has read more of its socket than it has sent ... */
	uint64_t backlog_at;  /* ... and when it had last; 0: never */
	bool finishing;       /* gate_sockets.c: to be ended when libslirp has passed on what it has of the peer's */
	struct watch *watch;  /* gate_own.c */
	bool ours;            /* a port of ours: nothing of it goes to libslirp */
};

struct flow_opening {
	struct flow_name outer, inner;
	enum flow_kind kind;
	struct flow_group *group;
	bool by_peer;
};

struct flow_table_options {
	/* Not 0: TCP connections that time out are to be reset so, and wait for flow_next_ending(). Open ones are libslirp's, and end with its
	 * sockets: they do not time out. */
	unsigned resets;
	bool recycles;  /* when the table is full, whatever was silent longest makes room */
	/* F has ended: closed, timed out or removed. Called once for each flow; it must not remove any. */
	void (*ended)(void *arg, struct flow *f);
	void *arg;
};

struct flow_table;

/* SEED makes the hash unpredictable for the peer. CLOCK must outlive the table. */
struct flow_table *flow_table_new(struct clock *clock, uint32_t seed, const struct flow_table_options *options);
void flow_table_free(struct flow_table *table);

/* A group with a time-out in microseconds (0: the protocol's). It stays the caller's memory until flow_group_end(), which makes its flows
 * HEIR's. flow_group_set_idle(): everybody's time begins anew. */
void flow_group_init(struct flow_table *table, struct flow_group *group, uint64_t idle);
void flow_group_set_idle(struct flow_table *table, struct flow_group *group, uint64_t idle);
void flow_group_end(struct flow_table *table, struct flow_group *group, struct flow_group *heir);

/* An IPv4 address in host byte order, as ::ffff:a.b.c.d and back; flow_v4() of any other is 0. */
struct in6_addr flow_address(uint32_t v4);
uint32_t flow_v4(const struct in6_addr *addr);
struct flow_end flow_end_v4(uint32_t addr, uint16_t port);

/* Whether F is a conversation by IPv6 (its far end may be an IPv4 host all the same). */
bool flow_is_v6(const struct flow *f);

/* The name that P shows in the direction to or from the peer. False: P is nothing that has flows (a later fragment, an ICMP error, …). */
bool flow_name_of(const struct packet *p, bool from_peer, struct flow_name *name);

/* The flow of this name, or NULL; closed ones, too, for a while. Valid until the next flow_add() or flow_remove(). */
struct flow *flow_find(struct flow_table *table, enum flow_by by, const struct flow_name *name);

/* Adds a flow; the names must be free. NULL: the table is full, and none makes room: closed ones without a descriptor, pings, the
 * peer's UDP and ours do, clients' connections that were silent for FLOW_OPEN_IDLE, and with `recycles` all others. */
struct flow *flow_add(struct flow_table *table, const struct flow_opening *how);
void flow_remove(struct flow_table *table, struct flow *f);
/* Removes the peer's UDP flow that was silent longest, if there is one. */
void flow_recycle_udp(struct flow_table *table);

/* P, of this flow, passes. */
void flow_touch(struct flow_table *table, struct flow *f, const struct packet *p, bool from_peer);

/* TCP: both sides have ended, and the peer has all that the far one said: what is left is TIME-WAIT (RFC 9293 §3.3.2). */
bool flow_is_finished(const struct flow *f);

/* The flow is over. It is still found, for late packets, and is in nobody's way once it has no descriptor. */
void flow_close(struct flow_table *table, struct flow *f);

/* As flow_close() once these RESETS (as far as their numbers are known) were sent: flow_next_ending() gives the flow and which of them, one a
 * call; NULL: none. What is not TCP is removed. */
void flow_end(struct flow_table *table, struct flow *f, unsigned resets);
struct flow *flow_next_ending(struct flow_table *table, unsigned *reset);

/* The reset that this side heeds, under the outer names. */
struct reset flow_reset(const struct flow *f, enum flow_side side);

/* A flow counts while it has a descriptor, even when it is closed. */
void flow_set_fd(struct flow_table *table, struct flow *f, int fd);

/* Walks over all that have not ended: begin with NULL. The one that is at hand may be removed. */
struct flow *flow_next(const struct flow_table *table, const struct flow *previous);
uint16_t flow_index(const struct flow_table *table, const struct flow *f);
struct flow *flow_at(const struct flow_table *table, uint16_t index);

struct flow_counts {
	unsigned all;
	unsigned by_peer[FLOW_KINDS];
	unsigned pings; /* of the peer, to the world */
	uint64_t opened; /* ever */
};
const struct flow_counts *flow_counts(const struct flow_table *table);

/* What is told of F: all but `real`'s and the link's own names, which the owner knows. */
void flow_describe(const struct flow_table *table, const struct flow *f, struct net_flow *told);
void flow_describe_end(const struct flow_end *end, struct net_address *told);

#endif
