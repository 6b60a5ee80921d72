/* What a line said while it was listened to, and what that means. In memory: no I/O. */
#ifndef SLIRPPD_CHECK_HEARD_H
#define SLIRPPD_CHECK_HEARD_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ppp/frame.h"

enum heard_kind {
	HEARD_NOTHING,
	HEARD_PPP,
	HEARD_ECHO, /* our own frames came back, and nothing else */
	HEARD_LOGIN,
	HEARD_MODEM,
	HEARD_SHELL, /* a prompt, or an echo with text */
	HEARD_TEXT,
	HEARD_BROKEN, /* PPP whose every frame is damaged */
	HEARD_NOISE,
	HEARD_KINDS
};

/* Bytes that are kept to be judged; of later ones only frames count. */
#define HEARD_MAX 4096

struct heard {
	struct frame_decoder decoder;
	uint32_t magic;	   /* ours: frames that carry it are our own */
	GByteArray *bytes; /* the first HEARD_MAX */
	GPtrArray *sent;   /* of GBytes: our frames as they were encoded */
	uint64_t total;
	unsigned frames; /* good ones of somebody else */
	unsigned echoes; /* good ones of our own */
};

void heard_init(struct heard *h, uint32_t magic);
void heard_clear(struct heard *h);

/* Writes an LCP packet of ours (CODE: a Configure-Request with our magic number, or a Terminate-Request) as a frame to OUT,
 * which has room for HEARD_FRAME_MAX bytes, and remembers it. Returns its length. */
#define HEARD_FRAME_MAX 64
enum heard_code { HEARD_CONFIGURE = 1, HEARD_TERMINATE = 5 };
size_t heard_send(struct heard *h, enum heard_code code, uint8_t id, uint8_t *out);

/* LEN bytes came. */
void heard_take(struct heard *h, const uint8_t *bytes, size_t len);

enum heard_kind heard_judge(const struct heard *h);

/* The first bytes as a person can read them: at most MAX of them, others than printable ones escaped (g_free). Our own frames
 * that came back among them are left out. */
char *heard_excerpt(const struct heard *h, size_t max);

#endif
