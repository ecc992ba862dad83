// SPDX-License-Identifier: GPL-2.0
/* object.c: objects read into structures, mappings written, events. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "nat46.h"
#include "nl.h"

enum { EVENTS_BYTES = 8 << 20 };	/* of the socket's buffer */

/* 0 where it isn't there, or shorter than another version of the module has it. */
static void get_bytes(void *to, struct nlattr *a, size_t len)
{
	memset(to, 0, len);
	if (a && (size_t)nla_len(a) >= len)
		memcpy(to, nla_data(a), len);
}

#define GET(name, type) \
	static type name(struct nlattr *a) { type v; get_bytes(&v, a, sizeof(v)); return v; }
GET(get_u8, uint8_t)
GET(get_u16, uint16_t)
GET(get_u32, uint32_t)
GET(get_u64, uint64_t)

static void get_str(char *to, size_t size, struct nlattr *a)
{
	snprintf(to, size, "%.*s", a ? nla_len(a) : 0, a ? nla_get_string(a) : "");
}

static int no_memory(struct nat46_err *err)
{
	memset(err, 0, sizeof(*err));
	return -ENOMEM;
}

/* Sends @msg, which may be NULL, and frees it. */
static int request(struct nat46_nl *nl, struct nl_msg *msg, int max, nat46_reply_fn fn, void *arg,
		   struct nat46_err *err)
{
	const int ret = msg ? nat46_request(nl, msg, max, fn, arg, err) : no_memory(err);

	nlmsg_free(msg);
	return ret;
}

/* Whoever is called for each object of a dump, or an event. */
struct reader {
	nat46_pool_fn pool;
	nat46_policy_fn policy;
	nat46_map_fn map;
	nat46_event_fn event;
	nat46_miss_fn miss;
	void *arg;
};

static int dump(struct nat46_nl *nl, uint8_t cmd, int max, nat46_reply_fn fn, struct reader *r,
		struct nat46_err *err)
{
	struct nl_msg *msg = nat46_msg(nl, cmd, NLM_F_DUMP);
	const int ret = msg ? nat46_dump(nl, msg, max, fn, r, err) : no_memory(err);

	nlmsg_free(msg);
	return ret;
}

/* ---- info -------------------------------------------------------------------- */

static int read_info(struct nlattr **a, void *arg)
{
	struct nat46_info *i = arg;

	i->api = get_u32(a[NAT46_INFO_A_API]);
	get_str(i->version, sizeof(i->version), a[NAT46_INFO_A_VERSION]);
	i->pools = get_u32(a[NAT46_INFO_A_POOLS]);
	i->sources = get_u32(a[NAT46_INFO_A_SOURCES]);
	i->mappings = get_u32(a[NAT46_INFO_A_MAPPINGS]);
	i->policies = get_u32(a[NAT46_INFO_A_POLICIES]);
	i->sessions = get_u32(a[NAT46_INFO_A_SESSIONS]);
	i->has_all = a[NAT46_INFO_A_SESSIONS_ALL];
	i->sessions_all = get_u32(a[NAT46_INFO_A_SESSIONS_ALL]);
	i->sessions_max = get_u32(a[NAT46_INFO_A_SESSIONS_MAX]);
	i->buckets = get_u32(a[NAT46_INFO_A_BUCKETS]);
	return 0;
}

int nat46_info_get(struct nat46_nl *nl, struct nat46_info *info, struct nat46_err *err)
{
	int ret;

	memset(info, 0, sizeof(*info));
	ret = request(nl, nat46_msg(nl, NAT46_CMD_INFO_GET, 0), NAT46_INFO_A_MAX, read_info, info, err);
	if (!ret && info->api != NAT46_API) {
		snprintf(err->msg, sizeof(err->msg),
			 "the module (%s, interface %u) and this program (interface %u) are of different versions",
			 info->version, info->api, NAT46_API);
		ret = -EPROTO;
	}
	return ret;
}

/* ---- pools, policy -------------------------------------------------------------- */

static int read_pool(struct nlattr **a, void *arg)
{
	struct nat46_pool_info p = {
		.plen = get_u8(a[NAT46_POOL_A_PLEN]),
		.drain = a[NAT46_POOL_A_DRAIN],
		.mappings = get_u32(a[NAT46_POOL_A_MAPPINGS]),
	};
	struct reader *r = arg;

	get_bytes(&p.addr, a[NAT46_POOL_A_ADDR], sizeof(p.addr));
	return r->pool(&p, r->arg);
}

int nat46_pool_dump(struct nat46_nl *nl, nat46_pool_fn fn, void *arg, struct nat46_err *err)
{
	struct reader r = { .pool = fn, .arg = arg };

	return dump(nl, NAT46_CMD_POOL_GET, NAT46_POOL_A_MAX, read_pool, &r, err);
}

static int read_policy(struct nlattr **a, void *arg)
{
	struct nat46_policy_info p = {
		.plen = get_u8(a[NAT46_POLICY_A_PLEN]),
		.from_plen = get_u8(a[NAT46_POLICY_A_FROM_PLEN]),
		.proto = get_u8(a[NAT46_POLICY_A_PROTO]),
		.action = get_u8(a[NAT46_POLICY_A_ACTION]),
		.dport = get_u16(a[NAT46_POLICY_A_DPORT]),
		.builtin = a[NAT46_POLICY_A_BUILTIN],
	};
	struct reader *r = arg;

	get_bytes(&p.addr, a[NAT46_POLICY_A_ADDR], sizeof(p.addr));
	get_bytes(&p.from, a[NAT46_POLICY_A_FROM], sizeof(p.from));
	return r->policy(&p, r->arg);
}

int nat46_policy_dump(struct nat46_nl *nl, nat46_policy_fn fn, void *arg,
		      struct nat46_err *err)
{
	struct reader r = { .policy = fn, .arg = arg };

	return dump(nl, NAT46_CMD_POLICY_GET, NAT46_POLICY_A_MAX, read_policy, &r, err);
}

static int read_default(struct nlattr **a, void *arg)
{
	*(uint8_t *)arg = get_u8(a[NAT46_PARAM_A_POLICY_DEFAULT]);
	return 0;
}

int nat46_policy_default(struct nat46_nl *nl, uint8_t *action, struct nat46_err *err)
{
	return request(nl, nat46_msg(nl, NAT46_CMD_PARAM_GET, 0), NAT46_PARAM_A_MAX, read_default,
		       action, err);
}

/* ---- mappings --------------------------------------------------------------------- */

static void read_map(struct nlattr **a, struct nat46_map *m)
{
	struct nlattr *t;
	int rem;

	memset(m, 0, sizeof(*m));
	get_bytes(&m->addr, a[NAT46_MAP_A_ADDR], sizeof(m->addr));
	m->plen = a[NAT46_MAP_A_PLEN] ? get_u8(a[NAT46_MAP_A_PLEN]) : 32;
	if (a[NAT46_MAP_A_TARGETS])
		nla_for_each_nested(t, a[NAT46_MAP_A_TARGETS], rem)
			if (m->n < NAT46_TARGETS_MAX)
				get_bytes(&m->target[m->n++], t, sizeof(m->target[0]));
	get_str(m->name, sizeof(m->name), a[NAT46_MAP_A_NAME]);
	get_str(m->owner, sizeof(m->owner), a[NAT46_MAP_A_OWNER]);
	m->inbound = a[NAT46_MAP_A_INBOUND];
	m->expires = a[NAT46_MAP_A_EXPIRES];
	m->seconds = get_u32(a[NAT46_MAP_A_EXPIRES]);
	m->hold = get_u32(a[NAT46_MAP_A_HOLD]);
	m->fresh = get_u32(a[NAT46_MAP_A_FRESH]);
	m->sessions = get_u32(a[NAT46_MAP_A_SESSIONS]);
	m->opened = get_u64(a[NAT46_MAP_A_OPENED]);
	m->used = a[NAT46_MAP_A_IDLE];
	m->idle = get_u32(a[NAT46_MAP_A_IDLE]);
}

static int map_cb(struct nlattr **a, void *arg)
{
	struct reader *r = arg;
	struct nat46_map m;

	read_map(a, &m);
	return r->map(&m, r->arg);
}

static struct nl_msg *map_msg(struct nat46_nl *nl, const struct nat46_map *map, bool replace)
{
	struct nl_msg *msg = nat46_msg(nl, NAT46_CMD_MAP_ADD, NLM_F_ACK | NLM_F_CREATE |
				       (replace ? NLM_F_REPLACE : NLM_F_EXCL));
	struct nlattr *nest;
	unsigned int i;
	int ret = 0;

	if (!msg)
		return NULL;
	ret |= nla_put(msg, NAT46_MAP_A_ADDR, sizeof(map->addr), &map->addr);
	if (map->plen)
		ret |= nla_put_u8(msg, NAT46_MAP_A_PLEN, map->plen);
	nest = nla_nest_start(msg, NAT46_MAP_A_TARGETS | NLA_F_NESTED);
	for (i = 0; nest && i < map->n; i++)
		ret |= nla_put(msg, NAT46_TARGETS_A_TARGET, sizeof(map->target[i]), &map->target[i]);
	if (nest)
		nla_nest_end(msg, nest);
	if (map->name[0])
		ret |= nla_put_string(msg, NAT46_MAP_A_NAME, map->name);
	if (map->owner[0])
		ret |= nla_put_string(msg, NAT46_MAP_A_OWNER, map->owner);
	if (map->expires) {
		ret |= nla_put_u32(msg, NAT46_MAP_A_EXPIRES, map->seconds);
		ret |= nla_put_u32(msg, NAT46_MAP_A_HOLD, map->hold);
		if (map->fresh)
			ret |= nla_put_u32(msg, NAT46_MAP_A_FRESH, map->fresh);
	}
	if (!ret && nest)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

int nat46_map_put(struct nat46_nl *nl, const struct nat46_map *map, bool replace,
		  struct nat46_err *err)
{
	return request(nl, map_msg(nl, map, replace), NAT46_MAP_A_MAX, NULL, NULL, err);
}

int nat46_map_put_many(struct nat46_nl *nl, const struct nat46_map *maps, unsigned int n,
		       struct nat46_err *err)
{
	struct nl_msg **msgs = calloc(n ?: 1, sizeof(*msgs));
	unsigned int i, failed;
	int ret = 0;

	for (i = 0; msgs && i < n; i++) {
		msgs[i] = map_msg(nl, &maps[i], true);
		if (!msgs[i])
			ret = no_memory(err);
	}
	if (!msgs)
		return no_memory(err);
	if (!ret)
		ret = nat46_request_many(nl, msgs, n, &failed, err);
	for (i = 0; i < n; i++)
		nlmsg_free(msgs[i]);
	free(msgs);
	return ret;
}

static int one_map(struct nlattr **a, void *arg)
{
	read_map(a, arg);
	return 0;
}

int nat46_map_get(struct nat46_nl *nl, struct in_addr addr, uint8_t plen, struct nat46_map *map,
		  struct nat46_err *err)
{
	struct nl_msg *msg = nat46_msg(nl, NAT46_CMD_MAP_GET, 0);

	if (!msg)
		return no_memory(err);
	nla_put(msg, NAT46_MAP_A_ADDR, sizeof(addr), &addr);
	if (plen)
		nla_put_u8(msg, NAT46_MAP_A_PLEN, plen);
	return request(nl, msg, NAT46_MAP_A_MAX, one_map, map, err);
}

int nat46_map_del(struct nat46_nl *nl, struct in_addr addr, const char *owner,
		  struct nat46_err *err)
{
	struct nl_msg *msg = nat46_msg(nl, NAT46_CMD_MAP_DEL, NLM_F_ACK);

	if (!msg)
		return no_memory(err);
	nla_put(msg, NAT46_MAP_A_ADDR, sizeof(addr), &addr);
	if (owner)
		nla_put_string(msg, NAT46_MAP_A_OWNER, owner);
	return request(nl, msg, NAT46_MAP_A_MAX, NULL, NULL, err);
}

int nat46_map_dump(struct nat46_nl *nl, const char *owner, const char *glob,
		   nat46_map_fn fn, void *arg, struct nat46_err *err)
{
	struct nl_msg *msg = nat46_msg(nl, NAT46_CMD_MAP_GET, NLM_F_DUMP);
	struct reader r = { .map = fn, .arg = arg };
	int ret;

	if (!msg)
		return no_memory(err);
	if (owner)
		nla_put_string(msg, NAT46_MAP_A_OWNER, owner);
	if (glob)
		nla_put_string(msg, NAT46_MAP_A_NAME, glob);
	ret = nat46_dump_sorted(nl, msg, NAT46_MAP_A_MAX, map_cb, &r, err);
	nlmsg_free(msg);
	return ret;
}

/* ---- events ------------------------------------------------------------------------- */

static int join(struct nat46_nl *nl, const char *name, struct nat46_err *err)
{
	int group = genl_ctrl_resolve_grp(nl->sk, NAT46_GENL_NAME, name);
	const int size = EVENTS_BYTES;

	memset(err, 0, sizeof(*err));
	if (group < 0 || nl_socket_add_membership(nl->sk, group) < 0) {
		snprintf(err->msg, sizeof(err->msg), "no events of group %s", name);
		return -ENOENT;
	}
	/* net.core.rmem_max is small; who may change mappings may go beyond it */
	if (setsockopt(nl_socket_get_fd(nl->sk), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		nl_socket_set_buffer_size(nl->sk, size, 0);
	return nl_socket_set_nonblocking(nl->sk) ? -EIO : 0;
}

/* Events have no request, and so no number to compare. */
static int any_seq(struct nl_msg *msg, void *arg)
{
	return NL_OK;
}

static int read_all(struct nat46_nl *nl, nl_recvmsg_msg_cb_t fn, void *arg)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_CUSTOM);
	int ret;

	if (!cb)
		return -ENOMEM;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, fn, arg);
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, any_seq, NULL);
	do {
		errno = 0;
		ret = nl_recvmsgs(nl->sk, cb);
	} while (ret >= 0);
	nl_cb_put(cb);
	if (ret == -NLE_AGAIN)
		return -EAGAIN;
	return errno == ENOBUFS || ret == -NLE_NOMEM ? -ENOBUFS : -EIO;
}

int nat46_events_join(struct nat46_nl *nl, struct nat46_err *err)
{
	return join(nl, NAT46_MCGRP_MAP, err);
}

static int on_event(struct nl_msg *msg, void *arg)
{
	struct nlattr *a[NAT46_MAP_A_MAX + 1];
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct reader *r = arg;
	struct nat46_map m;

	if (genlmsg_parse(h, 0, a, NAT46_MAP_A_MAX, NULL) < 0 || !a[NAT46_MAP_A_EVENT])
		return NL_SKIP;
	read_map(a, &m);
	r->event(get_u8(a[NAT46_MAP_A_EVENT]), &m, r->arg);
	return NL_OK;
}

int nat46_events_read(struct nat46_nl *nl, nat46_event_fn fn, void *arg)
{
	struct reader r = { .event = fn, .arg = arg };

	return read_all(nl, on_event, &r);
}

/* ---- misses ------------------------------------------------------------------------- */

int nat46_misses_join(struct nat46_nl *nl, struct nat46_err *err)
{
	return join(nl, NAT46_MCGRP_MISS, err);
}

static int read_miss(struct nlattr **a, void *arg)
{
	struct nat46_miss m = {
		.proto = get_u8(a[NAT46_MISS_A_PROTO]),
		.dport = ntohs(get_u16(a[NAT46_MISS_A_DPORT])),
		.stale = a[NAT46_MISS_A_STALE],
		.unknown = a[NAT46_MISS_A_UNKNOWN],
		.age = get_u32(a[NAT46_MISS_A_AGE]),
	};
	struct reader *r = arg;

	get_bytes(&m.addr, a[NAT46_MISS_A_ADDR], sizeof(m.addr));
	get_bytes(&m.client, a[NAT46_MISS_A_CLIENT], sizeof(m.client));
	return r->miss(&m, r->arg);
}

static int on_miss(struct nl_msg *msg, void *arg)
{
	struct nlattr *a[NAT46_MISS_A_MAX + 1];

	if (genlmsg_parse(nlmsg_hdr(msg), 0, a, NAT46_MISS_A_MAX, NULL) < 0 ||
	    !a[NAT46_MISS_A_ADDR])
		return NL_SKIP;
	read_miss(a, arg);
	return NL_OK;
}

int nat46_misses_read(struct nat46_nl *nl, nat46_miss_fn fn, void *arg)
{
	struct reader r = { .miss = fn, .arg = arg };

	return read_all(nl, on_miss, &r);
}

int nat46_misses_dump(struct nat46_nl *nl, nat46_miss_fn fn, void *arg, struct nat46_err *err)
{
	struct reader r = { .miss = fn, .arg = arg };

	return dump(nl, NAT46_CMD_MISS_GET, NAT46_MISS_A_MAX, read_miss, &r, err);
}

static int of_miss(struct nat46_nl *nl, uint8_t cmd, struct in_addr addr, struct nat46_err *err)
{
	struct nl_msg *msg = nat46_msg(nl, cmd, NLM_F_ACK);

	if (!msg)
		return no_memory(err);
	nla_put(msg, NAT46_MISS_A_ADDR, sizeof(addr), &addr);
	return request(nl, msg, NAT46_MISS_A_MAX, NULL, NULL, err);
}

int nat46_miss_unknown(struct nat46_nl *nl, struct in_addr addr, struct nat46_err *err)
{
	return of_miss(nl, NAT46_CMD_MISS_UNKNOWN, addr, err);
}

int nat46_miss_stale(struct nat46_nl *nl, struct in_addr addr, struct nat46_err *err)
{
	return of_miss(nl, NAT46_CMD_MISS_STALE, addr, err);
}
