/* See options_rig.h. */
#include "options_rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

static int load(void *arg, const char *path, bool trusted, GString *text)
{
	const struct rig *rig = arg;
	int error = ENOENT;

	(void)trusted;
	for (const struct memory_file *f = rig->files; f && f->path; f++) {
		if (strcmp(f->path, path) != 0)
			continue;
		error = f->error;
		if (error == 0)
			g_string_assign(text, f->text);
	}
	if (error != 0)
		g_string_printf(text, "Can't open options file %s: %s", path, g_strerror(error));
	return error;
}

static int device(void *arg, const char *path)
{
	static const char *const devices[] = { "/dev/ttyS0", "/dev/ttyGS0", "/dev/pts/3", "/dev/tty" };

	(void)arg;
	for (size_t i = 0; i < G_N_ELEMENTS(devices); i++) {
		if (strcmp(path, devices[i]) == 0)
			return 0;
	}
	if (strcmp(path, "/dev/null") == 0)
		return ENOTTY;
	if (g_str_has_prefix(path, "/closed/"))
		return EACCES;
	return strcmp(path, "/etc/passwd") == 0 || strcmp(path, "/dev/pts") == 0 ? ENODEV : ENOENT;
}

static bool resolve(void *arg, const char *name, uint32_t *address)
{
	struct rig *rig = arg;

	rig->lookups++;
	if (strcmp(name, "example.net") == 0)
		*address = UINT32_C(0xc0000207);
	else if (strcmp(name, "localhost") == 0)
		*address = UINT32_C(0x7f000001);
	else
		return false;
	return true;
}

static bool may_tun(void *arg, const char *name)
{
	(void)name;
	const struct rig *rig = arg;

	return rig->may_tun;
}

static int load_secrets(void *arg, const char *path, GString *text, struct stat *st)
{
	const struct rig *rig = arg;

	for (const struct memory_file *f = rig->files; f && f->path; f++) {
		if (strcmp(f->path, path) != 0)
			continue;
		st->st_mode = f->mode ? f->mode : 0100600;
		st->st_uid = f->uid;
		if (f->error == 0)
			g_string_append_len(text, f->text, (gssize)(f->len ? f->len : strlen(f->text)));
		return f->error;
	}
	return ENOENT;
}

static char *host_name(void *arg)
{
	(void)arg;
	return g_strdup("box");
}

static bool network(void *arg, const char *name, uint32_t *address)
{
	(void)arg;
	*address = UINT32_C(0xc6336400);
	return strcmp(name, "testnet") == 0;
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
	return fd != 5;
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
	static const uint8_t mac[6] = { 0x02, 0x00, 0x5e, 0x10, 0x20, 0x30 };
	const struct rig *rig = arg;

	memcpy(address, mac, sizeof(mac));
	return !rig->no_ethernet;
}

static const char *variable(void *arg, const char *name)
{
	const struct rig *rig = arg;

	for (const struct memory_file *v = rig->variables; v && v->path; v++) {
		if (strcmp(v->path, name) == 0)
			return v->text;
	}
	return NULL;
}

void rig_init(struct rig *rig, const char *tty)
{
	*rig = (struct rig){ .config = config_new(), .log = g_string_new(NULL) };
	rig->options = options_new(rig->config, tty);
	world_clear(&rig->options->world);
	rig->options->world = (struct world){
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
		.uid = 1000,
		.arg = rig,
		.home = g_strdup("/home/me"),
		.config_home = g_strdup("/home/me/.config"),
		.privileged = true,
	};
}

void rig_clear(struct rig *rig)
{
	options_free(rig->options);
	config_free(rig->config);
	g_strfreev(rig->argv);
	g_free(rig->out);
	g_string_free(rig->log, TRUE);
}

/* Everything that is written to descriptors 1 and 2 between these two calls. */
static int capture_begin(int saved[2])
{
	int fd = memfd_create("output", MFD_CLOEXEC);

	fflush(stdout);
	saved[0] = dup(1);
	saved[1] = dup(2);
	dup2(fd, 1);
	dup2(fd, 2);
	return fd;
}

static char *capture_end(int fd, const int saved[2])
{
	fflush(stdout);
	fflush(stderr);
	dup2(saved[0], 1);
	dup2(saved[1], 2);
	close(saved[0]);
	close(saved[1]);
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = g_malloc0((size_t)len + 1);
	if (pread(fd, text, (size_t)len, 0) != len)
		text[0] = '\0';
	close(fd);
	return text;
}

void rig_run(struct rig *rig, char *words[])
{
	int saved[2];

	rig->argv = g_strdupv(words);
	int fd = capture_begin(saved);
	rig->go = options_read(rig->options, (int)g_strv_length(words), rig->argv, &rig->status);
	g_free(rig->out);
	rig->out = capture_end(fd, saved);
}

static void append_line(void *arg, int priority, const char *line)
{
	(void)priority;
	g_string_append_printf(arg, "%s\n", line);
}

void rig_dump(struct rig *rig)
{
	log_set_sink(append_line, rig->log);
	options_report(rig->options);
	options_dump(rig->options);
	log_set_sink(NULL, NULL);
}
