// SPDX-License-Identifier: GPL-2.0
/*
 * mss.c: lowers the maximum segment size of a SYN, in place.
 */
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/dst.h>
#include <net/tcp.h>

#include "nf_nat46.h"

/* What both sides' paths take, or the setting where that is less. */
static u32 limit(struct nat46_pkt *p, struct nat46_session *s)
{
	struct dst_entry *dst = nat46_route6(s, NULL);
	u32 max = U16_MAX;

	if (!IS_ERR(dst))
		max = dst_mtu(dst) - sizeof(struct ipv6hdr) - sizeof(struct tcphdr);
	if (!s->local) {
		dst = nat46_route4(s, p->skb);
		if (!IS_ERR(dst))
			max = min_t(u32, max, dst_mtu(dst) - sizeof(struct iphdr) -
				    sizeof(struct tcphdr));
	}
	if (p->conf->params.mss_clamp != NAT46_MSS_CLAMP_PATH)
		max = min(max, p->conf->params.mss_clamp);
	return max;
}

/**
 * nat46_mss_clamp() - lower the MSS of a SYN to what its path takes
 * @p: parsed, all of its TCP header writable, its checksum not yet touched
 * @s: its session
 *
 * So that neither side sends what the other's path does not take (RFC 9293
 * section 3.7.1); never raised. The checksum changes by the difference; of
 * CHECKSUM_PARTIAL there is only the seed, which has no part in it.
 *
 * Context: RCU.
 */
void nat46_mss_clamp(struct nat46_pkt *p, struct nat46_session *s)
{
	struct tcphdr *th = (struct tcphdr *)(p->skb->data + p->l4);
	const bool partial = nat46_partial(p);
	u8 *opt = (u8 *)(th + 1);
	const unsigned int len = p->l4_hlen - sizeof(*th);
	u32 max;
	int at;

	if (p->conf->params.mss_clamp == NAT46_MSS_CLAMP_OFF)
		return;
	max = limit(p, s);
	for (at = nat46_mss_find(opt, len, 0); at >= 0; at = nat46_mss_find(opt, len, at + 2)) {
		const u16 old = opt[at] << 8 | opt[at + 1];
		__wsum was, is;

		if (old <= max)
			continue;
		was = csum_partial(opt + at, 2, 0);
		opt[at] = max >> 8;
		opt[at + 1] = max;
		is = csum_partial(opt + at, 2, 0);
		if (!partial)
			th->check = csum_fold(csum_block_add(~csum_unfold(th->check),
							     csum_sub(is, was), at));
	}
}
