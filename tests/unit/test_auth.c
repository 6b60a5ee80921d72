/* auth: what LCP settles on, both directions at once, every combination of options, and what comes of it. Two ends in virtual time, on a
 * line that loses packets. */
#include "unit.h"

#include <string.h>

#include "auth_rig.h"

static const unsigned methods[] = { AUTH_EAP, AUTH_CHAP_MD5, AUTH_MSCHAP_V2, AUTH_MSCHAP, AUTH_PAP };
#define ALL (AUTH_EAP | AUTH_CHAPS | AUTH_PAP)
#define MISSED 9 /* combinations */

/* One end demands, the other proves; both must say the same of it. */
struct outcome {
	unsigned method; /* 0: none */
	enum exit_status status;
	bool lost; /* the last packet of CHAP or EAP was, which nobody repeats */
};

static void run_both(struct auth_rig *rig)
{
	struct auth_rig_end *a = &rig->end[0], *b = &rig->end[1];

	for (int i = 0; i < 120 && !(a->done && b->done) && !a->failed && !b->failed; i++)
		auth_rig_run(rig, CLOCK_SECOND);
}

static struct outcome meet_once(unsigned require, unsigned refuse, double loss, unsigned seed)
{
	struct auth_rig *rig = auth_rig_new(seed);
	struct auth_rig_end *server = &rig->end[0], *client = &rig->end[1];
	struct outcome o = { 0 };

	rig->loss = loss;
	server->config->auth.required = true;
	server->config->auth.require = require;
	client->config->auth.refuse = refuse;
	auth_rig_negotiate(rig);
	run_both(rig);
	if (server->failed) {
		o.status = server->status;
	} else if (client->failed || !client->done) {
		o.lost = true;
	} else {
		CU_ASSERT_EQUAL(server->done, 1);
		CU_ASSERT_EQUAL(client->done, 1);
		CU_ASSERT_EQUAL(server->lcp.theirs, client->lcp.ours);
		CU_ASSERT_STRING_EQUAL_FATAL(auth_peer(server->auth), "client");
		o.method = server->lcp.theirs;
	}
	auth_rig_free(rig);
	return o;
}

static struct outcome meet(unsigned require, unsigned refuse, double loss, unsigned seed)
{
	struct outcome o = { .lost = true };

	for (unsigned i = 0; i < 10 && o.lost; i++)
		o = meet_once(require, refuse, loss, seed + 10000 * i);
	CU_ASSERT_FALSE(o.lost);
	return o;
}

/* Nothing but what both allow is used, the best of it where pppd's way down leads to it, and nobody passes who proved nothing. Returns whether
 * two that could have agreed did not: pppd strikes off the wrong algorithm where the one that the peer proposes is not ours. */
static bool check_combination(unsigned require, unsigned refuse, double loss)
{
	struct outcome o = meet(require, refuse, loss, require * 32 + refuse);
	unsigned common = require & ~refuse;

	CU_ASSERT_EQUAL(o.method & ~common, 0);
	CU_ASSERT_TRUE(o.method || o.status == EXIT_PEER_AUTH_FAILED);
	CU_ASSERT_TRUE(o.method || (common & ~(unsigned)AUTH_MSCHAP) == 0);
	if (common & AUTH_EAP)
		CU_ASSERT_EQUAL(o.method, AUTH_EAP);
	if ((common & AUTH_CHAP_MD5) && !(common & AUTH_EAP))
		CU_ASSERT_EQUAL(o.method, AUTH_CHAP_MD5);
	return !o.method && common;
}

static void check_combinations(double loss, unsigned missed)
{
	for (unsigned require = 1; require <= ALL; require++) {
		for (unsigned refuse = 0; refuse <= ALL; refuse++)
			missed -= check_combination(require, refuse, loss);
	}
	CU_ASSERT_EQUAL(missed, 0);
}

static void every_combination(void)
{
	check_combinations(0, MISSED);
}

/* One packet in ten does not arrive: it comes to the same. */
static void every_combination_with_losses(void)
{
	check_combinations(0.1, MISSED);
}

static void every_method_on_a_good_line(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(methods); i++)
		CU_ASSERT_EQUAL(meet(methods[i], 0, 0, 1).method, methods[i]);
	CU_ASSERT_EQUAL(meet(0, 0, 0, 1).method, AUTH_EAP);
	CU_ASSERT_EQUAL(meet(0, AUTH_EAP, 0, 1).method, AUTH_CHAP_MD5);
	CU_ASSERT_EQUAL(meet(0, AUTH_EAP | AUTH_CHAP_MD5, 0, 1).method, AUTH_MSCHAP_V2);
	CU_ASSERT_EQUAL(meet(0, AUTH_EAP | AUTH_CHAP_MD5 | AUTH_MSCHAP_V2, 0, 1).method, AUTH_MSCHAP);
	CU_ASSERT_EQUAL(meet(0, AUTH_EAP | AUTH_CHAPS, 0, 1).method, AUTH_PAP);
	CU_ASSERT_EQUAL(meet(0, ALL, 0, 1).status, EXIT_PEER_AUTH_FAILED);
}

static bool meet_both(unsigned forth, unsigned back, double loss, unsigned seed)
{
	struct auth_rig *rig = auth_rig_new(seed);
	bool met = true;

	rig->loss = loss;
	for (unsigned k = 0; k < 2; k++) {
		rig->end[k].config->auth.required = true;
		rig->end[k].config->auth.require = k ? forth : back;
	}
	auth_rig_negotiate(rig);
	run_both(rig);
	for (unsigned k = 0; k < 2; k++)
		met = met && strcmp(rig->end[k].events->str, "done;") == 0;
	for (unsigned k = 0; k < 2 && met; k++) {
		CU_ASSERT_STRING_EQUAL(auth_peer(rig->end[k].auth), k ? "server" : "client");
		CU_ASSERT_EQUAL(rig->end[k].lcp.theirs, k ? forth : back);
		CU_ASSERT_EQUAL(rig->end[k].lcp.ours, k ? back : forth);
	}
	auth_rig_free(rig);
	return met;
}

/* Every method one way with every method the other way; then with one packet in ten lost, which the last one of CHAP must not be. */
static void both_directions_at_once(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(methods) * G_N_ELEMENTS(methods); i++) {
		unsigned forth = methods[i / G_N_ELEMENTS(methods)], back = methods[i % G_N_ELEMENTS(methods)];
		bool met = false;
		CU_ASSERT_TRUE(meet_both(forth, back, 0, i));
		for (unsigned seed = 0; seed < 10 && !met; seed++)
			met = meet_both(forth, back, 0.1, seed);
		CU_ASSERT_TRUE(met);
	}
}

static void a_wrong_secret(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
		struct auth_rig *rig = auth_rig_new(1);
		if (methods[i] == AUTH_EAP) {
			auth_rig_free(rig);
			continue;
		}
		rig->end[1].config->auth.password = g_strdup("simsim");
		auth_rig_prove(rig, methods[i]);
		auth_rig_run(rig, 60 * CLOCK_SECOND);
		CU_ASSERT_STRING_EQUAL(rig->end[0].events->str, "failed 11 Authentication failed;");
		CU_ASSERT_STRING_EQUAL(rig->end[1].events->str, "failed 19 Failed to authenticate ourselves to peer;");
		CU_ASSERT_PTR_NULL(strstr(rig->end[0].log->str, "simsim"));
		CU_ASSERT_PTR_NULL(strstr(rig->end[0].log->str, "sesame"));
		CU_ASSERT_PTR_NULL(strstr(rig->end[1].log->str, "simsim"));
		auth_rig_free(rig);
	}
}

/* The mutual proof of MS-CHAPv2, with both ends right, and the messages around it. */
static void log_lines(void)
{
	static const struct {
		unsigned method;
		const char *ours, *theirs;
	} rows[] = {
		{ AUTH_PAP, "Remote message: Login ok\nPAP authentication succeeded\n",
		  "PAP peer authentication succeeded for client\nPeer client authenticated with PAP\n" },
		{ AUTH_CHAP_MD5, "CHAP authentication succeeded: Access granted\nCHAP authentication succeeded\n",
		  "Peer client authenticated with CHAP\n" },
		{ AUTH_MSCHAP, "CHAP authentication succeeded: Access granted\nCHAP authentication succeeded\n",
		  "Peer client authenticated with CHAP\n" },
		{ AUTH_MSCHAP_V2, "CHAP authentication succeeded\n", "Peer client authenticated with CHAP\n" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct auth_rig *rig = auth_rig_new(1);
		auth_rig_prove(rig, rows[i].method);
		auth_rig_run(rig, CLOCK_SECOND);
		CU_ASSERT_PTR_NOT_NULL(strstr(rig->end[1].log->str, rows[i].ours));
		CU_ASSERT_PTR_NOT_NULL(strstr(rig->end[0].log->str, rows[i].theirs));
		auth_rig_free(rig);
	}
}

/* IPCP holds on to what the peer may do: a later proof must not take that away. */
static void eap_interval_leaves_the_rights(void)
{
	struct auth_rig *rig = auth_rig_new(1);
	struct auth_rig_end *us = &rig->end[0];

	us->config->auth.required = true;
	us->config->auth.require = AUTH_EAP;
	us->config->auth.eap.interval = 60;
	auth_rig_negotiate(rig);
	auth_rig_run(rig, CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL_FATAL(us->events->str, "done;");
	const GArray *before = auth_rights(us->auth)->addresses;
	auth_rig_run(rig, 130 * CLOCK_SECOND);
	CU_ASSERT_EQUAL(auth_rig_logged(&rig->end[1], "EAP authentication succeeded"), 3);
	CU_ASSERT_PTR_EQUAL(auth_rights(us->auth)->addresses, before);
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;");
	auth_rig_free(rig);
}

/* RFC 1994 section 2.3, RFC 3748 section 7.15: CHAP's MD5 is EAP's, so a challenge of the one must not be answered in the other. */
static void our_challenge_in_the_other_protocol(void)
{
	struct auth_rig *rig = auth_rig_new(1);
	struct auth_rig_end *us = &rig->end[0];

	us->config->auth.remote_name = g_strdup("client"); /* no Identity first */
	auth_rig_start(rig);
	rig->at = 0;
	auth_begin(us->auth, AUTH_EAP, AUTH_CHAP_MD5);
	char *request = g_strdup(auth_rig_next(us)); /* c227 01 ID LENGTH 04 10 CHALLENGE NAME */
	CU_ASSERT_TRUE_FATAL(strlen(request) > 48 && g_str_has_prefix(request, "c22701"));
	char *packet = g_strdup_printf("c223 01%.2s 0016 10 %.32s 78", request + 6, request + 16);
	auth_rig_feed(us, packet);
	CU_ASSERT_STRING_EQUAL(auth_rig_next(us), "");
	auth_rig_feed(us, "c223 0109 0016 10 00112233445566778899aabbccddeeff 78");
	CU_ASSERT_TRUE(g_str_has_prefix(auth_rig_next(us), "c223020900"));
	g_free(packet);
	g_free(request);
	auth_rig_free(rig);
}

static void keys_come_of_ms_chap(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
		struct auth_rig *rig = auth_rig_new(1);
		unsigned method, other;
		bool twice, ms = methods[i] & (AUTH_MSCHAP | AUTH_MSCHAP_V2);
		if (methods[i] == AUTH_EAP) {
			auth_rig_free(rig);
			continue;
		}
		auth_rig_prove(rig, methods[i]);
		auth_rig_run(rig, CLOCK_SECOND);
		const struct mppe_keys *server = auth_mppe_keys(rig->end[0].auth, &method, &twice);
		const struct mppe_keys *client = auth_mppe_keys(rig->end[1].auth, &other, &twice);
		CU_ASSERT_EQUAL(method, ms ? methods[i] : 0);
		CU_ASSERT_EQUAL(other, method);
		CU_ASSERT_FALSE(twice);
		CU_ASSERT_EQUAL(server->known, ms);
		CU_ASSERT_EQUAL(memcmp(server->send, client->receive, sizeof(server->send)), 0);
		CU_ASSERT_EQUAL(memcmp(server->receive, client->send, sizeof(server->send)), 0);
		auth_end(rig->end[0].auth);
		CU_ASSERT_FALSE(auth_mppe_keys(rig->end[0].auth, &method, &twice)->known);
		CU_ASSERT_EQUAL(method, 0);
		auth_rig_free(rig);
	}
}

static void keys_come_twice(void)
{
	struct auth_rig *rig = auth_rig_new(1);
	unsigned method;
	bool twice;

	for (unsigned k = 0; k < 2; k++) {
		rig->end[k].config->auth.required = true;
		rig->end[k].config->auth.require = AUTH_MSCHAP_V2;
	}
	auth_rig_negotiate(rig);
	auth_rig_run(rig, CLOCK_SECOND);
	auth_mppe_keys(rig->end[0].auth, &method, &twice);
	CU_ASSERT_TRUE(twice);
	auth_rig_free(rig);
}

static void nothing_to_prove(void)
{
	struct auth_rig *rig = auth_rig_new(1);

	rig->end[0].config->auth.remote_number = g_strdup("555");
	auth_rig_start(rig);
	rig->at = 0;
	CU_ASSERT_EQUAL(auth_can_demand(rig->end[0].auth), 0);
	CU_ASSERT_EQUAL(auth_can_prove(rig->end[0].auth), ALL);
	auth_begin(rig->end[0].auth, 0, 0);
	CU_ASSERT_STRING_EQUAL(rig->end[0].events->str, "done;");
	CU_ASSERT_EQUAL(auth_rig_logged(&rig->end[0], "peer from calling number 555 authorized"), 1);
	CU_ASSERT_PTR_NULL(auth_peer(rig->end[0].auth));
	CU_ASSERT_PTR_NULL(auth_rights(rig->end[0].auth));
	auth_rig_free(rig);
}

static const struct auth_line guest[] = { { SECRET_PAP, "", "*", "", false }, { 0 } };
static const struct auth_line guest_with_password[] = { { SECRET_PAP, "", "*", "x", false }, { 0 } };
static const struct auth_line none[] = { { 0 } };

/* The peer that will prove nothing: allow-ip, or PAP's empty name and password, let it in all the same. */
static void doing_without(void)
{
	static const struct {
		const struct auth_line *lines;
		unsigned require;
		bool allow_ip, rights;
		const char *events;
	} rows[] = {
		{ none, 0, false, false, "failed 11 peer refused to authenticate;" },
		{ none, 0, true, false, "done;" },
		{ guest, 0, false, true, "done;" },
		{ guest, AUTH_PAP, false, true, "done;" },
		{ guest, AUTH_EAP | AUTH_CHAPS, false, false, "failed 11 peer refused to authenticate;" },
		{ guest_with_password, 0, false, false, "failed 11 peer refused to authenticate;" },
		{ guest, 0, true, false, "done;" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct auth_rig *rig = auth_rig_new(1);
		struct auth_rig_end *us = &rig->end[0];
		struct address_rule any = { .permit = true };
		bool in = g_str_has_prefix(rows[i].events, "done");
		us->lines = rows[i].lines;
		us->config->auth.required = true;
		us->config->auth.require = rows[i].require;
		if (!us->config->auth.allow_ip)
			us->config->auth.allow_ip = g_array_new(FALSE, FALSE, sizeof(struct address_rule));
		if (rows[i].allow_ip)
			g_array_append_val(us->config->auth.allow_ip, any);
		auth_rig_start(rig);
		rig->at = 0;
		CU_ASSERT_EQUAL(auth_may_do_without(us->auth), in);
		auth_begin(us->auth, 0, 0);
		CU_ASSERT_STRING_EQUAL(us->events->str, rows[i].events);
		CU_ASSERT_EQUAL(auth_rig_logged(us, "peer refused to authenticate: terminating link"), !in);
		CU_ASSERT_EQUAL(auth_rights(us->auth) != NULL, rows[i].rights);
		auth_rig_free(rig);
	}
}

static void need_peer_eap(void)
{
	static const struct {
		unsigned refuse, ours;
		const char *events, *line;
	} rows[] = {
		{ 0, AUTH_CHAP_MD5, "failed 11 couldn't negotiate eap;", "peer doesn't want to authenticate us with eap" },
		{ 0, 0, "failed 11 couldn't negotiate eap;", "peer doesn't want to authenticate us with eap" },
		{ AUTH_EAP, AUTH_PAP, "failed 19 couldn't negotiate eap;", "eap required to authenticate us but no suitable secrets" },
		{ 0, AUTH_EAP, "", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct auth_rig *rig = auth_rig_new(1);
		struct auth_rig_end *us = &rig->end[1];
		us->config->auth.need_peer_eap = true;
		us->config->auth.refuse = rows[i].refuse;
		auth_rig_start(rig);
		auth_begin(us->auth, 0, rows[i].ours);
		CU_ASSERT_STRING_EQUAL(us->events->str, rows[i].events);
		if (rows[i].line)
			CU_ASSERT_EQUAL(auth_rig_logged(us, rows[i].line), 1);
		auth_rig_free(rig);
	}
}

/* CVE-2020-8597: what was not agreed on is not even looked at. */
static void not_negotiated(void)
{
	static const uint16_t all[] = { PPP_PAP, PPP_CHAP, PPP_EAP };
	static const uint8_t packet[] = { 1, 1, 0, 10, 4, 1, 2, 3, 4, 'x' };

	for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
		struct auth_rig *rig = auth_rig_new(1);
		auth_rig_start(rig);
		for (size_t k = 0; k < G_N_ELEMENTS(all); k++)
			CU_ASSERT_FALSE(auth_input(rig->end[1].auth, all[k], packet, sizeof(packet)));
		auth_begin(rig->end[1].auth, 0, methods[i]);
		for (size_t k = 0; k < G_N_ELEMENTS(all); k++)
			CU_ASSERT_EQUAL(auth_input(rig->end[1].auth, all[k], packet, sizeof(packet)), all[k] == auth_protocol(methods[i]));
		CU_ASSERT_FALSE(auth_input(rig->end[1].auth, 0, packet, sizeof(packet)));
		auth_end(rig->end[1].auth);
		for (size_t k = 0; k < G_N_ELEMENTS(all); k++)
			CU_ASSERT_FALSE(auth_input(rig->end[1].auth, all[k], packet, sizeof(packet)));
		auth_rig_free(rig);
	}
}

/* What secrets there are decides what can be demanded, and proved. */
static void what_is_possible(void)
{
	static const struct auth_line pap[] = { { SECRET_PAP, "*", "*", "x", false }, { 0 } };
	static const struct auth_line chap[] = { { SECRET_CHAP, "*", "*", "x", false }, { 0 } };
	static const struct auth_line homeless[] = { { SECRET_CHAP, "*", "*", "x", true }, { SECRET_PAP, "*", "*", "x", true }, { 0 } };
	static const struct {
		const struct auth_line *lines;
		const char *password;
		unsigned refuse, demand, prove; /* without EAP */
	} rows[] = {
		{ none, NULL, 0, 0, 0 },
		{ pap, NULL, 0, AUTH_PAP, AUTH_PAP },
		{ chap, NULL, 0, AUTH_CHAPS, AUTH_CHAPS },
		{ chap, NULL, AUTH_MSCHAP, AUTH_CHAPS, AUTH_CHAP_MD5 | AUTH_MSCHAP_V2 },
		{ homeless, NULL, 0, 0, AUTH_CHAPS | AUTH_PAP },
		{ none, "x", 0, 0, AUTH_CHAPS | AUTH_PAP },
		{ none, "", 0, 0, AUTH_CHAPS },
		{ pap, "", 0, AUTH_PAP, AUTH_CHAPS | AUTH_PAP },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct auth_rig *rig = auth_rig_new(1);
		struct auth_rig_end *us = &rig->end[1];
		us->lines = rows[i].lines;
		us->config->auth.required = true;
		us->config->auth.refuse = rows[i].refuse;
		us->config->auth.password = g_strdup(rows[i].password);
		auth_rig_start(rig);
		CU_ASSERT_EQUAL(auth_can_demand(us->auth) & ~(unsigned)AUTH_EAP, rows[i].demand);
		CU_ASSERT_EQUAL(auth_can_prove(us->auth) & ~(unsigned)AUTH_EAP, rows[i].prove);
		auth_rig_free(rig);
	}
}

static void names(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *clean;
	} rows[] = {
		{ "bob", 3, "bob" },   { "", 0, "" },           { "a\0b", 3, NULL },
		{ "bob\0", 4, NULL },  { "\x1b[1m", 4, "^[[1m" }, { "\xc3\xa9", 2, "M-CM-)" },
	};
	char *longest = g_strnfill(256, 'n');
	char *clean;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		clean = auth_clean_name((const uint8_t *)rows[i].bytes, rows[i].len);
		CU_ASSERT_EQUAL(g_strcmp0(clean, rows[i].clean), 0);
		g_free(clean);
	}
	clean = auth_clean_name((const uint8_t *)longest, 255);
	CU_ASSERT_PTR_NOT_NULL(clean);
	g_free(clean);
	CU_ASSERT_PTR_NULL(auth_clean_name((const uint8_t *)longest, 256));
	memset(longest, 0xff, 255);
	CU_ASSERT_PTR_NULL(auth_clean_name((const uint8_t *)longest, 255));
	CU_ASSERT_PTR_NOT_NULL(clean = auth_clean_name(NULL, 0));
	g_free(clean);
	g_free(longest);
}

/* RFC 1661 section 3.5: after LCP has gone down nothing of before holds; and all may begin anew. */
static void again_and_again(void)
{
	struct auth_rig *rig = auth_rig_new(1);

	rig->end[0].config->auth.required = true;
	rig->end[0].config->auth.require = AUTH_CHAP_MD5;
	auth_rig_negotiate(rig);
	for (unsigned i = 1; i <= 3; i++) {
		auth_rig_run(rig, 100 * CLOCK_SECOND);
		CU_ASSERT_EQUAL(rig->end[0].done, i);
		CU_ASSERT_STRING_EQUAL(auth_peer(rig->end[0].auth), "client");
		for (unsigned k = 0; k < 2; k++)
			cp_down(&rig->end[k].lcp.cp);
		CU_ASSERT_PTR_NULL(auth_peer(rig->end[0].auth));
		for (unsigned k = 0; k < 2; k++)
			cp_up(&rig->end[k].lcp.cp);
	}
	auth_rig_free(rig);
}

const struct unit_test unit_tests[] = {
	{ "auth: every require- against every refuse-", every_combination },
	{ "auth: every require- against every refuse-, on a line with losses", every_combination_with_losses },
	{ "auth: every method, and the order of them (RFC 1661 section 6.2)", every_method_on_a_good_line },
	{ "auth: both directions at once, each method with each", both_directions_at_once },
	{ "auth: a wrong secret ends it at both ends: 11 and 19", a_wrong_secret },
	{ "auth: the lines of pppd's log", log_lines },
	{ "auth: eap-interval leaves the rights as they are", eap_interval_leaves_the_rights },
	{ "auth: our challenge comes back in the other protocol, RFC 1994 2.3", our_challenge_in_the_other_protocol },
	{ "auth: keys for MPPE come of MS-CHAP (RFC 3079)", keys_come_of_ms_chap },
	{ "auth: keys for MPPE of both directions", keys_come_twice },
	{ "auth: nothing to prove", nothing_to_prove },
	{ "auth: a peer that proves nothing: allow-ip, an empty name and password", doing_without },
	{ "auth: need-peer-eap", need_peer_eap },
	{ "auth: CVE-2020-8597: a protocol that was not negotiated is dropped", not_negotiated },
	{ "auth: what is possible follows from the secrets", what_is_possible },
	{ "auth: names from the wire: NUL bytes, controls, length", names },
	{ "auth: LCP down and up again (RFC 1661 section 3.5)", again_and_again },
	{ 0 },
};
