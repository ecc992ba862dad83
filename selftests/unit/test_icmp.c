// SPDX-License-Identifier: GPL-2.0
/*
 * The module's pure part, compiled as it stands: the ICMP tables of RFC 7915
 * row by row, the layout of quoted packets (RFC 4884), SCTP's sum by difference.
 */
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

#include "../../module/icmp_map.c"
#include "../../module/crc32c.c"

#define NONE	{ 0xff, 0xff, 0 }

struct row {
	struct nat46_icmp_msg in;
	struct nat46_icmp_msg out;
	u32 arg;	/* length of the quoted packet; by what headers shrink */
};

/* RFC 7915 section 4.2 */
static const struct row to6[] = {
	{ { 3, 0 }, { 1, 0 } }, { { 3, 1 }, { 1, 0 } }, { { 3, 2 }, { 4, 1, 6 } },
	{ { 3, 3 }, { 1, 4 } }, { { 3, 5 }, { 1, 0 } }, { { 3, 6 }, { 1, 0 } },
	{ { 3, 7 }, { 1, 0 } }, { { 3, 8 }, { 1, 0 } }, { { 3, 9 }, { 1, 1 } },
	{ { 3, 10 }, { 1, 1 } }, { { 3, 11 }, { 1, 0 } }, { { 3, 12 }, { 1, 0 } },
	{ { 3, 13 }, { 1, 1 } }, { { 3, 14 }, NONE }, { { 3, 15 }, { 1, 1 } },
	{ { 3, 16 }, NONE }, { { 3, 255 }, NONE },
	{ { 3, 4, 1500 }, { 2, 0, 1520 } }, { { 3, 4, 1400 }, { 2, 0, 1420 } },
	{ { 3, 4, 1261 }, { 2, 0, 1281 } }, { { 3, 4, 1260 }, { 2, 0, 1280 } }, { { 3, 4, 1259 }, { 2, 0, 1280 } },
	{ { 3, 4, 576 }, { 2, 0, 1280 } }, { { 3, 4, 68 }, { 2, 0, 1280 } },
	/* no MTU told: the plateau below the packet */
	{ { 3, 4, 0 }, { 2, 0, 32020 }, 65535 }, { { 3, 4, 0 }, { 2, 0, 17934 }, 32000 },
	{ { 3, 4, 0 }, { 2, 0, 8186 }, 9000 }, { { 3, 4, 0 }, { 2, 0, 4372 }, 8166 },
	{ { 3, 4, 0 }, { 2, 0, 2022 }, 4352 }, { { 3, 4, 0 }, { 2, 0, 1512 }, 1500 },
	{ { 3, 4, 0 }, { 2, 0, 1280 }, 1492 }, { { 3, 4, 0 }, { 2, 0, 1280 }, 40 },
	{ { 11, 0 }, { 3, 0 } }, { { 11, 1 }, { 3, 1 } }, { { 11, 2 }, NONE },
	/* figure 3 */
	{ { 12, 0, 0 }, { 4, 0, 0 } }, { { 12, 0, 1 }, { 4, 0, 1 } },
	{ { 12, 0, 2 }, { 4, 0, 4 } }, { { 12, 0, 3 }, { 4, 0, 4 } },
	{ { 12, 0, 4 }, NONE }, { { 12, 0, 5 }, NONE }, { { 12, 0, 6 }, NONE },
	{ { 12, 0, 7 }, NONE }, { { 12, 0, 8 }, { 4, 0, 7 } }, { { 12, 0, 9 }, { 4, 0, 6 } },
	{ { 12, 0, 10 }, NONE }, { { 12, 0, 11 }, NONE }, { { 12, 0, 12 }, { 4, 0, 8 } },
	{ { 12, 0, 13 }, { 4, 0, 8 } }, { { 12, 0, 14 }, { 4, 0, 8 } },
	{ { 12, 0, 15 }, { 4, 0, 8 } }, { { 12, 0, 16 }, { 4, 0, 24 } },
	{ { 12, 0, 17 }, { 4, 0, 24 } }, { { 12, 0, 18 }, { 4, 0, 24 } },
	{ { 12, 0, 19 }, { 4, 0, 24 } }, { { 12, 0, 20 }, NONE }, { { 12, 0, 255 }, NONE },
	{ { 12, 1, 0 }, NONE }, { { 12, 2, 2 }, { 4, 0, 4 } }, { { 12, 2, 4 }, NONE },
	{ { 12, 3, 0 }, NONE },
	{ { 4, 0 }, NONE }, { { 5, 1 }, NONE }, { { 6, 0 }, NONE }, { { 9, 0 }, NONE },
	{ { 13, 0 }, NONE }, { { 17, 0 }, NONE }, { { 40, 0 }, NONE }, { { 0, 0 }, NONE },
};

/* RFC 7915 section 5.2 */
static const struct row to4[] = {
	{ { 1, 0 }, { 3, 1 } }, { { 1, 1 }, { 3, 10 } }, { { 1, 2 }, { 3, 1 } },
	{ { 1, 3 }, { 3, 1 } }, { { 1, 4 }, { 3, 3 } }, { { 1, 5 }, NONE }, { { 1, 6 }, NONE },
	{ { 1, 255 }, NONE },
	{ { 2, 0, 1500 }, { 3, 4, 1480 }, 20 }, { { 2, 0, 1280 }, { 3, 4, 1260 }, 20 },
	{ { 2, 0, 1280 }, { 3, 4, 1252 }, 28 },
	{ { 2, 0, 1279 }, { 3, 4, 1260 }, 20 }, { { 2, 0, 0 }, { 3, 4, 1260 }, 20 },
	{ { 2, 0, 65554 }, { 3, 4, 65534 }, 20 }, { { 2, 0, 65555 }, { 3, 4, 65535 }, 20 },
	{ { 2, 0, 65556 }, { 3, 4, 65535 }, 20 }, { { 2, 0, 70000 }, { 3, 4, 65535 }, 20 }, { { 2, 0, ~0u }, { 3, 4, 65535 }, 20 },
	{ { 3, 0 }, { 11, 0 } }, { { 3, 1 }, { 11, 1 } }, { { 3, 2 }, NONE },
	/* figure 6 */
	{ { 4, 0, 0 }, { 12, 0, 0 } }, { { 4, 0, 1 }, { 12, 0, 1 } }, { { 4, 0, 2 }, NONE },
	{ { 4, 0, 3 }, NONE }, { { 4, 0, 4 }, { 12, 0, 2 } }, { { 4, 0, 5 }, { 12, 0, 2 } },
	{ { 4, 0, 6 }, { 12, 0, 9 } }, { { 4, 0, 7 }, { 12, 0, 8 } },
	{ { 4, 0, 8 }, { 12, 0, 12 } }, { { 4, 0, 23 }, { 12, 0, 12 } },
	{ { 4, 0, 24 }, { 12, 0, 16 } }, { { 4, 0, 39 }, { 12, 0, 16 } },
	{ { 4, 0, 40 }, NONE }, { { 4, 0, ~0u }, NONE },
	{ { 4, 1, 6 }, { 3, 2 } }, { { 4, 1, 40 }, { 3, 2 } }, { { 4, 2, 0 }, NONE },
	{ { 4, 3, 0 }, NONE },
	{ { 0, 0 }, NONE }, { { 5, 0 }, NONE }, { { 100, 0 }, NONE }, { { 128, 0 }, NONE },
	{ { 135, 0 }, NONE },
};

static void check(const struct row *r, bool ok, const struct nat46_icmp_msg *m)
{
	if (r->out.type == 0xff) {
		if (ok)
			fail_msg("%u/%u %u: translated", r->in.type, r->in.code, r->in.info);
		return;
	}
	if (!ok || m->type != r->out.type || m->code != r->out.code || m->info != r->out.info)
		fail_msg("%u/%u %u: %u/%u %u, not %u/%u %u", r->in.type, r->in.code, r->in.info,
			 m->type, m->code, m->info, r->out.type, r->out.code, r->out.info);
}

static void icmp_to6(void **state)
{
	for (size_t i = 0; i < sizeof(to6) / sizeof(*to6); i++) {
		struct nat46_icmp_msg m = to6[i].in;

		check(&to6[i], nat46_icmp_error46(&m, to6[i].arg), &m);
	}
}

static void icmp_to4(void **state)
{
	for (size_t i = 0; i < sizeof(to4) / sizeof(*to4); i++) {
		struct nat46_icmp_msg m = to4[i].in;

		check(&to4[i], nat46_icmp_error64(&m, to4[i].arg), &m);
	}
}

/* Which messages have a length field, and in what: RFC 4884 sections 4.1 - 4.5 */
static void quote_units(void **state)
{
	for (u32 t = 0; t < 256; t++) {
		const u32 v4 = t == 3 || t == 11 || t == 12 ? 4 : 0;
		const u32 v6 = t == 1 || t == 3 ? 8 : 0;

		assert_int_equal(nat46_icmp_quote_unit(false, t), v4);
		assert_int_equal(nat46_icmp_quote_unit(true, t), v6);
	}
}

static void quote_layouts(void **state)
{
	static const struct {
		u32 orig, ext, room, unit;
		struct nat46_quote_layout q;
	} rows[] = {
		{ 60, 0, 548, 4, { 60, 0, 0, 0 } },
		{ 1000, 0, 548, 4, { 548, 0, 0, 0 } },
		{ 60, 16, 548, 4, { 60, 68, 16, 32 } },
		{ 60, 16, 1232, 8, { 60, 68, 16, 16 } },
		{ 128, 16, 548, 4, { 128, 0, 16, 32 } },
		{ 129, 16, 548, 4, { 129, 3, 16, 33 } },
		{ 148, 16, 1232, 8, { 148, 4, 16, 19 } },
		/* the quoted packet is cut before the extensions are */
		{ 600, 20, 548, 4, { 528, 0, 20, 132 } },
		{ 1300, 20, 1232, 8, { 1208, 0, 20, 151 } },
		{ 600, 600, 548, 4, { 128, 0, 420, 32 } },
		{ 60, 16, 1232, 0, { 60, 0, 0, 0 } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nat46_quote_layout q = nat46_icmp_quote_layout(rows[i].orig, rows[i].ext,
								      rows[i].room, rows[i].unit);

		assert_int_equal(q.orig, rows[i].q.orig);
		assert_int_equal(q.pad, rows[i].q.pad);
		assert_int_equal(q.ext, rows[i].q.ext);
		assert_int_equal(q.units, rows[i].q.units);
	}
}

/* Whatever is asked for: it fits, and the field holds whole units. */
static void quote_bounds(void **state)
{
	srandom(46);
	for (int i = 0; i < 200000; i++) {
		const u32 unit = random() % 2 ? 4 : 8;
		const u32 room = unit == 4 ? 548 : 1232;
		const u32 orig = 28 + random() % 65508, ext = random() % 2 ? random() % 1500 : 0;
		const struct nat46_quote_layout q =
			nat46_icmp_quote_layout(orig, ext, room, unit);

		assert_true(q.orig + q.pad + q.ext <= room && q.orig <= orig && q.ext <= ext);
		assert_true(q.orig >= 28);
		if (ext) {
			assert_int_equal(q.units * unit, q.orig + q.pad);
			assert_true(q.orig + q.pad >= 128);
		} else {
			assert_int_equal(q.units + q.pad, 0);
		}
	}
}

static u32 crc32c(const u8 *p, size_t n)
{
	u32 c = ~0u;

	while (n--) {
		c ^= *p++;
		for (int k = 0; k < 8; k++)
			c = (c >> 1) ^ (c & 1 ? POLY : 0);
	}
	return ~c;
}

static void crc_known(void **state)
{
	/* the check value that RFC 3720's CRC32c is known by */
	assert_int_equal(crc32c((const u8 *)"123456789", 9), 0xe3069283);
}

static void crc_by_difference(void **state)
{
	static u8 b[65536];

	srandom(46);
	for (int i = 0; i < 3000; i++) {
		const u32 len = 12 + random() % (i % 10 ? 1500 : 65000);
		const u32 at = random() % (len - 2);
		u32 was, now;
		u16 old, new;

		for (u32 k = 0; k < len; k++)
			b[k] = random();
		was = crc32c(b, len);
		old = b[at] << 8 | b[at + 1];
		new = random();
		b[at] = new >> 8;
		b[at + 1] = new;
		now = crc32c(b, len);
		assert_int_equal(was ^ nat46_crc32c_change(old, new, len - at - 2), now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(icmp_to6),
		cmocka_unit_test(icmp_to4),
		cmocka_unit_test(quote_units),
		cmocka_unit_test(quote_layouts),
		cmocka_unit_test(quote_bounds),
		cmocka_unit_test(crc_known),
		cmocka_unit_test(crc_by_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
