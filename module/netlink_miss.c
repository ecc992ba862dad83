// SPDX-License-Identifier: GPL-2.0
/* The group "miss", and what its listener answers. */
#include "request.h"

const struct nla_policy nat46_nl_miss[NAT46_MISS_A_MAX + 1] = {
	[NAT46_MISS_A_ADDR]	= { .type = NLA_U32 },
};

int nat46_miss_unknown_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_net *nn = nat46_nl_net(info);
	int err;

	err = nat46_nl_need(info, NAT46_MISS_A_ADDR, "the address is missing");
	if (err)
		return err;
	mutex_lock(&nn->lock);
	nat46_miss_unknown(nn, nla_get_in_addr(info->attrs[NAT46_MISS_A_ADDR]));
	mutex_unlock(&nn->lock);
	return 0;
}

static int put(struct sk_buff *skb, const struct nat46_miss *miss)
{
	if (nla_put_in_addr(skb, NAT46_MISS_A_ADDR, miss->addr) ||
	    nla_put_in_addr(skb, NAT46_MISS_A_CLIENT, miss->client) ||
	    nla_put_u8(skb, NAT46_MISS_A_PROTO, miss->proto) ||
	    nla_put_be16(skb, NAT46_MISS_A_DPORT, miss->dport))
		return -EMSGSIZE;
	return 0;
}

/* Of any network namespace: the kernel keeps one count of all. */
static bool wanted(struct nat46_net *nn)
{
	return genl_has_listeners(&nat46_family, nn->net, NAT46_GROUP_MISS);
}

/* Softirq. What is lost is told again when the client sends again. */
static bool tell(struct nat46_net *nn, const struct nat46_miss *miss)
{
	struct sk_buff *skb = genlmsg_new(64, GFP_ATOMIC);
	void *hdr;

	if (!skb)
		return true;
	hdr = genlmsg_put(skb, 0, 0, &nat46_family, 0, NAT46_CMD_MISS_NTF);
	if (!hdr || put(skb, miss) || (miss->stale && nla_put_flag(skb, NAT46_MISS_A_STALE))) {
		nlmsg_free(skb);
		return true;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_multicast_netns(&nat46_family, nn->net, skb, 0, NAT46_GROUP_MISS,
				       GFP_ATOMIC) != -ESRCH;
}

/* Somebody wants the listener to look a mapping's targets up anew. */
int nat46_miss_stale_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_miss miss = { .stale = true };
	struct nat46_net *nn = nat46_nl_net(info);
	const struct nat46_conf *conf;
	int err;

	err = nat46_nl_need(info, NAT46_MISS_A_ADDR, "the address is missing");
	if (err)
		return err;
	miss.addr = nla_get_in_addr(info->attrs[NAT46_MISS_A_ADDR]);
	rcu_read_lock();
	conf = rcu_dereference(nn->conf);
	if (!conf || !nat46_maps_get(conf->maps, miss.addr, 32))
		err = -ENOENT;
	rcu_read_unlock();
	if (err) {
		NL_SET_ERR_MSG(info->extack, "no such mapping");
		return nat46_nl_bad(info, NAT46_MISS_A_ADDR, err);
	}
	if (!tell(nn, &miss)) {
		NL_SET_ERR_MSG(info->extack, "nobody listens who could look it up (dns46)");
		return -ESRCH;
	}
	return 0;
}

int nat46_miss_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nat46_net *nn = nat46_nl_dump_net(cb);
	const struct nat46_conf *conf;
	struct nat46_miss miss;
	unsigned int i;

	rcu_read_lock();
	conf = rcu_dereference(nn->conf);
	for (i = cb->args[0]; conf && nat46_miss_seen(nn, &i, &miss); i++) {
		void *hdr;

		if (nat46_map_find(conf, miss.addr))
			continue;
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				  &nat46_family, NLM_F_MULTI, NAT46_CMD_MISS_GET);
		if (!hdr)
			break;
		if (put(skb, &miss) || nla_put_u32(skb, NAT46_MISS_A_AGE, miss.age) ||
		    (miss.unknown && nla_put_flag(skb, NAT46_MISS_A_UNKNOWN))) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
	}
	rcu_read_unlock();
	cb->args[0] = i;
	return skb->len;
}

const struct nat46_miss_ops nat46_miss_ops = { .wanted = wanted, .tell = tell };
