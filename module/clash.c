// SPDX-License-Identifier: GPL-2.0
/*
 * clash.c: sessions on an address that the host has too. None gets the address
 * and port of a flow that is there: of a socket, or of what is masqueraded on that
 * address. Nor does a flow that NAT of this host begins later get a session's.
 */
#include <linux/netfilter.h>
#include <linux/netfilter_ipv6.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/l3mdev.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "compat.h"
#include "nf_nat46.h"
#include "session.h"

/*
 * The device by which answers come, as far as one can know: which addresses are
 * the host's there, and which sockets hear, its VRF has a say in.
 */
static const struct net_device *way_back(const struct nat46_session *s)
{
	const struct dst_entry *dst = rcu_dereference(s->dst6);

	return dst ? dst->dev : NULL;
}

/*
 * A connection, or one that listens there: to any address of the target's. Mostly
 * no socket at all is bound to the port, which shows by the port's list.
 */
static bool socket_has(const struct nat46_session *s, const struct net_device *dev)
{
	const struct net_device *vrf = l3mdev_master_dev_rcu(dev);
	const int own = dev ? dev->ifindex : s->oif;
	const int dif = vrf ? vrf->ifindex : own, sdif = vrf ? own : 0;

	if (!nat46_port_bound(s->net, s->t6.proto, ntohs(s->t6.sport)))
		return false;
	if (s->t6.proto == IPPROTO_UDP)
		return nat46_udp6_lookup(s->net, &s->t6.daddr, s->t6.dport,
					 &s->t6.saddr, s->t6.sport, dif, sdif);
	return s->t6.proto == IPPROTO_TCP &&
	       nat46_tcp6_lookup(s->net, &s->t6.daddr, s->t6.dport,
				 &s->t6.saddr, s->t6.sport, dif, sdif);
}

/* What answers to a session look like to conntrack. */
static void answer_tuple(struct nf_conntrack_tuple *t, const struct nat46_tuple6 *t6)
{
	memset(t, 0, sizeof(*t));
	t->src.l3num = AF_INET6;
	t->src.u3.in6 = t6->daddr;
	t->dst.u3.in6 = t6->saddr;
	t->dst.dir = IP_CT_DIR_REPLY;
	if (t6->proto == IPPROTO_ICMP) {
		t->dst.protonum = IPPROTO_ICMPV6;
		t->src.u.icmp.id = t6->sport;
		t->dst.u.icmp.type = ICMPV6_ECHO_REPLY;
	} else {
		t->dst.protonum = t6->proto;
		t->src.u.all = t6->dport;
		t->dst.u.all = t6->sport;
	}
}

/*
 * Does NAT of this host have that tuple? What is not translated is a socket's,
 * or was a session's.
 */
static bool conntrack_has(const struct nat46_session *s)
{
	struct nf_conntrack_tuple_hash *h;
	struct nf_conntrack_tuple t;
	struct nf_conn *ct;
	bool has;

	if (!nat46_ct_count(s->net))
		return false;
	answer_tuple(&t, &s->t6);
	h = nf_conntrack_find_get(s->net, &nf_ct_zone_dflt, &t);
	if (!h)
		return false;
	ct = nf_ct_tuplehash_to_ctrack(h);
	has = ct->status & IPS_NAT_MASK;
	nf_ct_put(ct);
	return has;
}

/*
 * The first packet of a flow, its source translated: are its addresses and ports
 * those of a session? It is not sent then, nor does conntrack remember it, so that
 * its next try gets another port. Sessions that conntrack knows it keeps apart
 * itself.
 */
static unsigned int watch_nat(void *priv, struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	const struct nf_conntrack_tuple *answer;
	const struct nat46_conf *conf;
	const struct nat46_session *s;
	enum ip_conntrack_info info;
	const struct nf_conn *ct;
	struct nat46_tuple6 t6;
	struct nat46_net *nn;

	ct = nf_ct_get(skb, &info);
	if (!ct || info != IP_CT_NEW || nf_ct_is_confirmed(ct) || !(ct->status & IPS_SRC_NAT))
		return NF_ACCEPT;
	nn = nat46_pernet(state->net);
	conf = rcu_dereference(nn->conf);
	if (!conf || !atomic_read(&nn->sessions))
		return NF_ACCEPT;

	answer = &ct->tuplehash[IP_CT_DIR_REPLY].tuple;
	memset(&t6, 0, sizeof(t6));
	t6.saddr = answer->dst.u3.in6;
	t6.daddr = answer->src.u3.in6;
	t6.proto = answer->dst.protonum;
	if (nat46_has_ports(t6.proto)) {
		t6.sport = answer->dst.u.all;
		t6.dport = answer->src.u.all;
	} else if (t6.proto == IPPROTO_ICMPV6) {
		if (answer->dst.u.icmp.type != ICMPV6_ECHO_REPLY)
			return NF_ACCEPT;
		t6.proto = IPPROTO_ICMP;
		t6.sport = answer->src.u.icmp.id;
	}
	s = nat46_session_find6(nn, &t6, conf);
	if (likely(!s || s->track6))
		return NF_ACCEPT;
	nat46_drop(nn, NAT46_DROP_PORT_CLASH);
	return NF_DROP_ERR(-EADDRNOTAVAIL);
}

static const struct nf_hook_ops watch_ops = {
	.hook		= watch_nat,
	.pf		= NFPROTO_IPV6,
	.hooknum	= NF_INET_POST_ROUTING,
	.priority	= NF_IP6_PRI_NAT_SRC + 1,
};

/**
 * nat46_clash_work() - begin to look at what NAT chooses
 * @work: of a struct nat46_net
 *
 * Context: may sleep.
 */
void nat46_clash_work(struct work_struct *work)
{
	struct nat46_net *nn = container_of(work, struct nat46_net, clash_work);

	mutex_lock(&nn->lock);
	if (nn->hooks && !nn->watches_nat)
		WRITE_ONCE(nn->watches_nat, !nf_register_net_hook(nn->net, &watch_ops));
	mutex_unlock(&nn->lock);
}

/**
 * nat46_clash_leave() - look at it no more
 * @nn: a network namespace that sees no packets any more
 *
 * Context: may sleep, nn->lock held.
 */
void nat46_clash_leave(struct nat46_net *nn)
{
	if (nn->watches_nat)
		nf_unregister_net_hook(nn->net, &watch_ops);
	WRITE_ONCE(nn->watches_nat, false);
}

/**
 * nat46_clashes() - are a new session's address and port in use by this host?
 * @s: the session, complete, not hashed yet
 *
 * Only where the host has the address. Packets of others pay for the answer to
 * what begins later, so it is asked for where there is NAT at all.
 *
 * Context: RCU, softirq or process.
 * Return: whether answers to it would be somebody else's.
 */
bool nat46_clashes(const struct nat46_session *s)
{
	const struct net_device *dev = way_back(s);
	struct nat46_net *nn;

	if (!s->oif && !ipv6_chk_addr(s->net, &s->t6.saddr, dev, 0))
		return false;
	nn = nat46_pernet(s->net);
	if (unlikely(!READ_ONCE(nn->watches_nat)) && rcu_access_pointer(nf_nat_hook))
		schedule_work(&nn->clash_work);
	return socket_has(s, dev) || conntrack_has(s);
}
