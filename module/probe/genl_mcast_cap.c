// SPDX-License-Identifier: GPL-2.0
/* 6.8, and kept up in 6.1: a group that not everybody may join */
#include <net/genetlink.h>

int probe(const struct genl_multicast_group *g);
int probe(const struct genl_multicast_group *g)
{
	return g->flags & GENL_MCAST_CAP_NET_ADMIN;
}
