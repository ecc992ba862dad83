// SPDX-License-Identifier: GPL-2.0
/* The names of flows: each bit of each field counts, in the hash and in comparing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;

#define __force

#include "../../module/tuple.h"

#define ROUNDS 64	/* more, and two hashes of 32 bits may meet */

/* of tuples: the bytes that are hashed, and asked6, which is compared alone */
#define HASHED4 offsetof(struct nat46_tuple4, asked6)
#define HASHED6 offsetof(struct nat46_tuple6, asked6)

static const hsiphash_key_t key = { { 0x0123456789abcdef, 0xfedcba9876543210 } };

static void fill(void *at, size_t len)
{
	u8 *b = at;

	while (len--)
		*b++ = rand() >> 7;
}

static void each_bit4(void **state)
{
	struct nat46_tuple4 a, b;
	int round, bit;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		u32 mix = rand();

		memset(&a, 0, sizeof(a));
		fill(&a, HASHED4);
		b = a;
		assert_true(nat46_same4(&a, &b));
		assert_int_equal(nat46_hash4(&a, mix, &key), nat46_hash4(&b, mix, &key));
		assert_int_not_equal(nat46_hash4(&a, mix, &key), nat46_hash4(&a, mix ^ 1u << 31, &key));
		for (bit = 0; bit < 8 * (int)HASHED4; bit++) {
			((u8 *)&b)[bit / 8] ^= 1 << bit % 8;
			assert_false(nat46_same4(&a, &b));
			assert_int_not_equal(nat46_hash4(&a, mix, &key), nat46_hash4(&b, mix, &key));
			b = a;
		}
		b.asked6 = true;
		assert_false(nat46_same4(&a, &b));
	}
}

static void each_bit6(void **state)
{
	struct nat46_tuple6 a, b;
	int round, bit;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		u32 mix = rand();

		memset(&a, 0, sizeof(a));
		fill(&a, HASHED6);
		b = a;
		assert_true(nat46_same6(&a, &b));
		assert_int_equal(nat46_hash6(&a, mix, &key), nat46_hash6(&b, mix, &key));
		assert_int_not_equal(nat46_hash6(&a, mix, &key), nat46_hash6(&a, mix ^ 1u << 31, &key));
		for (bit = 0; bit < 8 * (int)HASHED6; bit++) {
			((u8 *)&b)[bit / 8] ^= 1 << bit % 8;
			assert_false(nat46_same6(&a, &b));
			assert_int_not_equal(nat46_hash6(&a, mix, &key), nat46_hash6(&b, mix, &key));
			b = a;
		}
		b.asked6 = true;
		assert_false(nat46_same6(&a, &b));
	}
}

/* What a flow's sides are is not forgotten: the same two ports, swapped, are another. */
static void sides(void **state)
{
	struct nat46_tuple4 a = { .saddr = 1, .daddr = 2, .sport = 3, .dport = 4, .proto = 6 };
	struct nat46_tuple6 c = { .sport = 3, .dport = 4, .proto = 6 };
	struct nat46_tuple4 b = a;
	struct nat46_tuple6 d;

	(void)state;
	b.sport = a.dport;
	b.dport = a.sport;
	assert_int_not_equal(nat46_hash4(&a, 0, &key), nat46_hash4(&b, 0, &key));
	b = a;
	b.saddr = a.daddr;
	b.daddr = a.saddr;
	assert_int_not_equal(nat46_hash4(&a, 0, &key), nat46_hash4(&b, 0, &key));
	c.saddr.s6_addr[0] = 0x20;
	c.daddr.s6_addr[0] = 0x26;
	d = c;
	d.saddr = c.daddr;
	d.daddr = c.saddr;
	assert_int_not_equal(nat46_hash6(&c, 0, &key), nat46_hash6(&d, 0, &key));
	d = c;
	d.sport = c.dport;
	d.dport = c.sport;
	assert_int_not_equal(nat46_hash6(&c, 0, &key), nat46_hash6(&d, 0, &key));
}

static void buckets(void **state)
{
	static const struct {
		unsigned long megabytes;
		u32 buckets;
	} cases[] = {
		{ 0, 16384 }, { 512, 16384 }, { 1024, 16384 }, { 1025, 65536 },
		{ 4096, 65536 }, { 4097, 262144 }, { 1ul << 20, 262144 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(nat46_default_buckets(cases[i].megabytes), cases[i].buckets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bit4),
		cmocka_unit_test(each_bit6),
		cmocka_unit_test(sides),
		cmocka_unit_test(buckets),
	};

	srand(46);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
