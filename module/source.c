// SPDX-License-Identifier: GPL-2.0
/*
 * Where the IPv6 source address and port of a session come from, as
 * an immutable array: the first entry that serves a client is the right one.
 */
#include <linux/inetdevice.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <net/ipv6.h>

#include "conf.h"

static const struct nat46_ports dev_ports[] = {
	{ NAT46_DEV_PORTS_1_LO, NAT46_DEV_PORTS_1_HI },
	{ NAT46_DEV_PORTS_2_LO, NAT46_DEV_PORTS_2_HI },
};

static const struct nat46_ports addr_ports[] = {
	{ NAT46_ADDR_PORTS_LO, NAT46_ADDR_PORTS_HI },
};

static bool serves(const struct nat46_source *s, __be32 client)
{
	return (client & nat46_mask4(s->from_plen)) == s->from;
}

static bool usable(const struct in6_addr *a)
{
	const int type = ipv6_addr_type(a);

	return (type & IPV6_ADDR_UNICAST) && !(type & (IPV6_ADDR_LINKLOCAL | IPV6_ADDR_LOOPBACK)) &&
	       (a->s6_addr32[0] || a->s6_addr32[1]);
}

static int check_addr(const struct nat46_source *s, struct netlink_ext_ack *extack)
{
	if (!usable(&s->lo) || !usable(&s->hi)) {
		NL_SET_ERR_MSG(extack, "not a unicast address that a packet can come from");
		return -EINVAL;
	}
	if (!ipv6_prefix_equal(&s->lo, &s->hi, 64)) {
		NL_SET_ERR_MSG(extack, "the range's ends are not in the same /64");
		return -EINVAL;
	}
	if (ipv6_addr_cmp(&s->lo, &s->hi) > 0) {
		NL_SET_ERR_MSG(extack, "the range ends before it begins");
		return -EINVAL;
	}
	return 0;
}

/* RFC 6052 sections 2.2 and 3.1. Sets the prefix's last address. */
static int check_prefix(struct nat46_source *s, struct netlink_ext_ack *extack)
{
	unsigned int i;

	if (!nat46_embed_len(s->plen)) {
		NL_SET_ERR_MSG(extack, "the prefix length is none of 32, 40, 48, 56, 64, 96");
		return -EINVAL;
	}
	ipv6_addr_prefix(&s->hi, &s->lo, s->plen);
	if (!ipv6_addr_equal(&s->hi, &s->lo)) {
		NL_SET_ERR_MSG(extack, "the prefix has bits set beyond its length");
		return -EINVAL;
	}
	if (s->lo.s6_addr[8]) {
		NL_SET_ERR_MSG(extack, "bits 64 to 71 of the prefix are not zero (RFC 6052)");
		return -EINVAL;
	}
	if (!usable(&s->lo)) {
		NL_SET_ERR_MSG(extack, "not a prefix of addresses that a packet can come from");
		return -EINVAL;
	}
	if (nat46_well_known(s->lo.s6_addr, s->plen) && s->plen != 96) {
		NL_SET_ERR_MSG(extack, "the well-known prefix has a length of 96");
		return -EINVAL;
	}
	for (i = s->plen / 8; i < sizeof(s->hi); i++)
		s->hi.s6_addr[i] = 0xff;
	return 0;
}

static int check_ports(const struct nat46_source *s, struct netlink_ext_ack *extack)
{
	unsigned int i, j;

	for (i = 0; i < s->n_ports; i++) {
		const struct nat46_ports *r = &s->ports[i];

		if (!r->lo || r->lo > r->hi) {
			NL_SET_ERR_MSG(extack, "a range of ports is LOW-HIGH, from 1 on");
			return -EINVAL;
		}
		for (j = 0; j < i; j++) {
			if (r->lo <= s->ports[j].hi && s->ports[j].lo <= r->hi) {
				NL_SET_ERR_MSG(extack, "the ranges of ports overlap");
				return -EINVAL;
			}
		}
	}
	return 0;
}

static void default_ports(struct nat46_source *s)
{
	if (s->type == NAT46_SOURCE_DEV) {
		memcpy(s->ports, dev_ports, sizeof(dev_ports));
		s->n_ports = ARRAY_SIZE(dev_ports);
	} else if (s->type == NAT46_SOURCE_ADDR) {
		memcpy(s->ports, addr_ports, sizeof(addr_ports));
		s->n_ports = ARRAY_SIZE(addr_ports);
	}
}

/**
 * nat46_source_check() - is that a source that could serve?
 * @s: the source; gets its type's ports where it has none, and a prefix
 *	source its last address
 * @extack: told why not
 *
 * Context: any.
 * Return: 0, -EINVAL, or -EOPNOTSUPP.
 */
int nat46_source_check(struct nat46_source *s, struct netlink_ext_ack *extack)
{
	int err;

	if (s->from & ~nat46_mask4(s->from_plen)) {
		NL_SET_ERR_MSG(extack, "\"from\" has bits set beyond its length");
		return -EINVAL;
	}
	switch (s->type) {
	case NAT46_SOURCE_DEV:
		break;
	case NAT46_SOURCE_ADDR:
		err = check_addr(s, extack);
		if (err)
			return err;
		break;
	case NAT46_SOURCE_PREFIX:
		err = check_prefix(s, extack);
		if (err)
			return err;
		break;
	default:
		NL_SET_ERR_MSG(extack, "a source of that type is not supported");
		return -EOPNOTSUPP;
	}
	if (!s->n_ports)
		default_ports(s);
	return check_ports(s, extack);
}

/**
 * nat46_source_resolve() - find the device of a dev source by its name
 * @net: the network namespace
 * @s: the source
 * @extack: told where there is none
 *
 * Context: any.
 * Return: 0 or -ENODEV.
 */
int nat46_source_resolve(struct net *net, struct nat46_source *s, struct netlink_ext_ack *extack)
{
	struct net_device *dev;

	if (s->type != NAT46_SOURCE_DEV)
		return 0;
	rcu_read_lock();
	dev = dev_get_by_name_rcu(net, s->ifname);
	s->ifindex = dev ? dev->ifindex : 0;
	rcu_read_unlock();
	if (!s->ifindex) {
		NL_SET_ERR_MSG(extack, "no such device");
		return -ENODEV;
	}
	return 0;
}

/**
 * nat46_source_find() - the source that serves a client
 * @conf: the configuration
 * @client: the client's address
 *
 * A source that is draining, or whose device has gone, serves nobody: the next
 * shorter prefix does.
 *
 * Context: RCU.
 * Return: the source, or NULL.
 */
const struct nat46_source *nat46_source_find(const struct nat46_conf *conf, __be32 client)
{
	const struct nat46_sources *set = conf->sources;
	unsigned int i;

	for (i = 0; i < set->n; i++) {
		const struct nat46_source *s = &set->v[i];

		if (serves(s, client) && !s->drain &&
		    (s->type != NAT46_SOURCE_DEV || s->ifindex))
			return s;
	}
	return NULL;
}

/**
 * nat46_source_embed() - an IPv4 address behind a prefix source
 * @src: the source
 * @addr4: the address
 * @addr: set to it, embedded
 *
 * Context: any.
 * Return: false where that may not be: the Well-Known Prefix stands for global
 * addresses alone (RFC 6052 section 3.1).
 */
bool nat46_source_embed(const struct nat46_source *src, __be32 addr4,
			struct in6_addr *addr)
{
	if (nat46_well_known(src->lo.s6_addr, src->plen) && !nat46_global4((const u8 *)&addr4))
		return false;
	*addr = src->lo;
	nat46_embed(addr->s6_addr, src->plen, (const u8 *)&addr4);
	return true;
}

/* ipv6_addr_cmp() goes byte by byte */
static bool below(const struct in6_addr *a, const struct in6_addr *b)
{
	unsigned int i;

	for (i = 0; i < 3 && a->s6_addr32[i] == b->s6_addr32[i]; i++)
		;
	return ntohl(a->s6_addr32[i]) < ntohl(b->s6_addr32[i]);
}

/**
 * nat46_source_holds() - is that an address of an addr or prefix source?
 * @conf: the configuration
 * @addr: the address
 *
 * Context: RCU.
 * Return: whether it is.
 */
bool nat46_source_holds(const struct nat46_conf *conf, const struct in6_addr *addr)
{
	const struct nat46_sources *set = conf->sources;
	unsigned int lo = 0, hi = set->n_ranges;

	while (lo < hi) {
		const unsigned int mid = (lo + hi) / 2;

		if (below(addr, &set->ranges[mid].lo))
			hi = mid;
		else if (below(&set->ranges[mid].hi, addr))
			lo = mid + 1;
		else
			return true;
	}
	return false;
}

/* Is the session's source address the embedded one of its client? */
static bool embeds(const struct nat46_source *s, const struct nat46_session *se)
{
	__be32 client;

	return nat46_extract((u8 *)&client, se->t6.saddr.s6_addr, s->plen) &&
	       client == se->t4.saddr && ipv6_prefix_equal(&s->lo, &se->t6.saddr, s->plen) &&
	       se->t6.sport == se->t4.sport;
}

static bool covers(const struct nat46_source *s, const struct nat46_session *se)
{
	const u16 port = ntohs(se->t6.sport);
	unsigned int i;

	if (!serves(s, se->t4.saddr))
		return false;
	if (s->type == NAT46_SOURCE_PREFIX)
		return !se->oif && embeds(s, se);
	if (s->type == NAT46_SOURCE_DEV) {
		if (!s->ifindex || s->ifindex != se->oif)
			return false;
	} else if (se->oif || ipv6_addr_cmp(&se->t6.saddr, &s->lo) < 0 ||
		   ipv6_addr_cmp(&se->t6.saddr, &s->hi) > 0) {
		return false;
	}
	if (!port)		/* of a protocol without ports */
		return true;
	for (i = 0; i < s->n_ports; i++)
		if (port >= s->ports[i].lo && port <= s->ports[i].hi)
			return true;
	return false;
}

/**
 * nat46_sources_cover() - could one of these sources have made that session?
 * @set: the sources, draining ones included
 * @s: the session
 *
 * Context: any.
 * Return: whether one could.
 */
bool nat46_sources_cover(const struct nat46_sources *set, const struct nat46_session *s)
{
	unsigned int i;

	for (i = 0; i < set->n; i++)
		if (covers(&set->v[i], s))
			return true;
	return false;
}

/**
 * nat46_sources_alloc() - room for @n sources
 * @n: how many
 *
 * Context: may sleep.
 * Return: the array, its n set, or NULL.
 */
struct nat46_sources *nat46_sources_alloc(unsigned int n)
{
	struct nat46_sources *set;
	size_t size = struct_size(set, v, n);

	set = kvzalloc(size + array_size(n, sizeof(set->ranges[0])), GFP_KERNEL_ACCOUNT);
	if (!set)
		return NULL;
	set->n = n;
	set->ranges = (void *)&set->v[n];
	return set;
}

static int by_start(const void *a, const void *b)
{
	const struct nat46_range6 *x = a, *y = b;

	return ipv6_addr_cmp(&x->lo, &y->lo);
}

static void collect_ranges(struct nat46_sources *set)
{
	unsigned int i, n = 0, out = 0;

	for (i = 0; i < set->n; i++) {
		if (set->v[i].type == NAT46_SOURCE_DEV)
			continue;
		set->ranges[n].lo = set->v[i].lo;
		set->ranges[n].hi = set->v[i].hi;
		n++;
	}
	sort(set->ranges, n, sizeof(set->ranges[0]), by_start, NULL);

	for (i = 1; i < n; i++) {
		struct nat46_range6 *r = &set->ranges[out];

		if (ipv6_addr_cmp(&set->ranges[i].lo, &r->hi) > 0)
			set->ranges[++out] = set->ranges[i];
		else if (ipv6_addr_cmp(&set->ranges[i].hi, &r->hi) > 0)
			r->hi = set->ranges[i].hi;
	}
	set->n_ranges = n ? out + 1 : 0;
}

/* What the packet path reads instead of the entries. */
static void summarise(struct nat46_sources *set)
{
	unsigned int i, k;

	collect_ranges(set);
	set->dev = false;
	set->dev_lo = U16_MAX;
	set->dev_hi = 0;
	for (i = 0; i < set->n; i++) {
		const struct nat46_source *s = &set->v[i];

		if (s->type != NAT46_SOURCE_DEV)
			continue;
		set->dev = true;
		for (k = 0; k < s->n_ports; k++) {
			set->dev_lo = min(set->dev_lo, s->ports[k].lo);
			set->dev_hi = max(set->dev_hi, s->ports[k].hi);
		}
	}
}

static struct nat46_sources *copy(const struct nat46_sources *old)
{
	struct nat46_sources *set = nat46_sources_alloc(old->n);

	if (!set)
		return ERR_PTR(-ENOMEM);
	memcpy(set->v, old->v, array_size(old->n, sizeof(old->v[0])));
	summarise(set);
	return set;
}

/**
 * nat46_sources_get() - the source that has the same name
 * @set: the sources
 * @s: its type, device or addresses, and "from"
 *
 * Context: RCU, or whoever owns @set.
 * Return: the source, or NULL.
 */
struct nat46_source *nat46_sources_get(const struct nat46_sources *set,
				       const struct nat46_source *s)
{
	unsigned int i;

	for (i = 0; i < set->n; i++) {
		const struct nat46_source *o = &set->v[i];

		if (o->type != s->type || o->from != s->from || o->from_plen != s->from_plen)
			continue;
		if (s->type == NAT46_SOURCE_DEV ? !strcmp(o->ifname, s->ifname) :
		    ipv6_addr_equal(&o->lo, &s->lo) && ipv6_addr_equal(&o->hi, &s->hi))
			return (struct nat46_source *)o;
	}
	return NULL;
}

/* Two that serve the same clients would make the choice a matter of chance. */
static bool rival(const struct nat46_sources *set, const struct nat46_source *s)
{
	unsigned int i;

	for (i = 0; i < set->n; i++)
		if (set->v[i].from == s->from && set->v[i].from_plen == s->from_plen &&
		    !set->v[i].drain)
			return true;
	return false;
}

/*
 * A prefix is one source's alone, or two clients could get one address; but
 * the same prefix may serve other clients by another "from".
 */
static bool overlaps_prefix(const struct nat46_sources *set, const struct nat46_source *s)
{
	unsigned int i;

	for (i = 0; i < set->n; i++) {
		const struct nat46_source *o = &set->v[i];

		if (o->type == NAT46_SOURCE_DEV || s->type == NAT46_SOURCE_DEV ||
		    (o->type != NAT46_SOURCE_PREFIX && s->type != NAT46_SOURCE_PREFIX))
			continue;
		if (o->type == s->type && o->plen == s->plen && ipv6_addr_equal(&o->lo, &s->lo))
			continue;
		if (ipv6_addr_cmp(&o->lo, &s->hi) <= 0 && ipv6_addr_cmp(&s->lo, &o->hi) <= 0)
			return true;
	}
	return false;
}

static struct nat46_sources *insert(const struct nat46_sources *old, const struct nat46_source *s)
{
	struct nat46_sources *set = nat46_sources_alloc(old->n + 1);
	unsigned int at = 0;

	if (!set)
		return ERR_PTR(-ENOMEM);
	while (at < old->n && (old->v[at].from_plen > s->from_plen ||
			       (old->v[at].from_plen == s->from_plen &&
				ntohl(old->v[at].from) < ntohl(s->from))))
		at++;
	memcpy(set->v, old->v, array_size(at, sizeof(old->v[0])));
	set->v[at] = *s;
	memcpy(set->v + at + 1, old->v + at, array_size(old->n - at, sizeof(old->v[0])));
	summarise(set);
	return set;
}

/**
 * nat46_sources_add() - the sources with one more
 * @old: the sources as they are
 * @s: the source, checked
 * @may: NAT46_MAY_*; to replace a source gives it new ports, and ends its
 *	draining
 * @extack: told what is wrong
 *
 * A source that is draining leaves its clients to another one at once.
 *
 * Context: may sleep.
 * Return: a new array, or ERR_PTR(): -EEXIST, -ENOENT, -ENOSPC, -ENOMEM.
 */
struct nat46_sources *nat46_sources_add(const struct nat46_sources *old,
					const struct nat46_source *s, u8 may,
					struct netlink_ext_ack *extack)
{
	const struct nat46_source *same = nat46_sources_get(old, s);
	struct nat46_sources *set;

	if (same && !(may & NAT46_MAY_REPLACE)) {
		NL_SET_ERR_MSG(extack, "the source exists");
		return ERR_PTR(-EEXIST);
	}
	if ((!same || same->drain) && rival(old, s)) {
		NL_SET_ERR_MSG(extack, "another source serves the same clients");
		return ERR_PTR(-EEXIST);
	}
	if (overlaps_prefix(old, s)) {
		NL_SET_ERR_MSG(extack, "the addresses overlap those of another source");
		return ERR_PTR(-EEXIST);
	}
	if (same) {
		set = copy(old);
		if (!IS_ERR(set)) {
			set->v[same - old->v] = *s;
			summarise(set);
		}
		return set;
	}
	if (!(may & NAT46_MAY_CREATE)) {
		NL_SET_ERR_MSG(extack, "no such source");
		return ERR_PTR(-ENOENT);
	}
	if (old->n >= NAT46_SOURCES_MAX) {
		NL_SET_ERR_MSG(extack, "there are 256 sources already");
		return ERR_PTR(-ENOSPC);
	}
	return insert(old, s);
}

/**
 * nat46_sources_del() - the sources without one
 * @old: the sources as they are
 * @s: one of them
 *
 * Context: may sleep.
 * Return: a new array, or ERR_PTR(-ENOMEM).
 */
struct nat46_sources *nat46_sources_del(const struct nat46_sources *old,
					const struct nat46_source *s)
{
	struct nat46_sources *set = nat46_sources_alloc(old->n - 1);
	const unsigned int at = s - old->v;

	if (!set)
		return ERR_PTR(-ENOMEM);
	memcpy(set->v, old->v, array_size(at, sizeof(old->v[0])));
	memcpy(set->v + at, s + 1, array_size(set->n - at, sizeof(old->v[0])));
	summarise(set);
	return set;
}

/**
 * nat46_sources_drain() - the sources, with one that opens no session any more
 * @old: the sources as they are
 * @s: one of them
 *
 * Context: may sleep.
 * Return: a new array, or ERR_PTR(-ENOMEM).
 */
struct nat46_sources *nat46_sources_drain(const struct nat46_sources *old,
					  const struct nat46_source *s)
{
	struct nat46_sources *set = copy(old);

	if (!IS_ERR(set))
		set->v[s - old->v].drain = true;
	return set;
}

static bool concerns(const struct nat46_source *s, const struct net_device *dev, bool gone)
{
	const bool named = !strcmp(s->ifname, dev->name);

	if (s->type != NAT46_SOURCE_DEV)
		return false;
	if (s->ifindex == dev->ifindex)
		return gone || !named;
	return !gone && !s->ifindex && named;
}

/**
 * nat46_sources_dev() - the sources, after a device came, went, or was renamed
 * @old: the sources as they are
 * @dev: the device
 * @gone: it went
 *
 * A source follows its device to a new name; one whose device has gone waits
 * for another of that name.
 *
 * Context: may sleep.
 * Return: a new array; NULL: nothing to change; or ERR_PTR(-ENOMEM).
 */
struct nat46_sources *nat46_sources_dev(const struct nat46_sources *old,
					const struct net_device *dev, bool gone)
{
	struct nat46_sources *set;
	unsigned int i, n = 0;

	for (i = 0; i < old->n; i++)
		n += concerns(&old->v[i], dev, gone);
	if (!n)
		return NULL;

	set = copy(old);
	if (IS_ERR(set))
		return set;
	for (i = 0; i < set->n; i++) {
		struct nat46_source *s = &set->v[i];

		if (!concerns(s, dev, gone))
			continue;
		s->ifindex = gone ? 0 : dev->ifindex;
		strscpy(s->ifname, dev->name, sizeof(s->ifname));
	}
	return set;
}
