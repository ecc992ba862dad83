// SPDX-License-Identifier: GPL-2.0
/* dns46: messages as bytes (wire.c) and prefixes (prefix.c). Rule numbers are dns46.md's. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns46/prefix.h"
#include "dns46/wire.h"

#define QNAME "\6v6only\7example"	/* and the literal's zero */

/* An answer: v6only.example A? -> CNAME x.example, AAAA; SOA; OPT at the end. */
static size_t answer(uint8_t *b)
{
	static const uint8_t msg[] =
		"\x12\x34\x81\x80\0\1\0\2\0\1\0\1"
		QNAME "\0\0\x1c\0\1"
		"\xc0\x0c\0\5\0\1\0\0\1\x2c\0\4\1x\xc0\x13"
		"\xc0\x2c\0\x1c\0\1\0\0\0\x3c\0\x10\x20\1\x0d\xb8\0\x09\0\0\0\0\0\0\0\0\0\7"
		"\xc0\x13\0\6\0\1\0\0\0\x3c\0\x1a\2ns\xc0\x13\xc0\x13\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"
		"\0\0\x29\4\xd0\0\0\x80\0\0\0";

	memcpy(b, msg, sizeof(msg) - 1);
	/* SOA: ns + pointer (5), pointer (2), 20 */
	b[12 + 16 + 4 + 16 + 28 + 11] = 27;
	return sizeof(msg) - 1;
}

static void parse_finds_the_parts(void **state)
{
	uint8_t b[512];
	size_t len = answer(b), pos = 0;
	struct wire_msg m;
	struct wire_rr rr;

	assert_int_equal(wire_parse(&m, b, len), 0);
	assert_int_equal(m.id, 0x1234);
	assert_int_equal(m.qtype, TYPE_AAAA);
	assert_int_equal(m.qname_len, sizeof(QNAME));
	assert_memory_equal(m.qname, QNAME, sizeof(QNAME));
	assert_true(wire_next(&m, &pos, &rr));
	assert_int_equal(rr.type, TYPE_CNAME);
	assert_int_equal(rr.ttl, 300);
	assert_true(wire_next(&m, &pos, &rr));
	assert_int_equal(rr.type, TYPE_AAAA);
	assert_int_equal(rr.section, WIRE_ANSWER);
	assert_true(wire_next(&m, &pos, &rr));
	assert_int_equal(rr.type, TYPE_SOA);
	assert_int_equal(rr.section, WIRE_AUTHORITY);
	assert_true(wire_next(&m, &pos, &rr));
	assert_int_equal(rr.type, TYPE_OPT);
	assert_false(wire_next(&m, &pos, &rr));
	assert_int_equal(m.opt_size, 1232);
	assert_int_equal(m.opt_flags, 0x8000);
	assert_int_equal(m.opt_end, len);
}

static void rule_49_cut_anywhere(void **state)
{
	uint8_t b[512], *cut;
	size_t len = answer(b), i;
	struct wire_msg m;

	for (i = 0; i < len; i++) {
		cut = malloc(i ? i : 1);	/* so that a sanitizer sees the end */
		memcpy(cut, b, i);
		assert_int_equal(wire_parse(&m, cut, i), -1);
		free(cut);
	}
	b[len] = 0;		/* nor may anything follow */
	assert_int_equal(wire_parse(&m, b, len + 1), -1);
}

static void rule_49_pointers(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		size_t off;
		size_t want;
	} cases[] = {
		{ "............\300\014", 14, 12, 0 },		/* itself */
		{ "............\300\016\300\014", 16, 12, 0 },	/* forward, a loop */
		{ "............\300\016\1a\0", 17, 12, 0 },	/* forward */
		{ "............\1a\0\300\014", 17, 15, 3 },	/* backwards */
		{ "............\1a\0\300", 16, 15, 0 },		/* cut */
		{ "............\1a\0\300\003", 17, 15, 0 },	/* into the header */
		{ "............\4a\300\014x\0", 18, 14, 0 },	/* to a label that it lies in */
		{ "............\100a\0", 15, 12, 0 },		/* 01 label type */
		{ "............\5abc\0", 17, 12, 0 },		/* past the end */
	};
	uint8_t name[WIRE_NAME_MAX];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const size_t got = wire_name((const uint8_t *)cases[i].bytes, cases[i].len,
					     cases[i].off, name, NULL);

		if (got != cases[i].want)
			fail_msg("case %zu: %zu, wanted %zu", i, got, cases[i].want);
	}
}

static void rule_49_long_names(void **state)
{
	uint8_t b[400], name[WIRE_NAME_MAX];
	int labels, i;

	for (labels = 3; labels <= 5; labels++) {
		size_t n = 12;

		for (i = 0; i < labels; i++) {
			b[n] = i == 3 ? 61 : 63;
			memset(b + n + 1, 'a', 63);
			n += 1 + b[n];
		}
		b[n++] = 0;
		/* 3 * 64 + 62 + 1 = 255 is the longest there is */
		assert_int_equal(wire_name(b, n, 12, name, NULL), labels <= 4 ? n - 12 : 0);
	}
}

/* Whatever comes: no byte outside is read (sanitizers), and what passes is sane. */
static void rule_49_mutations(void **state)
{
	unsigned int seed = 46, round;
	uint8_t good[512], out[1024];
	const size_t len = answer(good);
	const struct wire_edns to = { .present = true, .size = 1232 };

	for (round = 0; round < 200000; round++) {
		const size_t n = len - rand_r(&seed) % 8 * !(round % 5);
		uint8_t *b = malloc(n);
		struct wire_msg m;
		struct wire_rr rr;
		size_t pos = 0, seen = 0;
		int k;

		memcpy(b, good, n);
		for (k = rand_r(&seed) % 6; k >= 0; k--)
			b[rand_r(&seed) % n] = rand_r(&seed);
		if (!wire_parse(&m, b, n)) {
			while (wire_next(&m, &pos, &rr)) {
				assert_true(rr.end <= n);
				seen++;
			}
			assert_int_equal(seen, m.count[0] + m.count[1] + m.count[2]);
			assert_true(wire_relay(&m, 1, &to, out, sizeof(out)) <= sizeof(out));
		}
		free(b);
	}
}

static void rule_28_relay_changes_only_id_and_opt(void **state)
{
	const struct wire_edns none = { .present = false };
	const struct wire_edns with = { .present = true, .dnssec_ok = true, .size = 4096 };
	uint8_t b[512], out[600];
	size_t len = answer(b), n;
	struct wire_msg m, r;

	assert_int_equal(wire_parse(&m, b, len), 0);
	n = wire_relay(&m, 0xabcd, &none, out, sizeof(out));
	assert_int_equal(n, len - 11);
	assert_int_equal(wire_u16(out), 0xabcd);
	assert_memory_equal(out + 2, b + 2, 8);
	assert_int_equal(wire_u16(out + 10), 0);
	assert_memory_equal(out + 12, b + 12, n - 12);

	n = wire_relay(&m, 1, &with, out, sizeof(out));
	assert_int_equal(wire_parse(&r, out, n), 0);
	assert_int_equal(r.opt_size, WIRE_OUR_SIZE);
	assert_int_equal(r.opt_flags, 0x8000);
}

static void truncate_keeps_question_and_opt(void **state)
{
	uint8_t b[512];
	size_t len = answer(b), n;
	struct wire_msg m;

	assert_int_equal(wire_truncate(b, len, 512), len);
	n = wire_truncate(b, len, 60);
	assert_true(n <= 60);
	assert_int_equal(wire_parse(&m, b, n), 0);
	assert_true(m.flags & WIRE_TC);
	assert_int_equal(m.count[WIRE_ANSWER], 0);
	assert_true(m.opt);
}

static void error_says_why(void **state)
{
	static const uint8_t q[] = QNAME "\0\0\1\0\1";
	const struct wire_edns to = { .present = true, .size = 1232 };
	struct wire_msg m;
	uint8_t out[512];
	size_t n = wire_error(out, sizeof(out), 7, WIRE_RD, RCODE_SERVFAIL, q, sizeof(q) - 1,
			      &to, EDE_NOT_READY, "no pool");

	assert_int_equal(wire_parse(&m, out, n), 0);
	assert_int_equal(m.flags, WIRE_QR | WIRE_RD | WIRE_RA | RCODE_SERVFAIL);
	assert_int_equal(m.opt_rdlen, 6 + 7);
	assert_memory_equal(out + n - 7, "no pool", 7);
}

static void names_and_text(void **state)
{
	static const char *const good[] = { "v6only.example", ".", "a\\.b.example", "a\\032b.x" };
	static const char *const bad[] = { "a..b", ".a", "\\3", "\\256.x", "" };
	char text[WIRE_TEXT_MAX];
	uint8_t name[WIRE_NAME_MAX], sub[WIRE_NAME_MAX];
	size_t i, n, s;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(wire_name_from_text(good[i], name));
		wire_name_to_text(name, text);
		assert_string_equal(text, good[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(wire_name_from_text(bad[i], name), 0);
	n = wire_name_from_text("WWW.V6only.EXAMPLE", name);
	s = wire_name_from_text("v6only.example", sub);
	assert_true(wire_name_under(name, n, sub, s));
	assert_false(wire_name_under(sub, s, name, n));
	s = wire_name_from_text("6only.example", sub);	/* no label's tail */
	assert_false(wire_name_under(name, n, sub, s));
	assert_int_equal(wire_name_labels(name), 3);
}

static bool denied(const struct policy *p, const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return policy_denies(p, &a);
}

static void rule_7_excluded_targets(void **state)
{
	struct policy_entry open = { .deny = false }, shut = { .deny = true };
	struct policy p;

	assert_int_equal(policy_builtin(&p), 0);
	assert_true(denied(&p, "::1"));
	assert_true(denied(&p, "::ffff:192.0.2.1"));
	assert_true(denied(&p, "64:ff9b::1"));
	assert_true(denied(&p, "64:ff9b:1:ffff::1"));
	assert_true(denied(&p, "2002::1"));
	assert_true(denied(&p, "fe80::1"));
	assert_true(denied(&p, "febf::1"));
	assert_true(denied(&p, "ff02::1"));
	assert_true(denied(&p, "fd00:ec2::254"));
	assert_false(denied(&p, "fd00:ec3::254"));
	assert_false(denied(&p, "fec0::1"));
	assert_false(denied(&p, "64:ff9b:2::1"));
	assert_false(denied(&p, "2001:db8::1"));
	/* an administrator opens one by a prefix as long, and shuts others */
	assert_true(prefix_from_text(&open.prefix, "fd00:ec2::/32", AF_INET6));
	assert_true(prefix_from_text(&shut.prefix, "2001:db8:66::/48", AF_INET6));
	policy_add(&p, &open);
	policy_add(&p, &shut);
	policy_sort(&p);
	assert_false(denied(&p, "fd00:ec2::254"));
	assert_true(denied(&p, "2001:db8:66::1"));
	assert_false(denied(&p, "2001:db8:67::1"));
	policy_free(&p);
}

static void prefixes_from_text(void **state)
{
	struct prefix p;

	assert_true(prefix_from_text(&p, "198.18.0.0/16", AF_INET));
	assert_int_equal(p.plen, 112);
	assert_false(prefix_from_text(&p, "198.18.0.1/16", AF_INET));
	assert_false(prefix_from_text(&p, "198.18.0.0/33", AF_INET));
	assert_false(prefix_from_text(&p, "198.18.0.0/", AF_INET));
	assert_false(prefix_from_text(&p, "198.18.0.0/16x", AF_INET));
	assert_false(prefix_from_text(&p, "2001:db8::/32", AF_INET));
	assert_true(prefix_from_text(&p, "2001:db8::/32", AF_UNSPEC));
	assert_false(prefix_from_text(&p, "2001:db8::1/32", AF_INET6));
}

static bool answers(uint8_t *b, size_t len, uint16_t id, const char *name, uint16_t type)
{
	uint8_t question[WIRE_NAME_MAX + 4];
	struct wire_msg m;
	size_t n = wire_name_from_text(name, question);

	wire_put16(question + n, type);
	wire_put16(question + n + 2, CLASS_IN);
	assert_int_equal(wire_parse(&m, b, len), 0);
	return wire_answers(&m, id, question, n + 4);
}

static void rule_34_answers(void **state)
{
	uint8_t b[512], bare[WIRE_HEADER] = "\x12\x34\x81\x81";
	size_t len = answer(b);

	assert_true(answers(b, len, 0x1234, "v6only.example", TYPE_AAAA));
	assert_true(answers(b, len, 0x1234, "V6only.eXample", TYPE_AAAA));
	assert_false(answers(b, len, 0x1235, "v6only.example", TYPE_AAAA));
	assert_false(answers(b, len, 0x1234, "v6only.example", TYPE_A));
	assert_false(answers(b, len, 0x1234, "v6onlx.example", TYPE_AAAA));
	assert_false(answers(b, len, 0x1234, "example", TYPE_AAAA));
	b[2] &= 0x7f;	/* a query */
	assert_false(answers(b, len, 0x1234, "v6only.example", TYPE_AAAA));
	b[2] |= 0x90;	/* of another kind */
	assert_false(answers(b, len, 0x1234, "v6only.example", TYPE_AAAA));
	/* without its question: an error may be */
	assert_true(answers(bare, sizeof(bare), 0x1234, "v6only.example", TYPE_AAAA));
	bare[3] = 0x80;
	assert_false(answers(bare, sizeof(bare), 0x1234, "v6only.example", TYPE_AAAA));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_finds_the_parts),
		cmocka_unit_test(rule_49_cut_anywhere),
		cmocka_unit_test(rule_49_pointers),
		cmocka_unit_test(rule_49_long_names),
		cmocka_unit_test(rule_49_mutations),
		cmocka_unit_test(rule_28_relay_changes_only_id_and_opt),
		cmocka_unit_test(rule_34_answers),
		cmocka_unit_test(truncate_keeps_question_and_opt),
		cmocka_unit_test(error_says_why),
		cmocka_unit_test(names_and_text),
		cmocka_unit_test(rule_7_excluded_targets),
		cmocka_unit_test(prefixes_from_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
