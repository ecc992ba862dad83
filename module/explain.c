// SPDX-License-Identifier: GPL-2.0
/*
 * explain.c: what would happen to a flow's first packet, by the functions that
 * it would meet (hook.c, open.c), in their order. No session is made, nothing is
 * counted.
 */
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/slab.h>
#include <net/ip6_route.h>
#include <net/route.h>

#include "explain.h"
#include "rule.h"
#include "session.h"

/* By which device does the packet come, or does a socket of this node send it? */
static enum nat46_reason arrives(struct nat46_pkt *p, struct nat46_session *s,
				 struct nat46_explanation *x)
{
	struct net_device *dev = NULL;
	struct dst_entry *dst;

	p->local = x->local;
	s->local = x->local;
	s->iif = x->iif;
	if (x->iif) {
		dev = dev_get_by_index_rcu(p->nn->net, x->iif);
		if (!dev)
			return NAT46_DROP_SRC_CHECK;
	}
	if (x->local) {
		if (x->has_uid)
			s->uid = x->uid;
		return NAT46_OK;
	}
	if (dev) {
		p->skb->dev = dev;
		return NAT46_OK;
	}
	/* nobody has said by which device: the one that the route back uses */
	dst = nat46_route4(s, p->skb);
	if (IS_ERR(dst))
		return NAT46_DROP_SRC_CHECK;
	p->skb->dev = dst->dev;
	x->iif = dst->dev->ifindex;
	s->iif = x->iif;
	return NAT46_OK;
}

/* As nat46_session_new() would see it. */
static enum nat46_reason has_room(const struct nat46_pkt *p)
{
	const u32 max = p->conf->params.max_sessions;

	return nat46_session_room(p->nn->net) &&
	       (!max || (u32)atomic_read(&p->nn->sessions) < max) ?
	       NAT46_OK : NAT46_DROP_MAX_SESSIONS;
}

/* As nat46_client_open() would. */
static enum nat46_reason client_has_room(const struct nat46_pkt *p, struct nat46_explanation *x)
{
	const u32 max = p->conf->params.max_per_client;

	x->sessions = nat46_client_sessions(p->nn->net, x->t4.saddr);
	x->has_sessions = true;
	return !max || x->sessions < max ? NAT46_OK : NAT46_DROP_MAX_PER_CLIENT;
}

/* nat46_session_open(), step by step. */
static enum nat46_reason would_open(struct nat46_pkt *p, struct nat46_session *s,
				    struct nat46_explanation *x)
{
	struct dst_entry *dst;
	enum nat46_reason r;

	if (x->pool->drain)
		return NAT46_DROP_DRAINING;
	x->map = nat46_map_find(p->conf, x->t4.daddr);
	if (!x->map)
		return NAT46_DROP_UNMAPPED;
	x->target = nat46_map_target(x->map, x->t4.saddr, x->t4.daddr);
	x->source = nat46_source_find(p->conf, x->t4.saddr);
	if (!x->source)
		return NAT46_DROP_NO_SOURCE;
	r = has_room(p);
	r = r ?: arrives(p, s, x);
	r = r ?: client_has_room(p, x);
	r = r ?: nat46_session_client(p, s);
	if (r)
		return r;
	x->policy = nat46_policy_entry(p->conf, &x->target, x->t4.saddr, x->t4.proto,
				       ntohs(x->t4.dport));
	x->judged = true;
	r = nat46_session_path(p, s, x->source, &x->target);
	if (r)
		return r;
	dst = nat46_route6(s, p->skb);
	if (IS_ERR(dst))
		return NAT46_DROP_NO_ROUTE6;
	x->oif = s->hairpin ? 0 : dst->dev->ifindex;
	x->mtu = dst_mtu(dst);
	if (((const struct rt6_info *)dst)->rt6i_flags & RTF_GATEWAY)
		x->gateway = ((const struct rt6_info *)dst)->rt6i_gateway;
	x->t6 = s->t6;
	/* which of a client's ports it would be is known by its sessions alone */
	if (p->conf->params.port_mapping == NAT46_PORT_MAPPING_INDEPENDENT)
		return NAT46_OK;
	if (!nat46_session_next_port(p, s, x->source))
		return NAT46_DROP_NO_PORT;
	x->t6 = s->t6;
	x->has_port = true;
	return NAT46_OK;
}

/* An address of this node's: of the VRF that the device is in, or of all that is in none. */
static bool is_own(const struct nat46_pkt *p, const struct nat46_explanation *x)
{
	const struct net_device *dev = dev_get_by_index_rcu(p->nn->net, x->iif);

	return inet_addr_type_dev_table(p->nn->net, dev, x->t4.saddr) == RTN_LOCAL;
}

/* What hook.c asks before anything else; what rules say of the packet nobody knows here. */
static enum nat46_explain_pass passes(const struct nat46_pkt *p, struct nat46_explanation *x)
{
	const struct nat46_params *par = &p->conf->params;

	x->pool = nat46_pool_find(p->conf, x->t4.daddr);
	if (!x->pool)
		return NAT46_EXPLAIN_PASS_POOL;
	x->local = is_own(p, x);
	if (x->local && !par->local_out)
		return NAT46_EXPLAIN_PASS_LOCAL;
	if (nat46_by_rules(p->nn))
		x->named = NAT46_EXPLAIN_NAMED_RULE;
	if ((x->mark ^ par->hook_mark) & par->hook_mask)
		return NAT46_EXPLAIN_PASS_MARK;
	if (par->hook_late == NAT46_HOOK_LATE_HELPER)
		x->named |= NAT46_EXPLAIN_NAMED_HELPER;
	else if (par->hook_mask)
		x->named = 0;
	return NAT46_EXPLAIN_PASS_NONE;
}

/**
 * nat46_explain() - what would happen to a flow's first packet?
 * @nn: the network namespace's state
 * @conf: the configuration
 * @x: t4, iif (0: where the route back leads), mark and perhaps uid are given, the
 *	rest zero; filled in as far as the packet would come
 * @scratch: an skb of that mark, without data or a device
 *
 * Context: RCU, softirq or with these off.
 */
void nat46_explain(struct nat46_net *nn, const struct nat46_conf *conf,
		   struct nat46_explanation *x, struct sk_buff *scratch)
{
	struct nat46_session *s;
	struct nat46_pkt p;

	nat46_pkt_init(&p, scratch, nn, conf);
	p.t4 = x->t4;
	p.tcp_flags = NAT46_TCP_SYN;
	x->pass = passes(&p, x);
	if (x->pass)
		return;
	s = nat46_session_find4(&p, &x->t4);
	if (s) {
		x->session = true;
		x->t6 = s->t6;
		x->has_port = true;
		return;
	}
	s = kzalloc(sizeof(*s), GFP_ATOMIC);
	if (!s) {
		x->reason = NAT46_DROP_NO_MEMORY;
		return;
	}
	s->net = nn->net;
	s->t4 = x->t4;
	s->hash4 = p.hash;
	x->reason = would_open(&p, s, x);
	if (x->reason == NAT46_DROP_UNMAPPED && conf->params.unmapped == NAT46_UNMAPPED_PASS) {
		x->reason = NAT46_OK;
		x->pass = NAT46_EXPLAIN_PASS_UNMAPPED;
	}
	scratch->dev = NULL;
	dst_release(rcu_dereference_protected(s->dst4, true));
	dst_release(rcu_dereference_protected(s->dst6, true));
	kfree(s);
}
