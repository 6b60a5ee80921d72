/* LCP's Authentication-Protocol option (RFC 1661 §6.2), both ways: what we demand of the peer, step by step down to what it agrees
 * to, and what we say to its own demands. Rows of lcp_options.c; what is possible at all is auth.c's to say. The steps are pppd's. */
#include <glib.h>

#include "log.h"
#include "ppp/chap.h"
#include "ppp/lcp.h"
#include "ppp/ppp.h"

#define NO_ALGORITHM 0

/* Every method, in the order in which it is asked for and offered. */
static const struct value {
	enum auth_method method;
	uint16_t protocol;
	uint8_t algorithm; /* of CHAP */
	const char *name;
} values[] = {
	{ AUTH_EAP, PPP_EAP, NO_ALGORITHM, " eap" },
	{ AUTH_CHAP_MD5, PPP_CHAP, CHAP_MD5, " chap MD5" },
	{ AUTH_MSCHAP_V2, PPP_CHAP, CHAP_MS_V2, " chap MS-v2" },
	{ AUTH_MSCHAP, PPP_CHAP, CHAP_MS, " chap MS" },
	{ AUTH_PAP, PPP_PAP, NO_ALGORITHM, " pap" },
};

/* Which algorithm of CHAP is struck off first where the peer wants one that we do not have. */
static const unsigned strike_order[] = { AUTH_MSCHAP_V2, AUTH_MSCHAP, AUTH_CHAP_MD5 };

static struct lcp *lcp_of(struct cp *cp)
{
	return (struct lcp *)cp;
}

/* The row of the method in METHODS that comes first, or NULL. */
static const struct value *first(unsigned methods)
{
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
		if (methods & values[i].method)
			return &values[i];
	}
	return NULL;
}

static unsigned first_method(unsigned methods)
{
	const struct value *v = first(methods);

	return v ? v->method : 0;
}

unsigned lcp_theirs(const struct lcp *lcp)
{
	return cp_asked(&lcp->cp, LCP_OPTION_AUTH) ? first_method(lcp->demand) : 0;
}

static void put(struct writer *w, const struct value *v)
{
	writer_u16(w, v->protocol);
	if (v->algorithm != NO_ALGORITHM)
		writer_u8(w, v->algorithm);
}

/* A value from the wire. */
struct wish {
	uint16_t protocol;
	bool right_length; /* or the protocol is none that we know */
	unsigned method;   /* 0: unknown, or the length is wrong */
};

static struct wish read_wish(struct reader value)
{
	struct wish wish = { .protocol = reader_u16(&value) };
	size_t left = reader_left(&value);
	uint8_t algorithm = wish.protocol == PPP_CHAP ? reader_u8(&value) : NO_ALGORITHM;

	wish.right_length = left == (wish.protocol == PPP_CHAP ? 1 : 0) || auth_protocol_name(wish.protocol) == NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
		if (wish.right_length && values[i].protocol == wish.protocol && values[i].algorithm == algorithm)
			wish.method = values[i].method;
	}
	return wish;
}

bool lcp_ask_auth(struct cp *cp, struct writer *value)
{
	const struct value *v = first(lcp_of(cp)->demand);

	if (v)
		put(value, v);
	return v != NULL;
}

/* What we would rather prove ourselves by: another algorithm where there is one of CHAP, else the best that we can. */
static const struct value *counter_offer(const struct wish *wish, unsigned can)
{
	return first(wish->protocol == PPP_CHAP && (can & AUTH_CHAPS) ? can & AUTH_CHAPS : can);
}

enum cp_verdict lcp_judge_auth(struct cp *cp, struct reader *value, struct writer *better)
{
	struct lcp *lcp = lcp_of(cp);
	unsigned can = lcp->auth ? auth_can_prove(lcp->auth) : 0;
	struct wish wish = read_wish(*value);

	if (!first(can)) {
		log_warn("No auth is possible");
		return CP_REJECT;
	}
	if (!wish.right_length)
		return CP_REJECT;
	if (wish.method & can) {
		lcp->ours = wish.method;
		return CP_ACK;
	}
	put(better, counter_offer(&wish, can));
	return CP_NAK;
}

static unsigned without_one_algorithm(unsigned demand)
{
	for (size_t i = 0; i < G_N_ELEMENTS(strike_order); i++) {
		if (demand & strike_order[i])
			return demand & ~strike_order[i];
	}
	return demand;
}

/* The peer would not use ASKED, and proposes another method, which may be 0. */
static unsigned nakked(unsigned demand, unsigned asked, unsigned proposed)
{
	unsigned algorithm = proposed & AUTH_CHAPS;

	if (asked == proposed)
		return demand;
	if (!(asked & AUTH_CHAPS))
		demand &= ~asked;
	else if (!algorithm)
		demand &= ~(unsigned)AUTH_CHAPS;
	else if (!(demand & algorithm))
		demand = without_one_algorithm(demand);
	if (demand & algorithm)
		demand = (demand & ~(unsigned)AUTH_CHAPS) | algorithm;
	return demand;
}

/* An unasked one means that the peer would like to prove itself, of which there is no need. */
void lcp_nak_auth(struct cp *cp, struct reader *value, bool asked)
{
	struct lcp *lcp = lcp_of(cp);

	if (asked)
		lcp->demand = nakked(lcp->demand, first_method(lcp->demand), read_wish(*value).method);
}

/* Whoever knows no EAP may know CHAP or PAP; whoever Rejects those will prove nothing at all. */
void lcp_rejected(struct cp *cp)
{
	struct lcp *lcp = lcp_of(cp);

	if (!cp_dropped(cp, LCP_OPTION_AUTH))
		return;
	lcp->demand = first_method(lcp->demand) == AUTH_EAP ? lcp->demand & ~(unsigned)AUTH_EAP : 0;
	if (lcp->demand)
		cp_retry(cp, LCP_OPTION_AUTH);
}

void lcp_print_auth(GString *out, struct reader *value)
{
	struct reader rest = *value;
	uint16_t protocol = reader_u16(value);
	uint8_t algorithm = 0;

	reader_skip(&rest, 2);
	if (protocol == PPP_CHAP && reader_left(&rest) > 0)
		algorithm = reader_u8(&rest);
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
		if (values[i].protocol == protocol && values[i].algorithm == algorithm) {
			g_string_append(out, values[i].name);
			*value = rest;
			return;
		}
	}
	if (protocol == PPP_CHAP)
		g_string_append(out, " chap");
	else
		g_string_append_printf(out, " 0x%x", protocol);
}
