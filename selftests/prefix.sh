#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Prefix sources (RFC 6052) and prefix mappings (RFC 7757) with real packets. In
# a guest:
#   selftests/vm/run -- 'bash $NAT46_SRC/selftests/prefix.sh'
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/servers.sh"
. "$here/nat46.sh"
MAPPED=198.18.0.7

# client WHO ADDR CURL-ARGUMENTS...: the address and port that the server sees
client() {
	local ns=$1 addr=$2
	shift 2
	ip netns exec "$ns" curl -sS -m 10 "$@" "http://$addr/client"
}
# server WHO ADDR: the server's own address
server() { ip netns exec "$1" curl -sS -m 10 "http://$2/server"; }
# udp_from WHO ADDR PORT [WAIT]: a datagram from that port; the address and port seen
udp_from() { ip netns exec "$1" python3 "$here/lib/udp.py" seen "$2" 4434 "$3" "${4:-20}"; }
# embed PREFIX/LEN ADDR4: by another implementation than the module's
embed() {
	python3 - "$1" "$2" <<-'END'
		import ipaddress, sys
		net = ipaddress.ip_network(sys.argv[1])
		host = int(ipaddress.ip_address(sys.argv[2]))
		n, bit = int(net.network_address), net.prefixlen
		for i in range(31, -1, -1):
		    bit += 8 * (bit == 64)
		    n |= (host >> i & 1) << (127 - bit)
		    bit += 1
		print(ipaddress.ip_address(n))
	END
}

nat46_guest_up
spawn internet6 python3 "$here/lib/udp.py" serve 4433
spawn internet6 socat UDP6-RECVFROM:4434,fork \
	SYSTEM:'echo "$SOCAT_PEERADDR $SOCAT_PEERPORT"'
wait_for 5 listens internet6 4433
wait_for 5 listens internet6 4434
check "pool add" n46 pool add 198.18.0.0/16
check "map add" n46 map add $MAPPED to $SERVER6

note "a source of each length of RFC 6052"
port=20001
for prefix in 3fff:46::/32 3fff:460:4600::/40 3fff:460:46::/48 3fff:460:46:4600::/56 \
	3fff:460:46:46::/64 3fff:460:46:46::/96; do
	want=$(embed $prefix $POD4)
	ip -n router route add $prefix via $NODE6
	check "source add prefix $prefix" n46 source add prefix $prefix
	same "$prefix: TCP comes from $want, with the client's port" "$want $port" \
		"$(client pod $MAPPED --local-port $port)"
	same "$prefix: another client, the same port" "$(embed $prefix $POD24) $port" \
		"$(client pod2 $MAPPED --local-port $port)"
	# socat writes the address in full, in brackets
	same "$prefix: UDP likewise" "$want $port" \
		"$(udp_from pod $MAPPED $port | python3 -c 'import ipaddress, sys
a, p = sys.stdin.read().split()
print(ipaddress.ip_address(a.strip("[]")), p)')"
	check "$prefix: datagrams" in_pod python3 "$here/lib/udp.py" ask $MAPPED 4433 50 100 1350
	check "$prefix: ping" in_pod ping -q -c2 -i0.2 -W2 -s 1000 $MAPPED
	same "$prefix: sessions by their source" "$(count)" "$(count source $prefix)"
	same "$prefix: the echo's identifier is the client's" "" \
		"$(n46 -j session proto icmp | python3 -c 'import json, sys
print(*[s for s in json.load(sys.stdin) if s["sport4"] != s["sport6"]])')"
	same "$prefix: from the node itself" "$(embed $prefix 192.0.2.9)" \
		"$(client node $MAPPED --interface 192.0.2.9 | cut -d' ' -f1)"
	before=$(drops no-session)
	for addr in "$want" "${prefix%/*}"; do
		in_server socat -u - "UDP6-SENDTO:[$addr]:9" <<<hello
	done
	sleep 0.1
	same "$prefix: without a session, dropped by name" $((before + 2)) "$(drops no-session)"
	refute "$prefix: del is refused while sessions use it" n46 source del prefix $prefix
	check "$prefix: del force" n46 source del prefix $prefix force
	same "$prefix: no session is left" 0 "$(count)"
	ip -n router route del $prefix via $NODE6
	port=$((port + 1))
done

note "two addresses for one target, from one port"
PREFIX=3fff:460:46::/96
ip -n router route add $PREFIX via $NODE6
n46 source add prefix $PREFIX
n46 map add 198.18.0.8 to $SERVER6
same "the first flow" 30000 "$(udp_from pod $MAPPED 30000 | cut -d' ' -f2)"
before=$(drops no-port)
same "the second would have its tuple" "" "$(udp_from pod 198.18.0.8 30000 1 2>/dev/null)"
same "... dropped as no-port" $((before + 1)) "$(drops no-port)"
same "... from another port it opens" 30001 "$(udp_from pod 198.18.0.8 30001 | cut -d' ' -f2)"
n46 param set timeout-icmp 1
in_pod ping -q -c1 -W2 -e 4660 $MAPPED >/dev/null
sleep 2.5
check "... from the first as soon as that has expired" in_pod ping -q -c1 -W2 -e 4660 198.18.0.8
n46 param reset timeout-icmp

note "drain"
n46 session flush all >/dev/null
in_pod ping -q -c1 -W2 $MAPPED >/dev/null
check "source del drain" n46 source del prefix $PREFIX drain
same "it is draining" "prefix $PREFIX draining" "$(n46 source)"
before=$(drops no-source)
refute "draining: no new flow" client pod $MAPPED
check "... dropped as no-source" test "$(drops no-source)" -gt "$before"
n46 session flush all >/dev/null
check "it goes with its last session" wait_for 5 sh -c '[ -z "$(ip netns exec node nat46 source)" ]'

note "the well-known prefix takes global addresses alone"
ip -n router route add 64:ff9b::/96 via $NODE6
ip -n node route add 8.0.0.10/32 dev eni1
ip -n pod addr add 8.0.0.10/32 dev eth0
n46 source add prefix 64:ff9b::/96
before=$(drops not-global)
check "a private client is refused, and told" \
	sh -c "ip netns exec pod ping -c1 -W2 -I $POD4 $MAPPED | grep -q 'Packet filtered'"
same "... dropped as not-global" $((before + 1)) "$(drops not-global)"
same "a global one is served" "$(embed 64:ff9b::/96 8.0.0.10) 40000" \
	"$(client pod $MAPPED --interface 8.0.0.10 --local-port 40000)"
n46 source del prefix 64:ff9b::/96 force

note "from"
n46 source add dev wan
check "a prefix for one client" n46 source add prefix $PREFIX from $POD4/32
same "that one has it" "$(embed $PREFIX $POD4)" "$(client pod $MAPPED | cut -d' ' -f1)"
same "the other one has not" $NODE6 "$(client pod2 $MAPPED | cut -d' ' -f1)"
path_mtu 1280
same "a packet too big finds its session" "$(embed $PREFIX $POD4)" \
	"$(head -c 200000 /dev/zero | client pod $MAPPED --data-binary @- | cut -d' ' -f1)"
check "... and its client was told 1260" \
	sh -c "ip -n pod route get $MAPPED | grep -q 'mtu 1260'"
path_mtu 1500
in_pod ip route flush cache

note "a mapped prefix"
for i in 100 107 1ff 207 307 308; do ip -n internet6 addr add 2001:db8:9::$i/64 dev eth0 nodad; done
check "map add a /24" n46 map add 198.18.4.0/24 to 2001:db8:9::100/120 name all.example
same "its first address" 2001:db8:9::100 "$(server pod 198.18.4.0)"
same "one in it" 2001:db8:9::107 "$(server pod 198.18.4.7)"
same "its last address" 2001:db8:9::1ff "$(server pod2 198.18.4.255)"
same "from the node itself" 2001:db8:9::107 "$(server node 198.18.4.7)"
check "ping" in_pod ping -q -c2 -i0.2 -W2 198.18.4.7
before=$(drops unmapped)
refute "the address behind it is unmapped" in_pod ping -q -c1 -W1 198.18.5.0
same "... by name" $((before + 1)) "$(drops unmapped)"
same "sessions carry its name" "$(count to 198.18.4.0/24)" "$(count name all.example)"
n46 map add 198.18.4.0/29 to 2001:db8:9::200/125
same "a longer prefix goes first" 2001:db8:9::207 "$(server pod 198.18.4.7)"
n46 map add 198.18.4.7 to 2001:db8:9::308 proto me
same "an address goes before all" 2001:db8:9::308 "$(server pod 198.18.4.7)"
same "map show ADDR says which serves" "198.18.4.7 to 2001:db8:9::308 proto me" "$(n46 map show 198.18.4.7)"
n46 map del 198.18.4.7
same "without it, the longer prefix" 2001:db8:9::207 "$(server pod 198.18.4.7)"
n46 map replace 198.18.4.0/29 to 2001:db8:9::300/125
same "re-pointed" 2001:db8:9::307 "$(server pod 198.18.4.7)"
n46 map del 198.18.4.0/29
same "without that, the shorter one" 2001:db8:9::107 "$(server pod 198.18.4.7)"
n46 map replace 198.18.4.0/24 to 2001:db8:9::100/120,2001:db8:9::200/120
seen=$(for p in $POD4 $POD24; do [ $p = $POD4 ] && ns=pod || ns=pod2; server $ns 198.18.4.7; server $ns 198.18.4.7; done | uniq -c | awk '{print $1}' | sort -u)
check "of two prefixes a client keeps one" test "$seen" = 2 -o "$seen" = 4
n46 map replace 198.18.4.0/24 to 2001:db8:9::100/120
n46 policy add deny 2001:db8:9::107/128
before=$(drops policy)
check "policy is asked for each address" \
	sh -c "ip netns exec pod ping -c1 -W2 198.18.4.7 | grep -q 'Packet filtered'"
same "... by name" $((before + 1)) "$(drops policy)"
same "... another one is served" 2001:db8:9::1ff "$(server pod 198.18.4.255)"
n46 policy del deny 2001:db8:9::107/128
check "map del" n46 map del 198.18.4.0/24
refute "gone" in_pod ping -q -c1 -W1 198.18.4.8

check "session flush all" n46 session flush all
same "no session is left" 0 "$(count)"
finish
