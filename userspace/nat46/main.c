// SPDX-License-Identifier: GPL-2.0
/* main.c: nat46, the tool: options, objects, batches. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

#define WORDS	64

bool opt_stats;
const char *where_file;
int where_line;

static const struct object *const objects[] = {
	&pool_object, &source_object, &map_object, &policy_object,
	&session_object, &param_object, &stats_object,
};

#define OBJECTS	(sizeof(objects) / sizeof(objects[0]))

static void say(const char *what, const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("nat46: ", stderr);
	if (where_file)
		fprintf(stderr, "%s:%d: ", where_file, where_line);
	fputs(what, stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void die(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	exit(code);
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("warning: ", fmt, ap);
	va_end(ap);
}

struct nat46_nl *tool_nl(void)
{
	static struct nat46_nl *nl;
	struct nat46_info info;
	struct nat46_err err;

	if (nl)
		return nl;
	nl = nat46_nl_open(&err);
	if (!nl || nat46_info_get(nl, &info, &err))
		die(EXIT_SYSTEM, "%s", err.msg[0] ? err.msg : "no answer from the module");
	return nl;
}

static void usage(FILE *to)
{
	size_t i;

	fputs("usage: nat46 [ OPTIONS ] OBJECT { COMMAND | help }\n"
	      "       nat46 save [ proto OWNER | all ]\n"
	      "       nat46 restore [ FILE ] [ force ]\n"
	      "       nat46 check [ WHAT ]                   is this host ready?\n"
	      "       nat46 explain SRC { DST | NAME } PROTO [ DPORT ]\n"
	      "                                              what would happen to that packet, and why\n"
	      "       nat46 monitor [ map ]                  what changes, as it does\n"
	      "       nat46                                  a status page\n"
	      "OPTIONS := -j[son] -p[retty] -s[tatistics] -n[etns] NAME -b[atch] FILE\n"
	      "           -V[ersion] -h[elp]\n"
	      "OBJECT := {", to);
	for (i = 0; i < OBJECTS; i++)
		fprintf(to, "%s %s", i ? " |" : "", objects[i]->name);
	fputs(" }\nnat46 OBJECT help tells its commands; see nat46(8)\n", to);
}

const struct command *find_command(struct args *a, const struct object **obj)
{
	const char *word = need(a, "the object");
	const struct command *c;
	size_t i;

	for (i = 0; i < OBJECTS; i++)
		if (!strcmp(word, objects[i]->name))
			break;
	if (i == OBJECTS)
		die(EXIT_USAGE, "unknown object: %s", word);
	*obj = objects[i];
	if (!more(a))
		return objects[i]->commands;	/* show */
	for (c = objects[i]->commands; c->name; c++)
		if (take(a, c->name))
			return c;
	/* "nat46 map 198.18.0.7", "nat46 session from ...": show is the default */
	c = objects[i]->commands;
	if (*obj == &session_object || *obj == &map_object)
		return c;
	die(EXIT_USAGE, "unknown command of %s: %s", word, a->v[0]);
}

void run_command(struct args *a)
{
	const struct object *obj;
	const struct command *c;
	struct req r = { 0 };

	if (take(a, "save"))
		return cmd_save(a);
	if (take(a, "restore"))
		return cmd_restore(a);
	if (take(a, "check"))
		return cmd_check(a);
	if (take(a, "explain"))
		return cmd_explain(a);
	if (take(a, "monitor"))
		return cmd_monitor(a);
	if (take(a, "help"))
		return usage(stdout);
	if (a->n > 1 && !strcmp(a->v[1], "help")) {
		struct args only = { a->v, 1 };

		find_command(&only, &obj);
		fputs(obj->help, stdout);
		return;
	}
	c = find_command(a, &obj);
	if (c->run)
		return c->run(a);
	c->build(&r, a);
	no_more(a);
	req_do(&r);
}

/* Line by line; the first that fails ends it, and what went before stays. */
static void run_batch(const char *name)
{
	FILE *f = strcmp(name, "-") ? fopen(name, "r") : stdin;
	char *line = NULL, *words[WORDS];
	size_t size = 0;
	struct args a;

	if (!f)
		die(EXIT_SYSTEM, "%s: %s", strerror(errno), name);
	where_file = name;
	for (where_line = 1; getline(&line, &size, f) >= 0; where_line++) {
		a.v = words;
		a.n = split_line(line, words, WORDS);
		if (a.n < 0)
			die(EXIT_USAGE, "an open quote, or too many words: %s", words[0]);
		if (a.n)
			run_command(&a);
	}
	if (ferror(f))
		die(EXIT_SYSTEM, "%s: %s", strerror(errno), where_file);
	free(line);
}

static void enter_netns(const char *name)
{
	char path[256];
	int fd;

	if (!*name || strchr(name, '/') || strlen(name) > 128)
		die(EXIT_USAGE, "not a network namespace's name: %s", name);
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(EXIT_SYSTEM, "%s: %s", strerror(errno), name);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "statistics", no_argument, NULL, 's' },
		{ "stats", no_argument, NULL, 's' },
		{ "netns", required_argument, NULL, 'n' },
		{ "batch", required_argument, NULL, 'b' },
		{ "version", no_argument, NULL, 'V' },
		{ "Version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL },
	};
	const char *batch = NULL;
	struct args a;
	int c;

	opterr = 0;
	/* one dash or two, as with ip */
	while ((c = getopt_long_only(argc, argv, "+jpsn:b:Vh", longs, NULL)) >= 0) {
		switch (c) {
		case 'j': print_json = true; break;
		case 'p': print_pretty = true; break;
		case 's': opt_stats = true; break;
		case 'n': enter_netns(optarg); break;
		case 'b': batch = optarg; break;
		case 'V': printf("nat46, interface %u\n", NAT46_API); return 0;
		case 'h': usage(stdout); return 0;
		default:
			die(EXIT_USAGE, "unknown option, or its argument is missing: %s",
			    argv[optind - 1]);
		}
	}
	a.v = argv + optind;
	a.n = argc - optind;
	if (batch) {
		no_more(&a);
		run_batch(batch);
	} else if (!a.n) {
		status_page();
	} else {
		run_command(&a);
	}
	if (fflush(stdout) || ferror(stdout))
		die(EXIT_SYSTEM, "standard output: %s", strerror(errno));
	return 0;
}
