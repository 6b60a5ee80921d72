/* What reading options asks of the machine: files, devices, names. Tests put other answers in its place; see reading.h. */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <netdb.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compat/pppd/reading.h"
#include "net/filter.h"
#include "priv.h"

/* Larger than any options file: what is longer is a device or a mistake. */
#define MAX_FILE (1 << 20)

static int refuse(GString *text, int error, const char *fmt, const char *path)
{
	g_string_truncate(text, 0);
	g_string_append_printf(text, fmt, path);
	if (error != EPERM)
		g_string_append(text, g_strerror(error));
	return error;
}

#define CANNOT_OPEN "Can't open options file %s: "

/* pppd 2.5.3's rules on files whose options count as an administrator's (utils.c:ppp_check_access). */
static int check_trusted(int fd, const char *path, GString *text)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return refuse(text, errno, CANNOT_OPEN, path);
	if (!S_ISREG(st.st_mode))
		return refuse(text, EPERM, "Can't use %s: not a regular file", path);
	if (st.st_uid != 0)
		return refuse(text, EPERM, "Can't safely use %s because it is not owned by root", path);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return refuse(text, EPERM, "Can't safely use %s because it is group or other writable", path);
	return 0;
}

static int read_all(int fd, const char *path, GString *text)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		g_string_append_len(text, chunk, n);
		if (text->len > MAX_FILE)
			return refuse(text, EFBIG, CANNOT_OPEN, path);
	}
	return n < 0 ? refuse(text, errno, CANNOT_OPEN, path) : 0;
}

static int load(void *arg, const char *path, bool trusted, GString *text)
{
	(void)arg;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return refuse(text, errno, CANNOT_OPEN, path);
	int error = trusted ? check_trusted(fd, path, text) : 0;
	if (error == 0)
		error = read_all(fd, path, text);
	close(fd);
	return error;
}

/* Into a buffer that never moves: no copy of a secret stays behind. */
static int read_secrets(int fd, GString *text, struct stat *st)
{
	if (fstat(fd, st) < 0)
		return errno;
	if (!S_ISREG(st->st_mode))
		return 0; /* whoever asked refuses it */
	if (st->st_size > MAX_FILE)
		return EFBIG;
	g_string_set_size(text, (gsize)st->st_size);
	ssize_t n = read(fd, text->str, text->len);
	int error = n < 0 ? errno : 0;
	g_string_truncate(text, n < 0 ? 0 : (gsize)n);
	return error;
}

/* O_NONBLOCK: a FIFO is not waited for. */
static int load_secrets(void *arg, const char *path, GString *text, struct stat *st)
{
	(void)arg;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno;
	int error = read_secrets(fd, text, st);
	close(fd);
	return error;
}

static bool is_stdin(const struct stat *device)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == device->st_rdev;
}

static int device(void *arg, const char *path)
{
	struct stat st;

	(void)arg;
	if (stat(path, &st) < 0)
		return errno;
	if (!S_ISCHR(st.st_mode))
		return ENODEV;
	return is_stdin(&st) && !isatty(STDIN_FILENO) && errno == ENOTTY ? ENOTTY : 0;
}

static bool resolve(void *arg, const char *name, uint32_t *address)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	struct sockaddr_in in;

	(void)arg;
	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		return false;
	memcpy(&in, found->ai_addr, sizeof(in));
	freeaddrinfo(found);
	*address = ntohl(in.sin_addr.s_addr);
	return true;
}

static char *host_name(void *arg)
{
	(void)arg;
	return g_strdup(g_get_host_name());
}

static bool network(void *arg, const char *name, uint32_t *address)
{
	(void)arg;
	const struct netent *found = getnetbyname(name);
	if (!found || found->n_addrtype != AF_INET)
		return false;
	*address = found->n_net;
	return true;
}

static bool is_ethernet(const struct ifaddrs *interface, struct sockaddr_ll *address)
{
	if (!interface->ifa_addr || interface->ifa_addr->sa_family != AF_PACKET)
		return false;
	memcpy(address, interface->ifa_addr, sizeof(*address));
	return address->sll_hatype == ARPHRD_ETHER && address->sll_halen == 6;
}

/* The one with the lowest index: the order of the list is not promised. */
static bool ethernet(void *arg, uint8_t address[6])
{
	struct ifaddrs *all;
	int lowest = 0;

	(void)arg;
	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		struct sockaddr_ll found;

		if (!is_ethernet(at, &found) || (lowest && found.sll_ifindex >= lowest))
			continue;
		lowest = found.sll_ifindex;
		memcpy(address, found.sll_addr, 6);
	}
	freeifaddrs(all);
	return lowest != 0;
}

/* In effect, whoever the user is: root in a container may be without it. */
static bool has_net_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 && data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN);
}

/* Only trying tells: whom an interface was made for is shown to those alone whose /sys is of the same network namespace. */
static bool made_for_us(const char *name)
{
	char ifname[IF_NAMESIZE];
	bool vnet_header, made;
	int fd = if_nametoindex(name) != 0 ? priv_tun_open(name, ifname, &vnet_header, &made) : -1;

	if (fd >= 0)
		priv_tun_close(fd);
	return fd >= 0;
}

static bool may_tun(void *arg, const char *name)
{
	(void)arg;
	int fd = has_net_admin() ? open("/dev/net/tun", O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return name && made_for_us(name);
	close(fd);
	return true;
}

static bool check_filter(void *arg, const struct filter_config *config, char **why)
{
	(void)arg;
	filter_free(filter_new(config, why));
	return *why == NULL;
}

/* What stands before the end of the first line; a secret's room never moves. */
static bool read_line(int fd, GString *text)
{
	ssize_t n = 0;

	while (text->len < AUTH_NAME_MAX) {
		char *end = text->str + text->len;

		n = read(fd, end, AUTH_NAME_MAX - text->len);
		if (n <= 0)
			break;
		text->len += (gsize)n;
	}
	text->str[text->len] = '\0';
	g_string_truncate(text, strcspn(text->str, "\n"));
	return n >= 0;
}

static bool read_password(void *arg, int fd, GString *password)
{
	(void)arg;
	bool ok = read_line(fd, password);
	if (ok)
		close(fd);
	return ok;
}

static bool ask_password(void *arg, const char *program, const char *user, const char *remote, GString *password)
{
	const char *argv[] = { program, user, remote, NULL };
	int out, status;
	GPid pid;

	(void)arg;
	if (!g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, &pid,
				      NULL, &out, NULL, NULL)) {
		errno = ENOENT;
		return false;
	}
	bool ok = read_line(out, password);
	close(out);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	errno = ECANCELED;
	return ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const char *variable(void *arg, const char *name)
{
	(void)arg;
	return secure_getenv(name);
}

/* The environment is the caller's; more rights than the caller's must not come to read files that it names. */
void world_init(struct world *world)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *config_home = secure_getenv("XDG_CONFIG_HOME");
	const char *home = secure_getenv("HOME");

	*world = (struct world){
		.load = load,
		.device = device,
		.resolve = resolve,
		.may_tun = may_tun,
		.load_secrets = load_secrets,
		.host_name = host_name,
		.network = network,
		.ethernet = ethernet,
		.filter = check_filter,
		.read_password = read_password,
		.ask_password = ask_password,
		.variable = variable,
		.uid = getuid(),
	};
	world->root = world->uid == 0;
	world->privileged = world->root || getauxval(AT_SECURE) == 0;
	world->home = g_strdup(pw ? pw->pw_dir : NULL);
	if (!home)
		home = world->home;
	if (config_home && config_home[0] == '/')
		world->config_home = g_strdup(config_home);
	else if (home)
		world->config_home = g_build_filename(home, ".config", NULL);
}

struct world world_copy(const struct world *world)
{
	struct world copy = *world;

	copy.home = g_strdup(world->home);
	copy.config_home = g_strdup(world->config_home);
	return copy;
}

void world_clear(struct world *world)
{
	g_free(world->home);
	g_free(world->config_home);
}
