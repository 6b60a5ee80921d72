/* callback: CBCP as the side that is called back, and its place between authentication and the networks. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "ppp/ppp.h"
#include "rig.h"

/* LCP is open, and the peer has agreed to call us back at 12345. */
static struct rig *begin(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.callback = g_strdup("12345");
	rig_open_lcp(rig);
	rig_skip(rig);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig->events->str, "phase 6;"));
	CU_ASSERT_PTR_NULL(strstr(rig->events->str, "phase 7;"));
	return rig;
}

static void is_asked_for_in_lcp(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.callback = g_strdup("12345");
	rig->config->lcp.neg_magic = false;
	rig_start(rig);
	CU_ASSERT_TRUE(rig_sent(rig, "c021 01010011 020600000000 0d0306 0702 0802"));
	rig_feed(rig, "c021 04010007 0d0306");
	CU_ASSERT_TRUE(rig_sent(rig, "c021 0102000e 020600000000 0702 0802"));
	rig_feed(rig, "c021 0202000e 020600000000 0702 0802");
	rig_feed(rig, "c021 01010004");
	CU_ASSERT_PTR_NOT_NULL(strstr(rig->events->str, "phase 7;"));
	rig_free(rig);
}

static void names_the_number(void)
{
	struct rig *rig = begin();

	rig_feed(rig, "c029 0107000e 0102 0205000100 030300");
	CU_ASSERT_TRUE(rig_sent(rig, "c029 0207000e 020a 05 01 313233343500"));
	rig_feed(rig, "c029 0307000e 020a 05 01 313233343500");
	CU_ASSERT_PTR_NOT_NULL(strstr(rig->events->str, "phase 9;"));
	CU_ASSERT_TRUE(rig_sent(rig, "c021 05??001843616c6c206d65206261636b2c20706c65617365"));
	rig_feed(rig, "c021 06020004");
	CU_ASSERT_PTR_NOT_NULL(strstr(rig->events->str, "finished 14;"));
	rig_free(rig);
}

static void takes_the_number_that_the_server_has(void)
{
	struct rig *rig = begin();

	rig_feed(rig, "c029 01010009 0102 030300");
	CU_ASSERT_TRUE(rig_sent(rig, "c029 02010007 030305"));
	CU_ASSERT_PTR_NULL(strstr(rig->events->str, "phase 7;"));
	rig_free(rig);
}

static void goes_on_without_a_callback(void)
{
	struct rig *rig = begin();

	rig_feed(rig, "c029 01010006 0102");
	CU_ASSERT_TRUE(rig_sent(rig, "c029 02010007 010300"));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig->events->str, "phase 7;"));
	rig_skip(rig);
	rig_feed(rig, "c029 03010006 0102");
	CU_ASSERT_PTR_NULL(strstr(rig->events->str, "phase 9;"));
	rig_free(rig);
}

static void goes_on_where_cbcp_is_rejected(void)
{
	struct rig *rig = begin();

	rig_feed(rig, "c021 0805000a c029 02010004");
	CU_ASSERT_PTR_NOT_NULL(strstr(rig->events->str, "phase 7;"));
	rig_free(rig);
}

/* CVE-2004-1002: an option whose length is less than its header. */
static void lengths_below_the_header(void)
{
	static const char *const packets[] = {
		"c029 01010006 0200", "c029 01010006 0201", "c029 01010006 02ff", "c029 01010003", "c029 010100ff 0102", "c029 01", "c029 01010004",
		"c029 01010005 02", "c029 02010004", "c029 09010004",
	};
	struct rig *rig = begin();

	for (size_t i = 0; i < G_N_ELEMENTS(packets); i++) {
		rig_feed(rig, packets[i]);
		CU_ASSERT_STRING_EQUAL(rig_next(rig), "");
	}
	CU_ASSERT_PTR_NULL(strstr(rig->events->str, "phase 7;"));
	rig_free(rig);
}

static void a_very_long_number_is_cut(void)
{
	struct rig *rig = rig_new();

	rig->config->lcp.callback = g_strnfill(1000, '7');
	rig_open_lcp(rig);
	rig_skip(rig);
	rig_feed(rig, "c029 01010008 02040001");
	CU_ASSERT_TRUE(g_str_has_prefix(rig_next(rig), "c029020100d102cd0501"));
	rig_free(rig);
}

static void not_negotiated_is_refused(void)
{
	struct rig *rig = rig_new();

	rig_open_lcp(rig);
	rig_skip(rig);
	rig_feed(rig, "c029 01010006 0102");
	CU_ASSERT_TRUE(g_str_has_prefix(rig_next(rig), "c02108"));
	rig_free(rig);
}

const struct unit_test unit_tests[] = {
	{ "callback: is asked for in LCP, and dropped where that is Rejected", is_asked_for_in_lcp },
	{ "callback: names the number, and hangs up with 14", names_the_number },
	{ "callback: takes the number that the server has", takes_the_number_that_the_server_has },
	{ "callback: goes on without a callback", goes_on_without_a_callback },
	{ "callback: goes on where CBCP is rejected", goes_on_where_cbcp_is_rejected },
	{ "callback: lengths below the header (CVE-2004-1002)", lengths_below_the_header },
	{ "callback: a very long number is cut", a_very_long_number_is_cut },
	{ "callback: what was not negotiated is refused", not_negotiated_is_refused },
	{ 0 },
};
