/* What the parts of CCP share: ccp.c (its life), ccp_options.c (its Configure options), ccp_mppe.c (what MPPE asks for), ccp_data.c (packets). */
#ifndef SLIRPPD_PPP_CCP_INTERNAL_H
#define SLIRPPD_PPP_CCP_INTERNAL_H

#include "ppp/ccp.h"

#define CCP_OPTION_PREDICTOR1 1
#define CCP_OPTION_PREDICTOR2 2
#define CCP_OPTION_MPPE 18
#define CCP_OPTION_BSD 21
#define CCP_OPTION_DEFLATE_DRAFT 24
#define CCP_OPTION_DEFLATE 26

/* The bits of MPPE's option (RFC 3078 §2.1): no state is kept from packet to packet; 56, 128 and 40 bits; obsolete; MPPC. */
#define MPPE_BIT_H 0x01000000u
#define MPPE_BIT_M 0x80u
#define MPPE_BIT_S 0x40u
#define MPPE_BIT_L 0x20u
#define MPPE_BIT_D 0x10u
#define MPPE_BIT_C 0x01u

#define CCP_VALUE_MAX 4
#define CCP_NAME_MAX 32

/* A method as it was agreed on: the first option of a request that was acknowledged. Type 0: none. */
struct ccp_choice {
	uint8_t type;
	uint8_t value[CCP_VALUE_MAX];
	size_t len;
};

/* One direction of the link. */
struct ccp_way {
	struct ccp_choice choice;
	const struct comp_method *method;
	struct comp *comp; /* NULL: nothing runs */
	uint8_t *buffer;   /* of what comes out */
	size_t size;
	char name[CCP_NAME_MAX];
};

struct ccp {
	struct cp cp;
	const struct ccp_config *config;
	const struct ccp_events *events;
	void *arg;
	size_t mru;
	bool told_up; /* events->up was called, and events->down was not since */

	/* What we ask for in this negotiation: sizes (0: not at all); MPPE's option. */
	unsigned deflate, bsd;
	uint32_t mppe;

	/* What became of the peer's last request. */
	struct ccp_choice peer;
	bool judged;       /* it was judged, and handled() does not know yet */
	bool mppe_offered; /* it has MPPE in a way that can be talked about */
	bool all_rejected;

	/* MPPE. */
	const struct mppe_keys *keys;
	uint32_t strengths;  /* bits S and L: that may be used with these keys */
	const char *failure; /* the reason to close the link; told by the timer, when the packet at hand is done with */
	struct timer failing;

	struct ccp_way sender, receiver;

	/* Reset-Requests: our last one's identifier, answered at most once a second. */
	enum comp_result trouble; /* of the receiver: COMP_OK: none */
	struct timer reset;       /* armed: one is out */
	uint8_t reset_id;
	bool repeat;              /* since then more packets were lost */
};

/* ccp_options.c */
void ccp_reset(struct cp *cp);
void ccp_forget(struct cp *cp);
/* The first option of our last request. */
struct ccp_choice ccp_first_asked(const struct ccp *ccp);
/* As pppd says it: "Deflate (15)"; with OTHER of the same method but another size "Deflate (15/12)". */
void ccp_method_name(char name[CCP_NAME_MAX], const struct ccp_choice *choice, const struct ccp_choice *other);

/* ccp_mppe.c */
bool ccp_ask_mppe(struct cp *cp, struct writer *value);
enum cp_verdict ccp_judge_mppe(struct cp *cp, struct reader *value, struct writer *better);
void ccp_nak_mppe(struct cp *cp, struct reader *value, bool asked);
print_fn ccp_print_mppe;
/* The link has to be closed, with REASON: events->failed follows soon. The first reason counts. */
void ccp_fail(struct ccp *ccp, const char *reason);

/* ccp_data.c */
/* CHOICE is to run from now on. */
void ccp_start(struct ccp *ccp, struct ccp_way *way, const struct ccp_choice *choice);
void ccp_stop(struct ccp_way *way);
void ccp_reset_expired(void *arg);
/* A Reset-Request, a Reset-Ack came. */
void ccp_reset_requested(struct ccp *ccp);
void ccp_reset_acked(struct ccp *ccp);

#endif
