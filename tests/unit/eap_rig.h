/* A test rig: two ends of EAP joined in virtual time, or one whose peer is the test. Packets are hexadecimal text; what the ends report and log
 * is kept as text. */
#ifndef SLIRPPD_TEST_EAP_RIG_H
#define SLIRPPD_TEST_EAP_RIG_H

#include <glib.h>

#include "clock.h"
#include "config.h"
#include "ppp/auth.h"
#include "ppp/eap.h"

struct eap_rig;

struct eap_end {
	struct eap_rig *rig;
	struct auth_config config; /* strings are the test's: constants */
	struct auth_base base;
	struct eap *eap;
	GString *events;           /* "proved;", "refused;", "peer bob;", "peer failed;", "keys;" */
	struct mppe_keys keys;
	GString *last;             /* the packet sent last; empty: none */
	unsigned sent;
	size_t longest;
};

struct eap_secret {
	const char *client, *server, *secret; /* "*": any */
};

struct eap_rig {
	struct clock clock;
	struct eap_end server, client;
	struct eap_secret secrets[4];      /* of chap-secrets, for both */
	struct tls_files server_files, client_files; /* of the eaptls files; no own_cert: no line */
	GQueue wire;
	GString *log;
	GRand *rand;
	double loss, duplicate;
	unsigned lose; /* exactly the packet of this number, from 1 on */
	unsigned carried;
	bool cut;
	void (*meddle)(uint8_t *packet, size_t len); /* or NULL */
};

/* bob proves to srv that he knows "secret", with pppd's counts and times. */
struct eap_rig *eap_rig_new(void);
void eap_rig_free(struct eap_rig *rig);

/* Makes the ends (change configurations before), starts both, or one. */
void eap_rig_start(struct eap_rig *rig);
void eap_rig_start_server(struct eap_rig *rig);
void eap_rig_start_client(struct eap_rig *rig);

/* Lets time pass; packets take none. */
void eap_rig_run(struct eap_rig *rig, uint64_t microseconds);

/* Gives END a packet (the length field "...." of a packet is filled in). */
void eap_rig_feed(struct eap_end *end, const char *hex);

/* What END sent last matches PATTERN: blanks are ignored, `?` is any digit, a `*` at the end is anything. */
bool eap_rig_sent(struct eap_end *end, const char *pattern);

/* A log line begins with TEXT. */
bool eap_rig_logged(struct eap_rig *rig, const char *text);

#endif
