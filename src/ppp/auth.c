/* Who must prove what to whom, and whether all is proved (RFC 1661 §3.5): see auth.h. Called by ppp.c and lcp_auth.c; calls pap.c, chap.c and
 * eap.c.
 *
 * Theory of operation. Before LCP negotiates, auth_prepare() finds out what both sides could use at all; LCP settles on at most one method in
 * each direction; auth_begin() starts those, and what each of them reports ends up in settle() or fail(). Either may close the link, and
 * with that call auth_end() while a protocol is still in the middle of something: so a protocol reports last of all, and touches nothing
 * of its own afterwards. */
#include "ppp/auth.h"

#include <glib.h>
#include <string.h>

#include "log.h"
#include "ppp/chap.h"
#include "ppp/eap.h"
#include "ppp/pap.h"
#include "ppp/ppp.h"
#include "ppp/print.h"

#define AUTH_ALL (AUTH_PAP | AUTH_CHAPS | AUTH_EAP)

enum { PENDING_PEER = 1, PENDING_US = 2 };

struct auth {
	struct auth_base base;
	const struct auth_events *events;
	void *arg;
	struct pap *pap;
	struct chap *chap;
	struct eap *eap;

	unsigned demand, prove; /* what there are secrets for; `prove` if prove_known */
	bool prove_known;
	unsigned theirs, ours;  /* methods in use */
	unsigned pending;
	char *peer;
	struct rights rights;
	bool restricted; /* `rights` holds */
	struct mppe_keys keys;
	unsigned key_method;
	bool twice;
};

/* Protocols, and what each of them is called in the log. */

static const struct {
	unsigned methods;
	uint16_t protocol;
	const char *name;
} protocols[] = {
	{ AUTH_PAP, PPP_PAP, "PAP" },
	{ AUTH_CHAPS, PPP_CHAP, "CHAP" },
	{ AUTH_EAP, PPP_EAP, "EAP" },
};

uint16_t auth_protocol(unsigned method)
{
	for (size_t i = 0; i < G_N_ELEMENTS(protocols); i++) {
		if (protocols[i].methods & method)
			return protocols[i].protocol;
	}
	return 0;
}

const char *auth_protocol_name(uint16_t protocol)
{
	for (size_t i = 0; i < G_N_ELEMENTS(protocols); i++) {
		if (protocols[i].protocol == protocol)
			return protocols[i].name;
	}
	return NULL;
}

/* Names and secrets, for the protocols. */

const char *auth_our_name(const struct auth_base *base)
{
	return base->config->name ? base->config->name : "";
}

const char *auth_our_user(const struct auth_base *base)
{
	return base->config->user ? base->config->user : auth_our_name(base);
}

bool auth_own_secret(const struct auth_base *base, enum secret_kind kind, const char *server, bool quiet, struct secret *secret)
{
	const char *password = base->config->password;

	if (password)
		return secret_set(secret, password, strlen(password));
	return base->secrets->find(base->secrets_arg, kind, auth_our_user(base), server, quiet, secret, NULL);
}

char *auth_visible(struct reader text)
{
	GString *s = g_string_new(NULL);

	print_visible(s, &text);
	return g_string_free(s, FALSE);
}

char *auth_clean_name(const uint8_t *name, size_t len)
{
	if (len > AUTH_NAME_MAX || (len > 0 && memchr(name, '\0', len)))
		return NULL;
	char *clean = auth_visible(reader_new(name, len));
	if (strlen(clean) > AUTH_NAME_MAX)
		g_clear_pointer(&clean, g_free);
	return clean;
}

char *auth_quoted(const char *name)
{
	GString *s = g_string_new(NULL);

	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			g_string_append_c(s, '\\');
		g_string_append_c(s, *name);
	}
	return g_string_free(s, FALSE);
}

/* How it ends. */

static void fail(struct auth *auth, const char *reason, enum exit_status status)
{
	auth->events->failed(auth->arg, reason, status);
}

static void done(struct auth *auth)
{
	const char *number = auth->base.config->remote_number;

	if (number && *number) {
		char *quoted = auth_quoted(number);
		log_notice("peer from calling number %s authorized", quoted);
		g_free(quoted);
	}
	auth->events->done(auth->arg);
}

static void settle(struct auth *auth, unsigned what)
{
	if (!(auth->pending & what))
		return;
	auth->pending &= ~what;
	if (!auth->pending)
		done(auth);
}

/* What the protocols report. */

static void on_send(void *arg, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct auth *auth = arg;

	auth->events->send(auth->arg, protocol, packet, len);
}

static void on_enter(void *arg)
{
	struct auth *auth = arg;

	auth->events->enter(auth->arg);
}

static void on_leave(void *arg)
{
	struct auth *auth = arg;

	auth->events->leave(auth->arg);
}

static void on_proved(void *arg, uint16_t protocol)
{
	log_notice("%s authentication succeeded", auth_protocol_name(protocol));
	settle(arg, PENDING_US);
}

static void on_refused(void *arg, uint16_t protocol)
{
	(void)protocol;
	fail(arg, "Failed to authenticate ourselves to peer", EXIT_AUTH_TOPEER_FAILED);
}

/* Proofs that an interval asks for change nothing: the rights of the first are in use. But they have to be the same peer's. */
static void proved_again(struct auth *auth, const char *name)
{
	if (strcmp(name, auth->peer) == 0)
		return;
	char *quoted = auth_quoted(name);
	log_warn("The peer has become %s: terminating link", quoted);
	g_free(quoted);
	fail(auth, "Authentication failed", EXIT_PEER_AUTH_FAILED);
}

static void on_peer_proved(void *arg, uint16_t protocol, const char *name, struct rights *rights)
{
	struct auth *auth = arg;

	if (auth->peer) {
		rights_clear(rights);
		proved_again(auth, name);
		return;
	}
	char *quoted = auth_quoted(name);
	log_notice("Peer %s authenticated with %s", quoted, auth_protocol_name(protocol));
	g_free(quoted);
	auth->peer = g_strdup(name);
	auth->rights = *rights;
	*rights = (struct rights){ 0 };
	auth->restricted = true;
	settle(auth, PENDING_PEER);
}

static void on_peer_failed(void *arg, uint16_t protocol)
{
	(void)protocol;
	fail(arg, "Authentication failed", EXIT_PEER_AUTH_FAILED);
}

/* CHAP and EAP hash alike, so that a challenge of the one may come back in the other. */
static bool on_is_ours(void *arg, const uint8_t *challenge, size_t len)
{
	const struct auth *auth = arg;

	return chap_has_asked(auth->chap, challenge, len) || eap_has_asked(auth->eap, challenge, len);
}

/* Of a rechallenge come none: MPPE has long begun with the first ones. */
static void on_keys(void *arg, enum auth_method method, const struct mppe_keys *keys)
{
	struct auth *auth = arg;

	if (!auth->pending)
		return;
	auth->twice = auth->key_method != 0;
	auth->key_method = method;
	auth->keys = *keys;
}

static const struct auth_host host = {
	.send = on_send,
	.enter = on_enter,
	.leave = on_leave,
	.proved = on_proved,
	.refused = on_refused,
	.peer_proved = on_peer_proved,
	.peer_failed = on_peer_failed,
	.is_ours = on_is_ours,
	.keys = on_keys,
};

/* What is possible. */

static unsigned wanted(const struct auth_config *config)
{
	if (!config->required)
		return 0;
	return config->require ? config->require : AUTH_ALL;
}

bool auth_knows_peers(const struct auth_base *base, enum secret_kind kind)
{
	struct rights rights = { 0 };
	bool found = base->secrets->find(base->secrets_arg, kind, base->peer_hint, auth_our_name(base), true, NULL, &rights);
	bool useful = found && rights_let_an_address(&rights);

	rights_clear(&rights);
	return useful;
}

static bool knows_ours(const struct auth_base *base, enum secret_kind kind)
{
	return base->secrets->find(base->secrets_arg, kind, auth_our_user(base), base->peer_hint, true, NULL, NULL);
}

static unsigned can_demand(const struct auth *auth)
{
	unsigned want = wanted(auth->base.config);

	if ((want & AUTH_PAP) && !auth_knows_peers(&auth->base, SECRET_PAP))
		want &= ~(unsigned)AUTH_PAP;
	if ((want & AUTH_CHAPS) && !auth_knows_peers(&auth->base, SECRET_CHAP))
		want &= ~(unsigned)AUTH_CHAPS;
	if ((want & AUTH_EAP) && !eap_can_demand(auth->eap))
		want &= ~(unsigned)AUTH_EAP;
	return want;
}

/* An empty password is one for CHAP; for PAP it has to be in the file (pppd). */
static unsigned can_prove(const struct auth *auth)
{
	unsigned may = AUTH_ALL & ~auth->base.config->refuse;
	const char *password = auth->base.config->password;

	if ((may & AUTH_PAP) && !(password && *password) && !knows_ours(&auth->base, SECRET_PAP))
		may &= ~(unsigned)AUTH_PAP;
	if ((may & AUTH_CHAPS) && !password && !knows_ours(&auth->base, SECRET_CHAP))
		may &= ~(unsigned)AUTH_CHAPS;
	if ((may & AUTH_EAP) && !eap_can_prove(auth->eap))
		may &= ~(unsigned)AUTH_EAP;
	return may;
}

void auth_prepare(struct auth *auth)
{
	auth->demand = can_demand(auth);
	auth->prove_known = false;
}

unsigned auth_can_demand(const struct auth *auth)
{
	return auth->demand;
}

/* Most peers never ask: no file is opened before one does. */
unsigned auth_can_prove(struct auth *auth)
{
	if (!auth->prove_known)
		auth->prove = can_prove(auth);
	auth->prove_known = true;
	return auth->prove;
}

/* As if the peer had sent PAP's empty name and empty password. */
static bool null_login(const struct auth *auth, struct rights *rights)
{
	const struct auth_base *base = &auth->base;

	return (wanted(base->config) & AUTH_PAP) && base->secrets->pap_null_login(base->secrets_arg, auth_our_name(base), rights);
}

static bool has_free_addresses(const struct auth *auth)
{
	const GArray *allow = auth->base.config->allow_ip;

	return allow && allow->len > 0;
}

bool auth_may_do_without(const struct auth *auth)
{
	return has_free_addresses(auth) || null_login(auth, NULL);
}

/* From LCP's up to its down. */

/* Whether the peer, which would prove nothing, may go on; and with what rights. */
static bool admit_unproved(struct auth *auth)
{
	if (!auth->base.config->required || has_free_addresses(auth))
		return true;
	auth->restricted = null_login(auth, &auth->rights);
	if (auth->restricted)
		return true;
	log_warn("peer refused to authenticate: terminating link");
	fail(auth, "peer refused to authenticate", EXIT_PEER_AUTH_FAILED);
	return false;
}

/* need-peer-eap: the peer has to make us prove ourselves by EAP. */
static bool has_needed_eap(struct auth *auth, unsigned ours)
{
	if (!auth->base.config->need_peer_eap)
		return true;
	bool able = auth_can_prove(auth) & AUTH_EAP;
	if (able && ours == AUTH_EAP)
		return true;
	log_warn("%s", able ? "peer doesn't want to authenticate us with eap" : "eap required to authenticate us but no suitable secrets");
	fail(auth, "couldn't negotiate eap", able ? EXIT_PEER_AUTH_FAILED : EXIT_AUTH_TOPEER_FAILED);
	return false;
}

static void demand(struct auth *auth, unsigned method)
{
	if (method & AUTH_PAP)
		pap_demand(auth->pap);
	else if (method & AUTH_CHAPS)
		chap_demand(auth->chap, (enum auth_method)method);
	else if (method & AUTH_EAP)
		eap_demand(auth->eap);
}

static void prove(struct auth *auth, unsigned method)
{
	if (method & AUTH_PAP)
		pap_prove(auth->pap);
	else if (method & AUTH_CHAPS)
		chap_prove(auth->chap, (enum auth_method)method);
	else if (method & AUTH_EAP)
		eap_prove(auth->eap);
}

void auth_begin(struct auth *auth, unsigned theirs, unsigned ours)
{
	auth_end(auth);
	if (!theirs && !admit_unproved(auth))
		return;
	if (!has_needed_eap(auth, ours))
		return;
	auth->theirs = theirs;
	auth->ours = ours;
	auth->pending = (theirs ? PENDING_PEER : 0) | (ours ? PENDING_US : 0);
	if (!auth->pending) {
		done(auth);
		return;
	}
	demand(auth, theirs);
	if (auth->ours == ours)
		prove(auth, ours);
}

void auth_end(struct auth *auth)
{
	pap_end(auth->pap);
	chap_end(auth->chap);
	eap_end(auth->eap);
	auth->theirs = auth->ours = auth->pending = 0;
	g_clear_pointer(&auth->peer, g_free);
	rights_clear(&auth->rights);
	auth->restricted = false;
	explicit_bzero(&auth->keys, sizeof(auth->keys));
	auth->key_method = 0;
	auth->twice = false;
}

static bool in_use(const struct auth *auth, uint16_t protocol)
{
	return protocol != 0 && (auth_protocol(auth->theirs) == protocol || auth_protocol(auth->ours) == protocol);
}

bool auth_input(struct auth *auth, uint16_t protocol, const uint8_t *packet, size_t len)
{
	if (!in_use(auth, protocol))
		return false;
	if (protocol == PPP_PAP)
		pap_input(auth->pap, packet, len);
	else if (protocol == PPP_CHAP)
		chap_input(auth->chap, packet, len);
	else
		eap_input(auth->eap, packet, len);
	return true;
}

void auth_protocol_rejected(struct auth *auth, uint16_t protocol)
{
	if (!in_use(auth, protocol))
		return;
	if (protocol == PPP_PAP)
		pap_protocol_rejected(auth->pap);
	else if (protocol == PPP_CHAP)
		chap_protocol_rejected(auth->chap);
	else
		eap_protocol_rejected(auth->eap);
}

const char *auth_peer(const struct auth *auth)
{
	return auth->peer;
}

const struct rights *auth_rights(const struct auth *auth)
{
	return auth->restricted ? &auth->rights : NULL;
}

const struct mppe_keys *auth_mppe_keys(const struct auth *auth, unsigned *method, bool *twice)
{
	*method = auth->key_method;
	*twice = auth->twice;
	return &auth->keys;
}

struct auth *auth_new(const struct auth_config *config, const struct secrets *secrets, void *secrets_arg, struct clock *clock,
		      const struct auth_events *events, void *arg)
{
	struct auth *auth = g_new0(struct auth, 1);

	auth->base = (struct auth_base){
		.config = config,
		.secrets = secrets,
		.secrets_arg = secrets_arg,
		.clock = clock,
		.host = &host,
		.host_arg = auth,
		.peer_hint = config->remote_name,
	};
	auth->events = events;
	auth->arg = arg;
	auth->pap = pap_new(&auth->base);
	auth->chap = chap_new(&auth->base);
	auth->eap = eap_new(&auth->base);
	return auth;
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	auth_end(auth);
	pap_free(auth->pap);
	chap_free(auth->chap);
	eap_free(auth->eap);
	g_free(auth);
}
