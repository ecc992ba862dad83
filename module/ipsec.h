/* SPDX-License-Identifier: GPL-2.0 */
/* ipsec.h: where there are no policies, which is mostly, a packet asks one number. */
#ifndef _NF_NAT46_IPSEC_H
#define _NF_NAT46_IPSEC_H

#include <linux/xfrm.h>

#include "nf_nat46.h"

bool nat46_ipsec_check(const struct nat46_pkt *p, u16 family, int dir);

/* Are there policies for @dir, XFRM_POLICY_OUT and its like? */
static inline bool nat46_ipsec_policies(const struct net *net, int dir)
{
#ifdef CONFIG_XFRM
	return READ_ONCE(net->xfrm.policy_count[dir]);
#else
	return false;
#endif
}

/* Should a packet of a client (AF_INET), or a target, have come by IPsec, and has not? */
static inline bool nat46_ipsec_refuses(const struct nat46_pkt *p, u16 family)
{
	const int dir = family == AF_INET ? XFRM_POLICY_FWD : XFRM_POLICY_IN;

	return unlikely(nat46_ipsec_policies(p->nn->net, dir)) &&
	       !nat46_ipsec_check(p, family, dir);
}

#endif /* _NF_NAT46_IPSEC_H */
