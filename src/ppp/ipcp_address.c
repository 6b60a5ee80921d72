/* Whose IP address gives way. Called by the address options of IPCP (ipcp_options.c).
 *
 * Theory of operation. Each side has an idea of both addresses. An idea is firm when somebody gave it and did not allow the
 * peer to change it (ipcp-accept-local, ipcp-accept-remote); otherwise it is soft: this program's own default, or nothing at
 * all. Firm ideas are repeated until Max-Failure, soft ones give way, as pppd has it.
 *
 * One case pppd leaves open: both sides want the same address for themselves. Two of this program, started with nothing but
 * a device, always do. Where ours is firm, the peer's request is Nak'ed. Where it is soft, LCP's magic numbers decide, as
 * both sides know both: the higher keeps the address and Naks the peer with its own idea of the other address; the lower
 * Acks, and moves to that other address itself. Where magic numbers were not negotiated, chance decides, anew each time, so
 * that it ends. A peer that asks for the same address again in a new request, after our Nak, is taken to be firm: we Ack,
 * and move. Moving makes our outstanding request void even when it has been acknowledged (cp->renew). Both ideas never are
 * the same address, so a link cannot come up with one address at both ends. */
#include <glib.h>

#include "ppp/ipcp.h"

bool ipcp_remote_is_firm(const struct ipcp *ipcp)
{
	return ipcp->config->remote != 0 && !ipcp->config->remote_default && !ipcp->config->accept_remote;
}

bool ipcp_local_is_firm(const struct ipcp *ipcp)
{
	return ipcp->config->local != 0 && !ipcp->config->local_default && !ipcp->config->accept_local;
}

static enum cp_verdict agree(struct ipcp *ipcp, uint32_t address)
{
	ipcp->remote = address;
	ipcp->disputed = false;
	ipcp->peer.address = address;
	return CP_ACK;
}

/* For the peer, when it has just given us ADDRESS: what was ours, or else a default. */
static uint32_t left_over(const struct ipcp *ipcp, uint32_t address)
{
	if (ipcp->local != 0 || !ipcp->config->remote_default)
		return ipcp->local;
	return address == CONFIG_DEFAULT_LOCAL ? CONFIG_DEFAULT_REMOTE : CONFIG_DEFAULT_LOCAL;
}

static bool we_keep_it(const struct ipcp *ipcp)
{
	if (ipcp->magic && ipcp->peer_magic)
		return ipcp->magic > ipcp->peer_magic;
	return g_random_boolean();
}

/* The peer asks for the address that is ours. */
static enum cp_verdict settle(struct ipcp *ipcp, uint32_t address)
{
	bool insists = address == ipcp->nakked && ipcp->cp.in.id != ipcp->nakked_id;

	if (!ipcp_local_is_firm(ipcp) && (insists || !we_keep_it(ipcp))) {
		ipcp->local = ipcp->remote;
		ipcp->cp.renew = true;
		return agree(ipcp, address);
	}
	ipcp->disputed = true;
	ipcp->nakked = address;
	ipcp->nakked_id = ipcp->cp.in.id;
	return ipcp->remote ? CP_NAK : CP_REJECT;
}

enum cp_verdict ipcp_peer_asks(struct ipcp *ipcp, uint32_t address)
{
	if (address == 0)
		return ipcp->remote ? CP_NAK : CP_REJECT;
	if (address == ipcp->remote)
		return agree(ipcp, address);
	if (ipcp_remote_is_firm(ipcp)) {
		ipcp->disputed = true;
		return CP_NAK;
	}
	return address == ipcp->local ? settle(ipcp, address) : agree(ipcp, address);
}

void ipcp_peer_assigns(struct ipcp *ipcp, uint32_t address)
{
	if (address == 0 || address == ipcp->local || ipcp_local_is_firm(ipcp))
		return;
	if (address == ipcp->remote) {
		if (ipcp_remote_is_firm(ipcp) || address == ipcp->peer.address)
			return;
		ipcp->remote = left_over(ipcp, address);
	}
	ipcp->local = address;
}
