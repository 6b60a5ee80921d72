/* Fuzz target: the text of a PyLiRP configuration (libFuzzer's interface), in both modes, to the option words that it becomes.
 * Coverage: compat/pylirp/pylirp.c compat/pylirp/tree.c compat/pylirp/keys.c compat/pylirp/emit.c */
#include <stddef.h>
#include <stdint.h>

#include "compat/pylirp/pylirp.h"

static const char *variable(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int mode = PYLIRP_ANY; mode <= PYLIRP_CLIENT; mode++) {
		struct pylirp *p = pylirp_new((enum pylirp_mode)mode);

		if (pylirp_add(p, "fuzz", (const char *)data, size) && !pylirp_finish(p, variable, NULL))
			g_assert(p->why);
		pylirp_free(p);
	}
	return 0;
}
