/* SPDX-License-Identifier: GPL-2.0 */
/* What port.c takes from the kernel. */
#include <stdint.h>

static inline uint32_t reciprocal_scale(uint32_t val, uint32_t ep_ro)
{
	return (uint64_t)val * ep_ro >> 32;
}
