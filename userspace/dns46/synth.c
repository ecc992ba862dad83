// SPDX-License-Identifier: GPL-2.0
/* synth.c: see synth.h. The numbers are those of the rules in dns46.md. */
#include "synth.h"

#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "reverse.h"
#include "svcb.h"

enum { ST_RELAY, ST_A, ST_AAAA, ST_LIVE_A, ST_LIVE_AAAA, ST_LEASE, ST_PTR, ST_HINT };
enum { KEPT_A, KEPT_AAAA };

const char *const synth_outcome_names[SYNTH_OUTCOMES] = {
	[SYNTH_RELAYED] = "relayed", [SYNTH_MADE] = "synthesised", [SYNTH_STALE] = "stale",
	[SYNTH_FAILED] = "failed", [SYNTH_REFUSED] = "refused", [SYNTH_NOT_CD] = "declined-cd",
	[SYNTH_NOT_DO] = "declined-do", [SYNTH_NOT_USABLE] = "declined-excluded",
	[SYNTH_LOCAL] = "local", [SYNTH_HINTS] = "hints-dropped",
};

/* ---- ways to end ---------------------------------------------------------- */

enum synth_step synth_abort(struct synth *s, unsigned int rcode, int ede, const char *text)
{
	size_t size = WIRE_HEADER + sizeof(s->question) + 256;

	free(s->out);
	s->out = malloc(size);
	s->out_len = s->out ? wire_error(s->out, size, s->id, s->flags, rcode, s->question,
					 s->qlen, &s->edns, ede, text) : 0;
	s->outcome = rcode == RCODE_SERVFAIL ? SYNTH_FAILED : SYNTH_REFUSED;
	return SYNTH_DONE;
}

static enum synth_step fail(struct synth *s, int ede, const char *text)
{
	return synth_abort(s, RCODE_SERVFAIL, ede, text);
}

/* The upstream's bytes, with the client's ID, OPT and letters (rules 19, 20, 28). */
static enum synth_step relay(struct synth *s, const struct wire_msg *m, enum synth_outcome how)
{
	size_t size = m->len + WIRE_OPT_MIN + m->opt_rdlen;

	if (!m->qname_len)	/* an error without the question: ours has it (rule 20) */
		return synth_abort(s, m->flags & WIRE_RCODE, EDE_NONE, NULL);
	s->out = malloc(size);
	if (!s->out)
		return SYNTH_DONE;
	s->out_len = wire_relay(m, s->id, &s->edns, s->out, size);
	if (!s->out_len)
		return fail(s, EDE_OTHER, "the answer is too long");
	if (s->out_len >= (size_t)WIRE_HEADER + s->qlen)
		memcpy(s->out + WIRE_HEADER, s->question, s->qlen);
	s->outcome = how;
	return SYNTH_DONE;
}

/* One more reason, in the OPT that is there (rule 56). */
static void add_ede(struct synth *s, uint16_t ede, const char *text)
{
	size_t tlen = strlen(text), more = 6 + tlen;
	struct wire_msg m;
	uint8_t *p;

	if (!s->out || wire_parse(&m, s->out, s->out_len) || !m.opt || m.opt_end != s->out_len ||
	    s->out_len + more > WIRE_MSG_MAX)
		return;
	p = realloc(s->out, s->out_len + more);
	if (!p)
		return;
	s->out = p;
	wire_put16(p + m.opt + WIRE_OPT_MIN - 2, m.opt_rdlen + more);
	p += s->out_len;
	wire_put16(p, OPTION_EDE);
	wire_put16(p + 2, 2 + tlen);
	wire_put16(p + 4, ede);
	memcpy(p + 6, text, tlen);
	s->out_len += more;
}

static enum synth_step relay_kept(struct synth *s, enum synth_outcome how)
{
	struct wire_msg m;

	if (!s->kept[KEPT_A])
		return fail(s, EDE_OTHER, "no upstream answered");
	wire_parse(&m, s->kept[KEPT_A], s->kept_len[KEPT_A]);
	return relay(s, &m, how);
}

/* Takes over what build.c made. */
static enum synth_step finish(struct synth *s, uint8_t *msg, size_t len, enum synth_outcome how,
			      int ede, const char *text)
{
	size_t size = len + WIRE_OPT_MIN + 6 + 80;
	uint8_t *out = msg ? realloc(msg, size) : NULL;

	if (!out) {
		free(msg);
		return fail(s, EDE_OTHER, "no memory");
	}
	s->out = out;
	s->out_len = wire_add_opt(out, len, size, out[3] & WIRE_RCODE, &s->edns, ede, text);
	s->outcome = how;
	return SYNTH_DONE;
}

static bool keep(struct synth *s, int which, const struct wire_msg *m)
{
	s->kept[which] = malloc(m->len);
	if (!s->kept[which])
		return false;
	memcpy(s->kept[which], m->buf, m->len);
	s->kept_len[which] = m->len;
	return true;
}

void synth_free(struct synth *s)
{
	free(s->out);
	free(s->kept[KEPT_A]);
	free(s->kept[KEPT_AAAA]);
	memset(s, 0, sizeof(*s));
}

/* ---- reading answers ------------------------------------------------------ */

/* The CNAME of @name in the answer section. */
static bool next_name(const struct wire_msg *m, const uint8_t *name, size_t len,
		      uint8_t out[WIRE_NAME_MAX], size_t *out_len)
{
	uint8_t owner[WIRE_NAME_MAX];
	struct wire_rr rr;
	size_t pos = 0, n;

	while (wire_next(m, &pos, &rr) && rr.section == WIRE_ANSWER) {
		if (rr.type != TYPE_CNAME || rr.class != CLASS_IN)
			continue;
		n = wire_name(m->buf, m->len, rr.off, owner, NULL);
		if (!wire_name_equal(owner, n, name, len))
			continue;
		*out_len = wire_name(m->buf, m->len, rr.rdata, out, NULL);
		return *out_len;
	}
	return false;
}

/* Rules 2, 11, 13: the chain's last name becomes the owner; false: no end to it. */
static bool follow_chain(struct synth *s, const struct wire_msg *m)
{
	uint8_t next[WIRE_NAME_MAX];
	size_t len = s->qlen - 4;

	memcpy(s->owner, s->question, len);
	for (int i = 0; i <= SYNTH_CHAIN_MAX; i++) {
		size_t n;

		if (!next_name(m, s->owner, len, next, &n)) {
			wire_name_lower(s->owner, len);
			s->owner_len = len;
			return true;
		}
		memcpy(s->owner, next, n);
		len = n;
	}
	return false;
}

struct seen {
	bool a, aaaa, signatures, soa;
	uint32_t soa_ttl;
};

static struct seen look(const struct wire_msg *m)
{
	struct seen seen = { 0 };
	struct wire_rr rr;
	size_t pos = 0;

	while (wire_next(m, &pos, &rr) && rr.section != WIRE_ADDITIONAL) {
		if (rr.type == TYPE_RRSIG)
			seen.signatures = true;
		if (rr.section == WIRE_ANSWER && rr.class == CLASS_IN) {
			seen.a |= rr.type == TYPE_A;
			seen.aaaa |= rr.type == TYPE_AAAA;
		}
		if (rr.section == WIRE_AUTHORITY && rr.type == TYPE_SOA) {
			uint32_t minimum = wire_u32(m->buf + rr.end - 4);

			seen.soa = true;
			seen.soa_ttl = minimum < rr.ttl ? minimum : rr.ttl;
		}
	}
	return seen;
}

static bool usable(const struct synth *s, const struct in6_addr *addr)	/* rule 7 */
{
	return !prefixes_hold(&s->rules->exclude, addr) && !policy_denies(s->policy, addr);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct in6_addr));
}

/* The usable AAAA of the owner (rules 7, 8), and their TTL (15). */
static void collect(struct synth *s, const struct wire_msg *m)
{
	uint8_t owner[WIRE_NAME_MAX];
	unsigned int n = 0;
	struct in6_addr a;
	struct wire_rr rr;
	size_t pos = 0;

	s->ttl = UINT32_MAX;
	while (wire_next(m, &pos, &rr) && rr.section == WIRE_ANSWER && n < SYNTH_TARGETS_MAX) {
		if (rr.type != TYPE_AAAA || rr.class != CLASS_IN)
			continue;
		if (!wire_name_equal(owner, wire_name(m->buf, m->len, rr.off, owner, NULL),
				     s->owner, s->owner_len))
			continue;
		memcpy(&a, m->buf + rr.rdata, sizeof(a));
		if (!usable(s, &a))
			continue;
		s->target[n++] = a;
		if (rr.ttl < s->ttl)
			s->ttl = rr.ttl;
	}
	if (n)
		qsort(s->target, n, sizeof(a), by_bytes);
	s->n_targets = 0;
	for (unsigned int i = 0; i < n; i++)
		if (!i || by_bytes(&s->target[i], &s->target[i - 1]))
			s->target[s->n_targets++] = s->target[i];
}

static uint32_t synth_ttl(const struct synth *s)	/* rule 15 */
{
	uint32_t cap = s->rules->ttl_cap, ttl = s->ttl;

	if (!s->neg_soa && cap > SYNTH_TTL_NO_SOA)
		cap = SYNTH_TTL_NO_SOA;
	if (s->neg_soa && ttl > s->neg_ttl)
		ttl = s->neg_ttl;
	if (ttl > cap)
		ttl = cap;
	return ttl < SYNTH_TTL_MIN ? SYNTH_TTL_MIN : ttl;
}

/* ---- the query ------------------------------------------------------------ */

static bool listed(const struct suffixes *list, const uint8_t *name, size_t len)
{
	for (size_t i = 0; i < list->n; i++)
		if (wire_name_under(name, len, list->v[i].name, list->v[i].len))
			return true;
	return false;
}

static bool ours(const struct synth *s, const struct wire_msg *m)	/* rule 9 */
{
	return wire_name_labels(m->qname) > 1 &&
	       !listed(&s->rules->deny, m->qname, m->qname_len) &&
	       (!s->rules->only.n || listed(&s->rules->only, m->qname, m->qname_len));
}

/* A reverse name of a pool stays here (rules 21 to 23). */
static bool reverse_is_ours(struct synth *s, const struct wire_msg *m, enum synth_step *step)
{
	struct reverse r;
	uint8_t *msg;
	size_t len;

	if (m->qclass != CLASS_IN ||
	    !reverse_parse(&r, m->qname, &s->rules->pools))
		return false;
	s->neg_ttl = r.zone_labels;
	if (r.kind == REVERSE_ADDRESS) {
		s->ptr_addr = r.addr;
		s->state = ST_PTR;
		*step = SYNTH_PTR;
		return true;
	}
	msg = build_no_ptr(s, r.kind == REVERSE_ABOVE ? RCODE_NOERROR : RCODE_NXDOMAIN,
			   r.zone_labels, &len);
	*step = finish(s, msg, len, SYNTH_LOCAL, EDE_NONE, NULL);
	return true;
}

static enum synth_step ask(struct synth *s, int state, uint16_t type)
{
	s->state = state;
	s->ask_type = type;
	return SYNTH_ASK;
}

/* RFC 7871 section 6: family, two lengths, and as much of the address as is given */
static void read_ecs(struct synth *s, const struct wire_msg *m)
{
	const uint8_t *o = m->buf + m->opt_end - m->opt_rdlen, *end = m->buf + m->opt_end;
	size_t len;

	for (; m->opt && end - o >= 4 && (size_t)(end - o) >= 4u + wire_u16(o + 2); o += 4 + len) {
		len = wire_u16(o + 2);
		if (wire_u16(o) != OPTION_ECS || len < 5 || len > 4 + 16)
			continue;
		memcpy(s->ecs, o + 4, 2);
		memcpy(s->ecs + 2, o + 8, len - 4);
		s->ecs_len = len - 2;
		return;
	}
}

enum synth_step synth_begin(struct synth *s, const struct synth_rules *rules,
			    const struct policy *policy, const uint8_t *msg, size_t len)
{
	enum synth_step step;
	struct wire_msg m;
	int bad;

	memset(s, 0, sizeof(*s));
	s->rules = rules;
	s->policy = policy;
	bad = wire_parse(&m, msg, len);
	if (len < WIRE_HEADER || m.flags & WIRE_QR)
		return SYNTH_DONE;	/* an answer to an answer may be a loop */
	s->id = m.id;
	s->flags = m.flags;
	if (m.flags & WIRE_OPCODE)
		return synth_abort(s, RCODE_NOTIMP, EDE_NONE, NULL);
	if (bad)
		return synth_abort(s, RCODE_FORMERR, EDE_NONE, NULL);
	s->qlen = m.qname_len + 4;
	s->qtype = m.qtype;
	memcpy(s->question, msg + WIRE_HEADER, s->qlen);
	s->edns = (struct wire_edns){ m.opt, m.opt && m.opt_flags & 0x8000, m.opt_size };
	read_ecs(s, &m);
	if (m.opt && m.opt_version)
		return synth_abort(s, RCODE_BADVERS, EDE_NONE, NULL);
	if (m.tsig || m.qtype == TYPE_AXFR || m.qtype == TYPE_IXFR)
		return synth_abort(s, RCODE_REFUSED, EDE_NONE, NULL);
	if (reverse_is_ours(s, &m, &step))
		return step;
	s->may = m.qclass == CLASS_IN && ours(s, &m);
	if (m.qclass == CLASS_IN && m.qtype == TYPE_A)
		return ask(s, ST_A, TYPE_A);
	return ask(s, ST_RELAY, m.qtype);
}

/* ---- HTTPS and SVCB (rules 37 to 39) --------------------------------------- */

/* The @at'th record of these types in the answer; false: there is none. */
static bool hint_record(const struct wire_msg *m, unsigned int at, struct svcb *r, bool *good)
{
	struct wire_rr rr;
	size_t pos = 0;

	while (wire_next(m, &pos, &rr) && rr.section == WIRE_ANSWER) {
		if ((rr.type != TYPE_HTTPS && rr.type != TYPE_SVCB) || at--)
			continue;
		*good = svcb_read(m, &rr, r) && r->hint6;
		return true;
	}
	return false;
}

/*
 * A hint goes where there is no ipv4hint beside it, or where the owner or the
 * target has a live lease: one question after the other, from s->hint_at on.
 */
static enum synth_step next_hint(struct synth *s, const struct wire_msg *m)
{
	struct wire_msg made;
	enum synth_step step;
	struct svcb r;
	uint8_t *msg;
	size_t len;
	bool good;

	for (; s->hint_at < 2 * 32 && hint_record(m, s->hint_at / 2, &r, &good); s->hint_at++) {
		bool target = s->hint_at % 2;

		if (!good || s->hint_drop & 1u << s->hint_at / 2)
			continue;
		if (!r.hint4) {
			s->hint_drop |= 1u << s->hint_at / 2;
			continue;
		}
		if (target && wire_name_equal(r.owner, r.owner_len, r.target, r.target_len))
			continue;
		s->owner_len = target ? r.target_len : r.owner_len;
		memcpy(s->owner, target ? r.target : r.owner, s->owner_len);
		if (!s->kept[KEPT_A] && !keep(s, KEPT_A, m))
			return fail(s, EDE_OTHER, "no memory");
		s->state = ST_HINT;
		return SYNTH_LIVE;
	}
	if (!s->hint_drop)
		return relay(s, m, SYNTH_RELAYED);
	msg = build_without_hints(m->buf, m->len, s->hint_drop, &len);
	if (!msg || wire_parse(&made, msg, len))
		step = fail(s, EDE_OTHER, "the answer can't be read");
	else
		step = relay(s, &made, SYNTH_HINTS);
	free(msg);
	return step;
}

static enum synth_step hint_leased(struct synth *s, enum synth_lease result)
{
	struct wire_msg m;

	if (result == LEASE_OK)
		s->hint_drop |= 1u << s->hint_at / 2;
	s->hint_at++;
	wire_parse(&m, s->kept[KEPT_A], s->kept_len[KEPT_A]);
	return next_hint(s, &m);
}

/* Rule 17: the type isn't there, the name is. */
static enum synth_step relayed(struct synth *s, const struct wire_msg *m)
{
	bool nodata;
	uint8_t *msg;
	size_t len;

	if (!m)
		return fail(s, EDE_OTHER, "no upstream answered");
	if ((s->qtype == TYPE_HTTPS || s->qtype == TYPE_SVCB) && s->may && !(s->flags & WIRE_CD) &&
	    !(s->edns.dnssec_ok && look(m).signatures))	/* rule 39 */
		return next_hint(s, m);
	nodata = s->rules->suppress_aaaa && s->may && s->qtype == TYPE_AAAA &&
		 !(m->flags & WIRE_RCODE) && look(m).aaaa;
	if (!nodata)
		return relay(s, m, SYNTH_RELAYED);
	msg = build_chain(s, m->buf, m->len, &len);
	return finish(s, msg, len, SYNTH_LOCAL, EDE_NONE, NULL);
}

static enum synth_step live(struct synth *s, int state)
{
	s->state = state;
	return SYNTH_LIVE;
}

/* Rules 4 and 5: @m is an error, or NULL. */
static enum synth_step a_failed(struct synth *s, const struct wire_msg *m)
{
	if (m && !keep(s, KEPT_A, m))
		return fail(s, EDE_OTHER, "no memory");
	if (!s->may || s->flags & WIRE_CD)
		return relay_kept(s, SYNTH_RELAYED);
	s->owner_len = s->qlen - 4;
	memcpy(s->owner, s->question, s->owner_len);
	wire_name_lower(s->owner, s->owner_len);
	if (s->rules->on_error)
		return ask(s, ST_AAAA, TYPE_AAAA);
	return live(s, ST_LIVE_A);
}

static enum synth_step a_answered(struct synth *s, const struct wire_msg *m)
{
	unsigned int rcode = m ? m->flags & WIRE_RCODE : RCODE_SERVFAIL;
	struct seen seen;

	if (rcode == RCODE_NXDOMAIN)			/* rule 3 */
		return relay(s, m, SYNTH_RELAYED);
	if (rcode)
		return a_failed(s, m);
	seen = look(m);
	if (seen.a || !s->may)				/* rules 1, 9 */
		return relay(s, m, SYNTH_RELAYED);
	if (s->flags & WIRE_CD)				/* rule 24 */
		return relay(s, m, SYNTH_NOT_CD);
	if (s->edns.dnssec_ok && seen.signatures && !s->rules->break_dnssec)
		return relay(s, m, SYNTH_NOT_DO);	/* rule 25 */
	if (!follow_chain(s, m))			/* rule 13 */
		return fail(s, EDE_OTHER, "the CNAME chain has no end");
	if (!keep(s, KEPT_A, m))
		return fail(s, EDE_OTHER, "no memory");
	s->neg_soa = seen.soa;
	s->neg_ttl = seen.soa_ttl;
	return ask(s, ST_AAAA, TYPE_AAAA);
}

/* Whether a NODATA for A is what the client gets when there is nothing usable. */
static bool a_was_nodata(const struct synth *s)
{
	return s->kept[KEPT_A] && !(s->kept[KEPT_A][3] & WIRE_RCODE);
}

static enum synth_step aaaa_answered(struct synth *s, const struct wire_msg *m)
{
	unsigned int rcode = m ? m->flags & WIRE_RCODE : RCODE_SERVFAIL;

	if (rcode == RCODE_NXDOMAIN)
		return relay_kept(s, SYNTH_RELAYED);
	if (rcode)					/* rule 6 */
		return live(s, a_was_nodata(s) ? ST_LIVE_AAAA : ST_LIVE_A);
	if (!follow_chain(s, m))
		return fail(s, EDE_OTHER, "the CNAME chain has no end");
	collect(s, m);
	if (!s->n_targets && look(m).aaaa) {
		enum synth_step step = relay_kept(s, SYNTH_NOT_USABLE);

		add_ede(s, EDE_BLOCKED, "its IPv6 addresses are excluded");
		return step;
	}
	if (!s->n_targets)
		return relay_kept(s, SYNTH_RELAYED);
	if (!keep(s, KEPT_AAAA, m))
		return fail(s, EDE_OTHER, "no memory");
	s->ttl = synth_ttl(s);
	s->state = ST_LEASE;
	return SYNTH_LEASE;
}

enum synth_step synth_answer(struct synth *s, const struct wire_msg *m)
{
	switch (s->state) {
	case ST_A:
		return a_answered(s, m);
	case ST_AAAA:
		return aaaa_answered(s, m);
	default:
		return relayed(s, m);
	}
}

static enum synth_step stale(struct synth *s, uint32_t addr)
{
	bool chain = s->state == ST_LIVE_AAAA;
	uint8_t *msg;
	size_t len;

	msg = build_address(s, chain ? s->kept[KEPT_A] : NULL, chain ? s->kept_len[KEPT_A] : 0,
			    BUILD_CHAIN, addr, SYNTH_TTL_STALE, &len);
	return finish(s, msg, len, SYNTH_STALE, EDE_STALE, "the upstream failed");
}

enum synth_step synth_leased(struct synth *s, enum synth_lease result, uint32_t addr)
{
	uint8_t *msg;
	size_t len;

	if (s->state == ST_HINT)
		return hint_leased(s, result);
	if (s->state == ST_LIVE_A)
		return result == LEASE_OK ? stale(s, addr) : relay_kept(s, SYNTH_RELAYED);
	if (s->state == ST_LIVE_AAAA)
		return result == LEASE_OK ? stale(s, addr) :
					    fail(s, EDE_OTHER, "no AAAA answer from upstream");
	switch (result) {
	case LEASE_OK:
		msg = build_address(s, s->kept[KEPT_AAAA], s->kept_len[KEPT_AAAA], BUILD_ALL,
				    addr, s->ttl, &len);
		return finish(s, msg, len, SYNTH_MADE, EDE_NONE, NULL);
	case LEASE_EXHAUSTED:				/* rules 42, 56 */
		return fail(s, EDE_OTHER, "no synthetic address is free");
	case LEASE_QUOTA:				/* rules 46, 56 */
		return fail(s, EDE_OTHER, "too many new names");
	case LEASE_NO_KERNEL:				/* rule 57 */
		return fail(s, EDE_NOT_READY, "the translator is not there");
	default:
		return fail(s, EDE_OTHER, "the lease could not be made");
	}
}

enum synth_step synth_named(struct synth *s, const uint8_t *name, size_t len, uint32_t ttl)
{
	unsigned int zone_labels = s->neg_ttl;
	bool ptr = name && (s->qtype == TYPE_PTR || s->qtype == TYPE_ANY);
	uint8_t *msg;
	size_t n;

	if (ptr)
		msg = build_ptr(s, name, len, ttl, &n);
	else
		msg = build_no_ptr(s, name ? RCODE_NOERROR : RCODE_NXDOMAIN, zone_labels, &n);
	return finish(s, msg, n, SYNTH_LOCAL, EDE_NONE, NULL);
}
