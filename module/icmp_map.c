// SPDX-License-Identifier: GPL-2.0
/*
 * icmp_map.c: the tables of RFC 7915 sections 4.2 and 5.2: which ICMP error of
 * one family is which of the other, and how the packet that it quotes and the
 * extensions behind it (RFC 4884) are laid out.
 */
#include "core.h"

enum {	/* ICMPv4, RFC 792 and RFC 1122 section 3.2.2 */
	V4_UNREACH	= 3,
	V4_TIME		= 11,
	V4_PARAM	= 12,
};

enum {	/* codes of V4_UNREACH */
	V4_HOST		= 1,
	V4_PROTO	= 2,
	V4_PORT		= 3,
	V4_FRAG_NEEDED	= 4,
	V4_HOST_PROHIB	= 10,
	V4_LAST		= 15,
};

enum {	/* ICMPv6, RFC 4443 */
	V6_UNREACH	= 1,
	V6_TOO_BIG	= 2,
	V6_TIME		= 3,
	V6_PARAM	= 4,
};

enum {	/* codes of V6_UNREACH */
	V6_NO_ROUTE	= 0,
	V6_PROHIBITED	= 1,
	V6_SCOPE	= 2,
	V6_ADDR		= 3,
	V6_PORT		= 4,
};

#define NO_CODE		0xff
#define NO_POINTER	0xff
#define V6_NEXTHDR_AT	6	/* offset of Next Header in an IPv6 header */
#define V6_MIN_MTU	1280
#define QUOTE_MIN	128	/* RFC 4884 section 4: before extensions */

/* by code; 2 and 4 become messages of other types, 14 (precedence) nothing */
static const u8 unreach46[V4_LAST + 1] = {
	V6_NO_ROUTE, V6_NO_ROUTE, NO_CODE, V6_PORT,
	NO_CODE, V6_NO_ROUTE, V6_NO_ROUTE, V6_NO_ROUTE,
	V6_NO_ROUTE, V6_PROHIBITED, V6_PROHIBITED, V6_NO_ROUTE,
	V6_NO_ROUTE, V6_PROHIBITED, NO_CODE, V6_PROHIBITED,
};

static const u8 unreach64[] = {
	[V6_NO_ROUTE]	= V4_HOST,
	[V6_PROHIBITED]	= V4_HOST_PROHIB,
	[V6_SCOPE]	= V4_HOST,
	[V6_ADDR]	= V4_HOST,
	[V6_PORT]	= V4_PORT,
};

/* Figure 3 of RFC 7915: from an offset in an IPv4 header to one in IPv6's. */
static const u8 pointer46[20] = {
	0, 1, 4, 4, NO_POINTER, NO_POINTER, NO_POINTER, NO_POINTER, 7, 6,
	NO_POINTER, NO_POINTER, 8, 8, 8, 8, 24, 24, 24, 24,
};

/* Figure 6: the other way; the two addresses have 16 bytes each. */
static const u8 pointer64[8] = { 0, 1, NO_POINTER, NO_POINTER, 2, 2, 9, 8 };

/* RFC 1191 section 7.1, for routers that don't say their MTU. */
static const u16 plateau[] = { 65535, 32000, 17914, 8166, 4352, 2002, 1492, 0 };

static u32 plateau_below(u32 len)
{
	const u16 *p;

	for (p = plateau; *p; p++)
		if (*p < len)
			return *p;
	return 0;	/* the least is what is left */
}

/**
 * nat46_icmp_error46() - which ICMPv6 error is this ICMPv4 error?
 * @m: the message, changed in place; @m->info a pointer as an offset, or the
 *     MTU, of which the caller takes the least with those of the next hops
 * @len: total length of the quoted packet, bytes
 *
 * RFC 7915 section 4.2. Pure.
 *
 * Return: false where it has none: then @m is undefined.
 */
bool nat46_icmp_error46(struct nat46_icmp_msg *m, u32 len)
{
	switch (m->type) {
	case V4_UNREACH:
		if (m->code > V4_LAST)
			return false;
		if (m->code == V4_PROTO) {
			*m = (struct nat46_icmp_msg){ V6_PARAM, 1, V6_NEXTHDR_AT };
			return true;
		}
		if (m->code == V4_FRAG_NEEDED) {
			const u32 mtu = (m->info ?: plateau_below(len)) + 20;

			*m = (struct nat46_icmp_msg){ V6_TOO_BIG, 0,
				mtu < V6_MIN_MTU ? V6_MIN_MTU : mtu };
			return true;
		}
		*m = (struct nat46_icmp_msg){ V6_UNREACH, unreach46[m->code], 0 };
		return m->code != NO_CODE;
	case V4_TIME:
		*m = (struct nat46_icmp_msg){ V6_TIME, m->code, 0 };
		return m->code <= 1;
	case V4_PARAM:
		/* bad length says where as well */
		if ((m->code && m->code != 2) || m->info >= sizeof(pointer46))
			return false;
		*m = (struct nat46_icmp_msg){ V6_PARAM, 0, pointer46[m->info] };
		return m->info != NO_POINTER;
	default:
		return false;
	}
}

static u32 pointer_to4(u32 at)
{
	if (at < 8)
		return pointer64[at];
	if (at < 24)
		return 12;
	return at < 40 ? 16 : NO_POINTER;
}

/**
 * nat46_icmp_error64() - which ICMPv4 error is this ICMPv6 error?
 * @m: the message, changed in place; @m->info a pointer as an offset, or the
 *     MTU, of which the caller takes the least with those of the next hops
 * @shrink: bytes by which the quoted packet's headers are longer in IPv6
 *
 * RFC 7915 section 5.2. An MTU below 1280, of which RFC 8021 tells to make
 * nothing, counts as 1280. Pure.
 *
 * Return: false where it has none: then @m is undefined.
 */
bool nat46_icmp_error64(struct nat46_icmp_msg *m, u32 shrink)
{
	u32 mtu;

	switch (m->type) {
	case V6_UNREACH:
		if (m->code >= sizeof(unreach64))
			return false;
		*m = (struct nat46_icmp_msg){ V4_UNREACH, unreach64[m->code], 0 };
		return true;
	case V6_TOO_BIG:
		mtu = (m->info < V6_MIN_MTU ? V6_MIN_MTU : m->info) - shrink;
		*m = (struct nat46_icmp_msg){ V4_UNREACH, V4_FRAG_NEEDED,
					      mtu > 0xffff ? 0xffff : mtu };
		return true;
	case V6_TIME:
		*m = (struct nat46_icmp_msg){ V4_TIME, m->code, 0 };
		return m->code <= 1;
	case V6_PARAM:
		if (m->code == 1) {
			*m = (struct nat46_icmp_msg){ V4_UNREACH, V4_PROTO, 0 };
			return true;
		}
		*m = (struct nat46_icmp_msg){ V4_PARAM, m->code, pointer_to4(m->info) };
		return !m->code && m->info != NO_POINTER;
	default:
		return false;
	}
}

/**
 * nat46_icmp_quote_unit() - in which unit does an error give its quote's length?
 * @v6: ICMPv6, else ICMPv4
 * @type: of the message
 *
 * RFC 4884 sections 4.1 to 4.5. Pure.
 *
 * Return: bytes; 0 where the message has no such field and so no extensions.
 */
u32 nat46_icmp_quote_unit(bool v6, u8 type)
{
	if (v6)
		return type == V6_UNREACH || type == V6_TIME ? 8 : 0;
	return type == V4_UNREACH || type == V4_TIME || type == V4_PARAM ? 4 : 0;
}

/**
 * nat46_icmp_quote_layout() - share out an error's room
 * @orig: bytes of the quoted packet, translated
 * @ext: bytes of extensions behind it
 * @room: bytes for all of them, at least 256
 * @unit: nat46_icmp_quote_unit(); 0: extensions are left out
 *
 * RFC 4884 section 4: before extensions the quoted packet is padded with zeros
 * to 128 bytes and whole units; it is cut before they are. Pure.
 *
 * Return: the layout.
 */
struct nat46_quote_layout nat46_icmp_quote_layout(u32 orig, u32 ext, u32 room, u32 unit)
{
	struct nat46_quote_layout q = { .orig = orig };
	u32 field;

	if (!ext || !unit) {
		if (q.orig > room)
			q.orig = room;
		return q;
	}
	q.ext = ext > room - QUOTE_MIN ? room - QUOTE_MIN : ext;
	field = (room - q.ext) / unit * unit;
	if (q.orig > field)
		q.orig = field;
	field = (q.orig + unit - 1) / unit * unit;
	if (field < QUOTE_MIN)
		field = QUOTE_MIN;
	q.pad = field - q.orig;
	q.units = field / unit;
	return q;
}
