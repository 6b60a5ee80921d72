/* The Link Control Protocol: RFC 1661 §5.7 to §6, RFC 1662 §7 (ACCM), RFC 1570 (Identification and Time-Remaining are ignored). */
#ifndef SLIRPPD_PPP_LCP_H
#define SLIRPPD_PPP_LCP_H

#include <stdbool.h>
#include <stdint.h>

#include "ppp/auth.h"
#include "ppp/cp.h"
#include "ppp/ppp.h"
#include "status.h"

struct lcp_events {
	/* LCP opens: what was negotiated holds from now on. Then, when the first echo is sent: it is up. */
	void (*apply)(void *arg);
	void (*up)(void *arg);
	void (*down)(void *arg);
	void (*finished)(void *arg);
	/* The link cannot go on: close it. */
	void (*failed)(void *arg, const char *reason, enum exit_status status);
	/* The peer does not know this protocol. */
	void (*protocol_rejected)(void *arg, uint16_t protocol);
	/* How many packets of network protocols have come (lcp-echo-adaptive). */
	uint64_t (*packets_in)(void *arg);
	/* Our last Echo-Request was answered, after MICROSECONDS; LOST before it were not. */
	void (*echoed)(void *arg, uint64_t microseconds, unsigned lost);
};

struct lcp {
	struct cp cp;
	const struct lcp_config *config;
	const struct lcp_events *events;
	void *arg;
	struct auth *auth; /* asked what may be negotiated; NULL: no authentication in either direction. Set after lcp_init(). */

	uint16_t mru; /* what we ask for */
	uint32_t asyncmap;
	uint32_t magic;
	struct ppp_side peer; /* what it asked for in its last Configure-Request, or the protocol's defaults */
	unsigned demand;      /* methods (enum auth_method) that the peer has not refused yet */

	/* While it is up, for auth_begin(): the method that the peer is to use, the one that we are to; 0: none. */
	unsigned theirs, ours;
	bool callback; /* while it is up: CBCP was agreed on, we are to be called back */

	bool magic_nakked;   /* by the Nak that is being taken in */
	unsigned magic_naks; /* one after the other */

	struct timer echo;
	uint8_t echo_id;
	unsigned echo_missing; /* replies */
	uint64_t echo_packets_in; /* at the last tick */
	uint64_t echo_sent;       /* when the last one was */
};

void lcp_init(struct lcp *lcp, const struct lcp_config *config, struct clock *clock, const struct cp_host *host, void *host_arg,
	      const struct lcp_events *events, void *arg);
void lcp_free(struct lcp *lcp);
/* As cp_halt(). */
void lcp_halt(struct lcp *lcp);

/* Refuses a packet of PROTOCOL with a Protocol-Reject. */
void lcp_reject_protocol(struct lcp *lcp, uint16_t protocol, const uint8_t *packet, size_t len);

/* Once it is up: the largest packet that may be sent (the peer's MRU, our own and `mtu`); the control characters that the peer
 * escapes; our magic number, 0 when the peer would not have it. */
uint16_t lcp_mtu(const struct lcp *lcp);
uint32_t lcp_receive_asyncmap(const struct lcp *lcp);
uint32_t lcp_magic(const struct lcp *lcp);
/* What we were granted. */
struct ppp_side lcp_ours(const struct lcp *lcp);

/* The options' types that are named outside their table. */
#define LCP_OPTION_MRU 1
#define LCP_OPTION_ASYNCMAP 2
#define LCP_OPTION_AUTH 3
#define LCP_OPTION_MAGIC 5
#define LCP_OPTION_PCOMP 7
#define LCP_OPTION_ACCOMP 8
#define LCP_OPTION_CALLBACK 13

/* The control characters that `escape` names. */
uint32_t lcp_escaped(const struct lcp_config *config);

/* Parts of the protocol (lcp_options.c). */
extern const struct cp_options lcp_options;
void lcp_reset(struct cp *cp);
void lcp_forget(struct cp *cp);
void lcp_nakked(struct cp *cp);
/* Authentication's option (lcp_auth.c). */
bool lcp_ask_auth(struct cp *cp, struct writer *value);
enum cp_verdict lcp_judge_auth(struct cp *cp, struct reader *value, struct writer *better);
void lcp_nak_auth(struct cp *cp, struct reader *value, bool asked);
void lcp_rejected(struct cp *cp);
void lcp_print_auth(GString *out, struct reader *value);
/* What the peer has agreed to prove itself by, or 0. */
unsigned lcp_theirs(const struct lcp *lcp);

#endif
