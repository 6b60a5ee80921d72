/* What options of authentication do beyond storing a value, and what can be judged of them only at the end (pppd: auth.c). Called from the
 * table's rows and by check.c. */
#include <errno.h>
#include <string.h>

#include "compat/pppd/address_rule.h"
#include "compat/pppd/reading.h"
#include "compat/pppd/secrets.h"

/* require-… also means auth. */
OPTION_CALL(call_require)
{
	(void)arg;
	o->config->auth.required = true;
	o->config->auth.require |= (unsigned)row->value;
	return true;
}

OPTION_CALL(call_refuse)
{
	(void)arg;
	o->config->auth.refuse |= (unsigned)row->value;
	return true;
}

/* As `user` and `password` would be, with the priority of +ua (pppd forgets the password). */
static bool take_login(struct options *o, char *const lines[])
{
	if (!lines[0] || !lines[1] || (!lines[1][0] && !lines[2]))
		return false;
	return option_apply(o, option_find("user"), "user", lines[0]) &&
	       option_apply(o, option_find("password"), "password", lines[1]);
}

static void free_lines(char **lines)
{
	for (char **line = lines; *line; line++)
		explicit_bzero(*line, strlen(*line));
	g_strfreev(lines);
}

OPTION_CALL(call_ua)
{
	GString *text = g_string_new(NULL);
	int error = option_load(o, arg, false, text);
	bool ok = false;

	(void)row;
	if (error != 0) {
		option_fail(o, "unable to open user login data file %s: %s", arg, g_strerror(error));
	} else {
		char **lines = g_strsplit(text->str, "\n", 3);

		ok = !memchr(text->str, '\0', text->len) && take_login(o, lines);
		if (!ok)
			option_fail(o, "unable to read user login data file %s", arg);
		free_lines(lines);
	}
	option_forget(text);
	g_clear_pointer(&o->shown, g_free);
	return ok;
}

OPTION_CALL(call_domain)
{
	(void)row;
	g_free(o->domain);
	o->domain = g_strdup(arg);
	return true;
}

OPTION_CALL(call_allow_ip)
{
	const unsigned unit = (unsigned)MAX(o->config->net.unit, 0);
	struct address_rule rule;
	char *why = NULL;

	(void)row;
	if (!address_rule_parse(arg, unit, &o->world, &rule, &why)) {
		option_fail(o, "%s", why);
		g_free(why);
		return false;
	}
	g_array_append_val(o->config->auth.allow_ip, rule);
	return true;
}

OPTION_CALL(call_allow_number)
{
	(void)row;
	g_ptr_array_add(o->config->auth.allow_numbers, g_strdup(arg));
	return true;
}

/* The place of ARG among N words; -1, and it has been said, where it is none of them. */
static int choose(struct options *o, const struct option_row *row, const char *arg, const char *const words[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], arg) == 0)
			return (int)i;
	}
	option_fail(o, "%s must be %s, not '%s'", row->name, row->arg, arg);
	return -1;
}

OPTION_CALL(call_tls_version)
{
	static const char *const versions[] = { "1.0", "1.1", "1.2", "1.3" };
	int chosen = choose(o, row, arg, versions, G_N_ELEMENTS(versions));

	if (chosen < 0)
		return false;
	o->config->auth.tls.max_version = 10 + (unsigned)chosen;
	return true;
}

OPTION_CALL(call_tls_verify)
{
	static const char *const methods[] = {
		[TLS_VERIFY_NONE] = "none", [TLS_VERIFY_SUBJECT] = "subject", [TLS_VERIFY_NAME] = "name", [TLS_VERIFY_SUFFIX] = "suffix",
	};
	int chosen = choose(o, row, arg, methods, G_N_ELEMENTS(methods));

	if (chosen < 0)
		return false;
	o->config->auth.tls.verify = (enum tls_verify)chosen;
	return true;
}

char *option_host_name(const struct options *o)
{
	char *host = o->world.host_name(o->world.arg);
	const char *domain = o->domain ? o->domain : "";
	char *name = g_strconcat(host ? host : "", domain[0] && domain[0] != '.' ? "." : "", domain, NULL);

	g_free(host);
	if (strlen(name) > AUTH_NAME_MAX)
		name[AUTH_NAME_MAX] = '\0';
	return name;
}

/* An empty `user` is one, too. */
static void choose_names(struct options *o)
{
	struct auth_config *auth = &o->config->auth;

	if (!auth->name || !auth->name[0] || option_given(o, "usehostname")) {
		g_free(auth->name);
		auth->name = option_host_name(o);
	}
	if (!auth->user)
		auth->user = g_strdup(auth->name);
}

/* Whether the peer must prove who it is although nobody said so: that is pppd's rule for callers that are less than the program. */
static bool auth_by_default(const struct options *o)
{
	bool pppds_rule = o->as_pppd || o->config->net.backend == NET_TUN;

	return pppds_rule && !o->world.privileged && !o->config->auth.required && !option_given(o, "noauth");
}

/* The errors are pppd's. */
static bool no_secrets(struct options *o, bool by_default, bool lacks_ip)
{
	const char *remote = o->config->auth.remote_name;

	o->status = EXIT_FATAL_ERROR;
	return option_fail(o, "%s remote system %s%s%sis required to authenticate itself\n"
			      "but I couldn't find any suitable secret (password) for it to use to do so.%s",
			   by_default ? "By default the" : "The", !by_default && remote ? "(" : "", !by_default && remote ? remote : "",
			   !by_default && remote ? ") " : "",
			   lacks_ip ? "\n(None of the available passwords would let it use an IP address.)" : "");
}

/* Whether any file has a secret by which the peer could prove who it is. */
static bool have_secrets(struct options *o, bool *lacks_ip)
{
	const struct auth_config *auth = &o->config->auth;
	const unsigned methods = auth->require ? auth->require : AUTH_PAP | AUTH_CHAPS | AUTH_EAP;
	struct secrets_files *files = secrets_files_new_in(o->config, &o->world);
	bool found = (methods & AUTH_PAP) && secrets_files_have(files, SECRETS_PAP, auth->remote_name, auth->name, lacks_ip);

	if (!found && (methods & (AUTH_CHAPS | AUTH_EAP)))
		found = secrets_files_have(files, SECRETS_CHAP, auth->remote_name, auth->name, lacks_ip);
	if (!found && (methods & AUTH_EAP))
		found = secrets_files_have(files, SECRETS_TLS_SERVER, auth->remote_name, auth->name, lacks_ip);
	secrets_files_free(files);
	return found;
}

/* pppd's manual: a trailing * stands for the rest. */
static bool number_matches(const char *allowed, const char *number)
{
	size_t len = strlen(allowed);

	if (len > 0 && allowed[len - 1] == '*')
		return g_ascii_strncasecmp(allowed, number, len - 1) == 0;
	return g_ascii_strcasecmp(allowed, number) == 0;
}

static bool check_number(struct options *o)
{
	const struct auth_config *auth = &o->config->auth;
	const char *number = auth->remote_number ? auth->remote_number : "";

	for (guint i = 0; i < auth->allow_numbers->len; i++) {
		if (number_matches(g_ptr_array_index(auth->allow_numbers, i), number))
			return true;
	}
	if (auth->allow_numbers->len == 0)
		return true;
	o->status = EXIT_CNID_AUTH_FAILED;
	return option_fail(o, "calling number %s is not authorized", number);
}

bool check_auth(struct options *o)
{
	struct auth_config *auth = &o->config->auth;
	bool by_default = auth_by_default(o), lacks_ip = false;

	choose_names(o);
	auth->required = auth->required || by_default;
	if (!auth->required)
		auth->require = 0;
	if (auth->required && auth->allow_ip->len == 0 && !have_secrets(o, &lacks_ip))
		return no_secrets(o, by_default, lacks_ip);
	return check_number(o);
}
