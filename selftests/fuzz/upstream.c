// SPDX-License-Identifier: GPL-2.0
/*
 * upstream.c: what an upstream answers. The first byte chooses the switches,
 * the second what the client said and the lease says; two bytes are the length
 * of the answer to A, the rest is the one to AAAA. The client has asked what
 * the first of them answers.
 */
#include "synth.h"

static uint8_t *exact(const uint8_t *data, size_t size)
{
	uint8_t *p = malloc(size ? size : 1);

	memcpy(p, data, size);
	return p;
}

/* As upstream.c of the relay takes it, or leaves it. */
static enum synth_step answer(struct synth *s, const struct wire_msg *m, bool bad)
{
	uint8_t question[WIRE_NAME_MAX + 4];

	memcpy(question, s->question, s->qlen);
	wire_put16(question + s->qlen - 4, s->ask_type);
	if (bad || m->flags & WIRE_TC || !wire_answers(m, m->id, question, s->qlen))
		return synth_answer(s, NULL);
	return synth_answer(s, m);
}

static size_t make_query(uint8_t *out, const struct wire_msg *m, uint8_t how)
{
	uint8_t question[WIRE_NAME_MAX + 4];
	uint16_t type = how & 1 ? m->qtype : TYPE_A;
	size_t n;

	memcpy(question, m->qname, m->qname_len);
	wire_put16(question + m->qname_len, type);
	wire_put16(question + m->qname_len + 2, m->qclass);
	n = wire_query(out, 0x4646, how & 2 ? WIRE_RD | WIRE_CD : WIRE_RD, question,
		       m->qname_len + 4, how & 4);
	if (how & 8) {		/* no EDNS */
		n -= WIRE_OPT_MIN;
		out[11] = 0;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t query[WIRE_HEADER + WIRE_NAME_MAX + 4 + WIRE_OPT_MIN], how, *part[2];
	struct wire_msg m[2];
	enum synth_step step;
	size_t qlen, first;
	bool bad[2];
	struct synth s;
	int i;

	if (size < 4)
		return 0;
	fuzz_rules(data[0]);
	how = data[1];
	first = wire_u16(data + 2);
	data += 4;
	size -= 4;
	if (first > size)
		first = size;
	part[0] = exact(data, first);
	part[1] = exact(data + first, size - first);
	bad[0] = wire_parse(&m[0], part[0], first);
	bad[1] = wire_parse(&m[1], part[1], size - first);
	if (bad[0] || !m[0].qname_len)
		goto out;
	qlen = make_query(query, &m[0], how);
	step = synth_begin(&s, &rules, &policy, query, qlen);
	for (i = 0; i < 8 && step != SYNTH_DONE; i++) {
		if (step == SYNTH_ASK)
			step = answer(&s, &m[!!i], bad[!!i]);
		else if (step == SYNTH_PTR)
			step = synth_named(&s, NULL, 0, 0);
		else
			step = synth_leased(&s, how >> 4 & 3, htonl(0xc6120001));
		must(s.n_targets <= SYNTH_TARGETS_MAX);
	}
	must(step == SYNTH_DONE);
	fuzz_check(&s, query, qlen);
	synth_free(&s);
out:
	free(part[0]);
	free(part[1]);
	return 0;
}
