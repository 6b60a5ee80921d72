/* pppd's test of a line that is not 8-bit clean: were both values of bit 7, and both parities, seen before LCP came up? */
#ifndef SLIRPPD_PPP_LINE_TEST_H
#define SLIRPPD_PPP_LINE_TEST_H

#include <stddef.h>
#include <stdint.h>

struct line_test {
	unsigned missing; /* what has not been seen yet; 0: the line is fine, or the test is over */
};

void line_test_begin(struct line_test *test);
void line_test_bytes(struct line_test *test, const uint8_t *bytes, size_t len);
/* LCP is up: the line is fine. */
void line_test_end(struct line_test *test);
/* Warns when what came leaves but one explanation; ends the test. */
void line_test_report(struct line_test *test);

#endif
