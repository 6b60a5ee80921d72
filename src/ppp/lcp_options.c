/* LCP's Configure options (RFC 1661 §6, RFC 1662 §7.1) as a table: what we ask for, and what we say to the peer's. Used by
 * cp.c. */
#include <glib.h>

#include "log.h"
#include "ppp/lcp.h"
#include "ppp/ppp.h"

#define ASYNCMAP_DEFAULT UINT32_C(0xffffffff)
#define CALLBACK_CBCP 6  /* the operation (RFC 1570 §2.3) that Microsoft added: its own protocol decides */
#define LOOPBACK_NAKS 10 /* pppd's lcp-loopback: magic number Naks, one after the other */

enum {
	OPT_MRU = 1,
	OPT_ASYNCMAP = LCP_OPTION_ASYNCMAP,
	OPT_AUTH = LCP_OPTION_AUTH,
	OPT_QUALITY = 4,
	OPT_MAGIC = LCP_OPTION_MAGIC,
	OPT_PCOMP = 7,
	OPT_ACCOMP = 8,
	OPT_CALLBACK = LCP_OPTION_CALLBACK,
	OPT_MRRU = 17,
	OPT_SSNHF = 18,
	OPT_ENDPOINT = 19
};

static struct lcp *lcp_of(struct cp *cp)
{
	return (struct lcp *)cp;
}

/* §6.4: zero is no magic number. */
static uint32_t new_magic(void)
{
	uint32_t magic;

	do
		magic = g_random_int();
	while (magic == 0);
	return magic;
}

void lcp_reset(struct cp *cp)
{
	struct lcp *lcp = lcp_of(cp);

	lcp->mru = lcp->config->mru;
	lcp->asyncmap = lcp->config->asyncmap;
	lcp->magic = new_magic();
	lcp->magic_naks = 0;
	lcp->demand = 0;
	if (lcp->auth) {
		auth_prepare(lcp->auth);
		lcp->demand = auth_can_demand(lcp->auth);
	}
	lcp_forget(cp);
}

void lcp_forget(struct cp *cp)
{
	lcp_of(cp)->peer = (struct ppp_side){ .mru = CONFIG_DEFAULT_MRU, .asyncmap = ASYNCMAP_DEFAULT };
	lcp_of(cp)->ours = 0;
}

void lcp_nakked(struct cp *cp)
{
	struct lcp *lcp = lcp_of(cp);

	lcp->magic_naks = lcp->magic_nakked ? lcp->magic_naks + 1 : 0;
	lcp->magic_nakked = false;
	if (lcp->magic_naks < LOOPBACK_NAKS)
		return;
	log_notice("Serial line is looped back.");
	lcp->events->failed(lcp->arg, "Loopback detected", EXIT_LOOPBACK);
}

static bool ask_mru(struct cp *cp, struct writer *value)
{
	const struct lcp *lcp = lcp_of(cp);

	writer_u16(value, lcp->mru);
	return lcp->config->neg_mru && lcp->mru != CONFIG_DEFAULT_MRU;
}

static enum cp_verdict judge_mru(struct cp *cp, struct reader *value, struct writer *better)
{
	struct lcp *lcp = lcp_of(cp);
	uint16_t mru = reader_u16(value);

	if (!lcp->config->neg_mru)
		return CP_REJECT;
	if (mru < CONFIG_MIN_MRU) {
		writer_u16(better, CONFIG_MIN_MRU);
		return CP_NAK;
	}
	lcp->peer.mru = mru;
	return CP_ACK;
}

/* A Nak of the default, which is not in our request, makes us ask for less. */
static void nak_mru(struct cp *cp, struct reader *value, bool asked)
{
	struct lcp *lcp = lcp_of(cp);
	uint16_t mru = reader_u16(value);

	if (mru < CONFIG_MIN_MRU)
		return;
	if (asked ? mru <= lcp->config->mru || mru <= CONFIG_DEFAULT_MRU : mru < CONFIG_DEFAULT_MRU)
		lcp->mru = mru;
}

static bool ask_asyncmap(struct cp *cp, struct writer *value)
{
	const struct lcp *lcp = lcp_of(cp);

	writer_u32(value, lcp->asyncmap);
	return lcp->config->neg_asyncmap && lcp->asyncmap != ASYNCMAP_DEFAULT;
}

/* These have to be in the peer's map. */
uint32_t lcp_escaped(const struct lcp_config *config)
{
	const uint8_t *e = config->escape;

	return e[0] | (uint32_t)e[1] << 8 | (uint32_t)e[2] << 16 | (uint32_t)e[3] << 24;
}

static enum cp_verdict judge_asyncmap(struct cp *cp, struct reader *value, struct writer *better)
{
	struct lcp *lcp = lcp_of(cp);
	uint32_t map = reader_u32(value);
	uint32_t needed = lcp_escaped(lcp->config);

	if (!lcp->config->neg_asyncmap)
		return CP_REJECT;
	if (needed & ~map) {
		writer_u32(better, map | needed);
		return CP_NAK;
	}
	lcp->peer.asyncmap = map;
	return CP_ACK;
}

static void nak_asyncmap(struct cp *cp, struct reader *value, bool asked)
{
	if (asked)
		lcp_of(cp)->asyncmap |= reader_u32(value);
}

static bool ask_callback(struct cp *cp, struct writer *value)
{
	writer_u8(value, CALLBACK_CBCP);
	return lcp_of(cp)->config->callback;
}

static bool ask_magic(struct cp *cp, struct writer *value)
{
	writer_u32(value, lcp_of(cp)->magic);
	return lcp_of(cp)->config->neg_magic;
}

static enum cp_verdict judge_magic(struct cp *cp, struct reader *value, struct writer *better)
{
	struct lcp *lcp = lcp_of(cp);
	uint32_t magic = reader_u32(value);

	if (!lcp->config->neg_magic)
		return CP_REJECT;
	if (magic == 0 || magic == lcp_magic(lcp)) {
		writer_u32(better, new_magic());
		return CP_NAK;
	}
	lcp->peer.magic = magic;
	return CP_ACK;
}

static void nak_magic(struct cp *cp, struct reader *value, bool asked)
{
	struct lcp *lcp = lcp_of(cp);

	(void)value;
	if (!asked)
		return;
	lcp->magic = new_magic();
	lcp->magic_nakked = true;
}

static bool ask_pcomp(struct cp *cp, struct writer *value)
{
	(void)value;
	return lcp_of(cp)->config->neg_pcomp;
}

static enum cp_verdict judge_pcomp(struct cp *cp, struct reader *value, struct writer *better)
{
	struct lcp *lcp = lcp_of(cp);

	(void)value;
	(void)better;
	lcp->peer.pcomp = lcp->config->neg_pcomp;
	return lcp->config->neg_pcomp ? CP_ACK : CP_REJECT;
}

static bool ask_accomp(struct cp *cp, struct writer *value)
{
	(void)value;
	return lcp_of(cp)->config->neg_accomp;
}

static enum cp_verdict judge_accomp(struct cp *cp, struct reader *value, struct writer *better)
{
	struct lcp *lcp = lcp_of(cp);

	(void)value;
	(void)better;
	lcp->peer.accomp = lcp->config->neg_accomp;
	return lcp->config->neg_accomp ? CP_ACK : CP_REJECT;
}

static enum cp_verdict judge_endpoint(struct cp *cp, struct reader *value, struct writer *better)
{
	(void)value;
	(void)better;
	return lcp_of(cp)->config->no_endpoint ? CP_REJECT : CP_ACK;
}

static void print_quality(GString *out, struct reader *value)
{
	uint16_t protocol = reader_u16(value);

	if (protocol == PPP_LQR)
		g_string_append(out, " lqr");
	else
		g_string_append_printf(out, " 0x%x", protocol);
}

static void print_callback(GString *out, struct reader *value)
{
	struct reader rest = *value;

	if (reader_u8(&rest) != CALLBACK_CBCP)
		return;
	g_string_append(out, " CBCP");
	*value = rest;
}

/* RFC 1990 §5.1.3: a class and an address. */
static void print_endpoint(GString *out, struct reader *value)
{
	static const char *const classes[] = { "null", "local", "IP", "MAC", "magic", "phone" };
	enum { CLASS_IP = 2, CLASS_MAC = 3 };
	uint8_t class = reader_u8(value);
	char ip[PRINT_ADDRESS_MAX];

	if (class < G_N_ELEMENTS(classes))
		g_string_append_printf(out, " [%s", classes[class]);
	else
		g_string_append_printf(out, " [%d", class);
	if (class == CLASS_IP && reader_left(value) == 4)
		g_string_append_printf(out, ":%s", print_ip(ip, reader_u32(value)));
	for (char c = ':'; reader_left(value) > 0; c = class == CLASS_MAC ? ':' : '.')
		g_string_append_printf(out, "%c%.2x", c, reader_u8(value));
	g_string_append_c(out, ']');
}

/* clang-format off */
static const struct cp_option rows[] = {
	{ { OPT_MRU,      4, 4,   "mru",      print_u16 },      ask_mru,      judge_mru,      nak_mru,      false },
	{ { OPT_ASYNCMAP, 6, 6,   "asyncmap", print_hex },      ask_asyncmap, judge_asyncmap, nak_asyncmap, false },
	{ { OPT_AUTH,     4, 255, "auth",     lcp_print_auth }, lcp_ask_auth, lcp_judge_auth, lcp_nak_auth, false },
	{ { OPT_QUALITY,  4, 255, "quality",  print_quality },  NULL,         NULL,           NULL,         false },
	{ { OPT_CALLBACK, 3, 255, "callback", print_callback }, ask_callback, NULL,           NULL,         false },
	{ { OPT_MAGIC,    6, 6,   "magic",    print_hex },      ask_magic,    judge_magic,    nak_magic,    true },
	{ { OPT_PCOMP,    2, 2,   "pcomp",    NULL },           ask_pcomp,    judge_pcomp,    NULL,         false },
	{ { OPT_ACCOMP,   2, 2,   "accomp",   NULL },           ask_accomp,   judge_accomp,   NULL,         false },
	{ { OPT_MRRU,     4, 4,   "mrru",     print_u16 },      NULL,         NULL,           NULL,         false },
	{ { OPT_SSNHF,    2, 2,   "ssnhf",    NULL },           NULL,         NULL,           NULL,         false },
	{ { OPT_ENDPOINT, 3, 23,  "endpoint", print_endpoint }, NULL,         judge_endpoint, NULL,         false },
};
/* clang-format on */

const struct cp_options lcp_options = { rows, G_N_ELEMENTS(rows) };
