// SPDX-License-Identifier: GPL-2.0
/* source.c: nat46 source */
#include <stdio.h>
#include <string.h>

#include <netlink/attr.h>

#include "tool.h"

/* dev IFNAME | addr ADDR[-ADDR] | prefix PREFIX */
static void name(struct req *r, uint8_t cmd, uint16_t flags, struct args *a)
{
	const char *type = need(a, "the source: dev, addr or prefix");
	char *word, *dash;
	struct in6_addr addr;
	uint8_t plen;

	if (!strcmp(type, "dev")) {
		word = need(a, "the device");
		if (!*word || strlen(word) >= IFNAMSIZ)
			die(EXIT_USAGE, "not a device's name: %s", word);
		req_init(r, cmd, flags, word);
		req_u8(r, NAT46_SOURCE_A_TYPE, NAT46_SOURCE_DEV, type);
		r->dev = true;
		req_str(r, NAT46_SOURCE_A_IFNAME, word);
	} else if (!strcmp(type, "addr")) {
		word = need(a, "the address, or range of addresses");
		req_init(r, cmd, flags, word);
		dash = strchr(word, '-');
		if (dash)
			*dash = 0;
		addr = r->addr6 = r->addr6_hi = parse_v6(word);
		req_u8(r, NAT46_SOURCE_A_TYPE, NAT46_SOURCE_ADDR, type);
		req_put(r, NAT46_SOURCE_A_ADDR_LO, &addr, sizeof(addr), word);
		if (dash) {
			addr = r->addr6_hi = parse_v6(dash + 1);
			req_put(r, NAT46_SOURCE_A_ADDR_HI, &addr, sizeof(addr), dash + 1);
		}
	} else if (!strcmp(type, "prefix")) {
		word = need(a, "the prefix");
		addr = parse_v6_prefix(word, &plen);
		req_init(r, cmd, flags, word);
		req_u8(r, NAT46_SOURCE_A_TYPE, NAT46_SOURCE_PREFIX, type);
		req_put(r, NAT46_SOURCE_A_ADDR_LO, &addr, sizeof(addr), word);
		req_u8(r, NAT46_SOURCE_A_PLEN, plen, word);
	} else {
		die(EXIT_USAGE, "a source is dev, addr or prefix: %s", type);
	}
}

static void ports(struct req *r, char *list)
{
	char *word = strtok(list, ",");
	uint32_t range;
	int n = 0;

	if (!word)
		die(EXIT_USAGE, "the ports are missing");
	req_nest(r, NAT46_SOURCE_A_PORTS);
	for (; word; word = strtok(NULL, ",")) {
		if (++n > NAT46_PORT_RANGES_MAX)
			die(EXIT_USAGE, "more than %d port ranges: %s", NAT46_PORT_RANGES_MAX, word);
		range = parse_port_range(word);
		req_u32(r, NAT46_PORTS_A_RANGE, range, word);
		r->ports[n - 1] = range;
	}
	r->n_ports = n;
	req_nest_end(r);
}

static void from(struct req *r, struct args *a)
{
	const char *word = need(a, "the clients' prefix");
	struct in_addr addr;
	uint8_t plen;

	addr = parse_v4_prefix(word, &plen);
	req_put(r, NAT46_SOURCE_A_FROM, &addr, sizeof(addr), word);
	req_u8(r, NAT46_SOURCE_A_FROM_PLEN, plen, word);
}

static void after_add(struct req *r)
{
	neigh_reconcile(&r->addr6);
}

static void after_del(struct req *r)
{
	neigh_reconcile(&in6addr_any);
}

static void build_add(struct req *r, struct args *a, uint16_t flags)
{
	name(r, NAT46_CMD_SOURCE_ADD, NLM_F_CREATE | flags, a);
	for (;;) {
		if (take(a, "ports"))
			ports(r, need(a, "the ports"));
		else if (take(a, "from"))
			from(r, a);
		else if (take(a, "force"))
			r->force = true;
		else
			break;
	}
	r->doubt = ports_meet;
	r->after = after_add;
}

static void source_add(struct req *r, struct args *a)
{
	build_add(r, a, NLM_F_EXCL);
}

static void source_replace(struct req *r, struct args *a)
{
	build_add(r, a, NLM_F_REPLACE);
}

static void source_del(struct req *r, struct args *a)
{
	name(r, NAT46_CMD_SOURCE_DEL, 0, a);
	if (take(a, "ports"))	/* as show prints it; not part of its name */
		need(a, "the ports");
	if (take(a, "from"))
		from(r, a);
	if (take(a, "force"))
		req_flag(r, NAT46_SOURCE_A_FORCE, "force");
	else if (take(a, "drain"))
		req_flag(r, NAT46_SOURCE_A_DRAIN, "drain");
	r->after = after_del;
}

static void show_ports(struct nlattr *nest)
{
	const char *sep = " ports ";
	struct nlattr *p;
	int rem;

	p_open_list("ports");
	nla_for_each_nested(p, nest, rem) {
		const uint32_t range = nla_get_u32(p);
		char buf[32];

		snprintf(buf, sizeof(buf), "%u-%u", range >> 16, range & 0xffff);
		p_text(sep);
		p_str(NULL, "%s", buf);
		if (print_json)
			p_str("", NULL, buf);
		sep = ",";
	}
	p_close_list();
}

void source_words(struct nlattr **a)
{
	const struct in6_addr *lo = a[NAT46_SOURCE_A_ADDR_LO] ?
		nla_data(a[NAT46_SOURCE_A_ADDR_LO]) : NULL;
	const struct in6_addr *hi = a[NAT46_SOURCE_A_ADDR_HI] ?
		nla_data(a[NAT46_SOURCE_A_ADDR_HI]) : NULL;

	if (a[NAT46_SOURCE_A_IFNAME]) {
		p_str("type", NULL, "dev");
		p_str("dev", "dev %s", nla_get_string(a[NAT46_SOURCE_A_IFNAME]));
	} else if (lo && a[NAT46_SOURCE_A_PLEN]) {
		p_str("type", NULL, "prefix");
		p_v6_prefix("prefix", "prefix %s", lo, nla_get_u8(a[NAT46_SOURCE_A_PLEN]));
	} else if (lo) {
		p_str("type", NULL, "addr");
		p_v6("addr", "addr %s", lo);
		if (hi && memcmp(lo, hi, sizeof(*lo)))
			p_v6("addr-hi", "-%s", hi);
	}
	if (a[NAT46_SOURCE_A_PORTS])
		show_ports(a[NAT46_SOURCE_A_PORTS]);
	if (a[NAT46_SOURCE_A_FROM] && a[NAT46_SOURCE_A_FROM_PLEN] &&
	    nla_get_u8(a[NAT46_SOURCE_A_FROM_PLEN])) {
		struct in_addr f;

		memcpy(&f, nla_data(a[NAT46_SOURCE_A_FROM]), sizeof(f));
		p_v4_prefix("from", " from %s", f, nla_get_u8(a[NAT46_SOURCE_A_FROM_PLEN]));
	}
}

static int show(struct nlattr **a, void *arg)
{
	const char *const lead = arg;

	p_open(NULL);
	p_text(lead);
	source_words(a);
	if (a[NAT46_SOURCE_A_DRAIN] && !*lead)
		p_flag("draining", " draining");
	p_text("\n");
	p_close();
	return 0;
}

static void source_show(struct args *a)
{
	no_more(a);
	p_begin(true);
	ask(ask_msg(NAT46_CMD_SOURCE_GET, true), NAT46_SOURCE_A_MAX, true, show, "");
	p_end();
}

void source_save(void)
{
	ask(ask_msg(NAT46_CMD_SOURCE_GET, true), NAT46_SOURCE_A_MAX, true, show, "source add ");
}

static const struct command commands[] = {
	{ "show", .run = source_show },
	{ "add", .build = source_add, .restorable = true },
	{ "replace", .build = source_replace },
	{ "del", .build = source_del },
	{ NULL },
};

const struct object source_object = {
	"source", commands,
	"nat46 source { add | replace } SOURCE [ ports LO-HI[,LO-HI] ] [ from V4PREFIX ] [ force ]\n"
	"nat46 source del SOURCE [ from V4PREFIX ] [ force | drain ]\n"
	"nat46 source [ show ]\n"
	"  SOURCE := dev IFNAME | addr V6ADDR[-V6ADDR] | prefix V6PREFIX\n"
};
