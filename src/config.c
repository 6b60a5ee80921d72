/* The defaults of a run, and what follows from what was given. compat/ fills the struct between config_new() and config_finish();
 * numbers are pppd's (lcp.c, ipcp.c and its manual), addresses are slirp's tradition. */
#include "config.h"

#include <string.h>

#define NET_24 UINT32_C(0xffffff00)

static const struct cp_limits default_limits = {
	.restart = 3,
	.max_configure = 10,
	.max_terminate = 2,
	.max_failure = 5,
};

/* pppd gives IPCP more patience: peers with a pool of addresses Nak for long. */
#define IPCP_MAX_FAILURE 100

static void lcp_defaults(struct lcp_config *lcp)
{
	lcp->neg_mru = lcp->neg_asyncmap = lcp->neg_magic = lcp->neg_pcomp = lcp->neg_accomp = true;
	lcp->mru = CONFIG_DEFAULT_MRU;
	lcp->limits = default_limits;
}

static void ipcp_defaults(struct ipcp_config *ipcp)
{
	ipcp->enabled = true;
	ipcp->vj = ipcp->vj_cid = true;
	ipcp->vj_max_slots = 16;
	ipcp->limits = default_limits;
	ipcp->limits.max_failure = IPCP_MAX_FAILURE;
}

/* pppd 2.5's, built with EAP-TLS. */
static void auth_defaults(struct auth_config *auth)
{
	auth->allow_ip = g_array_new(FALSE, TRUE, sizeof(struct address_rule));
	auth->allow_numbers = g_ptr_array_new_with_free_func(g_free);
	auth->pap.restart = auth->chap.restart = auth->eap.restart = 3;
	auth->pap.max_requests = 10;
	auth->pap.timeout = 30;
	auth->chap.max_challenges = 10;
	auth->chap.timeout = 60;
	auth->eap.max_requests = 30;
	auth->eap.timeout = 20;
	auth->eap.max_answers = 20;
	auth->tls.max_version = 12;
	auth->tls.verify = TLS_VERIFY_NONE;
}

static void ccp_defaults(struct ccp_config *ccp)
{
	ccp->enabled = true;
	ccp->bsd_receive = ccp->bsd_send = 15;
	ccp->deflate_receive = ccp->deflate_send = 15;
	ccp->deflate_draft = true;
	ccp->limits = default_limits;
}

static void ipv6cp_defaults(struct ipv6cp_config *ipv6cp)
{
	ipv6cp->enabled = true;
	ipv6cp->limits = default_limits;
}

static void net_defaults(struct net_config *net)
{
	net->backend = NET_SLIRP;
	net->services = g_array_new(FALSE, TRUE, sizeof(struct service));
	net->forwards = g_array_new(FALSE, TRUE, sizeof(struct forward));
	net->from = g_array_new(FALSE, TRUE, sizeof(struct access_rule));
	net->to = g_array_new(FALSE, TRUE, sizeof(struct access_rule));
	net->socks = g_array_new(FALSE, TRUE, sizeof(struct listen_address));
	net->rate = CONFIG_RATE_LIMIT;
	net->burst = CONFIG_RATE_BURST;
	net->max_flows = CONFIG_MAX_FLOWS;
	net->max_flows_per_service = CONFIG_MAX_FLOWS_PER_SERVICE;
	net->unit = -1;
}

void net_config_copy(struct net_config *to, const struct net_config *from)
{
	*to = *from;
	to->services = g_array_copy(from->services);
	to->forwards = g_array_copy(from->forwards);
	to->from = g_array_copy(from->from);
	to->to = g_array_copy(from->to);
	to->socks = g_array_copy(from->socks);
	to->socks_user = g_strdup(from->socks_user);
	to->socks_password = g_strdup(from->socks_password);
	to->proxy = g_strdup(from->proxy);
	to->ifname = g_strdup(from->ifname);
	to->vrf = g_strdup(from->vrf);
	to->pass.expression = g_strdup(from->pass.expression);
	to->pass.precompiled = g_strdup(from->pass.precompiled);
}

static void free_secret(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	g_free(secret);
}

void net_config_clear(struct net_config *net)
{
	GArray *arrays[] = { net->services, net->forwards, net->from, net->to, net->socks };

	for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
		g_array_free(arrays[i], TRUE);
	g_free(net->socks_user);
	free_secret(net->socks_password);
	free_secret(net->proxy);
	g_free(net->ifname);
	g_free(net->vrf);
	g_free(net->pass.expression);
	g_free(net->pass.precompiled);
}

struct config *config_new(void)
{
	struct config *config = g_new0(struct config, 1);

	lcp_defaults(&config->lcp);
	auth_defaults(&config->auth);
	ipcp_defaults(&config->ipcp);
	ipv6cp_defaults(&config->ipv6cp);
	ccp_defaults(&config->ccp);
	config->line.kind = LINE_TTY;
	config->line.flow = FLOW_UNCHANGED;
	config->line.modem = true;
	config->line.stop_bits = 1;
	config->line.connect_delay_ms = 1000;
	net_defaults(&config->net);
	config->metrics = g_array_new(FALSE, TRUE, sizeof(struct listen_address));
	config->logfd = 1;
	config->maxfail = 10;
	config->holdoff = 30;
	config->folder = "/etc/slirppd";
	config->mo_timeout = 1;
	config->child_timeout = 5;
	config->script_env = g_ptr_array_new_with_free_func(g_free);
	config->line.script_env = config->script_env;
	return config;
}

static void auth_clear(struct auth_config *auth)
{
	const struct tls_config *tls = &auth->tls;
	char *strings[] = {
		auth->name, auth->user, auth->remote_name, auth->pap_secrets, auth->chap_secrets, auth->remote_number,
		tls->ca, tls->capath, tls->cert, tls->key, tls->pkcs12, tls->crl, tls->crl_dir,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
		g_free(strings[i]);
	free_secret(auth->password);
	g_array_free(auth->allow_ip, TRUE);
	g_ptr_array_free(auth->allow_numbers, TRUE);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	char *strings[] = {
		config->program, config->line.device, config->line.pty, config->line.socket, config->line.init,
		config->line.connect, config->line.disconnect, config->line.welcome, config->logfile, config->ipparam,
		config->linkname, config->control, config->capture, config->lcp.rtt_file, config->lcp.callback,
		config->line.record, config->active.expression, config->active.precompiled, config->call_file, config->promptprog,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
		g_free(strings[i]);
	for (size_t i = 0; i < HOOKS; i++)
		g_free(config->hooks[i]);
	g_array_free(config->metrics, TRUE);
	g_ptr_array_free(config->script_env, TRUE);
	auth_clear(&config->auth);
	net_config_clear(&config->net);
	g_free(config);
}

static const char *check_net(const struct net_config *net)
{
	if (net->restrict_peer && net->host_loopback)
		return "restrict and host-loopback contradict each other";
	if (net->backend != NET_TUN)
		return NULL;
	if (net->forwards->len > 0)
		return "forward needs net slirp: with net tun, programs reach the peer directly";
	if (net->services->len > 0)
		return "service needs net slirp: with net tun, the peer reaches this machine directly";
	if (net->restrict_peer)
		return "restrict needs net slirp: with net tun, the kernel's packet filter decides what the peer may reach";
	if (net->host_loopback)
		return "host-loopback needs net slirp";
	if (net->socks->len > 0)
		return "socks needs net slirp: with net tun, programs reach the peer directly";
	if (net->proxy)
		return "proxy needs net slirp: with net tun, the peer's connections are the kernel's";
	return NULL;
}

/* An address that nobody gave lies in the same /24 as one that somebody gave: libslirp's network is to be small. */
static uint32_t default_address(uint32_t wanted, uint32_t other_wanted, uint32_t given)
{
	uint32_t net = (given ? given : wanted) & NET_24;
	uint32_t address = net | (wanted & ~NET_24);

	return address == given ? net | (other_wanted & ~NET_24) : address;
}

/* A real interface has real addresses, or those that the peer gives. */
static const char *finish_addresses(struct ipcp_config *ipcp, bool local_wanted, enum net_backend backend)
{
	if (ipcp->local && ipcp->local == ipcp->remote)
		return "the local and the remote address are the same";
	if (backend == NET_TUN)
		return NULL;
	if (!ipcp->local && local_wanted) {
		ipcp->local = default_address(CONFIG_DEFAULT_LOCAL, CONFIG_DEFAULT_REMOTE, ipcp->remote);
		ipcp->local_default = true;
	}
	if (!ipcp->remote) {
		ipcp->remote = default_address(CONFIG_DEFAULT_REMOTE, CONFIG_DEFAULT_LOCAL, ipcp->local);
		ipcp->remote_default = true;
	}
	return NULL;
}

/* libslirp's resolver: slirp's .3, or the next one that is neither end of the link. */
static uint32_t resolver_address(const struct config *config)
{
	const struct ipcp_config *ipcp = &config->ipcp;

	if (config->net.backend != NET_SLIRP || config->net.restrict_peer || ipcp->dns[0] || ipcp->dns[1])
		return 0;
	uint32_t address = ((ipcp->local ? ipcp->local : ipcp->remote) & NET_24) | (CONFIG_DEFAULT_DNS & ~NET_24);
	while (address == ipcp->local || address == ipcp->remote)
		address++;
	return address;
}

/* pppd's rules on lines that are no terminal, and on those that it was started on (tty.c). */
static void finish_line(struct config *config)
{
	struct line_config *line = &config->line;
	bool on_stdin = line->kind == LINE_NOTTY || (line->kind == LINE_TTY && !line->device);

	if (line->kind != LINE_TTY)
		line->lock = line->modem = false;
	if (on_stdin) {
		line->lock = false;
		config->nodetach = true;
	}
}

const char *config_finish(struct config *config, bool local_wanted, bool holdoff_given)
{
	const char *wrong = check_net(&config->net);

	if (!wrong)
		wrong = finish_addresses(&config->ipcp, local_wanted, config->net.backend);
	if (wrong)
		return wrong;
	config->ipcp.own_dns = resolver_address(config);
	finish_line(config);
	if (!holdoff_given && !config->line.connect)
		config->holdoff = 0;
	return NULL;
}

char **config_environment(char **environment, const GPtrArray *changes)
{
	for (guint i = 0; changes && i < changes->len; i++) {
		char **halves = g_strsplit(g_ptr_array_index(changes, i), "=", 2);

		environment = halves[1] ? g_environ_setenv(environment, halves[0], halves[1], TRUE)
					: g_environ_unsetenv(environment, halves[0]);
		g_strfreev(halves);
	}
	return environment;
}
