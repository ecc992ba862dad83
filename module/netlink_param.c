// SPDX-License-Identifier: GPL-2.0
/*
 * The requests about settings, each one a row of a table, and about the
 * transaction that replaces a configuration.
 */
#include <linux/in.h>
#include <net/ipv6.h>

#include "request.h"

/* ---- settings ------------------------------------------------------------------ */

#define TIME_MAX	2678400		/* seconds: 31 days */
#define MSS_CLAMP_MSG	"mss-clamp is on, off or 536 to 65535 bytes"

const struct nla_policy nat46_nl_param_set[NAT46_PARAM_A_MAX + 1] = {
	[NAT46_PARAM_A_TIMEOUT_TCP_EST]		= { .type = NLA_U32 },
	[NAT46_PARAM_A_TIMEOUT_TCP_TRANS]	= { .type = NLA_U32 },
	[NAT46_PARAM_A_TIMEOUT_UDP]		= { .type = NLA_U32 },
	[NAT46_PARAM_A_TIMEOUT_ICMP]		= { .type = NLA_U32 },
	[NAT46_PARAM_A_MAX_SESSIONS]		= { .type = NLA_U32 },
	[NAT46_PARAM_A_UNMAPPED]		= { .type = NLA_U8 },
	[NAT46_PARAM_A_SRC_CHECK]		= { .type = NLA_U8 },
	[NAT46_PARAM_A_LOCAL_OUT]		= { .type = NLA_U8 },
	[NAT46_PARAM_A_HOOK_MARK]		= { .type = NLA_U32 },
	[NAT46_PARAM_A_HOOK_MASK]		= { .type = NLA_U32 },
	[NAT46_PARAM_A_POLICY_DEFAULT]		= { .type = NLA_U8 },
	[NAT46_PARAM_A_RESET]			= { .type = NLA_U32 },
	[NAT46_PARAM_A_UDP_ZERO_CSUM]		= { .type = NLA_U8 },
	[NAT46_PARAM_A_TOS]			= { .type = NLA_U32 },
	[NAT46_PARAM_A_TIMEOUT_OTHER]		= { .type = NLA_U32 },
	[NAT46_PARAM_A_MAX_PER_CLIENT]		= { .type = NLA_U32 },
	[NAT46_PARAM_A_TCP_MIDSTREAM]		= { .type = NLA_U8 },
	[NAT46_PARAM_A_MSS_CLAMP]		= { .type = NLA_U32 },
	[NAT46_PARAM_A_UDP_REFRESH_INBOUND]	= { .type = NLA_U8 },
	[NAT46_PARAM_A_ICMP_SOURCE]		= { .type = NLA_U32 },
	[NAT46_PARAM_A_MTU_MIN]			= { .type = NLA_U32 },
	[NAT46_PARAM_A_FLOW_LABEL]		= { .type = NLA_U8 },
	[NAT46_PARAM_A_TIMEOUT_TCP_SYN]		= { .type = NLA_U32 },
	[NAT46_PARAM_A_PORT_MAPPING]		= { .type = NLA_U8 },
	[NAT46_PARAM_A_HAIRPIN]			= { .type = NLA_U8 },
	[NAT46_PARAM_A_FILTER_HOOKS]		= { .type = NLA_U8 },
	[NAT46_PARAM_A_FILTER_HOOKS4]		= { .type = NLA_U8 },
	[NAT46_PARAM_A_HOOK_LATE]		= { .type = NLA_U8 },
	[NAT46_PARAM_A_TRACK6]			= { .type = NLA_U8 },
	[NAT46_PARAM_A_TIMEOUT_DCCP]		= { .type = NLA_U32 },
};

const struct nla_policy nat46_nl_param_get[NAT46_PARAM_A_MAX + 1] = {
	[NAT46_PARAM_A_DEFAULTS]		= { .type = NLA_FLAG },
};

struct param {
	u16 attr;
	u16 offset;
	u32 min;
	u32 max;
	const char *msg;
};

#define ROW(_attr, _member, _min, _max, _msg)				\
	{ NAT46_PARAM_A_ ## _attr, offsetof(struct nat46_params, _member), _min, _max, _msg }
#define TIMEOUT(_attr, _member)						\
	ROW(_attr, _member, 1, TIME_MAX, "a timeout is 1 to 2678400 seconds")

/* The type of each is that of its attribute. */
static const struct param params[] = {
	TIMEOUT(TIMEOUT_TCP_EST, timeout_tcp_est),
	TIMEOUT(TIMEOUT_TCP_TRANS, timeout_tcp_trans),
	TIMEOUT(TIMEOUT_TCP_SYN, timeout_tcp_syn),
	TIMEOUT(TIMEOUT_UDP, timeout_udp),
	TIMEOUT(TIMEOUT_ICMP, timeout_icmp),
	ROW(MAX_SESSIONS, max_sessions, 0, INT_MAX, "max-sessions is too large"),
	ROW(UNMAPPED, unmapped, NAT46_UNMAPPED_REJECT, NAT46_UNMAPPED_PASS,
	    "unmapped is reject, drop or pass"),
	ROW(SRC_CHECK, src_check, NAT46_SRC_CHECK_STRICT, NAT46_SRC_CHECK_OFF,
	    "src-check is strict, loose or off"),
	ROW(LOCAL_OUT, local_out, 0, 1, "local-out is on or off"),
	ROW(HOOK_MARK, hook_mark, 0, U32_MAX, ""),
	ROW(HOOK_MASK, hook_mask, 0, U32_MAX, ""),
	ROW(POLICY_DEFAULT, policy_default, NAT46_POLICY_ALLOW, NAT46_POLICY_DENY,
	    "the policy's default is allow or deny"),
	ROW(UDP_ZERO_CSUM, udp_zero_csum, NAT46_UDP_ZERO_CSUM_COMPUTE, NAT46_UDP_ZERO_CSUM_KEEP,
	    "udp-zero-csum is compute, drop or keep"),
	ROW(TOS, tos, 0, NAT46_TOS_COPY, "tos is copy or 0 to 255"),
	TIMEOUT(TIMEOUT_DCCP, timeout_dccp),
	TIMEOUT(TIMEOUT_OTHER, timeout_other),
	ROW(MAX_PER_CLIENT, max_per_client, 0, INT_MAX, "max-per-client is too large"),
	ROW(TCP_MIDSTREAM, tcp_midstream, NAT46_TCP_MIDSTREAM_DROP, NAT46_TCP_MIDSTREAM_ALLOW,
	    "tcp-midstream is reset, drop or allow"),
	ROW(MSS_CLAMP, mss_clamp, 0, U16_MAX, MSS_CLAMP_MSG),
	ROW(UDP_REFRESH_INBOUND, udp_refresh_inbound, 0, 1, "udp-refresh-inbound is on or off"),
	ROW(ICMP_SOURCE, icmp_source, 0, U32_MAX, ""),
	ROW(MTU_MIN, mtu_min, IPV6_MIN_MTU, U16_MAX, "mtu-min is 1280 to 65535 bytes"),
	ROW(FLOW_LABEL, flow_label, NAT46_FLOW_LABEL_ZERO, NAT46_FLOW_LABEL_HASH,
	    "flow-label is zero or hash"),
	ROW(PORT_MAPPING, port_mapping, NAT46_PORT_MAPPING_PER_TARGET,
	    NAT46_PORT_MAPPING_INDEPENDENT, "port-mapping is per-target or independent"),
	ROW(HAIRPIN, hairpin, NAT46_HAIRPIN_REFUSE, NAT46_HAIRPIN_ALLOW,
	    "hairpin is refuse or allow"),
	ROW(FILTER_HOOKS, filter_hooks, NAT46_FILTER_HOOKS_OUTPUT, NAT46_FILTER_HOOKS_OFF,
	    "filter-hooks is output, forward or off"),
	ROW(FILTER_HOOKS4, filter_hooks4, NAT46_FILTER_HOOKS4_OFF, NAT46_FILTER_HOOKS4_FORWARD,
	    "filter-hooks4 is off or forward"),
	ROW(HOOK_LATE, hook_late, NAT46_HOOK_LATE_OFF, NAT46_HOOK_LATE_HELPER,
	    "hook-late is off, on or helper"),
	ROW(TRACK6, track6, 0, 1, "track6 is on or off"),
};

static bool is_u8(const struct param *row)
{
	return nat46_nl_param_set[row->attr].type == NLA_U8;
}

static const struct param *param_find(u32 attr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(params); i++)
		if (params[i].attr == attr)
			return &params[i];
	return NULL;
}

static u32 param_read(const struct nat46_params *par, const struct param *row)
{
	const void *at = (const void *)par + row->offset;

	return is_u8(row) ? *(const u8 *)at : *(const u32 *)at;
}

static void param_write(struct nat46_params *par, const struct param *row, u32 value)
{
	void *at = (void *)par + row->offset;

	if (is_u8(row))
		*(u8 *)at = value;
	else
		*(u32 *)at = value;
}

/* RESET comes any number of times: the parsed table knows only the last. */
static int params_reset(struct genl_info *info, struct nat46_params *par)
{
	const struct param *row;
	struct nlattr *nla;
	int rem;

	nla_for_each_attr(nla, genlmsg_data(info->genlhdr), genlmsg_len(info->genlhdr), rem) {
		if (nla_type(nla) != NAT46_PARAM_A_RESET)
			continue;
		row = param_find(nla_get_u32(nla));
		if (!row) {
			NL_SET_ERR_MSG_ATTR(info->extack, nla, "no such setting");
			return -EINVAL;
		}
		param_write(par, row, param_read(&nat46_params_default, row));
	}
	return 0;
}

static bool is_host4(__be32 addr)
{
	return ntohl(addr) >> 24 && !ipv4_is_loopback(addr) && ntohl(addr) < 0xe0000000;
}

/* What no range says. */
static int params_check(struct genl_info *info, const struct nat46_params *par)
{
	if (par->hook_mark & ~par->hook_mask) {
		NL_SET_ERR_MSG(info->extack, "the mark has bits that its mask has not");
		return nat46_nl_bad(info, NAT46_PARAM_A_HOOK_MARK, -EINVAL);
	}
	if (par->mss_clamp > NAT46_MSS_CLAMP_PATH && par->mss_clamp < NAT46_MSS_CLAMP_MIN) {
		NL_SET_ERR_MSG(info->extack, MSS_CLAMP_MSG);
		return nat46_nl_bad(info, NAT46_PARAM_A_MSS_CLAMP, -EINVAL);
	}
	if (par->icmp_source && !is_host4((__force __be32)par->icmp_source)) {
		NL_SET_ERR_MSG(info->extack, "icmp-source is not a unicast address");
		return nat46_nl_bad(info, NAT46_PARAM_A_ICMP_SOURCE, -EINVAL);
	}
	return 0;
}

static int params_set(struct genl_info *info, struct nat46_params *par)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(params); i++) {
		const struct param *row = &params[i];
		const struct nlattr *nla = info->attrs[row->attr];
		u32 value;

		if (!nla)
			continue;
		value = is_u8(row) ? nla_get_u8(nla) : nla_get_u32(nla);
		if (value < row->min || value > row->max) {
			if (info->extack)
				info->extack->_msg = row->msg;
			return nat46_nl_bad(info, row->attr, -EINVAL);
		}
		param_write(par, row, value);
	}
	return params_check(info, par);
}

int nat46_param_set_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_params par;
	struct nat46_edit e;
	int err;

	err = nat46_edit_begin(&e, nat46_nl_net(info), info->snd_portid, info->extack);
	if (err)
		return err;
	par = e.conf->params;
	err = params_reset(info, &par);
	if (!err)
		err = params_set(info, &par);
	if (!err && !e.tx)
		err = nat46_rules_allow(e.nn, &par, info->extack);
	if (!err)
		err = nat46_conf_params_set(&e, &par);
	nat46_edit_end(&e);
	return err;
}

static void params_now(struct nat46_net *nn, struct nat46_params *par)
{
	const struct nat46_conf *conf;

	rcu_read_lock();
	conf = rcu_dereference(nn->conf);
	*par = conf ? conf->params : nat46_params_default;
	rcu_read_unlock();
}

int nat46_param_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nat46_params par = nat46_params_default;
	struct sk_buff *skb;
	unsigned int i;
	int err = 0;
	void *hdr;

	if (!info->attrs[NAT46_PARAM_A_DEFAULTS])
		params_now(nat46_nl_net(info), &par);
	skb = nat46_nl_reply(info, NAT46_CMD_PARAM_GET, &hdr);
	if (!skb)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(params) && !err; i++) {
		const struct param *row = &params[i];
		const u32 value = param_read(&par, row);

		err = is_u8(row) ? nla_put_u8(skb, row->attr, value) :
						nla_put_u32(skb, row->attr, value);
	}
	return nat46_nl_send(info, skb, hdr, err);
}

/* ---- restore -------------------------------------------------------------------- */

const struct nla_policy nat46_nl_restore_begin[NAT46_RESTORE_A_MAX + 1] = {
	[NAT46_RESTORE_A_OWNER]	= { .type = NLA_NUL_STRING, .len = NAT46_OWNER_LEN },
};

const struct nla_policy nat46_nl_restore_commit[NAT46_RESTORE_A_MAX + 1] = {
	[NAT46_RESTORE_A_TOKEN]	= { .type = NLA_U32 },
	[NAT46_RESTORE_A_FORCE]	= { .type = NLA_FLAG },
};

const struct nla_policy nat46_nl_restore_abort[NAT46_RESTORE_A_MAX + 1] = {
	[NAT46_RESTORE_A_TOKEN]	= { .type = NLA_U32 },
};

int nat46_restore_begin_doit(struct sk_buff *req, struct genl_info *info)
{
	const struct nlattr *nla = info->attrs[NAT46_RESTORE_A_OWNER];
	const char *owner = nla ? nla_data(nla) : NAT46_OWNER_STATIC;
	struct sk_buff *skb;
	void *hdr;
	u32 token;
	int err;

	if (!nat46_map_owner_ok(owner)) {
		NL_SET_ERR_MSG_ATTR(info->extack, nla, "an owner is a word of a-z 0-9 _ -");
		return -EINVAL;
	}
	skb = nat46_nl_reply(info, NAT46_CMD_RESTORE_BEGIN, &hdr);
	if (!skb)
		return -ENOMEM;
	err = nat46_restore_begin(nat46_nl_net(info), info->snd_portid, owner, &token,
				  info->extack);
	if (!err)
		err = nla_put_u32(skb, NAT46_RESTORE_A_TOKEN, token);
	return nat46_nl_send(info, skb, hdr, err);
}

int nat46_restore_commit_doit(struct sk_buff *req, struct genl_info *info)
{
	int err = nat46_nl_need(info, NAT46_RESTORE_A_TOKEN, "the restore's token is missing");

	if (err)
		return err;
	return nat46_restore_commit(nat46_nl_net(info), info->snd_portid,
				    nla_get_u32(info->attrs[NAT46_RESTORE_A_TOKEN]),
				    info->attrs[NAT46_RESTORE_A_FORCE], info->extack);
}

int nat46_restore_abort_doit(struct sk_buff *req, struct genl_info *info)
{
	int err = nat46_nl_need(info, NAT46_RESTORE_A_TOKEN, "the restore's token is missing");

	if (err)
		return err;
	return nat46_restore_abort(nat46_nl_net(info), info->snd_portid,
				   nla_get_u32(info->attrs[NAT46_RESTORE_A_TOKEN]),
				   info->extack);
}
