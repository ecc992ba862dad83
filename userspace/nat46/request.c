// SPDX-License-Identifier: GPL-2.0
/*
 * request.c: a change on its way to the kernel. It remembers which word of the
 * command line became which attribute, so that a refusal can name the word.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "tool.h"

static void no_memory(void)
{
	die(EXIT_SYSTEM, "out of memory");
}

void req_init(struct req *r, uint8_t cmd, uint16_t flags, const char *subject)
{
	r->msg = nat46_msg(tool_nl(), cmd, NLM_F_ACK | flags);
	if (!r->msg)
		no_memory();
	snprintf(r->subject, sizeof(r->subject), "%s", subject);
	r->line = where_line;
}

static void remember(struct req *r, const char *word)
{
	if (!word || r->words == REQ_WORDS)
		return;
	r->word[r->words].offset = nlmsg_hdr(r->msg)->nlmsg_len;
	snprintf(r->word[r->words].text, sizeof(r->word[0].text), "%s", word);
	r->words++;
}

void req_put(struct req *r, int attr, const void *data, int len, const char *word)
{
	remember(r, word);
	if (nla_put(r->msg, attr, len, data))
		no_memory();
}

void req_u8(struct req *r, int attr, uint8_t v, const char *word)
{
	req_put(r, attr, &v, sizeof(v), word);
}

void req_u16(struct req *r, int attr, uint16_t v, const char *word)
{
	req_put(r, attr, &v, sizeof(v), word);
}

void req_u32(struct req *r, int attr, uint32_t v, const char *word)
{
	req_put(r, attr, &v, sizeof(v), word);
}

void req_str(struct req *r, int attr, const char *s)
{
	req_put(r, attr, s, strlen(s) + 1, s);
}

void req_flag(struct req *r, int attr, const char *word)
{
	req_put(r, attr, NULL, 0, word);
}

void req_nest(struct req *r, int attr)
{
	r->open = nla_nest_start(r->msg, attr | NLA_F_NESTED);
	if (!r->open)
		no_memory();
}

void req_nest_end(struct req *r)
{
	nla_nest_end(r->msg, r->open);
}

/* The word whose attribute the kernel means, or the object's. */
static const char *word_at(const struct req *r, unsigned int offset)
{
	int i;

	for (i = 0; offset && i < r->words; i++)
		if (r->word[i].offset == offset)
			return r->word[i].text;
	return r->subject;
}

void req_refused(struct req *r, int code, const struct nat46_err *err)
{
	struct nat46_map m;
	struct nat46_err e;

	where_line = r->line;
	if (code == -EPERM && r->attr_owner && strstr(err->msg, "owner") &&
	    !nat46_map_get(tool_nl(), r->addr, r->plen, &m, &e))
		die(EXIT_SYSTEM, "the mapping belongs to owner %s: %s", m.owner, r->subject);
	die(EXIT_SYSTEM, "%s: %s", err->msg[0] ? err->msg : strerror(-code),
	    word_at(r, err->offset));
}

void req_free(struct req *r)
{
	nlmsg_free(r->msg);
	r->msg = NULL;
}

void req_do(struct req *r)
{
	struct nat46_err err;
	const char *why;
	int ret;

	why = r->doubt && !r->force ? r->doubt(r) : NULL;
	if (why)
		die(EXIT_SYSTEM, "%s", why);
	if (r->before)
		r->before(r);
	ret = nat46_request(tool_nl(), r->msg, 63, NULL, NULL, &err);
	if (ret)
		req_refused(r, ret, &err);
	if (r->after)
		r->after(r);
	req_free(r);
}

struct nl_msg *ask_msg(uint8_t cmd, bool dump)
{
	struct nl_msg *msg = nat46_msg(tool_nl(), cmd, dump ? NLM_F_DUMP : 0);

	if (!msg)
		no_memory();
	return msg;
}

void ask(struct nl_msg *msg, int max, bool dump, nat46_reply_fn fn, void *arg)
{
	struct nat46_err err;
	int ret = dump ? nat46_dump(tool_nl(), msg, max, fn, arg, &err) :
			 nat46_request(tool_nl(), msg, max, fn, arg, &err);

	nlmsg_free(msg);
	if (ret && (dump || ret != -EAGAIN))	/* sessions come and go all the time */
		die(EXIT_SYSTEM, "%s", err.msg[0] ? err.msg : strerror(-ret));
}
