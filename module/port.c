// SPDX-License-Identifier: GPL-2.0
/*
 * port.c: the order in which a source's ports are tried for a session:
 * the client's own, then others of its parity, then any (RFC 4787 REQ-3 to
 * REQ-4, RFC 6056 section 3.3.4: start and order come from a keyed hash, so that
 * flows spread over a range instead of queueing up behind each other).
 */
#include <linux/kernel.h>
#include <linux/types.h>

#include "core.h"

/* Tries in all, before the parity is given up. */
#define PARITY_TRIES	96
#define CROWDED_TRIES	2	/* in a first range that has just been full */

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

/*
 * Which of @total ports the @k-th try is for. A few are tried one after the other.
 * In many, taken ports lie in rows, where clients' own are: multiples of these
 * fractions of 2^32 come by every part soon, and by no port twice where there are
 * more than 253. They are those of the golden ratio, and of the roots of 2, 3, 7
 * and 13, which lie evenly.
 */
static u32 place(u32 hash, u32 total, u32 k)
{
	static const u32 fractions[] = {
		2654435769u, 1640531527u, 1779033704u, 2515933592u,
		3144134278u, 1150833018u, 2773480762u, 2600822924u
	};

	if (total <= PARITY_TRIES)
		return (hash + k) % total;
	return reciprocal_scale(hash + k * fractions[hash % 8], total);
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

	at = place(hash, total, k);
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

/**
 * nat46_port_next() - the try after the @k-th
 * @n: how many ranges the source has
 * @k: what nat46_port_try() was asked for
 * @crowded: the first range was full a moment ago
 *
 * A busy target's flows would knock at all doors of a full first range one after
 * the other; for as long as it is known to be, they pass by most.
 *
 * Pure.
 *
 * Return: for nat46_port_try().
 */
unsigned int nat46_port_next(unsigned int n, unsigned int k, bool crowded)
{
	if (crowded && n > 1 && k == CROWDED_TRIES)
		return NAT46_PORT_FIRST_TRIES + 1;
	return k + 1;
}
