// SPDX-License-Identifier: GPL-2.0
/*
 * tell.c: which refusals a client hears of, and by which ICMP error or segment.
 */
#include <linux/icmp.h>
#include <linux/in.h>
#include <net/ip.h>

#include "nf_nat46.h"

/**
 * nat46_tell_client() - tell a client that its packet was refused
 * @p: the packet, as it came; it stays the caller's
 * @r: why; not every reason is told
 *
 * RFC 7915 section 4.4, RFC 6146 section 3.5.1.1, RFC 5508 REQ-8.
 *
 * Context: RCU.
 */
void nat46_tell_client(struct nat46_pkt *p, enum nat46_reason r)
{
	switch (r) {
	case NAT46_DROP_UNMAPPED:
		if (p->conf->params.unmapped != NAT46_UNMAPPED_REJECT)
			return;
		fallthrough;
	case NAT46_DROP_NO_SOURCE:
	case NAT46_DROP_NO_PORT:
	case NAT46_DROP_MAX_SESSIONS:
	case NAT46_DROP_MAX_PER_CLIENT:
	case NAT46_DROP_DRAINING:
	case NAT46_DROP_NO_ROUTE6:
		return nat46_icmp4_error(p, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
	case NAT46_DROP_POLICY:
	case NAT46_DROP_TARGET_LOCAL:
	case NAT46_DROP_SOURCE_LOOP:
	case NAT46_DROP_NOT_GLOBAL:
		return nat46_icmp4_error(p, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, 0);
	case NAT46_DROP_PROTO:
		if (ip_hdr(p->skb)->protocol == IPPROTO_IGMP)	/* RFC 7915 4.2 */
			return;
		fallthrough;
	case NAT46_DROP_AH:
		return nat46_icmp4_error(p, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
	case NAT46_DROP_SOURCE_ROUTE:
		return nat46_icmp4_error(p, ICMP_DEST_UNREACH, ICMP_SR_FAILED, 0);
	case NAT46_DROP_TCP_MIDSTREAM:
		if (p->conf->params.tcp_midstream == NAT46_TCP_MIDSTREAM_RESET)
			nat46_tcp_reset(p);
		return;
	case NAT46_DROP_HOP_LIMIT:
		return nat46_icmp4_error(p, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
	case NAT46_DROP_TOO_BIG:
		return nat46_icmp4_error(p, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
					 p->mtu - (p->frag_max ? NAT46_FRAG_GROWTH : NAT46_GROWTH));
	default:
		return;
	}
}
