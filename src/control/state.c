/* The page /state: a snapshot as JSON, with the names of doc/control.md. Called by pages.c. */
#include <arpa/inet.h>
#include <syslog.h>
#include <unistd.h>

#include "clock.h"
#include "control/snapshot.h"
#include "ppp/ipv6cp.h"
#include "status.h"

/* Names of services, paths and shell commands are whatever somebody wrote. */
static json_t *text(const char *s)
{
	if (!s)
		return json_null();
	char *valid = g_utf8_make_valid(s, -1);
	json_t *json = json_string(valid);
	g_free(valid);
	return json;
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *seconds(uint64_t microseconds)
{
	return json_real((double)microseconds / CLOCK_SECOND);
}

/* ADDRESS in host byte order; none is null. */
static json_t *ipv4(uint32_t address)
{
	struct in_addr in = { .s_addr = htonl(address) };
	char buf[INET_ADDRSTRLEN];

	return address ? json_string(inet_ntop(AF_INET, &in, buf, sizeof(buf))) : json_null();
}

static json_t *endpoint(const struct net_address *a)
{
	char buf[INET6_ADDRSTRLEN + 10];

	if (a->host[0] == '\0')
		return json_null();
	if (a->port == 0)
		return text(a->host);
	g_snprintf(buf, sizeof(buf), strchr(a->host, ':') ? "[%s]:%u" : "%s:%u", a->host, a->port);
	return text(buf);
}

static json_t *line_json(const struct snapshot *s)
{
	static const char *const kinds[] = { [LINE_TTY] = "tty", [LINE_NOTTY] = "notty", [LINE_PTY] = "pty", [LINE_SOCKET] = "socket" };

	return json_pack("{s:o, s:s, s:o}", "name", text(s->report.line), "kind", kinds[s->config->line.kind], "rate",
			 number(s->report.rate));
}

static json_t *side_json(const struct ppp_side *side)
{
	char asyncmap[16], magic[16];

	g_snprintf(asyncmap, sizeof(asyncmap), "0x%08x", side->asyncmap);
	g_snprintf(magic, sizeof(magic), "0x%08x", side->magic);
	return json_pack("{s:i, s:s, s:s?, s:b, s:b}", "mru", side->mru, "asyncmap", asyncmap, "magic", side->magic ? magic : NULL,
			 "pcomp", side->pcomp, "accomp", side->accomp);
}

static json_t *negotiated_json(const struct ppp_report *ppp)
{
	if (!ppp->open)
		return json_null();
	return json_pack("{s:o, s:o}", "ours", side_json(&ppp->ours), "peers", side_json(&ppp->peers));
}

static json_t *peer_dns_json(const struct ppp_addresses *addresses)
{
	json_t *list = json_array();

	for (size_t i = 0; i < G_N_ELEMENTS(addresses->peer_dns); i++)
		if (addresses->peer_dns[i])
			json_array_append_new(list, ipv4(addresses->peer_dns[i]));
	return list;
}

static json_t *identifier(uint64_t id)
{
	char address[IPV6CP_TEXT_MAX];

	return id ? json_string(ipv6cp_text(address, id)) : json_null();
}

static json_t *compression_json(const struct ppp_report *ppp)
{
	return json_pack("{s:s?, s:s?}", "sends", ppp->sends, "receives", ppp->receives);
}

/* How the last try ended; NULL while there is no last one, or another is under way. */
static const char *end_text(const struct session_report *r)
{
	bool over = r->attempts > 0 && (r->state == SESSION_IDLE || r->state == SESSION_WAITING);

	return over ? exit_status_text(r->status) : NULL;
}

/* null where nobody knows: the next try comes with the next traffic, or there is none to come. */
static json_t *retry_json(const struct session_report *r)
{
	return r->state == SESSION_WAITING && r->retry_in != CLOCK_NEVER ? seconds(r->retry_in) : json_null();
}

static json_t *link_json(const struct snapshot *s)
{
	static const struct ppp_addresses none;
	const struct session_report *r = &s->report;
	const struct ppp_addresses *a = r->ppp.ip_up ? &r->ppp.addresses : &none;
	const struct ipcp_config *ipcp = &s->config->ipcp;

	return json_pack("{s:s, s:o, s:o, s:o, s:i, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s?, s:o, s:o}",
			 "state", session_state_name(r->state), "since", seconds(r->since),
			 "retry_in", retry_json(r), "attempts", number(r->attempts),
			 "status", (int)r->status, "status_text", end_text(r),
			 "local", ipv4(a->local), "remote", ipv4(a->remote), "dns", ipv4(ipcp->dns[0] ? ipcp->dns[0] : ipcp->own_dns),
			 "peer_dns", peer_dns_json(a), "mtu", a->mtu ? number(a->mtu) : json_null(),
			 "local6", identifier(r->ppp.identifiers.local), "remote6", identifier(r->ppp.identifiers.remote),
			 "peer", r->ppp.peer, "compression", compression_json(&r->ppp), "negotiated", negotiated_json(&r->ppp));
}

static json_t *traffic_json(const struct session_report *r)
{
	const struct ppp_counters *c = &r->ppp.counters;
	json_t *errors = json_pack("{s:o, s:o, s:o, s:o, s:o}", "fcs", number(c->errors_fcs), "runt", number(c->errors_runt),
				   "giant", number(c->errors_giant), "abort", number(c->errors_abort), "dropped", number(c->out_dropped));
	json_t *queue = json_pack("{s:o, s:o, s:o}", "packets", number(r->queue_packets), "bytes", number(r->queue_bytes),
				  "dropped", number(r->queue_dropped));

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "bytes_in", number(c->bytes_in), "bytes_out", number(c->bytes_out),
			 "packets_in", number(c->packets_in), "packets_out", number(c->packets_out),
			 "frames_in", number(c->frames_in), "frames_out", number(c->frames_out), "errors", errors, "queue", queue);
}

static const char *level_name(int priority)
{
	static const char *const names[] = {
		[LOG_ERR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
	};

	return priority > LOG_ERR && priority < (int)G_N_ELEMENTS(names) ? names[priority] : names[LOG_ERR];
}

static const char *state_name(int state)
{
	return session_state_name((enum session_state)state);
}

/* What an entry's kind is called is said under KEY. */
static json_t *ring_json(const struct snapshot *s, const struct ring *ring, const char *key, const char *(*name)(int kind))
{
	json_t *list = json_array();

	for (unsigned i = 0; i < ring->count; i++) {
		const struct ring_entry *entry = ring_get(ring, i);

		json_array_append_new(list, json_pack("{s:o, s:s, s:o}", "time", seconds(snapshot_time(s, entry->at)), key,
						      name(entry->kind), "text", text(entry->text)));
	}
	return list;
}

static json_t *rates_json(const struct snapshot *s)
{
	json_t *in = json_array(), *out = json_array();

	for (unsigned i = 0; i < s->rates->count; i++) {
		json_array_append_new(in, number(rates_get(s->rates, i)->in));
		json_array_append_new(out, number(rates_get(s->rates, i)->out));
	}
	return json_pack("{s:i, s:o, s:o, s:o}", "interval", 1, "time", seconds(snapshot_time(s, s->rates->until)), "in", in, "out", out);
}

static json_t *doors_json(const GArray *doors)
{
	json_t *list = json_array();

	for (guint i = 0; i < doors->len; i++) {
		const struct net_door *d = &g_array_index(doors, struct net_door, i);

		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "spec", text(d->spec), "name", text(d->name),
						      "flows", number(d->flows), "opened", number(d->opened),
						      "refused", number(d->refused), "bytes_in", number(d->bytes_in),
						      "bytes_out", number(d->bytes_out)));
	}
	return list;
}

static json_t *protocol_json(uint8_t protocol)
{
	static const struct {
		uint8_t number;
		const char *name;
	} known[] = { { IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" }, { IPPROTO_ICMP, "icmp" }, { IPPROTO_ICMPV6, "icmp6" } };
	char buf[8];

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (known[i].number == protocol)
			return json_string(known[i].name);
	g_snprintf(buf, sizeof(buf), "%u", protocol);
	return json_string(buf);
}

static json_t *flow_json(const struct net_flow *f)
{
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", number(f->id),
			 "kind", net_flow_kind_name(f->kind), "protocol", protocol_json(f->protocol), "state", text(f->state),
			 "peer", endpoint(&f->peer), "far", endpoint(&f->far), "real", endpoint(&f->real),
			 "bytes_in", number(f->bytes_in), "bytes_out", number(f->bytes_out), "packets_in", number(f->packets_in),
			 "packets_out", number(f->packets_out), "age", seconds(f->age), "idle", seconds(f->idle));
}

static json_t *flows_json(const GArray *flows)
{
	json_t *list = json_array();

	for (guint i = 0; i < flows->len; i++)
		json_array_append_new(list, flow_json(&g_array_index(flows, struct net_flow, i)));
	return list;
}

static json_t *refused_json(const struct net_counters *net)
{
	json_t *refused = json_object();

	for (unsigned i = 0; i < REFUSALS; i++)
		json_object_set_new(refused, net_refusal_name((enum net_refusal)i), number(net->refused[i]));
	return refused;
}

static json_t *dropped_json(const struct net_counters *net)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "malformed", number(net->malformed), "spoofed", number(net->spoofed),
			 "fragments", number(net->fragments), "ignored", number(net->ignored));
}

static json_t *program_json(const struct snapshot *s)
{
	return json_pack("{s:s, s:s, s:i, s:o, s:o, s:b, s:o}", "program", PACKAGE_NAME, "version", PACKAGE_VERSION, "pid", (int)getpid(),
			 "time", seconds(s->time), "uptime", seconds(s->now - s->started), "control", s->trusted,
			 "interface", text(s->report.name));
}

json_t *state_json(const struct snapshot *s)
{
	const struct {
		const char *name;
		json_t *value;
	} parts[] = {
		{ "line", line_json(s) },
		{ "link", link_json(s) },
		{ "traffic", traffic_json(&s->report) },
		{ "history", ring_json(s, s->states, "state", state_name) },
		{ "rates", rates_json(s) },
		{ "services", doors_json(s->doors[DOOR_SERVICE]) },
		{ "forwards", doors_json(s->doors[DOOR_FORWARD]) },
		{ "socks", doors_json(s->doors[DOOR_SOCKS]) },
		{ "flows", flows_json(s->flows) },
		{ "flows_total", number(s->flows_total) },
		{ "refused", refused_json(&s->net) },
		{ "dropped", dropped_json(&s->net) },
		{ "locked_out", json_boolean(s->net.locked_out) },
		{ "log", ring_json(s, s->log, "level", level_name) },
	};
	json_t *state = program_json(s);

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		json_object_set_new(state, parts[i].name, parts[i].value);
	return state;
}
