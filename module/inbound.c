// SPDX-License-Identifier: GPL-2.0
/*
 * inbound.c: sessions that the IPv6 side opens, to an IPv4 server behind an
 * address of a source, where an inbound mapping gives whoever asks an IPv4
 * address. Each is the session that the server could have opened itself: no
 * address and no port is chosen. Read nat46_inbound_session() top down.
 */
#include <linux/icmpv6.h>
#include <net/addrconf.h>
#include <net/ipv6.h>

#include "nf_nat46.h"
#include "session.h"

/* Does an addr source hold its one address for one client alone? */
static bool sole(const struct nat46_sources *set, const struct nat46_source *src)
{
	unsigned int i;

	if (src->from_plen != 32 || !ipv6_addr_equal(&src->lo, &src->hi))
		return false;
	for (i = 0; i < set->n; i++) {
		const struct nat46_source *o = &set->v[i];

		if (o != src && o->type == NAT46_SOURCE_ADDR &&
		    ipv6_addr_cmp(&o->lo, &src->lo) <= 0 && ipv6_addr_cmp(&src->lo, &o->hi) <= 0)
			return false;
	}
	return true;
}

/* Is @addr the one of a single client of @src? */
static bool stands_for(const struct nat46_sources *set, const struct nat46_source *src,
		       const struct in6_addr *addr, __be32 *client)
{
	struct in6_addr a;

	switch (src->type) {
	case NAT46_SOURCE_PREFIX:
		return ipv6_prefix_equal(&src->lo, addr, src->plen) &&
		       nat46_extract((u8 *)client, addr->s6_addr, src->plen) &&
		       nat46_source_embed(src, *client, &a);
	case NAT46_SOURCE_ADDR:
		*client = src->from;
		return ipv6_addr_equal(&src->lo, addr) && sole(set, src);
	default:
		return false;
	}
}

/* Could the client have @port, as it is, for its own? */
static bool keeps_port(const struct nat46_source *src, u8 proto, u16 port)
{
	unsigned int i;

	if (src->type == NAT46_SOURCE_PREFIX || !nat46_has_ports(proto))
		return true;
	for (i = 0; i < src->n_ports; i++)
		if (port >= src->ports[i].lo && port <= src->ports[i].hi)
			return true;
	return false;
}

/* The source whose client is asked; what is the host's own is never one's. */
static const struct nat46_source *source_of(const struct nat46_pkt *p, __be32 *client)
{
	const struct nat46_sources *set = p->conf->sources;
	unsigned int i;

	for (i = 0; i < set->n; i++) {
		const struct nat46_source *src = &set->v[i];

		if (stands_for(set, src, &p->t6.saddr, client) &&
		    nat46_source_find(p->conf, *client) == src)
			return keeps_port(src, p->t6.proto, ntohs(p->t6.sport)) &&
			       !ipv6_chk_addr(p->nn->net, &p->t6.saddr, p->skb->dev, 0) ?
			       src : NULL;
	}
	return NULL;
}

/* enum nat46_session_state, or -1: such a segment opens no session. */
static int first_state(const struct nat46_pkt *p)
{
	const int state = nat46_first_state(p, p->t6.proto);

	return state == NAT46_STATE_INIT ? NAT46_STATE_V6_INIT : state;
}

/* Is there a way to the server, and one back? */
static enum nat46_reason check_path(struct nat46_pkt *p, struct nat46_session *s)
{
	struct dst_entry *dst;
	enum nat46_reason r;

	if (!nat46_client_usable(p->conf, s->t4.saddr))
		return NAT46_DROP_SRC_CHECK;
	r = nat46_session_allowed(p, s);
	if (r)
		return r;
	/* nobody outside has an address of ours (RFC 6146 section 3.5) */
	if (s->hairpin && !p->hairpinned)
		return NAT46_DROP_SOURCE_LOOP;
	dst = nat46_route4(s, p->skb);
	if (IS_ERR(dst))
		return NAT46_DROP_NO_ROUTE4;
	/* where the server's own packets will come from, by the strict check */
	s->iif = dst->dev->ifindex;
	return nat46_session_reaches(p, s);
}

/* Hashes @s; *@sp: it, or the session that another CPU has made of the flow. */
static enum nat46_reason insert(struct nat46_pkt *p, struct nat46_session *s,
				struct nat46_session **sp)
{
	int err = nat46_session_insert(s, NULL, sp);

	/* one that has expired makes room at once */
	if (err == -EEXIST && !nat46_session_find4(p, &s->t4))
		err = nat46_session_insert(s, NULL, sp);
	if (!err) {
		nat46_map_opened(s->map);
		nat46_count(p->nn, NAT46_CNT_OPENED);
		*sp = s;
		return NAT46_OK;
	}
	*sp = nat46_session_find6(p->nn, &p->t6, p->conf);
	return *sp ? NAT46_OK : NAT46_DROP_NO_PORT;
}

static enum nat46_reason open(struct nat46_pkt *p, const struct nat46_source *src,
			      struct nat46_mapping *map, const struct nat46_tuple4 *t4,
			      int state, struct nat46_session **sp)
{
	struct nat46_session *s;
	enum nat46_reason r;

	r = nat46_session_new(p, map, &s);
	if (r)
		return r;
	s->t4 = *t4;
	s->t6 = p->t6;
	s->state = state;
	s->stateless = src->type == NAT46_SOURCE_PREFIX;
	/* else IPv4's conntrack would see the answers alone */
	s->late = p->conf->params.hook_late == NAT46_HOOK_LATE_ON;
	nat46_session_finish(p, s);

	r = check_path(p, s);
	if (r)
		goto undo;
	r = nat46_client_open(s, p->conf->params.max_per_client);
	if (r)
		goto undo;
	r = insert(p, s, sp);
	if (!r && *sp == s)
		return NAT46_OK;
	nat46_client_ended(s);
undo:
	nat46_session_undo(s);
	return r;
}

/*
 * A SYN on a session that is closed asks for another one, as a client's does. But
 * on this side a stranger may have sent the RST before it (RFC 7857 section 2.2):
 * what two FINs have not closed goes on.
 */
static bool is_served(const struct nat46_pkt *p, const struct nat46_session *s)
{
	return s && !(nat46_tcp_opens(p->tcp_flags) &&
		      READ_ONCE(s->state) == NAT46_STATE_BOTH_FIN);
}

/**
 * nat46_inbound_session() - the session of a packet that the IPv6 side begins
 * @p: the packet, parsed
 * @sp: the session of its tuple, NULL where there is none; set to the one that
 *	serves it
 *
 * Context: RCU, softirq or process.
 * Return: NAT46_OK, or why there is none.
 */
enum nat46_reason nat46_inbound_session(struct nat46_pkt *p, struct nat46_session **sp)
{
	const struct nat46_source *src;
	struct nat46_session *s = *sp;
	struct nat46_mapping *map = NULL;
	struct nat46_tuple4 t4 = {
		.sport = p->t6.sport,
		.dport = p->t6.dport,
		.proto = p->t6.proto,
		.asked6 = p->t6.asked6,
	};
	int state;

	if (is_served(p, s))
		return NAT46_OK;
	/* of ICMP only a question begins anything */
	if (!p->icmp_error && (p->t6.proto != IPPROTO_ICMP || p->t6.asked6))
		map = nat46_inbound_map(p->conf, &p->t6.daddr, &t4.daddr);
	src = map ? source_of(p, &t4.saddr) : NULL;
	if (!src) {
		if (s)
			return NAT46_OK;
		return p->t6.asked6 ? NAT46_DROP_ICMP_TYPE : NAT46_DROP_NO_SESSION;
	}
	state = first_state(p);
	if (state < 0)
		return NAT46_DROP_TCP_MIDSTREAM;
	if (p->hop <= 1) {
		nat46_icmp6_error(p, ICMPV6_TIME_EXCEED, ICMPV6_EXC_HOPLIMIT, 0);
		return NAT46_DROP_HOP_LIMIT;
	}
	if (p->udp_zero && p->conf->params.udp_zero_csum != NAT46_UDP_ZERO_CSUM_KEEP)
		return NAT46_DROP_UDP_ZERO_CSUM;
	if (s)
		nat46_session_end(s);
	return open(p, src, map, &t4, state, sp);
}
