#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# NAPT on the node's own address: sessions beside the node's connections and
# masqueraded flows of other pods, all to one server and from the same ports; and
# what the tool says of ports that are not for a source. In a guest:
#   selftests/vm/run --kind uml --mem 2048 -- 'exec bash $NAT46_SRC/selftests/ports.sh'
# N: sessions (default 10000); a fifth as many connections of the node; and as
# many masqueraded flows as these.
here=$(dirname "$(realpath "$0")")
. "$here/nat46.sh"
N=${N:-10000}

insmod "$NAT46_KO" || { not_ok "insmod"; finish; }
net_up || { not_ok "the network comes up"; finish; }
trap 'ip netns del pod6; net_down; rmmod nf_nat46' EXIT
n46 pool add 198.18.0.0/16

note "ports that the host gives out are not for a source"
# refused WHAT WORDS...: by one line that has WHAT, with status 2
refused() {
	local what=$1 out rc
	shift
	out=$(n46 "$@" 2>&1)
	rc=$?
	[ $rc = 2 ] && [ "$(wc -l <<<"$out")" = 1 ] && grep -q -- "$what" <<<"$out" || { echo "$rc $out"; return 1; }
}
check "by default none of them is" n46 source add dev wan
n46 source del dev wan
check "ip_local_port_range" refused 'ip_local_port_range 32768-60999.*: 60000-61999$' source add dev wan ports 61000-65535,60000-61999
check "NodePorts" refused 'NodePorts 30000-32767.*: 32000-32100$' source add dev wan ports 32000-32100
check "a range that was made wider meets the default" eval 'in_node sysctl -qw net.ipv4.ip_local_port_range="15000 60999"
	refused "ip_local_port_range 15000-60999.*: 10000-29999" source add dev wan'
check "... and an address of the host's the same" refused 'ip_local_port_range' source add addr $NODE6
check "... but no other address" n46 source add addr 2001:db8:1:46::1
n46 source del addr 2001:db8:1:46::1
in_node sysctl -qw net.ipv4.ip_local_reserved_ports=10000-29998
check "... until all of it is reserved" refused ': 10000-29999' source add dev wan
in_node sysctl -qw net.ipv4.ip_local_reserved_ports=8080,10000-29999
check "reserved ports are for it" n46 source add dev wan
n46 save >/run/conf
in_node sysctl -qw net.ipv4.ip_local_reserved_ports=
n46 source del dev wan
# at boot nobody says "force": told, and done
check "a restore warns" eval 'grep -q "^nat46: /run/conf:[0-9]*: warning: .*ip_local_port_range.*: 10000-29999$" <<<"$(n46 restore /run/conf 2>&1)"'
like "... and is done" '^dev wan' "$(n46 source)"
sed -i 's/^source .*/& force/' /run/conf
same "... with the word it is silent" "" "$(n46 restore /run/conf 2>&1)"
n46 source del dev wan
check "and force overrules" n46 source add dev wan force
in_node sysctl -qw net.ipv4.ip_local_port_range="10000 65535" net.ipv4.ping_group_range="0 0"

# an IPv6 pod, that the node masquerades as kube-proxy does
ip netns add pod6
wire pod6 eth0 node eni6
ip -n pod6 -batch - <<-'EOF'
	link set lo up
	link set eth0 up
	addr add fd46::10/64 dev eth0 nodad
	route add default via fd46::1
EOF
ip -n node link set eni6 up
ip -n node addr add fd46::1/64 dev eni6 nodad
in_node sysctl -qw net.ipv6.conf.all.forwarding=1
sysctl -qw net.netfilter.nf_conntrack_max=600000 # the whole machine's
in_node sysctl -qw net.netfilter.nf_conntrack_udp_timeout=300
for ns in pod node pod6 internet6; do
	ip netns exec $ns sysctl -qw net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_fin_timeout=5
done
# the pod's sockets choose no port; neighbours by the thousand there are none
in_node nft -f - <<-'EOF'
	table ip6 masq {
		chain post { type nat hook postrouting priority 100; oifname wan ip6 saddr fd46::/64 masquerade fully-random; }
	}
EOF
n46 -b - <<-EOF
	map add 198.18.0.7 to $SERVER6
	param set timeout-udp 600
EOF

# beside MODE: all of them at once
beside() {
	local line ended=
	while read -r line; do
		case $line in
		ok*) ok "$1: ${line#* - }" ;;
		'not ok'*) not_ok "$1: ${line#*- }" ;;
		*) echo "$line"; [[ $line != "# "*" seconds" ]] || ended=1 ;;
		esac
	done < <(python3 "$here/lib/ports.py" "$N" $((N / 5)) $((N / 5 / 5)) 2>&1)
	[ -n "$ended" ] || not_ok "$1: it came to its end"
}
note "track6 off"
beside "track6 off"
check "a packet that NAT gave a session's port was refused, under a name" test "$(drops port-clash)" -gt 0
same "no session lacked a port" 0 "$(drops no-port)"
n46 session flush all >/dev/null
in_node conntrack -F >/dev/null 2>&1

note "track6 on"
n46 param set track6 on
before=$(drops port-clash)
beside "track6 on"
same "NAT keeps clear of them itself" "$before" "$(drops port-clash)"
finish
