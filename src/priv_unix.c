/* A Unix socket to listen on, for its owner alone; see priv.h. Called by control/. */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "priv.h"

#define BACKLOG 64
#define ASIDE_ROOM 12 /* "." and a process's number, and "~" */
#define LONGEST_PATH (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1 - ASIDE_ROOM)

static int unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static bool set_address(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return g_strlcpy(address->sun_path, path, sizeof(address->sun_path)) < sizeof(address->sun_path);
}

/* Nobody listens at PATH, and never will again: the process that made the socket is gone. */
static bool is_stale(const char *path)
{
	struct sockaddr_un address;
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode) || !set_address(&address, path))
		return false;
	int fd = unix_socket();
	bool refused = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return refused;
}

/* Removes what a dead process left at PATH. First it is taken aside and looked at again: another process may just have replaced it, and
 * gets its own back. */
static bool remove_stale(const char *path)
{
	char *aside = g_strdup_printf("%s.%d", path, (int)getpid());
	bool removed = false;

	if (rename(path, aside) == 0) {
		removed = is_stale(aside) || link(aside, path) < 0;
		unlink(aside);
	}
	g_free(aside);
	return removed;
}

/* Binds and listens under a name of its own: at the path a socket appears only once it answers, or another slirppd would take it for stale.
 * Linux makes the file with the mode of the socket: nobody else can connect before it is set. */
static bool listen_aside(int fd, const char *aside, struct stat *made)
{
	struct sockaddr_un address;

	return set_address(&address, aside) && fchmod(fd, 0600) == 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	       listen(fd, BACKLOG) == 0 && lstat(aside, made) == 0;
}

/* False: something that is not stale has that path (EEXIST), or errno says why not. */
static bool put_in_place(const char *aside, const char *path)
{
	if (link(aside, path) == 0)
		return true;
	if (errno != EEXIST)
		return false;
	if (is_stale(path) && remove_stale(path) && link(aside, path) == 0)
		return true;
	errno = EEXIST;
	return false;
}

static char *why_taken(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return g_strdup("there is a file of that name, and it is no socket");
	return g_strdup("another process listens there; each slirppd needs a path of its own");
}

static char *listen_at(int fd, const char *path, struct stat *made)
{
	char *aside = g_strdup_printf("%s.%d~", path, (int)getpid());
	char *why = NULL;

	unlink(aside);
	if (!listen_aside(fd, aside, made) || !put_in_place(aside, path))
		why = errno == EEXIST ? why_taken(path) : g_strdup(g_strerror(errno));
	unlink(aside);
	g_free(aside);
	return why;
}

int priv_listen_unix(const char *path, struct stat *made, char **why)
{
	if (strlen(path) > LONGEST_PATH) {
		*why = g_strdup_printf("the path is longer than %zu bytes", LONGEST_PATH);
		return -1;
	}
	int fd = unix_socket();
	*why = fd < 0 ? g_strdup(g_strerror(errno)) : listen_at(fd, path, made);
	if (!*why)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

void priv_remove_unix(const char *path, const struct stat *made)
{
	struct stat st;

	/* The number of an inode is soon used again; when a socket was made tells it from the next one. */
	if (lstat(path, &st) == 0 && st.st_dev == made->st_dev && st.st_ino == made->st_ino &&
	    st.st_mtim.tv_sec == made->st_mtim.tv_sec && st.st_mtim.tv_nsec == made->st_mtim.tv_nsec)
		unlink(path);
}
