/* Whose IP address gives way, and which the peer may have at all. Called by the address options of IPCP (ipcp_options.c).
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
 * the same address, so a link cannot come up with one address at both ends.
 *
 * What the peer may have is a list of rules. Where nobody gave an address for it, or one that the rules forbid, the first single address
 * that they permit is offered; it is firm where they name no other. What was agreed is judged when IPCP comes up. */
#include <glib.h>

#include "ppp/ipcp.h"

/* Loopback, multicast, class E: no peer is at such an address. */
static bool is_unusable(uint32_t address)
{
	return address >> 24 == 127 || address >> 28 >= 0xe;
}

bool ipcp_permits(const struct ipcp *ipcp, uint32_t address)
{
	if (address == 0)
		return true;
	if (is_unusable(address))
		return false;
	for (guint i = 0; ipcp->rules && i < ipcp->rules->len; i++) {
		const struct address_rule *rule = &g_array_index(ipcp->rules, struct address_rule, i);
		if (((address ^ rule->address) & rule->mask) == 0)
			return rule->permit;
	}
	return !ipcp->restricted;
}

void ipcp_set_rights(struct ipcp *ipcp, const struct rights *rights, const GArray *allow_ip)
{
	ipcp->rules = rights ? rights->addresses : allow_ip;
	ipcp->restricted = rights || (allow_ip && allow_ip->len > 0);
}

/* The first single address that the rules permit, or 0. */
static uint32_t single_address(const struct ipcp *ipcp)
{
	for (guint i = 0; ipcp->rules && i < ipcp->rules->len; i++) {
		const struct address_rule *rule = &g_array_index(ipcp->rules, struct address_rule, i);
		if (rule->permit && rule->mask == UINT32_MAX && ipcp_permits(ipcp, rule->address))
			return rule->address;
	}
	return 0;
}

/* For the peer, when it has just given us ADDRESS: what was ours, or else a default. */
static uint32_t left_over(const struct ipcp *ipcp, uint32_t address)
{
	if (ipcp->local != 0 || !ipcp->config->remote_default)
		return ipcp->local;
	return address == CONFIG_DEFAULT_LOCAL ? CONFIG_DEFAULT_REMOTE : CONFIG_DEFAULT_LOCAL;
}

/* An address of the rules goes before this program's own default, and before anything that they forbid. */
static void suggest(struct ipcp *ipcp)
{
	bool given = ipcp->remote != 0 && !ipcp->config->remote_default;
	uint32_t single = single_address(ipcp);

	ipcp->suggested = single != 0 && !(given && ipcp_permits(ipcp, ipcp->remote));
	ipcp->insisted = ipcp->suggested && ipcp->rules->len == 1;
	if (ipcp->suggested)
		ipcp->remote = single;
	else if (!given && !ipcp_permits(ipcp, ipcp->remote))
		ipcp->remote = 0;
}

void ipcp_reset_addresses(struct ipcp *ipcp)
{
	const struct ipcp_config *config = ipcp->config;

	ipcp->remote = config->remote;
	suggest(ipcp);
	ipcp->local = config->local ? config->local : ipcp->learnt_local;
	if (ipcp->local == 0 || ipcp->local != ipcp->remote)
		return;
	if (ipcp_local_is_firm(ipcp)) {
		ipcp->remote = 0;
		ipcp->suggested = false;
		return;
	}
	ipcp->local = 0;
	if (config->local_default)
		ipcp->local = left_over(ipcp, ipcp->remote);
}

bool ipcp_remote_is_firm(const struct ipcp *ipcp)
{
	if (ipcp->suggested)
		return ipcp->insisted;
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
	bool from_us = address == ipcp->offered; /* before the peer made it ours: it is no wish of its own */

	if (!ipcp_local_is_firm(ipcp) && (insists || !(from_us || we_keep_it(ipcp)))) {
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
	if (address == 0) {
		ipcp->offered = ipcp->remote;
		return ipcp->remote ? CP_NAK : CP_REJECT;
	}
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
