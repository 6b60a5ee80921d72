/* Who may open a flow, and what is said to those who may not; see guard.h. gate.c and tun_guard.c call it. RFC 792, RFC 1812 §5.2.7.1. */
#include "net/guard.h"

#include <glib.h>

#include "log.h"
#include "net/access.h"
#include "net/flow.h"
#include "net/reply.h"

#define ANSWER_RATE 50u
#define ANSWER_BURST 100u
#define LOG_RATE 5u
#define LOG_BURST 20u
#define NOT_LOGGED_AFTER (10 * CLOCK_SECOND)
#define SLOTS 12u /* of the minute in which refusals are counted */
#define SLOT (5 * CLOCK_SECOND)

/* So many a second, and at once. */
struct bucket {
	uint64_t rate, burst;
	uint64_t tokens;
	uint64_t since; /* when what is in it was counted */
};

struct guard {
	const struct net_config *config;
	struct clock *clock;
	struct bucket opening, answers, lines;
	uint64_t refused[REFUSALS];
	uint64_t not_logged;
	struct timer say_not_logged;
	unsigned recent[SLOTS]; /* refusals, by time */
	uint64_t slot;          /* the one that counts now, since the clock's beginning */
	struct timer lockout;   /* armed while the peer is locked out */
	struct net_address locked; /* whom */
	struct in6_addr local6;
};

static void bucket_fill(struct bucket *b, uint64_t rate, uint64_t burst, uint64_t now)
{
	*b = (struct bucket){ .rate = rate, .burst = burst, .tokens = burst, .since = now };
}

static bool bucket_take(struct bucket *b, uint64_t now)
{
	uint64_t full_after = (b->burst - b->tokens) * CLOCK_SECOND / b->rate;

	if (now - b->since > full_after) {
		b->tokens = b->burst;
		b->since = now;
	} else {
		uint64_t added = (now - b->since) * b->rate / CLOCK_SECOND;

		b->tokens += added;
		b->since += added * CLOCK_SECOND / b->rate;
	}
	if (b->tokens == 0)
		return false;
	b->tokens--;
	return true;
}

static void print_not_logged(void *arg)
{
	struct guard *guard = arg;

	log_notice("%" G_GUINT64_FORMAT " more refusals were not logged", guard->not_logged);
	guard->not_logged = 0;
}

static void end_lockout(void *arg)
{
	const struct guard *guard = arg;

	log_notice("no longer locked out: %s", guard->locked.host);
}

struct guard *guard_new(const struct net_config *config, struct clock *clock)
{
	struct guard *guard = g_new0(struct guard, 1);

	guard->config = config;
	guard->clock = clock;
	bucket_fill(&guard->answers, ANSWER_RATE, ANSWER_BURST, clock->now);
	bucket_fill(&guard->lines, LOG_RATE, LOG_BURST, clock->now);
	timer_init(&guard->say_not_logged, clock, print_not_logged, guard);
	timer_init(&guard->lockout, clock, end_lockout, guard);
	guard_reconfigured(guard);
	return guard;
}

void guard_free(struct guard *guard)
{
	if (!guard)
		return;
	timer_stop(&guard->say_not_logged);
	timer_stop(&guard->lockout);
	g_free(guard);
}

void guard_reconfigured(struct guard *guard)
{
	const struct net_config *c = guard->config;

	bucket_fill(&guard->opening, c->rate, MAX(c->burst, 1), guard->clock->now);
	if (c->lockout_refusals == 0 && guard->lockout.armed) {
		timer_stop(&guard->lockout);
		end_lockout(guard);
	}
}

bool guard_permits(const struct guard *guard, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	struct in6_addr from = flow_address(src), to = flow_address(dst);

	return guard_permits6(guard, &from, sport, &to, dport);
}

bool guard_permits6(const struct guard *guard, const struct in6_addr *src, uint16_t sport, const struct in6_addr *dst, uint16_t dport)
{
	return access_allows(guard->config->from, src, sport) && access_allows(guard->config->to, dst, dport);
}

void guard_set_local6(struct guard *guard, const struct in6_addr *local)
{
	guard->local6 = *local;
}

bool guard_needs_ports(const struct guard *guard)
{
	return access_has_ports(guard->config->from) || access_has_ports(guard->config->to);
}

bool guard_locked(const struct guard *guard)
{
	return guard->lockout.armed;
}

bool guard_take(struct guard *guard)
{
	return guard->config->rate == 0 || bucket_take(&guard->opening, guard->clock->now);
}

/* Who P is from, or to. */
static struct net_address address_of(const struct packet *p, bool from)
{
	uint32_t v4 = from ? p->src : p->dst;
	const struct flow_end end = { .addr = p->v6 ? (from ? p->src6 : p->dst6) : flow_address(v4) };
	struct net_address told;

	flow_describe_end(&end, &told);
	return told;
}

/* As fail2ban reads it. Everything in it is a number or a word of ours. */
static void print_refusal(const struct packet *p, enum net_refusal why)
{
	const struct net_address src = address_of(p, true), dst = address_of(p, false);
	const char *from = src.host, *to = dst.host;

	if (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP)
		log_notice("refused: %s from %s port %u to %s port %u (%s)", p->protocol == IPPROTO_TCP ? "tcp" : "udp", from, p->sport,
			   to, p->dport, net_refusal_name(why));
	else if (p->protocol == (p->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		log_notice("refused: icmp from %s to %s (%s)", from, to, net_refusal_name(why));
	else
		log_notice("refused: protocol %u from %s to %s (%s)", p->protocol, from, to, net_refusal_name(why));
}

static void log_refusal(struct guard *guard, const struct packet *p, enum net_refusal why)
{
	if (bucket_take(&guard->lines, guard->clock->now)) {
		print_refusal(p, why);
		return;
	}
	guard->not_logged++;
	if (!guard->say_not_logged.armed)
		timer_set(&guard->say_not_logged, NOT_LOGGED_AFTER);
}

/* How many there were within the last minute, this one included. */
static unsigned count_recent(struct guard *guard)
{
	uint64_t now = guard->clock->now / SLOT;
	unsigned sum = 0;

	for (uint64_t i = 0; i < SLOTS && guard->slot < now; i++)
		guard->recent[++guard->slot % SLOTS] = 0;
	guard->slot = now;
	guard->recent[now % SLOTS]++;
	for (unsigned i = 0; i < SLOTS; i++)
		sum += guard->recent[i];
	return sum;
}

/* Connections count towards a lock-out, and nothing else: a host whose questions to name and time servers are refused is no attacker. */
static void remember(struct guard *guard, const struct packet *p)
{
	const struct net_config *c = guard->config;
	unsigned refusals;

	if (c->lockout_refusals == 0 || p->protocol != IPPROTO_TCP || guard->lockout.armed || (refusals = count_recent(guard)) < c->lockout_refusals)
		return;
	for (unsigned i = 0; i < SLOTS; i++)
		guard->recent[i] = 0;
	guard->locked = address_of(p, true);
	timer_set(&guard->lockout, c->lockout_seconds * CLOCK_SECOND);
	log_notice("locked out: %s for %u s after %u refusals", guard->locked.host, c->lockout_seconds, refusals);
}

static uint8_t unreachable_code(const struct packet *p, enum net_refusal why)
{
	if (why == REFUSED_NO_SERVICE && p->protocol == IPPROTO_UDP)
		return UNREACHABLE_PORT;
	return why == REFUSED_PROTOCOL ? UNREACHABLE_PROTOCOL : UNREACHABLE_PROHIBITED;
}

/* RFC 4443 §3.1, §3.4 */
static size_t refuse6(const struct guard *guard, const struct packet *p, enum net_refusal why, uint8_t *buf)
{
	static const uint8_t UNKNOWN_NEXT_HEADER = 1;
	static const uint32_t NEXT_HEADER = 6; /* where it stands */
	uint8_t code = why == REFUSED_NO_SERVICE && p->protocol == IPPROTO_UDP ? UNREACHABLE6_PORT : UNREACHABLE6_PROHIBITED;

	if (why == REFUSED_PROTOCOL)
		return reply_icmp6_error(buf, p, &guard->local6, ICMP6_PARAMETER, UNKNOWN_NEXT_HEADER, NEXT_HEADER);
	return reply_icmp6_error(buf, p, &guard->local6, ICMP6_UNREACHABLE, code, 0);
}

size_t guard_refuse_quietly(struct guard *guard, const struct packet *p, enum net_refusal why, uint32_t from, uint8_t *buf)
{
	guard->refused[why]++;
	if (!bucket_take(&guard->answers, guard->clock->now))
		return 0;
	size_t len = reply_tcp_reset(buf, p);
	if (len == 0 && !(p->tcp_flags & TCP_RST))
		len = p->v6 ? refuse6(guard, p, why, buf) : reply_icmp_error(buf, p, from, ICMP_UNREACHABLE, unreachable_code(p, why));
	return len;
}

size_t guard_refuse(struct guard *guard, const struct packet *p, enum net_refusal why, uint32_t from, uint8_t *buf)
{
	log_refusal(guard, p, why);
	remember(guard, p);
	return guard_refuse_quietly(guard, p, why, from, buf);
}

size_t guard_answer_stray(struct guard *guard, const struct packet *p, uint32_t from, uint8_t *buf)
{
	if (!bucket_take(&guard->answers, guard->clock->now))
		return 0;
	size_t len = reply_tcp_reset(buf, p);
	return len > 0 || p->v6 || p->tcp_flags & TCP_RST ? len : reply_icmp_error(buf, p, from, ICMP_UNREACHABLE, UNREACHABLE_PROHIBITED);
}

void guard_count(const struct guard *guard, struct net_counters *counters)
{
	for (unsigned i = 0; i < REFUSALS; i++)
		counters->refused[i] += guard->refused[i];
	counters->locked_out = guard->lockout.armed;
}
