/* IPCP's Configure options (RFC 1332 §3, RFC 1877 §1) as a table: what we ask for, and what we say to the peer's. Used by
 * cp.c. */
#include <glib.h>

#include "ppp/ipcp.h"
#include "ppp/ppp.h"
#include "ppp/vj.h"

#define VJ_COMP_OLD 0x0037 /* RFC 1172 */
#define VJ_LENGTH 4        /* of IP-Compression-Protocol's value (RFC 1332 §4), */
#define VJ_LENGTH_OLD 2    /* and before slots were named */

static struct ipcp *ipcp_of(struct cp *cp)
{
	return (struct ipcp *)cp;
}

static struct ipcp_vj own_vj(const struct ipcp_config *config)
{
	return (struct ipcp_vj){ .slots = config->vj_max_slots, .compress_id = config->vj_cid };
}

void ipcp_reset(struct cp *cp)
{
	struct ipcp *ipcp = ipcp_of(cp);
	const struct ipcp_config *config = ipcp->config;

	ipcp_reset_addresses(ipcp);
	ipcp->vj_receive = config->vj ? own_vj(config) : (struct ipcp_vj){ 0 };
	ipcp->vj_protocol = 0;
	ipcp->nakked = ipcp->offered = 0;
	ipcp->disputed = false;
	ipcp->request_address = !config->no_address && !config->noremoteip;
	for (unsigned i = 0; i < IPCP_SERVERS; i++)
		ipcp->servers[i] = (struct ipcp_server){ .want = i & 1 ? config->usepeerwins : config->usepeerdns };
	ipcp_forget(cp);
}

void ipcp_forget(struct cp *cp)
{
	ipcp_of(cp)->peer = (struct ipcp_peer){ 0 };
	ipcp_of(cp)->vj_send = (struct ipcp_vj){ 0 };
}

/* A peer that names no address is Nak'ed with one, once, or told to name one by 0.0.0.0 (RFC 1332 §3.3). */
bool ipcp_missing(struct cp *cp, struct writer *better)
{
	struct ipcp *ipcp = ipcp_of(cp);

	if (ipcp->peer.has_address || !ipcp->request_address)
		return false;
	ipcp->request_address = false;
	writer_u8(better, IPCP_OPTION_ADDRESS);
	writer_u8(better, 6);
	writer_u32(better, ipcp->remote);
	return true;
}

/* IP-Address. */

static bool ask_address(struct cp *cp, struct writer *value)
{
	const struct ipcp *ipcp = ipcp_of(cp);

	writer_u32(value, ipcp->local);
	return !ipcp->config->no_address && !ipcp->config->nosendip;
}

static enum cp_verdict peer_asks(struct ipcp *ipcp, uint32_t address)
{
	enum cp_verdict verdict = ipcp_peer_asks(ipcp, address);

	ipcp->peer.has_address = true;
	if (verdict == CP_REJECT)
		ipcp->request_address = false;
	return verdict;
}

static enum cp_verdict judge_address(struct cp *cp, struct reader *value, struct writer *better)
{
	struct ipcp *ipcp = ipcp_of(cp);

	if (ipcp->config->no_address)
		return CP_REJECT;
	enum cp_verdict verdict = peer_asks(ipcp, reader_u32(value));
	writer_u32(better, ipcp->remote);
	return verdict;
}

static void nak_address(struct cp *cp, struct reader *value, bool asked)
{
	if (asked)
		ipcp_peer_assigns(ipcp_of(cp), reader_u32(value));
}

/* IP-Addresses, the form before RFC 1332: the sender's address, then the receiver's. */

static bool ask_addresses(struct cp *cp, struct writer *value)
{
	const struct ipcp *ipcp = ipcp_of(cp);
	const struct ipcp_config *config = ipcp->config;
	bool refused = cp_dropped(cp, IPCP_OPTION_ADDRESS) && ipcp->peer.old_addresses;

	writer_u32(value, ipcp->local);
	writer_u32(value, ipcp->remote);
	return !config->no_addresses && !config->nosendip && (config->no_address || refused);
}

static enum cp_verdict judge_addresses(struct cp *cp, struct reader *value, struct writer *better)
{
	struct ipcp *ipcp = ipcp_of(cp);
	uint32_t his = reader_u32(value);
	uint32_t ours = reader_u32(value);

	if (ipcp->config->no_addresses || ipcp->peer.has_address)
		return CP_REJECT;
	enum cp_verdict verdict = peer_asks(ipcp, his);
	if (verdict == CP_REJECT)
		return CP_REJECT;
	ipcp->peer.old_addresses = true;
	ipcp_peer_assigns(ipcp, ours);
	writer_u32(better, ipcp->remote);
	writer_u32(better, ipcp->local);
	return ours == ipcp->local ? verdict : CP_NAK;
}

static void nak_addresses(struct cp *cp, struct reader *value, bool asked)
{
	struct ipcp *ipcp = ipcp_of(cp);
	uint32_t ours = reader_u32(value);
	uint32_t his = reader_u32(value);

	if (!asked)
		return;
	ipcp_peer_assigns(ipcp, ours);
	if (his != 0 && his != ipcp->local && !ipcp_remote_is_firm(ipcp))
		ipcp->remote = his;
}

/* IP-Compression-Protocol (RFC 1332 §4): whoever sends the option says what it can receive. In its older form, which pppd still takes,
 * nothing is named but the protocol: 16 slots, whose numbers may be left out. */

static bool ask_compression(struct cp *cp, struct writer *value)
{
	const struct ipcp *ipcp = ipcp_of(cp);

	writer_u16(value, ipcp->vj_protocol ? ipcp->vj_protocol : PPP_VJC_COMP);
	if (!ipcp->vj_protocol) {
		writer_u8(value, (uint8_t)(ipcp->vj_receive.slots - 1));
		writer_u8(value, ipcp->vj_receive.compress_id);
	}
	return ipcp->vj_receive.slots > 0;
}

static enum cp_verdict judge_old_compression(struct ipcp *ipcp, uint16_t protocol)
{
	if (protocol != PPP_VJC_COMP && protocol != VJ_COMP_OLD)
		return CP_REJECT;
	ipcp->vj_send = (struct ipcp_vj){ .slots = VJ_SLOTS_MAX, .compress_id = true };
	return CP_ACK;
}

static enum cp_verdict judge_compression(struct cp *cp, struct reader *value, struct writer *better)
{
	struct ipcp *ipcp = ipcp_of(cp);
	struct ipcp_vj own = own_vj(ipcp->config);
	size_t len = reader_left(value);
	uint16_t protocol = reader_u16(value);

	if (!ipcp->config->vj || (len != VJ_LENGTH && len != VJ_LENGTH_OLD))
		return CP_REJECT;
	if (len == VJ_LENGTH_OLD)
		return judge_old_compression(ipcp, protocol);
	if (protocol != PPP_VJC_COMP)
		return CP_REJECT;
	struct ipcp_vj his = { .slots = reader_u8(value) + 1u, .compress_id = reader_u8(value) };
	ipcp->vj_send = (struct ipcp_vj){ MIN(his.slots, own.slots), his.compress_id && own.compress_id };
	writer_u16(better, PPP_VJC_COMP);
	writer_u8(better, (uint8_t)(ipcp->vj_send.slots - 1));
	writer_u8(better, ipcp->vj_send.compress_id);
	return his.slots > own.slots || (his.compress_id && !own.compress_id) ? CP_NAK : CP_ACK;
}

/* A Nak may take away, and may want the older form; one that wants anything else than this compression, or that wants it where we do
 * not, is heard and not followed. */
static void nak_compression(struct cp *cp, struct reader *value, bool asked)
{
	struct ipcp *ipcp = ipcp_of(cp);
	size_t len = reader_left(value);
	uint16_t protocol = reader_u16(value);

	if (!asked)
		return;
	if (len == VJ_LENGTH && protocol == PPP_VJC_COMP) {
		unsigned slots = reader_u8(value) + 1u;
		ipcp->vj_receive.slots = MIN(ipcp->vj_receive.slots, slots);
		ipcp->vj_receive.compress_id &= reader_u8(value) != 0;
		ipcp->vj_protocol = 0;
	} else if (len == VJ_LENGTH_OLD && (protocol == PPP_VJC_COMP || protocol == VJ_COMP_OLD)) {
		ipcp->vj_receive = (struct ipcp_vj){ .slots = VJ_SLOTS_MAX, .compress_id = true };
		ipcp->vj_protocol = protocol;
	} else {
		ipcp->vj_receive.slots = 0;
	}
}

/* Name servers (RFC 1877): types 129 and 131 are DNS, 130 and 132 NBNS (WINS). */

static struct ipcp_server *server_of(struct cp *cp)
{
	return &ipcp_of(cp)->servers[cp->type - IPCP_OPTION_DNS1];
}

static bool ask_server(struct cp *cp, struct writer *value)
{
	writer_u32(value, server_of(cp)->address);
	return server_of(cp)->want;
}

static enum cp_verdict judge_server(struct reader *value, struct writer *better, uint32_t ours)
{
	uint32_t his = reader_u32(value);

	writer_u32(better, ours);
	if (ours == 0)
		return CP_REJECT;
	return his == ours ? CP_ACK : CP_NAK;
}

/* Where no server is configured, the link's own resolver is the only one; not when an end of the link has taken its address. */
static uint32_t own_dns(const struct ipcp *ipcp)
{
	uint32_t own = ipcp->config->own_dns;

	return own == ipcp->local || own == ipcp->remote ? 0 : own;
}

static enum cp_verdict judge_dns(struct cp *cp, struct reader *value, struct writer *better)
{
	struct ipcp *ipcp = ipcp_of(cp);
	const uint32_t *dns = ipcp->config->dns;
	bool own = dns[0] == 0 && dns[1] == 0;

	return judge_server(value, better, own ? own_dns(ipcp) : dns[cp->type == IPCP_OPTION_DNS2]);
}

static enum cp_verdict judge_wins(struct cp *cp, struct reader *value, struct writer *better)
{
	return judge_server(value, better, ipcp_of(cp)->config->wins[cp->type == IPCP_OPTION_WINS2]);
}

/* A Nak of what we did not ask for volunteers a server: it is taken, and asked for from then on. */
static void nak_server(struct cp *cp, struct reader *value, bool asked)
{
	(void)asked;
	*server_of(cp) = (struct ipcp_server){ .want = true, .address = reader_u32(value) };
}

static void print_compression(GString *out, struct reader *value)
{
	uint16_t protocol = reader_u16(value);

	if (protocol == PPP_VJC_COMP)
		g_string_append(out, " VJ");
	else if (protocol == VJ_COMP_OLD)
		g_string_append(out, " old-VJ");
	else
		g_string_append_printf(out, " 0x%x", protocol);
}

/* clang-format off */
static const struct cp_option rows[] = {
	{ { IPCP_OPTION_ADDRESSES,   10, 10,  "addrs",    print_addresses   }, ask_addresses,   judge_addresses,   nak_addresses,   false },
	{ { IPCP_OPTION_COMPRESSION, 4,  255, "compress", print_compression }, ask_compression, judge_compression, nak_compression, false },
	{ { IPCP_OPTION_ADDRESS,     6,  6,   "addr",     print_address     }, ask_address,     judge_address,     nak_address,     false },
	{ { IPCP_OPTION_DNS1,        6,  6,   "ms-dns1",  print_address     }, ask_server,      judge_dns,         nak_server,      false },
	{ { IPCP_OPTION_DNS2,        6,  6,   "ms-dns2",  print_address     }, ask_server,      judge_dns,         nak_server,      false },
	{ { IPCP_OPTION_WINS1,       6,  6,   "ms-wins",  print_address     }, ask_server,      judge_wins,        nak_server,      false },
	{ { IPCP_OPTION_WINS2,       6,  6,   "ms-wins",  print_address     }, ask_server,      judge_wins,        nak_server,      false },
};
/* clang-format on */

const struct cp_options ipcp_options = { rows, G_N_ELEMENTS(rows) };
