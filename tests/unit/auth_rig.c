/* A test rig; see auth_rig.h. */
#include "auth_rig.h"

#include <CUnit/CUnit.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "ppp/crypto.h"

static const struct auth_line usual[] = {
	{ SECRET_PAP, "client", "server", "sesame", false },
	{ SECRET_CHAP, "client", "server", "sesame", false },
	{ SECRET_CHAP, "server", "client", "sesame", false },
	{ SECRET_PAP, "server", "client", "sesame", false },
	{ 0 },
};

/* Secrets. */

static bool fits(const char *pattern, const char *name)
{
	return !name || strcmp(pattern, "*") == 0 || strcmp(pattern, name) == 0;
}

static void give(const struct auth_line *line, struct secret *secret, struct rights *rights)
{
	struct address_rule any = { .permit = true };

	if (secret)
		secret_set(secret, line->secret, strlen(line->secret));
	if (!rights)
		return;
	rights_clear(rights);
	rights->addresses = g_array_new(FALSE, FALSE, sizeof(struct address_rule));
	if (!line->no_address)
		g_array_append_val(rights->addresses, any);
}

static bool find(void *arg, enum secret_kind kind, const char *client, const char *server, bool quiet, struct secret *secret,
		 struct rights *rights)
{
	const struct auth_rig_end *end = arg;

	(void)quiet;
	for (const struct auth_line *line = end->lines; line->client; line++) {
		if (line->kind == kind && fits(line->client, client) && fits(line->server, server)) {
			give(line, secret, rights);
			return true;
		}
	}
	return false;
}

static bool check_pap(void *arg, const char *user, const struct secret *password, const char *server, struct rights *rights)
{
	struct secret right;

	CU_ASSERT_PTR_NULL(memchr(password->bytes, '\0', password->len));
	return find(arg, SECRET_PAP, user, server, false, &right, rights) &&
	       crypto_equal(right.bytes, right.len, password->bytes, password->len);
}

static bool null_login(void *arg, const char *server, struct rights *rights)
{
	struct secret none = { 0 };

	return check_pap(arg, "", &none, server, rights);
}

static bool no_tls(void *arg, bool server, const char *peer, const char *ours, struct tls_files *files, struct rights *rights)
{
	(void)arg, (void)server, (void)peer, (void)ours, (void)files, (void)rights;
	return false;
}

static const struct secrets secrets = { find, check_pap, null_login, no_tls };

/* The line. */

static struct auth_rig_end *other(struct auth_rig_end *end)
{
	return &end->rig->end[end == &end->rig->end[0]];
}

static void send_packet(void *arg, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct auth_rig_end *end = arg;
	GByteArray *all = g_byte_array_new();
	uint8_t head[] = { (uint8_t)(protocol >> 8), (uint8_t)protocol };

	g_byte_array_append(all, head, sizeof(head));
	g_byte_array_append(all, packet, (guint)len);
	if (!end->rig->joined) {
		GString *hex = g_string_new(NULL);
		for (guint i = 0; i < all->len; i++)
			g_string_append_printf(hex, "%.2x", all->data[i]);
		g_queue_push_tail(&end->sent, g_string_free(hex, FALSE));
		g_byte_array_unref(all);
	} else if (g_rand_double(end->rig->rand) < end->rig->loss) {
		g_byte_array_unref(all);
	} else {
		g_queue_push_tail(&other(end)->arriving, g_byte_array_free_to_bytes(all));
	}
}

static void enter(void *arg)
{
	struct auth_rig_end *end = arg;

	end->rig->at = end == &end->rig->end[1];
}

static void leave(void *arg)
{
	(void)arg;
}

static void deliver(struct auth_rig_end *end, const uint8_t *bytes, size_t len)
{
	uint16_t protocol = (uint16_t)(bytes[0] << 8 | bytes[1]);
	uint8_t *copy = g_memdup2(bytes + 2, len - 2); /* of that length: a read behind its end is seen by the sanitizer */

	enter(end);
	if (protocol == PPP_LCP)
		cp_input(&end->lcp.cp, copy, len - 2);
	else
		auth_input(end->auth, protocol, copy, len - 2);
	g_free(copy);
}

static bool pump_one(struct auth_rig_end *end)
{
	GBytes *bytes = g_queue_pop_head(&end->arriving);
	gsize len;

	if (!bytes)
		return false;
	const uint8_t *data = g_bytes_get_data(bytes, &len);
	deliver(end, data, len);
	g_bytes_unref(bytes);
	return true;
}

static void pump(struct auth_rig *rig)
{
	bool more = true;

	while (more) {
		more = pump_one(&rig->end[0]);
		more = pump_one(&rig->end[1]) || more;
	}
}

void auth_rig_run(struct auth_rig *rig, uint64_t microseconds)
{
	uint64_t until = rig->clock.now + microseconds;

	pump(rig);
	while (clock_next(&rig->clock) <= until) {
		clock_advance(&rig->clock, clock_next(&rig->clock));
		pump(rig);
	}
	clock_advance(&rig->clock, until);
}

/* Events. */

static void on_done(void *arg)
{
	struct auth_rig_end *end = arg;

	end->done++;
	g_string_append(end->events, "done;");
}

/* Closes at once, as the link does. */
static void on_failed(void *arg, const char *reason, enum exit_status status)
{
	struct auth_rig_end *end = arg;

	if (end->failed++ == 0)
		end->status = status;
	g_string_append_printf(end->events, "failed %d %s;", (int)status, reason);
	if (end->lcp.cp.state == STATE_OPENED)
		cp_close(&end->lcp.cp, reason);
	else
		auth_end(end->auth);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void lcp_is_up(void *arg)
{
	struct auth_rig_end *end = arg;

	auth_begin(end->auth, end->lcp.theirs, end->lcp.ours);
}

static void lcp_is_down(void *arg)
{
	auth_end(((struct auth_rig_end *)arg)->auth);
}

static void rejected(void *arg, uint16_t protocol)
{
	auth_protocol_rejected(((struct auth_rig_end *)arg)->auth, protocol);
}

static uint64_t no_packets(void *arg)
{
	(void)arg;
	return 0;
}

static const struct auth_events auth_events = { send_packet, enter, leave, on_done, on_failed };
static const struct cp_host cp_host = { send_packet, enter, leave };
static const struct lcp_events lcp_events = {
	.apply = nothing,
	.up = lcp_is_up,
	.down = lcp_is_down,
	.finished = nothing,
	.failed = on_failed,
	.protocol_rejected = rejected,
	.packets_in = no_packets,
};

static void on_log(void *arg, int priority, const char *line)
{
	struct auth_rig *rig = arg;

	(void)priority;
	g_string_append_printf(rig->end[rig->at].log, "%s\n", line);
}

/* Life. */

struct auth_rig *auth_rig_new(unsigned seed)
{
	struct auth_rig *rig = g_new0(struct auth_rig, 1);
	static const char *const names[] = { "server", "client" };

	clock_init(&rig->clock, 1);
	rig->rand = g_rand_new_with_seed(seed);
	for (unsigned i = 0; i < 2; i++) {
		struct auth_rig_end *end = &rig->end[i];
		end->rig = rig;
		end->config = config_new();
		end->config->auth.name = g_strdup(names[i]);
		end->config->auth.user = g_strdup(names[i]);
		end->lines = usual;
		end->log = g_string_new(NULL);
		end->events = g_string_new(NULL);
		g_queue_init(&end->arriving);
		g_queue_init(&end->sent);
	}
	log_set_debug(1);
	log_set_sink(on_log, rig);
	return rig;
}

static void start_end(struct auth_rig_end *end)
{
	struct clock *clock = &end->rig->clock;

	enter(end);
	end->auth = auth_new(&end->config->auth, &secrets, end, clock, &auth_events, end);
	lcp_init(&end->lcp, &end->config->lcp, clock, &cp_host, end, &lcp_events, end);
	end->lcp.auth = end->auth;
	auth_prepare(end->auth);
}

void auth_rig_start(struct auth_rig *rig)
{
	for (unsigned i = 0; i < 2; i++)
		start_end(&rig->end[i]);
}

void auth_rig_negotiate(struct auth_rig *rig)
{
	auth_rig_start(rig);
	rig->joined = true;
	for (unsigned i = 0; i < 2; i++) {
		enter(&rig->end[i]);
		cp_open(&rig->end[i].lcp.cp);
		cp_up(&rig->end[i].lcp.cp);
	}
}

void auth_rig_prove(struct auth_rig *rig, unsigned method)
{
	auth_rig_start(rig);
	rig->joined = true;
	enter(&rig->end[1]);
	auth_begin(rig->end[1].auth, 0, method);
	enter(&rig->end[0]);
	auth_begin(rig->end[0].auth, method, 0);
}

void auth_rig_free(struct auth_rig *rig)
{
	for (unsigned i = 0; i < 2; i++) {
		struct auth_rig_end *end = &rig->end[i];
		if (end->auth)
			lcp_free(&end->lcp);
		auth_free(end->auth);
		config_free(end->config);
		g_queue_clear_full(&end->arriving, (GDestroyNotify)g_bytes_unref);
		g_queue_clear_full(&end->sent, g_free);
		g_string_free(end->log, TRUE);
		g_string_free(end->events, TRUE);
	}
	CU_ASSERT_EQUAL(clock_next(&rig->clock), CLOCK_NEVER);
	log_set_sink(NULL, NULL);
	log_set_debug(0);
	g_rand_free(rig->rand);
	g_free(rig);
}

/* One end. */

void auth_rig_feed(struct auth_rig_end *end, const char *hex)
{
	GByteArray *bytes = g_byte_array_new();

	for (const char *p = hex; *p;) {
		while (*p == ' ')
			p++;
		if (!*p)
			break;
		uint8_t byte = (uint8_t)(g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
		g_byte_array_append(bytes, &byte, 1);
		p += 2;
	}
	deliver(end, bytes->data, bytes->len);
	g_byte_array_unref(bytes);
}

const char *auth_rig_next(struct auth_rig_end *end)
{
	static char last[2048];
	char *text = g_queue_pop_head(&end->sent);

	g_strlcpy(last, text ? text : "", sizeof(last));
	g_free(text);
	return last;
}

bool auth_rig_sent(struct auth_rig_end *end, const char *pattern)
{
	const char *text = auth_rig_next(end);
	const char *t = text;
	const char *p = pattern;

	for (; *p; p++) {
		if (isspace((unsigned char)*p))
			continue;
		if (*t == '\0' || (*p != '?' && *p != *t))
			break;
		t++;
	}
	if (*p || *t)
		printf("#   sent %s, not %s\n", text, pattern);
	return !*p && !*t;
}

unsigned auth_rig_logged(const struct auth_rig_end *end, const char *text)
{
	char **lines = g_strsplit(end->log->str, "\n", -1);
	unsigned n = 0;

	for (char **line = lines; *line; line++)
		n += g_str_has_prefix(*line, text) ? 1 : 0;
	g_strfreev(lines);
	return n;
}
