#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# UDP in trains, as QUIC sends it: UDP_SEGMENT at the sender, UDP_GRO at the
# receiver, GRO of every kind on the node's devices. In a guest:
#   selftests/vm/run -- 'bash $NAT46_SRC/selftests/segments.sh'
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/servers.sh"
. "$here/nat46.sh"
MAPPED=198.18.0.7

# features PAIRS: of the ends of both links
features() {
	local nic
	for nic in pod:eth0 node:eni1 node:wan internet6:eth0; do
		ip netns exec "${nic%:*}" ethtool -K "${nic#*:}" "$@" >/dev/null 2>&1
	done
}

# watch_dev DEVICE; longest DEVICE FILTER: the longest UDP packet that the node's device saw
watch_dev() {
	in_node tcpdump -Z root --immediate-mode -Uni "$1" -s 96 -w "/run/$1.pcap" udp port 4434 2>/dev/null &
	taps="${taps:-} $!"
}
longest() {
	tcpdump -Z root -nr "/run/$1.pcap" -v "$2" 2>/dev/null | grep -o 'length:\? [0-9]*' |
		grep -o '[0-9]*' | sort -n | tail -n 1
}

# trains WHO TEXT WHOLE: WHOLE yes: a train must be one packet on both sides of us
trains() {
	local got b4 b6
	taps=
	watch_dev eni1
	watch_dev wan
	sleep 1
	got=$(ip netns exec "$1" python3 "$here/lib/segments.py" ask $MAPPED 4434 40 2>&1)
	if [ "$got" -gt 0 ] 2>/dev/null; then ok "$1, $2: 40 trains there and back"
	else not_ok "$1, $2: 40 trains there and back: $got"; fi
	sleep 0.3
	# shellcheck disable=SC2086 # numbers
	kill $taps
	# shellcheck disable=SC2086
	wait $taps 2>/dev/null
	b4=$(longest eni1 "src host $POD4") b6=$(longest wan "src host $NODE6")
	note "$1, $2: longest $got at the client, $b4 in on eni1, $b6 out on wan"
	case $3 in
	yes) check "$1, $2: trains go through in one piece" test "$got" -gt 5000 -a "${b6:-0}" -gt 5000 ;;
	came) check "$1, $2: trains come in one piece" test "${b4:-0}" -gt 2900 ;;
	esac
}

insmod "$NAT46_KO" || { not_ok "insmod"; finish; }
net_up || { not_ok "the network comes up"; finish; }
trap 'servers_down; net_down; rmmod nf_nat46' EXIT
mkdir -p "$SRV"
spawn internet6 python3 "$here/lib/segments.py" serve 4434
n46 pool add 198.18.0.0/16
n46 source add dev wan
n46 map add $MAPPED to $SERVER6
wait_for 5 listens internet6 4434

trains pod "UDP_SEGMENT" yes
trains node "UDP_SEGMENT" yes
# a device that takes trains of datagrams alone gets none that says it is TCP's as well
for nic in eni1 wan; do in_node ethtool -K $nic tso off >/dev/null; done
trains pod "UDP_SEGMENT, devices without TSO" yes
for nic in eni1 wan; do in_node ethtool -K $nic tso on >/dev/null; done
for nic in pod:eth0 internet6:eth0; do
	ip netns exec "${nic%:*}" ethtool -K "${nic#*:}" tx-udp-segmentation off gso off >/dev/null 2>&1
done
features gro on
trains pod "segments on the wire" no
features gro on rx-udp-gro-forwarding on
trains pod "put together by GRO" came
features rx-udp-gro-forwarding off rx-gro-list on
trains pod "put together as a list" came
trains node "put together as a list" no
for nic in eni1 wan; do in_node ethtool -K $nic tso off gso off tx-udp-segmentation off >/dev/null 2>&1; done
trains pod "a list, and devices that take segments only" came
finish
