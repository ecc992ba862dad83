// SPDX-License-Identifier: GPL-2.0
/* 6.2: a network namespace may have a table of UDP sockets of its own */
#include <net/udp.h>

struct udp_table *probe(const struct net *net);
struct udp_table *probe(const struct net *net)
{
	return net->ipv4.udp_table;
}
