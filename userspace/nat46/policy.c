// SPDX-License-Identifier: GPL-2.0
/* policy.c: nat46 policy */
#include <stdio.h>
#include <string.h>

#include "tool.h"

static uint8_t action(const char *word)
{
	if (!strcmp(word, "allow"))
		return NAT46_POLICY_ALLOW;
	if (!strcmp(word, "deny"))
		return NAT46_POLICY_DENY;
	die(EXIT_USAGE, "a policy is allow or deny: %s", word);
}

static const char *action_name(uint8_t a)
{
	return a == NAT46_POLICY_ALLOW ? "allow" : "deny";
}

static void build(struct req *r, struct args *a, uint8_t cmd, uint16_t flags)
{
	const char *act = need(a, "allow or deny"), *word;
	const uint8_t what = action(act);
	struct in6_addr addr;
	struct in_addr from;
	uint8_t plen, proto;

	word = need(a, "the target's prefix");
	addr = parse_v6_prefix(word, &plen);
	req_init(r, cmd, flags, word);
	req_u8(r, NAT46_POLICY_A_ACTION, what, act);
	req_put(r, NAT46_POLICY_A_ADDR, &addr, sizeof(addr), word);
	req_u8(r, NAT46_POLICY_A_PLEN, plen, word);
	while (more(a)) {
		if (take(a, "from")) {
			word = need(a, "the clients' prefix");
			from = parse_v4_prefix(word, &plen);
			req_put(r, NAT46_POLICY_A_FROM, &from, sizeof(from), word);
			req_u8(r, NAT46_POLICY_A_FROM_PLEN, plen, word);
		} else if (take(a, "proto")) {
			word = need(a, "the protocol");
			proto = parse_proto(word);
			if (proto == IPPROTO_ICMP)
				proto = IPPROTO_ICMPV6;
			req_u8(r, NAT46_POLICY_A_PROTO, proto, word);
		} else if (take(a, "dport")) {
			word = need(a, "the port");
			req_u16(r, NAT46_POLICY_A_DPORT, parse_u32(word, "a port", 1, 65535), word);
		} else {
			break;
		}
	}
}

static void policy_add(struct req *r, struct args *a)
{
	build(r, a, NAT46_CMD_POLICY_ADD, NLM_F_CREATE | NLM_F_EXCL);
}

static void policy_replace(struct req *r, struct args *a)
{
	build(r, a, NAT46_CMD_POLICY_ADD, NLM_F_CREATE | NLM_F_REPLACE);
}

static void policy_del(struct req *r, struct args *a)
{
	build(r, a, NAT46_CMD_POLICY_DEL, 0);
}

static void policy_default(struct req *r, struct args *a)
{
	const char *word = need(a, "allow or deny");

	action(word);
	req_init(r, NAT46_CMD_PARAM_SET, 0, word);
	req_u8(r, NAT46_PARAM_A_POLICY_DEFAULT, action(word), word);
}

static void print_policy(const struct nat46_policy_info *p)
{
	p_str("action", "%s", action_name(p->action));
	p_v6_prefix("prefix", " %s", &p->addr, p->plen);
	if (p->from_plen)
		p_v4_prefix("from", " from %s", p->from, p->from_plen);
	if (p->proto)
		p_str("proto", " proto %s", proto_name(p->proto));
	if (p->dport)
		p_num("dport", " dport %llu", p->dport);
}

static int show(const struct nat46_policy_info *p, void *arg)
{
	p_open(NULL);
	print_policy(p);
	if (p->builtin)
		p_flag("builtin", " builtin");
	p_text("\n");
	p_close();
	return 0;
}

static void policies(nat46_policy_fn fn)
{
	struct nat46_err err;

	if (nat46_policy_dump(tool_nl(), fn, NULL, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
}

static uint8_t get_default(void)
{
	struct nat46_err err;
	uint8_t a;

	if (nat46_policy_default(tool_nl(), &a, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
	return a;
}

static void policy_show(struct args *a)
{
	no_more(a);
	p_begin(true);
	policies(show);
	p_open(NULL);
	p_str("default", "default %s\n", action_name(get_default()));
	p_close();
	p_end();
}

static int save(const struct nat46_policy_info *p, void *arg)
{
	if (p->builtin)
		return 0;
	p_text("policy add ");
	print_policy(p);
	p_text("\n");
	return 0;
}

void policy_save(void)
{
	if (get_default() != NAT46_POLICY_ALLOW)
		p_text("policy default deny\n");
	policies(save);
}

static const struct command commands[] = {
	{ "show", .run = policy_show },
	{ "add", .build = policy_add, .restorable = true },
	{ "replace", .build = policy_replace, .restorable = true },
	{ "del", .build = policy_del },
	{ "default", .build = policy_default, .restorable = true },
	{ NULL },
};

const struct object policy_object = {
	"policy", commands,
	"nat46 policy { add | replace | del } { allow | deny } V6PREFIX [ from V4PREFIX ]\n"
	"                                    [ proto { tcp | udp | icmp } [ dport N ] ]\n"
	"nat46 policy default { allow | deny }\n"
	"nat46 policy [ show ]\n"
};
