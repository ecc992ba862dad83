#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# An IPv4-only server published to the IPv6 side by an inbound mapping, with real
# programs. In a guest:
#   selftests/vm/run -- 'bash $NAT46_SRC/selftests/inbound.sh'
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/servers.sh"
. "$here/nat46.sh"
PREFIX=3fff:460:46:46::/96
PUBLISHED=3fff:460:46:46::a00:10a	# 10.0.1.10
MAPPED=198.18.9.7			# the IPv6 host, as the pod sees it

# get WHO URL CURL-ARGUMENTS...
get() {
	local ns=$1 url=$2
	shift 2
	ip netns exec "$ns" curl -sS -m 10 "$@" "$url"
}
saved() { n46 save | md5sum; }

nat46_guest_up
mkdir -p "$SRV/pod"
echo "Hello from the IPv4-only pod" >"$SRV/pod/index.html"
head -c 3000000 /dev/urandom >"$SRV/pod/large"
spawn pod python3 -u -m http.server --bind $POD4 --directory "$SRV/pod" 8080
spawn pod socat UDP4-RECVFROM:4434,fork SYSTEM:'echo "$SOCAT_PEERADDR $SOCAT_PEERPORT"'
wait_for 5 listens pod 8080
wait_for 5 listens pod 4434
ip -n router route add $PREFIX via $NODE6
n46 pool add 198.18.0.0/16
n46 source add prefix $PREFIX

note "off by default"
n46 map add 198.18.9.0/24 to 2001:db8:9::/120
before=$(drops no-session)
refute "a connection to the pod" get internet6 "http://[$PUBLISHED]:8080/" -m 1
check "... dropped as no-session" test "$(drops no-session)" -gt "$before"

note "on"
check "map replace ... inbound" n46 map replace 198.18.9.0/24 to 2001:db8:9::/120 inbound
same "shown" "198.18.9.0/24 to 2001:db8:9::/120 inbound proto static" "$(n46 map show)"
same "a page of the IPv4-only pod" "Hello from the IPv4-only pod" "$(get internet6 "http://[$PUBLISHED]:8080/")"
check "the pod saw the host by its IPv4 address" grep -q "^$MAPPED .*GET / HTTP" "$SRV/log"
same "3 MB, whole" "$(md5sum <"$SRV/pod/large")" "$(get internet6 "http://[$PUBLISHED]:8080/large" | md5sum)"
same "a datagram, its port kept" "$MAPPED 20046" \
	"$(in_server socat -t1 - "UDP6:[$PUBLISHED]:4434,sourceport=20046" <<<hello)"
check "ping6" in_server ping -6 -q -c3 -i0.2 -W2 -s 1000 $PUBLISHED
check "ping6, in fragments" in_server ping -6 -q -c2 -i0.2 -W2 -s 3000 $PUBLISHED
check "the pod pings the host meanwhile" in_pod ping -q -c2 -i0.2 -W2 $MAPPED
get internet6 "http://[$PUBLISHED]:8081/" >/dev/null 2>&1
same "a closed port is refused, not silent: curl's status" 7 $?
check "a closed UDP port likewise" eval 'in_server socat -t2 - "UDP6:[$PUBLISHED]:9" <<<x 2>&1 | grep -q refused'
out=$(in_server traceroute -6 -n -q 1 -w 2 -m 8 $PUBLISHED)
check "traceroute from the host: two routers, the node, the pod" test "$(grep -c "^ [1-4]  [0-9a-f]*:" <<<"$out")" = 4
like "... the pod by its own address" "^ 4  $PUBLISHED " "$out"
note "$(tr '\n' ';' <<<"$out")"
opened() { n46 -s map show 198.18.9.0/24 | sed 's/.* opened \([0-9]*\).*/\1/'; }
before=$(opened)
for n in pod internet6; do ip netns exec $n sysctl -qw net.ipv4.tcp_max_tw_buckets=0; done
for _ in 1 2; do get internet6 "http://[$PUBLISHED]:8080/" --local-port 30123 >/dev/null; done
same "a port that is used again has another session" $((before + 2)) "$(opened)"
path_mtu 1280
same "3 MB through a path of 1280" "$(md5sum <"$SRV/pod/large")" \
	"$(get internet6 "http://[$PUBLISHED]:8080/large" | md5sum)"
path_mtu 1500

note "half open"
n46 session flush all >/dev/null
in_pod nft 'add table ip f; add chain ip f i { type filter hook input priority 0; }
	add rule ip f i tcp dport 8080 drop'
refute "a server that does not answer" get internet6 "http://[$PUBLISHED]:8080/" -m 1
same "its state" 1 "$(count state v6-init)"
in_pod nft delete table ip f
n46 param set timeout-tcp-syn 30
check "it lasts for timeout-tcp-syn" eval 'n46 -j session state v6-init |
	python3 -c "import json, sys; assert 20 < json.load(sys.stdin)[0][\"expires\"] <= 30"'
n46 param reset timeout-tcp-syn

note "save and restore"
before=$(saved)
check "restore what was saved" sh -c "ip netns exec node nat46 save | ip netns exec node nat46 restore"
same "save says the same" "$before" "$(saved)"
same "it still serves" "Hello from the IPv4-only pod" "$(get internet6 "http://[$PUBLISHED]:8080/")"

note "re-pointed, while sessions live"
n46 map flush all
n46 map add $MAPPED to $SERVER6 inbound
ip -n internet6 addr add 2001:db8:9::8/64 dev eth0 nodad
ask() { in_server socat -t1 - "UDP6:[$PUBLISHED]:4434,sourceport=20047,bind=[$1]" <<<hello; }
same "the first" "$MAPPED 20047" "$(ask $SERVER6)"
check "another target" n46 map replace $MAPPED to 2001:db8:9::8 inbound
before=$(drops no-port)
same "it would have the tuple of the first" "" "$(ask 2001:db8:9::8)"
same "... dropped as no-port" $((before + 1)) "$(drops no-port)"
same "the first lives on" "$MAPPED 20047" "$(ask $SERVER6)"
n46 session flush all >/dev/null
same "then it has it" "$MAPPED 20047" "$(ask 2001:db8:9::8)"
same "the first has no mapping any more" "" "$(ask $SERVER6)"

note "from one pod to the other"
n46 map flush all
n46 map add $MAPPED to $PUBLISHED	# what pod2 calls the pod
n46 map add 198.18.9.8 to 3fff:460:46:46::a00:10b inbound	# what the pod calls pod2
page="http://$MAPPED:8080"
before=$(drops hairpin)
refute "refused by default" get pod2 "$page/" -m 2
check "... by name" test "$(drops hairpin)" -gt "$before"
check "param set hairpin allow" n46 param set hairpin allow
same "a page" "Hello from the IPv4-only pod" "$(get pod2 "$page/")"
check "the pod saw pod2's mapped address" grep -q "^198.18.9.8 .*GET / HTTP" "$SRV/log"
same "3 MB, whole" "$(md5sum <"$SRV/pod/large")" "$(get pod2 "$page/large" | md5sum)"
in_pod ethtool -K eth0 tx off >/dev/null
in_pod2 ethtool -K eth0 tx off >/dev/null
same "3 MB without offloads" "$(md5sum <"$SRV/pod/large")" "$(get pod2 "$page/large" | md5sum)"
same "a datagram" "198.18.9.8 20048" "$(in_pod2 socat -t1 - "UDP4:$MAPPED:4434,sourceport=20048" <<<hello)"
check "ping" in_pod2 ping -q -c3 -i0.2 -W2 $MAPPED
check "ping, in fragments" in_pod2 ping -q -c2 -i0.2 -W2 -s 3000 $MAPPED
get pod2 "http://$MAPPED:8081/" >/dev/null 2>&1
same "a closed port is refused" 7 $?
check "a closed UDP port likewise" eval 'in_pod2 socat -t2 - "UDP4:$MAPPED:9" <<<x 2>&1 | grep -q refused'
ip -n node link set eni1 mtu 1280
ip -n pod link set eth0 mtu 1280
same "3 MB to a shorter link" "$(md5sum <"$SRV/pod/large")" "$(get pod2 "$page/large" | md5sum)"
check "a long ping, with DF: it is told" eval \
	'in_pod2 ping -c2 -i0.2 -W2 -M do -s 1400 $MAPPED 2>&1 | grep -qi "mtu *= *1280"'
check "... without, it is cut" in_pod2 ping -q -c2 -i0.2 -W2 -M dont -s 1400 $MAPPED
ip -n node link set eni1 mtu 1500
ip -n pod link set eth0 mtu 1500
refute "the node itself is no client of it" get node "$page/" -m 2
n46 param reset hairpin
n46 map flush all

note "who asks whether a mapping is fresh"
n46 map add $MAPPED to 2001:db8:9::8 expires 900 fresh 1 inbound
in_node python3 -u -c "
import sys
sys.path.insert(0, '$here/lib')
from nat46 import Nat46
n = Nat46('miss')
print('ready', flush=True)
while True:
    for m in n.misses(1):
        print(*m, flush=True)" >/run/misses &
SERVER_PIDS="$SERVER_PIDS $!"
wait_for 30 grep -q ready /run/misses
sleep 2.5
check "a host of the IPv6 side opens a session" in_server ping -6 -q -c1 -W2 -I 2001:db8:9::8 $PUBLISHED
check "the pod as well" in_pod ping -q -c1 -W2 $MAPPED
check "the pod's is told" wait_for 10 grep -q "^$MAPPED True $POD4 1 0$" /run/misses
same "... alone" 2 "$(wc -l </run/misses)"
n46 map flush all

note "the way back"
n46 map add $MAPPED to 2001:db8:9::8 inbound
ip -n node route del $POD4/32
before=$(drops no-route4)
n46 session flush all >/dev/null
refute "no route to the pod" in_server ping -6 -q -c1 -W1 -I 2001:db8:9::8 $PUBLISHED
same "... dropped as no-route4" $((before + 1)) "$(drops no-route4)"
same "no session is left of it" 0 "$(count)"
finish
