/* Secrets from pppd's files (pppd: auth.c, get_secret(), check_passwd(), get_eaptls_secret()): which files, whether they may be
 * believed, and what a line of them says. Called by ppp/ through struct secrets, and by auth.c here for the checks at the start. */
#include "compat/pppd/secrets.h"

#include <crypt.h>
#include <errno.h>
#include <string.h>

#include "compat/pppd/address_rule.h"
#include "compat/pppd/reading.h"
#include "compat/pppd/secrets_scan.h"
#include "compat/pppd/word.h"
#include "log.h"
#include "ppp/crypto.h"

struct secrets_files {
	const struct config *config;
	struct world world;
	unsigned unit;
	GHashTable *said; /* complaints about files, so that each is made once */
};

static const struct {
	const char *name;
	unsigned columns; /* before the addresses */
} kinds[] = {
	[SECRETS_PAP] = { "pap-secrets", 1 },
	[SECRETS_CHAP] = { "chap-secrets", 1 },
	[SECRETS_TLS_CLIENT] = { "eaptls-client", 4 },
	[SECRETS_TLS_SERVER] = { "eaptls-server", 4 },
};

#define CANNOT_OPEN_PAP "Can't open PAP password file %s: %s"
#define CANNOT_OPEN_CHAP "Can't open chap secret file %s: %s"

/* What is asked of a kind of file. */
struct question {
	enum secrets_file which;
	const char *client, *server;
	const char *cannot_open; /* said where no file can be opened; NULL: nothing */
	bool follow;             /* secrets that stand in other files count */
};

struct secrets_files *secrets_files_new_in(const struct config *config, const struct world *world)
{
	struct secrets_files *files = g_new0(struct secrets_files, 1);

	files->config = config;
	files->world = world_copy(world);
	files->unit = (unsigned)MAX(config->net.unit, 0);
	files->said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return files;
}

struct secrets_files *secrets_files_new(const struct config *config)
{
	struct world world;

	world_init(&world);
	struct secrets_files *files = secrets_files_new_in(config, &world);
	world_clear(&world);
	return files;
}

void secrets_files_free(struct secrets_files *files)
{
	if (!files)
		return;
	g_hash_table_destroy(files->said);
	world_clear(&files->world);
	g_free(files);
}

void secrets_files_set_config(struct secrets_files *files, const struct config *config)
{
	files->config = config;
}

void secrets_files_set_unit(struct secrets_files *files, unsigned unit)
{
	files->unit = unit;
}

/* TEXT is freed. */
static void complain(struct secrets_files *files, char *text)
{
	if (g_hash_table_add(files->said, text))
		log_warn("%s", text);
}

/* pppd 2.5.3's rules on files that it believes (utils.c, ppp_check_access()); we may own them, too. */
static bool may_believe(struct secrets_files *files, const char *path, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		complain(files, g_strdup_printf("Can't use %s: not a regular file", path));
	else if (st->st_uid != 0 && st->st_uid != files->world.uid)
		complain(files, g_strdup_printf("Can't safely use %s because it is not owned by root or by us", path));
	else if (st->st_mode & (S_IWGRP | S_IWOTH))
		complain(files, g_strdup_printf("Can't safely use %s because it is group or other writable", path));
	else
		return true;
	return false;
}

/* 0 or errno; EPERM where it was said why the file cannot be used. */
static int load(struct secrets_files *files, const char *path, GString *text)
{
	struct stat st = { 0 };
	int error = files->world.load_secrets(files->world.arg, path, text, &st);

	if (error != 0)
		return error;
	if (!may_believe(files, path, &st))
		return EPERM;
	if (memchr(text->str, '\0', text->len)) {
		complain(files, g_strdup_printf("Can't use %s: it holds NUL bytes", path));
		return EPERM;
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		complain(files, g_strdup_printf("Warning - secret file %s has world and/or group access", path));
	return 0;
}

/* The first word of the file that `@/PATH` names (g_free it). */
static char *indirect(void *arg, const char *path)
{
	struct secrets_files *files = arg;
	GString *text = g_string_new(NULL), *word = g_string_sized_new(WORD_MAX + 1);
	struct words words;
	char *secret = NULL;

	if (load(files, path, text) != 0) {
		log_warn("can't open indirect secret file %s", path);
	} else {
		words_init(&words, text->str, text->len);
		if (words_next(&words, word))
			secret = g_strdup(word->str);
		else
			log_warn("no secret in indirect secret file %s", path);
	}
	option_forget(text);
	option_forget(word);
	return secret;
}

/* 0 where the file could be used; then LINE has words if one of it matches. */
static int look_into(struct secrets_files *files, const char *path, const struct question *question, struct secrets_line *line)
{
	const struct secrets_query query = {
		.client = question->client,
		.server = question->server,
		.columns = kinds[question->which].columns,
		.indirect = question->follow ? indirect : NULL,
		.arg = files,
	};
	GString *text = g_string_new(NULL);
	int error = load(files, path, text);

	if (error == 0)
		secrets_scan(&query, path, text->str, text->len, line);
	option_forget(text);
	return error;
}

/* The options' path, or else the user's own file, if we may look at it, and the system's. */
static void list_paths(const struct secrets_files *files, enum secrets_file which, char *paths[2])
{
	const struct auth_config *auth = &files->config->auth;
	const struct world *world = &files->world;
	const char *given = which == SECRETS_PAP ? auth->pap_secrets : which == SECRETS_CHAP ? auth->chap_secrets : NULL;
	bool own = !given && !world->root && world->privileged && world->config_home;

	paths[0] = own ? g_build_filename(world->config_home, "slirppd", kinds[which].name, NULL) : NULL;
	paths[1] = given ? g_strdup(given) : g_build_filename("/etc/ppp", kinds[which].name, NULL);
}

/* The line that answers QUESTION, to be cleared in any case; false where there is none. */
static bool ask(struct secrets_files *files, const struct question *question, struct secrets_line *line)
{
	char *paths[2];
	bool used = false;
	int error = 0;

	*line = (struct secrets_line){ 0 };
	list_paths(files, question->which, paths);
	for (size_t i = 0; i < G_N_ELEMENTS(paths) && !line->words; i++) {
		if (!paths[i])
			continue;
		error = look_into(files, paths[i], question, line);
		used = used || error == 0;
	}
	if (!used && error != EPERM && question->cannot_open)
		log_error(question->cannot_open, paths[1], g_strerror(error));
	g_free(paths[0]);
	g_free(paths[1]);
	return line->words != NULL;
}

static bool is_options(const char *word)
{
	return strcmp(word, "--") == 0;
}

/* pppd's some_ip_ok(): names need not be looked up for that. */
static bool some_address(char *const words[])
{
	for (char *const *word = words; *word && !is_options(*word) && (*word)[0] != '-'; word++) {
		if ((*word)[0] != '!')
			return true;
	}
	return false;
}

bool secrets_files_have(struct secrets_files *files, enum secrets_file which, const char *client, const char *server, bool *lacks_ip)
{
	const struct question question = {
		.which = which,
		.client = client && client[0] ? client : NULL,
		.server = server && server[0] ? server : NULL,
	};
	struct secrets_line line;
	bool found = ask(files, &question, &line);
	bool usable = found && some_address(line.words + kinds[which].columns);

	*lacks_ip = *lacks_ip || (found && !usable);
	secrets_line_clear(&line);
	return usable;
}

/* False: nothing that comes after WORD counts. What is forbidden but not understood must not become permitted. */
static bool take_address(const struct secrets_files *files, const char *word, GArray *addresses)
{
	struct address_rule rule;
	char *why = NULL;

	if (!address_rule_parse(word, files->unit, &files->world, &rule, &why)) {
		log_warn("%s", why);
		g_free(why);
		return word[0] != '!';
	}
	if (strcmp(word, "-") == 0)
		return false;
	g_array_append_val(addresses, rule);
	return !address_rule_ends(&rule);
}

/* WORDS: the address column and what follows it. allow-ip is for everybody. */
static void take_rights(const struct secrets_files *files, char *const words[], struct rights *rights)
{
	const GArray *allowed = files->config->auth.allow_ip;
	bool more = true;

	rights->addresses = g_array_new(FALSE, TRUE, sizeof(struct address_rule));
	rights->options = NULL;
	for (; *words && !is_options(*words); words++)
		more = more && take_address(files, *words, rights->addresses);
	if (more && allowed->len > 0)
		g_array_append_vals(rights->addresses, allowed->data, allowed->len);
	if (*words && words[1])
		rights->options = g_strdupv((char **)words + 1);
}

static bool find(void *arg, enum secret_kind kind, const char *client, const char *server, bool quiet, struct secret *secret,
		 struct rights *rights)
{
	const enum secrets_file which = kind == SECRET_PAP ? SECRETS_PAP : SECRETS_CHAP;
	const struct question question = {
		.which = which,
		.client = client,
		.server = server,
		.cannot_open = !quiet && kind == SECRET_CHAP ? CANNOT_OPEN_CHAP : NULL, /* pppd's client of PAP is silent */
		.follow = secret != NULL,
	};
	struct secrets_line line;
	bool found = ask(arg, &question, &line);

	if (found && secret && !secret_set(secret, line.words[0], strlen(line.words[0]))) {
		if (!quiet)
			log_error("Secret for %s on %s is too long", client ? client : "*", server ? server : "*");
		found = false;
	}
	if (found && rights)
		take_rights(arg, line.words + 1, rights);
	secrets_line_clear(&line);
	return found;
}

/* HASH is what crypt(3) makes of the password. What it answers where it cannot ("*0") is nobody's hash. */
static bool hash_matches(const struct secret *password, const char *hash)
{
	if (memchr(password->bytes, '\0', password->len) || hash[0] == '*')
		return false;
	struct crypt_data *data = g_new0(struct crypt_data, 1);
	const char *made = crypt_r((const char *)password->bytes, hash, data);
	bool same = made && made[0] != '*' && crypto_equal(made, strlen(made), hash, strlen(hash));
	explicit_bzero(data, sizeof(*data));
	g_free(data);
	return same;
}

/* An empty secret means that any password will do (pppd's manual). */
static bool password_matches(const struct secrets_files *files, const struct secret *password, const char *secret)
{
	if (secret[0] == '\0')
		return true;
	if (!files->config->auth.papcrypt && crypto_equal(password->bytes, password->len, secret, strlen(secret)))
		return true;
	return hash_matches(password, secret);
}

static bool judge_password(const struct secrets_files *files, const char *user, const struct secret *password, const char *secret)
{
	if (strcmp(secret, "@login") != 0)
		return password_matches(files, password, secret);
	log_error("the PAP secret for %s is @login, but slirppd is not built with PAM", user);
	return false;
}

static bool check_pap(void *arg, const char *user, const struct secret *password, const char *server, struct rights *rights)
{
	const struct question question = {
		.which = SECRETS_PAP,
		.client = user,
		.server = server,
		.cannot_open = CANNOT_OPEN_PAP,
		.follow = true,
	};
	struct secrets_line line;
	bool ok = ask(arg, &question, &line);

	if (!ok)
		log_warn("no PAP secret found for %s", user);
	ok = ok && judge_password(arg, user, password, line.words[0]);
	if (ok && rights)
		take_rights(arg, line.words + 1, rights);
	secrets_line_clear(&line);
	return ok;
}

/* A wildcard does not welcome those who say nothing. */
static bool pap_null_login(void *arg, const char *server, struct rights *rights)
{
	const struct question question = { .which = SECRETS_PAP, .client = "", .server = server, .follow = true };
	struct secrets_line line;
	bool ok = ask(arg, &question, &line) && line.own_client && line.words[0][0] == '\0';

	if (ok && rights)
		take_rights(arg, line.words + 1, rights);
	secrets_line_clear(&line);
	return ok;
}

static char *file_named(const char *word)
{
	return strcmp(word, "-") == 0 || word[0] == '\0' ? NULL : g_strdup(word);
}

/* The columns: the client's certificate, the server's, the authorities', our private key. */
enum { CLIENT_CERT, SERVER_CERT, CA_CERT, OWN_KEY };

/* To believe less than such a line says would be wrong. */
static bool names_peers_certificate(const char *word, const char *peer)
{
	if (strcmp(word, "-") == 0 || word[0] == '\0')
		return false;
	log_error("the EAP-TLS line for %s names a certificate of the peer, which slirppd does not compare: write - there", peer ? peer : "*");
	return true;
}

static bool find_tls(void *arg, bool server, const char *peer, const char *ours, struct tls_files *files, struct rights *rights)
{
	const struct question question = {
		.which = server ? SECRETS_TLS_SERVER : SECRETS_TLS_CLIENT,
		.client = server ? peer : ours,
		.server = server ? ours : peer,
	};
	struct secrets_line line;
	bool found = ask(arg, &question, &line) && !names_peers_certificate(line.words[server ? CLIENT_CERT : SERVER_CERT], peer);

	if (found) {
		files->own_cert = file_named(line.words[server ? SERVER_CERT : CLIENT_CERT]);
		files->ca = file_named(line.words[CA_CERT]);
		files->own_key = file_named(line.words[OWN_KEY]);
	}
	if (found && rights)
		take_rights(arg, line.words + kinds[question.which].columns, rights);
	secrets_line_clear(&line);
	return found;
}

const struct secrets secrets_of_files = {
	.find = find,
	.check_pap = check_pap,
	.pap_null_login = pap_null_login,
	.find_tls = find_tls,
};
