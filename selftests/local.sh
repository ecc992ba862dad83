#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The node's own processes, behind a firewall that lets in what is established:
# TCP, UDP, ping; bound sockets; errors that sockets hear of. In a guest:
#   selftests/vm/run --kind uml -- 'exec bash $NAT46_SRC/selftests/local.sh'
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/servers.sh"
. "$here/nat46.sh"
MAPPED=198.18.0.7
ALSO=198.18.0.8

page() { in_node "$@" curl -4 -s -m 8 -o /dev/null -w '%{http_code}' http://$MAPPED/; }
forget() { in_node conntrack -F >/dev/null 2>&1; n46 session flush all >/dev/null; }
entries() { in_node conntrack -L -f "$1" 2>/dev/null | grep -c -- "$2"; }
sock() { in_node timeout 30 python3 "$here/lib/sockets.py" "$@"; }

nat46_guest_up
in_server sysctl -qw net.ipv4.tcp_synack_retries=0
n46 -b - <<-END
	pool add 198.18.0.0/16
	source add dev wan
	map add $MAPPED to $SERVER6
	map add $ALSO to 2001:db8:9::8
END
# deprecated: the wildcard servers keep answering from the first address
ip -n internet6 addr add 2001:db8:9::8/64 dev eth0 nodad preferred_lft 0
spawn internet6 python3 "$here/lib/udp.py" serve 4433
for addr in $SERVER6 2001:db8:9::8; do spawn internet6 python3 "$here/lib/sockets.py" serve $addr 4434; done
check "servers of datagrams" wait_for 20 eval "listens internet6 4433 && [ \$(ip netns exec internet6 ss -Hlnu 'sport = :4434' | wc -l) = 2 ]"
in_node nft -f - <<-END
	table ip fw {
		chain input {
			type filter hook input priority 0; policy drop;
			iif lo accept
			ct state established,related counter accept
			counter
		}
		chain output { type filter hook output priority 0; policy drop; ct state new,established,related accept; }
	}
	table ip6 fw {
		chain input { type filter hook input priority 0; policy drop; iif lo accept; ct state established,related accept; icmpv6 type { 133-137 } accept; }
	}
	table inet watch {
		chain i { type filter hook input priority -140; ct state invalid counter; }
		chain o { type filter hook output priority -140; ct state invalid counter; }
		chain p { type filter hook prerouting priority -140; ct state invalid counter; }
		chain q { type filter hook postrouting priority -140; ct state invalid counter; }
	}
END
invalid() { in_node nft list table inet watch | grep -c 'packets [1-9]'; }

note "each flow has its one entry in IPv4, none in IPv6"
forget
same "TCP" 200 "$(page)"
same "... entries" "1 0" "$(entries ipv4 "tcp.*dst=$MAPPED.*ASSURED") $(entries ipv6 "dst=$SERVER6")"
forget
check "UDP" eval "in_node dig +time=2 +tries=2 @$MAPPED v6only.example aaaa | grep -q NOERROR"
same "... entries" "1 0" "$(entries ipv4 "udp.*dst=$MAPPED") $(entries ipv6 "dst=$SERVER6")"
forget
check "ping" in_node ping -q -c2 -i0.2 -W2 -s 3000 $MAPPED
same "... entries" "1 0" "$(entries ipv4 "icmp.*dst=$MAPPED") $(entries ipv6 "dst=$SERVER6")"

note "sockets"
check "a connected one: datagrams of all sizes" in_node python3 "$here/lib/udp.py" ask $MAPPED 4433 20 4 9000
check "an unconnected one: answers come from where they were asked" sock unconnected $MAPPED $ALSO 4434
check "one of a fixed port, to two targets" sock unconnected --port 5353 $MAPPED $ALSO 4434
head -c 4M /dev/urandom >"$SRV/www/big"
in_node tcpdump -Z root --immediate-mode -nni wan -c 20 'ip6 and greater 4000 and tcp dst port 80' >/run/big.up 2>/dev/null &
tap=$!
sleep 0.5
same "4 MB up" "$(sha256sum <"$SRV/www/big")" "$(in_node curl -4 -s -m 30 -T "$SRV/www/big" http://$MAPPED/up/big >/dev/null; sha256sum <"$SRV/www/up/big")"
check "... whole chunks leave (TSO)" wait_for 2 test -s /run/big.up
kill $tap 2>/dev/null
same "4 MB down" "$(sha256sum <"$SRV/www/big")" "$(in_node curl -4 -s -m 30 http://$MAPPED/big | sha256sum)"
same "by a bound device" 200 "$(in_node curl -4 -s -m 8 --interface wan -o /dev/null -w '%{http_code}' http://$MAPPED/)"
check "... ping" in_node ping -q -c1 -W2 -I wan $MAPPED
in_node sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
same "... without reverse-path filters" 200 "$(in_node curl -4 -s -m 8 --interface wan -o /dev/null -w '%{http_code}' http://$MAPPED/)"
in_node sysctl -qw net.ipv4.conf.all.rp_filter=1
refute "a client that says it were us has no share in it" in_pod python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
from scapy.all import IP, ICMP
s.sendto(bytes(IP(src='192.0.2.9', dst='$MAPPED') / ICMP(id=7)), ('$MAPPED', 0))
raise SystemExit(1)"
check "... it is refused by name" test "$(drops src-check)" -gt 0

note "errors"
check "UDP to a closed port: ECONNREFUSED" sock refused $MAPPED 9
same "TCP to one" 7 "$(in_node curl -4 -s -m 5 http://$MAPPED:81/; echo $?)"
check "no mapping: TCP's connect is EHOSTUNREACH" sock unreachable tcp 198.18.0.99 80
check "... UDP's send" sock unreachable udp 198.18.0.99 80
ip -n node -6 route del default
forget
check "no route: TCP's connect" sock unreachable tcp $MAPPED 80
check "... UDP's send" sock unreachable udp $MAPPED 80
ip -n node -6 route add default via 2001:db8:1::1 dev wan
forget
in_router ip -6 route add unreachable 2001:db8:9::/64 metric 1
check "a router says so: TCP's connect" sock unreachable tcp $MAPPED 80
check "... UDP hears of it" sock unreachable udp $MAPPED 4433
in_router ip -6 route del unreachable 2001:db8:9::/64 metric 1
forget
ip -n node link set wan mtu 1400
check "too big for our own link: EMSGSIZE, and the MTU" sock toobig $MAPPED 4433 1380
ip -n node link set wan mtu 1500
forget
path_mtu 1300
check "too big for the path: the same" sock toobig $ALSO 4434 1280
path_mtu 1500
forget

note "a hostNetwork pod: the node's network, all else its own"
mkdir -p /sys/fs/cgroup/kubepods
pod() { ( echo 0 >/sys/fs/cgroup/kubepods/cgroup.procs; exec nsenter --net=/run/netns/node unshare -m -C -u -i -p -f "$@" ); }
same "a page" 200 "$(pod curl -4 -s -m 8 -o /dev/null -w '%{http_code}' http://$MAPPED/)"
check "ping" pod ping -q -c1 -W2 $MAPPED

same "none of it was invalid" 0 "$(invalid)"
finish
