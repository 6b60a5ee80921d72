/* What is printed from the option table: --help, --version, show-options, dump, and the list for documents. */
#include <stdio.h>
#include <string.h>

#include "compat/pppd/reading.h"
#include "log.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1.0"
#endif

/* The pppd whose options these are: scripts read the number. */
#define PPPD_VERSION "2.5.2"

/* What only prints is for the start: later, standard output may be the line. */
static bool only_at_start(struct options *o, const char *name)
{
	return !o->again || option_fail(o, "%s is for the start of the program only", name);
}

static void print_version(const struct options *o, FILE *out)
{
	if (o->as_pppd)
		fprintf(out, "pppd version %s (slirppd %s)\n", PPPD_VERSION, PACKAGE_VERSION);
	else
		fprintf(out, "slirppd version %s\n", PACKAGE_VERSION);
}

OPTION_CALL(call_version)
{
	(void)arg;
	if (!only_at_start(o, row->name))
		return false;
	print_version(o, stdout);
	o->stop = true;
	return true;
}

static void print_row(FILE *out, const struct option_row *row)
{
	char *usage = row->arg && !(row->flags & OPT_POSITIONAL) ? g_strconcat(row->name, " ", row->arg, NULL) : g_strdup(row->name);

	if (strlen(usage) > 28)
		fprintf(out, "  %s\n  %-28s  %s\n", usage, "", row->help);
	else
		fprintf(out, "  %-28s  %s\n", usage, row->help);
	g_free(usage);
}

static void print_common(FILE *out)
{
	const struct option_row *heading = NULL;

	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];

		if (row->kind == OPTION_HEADING) {
			heading = row;
		} else if (row->flags & OPT_COMMON) {
			if (heading)
				fprintf(out, "\n%s:\n", heading->help);
			heading = NULL;
			print_row(out, row);
		}
	}
}

/* pppd prints its usage to standard error, and scripts look for it there. */
static void show_help(const struct options *o)
{
	const char *name = o->as_pppd ? "pppd" : "slirppd";
	FILE *out = o->as_pppd ? stderr : stdout;

	print_version(o, out);
	fprintf(out,
		"PPP without root: the peer gets a network through NAT in userspace.\n"
		"\n"
		"Usage: %s [DEVICE] [SPEED] [LOCAL:REMOTE] [OPTION [ARGUMENT]]...\n"
		"\n"
		"  %s /dev/ttyGS0 persist maxfail 0 service 22 service 443\n"
		"      the other end of this line reaches ports 22 and 443 of this machine; when\n"
		"      the link ends, it begins again, for ever\n"
		"  %s /dev/ttyACM0 persist maxfail 0 forward 2222:22\n"
		"      at that other end: now `ssh -p 2222 localhost` leads there\n"
		"  %s notty\n"
		"      PPP on standard input and output, for sshd, inetd and the like\n",
		name, name, name, name);
	print_common(out);
	fprintf(out,
		"\n"
		"pppd's other options are known, too: `%s show-options` lists them all, and\n"
		"says what is not in this version. Without nodetach, the program goes to the\n"
		"background once the line is open, and logs to syslog (and to logfile) alone.\n"
		"Exit codes are pppd's: 0 a link that the peer ended, 2 an error in the options,\n"
		"7 a device that does not open, 10 a peer that does not answer, 11 a peer that\n"
		"cannot prove who it is, 19 a peer that does not believe us; see slirppd(8).\n",
		name);
}

OPTION_CALL(call_help)
{
	(void)arg;
	if (!only_at_start(o, row->name))
		return false;
	show_help(o);
	o->stop = true;
	return true;
}

OPTION_CALL(call_show_options)
{
	(void)arg;
	o->show_options = true;
	return only_at_start(o, row->name);
}

static const char *remark(const struct option_row *row)
{
	if (row->flags & OPT_REFUSED)
		return " (not in this version)";
	return row->flags & OPT_NO_EFFECT ? " (no effect here)" : "";
}

void show_options(FILE *out)
{
	char alias[64];

	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];

		if (row->kind == OPTION_HEADING) {
			fprintf(out, "%s%s:\n", i > 0 ? "\n" : "", row->help);
			continue;
		}
		fprintf(out, "    %-22s %s%s\n", row->name, row->help, remark(row));
		for (const char *pos = NULL; option_next_alias(row, &pos, alias, sizeof(alias));)
			fprintf(out, "    %-22s %s%s\n", alias, row->help, remark(row));
	}
}

void options_list(FILE *out)
{
	char alias[64];

	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];

		if (row->kind == OPTION_HEADING)
			continue;
		fprintf(out, "%s", row->name);
		for (const char *pos = NULL; option_next_alias(row, &pos, alias, sizeof(alias));)
			fprintf(out, ",%s", alias);
		fprintf(out, "\t%s\t%s%s\n", row->arg && !(row->flags & OPT_POSITIONAL) ? row->arg : "", row->help, remark(row));
	}
}

/* How the option was called the first time it was counted, and then as often as it was called that again (`debug debug`). */
static void dump_count(const GPtrArray *uses, const struct given *first)
{
	GString *line = g_string_new(NULL);

	for (guint i = 0; i < uses->len; i++) {
		const struct given *given = g_ptr_array_index(uses, i);

		if (strcmp(given->name, first->name) == 0)
			g_string_append_printf(line, "%s%s", line->len ? " " : "", given->name);
	}
	log_info("%s\t\t# (from %s)", line->str, first->source);
	g_string_free(line, TRUE);
}

static bool called_before(const GPtrArray *uses, guint n)
{
	const struct given *given = g_ptr_array_index(uses, n);

	for (guint i = 0; i < n; i++) {
		const struct given *earlier = g_ptr_array_index(uses, i);

		if (strcmp(earlier->name, given->name) == 0)
			return true;
	}
	return false;
}

static void dump_given(const struct given *given)
{
	bool positional = given->row->flags & OPT_POSITIONAL;

	if (positional || !given->value)
		log_info("%s\t\t# (from %s)", positional ? given->value : given->name, given->source);
	else
		log_info("%s %s\t\t# (from %s)", given->name, given->value, given->source);
}

static void dump_row(const struct option_row *row, const GPtrArray *uses)
{
	for (guint i = 0; i < uses->len; i++) {
		const struct given *given = g_ptr_array_index(uses, i);

		if (given->row != row)
			continue;
		if (row->kind != OPTION_COUNT)
			dump_given(given);
		else if (!called_before(uses, i))
			dump_count(uses, given);
	}
}

void options_dump(const struct options *o)
{
	const GPtrArray *uses = NULL;

	log_info("pppd options in effect:");
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];

		if (!(row->flags & OPT_SUB))
			uses = o->state[i].given;
		if (uses && !(row->flags & OPT_HIDDEN))
			dump_row(row, uses);
	}
}
