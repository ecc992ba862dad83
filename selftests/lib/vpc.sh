# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# An EKS node of an IPv4 cluster, as its vpc-cni sets it up, in its VPC. Sourced
# after net.sh, whose names it takes over; vpc_up makes it.
#
#   pod   10.0.0.10/32 --- eni1 \       ens5 10.0.0.9, 2001:db8:1::9 (primary)  \
#   pod2  10.0.2.11/32 --- eni2 - node                                           router --- internet6
#   dns   10.0.2.12/32 --- eni3 /       ens6 10.0.2.9 (secondary, IPv4 only)    /   |
#                                                           10.0.0.2 the VPC's resolver
#                                                           10.0.9.80 a host of the VPC, or a pod of another node
#                                                           203.0.113.80 a host of the IPv4 Internet
#
# pod's address belongs to the primary network interface, the others' to the
# secondary one, which has a table of its own. The router is the VPC: it drops what
# a network interface sends with an address that is not its own, and has jumbo
# frames; the Internet has not.

# shellcheck disable=SC2034 # for who sources this
NODE4=10.0.0.9
POD4=10.0.0.10
POD24=10.0.2.11
DNS4=10.0.2.12
VPC_HOST=10.0.9.80
OUTSIDE=203.0.113.80
CLUSTER_DNS=10.100.0.10	# the Service kube-dns
SERVICE=10.100.0.20	# a Service of pod2's, port 80
VPC_NETNS="node router internet6 pod pod2 dns"

# vpc_pod NETNS ADDR IFACE [TABLE]: what the CNI plugin does for a pod; TABLE: of its
# secondary network interface
vpc_pod() {
	ip netns add "$1"
	ip -n "$1" link add eth0 mtu 9001 type veth peer name "$3" mtu 9001 netns node
	pod_side "$1" "$2" "$3"
	ip -n node -batch - <<-END
		link set $3 up
		route add $2/32 dev $3 scope link
		rule add pref 512 to $2/32 lookup main
	END
	[ -z "${4-}" ] || ip -n node rule add pref 1536 from "$2/32" lookup "$4"
}

# vpc_rules: the node's rules, as ipamd writes them with its defaults
vpc_rules() {
	sed "s/-i wan/-i ens5/; s/192\.0\.2\.9/$NODE4/" "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../rulesets/vpc-cni.rules" |
		in_node iptables-restore -n
}

# vpc_services: two Services, in the shape of kube-proxy's rules: the cluster's DNS,
# and port 8080 of pod2, which is NodePort 30080 as well
vpc_services() {
	local ipt="ip netns exec node iptables" p
	$ipt -t filter -N KUBE-FORWARD
	$ipt -t filter -A FORWARD -j KUBE-FORWARD
	$ipt -t filter -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
	$ipt -t nat -N KUBE-SERVICES
	$ipt -t nat -N KUBE-MARK-MASQ
	$ipt -t nat -N KUBE-NODEPORTS
	$ipt -t nat -N KUBE-POSTROUTING
	$ipt -t nat -N KUBE-SEP-DNS
	$ipt -t nat -N KUBE-SEP-WEB
	$ipt -t nat -I PREROUTING -j KUBE-SERVICES
	$ipt -t nat -I OUTPUT -j KUBE-SERVICES
	$ipt -t nat -I POSTROUTING -j KUBE-POSTROUTING
	$ipt -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
	$ipt -t nat -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
	$ipt -t nat -A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
	$ipt -t nat -A KUBE-POSTROUTING -j MASQUERADE --random-fully
	for p in udp tcp; do
		$ipt -t nat -A KUBE-SERVICES -d $CLUSTER_DNS/32 -p $p --dport 53 -j KUBE-SEP-DNS
		$ipt -t nat -A KUBE-SEP-DNS -p $p -j DNAT --to-destination $DNS4:53
	done
	$ipt -t nat -A KUBE-SERVICES -d $SERVICE/32 -p tcp --dport 80 -j KUBE-SEP-WEB
	$ipt -t nat -A KUBE-SEP-WEB -s $POD24/32 -j KUBE-MARK-MASQ
	$ipt -t nat -A KUBE-SEP-WEB -p tcp -j DNAT --to-destination $POD24:8080
	$ipt -t nat -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
	$ipt -t nat -A KUBE-NODEPORTS -p tcp --dport 30080 -j KUBE-SEP-WEB
}

# eni NUMBER SUBNET: a network interface of the node, with the VPC's end of it
eni() {
	ip -n node link add "ens$1" mtu 9001 type veth peer name "lan$1" mtu 9001 netns router
	ip -n router link set "lan$1" up
	ip -n router addr add "$2.1/24" dev "lan$1"
	ip -n node link set "ens$1" up
	ip -n node addr add "$2.9/24" dev "ens$1"
}

vpc_up() {
	local n
	for n in node router internet6; do
		[ -e /run/netns/$n ] || ip netns add $n
		ip -n $n link set lo up
	done
	eni 5 10.0.0
	eni 6 10.0.2
	wire router out internet6 eth0
	ip netns exec node sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=0 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.ens5.rp_filter=2
	ip netns exec router sysctl -qw net.ipv6.conf.all.forwarding=1
	ip -n router -batch - <<-END
		link set out up
		addr add 2001:db8:1::1/64 dev lan5 nodad
		addr add 2001:db8:9::1/64 dev out nodad
		addr add 10.0.0.2/32 dev lo
		addr add $VPC_HOST/32 dev lo
		addr add $OUTSIDE/32 dev lo
		route add $POD4/32 via 10.0.0.9
		route add $POD24/32 via 10.0.2.9
		route add $DNS4/32 via 10.0.2.9
	END
	ip -n internet6 -batch - <<-END
		link set eth0 up
		addr add $SERVER6/64 dev eth0 nodad
		route add default via 2001:db8:9::1
	END
	# the secondary one: its subnet's route gives way to a table of its own
	ip -n node -batch - <<-END
		addr add $NODE6/64 dev ens5 nodad
		route add default via 2001:db8:1::1 dev ens5
		route add default via 10.0.0.1 dev ens5
		route add 10.0.2.1 dev ens6 scope link table 2
		route add default via 10.0.2.1 dev ens6 table 2
		route del 10.0.2.0/24 dev ens6
		rule add pref 1024 fwmark 0x80/0x80 lookup main
		rule add pref 32765 from 10.0.2.9 lookup 2
	END
	vpc_pod pod $POD4 eni1
	vpc_pod pod2 $POD24 eni2 2
	vpc_pod dns $DNS4 eni3 2
	vpc_rules && vpc_services || return 1
	# what a network interface may send
	ip netns exec router nft -f - <<-END
		table inet vpc {
			counter foreign { }
			chain check {
				type filter hook prerouting priority -300;
				iifname lan5 ip saddr != { $NODE4, $POD4 } counter name foreign drop
				iifname lan6 ip saddr != { 10.0.2.9, $POD24, $DNS4 } counter name foreign drop
				iifname lan5 ip6 saddr != { $NODE6, fe80::/10, ::/128 } counter name foreign drop
				iifname lan6 ip6 saddr != { fe80::/10, ::/128 } counter name foreign drop
			}
		}
	END
	wait_for 10 in_node ping -6 -q -c1 -W1 $SERVER6
}

vpc_down() {
	local n
	for n in $VPC_NETNS; do ip netns del "$n" 2>/dev/null; done
	return 0
}

# vpc_foreign: packets that the VPC has dropped for their source
vpc_foreign() { in_router nft list counter inet vpc foreign | grep -o 'packets [0-9]*'; }

# resolver NETNS ADDR MORE: unbound there
resolver() {
	cat >"$SRV/unbound-$1.conf" <<-END
		server:
			interface: $2
			do-daemonize: no
			chroot: ""
			username: ""
			directory: "$SRV"
			pidfile: "$SRV/unbound-$1.pid"
			use-syslog: no
			do-not-query-localhost: no
			module-config: "iterator"
			access-control: 0.0.0.0/0 allow
			num-threads: 1
			$3
		remote-control:
			control-enable: no
		$4
	END
	spawn "$1" unbound -d -c "$SRV/unbound-$1.conf"
	wait_for 10 listens "$1" 53
}

# vpc_dns: the VPC's resolver, and the cluster's DNS in a pod in front of it
vpc_dns() {
	resolver router 10.0.0.2 'local-zone: "example." nodefault
			local-zone: "ec2.internal." static
			local-zone: "18.198.in-addr.arpa." static' "stub-zone:
			name: example
			stub-addr: $SERVER6" &&
	resolver dns $DNS4 'local-zone: "cluster.local." static
			local-data: "kubernetes.default.svc.cluster.local. A 10.100.0.1"
			local-zone: "example." nodefault' "forward-zone:
			name: .
			forward-addr: 10.0.0.2" &&
		wait_for 60 in_pod2 dig +tries=1 +time=2 @$CLUSTER_DNS v6only.example AAAA
}

# vpc_resolv NETNS: what kubelet writes into a pod
vpc_resolv() {
	mkdir -p "/etc/netns/$1"
	cat >"/etc/netns/$1/resolv.conf" <<-END
		search default.svc.cluster.local svc.cluster.local cluster.local ec2.internal
		nameserver $CLUSTER_DNS
		options ndots:5
	END
}
