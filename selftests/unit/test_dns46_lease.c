// SPDX-License-Identifier: GPL-2.0
/* The life of addresses. Rule numbers are those of dns46.md. */
#include "lease_world.h"

static void pool(const char *text)
{
	struct prefix p;

	prefixes_free(&pools);
	assert_true(prefix_from_text(&p, text, AF_INET));
	prefixes_add(&pools, &p);
	restart();
}

static void rule_40_same_name_same_address(void **state)
{
	uint32_t a = want("a.example");

	assert_int_equal(want("a.example"), a);
	assert_int_not_equal(want("b.example"), a);
	restart();
	assert_int_equal(want("a.example"), a);
}

/* The kernel takes no name with a backslash or a quote in it, nor one so long. */
static void rule_40_names_the_kernel_does_not_take(void **state)
{
	char longest[2 * 63 * 4 + 2] = "";
	const char *const names[] = { "o'brien.example", "b\\(1\\).example", "a\\@b.example",
				      "my\\032host.example", "m\\195\\188nchen.example",
				      "\\\"q\\\".example", longest };
	enum { N = sizeof(names) / sizeof(*names) };
	uint32_t addr[N];

	for (int i = 0; i < 2 * 63; i++)
		sprintf(longest + strlen(longest), "%s\\200", i == 63 ? "." : "");
	for (int i = 0; i < N; i++) {
		addr[i] = want(names[i]);
		assert_non_null(mapped(addr[i]));
	}
	/* A resync keeps them, and so does a restart. */
	sync_kernel();
	for (int i = 0; i < N; i++)
		assert_int_equal(want(names[i]), addr[i]);
	restart();
	sync_kernel();
	for (int i = 0; i < N; i++)
		assert_int_equal(want(names[i]), addr[i]);
	/* With the file lost nobody knows whose they were: they stay reserved (rule 41). */
	down();
	unlink(path);
	up();
	for (int round = 0; round < 2; round++) {
		sync_kernel();
		for (int i = 0; i < N; i++)
			assert_int_equal(leases_state(ls, addr[i], now), LEASE_ACTIVE);
	}
	assert_int_not_equal(want(names[0]), addr[0]);
}

static void rule_40_kernel_told_of_changes_only(void **state)
{
	uint32_t a, b;

	want_set("a.example", 1, 2, 60, &a);
	assert_int_equal(k.puts, 1);
	now += 5;
	want_set("a.example", 1, 2, 60, &b);
	assert_int_equal(k.puts, 1);
	want_set("a.example", 2, 2, 60, &b);		/* one new, one stays for its time */
	assert_int_equal(k.puts, 2);
	assert_int_equal(mapped(a)->n, 3);
	want_set("a.example", 5, 1, 60, &b);		/* not twice in a second */
	assert_int_equal(k.puts, 2);
	now++;
	want_set("a.example", 5, 1, 60, &b);
	assert_int_equal(k.puts, 3);
	now += 61;
	want_set("a.example", 5, 1, 60, &b);
	assert_int_equal(mapped(a)->n, 1);
	want_set("big.example", 0, 20, 60, &b);
	assert_int_equal(mapped(b)->n, 8);
	assert_int_equal(a == b, 0);
}

static void rule_41_first_preference_and_free_longest(void **state)
{
	uint32_t a, b;

	a = want("a.example");
	now += 2000;
	expire(a);
	now += conf.quarantine + 1;
	leases_tick(ls, now);
	assert_int_equal(leases_state(ls, a, now), LEASE_FREE);
	assert_int_equal(want("a.example"), a);	/* the hash prefers it again */

	pool("198.18.0.0/29");		/* .1 to .6 */
	k.n = 0;
	for (char name[] = "0.test"; name[0] < '6'; name[0]++)
		want(name);
	a = want("2.test");
	b = want("4.test");
	now += 2000;
	expire(a);
	now += 10;
	expire(b);
	now += conf.quarantine - 5;
	leases_tick(ls, now);
	now += 5;
	leases_tick(ls, now);
	assert_int_equal(leases_state(ls, a, now), LEASE_FREE);
	assert_int_equal(leases_state(ls, b, now), LEASE_FREE);
	leases_commit(ls, now);
	restart();
	sync_kernel();
	assert_true(addrs_released(addrs, a) && addrs_released(addrs, b));
	assert_int_equal(addrs_pick(addrs, ntohl(b) & 7), b);	/* preferred, and free */
	assert_int_equal(addrs_pick(addrs, 0), a);		/* not to be had: the longest */
}

static void rule_16_quarantine(void **state)
{
	uint32_t a, other;

	pool("198.18.0.0/30");		/* .1 and .2 */
	a = want("a.example");
	now += 2000;
	expire(a);
	assert_int_equal(leases_state(ls, a, now), LEASE_QUARANTINED);
	assert_int_not_equal(want("b.example"), a);
	assert_int_equal(want_set("c.example", 9, 1, 60, &other), LEASE_EXHAUSTED);
	restart();
	assert_int_equal(leases_state(ls, a, now), LEASE_QUARANTINED);
	now += conf.quarantine - 1;
	leases_tick(ls, now);
	assert_int_equal(want_set("c.example", 9, 1, 60, &other), LEASE_EXHAUSTED);
	now += 1;
	leases_tick(ls, now);
	assert_int_equal(want_set("c.example", 9, 1, 60, &other), LEASE_OK);
	assert_int_equal(other, a);
}

static void rule_16_own_name_leaves_quarantine(void **state)
{
	uint32_t a = want("a.example");

	now += 2000;
	expire(a);
	assert_int_equal(want("a.example"), a);
	assert_non_null(mapped(a));
	now += conf.quarantine + 1;
	leases_tick(ls, now);
	assert_int_not_equal(leases_state(ls, a, now), LEASE_FREE);
}

static void rule_16_expiry_told_to_the_kernel(void **state)
{
	struct nat46_map *m = mapped(want("a.example"));

	assert_true(m->expires);
	assert_in_range(m->seconds, 60 + conf.hold, 60 + conf.hold + 60);
	assert_int_equal(m->hold, conf.hold_used);
	assert_string_equal(m->owner, "dns46");
	assert_string_equal(m->name, "a.example");
}

static void rule_16_scarce(void **state)
{
	char name[32];
	uint32_t a;

	for (int i = 0; i < 235; i++) {
		snprintf(name, sizeof(name), "a.n%d", i);
		a = want(name);
	}
	assert_in_range(mapped(a)->seconds, 60 + conf.hold / 10, 60 + conf.hold / 10 + 60);
}

static void rule_42_exhausted(void **state)
{
	uint32_t a;

	pool("198.18.0.0/30");
	want("a.x");
	want("a.y");
	assert_int_equal(want_set("a.z", 1, 1, 60, &a), LEASE_EXHAUSTED);
	now += 100000;		/* the kernel hasn't said that any ended (rule 53) */
	leases_tick(ls, now);
	assert_int_equal(want_set("a.z", 1, 1, 60, &a), LEASE_EXHAUSTED);
}

static void rule_42_another_owner(void **state)
{
	uint32_t a = want("a.example"), b;

	now += 2000;
	expire(a);
	now += conf.quarantine;
	leases_tick(ls, now);
	k.foreign = a;
	b = want("a.example");	/* its preference is taken by now */
	assert_int_not_equal(a, b);
	restart();
	assert_int_equal(want("a.example"), b);
}

static void rule_43_kernel_before_answer(void **state)
{
	uint32_t a = want("a.example");

	assert_non_null(mapped(a));
	k.ready = false;
	assert_int_equal(want_set("a.example", 1, 1, 60, &a), LEASE_NO_KERNEL);
	assert_int_equal(want_set("b.example", 1, 1, 60, &a), LEASE_NO_KERNEL);
}

static void rule_44_module_loaded_anew(void **state)
{
	uint32_t a = want("a.example");

	k.n = 0;
	restart();
	sync_kernel();
	assert_non_null(mapped(a));
	assert_int_equal(mapped(a)->n, 1);
}

static void rule_45_never(void **state)
{
	struct prefix p;
	char name[32];
	uint32_t a;

	pool("198.18.0.0/28");
	prefix_from_text(&p, "198.18.0.8/30", AF_INET);
	addrs_reserve(addrs, &p);
	assert_int_equal(addrs_total(addrs), 10);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "a.n%d", i);
		a = ntohl(want(name)) & 15;
		assert_true(a && a != 15 && (a < 8 || a > 11));
	}
	assert_int_equal(want_set("a.more", 1, 1, 60, &a), LEASE_EXHAUSTED);
}

static void rule_53_lost_events(void **state)
{
	uint32_t a = want("a.example"), b = want("b.example");

	now += 2000;
	*mapped(a) = k.map[--k.n];	/* it went, and nobody said so */
	sync_kernel();
	assert_int_equal(leases_state(ls, a, now), LEASE_QUARANTINED);
	assert_int_not_equal(leases_state(ls, b, now), LEASE_QUARANTINED);
}

static void rule_53_late_event(void **state)
{
	uint32_t a = want("a.example");
	struct nat46_map gone = *mapped(a);

	now += 2000;
	assert_int_equal(want("a.example"), a);
	leases_event(ls, NAT46_MAP_EVENT_EXPIRED, &gone, now);	/* of its former life */
	leases_event(ls, NAT46_MAP_EVENT_NEW, mapped(a), now);
	assert_int_equal(leases_state(ls, a, now), LEASE_ACTIVE);
}

static void rule_21_name_of_an_address(void **state)
{
	uint32_t a = want("a.example"), ttl;
	uint8_t wire[WIRE_NAME_MAX];
	size_t len, n = wire_name_from_text("a.example", wire);
	const uint8_t *name = leases_name(ls, a, now, &len, &ttl);

	assert_non_null(name);
	assert_int_equal(len, n);
	assert_memory_equal(name, wire, n);
	assert_in_range(ttl, 5, 120);
	now += 2000;
	expire(a);
	assert_null(leases_name(ls, a, now, &len, &ttl));
}

static void rule_04_live(void **state)
{
	uint32_t a = want("a.example"), b;

	assert_int_equal(want_set("a.example", 0, 0, 30, &b), LEASE_OK);
	assert_int_equal(a, b);
	assert_int_equal(want_set("never.example", 0, 0, 30, &b), LEASE_NONE);
	now += 2000;
	expire(a);
	assert_int_equal(want_set("a.example", 0, 0, 30, &b), LEASE_NONE);
}

static void rule_09_wildcard(void **state)
{
	unsigned int distinct = 0;
	uint32_t a, seen = 0;
	char name[32];

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "n%d.wild.example", i);
		assert_int_equal(want_set(name, 1, 2, 60, &a), LEASE_OK);
		distinct += a != seen;
		seen = a;
	}
	assert_in_range(distinct, 60, 70);
	want_set("n3.wild.example", 1, 2, 60, &a);	/* who has its own keeps it */
	assert_int_not_equal(a, seen);
	want_set("x.wild.example", 9, 1, 60, &a);	/* another target, another address */
	assert_int_not_equal(a, seen);
	want_set("x.tame.example", 1, 2, 60, &a);
	assert_int_not_equal(a, seen);
}

/* Each who waits is told of his own lease, not of the round's others. */
static void rule_43_two_in_one_round(void **state)
{
	const struct in6_addr target = { .s6_addr = { 0x20, 1, [15] = 1 } };
	static const char *const names[] = { "free.example", "refused.example" };
	enum synth_lease result;
	uint32_t addr;

	/* the kernel will not take what the second one prefers */
	k.refused = want("refused.example");
	down();
	unlink(path);
	k.n = 0;
	up();
	told[0] = told[1] = LEASE_NONE;
	for (unsigned int i = 0; i < 2; i++) {
		uint8_t wire[WIRE_NAME_MAX];
		size_t len = wire_name_from_text(names[i], wire);

		assert_false(leases_want(ls, wire, len, &target, 1, 60, now, NULL, i, &result,
					 &addr));
	}
	leases_commit(ls, now);
	assert_int_equal(told[0], LEASE_OK);
	assert_int_not_equal(told[1], LEASE_OK);
}

/* A round goes to the kernel by one request; who is refused does not hinder others. */
static void rule_52_one_request_a_round(void **state)
{
	const struct in6_addr target = { .s6_addr = { 0x20, 1, [15] = 1 } };
	enum synth_lease result;
	uint32_t addr;

	dones = 0;
	for (unsigned int i = 0; i < 60; i++) {
		uint8_t wire[WIRE_NAME_MAX];
		char name[32];
		size_t len;

		snprintf(name, sizeof(name), "n%u.d%u.example", i, i);
		len = wire_name_from_text(name, wire);
		assert_false(leases_want(ls, wire, len, &target, 1, 60, now, NULL, i, &result,
					 &addr));
	}
	leases_commit(ls, now);
	assert_int_equal(k.puts, 60);
	assert_int_equal(k.requests, 1);
	assert_int_equal(dones, 60);
}

static enum synth_lease want_by(const char *who, const char *name)
{
	struct lease_who by = { .len = strlen(who) };
	enum synth_lease result;
	uint32_t addr;

	memcpy(by.key, who, by.len);
	asker = &by;
	result = want_set(name, name[0], 1, 60, &addr);
	asker = NULL;
	return result;
}

static void rule_46_quota(void **state)
{
	conf.per_hour = 10;
	leases_set_conf(ls, &conf);
	for (char name[] = "a.x.example"; name[0] < 'a' + 10; name[0]++)
		assert_int_equal(want_by("one", name), LEASE_OK);
	assert_int_equal(want_by("one", "z.x.example"), LEASE_QUOTA);
	assert_int_equal(want_by("one", "b.x.example"), LEASE_OK);	/* it has that one */
	assert_int_equal(want_by("two", "y.x.example"), LEASE_OK);
	assert_int_equal(want_by("", "w.x.example"), LEASE_OK);
	now += 359;
	assert_int_equal(want_by("one", "z.x.example"), LEASE_QUOTA);
	now += 1;
	assert_int_equal(want_by("one", "z.x.example"), LEASE_OK);	/* one in six minutes */
	assert_int_equal(want_by("one", "v.x.example"), LEASE_QUOTA);
	conf.per_hour = 0;
	leases_set_conf(ls, &conf);
	assert_int_equal(want_by("one", "v.x.example"), LEASE_OK);
}

static void rule_54_missed(void **state)
{
	uint32_t a = want("a.example");
	const uint8_t *name;
	size_t len;

	k.n = 0;	/* somebody has flushed the kernel's mappings */
	leases_event(ls, NAT46_MAP_EVENT_DEL, &k.map[0], now);
	assert_null(mapped(a));
	name = leases_miss(ls, a, false, now, &len);
	assert_non_null(name);
	assert_memory_equal(name, "\1a\7example", len);
	leases_commit(ls, now);
	assert_non_null(mapped(a));
	assert_int_equal(mapped(a)->n, 1);
	assert_null(leases_miss(ls, htonl(ntohl(a) ^ 1), false, now, &len));
	/* in quarantine it is still that name */
	now += 2000;
	expire(a);
	assert_int_equal(leases_state(ls, a, now), LEASE_QUARANTINED);
	assert_non_null(leases_miss(ls, a, false, now, &len));
	leases_commit(ls, now);
	assert_non_null(mapped(a));
	now += conf.quarantine + 1;
	leases_tick(ls, now);
	assert_int_not_equal(leases_state(ls, a, now), LEASE_FREE);
	/* free, it is nobody's */
	expire(a);
	now += conf.quarantine + 1;
	leases_tick(ls, now);
	assert_null(leases_miss(ls, a, false, now, &len));
}

static void rule_59_fresh_as_long_as_its_ttl(void **state)
{
	uint32_t a;
	size_t len;

	want_set("a.example", 1, 1, 77, &a);
	assert_int_equal(mapped(a)->fresh, 77);
	assert_non_null(leases_miss(ls, a, true, now + 99, &len));
	assert_false(leases_pending(ls));	/* only looked up anew */
	restart();
	k.n = 0;
	sync_kernel();
	assert_int_equal(mapped(a)->fresh, 60);	/* not known: a target's least time */
}

static void pool_by_state_and_youngest_reuse(void **state)
{
	struct lease_stats st;
	uint32_t a, b;

	pool("198.18.0.0/30");		/* .1 and .2 */
	a = want("a.example");
	leases_stats(ls, now, &st);
	assert_int_equal(st.total, 2);
	assert_int_equal(st.state[LEASE_ACTIVE], 1);
	assert_int_equal(st.state[LEASE_FREE], 1);
	assert_true(st.youngest == UINT64_MAX);
	now += 200;			/* its TTL is over */
	leases_stats(ls, now, &st);
	assert_int_equal(st.state[LEASE_HELD], 1);
	want("b.example");
	assert_int_equal(want_set("c.example", 9, 1, 60, &b), LEASE_EXHAUSTED);
	now += 2000;
	expire(a);
	leases_stats(ls, now, &st);
	assert_int_equal(st.state[LEASE_QUARANTINED], 1);
	assert_int_equal(st.state[LEASE_FREE], 0);
	now += conf.quarantine;
	leases_tick(ls, now);
	now += 77;
	assert_int_equal(want_set("c.example", 9, 1, 60, &b), LEASE_OK);
	assert_int_equal(a, b);
	leases_stats(ls, now, &st);
	assert_int_equal(st.youngest, conf.quarantine + 77);
	assert_int_equal(st.result[LEASE_OK], 3);
	assert_int_equal(st.result[LEASE_EXHAUSTED], 1);
	assert_int_equal(st.commits, 3);
	assert_int_equal(st.committed, 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rule_40_same_name_same_address),
		T(rule_40_names_the_kernel_does_not_take),
		T(rule_40_kernel_told_of_changes_only),
		T(rule_41_first_preference_and_free_longest), T(rule_16_quarantine),
		T(rule_16_own_name_leaves_quarantine),
		T(rule_16_expiry_told_to_the_kernel), T(rule_16_scarce),
		T(rule_42_exhausted), T(rule_42_another_owner),
		T(rule_43_kernel_before_answer), T(rule_43_two_in_one_round),
		T(rule_44_module_loaded_anew), T(rule_45_never), T(rule_53_lost_events),
		T(rule_53_late_event), T(rule_21_name_of_an_address), T(rule_04_live),
		T(rule_09_wildcard), T(rule_46_quota),
		T(pool_by_state_and_youngest_reuse), T(rule_52_one_request_a_round),
		T(rule_54_missed), T(rule_59_fresh_as_long_as_its_ttl),
	};

	return cmocka_run_group_tests_name("dns46_lease", tests, NULL, NULL);
}
