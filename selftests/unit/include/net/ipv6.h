/* SPDX-License-Identifier: GPL-2.0 */
/* What tuple.h takes from the kernel. */
#include <stdbool.h>
#include <string.h>

static inline bool ipv6_addr_equal(const struct in6_addr *a, const struct in6_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}
