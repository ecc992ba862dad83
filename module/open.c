// SPDX-License-Identifier: GPL-2.0
/*
 * open.c: makes the session of a flow's first packet. Reading
 * nat46_session_open() top down tells who may open one, and to where.
 */
#include <linux/siphash.h>
#include <net/addrconf.h>
#include <net/ip6_route.h>
#include <net/l3mdev.h>
#include <net/route.h>

#include "nf_nat46.h"
#include "session.h"

static siphash_key_t label_key __read_mostly;

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
		s->t6.saddr = nat46_range_addr(src, p->t4.saddr, 0);
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
	u32 hash;

	net_get_random_once(&label_key, sizeof(label_key));
	hash = siphash_4u32((__force u32)s->t4.saddr, (__force u32)s->t4.daddr,
			    (__force u32)s->t4.sport << 16 | (__force u32)s->t4.dport,
			    s->t4.proto, &label_key);
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
	nat46_map_refused(s->map);
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
	s->diff = nat46_session_diff(s);
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
	nat46_miss_stale(p, map);
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
	err = nat46_session_take(p, s, src, instead, sp);
	if (!err) {
		nat46_route6_renew(s);
		nat46_map_opened(map);
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
