// SPDX-License-Identifier: GPL-2.0
/* restore.c: nat46 save, and nat46 restore, which is one transaction. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "tool.h"

/* Requests under way at once: their acknowledgements fit in any buffer. */
#define WINDOW	64
#define WORDS	64

void cmd_save(struct args *a)
{
	const char *owner = NAT46_OWNER_STATIC;

	if (take(a, "proto"))
		parse_owner(owner = need(a, "the owner"));
	else if (take(a, "all"))
		owner = NULL;
	no_more(a);
	if (print_json)
		die(EXIT_USAGE, "save prints a batch, no JSON: -j");
	param_save();
	pool_save();
	source_save();
	policy_save();
	map_save(owner);
	if (fflush(stdout) || ferror(stdout))
		die(EXIT_SYSTEM, "standard output: %s", strerror(errno));
}

static int read_token(struct nlattr **a, void *arg)
{
	*(uint32_t *)arg = a[NAT46_RESTORE_A_TOKEN] ? nla_get_u32(a[NAT46_RESTORE_A_TOKEN]) : 0;
	return 0;
}

static void flush(struct req *r, unsigned int *n)
{
	struct nl_msg *msgs[WINDOW];
	struct nat46_err err;
	unsigned int i, failed = 0;
	int ret;

	for (i = 0; i < *n; i++)
		msgs[i] = r[i].msg;
	ret = nat46_request_many(tool_nl(), msgs, *n, &failed, &err);
	if (ret)
		req_refused(&r[failed < *n ? failed : 0], ret, &err);
	for (i = 0; i < *n; i++)
		req_free(&r[i]);
	*n = 0;
}

static void one_line(struct req *r, char *line, bool force)
{
	struct args a = { 0 };
	char *words[WORDS];
	const struct object *obj;
	const struct command *cmd;
	const char *why;

	memset(r, 0, sizeof(*r));
	a.v = words;
	a.n = split_line(line, words, WORDS);
	if (a.n < 0)
		die(EXIT_USAGE, "an open quote, or too many words: %s", words[0]);
	if (!a.n)
		return;
	cmd = find_command(&a, &obj);
	if (!cmd->build || !cmd->restorable)
		die(EXIT_USAGE, "only what adds or sets can be restored: %s %s", obj->name, cmd->name);
	cmd->build(r, &a);
	no_more(&a);
	if (r->before && !force)
		r->before(r);
	/* at boot nobody is there to say "force", and clients need the rest */
	why = r->doubt && !r->force ? r->doubt(r) : NULL;
	if (why)
		warn("%s", why);
	if (r->dev && !if_nametoindex(r->subject))
		warn("no such device yet: %s", r->subject);
}

/* Any failure ends the process; the closed socket aborts the transaction. */
void cmd_restore(struct args *a)
{
	struct req *r = calloc(WINDOW, sizeof(*r));
	bool force = take(a, "force");
	const char *name = !force && more(a) ? need(a, "") : NULL;
	const char *const batch = where_file;	/* whose line this is, where it is one's */
	const int batch_line = where_line;
	struct req end = { 0 };
	struct nat46_err err;
	uint32_t token = 0;
	unsigned int n = 0;
	char *line = NULL;
	size_t size = 0;
	FILE *f = stdin;
	int ret;

	force = force || take(a, "force");
	no_more(a);
	if (!r)
		die(EXIT_SYSTEM, "out of memory");
	if (name && strcmp(name, "-")) {
		f = fopen(name, "r");
		if (!f)
			die(EXIT_SYSTEM, "%s: %s", strerror(errno), name);
	}
	ask(ask_msg(NAT46_CMD_RESTORE_BEGIN, false), NAT46_RESTORE_A_MAX, false, read_token, &token);

	where_file = name ? name : "-";
	for (where_line = 1; getline(&line, &size, f) >= 0; where_line++) {
		one_line(&r[n], line, force);
		if (r[n].msg && ++n == WINDOW)
			flush(r, &n);
	}
	if (ferror(f))
		die(EXIT_SYSTEM, "%s: %s", strerror(errno), where_file);
	if (n)
		flush(r, &n);
	where_file = batch;
	where_line = batch_line;

	req_init(&end, NAT46_CMD_RESTORE_COMMIT, 0, name ? name : "restore");
	req_u32(&end, NAT46_RESTORE_A_TOKEN, token, NULL);
	if (force)
		req_flag(&end, NAT46_RESTORE_A_FORCE, "force");
	ret = nat46_request(tool_nl(), end.msg, NAT46_RESTORE_A_MAX, NULL, NULL, &err);
	if (ret)
		req_refused(&end, ret, &err);
	route_reconcile();
	neigh_reconcile(NULL);
	free(line);
	free(r);
	if (f != stdin)
		fclose(f);
}
