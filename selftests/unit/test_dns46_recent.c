// SPDX-License-Identifier: GPL-2.0
/* Rule 51: AAAA answers that have just come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dns46/recent.h"
#include "dns46/wire.h"

static const uint8_t q[] = "\1a\7example\0\0\34\0\1", other[] = "\1b\7example\0\0\34\0\1";
static uint8_t answer[2000] = "answer";

static bool has(struct recent *r, const uint8_t *question, uint16_t flags, bool dnssec_ok,
		uint64_t ms)
{
	size_t len = 0;
	const uint8_t *m = recent_get(r, question, sizeof(q) - 1, flags, dnssec_ok, ms, &len);

	return m && len == 100 && !memcmp(m, answer, len);
}

static void rule_51_two_seconds(void **state)
{
	struct recent *r = recent_new();
	size_t len;

	assert_false(has(r, q, WIRE_RD, false, 5000));
	recent_put(r, q, sizeof(q) - 1, WIRE_RD, false, answer, 100, 5000);
	assert_true(has(r, q, WIRE_RD, false, 5000));
	assert_true(has(r, q, WIRE_RD, false, 6999));
	assert_true(has(r, q, WIRE_RD | WIRE_AD, false, 6999));
	assert_false(has(r, q, WIRE_RD, false, 7000));
	assert_false(has(r, other, WIRE_RD, false, 5000));
	assert_false(has(r, q, WIRE_RD | WIRE_CD, false, 5000));
	assert_false(has(r, q, WIRE_RD, true, 5000));
	recent_put(r, q, sizeof(q) - 1, WIRE_RD, false, answer, 99, 6000);
	assert_non_null(recent_get(r, q, sizeof(q) - 1, WIRE_RD, false, 7999, &len));
	assert_int_equal(len, 99);
	recent_put(r, other, sizeof(q) - 1, WIRE_RD, false, answer, sizeof(answer), 6000);
	assert_null(recent_get(r, other, sizeof(q) - 1, WIRE_RD, false, 6000, &len));
	recent_free(r);
}

static void rule_51_bounded(void **state)
{
	struct recent *r = recent_new();
	uint8_t many[sizeof(q)];
	unsigned int kept = 0;
	size_t len;

	memcpy(many, q, sizeof(q));
	for (unsigned int i = 0; i < 65536; i++) {
		wire_put16(many + 3, i);
		recent_put(r, many, sizeof(q) - 1, WIRE_RD, false, answer, 100, 1);
	}
	for (unsigned int i = 0; i < 65536; i++) {
		wire_put16(many + 3, i);
		kept += !!recent_get(r, many, sizeof(q) - 1, WIRE_RD, false, 1, &len);
	}
	assert_in_range(kept, RECENT_SLOTS / 2, RECENT_SLOTS);
	recent_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_51_two_seconds), cmocka_unit_test(rule_51_bounded),
	};

	return cmocka_run_group_tests_name("dns46_recent", tests, NULL, NULL);
}
