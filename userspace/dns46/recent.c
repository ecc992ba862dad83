// SPDX-License-Identifier: GPL-2.0
/* recent.c: see recent.h. */
#include "recent.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "wire.h"

struct slot {
	uint64_t at;
	uint16_t qlen, len, flags;
	bool dnssec_ok;
	uint8_t *bytes;		/* the question, and the answer behind it */
};

struct recent {
	uint32_t seed;
	struct slot slot[RECENT_SLOTS];
};

struct recent *recent_new(void)
{
	struct recent *r = calloc(1, sizeof(*r));

	/* only to keep others from knowing who meets whom */
	if (r && getrandom(&r->seed, sizeof(r->seed), 0) != sizeof(r->seed))
		r->seed = (uintptr_t)r;
	return r;
}

void recent_free(struct recent *r)
{
	for (unsigned int i = 0; r && i < RECENT_SLOTS; i++)
		free(r->slot[i].bytes);
	free(r);
}

static unsigned int slot_of(const struct recent *r, const uint8_t *q, size_t len)
{
	uint32_t h = 2166136261u ^ r->seed;

	for (size_t i = 0; i < len; i++)
		h = (h ^ q[i]) * 16777619u;
	return (h ^ h >> 15) % RECENT_SLOTS;
}

static bool is_fresh(const struct slot *s, const uint8_t *q, size_t qlen, uint16_t flags,
		     bool dnssec_ok, uint64_t now_ms)
{
	return s->bytes && now_ms - s->at < RECENT_MS && s->qlen == qlen && s->flags == flags &&
	       s->dnssec_ok == dnssec_ok && !memcmp(s->bytes, q, qlen);
}

void recent_put(struct recent *r, const uint8_t *q, size_t qlen, uint16_t flags, bool dnssec_ok,
		const uint8_t *msg, size_t len, uint64_t now_ms)
{
	struct slot *s = &r->slot[slot_of(r, q, qlen)];
	uint8_t *bytes;

	flags &= WIRE_RD | WIRE_CD;
	/* others have waited for the same answer */
	if (len > RECENT_BYTES || (is_fresh(s, q, qlen, flags, dnssec_ok, now_ms) && s->at == now_ms))
		return;
	bytes = realloc(s->bytes, qlen + len);
	if (!bytes)
		return;
	memcpy(bytes, q, qlen);
	memcpy(bytes + qlen, msg, len);
	*s = (struct slot){ now_ms, qlen, len, flags, dnssec_ok, bytes };
}

const uint8_t *recent_get(const struct recent *r, const uint8_t *q, size_t qlen, uint16_t flags,
			  bool dnssec_ok, uint64_t now_ms, size_t *len)
{
	const struct slot *s = &r->slot[slot_of(r, q, qlen)];

	if (!is_fresh(s, q, qlen, flags & (WIRE_RD | WIRE_CD), dnssec_ok, now_ms))
		return NULL;
	*len = s->len;
	return s->bytes + qlen;
}
