#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Random packets by both ways out (packets/differ.py). In a guest:
#   selftests/vm/run -- 'N=20000 exec bash $NAT46_SRC/selftests/differ.sh'
here=$(dirname "$(realpath "$0")")
insmod "$NAT46_KO" hashsize=64 max_sessions=100000 || exit 1
sysctl -qw net.ipv4.icmp_msgs_per_sec=1000000 net.ipv4.icmp_msgs_burst=1000000
/usr/bin/python3 "$here/packets/differ.py" "${N:-20000}" ${SEED:+"$SEED"}
rc=$?
for n in pod node internet6; do ip netns del $n; done
rmmod nf_nat46 || rc=1
exit $rc
