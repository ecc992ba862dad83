// SPDX-License-Identifier: GPL-2.0
/*
 * port.c: the order in which a source's ports are tried for a session:
 * the client's own, then others of its parity, then any (RFC 4787 REQ-3 to
 * REQ-4, RFC 6056 section 3.3.4: start and step come from a keyed hash, so that
 * flows spread over a range instead of queueing up behind each other).
 */
#include <linux/types.h>

#include "core.h"

/* Tries in all, before the parity is given up. */
#define PARITY_TRIES	96

static bool in_ranges(const struct nat46_ports *r, unsigned int n, u16 port)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (port >= r[i].lo && port <= r[i].hi)
			return true;
	return false;
}

/* How many ports of @r have that @parity (2: either)? */
static u32 range_count(const struct nat46_ports *r, u8 parity)
{
	if (parity > 1)
		return r->hi - r->lo + 1;
	return (r->hi + 2 - parity) / 2 - (r->lo + 1 - parity) / 2;
}

static u16 range_nth(const struct nat46_ports *r, u8 parity, u32 n)
{
	if (parity > 1)
		return r->lo + n;
	return r->lo + ((r->lo ^ parity) & 1) + 2 * n;
}

static bool coprime(u32 a, u32 b)
{
	while (b) {
		const u32 rest = a % b;

		a = b;
		b = rest;
	}
	return a == 1;
}

/*
 * A step that comes by every port of @total before it comes by one again, and
 * soon by every part of them: ports are taken in rows, where clients' own are.
 * The multiples of these fractions of 65536 lie evenly: of the golden ratio, and
 * of the roots of 2, 3, 7 and 13.
 */
static u32 step_of(u32 hash, u32 total)
{
	static const u16 fractions[] = { 40503, 25032, 27145, 38390, 47975, 17560, 42319, 39685 };
	u32 step = total * fractions[(hash >> 24) % 8] >> 16;

	while (!coprime(step, total))
		step++;
	return step;
}

/* The @k-th port of that @parity to try in these @n ranges. */
static u16 nth_port(const struct nat46_ports *r, unsigned int n, u8 parity,
		    u32 hash, u32 k)
{
	u32 total = 0, at;
	unsigned int i;

	for (i = 0; i < n; i++)
		total += range_count(&r[i], parity);
	if (!total)
		return 0;

	at = hash % total;
	if (k)		/* the first try is mostly the last */
		at = (at + k * step_of(hash, total)) % total;
	if (n == 1)
		return range_nth(r, parity, at);
	for (; at >= range_count(r, parity); r++)
		at -= range_count(r, parity);
	return range_nth(r, parity, at);
}

/**
 * nat46_port_try() - the next port to try
 * @r: the source's port ranges, the preferred one first
 * @n: how many
 * @wanted: the client's own port, host order
 * @hash: keyed hash of the flow without its port
 * @k: how many were tried before
 *
 * Pure.
 *
 * Return: a port, host order, or 0 where that try has none (go on with the
 * next).
 */
u16 nat46_port_try(const struct nat46_ports *r, unsigned int n, u16 wanted,
		   u32 hash, unsigned int k)
{
	if (!k)
		return in_ranges(r, n, wanted) ? wanted : 0;
	if (k <= NAT46_PORT_FIRST_TRIES || n == 1) {
		/* the first range is the preferred one, but it may be full */
		if (k <= PARITY_TRIES)
			return nth_port(r, 1, wanted & 1, hash, k - 1);
		return nth_port(r, 1, 2, hash, k - PARITY_TRIES - 1);
	}
	if (k <= PARITY_TRIES)
		return nth_port(r + 1, n - 1, wanted & 1, hash, k - NAT46_PORT_FIRST_TRIES - 1);
	return nth_port(r, n, 2, hash, k - PARITY_TRIES - 1);
}
