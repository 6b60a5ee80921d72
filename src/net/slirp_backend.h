/* What the files of the backend `slirp` share: slirp.c (packets to and from libslirp), slirp_poll.c (its sockets in the loop),
 * slirp_forward.c (local ports that lead to the peer's side) and slirp_dialer.c (net/dial.h). Nobody else includes this. */
#ifndef SLIRPPD_NET_SLIRP_BACKEND_H
#define SLIRPPD_NET_SLIRP_BACKEND_H

#include <glib.h>
#include <libslirp.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "loop.h"
#include "net/dial.h"
#include "net/gate.h"
#include "net/merge.h"
#include "net/net.h"
#include "net/proxy.h"
#include "net/socks.h"
#include "writer.h"

struct slirp_net {
	struct net net;
	const struct config *config;
	struct loop *loop;
	const struct net_events *events;
	void *arg;
	Slirp *slirp;
	struct gate *gate;
	struct poller poller;
	struct flusher flusher;
	struct merge *merge;
	struct net_link link; /* as it is, or was last */
	bool up, held, kick, resetting;
	uint64_t polled_at; /* when libslirp read the clock last */
	GArray *forwards;  /* of struct forward: those that are bound */
	GArray *listeners; /* descriptors of the TCP forwards */
	unsigned conversations_max;
	struct timer departed, trim;
	struct timer advertise; /* slirp6.c */
	unsigned advertised;    /* since IPv6 came up */
	unsigned peak; /* sockets at once since memory was given back last */
	struct policy_host *host;
	struct dialer *dialer;
	struct socks *socks;
	struct proxy *proxy;
	const struct packet *input; /* what libslirp is given right now */

	/* The set of one round: libslirp's index N is at FDS[PLACES[N]], or nowhere (-1). */
	GArray *fds;    /* of GPollFD, the loop's; ours begin at FIRST */
	guint first;
	GArray *places; /* of int */
	const GPollFD *ready;

	uint8_t buffer[IPV4_PACKET_MAX];
};

#define ETHERNET_HEADER 14
#define ETHERNET_ADDR 6
#define ETHERTYPE_IPV6 0x86dd

/* slirp.c. A packet for the peer, no longer than the link's mtu. */
void slirp_to_peer(struct slirp_net *s, const uint8_t *packet, size_t len);
/* The header of a frame for libslirp from the peer. */
void slirp_write_ethernet(struct writer *w, uint16_t type);
/* Whether P, from libslirp, is a reset that answers a reset. */
bool slirp_answers_reset(const struct slirp_net *s, const struct packet *p);
/* What the peer is told in answer: where it is up, and it can take as much. */
void slirp_answer_peer(struct slirp_net *s, const uint8_t *packet, size_t len);
/* What libslirp says to ADDR (host byte order) from now on leaves at once. */
void slirp_know_address(struct slirp_net *s, uint32_t addr);

/* slirp6.c. Adds IPv6 to libslirp's configuration and callbacks. */
void slirp6_configure(SlirpConfig *config);
void *slirp6_timer_new(SlirpTimerCb cb, void *cb_opaque, void *opaque);
void slirp6_timer_free(void *timer, void *opaque);
void slirp6_timer_mod(void *timer, int64_t expire_time, void *opaque);
/* An IPv6 packet from libslirp, PACKET without its Ethernet header. */
void slirp6_packet_out(struct slirp_net *s, const uint8_t *packet, size_t len);
/* As slirp_know_address(). */
void slirp6_know_address(struct slirp_net *s, const struct in6_addr *addr);
/* The link is up, up with other addresses, or down: advertisements begin anew, or end. */
void slirp6_init(struct slirp_net *s);
void slirp6_link(struct slirp_net *s, bool up);

/* slirp_poll.c. For the loop's poller. */
void slirp_fill(void *arg, GArray *fds, int *timeout_ms);
void slirp_done(void *arg, const GPollFD *fds, unsigned n, bool failed);
/* libslirp reads the clock in slirp_pollfds_poll() alone: to be called before it is given a packet. */
void slirp_freshen_clock(struct slirp_net *s);
/* Whether libslirp may open one more socket. */
bool slirp_has_room(const struct slirp_net *s);
/* Appends the descriptors that libslirp would poll (of GPollFD). Not between the loop's poll and the end of slirp_done(). */
void slirp_list_descriptors(struct slirp_net *s, GArray *fds);

/* slirp_forward.c. Binds FORWARDS (of struct forward) in place of those that are bound now. All or nothing: false, and what was wrong in
 * *WHY (g_free() it). */
bool slirp_set_forwards(struct slirp_net *s, const GArray *forwards, char **why);
bool slirp_is_listener(const struct slirp_net *s, int fd);
void slirp_forward_doors(const struct slirp_net *s, net_door_fn *fn, void *arg);

/* slirp_dialer.c. S must outlive it; dials that are under way end without their functions being called. */
struct dialer *dialer_new(struct slirp_net *s);
void dialer_free(struct dialer *dialer);
/* libslirp accepted FD from one of its listeners, and will open the connection before it does anything else. */
void dialer_accepted(struct dialer *dialer, int fd);
/* P came for a port of gate_own_port(). */
void dialer_datagram(struct dialer *dialer, const struct packet *p);
/* The link is down: dials under way come to nothing. */
void dialer_link_down(struct dialer *dialer);
/* Tells what became of dials; to be called at the end of every round. */
void dialer_flush(struct dialer *dialer);

#endif
