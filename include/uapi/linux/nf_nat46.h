/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * nf_nat46: stateful translation of IPv4 flows to IPv6-only targets.
 *
 * This header is the whole contract between the module and user space: the
 * generic netlink family "nat46". Each object has its own attribute set, and
 * each command takes and returns the set of its object:
 *
 *   object    commands                                attributes
 *   info      INFO_GET (do)                           enum nat46_info_attr
 *   pool      POOL_ADD POOL_DEL POOL_GET (dump)       enum nat46_pool_attr
 *   source    SOURCE_ADD SOURCE_DEL SOURCE_GET (dump) enum nat46_source_attr
 *   mapping   MAP_ADD MAP_DEL MAP_FLUSH MAP_GET       enum nat46_map_attr
 *             (do: one; dump: all or filtered)
 *   policy    POLICY_ADD POLICY_DEL POLICY_GET (dump) enum nat46_policy_attr
 *   session   SESSION_GET (dump) SESSION_FLUSH        enum nat46_session_attr
 *             SESSION_COUNT (do)                      (the filter: the same set)
 *   param     PARAM_SET PARAM_GET (do)                enum nat46_param_attr
 *   stats     STATS_GET (do)                          enum nat46_stats_attr
 *   miss      MISS_UNKNOWN MISS_STALE MISS_GET (dump) enum nat46_miss_attr
 *   explain   EXPLAIN (do)                            enum nat46_explain_attr
 *   restore   RESTORE_BEGIN RESTORE_COMMIT            enum nat46_restore_attr
 *             RESTORE_ABORT
 *
 * All objects belong to the network namespace of the socket. Every request but
 * INFO_GET needs CAP_NET_ADMIN in the initial user namespace (with the module's
 * parameter userns=1: in the one that owns the network namespace).
 * Errors come as an errno with an extack message and the offending
 * attribute's offset.
 *
 * Numbers are in host byte order, but for IPv4 and IPv6 addresses and the
 * ports of sessions, which are in network byte order (marked "be"). Unknown
 * attributes are rejected.
 *
 * A *_ADD obeys NLM_F_CREATE, NLM_F_EXCL and NLM_F_REPLACE as rtnetlink does:
 * CREATE|EXCL adds and fails with EEXIST where the object exists,
 * CREATE|REPLACE adds or replaces. A request without any of them is an
 * EINVAL.
 */
#ifndef _UAPI_LINUX_NF_NAT46_H
#define _UAPI_LINUX_NF_NAT46_H

#include <linux/types.h>

#define NAT46_GENL_NAME		"nat46"
#define NAT46_GENL_VERSION	1

/*
 * Raised with every change that an older tool would misread. A tool refuses
 * to go on when its own number is not the module's (INFO_GET).
 */
#define NAT46_API		3

/* Multicast groups. */
#define NAT46_MCGRP_MAP		"map"		/* MAP_NTF */
#define NAT46_MCGRP_MISS	"miss"		/* MISS_NTF */

/* Longest strings, without the trailing zero. */
#define NAT46_NAME_LEN		255	/* a mapping's DNS name */
#define NAT46_OWNER_LEN		15	/* a mapping's owner */
#define NAT46_TARGETS_MAX	8	/* targets of one mapping */
#define NAT46_PORT_RANGES_MAX	8	/* port ranges of one source */

/* Owners with a meaning of their own; any other word of [a-z0-9_-] will do. */
#define NAT46_OWNER_STATIC	"static"
#define NAT46_OWNER_DNS46	"dns46"

enum nat46_cmd {
	NAT46_CMD_UNSPEC,
	NAT46_CMD_INFO_GET,
	NAT46_CMD_POOL_ADD,
	NAT46_CMD_POOL_DEL,
	NAT46_CMD_POOL_GET,
	NAT46_CMD_SOURCE_ADD,
	NAT46_CMD_SOURCE_DEL,
	NAT46_CMD_SOURCE_GET,
	NAT46_CMD_MAP_ADD,
	NAT46_CMD_MAP_DEL,
	NAT46_CMD_MAP_FLUSH,
	NAT46_CMD_MAP_GET,
	NAT46_CMD_MAP_NTF,	/* event in group "map", with MAP_A_EVENT */
	NAT46_CMD_POLICY_ADD,
	NAT46_CMD_POLICY_DEL,
	NAT46_CMD_POLICY_GET,
	NAT46_CMD_SESSION_GET,
	NAT46_CMD_SESSION_FLUSH,
	NAT46_CMD_SESSION_COUNT,
	NAT46_CMD_PARAM_SET,
	NAT46_CMD_PARAM_GET,
	NAT46_CMD_STATS_GET,
	NAT46_CMD_RESTORE_BEGIN,
	NAT46_CMD_RESTORE_COMMIT,
	NAT46_CMD_RESTORE_ABORT,
	NAT46_CMD_MISS_NTF,	/* event in group "miss" */
	NAT46_CMD_MISS_UNKNOWN,
	NAT46_CMD_EXPLAIN,
	NAT46_CMD_MISS_STALE,
	NAT46_CMD_MISS_GET,

	__NAT46_CMD_MAX,
	NAT46_CMD_MAX = __NAT46_CMD_MAX - 1
};

/* info: what is loaded and how full it is. Works in any network namespace. */
enum nat46_info_attr {
	NAT46_INFO_A_UNSPEC,
	NAT46_INFO_A_API,		/* u32: NAT46_API of the module */
	NAT46_INFO_A_VERSION,		/* string: release of the module */
	NAT46_INFO_A_POOLS,		/* u32 */
	NAT46_INFO_A_SOURCES,		/* u32 */
	NAT46_INFO_A_MAPPINGS,		/* u32 */
	NAT46_INFO_A_POLICIES,		/* u32, built-in ones not counted */
	NAT46_INFO_A_SESSIONS,		/* u32: of this network namespace */
	NAT46_INFO_A_SESSIONS_ALL,	/* u32: of the machine, those that
					 * wait for a grace period included;
					 * initial user namespace only
					 */
	NAT46_INFO_A_SESSIONS_MAX,	/* u32: the machine's cap */
	NAT46_INFO_A_BUCKETS,		/* u32: of the session table */

	__NAT46_INFO_A_MAX,
	NAT46_INFO_A_MAX = __NAT46_INFO_A_MAX - 1
};

/*
 * pool: an IPv4 prefix whose addresses mappings may use. ADD takes ADDR, PLEN;
 * it fails where the pool overlaps another pool. DEL takes ADDR, PLEN and at
 * most one of FORCE, DRAIN; without them it fails with EBUSY while mappings or
 * sessions use the pool. FORCE ends its sessions and deletes its mappings.
 * DRAIN deletes its mappings, lets the pool open no session any more, and
 * removes it when the last one has ended.
 */
enum nat46_pool_attr {
	NAT46_POOL_A_UNSPEC,
	NAT46_POOL_A_ADDR,		/* be32 */
	NAT46_POOL_A_PLEN,		/* u8: 8..32 */
	NAT46_POOL_A_FORCE,		/* flag */
	NAT46_POOL_A_DRAIN,		/* flag; in a reply: it is draining */
	NAT46_POOL_A_MAPPINGS,		/* u32, reply: mappings in it */

	__NAT46_POOL_A_MAX,
	NAT46_POOL_A_MAX = __NAT46_POOL_A_MAX - 1
};

enum nat46_source_type {
	NAT46_SOURCE_UNSPEC,
	NAT46_SOURCE_DEV,	/* the address the kernel picks on a device */
	NAT46_SOURCE_ADDR,	/* a range of addresses */
	NAT46_SOURCE_PREFIX,	/* a prefix that the client's address is
				 * embedded in (RFC 6052), its port kept
				 */
};

/*
 * source: where the IPv6 source address and port of a session come from. It is
 * known by TYPE with IFNAME, ADDR_LO and ADDR_HI, or ADDR_LO and PLEN, and by
 * FROM; ADD takes these and PORTS. DEL takes them with at most one of FORCE,
 * DRAIN, which mean what they do for a pool. The source whose FROM holds the
 * client with the longest prefix serves it; one without FROM serves all.
 *
 * A prefix source's addresses are no other source's; only the same prefix may
 * be given to other clients by another FROM. 64:ff9b::/96 serves none but
 * global IPv4 addresses: a packet of another client is dropped as not-global.
 */
enum nat46_source_attr {
	NAT46_SOURCE_A_UNSPEC,
	NAT46_SOURCE_A_TYPE,		/* u8: enum nat46_source_type */
	NAT46_SOURCE_A_IFNAME,		/* string: TYPE dev */
	NAT46_SOURCE_A_IFINDEX,		/* u32, reply */
	NAT46_SOURCE_A_ADDR_LO,		/* be128: TYPE addr, first address */
	NAT46_SOURCE_A_ADDR_HI,		/* be128: last one; absent: ADDR_LO */
	NAT46_SOURCE_A_PLEN,		/* u8: TYPE prefix (ADDR_LO): 32, 40, 48,
					 * 56, 64 or 96
					 */
	NAT46_SOURCE_A_PORTS,		/* nested, up to 8 times PORT_RANGE, in
					 * order of preference; absent: the
					 * type's default; not in TYPE prefix
					 */
	NAT46_SOURCE_A_FROM,		/* be32 */
	NAT46_SOURCE_A_FROM_PLEN,	/* u8: 0..32 */
	NAT46_SOURCE_A_FORCE,		/* flag */
	NAT46_SOURCE_A_DRAIN,		/* flag; in a reply: it is draining */

	__NAT46_SOURCE_A_MAX,
	NAT46_SOURCE_A_MAX = __NAT46_SOURCE_A_MAX - 1
};

/*
 * The ports of a source that names none. Those of a dev source, the first range
 * preferred, are apart from what ip_local_port_range is by default, and from
 * Kubernetes' NodePorts.
 */
#define NAT46_DEV_PORTS_1_LO	61000
#define NAT46_DEV_PORTS_1_HI	65535
#define NAT46_DEV_PORTS_2_LO	10000
#define NAT46_DEV_PORTS_2_HI	29999
#define NAT46_ADDR_PORTS_LO	1024
#define NAT46_ADDR_PORTS_HI	65535

/* One range of ports (echo identifiers likewise), both ends included. */
enum nat46_ports_attr {
	NAT46_PORTS_A_UNSPEC,
	NAT46_PORTS_A_RANGE,		/* u32: lowest << 16 | highest */

	__NAT46_PORTS_A_MAX,
	NAT46_PORTS_A_MAX = __NAT46_PORTS_A_MAX - 1
};

/* What a MAP_NTF tells. */
enum nat46_map_event {
	NAT46_MAP_EVENT_UNSPEC,
	NAT46_MAP_EVENT_NEW,	/* added */
	NAT46_MAP_EVENT_CHANGE,	/* targets, name or expiry changed */
	NAT46_MAP_EVENT_DEL,	/* deleted on request */
	NAT46_MAP_EVENT_EXPIRED,/* its time is over and no session was left:
				 * the kernel has deleted it
				 */
};

/*
 * mapping: what an IPv4 address of a pool, or a prefix of them, stands for. ADD
 * takes ADDR, TARGETS and optionally PLEN, NAME, OWNER ("static" when absent),
 * EXPIRES, HOLD, FRESH, INBOUND. An ADD over a mapping of another owner fails with EPERM even
 * with NLM_F_REPLACE.
 *
 * The targets of a prefix are prefixes with as long a suffix, that is of
 * 96 + PLEN bits, and an address's own suffix is carried over (RFC 7757).
 * Mappings of different lengths may overlap; the longest prefix that holds an
 * address serves it. Policy is checked for each address, when a session opens
 * to it; an ADD is refused only where all of a target is denied to everybody.
 *
 * DEL takes ADDR, PLEN and optionally OWNER (then fails with EPERM where it
 * belongs to another). FLUSH takes just one of OWNER, EXPIRED, ALL. A dump takes
 * OWNER and NAME (a glob of * and ?) as filters. GET (do) takes ADDR and PLEN,
 * or ADDR alone for the mapping that serves that address.
 *
 * Through a mapping with INBOUND its target, or any address of a target that is
 * a prefix, may open sessions as well: to the address of a client of a prefix
 * source, or of an addr source that has that one client and keeps the port.
 * It has one target, which no other such mapping has, and owner "static".
 *
 * A mapping with EXPIRES is deleted by the kernel, with a MAP_NTF, once all of
 * these hold: EXPIRES seconds have passed since it was last added or
 * replaced; it has no session; if it ever had one, HOLD seconds have passed
 * since that session's last packet.
 *
 * With FRESH, a session that opens through the mapping when that many seconds
 * have passed since it was last added or replaced is told to group "miss", with
 * STALE: who made the mapping may look whether its targets are still the right
 * ones. At most once in FRESH seconds; the session opens in any case.
 */
enum nat46_map_attr {
	NAT46_MAP_A_UNSPEC,
	NAT46_MAP_A_ADDR,		/* be32 */
	NAT46_MAP_A_PLEN,		/* u8: 8..32, absent: 32 */
	NAT46_MAP_A_TARGETS,		/* nested, 1..8 times TARGET */
	NAT46_MAP_A_NAME,		/* string */
	NAT46_MAP_A_OWNER,		/* string */
	NAT46_MAP_A_EXPIRES,		/* u32, seconds, at least 1; reply: what
					 * is left, 0 where only sessions or
					 * HOLD keep it
					 */
	NAT46_MAP_A_HOLD,		/* u32, seconds; goes with EXPIRES */
	NAT46_MAP_A_SESSIONS,		/* u32, reply: live sessions */
	NAT46_MAP_A_OPENED,		/* u64, reply: sessions ever made */
	NAT46_MAP_A_IDLE,		/* u32, reply: seconds since a session
					 * was made or ended; absent: never
					 */
	NAT46_MAP_A_EVENT,		/* u8, MAP_NTF: enum nat46_map_event */
	NAT46_MAP_A_EXPIRED,		/* flag, FLUSH: those with EXPIRES 0 and
					 * no session
					 */
	NAT46_MAP_A_ALL,		/* flag, FLUSH: of every owner */
	NAT46_MAP_A_PAD,
	NAT46_MAP_A_INBOUND,		/* flag: the target may open sessions */
	NAT46_MAP_A_FRESH,		/* u32, seconds, at least 1; goes with
					 * EXPIRES
					 */

	__NAT46_MAP_A_MAX,
	NAT46_MAP_A_MAX = __NAT46_MAP_A_MAX - 1
};

enum nat46_targets_attr {
	NAT46_TARGETS_A_UNSPEC,
	NAT46_TARGETS_A_TARGET,		/* be128: an address, or a prefix's */

	__NAT46_TARGETS_A_MAX,
	NAT46_TARGETS_A_MAX = __NAT46_TARGETS_A_MAX - 1
};

enum nat46_policy_action {
	NAT46_POLICY_UNSPEC,
	NAT46_POLICY_ALLOW,
	NAT46_POLICY_DENY,
};

/*
 * policy: which targets a session may be made to. Known by all its attributes
 * but ACTION. The entry with the longest target prefix wins, then the longest
 * FROM, then the one with PROTO and DPORT, deny on a tie. The built-in denies
 * are entries too (BUILTIN), which a user's entry of the same or a longer
 * prefix overrules. What no entry names is decided by PARAM_A_POLICY_DEFAULT.
 */
enum nat46_policy_attr {
	NAT46_POLICY_A_UNSPEC,
	NAT46_POLICY_A_ACTION,		/* u8: enum nat46_policy_action */
	NAT46_POLICY_A_ADDR,		/* be128 */
	NAT46_POLICY_A_PLEN,		/* u8: 0..128 */
	NAT46_POLICY_A_FROM,		/* be32 */
	NAT46_POLICY_A_FROM_PLEN,	/* u8: 0..32 */
	NAT46_POLICY_A_PROTO,		/* u8: IPPROTO_TCP, _UDP or _ICMPV6 */
	NAT46_POLICY_A_DPORT,		/* u16; needs PROTO tcp or udp */
	NAT46_POLICY_A_BUILTIN,		/* flag, reply */

	__NAT46_POLICY_A_MAX,
	NAT46_POLICY_A_MAX = __NAT46_POLICY_A_MAX - 1
};

/* TCP: RFC 6146 section 3.5.2.2, read for our direction. */
enum nat46_session_state {
	NAT46_STATE_NONE,		/* neither TCP nor DCCP */
	NAT46_STATE_INIT,		/* opened by the IPv4 side, no answer */
	NAT46_STATE_ESTABLISHED,
	NAT46_STATE_V4_FIN,		/* the IPv4 side has sent its FIN */
	NAT46_STATE_V6_FIN,
	NAT46_STATE_BOTH_FIN,
	NAT46_STATE_TRANS,		/* an RST was seen */
	NAT46_STATE_V6_INIT,		/* opened by the IPv6 side, no answer */
};

/*
 * session: one flow. In a reply all but FROM_PLEN ... NAME_GLOB are present; in
 * the request of GET, FLUSH and COUNT the attributes marked F, all of which
 * must match. FLUSH needs at least one, or ALL.
 */
enum nat46_session_attr {
	NAT46_SESSION_A_UNSPEC,
	NAT46_SESSION_A_PROTO,		/* F u8: IPPROTO_TCP, _UDP, _ICMP */
	NAT46_SESSION_A_STATE,		/* F u8: enum nat46_session_state */
	NAT46_SESSION_A_SRC4,		/* F be32: the client ("from") */
	NAT46_SESSION_A_DST4,		/* F be32: the pool's address ("to") */
	NAT46_SESSION_A_SPORT4,		/* F be16: the client's port or echo id */
	NAT46_SESSION_A_DPORT,		/* F be16: the target's port, on both
					 * sides; of an echo that the target
					 * has asked for: its id, else 0
					 */
	NAT46_SESSION_A_SRC6,		/* F be128: ours ("source") */
	NAT46_SESSION_A_DST6,		/* F be128: the target */
	NAT46_SESSION_A_SPORT6,		/* F be16: our port or echo id */
	NAT46_SESSION_A_IDLE,		/* u32, seconds since the last packet */
	NAT46_SESSION_A_EXPIRES,	/* u32, seconds left without a packet */
	NAT46_SESSION_A_IIF,		/* u32: where the client's packets
					 * arrive; absent: local
					 */
	NAT46_SESSION_A_NAME,		/* F string: the mapping's name; in a
					 * filter a glob of * and ?
					 */
	NAT46_SESSION_A_SRC4_PLEN,	/* F u8: 0..32, absent: 32 */
	NAT46_SESSION_A_DST4_PLEN,	/* F u8 */
	NAT46_SESSION_A_SRC6_PLEN,	/* F u8: 0..128, absent: 128 */
	NAT46_SESSION_A_DST6_PLEN,	/* F u8 */
	NAT46_SESSION_A_ALL,		/* F flag: FLUSH all */
	NAT46_SESSION_A_COUNT,		/* u32: reply to COUNT and FLUSH */

	__NAT46_SESSION_A_MAX,
	NAT46_SESSION_A_MAX = __NAT46_SESSION_A_MAX - 1
};

enum nat46_unmapped {
	NAT46_UNMAPPED_REJECT,		/* ICMP host unreachable, rate limited */
	NAT46_UNMAPPED_DROP,
	NAT46_UNMAPPED_PASS,		/* left to the node's IPv4 routing */
};

enum nat46_src_check {
	NAT46_SRC_CHECK_STRICT,		/* the route back uses the device */
	NAT46_SRC_CHECK_LOOSE,		/* there is a route back */
	NAT46_SRC_CHECK_OFF,
};

/*
 * A UDP packet without a checksum. From the IPv6 side it is dropped, but for
 * KEEP (RFC 6936).
 */
enum nat46_udp_zero_csum {
	NAT46_UDP_ZERO_CSUM_COMPUTE,
	NAT46_UDP_ZERO_CSUM_DROP,
	NAT46_UDP_ZERO_CSUM_KEEP,	/* both ways */
};

/* A TCP segment from the client that has no session and opens none. */
enum nat46_tcp_midstream {
	NAT46_TCP_MIDSTREAM_DROP,
	NAT46_TCP_MIDSTREAM_RESET,	/* answered by an RST, rate limited */
	NAT46_TCP_MIDSTREAM_ALLOW,	/* it makes an established session */
};

/* PARAM_A_HAIRPIN: a target that is an address of an addr or prefix source */
enum nat46_hairpin {
	NAT46_HAIRPIN_REFUSE,
	NAT46_HAIRPIN_ALLOW,		/* it is another client's */
};

/* PARAM_A_PORT_MAPPING: RFC 4787 REQ-1 */
enum nat46_port_mapping {
	NAT46_PORT_MAPPING_PER_TARGET,	/* targets share ports */
	NAT46_PORT_MAPPING_INDEPENDENT,	/* a client's port keeps one of ours */
};

/*
 * PARAM_A_FILTER_HOOKS: which IPv6 hooks of the netfilter see a forwarded
 * client's packets once they are translated, before POST_ROUTING.
 */
enum nat46_filter_hooks {
	NAT46_FILTER_HOOKS_OUTPUT,	/* the node's own packets */
	NAT46_FILTER_HOOKS_FORWARD,	/* from the client's device */
	NAT46_FILTER_HOOKS_OFF,		/* none, nor POST_ROUTING, both ways */
};

/* PARAM_A_FILTER_HOOKS4: and which of IPv4 see the replies */
enum nat46_filter_hooks4 {
	NAT46_FILTER_HOOKS4_OFF,
	NAT46_FILTER_HOOKS4_FORWARD,
};

/*
 * PARAM_A_HOOK_LATE: before conntrack, or behind it (and behind the translation
 * of destinations, so that a Service may lead to a pool)? Conntrack then has an
 * entry of each flow. The node's own flows are always translated behind it.
 */
enum nat46_hook_late {
	NAT46_HOOK_LATE_OFF,
	NAT46_HOOK_LATE_ON,
	NAT46_HOOK_LATE_HELPER,		/* and only flows that a rule gave the
					 * conntrack helper "nat46"
					 */
};

enum nat46_flow_label {
	NAT46_FLOW_LABEL_ZERO,
	NAT46_FLOW_LABEL_HASH,		/* one a session, RFC 6437 */
};

/* PARAM_A_TOS: the type of service, or traffic class, of what leaves. */
#define NAT46_TOS_COPY		256	/* what it came with */

/* PARAM_A_MSS_CLAMP: one of these, or 536..65535 bytes (and PATH). */
#define NAT46_MSS_CLAMP_OFF	0
#define NAT46_MSS_CLAMP_PATH	1	/* what fits the other side's path */
#define NAT46_MSS_CLAMP_MIN	536

/*
 * param: settings of the network namespace. SET takes any number of them and
 * applies all or none; RESET holds u32 attribute numbers that return to their
 * default. GET returns all, or with DEFAULTS the defaults.
 */
enum nat46_param_attr {
	NAT46_PARAM_A_UNSPEC,
	NAT46_PARAM_A_TIMEOUT_TCP_EST,	/* u32, seconds, 7440 */
	NAT46_PARAM_A_TIMEOUT_TCP_TRANS,/* u32, seconds, 240 */
	NAT46_PARAM_A_TIMEOUT_UDP,	/* u32, seconds, 300 */
	NAT46_PARAM_A_TIMEOUT_ICMP,	/* u32, seconds, 60 */
	NAT46_PARAM_A_MAX_SESSIONS,	/* u32: of this network namespace;
					 * 0: only the machine's cap
					 */
	NAT46_PARAM_A_UNMAPPED,		/* u8: enum nat46_unmapped, reject */
	NAT46_PARAM_A_SRC_CHECK,	/* u8: enum nat46_src_check, strict */
	NAT46_PARAM_A_LOCAL_OUT,	/* u8: 0, 1 (default): translate the
					 * node's own packets
					 */
	NAT46_PARAM_A_HOOK_MARK,	/* u32: translate only packets with
					 * mark & HOOK_MASK == HOOK_MARK
					 */
	NAT46_PARAM_A_HOOK_MASK,	/* u32: 0 (default): any mark */
	NAT46_PARAM_A_POLICY_DEFAULT,	/* u8: enum nat46_policy_action, allow */
	NAT46_PARAM_A_RESET,		/* u32, SET; may be repeated */
	NAT46_PARAM_A_DEFAULTS,		/* flag, GET */
	NAT46_PARAM_A_UDP_ZERO_CSUM,	/* u8: enum nat46_udp_zero_csum, compute */
	NAT46_PARAM_A_TOS,		/* u32: 0..255 or NAT46_TOS_COPY (default) */
	NAT46_PARAM_A_TIMEOUT_OTHER,	/* u32, seconds, 600: other protocols */
	NAT46_PARAM_A_MAX_PER_CLIENT,	/* u32: sessions of one client; 0: any */
	NAT46_PARAM_A_TCP_MIDSTREAM,	/* u8: enum nat46_tcp_midstream, drop */
	NAT46_PARAM_A_MSS_CLAMP,	/* u32: NAT46_MSS_CLAMP_*, path */
	/* u8: 0 (default), 1: a target's datagrams prolong a session too */
	NAT46_PARAM_A_UDP_REFRESH_INBOUND,
	NAT46_PARAM_A_ICMP_SOURCE,	/* be32: source of ICMP errors from IPv6
					 * routers; 0 (default): the mapping's
					 * address
					 */
	NAT46_PARAM_A_MTU_MIN,		/* u32: lowest path MTU in IPv6, 1280 */
	NAT46_PARAM_A_FLOW_LABEL,	/* u8: enum nat46_flow_label, zero */
	NAT46_PARAM_A_TIMEOUT_TCP_SYN,	/* u32, seconds, 240: half-open */
	NAT46_PARAM_A_PORT_MAPPING,	/* u8: enum nat46_port_mapping, per target */
	NAT46_PARAM_A_HAIRPIN,		/* u8: enum nat46_hairpin, refuse */
	NAT46_PARAM_A_FILTER_HOOKS,	/* u8: enum nat46_filter_hooks, output */
	NAT46_PARAM_A_FILTER_HOOKS4,	/* u8: enum nat46_filter_hooks4, off */
	NAT46_PARAM_A_HOOK_LATE,	/* u8: enum nat46_hook_late, off */
	NAT46_PARAM_A_TRACK6,		/* u8: 0 (default), 1: IPv6's conntrack
					 * sees the translated flows
					 */
	NAT46_PARAM_A_TIMEOUT_DCCP,	/* u32, seconds, 7440: answered once */

	__NAT46_PARAM_A_MAX,
	NAT46_PARAM_A_MAX = __NAT46_PARAM_A_MAX - 1
};

/* stats: counters since the network namespace got its first pool. */
enum nat46_stats_attr {
	NAT46_STATS_A_UNSPEC,
	NAT46_STATS_A_COUNTER,		/* nested counter, one for each kind of
					 * event: packets sent on 4->6, 6->4,
					 * sessions opened, ended, ...
					 */
	NAT46_STATS_A_DROP,		/* nested counter, one a drop reason,
					 * zero ones included
					 */

	__NAT46_STATS_A_MAX,
	NAT46_STATS_A_MAX = __NAT46_STATS_A_MAX - 1
};

enum nat46_counter_attr {
	NAT46_COUNTER_A_UNSPEC,
	NAT46_COUNTER_A_NAME,		/* string: stable, as in "hop-limit" */
	NAT46_COUNTER_A_VALUE,		/* u64 */
	NAT46_COUNTER_A_PAD,

	__NAT46_COUNTER_A_MAX,
	NAT46_COUNTER_A_MAX = __NAT46_COUNTER_A_MAX - 1
};

/* Why a packet would be left to the node's own IPv4 routing. */
enum nat46_explain_pass {
	NAT46_EXPLAIN_PASS_NONE,
	NAT46_EXPLAIN_PASS_POOL,	/* its destination is in no pool */
	NAT46_EXPLAIN_PASS_MARK,	/* HOOK_MARK is another */
	NAT46_EXPLAIN_PASS_LOCAL,	/* a socket's here, LOCAL_OUT is off */
	NAT46_EXPLAIN_PASS_UNMAPPED,	/* UNMAPPED is pass */
};

/* By which rules a packet may have to be named. */
enum nat46_explain_named {
	NAT46_EXPLAIN_NAMED_RULE	= 1, /* -j NAT46 of iptables */
	NAT46_EXPLAIN_NAMED_HELPER	= 2, /* conntrack's helper "nat46" */
};

/*
 * explain: what would happen to a flow's first packet. The request has SRC4, DST4,
 * PROTO, and of tcp, udp and icmp (the identifier) SPORT4, DPORT where it
 * matters; IIF, where the packet comes by another device than the one that the
 * route back to SRC4 uses, or what a socket of this node's is bound to; MARK; of
 * such a socket UID. No session is made.
 *
 * The reply goes as far as the packet would: what stands behind the step that
 * refuses it is absent. It has just one of PASS, DROP, SESSION (the flow has one)
 * and TRANSLATE.
 */
enum nat46_explain_attr {
	NAT46_EXPLAIN_A_UNSPEC,
	NAT46_EXPLAIN_A_SRC4,		/* be32 */
	NAT46_EXPLAIN_A_DST4,		/* be32 */
	NAT46_EXPLAIN_A_PROTO,		/* u8 */
	NAT46_EXPLAIN_A_SPORT4,		/* be16 */
	NAT46_EXPLAIN_A_DPORT,		/* be16 */
	NAT46_EXPLAIN_A_IIF,		/* u32; where LOCAL: bound to it */
	NAT46_EXPLAIN_A_MARK,		/* u32 */
	NAT46_EXPLAIN_A_LOCAL,		/* flag, reply: a socket of this node's */
	NAT46_EXPLAIN_A_POOL_ADDR,	/* be32 */
	NAT46_EXPLAIN_A_POOL_PLEN,	/* u8 */
	NAT46_EXPLAIN_A_MAP,		/* nested: enum nat46_map_attr */
	NAT46_EXPLAIN_A_DST6,		/* be128: the target */
	NAT46_EXPLAIN_A_SOURCE,		/* nested: enum nat46_source_attr */
	NAT46_EXPLAIN_A_CLIENT_SESSIONS,/* u32: that SRC4 has */
	NAT46_EXPLAIN_A_POLICY,		/* nested: enum nat46_policy_attr */
	NAT46_EXPLAIN_A_POLICY_DEFAULT,	/* u8: enum nat46_policy_action; it decides */
	NAT46_EXPLAIN_A_OIF,		/* u32 */
	NAT46_EXPLAIN_A_GATEWAY,	/* be128; absent: on link */
	NAT46_EXPLAIN_A_MTU,		/* u32: of the path, in IPv6 */
	NAT46_EXPLAIN_A_SRC6,		/* be128 */
	NAT46_EXPLAIN_A_SPORT6,		/* be16: free now; absent: the client's
					 * sessions decide (port-mapping)
					 */
	NAT46_EXPLAIN_A_PASS,		/* u8: enum nat46_explain_pass */
	NAT46_EXPLAIN_A_DROP,		/* string: as in STATS_A_DROP */
	NAT46_EXPLAIN_A_SESSION,	/* flag */
	NAT46_EXPLAIN_A_TRANSLATE,	/* flag */
	NAT46_EXPLAIN_A_UID,		/* u32: for routes that go by user */
	NAT46_EXPLAIN_A_NAMED,		/* u8: enum nat46_explain_named; reply: it
					 * is translated if such a rule names
					 * it, which is not known here; with
					 * PASS: but for those
					 */

	__NAT46_EXPLAIN_A_MAX,
	NAT46_EXPLAIN_A_MAX = __NAT46_EXPLAIN_A_MAX - 1
};

/*
 * miss: a client has sent to a pool's address that no mapping serves, or, with
 * STALE, has opened a session through a mapping that is not FRESH any more.
 *
 * While somebody listens to the group "miss", a packet to an address without a
 * mapping is dropped without an answer (the drop reason "unmapped-asked"), for
 * the client will send it again, and raises one event an address a second. The
 * listener adds a mapping, or says MISS_UNKNOWN with ADDR: then such packets
 * are refused as PARAM_A_UNMAPPED says, without an event, for 10 seconds or
 * until that address gets a mapping. They are refused as well where nobody
 * listens, and where a client's, or all clients', events are too many (64 at
 * once, then 16 a second; 1024 a second). With PARAM_A_UNMAPPED pass there is
 * no event. To listen needs CAP_NET_ADMIN, but in kernels older than 6.1.
 *
 * MISS_STALE with ADDR tells the listeners at once that its mapping is to be
 * looked at, without a client: ENOENT: it has none, ESRCH: nobody listens.
 * MISS_GET dumps the addresses that were asked for last, up to 1024, and have no
 * mapping now.
 */
enum nat46_miss_attr {
	NAT46_MISS_A_UNSPEC,
	NAT46_MISS_A_ADDR,		/* be32: the pool's address */
	NAT46_MISS_A_CLIENT,		/* be32, reply */
	NAT46_MISS_A_PROTO,		/* u8, reply: the packet's */
	NAT46_MISS_A_DPORT,		/* be16, reply: 0 where it has none */
	NAT46_MISS_A_STALE,		/* flag, MISS_NTF: it has a mapping */
	NAT46_MISS_A_AGE,		/* u32, MISS_GET: seconds since */
	NAT46_MISS_A_UNKNOWN,		/* flag, MISS_GET: refused for now */

	__NAT46_MISS_A_MAX,
	NAT46_MISS_A_MAX = __NAT46_MISS_A_MAX - 1
};

/*
 * restore: one transaction. BEGIN opens an empty configuration beside the live
 * one and returns its TOKEN; then the changes (*_ADD, PARAM_SET) that come
 * from the same netlink port go there, while every GET still shows the live
 * configuration. COMMIT (with TOKEN) puts it in the live one's place at once:
 * pools, sources, policy, settings, and the mappings of OWNER; mappings of
 * other owners stay where they are, and those of other owners that the
 * transaction adds are added to them or replace them. ABORT, closing the
 * socket, or 60 seconds without a request drop it. One at a time in a network
 * namespace: BEGIN fails with EBUSY while another is open. A COMMIT that
 * fails leaves the live configuration as it was and ends the transaction; it
 * fails with EBUSY where sessions use a pool or source that would go, unless
 * FORCE ends them, and with EADDRNOTAVAIL where a mapping that stays would
 * have no pool.
 */
enum nat46_restore_attr {
	NAT46_RESTORE_A_UNSPEC,
	NAT46_RESTORE_A_TOKEN,		/* u32 */
	NAT46_RESTORE_A_OWNER,		/* string, BEGIN; absent: "static" */
	NAT46_RESTORE_A_FORCE,		/* flag, COMMIT */

	__NAT46_RESTORE_A_MAX,
	NAT46_RESTORE_A_MAX = __NAT46_RESTORE_A_MAX - 1
};

#endif /* _UAPI_LINUX_NF_NAT46_H */
