/* SPDX-License-Identifier: GPL-2.0 */
/*
 * prefix.h: address prefixes, lists of them, and which IPv6 addresses may be
 * targets (rule 7).
 */
#ifndef DNS46_PREFIX_H
#define DNS46_PREFIX_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* IPv4 addresses are kept as ::ffff:a.b.c.d with 96 added to the length. */
struct prefix {
	struct in6_addr addr;
	uint8_t plen;
};

struct prefixes {
	struct prefix *v;
	size_t n;
};

/* "ADDR", "ADDR/LEN" of the family, AF_UNSPEC: of either; host bits must be 0. */
bool prefix_from_text(struct prefix *p, const char *text, int family);
bool prefix_holds(const struct prefix *p, const struct in6_addr *addr);
bool prefixes_hold(const struct prefixes *list, const struct in6_addr *addr);
int prefixes_add(struct prefixes *list, const struct prefix *p);
void prefixes_free(struct prefixes *list);

struct in6_addr addr_mapped(uint32_t addr4_be);
struct in6_addr addr_of_sockaddr(const struct sockaddr *sa);

/* What the kernel's policy says of targets; entries with a client or a port are
 * not in it, since a name's address serves all of them. */
struct policy_entry {
	struct prefix prefix;
	bool deny, builtin;
};

struct policy {
	struct policy_entry *v;
	size_t n;
	bool default_deny;
};

/* The built-in denies alone: what holds while there is no kernel to ask. */
int policy_builtin(struct policy *policy);
int policy_add(struct policy *policy, const struct policy_entry *e);
/* Call it after the last policy_add(). */
void policy_sort(struct policy *policy);
bool policy_denies(const struct policy *policy, const struct in6_addr *addr);
void policy_free(struct policy *policy);

#endif
