// SPDX-License-Identifier: GPL-2.0
/*
 * client.c: a client's message. The first byte chooses the switches, the second
 * what upstream and lease say.
 */
#include "synth.h"

/* NOERROR and nothing, or one AAAA, for the question that the relay asks. */
static size_t answer(uint8_t *out, const struct synth *s, bool aaaa)
{
	static const uint8_t rr[] = "\xc0\x0c\0\x1c\0\1\0\0\1\x2c\0\x10\x20\1\xd\xb8\0\x9\0\0\0\0\0\0\0\0\0\7";
	size_t len = WIRE_HEADER + s->qlen;

	memset(out, 0, WIRE_HEADER);
	wire_put16(out + 2, WIRE_QR | WIRE_RA | WIRE_AA | WIRE_AD);
	wire_put16(out + 4, 1);
	memcpy(out + WIRE_HEADER, s->question, s->qlen);
	wire_put16(out + len - 4, s->ask_type);
	if (aaaa) {
		wire_put16(out + 6, 1);
		memcpy(out + len, rr, sizeof(rr) - 1);
		len += sizeof(rr) - 1;
	}
	return len;
}

static enum synth_step asked(struct synth *s, uint8_t how)
{
	uint8_t msg[512];
	struct wire_msg m;
	size_t len;

	if ((how & 3) == 3)
		return synth_answer(s, NULL);
	len = answer(msg, s, s->ask_type == TYPE_AAAA);
	if ((how & 3) == 2)
		msg[3] |= RCODE_SERVFAIL;
	must(!wire_parse(&m, msg, len));
	return synth_answer(s, &m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum synth_step step;
	struct synth s;
	uint8_t how, *msg;
	int i;

	if (size < 3)
		return 0;
	fuzz_rules(data[0]);
	how = data[1];
	size -= 2;
	msg = malloc(size);	/* its very size, for the sanitizer */
	memcpy(msg, data + 2, size);
	step = synth_begin(&s, &rules, &policy, msg, size);
	for (i = 0; i < 8 && step != SYNTH_DONE; i++) {
		if (step == SYNTH_ASK)
			step = asked(&s, how);
		else if (step == SYNTH_PTR)
			step = synth_named(&s, how & 4 ? (const uint8_t *)"\1a\7example" : NULL, 11, 60);
		else
			step = synth_leased(&s, how >> 3 & 3, htonl(0xc6120001));
	}
	must(step == SYNTH_DONE);
	fuzz_check(&s, msg, size);
	if (how & 0x80)
		synth_abort(&s, RCODE_REFUSED, EDE_PROHIBITED, "not allowed to ask");
	synth_free(&s);
	free(msg);
	return 0;
}
