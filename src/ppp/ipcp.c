/* The Internet Protocol Control Protocol beyond its options: what was agreed upon when it comes up, and whether that will do
 * (as pppd decides it). Called by ppp.c and, as a protocol, by cp.c. */
#include "ppp/ipcp.h"

#include <glib.h>

#include "log.h"
#include "ppp/ppp.h"

#define UNKNOWN_REMOTE UINT32_C(0x0a404040) /* pppd's 10.64.64.64, plus the unit */

static struct ipcp *ipcp_of(struct cp *cp)
{
	return (struct ipcp *)cp;
}

static uint32_t peer_server(const struct ipcp *ipcp, uint8_t type)
{
	return cp_asked(&ipcp->cp, type) ? ipcp->servers[type - IPCP_OPTION_DNS1].address : 0;
}

uint32_t ipcp_peer_dns(const struct ipcp *ipcp, unsigned i)
{
	return peer_server(ipcp, i == 0 ? IPCP_OPTION_DNS1 : IPCP_OPTION_DNS2);
}

uint32_t ipcp_peer_wins(const struct ipcp *ipcp, unsigned i)
{
	return peer_server(ipcp, i == 0 ? IPCP_OPTION_WINS1 : IPCP_OPTION_WINS2);
}

static void log_address(const char *what, uint32_t address)
{
	char text[PRINT_ADDRESS_MAX];

	if (address != 0)
		log_notice("%s address %s", what, print_ip(text, address));
}

void ipcp_announce(const struct ipcp *ipcp)
{
	log_address("local  IP", ipcp->final_local);
	log_address("remote IP", ipcp->final_remote);
	log_address("primary   DNS", ipcp_peer_dns(ipcp, 0));
	log_address("secondary DNS", ipcp_peer_dns(ipcp, 1));
}

/* NULL, or the reason to close with. */
static const char *check_local(struct ipcp *ipcp)
{
	const struct ipcp_config *config = ipcp->config;
	bool refused = cp_dropped(&ipcp->cp, config->no_address ? IPCP_OPTION_ADDRESSES : IPCP_OPTION_ADDRESS) &&
		       !cp_asked(&ipcp->cp, IPCP_OPTION_ADDRESSES);

	if (refused && config->local != 0 && !config->local_default) {
		log_error("Peer refused to agree to our IP address");
		return "Refused our IP address";
	}
	ipcp->final_local = refused ? config->local : ipcp->local;
	if (ipcp->final_local != 0)
		return NULL;
	log_error("Could not determine local IP address");
	return "Could not determine local IP address";
}

static const char *check_remote(struct ipcp *ipcp)
{
	char text[PRINT_ADDRESS_MAX];

	if (ipcp->disputed) {
		log_error("Peer refused to agree to his IP address");
		return "Refused his IP address";
	}
	ipcp->final_remote = ipcp->peer.address ? ipcp->peer.address : ipcp->remote;
	if (ipcp->final_remote == 0 && !ipcp->config->noremoteip) {
		ipcp->final_remote = UNKNOWN_REMOTE + ipcp->unit;
		log_warn("Could not determine remote IP address: defaulting to %s", print_ip(text, ipcp->final_remote));
	}
	if (!ipcp_permits(ipcp, ipcp->final_remote) || ipcp->final_remote == ipcp->final_local) {
		log_error("Peer is not authorized to use remote address %s", print_ip(text, ipcp->final_remote));
		return "Unauthorized remote IP address";
	}
	return NULL;
}

static void up(struct cp *cp)
{
	struct ipcp *ipcp = ipcp_of(cp);
	const char *wrong = check_local(ipcp);

	if (!wrong)
		wrong = check_remote(ipcp);
	if (wrong) {
		cp_close(cp, wrong);
		return;
	}
	if (!cp_asked(cp, IPCP_OPTION_COMPRESSION))
		ipcp->vj_receive = (struct ipcp_vj){ 0 };
	if (ipcp->config->local == 0)
		ipcp->learnt_local = ipcp->final_local;
	ipcp->events->up(ipcp->arg);
}

static void down(struct cp *cp)
{
	ipcp_of(cp)->events->down(ipcp_of(cp)->arg);
}

static void finished(struct cp *cp)
{
	ipcp_of(cp)->events->finished(ipcp_of(cp)->arg);
}

static const struct cp_protocol ipcp_protocol = {
	.number = PPP_IPCP,
	.name = "IPCP",
	.options = &ipcp_options,
	.reset = ipcp_reset,
	.forget = ipcp_forget,
	.missing = ipcp_missing,
	.up = up,
	.down = down,
	.finished = finished,
};

void ipcp_init(struct ipcp *ipcp, const struct ipcp_config *config, unsigned unit, struct clock *clock, size_t size,
	       const struct cp_host *host, void *host_arg, const struct ipcp_events *events, void *arg)
{
	*ipcp = (struct ipcp){ .config = config, .unit = unit, .events = events, .arg = arg };
	cp_init(&ipcp->cp, &ipcp_protocol, &config->limits, clock, size, host, host_arg);
}

void ipcp_free(struct ipcp *ipcp)
{
	cp_halt(&ipcp->cp);
	cp_free(&ipcp->cp);
}
