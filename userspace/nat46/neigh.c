// SPDX-License-Identifier: GPL-2.0
/*
 * neigh.c: proxy neighbour entries for the addresses of addr sources that lie
 * in the prefix of a link. They make the host listen for the neighbours' questions,
 * which the module answers. Protocol 46 tells ours from everybody else's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/route/link.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "tool.h"

#define RANGE_MAX	1024	/* each entry is a multicast group of the device */
#define DUMP_TRIES	10

struct entry {
	struct in6_addr addr;
	int ifindex;
	bool ours;
	bool wanted;
};

struct list {
	struct entry *v;
	size_t n, room;
};

struct range {
	struct in6_addr lo, hi;
};

struct ranges {
	struct range *v;
	size_t n;
};

static void no_memory(void)
{
	die(EXIT_SYSTEM, "out of memory");
}

static void append(struct list *l, struct entry e)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->v = reallocarray(l->v, l->room, sizeof(*l->v));
		if (!l->v)
			no_memory();
	}
	l->v[l->n++] = e;
}

/* ---- rtnetlink ------------------------------------------------------------------ */

static struct nl_msg *message(int type, int flags, void *head, size_t size,
			      int attr, const struct in6_addr *addr)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (!msg || nlmsg_append(msg, head, size, NLMSG_ALIGNTO) < 0 ||
	    (addr && nla_put(msg, attr, sizeof(*addr), addr) < 0))
		no_memory();
	return msg;
}

static int on_end(struct nl_msg *msg, void *arg)
{
	*(bool *)arg = true;
	return NL_STOP;
}

/* Sends @msg and hands each answer to @fn, until the last; a libnl error or 0. */
static int exchange(struct nl_msg *msg, nl_recvmsg_msg_cb_t fn, void *arg)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	bool end = false;
	int ret;

	if (!cb)
		no_memory();
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, &end);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &end);
	if (fn)
		nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, fn, arg);
	ret = nl_send_auto(rt_socket(), msg);
	while (ret >= 0 && !end)
		ret = nl_recvmsgs(rt_socket(), cb);
	nl_cb_put(cb);
	nlmsg_free(msg);
	return ret < 0 ? ret : 0;
}

static int on_proxy(struct nl_msg *msg, void *arg)
{
	const struct ndmsg *nd = nlmsg_data(nlmsg_hdr(msg));
	struct entry e = { .ifindex = nd->ndm_ifindex };
	struct nlattr *a[NDA_MAX + 1];

	if (nd->ndm_family != AF_INET6 || !(nd->ndm_flags & NTF_PROXY) ||
	    nlmsg_parse(nlmsg_hdr(msg), sizeof(*nd), a, NDA_MAX, NULL) < 0 || !a[NDA_DST])
		return NL_OK;
	memcpy(&e.addr, nla_data(a[NDA_DST]), sizeof(e.addr));
	e.ours = a[NDA_PROTOCOL] && nla_get_u8(a[NDA_PROTOCOL]) == PROTO_NAT46;
	append(arg, e);
	return NL_OK;
}

static void read_proxies(struct list *l)
{
	struct ndmsg nd = { .ndm_family = AF_INET6, .ndm_flags = NTF_PROXY };
	int ret, n = 0;

	do {
		l->n = 0;
		ret = exchange(message(RTM_GETNEIGH, NLM_F_DUMP, &nd, sizeof(nd), 0, NULL),
			       on_proxy, l);
	} while (ret == -NLE_DUMP_INTR && ++n < DUMP_TRIES);
	if (ret)
		die(EXIT_SYSTEM, "the proxy neighbour entries can't be read: %s", nl_geterror(ret));
}

static int change(int type, int flags, const struct entry *e)
{
	struct ndmsg nd = {
		.ndm_family = AF_INET6,
		.ndm_flags = NTF_PROXY,
		.ndm_ifindex = e->ifindex,
		.ndm_state = NUD_PERMANENT,	/* outlives a cable that is pulled */
	};
	struct nl_msg *msg = message(type, flags, &nd, sizeof(nd), NDA_DST, &e->addr);

	if (type == RTM_NEWNEIGH && nla_put_u8(msg, NDA_PROTOCOL, PROTO_NAT46) < 0)
		no_memory();
	return exchange(msg, NULL, NULL);
}

/* A link on which neighbours ask for addresses? */
static bool asks(int ifindex)
{
	static int last, flags;
	struct rtnl_link *link;

	if (ifindex != last) {
		if (rtnl_link_get_kernel(rt_socket(), ifindex, NULL, &link) < 0)
			return false;
		flags = rtnl_link_get_flags(link);
		rtnl_link_put(link);
		last = ifindex;
	}
	return !(flags & (IFF_NOARP | IFF_LOOPBACK));
}

static int on_route(struct nl_msg *msg, void *arg)
{
	const struct rtmsg *rt = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *a[RTA_MAX + 1];

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*rt), a, RTA_MAX, NULL) < 0)
		return NL_OK;
	if (rt->rtm_type == RTN_UNICAST && rt->rtm_dst_len && a[RTA_OIF] &&
	    !a[RTA_GATEWAY] && !a[RTA_VIA] && !a[RTA_MULTIPATH])
		*(int *)arg = nla_get_u32(a[RTA_OIF]);
	return NL_OK;
}

/* The device on whose link @addr is, as the routes have it; 0: none. */
static int on_link(const struct in6_addr *addr)
{
	struct rtmsg rt = {
		.rtm_family = AF_INET6,
		.rtm_dst_len = 128,
		.rtm_flags = RTM_F_FIB_MATCH,
	};
	int ifindex = 0;

	/* refused where there is no route */
	if (exchange(message(RTM_GETROUTE, 0, &rt, sizeof(rt), RTA_DST, addr), on_route, &ifindex))
		return 0;
	return ifindex && asks(ifindex) ? ifindex : 0;
}

/* ---- what there should be --------------------------------------------------------- */

static int on_source(struct nlattr **a, void *arg)
{
	struct ranges *r = arg;
	struct range *x;

	if (!a[NAT46_SOURCE_A_TYPE] || nla_get_u8(a[NAT46_SOURCE_A_TYPE]) != NAT46_SOURCE_ADDR ||
	    !a[NAT46_SOURCE_A_ADDR_LO])
		return 0;
	r->v = reallocarray(r->v, r->n + 1, sizeof(*r->v));
	if (!r->v)
		no_memory();
	x = &r->v[r->n++];
	memcpy(&x->lo, nla_data(a[NAT46_SOURCE_A_ADDR_LO]), sizeof(x->lo));
	x->hi = x->lo;
	if (a[NAT46_SOURCE_A_ADDR_HI])
		memcpy(&x->hi, nla_data(a[NAT46_SOURCE_A_ADDR_HI]), sizeof(x->hi));
	return 0;
}

static void next(struct in6_addr *addr)
{
	int i = 15;

	while (i >= 0 && !++addr->s6_addr[i])
		i--;
}

/* Has the range more addresses than may be? */
static bool too_many(const struct range *r)
{
	struct in6_addr addr = r->lo;
	int n;

	for (n = 1; n <= RANGE_MAX; n++) {
		if (!memcmp(&addr, &r->hi, sizeof(addr)))
			return false;
		next(&addr);
	}
	return true;
}

static void tell(const struct range *r)
{
	char lo[INET6_ADDRSTRLEN], hi[INET6_ADDRSTRLEN];

	fprintf(stderr, "nat46: no neighbour entries for more than %d addresses of a link; route them to this host: %s-%s\n",
		RANGE_MAX, inet_ntop(AF_INET6, &r->lo, lo, sizeof(lo)),
		inet_ntop(AF_INET6, &r->hi, hi, sizeof(hi)));
}

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	const int c = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	return c ? c : (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

/* What @r wants: marked in @have, or else appended to @todo. */
static void want(const struct range *r, struct list *have, struct list *todo)
{
	struct entry e = { .addr = r->lo }, *old;

	for (;; next(&e.addr)) {
		e.ifindex = on_link(&e.addr);
		old = e.ifindex && have->n ?
			bsearch(&e, have->v, have->n, sizeof(e), compare) : NULL;
		if (old)
			old->wanted = true;
		else if (e.ifindex)
			append(todo, e);
		if (!memcmp(&e.addr, &r->hi, sizeof(e.addr)))
			return;
	}
}

static void failed(const struct entry *e, int ret)
{
	char addr[INET6_ADDRSTRLEN];

	die(EXIT_SYSTEM, "done, but for the proxy neighbour entry: %s: %s", nl_geterror(ret),
	    inet_ntop(AF_INET6, &e->addr, addr, sizeof(addr)));
}

void neigh_reconcile(const struct in6_addr *named)
{
	struct list have = { 0 }, todo = { 0 };
	struct ranges sources = { 0 };
	size_t i;
	int ret;

	ask(ask_msg(NAT46_CMD_SOURCE_GET, true), NAT46_SOURCE_A_MAX, true, on_source, &sources);
	read_proxies(&have);
	if (have.n)
		qsort(have.v, have.n, sizeof(*have.v), compare);
	for (i = 0; i < sources.n; i++) {
		const struct range *r = &sources.v[i];

		if (!too_many(r))
			want(r, &have, &todo);
		else if ((!named || !memcmp(named, &r->lo, sizeof(*named))) &&
			 (on_link(&r->lo) || on_link(&r->hi)))
			tell(r);
	}
	for (i = 0; i < have.n; i++) {
		if (!have.v[i].ours || have.v[i].wanted)
			continue;
		ret = change(RTM_DELNEIGH, 0, &have.v[i]);
		if (ret && ret != -NLE_OBJ_NOTFOUND)
			failed(&have.v[i], ret);
	}
	for (i = 0; i < todo.n; i++) {
		ret = change(RTM_NEWNEIGH, NLM_F_CREATE, &todo.v[i]);
		if (ret)
			failed(&todo.v[i], ret);
	}
	free(have.v);
	free(todo.v);
	free(sources.v);
}
