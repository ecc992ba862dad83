// SPDX-License-Identifier: GPL-2.0
/* where IPv6 can be a module, others call it by its stub */
#include <net/ipv6_stubs.h>

void probe(struct net_device *dev, const struct in6_addr *addr);
void probe(struct net_device *dev, const struct in6_addr *addr)
{
	ipv6_stub->ndisc_send_na(dev, addr, addr, false, true, false, true);
}
