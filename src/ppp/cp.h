/* One control protocol (LCP, IPCP, …): the packets, timers and counters of RFC 1661 §4.6 and §5 around the automaton, and the
 * negotiation of a table of Configure options.
 *
 * A protocol is a constant struct cp_protocol; a link's share in it is a struct cp, the first member of the protocol's own
 * struct. */
#ifndef SLIRPPD_PPP_CP_H
#define SLIRPPD_PPP_CP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "config.h"
#include "ppp/automaton.h"
#include "ppp/print.h"
#include "reader.h"
#include "writer.h"

/* §5; 8 and above belong to LCP alone (RFC 1570 for the last two). */
enum cp_code {
	CONFIGURE_REQUEST = 1,
	CONFIGURE_ACK = 2,
	CONFIGURE_NAK = 3,
	CONFIGURE_REJECT = 4,
	TERMINATE_REQUEST = 5,
	TERMINATE_ACK = 6,
	CODE_REJECT = 7,
	PROTOCOL_REJECT = 8,
	ECHO_REQUEST = 9,
	ECHO_REPLY = 10,
	DISCARD_REQUEST = 11,
	IDENTIFICATION = 12,
	TIME_REMAINING = 13
};

#define CP_HEADER 4        /* code, identifier, length */
#define CP_OPTION_HEADER 2 /* type, length */
#define CP_REQUEST_MAX 124 /* of our own Configure-Request's options: fits an MRU of 128 */

/* What a protocol says to an option of the peer's Configure-Request; the worst of all options is what the reply will be. */
enum cp_verdict { CP_ACK, CP_NAK, CP_REJECT };

struct cp;

/* A Configure option: one row of the protocol's table. The table is in the order of our own Configure-Request. Rows without `judge`
 * are Rejected when the peer asks for them. While a row's function runs, cp->type is its type. */
struct cp_option {
	struct print_option p; /* type, lengths, name, print */
	/* Appends the value that we ask for (without type and length). False: not asked now. */
	bool (*ask)(struct cp *cp, struct writer *value);
	/* What we say to the peer's value (of a length that the row allows). With CP_NAK a better value is appended to BETTER. */
	enum cp_verdict (*judge)(struct cp *cp, struct reader *value, struct writer *better);
	/* The peer would rather have VALUE; ASKED: the option was in our request. NULL: as if it were Rejected. */
	void (*nak)(struct cp *cp, struct reader *value, bool asked);
	/* Naks of this option, sent or received, never turn into Rejects. */
	bool patient;
};

/* A protocol's table of options: at most 32 rows. */
struct cp_options {
	const struct cp_option *rows;
	unsigned n;
};

/* A packet as it came, past its header. */
struct cp_packet {
	uint8_t code, id;
	struct reader data;  /* after the header */
	struct reader whole; /* with it, without padding */
};

/* What a control protocol is. Those marked with * may be NULL. */
struct cp_protocol {
	uint16_t number;
	const char *name; /* "LCP" */
	const struct cp_options *options;

	/* A negotiation begins: our own wishes are as they were configured. */
	void (*reset)(struct cp *cp);
	/* A new Configure-Request of the peer is about to be judged: what his last one said is void. */
	void (*forget)(struct cp *cp);
	/* * All options are judged, none Rejected: appends options that the peer should have sent; true when it did. */
	bool (*missing)(struct cp *cp, struct writer *better);
	/* * A Configure-Nak was taken in. */
	void (*nakked)(struct cp *cp);
	/* * The peer has acknowledged our request; what follows of that (this layer up) comes after. */
	void (*acked)(struct cp *cp);
	/* * A packet that came in state BEFORE was handled; it still is cp->in. */
	void (*handled)(struct cp *cp, enum automaton_state before);
	/* An Ack need not list more of our request than its first option: that alone counts (CCP). */
	bool first_will_do;
	/* * A Configure-Reject was taken in: cp_dropped() is true of what it named. */
	void (*rejected)(struct cp *cp);
	/* * A packet of another code than 1 to 7. False: the code is unknown. */
	bool (*extra)(struct cp *cp, const struct cp_packet *in);
	/* * The peer does not know this CODE, which is none of 1 to 7. */
	void (*code_rejected)(struct cp *cp, uint8_t code);
	/* * An Echo-Request came in Opened: answers cp->in. */
	void (*echo_reply)(struct cp *cp);
	/* This layer up, down, finished (§4.4); called last, first and last of an event's actions. */
	void (*up)(struct cp *cp);
	void (*down)(struct cp *cp);
	void (*finished)(struct cp *cp);
};

/* What a control protocol needs from the link. */
struct cp_host {
	void (*send)(void *arg, uint16_t protocol, const uint8_t *packet, size_t len);
	/* Around everything that a timer starts. */
	void (*enter)(void *arg);
	void (*leave)(void *arg);
};

struct cp {
	const struct cp_protocol *protocol;
	const struct cp_limits *limits;
	const struct cp_host *host;
	void *host_arg;
	enum automaton_state state;

	bool passive;    /* after Max-Configure tries wait in Stopped instead of giving up */
	bool silent;     /* send nothing until the peer starts */
	bool waiting;    /* in Stopped because of one of these: nobody was told that this layer is finished */
	size_t peer_mru; /* no packet that we send is larger */
	bool renew;      /* set by `judge`: our outstanding request no longer says what we want */

	struct timer restart;
	unsigned restart_counter;
	uint8_t id;         /* the last that we used */
	uint8_t request_id; /* of our last Configure-Request */
	bool answered;      /* it has been answered since it was last sent: further answers are ignored */
	bool fresh;         /* the next Configure-Request is a new one, not the last once more */
	unsigned naks_sent, naks_received; /* since the last Ack */
	uint32_t asked;     /* rows in our last request, a bit each */
	uint32_t dropped;   /* rows that the peer Rejected */
	char reason[64];    /* in our Terminate-Request */

	uint8_t type;        /* of the option that a row's function is called for */
	struct cp_packet in; /* the packet that is being handled */
	uint8_t request[CP_REQUEST_MAX];
	size_t request_len;
	uint8_t reply_code;
	uint8_t *reply;  /* options of the answer to the peer's request */
	size_t reply_len;
	uint8_t *packet; /* where a packet to be sent is built */
	size_t size;     /* bytes at reply and at packet */
};

/* Prepares a protocol at rest (state Initial). SIZE: of the largest packet that it may have to send. */
void cp_init(struct cp *cp, const struct cp_protocol *protocol, const struct cp_limits *limits, struct clock *clock, size_t size,
	     const struct cp_host *host, void *host_arg);
void cp_free(struct cp *cp);

/* Back to Initial at once, with nobody told and no packet sent: the link is gone. */
void cp_halt(struct cp *cp);

/* Administrative Open and Close; the lower layer is up, or down (§4.3). REASON is the text of the Terminate-Request. */
void cp_open(struct cp *cp);
void cp_close(struct cp *cp, const char *reason);
void cp_up(struct cp *cp);
void cp_down(struct cp *cp);

/* A packet of this protocol, after the protocol field. */
void cp_input(struct cp *cp, const uint8_t *packet, size_t len);

/* An Echo-Request came (RXR). */
void cp_echo_requested(struct cp *cp);

/* A Protocol-Reject for this protocol came (RXJ-). */
void cp_protocol_rejected(struct cp *cp);

/* Sends a packet; as much of LEN bytes of DATA as the peer's MRU allows. */
void cp_send(struct cp *cp, uint8_t code, uint8_t id, const void *data, size_t len);

/* The largest packet that may be sent. */
size_t cp_room(const struct cp *cp);

/* The identifier for a packet of its own. */
uint8_t cp_next_id(struct cp *cp);

/* True when the option of TYPE was in our last request and has not been Rejected; when it has been Rejected. */
bool cp_asked(const struct cp *cp, uint8_t type);
bool cp_dropped(const struct cp *cp, uint8_t type);

/* The option of TYPE, which was Rejected, is asked for again: with another value. */
void cp_retry(struct cp *cp, uint8_t type);

/* Negotiation (cp_options.c); called by cp.c. */

/* Builds our Configure-Request's options. */
void cp_options_ask(struct cp *cp);
/* Judges the peer's request (no longer than cp_room()), and leaves the answer in reply_code, reply and reply_len. */
void cp_options_judge(struct cp *cp, struct reader options);
/* Takes in the answer to our request. False: it does not fit that, nothing was changed. */
bool cp_options_acked(const struct cp *cp, struct reader options);
bool cp_options_nakked(struct cp *cp, struct reader options);
bool cp_options_rejected(struct cp *cp, struct reader options);

#endif
