// SPDX-License-Identifier: GPL-2.0
/* reverse.c: see reverse.h. */
#include "reverse.h"

#include <string.h>

static bool octet(const uint8_t *label, unsigned int *v)
{
	*v = 0;
	if (*label < 1 || *label > 3 || (*label > 1 && label[1] == '0'))
		return false;
	for (int i = 1; i <= *label; i++) {
		if (label[i] < '0' || label[i] > '9')
			return false;
		*v = *v * 10 + label[i] - '0';
	}
	return *v < 256;
}

bool reverse_parse(struct reverse *r, const uint8_t *name, const struct prefixes *pools)
{
	static const uint8_t arpa[] = "\7in-addr\4arpa";
	unsigned int labels = wire_name_labels(name), octets = 0, v;
	const uint8_t *label[128];
	const uint8_t *p = name;
	struct in6_addr a;
	uint8_t b[4] = { 0 };

	if (labels < 3 || labels > 127)
		return false;
	for (unsigned int i = 0; i < labels; i++, p += 1 + *p)
		label[i] = p;
	p = label[labels - 2];
	if (!wire_name_equal(p, 2 + *p + p[1 + *p] + 1, arpa, sizeof(arpa)))
		return false;
	labels -= 2;
	while (octets < 4 && octets < labels && octet(label[labels - 1 - octets], &v))
		b[octets++] = v;
	memcpy(&r->addr, b, 4);
	a = addr_mapped(r->addr);
	for (size_t i = 0; i < pools->n; i++) {
		unsigned int plen = pools->v[i].plen - 96;

		if (octets * 8 < plen || !prefix_holds(&pools->v[i], &a))
			continue;
		r->zone_labels = plen / 8 + 2;
		r->kind = labels > octets ? REVERSE_NOTHING :
			  octets == 4 ? REVERSE_ADDRESS : REVERSE_ABOVE;
		return true;
	}
	return false;
}
