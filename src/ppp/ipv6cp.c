/* The IPv6 Control Protocol beyond its options: which identifiers are wanted, and whether what was agreed upon will do (as pppd decides
 * it). RFC 5072. Called by ppp_networks.c and, as a protocol, by cp.c. */
#include "ppp/ipv6cp.h"

#include <arpa/inet.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "ppp/ppp.h"

#define DIGITS_MAX 16

static struct ipv6cp *ipv6cp_of(struct cp *cp)
{
	return (struct ipv6cp *)cp;
}

const char *ipv6cp_text(char text[IPV6CP_TEXT_MAX], uint64_t identifier)
{
	g_snprintf(text, IPV6CP_TEXT_MAX, "fe80::%.4x:%.4x:%.4x:%.4x", (unsigned)(identifier >> 48), (unsigned)(identifier >> 32 & 0xffff),
		   (unsigned)(identifier >> 16 & 0xffff), (unsigned)(identifier & 0xffff));
	return text;
}

/* What remotenumber may be. */

/* RFC 5072 §4.1: the universal bit of an Ethernet address is complemented, and ff fe stands in its middle. */
static uint64_t identifier_of_ethernet(const char *text)
{
	unsigned b[6];
	int end = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end) != 6 || text[end] != '\0')
		return 0;
	uint64_t high = (uint64_t)(b[0] ^ 2) << 16 | b[1] << 8 | b[2];
	uint64_t low = (uint64_t)b[3] << 16 | b[4] << 8 | b[5];
	return high << 40 | UINT64_C(0xfffe) << 24 | low;
}

static uint64_t identifier_of_address(const char *text)
{
	uint8_t bytes[sizeof(struct in6_addr)];
	struct reader r = reader_new(bytes, sizeof(bytes));

	if (inet_pton(AF_INET, text, bytes) == 1)
		return reader_u32(&r);
	if (inet_pton(AF_INET6, text, bytes) != 1)
		return 0;
	reader_skip(&r, 8);
	uint64_t high = reader_u32(&r);
	return high << 32 | reader_u32(&r);
}

static uint64_t identifier_of_digits(const char *text)
{
	size_t len = strlen(text);

	if (len > DIGITS_MAX || strspn(text, "0123456789") != len)
		return 0;
	return g_ascii_strtoull(text, NULL, 16);
}

uint64_t ipv6cp_identifier_of(const char *number)
{
	uint64_t identifier = identifier_of_ethernet(number);

	if (identifier == 0)
		identifier = identifier_of_address(number);
	return identifier ? identifier : identifier_of_digits(number);
}

/* Up and down. */

/* NULL, or the reason to close with. */
static const char *check(const struct ipv6cp *ipv6cp)
{
	if (ipv6cp->disputed)
		return "Peer refused to agree to his interface identifier";
	if (ipv6cp->final_remote == 0 && !ipv6cp->config->noremote)
		return "Could not determine remote LL address";
	if (ipv6cp->final_local == ipv6cp->final_remote)
		return "local and remote LL addresses are equal";
	return NULL;
}

static void up(struct cp *cp)
{
	struct ipv6cp *ipv6cp = ipv6cp_of(cp);

	ipv6cp->final_local = ipv6cp->local;
	ipv6cp->final_remote = ipv6cp->has_remote ? ipv6cp->peer : ipv6cp->wanted_remote;
	const char *wrong = check(ipv6cp);
	if (wrong) {
		log_error("%s", wrong);
		cp_close(cp, wrong);
		return;
	}
	ipv6cp->events->up(ipv6cp->arg);
}

static void down(struct cp *cp)
{
	ipv6cp_of(cp)->events->down(ipv6cp_of(cp)->arg);
}

static void finished(struct cp *cp)
{
	ipv6cp_of(cp)->events->finished(ipv6cp_of(cp)->arg);
}

void ipv6cp_announce(const struct ipv6cp *ipv6cp)
{
	char text[IPV6CP_TEXT_MAX];

	log_notice("local  LL address %s", ipv6cp_text(text, ipv6cp->final_local));
	log_notice("remote LL address %s", ipv6cp_text(text, ipv6cp->final_remote));
}

static const struct cp_protocol ipv6cp_protocol = {
	.number = PPP_IPV6CP,
	.name = "IPV6CP",
	.options = &ipv6cp_options,
	.reset = ipv6cp_reset,
	.forget = ipv6cp_forget,
	.missing = ipv6cp_missing,
	.up = up,
	.down = down,
	.finished = finished,
};

/* An identifier that was given goes before one that is made of an address or of a number. */
static void choose_wanted(struct ipv6cp *ipv6cp)
{
	const struct ipv6cp_config *config = ipv6cp->config;

	ipv6cp->wanted_local = config->local;
	ipv6cp->wanted_remote = config->remote;
	if (config->use_ipaddr && ipv6cp->wanted_local == 0)
		ipv6cp->wanted_local = ipv6cp->local_ip;
	if (config->use_ipaddr && ipv6cp->wanted_remote == 0)
		ipv6cp->wanted_remote = ipv6cp->remote_ip;
	if (config->use_remotenumber && ipv6cp->wanted_remote == 0 && ipv6cp->remote_number)
		ipv6cp->wanted_remote = ipv6cp_identifier_of(ipv6cp->remote_number);
}

void ipv6cp_init(struct ipv6cp *ipv6cp, const struct ipv6cp_config *config, uint32_t local_ip, uint32_t remote_ip, const char *remote_number,
		 struct clock *clock, size_t size, const struct cp_host *host, void *host_arg, const struct ipcp_events *events, void *arg)
{
	*ipv6cp = (struct ipv6cp){ .config = config, .local_ip = local_ip, .remote_ip = remote_ip, .remote_number = remote_number,
				   .events = events, .arg = arg };
	choose_wanted(ipv6cp);
	cp_init(&ipv6cp->cp, &ipv6cp_protocol, &config->limits, clock, size, host, host_arg);
}

void ipv6cp_free(struct ipv6cp *ipv6cp)
{
	cp_halt(&ipv6cp->cp);
	cp_free(&ipv6cp->cp);
}
