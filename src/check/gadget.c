/* What is behind a gadget port (ttyGS0): whether this machine's USB controller carries it, and whether another computer is at
 * the end of the cable. A step of check.c. */
#include <string.h>

#include "check/internal.h"

#define CONTROLLERS "/sys/class/udc"

/* The first line of a file of controller NAME. */
static char *controller_line(const struct check *c, const char *name, const char *file)
{
	char *path = g_strdup_printf(CONTROLLERS "/%s/%s", name, file);
	char *line = check_line_of(c, path);

	g_free(path);
	return line;
}

/* The finding that controller NAME alone would give; FINDINGS when it is in order. Its state is one of the USB specification's
 * (chapter 9), as the kernel writes them. */
static enum finding judge_controller(struct check *c, const char *name)
{
	char *driver = controller_line(c, name, "function");
	char *state = controller_line(c, name, "state");
	enum finding finding = FINDING_UNCONFIGURED;

	if (driver && *driver == '\0')
		finding = FINDING_UNBOUND;
	else if (!state || g_str_has_prefix(state, "configured"))
		finding = FINDINGS;
	else if (g_str_has_prefix(state, "not attached"))
		finding = FINDING_UNATTACHED;
	check_fact(c, FACT_WHAT, g_strdup_printf("%s: %s", name, state ? state : ""));
	g_free(driver);
	g_free(state);
	return finding;
}

/* Of several controllers one in order is enough. */
bool check_gadget(struct check *c)
{
	char *folder = check_path(c, CONTROLLERS);
	GDir *dir = c->kind == SERIAL_GADGET ? g_dir_open(folder, 0, NULL) : NULL;
	enum finding finding = c->kind == SERIAL_GADGET ? FINDING_NO_CONTROLLER : FINDINGS;
	const char *entry;

	while (dir && finding != FINDINGS && (entry = g_dir_read_name(dir)))
		finding = judge_controller(c, entry);
	if (dir)
		g_dir_close(dir);
	g_free(folder);
	if (finding != FINDINGS)
		check_tell(c, finding);
	return true;
}
