// SPDX-License-Identifier: GPL-2.0
/*
 * tcp.c: the state of a TCP session, RFC 6146 section 3.5.2.2 read for
 * sessions that the IPv4 side opens.
 */
#include <net/tcp.h>

#include "nf_nat46.h"

/**
 * nat46_tcp_next() - the state after a segment
 * @state: enum nat46_session_state before it
 * @dir: NAT46_DIR_4 where it comes from the IPv4 side
 * @flags: the flags' byte of its header
 *
 * Pure. A closed tuple that the client opens again (its ports come round
 * within the four minutes) starts anew, which RFC 6146 leaves open.
 *
 * Return: the state after it.
 */
u32 nat46_tcp_next(u32 state, int dir, u8 flags)
{
	const bool v4 = dir == NAT46_DIR_4;
	const bool opens = v4 && (flags & TCPHDR_SYN) && !(flags & TCPHDR_ACK);

	switch (state) {
	case NAT46_STATE_INIT:
		return !v4 && (flags & TCPHDR_SYN) ? NAT46_STATE_ESTABLISHED : state;
	case NAT46_STATE_ESTABLISHED:
		if (flags & TCPHDR_RST)
			return NAT46_STATE_TRANS;
		if (flags & TCPHDR_FIN)
			return v4 ? NAT46_STATE_V4_FIN : NAT46_STATE_V6_FIN;
		return state;
	case NAT46_STATE_V4_FIN:
		return !v4 && (flags & TCPHDR_FIN) ? NAT46_STATE_BOTH_FIN : state;
	case NAT46_STATE_V6_FIN:
		return v4 && (flags & TCPHDR_FIN) ? NAT46_STATE_BOTH_FIN : state;
	case NAT46_STATE_BOTH_FIN:
		return opens ? NAT46_STATE_INIT : state;
	case NAT46_STATE_TRANS:
		if (opens)
			return NAT46_STATE_INIT;
		return flags & TCPHDR_RST ? state : NAT46_STATE_ESTABLISHED;
	default:
		return state;
	}
}

/**
 * nat46_tcp_update() - tell a session of a segment
 * @s: the session
 * @dir: NAT46_DIR_4 where it comes from the IPv4 side
 * @flags: the flags' byte of its header
 *
 * Context: RCU, no lock: the state is one word that is changed by cmpxchg, and
 * written only when it changes. Who loses a race looks again.
 */
void nat46_tcp_update(struct nat46_session *s, int dir, u8 flags)
{
	u32 old = READ_ONCE(s->state);
	u32 new;

	for (;;) {
		u32 seen;

		new = nat46_tcp_next(old, dir, flags);
		if (likely(new == old))
			return;
		seen = cmpxchg(&s->state, old, new);
		if (seen == old)
			return;
		old = seen;
	}
}
