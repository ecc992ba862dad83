#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The node's own processes, behind a firewall that lets in what is established:
# TCP, UDP, ping; bound sockets; errors that sockets hear of; routes by user, mark
# and VRF, as docs/local.md has them. In a guest:
#   selftests/vm/run --kind uml -- 'exec bash $NAT46_SRC/selftests/local.sh'
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/servers.sh"
. "$here/nat46.sh"
. "$here/recipes.sh"
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

note "tcp-midstream reset: a connection whose session is gone"
n46 param set tcp-midstream reset
was=$(drops tcp-midstream)
check "an ACK of nobody's is answered by an RST" sock stray $MAPPED 80
same "... tcp-midstream" $((was + 1)) "$(drops tcp-midstream)"
check "what is sent: ECONNRESET" sock reset $MAPPED 80 nat46 session flush all
check "... and conntrack forgot it, too" sock reset $MAPPED 80 sh -c "nat46 session flush all; conntrack -F"
check "... by a bound device" sock reset --device wan $MAPPED 80 nat46 session flush all
check "... tcp-midstream" test "$(drops tcp-midstream)" -gt $((was + 3))
same "the next one" 200 "$(page)"
n46 param reset tcp-midstream
forget

note "a hostNetwork pod: the node's network, all else its own"
mkdir -p /sys/fs/cgroup/kubepods
pod() { ( echo 0 >/sys/fs/cgroup/kubepods/cgroup.procs; exec nsenter --net=/run/netns/node unshare -m -C -u -i -p -f "$@" ); }
same "a page" 200 "$(pod curl -4 -s -m 8 -o /dev/null -w '%{http_code}' http://$MAPPED/)"
check "ping" pod ping -q -c1 -W2 $MAPPED

note "routes by user, by mark, and a VRF"
recipes_of docs/local.md
second_link wan2
ip -n router route add 2001:db8:77::/64 via $NODE6
in_node nft -f - <<-END
	table ip6 ways {
		counter wan { }
		counter wan2 { }
		chain post {
			type filter hook postrouting priority 0;
			ip6 daddr $SERVER6 oifname wan counter name wan
			ip6 daddr $SERVER6 oifname wan2 counter name wan2
		}
	}
END
# way COMMAND...: the status of a page that it gets, and by which device it went
way() {
	forget
	in_node nft reset counters table ip6 ways >/dev/null
	echo "$(page "$@") $(in_node nft list counters table ip6 ways | awk '/counter/ {n = $2} /packets [1-9]/ {print n}' | xargs)"
}
# said KEY... -- WORDS: these of explain's answer
said() {
	local keys=()
	while [ "$1" != -- ]; do keys+=("$1"); shift; done
	shift
	n46 -j explain "$@" | python3 -c 'import json, sys
d = json.load(sys.stdin)
print(*[d.get(k, "-") for k in sys.argv[1:]])' "${keys[@]}"
}
same "a source dev: by its device" "200 wan" "$(way)"
port=$(said sport6 -- $POD4 $MAPPED udp 4433 sport 40000)
in_node python3 -c "
import socket, time
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(('$NODE6', $port))
s.connect(('$SERVER6', 4433))
time.sleep(30)" &
own=$!
check "a socket of the host's own has a port" wait_for 10 eval "in_node ss -Hnu 'sport = :$port' | grep -q ."
now=$(said sport6 -- $POD4 $MAPPED udp 4433 sport 40000)
check "... explain knows that it is not to be had" test "$now" != "$port"
in_pod python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 40000))
s.sendto(b'x', ('$MAPPED', 4433))"
same "... and gets what is given then" "$now" \
	"$(n46 -j session from $POD4 proto udp | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["sport6"])')"
kill $own
recipe rules
same "root: by the main table" "200 wan" "$(way)"
same "a user: by the table of his rule" "200 wan2" "$(way setpriv --reuid 65534 --clear-groups)"
same "another user: by the main table" "200 wan" "$(way setpriv --reuid 65533 --clear-groups)"
marked() { in_node nft "add table ip marks; add chain ip marks o { type route hook output priority mangle; }
	add rule ip marks o ip daddr $MAPPED meta mark set 0x77"; }
marked
same "a mark: by the table of its rule" "200 wan2" "$(way)"
check "... UDP, in both directions" in_node python3 "$here/lib/udp.py" ask $MAPPED 4433 20 4 9000
in_node nft delete table ip marks
same "SO_MARK" "ok 200 wan2" "$(forget; in_node nft reset counters table ip6 ways >/dev/null
	in_node python3 -c "
import socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, 36, 0x77)
s.settimeout(5)
s.connect(('$MAPPED', 80))
s.send(b'GET / HTTP/1.0\r\n\r\n')
print('ok', s.recv(99).split()[1].decode(), end=' ')"
	in_node nft list counters table ip6 ways | awk '/counter/ {n = $2} /packets [1-9]/ {print n}' | xargs)"
recipe explain
ip -n node -6 rule add uidrange 65533-65533 prohibit
forget
was=$(drops no-route6)
same "a user whom a rule refuses" 7 "$(in_node setpriv --reuid 65533 --clear-groups curl -4 -s -m 5 http://$MAPPED/; echo $?)"
check "... no-route6" test "$(drops no-route6)" -gt "$was"
same "... as explain says" "drop no-route6" "$(said verdict reason -- 192.0.2.9 $MAPPED tcp 80 uid 65533)"
ip -n node -6 rule del uidrange 65533-65533 prohibit
same "none of it was invalid" 0 "$(invalid)"
recipe vrf
same "ip vrf exec: OUTPUT drops what is untracked" "000 " "$(way ip vrf exec red)"
recipe vrf-output
recipe exec
same "ip vrf exec: by the VRF's uplink" "200 wan2" "$(way ip vrf exec red)"
check "... UDP" in_node ip vrf exec red python3 "$here/lib/udp.py" ask $MAPPED 4433 20 4 9000
check "... ping" in_node ip vrf exec red ping -q -c2 -i0.2 -W2 -s 3000 $MAPPED
same "... as explain says" "translated True red wan2" "$(said verdict local dev oif -- 203.0.113.9 $MAPPED tcp 80 dev red)"
same "without a VRF: as before" "200 wan" "$(way)"
n46 session flush all >/dev/null
n46 source del dev wan2 from 203.0.113.9/32
n46 source add addr 2001:db8:77::100 from 203.0.113.9/32
same "ip vrf exec, another source: routed in the VRF" "200 wan2" "$(way ip vrf exec red)"
recipes_done
finish
