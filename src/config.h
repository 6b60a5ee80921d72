/* What this run was asked to do: one plain struct. compat/ fills it, everybody reads it, nobody parses anything after start.
 *
 * Addresses are IPv4 in host byte order; 0 means "not given". Strings are allocated with GLib and belong to the config; NULL
 * means "not given". */
#ifndef SLIRPPD_CONFIG_H
#define SLIRPPD_CONFIG_H

#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* Slirp's tradition (DESIGN: defaults). */
#define CONFIG_DEFAULT_LOCAL UINT32_C(0x0a000202)  /* 10.0.2.2 */
#define CONFIG_DEFAULT_REMOTE UINT32_C(0x0a00020f) /* 10.0.2.15 */
#define CONFIG_DEFAULT_DNS UINT32_C(0x0a000203)    /* 10.0.2.3 */

#define CONFIG_DEFAULT_MRU 1500
#define CONFIG_MIN_MRU 128
#define CONFIG_MAX_MRU 16384

/* Timers and counters of one control protocol (RFC 1661 §4.6), pppd's options PROTO-restart, PROTO-max-… */
struct cp_limits {
	unsigned restart;       /* seconds between retransmissions */
	unsigned max_configure; /* Configure-Requests to send */
	unsigned max_terminate; /* Terminate-Requests to send */
	unsigned max_failure;   /* Configure-Naks before turning to Rejects */
};

/* Ways to prove who one is (options require-…, refuse-…): bits. */
enum auth_method { AUTH_PAP = 1, AUTH_CHAP_MD5 = 2, AUTH_MSCHAP = 4, AUTH_MSCHAP_V2 = 8, AUTH_EAP = 16 };
#define AUTH_CHAPS (AUTH_CHAP_MD5 | AUTH_MSCHAP | AUTH_MSCHAP_V2)
#define AUTH_NAME_MAX 255 /* bytes of a name or of a secret */

/* Programs that are run when something has happened (/etc/ppp/ip-up and its kin). */
enum hook {
	HOOK_NET_INIT, HOOK_NET_PRE_UP, HOOK_NET_DOWN, HOOK_AUTH_UP, HOOK_AUTH_DOWN,
	HOOK_IP_PRE_UP, HOOK_IP_UP, HOOK_IP_DOWN, HOOK_IPV6_UP, HOOK_IPV6_DOWN, HOOKS
};

enum octets_direction { OCTETS_SUM, OCTETS_IN, OCTETS_OUT, OCTETS_MAX };

/* Which packets count: an expression of libpcap's language, or a compiled program in a file. Both NULL: all. */
struct filter_config {
	char *expression;
	char *precompiled; /* path */
};

enum tls_verify { TLS_VERIFY_NONE, TLS_VERIFY_SUBJECT, TLS_VERIFY_NAME, TLS_VERIFY_SUFFIX };

/* EAP-TLS: paths, as given; NULL: not given, and the eaptls files may name them. */
struct tls_config {
	char *ca, *capath, *cert, *key, *pkcs12, *crl, *crl_dir;
	unsigned max_version; /* 10 * major + minor; 12 by default */
	bool verify_key_usage;
	enum tls_verify verify;
};

struct auth_config {
	bool required;    /* auth: the peer must prove who it is */
	unsigned require; /* methods that it may use; 0 with `required`: each for which there is a secret */
	unsigned refuse;  /* methods that we never use ourselves */
	char *name;       /* our name, in secrets files and as a server: host name (and domain) unless given */
	char *user;       /* the name that we present: `name` unless given */
	char *password;   /* that we present; NULL: look into the secrets files */
	char *remote_name; /* the peer's name in secrets files; NULL: as it says itself */
	char *pap_secrets, *chap_secrets; /* paths; NULL: the usual ones */
	bool papcrypt;    /* secrets of peers in pap-secrets are hashes only */
	bool strip_domain; /* chapms-strip-domain */
	bool need_peer_eap;
	GArray *allow_ip; /* of struct address_rule: what a peer that need not prove anything may use; empty: anything */
	char *remote_number;
	GPtrArray *allow_numbers; /* of char * */
	struct { unsigned restart, max_requests, timeout; } pap;               /* seconds; timeout 0: for ever */
	struct { unsigned restart, max_challenges, interval, timeout; } chap;  /* interval 0: no rechallenge */
	struct { unsigned restart, max_requests, interval, timeout, max_answers; } eap; /* the last two: as a client */
	struct tls_config tls;
};

/* An entry of a secrets line's address column, or of allow-ip; the first that matches decides. */
struct address_rule {
	bool permit;
	uint32_t address, mask; /* host byte order */
};

#define MPPE_40 1
#define MPPE_128 2

struct ccp_config {
	bool enabled;       /* off: noccp */
	/* Code sizes or window sizes (9 to 15 bits) that we ask the peer to send with, and that we send with at most; 0: not at all. */
	unsigned bsd_receive, bsd_send;
	unsigned deflate_receive, deflate_send;
	bool deflate_draft; /* the old option number, too; off: nodeflatedraft */
	bool mppe_required;
	unsigned mppe;      /* MPPE_40, MPPE_128: what may be used; 0: no MPPE */
	bool mppe_stateful; /* the peer may insist on it */
	struct cp_limits limits;
};

struct ipv6cp_config {
	bool enabled;       /* off: noipv6 */
	uint64_t local, remote; /* interface identifiers; 0: none given */
	bool accept_local, accept_remote;
	bool use_ipaddr;    /* identifiers from IPv4 addresses */
	bool use_persistent; /* ours from an Ethernet address */
	bool use_remotenumber;
	bool noremote, nosend;
	struct cp_limits limits;
};

struct lcp_config {
	bool neg_mru;      /* off: default-mru; the option is neither asked for nor accepted */
	bool neg_asyncmap; /* off: default-asyncmap */
	bool neg_magic;    /* off: nomagic */
	bool neg_pcomp;    /* off: nopcomp */
	bool neg_accomp;   /* off: noaccomp */
	bool no_endpoint;  /* noendpoint: reject the peer's endpoint discriminator (otherwise acknowledged and ignored) */
	uint16_t mru;      /* the MRU that we ask for; 1500 is not sent */
	uint16_t mtu;      /* upper bound for what we send; 0: none given */
	uint32_t asyncmap; /* what the peer is to escape towards us */
	uint8_t escape[32]; /* bit C (escape[C / 8] >> C % 8): `escape`: byte C is escaped when sending, whatever the peer asks */
	bool receive_all;  /* do not drop unescaped control characters that are in the receive ACCM */
	bool passive, silent;
	unsigned echo_interval; /* seconds; 0: none */
	unsigned echo_failure;  /* 0: never give up */
	bool echo_adaptive;
	char *rtt_file;   /* lcp-rtt-file */
	char *callback;   /* the number at which we are to be called back; NULL: no callback is asked for */
	struct cp_limits limits;
};

struct ipcp_config {
	bool enabled;        /* off: noip */
	uint32_t local;      /* our address */
	uint32_t remote;     /* the peer's */
	bool local_default;  /* `local` is the program's own default: it gives way to whatever the peer insists on */
	bool remote_default; /* likewise `remote` */
	bool accept_local, accept_remote; /* ipcp-accept-local, ipcp-accept-remote */
	bool no_address;   /* ipcp-no-address: do not negotiate the IP-Address option */
	bool no_addresses; /* ipcp-no-addresses: refuse the obsolete IP-Addresses option */
	bool noremoteip, nosendip;
	bool vj, vj_cid;   /* off: novj, novjccomp */
	unsigned vj_max_slots;
	uint32_t dns[2];   /* ms-dns: told to a peer that asks */
	uint32_t wins[2];  /* ms-wins */
	uint32_t own_dns;  /* told to a peer that asks where no ms-dns is given: libslirp's resolver; 0 for none */
	bool usepeerdns, usepeerwins;
	struct cp_limits limits;
};

enum line_kind { LINE_TTY, LINE_NOTTY, LINE_PTY, LINE_SOCKET };
enum line_flow { FLOW_UNCHANGED, FLOW_NONE, FLOW_CRTSCTS };

struct line_config {
	enum line_kind kind;
	char *device;     /* LINE_TTY: path as given (absolute, or /dev/ put before it); NULL: the terminal on standard input */
	char *pty;        /* LINE_PTY: shell command */
	char *socket;     /* LINE_SOCKET: HOST:PORT */
	unsigned speed;   /* bits a second; 0: leave as it is */
	enum line_flow flow;
	bool xonxoff;
	bool modem;       /* on by default: carrier and DTR are used; `local` turns it off */
	bool lock;        /* UUCP lock file */
	unsigned stop_bits;
	bool sync;        /* synchronous framing */
	char *init, *connect, *disconnect, *welcome; /* shell commands on the line */
	const GPtrArray *script_env; /* struct config's, for those programs */
	char *record;     /* all bytes go to this file, too, as pppdump reads them */
	unsigned datarate; /* bytes a second that are written at most, where the line is no terminal or is recorded; 0: no limit */
	unsigned connect_delay_ms;
};

enum net_backend { NET_SLIRP, NET_TUN };

#define CONFIG_TCP 6
#define CONFIG_UDP 17

#define CONFIG_NAME_MAX 32

/* service [udp:]PORT[:HOST:PORT][,max=N][,idle=SECONDS][,name=TEXT]; HOST may be an IPv6 address in brackets */
struct service {
	uint8_t protocol; /* CONFIG_TCP or CONFIG_UDP */
	uint16_t port;    /* at our PPP address */
	uint32_t host;    /* where it leads: 127.0.0.1 unless given */
	uint16_t host_port;
	unsigned max;     /* conversations at once; 0: as max-flows-per-service says */
	unsigned idle;    /* seconds without a packet after which a conversation is ended; 0: none but the protocol's own */
	char name[CONFIG_NAME_MAX]; /* for people; may be empty */
	struct in6_addr host6; /* where it leads instead of `host`; :: where that is no IPv6 address */
};

/* forward [udp:][BIND:]PORT:[HOST:]PORT; BIND and HOST may be IPv6 addresses in brackets, BIND only where HOST is one, too */
struct forward {
	uint8_t protocol;
	uint32_t bind; /* 127.0.0.1 unless given; 0.0.0.0 is 0 */
	uint16_t port;
	uint32_t host; /* 0: the peer, unless HOST6 is given */
	uint16_t host_port;
	bool binds6; /* BIND6 instead of BIND */
	struct in6_addr bind6;
	struct in6_addr host6; /* :: where it is no IPv6 address */
};

/* permit-from, deny-from, permit-to, deny-to CIDR[:PORT]: the first rule of a list that matches decides; where none does, the packet
 * may pass if the list is empty or ends with a deny, and may not if it ends with a permit. */
struct access_rule {
	bool permit;
	struct in6_addr addr; /* an IPv4 address as ::ffff:a.b.c.d */
	uint8_t prefix;       /* of 128 bits */
	uint16_t port;        /* 0: all */
};

/* Where a server of ours listens. */
struct listen_address {
	char host[INET6_ADDRSTRLEN]; /* numeric */
	uint16_t port;
	bool optional; /* metrics: where it is taken, that is a warning (a PyLiRP configuration named it) */
};

/* As DESIGN says: on, and so generous that nobody meets them by accident. */
#define CONFIG_RATE_LIMIT 5000
#define CONFIG_RATE_BURST 10000
#define CONFIG_MAX_FLOWS 2048
#define CONFIG_MAX_FLOWS_PER_SERVICE 1024

struct net_config {
	enum net_backend backend;
	bool restrict_peer; /* `restrict`: services and nothing else */
	bool host_loopback; /* every port of 127.0.0.1 at our address */
	GArray *services;   /* of struct service */
	GArray *forwards;   /* of struct forward */
	GArray *from, *to;  /* of struct access_rule: the peer's addresses, and where it may go */
	unsigned rate, burst; /* new conversations of the peer a second, and at once; 0: no limit */
	unsigned max_flows, max_flows_per_service; /* that the peer has opened at once; 0: no limit but the system's */
	unsigned lockout_refusals, lockout_seconds; /* so many refused connections within a minute lock the peer's new conversations out; 0: never */
	GArray *socks;      /* of struct listen_address */
	char *socks_user, *socks_password;
	char *proxy;        /* socks5://… or http://…: the peer's TCP to the world leaves through it */
	int unit;           /* -1: the first free */
	char *ifname;       /* instead of pppN */
	/* NET_TUN: routes through the peer while IPv4 or IPv6 is up, and what else belongs to an interface. */
	bool defaultroute, replacedefaultroute, defaultroute6, proxyarp;
	int metric, metric6; /* of the default routes; -1: the kernel's own */
	uint32_t netmask;    /* 0: none given */
	char *vrf;
	struct filter_config pass; /* packets that may pass, either way, with both backends */
};

struct config {
	char *program; /* argv[0] as it was */
	const char *folder; /* of hook scripts and resolv.conf: /etc/slirppd, or /etc/ppp where we stand in for pppd; a constant */
	struct lcp_config lcp;
	struct auth_config auth;
	struct ipcp_config ipcp;
	struct ipv6cp_config ipv6cp;
	struct ccp_config ccp;
	struct line_config line;
	struct net_config net;

	int debug;          /* how often it was given */
	bool show_password;
	char *logfile;
	int logfd;          /* 1 by default, -1 with nolog */
	bool logfd_given;

	bool nodetach, updetach;
	bool up_sdnotify;   /* READY=1 to $NOTIFY_SOCKET when the link is up; nodetach is set, too */
	bool persist;
	unsigned maxfail;   /* 0: no limit */
	unsigned holdoff;   /* seconds */
	bool demand;        /* dial when there is traffic; persist is set, too */
	unsigned maxconnect, idle; /* seconds; 0: none */
	unsigned minconnect; /* idle counts only after so long; 0: at once */
	unsigned maxoctets, mo_timeout; /* 0: no limit; seconds between two looks at it */
	enum octets_direction mo_direction;
	struct filter_config active; /* packets that count for idle and demand */
	char *ipparam, *linkname;
	char *call_file;    /* NAME of the last `call NAME` */
	char *hooks[HOOKS]; /* paths; NULL: the usual one */
	unsigned child_timeout; /* seconds that hooks have at the end; 0: as long as they like */
	GPtrArray *script_env;  /* of char *, in order: NAME=VALUE sets, NAME alone removes a variable, for hooks and scripts on the line */
	bool noresolvconf;
	char *promptprog;   /* asks for the password, where none is given */
	bool dump, dryrun;

	char *control;          /* path of the control socket */
	GArray *metrics;        /* of struct listen_address: the same over TCP, read-only */
	char *capture;          /* a pcapng file of all frames */
	unsigned capture_size;  /* bytes after which it is rotated; 0: never */
	bool logfile_optional;  /* where `logfile` cannot be opened, that is a warning (a PyLiRP configuration named it) */
};

/* A copy of everything, arrays and strings too; end it with net_config_clear(). TO is overwritten. */
void net_config_copy(struct net_config *to, const struct net_config *from);
void net_config_clear(struct net_config *net);

/* A config with every default set; free it with config_free(). */
struct config *config_new(void);
void config_free(struct config *config);

/* Fills in what follows from what was given, once every option is read: default addresses (local and remote where not given,
 * never equal to each other; where one was given, the other is in its /24), the DNS address to offer, holdoff without a connect
 * script (0), modem and lock off where the line is no terminal, nodetach where the line is on standard input. LOCAL_WANTED is
 * false with noipdefault. Returns NULL, or one line (static) that says what contradicts what. */
const char *config_finish(struct config *config, bool local_wanted, bool holdoff_given);

/* ENVIRONMENT (taken) with CHANGES (script_env; NULL: none) made to it, in their order. For g_strfreev(). */
char **config_environment(char **environment, const GPtrArray *changes);

#endif
