/* A gate for tests: its link, services, forwards, and packets to give it. */
#ifndef SLIRPPD_GATE_RIG_H
#define SLIRPPD_GATE_RIG_H

#include "net/gate.h"
#include "packets.h"

#define LOCAL UINT32_C(0xc0a80701)
#define REMOTE UINT32_C(0xc0a80702)
#define DNS UINT32_C(0xc0a80703)
#define WORLD UINT32_C(0x08080808)
#define OURS UINT32_C(0xc0000202)
#define LOOPBACK UINT32_C(0x7f000001)
#define LOCAL_BY_ROUTE UINT32_C(0xc6336417)
#define BEHIND UINT32_C(0xc0a80909)

struct gate_rig {
	struct config *config;
	struct clock clock;
	struct gate *gate;
	uint8_t buf[2000];
	size_t len;
	struct packet p;
};

/* A gate with the link up, three services and three forwards; and its end. */
void gate_rig_init(struct gate_rig *w);
void gate_rig_end(struct gate_rig *w);
/* What w->config->net says is in force from now on. */
void gate_rig_configure(struct gate_rig *w);
/* Pulls all packets that end connections; returns how many were for libslirp, and in *TO_PEER how many for the peer. */
unsigned gate_rig_resets(struct gate_rig *w, unsigned *to_peer);
struct net_counters gate_rig_counters(const struct gate_rig *w);

/* Gives it a packet of the peer's, or of libslirp's; what passed is in rig->p. */
enum gate_verdict gate_rig_from_peer(struct gate_rig *w, const struct spec *s);
bool gate_rig_to_peer(struct gate_rig *w, const struct spec *s);

/* A packet to begin with. */
struct spec gate_rig_packet(uint8_t protocol, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport, uint8_t flags);
struct spec gate_rig_syn(uint32_t dst, uint16_t port);

/* Asserts the names of what passed. */
void gate_rig_is(const struct gate_rig *w, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport);

#endif
