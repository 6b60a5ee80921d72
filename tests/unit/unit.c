/* Runs the unit_tests of the program that it is linked with; see unit.h. An argument runs the tests whose names contain it. */
#include "unit.h"

#include <CUnit/TestRun.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void print_failures(void)
{
	for (CU_pFailureRecord f = CU_get_failure_list(); f; f = f->pNext)
		printf("#   %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
}

int main(int argc, char *argv[])
{
	unsigned count = 0;
	unsigned failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 99;
	CU_pSuite suite = CU_add_suite("unit", NULL, NULL);
	for (const struct unit_test *t = unit_tests; t->name; t++) {
		if (argc > 1 && !strstr(t->name, argv[1]))
			continue;
		CU_pTest test = CU_add_test(suite, t->name, t->run);
		if (!test)
			return 99;
		CU_run_test(suite, test);
		bool ok = CU_get_number_of_failures() == 0;
		printf("%sok %u - %s\n", ok ? "" : "not ", ++count, t->name);
		if (!ok) {
			print_failures();
			failed++;
		}
	}
	printf("1..%u\n", count);
	CU_cleanup_registry();
	return failed > 0;
}
