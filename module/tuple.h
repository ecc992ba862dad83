/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tuple.h: what names a flow on either side, and how it is hashed. Pure: the
 * unit tests compile it in user space as it stands.
 */
#ifndef _NF_NAT46_TUPLE_H
#define _NF_NAT46_TUPLE_H

#include <linux/in6.h>
#include <linux/siphash.h>
#include <linux/types.h>
#include <net/ipv6.h>

/*
 * A protocol without ports has 0 in both; ICMP stands for echo alone, whose
 * identifier is the port of the side that asks.
 */
struct nat46_tuple4 {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	u8 proto;			/* as IPv4 says it: ICMP, never ICMPV6 */
	bool asked6;			/* an echo that the IPv6 side asks for */
};

/* As our own packets carry it: saddr is ours, daddr the target. */
struct nat46_tuple6 {
	struct in6_addr saddr;
	struct in6_addr daddr;
	__be16 sport;
	__be16 dport;
	u8 proto;			/* these two as in the IPv4 tuple */
	bool asked6;
};

/* @mix tells network namespaces apart. */
static inline u32 nat46_hash4(const struct nat46_tuple4 *t, u32 mix,
			      const hsiphash_key_t *key)
{
	return hsiphash_4u32((__force u32)t->saddr, (__force u32)t->daddr,
			     (__force u32)t->sport << 16 | (__force u32)t->dport,
			     mix ^ t->proto, key);
}

/*
 * The target's address is hashed by a key of its ports' and of our address's,
 * which costs half of hashing it all in a row. Nobody but us chooses our address,
 * of which folding loses nothing that sessions differ in.
 */
static inline u32 nat46_hash6(const struct nat46_tuple6 *t, u32 mix,
			      const hsiphash_key_t *key)
{
	const __be32 *s = t->saddr.s6_addr32, *d = t->daddr.s6_addr32;
	hsiphash_key_t k = *key;

	k.key[0] ^= (__force u32)t->sport << 16 | (__force u32)t->dport;
	k.key[1] ^= (__force u32)(s[0] ^ s[1] ^ s[2] ^ s[3]);
	return hsiphash_4u32((__force u32)d[0] ^ mix ^ t->proto, (__force u32)d[1],
			     (__force u32)d[2], (__force u32)d[3], &k);
}

static inline bool nat46_same4(const struct nat46_tuple4 *a, const struct nat46_tuple4 *b)
{
	return a->saddr == b->saddr && a->daddr == b->daddr &&
	       a->sport == b->sport && a->dport == b->dport &&
	       a->proto == b->proto && a->asked6 == b->asked6;
}

static inline bool nat46_same6(const struct nat46_tuple6 *a, const struct nat46_tuple6 *b)
{
	return a->sport == b->sport && a->dport == b->dport &&
	       a->proto == b->proto && a->asked6 == b->asked6 &&
	       ipv6_addr_equal(&a->saddr, &b->saddr) &&
	       ipv6_addr_equal(&a->daddr, &b->daddr);
}

/* As nf_conntrack sizes its table, by the machine's memory. */
static inline u32 nat46_default_buckets(unsigned long megabytes)
{
	if (megabytes > 4096)
		return 262144;
	return megabytes > 1024 ? 65536 : 16384;
}

#endif /* _NF_NAT46_TUPLE_H */
