// SPDX-License-Identifier: GPL-2.0
/* The requests about pools, sources and policy entries. */
#include "request.h"

/*
 * A message for each object of a kind, from the one on that the last buffer had
 * no room for. @put: -ENOENT behind the last; the configuration may be another
 * by now, with fewer.
 */
static int dump(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd,
		int (*put)(struct sk_buff *skb, const struct nat46_conf *conf, unsigned int i))
{
	const struct nat46_net *nn = nat46_nl_dump_net(cb);
	const struct nat46_conf *conf;
	void *hdr;

	cb->seq = READ_ONCE(nn->gen);
	rcu_read_lock();
	conf = rcu_dereference(nn->conf);
	while (conf) {
		const unsigned int seq = cb->prev_seq;

		hdr = nat46_nl_dump_put(skb, cb, cmd);
		if (!hdr)
			break;
		if (put(skb, conf, cb->args[0])) {
			genlmsg_cancel(skb, hdr);
			cb->prev_seq = seq;	/* a change was told of by nobody yet */
			break;
		}
		genlmsg_end(skb, hdr);
		cb->args[0]++;
	}
	rcu_read_unlock();
	return skb->len;
}

/* ---- pools --------------------------------------------------------------------- */

#define POOL_NAME							\
	[NAT46_POOL_A_ADDR]	= { .type = NLA_U32 },			\
	[NAT46_POOL_A_PLEN]	= NLA_POLICY_RANGE(NLA_U8, 8, 32)

const struct nla_policy nat46_nl_pool_add[NAT46_POOL_A_MAX + 1] = {
	POOL_NAME,
};

const struct nla_policy nat46_nl_pool_del[NAT46_POOL_A_MAX + 1] = {
	POOL_NAME,
	[NAT46_POOL_A_FORCE]	= { .type = NLA_FLAG },
	[NAT46_POOL_A_DRAIN]	= { .type = NLA_FLAG },
};

static int pool_parse(struct genl_info *info, struct nat46_pool *p)
{
	int err = nat46_nl_need(info, NAT46_POOL_A_ADDR, "the pool's address is missing");

	err = err ?: nat46_nl_need(info, NAT46_POOL_A_PLEN, "the pool's prefix length is missing");
	if (err)
		return err;
	p->addr = nla_get_in_addr(info->attrs[NAT46_POOL_A_ADDR]);
	p->plen = nla_get_u8(info->attrs[NAT46_POOL_A_PLEN]);
	p->mask = nat46_mask4(p->plen);
	return nat46_nl_bad(info, NAT46_POOL_A_ADDR, nat46_pool_check(p, info->extack));
}

int nat46_pool_add_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_pool p = { 0 };
	struct nat46_edit e;
	int err, may;

	may = nat46_nl_may(info);
	if (may < 0)
		return may;
	err = pool_parse(info, &p);
	if (err)
		return err;
	err = nat46_edit_begin(&e, nat46_nl_net(info), info->snd_portid, info->extack);
	if (err)
		return err;
	err = nat46_conf_pool_add(&e, &p, may, info->extack);
	nat46_edit_end(&e);
	return nat46_nl_bad(info, NAT46_POOL_A_ADDR, err);
}

int nat46_pool_del_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_pool p = { 0 };
	struct nat46_edit e;
	int err, how;

	how = nat46_nl_removal(info, NAT46_POOL_A_FORCE, NAT46_POOL_A_DRAIN);
	if (how < 0)
		return how;
	err = pool_parse(info, &p);
	if (err)
		return err;
	err = nat46_edit_begin_live(&e, nat46_nl_net(info), info->snd_portid, info->extack);
	if (err)
		return err;
	err = nat46_conf_pool_del(&e, &p, how, info->extack);
	nat46_edit_end(&e);
	return nat46_nl_bad(info, NAT46_POOL_A_ADDR, err);
}

static int pool_put(struct sk_buff *skb, const struct nat46_conf *conf, unsigned int i)
{
	const struct nat46_pool *p = &conf->pools->v[i];

	if (i >= conf->pools->n)
		return -ENOENT;
	if (nla_put_in_addr(skb, NAT46_POOL_A_ADDR, p->addr) ||
	    nla_put_u8(skb, NAT46_POOL_A_PLEN, p->plen) ||
	    nla_put_u32(skb, NAT46_POOL_A_MAPPINGS, nat46_maps_count(conf->maps, p)))
		return -EMSGSIZE;
	return p->drain ? nla_put_flag(skb, NAT46_POOL_A_DRAIN) : 0;
}

int nat46_pool_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, NAT46_CMD_POOL_GET, pool_put);
}

/* ---- sources -------------------------------------------------------------------- */

static const struct nla_policy ports[NAT46_PORTS_A_MAX + 1] = {
	[NAT46_PORTS_A_RANGE]		= { .type = NLA_U32 },
};

#define SOURCE_NAME							\
	[NAT46_SOURCE_A_TYPE]		= { .type = NLA_U8 },		\
	[NAT46_SOURCE_A_IFNAME]		= { .type = NLA_NUL_STRING,	\
					    .len = IFNAMSIZ - 1 },	\
	[NAT46_SOURCE_A_ADDR_LO]	= NLA_POLICY_EXACT_LEN(16),	\
	[NAT46_SOURCE_A_ADDR_HI]	= NLA_POLICY_EXACT_LEN(16),	\
	[NAT46_SOURCE_A_PLEN]		= NLA_POLICY_MAX(NLA_U8, 128),	\
	[NAT46_SOURCE_A_FROM]		= { .type = NLA_U32 },		\
	[NAT46_SOURCE_A_FROM_PLEN]	= NLA_POLICY_MAX(NLA_U8, 32)

const struct nla_policy nat46_nl_source_add[NAT46_SOURCE_A_MAX + 1] = {
	SOURCE_NAME,
	[NAT46_SOURCE_A_PORTS]		= NLA_POLICY_NESTED(ports),
};

const struct nla_policy nat46_nl_source_del[NAT46_SOURCE_A_MAX + 1] = {
	SOURCE_NAME,
	[NAT46_SOURCE_A_FORCE]		= { .type = NLA_FLAG },
	[NAT46_SOURCE_A_DRAIN]		= { .type = NLA_FLAG },
};

/* "from": absent is everybody, an address alone one client. */
static int from_parse(struct genl_info *info, int addr, int plen, __be32 *from, u8 *from_plen)
{
	if (info->attrs[plen] && !info->attrs[addr]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[plen],
				    "the address of \"from\" is missing");
		return -EINVAL;
	}
	if (!info->attrs[addr])
		return 0;
	*from = nla_get_in_addr(info->attrs[addr]);
	*from_plen = info->attrs[plen] ? nla_get_u8(info->attrs[plen]) : 32;
	return 0;
}

static int refuse(struct genl_info *info, int attr)
{
	if (!info->attrs[attr])
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr],
			    "a source of that type does not take this");
	return -EINVAL;
}

static int source_dev_parse(struct genl_info *info, struct nat46_source *s)
{
	int err = nat46_nl_need(info, NAT46_SOURCE_A_IFNAME, "the source's device is missing");

	err = err ?: refuse(info, NAT46_SOURCE_A_ADDR_LO);
	err = err ?: refuse(info, NAT46_SOURCE_A_ADDR_HI);
	err = err ?: refuse(info, NAT46_SOURCE_A_PLEN);
	if (!err)
		strscpy(s->ifname, nla_data(info->attrs[NAT46_SOURCE_A_IFNAME]),
			sizeof(s->ifname));
	return err;
}

static int source_addr_parse(struct genl_info *info, struct nat46_source *s)
{
	int err = nat46_nl_need(info, NAT46_SOURCE_A_ADDR_LO, "the source's address is missing");

	err = err ?: refuse(info, NAT46_SOURCE_A_IFNAME);
	err = err ?: refuse(info, NAT46_SOURCE_A_PLEN);
	if (err)
		return err;
	s->lo = nla_get_in6_addr(info->attrs[NAT46_SOURCE_A_ADDR_LO]);
	s->hi = s->lo;
	if (info->attrs[NAT46_SOURCE_A_ADDR_HI])
		s->hi = nla_get_in6_addr(info->attrs[NAT46_SOURCE_A_ADDR_HI]);
	return 0;
}

static int source_prefix_parse(struct genl_info *info, struct nat46_source *s)
{
	int err = nat46_nl_need(info, NAT46_SOURCE_A_ADDR_LO, "the source's prefix is missing");

	err = err ?: nat46_nl_need(info, NAT46_SOURCE_A_PLEN,
				   "the source's prefix length is missing");
	err = err ?: refuse(info, NAT46_SOURCE_A_IFNAME);
	err = err ?: refuse(info, NAT46_SOURCE_A_ADDR_HI);
	err = err ?: refuse(info, NAT46_SOURCE_A_PORTS);
	if (err)
		return err;
	s->lo = nla_get_in6_addr(info->attrs[NAT46_SOURCE_A_ADDR_LO]);
	s->plen = nla_get_u8(info->attrs[NAT46_SOURCE_A_PLEN]);
	return 0;
}

static int ports_parse(struct genl_info *info, struct nat46_source *s)
{
	const struct nlattr *nest = info->attrs[NAT46_SOURCE_A_PORTS], *nla;
	int rem;

	if (!nest)
		return 0;
	nla_for_each_nested(nla, nest, rem) {
		const u32 range = nla_get_u32(nla);

		if (s->n_ports == NAT46_PORT_RANGES_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack, nla, "more than 8 ranges of ports");
			return -EINVAL;
		}
		s->ports[s->n_ports].lo = range >> 16;
		s->ports[s->n_ports].hi = range & 0xffff;
		s->n_ports++;
	}
	if (s->n_ports)
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, nest, "no range of ports");
	return -EINVAL;
}

/* The attribute that names the source best. */
static int source_word(const struct nat46_source *s)
{
	switch (s->type) {
	case NAT46_SOURCE_DEV:
		return NAT46_SOURCE_A_IFNAME;
	case NAT46_SOURCE_ADDR:
		return NAT46_SOURCE_A_ADDR_LO;
	case NAT46_SOURCE_PREFIX:
		return nat46_embed_len(s->plen) ? NAT46_SOURCE_A_ADDR_LO : NAT46_SOURCE_A_PLEN;
	default:
		return NAT46_SOURCE_A_TYPE;
	}
}

static int source_parse(struct genl_info *info, struct nat46_source *s)
{
	int err = nat46_nl_need(info, NAT46_SOURCE_A_TYPE, "the source's type is missing");

	if (err)
		return err;
	s->type = nla_get_u8(info->attrs[NAT46_SOURCE_A_TYPE]);
	err = from_parse(info, NAT46_SOURCE_A_FROM, NAT46_SOURCE_A_FROM_PLEN, &s->from,
			 &s->from_plen);
	if (!err && s->type == NAT46_SOURCE_DEV)
		err = source_dev_parse(info, s);
	else if (!err && s->type == NAT46_SOURCE_ADDR)
		err = source_addr_parse(info, s);
	else if (!err && s->type == NAT46_SOURCE_PREFIX)
		err = source_prefix_parse(info, s);
	err = err ?: ports_parse(info, s);
	if (err)
		return err;
	err = nat46_source_check(s, info->extack);
	return nat46_nl_bad(info, source_word(s), err);
}

int nat46_source_add_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_net *nn = nat46_nl_net(info);
	struct nat46_source s = { 0 };
	struct nat46_edit e;
	int err, may;

	may = nat46_nl_may(info);
	if (may < 0)
		return may;
	err = source_parse(info, &s);
	if (err)
		return err;
	err = nat46_edit_begin(&e, nn, info->snd_portid, info->extack);
	if (err)
		return err;
	/* under the lock, or the device could go before we are told of it */
	err = nat46_source_resolve(nn->net, &s, info->extack);
	if (!err || e.tx)	/* restored, it may be one that is yet to come */
		err = nat46_conf_source_add(&e, &s, may, info->extack);
	nat46_edit_end(&e);
	return nat46_nl_bad(info, source_word(&s), err);
}

int nat46_source_del_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_source s = { 0 };
	struct nat46_edit e;
	int err, how;

	how = nat46_nl_removal(info, NAT46_SOURCE_A_FORCE, NAT46_SOURCE_A_DRAIN);
	if (how < 0)
		return how;
	err = source_parse(info, &s);
	if (err)
		return err;
	err = nat46_edit_begin_live(&e, nat46_nl_net(info), info->snd_portid, info->extack);
	if (err)
		return err;
	err = nat46_conf_source_del(&e, &s, how, info->extack);
	nat46_edit_end(&e);
	return nat46_nl_bad(info, source_word(&s), err);
}

static int ports_put(struct sk_buff *skb, const struct nat46_source *s)
{
	struct nlattr *nest = nla_nest_start(skb, NAT46_SOURCE_A_PORTS);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < s->n_ports; i++)
		if (nla_put_u32(skb, NAT46_PORTS_A_RANGE, s->ports[i].lo << 16 | s->ports[i].hi))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int nat46_nl_source_put(struct sk_buff *skb, const struct nat46_source *s)
{
	if (nla_put_u8(skb, NAT46_SOURCE_A_TYPE, s->type) || (s->n_ports && ports_put(skb, s)))
		return -EMSGSIZE;
	if (s->type == NAT46_SOURCE_DEV) {
		if (nla_put_string(skb, NAT46_SOURCE_A_IFNAME, s->ifname) ||
		    nla_put_u32(skb, NAT46_SOURCE_A_IFINDEX, s->ifindex))
			return -EMSGSIZE;
	} else if (s->type == NAT46_SOURCE_PREFIX) {
		if (nla_put_in6_addr(skb, NAT46_SOURCE_A_ADDR_LO, &s->lo) ||
		    nla_put_u8(skb, NAT46_SOURCE_A_PLEN, s->plen))
			return -EMSGSIZE;
	} else if (nla_put_in6_addr(skb, NAT46_SOURCE_A_ADDR_LO, &s->lo) ||
		   nla_put_in6_addr(skb, NAT46_SOURCE_A_ADDR_HI, &s->hi)) {
		return -EMSGSIZE;
	}
	if (s->from_plen && (nla_put_in_addr(skb, NAT46_SOURCE_A_FROM, s->from) ||
			     nla_put_u8(skb, NAT46_SOURCE_A_FROM_PLEN, s->from_plen)))
		return -EMSGSIZE;
	return s->drain ? nla_put_flag(skb, NAT46_SOURCE_A_DRAIN) : 0;
}

static int source_put(struct sk_buff *skb, const struct nat46_conf *conf, unsigned int i)
{
	return i >= conf->sources->n ? -ENOENT : nat46_nl_source_put(skb, &conf->sources->v[i]);
}

int nat46_source_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, NAT46_CMD_SOURCE_GET, source_put);
}

/* ---- policy entries ---------------------------------------------------------------- */

const struct nla_policy nat46_nl_policy[NAT46_POLICY_A_MAX + 1] = {
	[NAT46_POLICY_A_ACTION]		= NLA_POLICY_RANGE(NLA_U8, NAT46_POLICY_ALLOW,
							   NAT46_POLICY_DENY),
	[NAT46_POLICY_A_ADDR]		= NLA_POLICY_EXACT_LEN(16),
	[NAT46_POLICY_A_PLEN]		= NLA_POLICY_MAX(NLA_U8, 128),
	[NAT46_POLICY_A_FROM]		= { .type = NLA_U32 },
	[NAT46_POLICY_A_FROM_PLEN]	= NLA_POLICY_MAX(NLA_U8, 32),
	[NAT46_POLICY_A_PROTO]		= { .type = NLA_U8 },
	[NAT46_POLICY_A_DPORT]		= NLA_POLICY_MIN(NLA_U16, 1),
};

/* Inside, a protocol is what the IPv4 side calls it, as in a tuple. */
static int proto_parse(struct genl_info *info, u8 *proto)
{
	const struct nlattr *nla = info->attrs[NAT46_POLICY_A_PROTO];

	if (!nla)
		return 0;
	*proto = nla_get_u8(nla);
	switch (*proto) {
	case IPPROTO_ICMPV6:
		*proto = IPPROTO_ICMP;
		fallthrough;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return 0;
	}
	NL_SET_ERR_MSG_ATTR(info->extack, nla, "the protocol is tcp, udp or icmpv6");
	return -EINVAL;
}

static int policy_parse(struct genl_info *info, struct nat46_policy *p)
{
	int err = nat46_nl_need(info, NAT46_POLICY_A_ADDR, "the policy's prefix is missing");
	int word;

	err = err ?: nat46_nl_need(info, NAT46_POLICY_A_PLEN,
				   "the policy's prefix length is missing");
	err = err ?: from_parse(info, NAT46_POLICY_A_FROM, NAT46_POLICY_A_FROM_PLEN, &p->from,
				&p->from_plen);
	err = err ?: proto_parse(info, &p->proto);
	if (err)
		return err;
	p->addr = nla_get_in6_addr(info->attrs[NAT46_POLICY_A_ADDR]);
	p->plen = nla_get_u8(info->attrs[NAT46_POLICY_A_PLEN]);
	if (info->attrs[NAT46_POLICY_A_DPORT])
		p->dport = nla_get_u16(info->attrs[NAT46_POLICY_A_DPORT]);
	if (info->attrs[NAT46_POLICY_A_ACTION])
		p->action = nla_get_u8(info->attrs[NAT46_POLICY_A_ACTION]);
	word = p->dport && !p->proto ? NAT46_POLICY_A_DPORT : NAT46_POLICY_A_ADDR;
	return nat46_nl_bad(info, word, nat46_policy_valid(p, info->extack));
}

int nat46_policy_add_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_policy p = { 0 };
	struct nat46_edit e;
	int err, may;

	may = nat46_nl_may(info);
	if (may < 0)
		return may;
	err = nat46_nl_need(info, NAT46_POLICY_A_ACTION, "the policy's action is missing");
	err = err ?: policy_parse(info, &p);
	if (err)
		return err;
	err = nat46_edit_begin(&e, nat46_nl_net(info), info->snd_portid, info->extack);
	if (err)
		return err;
	err = nat46_conf_policy_add(&e, &p, may, info->extack);
	nat46_edit_end(&e);
	return nat46_nl_bad(info, NAT46_POLICY_A_ADDR, err);
}

int nat46_policy_del_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_policy p = { 0 };
	struct nat46_edit e;
	int err;

	err = policy_parse(info, &p);
	if (err)
		return err;
	err = nat46_edit_begin_live(&e, nat46_nl_net(info), info->snd_portid, info->extack);
	if (err)
		return err;
	err = nat46_conf_policy_del(&e, &p, info->extack);
	nat46_edit_end(&e);
	return nat46_nl_bad(info, NAT46_POLICY_A_ADDR, err);
}

int nat46_nl_policy_put(struct sk_buff *skb, const struct nat46_policy *p)
{
	const u8 proto = p->proto == IPPROTO_ICMP ? IPPROTO_ICMPV6 : p->proto;

	if (nla_put_u8(skb, NAT46_POLICY_A_ACTION, p->action) ||
	    nla_put_in6_addr(skb, NAT46_POLICY_A_ADDR, &p->addr) ||
	    nla_put_u8(skb, NAT46_POLICY_A_PLEN, p->plen))
		return -EMSGSIZE;
	if (p->from_plen && (nla_put_in_addr(skb, NAT46_POLICY_A_FROM, p->from) ||
			     nla_put_u8(skb, NAT46_POLICY_A_FROM_PLEN, p->from_plen)))
		return -EMSGSIZE;
	if (proto && nla_put_u8(skb, NAT46_POLICY_A_PROTO, proto))
		return -EMSGSIZE;
	if (p->dport && nla_put_u16(skb, NAT46_POLICY_A_DPORT, p->dport))
		return -EMSGSIZE;
	return p->builtin ? nla_put_flag(skb, NAT46_POLICY_A_BUILTIN) : 0;
}

static int policy_put(struct sk_buff *skb, const struct nat46_conf *conf, unsigned int i)
{
	return i >= conf->policies->n ? -ENOENT : nat46_nl_policy_put(skb, &conf->policies->v[i]);
}

int nat46_policy_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, NAT46_CMD_POLICY_GET, policy_put);
}
