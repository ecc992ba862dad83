/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* The target NAT46 of iptables: the packets of a rule are to be translated. */
#ifndef _UAPI_XT_NAT46_H
#define _UAPI_XT_NAT46_H

#include <linux/types.h>

/**
 * struct xt_nat46_info - what a rule says
 * @flags: none yet: zero
 * @late: the kernel's own, zero in requests and answers: whether the rule comes
 *        behind the hook that meets packets before conntrack
 */
struct xt_nat46_info {
	__u32 flags;
	__u32 late;
};

#endif /* _UAPI_XT_NAT46_H */
