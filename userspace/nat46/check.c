// SPDX-License-Identifier: GPL-2.0
/* check.c: nat46 check: is this host ready? A line a condition, and the cure. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "check.h"

#define NEARLY_FULL	90	/* percent */

static enum verdict worst;

static const char *const words[] = { "ok", "warn", "FAIL" };

void found(const char *name, enum verdict v, const char *cure, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (v > worst)
		worst = v;
	p_open(NULL);
	p_str("result", "%-6s", words[v]);
	p_str("check", "%-11s", name);
	p_str("found", "%s", text);
	if (v != OK && *cure)
		p_str("cure", "; cure: %s", cure);
	p_text("\n");
	p_close();
}

const char *cure(const char *fmt, ...)
{
	static char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return text;
}

static bool read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(line, size, f);

	if (f)
		fclose(f);
	if (ok)
		line[strcspn(line, "\n")] = 0;
	return ok;
}

long read_number(const char *path, long missing)
{
	char line[64];

	return read_line(path, line, sizeof(line)) ? strtol(line, NULL, 10) : missing;
}

/* ---- the module ------------------------------------------------------------------ */

static const char *load_cure(void)
{
	char line[64];

	if (read_line("/sys/kernel/security/lockdown", line, sizeof(line)) &&
	    !strstr(line, "[none]"))
		return "this kernel takes signed modules only (lockdown): sign it with a key it has, or use a gateway";
	return "modprobe nf_nat46; where there is none for this kernel: make dkms";
}

/* Is it there, and of our version? Then the other objects may be asked for. */
static bool check_module(struct nat46_info *info)
{
	struct nat46_err err;
	struct nat46_nl *nl = nat46_nl_open(&err);
	int ret;

	if (!nl) {
		found("module", FAIL, load_cure(), "not loaded");
		return false;
	}
	ret = nat46_info_get(nl, info, &err);
	nat46_nl_close(nl);
	if (ret) {
		found("module", FAIL, "install module and tool of one release, load the module anew",
		      "%s", err.msg[0] ? err.msg : strerror(-ret));
		return false;
	}
	found("module", OK, "", "nf_nat46 %s, interface %u as this tool's", info->version,
	      info->api);
	return true;
}

static int keep_pool(const struct nat46_pool_info *p, void *arg)
{
	struct module_state *m = arg;

	if (m->pools < CHECK_POOLS)
		m->pool[m->pools++] = *p;
	return 0;
}

static void check_sessions(const struct nat46_info *info)
{
	const uint32_t all = info->has_all ? info->sessions_all : info->sessions;

	if ((uint64_t)all * 100 >= (uint64_t)info->sessions_max * NEARLY_FULL)
		found("sessions", WARN, "more memory for it: the module's parameter max_sessions",
		      "%u of at most %u", all, info->sessions_max);
	else
		found("sessions", OK, "", "%u of at most %u", all, info->sessions_max);
}

static void check_conntrack(void)
{
	const long n = read_number("/proc/sys/net/netfilter/nf_conntrack_count", 0);
	const long max = read_number("/proc/sys/net/netfilter/nf_conntrack_max", 0);

	if (max && n * 100 >= max * NEARLY_FULL)
		found("conntrack", WARN,
		      cure("sysctl -w net.netfilter.nf_conntrack_max=%ld", 2 * max),
		      "%ld entries of at most %ld: new flows of the node itself will be dropped", n, max);
	else
		found("conntrack", OK, "", "%ld entries of at most %ld", n, max);
}

/* ---- policy ----------------------------------------------------------------------- */

struct opening {
	struct in6_addr addr;
	uint8_t plen;
	int best;		/* length of the policy that holds all of it */
	uint8_t action;
	bool builtin;
	bool inside;		/* part of it is allowed by a longer one */
};

static bool same_bits(const struct in6_addr *a, const struct in6_addr *b, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if ((a->s6_addr[i / 8] ^ b->s6_addr[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

/* The longest wins, deny on a tie; a built-in one gives way to an equal. */
static int weigh(const struct nat46_policy_info *p, void *arg)
{
	struct opening *o = arg;

	if (p->plen > o->plen) {
		if (p->action == NAT46_POLICY_ALLOW && same_bits(&p->addr, &o->addr, o->plen))
			o->inside = true;
		return 0;
	}
	if (!same_bits(&p->addr, &o->addr, p->plen))
		return 0;
	/* a deny for some clients, or ports, leaves it open to others */
	if (p->action == NAT46_POLICY_DENY && (p->from_plen || p->proto))
		return 0;
	if (p->plen < o->best || (p->plen == o->best && !o->builtin &&
				  (p->builtin || o->action == NAT46_POLICY_ALLOW)))
		return 0;
	o->best = p->plen;
	o->action = p->action;
	o->builtin = p->builtin;
	return 0;
}

bool target_open(const struct in6_addr *addr, uint8_t plen)
{
	struct opening o = { .addr = *addr, .plen = plen, .best = -1 };
	struct nat46_err err;
	uint8_t action;

	if (nat46_policy_dump(tool_nl(), weigh, &o, &err) ||
	    nat46_policy_default(tool_nl(), &action, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
	return o.inside || (o.best < 0 ? action : o.action) == NAT46_POLICY_ALLOW;
}

static void check_metadata(void)
{
	struct in6_addr addr;

	inet_pton(AF_INET6, "fd00:ec2::", &addr);
	if (target_open(&addr, 32))
		found("metadata", FAIL, "nat46 policy del allow PREFIX: nat46 policy shows which",
		      "the cloud's metadata service (fd00:ec2::/32) is open to clients");
	else
		found("metadata", OK, "", "fd00:ec2::/32 is denied");
}

/* ---- a kernel that is to be booted -------------------------------------------------- */

static bool module_on_disk(const char *version)
{
	char path[300], line[512];
	const char *hit;
	bool yes = false;
	FILE *f;

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", version);
	f = fopen(path, "re");
	while (f && !yes && fgets(line, sizeof(line), f)) {
		hit = strstr(line, "/nf_nat46.ko");
		yes = hit && hit < line + strcspn(line, ":");
	}
	if (f)
		fclose(f);
	return yes;
}

static void check_kernel(const char *version)
{
	char path[300];

	if (strchr(version, '/') || strlen(version) > 128)
		die(EXIT_USAGE, "not a kernel's version: %s", version);
	snprintf(path, sizeof(path), "/lib/modules/%s/build", version);
	if (module_on_disk(version))
		found("kernel", OK, "", "%s has the module", version);
	else if (!access(path, F_OK))
		found("kernel", FAIL, cure("dkms autoinstall -k %s", version),
		      "%s has no nf_nat46; its headers are there", version);
	else
		found("kernel", FAIL, cure("install the headers of %s, then dkms autoinstall -k %s",
					   version, version),
		      "%s has no nf_nat46, nor headers to build it", version);
}

/* ---- the command ---------------------------------------------------------------------- */

static const char help[] =
	"nat46 check [ kernel VERSION ] [ dns ADDR[@PORT] ] [ name NAME ] [ from NETNS ]\n"
	"  one line a condition: ok, warn or FAIL, and the cure; exit 0, 1 or 2\n";

static void conditions(const struct dns_words *w)
{
	struct module_state m = { .pools = 0 };
	const bool loaded = check_module(&m.info);
	struct nat46_err err;

	check_ipv6();
	check_route6();
	check_forwarding();
	if (!loaded)
		return;
	if (nat46_pool_dump(tool_nl(), keep_pool, &m, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
	check_pools(&m);
	check_sources(&m);
	check_rp_filter(&m);
	if (m.pools) {		/* the built-in denies come with the first object */
		check_metadata();
		check_on_link();
	}
	check_sessions(&m.info);
	check_conntrack();
	check_pods();
	check_dns(&m, w);
}

void cmd_check(struct args *a)
{
	struct dns_words w = { NULL };
	const char *kernel = NULL;

	if (take(a, "help")) {
		fputs(help, stdout);
		return;
	}
	for (;;) {
		if (take(a, "kernel") || take(a, "--kernel"))
			kernel = need(a, "the kernel's version");
		else if (take(a, "dns"))
			w.server = need(a, "the name server's address");
		else if (take(a, "name"))
			w.name = need(a, "the name");
		else if (take(a, "from"))
			w.netns = need(a, "the network namespace");
		else
			break;
	}
	no_more(a);
	p_begin(true);
	if (kernel)
		check_kernel(kernel);
	conditions(&w);
	p_end();
	if (fflush(stdout) || ferror(stdout))
		die(EXIT_SYSTEM, "standard output: %s", strerror(errno));
	exit(worst);
}
