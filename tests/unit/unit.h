/* A unit test program: a table of tests, run by CUnit, reported as TAP so that `make check` counts each of them.
 *
 *     #include "unit.h"
 *     static void adds(void) { CU_ASSERT_EQUAL(1 + 1, 2); }
 *     const struct unit_test unit_tests[] = { { "adds", adds }, { 0 } };
 *
 * Tests are in memory and in virtual time: they never sleep, and need no network and no root. */
#ifndef SLIRPPD_UNIT_H
#define SLIRPPD_UNIT_H

#include <CUnit/CUnit.h>

struct unit_test {
	const char *name;
	void (*run)(void);
};

extern const struct unit_test unit_tests[]; /* ends with a zero row */

#endif
