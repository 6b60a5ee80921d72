/* Conversations that are to end, and the packets that end them; see gate.h. slirp.c calls this at the end of each round. RFC 9293 §3.10.7. */
#include "net/gate_internal.h"

void gate_end_family(struct gate *gate, bool v6)
{
	for (struct flow *f = flow_next(gate->flows, NULL); f; f = flow_next(gate->flows, f))
		if (f->name[FLOW_OUTER].protocol == IPPROTO_TCP && flow_is_v6(f) == v6)
			flow_end(gate->flows, f, RESET_SLIRP);
}

void gate_end_conversations(struct gate *gate)
{
	gate_end_family(gate, false);
	gate_end_family(gate, true);
}

/* libslirp heeds a RST from before what it has received (as from within the window), which one of two that are half the sequence
 * space apart is. */
static size_t reset_for_libslirp(const struct flow *f, unsigned which, uint8_t *buf)
{
	const struct flow_name *name = &f->name[FLOW_INNER];
	const struct reset reset = { .src = flow_v4(&name->peer.addr), .sport = name->peer.port, .dst = flow_v4(&name->far.addr),
				     .dport = name->far.port, .seq = which == RESET_SLIRP_HIGH ? UINT32_C(1) << 31 : 0, .flags = TCP_RST,
				     .v6 = flow_is_v6(f), .src6 = name->peer.addr, .dst6 = name->far.addr };

	return reply_reset(buf, &reset);
}

static size_t reset_for_peer(const struct gate *gate, const struct flow *f, uint8_t *buf)
{
	struct reset reset = flow_reset(f, SIDE_PEER);

	reset.src = gate_real_address(gate, reset.src);
	reset.dst = gate_real_address(gate, reset.dst);
	return reply_reset(buf, &reset);
}

size_t gate_next_reset(struct gate *gate, uint8_t *buf, bool *to_peer)
{
	const struct flow *f;
	unsigned reset;

	while ((f = flow_next_ending(gate->flows, &reset)) != NULL) {
		*to_peer = reset == RESET_PEER;
		if (!*to_peer)
			return reset_for_libslirp(f, reset, buf);
		if (gate->up)
			return reset_for_peer(gate, f, buf);
	}
	return 0;
}
