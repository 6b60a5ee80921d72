/* What the files of session.c's room share; nobody else includes it. */
#ifndef SLIRPPD_SESSION_INTERNAL_H
#define SLIRPPD_SESSION_INTERNAL_H

#include "expiry.h"
#include "hooks.h"
#include "line/line.h"
#include "net/filter.h"
#include "rtt.h"
#include "session.h"
#include "transfer.h"

enum stage {
	STAGE_REST,    /* before the first try, and after the last */
	STAGE_DORMANT, /* demand: a packet that counts opens the line */
	STAGE_OPENING, /* the line is being opened: scripts, carrier */
	STAGE_LINK,    /* PPP is spoken */
	STAGE_CLOSING, /* the line is being closed: disconnect script */
	STAGE_HOLDOFF
};

struct session {
	const struct config *config;
	const struct secrets *secrets;
	void *secrets_arg;
	struct loop *loop;
	const struct session_events *events;
	void *arg;

	struct line *line;
	struct ppp *ppp;
	struct net *net;
	struct transfer *transfer;
	char name[16];   /* ppp0 */
	char *link_name; /* ppp-LINKNAME, where one was given */

	const struct config *next; /* for the next try, or NULL */
	const struct config *peer_config; /* instead of `config`, for the peer that proved who it is; or NULL */
	struct hooks *hooks;
	struct limits *limits;
	struct filter *pass, *active; /* NULL: every packet */
	struct demand *demand; /* NULL: it is not asked for, or cannot be */
	struct ppp_addresses pending; /* IPCP is up, and a script that has to end first still runs; else all 0 */
	struct ppp_addresses addresses;     /* of IPv4; all 0 while it is down */
	struct ppp_identifiers identifiers; /* of IPv6, likewise */
	struct capture *capture;
	struct rtt *rtt;  /* lcp-rtt-file, since the first echo of this link */
	bool rtt_failed;
	struct ppp_counters past;  /* of earlier tries */
	uint64_t past_dropped;     /* in queues of earlier configurations */
	unsigned attempts;

	enum stage stage;
	enum session_state state;
	uint64_t state_since;
	bool parked;  /* hung up until session_redial() */
	bool redial;  /* try anew at once, whatever persist and holdoff say */
	enum exit_status status;
	bool quit;          /* no further try, whatever persist says */
	bool close_asked;   /* by a signal, while the line was being opened */
	bool need_holdoff;  /* the end was not of our own or the line's making */
	bool was_up;        /* this try had a network protocol up */
	bool had_ip;        /* IPv4, at that */
	unsigned unsuccess; /* tries since a network protocol last came up */
	unsigned failures;  /* tries since the line last was opened */
	bool named;         /* net-init was run for this line, or runs ... */
	bool naming;        /* ... still: PPP waits for it */
	struct timer holdoff;
};

/* session_networks.c: hooks, filters and limits. False, with *WHY (g_free() it), when a filter is wrong. */
bool session_open_networks(struct session *s, char **why);
void session_free_networks(struct session *s);
/* Another configuration holds from now on. */
bool session_set_filters(struct session *s, char **why);
extern const struct net_events session_net_events;
/* The backend learns which networks are up now. False: it cannot serve them, which has been logged. */
bool session_update_net(struct session *s);
/* The N of pppN. */
unsigned session_unit(const struct session *s);
/* A packet for the peer that may pass. */
void session_to_peer(struct session *s, const uint8_t *packet, size_t len);
/* PPP's events of networks and of who the peer is. */
void session_ip(void *arg, uint8_t *packet, size_t len);
void session_ip_up(void *arg, const struct ppp_addresses *addresses);
void session_ip_down(void *arg);
void session_ipv6_up(void *arg, const struct ppp_identifiers *identifiers);
void session_ipv6_down(void *arg);
void session_announced(void *arg, bool six);
void session_authenticated(void *arg, const char *peer, char **options);
/* The line is there, or (not UP) gone: what hooks are told of it. */
void session_tell_line(struct session *s, bool up);
/* LCP is no longer open. */
void session_unauthenticated(struct session *s);

/* session.c, for session_demand.c: waits for traffic; tries anew; ends for good. */
void session_sleep(struct session *s);
void session_attempt(struct session *s);
void session_give_up(struct session *s, enum exit_status status);

/* session_demand.c. Makes the interface, and sees to it that the line is opened when there is traffic. False: it is to be opened now. */
bool session_demand_start(struct session *s);
void session_demand_free(struct session *s);
/* Another configuration holds from now on. */
void session_demand_configure(struct session *s);
/* What IPCP goes by, with demand or without. */
const struct ipcp_config *session_demand_ipcp(const struct session *s);
/* What follows is for sessions with `demand` alone. The interface's addresses while IPv4 is down; IPv4 came up with A; what waited goes to the
 * peer, or is forgotten (this for any session); a packet came while IPv4 is down. */
void session_demand_link(const struct session *s, struct net_link *link);
void session_demand_addresses(struct session *s, const struct ppp_addresses *a);
void session_demand_release(struct session *s);
void session_demand_discard(struct session *s);
void session_demand_packet(struct session *s, const uint8_t *packet, size_t len);

/* Counters begin anew with each try, those of packets with each time that IPCP comes up: both add C to SUM. */
void session_add_frames(struct ppp_counters *sum, const struct ppp_counters *c);
void session_add_traffic(struct ppp_counters *sum, const struct ppp_counters *c);

#endif
