/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The requests of family "nat46": the table of operations is in netlink.c,
 * what they do in one file an object.
 */
#ifndef _NF_NAT46_REQUEST_H
#define _NF_NAT46_REQUEST_H

#include <net/genetlink.h>
#include <net/sock.h>

#include "conf.h"

extern struct genl_family nat46_family;

/* The multicast groups, in their order in the family. */
enum { NAT46_GROUP_MAP, NAT46_GROUP_MISS };

static inline struct nat46_net *nat46_nl_net(struct genl_info *info)
{
	return nat46_pernet(genl_info_net(info));
}

static inline struct nat46_net *nat46_nl_dump_net(const struct netlink_callback *cb)
{
	return nat46_pernet(sock_net(cb->skb->sk));
}

/* what they share */
int nat46_nl_may(struct genl_info *info);
int nat46_nl_removal(struct genl_info *info, int force, int drain);
int nat46_nl_need(struct genl_info *info, int attr, const char *msg);
int nat46_nl_bad(struct genl_info *info, int attr, int err);
bool nat46_nl_glob(const char *pattern, const char *text);
int nat46_nl_source_put(struct sk_buff *skb, const struct nat46_source *s);
int nat46_nl_policy_put(struct sk_buff *skb, const struct nat46_policy *p);
int nat46_nl_map_put(struct sk_buff *skb, const struct nat46_mapping *m);	/* RCU */
void *nat46_nl_dump_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);
struct sk_buff *nat46_nl_reply(struct genl_info *info, u8 cmd, void **hdr);
int nat46_nl_send(struct genl_info *info, struct sk_buff *skb, void *hdr, int err);

/* netlink_conf.c */
extern const struct nla_policy nat46_nl_pool_add[NAT46_POOL_A_MAX + 1];
extern const struct nla_policy nat46_nl_pool_del[NAT46_POOL_A_MAX + 1];
extern const struct nla_policy nat46_nl_source_add[NAT46_SOURCE_A_MAX + 1];
extern const struct nla_policy nat46_nl_source_del[NAT46_SOURCE_A_MAX + 1];
extern const struct nla_policy nat46_nl_policy[NAT46_POLICY_A_MAX + 1];
int nat46_pool_add_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_pool_del_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_pool_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int nat46_source_add_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_source_del_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_source_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int nat46_policy_add_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_policy_del_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_policy_dumpit(struct sk_buff *skb, struct netlink_callback *cb);

/* netlink_param.c */
extern const struct nla_policy nat46_nl_param_set[NAT46_PARAM_A_MAX + 1];
extern const struct nla_policy nat46_nl_param_get[NAT46_PARAM_A_MAX + 1];
extern const struct nla_policy nat46_nl_restore_begin[NAT46_RESTORE_A_MAX + 1];
extern const struct nla_policy nat46_nl_restore_commit[NAT46_RESTORE_A_MAX + 1];
extern const struct nla_policy nat46_nl_restore_abort[NAT46_RESTORE_A_MAX + 1];
int nat46_param_set_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_param_get_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_restore_begin_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_restore_commit_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_restore_abort_doit(struct sk_buff *skb, struct genl_info *info);

/* netlink_map.c */
extern const struct nla_policy nat46_nl_map_add[NAT46_MAP_A_MAX + 1];
extern const struct nla_policy nat46_nl_map_del[NAT46_MAP_A_MAX + 1];
extern const struct nla_policy nat46_nl_map_flush[NAT46_MAP_A_MAX + 1];
extern const struct nla_policy nat46_nl_map_get[NAT46_MAP_A_MAX + 1];
int nat46_map_add_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_map_del_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_map_flush_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_map_get_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_map_start(struct netlink_callback *cb);
int nat46_map_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int nat46_map_done(struct netlink_callback *cb);
void nat46_map_notify(struct nat46_net *nn, const struct nat46_mapping *m,
		      enum nat46_map_event event);

/* netlink_miss.c */
extern const struct nla_policy nat46_nl_miss[NAT46_MISS_A_MAX + 1];
extern const struct nat46_miss_ops nat46_miss_ops;
int nat46_miss_unknown_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_miss_stale_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_miss_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
/* netlink_explain.c */
extern const struct nla_policy nat46_nl_explain[NAT46_EXPLAIN_A_MAX + 1];
int nat46_explain_doit(struct sk_buff *skb, struct genl_info *info);

/* netlink_session.c */
extern const struct nla_policy nat46_nl_session[NAT46_SESSION_A_MAX + 1];
int nat46_session_start(struct netlink_callback *cb);
int nat46_session_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int nat46_session_done(struct netlink_callback *cb);
int nat46_session_flush_doit(struct sk_buff *skb, struct genl_info *info);
int nat46_session_count_doit(struct sk_buff *skb, struct genl_info *info);

#endif /* _NF_NAT46_REQUEST_H */
