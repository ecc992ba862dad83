/* SPDX-License-Identifier: GPL-2.0 */
/* csum.h: Internet checksums that change by difference. */
#ifndef _NF_NAT46_CSUM_H
#define _NF_NAT46_CSUM_H

#include <linux/in.h>
#include <linux/in6.h>
#include <net/checksum.h>

static inline void nat46_csum_add(__sum16 *check, __wsum diff)
{
	*check = csum_fold(csum_add(diff, ~csum_unfold(*check)));
}

/*
 * What an echo of @len bytes sums more in ICMPv6 than in ICMPv4, but for the
 * addresses and the identifier (nat46_session::diff).
 */
static inline __wsum nat46_csum_echo(u32 len, u8 type4, u8 type6)
{
	__wsum d = (__force __wsum)htonl(len);

	d = csum_add(d, (__force __wsum)htonl(IPPROTO_ICMPV6));
	d = csum_add(d, (__force __wsum)htons(type6 << 8));
	return csum_sub(d, (__force __wsum)htons(type4 << 8));
}

#endif /* _NF_NAT46_CSUM_H */
