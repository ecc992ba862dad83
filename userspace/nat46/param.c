// SPDX-License-Identifier: GPL-2.0
/* param.c: nat46 param */
#include <stdio.h>
#include <string.h>

#include <netlink/attr.h>

#include "tool.h"

static const char *const unmapped_words[] = { "reject", "drop", "pass", NULL };
static const char *const check_words[] = { "strict", "loose", "off", NULL };
static const char *const switch_words[] = { "off", "on", NULL };

/* hook-mark is a value and a mask; the kernel checks ranges and says so */
static const struct key {
	const char *name;
	int attr;
	const char *const *words;	/* a u8 that has these; else a u32 */
	int mask_attr;
} keys[] = {
	{ "timeout-tcp-est", NAT46_PARAM_A_TIMEOUT_TCP_EST },
	{ "timeout-tcp-trans", NAT46_PARAM_A_TIMEOUT_TCP_TRANS },
	{ "timeout-udp", NAT46_PARAM_A_TIMEOUT_UDP },
	{ "timeout-icmp", NAT46_PARAM_A_TIMEOUT_ICMP },
	{ "max-sessions", NAT46_PARAM_A_MAX_SESSIONS },
	{ "unmapped", NAT46_PARAM_A_UNMAPPED, unmapped_words },
	{ "src-check", NAT46_PARAM_A_SRC_CHECK, check_words },
	{ "local-out", NAT46_PARAM_A_LOCAL_OUT, switch_words },
	{ "hook-mark", NAT46_PARAM_A_HOOK_MARK, NULL, NAT46_PARAM_A_HOOK_MASK },
};

#define KEYS	(sizeof(keys) / sizeof(keys[0]))

static const struct key *find(const char *name)
{
	size_t i;

	for (i = 0; i < KEYS; i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	die(EXIT_USAGE, "no such setting: %s", name);
}

static void put_value(struct req *r, const struct key *k, char *word)
{
	uint32_t mask = UINT32_MAX;
	char *slash;
	int i;

	if (k->words) {
		for (i = 0; k->words[i]; i++)
			if (!strcmp(k->words[i], word)) {
				req_u8(r, k->attr, i, word);
				return;
			}
		die(EXIT_USAGE, "%s has no value: %s", k->name, word);
	}
	slash = k->mask_attr ? strchr(word, '/') : NULL;
	if (slash) {
		*slash = 0;
		mask = parse_u32(slash + 1, "a mask", 0, UINT32_MAX);
	}
	req_u32(r, k->attr, parse_u32(word, k->name, 0, UINT32_MAX), word);
	if (k->mask_attr)
		req_u32(r, k->mask_attr, mask, word);
}

static void param_set(struct req *r, struct args *a)
{
	const char *word = need(a, "the setting");

	req_init(r, NAT46_CMD_PARAM_SET, 0, word);
	for (;;) {
		const struct key *k = find(word);

		put_value(r, k, need(a, "the value"));
		if (!more(a))
			return;
		word = need(a, "");
	}
}

static void param_reset(struct req *r, struct args *a)
{
	const char *word = need(a, "the setting");
	const struct key *k = find(word);

	req_init(r, NAT46_CMD_PARAM_SET, 0, word);
	req_u32(r, NAT46_PARAM_A_RESET, k->attr, word);
	if (k->mask_attr)
		req_u32(r, NAT46_PARAM_A_RESET, k->mask_attr, word);
}

struct values {
	uint32_t v[NAT46_PARAM_A_MAX + 1];
};

static int read_values(struct nlattr **a, void *arg)
{
	struct values *to = arg;
	int i;

	for (i = 1; i <= NAT46_PARAM_A_MAX; i++)
		if (a[i])
			to->v[i] = nla_len(a[i]) == 1 ? nla_get_u8(a[i]) : nla_get_u32(a[i]);
	return 0;
}

static void get_values(struct values *v, bool defaults)
{
	struct nl_msg *msg = ask_msg(NAT46_CMD_PARAM_GET, false);

	memset(v, 0, sizeof(*v));
	if (defaults)
		nla_put_flag(msg, NAT46_PARAM_A_DEFAULTS);
	ask(msg, NAT46_PARAM_A_MAX, false, read_values, v);
}

static void print_value(const struct key *k, const struct values *v)
{
	char buf[64];

	if (k->words) {
		p_str(k->name, "%s", k->words[v->v[k->attr]]);
	} else if (k->mask_attr) {
		snprintf(buf, sizeof(buf), "0x%x/0x%x", v->v[k->attr], v->v[k->mask_attr]);
		p_str(k->name, "%s", buf);
	} else {
		p_num(k->name, "%llu", v->v[k->attr]);
	}
}

static void param_show(struct args *a)
{
	const struct key *only = more(a) ? find(need(a, "")) : NULL;
	struct values v;
	size_t i;

	no_more(a);
	get_values(&v, false);
	p_begin(false);
	for (i = 0; i < KEYS; i++) {
		if (only && only != &keys[i])
			continue;
		p_str(NULL, "%s ", keys[i].name);
		print_value(&keys[i], &v);
		p_text("\n");
	}
	p_end();
}

void param_save(void)
{
	struct values v, d;
	size_t i;

	get_values(&v, false);
	get_values(&d, true);
	for (i = 0; i < KEYS; i++) {
		const struct key *k = &keys[i];

		if (v.v[k->attr] == d.v[k->attr] &&
		    (!k->mask_attr || v.v[k->mask_attr] == d.v[k->mask_attr]))
			continue;
		p_str(NULL, "param set %s ", k->name);
		print_value(k, &v);
		p_text("\n");
	}
}

static const struct command commands[] = {
	{ "show", .run = param_show },
	{ "set", .build = param_set, .restorable = true },
	{ "reset", .build = param_reset },
	{ NULL },
};

const struct object param_object = {
	"param", commands,
	"nat46 param set KEY VALUE [ KEY VALUE ... ]\n"
	"nat46 param reset KEY\n"
	"nat46 param [ show [ KEY ] ]\n"
	"  KEY := timeout-tcp-est | timeout-tcp-trans | timeout-udp | timeout-icmp (seconds)\n"
	"         | max-sessions (0: no limit) | unmapped (reject | drop | pass)\n"
	"         | src-check (strict | loose | off) | local-out (on | off) | hook-mark VALUE/MASK\n"
};
