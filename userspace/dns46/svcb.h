/* SPDX-License-Identifier: GPL-2.0 */
/*
 * svcb.h: the parameters of HTTPS and SVCB records (RFC 9460). An ipv6hint leads
 * clients past the synthetic address, to where an IPv4-only one has no way.
 */
#ifndef DNS46_SVCB_H
#define DNS46_SVCB_H

#include "wire.h"

enum { SVCB_MANDATORY = 0, SVCB_IPV4HINT = 4, SVCB_IPV6HINT = 6 };

struct svcb {
	uint8_t owner[WIRE_NAME_MAX], target[WIRE_NAME_MAX];
	size_t owner_len, target_len;	/* target "." stands for the owner: it is that */
	const uint8_t *params;
	size_t len;
	bool hint4, hint6;
};

/* False: it is no such record, or not well-formed, or an alias (priority 0). */
bool svcb_read(const struct wire_msg *m, const struct wire_rr *rr, struct svcb *s);
/*
 * The parameters without ipv6hint, and without its mention in "mandatory"
 * (rule 38). @out has room for @len bytes; returns the length.
 */
size_t svcb_without_hint(const uint8_t *params, size_t len, uint8_t *out);

#endif
