// SPDX-License-Identifier: GPL-2.0
/* until 6.17: whoever looks for a TCP socket names the table */
#include <net/inet6_hashtables.h>

struct sock *probe(struct net *net, const struct in6_addr *a);
struct sock *probe(struct net *net, const struct in6_addr *a)
{
	return inet6_lookup(net, net->ipv4.tcp_death_row.hashinfo, NULL, 0, a, 1, a, 1, 0);
}
