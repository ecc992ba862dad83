# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The network of the selftests and the demo. Sourced; net_up makes it.
#
#   pod   10.0.1.10/32 --- eni1 \
#                                node --- wan 2001:db8:1::9/64
#   pod2  10.0.1.11/32 --- eni2 /                |
#                                              router
#                                                |      (MTU 1500, or path_mtu)
#                                              router2
#                                                |
#                                 internet6 2001:db8:9::7/64, IPv6 only
#
# Pods are IPv4-only and wired as vpc-cni does it: a /32 address, a default
# route by 169.254.1.1 with a permanent neighbour, an "ip rule" to the pod on
# the node (512) and one from it (1536) to its ENI's table. IPv6 forwarding is
# off on the node.

NODE6=2001:db8:1::9
SERVER6=2001:db8:9::7
POD4=10.0.1.10
POD24=10.0.1.11

in_pod() { ip netns exec pod "$@"; }
in_pod2() { ip netns exec pod2 "$@"; }
in_node() { ip netns exec node "$@"; }
in_router() { ip netns exec router "$@"; }
in_server() { ip netns exec internet6 "$@"; }

# wire NETNS DEV NETNS DEV: joins them; a test may have better wires
wire() { ip -n "$1" link add "$2" type veth peer name "$4" netns "$3"; }

# pod_side NETNS ADDR DEV: the pod's side of a wire to the node's DEV
pod_side() {
	local mac
	mac=$(in_node cat "/sys/class/net/$3/address")
	ip netns exec "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	ip -n "$1" -batch - <<-END
		link set lo up
		link set eth0 up
		addr add $2/32 dev eth0
		route add 169.254.1.1 dev eth0 scope link
		route add default via 169.254.1.1 dev eth0
		neigh add 169.254.1.1 lladdr $mac dev eth0 nud permanent
	END
}

# add_pod NETNS ADDR IFACE TABLE
add_pod() {
	ip netns add "$1"
	wire "$1" eth0 node "$3"
	pod_side "$1" "$2" "$3"
	ip -n node -batch - <<-END
		link set $3 up
		route add $2/32 dev $3 scope link
		rule add pref 512 to $2/32 lookup main
		rule add pref 1536 from $2/32 lookup $4
		route add unreachable default table $4 metric 4278198272
	END
}

# second_link DEV: another one of the node's to the router
second_link() {
	wire node "$1" router lan2
	ip -n node -batch - <<-END
		link set $1 up
		addr add 2001:db8:3::9/64 dev $1 nodad
	END
	ip -n router -batch - <<-END
		link set lan2 up
		addr add 2001:db8:3::1/64 dev lan2 nodad
	END
}

# far_up DEV: the node, and all that is behind its device DEV
far_up() {
	local n wan=$1
	for n in node router router2 internet6; do
		ip netns add $n
		ip -n $n link set lo up
	done
	wire node "$wan" router lan
	wire router mid router2 mid
	wire router2 out internet6 eth0
	ip netns exec router sysctl -qw net.ipv6.conf.all.forwarding=1
	ip netns exec router2 sysctl -qw net.ipv6.conf.all.forwarding=1
	ip -n node -batch - <<-END
		link set $wan up
		addr add $NODE6/64 dev $wan nodad
		route add default via 2001:db8:1::1 dev $wan
	END
	ip -n router -batch - <<-END
		link set lan up
		link set mid up
		addr add 2001:db8:1::1/64 dev lan nodad
		addr add 2001:db8:2::1/64 dev mid nodad
		route add default via 2001:db8:2::2 dev mid
	END
	ip -n router2 -batch - <<-END
		link set mid up
		link set out up
		addr add 2001:db8:2::2/64 dev mid nodad
		addr add 2001:db8:9::1/64 dev out nodad
		route add default via 2001:db8:2::1 dev mid
	END
	ip -n internet6 -batch - <<-END
		link set eth0 up
		addr add $SERVER6/64 dev eth0 nodad
		route add default via 2001:db8:9::1 dev eth0
	END
}

net_up() {
	far_up wan
	ip netns exec node sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=0 net.ipv4.conf.all.rp_filter=1
	ip -n node addr add 192.0.2.9/24 dev wan
	add_pod pod $POD4 eni1 10
	add_pod pod2 $POD24 eni2 11
	wait_for 10 in_node ping -6 -q -c1 -W1 $SERVER6
}

net_down() {
	local n
	for n in pod pod2 node router router2 internet6; do
		ip netns del $n 2>/dev/null
	done
	return 0
}

# path_mtu MTU: of the link in the middle; both ends stay at 1500
path_mtu() {
	ip -n router link set mid mtu "$1"
	ip -n router2 link set mid mtu "$1"
}
