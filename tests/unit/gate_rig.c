/* A gate for tests; see gate_rig.h. */
#include "gate_rig.h"

#include <CUnit/CUnit.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static const struct service services[] = {
	{ .protocol = CONFIG_TCP, .port = 22, .host = LOOPBACK, .host_port = 22, .name = "SSH" },
	{ .protocol = CONFIG_TCP, .port = 8080, .host = 0x0a010101, .host_port = 80 },
	{ .protocol = CONFIG_UDP, .port = 7, .host = LOOPBACK, .host_port = 7007 },
};

static const struct forward forwards[] = {
	{ .protocol = CONFIG_TCP, .bind = LOOPBACK, .port = 2222, .host = 0, .host_port = 22 },
	{ .protocol = CONFIG_UDP, .bind = LOOPBACK, .port = 5353, .host = 0, .host_port = 5300 },
	{ .protocol = CONFIG_TCP, .bind = LOOPBACK, .port = 2223, .host = BEHIND, .host_port = 22 },
};

static bool own_addresses(void *arg, GArray *addresses)
{
	uint32_t ours = OURS;

	(void)arg;
	g_array_append_val(addresses, ours);
	return true;
}

static enum policy_route route(void *arg, uint32_t addr)
{
	(void)arg;
	return addr == LOCAL_BY_ROUTE ? ROUTE_HERE : ROUTE_AWAY;
}

static const struct policy_host host = { .addresses = own_addresses, .route = route };

void gate_rig_init(struct gate_rig *w)
{
	const struct net_link link = { .local = LOCAL, .remote = REMOTE, .dns = DNS, .mtu = 1000 };

	*w = (struct gate_rig){ .config = config_new() };
	w->config->lcp.mru = 900;
	g_array_append_vals(w->config->net.services, services, G_N_ELEMENTS(services));
	g_array_append_vals(w->config->net.forwards, forwards, G_N_ELEMENTS(forwards));
	clock_init(&w->clock, 77 * CLOCK_SECOND);
	w->gate = gate_new(w->config, &w->clock, 5, &host);
	gate_set_link(w->gate, &link);
}

void gate_rig_end(struct gate_rig *w)
{
	gate_free(w->gate);
	config_free(w->config);
}

void gate_rig_configure(struct gate_rig *w)
{
	gate_configure(w->gate, &w->config->net);
}

unsigned gate_rig_resets(struct gate_rig *w, unsigned *to_peer)
{
	unsigned inward = 0;
	bool peers;

	*to_peer = 0;
	while ((w->len = gate_next_reset(w->gate, w->buf, &peers)) > 0) {
		CU_ASSERT_TRUE(checksums_right(w->buf, w->len));
		CU_ASSERT_TRUE(w->buf[33] & TCP_RST);
		*(peers ? to_peer : &inward) += 1;
	}
	return inward;
}

struct net_counters gate_rig_counters(const struct gate_rig *w)
{
	struct net_counters counters;

	gate_counters(w->gate, &counters);
	return counters;
}

enum gate_verdict gate_rig_from_peer(struct gate_rig *w, const struct spec *s)
{
	w->len = build(w->buf, s);
	enum gate_verdict verdict = gate_from_peer(w->gate, w->buf, w->len, &w->p);
	if (verdict == GATE_PASS)
		CU_ASSERT_TRUE(checksums_right(w->buf, w->p.len));
	return verdict;
}

bool gate_rig_to_peer(struct gate_rig *w, const struct spec *s)
{
	w->len = build(w->buf, s);
	bool passed = gate_to_peer(w->gate, w->buf, w->len, &w->p);
	if (passed)
		CU_ASSERT_TRUE(checksums_right(w->buf, w->p.len));
	return passed;
}

struct spec gate_rig_packet(uint8_t protocol, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport, uint8_t flags)
{
	return (struct spec){ .protocol = protocol, .src = src, .sport = sport, .dst = dst, .dport = dport, .flags = flags,
			      .type = 8, .payload = protocol == IPPROTO_TCP ? 0 : 20 };
}

struct spec gate_rig_syn(uint32_t dst, uint16_t port)
{
	return gate_rig_packet(IPPROTO_TCP, REMOTE, 40000, dst, port, TCP_SYN);
}

void gate_rig_is(const struct gate_rig *w, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	CU_ASSERT_EQUAL(packet_u32(w->buf, 12), src);
	CU_ASSERT_EQUAL(packet_u32(w->buf, 16), dst);
	if (w->buf[9] == IPPROTO_ICMP)
		return;
	CU_ASSERT_EQUAL(packet_u16(w->buf, 20), sport);
	CU_ASSERT_EQUAL(packet_u16(w->buf, 22), dport);
}
