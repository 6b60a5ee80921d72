/* Inside the gate: shared by gate*.c alone. */
#ifndef SLIRPPD_NET_GATE_INTERNAL_H
#define SLIRPPD_NET_GATE_INTERNAL_H

#include <glib.h>

#include "net/flow.h"
#include "net/gate.h"
#include "net/guard.h"
#include "net/packet.h"

enum scope { SCOPE_LINK, SCOPE_PREFIX };

#define FIRST_FRAGMENTS 4u
#define PORT_TRIES 64u
#define EPHEMERAL 49152u /* RFC 6335 §6 */

/* The source that a fragmented datagram from libslirp has for the peer: its later fragments show no ports. */
struct first_fragment {
	uint16_t id;
	uint8_t protocol;
	uint32_t src, dst;
	uint32_t outer;
};

/* A service, or all forwards that lead to the same place. */
struct door {
	struct service service;
	struct flow_group group;
	bool listed; /* while the configuration is changed */
};

struct gate {
	const struct config *config; /* its `net` is not read: NET is in force */
	struct net_config net;
	struct clock *clock;
	struct policy *policy;
	struct guard *guard;
	struct flow_table *flows;
	struct net_link link;
	bool up;
	uint32_t peer_before, local_before; /* IPv4's, when it was up last */
	uint64_t local_id_before, peer_id_before; /* IPv6's */
	struct in6_addr local6[2], peer6; /* by enum scope; ours (:: while IPv6 is down), and the peer's link-local one */
	unsigned flows_max;
	uint16_t proxy_port;
	struct net_counters counters; /* those that neither GUARD nor FLOWS has */
	struct first_fragment fragments[FIRST_FRAGMENTS];
	unsigned next_fragment;

	/* gate_doors.c; a forward is kept as the service that it is for the other side */
	struct flow_group kinds[FLOW_KINDS]; /* of what has no door */
	GPtrArray *services, *forwards;      /* of struct door */

	/* gate_sockets.c */
	GArray *sockets; /* struct socket, by descriptor */
	GArray *finishing; /* struct finishing */
	unsigned round, backlogs; /* flows with a backlog */
	unsigned socket_count, ping_sockets;
	int udp_sockets[UINT16_MAX + 1]; /* descriptor + 1 by the peer's inner port */

	/* gate_own.c */
	GQueue watches;            /* struct watch, of connections to come */
	GHashTable *watches_by_id; /* those and the others */
	uint64_t last_watch;
	GHashTable *own_ports; /* port -> enum flow_kind */

	uint8_t answer_buffer[REPLY6_MAX];
	const uint8_t *answer;
	size_t answer_len;
};

/* gate.c: names. libslirp's own addresses stand for the link's in outer names, so that flows outlive a change of those. */
bool gate_is_inner(uint32_t addr);
uint32_t gate_real_address(const struct gate *gate, uint32_t canonical);
uint32_t gate_canonical_peer(const struct gate *gate, uint32_t addr);
uint16_t gate_next_port(uint16_t port); /* another to try */
/* The largest TCP segment that fits into packets of MTU bytes, if those are of any use. */
uint16_t gate_mss_for(uint16_t mtu);

/* Where HOW->outer leads now: fills in the rest. False: nowhere; WHY. */
bool gate_find_place(struct gate *gate, struct flow_opening *how, enum net_refusal *why);

/* What is refused or answered; counts and drops. */
enum gate_verdict gate_drop(uint64_t *counter);
enum gate_verdict gate_refuse(struct gate *gate, const struct packet *p, enum net_refusal why);
enum gate_verdict gate_give_answer(struct gate *gate, const uint8_t *answer, size_t len);
/* P, with this outer name, belongs to a flow, or opens one. */
enum gate_verdict gate_flow_packet(struct gate *gate, struct packet *p, const struct flow_name *outer);
/* A name that nobody has in place of HOW->inner: with another port of the peer's if need be. */
bool gate_make_unique(struct gate *gate, struct flow_opening *how);

/* gate_ends.c. All TCP connections of one family are to end at libslirp's side. */
void gate_end_family(struct gate *gate, bool v6);

/* gate6.c */
void gate6_set_link(struct gate *gate, const struct net_link *link);
bool gate6_is_up(const struct gate *gate);
/* Our address of the same scope as the peer's. */
const struct in6_addr *gate6_local_for(const struct gate *gate, const struct in6_addr *peer);
bool gate6_has_resolver(const struct gate *gate);
bool gate6_is_peer(const struct gate *gate, const struct in6_addr *addr);
bool gate6_is_world(struct gate *gate, const struct in6_addr *addr);
bool gate6_find_place(struct gate *gate, struct flow_opening *how, enum net_refusal *why);

/* gate6_nd.c. What is answered to P, an ICMPv6 packet of the peer's that is no error. */
enum gate_verdict gate6_answer_icmp(struct gate *gate, struct packet *p);

/* gate_doors.c */
void gate_init_doors(struct gate *gate);
void gate_free_doors(struct gate *gate);
/* The service that is reached at PORT, or NULL. */
struct door *gate_find_service(const struct gate *gate, uint8_t protocol, uint16_t port);
/* The forwards to PORT of HOST, as libslirp knows it, or NULL. */
struct door *gate_find_forward(const struct gate *gate, uint8_t protocol, uint32_t host, uint16_t port);
struct door *gate_find_forward6(const struct gate *gate, uint8_t protocol, const struct flow_end *to);
/* Where SERVICE leads. */
struct flow_end gate_service_place(const struct service *service);
unsigned gate_service_max(const struct gate *gate, const struct flow_group *group);

/* gate_sockets.c */
void gate_init_sockets(struct gate *gate);
void gate_free_sockets(struct gate *gate);
/* F, which the peer opened by UDP, uses the socket of its port, if there is one. */
void gate_join_socket(struct gate *gate, struct flow *f);
void gate_leave_socket(struct gate *gate, struct flow *f);
bool gate_has_udp_socket(const struct gate *gate, uint16_t port);
/* Whether a socket of this port serves another address of the peer's than that of PEER. */
bool gate_udp_port_taken(const struct gate *gate, const struct flow_end *peer);
/* What comes from the world for this port is wanted (a datagram to the world left it), or not. */
void gate_set_udp_world(struct gate *gate, uint16_t port, bool on);
bool gate_is_udp_world(const struct gate *gate, uint16_t port);
/* P is a segment that libslirp sends on F. */
void gate_note_backlog(struct gate *gate, struct flow *f, const struct packet *p);
void gate_end_backlog(struct gate *gate, struct flow *f);
/* A packet of F, a TCP connection, came from the peer. */
void gate_note_finished(struct gate *gate, struct flow *f);

/* gate_own.c */
void gate_init_own(struct gate *gate);
void gate_free_own(struct gate *gate);
/* The watch that waits for a connection to this canonical address, or NULL. */
struct watch *gate_find_watch(const struct gate *gate, const struct flow_end *to);
enum flow_kind gate_watch_kind(const struct watch *watch);
/* F is WATCH's: what becomes of it is told. NULL: it could not be opened. */
void gate_set_watch(struct flow *f, struct watch *watch);
/* Tells what became of F, if anybody waits for it. */
void gate_tell_watch(struct flow *f, enum gate_outcome outcome);
/* The link is down: nobody answers. */
void gate_end_watches(struct gate *gate);
/* The flow of a datagram to a port of ours from another port of a host that it has talked to, or NULL. */
struct flow *gate_find_own(struct gate *gate, const struct flow_name *outer);
bool gate_is_own_port(const struct gate *gate, uint16_t port);

#endif
