#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Packets of real programs through the translator, both ways. In a guest:
#   selftests/vm/run -- 'bash $NAT46_SRC/selftests/translate.sh'
# BIG=MB of the large transfers (default 4).
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/servers.sh"
. "$here/nat46.sh"
BIG=${BIG:-4}
MAPPED=198.18.0.7
URL=https://v6only.example

# fetch WHO CURL-ARGUMENTS...
fetch() {
	local ns=$1
	shift
	ip netns exec "$ns" curl -sS -m 60 --cacert "$SRV/ca.pem" \
		--resolve "v6only.example:443:$MAPPED" "$@"
}
sum_of() { sha256sum <"$1" | cut -d' ' -f1; }

# both_ways WHO TEXT: a page, a large transfer each way, DNS, echo
both_ways() {
	local who=$1 t="$1$2"
	same "$t: curl over TLS, certificate verified" \
		"Hello from the IPv6-only host v6only.example" "$(fetch "$who" $URL/)"
	fetch "$who" -o /run/down $URL/big
	same "$t: $BIG MB down, sha256" "$(sum_of "$SRV/www/big")" "$(sum_of /run/down)"
	fetch "$who" -T "$SRV/www/big" "$URL/up/$who"
	same "$t: $BIG MB up, sha256" "$(sum_of "$SRV/www/big")" "$(sum_of "$SRV/www/up/$who")"
	same "$t: dig over UDP" "$SERVER6" \
		"$(ip netns exec "$who" dig +short +tries=2 +time=3 @$MAPPED v6only.example AAAA)"
	check "$t: 200 datagrams of QUIC's size, there and back" \
		ip netns exec "$who" python3 "$here/lib/udp.py" ask $MAPPED 4433 200 1200 1350
	check "$t: ping" ip netns exec "$who" ping -q -c2 -i0.2 -W2 $MAPPED
	check "$t: ping of 1400 bytes" ip netns exec "$who" ping -q -c2 -i0.2 -W2 -s 1400 $MAPPED
}

# dropped_as REASON NETNS PING-ARGUMENTS...: nothing comes back, one more is counted
dropped_as() {
	local reason=$1 before
	shift
	before=$(drops "$reason")
	! ip netns exec "$@" >/dev/null && [ "$(drops "$reason")" -gt "$before" ]
}

# biggest FILE FILTER: the longest packet of a capture
biggest() {
	tcpdump -Z root -nr "$1" -v "$2" 2>/dev/null | grep -o 'length [0-9]*' |
		cut -d' ' -f2 | sort -n | tail -n 1
}

nat46_guest_up
spawn internet6 python3 "$here/lib/udp.py" serve 4433
head -c "$((BIG << 20))" /dev/urandom >"$SRV/www/big"
check "pool add" n46 pool add 198.18.0.0/16
check "source add" n46 source add dev wan
check "map add" n46 map add $MAPPED to $SERVER6 name v6only.example

wait_for 5 listens internet6 4433
both_ways pod ""
same "the server sees the node's address" $NODE6 "$(fetch pod $URL/client | cut -d' ' -f1)"
# what was chosen is remembered, but not beyond a change
nearer=2001:db8:9:ff::9
ip -n router2 route add $nearer via 2001:db8:2::1
ip -n router route add $nearer via $NODE6
ip -n node addr add $nearer/128 dev wan nodad
same "... and at once a new one that suits it better" $nearer "$(fetch pod $URL/client | cut -d' ' -f1)"
ip -n node addr del $nearer/128 dev wan
same "... and at once the old one when that is gone" $NODE6 "$(fetch pod $URL/client | cut -d' ' -f1)"
both_ways node ""

note "GSO packets stay one packet"
ip netns exec node tcpdump -Z root --immediate-mode -Uni eni1 -s 100 -w /run/in.pcap tcp port 443 2>/dev/null &
tap1=$!
ip netns exec node tcpdump -Z root --immediate-mode -Uni wan -s 100 -w /run/out.pcap tcp port 443 2>/dev/null &
tap2=$!
sleep 2
fetch pod -o /dev/null $URL/big
fetch pod -T "$SRV/www/big" $URL/up/pod
sleep 0.5
kill $tap1 $tap2
wait $tap1 $tap2 2>/dev/null
# whole NAME FILTER4 FILTER6
whole() {
	local b4 b6
	b4=$(biggest /run/in.pcap "$2")
	b6=$(biggest /run/out.pcap "$3")
	note "$1: longest packet $b4 bytes in IPv4, $b6 in IPv6"
	check "GSO $1: packets above 10000 bytes on both sides" \
		test "${b4:-0}" -gt 10000 -a "${b6:-0}" -gt 10000
}
whole up "src host $POD4" "src host $NODE6"
whole down "dst host $POD4" "dst host $NODE6"

note "a datagram's head is reallocated for nobody but the first"
datagrams() {
	ip netns exec "$1" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(int(sys.argv[2])):
    s.sendto(b"x" * 200, (sys.argv[1], 9))' $MAPPED "$2"
}
total() { counter "$1" < <(n46 stats all); }
for who in pod node; do
	datagrams $who 2
	before=$(total packets-46)/$(total head-reallocated)
	datagrams $who 100
	same "... of the $who's" "$((${before%/*} + 100))/${before#*/}" "$(total packets-46)/$(total head-reallocated)"
done

note "checksums by software: CHECKSUM_NONE and whole segments"
for nic in pod:eth0 internet6:eth0 node:eni1 node:wan; do
	ip netns exec "${nic%:*}" ethtool -K "${nic#*:}" tx off tso off gso off gro off >/dev/null 2>&1
done
both_ways pod " (tx off)"
for nic in pod:eth0 internet6:eth0 node:eni1 node:wan; do
	ip netns exec "${nic%:*}" ethtool -K "${nic#*:}" tx on tso on gso on gro on >/dev/null 2>&1
done

note "whole packets come, the node's devices take segments only"
for nic in eni1 wan; do in_node ethtool -K $nic tso off gso off >/dev/null 2>&1; done
# What can't be segmented is dropped there, and TCP would repair it in silence.
# Small windows: a burst of segments never fills veth's ring of 256.
for ns in pod internet6; do ip netns exec $ns sysctl -qw net.ipv4.tcp_rmem="4096 65536 98304"; done
dropped() { in_node cat /sys/class/net/{eni1,wan}/statistics/tx_dropped | awk '{n += $1} END {print n}'; }
before=$(dropped)
fetch pod -o /run/down $URL/big
same "segmented behind us: down, sha256" "$(sum_of "$SRV/www/big")" "$(sum_of /run/down)"
fetch pod -T "$SRV/www/big" $URL/up/cut
same "segmented behind us: up, sha256" "$(sum_of "$SRV/www/big")" "$(sum_of "$SRV/www/up/cut")"
same "segmented behind us: no packet that can't be" "$before" "$(dropped)"
for ns in pod internet6; do ip netns exec $ns sysctl -qw net.ipv4.tcp_rmem="4096 131072 6291456"; done
for nic in eni1 wan; do in_node ethtool -K $nic tso on gso on >/dev/null 2>&1; done

note "a path of MTU 1280 behind an egress of 1500"
path_mtu 1280
fetch pod -T "$SRV/www/big" $URL/up/small
same "MTU 1280: up, sha256" "$(sum_of "$SRV/www/big")" "$(sum_of "$SRV/www/up/small")"
fetch pod -o /run/down $URL/big
same "MTU 1280: down, sha256" "$(sum_of "$SRV/www/big")" "$(sum_of /run/down)"
check "MTU 1280: the client was told 1260" \
	sh -c "ip -n pod route get $MAPPED | grep -q 'mtu 1260'"
fetch node -T "$SRV/www/big" $URL/up/small
same "MTU 1280: up from the node, sha256" "$(sum_of "$SRV/www/big")" "$(sum_of "$SRV/www/up/small")"
check "MTU 1280: the node's own IPv6 learns it too" \
	in_node ping -6 -q -c3 -i0.3 -s 1400 -W2 $SERVER6
path_mtu 1500
in_pod ip route flush cache

if modprobe -q sctp; then	# user-mode Linux does not have it
	. "$here/translate_debian.sh"
fi

note "a protocol without ports (GRE's number)"
spawn internet6 python3 "$here/lib/raw.py" serve 47
n46 session flush all >/dev/null
raw() { ip netns exec "$1" timeout 5 python3 "$here/lib/raw.py" ask $MAPPED 47 "$2"; }
asked() { raw pod hello; }
check "there and back" wait_for 5 asked
before=$(drops no-port)
refute "another client has no address of its own" raw pod2 hello
same "... dropped as no-port" $((before + 1)) "$(drops no-port)"
n46 source add addr 2001:db8:100::1-2001:db8:100::ffff from $POD24/32
ip -n router route add 2001:db8:100::/64 via $NODE6
check "with one of a range it has" raw pod2 hello
check "its source goes while it has no session" sh -c "ip netns exec node nat46 session flush source 2001:db8:100::/64 &&
	ip netns exec node nat46 source del addr 2001:db8:100::1-2001:db8:100::ffff from $POD24/32"
sleep 0.5
same "the other client's session stays" 1 "$(count from $POD4)"
check "... and serves" raw pod hello
ip -n router route del 2001:db8:100::/64 via $NODE6
n46 session flush all >/dev/null

note "refusals"
before=$(drops unmapped)
refute "an unmapped address answers nothing" in_pod curl -s -m 5 http://198.18.9.9/
check "unmapped: rejected at once" \
	sh -c "ip netns exec pod ping -c1 -W2 198.18.9.10 | grep -q 'Host Unreachable'"
check "unmapped is counted" test "$(drops unmapped)" -gt "$before"
before=$(drops hop-limit)
check "hop limit: time exceeded from the node" \
	sh -c "ip netns exec pod ping -c1 -W2 -t1 $MAPPED | grep -q 'Time to live exceeded'"
check "hop limit is counted" test "$(drops hop-limit)" -gt "$before"
n46 policy add deny 2001:db8:9::/64
before=$(drops policy)
check "policy: denied, the client is told" \
	sh -c "ip netns exec pod ping -c1 -W2 $MAPPED | grep -q 'Packet filtered'"
check "policy is counted" test "$(drops policy)" -gt "$before"
n46 policy del deny 2001:db8:9::/64
check "policy: allowed again" in_pod ping -q -c1 -W2 $MAPPED

note "a forged source gets nothing"
before=$(drops src-check)
sent=$(ip netns exec internet6 cat /proc/net/snmp6 | awk '/Icmp6InEchos/{print $2}')
ip -n pod2 addr add $POD4/32 dev eth0
refute "pod2 with pod's address: no answer" in_pod2 ping -q -c2 -i0.3 -W1 -I $POD4 $MAPPED
ip -n pod2 addr del $POD4/32 dev eth0
same "forged: nothing reached the server" "$sent" \
	"$(ip netns exec internet6 cat /proc/net/snmp6 | awk '/Icmp6InEchos/{print $2}')"
check "forged: counted as src-check" test "$(drops src-check)" -gt "$before"
check "pod2 as itself is served" in_pod2 ping -q -c1 -W2 $MAPPED

note "the node's own IPv6 is untouched by a dev source"
check "ping6 from the node" in_node ping -6 -q -c2 -i0.2 -W2 $SERVER6
check "ping6 to the node" in_server ping -6 -q -c2 -i0.2 -W2 $NODE6
in_node ip -6 neigh flush dev wan
check "neighbour discovery" in_node ping -6 -q -c2 -i0.2 -W2 $SERVER6
same "curl from the node over IPv6" "$NODE6" \
	"$(in_node curl -sS -m 10 "http://[$SERVER6]/client" | cut -d' ' -f1)"
spawn node socat TCP6-LISTEN:61500,fork EXEC:cat
wait_for 5 listens node 61500
same "a connection to a port of the source's range" "hello" \
	"$(echo hello | ip netns exec internet6 socat -t10 - "TCP6:[$NODE6]:61500")"

note "an addr source"
RANGE=2001:db8:100::1-2001:db8:100::4
ip -n router route add 2001:db8:100::/64 via $NODE6
check "source add addr" n46 source add addr $RANGE from $POD24/32
got=$(fetch pod2 $URL/client | cut -d' ' -f1)
check "addr: pod2 comes from the range ($got)" test "${got%?}" = 2001:db8:100::
same "addr: pod still from the device" $NODE6 "$(fetch pod $URL/client | cut -d' ' -f1)"
before=$(drops no-session)
refute "addr: nothing else lives at that address" in_server ping -6 -q -c1 -W1 2001:db8:100::1
in_server curl -s -m 1 -o /dev/null "http://[2001:db8:100::1]/"
check "addr: what belongs to no session is counted" test "$(drops no-session)" -gt "$before"
refute "source del is refused while sessions use it" n46 source del addr $RANGE from $POD24/32
check "source del force" n46 source del addr $RANGE from $POD24/32 force
same "its sessions are gone" 0 "$(count source 2001:db8:100::/64)"

note "so many sessions a client, and no more"
n46 session flush all >/dev/null
n46 param set max-per-client 3
once() { ip netns exec "$1" ping -q -c1 -W2 $MAPPED; }
for i in 1 2 3; do check "max-per-client 3: session $i" once pod; done
refute "max-per-client 3: no fourth" once pod
check "counted by name" test "$(drops max-per-client)" -gt 0
check "the other client is served" once pod2
same "what was refused left nothing" 4 "$(count)"
n46 session flush from $POD4/32 >/dev/null
check "its sessions have ended: it is served again" once pod
n46 param reset max-per-client

note "the last names of refusals"
n46 param set src-check off
ip -n pod addr add 203.0.113.5/32 dev eth0
in_node ip route add unreachable 203.0.113.0/24
check "no-route4: a client that no route leads to" \
	dropped_as no-route4 pod ping -q -c1 -W1 -I 203.0.113.5 $MAPPED
n46 param reset src-check
ip -n pod addr del 203.0.113.5/32 dev eth0
ip -n node link del nat46
in_node ip route add 198.18.0.0/16 dev eni1 # else there is no way to the pool at all
check "no-local-device: the node's own, without the device" \
	dropped_as no-local-device node ping -q -c1 -W1 $MAPPED
in_node ip route del 198.18.0.0/16 dev eni1
check "forwarded packets don't need it" in_pod ping -q -c1 -W2 $MAPPED
check "pool del drain" n46 pool del 198.18.0.0/16 drain
check "draining: no new session" dropped_as draining pod ping -q -c1 -W1 $MAPPED
check "... and the client hears of it" sh -c "ip netns exec pod ping -c1 -W2 $MAPPED | grep -q 'Host Unreachable'"

check "session flush all" n46 session flush all
same "no session is left" 0 "$(count)"
finish
