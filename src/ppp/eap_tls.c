/* EAP-TLS (RFC 5216; RFC 9190 with TLS 1.3): carries the messages of tls.c in EAP's packets, in fragments both ways. Called by eap_server.c and
 * eap_client.c through its row. Both roles do the same: take a part, acknowledge it (more is to come) or send the next part of their own; they
 * differ in who starts and in how it ends. */
#include "ppp/eap_internal.h"

#include "log.h"

#define FLAG_LENGTH 0x80
#define FLAG_MORE 0x40
#define FLAG_START 0x20
#define MESSAGE_MAX 65536 /* of the peer's; a chain of certificates takes a few thousand bytes */

void eap_tls_end(struct eap_tls *t)
{
	tls_free(t->tls);
	if (t->in)
		g_byte_array_free(t->in, TRUE);
	*t = (struct eap_tls){ 0 };
}

/* A peer that has shown a certificate which an option of ours believes may use any address: no file says less. */
static void allow_all(struct rights *rights)
{
	const struct address_rule any = { .permit = true };

	if (!rights)
		return;
	rights->addresses = g_array_new(FALSE, FALSE, sizeof(struct address_rule));
	g_array_append_val(rights->addresses, any);
}

bool eap_tls_find(const struct auth_base *base, bool server, const char *peer, struct tls_files *files, struct rights *rights)
{
	const char *ours = server ? auth_our_name(base) : auth_our_user(base);

	if (base->secrets->find_tls(base->secrets_arg, server, peer, ours, files, rights))
		return true;
	if (!tls_config_complete(&base->config->tls))
		return false;
	allow_all(rights);
	return true;
}

static bool can_do(const struct auth_base *base, bool server, const char *peer)
{
	struct tls_files files = { 0 };
	bool found = eap_tls_find(base, server, peer, &files, NULL);

	tls_files_clear(&files);
	return found;
}

static bool can_ask(const struct eap_talk *talk)
{
	return can_do(talk->base, true, talk->name);
}

static bool can_answer(const struct eap_talk *talk)
{
	return can_do(talk->base, false, talk->base->peer_hint);
}

static bool start(struct eap_talk *talk, bool server, const char *peer)
{
	const struct auth_config *config = talk->base->config;
	struct tls_files files = { 0 };
	struct tls_setup setup = { .server = server, .config = &config->tls, .files = &files, .passphrase = config->password, .peer = peer };

	eap_tls_end(&talk->tls);
	rights_clear(&talk->rights);
	if (eap_tls_find(talk->base, server, peer, &files, server ? &talk->rights : NULL))
		talk->tls.tls = tls_new(&setup);
	tls_files_clear(&files);
	return talk->tls.tls != NULL;
}

/* The next part of what is waiting (§2.1.5): the length is in the first alone; nothing waiting: an acknowledgement. */
static void put_part(struct eap_tls *t, struct writer *w)
{
	size_t left = tls_waiting(t->tls);
	size_t len = MIN(left, EAP_FRAGMENT);
	bool first = left > 0 && !t->sending;

	t->sending = left > len;
	writer_u8(w, (uint8_t)((first ? FLAG_LENGTH : 0) | (t->sending ? FLAG_MORE : 0)));
	if (first)
		writer_u32(w, (uint32_t)left);
	tls_take(t->tls, w, len);
}

enum part { PART_BROKEN, PART_EMPTY, PART_MORE, PART_LAST };

static enum part broken(const char *why)
{
	log_error("EAP-TLS: %s", why);
	return PART_BROKEN;
}

/* The length that a part announces has to be that of the first. */
static bool take_length(struct eap_tls *t, uint32_t length)
{
	if (length > MESSAGE_MAX) {
		log_error("EAP-TLS: TLS message length > %d", MESSAGE_MAX);
		return false;
	}
	if (t->in && t->in->len > 0 && !(t->announced && t->length == length)) {
		broken("non-first LI packet? that's odd...");
		return false;
	}
	t->announced = true;
	t->length = length;
	return true;
}

/* What has come of a message is in t->in. */
static enum part take_part(struct eap_tls *t, struct reader data)
{
	uint8_t flags = reader_u8(&data);
	uint32_t length = flags & FLAG_LENGTH ? reader_u32(&data) : 0;
	size_t len = reader_left(&data);

	if (!reader_ok(&data))
		return broken("received no or invalid data");
	if (len == 0 && length == 0 && !(flags & FLAG_MORE))
		return PART_EMPTY;
	if (t->sending)
		return broken("ACK with extra data");
	if ((flags & FLAG_LENGTH) && !take_length(t, length))
		return PART_BROKEN;
	if (!t->in)
		t->in = g_byte_array_new();
	if (t->in->len + len > (t->announced ? t->length : MESSAGE_MAX))
		return broken("received data > TLS message length");
	g_byte_array_append(t->in, reader_bytes(&data, len), (guint)len);
	if (flags & FLAG_MORE)
		return PART_MORE;
	if (t->announced && t->in->len != t->length)
		return broken("received data != TLS message length");
	return PART_LAST;
}

/* A message is whole: what TLS answers is then waiting. */
static void take_message(struct eap_tls *t)
{
	t->progress = tls_input(t->tls, t->in->data, t->in->len);
	g_byte_array_set_size(t->in, 0);
	t->announced = false;
}

static bool begin(struct eap_talk *talk, struct writer *request)
{
	writer_u8(request, FLAG_START);
	return start(talk, true, talk->name);
}

static enum eap_verdict conclude(struct eap_talk *talk)
{
	return talk->tls.progress == TLS_DONE && tls_keys(talk->tls.tls, &talk->keys) ? EAP_PROVED : EAP_WRONG;
}

/* The end comes when the peer has acknowledged our last part, be that TLS's Finished or an alert. */
static enum eap_verdict response(struct eap_talk *talk, struct reader data, struct writer *request)
{
	struct eap_tls *t = &talk->tls;
	enum part part = take_part(t, data);

	if (part == PART_BROKEN)
		return EAP_WRONG;
	if (part == PART_LAST)
		take_message(t);
	if (part == PART_MORE || tls_waiting(t->tls) > 0) {
		put_part(t, request);
		return EAP_ANSWER;
	}
	return part == PART_EMPTY || t->progress != TLS_HANDSHAKE ? conclude(talk) : EAP_WRONG;
}

/* A Success is believed once the server's certificate was, and we have nothing more to say. */
static void weigh(struct eap_talk *talk)
{
	const struct eap_tls *t = &talk->tls;

	talk->right = t->progress == TLS_DONE && tls_waiting(t->tls) == 0 && tls_keys(t->tls, &talk->keys);
}

static bool starts(struct reader data)
{
	return (reader_u8(&data) & FLAG_START) != 0;
}

static enum eap_verdict request(struct eap_talk *talk, struct reader data, struct writer *response)
{
	struct eap_tls *t = &talk->tls;

	if (reader_left(&data) == 0) {
		log_error("EAP: received EAP-TLS Listen packet with no data");
		return EAP_IGNORE;
	}
	if (starts(data)) {
		talk->right = false;
		if (!can_answer(talk))
			return EAP_CANNOT;
		if (!start(talk, false, talk->base->peer_hint))
			return EAP_WRONG;
		t->progress = tls_input(t->tls, NULL, 0);
	} else {
		enum part part = t->tls ? take_part(t, data) : PART_BROKEN;
		if (part == PART_BROKEN)
			return EAP_WRONG;
		if (part == PART_LAST)
			take_message(t);
	}
	put_part(t, response);
	weigh(talk);
	return EAP_ANSWER;
}

const struct eap_method eap_tls_method = {
	.type = EAP_TLS,
	.name = "TLS",
	.can_ask = can_ask,
	.can_answer = can_answer,
	.begin = begin,
	.response = response,
	.request = request,
};
