/* The life of what secrets.h names. Used by everything that authenticates. */
#include "ppp/secrets.h"

#include <string.h>

void secret_wipe(struct secret *secret)
{
	explicit_bzero(secret, sizeof(*secret));
}

bool secret_set(struct secret *secret, const void *bytes, size_t len)
{
	secret_wipe(secret);
	if (len > AUTH_NAME_MAX)
		return false;
	if (len > 0)
		memcpy(secret->bytes, bytes, len);
	secret->len = len;
	return true;
}

void rights_clear(struct rights *rights)
{
	g_clear_pointer(&rights->addresses, g_array_unref);
	g_clear_pointer(&rights->options, g_strfreev);
}

bool rights_let_an_address(const struct rights *rights)
{
	for (guint i = 0; rights->addresses && i < rights->addresses->len; i++) {
		if (g_array_index(rights->addresses, struct address_rule, i).permit)
			return true;
	}
	return false;
}

void tls_files_clear(struct tls_files *files)
{
	g_clear_pointer(&files->own_cert, g_free);
	g_clear_pointer(&files->ca, g_free);
	g_clear_pointer(&files->own_key, g_free);
}

static bool find_none(void *arg, enum secret_kind kind, const char *client, const char *server, bool quiet, struct secret *secret,
		      struct rights *rights)
{
	(void)arg, (void)kind, (void)client, (void)server, (void)quiet, (void)secret, (void)rights;
	return false;
}

static bool check_none(void *arg, const char *user, const struct secret *password, const char *server, struct rights *rights)
{
	(void)arg, (void)user, (void)password, (void)server, (void)rights;
	return false;
}

static bool no_null_login(void *arg, const char *server, struct rights *rights)
{
	(void)arg, (void)server, (void)rights;
	return false;
}

static bool find_no_tls(void *arg, bool server, const char *peer, const char *ours, struct tls_files *files, struct rights *rights)
{
	(void)arg, (void)server, (void)peer, (void)ours, (void)files, (void)rights;
	return false;
}

const struct secrets secrets_none = {
	.find = find_none,
	.check_pap = check_none,
	.pap_null_login = no_null_login,
	.find_tls = find_no_tls,
};
