/* CCP's Configure options (RFC 1962 §4, with those of RFC 1977, 1979 and 3078) as a table: what we ask for, which is what the peer may
 * send with, and what we say to what the peer would like us to send with. Used by cp.c and print.c.
 *
 * As in pppd, each option of a request stands for itself; the first of an acknowledged request is what is used. */
#include <glib.h>
#include <string.h>

#include "ppp/ccp_internal.h"

#define SIZE_MIN 9 /* of Deflate's window and BSD-Compress' codes, in bits: Deflate's 8 does not work with zlib */
#define SIZE_MAX_BITS 15

#define DEFLATE_METHOD 8
#define DEFLATE_CHECK_SEQUENCE 0
#define BSD_VERSION 1

static struct ccp *ccp_of(struct cp *cp)
{
	return (struct ccp *)cp;
}

/* A size as it was configured: 8 is as good as 9, which is what pppd makes of it. */
static unsigned usable(unsigned size)
{
	return size == 0 ? 0 : CLAMP(size, SIZE_MIN, SIZE_MAX_BITS);
}

void ccp_forget(struct cp *cp)
{
	struct ccp *ccp = ccp_of(cp);

	ccp->peer = (struct ccp_choice){ 0 };
	ccp->judged = true;
	ccp->mppe_offered = false;
}

/* MPPE goes with nothing else (pppd). */
void ccp_reset(struct cp *cp)
{
	struct ccp *ccp = ccp_of(cp);
	bool mppe = ccp->config->mppe_required;

	ccp->deflate = mppe ? 0 : usable(ccp->config->deflate_receive);
	ccp->bsd = mppe ? 0 : usable(ccp->config->bsd_receive);
	ccp->mppe = mppe ? MPPE_BIT_H | ccp->strengths : 0;
	ccp->all_rejected = false;
	ccp->trouble = COMP_OK;
	timer_stop(&ccp->reset);
	ccp_stop(&ccp->sender);
	ccp_stop(&ccp->receiver);
	ccp_forget(cp);
	ccp->judged = false;
}

/* The peer's first option is what we will send with, once the whole request is acknowledged. */
static void note_choice(struct ccp *ccp, struct reader value)
{
	size_t len = reader_left(&value);

	if (ccp->peer.type != 0 || len > CCP_VALUE_MAX)
		return;
	ccp->peer.type = ccp->cp.type;
	ccp->peer.len = len;
	memcpy(ccp->peer.value, reader_bytes(&value, len), len);
}

struct ccp_choice ccp_first_asked(const struct ccp *ccp)
{
	struct reader r = reader_new(ccp->cp.request, ccp->cp.request_len);
	struct ccp_choice first = { .type = reader_u8(&r) };

	first.len = (size_t)reader_u8(&r) - CP_OPTION_HEADER;
	const uint8_t *value = first.len <= CCP_VALUE_MAX ? reader_bytes(&r, first.len) : NULL;
	if (!value)
		return (struct ccp_choice){ 0 };
	memcpy(first.value, value, first.len);
	return first;
}

/* MPPE's first option decides, too. */
static enum cp_verdict judge_mppe(struct cp *cp, struct reader *value, struct writer *better)
{
	note_choice(ccp_of(cp), *value);
	return ccp_judge_mppe(cp, value, better);
}

/* Deflate, RFC 1979 §2: window size and method, how it is checked. */

struct deflate_value {
	unsigned size, method, check;
};

static struct deflate_value get_deflate(struct reader *value)
{
	uint8_t first = reader_u8(value);

	return (struct deflate_value){ .size = (first >> 4) + 8u, .method = first & 0xf, .check = reader_u8(value) };
}

static void put_deflate(struct writer *value, unsigned size)
{
	writer_u8(value, (uint8_t)((size - 8) << 4 | DEFLATE_METHOD));
	writer_u8(value, DEFLATE_CHECK_SEQUENCE);
}

static bool deflate_fits(const struct deflate_value *v)
{
	return v->method == DEFLATE_METHOD && v->check == DEFLATE_CHECK_SEQUENCE && v->size >= SIZE_MIN;
}

static bool ask_deflate(struct cp *cp, struct writer *value)
{
	const struct ccp *ccp = ccp_of(cp);

	if (ccp->deflate == 0 || (cp->type == CCP_OPTION_DEFLATE_DRAFT && !ccp->config->deflate_draft))
		return false;
	put_deflate(value, ccp->deflate);
	return true;
}

static enum cp_verdict judge_deflate(struct cp *cp, struct reader *value, struct writer *better)
{
	struct ccp *ccp = ccp_of(cp);
	unsigned most = usable(ccp->config->deflate_send);

	if (most == 0 || ccp->config->mppe_required || (cp->type == CCP_OPTION_DEFLATE_DRAFT && !ccp->config->deflate_draft))
		return CP_REJECT;
	note_choice(ccp, *value);
	struct deflate_value v = get_deflate(value);
	put_deflate(better, most);
	return deflate_fits(&v) && v.size <= most ? CP_ACK : CP_NAK;
}

/* Both numbers stand for one method: the first that was asked for tells the size for both. */
static void nak_deflate(struct cp *cp, struct reader *value, bool asked)
{
	struct ccp *ccp = ccp_of(cp);
	struct deflate_value v = get_deflate(value);

	if (!asked || (cp->type == CCP_OPTION_DEFLATE_DRAFT && cp_asked(cp, CCP_OPTION_DEFLATE)))
		return;
	ccp->deflate = deflate_fits(&v) ? MIN(ccp->deflate, v.size) : 0;
}

static void print_deflate(GString *out, struct reader *value)
{
	struct deflate_value v = get_deflate(value);

	g_string_append_printf(out, " %u", v.size);
	if (v.method != DEFLATE_METHOD)
		g_string_append_printf(out, " method %u", v.method);
	if (v.check != DEFLATE_CHECK_SEQUENCE)
		g_string_append_printf(out, " check %u", v.check);
}

/* BSD-Compress, RFC 1977 §2.1: version, code size. */

static uint8_t bsd_value(unsigned size)
{
	return (uint8_t)(BSD_VERSION << 5 | size);
}

static bool ask_bsd(struct cp *cp, struct writer *value)
{
	writer_u8(value, bsd_value(ccp_of(cp)->bsd));
	return ccp_of(cp)->bsd > 0;
}

static enum cp_verdict judge_bsd(struct cp *cp, struct reader *value, struct writer *better)
{
	struct ccp *ccp = ccp_of(cp);
	unsigned most = usable(ccp->config->bsd_send);

	if (most == 0 || ccp->config->mppe_required)
		return CP_REJECT;
	note_choice(ccp, *value);
	uint8_t v = reader_u8(value);
	writer_u8(better, bsd_value(most));
	return v >= bsd_value(SIZE_MIN) && v <= bsd_value(most) ? CP_ACK : CP_NAK;
}

static void nak_bsd(struct cp *cp, struct reader *value, bool asked)
{
	struct ccp *ccp = ccp_of(cp);
	uint8_t v = reader_u8(value);

	if (!asked)
		return;
	if (v < bsd_value(SIZE_MIN) || v >> 5 != BSD_VERSION)
		ccp->bsd = 0;
	else
		ccp->bsd = MIN(ccp->bsd, v & 0x1fu);
}

static void print_bsd(GString *out, struct reader *value)
{
	uint8_t v = reader_u8(value);

	g_string_append_printf(out, " v%d %d", v >> 5, v & 0x1f);
}

/* Predictor, RFC 1978: Linux never had it, and so pppd never agrees on it. */
static void print_predictor1(GString *out, struct reader *value)
{
	(void)value;
	g_string_append(out, " 1");
}

static void print_predictor2(GString *out, struct reader *value)
{
	(void)value;
	g_string_append(out, " 2");
}

static const struct cp_option rows[] = {
	{ { CCP_OPTION_MPPE, 6, 6, "mppe", ccp_print_mppe }, ccp_ask_mppe, judge_mppe, ccp_nak_mppe, false },
	{ { CCP_OPTION_DEFLATE, 4, 4, "deflate", print_deflate }, ask_deflate, judge_deflate, nak_deflate, false },
	{ { CCP_OPTION_DEFLATE_DRAFT, 4, 4, "deflate(old#)", print_deflate }, ask_deflate, judge_deflate, nak_deflate, false },
	{ { CCP_OPTION_BSD, 3, 3, "bsd", print_bsd }, ask_bsd, judge_bsd, nak_bsd, false },
	{ { CCP_OPTION_PREDICTOR1, 2, 2, "predictor", print_predictor1 }, NULL, NULL, NULL, false },
	{ { CCP_OPTION_PREDICTOR2, 2, 2, "predictor", print_predictor2 }, NULL, NULL, NULL, false },
};

const struct cp_options ccp_options = { rows, G_N_ELEMENTS(rows) };

/* Names. */

static unsigned size_of(const struct ccp_choice *choice)
{
	struct reader r = reader_new(choice->value, choice->len);

	return choice->type == CCP_OPTION_BSD ? reader_u8(&r) & 0x1fu : get_deflate(&r).size;
}

static void sized_name(char name[CCP_NAME_MAX], const char *method, unsigned size, unsigned other)
{
	if (size == other)
		g_snprintf(name, CCP_NAME_MAX, "%s (%u)", method, size);
	else
		g_snprintf(name, CCP_NAME_MAX, "%s (%u/%u)", method, size, other);
}

static void mppe_name(char name[CCP_NAME_MAX], const struct ccp_choice *choice)
{
	struct reader r = reader_new(choice->value, choice->len);
	uint32_t bits = reader_u32(&r);

	g_snprintf(name, CCP_NAME_MAX, "MPPE %s%s%s", bits & MPPE_BIT_S ? "128-bit " : "", bits & MPPE_BIT_L ? "40-bit " : "",
		   bits & MPPE_BIT_H ? "stateless" : "stateful");
}

void ccp_method_name(char name[CCP_NAME_MAX], const struct ccp_choice *choice, const struct ccp_choice *other)
{
	if (choice->type == CCP_OPTION_MPPE)
		mppe_name(name, choice);
	else if (choice->type == CCP_OPTION_BSD)
		sized_name(name, "BSD-Compress", size_of(choice), size_of(other));
	else
		sized_name(name, choice->type == CCP_OPTION_DEFLATE ? "Deflate" : "Deflate(old#)", size_of(choice), size_of(other));
}
