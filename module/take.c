// SPDX-License-Identifier: GPL-2.0
/*
 * take.c: the address and the port of a source that a session takes; port.c says
 * in which order ports are tried.
 */
#include <linux/siphash.h>
#include <net/checksum.h>

#include "nf_nat46.h"
#include "session.h"

/* Ports tried for one session: the search is bounded under any load. */
#define PORT_TRIES	128u
/* Addresses of a range tried, when the client's own has no port left. */
#define ADDR_TRIES	4

static siphash_key_t addr_key __read_mostly;
static hsiphash_key_t port_key __read_mostly;

/**
 * nat46_range_addr() - the address that a client gets of a source's range
 * @src: an "addr" source
 * @client: the client
 * @k: how many were tried before
 *
 * It is fixed by a hash, so that all its sessions come from one (RFC 4787 REQ-2,
 * "paired").
 *
 * Context: any.
 * Return: the address.
 */
struct in6_addr nat46_range_addr(const struct nat46_source *src, __be32 client,
				 unsigned int k)
{
	const u64 lo = be64_to_cpup((__be64 *)&src->lo.s6_addr[8]);
	const u64 hi = be64_to_cpup((__be64 *)&src->hi.s6_addr[8]);
	const u64 span = hi - lo;	/* source.c: the upper halves are equal */
	struct in6_addr a = src->lo;
	u64 at;

	if (!span)
		return a;
	net_get_random_once(&addr_key, sizeof(addr_key));
	at = siphash_1u32((__force u32)client, &addr_key) + k;
	if (span != U64_MAX)
		at %= span + 1;
	*(__be64 *)&a.s6_addr[8] = cpu_to_be64(lo + at);
	return a;
}

/**
 * nat46_session_diff() - what a packet's checksum gains from IPv4 to IPv6
 * @s: the session, both tuples known
 *
 * Context: any.
 * Return: the difference, to be added to what is summed.
 */
__wsum nat46_session_diff(const struct nat46_session *s)
{
	__wsum d = csum_partial(&s->t6.saddr, sizeof(s->t6.saddr), 0);

	d = csum_partial(&s->t6.daddr, sizeof(s->t6.daddr), d);
	d = csum_add(d, (__force __wsum)s->t6.sport);
	d = csum_sub(d, (__force __wsum)s->t4.sport);
	if (s->t4.proto == IPPROTO_ICMP)	/* ICMPv4 sums no addresses */
		return d;
	d = csum_sub(d, (__force __wsum)s->t4.saddr);
	return csum_sub(d, (__force __wsum)s->t4.daddr);
}

/*
 * Is a port chosen? Else the client's own is kept: a prefix source's, and protocols
 * without ports have nothing else that could tell two clients apart.
 */
static bool port_chosen(const struct nat46_session *s, const struct nat46_source *src)
{
	return src->type != NAT46_SOURCE_PREFIX &&
	       (nat46_has_ports(s->t4.proto) || s->t4.proto == IPPROTO_ICMP);
}

/* Does a client's port have one of ours, whatever the target? */
static bool independent(const struct nat46_pkt *p, const struct nat46_session *s,
			const struct nat46_source *src)
{
	return p->conf->params.port_mapping == NAT46_PORT_MAPPING_INDEPENDENT &&
	       port_chosen(s, src);
}

/* Of the table's, which nobody is to guess from our ports. */
static u32 port_hash(const struct nat46_session *s)
{
	net_get_random_once(&port_key, sizeof(port_key));
	return hsiphash_1u32(s->hash4, &port_key);
}

static unsigned int next_try(const struct nat46_net *nn, const struct nat46_source *src,
			     unsigned int k)
{
	return nat46_port_next(src->n_ports, k, nat46_now() - READ_ONCE(nn->crowded_at) <= 1);
}

/**
 * nat46_session_next_port() - the port that a session would be given now
 * @p: its first packet
 * @s: the session, its path and hash4 known; s->t6.sport is set
 * @src: the client's source
 *
 * Of a range of addresses, the client's first. Those of the host's own flows
 * are none.
 *
 * Context: RCU.
 * Return: false where no port of those that are tried is free.
 */
bool nat46_session_next_port(struct nat46_pkt *p, struct nat46_session *s,
			     const struct nat46_source *src)
{
	const bool own = !port_chosen(s, src);
	unsigned int k;
	u16 port;

	for (k = 0; k < (own ? 1 : PORT_TRIES); k = next_try(p->nn, src, k)) {
		port = own ? ntohs(s->t4.sport) :
			nat46_port_try(src->ports, src->n_ports, ntohs(s->t4.sport),
				       port_hash(s), k);
		s->t6.sport = htons(port);
		if ((own || port) && !nat46_session_find6(p->nn, &s->t6, p->conf) &&
		    (s->stateless || !nat46_clashes(s)))
			return true;
	}
	return false;
}

/*
 * Takes a free port of s->t6.saddr and hashes the session. -EEXIST with
 * *@taken: another CPU has just opened the flow.
 */
static int take_port(struct nat46_pkt *p, struct nat46_session *s,
		     const struct nat46_source *src,
		     struct nat46_session *instead, struct nat46_session **taken)
{
	unsigned int k;
	u32 hash = 0;
	__wsum diff;

	s->t6.sport = 0;
	diff = nat46_session_diff(s);
	for (k = 0; k < PORT_TRIES; k = next_try(p->nn, src, k)) {
		u16 port;
		int err;

		if (k == 1)	/* its own port needs none */
			hash = port_hash(s);
		port = nat46_port_try(src->ports, src->n_ports, ntohs(s->t4.sport), hash, k);
		if (!port)
			continue;
		s->t6.sport = htons(port);
		err = independent(p, s, src) ? nat46_bib_make(s) : 0;
		if (!err) {
			s->diff = csum_add(diff, (__force __wsum)s->t6.sport);
			err = nat46_session_insert(s, instead, taken);
			if (err)
				nat46_bib_put(s);
		}
		if (err != -EADDRINUSE)
			return err;
		if (k == NAT46_PORT_FIRST_TRIES && src->n_ports > 1)
			WRITE_ONCE(p->nn->crowded_at, nat46_now());
	}
	return -EADDRINUSE;
}

/*
 * The port is fixed. Another flow can have the tuple: one of the same client to
 * another address mapped to the same target.
 */
static int take_that_port(struct nat46_pkt *p, struct nat46_session *s,
			  struct nat46_session *instead, struct nat46_session **taken)
{
	int err;

	s->diff = nat46_session_diff(s);
	err = nat46_session_insert(s, instead, taken);
	/* no other port serves: one that has expired makes room at once */
	if (err == -EADDRINUSE && !nat46_session_find6(p->nn, &s->t6, p->conf))
		err = nat46_session_insert(s, instead, taken);
	return err;
}

/* The client's own. */
static int take_own_port(struct nat46_pkt *p, struct nat46_session *s,
			 struct nat46_session *instead, struct nat46_session **taken)
{
	s->t6.sport = s->t4.sport;
	return take_that_port(p, s, instead, taken);
}

/* That of the client's entry. */
static int take_bound_port(struct nat46_pkt *p, struct nat46_session *s,
			   struct nat46_session *instead, struct nat46_session **taken)
{
	int err = take_that_port(p, s, instead, taken);

	if (err)
		nat46_bib_put(s);
	return err;
}

static int take_any_port(struct nat46_pkt *p, struct nat46_session *s,
			 const struct nat46_source *src,
			 struct nat46_session *instead, struct nat46_session **taken)
{
	return port_chosen(s, src) ? take_port(p, s, src, instead, taken) :
				     take_own_port(p, s, instead, taken);
}

/**
 * nat46_session_take() - take an address and a port, and hash the session
 * @p: the flow's first packet
 * @s: the session, its path known: s->t6 is filled in but for the port
 * @src: the client's source
 * @instead: as for nat46_session_insert()
 * @taken: as there
 *
 * Context: RCU, softirq or process.
 * Return: 0; -EEXIST with *@taken: another CPU has just opened the flow;
 * -EADDRINUSE: none is free of those that are tried; -ENOMEM.
 */
int nat46_session_take(struct nat46_pkt *p, struct nat46_session *s,
		       const struct nat46_source *src,
		       struct nat46_session *instead, struct nat46_session **taken)
{
	const bool addr = src->type == NAT46_SOURCE_ADDR;
	unsigned int k;
	int err;

	if (independent(p, s, src) &&
	    nat46_bib_find(s, addr ? &src->lo : &s->t6.saddr, addr ? &src->hi : &s->t6.saddr))
		return take_bound_port(p, s, instead, taken);
	if (!addr)
		return take_any_port(p, s, src, instead, taken);

	for (k = 0; k < ADDR_TRIES; k++) {
		s->t6.saddr = nat46_range_addr(src, s->t4.saddr, k);
		err = take_any_port(p, s, src, instead, taken);
		if (err != -EADDRINUSE)
			return err;
		if (ipv6_addr_equal(&src->lo, &src->hi))
			break;
	}
	return err;
}
