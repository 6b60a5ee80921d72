/* The 8-bit test on received bytes up to LCP's coming up, with pppd's messages. Called by ppp.c. */
#include "ppp/line_test.h"

#include "log.h"

enum { BIT7_CLEAR = 1, BIT7_SET = 2, EVEN = 4, ODD = 8, ALL = 15 };

void line_test_begin(struct line_test *test)
{
	test->missing = ALL;
}

void line_test_bytes(struct line_test *test, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len && test->missing; i++) {
		test->missing &= ~(unsigned)(bytes[i] & 0x80 ? BIT7_SET : BIT7_CLEAR);
		test->missing &= ~(unsigned)(__builtin_parity(bytes[i]) ? ODD : EVEN);
	}
}

void line_test_end(struct line_test *test)
{
	test->missing = 0;
}

void line_test_report(struct line_test *test)
{
	static const char *const problems[ALL + 1] = {
		[BIT7_SET] = "all had bit 7 set to 0",
		[BIT7_CLEAR] = "all had bit 7 set to 1",
		[EVEN] = "all had odd parity",
		[ODD] = "all had even parity",
	};
	const char *problem = problems[test->missing];

	test->missing = 0;
	if (!problem)
		return;
	log_warn("Receive serial link is not 8-bit clean:");
	log_warn("Problem: %s", problem);
}
