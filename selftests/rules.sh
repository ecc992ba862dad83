#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The rules that sessions live by, and what settings change of a packet: made
# packets on both sides of the translator, none of them known to any stack. In a
# guest:
#   selftests/vm/run --kind uml -- 'bash $NAT46_SRC/selftests/rules.sh [NAME...]'
# With STEPS set (and --time-travel): random walks against a model, lib/model.py.
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/servers.sh"
. "$here/nat46.sh"

# few buckets are swept in no time, and have long chains
insmod "$NAT46_KO" ${STEPS:+hashsize=64} || exit 1
mkdir -p "$SRV"
net_up || exit 1
trap 'servers_down; net_down; rmmod nf_nat46' EXIT
# Addresses that no stack has: clients behind eni1 and eni2, targets on the
# IPv6-only side, and a range of sources that the router sends to the node.
for n in 1 2; do
	mac=$(ip netns exec "pod${n#1}" cat /sys/class/net/eth0/address)
	ip -n node route add 10.0.1.${n}0$n/32 dev eni$n
	ip -n node neigh add 10.0.1.${n}0$n lladdr "$mac" dev eni$n
done
mac=$(in_server cat /sys/class/net/eth0/address)
for n in 71 72 73; do ip -n router2 neigh add 2001:db8:9::$n lladdr "$mac" dev out; done
# what is to be summed up is summed up where it leaves
in_node ethtool -K wan tx off >/dev/null
in_node ethtool -K eni1 tx off >/dev/null
ip -n router route add 2001:db8:100::/64 via $NODE6
if [ -n "${STEPS-}" ]; then
	python3 -u "$here/lib/model.py" "$STEPS" "$@"
else
	python3 -u "$here/lib/rules.py" "$@"
fi
rc=$?
n46 session flush all >/dev/null
exit $rc
