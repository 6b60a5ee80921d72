/* Loading libmicrohttpd; see mhd.h. Called by server.c. */
#include "control/mhd.h"

#include <dlfcn.h>
#include <glib.h>
#include <stddef.h>
#include <string.h>

#include "log.h"

#define LIBRARY "libmicrohttpd.so.12" /* from 0.9.21 to 1.0 */

#define FUNCTION(name) { "MHD_" #name, offsetof(struct mhd, name) }

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
	FUNCTION(add_connection),
	FUNCTION(add_response_header),
	FUNCTION(create_response_from_buffer),
	FUNCTION(destroy_response),
	FUNCTION(get_connection_info),
	FUNCTION(get_daemon_info),
	FUNCTION(get_timeout),
	FUNCTION(lookup_connection_value),
	FUNCTION(queue_response),
	FUNCTION(run),
	FUNCTION(start_daemon),
	FUNCTION(stop_daemon),
};

bool mhd_load(struct mhd *mhd)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_NODELETE);
	bool found = library != NULL;

	for (size_t i = 0; found && i < G_N_ELEMENTS(functions); i++) {
		void *function = dlsym(library, functions[i].name);

		found = function != NULL;
		memcpy((char *)mhd + functions[i].offset, &function, sizeof(function));
	}
	if (!found)
		log_error("Couldn't start the control interface: %s", dlerror());
	return found;
}
