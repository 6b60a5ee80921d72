/* Fuzz target: the text of an options file (libFuzzer's interface). The world outside answers nothing, so that no file is opened and
 * no name is looked up.
 * Coverage: compat/pppd/options.c compat/pppd/find.c compat/pppd/apply.c compat/pppd/word.c compat/pppd/special.c compat/pppd/auth.c
 * Coverage: compat/pppd/ncp.c compat/pppd/net.c compat/pppd/doors.c compat/pppd/line.c compat/pppd/check.c compat/pppd/show.c */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compat/pppd/reading.h"

static int load(void *arg, const char *path, bool trusted, GString *text)
{
	(void)arg;
	(void)trusted;
	g_string_assign(text, path);
	return ENOENT;
}

static int device(void *arg, const char *path)
{
	(void)arg;
	return g_str_has_prefix(path, "/dev/tty") ? 0 : ENOENT;
}

static bool resolve(void *arg, const char *name, uint32_t *address)
{
	(void)arg;
	*address = (uint32_t)(unsigned char)name[0];
	return name[0] != '?';
}

static bool may_tun(void *arg, const char *name)
{
	(void)name;
	(void)arg;
	return false;
}

static int load_secrets(void *arg, const char *path, GString *text, struct stat *st)
{
	(void)arg;
	(void)path;
	(void)text;
	(void)st;
	return ENOENT;
}

static char *host_name(void *arg)
{
	(void)arg;
	return NULL;
}

static bool network(void *arg, const char *name, uint32_t *address)
{
	(void)arg;
	(void)name;
	(void)address;
	return false;
}

static bool filter(void *arg, const struct filter_config *config, char **why)
{
	(void)arg;
	if (!config->expression || !strstr(config->expression, "wrong"))
		return true;
	*why = g_strdup("syntax error");
	return false;
}

static bool read_password(void *arg, int fd, GString *password)
{
	(void)arg;
	g_string_append(password, "piped");
	errno = EBADF;
	return fd == 3;
}

static bool ask_password(void *arg, const char *program, const char *user, const char *remote, GString *password)
{
	(void)arg;
	g_string_append_printf(password, "%s:%s", user, remote);
	errno = ENOENT;
	return strcmp(program, "/bin/ask") == 0;
}

static bool ethernet(void *arg, uint8_t address[6])
{
	(void)arg;
	memset(address, 1, 6);
	return true;
}

static const char *variable(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct source source = { .name = "fuzz", .priority = PRIORITY_FILE, .privileged = size % 2 };
	struct config *config = config_new();
	struct options *o = options_new(config, "/dev/tty1");

	world_clear(&o->world);
	o->world = (struct world){
		.load = load,
		.device = device,
		.resolve = resolve,
		.may_tun = may_tun,
		.load_secrets = load_secrets,
		.host_name = host_name,
		.network = network,
		.ethernet = ethernet,
		.filter = filter,
		.read_password = read_password,
		.ask_password = ask_password,
		.variable = variable,
	};
	if (options_read_text(o, &source, (const char *)data, size) && check_options(o)) {
		options_report(o);
		options_dump(o);
	}
	options_free(o);
	config_free(config);
	return 0;
}
