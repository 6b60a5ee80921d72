/* config: defaults, what follows from what was given, services and forwards. */
#include "unit.h"

#include <string.h>

#include "options_rig.h"

static void defaults_are_pppds(void)
{
	struct config *config = config_new();

	CU_ASSERT_EQUAL(config->lcp.mru, 1500);
	CU_ASSERT_EQUAL(config->lcp.asyncmap, 0);
	CU_ASSERT_TRUE(config->lcp.neg_mru && config->lcp.neg_asyncmap && config->lcp.neg_magic);
	CU_ASSERT_TRUE(config->lcp.neg_pcomp && config->lcp.neg_accomp);
	CU_ASSERT_EQUAL(config->lcp.echo_interval, 0);
	CU_ASSERT_EQUAL(config->lcp.limits.restart, 3);
	CU_ASSERT_EQUAL(config->lcp.limits.max_configure, 10);
	CU_ASSERT_EQUAL(config->lcp.limits.max_terminate, 2);
	CU_ASSERT_EQUAL(config->lcp.limits.max_failure, 5);
	CU_ASSERT_EQUAL(config->ipcp.limits.max_failure, 100);
	CU_ASSERT_EQUAL(config->line.connect_delay_ms, 1000);
	CU_ASSERT_EQUAL(config->maxfail, 10);
	CU_ASSERT_EQUAL(config->logfd, 1);
	CU_ASSERT_EQUAL(config->net.unit, -1);
	config_free(config);
	config_free(NULL);
}

struct addresses {
	uint32_t local, remote; /* given */
	uint32_t local_then, remote_then, dns;
	bool local_default, remote_default;
};

static void addresses_follow_each_other(void)
{
	static const struct addresses cases[] = {
		{ 0, 0, 0x0a000202, 0x0a00020f, 0x0a000203, true, true },
		{ 0x0a000202, 0, 0x0a000202, 0x0a00020f, 0x0a000203, false, true },
		{ 0x0a00020f, 0, 0x0a00020f, 0x0a000202, 0x0a000203, false, true },
		{ 0, 0x0a000202, 0x0a00020f, 0x0a000202, 0x0a000203, true, false },
		{ 0x0a000203, 0x0a000204, 0x0a000203, 0x0a000204, 0x0a000205, false, false },
		{ 0xc0a80703, 0, 0xc0a80703, 0xc0a8070f, 0xc0a80704, false, true },
		{ 0, 0xc0a80763, 0xc0a80702, 0xc0a80763, 0xc0a80703, true, false },
		{ 0xc0a80701, 0x0a000001, 0xc0a80701, 0x0a000001, 0xc0a80703, false, false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct addresses *c = &cases[i];
		struct config *config = config_new();

		config->ipcp.local = c->local;
		config->ipcp.remote = c->remote;
		CU_ASSERT_PTR_NULL(config_finish(config, true, false));
		CU_ASSERT_EQUAL(config->ipcp.local, c->local_then);
		CU_ASSERT_EQUAL(config->ipcp.remote, c->remote_then);
		CU_ASSERT_EQUAL(config->ipcp.own_dns, c->dns);
		CU_ASSERT_EQUAL(config->ipcp.local_default, c->local_default);
		CU_ASSERT_EQUAL(config->ipcp.remote_default, c->remote_default);
		config_free(config);
	}
}

static void noipdefault_leaves_our_address_to_the_peer(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "notty", "noipdefault");
	CU_ASSERT_TRUE(rig.go);
	CU_ASSERT_EQUAL(rig.config->ipcp.local, 0);
	CU_ASSERT_EQUAL(rig.config->ipcp.remote, CONFIG_DEFAULT_REMOTE);
	CU_ASSERT_EQUAL(rig.config->ipcp.own_dns, CONFIG_DEFAULT_DNS);
	rig_clear(&rig);
}

static void the_resolver_is_offered_where_it_is(void)
{
	static char *const without[][5] = {
		{ "slirppd", "notty", "restrict" },
		{ "slirppd", "notty", "net", "tun" },
		{ "slirppd", "notty", "ms-dns", "192.0.2.1" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(without); i++) {
		struct rig rig;

		rig_init(&rig, NULL);
		rig_run(&rig, (char **)without[i]);
		CU_ASSERT_TRUE(rig.go);
		CU_ASSERT_EQUAL(rig.config->ipcp.own_dns, 0);
		rig_clear(&rig);
	}
}

static void holdoff_waits_for_connect_scripts_alone(void)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "ttyS0");
	CU_ASSERT_EQUAL(rig.config->holdoff, 0);
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "ttyS0", "connect", "x");
	CU_ASSERT_EQUAL(rig.config->holdoff, 30);
	rig_clear(&rig);
	RIG_RUN(&rig, "slirppd", "ttyS0", "holdoff", "30");
	CU_ASSERT_EQUAL(rig.config->holdoff, 30);
	rig_clear(&rig);
}

static void the_line_decides_lock_modem_and_detaching(void)
{
	static const struct {
		char *words[5];
		enum line_kind kind;
		bool lock, nodetach;
	} cases[] = {
		{ { "slirppd", "lock", "ttyS0" }, LINE_TTY, true, false },
		{ { "slirppd", "lock" }, LINE_TTY, false, true },
		{ { "slirppd", "lock", "notty" }, LINE_NOTTY, false, true },
		{ { "slirppd", "lock", "pty", "x" }, LINE_PTY, false, false },
		{ { "slirppd", "lock", "socket", "a:1" }, LINE_SOCKET, false, false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rig rig;

		rig_init(&rig, "/dev/pts/3");
		rig_run(&rig, (char **)cases[i].words);
		CU_ASSERT_TRUE(rig.go);
		CU_ASSERT_EQUAL(rig.config->line.kind, cases[i].kind);
		CU_ASSERT_EQUAL(rig.config->line.lock, cases[i].lock);
		CU_ASSERT_EQUAL(rig.config->line.modem, cases[i].kind == LINE_TTY);
		CU_ASSERT_EQUAL(rig.config->nodetach, cases[i].nodetach);
		rig_clear(&rig);
	}
}

static enum net_backend backend(const char *program, bool may_tun, const char *word, const char *value)
{
	struct rig rig;

	rig_init(&rig, NULL);
	rig.may_tun = may_tun;
	rig_run(&rig, (char *[]){ (char *)program, "notty", (char *)word, (char *)value, NULL });
	CU_ASSERT_TRUE(rig.go);
	enum net_backend chosen = rig.config->net.backend;
	rig_clear(&rig);
	return chosen;
}

static void the_backend_follows_name_and_rights(void)
{
	CU_ASSERT_EQUAL(backend("slirppd", true, NULL, NULL), NET_SLIRP);
	CU_ASSERT_EQUAL(backend("slirppd", false, "net", "tun"), NET_TUN);
	CU_ASSERT_EQUAL(backend("slirppd", true, "net", "auto"), NET_TUN);
	CU_ASSERT_EQUAL(backend("pppd", true, NULL, NULL), NET_TUN);
	CU_ASSERT_EQUAL(backend("pppd", false, NULL, NULL), NET_SLIRP);
	CU_ASSERT_EQUAL(backend("/usr/sbin/pppd", true, "net", "slirp"), NET_SLIRP);
	CU_ASSERT_EQUAL(backend("pppd", true, "service", "22"), NET_SLIRP);
}

static void contradictions_are_errors(void)
{
	static char *const cases[][6] = {
		{ "slirppd", "notty", "net", "tun", "forward", "22:22" }, { "slirppd", "notty", "service", "22", "net", "tun" },
		{ "slirppd", "notty", "net", "tun", "restrict" },         { "slirppd", "notty", "net", "tun", "host-loopback" },
		{ "slirppd", "notty", "restrict", "host-loopback" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		char *words[7] = { 0 };
		struct rig rig;

		memcpy(words, cases[i], sizeof(cases[i]));
		rig_init(&rig, NULL);
		rig_run(&rig, words);
		CU_ASSERT_FALSE(rig.go);
		CU_ASSERT_EQUAL(rig.status, EXIT_OPTION_ERROR);
		CU_ASSERT_PTR_NOT_NULL(strstr(rig.out, i < 4 ? "net slirp" : "contradict"));
		rig_clear(&rig);
	}
}

#define SERVICE(p, n, to, to_port, most, seconds, text) \
	{ .protocol = p, .port = n, .host = to, .host_port = to_port, .max = most, .idle = seconds, .name = text }
#define FORWARD(p, at, n, to, to_port) { .protocol = p, .bind = at, .port = n, .host = to, .host_port = to_port }

static void services_are_understood(void)
{
	static const struct {
		char *word;
		struct service want;
	} cases[] = {
		{ "22", SERVICE(CONFIG_TCP, 22, 0x7f000001, 22, 0, 0, "") },
		{ "tcp:1", SERVICE(CONFIG_TCP, 1, 0x7f000001, 1, 0, 0, "") },
		{ "udp:65535", SERVICE(CONFIG_UDP, 65535, 0x7f000001, 65535, 0, 0, "") },
		{ "80:192.0.2.9:8080", SERVICE(CONFIG_TCP, 80, 0xc0000209, 8080, 0, 0, "") },
		{ "udp:53:example.net:5353", SERVICE(CONFIG_UDP, 53, 0xc0000207, 5353, 0, 0, "") },
		{ "80:localhost:8080", SERVICE(CONFIG_TCP, 80, 0x7f000001, 8080, 0, 0, "") },
		{ "22,max=7", SERVICE(CONFIG_TCP, 22, 0x7f000001, 22, 7, 0, "") },
		{ "udp:53:192.0.2.9:54,name=Name server = it,idle=30,max=0", SERVICE(CONFIG_UDP, 53, 0xc0000209, 54, 0, 30, "Name server = it") },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rig rig;

		RIG_RUN(&rig, "slirppd", "notty", "service", cases[i].word);
		CU_ASSERT_TRUE(rig.go);
		CU_ASSERT_EQUAL_FATAL(rig.config->net.services->len, 1);
		const struct service *got = &g_array_index(rig.config->net.services, struct service, 0);
		CU_ASSERT_EQUAL(got->protocol, cases[i].want.protocol);
		CU_ASSERT_EQUAL(got->port, cases[i].want.port);
		CU_ASSERT_EQUAL(got->host, cases[i].want.host);
		CU_ASSERT_EQUAL(got->host_port, cases[i].want.host_port);
		CU_ASSERT_EQUAL(got->max, cases[i].want.max);
		CU_ASSERT_EQUAL(got->idle, cases[i].want.idle);
		CU_ASSERT_STRING_EQUAL(got->name, cases[i].want.name);
		rig_clear(&rig);
	}
}

static void forwards_are_understood(void)
{
	static const struct {
		char *word;
		struct forward want;
	} cases[] = {
		{ "2222:22", FORWARD(CONFIG_TCP, 0x7f000001, 2222, 0, 22) },
		{ "udp:5353:53", FORWARD(CONFIG_UDP, 0x7f000001, 5353, 0, 53) },
		{ "*:2222:22", FORWARD(CONFIG_TCP, 0, 2222, 0, 22) },
		{ "0.0.0.0:2222:22", FORWARD(CONFIG_TCP, 0, 2222, 0, 22) },
		{ "192.0.2.1:2222:22", FORWARD(CONFIG_TCP, 0xc0000201, 2222, 0, 22) },
		{ "localhost:2222:22", FORWARD(CONFIG_TCP, 0x7f000001, 2222, 0, 22) },
		{ "2222:192.0.2.9:22", FORWARD(CONFIG_TCP, 0x7f000001, 2222, 0xc0000209, 22) },
		{ "udp:*:1:example.net:65535", FORWARD(CONFIG_UDP, 0, 1, 0xc0000207, 65535) },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rig rig;

		RIG_RUN(&rig, "slirppd", "notty", "forward", cases[i].word);
		CU_ASSERT_TRUE(rig.go);
		CU_ASSERT_EQUAL_FATAL(rig.config->net.forwards->len, 1);
		const struct forward *got = &g_array_index(rig.config->net.forwards, struct forward, 0);
		CU_ASSERT_EQUAL(got->protocol, cases[i].want.protocol);
		CU_ASSERT_EQUAL(got->bind, cases[i].want.bind);
		CU_ASSERT_EQUAL(got->port, cases[i].want.port);
		CU_ASSERT_EQUAL(got->host, cases[i].want.host);
		CU_ASSERT_EQUAL(got->host_port, cases[i].want.host_port);
		rig_clear(&rig);
	}
}

static void bad_ports_and_hosts_are_errors(void)
{
	static char *const services[] = {
		"", "0", "65536", "-1", "+22", " 22", "22x", "0x16", "22:", ":22", "22:80", "22:host:", "22::80", "22:nobody.example:80",
		"udp:", "sctp:22", "22:1.2.3:80", "22:0.0.0.0:80", "22:224.0.0.1:80", "22:192.0.2.1:80:9", "1:2:3:4:5:6:7",
		"99999999999999999999999999", "22,", "22,max", "22,max=", "22,max=-1", "22,max=2147483648", "22,idle=x", "22,what=1",
		"22,name=a\tb", "22,name=12345678901234567890123456789012", ",max=1", "22,max=1,,max=1",
	};
	static char *const forwards[] = {
		"", "22", ":", "::", ":::", "0:22", "22:0", "65536:22", "22:65536", "*:22", "*:22:", "22:*:22", "22:localhost:22",
		"22:127.0.0.1:22", "1.2.3:22:22", "nobody.example:22:22", "22:nobody.example:22", "*:22:192.0.2.1:22:1", "udp:udp:1:1", "-1:22",
	};
	struct rig rig;

	for (size_t i = 0; i < G_N_ELEMENTS(services) + G_N_ELEMENTS(forwards); i++) {
		bool service = i < G_N_ELEMENTS(services);
		char *word = service ? services[i] : forwards[i - G_N_ELEMENTS(services)];

		RIG_RUN(&rig, "slirppd", "notty", service ? "service" : "forward", word);
		CU_ASSERT_FALSE(rig.go);
		CU_ASSERT_EQUAL(rig.status, EXIT_OPTION_ERROR);
		CU_ASSERT_TRUE(g_str_has_prefix(rig.out, service ? "slirppd: service " : "slirppd: forward "));
		rig_clear(&rig);
	}
	RIG_RUN(&rig, "slirppd", "notty", "service", "65536");
	CU_ASSERT_STRING_EQUAL(rig.out, "slirppd: service 65536: a port is a number from 1 to 65535, not '65536'\n");
	rig_clear(&rig);
}

static bool both(char *option, char *first, char *second)
{
	struct rig rig;

	RIG_RUN(&rig, "slirppd", "notty", option, first, option, second);
	bool taken = rig.go;
	CU_ASSERT_TRUE(taken || strstr(rig.out, "is given twice"));
	rig_clear(&rig);
	return taken;
}

static void a_port_is_given_once(void)
{
	CU_ASSERT_FALSE(both("service", "22", "22:192.0.2.1:22"));
	CU_ASSERT_TRUE(both("service", "22", "udp:22"));
	CU_ASSERT_TRUE(both("service", "22", "23:127.0.0.1:22"));
	CU_ASSERT_FALSE(both("forward", "22:22", "22:23"));
	CU_ASSERT_FALSE(both("forward", "22:22", "*:22:22"));
	CU_ASSERT_FALSE(both("forward", "*:22:22", "192.0.2.1:22:22"));
	CU_ASSERT_TRUE(both("forward", "22:22", "192.0.2.1:22:22"));
	CU_ASSERT_TRUE(both("forward", "22:22", "udp:22:22"));
}

static void random_ports_never_crash(void)
{
	static const char letters[] = "0123456789::::..*udpx-";
	GRand *rand = g_rand_new_with_seed(1332);

	for (int round = 0; round < 5000; round++) {
		bool service = g_rand_boolean(rand);
		char word[24] = "";
		struct rig rig;

		for (int i = g_rand_int_range(rand, 0, sizeof(word)); i > 0; i--)
			word[i - 1] = letters[g_rand_int_range(rand, 0, sizeof(letters) - 1)];
		RIG_RUN(&rig, "slirppd", "notty", service ? "service" : "forward", word);
		for (guint i = 0; i < rig.config->net.services->len; i++)
			CU_ASSERT_TRUE(g_array_index(rig.config->net.services, struct service, i).port > 0);
		for (guint i = 0; i < rig.config->net.forwards->len; i++)
			CU_ASSERT_TRUE(g_array_index(rig.config->net.forwards, struct forward, i).host_port > 0);
		rig_clear(&rig);
	}
	g_rand_free(rand);
}

const struct unit_test unit_tests[] = {
	{ "config: defaults are pppd's", defaults_are_pppds },
	{ "config: addresses follow each other", addresses_follow_each_other },
	{ "config: noipdefault leaves our address to the peer", noipdefault_leaves_our_address_to_the_peer },
	{ "config: the resolver is offered where it is", the_resolver_is_offered_where_it_is },
	{ "config: holdoff waits for connect scripts alone", holdoff_waits_for_connect_scripts_alone },
	{ "config: the line decides lock, modem and detaching", the_line_decides_lock_modem_and_detaching },
	{ "config: the backend follows name and rights", the_backend_follows_name_and_rights },
	{ "config: contradictions are errors", contradictions_are_errors },
	{ "config: services are understood", services_are_understood },
	{ "config: forwards are understood", forwards_are_understood },
	{ "config: bad ports and hosts are errors", bad_ports_and_hosts_are_errors },
	{ "config: a port is given once", a_port_is_given_once },
	{ "config: random ports never crash", random_ports_never_crash },
	{ 0 },
};
