// SPDX-License-Identifier: GPL-2.0
/* svcb.c: see svcb.h. */
#include "svcb.h"

#include <string.h>

/* The next parameter at *@p; false at the end, or where it reaches beyond it. */
static bool next_param(const uint8_t **p, const uint8_t *end, uint16_t *key, const uint8_t **value,
		       size_t *len)
{
	if (end - *p < 4 || (size_t)(end - *p) < 4u + wire_u16(*p + 2))
		return false;
	*key = wire_u16(*p);
	*len = wire_u16(*p + 2);
	*value = *p + 4;
	*p += 4 + *len;
	return true;
}

bool svcb_read(const struct wire_msg *m, const struct wire_rr *rr, struct svcb *s)
{
	const uint8_t *p, *end = m->buf + rr->end, *value;
	size_t next, len;
	uint16_t key;

	if ((rr->type != TYPE_HTTPS && rr->type != TYPE_SVCB) || rr->class != CLASS_IN ||
	    rr->rdlen < 3 || !wire_u16(m->buf + rr->rdata))
		return false;
	s->owner_len = wire_name(m->buf, m->len, rr->off, s->owner, NULL);
	s->target_len = wire_name(m->buf, rr->end, rr->rdata + 2, s->target, &next);
	if (!s->owner_len || !s->target_len || next > rr->end)
		return false;
	wire_name_lower(s->owner, s->owner_len);
	wire_name_lower(s->target, s->target_len);
	if (s->target_len == 1) {
		memcpy(s->target, s->owner, s->owner_len);
		s->target_len = s->owner_len;
	}
	p = m->buf + next;
	s->params = p;
	s->len = end - p;
	s->hint4 = s->hint6 = false;
	while (next_param(&p, end, &key, &value, &len)) {
		s->hint4 |= key == SVCB_IPV4HINT;
		s->hint6 |= key == SVCB_IPV6HINT;
	}
	return p == end;
}

static size_t put_param(uint8_t *out, uint16_t key, const uint8_t *value, size_t len)
{
	wire_put16(out, key);
	wire_put16(out + 2, len);
	memcpy(out + 4, value, len);
	return 4 + len;
}

size_t svcb_without_hint(const uint8_t *params, size_t plen, uint8_t *out)
{
	const uint8_t *p = params, *end = p + plen, *value;
	size_t len, n = 0, at;
	uint16_t key;

	while (next_param(&p, end, &key, &value, &len)) {
		if (key == SVCB_IPV6HINT)
			continue;
		if (key != SVCB_MANDATORY) {
			n += put_param(out + n, key, value, len);
			continue;
		}
		at = n + 4;
		for (size_t i = 0; i + 1 < len; i += 2)
			if (wire_u16(value + i) != SVCB_IPV6HINT) {
				memcpy(out + at, value + i, 2);
				at += 2;
			}
		if (at == n + 4)	/* nothing is mandatory any more */
			continue;
		wire_put16(out + n, SVCB_MANDATORY);
		wire_put16(out + n + 2, at - n - 4);
		n = at;
	}
	return n;
}
