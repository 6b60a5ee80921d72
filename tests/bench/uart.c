/* Makes a pty look like a serial port with modem lines to the program that this is loaded into (LD_PRELOAD), so that it believes the speed
 * that it has set: the ends of `flow wire` are ptys, which have none. `slow.py` builds it and loads it into slirppd. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define PTY_MAJOR_FIRST 136
#define PTY_MAJOR_LAST 143
#define UART_MAJOR 4

/* Both names of it have one layout on 64-bit machines, where alone this is of use. */
int fstat(int fd, struct stat *st)
{
	int (*real)(int, struct stat *) = (int (*)(int, struct stat *))dlsym(RTLD_NEXT, "fstat");
	int result = real(fd, st);

	if (result == 0 && major(st->st_rdev) >= PTY_MAJOR_FIRST && major(st->st_rdev) <= PTY_MAJOR_LAST)
		st->st_rdev = makedev(UART_MAJOR, 64);
	return result;
}

int fstat64(int fd, struct stat64 *st)
{
	return fstat(fd, (struct stat *)st);
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
	va_list arguments;

	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);
	if (request == TIOCMGET) {
		*(int *)argument = TIOCM_CAR | TIOCM_CTS | TIOCM_DSR;
		return 0;
	}
	return request == TIOCMBIS || request == TIOCMBIC ? 0 : real(fd, request, argument);
}
