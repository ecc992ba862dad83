/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nf_nat46: the design in one header.
 *
 * A packet's way, the same four steps in both directions:
 *
 *   hook.c     is it ours?  everything else leaves at once, untouched
 *   translate.c  the way of what is, from here to output.c
 *   packet.c   parse: every header and length is checked, nothing is written
 *   session.c  find the session, or open.c makes it (target.c: whose; policy.c:
 *              may it; source.c, take.c: which address and port)
 *   rewrite.c  turn the headers in place; nothing can fail any more
 *   output.c   hand it to the next hop
 *
 * Configuration (pools, sources, policies, settings, mappings) hangs off one
 * RCU pointer, nat46_net::conf, and is changed under nat46_net::lock by
 * publishing a new struct nat46_conf. The packet path only reads.
 *
 * Arrows run one way: hook -> session, rewrite, output -> map, source, policy
 * -> packet, stats, compat. netlink*.c knows the objects, no object knows
 * netlink (an extack is the one thing that they fill in).
 */
#ifndef _NF_NAT46_H
#define _NF_NAT46_H

#include <linux/if.h>
#include <linux/in6.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include <linux/nf_nat46.h>

#include "core.h"
#include "tuple.h"

#define NAT46_VERSION "0.1.0"

/* ---- stats.c: one per-CPU counter for everything that can happen --------- */

/*
 * Why a packet was dropped. The order is not part of the contract, the names
 * (stats.c) are. NAT46_OK must be zero.
 */
enum nat46_reason {
	NAT46_OK,
	NAT46_DROP_MALFORMED,
	NAT46_DROP_FRAGMENT,
	NAT46_DROP_SOURCE_ROUTE,
	NAT46_DROP_ROUTING_HEADER,
	NAT46_DROP_PROTO,
	NAT46_DROP_AH,
	NAT46_DROP_ICMP_TYPE,
	NAT46_DROP_ICMP_QUOTED,
	NAT46_DROP_ICMP_ABOUT_ICMP,
	NAT46_DROP_UDP_ZERO_CSUM,
	NAT46_DROP_UNMAPPED,
	NAT46_DROP_UNMAPPED_ASKED,
	NAT46_DROP_POLICY,
	NAT46_DROP_TARGET_LOCAL,
	NAT46_DROP_NO_SOURCE,
	NAT46_DROP_NOT_GLOBAL,
	NAT46_DROP_NO_PORT,
	NAT46_DROP_SRC_CHECK,
	NAT46_DROP_NO_SESSION,
	NAT46_DROP_TCP_MIDSTREAM,
	NAT46_DROP_MAX_SESSIONS,
	NAT46_DROP_MAX_PER_CLIENT,
	NAT46_DROP_NO_MEMORY,
	NAT46_DROP_HOP_LIMIT,
	NAT46_DROP_TOO_BIG,
	NAT46_DROP_NO_ROUTE6,
	NAT46_DROP_NO_ROUTE4,
	NAT46_DROP_NO_LOCAL_DEV,
	NAT46_DROP_DRAINING,
	NAT46_DROP_SOURCE_LOOP,
	NAT46_DROP_CONNTRACK,
	NAT46_DROP_PORT_CLASH,
	NAT46_DROP_IPSEC,
	NAT46_REASON_MAX,
	NAT46_PASS = NAT46_REASON_MAX,	/* none: another hook's */
};

/* What else is counted. */
enum nat46_counter {
	NAT46_CNT_PKT_46,	/* packets sent on as IPv6 */
	NAT46_CNT_PKT_64,
	NAT46_CNT_OPENED,	/* sessions made */
	NAT46_CNT_ENDED,
	NAT46_CNT_REALLOC,	/* packets whose head had to be reallocated */
	NAT46_CNT_MAX,
};

struct nat46_stats {
	u64 drop[NAT46_REASON_MAX];
	u64 count[NAT46_CNT_MAX];
};

struct nat46_net;

const char *nat46_reason_name(enum nat46_reason r);
const char *nat46_counter_name(enum nat46_counter c);
u64 nat46_reason_read(const struct nat46_net *nn, enum nat46_reason r);
u64 nat46_counter_read(const struct nat46_net *nn, enum nat46_counter c);

/* ---- conf.c: what an administrator has set, read under RCU --------------- */

struct nat46_pool {
	__be32 addr;
	__be32 mask;
	u8 plen;
	bool drain;
};

/* Sorted by address; pools never overlap. Immutable once published. */
struct nat46_pools {
	struct rcu_head rcu;
	unsigned int n;
	struct nat46_pool v[];
};

struct nat46_source {
	u8 type;			/* enum nat46_source_type */
	u8 from_plen;
	u8 plen;			/* NAT46_SOURCE_PREFIX */
	u8 n_ports;			/* 0: the client's own port */
	bool drain;
	__be32 from;
	struct in6_addr lo;		/* _ADDR; _PREFIX: its ends */
	struct in6_addr hi;
	int ifindex;			/* NAT46_SOURCE_DEV */
	char ifname[IFNAMSIZ];
	struct nat46_ports ports[NAT46_PORT_RANGES_MAX];
};

struct nat46_range6 {
	struct in6_addr lo;
	struct in6_addr hi;
};

/*
 * Sorted by the length of "from", longest first, so that the first match is
 * the one that serves. Immutable once published.
 */
struct nat46_sources {
	struct rcu_head rcu;
	bool dev;			/* there is a dev source */
	u16 dev_lo;			/* the lowest port of all of them */
	u16 dev_hi;
	unsigned int n_ranges;		/* addresses held for sessions, merged */
	struct nat46_range6 *ranges;	/* and sorted; points behind v[] */
	unsigned int n;
	struct nat46_source v[];
};

struct nat46_policy {
	struct in6_addr addr;
	__be32 from;
	u16 dport;			/* 0: any */
	u8 plen;
	u8 from_plen;
	u8 proto;			/* 0: any */
	u8 action;			/* enum nat46_policy_action */
	bool builtin;
};

/*
 * Sorted by precedence (policy.c); the entries of one prefix length lie
 * together, and group[] says where. Immutable once published.
 */
struct nat46_policies {
	struct rcu_head rcu;
	unsigned int n;
	unsigned int n_builtin;
	unsigned int n_groups;
	struct {
		u16 first;
		u16 n;
		u8 plen;
		__be32 mask;		/* what all of its entries have in */
		__be32 word;		/* common in their first word */
	} group[129];
	struct nat46_policy v[];
};

struct nat46_params {
	u32 timeout_tcp_est;		/* seconds */
	u32 timeout_tcp_trans;
	u32 timeout_tcp_syn;
	u32 timeout_udp;
	u32 timeout_icmp;
	u32 timeout_dccp;		/* answered; before: as TCP's SYN */
	u32 timeout_other;
	u32 max_sessions;		/* 0: no limit but the machine's */
	u32 max_per_client;		/* 0: no limit */
	u32 hook_mark;
	u32 hook_mask;
	u32 tos;			/* or NAT46_TOS_COPY */
	u32 mss_clamp;			/* bytes, or NAT46_MSS_CLAMP_* */
	u32 mtu_min;
	u32 icmp_source;		/* a __be32; 0: the pool's address */
	u8 unmapped;			/* enum nat46_unmapped */
	u8 src_check;			/* enum nat46_src_check */
	u8 local_out;
	u8 policy_default;		/* enum nat46_policy_action */
	u8 udp_zero_csum;		/* enum nat46_udp_zero_csum */
	u8 tcp_midstream;		/* enum nat46_tcp_midstream */
	u8 udp_refresh_inbound;
	u8 flow_label;			/* enum nat46_flow_label */
	u8 port_mapping;		/* enum nat46_port_mapping */
	u8 hairpin;			/* enum nat46_hairpin */
	u8 filter_hooks;		/* enum nat46_filter_hooks */
	u8 filter_hooks4;		/* enum nat46_filter_hooks4 */
	u8 hook_late;			/* enum nat46_hook_late */
	u8 track6;			/* switch */
};

extern const struct nat46_params nat46_params_default;

/* What a mapping stands for now; replaced as a whole under RCU. */
struct nat46_binding {
	struct rcu_head rcu;
	unsigned int n;			/* 1..NAT46_TARGETS_MAX */
	bool inbound;			/* the target may open sessions */
	struct in6_addr target[];	/* behind the last one: the name */
};

/* "" where it has none */
static inline const char *nat46_binding_name(const struct nat46_binding *b)
{
	return (const char *)&b->target[b->n];
}

/*
 * A mapping: the xarray of nat46_maps holds one reference, each session
 * another. Sessions never read @binding but to show the name.
 */
struct nat46_mapping {
	struct rcu_head rcu;
	refcount_t ref;
	__be32 addr;
	u8 plen;			/* 32: one address */
	struct nat46_binding __rcu *binding;
	atomic_t sessions;		/* live ones; negative: it has expired */
	atomic64_t opened;
	u32 used;			/* seconds: last session made or ended */
	u32 last;			/* seconds: last packet of an ended one */
	u32 until;			/* seconds: EXPIRES is over, where */
	u32 hold;			/*          expires is set */
	u32 stale_at;			/*          and fresh is not 0 */
	u32 fresh;
	bool expires;
	bool tenant;			/* counted against the tenants' share */
	char owner[NAT46_OWNER_LEN + 1];
};

/* Lengths that a mapping's prefix can have: 32 to 8, as a pool's. */
#define NAT46_MAP_LENGTHS	25

/*
 * xa[k] holds the mappings of prefixes of 32 - k bits, indexed by these bits:
 * the first that knows an address has the longest prefix. Entries are struct
 * nat46_mapping.
 */
struct nat46_maps {
	struct xarray xa[NAT46_MAP_LENGTHS];
	unsigned int n;
	struct nat46_inbounds __rcu *inbounds; /* inbound.c; NULL: none */
};

/*
 * Bounds of all that is ours, so that most of what is not shows at once, by one
 * cache line: x - lo > span. Where there is nothing of the kind, they hold zero
 * alone, which no packet has.
 */
struct nat46_bounds {
	u32 pool_lo;			/* addresses of pools */
	u32 pool_span;
	u16 dev_lo;			/* ports of dev sources */
	u16 dev_span;
	u32 held_word;			/* addresses of other sources: their */
	u32 held_words;			/* first words */
	u64 held_lo;			/* and their upper halves */
	u64 held_span;
};

static inline u64 nat46_upper_half(const struct in6_addr *a)
{
	return (u64)ntohl(a->s6_addr32[0]) << 32 | ntohl(a->s6_addr32[1]);
}

struct nat46_conf {
	struct rcu_head rcu;
	struct nat46_bounds bounds;	/* set when it is published */
	struct nat46_params params;
	struct nat46_pools *pools;	/* never NULL, like the rest */
	struct nat46_sources *sources;
	struct nat46_policies *policies;
	struct nat46_maps *maps;
};

/* ---- the network namespace ------------------------------------------------ */

struct nf_hook_ops;
struct nat46_restore;			/* an open transaction, restore.c */
struct nat46_misses;			/* miss.c */

struct nat46_net {
	struct nat46_conf __rcu *conf;	/* NULL: nothing was ever set */
	struct net *net;
	struct net_device __rcu *dev;	/* the device "nat46", if there is one */
	struct nat46_stats __percpu *stats; /* set before conf */
	struct nat46_misses *misses;	/* likewise */
	atomic_t sessions;		/* live ones */
	atomic_t resets;		/* sent in the second resets_at */
	u32 resets_at;
	u32 crowded_at;			/* when a first port range was last full (take.c) */
	struct mutex lock;		/* all configuration */
	struct nat46_restore *restore;	/* under lock */
	struct delayed_work map_gc;	/* expiry of mappings, drained objects */
	struct work_struct addr_work;	/* an address went (main.c) */
	unsigned long map_gc_at;	/* under lock: jiffies, its next run */
	bool audit;			/* under lock: end what conf denies now */
	u32 gen;			/* under lock: configuration changes */
	struct xarray room;		/* room.c: by device, what was asked for */
	u32 room_at;			/* seconds: when last */
	struct nat46_hooks *hooks;	/* under lock: NULL: not registered */
	struct nat46_hooks *late_hooks;	/* likewise, those behind conntrack */
	bool watches_nat;			/* under lock: clash.c looks at NAT */
	struct work_struct clash_work;	/* to begin with that */
	bool exiting;			/* under lock */
	unsigned int rules;		/* written under lock: of iptables, that */
	unsigned int rules_late;	/* name packets; those in mangle's PREROUTING */
};

extern unsigned int nat46_net_id;
struct nat46_net *nat46_pernet(const struct net *net);

/*
 * Does a network namespace belong to a user who is nobody on this machine? He
 * configures it himself where the module's parameter userns says so, and all of
 * his kind together have their share of what is scarce.
 */
static inline bool nat46_is_tenant(const struct net *net)
{
	return net->user_ns != &init_user_ns;
}

static inline void nat46_drop(struct nat46_net *nn, enum nat46_reason r)
{
	this_cpu_inc(nn->stats->drop[r]);
}

static inline void nat46_count(struct nat46_net *nn, enum nat46_counter c)
{
	this_cpu_inc(nn->stats->count[c]);
}

struct nat46_pkt;
struct nat46_session;

/* hook.c; may sleep, nn->lock held */
int nat46_hooks_register(struct nat46_net *nn, const struct nat46_params *par);
void nat46_hooks_unregister(struct nat46_net *nn);

/* translate.c; RCU, softirq or process */
enum nat46_reason nat46_translate46(struct nat46_pkt *p);
enum nat46_reason nat46_translate64(struct nat46_pkt *p, struct nat46_session *s);
unsigned int nat46_from_ipv6(struct nat46_pkt *p);	/* hook.c: a verdict */

/* ---- miss.c: addresses without a mapping, and mappings that are not fresh ---- */

struct nat46_miss {
	__be32 addr;
	__be32 client;
	__be16 dport;
	u8 proto;
	bool stale;
	bool unknown;			/* nat46_miss_seen() */
	u32 age;			/* likewise: seconds */
};

struct nat46_miss_ops {
	/* softirq; false: nobody listens there */
	bool (*tell)(struct nat46_net *nn, const struct nat46_miss *miss);
	bool (*wanted)(struct nat46_net *nn);	/* false: nor will tell() find one */
};

struct nat46_misses *nat46_misses_alloc(void);	/* freed by kvfree() */
bool nat46_miss(const struct nat46_pkt *p);
void nat46_miss_stale(const struct nat46_pkt *p, struct nat46_mapping *m);
void nat46_miss_unknown(struct nat46_net *nn, __be32 addr);
void nat46_miss_forget(struct nat46_net *nn, __be32 addr, __be32 mask);
bool nat46_miss_seen(struct nat46_net *nn, unsigned int *i, struct nat46_miss *miss);
void nat46_miss_ops_set(const struct nat46_miss_ops *ops);

/* clash.c: the host's own flows */
void nat46_clash_work(struct work_struct *work);
void nat46_clash_leave(struct nat46_net *nn);

/* room.c: headroom of clients' packets */
void nat46_room_ask(struct nat46_net *nn, struct net_device *dev, unsigned int need);
void nat46_room_forget(struct nat46_net *nn, const struct net_device *dev);
void nat46_room_return(struct nat46_net *nn);

/* helper.c: the conntrack helper that rules can name */
bool nat46_helper_set(const struct sk_buff *skb);
int nat46_helper_init(void);
void nat46_helper_exit(void);

/* ---- rule.c: rules of iptables that name packets (rule.h: how) ----------------- */

int nat46_rule_get(struct net *net, bool late);
void nat46_rule_put(struct net *net, bool late);
int nat46_rules_allow(const struct nat46_net *nn, const struct nat46_params *par,
		      struct netlink_ext_ack *extack);

/* ---- packet.c: one parsed packet ------------------------------------------ */

/* How an L4 header is summed. */
enum nat46_csum {
	NAT46_CSUM_NONE,		/* not, or we don't know */
	NAT46_CSUM_INET,		/* with a pseudo header */
	NAT46_CSUM_ICMP,		/* with one in IPv6 alone */
	NAT46_CSUM_CRC32C,		/* SCTP: without one */
};

/* The packet that an ICMP error quotes, as far as it is there. */
struct nat46_quoted {
	u16 ip;				/* offset of its network header */
	u16 l4;				/* offset of its L4 header */
	u16 end;			/* offset behind what is quoted */
	u16 ext;			/* bytes of extensions behind (RFC 4884) */
	u16 ext_at;
	u16 l4_len;			/* of the whole packet, says its header */
	u8 hop;
	u8 tos;
	bool fragment;			/* a first one: more follow */
	u32 id;				/* host order */
};

/* nat46_pkt_init() zeroes what lies before the tuple; parsing fills in the rest. */
struct nat46_pkt {
	struct sk_buff *skb;
	struct nat46_net *nn;
	const struct nat46_conf *conf;
	bool local;			/* 4->6: sent by a socket of this node */
	bool late;			/* seen behind its family's conntrack */
	bool tracked;			/* the other's shall see it as well */
	bool icmp_error;		/* the tuple is the quoted packet's */
	bool udp_zero;			/* UDP without a checksum */
	bool hairpinned;		/* 6->4: a client's, just translated */
	u8 csum;			/* enum nat46_csum */
	u8 hop;				/* TTL or hop limit */
	u8 tos;
	bool df;			/* 4->6 */
	u8 tcp_flags;			/* the flags' byte of the TCP header */
	u16 l4;				/* offset of the L4 header */
	u16 l4_hlen;			/* bytes of it that are checked */
	u16 csum_at;			/* offset of the checksum in it */
	u16 frag_max;			/* the longest of the fragments that it
					 * came in; 0: in one
					 */
	u16 pointer;			/* offset of the byte to blame */
	u32 id;				/* Identification of its fragments */
	u32 mtu;			/* 4->6: of the path */
	u32 hash;			/* of the IPv4 tuple last looked for */
	union {
		struct nat46_tuple4 t4;
		struct nat46_tuple6 t6;
	};
	struct nat46_icmp_msg icmp;	/* icmp_error: as it came */
	struct nat46_quoted q;		/* icmp_error */
};

static inline void nat46_pkt_init(struct nat46_pkt *p, struct sk_buff *skb,
				  struct nat46_net *nn, const struct nat46_conf *conf)
{
	memset(p, 0, offsetof(struct nat46_pkt, t4));
	p->skb = skb;
	p->nn = nn;
	p->conf = conf;
}

/*
 * Fill in @p from p->skb, whose data is at the network header. Nothing of the
 * packet is written; its headers are in the linear area afterwards.
 * nat46_parse6 returns -1 where the packet can belong to no session (accept).
 */
enum nat46_reason nat46_parse4(struct nat46_pkt *p);
int nat46_parse6(struct nat46_pkt *p);

/* ---- quoted.c: the packet that an ICMP error quotes -------------------------- */

enum nat46_reason nat46_parse_error4(struct nat46_pkt *p);
enum nat46_reason nat46_parse_error6(struct nat46_pkt *p);
int nat46_skip_ext(struct nat46_pkt *p, unsigned int *at, u8 nexthdr);
bool nat46_has_ports(u8 proto);

/* ---- defrag.c: fragments that are addressed to us ----------------------------- */

enum nat46_reason nat46_defrag4(struct nat46_pkt *p);
enum nat46_reason nat46_defrag6(struct nat46_pkt *p);
u32 nat46_fragment_id6(const struct nat46_pkt *p);

/* The sequence number of a TCP segment, as it is in the header. */
static inline __be32 nat46_tcp_seq(const struct nat46_pkt *p)
{
	return ((const struct tcphdr *)(p->skb->data + p->l4))->seq;
}

/* Does the stack or a device still have to sum up the L4 header? */
static inline bool nat46_partial(const struct nat46_pkt *p)
{
	return p->skb->ip_summed == CHECKSUM_PARTIAL &&
	       skb_checksum_start_offset(p->skb) == p->l4;
}

/* May a sum that is still to be made not be left to others? See nat46_sum_now(). */
static inline bool nat46_odd_sum(const struct nat46_pkt *p)
{
	return p->csum > NAT46_CSUM_INET || p->udp_zero;
}

/* By which device a packet came in; a local one: to which its socket is bound, or 0. */
static inline int nat46_pkt_iif(const struct nat46_pkt *p)
{
	if (!p->local)
		return p->skb->dev->ifindex;
	return p->skb->sk ? READ_ONCE(p->skb->sk->sk_bound_dev_if) : 0;
}

/* What the setting makes of a type of service, or traffic class. */
static inline u8 nat46_tos(const struct nat46_pkt *p, u8 tos)
{
	const u32 set = p->conf->params.tos;

	return set == NAT46_TOS_COPY ? tos : set;
}

/* ---- saddr.c: the node's own address towards a target ------------------------- */

int nat46_saddr(struct net *net, const struct net_device *dev,
		const struct in6_addr *target, struct in6_addr *saddr);
void nat46_saddr_forget(void);

/* ---- session.c ------------------------------------------------------------- */

/*
 * By cache lines of 64 bytes: the first two are all that a packet from the
 * client needs; one from the target needs the third's beginning.
 */
struct nat46_session {
	struct hlist_node node[2];	/* by NAT46_DIR_ */
	struct net *net;
	struct nat46_tuple4 t4;
	/* these do not change */
	u8 local : 1;			/* opened by a socket of this node */
	u8 late : 1;			/* behind IPv4's conntrack, which has a
					 * flow of it; all local ones are
					 */
	u8 track6 : 1;			/* IPv6's conntrack has one */
	u8 stateless : 1;		/* of a prefix source */
	u8 hairpin : 1;			/* its target is an address of a source */
	u8 tenant : 1;			/* counted against the tenants' share */
	bool dead;			/* under both bucket locks: unhashed */
	bool moved;			/* under the IPv4 bucket's lock: another
					 * session has the IPv4 tuple
					 */
	bool silent;			/* in TRANS, for it was idle too long */
	int iif;			/* where the client is; local: what its
					 * socket is bound to, or 0
					 */

	struct nat46_tuple6 t6;
	__wsum diff;			/* 4->6: addresses and ports; an echo
					 * session: IPv6 addresses, identifier
					 */
	u32 state;			/* enum nat46_session_state; cmpxchg */
	u32 last;			/* seconds, the last packet */
	u32 cookie6;
	struct dst_entry __rcu *dst6;	/* towards the target */

	struct dst_entry __rcu *dst4;	/* towards the client */
	u16 ident;			/* of its next IPv4 packet without DF */
	__be32 label;			/* flow label, where params has them */

	/* the rest of its life */
	u32 hash4;			/* of its IPv4 tuple; 0: not known yet */
	int oif;			/* of a dev source, else 0 */
	__be32 syn;			/* sequence number of the client's SYN */
	u32 mark;			/* of the packet for which dst6 was */
	kuid_t uid;			/* looked up, and its socket's user */
	struct nat46_mapping *map;
	struct nat46_bib *bib;		/* port-mapping independent; or NULL */
	struct rcu_head rcu;
};

int nat46_session_init(void);
void nat46_session_exit(void);

struct nat46_session *nat46_session_find4(struct nat46_pkt *p, const struct nat46_tuple4 *t);
struct nat46_session *nat46_session_find6(struct nat46_net *nn,
					  const struct nat46_tuple6 *t,
					  const struct nat46_conf *conf);
enum nat46_reason nat46_session_open(struct nat46_pkt *p, struct nat46_session **sp,
				     struct nat46_session *instead);
bool nat46_session_move_back(struct nat46_pkt *p, struct nat46_session *s);

/* inbound.c: sessions that the IPv6 side opens */
enum nat46_reason nat46_inbound_session(struct nat46_pkt *p, struct nat46_session **sp);

typedef bool (*nat46_match_t)(const struct nat46_session *s, const void *arg);

/*
 * Any context that may sleep. @net's sessions for which @match is true (all
 * where it is NULL) are counted, or ended; returns how many.
 */
u32 nat46_session_count(struct net *net, nat46_match_t match, const void *arg);
u32 nat46_session_flush(struct net *net, nat46_match_t match, const void *arg);

/*
 * For dumps: call @fn for each session from *@bucket, *@skip on, under RCU,
 * until it returns non-zero; the position is left in the two.
 */
int nat46_session_walk(struct net *net, u32 *bucket, u32 *skip,
		       int (*fn)(const struct nat46_session *s, void *arg),
		       void *arg);
u32 nat46_session_total(void);		/* all, those in a grace period too */
u32 nat46_session_max(const struct net *net);
u32 nat46_session_buckets(void);

/* strict source check: @p came in by another device than the session's */
enum nat46_reason nat46_session_moved(struct nat46_pkt *p,
				      struct nat46_session *s);

/* life.c */
bool nat46_session_seen(const struct nat46_pkt *p, struct nat46_session *s, int dir);
bool nat46_session_reopened(const struct nat46_pkt *p, struct nat46_session *s);
bool nat46_session_unanswered(const struct nat46_pkt *p, struct nat46_session *s);
u32 nat46_session_idle(const struct nat46_session *s);	/* seconds */
u32 nat46_session_timeout(const struct nat46_session *s,
			  const struct nat46_params *par); /* seconds */

/* seconds of a clock that only counts up while the machine runs */
u32 nat46_now(void);

/* ---- bib.c --------------------------------------------------------------------- */

int nat46_bib_init(void);
void nat46_bib_exit(void);

/* ---- pool.c, source.c, policy.c, map.c, target.c: what the packet path asks ----------- */

/* RCU; NULL: not in a pool */
const struct nat46_pool *nat46_pool_find(const struct nat46_conf *conf,
					 __be32 addr);
/* RCU; NULL: no source serves that client, or it is draining */
const struct nat46_source *nat46_source_find(const struct nat46_conf *conf,
					     __be32 client);
/* RCU; is @addr one of an addr or prefix source? */
bool nat46_source_holds(const struct nat46_conf *conf,
			const struct in6_addr *addr);
bool nat46_source_embed(const struct nat46_source *src, __be32 addr4,
			struct in6_addr *addr);
/* RCU; enum nat46_policy_action. @proto as in a tuple, @dport in host order */
u8 nat46_policy_check(const struct nat46_conf *conf,
		      const struct in6_addr *target, __be32 client,
		      u8 proto, u16 dport);
/* RCU; the entry that decides that; NULL: the default does */
const struct nat46_policy *nat46_policy_entry(const struct nat46_conf *conf,
					      const struct in6_addr *target, __be32 client,
					      u8 proto, u16 dport);
/* RCU; the longest prefix; NULL: not mapped. No reference is taken. */
struct nat46_mapping *nat46_map_find(const struct nat46_conf *conf,
				     __be32 addr);
/* RCU; NULL: @target is none of an inbound mapping; @addr: what stands for it */
struct nat46_mapping *nat46_inbound_map(const struct nat46_conf *conf,
					const struct in6_addr *target, __be32 *addr);
/* RCU; what @addr stands for to that client, by rendezvous hashing */
struct in6_addr nat46_map_target(const struct nat46_mapping *m, __be32 client,
				 __be32 addr);
/* RCU; the target after @target, once round the mapping's list */
bool nat46_map_next_target(const struct nat46_mapping *m, __be32 client,
			   __be32 addr, struct in6_addr *target);
/*
 * A session opens on @m: takes a reference and returns true, or returns false
 * where @m is just being deleted. Any context.
 */
bool nat46_map_open(struct nat46_mapping *m);
/* It is there; or it is not made after all. Any context, once. */
void nat46_map_opened(struct nat46_mapping *m);
void nat46_map_refused(struct nat46_mapping *m);
/* The session has ended, its last packet at @last: any context, once. */
void nat46_map_ended(struct nat46_mapping *m, u32 last);
/* Drops the reference, when no reader of the session is left. Any context. */
void nat46_map_put(struct nat46_mapping *m);

/* ---- rewrite.c, icmp.c: an skb and a session, no hook, no netlink ------------ */

int nat46_headroom(struct sk_buff *skb, unsigned int writable,
		   unsigned int grow, const struct net_device *out);
int nat46_sum_now(struct nat46_pkt *p, bool cut);
void nat46_rewrite46(struct nat46_pkt *p, const struct nat46_session *s);
void nat46_rewrite64(struct nat46_pkt *p, struct nat46_session *s);
enum nat46_reason nat46_icmp46(struct nat46_pkt *p, const struct nat46_session *s,
			       const struct dst_entry *dst, struct dst_entry *dst4);
enum nat46_reason nat46_icmp64(struct nat46_pkt *p, const struct nat46_session *s,
			       const struct dst_entry *dst, struct dst_entry *dst6);

/* ---- cut.c: fragments that keep their number ---------------------------------- */

enum nat46_reason nat46_cut6(struct nat46_pkt *p, struct dst_entry *dst, unsigned int size);

/* ---- output.c ---------------------------------------------------------------- */

void nat46_route6_renew(struct nat46_session *s);
struct dst_entry *nat46_route6(struct nat46_session *s,
			       const struct sk_buff *from);
struct dst_entry *nat46_route4(struct nat46_session *s,
			       const struct sk_buff *skb);
unsigned int nat46_fragment_size6(const struct nat46_pkt *p);
void nat46_send6(struct nat46_pkt *p, struct dst_entry *dst);
void nat46_send4(struct nat46_pkt *p, struct dst_entry *dst);
bool nat46_send4_local(struct nat46_pkt *p, const struct nat46_session *s);
void nat46_icmp4_error(struct nat46_pkt *p, u8 type, u8 code, u32 info);
void nat46_icmp6_error(struct nat46_pkt *p, u8 type, u8 code, u32 info);

/* ---- direct.c: past the hooks, straight to the neighbour ----------------------- */

bool nat46_direct6(struct sk_buff *skb, struct dst_entry *dst, unsigned int mtu);
bool nat46_direct4(struct sk_buff *skb, struct dst_entry *dst);

/* ---- neigh.c: neighbours that ask for an address of a source ------------------- */

unsigned int nat46_neigh_in(const struct nat46_pkt *p);

/* ---- tell.c -------------------------------------------------------------------- */

void nat46_tell_client(struct nat46_pkt *p, enum nat46_reason r);

/* ---- mss.c --------------------------------------------------------------------- */

void nat46_mss_clamp(struct nat46_pkt *p, struct nat46_session *s);

/* ---- segment.c: TCP segments of our own ---------------------------------------- */

void nat46_tcp_reset(struct nat46_pkt *p);
void nat46_tcp_probe(struct nat46_session *s, const struct nat46_conf *conf);

/* ---- conf.c, restore.c: changes; may sleep, take nn->lock --------------------- */

int nat46_conf_net_init(struct nat46_net *nn);
/* after the hooks are off and a grace period */
void nat46_conf_net_exit(struct nat46_net *nn);

/* ---- follow.c: told by notifiers; may sleep, take nn->lock ----------------------- */

/* a device or address has gone: end what leant on it */
void nat46_conf_dev_gone(struct nat46_net *nn, const struct net_device *dev);
/* a device has come, or has another name: RTNL held */
void nat46_conf_dev_named(struct nat46_net *nn, const struct net_device *dev);

/* ---- netlink.c ------------------------------------------------------------------ */

int nat46_netlink_init(void);
void nat46_netlink_exit(void);

#endif /* _NF_NAT46_H */
