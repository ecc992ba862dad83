/* SPDX-License-Identifier: GPL-2.0 */
/* What would happen to a flow's first packet: explain.c finds it, netlink_explain.c tells it. */
#ifndef _NF_NAT46_EXPLAIN_H
#define _NF_NAT46_EXPLAIN_H

#include "nf_nat46.h"

/* Pointers hold under RCU; what the packet would not come to stays zero. */
struct nat46_explanation {
	struct nat46_tuple4 t4;
	int iif;			/* 0: by the route back */
	u32 mark;
	bool has_uid;
	kuid_t uid;			/* of the socket, where the client is this node */

	enum nat46_explain_pass pass;	/* left to the node's own routing */
	enum nat46_reason reason;	/* dropped */
	u8 named;			/* enum nat46_explain_named: by whom it has to be */
	bool session;			/* it has one already */
	bool local;			/* its client is this node */
	const struct nat46_pool *pool;
	const struct nat46_mapping *map;
	struct in6_addr target;		/* where map is set */
	const struct nat46_source *source;
	bool has_sessions;
	u32 sessions;			/* of the client */
	bool judged;			/* by the policy: */
	const struct nat46_policy *policy; /* NULL: its default */
	int oif;			/* 0: none */
	u32 mtu;
	struct in6_addr gateway;
	struct nat46_tuple6 t6;		/* its daddr is set where there is a way */
	bool has_port;			/* and its sport */
};

void nat46_explain(struct nat46_net *nn, const struct nat46_conf *conf,
		   struct nat46_explanation *x, struct sk_buff *scratch);

#endif /* _NF_NAT46_EXPLAIN_H */
