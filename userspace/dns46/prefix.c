// SPDX-License-Identifier: GPL-2.0
/* prefix.c: see prefix.h. */
#include "prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct in6_addr addr_mapped(uint32_t addr4_be)
{
	struct in6_addr a = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	memcpy(&a.s6_addr[12], &addr4_be, 4);
	return a;
}

struct in6_addr addr_of_sockaddr(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return addr_mapped(((const struct sockaddr_in *)sa)->sin_addr.s_addr);
	return ((const struct sockaddr_in6 *)sa)->sin6_addr;
}

static bool plen_from_text(const char *text, unsigned int max, unsigned int *plen)
{
	char *end;
	unsigned long v;

	if (*text < '0' || *text > '9')
		return false;
	v = strtoul(text, &end, 10);
	*plen = v;
	return !*end && v <= max;
}

bool prefix_from_text(struct prefix *p, const char *text, int family)
{
	char addr[INET6_ADDRSTRLEN];
	const char *slash = strchrnul(text, '/');
	unsigned int plen;
	struct in_addr a4;
	bool v4;

	if ((size_t)(slash - text) >= sizeof(addr))
		return false;
	memcpy(addr, text, slash - text);
	addr[slash - text] = 0;
	v4 = inet_pton(AF_INET, addr, &a4) == 1;
	if (v4)
		p->addr = addr_mapped(a4.s_addr);
	else if (inet_pton(AF_INET6, addr, &p->addr) != 1)
		return false;
	if (family != AF_UNSPEC && v4 != (family == AF_INET))
		return false;
	plen = v4 ? 32 : 128;
	if (*slash && !plen_from_text(slash + 1, plen, &plen))
		return false;
	p->plen = v4 ? plen + 96 : plen;
	for (unsigned int bit = p->plen; bit < 128; bit++)
		if (p->addr.s6_addr[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

bool prefix_holds(const struct prefix *p, const struct in6_addr *addr)
{
	unsigned int bytes = p->plen / 8, bits = p->plen % 8;

	if (memcmp(&p->addr, addr, bytes))
		return false;
	return !bits || !((p->addr.s6_addr[bytes] ^ addr->s6_addr[bytes]) >> (8 - bits));
}

bool prefixes_hold(const struct prefixes *list, const struct in6_addr *addr)
{
	for (size_t i = 0; i < list->n; i++)
		if (prefix_holds(&list->v[i], addr))
			return true;
	return false;
}

int prefixes_add(struct prefixes *list, const struct prefix *p)
{
	struct prefix *v = reallocarray(list->v, list->n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	list->v = v;
	v[list->n++] = *p;
	return 0;
}

void prefixes_free(struct prefixes *list)
{
	free(list->v);
	memset(list, 0, sizeof(*list));
}

int policy_add(struct policy *policy, const struct policy_entry *e)
{
	struct policy_entry *v = reallocarray(policy->v, policy->n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	policy->v = v;
	v[policy->n++] = *e;
	return 0;
}

int policy_builtin(struct policy *policy)
{
	static const char *const denied[] = {
		"::/96", "::1", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16",
		"fe80::/10", "ff00::/8", "fd00:ec2::/32",
	};
	struct policy_entry e = { .deny = true, .builtin = true };
	int err = 0;

	memset(policy, 0, sizeof(*policy));
	for (size_t i = 0; i < sizeof(denied) / sizeof(*denied) && !err; i++) {
		prefix_from_text(&e.prefix, denied[i], AF_INET6);
		err = policy_add(policy, &e);
	}
	policy_sort(policy);
	return err;
}

/* The longest first; at one length the user's first, of these the deny. */
static int by_weight(const void *x, const void *y)
{
	const struct policy_entry *a = x, *b = y;

	if (a->prefix.plen != b->prefix.plen)
		return b->prefix.plen - a->prefix.plen;
	if (a->builtin != b->builtin)
		return a->builtin - b->builtin;
	return b->deny - a->deny;
}

void policy_sort(struct policy *policy)
{
	if (policy->n)
		qsort(policy->v, policy->n, sizeof(*policy->v), by_weight);
}

/* A few entries, looked at only when a name is synthesised. */
bool policy_denies(const struct policy *policy, const struct in6_addr *addr)
{
	for (size_t i = 0; i < policy->n; i++)
		if (prefix_holds(&policy->v[i].prefix, addr))
			return policy->v[i].deny;
	return policy->default_deny;
}

void policy_free(struct policy *policy)
{
	free(policy->v);
	memset(policy, 0, sizeof(*policy));
}
