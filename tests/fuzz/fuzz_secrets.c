/* Fuzz target: the text of a secrets file (libFuzzer's interface), asked all that ppp/ may ask. Any other file that it names holds one
 * word; names lead somewhere or nowhere.
 * Coverage: compat/pppd/secrets.c compat/pppd/secrets_scan.c compat/pppd/word.c compat/pppd/address_rule.c */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compat/pppd/reading.h"
#include "compat/pppd/secrets.h"

struct input {
	const uint8_t *data;
	size_t size;
};

static int load_secrets(void *arg, const char *path, GString *text, struct stat *st)
{
	const struct input *input = arg;

	st->st_mode = S_IFREG | 0600;
	if (g_str_has_prefix(path, "/etc/ppp/"))
		g_string_append_len(text, (const char *)input->data, (gssize)input->size);
	else
		g_string_append(text, "word");
	return 0;
}

static bool resolve(void *arg, const char *name, uint32_t *address)
{
	(void)arg;
	*address = (uint32_t)(unsigned char)name[0] << 24;
	return name[0] != 'x';
}

static void ask_all(struct secrets_files *files)
{
	struct rights rights = { 0 };
	struct tls_files tls = { 0 };
	struct secret secret;
	bool lacks_ip = false;

	secrets_of_files.find(files, SECRET_CHAP, "a", "b", false, &secret, &rights);
	rights_clear(&rights);
	secret_set(&secret, "a", 1);
	secrets_of_files.check_pap(files, "a", &secret, "b", &rights);
	rights_clear(&rights);
	secrets_of_files.pap_null_login(files, "b", &rights);
	rights_clear(&rights);
	secrets_of_files.find_tls(files, true, NULL, "b", &tls, &rights);
	rights_clear(&rights);
	tls_files_clear(&tls);
	secrets_files_have(files, SECRETS_PAP, NULL, "b", &lacks_ip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .data = data, .size = size };
	const struct world world = { .load_secrets = load_secrets, .resolve = resolve, .network = resolve, .arg = &input };
	struct config *config = config_new();
	struct secrets_files *files = secrets_files_new_in(config, &world);

	ask_all(files);
	secrets_files_free(files);
	config_free(config);
	return 0;
}
