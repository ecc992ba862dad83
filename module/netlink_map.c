// SPDX-License-Identifier: GPL-2.0
/* The requests about mappings, and the events that tell of them. */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "request.h"

static const struct nla_policy targets[NAT46_TARGETS_A_MAX + 1] = {
	[NAT46_TARGETS_A_TARGET]	= NLA_POLICY_EXACT_LEN(16),
};

#define MAP_ADDR							\
	[NAT46_MAP_A_ADDR]	= { .type = NLA_U32 },			\
	[NAT46_MAP_A_PLEN]	= NLA_POLICY_RANGE(NLA_U8, 33 - NAT46_MAP_LENGTHS, 32)
#define MAP_OWNER							\
	[NAT46_MAP_A_OWNER]	= { .type = NLA_NUL_STRING, .len = NAT46_OWNER_LEN }
#define MAP_NAME							\
	[NAT46_MAP_A_NAME]	= { .type = NLA_NUL_STRING, .len = NAT46_NAME_LEN }

const struct nla_policy nat46_nl_map_add[NAT46_MAP_A_MAX + 1] = {
	MAP_ADDR,
	MAP_OWNER,
	MAP_NAME,
	[NAT46_MAP_A_TARGETS]	= NLA_POLICY_NESTED(targets),
	[NAT46_MAP_A_EXPIRES]	= NLA_POLICY_MIN(NLA_U32, 1),
	[NAT46_MAP_A_HOLD]	= { .type = NLA_U32 },
	[NAT46_MAP_A_INBOUND]	= { .type = NLA_FLAG },
	[NAT46_MAP_A_FRESH]	= NLA_POLICY_MIN(NLA_U32, 1),
};

const struct nla_policy nat46_nl_map_del[NAT46_MAP_A_MAX + 1] = {
	MAP_ADDR,
	MAP_OWNER,
};

const struct nla_policy nat46_nl_map_flush[NAT46_MAP_A_MAX + 1] = {
	MAP_OWNER,
	[NAT46_MAP_A_EXPIRED]	= { .type = NLA_FLAG },
	[NAT46_MAP_A_ALL]	= { .type = NLA_FLAG },
};

const struct nla_policy nat46_nl_map_get[NAT46_MAP_A_MAX + 1] = {
	MAP_ADDR,
	MAP_OWNER,
	MAP_NAME,
};

/* ---- changes --------------------------------------------------------------------- */

/* A length that is absent is that of one address. */
static int addr_parse(struct genl_info *info, __be32 *addr, u8 *plen)
{
	const struct nlattr *nla = info->attrs[NAT46_MAP_A_PLEN];
	int err = nat46_nl_need(info, NAT46_MAP_A_ADDR, "the mapping's address is missing");

	if (err)
		return err;
	*addr = nla_get_in_addr(info->attrs[NAT46_MAP_A_ADDR]);
	*plen = nla ? nla_get_u8(nla) : 32;
	if (!(*addr & ~nat46_mask4(*plen)))
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[NAT46_MAP_A_ADDR],
			    "the prefix has bits set beyond its length");
	return -EINVAL;
}

/* "" where the request names none */
static int owner_parse(struct genl_info *info, const char **owner, const char *absent)
{
	const struct nlattr *nla = info->attrs[NAT46_MAP_A_OWNER];

	*owner = nla ? nla_data(nla) : absent;
	if (!nla || nat46_map_owner_ok(*owner))
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, nla, "an owner is a word of a-z 0-9 _ -");
	return -EINVAL;
}

static int targets_parse(struct genl_info *info, struct nat46_map_spec *spec)
{
	const struct nlattr *nest = info->attrs[NAT46_MAP_A_TARGETS], *nla;
	unsigned int i;
	int rem;

	nla_for_each_nested(nla, nest, rem) {
		const struct in6_addr target = nla_get_in6_addr(nla);

		if (spec->n == NAT46_TARGETS_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack, nla, "more than 8 targets");
			return -EINVAL;
		}
		for (i = 0; i < spec->n; i++) {
			if (memcmp(&target, &spec->target[i], sizeof(target)))
				continue;
			NL_SET_ERR_MSG_ATTR(info->extack, nla, "the same target twice");
			return -EINVAL;
		}
		spec->target[spec->n++] = target;
	}
	if (spec->n)
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, nest, "no target");
	return -EINVAL;
}

static int expiry_parse(struct genl_info *info, struct nat46_map_spec *spec)
{
	const struct nlattr *expires = info->attrs[NAT46_MAP_A_EXPIRES];
	const struct nlattr *hold = info->attrs[NAT46_MAP_A_HOLD];
	const struct nlattr *fresh = info->attrs[NAT46_MAP_A_FRESH];

	if (hold && !expires) {
		NL_SET_ERR_MSG_ATTR(info->extack, hold, "hold goes with expires");
		return -EINVAL;
	}
	if (fresh && !expires) {
		NL_SET_ERR_MSG_ATTR(info->extack, fresh, "fresh goes with expires");
		return -EINVAL;
	}
	if (!expires)
		return 0;
	spec->expires = true;
	spec->seconds = nla_get_u32(expires);
	spec->hold = hold ? nla_get_u32(hold) : 0;
	spec->fresh = fresh ? nla_get_u32(fresh) : 0;
	return 0;
}

static int inbound_parse(struct genl_info *info, struct nat46_map_spec *spec)
{
	const struct nlattr *nla = info->attrs[NAT46_MAP_A_INBOUND];

	spec->inbound = nla;
	if (nla && strcmp(spec->owner, NAT46_OWNER_STATIC)) {
		NL_SET_ERR_MSG_ATTR(info->extack, nla, "inbound needs owner static");
		return -EINVAL;
	}
	if (nla && spec->n != 1) {
		NL_SET_ERR_MSG_ATTR(info->extack, nla, "an inbound mapping has one target");
		return -EINVAL;
	}
	return 0;
}

static int spec_parse(struct genl_info *info, struct nat46_map_spec *spec)
{
	const struct nlattr *name = info->attrs[NAT46_MAP_A_NAME];
	int err;

	err = addr_parse(info, &spec->addr, &spec->plen);
	err = err ?: owner_parse(info, &spec->owner, NAT46_OWNER_STATIC);
	err = err ?: nat46_nl_need(info, NAT46_MAP_A_TARGETS, "the mapping's targets are missing");
	err = err ?: targets_parse(info, spec);
	err = err ?: expiry_parse(info, spec);
	err = err ?: inbound_parse(info, spec);
	if (err)
		return err;
	spec->name = name ? nla_data(name) : "";
	if (nat46_map_name_ok(spec->name))
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, name,
			    "a name is of printable ASCII without blanks, quotes, backslashes");
	return -EINVAL;
}

static int targets_check(struct genl_info *info, const struct nat46_edit *e, u8 plen)
{
	struct in6_addr target;
	struct nlattr *nla;
	int rem, err;

	nla_for_each_nested(nla, info->attrs[NAT46_MAP_A_TARGETS], rem) {
		target = nla_get_in6_addr(nla);
		err = nat46_map_target_check(e, &target, plen, info->extack);
		if (err) {
			NL_SET_BAD_ATTR(info->extack, nla);
			return err;
		}
	}
	return 0;
}

int nat46_map_add_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_map_spec spec = { 0 };
	struct nat46_edit e;
	int err, may;

	may = nat46_nl_may(info);
	if (may < 0)
		return may;
	err = spec_parse(info, &spec);
	if (err)
		return err;
	err = nat46_edit_begin(&e, nat46_nl_net(info), info->snd_portid, info->extack);
	if (err)
		return err;
	err = targets_check(info, &e, spec.plen);
	if (!err) {
		err = nat46_map_add(&e, &spec, may, info->extack);
		if (err == -EADDRINUSE)
			NL_SET_BAD_ATTR(info->extack, nla_data(info->attrs[NAT46_MAP_A_TARGETS]));
		else
			nat46_nl_bad(info, NAT46_MAP_A_ADDR, err);
	}
	nat46_edit_end(&e);
	return err;
}

int nat46_map_del_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_edit e;
	const char *owner;
	__be32 addr;
	u8 plen;
	int err;

	err = addr_parse(info, &addr, &plen);
	err = err ?: owner_parse(info, &owner, NULL);
	if (err)
		return err;
	err = nat46_edit_begin_live(&e, nat46_nl_net(info), info->snd_portid, info->extack);
	if (err)
		return err;
	err = nat46_map_del(&e, addr, plen, owner, info->extack);
	nat46_edit_end(&e);
	return nat46_nl_bad(info, NAT46_MAP_A_ADDR, err);
}

static bool any(const struct nat46_mapping *m, const void *arg)
{
	return true;
}

static bool owned(const struct nat46_mapping *m, const void *owner)
{
	return !strcmp(m->owner, owner);
}

static bool expired(const struct nat46_mapping *m, const void *arg)
{
	return m->expires && !nat46_map_left(m) && !atomic_read(&m->sessions);
}

int nat46_map_flush_doit(struct sk_buff *req, struct genl_info *info)
{
	nat46_map_match_t match = any;
	struct nlattr **a = info->attrs;
	struct nat46_edit e;
	const char *owner;
	int err;

	if (!!a[NAT46_MAP_A_OWNER] + !!a[NAT46_MAP_A_EXPIRED] + !!a[NAT46_MAP_A_ALL] != 1) {
		NL_SET_ERR_MSG(info->extack, "flush takes one of owner, expired, all");
		return -EINVAL;
	}
	err = owner_parse(info, &owner, NULL);
	if (err)
		return err;
	if (a[NAT46_MAP_A_OWNER])
		match = owned;
	else if (a[NAT46_MAP_A_EXPIRED])
		match = expired;

	err = nat46_edit_begin_live(&e, nat46_nl_net(info), info->snd_portid, info->extack);
	if (err)
		return err;
	nat46_maps_flush(e.nn, e.conf->maps, match, owner);
	nat46_edit_end(&e);
	return 0;
}

/* ---- replies, events ---------------------------------------------------------------- */

static int targets_put(struct sk_buff *skb, const struct nat46_binding *b)
{
	struct nlattr *nest = nla_nest_start(skb, NAT46_MAP_A_TARGETS);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < b->n; i++)
		if (nla_put_in6_addr(skb, NAT46_TARGETS_A_TARGET, &b->target[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int use_put(struct sk_buff *skb, const struct nat46_mapping *m)
{
	const u64 opened = atomic64_read(&m->opened);
	const int sessions = atomic_read(&m->sessions);

	if (nla_put_u32(skb, NAT46_MAP_A_SESSIONS, max(sessions, 0)) ||
	    nla_put_u64_64bit(skb, NAT46_MAP_A_OPENED, opened, NAT46_MAP_A_PAD))
		return -EMSGSIZE;
	if (!opened)
		return 0;
	return nla_put_u32(skb, NAT46_MAP_A_IDLE, nat46_now() - READ_ONCE(m->used));
}

/* Under RCU. */
int nat46_nl_map_put(struct sk_buff *skb, const struct nat46_mapping *m)
{
	const struct nat46_binding *b = rcu_dereference(m->binding);
	const char *name = nat46_binding_name(b);

	if (nla_put_in_addr(skb, NAT46_MAP_A_ADDR, m->addr) ||
	    nla_put_u8(skb, NAT46_MAP_A_PLEN, m->plen) || targets_put(skb, b) ||
	    (*name && nla_put_string(skb, NAT46_MAP_A_NAME, name)) ||
	    (b->inbound && nla_put_flag(skb, NAT46_MAP_A_INBOUND)) ||
	    nla_put_string(skb, NAT46_MAP_A_OWNER, m->owner))
		return -EMSGSIZE;
	if (READ_ONCE(m->expires) &&
	    (nla_put_u32(skb, NAT46_MAP_A_EXPIRES, nat46_map_left(m)) ||
	     nla_put_u32(skb, NAT46_MAP_A_HOLD, READ_ONCE(m->hold))))
		return -EMSGSIZE;
	if (READ_ONCE(m->fresh) && nla_put_u32(skb, NAT46_MAP_A_FRESH, READ_ONCE(m->fresh)))
		return -EMSGSIZE;
	return use_put(skb, m);
}

int nat46_map_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_net *nn = nat46_nl_net(info);
	const struct nat46_mapping *m;
	const struct nat46_conf *conf;
	struct sk_buff *skb;
	__be32 addr;
	void *hdr;
	u8 plen;
	int err;

	err = addr_parse(info, &addr, &plen);
	if (err)
		return err;
	if (info->attrs[NAT46_MAP_A_OWNER] || info->attrs[NAT46_MAP_A_NAME]) {
		NL_SET_ERR_MSG(info->extack, "owner and name select in a dump");
		return -EINVAL;
	}
	skb = nat46_nl_reply(info, NAT46_CMD_MAP_GET, &hdr);
	if (!skb)
		return -ENOMEM;
	rcu_read_lock();
	conf = rcu_dereference(nn->conf);
	if (!conf)
		m = NULL;
	else if (info->attrs[NAT46_MAP_A_PLEN])
		m = nat46_maps_get(conf->maps, addr, plen);
	else
		m = nat46_map_find(conf, addr);
	err = m ? nat46_nl_map_put(skb, m) : -ENOENT;
	rcu_read_unlock();
	if (err == -ENOENT) {
		NL_SET_ERR_MSG(info->extack, "no such mapping");
		nat46_nl_bad(info, NAT46_MAP_A_ADDR, err);
	}
	return nat46_nl_send(info, skb, hdr, err);
}

/**
 * nat46_map_notify() - tell the group "map" of a mapping
 * @nn: the network namespace's state
 * @m: the mapping
 * @event: what happened to it
 *
 * Context: may sleep, nn->lock held: events leave in the order of the changes.
 */
void nat46_map_notify(struct nat46_net *nn, const struct nat46_mapping *m,
		      enum nat46_map_event event)
{
	struct sk_buff *skb;
	void *hdr;
	int err;

	if (!genl_has_listeners(&nat46_family, nn->net, NAT46_GROUP_MAP))
		return;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		goto err_lost;
	hdr = genlmsg_put(skb, 0, 0, &nat46_family, 0, NAT46_CMD_MAP_NTF);
	if (!hdr)
		goto err_lost;
	rcu_read_lock();
	err = nat46_nl_map_put(skb, m);
	rcu_read_unlock();
	if (err || nla_put_u8(skb, NAT46_MAP_A_EVENT, event))
		goto err_lost;
	genlmsg_end(skb, hdr);
	genlmsg_multicast_netns(&nat46_family, nn->net, skb, 0, NAT46_GROUP_MAP, GFP_KERNEL);
	return;

err_lost:
	nlmsg_free(skb);
	/* the listeners' next recv() tells them that they have missed some */
	genl_set_err(&nat46_family, nn->net, 0, NAT46_GROUP_MAP, -ENOBUFS);
}

/* ---- dump --------------------------------------------------------------------------- */

/* Mappings looked at under one RCU lock. */
#define SLICE	256

struct filter {
	char owner[NAT46_OWNER_LEN + 1];
	char name[NAT46_NAME_LEN + 1];
};

/* What a dump keeps between two buffers. */
struct walk {
	struct filter *filter;		/* NULL: all */
	struct nat46_map_at at;
};

static struct walk *walk_of(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct walk) > sizeof(cb->args));
	return (struct walk *)cb->args;
}

int nat46_map_start(struct netlink_callback *cb)
{
	struct nlattr **a = nat46_dump_attrs(cb);
	struct filter *f;

	if (a[NAT46_MAP_A_ADDR] || a[NAT46_MAP_A_PLEN]) {
		NL_SET_ERR_MSG(cb->extack, "owner and name select in a dump, no address");
		return -EINVAL;
	}
	if (!a[NAT46_MAP_A_OWNER] && !a[NAT46_MAP_A_NAME])
		return 0;
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	if (a[NAT46_MAP_A_OWNER])
		strscpy(f->owner, nla_data(a[NAT46_MAP_A_OWNER]), sizeof(f->owner));
	if (a[NAT46_MAP_A_NAME])
		strscpy(f->name, nla_data(a[NAT46_MAP_A_NAME]), sizeof(f->name));
	walk_of(cb)->filter = f;
	return 0;
}

int nat46_map_done(struct netlink_callback *cb)
{
	kfree(walk_of(cb)->filter);
	return 0;
}

static bool selected(const struct filter *f, const struct nat46_mapping *m)
{
	if (!f)
		return true;
	if (*f->owner && strcmp(f->owner, m->owner))
		return false;
	return !*f->name ||
	       nat46_nl_glob(f->name, nat46_binding_name(rcu_dereference(m->binding)));
}

static bool dump_one(struct sk_buff *skb, struct netlink_callback *cb,
		     const struct nat46_mapping *m)
{
	void *hdr = nat46_nl_dump_put(skb, cb, NAT46_CMD_MAP_GET);

	if (!hdr)
		return false;
	if (nat46_nl_map_put(skb, m)) {
		genlmsg_cancel(skb, hdr);
		return false;
	}
	genlmsg_end(skb, hdr);
	return true;
}

/*
 * A filter may match none of a million: readers elsewhere wait for no more than
 * a slice of them. 0: there are more; else the buffer is full, or that was all.
 */
static int dump_slice(struct sk_buff *skb, struct netlink_callback *cb, struct nat46_net *nn)
{
	struct walk *w = walk_of(cb);
	const struct nat46_conf *conf;
	struct nat46_mapping *m;
	unsigned int left = SLICE;
	int ret = 0;

	cb->seq = READ_ONCE(nn->gen);
	rcu_read_lock();
	conf = rcu_dereference(nn->conf);
	m = conf ? nat46_maps_from(conf->maps, &w->at) : NULL;
	for (; m && left--; m = nat46_maps_next(conf->maps, &w->at)) {
		if (selected(w->filter, m) && !dump_one(skb, cb, m)) {
			ret = -EMSGSIZE;
			break;
		}
	}
	rcu_read_unlock();
	return ret ?: !m;
}

int nat46_map_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nat46_net *nn = nat46_nl_dump_net(cb);
	int ret;

	do {
		ret = dump_slice(skb, cb, nn);
		cond_resched();
	} while (!ret && !fatal_signal_pending(current));
	return ret ? skb->len : -EINTR;
}
