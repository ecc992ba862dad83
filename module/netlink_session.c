// SPDX-License-Identifier: GPL-2.0
/* The requests about sessions, with the filter that they share. */
#include <linux/slab.h>
#include <net/ipv6.h>

#include "compat.h"
#include "request.h"

const struct nla_policy nat46_nl_session[NAT46_SESSION_A_MAX + 1] = {
	[NAT46_SESSION_A_PROTO]		= { .type = NLA_U8 },
	[NAT46_SESSION_A_STATE]		= NLA_POLICY_MAX(NLA_U8, NAT46_STATE_V6_INIT),
	[NAT46_SESSION_A_SRC4]		= { .type = NLA_U32 },
	[NAT46_SESSION_A_DST4]		= { .type = NLA_U32 },
	[NAT46_SESSION_A_SPORT4]	= { .type = NLA_U16 },
	[NAT46_SESSION_A_DPORT]		= { .type = NLA_U16 },
	[NAT46_SESSION_A_SRC6]		= NLA_POLICY_EXACT_LEN(16),
	[NAT46_SESSION_A_DST6]		= NLA_POLICY_EXACT_LEN(16),
	[NAT46_SESSION_A_SPORT6]	= { .type = NLA_U16 },
	[NAT46_SESSION_A_NAME]		= { .type = NLA_NUL_STRING, .len = NAT46_NAME_LEN },
	[NAT46_SESSION_A_SRC4_PLEN]	= NLA_POLICY_MAX(NLA_U8, 32),
	[NAT46_SESSION_A_DST4_PLEN]	= NLA_POLICY_MAX(NLA_U8, 32),
	[NAT46_SESSION_A_SRC6_PLEN]	= NLA_POLICY_MAX(NLA_U8, 128),
	[NAT46_SESSION_A_DST6_PLEN]	= NLA_POLICY_MAX(NLA_U8, 128),
	[NAT46_SESSION_A_ALL]		= { .type = NLA_FLAG },
};

/* ---- filter ---------------------------------------------------------------------- */

struct prefix4 {
	__be32 addr;
	__be32 mask;			/* 0: any */
};

struct prefix6 {
	struct in6_addr addr;
	u8 plen;			/* 0: any */
};

struct filter {
	bool has_state;
	bool has_sport4;
	bool has_dport;
	bool has_sport6;
	bool has_name;
	u8 proto;			/* 0: any */
	u8 state;
	__be16 sport4;
	__be16 dport;
	__be16 sport6;
	struct prefix4 src4;
	struct prefix4 dst4;
	struct prefix6 src6;
	struct prefix6 dst6;
	char name[NAT46_NAME_LEN + 1];
};

static int prefix4_parse(struct nlattr **a, int addr, int plen, struct prefix4 *p,
			 struct netlink_ext_ack *extack)
{
	if (a[addr]) {
		p->mask = nat46_mask4(a[plen] ? nla_get_u8(a[plen]) : 32);
		p->addr = nla_get_in_addr(a[addr]) & p->mask;
	} else if (a[plen]) {
		NL_SET_ERR_MSG_ATTR(extack, a[plen], "a prefix length without its address");
		return -EINVAL;
	}
	return 0;
}

static int prefix6_parse(struct nlattr **a, int addr, int plen, struct prefix6 *p,
			 struct netlink_ext_ack *extack)
{
	if (a[addr]) {
		p->plen = a[plen] ? nla_get_u8(a[plen]) : 128;
		p->addr = nla_get_in6_addr(a[addr]);
	} else if (a[plen]) {
		NL_SET_ERR_MSG_ATTR(extack, a[plen], "a prefix length without its address");
		return -EINVAL;
	}
	return 0;
}

static bool port_parse(const struct nlattr *nla, __be16 *port)
{
	if (nla)
		*port = nla_get_be16(nla);
	return nla;
}

static int proto_parse(const struct nlattr *nla, u8 *proto, struct netlink_ext_ack *extack)
{
	if (!nla)
		return 0;
	*proto = nla_get_u8(nla);
	if (*proto == IPPROTO_TCP || *proto == IPPROTO_UDP || *proto == IPPROTO_ICMP)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, nla, "the protocol is tcp, udp or icmp");
	return -EINVAL;
}

static int filter_parse(struct nlattr **a, struct filter *f, struct netlink_ext_ack *extack)
{
	int err = proto_parse(a[NAT46_SESSION_A_PROTO], &f->proto, extack);

	err = err ?: prefix4_parse(a, NAT46_SESSION_A_SRC4, NAT46_SESSION_A_SRC4_PLEN,
				   &f->src4, extack);
	err = err ?: prefix4_parse(a, NAT46_SESSION_A_DST4, NAT46_SESSION_A_DST4_PLEN,
				   &f->dst4, extack);
	err = err ?: prefix6_parse(a, NAT46_SESSION_A_SRC6, NAT46_SESSION_A_SRC6_PLEN,
				   &f->src6, extack);
	err = err ?: prefix6_parse(a, NAT46_SESSION_A_DST6, NAT46_SESSION_A_DST6_PLEN,
				   &f->dst6, extack);
	if (err)
		return err;
	f->has_sport4 = port_parse(a[NAT46_SESSION_A_SPORT4], &f->sport4);
	f->has_dport = port_parse(a[NAT46_SESSION_A_DPORT], &f->dport);
	f->has_sport6 = port_parse(a[NAT46_SESSION_A_SPORT6], &f->sport6);
	f->has_state = a[NAT46_SESSION_A_STATE];
	if (f->has_state)
		f->state = nla_get_u8(a[NAT46_SESSION_A_STATE]);
	f->has_name = a[NAT46_SESSION_A_NAME];
	if (f->has_name)
		strscpy(f->name, nla_data(a[NAT46_SESSION_A_NAME]), sizeof(f->name));
	return 0;
}

static bool in4(__be32 addr, const struct prefix4 *p)
{
	return (addr & p->mask) == p->addr;
}

static bool in6(const struct in6_addr *addr, const struct prefix6 *p)
{
	return ipv6_prefix_equal(addr, &p->addr, p->plen);
}

static bool ports_match(const struct nat46_session *s, const struct filter *f)
{
	return (!f->has_sport4 || s->t4.sport == f->sport4) &&
	       (!f->has_dport || s->t4.dport == f->dport) &&
	       (!f->has_sport6 || s->t6.sport == f->sport6);
}

/* The mapping's name as it is now. */
static bool name_matches(const struct nat46_session *s, const struct filter *f)
{
	bool yes;

	if (!f->has_name)
		return true;
	rcu_read_lock();
	yes = nat46_nl_glob(f->name, nat46_binding_name(rcu_dereference(s->map->binding)));
	rcu_read_unlock();
	return yes;
}

static bool matches(const struct nat46_session *s, const void *filter)
{
	const struct filter *f = filter;

	return (!f->proto || s->t4.proto == f->proto) &&
	       (!f->has_state || READ_ONCE(s->state) == f->state) &&
	       in4(s->t4.saddr, &f->src4) && in4(s->t4.daddr, &f->dst4) &&
	       in6(&s->t6.saddr, &f->src6) && in6(&s->t6.daddr, &f->dst6) &&
	       ports_match(s, f) && name_matches(s, f);
}

/* ---- flush, count ------------------------------------------------------------------- */

static int reply_count(struct genl_info *info, u8 cmd, u32 n)
{
	struct sk_buff *skb;
	void *hdr;

	skb = nat46_nl_reply(info, cmd, &hdr);
	if (!skb)
		return -ENOMEM;
	return nat46_nl_send(info, skb, hdr, nla_put_u32(skb, NAT46_SESSION_A_COUNT, n));
}

static bool filters(struct nlattr **a)
{
	unsigned int i;

	for (i = 1; i <= NAT46_SESSION_A_MAX; i++)
		if (a[i] && i != NAT46_SESSION_A_ALL)
			return true;
	return false;
}

static struct filter *filter_new(struct nlattr **a, struct netlink_ext_ack *extack)
{
	struct filter *f;
	int err;

	if (a[NAT46_SESSION_A_ALL] && filters(a)) {
		NL_SET_ERR_MSG(extack, "\"all\" takes no other filter");
		return ERR_PTR(-EINVAL);
	}
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return ERR_PTR(-ENOMEM);
	err = filter_parse(a, f, extack);
	if (err) {
		kfree(f);
		return ERR_PTR(err);
	}
	return f;
}

int nat46_session_flush_doit(struct sk_buff *req, struct genl_info *info)
{
	struct filter *f;
	u32 n;

	if (!info->attrs[NAT46_SESSION_A_ALL] && !filters(info->attrs)) {
		NL_SET_ERR_MSG(info->extack, "flush takes a filter, or \"all\"");
		return -EINVAL;
	}
	f = filter_new(info->attrs, info->extack);
	if (IS_ERR(f))
		return PTR_ERR(f);
	n = nat46_session_flush(genl_info_net(info), matches, f);
	kfree(f);
	return reply_count(info, NAT46_CMD_SESSION_FLUSH, n);
}

int nat46_session_count_doit(struct sk_buff *req, struct genl_info *info)
{
	struct filter *f = filter_new(info->attrs, info->extack);
	u32 n;

	if (IS_ERR(f))
		return PTR_ERR(f);
	n = nat46_session_count(genl_info_net(info), matches, f);
	kfree(f);
	return reply_count(info, NAT46_CMD_SESSION_COUNT, n);
}

/* ---- dump --------------------------------------------------------------------------- */

/* What a dump keeps between two buffers. */
struct walk {
	struct filter *filter;
	u32 bucket;
	u32 skip;
};

struct dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	struct nat46_params params;
	const struct filter *filter;
};

static struct walk *walk_of(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct walk) > sizeof(cb->args));
	return (struct walk *)cb->args;
}

int nat46_session_start(struct netlink_callback *cb)
{
	struct filter *f = filter_new(nat46_dump_attrs(cb), cb->extack);

	if (IS_ERR(f))
		return PTR_ERR(f);
	walk_of(cb)->filter = f;
	return 0;
}

int nat46_session_done(struct netlink_callback *cb)
{
	kfree(walk_of(cb)->filter);
	return 0;
}

static int tuples_put(struct sk_buff *skb, const struct nat46_session *s)
{
	return nla_put_u8(skb, NAT46_SESSION_A_PROTO, s->t4.proto) ||
	       nla_put_u8(skb, NAT46_SESSION_A_STATE, READ_ONCE(s->state)) ||
	       nla_put_in_addr(skb, NAT46_SESSION_A_SRC4, s->t4.saddr) ||
	       nla_put_in_addr(skb, NAT46_SESSION_A_DST4, s->t4.daddr) ||
	       nla_put_be16(skb, NAT46_SESSION_A_SPORT4, s->t4.sport) ||
	       nla_put_be16(skb, NAT46_SESSION_A_DPORT, s->t4.dport) ||
	       nla_put_in6_addr(skb, NAT46_SESSION_A_SRC6, &s->t6.saddr) ||
	       nla_put_in6_addr(skb, NAT46_SESSION_A_DST6, &s->t6.daddr) ||
	       nla_put_be16(skb, NAT46_SESSION_A_SPORT6, s->t6.sport);
}

static int session_put(struct sk_buff *skb, const struct nat46_session *s,
		       const struct nat46_params *params)
{
	const char *name = nat46_binding_name(rcu_dereference(s->map->binding));
	const u32 idle = nat46_session_idle(s);
	const u32 timeout = nat46_session_timeout(s, params);
	const int iif = READ_ONCE(s->iif);

	return tuples_put(skb, s) ||
	       nla_put_u32(skb, NAT46_SESSION_A_IDLE, idle) ||
	       nla_put_u32(skb, NAT46_SESSION_A_EXPIRES, timeout > idle ? timeout - idle : 0) ||
	       (iif && nla_put_u32(skb, NAT46_SESSION_A_IIF, iif)) ||
	       (*name && nla_put_string(skb, NAT46_SESSION_A_NAME, name));
}

/* Non-zero where the buffer is full: the walk stops before this session. */
static int dump_one(const struct nat46_session *s, void *arg)
{
	struct dump *d = arg;
	void *hdr;

	if (!matches(s, d->filter))
		return 0;
	hdr = nat46_nl_dump_put(d->skb, d->cb, NAT46_CMD_SESSION_GET);
	if (!hdr)
		return -EMSGSIZE;
	if (session_put(d->skb, s, &d->params)) {
		genlmsg_cancel(d->skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(d->skb, hdr);
	return 0;
}

int nat46_session_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nat46_net *nn = nat46_nl_dump_net(cb);
	struct walk *w = walk_of(cb);
	struct dump d = { .skb = skb, .cb = cb, .filter = w->filter };
	const struct nat46_conf *conf;

	rcu_read_lock();
	conf = rcu_dereference(nn->conf);
	if (conf)
		d.params = conf->params;
	rcu_read_unlock();
	/* the walk may sleep between two buckets */
	if (conf)
		nat46_session_walk(nn->net, &w->bucket, &w->skip, dump_one, &d);
	return skb->len;
}
