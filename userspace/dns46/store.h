/* SPDX-License-Identifier: GPL-2.0 */
/*
 * store.h: leases on disk. A journal of lines, each with its checksum; what was
 * committed survives kill -9 and a power cut. store_compact() writes what is
 * alive into a new file and renames it over the old one.
 */
#ifndef DNS46_STORE_H
#define DNS46_STORE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum { STORE_TARGETS = 8 };

enum store_kind { STORE_LEASE, STORE_QUARANTINE, STORE_FREE };

struct store_rec {
	enum store_kind kind;
	uint32_t addr;			/* network order */
	uint64_t time;			/* held until; in quarantine until; free since */
	uint8_t name[WIRE_NAME_MAX];	/* not with STORE_FREE */
	uint8_t name_len;
	unsigned int n;
	struct in6_addr target[STORE_TARGETS];
};

struct store;

/* NULL: @err says why. One process at a time. */
struct store *store_open(const char *path, char *err, size_t size);
void store_close(struct store *st);
/* Each whole record in order; returns the number of damaged lines. */
typedef void (*store_fn)(const struct store_rec *rec, void *arg);
unsigned int store_load(struct store *st, store_fn fn, void *arg);

/* Into memory; nothing is promised before store_commit() has returned 0. */
void store_put(struct store *st, const struct store_rec *rec);
/* 0 or -errno; after an error what was put since the last commit is gone. */
int store_commit(struct store *st);

/* Another one after each compaction. */
int store_fd(const struct store *st);
uint64_t store_bytes(const struct store *st);

/* @each calls store_put() for all that is alive. */
bool store_wants_compact(const struct store *st);
int store_compact(struct store *st, void (*each)(struct store *st, void *arg), void *arg);
/* Where the folder can't be written to any more: only the journal grows. */
void store_never_compact(struct store *st);

#endif
