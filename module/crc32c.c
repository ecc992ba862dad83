// SPDX-License-Identifier: GPL-2.0
/*
 * crc32c.c: what SCTP's checksum becomes when a port changes. CRC32c is linear:
 * the change of the sum depends on the change of the bytes and on how many
 * follow, so a packet that came in wrong leaves as wrong, and none of its
 * payload is read.
 */
#include "core.h"

#define POLY	0x82f63b78u	/* RFC 9260 appendix A, bits reflected */
#define ONE	0x80000000u	/* x^0 */
#define X8	0x00800000u	/* x^8: one more zero byte */

/* The product of two polynomials modulo POLY. */
static u32 mul(u32 a, u32 b)
{
	u32 r = 0;

	for (; a; a <<= 1) {
		if (a & ONE)
			r ^= b;
		b = (b >> 1) ^ (b & 1 ? POLY : 0);
	}
	return r;
}

/**
 * nat46_crc32c_shift() - the register after zero bytes
 * @crc: the register before them, not inverted
 * @len: how many
 *
 * Pure; a number of steps that grows with the length's logarithm.
 *
 * Return: the register.
 */
u32 nat46_crc32c_shift(u32 crc, u32 len)
{
	u32 power = X8;

	for (; len; len >>= 1) {
		if (len & 1)
			crc = mul(crc, power);
		power = mul(power, power);
	}
	return crc;
}

/**
 * nat46_crc32c_change() - how a sum changes with two bytes under it
 * @old: the two bytes, as a number of host order whose high byte comes first
 * @new: what they become
 * @behind: bytes between them and the end of what is summed
 *
 * Pure.
 *
 * Return: to be XORed to the sum, in the order of SCTP's field read as little
 * endian.
 */
u32 nat46_crc32c_change(u16 old, u16 new, u32 behind)
{
	const u16 d = old ^ new;
	u32 crc = (d >> 8) | (d & 0xff) << 8;

	/* two bytes in the low end of the register, moved past by shifting */
	return nat46_crc32c_shift(crc, behind + 2);
}
