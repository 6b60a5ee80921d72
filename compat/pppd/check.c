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
		choice = !wants_slirp(net) && o->world.may_tun(o->world.arg) ? CHOICE_TUN : CHOICE_SLIRP;
		option_note(o, "net auto: using %s", choice == CHOICE_TUN ? "tun" : "slirp");
	}
	net->backend = choice == CHOICE_TUN ? NET_TUN : NET_SLIRP;
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
static void make_absolute(struct options *o)
{
	struct config *config = o->config;
	struct tls_config *tls = &config->auth.tls;
	char **const paths[] = {
		&config->control, &config->capture, &config->lcp.rtt_file, &config->auth.pap_secrets, &config->auth.chap_secrets,
		&tls->ca, &tls->capath, &tls->cert, &tls->key, &tls->pkcs12, &tls->crl, &tls->crl_dir,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		char *given = *paths[i];
		*paths[i] = given ? g_canonicalize_filename(given, o->folder) : NULL;
		g_free(given);
	}
}

bool check_options(struct options *o)
{
	make_absolute(o);
	if (!check_kind(o) || !check_device(o) || !check_socks(o) || !check_mppe(o))
		return false;
	choose_backend(o);
	choose_identifier(o);
	const char *wrong = config_finish(o->config, !option_given(o, "noipdefault"), option_given(o, "holdoff"));
	if (wrong)
		return option_fail(o, "%s", wrong);
	return check_auth(o);
}
