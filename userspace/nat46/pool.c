// SPDX-License-Identifier: GPL-2.0
/* pool.c: nat46 pool */
#include <stdio.h>

#include "tool.h"

static void pools(nat46_pool_fn fn, void *arg)
{
	struct nat46_err err;

	if (nat46_pool_dump(tool_nl(), fn, arg, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
}

struct named {
	const struct req *r;
	bool live;
};

static int is_named(const struct nat46_pool_info *p, void *arg)
{
	struct named *n = arg;

	n->live |= p->addr.s_addr == n->r->addr.s_addr && p->plen == n->r->plen;
	return 0;
}

/* What overlaps a pool that is there already was looked at when it came. */
static void before_add(struct req *r)
{
	struct named n = { .r = r };

	if (r->force)
		return;
	pools(is_named, &n);
	if (!n.live)
		route_check(r->addr, r->plen);
}

static void undo_add(struct req *r)
{
	struct req d = { 0 };

	req_init(&d, NAT46_CMD_POOL_DEL, 0, r->subject);
	req_put(&d, NAT46_POOL_A_ADDR, &r->addr, sizeof(r->addr), NULL);
	req_u8(&d, NAT46_POOL_A_PLEN, r->plen, NULL);
	req_do(&d);
}

static void after_add(struct req *r)
{
	char why[128];

	if (route_add(r->addr, r->plen, why, sizeof(why))) {
		undo_add(r);
		die(EXIT_SYSTEM, "the pool's route: %s: %s", why, r->subject);
	}
}

static void after_del(struct req *r)
{
	route_del(r->addr, r->plen);
}

static void prefix(struct req *r, uint8_t cmd, uint16_t flags, struct args *a)
{
	const char *word = need(a, "the pool's prefix");

	r->addr = parse_v4_prefix(word, &r->plen);
	req_init(r, cmd, flags, word);
	req_put(r, NAT46_POOL_A_ADDR, &r->addr, sizeof(r->addr), word);
	req_u8(r, NAT46_POOL_A_PLEN, r->plen, word);
}

static void build_add(struct req *r, struct args *a, uint16_t flags)
{
	prefix(r, NAT46_CMD_POOL_ADD, NLM_F_CREATE | flags, a);
	r->force = take(a, "force");
	r->before = before_add;
	r->after = after_add;
}

static void pool_add(struct req *r, struct args *a)
{
	build_add(r, a, NLM_F_EXCL);
}

static void pool_replace(struct req *r, struct args *a)
{
	build_add(r, a, NLM_F_REPLACE);
}

static void pool_del(struct req *r, struct args *a)
{
	prefix(r, NAT46_CMD_POOL_DEL, 0, a);
	if (take(a, "force"))
		req_flag(r, NAT46_POOL_A_FORCE, "force");
	else if (take(a, "drain"))
		req_flag(r, NAT46_POOL_A_DRAIN, "drain");
	r->after = after_del;
}

static int show(const struct nat46_pool_info *p, void *arg)
{
	p_open(NULL);
	p_v4_prefix("prefix", "%s", p->addr, p->plen);
	if (p->drain)
		p_flag("draining", " draining");
	p_num("mappings", opt_stats ? " mappings %llu" : NULL, p->mappings);
	p_text("\n");
	p_close();
	return 0;
}

static void pool_show(struct args *a)
{
	no_more(a);
	p_begin(true);
	pools(show, NULL);
	p_end();
}

static int save(const struct nat46_pool_info *p, void *arg)
{
	p_v4_prefix(NULL, "pool add %s\n", p->addr, p->plen);
	return 0;
}

void pool_save(void)
{
	pools(save, NULL);
}

static const struct command commands[] = {
	{ "show", .run = pool_show },
	{ "add", .build = pool_add, .restorable = true },
	{ "replace", .build = pool_replace },
	{ "del", .build = pool_del },
	{ NULL },
};

const struct object pool_object = {
	"pool", commands,
	"nat46 pool { add | replace } V4PREFIX [ force ]\n"
	"nat46 pool del V4PREFIX [ force | drain ]\n"
	"nat46 pool [ show ]\n"
};
