// SPDX-License-Identifier: GPL-2.0
/* query.c: see query.h. */
#include "query.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "log.h"
#include "recent.h"

struct query {
	struct asker asker;
	TAILQ_ENTRY(query) age;
	struct queries *qs;
	struct config *conf;
	struct client client;
	struct synth synth;
	uint32_t index, life;
	bool used;
	bool background;	/* nobody waits for the answer */
	struct lease_who who;
};

struct queries {
	struct query_env env;
	struct event *commit;
	TAILQ_HEAD(query_list, query) busy, idle;	/* the oldest first */
	struct query *v;
	struct recent *recent;
	unsigned int n_busy;
	uint64_t refreshed, answered;
	bool dropped;
	uint64_t counts[SYNTH_OUTCOMES];
};

static void run(struct query *q, enum synth_step step);

static void on_commit(evutil_socket_t fd, short what, void *arg)
{
	struct queries *qs = arg;

	leases_commit(qs->env.leases, time(NULL));
	if (leases_pending(qs->env.leases))
		queries_commit_soon(qs);
}

struct queries *queries_new(const struct query_env *env, unsigned int max)
{
	struct queries *qs = calloc(1, sizeof(*qs));

	if (!qs)
		return NULL;
	qs->env = *env;
	qs->v = calloc(max, sizeof(*qs->v));
	qs->commit = event_new(env->base, -1, 0, on_commit, qs);
	qs->recent = recent_new();
	if (!qs->v || !qs->commit || !qs->recent) {
		queries_free(qs);
		return NULL;
	}
	TAILQ_INIT(&qs->busy);
	TAILQ_INIT(&qs->idle);
	for (unsigned int i = 0; i < max; i++) {
		qs->v[i].qs = qs;
		qs->v[i].index = i;
		TAILQ_INSERT_TAIL(&qs->idle, &qs->v[i], age);
	}
	return qs;
}

void queries_free(struct queries *qs)
{
	if (!qs)
		return;
	if (qs->commit)
		event_free(qs->commit);
	recent_free(qs->recent);
	free(qs->v);
	free(qs);
}

void queries_commit_soon(struct queries *qs)
{
	/* Behind the events that are ready now: what they want goes along. */
	event_active(qs->commit, EV_TIMEOUT, 0);
}

unsigned int queries_busy(const struct queries *qs)
{
	return qs->n_busy;
}

uint64_t queries_refreshed(const struct queries *qs)
{
	return qs->refreshed;
}

const uint64_t *queries_counts(const struct queries *qs)
{
	return qs->counts;
}

static void conf_put(struct config *conf)
{
	if (!--conf->refs)
		config_free(conf);
}

/* One query of so many, for who wants to see what is asked. */
static void log_query(const struct query *q)
{
	const struct synth *s = &q->synth;
	char name[WIRE_TEXT_MAX] = "?", from[64];
	struct endpoint client = { q->client.ss, q->client.len };

	if (s->qlen)
		wire_name_to_text(s->question, name);
	endpoint_text(&client, from, sizeof(from));
	log_info("query %.255s type %u from %s by %s: %s, code %u", name, s->qtype, from,
		 q->client.conn ? "tcp" : "udp", synth_outcome_names[s->outcome],
		 s->out[3] & WIRE_RCODE);
}

static void finish(struct query *q)
{
	struct queries *qs = q->qs;
	struct synth *s = &q->synth;
	size_t limit = WIRE_UDP_MIN;

	upstream_forget(&q->asker);
	if (s->out && s->out_len && !q->background) {
		if (s->edns.present && s->edns.size > limit)
			limit = s->edns.size < 4096 ? s->edns.size : 4096;
		if (!q->client.conn)
			s->out_len = wire_truncate(s->out, s->out_len, limit);
		server_reply(&q->client, s->out, s->out_len);
		qs->counts[s->outcome]++;
		if (q->conf->log_queries && !(++qs->answered % q->conf->log_queries))
			log_query(q);
	}
	server_release(&q->client);
	synth_free(s);
	conf_put(q->conf);
	q->used = false;
	TAILQ_REMOVE(&qs->busy, q, age);
	TAILQ_INSERT_TAIL(&qs->idle, q, age);
	qs->n_busy--;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static void make_question(const struct synth *s, uint8_t question[WIRE_NAME_MAX + 4])
{
	memcpy(question, s->question, s->qlen);
	wire_put16(question + s->qlen - 4, s->ask_type);
}

static void answered(struct asker *a, const struct wire_msg *m)
{
	struct query *q = (struct query *)((char *)a - offsetof(struct query, asker));
	uint8_t question[WIRE_NAME_MAX + 4];
	struct synth *s = &q->synth;

	if (m && s->ask_type == TYPE_AAAA && s->may && !(m->flags & WIRE_RCODE)) {
		make_question(s, question);
		recent_put(q->qs->recent, question, s->qlen, s->flags, s->edns.dnssec_ok, m->buf,
			   m->len, now_ms());
	}
	run(q, synth_answer(s, m));
}

/* Rule 51: the AAAA that a synthesis needs may have come for another query just now. */
static bool reuse(struct query *q, enum synth_step *step)
{
	uint8_t question[WIRE_NAME_MAX + 4];
	struct synth *s = &q->synth;
	const uint8_t *msg;
	struct wire_msg m;
	size_t len;

	if (s->ask_type != TYPE_AAAA || s->qtype == TYPE_AAAA || q->background)
		return false;
	make_question(s, question);
	msg = recent_get(q->qs->recent, question, s->qlen, s->flags, s->edns.dnssec_ok, now_ms(),
			 &len);
	if (!msg || wire_parse(&m, msg, len))
		return false;
	*step = synth_answer(s, &m);
	return true;
}

static uint64_t token_of(const struct query *q)
{
	return (uint64_t)q->life << 32 | q->index;
}

void query_leased(uint64_t token, enum synth_lease result, uint32_t addr, uint32_t ttl,
		  void *arg)
{
	struct queries *qs = arg;
	struct query *q = &qs->v[(uint32_t)token];

	if (!q->used || token != token_of(q))
		return;
	if (q->synth.ttl > ttl)
		q->synth.ttl = ttl;
	run(q, synth_leased(&q->synth, result, addr));
}

/* True: the answer of the upstream is waited for, or has come and was dealt with. */
static bool ask(struct query *q)
{
	uint8_t question[WIRE_NAME_MAX + 4];
	struct synth *s = &q->synth;

	make_question(s, question);
	q->asker.answered = answered;
	return upstream_ask(q->qs->env.upstream, &q->asker, question, s->qlen, s->flags,
			    s->edns.dnssec_ok);
}

static bool lease(struct query *q, bool make, enum synth_step *step)
{
	struct queries *qs = q->qs;
	struct synth *s = &q->synth;
	enum synth_lease result;
	uint32_t addr;

	if (!leases_want(qs->env.leases, s->owner, s->owner_len, s->target,
			 make ? s->n_targets : 0, make ? s->ttl : SYNTH_TTL_STALE, time(NULL),
			 q->background ? NULL : &q->who, token_of(q), &result, &addr)) {
		queries_commit_soon(qs);
		return false;
	}
	*step = synth_leased(s, result, addr);
	return true;
}

static enum synth_step whose(struct query *q)
{
	const uint8_t *name;
	uint32_t ttl = 0;
	size_t len = 0;

	name = leases_name(q->qs->env.leases, q->synth.ptr_addr, time(NULL), &len, &ttl);
	return synth_named(&q->synth, name, len, ttl);
}

static void run(struct query *q, enum synth_step step)
{
	for (;;) {
		switch (step) {
		case SYNTH_ASK:
			if (reuse(q, &step))
				break;
			if (ask(q))
				return;
			step = synth_abort(&q->synth, RCODE_SERVFAIL, EDE_OTHER, "no memory");
			break;
		case SYNTH_LEASE:
		case SYNTH_LIVE:
			if (!lease(q, step == SYNTH_LEASE, &step))
				return;
			break;
		case SYNTH_PTR:
			step = whose(q);
			break;
		case SYNTH_DONE:
			finish(q);
			return;
		}
	}
}

/* Rule 50: room is made by the oldest, which gets a SERVFAIL. */
static struct query *take(struct queries *qs)
{
	struct query *q = TAILQ_FIRST(&qs->idle);

	if (!q) {
		q = TAILQ_FIRST(&qs->busy);
		if (!qs->dropped)
			log_err("too many queries in flight (max-inflight): the oldest fail");
		qs->dropped = true;
		upstream_forget(&q->asker);
		synth_abort(&q->synth, RCODE_SERVFAIL, EDE_OTHER, "too many queries");
		finish(q);
		q = TAILQ_FIRST(&qs->idle);
	}
	TAILQ_REMOVE(&qs->idle, q, age);
	TAILQ_INSERT_TAIL(&qs->busy, q, age);
	q->used = true;
	q->life++;
	qs->n_busy++;
	return q;
}

/*
 * Rule 46: a client is who asks; behind a cache in front, its client where the
 * cache tells (ECS, used for that alone), else the domain.
 */
static void set_who(struct query *q)
{
	struct in6_addr from = addr_of_sockaddr((const struct sockaddr *)&q->client.ss);
	struct lease_who *who = &q->who;
	const struct synth *s = &q->synth;
	const uint8_t *domain = s->question;
	unsigned int labels;

	if (!prefixes_hold(&q->conf->forwarders, &from)) {
		who->key[0] = 'C';
		/* who has an IPv6 address has a /64 of them */
		who->len = 1 + (IN6_IS_ADDR_V4MAPPED(&from) ? 16 : 8);
		memcpy(who->key + 1, &from, who->len - 1);
		return;
	}
	if (s->ecs_len) {
		who->key[0] = 'E';
		who->len = 1 + s->ecs_len;
		memcpy(who->key + 1, s->ecs, s->ecs_len);
		return;
	}
	labels = s->qlen ? wire_name_labels(domain) : 0;
	for (unsigned int left = labels; left > 1 && (left == labels || left > 3); left--)
		domain += 1 + *domain;
	who->key[0] = 'D';
	who->len = s->qlen ? 1 + s->question + s->qlen - 4 - domain : 0;
	if (who->len) {
		memcpy(who->key + 1, domain, who->len - 1);
		wire_name_lower(who->key + 1, who->len - 1);
	}
}

void query_start(struct queries *qs, struct config *conf, const uint8_t *msg, size_t len,
		 const struct client *client, bool allowed)
{
	struct query *q = take(qs);
	enum synth_step step;

	q->conf = conf;
	conf->refs++;
	q->client = *client;
	q->background = false;
	server_hold(&q->client);
	step = synth_begin(&q->synth, &conf->rules, qs->env.policy, msg, len);
	if (!allowed && (step != SYNTH_DONE || q->synth.out))
		step = synth_abort(&q->synth, RCODE_REFUSED, EDE_PROHIBITED, "not allowed to ask");
	set_who(q);
	run(q, step);
}

void query_refresh(struct queries *qs, struct config *conf, const uint8_t *name, size_t len)
{
	uint8_t msg[WIRE_HEADER + WIRE_NAME_MAX + 4 + WIRE_OPT_MIN], question[WIRE_NAME_MAX + 4];
	struct query *q;

	if (TAILQ_EMPTY(&qs->idle))	/* clients go first */
		return;
	memcpy(question, name, len);
	wire_put16(question + len, TYPE_A);
	wire_put16(question + len + 2, CLASS_IN);
	qs->refreshed++;
	q = take(qs);
	q->conf = conf;
	conf->refs++;
	memset(&q->client, 0, sizeof(q->client));
	q->background = true;
	len = wire_query(msg, 0, WIRE_RD, question, len + 4, false);
	run(q, synth_begin(&q->synth, &conf->rules, qs->env.policy, msg, len));
}
