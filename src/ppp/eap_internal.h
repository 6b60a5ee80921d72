/* What the rooms of EAP share: eap.c (packets, and who gets them), eap_server.c and eap_client.c (the two roles), and the methods, a row of a
 * table each: eap_md5.c, eap_mschapv2.c, eap_tls.c. Nobody else includes it. */
#ifndef SLIRPPD_PPP_EAP_INTERNAL_H
#define SLIRPPD_PPP_EAP_INTERNAL_H

#include <glib.h>

#include "ppp/chap_digest.h"
#include "ppp/eap.h"
#include "ppp/tls.h"
#include "reader.h"
#include "writer.h"

#define EAP_HEADER 4      /* code, identifier, length */
#define EAP_FRAGMENT 1024 /* bytes of TLS in one packet, as pppd sends them */
#define EAP_PACKET_MAX (EAP_HEADER + 1 + 1 + 4 + EAP_FRAGMENT) /* type, flags, length: of any packet of ours */

enum eap_state { EAP_AT_REST, EAP_IDENTIFYING, EAP_ASKING, EAP_WAITING, EAP_SUCCEEDED, EAP_FAILED };

/* What a method makes of a packet. */
enum eap_verdict {
	EAP_IGNORE, /* nothing: it is as if it had not come */
	EAP_ANSWER, /* what was written is to be sent */
	EAP_PROVED, /* server: the peer is who it says. Client: what was written is the last word, each has proved itself to the other */
	EAP_WRONG,  /* this authentication has failed */
	EAP_CANNOT  /* client: there is no secret for it */
};

struct eap_method;

/* EAP-TLS: one TLS handshake and the messages in fragments that carry it. */
struct eap_tls {
	struct tls *tls;
	enum tls_progress progress;
	GByteArray *in;     /* of a message that is not whole yet; or NULL */
	bool announced;     /* its length was: */
	size_t length;
	bool sending;       /* parts of a message of ours are still to be sent */
};

/* One role's conversation with the peer. */
struct eap_talk {
	const struct auth_base *base;
	enum eap_state state;
	struct timer timer;
	uint8_t id;           /* server: of our last request; client: of the peer's that is being answered */
	unsigned requests;    /* sent, or received, since the beginning */
	unsigned responses;   /* server: received */
	uint8_t last[EAP_PACKET_MAX]; /* what we sent last, for sending it again */
	size_t last_len;
	uint8_t last_type;    /* client: what it answered */
	size_t last_asked;    /* and how long that was */

	char *name;           /* server: the peer's, cleaned */
	struct rights rights; /* server: what it may do */
	unsigned tried;       /* server: methods so far, bits of their places in the table */

	const struct eap_method *method;
	uint8_t challenge[CHAP_CHALLENGE_MAX]; /* MD5, MSCHAPv2: what the answer is to; who is asked has it in the packet */
	size_t challenge_len;
	struct chap_outcome outcome;
	bool answered;        /* MSCHAPv2: the response has been made, or judged */
	bool right;           /* server: it was right. Client: a Success would be believed */
	struct eap_tls tls;
	struct mppe_keys keys; /* what came of it */
};

struct eap_method {
	enum eap_type type;
	const char *name;
	/* Whether there is what it takes for being the server, the client. */
	bool (*can_ask)(const struct eap_talk *talk);
	bool (*can_answer)(const struct eap_talk *talk);
	/* Server: the first request's data, after the type; false: it cannot be made (and why has been logged). Then an answer to any of its
	 * requests; the next request's data where there is one. */
	bool (*begin)(struct eap_talk *talk, struct writer *request);
	enum eap_verdict (*response)(struct eap_talk *talk, struct reader data, struct writer *request);
	/* Client: a request; the response's data. */
	enum eap_verdict (*request)(struct eap_talk *talk, struct reader data, struct writer *response);
};

extern const struct eap_method eap_md5_method, eap_mschapv2_method, eap_tls_method;

/* The methods in the order in which we propose them; a NULL ends them. */
extern const struct eap_method *const eap_methods[];

/* The method of TYPE, or NULL. */
const struct eap_method *eap_find_method(uint8_t type);

/* A packet under construction: CODE, the talk's identifier, room for the length, and TYPE. */
struct writer eap_compose(const struct eap_talk *talk, uint8_t packet[EAP_PACKET_MAX], enum eap_code code, uint8_t type);
/* Completes it and keeps it as the talk's last; false where it did not fit, which our own packets do. */
bool eap_keep(struct eap_talk *talk, struct writer *w);
/* Sends the last one, once more or for the first time. */
void eap_send_last(struct eap_talk *talk);

/* The next method begins, or none: nothing is left of the one before. */
void eap_set_method(struct eap_talk *talk, const struct eap_method *method);
/* At rest; nothing is left of anything. */
void eap_talk_end(struct eap_talk *talk);

/* The roles. */
void eap_server_begin(struct eap_talk *talk);
void eap_server_due(void *arg);
void eap_server_response(struct eap_talk *talk, uint8_t id, struct reader data);
void eap_server_rejected(struct eap_talk *talk);

void eap_client_begin(struct eap_talk *talk);
void eap_client_due(void *arg);
void eap_client_request(struct eap_talk *talk, uint8_t id, struct reader data);
void eap_client_success(struct eap_talk *talk);
void eap_client_failure(struct eap_talk *talk);
void eap_client_rejected(struct eap_talk *talk);

/* Secrets, for MD5 and MSCHAPv2. */

/* Whether a CHAP secret of the peer's is known, and one of our own. */
bool eap_can_ask_chap(const struct eap_talk *talk);
bool eap_can_answer_chap(const struct eap_talk *talk);
/* The peer's, who says that it is NAME: that is its name from now on, unless remotename says another, or it says none. */
bool eap_peer_secret(struct eap_talk *talk, struct reader name, struct secret *secret);
/* Our own for the server NAME. Says so where there is none, as "EAP: no WHAT secret for auth to NAME". */
bool eap_own_secret(const struct eap_talk *talk, struct reader name, const char *what, struct secret *secret);
/* Whether the peer's CHALLENGE is one of our own, which is not answered; says so. */
bool eap_is_reflected(const struct eap_talk *talk, struct reader challenge);
/* The bytes of a name as a string, as they came. g_free it. NULL: there is a NUL byte in it, or it is too long. */
char *eap_raw_name(struct reader name);
/* What the peer says, for the log: between double quotes that the caller puts there. g_free it. */
char *eap_quoted(struct reader text);

/* The files for TLS with PEER, and what a peer may do that shows a certificate (NULL: nobody asks). TLS_FILES' content is the caller's. */
bool eap_tls_find(const struct auth_base *base, bool server, const char *peer, struct tls_files *files, struct rights *rights);
void eap_tls_end(struct eap_tls *t);

#endif
