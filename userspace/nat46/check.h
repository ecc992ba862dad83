/* SPDX-License-Identifier: GPL-2.0 */
/* check.h: what the files of "nat46 check" share: findings, and what was found out. */
#ifndef CHECK_H
#define CHECK_H

#include "tool.h"

enum verdict { OK, WARN, FAIL };

/* One line: what was found about @name, and what to do about it ("" where it is well). */
void found(const char *name, enum verdict v, const char *cure, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* A cure with words in it; good until the next call. */
const char *cure(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define CHECK_POOLS	64

/* What the module is told, read once. */
struct module_state {
	struct nat46_info info;
	struct nat46_pool_info pool[CHECK_POOLS];
	int pools;
};

/* ---- check_net.c: what the host's network is like ------------------------------- */

void check_ipv6(void);
void check_route6(void);
void check_forwarding(void);
void check_pools(const struct module_state *m);
void check_sources(const struct module_state *m);
void check_rp_filter(const struct module_state *m);
void check_on_link(void);
void check_pods(void);

/* ---- check_dns.c: who answers names --------------------------------------------- */

struct dns_words {
	const char *server;	/* ADDR[@PORT]; NULL: the relay's own configuration */
	const char *name;	/* NULL: none is resolved */
	const char *netns;	/* NULL: asked from here */
};

void check_dns(const struct module_state *m, const struct dns_words *w);

/* ---- check.c -------------------------------------------------------------------- */

/* The first line of a file of /proc or /sys as a number, or @missing. */
long read_number(const char *path, long missing);
/* May a session go to some address of that prefix? */
bool target_open(const struct in6_addr *addr, uint8_t plen);

#endif /* CHECK_H */
