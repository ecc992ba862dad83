// SPDX-License-Identifier: GPL-2.0
/* nl.c: the socket, requests, and what the kernel says of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "nat46.h"
#include "nl.h"

#define REPLY_SECONDS	5
#define DUMP_TRIES	20
#define SORTED_TRIES	5	/* of lists that may be long */

static int fail(struct nat46_err *err, int code, const char *msg)
{
	snprintf(err->msg, sizeof(err->msg), "%s", msg);
	err->offset = 0;
	return code;
}

/* libnl's errors are its own; what can happen here is not much. */
static int nle_errno(int nle)
{
	switch (-nle) {
	case 0: return 0;
	case NLE_NOMEM: return -ENOMEM;
	case NLE_AGAIN: return -ETIMEDOUT;
	case NLE_PERM: return -EPERM;
	case NLE_OBJ_NOTFOUND: return -ENOENT;
	case NLE_DUMP_INTR: return -EAGAIN;
	case NLE_NOACCESS: return -EACCES;
	default: return -EIO;
	}
}

/**
 * nat46_nl_open() - a socket to the module
 * @err: told what is wrong
 *
 * Return: the socket, or NULL.
 */
struct nat46_nl *nat46_nl_open(struct nat46_err *err)
{
	const struct timeval tv = { .tv_sec = REPLY_SECONDS };
	struct nat46_nl *nl = calloc(1, sizeof(*nl));
	const int on = 1;
	int fd;

	memset(err, 0, sizeof(*err));
	if (!nl)
		return NULL;
	nl->sk = nl_socket_alloc();
	if (!nl->sk || genl_connect(nl->sk) < 0) {
		fail(err, 0, "no netlink socket");
		goto err_free;
	}
	nl_socket_disable_seq_check(nl->sk);
	nl_socket_set_buffer_size(nl->sk, 1 << 20, 1 << 20);
	nl_socket_set_msg_buf_size(nl->sk, 1 << 16);
	fd = nl_socket_get_fd(nl->sk);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	nl->family = genl_ctrl_resolve(nl->sk, NAT46_GENL_NAME);
	if (nl->family < 0) {
		fail(err, 0, "the kernel module nf_nat46 is not loaded (modprobe nf_nat46)");
		goto err_free;
	}
	return nl;

err_free:
	nat46_nl_close(nl);
	return NULL;
}

void nat46_nl_close(struct nat46_nl *nl)
{
	if (!nl)
		return;
	nl_socket_free(nl->sk);
	free(nl);
}

int nat46_nl_fd(const struct nat46_nl *nl)
{
	return nl_socket_get_fd(nl->sk);
}

struct nl_msg *nat46_msg(struct nat46_nl *nl, uint8_t cmd, uint16_t flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0, flags, cmd,
				NAT46_GENL_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* One exchange under way. */
struct exchange {
	int max;
	nat46_reply_fn fn;
	nat46_raw_fn raw;
	void *arg;
	bool done;
	bool changed;		/* NLM_F_DUMP_INTR */
	int code;		/* -errno of the first refusal */
	struct nat46_err *err;
	unsigned int acks;	/* nat46_request_many() */
	uint32_t first_seq;
	unsigned int failed;
	int fn_ret;
};

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct exchange *x = arg;
	struct nlattr *attrs[64];

	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		x->changed = true;
	if (x->raw)
		x->fn_ret = x->raw(h, x->arg);
	if (!x->fn || x->fn_ret)
		return NL_OK;
	if (genlmsg_parse(h, 0, attrs, x->max, NULL) < 0)
		x->code = fail(x->err, -EPROTO, "the kernel's reply can't be read");
	else
		x->fn_ret = x->fn(attrs, x->arg);
	return NL_OK;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;

	x->acks++;
	x->done = true;
	return NL_OK;
}

static int on_finish(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;

	if (nlmsg_hdr(msg)->nlmsg_flags & NLM_F_DUMP_INTR)
		x->changed = true;
	x->done = true;
	return NL_OK;
}

/* The TLVs that follow an error: the kernel's words, and what they are about. */
static void read_extack(const struct nlmsgerr *e, const struct nlmsghdr *h,
			struct nat46_err *err)
{
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	unsigned int at = sizeof(*h) + sizeof(*e);

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		at += e->msg.nlmsg_len - sizeof(e->msg);
	if (at >= h->nlmsg_len ||
	    nla_parse(tb, NLMSGERR_ATTR_MAX, (struct nlattr *)((char *)h + at),
		      h->nlmsg_len - at, NULL) < 0)
		return;
	if (tb[NLMSGERR_ATTR_MSG])
		snprintf(err->msg, sizeof(err->msg), "%.*s", nla_len(tb[NLMSGERR_ATTR_MSG]),
			 nla_get_string(tb[NLMSGERR_ATTR_MSG]));
	if (tb[NLMSGERR_ATTR_OFFS])
		err->offset = nla_get_u32(tb[NLMSGERR_ATTR_OFFS]);
}

static int on_error(struct sockaddr_nl *who, struct nlmsgerr *e, void *arg)
{
	const struct nlmsghdr *h = (struct nlmsghdr *)e - 1;
	struct exchange *x = arg;

	x->acks++;
	x->done = true;
	if (x->code)		/* the first refusal is the one to tell of */
		return NL_SKIP;
	x->code = e->error;
	x->failed = h->nlmsg_seq - x->first_seq;
	fail(x->err, 0, "");
	read_extack(e, h, x->err);
	return NL_SKIP;
}

static int receive(struct nat46_nl *nl, struct exchange *x, unsigned int acks)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_CUSTOM);
	int ret = 0;

	if (!cb)
		return fail(x->err, -ENOMEM, "");
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, x);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, x);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, x);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, x);
	while (acks ? x->acks < acks : !x->done) {
		ret = nl_recvmsgs(nl->sk, cb);
		if (ret == -NLE_DUMP_INTR) {	/* the reading goes on */
			x->changed = true;
			ret = 0;
		}
		if (ret < 0) {
			ret = fail(x->err, nle_errno(ret), nl_geterror(ret));
			break;
		}
	}
	nl_cb_put(cb);
	return ret < 0 ? ret : 0;
}

static int exchange(struct nat46_nl *nl, struct nl_msg *msg, struct exchange *x)
{
	struct nat46_err *err = x->err;
	int ret;

	memset(err, 0, sizeof(*err));
	ret = nl_send_auto(nl->sk, msg);
	if (ret < 0)
		return fail(err, nle_errno(ret), nl_geterror(ret));
	/* a reply that is no dump is followed by its acknowledgement */
	ret = receive(nl, x, 0);
	if (ret)
		return ret;
	if (x->code)
		return x->code;
	if (x->fn_ret)
		return x->fn_ret;
	return x->changed ? -EAGAIN : 0;
}

int nat46_request(struct nat46_nl *nl, struct nl_msg *msg, int max,
		  nat46_reply_fn fn, void *arg, struct nat46_err *err)
{
	struct exchange x = { .max = max, .fn = fn, .arg = arg, .err = err };

	return exchange(nl, msg, &x);
}

int nat46_request_raw(struct nat46_nl *nl, struct nl_msg *msg, nat46_raw_fn fn, void *arg,
		      struct nat46_err *err)
{
	struct exchange x = { .raw = fn, .arg = arg, .err = err };

	return exchange(nl, msg, &x);
}

/* A reading that may have to be thrown away: attribute sets, one after another. */
struct reading {
	char *buf;
	size_t len, size;
	int max;
};

static int keep(struct nlattr **attrs, void *arg)
{
	struct reading *r = arg;
	uint32_t len = 0;
	size_t need;
	int i;

	for (i = 1; i <= r->max; i++)
		if (attrs[i])
			len += NLA_ALIGN(attrs[i]->nla_len);
	need = r->len + sizeof(len) + len;
	if (need > r->size) {
		const size_t size = need * 2;
		char *buf = realloc(r->buf, size);

		if (!buf)
			return -ENOMEM;
		r->buf = buf;
		r->size = size;
	}
	memcpy(r->buf + r->len, &len, sizeof(len));
	r->len += sizeof(len);
	for (i = 1; i <= r->max; i++) {
		if (!attrs[i])
			continue;
		memcpy(r->buf + r->len, attrs[i], attrs[i]->nla_len);
		r->len += NLA_ALIGN(attrs[i]->nla_len);
	}
	return 0;
}

/* 0, -EAGAIN where it changed in each reading, or what came of it. */
static int read_whole(struct nat46_nl *nl, struct nl_msg *msg, struct reading *r,
		      unsigned int tries, struct nat46_err *err)
{
	int ret = -EAGAIN;

	while (tries-- && ret == -EAGAIN) {
		r->len = 0;
		nlmsg_hdr(msg)->nlmsg_seq = NL_AUTO_SEQ;
		ret = nat46_request(nl, msg, r->max, keep, r, err);
	}
	if (ret == -EAGAIN)
		fail(err, 0, "it changes faster than it can be read");
	return ret;
}

/* @fn is given what was read; the reading ends. */
static int tell(struct reading *r, int ret, nat46_reply_fn fn, void *arg)
{
	struct nlattr *attrs[64];
	size_t at;

	for (at = 0; !ret && at < r->len;) {
		uint32_t len;

		memcpy(&len, r->buf + at, sizeof(len));
		at += sizeof(len);
		nla_parse(attrs, r->max, (struct nlattr *)(r->buf + at), len, NULL);
		at += len;
		ret = fn(attrs, arg);
	}
	free(r->buf);
	return ret;
}

int nat46_dump(struct nat46_nl *nl, struct nl_msg *msg, int max,
	       nat46_reply_fn fn, void *arg, struct nat46_err *err)
{
	struct reading r = { .max = max };
	const int ret = read_whole(nl, msg, &r, DUMP_TRIES, err);

	return tell(&r, ret, fn, arg);
}

int nat46_dump_sorted(struct nat46_nl *nl, struct nl_msg *msg, int max,
		      nat46_reply_fn fn, void *arg, struct nat46_err *err)
{
	struct reading r = { .max = max };
	const int ret = read_whole(nl, msg, &r, SORTED_TRIES, err);

	if (ret == -EAGAIN)
		fail(err, 0, "it changed while it was read: what came or went may be missing");
	return tell(&r, ret == -EAGAIN ? 0 : ret, fn, arg);
}

int nat46_request_many(struct nat46_nl *nl, struct nl_msg **msgs, unsigned int n,
		       unsigned int *failed, struct nat46_err *err)
{
	struct exchange x = { .err = err };
	size_t len = 0, at = 0;
	unsigned int i;
	char *buf;
	int ret;

	memset(err, 0, sizeof(*err));
	if (!n)
		return 0;
	for (i = 0; i < n; i++) {
		nl_complete_msg(nl->sk, msgs[i]);
		len += NLMSG_ALIGN(nlmsg_hdr(msgs[i])->nlmsg_len);
	}
	x.first_seq = nlmsg_hdr(msgs[0])->nlmsg_seq;
	buf = calloc(1, len);
	if (!buf)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		memcpy(buf + at, nlmsg_hdr(msgs[i]), nlmsg_hdr(msgs[i])->nlmsg_len);
		at += NLMSG_ALIGN(nlmsg_hdr(msgs[i])->nlmsg_len);
	}
	ret = nl_sendto(nl->sk, buf, len);
	free(buf);
	if (ret < 0)
		return fail(err, nle_errno(ret), nl_geterror(ret));
	ret = receive(nl, &x, n);
	*failed = x.failed;
	return ret ? ret : x.code;
}
