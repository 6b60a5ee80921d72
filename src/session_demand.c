/* demand: the interface is there before the line, and the first packet that counts opens it (pppd: demand.c). Part of session.c's room.
 *
 * Until IPv4 is up, the interface has the addresses that were given, or made up ones; from then on, those of the last link. What is sent
 * while the line is being opened waits here, and goes when IPv4 is up. With net slirp there is no traffic to wait for. */
#include "session_internal.h"

#include "log.h"
#include "net/packet.h"
#include "ppp/print.h"

#define WAITING_MAX 64 /* packets */
#define LOCAL_BASE UINT32_C(0x0a404040)  /* 10.64.64.64, and the unit */
#define REMOTE_BASE UINT32_C(0x0a707070) /* 10.112.112.112 */

struct demand {
	struct ipcp_config ipcp; /* what IPCP goes by */
	uint32_t local, remote;  /* of the interface while IPv4 is down */
	GPtrArray *waiting;      /* of GBytes */
};

static void free_packet(void *packet)
{
	g_bytes_unref(packet);
}

/* What nobody gave, the peer may choose: it is asked for no address that was made up here. */
static void take_ipcp(struct session *s, const struct ipcp_config *ipcp)
{
	struct demand *d = s->demand;

	d->ipcp = *ipcp;
	if (!ipcp->local)
		d->ipcp.accept_local = true;
	if (!ipcp->remote && !ipcp->noremoteip) {
		d->ipcp.remote = REMOTE_BASE + session_unit(s);
		d->ipcp.accept_remote = true;
	}
}

static void show_address(const char *whose, uint32_t address)
{
	char text[PRINT_ADDRESS_MAX];

	if (address)
		log_notice("%s IP address %s", whose, print_ip(text, address));
}

static void on_prepared(void *arg)
{
	struct session *s = arg;

	if (!session_update_net(s)) {
		session_give_up(s, EXIT_FATAL_ERROR);
		return;
	}
	show_address("local ", s->demand->local);
	show_address("remote", s->demand->remote);
	session_sleep(s);
}

bool session_demand_start(struct session *s)
{
	const struct ipcp_config *ipcp = &s->config->ipcp;

	if (!s->config->demand)
		return false;
	if (s->config->net.backend != NET_TUN) {
		log_warn("demand: with net slirp there is no traffic to wait for; the line is opened at once");
		return false;
	}
	s->demand = g_new0(struct demand, 1);
	s->demand->waiting = g_ptr_array_new_with_free_func(free_packet);
	take_ipcp(s, ipcp);
	s->demand->local = ipcp->local ? ipcp->local : LOCAL_BASE + session_unit(s);
	s->demand->remote = s->demand->ipcp.remote;
	session_tell_line(s, true);
	if (!hooks_wait(s->hooks, HOOK_IP_PRE_UP, on_prepared, s))
		on_prepared(s);
	return true;
}

void session_demand_free(struct session *s)
{
	if (s->demand)
		g_ptr_array_free(s->demand->waiting, TRUE);
	g_free(s->demand);
}

void session_demand_configure(struct session *s)
{
	if (s->demand)
		take_ipcp(s, &s->config->ipcp);
}

const struct ipcp_config *session_demand_ipcp(const struct session *s)
{
	return s->demand ? &s->demand->ipcp : &s->config->ipcp;
}

void session_demand_link(const struct session *s, struct net_link *link)
{
	const struct lcp_config *lcp = &s->config->lcp;
	uint16_t mtu = lcp->mtu ? MIN(lcp->mtu, CONFIG_DEFAULT_MRU) : CONFIG_DEFAULT_MRU;

	link->local = s->demand->local;
	link->remote = s->demand->remote;
	link->mtu = MAX(link->mtu, mtu);
}

static void change(struct session *s, const char *whose, const char *variable, uint32_t *address, uint32_t now)
{
	char text[PRINT_ADDRESS_MAX];
	bool differs = *address != now && *address != 0;

	hooks_set(s->hooks, variable, differs ? print_ip(text, *address) : NULL);
	if (differs)
		log_warn("%s IP address changed to %s", whose, print_ip(text, now));
	*address = now;
}

void session_demand_addresses(struct session *s, const struct ppp_addresses *a)
{
	change(s, "Local", "OLDIPLOCAL", &s->demand->local, a->local);
	change(s, "Remote", "OLDIPREMOTE", &s->demand->remote, a->remote);
}

void session_demand_release(struct session *s)
{
	GPtrArray *waiting = s->demand->waiting;

	for (guint i = 0; i < waiting->len; i++) {
		size_t len;
		const uint8_t *packet = g_bytes_get_data(g_ptr_array_index(waiting, i), &len);

		session_to_peer(s, packet, len);
	}
	session_demand_discard(s);
}

void session_demand_discard(struct session *s)
{
	if (s->demand)
		g_ptr_array_set_size(s->demand->waiting, 0);
}

static void keep(struct demand *d, const uint8_t *packet, size_t len)
{
	if (d->waiting->len < WAITING_MAX)
		g_ptr_array_add(d->waiting, g_bytes_new(packet, len));
}

void session_demand_packet(struct session *s, const uint8_t *packet, size_t len)
{
	if (!filter_match(s->pass, true, packet, len))
		return;
	if (s->stage == STAGE_OPENING || s->stage == STAGE_LINK) {
		keep(s->demand, packet, len);
	} else if (s->stage == STAGE_DORMANT && packet_is_traffic(packet, len) && filter_match(s->active, true, packet, len)) {
		keep(s->demand, packet, len);
		log_info("Starting link");
		session_attempt(s);
	}
}
