/* pppdump(8): prints the files that `record` writes (record.h has their format). A program of its own; frames are undone here and not by
 * ppp/frame.c, since the broken ones are to be seen, too, and with every byte that came. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ppp/fcs.h"
#include "ppp/frame.h"

#define MAX_FRAME 8192
#define LAST_COLUMN 78
#define ROW 16

enum record_type {
	RECORD_SENT = 1,
	RECORD_RECEIVED,
	RECORD_END_SENT,
	RECORD_END_RECEIVED,
	RECORD_LATER_LONG,
	RECORD_LATER,
	RECORD_START
};

/* What goes one way, over all records. */
struct way {
	const char *name, *end_name;
	uint64_t bytes;
	size_t len;
	bool escaped;
	uint8_t frame[MAX_FRAME];
};

struct dump {
	FILE *in;
	bool hex, packets, reverse, absolute;
	unsigned long mru;
	time_t start;       /* seconds and tenths of the record that is printed */
	unsigned tenths;
	struct way ways[2]; /* sent, received */
};

static void ways_reset(struct dump *d)
{
	static const char *const names[2][2] = { { "sent", "send" }, { "rcvd", "recv" } };

	for (int i = 0; i < 2; i++) {
		struct way *way = &d->ways[i];
		int shown = d->reverse ? 1 - i : i;

		way->name = names[shown][0];
		way->end_name = names[d->packets ? shown : i][1]; /* as Debian's pppdump has it */
		way->bytes = 0;
		way->len = 0;
		way->escaped = false;
	}
}

static int printable(int c)
{
	return c >= ' ' && c <= '~' ? c : '.';
}

/* The columns that are missing in a row of COUNT bytes, and its characters. */
static void end_row(const uint8_t *row, size_t count)
{
	printf("%*s ", (int)(3 * (ROW - count)), "");
	for (size_t i = 0; i < count; i++)
		putchar(printable(row[i]));
	putchar('\n');
}

/* Rows of ROW bytes, after the name on the first and INDENT columns on all others. */
static void print_rows(const uint8_t *bytes, size_t len, int indent)
{
	for (size_t at = 0; at < len; at += ROW) {
		size_t count = len - at < ROW ? len - at : ROW;

		if (at > 0)
			printf("%*s", indent, "");
		for (size_t i = 0; i < count; i++)
			printf("%.2x ", bytes[at + i]);
		end_row(bytes + at, count);
	}
}

/* How many bytes of a packet are address, control and protocol. */
static size_t header_length(const uint8_t *packet, size_t len)
{
	size_t at = len >= 2 && packet[0] == 0xff && packet[1] == 0x03 ? 2 : 0;

	if (at < len)
		at += packet[at] & 1 ? 1 : 2;
	return at < len ? at : len;
}

static void print_short(const struct way *way)
{
	printf("%s short packet [%zu bytes]:", way->name, way->len);
	for (size_t i = 0; i < way->len; i++)
		printf(" %.2x", way->frame[i]);
	putchar('\n');
}

/* A flag came: what is here is a frame, which is ABORTED where the byte before was an escape. */
static void print_frame(const struct dump *d, const struct way *way, bool aborted)
{
	size_t len = way->len - 2;
	size_t information = len - header_length(way->frame, len);
	uint16_t residue = fcs_update(FCS_INIT, way->frame, way->len);

	if (information > d->mru)
		printf("     ERROR: length (%zu) > MRU (%lu)\n", information, d->mru);
	if (aborted)
		printf("%s aborted packet:\n     %6s", way->name, "");
	else
		printf("%s  ", way->name);
	print_rows(way->frame, len, aborted ? 11 : 6);
	if (residue != FCS_GOOD)
		printf("     BAD FCS: (residue = %x)\n", residue);
}

static void flag(const struct dump *d, struct way *way)
{
	if (way->len > 2)
		print_frame(d, way, way->escaped);
	else if (way->len > 0)
		print_short(way);
	way->len = 0;
	way->escaped = false;
}

static void collect(const struct dump *d, struct way *way, int c)
{
	if (c == FRAME_FLAG) {
		flag(d, way);
	} else if (c == FRAME_ESCAPE && !way->escaped) {
		way->escaped = true;
	} else if (way->len < sizeof(way->frame)) {
		way->frame[way->len++] = (uint8_t)(way->escaped ? c ^ 0x20 : c);
		way->escaped = false;
	}
}

static int print_packets(struct dump *d, struct way *way, unsigned len)
{
	int c = 0;

	for (; len > 0 && (c = getc(d->in)) != EOF; len--)
		collect(d, way, c);
	return c;
}

static int print_hex(struct dump *d, struct way *way, unsigned len)
{
	uint8_t row[ROW];
	size_t count = 0;
	int c = 0;

	printf("%s  ", way->name);
	for (bool first = true; len > 0 && (c = getc(d->in)) != EOF; len--) {
		if (count == 0 && !first)
			printf("%6s", "");
		first = false;
		printf(" %.2x", c);
		row[count++] = (uint8_t)c;
		if (count == ROW || len == 1) {
			putchar(' ');
			end_row(row, count);
			count = 0;
		}
	}
	return c;
}

/* C as it stands between the quotes: its columns. */
static int spell(char *out, size_t size, int c)
{
	if (c == '"' || c == '\\')
		return snprintf(out, size, "\\%c", c);
	return snprintf(out, size, c >= ' ' && c <= '~' ? "%c" : "\\%.2x", c);
}

static int print_text(struct dump *d, struct way *way, unsigned len)
{
	int column = printf("%s \"", way->name);
	int c = 0;
	char spelt[8];

	for (; len > 0 && (c = getc(d->in)) != EOF; len--) {
		int width = spell(spelt, sizeof(spelt), c);

		if (column + width >= LAST_COLUMN)
			column = printf("\n%6s", "") - 1;
		column += printf("%s", spelt);
	}
	if (c != EOF)
		printf("\"\n");
	return c;
}

/* A big-endian number of SIZE bytes. */
static bool get_number(FILE *in, int size, uint32_t *number)
{
	*number = 0;
	for (int c; size > 0; size--) {
		if ((c = getc(in)) == EOF)
			return false;
		*number = *number << 8 | (uint32_t)c;
	}
	return true;
}

static bool dump_bytes(struct dump *d, int type)
{
	struct way *way = &d->ways[type - RECORD_SENT];
	uint32_t len;
	int c;

	if (!get_number(d->in, 2, &len))
		return false;
	way->bytes += len;
	c = d->packets ? print_packets(d, way, len) : d->hex ? print_hex(d, way, len) : print_text(d, way, len);
	return c != EOF;
}

static bool dump_end(struct dump *d, int type)
{
	struct way *way = &d->ways[type - RECORD_END_SENT];

	printf("end %s", way->end_name);
	if (d->packets && way->len > 0)
		printf("  [%zu bytes in incomplete packet]", way->len);
	putchar('\n');
	way->len = 0;
	return true;
}

static bool dump_later(struct dump *d, int type)
{
	uint32_t tenths;
	struct tm tm;

	if (!get_number(d->in, type == RECORD_LATER ? 1 : 4, &tenths))
		return false;
	if (!d->absolute) {
		printf("time  %.1fs\n", tenths / 10.0);
		return true;
	}
	d->start += (time_t)(((uint64_t)d->tenths + tenths) / 10);
	d->tenths = (unsigned)(((uint64_t)d->tenths + tenths) % 10);
	if (localtime_r(&d->start, &tm))
		printf("time  %.2d:%.2d:%.2d.%u  (sent %" PRIu64 ", rcvd %" PRIu64 ")\n", tm.tm_hour, tm.tm_min, tm.tm_sec, d->tenths,
		       d->ways[d->reverse].bytes, d->ways[!d->reverse].bytes);
	return true;
}

static bool dump_start(struct dump *d, int type)
{
	uint32_t seconds;
	char text[32];

	(void)type;
	if (!get_number(d->in, 4, &seconds))
		return false;
	d->start = seconds;
	d->tenths = 0;
	ways_reset(d);
	if (ctime_r(&d->start, text))
		printf("start %s", text);
	return true;
}

/* Prints a whole file. Each row returns whether its record was there in full. */
static void dump_file(struct dump *d)
{
	static bool (*const types[])(struct dump *, int) = {
		[RECORD_SENT] = dump_bytes, [RECORD_RECEIVED] = dump_bytes, [RECORD_END_SENT] = dump_end,
		[RECORD_END_RECEIVED] = dump_end, [RECORD_LATER_LONG] = dump_later, [RECORD_LATER] = dump_later,
		[RECORD_START] = dump_start,
	};
	int c;

	ways_reset(d);
	while ((c = getc(d->in)) != EOF) {
		if (c < RECORD_SENT || c > RECORD_START) {
			printf("?%.2x\n", c);
		} else if (!types[c](d, c)) {
			printf("\nEOF\n");
			break;
		}
	}
	for (int i = 0; d->packets && i < 2; i++)
		if (d->ways[i].len > 0)
			printf("[%zu bytes in incomplete %s packet]\n", d->ways[i].len, d->ways[i].end_name);
}

static int usage(void)
{
	fprintf(stderr, "Usage: pppdump [-h | -p] [-r] [-m mru] [-a] [file ...]\n");
	return 1;
}

static bool read_options(struct dump *d, int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "hprm:a")) != -1;) {
		if (c == 'h')
			d->hex = true;
		else if (c == 'p')
			d->packets = true;
		else if (c == 'r')
			d->reverse = true;
		else if (c == 'a')
			d->absolute = true;
		else if (c == 'm')
			d->mru = strtoul(optarg, NULL, 0);
		else
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct dump d = { .mru = 1500 };

	if (!read_options(&d, argc, argv))
		return usage();
	d.in = stdin;
	if (optind >= argc) {
		d.packets = false; /* pppdump has always done so */
		dump_file(&d);
	}
	for (; optind < argc; optind++) {
		d.in = fopen(argv[optind], "rb");
		if (!d.in) {
			perror(argv[optind]);
			return 1;
		}
		dump_file(&d);
		fclose(d.in);
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
