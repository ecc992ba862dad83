// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family "nat46": its operations, what they share, and the
 * two requests that belong to no object.
 */
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "request.h"

static bool userns;
module_param(userns, bool, 0444);
MODULE_PARM_DESC(userns, "let the owner of a network namespace configure it");

/* ---- what the requests share ------------------------------------------------- */

/**
 * nat46_nl_may() - what an add may do, by the request's flags
 * @info: the request
 *
 * Return: NAT46_MAY_*, or -EINVAL.
 */
int nat46_nl_may(struct genl_info *info)
{
	const u16 flags = info->nlhdr->nlmsg_flags;
	int may = 0;

	if (!(flags & (NLM_F_CREATE | NLM_F_EXCL | NLM_F_REPLACE))) {
		NL_SET_ERR_MSG(info->extack, "the request says neither create nor replace");
		return -EINVAL;
	}
	if (flags & NLM_F_CREATE)
		may |= NAT46_MAY_CREATE;
	if ((flags & NLM_F_REPLACE) && !(flags & NLM_F_EXCL))
		may |= NAT46_MAY_REPLACE;
	return may;
}

/**
 * nat46_nl_removal() - how to remove
 * @info: the request
 * @force: its attribute FORCE
 * @drain: its attribute DRAIN
 *
 * Return: enum nat46_removal, or -EINVAL.
 */
int nat46_nl_removal(struct genl_info *info, int force, int drain)
{
	if (info->attrs[force] && info->attrs[drain]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[drain],
				    "force and drain exclude each other");
		return -EINVAL;
	}
	if (info->attrs[force])
		return NAT46_REMOVE_FORCE;
	return info->attrs[drain] ? NAT46_REMOVE_DRAIN : NAT46_REMOVE_UNUSED;
}

/**
 * nat46_nl_need() - a request can't do without an attribute
 * @info: the request
 * @attr: the attribute
 * @msg: what to say where it is missing; static
 *
 * Return: 0 or -EINVAL.
 */
int nat46_nl_need(struct genl_info *info, int attr, const char *msg)
{
	if (info->attrs[attr])
		return 0;
	if (info->extack)
		info->extack->_msg = msg;
	return -EINVAL;
}

/**
 * nat46_nl_bad() - name the attribute that an error is about
 * @info: the request
 * @attr: the attribute
 * @err: 0 or -errno
 *
 * Return: @err.
 */
int nat46_nl_bad(struct genl_info *info, int attr, int err)
{
	if (err)
		NL_SET_BAD_ATTR(info->extack, info->attrs[attr]);
	return err;
}

/**
 * nat46_nl_glob() - does a pattern match all of a text?
 * @pattern: * stands for any characters, ? for one
 * @text: the text
 *
 * Return: whether it does; in at most strlen(pattern) * strlen(text) steps.
 */
bool nat46_nl_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {	/* let the last star take one more */
			pattern = star;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/**
 * nat46_nl_dump_put() - begin one message of a dump
 * @skb: the dump's buffer
 * @cb: the dump; its seq is set
 * @cmd: what it is about
 *
 * Return: the header, or NULL where the buffer is full.
 */
void *nat46_nl_dump_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				&nat46_family, NLM_F_MULTI, cmd);

	if (hdr)
		genl_dump_check_consistent(cb, hdr);
	return hdr;
}

/**
 * nat46_nl_reply() - begin the reply to a request
 * @info: the request
 * @cmd: what it is about
 * @hdr: set to the header
 *
 * Return: the message, or NULL.
 */
struct sk_buff *nat46_nl_reply(struct genl_info *info, u8 cmd, void **hdr)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*hdr = genlmsg_put_reply(skb, info, &nat46_family, 0, cmd);
	if (!*hdr) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

/**
 * nat46_nl_send() - send the reply to a request
 * @info: the request
 * @skb: the message, which is taken
 * @hdr: its header
 * @err: where not 0, something did not fit: nothing is sent
 *
 * Return: 0 or -errno.
 */
int nat46_nl_send(struct genl_info *info, struct sk_buff *skb, void *hdr, int err)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/* ---- info ---------------------------------------------------------------------- */

static int put_numbers(struct sk_buff *skb, struct nat46_net *nn)
{
	const struct nat46_conf *conf;
	u32 n[4] = { 0 };

	rcu_read_lock();
	conf = rcu_dereference(nn->conf);
	if (conf) {
		n[0] = conf->pools->n;
		n[1] = conf->sources->n;
		n[2] = READ_ONCE(conf->maps->n);
		n[3] = conf->policies->n - conf->policies->n_builtin;
	}
	rcu_read_unlock();

	return nla_put_u32(skb, NAT46_INFO_A_POOLS, n[0]) ||
	       nla_put_u32(skb, NAT46_INFO_A_SOURCES, n[1]) ||
	       nla_put_u32(skb, NAT46_INFO_A_MAPPINGS, n[2]) ||
	       nla_put_u32(skb, NAT46_INFO_A_POLICIES, n[3]) ||
	       nla_put_u32(skb, NAT46_INFO_A_SESSIONS, atomic_read(&nn->sessions));
}

static int info_get(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_net *nn = nat46_nl_net(info);
	struct sk_buff *skb;
	void *hdr;
	bool bad;

	skb = nat46_nl_reply(info, NAT46_CMD_INFO_GET, &hdr);
	if (!skb)
		return -ENOMEM;
	bad = nla_put_u32(skb, NAT46_INFO_A_API, NAT46_API) ||
	      nla_put_string(skb, NAT46_INFO_A_VERSION, NAT46_VERSION) ||
	      put_numbers(skb, nn) ||
	      nla_put_u32(skb, NAT46_INFO_A_SESSIONS_MAX, nat46_session_max(nn->net)) ||
	      nla_put_u32(skb, NAT46_INFO_A_BUCKETS, nat46_session_buckets());
	/* how busy the machine is concerns no tenant */
	if (sk_user_ns(NETLINK_CB(req).sk) == &init_user_ns)
		bad = bad || nla_put_u32(skb, NAT46_INFO_A_SESSIONS_ALL, nat46_session_total());
	return nat46_nl_send(info, skb, hdr, bad ? -EMSGSIZE : 0);
}

/* ---- stats ----------------------------------------------------------------------- */

static int put_counter(struct sk_buff *skb, int attr, const char *name, u64 value)
{
	struct nlattr *nest = nla_nest_start(skb, attr);

	if (!nest || nla_put_string(skb, NAT46_COUNTER_A_NAME, name) ||
	    nla_put_u64_64bit(skb, NAT46_COUNTER_A_VALUE, value, NAT46_COUNTER_A_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int stats_get(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_net *nn = nat46_nl_net(info);
	struct sk_buff *skb;
	int i, err = 0;
	void *hdr;

	skb = nat46_nl_reply(info, NAT46_CMD_STATS_GET, &hdr);
	if (!skb)
		return -ENOMEM;
	for (i = 0; i < NAT46_CNT_MAX && !err; i++)
		err = put_counter(skb, NAT46_STATS_A_COUNTER, nat46_counter_name(i),
				  nat46_counter_read(nn, i));
	for (i = NAT46_OK + 1; i < NAT46_REASON_MAX && !err; i++)
		err = put_counter(skb, NAT46_STATS_A_DROP, nat46_reason_name(i),
				  nat46_reason_read(nn, i));
	return nat46_nl_send(info, skb, hdr, err);
}

/* ---- the family ---------------------------------------------------------------------- */

/* A request that takes no attribute; without a policy all would be ignored. */
static const struct nla_policy none[2];
#define NAT46_NONE_A_MAX	1

#define OP(_cmd, _object, _policy, _doit)					\
	.cmd		= NAT46_CMD_ ## _cmd,					\
	.policy		= _policy,						\
	.maxattr	= NAT46_ ## _object ## _A_MAX,				\
	.doit		= _doit

#define ADMIN	.flags = GENL_ADMIN_PERM

/*
 * What clients ask for, and whether they do, is nobody else's business: all but
 * INFO_GET needs the right. Not const: nat46_netlink_init() writes who has it.
 */
static struct genl_ops ops[] __ro_after_init = {
	{ OP(INFO_GET, NONE, none, info_get) },
	{ OP(POOL_ADD, POOL, nat46_nl_pool_add, nat46_pool_add_doit), ADMIN },
	{ OP(POOL_DEL, POOL, nat46_nl_pool_del, nat46_pool_del_doit), ADMIN },
	{ OP(POOL_GET, NONE, none, NULL), ADMIN, .dumpit = nat46_pool_dumpit },
	{ OP(SOURCE_ADD, SOURCE, nat46_nl_source_add, nat46_source_add_doit), ADMIN },
	{ OP(SOURCE_DEL, SOURCE, nat46_nl_source_del, nat46_source_del_doit), ADMIN },
	{ OP(SOURCE_GET, NONE, none, NULL), ADMIN, .dumpit = nat46_source_dumpit },
	{ OP(MAP_ADD, MAP, nat46_nl_map_add, nat46_map_add_doit), ADMIN },
	{ OP(MAP_DEL, MAP, nat46_nl_map_del, nat46_map_del_doit), ADMIN },
	{ OP(MAP_FLUSH, MAP, nat46_nl_map_flush, nat46_map_flush_doit), ADMIN },
	{
		OP(MAP_GET, MAP, nat46_nl_map_get, nat46_map_get_doit), ADMIN,
		.start	= nat46_map_start,
		.dumpit	= nat46_map_dumpit,
		.done	= nat46_map_done,
	},
	{ OP(POLICY_ADD, POLICY, nat46_nl_policy, nat46_policy_add_doit), ADMIN },
	{ OP(POLICY_DEL, POLICY, nat46_nl_policy, nat46_policy_del_doit), ADMIN },
	{ OP(POLICY_GET, NONE, none, NULL), ADMIN, .dumpit = nat46_policy_dumpit },
	{
		OP(SESSION_GET, SESSION, nat46_nl_session, NULL), ADMIN,
		.start	= nat46_session_start,
		.dumpit	= nat46_session_dumpit,
		.done	= nat46_session_done,
	},
	{ OP(SESSION_FLUSH, SESSION, nat46_nl_session, nat46_session_flush_doit), ADMIN },
	{ OP(SESSION_COUNT, SESSION, nat46_nl_session, nat46_session_count_doit), ADMIN },
	{ OP(PARAM_SET, PARAM, nat46_nl_param_set, nat46_param_set_doit), ADMIN },
	{ OP(PARAM_GET, PARAM, nat46_nl_param_get, nat46_param_get_doit), ADMIN },
	{ OP(STATS_GET, NONE, none, stats_get), ADMIN },
	{ OP(RESTORE_BEGIN, RESTORE, nat46_nl_restore_begin, nat46_restore_begin_doit), ADMIN },
	{ OP(RESTORE_COMMIT, RESTORE, nat46_nl_restore_commit, nat46_restore_commit_doit), ADMIN },
	{ OP(RESTORE_ABORT, RESTORE, nat46_nl_restore_abort, nat46_restore_abort_doit), ADMIN },
	{ OP(MISS_UNKNOWN, MISS, nat46_nl_miss, nat46_miss_unknown_doit), ADMIN },
	{ OP(MISS_STALE, MISS, nat46_nl_miss, nat46_miss_stale_doit), ADMIN },
	{ OP(MISS_GET, NONE, none, NULL), ADMIN, .dumpit = nat46_miss_dumpit },
	{ OP(EXPLAIN, EXPLAIN, nat46_nl_explain, nat46_explain_doit), ADMIN },
};

static const struct genl_multicast_group groups[] = {
	[NAT46_GROUP_MAP] = { .name = NAT46_MCGRP_MAP, NAT46_ADMIN_GROUP },
	/* to listen changes what clients see */
	[NAT46_GROUP_MISS] = { .name = NAT46_MCGRP_MISS, NAT46_ADMIN_GROUP },
};

struct genl_family nat46_family __ro_after_init = {
	.name		= NAT46_GENL_NAME,
	.version	= NAT46_GENL_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,		/* nat46_net::lock serialises changes */
	.module		= THIS_MODULE,
	.ops		= ops,
	.n_ops		= ARRAY_SIZE(ops),
	.mcgrps		= groups,
	.n_mcgrps	= ARRAY_SIZE(groups),
#ifdef NAT46_HAVE_GENL_RESV_START_OP
	/* for later ones NLM_F_CREATE and its like would be refused */
	.resv_start_op	= __NAT46_CMD_MAX,
#endif
};

/* A socket has been closed: its restore goes with it. */
static int released(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct netlink_notify *n = ptr;

	if (event == NETLINK_URELEASE && n->protocol == NETLINK_GENERIC)
		nat46_restore_gone(nat46_pernet(n->net), n->portid);
	return NOTIFY_DONE;
}

static struct notifier_block release_nb = { .notifier_call = released };

/**
 * nat46_netlink_init() - open the door to user space
 *
 * Context: may sleep; module initialisation, when all else works.
 * Return: 0 or -errno.
 */
int nat46_netlink_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; userns && i < ARRAY_SIZE(ops); i++)
		if (ops[i].flags & GENL_ADMIN_PERM)
			ops[i].flags = GENL_UNS_ADMIN_PERM;

	err = netlink_register_notifier(&release_nb);
	if (err)
		return err;
	err = genl_register_family(&nat46_family);
	if (err) {
		netlink_unregister_notifier(&release_nb);
		return err;
	}
	nat46_map_event_set(nat46_map_notify);
	nat46_miss_ops_set(&nat46_miss_ops);
	return 0;
}

/**
 * nat46_netlink_exit() - close it
 *
 * Context: may sleep; module exit, before all else ends.
 */
void nat46_netlink_exit(void)
{
	nat46_miss_ops_set(NULL);
	nat46_map_event_set(NULL);
	genl_unregister_family(&nat46_family);
	netlink_unregister_notifier(&release_nb);
}
