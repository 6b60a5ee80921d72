/* What is up, and who hears of it: the backend, the hook scripts, the limits, the filters. Part of session.c's room; called by PPP's and the
 * backend's events. */
#include "session_internal.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "net/packet.h"
#include "ppp/ipv6cp.h"
#include "ppp/print.h"
#include "priv.h"

/* Variables of hooks. */

static void set_number(struct session *s, const char *name, uint64_t number)
{
	char text[24];

	g_snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	hooks_set(s->hooks, name, text);
}

static void set_address(struct session *s, const char *name, uint32_t address)
{
	char text[PRINT_ADDRESS_MAX];

	hooks_set(s->hooks, name, address ? print_ip(text, address) : NULL);
}

static void tell_servers(struct session *s, const char *const names[2], const char *flag, const uint32_t servers[2], bool wanted)
{
	for (unsigned i = 0; i < 2; i++)
		set_address(s, names[i], servers[i]);
	hooks_set(s->hooks, flag, wanted && (servers[0] || servers[1]) ? "1" : NULL);
}

static void tell_addresses(struct session *s, const struct ppp_addresses *a)
{
	static const char *const dns[] = { "DNS1", "DNS2" }, *const wins[] = { "WINS1", "WINS2" };
	const struct ipcp_config *ipcp = &s->config->ipcp;

	set_address(s, "IPLOCAL", a->local);
	set_address(s, "IPREMOTE", a->remote);
	tell_servers(s, dns, "USEPEERDNS", a->peer_dns, ipcp->usepeerdns);
	tell_servers(s, wins, "USEPEERWINS", a->peer_wins, ipcp->usepeerwins);
}

/* The unit is what stands behind the letters of the interface's name, as in ppp0. */
unsigned session_unit(const struct session *s)
{
	return (unsigned)strtoul(s->name + strcspn(s->name, "0123456789"), NULL, 10);
}

void session_tell_line(struct session *s, bool up)
{
	static const char *const of_last[] = { "CONNECT_TIME", "BYTES_SENT", "BYTES_RCVD", "PEERNAME" };

	hooks_set(s->hooks, "IFNAME", up || s->demand ? s->name : NULL);
	if (!up)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(of_last); i++)
		hooks_set(s->hooks, of_last[i], NULL);
	set_number(s, "UNIT", session_unit(s));
	hooks_set(s->hooks, "DEVICE", line_device(s->line));
	set_number(s, "SPEED", line_speed(s->line));
}

/* The peer's name servers, where they were asked for. */
static void write_resolver(struct session *s, const uint32_t servers[2])
{
	char first[PRINT_ADDRESS_MAX], second[PRINT_ADDRESS_MAX];
	uint32_t one = servers[0] ? servers[0] : servers[1];

	if (one && s->config->ipcp.usepeerdns && !s->config->noresolvconf)
		priv_write_resolver(s->config->folder, print_ip(first, one), servers[1] && servers[1] != one ? print_ip(second, servers[1]) : NULL);
}

/* Limits. */

static void on_expired(void *arg, const char *reason, enum exit_status status)
{
	struct session *s = arg;

	s->need_holdoff = false;
	ppp_close(s->ppp, reason, status);
}

static void count_octets(void *arg, uint64_t *in, uint64_t *out)
{
	const struct session *s = arg;
	const struct ppp_counters *c = ppp_counters(s->ppp);

	*in = c->bytes_in;
	*out = c->bytes_out;
}

static uint64_t quiet_for(void *arg)
{
	const struct session *s = arg;

	return transfer_idle(s->transfer);
}

static const struct limits_events limits_events = { .expired = on_expired, .octets = count_octets, .quiet = quiet_for };

/* Networks. */

bool session_update_net(struct session *s)
{
	const struct ppp_addresses *a = &s->addresses;
	struct net_link link = { .local = a->local, .remote = a->remote, .dns = a->local ? s->config->ipcp.own_dns : 0,
				 .peer_dns = a->peer_dns[0], .mtu = MAX(a->mtu, s->identifiers.mtu), .rate = line_rate(s->line),
				 .local_id = s->identifiers.local, .remote_id = s->identifiers.remote };

	if (s->demand && a->mtu == 0)
		session_demand_link(s, &link);
	return net_up(s->net, &link);
}

static bool network_is_up(const struct session *s)
{
	return s->addresses.mtu > 0 || s->identifiers.mtu > 0;
}

/* One more network is up. */
static void network_up(struct session *s, uint16_t mtu, bool first)
{
	if (!session_update_net(s)) {
		ppp_close(s->ppp, "Interface configuration failed", EXIT_FATAL_ERROR);
		return;
	}
	s->status = EXIT_OK;
	s->was_up = true;
	s->unsuccess = 0;
	if (first)
		transfer_ip_up(s->transfer, mtu);
	limits_start(s->limits, s->peer_config ? s->peer_config : s->config);
}

static void network_down(struct session *s)
{
	bool last = !network_is_up(s);

	if (last) {
		transfer_ip_down(s->transfer);
		limits_stop(s->limits);
	}
	if (last && !s->demand)
		net_down(s->net);
	else
		session_update_net(s);
}

static uint64_t seconds_up(const struct session *s, const struct ppp_report *report)
{
	return (loop_clock(s->loop)->now - report->up_since) / CLOCK_SECOND;
}

/* What scripts are told of a link that has ended: before the first of them runs. */
static void tell_statistics(struct session *s)
{
	struct ppp_report report;

	ppp_get_report(s->ppp, &report);
	set_number(s, "CONNECT_TIME", seconds_up(s, &report));
	set_number(s, "BYTES_SENT", report.counters.bytes_out);
	set_number(s, "BYTES_RCVD", report.counters.bytes_in);
}

static void log_statistics(struct session *s)
{
	struct ppp_report report;
	const struct ppp_counters *c = &report.counters;

	ppp_get_report(s->ppp, &report);
	unsigned tenths = (unsigned)((seconds_up(s, &report) + 5) / 6);
	log_info("Connect time %u.%u minutes.", tenths / 10, tenths % 10);
	log_info("Sent %llu bytes, received %llu bytes.", (unsigned long long)c->bytes_out, (unsigned long long)c->bytes_in);
	session_add_traffic(&s->past, c);
}

/* IPv4. */

static void take_addresses(struct session *s, const struct ppp_addresses *a)
{
	bool first = !network_is_up(s);

	s->addresses = *a;
	s->had_ip = true;
	network_up(s, a->mtu, first);
	if (s->state == SESSION_UP)
		s->events->state(s->arg, s->state); /* the addresses are news */
}

static void on_prepared(void *arg)
{
	struct session *s = arg;
	struct ppp_addresses a = s->pending;

	s->pending = (struct ppp_addresses){ 0 };
	take_addresses(s, &a);
	ppp_go_on(s->ppp);
}

void session_ip_up(void *arg, const struct ppp_addresses *a)
{
	struct session *s = arg;

	tell_addresses(s, a);
	write_resolver(s, a->peer_dns);
	if (s->demand) {
		session_demand_addresses(s, a);
		take_addresses(s, a);
		session_demand_release(s);
		return;
	}
	if (!hooks_wait(s->hooks, HOOK_IP_PRE_UP, on_prepared, s)) {
		take_addresses(s, a);
		return;
	}
	s->pending = *a;
	ppp_hold(s->ppp);
}

void session_ip_down(void *arg)
{
	struct session *s = arg;

	if (s->pending.mtu > 0) {
		hooks_cancel(s->hooks);
		s->pending = (struct ppp_addresses){ 0 };
		return;
	}
	tell_statistics(s);
	s->addresses = (struct ppp_addresses){ 0 };
	network_down(s);
	log_statistics(s);
	hooks_run(s->hooks, HOOK_IP_DOWN);
}

/* IPv6. */

void session_ipv6_up(void *arg, const struct ppp_identifiers *identifiers)
{
	struct session *s = arg;
	bool first = !network_is_up(s);
	char text[IPV6CP_TEXT_MAX];

	hooks_set(s->hooks, "LLLOCAL", ipv6cp_text(text, identifiers->local));
	hooks_set(s->hooks, "LLREMOTE", ipv6cp_text(text, identifiers->remote));
	s->identifiers = *identifiers;
	network_up(s, identifiers->mtu, first);
}

/* The statistics are IPv4's where it was up at all, as pppd has it. */
void session_ipv6_down(void *arg)
{
	struct session *s = arg;

	tell_statistics(s);
	s->identifiers = (struct ppp_identifiers){ 0 };
	network_down(s);
	if (!s->had_ip)
		log_statistics(s);
	hooks_run(s->hooks, HOOK_IPV6_DOWN);
}

void session_announced(void *arg, bool six)
{
	struct session *s = arg;

	hooks_run(s->hooks, six ? HOOK_IPV6_UP : HOOK_IP_UP);
}

/* Who the peer is. */

static void on_networks_prepared(void *arg)
{
	struct session *s = arg;

	ppp_go_on(s->ppp);
}

/* A peer that proved who it is may have options of its own, in its secrets line. */
void session_authenticated(void *arg, const char *peer, char **options)
{
	struct session *s = arg;

	s->peer_config = options && s->events->peer_config ? s->events->peer_config(s->arg, peer, options) : NULL;
	ppp_set_ipcp(s->ppp, s->peer_config ? &s->peer_config->ipcp : session_demand_ipcp(s));
	hooks_set(s->hooks, "PEERNAME", peer);
	if (peer)
		hooks_run(s->hooks, HOOK_AUTH_UP);
	if (hooks_wait(s->hooks, HOOK_NET_PRE_UP, on_networks_prepared, s))
		ppp_hold(s->ppp);
}

void session_unauthenticated(struct session *s)
{
	hooks_cancel(s->hooks);
	if (network_is_up(s))
		tell_statistics(s);
	hooks_run(s->hooks, HOOK_AUTH_DOWN);
}

/* Packets. */

/* Whether a packet may pass; and it is noted that it did. */
static bool passes(struct session *s, bool outbound, const uint8_t *packet, size_t len)
{
	if (s->pass && !filter_match(s->pass, outbound, packet, len))
		return false;
	if (packet_is_traffic(packet, len) && filter_match(s->active, outbound, packet, len))
		transfer_active(s->transfer);
	return true;
}

void session_ip(void *arg, uint8_t *packet, size_t len)
{
	struct session *s = arg;

	if (passes(s, false, packet, len))
		net_input(s->net, packet, len);
}

void session_to_peer(struct session *s, const uint8_t *packet, size_t len)
{
	if (passes(s, true, packet, len))
		transfer_packet(s->transfer, packet, len);
}

static void on_net_packet(void *arg, const uint8_t *packet, size_t len)
{
	struct session *s = arg;

	if (s->demand && s->addresses.mtu == 0 && len > 0 && packet[0] >> 4 == 4)
		session_demand_packet(s, packet, len);
	else
		session_to_peer(s, packet, len);
}

const struct net_events session_net_events = { .packet = on_net_packet };

/* The beginning and the end. */

static bool set_filter(struct filter **place, const struct filter_config *config, const char *name, char **why)
{
	char *wrong = NULL;
	struct filter *filter = filter_new(config, &wrong);

	if (wrong) {
		*why = g_strdup_printf("error in %s expression: %s", name, wrong);
		g_free(wrong);
		return false;
	}
	filter_free(*place);
	*place = filter;
	return true;
}

bool session_set_filters(struct session *s, char **why)
{
	return set_filter(&s->pass, &s->config->net.pass, "pass-filter", why) &&
	       set_filter(&s->active, &s->config->active, "active-filter", why);
}

bool session_open_networks(struct session *s, char **why)
{
	if (!session_set_filters(s, why))
		return false;
	s->hooks = hooks_new(s->config, s->loop);
	s->limits = limits_new(loop_clock(s->loop), &limits_events, s);
	return true;
}

void session_free_networks(struct session *s)
{
	if (s->limits)
		limits_free(s->limits);
	if (s->hooks)
		hooks_free(s->hooks);
	filter_free(s->pass);
	filter_free(s->active);
	session_demand_free(s);
}
