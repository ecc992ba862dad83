// SPDX-License-Identifier: GPL-2.0
/* stats.c: the counters' names, and their sums over the CPUs. */
#include <linux/percpu.h>

#include "nf_nat46.h"

static const char *const reason_names[NAT46_REASON_MAX] = {
	[NAT46_OK]			= "none",
	[NAT46_DROP_MALFORMED]		= "malformed",
	[NAT46_DROP_FRAGMENT]		= "fragment",
	[NAT46_DROP_SOURCE_ROUTE]	= "source-route",
	[NAT46_DROP_ROUTING_HEADER]	= "routing-header",
	[NAT46_DROP_PROTO]		= "protocol",
	[NAT46_DROP_AH]			= "ah",
	[NAT46_DROP_ICMP_TYPE]		= "icmp-type",
	[NAT46_DROP_ICMP_QUOTED]	= "icmp-quoted",
	[NAT46_DROP_ICMP_ABOUT_ICMP]	= "icmp-about-icmp",
	[NAT46_DROP_UDP_ZERO_CSUM]	= "udp-zero-csum",
	[NAT46_DROP_UNMAPPED]		= "unmapped",
	[NAT46_DROP_UNMAPPED_ASKED]	= "unmapped-asked",
	[NAT46_DROP_POLICY]		= "policy",
	[NAT46_DROP_TARGET_LOCAL]	= "target-local",
	[NAT46_DROP_NO_SOURCE]		= "no-source",
	[NAT46_DROP_NOT_GLOBAL]		= "not-global",
	[NAT46_DROP_NO_PORT]		= "no-port",
	[NAT46_DROP_SRC_CHECK]		= "src-check",
	[NAT46_DROP_NO_SESSION]		= "no-session",
	[NAT46_DROP_TCP_MIDSTREAM]	= "tcp-midstream",
	[NAT46_DROP_MAX_SESSIONS]	= "max-sessions",
	[NAT46_DROP_MAX_PER_CLIENT]	= "max-per-client",
	[NAT46_DROP_NO_MEMORY]		= "no-memory",
	[NAT46_DROP_HOP_LIMIT]		= "hop-limit",
	[NAT46_DROP_TOO_BIG]		= "too-big",
	[NAT46_DROP_NO_ROUTE6]		= "no-route6",
	[NAT46_DROP_NO_ROUTE4]		= "no-route4",
	[NAT46_DROP_NO_LOCAL_DEV]	= "no-local-device",
	[NAT46_DROP_DRAINING]		= "draining",
	[NAT46_DROP_SOURCE_LOOP]	= "hairpin",
	[NAT46_DROP_CONNTRACK]		= "conntrack",
	[NAT46_DROP_PORT_CLASH]		= "port-clash",
	[NAT46_DROP_IPSEC]		= "ipsec",
};

static const char *const counter_names[NAT46_CNT_MAX] = {
	[NAT46_CNT_PKT_46]		= "packets-46",
	[NAT46_CNT_PKT_64]		= "packets-64",
	[NAT46_CNT_OPENED]		= "sessions-opened",
	[NAT46_CNT_ENDED]		= "sessions-ended",
	[NAT46_CNT_REALLOC]		= "head-reallocated",
};

const char *nat46_reason_name(enum nat46_reason r)
{
	return reason_names[r];
}

const char *nat46_counter_name(enum nat46_counter c)
{
	return counter_names[c];
}

static u64 sum(const struct nat46_net *nn, size_t offset)
{
	u64 total = 0;
	int cpu;

	if (!nn->stats)		/* nothing was ever set in this netns */
		return 0;
	for_each_possible_cpu(cpu) {
		const void *st = per_cpu_ptr(nn->stats, cpu);

		total += READ_ONCE(*(const u64 *)(st + offset));
	}
	return total;
}

/**
 * nat46_reason_read() - packets dropped for a reason
 * @nn: the network namespace's state
 * @r: the reason
 *
 * Context: any.
 * Return: their number since the first configuration.
 */
u64 nat46_reason_read(const struct nat46_net *nn, enum nat46_reason r)
{
	return sum(nn, offsetof(struct nat46_stats, drop[r]));
}

/**
 * nat46_counter_read() - how often something else happened
 * @nn: the network namespace's state
 * @c: what
 *
 * Context: any.
 * Return: its number since the first configuration.
 */
u64 nat46_counter_read(const struct nat46_net *nn, enum nat46_counter c)
{
	return sum(nn, offsetof(struct nat46_stats, count[c]));
}
