// SPDX-License-Identifier: GPL-2.0
/*
 * open.c: makes the session of a flow's first packet. Reading
 * nat46_session_open() top down tells who may open one, and to where.
 */
#include <linux/siphash.h>
#include <net/addrconf.h>
#include <net/checksum.h>
#include <net/ip6_route.h>
#include <net/l3mdev.h>
#include <net/route.h>

#include "nf_nat46.h"
#include "session.h"

/* Ports tried for one session: the search is bounded under any load. */
#define PORT_TRIES	128u
#define CROWDED_TRIES	2u	/* in a first range that has just been full */
/* Addresses of a range tried, when the client's own has no port left. */
#define ADDR_TRIES	4

static siphash_key_t addr_key __read_mostly;
static siphash_key_t label_key __read_mostly;
static hsiphash_key_t port_key __read_mostly;

static void init_keys(void)
{
	net_get_random_once(&addr_key, sizeof(addr_key));
	net_get_random_once(&label_key, sizeof(label_key));
	net_get_random_once(&port_key, sizeof(port_key));
}

/**
 * nat46_client_usable() - may that be a client?
 * @conf: the configuration
 * @client: its address
 *
 * Context: RCU.
 * Return: false for 0/8, 127/8, 224/3, and what mappings use.
 */
bool nat46_client_usable(const struct nat46_conf *conf, __be32 client)
{
	return ntohl(client) >> 24 && !ipv4_is_loopback(client) &&
	       ntohl(client) < 0xe0000000 && !nat46_pool_find(conf, client);
}

/**
 * nat46_session_client() - may that client open a session?
 * @p: its first packet
 * @s: the session, its client known; keeps the route that replies will take
 *
 * We take the packet before routing, so nobody else has checked its source: a
 * client that we could not answer, or whose address another device leads to,
 * opens nothing.
 *
 * Context: RCU.
 * Return: NAT46_OK, or NAT46_DROP_SRC_CHECK.
 */
enum nat46_reason nat46_session_client(struct nat46_pkt *p, struct nat46_session *s)
{
	const u8 how = p->conf->params.src_check;
	const __be32 client = p->t4.saddr;
	struct dst_entry *dst;

	if (!nat46_client_usable(p->conf, client))
		return NAT46_DROP_SRC_CHECK;

	if (p->local) {	/* a VRF has its own */
		const struct net_device *dev = dev_get_by_index_rcu(s->net, s->iif);

		return inet_addr_type_dev_table(s->net, dev, client) == RTN_LOCAL ?
		       NAT46_OK : NAT46_DROP_SRC_CHECK;
	}
	if (how == NAT46_SRC_CHECK_OFF)
		return NAT46_OK;

	dst = nat46_route4(s, p->skb);
	if (IS_ERR(dst))
		return NAT46_DROP_SRC_CHECK;
	if (how == NAT46_SRC_CHECK_STRICT && dst->dev != p->skb->dev)
		return NAT46_DROP_SRC_CHECK;
	return NAT46_OK;
}

/**
 * nat46_session_moved() - a packet came in by another device than the session's
 * @p: the packet, from the IPv4 side
 * @s: its session
 *
 * With the strict source check nobody on another device speaks for the client;
 * where the client's route has really moved, the session follows it.
 *
 * Context: RCU, no lock.
 * Return: NAT46_OK, or NAT46_DROP_SRC_CHECK.
 */
enum nat46_reason nat46_session_moved(struct nat46_pkt *p,
				      struct nat46_session *s)
{
	struct dst_entry *dst;

	/* the node's own flow stays its own: its replies go to a socket */
	if (p->local != s->local)
		return NAT46_DROP_SRC_CHECK;
	if (p->local) {	/* another socket, perhaps */
		if (p->skb->sk && sk_fullsock(p->skb->sk))
			WRITE_ONCE(s->iif, nat46_pkt_iif(p));
		return NAT46_OK;
	}
	if (p->conf->params.src_check == NAT46_SRC_CHECK_STRICT) {
		dst = nat46_route4(s, p->skb);
		if (IS_ERR(dst) || dst->dev != p->skb->dev)
			return NAT46_DROP_SRC_CHECK;
	}
	WRITE_ONCE(s->iif, p->skb->dev->ifindex);
	return NAT46_OK;
}

/*
 * Which of a range's addresses a client gets is fixed by a hash, so that all
 * its sessions come from one (RFC 4787 REQ-2, "paired").
 */
static struct in6_addr range_addr(const struct nat46_source *src,
				  __be32 client, unsigned int k)
{
	const u64 lo = be64_to_cpup((__be64 *)&src->lo.s6_addr[8]);
	const u64 hi = be64_to_cpup((__be64 *)&src->hi.s6_addr[8]);
	const u64 span = hi - lo;	/* source.c: the upper halves are equal */
	struct in6_addr a = src->lo;
	u64 at;

	if (!span)
		return a;
	at = siphash_1u32((__force u32)client, &addr_key) + k;
	if (span != U64_MAX)
		at %= span + 1;
	*(__be64 *)&a.s6_addr[8] = cpu_to_be64(lo + at);
	return a;
}

/*
 * The node's own address: what the kernel would choose (RFC 6724). The session
 * has its route, and nobody else has the session yet.
 */
static enum nat46_reason dev_addr(struct nat46_pkt *p, struct nat46_session *s)
{
	const struct dst_entry *dst = rcu_dereference(s->dst6);

	if (nat46_saddr(p->nn->net, dst->dev, &s->t6.daddr, &s->t6.saddr))
		return NAT46_DROP_NO_SOURCE;
	return NAT46_OK;
}

/* By difference: what a header's checksum gains from IPv4 to IPv6. */
static __wsum flow_diff(const struct nat46_session *s)
{
	__wsum d = csum_partial(&s->t6.saddr, sizeof(s->t6.saddr), 0);

	d = csum_partial(&s->t6.daddr, sizeof(s->t6.daddr), d);
	d = csum_add(d, (__force __wsum)s->t6.sport);
	d = csum_sub(d, (__force __wsum)s->t4.sport);
	if (s->t4.proto == IPPROTO_ICMP)	/* ICMPv4 sums no addresses */
		return d;
	d = csum_sub(d, (__force __wsum)s->t4.saddr);
	return csum_sub(d, (__force __wsum)s->t4.daddr);
}

/* Does a client's port have one of ours, whatever the target? */
static bool independent(const struct nat46_pkt *p, const struct nat46_source *src)
{
	return p->conf->params.port_mapping == NAT46_PORT_MAPPING_INDEPENDENT &&
	       src->type != NAT46_SOURCE_PREFIX &&
	       (nat46_has_ports(p->t4.proto) || p->t4.proto == IPPROTO_ICMP);
}

/* The port is chosen, or that of the client's entry. */
static int take_bound_port(struct nat46_session *s, struct nat46_session *instead,
			   struct nat46_session **taken)
{
	int err;

	s->diff = flow_diff(s);
	err = nat46_session_insert(s, instead, taken);
	if (err)
		nat46_bib_put(s);
	return err;
}

/* Of the table's, which nobody is to guess from our ports. */
static u32 port_hash(const struct nat46_session *s)
{
	return hsiphash_1u32(s->hash4, &port_key);
}

/*
 * The try after the @k-th. A busy target's flows would knock at all those doors
 * of a full first range one after the other: for a second or two they pass by most.
 */
static unsigned int next_try(const struct nat46_net *nn, const struct nat46_source *src,
			     unsigned int k)
{
	if (k == CROWDED_TRIES && src->n_ports > 1 &&
	    nat46_now() - READ_ONCE(nn->crowded_at) <= 1)
		return NAT46_PORT_FIRST_TRIES + 1;
	return k + 1;
}

/**
 * nat46_session_next_port() - the port that a session would be given now
 * @p: its first packet
 * @s: the session, its path and hash4 known; s->t6.sport is set
 * @src: the client's source
 *
 * Of a range of addresses, the client's first. Those of the host's own flows
 * are none.
 *
 * Context: RCU.
 * Return: false where no port of those that are tried is free.
 */
bool nat46_session_next_port(struct nat46_pkt *p, struct nat46_session *s,
			     const struct nat46_source *src)
{
	const bool own = src->type == NAT46_SOURCE_PREFIX ||
		(!nat46_has_ports(s->t4.proto) && s->t4.proto != IPPROTO_ICMP);
	unsigned int k;
	u16 port;

	for (k = 0; k < (own ? 1 : PORT_TRIES); k = next_try(p->nn, src, k)) {
		port = own ? ntohs(s->t4.sport) :
			nat46_port_try(src->ports, src->n_ports, ntohs(s->t4.sport),
				       port_hash(s), k);
		s->t6.sport = htons(port);
		if ((own || port) && !nat46_session_find6(p->nn, &s->t6, p->conf) &&
		    (s->stateless || !nat46_clashes(s)))
			return true;
	}
	return false;
}

/*
 * Takes a free port of s->t6.saddr and hashes the session. -EEXIST with
 * *@taken: another CPU has just opened the flow.
 */
static int take_port(struct nat46_pkt *p, struct nat46_session *s,
		     const struct nat46_source *src,
		     struct nat46_session *instead, struct nat46_session **taken)
{
	unsigned int k;
	u32 hash = 0;
	__wsum diff;

	s->t6.sport = 0;
	diff = flow_diff(s);
	for (k = 0; k < PORT_TRIES; k = next_try(p->nn, src, k)) {
		u16 port;
		int err;

		if (k == 1)	/* its own port needs none */
			hash = port_hash(s);
		port = nat46_port_try(src->ports, src->n_ports, ntohs(s->t4.sport), hash, k);
		if (!port)
			continue;
		s->t6.sport = htons(port);
		err = independent(p, src) ? nat46_bib_make(s) : 0;
		if (!err) {
			s->diff = csum_add(diff, (__force __wsum)s->t6.sport);
			err = nat46_session_insert(s, instead, taken);
			if (err)
				nat46_bib_put(s);
		}
		if (err != -EADDRINUSE)
			return err;
		if (k == NAT46_PORT_FIRST_TRIES && src->n_ports > 1)
			WRITE_ONCE(p->nn->crowded_at, nat46_now());
	}
	return -EADDRINUSE;
}

/*
 * The client's port is kept. Of a prefix source, only another flow of the same
 * client can have the tuple: to another address mapped to the same target.
 */
static int take_own_port(struct nat46_pkt *p, struct nat46_session *s,
			 struct nat46_session *instead, struct nat46_session **taken)
{
	int err;

	s->t6.sport = s->t4.sport;
	s->diff = flow_diff(s);
	err = nat46_session_insert(s, instead, taken);
	/* no other port serves: one that has expired makes room at once */
	if (err == -EADDRINUSE && !nat46_session_find6(p->nn, &s->t6, p->conf))
		err = nat46_session_insert(s, instead, taken);
	return err;
}

/* Protocols without ports have nothing else that could tell two clients apart. */
static int take_any_port(struct nat46_pkt *p, struct nat46_session *s,
			 const struct nat46_source *src,
			 struct nat46_session *instead, struct nat46_session **taken)
{
	if (src->type == NAT46_SOURCE_PREFIX ||
	    (!nat46_has_ports(s->t4.proto) && s->t4.proto != IPPROTO_ICMP))
		return take_own_port(p, s, instead, taken);
	return take_port(p, s, src, instead, taken);
}

static int take_addr_and_port(struct nat46_pkt *p, struct nat46_session *s,
			      const struct nat46_source *src,
			      struct nat46_session *instead, struct nat46_session **taken)
{
	const bool addr = src->type == NAT46_SOURCE_ADDR;
	unsigned int k;
	int err;

	if (independent(p, src) && nat46_bib_find(s, addr ? &src->lo : &s->t6.saddr,
						  addr ? &src->hi : &s->t6.saddr))
		return take_bound_port(s, instead, taken);
	if (!addr)
		return take_any_port(p, s, src, instead, taken);

	for (k = 0; k < ADDR_TRIES; k++) {
		s->t6.saddr = range_addr(src, s->t4.saddr, k);
		err = take_any_port(p, s, src, instead, taken);
		if (err != -EADDRINUSE)
			return err;
		if (ipv6_addr_equal(&src->lo, &src->hi))
			break;
	}
	return err;
}

/**
 * nat46_session_allowed() - may the session be, with that target?
 * @p: its first packet
 * @s: the session, its client and target known; is told if it is a hairpin, and
 *     if IPv6's conntrack shall know of it
 *
 * Context: RCU.
 * Return: NAT46_OK, or why not.
 */
enum nat46_reason nat46_session_allowed(const struct nat46_pkt *p, struct nat46_session *s)
{
	if (nat46_policy_check(p->conf, &s->t6.daddr, s->t4.saddr, s->t4.proto,
			       ntohs(s->t4.dport)) != NAT46_POLICY_ALLOW)
		return NAT46_DROP_POLICY;
	s->hairpin = nat46_source_holds(p->conf, &s->t6.daddr);
	if (s->hairpin && p->conf->params.hairpin != NAT46_HAIRPIN_ALLOW)
		return NAT46_DROP_SOURCE_LOOP;
	/* a hairpin's packets never are IPv6 to anybody else */
	s->track6 = p->conf->params.track6 && !s->hairpin;
	if (ipv6_chk_addr(p->nn->net, &s->t6.daddr, NULL, 0))
		return NAT46_DROP_TARGET_LOCAL;
	return NAT46_OK;
}

/**
 * nat46_session_reaches() - is there a way to the session's target?
 * @p: its first packet
 * @s: the session, which keeps the route
 *
 * Context: RCU.
 * Return: NAT46_OK, or why not.
 */
enum nat46_reason nat46_session_reaches(const struct nat46_pkt *p, struct nat46_session *s)
{
	const struct dst_entry *dst = nat46_route6(s, p->skb);

	if (IS_ERR(dst))
		return NAT46_DROP_NO_ROUTE6;
	if (((const struct rt6_info *)dst)->rt6i_flags & (RTF_LOCAL | RTF_ANYCAST))
		return NAT46_DROP_TARGET_LOCAL;
	return NAT46_OK;
}

/**
 * nat46_session_path() - where to, from which address, and may it?
 * @p: its first packet
 * @s: the session, its client known; s->t6 is filled in but for the port
 * @src: the client's source
 * @target: the target
 *
 * Context: RCU.
 * Return: NAT46_OK, or why not.
 */
enum nat46_reason nat46_session_path(struct nat46_pkt *p, struct nat46_session *s,
				     const struct nat46_source *src,
				     const struct in6_addr *target)
{
	enum nat46_reason r;

	init_keys();
	s->t6.daddr = *target;
	s->t6.dport = p->t4.dport;
	s->t6.proto = p->t4.proto;

	r = nat46_session_allowed(p, s);
	if (r)
		return r;
	/* its answers would be for the host, or a socket of it */
	if (s->hairpin && (p->local || src->type == NAT46_SOURCE_DEV))
		return NAT46_DROP_SOURCE_LOOP;
	if (src->type == NAT46_SOURCE_DEV) {
		s->oif = src->ifindex;
	} else if (src->type == NAT46_SOURCE_ADDR) {
		s->t6.saddr = range_addr(src, p->t4.saddr, 0);
	} else {
		if (!nat46_source_embed(src, p->t4.saddr, &s->t6.saddr))
			return NAT46_DROP_NOT_GLOBAL;
		s->stateless = true;
	}

	r = nat46_session_reaches(p, s);
	return !r && src->type == NAT46_SOURCE_DEV ? dev_addr(p, s) : r;
}

/**
 * nat46_first_state() - how a session begins
 * @p: its first packet
 * @proto: as in a tuple
 *
 * Context: RCU.
 * Return: enum nat46_session_state; or -1: such a segment opens no session.
 */
int nat46_first_state(const struct nat46_pkt *p, u8 proto)
{
	if (proto == IPPROTO_DCCP)
		return NAT46_STATE_INIT;
	if (proto != IPPROTO_TCP)
		return NAT46_STATE_NONE;
	if (nat46_tcp_opens(p->tcp_flags))
		return NAT46_STATE_INIT;
	if (p->conf->params.tcp_midstream == NAT46_TCP_MIDSTREAM_ALLOW &&
	    nat46_tcp_midstream(p->tcp_flags))
		return NAT46_STATE_ESTABLISHED;
	return -1;
}

/*
 * RFC 6437 section 3: one for all packets of the flow, hard to guess. Zero is
 * no label.
 */
static __be32 flow_label(const struct nat46_session *s)
{
	const u32 hash = siphash_4u32((__force u32)s->t4.saddr, (__force u32)s->t4.daddr,
				      (__force u32)s->t4.sport << 16 |
				      (__force u32)s->t4.dport, s->t4.proto, &label_key);

	return htonl(hash & 0xfffff) ?: htonl(1);
}

static bool count_session(const struct nat46_pkt *p)
{
	const u32 max = p->conf->params.max_sessions;

	if ((u32)atomic_inc_return(&p->nn->sessions) <= (max ?: INT_MAX))
		return true;
	atomic_dec(&p->nn->sessions);
	return false;
}

/**
 * nat46_session_new() - a session to be filled in
 * @p: its first packet
 * @map: its mapping
 * @sp: set to the session, counted; nat46_session_undo() gives it back
 *
 * Context: RCU, softirq or process.
 * Return: NAT46_OK, or why there is none.
 */
enum nat46_reason nat46_session_new(struct nat46_pkt *p, struct nat46_mapping *map,
				    struct nat46_session **sp)
{
	struct nat46_session *s;
	bool full;

	init_keys();
	if (!count_session(p))
		return NAT46_DROP_MAX_SESSIONS;
	s = nat46_session_alloc(p->nn->net, &full);
	if (!s) {
		atomic_dec(&p->nn->sessions);
		return full ? NAT46_DROP_MAX_SESSIONS : NAT46_DROP_NO_MEMORY;
	}
	if (!nat46_map_open(map)) {	/* it expires in this moment */
		atomic_dec(&p->nn->sessions);
		nat46_session_free(s);
		return NAT46_DROP_UNMAPPED;
	}
	nat46_miss_stale(p, map);
	s->map = map;
	s->last = nat46_now();
	*sp = s;
	return NAT46_OK;
}

/**
 * nat46_session_undo() - give back a session that was never hashed
 * @s: the session
 *
 * Context: softirq or process.
 */
void nat46_session_undo(struct nat46_session *s)
{
	nat46_map_ended(s->map, nat46_now());
	atomic_dec(&nat46_pernet(s->net)->sessions);
	nat46_session_free(s);
}

/**
 * nat46_session_finish() - what follows from a session's tuples
 * @p: its first packet
 * @s: the session
 *
 * Context: RCU.
 */
void nat46_session_finish(const struct nat46_pkt *p, struct nat46_session *s)
{
	s->diff = flow_diff(s);
	if (p->conf->params.flow_label == NAT46_FLOW_LABEL_HASH)
		s->label = flow_label(s);
}

/**
 * nat46_session_open() - make the session of a flow's first packet
 * @p: the packet, from the IPv4 side
 * @sp: set to the session; another CPU's where that was first
 * @instead: NULL; or the flow's session, whose target does not answer, to be
 *	followed by one to the mapping's next
 *
 * Context: RCU, softirq or process (LOCAL_OUT).
 * Return: NAT46_OK, or why the flow gets no session.
 */
enum nat46_reason nat46_session_open(struct nat46_pkt *p, struct nat46_session **sp,
				     struct nat46_session *instead)
{
	const struct nat46_source *src;
	const struct nat46_pool *pool;
	struct nat46_mapping *map;
	struct in6_addr target;
	struct nat46_session *s;
	enum nat46_reason r;
	int err, state;

	if (p->t4.asked6)	/* an answer, and nobody has asked */
		return NAT46_DROP_ICMP_TYPE;
	/* before the mapping, which a draining pool has lost */
	pool = nat46_pool_find(p->conf, p->t4.daddr);
	if (pool && pool->drain)
		return NAT46_DROP_DRAINING;
	map = nat46_map_find(p->conf, p->t4.daddr);
	if (!map)
		return NAT46_DROP_UNMAPPED;
	if (!instead) {
		target = nat46_map_target(map, p->t4.saddr, p->t4.daddr);
	} else {
		target = instead->t6.daddr;
		if (!nat46_map_next_target(map, p->t4.saddr, p->t4.daddr, &target))
			return NAT46_DROP_UNMAPPED;
	}
	state = nat46_first_state(p, p->t4.proto);
	if (state < 0)
		return NAT46_DROP_TCP_MIDSTREAM;
	src = nat46_source_find(p->conf, p->t4.saddr);
	if (!src)
		return NAT46_DROP_NO_SOURCE;
	r = nat46_session_new(p, map, &s);
	if (r)
		return r;
	s->t4 = p->t4;
	s->hash4 = p->hash;
	s->local = p->local;
	s->late = p->late;
	s->iif = nat46_pkt_iif(p);
	s->state = state;
	if (state == NAT46_STATE_INIT)
		s->syn = nat46_tcp_seq(p);

	r = nat46_client_open(s, p->conf->params.max_per_client);
	if (r)
		goto undo;
	r = nat46_session_client(p, s);
	if (r)
		goto undo_client;
	r = nat46_session_path(p, s, src, &target);
	if (r)
		goto undo_client;

	if (p->conf->params.flow_label == NAT46_FLOW_LABEL_HASH)
		s->label = flow_label(s);
	err = take_addr_and_port(p, s, src, instead, sp);
	if (!err) {
		nat46_count(p->nn, NAT46_CNT_OPENED);
		*sp = s;
		return NAT46_OK;
	}
	if (err == -ENOMEM)
		r = NAT46_DROP_NO_MEMORY;
	else
		r = err == -EEXIST ? NAT46_OK : NAT46_DROP_NO_PORT;

undo_client:
	nat46_client_ended(s);
undo:
	nat46_session_undo(s);
	return r;
}
