// SPDX-License-Identifier: GPL-2.0
/*
 * The walker of DNS messages under mutation (rule 49): nothing that can be made
 * of a message by flipping, cutting and inserting bytes is read past its end
 * (make SANITIZE=1 sees that) or upsets what is built on the walker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns46/synth.h"

/* www.example A, a CNAME, an A, a SOA, an MX, a DNAME; compressed; an OPT. */
static const uint8_t seed[] =
	"\x12\x67\x81\x80\0\1\0\4\0\1\0\2"
	"\3www\7example\0\0\1\0\1"
	"\xc0\x0c\0\5\0\1\0\0\1\x2c\0\6\3old\xc0\x10"
	"\xc0\x10\0\x27\0\1\0\0\1\x2c\0\6\4test\0"
	"\xc0\x29\0\x1c\0\1\0\0\1\x2c\0\x10\x20\1\xd\xb8\0\x9\0\0\0\0\0\0\0\0\0\7"
	"\xc0\x10\0\xf\0\1\0\0\1\x2c\0\4\0\x0a\xc0\x0c"
	"\xc0\x10\0\6\0\1\0\0\1\x2c\0\x1b\2ns\xc0\x10\xc0\x0c\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"
	"\xc0\x29\0\x1\0\1\0\0\1\x2c\0\4\xc0\0\2\1"
	"\0\0\x29\4\xd0\0\0\x80\0\0\x0a\0\xf\0\6\0\3old!";

static uint64_t rnd_state = 88172645463325252ULL;

static uint32_t rnd(uint32_t below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (rnd_state >> 16) % below;
}

static size_t mutate(uint8_t *buf, size_t len, size_t size)
{
	static const uint8_t edges[] = { 0, 1, 12, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff };

	for (uint32_t n = 1 + rnd(6); n; n--) {
		size_t at = rnd(len);

		switch (rnd(6)) {
		case 0:
			buf[at] ^= 1 << rnd(8);
			break;
		case 1:
			buf[at] = edges[rnd(sizeof(edges))];
			break;
		case 2:
			buf[at] = rnd(256);
			break;
		case 3:	/* a pointer to anywhere */
			if (at + 1 < len) {
				buf[at] = 0xc0;
				buf[at + 1] = rnd(len + 4);
			}
			break;
		case 4:
			len = 1 + rnd(len);
			break;
		default:
			if (len + 8 <= size) {
				memmove(buf + at + 8, buf + at, len - at);
				len += 8;
			}
		}
	}
	return len;
}

static void walk(const struct wire_msg *m)
{
	uint8_t name[WIRE_NAME_MAX], out[2048];
	char text[WIRE_TEXT_MAX];
	struct wire_edns edns = { true, true, 1232 };
	struct wire_rr rr;
	size_t pos = 0, n = 0;

	while (wire_next(m, &pos, &rr)) {
		assert_true(rr.end <= m->len && rr.rdata <= rr.end && rr.off < rr.rdata);
		assert_true(wire_name(m->buf, m->len, rr.off, name, NULL));
		wire_name_to_text(name, text);
		n++;
	}
	assert_int_equal(n, m->count[0] + m->count[1] + m->count[2]);
	n = wire_relay(m, 1, &edns, out, sizeof(out));
	assert_true(n <= sizeof(out));
	if (n)
		assert_true(wire_truncate(out, n, 512) <= 512 || n <= 512 || m->qname_len > 200);
}

static void drive(const uint8_t *msg, size_t len, const struct wire_msg *answer)
{
	struct synth_rules rules = { .ttl_cap = 300, .break_dnssec = true };
	struct policy policy = { 0 };
	enum synth_step step;
	struct synth s;

	step = synth_begin(&s, &rules, &policy, msg, len);
	for (int i = 0; i < 8 && step != SYNTH_DONE; i++) {
		if (step == SYNTH_ASK)
			step = synth_answer(&s, answer);
		else if (step == SYNTH_PTR)
			step = synth_named(&s, NULL, 0, 0);
		else
			step = synth_leased(&s, LEASE_OK, 0x010012c6);
	}
	assert_int_equal(step, SYNTH_DONE);
	synth_free(&s);
}

static void mutations(void **state)
{
	unsigned int parsed = 0, rounds = getenv("ROUNDS") ? atoi(getenv("ROUNDS")) : 300000;
	static const uint8_t query[] = "\x12\x67\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1";
	size_t len = sizeof(seed) - 1;
	struct wire_msg m;

	assert_int_equal(wire_parse(&m, seed, len), 0);
	walk(&m);
	while (rounds--) {
		uint8_t scratch[512], *exact;
		size_t n;

		memcpy(scratch, seed, len);
		n = mutate(scratch, len, sizeof(scratch));
		exact = malloc(n);
		memcpy(exact, scratch, n);
		if (!wire_parse(&m, exact, n)) {
			parsed++;
			walk(&m);
			drive(query, sizeof(query) - 1, &m);
		}
		if (n > 2)
			exact[2] &= 0x7f;
		drive(exact, n, NULL);
		free(exact);
	}
	assert_true(parsed > 100);
}

static void names(void **state)
{
	static const char *const good[] = { ".", "a", "a.b", "a\\.b.c", "\\001x", "*.a", "A-b_c.d" };
	static const char *const bad[] = { "", "..", ".a", "a..b", "\\", "\\25", "\\256",
		"0123456789012345678901234567890123456789012345678901234567890123.a" };
	char text[WIRE_TEXT_MAX], dotted[300];
	uint8_t wire[WIRE_NAME_MAX];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_not_equal(wire_name_from_text(good[i], wire), 0);
		wire_name_to_text(wire, text);
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(wire_name_from_text(bad[i], wire), 0);
	for (int n = 250; n < 260; n++) {	/* 253 letters of text fit 255 bytes */
		for (int i = 0; i < n; i++)
			dotted[i] = i % 2 ? '.' : 'a';
		dotted[n] = 0;
		if (n % 2)
			assert_int_equal(!!wire_name_from_text(dotted, wire), n <= 253);
	}
}

static void under(void **state)
{
	uint8_t a[WIRE_NAME_MAX], b[WIRE_NAME_MAX];
	size_t al, bl;

	al = wire_name_from_text("x.Cluster.local", a);
	bl = wire_name_from_text("cluster.LOCAL", b);
	assert_true(wire_name_under(a, al, b, bl));
	assert_true(wire_name_under(b, bl, b, bl));
	assert_false(wire_name_under(b, bl, a, al));
	al = wire_name_from_text("xcluster.local", a);
	assert_false(wire_name_under(a, al, b, bl));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names), cmocka_unit_test(under), cmocka_unit_test(mutations),
	};

	return cmocka_run_group_tests_name("dns46_fuzz", tests, NULL, NULL);
}
