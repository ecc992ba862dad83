/* SPDX-License-Identifier: GPL-2.0 */
/* addrs.h: the addresses of the pools, and which of them is free longest. */
#ifndef DNS46_ADDRS_H
#define DNS46_ADDRS_H

#include <stdbool.h>
#include <stdint.h>

#include "prefix.h"

struct lease;
struct addrs;

/* Network and broadcast address of each pool are never handed out (rule 45). */
struct addrs *addrs_new(const struct prefixes *pools);
void addrs_del(struct addrs *a);

/* All addresses in network order; those outside of the pools are no error. */
void addrs_reserve(struct addrs *a, const struct prefix *p);
/* Another owner has it in the kernel, or has it no more. */
void addrs_foreign(struct addrs *a, uint32_t addr, bool is);
/* Nobody has any, as far as we know. */
void addrs_foreign_clear(struct addrs *a);
bool addrs_holds(const struct addrs *a, uint32_t addr);
/* 0: none is free. @preference: a hash, taken where its address is free. */
uint32_t addrs_pick(struct addrs *a, uint64_t preference);
/* False: it isn't ours to give, or has a lease already. */
bool addrs_take(struct addrs *a, uint32_t addr, struct lease *l);
void addrs_release(struct addrs *a, uint32_t addr, uint64_t when);
struct lease *addrs_lease(const struct addrs *a, uint32_t addr);
uint64_t addrs_released(const struct addrs *a, uint32_t addr);

unsigned int addrs_total(const struct addrs *a);
unsigned int addrs_free(const struct addrs *a);
unsigned int addrs_foreign_count(const struct addrs *a);
/* The addresses that were used and are free, the longest free first. */
void addrs_each_released(const struct addrs *a,
			 void (*fn)(uint32_t addr, uint64_t when, void *arg), void *arg);

#endif
