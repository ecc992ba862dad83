#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the usual programs see of a path through the translator: traceroute by
# UDP, TCP and ICMP, mtr, tracepath, large pings, a transfer whose path shrinks
# twice, and every error that a node's own stack sends about a packet that is
# already translated. In a guest. Their output is left in $OUT/path.txt.
here=$(dirname "$(realpath "$0")")
. "$here/nat46.sh"
MAPPED=198.18.0.7
text=${OUT:-/run}/path.txt
: >"$text"

# shown COMMAND...: in the pod; kept, and printed for check's look at it
shown() { { echo "pod\$ $*"; in_pod "$@" 2>&1; echo; } | tee -a "$text"; }
has() { grep -qE "$1" <<<"$2"; }

nat46_guest_up
in_router sysctl -qw net.ipv6.icmp.ratelimit=0
ip netns exec router2 sysctl -qw net.ipv6.icmp.ratelimit=0
in_node sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
in_server sysctl -qw net.ipv6.icmp.ratelimit=0
in_pod sysctl -qw net.ipv4.icmp_ratelimit=0
n46 pool add 198.18.0.0/16
n46 source add dev wan
n46 map add $MAPPED to $SERVER6 name v6only.example

# both routers speak by the mapping's address, unless another is set
out=$(shown traceroute -n -q 1 -w 2 -m 8 $MAPPED)
check "traceroute: the node, two routers, the target" has "^ 4  $MAPPED" "$out"
check "traceroute: an address for every hop" test "$(grep -c '^ [1-4]  [0-9]' <<<"$out")" = 4
n46 param set icmp-source 192.0.2.99
out=$(shown traceroute -n -q 1 -w 2 -m 8 $MAPPED)
check "traceroute: routers come from icmp-source" test "$(grep -c '^ [23]  192.0.2.99' <<<"$out")" = 2
check "traceroute: and the target from its own address" has "^ 4  $MAPPED" "$out"
out=$(shown traceroute -T -p 443 -n -q 1 -w 2 -m 8 $MAPPED)
check "traceroute -T" has "^ 4  $MAPPED" "$out"
out=$(shown traceroute -I -n -q 1 -w 2 -m 8 $MAPPED)
check "traceroute -I" has "^ 4  $MAPPED" "$out"
check "traceroute -I: routers" test "$(grep -c '^ [23]  192.0.2.99' <<<"$out")" = 2
out=$(shown mtr -n -r -c 2 -i 0.2 -G 1 $MAPPED)
check "mtr: no hop loses anything" test "$(grep -cE '^ +[1-4]\.\|-- [0-9.]+ +0.0%' <<<"$out")" = 4
out=$(shown mtr -n -r -c 2 -i 0.2 -G 1 --udp $MAPPED)
check "mtr --udp reaches the target" has "$MAPPED +0.0%" "$out"
n46 param reset icmp-source

out=$(shown ping -c 2 -i 0.2 -s 8000 -W 3 $MAPPED)
check "ping -s 8000: fragments both ways" has ' 0% packet loss' "$out"
check "ping -s 8000 from the node" in_node ping -q -c 2 -i 0.2 -s 8000 -W 3 $MAPPED
out=$(shown ping -c 2 -i 0.2 -s 60000 -W 3 $MAPPED)
check "ping -s 60000" has ' 0% packet loss' "$out"
check "a rule that needs conntrack" in_node sh -c "
	nft add table inet t && nft 'add chain inet t c { type filter hook prerouting priority 0; }' &&
	nft add rule inet t c ct state invalid counter drop"
out=$(shown ping -c 2 -i 0.2 -s 8000 -W 3 $MAPPED)
check "ping -s 8000 with conntrack's reassembly before ours" has ' 0% packet loss' "$out"
in_node nft delete table inet t

spawn internet6 python3 "$here/lib/udp.py" serve 4433
wait_for 5 listens internet6 4433
check "datagrams of 3000 to 20000 bytes, there and back" \
	in_pod python3 "$here/lib/udp.py" ask $MAPPED 4433 40 3000 20000
check "the same from the node" in_node python3 "$here/lib/udp.py" ask $MAPPED 4433 40 3000 20000
path_mtu 1280
# the first one each way is lost: only then is the path's MTU known
for _ in 1 2 3; do in_pod timeout 5 python3 "$here/lib/udp.py" ask $MAPPED 4433 1 3000 3000 2>/dev/null; done
check "the same by a path of 1280" in_pod python3 "$here/lib/udp.py" ask $MAPPED 4433 40 3000 20000
path_mtu 1400
in_pod ip route flush cache
in_node ip -6 route flush cache
out=$(shown tracepath -n $MAPPED)
check "tracepath: MTU 1380, and the target" has 'pmtu 1380' "$out"
check "tracepath reaches it" has "^ 4: +$MAPPED .*reached" "$out"
path_mtu 1500
# what was learned is forgotten in time, by a session that lives on
whole() { in_pod ip route flush cache; in_pod ping -q -M "do" -s 1452 -c 1 -W 1 $MAPPED; }
refute "a ping of 1480 bytes with DF by what was learned" whole
in_node sysctl -qw net.ipv6.route.mtu_expires=8
in_node ip -6 route flush cache
path_mtu 1400
whole
path_mtu 1500
refute "... the path is 1500 again, but 1400 was learned once more" whole
check "... which expires" wait_for 20 whole
in_node sysctl -qw net.ipv6.route.mtu_expires=600

# a transfer whose path shrinks, DF set (TCP) and not
head -c 12M /dev/urandom >"$SRV/www/big"
want=$(sha256sum <"$SRV/www/big")
mtu_of() { grep -o 'mtu [0-9]*'; }
begun() { [ "$(count proto tcp)" -gt 0 ]; }
# a small window, so that whoever sends can't be done before
in_pod sysctl -qw net.ipv4.tcp_rmem="4096 65536 262144"
in_server sysctl -qw net.ipv4.tcp_rmem="4096 65536 262144"
# learned [MTU]: what routes say by now; is it that?
learned() {
	local is
	is="node: $(in_node ip -6 route get $SERVER6 | mtu_of); server: $(in_server ip -6 route get $NODE6 | mtu_of)"
	echo "$is"
	[ $# = 0 ] || has "$sender: mtu $1" "$is"
}
shrink() { # curl's arguments
	local is rc
	in_pod ip route flush cache
	in_node ip route flush cache
	in_node ip -6 route flush cache
	in_server ip -6 route flush cache
	rm -f "$SRV/www/up/x"
	n46 session flush all >/dev/null
	echo "$who\$ curl --limit-rate 1M $*" >>"$text"
	ip netns exec "$who" curl -sS -m 120 --limit-rate 1M --cacert "$SRV/ca.pem" \
		--resolve "v6only.example:443:$MAPPED" "$@" \
		-w '%{size_upload} bytes up, %{size_download} down, in %{time_total} s\n' >>"$text" 2>&1 &
	local curl=$!
	wait_for 20 begun
	sleep 0.5
	# whoever sends learns of it in the middle: the node for the pod
	path_mtu 1400
	wait_for 60 learned '(1280|1400)'
	path_mtu 1280
	wait_for 60 learned "$least"
	is=$(learned) # and would forget it
	wait $curl
	rc=$?
	printf '%s\n\n' "path MTU learned meanwhile: $is" >>"$text"
	path_mtu 1500
	[ $rc = 0 ] && has "$sender: mtu $least" "$is"
}
for run in "pod 0" "pod 1" "pod 2" "node 2"; do
	read -r who disc <<<"$run"
	[ $disc = 0 ] || echo "$who\$ sysctl -w net.ipv4.ip_no_pmtu_disc=$disc" >>"$text"
	ip netns exec $who sysctl -qw net.ipv4.ip_no_pmtu_disc=$disc
	case $disc in
	0) df='' least=1280 ;;
	# told of 1400, a pod without DF goes down to its min_pmtu, 552, at once
	1) df=" without DF" least='(1280|1400)' ;;
	# this one hears nothing: its segments are cut, those of a GSO packet as well
	2) df=" without DF, deaf" least=1280 ;;
	esac
	sender=node
	check "$who: up$df while the path shrinks from 1500 to 1400 to 1280" shrink -T "$SRV/www/big" https://v6only.example/up/x
	same "sha256" "$want" "$(sha256sum <"$SRV/www/up/x")"
	[ $disc != 2 ] || continue	# the server's segments are as before
	sender=server least=1280
	check "$who: down$df while the path shrinks" shrink -o /run/down https://v6only.example/big
	same "sha256 of that" "$want" "$(sha256sum </run/down)"
done
for who in pod node; do ip netns exec $who sysctl -qw net.ipv4.ip_no_pmtu_disc=0; done

# errors reach sockets
refused() { # NETNS: a datagram to a port where nobody listens
	ip netns exec "$1" python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.connect(('$MAPPED', 9))
s.send(b'x')
try:
    s.recv(1)
except ConnectionRefusedError:
    raise SystemExit(0)
raise SystemExit(1)"
}
check "UDP to a closed port: connection refused" refused pod
check "the same for the node's own socket" refused node
check "a port that is closed by now: the server's socket is told" late

# A loop through us: what we translate to IPv6, another translator turns back into
# IPv4 that is sent to us. Each turn takes three hops: node, router, router2.
ip netns exec router2 sysctl -qw net.ipv4.icmp_ratelimit=0
wire node loop router2 loop
ip -n node -batch - <<-END
	link set loop up
	addr add 10.99.0.1/30 dev loop
	route add 198.19.0.0/16 via 10.99.0.2 dev loop
END
ip -n router2 -batch - <<-END
	link set loop up
	addr add 10.99.0.2/30 dev loop
	route add 198.18.0.0/16 via 10.99.0.1 dev loop
END
n46b() { ip netns exec router2 nat46 "$@"; }
n46b pool add 198.19.0.0/16
n46b source add prefix 3fff:46::/96 from 198.18.0.0/16
n46b map add 198.19.9.9 to $NODE6 inbound
n46 map add 198.18.0.66 to 3fff:46::198.18.0.66
# counted: packets that the node and router2 sent on to IPv6, to IPv4, and found expired
counted() {
	local who
	for who in n46 n46b; do
		$who -j stats all | python3 -c "import json, sys
s = json.load(sys.stdin)
print(s['counters']['packets-46'], s['counters']['packets-64'], s['drops']['hop-limit'])"
	done
}
# loops TTL WANTED COMMAND...: its packet of that TTL ends there, and the pod is told
loops() {
	local ttl=$1 want=$2 i got='' before after
	shift 2
	n46 session flush all >/dev/null
	n46b session flush all >/dev/null
	mapfile -t before < <(counted | tr ' ' '\n')
	out=$(shown "$@")
	sleep 0.5	# what still went round would count
	mapfile -t after < <(counted | tr ' ' '\n')
	for i in "${!after[@]}"; do got="$got $((after[i] - before[i]))"; done
	same "a loop ends: $1, TTL $ttl: hops are counted by whoever translates" "$want" "${got# }"
	check "... the pod hears of it: time exceeded" \
		has "^From 198.18.0.66 .*Time to live exceeded|^ *$ttl  198.18.0.66  [0-9.]+ ms" "$out"
}
# six turns, then it is over for the node, the router, the other translator; the error turns back as often
loops 19 "6 6 1 6 6 0" ping -c 1 -W 3 -t 19 198.18.0.66
loops 20 "7 7 0 6 6 0" ping -c 1 -W 3 -t 20 198.18.0.66
loops 21 "7 7 0 6 6 1" ping -c 1 -W 3 -t 21 198.18.0.66
loops 64 "21 21 1 21 21 0" traceroute -n -q 1 -w 3 -f 64 -m 64 198.18.0.66
loops 63 "21 21 0 20 20 1" traceroute -T -p 443 -n -q 1 -w 3 -f 63 -m 63 198.18.0.66
ip -n node link del loop
n46 map del 198.18.0.66

# the route that learns a path's MTU is the session's own
n46 session flush all >/dev/null
path_mtu 1400
cut() { # what is sent without DF is cut by what was learned
	ip -n node -6 route flush cache
	for _ in 1 2 3; do
		ip -n pod route flush cache
		in_pod ping -q -M dont -s 1452 -c 1 -W 1 $MAPPED >/dev/null && return
	done
	return 1
}
check "a path MTU is learned" cut
in_node nft -f - <<-END
	table ip m { chain c { type filter hook prerouting priority raw; iifname eni1 meta mark set 0x46; }; }
END
ip -n node -6 route add default via 2001:db8:1::1 dev wan table 103
ip -n node -6 rule add fwmark 0x46 lookup 103
n46 session flush all >/dev/null
check "... by a route that a mark has chosen" cut
in_node nft delete table ip m
ip -n node -6 rule del fwmark 0x46 lookup 103
ip -n node -6 route flush table 103
path_mtu 1500
ip -n node -6 route flush cache
ip -n pod route flush cache
n46 session flush all >/dev/null

# what this node's own stack says about a packet that we have translated
was="dev wan"
for src in "dev wan" "addr 2001:db8:100::1" "prefix 2001:db8:100::/96"; do
	ip -n router route replace 2001:db8:100::/64 via $NODE6
	n46 session flush all >/dev/null
	# shellcheck disable=SC2086 # words
	[ "$src" = "$was" ] || { n46 source del $was force; n46 source add $src; }
	was=$src
	in_node nft -f - <<-END
		table ip6 t {
			chain out {
				type filter hook output priority 0; policy accept;
				meta l4proto ipv6-icmp ct state invalid drop
				udp dport 5001 reject with icmpv6 admin-prohibited
				tcp dport 5001 reject with icmpv6 port-unreachable
			}
		}
	END
	out=$(shown ping -c 1 -W 2 $MAPPED)
	check "$src: works" has ' 0% packet loss' "$out"
	check "$src: a reject rule in IPv6 OUTPUT: a UDP client hears of it" \
		in_pod python3 -c "
import socket, errno
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3); s.setsockopt(0, 11, 1)
s.connect(('$MAPPED', 5001)); s.send(b'x')
try: s.recv(1)
except OSError as e:
    raise SystemExit(e.errno not in (errno.EHOSTUNREACH, errno.EACCES, errno.ENETUNREACH, errno.EPERM))
raise SystemExit(1)"
	check "$src: a TCP client is refused at once" \
		sh -c "! ip netns exec pod curl -s -m 3 http://$MAPPED:5001/; [ \$? = 0 ]; ip netns exec pod curl -s -m 3 http://$MAPPED:5001/; [ \$? = 7 ]"
	# the IPv6 side's next hop is dead
	ip -n node neigh replace 2001:db8:1::1 dev wan lladdr 02:de:ad:00:00:01 nud failed 2>/dev/null
	ip -n router link set lan down
	in_node ip -6 neigh flush dev wan
	out=$(shown ping -c 2 -i 0.5 -W 5 $MAPPED)
	check "$src: a dead next hop: host unreachable" has 'Host Unreachable' "$out"
	in_node nft delete table ip6 t
	ip -n router link set lan up
	in_router ip -6 addr replace 2001:db8:1::1/64 dev lan nodad
	in_router ip -6 route replace 2001:db8:100::/64 via $NODE6
	in_node ip -6 neigh flush dev wan
	wait_for 10 in_node ping -6 -q -c1 -W1 $SERVER6
	# the link to the pod is too small for what the server sends
	ip -n node link set eni1 mtu 1300
	fetched=$(in_pod curl -sS -m 30 --cacert "$SRV/ca.pem" --resolve "v6only.example:443:$MAPPED" \
		https://v6only.example/big | sha256sum)
	same "$src: a small MTU towards the pod: the server learns of it" "$want" "$fetched"
	ip -n node link set eni1 mtu 1500
done
# a stateless source keeps the numbers of fragments (RFC 7915 sections 4.1, 5.1.1)
n46 session flush all >/dev/null
ip netns exec internet6 tcpdump -Z root --immediate-mode -vnli eth0 ip6 proto 44 >/run/frag6 2>/dev/null &
tap6=$!
ip netns exec pod tcpdump -Z root --immediate-mode -vnli eth0 'src host 198.18.0.7 and ip[6:2] & 0x3fff != 0' >/run/frag4 2>/dev/null &
tap4=$!
sleep 1
check "prefix source: datagrams in fragments" in_pod python3 "$here/lib/udp.py" ask $MAPPED 4433 2 3000 5000
in_pod python3 -c "
import socket
from scapy.all import IP, UDP, fragment
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for f in fragment(IP(src='$POD4', dst='$MAPPED', id=0xbeef) / UDP(sport=5555, dport=4433) / (b'x' * 3000), 1400):
    raw.sendto(bytes(f), ('$MAPPED', 0))" 2>/dev/null
wait_for 5 grep -q beef /run/frag6
sleep 0.5
kill $tap6 $tap4
wait $tap6 $tap4 2>/dev/null
check "prefix source: the Identification is carried to IPv6" grep -q 'frag (0x0000beef:0' /run/frag6
# what the server sent in answer, and the same in IPv4: the low 16 bits
sent=$(grep "$SERVER6 > " /run/frag6 | grep -o 'frag (0x[0-9a-f]*' | sed 's/.*0x....//' | sort -u | xargs)
got=$(grep -o ' id [0-9]*' /run/frag4 | awk '{printf "%04x\n", $2}' | sort -u | xargs)
same "prefix source: and to IPv4" "$sent" "$got"
check "prefix source: there were some" test -n "$got"
check "no error is left without a name" test "$(drops malformed)" = 0
finish
