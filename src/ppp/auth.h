/* Authentication, both ways: who must prove what to whom on this link, and how (RFC 1661 §3.5). Owned by ppp.c; owns pap, chap and eap, which
 * do the talking; lcp_options.c asks it what may be negotiated. Limits, defaults and messages are pppd's. */
#ifndef SLIRPPD_PPP_AUTH_H
#define SLIRPPD_PPP_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "config.h"
#include "ppp/chap_ms.h"
#include "ppp/secrets.h"
#include "reader.h"
#include "status.h"

/* What the protocols of authentication are given. SEND, ENTER and LEAVE are those of struct cp_host (ppp/cp.h): ENTER and LEAVE are called
 * around everything that a timer starts. The others are told once for each try, by one of the protocols; auth.c makes them. */
struct auth_host {
	void (*send)(void *arg, uint16_t protocol, const uint8_t *packet, size_t len);
	void (*enter)(void *arg);
	void (*leave)(void *arg);
	/* The peer believes us; or it does not, or never answered (what happened has been logged). */
	void (*proved)(void *arg, uint16_t protocol);
	void (*refused)(void *arg, uint16_t protocol);
	/* The peer has proved that it is NAME (cleaned with %v of pppd); RIGHTS' content is the callee's from now on. Or it has not. */
	void (*peer_proved)(void *arg, uint16_t protocol, const char *name, struct rights *rights);
	void (*peer_failed)(void *arg, uint16_t protocol);
	/* Whether we have put this CHALLENGE to the peer: whoever sends it back wants our answer for its own. */
	bool (*is_ours)(void *arg, const uint8_t *challenge, size_t len);
	/* Keys for MPPE came of it: before proved() or peer_proved(). */
	void (*keys)(void *arg, enum auth_method method, const struct mppe_keys *keys);
};

/* All that they need: embedded in each of them. */
struct auth_base {
	const struct auth_config *config;
	const struct secrets *secrets;
	void *secrets_arg;
	struct clock *clock;
	const struct auth_host *host;
	void *host_arg;
	const char *peer_hint; /* remotename, or NULL */
};

struct auth_events {
	void (*send)(void *arg, uint16_t protocol, const uint8_t *packet, size_t len);
	void (*enter)(void *arg);
	void (*leave)(void *arg);
	/* All is proved that had to be (at once, from within auth_begin(), where nothing had to). */
	void (*done)(void *arg);
	/* The link cannot go on: close it. After done(), too: a rechallenge that fails. */
	void (*failed)(void *arg, const char *reason, enum exit_status status);
};

struct auth;

/* CONFIG, SECRETS, CLOCK and EVENTS must outlive it. */
struct auth *auth_new(const struct auth_config *config, const struct secrets *secrets, void *secrets_arg, struct clock *clock,
		      const struct auth_events *events, void *arg);
void auth_free(struct auth *auth);

/* LCP begins to negotiate anew: looks up what there are secrets for (pppd: once at every start of LCP). */
void auth_prepare(struct auth *auth);
/* Methods (bits of enum auth_method) that we can demand of the peer, and those by which we can prove ourselves, now. */
unsigned auth_can_demand(const struct auth *auth);
unsigned auth_can_prove(struct auth *auth);
/* Whether the link may go on when the peer proves nothing although config->required (allow-ip, or an empty name and password in pap-secrets). */
bool auth_may_do_without(const struct auth *auth);

/* LCP is up: the peer is to use THEIRS, we are to use OURS (one of enum auth_method each, or 0). Fails at once where the peer was to prove
 * itself, would not, and may not do without; or where need-peer-eap is not met. What the peer may do is then said here, too. */
void auth_begin(struct auth *auth, unsigned theirs, unsigned ours);
/* LCP is down: everything is forgotten, secrets and keys with it. */
void auth_end(struct auth *auth);

/* A packet of PAP, CHAP or EAP. False: that protocol was not negotiated in any direction, nothing was done. */
bool auth_input(struct auth *auth, uint16_t protocol, const uint8_t *packet, size_t len);
/* A Protocol-Reject for one of them came. */
void auth_protocol_rejected(struct auth *auth, uint16_t protocol);

/* Once done: the peer's proven name, or NULL; what it may do (NULL: it proved nothing, all is allowed but what allow_ip forbids). */
const char *auth_peer(const struct auth *auth);
const struct rights *auth_rights(const struct auth *auth);
/* Keys for MPPE, and which method they came of (0: none). TWICE: both directions used such a method, which pppd refuses with MPPE. */
const struct mppe_keys *auth_mppe_keys(const struct auth *auth, unsigned *method, bool *twice);

/* The protocol number of a method, and its name in messages: "PAP", "CHAP", "EAP". */
uint16_t auth_protocol(unsigned method);
const char *auth_protocol_name(uint16_t protocol);

/* For the protocols: our own secret for proving ourselves as config->user to SERVER (NULL: unknown): `password` where given, else the files'
 * (QUIET: with no word in the log). */
bool auth_own_secret(const struct auth_base *base, enum secret_kind kind, const char *server, bool quiet, struct secret *secret);
/* Whether a peer can be asked to prove itself: there is a secret of it, whose owner may use an address (pppd). */
bool auth_knows_peers(const struct auth_base *base, enum secret_kind kind);
/* A name from the wire as pppd's %v shows it (g_free it), NULL where a NUL byte or its length forbid it. */
char *auth_clean_name(const uint8_t *name, size_t len);
/* The names that we go by: as the one who demands, and as the one who proves; never NULL. */
const char *auth_our_name(const struct auth_base *base);
const char *auth_our_user(const struct auth_base *base);
/* For the log: what a peer says, as pppd's %v shows it; a name as its %q does. g_free them. */
char *auth_visible(struct reader text);
char *auth_quoted(const char *name);

#endif
