/* The part of CCP that negotiates MPPE (RFC 3078 §2) as pppd does: nothing else is agreed on then, and the link ends where it cannot be
 * had. Used by ccp.c and the table of options.
 *
 * Where it is not required there is no MPPE at all. */
#include <glib.h>

#include "log.h"
#include "ppp/ccp_internal.h"

#define NOT_AVAILABLE "MPPE required but not available"
#define NEGOTIATION_FAILED "MPPE required but peer negotiation failed"

static struct ccp *ccp_of(struct cp *cp)
{
	return (struct ccp *)cp;
}

void ccp_fail(struct ccp *ccp, const char *reason)
{
	if (ccp->failure)
		return;
	ccp->failure = reason;
	timer_set(&ccp->failing, 0);
}

/* Which strengths the config and the way that the peer was authenticated allow. */
static uint32_t find_strengths(const struct ccp_config *config, unsigned auth_method)
{
	bool forty = config->mppe & MPPE_40;

	if (forty && auth_method == AUTH_MSCHAP) {
		log_notice("Disabling 40-bit MPPE; MS-CHAP LM not supported");
		forty = false;
	}
	return (config->mppe & MPPE_128 ? MPPE_BIT_S : 0) | (forty ? MPPE_BIT_L : 0);
}

/* NULL, or why there can be no MPPE. */
static const char *find_obstacle(struct ccp *ccp, const struct mppe_keys *keys, unsigned auth_method, bool twice)
{
	if (twice)
		return "MPPE required, but auth done in both directions.";
	if (!(auth_method & (AUTH_MSCHAP | AUTH_MSCHAP_V2 | AUTH_EAP)))
		return "MPPE required, but MS-CHAP[v2] nor EAP-TLS auth are performed.";
	if (!keys || !keys->known)
		return "MPPE required, but keys are not available.  Possible plugin problem?";
	ccp->strengths = find_strengths(ccp->config, auth_method);
	return ccp->strengths ? NULL : "MPPE required, but both 40-bit and 128-bit disabled.";
}

bool ccp_set_keys(struct ccp *ccp, const struct mppe_keys *keys, unsigned auth_method, bool twice)
{
	timer_stop(&ccp->failing);
	ccp->failure = NULL;
	ccp->keys = keys;
	if (!ccp->config->mppe_required)
		return true;
	const char *obstacle = find_obstacle(ccp, keys, auth_method, twice);
	if (!obstacle)
		return true;
	log_error("%s", obstacle);
	ccp->failure = NOT_AVAILABLE;
	ccp->events->failed(ccp->arg, NOT_AVAILABLE, EXIT_NEGOTIATION_FAILED);
	return false;
}

bool ccp_ask_mppe(struct cp *cp, struct writer *value)
{
	writer_u32(value, ccp_of(cp)->mppe);
	return ccp_of(cp)->mppe != 0;
}

/* The strengths that the peer may be offered instead of these; 0: none. */
static uint32_t better_strengths(uint32_t asked, uint32_t allowed)
{
	if (asked == 0)
		return allowed;
	asked &= allowed;
	return asked & MPPE_BIT_S ? MPPE_BIT_S : asked;
}

enum cp_verdict ccp_judge_mppe(struct cp *cp, struct reader *value, struct writer *better)
{
	struct ccp *ccp = ccp_of(cp);
	uint32_t asked = reader_u32(value);

	if (!ccp->config->mppe_required)
		return CP_REJECT;
	if (!(asked & MPPE_BIT_H) && !ccp->config->mppe_stateful) {
		log_error("Refusing MPPE stateful mode offered by peer");
		return CP_REJECT;
	}
	uint32_t named = asked & (MPPE_BIT_S | MPPE_BIT_L);
	uint32_t strengths = better_strengths(named, ccp->strengths);
	if (strengths == 0)
		return CP_REJECT;
	uint32_t wanted = (named ? asked & MPPE_BIT_H : MPPE_BIT_H) | strengths;
	ccp->mppe_offered = true;
	writer_u32(better, wanted);
	return wanted == asked ? CP_ACK : CP_NAK;
}

/* What the peer would rather have must be a part of what we asked for; keeping state is the one thing that it may add. */
void ccp_nak_mppe(struct cp *cp, struct reader *value, bool asked)
{
	struct ccp *ccp = ccp_of(cp);
	uint32_t wish = reader_u32(value);
	uint32_t strengths = wish & ~MPPE_BIT_H;
	bool stateful = !(wish & MPPE_BIT_H);

	if (!asked)
		return;
	if (stateful && !ccp->config->mppe_stateful)
		log_error("Refusing MPPE stateful mode offered by peer");
	else if (strengths != 0 && (strengths & ~ccp->mppe) == 0) {
		ccp->mppe = wish;
		return;
	}
	log_error(NEGOTIATION_FAILED);
	ccp_fail(ccp, NEGOTIATION_FAILED);
}

void ccp_print_mppe(GString *out, struct reader *value)
{
	static const struct {
		uint32_t bit;
		char name;
	} bits[] = { { MPPE_BIT_H, 'H' }, { MPPE_BIT_M, 'M' }, { MPPE_BIT_S, 'S' },
		     { MPPE_BIT_L, 'L' }, { MPPE_BIT_D, 'D' }, { MPPE_BIT_C, 'C' } };
	uint32_t v = reader_u32(value);
	uint32_t unknown = v;

	for (size_t i = 0; i < G_N_ELEMENTS(bits); i++) {
		g_string_append_printf(out, " %c%c", v & bits[i].bit ? '+' : '-', bits[i].name);
		unknown &= ~bits[i].bit;
	}
	if (unknown)
		g_string_append_printf(out, " +U (%.2x %.2x %.2x %.2x)", v >> 24, v >> 16 & 0xff, v >> 8 & 0xff, v & 0xff);
}
