/* SPDX-License-Identifier: GPL-2.0 */
/* How a rule of iptables names a packet (xt_NAT46.c), and our hook reads it. */
#ifndef _NF_NAT46_RULE_H
#define _NF_NAT46_RULE_H

#include <linux/jump_label.h>
#include <net/ip.h>

#include "nf_nat46.h"

DECLARE_STATIC_KEY_FALSE(nat46_rules);	/* there are some, somewhere */

/*
 * A bit of IPv4's part of skb->cb that IPv4 does not use: it is zero where a
 * packet enters the stack, and lives as long as the packet is IPv4's.
 */
#define NAT46_NAMED	BIT(15)

static inline void nat46_name(struct sk_buff *skb)
{
	IPCB(skb)->flags |= NAT46_NAMED;
}

static inline bool nat46_named(const struct sk_buff *skb)
{
	return static_branch_unlikely(&nat46_rules) && IPCB(skb)->flags & NAT46_NAMED;
}

/* Do rules say what is translated here? */
static inline bool nat46_by_rules(const struct nat46_net *nn)
{
	return static_branch_unlikely(&nat46_rules) && READ_ONCE(nn->rules);
}

#endif /* _NF_NAT46_RULE_H */
