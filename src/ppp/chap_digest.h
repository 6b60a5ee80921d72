/* The algorithms that CHAP computes with, a row each: MD5 (RFC 1994), MS-CHAP (RFC 2433) and MS-CHAPv2 (RFC 2759). No state, no packets.
 * Used by chap.c. */
#ifndef SLIRPPD_PPP_CHAP_DIGEST_H
#define SLIRPPD_PPP_CHAP_DIGEST_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ppp/chap_ms.h"
#include "ppp/secrets.h"
#include "reader.h"

#define CHAP_RESPONSE_MAX 49
#define CHAP_CHALLENGE_MAX 23 /* of our own challenges */
#define CHAP_MESSAGE_MAX 128  /* of our own verdicts, with a NUL byte behind */

/* What both ends put into the digest. */
struct chap_question {
	uint8_t id;
	const uint8_t *challenge;
	size_t len;
	const char *name; /* of who answers */
	const struct secret *secret;
};

/* What comes of an answer, beside the answer. */
struct chap_outcome {
	struct mppe_keys keys;
	char proof[MSCHAP2_AUTHENTICATOR + 1]; /* MS-CHAPv2: what the authenticator's Success has to begin with */
};

struct chap_digest {
	enum auth_method method;
	size_t challenge_min, challenge_max; /* bytes of our own challenges */
	bool exact;                          /* the peer's have to be as long; otherwise one byte is enough */
	size_t response_len;
	/* Our answer. False: it cannot be computed here; RESPONSE is then zeroes. */
	bool (*respond)(const struct chap_question *q, uint8_t *response, struct chap_outcome *outcome);
	/* Whether RESPONSE (of response_len bytes) is right. */
	bool (*verify)(const struct chap_question *q, struct reader response, struct chap_outcome *outcome);
	/* The text of our verdict; RESPONSE is what verify() found right, or what it was given. */
	void (*success)(char message[CHAP_MESSAGE_MAX], struct reader response, const struct chap_outcome *outcome);
	void (*failure)(char message[CHAP_MESSAGE_MAX], const struct chap_question *q);
	/* The peer's Success: whether it is believed; logs its text, or why not. */
	bool (*succeeded)(struct reader text, const struct chap_outcome *outcome);
	/* The peer's Failure: logs why. */
	void (*failed)(struct reader text);
};

/* The row of METHOD, or NULL where it is none of AUTH_CHAPS. */
const struct chap_digest *chap_digest_find(enum auth_method method);

#endif
