/* Filters in libpcap's language, as pass-filter and active-filter have them. */
#include "unit.h"

#include <string.h>

#include "net/filter.h"

/* TCP from port 1025 to port 80, and UDP to port 53 of IPv6; RFC 791 and 8200. */
static const uint8_t tcp[] = { 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
			       4, 1, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0 };
static const uint8_t udp6[] = { 0x60, 0, 0, 0, 0, 8, 17, 64, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
				0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 1, 0, 53, 0, 8, 0, 0 };

static struct filter *make(const char *expression)
{
	const struct filter_config config = { .expression = (char *)expression };
	char *why;
	struct filter *filter = filter_new(&config, &why);

	CU_ASSERT_PTR_NULL(why);
	g_free(why);
	return filter;
}

static void check(const char *expression, bool out4, bool in4, bool out6)
{
	struct filter *filter = make(expression);

	CU_ASSERT_PTR_NOT_NULL_FATAL(filter);
	CU_ASSERT_EQUAL(filter_match(filter, true, tcp, sizeof(tcp)), out4);
	CU_ASSERT_EQUAL(filter_match(filter, false, tcp, sizeof(tcp)), in4);
	CU_ASSERT_EQUAL(filter_match(filter, true, udp6, sizeof(udp6)), out6);
	filter_free(filter);
}

static void expressions_match(void)
{
	check("tcp port 80", true, true, false);
	check("outbound", true, false, true);
	check("inbound and tcp", false, true, false);
	check("ip6", false, false, true);
	check("udp port 53", false, false, true);
	check("not host 10.0.0.2", false, false, true);
}

static void nothing_matches_everything(void)
{
	CU_ASSERT_PTR_NULL(make(NULL));
	CU_ASSERT_TRUE(filter_match(NULL, true, tcp, sizeof(tcp)));
}

/* What is cut, empty or nonsense is not read beyond its end. */
static void any_packet_may_come(void)
{
	struct filter *filter = make("tcp port 80 and tcp[tcpflags] & tcp-syn != 0");

	for (size_t len = 0; len <= sizeof(tcp); len++) {
		uint8_t *exact = g_memdup2(tcp, len);

		CU_ASSERT_EQUAL(filter_match(filter, true, exact, len), len >= 34);
		g_free(exact);
	}
	filter_free(filter);
}

static void what_is_wrong_is_said(void)
{
	static const struct filter_config wrong[] = { { .expression = "tcp port" }, { .precompiled = "/nowhere" }, { .precompiled = "/dev/null" } };

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		char *why;

		CU_ASSERT_PTR_NULL(filter_new(&wrong[i], &why));
		CU_ASSERT_TRUE(why && why[0] && !strchr(why, '\n'));
		g_free(why);
	}
}

const struct unit_test unit_tests[] = {
	{ "filter: expressions match", expressions_match },
	{ "filter: nothing matches everything", nothing_matches_everything },
	{ "filter: any packet may come", any_packet_may_come },
	{ "filter: what is wrong is said", what_is_wrong_is_said },
	{ 0 },
};
