// SPDX-License-Identifier: GPL-2.0
/* The module's pure part, compiled as it stands: IPv4 addresses in IPv6 ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;

#include "../../module/addr.c"

static const u8 lengths[] = { 32, 40, 48, 56, 64, 96 };

static void v4(u8 *to, const char *text)
{
	assert_int_equal(inet_pton(AF_INET, text, to), 1);
}

static void v6(u8 *to, const char *text)
{
	assert_int_equal(inet_pton(AF_INET6, text, to), 1);
}

/* RFC 6052 section 2.4, tables 1 and 2; behind them, all bits and the ends */
static const struct {
	const char *prefix;
	u8 plen;
	const char *addr4;
	const char *addr;
} embedded[] = {
	{ "2001:db8::", 32, "192.0.2.33", "2001:db8:c000:221::" },
	{ "2001:db8:100::", 40, "192.0.2.33", "2001:db8:1c0:2:21::" },
	{ "2001:db8:122::", 48, "192.0.2.33", "2001:db8:122:c000:2:2100::" },
	{ "2001:db8:122:300::", 56, "192.0.2.33", "2001:db8:122:3c0:0:221::" },
	{ "2001:db8:122:344::", 64, "192.0.2.33", "2001:db8:122:344:c0:2:2100::" },
	{ "2001:db8:122:344::", 96, "192.0.2.33", "2001:db8:122:344::192.0.2.33" },
	{ "64:ff9b::", 96, "192.0.2.33", "64:ff9b::192.0.2.33" },
	{ "ffff:ffff::", 32, "255.255.255.255", "ffff:ffff:ffff:ffff::" },
	{ "ffff:ffff:ff00::", 40, "255.255.255.255", "ffff:ffff:ffff:ffff:ff::" },
	{ "ffff:ffff:ffff::", 48, "255.255.255.255", "ffff:ffff:ffff:ffff:ff:ff00::" },
	{ "ffff:ffff:ffff:ff00::", 56, "255.255.255.255", "ffff:ffff:ffff:ffff:ff:ffff::" },
	{ "ffff:ffff:ffff:ffff::", 64, "255.255.255.255", "ffff:ffff:ffff:ffff:ff:ffff:ff00::" },
	{ "ffff:ffff:ffff:ffff:ff:ffff::", 96, "255.255.255.255",
	  "ffff:ffff:ffff:ffff:ff:ffff:ffff:ffff" },
	{ "2001:db8::", 32, "0.0.0.0", "2001:db8::" },
	{ "2001:db8::", 96, "0.0.0.1", "2001:db8::1" },
	{ "2001:db8::", 64, "1.2.3.4", "2001:db8::1:203:400:0" },
};

static void embed_examples(void **unused)
{
	size_t i;

	for (i = 0; i < sizeof(embedded) / sizeof(embedded[0]); i++) {
		u8 addr[16], want[16], addr4[4], back[4];

		v6(addr, embedded[i].prefix);
		v6(want, embedded[i].addr);
		v4(addr4, embedded[i].addr4);
		nat46_embed(addr, embedded[i].plen, addr4);
		if (memcmp(addr, want, 16))
			fail_msg("row %zu: not %s", i, embedded[i].addr);
		assert_true(nat46_extract(back, addr, embedded[i].plen));
		assert_memory_equal(back, addr4, 4);
	}
}

static void embed_lengths(void **unused)
{
	unsigned int plen, i;

	for (plen = 0; plen < 256; plen++) {
		bool want = false;

		for (i = 0; i < sizeof(lengths); i++)
			want |= lengths[i] == plen;
		assert_int_equal(nat46_embed_len(plen), want);
	}
}

/* Whatever is embedded leaves the prefix, "u" and the suffix, and comes back. */
static void embed_random(void **unused)
{
	unsigned int i, k, n;

	srandom(46);
	for (i = 0; i < sizeof(lengths); i++) {
		const unsigned int plen = lengths[i], bytes = plen / 8;

		for (n = 0; n < 2000; n++) {
			u8 addr[16] = { 0 }, prefix[16], addr4[4], back[4];

			for (k = 0; k < bytes; k++)
				addr[k] = k == 8 ? 0 : random();
			for (k = 0; k < 4; k++)
				addr4[k] = random();
			memcpy(prefix, addr, 16);
			nat46_embed(addr, plen, addr4);
			assert_memory_equal(addr, prefix, bytes);
			assert_int_equal(addr[8], 0);
			for (k = bytes + 4 + (plen < 96); k < 16; k++)
				assert_int_equal(addr[k], 0);
			assert_true(nat46_extract(back, addr, plen));
			assert_memory_equal(back, addr4, 4);
		}
	}
}

/* A bit set in "u" or in the suffix makes it an address of nobody. */
static void extract_strict(void **unused)
{
	unsigned int i, bit;

	for (i = 0; i < sizeof(lengths); i++) {
		const unsigned int plen = lengths[i], end = plen < 96 ? plen + 40 : 128;

		for (bit = 0; bit < 128; bit++) {
			const bool u = bit >= 64 && bit < 72;
			u8 addr[16] = { 0 }, addr4[4];

			addr[bit / 8] = 0x80 >> bit % 8;
			if (nat46_extract(addr4, addr, plen) == (u || bit >= end))
				fail_msg("/%u: bit %u", plen, bit);
		}
	}
}

static const struct {
	const char *prefix, *addr4, *addr;
	u8 plen4;
} eams[] = {
	/* RFC 7757, figure 1, the rows with equal suffixes */
	{ "2001:db8:bbbb::b", "192.0.2.2", "2001:db8:bbbb::b", 32 },
	{ "2001:db8:cccc::", "192.0.2.17", "2001:db8:cccc::1", 28 },
	{ "2001:db8:cccc::", "192.0.2.31", "2001:db8:cccc::f", 28 },
	{ "64:ff9b::", "192.0.2.224", "64:ff9b::", 31 },
	{ "64:ff9b::", "192.0.2.225", "64:ff9b::1", 31 },
	/* lengths on and off a byte's border */
	{ "2001:db8:1::", "198.18.4.0", "2001:db8:1::", 24 },
	{ "2001:db8:1::", "198.18.4.255", "2001:db8:1::ff", 24 },
	{ "2001:db8:1::ab00", "198.18.4.7", "2001:db8:1::ab07", 24 },
	{ "2001:db8:1::", "198.18.255.255", "2001:db8:1::ffff", 16 },
	{ "2001:db8:1::1200:0", "10.255.254.253", "2001:db8:1::12ff:fefd", 8 },
	{ "2001:db8:1::c612:0", "198.19.3.4", "2001:db8:1::c613:304", 15 },
	{ "2001:db8:1::fe00", "198.18.5.4", "2001:db8:1::ff04", 23 },
	{ "2001:db8:1::80", "198.18.5.255", "2001:db8:1::ff", 25 },
};

static void eam_examples(void **unused)
{
	size_t i;

	for (i = 0; i < sizeof(eams) / sizeof(eams[0]); i++) {
		u8 addr[16], want[16], addr4[4];

		v6(addr, eams[i].prefix);
		v6(want, eams[i].addr);
		v4(addr4, eams[i].addr4);
		nat46_eam(addr, addr4, eams[i].plen4);
		if (memcmp(addr, want, 16))
			fail_msg("row %zu: not %s", i, eams[i].addr);
	}
}

static const struct {
	const char *addr4;
	bool global;
} globals[] = {
	{ "0.255.255.255", false }, { "1.0.0.0", true },
	{ "9.255.255.255", true }, { "10.0.0.0", false },
	{ "10.255.255.255", false }, { "11.0.0.0", true },
	{ "100.63.255.255", true }, { "100.64.0.0", false },
	{ "100.127.255.255", false }, { "100.128.0.0", true },
	{ "126.255.255.255", true }, { "127.0.0.1", false }, { "128.0.0.0", true },
	{ "169.253.255.255", true }, { "169.254.0.0", false }, { "169.255.0.0", true },
	{ "172.15.255.255", true }, { "172.16.0.0", false },
	{ "172.31.255.255", false }, { "172.32.0.0", true },
	{ "191.255.255.255", true }, { "192.0.0.255", false }, { "192.0.1.0", true },
	{ "192.0.2.0", false }, { "192.0.2.255", false }, { "192.0.3.0", true },
	{ "192.88.98.255", true }, { "192.88.99.1", false }, { "192.88.100.0", true },
	{ "192.167.255.255", true }, { "192.168.0.0", false }, { "192.169.0.0", true },
	{ "198.17.255.255", true }, { "198.18.0.0", false },
	{ "198.19.255.255", false }, { "198.20.0.0", true },
	{ "198.51.99.255", true }, { "198.51.100.7", false }, { "198.51.101.0", true },
	{ "203.0.112.255", true }, { "203.0.113.7", false }, { "203.0.114.0", true },
	{ "223.255.255.255", true }, { "224.0.0.0", false },
	{ "240.0.0.0", false }, { "255.255.255.255", false },
	{ "127.255.255.255", false }, { "169.254.255.255", false },
	{ "192.168.255.255", false }, { "192.88.99.255", false },
	{ "198.51.100.255", false }, { "203.0.113.255", false },
};

static void global_edges(void **unused)
{
	size_t i;

	for (i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
		u8 addr4[4];

		v4(addr4, globals[i].addr4);
		if (nat46_global4(addr4) != globals[i].global)
			fail_msg("%s", globals[i].addr4);
	}
}

/* Every length, told by arithmetic: the suffix's bits, and none before them. */
static void eam_lengths(void **unused)
{
	unsigned int plen, n;

	srandom(46);
	for (plen = 0; plen <= 32; plen++)
		for (n = 0; n < 200; n++) {
			const u32 suffix = plen < 32 ? 0xffffffffu >> plen : 0;
			const u32 a = n ? random() ^ (u32)random() << 16 : 0xffffffff;
			const u32 high = (u32)random() & ~suffix;
			const u8 addr4[4] = { a >> 24, a >> 16, a >> 8, a };
			u8 addr[17] = { 0x20, 1, [16] = 0x46 };
			u32 got;

			addr[12] = high >> 24;
			addr[13] = high >> 16;
			addr[14] = high >> 8;
			addr[15] = high;
			nat46_eam(addr, addr4, plen);
			got = (u32)addr[12] << 24 | addr[13] << 16 | addr[14] << 8 | addr[15];
			assert_int_equal(got, high | (a & suffix));
			assert_int_equal(addr[16], 0x46);
			assert_int_equal(addr[0] << 8 | addr[1], 0x2001);
		}
}

static void well_known(void **unused)
{
	static const struct {
		const char *prefix;
		u8 plen;
		bool meets;
	} rows[] = {
		{ "64:ff9b::", 96, true }, { "64:ff9b::", 64, true }, { "64:ff9b::", 32, true },
		{ "64:ff9b::8000:1", 128, true }, { "64:ff9b::8000:0", 97, true },
		{ "64:ff9b::a00:1", 128, true }, { "64:ff9b:1::", 48, false },
		{ "64:ff9b:1::", 96, false }, { "64:ff9b:0:0:0:1::", 96, false },
		{ "64:ff9b:0:80::", 63, false }, { "64:ff9a::", 32, false }, { "2001:db8::", 32, false },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		u8 addr[16];

		v6(addr, rows[i].prefix);
		if (nat46_well_known(addr, rows[i].plen) != rows[i].meets)
			fail_msg("%s/%u", rows[i].prefix, rows[i].plen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(embed_examples),
		cmocka_unit_test(embed_lengths),
		cmocka_unit_test(embed_random),
		cmocka_unit_test(extract_strict),
		cmocka_unit_test(eam_examples),
		cmocka_unit_test(eam_lengths),
		cmocka_unit_test(global_edges),
		cmocka_unit_test(well_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
