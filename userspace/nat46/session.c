// SPDX-License-Identifier: GPL-2.0
/* session.c: nat46 session */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "tool.h"

static const char *const states[] = {
	"none", "init", "established", "v4-fin", "v6-fin", "both-fin", "trans", "v6-init",
};

static void filter_v4(struct req *r, int attr, int plen_attr, struct args *a)
{
	const char *word = need(a, "the prefix");
	struct in_addr addr;
	uint8_t plen;

	addr = parse_v4_prefix(word, &plen);
	req_put(r, attr, &addr, sizeof(addr), word);
	req_u8(r, plen_attr, plen, word);
}

static void filter_v6(struct req *r, int attr, int plen_attr, struct args *a)
{
	const char *word = need(a, "the prefix");
	struct in6_addr addr;
	uint8_t plen;

	addr = parse_v6_prefix(word, &plen);
	req_put(r, attr, &addr, sizeof(addr), word);
	req_u8(r, plen_attr, plen, word);
}

static void filter_port(struct req *r, int attr, struct args *a)
{
	const char *word = need(a, "the port");

	req_u16(r, attr, htons(parse_u32(word, "a port", 0, 65535)), word);
}

static void filter_state(struct req *r, struct args *a)
{
	const char *word = need(a, "the state");
	unsigned int i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (!strcmp(word, states[i])) {
			req_u8(r, NAT46_SESSION_A_STATE, i, word);
			return;
		}
	die(EXIT_USAGE, "no such state: %s", word);
}

/* Reads FILTER; returns whether there was any. */
static bool filter(struct req *r, struct args *a)
{
	bool any = false;

	for (; more(a); any = true) {
		if (take(a, "all")) {
			req_flag(r, NAT46_SESSION_A_ALL, "all");
		} else if (take(a, "proto")) {
			const char *word = need(a, "the protocol");

			req_u8(r, NAT46_SESSION_A_PROTO, parse_proto(word), word);
		} else if (take(a, "from")) {
			filter_v4(r, NAT46_SESSION_A_SRC4, NAT46_SESSION_A_SRC4_PLEN, a);
		} else if (take(a, "to")) {
			filter_v4(r, NAT46_SESSION_A_DST4, NAT46_SESSION_A_DST4_PLEN, a);
		} else if (take(a, "source")) {
			filter_v6(r, NAT46_SESSION_A_SRC6, NAT46_SESSION_A_SRC6_PLEN, a);
		} else if (take(a, "target")) {
			filter_v6(r, NAT46_SESSION_A_DST6, NAT46_SESSION_A_DST6_PLEN, a);
		} else if (take(a, "port4")) {
			filter_port(r, NAT46_SESSION_A_SPORT4, a);
		} else if (take(a, "port6")) {
			filter_port(r, NAT46_SESSION_A_SPORT6, a);
		} else if (take(a, "dport")) {
			filter_port(r, NAT46_SESSION_A_DPORT, a);
		} else if (take(a, "state")) {
			filter_state(r, a);
		} else if (take(a, "name")) {
			req_str(r, NAT46_SESSION_A_NAME, need(a, "the name"));
		} else {
			die(EXIT_USAGE, "not a filter: %s", a->v[0]);
		}
	}
	return any;
}

static unsigned int port(struct nlattr *a)
{
	return a ? ntohs(nla_get_u16(a)) : 0;
}

static void end4(const char *addr_key, const char *port_key, const char *fmt,
		 struct nlattr *addr, unsigned int p, bool echo)
{
	struct in_addr v = { 0 };

	if (addr)
		memcpy(&v, nla_data(addr), sizeof(v));
	p_v4(addr_key, fmt, v);
	if (!echo)
		p_num(port_key, ":%llu", p);
}

static void end6(const char *addr_key, const char *port_key, const char *fmt,
		 struct nlattr *addr, unsigned int p, bool echo)
{
	struct in6_addr v = { 0 };

	if (addr)
		memcpy(&v, nla_data(addr), sizeof(v));
	p_v6(addr_key, fmt, &v);
	if (!echo)
		p_num(port_key, ":%llu", p);
}

static int show(struct nlattr **a, void *arg)
{
	const uint8_t proto = a[NAT46_SESSION_A_PROTO] ? nla_get_u8(a[NAT46_SESSION_A_PROTO]) : 0;
	const uint8_t st = a[NAT46_SESSION_A_STATE] ? nla_get_u8(a[NAT46_SESSION_A_STATE]) : 0;
	const unsigned int dport = port(a[NAT46_SESSION_A_DPORT]);
	const bool echo = proto == IPPROTO_ICMP;
	char dev[IFNAMSIZ];

	p_open(NULL);
	p_str("proto", "%s ", proto_name(proto));
	if (st && st < sizeof(states) / sizeof(states[0]))
		p_str("state", "%s ", states[st]);
	end4("src4", "sport4", "%s", a[NAT46_SESSION_A_SRC4], port(a[NAT46_SESSION_A_SPORT4]), echo && dport);
	end4("dst4", "dport", " -> %s", a[NAT46_SESSION_A_DST4], dport, echo && !dport);
	end6("src6", "sport6", " [%s]", a[NAT46_SESSION_A_SRC6], port(a[NAT46_SESSION_A_SPORT6]), echo && dport);
	end6("dst6", "dport6", " -> [%s]", a[NAT46_SESSION_A_DST6], dport, echo && !dport);
	if (a[NAT46_SESSION_A_EXPIRES])
		p_num("expires", " expires %llu", nla_get_u32(a[NAT46_SESSION_A_EXPIRES]));
	if (a[NAT46_SESSION_A_IDLE])
		p_num("idle", opt_stats ? " idle %llu" : NULL, nla_get_u32(a[NAT46_SESSION_A_IDLE]));
	if (a[NAT46_SESSION_A_NAME])
		p_str("name", " name %s", nla_get_string(a[NAT46_SESSION_A_NAME]));
	if (!a[NAT46_SESSION_A_IIF])
		p_flag("local", " local");
	else if (if_indextoname(nla_get_u32(a[NAT46_SESSION_A_IIF]), dev))
		p_str("dev", " dev %s", dev);
	p_text("\n");
	p_close();
	return 0;
}

static void session_show(struct args *a)
{
	struct req r = { 0 };

	req_init(&r, NAT46_CMD_SESSION_GET, NLM_F_DUMP, "session show");
	filter(&r, a);
	p_begin(true);
	/* sessions change all the time: the reading is what it is */
	ask(r.msg, NAT46_SESSION_A_MAX, false, show, NULL);
	p_end();
}

static int print_count(struct nlattr **a, void *arg)
{
	p_begin(false);
	p_num("count", "%llu\n", a[NAT46_SESSION_A_COUNT] ? nla_get_u32(a[NAT46_SESSION_A_COUNT]) : 0);
	p_end();
	return 0;
}

static void session_count(struct args *a)
{
	struct req r = { 0 };

	req_init(&r, NAT46_CMD_SESSION_COUNT, 0, "session count");
	filter(&r, a);
	ask(r.msg, NAT46_SESSION_A_MAX, false, print_count, NULL);
}

static void session_flush(struct args *a)
{
	struct req r = { 0 };

	req_init(&r, NAT46_CMD_SESSION_FLUSH, 0, "session flush");
	if (!filter(&r, a))
		die(EXIT_USAGE, "session flush needs a filter, or \"all\"");
	ask(r.msg, NAT46_SESSION_A_MAX, false, print_count, NULL);
}

static const struct command commands[] = {
	{ "show", .run = session_show },
	{ "count", .run = session_count },
	{ "flush", .run = session_flush },
	{ NULL },
};

const struct object session_object = {
	"session", commands,
	"nat46 session [ show ] [ FILTER ]\n"
	"nat46 session count [ FILTER ]\n"
	"nat46 session flush FILTER\n"
	"  FILTER := all | [ proto P ] [ from V4PREFIX ] [ to V4PREFIX ] [ target V6PREFIX ]\n"
	"            [ source V6PREFIX ] [ port4 N ] [ port6 N ] [ dport N ] [ state S ] [ name GLOB ]\n"
};
