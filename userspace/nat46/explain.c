// SPDX-License-Identifier: GPL-2.0
/* explain.c: nat46 explain: what would happen to a packet, step by step, and why */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "tool.h"

/* What each refusal that a first packet can meet means; the others say it themselves. */
static const struct {
	const char *reason, *why;
} whys[] = {
	{ "unmapped", "no mapping serves that address" },
	{ "draining", "the pool is draining: it opens no session any more" },
	{ "no-source", "no source serves that client, or its device is missing" },
	{ "src-check", "the client's address is none that could be answered by the device it came by" },
	{ "max-sessions", "there are as many sessions as may be" },
	{ "max-per-client", "the client has as many sessions as it may have" },
	{ "policy", "the policy denies the target" },
	{ "target-local", "the target is an address of this host" },
	{ "hairpin", "the target is an address of a source" },
	{ "not-global", "the source's prefix serves global IPv4 addresses alone" },
	{ "no-route6", "there is no IPv6 route to the target" },
	{ "no-port", "no port of the source is free towards that target" },
};

static const char *const passes[] = {
	[NAT46_EXPLAIN_PASS_POOL] = "the destination is in no pool",
	[NAT46_EXPLAIN_PASS_MARK] = "its mark is not hook-mark",
	[NAT46_EXPLAIN_PASS_LOCAL] = "a socket of this node sends it, and local-out is off",
	[NAT46_EXPLAIN_PASS_UNMAPPED] = "no mapping serves that address, and unmapped is pass",
};

static struct in_addr v4(struct nlattr *a)
{
	struct in_addr v = { 0 };

	if (a && nla_len(a) >= (int)sizeof(v))
		memcpy(&v, nla_data(a), sizeof(v));
	return v;
}

static struct in6_addr v6(struct nlattr *a)
{
	struct in6_addr v = { 0 };

	if (a && nla_len(a) >= (int)sizeof(v))
		memcpy(&v, nla_data(a), sizeof(v));
	return v;
}

static unsigned int port(struct nlattr *a)
{
	return a ? ntohs(nla_get_u16(a)) : 0;
}

static void device(const char *key, const char *fmt, uint32_t index)
{
	char name[IF_NAMESIZE] = "?";

	if_indextoname(index, name);
	p_str(key, fmt, name);
}

static void packet(struct nlattr **a)
{
	const struct in_addr from = v4(a[NAT46_EXPLAIN_A_SRC4]), to = v4(a[NAT46_EXPLAIN_A_DST4]);
	const unsigned int dport = port(a[NAT46_EXPLAIN_A_DPORT]);
	char proto[8];

	p_v4("from", "packet    from %s", from);
	p_v4("to", " to %s", to);
	snprintf(proto, sizeof(proto), "%u", a[NAT46_EXPLAIN_A_PROTO] ?
		 nla_get_u8(a[NAT46_EXPLAIN_A_PROTO]) : 0);
	p_str("proto", " proto %s", a[NAT46_EXPLAIN_A_PROTO] &&
	      strcmp(proto_name(atoi(proto)), "?") ? proto_name(atoi(proto)) : proto);
	if (dport)
		p_num("dport", " dport %llu", dport);
	if (a[NAT46_EXPLAIN_A_MARK])
		p_num("mark", " mark %llu", nla_get_u32(a[NAT46_EXPLAIN_A_MARK]));
	if (a[NAT46_EXPLAIN_A_LOCAL])
		p_flag("local", " by a socket of this node");
	if (a[NAT46_EXPLAIN_A_IIF])
		device("dev", a[NAT46_EXPLAIN_A_LOCAL] ? " bound to dev %s" : " by dev %s",
		       nla_get_u32(a[NAT46_EXPLAIN_A_IIF]));
	p_text("\n");
}

/* Which rules decide about it, as only the packet itself could tell. */
static void named(struct nlattr *by, bool pass)
{
	const uint8_t n = by ? nla_get_u8(by) : 0;
	const char *if_so = pass ? "unless    " : "if        ";

	if (!n)
		return;
	p_text(if_so);
	if (n & NAT46_EXPLAIN_NAMED_RULE)
		p_flag("named-by-rule", "a rule of iptables names it (-j NAT46)");
	if (n == (NAT46_EXPLAIN_NAMED_RULE | NAT46_EXPLAIN_NAMED_HELPER))
		p_text(", or ");
	if (n & NAT46_EXPLAIN_NAMED_HELPER)
		p_flag("named-by-helper", "a rule gives its flow the helper nat46");
	p_text("\n");
}

static void mapping(struct nlattr *nest, struct nlattr *target)
{
	struct nlattr *m[NAT46_MAP_A_MAX + 1];
	const struct in6_addr t = v6(target);

	if (nla_parse_nested(m, NAT46_MAP_A_MAX, nest, NULL) < 0 || !m[NAT46_MAP_A_PLEN])
		return;
	p_v4_prefix("mapping", "mapping   %s", v4(m[NAT46_MAP_A_ADDR]),
		    nla_get_u8(m[NAT46_MAP_A_PLEN]));
	if (m[NAT46_MAP_A_NAME])
		p_str("name", " name %s", nla_get_string(m[NAT46_MAP_A_NAME]));
	if (m[NAT46_MAP_A_OWNER])
		p_str("owner", " proto %s", nla_get_string(m[NAT46_MAP_A_OWNER]));
	p_v6("target", ": the target is %s\n", &t);
}

static void source(struct nlattr *nest)
{
	struct nlattr *s[NAT46_SOURCE_A_MAX + 1];

	if (nla_parse_nested(s, NAT46_SOURCE_A_MAX, nest, NULL) < 0)
		return;
	p_text("source    ");
	p_open("source");
	source_words(s);
	p_close();
	p_text("\n");
}

static void policy(struct nlattr *nest, struct nlattr *by_default)
{
	struct nlattr *p[NAT46_POLICY_A_MAX + 1];
	struct in6_addr addr;
	struct in_addr from;
	bool deny;

	if (by_default) {
		p_str("policy", "policy    %s, by default\n",
		      nla_get_u8(by_default) == NAT46_POLICY_ALLOW ? "allow" : "deny");
		return;
	}
	if (!nest || nla_parse_nested(p, NAT46_POLICY_A_MAX, nest, NULL) < 0 ||
	    !p[NAT46_POLICY_A_ACTION] || !p[NAT46_POLICY_A_PLEN])
		return;
	deny = nla_get_u8(p[NAT46_POLICY_A_ACTION]) == NAT46_POLICY_DENY;
	addr = v6(p[NAT46_POLICY_A_ADDR]);
	p_str("policy", "policy    %s", deny ? "deny" : "allow");
	p_v6_prefix("policy-prefix", " %s", &addr, nla_get_u8(p[NAT46_POLICY_A_PLEN]));
	if (p[NAT46_POLICY_A_FROM] && p[NAT46_POLICY_A_FROM_PLEN]) {
		from = v4(p[NAT46_POLICY_A_FROM]);
		p_v4_prefix("policy-from", " from %s", from, nla_get_u8(p[NAT46_POLICY_A_FROM_PLEN]));
	}
	if (p[NAT46_POLICY_A_PROTO])
		p_str("policy-proto", " proto %s", proto_name(nla_get_u8(p[NAT46_POLICY_A_PROTO])));
	if (p[NAT46_POLICY_A_DPORT])
		p_num("policy-dport", " dport %llu", nla_get_u16(p[NAT46_POLICY_A_DPORT]));
	if (p[NAT46_POLICY_A_BUILTIN])
		p_flag("policy-builtin", " builtin");
	p_text("\n");
}

static void way(struct nlattr **a)
{
	const struct in6_addr gateway = v6(a[NAT46_EXPLAIN_A_GATEWAY]);
	const struct in6_addr from = v6(a[NAT46_EXPLAIN_A_SRC6]), to = v6(a[NAT46_EXPLAIN_A_DST6]);
	const unsigned int dport = port(a[NAT46_EXPLAIN_A_DPORT]);

	if (a[NAT46_EXPLAIN_A_OIF]) {
		device("oif", "route     dev %s", nla_get_u32(a[NAT46_EXPLAIN_A_OIF]));
		if (a[NAT46_EXPLAIN_A_GATEWAY])
			p_v6("via", " via %s", &gateway);
		if (a[NAT46_EXPLAIN_A_MTU])
			p_num("mtu", " mtu %llu", nla_get_u32(a[NAT46_EXPLAIN_A_MTU]));
		p_text("\n");
	}
	p_v6("src6", "becomes   from %s", &from);
	if (a[NAT46_EXPLAIN_A_SPORT6] && port(a[NAT46_EXPLAIN_A_SPORT6]))
		p_num("sport6", " port %llu", port(a[NAT46_EXPLAIN_A_SPORT6]));
	p_v6("dst6", " to %s", &to);
	if (dport)
		p_num(NULL, " port %llu", dport);
	p_text("\n");
}

static void verdict(struct nlattr **a)
{
	const char *drop = a[NAT46_EXPLAIN_A_DROP] ? nla_get_string(a[NAT46_EXPLAIN_A_DROP]) : NULL;
	unsigned int i, pass;

	if (a[NAT46_EXPLAIN_A_PASS]) {
		pass = nla_get_u8(a[NAT46_EXPLAIN_A_PASS]);
		p_str("verdict", NULL, "pass");
		p_str("why", "verdict   left to the node's own routing: %s\n",
		      pass < sizeof(passes) / sizeof(passes[0]) && passes[pass] ?
		      passes[pass] : "another version of the module knows why");
		return;
	}
	if (!drop) {
		p_str("verdict", "verdict   %s\n", a[NAT46_EXPLAIN_A_SESSION] ?
		      "translated, by the session that the flow has" : "translated");
		return;
	}
	p_str("verdict", NULL, "drop");
	p_str("reason", "verdict   dropped, %s", drop);
	for (i = 0; i < sizeof(whys) / sizeof(whys[0]); i++)
		if (!strcmp(whys[i].reason, drop))
			p_str("why", ": %s", whys[i].why);
	p_text("\n");
}

static int show(struct nlattr **a, void *arg)
{
	p_begin(false);
	packet(a);
	if (a[NAT46_EXPLAIN_A_POOL_ADDR] && a[NAT46_EXPLAIN_A_POOL_PLEN])
		p_v4_prefix("pool", "pool      %s\n", v4(a[NAT46_EXPLAIN_A_POOL_ADDR]),
			    nla_get_u8(a[NAT46_EXPLAIN_A_POOL_PLEN]));
	named(a[NAT46_EXPLAIN_A_NAMED], a[NAT46_EXPLAIN_A_PASS]);
	if (a[NAT46_EXPLAIN_A_MAP])
		mapping(a[NAT46_EXPLAIN_A_MAP], a[NAT46_EXPLAIN_A_DST6]);
	if (a[NAT46_EXPLAIN_A_SOURCE])
		source(a[NAT46_EXPLAIN_A_SOURCE]);
	if (a[NAT46_EXPLAIN_A_CLIENT_SESSIONS])
		p_num("client-sessions", "client    has sessions: %llu\n",
		      nla_get_u32(a[NAT46_EXPLAIN_A_CLIENT_SESSIONS]));
	policy(a[NAT46_EXPLAIN_A_POLICY], a[NAT46_EXPLAIN_A_POLICY_DEFAULT]);
	if (a[NAT46_EXPLAIN_A_SRC6])
		way(a);
	verdict(a);
	p_end();
	return 0;
}

static int first_named(const struct nat46_map *m, void *arg)
{
	struct nat46_map *found = arg;

	if (!found->n)
		*found = *m;
	return 0;
}

/* An address, or the name of a mapping. */
static struct in_addr destination(const char *word)
{
	struct nat46_map m = { 0 };
	struct nat46_err err;
	struct in_addr addr;

	if (inet_pton(AF_INET, word, &addr) == 1)
		return addr;
	parse_name(word);
	if (nat46_map_dump(tool_nl(), NULL, word, first_named, &m, &err))
		die(EXIT_SYSTEM, "%s: %s", err.msg, word);
	if (!m.n)
		die(EXIT_SYSTEM, "no mapping has that name: %s", word);
	return m.addr;
}

void cmd_explain(struct args *a)
{
	const char *src, *dst, *proto, *word;
	struct nat46_err err;
	struct req r = { 0 };
	struct in_addr addr;
	uint8_t p;
	int ret;

	if (more(a) && !strcmp(a->v[0], "help")) {
		fputs("nat46 explain SRC { DST | NAME } PROTO [ DPORT ] [ sport N ] [ dev IFNAME ] [ mark N ] [ uid N ]\n"
		      "  PROTO := tcp | udp | icmp\n", stdout);
		return;
	}
	src = need(a, "the client's address");
	dst = need(a, "the destination, an address or a mapping's name");
	proto = need(a, "the protocol");
	addr = parse_v4(src);
	p = parse_proto(proto);
	req_init(&r, NAT46_CMD_EXPLAIN, 0, dst);
	req_put(&r, NAT46_EXPLAIN_A_SRC4, &addr, sizeof(addr), src);
	addr = destination(dst);
	req_put(&r, NAT46_EXPLAIN_A_DST4, &addr, sizeof(addr), dst);
	req_u8(&r, NAT46_EXPLAIN_A_PROTO, p, proto);
	if (more(a) && strcmp(a->v[0], "sport") && strcmp(a->v[0], "dev") &&
	    strcmp(a->v[0], "mark") && strcmp(a->v[0], "uid")) {
		word = need(a, "the port");
		if (p == IPPROTO_ICMP)
			die(EXIT_USAGE, "icmp has no ports: %s", word);
		req_u16(&r, NAT46_EXPLAIN_A_DPORT, htons(parse_u32(word, "a port", 1, 65535)), word);
	}
	while (more(a)) {
		if (take(a, "sport")) {
			word = need(a, "the port");
			req_u16(&r, NAT46_EXPLAIN_A_SPORT4, htons(parse_u32(word, "a port", 0, 65535)), word);
		} else if (take(a, "mark")) {
			word = need(a, "the mark");
			req_u32(&r, NAT46_EXPLAIN_A_MARK, parse_u32(word, "a mark", 0, UINT32_MAX), word);
		} else if (take(a, "uid")) {
			word = need(a, "the user's number");
			req_u32(&r, NAT46_EXPLAIN_A_UID, parse_u32(word, "a user's number", 0, UINT32_MAX), word);
		} else if (take(a, "dev")) {
			word = need(a, "the device");
			if (!if_nametoindex(word))
				die(EXIT_SYSTEM, "no such device: %s", word);
			req_u32(&r, NAT46_EXPLAIN_A_IIF, if_nametoindex(word), word);
		} else {
			no_more(a);
		}
	}
	ret = nat46_request(tool_nl(), r.msg, NAT46_EXPLAIN_A_MAX, show, NULL, &err);
	if (ret)
		req_refused(&r, ret, &err);
	req_free(&r);
}
