#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sessions made and expired by the hundred thousand; unload and the end of
# network namespaces under traffic. In a guest; N is how many, ROUNDS how often.
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/nat46.sh"
N=${N:-100000}
ROUNDS=${ROUNDS:-50}
TARGETS=198.18.0.7,198.18.0.8

configure() {
	n46 pool add 198.18.0.0/16 &&
		n46 source add dev wan &&
		n46 map add 198.18.0.7 to $SERVER6 &&
		n46 map add 198.18.0.8 to 2001:db8:9::8
}
slab() { awk '$1 == "nf_nat46_session" {print $2}' /proc/slabinfo; } # active objects
none_left() { [ "$(count)" = 0 ]; }
# a slab whose objects have all been freed may keep a few in per-CPU lists
slab_empty() { sleep 0.5; echo 1 >/sys/kernel/slab/nf_nat46_session/shrink 2>/dev/null; [ "$(slab)" -le "$1" ]; }
splats() { dmesg >/run/dmesg; "$here/vm/scan-log" /run/dmesg; }

# The kernel patches its own code where the first hook of a kind comes or the
# last one goes; qemu's TCG may then run into the breakpoint that it puts there
# for a moment (int3, seen once in some hundred reloads). Somebody else has hooks.
keep_hooks() {
	ip netns add keep
	local f h
	for f in ip ip6; do
		ip netns exec keep nft add table $f keep
		for h in prerouting output; do
			ip netns exec keep nft "add chain $f keep $h { type filter hook $h priority 0; }"
		done
	done
}
keep_hooks
insmod "$NAT46_KO" max_sessions=600000 || exit 1
net_up || { not_ok "the network comes up"; finish; }
trap 'net_down; rmmod nf_nat46 2>/dev/null' EXIT
in_pod ip route flush cache
in_pod sysctl -qw net.ipv4.icmp_ratelimit=0
check "configure" configure
was=$(slab)

note "sessions"
n46 param set timeout-udp 600
in_pod python3 "$here/lib/flows.py" $POD4 $TARGETS "$N" >/run/sent
# one dev source has 24536 ports for each target
made=$(count)
note "$(cat /run/sent) flows sent, $made sessions, $(drops no-port) without a port, slab $(slab) objects"
same "each flow has a session of its own, or no port was left" "$(cat /run/sent)" $((made + $(drops no-port)))
n46 source add addr 2001:db8:100::1-2001:db8:100::ff from $POD24/32
in_pod2 python3 "$here/lib/flows.py" $POD24 $TARGETS "$N" >/run/sent
made=$(count)
note "with 255 addresses: $made sessions, slab $(slab) objects, $(awk '$1=="nf_nat46_session"{print $4}' /proc/slabinfo) bytes each"
check "$N sessions are live" test "$made" -ge "$N"
n46 param set timeout-udp 2
check "they expire" wait_for 90 none_left
check "the slab is back at its start ($was)" wait_for 60 slab_empty "$((was + 64))"
n46 param reset timeout-udp

note "rmmod under traffic, $ROUNDS times"
bad=0
ip netns exec pod python3 "$here/lib/flows.py" $POD4 $TARGETS 1 100000 >/dev/null &
flows=$!
ip netns exec pod ping -q -i0.01 198.18.0.7 >/dev/null &
pings=$!
for _ in $(seq "$ROUNDS"); do
	rmmod nf_nat46 || bad=1
	insmod "$NAT46_KO" || bad=1
	configure || bad=1
	sleep 0.1
done
same "rmmod, insmod, configure each time" 0 "$bad"
check "still translating after that" in_pod ping -q -c2 -i0.2 -W2 198.18.0.7
kill $flows $pings

# A node of few parts, since it is made so often: pod's link, and a way to IPv6
# that leads nowhere.
small_node() {
	ip netns add node &&
		ip link add eth0 netns pod type veth peer name eni1 netns node &&
		ip -n pod -batch - <<-END && ip -n node -batch - <<-END2
			link set eth0 up
			addr add $POD4/32 dev eth0
			route add default dev eth0
			neigh add 198.18.0.7 lladdr 02:00:00:00:00:01 dev eth0 nud permanent
			neigh add 198.18.0.8 lladdr 02:00:00:00:00:01 dev eth0 nud permanent
		END
			link set eni1 address 02:00:00:00:00:01 up
			route add $POD4/32 dev eni1
			link add wan type dummy
			link set wan up
			addr add $NODE6/64 dev wan nodad
			route add default via 2001:db8:1::1 dev wan
			neigh add 2001:db8:1::1 lladdr 02:00:00:00:00:02 dev wan nud permanent
		END2
}
no_link() { ! ip -n pod link show eth0; } # the namespace's end is the kernel's work
has_sessions() { [ "$(count)" -gt 0 ]; }

note "the end of a network namespace under traffic, $ROUNDS times"
net_down
ip netns add pod
bad=0 gone=0
for _ in $(seq "$ROUNDS"); do
	small_node && configure || bad=1
	ip netns exec pod python3 "$here/lib/flows.py" $POD4 $TARGETS 1 100000 >/dev/null &
	flows=$!
	wait_for 10 has_sessions && gone=$((gone + 1))
	ip netns del node
	sleep 0.1
	kill $flows
	wait $flows 2>/dev/null
	ip -n pod link del eth0 2>/dev/null
	wait_for 20 no_link || bad=1
done
same "set up again each time" 0 "$bad"
same "deleted with live sessions each time" "$ROUNDS" "$gone"
net_down
check "rmmod" rmmod nf_nat46
trap - EXIT

note "the module's parameters"
loaded_with() { # PARAMETER=VALUE...: what hashsize and max_sessions are then
	insmod "$NAT46_KO" "$@" && paste -d' ' /sys/module/nf_nat46/parameters/{hashsize,max_sessions}
	rmmod nf_nat46
}
mb=$(($(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo) / 1024))
buckets=65536
[ $mb -gt 1024 ] || buckets=16384
[ $mb -le 4096 ] || buckets=262144
same "by the machine's memory, $mb MB" "$buckets $((2 * buckets))" "$(loaded_with)"
same "hashsize=1: 64 at least" "64 128" "$(loaded_with hashsize=1)"
same "hashsize=100: a power of two" "128 256" "$(loaded_with hashsize=100)"
same "hashsize=33554432: half of it at most" "16777216 20" "$(loaded_with hashsize=33554432 max_sessions=20)"
insmod "$NAT46_KO" max_sessions=20
ip netns add pod
small_node
configure
explain() { n46 explain $POD4 198.18.0.8 udp 53 dev eni1 2>&1; }
in_pod python3 "$here/lib/flows.py" $POD4 198.18.0.7 19 >/dev/null
wait_for 5 eval '[ "$(count)" = 19 ]'
refute "max_sessions=20: with 19, explain sees room" grep -q max-sessions <<<"$(explain)"
in_pod python3 "$here/lib/flows.py" $POD4 198.18.0.7 30 >/dev/null
same "max_sessions=20: so many, and the others refused by name" "20 10" "$(count) $(drops max-sessions)"
check "... which explain says" grep -q max-sessions <<<"$(explain)"
net_down
ip -n pod link del eth0 2>/dev/null
check "rmmod" rmmod nf_nat46
insmod "$NAT46_KO" hashsize=64 max_sessions=20000
same "two CPUs in one of few buckets: no session is lost" 0 "$(python3 "$here/lib/crowd.py" 4)"
check "rmmod" wait_for 10 rmmod nf_nat46 # the network namespace goes first
same "nothing in the kernel log" "" "$(splats)"
finish
