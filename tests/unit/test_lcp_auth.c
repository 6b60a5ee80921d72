/* lcp: the options of authentication and callback, as bytes, against RFC 1661 section 6.2 and pppd's steps. The peer is the test. */
#include "unit.h"

#include <string.h>

#include "auth_rig.h"

#define ALL (AUTH_EAP | AUTH_CHAPS | AUTH_PAP)

/* LCP's option: what follows an answer to our demand. One end, with all of its secrets. */
static void next_demands(void)
{
	static const struct {
		unsigned require;
		const char *answer, *next; /* of the options; "" for none */
	} rows[] = {
		{ ALL, "04 0304c227", "0305c22305" },
		{ AUTH_EAP | AUTH_PAP, "04 0304c227", "0304c023" },
		{ AUTH_CHAPS | AUTH_PAP, "04 0305c22305", "" },
		{ AUTH_PAP, "04 0304c023", "" },
		{ ALL, "03 0304c023", "0305c22305" },
		{ ALL, "03 0305c22381", "0305c22381" },
		{ ALL, "03 0304c227", "0304c227" },
		{ ALL, "03 0304c025", "0305c22305" },
		{ AUTH_CHAPS | AUTH_PAP, "03 0304c023", "0304c023" },
		{ AUTH_CHAPS | AUTH_PAP, "03 0305c22380", "0305c22380" },
		{ AUTH_CHAPS | AUTH_PAP, "03 0304c227", "0304c023" },
		{ AUTH_CHAPS, "03 0304c023", "" },
		{ AUTH_CHAP_MD5 | AUTH_MSCHAP | AUTH_PAP, "03 0305c22381", "0305c22305" },
		{ AUTH_CHAP_MD5 | AUTH_PAP, "03 0305c22381", "0304c023" },
		{ AUTH_CHAP_MD5 | AUTH_PAP, "03 0305c22399", "0304c023" },
		{ AUTH_PAP, "03 0305c22305", "" },
		{ AUTH_PAP, "03 0304c025", "" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct auth_rig *rig = auth_rig_new(1);
		struct auth_rig_end *us = &rig->end[0];
		us->config->auth.required = true;
		us->config->auth.require = rows[i].require;
		auth_rig_negotiate(rig);
		rig->joined = false;
		char *packet = g_strdup_printf("c021 %.2s01 %.4x %s", rows[i].answer, (unsigned)(strlen(rows[i].answer) - 3) / 2 + 4,
					       rows[i].answer + 3);
		auth_rig_feed(us, packet);
		const char *request = auth_rig_next(us);
		CU_ASSERT_TRUE(g_str_has_prefix(request, "c0210102"));
		const char *magic = *request ? request + 12 + 12 : "";
		CU_ASSERT_NSTRING_EQUAL(magic, *rows[i].next ? rows[i].next : "0506", *rows[i].next ? strlen(rows[i].next) : 4);
		g_free(packet);
		auth_rig_free(rig);
	}
}

/* And what we say to the peer's. */
static void judgements(void)
{
	static const struct {
		unsigned refuse;
		const char *request, *answer; /* option; code and option */
	} rows[] = {
		{ 0, "0304c023", "02 0304c023" },
		{ 0, "0304c227", "02 0304c227" },
		{ 0, "0305c22305", "02 0305c22305" },
		{ 0, "0305c22380", "02 0305c22380" },
		{ 0, "0305c22381", "02 0305c22381" },
		{ 0, "0305c22306", "03 0305c22305" },
		{ 0, "0304c025", "03 0304c227" },
		{ 0, "0305c02305", "04 0305c02305" },
		{ 0, "0305c22700", "04 0305c22700" },
		{ 0, "0304c223", "04 0304c223" },
		{ 0, "0306c2230505", "04 0306c2230505" },
		{ 0, "0303c0", "04 0303c0" },
		{ AUTH_PAP, "0304c023", "03 0304c227" },
		{ AUTH_PAP | AUTH_EAP, "0304c023", "03 0305c22305" },
		{ AUTH_PAP | AUTH_EAP | AUTH_CHAP_MD5, "0304c023", "03 0305c22381" },
		{ AUTH_PAP | AUTH_EAP | AUTH_CHAP_MD5 | AUTH_MSCHAP_V2, "0304c023", "03 0305c22380" },
		{ AUTH_CHAPS, "0305c22305", "03 0304c227" },
		{ AUTH_CHAPS | AUTH_EAP, "0305c22305", "03 0304c023" },
		{ AUTH_CHAP_MD5, "0305c22305", "03 0305c22381" },
		{ AUTH_EAP, "0304c227", "03 0305c22305" },
		{ AUTH_EAP | AUTH_CHAPS, "0304c227", "03 0304c023" },
		{ ALL, "0304c227", "04 0304c227" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct auth_rig *rig = auth_rig_new(1);
		struct auth_rig_end *us = &rig->end[1];
		us->config->auth.refuse = rows[i].refuse;
		auth_rig_negotiate(rig);
		rig->joined = false;
		char *request = g_strdup_printf("c021 0105 %.4x %s", (unsigned)strlen(rows[i].request) / 2 + 4, rows[i].request);
		char *answer = g_strdup_printf("c021 %.2s05 %.4x %s", rows[i].answer, (unsigned)(strlen(rows[i].answer) - 3) / 2 + 4,
					       rows[i].answer + 3);
		auth_rig_feed(us, request);
		CU_ASSERT_TRUE(auth_rig_sent(us, answer));
		CU_ASSERT_EQUAL(auth_rig_logged(us, "No auth is possible"), rows[i].refuse == ALL);
		CU_ASSERT_EQUAL(us->lcp.ours != 0, rows[i].answer[1] == '2');
		g_free(request);
		g_free(answer);
		auth_rig_free(rig);
	}
}

static void callback_is_asked_for(void)
{
	for (int agrees = 0; agrees < 2; agrees++) {
		struct auth_rig *rig = auth_rig_new(1);
		struct auth_rig_end *us = &rig->end[1];
		us->config->lcp.callback = g_strdup("555");
		us->config->lcp.neg_magic = false;
		auth_rig_start(rig);
		cp_open(&us->lcp.cp);
		cp_up(&us->lcp.cp);
		CU_ASSERT_TRUE(auth_rig_sent(us, "c021 0101 0011 020600000000 0d0306 0702 0802"));
		auth_rig_feed(us, "c021 0101 0004");
		CU_ASSERT_TRUE(auth_rig_sent(us, "c021 0201 0004"));
		if (agrees) {
			auth_rig_feed(us, "c021 0201 0011 020600000000 0d0306 0702 0802");
		} else {
			auth_rig_feed(us, "c021 0401 0007 0d0306");
			CU_ASSERT_TRUE(auth_rig_sent(us, "c021 0102 000e 020600000000 0702 0802"));
			auth_rig_feed(us, "c021 0202 000e 020600000000 0702 0802");
		}
		CU_ASSERT_EQUAL(us->lcp.cp.state, STATE_OPENED);
		CU_ASSERT_EQUAL(us->lcp.callback, agrees);
		auth_rig_free(rig);
	}
}

const struct unit_test unit_tests[] = {
	{ "lcp: what follows a Nak or a Reject", next_demands },
	{ "lcp: what the peer's demands get", judgements },
	{ "lcp: callback is asked for, and dropped when Rejected", callback_is_asked_for },
	{ 0 },
};
