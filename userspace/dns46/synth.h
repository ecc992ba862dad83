/* SPDX-License-Identifier: GPL-2.0 */
/*
 * synth.h: the rules of dns46.md, as a machine of one query. Messages go in, a
 * message comes out; it knows no socket, no clock, no lease and no kernel. Each
 * call says what is to be done next and with which call to come back:
 *
 *   SYNTH_ASK    ask the upstream for ask_type    synth_answer()
 *   SYNTH_LEASE  lease an address for the owner   synth_leased()
 *   SYNTH_LIVE   is there a live lease of it?     synth_leased()
 *   SYNTH_PTR    whose address is ptr_addr?       synth_named()
 *   SYNTH_DONE   send out, NULL: nothing          synth_free()
 */
#ifndef DNS46_SYNTH_H
#define DNS46_SYNTH_H

#include "prefix.h"
#include "wire.h"

enum {
	SYNTH_CHAIN_MAX = 16,	/* names in a CNAME chain (rule 13) */
	SYNTH_TARGETS_MAX = 64,	/* AAAA looked at; the lease takes 8 of them */
	SYNTH_TTL_MIN = 5,
	SYNTH_TTL_NO_SOA = 600,
	SYNTH_TTL_STALE = 30,
};

struct suffixes {
	struct suffix {
		uint8_t name[WIRE_NAME_MAX];
		uint8_t len;
	} *v;
	size_t n;
};

struct synth_rules {
	struct suffixes deny, only;	/* deny-suffix, synthesise-suffix */
	struct prefixes exclude;	/* exclude, nat64-prefix */
	struct prefixes pools;
	uint32_t ttl_cap;
	bool on_error, suppress_aaaa, break_dnssec;
};

/* What became of queries; counted by the relay. */
enum synth_outcome {
	SYNTH_RELAYED, SYNTH_MADE, SYNTH_STALE, SYNTH_FAILED, SYNTH_REFUSED,
	SYNTH_NOT_CD, SYNTH_NOT_DO, SYNTH_NOT_USABLE, SYNTH_LOCAL, SYNTH_HINTS,
	SYNTH_OUTCOMES
};
extern const char *const synth_outcome_names[SYNTH_OUTCOMES];

enum synth_step { SYNTH_ASK, SYNTH_LEASE, SYNTH_LIVE, SYNTH_PTR, SYNTH_DONE };

enum synth_lease {
	LEASE_OK, LEASE_NONE, LEASE_EXHAUSTED, LEASE_QUOTA, LEASE_NO_KERNEL, LEASE_FAILED,
	LEASE_RESULTS
};

struct synth {
	const struct synth_rules *rules;
	const struct policy *policy;
	/* the query */
	uint16_t id, flags;
	uint8_t question[WIRE_NAME_MAX + 4];
	uint16_t qlen;			/* 0: it has none that can be given back */
	uint16_t qtype;
	struct wire_edns edns;
	uint8_t ecs[18];		/* family and address of a client subnet option */
	uint8_t ecs_len;		/* 0: it has none */
	/* what is asked for */
	uint16_t ask_type;
	uint8_t owner[WIRE_NAME_MAX];	/* lower case */
	uint8_t owner_len;
	struct in6_addr target[SYNTH_TARGETS_MAX];	/* sorted */
	unsigned int n_targets;
	uint32_t ttl;
	uint32_t ptr_addr;		/* network order */
	/* the answer */
	uint8_t *out;
	size_t out_len;
	enum synth_outcome outcome;
	/* private */
	int state;
	bool may;			/* rules 9, 24: may be synthesised */
	bool neg_soa;
	uint32_t neg_ttl;
	uint32_t hint_drop;		/* rule 37: by record, those without their hint */
	unsigned int hint_at;		/* whose lease was asked for last */
	uint8_t *kept[2];		/* the answers to A and AAAA */
	size_t kept_len[2];
};

enum synth_step synth_begin(struct synth *s, const struct synth_rules *rules,
			    const struct policy *policy, const uint8_t *msg, size_t len);
/* @m NULL: no upstream has answered */
enum synth_step synth_answer(struct synth *s, const struct wire_msg *m);
/* @addr in network order */
enum synth_step synth_leased(struct synth *s, enum synth_lease result, uint32_t addr);
/* @name NULL: nobody's */
enum synth_step synth_named(struct synth *s, const uint8_t *name, size_t len, uint32_t ttl);
/* Ends a query for which there is no room or no time any more. */
enum synth_step synth_abort(struct synth *s, unsigned int rcode, int ede, const char *text);
void synth_free(struct synth *s);

#endif
