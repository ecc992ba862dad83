#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The way back to a client: sessions of one share a route (client.c), which nobody
# is to notice. In a guest:
#   selftests/vm/run --kind uml -- 'exec bash $NAT46_SRC/selftests/wayback.sh'
#
#   client 10.0.1.10/32 === c1, c2 node out --- server 2001:db8:9::7
#
# Unlike in net.sh the node has no ip rules.
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/nat46.sh"
CLIENT=10.0.1.10
MAPPED=198.18.0.7
SERVER6=2001:db8:9::7

insmod "$NAT46_KO" || { not_ok "insmod"; finish; }
for n in client node server; do
	ip netns add $n
	ip -n $n link set lo up
	ip netns exec $n sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
done
for i in 1 2; do
	ip -n client link add e$i type veth peer name c$i netns node
	ip -n client link set e$i up
	ip -n node link set c$i up
	ip -n node addr add 10.0.$i.1/32 dev c$i
done
ip -n client addr add $CLIENT/32 dev lo
ip -n node link add out type veth peer name in netns server
ip -n node link set out up
ip -n server link set in up
ip -n node addr add 2001:db8:9::1/64 dev out nodad
ip -n server addr add $SERVER6/64 dev in nodad
# by DEVICE of ours and of the client's
by() {
	ip -n client route replace default via "10.0.$1.1" dev "e$1" onlink src $CLIENT
	ip -n node route replace $CLIENT/32 dev "c$1"
}
by 1
# datagrams that came to the client by its first device
ip netns exec client nft -f - <<-END
	table netdev t {
		chain i { type filter hook ingress device e1 priority 0; ip protocol udp counter; }
	}
END
by_first() { ip netns exec client nft list table netdev t | grep -o 'packets [0-9]*'; }
n46 -b - <<-END
	pool add 198.18.0.0/16
	source add dev out
	map add $MAPPED to $SERVER6
END
ip netns exec server python3 "$here/lib/udp.py" serve 7 &
seven=$!
ip netns exec server python3 "$here/lib/udp.py" serve 8 &
eight=$!
listens() { ip netns exec server ss -Hlun "sport = :$1" | grep -q .; }
wait_for 5 listens 7 && wait_for 5 listens 8
# asked PORT: by a socket of its own, so that it is a session of its own
asked() { ip netns exec client python3 "$here/lib/udp.py" ask $MAPPED "$1" 1 100 100; }

note "sessions beside each other"
for i in 1 2 3; do check "session $i" asked 7; done
same "each is there" 3 "$(count from $CLIENT/32)"
same "their answers came by the first device" "packets 3" "$(by_first)"

note "the client moves to another device"
by 2
check "a session beside those of before" asked 7
before=$(by_first)
for i in 1 2; do check "... and $i more" asked 7; done
same "nothing goes by the device that it has left" "$before" "$(by_first)"
by 1
check "back again" asked 7

note "a rule tells sessions apart"
check "rule add" ip -n node rule add pref 100 ipproto udp sport 7 lookup 100
ip -n node route add unreachable default table 100
check "one that it does not name" asked 8
before=$(drops src-check)
refute "one that it does, beside it" asked 7
check "... has no way back: src-check" [ "$(drops src-check)" -gt "$before" ]
check "the other kind still has" asked 8
ip -n node rule del pref 100
check "without the rule both have" asked 7

note "a forged source beside the client's own"
ip -n client route replace default via 10.0.2.1 dev e2 onlink src $CLIENT
before=$(drops src-check)
refute "the client's address, by another device" asked 7
check "... src-check" [ "$(drops src-check)" -gt "$before" ]
by 1

note "the device goes, whose route they share"
check "one more" asked 8
check "link del" timeout 5 ip -n node link del c1
by 2
check "by the other device it is served" asked 8
check "flush" n46 session flush all
same "no session is left" 0 "$(count)"
check "served after that" asked 8

kill $seven $eight
wait $seven $eight 2>/dev/null
for n in client node server; do ip netns del $n; done
check "rmmod" timeout 20 rmmod nf_nat46
finish
