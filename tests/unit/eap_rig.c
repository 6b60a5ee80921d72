/* Two ends of EAP in one test; see eap_rig.h. */
#include "eap_rig.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

struct packet {
	struct eap_end *to;
	GBytes *bytes;
};

static void free_packet(gpointer data)
{
	struct packet *p = data;

	g_bytes_unref(p->bytes);
	g_free(p);
}

static void put_on_wire(struct eap_end *from, const uint8_t *packet, size_t len)
{
	struct eap_rig *rig = from->rig;
	struct packet *p = g_new0(struct packet, 1);

	p->to = from == &rig->server ? &rig->client : &rig->server;
	p->bytes = g_bytes_new(packet, len);
	g_queue_push_tail(&rig->wire, p);
}

static void on_send(void *arg, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct eap_end *end = arg;
	struct eap_rig *rig = end->rig;

	g_assert(protocol == 0xc227);
	end->sent++;
	end->longest = MAX(end->longest, len);
	g_string_truncate(end->last, 0);
	for (size_t i = 0; i < len; i++)
		g_string_append_printf(end->last, "%.2x", packet[i]);
	if (rig->cut || ++rig->carried == rig->lose || g_rand_double(rig->rand) < rig->loss)
		return;
	put_on_wire(end, packet, len);
	if (g_rand_double(rig->rand) < rig->duplicate)
		put_on_wire(end, packet, len);
}

static void on_timer(void *arg)
{
	(void)arg;
}

static void on_proved(void *arg, uint16_t protocol)
{
	(void)protocol;
	g_string_append(((struct eap_end *)arg)->events, "proved;");
}

static void on_refused(void *arg, uint16_t protocol)
{
	(void)protocol;
	g_string_append(((struct eap_end *)arg)->events, "refused;");
}

static void on_peer_proved(void *arg, uint16_t protocol, const char *name, struct rights *rights)
{
	(void)protocol;
	g_assert(rights->addresses);
	g_string_append_printf(((struct eap_end *)arg)->events, "peer %s;", name);
	rights_clear(rights);
}

static void on_peer_failed(void *arg, uint16_t protocol)
{
	(void)protocol;
	g_string_append(((struct eap_end *)arg)->events, "peer failed;");
}

static void on_keys(void *arg, enum auth_method method, const struct mppe_keys *keys)
{
	struct eap_end *end = arg;

	g_assert(method == AUTH_EAP && keys->known);
	end->keys = *keys;
	g_string_append(end->events, "keys;");
}

static bool on_is_ours(void *arg, const uint8_t *challenge, size_t len)
{
	const struct eap_end *end = arg;

	return eap_has_asked(end->eap, challenge, len);
}

static const struct auth_host host = {
	.send = on_send,
	.enter = on_timer,
	.leave = on_timer,
	.proved = on_proved,
	.refused = on_refused,
	.peer_proved = on_peer_proved,
	.peer_failed = on_peer_failed,
	.is_ours = on_is_ours,
	.keys = on_keys,
};

/* Secrets. */

static void allow(struct rights *rights)
{
	const struct address_rule any = { .permit = true };

	if (!rights)
		return;
	rights->addresses = g_array_new(FALSE, FALSE, sizeof(any));
	g_array_append_val(rights->addresses, any);
}

static bool named(const char *given, const char *wanted)
{
	return !wanted || strcmp(given, "*") == 0 || strcmp(given, wanted) == 0;
}

static bool find(void *arg, enum secret_kind kind, const char *client, const char *server, bool quiet, struct secret *secret,
		 struct rights *rights)
{
	const struct eap_rig *rig = arg;

	(void)quiet;
	g_assert(kind == SECRET_CHAP);
	for (size_t i = 0; i < G_N_ELEMENTS(rig->secrets) && rig->secrets[i].client; i++) {
		const struct eap_secret *row = &rig->secrets[i];
		if (!named(row->client, client) || !named(row->server, server))
			continue;
		if (secret)
			secret_set(secret, row->secret, strlen(row->secret));
		allow(rights);
		return true;
	}
	return false;
}

static bool find_tls(void *arg, bool server, const char *peer, const char *ours, struct tls_files *files, struct rights *rights)
{
	const struct eap_rig *rig = arg;
	const struct tls_files *known = server ? &rig->server_files : &rig->client_files;

	(void)peer, (void)ours;
	if (!known->own_cert)
		return false;
	*files = (struct tls_files){ g_strdup(known->own_cert), g_strdup(known->ca), g_strdup(known->own_key) };
	allow(rights);
	return true;
}

static const struct secrets secrets = { .find = find, .find_tls = find_tls };

/* The rig. */

static void on_log(void *arg, int priority, const char *line)
{
	(void)priority;
	g_string_append_printf(arg, "%s\n", line);
}

static void init_end(struct eap_rig *rig, struct eap_end *end)
{
	end->rig = rig;
	end->events = g_string_new(NULL);
	end->last = g_string_new(NULL);
	end->config.eap.restart = 3;
	end->config.eap.max_requests = 30;
	end->config.eap.timeout = 20;
	end->config.eap.max_answers = 20;
	end->config.tls.max_version = 12;
}

struct eap_rig *eap_rig_new(void)
{
	struct eap_rig *rig = g_new0(struct eap_rig, 1);

	clock_init(&rig->clock, 1);
	rig->rand = g_rand_new_with_seed(1);
	rig->log = g_string_new(NULL);
	g_queue_init(&rig->wire);
	init_end(rig, &rig->server);
	init_end(rig, &rig->client);
	rig->server.config.name = (char *)(uintptr_t)"srv";
	rig->client.config.user = (char *)(uintptr_t)"bob";
	rig->secrets[0] = (struct eap_secret){ "bob", "*", "secret" };
	log_set_fd(-1);
	log_set_debug(1);
	log_set_sink(on_log, rig->log);
	return rig;
}

static void clear_end(struct eap_end *end)
{
	eap_free(end->eap);
	g_string_free(end->events, TRUE);
	g_string_free(end->last, TRUE);
}

void eap_rig_free(struct eap_rig *rig)
{
	clear_end(&rig->server);
	clear_end(&rig->client);
	g_queue_clear_full(&rig->wire, free_packet);
	g_string_free(rig->log, TRUE);
	g_rand_free(rig->rand);
	log_set_sink(NULL, NULL);
	g_free(rig);
}

static void make_end(struct eap_end *end)
{
	end->base = (struct auth_base){
		.config = &end->config,
		.secrets = &secrets,
		.secrets_arg = end->rig,
		.clock = &end->rig->clock,
		.host = &host,
		.host_arg = end,
		.peer_hint = end->config.remote_name,
	};
	if (!end->eap)
		end->eap = eap_new(&end->base);
}

void eap_rig_start_server(struct eap_rig *rig)
{
	make_end(&rig->server);
	eap_demand(rig->server.eap);
}

void eap_rig_start_client(struct eap_rig *rig)
{
	make_end(&rig->client);
	eap_prove(rig->client.eap);
}

void eap_rig_start(struct eap_rig *rig)
{
	eap_rig_start_client(rig);
	eap_rig_start_server(rig);
}

/* In memory of its own size, so that a sanitizer sees what is read beyond it. */
static void give(struct eap_end *to, const void *bytes, size_t len)
{
	uint8_t *packet = g_memdup2(bytes, len);

	if (to->rig->meddle)
		to->rig->meddle(packet, len);
	if (to->eap)
		eap_input(to->eap, packet, len);
	g_free(packet);
}

static void deliver_all(struct eap_rig *rig)
{
	struct packet *p;

	while ((p = g_queue_pop_head(&rig->wire))) {
		gsize len;
		const void *bytes = g_bytes_get_data(p->bytes, &len);
		give(p->to, bytes, len);
		free_packet(p);
	}
}

void eap_rig_run(struct eap_rig *rig, uint64_t microseconds)
{
	uint64_t end = rig->clock.now + microseconds;

	deliver_all(rig);
	while (clock_next(&rig->clock) <= end) {
		clock_advance(&rig->clock, clock_next(&rig->clock));
		deliver_all(rig);
	}
	clock_advance(&rig->clock, end);
}

static void append_hex(GByteArray *bytes, const char *hex)
{
	while (*hex) {
		unsigned v;
		if (*hex == ' ') {
			hex++;
			continue;
		}
		g_assert(strncmp(hex, "..", 2) == 0 || sscanf(hex, "%2x", &v) == 1);
		guint8 byte = hex[0] == '.' ? 0 : (guint8)v;
		g_byte_array_append(bytes, &byte, 1);
		hex += 2;
	}
}

void eap_rig_feed(struct eap_end *end, const char *hex)
{
	GByteArray *bytes = g_byte_array_new();

	append_hex(bytes, hex);
	if (strstr(hex, "....")) {
		bytes->data[2] = (guint8)(bytes->len >> 8);
		bytes->data[3] = (guint8)bytes->len;
	}
	give(end, bytes->data, bytes->len);
	g_byte_array_free(bytes, TRUE);
}

bool eap_rig_sent(struct eap_end *end, const char *pattern)
{
	const char *at = end->last->str;

	for (; *pattern && *pattern != '*'; pattern++) {
		if (*pattern == ' ')
			continue;
		if (!*at || (*pattern != '?' && *pattern != *at))
			break;
		at++;
	}
	bool same = *pattern == '*' || (!*pattern && !*at);
	if (!same)
		printf("# sent: %s\n", end->last->str);
	return same;
}

bool eap_rig_logged(struct eap_rig *rig, const char *text)
{
	char *line = g_strdup_printf("\n%s", text);
	bool logged = g_str_has_prefix(rig->log->str, text) || strstr(rig->log->str, line);

	if (!logged)
		printf("# log:\n%s", rig->log->str);
	g_free(line);
	return logged;
}
