/* SPDX-License-Identifier: GPL-2.0 */
/*
 * recent.h: AAAA answers of the last two seconds. Programs ask for A and AAAA of
 * a name at once, so that the AAAA which a synthesis needs has often just come
 * (rule 51). Bounded: a slot is given to whoever came last.
 */
#ifndef DNS46_RECENT_H
#define DNS46_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECENT_SLOTS = 1024, RECENT_BYTES = 1232, RECENT_MS = 2000 };

struct recent;

struct recent *recent_new(void);
void recent_free(struct recent *r);
/* @flags, @dnssec_ok: as asked; longer answers than RECENT_BYTES are not kept. */
void recent_put(struct recent *r, const uint8_t *question, size_t qlen, uint16_t flags,
		bool dnssec_ok, const uint8_t *msg, size_t len, uint64_t now_ms);
/* NULL: none; valid until the next recent_put(). */
const uint8_t *recent_get(const struct recent *r, const uint8_t *question, size_t qlen,
			  uint16_t flags, bool dnssec_ok, uint64_t now_ms, size_t *len);

#endif
