// SPDX-License-Identifier: GPL-2.0
/* stats.c: nat46 stats, and the status page that bare nat46 prints */
#include <stdio.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/genl/genl.h>

#include "tool.h"

struct counter {
	char name[32];
	uint64_t value;
	bool drop;
};

struct counters {
	struct counter v[128];
	int n;
};

static void read_one(struct counters *c, struct nlattr *nest, bool drop)
{
	struct nlattr *t[NAT46_COUNTER_A_MAX + 1];
	struct counter *to = &c->v[c->n];

	if (c->n == (int)(sizeof(c->v) / sizeof(c->v[0])) ||
	    nla_parse_nested(t, NAT46_COUNTER_A_MAX, nest, NULL) < 0 ||
	    !t[NAT46_COUNTER_A_NAME] || !t[NAT46_COUNTER_A_VALUE])
		return;
	snprintf(to->name, sizeof(to->name), "%s", nla_get_string(t[NAT46_COUNTER_A_NAME]));
	to->value = nla_get_u64(t[NAT46_COUNTER_A_VALUE]);
	to->drop = drop;
	c->n++;
}

/* The counters are one message, in which their two attributes repeat. */
static int read_all(struct nlmsghdr *h, void *arg)
{
	struct nlattr *a;
	int rem;

	nlmsg_for_each_attr(a, h, GENL_HDRLEN, rem)
		read_one(arg, a, nla_type(a) == NAT46_STATS_A_DROP);
	return 0;
}

static void get_counters(struct counters *c)
{
	struct nl_msg *msg = ask_msg(NAT46_CMD_STATS_GET, false);
	struct nat46_err err;

	c->n = 0;
	if (nat46_request_raw(tool_nl(), msg, read_all, c, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
	nlmsg_free(msg);
}

static void print_counters(const struct counters *c, bool drop, const char *key, bool all)
{
	int i;

	p_open(key);
	for (i = 0; i < c->n; i++) {
		if (c->v[i].drop != drop)
			continue;
		if (!all && !c->v[i].value && !print_json)
			continue;
		p_str(NULL, drop ? "drop %s " : "%s ", c->v[i].name);
		p_num(c->v[i].name, "%llu\n", c->v[i].value);
	}
	p_close();
}

static void stats(struct args *a, bool counters, bool zeros)
{
	struct counters c;

	no_more(a);
	get_counters(&c);
	p_begin(false);
	if (counters)
		print_counters(&c, false, "counters", true);
	print_counters(&c, true, "drops", zeros);
	p_end();
}

static void stats_show_cmd(struct args *a)
{
	stats(a, true, false);
}

static void stats_drops(struct args *a)
{
	stats(a, false, true);
}

static void stats_all(struct args *a)
{
	stats(a, true, true);
}

static int status_pool(const struct nat46_pool_info *p, void *arg)
{
	p_open(NULL);
	p_v4_prefix("prefix", "pool %s", p->addr, p->plen);
	p_num("mappings", " (%llu mapped)\n", p->mappings);
	p_close();
	return 0;
}

/* What bare nat46 prints; with -s the counters as well. */
void status_page(void)
{
	struct nat46_info i;
	struct nat46_err err;
	struct counters c;
	uint64_t drops = 0;
	int n;

	if (nat46_info_get(tool_nl(), &i, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
	get_counters(&c);
	for (n = 0; n < c.n; n++)
		if (c.v[n].drop)
			drops += c.v[n].value;

	p_begin(false);
	p_str("version", "nf_nat46 %s\n", i.version);
	p_open_list("pools");
	if (nat46_pool_dump(tool_nl(), status_pool, NULL, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
	p_close_list();
	p_num("sources", "sources %llu\n", i.sources);
	p_num("mappings", "mappings %llu\n", i.mappings);
	p_num("policies", "policies %llu\n", i.policies);
	p_num("sessions", "sessions %llu", i.sessions);
	if (i.has_all)
		p_num("sessions-all", " (of the machine %llu", i.sessions_all);
	if (i.has_all)
		p_num("sessions-max", ", at most %llu)", i.sessions_max);
	p_num("drops", "\ndrops %llu\n", drops);
	if (opt_stats || print_json) {
		print_counters(&c, false, "counters", true);
		print_counters(&c, true, "drop-reasons", false);
	}
	p_end();
}

static const struct command commands[] = {
	{ "show", .run = stats_show_cmd },
	{ "drops", .run = stats_drops },
	{ "all", .run = stats_all },
	{ NULL },
};

const struct object stats_object = {
	"stats", commands,
	"nat46 stats [ show | drops | all ]\n"
};
