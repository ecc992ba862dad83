// SPDX-License-Identifier: GPL-2.0
/*
 * libxt_NAT46.c: the target NAT46 for iptables and iptables-nft, which load it
 * by its name. It has no options.
 */
#include <stddef.h>
#include <stdio.h>

#include <xtables.h>

#include <linux/netfilter/xt_NAT46.h>

static void help(void)
{
	printf("NAT46 target: the packet is to be translated by nf_nat46. No options.\n"
	       "For the tables raw (PREROUTING, OUTPUT) and mangle (OUTPUT; PREROUTING\n"
	       "with nat46 param set hook-late on). See xt_NAT46(8).\n");
}

/* iptables-legacy-save wants one of whatever has data, and we have no options */
static void save(const void *ip, const struct xt_entry_target *t)
{
}

static struct xtables_target target = {
	.family		= NFPROTO_UNSPEC,
	.name		= "NAT46",
	.version	= XTABLES_VERSION,
	.size		= XT_ALIGN(sizeof(struct xt_nat46_info)),
	.userspacesize	= offsetof(struct xt_nat46_info, late),
	.help		= help,
	.save		= save,
};

__attribute__((constructor)) static void load(void)
{
	xtables_register_target(&target);
}
