/* SPDX-License-Identifier: GPL-2.0 */
/* reverse.h: names in in-addr.arpa that belong to a pool (rules 21 to 23). */
#ifndef DNS46_REVERSE_H
#define DNS46_REVERSE_H

#include "prefix.h"
#include "wire.h"

enum reverse_kind {
	REVERSE_ADDRESS,	/* four octets: an address of the pool */
	REVERSE_ABOVE,		/* fewer: names lie below it */
	REVERSE_NOTHING,	/* below the pool, but no address */
};

struct reverse {
	enum reverse_kind kind;
	uint32_t addr;			/* network order */
	unsigned int zone_labels;	/* of the pool's zone, in-addr.arpa counted */
};

/* False: not of a pool, whatever it is. @name is uncompressed. */
bool reverse_parse(struct reverse *r, const uint8_t *name, const struct prefixes *pools);

#endif
