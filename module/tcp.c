// SPDX-License-Identifier: GPL-2.0
/*
 * tcp.c: the state of a TCP session, RFC 6146 section 3.5.2.2 read for us; and
 * the options of a header.
 */
#include "core.h"

/**
 * nat46_tcp_next() - the state after a segment
 * @state: enum nat46_session_state before it
 * @dir: NAT46_DIR_4 where it comes from the IPv4 side
 * @flags: the flags' byte of its header
 *
 * Pure. An RST ends nothing by itself: its receiver may not have accepted it.
 * It shortens the time that is left to the transitory one, and whatever
 * follows that is no RST undoes that (RFC 7857 section 2.2).
 *
 * Return: the state after it.
 */
u32 nat46_tcp_next(u32 state, int dir, u8 flags)
{
	const bool v4 = dir == NAT46_DIR_4;

	switch (state) {
	case NAT46_STATE_INIT:
		return !v4 && (flags & NAT46_TCP_SYN) ? NAT46_STATE_ESTABLISHED : state;
	case NAT46_STATE_V6_INIT:
		return v4 && (flags & NAT46_TCP_SYN) ? NAT46_STATE_ESTABLISHED : state;
	case NAT46_STATE_ESTABLISHED:
		if (flags & NAT46_TCP_RST)
			return NAT46_STATE_TRANS;
		if (flags & NAT46_TCP_FIN)
			return v4 ? NAT46_STATE_V4_FIN : NAT46_STATE_V6_FIN;
		return state;
	case NAT46_STATE_V4_FIN:
	case NAT46_STATE_V6_FIN:
		if (flags & NAT46_TCP_RST)
			return NAT46_STATE_TRANS;
		/* of whom the first was not */
		if (flags & NAT46_TCP_FIN &&
		    state == (v4 ? NAT46_STATE_V6_FIN : NAT46_STATE_V4_FIN))
			return NAT46_STATE_BOTH_FIN;
		return state;
	case NAT46_STATE_TRANS:
		return flags & NAT46_TCP_RST ? state : NAT46_STATE_ESTABLISHED;
	default:
		return state;
	}
}

/**
 * nat46_tcp_opens() - is it a segment that opens a connection?
 * @flags: the flags' byte of its header
 *
 * Pure.
 *
 * Return: whether it is a SYN, and neither an answer nor an end.
 */
bool nat46_tcp_opens(u8 flags)
{
	return (flags & (NAT46_TCP_SYN | NAT46_TCP_ACK | NAT46_TCP_RST)) == NAT46_TCP_SYN;
}

/**
 * nat46_tcp_reopens() - does a client's segment begin a closed tuple anew?
 * @state: enum nat46_session_state before it
 * @flags: the flags' byte of its header
 *
 * Pure. A client's ports come round within the four minutes that a closed
 * session lasts, which RFC 6146 leaves open: it is another connection, so it
 * gets another session. So it does where one side has not closed yet: a client
 * that says SYN has forgotten the connection.
 *
 * Return: whether it does.
 */
bool nat46_tcp_reopens(u32 state, u8 flags)
{
	return nat46_tcp_opens(flags) &&
	       (state == NAT46_STATE_V4_FIN || state == NAT46_STATE_V6_FIN ||
		state == NAT46_STATE_BOTH_FIN || state == NAT46_STATE_TRANS);
}

/**
 * nat46_tcp_midstream() - could it be a segment of a connection under way?
 * @flags: the flags' byte of its header
 *
 * Pure. Each of those has an ACK; a SYN of any kind, or an RST, says that
 * there is no connection, or soon none.
 *
 * Return: whether it could.
 */
bool nat46_tcp_midstream(u8 flags)
{
	return (flags & (NAT46_TCP_SYN | NAT46_TCP_ACK | NAT46_TCP_RST)) == NAT46_TCP_ACK;
}

/**
 * nat46_mss_find() - the next maximum segment size among a header's options
 * @opt: the options
 * @len: bytes of them
 * @at: where an option begins
 *
 * Pure. What can't be an option ends the search.
 *
 * Return: the offset of the two bytes, or -1.
 */
int nat46_mss_find(const u8 *opt, unsigned int len, unsigned int at)
{
	while (at < len && opt[at] != 0) {
		if (opt[at] == 1) {	/* no operation: a single byte */
			at++;
			continue;
		}
		if (at + 1 >= len || opt[at + 1] < 2 || at + opt[at + 1] > len)
			return -1;
		if (opt[at] == 2 && opt[at + 1] == 4)
			return at + 2;
		at += opt[at + 1];
	}
	return -1;
}
