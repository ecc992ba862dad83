#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# TCP bulk by iperf3 through the translator and through plain IPv6 forwarding
# on the same path, rounds interleaved. In a guest:
#   selftests/vm/run --icount --timeout 550 -- 'exec bash $NAT46_SRC/selftests/bench/tcp.sh'
# (nanoseconds are instructions there), or --kind uml for native time.
# BYTES a transfer (default 32M), ROUNDS (default 3).
here=$(dirname "$(dirname "$(realpath "$0")")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/nat46.sh"
. "$here/servers.sh"
BYTES=${BYTES:-32M}
ROUNDS=${ROUNDS:-3}
insmod "$NAT46_KO" || exit 1
net_up || exit 1
# a client that speaks IPv6, on a link like the pod's
ip netns add pod6
ip link add eth0 netns pod6 type veth peer name eni6 netns node
ip -n pod6 -batch - <<-END
	link set lo up
	link set eth0 up
	addr add 2001:db8:6::2/64 dev eth0 nodad
	route add default via 2001:db8:6::1 dev eth0
END
ip -n node -batch - <<-END
	link set eni6 up
	addr add 2001:db8:6::1/64 dev eni6 nodad
END
in_node sysctl -qw net.ipv6.conf.all.forwarding=1
ip -n router route add 2001:db8:6::/64 via $NODE6
n46 pool add 198.18.0.0/16
n46 source add dev wan
n46 map add 198.18.0.7 to $SERVER6
wait_for 10 ip netns exec pod6 ping -6 -q -c1 -W1 $SERVER6
mkdir -p "$SRV"
spawn internet6 iperf3 -s
wait_for 10 listens internet6 5201

# per_byte NETNS ADDR [-R]: nanoseconds a byte
per_byte() {
	ip netns exec "$1" iperf3 -J -c "$2" -n "$BYTES" ${3:+"$3"} 2>/dev/null | python3 -c '
import json, sys
e = json.load(sys.stdin)["end"]["sum_received"]
print("%.4f" % (e["seconds"] * 1e9 / e["bytes"]))'
}
for dir in "" -R; do
	per_byte pod6 $SERVER6 $dir >/dev/null
	per_byte pod 198.18.0.7 $dir >/dev/null
	for r in $(seq "$ROUNDS"); do
		v6=$(per_byte pod6 $SERVER6 $dir)
		x=$(per_byte pod 198.18.0.7 $dir)
		echo "round $r ${dir:-up} forward6 $v6 nat46 $x ratio $(python3 -c "print('%.4f' % ($x / $v6))")"
	done
done | tee /run/rounds
python3 - <<'END'
import statistics
for d in ("up", "-R"):
    r = [float(l.split()[-1]) for l in open("/run/rounds") if l.split()[2] == d]
    if r:
        print(f"# {d}: ratio to plain IPv6 forwarding: min {min(r):.4f} median {statistics.median(r):.4f} max {max(r):.4f}")
END
servers_down
