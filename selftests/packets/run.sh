#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# All packet cases in each mode, in a guest:
#   selftests/vm/run -- 'exec bash $NAT46_SRC/selftests/packets/run.sh'
# With arguments: run.py's, once; -m MODE...: in those. The modes from complete on (see run.py) need
# TESTMOD=1 in the environment of vm/run, which builds a module for them. PARTS=N: each
# mode has every Nth case, this one from the first, the next one from the second.
here=$(dirname "$(realpath "$0")")
# few buckets, long chains: a part of a key that nobody compares is noticed
insmod "$NAT46_KO" hashsize=64 || exit 1
sysctl -qw net.ipv4.icmp_msgs_per_sec=1000000 net.ipv4.icmp_msgs_burst=1000000
rc=0
once() {
	case $1 in
	complete | unnecessary | cloned | tight | nonlinear) insmod "${NAT46_KO%/*}/skbs.ko" make="$1" || rc=1 ;;
	# without headroom an established session's packet needs memory, too
	no-memory) insmod "${NAT46_KO%/*}/skbs.ko" make=tight || rc=1 ;;
	esac
	/usr/bin/python3 "$here/run.py" "$@" || rc=1
	local n
	for n in pod node internet6; do
		ip netns del $n
	done
	! grep -q ^skbs /proc/modules || rmmod skbs || rc=1
}
case ${1:-} in
-m)
	shift
	i=0
	for mode; do
		once "$mode" ${PARTS:+--part $((i % PARTS + 1))/$PARTS}
		i=$((i + 1))
	done ;;
'')
	for mode in default tx-off partial frags tap direct forward; do once $mode; done
	if [ -e "${NAT46_KO%/*}/skbs.ko" ]; then
		for mode in complete unnecessary cloned tight nonlinear; do once $mode; done
		[ ! -e /proc/self/fail-nth ] || once no-memory	# a kernel with fault injection
	fi ;;
*) once "$@" ;;
esac
rmmod nf_nat46 || rc=1
exit $rc
