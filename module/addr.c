// SPDX-License-Identifier: GPL-2.0
/*
 * addr.c: IPv4 addresses inside IPv6 ones: embedded behind a prefix (RFC 6052)
 * and as the suffix of a prefix mapping (RFC 7757). Pure; addresses are bytes
 * in network order.
 */
#include <linux/types.h>

#include "core.h"

/* The reserved octet "u", bits 64 to 71: always zero, and stepped over. */
#define U_OCTET		8

#define ADDR4_BYTES	4
#define ADDR6_BYTES	16

/**
 * nat46_embed_len() - can an address be embedded behind a prefix so long?
 * @plen: the prefix length
 *
 * Return: true for the six lengths of RFC 6052 section 2.2.
 */
bool nat46_embed_len(u8 plen)
{
	return plen == 96 || (plen >= 32 && plen <= 64 && plen % 8 == 0);
}

/* The byte that follows byte @at of an embedded address. */
static unsigned int next_byte(unsigned int at)
{
	return at + 1 == U_OCTET ? at + 2 : at + 1;
}

static unsigned int first_byte(u8 plen)
{
	return plen == 64 ? U_OCTET + 1 : plen / 8;
}

/**
 * nat46_embed() - embed an IPv4 address behind a prefix
 * @addr: the prefix, zero behind its length; becomes the whole address
 * @plen: its length, one of RFC 6052's
 * @addr4: the IPv4 address
 *
 * RFC 6052 section 2.3; the suffix is zero.
 */
void nat46_embed(u8 *addr, u8 plen, const u8 *addr4)
{
	unsigned int i, at = first_byte(plen);

	for (i = 0; i < ADDR4_BYTES; i++, at = next_byte(at))
		addr[at] = addr4[i];
}

/**
 * nat46_extract() - read an embedded IPv4 address
 * @addr4: set to the IPv4 address
 * @addr: the IPv6 address
 * @plen: the length of its prefix, one of RFC 6052's
 *
 * RFC 6052 section 2.3, but that no suffix is ignored: nat46_embed() leaves
 * none, so an address that has one is nobody's.
 *
 * Return: whether that is an address that nat46_embed() could have made.
 */
bool nat46_extract(u8 *addr4, const u8 *addr, u8 plen)
{
	unsigned int i, at = first_byte(plen);

	for (i = 0; i < ADDR4_BYTES; i++, at = next_byte(at))
		addr4[i] = addr[at];
	for (; at < ADDR6_BYTES; at++)
		if (addr[at])
			return false;
	return !addr[U_OCTET];
}

/**
 * nat46_eam() - put the suffix of an IPv4 address behind a prefix
 * @addr: the IPv6 prefix, zero behind its length of 96 + @plen4; becomes the
 *	whole address
 * @addr4: the IPv4 address
 * @plen4: the length of the IPv4 prefix that the other one stands for
 *
 * RFC 7757 section 3.3.1, for suffixes of equal length.
 */
void nat46_eam(u8 *addr, const u8 *addr4, u8 plen4)
{
	u8 *to = addr + ADDR6_BYTES - ADDR4_BYTES;
	unsigned int i = plen4 / 8;

	if (plen4 % 8) {
		to[i] |= addr4[i] & (0xff >> plen4 % 8);
		i++;
	}
	for (; i < ADDR4_BYTES; i++)
		to[i] = addr4[i];
}

/* IANA's registry of special IPv4 addresses, and multicast. */
static const struct {
	u8 addr[ADDR4_BYTES];
	u8 plen;
} special[] = {
	{ { 0 }, 8 },
	{ { 10 }, 8 },
	{ { 100, 64 }, 10 },
	{ { 127 }, 8 },
	{ { 169, 254 }, 16 },
	{ { 172, 16 }, 12 },
	{ { 192, 0, 0 }, 24 },
	{ { 192, 0, 2 }, 24 },
	{ { 192, 88, 99 }, 24 },
	{ { 192, 168 }, 16 },
	{ { 198, 18 }, 15 },
	{ { 198, 51, 100 }, 24 },
	{ { 203, 0, 113 }, 24 },
	{ { 224 }, 3 },			/* and what is reserved, and broadcast */
	{ { 0 }, 0 },
};

static bool same_prefix(const u8 *a, const u8 *b, u8 plen)
{
	unsigned int i;

	for (i = 0; i < plen / 8; i++)
		if (a[i] != b[i])
			return false;
	return !(plen % 8) || !((a[i] ^ b[i]) >> (8 - plen % 8));
}

/**
 * nat46_global4() - is that an IPv4 address of the public Internet?
 * @addr4: the address
 *
 * Only such may stand behind the Well-Known Prefix (RFC 6052 section 3.1).
 *
 * Return: whether it is.
 */
bool nat46_global4(const u8 *addr4)
{
	unsigned int i;

	for (i = 0; special[i].plen; i++)
		if (same_prefix(addr4, special[i].addr, special[i].plen))
			return false;
	return true;
}

/**
 * nat46_well_known() - does a prefix meet the Well-Known Prefix?
 * @addr: the prefix
 * @plen: its length
 *
 * Return: true for 64:ff9b::/96, and for all prefixes around it or in it.
 */
bool nat46_well_known(const u8 *addr, u8 plen)
{
	static const u8 wkp[ADDR6_BYTES] = { 0, 0x64, 0xff, 0x9b };

	return same_prefix(addr, wkp, plen < 96 ? plen : 96);
}
