// SPDX-License-Identifier: GPL-2.0
/* The module's pure part, compiled as it stands: TCP states and port choice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#include "../../module/tcp.c"
#include "../../module/port.c"

#define S(x) NAT46_STATE_##x
enum { FIN = NAT46_TCP_FIN, SYN = NAT46_TCP_SYN, RST = NAT46_TCP_RST, ACK = NAT46_TCP_ACK };

/* state, side, flags -> state: RFC 6146 section 3.5.2.2, read for us */
static const struct {
	u32 from;
	int dir;
	u8 flags;
	u32 to;
} steps[] = {
	{ S(INIT), NAT46_DIR_4, SYN, S(INIT) },
	{ S(INIT), NAT46_DIR_6, SYN | ACK, S(ESTABLISHED) },
	{ S(INIT), NAT46_DIR_6, SYN, S(ESTABLISHED) },	/* simultaneous open */
	{ S(INIT), NAT46_DIR_6, RST | ACK, S(INIT) },
	{ S(INIT), NAT46_DIR_4, FIN, S(INIT) },
	{ S(INIT), NAT46_DIR_6, ACK, S(INIT) },
	{ S(V6_INIT), NAT46_DIR_6, SYN, S(V6_INIT) },
	{ S(V6_INIT), NAT46_DIR_4, SYN | ACK, S(ESTABLISHED) },
	{ S(V6_INIT), NAT46_DIR_4, SYN, S(ESTABLISHED) },	/* simultaneous open */
	{ S(V6_INIT), NAT46_DIR_4, RST | ACK, S(V6_INIT) },
	{ S(V6_INIT), NAT46_DIR_6, SYN | ACK, S(V6_INIT) },
	{ S(V6_INIT), NAT46_DIR_6, FIN, S(V6_INIT) },
	{ S(V6_INIT), NAT46_DIR_4, ACK, S(V6_INIT) },
	{ S(ESTABLISHED), NAT46_DIR_4, ACK, S(ESTABLISHED) },
	{ S(ESTABLISHED), NAT46_DIR_6, ACK, S(ESTABLISHED) },
	{ S(ESTABLISHED), NAT46_DIR_4, SYN, S(ESTABLISHED) },
	{ S(ESTABLISHED), NAT46_DIR_4, FIN | ACK, S(V4_FIN) },
	{ S(ESTABLISHED), NAT46_DIR_6, FIN | ACK, S(V6_FIN) },
	{ S(ESTABLISHED), NAT46_DIR_4, RST, S(TRANS) },
	{ S(ESTABLISHED), NAT46_DIR_6, RST | ACK, S(TRANS) },
	{ S(ESTABLISHED), NAT46_DIR_6, RST | FIN, S(TRANS) },
	{ S(V4_FIN), NAT46_DIR_4, FIN, S(V4_FIN) },
	{ S(V4_FIN), NAT46_DIR_6, ACK, S(V4_FIN) },
	{ S(V4_FIN), NAT46_DIR_6, FIN | ACK, S(BOTH_FIN) },
	{ S(V6_FIN), NAT46_DIR_6, FIN, S(V6_FIN) },
	{ S(V6_FIN), NAT46_DIR_4, ACK, S(V6_FIN) },
	{ S(V6_FIN), NAT46_DIR_4, FIN | ACK, S(BOTH_FIN) },
	{ S(BOTH_FIN), NAT46_DIR_4, ACK, S(BOTH_FIN) },
	{ S(BOTH_FIN), NAT46_DIR_6, SYN, S(BOTH_FIN) },
	{ S(BOTH_FIN), NAT46_DIR_4, SYN | ACK, S(BOTH_FIN) },
	{ S(BOTH_FIN), NAT46_DIR_4, SYN, S(BOTH_FIN) },	/* it gets a new session */
	{ S(BOTH_FIN), NAT46_DIR_6, RST, S(BOTH_FIN) },
	{ S(V4_FIN), NAT46_DIR_6, RST, S(TRANS) },
	{ S(V6_FIN), NAT46_DIR_6, RST, S(TRANS) },
	{ S(V6_FIN), NAT46_DIR_4, RST | ACK, S(TRANS) },
	{ S(V6_FIN), NAT46_DIR_4, RST | FIN, S(TRANS) },
	{ S(NONE), NAT46_DIR_4, SYN | ACK | FIN | RST, S(NONE) },
	{ S(TRANS), NAT46_DIR_4, RST, S(TRANS) },
	{ S(TRANS), NAT46_DIR_6, RST | ACK, S(TRANS) },
	{ S(TRANS), NAT46_DIR_4, ACK, S(ESTABLISHED) },
	{ S(TRANS), NAT46_DIR_6, ACK, S(ESTABLISHED) },
	{ S(TRANS), NAT46_DIR_6, SYN | ACK, S(ESTABLISHED) },
};

static void tcp_each_step(void **unused)
{
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const u32 got = nat46_tcp_next(steps[i].from, steps[i].dir, steps[i].flags);

		if (got != steps[i].to)
			fail_msg("row %zu: %u -%02x-> %u, wanted %u", i, steps[i].from,
				 steps[i].flags, got, steps[i].to);
	}
}

/* Which segments open, reopen, or may be taken up in the middle: all 256. */
static void tcp_first_segment(void **unused)
{
	unsigned int f;

	for (f = 0; f < 256; f++) {
		const u8 low = f & (SYN | RST | ACK);
		u32 state;

		assert_int_equal(nat46_tcp_opens(f), low == SYN);
		assert_int_equal(nat46_tcp_midstream(f), low == ACK);
		for (state = S(NONE); state <= S(V6_INIT); state++)
			assert_int_equal(nat46_tcp_reopens(state, f), low == SYN &&
					 (state == S(V4_FIN) || state == S(V6_FIN) ||
					  state == S(BOTH_FIN) || state == S(TRANS)));
	}
}

/* Options whole, cut, and lying about their length. */
static void mss_walk(void **unused)
{
	static const struct {
		u8 opt[12];
		unsigned int len, at;
		int found;
	} v[] = {
		{ { 2, 4, 5, 0xb4 }, 4, 0, 2 },
		{ { 1, 2, 4, 5, 0xb4 }, 5, 0, 3 },
		{ { 3, 3, 7, 2, 4, 5, 0xb4 }, 7, 0, 5 },
		{ { 4, 2, 2, 4, 5, 0xb4 }, 6, 0, 4 },		/* SACK permitted */
		{ { 2, 4, 5, 0xb4, 2, 4, 1, 1 }, 8, 4, 6 },	/* the second */
		{ { 2, 4, 5, 0xb4 }, 4, 4, -1 },
		{ { 2, 4, 5, 0xb4 }, 3, 0, -1 },		/* cut */
		{ { 2, 4 }, 2, 0, -1 },
		{ { 2 }, 1, 0, -1 },
		{ { 2, 3, 5, 2, 4, 1, 1 }, 7, 0, 5 },		/* of another length */
		{ { 2, 0, 2, 4, 1, 1 }, 6, 0, -1 },
		{ { 9, 1, 2, 4, 1, 1 }, 6, 0, -1 },
		{ { 9, 255, 2, 4, 1, 1 }, 6, 0, -1 },
		{ { 0, 2, 4, 1, 1 }, 5, 0, -1 },		/* behind the end */
		{ { 1, 1, 1, 1 }, 4, 0, -1 },
		{ { 0 }, 0, 0, -1 },
	};
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		u8 *opt = malloc(v[i].len);	/* so that a sanitizer sees the end */

		memcpy(opt, v[i].opt, v[i].len);
		assert_int_equal(nat46_mss_find(opt, v[i].len, v[i].at), v[i].found);
		free(opt);
	}
}

/* The last hit of port_order() and others: how often each port came up. */
static u8 seen[65536];

static const struct nat46_ports dev[] = { { 61000, 65535 }, { 10000, 29999 } };

static void port_own_first(void **unused)
{
	assert_int_equal(nat46_port_try(dev, 2, 61000, 7, 0), 61000);
	assert_int_equal(nat46_port_try(dev, 2, 65535, 7, 0), 65535);
	assert_int_equal(nat46_port_try(dev, 2, 29999, 7, 0), 29999);
	assert_int_equal(nat46_port_try(dev, 2, 10000, 7, 0), 10000);
	assert_int_equal(nat46_port_try(dev, 2, 9999, 7, 0), 0);
	assert_int_equal(nat46_port_try(dev, 2, 30000, 7, 0), 0);
	assert_int_equal(nat46_port_try(dev, 2, 60999, 7, 0), 0);
}

static void port_order(void **unused)
{
	u32 hash;
	unsigned int k;

	for (hash = 0; hash < 100000; hash += 997) {
		const u16 wanted = 40000 + hash % 2;

		memset(seen, 0, sizeof(seen));
		for (k = 1; k < 128; k++) {
			const u16 p = nat46_port_try(dev, 2, wanted, hash, k);

			assert_true((p >= 61000) || (p >= 10000 && p <= 29999));
			if (k <= 32)	/* the preferred range first */
				assert_true(p >= 61000);
			else if (k <= 96)	/* it may be full */
				assert_true(p <= 29999);
			if (k <= 96)	/* RFC 4787 REQ-4: parity kept */
				assert_int_equal(p & 1, wanted & 1);
			if (k <= 96)	/* no port is tried twice */
				assert_int_equal(seen[p]++, 0);
		}
	}
}

/* Every port of a range comes up, whatever its ends' parities. */
static void port_whole_range(void **unused)
{
	static const struct nat46_ports r[] = {
		{ 1024, 1033 }, { 1025, 1033 }, { 1024, 1034 }, { 1025, 1034 },
		{ 2000, 2000 }, { 2001, 2001 },
	};
	size_t i;
	u32 h;

	for (i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
		int n = 0, p;

		memset(seen, 0, sizeof(seen));
		for (h = 0; h < 1000; h++) {
			const u16 even = nat46_port_try(&r[i], 1, 40000, h, 1);
			const u16 odd = nat46_port_try(&r[i], 1, 40001, h, 1);

			assert_true(!even || (even >= r[i].lo && even <= r[i].hi));
			assert_true(!odd || (odd >= r[i].lo && odd <= r[i].hi));
			assert_true(!even || !(even & 1));
			assert_true(!odd || (odd & 1));
			seen[even] = 1;
			seen[odd] = 1;
		}
		for (p = r[i].lo; p <= r[i].hi; p++)
			n += seen[p];
		assert_int_equal(n, r[i].hi - r[i].lo + 1);
		/* the tries without parity reach both */
		assert_in_range(nat46_port_try(&r[i], 1, 40000, 5, 97), r[i].lo, r[i].hi);
	}
}

/* The ports of that parity (2: any) in these ranges, in order. */
static u32 list_ports(const struct nat46_ports *r, unsigned int n, u8 parity, u16 *out)
{
	u32 total = 0;

	for (unsigned int i = 0; i < n; i++)
		for (u32 p = r[i].lo; p <= r[i].hi; p++)
			if (parity > 1 || (p & 1) == parity)
				out[total++] = p;
	return total;
}

/* By which fraction of a range a search goes on. */
static const double port_fractions[] = {
	(__builtin_sqrt(5) - 1) / 2, (3 - __builtin_sqrt(5)) / 2,
	__builtin_sqrt(2) - 1, 2 - __builtin_sqrt(2),
	__builtin_sqrt(3) - 1, 2 - __builtin_sqrt(3),
	__builtin_sqrt(7) - 2, __builtin_sqrt(13) - 3,
};

/* The place of the @k-th try among @total. */
static u32 port_place(u32 hash, u32 total, u32 k)
{
	const u64 step = port_fractions[hash % 8] * 4294967296.0 + 0.5;

	return total <= 96 ? ((u64)hash + k) % total : (hash + k * step) % 4294967296 * total / 4294967296;
}

/* The order, told another way: a walk over the list of ports. */
static void port_walk(void **unused)
{
	static const struct {
		struct nat46_ports r[3];
		unsigned int n;
	} rows[] = {
		{ { { 2000, 2000 + 4057 * 2 - 1 }, { 20000, 20000 + 5987 - 1 }, { 40000, 40100 } }, 3 },
		{ { { 50000, 50000 + 96 * 2 - 1 } }, 1 },	/* few of a parity; not of both */
		{ { { 50000, 50000 + 97 * 2 - 1 } }, 1 },
		{ { { 50000, 50000 + 96 - 1 } }, 1 },
	};
	static u16 all[65536];

	for (unsigned int i = 0; i < 4; i++)
		for (u32 hash = 3; hash < 4200000000u; hash += 16777259)
			for (unsigned int n = 1; n <= rows[i].n; n++)
				for (unsigned int k = 1; k < 128; k++) {
					const struct nat46_ports *r = rows[i].r;
					const u8 parity = k <= 96 ? hash & 1 : 2;
					const bool rest = n > 1 && k > 32 && k <= 96;
					const u32 total = k <= 32 ? list_ports(r, 1, parity, all) :
						list_ports(r + rest, n - rest, parity, all);
					const u32 j = k > 96 ? k - 97 : rest ? k - 33 : k - 1;

					assert_int_equal(nat46_port_try(r, n, 50000 + hash % 2, hash, k),
							 all[port_place(hash, total, j)]);
				}
}

/* To the last bit of each fraction, by the widest range. */
static void port_each_fraction(void **unused)
{
	static const struct nat46_ports r = { 0, 65535 };

	for (u32 hash = 1; hash < 4290000000u; hash += 139999)
		for (unsigned int k = 97; k < 128; k++)
			assert_int_equal(nat46_port_try(&r, 1, 0, hash, k), port_place(hash, 65536, k - 97));
}

/* None of 96 tries is for a port of another, wherever there are more than 253. */
static void port_never_twice(void **unused)
{
	static const struct nat46_ports r = { 20000, 20000 + 254 * 2 - 1 };

	for (u32 hash = 1; hash < 4200000000u; hash += 1677721) {
		memset(seen, 0, sizeof(seen));
		for (unsigned int k = 1; k <= 96; k++)
			assert_int_equal(seen[nat46_port_try(&r, 1, 40000, hash, k)]++, 0);
	}
}

/*
 * Where the most are taken in a row, as by clients that use their ports in order,
 * and of the others two of three.
 */
static void port_row(void **unused)
{
	unsigned int flows = 0, refused = 0;

	for (u32 hash = 1; hash < 4290000000u; hash += 39989) {
		unsigned int k;

		for (k = 1; k < 128; k++) {
			const u16 p = nat46_port_try(dev, 2, 20000 + hash % 2, hash, k);

			if (p >= 24438 && p <= 29999 && (p * 2654435761u >> 16) % 3 == 0)
				break;
		}
		flows++;
		refused += k == 128;
	}
	if (refused * 1000 > flows)
		fail_msg("%u of %u flows refused", refused, flows);
}

/* A small range is tried whole before a flow is refused. */
static void port_small_range(void **unused)
{
	static const struct nat46_ports r[] = { { 5000, 5095 }, { 6000, 6127 } };
	u32 hash;

	for (hash = 1; hash < 4000000000u; hash += 39999983) {
		unsigned int k, n = 0;

		memset(seen, 0, sizeof(seen));
		for (k = 0; k < 128; k++)
			seen[nat46_port_try(&r[0], 1, 40000 + hash % 2, hash, k)] = 1;
		for (k = 5000; k <= 5095; k++)
			n += seen[k];
		assert_in_range(n, 48, 96);	/* all of its parity at least */
		for (k = 5000 + hash % 2; k <= 5095; k += 2)
			assert_true(seen[k]);
		memset(seen, 0, sizeof(seen));
		for (k = 0; k < 128; k++)
			seen[nat46_port_try(r, 2, 40000 + hash % 2, hash, k)] = 1;
		for (k = 6000 + hash % 2; k <= 6127; k += 2)
			assert_true(seen[k]);
	}
}

/* Past a crowded first range after its second try; each other try has its turn. */
static void port_crowded(void **unused)
{
	unsigned int n, k;

	for (n = 1; n < 5; n++) {
		for (k = 0; k < 128; k++) {
			assert_int_equal(nat46_port_next(n, k, false), k + 1);
			assert_int_equal(nat46_port_next(n, k, true), n > 1 && k == 2 ? 33 : k + 1);
		}
	}
}

/* Flows are refused only when nearly all ports are taken. */
static void port_fill(void **unused)
{
	static const struct {
		unsigned int percent;
		unsigned int refused;	/* at most, per 1000 flows */
	} rows[] = { { 50, 0 }, { 75, 0 }, { 85, 1 }, { 95, 20 } };
	const unsigned int all = 4536 + 20000;
	unsigned int taken = 0, i;
	u32 x = 46;

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < 4; i++) {
		unsigned int flows = 0, refused = 0;

		while (taken < all * rows[i].percent / 100) {
			unsigned int k;
			u16 p = 0;

			x = x * 1664525 + 1013904223;	/* the hash */
			flows++;
			for (k = 0; k < 128; k++) {
				p = nat46_port_try(dev, 2, 32768 + x % 28000, x ^ x >> 15, k);
				if (p && !seen[p])
					break;
			}
			if (k == 128) {
				refused++;
				continue;
			}
			seen[p] = 1;
			taken++;
		}
		if (refused * 1000 > flows * rows[i].refused)
			fail_msg("up to %u %%: %u of %u flows refused", rows[i].percent, refused, flows);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_each_step),
		cmocka_unit_test(tcp_first_segment),
		cmocka_unit_test(mss_walk),
		cmocka_unit_test(port_own_first),
		cmocka_unit_test(port_order),
		cmocka_unit_test(port_whole_range),
		cmocka_unit_test(port_walk),
		cmocka_unit_test(port_each_fraction),
		cmocka_unit_test(port_never_twice),
		cmocka_unit_test(port_row),
		cmocka_unit_test(port_crowded),
		cmocka_unit_test(port_small_range),
		cmocka_unit_test(port_fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
