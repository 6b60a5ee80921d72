/* What can be judged only when every option was read: which line, which backend, what contradicts what (pppd: tty.c,
 * tty_check_options()). Called once, at the end of the reading. */
#include <string.h>

#include "compat/pppd/reading.h"

static bool precludes_device(struct options *o, const char *name)
{
	if (!option_given(o, name) || !o->config->line.device)
		return true;
	return option_fail(o, "%s option precludes specifying device name", name);
}

static bool check_kind(struct options *o)
{
	struct line_config *line = &o->config->line;
	bool notty = option_given(o, "notty");

	if (!precludes_device(o, "pty") || !precludes_device(o, "notty") || !precludes_device(o, "socket"))
		return false;
	if (line->socket && (line->pty || notty))
		return option_fail(o, "socket option is incompatible with pty and notty");
	if (line->pty && notty)
		return option_fail(o, "pty option is incompatible with notty option");
	line->kind = line->socket ? LINE_SOCKET : line->pty ? LINE_PTY : notty ? LINE_NOTTY : LINE_TTY;
	return true;
}

static bool check_device(struct options *o)
{
	struct line_config *line = &o->config->line;

	if (line->kind != LINE_TTY)
		return true;
	if (!line->device && !o->stdin_tty)
		return option_fail(o, "no device specified and stdin is not a tty");
	if (!line->device)
		return true;
	if (!o->config->persist && o->missing_device && strcmp(line->device, o->missing_device) == 0)
		return option_fail(o, "%s", o->missing_message);
	if (o->stdin_tty && strcmp(line->device, o->stdin_tty) == 0)
		g_clear_pointer(&line->device, g_free); /* to name the terminal on standard input is to use it */
	return true;
}

/* What belongs to slirp decides where nobody else did. */
static bool wants_slirp(const struct net_config *net)
{
	return net->forwards->len > 0 || net->services->len > 0 || net->socks->len > 0 || net->proxy || net->restrict_peer ||
	       net->host_loopback;
}

static void choose_backend(struct options *o)
{
	struct net_config *net = &o->config->net;
	int choice = o->net;

	if (choice == CHOICE_DEFAULT)
		choice = o->as_pppd ? CHOICE_AUTO : CHOICE_SLIRP;
	if (choice == CHOICE_AUTO) {
		choice = !wants_slirp(net) && o->world.may_tun(o->world.arg, net->ifname) ? CHOICE_TUN : CHOICE_SLIRP;
		option_note(o, "net auto: using %s", choice == CHOICE_TUN ? "tun" : "slirp");
	}
	net->backend = choice == CHOICE_TUN ? NET_TUN : NET_SLIRP;
}

/* What scripts pass must not end them; what it would have done, nobody is to wait for in vain. */
static void note_tun_only(struct options *o)
{
	if (o->config->net.backend == NET_TUN)
		return;
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];

		if ((row->flags & OPT_TUN) && option_given(o, row->name))
			option_note(o, "the %s option has no effect with net slirp: %s", row->name,
				    strcmp(row->name, "demand") == 0 ? "the line is opened at once"
								     : "this machine's network stays as it is");
	}
}

/* pppd: ipcp.c, ip_check_options(). Nobody insists on that address. */
static void choose_address(struct options *o)
{
	struct ipcp_config *ipcp = &o->config->ipcp;
	uint32_t address;

	if (o->config->net.backend != NET_TUN || ipcp->local || option_given(o, "noipdefault"))
		return;
	char *name = option_host_name(o);
	if (o->world.resolve(o->world.arg, name, &address) && !option_bad_address(address)) {
		ipcp->local = address;
		ipcp->local_default = true;
	}
	g_free(name);
}

static bool check_demand(struct options *o)
{
	const struct line_config *line = &o->config->line;

	if (!o->config->demand)
		return true;
	if (line->kind == LINE_NOTTY)
		return option_fail(o, "demand-dialling is incompatible with notty");
	return line->kind != LINE_TTY || line->connect || option_fail(o, "connect script is required for demand-dialling");
}

/* A terminal would need the kernel's line discipline for that, and a synchronous port; a pty's other end is a program. */
static bool check_sync(struct options *o)
{
	const struct line_config *line = &o->config->line;
	const char *device = line->device ? line->device : o->stdin_tty;

	if (!line->sync || line->kind != LINE_TTY || g_str_has_prefix(device, "/dev/pts/"))
		return true;
	return option_fail(o, "sync is for pty, notty, socket and pseudo-terminals: %s is a serial port", device);
}

static bool check_filter(struct options *o, const struct filter_config *filter, const char *name)
{
	char *why = NULL;

	if (o->world.filter(o->world.arg, filter, &why))
		return true;
	option_fail(o, "error in %s expression: %s", name, why);
	g_free(why);
	return false;
}

/* RFC 1929 §2: each has one byte or more. */
static bool check_socks(struct options *o)
{
	const struct net_config *net = &o->config->net;

	if (!net->socks_user == !net->socks_password)
		return true;
	return option_fail(o, net->socks_user ? "socks-user needs socks-password" : "socks-password needs socks-user");
}

/* pppd would wait for an encryption that it never asks for. */
static bool check_mppe(struct options *o)
{
	const struct ccp_config *ccp = &o->config->ccp;

	return !ccp->mppe_required || ccp->enabled || option_fail(o, "require-mppe and noccp contradict each other");
}

/* RFC 5072 §4.1: the universal bit of an Ethernet address is complemented, and ff fe stands in its middle. */
static void choose_identifier(struct options *o)
{
	struct ipv6cp_config *ipv6cp = &o->config->ipv6cp;
	uint8_t mac[6];

	if (!ipv6cp->enabled || !ipv6cp->use_persistent || ipv6cp->local || ipv6cp->remote || !o->world.ethernet(o->world.arg, mac))
		return;
	const uint8_t id[8] = { mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5] };
	for (size_t i = 0; i < sizeof(id); i++)
		ipv6cp->local = ipv6cp->local << 8 | id[i];
}

/* A program in the background is in another folder, and so is what it reads again there. */
static void make_path_absolute(const struct options *o, char **path)
{
	char *given = *path;

	*path = given ? g_canonicalize_filename(given, o->folder) : NULL;
	g_free(given);
}

static void make_absolute(struct options *o)
{
	struct config *config = o->config;
	struct tls_config *tls = &config->auth.tls;
	char **const paths[] = {
		&config->control, &config->capture, &config->line.record, &config->active.precompiled, &config->net.pass.precompiled, &config->lcp.rtt_file, &config->auth.pap_secrets, &config->auth.chap_secrets,
		&tls->ca, &tls->capath, &tls->cert, &tls->key, &tls->pkcs12, &tls->crl, &tls->crl_dir,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		make_path_absolute(o, paths[i]);
	for (size_t i = 0; i < HOOKS; i++)
		make_path_absolute(o, &config->hooks[i]);
}

bool check_options(struct options *o)
{
	make_absolute(o);
	if (!check_kind(o) || !check_device(o) || !check_demand(o) || !check_sync(o) || !check_socks(o) || !check_mppe(o) ||
	    !check_filter(o, &o->config->net.pass, "pass-filter") || !check_filter(o, &o->config->active, "active-filter"))
		return false;
	choose_backend(o);
	note_tun_only(o);
	choose_address(o);
	choose_identifier(o);
	const char *wrong = config_finish(o->config, !option_given(o, "noipdefault"), option_given(o, "holdoff"));
	if (wrong)
		return option_fail(o, "%s", wrong);
	return check_auth(o) && check_prompt(o);
}
