// SPDX-License-Identifier: GPL-2.0
/* param.c: nat46 param */
#include <stdio.h>
#include <string.h>

#include <netlink/attr.h>

#include "tool.h"

static const char *const unmapped_words[] = { "reject", "drop", "pass", NULL };
static const char *const check_words[] = { "strict", "loose", "off", NULL };
static const char *const switch_words[] = { "off", "on", NULL };
static const char *const zero_csum_words[] = { "compute", "drop", "keep", NULL };
static const char *const midstream_words[] = { "drop", "reset", "allow", NULL };
static const char *const label_words[] = { "zero", "hash", NULL };
static const char *const hairpin_words[] = { "refuse", "allow", NULL };
static const char *const hooks_words[] = { "output", "forward", "off", NULL };
static const char *const hooks4_words[] = { "off", "forward", NULL };
static const char *const late_words[] = { "off", "on", "helper", NULL };
static const char *const mapping_words[] = { "per-target", "independent", NULL };
static const char *const copy_words[] = { "copy", NULL };
static const char *const none_words[] = { "none", NULL };

/* hook-mark is a value and a mask; the kernel checks ranges and says so */
enum type { NUMBER, WORD, WORD_OR_NUMBER, WORD_OR_V4 };

static const struct key {
	const char *name;
	int attr;
	const char *const *words;
	int mask_attr;
	enum type type;
	uint32_t first;			/* what the first word stands for */
	uint32_t lo, hi;		/* WORD_OR_NUMBER: numbers beside the words */
} keys[] = {
	{ "timeout-tcp-est", NAT46_PARAM_A_TIMEOUT_TCP_EST },
	{ "timeout-tcp-trans", NAT46_PARAM_A_TIMEOUT_TCP_TRANS },
	{ "timeout-tcp-syn", NAT46_PARAM_A_TIMEOUT_TCP_SYN },
	{ "timeout-udp", NAT46_PARAM_A_TIMEOUT_UDP },
	{ "timeout-icmp", NAT46_PARAM_A_TIMEOUT_ICMP },
	{ "timeout-dccp", NAT46_PARAM_A_TIMEOUT_DCCP },
	{ "timeout-other", NAT46_PARAM_A_TIMEOUT_OTHER },
	{ "max-sessions", NAT46_PARAM_A_MAX_SESSIONS },
	{ "max-per-client", NAT46_PARAM_A_MAX_PER_CLIENT },
	{ "unmapped", NAT46_PARAM_A_UNMAPPED, unmapped_words, .type = WORD },
	{ "src-check", NAT46_PARAM_A_SRC_CHECK, check_words, .type = WORD },
	{ "local-out", NAT46_PARAM_A_LOCAL_OUT, switch_words, .type = WORD },
	{ "hook-mark", NAT46_PARAM_A_HOOK_MARK, NULL, NAT46_PARAM_A_HOOK_MASK },
	{ "tcp-midstream", NAT46_PARAM_A_TCP_MIDSTREAM, midstream_words, .type = WORD },
	{ "mss-clamp", NAT46_PARAM_A_MSS_CLAMP, switch_words, .type = WORD_OR_NUMBER,
	  .first = NAT46_MSS_CLAMP_OFF, .lo = NAT46_MSS_CLAMP_MIN, .hi = UINT16_MAX },
	{ "udp-zero-csum", NAT46_PARAM_A_UDP_ZERO_CSUM, zero_csum_words, .type = WORD },
	{ "udp-refresh-inbound", NAT46_PARAM_A_UDP_REFRESH_INBOUND, switch_words, .type = WORD },
	{ "mtu-min", NAT46_PARAM_A_MTU_MIN },
	{ "tos", NAT46_PARAM_A_TOS, copy_words, .type = WORD_OR_NUMBER,
	  .first = NAT46_TOS_COPY, .lo = 0, .hi = UINT8_MAX },
	{ "flow-label", NAT46_PARAM_A_FLOW_LABEL, label_words, .type = WORD },
	{ "port-mapping", NAT46_PARAM_A_PORT_MAPPING, mapping_words, .type = WORD },
	{ "hairpin", NAT46_PARAM_A_HAIRPIN, hairpin_words, .type = WORD },
	{ "filter-hooks", NAT46_PARAM_A_FILTER_HOOKS, hooks_words, .type = WORD },
	{ "filter-hooks4", NAT46_PARAM_A_FILTER_HOOKS4, hooks4_words, .type = WORD },
	{ "hook-late", NAT46_PARAM_A_HOOK_LATE, late_words, .type = WORD },
	{ "track6", NAT46_PARAM_A_TRACK6, switch_words, .type = WORD },
	{ "icmp-source", NAT46_PARAM_A_ICMP_SOURCE, none_words, .type = WORD_OR_V4 },
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

/* -1: @word is none of the key's words */
static int word_index(const struct key *k, const char *word)
{
	int i;

	for (i = 0; k->words && k->words[i]; i++)
		if (!strcmp(k->words[i], word))
			return i;
	return -1;
}

static void put_mark(struct req *r, const struct key *k, char *word)
{
	uint32_t mask = UINT32_MAX;
	char *slash = strchr(word, '/');

	if (slash) {
		*slash = 0;
		mask = parse_u32(slash + 1, "a mask", 0, UINT32_MAX);
	}
	req_u32(r, k->attr, parse_u32(word, k->name, 0, UINT32_MAX), word);
	req_u32(r, k->mask_attr, mask, word);
}

static void put_value(struct req *r, const struct key *k, char *word)
{
	const int i = word_index(k, word);

	if (k->type == WORD) {
		if (i < 0)
			die(EXIT_USAGE, "%s has no value: %s", k->name, word);
		req_u8(r, k->attr, i, word);
	} else if (i >= 0) {
		req_u32(r, k->attr, k->first + i, word);
	} else if (k->type == WORD_OR_NUMBER) {
		req_u32(r, k->attr, parse_u32(word, k->name, k->lo, k->hi), word);
	} else if (k->type == WORD_OR_V4) {
		req_u32(r, k->attr, parse_v4(word).s_addr, word);
	} else if (k->mask_attr) {
		put_mark(r, k, word);
	} else {
		req_u32(r, k->attr, parse_u32(word, k->name, 0, UINT32_MAX), word);
	}
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

static const char *word_of(const struct key *k, uint32_t value)
{
	uint32_t i;

	for (i = 0; k->words && k->words[i]; i++)
		if (k->first + i == value)
			return k->words[i];
	return NULL;
}

static void print_value(const struct key *k, const struct values *v)
{
	const uint32_t value = v->v[k->attr];
	const char *word = word_of(k, value);
	char buf[64];

	if (word) {
		p_str(k->name, "%s", word);
	} else if (k->type == WORD_OR_V4) {
		p_v4(k->name, "%s", (struct in_addr){ value });
	} else if (k->mask_attr) {
		snprintf(buf, sizeof(buf), "0x%x/0x%x", value, v->v[k->mask_attr]);
		p_str(k->name, "%s", buf);
	} else {
		p_num(k->name, "%llu", value);
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
	"  KEY := timeout-tcp-est | timeout-tcp-trans | timeout-tcp-syn | timeout-udp | timeout-icmp |\n"
	"         timeout-dccp | timeout-other (seconds)\n"
	"         | max-sessions | max-per-client (0: no limit) | unmapped (reject | drop | pass)\n"
	"         | src-check (strict | loose | off) | local-out (on | off) | hook-mark VALUE/MASK\n"
	"         | tcp-midstream (drop | reset | allow) | mss-clamp (on | off | BYTES)\n"
	"         | udp-zero-csum (compute | drop | keep) | udp-refresh-inbound (on | off)\n"
	"         | mtu-min BYTES | tos (copy | 0..255) | flow-label (zero | hash)\n"
	"         | icmp-source (ADDR | none) | port-mapping (per-target | independent)\n"
	"         | hairpin (refuse | allow) | filter-hooks (output | forward | off)\n"
	"         | filter-hooks4 (off | forward) | hook-late (off | on | helper) | track6 (on | off)\n"
};
