/* pppd's plugins: those that are built in, and their options. A plugin is a part of pppd's own inside and can be loaded by no other program;
 * to leave one out silently would connect to the wrong thing, or let the wrong one in. Called from the table's rows. */
#include <errno.h>
#include <string.h>

#include "compat/pppd/reading.h"

struct plugin {
	const char *name;
	const char *instead; /* NULL: it is built in */
};

static const struct plugin plugins[] = {
	{ "passwordfd.so", NULL },
	{ "passprompt.so", NULL },
	{ "minconn.so", NULL },
	{ "pptpd-logwtmp.so", NULL }, /* without the login records */
	{ "pppoe.so", "for PPPoE use pty \"pppoe -I INTERFACE\", without this plugin" },
	{ "rp-pppoe.so", "for PPPoE use pty \"pppoe -I INTERFACE\", without this plugin" },
	{ "pppol2tp.so", "it serves the kernel's L2TP: with xl2tpd, say force userspace = yes" },
	{ "openl2tp.so", "it serves the kernel's L2TP: with xl2tpd, say force userspace = yes" },
	{ "pppoatm.so", "it serves the kernel's ATM sockets" },
	{ "pptp.so", "for PPTP use pty \"pptp HOST --nolaunchpppd\", without this plugin" },
};

static const struct plugin *find_plugin(const char *base)
{
	for (size_t i = 0; i < G_N_ELEMENTS(plugins); i++)
		if (strcmp(plugins[i].name, base) == 0)
			return &plugins[i];
	return NULL;
}

OPTION_CALL(call_plugin)
{
	char *base = g_path_get_basename(arg);
	const struct plugin *plugin = find_plugin(base);
	bool known = plugin && !plugin->instead;

	(void)row;
	if (known && strcmp(base, "pptpd-logwtmp.so") == 0)
		option_note(o, "plugin %s: no login records are written", arg);
	g_free(base);
	return known || option_fail(o, "Couldn't load plugin %s: %s", arg,
				    plugin ? plugin->instead : "plugins of pppd cannot be loaded by slirppd");
}

bool match_nic(struct options *o, const char *word)
{
	(void)o;
	return g_str_has_prefix(word, "nic-");
}

/* Like `password`, from a descriptor that whoever started us has filled. */
OPTION_CALL(call_passwordfd)
{
	GString *text = g_string_sized_new(AUTH_NAME_MAX + 1);
	bool ok = o->piped || o->world.read_password(o->world.arg, (int)strtol(arg, NULL, 0), text);

	(void)row;
	if (!ok)
		option_fail(o, "Can't read the password from descriptor %s: %s", arg, g_strerror(errno));
	else if (!o->piped)
		o->piped = g_strdup(text->str);
	option_forget(text);
	g_clear_pointer(&o->shown, g_free);
	return ok && option_apply(o, option_find("password"), "password", o->piped);
}

bool check_prompt(struct options *o)
{
	const struct config *config = o->config;
	const struct auth_config *auth = &config->auth;

	if (!config->promptprog || auth->password || config->dryrun || o->again)
		return true;
	GString *text = g_string_sized_new(AUTH_NAME_MAX + 1);
	bool ok = o->world.ask_password(o->world.arg, config->promptprog, auth->user, auth->remote_name ? auth->remote_name : "", text);

	if (ok)
		o->config->auth.password = g_strdup(text->str);
	else
		option_fail(o, "%s gave no password: %s", config->promptprog, g_strerror(errno));
	option_forget(text);
	return ok;
}
