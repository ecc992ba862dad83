// SPDX-License-Identifier: GPL-2.0
/* Leases after a restart: what their file keeps. Rule numbers are those of dns46.md. */
#include "lease_world.h"

#include <signal.h>
#include <sys/resource.h>

static off_t file_size(void)
{
	struct stat sb;

	assert_int_equal(stat(path, &sb), 0);
	return sb.st_size;
}

static void rule_41_state_lost(void **state)
{
	uint32_t a = want("a.example");

	down();
	unlink(path);
	up();
	sync_kernel();
	assert_int_equal(leases_state(ls, a, now), LEASE_ACTIVE);
	assert_int_equal(want("a.example"), a);
}

static void rule_55_torn_tail(void **state)
{
	uint32_t a = want("a.example");
	off_t whole = file_size();

	want("b.example");
	for (off_t cut = file_size() - 1; cut > whole; cut--) {
		down();
		assert_int_equal(truncate(path, cut), 0);
		assert_int_equal(up(), 1);
		assert_int_equal(file_size(), whole);
		assert_int_equal(leases_state(ls, a, now), LEASE_ACTIVE);
	}
	assert_int_equal(want("a.example"), a);
}

static void rule_55_damage_in_the_middle(void **state)
{
	uint32_t a, b = 0;
	off_t at;
	FILE *f;

	want("a.example");
	at = file_size();
	a = want("b.example");
	b = want("c.example");
	f = fopen(path, "r+");
	fseek(f, at + 20, SEEK_SET);
	fputc('#', f);
	fclose(f);
	assert_int_equal(restart(), 1);
	assert_int_equal(leases_state(ls, a, now), LEASE_FREE);
	assert_int_equal(leases_state(ls, b, now), LEASE_ACTIVE);
}

static void rule_55_compaction(void **state)
{
	uint32_t addr[50];
	char name[32];
	off_t before;

	for (int round = 0; round < 20; round++, now += 100)
		for (int i = 0; i < 50; i++) {
			snprintf(name, sizeof(name), "a.n%d", i);
			addr[i] = want(name);
		}
	before = file_size();
	assert_int_equal(leases_compact(ls), 0);
	assert_true(file_size() * 4 < before);
	assert_int_equal(restart(), 0);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "a.n%d", i);
		assert_int_equal(want(name), addr[i]);
	}
}

/* The file is written anew between a want and its commit, and then the power fails. */
static void rule_55_compaction_of_what_waits(void **state)
{
	uint32_t a = want("a.example"), b;
	struct in6_addr target = { .s6_addr = { 0x20, 1 } };
	uint8_t wire[WIRE_NAME_MAX];
	size_t len = wire_name_from_text("a.example", wire);
	enum synth_lease result;

	now += 500;
	assert_false(leases_want(ls, wire, len, &target, 1, 60, now, NULL, 1, &result, &b));
	assert_int_equal(leases_compact(ls), 0);
	assert_int_equal(restart(), 0);
	assert_int_equal(leases_state(ls, a, now), LEASE_ACTIVE);
	assert_int_equal(want("a.example"), a);
}

static void one_process_a_store(void **state)
{
	char err[200];

	assert_null(store_open(path, err, sizeof(err)));
	assert_non_null(strstr(err, "another dns46"));
}

/* Who owns the folder may not lead us, who are root, to the files of others. */
static void links_are_not_followed(void **state)
{
	char other[80], new[80], err[200], text[8] = "";
	struct stat sb;
	FILE *f;

	want("a.example");
	sprintf(other, "%s.other", path);
	sprintf(new, "%s.new", path);
	f = fopen(other, "w");
	assert_non_null(f);
	assert_true(fputs("others", f) > 0 && !fclose(f));

	assert_int_equal(symlink(other, new), 0);
	assert_int_equal(leases_compact(ls), 0);
	assert_int_equal(lstat(path, &sb), 0);
	assert_true(S_ISREG(sb.st_mode));
	f = fopen(other, "r");
	assert_int_equal(fread(text, 1, sizeof(text), f), 6);
	fclose(f);
	assert_string_equal(text, "others");

	assert_int_equal(truncate(other, 0), 0);	/* what is empty would become a store */
	down();
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(other, path), 0);
	assert_null(store_open(path, err, sizeof(err)));
	assert_non_null(strstr(err, "a link"));
	assert_int_equal(unlink(other), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_null(store_open(path, err, sizeof(err)));
	assert_non_null(strstr(err, "a link"));
	assert_int_not_equal(stat(other, &sb), 0);
	assert_int_equal(unlink(path), 0);
	up();
}

/* No file may grow beyond what this one has; or may again. */
static void disk_full(bool full)
{
	struct rlimit r;

	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = full ? (rlim_t)file_size() : r.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &r);
}

static int full_teardown(void **state)
{
	disk_full(false);
	return teardown(state);
}

/* New names get nothing; those that are there live as long as the disk says. */
static void rule_55_full_disk(void **state)
{
	uint32_t a, b, moved;
	uint64_t begin = now;

	want_set("a.example", 1, 1, 60, &a);		/* on disk until begin + 60 + 900 + 60 */
	want_set("b.example", 1, 1, 3600, &b);
	disk_full(true);
	assert_int_equal(want_set("new.example", 9, 1, 60, &moved), LEASE_FAILED);
	now = begin + 300;
	assert_int_equal(want_set("a.example", 1, 1, 60, &moved), LEASE_OK);
	assert_int_equal(moved, a);
	assert_int_equal(last_ttl, SYNTH_TTL_STALE);
	assert_int_equal(want_set("b.example", 1, 1, 3600, &moved), LEASE_OK);
	assert_int_equal(last_ttl, 3600 + 60 - 300);
	assert_int_equal(want_set("a.example", 2, 1, 600, &moved), LEASE_OK);
	assert_int_equal(mapped(a)->target[0].s6_addr[15], 2);	/* its new target */
	assert_int_equal(mapped(a)->seconds, 60 + 900 + 60 - 300);
	now = begin + 60 + 900 + 60 - SYNTH_TTL_STALE - 1;
	assert_int_equal(want_set("a.example", 2, 1, 60, &moved), LEASE_OK);
	assert_int_equal(last_ttl, SYNTH_TTL_STALE);
	now++;		/* a client might have it for longer than the disk says */
	assert_int_equal(want_set("a.example", 2, 1, 60, &moved), LEASE_FAILED);
	/* the kernel lost b's: what the disk says may be mapped */
	now = begin + 400;
	k.n = 0;
	sync_kernel();
	assert_non_null(mapped(b));
	disk_full(false);
	assert_int_equal(want_set("a.example", 1, 1, 600, &moved), LEASE_OK);
	assert_int_equal(moved, a);
	assert_int_equal(last_ttl, UINT32_MAX);
	assert_int_equal(want("new.example") == a, 0);
	restart();
	assert_int_equal(leases_state(ls, a, now + 590), LEASE_ACTIVE);
}

/* An address that is not on disk as that name's is not answered, whatever it had. */
static void rule_55_full_disk_and_moved(void **state)
{
	uint32_t a = want("a.example"), moved;

	disk_full(true);
	now += 300;
	k.foreign = a;
	k.n = 0;
	for (int i = 0; i < 3; i++, now++)
		assert_int_not_equal(want_set("a.example", i, 1, 60, &moved), LEASE_OK);
	disk_full(false);
	assert_int_equal(want_set("a.example", 1, 1, 60, &moved), LEASE_OK);
	assert_int_not_equal(moved, a);
}

/* The kernel holds what is used; after a power cut the disk must know as well. */
static void rule_16_used_outlives_a_power_cut(void **state)
{
	uint32_t used = want("used.example"), other;

	now += 60 + 900 + 200;
	leases_tick(ls, now);		/* its time is over, and the kernel maps it still */
	assert_int_equal(leases_compact(ls), 0);
	now += 20 * 3600;
	k.n = 0;			/* the machine was off, the kernel knows nothing */
	restart();
	sync_kernel();
	assert_non_null(mapped(used));
	assert_int_equal(want("used.example"), used);
	/* unused, it is over at its time */
	other = want("other.example");
	now += 60 + 900 + 200;
	expire(other);
	k.n = 0;
	restart();
	sync_kernel();
	assert_int_equal(leases_state(ls, other, now), LEASE_QUARANTINED);
}

/* Each quarantine ends at its time, whatever their order on disk. */
static void rule_16_quarantine_in_any_order(void **state)
{
	uint32_t a[20];
	char name[] = "a.example";

	for (int i = 0; i < 20; i++, name[0]++)
		a[i] = want(name);
	now += 2000;
	for (int i = 0; i < 20; i++, now++)
		expire(a[i]);
	assert_int_equal(leases_compact(ls), 0);
	restart();
	now += conf.quarantine - 10;
	leases_tick(ls, now);
	for (int i = 0; i < 20; i++)
		assert_int_equal(leases_state(ls, a[i], now),
				 i <= 10 ? LEASE_FREE : LEASE_QUARANTINED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rule_41_state_lost), T(rule_55_torn_tail),
		T(rule_55_damage_in_the_middle), T(rule_55_compaction),
		T(rule_55_compaction_of_what_waits), T(one_process_a_store),
		T(links_are_not_followed),
		cmocka_unit_test_setup_teardown(rule_55_full_disk, setup, full_teardown),
		cmocka_unit_test_setup_teardown(rule_55_full_disk_and_moved, setup, full_teardown),
		T(rule_16_used_outlives_a_power_cut), T(rule_16_quarantine_in_any_order),
	};

	return cmocka_run_group_tests_name("dns46_store", tests, NULL, NULL);
}
