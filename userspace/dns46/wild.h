/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wild.h: finds wildcards: a parent domain in which many names have the same
 * targets (rule 9). Search lists meet them, and each name would cost an address.
 */
#ifndef DNS46_WILD_H
#define DNS46_WILD_H

#include <stdbool.h>
#include <stdint.h>

enum { WILD_SLOTS = 4096, WILD_NAMES = 64 };

struct wild {
	struct { uint64_t hash; uint32_t names; } slot[WILD_SLOTS];
};

/* One more name with parent and targets of @hash. @first: it was found just now. */
static inline bool wild_note(struct wild *w, uint64_t hash, bool *first)
{
	typeof(w->slot[0]) *s = &w->slot[hash % WILD_SLOTS];

	*first = false;
	if (s->hash != hash) {	/* a newcomer wears the resident down before it moves in */
		if (s->names && --s->names)
			return false;
		s->hash = hash;
	}
	if (s->names < WILD_NAMES)
		*first = ++s->names == WILD_NAMES;
	return s->names == WILD_NAMES;
}

#endif
