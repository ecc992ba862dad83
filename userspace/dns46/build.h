/* SPDX-License-Identifier: GPL-2.0 */
/* build.h: answers of our own, made with ldns. */
#ifndef DNS46_BUILD_H
#define DNS46_BUILD_H

#include "synth.h"

/* What of another answer goes into ours. */
enum build_from {
	BUILD_CHAIN,	/* CNAME and DNAME of the answer section */
	BUILD_ALL,	/* these, and the other sections without signatures */
};

/*
 * Each returns the message without OPT, malloc()ed, or NULL. @base is a message
 * that wire_parse() has passed, or NULL.
 */
uint8_t *build_address(const struct synth *s, const uint8_t *base, size_t base_len,
		       enum build_from from, uint32_t addr_be, uint32_t ttl, size_t *len);
/* The message without the hints of those SVCB or HTTPS records of the answer, AD cleared. */
uint8_t *build_without_hints(const uint8_t *base, size_t base_len, uint32_t which, size_t *len);
uint8_t *build_chain(const struct synth *s, const uint8_t *base, size_t base_len, size_t *len);
uint8_t *build_ptr(const struct synth *s, const uint8_t *name, size_t name_len, uint32_t ttl,
		   size_t *len);
/* NXDOMAIN or NODATA for a reverse name of the pool, with a SOA of ours. */
uint8_t *build_no_ptr(const struct synth *s, unsigned int rcode, unsigned int zone_labels,
		      size_t *len);

#endif
