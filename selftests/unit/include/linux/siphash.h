/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tuple.h takes from the kernel: the same interface, some mixing function.
 * That every bit of a word matters is all that the tests ask of it.
 */
#include <stdint.h>

typedef struct {
	unsigned long key[2];
} hsiphash_key_t;

static inline uint64_t mixed(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

static inline uint32_t hsiphash_4u32(uint32_t a, uint32_t b, uint32_t c, uint32_t d,
				     const hsiphash_key_t *k)
{
	uint64_t h = mixed(mixed(1, k->key[0]), k->key[1]);

	return mixed(mixed(mixed(mixed(h, a), b), c), d) >> 16;
}
