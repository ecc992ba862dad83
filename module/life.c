// SPDX-License-Identifier: GPL-2.0
/*
 * life.c: how long a session lives, and what its packets do to that.
 */
#include "nf_nat46.h"
#include "session.h"

/**
 * nat46_session_timeout() - how long a session may be idle
 * @s: the session
 * @par: the settings of its network namespace
 *
 * RFC 5382 REQ-5 with RFC 7857 section 2, RFC 4787 REQ-5, RFC 5508 REQ-1, RFC 5597
 * REQ-5.
 *
 * Context: any.
 * Return: seconds.
 */
u32 nat46_session_timeout(const struct nat46_session *s,
			  const struct nat46_params *par)
{
	switch (s->t4.proto) {
	case IPPROTO_UDP:
		return par->timeout_udp;
	case IPPROTO_ICMP:
		return par->timeout_icmp;
	case IPPROTO_TCP:
		break;
	case IPPROTO_DCCP:
		if (READ_ONCE(s->state) == NAT46_STATE_ESTABLISHED)
			return par->timeout_dccp;
		return par->timeout_tcp_syn;
	default:
		return par->timeout_other;
	}
	switch (READ_ONCE(s->state)) {
	case NAT46_STATE_ESTABLISHED:
	case NAT46_STATE_V4_FIN:
	case NAT46_STATE_V6_FIN:
		return par->timeout_tcp_est;
	case NAT46_STATE_INIT:
	case NAT46_STATE_V6_INIT:
		return par->timeout_tcp_syn;
	case NAT46_STATE_TRANS:
		smp_rmb();	/* nat46_session_silent() */
		if (READ_ONCE(s->silent))
			return par->timeout_tcp_est + par->timeout_tcp_trans;
		fallthrough;
	default:
		return par->timeout_tcp_trans;
	}
}

/**
 * nat46_session_idle() - for how long had a session no packet that counts?
 * @s: the session
 *
 * Context: any.
 * Return: seconds.
 */
u32 nat46_session_idle(const struct nat46_session *s)
{
	/* another CPU may have a packet of the second that begins just now */
	const s32 idle = nat46_now() - READ_ONCE(s->last);

	return max(idle, 0);
}

/**
 * nat46_session_expired() - is a session's time over?
 * @s: the session
 * @par: the settings of its network namespace
 *
 * Context: any.
 * Return: whether it is.
 */
bool nat46_session_expired(const struct nat46_session *s,
			   const struct nat46_params *par)
{
	u32 timeout = nat46_session_timeout(s, par);

	/* nat46_session_silent() comes in between */
	if (s->t4.proto == IPPROTO_TCP && READ_ONCE(s->state) == NAT46_STATE_ESTABLISHED)
		timeout += par->timeout_tcp_trans;
	smp_rmb();	/* a state with a shorter time comes with a new time stamp */
	return nat46_session_idle(s) > timeout;
}

/**
 * nat46_session_silent() - has an established session just been idle for its time?
 * @s: the session
 * @par: the settings of its network namespace
 *
 * RFC 6146 section 3.5.2.2: then it has the transitory time left, and an end of
 * it is asked whether the connection is still there. Both times count from the
 * last packet.
 *
 * Context: RCU.
 * Return: whether nat46_tcp_probe() has to ask.
 */
bool nat46_session_silent(struct nat46_session *s, const struct nat46_params *par)
{
	if (s->t4.proto != IPPROTO_TCP || READ_ONCE(s->state) != NAT46_STATE_ESTABLISHED ||
	    nat46_session_idle(s) <= par->timeout_tcp_est)
		return false;
	WRITE_ONCE(s->silent, true);	/* before the state: nat46_session_timeout() */
	if (cmpxchg(&s->state, NAT46_STATE_ESTABLISHED, NAT46_STATE_TRANS) ==
	    NAT46_STATE_ESTABLISHED)
		return true;
	WRITE_ONCE(s->silent, false);
	return false;
}

/* Written once a second at most. */
static void touch(struct nat46_session *s)
{
	const u32 now = nat46_now();

	if (READ_ONCE(s->last) != now)
		WRITE_ONCE(s->last, now);
}

/*
 * The state is one word, written only when it changes, by cmpxchg. Who loses a
 * race looks again. Once both sides have closed, nothing prolongs the session,
 * and an RST never does. True where a target's RST has just cut its time short.
 */
static bool tcp_seen(struct nat46_session *s, int dir, u8 flags)
{
	u32 old = READ_ONCE(s->state);

	for (;;) {
		const u32 new = nat46_tcp_next(old, dir, flags);
		u32 seen;

		if (likely(new == old)) {
			if (old != NAT46_STATE_BOTH_FIN && !(flags & NAT46_TCP_RST))
				touch(s);
			return false;
		}
		touch(s);	/* before the state: nat46_session_expired() */
		seen = cmpxchg(&s->state, old, new);
		if (seen == old) {
			if (old == NAT46_STATE_TRANS)
				WRITE_ONCE(s->silent, false);
			return new == NAT46_STATE_TRANS && dir == NAT46_DIR_6;
		}
		old = seen;
	}
}

/* A DCCP session is established by the answer; when it closes is not followed. */
static void dccp_seen(struct nat46_session *s, int dir)
{
	const u32 opened = dir == NAT46_DIR_6 ? NAT46_STATE_INIT : NAT46_STATE_V6_INIT;

	touch(s);
	if (READ_ONCE(s->state) == opened)
		WRITE_ONCE(s->state, NAT46_STATE_ESTABLISHED);
}

/**
 * nat46_session_seen() - a packet of the session goes through
 * @p: the packet, parsed
 * @s: the session
 * @dir: the side that it comes from
 *
 * A datagram from outside keeps no UDP session alive, but by a setting (RFC
 * 4787 REQ-6).
 *
 * Context: RCU, no lock.
 * Return: true where nat46_tcp_probe() has to follow the packet.
 */
bool nat46_session_seen(const struct nat46_pkt *p, struct nat46_session *s, int dir)
{
	switch (s->t4.proto) {
	case IPPROTO_TCP:
		return tcp_seen(s, dir, p->tcp_flags);
	case IPPROTO_DCCP:
		dccp_seen(s, dir);
		return false;
	case IPPROTO_UDP:
		if (dir == NAT46_DIR_6 && !p->conf->params.udp_refresh_inbound)
			return false;
		break;
	}
	touch(s);
	return false;
}

/**
 * nat46_session_reopened() - make room where a client opens a closed tuple again
 * @p: the packet, from the IPv4 side, by the session's device
 * @s: the tuple's session
 *
 * Context: RCU, softirq or process.
 * Return: whether @s has ended for it: open another one.
 */
bool nat46_session_reopened(const struct nat46_pkt *p, struct nat46_session *s)
{
	if (!nat46_tcp_reopens(READ_ONCE(s->state), p->tcp_flags))
		return false;
	nat46_session_end(s);
	return true;
}

/**
 * nat46_session_unanswered() - does a client ask again, and nobody answers?
 * @p: the packet, from the IPv4 side, by the session's device
 * @s: the tuple's session
 *
 * A SYN sent again, by its sequence number, a second or more after the last one.
 * Another number is another attempt, with its own first second.
 *
 * Context: RCU.
 * Return: whether the mapping's next target may be tried.
 */
bool nat46_session_unanswered(const struct nat46_pkt *p, struct nat46_session *s)
{
	const __be32 seq = nat46_tcp_seq(p);

	if (READ_ONCE(s->state) != NAT46_STATE_INIT || !nat46_tcp_opens(p->tcp_flags))
		return false;
	if (READ_ONCE(s->syn) == seq)
		return nat46_session_idle(s);
	WRITE_ONCE(s->syn, seq);
	return false;
}
