/* SPDX-License-Identifier: GPL-2.0 */
/*
 * core.h: the pure part. It knows of no skb, netns or lock, and is compiled by
 * the unit tests in user space as it stands.
 */
#ifndef _NF_NAT46_CORE_H
#define _NF_NAT46_CORE_H

#include <linux/types.h>

#include <linux/nf_nat46.h>

enum {
	NAT46_DIR_4,
	NAT46_DIR_6,
};

/* The flags' byte of a TCP header, RFC 9293 section 3.1. */
enum {
	NAT46_TCP_FIN	= 0x01,
	NAT46_TCP_SYN	= 0x02,
	NAT46_TCP_RST	= 0x04,
	NAT46_TCP_ACK	= 0x10,
};

/* By what a packet's header grows from IPv4 to IPv6, and a fragment's two. */
#define NAT46_GROWTH		20
#define NAT46_FRAG_GROWTH	28

/* A range of ports, both ends included, host order. */
struct nat46_ports {
	u16 lo;
	u16 hi;
};

/* addr.c; addresses are bytes in network order */
bool nat46_embed_len(u8 plen);
void nat46_embed(u8 *addr, u8 plen, const u8 *addr4);
bool nat46_extract(u8 *addr4, const u8 *addr, u8 plen);
void nat46_eam(u8 *addr, const u8 *addr4, u8 plen4);
bool nat46_global4(const u8 *addr4);
bool nat46_well_known(const u8 *addr, u8 plen);

/* tcp.c */
u32 nat46_tcp_next(u32 state, int dir, u8 flags);
bool nat46_tcp_opens(u8 flags);
bool nat46_tcp_reopens(u32 state, u8 flags);
bool nat46_tcp_midstream(u8 flags);
int nat46_mss_find(const u8 *opt, unsigned int len, unsigned int at);

/* port.c */
#define NAT46_PORT_FIRST_TRIES	32u	/* in the first range, where there are more */
u16 nat46_port_try(const struct nat46_ports *r, unsigned int n, u16 wanted,
		   u32 hash, unsigned int k);
unsigned int nat46_port_next(unsigned int n, unsigned int k, bool crowded);

/* icmp_map.c */
struct nat46_icmp_msg {
	u8 type;
	u8 code;
	u32 info;		/* MTU or pointer, host order */
};

/* An error's payload: the quoted packet, zeros, extensions; bytes. */
struct nat46_quote_layout {
	u32 orig;
	u32 pad;
	u32 ext;
	u8 units;		/* the length field; 0: no extensions */
};

bool nat46_icmp_error46(struct nat46_icmp_msg *m, u32 len);
bool nat46_icmp_error64(struct nat46_icmp_msg *m, u32 shrink);
u32 nat46_icmp_quote_unit(bool v6, u8 type);
struct nat46_quote_layout nat46_icmp_quote_layout(u32 orig, u32 ext, u32 room, u32 unit);

/* crc32c.c */
u32 nat46_crc32c_shift(u32 crc, u32 len);
u32 nat46_crc32c_change(u16 old, u16 new, u32 behind);

#endif /* _NF_NAT46_CORE_H */
