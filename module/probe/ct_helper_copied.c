// SPDX-License-Identifier: GPL-2.0
/* conntrack registers copies of helpers, and hands them back */
#include <net/netfilter/nf_conntrack_helper.h>

int probe(struct nf_conntrack_helper *helper, struct nf_conntrack_helper **copy);
int probe(struct nf_conntrack_helper *helper, struct nf_conntrack_helper **copy)
{
	return nf_conntrack_helpers_register(helper, 1, copy);
}
