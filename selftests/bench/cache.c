// SPDX-License-Identifier: GPL-2.0
/*
 * cache N BUCKETS COUNT: a table of N sessions, as the module has it: its tuples, its
 * hashes, its struct (cache.py takes that from nf_nat46.h). COUNT packets each way,
 * of sessions by chance: up() and down() find each one's and read what its packet
 * needs of it, which is what cachegrind counts. Prints the longest chain of either
 * half.
 */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;

#define __force
#define __rcu

#include "../../module/tuple.h"

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct rcu_head {
	void *next, *func;
};

typedef u32 __wsum;
typedef struct {
	u32 val;
} kuid_t;

#include "session_struct.h"

enum { DIR_4, DIR_6 };

/* as the slab aligns them */
union slot {
	struct nat46_session s;
} __attribute__((aligned(64)));

#define SESSION(node_, dir) \
	((struct nat46_session *)((char *)(node_) - offsetof(struct nat46_session, node[dir])))

static const hsiphash_key_t key = { { 0x0123456789abcdef, 0xfedcba9876543210 } };
static struct hlist_node **table[2];
static u32 buckets;
static volatile unsigned long read_of;	/* so that reads are made */

/* The flows: some thousand clients of a thousand ports; ours, of an address range. */
static struct nat46_tuple4 tuple4(u32 i)
{
	return (struct nat46_tuple4){
		.saddr = htonl(0x0a800001 + i / 1000), .daddr = htonl(0xc6120007),
		.sport = htons(20000 + i % 1000), .dport = htons(9), .proto = IPPROTO_UDP,
	};
}

static struct nat46_tuple6 tuple6(u32 i)
{
	struct nat46_tuple6 t = {
		.sport = htons(1024 + i % 60000), .dport = htons(9), .proto = IPPROTO_UDP,
	};

	t.saddr.s6_addr32[0] = t.daddr.s6_addr32[0] = htonl(0x20010db8);
	t.saddr.s6_addr32[3] = htonl(1 + i / 60000);
	t.daddr.s6_addr32[3] = htonl(7);
	return t;
}

static struct nat46_session *look4(const struct nat46_tuple4 *t)
{
	struct hlist_node *n = table[DIR_4][nat46_hash4(t, 0, &key) & (buckets - 1)];

	for (; n; n = n->next)
		if (nat46_same4(&SESSION(n, DIR_4)->t4, t))
			return SESSION(n, DIR_4);
	abort();
}

static struct nat46_session *look6(const struct nat46_tuple6 *t)
{
	struct hlist_node *n = table[DIR_6][nat46_hash6(t, 0, &key) & (buckets - 1)];

	for (; n; n = n->next)
		if (nat46_same6(&SESSION(n, DIR_6)->t6, t))
			return SESSION(n, DIR_6);
	abort();
}

/* What translate46() and whom it calls read of a session. */
static __attribute__((noinline)) void up(const struct nat46_tuple4 *t)
{
	const struct nat46_session *s = look4(t);

	read_of += (uintptr_t)s->net + s->late + s->iif + s->t6.daddr.s6_addr32[0] +
		   s->t6.dport + s->diff + s->state + s->last + s->cookie6 + (uintptr_t)s->dst6;
}

/* And translate64(). */
static __attribute__((noinline)) void down(const struct nat46_tuple6 *t)
{
	const struct nat46_session *s = look6(t);

	read_of += (uintptr_t)s->net + s->t4.saddr + s->t4.sport + s->iif + s->diff + s->state +
		   s->last + (uintptr_t)s->dst4 + s->ident;
}

static void add(int dir, u32 hash, struct nat46_session *s)
{
	struct hlist_node **head = &table[dir][hash & (buckets - 1)];

	s->node[dir].next = *head;
	*head = &s->node[dir];
}

static unsigned int longest(int dir)
{
	unsigned int most = 0;
	u32 b;

	for (b = 0; b < buckets; b++) {
		const struct hlist_node *n;
		unsigned int len = 0;

		for (n = table[dir][b]; n; n = n->next)
			len++;
		most = len > most ? len : most;
	}
	return most;
}

int main(int argc, char **argv)
{
	union slot *sessions;
	u32 n, count, i, k;

	if (argc != 4)
		return 2;
	n = strtoul(argv[1], NULL, 0);
	buckets = strtoul(argv[2], NULL, 0);
	count = strtoul(argv[3], NULL, 0);
	table[0] = calloc(2 * (size_t)buckets, sizeof(*table[0]));
	sessions = aligned_alloc(64, n * sizeof(*sessions));
	if (!n || !table[0] || !sessions)
		return 1;
	table[1] = table[0] + buckets;
	for (i = 0; i < n; i++) {
		struct nat46_session *s = &sessions[i].s;

		s->t4 = tuple4(i);
		s->t6 = tuple6(i);
		add(DIR_4, nat46_hash4(&s->t4, 0, &key), s);
		add(DIR_6, nat46_hash6(&s->t6, 0, &key), s);
	}
	for (k = 0; k < count; k++) {
		struct nat46_tuple4 t4 = tuple4(i = rand() % n);
		struct nat46_tuple6 t6;

		up(&t4);
		t6 = tuple6(i = rand() % n);
		down(&t6);
	}
	printf("%u %u\n", longest(DIR_4), longest(DIR_6));
	return 0;
}
