/* Fuzzes the words that say what leads where and who may: byte 0 chooses the option, the rest is its argument. What is taken makes sense, and
 * what is not is explained in one line; no name is looked up outside.
 * Coverage: compat/pppd/spec.c compat/pppd/spec_address.c src/net/access.c */
#include <glib.h>
#include <string.h>

#include "compat/pppd/spec.h"
#include "net/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool resolve(void *arg, const char *name, uint32_t *address)
{
	(void)arg;
	*address = UINT32_C(0xc0000207);
	return name[0] != 'x';
}

static const struct spec_names names = { resolve, NULL };

static bool check_service(const struct service *s)
{
	g_assert((s->protocol == CONFIG_TCP || s->protocol == CONFIG_UDP) && s->port > 0 && s->host_port > 0);
	g_assert(memchr(s->name, '\0', sizeof(s->name)));
	return true;
}

static bool take_service(const char *text, char **why)
{
	struct service s = { 0 };

	return spec_service(text, &s, why) && check_service(&s);
}

static bool take_service_named(const char *text, char **why)
{
	struct service s = { 0 };

	return spec_service_named(text, &names, &s, why) && check_service(&s);
}

static bool check_forward(const struct forward *f)
{
	g_assert((f->protocol == CONFIG_TCP || f->protocol == CONFIG_UDP) && f->port > 0 && f->host_port > 0);
	return true;
}

static bool take_forward(const char *text, char **why)
{
	struct forward f = { 0 };

	return spec_forward(text, &f, why) && check_forward(&f);
}

static bool take_forward_named(const char *text, char **why)
{
	struct forward f = { 0 };

	return spec_forward_named(text, &names, &f, why) && check_forward(&f);
}

/* A rule permits its own address, and none that differs in a bit that counts. */
static bool take_access(const char *text, char **why)
{
	struct access_rule rule = { .permit = true };
	GArray *rules;

	if (!spec_access("permit-to", text, &rule, why))
		return false;
	g_assert(rule.prefix <= 128);
	rules = g_array_new(FALSE, FALSE, sizeof(rule));
	g_array_append_val(rules, rule);
	struct in6_addr other = rule.addr;
	other.s6_addr[0] ^= 0x80;
	g_assert(access_allows(rules, &rule.addr, rule.port ? rule.port : 1));
	g_assert(rule.prefix == 0 || !access_allows(rules, &other, rule.port ? rule.port : 1));
	g_assert(access_has_ports(rules) == (rule.port != 0));
	g_array_free(rules, TRUE);
	return true;
}

static bool take_listen(const char *text, char **why)
{
	struct listen_address listen = { 0 };

	if (!spec_listen("socks", text, &listen, why))
		return false;
	g_assert(listen.port > 0 && memchr(listen.host, '\0', sizeof(listen.host)) && listen.host[0]);
	return true;
}

/* Those that say no more than that they do not know the text. */
static bool take_numbers(const char *text, char **why)
{
	unsigned first, second, bytes;
	uint32_t address;

	if (!spec_pair(text, '/', &first, &second) && !spec_size(text, &bytes) && !spec_address(text, &names, &address))
		*why = g_strdup("nothing");
	return !*why;
}

static bool (*const takers[])(const char *text, char **why) = {
	take_service, take_forward, take_access, take_listen, take_numbers, spec_proxy, take_service_named, take_forward_named,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *why = NULL;

	if (size == 0)
		return 0;
	char *text = g_strndup((const char *)data + 1, size - 1);
	bool taken = takers[data[0] % G_N_ELEMENTS(takers)](text, &why);
	g_assert(taken == !why && (!why || *why));
	g_free(why);
	g_free(text);
	return 0;
}
