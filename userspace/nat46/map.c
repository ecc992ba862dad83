// SPDX-License-Identifier: GPL-2.0
/* map.c: nat46 map */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static struct in_addr parse_v4_or_prefix(const char *word, uint8_t *plen)
{
	*plen = 32;
	return strchr(word, '/') ? parse_v4_prefix(word, plen) : parse_v4(word);
}

static void address(struct req *r, uint8_t cmd, uint16_t flags, struct args *a)
{
	const char *word = need(a, "the mapped IPv4 address");

	r->addr = parse_v4_or_prefix(word, &r->plen);
	req_init(r, cmd, flags, word);
	req_put(r, NAT46_MAP_A_ADDR, &r->addr, sizeof(r->addr), word);
	req_u8(r, NAT46_MAP_A_PLEN, r->plen, word);
	r->attr_owner = NAT46_MAP_A_OWNER;
}

/* An address, or the prefix that a mapped prefix stands for: suffixes are equal. */
static struct in6_addr parse_target(const char *word, uint8_t plen4)
{
	struct in6_addr t;
	uint8_t plen = 128;

	t = strchr(word, '/') ? parse_v6_prefix(word, &plen) : parse_v6(word);
	if (plen != 96 + plen4)
		die(EXIT_USAGE, "the target of a /%u has a length of %u: %s", plen4, 96 + plen4, word);
	return t;
}

static void targets(struct req *r, char *list)
{
	char *word = strtok(list, ",");
	int n = 0;

	if (!word)
		die(EXIT_USAGE, "the target is missing");
	req_nest(r, NAT46_MAP_A_TARGETS);
	for (; word; word = strtok(NULL, ",")) {
		struct in6_addr t = parse_target(word, r->plen);

		if (++n > NAT46_TARGETS_MAX)
			die(EXIT_USAGE, "more than %d targets: %s", NAT46_TARGETS_MAX, word);
		req_put(r, NAT46_TARGETS_A_TARGET, &t, sizeof(t), word);
	}
	req_nest_end(r);
}

static void build_add(struct req *r, struct args *a, uint16_t flags)
{
	const char *word;

	address(r, NAT46_CMD_MAP_ADD, NLM_F_CREATE | flags, a);
	if (!take(a, "to"))
		die(EXIT_USAGE, "\"to\" is missing%s%s", more(a) ? " before: " : "",
		    more(a) ? a->v[0] : "");
	targets(r, need(a, "the target"));
	while (more(a)) {
		if (take(a, "name")) {
			parse_name(word = need(a, "the name"));
			req_str(r, NAT46_MAP_A_NAME, word);
		} else if (take(a, "proto")) {
			parse_owner(word = need(a, "the owner"));
			req_str(r, NAT46_MAP_A_OWNER, word);
		} else if (take(a, "expires")) {
			word = need(a, "the seconds");
			req_u32(r, NAT46_MAP_A_EXPIRES, parse_u32(word, "expires", 1, UINT32_MAX), word);
		} else if (take(a, "hold")) {
			word = need(a, "the seconds");
			req_u32(r, NAT46_MAP_A_HOLD, parse_u32(word, "hold", 0, UINT32_MAX), word);
		} else if (take(a, "fresh")) {
			word = need(a, "the seconds");
			req_u32(r, NAT46_MAP_A_FRESH, parse_u32(word, "fresh", 1, UINT32_MAX), word);
		} else if (more(a) && !strcmp(a->v[0], "inbound")) {
			req_flag(r, NAT46_MAP_A_INBOUND, need(a, ""));
		} else {
			break;
		}
	}
}

static void map_add(struct req *r, struct args *a)
{
	build_add(r, a, NLM_F_EXCL);
}

static void map_replace(struct req *r, struct args *a)
{
	build_add(r, a, NLM_F_REPLACE);
}

static void map_del(struct req *r, struct args *a)
{
	address(r, NAT46_CMD_MAP_DEL, 0, a);
	if (take(a, "proto")) {
		const char *word = need(a, "the owner");

		parse_owner(word);
		req_str(r, NAT46_MAP_A_OWNER, word);
	}
}

static void map_flush(struct req *r, struct args *a)
{
	const char *word = need(a, "what to flush: proto OWNER, expired or all");

	req_init(r, NAT46_CMD_MAP_FLUSH, 0, word);
	if (!strcmp(word, "proto")) {
		parse_owner(word = need(a, "the owner"));
		req_str(r, NAT46_MAP_A_OWNER, word);
	} else if (!strcmp(word, "expired")) {
		req_flag(r, NAT46_MAP_A_EXPIRED, word);
	} else if (!strcmp(word, "all")) {
		req_flag(r, NAT46_MAP_A_ALL, word);
	} else {
		die(EXIT_USAGE, "proto OWNER, expired or all, not: %s", word);
	}
}

/* The line after "map add", readable back as it stands. */
void map_words(const struct nat46_map *m, bool with_owner)
{
	unsigned int i;

	if (m->plen == 32)
		p_v4("addr", "%s to ", m->addr);
	else
		p_v4_prefix("addr", "%s to ", m->addr, m->plen);
	p_open_list("targets");
	for (i = 0; i < m->n; i++) {
		if (i)
			p_text(",");
		if (m->plen == 32)
			p_v6("", "%s", &m->target[i]);
		else
			p_v6_prefix("", "%s", &m->target[i], 96 + m->plen);
	}
	p_close_list();
	/* a bare # would begin a comment */
	if (m->name[0])
		p_str("name", m->name[0] == '#' ? " name '%s'" : " name %s", m->name);
	if (m->expires) {
		/* what only its sessions or HOLD keep has a second to go */
		p_num("expires", " expires %llu", m->seconds ? m->seconds : 1);
		p_num("hold", " hold %llu", m->hold);
		if (m->fresh)
			p_num("fresh", " fresh %llu", m->fresh);
	}
	if (m->inbound)
		p_flag("inbound", " inbound");
	p_str("proto", with_owner ? " proto %s" : NULL, m->owner);
}

static int show(const struct nat46_map *m, void *arg)
{
	p_open(NULL);
	map_words(m, true);
	p_num("sessions", opt_stats ? " sessions %llu" : NULL, m->sessions);
	p_num("opened", opt_stats ? " opened %llu" : NULL, m->opened);
	if (m->used)
		p_num("idle", opt_stats ? " idle %llu" : NULL, m->idle);
	p_text("\n");
	p_close();
	return 0;
}

static void map_show(struct args *a)
{
	const char *owner = NULL, *glob = NULL;
	struct nat46_err err;
	struct nat46_map m;
	int ret;

	if (more(a) && strcmp(a->v[0], "name") && strcmp(a->v[0], "proto")) {
		const char *word = need(a, "");
		struct in_addr addr;
		uint8_t plen;

		no_more(a);
		addr = parse_v4_or_prefix(word, &plen);
		/* of an address alone: what serves it, a prefix maybe */
		ret = nat46_map_get(tool_nl(), addr, strchr(word, '/') ? plen : 0, &m, &err);
		if (ret == -ENOENT)
			die(EXIT_SYSTEM, "not mapped: %s", word);
		if (ret)
			die(EXIT_SYSTEM, "%s: %s", err.msg, word);
		p_begin(true);
		show(&m, NULL);
		p_end();
		return;
	}
	while (more(a)) {
		if (take(a, "name"))
			glob = need(a, "the name");
		else if (take(a, "proto"))
			parse_owner(owner = need(a, "the owner"));
		else
			no_more(a);
	}
	p_begin(true);
	if (nat46_map_dump(tool_nl(), owner, glob, show, NULL, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
	p_end();
	if (err.msg[0])
		warn("%s", err.msg);
}

/* Whoever made them looks their targets up anew. */
struct refresh {
	struct in_addr *addr;
	unsigned int n;
};

static int collect(const struct nat46_map *m, void *arg)
{
	struct refresh *r = arg;
	struct in_addr *addr;

	if (m->plen != 32)
		return 0;
	addr = reallocarray(r->addr, r->n + 1, sizeof(*addr));
	if (!addr)
		die(EXIT_SYSTEM, "no memory");
	addr[r->n++] = m->addr;
	r->addr = addr;
	return 0;
}

static void map_refresh(struct args *a)
{
	const char *name = need(a, "the name");
	struct refresh r = { 0 };
	struct nat46_err err;
	int ret = 0;

	no_more(a);
	if (nat46_map_dump(tool_nl(), NAT46_OWNER_DNS46, name, collect, &r, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
	if (!r.n)
		die(EXIT_SYSTEM, "no mapping of owner dns46 has that name: %s", name);
	for (unsigned int i = 0; i < r.n; i++) {
		ret = nat46_miss_stale(tool_nl(), r.addr[i], &err);
		if (ret && ret != -ENOENT)	/* it went just now */
			die(EXIT_SYSTEM, "%s: %s", err.msg, name);
	}
	free(r.addr);
}

static int show_miss(const struct nat46_miss *m, void *arg)
{
	p_open(NULL);
	p_v4("addr", "%s", m->addr);
	p_v4("from", " from %s", m->client);
	p_str("proto", " proto %s", proto_name(m->proto));
	if (m->dport)
		p_num("dport", " dport %llu", m->dport);
	p_num("age", " age %llu", m->age);
	if (m->unknown)
		p_flag("unknown", " unknown");
	p_text("\n");
	p_close();
	return 0;
}

static void map_misses(struct args *a)
{
	struct nat46_err err;

	no_more(a);
	p_begin(true);
	if (nat46_misses_dump(tool_nl(), show_miss, NULL, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
	p_end();
}

static int save(const struct nat46_map *m, void *arg)
{
	p_text("map add ");
	map_words(m, strcmp(m->owner, NAT46_OWNER_STATIC));
	p_text("\n");
	return 0;
}

void map_save(const char *owner)
{
	struct nat46_err err;

	/* what is restored is to be whole */
	if (nat46_map_dump(tool_nl(), owner, NULL, save, NULL, &err) || err.msg[0])
		die(EXIT_SYSTEM, "%s", err.msg);
}

static const struct command commands[] = {
	{ "show", .run = map_show },
	{ "add", .build = map_add, .restorable = true },
	{ "replace", .build = map_replace, .restorable = true },
	{ "del", .build = map_del },
	{ "flush", .build = map_flush },
	{ "refresh", .run = map_refresh },
	{ "misses", .run = map_misses },
	{ NULL },
};

const struct object map_object = {
	"map", commands,
	"nat46 map { add | replace } MAPPED to TARGET[,TARGET...] [ name NAME ]\n"
	"                            [ expires SECONDS [ hold SECONDS ] [ fresh SECONDS ] ]\n"
	"                            [ proto OWNER ] [ inbound ]\n"
	"nat46 map del MAPPED [ proto OWNER ]\n"
	"nat46 map flush { proto OWNER | expired | all }\n"
	"nat46 map refresh NAME\n"
	"nat46 map misses\n"
	"nat46 map [ show [ MAPPED | [ name GLOB ] [ proto OWNER ] ] ]\n"
	"  MAPPED := V4 | V4PREFIX    TARGET := V6 | V6PREFIX, with an equally long suffix\n"
};
