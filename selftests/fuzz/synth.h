/* SPDX-License-Identifier: GPL-2.0 */
/* synth.h: the synthesis under any configuration, for client.c and upstream.c. */
#ifndef FUZZ_SYNTH_H
#define FUZZ_SYNTH_H

#include <arpa/inet.h>

#include "dns46/synth.h"
#include "fuzz.h"

static struct synth_rules rules;
static struct policy policy;

static void add_suffix(struct suffixes *list, const char *text)
{
	list->v = list->v ? list->v : calloc(1, sizeof(*list->v));
	list->v[0].len = wire_name_from_text(text, list->v[0].name);
}

/* @bits choose the switches */
static void fuzz_rules(uint8_t bits)
{
	static bool done;
	struct prefix p;

	if (!done) {
		must(prefix_from_text(&p, "198.18.0.0/16", AF_INET));
		prefixes_add(&rules.pools, &p);
		must(prefix_from_text(&p, "198.51.100.128/25", AF_INET));
		prefixes_add(&rules.pools, &p);
		must(prefix_from_text(&p, "2001:db8:bad::/48", AF_INET6));
		prefixes_add(&rules.exclude, &p);
		add_suffix(&rules.deny, "cluster.local");
		add_suffix(&rules.only, "example");
		rules.deny.n = 1;
		policy_builtin(&policy);
		done = true;
	}
	rules.ttl_cap = bits & 1 ? 300 : 3600;
	rules.on_error = bits & 2;
	rules.suppress_aaaa = bits & 4;
	rules.break_dnssec = bits & 8;
	rules.only.n = !!(bits & 16);
}

/* What any answer of ours is. */
static void fuzz_check(const struct synth *s, const uint8_t *query, size_t len)
{
	uint8_t copy[WIRE_MSG_MAX];
	struct wire_msg m;
	struct wire_rr rr;
	size_t pos = 0, n;

	if (!s->out || !s->out_len)
		return;
	must(s->out_len <= WIRE_MSG_MAX && len >= WIRE_HEADER);
	must(!wire_parse(&m, s->out, s->out_len));
	must(m.flags & WIRE_QR && m.id == wire_u16(query));
	must(!m.opt || s->edns.present);
	if (s->outcome == SYNTH_MADE || s->outcome == SYNTH_STALE) {
		must(!(m.flags & (WIRE_AA | WIRE_AD | WIRE_CD)));
		must(!(wire_u16(query + 2) & WIRE_CD));
		must(m.flags & WIRE_RA);
		must(m.qtype == TYPE_A && m.qclass == CLASS_IN);
		while (wire_next(&m, &pos, &rr))
			must(rr.type != TYPE_RRSIG && rr.type != TYPE_NSEC && rr.type != TYPE_NSEC3);
	}
	memcpy(copy, s->out, s->out_len);
	n = wire_truncate(copy, s->out_len, WIRE_UDP_MIN);
	must(n <= WIRE_UDP_MIN && !wire_parse(&m, copy, n));
}

#endif
