/* Filters in libpcap's language; see filter.h. Called by the session for every packet, where there is one. */
#include "net/filter.h"

#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#include "writer.h"

#define LIBRARY "libpcap.so.0.8" /* from 0.8 to 1.10, as Debian names it ... */
#define LIBRARY_ELSEWHERE "libpcap.so.1"

/* DLT_PPP_PPPD: a byte of direction, HDLC's control byte, the protocol. */
#define HEADER 4
#define INBOUND 0
#define OUTBOUND 1
#define HDLC_CONTROL 0x03
#define PROTOCOL_IP 0x0021
#define PROTOCOL_IPV6 0x0057
#define PACKET_MAX 65535

/* What pcap_compile() can make at most (its own limit, BPF_MAXINSNS), and so what a file may hold. */
#define INSTRUCTIONS_MAX 4096

/* libpcap's functions, by the names that follow pcap_ (bpf_filter and bpf_validate as they are). */
struct library {
	__typeof__(&pcap_open_dead) open_dead;
	__typeof__(&pcap_close) close;
	__typeof__(&pcap_compile) compile;
	__typeof__(&pcap_geterr) geterr;
	__typeof__(&pcap_freecode) freecode;
	__typeof__(&bpf_filter) run;
	__typeof__(&bpf_validate) validate;
};

struct filter {
	struct library library;
	struct bpf_program program;
	bool compiled; /* `program` is libpcap's to free */
	uint8_t scratch[HEADER + PACKET_MAX];
};

static bool load_library(struct library *library, char **why)
{
	static const struct {
		const char *name;
		size_t offset;
	} functions[] = {
		{ "pcap_open_dead", offsetof(struct library, open_dead) }, { "pcap_close", offsetof(struct library, close) },
		{ "pcap_compile", offsetof(struct library, compile) },	   { "pcap_geterr", offsetof(struct library, geterr) },
		{ "pcap_freecode", offsetof(struct library, freecode) },   { "bpf_filter", offsetof(struct library, run) },
		{ "bpf_validate", offsetof(struct library, validate) },
	};
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_NODELETE);

	if (!handle)
		handle = dlopen(LIBRARY_ELSEWHERE, RTLD_NOW | RTLD_NODELETE);
	bool found = handle != NULL;
	for (size_t i = 0; found && i < G_N_ELEMENTS(functions); i++) {
		void *function = dlsym(handle, functions[i].name);

		found = function != NULL;
		memcpy((char *)library + functions[i].offset, &function, sizeof(function));
	}
	if (!found)
		*why = g_strdup_printf("libpcap is needed: %s", dlerror());
	return found;
}

static bool compile(struct filter *f, const char *expression, char **why)
{
	pcap_t *pcap = f->library.open_dead(DLT_PPP_PPPD, PACKET_MAX);

	if (!pcap) {
		*why = g_strdup("no memory");
		return false;
	}
	f->compiled = f->library.compile(pcap, &f->program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!f->compiled)
		*why = g_strdup(f->library.geterr(pcap));
	f->library.close(pcap);
	return f->compiled;
}

/* A line a number: how many there are, then `code jt jf k` for each, as tcpdump -ddd prints. */
static bool parse_program(struct bpf_program *program, const char *text)
{
	unsigned count;
	int len;

	if (sscanf(text, "%u%n", &count, &len) != 1 || count == 0 || count > INSTRUCTIONS_MAX)
		return false;
	text += len;
	program->bf_len = count;
	program->bf_insns = g_new0(struct bpf_insn, count);
	for (unsigned i = 0; i < count; i++, text += len) {
		struct bpf_insn *insn = &program->bf_insns[i];

		if (sscanf(text, "%hu %hhu %hhu %u%n", &insn->code, &insn->jt, &insn->jf, &insn->k, &len) != 4)
			return false;
	}
	return true;
}

static bool load_program(struct filter *f, const char *path, char **why)
{
	GError *error = NULL;
	char *text;

	if (!g_file_get_contents(path, &text, NULL, &error)) {
		*why = g_strdup(error->message);
		g_error_free(error);
		return false;
	}
	bool ok = parse_program(&f->program, text) && f->library.validate(f->program.bf_insns, (int)f->program.bf_len);
	if (!ok)
		*why = g_strdup_printf("%s is no program as `tcpdump -ddd` prints it", path);
	g_free(text);
	return ok;
}

struct filter *filter_new(const struct filter_config *config, char **why)
{
	*why = NULL;
	if (!config->expression && !config->precompiled)
		return NULL;
	struct filter *f = g_new0(struct filter, 1);
	if (load_library(&f->library, why) &&
	    (config->precompiled ? load_program(f, config->precompiled, why) : compile(f, config->expression, why)))
		return f;
	filter_free(f);
	return NULL;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	if (f->compiled)
		f->library.freecode(&f->program);
	else
		g_free(f->program.bf_insns);
	g_free(f);
}

bool filter_match(const struct filter *filter, bool outbound, const uint8_t *packet, size_t len)
{
	if (!filter)
		return true;
	struct filter *f = (struct filter *)filter;
	struct writer w = writer_new(f->scratch, sizeof(f->scratch));

	writer_u8(&w, outbound ? OUTBOUND : INBOUND);
	writer_u8(&w, HDLC_CONTROL);
	writer_u16(&w, len > 0 && packet[0] >> 4 == 6 ? PROTOCOL_IPV6 : PROTOCOL_IP);
	writer_bytes(&w, packet, MIN(len, PACKET_MAX));
	unsigned size = (unsigned)writer_len(&w);
	return f->library.run(f->program.bf_insns, f->scratch, size, size) != 0;
}
