/* What the files of check/ share: the check under way, its findings, and the steps that make them. */
#ifndef SLIRPPD_CHECK_INTERNAL_H
#define SLIRPPD_CHECK_INTERNAL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "check/heard.h"
#include "line/serial.h"
#include "status.h"

/* Each has its sentence in sentences.c. */
enum finding {
	/* place.c: whether there is a port at all, and who may use it */
	FINDING_GADGET_PIKVM,
	FINDING_GADGET_MISSING,
	FINDING_ADAPTER_MISSING,
	FINDING_MISSING,
	FINDING_PORTS,
	FINDING_NO_PORTS,
	FINDING_DANGLING,
	FINDING_FOLDER,
	FINDING_NO_DEVICE,
	FINDING_STRAY_FILE,
	FINDING_NO_TERMINAL,
	FINDING_FORBIDDEN,
	FINDING_NEW_GROUP,
	/* gadget.c: the USB controller behind a gadget port */
	FINDING_NO_CONTROLLER,
	FINDING_UNBOUND,
	FINDING_UNATTACHED,
	FINDING_UNCONFIGURED,
	/* holders.c, lock files, and what opening says */
	FINDING_GETTY,
	FINDING_MODEM_MANAGER,
	FINDING_PPP_PROGRAM,
	FINDING_TERMINAL_PROGRAM,
	FINDING_HELD,
	FINDING_CLAIMED,
	FINDING_LOCKED,
	FINDING_STALE_LOCK,
	FINDING_OPEN_FAILED,
	FINDING_BAD_SPEED,
	/* probe.c: the line */
	FINDING_NO_SIGNALS,
	FINDING_NO_CTS,
	FINDING_NOT_READ,
	FINDING_GONE,
	FINDING_SILENCE,
	FINDING_ECHO,
	FINDING_LOGIN,
	FINDING_SHELL,
	FINDING_MODEM,
	FINDING_TEXT,
	FINDING_BROKEN_FRAMES,
	FINDING_NOISE,
	FINDING_NOISE_NO_SPEED,
	FINDING_OTHER_SPEED,
	FINDING_SOME_DAMAGED,
	FINDING_FINE,
	FINDING_STOPPED,
	FINDINGS
};

/* What sentences speak of: {device} as it was given, {port} its name without the folder, {what} was found, {speed} to use (or
 * those that were tried), {seconds} of listening, and a process, user or group. */
enum fact { FACT_DEVICE, FACT_PORT, FACT_WHAT, FACT_PID, FACT_USER, FACT_GROUP, FACT_SPEED, FACT_SECONDS, FACTS };

struct check {
	const char *root; /* before /proc, /sys, …; "" but in tests */
	char *device;	  /* as given, absolute */
	char *real;	  /* symlinks resolved; NULL while unknown */
	unsigned speed;	  /* 0: as it is set */
	double seconds;	  /* how long to listen */
	FILE *out;
	enum serial_kind kind;
	char *facts[FACTS];	 /* NULL: nothing to say */
	enum exit_status status; /* of the first finding that is wrong */
};

/* Prints FINDING's sentence, and remembers its exit code if it is the first that is wrong. */
void check_tell(struct check *c, enum finding finding);
/* Sets what a sentence says; VALUE becomes the check's (g_free). */
void check_fact(struct check *c, enum fact fact, char *value);
/* The path below the root (g_free). */
char *check_path(const struct check *c, const char *path);
/* The first line of a file below the root, without the line end (g_free); NULL where there is none to be read. */
char *check_line_of(const struct check *c, const char *path);

/* A step returns whether the next one makes sense. */
typedef bool check_step(struct check *c);

check_step check_place, check_permission, check_gadget, check_holders, check_lock, check_line;

/* sentences.c: how a line that was heard is called in the table. */
enum finding finding_of(enum heard_kind kind);

#endif
