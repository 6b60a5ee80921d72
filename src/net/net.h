/* The backend: where the peer's packets go. Knows nothing of PPP. Two of them: libslirp, and a TUN interface. */
#ifndef SLIRPPD_NET_NET_H
#define SLIRPPD_NET_NET_H

#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "loop.h"

/* The link as it was agreed upon; addresses in host byte order. */
struct net_link {
	uint32_t local, remote;
	uint32_t dns; /* where the peer finds the host's resolver (own_dns), or 0 */
	uint32_t peer_dns; /* a name server at the peer's side that IPCP learnt, or 0 */
	uint16_t mtu; /* largest packet towards the peer */
	uint64_t local_id, remote_id; /* interface identifiers of IPV6CP (of fe80::/64), 0: IPv6 is not up */
	unsigned rate; /* bytes a second that the line carries, 0: unknown */
};

/* Why something of the peer's was refused. */
enum net_refusal {
	REFUSED_NO_SERVICE, /* nothing is served there */
	REFUSED_FORBIDDEN,  /* this machine's own addresses, multicast, or `restrict` */
	REFUSED_ACCESS,     /* permit-…, deny-… */
	REFUSED_RATE,       /* rate-limit */
	REFUSED_MAX_FLOWS,
	REFUSED_MAX_SERVICE, /* max-flows-per-service, or the service's own max */
	REFUSED_LOCKOUT,
	REFUSED_PROTOCOL,   /* neither TCP nor UDP nor ICMP */
	REFUSALS
};

/* As in the log and in metrics: "no-service", "rate-limit", … */
const char *net_refusal_name(enum net_refusal refusal);

struct net_counters {
	uint64_t refused[REFUSALS];
	uint64_t malformed; /* no proper packet */
	uint64_t spoofed;   /* with another's address */
	uint64_t fragments;
	uint64_t ignored;   /* nothing that we answer to */
	uint64_t flows_opened;
	unsigned flows;     /* now */
	bool locked_out;    /* now */
};

enum flow_kind { FLOW_WORLD, FLOW_SERVICE, FLOW_FORWARD, FLOW_SOCKS, FLOW_PROXY, FLOW_DNS, FLOW_US /* pings to our address */, FLOW_KINDS };

/* "world", "service", … */
const char *net_flow_kind_name(enum flow_kind kind);

struct net_address {
	char host[INET6_ADDRSTRLEN];
	uint16_t port;
};

/* What is told of a flow. */
struct net_flow {
	uint64_t id;        /* never used twice */
	enum flow_kind kind;
	uint8_t protocol;
	const char *state;  /* TCP: "opening", "open", "closing", "closed"; else "" */
	struct net_address peer; /* its end at the peer's side */
	struct net_address far;  /* the other, as the peer sees it */
	struct net_address real; /* where that leads, or who the client is */
	uint64_t bytes_in, bytes_out, packets_in, packets_out; /* from the peer, to the peer; whole IP packets */
	uint64_t age, idle; /* microseconds */
};

/* What is told of a service, a forward or a SOCKS server. */
struct net_door {
	char spec[160];       /* as the option is written */
	char name[CONFIG_NAME_MAX];
	unsigned flows;       /* now */
	uint64_t opened, refused, bytes_in, bytes_out;
};

struct net_events {
	/* A packet for the peer: LEN bytes, at most the link's mtu, valid until the call returns. */
	void (*packet)(void *arg, const uint8_t *packet, size_t len);
};

/* How many bytes before a packet given to net_input() may be overwritten. */
#define NET_HEADROOM 32

struct net;

enum net_door_kind { DOOR_SERVICE, DOOR_FORWARD, DOOR_SOCKS };

typedef void net_flow_fn(void *arg, const struct net_flow *flow);
typedef void net_door_fn(void *arg, const struct net_door *door);

/* What a backend is: one constant of these each in slirp.c and tun.c. */
struct net_backend_ops {
	const char *name; /* "slirp", "tun" */
	struct net *(*open)(const struct config *config, struct loop *loop, const struct net_events *events, void *arg);
	void (*close)(struct net *net);
	bool (*up)(struct net *net, const struct net_link *link);
	void (*down)(struct net *net);
	void (*input)(struct net *net, uint8_t *packet, size_t len);
	void (*hold)(struct net *net, bool hold);
	const char *(*ifname)(const struct net *net);
	/* What follows may be NULL where the backend has no such thing. */
	void (*counters)(const struct net *net, struct net_counters *counters);
	void (*flows)(const struct net *net, net_flow_fn *fn, void *arg);
	bool (*drop_flow)(struct net *net, uint64_t id);
	void (*doors)(const struct net *net, enum net_door_kind kind, net_door_fn *fn, void *arg);
	bool (*configure)(struct net *net, const struct net_config *config, char **why);
};

/* Every backend's struct begins with this. */
struct net {
	const struct net_backend_ops *ops;
};

extern const struct net_backend_ops net_slirp, net_tun;

/* Opens the backend that CONFIG names: binds the forwards, or makes the interface (down). NULL when that fails; why has been
 * logged in one line. CONFIG, LOOP and EVENTS must outlive it. */
struct net *net_open(const struct config *config, struct loop *loop, const struct net_events *events, void *arg);
void net_close(struct net *net);

/* The link is up with these addresses, or (while it is) they have changed: IPv4 or IPv6 came up or went down; LOCAL and REMOTE are 0 while IPv4
 * is down, the identifiers while IPv6 is. Conversations of an earlier session with the same addresses go on. False (and one line logged)
 * when the backend cannot serve them. */
bool net_up(struct net *net, const struct net_link *link);
/* Both are down: nothing more comes through events->packet; new conversations wait. */
void net_down(struct net *net);

/* A packet from the peer, IPv4 or IPv6, anything at all: it is checked here. NET_HEADROOM bytes before it may be overwritten, and so may it. */
void net_input(struct net *net, uint8_t *packet, size_t len);

/* The name of the interface, or NULL for a backend that has none. */
const char *net_ifname(const struct net *net);

/* What has passed, and what passes now. Zeroes, and no calls of FN, where the backend does not know. */
void net_counters(const struct net *net, struct net_counters *counters);
void net_flows(const struct net *net, net_flow_fn *fn, void *arg);
void net_doors(const struct net *net, enum net_door_kind kind, net_door_fn *fn, void *arg);

/* Ends a flow: both sides of a TCP connection see a reset. False: there is none with this number. */
bool net_drop_flow(struct net *net, uint64_t id);

/* CONFIG is in force from now on, in place of that given to net_open() or here before: services, forwards, access lists, limits. It is
 * copied as far as it is needed later. All or nothing: false, and what was wrong in *WHY (g_free() it), when a forward cannot be bound;
 * then everything is as before. Flows that are no longer allowed end, those of a forward that is not there any more among them. The backend, `socks` and `proxy` cannot be changed. */
bool net_configure(struct net *net, const struct net_config *config, char **why);

/* HOLD: the queue towards the peer is long; take no more from the world than must be. */
void net_hold(struct net *net, bool hold);

#endif
