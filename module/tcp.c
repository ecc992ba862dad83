// SPDX-License-Identifier: GPL-2.0
/*
 * tcp.c: the state of a TCP session, RFC 6146 section 3.5.2.2 read for
 * sessions that the IPv4 side opens.
 */
#include "core.h"

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
	const bool opens = v4 && (flags & NAT46_TCP_SYN) && !(flags & NAT46_TCP_ACK);

	switch (state) {
	case NAT46_STATE_INIT:
		return !v4 && (flags & NAT46_TCP_SYN) ? NAT46_STATE_ESTABLISHED : state;
	case NAT46_STATE_ESTABLISHED:
		if (flags & NAT46_TCP_RST)
			return NAT46_STATE_TRANS;
		if (flags & NAT46_TCP_FIN)
			return v4 ? NAT46_STATE_V4_FIN : NAT46_STATE_V6_FIN;
		return state;
	case NAT46_STATE_V4_FIN:
		return !v4 && (flags & NAT46_TCP_FIN) ? NAT46_STATE_BOTH_FIN : state;
	case NAT46_STATE_V6_FIN:
		return v4 && (flags & NAT46_TCP_FIN) ? NAT46_STATE_BOTH_FIN : state;
	case NAT46_STATE_BOTH_FIN:
		return opens ? NAT46_STATE_INIT : state;
	case NAT46_STATE_TRANS:
		if (opens)
			return NAT46_STATE_INIT;
		return flags & NAT46_TCP_RST ? state : NAT46_STATE_ESTABLISHED;
	default:
		return state;
	}
}
