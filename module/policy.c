// SPDX-License-Identifier: GPL-2.0
/*
 * Which targets a session may be made to. The array is sorted so
 * that of all entries that match, the first one decides:
 *
 *   the longest target prefix, then (within one prefix) the longest "from",
 *   then the one that names protocol and port, a user's before a built-in one
 *
 * Two entries never tie: they would be the same entry but for the action.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "conf.h"

/* What is never translated unless an administrator says so. */
static const struct nat46_policy builtin[] = {
	{ .addr = { { { [15] = 1 } } }, .plen = 128 },			/* ::1 */
	{ .addr = { { { 0 } } }, .plen = 96 },				/* ::/96 */
	{ .addr = { { { [10] = 0xff, 0xff } } }, .plen = 96 },		/* IPv4-mapped */
	{ .addr = { { { 0, 0x64, 0xff, 0x9b } } }, .plen = 96 },	/* NAT64 */
	{ .addr = { { { 0, 0x64, 0xff, 0x9b, 0, 1 } } }, .plen = 48 },	/* NAT64, local */
	{ .addr = { { { 0xfd, 0, 0xe, 0xc2 } } }, .plen = 32 },		/* cloud metadata */
	{ .addr = { { { 0x20, 0x02 } } }, .plen = 16 },			/* 6to4 */
	{ .addr = { { { 0xfe, 0x80 } } }, .plen = 10 },			/* link-local */
	{ .addr = { { { 0xff } } }, .plen = 8 },			/* multicast */
};

static int detail(const struct nat46_policy *p)
{
	return !!p->proto + !!p->dport;
}

/* The order of the array; 0 only for the same entry. */
static int cmp(const struct nat46_policy *a, const struct nat46_policy *b)
{
	int d = b->plen - a->plen;

	d = d ?: memcmp(&a->addr, &b->addr, sizeof(a->addr));
	d = d ?: b->from_plen - a->from_plen;
	d = d ?: detail(b) - detail(a);
	d = d ?: memcmp(&a->from, &b->from, sizeof(a->from));
	d = d ?: a->proto - b->proto;
	d = d ?: a->dport - b->dport;
	return d ?: a->builtin - b->builtin;
}

/* The number of entries that come before @p. */
static unsigned int before(const struct nat46_policies *set, const struct nat46_policy *p)
{
	unsigned int lo = 0, hi = set->n;

	while (lo < hi) {
		const unsigned int mid = (lo + hi) / 2;

		if (cmp(&set->v[mid], p) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The first entry of group @g whose prefix is @addr, or past its end. */
static unsigned int first_of(const struct nat46_policies *set, unsigned int g,
			     const struct in6_addr *addr)
{
	unsigned int lo = set->group[g].first, hi = lo + set->group[g].n;

	while (lo < hi) {
		const unsigned int mid = (lo + hi) / 2;

		if (memcmp(&set->v[mid].addr, addr, sizeof(*addr)) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool applies(const struct nat46_policy *p, __be32 client, u8 proto, u16 dport)
{
	return (client & nat46_mask4(p->from_plen)) == p->from &&
	       (!p->proto || p->proto == proto) && (!p->dport || p->dport == dport);
}

/* Of a group no longer than that every entry is looked at. */
#define FEW	4

/*
 * Call @fn for each entry that holds @target, and all of its @plen bits, by
 * precedence, until it returns an action.
 */
static u8 walk(const struct nat46_policies *set, const struct in6_addr *target, u8 plen,
	       u8 (*fn)(const struct nat46_policy *p, const void *arg), const void *arg)
{
	unsigned int g, i;
	u8 action;

	for (g = 0; g < set->n_groups; g++) {
		const unsigned int end = set->group[g].first + set->group[g].n;
		const bool few = set->group[g].n <= FEW;
		struct in6_addr prefix;

		if ((target->s6_addr32[0] & set->group[g].mask) != set->group[g].word ||
		    set->group[g].plen > plen)
			continue;
		if (!few)
			ipv6_addr_prefix(&prefix, target, set->group[g].plen);
		for (i = few ? set->group[g].first : first_of(set, g, &prefix); i < end; i++) {
			if (!ipv6_prefix_equal(&set->v[i].addr, target, set->group[g].plen)) {
				if (few)
					continue;
				break;
			}
			action = fn(&set->v[i], arg);
			if (action)
				return action;
		}
	}
	return NAT46_POLICY_UNSPEC;
}

struct flow {
	__be32 client;
	u8 proto;
	u16 dport;
	const struct nat46_policy **by;	/* NULL; or set to the entry that decides */
};

static u8 decide(const struct nat46_policy *p, const void *arg)
{
	const struct flow *f = arg;

	if (!applies(p, f->client, f->proto, f->dport))
		return NAT46_POLICY_UNSPEC;
	if (f->by)
		*f->by = p;
	return p->action;
}

/**
 * nat46_policy_check() - may that session be made?
 * @conf: the configuration
 * @target: its IPv6 destination
 * @client: its IPv4 source
 * @proto: as in a tuple
 * @dport: the target's port, host order
 *
 * Context: RCU.
 * Return: NAT46_POLICY_ALLOW or NAT46_POLICY_DENY.
 */
u8 nat46_policy_check(const struct nat46_conf *conf, const struct in6_addr *target,
		      __be32 client, u8 proto, u16 dport)
{
	const struct flow f = { client, proto, dport };

	return walk(conf->policies, target, 128, decide, &f) ?: conf->params.policy_default;
}

/**
 * nat46_policy_entry() - the entry by which nat46_policy_check() decides
 * @conf: the configuration
 * @target: as there, like the rest
 * @client: likewise
 * @proto: likewise
 * @dport: likewise
 *
 * Context: RCU.
 * Return: the entry; NULL: the default decides.
 */
const struct nat46_policy *nat46_policy_entry(const struct nat46_conf *conf,
					      const struct in6_addr *target, __be32 client,
					      u8 proto, u16 dport)
{
	const struct nat46_policy *by = NULL;
	const struct flow f = { client, proto, dport, &by };

	walk(conf->policies, target, 128, decide, &f);
	return by;
}

/* An allow opens the target to somebody; a deny without conditions ends it. */
static u8 decide_for_anybody(const struct nat46_policy *p, const void *arg)
{
	if (p->action == NAT46_POLICY_ALLOW)
		return NAT46_POLICY_ALLOW;
	return p->from_plen || p->proto ? NAT46_POLICY_UNSPEC : NAT46_POLICY_DENY;
}

/* Is something in the prefix allowed to somebody? */
static bool opened_inside(const struct nat46_policies *set, const struct in6_addr *prefix,
			  u8 plen)
{
	unsigned int i;

	for (i = 0; i < set->n && set->v[i].plen > plen; i++)
		if (set->v[i].action == NAT46_POLICY_ALLOW &&
		    ipv6_prefix_equal(&set->v[i].addr, prefix, plen))
			return true;
	return false;
}

/**
 * nat46_policy_never() - could no client ever have a session to that target?
 * @conf: the configuration
 * @target: the target, an address or a prefix
 * @plen: how long
 *
 * Context: RCU, or under the lock.
 * Return: true where the policy denies all of it to everybody.
 */
bool nat46_policy_never(const struct nat46_conf *conf, const struct in6_addr *target, u8 plen)
{
	u8 action;

	if (opened_inside(conf->policies, target, plen))
		return false;
	action = walk(conf->policies, target, plen, decide_for_anybody, NULL);
	return (action ?: conf->params.policy_default) == NAT46_POLICY_DENY;
}

/**
 * nat46_policy_valid() - is that an entry that can be kept?
 * @p: the entry; plen is up to 128, from_plen up to 32
 * @extack: told why not
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int nat46_policy_valid(const struct nat46_policy *p, struct netlink_ext_ack *extack)
{
	struct in6_addr prefix;

	ipv6_addr_prefix(&prefix, &p->addr, p->plen);
	if (!ipv6_addr_equal(&prefix, &p->addr)) {
		NL_SET_ERR_MSG(extack, "the prefix has bits set beyond its length");
		return -EINVAL;
	}
	if (p->from & ~nat46_mask4(p->from_plen)) {
		NL_SET_ERR_MSG(extack, "\"from\" has bits set beyond its length");
		return -EINVAL;
	}
	if (p->dport && p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP) {
		NL_SET_ERR_MSG(extack, "a port goes with the protocol tcp or udp");
		return -EINVAL;
	}
	return 0;
}

static struct nat46_policies *alloc(unsigned int n)
{
	struct nat46_policies *set;

	set = kvzalloc(struct_size(set, v, n), GFP_KERNEL_ACCOUNT);
	if (!set)
		return NULL;
	set->n = n;
	set->n_builtin = ARRAY_SIZE(builtin);
	return set;
}

static void regroup(struct nat46_policies *set)
{
	unsigned int i, g;

	set->n_groups = 0;
	for (i = 0; i < set->n; i++) {
		if (!i || set->v[i].plen != set->v[i - 1].plen) {
			set->group[set->n_groups].first = i;
			set->group[set->n_groups].n = 0;
			set->group[set->n_groups].plen = set->v[i].plen;
			set->group[set->n_groups].mask = nat46_mask4(min(set->v[i].plen, 32));
			set->group[set->n_groups].word = set->v[i].addr.s6_addr32[0];
			set->n_groups++;
		}
		g = set->n_groups - 1;
		set->group[g].n++;
		set->group[g].mask &= ~(set->group[g].word ^ set->v[i].addr.s6_addr32[0]);
		set->group[g].word &= set->group[g].mask;
	}
}

/**
 * nat46_policies_builtin() - the policy before anybody has said anything
 *
 * Context: may sleep.
 * Return: a new array, or NULL.
 */
struct nat46_policies *nat46_policies_builtin(void)
{
	struct nat46_policies *set = alloc(ARRAY_SIZE(builtin));
	unsigned int i, k;

	if (!set)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(builtin); i++) {
		struct nat46_policy p = builtin[i];

		p.action = NAT46_POLICY_DENY;
		p.builtin = true;
		for (k = i; k && cmp(&p, &set->v[k - 1]) < 0; k--)
			set->v[k] = set->v[k - 1];
		set->v[k] = p;
	}
	regroup(set);
	return set;
}

/**
 * nat46_policies_add() - the policy with one more entry
 * @old: the policy as it is
 * @p: the entry, valid, not a built-in one
 * @may: NAT46_MAY_*; to replace an entry gives it another action
 * @extack: told what is wrong
 *
 * Context: may sleep.
 * Return: a new array, or ERR_PTR(): -EEXIST, -ENOENT, -ENOSPC, -ENOMEM.
 */
struct nat46_policies *nat46_policies_add(const struct nat46_policies *old,
					  const struct nat46_policy *p, u8 may,
					  struct netlink_ext_ack *extack)
{
	const unsigned int at = before(old, p);
	const bool exists = at < old->n && !cmp(&old->v[at], p);
	struct nat46_policies *set;

	if (exists && !(may & NAT46_MAY_REPLACE)) {
		NL_SET_ERR_MSG(extack, "the policy entry exists, with this or the other action");
		return ERR_PTR(-EEXIST);
	}
	if (!exists && !(may & NAT46_MAY_CREATE)) {
		NL_SET_ERR_MSG(extack, "no such policy entry");
		return ERR_PTR(-ENOENT);
	}
	if (!exists && old->n - old->n_builtin >= NAT46_POLICIES_MAX) {
		NL_SET_ERR_MSG(extack, "there are 4096 policy entries already");
		return ERR_PTR(-ENOSPC);
	}

	set = alloc(old->n + !exists);
	if (!set)
		return ERR_PTR(-ENOMEM);
	memcpy(set->v, old->v, array_size(at, sizeof(old->v[0])));
	set->v[at] = *p;
	memcpy(set->v + at + 1, old->v + at + exists,
	       array_size(old->n - at - exists, sizeof(old->v[0])));
	regroup(set);
	return set;
}

/**
 * nat46_policies_del() - the policy without an entry
 * @old: the policy as it is
 * @p: the entry; its action must be the entry's, where it is not 0
 * @extack: told where there is none
 *
 * Context: may sleep.
 * Return: a new array, or ERR_PTR(): -ENOENT, -ENOMEM.
 */
struct nat46_policies *nat46_policies_del(const struct nat46_policies *old,
					  const struct nat46_policy *p,
					  struct netlink_ext_ack *extack)
{
	const unsigned int at = before(old, p);
	struct nat46_policies *set;

	if (at == old->n || cmp(&old->v[at], p) ||
	    (p->action && p->action != old->v[at].action)) {
		NL_SET_ERR_MSG(extack, "no such policy entry");
		return ERR_PTR(-ENOENT);
	}
	set = alloc(old->n - 1);
	if (!set)
		return ERR_PTR(-ENOMEM);
	memcpy(set->v, old->v, array_size(at, sizeof(old->v[0])));
	memcpy(set->v + at, old->v + at + 1, array_size(set->n - at, sizeof(old->v[0])));
	regroup(set);
	return set;
}
