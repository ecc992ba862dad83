// SPDX-License-Identifier: GPL-2.0
/* addrs.c: see addrs.h. A slot an address; the free ones are a queue. */
#include "addrs.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_BITS_MAX = 20 };	/* of one pool, a million addresses are used */
#define NONE UINT32_MAX

struct slot {
	struct lease *lease;
	uint64_t released;
	uint32_t prev, next;
	bool queued, reserved, foreign;
};

struct range {
	uint32_t first, n;	/* host order */
	uint32_t base;		/* its first slot */
};

struct addrs {
	struct range *range;
	size_t n_ranges;
	struct slot *slot;
	uint32_t n, head, tail, n_free, n_usable;
};

static uint32_t find(const struct addrs *a, uint32_t addr)
{
	uint32_t h = ntohl(addr);

	for (size_t i = 0; i < a->n_ranges; i++)
		if (h - a->range[i].first < a->range[i].n)
			return a->range[i].base + h - a->range[i].first;
	return NONE;
}

static uint32_t addr_of(const struct addrs *a, uint32_t i)
{
	size_t r = 0;

	while (i - a->range[r].base >= a->range[r].n)
		r++;
	return htonl(a->range[r].first + i - a->range[r].base);
}

static void unqueue(struct addrs *a, uint32_t i)
{
	struct slot *s = &a->slot[i];

	if (!s->queued)
		return;
	*(s->prev == NONE ? &a->head : &a->slot[s->prev].next) = s->next;
	*(s->next == NONE ? &a->tail : &a->slot[s->next].prev) = s->prev;
	s->queued = false;
	a->n_free--;
}

/* Into the queue if it may be given, behind those that were released before. */
static void enqueue(struct addrs *a, uint32_t i)
{
	struct slot *s = &a->slot[i];
	uint32_t after = a->tail;

	if (s->queued || s->reserved || s->foreign || s->lease)
		return;
	while (after != NONE && a->slot[after].released > s->released)
		after = a->slot[after].prev;
	s->prev = after;
	s->next = after == NONE ? a->head : a->slot[after].next;
	*(after == NONE ? &a->head : &a->slot[after].next) = i;
	*(s->next == NONE ? &a->tail : &a->slot[s->next].prev) = i;
	s->queued = true;
	a->n_free++;
}

struct addrs *addrs_new(const struct prefixes *pools)
{
	struct addrs *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->head = a->tail = NONE;
	a->range = calloc(pools->n ?: 1, sizeof(*a->range));
	for (size_t i = 0; a->range && i < pools->n; i++) {
		unsigned int bits = 128 - pools->v[i].plen;
		struct range *r = &a->range[a->n_ranges++];
		uint32_t be;

		memcpy(&be, &pools->v[i].addr.s6_addr[12], 4);
		r->first = ntohl(be);
		r->n = 1u << (bits < POOL_BITS_MAX ? bits : POOL_BITS_MAX);
		r->base = a->n;
		a->n += r->n;
	}
	a->slot = calloc(a->n ?: 1, sizeof(*a->slot));
	if (!a->range || !a->slot) {
		addrs_del(a);
		return NULL;
	}
	a->n_usable = a->n;
	for (size_t i = 0; i < a->n_ranges; i++) {
		struct range *r = &a->range[i];

		if (r->n <= 2)
			continue;
		a->slot[r->base].reserved = true;
		a->slot[r->base + r->n - 1].reserved = true;
		a->n_usable -= 2;
	}
	for (uint32_t i = 0; i < a->n; i++)
		enqueue(a, i);
	return a;
}

void addrs_del(struct addrs *a)
{
	if (!a)
		return;
	free(a->range);
	free(a->slot);
	free(a);
}

void addrs_reserve(struct addrs *a, const struct prefix *p)
{
	for (uint32_t i = 0; i < a->n; i++) {
		struct in6_addr m = addr_mapped(addr_of(a, i));

		if (a->slot[i].reserved || !prefix_holds(p, &m))
			continue;
		unqueue(a, i);
		a->slot[i].reserved = true;
		a->n_usable--;
	}
}

void addrs_foreign(struct addrs *a, uint32_t addr, bool is)
{
	uint32_t i = find(a, addr);

	if (i == NONE || a->slot[i].foreign == is)
		return;
	a->slot[i].foreign = is;
	if (is)
		unqueue(a, i);
	else
		enqueue(a, i);
}

void addrs_foreign_clear(struct addrs *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (a->slot[i].foreign) {
			a->slot[i].foreign = false;
			enqueue(a, i);
		}
}

bool addrs_holds(const struct addrs *a, uint32_t addr)
{
	return find(a, addr) != NONE;
}

uint32_t addrs_pick(struct addrs *a, uint64_t preference)
{
	uint32_t i;

	if (!a->n_free)
		return 0;
	i = preference % a->n;
	return addr_of(a, a->slot[i].queued ? i : a->head);
}

bool addrs_take(struct addrs *a, uint32_t addr, struct lease *l)
{
	uint32_t i = find(a, addr);

	if (i == NONE || a->slot[i].reserved || a->slot[i].lease)
		return false;
	unqueue(a, i);
	a->slot[i].lease = l;
	return true;
}

void addrs_release(struct addrs *a, uint32_t addr, uint64_t when)
{
	uint32_t i = find(a, addr);

	if (i == NONE)
		return;
	unqueue(a, i);
	a->slot[i].lease = NULL;
	a->slot[i].released = when;
	enqueue(a, i);
}

struct lease *addrs_lease(const struct addrs *a, uint32_t addr)
{
	uint32_t i = find(a, addr);

	return i == NONE ? NULL : a->slot[i].lease;
}

uint64_t addrs_released(const struct addrs *a, uint32_t addr)
{
	uint32_t i = find(a, addr);

	return i == NONE ? 0 : a->slot[i].released;
}

unsigned int addrs_total(const struct addrs *a)
{
	return a->n_usable;
}

unsigned int addrs_free(const struct addrs *a)
{
	return a->n_free;
}

unsigned int addrs_foreign_count(const struct addrs *a)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < a->n; i++)
		n += a->slot[i].foreign && !a->slot[i].reserved && !a->slot[i].lease;
	return n;
}

void addrs_each_released(const struct addrs *a,
			 void (*fn)(uint32_t addr, uint64_t when, void *arg), void *arg)
{
	for (uint32_t i = a->head; i != NONE; i = a->slot[i].next)
		if (a->slot[i].released)
			fn(addr_of(a, i), a->slot[i].released, arg);
}
