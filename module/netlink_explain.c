// SPDX-License-Identifier: GPL-2.0
/* The request that asks what would happen to a packet. */
#include <net/ip.h>

#include "explain.h"
#include "request.h"

const struct nla_policy nat46_nl_explain[NAT46_EXPLAIN_A_MAX + 1] = {
	[NAT46_EXPLAIN_A_SRC4]		= { .type = NLA_U32 },
	[NAT46_EXPLAIN_A_DST4]		= { .type = NLA_U32 },
	[NAT46_EXPLAIN_A_PROTO]		= { .type = NLA_U8 },
	[NAT46_EXPLAIN_A_SPORT4]	= { .type = NLA_U16 },
	[NAT46_EXPLAIN_A_DPORT]		= { .type = NLA_U16 },
	[NAT46_EXPLAIN_A_IIF]		= NLA_POLICY_MIN(NLA_U32, 1),
	[NAT46_EXPLAIN_A_MARK]		= { .type = NLA_U32 },
	[NAT46_EXPLAIN_A_UID]		= { .type = NLA_U32 },
};

static __be16 port_of(struct genl_info *info, int attr)
{
	return info->attrs[attr] ? nla_get_be16(info->attrs[attr]) : 0;
}

static int parse(struct genl_info *info, struct nat46_explanation *x)
{
	struct nlattr **a = info->attrs;
	int err = nat46_nl_need(info, NAT46_EXPLAIN_A_SRC4, "the packet's source is missing");

	err = err ?: nat46_nl_need(info, NAT46_EXPLAIN_A_DST4,
				   "the packet's destination is missing");
	err = err ?: nat46_nl_need(info, NAT46_EXPLAIN_A_PROTO, "the packet's protocol is missing");
	if (err)
		return err;
	x->t4.saddr = nla_get_in_addr(a[NAT46_EXPLAIN_A_SRC4]);
	x->t4.daddr = nla_get_in_addr(a[NAT46_EXPLAIN_A_DST4]);
	x->t4.proto = nla_get_u8(a[NAT46_EXPLAIN_A_PROTO]);
	x->t4.sport = port_of(info, NAT46_EXPLAIN_A_SPORT4);
	x->t4.dport = port_of(info, NAT46_EXPLAIN_A_DPORT);
	if (a[NAT46_EXPLAIN_A_IIF])
		x->iif = nla_get_u32(a[NAT46_EXPLAIN_A_IIF]);
	if (a[NAT46_EXPLAIN_A_MARK])
		x->mark = nla_get_u32(a[NAT46_EXPLAIN_A_MARK]);
	if (x->t4.proto == IPPROTO_ICMPV6) {
		NL_SET_ERR_MSG_ATTR(info->extack, a[NAT46_EXPLAIN_A_PROTO], "in IPv4 that is icmp");
		return -EINVAL;
	}
	return 0;
}

/* A user, as the one who asks knows him. */
static int parse_uid(struct sk_buff *req, struct genl_info *info, struct nat46_explanation *x)
{
	const struct nlattr *a = info->attrs[NAT46_EXPLAIN_A_UID];

	if (!a)
		return 0;
	x->uid = make_kuid(sk_user_ns(NETLINK_CB(req).sk), nla_get_u32(a));
	x->has_uid = uid_valid(x->uid);
	if (x->has_uid)
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, a, "there is no such user here");
	return -EINVAL;
}

static int put_packet(struct sk_buff *skb, const struct nat46_explanation *x)
{
	return nla_put_in_addr(skb, NAT46_EXPLAIN_A_SRC4, x->t4.saddr) ||
	       nla_put_in_addr(skb, NAT46_EXPLAIN_A_DST4, x->t4.daddr) ||
	       nla_put_u8(skb, NAT46_EXPLAIN_A_PROTO, x->t4.proto) ||
	       nla_put_be16(skb, NAT46_EXPLAIN_A_SPORT4, x->t4.sport) ||
	       nla_put_be16(skb, NAT46_EXPLAIN_A_DPORT, x->t4.dport) ||
	       (x->mark && nla_put_u32(skb, NAT46_EXPLAIN_A_MARK, x->mark)) ||
	       (x->iif && nla_put_u32(skb, NAT46_EXPLAIN_A_IIF, x->iif)) ||
	       (x->named && nla_put_u8(skb, NAT46_EXPLAIN_A_NAMED, x->named)) ||
	       (x->local && nla_put_flag(skb, NAT46_EXPLAIN_A_LOCAL));
}

static int put_map(struct sk_buff *skb, const struct nat46_explanation *x)
{
	struct nlattr *nest = nla_nest_start(skb, NAT46_EXPLAIN_A_MAP);

	if (!nest || nat46_nl_map_put(skb, x->map))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return nla_put_in6_addr(skb, NAT46_EXPLAIN_A_DST6, &x->target);
}

static int put_source(struct sk_buff *skb, const struct nat46_explanation *x)
{
	struct nlattr *nest = nla_nest_start(skb, NAT46_EXPLAIN_A_SOURCE);

	if (!nest || nat46_nl_source_put(skb, x->source))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_policy(struct sk_buff *skb, const struct nat46_explanation *x, u8 by_default)
{
	struct nlattr *nest;

	if (!x->policy)
		return nla_put_u8(skb, NAT46_EXPLAIN_A_POLICY_DEFAULT, by_default);
	nest = nla_nest_start(skb, NAT46_EXPLAIN_A_POLICY);
	if (!nest || nat46_nl_policy_put(skb, x->policy))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_way(struct sk_buff *skb, const struct nat46_explanation *x)
{
	return (x->oif && nla_put_u32(skb, NAT46_EXPLAIN_A_OIF, x->oif)) ||
	       (x->mtu && nla_put_u32(skb, NAT46_EXPLAIN_A_MTU, x->mtu)) ||
	       (!ipv6_addr_any(&x->gateway) &&
		nla_put_in6_addr(skb, NAT46_EXPLAIN_A_GATEWAY, &x->gateway)) ||
	       nla_put_in6_addr(skb, NAT46_EXPLAIN_A_SRC6, &x->t6.saddr) ||
	       (x->has_port && nla_put_be16(skb, NAT46_EXPLAIN_A_SPORT6, x->t6.sport));
}

static int put_end(struct sk_buff *skb, const struct nat46_explanation *x)
{
	if (x->pass)
		return nla_put_u8(skb, NAT46_EXPLAIN_A_PASS, x->pass);
	if (x->reason)
		return nla_put_string(skb, NAT46_EXPLAIN_A_DROP, nat46_reason_name(x->reason));
	return nla_put_flag(skb, x->session ? NAT46_EXPLAIN_A_SESSION : NAT46_EXPLAIN_A_TRANSLATE);
}

/* Under RCU. */
static int put_explanation(struct sk_buff *skb, const struct nat46_explanation *x, u8 by_default)
{
	return put_packet(skb, x) ||
	       (x->pool && (nla_put_in_addr(skb, NAT46_EXPLAIN_A_POOL_ADDR, x->pool->addr) ||
			    nla_put_u8(skb, NAT46_EXPLAIN_A_POOL_PLEN, x->pool->plen))) ||
	       (x->map && put_map(skb, x)) ||
	       (x->session && nla_put_in6_addr(skb, NAT46_EXPLAIN_A_DST6, &x->t6.daddr)) ||
	       (x->source && put_source(skb, x)) ||
	       (x->has_sessions &&
		nla_put_u32(skb, NAT46_EXPLAIN_A_CLIENT_SESSIONS, x->sessions)) ||
	       (x->judged && put_policy(skb, x, by_default)) ||
	       (!ipv6_addr_any(&x->t6.daddr) && put_way(skb, x)) ||
	       put_end(skb, x) ? -EMSGSIZE : 0;
}

int nat46_explain_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_net *nn = nat46_nl_net(info);
	struct nat46_explanation x = { .pass = NAT46_EXPLAIN_PASS_POOL };
	struct sk_buff *skb, *scratch;
	const struct nat46_conf *conf;
	u8 by_default = 0;
	void *hdr;
	int err;

	err = parse(info, &x) ?: parse_uid(req, info, &x);
	if (err)
		return err;
	scratch = alloc_skb(0, GFP_KERNEL);
	if (!scratch)
		return -ENOMEM;
	scratch->mark = x.mark;
	skb = nat46_nl_reply(info, NAT46_CMD_EXPLAIN, &hdr);
	if (!skb) {
		consume_skb(scratch);
		return -ENOMEM;
	}
	local_bh_disable();	/* as where packets are met */
	rcu_read_lock();
	conf = rcu_dereference(nn->conf);
	if (conf) {
		by_default = conf->params.policy_default;
		nat46_explain(nn, conf, &x, scratch);
	}
	err = put_explanation(skb, &x, by_default);
	rcu_read_unlock();
	local_bh_enable();
	consume_skb(scratch);
	return nat46_nl_send(info, skb, hdr, err);
}
