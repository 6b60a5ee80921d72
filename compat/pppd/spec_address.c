/* The arguments that are addresses with something beside them: permit-… and deny-…, socks and metrics, proxy; see spec.h. */
#include "spec.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define V4_BITS 96 /* of an IPv4 address in ::ffff:0:0/96 */
#define CREDENTIAL_MAX 255 /* RFC 1929 §2 */

static bool fail(char **why, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

static bool fail(char **why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	*why = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	return false;
}

/* A decimal number up to LIMIT; -1 for what is none. */
static int number(const char *text, int limit)
{
	size_t len = strspn(text, "0123456789");
	long value = len > 0 && len < 6 && text[len] == '\0' ? strtol(text, NULL, 10) : -1;

	return value <= limit ? (int)value : -1;
}

/* An address of either family, IPv4 mapped. */
static bool parse_ip(const char *text, struct in6_addr *addr, bool *v4)
{
	struct in_addr in;

	*v4 = inet_pton(AF_INET, text, &in) == 1;
	if (!*v4)
		return inet_pton(AF_INET6, text, addr) == 1;
	memset(addr, 0, sizeof(*addr));
	memset(addr->s6_addr + 10, 0xff, 2);
	memcpy(addr->s6_addr + 12, &in, sizeof(in));
	return true;
}

static struct in6_addr masked(const struct in6_addr *addr, unsigned prefix)
{
	struct in6_addr out = *addr;

	for (unsigned bit = prefix; bit < 128; bit++)
		out.s6_addr[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
	return out;
}

static bool fail_host_bits(const char *what, const char *text, const char *host, const struct in6_addr *net, bool v4, int prefix,
			   char **why)
{
	char name[INET6_ADDRSTRLEN];

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? net->s6_addr + 12 : net->s6_addr, name, sizeof(name));
	return fail(why, "%s %s: bits are set beyond /%d; is the network %s/%d meant, or the one host %s?", what, text, prefix,
		    name, prefix, host);
}

/* ADDRESS[/LENGTH]; HOST is the copy of it that is cut at the slash. */
static bool take_prefix(const char *what, const char *text, char *host, struct access_rule *rule, char **why)
{
	char *slash = strchr(host, '/');
	bool v4;

	if (slash)
		*slash = '\0';
	if (!parse_ip(host, &rule->addr, &v4))
		return fail(why, "%s must be ADDRESS[/LENGTH]%s, not '%s'", what, g_str_has_suffix(what, "-to") ? "[:PORT]" : "",
			    text);
	int bits = v4 ? 32 : 128;
	int prefix = slash ? number(slash + 1, bits) : bits;
	if (prefix < 0)
		return fail(why, "%s %s: a length is a number from 0 to %d", what, text, bits);
	rule->prefix = (uint8_t)(v4 ? V4_BITS + prefix : prefix);
	const struct in6_addr net = masked(&rule->addr, rule->prefix);
	return memcmp(&net, &rule->addr, sizeof(net)) == 0 || fail_host_bits(what, text, host, &net, v4, prefix, why);
}

/* Cuts TEXT into what is before and after the colon of a port; *PORT is NULL where there is none. [ ] around what is before are taken
 * off, and there all colons but one behind them belong to the address. */
static char *cut_port(const char *text, const char **port)
{
	const char *close = text[0] == '[' ? strchr(text, ']') : NULL;
	const char *colon = close ? strchr(close, ':') : strchr(text, ':');

	*port = NULL;
	if (!close && colon && strchr(colon + 1, ':'))
		return g_strdup(text); /* a bare IPv6 address */
	if (colon)
		*port = colon + 1;
	char *head = colon ? g_strndup(text, (size_t)(colon - text)) : g_strdup(text);
	if (close) {
		memmove(head, head + 1, strlen(head));
		char *at = strchr(head, ']'); /* [ADDR]/LENGTH, too */
		memmove(at, at + 1, strlen(at));
	}
	return head;
}

bool spec_access(const char *what, const char *text, struct access_rule *rule, char **why)
{
	const char *port;
	char *host = cut_port(text, &port);
	int value = port ? number(port, 65535) : 0;
	bool ok = true;

	if (port && !g_str_has_suffix(what, "-to"))
		ok = fail(why, "%s %s: a port belongs to permit-to and deny-to; here it is the peer's own address that counts",
			  what, text);
	else if (port && value < 1)
		ok = fail(why, "%s %s: a port is a number from 1 to 65535, not '%s'", what, text, port);
	else
		ok = take_prefix(what, text, host, rule, why);
	rule->port = (uint16_t)value;
	g_free(host);
	return ok;
}

bool spec_listen(const char *what, const char *text, struct listen_address *listen, char **why)
{
	const char *port;
	char *head = cut_port(text, &port);
	const char *host = port ? head : "127.0.0.1";
	int value = number(port ? port : head, 65535);
	struct in6_addr ignored;
	bool v4, ok = true;

	if (strcmp(host, "*") == 0)
		host = "0.0.0.0";
	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (!parse_ip(host, &ignored, &v4))
		ok = fail(why, "%s must be [ADDRESS:]PORT with an address of this machine, in [ ] for IPv6, not '%s'", what, text);
	else if (value < 1)
		ok = fail(why, "%s %s: a port is a number from 1 to 65535, not '%s'", what, text, port ? port : head);
	*listen = (struct listen_address){ .port = (uint16_t)MAX(value, 0) };
	g_strlcpy(listen->host, host, sizeof(listen->host));
	g_free(head);
	return ok;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

/* RFC 1929 §2; RFC 7617 §2. */
static bool check_credentials(GUri *uri, char **why)
{
	const char *user = g_uri_get_user(uri), *password = g_uri_get_password(uri);

	if (!user)
		return true;
	if (!password)
		return fail(why, "proxy: a user needs a password: USER:PASSWORD@HOST");
	if (strlen(user) > CREDENTIAL_MAX || strlen(password) > CREDENTIAL_MAX)
		return fail(why, "proxy: user and password may have %d bytes each", CREDENTIAL_MAX);
	if (strcmp(g_uri_get_scheme(uri), "http") == 0 && strchr(user, ':'))
		return fail(why, "proxy: with http:// there can be no colon in the user's name");
	return true;
}

static bool check_uri(GUri *uri, char **why)
{
	const char *scheme = g_uri_get_scheme(uri), *path = g_uri_get_path(uri);

	if (strcmp(scheme, "socks5") != 0 && strcmp(scheme, "http") != 0)
		return fail(why, "proxy: %s is no kind of proxy that is known here: it is socks5 or http", scheme);
	if (!g_uri_get_host(uri) || g_uri_get_host(uri)[0] == '\0' || !is_printable(g_uri_get_host(uri)))
		return fail(why, "proxy: there is no host in it");
	if (g_uri_get_port(uri) == 0 || g_uri_get_port(uri) > 65535)
		return fail(why, "proxy: a port is a number from 1 to 65535");
	if ((path[0] && strcmp(path, "/") != 0) || g_uri_get_query(uri) || g_uri_get_fragment(uri))
		return fail(why, "proxy: nothing may follow HOST:PORT");
	return check_credentials(uri, why);
}

bool spec_proxy(const char *url, char **why)
{
	GUri *uri = strstr(url, "://") ? g_uri_parse(url, G_URI_FLAGS_HAS_PASSWORD, NULL) : NULL;

	if (!uri)
		return fail(why,
			    "proxy must be socks5://[USER:PASSWORD@]HOST[:PORT], or http:// in its place; odd characters as %%XX");
	bool ok = check_uri(uri, why);
	g_uri_unref(uri);
	return ok;
}
