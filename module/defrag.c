// SPDX-License-Identifier: GPL-2.0
/*
 * defrag.c: fragments addressed to us are put together by the kernel's own
 * reassembly, under a user of our own, before anything else is looked at. Where
 * conntrack has done so already there is nothing left to do.
 */
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>

#include "nf_nat46.h"

/* No queue is shared with another user of the reassembly. */
#define DEFRAG_USER	0x4e343600u	/* "N46" */

/**
 * nat46_defrag4() - put an IPv4 packet together
 * @p: with skb set to a fragment to a pool, its data at the network header
 *
 * The longest fragment's length stays in the skb's control buffer.
 *
 * Context: softirq, or process (LOCAL_OUT).
 * Return: NAT46_OK: p->skb is the whole packet. Otherwise the skb was taken:
 * NAT46_REASON_MAX: more are waited for; NAT46_DROP_FRAGMENT: it was refused.
 */
enum nat46_reason nat46_defrag4(struct nat46_pkt *p)
{
	int err;

	local_bh_disable();
	err = ip_defrag(p->nn->net, p->skb, DEFRAG_USER);
	local_bh_enable();
	if (!err)
		return NAT46_OK;
	p->skb = NULL;
	return err == -EINPROGRESS ? NAT46_REASON_MAX : NAT46_DROP_FRAGMENT;
}

/**
 * nat46_fragment_id6() - the number of an IPv6 fragment
 * @p: parsed as far as its fragment header
 *
 * Context: any.
 * Return: the Identification, host order; 0 where the header is cut short.
 */
u32 nat46_fragment_id6(const struct nat46_pkt *p)
{
	struct frag_hdr buf, *fh = skb_header_pointer(p->skb, p->l4, sizeof(buf), &buf);

	return fh ? ntohl(fh->identification) : 0;
}

/**
 * nat46_defrag6() - put an IPv6 packet together
 * @p: with skb set to a fragment to one of our addresses
 *
 * Context: softirq.
 * Return: as nat46_defrag4(), but a fragment that was refused is still there,
 * and one that can't be looked at returns NAT46_OK as it came.
 */
enum nat46_reason nat46_defrag6(struct nat46_pkt *p)
{
	const int err = nf_ct_frag6_gather(p->nn->net, p->skb, DEFRAG_USER);

	if (!err)
		return NAT46_OK;
	if (err != -EINPROGRESS)
		return NAT46_DROP_FRAGMENT;
	p->skb = NULL;
	return NAT46_REASON_MAX;
}
