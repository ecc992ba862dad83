#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pods of real CNI plugins (Debian's containernetworking-plugins), run by their
# binaries: ptp; bridge with br_netfilter as hosts have it; macvlan and ipvlan,
# which pass the node's hooks by. Pods are there, and talk, before the module is.
# ONLY: parts of it, of "bridge ptp direct". ALL=1: each with and without ipMasq,
# br_netfilter and bridge-nf-call-iptables (minutes).
# In a guest: selftests/vm/run --kind uml -- 'exec bash $NAT46_SRC/selftests/cni.sh'
. "${NAT46_SRC:?}/selftests/demo/net"
. "$here/pods.sh"
CNI=$here/lib/cni.py
OUTSIDE=203.0.113.80
conf=/run/conflist.json

cni() { in_node python3 "$CNI" "$@"; }

# address NETNS: what its plugin has given it
address() { ip -n "$1" -j -4 addr show dev eth0 | python3 -c 'import json, sys
print([a for i in json.load(sys.stdin) for a in i.get("addr_info", [])][0]["local"])'; }

# list PLUGIN[,PLUGIN...]: the network's configuration
list() { echo '{"cniVersion": "1.0.0", "name": "net", "plugins": ['"$1"']}' >$conf; }

# pod_add NETNS [RUNTIMECONFIG]
pod_add() {
	ip netns add "$1"
	ip netns exec "$1" sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
	check "$what: ADD $1" cni add "$1" $conf "${2:-{\}}"
	use_relay "$1"
}

pod_del() {
	check "$what: DEL $1" cni del "$1" $conf "${2:-{\}}"
	ip netns del "$1"
}

# others: what all other traffic of the pods looks like
others() {
	echo "outside by TCP as $(told c1 tcp $OUTSIDE), by UDP as $(told c1 udp $OUTSIDE)"
	echo "pod to pod by TCP as $(told c1 tcp "$a2"), by UDP as $(told c2 udp "$a1")"
	echo "node to pod as $(told node tcp "$a1")"
	echo "pod to node as $(told c1 tcp 192.0.2.9)"
	[ -z "$ports" ] || echo "outside to the host's port as $(told router tcp 192.0.2.9 8081)"
	ip netns exec c1 ping -q -c1 -W2 "$a2" >/dev/null && echo "pod to pod by ping"
	ip netns exec c1 ping -q -c1 -W2 $OUTSIDE >/dev/null && echo "outside by ping"
}

# network WHAT AS PLUGINS [RUNTIMECONFIG]: two pods before the module is loaded, then
# with it. AS: whom the outside must see, "node" or "pod".
network() {
	local what=$1 as=$2 ports=${4-} a1 a2 before servers
	list "$3"
	pod_add c1 "${ports:-}"
	pod_add c2
	a1=$(address c1) a2=$(address c2)
	servers=$SERVER_PIDS SERVER_PIDS=
	who_serves c1 && who_serves c2 || not_ok "$what: servers in the pods"
	[ "$as" = pod ] && as=$a1 || as=192.0.2.9
	before=$(others)
	like "$what: the outside sees $as" "^outside by TCP as $as, by UDP as $as$" "$before"
	hold c1 $OUTSIDE || not_ok "$what: a connection to hold"

	nat46_load wan
	relay_up
	wait_for 60 grep -q 'synthesis is up' $RELAY_DIR/log || not_ok "$what: synthesis is up"
	by_name c1 "$what"
	check "$what: the other pod as well" ip netns exec c2 ping -4 -q -c1 -W2 v6only.example
	same "$what: all other traffic is as it was" "$before" "$(others)"
	held "$what: a connection from before lives on"
	same "$what: nothing was dropped" "" "$(n46 stats | grep '^drop ')"
	relay_down
	rm -rf $RELAY_DIR/state
	nat46_unload
	servers_down
	SERVER_PIDS=$servers
	pod_del c1 "${ports:-}"
	pod_del c2
}

net_up || { not_ok "the network comes up"; finish; }
trap 'relay_down; servers_down; net_down; ip netns del c1 2>/dev/null; ip netns del c2 2>/dev/null; rmmod nf_nat46 2>/dev/null' EXIT
nginx_up && nsd_up && unbound_up || { not_ok "the servers start"; finish; }
head -c 1000000 /dev/urandom >"$SRV/www/big"
# an IPv4 Internet behind the router, which knows the way to the pods
ip -n router addr add 192.0.2.1/24 dev lan
ip -n router addr add $OUTSIDE/32 dev lo
ip -n router route add 10.22.0.0/16 via 192.0.2.9
ip -n node route add default via 192.0.2.1
who_serves router
who_serves node
relay_conf
lsmod | grep -q br_netfilter && not_ok "br_netfilter is not there yet"

ipam='"ipam": {"type": "host-local", "subnet": "10.22.0.0/16", "routes": [{"dst": "0.0.0.0/0"}]}'
bridge='{"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true, '$ipam', "ipMasq":'

part_ptp() {
	[ -z "${ALL-}" ] || network "ptp" pod '{"type": "ptp", "ipMasq": false, '"$ipam"'}'
	in_node iptables -P FORWARD DROP
	network "ptp, ipMasq, portmap, firewall" node '{"type": "ptp", "ipMasq": true, '"$ipam"'},
		{"type": "portmap", "capabilities": {"portMappings": true}}, {"type": "firewall", "backend": "iptables"}' \
		'{"portMappings": [{"hostPort": 8081, "containerPort": 8080, "protocol": "tcp"}]}'
	in_node iptables -P FORWARD ACCEPT
}

# nf_call VALUE: what iptables sees of what a bridge forwards
nf_call() {
	in_node sysctl -qw net.bridge.bridge-nf-call-iptables="$1" net.bridge.bridge-nf-call-ip6tables="$1" \
		net.bridge.bridge-nf-call-arptables="$1" || not_ok "bridge-nf-call-iptables $1"
}

part_bridge() {
	if [ -n "${ALL-}" ]; then
		network "bridge" pod "$bridge false}"
		network "bridge, ipMasq" node "$bridge true}"
	fi
	modprobe br_netfilter || not_ok "modprobe br_netfilter"
	nf_call 1
	network "bridge, bridge-nf-call-iptables 1, ipMasq" node "$bridge true}"
	[ -n "${ALL-}" ] || return
	network "bridge, bridge-nf-call-iptables 1" pod "$bridge false}"
	nf_call 0
	network "bridge, bridge-nf-call-iptables 0" pod "$bridge false}"
	network "bridge, bridge-nf-call-iptables 0, ipMasq" node "$bridge true}"
}

# ---- what passes the node by, and the ways out
# page NETNS: by a mapped address
page() { ip netns exec "$1" curl -4 -s -m 3 -o /dev/null -w '%{http_code}' http://198.18.0.7/; }

part_direct() {
	local range kind what mode
	nat46_load wan
	n46 map add 198.18.0.7 to $SERVER6
	n46 policy add deny 2001:db8:1::/64
	ip -n node route add unreachable 198.18.0.0/16 metric 4294967294 proto 46
	ip -n node link add shim link wan type macvlan mode bridge
	ip -n node link set shim up
	ip -n node addr add 192.0.2.10/32 dev shim
	range='"ipam": {"type": "host-local", "subnet": "192.0.2.0/24", "rangeStart": "192.0.2.50", "rangeEnd": "192.0.2.60",
		"gateway": "192.0.2.1", "routes": [{"dst": "0.0.0.0/0"}]}'
	for kind in macvlan ipvlan; do
		what=$kind
		mode=$([ $kind = macvlan ] && echo bridge || echo l2)
		list '{"type": "'$kind'", "master": "wan", "mode": "'$mode'", '"$range"'}'
		pod_add c1
		same "$kind: IPv4 as ever" "$(address c1)" "$(told c1 tcp $OUTSIDE)"
		same "$kind: the node never sees its packets: no answer" 000 "$(page c1)"
		same "$kind: ... nor made it a session" 0 "$(count)"
		like "$kind: check says so" "^warn *pods *1 with $kind (c1)" "$(n46 check dns 192.0.2.9)"
		if [ $kind = macvlan ]; then
			ip -n node route add "$(address c1)/32" dev shim
			ip -n c1 route add 198.18.0.0/16 via 192.0.2.10
			same "macvlan: by a macvlan device of the node's own" 200 "$(page c1)"
			ip -n c1 route del 198.18.0.0/16
			n46 session flush all >/dev/null
		fi
		nat46 -n router -b - <<-END
			pool add 198.18.0.0/16
			source add dev mid
			map add 198.18.0.7 to $SERVER6
		END
		same "$kind: by a gateway" 200 "$(page c1)"
		nat46 -n router session flush all >/dev/null
		nat46 -n router pool del 198.18.0.0/16 force
		nat46 -n router source del dev mid
		same "... and not without it" 000 "$(page c1)"
		# IPv6 of the pod's own, which its program need not know of
		ip netns exec c1 sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.eth0.disable_ipv6=0
		ip -n c1 addr add 2001:db8:1::50/64 dev eth0 nodad
		ip -n c1 route add default via 2001:db8:1::1
		nat46 -n c1 -b - <<-END
			pool add 198.18.0.0/16
			source add dev eth0
			map add 198.18.0.7 to $SERVER6
		END
		same "$kind: by a pool in its own namespace" 200 "$(page c1)"
		pod_del c1
		[ $kind = ipvlan ] || ip -n node link del shim # one kind alone has a parent
	done
}

for part in ${ONLY:-bridge ptp direct}; do "part_$part"; done
finish
