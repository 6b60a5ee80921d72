/* pap: both roles, byte by byte, against RFC 1334 and pppd's counts and words. The peer is the test. */
#include "unit.h"

#include <string.h>

#include "auth_rig.h"

static struct auth_rig *proving(void)
{
	struct auth_rig *rig = auth_rig_new(1);

	auth_rig_start(rig);
	auth_begin(rig->end[1].auth, 0, AUTH_PAP);
	return rig;
}

static struct auth_rig *demanding(void)
{
	struct auth_rig *rig = auth_rig_new(1);

	auth_rig_start(rig);
	rig->at = 0;
	auth_begin(rig->end[0].auth, AUTH_PAP, 0);
	return rig;
}

static void request_and_ack(void)
{
	struct auth_rig *rig = proving();
	struct auth_rig_end *us = &rig->end[1];

	CU_ASSERT_TRUE(auth_rig_sent(us, "c023 0101 0012 06 636c69656e74 06 736573616d65"));
	auth_rig_feed(us, "c023 0201000d 08 4c6f67696e206f6b");
	CU_ASSERT_EQUAL(auth_rig_logged(us, "Remote message: Login ok"), 1);
	CU_ASSERT_EQUAL(auth_rig_logged(us, "PAP authentication succeeded"), 1);
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;");
	auth_rig_run(rig, 100 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(auth_rig_next(us), "");
	auth_rig_feed(us, "c023 0301000500");
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;");
	auth_rig_free(rig);
}

static void nak(void)
{
	struct auth_rig *rig = proving();
	struct auth_rig_end *us = &rig->end[1];

	auth_rig_feed(us, "c023 03010009 04 6e6f1b0a");
	CU_ASSERT_EQUAL(auth_rig_logged(us, "Remote message: no^[^J"), 1);
	CU_ASSERT_EQUAL(auth_rig_logged(us, "PAP authentication failed"), 1);
	CU_ASSERT_STRING_EQUAL(us->events->str, "failed 19 Failed to authenticate ourselves to peer;");
	auth_rig_free(rig);
}

static void gives_up(void)
{
	struct auth_rig *rig = proving();
	struct auth_rig_end *us = &rig->end[1];
	char expected[64];

	for (int i = 1; i <= 10; i++) {
		g_snprintf(expected, sizeof(expected), "c023 01%.2x 0012 06 636c69656e74 06 736573616d65", i);
		CU_ASSERT_TRUE(auth_rig_sent(us, expected));
		auth_rig_run(rig, 3 * CLOCK_SECOND - 1);
		CU_ASSERT_STRING_EQUAL(auth_rig_next(us), "");
		auth_rig_run(rig, 1);
	}
	CU_ASSERT_EQUAL(auth_rig_logged(us, "No response to PAP authenticate-requests"), 1);
	CU_ASSERT_STRING_EQUAL(us->events->str, "failed 19 Failed to authenticate ourselves to peer;");
	auth_rig_free(rig);
}

/* Replies to old identifiers: of another session they are nothing, of a request that was sent again they are answers. */
static void old_identifiers(void)
{
	struct auth_rig *rig = proving();
	struct auth_rig_end *us = &rig->end[1];

	auth_rig_feed(us, "c023 0200000500");
	auth_rig_feed(us, "c023 0302000500");
	CU_ASSERT_STRING_EQUAL(us->events->str, "");
	auth_rig_run(rig, 3 * CLOCK_SECOND);
	auth_end(us->auth);
	auth_begin(us->auth, 0, AUTH_PAP);
	auth_rig_feed(us, "c023 0302000500");
	CU_ASSERT_STRING_EQUAL(us->events->str, "");
	auth_rig_run(rig, 3 * CLOCK_SECOND);
	auth_rig_feed(us, "c023 0203000500");
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;");
	auth_rig_free(rig);
}

static void unusual_answers(void)
{
	static const struct {
		const char *packet, *events;
	} rows[] = {
		{ "c023 02010004", "done;" },
		{ "c023 02010006 ff41", "done;" },
		{ "c023 0201", "" },
		{ "c023 02010003", "" },
		{ "c023 02010006 00", "" },
		{ "c023 04010005 00", "" },
		{ "c023 00010005 00", "" },
		{ "c023 ff010005 00", "" },
		{ "c023", "" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct auth_rig *rig = proving();
		auth_rig_feed(&rig->end[1], rows[i].packet);
		CU_ASSERT_STRING_EQUAL(rig->end[1].events->str, rows[i].events);
		CU_ASSERT_EQUAL(auth_rig_logged(&rig->end[1], "Remote message"), 0);
		auth_rig_free(rig);
	}
}

static void without_a_secret(void)
{
	static const struct auth_line none[] = { { 0 } };
	struct auth_rig *rig = auth_rig_new(1);

	rig->end[1].lines = none;
	auth_rig_start(rig);
	auth_begin(rig->end[1].auth, 0, AUTH_PAP);
	CU_ASSERT_TRUE(auth_rig_sent(&rig->end[1], "c023 0101 000c 06 636c69656e74 00"));
	CU_ASSERT_EQUAL(auth_rig_logged(&rig->end[1], "No secret found for PAP login"), 1);
	auth_rig_free(rig);
}

/* The longest name and the longest password fit into one packet. */
static void longest_fields(void)
{
	struct auth_rig *rig = auth_rig_new(1);
	struct auth_config *config = &rig->end[1].config->auth;

	g_free(config->user);
	config->user = g_strnfill(255, 'u');
	config->password = g_strnfill(255, 'p');
	auth_rig_start(rig);
	auth_begin(rig->end[1].auth, 0, AUTH_PAP);
	const char *sent = auth_rig_next(&rig->end[1]);
	CU_ASSERT_EQUAL(strlen(sent), 2 * (2 + 4 + 1 + 255 + 1 + 255));
	CU_ASSERT_NSTRING_EQUAL(sent, "c02301010204ff75", 16);
	auth_rig_free(rig);
}

static void right_password(void)
{
	struct auth_rig *rig = demanding();
	struct auth_rig_end *us = &rig->end[0];

	CU_ASSERT_STRING_EQUAL(auth_rig_next(us), "");
	auth_rig_feed(us, "c023 0107 0012 06 636c69656e74 06 736573616d65");
	CU_ASSERT_TRUE(auth_rig_sent(us, "c023 0207 000d 08 4c6f67696e206f6b"));
	CU_ASSERT_EQUAL(auth_rig_logged(us, "PAP peer authentication succeeded for client"), 1);
	CU_ASSERT_EQUAL(auth_rig_logged(us, "Peer client authenticated with PAP"), 1);
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;");
	CU_ASSERT_STRING_EQUAL(auth_peer(us->auth), "client");
	CU_ASSERT_PTR_NOT_NULL_FATAL(auth_rights(us->auth));
	CU_ASSERT_EQUAL(auth_rights(us->auth)->addresses->len, 1);
	auth_rig_feed(us, "c023 0108 000e 06 636c69656e74 02 6e6f");
	CU_ASSERT_TRUE(auth_rig_sent(us, "c023 0208 0005 00"));
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;");
	auth_rig_run(rig, 100 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(us->events->str, "done;");
	auth_rig_free(rig);
}

/* What is no right answer: the name, or what takes its place in the log. */
static const struct {
	const char *packet, *name;
} wrong[] = {
	{ "c023 0107 0012 06 636c69656e74 06 736573616d66", "client" },
	{ "c023 0107 0011 06 636c69656e74 05 736573616d", "client" },
	{ "c023 0107 0013 06 636c69656e74 07 736573616d6500", "client" },
	{ "c023 0107 0013 06 636c69656e74 07 736573616d6565", "client" },
	{ "c023 0107 000c 06 636c69656e74 00", "client" },
	{ "c023 0107 0006 00 00", "" },
	{ "c023 0107 0013 07 636c69656e7400 06 736573616d65", "client^@" },
	{ "c023 0107 0011 05 636c69656e 06 736573616d65", "clien" },
	{ "c023 0107 000e 02 225c 06 736573616d65", "\\\"\\\\" },
};

/* CVE-2026-55706: a name and a password of no bytes, a part of the right ones, more than those, a NUL byte behind them. */
static void wrong_passwords(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		struct auth_rig *rig = demanding();
		struct auth_rig_end *us = &rig->end[0];
		char *line = g_strdup_printf("PAP peer authentication failed for %s", wrong[i].name);
		auth_rig_feed(us, wrong[i].packet);
		CU_ASSERT_TRUE(auth_rig_sent(us, "c023 0307 0014 0f 4c6f67696e20696e636f7272656374"));
		CU_ASSERT_EQUAL(auth_rig_logged(us, line), 1);
		CU_ASSERT_STRING_EQUAL(us->events->str, "failed 11 Authentication failed;");
		CU_ASSERT_PTR_NULL(auth_peer(us->auth));
		g_free(line);
		auth_rig_free(rig);
	}
}

static void short_requests(void)
{
	static const char *const packets[] = {
		"c023 0107 0004", "c023 0107 0005 ff", "c023 0107 0005 06", "c023 0107 000b 06 636c69656e74",
		"c023 0107 000c 06 636c69656e74 ff", "c023 0107 0011 06 636c69656e74 06 736573616d", "c023 0107 0012 06 636c69656e74",
	};
	struct auth_rig *rig = demanding();

	for (size_t i = 0; i < G_N_ELEMENTS(packets); i++)
		auth_rig_feed(&rig->end[0], packets[i]);
	CU_ASSERT_STRING_EQUAL(auth_rig_next(&rig->end[0]), "");
	CU_ASSERT_STRING_EQUAL(rig->end[0].events->str, "");
	auth_rig_free(rig);
}

static void empty_is_right_where_it_is_the_secret(void)
{
	static const struct auth_line guest[] = { { SECRET_PAP, "", "*", "", false }, { 0 } };
	struct auth_rig *rig = demanding();

	rig->end[0].lines = guest;
	auth_rig_feed(&rig->end[0], "c023 0107 0006 00 00");
	CU_ASSERT_STRING_EQUAL(rig->end[0].events->str, "done;");
	auth_rig_free(rig);
}

static void patience(void)
{
	struct auth_rig *rig = demanding();

	auth_rig_run(rig, 30 * CLOCK_SECOND - 1);
	CU_ASSERT_STRING_EQUAL(rig->end[0].events->str, "");
	auth_rig_run(rig, 1);
	CU_ASSERT_STRING_EQUAL(rig->end[0].events->str, "failed 11 Authentication failed;");
	CU_ASSERT_EQUAL(auth_rig_logged(&rig->end[0], "PAP: the peer has not authenticated itself in time"), 1);
	auth_rig_free(rig);

	rig = auth_rig_new(1);
	rig->end[0].config->auth.pap.timeout = 0;
	auth_rig_start(rig);
	auth_begin(rig->end[0].auth, AUTH_PAP, 0);
	auth_rig_run(rig, 100000 * CLOCK_SECOND);
	CU_ASSERT_STRING_EQUAL(rig->end[0].events->str, "");
	auth_rig_free(rig);
}

static void roles_are_apart(void)
{
	struct auth_rig *rig = proving();

	CU_ASSERT_TRUE(auth_rig_sent(&rig->end[1], "c023 0101 0012 06 636c69656e74 06 736573616d65"));
	auth_rig_feed(&rig->end[1], "c023 0107 0012 06 736572766572 06 736573616d65");
	CU_ASSERT_STRING_EQUAL(auth_rig_next(&rig->end[1]), "");
	CU_ASSERT_STRING_EQUAL(rig->end[1].events->str, "");
	auth_rig_free(rig);
	rig = demanding();
	auth_rig_feed(&rig->end[0], "c023 0200000500");
	auth_rig_feed(&rig->end[0], "c023 0201000500");
	CU_ASSERT_STRING_EQUAL(rig->end[0].events->str, "");
	auth_rig_free(rig);
}

static void protocol_rejected(void)
{
	struct auth_rig *rig = proving();

	auth_protocol_rejected(rig->end[1].auth, PPP_PAP);
	CU_ASSERT_STRING_EQUAL(rig->end[1].events->str, "failed 19 Failed to authenticate ourselves to peer;");
	CU_ASSERT_EQUAL(auth_rig_logged(&rig->end[1], "PAP authentication failed due to protocol-reject"), 1);
	auth_rig_free(rig);
	rig = demanding();
	auth_protocol_rejected(rig->end[0].auth, PPP_PAP);
	CU_ASSERT_STRING_EQUAL(rig->end[0].events->str, "failed 11 Authentication failed;");
	CU_ASSERT_EQUAL(auth_rig_logged(&rig->end[0], "PAP authentication of peer failed (protocol-reject)"), 1);
	auth_rig_free(rig);
}

const struct unit_test unit_tests[] = {
	{ "pap: a request and its Ack (RFC 1334 section 2.2)", request_and_ack },
	{ "pap: a Nak ends it", nak },
	{ "pap: ten requests, then the end", gives_up },
	{ "pap: replies to old identifiers", old_identifiers },
	{ "pap: answers short, long and unknown", unusual_answers },
	{ "pap: without a secret the password is empty", without_a_secret },
	{ "pap: names and passwords of 255 bytes", longest_fields },
	{ "pap: the right password; repeated, it is answered again (RFC 1334 section 2.2.1)", right_password },
	{ "pap: CVE-2026-55706: empty, shorter and longer names and passwords", wrong_passwords },
	{ "pap: short requests are discarded", short_requests },
	{ "pap: an empty password where that is the secret", empty_is_right_where_it_is_the_secret },
	{ "pap: waits pap-timeout for a request", patience },
	{ "pap: who was not asked to prove takes no answers, and the other way round", roles_are_apart },
	{ "pap: a Protocol-Reject ends it", protocol_rejected },
	{ 0 },
};
