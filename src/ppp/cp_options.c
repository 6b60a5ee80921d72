/* The negotiation of Configure options (RFC 1661 §5.1 to §5.4, §6) over a protocol's table of them. Called by cp.c.
 *
 * pppd's rules: a reply lists only the options that it is about, in the order received; Reject beats Nak; a malformed
 * option, and all after it, is Rejected, and so is one of the wrong length; an answer must match our request byte for byte
 * and in its order. */
#include <string.h>

#include "log.h"
#include "ppp/cp.h"

/* An option on the wire. */
struct option {
	uint8_t type;
	struct reader raw;   /* all of it */
	struct reader value; /* after type and length */
};

/* Takes the next option. False at the end, or where what is left is no option: then it is in raw. */
static bool next_option(struct reader *options, struct option *o)
{
	struct reader r = *options;

	o->type = reader_u8(&r);
	uint8_t length = reader_u8(&r);
	if (!reader_ok(&r) || length < CP_OPTION_HEADER || (size_t)length - CP_OPTION_HEADER > reader_left(&r)) {
		o->raw = reader_sub(options, reader_left(options));
		return false;
	}
	o->raw = reader_sub(options, length);
	o->value = o->raw;
	reader_skip(&o->value, CP_OPTION_HEADER);
	return true;
}

/* The row of TYPE, or how many there are. */
static unsigned find_row(const struct cp *cp, uint8_t type)
{
	unsigned i = 0;

	while (i < cp->protocol->options->n && cp->protocol->options->rows[i].p.type != type)
		i++;
	return i;
}

static bool length_fits(const struct cp_option *row, const struct option *o)
{
	size_t len = reader_left(&o->raw);

	return len >= row->p.min && len <= row->p.max;
}

static void put_raw(struct writer *w, struct reader raw)
{
	size_t len = reader_left(&raw);

	writer_bytes(w, reader_bytes(&raw, len), len);
}

bool cp_asked(const struct cp *cp, uint8_t type)
{
	unsigned i = find_row(cp, type);

	return i < cp->protocol->options->n && (cp->asked & ~cp->dropped) >> i & 1;
}

bool cp_dropped(const struct cp *cp, uint8_t type)
{
	unsigned i = find_row(cp, type);

	return i < cp->protocol->options->n && cp->dropped >> i & 1;
}

void cp_retry(struct cp *cp, uint8_t type)
{
	unsigned i = find_row(cp, type);

	if (i < cp->protocol->options->n)
		cp->dropped &= ~(1u << i);
}

/* Our own request. */

static bool ask_row(struct cp *cp, const struct cp_option *row, struct writer *w)
{
	struct writer start = *w;

	cp->type = row->p.type;
	writer_u8(w, row->p.type);
	uint8_t *length = writer_reserve(w, 1);
	if (length && row->ask(cp, w) && writer_ok(w)) {
		*length = (uint8_t)(writer_len(w) - writer_len(&start));
		return true;
	}
	*w = start;
	return false;
}

void cp_options_ask(struct cp *cp)
{
	struct writer w = writer_new(cp->request, sizeof(cp->request));

	cp->asked = 0;
	for (unsigned i = 0; i < cp->protocol->options->n; i++) {
		const struct cp_option *row = &cp->protocol->options->rows[i];
		if (row->ask && !(cp->dropped >> i & 1) && ask_row(cp, row, &w))
			cp->asked |= 1u << i;
	}
	cp->request_len = writer_len(&w);
}

/* The peer's request. */

struct judgement {
	struct cp *cp;
	enum cp_verdict verdict;
	struct writer reply;
	bool reject_all; /* Max-Failure Naks were sent: no more of them (§4.6) */
	bool duplicate;
	uint32_t seen[8]; /* types, a bit each */
};

static bool seen_before(struct judgement *j, uint8_t type)
{
	uint32_t bit = 1u << type % 32;
	bool before = j->seen[type / 32] & bit;

	j->seen[type / 32] |= bit;
	return before;
}

/* The reply becomes at least as bad as VERDICT; one that is worse than it was begins anew. Returns whether VERDICT has its place
 * in the reply. */
static bool worsen(struct judgement *j, enum cp_verdict verdict)
{
	if (verdict > j->verdict) {
		j->verdict = verdict;
		j->reply = writer_new(j->cp->reply, cp_room(j->cp) - CP_HEADER);
	}
	return verdict == j->verdict && verdict != CP_ACK;
}

static enum cp_verdict judge_value(struct judgement *j, const struct option *o, struct writer *better)
{
	unsigned i = find_row(j->cp, o->type);
	const struct cp_option *row = &j->cp->protocol->options->rows[i];
	struct reader value = o->value;

	if (i == j->cp->protocol->options->n || !row->judge || !length_fits(row, o))
		return CP_REJECT;
	j->cp->type = o->type;
	enum cp_verdict verdict = row->judge(j->cp, &value, better);
	return verdict == CP_NAK && j->reject_all && !row->patient ? CP_REJECT : verdict;
}

static void judge_option(struct judgement *j, const struct option *o)
{
	uint8_t better_bytes[UINT8_MAX - CP_OPTION_HEADER];
	struct writer better = writer_new(better_bytes, sizeof(better_bytes));
	enum cp_verdict verdict = judge_value(j, o, &better);

	if (!worsen(j, verdict))
		return;
	struct writer start = j->reply;
	if (verdict == CP_REJECT) {
		put_raw(&j->reply, o->raw);
	} else {
		writer_u8(&j->reply, o->type);
		writer_u8(&j->reply, (uint8_t)(writer_len(&better) + CP_OPTION_HEADER));
		writer_bytes(&j->reply, better_bytes, writer_len(&better));
	}
	if (!writer_ok(&j->reply))
		j->reply = start;
}

static void judge_options(struct judgement *j, struct reader options)
{
	struct option o;

	while (reader_left(&options) > 0) {
		if (!next_option(&options, &o)) {
			worsen(j, CP_REJECT);
			put_raw(&j->reply, o.raw);
		} else if (seen_before(j, o.type)) {
			j->duplicate = true;
		} else {
			judge_option(j, &o);
		}
	}
	if (j->duplicate)
		log_warn("%s: ignoring duplicate configuration option(s)", j->cp->protocol->name);
}

/* Options that the peer should have sent are appended to the Nak (§5.3). */
static void judge_missing(struct judgement *j)
{
	uint8_t bytes[UINT8_MAX];
	struct writer better = writer_new(bytes, sizeof(bytes));

	if (j->verdict == CP_REJECT || j->reject_all || !j->cp->protocol->missing || !j->cp->protocol->missing(j->cp, &better))
		return;
	worsen(j, CP_NAK);
	struct writer start = j->reply;
	writer_bytes(&j->reply, bytes, writer_len(&better));
	if (!writer_ok(&j->reply))
		j->reply = start;
}

void cp_options_judge(struct cp *cp, struct reader options)
{
	static const uint8_t codes[] = { CONFIGURE_ACK, CONFIGURE_NAK, CONFIGURE_REJECT };
	struct judgement j = {
		.cp = cp,
		.verdict = CP_ACK,
		.reply = writer_new(cp->reply, cp_room(cp) - CP_HEADER),
		.reject_all = cp->naks_sent >= cp->limits->max_failure,
	};

	cp->protocol->forget(cp);
	judge_options(&j, options);
	judge_missing(&j);
	if (j.verdict == CP_ACK) {
		put_raw(&j.reply, options);
		cp->naks_sent = 0;
	} else if (j.verdict == CP_NAK) {
		cp->naks_sent++;
	}
	cp->reply_code = codes[j.verdict];
	cp->reply_len = writer_len(&j.reply);
}

/* Answers to our request. */

/* The length of our request's first option, 0 where it has none. */
static size_t first_len(const struct cp *cp)
{
	struct reader request = reader_new(cp->request, cp->request_len);
	struct option o;

	return next_option(&request, &o) ? reader_left(&o.raw) : 0;
}

bool cp_options_acked(const struct cp *cp, struct reader options)
{
	size_t len = reader_left(&options);
	bool enough = len == cp->request_len || (cp->protocol->first_will_do && len == first_len(cp));

	return enough && (len == 0 || memcmp(reader_bytes(&options, len), cp->request, len) == 0);
}

/* A Nak names what we asked for in our order, each once, with lengths that the option may have; beside that it may name options
 * that we did not ask for, each once. */
static bool nak_is_good(const struct cp *cp, struct reader options)
{
	unsigned n = cp->protocol->options->n;
	unsigned next = 0;
	uint32_t unasked = 0;
	struct option o;

	if (reader_left(&options) == 0)
		return false;
	while (reader_left(&options) > 0) {
		if (!next_option(&options, &o))
			return false;
		unsigned i = find_row(cp, o.type);
		if (i == n)
			continue;
		bool asked = cp->asked >> i & 1;
		if (!length_fits(&cp->protocol->options->rows[i], &o) || (asked && i < next) || (unasked >> i & 1))
			return false;
		if (asked)
			next = i + 1;
		else
			unasked |= 1u << i;
	}
	return true;
}

/* Takes in one option of a Nak. Too many Naks are one Reject. */
static void take_nak(struct cp *cp, unsigned i, struct reader *value)
{
	const struct cp_option *row = &cp->protocol->options->rows[i];
	bool asked = cp->asked >> i & 1;
	bool rejected = !row->nak || (cp->naks_received >= cp->limits->max_failure && !row->patient);

	cp->type = row->p.type;
	if (!rejected)
		row->nak(cp, value, asked);
	else if (asked)
		cp->dropped |= 1u << i;
}

bool cp_options_nakked(struct cp *cp, struct reader options)
{
	struct option o;

	if (!nak_is_good(cp, options))
		return false;
	while (next_option(&options, &o)) {
		unsigned i = find_row(cp, o.type);
		if (i < cp->protocol->options->n)
			take_nak(cp, i, &o.value);
	}
	return true;
}

static bool same_bytes(struct reader a, struct reader b)
{
	size_t len = reader_left(&a);

	return len == reader_left(&b) && memcmp(reader_bytes(&a, len), reader_bytes(&b, len), len) == 0;
}

/* A Reject is our request with options left out. */
bool cp_options_rejected(struct cp *cp, struct reader options)
{
	struct reader request = reader_new(cp->request, cp->request_len);
	struct option rejected, ours;
	uint32_t dropped = 0;

	if (reader_left(&options) == 0)
		return false;
	while (reader_left(&options) > 0) {
		if (!next_option(&options, &rejected))
			return false;
		do {
			if (!next_option(&request, &ours))
				return false;
		} while (!same_bytes(rejected.raw, ours.raw));
		dropped |= 1u << find_row(cp, ours.type);
	}
	cp->dropped |= dropped;
	return true;
}
