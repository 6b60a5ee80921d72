/* For tests of options: a reading in a world of memory files, made-up devices and names, and what it printed. */
#ifndef SLIRPPD_OPTIONS_RIG_H
#define SLIRPPD_OPTIONS_RIG_H

#include <glib.h>
#include <stdbool.h>

#include "compat/pppd/reading.h"

struct memory_file {
	const char *path, *text;
	int error; /* instead of the text */
	mode_t mode; /* of a secrets file; 0: 0100600 */
	uid_t uid;
	size_t len;  /* of a text with NUL bytes; 0: as long as the string is */
};

struct rig {
	struct config *config;
	struct options *options;
	char **argv;
	bool go;
	enum exit_status status;
	char *out;       /* standard output and standard error, once run */
	GString *log;    /* lines logged by dump and report */
	const struct memory_file *files; /* ends with a zero row; NULL: none */
	const struct memory_file *variables; /* of the environment: their names and values */
	bool may_tun;
	bool no_ethernet;
	unsigned lookups; /* names that were looked up */
};

/* A world with /dev/ttyS0, /dev/ttyGS0 and /dev/pts/3, /dev/null that is no terminal, the host example.net (192.0.2.7),
 * the network testnet (198.51.100.0), an Ethernet interface 02:00:5e:10:20:30, the host's own name box, and a terminal TTY on standard input. */
void rig_init(struct rig *rig, const char *tty);
void rig_clear(struct rig *rig);

/* options_read() with these words; the first is the program's name. */
void rig_run(struct rig *rig, char *words[]);

/* One whole run: RIG must be cleared. */
#define RIG_RUN(rig, ...) \
	do { \
		rig_init(rig, NULL); \
		rig_run(rig, (char *[]){ __VA_ARGS__, NULL }); \
	} while (0)

/* dump's and the report's lines into rig->log. */
void rig_dump(struct rig *rig);

#endif
